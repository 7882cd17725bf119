"""What of a build SQL cannot say: cells and boundaries of points, business clocks, who held a request, chains of
duplicates.

Frames and arrays in, Arrow out, no SQL. Only what needs it comes here: few columns, and no words where numbers will do.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import shapely
from h3.api import basic_int as h3
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from dashboard.domain.calendar import BusinessCalendar, Pauses, union_pauses
from dashboard.domain.local_time import civil_date, end_of_day_after, same_time_after
from dashboard.domain.spelling import as_compared

DIMENSIONS = ("department", "service_type", "sla_version", "calendar", "calendar_day", "district")

# A promise for longer is a mistake of the source; nobody looks up its business hours.
ABSURD = np.timedelta64(3652, "D")
_METRES_PER_DEGREE = 111_195.0
_RESOLUTIONS = (8, 9, 10)

Flagged = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]


# ── What must be known of the city ──────────────────────────────────────────────────────────────────


_FOREVER_AGO, _FOREVER = np.datetime64("1700-01-01", "us"), np.datetime64("9000-01-01", "us")


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
    """The dimensions of the city, ready to be looked up. `calendar_ids` numbers the calendars."""

    tz: str
    departments: pd.DataFrame
    types: pd.DataFrame
    sla: pd.DataFrame
    calendars: tuple[BusinessCalendar, ...]
    calendar_ids: tuple[str, ...]
    areas: tuple[Area, ...]
    second: tuple[Area, ...] = ()

    @classmethod
    def of(cls, tz: str, tables: Mapping[str, pd.DataFrame]) -> Context:
        """Prepare the dimension tables (all columns of `schema`) of a city."""
        calendars = calendars_of(tables["calendar"], tables["calendar_day"], tz)
        return cls(
            tz=tz,
            departments=tables["department"].drop_duplicates("department_id", keep="last"),
            types=tables["service_type"].drop_duplicates("type_id", keep="last"),
            sla=tables["sla_version"].drop_duplicates("sla_id", keep="last").reset_index(drop=True),
            calendars=tuple(calendars.values()),
            calendar_ids=tuple(calendars),
            areas=_areas(tables["district"], "district"),
            second=_areas(tables["district"], "area"),
        )

    @property
    def has_shapes(self) -> bool:
        """Whether any district has a boundary."""
        return any(one.geometry is not None for one in self.areas)

    def cuts(self) -> tuple[date, ...]:
        """The days on which boundaries change; the days between two of them are one era, numbered from 0."""
        days = {day for one in (*self.areas, *self.second) for day in (one.since, one.until)} - {_FOREVER_AGO, _FOREVER}
        return tuple(sorted(day.astype("datetime64[D]").astype(object) for day in days))

    def duplicate_rules(self) -> Iterator[tuple[str, float, float]]:
        """Types whose near reports are one incident: type id, radius in metres, days."""
        rules = self.types.dropna(subset=["duplicate_radius_m", "duplicate_days"])
        for type_id, radius, days in zip(
            rules["type_id"], rules["duplicate_radius_m"], rules["duplicate_days"], strict=True
        ):
            yield str(type_id), float(radius), float(days)

    def promises(self) -> pa.Table:
        """The versions of promises, numbered, each with the number of its calendar; to be joined."""
        numbers = {one: number for number, one in enumerate(self.calendar_ids)}
        calendar = self.sla["calendar_id"]
        return pa.table(
            {
                "version": pa.array(range(len(self.sla)), pa.int64()),
                **{name: pa.array(self.sla[name], pa.string(), from_pandas=True)
                   for name in ("sla_id", "type_id", "priority")},
                **{name: pa.array(self.sla[name], pa.timestamp("us"), from_pandas=True).cast(pa.date32())
                   for name in ("valid_from_on", "valid_to_on")},
                "has_calendar": pa.array(calendar.notna().to_numpy(), pa.bool_()),
                "calendar": pa.array([numbers.get(str(one)) for one in calendar], pa.int64()),
            }
        )  # fmt: skip

    def holders(self) -> pa.Table:
        """The departments with the numbers of their calendars; to be joined."""
        numbers = {one: number for number, one in enumerate(self.calendar_ids)}
        ids, calendars = self.departments["department_id"], self.departments["calendar_id"]
        return pa.table(
            {
                "department_id": pa.array(ids, pa.string(), from_pandas=True),
                "calendar": pa.array([numbers.get(str(one)) for one in calendars], pa.int64()),
            }
        )

    def names(self) -> pa.Table:
        """The areas by their number: area, district_id, district."""
        return pa.table(
            {
                "area": pa.array(range(len(self.areas)), pa.int64()),
                "district_id": pa.array([one.district_id for one in self.areas], pa.string()),
                "district": pa.array([one.name for one in self.areas], pa.string()),
            }
        )


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


def _areas(districts: pd.DataFrame, division: str) -> tuple[Area, ...]:
    """The parts of a division of the city; of one that was written in several kinds, those of the first."""
    own = districts[districts["division"].fillna("district") == division]
    if own.empty:
        return ()
    own = own[own["kind"] == own["kind"].iloc[0]]
    areas = []
    for row in own.to_dict("records"):
        geometry = shape(json.loads(row["geometry"])) if isinstance(row["geometry"], str) else None
        if geometry is not None:
            shapely.prepare(geometry)
        since = row["valid_from_on"] if pd.notna(row["valid_from_on"]) else pd.Timestamp(_FOREVER_AGO)
        until = row["valid_to_on"] if pd.notna(row["valid_to_on"]) else pd.Timestamp(_FOREVER)
        areas.append(Area(row["district_id"], row["name"], geometry, since.to_datetime64(), until.to_datetime64()))
    return tuple(areas)


# ── Duplicates ──────────────────────────────────────────────────────────────────────────────────────


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


def inferred_parents(reports: pd.DataFrame, radius_m: float, days: float) -> pd.Series:
    """For each report of one type that repeats an earlier one, the earliest such: near, recent and still open.

    Parameters
    ----------
    reports
        request_id, opened_at, closed_at, lat, lon; in the order of opening, only those that lie somewhere.

    Source: measures reference, R9; radius and days are the service type's own.
    """
    if len(reports) < 2:
        return pd.Series(dtype=object)
    from scipy.spatial import cKDTree  # takes its time to load, which the first page of a process need not wait for

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


# ── Business time ───────────────────────────────────────────────────────────────────────────────────


def clocks(found: pd.DataFrame, pauses: pd.DataFrame, context: Context, as_of: datetime) -> pa.Table:
    """What the calendars say of requests: when they fall due, and the business time they took.

    Parameters
    ----------
    found
        row (a number, ascending), opened_at, closed_at, due_at as the source gives it, version (of the promise in
        force) and calendar (its number), both missing where there is none.
    pauses
        row, start_at, end_at.

    Returns row, version, due_at and due_on where the promise tells; business_open_s, paused_business_s, left_s (until
    it falls due) and business_day_s where there is a calendar. Pauses are taken out; open requests are counted up to
    `as_of`.

    Source: measures reference, B-clock.
    """
    at = pd.Index(found["row"]).get_indexer(pauses["row"])
    held = union_pauses(at[at >= 0], *(pauses[name].to_numpy()[at >= 0] for name in ("start_at", "end_at")))
    opened, due = found["opened_at"].to_numpy(), found["due_at"].to_numpy().astype("datetime64[us]")
    version = found["version"].fillna(-1).to_numpy().astype(np.int64)
    calendar = found["calendar"].fillna(-1).to_numpy().astype(np.int64)
    promised = _promised(opened, np.isnat(due), version, calendar, held, context)
    computed = np.isnat(due) & ~np.isnat(promised)
    due = np.where(computed, promised, due)
    until = found["closed_at"].fillna(pd.Timestamp(as_of)).to_numpy().astype("datetime64[us]")
    spent, paused, left, day = (np.full(len(found), np.nan) for _ in range(4))
    for number, one in enumerate(context.calendars):
        at = np.flatnonzero(calendar == number)
        if not len(at):
            continue
        pausing = _among(held, at)
        paused[at] = one.paused_business_s(opened[at], until[at], pausing)
        spent[at] = one.elapsed_s(opened[at], until[at]) - paused[at]
        day[at] = one.day_length_s
        near = at[~np.isnat(due[at]) & (due[at] - opened[at] <= ABSURD)]
        resting = one.paused_business_s(opened[near], due[near], _among(held, near)) - paused[near]
        left[near] = one.elapsed_s(until[near], due[near]) - resting
    possible = until >= opened
    on = civil_date(np.where(computed, due, np.datetime64("NaT", "us")), context.tz)
    return pa.table(
        {
            "row": pa.array(found["row"].to_numpy(), pa.int64()),
            "version": pa.array(version, pa.int64(), mask=version < 0),
            "due_at": pa.array(np.where(computed, due, np.datetime64("NaT", "us")), pa.timestamp("us")),
            "due_on": pa.array(on, pa.date32()),
            "business_open_s": _whole(np.where(possible, spent, np.nan)),
            "paused_business_s": _whole(np.where(possible, paused, np.nan)),
            "left_s": _whole(left),
            "business_day_s": _whole(day),
        }
    )


def _whole(seconds: npt.NDArray[np.float64]) -> pa.Array:
    return pa.array(np.floor(seconds), from_pandas=True).cast(pa.int64())


def _among(pauses: Pauses, positions: Whole) -> Pauses:
    """The pauses of some requests, counted by their place among those."""
    mine = np.isin(pauses.request_index, positions)
    return Pauses(np.searchsorted(positions, pauses.request_index[mine]), pauses.start[mine], pauses.end[mine])


def _promised(
    opened: npt.NDArray[Any], asked: Flagged, version: Whole, calendar: Whole, held: Pauses, context: Context
) -> npt.NDArray[Any]:
    """When the requests that are `asked` for fall due by the promise in force."""
    due = np.full(len(opened), np.datetime64("NaT", "us"))
    sla = context.sla
    rules = zip(sla["target_unit"], sla["mode"], sla["target_value"], strict=True)
    for number, (unit, mode, target) in enumerate(rules):
        mine = asked & (version == number)
        for one in np.unique(calendar[mine]):
            at = np.flatnonzero(mine & (calendar == one))
            business = context.calendars[one] if one >= 0 else None
            targets = np.full(len(at), float(target))
            due[at] = _due(opened[at], targets, str(unit), str(mode), business, _among(held, at), context.tz)
    return due


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


# ── Places ──────────────────────────────────────────────────────────────────────────────────────────


def located(
    points: pd.DataFrame, areas: tuple[Area, ...], cuts: Collection[date], second: tuple[Area, ...] = ()
) -> pa.Table:
    """The cells of points, the number of the area they lie in, and the name of that of the `second` division.

    Columns row, h3_8, h3_9, h3_10, area, second.

    Parameters
    ----------
    points
        row, lat, lon, and era: since how many of the `cuts` it stands there. Each point is looked up once, for many
        requests come from one place.
    """
    at, distinct = pd.factorize(points["lat"].to_numpy() + 1j * points["lon"].to_numpy())
    lat, lon = distinct.real, distinct.imag
    found: dict[str, Any] = {"row": pa.array(points["row"].to_numpy(), pa.int64())}
    for resolution in _RESOLUTIONS:
        found[f"h3_{resolution}"] = pa.array(cells(lat, lon, resolution)[at], pa.int64())
    era = points["era"].to_numpy(np.int64)

    def numbers(of: tuple[Area, ...]) -> pa.Array:
        area = np.full(len(points), -1, np.int64)
        for number, day in enumerate([_FOREVER_AGO, *map(np.datetime64, cuts)] if of else ()):
            mine = era == number
            asked = np.unique(at[mine])
            inside = np.full(len(distinct), -1, np.int64)
            inside[asked] = areas_at(lat[asked], lon[asked], day, of)
            area[mine] = inside[at[mine]]
        return pa.array(area, pa.int64(), mask=area < 0)

    names = pa.array([one.name for one in second], pa.string())
    return pa.table({**found, "area": numbers(areas), "second": names.take(numbers(second))})


def cells(lat: Any, lon: Any, resolution: int) -> Whole:
    """The H3 cell of each point as a whole number."""
    return np.fromiter(map(h3.latlng_to_cell, lat, lon, [resolution] * len(lat)), np.int64, len(lat))


def areas_at(lat: Any, lon: Any, day: np.datetime64, areas: tuple[Area, ...]) -> Whole:
    """Which area each point lies in, of those valid on a day; -1 for none."""
    found = np.full(len(lat), -1, np.int64)
    for number, area in enumerate(areas):
        if area.geometry is None or not area.since <= day < area.until:
            continue
        west, south, east, north = area.geometry.bounds
        at = np.flatnonzero((found < 0) & (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))
        found[at[shapely.intersects_xy(area.geometry, lon[at], lat[at])]] = number
    return found


def areas_named(words: pd.DataFrame, areas: tuple[Area, ...], cuts: Collection[date]) -> pa.Table:
    """Which area each word stands for in its era, whatever its case and spaces: word, era, area."""
    days = [_FOREVER_AGO, *map(np.datetime64, cuts)]
    named: dict[tuple[str, int], int] = {}
    for era, day in enumerate(days):
        for number, area in enumerate(areas):
            if area.since <= day < area.until:
                named.setdefault((_fold(area.name), era), number)
    found = [named.get((_fold(word), int(era))) for word, era in zip(words["word"], words["era"], strict=True)]
    table = pa.table(
        {
            "word": pa.array(words["word"], pa.string(), from_pandas=True),
            "era": pa.array(words["era"], pa.int64()),
            "area": pa.array(found, pa.int64()),
        }
    )
    return table.filter(table["area"].is_valid())


def _fold(name: Any) -> str:
    return as_compared(" ".join(str(name).split()))


def _homes(areas: tuple[Area, ...], resolution: int) -> dict[int, str]:
    """The hexagons whose middle lies in one of the areas in force last, with its name."""
    found: dict[int, str] = {}
    newest = max((area.until for area in areas), default=np.datetime64("NaT"))
    for area in areas:
        if area.geometry is not None and area.until == newest:
            for part in shapely.get_parts(shapely.buffer(area.geometry, 0)):  # without stray points and lines
                inside = h3.h3shape_to_cells(h3.geo_to_h3shape(part), resolution)
                found |= dict.fromkeys(inside, area.name)
    return found


def quiet_places(context: Context, resolution: int, reported: set[int], points: pd.DataFrame) -> pd.DataFrame:
    """Rows of `place` for the hexagons whose middle lies in a district and that are not among the `reported`.

    `points` are the rows of `population_point`; without any nobody knows who lives there.
    """
    found, second = _homes(context.areas, resolution), _homes(context.second, resolution)
    found = {cell: name for cell, name in found.items() if cell not in reported}
    frame = pd.DataFrame({"cell": pd.Series(found.keys(), dtype="int64"), "district": list(found.values())})
    frame["area"] = pd.Series([second.get(cell) for cell in found], dtype=object)
    residents: Any = np.nan
    if len(points):
        where = cells(points["lat"], points["lon"], resolution)
        residents = points["residents"].groupby(where).sum().reindex(frame["cell"]).fillna(0.0).to_numpy()
    return frame.assign(resolution=resolution, name=None, requests=0, residents=residents)


# ── Who held a request ──────────────────────────────────────────────────────────────────────────────


def stretches(request: pd.DataFrame, turns: pd.DataFrame, context: Context) -> pd.DataFrame:
    """The stretches in which each request stood open with one department, from its events.

    The first starts when the request was opened, the last ends at its final close. A stretch never ends before it
    starts, so a request closed before it was opened was never waiting. A transfer to another department while it is
    open ends one stretch (`ends_by` “moved”) and starts the next (`starts_by` “moved”) at the same instant.

    Parameters
    ----------
    request
        request_id, opened_at, final (its final close), department (by name).
    turns
        request_id, event_at, kind (“close”, “reopen” or “transfer”), from_value, to_value; in order.

    Returns request_id, seq, opened_at, closed_at, opened_on, closed_on, department, starts_by, ends_by, next_opened_at.

    Source: measures reference, B0; decision 0010.
    """
    final = request["final"]
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
    found = pd.DataFrame({"request_id": request["request_id"].to_numpy(dtype=object)[held["at"].to_numpy()]})
    found["seq"] = held.groupby("at").cumcount() + 1
    found["opened_at"], found["closed_at"] = held["when"], held["until"]
    for name in ("department", "starts_by", "ends_by"):
        found[name] = held[name]
    found["opened_on"] = civil_date(found["opened_at"], context.tz).astype("datetime64[us]")
    found["closed_on"] = civil_date(found["closed_at"], context.tz).astype("datetime64[us]")
    follows = (held["at"].shift(-1) == held["at"]) & (held["ends_by"] == "closed")
    found["next_opened_at"] = held["when"].shift(-1).where(follows)
    return found


def _moves(request: pd.DataFrame, transfers: pd.DataFrame, context: Context) -> pd.DataFrame:
    """When each request went to another department: at (its position), when, before, after (names); in order.

    Values that name no department (a team, a queue) move it nowhere. After its last transfer a request is with the
    department it is with now, whatever the event says: what stands today is what the request itself says.
    """
    names = context.departments.set_index("department_id")["name"]
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


# ── What two exports tell differently ───────────────────────────────────────────────────────────────


WATCHED = ("request_id", "src_system", "status", "source_status", "closed_at", "department_id", "updated_at")


def changes(before: pd.DataFrame, now: pd.DataFrame, known_at: datetime, recorded_at: datetime) -> pd.DataFrame:
    """What must have happened to requests that two exports tell differently, as rows of `request_event`.

    A change is dated by the request's own last update, or else by the end of the later export (`known_at`). A closing
    date that vanished is a reopening: the closing before it is kept as an event. One that moved is noted as an edit,
    for whether the request was open in between nobody knows. A department that is no longer told is no
    transfer.

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
    given = both["department_id_now"].notna()  # one that is not told is that of its type
    other_department = given & (both["department_id"].fillna("") != both["department_id_now"].fillna(""))
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
