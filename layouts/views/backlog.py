"""Backlog: what is waiting, how old is it, and who has it? The department head's first screen."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from dashboard.domain.filters import DAY, Period
from dashboard.domain.stretches import day_before, last_months, last_whole_weeks
from data_access.dimensions import age_band, department, promise_band, team
from data_access.measures.requests import backlog, closed, opened, overdue, reopened
from data_access.semantics import Answer, Dimension, Query
from layouts import components as c
from layouts.figures import comparisons, events, series, tables, words
from layouts.figures.comparisons import Move
from layouts.figures.series import Line
from layouts.figures.steps import steps_of
from layouts.view import Accounted, Compared, Context, Drawing, Over, Panel, View

MONTHS = last_months(13)
WEEKS = 8
TEAMS = 11


def _said(day: date, beside: date | None = None) -> str:
    """“30 Apr”; with its year where the day `beside` it lies in another."""
    return f"{day.day} {day:%b}" + (f" {day.year}" if beside is not None and day.year != beside.year else "")


def _last_day(period: Period, context: Context) -> date:
    return min(period.to_on, context.clock.end_on) - DAY


def draw_strip(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Open and overdue, the change, how long it takes to clear, and how much is far past its promise."""
    now, start, earlier, weeks, bands = answers
    standing, late = now.value(backlog) or 0, now.value(overdue) or 0
    begin, end = start.value(backlog) or 0, _last_day(context.filters.period, context)
    share = c.share(late / standing) + " overdue" if standing else "nothing is open"
    before = None
    if earlier is not None and earlier.value(backlog):
        before = earlier.value(overdue) / earlier.value(backlog)
        share += f"; {c.share(before)} at the end of {context.filters.comparison().sentence()}"
    change = standing - begin
    status = "same" if not change else "misses" if change > 0 else "meets"
    counts = weeks.frame["closed"].to_numpy(float)
    pace = counts.mean() if len(counts) else 0.0
    clears = standing / pace if pace else None
    by_band = dict(zip(bands.frame["promise_band"], bands.frame["backlog"], strict=True))
    far, none = by_band.get("over 3 ×", 0), by_band.get("no promise", 0)
    strip = c.strip(
        c.figure("Open, of which overdue", c.count(standing), f"of which {c.count(late)}", share),
        c.figure(
            f"Change since {_said(context.filters.period.from_on - DAY, end)}", c.signed(change), "",
            c.status(status, "no change" if not change else "growing" if change > 0 else "shrinking"),
        ),
        c.figure(
            "Clears at this pace in", c.NOTHING if clears is None else f"{clears:,.1f}", "weeks" if clears else "",
            f"{c.count(pace)} closed a week, last {len(counts)} whole weeks, if nothing new came in",
        ),
        c.figure(
            "Over 3 × their promise", c.count(far), "",
            f"{c.share(far / standing)} of all open" if standing else "",
        ),
        c.figure("Without a promise", c.count(none), "", f"cannot be overdue; at the end of {_said(end)}"),
    )  # fmt: skip
    return Drawing(body=strip)


