"""Every column marked derived, as SELECTs over the rows that wait in a build; what SQL cannot say is joined to them.

The SELECTs give the columns of their table in its order. Validity flags follow measures reference, section 0: a flag
never drops a row. `local_time` is a function that the build's database is given (`dialects.LocalTime`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Cast,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Integer,
    Null,
    Select,
    SmallInteger,
    String,
    Table,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table

from dashboard.domain.errors import BadRequest
from data_access import schema
from data_access.engine import City
from data_access.schema import CLOSED_STATUSES, FLAGS, OPEN_STATUSES

# Tables that `fill_facts` derives; all others are copied as written.
DERIVED = frozenset(
    {
        "request",
        "request_episode",
        "contact",
        "contact_interval",
        "survey",
        "agent_state",
        "inspection",
        "place",
        "asset",
        "city_event",
    }  # fmt: skip
)

# A pair of coordinates stands for “unknown” if it is shared by more than this share and number of rows.
PLACEHOLDER_SHARE = 0.05
PLACEHOLDER_ROWS = 50
# A column of instants holds dates if more than this share of at least so many values are at midnight.
MIDNIGHT_SHARE = 0.5
MIDNIGHT_ROWS = 50
_ABSURD_US = 3652 * 86_400_000_000

# Kinds of events that show that something was done about a request.
ACTIVITY = ("work", "inspect", "comment")
# Kinds of events that tell something of all requests of a source: those without any had none.
TOLD_OF_ALL = (*ACTIVITY, "reopen")
# Flags that only the reader of a source can set; kept when rows are carried from build to build.
READ_FLAGS = sum(FLAGS[name] for name in ("dup_id", "ambiguous_time", "nonexistent_time", "unmapped_status"))

_Expr = ColumnElement[Any]
_Condition = ColumnElement[bool]


def city_row(city: Mapping[str, Any]) -> dict[str, Any]:
    """The row of the table `city`, completed with defaults. Raises BadRequest for a field that does not exist."""
    known = {one.name for one in fields(City)}
    unknown = set(city) - known
    if unknown:
        raise BadRequest(f"A city has no {', '.join(sorted(unknown))}.")
    return asdict(City(**{**city, "schema_version": schema.VERSION}))


@dataclass(frozen=True)
class Known:
    """What all rows together tell about one, and what there is to be joined.

    `placeholders` are coordinates that stand for “unknown”, `dates` pairs of source and column that hold dates,
    `recorded` pairs of source and kind of event that a source writes down, `cuts` the days on which districts change,
    `blank` the columns of requests that no source fills.
    """

    as_of: datetime
    placeholders: frozenset[tuple[float, float]] = frozenset()
    dates: frozenset[tuple[str, str]] = frozenset()
    recorded: frozenset[tuple[str, str]] = frozenset()
    cuts: tuple[date, ...] = ()
    blank: frozenset[str] = frozenset()
    has_areas: bool = False
    has_shapes: bool = False
    has_clocks: bool = False
    has_pauses: bool = False
    has_incidents: bool = False

    def sources_of(self, *kinds: str) -> list[str]:
        """The sources that record events of any of these kinds at all."""
        return sorted({source for source, kind in self.recorded if kind in kinds})


# ── What is joined: registered by the build under these names ───────────────────────────────────────

POINTS = named_table("points", *map(named_column, ("row", "h3_8", "h3_9", "h3_10", "area", "second")))
WORDS = named_table("area_words", *map(named_column, ("word", "era", "area")))
AREAS = named_table("areas", *map(named_column, ("area", "district_id", "district")))
INCIDENTS = named_table("incidents", *map(named_column, ("request_id", "root")))
PROMISES = named_table(
    "promises",
    *map(
        named_column,
        ("version", "sla_id", "type_id", "priority", "valid_from_on", "valid_to_on", "has_calendar", "calendar"),
    ),
)
HOLDERS = named_table("holders", *map(named_column, ("department_id", "calendar")))
CLOCKS = named_table(
    "clocks",
    *map(
        named_column,
        ("row", "version", "due_at", "due_on", "business_open_s", "paused_business_s", "left_s", "business_day_s"),
    ),
)  # fmt: skip


def rowid(table: Any) -> _Expr:
    """What tells the rows of a table of the build apart, in the order in which they were written."""
    return literal_column(f"{table.name}.rowid")


def latest(table: Any, key: str) -> FromClause:
    """The row written last for each key of a dimension."""
    place = func.row_number().over(partition_by=table.c[key], order_by=rowid(table).desc())
    ranked = select(table, place.label("place")).subquery()
    return select(*(one for one in ranked.c if one.name != "place")).where(ranked.c.place == 1).subquery()


# ── Time ────────────────────────────────────────────────────────────────────────────────────────────


def local_time(at: _Expr) -> _Expr:
    """What the city's clock shows at an instant; `at` is a column, for it is looked at more than once."""
    return func.local_time(at, type_=DateTime)


