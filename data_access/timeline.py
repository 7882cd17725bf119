"""One request and everything recorded about it: steps, pauses, hand-offs, who asked about it, what lies near it.

The viewer's scope is applied to every request that is read, the one asked about first: one outside it is answered
like one that does not exist. What the viewer may not read is never selected.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import h3
import numpy as np
import pandas as pd
from sqlalchemy import Select, and_, case, false, func, or_, select

from dashboard.domain.calendar import BusinessCalendar, union_pauses
from dashboard.domain.errors import NotThere
from dashboard.domain.policy import Scope
from dashboard.domain.request_clock import Stretch, clock_stretches, held_by, open_stretches
from data_access import schema
from data_access.ask import Reader
from data_access.beyond_sql import calendars_of
from data_access.compile import permitted
from data_access.measures.requests import REQUEST

_r, _event, _contact = schema.request.c, schema.request_event.c, schema.contact.c
NEAR_M = 300
"""How far away a request is still near."""
NEAR_DAYS = 90
"""How long before and after."""
MOST_NEAR = 2_000
_EARTH_M = 6_371_008.8
ORDER = (
    "created", "joined", "assigned", "status", "transfer", "pause", "resume", "inspect", "work", "comment", "contact",
    "edit", "sla_change", "due", "merge", "close", "survey", "reopen",
)  # fmt: skip
"""Steps of the same instant stand in this order."""


@dataclass(frozen=True)
class Rights:
    """What the viewer may read of a single request besides what everybody may who reads timelines."""

    addresses: bool = False
    notes: bool = False
    contacts: bool = False


@dataclass(frozen=True)
class OneRequest:
    """A question: everything about one request. `part` is what its table and its download hold.

    One of ``steps``, ``clock``, ``facts``, ``nearby``, ``holders``.
    """

    request_id: str
    part: str = "steps"


class Step(NamedTuple):
    """One thing that happened.

    `kind` is that of `request_event`, or ``contact`` (somebody asked about it), ``joined`` (another report of the same
    problem; `to_value` is its number), ``due`` (its promised time passed while it stood open). `since_s` and
    `business_s` are the seconds since the step before, on the wall clock and in opening hours.
    """

    at: datetime
    kind: str
    from_value: str | None = None
    to_value: str | None = None
    department: str | None = None
    actor: str | None = None
    note: str | None = None
    since_s: float | None = None
    business_s: float | None = None


@dataclass(frozen=True)
class Timeline:
    """What is known of one request.

    Parameters
    ----------
    request
        The request's own columns, as far as the viewer may read them; missing values are None.
    steps, stood_open, clock, pauses, holders
        What happened, when it stood open, what its clock did, ``(start, end, reason)`` of its pauses, and seconds by
        holder. Nothing is later than `as_of`.
    reports
        Other reports of the same problem: request_id, public_id, opened_at, closed_at.
    contacts
        channel, arrived_at, wait_s, created_request of contacts about it; None if the viewer may not see them.
    nearby
        Requests of its type close by in space and time: request_id, public_id, opened_at, closed_at, due_at,
        is_duplicate; with `rights` to addresses also address, lat, lon and metres.
    late_s, late_business_s
        Seconds from the due time to the final closing, or to `as_of` while open; None if not late.
    """

    question: OneRequest
    request: Mapping[str, Any]
    rights: Rights
    as_of: datetime
    steps: tuple[Step, ...]
    stood_open: tuple[tuple[datetime, datetime], ...]
    clock: tuple[Stretch, ...]
    pauses: tuple[tuple[datetime, datetime | None, str | None], ...]
    holders: tuple[tuple[str, float], ...]
    reports: pd.DataFrame = field(compare=False)
    contacts: pd.DataFrame | None = field(compare=False)
    nearby: pd.DataFrame = field(compare=False)
    promise: Mapping[str, Any] = field(default_factory=dict, compare=False)
    calendar: BusinessCalendar | None = field(default=None, compare=False)
    late_s: float | None = None
    late_business_s: float | None = None
    paused_business_s: float | None = None
    records_steps: bool = True
    every: None = None
    notes: tuple[str, ...] = ()

    @property
    def frame(self) -> pd.DataFrame:
        """The part asked for as a table."""
        match self.question.part:
            case "clock":
                return pd.DataFrame(self.clock, columns=["state", "begin_at", "end_at"])
            case "holders":
                return pd.DataFrame(self.holders, columns=["held_by", "held_s"])
            case "nearby":
                return self.nearby
            case "facts":
                told = {name: value for name, value in self.request.items() if name not in _INTERNAL}
                return pd.DataFrame([told])
        steps = pd.DataFrame(self.steps, columns=Step._fields).rename(columns={"at": "happened_at"})
        return steps if self.rights.notes else steps.drop(columns=["actor", "note"])


_CODED = (
    "created", "status", "transfer", "pause", "resume", "inspect", "work", "sla_change", "merge", "close", "reopen",
    "survey",
)  # fmt: skip
"""Kinds of steps whose values are codes of the CRM; those of edits may be what a caller said."""
_INTERNAL = {"h3_9", "type_id", "department_id", "sla_id"}
_COLUMNS = (
    "request_id", "public_id", "service_type", "category", "department", "team", "district", "area", "channel",
    "priority", "status", "closure_outcome", "opened_at", "first_closed_at", "closed_at", "due_at", "due_source",
    "reopen_count", "transfer_count", "parent_request_id", "is_duplicate", "is_info_only", "opened_on", "promise_s",
    "type_id", "department_id", "sla_id", "h3_9",
)  # fmt: skip


def read_timeline(
    reader: Reader, question: OneRequest, scope: Scope, rights: Rights, as_of: datetime, tz: str,
    has: Callable[[str], bool],
) -> Timeline:  # fmt: skip
    """Everything recorded about a request up to `as_of`; `has` says whether the city's data holds a table.

    Raises NotThere if there is no such request in `scope`.
    """
    readers = _Records(reader, scope, rights, as_of, has)
    found = readers.request(question.request_id)
    request_id = found["request_id"]
    promise, calendar = readers.promise(found, tz)
    reports = readers.reports(request_id)
    events, departments = readers.events(request_id), readers.departments()
    known = readers.known([found["parent_request_id"], *events.loc[events["kind"] == "merge", "to_value"]])
    found["parent_request_id"] = known.get(found["parent_request_id"])
    pauses = readers.pauses(request_id)
    contacts, surveys = readers.contacts(request_id), readers.surveys(request_id)
    closed_at = found["closed_at"]
    happened = list(_recorded(events, departments, known, pauses))
    turns = [(step.at, step.kind) for step in happened if step.kind in ("close", "reopen")]
    stood_open = open_stretches(found["opened_at"], turns, closed_at, as_of)
    due_at = found["due_at"]
    happened += _from_request(found, happened)
    happened += [Step(_plain(row["at"]), "joined", to_value=row["request_id"]) for row in _rows(reports)]
    if contacts is not None:
        happened += [
            Step(_plain(row["arrived_at"]), "contact", to_value=_text(row["channel"]))
            for row in _rows(contacts)
            if _plain(row["created_request"]) is not True
        ]
    happened += [
        Step(
            _plain(row["answered_at"]),
            "survey",
            _text(row["max_score"]),
            _text(row["score"]),
            note=_text(row["comment"]),
        )
        for row in _rows(surveys)
    ]
    if due_at is not None and any(begin < due_at < end for begin, end in stood_open) and due_at <= as_of:
        happened.append(Step(due_at, "due"))
    late_s, late_business_s = _late(due_at, closed_at, as_of, calendar)
    return Timeline(
        question=question, request=found, rights=rights, as_of=as_of,
        steps=_timed(happened, calendar), stood_open=tuple(stood_open),
        clock=tuple(clock_stretches(stood_open, [(begin, end) for begin, end, _ in pauses], due_at)),
        pauses=tuple(pauses), holders=tuple(held_by(_holders(happened, found), stood_open)),
        reports=reports, contacts=contacts, nearby=readers.nearby(found), promise=promise, calendar=calendar,
        late_s=late_s, late_business_s=late_business_s,
        paused_business_s=_paused_business_s(found, pauses, closed_at or as_of, calendar),
        records_steps=len(events) > 0,
    )  # fmt: skip


@dataclass(frozen=True)
class _Records:
    """The tables, each read within the scope and up to the data's clock."""

    reader: Reader
    scope: Scope
    rights: Rights
    as_of: datetime
    has: Callable[[str], bool]

    def request(self, request_id: str) -> dict[str, Any]:
        """The request's row as a dictionary; `request_id` may be its public number."""
        names = [*_COLUMNS]
        names += ["address", "lat", "lon"] if self.rights.addresses else []
        names += ["note"] if self.rights.notes else []
        exact = _r.request_id == request_id
        rows = self.reader.frame(  # by its own number, else by the one residents are told
            select(*(_r[name] for name in names))
            .where(or_(exact, _r.public_id == request_id), *permitted(REQUEST, self.scope))
            .order_by(case((exact, 0), else_=1), _r.opened_at)
            .limit(1)
        )
        if rows.empty:
            raise NotThere(f"There is no request {request_id}, or it is not yours to see.")
        return {str(name): _plain(value) for name, value in rows.iloc[0].items()}

    def known(self, request_ids: Iterable[Any]) -> dict[str, str]:
        """Those of the requests that the viewer may see, by themselves."""
        wanted = sorted({one for one in request_ids if isinstance(one, str)})
        if not wanted:
            return {}
        rows = self.reader.frame(
            select(_r.request_id).where(_r.request_id.in_(wanted), *permitted(REQUEST, self.scope))
        )
        return {one: one for one in rows["request_id"]}

    def events(self, request_id: str) -> pd.DataFrame:
        """kind, event_at, from_value, to_value, department_id, and with the right to notes actor and note."""
        names = ["event_id", "kind", "event_at", "from_value", "to_value", "department_id"]
        names += ["actor", "note"] if self.rights.notes else []
        if not self.has("request_event"):
            return pd.DataFrame({name: [] for name in names})
        found = self.reader.frame(
            select(*(_event[name] for name in names))
            .where(_event.request_id == request_id, _event.event_at <= self.as_of)
            .order_by(_event.event_at, _event.event_id)
        )
        return found if self.rights.notes else self._without_free_words(found)

    def _without_free_words(self, events: pd.DataFrame) -> pd.DataFrame:
        """The steps without what they were changed from and to where that may be anything; a holder must be a team."""
        assigned = events["kind"] == "assigned"
        named = {one for one in events.loc[assigned, ["from_value", "to_value"]].to_numpy().ravel() if _text(one)}
        teams = self.reader.frame(select(_r.team).where(_r.team.in_(sorted(named))).distinct()) if named else None
        known = set() if teams is None else set(teams["team"])
        safe = events["kind"].isin(_CODED)
        for name in ("from_value", "to_value"):
            events[name] = events[name].where(safe | (assigned & events[name].isin(known)), None)
        return events

    def departments(self) -> dict[str, str]:
        """The departments' names by their ids."""
        if not self.has("department"):
            return {}
        t = schema.department.c
        return dict(self.reader.frame(select(t.department_id, t.name)).itertuples(index=False))

    def pauses(self, request_id: str) -> list[tuple[datetime, datetime | None, str | None]]:
        """Start, end and reason of each pause, in order; without the right to notes only reasons the city lists."""
        if not self.has("request_pause"):
            return []
        t = schema.request_pause.c
        rows = self.reader.frame(
            select(t.start_at, t.end_at, t.reason)
            .where(t.request_id == request_id, t.start_at <= self.as_of)
            .order_by(t.start_at)
        )
        if not self.rights.notes:  # a clerk may have typed anything
            rows["reason"] = rows["reason"].where(rows["reason"].isin(self.listed_reasons()), None)
        pauses = [(_plain(start), _plain(end), _plain(why)) for start, end, why in rows.itertuples(index=False)]
        return [(start, end if end is None or end <= self.as_of else None, why) for start, end, why in pauses]

    def listed_reasons(self) -> set[str]:
        """The reasons for which the city's promises let a clock be paused."""
        if not self.has("sla_version"):
            return set()
        lists = self.reader.frame(select(schema.sla_version.c.pausable_reasons).distinct())["pausable_reasons"]
        return {reason for written in lists.dropna() for reason in json.loads(written)}

    def reports(self, request_id: str) -> pd.DataFrame:
        """Other reports joined to this one, with the instant ``at`` they were."""
        children = (
            select(_r.request_id, func.coalesce(_r.public_id, _r.request_id).label("public_id"), _r.opened_at,
                   _r.closed_at)
            .where(_r.parent_request_id == request_id, _r.opened_at <= self.as_of, *permitted(REQUEST, self.scope))
        )  # fmt: skip
        rows = self.reader.frame(children.order_by(_r.opened_at))
        rows["at"] = rows["opened_at"]
        if len(rows) and self.has("request_event"):
            merged = self.reader.frame(
                select(_event.request_id, func.min(_event.event_at).label("at"))
                .where(_event.kind == "merge", _event.to_value == request_id, _event.event_at <= self.as_of)
                .group_by(_event.request_id)
            )
            joined: pd.Series = rows["request_id"].astype(object).map(dict(merged.itertuples(index=False)))
            rows["at"] = joined.astype("datetime64[us]").fillna(rows["opened_at"])  # of some no merging is recorded
        return rows

    def contacts(self, request_id: str) -> pd.DataFrame | None:
        """Channel, arrival, wait and whether it made the request, of every contact about it; never who it was."""
        if not self.rights.contacts or not self.has("contact"):
            return None
        names = ("channel", "arrived_at", "wait_s", "created_request")
        return self.reader.frame(
            select(*(_contact[name] for name in names))
            .where(_contact.request_id == request_id, _contact.arrived_at <= self.as_of)
            .order_by(_contact.arrived_at)
        )

    def surveys(self, request_id: str) -> pd.DataFrame:
        """Answers to the survey: answered_at, score, max_score and with the right to notes the comment."""
        names = ["answered_at", "score", "max_score"] + (["comment"] if self.rights.notes else [])
        if not self.has("survey"):
            return pd.DataFrame({name: [] for name in [*names, "comment"]})
        t = schema.survey.c
        rows = self.reader.frame(
            select(*(t[name] for name in names)).where(t.request_id == request_id, t.answered_at <= self.as_of)
        )
        return rows if self.rights.notes else rows.assign(comment=None)

    def promise(self, request: Mapping[str, Any], tz: str) -> tuple[dict[str, Any], BusinessCalendar | None]:
        """The promise it was given (target_value, target_unit, mode), and the opening hours it is counted in."""
        promise: dict[str, Any] = {}
        calendar_id = None
        if request["sla_id"] and self.has("sla_version"):
            t = schema.sla_version.c
            rows = self.reader.frame(
                select(t.target_value, t.target_unit, t.mode, t.calendar_id).where(t.sla_id == request["sla_id"])
            )
            promise = {str(name): _plain(value) for name, value in rows.iloc[0].items()} if len(rows) else {}
            calendar_id = promise.pop("calendar_id", None)
        if calendar_id is None and request["department_id"] and self.has("department"):
            own = schema.department.c
            rows = self.reader.frame(
                select(own.calendar_id).where(own.department_id == request["department_id"]).limit(1)
            )
            calendar_id = _plain(rows["calendar_id"].iloc[0]) if len(rows) else None
        if calendar_id is None or not self.has("calendar"):
            return promise, None
        days = schema.calendar_day
        calendars = self.reader.frame(
            select(schema.calendar).where(schema.calendar.c.calendar_id == calendar_id).limit(1)
        )
        closed = self.reader.frame(select(days).where(days.c.calendar_id == calendar_id))
        return promise, calendars_of(calendars, closed, tz).get(str(calendar_id))

    def nearby(self, request: Mapping[str, Any]) -> pd.DataFrame:
        """Requests of the same type close by, its own joined reports left out.

        Without the right to addresses those in its hexagon and the six around.
        """
        names = ["request_id", "opened_at", "closed_at", "due_at", "is_duplicate"]
        columns = [_r[name] for name in names] + [func.coalesce(_r.public_id, _r.request_id).label("public_id")]
        exact = self.rights.addresses
        columns += [_r.address, _r.lat, _r.lon] if exact else []
        statement = (
            select(*columns)
            .where(
                _r.type_id == request["type_id"], _r.request_id != request["request_id"], _r.opened_at <= self.as_of,
                _r.opened_at >= request["opened_at"] - timedelta(days=NEAR_DAYS),
                _r.opened_at <= request["opened_at"] + timedelta(days=NEAR_DAYS),
                or_(_r.parent_request_id.is_(None), _r.parent_request_id != request["request_id"]),
                *permitted(REQUEST, self.scope),
            )
            .order_by(_r.opened_at.desc(), _r.request_id)
            .limit(MOST_NEAR)
        )  # fmt: skip
        if exact:
            placed = request["h3_9"] is not None  # else the point stands for “unknown”, like the city hall’s
            return self._within_metres(
                statement.where(_r.h3_9.isnot(None)),
                request["lat"] if placed else None,
                request["lon"] if placed else None,
            )
        cell = request["h3_9"]
        around = [] if cell is None else [h3.str_to_int(one) for one in h3.grid_disk(h3.int_to_str(int(cell)), 1)]
        return self.reader.frame(statement.where(_r.h3_9.in_(around)))

    def _within_metres(self, statement: Select, lat: float | None, lon: float | None) -> pd.DataFrame:
        if lat is None or lon is None:
            return self.reader.frame(statement.where(false())).assign(metres=0.0)
        up = np.degrees(NEAR_M / _EARTH_M)
        across = up / max(np.cos(np.radians(lat)), 0.01)
        box = and_(_r.lat.between(lat - up, lat + up), _r.lon.between(lon - across, lon + across))
        rows = self.reader.frame(statement.where(box))
        rows["metres"] = metres_between(lat, lon, rows["lat"].to_numpy(float), rows["lon"].to_numpy(float))
        rows = rows[rows["metres"] <= NEAR_M]
        return rows.sort_values(["metres", "request_id"], ignore_index=True)


