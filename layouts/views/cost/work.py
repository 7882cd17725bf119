"""What a closed request costs by the standard of its type, and how much of what was spent that explains."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dashboard.domain.fiscal_years import part_before, touched
from data_access.dimensions import department, service_type
from data_access.measures.costs import (
    cost_per_request,
    spent,
    standard_hours,
    standard_labour,
    standard_materials,
    work_done,
)
from data_access.semantics import Answer, Query
from layouts import components as c
from layouts import html
from layouts.figures import words
from layouts.view import Context, Drawing, Over
from layouts.views.cost import asked

_WORK = (cost_per_request, work_done, standard_hours, standard_labour, standard_materials)
BY_DEPARTMENT = (
    Over(Query(_WORK, by=(department,)), touched),
    Over(Query((spent,), by=(department,)), touched),
)
BY_TYPE = (
    Over(Query(_WORK, by=(service_type,)), touched),
    Over(Query((cost_per_request,)), part_before()),
)
LISTED = 20


def _costed(told: Answer | None, context: Context) -> tuple[pd.DataFrame, str] | Drawing:
    """The rows with work, those that cost most first, and the fiscal years they are of; or why there are none."""
    period = asked.years_of(context)
    if told is None or period is None:
        return asked.nothing(context)
    if not told.frame["work_done"].sum():
        return words.nothing("No closed request", context)
    if told.frame["standard_cost"].sum():
        frame = told.frame[told.frame["work_done"] > 0].sort_values("standard_cost", ascending=False)
        return frame, asked.named(period, context)
    if not context.clock.books:
        return asked.nothing(context)
    why = (
        "No closed request has a standard cost. Bring the table activity_driver: for each service type hours, crew, "
        "what an hour costs, and materials (docs/importing.md)."
    )
    return Drawing(sentence=c.empty(why), is_empty=True)


def draw_departments(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Average cost by department with what it is made of, and its part of what the department spent."""
    told, money = answers
    found = _costed(told, context)
    if isinstance(found, Drawing):
        return found
    frame, years = found
    # What a part of the work costs is no part of what the whole department spent.
    narrowed = asked.not_followed(context, ("department",))
    if context.filters.setting("event_days") == "out":
        narrowed = "; ".join(filter(None, ("of every day, city events too", narrowed)))
    paid = dict(zip(money.frame[department.name], money.frame["spent"], strict=True)) if money and not narrowed else {}
    lines = [_line(row, paid.get(row.department), context) for row in frame.itertuples(index=False)]
    for line, name in zip(lines, frame[department.name], strict=True):
        line.insert(0, c.toggle(name, context.filters, department.name, name))
    known = frame["work_costed"].sum()
    total = frame["standard_cost"].sum()
    if len(frame) > 1:
        whole = frame.sum(numeric_only=True)
        lines.append(["All together", *_line(whole, sum(paid.values()) if paid else None, context)])
    columns = [
        c.Column("Department"), c.Column(c.twin("Problems closed", "cost known of"), True),
        c.Column(c.twin("Each costs", "hours of work"), True),
        c.Column(c.twin("Labour", "materials"), True, on_phone=False),
        c.Column(c.twin("Explains", "of what was spent"), True, on_phone=False),
    ]  # fmt: skip
    at = [i for i, name in enumerate(frame[department.name]) if name in context.selected]
    body = c.table(columns, lines, caption="Cost of a closed request by department", selected=at)
    shown = frame[frame[department.name].isin(context.selected)] if context.selected else frame
    n, cost = shown["work_costed"].sum(), shown["standard_cost"].sum()
    if not n:
        text = f"No standard tells what a closed problem of {words.listed(list(shown[department.name]), 3)} costs"
    else:
        text = f"By the standard of its type a closed problem costs **{asked.cost(cost / n, context)}** on average"
    if paid and n:
        spending = sum(paid.get(name, 0.0) for name in shown[department.name])
        share = c.share(cost / spending) if spending > 0 else c.NOTHING
        text += (
            f"; all of them together explain **{share}** of what "
            f"{'these departments' if len(shown) > 1 else shown[department.name].iloc[0]} spent"
        )
    foot = words.foot(
        f"{years}; n = {c.count(known)}, {asked.cost(total, context)}",
        "requests about one problem count once",
        "standard: hours × people × what an hour costs, and materials",
        "the rest is work nobody reports: rounds, planned work, offices, buildings",
        f"what was spent is {narrowed}" if narrowed else "",
    )
    return Drawing(c.sentence(text + "."), body=body, foot=foot)


