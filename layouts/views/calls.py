"""Calls: how many people called, did we answer, and how long did they wait?"""

from __future__ import annotations

import numpy as np

from dashboard.domain.policy import Permission
from data_access.dimensions import hour_of_week, reason
from data_access.measures.contacts import (
    abandoned,
    abandoned_short,
    abandonment,
    answered,
    handle_time,
    offered,
    service_level,
    service_level_answered,
    service_level_early_counts,
    service_level_excl_early,
    service_level_excl_short,
    service_level_short_counts,
    speed_of_answer,
    wait,
)
from data_access.measures.contacts import contacts as all_contacts
from data_access.semantics import Answer, Query, Ratio
from layouts import components as c
from layouts.figures import events, grids, series, tables, words
from layouts.figures.series import Line
from layouts.figures.steps import steps_of
from layouts.view import Compared, Context, Drawing, Panel, View

VARIANTS: tuple[Ratio, ...] = (
    service_level, service_level_excl_early, service_level_early_counts, service_level_answered,
    service_level_excl_short, service_level_short_counts,
)  # fmt: skip
RAMP_BAD = [[0, "$hot-3"], [0.25, "$hot-2"], [0.5, "$hot-1"], [0.8, "$seq-1"], [1, "$seq-3"]]


def _points(now: Answer, before: Answer | None, measure: Ratio, context: Context) -> str:
    return words.points(now.value(measure), before.value(measure) if before else None, context)