def metres_between(lat: float, lon: float, lats: np.ndarray, lons: np.ndarray) -> np.ndarray:
    """The distances from one point to others along the ground (haversine), in metres."""
    a, b = np.radians(lat), np.radians(lats)
    half = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(np.radians(lons - lon) / 2) ** 2
    return 2 * _EARTH_M * np.arcsin(np.sqrt(np.clip(half, 0, 1)))


def _plain(value: Any) -> Any:
    """A cell as a Python value; missing is None."""
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return value.item() if isinstance(value, np.generic) else value


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _text(value: Any) -> str | None:
    plain = _plain(value)
    return None if plain is None else f"{plain:g}" if isinstance(plain, float) else str(plain)


def _recorded(
    events: pd.DataFrame, departments: Mapping[str, str], known: Mapping[str, str], pauses: list
) -> Iterable[Step]:
    """The recorded steps in words a reader may see: departments by name, other requests only if they are theirs."""
    reasons = {start: why for start, _, why in pauses}
    for row in _rows(events):
        kind, at = row["kind"], _plain(row["event_at"])
        before, after = _text(row["from_value"]), _text(row["to_value"])
        if kind == "transfer":
            before, after = departments.get(before or "", before), departments.get(after or "", after)
        elif kind == "merge":
            before, after = None, known.get(after or "")
        elif kind == "pause":
            after = reasons.get(at)
        department = departments.get(row["department_id"] or "", None) if _plain(row["department_id"]) else None
        note = _text(row.get("note"))
        yield Step(at, kind, before, after, department, _text(row.get("actor")), None if note == after else note)


