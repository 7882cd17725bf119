"""Every column marked derived, computed once per build from the others; frames in, frames out, no SQL.

All functions take facts in the types of `Warehouse.frame` and return them with the derived columns added, in the same
order. Validity flags follow measures reference, section 0: a flag never drops a row.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from h3.api import basic_int as h3
from scipy.spatial import cKDTree
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from dashboard.domain.calendar import BusinessCalendar, Pauses, union_pauses
from dashboard.domain.errors import BadRequest
from dashboard.domain.local_time import civil_date, end_of_day_after, half_hour, hour_of_week, same_time_after, to_local
from data_access import schema
from data_access.engine import City
from data_access.schema import FLAGS

DIMENSIONS = ("department", "service_type", "sla_version", "calendar", "calendar_day", "district", "agent")
# Tables that `Build.finish` fills; all others are copied as written.
DERIVED = frozenset(
    {"request", "request_episode", "contact", "survey", "agent_state", "inspection", "place", "asset", "city_event"}
)

# A pair of coordinates stands for “unknown” if it is shared by more than this share and number of rows.
PLACEHOLDER_SHARE = 0.05
PLACEHOLDER_ROWS = 50
# A column of instants holds dates if more than this share of at least so many values are at midnight.
MIDNIGHT_SHARE = 0.5
MIDNIGHT_ROWS = 50
_ABSURD = pd.Timedelta(days=3652)
_METRES_PER_DEGREE = 111_195.0

CLOSED_STATUSES = frozenset({"closed", "cancelled", "merged_duplicate", "referred_out"})
OPEN_STATUSES = frozenset({"new", "triaged", "assigned", "in_progress", "on_hold", "reopened"})
# Kinds of events that show that something was done about a request.
ACTIVITY = ("work", "inspect", "comment")
# Flags that only the reader of a source can set; kept when rows are carried from build to build.
READ_FLAGS = sum(FLAGS[name] for name in ("dup_id", "ambiguous_time", "nonexistent_time", "unmapped_status"))

Flagged = npt.NDArray[np.bool_]


def city_row(city: Mapping[str, Any]) -> dict[str, Any]:
    """The row of the table `city`, completed with defaults. Raises BadRequest for a field that does not exist."""
    known = {one.name for one in fields(City)}
    unknown = set(city) - known
    if unknown:
        raise BadRequest(f"A city has no {', '.join(sorted(unknown))}.")
    return asdict(City(**{**city, "schema_version": schema.VERSION}))


# ── What a chunk of facts must know of the city ─────────────────────────────────────────────────────


@dataclass(frozen=True)
class Area:
    """A district as points are looked up in it; `since` and `until` are civil days, half-open."""

    district_id: str
    name: str
    geometry: BaseGeometry | None
    since: np.datetime64
    until: np.datetime64


@dataclass(frozen=True)
class Context:
    """The dimensions of the city, ready to be looked up."""

    tz: str
    departments: pd.DataFrame
    types: pd.DataFrame
    sla: pd.DataFrame
    calendars: Mapping[str, BusinessCalendar]
    areas: tuple[Area, ...]
    teams: pd.Series

    @classmethod
    def of(cls, city: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> Context:
        """Prepare the dimension tables (all columns of `schema`) of a city."""
        agents = tables["agent"]
        return cls(
            tz=city["tz"],
            departments=tables["department"].drop_duplicates("department_id", keep="last").set_index("department_id"),
            types=tables["service_type"].drop_duplicates("type_id", keep="last").set_index("type_id"),
            sla=tables["sla_version"].reset_index(drop=True),
            calendars=calendars_of(tables["calendar"], tables["calendar_day"], city["tz"]),
            areas=_areas(tables["district"]),
            teams=agents.drop_duplicates("agent_id", keep="last").set_index("agent_id")["team"],
        )

    def duplicate_rules(self) -> Iterator[tuple[str, float, float]]:
        """Types whose near reports are one incident: type id, radius in metres, days."""
        rules = self.types.dropna(subset=["duplicate_radius_m", "duplicate_days"])
        for type_id, radius, days in zip(
            rules.index, rules["duplicate_radius_m"], rules["duplicate_days"], strict=True
        ):
            yield str(type_id), float(radius), float(days)


def calendars_of(calendars: pd.DataFrame, days: pd.DataFrame, tz: str) -> dict[str, BusinessCalendar]:
    """The business calendars of rows of `calendar` and `calendar_day`, by their id."""
    found = {}
    for calendar_id, weekly in zip(calendars["calendar_id"], calendars["weekly_windows"], strict=True):
        own = days[days["calendar_id"] == calendar_id]
        differing = {
            day.date(): _windows(windows) if business else ()
            for day, business, windows in zip(own["day_on"], own["is_business"], own["windows"], strict=True)
            if not business or isinstance(windows, str)
        }
        found[str(calendar_id)] = BusinessCalendar([_windows(day) for day in json.loads(weekly)], differing, tz)
    return found


def _windows(written: Any) -> tuple[tuple[str, str], ...]:
    windows = json.loads(written) if isinstance(written, str) else written
    return tuple((opening, closing) for opening, closing in windows)


def _areas(districts: pd.DataFrame) -> tuple[Area, ...]:
    """The districts of the first kind written: the one by which the city divides its requests."""
    if districts.empty:
        return ()
    own = districts[districts["kind"] == districts["kind"].iloc[0]]
    areas = []
    for row in own.to_dict("records"):
        geometry = shape(json.loads(row["geometry"])) if isinstance(row["geometry"], str) else None
        if geometry is not None:
            shapely.prepare(geometry)
        since = row["valid_from_on"] if pd.notna(row["valid_from_on"]) else pd.Timestamp("1700-01-01")
        until = row["valid_to_on"] if pd.notna(row["valid_to_on"]) else pd.Timestamp("9000-01-01")
        areas.append(Area(row["district_id"], row["name"], geometry, since.to_datetime64(), until.to_datetime64()))
    return tuple(areas)


# ── What only all rows together tell ────────────────────────────────────────────────────────────────


@dataclass
class Midnights:
    """How often each source writes an instant as local midnight: more than half the time, it writes dates."""

    tz: str
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    midnights: Counter[tuple[str, str]] = field(default_factory=Counter)

    def count(self, frame: pd.DataFrame) -> None:
        """Take a chunk of requests into account."""
        source = frame["src_system"].fillna("") if "src_system" in frame else pd.Series("", index=frame.index)
        for column in ("opened_at", "closed_at", "due_at"):
            if column not in frame or not frame[column].notna().any():
                continue
            local = to_local(frame[column], self.tz)
            given = ~np.isnat(local)
            at_midnight = local == local.astype("datetime64[D]")
            for name, rows in source.groupby(source).indices.items():
                self.counts[str(name), column] += int(given[rows].sum())
                self.midnights[str(name), column] += int(at_midnight[rows].sum())

    def columns(self) -> frozenset[tuple[str, str]]:
        """Pairs of source and column that hold dates."""
        return frozenset(
            key for key, n in self.counts.items() if n >= MIDNIGHT_ROWS and self.midnights[key] > MIDNIGHT_SHARE * n
        )


@dataclass(frozen=True)
class Findings:
    """What all requests together tell about one: placeholders, date-only columns, incidents."""

    placeholders: frozenset[tuple[float, float]] = frozenset()
    midnight_columns: frozenset[tuple[str, str]] = frozenset()
    incidents: pd.Series = field(default_factory=lambda: pd.Series(dtype=object))  # duplicate → its root
    recorded: frozenset[tuple[str, str]] = frozenset()  # pairs of source and kind of event: what each writes down

    def sources_of(self, *kinds: str) -> frozenset[str]:
        """The sources that record events of any of these kinds at all."""
        return frozenset(source for source, kind in self.recorded if kind in kinds)


def roots(parents: pd.Series) -> pd.Series:
    """For each duplicate (index) the report its chain of parents leads to; a circle of parents leads nowhere."""
    parents = parents[~parents.index.duplicated(keep="first")]
    parents = parents[parents.index != parents.to_numpy()]
    for _ in range(40):  # each turn doubles the length of chain that is followed
        further = parents.reindex(parents.to_numpy()).to_numpy()
        ends = pd.isna(further)
        if ends.all():
            break
        parents = pd.Series(np.where(ends, parents.to_numpy(), further), index=parents.index, dtype=object)
    return parents[(parents.index != parents.to_numpy()) & ~parents.isin(parents.index).to_numpy()]


def inferred_parents(
    reports: pd.DataFrame, radius_m: float, days: float, placeholders: frozenset[tuple[float, float]]
) -> pd.Series:
    """For each report of one type that repeats an earlier one, the earliest such: near, recent and still open.

    Parameters
    ----------
    reports
        request_id, opened_at, closed_at, lat, lon; in the order of opening.

    Source: measures reference, R9; radius and days are the service type's own.
    """
    known = ~_in_pairs(reports["lat"], reports["lon"], placeholders) & _on_earth(reports["lat"], reports["lon"])
    reports = reports[known]
    if len(reports) < 2:
        return pd.Series(dtype=object)
    north = reports["lat"].to_numpy() * _METRES_PER_DEGREE
    east = reports["lon"].to_numpy() * _METRES_PER_DEGREE * np.cos(np.radians(reports["lat"].mean()))
    pairs = cKDTree(np.column_stack([east, north])).query_pairs(radius_m, output_type="ndarray")
    first, second = pairs.min(axis=1), pairs.max(axis=1)
    opened = reports["opened_at"].to_numpy()
    closed = reports["closed_at"].to_numpy()
    near = (opened[second] - opened[first] <= np.timedelta64(int(days * 86_400_000_000), "us")) & (
        np.isnat(closed[first]) | (closed[first] > opened[second])
    )
    found = pd.DataFrame({"child": second[near], "parent": first[near]}).groupby("child")["parent"].min()
    ids = reports["request_id"].to_numpy(dtype=object)
    return pd.Series(ids[found.to_numpy()], index=ids[found.index.to_numpy()], dtype=object)


# ── Requests ────────────────────────────────────────────────────────────────────────────────────────


def requests(
    frame: pd.DataFrame,
    context: Context,
    findings: Findings,
    as_of: datetime,
    pauses: pd.DataFrame,
    activity: pd.Series,
) -> pd.DataFrame:
    """A chunk of requests with everything derived but `recurred_at`, which takes all of them.

    Parameters
    ----------
    pauses
        Rows of `request_pause` that belong to the chunk.
    activity
        For the requests of the chunk that have any (index), the number of their `ACTIVITY` events up to the close.
    """
    found = frame.reset_index(drop=True).copy()
    tz = context.tz
    unwitnessed = found["closed_at"].isna() & found["status"].isin(CLOSED_STATUSES)
    # Closed, and nobody wrote when: at the last update, as Open311 has it, so that it is not open for ever.
    found["closed_at"] = found["closed_at"].where(~unwitnessed, found["updated_at"])
    found["opened_on"] = civil_date(found["opened_at"], tz).astype("datetime64[us]")
    found["opened_hour_of_week"] = hour_of_week(found["opened_at"], tz)
    found["closed_on"] = civil_date(found["closed_at"], tz).astype("datetime64[us]")
    _name(found, context)
    held = _pauses_of(found, pauses)
    calendar_ids = _promise(found, context, held)
    found["due_on"] = civil_date(found["due_at"], tz).astype("datetime64[us]")
    found["promise_s"] = _seconds(found["opened_at"], found["due_at"])
    found["close_s"] = _seconds(found["opened_at"], found["closed_at"])
    _business(found, context, calendar_ids, held, as_of)
    placed = _place(found, context, findings)
    _relate(found, findings)
    _work(found, findings, activity)
    found["dq_flags"] = _flags(found, findings, as_of, placed, unwitnessed)
    return found


def _name(found: pd.DataFrame, context: Context) -> None:
    """Names beside ids; a request without a department belongs to that of its type."""
    types = context.types.reindex(found["type_id"])
    found["service_type"] = _known(types["name"], found["type_id"])
    found["category"] = types["category"].to_numpy()
    found["is_info_only"] = types["is_info_only"].eq(True).to_numpy()
    found["department_id"] = _known(found["department_id"], types["department_id"])
    names = context.departments["name"].reindex(found["department_id"])
    found["department"] = _known(names, found["department_id"])


def _known(values: pd.Series, otherwise: pd.Series) -> npt.NDArray[Any]:
    """`values`, and where one is missing what stands `otherwise`, position by position."""
    return np.where(values.notna(), values.to_numpy(dtype=object), otherwise.to_numpy(dtype=object))


def _pauses_of(found: pd.DataFrame, pauses: pd.DataFrame) -> Pauses:
    at = pd.Index(found["request_id"]).get_indexer(pauses["request_id"])
    mine = at >= 0
    return union_pauses(at[mine], pauses["start_at"].to_numpy()[mine], pauses["end_at"].to_numpy()[mine])


def _among(pauses: Pauses, positions: npt.NDArray[np.int64]) -> Pauses:
    """The pauses of some requests, counted by their place among those."""
    mine = np.isin(pauses.request_index, positions)
    return Pauses(np.searchsorted(positions, pauses.request_index[mine]), pauses.start[mine], pauses.end[mine])


def _promise(found: pd.DataFrame, context: Context, held: Pauses) -> npt.NDArray[Any]:
    """Fill `due_at` from the promise in force where the source gives none; return each request's calendar.

    Source: measures reference, B-clock.
    """
    given = found["due_at"].notna().to_numpy()
    versions = _versions(found, context.sla)
    sla = context.sla.reindex(versions)
    own_calendar = context.departments["calendar_id"].reindex(found["department_id"])
    calendar_ids = _known(sla["calendar_id"], own_calendar)
    found["sla_id"] = _known(found["sla_id"], sla["sla_id"])
    due = found["due_at"].to_numpy().copy()
    wanted = pd.DataFrame(
        {
            "unit": sla["target_unit"].to_numpy(),
            "mode": sla["mode"].to_numpy(),
            "calendar": np.where(sla["target_unit"] == "calendar_days", "", calendar_ids),
        }
    )[~given & sla["target_value"].notna().to_numpy()]
    opened, targets = found["opened_at"].to_numpy(), sla["target_value"].to_numpy()
    for (unit, mode, calendar_id), alike in wanted.groupby(["unit", "mode", "calendar"], dropna=False):
        at = alike.index.to_numpy()
        calendar = context.calendars.get(str(calendar_id))
        due[at] = _due(opened[at], targets[at], str(unit), str(mode), calendar, _among(held, at), context.tz)
    found["due_at"] = due
    source = np.where(given, "source", np.where(np.isnat(due), "none", "computed"))
    found["due_source"] = np.where(given & found["due_source"].notna(), found["due_source"].astype(object), source)
    return calendar_ids


def _due(
    opened: npt.NDArray[Any],
    target: npt.NDArray[Any],
    unit: str,
    mode: str,
    calendar: BusinessCalendar | None,
    held: Pauses,
    tz: str,
) -> npt.NDArray[Any]:
    if unit == "calendar_days":
        return (end_of_day_after if mode == "end_of_day" else same_time_after)(opened, np.rint(target), tz)
    if calendar is None:
        return np.full(len(opened), np.datetime64("NaT", "us"))
    if mode == "end_of_day":
        days = target if unit == "business_days" else target / calendar.day_length_s
        return calendar.end_of_nth_business_day(opened, np.maximum(np.ceil(days), 1).astype(np.int64))
    seconds = target * calendar.day_length_s if unit == "business_days" else target
    return calendar.due_at_with_pauses(opened, seconds, held)


def _versions(found: pd.DataFrame, sla: pd.DataFrame) -> npt.NDArray[np.int64]:
    """The row of `sla` in force for each request when it was opened, -1 where there is none.

    A version for the request's own priority goes before one for all, a younger one before an older.
    """
    version = np.full(len(found), -1, np.int64)
    if sla.empty:
        return version
    asked = found[["type_id", "priority", "opened_on"]].assign(at=np.arange(len(found)))
    offers = sla[["type_id", "priority", "valid_from_on", "valid_to_on"]].assign(version=np.arange(len(sla)))
    pairs = asked.merge(offers, on="type_id", suffixes=("", "_promised"))
    general = pairs["priority_promised"].isna()
    pairs = pairs[
        (general | (pairs["priority_promised"] == pairs["priority"]))
        & (pairs["valid_from_on"].isna() | (pairs["valid_from_on"] <= pairs["opened_on"]))
        & (pairs["valid_to_on"].isna() | (pairs["opened_on"] < pairs["valid_to_on"]))
    ].assign(general=general)
    best = pairs.sort_values(["at", "general", "valid_from_on"], ascending=[True, True, False]).drop_duplicates("at")
    version[best["at"].to_numpy()] = best["version"].to_numpy()
    named = pd.Index(sla["sla_id"]).get_indexer(found["sla_id"]) if sla["sla_id"].is_unique else version
    return np.where(named >= 0, named, version)


def _business(
    found: pd.DataFrame, context: Context, calendar_ids: npt.NDArray[Any], held: Pauses, as_of: datetime
) -> None:
    """Business seconds that each request stood open, pauses taken out, up to its close or `as_of`, and what is left.

    Where no calendar is known the clock never rests: what is left is then plain time, and a working day 24 hours.
    """
    opened, due = found["opened_at"].to_numpy(), found["due_at"].to_numpy()
    until = found["closed_at"].fillna(pd.Timestamp(as_of)).to_numpy().astype("datetime64[us]")
    spent = np.full(len(found), np.nan)
    paused = np.full(len(found), np.nan)
    left = (due - until) / np.timedelta64(1, "s")
    day = np.full(len(found), 86400.0)
    for calendar_id, alike in pd.Series(calendar_ids, dtype=object).groupby(calendar_ids):
        at = alike.index.to_numpy()
        calendar = context.calendars.get(str(calendar_id))
        if calendar is not None:
            pauses = _among(held, at)
            paused[at] = calendar.paused_business_s(opened[at], until[at], pauses)
            spent[at] = calendar.elapsed_s(opened[at], until[at]) - paused[at]
            day[at] = calendar.day_length_s
            # A promise for centuries is a mistake of the source; nobody looks up its business hours.
            near = at[~np.isnat(due[at]) & (due[at] - opened[at] <= _ABSURD.to_timedelta64())]
            pauses = _among(held, near)
            pausing = calendar.paused_business_s(opened[near], due[near], pauses) - paused[near]
            left[near] = calendar.elapsed_s(until[near], due[near]) - pausing
    possible = until >= opened
    found["business_open_s"] = np.floor(np.where(possible, spent, np.nan))
    found["paused_business_s"] = np.floor(np.where(possible, paused, np.nan))
    on_hold = np.zeros(len(found), bool)
    on_hold[held.request_index[np.isnat(held.end)]] = True
    running = (found["closed_at"].isna() & ~found["status"].isin(CLOSED_STATUSES)).to_numpy() & ~on_hold
    found["remaining_business_s"] = np.floor(np.where(running, left, np.nan))
    found["business_day_s"] = day


def _seconds(start: pd.Series, end: pd.Series) -> pd.Series:
    """Whole seconds from `start` to `end`; missing if `end` is missing, or lies before `start`, which cannot be."""
    seconds = (end - start).dt.total_seconds()
    return seconds.where(seconds >= 0).floordiv(1)


# ── Places ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Placed:
    """What is known of where each request lies."""

    missing: Flagged
    placeholder: Flagged
    outside: Flagged


def _place(found: pd.DataFrame, context: Context, findings: Findings) -> _Placed:
    missing = ~_on_earth(found["lat"], found["lon"])
    placeholder = _in_pairs(found["lat"], found["lon"], findings.placeholders | {(0.0, 0.0)}) & ~missing
    located = ~missing & ~placeholder
    for resolution in (8, 9, 10):
        found[f"h3_{resolution}"] = cells(found["lat"], found["lon"], located, resolution)
    inside = areas_at(found["lat"], found["lon"], found["opened_on"], located, context.areas)
    hint = found["district"] if "district" in found else pd.Series(None, index=found.index, dtype=object)
    by_name = areas_named(_known(hint, found["source_district"]), found["opened_on"], context.areas)
    area = np.where(by_name >= 0, by_name, inside)
    found["district_id"] = _take([one.district_id for one in context.areas], area)
    found["district"] = _take([one.name for one in context.areas], area)
    if not context.areas:  # a city that gives no districts has those its requests name
        found["district"] = _known(hint, found["source_district"])
    found["has_place"] = (found["parcel_id"].notna() | found["address"].notna() | found["h3_10"].notna()).to_numpy()
    has_shapes = any(one.geometry is not None for one in context.areas)
    return _Placed(missing, placeholder, located & (inside < 0) & has_shapes)


def _take(words: list[str], at: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.array([*words, None], dtype=object)[at]


def _on_earth(lat: pd.Series, lon: pd.Series) -> Flagged:
    return ((lat.abs() <= 90) & (lon.abs() <= 180)).to_numpy()


def _in_pairs(lat: pd.Series, lon: pd.Series, pairs: Iterable[tuple[float, float]]) -> Flagged:
    found = np.zeros(len(lat), bool)
    for one_lat, one_lon in pairs:
        found |= (lat.to_numpy() == one_lat) & (lon.to_numpy() == one_lon)
    return found


def cells(lat: pd.Series, lon: pd.Series, located: Flagged, resolution: int) -> pd.Series:
    """The H3 cell of each point as a whole number, missing where `located` is not true."""
    places = pd.DataFrame({"lat": lat[located], "lon": lon[located]})
    which = places.groupby(["lat", "lon"], sort=False).ngroup()
    distinct = places[~which.duplicated()]
    of_place = np.fromiter(
        map(h3.latlng_to_cell, distinct["lat"], distinct["lon"], [resolution] * len(distinct)), np.int64, len(distinct)
    )
    found = pd.Series(pd.NA, index=lat.index, dtype="Int64")
    if len(which):
        found[located] = of_place[which.to_numpy()]
    return found


def areas_at(
    lat: pd.Series, lon: pd.Series, on: pd.Series, located: Flagged, areas: tuple[Area, ...]
) -> npt.NDArray[np.int64]:
    """Which area each point lies in, of those valid on its day; -1 for none."""
    x, y, day = lon.to_numpy(), lat.to_numpy(), on.to_numpy()
    found = np.full(len(lat), -1, np.int64)
    for index, area in enumerate(areas):
        if area.geometry is None:
            continue
        west, south, east, north = area.geometry.bounds
        near = located & (found < 0) & (x >= west) & (x <= east) & (y >= south) & (y <= north)
        at = np.flatnonzero(near & (day >= area.since) & (day < area.until))
        found[at[shapely.contains_xy(area.geometry, x[at], y[at])]] = index
    return found


def quiet_places(context: Context, resolution: int, reported: set[int], points: pd.DataFrame) -> pd.DataFrame:
    """Rows of `place` for the hexagons whose middle lies in a district and that are not among the `reported`.

    `points` are the rows of `population_point`; without any nobody knows who lives there.
    """
    found: dict[int, str] = {}
    newest = max((area.until for area in context.areas), default=np.datetime64("NaT"))
    for area in context.areas:
        if area.geometry is not None and area.until == newest:
            for part in shapely.get_parts(shapely.buffer(area.geometry, 0)):  # without stray points and lines
                inside = h3.h3shape_to_cells(h3.geo_to_h3shape(part), resolution)
                found |= {cell: area.name for cell in inside if cell not in reported}
    frame = pd.DataFrame({"cell": pd.Series(found.keys(), dtype="int64"), "district": list(found.values())})
    residents: Any = np.nan
    if len(points):
        where = cells(points["lat"], points["lon"], np.ones(len(points), bool), resolution)
        residents = points["residents"].groupby(where).sum().reindex(frame["cell"]).fillna(0.0).to_numpy()
    return frame.assign(resolution=resolution, name=None, requests=0, residents=residents)


def areas_named(names: npt.NDArray[Any], on: pd.Series, areas: tuple[Area, ...]) -> npt.NDArray[np.int64]:
    """Which area each name stands for, whatever its case and spaces, of those valid on its day; -1 for none."""
    day = on.to_numpy()
    codes, words = pd.factorize(pd.Series(names, dtype=object))
    folded = [_fold(word) for word in words]
    found = np.full(len(names), -1, np.int64)
    for index, area in enumerate(areas):
        meant = [code for code, word in enumerate(folded) if word == _fold(area.name)]
        if meant:
            found[np.isin(codes, meant) & (day >= area.since) & (day < area.until) & (found < 0)] = index
    return found


def _fold(name: Any) -> str:
    return " ".join(str(name).split()).casefold()


# ── Relations and flags ─────────────────────────────────────────────────────────────────────────────


def _relate(found: pd.DataFrame, findings: Findings) -> None:
    root = findings.incidents.reindex(found["request_id"])
    # A source may call a request a duplicate without naming its original.
    found["is_duplicate"] = root.notna().to_numpy() | (found["status"] == "merged_duplicate").to_numpy()
    found["incident_id"] = _known(root, found["request_id"])


def _work(found: pd.DataFrame, findings: Findings, activity: pd.Series) -> None:
    """How often something was done about each request; unknown where its source records no such thing."""
    counts = activity.reindex(found["request_id"]).fillna(0).astype("Int64").to_numpy()
    known = found["src_system"].fillna("").isin(findings.sources_of(*ACTIVITY))
    found["activity_count"] = pd.Series(counts, index=found.index, dtype="Int64").where(known)


def _flags(
    found: pd.DataFrame, findings: Findings, as_of: datetime, placed: _Placed, unwitnessed: pd.Series
) -> pd.Series:
    opened, closed, due = found["opened_at"], found["closed_at"], found["due_at"]
    future = pd.Timestamp(as_of) + timedelta(days=1)
    status = found["status"].astype(object)
    source = found["src_system"].fillna("")
    date_only = np.zeros(len(found), bool)
    for system, column in findings.midnight_columns:
        date_only |= ((source == system) & found[column].notna()).to_numpy()
    marks = {
        "closed_before_opened": closed < opened,
        "zero_duration": closed == opened,
        "future": (opened > future) | (closed > future),
        "absurd": closed - opened > _ABSURD,
        "midnight_only": date_only,
        "status_conflict": unwitnessed | (status.isin(OPEN_STATUSES) & closed.notna()),
        "due_before_opened": due < opened,
        "absurd_due": due - opened > _ABSURD,
        "no_geo": placed.missing,
        "geo_placeholder": placed.placeholder,
        "outside_boundary": placed.outside,
    }
    return _with_marks(found, marks)


def _with_marks(found: pd.DataFrame, marks: Mapping[str, Any]) -> pd.Series:
    read = found["dq_flags"].fillna(0).astype(np.int64).to_numpy() & READ_FLAGS if "dq_flags" in found else 0
    bits = np.zeros(len(found), np.int64) | read
    for name, marked in marks.items():
        bits |= np.where(np.asarray(marked, bool), FLAGS[name], 0)
    return pd.Series(bits, index=found.index)


def tally(flags: pd.Series, counts: Counter[str]) -> None:
    """Add a chunk's flags to `counts`, by kind; the key ``_rows`` counts rows with any."""
    bits = flags.to_numpy()
    for name, bit in FLAGS.items():
        counts[name] += int(((bits & bit) != 0).sum())
    counts["_rows"] += int((bits != 0).sum())


