"""Numbers about service requests: how many came, stand and closed, and whether promises were kept."""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, DateTime, and_, case, cast, false, func, or_

from data_access import schema
from data_access.dialects import Elapsed
from data_access.semantics import AS_OF, Fact, Ratio, Spread, Standing, Total

_r, _e = schema.request.c, schema.request_episode.c

INCIDENT = _r.is_duplicate.isnot(True)
"""A problem told for the first time; what was told again is not counted again."""
REQUEST = Fact(
    "request", "requests", schema.request, known_at=_r.opened_at,
    ends={_r.closed_at: _r.closed_on, _r.first_response_at: None, _r.recurred_at: None},
    counted=_r.is_info_only.isnot(True), first_report=INCIDENT,
)  # fmt: skip
EPISODE = Fact(
    "episode", "requests", schema.request_episode, known_at=_e.opened_at,
    ends={_e.closed_at: _e.closed_on, _e.next_opened_at: None},
    counted=_e.is_info_only.isnot(True), first_report=_e.is_duplicate.isnot(True),
)  # fmt: skip


_in_time = _r.closed_at <= _r.due_at
_open = _r.closed_at.is_(None)
_has_passed = _r.due_at < AS_OF  # at that very moment what is open can still be closed in time
# Closed, and nobody wrote when: nobody knows how long it took, and it does not run on either. Nor is a closing before
# the opening a duration; such requests count as closed everywhere else.
_unwitnessed = and_(schema.bears(_r.dq_flags, "status_conflict"), _r.status.in_(sorted(schema.CLOSED_STATUSES)))
LASTS = or_(_r.close_s.isnot(None), and_(_open, ~func.coalesce(_unwitnessed, false())))
"""What is known to have lasted so long."""


def requests_counted(
    name: str, label: str, about: str, formula: str, where: ColumnElement[bool], better: str | None = "lower", *,
    on: Column, source: str,
) -> Total:  # fmt: skip
    """How many requests there are of a kind, by one of their days."""
    return Total(
        name=name, label=label, unit="requests", better=better, about=about, formula=formula, source=source,
        fact=REQUEST, value=func.count(), on=on, where=where,
    )  # fmt: skip


# ── Flow: taken in + reopened + moved in − moved out − closed = change of the backlog ──

opened = Total(
    name="opened", label="Requests opened", unit="requests",
    about="Requests that came in. Every report counts, duplicates included; calls for information do not.",
    formula="count of requests by the day they were opened", source="measures reference, B1",
    fact=REQUEST, value=func.count(), on=_r.opened_on,
)  # fmt: skip

closed = Total(
    name="closed", label="Requests closed", unit="requests",
    about="Closings. A request that was reopened and closed again counts at each closing. Closed does not mean fixed.",
    formula="count of closings by day", source="measures reference, B2",
    fact=EPISODE, value=func.count(), on=_e.closed_on, where=_e.ends_by == "closed",
)  # fmt: skip

reopened = Total(
    name="reopened", label="Requests reopened", unit="requests", better="lower",
    about="Requests that had been closed and were opened again.",
    formula="count of second and later openings by day", source="measures reference, B0 (episodes)",
    fact=EPISODE, value=func.count(), on=_e.opened_on, where=_e.starts_by == "reopened",
)  # fmt: skip

taken_in = Total(
    name="taken_in", label="Taken in", unit="requests",
    about="Requests that came in, by the department they were first given to; “opened” counts them by the department "
          "that holds them now. Over all departments the two are the same.",
    formula="count of first openings by day, with whoever held the request then",
    source="measures reference, B0 and B3; decision 0010",
    fact=EPISODE, value=func.count(), on=_e.opened_on, where=_e.starts_by == "opened",
)  # fmt: skip

moved_in = Total(
    name="moved_in", label="Moved in", unit="requests",
    about="Open requests received from another department. Over all departments as many are moved in as out.",
    formula="count of transfers while open, by the department that received them",
    source="measures reference, B0 and B9; decision 0010",
    fact=EPISODE, value=func.count(), on=_e.opened_on, where=_e.starts_by == "moved",
)  # fmt: skip

moved_out = Total(
    name="moved_out", label="Moved out", unit="requests",
    about="Open requests given to another department.",
    formula="count of transfers while open, by the department that gave them away",
    source="measures reference, B0 and B9; decision 0010",
    fact=EPISODE, value=func.count(), on=_e.closed_on, where=_e.ends_by == "moved",
)  # fmt: skip

