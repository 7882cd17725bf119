"""Staffing: who needs staff, and when? What each half-hour of a usual week asks for, beside who was there.

The reader's goal (which share within how many seconds, what shrinkage, how many years ahead) is part of the address.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from dashboard.domain import methods
from dashboard.domain import staffing as domain
from dashboard.domain.erlang import MOST_BUSY
from dashboard.domain.policy import Permission
from data_access.dimensions import WEEKDAYS, hour_of_week, weekday
from data_access.measures.contacts import offered, service_level
from data_access.measures.staffing import present_h, rostered_h
from data_access.staffing import (
    TARGETS,
    Changed,
    Compared,
    Growing,
    Grown,
    Opened,
    Opening,
    Staffed,
    Staffing,
    Targets,
    WhatIf,
)
from layouts import components as c
from layouts import html
from layouts.figures import shifts, words
from layouts.figures.shifts import Along
from layouts.view import Context, Drawing, FromAddress, Panel, Place, View

SHORT, SPARE = -0.5, 1.5
"""Half an agent too few is short; from one and a half too many there is one to spare."""
SHRINKAGES = (20, 25, 30, 35, 40)
YEARS = (1, 2, 3, 5)
SHOWN = {"difference": "Difference", "needed": "Needed", "there": "There"}
LISTED = 9
NEEDS = Permission.READ_AGENT_SPREAD


# ── what an address asks for ──


def _asked(place: Place, name: str, known: dict[str, Any]) -> Any:
    return known.get(place.get(name, ("",))[-1])


_GOALS = {f"{share:.0%}".rstrip("%") + f"-{within}": (share, within) for share, within in TARGETS}


def staffing_in(place: Place) -> Staffing:
    """The week an address asks for."""
    share, within = _asked(place, "target", _GOALS) or (None, None)
    shrinkage = _asked(place, "shrinkage", {str(one): one / 100 for one in SHRINKAGES})
    return Staffing(share, within, shrinkage)


def years_in(place: Place) -> int:
    """How many years ahead an address asks for."""
    return _asked(place, "years", {str(one): one for one in YEARS}) or YEARS[0]


def _of(make: Callable[[Place], Any]) -> FromAddress:
    return FromAddress(make, (offered, service_level, rostered_h, present_h))


# ── words ──


def _agents(number: float) -> str:
    return f"{number:.0f}" if abs(number - round(number)) < 0.05 else f"{number:.1f}"


def _base(found: Staffed) -> str:
    """“n = 75 usual days with calls 16 Feb – 17 May 2026”: no holidays and no events among them."""
    when = words.during(found.period).removeprefix("in the period ")
    return f"n = {found.days_with_calls} usual days with calls {when}"


def _nothing(found: Staffed | None, context: Context) -> Drawing | None:
    """What is said where there is nothing to work with: no calls, or nobody who said how long they take."""
    if found is None or not found.week.is_open.any():
        return words.no_contacts(context)
    if not np.isfinite(found.floor.handle_s):
        why = "How long calls take is not recorded (talk, hold, wrap-up): how many agents they need cannot be told."
        return Drawing(sentence=c.empty(why), is_empty=True)
    return None


def _who_is_unknown(found: Staffed) -> str:
    """Why nobody is told to have been there; nothing if somebody is."""
    if found.narrowed:
        return f"Agents answer every call: narrowed by {' and '.join(found.narrowed)}, they are not compared"
    if not (found.knows_roster or found.knows_present):
        return "Nobody told who was there: import a roster (agent_shift) or states (agent_state) to compare"
    return ""


def _links(context: Context, name: str, choices: list[tuple[str, str]], current: str) -> list[tuple[str, str, bool]]:
    """Choices of a parameter, as links; an empty value is the usual one."""
    return [(said, words.asking_for(context, name, value), value == current) for said, value in choices]


def _percent(text: str) -> str:
    return text.replace("%", f"{c.NBSP}%")


def _goal_groups(found: Staffed, context: Context) -> tuple[list[tuple[str, str, bool]], ...]:
    """What may be aimed at, and what shrinkage planned with."""
    own = found.own
    target, shrinkage = (context.place.get(name, ("",))[-1] for name in ("target", "shrinkage"))
    city = f"{'City' if found.has_target else 'Usual'}: {own.share:.0%} in {own.within_s:.0f} s"
    targets = [(_percent(city), "")]
    for key, goal in _GOALS.items():
        if goal != (own.share, own.within_s):
            targets.append((_percent(f"{goal[0]:.0%} in {goal[1]} s"), key))
    usual = _percent(f"Shrinkage: {own.shrinkage:.0%} {'measured' if found.is_measured else 'as usual'}")
    shrunk = [(usual, ""), *((_percent(f"{one}%"), str(one)) for one in SHRINKAGES)]
    return (
        _links(context, "target", targets, target if target in _GOALS else ""),
        _links(context, "shrinkage", shrunk, shrinkage if shrinkage in map(str, SHRINKAGES) else ""),
    )


# ── panels ──


def draw_strip(answers: tuple[Staffed | None, ...], context: Context) -> Drawing:
    """How many half-hours are short, what the week needs, and who was there."""
    (found,) = answers
    if (said := _nothing(found, context)) is not None:
        return said
    assert found is not None
    week, gap = found.week, found.gap()
    known = np.isfinite(gap)
    hours, there = week.hours(week.needed_high), week.hours(np.nan_to_num(found.answering))
    positions, most = domain.positions_of_week(week, week.needed_high, found.goal.shrinkage)
    rostered = float(np.nansum(week.rostered)) * week.width_s / 3600 * 52 / domain.PAID_HOURS
    short = int((gap < SHORT).sum())
    usual = int((found.answering - week.needed < SHORT)[known].sum())
    level = found.service_level
    strip = c.strip(
        c.figure("Half-hours short", c.count(short) if known.any() else c.NOTHING,
                 f"of {known.sum()}" if known.any() else "",
                 f"in a busy week; {usual} in a usual one" if known.any() else "who was there is not known"),
        c.figure("Needed on the phone", c.count(hours), "hours a week",
                 f"{c.count(there)} were taking calls" if known.any() else f"up to {week.needed_high.max()} at once"),
        c.figure("Positions", f"{positions:.1f}", "full-time",
                 f"for {shifts.goal(found.goal)}; {rostered:.1f} on the roster" if found.knows_roster else
                 f"for {shifts.goal(found.goal)}; up to {most} rostered at once"),
        c.figure("Shrinkage", c.share(found.own.shrinkage, 0), "of rostered time",
                 "breaks, training, meetings and the like" if found.is_measured else "taken as usual: not measured"),
        c.figure("Answered in time", c.share(level), f"within {found.own.within_s:.0f} s",
                 f"on usual days; target {c.share(found.own.share, 0)}" if found.has_target else
                 "on usual days; the city has set no target"),
    )  # fmt: skip
    return Drawing(body=strip)


def draw_week(answers: tuple[Staffed | None, ...], context: Context) -> Drawing:
    """The half-hours of the week: how many too few or too many, how many are needed, how many there were."""
    (found,) = answers
    if (said := _nothing(found, context)) is not None:
        return said
    assert found is not None
    week, gap = found.week, found.gap()
    known = np.isfinite(gap)
    shown = context.place.get("show", ("difference",))[-1]
    shown = shown if shown in SHOWN and known.any() else "difference" if known.any() else "needed"
    cells = shifts.cells_of(found, shown)
    figure = shifts.week(cells, found.slots, week.is_open, context.selected, week.width_s / 3600)
    unknown = _who_is_unknown(found)
    if known.any():
        short, spare = int((gap < SHORT).sum()), int((gap > SPARE).sum())
        text = (
            f"Of **{known.sum()}** half-hours with calls, **{short or 'none'}** {'is' if short == 1 else 'are'} short "
            f"in a busy week and **{spare or 'none'}** {'has' if spare == 1 else 'have'} agents to spare."
        )
        if short:
            at = _lowest(gap)
            text += (
                f" Most is missing on **{shifts.when(found, at)}**: **{week.needed_high[at]}** are needed, "
                f"**{_agents(found.answering[at])}** took calls."
            )
    else:
        at = shifts.busiest(found)
        text = (
            f"**{shifts.when(found, at)}** needs most: **{week.needed_high[at]}** agents on the phone in a busy week. "
            f"{unknown}."
        )
    key = shifts.key_of(shown)
    caveats = (_base(found), _how_counted(found, known.any()), shifts.model(found), unknown if known.any() else "")
    groups = _goal_groups(found, context)
    if known.any():
        kinds = _links(context, "show", [(said, "" if name == "difference" else name) for name, said in SHOWN.items()],
                       "" if shown == "difference" else shown)  # fmt: skip
        groups = (kinds, *groups)
    links = c.controls(*groups, label="What the cells show, the target, the shrinkage planned")
    return Drawing([*c.sentence(text), links], figure, foot=words.foot(key, *caveats))


def _how_counted(found: Staffed, is_known: bool) -> str:
    busy = shifts.BUSY_WEEK
    if not is_known:
        return busy
    if found.fit is None:
        return f"{busy}; taking calls: those present" if found.knows_present else f"{busy}; taking calls: by the roster"
    return f"{busy}; taking calls: {c.share(found.fit, 0)} of those there, as the service level tells (see below)"


def _lowest(gap: np.ndarray) -> tuple[int, int]:
    day, slot = np.unravel_index(int(np.nanargmin(gap)), gap.shape)
    return int(day), int(slot)


def draw_day(answers: tuple[Staffed | None, ...], context: Context) -> Drawing:
    """One weekday along its hours: needed, rostered, present and taking calls; the chosen one, or the shortest."""
    (found,) = answers
    if (said := _nothing(found, context)) is not None:
        return said
    assert found is not None
    day = _day_of(found, context)
    week, slots = found.week, np.flatnonzero(found.week.is_open[day])
    if not len(slots):
        return words.nothing(f"No calls on a {WEEKDAYS[day]}", context)
    shown = slice(int(slots[0]), int(slots[-1]) + 1)
    lines = [
        Along(values[day, shown], said, token, dash, width)
        for values, said, token, dash, width in (
            (week.rostered, "rostered", "cat-other", "dot", 2.0), (week.present, "present", "cat-5", "solid", 1.5),
            (found.answering, "taking calls", "series", "solid", 2.5),
        )
        if np.isfinite(values[day, shown]).any()
    ]  # fmt: skip
    figure = shifts.day(
        list(found.slots[shown]), week.needed[day, shown].astype(float), week.needed_high[day, shown].astype(float),
        lines,
    )  # fmt: skip
    gap = found.gap()[day]
    hours = week.width_s / 3600
    top = int(week.needed_high[day].argmax())
    most = week.needed_high[day, top]
    text = f"**{WEEKDAYS[day]}** needs most at **{shifts.clock(found.slots[top])}**, **{most}** agents"
    if np.isfinite(gap).any():
        missing, spare = (part * hours for part in _missing_and_spare(gap))
        text += f"; **{missing:.1f}** agent-hours are missing over the day, **{spare:.1f}** are to spare at other times"
    text += "."
    days = [
        (one[:3], context.filters.without(weekday.name).choose(weekday.name, [one]).to_search(), i == day)
        for i, one in enumerate(WEEKDAYS)
        if week.is_open[i].any()
    ]
    key = c.key(("late", "needed, usual to busy week"), *((line.token, line.words) for line in lines))
    caveats = (f"n = {week.weeks[day, 0]} {WEEKDAYS[day]}s", f"for {shifts.goal(found.goal)}", _who_is_unknown(found))
    links = c.controls(days, label="Weekday") if len(days) > 1 else None
    return Drawing([*c.sentence(text), links], figure, foot=words.foot(key, *caveats))


def _day_of(found: Staffed, context: Context) -> int:
    """The chosen weekday, or that of the chosen hour, else the one on which most is missing or needed."""
    if chosen := context.filters.chosen(weekday.name):
        return WEEKDAYS.index(chosen[0])
    if hours := context.filters.chosen(hour_of_week.name):
        return int(hours[0]) // 24
    gap = found.gap()
    if np.isfinite(gap).any():
        return int(np.argmin(np.nansum(np.where(gap < SHORT, gap, 0.0), axis=1)))
    return int(found.week.needed_high.sum(axis=1).argmax())


def draw_short(answers: tuple[Staffed | None, ...], context: Context) -> Drawing:
    """Where most is missing: half-hours in a row that are short, those with most missing hours first."""
    (found,) = answers
    if (said := _nothing(found, context)) is not None:
        return said
    assert found is not None
    gap = found.gap()
    if not np.isfinite(gap).any():
        return Drawing(sentence=c.empty(f"{_who_is_unknown(found)}."), is_empty=True)
    runs = _runs(gap)
    if not runs:
        text = f"No half-hour of a busy week is short of agents for {shifts.goal(found.goal)}."
        return Drawing(c.sentence(text), foot=words.foot("", _base(found)))
    hours = found.week.width_s / 3600
    missing = [-gap[day, first:end].sum() * hours for day, first, end in runs]
    order = sorted(range(len(runs)), key=lambda i: -missing[i])[:LISTED]
    rows = []
    for i in order:
        day, first, end = runs[i]
        there, needed = found.answering[day, first:end], found.week.needed_high[day, first:end]
        rows.append([
            c.twin(f"{WEEKDAYS[day][:3]} {shifts.clock(found.slots[first])}–{_until(found, end)}",
                   f"{(end - first) * hours:.1f} h".replace(".0", "")),
            c.count(float(needed.max())), f"{there.mean():.1f}", f"{missing[i]:.1f}",
        ])  # fmt: skip
    total = sum(missing)
    if rest := len(runs) - len(order):
        rows.append([f"{rest} more", "", "", f"{total - sum(missing[i] for i in order):.1f}"])
    text = f"**{_agents(total)}** agent-hours a week are missing in {words.plural(len(runs), 'stretch', 'stretches')}"
    spare = _missing_and_spare(gap)[1] * hours
    text += f"; **{spare:.0f}** {'is' if round(spare) == 1 else 'are'} to spare at other times." if spare >= 1 else "."
    heads = [c.Column(name, True) for name in ("Needed", "Taking calls", "Hours missing")]
    body = c.table([c.Column("When"), *heads], rows, caption="Where agents are missing")
    return Drawing(c.sentence(text), body=body, foot=words.foot("Needed at the most, taking calls on average", ""))


def _missing_and_spare(gap: np.ndarray) -> tuple[float, float]:
    """Agents missing where it is short, and to spare where there are some, added up over the half-hours so called."""
    return -float(gap[gap < SHORT].sum()), float(gap[gap > SPARE].sum())


def _until(found: Staffed, end: int) -> str:
    return shifts.clock(found.slots[end]) if end < len(found.slots) else "24:00"


def _runs(gap: np.ndarray) -> list[tuple[int, int, int]]:
    """Slots in a row of a weekday that are short: weekday, first slot, the slot after the last."""
    runs = []
    for day in range(7):
        short = np.concatenate([[False], np.nan_to_num(gap[day], nan=0.0) < SHORT, [False]]).astype(int)
        edges = np.diff(short)
        runs += [(day, int(a), int(b)) for a, b in
                 zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)]  # fmt: skip
    return runs


def draw_what_if(answers: tuple[Changed | None, ...], context: Context) -> Drawing:
    """One or two agents more or fewer in every half-hour: what callers would have met."""
    (found,) = answers
    if (said := _nothing(found.staffed if found else None, context)) is not None:
        return said
    assert found is not None
    staffed, tried = found.staffed, found.outcomes
    now, more, fewer = tried[0], tried[1], tried[-1]
    if not now.calls:
        return words.nothing("No half-hour with calls and agents", context)
    levels = [c.share(one.service_level) for one in (now, more, fewer)]
    text = (
        f"One agent more in every half-hour, {words.plural(found.open_hours, 'hour')} a week, would have raised the "
        f"share answered within {staffed.goal.within_s:.0f}{c.NBSP}s from **{levels[0]}** to **{levels[1]}**; one "
        f"fewer would have lowered it to **{levels[2]}**."
    )
    rows = []
    for n, one in tried.items():
        name = "As planned" if found.is_plan else "As it was"
        name = name if n == 0 else f"{abs(n)} {'more' if n > 0 else 'fewer'}"
        positions = n * found.open_hours / (1 - staffed.goal.shrinkage) * 52 / domain.PAID_HOURS
        rows.append([
            name, c.share(one.service_level), _wait(one.wait_s), c.share(one.hung_up), c.share(one.busy),
            c.NOTHING if n == 0 else _with_cost(_signed(positions), positions, context, signed=True),
        ])  # fmt: skip
    columns = [
        c.Column("Agents"), c.Column("In time", True), c.Column("Wait", True), c.Column("Hang up", True),
        c.Column("Busy", True, False), c.Column("Positions", True),
    ]  # fmt: skip
    body = c.table(columns, rows, caption="One or two agents more or fewer", selected=[list(tried).index(0)])
    basis = "with the agents needed: who was there is not known" if found.is_plan else "by the model, see below"
    caveats = (f"n = {c.count(now.calls)} calls", basis, "wait: of all callers, hang-ups too", _at_what_cost(context))
    return Drawing(c.sentence(text), body=body, foot=words.foot("", *caveats))


def _with_cost(said: Any, positions: float, context: Context, *, signed: bool = False) -> Any:
    """A number of positions, and under it what they cost in a year, where the viewer may know what an hour costs."""
    hour = context.money.hour
    if hour is None:
        return said
    cost = round(positions * domain.PAID_HOURS * hour, -3)
    say = partial(c.money, currency=context.city.currency)
    return c.twin(said, c.with_sign(cost, say) if signed else say(cost))


def _at_what_cost(context: Context) -> str:
    if context.money.hour is None:
        return ""
    return f"money: of a year, {domain.PAID_HOURS:,.0f} hours at {c.money(context.money.hour, context.city.currency)}"


def _signed(positions: float) -> str:
    return f"{positions:+.{1 if abs(positions) >= 1 else 2}f}".replace("-", c.MINUS)


def _wait(seconds: float) -> str:
    return "the queue grows" if np.isinf(seconds) else c.duration(seconds)


def draw_targets(answers: tuple[Compared | None, ...], context: Context) -> Drawing:
    """What one promise to callers or another costs in agents."""
    (found,) = answers
    if (said := _nothing(found.staffed if found else None, context)) is not None:
        return said
    assert found is not None
    staffed = found.staffed
    rows, chosen = [], []
    for i, plan in enumerate(found.plans):
        own = (plan.goal.share, plan.goal.within_s) == (staffed.own.share, staffed.own.within_s)
        if (plan.goal.share, plan.goal.within_s) == (staffed.goal.share, staffed.goal.within_s):
            chosen.append(i)
        key = next((key for key, one in _GOALS.items() if one == (plan.goal.share, plan.goal.within_s)), "")
        there = words.asking_for(context, "target", "" if own else key)
        name = c.link(shifts.goal(plan.goal), there)
        rows.append([
            c.twin(name, "the city’s own") if own and staffed.has_target else name,
            _with_cost(f"{plan.positions:.1f}", plan.positions, context),
            str(plan.most), c.count(plan.hours), c.share(plan.outcome.busy), c.share(plan.outcome.hung_up),
            _wait(plan.outcome.wait_s),
        ])  # fmt: skip
    easy, hard = found.plans[0], found.plans[-1]
    text = (
        f"To answer **{shifts.goal(easy.goal)}** takes **{easy.positions:.1f}** full-time "
        f"positions, **{shifts.goal(hard.goal)}** takes **{hard.positions:.1f}**."
    )
    columns = [
        c.Column("Answer"), c.Column("Positions", True), c.Column("Most at once", True, False),
        c.Column("Hours a week", True, False), c.Column("Busy", True), c.Column("Hang up", True, False),
        c.Column("Wait", True),
    ]  # fmt: skip
    body = c.table(columns, rows, caption="What a target takes", selected=chosen)
    caveats = (f"shrinkage {c.share(staffed.goal.shrinkage, 0)}", "staffed for a busy week",
               f"busy for {c.share(MOST_BUSY, 0)} at the most", words.way_of_counting(context),
               _at_what_cost(context))  # fmt: skip
    return Drawing(c.sentence(text), body=body, foot=words.foot("Click a target to plan by it", *caveats))


def draw_hours(answers: tuple[Opened | None, ...], context: Context) -> Drawing:
    """What an hour less in the morning or evening, or a day less, would save, and how many callers it would meet."""
    (found,) = answers
    if (said := _nothing(found.staffed if found else None, context)) is not None:
        return said
    assert found is not None
    now, *others = found.plans
    if not others:
        return words.nothing("No hours to shorten", context)
    rows = [
        [
            words.capital(one.said), f"{one.open_hours:.1f}".removesuffix(".0"),
            c.NOTHING if one is now else c.twin(c.count(one.elsewhere), f"{c.share(one.elsewhere / now.calls)} of all"),
            _with_cost(f"{one.lost.positions:.1f}", one.lost.positions, context),
            c.NOTHING if one is now else _with_cost(f"{one.moved.positions:.1f}", one.moved.positions, context),
        ]
        for one in found.plans
    ]  # fmt: skip
    first = max(others, key=lambda one: (now.moved.positions - one.moved.positions) / one.elsewhere)
    saved = [_signed(now.lost.positions - one.positions).lstrip("+") for one in (first.moved, first.lost)]
    text = (
        f"Of these, **{first.said}** saves most for each caller who would find it shut: **{saved[0]}** to "
        f"**{saved[1]}** positions against **{c.count(first.elsewhere)}** calls a week, "
        f"{c.share(first.elsewhere / now.calls)} of all."
    )
    columns = [
        c.Column("Opening hours"), c.Column("Hours a week", True, False), c.Column("Calls shut out", True),
        c.Column(c.twin("Positions", "if lost"), True), c.Column(c.twin("Positions", "if moved"), True),
    ]  # fmt: skip
    caveats = (
        f"for {shifts.goal(found.staffed.goal)}, staffed for a busy week", "calls of a usual week",
        "longer hours cannot be told: nobody knows who would call then", _at_what_cost(context),
    )  # fmt: skip
    body = c.table(columns, rows, caption="Other opening hours", selected=[0])
    key = "Lost: who finds it shut never calls; moved: all of them do at other times"
    return Drawing(c.sentence(text), body=body, foot=words.foot(key, *caveats))


CASES = {"low": "Low", "base": "Base", "high": "High"}


def draw_growth(answers: tuple[Grown | None, ...], context: Context) -> Drawing:
    """How many positions calls need as they go on growing, for today’s service and for the goal."""
    (found,) = answers
    if (said := _nothing(found.staffed if found else None, context)) is not None:
        return said
    assert found is not None
    staffed, years = found.staffed, years_in(context.place)
    yearly = {name: getattr(found.yearly, name) - 1 for name in CASES}
    rows = []
    for one in found.scenarios:
        service = "as now" if one.service == "as now" else "goal"
        plan = one.plan
        rows.append([
            c.twin(CASES[one.case], f"{c.signed_share(yearly[one.case])} a year"), c.count(one.calls),
            c.twin(service, shifts.goal(plan.goal)), f"{one.by_year:.1f}",
            _with_cost(html.B(f"{plan.positions:.1f}"), plan.positions, context), str(plan.most),
            c.share(plan.outcome.service_level), _wait(plan.outcome.wait_s), c.share(plan.outcome.hung_up),
        ])  # fmt: skip
    base = next(one for one in found.scenarios if one.case == "base" and one.service == "the goal")
    after = "Next year" if years == 1 else f"In {years} years"
    text = (
        f"{after} **{c.count(base.calls)}** calls would need **{base.plan.positions:.1f}** full-time positions to "
        f"answer {shifts.goal(staffed.goal)}"
    )
    text += f"; the roster of today comes to **{found.positions_now:.1f}**." if found.positions_now else "."
    columns = [
        c.Column("Growth"), c.Column("Calls a year", True, False), c.Column("Service"),
        c.Column("By the year", True, False), c.Column("By half-hours", True), c.Column("Most at once", True, False),
        c.Column("In time", True, False), c.Column("Wait", True, False), c.Column("Hang up", True, False),
    ]  # fmt: skip
    body = c.table(columns, rows, caption="Positions as calls grow")
    if found.yearly.days:
        grew = f"growth: {found.yearly.days} days of the last 52 weeks against 52 weeks before, 80 % interval"
    else:
        grew = "growth is assumed: there are no two years of calls to tell it"
    caveats = (
        grew, f"by the year: {c.share(domain.PLANNED_BUSY, 0)} busy, shrinkage {c.share(staffed.goal.shrinkage, 0)}, "
        f"{domain.PAID_HOURS:,.0f} paid hours; it knows no half-hours",
        f"by half-hours: for a busy week, so that more are in time over all; at least {domain.LEAST_ON_SHIFT} agents",
        _at_what_cost(context),
    )  # fmt: skip
    links = c.controls(
        _links(context, "years", [(words.plain(words.plural(n, "year")), "" if n == YEARS[0] else str(n))
                                  for n in YEARS], "" if years == YEARS[0] else str(years)), label="Years ahead",
    )  # fmt: skip
    return Drawing([*c.sentence(text), links], body=body, foot=words.foot("", *caveats))


def draw_size(answers: tuple[Staffed | None, ...], context: Context) -> Drawing:
    """Why a small centre is less busy: how busy agents can be for the goal, by how many are needed."""
    (found,) = answers
    if (said := _nothing(found, context)) is not None:
        return said
    assert found is not None
    week = found.week
    load = week.load_high[week.is_open]
    mean, top = float(load.mean()), float(load.max())
    callers = found.goal.callers(found.floor, found.floor.handle_s)
    loads = np.linspace(0.05, max(2.2 * top, 6.0), 400)
    agents, busy = domain.size_pays(callers, found.goal, loads.tolist())
    last = np.append(np.flatnonzero(np.diff(agents)), len(agents) - 1)  # the most that each number of agents can take
    here, busy_here = domain.size_pays(callers, found.goal, [mean, top, 2 * mean])
    marks = [(float(here[0]), float(busy_here[0]), "average")]
    if here[1] - here[0] > 0.2 * agents[-1]:  # else their names would lie over each other
        marks.append((float(here[1]), float(busy_here[1]), "busiest"))
    figure = shifts.by_size(loads[last], busy[last], agents[last], marks)
    text = (
        f"In an average half-hour **{here[0]}** agents are needed and busy for **{c.share(busy_here[0], 0)}** of their "
        f"time; with twice the calls **{here[2]}** would do, busy for **{c.share(busy_here[2], 0)}**."
    )
    caveats = (f"for {shifts.goal(found.goal)}", f"a small centre must not be held against {c.share(MOST_BUSY, 0)}")
    return Drawing(c.sentence(text), figure, foot=words.foot("Calls that share one queue share the waiting", *caveats))


def draw_model(answers: tuple[Staffed | None, ...], context: Context) -> Drawing:
    """The model at the days it was learnt from: what it expects beside what was seen, by the time of day."""
    (found,) = answers
    if (said := _nothing(found, context)) is not None:
        return said
    assert found is not None
    model, floor = found.model, found.floor
    seen = floor.observed(model.known)
    if not model.outcome.calls or seen != seen:
        why = _who_is_unknown(found) or "There are no half-hours with calls and agents"
        return Drawing(sentence=c.empty(f"{why}: what the model expects cannot be checked."), is_empty=True)
    calls = np.where(model.known, floor.offered, 0.0)
    n = calls.sum(axis=0)

    def of_day(level: np.ndarray) -> np.ndarray:
        told = np.where(model.known, level, 0.0) * calls
        return np.divide(told.sum(axis=0), n, out=np.full(len(n), np.nan), where=n >= words.FEW)

    over, under = (np.where(model.known, one, 0.0).sum(axis=0) for one in (floor.in_time, floor.counted))
    was = np.divide(over, under, out=np.full(len(n), np.nan), where=(under >= words.FEW) & (n >= words.FEW))
    used = np.flatnonzero(np.isfinite(was))
    if not len(used):
        return words.nothing("Too few calls", context)
    shown = slice(int(used[0]), int(used[-1]) + 1)
    lines = [
        Along(was[shown], "seen", "series"),
        Along(of_day(model.level)[shown], "expected of all there", "cat-other", "dot"),
    ]
    text = (
        f"With the agents who were there the model expects **{c.share(model.outcome.service_level)}** in time; "
        f"**{c.share(seen)}** were seen"
    )
    off = abs(model.outcome.service_level - seen)
    if found.fit is None:
        text += ". Too little is known to correct it." if off > 0.02 else ": it fits."
    else:
        mended = of_day(found.mended.level)
        lines.insert(1, Along(mended[shown], "expected of those taking calls", "overdue", "dash"))
        by_time = np.nansum(np.abs(mended - was) * n) / n[np.isfinite(mended - was)].sum()
        text += f", as if **{c.share(found.fit, 0)}** of them had taken calls. So corrected, it is off by "
        text += f"**{100 * by_time:.1f}** points on average over the day"
        gone = float(np.where(model.known, floor.hung_up, 0).sum() / n.sum())
        text += f", and expects **{c.share(found.mended.outcome.hung_up)}** to hang up; **{c.share(gone)}** did."
    figure = shifts.checked(list(found.slots[shown]), lines, found.own.share)
    key = c.key(*((line.token, line.words) for line in lines))
    rest = "what no state tells, calls that come in bunches and queues not everybody serves make the difference"
    caveats = (
        f"thin line: target {c.share(found.own.share, 0)}", f"n = {c.count(n.sum())} calls",
        _base(found).removeprefix("n = "), shifts.model(found), words.way_of_counting(context),
        rest if found.fit is not None else "",
    )  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=words.foot(key, *caveats))


_WEEK = _of(staffing_in)

VIEW = View(
    name="staffing",
    title="Staffing",
    question="Who needs staff, and when?",
    order=105,
    group="Contact centre",
    needs=Permission.READ_CONTACTS,  # agents are counted here, nobody is looked at
    parameters=("target", "shrinkage", "show", "years"),
    panels=(
        Panel("strip", "How many are short?", (_WEEK,), draw_strip, width=12, kind="strip", height=88, needs=NEEDS,
              terms=(methods.SHORT, methods.NEEDED, methods.POSITIONS, methods.SHRINKAGE, methods.USUAL_WEEK)),
        Panel(
            "week", "How many agents does each half-hour need, and how many were there?", (_WEEK,), draw_week, width=12,
            selects=hour_of_week, height=248, needs=NEEDS,
            terms=(methods.SHORT, methods.NEEDED, methods.TAKING_CALLS, methods.USUAL_WEEK, methods.SHRINKAGE),
        ),
        Panel("day", "How does a day look?", (_WEEK,), draw_day, width=8, height=300, selects=weekday, needs=NEEDS,
              terms=(methods.NEEDED, methods.TAKING_CALLS, methods.SHORT, methods.USUAL_WEEK)),
        Panel("short", "When is it short?", (_WEEK,), draw_short, width=4, height=300, needs=NEEDS,
              terms=(methods.SHORT, methods.NEEDED, methods.TAKING_CALLS)),
        Panel(
            "what-if", "What would one agent more do?", (_of(lambda place: WhatIf(staffing_in(place))),), draw_what_if,
            needs=NEEDS, is_roomy=True, terms=(methods.EXPECTED_OF_CALLERS, methods.TAKING_CALLS, methods.POSITIONS),
        ),
        Panel(
            "targets", "What does a target take?", (_of(lambda place: Targets(staffing_in(place))),), draw_targets,
            needs=NEEDS, is_roomy=True, terms=(methods.NEEDED, methods.POSITIONS, methods.EXPECTED_OF_CALLERS),
        ),
        Panel(
            "growth", "How many positions as calls grow?",
            (_of(lambda place: Growing(staffing_in(place), years_in(place))),), draw_growth, width=12, needs=NEEDS,
            terms=(methods.GROWTH, methods.POSITIONS, methods.EXPECTED_OF_CALLERS),
        ),
        Panel(
            "hours", "What would other opening hours do?", (_of(lambda place: Opening(staffing_in(place))),),
            draw_hours, width=12, needs=NEEDS, terms=(methods.OPENING, methods.NEEDED, methods.POSITIONS),
        ),
        Panel("model", "Does the model hold?", (_WEEK,), draw_model, width=8, height=280, needs=NEEDS,
              terms=(methods.EXPECTED_OF_CALLERS, methods.TAKING_CALLS)),
        Panel("size", "Why not busier?", (_WEEK,), draw_size, width=4, height=280, needs=NEEDS,
              terms=(methods.NEEDED, methods.USUAL_WEEK)),
    ),
)  # fmt: skip