# ── Episodes ────────────────────────────────────────────────────────────────────────────────────────

_CARRIED = (
    "due_at", "due_on", "promise_s", "department", "service_type", "category", "district", "channel", "team",
    "priority", "status", "h3_8", "h3_9", "h3_10", "is_info_only", "is_duplicate",
)  # fmt: skip


def episodes(requests: pd.DataFrame, turns: pd.DataFrame, context: Context, findings: Findings) -> pd.DataFrame:
    """The stretches in which each request stood open with one department, from its events; one where it has none.

    The first starts when the request was opened, the last ends at its final close. An episode never ends before it
    starts, so a request closed before it was opened was never waiting; one that is closed without anyone knowing when
    ends at its last update, or else at once. A transfer to another department while it is open ends one stretch
    (`ends_by` “moved”) and starts the next (`starts_by` “moved”) at the same instant.

    Parameters
    ----------
    turns
        request_id, event_at, kind (“close”, “reopen” or “transfer”), from_value, to_value; in order.

    Source: measures reference, B0; decision 0010.
    """
    request = requests.reset_index(drop=True)
    closed_somehow = request["closed_at"].isna() & request["status"].isin(CLOSED_STATUSES)
    final = request["closed_at"].where(~closed_somehow, request["updated_at"].fillna(request["opened_at"]))
    moves = _moves(request, turns[turns["kind"] == "transfer"], context)
    turns = turns[turns["kind"] != "transfer"]
    at = pd.Index(request["request_id"]).get_indexer(turns["request_id"])
    known = (at >= 0) & (turns["event_at"].to_numpy() >= request["opened_at"].to_numpy()[at])
    steps = pd.concat(
        [
            pd.DataFrame({"at": np.arange(len(request)), "when": request["opened_at"], "opens": True}),
            pd.DataFrame(
                {"at": at, "when": turns["event_at"].to_numpy(), "opens": (turns["kind"] == "reopen").to_numpy()}
            )[known],
        ],
        ignore_index=True,
    ).sort_values(["at", "when"], kind="stable", ignore_index=True)
    # Of several closes (or reopenings) in a row the first counts.
    same = (steps["at"] == steps["at"].shift()) & (steps["opens"] == steps["opens"].shift())
    steps = steps[~same].reset_index(drop=True)
    follows = steps["at"].shift(-1) == steps["at"]
    steps["until"] = steps["when"].shift(-1).where(follows)
    spans = steps[steps["opens"]].reset_index(drop=True)
    last = ~spans["at"].duplicated(keep="last")
    rows = spans["at"].to_numpy()
    spans["until"] = spans["until"].where(~last, final.to_numpy()[rows])
    spans["until"] = spans["until"].where(spans["until"].isna() | (spans["until"] >= spans["when"]), spans["when"])
    spans["starts_by"] = np.where(spans["at"].duplicated(), "reopened", "opened")
    spans["ends_by"] = pd.Series("closed", index=spans.index, dtype=object).where(spans["until"].notna(), None)
    held = _by_holder(spans, moves, request["department"])
    rows = held["at"].to_numpy()
    found = request.loc[rows, ["request_id", *_CARRIED]].reset_index(drop=True)
    # Which of its teams had it, no source tells of a department that has given it away.
    found["team"] = found["team"].where((held["department"] == found["department"]) | held["department"].isna())
    for name in ("department", "starts_by", "ends_by"):
        found[name] = held[name]
    found["seq"] = held.groupby("at").cumcount() + 1
    found["opened_at"], found["closed_at"] = held["when"], held["until"]
    found["opened_on"] = civil_date(found["opened_at"], context.tz).astype("datetime64[us]")
    found["closed_on"] = civil_date(found["closed_at"], context.tz).astype("datetime64[us]")
    found["first_opened_at"] = request["opened_at"].to_numpy()[rows]
    found["first_opened_on"] = request["opened_on"].to_numpy()[rows]
    follows = (held["at"].shift(-1) == held["at"]) & (held["ends_by"] == "closed")
    found["next_opened_at"] = held["when"].shift(-1).where(follows)
    watched = request["src_system"].fillna("").isin(findings.sources_of("reopen"))
    found["has_reopenings"] = watched.to_numpy()[rows]
    return found


