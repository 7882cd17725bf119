"""When the clocks of requests stood still, as their histories tell it."""

from __future__ import annotations

from sqlalchemy import FromClause, Select, func, or_, select

_ENDED_BY = ("pause", "resume", "close", "reopen")


def pauses(events: FromClause, ids: Select) -> Select:
    """Rows of `request_pause` that events tell of: request_id, start_at, end_at, reason.

    A pause lasts until the request is resumed, paused for another reason, closed or reopened; the reason is what the
    request was changed to.

    Source: measures reference, B0 (in_progress ↔ on_hold).
    """
    e = events.c
    following = func.lead(e.event_at).over(partition_by=e.request_id, order_by=(e.event_at, e.event_id))
    line = (
        select(e.request_id, e.kind, e.event_at.label("start_at"), following.label("end_at"), e.to_value)
        .where(e.kind.in_(_ENDED_BY), e.request_id.in_(ids))
        .subquery("line")
    )
    lasts = or_(line.c.end_at.is_(None), line.c.end_at > line.c.start_at)
    return select(line.c.request_id, line.c.start_at, line.c.end_at, line.c.to_value.label("reason")).where(
        line.c.kind == "pause", lasts
    )