duplicates = Total(
    name="duplicates", label="Duplicate reports", unit="requests",
    about="Reports of a problem that had already been reported and was still open.",
    formula="count of requests with a parent, by the day they were opened", source="measures reference, B10",
    fact=REQUEST, value=func.count(), on=_r.opened_on, where=_r.is_duplicate.is_(True),
)  # fmt: skip

duplicate_share = Ratio(
    name="duplicate_share", label="Share of duplicate reports", unit="share",
    about="Of the requests that came in, the share that reported something already known.",
    formula="duplicates ÷ opened", source="measures reference, B10", over=duplicates, under=opened,
)  # fmt: skip

incidents = Total(
    name="incidents", label="Problems reported", unit="requests",
    about="Requests that came in and report something new: repeated reports of one problem count once.",
    formula="count of requests without a parent, by the day they were opened", source="measures reference, R9 and B1",
    fact=REQUEST, value=func.count(), on=_r.opened_on, where=INCIDENT,
)  # fmt: skip

reports_per_incident = Ratio(
    name="reports_per_incident", label="Reports for each problem", unit="ratio",
    about="How many reports came for each problem reported. Many are many eyes on one problem, not many problems.",
    formula="opened ÷ incidents", source="measures reference, B10", over=opened, under=incidents,
)  # fmt: skip

came_to_stand = Total(
    name="came_to_stand", label="Opened or reopened", unit="requests",
    about="Openings: requests that came in, and those that were opened again.",
    formula="count of first and later openings by day, with whoever held the request then",
    source="measures reference, B4",
    fact=EPISODE, value=func.count(), on=_e.opened_on, where=_e.starts_by.in_(("opened", "reopened")),
)  # fmt: skip

clearance = Ratio(
    name="clearance", label="Closed for each opened", unit="share", better="higher",
    about="Closings for each request that came in or was reopened. Above 100 % the city's backlog shrinks.",
    formula="closed ÷ (opened + reopened)", source="measures reference, B4", over=closed, under=came_to_stand,
)  # fmt: skip

# ── Standing: what is open at the end of a day ──

backlog = Standing(
    name="backlog", label="Open requests", unit="requests", better="lower",
    about="Requests open at the end of the day (or of the period), with the department that held them then. It adds "
          "over departments, never over days.",
    formula="openings up to that midnight that have not been closed by it", source="measures reference, B3",
    fact=EPISODE, start_on=_e.opened_on, end_on=_e.closed_on,
)  # fmt: skip

overdue = Standing(
    name="overdue", label="Open and overdue", unit="requests", better="lower",
    about="Of the open requests, those whose promised time has passed. It is a part of the open requests.",
    formula="open at that midnight with a due time before it", source="measures reference, B-SLA",
    fact=EPISODE, start_on=case((_e.due_on > _e.opened_on, _e.due_on), else_=_e.opened_on), end_on=_e.closed_on,
    where=and_(_e.due_at < AS_OF, or_(_e.closed_at.is_(None), _e.closed_at > _e.due_at)),
)  # fmt: skip

due_soon = Standing(
    name="due_soon", label="Due within three working days", unit="requests",
    about="Open requests on the clock with at most three working days left of what was promised, counted in the "
          "opening hours of their own calendar. Told of the last data received, not of an earlier moment.",
    formula="0 < remaining_business_s ≤ 3 working days", source="measures reference, B-SLA and B-clock",
    fact=REQUEST, start_on=_r.opened_on, end_on=_r.closed_on,
    where=and_(_open, _r.remaining_business_s > 0, _r.remaining_business_s <= 3 * _r.business_day_s),
)  # fmt: skip

_promised_business_s = _r.business_open_s + _r.remaining_business_s
at_risk = Standing(
    name="at_risk", label="At risk", unit="requests", better="lower",
    about="Open requests on the clock that will soon break their promise: one working day is left or less, or a fifth "
          "of the promised working time. Told of the last data received, not of an earlier moment.",
    formula="0 < remaining_business_s ≤ the greater of a working day and 20 % of the promise",
    source="measures reference, B-SLA (at risk)",
    fact=REQUEST, start_on=_r.opened_on, end_on=_r.closed_on,
    where=and_(
        _open, _r.remaining_business_s > 0,
        or_(_r.remaining_business_s <= _r.business_day_s, _r.remaining_business_s <= 0.2 * _promised_business_s),
    ),
)  # fmt: skip

overdue_share = Ratio(
    name="overdue_share", label="Share overdue", unit="share", better="lower",
    about="Of the open requests, the share whose promised time has passed.",
    formula="overdue ÷ backlog", source="measures reference, B-SLA", over=overdue, under=backlog,
)  # fmt: skip