def _moves(request: pd.DataFrame, transfers: pd.DataFrame, context: Context) -> pd.DataFrame:
    """When each request went to another department: at (its position), when, before, after (names); in order.

    Values that name no department (a team, a queue) move it nowhere. After its last transfer a request is with the
    department it is with now, whatever the event says: what stands today is what the request itself says.
    """
    names = context.departments["name"]
    known = pd.Series(names.to_numpy(), index=names.to_numpy())
    known = pd.concat([names, known[~known.index.isin(names.index)]])
    known = known[~known.index.duplicated()]
    at = pd.Index(request["request_id"]).get_indexer(transfers["request_id"])
    moves = pd.DataFrame(
        {
            "at": at,
            "when": transfers["event_at"].to_numpy(),
            "before": transfers["from_value"].map(known).to_numpy(dtype=object),
            "after": transfers["to_value"].map(known).to_numpy(dtype=object),
        }
    )[at >= 0]
    moves = moves[moves["before"].notna() | moves["after"].notna()]
    moves = moves.sort_values(["at", "when"], kind="stable", ignore_index=True)
    now = request["department"].to_numpy(dtype=object)[moves["at"].to_numpy()]
    is_last = ~moves["at"].duplicated(keep="last")
    following, is_first = moves.groupby("at")["before"].shift(-1), ~moves["at"].duplicated()
    moves["after"] = moves["after"].where(moves["after"].notna(), following).where(~is_last, now)
    moves["before"] = moves["before"].where(is_first, moves.groupby("at")["after"].shift())
    moves["before"] = moves["before"].where(moves["before"].notna(), moves["after"])
    moves["after"] = moves["after"].where(moves["after"].notna(), moves["before"])
    return moves