def hour_of_week(local: _Expr) -> _Expr:
    """0 is Monday 00:00 to 01:00, 167 Sunday 23:00 to 24:00, on the wall clock."""
    return cast((func.isodow(local) - 1) * 24 + func.hour(local), SmallInteger)


def seconds(start: _Expr, end: _Expr) -> _Expr:
    """Whole seconds from `start` to `end`; missing if `end` is missing, or lies before `start`, which cannot be."""
    return case((end >= start, func.divide(func.epoch_us(end) - func.epoch_us(start), 1_000_000)))


def era(on: _Expr, cuts: Sequence[date]) -> _Expr:
    """The number of the cuts that a civil day has behind it."""
    passed: _Expr = literal(0, Integer)
    for one in cuts:
        passed = passed + case((on >= one, 1), else_=0)
    return passed


def is_midnight(local: _Expr) -> _Condition:
    """Whether a wall-clock time is one: the column may hold dates."""
    return local == func.date_trunc("day", local)


# ── Places ──────────────────────────────────────────────────────────────────────────────────────────


def on_earth(lat: _Expr, lon: _Expr) -> _Condition:
    """Whether there are coordinates, and they can be."""
    return func.coalesce(and_(func.abs(lat) <= 90, func.abs(lon) <= 180), False)


def is_placeholder(lat: _Expr, lon: _Expr, pairs: frozenset[tuple[float, float]]) -> _Condition:
    """Whether coordinates that can be stand for “unknown”."""
    return or_(*(and_(lat == one, lon == two) for one, two in sorted(pairs | {(0.0, 0.0)})))


def is_somewhere(lat: _Expr, lon: _Expr, pairs: frozenset[tuple[float, float]] = frozenset()) -> _Condition:
    """Whether coordinates tell a place."""
    return and_(on_earth(lat, lon), ~is_placeholder(lat, lon, pairs))


def points_of(table: Table, on: _Expr, known: Known, *inside: _Condition, all_earth: bool = False) -> Select:
    """What has to be looked up of the places of rows: row, lat, lon, era; `on` is the day that counts.

    `all_earth`: any coordinates that can be tell a place.
    """
    lat, lon = table.c.lat, table.c.lon
    placed = on_earth(lat, lon) if all_earth else is_somewhere(lat, lon, known.placeholders)
    return select(rowid(table).label("row"), lat, lon, era(on, known.cuts).label("era")).where(placed, *inside)


# ── Requests ────────────────────────────────────────────────────────────────────────────────────────


def opened_on(table: FromClause) -> _Expr:
    """The civil day on which a request was opened."""
    return cast(local_time(table.c.opened_at), Date)


def _unwitnessed(request: FromClause) -> _Condition:
    """Closed, and nobody wrote when."""
    return and_(request.c.closed_at.is_(None), request.c.status.in_(sorted(CLOSED_STATUSES)))


def _closed_at(request: FromClause) -> _Expr:
    """The close; where nobody wrote when, the last update, as Open311 has it, so that it is not open for ever."""
    return case((_unwitnessed(request), request.c.updated_at), else_=request.c.closed_at)


def district_words(staged: Mapping[str, Table], known: Known) -> Select:
    """The words that requests have for their districts: word, era."""
    request = staged["request"]
    word = func.coalesce(request.c.district, request.c.source_district)
    return (
        select(word.label("word"), era(opened_on(request), known.cuts).label("era")).where(word.is_not(None)).distinct()
    )


