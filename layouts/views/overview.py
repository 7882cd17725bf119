"""Overview: how are we doing, and what changed?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from math import ceil, floor
from typing import Any, NamedTuple

import numpy as np

from dashboard.domain.filters import DAY, Filters, Period
from dashboard.domain.policy import Permission
from dashboard.domain.stretches import WHOLE_MONTHS, last_days, lately, running
from data_access.dimensions import department, service_type
from data_access.measures.contacts import abandonment, offered, service_level
from data_access.measures.requests import backlog, came_to_stand, closed, opened, overdue, sla_compliance
from data_access.semantics import Answer, Measure, Query
from layouts import components as c
from layouts import html
from layouts.figures import events, series, tables, verdicts, words
from layouts.figures.steps import Steps, steps_by, steps_of
from layouts.view import Compared, Context, Drawing, Event, Lately, Over, Panel, View
from layouts.views.published_calls import volume

STRETCHES = (
    ("day", "Day", False), ("week", "Week", False), ("month", "Month", True), ("quarter", "Quarter", False),
    ("fiscal-year", "Fiscal year", True),
)  # fmt: skip
ROWS = 12


RECENT = timedelta(days=14)
"""An event that ended longer than this before the period's end is no news."""
WEEKS_BEFORE = 8
"""So many of the same weekdays before an event say what would have come without it."""


