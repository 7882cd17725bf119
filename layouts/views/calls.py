"""Calls: how many people called, did we answer, and how long did they wait?"""

from __future__ import annotations

import numpy as np

from dashboard.domain.expected import Numbers
from dashboard.domain.policy import Permission
from dashboard.domain.stretches import last_days, told_after
from data_access.dimensions import asked_type, half_hour, hour_of_week, reason
from data_access.measures.contacts import (
    RETURNED_WITHIN_DAYS,
    SERVICE_LEVELS,
    abandoned,
    abandoned_short,
    abandonment,
    answered,
    answered_caller_unknown,
    answered_quick,
    answered_with_handle,
    came_back_share,
    contacts_per_request,
    first_contact_resolution,
    handle_time,
    hold_s,
    in_force,
    offered,
    repeat_contacts,
    service_level,
    speed_of_answer,
    status_calls,
    status_share,
    talk_s,
    wait,
    wrap_s,
)
from data_access.measures.contacts import contacts as all_contacts
from data_access.semantics import Answer, Query, Ratio
from layouts import components as c
from layouts.figures import events, expectation, grids, returning, series, stacks, surging, tables, words
from layouts.figures.series import Line
from layouts.figures.steps import Steps, seven_day_share, steps_of
from layouts.panels import ranked
from layouts.view import Compared, Context, Drawing, Lately, Over, Panel, View

HISTORY = last_days(expectation.HISTORY_DAYS)
SHORT_DAYS = 14
"""A period of two weeks or less is watched by the half-hour, against the thirteen weeks before it."""
LATELY = last_days(SHORT_DAYS + 7 * surging.BASE_WEEKS)
AFTER_RETURNING = told_after(RETURNED_WITHIN_DAYS, contacts=True)
RAMP_BAD = [[0, "$hot-3"], [0.25, "$hot-2"], [0.5, "$hot-1"], [0.8, "$seq-1"], [1, "$seq-3"]]


def _points(now: Answer, before: Answer | None, measure: Ratio, context: Context) -> str:
    return words.points(now.value(measure), before.value(measure) if before else None, context)