def clock_rows(staged: Mapping[str, Table], *inside: _Condition) -> Select:
    """What is asked of the calendars: requests that one is known for, or a promise, in order of `row`.

    The promise of a request is the one its source names, else the version in force when it was opened: one for its own
    priority goes before one for all, a younger one before an older.
    """
    request = staged["request"]
    types = latest(staged["service_type"], "type_id")
    named, offer = PROMISES.alias("named"), PROMISES.alias("offer")
    first = (
        select(
            rowid(request).label("row"), request.c.opened_at, _closed_at(request).label("closed_at"), request.c.due_at,
            request.c.type_id, request.c.priority, request.c.sla_id, opened_on(request).label("opened_on"),
            func.coalesce(request.c.department_id, types.c.department_id).label("department_id"),
        )
        .select_from(request.outerjoin(types, types.c.type_id == request.c.type_id))
        .where(*inside)
        .cte("asking")
    )  # fmt: skip
    place = func.row_number().over(
        partition_by=first.c.row,
        order_by=(offer.c.priority.is_(None), offer.c.valid_from_on.desc().nulls_last(), offer.c.version),
    )
    offered = (
        select(first.c.row, offer.c.version, place.label("place"))
        .join(offer, offer.c.type_id == first.c.type_id)
        .where(
            or_(offer.c.priority.is_(None), offer.c.priority == first.c.priority),
            or_(offer.c.valid_from_on.is_(None), offer.c.valid_from_on <= first.c.opened_on),
            or_(offer.c.valid_to_on.is_(None), first.c.opened_on < offer.c.valid_to_on),
        )
        .subquery()
    )
    found = (
        first.outerjoin(named, named.c.sla_id == first.c.sla_id)
        .outerjoin(offered, and_(offered.c.row == first.c.row, offered.c.place == 1))
        .outerjoin(PROMISES, PROMISES.c.version == func.coalesce(named.c.version, offered.c.version))
        .outerjoin(HOLDERS, HOLDERS.c.department_id == first.c.department_id)
    )
    calendar = case((PROMISES.c.has_calendar, PROMISES.c.calendar), else_=HOLDERS.c.calendar)
    return (
        select(
            first.c.row, first.c.opened_at, first.c.closed_at, first.c.due_at, PROMISES.c.version,
            calendar.label("calendar"),
        )
        .select_from(found)
        .where(or_(PROMISES.c.version.is_not(None), calendar.is_not(None)))
        .order_by(first.c.row)
    )  # fmt: skip


def requests(staged: Mapping[str, Table], known: Known, *inside: _Condition) -> Select:
    """Requests with everything derived but `recurred_at`, which takes all of them."""
    f = _named(staged, *inside).subquery("f")
    joined: Any = f
    departments = latest(staged["department"], "department_id")
    joined = joined.outerjoin(departments, departments.c.department_id == f.c.department_id)
    joined = joined.outerjoin(POINTS, POINTS.c.row == f.c.row)
    more: dict[str, _Expr] = {
        "department": func.coalesce(departments.c.name, f.c.department_id),
        "until": func.coalesce(f.c.closed_at, literal(known.as_of, DateTime)),
        "closed_on": cast(local_time(f.c.closed_at), Date),
        **{name: POINTS.c[name] for name in ("h3_8", "h3_9", "h3_10")}, "area": POINTS.c.second,
        **_district(f, known), **_promise(f, known),
    }  # fmt: skip
    if known.has_areas:
        word = and_(WORDS.c.word == f.c.district_word, WORDS.c.era == era(f.c.opened_on, known.cuts))
        joined = joined.outerjoin(WORDS, word)
        joined = joined.outerjoin(AREAS, AREAS.c.area == func.coalesce(WORDS.c.area, POINTS.c.area))
    if known.has_clocks:
        joined = joined.outerjoin(CLOCKS, CLOCKS.c.row == f.c.row)
        joined = joined.outerjoin(PROMISES, PROMISES.c.version == CLOCKS.c.version)
    more["root"] = cast(null(), String)
    if known.has_incidents:
        joined = joined.outerjoin(INCIDENTS, INCIDENTS.c.request_id == f.c.request_id)
        more["root"] = INCIDENTS.c.root
    more["on_hold"] = false()
    if known.has_pauses:
        endless = select(staged["request_pause"].c.request_id).where(
            staged["request_pause"].c.end_at.is_(None), staged["request_pause"].c.start_at.is_not(None)
        )
        more["on_hold"] = f.c.request_id.in_(endless)
    more["activity_count"] = cast(null(), Integer)
    if sources := known.sources_of(*ACTIVITY):
        done = _done(staged)
        joined = joined.outerjoin(done, done.c.request_id == f.c.request_id)
        records = func.coalesce(f.c.src_system, "").in_(sources)
        more["activity_count"] = case((records, func.coalesce(done.c.n, 0)))
    own = [one for one in f.c if one.name not in more]
    g = select(*own, *(one.label(name) for name, one in more.items())).select_from(joined).subquery("g")
    somewhere = g.c.h3_10.is_not(None)
    running = and_(g.c.closed_at.is_(None), g.c.status.not_in(sorted(CLOSED_STATUSES)), ~g.c.on_hold)
    # Where no calendar is known the clock never rests: what is left is then plain time.
    left = func.floor((func.epoch_us(g.c.due_at) - func.epoch_us(g.c.until)) / 1e6)
    last: dict[str, _Expr] = {
        "promise_s": seconds(g.c.opened_at, g.c.due_at),
        "close_s": seconds(g.c.opened_at, g.c.closed_at),
        "remaining_business_s": case((running, func.coalesce(g.c.left_s, cast(left, BigInteger)))),
        "has_place": or_(g.c.parcel_id.is_not(None), g.c.address.is_not(None), somewhere),
        # A source may call a request a duplicate without naming its original.
        "is_duplicate": or_(g.c.root.is_not(None), g.c.status == "merged_duplicate"),
        "incident_id": func.coalesce(g.c.root, g.c.request_id),
        "recurred_at": cast(null(), DateTime),
        "dq_flags": _request_flags(g, known),
    }
    # Sorting carries every column along, and most cities leave many empty: those are added once the rest is in order.
    passed = known.blank - _FILLED - more.keys() - last.keys()
    blank = passed | {name for name, one in (more | last).items() if _is_nothing(one)}
    kept = [one.name for one in schema.request.c if one.name not in blank]
    order = (g.c.opened_at, g.c.request_id)
    rows = select(*((last[name] if name in last else g.c[name]).label(name) for name in kept)).order_by(*order)
    sorted_ = rows.subquery("in_order")
    return select(
        *((cast(null(), one.type) if one.name in blank else sorted_.c[one.name]).label(one.name)
          for one in schema.request.c)
    )  # fmt: skip


