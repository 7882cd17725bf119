"""Numbers about collections: how many stops were to be served, and how many were missed, told by residents or found so.

A miss belongs to the day on which the collection was due, not to the one on which it was reported.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

from sqlalchemy import Date, Integer, and_, case, cast, func, literal, or_, select, tuple_

from data_access import schema
from data_access.measures.requests import INCIDENT, requests_counted
from data_access.semantics import AS_OF, SINCE_ON, Fact, Ratio, Total

_r, _d = schema.request.c, schema.route_day.c
_SOURCE = "measures reference, D1"

ROUND = Fact("round", "rounds", schema.route_day, known_at=_d.service_on, is_served=True)

RECOVERED_WITHIN = timedelta(hours=24)
REPEATED_WITHIN_DAYS, REPEATED_FROM = 90, 3
NOT_VALID = ("no_issue_found", "duplicate", "cancelled_by_requester", "unable_to_locate", "no_jurisdiction",
             "referred_other_agency")  # fmt: skip
"""Outcomes that say that the crew had missed nothing."""

ABOUT_ROUTE = _r.route_id.isnot(None)
_names_round = and_(ABOUT_ROUTE, _r.service_on.isnot(None), INCIDENT)
# Of a round that was called off, or of which nobody knows, no stop was scheduled: none of its stops counts either.
WENT_OUT = tuple_(_r.route_id, _r.service_on).in_(
    select(_d.route_id, _d.service_on).where(_d.is_suspended.isnot(True))
)  # fmt: skip
_missed = and_(_names_round, WENT_OUT)
_is_closed = _r.closed_at.isnot(None)  # looking back, what a later closing found is not known yet
_misses = partial(requests_counted, on=_r.service_on, source=_SOURCE)

scheduled_stops = Total(
    name="scheduled_stops", label="Stops scheduled", unit="10,000 stops",
    about="Stops to be served on the days of collection, in tens of thousands; rounds that were suspended for a "
          "holiday or a storm are left out.",
    formula="Σ scheduled stops of rounds not suspended ÷ 10,000, by day of service", source=_SOURCE,
    fact=ROUND, value=func.sum(case((_d.is_suspended.isnot(True), _d.scheduled_stops), else_=0)) / 10_000.0,
    on=_d.service_on,
)  # fmt: skip
unserved_stops = Total(
    name="unserved_stops", label="Stops not served, as crews tell", unit="stops", better="lower",
    about="Of the stops scheduled those that crews themselves recorded as not served; rounds of which they recorded "
          "nothing are left out.",
    formula="Σ scheduled − served stops of rounds not suspended", source=_SOURCE,
    fact=ROUND,
    value=func.sum(case((and_(_d.is_suspended.isnot(True), _d.served_stops.isnot(None)),
                         _d.scheduled_stops - _d.served_stops), else_=0)),
    on=_d.service_on,
)  # fmt: skip
suspended_rounds = Total(
    name="suspended_rounds", label="Rounds suspended", unit="rounds",
    about="Rounds that were called off for a holiday or a storm; their stops count as never scheduled.",
    formula="count of suspended rounds by day of service", source=_SOURCE,
    fact=ROUND, value=func.sum(case((_d.is_suspended.is_(True), 1), else_=0)), on=_d.service_on,
)  # fmt: skip

missed_reported = _misses(
    "missed_reported", "Missed collections reported",
    "Requests about a missed collection, each once, by the day on which it was due. What was reported of rounds "
    "that were called off, or that are not known, is not among them: none of its stops was scheduled.",
    "count of requests with a route and a day of service of a round not suspended that are no duplicates", _missed,
)  # fmt: skip
missed_unscheduled = _misses(
    "missed_unscheduled", "Reported missed, none scheduled",
    "Requests about a missed collection, each once, whose round was called off or is not known.",
    "count of requests with a route and a day of service without such a round that are no duplicates",
    and_(_names_round, ~WENT_OUT), None,
)  # fmt: skip
missed_valid = _misses(
    "missed_valid", "Missed collections found so",
    "Of those, the ones closed as resolved: the crew came back. What was set out late, blocked, on the wrong day or "
    "withdrawn is not among them, nor what is open or was closed without saying.",
    "missed_reported closed with the outcome “resolved”", and_(_missed, _is_closed, _r.closure_outcome == "resolved"),
)  # fmt: skip
missed_not_valid = _misses(
    "missed_not_valid", "Reported missed, found otherwise",
    "Of the missed collections reported, those whose outcome says that nothing had been missed.",
    f"missed_reported closed with one of the outcomes {', '.join(NOT_VALID).replace('_', ' ')}",
    and_(_missed, _is_closed, _r.closure_outcome.in_(NOT_VALID)), None,
)  # fmt: skip
_seen = and_(_missed, _r.opened_at <= AS_OF - RECOVERED_WITHIN, or_(_r.closed_at.is_(None), _r.close_s.isnot(None)))
missed_followed = _misses(
    "missed_followed", "Missed collections at least a day old",
    "Missed collections reported at least 24 hours before the data’s clock: only of these can be told whether a crew "
    "came within a day.", "missed_reported opened 24 hours ago or earlier", _seen, None,
)  # fmt: skip
recovered_soon = _misses(
    "recovered_soon", "Collected within 24 hours", "Of those, the ones closed within 24 hours of the report.",
    "missed_followed with close_s ≤ 86,400",
    and_(_seen, _is_closed, _r.close_s <= RECOVERED_WITHIN // timedelta(seconds=1)), "higher",
)  # fmt: skip

# Which miss at its address it is, of the same type, within 90 days up to its own day.
_address = func.coalesce(_r.parcel_id, _r.address)
_day = _r.service_on - literal(date(1970, 1, 1), Date)  # a whole number of days, which both engines count ranges by
_nth = func.count().over(
    partition_by=(_r.service_type, _address), order_by=_day, range_=(1 - REPEATED_WITHIN_DAYS, 0)
)  # fmt: skip
_known = _r.opened_at <= AS_OF
_near = _r.service_on > cast(SINCE_ON, Date) - literal(REPEATED_WITHIN_DAYS, Integer)
_counted = (
    select(_r.request_id, _nth.label("nth"))
    .where(_missed, _known, _near, _address.isnot(None))
    .subquery("nth_miss")
)  # fmt: skip
_repeated = select(_counted.c.request_id).where(_counted.c.nth >= REPEATED_FROM)
repeated_misses = _misses(
    "repeated_misses", "Third miss at an address, or later",
    f"Missed collections that were at least the {REPEATED_FROM}rd of their type at the same address within "
    f"{REPEATED_WITHIN_DAYS} days.",
    f"missed_reported with {REPEATED_FROM} or more of the type at the parcel, else the address, in the "
    f"{REPEATED_WITHIN_DAYS} days up to its own", and_(_missed, _r.request_id.in_(_repeated)),
)  # fmt: skip

miss_rate = Ratio(
    name="miss_rate", label="Missed for 10,000 stops", unit="ratio", better="lower",
    about="Missed collections reported for every 10,000 stops that were scheduled. It counts what residents tell: who "
          "does not report is not in it.",
    formula="missed_reported ÷ (scheduled stops ÷ 10,000)", source=_SOURCE, over=missed_reported, under=scheduled_stops,
)  # fmt: skip
valid_miss_rate = Ratio(
    name="valid_miss_rate", label="Found missed for 10,000 stops", unit="ratio", better="lower",
    about="Missed collections that the crew came back for, for every 10,000 stops that were scheduled.",
    formula="missed_valid ÷ (scheduled stops ÷ 10,000)", source=_SOURCE, over=missed_valid, under=scheduled_stops,
)  # fmt: skip
recovery_rate = Ratio(
    name="recovery_rate", label="Collected within a day", unit="share", better="higher",
    about="Of the missed collections reported at least 24 hours ago, the share closed within 24 hours.",
    formula="recovered_soon ÷ missed_followed", source=_SOURCE, over=recovered_soon, under=missed_followed,
)  # fmt: skip
