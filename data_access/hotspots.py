"""What is asked about places beyond counting: where it clusters, and whether that is real.

Each question is a value that answers itself of an `Asking`; the numbers come from `places` and `ask`, the methods from
`dashboard.domain`. Every answer has a `frame` for tables and files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
import pandas as pd

from dashboard.domain.filters import DAY, Clock, Filters, Period
from dashboard.domain.hotspots import Change, History, Standing, change, history, standing, windows
from dashboard.domain.neighbours import Neighbours
from dashboard.domain.policy import Permission, Scope
from dashboard.domain.rate_ratio import rate_ratio
from dashboard.domain.scan_statistic import Outbreak, space_time_permutation_scan
from dashboard.domain.stretches import Slices, slices
from data_access.ask import Reader, ask
from data_access.compile import Frame
from data_access.dimensions import HEXAGONS, category, department, service_type
from data_access.places import Counted, Ground, Places, count_places, named, within
from data_access.semantics import Answer, Query, Total


@dataclass(frozen=True)
class Asking:
    """Who asks and may do what, about which rows, when.

    `ground` and `rings` are the city's, kept with the build; `known` answers another question for the same viewer, or
    tells what was answered before. `has` tells whether there is a table of a name.
    """

    reader: Reader
    filters: Filters
    scope: Scope
    clock: Clock
    frame: Frame
    permissions: frozenset[Permission]
    ground: Callable[[int], Ground]
    rings: Callable[[Ground, int], list[Neighbours]]
    known: Callable[[Analysis, Filters], Analysed]
    has: Callable[[str], bool]

    def about(self, filters: Filters) -> Asking:
        """The same viewer asking about other rows."""
        return replace(self, filters=filters)

    def count(self, question: Places) -> Counted:
        """How many in each hexagon of the whole city."""
        ground = self.ground(question.resolution)
        return count_places(self.reader, question, self.filters, self.scope, self.clock, self.frame, ground)

    def ask(self, query: Query) -> Answer:
        """An ordinary question."""
        return ask(self.reader, query, self.filters, self.scope, self.clock, self.frame)


class Analysis(Protocol):
    """A question that answers itself; a frozen value, so that its answer can be kept."""

    def answer(self, asking: Asking) -> Analysed:
        """The numbers and what they mean; within the scope of who asks."""

    def __hash__(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Analysed:
    """What every answer has. `frame` holds its rows for tables and files; `notes` must be seen with it."""

    question: Analysis
    frame: pd.DataFrame = field(compare=False)
    as_of: datetime
    notes: tuple[str, ...] = ()
    every: str | None = None


# ── Where it clusters ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Hotspots:
    """Where `of` clusters in the period, what became of each place before, and how it compares."""

    of: Total
    resolution: int = 9

    def answer(self, asking: Asking) -> FoundPlaces:
        """Test every hexagon the filters are about."""
        places = Places(self.of, self.resolution)
        filters = asking.filters
        now, cut = asking.count(places), slices(filters.period, asking.clock)
        along = asking.about(filters.during(cut.period)).count(replace(places, every=cut.every))
        against = filters.comparison()
        known = against is not None and against.from_on >= asking.clock.first_on
        before = asking.about(filters.during(against)).count(places) if known and against is not None else None
        mine = within(now.ground, filters, asking.scope) | (now.n > 0) | (along.n > 0)
        if before is not None:
            mine |= before.n > 0
            before = before.among(mine)
        now, along = now.among(mine), along.among(mine)
        ring, people = asking.rings(now.ground, 1)[0], now.ground.residents
        over = len(along.steps) - bool(cut.period.is_partial)  # the last step may have only begun
        judged = windows(along.counts[:, :over], cut.window) if over >= cut.window else None
        changed = None
        if before is not None and against is not None:
            near = [counted.n + ring.sums(counted.n) for counted in (now, before)]
            changed = change(near[0], near[1], (filters.days_counted(), filters.days_counted(against)))
        found = FoundPlaces(
            question=self, frame=pd.DataFrame(), as_of=now.as_of, notes=now.notes, now=now, before=before, along=along,
            cut=cut, standing=standing(now.n, ring, people), change=changed, ring=ring,
            past=None if judged is None else history(judged, ring, people),
        )  # fmt: skip
        return replace(found, frame=found.rows())


@dataclass(frozen=True, kw_only=True)
class FoundPlaces(Analysed):
    """The hexagons of the city with how they stand; everything is on the ground of `now`, in its order.

    `along` is by steps of `cut`; `past` judges each of them with those before it, from step ``cut.window - 1`` on, and
    leaves out a last one that has only begun. `change` is of each place with its neighbours.
    """

    question: Hotspots
    now: Counted
    before: Counted | None
    along: Counted
    cut: Slices
    standing: Standing
    past: History | None
    change: Change | None
    ring: Neighbours

    @property
    def ground(self) -> Ground:
        """The hexagons, in order."""
        return self.now.ground

    @property
    def total(self) -> int:
        """How many were counted in all hexagons."""
        return int(self.now.n.sum())

    def rows(self) -> pd.DataFrame:
        """One row for each place with anything in it, or that stands out; those that stand out most first."""
        ground, found = self.ground, self.standing
        frame = pd.DataFrame({
            "place": ground.names, "district": ground.district, "hexagon": ground.ids,
            self.question.of.name: self.now.n,
        })  # fmt: skip
        if self.before is not None:
            frame["before"] = self.before.n
        if ground.residents is not None:
            frame["residents"] = np.round(ground.residents).astype(int)
            frame["per_1000"] = 1000 * found.rate
        frame["z"], frame["p"], frame["q"] = found.z, found.p, found.q
        if self.past is not None:
            frame["category"] = [None if one is None else one.word for one in self.past.category]
            frame["slices_hot"] = self.past.standing.hot.sum(axis=1)
        shown = (self.now.n > 0) | found.hot | found.cold
        if self.past is not None:
            shown |= self.past.standing.hot.any(axis=1)
        order = np.lexsort((ground.cell, -self.now.n, -np.nan_to_num(found.z)))
        return frame.iloc[order[shown[order]]].reset_index(drop=True)


# ── What else is wrong there ───────────────────────────────────────────────────────────────────────

RELATED = 8
"""The most types that are compared."""
LEAST_RELATED = 20
"""A type with fewer requests in the city is not compared."""


@dataclass(frozen=True)
class Related:
    """How much more often other service types are reported in the places that stand out than elsewhere."""

    hotspots: Hotspots

    def answer(self, asking: Asking) -> Analysed:
        """Rate ratios per resident, or per place where nobody knows who lives where, with exact 95 % intervals."""
        found = asking.known(self.hotspots, asking.filters)
        assert isinstance(found, FoundPlaces)
        hot, ground = found.standing.hot, found.ground
        filters = asking.filters
        for name in (service_type.name, category.name, department.name):
            filters = filters.without(name)
        chosen = asking.filters.chosen(service_type.name)
        query = Query((self.hotspots.of,), by=(service_type,))
        cells = [cell for cell, is_hot in zip(ground.ids, hot, strict=True) if is_hot]
        columns = ["service_type", "there", "elsewhere", "ratio", "low", "high"]
        if not cells or hot.all():
            return Analysed(question=self, frame=pd.DataFrame(columns=columns), as_of=found.as_of)
        here = asking.about(filters.choose(HEXAGONS[self.hotspots.resolution].name, cells)).ask(query)
        city = asking.about(filters).ask(query)
        name = self.hotspots.of.name
        counts = city.frame.merge(here.frame, on=service_type.name, how="left", suffixes=("_city", "_there"))
        counts = counts[~counts[service_type.name].isin(chosen)].fillna({f"{name}_there": 0})
        there = counts[f"{name}_there"].to_numpy(int)
        elsewhere = counts[f"{name}_city"].to_numpy(int) - there
        weights = np.ones(len(ground)) if ground.residents is None else ground.residents
        exposure = float(weights[hot].sum()), float(weights[~hot].sum())
        rows = []
        for kind, a, b in zip(counts[service_type.name], there, elsewhere, strict=True):
            if a + b >= LEAST_RELATED:
                rows.append((kind, a, b, *rate_ratio(a, exposure[0], b, exposure[1])))
        rows.sort(key=lambda row: (-row[4], row[0]))  # surest first: by the lower end of the interval
        return Analysed(question=self, frame=pd.DataFrame(rows, columns=columns), as_of=found.as_of, notes=city.notes)


# ── What broke out lately ──────────────────────────────────────────────────────────────────────────

SCANNED_DAYS = 182
LENGTHS = (7, 14, 21, 28)
LEAST_SCANNED = 2 * max(LENGTHS)
"""So many days tell nothing yet of what is usual."""
RINGS = 3
SEED = 311


@dataclass(frozen=True)
class Outbreaks:
    """Places and days up to the end of the period in which more was counted than the place and the days explain."""

    of: Total
    resolution: int = 9

    def answer(self, asking: Asking) -> Broken:
        """Scan half a year, as a crew would every week."""
        end = min(asking.filters.period.to_on, asking.clock.last_on + DAY)
        begin = max(end - timedelta(days=SCANNED_DAYS), asking.clock.first_on)
        scanned = asking.about(asking.filters.during(Period(begin, end)))
        counted = scanned.count(Places(self.of, self.resolution, every="day"))
        mine = within(counted.ground, scanned.filters, scanned.scope) | (counted.n > 0)
        counted = counted.among(mine)
        cell, day = np.nonzero(counted.counts)
        times = counted.counts[cell, day]
        found: list[Outbreak] = []
        days = (end - begin).days
        if counted.n.sum() and days > LEAST_SCANNED:
            found = space_time_permutation_scan(
                np.repeat(cell, times), np.repeat(day, times), asking.rings(counted.ground, RINGS),
                days=days, lengths=LENGTHS, simulations=999, seed=SEED,
            )  # fmt: skip
        names = named(counted.ground)
        frame = pd.DataFrame(
            [
                (names[one.centre], counted.ground.district[one.centre], counted.ground.ids[one.centre],
                 len(one.cells), begin + timedelta(days=int(one.first_day)), one.observed, one.expected, one.p,
                 one.recurrence_days)
                for one in found
            ],
            columns=["place", "district", "hexagon", "places", "since", "observed", "expected", "p", "once_in_days"],
        )  # fmt: skip
        return Broken(
            question=self, frame=frame, as_of=counted.as_of, notes=counted.notes, counted=counted, found=tuple(found),
            period=Period(begin, end),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Broken(Analysed):
    """The outbreaks, and the daily counts of `period` they were looked for in."""

    counted: Counted
    found: tuple[Outbreak, ...]
    period: Period
