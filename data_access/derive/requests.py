"""Requests: when they closed, whose promise they bear, where they are, what is doubtful about them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Cast,
    Date,
    DateTime,
    FromClause,
    Integer,
    Null,
    Select,
    String,
    Table,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
)

from data_access import schema
from data_access.derive.expressions import (
    Condition,
    Expr,
    era,
    hour_of_week,
    is_placeholder,
    local_time,
    on_earth,
    seconds,
    with_marks,
)
from data_access.derive.joined import (
    ACTIVITY,
    AREAS,
    CLOCKS,
    HOLDERS,
    INCIDENTS,
    POINTS,
    PROMISES,
    WORDS,
    Known,
    latest,
    rowid,
)
from data_access.schema import CLOSED_STATUSES, OPEN_STATUSES

_ABSURD_US = 3652 * 86_400_000_000


def opened_on(table: FromClause) -> Expr:
    """The civil day on which a request was opened."""
    return cast(local_time(table.c.opened_at), Date)


def _unwitnessed(request: FromClause) -> Condition:
    """Closed, and nobody wrote when."""
    return and_(request.c.closed_at.is_(None), request.c.status.in_(sorted(CLOSED_STATUSES)))


def _closed_at(request: FromClause) -> Expr:
    """The close; where nobody wrote when, the last update, as Open311 has it, so that it is not open for ever."""
    return case((_unwitnessed(request), request.c.updated_at), else_=request.c.closed_at)


def district_words(staged: Mapping[str, Table], known: Known) -> Select:
    """The words that requests have for their districts: word, era."""
    request = staged["request"]
    word = func.coalesce(request.c.district, request.c.source_district)
    return (
        select(word.label("word"), era(opened_on(request), known.cuts).label("era")).where(word.is_not(None)).distinct()
    )


def clock_rows(staged: Mapping[str, Table], *inside: Condition) -> Select:
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


def requests(staged: Mapping[str, Table], known: Known, *inside: Condition) -> Select:
    """Requests with everything derived but `recurred_at`, which takes all of them."""
    f = _named(staged, *inside).subquery("f")
    joined: Any = f
    departments = latest(staged["department"], "department_id")
    joined = joined.outerjoin(departments, departments.c.department_id == f.c.department_id)
    joined = joined.outerjoin(POINTS, POINTS.c.row == f.c.row)
    more: dict[str, Expr] = {
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
    last: dict[str, Expr] = {
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


def _is_nothing(value: Expr) -> bool:
    return isinstance(value, Cast) and isinstance(value.clause, Null)


_FILLED = frozenset({"closed_at", "department_id"})
"""What `_named` may find elsewhere where a source leaves it empty."""


def _named(staged: Mapping[str, Table], *inside: Condition) -> Select:
    """Requests with the names of their types; one without a department belongs to that of its type."""
    request = staged["request"]
    types = latest(staged["service_type"], "type_id")
    made: dict[str, Expr] = {
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


def _district(f: FromClause, known: Known) -> dict[str, Expr]:
    outside: Expr = false()
    if known.has_shapes:
        outside = and_(POINTS.c.row.is_not(None), POINTS.c.area.is_(None))
    if known.has_areas:
        return {"district_id": AREAS.c.district_id, "district": AREAS.c.district, "outside": outside}
    # A city that gives no districts has those its requests name.
    return {"district_id": cast(null(), String), "district": f.c.district_word, "outside": outside}


def _promise(f: FromClause, known: Known) -> dict[str, Expr]:
    given = f.c.due_at.is_not(None)
    whole = cast(null(), BigInteger)
    found: dict[str, Expr] = {
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


def _request_flags(g: FromClause, known: Known) -> Expr:
    opened, closed, due = g.c.opened_at, g.c.closed_at, g.c.due_at
    future = known.as_of + timedelta(days=1)
    missing = ~on_earth(g.c.lat, g.c.lon)
    dates = [
        and_(func.coalesce(g.c.src_system, "") == source, g.c[column].is_not(None))
        for source, column in sorted(known.dates)
        if column != "due_at"  # a promise by the day is nothing doubtful, and takes no hour from the others
    ]
    marks: dict[str, Condition] = {
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
    return with_marks(g.c.dq_flags, marks)