# ── Promises, due cohort: the headline ──

due = Total(
    name="due", label="Promises that fell due", unit="requests",
    about="Requests whose promised time lay in the period and has passed. Requests without a promise are left out.",
    formula="count of requests with a due time, by the day it fell on", source="measures reference, B-SLA, due cohort",
    fact=REQUEST, value=func.count(), on=_r.due_on, where=_has_passed,
)  # fmt: skip

kept = Total(
    name="kept", label="Kept in time", unit="requests", better="higher",
    about="Of the requests that fell due, those closed by their due time.",
    formula="count of requests that fell due and were closed at or before it",
    source="measures reference, B-SLA, due cohort",
    fact=REQUEST, value=func.count(), on=_r.due_on, where=and_(_has_passed, _in_time),
)  # fmt: skip

broken = Total(
    name="broken", label="Promises broken", unit="requests", better="lower",
    about="Of the requests that fell due, those closed after their due time or still open.",
    formula="count of requests that fell due and were not closed at or before it",
    source="measures reference, B-SLA, due cohort",
    fact=REQUEST, value=func.count(), on=_r.due_on,
    where=and_(_has_passed, or_(_open, _r.closed_at > _r.due_at)),
)  # fmt: skip

broken_share = Ratio(
    name="broken_share", label="Share broken", unit="share", better="lower",
    about="Of the requests that fell due, the share closed late or still open: what is left of the promises kept.",
    formula="broken ÷ due", source="measures reference, B-SLA, due cohort", over=broken, under=due,
)  # fmt: skip

promised_time = Spread(
    name="promised_time", label="Time promised", unit="s",
    about="From opening to due time, of the requests that fell due: half were promised this time or less.",
    formula="median of due_at − opened_at", source="measures reference, B-SLA",
    fact=REQUEST, duration_s=_r.promise_s, has_ended=_r.promise_s.isnot(None), on=_r.due_on,
    where=and_(_has_passed, _r.promise_s.isnot(None)),
)  # fmt: skip

ELAPSED_S = case((_r.closed_at.isnot(None), _r.close_s), else_=Elapsed(_r.opened_at, cast(AS_OF, DateTime)))
promise_used = Spread(
    name="promise_used", label="Promised time used, in thousandths", unit="ratio", better="lower",
    about="The time to close as a part of the time that was promised for the same request: 1000 is closed on the due "
          "time. Half of the requests opened in the period use this much or less; still-open ones count as not closed.",
    formula="Kaplan–Meier median and 9 in 10 of 1000 × (closed_at − opened_at) ÷ (due_at − opened_at)",
    source="measures reference, B-SLA and B-survival",
    fact=REQUEST, duration_s=ELAPSED_S * 1000.0 / func.nullif(_r.promise_s, 0), has_ended=_r.closed_at.isnot(None),
    on=_r.opened_on, where=and_(_r.promise_s > 0, LASTS),
)  # fmt: skip

sla_compliance = Ratio(
    name="sla_compliance", label="Promises kept", unit="share", better="higher",
    about="Of the requests that fell due in the period, the share closed by their due time. A request still open past "
          "its due time counts against the city; one not yet due does not count at all.",
    formula="kept ÷ due", source="measures reference, B-SLA, due cohort (the headline)", over=kept, under=due,
)  # fmt: skip

# ── Promises, closed cohort: the workload's view ──

closed_with_promise = Total(
    name="closed_with_promise", label="Closed, with a promise", unit="requests",
    about="Requests closed for good in the period that had a due time.",
    formula="count by the day of the final closing", source="measures reference, B-SLA, closed cohort",
    fact=REQUEST, value=func.count(), on=_r.closed_on, where=_r.due_at.isnot(None),
)  # fmt: skip

closed_in_time = Total(
    name="closed_in_time", label="Closed in time", unit="requests", better="higher",
    about="Of the requests closed for good in the period that had a due time, those closed by it.",
    formula="count by the day of the final closing", source="measures reference, B-SLA, closed cohort",
    fact=REQUEST, value=func.count(), on=_r.closed_on, where=_in_time,
)  # fmt: skip

sla_compliance_closed = Ratio(
    name="sla_compliance_closed", label="Closings in time", unit="share", better="higher",
    about="Of the requests closed in the period, the share closed in time. It ignores what was never closed, and "
          "clearing an old backlog lowers it: a view of the work done, not of the promises.",
    formula="closed_in_time ÷ closed_with_promise", source="measures reference, B-SLA, closed cohort",
    over=closed_in_time, under=closed_with_promise,
)  # fmt: skip

