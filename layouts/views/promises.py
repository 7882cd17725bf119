"""Promises: do we do what we said, when we said?"""

from __future__ import annotations

import numpy as np

from dashboard.domain.intervals import wilson
from dashboard.domain.stretches import last_months
from data_access.dimensions import department, service_type
from data_access.measures.requests import (
    due,
    kept,
    opened_late,
    opened_no_promise,
    opened_not_due,
    opened_on_time,
    opened_overdue,
    sla_compliance,
    time_to_close,
)
from data_access.semantics import Answer, Query
from layouts import components as c
from layouts.figures import comparisons, series, words
from layouts.figures.comparisons import Dot, Kept
from layouts.figures.series import Line
from layouts.figures.steps import steps_of
from layouts.view import Context, Drawing, Over, Panel, View

MONTHS = last_months(13)
PARTS = (
    Line("opened_on_time", "on time", "ontime"),
    Line("opened_late", "closed late", "late"),
    Line("opened_overdue", "open, overdue", "overdue"),
    Line("opened_not_due", "not yet due", "notdue"),
)
SETTLED = 0.02
"""A month with a larger share undecided is not yet a result."""


def draw_months(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """What became of the requests opened in each month: on time, late, open and overdue, not yet due."""
    answer = answers[0]
    steps = steps_of(answer, MONTHS(context.filters.period, context.clock), context.clock)
    counts = np.array([steps.values(part.measure) for part in PARTS])
    totals = counts.sum(axis=0) if len(steps) else np.zeros(0)
    if not totals.sum():
        return words.nothing("No request was promised a time", context)
    with np.errstate(divide="ignore", invalid="ignore"):
        on_time, undecided = counts[0] / totals, counts[3] / totals
    settled = [i for i in range(len(steps)) if steps.is_whole[i] and totals[i] > 0 and undecided[i] <= SETTLED]
    text = "No month is decided yet."
    if settled:
        last, first = settled[-1], settled[0]
        nearly = "almost " if undecided[last] > 0 else ""
        text = (
            f"Of the requests opened in {steps.name(last)}, the last month that is {nearly}decided, "
            f"**{c.share(on_time[last])}** were closed on time"
        )
        text += f", against {c.share(on_time[first])} in {steps.name(first)}." if first != last else "."
    open_month = next((i for i in reversed(range(len(steps))) if steps.is_whole[i] and undecided[i] > SETTLED), None)
    if open_month is not None:
        name = steps.starts[open_month]
        text += (
            f" Of {name:%B}’s, **{c.share(undecided[open_month], 0)}** are still undecided: its bar is not yet a "
            f"result."
        )
    figure = series.stacked_shares(steps, PARTS, "Share of the month’s requests; n below")
    none = steps.values("opened_no_promise").sum()
    foot = words.foot(
        c.key(*((part.token, part.words) for part in PARTS)),
        f"n = {c.count(totals.sum())} requests opened in {len(steps)} months",
        "always up to 13 months; hatched: month to date",
        f"{c.count(none)} without a promise left out" if none else "",
    )
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_departments(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Each department's share kept with its interval, the whole city under them."""
    by, city = answers
    frame = by.frame[by.frame["due"] > 0]
    total = city.value("due")
    if not total:
        return words.nothing("No promise fell due", context)
    frame = frame.assign(share=frame["kept"] / frame["due"]).sort_values(["share", "due"], ascending=False)
    rows = [Kept(*row) for row in frame[["department", "kept", "due"]].itertuples(index=False, name=None)]
    target = context.city.promise_target_share
    whole = Kept("All departments", city.value("kept"), total) if len(rows) > 1 else None
    figure = comparisons.shares_with_intervals(rows, whole, target, context.selected)
    shown = next((row for row in rows if row.name in context.selected), None)
    if shown is not None:
        text = _one(shown, target)
    elif len(rows) == 1:
        text = _one(rows[0], target)
    elif target is not None:
        good = [row for row in rows if row.over / row.under >= target]
        text = f"**{len(good)}** of {len(rows)} departments keep {c.share(target, 0)} of their promises or more"
        sure = [row.name for row in rows if float(wilson(row.over, row.under).upper) < target]
        text += f"; surely below it {'is' if len(sure) == 1 else 'are'} {words.listed(sure[-3:])}." if sure else "."
    else:
        sure = [row for row in rows if row.under >= words.FEW] or rows
        best, last = sure[0], sure[-1]
        text = (
            f"From **{c.share(best.over / best.under)}** ({best.name}) to **{c.share(last.over / last.under)}** "
            f"({last.name}); the city has set no target."
        )
    foot = words.foot(
        "Bar: 95 % interval" + ("; tick: target" if target is not None else ""),
        comparisons.break_words(figure), "due in the period; not closed in time counts against",
    )  # fmt: skip
    figure["layout"]["height"] = 64 + (34 if len(rows) < 11 else 26) * (len(rows) + (whole is not None))
    return Drawing(c.sentence(text), figure, foot=foot)


def _one(row: Kept, target: float | None) -> str:
    low, high = (float(x) for x in wilson(row.over, row.under)[1:])
    share = row.over / row.under
    text = f"{row.name} kept **{c.share(share)}** ({c.share(low)} to {c.share(high)}) of {c.count(row.under)}"
    if target is None:
        return text + "."
    gap = 100 * (share - target)
    return f"{text}, {abs(gap):.1f} points {'above' if gap >= 0 else 'under'} the target of {c.share(target, 0)}."


def draw_types(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Volume against share kept, a dot for each service type in its department's colour and shape."""
    frame = answers[0].frame
    frame = frame[frame["due"] > 0]
    if frame.empty:
        return words.nothing("No promise fell due", context)
    groups = frame.groupby("department")["due"].sum().sort_values(ascending=False)
    home = frame.sort_values("due").groupby("service_type")["department"].last()
    sums = frame.groupby("service_type")[["kept", "due"]].sum()
    dots = [Dot(name, home[name], float(row.kept), float(row.due)) for name, row in sums.iterrows()]
    enough = [dot for dot in dots if dot.under >= words.FEW] or dots
    broken = sorted(enough, key=lambda dot: (dot.over - dot.under, dot.name))
    worst = [dot for dot in broken if dot.under > dot.over][:5]
    target = context.city.promise_target_share
    figure = comparisons.volume_against_share(
        enough, list(groups.index), [dot.name for dot in worst], target, context.selected
    )
    all_broken = sum(dot.under - dot.over for dot in dots)
    if worst:
        few = worst[:3]
        part = sum(dot.under - dot.over for dot in few) / all_broken
        text = (
            f"{words.listed([dot.name for dot in few])} {'accounts' if len(few) == 1 else 'account'} for "
            f"**{c.share(part, 0)}** of the {c.count(all_broken)} broken promises."
        )
    else:
        text = "Every promise that fell due was kept."
    hidden = len(dots) - len(enough)
    foot = words.foot(
        comparisons.shape_key(list(groups.index)),
        f"n = {c.count(frame['due'].sum())} that fell due", "line: 95 % interval",
        f"{hidden} types with fewer than {words.FEW} left out" if hidden else "",
        comparisons.break_words(figure, "yaxis"),
    )  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_times(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """How long types take, open requests included, beside the usual median of closed ones only."""
    frame = answers[0].frame
    frame = frame[frame["time_to_close_n"] > 0].sort_values("time_to_close_n", ascending=False)
    if frame.empty:
        return words.nothing("No requests", context)
    shown = frame[(np.arange(len(frame)) < 15) | frame["service_type"].isin(context.selected)]
    rows, differ = [], []
    for row in shown.itertuples(index=False):
        half, ninth, closed_only, n = (
            row.time_to_close,
            row.time_to_close_p90,
            row.time_to_close_ended_only,
            row.time_to_close_n,
        )
        few = n < words.FEW
        name = c.toggle(row.service_type, context.filters, service_type.name, row.service_type)
        value = [c.count(n)] + (
            ["too few", "", ""] if few else [_reached(half), _reached(ninth), c.duration(closed_only)]
        )
        rows.append([name, *value])
        if not few and closed_only == closed_only and (half != half or half > 1.5 * closed_only):
            differ.append(row.service_type)
    columns = [
        c.Column("Service type"), c.Column("Opened", is_number=True, on_phone=False),
        c.Column("Half done in", is_number=True), c.Column("Nine in ten in", is_number=True),
        c.Column("Half, closed only", is_number=True, on_phone=False),
    ]  # fmt: skip
    first = next((row for row in shown.itertuples(index=False) if row.time_to_close_n >= words.FEW), None)
    text = ""
    if first is not None:
        text = (
            f"Half of **{first.service_type}** are done in **{_reached(first.time_to_close)}**, nine in ten in "
            f"**{_reached(first.time_to_close_p90)}**."
        )
    if differ:
        text += (
            f" Counting only closed requests would make {words.listed(differ[:3])}"
            f"{' and others' if len(differ) > 3 else ''} look much quicker than they are."
        )
    at = [i for i, name in enumerate(shown["service_type"]) if name in context.selected]
    body = c.table(columns, rows, caption="Time to close by service type", selected=at)
    foot = words.foot(
        f"The {len(shown)} largest of {len(frame)} types" if len(frame) > len(shown) else f"{len(frame)} types",
        "opened in the period; still-open requests included (Kaplan–Meier)",
        "“not yet”: fewer than that are done so far",
    )
    return Drawing(c.sentence(text or "Too few requests of each type to say."), body=body, foot=foot)


def _reached(seconds: float) -> str:
    return "not yet" if seconds != seconds else c.duration(seconds)


VIEW = View(
    name="promises",
    title="Promises",
    question="Do we do what we said, when we said?",
    order=30,
    panels=(
        Panel(
            "months",
            "Do we keep the promise we made?",
            (
                Over(
                    Query(
                        (opened_on_time, opened_late, opened_overdue, opened_not_due, opened_no_promise), every="month"
                    ),
                    MONTHS,
                ),
            ),
            draw_months,
            width=12,
            selects="period",
            height=320,
        ),
        Panel(
            "departments",
            "Which departments keep theirs?",
            (Query((sla_compliance,), by=(department,)), Query((sla_compliance,))),
            draw_departments,
            width=5,
            selects=department,
            height=440,
        ),
        Panel(
            "types",
            "Which few types matter most?",
            (Query((kept, due), by=(service_type, department)),),
            draw_types,
            width=7,
            selects=service_type,
            height=440,
        ),
        Panel(
            "times",
            "How long does it take?",
            (Query((time_to_close,), by=(service_type,)),),
            draw_times,
            width=12,
            selects=service_type,
            height=480,
        ),
    ),
)
