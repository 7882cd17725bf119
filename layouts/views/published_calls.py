"""Calls as published: what a telephone system tells of days or half-hours, for cities that give no single calls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dashboard.domain import methods
from dashboard.domain.policy import Permission
from dashboard.domain.stretches import last_months
from data_access.dimensions import LEVELS, hour_of_week, published_level, weekday
from data_access.measures.published_calls import (
    published_abandoned,
    published_abandonment,
    published_answered,
    published_handle_time,
    published_levels,
    published_offered,
    published_speed_of_answer,
)
from data_access.semantics import Answer, Query
from data_access.staffing import Staffed, Staffing
from layouts import components as c
from layouts.figures import events, series, shifts, words
from layouts.figures.series import Line
from layouts.figures.steps import steps_by, steps_of
from layouts.view import Compared, Context, Drawing, FromAddress, Over, Panel, View

_STRIP = Query((published_offered, published_answered, published_abandoned, published_abandonment,
                published_speed_of_answer))  # fmt: skip
MONTHS = last_months(13)
_FIRST_TOLD = len(LEVELS) // 2
"""Service levels under this step, of half the calls, are told together."""


def _nothing(context: Context) -> Drawing:
    return words.nothing("Nothing published of calls", context)


def draw_strip(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Offered, answered, abandoned and the speed of answer, each against the comparison."""
    now, before = answers
    n = now.value(published_offered)
    if not n:
        return _nothing(context)
    taken, left = now.value(published_answered), now.value(published_abandoned)
    share, wait = now.value(published_abandonment), now.value(published_speed_of_answer)
    slower = words.slower(wait, before.value(published_speed_of_answer) if before else None, context)
    volume = words.changed(n, before.value(published_offered) if before else None, context)
    moved = words.points(share, before.value(published_abandonment) if before else None, context)
    strip = c.strip(
        c.figure("Calls offered", c.count(n), "", c.sentence(volume)),
        c.figure("Answered", c.count(taken or None), "", f"{c.share(taken / n)} of those offered" if taken else ""),
        c.figure("Hung up", c.share(share), f"{c.count(left)} calls" if left else "", c.sentence(moved)),
        c.figure("Speed of answer", c.duration(wait), "on average", slower or "of answered calls"),
    )  # fmt: skip
    return Drawing(body=strip)


