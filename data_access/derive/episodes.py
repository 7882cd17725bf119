"""The stretches in which a request stands open with one department, and what came back to its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Date,
    DateTime,
    FromClause,
    Select,
    String,
    Table,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from data_access import schema
from data_access.derive.expressions import Condition, Expr, local_time
from data_access.derive.joined import Known
from data_access.schema import CLOSED_STATUSES


def turned() -> Select:
    """The requests that were reopened or handed on: those with more than one episode are among them."""
    event = schema.request_event
    return select(event.c.request_id).where(event.c.kind.in_(("reopen", "transfer"))).distinct()


def turned_requests(*inside: Condition) -> Select:
    """What `beyond_sql.stretches` must know of them."""
    r = schema.request.c
    return (
        select(r.request_id, r.opened_at, _final(schema.request).label("final"), r.department)
        .where(r.request_id.in_(turned()), *inside)
        .order_by(r.opened_at, r.request_id)
    )


def turns(*inside: Condition) -> Select:
    """Their events, in order."""
    event = schema.request_event
    columns = [event.c[one] for one in ("request_id", "event_at", "kind", "from_value", "to_value")]
    mine = select(schema.request.c.request_id).where(schema.request.c.request_id.in_(turned()), *inside)
    return (
        select(*columns)
        .where(event.c.kind.in_(("close", "reopen", "transfer")), event.c.request_id.in_(mine))
        .order_by(event.c.request_id, event.c.event_at, event.c.event_id)
    )


def _final(request: FromClause) -> Expr:
    """The final close; of one that is closed without anyone knowing when, its last update, or else at once."""
    r = request.c
    closed_somehow = and_(r.closed_at.is_(None), r.status.in_(sorted(CLOSED_STATUSES)))
    return case((closed_somehow, func.coalesce(r.updated_at, r.opened_at)), else_=r.closed_at)


def episodes(
    held: Table, known: Known, has_turned: bool, inside: Sequence[Condition], parts_inside: Sequence[Condition]
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
    whole: dict[str, Expr] = {
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


def _carried(request: FromClause, known: Known) -> dict[str, Expr]:
    watched = func.coalesce(request.c.src_system, "").in_(known.sources_of("reopen"))
    return {
        **{own: request.c[of] for own, of in schema.OF_ITS_REQUEST.items() if own != "request_id"},
        "has_reopenings": watched,
    }  # fmt: skip


def place_of(request: Any) -> Expr:
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
    """For each closed request the next one of its type opened at its place afterwards: request_id, recurred_at.

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
    told = select(line.request_id, line.closes, following.label("recurred_at")).subquery().c
    followed = () if among is not None else (told.recurred_at.is_not(None),)
    return select(told.request_id, told.recurred_at).where(told.closes == 1, *followed)