def _by_holder(spans: pd.DataFrame, moves: pd.DataFrame, now: pd.Series) -> pd.DataFrame:
    """`spans` cut where a request goes to another department while it is open, each part with its `department`."""
    held = spans.assign(span=np.arange(len(spans)), department=now.to_numpy(dtype=object)[spans["at"].to_numpy()])
    if moves.empty:
        return held
    moved = held[held["at"].isin(moves["at"])]
    cuts = moved.merge(moves.rename(columns={"when": "cut"}), on="at")
    inside = (cuts["cut"] > cuts["when"]) & (cuts["until"].isna() | (cuts["cut"] < cuts["until"]))
    # Not `cuts["cut"]`: a frame without rows would take on those of the series it is given.
    cuts = (
        cuts[inside]
        .assign(when=lambda rows: rows["cut"], starts_by="moved")
        .drop_duplicates(["span", "when"], keep="last")
    )
    parts = pd.concat([moved, cuts[moved.columns]], ignore_index=True)
    parts = parts.sort_values("when", kind="stable", ignore_index=True)
    # The first holder is whoever gave it away first; later ones whom the last transfer before names.
    first = moves.drop_duplicates("at").set_index("at")["before"]
    received = moves[["at", "when", "after"]].sort_values("when", kind="stable")
    taken = pd.merge_asof(parts[["at", "when"]], received, on="when", by="at")["after"]
    parts["department"] = taken.where(taken.notna(), parts["at"].map(first))
    parts = parts.sort_values(["span", "when"], kind="stable", ignore_index=True)
    # A transfer to whom it is with already moves nothing.
    stays = (parts["starts_by"] == "moved") & (parts["department"] == parts["department"].shift())
    parts = parts[~stays].reset_index(drop=True)
    continues = parts["span"].shift(-1) == parts["span"]
    parts["until"] = parts["when"].shift(-1).where(continues, parts["until"])
    parts["ends_by"] = parts["ends_by"].where(~continues, "moved")
    whole = held[~held["at"].isin(moves["at"])]
    return pd.concat([whole, parts], ignore_index=True).sort_values(["span", "when"], kind="stable", ignore_index=True)