def blanks(request: Table) -> Select:
    """How many rows have each column that a source may fill, by its name."""
    return select(*(func.count(one).label(one.name) for one in request.c))


def _is_nothing(value: _Expr) -> bool:
    return isinstance(value, Cast) and isinstance(value.clause, Null)


_FILLED = frozenset({"closed_at", "department_id"})
"""What `_named` may find elsewhere where a source leaves it empty."""


def _named(staged: Mapping[str, Table], *inside: _Condition) -> Select:
    """Requests with the names of their types; one without a department belongs to that of its type."""
    request = staged["request"]
    types = latest(staged["service_type"], "type_id")
    made: dict[str, _Expr] = {
        "row": rowid(request), "opened_on": opened_on(request),
        "opened_hour_of_week": hour_of_week(local_time(request.c.opened_at)),
        "unwitnessed": _unwitnessed(request), "closed_at": _closed_at(request),
        "service_type": func.coalesce(types.c.name, request.c.type_id), "category": types.c.category,
        "is_info_only": func.coalesce(types.c.is_info_only, False),
        "department_id": func.coalesce(request.c.department_id, types.c.department_id),
        "district_word": func.coalesce(request.c.district, request.c.source_district),
    }  # fmt: skip
    own = [one for one in request.c if not (one.info.get("derived") or one.name in made)]
    columns = [*own, request.c.dq_flags, *(one.label(name) for name, one in made.items())]
    return select(*columns).select_from(request.outerjoin(types, types.c.type_id == request.c.type_id)).where(*inside)


def _district(f: FromClause, known: Known) -> dict[str, _Expr]:
    outside: _Expr = false()
    if known.has_shapes:
        outside = and_(POINTS.c.row.is_not(None), POINTS.c.area.is_(None))
    if known.has_areas:
        return {"district_id": AREAS.c.district_id, "district": AREAS.c.district, "outside": outside}
    # A city that gives no districts has those its requests name.
    return {"district_id": cast(null(), String), "district": f.c.district_word, "outside": outside}


