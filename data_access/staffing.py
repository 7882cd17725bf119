"""What is asked about staff: how many agents each half-hour of a usual week needs, how many were there, what more would
do, and how many positions that is as calls grow.

Questions like those of `hotspots`: each is a value that answers itself of an `Asking`. Counts come from `ask`, slot by
slot of each day of thirteen weeks, the arithmetic from `dashboard.domain.staffing`. Nobody is named or told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
from sqlalchemy import select

from dashboard.domain import staffing as domain
from dashboard.domain.filters import DAY, Filters, Period
from dashboard.domain.policy import Permission
from dashboard.domain.staffing import Flags, Floor, Goal, Growth, Numbers, Outcome, Tried, Week, Whole
from dashboard.domain.stretches import last_days, last_whole_weeks
from data_access import schema
from data_access.dimensions import DIMENSIONS, WEEKDAYS, half_hour, hour_of_week, weekday
from data_access.hotspots import Analysed, Asking
from data_access.measures.contacts import (
    CONTACT,
    abandoned,
    abandoned_with_wait,
    answered_with_handle,
    handled_s,
    offered,
    served_in_time,
    service_level_base,
    waited_by_all_s,
)
from data_access.measures.published_calls import (
    PUBLISHED,
    published_abandoned,
    published_answered_with_handle,
    published_handled_s,
    published_offered,
)
from data_access.measures.staffing import STAFF, present_h, rostered_h, told_of_few
from data_access.semantics import Answer, Dimension, Query, Total

USUAL_TARGET = 0.80
"""What is aimed at where a city has set no target."""
MOST_AIMED_AT = 0.99
TRIED = (-2, -1, 0, 1, 2)
"""So many agents more are tried."""
TARGETS = ((0.80, 20), (0.80, 30), (0.80, 60), (0.90, 30), (0.95, 30))
"""Shares of calls, and the seconds within which they are to be answered, that cities set themselves."""
_CALLS = (
    offered, answered_with_handle, handled_s, abandoned, served_in_time, service_level_base, waited_by_all_s,
    abandoned_with_wait,
)  # fmt: skip
_OF_CALLS = ("offered", "answered", "handled_s", "hung_up", "in_time", "counted")
"""What a `Floor` calls the first of either."""
_STAFF = (rostered_h, present_h, told_of_few)
_PUBLISHED = (published_offered, published_answered_with_handle, published_handled_s, published_abandoned)
_HALF_HOURS, _HOURS = half_hour.ordered or (), tuple(f"{hour:02d}:00" for hour in range(24))


@dataclass(frozen=True)
class Staffing:
    """How many agents each slot of a usual week needs, and how many were there.

    Parameters
    ----------
    target, within_s, shrinkage
        What the reader aims at; None is the city's own, and the shrinkage that was measured.
    as_published
        Of calls as a telephone system publishes them, by the hour, instead of single ones.
    """

    target: float | None = None
    within_s: int | None = None
    shrinkage: float | None = None
    as_published: bool = False

    def answer(self, asking: Asking) -> Staffed:
        """The thirteen whole weeks before the end of the period, without unusual days.

        A chosen weekday or hour says of which slots is told. It is learnt from all: what one day's calls say of how
        long callers wait would give every day another measure.
        """
        period = last_whole_weeks(domain.WEEKS)(asking.filters.period, asking.clock)
        if period.to_on < asking.clock.first_on + timedelta(weeks=1):  # not even one whole week is known
            period = last_days(7 * domain.WEEKS)(asking.filters.period, asking.clock)
        every_slot = asking.filters.without(weekday.name).without(hour_of_week.name)
        asked = asking.about(every_slot.during(period))
        days = _usual(asked, period)
        fact = PUBLISHED.name if self.as_published else CONTACT.name
        narrowed = _narrowed(asking.filters, fact)
        floor, notes = _floor_of(asked, days, narrowed, self.as_published)
        told = asking.reader.frame(select(schema.city.c.service_level_target_share))
        targets = told["service_level_target_share"].astype(float).dropna().tolist()
        own_share = targets[0] if targets else USUAL_TARGET
        own = Goal(
            min(own_share, MOST_AIMED_AT), asking.frame.answer_within_s,
            domain.USUAL_SHRINKAGE if floor.shrinkage is None else floor.shrinkage,
            asking.frame.service_level_variant, asking.frame.short_abandon_s,
        )  # fmt: skip
        # What was seen is held against the city's own seconds, whatever is aimed at.
        week, recorded = domain.week_of(floor, own), floor.there(own.shrinkage)
        model = mended = domain.tried(floor, week, own, recorded)
        fit, measured = domain.fitted(floor, week, own, recorded), own
        if fit is not None:
            mended = domain.tried(floor, week, own, recorded * fit)
            own = replace(own, shrinkage=1 - (1 - own.shrinkage) * fit)
        goal = replace(
            own, share=own.share if self.target is None else min(self.target, MOST_AIMED_AT),
            within_s=own.within_s if self.within_s is None else self.within_s,
            shrinkage=own.shrinkage if self.shrinkage is None else self.shrinkage,
        )  # fmt: skip
        week = week if goal == own else domain.week_of(floor, goal)
        chosen = _chosen(asking.filters, week)
        if not chosen.all():
            week, recorded = week.only(chosen), np.where(chosen[floor.weekday], recorded, np.nan)
            model = domain.tried(floor, week, measured, recorded)
            mended = model if fit is None else domain.tried(floor, week, measured, recorded * fit)
        found = Staffed(
            question=self, frame=pd.DataFrame(), as_of=asking.frame.as_of, notes=notes, period=period, days=tuple(days),
            floor=floor, own=own, goal=goal, week=week, chosen=chosen, model=model, fit=fit, mended=mended,
            has_target=bool(targets), narrowed=narrowed,
        )  # fmt: skip
        return replace(found, frame=found.rows())


@dataclass(frozen=True, kw_only=True)
class Staffed(Analysed):
    """A usual week and what it was learnt from.

    `floor` is all of it; `week`, `model` and `mended` tell of the slots of the week that are `chosen`.
    `own` is what the city aims at, `goal` what the reader does. `model` is what the model expects of those who were
    there, `fit` the part of them by which it expects what was seen (`domain.fitted`), and `mended` what it expects of
    that part. `narrowed` are the filters that choose calls, but not those who answer them: then nobody is told to have
    been there.
    """

    question: Staffing
    period: Period
    days: tuple[date, ...]
    floor: Floor
    own: Goal
    goal: Goal
    week: Week
    chosen: Flags = field(compare=False)
    model: Tried = field(compare=False)
    fit: float | None
    mended: Tried = field(compare=False)
    has_target: bool
    narrowed: tuple[str, ...]

    @property
    def slots(self) -> Sequence[str]:
        """When each slot begins: “09:30”."""
        return _HOURS if self.question.as_published else _HALF_HOURS

    @property
    def knows_present(self) -> bool:
        """Whether states tell who was there."""
        return bool(np.isfinite(self.floor.present).any())

    @property
    def knows_roster(self) -> bool:
        """Whether shifts tell who was to be there."""
        return bool(np.isfinite(self.floor.rostered).any())

    @property
    def days_with_calls(self) -> int:
        """How many usual days there are on which calls came in the slots that are told of."""
        return int((np.where(self.chosen[self.floor.weekday], self.floor.offered, 0).sum(axis=1) > 0).sum())

    @property
    def service_level(self) -> float:
        """The share answered in time in these slots; NaN without calls."""
        return self.floor.observed(self.chosen[self.floor.weekday])

    @property
    def is_measured(self) -> bool:
        """Whether the shrinkage was measured: by states, or by the service level that a roster led to."""
        return self.floor.shrinkage is not None or self.fit is not None

    @property
    def answering(self) -> Numbers:
        """Agents who took calls, for each slot of the week: those present, or rostered, as far as the model fits."""
        return self._taking_calls(self.week)

    @property
    def answering_on_days(self) -> Numbers:
        """The same for each slot of each day."""
        return self._taking_calls(self.floor)

    def _taking_calls(self, of: Week | Floor) -> Numbers:
        fit = 1.0 if self.fit is None else self.fit  # the shrinkage of those rostered has it in it
        return domain.agents_there(of.present * fit, of.rostered, self.own.shrinkage)

    def gap(self) -> Numbers:
        """Agents who took calls less those needed in a busy week; NaN where closed or not known."""
        return np.where(self.week.is_open, self.answering - self.week.needed_high, np.nan)

    def rows(self) -> pd.DataFrame:
        """Every open slot of the week, for tables and files."""
        day, slot = np.nonzero(self.week.is_open)
        week = self.week

        def at(grid: Numbers, decimals: int) -> Numbers:
            return np.round(grid[day, slot].astype(float), decimals)

        return pd.DataFrame({
            "weekday": [WEEKDAYS[i] for i in day], "from": [self.slots[int(i)] for i in slot],
            "weeks": week.weeks[day, slot], "calls": at(week.calls, 2), "calls_in_a_busy_week": at(week.calls_high, 2),
            "handle_seconds": at(week.handle_s, 1), "load": at(week.load, 3),
            "load_in_a_busy_week": at(week.load_high, 3), "needed": week.needed[day, slot],
            "needed_in_a_busy_week": week.needed_high[day, slot], "rostered": at(week.rostered, 2),
            "present": at(week.present, 2), "taking_calls": at(self.answering, 2), "difference": at(self.gap(), 2),
        })  # fmt: skip


def _staffed(staffing: Staffing, asking: Asking) -> Staffed:
    """What is answered to `staffing`, worked out once for all that go on from it."""
    known = asking.known(staffing, asking.filters)
    assert isinstance(known, Staffed)
    return known


@dataclass(frozen=True)
class WhatIf:
    """What callers would have met with one or two agents more or fewer in every slot."""

    staffing: Staffing

    def answer(self, asking: Asking) -> Changed:
        """Tried on the days that the week was learnt from, within the city's own seconds or those aimed at."""
        known = _staffed(self.staffing, asking)
        agents = known.answering_on_days
        is_plan = not np.isfinite(agents).any()
        agents = known.week.needed_high[known.floor.weekday].astype(float) if is_plan else agents
        agents = np.where(known.week.is_open[known.floor.weekday], agents, np.nan)
        outcomes = {n: domain.tried(known.floor, known.week, known.goal, agents, n).outcome for n in TRIED}
        hours = known.week.hours(1.0)
        frame = pd.DataFrame([
            {"more_agents": n, "hours_a_week": n * hours, "service_level": one.service_level,
             "abandonment": one.hung_up, "wait_seconds": _told(one.wait_s), "occupancy": one.busy, "calls": one.calls}
            for n, one in outcomes.items()
        ])  # fmt: skip
        return Changed(
            question=self, frame=frame, as_of=known.as_of, notes=known.notes, staffed=known, outcomes=outcomes,
            open_hours=hours, is_plan=is_plan,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Changed(Analysed):
    """What was tried, by how many agents more. `is_plan`: nobody told who was there, so the agents needed were."""

    staffed: Staffed
    outcomes: dict[int, Outcome] = field(compare=False)
    open_hours: float
    is_plan: bool


@dataclass(frozen=True)
class Targets:
    """How many agents one target or another asks for."""

    staffing: Staffing

    def answer(self, asking: Asking) -> Compared:
        """The targets of `TARGETS`, and what the reader and the city aim at."""
        known = _staffed(self.staffing, asking)
        chosen = [(one.share, int(one.within_s)) for one in (known.own, known.goal)]
        plans = []
        for share, within in sorted({*TARGETS, *chosen}, key=lambda one: (one[0], -one[1])):
            plans.append(_plan(known, replace(known.goal, share=share, within_s=within)))
        return Compared(
            question=self, frame=pd.DataFrame([one.row() for one in plans]), as_of=known.as_of, notes=known.notes,
            staffed=known, plans=tuple(plans),
        )  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What a goal asks for in a busy week, and what callers then meet on the days it was learnt from."""

    goal: Goal
    hours: float
    positions: float
    most: int
    outcome: Outcome

    def row(self) -> dict[str, float]:
        """For tables and files."""
        return {
            "target": self.goal.share, "within_seconds": self.goal.within_s, "hours_on_the_phone_a_week": self.hours,
            "positions": self.positions, "most_on_the_roster": self.most, "service_level": self.outcome.service_level,
            "abandonment": self.outcome.hung_up, "wait_seconds": _told(self.outcome.wait_s),
            "occupancy": self.outcome.busy,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Compared(Analysed):
    """Plans for several targets, the easiest first."""

    staffed: Staffed
    plans: tuple[Plan, ...]


def _plan(known: Staffed, goal: Goal, factor: float = 1.0, least: int = 1) -> Plan:
    """What `goal` asks for with `factor` times the calls."""
    week = known.week
    floor = known.floor.grown(factor)
    needed: Whole = domain.needed(floor, goal, week.load_high * factor, week.handle_s, least)
    positions, most = domain.positions_of_week(week, needed, goal.shrinkage)
    outcome = domain.tried(floor, week, goal, _on_days(week, needed, floor)).outcome
    return Plan(goal, week.hours(needed), positions, most, outcome)


def _on_days(week: Week, agents: Whole, floor: Floor) -> Numbers:
    return np.where(week.is_open, agents.astype(float), np.nan)[floor.weekday]


@dataclass(frozen=True)
class Opening:
    """What shorter hours would take: an hour less in the morning or the evening, the quietest day shut."""

    staffing: Staffing

    def answer(self, asking: Asking) -> Opened:
        """Plans for the goal: the calls of the hours that are lost are not made, or all of them at other times."""
        known = _staffed(self.staffing, asking)
        week, plans = known.week, []
        every = float(week.calls[week.is_open].sum())
        for said, kept in _shorter(week):
            calls = float(week.calls[kept].sum())
            left = replace(known, week=week.only(kept))
            lost, moved = (_plan(left, known.goal, factor) for factor in (1.0, every / calls))
            plans.append(Hours(said, left.week.hours(1.0), calls, every - calls, lost, moved))
        frame = pd.DataFrame([
            {"opening_hours": one.said, "hours_open_a_week": one.open_hours, "calls_a_week": round(one.calls, 2),
             "calls_of_lost_hours_a_week": round(one.elsewhere, 2), "positions_if_not_made": one.lost.positions,
             "positions_if_made_at_other_times": one.moved.positions}
            for one in plans
        ])  # fmt: skip
        return Opened(
            question=self, frame=frame, as_of=known.as_of, notes=known.notes, staffed=known, plans=tuple(plans)
        )


@dataclass(frozen=True)
class Hours:
    """Opening hours: how long a week, the calls of a usual one in them and in those lost, and both plans."""

    said: str
    open_hours: float
    calls: float
    elsewhere: float
    lost: Plan
    moved: Plan


@dataclass(frozen=True, kw_only=True)
class Opened(Analysed):
    """The hours there are, first, and shorter ones."""

    staffed: Staffed
    plans: tuple[Hours, ...]


def _shorter(week: Week) -> list[tuple[str, Flags]]:
    """What hours are tried, and the slots (7, slots) that stay open; only those that leave any calls."""
    is_open, an_hour = week.is_open, round(3600 / week.width_s)
    nth = np.where(is_open, is_open.cumsum(axis=1), 0)
    last = nth.max(axis=1, keepdims=True)
    tried = [
        ("as it is", is_open), ("an hour later in the morning", is_open & (nth > an_hour)),
        ("an hour earlier in the evening", is_open & (nth <= last - an_hour)),
    ]  # fmt: skip
    days = np.flatnonzero(is_open.any(axis=1))
    if len(days) > 1:
        quietest = int(days[np.where(is_open, week.calls, 0).sum(axis=1)[days].argmin()])
        tried.append((f"{WEEKDAYS[quietest]} shut", is_open & (np.arange(7) != quietest)[:, None]))
    return [(said, kept) for said, kept in tried if week.calls[kept].sum() > 0]


@dataclass(frozen=True)
class Growing:
    """How many positions calls need that go on growing as they did, for today's service and for the goal."""

    staffing: Staffing
    years: int = 1

    def answer(self, asking: Asking) -> Grown:
        """Low, base and high growth, each for the service there is and for what is aimed at."""
        known = _staffed(self.staffing, asking)
        counts, is_usual = _history(asking)
        yearly = domain.growth(counts, is_usual)
        if len(counts) >= domain.YEAR_DAYS:
            calls = float(counts[-domain.YEAR_DAYS :].sum()) * 365 / domain.YEAR_DAYS
        else:
            calls = float(known.week.calls.sum()) * 365 / 7
        level = known.service_level
        goals = {"as now": replace(known.own, share=min(level, MOST_AIMED_AT))} if level == level else {}
        goals["the goal"] = known.goal
        goals = {said: replace(one, shrinkage=known.goal.shrinkage) for said, one in goals.items()}
        after = yearly.over(self.years)
        scenarios = [
            Scenario(
                case, said, calls * factor, factor,
                domain.positions_of_year(calls * factor, known.floor.handle_s, goal.shrinkage),
                _plan(known, goal, factor, domain.LEAST_ON_SHIFT),
            )
            for case, factor in (("low", after.low), ("base", after.base), ("high", after.high))
            for said, goal in goals.items()
        ]  # fmt: skip
        rows = [
            {"growth": one.case, "service": one.service, "calls_a_year": round(one.calls), "factor": one.factor,
             "positions_by_the_year": one.by_year, **one.plan.row()}
            for one in scenarios
        ]  # fmt: skip
        rostered_hours = float(np.nansum(known.week.rostered)) * known.week.width_s / 3600
        return Grown(
            question=self, frame=pd.DataFrame(rows), as_of=known.as_of, notes=known.notes, staffed=known,
            yearly=yearly, scenarios=tuple(scenarios), positions_now=domain.positions_of_hours(rostered_hours),
        )  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """One growth and one service: the calls of a year, positions by the year's formula, and the plan by half-hours."""

    case: str
    service: str
    calls: float
    factor: float
    by_year: float
    plan: Plan


@dataclass(frozen=True, kw_only=True)
class Grown(Analysed):
    """Scenarios, low first; `yearly` is the growth of a year, `positions_now` what the roster of a week comes to."""

    staffed: Staffed
    yearly: Growth
    scenarios: tuple[Scenario, ...]
    positions_now: float


def _told(seconds: float) -> float:
    """A wait as tables and files hold it: none where the queue grows without end."""
    return seconds if np.isfinite(seconds) else float("nan")


# ── counts ──


def _usual(asking: Asking, period: Period) -> list[date]:
    """The days to learn from: known, and neither shut nor marked by an event, nor left out."""
    clock, unusual = asking.clock, asking.unusual()
    begin, end = max(period.from_on, clock.first_on), min(period.to_on, clock.end_on)
    days = (begin + n * DAY for n in range(max((end - begin).days, 0)))
    return [
        one for one in days
        if one not in unusual and not clock.is_in_gap(one)
        and not any(first <= one < after for first, after in asking.filters.left_out)
    ]  # fmt: skip


def _narrowed(filters: Filters, fact: str) -> tuple[str, ...]:
    """The labels of filters that choose calls and cannot choose among those who answer; telephone is no choice."""
    chosen = [(DIMENSIONS[name], values) for name, values in filters.choices]
    return tuple(
        one.label.lower() for one, values in chosen
        if fact in one.columns and STAFF.name not in one.columns and not (one.name == "channel" and "phone" in values)
    )  # fmt: skip


def _chosen(filters: Filters, week: Week) -> Flags:
    """The slots (7, slots) of the weekdays and hours of the week that are chosen; all of them where none is.

    Raises BadRequest for what is no weekday or hour.
    """
    slots = week.calls.shape[1]
    days = np.arange(7)[:, None]
    found = np.ones((7, slots), bool)
    for one, of_slot in ((weekday, days), (hour_of_week, 24 * days + np.arange(slots) * 24 // slots)):
        if values := filters.chosen(one.name):
            found &= np.isin(of_slot, [one.column_value(value) for value in values if value != one.missing])
    return found


def _floor_of(
    asking: Asking, days: list[date], narrowed: tuple[str, ...], as_published: bool
) -> tuple[Floor, tuple[str, ...]]:  # fmt: skip
    """Calls and agents of `days`, and what must be said of them."""
    by = hour_of_week if as_published else half_hour
    asked: tuple[Total, ...] = _PUBLISHED if as_published else _CALLS
    calls = asking.ask(Query(asked, by=(by,), every="day"))
    sums = _by_slot(calls, asked, by, days)
    slots = len(_HOURS if as_published else _HALF_HOURS)
    width = 86_400 / slots
    nothing = np.full((len(days), slots), np.nan)
    rostered = present = nothing
    may = Permission.READ_AGENT_SPREAD in asking.permissions and asking.scope.reaches(STAFF.name)
    if may and not narrowed and not as_published and asking.has(schema.staff_interval.name):
        hours = _by_slot(asking.ask(Query(_STAFF, by=(by,), every="day")), _STAFF, by, days)
        few = hours[told_of_few.name] > 0
        on_roster, there = (hours[one.name] * 3600 / width for one in (rostered_h, present_h))
        # A day of which no shift, or no state, is known is none without agents.
        rostered = np.where((on_roster > 0).any(axis=1, keepdims=True), on_roster, np.nan)
        present = np.where((there > 0).any(axis=1, keepdims=True) & ~few, there, np.nan)
    is_known = np.ones(len(days), bool)
    if as_published:  # a day that was published as a whole has no hours
        is_known = sums[published_offered.name].sum(axis=1) > 0
        named = {mine: sums[one.name] for mine, one in zip(_OF_CALLS, _PUBLISHED, strict=False)}
        named |= {mine: np.zeros_like(nothing) for mine in _OF_CALLS[len(_PUBLISHED) :]}
        waited = float("nan")
    else:
        named = {mine: sums[one.name] for mine, one in zip(_OF_CALLS, _CALLS, strict=False)}
        # Hang-ups of which no wait is recorded say nothing of how patient callers are.
        waited, left, timed = (
            float(sums[one.name].sum()) for one in (waited_by_all_s, abandoned, abandoned_with_wait)
        )  # fmt: skip
        waited *= left / timed if timed else float("nan")
    on_weekday = np.array([one.weekday() for one in days], np.int64)
    floor = Floor(
        weekday=on_weekday[is_known], width_s=width, rostered=rostered[is_known], present=present[is_known],
        waited_s=waited, **{name: grid[is_known] for name, grid in named.items()},
    )  # fmt: skip
    return floor, calls.notes


def _by_slot(answer: Answer, measures: Sequence[Total], by: Dimension, days: list[date]) -> dict[str, Numbers]:
    """Each measure as a grid of `days` by slots; what is of no slot is left out."""
    words, codes = answer.coded(by.name)
    order = {word: place for place, word in enumerate(by.ordered or ())}
    slots = 24 if by is hour_of_week else len(order)
    slot = np.array([order.get(word, -1) for word in words], np.int64)[codes] if len(words) else np.zeros(0, np.int64)
    row = {one.toordinal(): i for i, one in enumerate(days)}
    ordinals = answer.column("day").astype("datetime64[D]").astype(int) + date(1970, 1, 1).toordinal()
    at = np.array([row.get(int(one), -1) for one in ordinals], np.int64)
    kept = (at >= 0) & (slot >= 0)
    place = at[kept] * slots + slot[kept] % slots
    size = len(days) * slots
    found = {}
    for one in measures:
        values = np.nan_to_num(answer.column(one.name)[kept].astype(float))
        found[one.name] = np.bincount(place, values, size)[:size].astype(float).reshape(len(days), slots)
    return found


def _history(asking: Asking) -> tuple[Numbers, Flags]:
    """Calls of each of up to 728 days before the end of the period, and which of the days are usual ones."""
    period = last_days(2 * domain.YEAR_DAYS)(asking.filters.period, asking.clock)
    asked = asking.about(asking.filters.during(period).switch("event_days", "in"))
    answer = asked.ask(Query((offered,), every="day"))
    days = answer.column("day").astype("datetime64[D]").astype(object)
    counts = answer.column(offered.name).astype(float)
    if not counts.any():
        return np.zeros(0), np.zeros(0, bool)
    begin = int(np.flatnonzero(counts)[0])
    begin = 0 if begin < domain.BLOCK_DAYS else begin  # the first days may have been holidays, or other weekdays
    unusual, clock = asking.unusual(), asking.clock
    is_usual = np.array([one not in unusual and not clock.is_in_gap(one) for one in days], bool)
    return counts[begin:], is_usual[begin:]