# ── The other facts ─────────────────────────────────────────────────────────────────────────────────


def contacts(frame: pd.DataFrame, context: Context, as_of: datetime, types: pd.Series) -> pd.DataFrame:
    """A chunk of contacts with everything derived; `types` are the service types of their requests, by request id."""
    found = frame.reset_index(drop=True).copy()
    found["arrived_on"] = civil_date(found["arrived_at"], context.tz).astype("datetime64[us]")
    found["arrived_hour_of_week"] = hour_of_week(found["arrived_at"], context.tz)
    found["arrived_half_hour"] = half_hour(found["arrived_at"], context.tz)
    handled = found[["talk_s", "hold_s", "wrap_s"]].sum(axis=1, min_count=1)
    found["handle_s"] = handled.where(found["outcome"] == "answered")
    found["team"] = _team(found, context)
    found["service_type"] = types.reindex(found["request_id"]).to_numpy(dtype=object)
    future = pd.Timestamp(as_of) + timedelta(days=1)
    marks = {
        "closed_before_opened": found["ended_at"] < found["arrived_at"],
        "future": (found["arrived_at"] > future) | (found["ended_at"] > future),
    }
    found["dq_flags"] = _with_marks(found, marks)
    return found


def _team(found: pd.DataFrame, context: Context) -> npt.NDArray[Any]:
    return context.teams.reindex(found["agent_id"]).to_numpy(dtype=object)