def _promise(f: FromClause, known: Known) -> dict[str, _Expr]:
    given = f.c.due_at.is_not(None)
    whole = cast(null(), BigInteger)
    found: dict[str, _Expr] = {
        "due_at": f.c.due_at, "due_on": cast(local_time(f.c.due_at), Date), "sla_id": f.c.sla_id,
        "business_open_s": whole, "paused_business_s": whole, "left_s": whole, "business_day_s": literal(86400),
    }  # fmt: skip
    if known.has_clocks:
        found |= {name: CLOCKS.c[name] for name in ("business_open_s", "paused_business_s", "left_s")}
        found["due_at"] = func.coalesce(f.c.due_at, CLOCKS.c.due_at)
        found["due_on"] = func.coalesce(found["due_on"], CLOCKS.c.due_on)
        found["sla_id"] = func.coalesce(f.c.sla_id, PROMISES.c.sla_id)
        found["business_day_s"] = func.coalesce(CLOCKS.c.business_day_s, 86400)
    computed = found["due_at"].is_not(None)
    found["due_source"] = case(
        (given, func.coalesce(f.c.due_source, "source")), (computed, "computed"), else_="none"
    )  # fmt: skip
    return found


def _done(staged: Mapping[str, Table]) -> FromClause:
    """How often something was done about requests up to their close."""
    request, event = staged["request"], staged["request_event"]
    before_close = or_(request.c.closed_at.is_(None), event.c.event_at <= request.c.closed_at)
    return (
        select(event.c.request_id, func.count().label("n"))
        .join(request, request.c.request_id == event.c.request_id)
        .where(event.c.kind.in_(ACTIVITY), before_close)
        .group_by(event.c.request_id)
        .subquery("done")
    )


def _request_flags(g: FromClause, known: Known) -> _Expr:
    opened, closed, due = g.c.opened_at, g.c.closed_at, g.c.due_at
    future = known.as_of + timedelta(days=1)
    missing = ~on_earth(g.c.lat, g.c.lon)
    dates = [
        and_(func.coalesce(g.c.src_system, "") == source, g.c[column].is_not(None))
        for source, column in sorted(known.dates)
        if column != "due_at"  # a promise by the day is nothing doubtful, and takes no hour from the others
    ]
    marks: dict[str, _Condition] = {
        "closed_before_opened": closed < opened,
        "zero_duration": closed == opened,
        "future": or_(opened > future, closed > future),
        "absurd": func.epoch_us(closed) - func.epoch_us(opened) > _ABSURD_US,
        "midnight_only": or_(false(), *dates),
        "status_conflict": or_(g.c.unwitnessed, and_(g.c.status.in_(sorted(OPEN_STATUSES)), closed.is_not(None))),
        "due_before_opened": due < opened,
        "absurd_due": func.epoch_us(due) - func.epoch_us(opened) > _ABSURD_US,
        "no_geo": missing,
        "geo_placeholder": and_(~missing, is_placeholder(g.c.lat, g.c.lon, known.placeholders)),
        "outside_boundary": g.c.outside,
    }
    return _with_marks(g.c.dq_flags, marks)


def _with_marks(read: _Expr, marks: Mapping[str, _Condition]) -> _Expr:
    """What the reader of a source found, and what is found here."""
    bits: _Expr = func.coalesce(read, 0).op("&")(READ_FLAGS)
    for name, marked in marks.items():
        bits = bits + case((marked, FLAGS[name]), else_=0)
    return bits


def tally(table: Table) -> Select:
    """How many rows of a fact bear each flag, in the order of `FLAGS`, and how many any."""
    bits = table.c.dq_flags
    each = (func.count(case((schema.bears(bits, flag), 1))) for flag in FLAGS)
    return select(*each, func.count(case((bits != 0, 1))))


# ── Episodes ────────────────────────────────────────────────────────────────────────────────────────


def turned() -> Select:
    """The requests that were reopened or handed on: those with more than one episode are among them."""
    event = schema.request_event
    return select(event.c.request_id).where(event.c.kind.in_(("reopen", "transfer"))).distinct()


def turned_requests(*inside: _Condition) -> Select:
    """What `beyond_sql.stretches` must know of them."""
    r = schema.request.c
    return (
        select(r.request_id, r.opened_at, _final(schema.request).label("final"), r.department)
        .where(r.request_id.in_(turned()), *inside)
        .order_by(r.opened_at, r.request_id)
    )