# ── Promises, created cohort: what became of the requests opened in the period ──

_promised = _r.due_at.isnot(None)
opened_on_time = Total(
    name="opened_on_time", label="On time", unit="requests", better="higher",
    about="Of the requests opened in the period, those closed by their due time.",
    formula="closed_at ≤ due_at, by the day opened", source="measures reference, B-SLA, created cohort",
    fact=REQUEST, value=func.count(), on=_r.opened_on, where=_in_time,
)  # fmt: skip
opened_late = Total(
    name="opened_late", label="Closed late", unit="requests", better="lower",
    about="Of the requests opened in the period, those closed after their due time.",
    formula="closed_at > due_at, by the day opened", source="measures reference, B-SLA, created cohort",
    fact=REQUEST, value=func.count(), on=_r.opened_on, where=_r.closed_at > _r.due_at,
)  # fmt: skip
opened_overdue = Total(
    name="opened_overdue", label="Open, overdue", unit="requests", better="lower",
    about="Of the requests opened in the period, those still open past their due time.",
    formula="open and due_at < as_of, by the day opened", source="measures reference, B-SLA, created cohort",
    fact=REQUEST, value=func.count(), on=_r.opened_on, where=and_(_open, _r.due_at < AS_OF),
)  # fmt: skip
opened_not_due = Total(
    name="opened_not_due", label="Not yet due", unit="requests",
    about="Of the requests opened in the period, those still open whose due time has not come: not decided.",
    formula="open and due_at ≥ as_of, by the day opened", source="measures reference, B-SLA, created cohort",
    fact=REQUEST, value=func.count(), on=_r.opened_on, where=and_(_open, _r.due_at >= AS_OF),
)  # fmt: skip
opened_no_promise = Total(
    name="opened_no_promise", label="No promise", unit="requests",
    about="Requests opened in the period that were never given a due time; they are in no promise measure.",
    formula="due_at is null, by the day opened", source="measures reference, B-SLA",
    fact=REQUEST, value=func.count(), on=_r.opened_on, where=_r.due_at.is_(None),
)  # fmt: skip
opened_decided = Total(
    name="opened_decided", label="Decided", unit="requests",
    about="Of the requests opened in the period, those whose promise is already kept or broken.",
    formula="on time + late + open overdue", source="measures reference, B-SLA, created cohort",
    fact=REQUEST, value=func.count(), on=_r.opened_on,
    where=and_(_promised, or_(_r.closed_at.isnot(None), _r.due_at < AS_OF)),
)  # fmt: skip

sla_compliance_opened = Ratio(
    name="sla_compliance_opened", label="Kept, of those decided", unit="share", better="higher",
    about="Of the requests opened in the period whose promise is decided, the share closed in time. Recent periods "
          "lean towards quick types: always read it with the number not yet due.",
    formula="opened_on_time ÷ opened_decided", source="measures reference, B-SLA, created cohort, decided",
    over=opened_on_time, under=opened_decided,
)  # fmt: skip

# ── How long it takes ──

time_to_close = Spread(
    name="time_to_close", label="Time to close", unit="s", better="lower",
    about="Half of the requests opened in the period are closed for good within this time. Still-open requests count "
          "as not yet closed (Kaplan–Meier), so a growing backlog cannot make it look quick; of what is closed, and "
          "nobody wrote when, nobody knows how long it took.",
    formula="Kaplan–Meier median and 9 in 10 of closed_at − opened_at, open ones censored at as_of",
    source="measures reference, B7 and B-survival",
    fact=REQUEST, duration_s=ELAPSED_S, has_ended=_r.closed_at.isnot(None), on=_r.opened_on,
    where=LASTS,
)  # fmt: skip

working_time_to_close = Spread(
    name="working_time_to_close", label="Working time to close", unit="working s", better="lower",
    about="Half of the requests opened in the period are closed for good within this much working time: the opening "
          "hours of the calendar on which the promise runs (else of the department’s), without holidays, closures and "
          "the time the clock was paused. Still-open requests count as not yet closed; those for which no calendar is "
          "known are left out. Told of the last data received, not of an earlier moment.",
    formula="Kaplan–Meier median and 9 in 10 of business_open_s, open ones censored at as_of",
    source="measures reference, B7, B-clock and B-survival",
    fact=REQUEST, duration_s=_r.business_open_s, has_ended=_r.closed_at.isnot(None), on=_r.opened_on,
    where=and_(_r.business_open_s.isnot(None), LASTS),
)  # fmt: skip
