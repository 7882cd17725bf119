"""Who needs staff: how many agents each half-hour of a week needs, how many were there, and what more would do.

Pure: counts of single days in, numbers out. A *slot* is a half-hour (or an hour) of the day on the wall clock; grids of
a week have a row for each weekday, Monday first, and a column for each slot; grids of days a row for each day. The
arithmetic of queues is `dashboard.domain.erlang`. Source: measures reference, A13, A14 and E.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.stats import t as student

from dashboard.domain.erlang import HANG_UPS_COUNT, Callers, Queue, patience, required, rostered

Numbers = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

WEEKS = 13
"""So many weeks say what is usual (measures A13)."""
BUSY_WEEK = 0.75
"""Arrivals vary more than chance: the load that three weeks of four do not exceed is staffed for."""
FEWEST_CALLS = 30
"""With fewer answered calls a slot has no handle time of its own."""
USUAL_SHRINKAGE = 0.30
"""Of paid time not on the phone, where nobody has measured it."""
PLANNED_BUSY = 0.80
"""How busy agents are planned to be in the formula of a year (measures E)."""
PAID_HOURS = 2080.0
"""A full position in a year; 40 in a week."""
LEAST_ON_SHIFT = 2
"""Nobody answers alone (measures E)."""
FEWEST_TO_FIT = 500
FITS = (0.4, 1.6)
"""A model that needs more than this to fit is not mended by it."""
BLOCK_DAYS, YEAR_DAYS = 28, 364


@dataclass(frozen=True)
class Floor:
    """What is known of usual days: grids with a row for each day and a column for each slot.

    Parameters
    ----------
    weekday
        Of each day, Monday = 0.
    width_s
        How long a slot is.
    offered, answered, handled_s, hung_up
        Calls, those answered of which it is known how long they took, and these seconds.
    in_time, counted
        The two parts of the service level, in the way of counting in force.
    rostered, present
        Agents, on average over the slot; NaN where that is not known.
    waited_s
        Seconds that all callers waited, together: where the waits of some who hung up are not known, as many more as
        make up for these. NaN where only those who were answered are known.
    """

    weekday: Whole
    width_s: float
    offered: Numbers
    answered: Numbers
    handled_s: Numbers
    hung_up: Numbers
    in_time: Numbers
    counted: Numbers
    rostered: Numbers
    present: Numbers
    waited_s: float = float("nan")

    @cached_property
    def handle_s(self) -> float:
        """Seconds a call takes; NaN if nobody answered, or nobody wrote down how long it took."""
        answered, handled = self.answered.sum(), self.handled_s.sum()
        return float(handled / answered) if answered > 0 and handled > 0 else float("nan")

    @cached_property
    def hang_up_share(self) -> float:
        """The share of callers who hung up."""
        offered = self.offered.sum()
        return float(self.hung_up.sum() / offered) if offered > 0 else 0.0

    @cached_property
    def patience_s(self) -> float | None:
        """How long callers wait before they hang up; None where so few do, or so little is known, that none is told."""
        if not np.isfinite(self.waited_s) or self.hang_up_share <= HANG_UPS_COUNT:
            return None
        return patience(self.waited_s, float(self.hung_up.sum()))

    @cached_property
    def service_level(self) -> float:
        """The share answered in time; NaN without calls."""
        return self.observed(np.ones(self.counted.shape, bool))

    @cached_property
    def shrinkage(self) -> float | None:
        """The part of rostered time in which agents were neither on calls nor ready for one; None if not known.

        Of slots in which anybody was: the rest is no shrinkage, but time of which no states were kept.
        """
        known = (np.nan_to_num(self.present) > 0) & (np.nan_to_num(self.rostered) > 0)
        if not known.any():
            return None
        return float(np.clip(1 - self.present[known].sum() / self.rostered[known].sum(), 0.0, 0.9))

    def grown(self, factor: float) -> Floor:
        """The same days with so many times the calls, each treated as it was; as many agents."""
        of_calls = ("offered", "answered", "handled_s", "hung_up", "in_time", "counted", "waited_s")
        return replace(self, **{name: getattr(self, name) * factor for name in of_calls})

    def there(self, shrinkage: float) -> Numbers:
        """Agents there: as recorded, else those rostered less the shrinkage; NaN where neither is known."""
        return agents_there(self.present, self.rostered, shrinkage)

    def observed(self, known: Flags) -> float:
        """The service level of some slots of days; NaN without calls."""
        base = self.counted[known].sum()
        return float(self.in_time[known].sum() / base) if base > 0 else float("nan")


def agents_there(present: Numbers, rostered: Numbers, shrinkage: float) -> Numbers:
    """Those present where that is known, else those rostered less the shrinkage; NaN where neither is."""
    return np.where(np.isfinite(present), present, rostered * (1 - shrinkage))


@dataclass(frozen=True)
class Goal:
    """What is aimed at: which share of calls within how many seconds, counted how, and what shrinkage is planned."""

    share: float
    within_s: float
    shrinkage: float
    variant: str = "offered"
    short_s: float = 5.0

    def callers(self, floor: Floor, handle_s: npt.ArrayLike) -> Callers:
        """Who calls there, as queues know them."""
        return Callers(handle_s, floor.patience_s, self.within_s, self.short_s)


@dataclass(frozen=True)
class Week:
    """A usual week: grids of seven weekdays by slots.

    Parameters
    ----------
    weeks
        How many days of the weekday it was learnt from.
    is_open
        Where calls come in.
    calls, calls_high
        Offered in a slot on average, and on three days of four at the most.
    handle_s
        Seconds a call takes.
    load, load_high
        In erlangs.
    needed, needed_high
        Agents on the phone for the goal, with either load; 0 where nobody calls.
    rostered, present
        Agents, on average; NaN where not known.
    """

    width_s: float
    weeks: Whole
    is_open: Flags
    calls: Numbers
    calls_high: Numbers
    handle_s: Numbers
    load: Numbers
    load_high: Numbers
    needed: Whole
    needed_high: Whole
    rostered: Numbers
    present: Numbers

    def hours(self, agents: npt.ArrayLike) -> float:
        """Hours a week that so many agents in each slot are."""
        return float(np.nansum(np.where(self.is_open, agents, 0)) * self.width_s / 3600)

    def only(self, chosen: Flags) -> Week:
        """The same week of which nothing is told but the `chosen` slots: what was learnt of all of it stays."""
        counts = ("calls", "calls_high", "load", "load_high", "needed", "needed_high")
        found: dict[str, Any] = {name: np.where(chosen, getattr(self, name), 0) for name in counts}
        found |= {name: np.where(chosen, getattr(self, name), np.nan) for name in ("rostered", "present")}
        return replace(self, is_open=self.is_open & chosen, **found)


def week_of(floor: Floor, goal: Goal) -> Week:
    """What a usual week looks like and needs.

    A slot is open if calls came in at least two of its weeks, or in its only one.
    """
    slots = floor.offered.shape[1]
    weeks = np.zeros(7, np.int64)
    calls, high, handled, answered, came = (np.zeros((7, slots)) for _ in range(5))
    there = {name: np.full((7, slots), np.nan) for name in ("rostered", "present")}
    for day in range(7):
        at = floor.weekday == day
        weeks[day] = at.sum()
        if not at.any():
            continue
        calls[day], high[day] = floor.offered[at].mean(axis=0), np.quantile(floor.offered[at], BUSY_WEEK, axis=0)
        handled[day], answered[day] = floor.handled_s[at].sum(axis=0), floor.answered[at].sum(axis=0)
        came[day] = (floor.offered[at] > 0).sum(axis=0)
        for name, grid in there.items():
            grid[day] = _mean_of_known(getattr(floor, name)[at])
    is_open = came >= np.minimum(2, np.maximum(weeks, 1))[:, None]
    is_own = (answered >= FEWEST_CALLS) & (handled > 0)
    own = np.divide(handled, answered, out=np.full((7, slots), floor.handle_s), where=is_own)
    load, load_high = (np.where(is_open, one * own / floor.width_s, 0.0) for one in (calls, np.maximum(high, calls)))
    load, load_high = (np.nan_to_num(one) for one in (load, load_high))
    return Week(
        floor.width_s, np.repeat(weeks[:, None], slots, axis=1), is_open, calls, high, own, load, load_high,
        needed(floor, goal, load, own), needed(floor, goal, load_high, own), there["rostered"], there["present"],
    )  # fmt: skip


def needed(floor: Floor, goal: Goal, load: Numbers, handle_s: Numbers, least: int = 1) -> Whole:
    """Agents on the phone that the goal asks for, in the shape of `load`."""
    callers = goal.callers(floor, np.where(np.isfinite(handle_s), handle_s, 1.0).ravel())
    return required(load.ravel(), callers, goal.share, variant=goal.variant, least=least).reshape(load.shape)


def _mean_of_known(grid: Numbers) -> Numbers:
    known = np.isfinite(grid)
    n = known.sum(axis=0)
    return np.divide(np.where(known, grid, 0).sum(axis=0), n, out=np.full(grid.shape[1], np.nan), where=n > 0)


# ── What is to be expected with so many agents ──


@dataclass(frozen=True)
class Outcome:
    """What callers would have met on those days: shares of all calls, seconds, and how many calls that is of."""

    calls: float
    service_level: float
    hung_up: float
    wait_s: float
    busy: float


@dataclass(frozen=True)
class Tried:
    """The model at work on single days: of every slot of which it is known who was there."""

    known: Flags
    outcome: Outcome
    level: Numbers
    """The service level expected in each slot of each day; NaN where not known."""


def tried(floor: Floor, week: Week, goal: Goal, agents: Numbers, extra: float = 0.0) -> Tried:
    """What the model expects of the calls that came, with `agents` (a grid of days; NaN: not known) and `extra` ones.

    Between whole numbers of agents it is in between. Slots without calls do not count.
    """
    handle = week.handle_s[floor.weekday]
    load = floor.offered * handle / floor.width_s
    known = np.isfinite(agents) & (floor.offered > 0) & np.isfinite(handle)
    level = np.full(load.shape, np.nan)
    if not known.any():
        none = float("nan")
        return Tried(known, Outcome(0.0, none, none, none, none), level)
    there = np.maximum(agents[known] + extra, 0.0)
    callers = goal.callers(floor, handle[known])
    low, part = np.floor(there).astype(np.int64), there - np.floor(there)
    fewer, more = callers.meeting(load[known], low), callers.meeting(load[known], low + 1)
    calls = floor.offered[known]

    def between(of: str) -> Numbers:
        a, b = (getattr(one, of) for one in (fewer, more))
        return (1 - part) * a + part * np.where(part > 0, b, 0.0)  # a wait may be endless, and no part of it none

    level[known] = (1 - part) * fewer.service_level(goal.variant) + part * more.service_level(goal.variant)
    gone = between("hangs_up")
    total, hours = calls.sum(), there.sum()
    taken = (np.minimum(load[known] * (1 - gone), there)).sum()
    return Tried(known, Outcome(
        calls=float(total), service_level=float((level[known] * calls).sum() / total),
        hung_up=float((gone * calls).sum() / total), wait_s=float((between("wait_s") * calls).sum() / total),
        busy=float(taken / hours) if hours > 0 else float("nan"),
    ), level)  # fmt: skip


def fitted(floor: Floor, week: Week, goal: Goal, agents: Numbers) -> float | None:
    """What part of `agents` explains the service level that was seen: 1 if the model is right about all of them.

    People who are ready by their state and do not take the next call, calls that come in bunches, and queues that not
    everybody serves are all in it. None where too little is known to say: fewer than 500 calls, nothing to explain.
    """
    all_of_them = tried(floor, week, goal, agents)
    seen = floor.observed(all_of_them.known)
    if all_of_them.outcome.calls < FEWEST_TO_FIT or not 0 < seen < 1:
        return None

    def above(part: float) -> float:
        return tried(floor, week, goal, agents * part).outcome.service_level - seen

    if above(FITS[0]) >= 0 or above(FITS[1]) <= 0:
        return None
    return float(brentq(above, *FITS, xtol=2e-4))


def size_pays(callers: Callers, goal: Goal, loads: Sequence[float]) -> tuple[Whole, Numbers]:
    """How many agents each load needs for the goal, and how busy they then are: larger groups may be busier."""
    load = np.asarray(loads, float)
    agents = required(load, callers, goal.share, variant=goal.variant)
    met: Queue = callers.meeting(load, agents)
    return agents, met.busy


# ── Positions ──


def positions_of_year(calls: float, handle_s: float, shrinkage: float) -> float:
    """Full positions for the calls of a year: their hours of work over what a position has time for.

    It knows no half-hours, and asks for too few in a small centre: 84,000 calls of 240 s are 4.81 positions.
    """
    return calls * handle_s / 3600 / (PLANNED_BUSY * (1 - shrinkage) * PAID_HOURS)


def positions_of_hours(hours: float) -> float:
    """Full positions that so many hours on the roster of every week are."""
    return hours * 52 / PAID_HOURS


def positions_of_week(week: Week, agents: Whole, shrinkage: float) -> tuple[float, int]:
    """Full positions that so many agents on the phone in each slot are, and the most on the roster at once."""
    hours = week.hours(agents) / (1 - shrinkage)
    return positions_of_hours(hours), int(rostered(agents, shrinkage).max(initial=0))


@dataclass(frozen=True)
class Growth:
    """By what factor calls grew in a year, and between which ones it lies in four cases of five.

    `days` is the number of pairs of days that say so; 0 where nobody knows, and the factors are assumed.
    """

    low: float
    base: float
    high: float
    days: int

    def over(self, years: float) -> Growth:
        """The same after so many years, if it goes on."""
        return replace(self, **{name: getattr(self, name) ** years for name in ("low", "base", "high")})


ASSUMED = Growth(0.95, 1.0, 1.05, 0)
"""Where there is no year to compare with: 5 % less, the same, 5 % more a year."""


def growth(counts: Numbers, is_usual: Flags) -> Growth:
    """How calls grew: days of the last 52 weeks against the same weekdays 52 weeks before, both usual ones.

    `counts` are of consecutive days, the last 728 of which count. Each four weeks are one observation of the logarithm
    of the ratio; the interval is theirs by Student's t, for 80 %. `ASSUMED` with fewer than six such observations.
    """
    if len(counts) < 2 * YEAR_DAYS:
        return ASSUMED
    before, now = counts[-2 * YEAR_DAYS : -YEAR_DAYS], counts[-YEAR_DAYS:]
    both = is_usual[-2 * YEAR_DAYS : -YEAR_DAYS] & is_usual[-YEAR_DAYS:]
    block = np.arange(YEAR_DAYS) // BLOCK_DAYS
    old, new = (np.bincount(block[both], one[both], YEAR_DAYS // BLOCK_DAYS) for one in (before, now))
    told = (old > 0) & (new > 0)
    if told.sum() < 6:
        return ASSUMED
    ratios = np.log(new[told] / old[told])
    base = float(np.log(new[told].sum() / old[told].sum()))
    reach = float(student.ppf(0.9, len(ratios) - 1) * ratios.std(ddof=1) / np.sqrt(len(ratios)))
    return Growth(float(np.exp(base - reach)), float(np.exp(base)), float(np.exp(base + reach)), int(both.sum()))