def turns(*inside: _Condition) -> Select:
    """Their events, in order."""
    event = schema.request_event
    columns = [event.c[one] for one in ("request_id", "event_at", "kind", "from_value", "to_value")]
    mine = select(schema.request.c.request_id).where(schema.request.c.request_id.in_(turned()), *inside)
    return (
        select(*columns)
        .where(event.c.kind.in_(("close", "reopen", "transfer")), event.c.request_id.in_(mine))
        .order_by(event.c.request_id, event.c.event_at, event.c.event_id)
    )


def _final(request: FromClause) -> _Expr:
    """The final close; of one that is closed without anyone knowing when, its last update, or else at once."""
    r = request.c
    closed_somehow = and_(r.closed_at.is_(None), r.status.in_(sorted(CLOSED_STATUSES)))
    return case((closed_somehow, func.coalesce(r.updated_at, r.opened_at)), else_=r.closed_at)


def episodes(
    held: Table, known: Known, has_turned: bool, inside: Sequence[_Condition], parts_inside: Sequence[_Condition]
) -> Select:
    """The stretches in which each of some requests stood open with one department.

    Those of `turned` requests wait in `held`, for who held them is not for SQL to say; `parts_inside` says which of
    them. All others, of the requests that are `inside`, have one, which never ends before it starts: a request closed
    before it was opened was never waiting.

    Source: measures reference, B0; decision 0010.
    """
    names = [one.name for one in schema.request_episode.c]
    r = schema.request
    final = _final(r)
    ends = case((final < r.c.opened_at, r.c.opened_at), else_=final).label("ends")
    one = select(r, ends).where(*inside, *((r.c.request_id.not_in(turned()),) if has_turned else ())).subquery()
    whole: dict[str, _Expr] = {
        "request_id": one.c.request_id, "seq": literal(1), "opened_at": one.c.opened_at, "closed_at": one.c.ends,
        "opened_on": one.c.opened_on, "closed_on": cast(local_time(one.c.ends), Date), "starts_by": literal("opened"),
        "ends_by": case((one.c.ends.is_not(None), "closed")), "next_opened_at": cast(null(), DateTime),
        "department": one.c.department, "team": one.c.team, **_carried(one, known),
    }  # fmt: skip
    found: Any = select(*(whole[name].label(name) for name in names))
    if has_turned:
        # Which of its teams had it, no source tells of a department that has given it away.
        here = or_(held.c.department == r.c.department, held.c.department.is_(None))
        part = {"team": case((here, r.c.team)), **_carried(r, known)}
        parts = (
            select(*((part[name] if name in part else held.c[name]).label(name) for name in names))
            .join(r, r.c.request_id == held.c.request_id)
            .where(*parts_inside)
        )
        both = union_all(found, parts).subquery()
        found = select(*both.c)
    return found.order_by(*(literal_column(name) for name in ("opened_at", "request_id", "seq")))


def _carried(request: FromClause, known: Known) -> dict[str, _Expr]:
    watched = func.coalesce(request.c.src_system, "").in_(known.sources_of("reopen"))
    return {
        **{own: request.c[of] for own, of in schema.OF_ITS_REQUEST.items() if own != "request_id"},
        "has_reopenings": watched,
    }  # fmt: skip


# ── What came back ──────────────────────────────────────────────────────────────────────────────────


def place_of(request: Any) -> _Expr:
    """What is one place for coming back, of the columns of a request."""
    address = func.trim(request.address)
    is_plain = and_(func.strpos(address, "  ") == 0, ~func.regexp_matches(address, r"[\t\n\r\f\v]"))
    single = case((is_plain, address), else_=func.regexp_replace(address, r"\s+", " ", "g"))
    return func.coalesce(
        literal("parcel ") + request.parcel_id,
        literal("address ") + func.lower(single),
        literal("cell ") + cast(request.h3_10, String),
    )


