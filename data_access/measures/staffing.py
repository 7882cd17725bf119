"""Numbers about how many were there, half-hour by half-hour: everybody's shifts and states together, nobody named.

Shifts and states are spread over the half-hours they lie in, so that 8:45 to 9:15 is a quarter of an hour in either.
What fewer than three agents were doing is not told: it would be what one of them did.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, func

from data_access import schema
from data_access.semantics import Fact, Ratio, Total

_s = schema.staff_interval.c

STAFF = Fact("staff_interval", "half-hours of staff", schema.staff_interval, known_at=_s.start_at)

_told = _s.ready_s.is_not(None)


def _hours(name: str, label: str, about: str, seconds: ColumnElement, where: ColumnElement[bool] | None = None):
    return Total(
        name=name, label=label, unit="h", about=about, source="measures reference, A11 and A14",
        formula="sum of hours in each half-hour, by its day", fact=STAFF,
        value=func.sum(seconds if where is None else case((where, seconds), else_=0)) / 3600.0, on=_s.start_on,
    )  # fmt: skip


rostered_h = _hours(
    "rostered_h", "Hours rostered", "Of all shifts, from beginning to end, breaks included.", _s.rostered_s
)
rostered_where_told_h = _hours(
    "rostered_where_told_h", "Hours rostered, where presence is told", "The base of the shrinkage.", _s.rostered_s,
    and_(_told, _s.rostered_s > 0),
)  # fmt: skip
present_h = _hours(
    "present_h", "Hours present",
    "On calls or ready for one; breaks, meals, training and meetings are not. Half-hours with one or two agents are "
    "left out.", _s.ready_s, _told,
)  # fmt: skip
present_on_shift_h = _hours(
    "present_on_shift_h", "Hours present, where a shift is known", "The part of the shrinkage.", _s.ready_s,
    and_(_told, _s.rostered_s > 0),
)  # fmt: skip
busy_h = _hours(
    "busy_h", "Hours on calls", "Talk, hold and wrap-up. Half-hours with one or two agents are left out.", _s.busy_s,
    _told,
)  # fmt: skip
present_share = Ratio(
    name="present_share", label="Present of those rostered", unit="share",
    about="Of the hours rostered, the share in which agents were on calls or ready for one. What is missing to 100 % "
          "is the shrinkage: breaks, meals, training, meetings, absence.",
    formula="present_on_shift_h ÷ rostered_where_told_h", source="measures reference, A14 (shrinkage)",
    over=present_on_shift_h, under=rostered_where_told_h,
)  # fmt: skip
told_of_few = Total(
    name="told_of_few", label="Half-hours with one or two agents", unit="half-hours",
    about="So few were logged in that what they were doing is not told.", source="measures reference, A15 (privacy)",
    formula="count of half-hours by their day", fact=STAFF, value=func.count(), on=_s.start_on,
    where=and_(_s.agents > 0, _s.ready_s.is_(None)),
)  # fmt: skip
