"""What the people of Riverton ask for: openings by day, type and place, and what became of each request.

Everything is arrays over the requests of one stretch of days; instants are whole UTC seconds, `NEVER` if none.
"""

from __future__ import annotations

from calendar import timegm
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import shapely
from scipy.special import ndtri

from dashboard.domain.filters import MONTH_DAYS
from data_access.demo import stories
from data_access.demo.assets import METER_FAULTS, METERS, TREATED, assets
from data_access.demo.catalogue import CATEGORIES, DEPARTMENTS, TYPE_AT, TYPES, clocks, daily_pattern, promises
from data_access.demo.civil_time import CivilDays, day_number
from data_access.demo.frames import DAY, NEVER
from data_access.demo.geography import ground
from data_access.demo.stories import BURSTS, Burst

CHANNELS = ("phone", "app", "web", "email", "text", "walk_in", "internal")
OUTCOMES = ("resolved", "no_issue_found", "unable_to_locate", "referred_other_agency", "no_jurisdiction",
            "administrative", "cancelled_by_requester", "unknown", "duplicate")  # fmt: skip
STATUSES = ("new", "assigned", "in_progress", "on_hold", "closed", "cancelled")
PER_DAY = 368.0  # requests on a usual day at scale 1, bursts and meters not counted
_ON_A_DAY_OPEN = np.array([0.585, 0.150, 0.130, 0.050, 0.025, 0.022, 0.038])
_ON_A_DAY_SHUT = np.array([0.0, 0.46, 0.38, 0.10, 0.05, 0.0, 0.01])
_OUTCOME_SHARES = np.array([0.75, 0.09, 0.03, 0.04, 0.02, 0.035, 0.025, 0.01])
DESK_HALF_HOURS = np.array([0.35, 0.55, 0.85, 1.15, 1.35, 1.45, 1.5, 1.5, 1.4, 1.3, 1.1, 1.05, 1.15, 1.25, 1.25, 1.2,
                             1.15, 1.1, 0.95, 0.8, 0.62, 0.5, 0.4, 0.3])  # fmt: skip
_DIGITAL_HOURS = np.array([0.2, 0.1, 0.08, 0.06, 0.1, 0.25, 0.6, 1.1, 1.5, 1.6, 1.6, 1.5, 1.4, 1.35, 1.3, 1.3, 1.35,
                           1.5, 1.6, 1.6, 1.5, 1.3, 0.9, 0.5])  # fmt: skip


@dataclass
class Opened:
    """The requests opened in a stretch of days, in order of opening. Index arrays point into the named tables."""

    number: np.ndarray  # running number of the request
    kind: np.ndarray
    opened: np.ndarray
    day: np.ndarray
    channel: np.ndarray
    place: np.ndarray  # of `Ground`; −1 where a request has none
    asset: np.ndarray  # meter or light number, −1 if none
    priority: np.ndarray
    department: np.ndarray
    parent: np.ndarray  # running number, −1 if none
    due: np.ndarray
    promised: np.ndarray  # which of `promises()`, −1 if none
    assigned: np.ndarray
    worked: np.ndarray
    closes: np.ndarray  # (3, n): first, second and third close
    reopens: np.ndarray  # (2, n)
    pause_from: np.ndarray
    pause_to: np.ndarray
    moves: np.ndarray  # transfers
    outcome: np.ndarray
    person: np.ndarray
    dirty: np.ndarray  # 0 clean; see `Requests._spoil`
    final: np.ndarray  # last close, `NEVER` while open
    status: np.ndarray

    def __len__(self) -> int:
        return len(self.number)