def recurrences(among: FromClause | None = None) -> Select:
    """For each closed request the next one of its type opened at its place afterwards: request_id, next_at.

    Openings and closings of a place in one line, in order of time: what follows a closing is the next opening. Those of
    `among` (type_id, place) alone, if it is given, and then also those whom nothing follows.
    """
    r = schema.request.c
    counted = and_(r.has_place, r.is_info_only.is_not(True), r.is_duplicate.is_not(True))
    rows = select(r.request_id, r.type_id, place_of(r).label("place"), r.opened_at, r.closed_at).where(counted)
    reported: Any = rows.subquery("reported")
    if among is not None:
        of_it = and_(among.c.type_id.is_not_distinct_from(reported.c.type_id), among.c.place == reported.c.place)
        reported = select(reported).where(exists().where(of_it)).cte("few").prefix_with("MATERIALIZED")
    c = reported.c
    opening = select(
        c.request_id, c.type_id, c.place, c.opened_at.label("at"), c.opened_at.label("opens_at"),
        literal(0).label("closes"),
    )  # fmt: skip
    # Closed before it was opened: it would be taken for its own return.
    closing = select(
        c.request_id, c.type_id, c.place, c.closed_at.label("at"),
        cast(null(), DateTime).label("opens_at"), literal(1).label("closes"),
    ).where(c.closed_at >= c.opened_at)  # fmt: skip
    line = union_all(opening, closing).subquery().c
    following = func.min(line.opens_at).over(
        partition_by=(line.type_id, line.place), order_by=(line.at, line.closes), rows=(1, None)
    )
    told = select(line.request_id, line.closes, following.label("next_at")).subquery().c
    followed = () if among is not None else (told.next_at.is_not(None),)
    return select(told.request_id, told.next_at).where(told.closes == 1, *followed)


# ── The other facts ─────────────────────────────────────────────────────────────────────────────────


def contacts(staged: Mapping[str, Table], known: Known, *inside: _Condition) -> Select:
    """Contacts with everything derived; their service type is that of the request they made or asked about."""
    contact, request = staged["contact"], schema.request
    agents = latest(staged["agent"], "agent_id")
    c = contact.c
    local = local_time(c.arrived_at)
    future = known.as_of + timedelta(days=1)
    parts = (c.talk_s, c.hold_s, c.wrap_s)
    handled = sum((func.coalesce(one, 0.0) for one in parts[1:]), func.coalesce(parts[0], 0.0))
    marks = {
        "closed_before_opened": c.ended_at < c.arrived_at,
        "future": or_(c.arrived_at > future, c.ended_at > future),
    }
    made: dict[str, _Expr] = {
        "arrived_on": cast(local, Date), "arrived_hour_of_week": hour_of_week(local),
        "arrived_half_hour": func.hour(local) * 2 + case((func.minute(local) >= 30, 1), else_=0),
        "handle_s": case((and_(c.outcome == "answered", func.coalesce(*parts).is_not(None)), handled)),
        "team": agents.c.team, "service_type": request.c.service_type, "dq_flags": _with_marks(c.dq_flags, marks),
    }  # fmt: skip
    joined = contact.outerjoin(agents, agents.c.agent_id == c.agent_id)
    joined = joined.outerjoin(request, request.c.request_id == c.request_id)
    return _all(contact, made).select_from(joined).where(*inside).order_by(c.arrived_at, c.contact_id)


def agent_states(staged: Mapping[str, Table], *inside: _Condition) -> Select:
    """States of agents with their day, hour, length and team."""
    state, agents = staged["agent_state"], latest(staged["agent"], "agent_id")
    local = local_time(state.c.start_at)
    made: dict[str, _Expr] = {
        "start_on": cast(local, Date), "start_hour_of_week": hour_of_week(local),
        "duration_s": seconds(state.c.start_at, state.c.end_at), "team": agents.c.team,
    }  # fmt: skip
    joined = state.outerjoin(agents, agents.c.agent_id == state.c.agent_id)
    return _all(state, made).select_from(joined).where(*inside).order_by(state.c.start_at, state.c.agent_id)


def inspections(staged: Mapping[str, Table]) -> Select:
    """Visits with their day and place, and the department and type of the request that led to them."""
    visit, request = staged["inspection"], schema.request
    joined: Any = visit.outerjoin(request, request.c.request_id == visit.c.request_id)
    joined = joined.outerjoin(POINTS, POINTS.c.row == rowid(visit)).outerjoin(AREAS, AREAS.c.area == POINTS.c.area)
    made: dict[str, _Expr] = {
        "visited_on": cast(local_time(visit.c.visited_at), Date),
        "district": AREAS.c.district,
        **{name: request.c[name] for name in ("department", "service_type")},
        **{name: POINTS.c[name] for name in ("h3_8", "h3_9", "h3_10")},
    }
    return _all(visit, made).select_from(joined).order_by(visit.c.visited_at, visit.c.inspection_id)