def draw_event(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The latest event of the period's last days: how many more requests than on such days before; and all others."""
    every = _all_events(context)
    period = context.filters.period
    end = min(period.to_on, context.clock.last_on + DAY)
    recent = [one for one in events.of_days(context.events) if end - RECENT < one.end_on and one.start_on < end]
    if not recent:
        quiet = "There was no city event in the last days of the period."
        if every is None:
            return Drawing(
                sentence=f"{context.city.name} has recorded no storms, elections or other events.", is_empty=True
            )
        return Drawing(body=c.event_banner(quiet, every, is_quiet=True))
    event = recent[-1]
    if context.filters.left_out:
        text = f"**{event.name}, {events.days_of(event)}**, and the days of other events are left out of every count."
        back = c.link("Count them again", context.filters.switch("event_days", "in").to_search())
        return Drawing(body=c.event_banner(c.sentence(text), [back, every]))
    if event.kind == "data_gap":
        text = f"**{event.name}, {events.days_of(event)}.** How much came in then is not known."
        return Drawing(body=c.event_banner(c.sentence(text), every))
    steps = steps_of(answers[0], EVENT_DAYS(period, context.clock), context.clock)
    counts = dict(zip(steps.starts, steps.values("opened").tolist(), strict=True))
    text = f"**{event.name}, {events.days_of(event)}.** "
    came = sum(n for day, n in counts.items() if _is_in(day, event))
    more = _more_than_usual(event, counts, context)
    usual = f"the mean of the same weekdays of the {WEEKS_BEFORE} weeks before"
    came_in = "came in" if end >= event.end_on else f"came in by {(end - DAY).day} {end - DAY:%b}"
    if not came and abs(more or 0) < 1:
        return Drawing(
            body=c.event_banner(f"Nothing of this choice came in during {event.name}.", every, is_quiet=True)
        )
    if more is None:
        text += f"{words.plural(came, 'request')} {came_in}."
    elif abs(more) < max(5, 0.1 * (came - more)):
        text += f"{words.plural(came, 'request')} {came_in}, about as many as {usual}."
    else:
        way = "more" if more > 0 else "fewer"
        text += f"**{c.count(abs(more))}** {way} requests {came_in} than {usual}."
    days = Period(event.start_on, min(event.end_on, end))
    shown = (period.from_on, period.to_on) == (days.from_on, days.to_on)
    there = [
        None if shown else c.link("Show these days", context.filters.during(days).to_search()), " ",
        c.link("Leave event days out", context.filters.switch("event_days", "out").to_search()), every,
    ]  # fmt: skip
    return Drawing(body=c.event_banner(c.sentence(text), there))


YEAR = timedelta(days=365)
"""A change is looked at with so much of what was before it, and everything after."""


def _picture_of(event: Event, context: Context) -> Filters:
    """What to look at for an event: its days; of a change, the year before, all after, and only what it is about.

    What an event with days did may reach further than what it is about, so nothing else is narrowed.
    """
    clock, anew = context.clock, context.filters.cleared()
    if event in events.of_days(context.events):
        return anew.during(Period(max(event.start_on, clock.first_on), min(event.end_on, clock.last_on + DAY)))
    anew = anew.during(Period(max(event.start_on - YEAR, clock.first_on), clock.last_on + DAY))
    for name, values in event.about:
        anew = anew.choose(name, values)
    return anew


def _all_events(context: Context) -> html.Details | None:
    """Every event of the data, the latest first, each a link to its picture."""
    clock, days = context.clock, events.of_days(context.events)
    options = []
    for event in sorted(context.events, key=lambda one: one.start_on, reverse=True):
        if event.start_on > clock.last_on or event.end_on <= clock.first_on:
            continue
        when = events.days_of(event) if event in days else f"from {c.day(event.start_on)}"
        there = _picture_of(event, context).to_search()
        state = {"aria-current": "true"} if there == context.filters.to_search() else {}
        label = [event.name, html.Span(when, className="soft")]
        options.append(html.Li(c.link(label, there, className="option one", **{"data-closes": ""}, **state)))
    if not options:
        return None
    shut = html.Summary("All events", className="ctl", **{"aria-label": "All events and changes of the city"})
    listed = html.Div(html.Div(html.Ul(options), className="scroll"), className="options")
    return html.Details([shut, listed], id="pick-event", className="pick")


def _before_and_since(steps: Steps, context: Context) -> str:
    """“Since New parking meters, 1 Mar 2025, 77 a month; 112 before.” where the picture is that of a change."""
    days, shown = events.of_days(context.events), context.filters.to_search()
    changes = [one for one in context.events if one not in days and _picture_of(one, context).to_search() == shown]
    if not changes:
        return ""
    change, values = changes[-1], steps.values("opened")
    before = values[[whole and end <= change.start_on for whole, end in zip(steps.is_whole, steps.ends, strict=True)]]
    since = values[[
        whole and start >= change.start_on for whole, start in zip(steps.is_whole, steps.starts, strict=True)
    ]]  # fmt: skip
    if not len(before) or not len(since):
        return ""
    now, then = series.few(np.nanmean(since)), series.few(np.nanmean(before))
    return f" Since “{change.name}”, {c.day(change.start_on)}: **{now}** {steps.each}; before, {then}."


EVENT_DAYS = last_days(2 * RECENT.days + 7 * WEEKS_BEFORE)


def _is_in(day: date, event: Event) -> bool:
    return event.start_on <= day < event.end_on


def _more_than_usual(event: Event, counts: dict[date, float], context: Context) -> float | None:
    """How many more came in than the mean of the same weekdays before, other events' days left out; None if unknown."""
    found = 0.0
    for day in (day for day in counts if _is_in(day, event)):
        before = [day - timedelta(weeks=n) for n in range(1, WEEKS_BEFORE + 1)]
        usual = [
            counts[one] for one in before
            if one in counts and not any(_is_in(one, other) for other in events.of_days(context.events))
        ]  # fmt: skip
        if not usual:
            return None
        found += counts[day] - sum(usual) / len(usual)
    return found


def _lately(answer: Answer, context: Context) -> Steps:
    return steps_of(answer, lately(context.filters.period, context.clock), context.clock)


def _last_whole(steps: Steps) -> str:
    """“April”, or “the week from 12 Dec”: the last complete step."""
    start = steps.starts[int(np.flatnonzero(steps.is_whole)[-1])]
    return f"{start:%B}" if steps.every == "month" else f"the week from {start.day} {start:%b}"


def _tile(value: str, below: str, past: Steps, measure: Measure) -> Drawing:
    """A number, what to hold against it, the last months as a line, and whether the last whole one is unusual."""
    values = past.values(measure.name)
    seen = verdicts.usual(values[past.is_whole], measure)
    partial = bool(len(past)) and not past.is_whole[-1]
    spark = c.sparkline(
        [None if np.isnan(v) else float(v) for v in values],
        band=seen.band if seen else None,
        partial=partial,
        label=f"{measure.label}, {len(past)} {past.every}s",
    )
    verdict = None
    if seen is not None:
        last = past.starts[int(np.flatnonzero(past.is_whole)[-1])]
        when = f"in {last:%b}" if past.every == "month" else "that week"
        verdict = (seen.status, f"{seen.words} {when}")
    return Drawing(body=c.tile(value, c.sentence(below) if below else "", spark, verdict))


def _draw_count(answers: Sequence[Answer | None], context: Context, measure: Measure) -> Drawing:
    now, before, past = answers
    number = now.value(measure)
    if not number and context.clock.is_silent_on(context.filters.period):
        return _tile(c.NOTHING, "no data was received", _lately(past, context), measure)
    below = words.changed_shortly(number, before.value(measure) if before else None, context)
    return _tile(c.count(number), below, _lately(past, context), measure)


def draw_opened(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Requests opened, against the comparison."""
    return _draw_count(answers, context, opened)


def draw_closed(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Closings, against openings and reopenings: by as much the city's backlog shrinks or grows."""
    now, past = answers
    number, came = now.value(closed), now.value(came_to_stand)
    below = ""
    if number is not None and came is not None:
        below = f"**{c.signed(number - came)}** against openings"
    return _tile(c.count(number), below, _lately(past, context), closed)


def draw_kept(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Promises kept, against the city's target."""
    now, past = answers
    target, due = context.city.promise_target_share, now.value("due")
    parts = [f"target {c.share(target, 0)}" if target is not None else "", f"n {c.count(due)}"]
    value = c.share(now.value(sla_compliance)) if due else c.NOTHING
    below = " · ".join(part for part in parts if part) if due else "no promise fell due"
    return _tile(value, below, _lately(past, context), sla_compliance)


def draw_open(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Open at the end of the period, of which overdue."""
    now, past = answers
    below = f"of which **{c.count(now.value(overdue))}** overdue"
    return _tile(c.count(now.value(backlog)), below, _lately(past, context), backlog)


def draw_offered(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Calls offered, against the comparison."""
    if not answers[0].value(offered):
        return words.no_contacts(context, words.NO_CALLS)
    return _draw_count(answers, context, offered)


def draw_answered(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The share of calls answered within the goal, which is printed, against the target."""
    now, past = answers
    n = now.value("service_level_base")
    if not n:
        return words.no_contacts(context, words.NO_WAITS)
    target = context.city.service_level_target_share
    goal = f"{context.city.answer_within_s} s"  # in a line of the tile's width
    parts = [f"within {goal}"] if target is None else [goal, f"target {c.share(target, 0)}"]
    parts.append(f"n {c.count(n)}")
    parts.append(words.way_of_counting(context, shortly=True))
    value = c.share(now.value(service_level))
    return _tile(value, " · ".join(part for part in parts if part), _lately(past, context), service_level)


def draw_scorecard(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """A row for each of the largest service types, a column for each stretch up to the period's end."""
    target = context.city.promise_target_share
    pairs: list[dict[str, tuple[float, float]]] = []
    for answer in answers:
        frame = answer.frame
        kept, due = frame["kept"].astype(float), frame["due"].astype(float)
        pairs.append(dict(zip(frame["service_type"], zip(kept, due, strict=True), strict=True)))
    year, month = pairs[-1], pairs[2]
    if not sum(due for _, due in year.values()):
        return words.nothing("No promise fell due", context)
    ordered = sorted(year, key=lambda name: (-year[name][1], name))
    shown = [name for i, name in enumerate(ordered) if (i < ROWS or name in context.selected) and year[name][1] > 0]
    others = [name for name in ordered if name not in shown and year[name][1] > 0]

    def total(names: Sequence[str]) -> list[tuple[float, float]]:
        return [
            (sum(p.get(name, (0, 0))[0] for name in names), sum(p.get(name, (0, 0))[1] for name in names))
            for p in pairs
        ]

    goals = {name: context.target_of(name) for name in shown}
    differ = any(goal != target for goal in goals.values())

    def named(name: str) -> Any:
        link, goal = c.toggle(name, context.filters, service_type.name, name), goals[name]
        return c.twin(link, f"target {c.share(goal, 0)}" if goal is not None else "no target") if differ else link

    rows = [tables.Score(named(name), [p.get(name, (0.0, 0.0)) for p in pairs], goals[name]) for name in shown]
    if others:
        rows.append(tables.Score(f"{len(others)} more types", total(others), target))
    if len(rows) > 1:
        rows.append(tables.Score(c.sentence("**All types**"), total([*shown, *others]), target))
    columns = [(label, _since(step, context), on_phone) for step, label, on_phone in STRETCHES]
    chosen = [i for i, name in enumerate(shown) if name in context.selected]
    body = tables.scorecard("Service", columns, rows, chosen, "Promises kept, by service type and stretch of time")
    marks = [
        c.status("meets"), " ", c.status("near", "near, within five points"), " ", c.status("misses"), " ",
        c.status("unknown", f"fewer than {words.FEW} due"),
    ]  # fmt: skip
    has_goals = any(row.target is not None for row in rows)
    key = html.Span(marks, className="legend") if has_goals else "The city has set no target"
    which = ""
    if differ:
        which = "each type against its own target" + (
            "" if target is None else f", the last rows against {c.share(target, 0)}"
        )
    foot = words.foot(key, "% of requests that fell due, closed in time", "n = fell due", which)
    said = "their own target" if differ else f"the target of {c.share(target, 0)}" if target is not None else ""
    stretch = running("month")(context.filters.period, context.clock)
    name = f"{'so far ' if stretch.is_partial else ''}in {stretch.from_on:%B}"
    if context.selected:  # the chosen ones are what is spoken of, the others stay in the table
        goals = {one: context.target_of(one) for one in context.selected}
        month = {one: month.get(one, (0.0, 0.0)) for one in goals}
    return Drawing(_scorecard_words(goals, month, said, name, context.selected), body=body, foot=foot)


def _scorecard_words(
    goals: dict[str, float | None], month: dict[str, tuple[float, float]], said: str, name: str, chosen: Sequence[str]
) -> list[Any]:
    over = sum(kept for kept, _ in month.values())
    under = sum(due for _, due in month.values())
    when = f"{words.listed(list(chosen))}: {name}" if chosen else words.capital(name)
    if not under:
        return c.sentence(f"{when} no promise fell due.")
    head = f"{when} **{c.share(over / under)}** of {c.count(under)} promises were kept"
    if all(goal is None for goal in goals.values()):
        return c.sentence(f"{head}.")
    if len(goals) == 1:
        ((one, goal),) = goals.items()
        judged = {"meets": "which meets", "near": "which is within five points of", "misses": "which misses"}
        status = tables.status_of(*month[one], goal)
        verdict = f"{judged[status]} its target of {c.share(goal, 0)}" if status in judged else "too few to judge"
        return c.sentence(f"{head}, {verdict}.")
    found = {name: tables.status_of(*month.get(name, (0, 0)), goal) for name, goal in goals.items()}
    counts = {status: sum(1 for one in found.values() if one == status) for status in ("meets", "near", "misses")}
    known = sum(counts.values())
    if not known:
        return c.sentence(f"{head}; too few in each type to say more.")
    worst = sorted(
        (name for name, status in found.items() if status == "misses"),
        key=lambda name: month[name][0] / month[name][1],
    )[:3]  # fmt: skip
    meet = "service meets" if known == 1 else "services meet"
    text = (
        f"{head}. **{counts['meets']}** of {known} {meet} {said}, "
        f"**{counts['near']}** {'is' if counts['near'] == 1 else 'are'} within five points and "
        f"**{counts['misses'] or 'none'}** {'misses' if counts['misses'] == 1 else 'miss'} it by more"
    )
    by = ":" if len(worst) == counts["misses"] else ", most of all"
    return c.sentence(text + (f"{by} {words.listed(worst)}." if worst else "."))


def _since(step: str, context: Context) -> str:
    period = running(step)(context.filters.period, context.clock)
    return period.sentence() if step in ("day", "week") else f"from {c.day(period.from_on)}"


class Signal(NamedTuple):
    """A measure of one department or type whose last whole month or week lies outside its limits."""

    size: float
    words: str
    view: str
    dimension: str
    value: str
    seen: verdicts.Usual
    last: float
    unit: str


WATCHED = (
    # measure, divided by, what is said of it, the view that shows more, the total that must be large enough
    (opened, service_type, "{name}: **{value} opened**", "demand", "opened"),
    (sla_compliance, department, "{name}: **{value} of promises kept**", "promises", "due"),
    (backlog, department, "{name}: **{value} open**", "backlog", "backlog"),
)


def draw_changes(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The departments and types whose last whole month (or week) lies outside what is usual for them, largest first."""
    found: list[Signal] = []
    watched, last = 0, ""
    for answer, (measure, by, said, view, base) in zip(answers, WATCHED, strict=True):
        known, (sums,) = answer.sums(by.name, base)
        steps = len(answer.column(base)) / max(len(known), 1)
        names = sorted(name for name, n in zip(known, sums, strict=True) if n / steps >= words.FEW)
        if not names:
            continue
        past = steps_by(answer, by.name, measure.name, lately(context.filters.period, context.clock), context.clock)
        for name in names:
            values = past.values(name)[past.is_whole]
            seen = verdicts.usual(values, measure)
            if seen is None:
                continue
            watched += 1
            last = _last_whole(past)
            if seen.status != "same":
                spread = (seen.band[1] - seen.band[0]) or 1.0
                distance = max(seen.band[0] - values[-1], values[-1] - seen.band[1]) / spread
                text = said.format(name=name, value=c.number(values[-1], measure.unit))
                found.append(Signal(distance, text, view, by.name, name, seen, float(values[-1]), measure.unit))
    found.sort(key=lambda signal: -signal.size)
    found, all_found = found[:SIGNALS], len(found)
    if not watched:
        past = _lately(answers[0], context)  # of all types, each step many times
        text = f"What is unusual can be told after {WHOLE_MONTHS} whole {past.every}s of data; there are fewer so far."
        if len(set(np.array(past.starts)[past.is_whole])) > verdicts.FEWEST:
            text = f"Too few requests a {past.every} to tell what is unusual."
        if not any(answer.frame[base].sum() for answer, (*_, base) in zip(answers, WATCHED, strict=True)):
            return words.nothing("Nothing was opened, due or waiting", context)
        return Drawing(c.sentence(text), is_empty=True)
    text = f"None of {watched} watched numbers lay outside its usual band in {last}."
    if found:
        text = f"**{all_found}** of {watched} watched numbers lay outside their usual band in {last}"
        text += ", largest first." if all_found <= SIGNALS else f"; the {SIGNALS} largest:"
    quiet = html.P("Every watched number is within what is usual for it.", className="sub nothing-changed")
    kind = "changes" if len(found) > FEW_SIGNALS else "changes few"
    signals = html.Ul([_signal(one, context) for one in found], className=kind) if found else quiet
    points = tuple(([*_told(one), f"; {_usually(one)}"], _there(one, context)) for one in found)
    return Drawing(c.sentence(text), body=signals, foot=words.foot(BAND), points=points)


SIGNALS, FEW_SIGNALS = 10, 6
BAND = "Usual band: process limits of what went before; about two in a hundred fall outside by chance"


def usually(low: float, high: float, unit: str) -> str:
    """A band in words: of what is counted the whole numbers that lie in it, so that none of them is unusual."""
    if unit == "requests" and ceil(low) <= floor(high):
        low, high = ceil(low), floor(high)
    return f"usually {c.number(low, unit)} to {c.number(high, unit)}"


def _told(one: Signal) -> list[Any]:
    return [*c.sentence(one.words), f", {one.seen.words.lower()}"]


def _usually(one: Signal) -> str:
    return usually(*one.seen.band, one.unit)


def _there(one: Signal, context: Context) -> str:
    """The view that shows more of a signal, narrowed to what it is about."""
    return f"/{one.view}{context.filters.choose(one.dimension, (one.value,)).to_search()}"


def _signal(one: Signal, context: Context) -> html.Li:
    low, high = one.seen.band
    gap = 0.15 * (max(high, one.last) - min(low, one.last) or 1.0)
    reach = (min(low, one.last) - gap, max(high, one.last) + gap)
    return html.Li(
        [
            c.mark(one.seen.status),
            html.Div(
                [
                    html.Span(_told(one)),
                    html.Div(
                        [
                            c.interval_mark(low, high, one.last, reach, one.seen.status),
                            html.Span(_usually(one)),
                            c.link(one.view.capitalize(), _there(one, context)),
                        ],
                        className="ev",
                    ),
                ]
            ),
        ]
    )


def draw_calls(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Calls offered along time, and in words how many were answered in time."""
    now, before, along = answers
    if not now.value(offered):
        return words.no_contacts(context, words.NO_CALLS)
    steps = steps_of(along, context.filters.period, context.clock)
    against = words.changed(now.value(offered), before.value(offered) if before else None, context)
    text = f"**{c.count(now.value(offered))}** calls" + (f", {against}" if against else "")
    text += (
        f"; **{c.share(now.value(service_level))}** were answered within {context.city.answer_within_s} seconds and "
        f"**{c.share(now.value(abandonment))}** hung up first."
    )
    figure = series.over_time(steps, "offered", f"Calls {steps.each}", "calls")
    events.shade(figure, steps, context.events)
    # Calls that ended otherwise, and the shortest hang-ups, are not what the two shares are of.
    in_time = f"in time: of {c.count(now.value('service_level_base'))}, {words.way_of_counting(context)}"
    hung_up = f"hung up: of {c.count(now.value('offered_net'))}, under {context.city.short_abandon_s} s left out"
    foot = words.foot(
        series.key_of(figure), f"n = {c.count(now.value(offered))} calls", in_time, hung_up, events.told(figure)
    )
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_requests(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Requests opened along time."""
    now, before, along = answers
    number = now.value(opened)
    if not number:
        return words.nothing("No requests", context)
    steps = steps_of(along, context.filters.period, context.clock)
    against = words.changed(number, before.value(opened) if before else None, context)
    text = f"**{c.count(number)}** requests came in" + (f", {against}." if against else ".")
    if steps.every == "day" and len(steps) > 1:
        top = int(np.nanargmax(steps.values("opened")))
        text += f" The busiest day was {steps.name(top)} with **{c.count(steps.values('opened')[top])}**."
    text += _before_and_since(steps, context)
    figure = series.over_time(steps, "opened", f"Requests {steps.each}", "requests")
    events.shade(figure, steps, context.events)
    foot = words.foot(series.key_of(figure), f"n = {c.count(number)} requests", events.told(figure))
    return Drawing(c.sentence(text), figure, foot=foot)


def _tile_panel(
    name: str, question: str, measure: tuple[Measure, ...], draw: Any, compared: bool, **more: Any
) -> Panel:
    queries: list[Any] = [Query(measure)]
    if compared:
        queries.append(Compared(Query(measure[:1])))
    queries.append(Lately(Query(measure[:1])))
    return Panel(name, question, tuple(queries), draw, width=2, kind="tile", height=40, **more)


CALLS = {"needs": Permission.READ_CONTACTS}

VIEW = View(
    name="overview",
    title="Overview",
    question="How are we doing, and what changed?",
    order=10,
    path="/",
    panels=(
        Panel(
            "event",
            "Is anything out of the ordinary?",
            (Over(Query((opened,), every="day"), EVENT_DAYS),),
            draw_event,
            width=12,
            kind="plain",
            height=40,
            about=("events",),
        ),
        _tile_panel("opened", "Requests opened", (opened,), draw_opened, True),
        _tile_panel("closed", "Requests closed", (closed, came_to_stand), draw_closed, False),
        _tile_panel("kept", "Promises kept", (sla_compliance,), draw_kept, False, about=("promises",)),
        _tile_panel("open", "Open at the end", (backlog, overdue), draw_open, False),
        _tile_panel("offered", "Calls offered", (offered,), draw_offered, True, **CALLS),
        _tile_panel("answered", "Answered in time", (service_level,), draw_answered, False, **CALLS),
        Panel(
            "scorecard",
            "Which promises are we keeping?",
            tuple(Over(Query((sla_compliance,), by=(service_type,)), running(step)) for step, _, _ in STRETCHES),
            draw_scorecard,
            width=8,
            selects=service_type,
            height=480,
            about=("promises",),
        ),
        Panel(
            "changes",
            "What changed?",
            tuple(Lately(Query((measure,), by=(by,))) for measure, by, *_ in WATCHED),
            draw_changes,
            width=4,
            height=480,
            kind="short",
        ),
        Panel(
            "calls",
            "How many people called, and did we answer?",
            (
                Query((offered, service_level, abandonment)),
                Compared(Query((offered,))),
                Query((offered,), every="auto"),
            ),
            draw_calls,
            selects="period",
            **CALLS,
        ),
        Panel(
            "requests",
            "How many requests came in?",
            (Query((opened,)), Compared(Query((opened,))), Query((opened,), every="auto")),
            draw_requests,
            selects="period",
        ),
        volume(width=12),
    ),
)
