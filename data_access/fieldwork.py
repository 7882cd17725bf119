"""What is asked about places by those who go there: addresses that come back, crowded points, what treatment did, and
the list a crew takes along.

Questions like those of `hotspots`. Addresses and points are read only for those who may.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import ColumnElement, Select, String, cast, func, literal, select

from dashboard.domain.clusters import dbscan, hull, keep_identity
from dashboard.domain.errors import NotPermitted
from dashboard.domain.filters import DAY, Filters, Period
from dashboard.domain.intervals import wilson
from dashboard.domain.policy import Permission
from dashboard.domain.treatment import BEFORE_DAYS, Effect, effect_of_treatment
from data_access import schema
from data_access.compile import nearest, rows_of, with_values
from data_access.dimensions import HEXAGONS, category, department, service_type
from data_access.hotspots import Analysed, Asking, FoundPlaces, Hotspots
from data_access.measures.inspections import visits
from data_access.measures.requests import backlog, opened
from data_access.places import Places, within
from data_access.semantics import Query, Total

_r, _e, _i = schema.request.c, schema.request_episode.c, schema.inspection.c


def _up_to_end(asking: Asking, days: int) -> Filters:
    """The filters with the `days` before the end of their period, as far as the data reaches."""
    end = min(asking.filters.period.to_on, asking.clock.last_on + DAY)
    begin = max(end - timedelta(days=days), min(asking.clock.first_on, end - DAY))
    return asking.filters.during(Period(begin, end))


# ── Which addresses come back ──────────────────────────────────────────────────────────────────────

REPEATED = 3
"""So many incidents make a repeat address (measures C4)."""
APART = pd.Timedelta(days=14)
LOOKED_BACK = 365
MOST_ADDRESSES = 400


@dataclass(frozen=True)
class RepeatAddresses:
    """Addresses with three and more incidents of one type, each 14 days after the one before, within a year.

    Source: measures reference, C4.
    """

    of: Total = opened

    def answer(self, asking: Asking) -> Analysed:
        """Those with the most first; NotPermitted for who may not read addresses."""
        if Permission.READ_ADDRESSES not in asking.permissions:
            raise NotPermitted("Addresses are not shown to you. Ask the dashboard’s administrator.")
        filters = _up_to_end(asking, LOOKED_BACK)
        fact, conditions = rows_of(self.of, filters, asking.scope)
        written = func.lower(func.regexp_replace(func.trim(_r.address), r"\s+", " ", "g"))
        where: ColumnElement = func.coalesce(literal("parcel ") + cast(_r.parcel_id, String), written)
        conditions = [*conditions, where.is_not(None)]
        often = (
            select(where.label("where"), _r.service_type, func.count().label("n"))
            .where(*conditions)
            .group_by(where, _r.service_type)
            .having(func.count() >= REPEATED)
            .order_by(func.count().desc(), where, _r.service_type)
            .limit(MOST_ADDRESSES)
            .subquery()
        )
        rows = (
            select(where.label("where"), _r.service_type, _r.address, _r.district, _r.opened_at, _r.closure_outcome,
                   _r.person_key, _r.closed_at)
            .join(often, (often.c.where == where) & (often.c.service_type == _r.service_type))
            .where(*conditions)
            .order_by(_r.opened_at, _r.request_id)
        )  # fmt: skip
        frame = asking.reader.frame(with_values(rows, asking.frame, filters.period.to_on))
        found = [
            _repeat(group) for _, group in frame.groupby(["where", "service_type"], sort=False, observed=True)
        ]  # fmt: skip
        columns = ["address", "service_type", "district", "incidents", "reports", "requesters", "days_between",
                   "last_on", "last_outcome"]  # fmt: skip
        told = pd.DataFrame([one for one in found if one is not None], columns=columns)
        told = told.sort_values(["incidents", "last_on", "address"], ascending=[False, False, True], ignore_index=True)
        return Analysed(question=self, frame=told, as_of=asking.frame.as_of)


def _repeat(group: pd.DataFrame) -> tuple | None:
    """One address: reports closer than 14 days to an incident belong to it."""
    at = group["opened_at"]
    starts = [at.iloc[0]]
    for one in at.iloc[1:]:
        if one - starts[-1] >= APART:
            starts.append(one)
    if len(starts) < REPEATED:
        return None
    last = group.iloc[-1]
    gaps = np.diff(np.array(starts)) / np.timedelta64(1, "D")
    outcome = last["closure_outcome"] if isinstance(last["closure_outcome"], str) else None
    if outcome is None and pd.isna(last["closed_at"]):
        outcome = "open"
    people = group["person_key"].nunique()
    return (
        last["address"], last["service_type"], last["district"], len(starts), len(group), people or None,
        float(np.median(gaps)), at.iloc[-1].normalize(), (outcome or "closed").replace("_", " "),
    )  # fmt: skip


# ── Where points crowd ─────────────────────────────────────────────────────────────────────────────

EPS_M, LEAST_POINTS = 100.0, 5
WINDOW_DAYS, WEEKS_BACK = 28, 12
MOST_POINTS = 20_000
_METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True)
class Clusters:
    """Crowds of points of the last four weeks (DBSCAN in metres), and since when each is there.

    Source: measures reference, C3.
    """

    of: Total = opened

    def answer(self, asking: Asking) -> Crowds:
        """Those that stand at the end of the period, the largest first; NotPermitted without exact places."""
        if Permission.READ_ADDRESSES not in asking.permissions:
            raise NotPermitted("Exact places are not shown to you. Ask the dashboard’s administrator.")
        filters = _up_to_end(asking, WINDOW_DAYS + 7 * (WEEKS_BACK - 1))
        fact, conditions = rows_of(self.of, filters, asking.scope)
        points = (
            select(_r.request_id, _r.lat, _r.lon, _r.opened_on, _r.district)
            .where(*conditions, _r.h3_10.is_not(None))
            .order_by(_r.opened_on, _r.request_id)
            .limit(MOST_POINTS + 1)
        )
        rows = asking.reader.frame(with_values(points, asking.frame, filters.period.to_on))
        columns = ["cluster", "district", "points", "since", "weeks", "hectares", "lat", "lon"]
        empty = Crowds(question=self, frame=pd.DataFrame(columns=columns), as_of=asking.frame.as_of, hulls=(),
                       is_cut=len(rows) > MOST_POINTS)  # fmt: skip
        if not len(rows) or empty.is_cut:
            return empty
        middle = float(rows["lat"].mean())
        scale = np.array([_METRES_PER_DEGREE * np.cos(np.radians(middle)), _METRES_PER_DEGREE])
        xy = rows[["lon", "lat"]].to_numpy(float) * scale
        when = rows["opened_on"].to_numpy("datetime64[D]")
        end = np.datetime64(filters.period.to_on, "D")
        before: list[frozenset[int]] = []
        names: list[int] = []
        since: dict[int, date] = {}
        for week in range(WEEKS_BACK - 1, -1, -1):
            last = end - 7 * week
            mine = np.flatnonzero((when >= last - WINDOW_DAYS) & (when < last))
            labels = dbscan(xy[mine], EPS_M, LEAST_POINTS) if len(mine) else np.empty(0, int)
            now = [frozenset(mine[labels == label].tolist()) for label in range(labels.max(initial=-1) + 1)]
            kept = keep_identity(before, now)
            names = [names[one] if one is not None else len(since) + i for i, one in enumerate(kept)]
            for name in names:
                since.setdefault(name, (last - 1).astype(date))
            before = now
        found, hulls = [], []
        for name, members in zip(names, before, strict=True):
            at = sorted(members)
            outline = hull(xy[at])
            home = rows["district"].iloc[at].mode()
            weeks = (filters.period.to_on - since[name]).days // 7 + 1
            lon, lat = (xy[at].mean(axis=0) / scale).tolist()
            found.append((name, home.iloc[0] if len(home) else None, len(at), since[name], weeks,
                          outline.area / 10_000, lat, lon))  # fmt: skip
            hulls.append(shapely.transform(outline, lambda points: points / scale))
        frame = pd.DataFrame(found, columns=columns)
        order = frame.sort_values(["points", "weeks", "cluster"], ascending=[False, False, True]).index
        return replace(empty, frame=frame.loc[order].reset_index(drop=True), hulls=tuple(hulls[i] for i in order))


@dataclass(frozen=True, kw_only=True)
class Crowds(Analysed):
    """The clusters of points; `hulls` are their outlines in longitude and latitude, in the order of the frame.

    `is_cut`: there are too many points to look at each.
    """

    hulls: tuple
    is_cut: bool


# ── What treatment did ─────────────────────────────────────────────────────────────────────────────

TREATED_DAYS = 365
FOLLOWED = (30, 60)


@dataclass(frozen=True)
class TreatmentEffect:
    """Whether places that were treated (baited) are reported again less often than places that were only visited.

    Source: measures reference, C5 and D3.
    """

    of: Total = opened
    resolution: int = 9

    def answer(self, asking: Asking) -> Treated:
        """Within 30 and 60 days, against matched places; only treatments that can be followed so long count."""
        filters = _up_to_end(asking, TREATED_DAYS)
        before = filters.period.from_on - timedelta(days=BEFORE_DAYS)
        reach = Period(max(before, min(asking.clock.first_on, filters.period.from_on)), filters.period.to_on)
        counted = asking.about(filters.during(reach)).count(Places(self.of, self.resolution, every="day"))
        mine = within(counted.ground, filters, asking.scope) | (counted.n > 0)
        counted = counted.among(mine)
        plain = _of_places_only(filters)
        fact, conditions = rows_of(visits, plain, asking.scope)
        column = _i[f"h3_{self.resolution}"]
        seen = (
            select(column.label("cell"), _i.visited_on, func.max(func.coalesce(_i.premises_baited, 0)).label("baited"))
            .where(*conditions, column.is_not(None), _i.result != "no_access")
            .group_by(column, _i.visited_on)
            .order_by(column, _i.visited_on)
        )
        rows = asking.reader.frame(with_values(seen, asking.frame, plain.period.to_on))
        cells = rows["cell"].to_numpy(np.int64)
        at = np.searchsorted(counted.ground.cell, cells)
        known = at < len(counted.ground)
        known[known] = counted.ground.cell[at[known]] == cells[known]
        day = (rows["visited_on"] - pd.Timestamp(reach.from_on)).dt.days.to_numpy(np.int64)
        treated = rows["baited"].to_numpy(float) > 0
        effects = tuple(
            effect_of_treatment(
                counted.counts, np.asarray(at[known], np.int64), day[known], treated[known], within_days=days
            )
            for days in FOLLOWED
        )
        frame = pd.DataFrame(
            [(days, one.treated, one.treated_again, one.controls, one.controls_again, one.difference, one.low, one.high)
             for days, one in zip(FOLLOWED, effects, strict=True)],
            columns=["within_days", "treated", "treated_again", "controls", "controls_again", "difference", "low",
                     "high"],
        )  # fmt: skip
        return Treated(question=self, frame=frame, as_of=counted.as_of, effects=effects,
                       visits=int((known & treated).sum()))  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Treated(Analysed):
    """The effect within each of `FOLLOWED` days; `visits` is how many treatments there were in the year."""

    effects: tuple[Effect, ...]
    visits: int


def _of_places_only(filters: Filters) -> Filters:
    """What visits can be narrowed by: not by what was asked for, nor by who holds it."""
    for name in (service_type.name, category.name, department.name):
        filters = filters.without(name)
    return filters


# ── The list a crew takes along ────────────────────────────────────────────────────────────────────

STOPS = 12
VISITED_DAYS, NEARBY_DAYS = 180, 30
NEARBY_TYPES = 4


@dataclass(frozen=True)
class Visited:
    """What visits to a place found in half a year: those with an outcome, those with active signs, the last one."""

    told: int = 0
    active: int = 0
    last_on: date | None = None
    last_result: str | None = None
    last_active_on: date | None = None
    baited_on: date | None = None
    baited: int = 0


@dataclass(frozen=True)
class OpenRequest:
    """A request to be looked at: its number, where (None to those who may not read it), and since when."""

    request_id: str
    public_id: str
    address: str | None
    opened_on: date
    is_overdue: bool


@dataclass(frozen=True)
class Stop:
    """A place on the list, and everything to know before going there."""

    hexagon: str
    place: str
    district: str | None
    reports: int
    z: float
    q: float
    category: str | None
    visited: Visited
    open: tuple[OpenRequest, ...]
    nearby: tuple[tuple[str, int], ...]
    lat: float
    lon: float


@dataclass(frozen=True)
class CrewList:
    """Where to go: the chosen places, or those that stand out, confirmed and recently active ones first.

    Source: measures reference, C5.
    """

    hotspots: Hotspots

    def answer(self, asking: Asking) -> Stops:
        """At most a dozen stops; addresses only for those who may read them."""
        size = self.hotspots.resolution
        hexagon = HEXAGONS[size]
        chosen = asking.filters.chosen(hexagon.name)
        found = asking.known(self.hotspots, asking.filters.without(hexagon.name))
        assert isinstance(found, FoundPlaces)
        ids = np.array(found.ground.ids, object)
        wanted = np.isin(ids, list(chosen)) if chosen else found.standing.hot & (found.now.n > 0)
        rank = np.lexsort((ids, -np.nan_to_num(found.standing.z)))
        at = [int(i) for i in rank if wanted[i]][: 2 * STOPS]
        cells = [str(ids[i]) for i in at]
        here = asking.filters.choose(hexagon.name, cells)
        seen = self._visited(asking, here) if cells else {}
        waiting = self._open(asking, here) if cells else {}
        near = self._nearby(asking, here) if cells else {}
        names = found.ground.names
        stops = [
            Stop(
                cell, names[i], found.ground.district[i], int(found.now.n[i]), float(found.standing.z[i]),
                float(found.standing.q[i]), _category(found, i), seen.get(cell, Visited()), waiting.get(cell, ()),
                near.get(cell, ()), *found.ground.middle(i),
            )
            for i, cell in zip(at, cells, strict=True)
        ]  # fmt: skip
        stops.sort(key=_urgency)
        stops = stops[:STOPS]
        frame = pd.DataFrame(
            [
                (n, one.place, one.district, one.hexagon, one.reports, one.z, one.q, one.category, one.visited.active,
                 one.visited.told, one.visited.last_on, one.visited.last_result, one.visited.baited_on, len(one.open),
                 "; ".join(f"{kind} {number}" for kind, number in one.nearby), one.lat, one.lon)
                for n, one in enumerate(stops, 1)
            ],
            columns=["stop", "place", "district", "hexagon", self.hotspots.of.name, "z", "q", "category",
                     "visits_active", "visits_told", "last_visit_on", "last_result", "baited_on", "open", "nearby",
                     "lat", "lon"],
        )  # fmt: skip
        return Stops(question=self, frame=frame, as_of=found.as_of, notes=found.notes, stops=tuple(stops),
                     addresses=Permission.READ_ADDRESSES in asking.permissions,
                     visits=bool(seen) or self._is_visited(asking, asking.filters.without(hexagon.name)))  # fmt: skip

    def _column(self, table) -> ColumnElement:
        return table[f"h3_{self.hotspots.resolution}"]

    def _visits(self, asking: Asking, here: Filters, *columns: ColumnElement) -> Select:
        filters = _of_places_only(_up_to_end(asking.about(here), VISITED_DAYS))
        fact, conditions = rows_of(visits, filters, asking.scope)
        return with_values(select(*columns).where(*conditions), asking.frame, filters.period.to_on)

    def _is_visited(self, asking: Asking, anywhere: Filters) -> bool:
        return asking.reader.table(self._visits(asking, anywhere, _i.inspection_id).limit(1)).num_rows > 0

    def _visited(self, asking: Asking, here: Filters) -> dict[str, Visited]:
        rows = self._visits(asking, here, self._column(_i).label("cell"), _i.visited_on, _i.result, _i.premises_baited)
        frame = asking.reader.frame(rows.order_by(_i.visited_at, _i.inspection_id))
        found = {}
        for cell, group in frame.groupby("cell"):
            told = group[group["result"] != "no_access"]
            active = told[told["result"] == "active_signs"]
            baited = group[group["premises_baited"] > 0]
            found[HEXAGONS[self.hotspots.resolution].to_value(cell)] = Visited(
                len(told), len(active), group["visited_on"].iloc[-1].date(), str(group["result"].iloc[-1]),
                active["visited_on"].iloc[-1].date() if len(active) else None,
                baited["visited_on"].iloc[-1].date() if len(baited) else None,
                int(baited["premises_baited"].iloc[-1]) if len(baited) else 0,
            )  # fmt: skip
        return found

    def _open(self, asking: Asking, here: Filters) -> dict[str, tuple[OpenRequest, ...]]:
        fact, conditions = rows_of(backlog, here, asking.scope)
        overdue = _r.due_at < literal(asking.frame.as_of)
        rows = (
            select(self._column(_e).label("cell"), _r.request_id,
                   func.coalesce(_r.public_id, _r.request_id).label("id"), _r.address, _r.opened_on,
                   overdue.label("overdue"))
            .select_from(schema.request_episode.join(schema.request, _r.request_id == _e.request_id))
            .where(*conditions)
            .order_by(_r.opened_at, _r.request_id)
        )  # fmt: skip
        rows = nearest(rows, here.period.to_on, asking.frame)
        frame = asking.reader.frame(with_values(rows, asking.frame, here.period.to_on))
        may_read = Permission.READ_ADDRESSES in asking.permissions
        found: dict[str, list[OpenRequest]] = {}
        for row in frame.to_dict("records"):
            address = row["address"] if may_read and isinstance(row["address"], str) else None
            is_late = row["overdue"] == 1  # null where nothing was promised
            one = OpenRequest(row["request_id"], row["id"], address, row["opened_on"].date(), bool(is_late))
            found.setdefault(HEXAGONS[self.hotspots.resolution].to_value(row["cell"]), []).append(one)
        return {cell: tuple(some) for cell, some in found.items()}

    def _nearby(self, asking: Asking, here: Filters) -> dict[str, tuple[tuple[str, int], ...]]:
        own = set(asking.filters.chosen(service_type.name))
        hexagon = HEXAGONS[self.hotspots.resolution]
        around = _of_places_only(_up_to_end(asking.about(here), NEARBY_DAYS))
        answer = asking.about(around).ask(Query((self.hotspots.of,), by=(hexagon, service_type)))
        found: dict[str, tuple[tuple[str, int], ...]] = {}
        rows = answer.frame[~answer.frame[service_type.name].isin(own)]
        for cell, group in rows.groupby(hexagon.name, sort=False):
            most = group.sort_values([self.hotspots.of.name, service_type.name], ascending=[False, True])
            most = most.head(NEARBY_TYPES)
            found[str(cell)] = tuple(
                (str(kind), int(n))
                for kind, n in zip(most[service_type.name], most[self.hotspots.of.name], strict=True)
            )
        return found


def _category(found, at: int) -> str | None:
    one = found.past.category[at] if found.past is not None else None
    return None if one is None else one.word


def _urgency(stop: Stop) -> tuple:
    """Confirmed activity first (the lower end of its interval), then the most recent, then what stands out most."""
    seen = stop.visited
    sure = float(wilson(seen.active, seen.told)[1]) if seen.told else 0.0
    recent = seen.last_active_on.toordinal() if seen.last_active_on else 0
    return (-round(sure, 2), -recent, -np.nan_to_num(stop.z), stop.hexagon)


@dataclass(frozen=True, kw_only=True)
class Stops(Analysed):
    """The places in the order of going there; `addresses` says whether the viewer may read those of open requests.

    `visits` says whether any place was visited in that half year, as far as the viewer may see: if none was, nobody
    knows which were.
    """

    stops: tuple[Stop, ...]
    addresses: bool
    visits: bool