def assets(staged: Mapping[str, Table]) -> Select:
    """Assets with the district they stand or stood in."""
    asset = staged["asset"]
    joined = asset.outerjoin(POINTS, POINTS.c.row == rowid(asset)).outerjoin(AREAS, AREAS.c.area == POINTS.c.area)
    return _all(asset, {"district": AREAS.c.district}).select_from(joined).order_by(rowid(asset))


def surveys(staged: Mapping[str, Table]) -> Select:
    """Surveys with their day, and the department, type and district of the request they ask about."""
    survey, request = staged["survey"], schema.request
    made: dict[str, _Expr] = {
        "sent_on": cast(local_time(survey.c.sent_at), Date),
        **{name: request.c[name] for name in ("department", "service_type", "district")},
    }
    joined = survey.outerjoin(request, request.c.request_id == survey.c.request_id)
    return _all(survey, made).select_from(joined).order_by(survey.c.sent_at, survey.c.survey_id)


GRAINS = ("quarter_hour", "half_hour", "hour", "shift", "day", "month")
"""How long a stretch is of which calls are published, the finest first."""


def published_calls(staged: Mapping[str, Table]) -> Select:
    """Published figures of calls with their day and hour, and whether nothing finer is known of it.

    A day that is published by the half-hour too must not count twice, nor a month by the day; but channels and queues
    may be published each in its own way.
    """
    one = staged["contact_interval"]
    local = local_time(one.c.start_at)
    on = cast(local, Date)
    grain = case({name: place for place, name in enumerate(GRAINS)}, value=one.c.grain, else_=len(GRAINS))
    of_all = case((one.c.queue.is_(None), grain))

    def finest(*among: _Expr) -> _Expr:
        """The finest of the same queue, and of all queues together, which is finer than each and coarser than none."""
        own = func.min(grain).over(partition_by=[*among, one.c.channel, one.c.queue])
        whole, any_ = (func.min(of).over(partition_by=[*among, one.c.channel]) for of in (of_all, grain))
        return case((one.c.queue.is_(None), any_), else_=func.least(own, func.coalesce(whole, own)))

    of_day, of_month = finest(on), finest(func.date_trunc("month", cast(on, DateTime)))
    made: dict[str, _Expr] = {
        "start_on": on, "start_hour_of_week": hour_of_week(local),
        "is_finest": grain == case((one.c.grain == "month", of_month), else_=of_day),
    }  # fmt: skip
    return _all(one, made).select_from(one).order_by(one.c.start_at, one.c.interval_id)


def city_events(staged: Mapping[str, Table]) -> Select:
    """Events of the city with their first day, and the first day no longer touched."""
    event = staged["city_event"]
    before_end = func.make_timestamp(func.epoch_us(event.c.end_at) - 1)
    inner = select(event, before_end.label("last")).subquery()
    first, last = cast(local_time(inner.c.start_at), Date), cast(local_time(inner.c.last), Date)
    made = {"start_on": first, "end_on": func.greatest(first, last) + 1}
    names = (one.name for one in schema.city_event.c)
    return select(*((made[name] if name in made else inner.c[name]).label(name) for name in names))


def _all(staged: Table, made: Mapping[str, _Expr]) -> Select:
    """The columns of a fact, those in `made` derived and all others as they wait."""
    names = (one.name for one in schema.metadata.tables[staged.name].c)
    return select(*((made[name] if name in made else staged.c[name]).label(name) for name in names))


# ── Between two builds ──────────────────────────────────────────────────────────────────────────────


def as_written(table: Table, old: FromClause) -> dict[str, _Expr]:
    """The columns of rows of an earlier build as their source gave them: without what that build computed."""
    found: dict[str, _Expr] = {one.name: old.c[one.name] for one in table.c if one.name in old.c}
    if "dq_flags" in found:
        found["dq_flags"] = func.coalesce(old.c.dq_flags, 0).op("&")(READ_FLAGS)
    if table.name == "request":
        given = old.c.due_source == "source"
        found |= {name: case((given, old.c[name])) for name in ("due_at", "sla_id", "due_source")}
        found["district"] = case((old.c.source_district.is_not(None), old.c.district))
        guessed = and_(schema.bears(old.c.dq_flags, "status_conflict"), old.c.status.in_(sorted(CLOSED_STATUSES)))
        found["closed_at"] = case((~func.coalesce(guessed, False), old.c.closed_at))
    return found