def draw_volume(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Calls offered, answered and abandoned along time."""
    now, along = answers
    n, taken, left = (now.value(one) for one in (published_offered, published_answered, published_abandoned))
    if not n:
        return _nothing(context)
    steps = steps_of(along, context.filters.period, context.clock)
    said = [f"**{c.count(number)}** {what}" for number, what in ((taken, "were answered"), (left, "hung up")) if number]
    text = f"Of **{c.count(n)}** calls, {' and '.join(said)}" if said else f"**{c.count(n)}** calls came in"
    if len(said) == 2 and (other := n - taken - left):
        text += f"; **{c.count(abs(other))}** " + ("are counted in neither" if other > 0 else "more than came in")
    lines = [
        line for number, line in (
            (n, Line("published_offered", "offered")), (taken, Line("published_answered", "answered", "cat-3")),
            (left, Line("published_abandoned", "hung up", "overdue")),
        ) if number
    ]  # fmt: skip
    figure = events.shade(series.lines(steps, lines, f"Calls {steps.each}"), steps, context.events)
    key = c.key(*((line.token, line.words) for line in lines))
    foot = words.foot(key, f"n = {c.count(n)} calls offered", "as published; added up, never made into calls",
                      events.told(figure))  # fmt: skip
    return Drawing(c.sentence(text + "."), figure, foot=foot)


def draw_abandonment(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The share that hung up along time."""
    now, before, along = answers
    n, share = now.value("published_offered_of_known"), now.value(published_abandonment)
    if not n:
        return _nothing(context)
    steps = steps_of(along, context.filters.period, context.clock)
    moved = words.points(share, before.value(published_abandonment) if before else None, context)
    text = f"**{c.share(share)}** of calls hung up" + (f", {moved}." if moved else ".")
    line = Line(
        "published_abandonment", "hung up", over="published_abandoned_of_known", under="published_offered_of_known"
    )
    figure = events.shade(series.lines(steps, (line,), "Share that hung up", share_axis=True), steps, context.events)
    foot = words.foot(f"n = {c.count(n)} calls offered", "short waits count as the publisher counts them",
                      events.told(figure))  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_speed(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """How long answered calls waited on average, along time."""
    now, before, along = answers
    n, wait = now.value("published_answered_with_wait"), now.value(published_speed_of_answer)
    if not n or wait is None:
        return _nothing(context)
    steps = steps_of(along, context.filters.period, context.clock)
    old = before.value(published_speed_of_answer) if before else None
    text = f"Answered calls waited **{c.duration(wait)}** on average"
    if old is not None:
        text += f", **{c.duration(old)}** {words.during(context.filters.comparison())}."
    else:
        text += "."
    line = Line("published_speed_of_answer", "on average")
    figure = series.lines(steps, (line,), "Minutes until answered", written=c.duration)
    series.in_minutes(figure)
    events.shade(figure, steps, context.events)
    foot = words.foot(
        f"n = {c.count(n)} calls answered", "averages weighted by the calls answered", events.told(figure)
    )
    return Drawing(c.sentence(text), figure, foot=foot)


def _middle(found: np.ndarray) -> np.ndarray:
    """The level that half of what was published reached, from how many reached which (levels × steps); else nan."""
    from_top = found[::-1].cumsum(axis=0)
    middle = len(LEVELS) - 1 - (from_top >= from_top[-1] / 2).argmax(axis=0)
    return np.where(from_top[-1] > 0, middle / len(LEVELS), np.nan)


def draw_level(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The service level that half of the days of each complete month reached."""
    steps = steps_by(
        answers[0], published_level.name, "published_levels", MONTHS(context.filters.period, context.clock),
        context.clock,
    )  # fmt: skip
    found = np.array([steps.columns.get(level, np.zeros(len(steps))) for level in LEVELS], float)
    if not found.sum():
        return words.nothing("No service level published", context)
    middle = _middle(found)
    told = np.flatnonzero(steps.is_whole & np.isfinite(middle))
    if not len(told):
        return Drawing("No month with service levels is complete yet.", is_empty=True)
    steps, middle = replace(steps, columns={"middle": middle}).only(told), middle[told]
    text = f"{words.capital(steps.when(-1))} half of the days reached **{c.share(middle[-1], 0)}** or more"
    text += f"; {c.share(middle[0], 0)} {steps.when(0)}." if len(told) > 1 else "."
    target = context.city.service_level_target_share
    line = Line("middle", "median<br>of days")
    figure = series.lines(steps, (line,), "Service level reached on half of the days", share_axis=True, target=target)
    events.shade(figure, steps, context.events)
    n = found[:, told].sum()
    foot = words.foot(f"n = {c.count(n)} published levels", "in steps of 5 %; complete months, up to 13",
                      events.told(figure))  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_levels(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """How many days (or hours) reached which service level, as published."""
    frame = answers[0].frame
    known = frame[frame["published_level"] != published_level.missing]
    counts = dict(zip(known["published_level"], known["published_levels"].astype(int), strict=True))
    found = np.array([counts.get(level, 0) for level in LEVELS])
    n = int(found.sum())
    if not n:
        return words.nothing("No service level published", context)
    parts = [*zip(LEVELS, found.tolist(), strict=True)][: _FIRST_TOLD - 1 : -1]
    parts.append(("under 50 %", int(found[:_FIRST_TOLD].sum())))
    most = max(one for _, one in parts)
    rows = [[name, c.count(one), c.share(one / n), c.bar(one / most)] for name, one in parts]
    middle = float(_middle(found[:, None])[0])
    text = f"On half of them the service level lay at **{c.share(middle, 0)}** or higher"
    target = context.city.service_level_target_share
    if target is not None and abs(target * 20 - round(target * 20)) < 1e-9:
        met = int(found[round(target * 20) :].sum())
        text += f"; **{c.count(met)}** of **{c.count(n)}** reached the target of {c.share(target, 0)}"
    heads = [c.Column("Service level"), c.Column("Days or hours", True), c.Column("Share", True), c.Column("")]
    body = c.table(heads, rows, caption="Published service levels")
    foot = words.foot(f"n = {c.count(n)} published levels", "how hang-ups count, the publisher decides: not averaged")
    return Drawing(c.sentence(text + "."), body=body, foot=foot)


def draw_weekdays(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Calls, hang-ups and waits by weekday."""
    frame = answers[0].frame
    frame = frame[(frame["weekday"] != weekday.missing) & (frame["published_offered"] > 0)]
    if not len(frame):
        return _nothing(context)
    offered = frame["published_offered"].to_numpy(float)
    total = offered.sum()
    rows = [
        [
            c.toggle(row["weekday"], context.filters, weekday.name, row["weekday"]), c.count(row["published_offered"]),
            c.share(row["published_offered"] / total), c.bar(row["published_offered"] / offered.max()),
            c.share(row["published_abandonment"]), c.duration(row["published_speed_of_answer"]),
        ]
        for row in frame.to_dict("records")
    ]  # fmt: skip
    top = frame.iloc[int(offered.argmax())]
    worst = frame.loc[frame["published_abandonment"].idxmax()] if frame["published_abandonment"].notna().any() else None
    text = f"Most call on **{top['weekday']}**, **{c.share(top['published_offered'] / total)}** of all calls"
    if worst is not None:
        text += f"; on **{worst['weekday']}** most hang up, **{c.share(worst['published_abandonment'])}**"
    heads = [
        c.Column("Weekday"), c.Column("Calls", True), c.Column("Share", True, False), c.Column("", on_phone=False),
        c.Column("Hung up", True), c.Column("Speed of answer", True),
    ]  # fmt: skip
    chosen = [i for i, name in enumerate(frame["weekday"]) if name in context.selected]
    body = c.table(heads, rows, caption="Calls by weekday", selected=chosen)
    foot = words.foot(f"n = {c.count(total)} calls offered", "click a weekday to choose it")
    return Drawing(c.sentence(text + "."), body=body, foot=foot)


def draw_needed(answers: tuple[Staffed | None, ...], context: Context) -> Drawing:
    """How many agents each hour of the week needs, where calls and the time they take are published by the hour."""
    (found,) = answers
    if found is None or not found.week.is_open.any():
        why = "No calls are published by the hour: how many agents an hour needs cannot be told from days."
        return Drawing(sentence=c.empty(why), is_empty=True)
    if not np.isfinite(found.floor.handle_s):
        why = "How long calls take is not published (talk, hold, wrap-up): how many agents they need cannot be told."
        return Drawing(sentence=c.empty(why), is_empty=True)
    week = found.week
    at = shifts.busiest(found)
    text = (
        f"To answer {shifts.goal(found.goal)}, **{shifts.when(found, at)}** needs most: **{week.needed_high[at]}** "
        f"agents on the phone in a busy week, **{week.needed[at]}** in a usual one. Bring single calls and a roster to "
        "compare."
    )
    figure = shifts.week(shifts.cells_of(found, "needed"), found.slots, week.is_open, context.selected, hours_each=1.0)
    target = "the city’s target" if found.has_target else "a usual target: the city has set none"
    foot = words.foot(
        shifts.key_of("needed"), f"n = {len(found.floor.weekday)} usual days {found.period.sentence()}", target,
        shifts.model(found), shifts.BUSY_WEEK,
    )  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


_NEEDS = Permission.READ_PUBLISHED_CALLS
_VOLUME = (published_offered, published_answered, published_abandoned)


def volume(width: int) -> Panel:
    """The card of how many people called, which Overview has too."""
    queries = (Query(_VOLUME), Query(_VOLUME, every="auto"))
    question = "How many people called, and what became of it?"
    return Panel("published-calls", question, queries, draw_volume, width=width, selects="period", needs=_NEEDS)


VIEW = View(
    name="published-calls",
    title="Calls as published",
    question="What does the telephone system say of our calls?",
    order=95,
    group="Contact centre",
    needs=_NEEDS,
    panels=(
        Panel(
            "strip", "How did it go?", (_STRIP, Compared(_STRIP)), draw_strip, width=12, kind="strip", height=88,
            needs=_NEEDS,
        ),
        volume(width=12),
        Panel(
            "abandonment", "Who gave up?",
            (Query((published_abandonment,)), Compared(Query((published_abandonment,))),
             Query((published_abandonment,), every="auto")),
            draw_abandonment, selects="period", needs=_NEEDS,
        ),
        Panel(
            "speed", "How long did people wait?",
            (Query((published_speed_of_answer,)), Compared(Query((published_speed_of_answer,))),
             Query((published_speed_of_answer,), every="auto")),
            draw_speed, selects="period", needs=_NEEDS,
        ),
        Panel(
            "level", "Does the service level hold?",
            (Over(Query((published_levels,), by=(published_level,), every="month"), MONTHS),),
            draw_level, selects="period", needs=_NEEDS,
        ),
        Panel(
            "levels", "How often was which service level reached?",
            (Query((published_levels,), by=(published_level,)),), draw_levels, needs=_NEEDS,
        ),
        Panel(
            "weekdays", "On which weekdays do people call, and wait?",
            (Query((published_offered, published_abandonment, published_speed_of_answer), by=(weekday,)),),
            draw_weekdays, width=12, selects=weekday, needs=_NEEDS,
        ),
        Panel(
            "needed", "How many agents does each hour need?",
            (FromAddress(lambda place: Staffing(as_published=True), (published_offered, published_handle_time)),),
            draw_needed, width=12, selects=hour_of_week, height=248, needs=_NEEDS,
            terms=(methods.NEEDED, methods.USUAL_WEEK),
        ),
    ),
)  # fmt: skip