def inverse_profile(weights: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Where in [0, 1) the cumulated weights reach u, straight lines between the steps."""
    steps = np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
    return np.interp(u, steps, np.linspace(0, 1, len(steps)))


def pick(weights: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """n indices drawn in proportion to weights."""
    steps = np.cumsum(weights)
    return np.minimum(np.searchsorted(steps, rng.random(n) * steps[-1], side="right"), len(weights) - 1)


class Requests:
    """Opens requests stretch by stretch, in order of time."""

    def __init__(self, seed: int, scale: float, first: date, last: date) -> None:
        self.seed, self.scale = seed, scale
        self.as_of = timegm(stories.AS_OF.timetuple())
        self.days = CivilDays(first, last + timedelta(days=500))
        self.clocks = clocks(self.days, first, last + timedelta(days=500))
        self.last_day = day_number(last)
        self.opened_so_far = 0
        self.ground, self.assets = ground(), assets()
        self._clock_names = list(self.clocks)
        self._set_types()
        self._set_desk()
        self._set_demand(np.random.default_rng([seed, 1]))

    def _set_types(self) -> None:
        self.share = np.array([kind.on_time_share for kind in TYPES])
        self.spread = np.array([kind.spread for kind in TYPES])
        self.type_department = np.array([kind.department for kind in TYPES])
        self.radius = np.array([-1 if kind.radius_m is None else kind.radius_m for kind in TYPES])
        self.dup_days = np.array([kind.days or 0 for kind in TYPES])
        self.by_source = np.array([kind.due_by_source for kind in TYPES])
        self.promises = promises()
        clock_of_department = np.array([self._clock_names.index(row[2]) for row in DEPARTMENTS])
        always = self._clock_names.index("always")
        self.work_clock = clock_of_department[self.type_department]
        for i, kind in enumerate(TYPES):
            if kind.promise is not None and kind.promise.unit == "business_seconds":
                self.work_clock[i] = always

    def _set_desk(self) -> None:
        """Opening and closing of the 311 desk on each day, in wall-clock seconds; 0 and 0 when shut."""
        desk = self.clocks["desk"]
        self.desk_from = np.zeros(len(self.days.days), np.int64)
        self.desk_to = self.desk_from.copy()
        at = self.days.day(desk.starts) - self.days.first
        self.desk_from[at] = self.days.wall(desk.starts)
        self.desk_to[at] = self.days.wall(desk.ends)

    def _set_demand(self, rng: np.random.Generator) -> None:
        """Expected requests per day for every component: a type at a kind of place."""
        g = self.ground
        span = np.arange(self.days.first, self.last_day + 1)
        weights = np.array([kind.weight for kind in TYPES])
        usual = daily_pattern(span) * weights / weights.sum() * PER_DAY
        trend = 1 + 0.035 * (span - day_number(date(2025, 1, 1))) / 365.25
        shut = np.isin(span, self.days.day(self.clocks["office"].starts), invert=True)
        holiday = shut & ((span + 3) % 7 < 5)
        together = rng.gamma(90, 1 / 90, len(span))
        usual *= (trend * together * np.where(holiday, 0.45, 1.0))[:, None]
        usual *= rng.gamma(40, 1 / 40, usual.shape)
        usual[:, TYPE_AT["Parking meter broken"]] = 0.0

        anywhere = g.homes / g.homes.mean() + g.traffic
        surfaces = {"home": g.homes, "trade": g.trade, "traffic": g.traffic, "any": anywhere,
                    "cross": g.traffic * g.is_crossing, "park": g.by_park * ~g.is_crossing + 1e-9,
                    "none": g.homes}  # fmt: skip
        tilt = rng.lognormal(0, 0.2, (len(CATEGORIES), 9))
        animals = CATEGORIES.index("Animals and vermin")
        tilt[animals] = [0.7, 0.8, 1.5, 1.45, 0.6, 0.9, 1.25, 0.7, 1.1]
        self._pools: list[tuple[str, np.ndarray]] = []
        kinds: list[Any] = []
        pools: list[Any] = []
        rates: list[Any] = []
        starts: list[Any] = []
        single: list[Any] = []
        known: dict[tuple[str, str], int] = {}

        def add(kind: int, pool: int, rate: np.ndarray, from_s: int = 0, one: bool = False) -> None:
            for into, value in ((kinds, kind), (pools, pool), (rates, rate), (starts, from_s), (single, one)):
                into.append(value)

        for i, kind in enumerate(TYPES):
            # Rats are reported as often by everybody, but for the stories: what else stands out is a false alarm.
            is_even = kind is TYPES[TYPE_AT["Rats and vermin"]]
            key = (kind.name if is_even else kind.category, kind.place)
            if kind.place == "meter":
                continue
            if key not in known:
                known[key] = len(self._pools)
                if kind.place == "light":
                    self._pools.append(("light", self.assets.light_faults))
                else:
                    district = 1.0 if is_even else tilt[CATEGORIES.index(kind.category)][g.district]
                    self._pools.append(("place", surfaces[kind.place] * district))
            add(i, known[key], usual[:, i])
        after = span >= day_number(stories.METERS_REPLACED_ON)
        for before_after, low, high in zip(METER_FAULTS, (0, TREATED), (TREATED, METERS), strict=True):
            prone = np.zeros(METERS)
            prone[low:high] = rng.gamma(2.0, 0.5, high - low)
            self._pools.append(("meter", prone))
            faults = np.where(after, before_after[1], before_after[0]) * (high - low) / 1000 / MONTH_DAYS
            busy = np.array([1.2, 1.2, 1.2, 1.2, 1.2, 0.8, 0.2])[(span + 3) % 7]
            add(TYPE_AT["Parking meter broken"], len(self._pools) - 1, faults * busy)
        for burst in BURSTS:
            self._pools.append(("place", self._burst_places(burst)))
            at = np.array([day_number(day) for day, _ in burst.daily])
            rate = np.interp(span, at, [n for _, n in burst.daily], left=0.0, right=0.0)
            add(TYPE_AT[burst.kind], len(self._pools) - 1, rate, burst.from_s, burst.one_incident)
        self.kinds, self.pools = np.array(kinds), np.array(pools)
        self.rates = np.array(rates).T * self.scale
        self.rates[span == day_number(stories.GAP_ON)] = 0.0
        self.from_s, self.single = np.array(starts), np.array(single)

    def _burst_places(self, burst: Burst) -> np.ndarray:
        g = self.ground
        where, _, rest = burst.place.partition(":")
        if where == "around":
            return g.around(*(float(part) for part in rest.split(",")))
        usual = {"home": g.homes, "trade": g.trade, "cross": g.traffic * g.is_crossing}
        kind = TYPES[TYPE_AT[burst.kind]]
        weights = usual.get(kind.place, g.traffic)
        if where == "city":
            return weights
        weights = weights * (g.district == int(rest) - 1)
        if where == "river":
            weights = weights * np.exp(-shapely.distance(g.water, shapely.points(g.x, g.y)) / 350)
        return weights

    def elapsed(self, kind: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Working seconds of those who handle each type."""
        return self._by_clock("elapsed", kind, at)

    def worked_until(self, kind: np.ndarray, business_s: np.ndarray) -> np.ndarray:
        """When those who handle each type will have worked so many seconds."""
        return self._by_clock("at", kind, business_s)

    def _by_clock(self, what: str, kind: np.ndarray, values: np.ndarray) -> np.ndarray:
        answer = np.empty(len(values), np.int64)
        mine = self.work_clock[kind]
        for k, name in enumerate(self._clock_names):
            at = mine == k
            if at.any():
                answer[at] = getattr(self.clocks[name], what)(values[at].astype(np.int64))
        return answer

    def open(self, first_day: int, end_day: int, chunk: int) -> Opened:
        """The requests of the days from ``first_day`` up to, not including, ``end_day``."""
        rng = np.random.default_rng([self.seed, 2, chunk])
        counts = rng.poisson(self.rates[first_day - self.days.first : end_day - self.days.first])
        n_days, n_parts = counts.shape
        flat = counts.ravel()
        day = np.repeat(np.repeat(np.arange(first_day, first_day + n_days), n_parts), flat)
        part = np.repeat(np.tile(np.arange(n_parts), n_days), flat)
        channel, opened = self._arrive(day, part, rng)
        order = np.argsort(opened, kind="stable")
        order = order[opened[order] <= self.as_of]
        day, part, channel, opened = day[order], part[order], channel[order], opened[order]
        n, kind = len(day), self.kinds[part]
        place, asset = np.full(n, -1), np.full(n, -1)
        by_pool = np.argsort(self.pools[part], kind="stable")
        edges = np.searchsorted(self.pools[part][by_pool], np.arange(len(self._pools) + 1))
        for pool, (what, weights) in enumerate(self._pools):
            mine = by_pool[edges[pool] : edges[pool + 1]]
            if not len(mine):
                continue
            chosen = pick(weights, len(mine), rng)
            if what == "place":
                place[mine] = chosen
            else:
                asset[mine] = chosen
                place[mine] = (self.assets.meter_place if what == "meter" else self.assets.light_place)[chosen]
        unplaced = np.array([t.place == "none" for t in TYPES])[kind] & (rng.random(n) < 0.5)
        place[unplaced] = -1
        number = np.arange(n) + self.opened_so_far + 1
        self.opened_so_far += n
        parent = self._duplicates(kind, opened, place, asset, self.single[part], number, rng)
        return self._handle(number, kind, opened, day, channel, place, asset, parent, rng)

    def _arrive(self, day: np.ndarray, part: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        n = len(day)
        opens, shuts = self.desk_from[day - self.days.first], self.desk_to[day - self.days.first]
        is_open = shuts > 0
        u, years = rng.random(n), (day - day_number(date(2025, 1, 1))) / 365.25
        channel = np.searchsorted(np.cumsum(_ON_A_DAY_SHUT)[:-1], u, side="right")
        usual = np.cumsum(_ON_A_DAY_OPEN)[:-1]
        stays = np.clip(usual[0] - 0.02 * years, 0.4, 0.8)  # a little less by phone every year
        moved = np.where(u < stays, 0.0, usual[0] + (u - stays) / (1 - stays) * (1 - usual[0]))
        channel = np.where(is_open, np.searchsorted(usual, moved, side="right"), channel)
        at_desk = np.isin(channel, (0, 5))
        desk = opens + inverse_profile(DESK_HALF_HOURS, rng.random(n)) * (shuts - opens - 60)
        digital = inverse_profile(_DIGITAL_HOURS, rng.random(n)) * (DAY - 1)
        internal = 8 * 3600 + rng.random(n) * 8.5 * 3600
        wall = np.where(at_desk, desk, np.where(channel == 6, internal, digital))
        from_s = self.from_s[part]
        first = (from_s > 0) & (self.rates[np.maximum(day - 1 - self.days.first, 0), part] == 0)
        until = np.where(at_desk, shuts - 60, DAY - 600)
        begins = np.where(at_desk, np.maximum(from_s, opens), from_s)
        wall = np.where(first, begins + np.maximum(until - begins, 60) * rng.random(n) ** 1.3, wall)
        return channel, self.days.utc(day, wall.astype(np.int64))

    def _duplicates(
        self, kind: np.ndarray, opened: np.ndarray, place: np.ndarray, asset: np.ndarray, single: np.ndarray,
        number: np.ndarray, rng: np.random.Generator,
    ) -> np.ndarray:  # fmt: skip
        """Make some requests reports of the one of their type before them, moving them next to it."""
        n = len(kind)
        parent = np.full(n, -1)
        for what in np.unique(kind[single]):
            first, *others = np.flatnonzero(single & (kind == what))
            parent[others] = number[first]
            place[others] = place[first]
        by_kind = np.lexsort((opened, kind))
        may = ~single & (self.radius[kind] >= 0) & (place >= 0)
        child = may & (rng.random(n) < np.where(np.isin(kind, [TYPE_AT["Tree down"]]), 0.16, 0.105))
        ordered = by_kind[may[by_kind]]
        latest = np.maximum.accumulate(np.where(child[ordered], -1, np.arange(len(ordered))))
        for back in (0, 1):  # the one before it, or the one before that
            mine = ordered[child[ordered] & (latest >= back)]
            to = ordered[latest[child[ordered] & (latest >= back)] - back]
            good = (kind[to] == kind[mine]) & (opened[mine] - opened[to] < self.dup_days[kind[mine]] * DAY * 0.9)
            good &= ~child[to] & (parent[mine] < 0) & (rng.random(len(mine)) < (1.0 if back else 0.6))
            mine, to = mine[good], to[good]
            parent[mine] = number[to]
            asset[mine] = asset[to]
            roomy = self.radius[kind[mine]] >= 45
            step = (self.ground.near[place[to]] & roomy & (asset[to] < 0) & (rng.random(len(mine)) < 0.4)).astype(int)
            place[mine] = place[to] + step
        return parent

    def _due(self, kind: np.ndarray, opened: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        due, promised = np.full(len(kind), NEVER), np.full(len(kind), -1)
        for k, (what, promise, since, until) in enumerate(self.promises):
            mine = np.flatnonzero((kind == what) & (day >= day_number(since)) & (promised < 0)
                                  & ((day < day_number(until)) if until else True))  # fmt: skip
            if not len(mine):
                continue
            promised[mine] = k
            clock, at = self.clocks[promise.calendar], opened[mine]
            if promise.unit == "business_days":
                due[mine] = clock.end_of_day(at, np.full(len(mine), int(promise.value)))
            elif promise.unit == "calendar_days":
                due[mine] = self.days.midnights[day[mine] + int(promise.value) + 1 - self.days.first] - 1
            else:
                due[mine] = clock.at(clock.elapsed(at) + int(promise.value))
        return due, promised

    def _slower(self, kind: np.ndarray, day: np.ndarray) -> np.ndarray:
        """How much longer work takes than usual, by the stories."""
        department, since = self.type_department[kind], lambda d: day - day_number(d)
        names = [row[0] for row in DEPARTMENTS]
        slower = np.ones(len(kind))
        rats = kind == TYPE_AT["Rats and vermin"]
        slower[rats] *= 1 + 0.75 * np.clip((since(stories.POSTS_VACANT_FROM)[rats] + 8) / 16, 0, 1)
        housing = department == names.index("HOU")
        slower[housing] *= 1 + 0.30 * np.clip(since(stories.HOUSING_SLIPS_FROM)[housing] / 180, 0, 1)
        streets = department == names.index("STR")
        slower[streets] *= 1 + 0.12 * np.clip(since(date(2026, 3, 15))[streets] / 45, 0, 1)
        for storm, days in ((stories.STORM_ON, 5), (stories.STORM_2_ON, 4), (stories.FLOOD_FROM, 5)):
            struck = (since(storm) >= -6) & (since(storm) < days)
            hit = [TYPE_AT[name] for name in ("Tree down", "Tree limb hanging", "Blocked drain", "Sewer backup",
                                              "Flooded street")]  # fmt: skip
            slower *= np.where(struck & np.isin(kind, hit), 2.1, np.where(struck & (department == 4), 1.25, 1.0))
        return slower

    def _handle(
        self, number: np.ndarray, kind: np.ndarray, opened: np.ndarray, day: np.ndarray, channel: np.ndarray,
        place: np.ndarray, asset: np.ndarray, parent: np.ndarray, rng: np.random.Generator,
    ) -> Opened:  # fmt: skip
        n = len(kind)
        due, promised = self._due(kind, opened, day)
        horizon = np.where(due < NEVER, due, opened + 7 * DAY)
        began = self.elapsed(kind, opened)
        span = np.maximum(self.elapsed(kind, horizon) - began, 3600)
        ratio = np.exp(self.spread[kind] * (rng.standard_normal(n) - ndtri(np.minimum(self.share[kind], 0.97))))
        ratio *= self._slower(kind, day) * np.where(rng.random(n) < 0.009, 9.0, 1.0)
        outcome = pick(_OUTCOME_SHARES, n, rng)
        code = self.type_department[kind] == 5
        tidied = code & (ratio > 1) & (ratio < 1.6) & (rng.random(n) < 0.35)
        ratio[tidied] = 1 - 0.06 * rng.random(tidied.sum())
        outcome[tidied] = OUTCOMES.index("administrative")
        effort = np.where(parent >= 0, rng.lognormal(np.log(7_000), 0.9, n), ratio * span)
        outcome[parent >= 0] = OUTCOMES.index("duplicate")
        quick = kind == TYPE_AT["Information only"]
        effort[quick], outcome[quick] = 120 + 300 * rng.random(quick.sum()), 0
        last = self.worked_until(kind, began + np.maximum(effort, 90).astype(np.int64))
        last = np.where(last < NEVER, np.maximum(last, opened + 61), NEVER)
        last[quick] = opened[quick] + effort[quick].astype(np.int64)
        forgotten = (rng.random(n) < 0.0095) & ~quick & (parent < 0)
        last[forgotten] = NEVER

        b_assigned = began + np.minimum(rng.lognormal(np.log(1_500), 1.0, n), 0.3 * np.maximum(effort, 90))
        assigned = np.clip(self.worked_until(kind, b_assigned), opened + 20, np.maximum(opened + 30, last - 20))
        worked = self.worked_until(kind, began + effort * rng.uniform(0.6, 0.97, n))
        worked = np.clip(worked, assigned + 5, np.maximum(assigned + 10, last - 10))
        paused = (rng.random(n) < 0.06) & ~quick & (parent < 0) & (effort > 6 * 3600)
        pause_from = np.where(paused, self.worked_until(kind, began + effort * 0.35), NEVER)
        pause_from = np.where(paused, np.maximum(pause_from, assigned + 60), NEVER)
        pause_to = np.where(paused, self.worked_until(kind, began + effort * rng.uniform(0.4, 0.58, n)), NEVER)
        pause_to = np.where(paused, np.maximum(pause_to, pause_from + 60), NEVER)
        worked = np.where(paused, np.maximum(worked, pause_to + 60), worked)
        last = np.where(paused & (last < NEVER), np.maximum(last, worked + 60), last)

        closes, reopens = np.full((3, n), NEVER), np.full((2, n), NEVER)
        closes[0] = last
        chance = np.where(parent >= 0, 0.002, 0.034)
        chance[quick] = 0.0
        lights = kind == TYPE_AT["Street light out"]
        new_crew = (last >= day_number(stories.LIGHTING_CONTRACT_FROM) * DAY) & (
            last < day_number(stories.LIGHTING_SETTLED_ON) * DAY)  # fmt: skip
        chance[lights & new_crew] = 0.21
        for again in (0, 1):
            back = np.maximum(closes[again] + rng.lognormal(np.log(3.5 * DAY), 0.9, n), 0)
            opens_again = (closes[again] < NEVER) & (rng.random(n) < chance) & (back <= self.as_of)
            reopens[again] = np.where(opens_again, back, NEVER)
            at = np.flatnonzero(opens_again)
            more = np.maximum(span[at] * rng.uniform(0.1, 0.7, len(at)), 1800)
            done = self.worked_until(kind[at], self.elapsed(kind[at], reopens[again][at]) + more)
            closes[again + 1][at] = np.maximum(done, reopens[again][at] + 600)
            chance = np.where(opens_again, 0.09, 0.0)

        closes[closes > self.as_of] = NEVER
        reopens[reopens > self.as_of] = NEVER
        final = np.where(reopens[1] < NEVER, closes[2], np.where(reopens[0] < NEVER, closes[1], closes[0]))
        status = np.full(n, STATUSES.index("closed"))
        status[outcome == OUTCOMES.index("cancelled_by_requester")] = STATUSES.index("cancelled")
        still = final >= NEVER
        status[still] = np.select(
            [reopens[0][still] < NEVER, (pause_from <= self.as_of)[still] & (pause_to > self.as_of)[still],
             worked[still] <= self.as_of, assigned[still] <= self.as_of], [1, 3, 2, 1], 0)  # fmt: skip
        promise_h = np.where(due < NEVER, (due - opened) / 3600, 999)
        priority = np.clip(1 + (promise_h <= 30) + (rng.random(n) < 0.07) - (rng.random(n) < 0.05), 0, 3)
        moves = (rng.random(n) < np.array([row[3] for row in DEPARTMENTS])[self.type_department[kind]]).astype(int)
        moves += (moves > 0) & (rng.random(n) < 0.17)
        moves[quick | (parent >= 0)] = 0
        at_home = np.array([t.place == "home" for t in TYPES])[kind] & (place >= 0) & (rng.random(n) < 0.7)
        person = np.where(at_home, place * 4 + rng.integers(0, 4, n), rng.integers(0, 100_000, n))
        person[(rng.random(n) < 0.12) | (channel == 6)] = -1
        clean = np.zeros(n, np.int8)
        opened_requests = Opened(
            number, kind, opened, day, channel, place, asset, priority, self.type_department[kind], parent, due,
            promised, assigned, worked, closes, reopens, pause_from, pause_to, moves, outcome, person, clean, final,
            status,
        )  # fmt: skip
        self._spoil(opened_requests, rng)
        return opened_requests

    def _spoil(self, r: Opened, rng: np.random.Generator) -> None:
        """About 3 rows in 1,000 are wrong, as in every real system.

        1 closed before opened · 2 coordinates 0, 0 · 3 closed without a time · 4 due before opened · 5 due in an
        absurd year · 6 closed in the future
        """
        u = rng.random(len(r))
        once = (r.final < NEVER) & (r.reopens[0] >= NEVER) & (r.parent < 0)
        r.dirty[(u < 0.0007) & once] = 1
        r.dirty[(u >= 0.0007) & (u < 0.0017) & (r.place >= 0)] = 2
        r.dirty[(u >= 0.0017) & (u < 0.012) & (r.final >= NEVER) & (r.reopens[0] >= NEVER)] = 3
        r.dirty[(u >= 0.0020) & (u < 0.0026) & once] = 4
        r.dirty[(u >= 0.0026) & (u < 0.0027) & once] = 5
        r.dirty[(u >= 0.0027) & (u < 0.00275) & once] = 6
        early = np.flatnonzero(r.dirty == 1)
        r.final[early] = r.closes[0][early] = r.opened[early] - rng.integers(600, 20 * DAY, len(early))
        far = np.flatnonzero(r.dirty == 6)
        r.final[far] = r.closes[0][far] = self.as_of + rng.integers(30, 400, len(far)) * 365 * DAY // 10
        r.status[r.dirty == 3] = STATUSES.index("closed")