def draw_bridge(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Start + opened + reopened − closed = end, drawn only as it adds up; what does not is a move of its own."""
    start, flow, end = answers
    period = context.filters.period
    begin, final = start.value(backlog) or 0, end.value(backlog) or 0
    came, again, went = (flow.value(measure) or 0 for measure in (opened, reopened, closed))
    if not any((begin, final, came, again, went)):
        return words.nothing("Nothing was opened, closed or waiting", context)
    moves = [Move("Opened", came), Move("Reopened", again), Move("Closed", -went)]
    left_over = final - begin - came - again + went
    if left_over:
        moves.append(Move("Not explained", left_over))
    first, last = period.from_on - DAY, _last_day(period, context)
    figure = comparisons.bridge(
        (f"Open<br>{_said(first, last)}", begin), moves, (f"Open<br>{_said(last)}", final), "Requests"
    )
    change = final - begin
    head = (
        "It did not change" if not change else f"It {'grew' if change > 0 else 'shrank'} by **{c.count(abs(change))}**"
    )
    text = f"{head}: {c.count(came + again)} came in and {c.count(went)} went out."
    if left_over:
        text += f" **{c.signed(left_over)}** cannot be explained by the records: see the data’s notes."
    foot = words.foot(comparisons.bridge_sum(begin, moves, final), period.sentence())
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_trend(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Open at the end of each day, and the part of it that is overdue."""
    steps = steps_of(answers[0], context.filters.period, context.clock)
    if not len(steps) or not steps.values("backlog").any():
        return words.nothing("Nothing was open", context)
    values = steps.values("backlog")
    figure = series.of_which(
        steps, Line("backlog", "open"), Line("overdue", "overdue", "overdue"), f"Open at the end of the {steps.every}"
    )
    top, low = values.max(), values.min()
    place = f"between {c.count(low)} and {c.count(top)} in the period"
    if low < top and values[-1] in (low, top):
        place = "the most of the period" if values[-1] == top else "the fewest of the period"
    late = steps.values("overdue")[-1]
    text = (
        f"**{c.count(values[-1])}** requests are open, {place}; "
        f"**{c.share(late / values[-1]) if values[-1] else c.NOTHING}** are overdue."
    )
    events.shade(figure, steps, context.events)
    key = c.key(("series", "open"), ("overdue", "of which overdue"))
    foot = words.foot(key, events.told(figure), "drag along the axis to set the period")
    return Drawing(c.sentence(text), figure, foot=foot)


def _grid(frame: pd.DataFrame, rows: list[str], by: Dimension, band: Dimension) -> np.ndarray:
    table = frame.pivot_table(index=by.name, columns=band.name, values="backlog", aggfunc="sum", fill_value=0)
    return table.reindex(index=rows, columns=list(band.ordered), fill_value=0).to_numpy(float)


def draw_ages(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Ages by department: in days, and in multiples of what was promised."""
    totals, by_age, by_multiple = (answer.frame for answer in answers)
    totals = totals[totals["backlog"] > 0].sort_values(["backlog", "department"], ascending=[False, True])
    if totals.empty:
        return words.nothing("Nothing was open", context)
    rows = totals["department"].tolist()
    standing, late = totals["backlog"].to_numpy(float), totals["overdue"].to_numpy(float)
    ages, multiples = _grid(by_age, rows, department, age_band), _grid(by_multiple, rows, department, promise_band)
    body = tables.age_table(
        rows, standing, late, ages, age_band.ordered, multiples, promise_band.ordered, context, department
    )
    chosen = [i for i, name in enumerate(rows) if name in context.selected] or list(range(len(rows)))
    n, old, far = standing[chosen].sum(), ages[chosen, -1].sum(), multiples[chosen, 3].sum()
    who = f"{words.listed([rows[i] for i in chosen])}: " if context.selected and len(chosen) < len(rows) else ""
    text = (
        f"{who}**{c.count(old)}** of **{c.count(n)}** open requests are older than 180 days, and "
        f"**{c.count(far)}** have "
        f"waited more than three times what was promised."
    )
    if len(rows) > 1:
        worst = int(np.argmax(np.where(standing >= words.FEW, late / standing, -1)))
        text += f" The highest share overdue is at {rows[worst]}: **{c.share(late[worst] / standing[worst])}**."
    foot = words.foot(
        tables.ramp("few", "half of the row or more"),
        f"n = {c.count(standing.sum())} open", f"at the end of {_said(_last_day(context.filters.period, context))}",
        "age in calendar days",
    )  # fmt: skip
    return Drawing(c.sentence(text), body=body, foot=foot)


def draw_holders(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Who is holding the open requests, and how many of them are overdue."""
    frame = answers[0].frame
    frame = frame[frame["backlog"] > 0].sort_values(["backlog", "team"], ascending=[False, True])
    if frame.empty:
        return words.nothing("Nothing was open", context)
    n, late = frame["backlog"].sum(), frame["overdue"].sum()
    shown = frame[(np.arange(len(frame)) < TEAMS) | frame["team"].isin(context.selected)]
    rest = frame.drop(shown.index)
    names = shown["team"].tolist()
    whole, part = shown["backlog"].tolist(), shown["overdue"].tolist()
    if len(rest):
        names, whole, part = (
            [*names, f"{len(rest)} more"],
            [*whole, rest["backlog"].sum()],
            [*part, rest["overdue"].sum()],
        )
    figure = comparisons.of_which_rows(names, whole, part, context.selected)
    if len(rest):  # a sum of several is no value of the dimension
        for bars in figure["data"]:
            bars["customdata"][-1] = None
    worst = frame.assign(share=frame["overdue"] / frame["backlog"])[frame["backlog"] >= words.FEW]
    text = f"**{names[0]}** holds the most, **{c.count(whole[0])}** of {c.count(n)}"
    if len(worst) and late:
        top = worst.sort_values("share").iloc[-1]
        text += f"; of {c.count(top['backlog'])} at {top['team']}, **{c.share(top['share'], 0)}** are overdue."
    else:
        text += "."
    figure["layout"]["height"] = 24 + 32 * len(names)
    foot = words.foot(
        c.key(("overdue", "overdue"), ("seq-3", "in time or without a promise")), f"n = {c.count(n)} open"
    )
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_flow(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Opened against closed in each of the last thirteen months."""
    steps = steps_of(answers[0], MONTHS(context.filters.period, context.clock), context.clock)
    came = steps.values("opened") + steps.values("reopened") if len(steps) else np.zeros(0)
    went = steps.values("closed") if len(steps) else np.zeros(0)
    if not came.sum() + went.sum():
        return words.nothing("Nothing was opened or closed", context)
    whole = steps.is_whole
    ahead = int((went[whole] >= came[whole]).sum())
    text = f"In **{ahead}** of {int(whole.sum())} whole months at least as much was closed as came in."
    if not whole[-1]:
        text += f" So far in {steps.starts[-1]:%B}, **{c.count(went[-1])}** closed against **{c.count(came[-1])}**."
    frame = steps.frame.assign(came=came)
    steps = type(steps)(frame, steps.every, steps.period, steps.starts, steps.ends, steps.is_whole)
    figure = series.paired_bars(
        steps, (Line("came", "opened", "series-2"), Line("closed", "closed")), "Requests a month"
    )
    foot = words.foot(
        c.key(("series-2", "opened or reopened"), ("series", "closed")), "hatched: to date", "up to 13 months"
    )
    return Drawing(c.sentence(text), figure, foot=foot)


_STANDING = Query((backlog, overdue))

VIEW = View(
    name="backlog",
    title="Backlog",
    question="What is waiting, how old is it, and who has it?",
    order=40,
    panels=(
        Panel(
            "strip",
            "Where do we stand?",
            (
                _STANDING,
                Over(Query((backlog,)), day_before),
                Compared(_STANDING),
                Over(Query((closed,), every="week"), last_whole_weeks(WEEKS)),
                Query((backlog,), by=(promise_band,)),
            ),
            draw_strip,
            width=12,
            kind="strip",
            height=88,
        ),
        Panel(
            "bridge",
            "What moved the backlog?",
            (Over(Query((backlog,)), day_before), Accounted(Query((opened, reopened, closed))), Query((backlog,))),
            draw_bridge,
        ),
        Panel(
            "trend",
            "How much work is waiting?",
            (Query((backlog, overdue), every="auto"),),
            draw_trend,
            selects="period",
        ),
        Panel(
            "ages",
            "How old is it, and whose?",
            (
                Query((backlog, overdue), by=(department,)),
                Query((backlog,), by=(department, age_band)),
                Query((backlog,), by=(department, promise_band)),
            ),
            draw_ages,
            width=12,
            selects=department,
            height=384,
        ),
        Panel(
            "holders",
            "Who is holding them?",
            (Query((backlog, overdue), by=(team,)),),
            draw_holders,
            selects=team,
            height=384,
        ),
        Panel(
            "flow",
            "Are we keeping up?",
            (Over(Query((opened, reopened, closed), every="month"), MONTHS),),
            draw_flow,
            selects="period",
            height=384,
        ),
    ),
)