def _agent_states(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    found = frame.copy()
    found["start_on"] = civil_date(found["start_at"], context.tz).astype("datetime64[us]")
    found["start_hour_of_week"] = hour_of_week(found["start_at"], context.tz)
    found["duration_s"] = _seconds(found["start_at"], found["end_at"])
    found["team"] = _team(found, context)
    return found


def inspections(frame: pd.DataFrame, context: Context, requests: pd.DataFrame) -> pd.DataFrame:
    """A chunk of visits with everything derived; `requests` are theirs: department and service_type by request id."""
    found = frame.reset_index(drop=True).copy()
    found["visited_on"] = civil_date(found["visited_at"], context.tz).astype("datetime64[us]")
    located = _on_earth(found["lat"], found["lon"])
    for resolution in (8, 9, 10):
        found[f"h3_{resolution}"] = cells(found["lat"], found["lon"], located, resolution)
    for name in ("department", "service_type"):
        found[name] = requests[name].reindex(found["request_id"]).to_numpy(dtype=object)
    area = areas_at(found["lat"], found["lon"], found["visited_on"], located, context.areas)
    found["district"] = _take([one.name for one in context.areas], area)
    return found


def _assets(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    found = frame.reset_index(drop=True).copy()
    located = _on_earth(found["lat"], found["lon"])
    newest = max((one.since for one in context.areas), default=np.datetime64("1970-01-01"))
    day = found["removed_on"].fillna(pd.Timestamp(newest).as_unit("us"))
    area = areas_at(found["lat"], found["lon"], day, located, context.areas)
    found["district"] = _take([one.name for one in context.areas], area)
    return found


def _city_events(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    found = frame.copy()
    found["start_on"] = civil_date(found["start_at"], context.tz).astype("datetime64[us]")
    touched = civil_date(found["end_at"] - timedelta(microseconds=1), context.tz)
    found["end_on"] = (np.maximum(touched, civil_date(found["start_at"], context.tz)) + 1).astype("datetime64[us]")
    return found


SIMPLE = {"agent_state": _agent_states, "asset": _assets, "city_event": _city_events}


def surveys(frame: pd.DataFrame, tz: str) -> pd.DataFrame:
    """Surveys with their day, and the department, type and district of the request they ask about."""
    found = frame.drop(columns=["_department", "_service_type", "_district"])
    found["sent_on"] = civil_date(found["sent_at"], tz).astype("datetime64[us]")
    for name in ("department", "service_type", "district"):
        found[name] = frame[f"_{name}"]
    return found


WATCHED = ("request_id", "src_system", "status", "source_status", "closed_at", "department_id", "updated_at")
CHANGES = ("status", "close", "reopen", "transfer", "edit")


def changes(before: pd.DataFrame, now: pd.DataFrame, known_at: datetime, recorded_at: datetime) -> pd.DataFrame:
    """What must have happened to requests that two exports tell differently, as rows of `request_event`.

    A change is dated by the request's own last update, or else by the end of the later export (`known_at`). A closing
    date that vanished is a reopening: the closing before it is kept as an event. One that moved is noted as an edit,
    for whether the request was open in between nobody knows.

    Parameters
    ----------
    before, now
        Columns `WATCHED`; requests that are not in both are passed over.

    Source: measures reference, B0.
    """
    both = before.merge(now, on="request_id", suffixes=("", "_now")).reset_index(drop=True)
    both = both.astype(dict.fromkeys(("updated_at", "updated_at_now", "closed_at", "closed_at_now"), "datetime64[us]"))
    newer = both["updated_at"].isna() | (both["updated_at_now"] > both["updated_at"])
    when = both["updated_at_now"].where(newer).fillna(pd.Timestamp(known_at).as_unit("us"))
    was, closed = both["closed_at"], both["closed_at_now"]
    states = both["source_status"].fillna(both["status"]), both["source_status_now"].fillna(both["status_now"])
    none = pd.Series(None, index=both.index, dtype=object)
    after = np.maximum(when, was.fillna(when) + pd.Timedelta(seconds=1))
    other_department = both["department_id"].fillna("") != both["department_id_now"].fillna("")
    parts = [
        ("status", states[0].fillna("") != states[1].fillna(""), when, *states),
        ("close", was.notna() & closed.isna(), was, none, none),
        ("reopen", was.notna() & closed.isna(), after, states[0], states[1]),
        ("close", was.isna() & closed.notna(), closed, none, none),
        ("edit", was.notna() & closed.notna() & (was != closed), when, was.astype("string"), closed.astype("string")),
        ("transfer", other_department, when, both["department_id"], both["department_id_now"]),
    ]
    found = [
        pd.DataFrame(
            {
                "request_id": both["request_id"], "event_at": at, "kind": kind, "from_value": old, "to_value": new,
            }
        )[happened]
        for kind, happened, at, old, new in parts
    ]  # fmt: skip
    events = pd.concat(found, ignore_index=True).assign(recorded_at=recorded_at, source="two exports compared")
    events["event_id"] = events["request_id"] + " " + events["kind"] + " " + events["event_at"].astype("string")
    return events.drop_duplicates("event_id", ignore_index=True)


def as_written(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of an earlier build as their source gave them: what that build computed is taken out again."""
    found = frame.copy()
    if "dq_flags" in found:
        found["dq_flags"] = found["dq_flags"].fillna(0).astype(np.int64) & READ_FLAGS
    if name == "request":
        computed = found["due_source"] != "source"
        found["due_at"] = found["due_at"].where(~computed)
        found["sla_id"] = found["sla_id"].where(~computed)
        found["due_source"] = found["due_source"].where(~computed)
        found["district"] = found["district"].where(found["source_district"].notna())
    return found