def draw_strip(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Offered, answered in time, abandoned, speed of answer, handle time, each against the comparison."""
    now, before = answers
    n = now.value(offered)
    if not n:
        return words.no_contacts(context, words.NO_CALLS)
    city = context.city
    target = city.service_level_target_share
    level = now.value(service_level)
    goal = f"within {city.answer_within_s} s"
    against = f"target {c.share(target, 0)}" if target is not None else ""
    custom = words.way_of_counting(context)
    asa = now.value(speed_of_answer)
    slower = words.slower(asa, before.value(speed_of_answer) if before else None, context)
    volume = words.changed(n, before.value(offered) if before else None, context)
    counted = f"n = {c.count(now.value('service_level_base'))}"
    moved = _points(now, before, service_level, context)
    level_words = "; ".join(part for part in (moved, counted, against, custom) if part)
    hung_up_words = f"n = {c.count(now.value('offered_net'))}"
    if now.value(abandoned_short):
        hung_up_words += f"; {c.count(now.value(abandoned_short))} under {city.short_abandon_s} s left out"
    strip = c.strip(
        c.figure("Calls offered", c.count(n), "", c.sentence(volume)),
        c.figure("Service level", c.share(level), goal, c.sentence(level_words)),
        c.figure("Hung up first", c.share(now.value(abandonment)), "", hung_up_words),
        c.figure("Speed of answer", c.duration(asa), "on average", slower or "of answered calls"),
        c.figure("Handle time", c.duration(now.value(handle_time)), "on average", "talk, hold and wrap-up"),
    )  # fmt: skip
    return Drawing(body=strip)


def draw_volume(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Calls offered along time, and the part of them that hung up."""
    now, along = answers
    n = now.value(offered)
    if not n:
        return words.no_contacts(context, words.NO_CALLS)
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
    now, before, along = answers
    n = now.value("service_level_base")
    if not n:
        return words.no_contacts(context, words.NO_WAITS)
    steps = steps_of(along, context.filters.period, context.clock)
    city, level = context.city, now.value(service_level)
    target = city.service_level_target_share
    text = f"**{c.share(level)}** of calls were answered within {city.answer_within_s} seconds"
    moved = _points(now, before, service_level, context)
    text += f", {moved}" if moved else ""
    if target is not None:
        values = steps.values("service_level")
        known = steps.is_whole & np.isfinite(values)
        met = int((values[known] >= target).sum())
        text += f", against a target of {c.share(target, 0)}"
        days = words.plain(words.plural(int(known.sum()), steps.every))
        text += f"; met in **{met}** of {days}." if known.sum() > 1 else "."
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
    custom = words.way_of_counting(context)
    foot = words.foot(f"n = {c.count(n)} calls", custom, events.told(figure))
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_variants(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The same calls counted the six ways service levels are counted; a link counts everything that way."""
    now, before = answers
    if not now.value("answered_or_abandoned"):
        return words.no_contacts(context, words.NO_WAITS)
    own, used = context.city.service_level_variant, in_force(context.filters, context.city.service_level_variant)
    values = {key: now.value(one) for key, one in SERVICE_LEVELS.items()}
    known = [value for value in values.values() if value is not None]
    text = (
        f"The same calls give **{c.share(min(known))}** to **{c.share(max(known))}**, depending on what is done with "
        f"people who hang up. In force on every view: **{words.way_of_counting(context)}**."
    )
    rows = []
    for key, one in SERVICE_LEVELS.items():
        name = one.label.removeprefix("Service level").lstrip(", ")
        marks = ["city’s own"] if key == own else []
        if key == used:
            action = "in force" if not marks else c.twin("in force", "city’s own")
        else:
            there = context.filters.switch("service_level", "city" if key == own else key)
            counted = c.link("Count this way", there.to_search())
            action = c.twin(counted, "city’s own") if marks else counted
        moved = _points_of(values[key], before.value(one) if before else None)
        rows.append([
            c.twin(words.capital(name), one.about), c.share(values[key]), moved, c.count(now.value(one.over)),
            c.count(now.value(one.under)), action,
        ])  # fmt: skip
    columns = [
        c.Column("Way of counting"), c.Column("Share", True), c.Column("Points", True, False),
        c.Column("Counted", True, False), c.Column("Of", True, False), c.Column("Used"),
    ]  # fmt: skip
    chosen = [list(SERVICE_LEVELS).index(used)] if used != own else []
    body = c.table(columns, rows, caption="Service level, six ways of counting", selected=chosen)
    goal, short = context.city.answer_within_s, context.city.short_abandon_s
    compared = context.filters.comparison()
    points = f"points: change on {compared.sentence()}" if compared and before else ""
    return Drawing(c.sentence(text), body=body, foot=words.foot(f"Goal: {goal} s; short: under {short} s", points))


def _points_of(now: float | None, before: float | None) -> str:
    if now is None or before is None:
        return c.NOTHING
    return f"{round(100 * (now - before), 1) + 0.0:+.1f}".replace("-", c.MINUS)


def draw_abandonment(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The share that hung up while waiting, along time."""
    now, before, along = answers
    n = now.value("offered_net")
    if not n:
        return words.no_contacts(context, words.NO_CALLS)
    steps = steps_of(along, context.filters.period, context.clock)
    text = (
        f"**{c.share(now.value(abandonment))}** hung up while waiting, **{c.count(now.value('abandoned_net'))}** "
        f"of {c.count(n)}"
    )
    moved = _points(now, before, abandonment, context)
    text += f", {moved}." if moved else "."
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
    now, before, along = answers
    n = now.value("wait_n")
    if not n:
        return words.no_contacts(context, words.NO_WAITS)
    steps = steps_of(along, context.filters.period, context.clock)
    half, ninth = now.value(wait), now.value("wait_p90")
    slow = "fewer than nine in ten were answered at all"
    if ninth is not None:
        slow = f"the slowest tenth waited **{c.duration(ninth)}** or more"
    text = f"Half of the callers were answered in **{c.duration(half)}**; {slow}"
    then = before.value("wait_p90") if before else None
    other = context.filters.comparison()
    text += f", {c.duration(then)} on {other.sentence()}." if then is not None and other else "."
    figure = series.lines(
        _with_calls(steps, context),
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


def _with_calls(steps: Steps, context: Context) -> Steps:
    """`steps` without the days on which nobody called, so that lines run on over closed days, but not over gaps."""
    kept = (steps.values("wait_n") > 0) | np.array([context.clock.is_in_gap(day) for day in steps.starts], bool)
    return steps.only(np.flatnonzero(kept))


def draw_hours(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """When people call: calls in each hour of the week."""
    frame = answers[0].frame
    totals = grids.by_hour_of_week(frame, "offered")
    if not totals.sum():
        return words.no_contacts(context, words.NO_CALLS)
    hours = grids.hours_known(context)
    mean, said = grids.per_hour_words(totals, hours)
    mean = np.where(totals > 0, mean, np.nan)  # outside opening hours nothing is offered
    at = int(np.nanargmax(mean))
    text = f"The busiest hour is **{grids.busiest(mean)}** with **{mean[at]:,.0f}** calls on average."
    figure = grids.hour_of_week_grid(mean, said, context.selected, template=grids.an_hour("calls"))
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
        return words.no_contacts(context, words.NO_WAITS)
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.where(under >= words.FEW, over / under, np.nan)
    said = [f"{c.share(a)} of {c.count(b)}" for a, b in zip(level, under, strict=True)]
    text = "Too few calls in each hour to say."
    if np.isfinite(level).any():
        at = int(np.nanargmin(level))
        text = (
            f"The fewest are answered in time on **{grids.busiest(-level)}**: **{c.share(level[at])}** of "
            f"{c.count(under[at])} calls."
        )
    figure = grids.hour_of_week_grid(
        level, said, context.selected, template="%{text} answered in time", ramp=RAMP_BAD, limits=(0.0, 1.0)
    )
    key = tables.ramp("none in time", "all in time", ("hot-3", "hot-2", "hot-1", "seq-1", "seq-3"))
    within = f"within {context.city.answer_within_s} s; {words.way_of_counting(context)}"
    foot = words.foot(key, within, f"empty: fewer than {words.FEW} calls")
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_half_hours(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """What became of the calls of each half-hour on a mean open day."""
    by_half, by_day = answers
    frame = by_half.frame
    if not frame["offered"].sum():
        return words.no_contacts(context, words.NO_CALLS)
    days = int((by_day.frame["offered"] > 0).sum())
    frame = frame[frame["offered"] >= words.FEW].reset_index(drop=True)
    if not len(frame):
        return words.nothing(f"Fewer than {words.FEW} calls in any half-hour", context)
    every = list(half_hour.ordered or ())
    places = [every.index(time) for time in frame["half_hour"]]
    shown = every[min(places) : max(places) + 1]
    frame = frame.set_index("half_hour").reindex(shown)
    calls, quick, taken, left = (
        frame[one].to_numpy(float) for one in ("offered", "answered_quick", "answered", "abandoned")
    )
    level = frame["service_level"].to_numpy(float)
    parts = (
        ("answered in time", quick, "series"), ("answered later", taken - quick, "series-raw"),
        ("hung up", left, "overdue"), ("ended otherwise", calls - taken - left, "cat-other"),
    )  # fmt: skip
    hover = [
        f"<b>{time}</b> {n / days:,.1f} calls a day, {c.share(share)} answered in time"
        for time, n, share in zip(shown, calls, level, strict=True)
    ]
    drawn = [stacks.Part(values / days, name, token) for name, values, token in parts if np.nansum(values) > 0]
    figure = stacks.times_of_day(shown, drawn, hover, "Calls in half an hour, mean of open days")
    is_rare = calls < 0.1 * np.nanmax(calls)  # the evening of a storm
    often = np.where(is_rare, np.inf, level)
    top, low = int(np.nanargmax(calls)), int(np.nanargmin(often))
    text = f"Most people call at **{shown[top]}**, **{calls[top] / days:,.1f}** in half an hour."
    if np.isfinite(often).any():
        of_those = "Of half-hours with at least a tenth as many, the" if is_rare.any() else "The"
        text += f" {of_those} fewest are answered in time at **{shown[low]}**, **{c.share(level[low])}**."
    key = c.key(*((part.token, part.words) for part in drawn))
    caveats = (f"n = {c.count(np.nansum(calls))} calls on {words.plain(words.plural(days, 'open day'))}",
               f"empty: fewer than {words.FEW} calls", words.way_of_counting(context))  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=words.foot(key, *caveats))


# ── Surges ──


def draw_surge(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The days, in a short period the half-hours, on which calls rose above what 999 of 1,000 such ones stay under."""
    along, history, lately = answers
    if not along.frame["offered"].sum():
        return words.no_contacts(context, words.NO_CALLS)
    if context.filters.period.days <= SHORT_DAYS:
        drawing = surging.half_hours(lately, history, context)
        if drawing is not None:
            return drawing
    return surging.days(history, context)


# ── What they call about, and how long it takes ──


def draw_status(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The share of answered calls that asked after a request already made, along time."""
    now, before, along = answers
    n = now.value(answered)
    if not n:
        return words.no_contacts(context, "No answered calls")
    steps = steps_of(along, context.filters.period, context.clock)
    calls = now.value(status_calls)
    text = f"**{c.share(now.value(status_share))}** of answered calls, {c.count(calls)}, asked “Where is my request?”"
    moved = _points(now, before, status_share, context)
    text += f", {moved}." if moved else "."
    line = Line("status_share", "ask after one", "cat-4", over="status_calls", under="answered")
    figure = series.lines(steps, (line,), "Share of answered calls", share_axis=True)
    events.shade(figure, steps, context.events)
    caveats = (
        f"n = {c.count(n)} calls answered",
        "a clear answer the first time would spare them",
        events.told(figure),
    )
    return Drawing(c.sentence(text), figure, foot=words.foot("", *caveats))


def draw_per_request(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """How often people get in touch for each request that comes in, along time."""
    now, before, along = answers
    people, requests = now.value("contacts"), now.value("opened")
    if not people or not requests:
        return words.nothing("No requests", context) if people else words.no_contacts(context)
    steps = steps_of(along, context.filters.period, context.clock)
    ratio = now.value(contacts_per_request)
    text = f"**{ratio:.2f}** contacts for each request that came in"
    old, compared = before.value(contacts_per_request) if before else None, context.filters.comparison()
    text += f", {old:.2f} on {compared.sentence()}." if old is not None and compared is not None else "."
    line = Line("contacts_per_request", "per request", over="contacts", under="opened")
    figure = series.lines(steps, (line,), "Contacts for each request", written=_two)
    events.shade(figure, steps, context.events)
    n = f"n = {c.count(people)} contacts, {c.count(requests)} requests"
    return Drawing(
        c.sentence(text), figure, foot=words.foot("", n, "about anything, on any channel", events.told(figure))
    )


def _two(value: float | None) -> str:
    return c.number(value, "ratio")


HANDLED = ((talk_s, "talk", "series"), (hold_s, "hold", "cat-2"), (wrap_s, "wrap-up", "series-2"))


def draw_handle(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Talk, hold and wrap-up of a mean answered call, along time."""
    now, before, along = answers
    if not now.value(answered):
        return words.no_contacts(context, "No answered calls")
    n = now.value(answered_with_handle)
    if not n:
        return words.nothing("No talk time was recorded", context)
    steps = steps_of(along, context.filters.period, context.clock)
    told = [one for one in HANDLED if now.value(one[0])]  # in all calls together nothing: it is not recorded
    text = f"An answered call takes **{c.duration(now.value(handle_time))}**"
    text += ": " * bool(told) + ", ".join(f"{c.duration(now.value(part) / n)} {name}" for part, name, _ in told)
    old = before.value(handle_time) if before else None
    compared = context.filters.comparison()
    if old is not None and compared is not None:
        moved = now.value(handle_time) - old
        way = "longer" if moved > 0 else "shorter"
        than = f"{c.duration(abs(moved))} {way} than" if abs(moved) >= 0.5 else "as long as"
        text += f"; {than} on {compared.sentence()}"
    calls = steps.known(answered_with_handle.name)
    parts = [
        stacks.Part(_mean_seconds(steps, steps.known(part.name), calls), name, token) for part, name, token in told
    ]
    unit = "Seconds a call, 7-day mean" if _is_smooth(steps) else f"Seconds a call, each {steps.every}"
    figure = stacks.stacked(steps, parts, unit, c.duration)
    events.shade(figure, steps, context.events)
    key = c.key(*((token, name) for _, name, token in told))
    lacking = " and ".join(one[1] for one in HANDLED if one not in told)
    wraps = "wrap-up counts where the call was answered" if now.value(wrap_s) else ""
    notes = (f"{lacking} not recorded" if lacking else "", wraps, stacks.key_of(steps), events.told(figure))
    foot = words.foot(key, f"n = {c.count(n)} calls answered and timed", *notes)
    return Drawing(c.sentence(text + "."), figure, foot=foot)


def _is_smooth(steps: Steps) -> bool:
    return steps.every == "day" and len(steps) > stacks.BARS


def _mean_seconds(steps: Steps, seconds: Numbers, calls: Numbers) -> Numbers:
    if _is_smooth(steps):
        return seven_day_share(seconds, calls)
    return np.divide(seconds, calls, out=np.full(len(calls), np.nan), where=calls > 0)


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


def draw_returns(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Which calls come back, by reason."""
    return returning.by_reason(answers, context, AFTER_RETURNING(context.filters.period, context.clock))


def draw_resolved(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Whether calls are resolved the first time, as agents say and as callers do."""
    return returning.along_time(answers, context, AFTER_RETURNING(context.filters.period, context.clock))


_STRIP = Query((offered, service_level, abandonment, abandoned_short, speed_of_answer, handle_time))
_HANDLED = Query((handle_time, answered, talk_s, hold_s, wrap_s))
_RETURNS = Query((came_back_share, first_contact_resolution, answered_caller_unknown), by=(reason,))
_VARIANTS = tuple(SERVICE_LEVELS.values())
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
            "level", "Did we answer in time?",
            (Query((service_level,)), Compared(Query((service_level,))), Query((service_level,), every="auto")),
            draw_level, selects="period", needs=_CALLS,
        ),
        Panel(
            "abandonment", "Who gave up?",
            (Query((abandonment,)), Compared(Query((abandonment,))), Query((abandonment,), every="auto")),
            draw_abandonment, selects="period", needs=_CALLS,
        ),
        Panel(
            "waits", "How long did people wait?",
            (Query((wait,)), Compared(Query((wait,))), Query((wait,), every="auto")),
            draw_waits, selects="period", needs=_CALLS,
        ),
        Panel(
            "half-hours", "At what time of day do they call, and wait?",
            (Query((offered, answered, answered_quick, abandoned, service_level), by=(half_hour,)),
             Query((offered,), every="day")),
            draw_half_hours, height=360, needs=_CALLS,
        ),
        Panel(
            "surge", "Did calls surge?",
            (Query((offered,)), Over(Query((offered,), every="day"), HISTORY),
             Over(Query((offered,), by=(half_hour,), every="day"), LATELY)),
            draw_surge, selects="period", needs=_CALLS,
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
        Panel(
            "returns", "Which calls come back?",
            (Over(_RETURNS, AFTER_RETURNING), Compared(_RETURNS, AFTER_RETURNING)), draw_returns, selects=reason,
            height=480, needs=_CALLS,
        ),
        Panel(
            "resolved", "Are calls resolved the first time?",
            (Lately(Query(returning.SHARES)),
             Over(Query((*returning.SHARES, answered_caller_unknown)), AFTER_RETURNING)),
            draw_resolved, selects="period", height=320, needs=_CALLS,
        ),
        ranked(
            "repeats", "About what do people get in touch again?", repeat_contacts, reason, limit=10,
            foot="the same person about the same reason within 7 days, on any channel", height=320,
        ),
        ranked(
            "status-types", "Which requests do they ask after?", status_calls, asked_type, limit=10,
            foot="“Where is my request?”, answered calls", height=480,
        ),
        Panel(
            "status", "How many calls only ask “Where is my request?”",
            (Query((status_share,)), Compared(Query((status_share,))), Query((status_share,), every="auto")),
            draw_status, selects="period", needs=_CALLS,
        ),
        Panel(
            "per-request", "How often must people get in touch?",
            (Query((contacts_per_request,)), Compared(Query((contacts_per_request,))),
             Query((contacts_per_request,), every="auto")),
            draw_per_request, selects="period", needs=_CALLS,
        ),
        Panel(
            "handle", "How long does a call take?",
            (_HANDLED, Compared(_HANDLED), Query((answered_with_handle, talk_s, hold_s, wrap_s), every="auto")),
            draw_handle, selects="period", height=400, needs=_CALLS, is_roomy=True,
        ),
        Panel(
            "variants", "What does “in time” mean?", (Query(_VARIANTS), Compared(Query(_VARIANTS))), draw_variants,
            width=12, needs=_CALLS,
        ),
    ),
)  # fmt: skip