def draw_strip(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Offered, answered in time, abandoned, speed of answer, handle time, each against the comparison."""
    now, before = answers
    n = now.value(offered)
    if not n:
        return words.no_contacts(context)
    city = context.city
    target = city.service_level_target_share
    level = now.value(service_level)
    goal = f"within {city.answer_within_s} s"
    against = f"target {c.share(target, 0)}" if target is not None else ""
    asa, old = now.value(speed_of_answer), before.value(speed_of_answer) if before else None
    faster = "of answered calls"
    if asa is not None and old is not None:
        way, other = "slower" if asa > old else "faster", context.filters.comparison().sentence()
        faster = f"{c.duration(abs(asa - old))} {way} than {other}" if abs(asa - old) >= 0.5 else f"as on {other}"
    volume = words.changed(n, before.value(offered) if before else None, context)
    level_words = "; ".join(part for part in (_points(now, before, service_level, context), against) if part)
    short = f"{c.count(now.value(abandoned_short))} within {city.short_abandon_s} s left out"
    strip = c.strip(
        c.figure("Calls offered", c.count(n), "", c.sentence(volume)),
        c.figure("Service level", c.share(level), goal, c.sentence(level_words)),
        c.figure("Hung up first", c.share(now.value(abandonment)), "", short),
        c.figure("Speed of answer", c.duration(asa), "on average", faster),
        c.figure("Handle time", c.duration(now.value(handle_time)), "on average", "talk, hold and wrap-up"),
    )  # fmt: skip
    return Drawing(body=strip)


def draw_volume(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Calls offered along time, and the part of them that hung up."""
    now, along = answers
    n = now.value(offered)
    if not n:
        return words.no_contacts(context)
    steps = steps_of(along, context.filters.period, context.clock)
    text = (
        f"Of **{c.count(n)}** calls, **{c.count(now.value(answered))}** were answered and "
        f"**{c.count(now.value(abandoned))}** "
        f"hung up while waiting"
    )
    other = n - now.value(answered) - now.value(abandoned)
    text += f"; {c.count(other)} ended otherwise (call-back, voicemail, overflow)." if other else "."
    lines = (Line("offered", "offered"), Line("answered", "answered", "cat-3"), Line("abandoned", "hung up", "overdue"))
    figure = events.shade(series.lines(steps, lines, f"Calls {steps.each}"), steps, context.events)
    key = c.key(*((line.token, line.words) for line in lines))
    foot = words.foot(key, f"n = {c.count(n)} calls offered in opening hours", events.told(figure))
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_level(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The share answered within the goal along time, with the target; the variant is named."""
    now, along = answers
    n = now.value("service_level_base")
    if not n:
        return words.no_contacts(context)
    steps = steps_of(along, context.filters.period, context.clock)
    city, level = context.city, now.value(service_level)
    target = city.service_level_target_share
    text = f"**{c.share(level)}** of calls were answered within {city.answer_within_s} seconds"
    if target is not None:
        values = steps.values("service_level")
        known = steps.is_whole & np.isfinite(values)
        met = int((values[known] >= target).sum())
        text += f", against a target of {c.share(target, 0)}; met in **{met}** of {int(known.sum())} {steps.every}s."
    else:
        text += "; the city has set no target."
    figure = series.lines(
        steps,
        (Line("service_level", "in time", over="served_in_time", under="service_level_base"),),
        "Share answered in time",
        share_axis=True,
        target=target,
    )
    events.shade(figure, steps, context.events)
    foot = words.foot(f"n = {c.count(n)} answered or abandoned", "every hang-up counts against it", events.told(figure))
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_variants(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The same calls counted the six ways service levels are counted."""
    now = answers[0]
    if not now.value("service_level_base"):
        return words.no_contacts(context)
    known = [(measure, now.value(measure)) for measure in VARIANTS]
    low, high = min(v for _, v in known if v is not None), max(v for _, v in known if v is not None)
    text = (
        f"The same calls give **{c.share(low)}** to **{c.share(high)}**, depending on what is done with people who "
        f"hang up. "
        f"This dashboard counts every hang-up against the city."
    )
    rows = [
        [c.twin(one.label, one.about), c.share(value), c.count(now.value(one.over)), c.count(now.value(one.under))]
        for one, value in known
    ]
    columns = [
        c.Column("Way of counting"),
        c.Column("Share", True),
        c.Column("Counted", True, False),
        c.Column("Of", True, False),
    ]
    body = c.table(columns, rows, caption="Service level, six ways of counting", selected=(0,))
    goal, short = context.city.answer_within_s, context.city.short_abandon_s
    return Drawing(c.sentence(text), body=body, foot=words.foot(f"Goal: {goal} s; short abandon: under {short} s"))


def draw_abandonment(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The share that hung up while waiting, along time."""
    now, along = answers
    n = now.value("offered_net")
    if not n:
        return words.no_contacts(context)
    steps = steps_of(along, context.filters.period, context.clock)
    text = (
        f"**{c.share(now.value(abandonment))}** hung up while waiting, **{c.count(now.value('abandoned_net'))}** "
        f"of {c.count(n)}."
    )
    values = steps.values("abandonment")
    known = steps.is_whole & np.isfinite(values)
    if known.sum() > 1:
        top = int(np.argmax(np.where(known, values, -1)))
        text += f" It was worst {steps.when(top)}, **{c.share(values[top])}**."
    line = Line("abandonment", "hung up", "overdue", over="abandoned_net", under="offered_net")
    figure = series.lines(steps, (line,), "Share that hung up", share_axis=True)
    short = f"hang-ups under {context.city.short_abandon_s} s left out of both"
    events.shade(figure, steps, context.events)
    return Drawing(
        c.sentence(text), figure, foot=words.foot(f"n = {c.count(n)} calls offered", short, events.told(figure))
    )


def draw_waits(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """How long callers waited: half and nine in ten, along time, those who hung up included."""
    now, along = answers
    n = now.value("wait_n")
    if not n:
        return words.no_contacts(context)
    steps = steps_of(along, context.filters.period, context.clock)
    half, ninth = now.value(wait), now.value("wait_p90")
    slow = "fewer than nine in ten were answered at all"
    if ninth is not None:
        slow = f"the slowest tenth waited **{c.duration(ninth)}** or more"
    text = f"Half of the callers were answered in **{c.duration(half)}**; {slow}."
    figure = series.lines(
        steps,
        (Line("wait", "half"), Line("wait_p90", "nine in ten", "cat-4")),
        "Minutes until answered",
        written=c.duration,
    )
    series.in_minutes(figure)
    events.shade(figure, steps, context.events)
    foot = words.foot(
        c.key(("series", "half"), ("cat-4", "nine in ten")),
        f"n = {c.count(n)}",
        "those who hung up count as not answered until then",
        events.told(figure),
    )
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_hours(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """When people call: calls in each hour of the week."""
    frame = answers[0].frame
    totals = grids.by_hour_of_week(frame, "offered")
    if not totals.sum():
        return words.no_contacts(context)
    period = context.filters.period
    hours = grids.hours_in(period.from_on, min(period.to_on, context.clock.end_on), context.city.tz)
    mean, said = grids.per_hour_words(totals, hours, "calls")
    mean = np.where(totals > 0, mean, np.nan)  # outside opening hours nothing is offered
    at = int(np.nanargmax(mean))
    text = f"The busiest hour is **{grids.busiest(mean)}** with **{mean[at]:,.0f}** calls on average."
    figure = grids.hour_of_week_grid(mean, said, context.selected)
    key = tables.ramp("few", f"{mean[at]:,.0f} an hour")
    return Drawing(
        c.sentence(text),
        figure,
        foot=words.foot(key, f"n = {c.count(totals.sum())} calls", "local time; empty: no calls offered"),
    )


def draw_hours_level(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """When callers wait too long: the share answered in time in each hour of the week."""
    frame = answers[0].frame
    over, under = (grids.by_hour_of_week(frame, name) for name in ("served_in_time", "service_level_base"))
    if not under.sum():
        return words.no_contacts(context)
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.where(under >= words.FEW, over / under, np.nan)
    said = [
        f"{c.share(a / b) if b >= words.FEW else 'too few to say'} of {c.count(b)} answered in time"
        for a, b in zip(over, np.where(under > 0, under, 1e-9), strict=True)
    ]
    text = "Too few calls in each hour to say."
    if np.isfinite(level).any():
        at = int(np.nanargmin(level))
        text = (
            f"Callers wait longest on **{grids.busiest(-level)}**: **{c.share(level[at])}** of {c.count(under[at])} "
            f"were answered in time."
        )
    figure = grids.hour_of_week_grid(level, said, context.selected, ramp=RAMP_BAD, limits=(0.0, 1.0))
    key = tables.ramp("none in time", "all in time", ("hot-3", "hot-2", "hot-1", "seq-1", "seq-3"))
    foot = words.foot(key, f"within {context.city.answer_within_s} s", f"empty: fewer than {words.FEW} calls")
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_reasons(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Why people get in touch, with the change."""
    now, before = answers
    frame = now.frame
    total = frame["contacts"].sum()
    if not total:
        return words.no_contacts(context)
    earlier = None
    if before is not None and before.frame["contacts"].sum():
        earlier = dict(zip(before.frame["reason"], before.frame["contacts"].astype(float), strict=True))
    rows, rest = tables.ranked_rows(frame["reason"], frame["contacts"], earlier, context.selected, 12)
    text = words.capital(
        f"**{rows[0].name}** comes first with **{c.count(rows[0].now)}** of {c.count(total)} contacts, "
        f"{c.share(rows[0].now / total)}."
    )
    blank = float(frame.loc[frame["reason"] == reason.missing, "contacts"].sum())
    note = f"{c.share(blank / total)} without a recorded reason" if blank else ""
    body = tables.ranked(rows, rest, context, reason, things="contacts")
    return Drawing(c.sentence(text), body=body, foot=words.foot(f"n = {c.count(total)} contacts, every channel", note))


_STRIP = Query((offered, service_level, abandonment, abandoned_short, speed_of_answer, handle_time))
_CALLS = Permission.READ_CONTACTS

VIEW = View(
    name="calls",
    title="Calls",
    question="Did we answer, and how long did people wait?",
    order=90,
    group="Contact centre",
    needs=_CALLS,
    panels=(
        Panel(
            "strip", "How did it go?", (_STRIP, Compared(_STRIP)), draw_strip, width=12, kind="strip", height=88,
            needs=_CALLS,
        ),
        Panel(
            "volume", "How many people called, and what became of it?",
            (Query((offered, answered, abandoned)), Query((offered, answered, abandoned), every="auto")),
            draw_volume, selects="period", needs=_CALLS,
        ),
        Panel(
            "level", "Did we answer in time?", (Query((service_level,)), Query((service_level,), every="auto")),
            draw_level, selects="period", needs=_CALLS,
        ),
        Panel(
            "abandonment", "Who gave up?", (Query((abandonment,)), Query((abandonment,), every="auto")),
            draw_abandonment, selects="period", needs=_CALLS,
        ),
        Panel(
            "waits", "How long did people wait?", (Query((wait,)), Query((wait,), every="auto")),
            draw_waits, selects="period", needs=_CALLS,
        ),
        Panel(
            "hours", "When do people call?", (Query((offered,), by=(hour_of_week,)),), draw_hours,
            selects=hour_of_week, height=232, needs=_CALLS,
        ),
        Panel(
            "hours-level", "When do they wait too long?", (Query((service_level,), by=(hour_of_week,)),),
            draw_hours_level, selects=hour_of_week, height=232, needs=_CALLS,
        ),
        Panel(
            "reasons", "Why do they get in touch?",
            (Query((all_contacts,), by=(reason,)), Compared(Query((all_contacts,), by=(reason,)))),
            draw_reasons, selects=reason, needs=_CALLS,
        ),
        Panel("variants", "What does “in time” mean?", (Query(VARIANTS),), draw_variants, needs=_CALLS),
    ),
)  # fmt: skip
