"""Budget line → workload → promise kept: what departments may spend, have spent, and did with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from dashboard.domain.fiscal_years import elapsed, left_out, part_before, touched
from dashboard.domain.intervals import wilson
from data_access.dimensions import account_class, department, program
from data_access.measures.costs import (
    budget_adopted,
    budget_amended,
    burn,
    cost_per_request,
    encumbered,
    spent,
    spent_on_events,
    work_done,
)
from data_access.measures.requests import closed, sla_compliance
from data_access.semantics import Answer, Query
from layouts import components as c
from layouts import html
from layouts.figures import words
from layouts.view import Context, Drawing, Over
from layouts.views.cost import asked

AHEAD = 0.05
"""So much more of the budget spent than of the year gone is worth a word."""
_BUDGET = (budget_adopted, budget_amended, spent, encumbered)
KINDS = {"salary": "Salaries", "benefits": "Benefits", "overtime": "Overtime", "contract": "Contracts",
         "supplies": "Supplies", "capital": "Capital", "indirect": "Indirect cost"}  # fmt: skip

STRIP = (
    Over(Query((burn, spent_on_events, closed, sla_compliance, cost_per_request, work_done)), touched),
    Over(Query((closed,)), part_before()),
)
LINES = (
    Over(Query((*_BUDGET, closed, sla_compliance), by=(department,)), touched),
    Over(Query((closed,), by=(department,)), part_before()),
    Over(Query(_BUDGET, by=(department, program)), touched),
)
BY_KIND = (Over(Query((budget_amended, spent, encumbered, spent_on_events), by=(account_class,)), touched),)


def draw_strip(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Which years are meant; spent and year gone; work and promises."""
    told, before = answers
    period = asked.years_of(context)
    if told is None or period is None or not told.value(budget_amended):
        return asked.nothing(context)
    gone, used = elapsed(period), told.value(burn)
    events, done = told.value(spent_on_events), told.value(closed)
    was = before.value(closed) if before else None
    moved = words.change(done, was)
    since = "no year before it in the data" if moved is None else f"{c.signed_share(moved)} on the same part before"
    of_events = f"{asked.cost(events, context)} of it on city events" if events else ""
    strip = c.strip(
        c.figure("Spent", asked.cost(told.value(spent), context), "",
                 of_events or f"of {asked.cost(told.value(budget_amended), context)}"),
        c.figure("Share of the budget", c.share(used), "", f"{c.share(gone)} of the {asked.years(period)} gone"),
        c.figure("Closed", c.count(done), "requests", since),
        c.figure("Promises kept", c.share(told.value(sla_compliance)), "",
                 f"n = {c.count(told.value('due'))} that fell due"),
        c.figure("A closed problem", asked.cost(told.value(cost_per_request), context), "by standard",
                 f"n = {c.count(told.value('work_costed'))} of {c.count(told.value(work_done))}, a problem told twice "
                 "counts once"),
    )  # fmt: skip
    text = (
        f"**{asked.named(period, context)}**, {period.sentence()}: money is known by the fiscal year, not by the day."
    )
    if gone := left_out(context.filters.period, context.clock):
        text += f" Without {words.listed(list(gone))}: not all of its work is in the data."
    left = asked.not_followed(context, ("department",))
    return Drawing(c.sentence(text + (f" {words.capital(left)}." if left else "")), body=strip)


def _programs(answer: Answer | None) -> dict[str, pd.DataFrame]:
    """The programs of each department that has more than one."""
    if answer is None:
        return {}
    frame = answer.frame
    frame = frame[frame[["budget_adopted", "budget_amended", "spent", "encumbered"]].abs().sum(axis=1) > 0]
    return {str(name): rows for name, rows in frame.groupby(department.name) if len(rows) > 1}


def _on_desk(said: str) -> html.Span:
    """A second line that a phone has no room for."""
    return html.Span(said, className="sub desk")


def _money_cells(row: Any, gone: float, context: Context, *, sub: bool = False) -> list[Any]:
    ordered = f"ordered {asked.cost(row.encumbered, context)}" if row.encumbered else ""
    return [
        c.twin(asked.cost(row.budget_amended, context), f"adopted {asked.cost(row.budget_adopted, context)}"),
        [asked.cost(row.spent, context), _on_desk(ordered)],
        _share_spent(row, gone, warns=not sub),
    ]


def _used(rows: Any) -> Any:
    """The share of the budget that is spent, of a row or of each row; NaN where there is no budget."""
    amended = rows.budget_amended
    return rows.spent / np.where(amended > 0, amended, np.nan)


def _share_spent(row: Any, gone: float, *, warns: bool = True) -> Any:
    """The share spent, marked where it runs ahead of the year."""
    used = float(_used(row))
    return c.status("near", c.share(used)) if warns and used > gone + AHEAD else c.share(used)