def _from_request(request: Mapping[str, Any], happened: list[Step]) -> list[Step]:
    """The opening and the closing that the request itself knows, where no step says them."""
    kinds = {step.kind for step in happened}
    found = []
    if "created" not in kinds:
        found.append(Step(request["opened_at"], "created", department=request["department"]))
    if request["closed_at"] is not None and "close" not in kinds:
        found.append(
            Step(
                request["closed_at"], "close", to_value=request["closure_outcome"], department=request["department"],
                note=request.get("note"),
            )
        )  # fmt: skip
    return found


def _timed(happened: list[Step], calendar: BusinessCalendar | None) -> tuple[Step, ...]:
    """The steps in order, each with the time since the one before."""
    rank = {kind: place for place, kind in enumerate(ORDER)}
    steps = sorted(happened, key=lambda step: (step.at, rank.get(step.kind, len(rank))))
    if not steps:
        return ()
    at = np.array([step.at for step in steps], "datetime64[us]")
    since = np.diff(at).astype(float) / 1e6
    business = calendar.elapsed_s(at[:-1], at[1:]) if calendar is not None and len(steps) > 1 else None
    timed = [steps[0]]
    for i, step in enumerate(steps[1:]):
        timed.append(
            step._replace(since_s=float(since[i]), business_s=None if business is None else float(business[i]))
        )
    return tuple(timed)