def _line(row: Any, paid: float | None, context: Context) -> list[Any]:
    unknown = html.Span("not known", className="muted")
    closed = c.twin(c.count(row.work_done), c.share(row.work_costed / row.work_done, 0) if row.work_done else c.NOTHING)
    if not row.work_costed > 0:
        return [closed, unknown, "", ""]
    hours = f"{row.standard_hours / row.work_costed:.1f}{c.NBSP}h"
    explains = c.twin(c.share(row.standard_cost / paid), f"of {asked.cost(paid, context)}") if paid and paid > 0 else ""
    return [
        closed,
        c.twin(asked.cost(row.standard_cost / row.work_costed, context), hours),
        c.twin(asked.cost(row.standard_labour, context), asked.cost(row.standard_materials, context)),
        explains or c.NOTHING,
    ]


def draw_types(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The types on which most is spent by their standard: how many, and what one costs."""
    told, before = answers
    found = _costed(told, context)
    if isinstance(found, Drawing):
        return found
    frame, years = found
    total = frame["standard_cost"].sum()
    shown = frame[(frame["standard_cost"].rank(ascending=False, method="first") <= LISTED)
                  | frame[service_type.name].isin(context.selected)]  # fmt: skip
    most = shown["standard_cost"].max()
    lines = []
    for row in shown.itertuples(index=False):
        known = row.work_costed > 0
        lines.append([
            c.toggle(row.service_type, context.filters, service_type.name, row.service_type),
            c.bar(row.standard_cost / most if known else 0),
            asked.cost(row.standard_cost, context) if known else html.Span("not known", className="muted"),
            c.count(row.work_done),
            asked.cost(row.standard_cost / row.work_costed, context) if known else c.NOTHING,
        ])  # fmt: skip
    rest = frame[~frame.index.isin(shown.index)]
    if len(rest):
        part, n = rest["standard_cost"].sum(), rest["work_costed"].sum()
        lines.append([f"{len(rest)} more", "", asked.cost(part, context), c.count(rest["work_done"].sum()),
                      asked.cost(part / n if n else None, context)])  # fmt: skip
    columns = [c.Column("Service type"), c.Column("", on_phone=False), c.Column("Cost", True),
               c.Column("Closed", True, on_phone=False), c.Column("Each", True)]  # fmt: skip
    at = [i for i, name in enumerate(shown[service_type.name]) if name in context.selected]
    body = c.table(columns, lines, caption="Standard cost by service type", className="rank", selected=at)
    first = frame.iloc[0]
    text = f"**{first[service_type.name]}** takes most, **{c.share(first['standard_cost'] / total)}** of all."
    was = before.value(cost_per_request) if before and not context.selected else None
    n = frame["work_costed"].sum()
    moved = words.change(total / n if n else None, was)
    if moved is not None and abs(moved) < 0.001:
        text += " The mix of types is as dear as in the same part before."
    elif moved is not None:
        kind = "dearer" if moved > 0 else "cheaper"
        text += f" The mix of types is **{c.share(abs(moved))}** {kind} than in the same part before."
    uncosted = frame.loc[frame["work_costed"] == 0, service_type.name]
    foot = words.foot(
        years,
        f"n = {c.count(n)}",
        "standards are one for all years: only the mix moves the mean",
        f"{len(uncosted)} types without a standard" if len(uncosted) else "",
    )  # fmt: skip
    return Drawing(c.sentence(text), body=body, foot=foot)