def draw_lines(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Each department: budget, spent, work, promises; its programs under it where it has several."""
    told, before, by_program = answers
    period = asked.years_of(context)
    if told is None or period is None:
        return asked.nothing(context)
    frame = told.frame[told.frame[["budget_amended", "budget_adopted", "spent"]].sum(axis=1) > 0]
    frame = frame.sort_values("spent", ascending=False)
    if frame.empty:
        return asked.nothing(context)
    gone, programs = elapsed(period), _programs(by_program)
    was = dict(zip(before.frame[department.name], before.frame["closed"], strict=True)) if before else {}
    lines: list[list[Any]] = []
    chosen: list[int] = []
    for row in frame.itertuples(index=False):
        if row.department in context.selected:
            chosen.append(len(lines))
        lines.append([
            c.toggle(row.department, context.filters, department.name, row.department),
            *_money_cells(row, gone, context), *_work_cells(row, was.get(row.department)),
        ])  # fmt: skip
        for part in programs[row.department].itertuples(index=False) if row.department in programs else ():
            if row.department in context.selected:
                chosen.append(len(lines))
            name = html.Span(f"· {part.program}", className="muted")
            lines.append([name, *_money_cells(part, gone, context, sub=True), "", ""])
    if len(frame) > 1:
        total = frame.sum(numeric_only=True)
        lines.append([
            "All together", *_money_cells(total, gone, context), *_work_cells(total, sum(was.values()) if was else None)
        ])  # fmt: skip
    columns = [
        c.Column("Department, program"), c.Column("Budget, amended", True, False), c.Column("Spent", True),
        c.Column(c.twin("Share spent", f"{asked.years(period)}: {c.share(gone)}"), True),
        c.Column(c.twin("Closed", "same part before"), True, on_phone=False),
        c.Column(c.twin("Promises", ["kept", html.Span(", 95 % interval", className="desk")]), True),
    ]  # fmt: skip
    body = c.table(columns, lines, caption="Budget, workload and promises by department", selected=chosen)
    shown = frame[frame[department.name].isin(context.selected)] if context.selected else frame
    used = _used(shown)
    ahead = shown.loc[used > gone + AHEAD, department.name].tolist()
    known = shown[shown["budget_amended"] > 0]
    part = c.share(known["spent"].sum() / known["budget_amended"].sum()) if len(known) else c.NOTHING
    time = asked.years(period)
    text = f"**{part}** of the budget is spent with **{c.share(gone)}** of the {time} gone; "
    if period.is_partial:
        who = f"{words.listed(ahead, 3)} {'is' if len(ahead) == 1 else 'are'}" if ahead else "nobody is"
        text += f"{who} well ahead of the {time}."
    else:
        over = shown.loc[used > 1, department.name].tolist()
        text += f"{words.listed(over, 3)} spent more than that." if over else "nobody spent more than they may."
    foot = words.foot(
        f"{asked.named(period, context)}, {period.sentence()}",
        f"▲ more than 5 points ahead of the {time}" if ahead else "",
        "promises as on Promises for these days",
        asked.not_followed(context, ("department",)),
    )
    return Drawing(c.sentence(text), body=body, foot=foot)


def _work_cells(row: Any, was: float | None) -> list[Any]:
    moved = words.change(row.closed, was)
    work = c.twin(c.count(row.closed), c.signed_share(moved) if moved is not None else "")
    if row.due < words.FEW:
        return [work, html.Span("too few", className="muted")]
    low, high = (float(x) for x in wilson(np.array(row.kept), np.array(row.due))[1:])
    return [work, [c.share(row.kept / row.due), _on_desk(f"{100 * low:.1f} to {100 * high:.1f}")]]


def draw_kinds(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """What the money went into, and which kinds of cost run ahead of the year."""
    (told,) = answers
    period = asked.years_of(context)
    if told is None or period is None or not told.frame["spent"].sum():
        return asked.nothing(context)
    frame, gone = told.frame.sort_values("spent", ascending=False), elapsed(period)
    most, total = frame["spent"].max(), frame["spent"].sum()
    lines = []
    for row in frame.itertuples(index=False):
        lines.append([
            KINDS.get(row.account_class, row.account_class), c.bar(row.spent / most if row.spent > 0 else 0),
            c.twin(asked.cost(row.spent, context), f"of {asked.cost(row.budget_amended, context)}"),
            _share_spent(row, gone),
        ])  # fmt: skip
    ahead = [KINDS.get(name, name) for name in frame.loc[_used(frame) > gone + AHEAD, account_class.name]]
    text = f"**{c.share(frame['spent'].iloc[0] / total)}** went into {_small(frame[account_class.name].iloc[0])}"
    if ahead:
        run = "run" if len(ahead) > 1 or ahead[0].endswith("s") else "runs"
        text += f"; {words.listed(ahead)} {run} ahead of the {asked.years(period)}"
    text += "."
    events = frame["spent_on_events"].sum()
    columns = [c.Column("Kind of cost"), c.Column("", on_phone=False), c.Column("Spent", True),
               c.Column(c.twin("Share spent", f"{asked.years(period)}: {c.share(gone)}"), True)]  # fmt: skip
    body = c.table(columns, lines, caption="Spending by kind of cost", className="rank")
    foot = words.foot(
        asked.named(period, context),
        f"{asked.cost(events, context)} on city events" if events else "no line names a city event",
        asked.not_followed(context, ("department",)),
    )
    return Drawing(c.sentence(words.capital(text)), body=body, foot=foot)


def _small(kind: str) -> str:
    return KINDS.get(kind, kind).lower()