def _holders(happened: list[Step], request: Mapping[str, Any]) -> list[tuple[datetime, str]]:
    """Who holds the request from when on: the department it came to, then the team it was assigned to."""
    changes: list[tuple[datetime, str]] = []
    for step in sorted(happened, key=lambda one: one.at):
        if step.kind == "created":
            changes.append((step.at, step.department or request["department"] or "not recorded"))
        elif step.kind in ("assigned", "transfer") and step.to_value:
            changes.append((step.at, step.to_value))
    return changes


def _late(
    due_at: datetime | None, closed_at: datetime | None, as_of: datetime, calendar: BusinessCalendar | None
) -> tuple[float | None, float | None]:
    until = closed_at or as_of
    if due_at is None or until <= due_at:
        return None, None
    business = None if calendar is None else float(calendar.elapsed_s(_one(due_at), _one(until))[0])
    return (until - due_at).total_seconds(), business


def _paused_business_s(
    request: Mapping[str, Any], pauses: list, until: datetime, calendar: BusinessCalendar | None
) -> float | None:
    if calendar is None or not pauses:
        return None
    ends = np.array([end or np.datetime64("NaT") for _, end, _ in pauses], "datetime64[us]")
    starts = np.array([start for start, _, _ in pauses], "datetime64[us]")
    united = union_pauses(np.zeros(len(pauses), np.int64), starts, ends)
    return float(calendar.paused_business_s(_one(request["opened_at"]), _one(until), united)[0])


def _one(at: datetime) -> np.ndarray:
    return np.array([at], "datetime64[us]")
