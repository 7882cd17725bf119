"""Numbers to compare how parts of the city are served: restricted mean times, and how soon problems are told again.

A mean up to a horizon counts what is open, adds up over kinds of requests and needs no curve: every request is old
enough for what became of it within the horizon to be known.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Float, and_, cast, func, or_

from data_access import schema
from data_access.measures.requests import ELAPSED_S, INCIDENT, LASTS, REQUEST
from data_access.rewriting import put_to
from data_access.semantics import AS_OF, Ratio, Total

_r = schema.request.c

HORIZON_DAYS = 60
"""Times to close are compared up to so many days; what takes longer counts as that long."""

_seen = and_(INCIDENT, _r.opened_at <= AS_OF - timedelta(days=HORIZON_DAYS), LASTS)
_within_s = cast(func.least(ELAPSED_S, float(HORIZON_DAYS * 86_400)), Float)
_I = "measures reference, section I"

incidents_followed = Total(
    name="incidents_followed", label=f"Incidents opened at least {HORIZON_DAYS} days ago", unit="requests",
    about=f"Requests opened at least {HORIZON_DAYS} days before the data’s clock that are no duplicates, closed or "
          "not; closings that nobody witnessed are left out.",
    formula=f"count by the day opened, the last {HORIZON_DAYS} days left out", source=_I,
    fact=REQUEST, value=func.count(), on=_r.opened_on, where=_seen,
)  # fmt: skip
restricted_s = Total(
    name="restricted_s", label=f"Time to close, up to {HORIZON_DAYS} days", unit="s", better="lower",
    about=f"Of those, the time to close added up; what took longer, or is open still, counts as {HORIZON_DAYS} days.",
    formula=f"Σ min(closed_at − opened_at, {HORIZON_DAYS} d) by the day opened", source=_I,
    fact=REQUEST, value=func.sum(_within_s), on=_r.opened_on, where=_seen,
)  # fmt: skip
restricted_s2 = Total(
    name="restricted_s2", label="Its square", unit="s²",
    about="The squares of the same times added up: what says how much single requests differ, and so how sure a mean "
          "is.",
    formula=f"Σ min(closed_at − opened_at, {HORIZON_DAYS} d)² by the day opened", source=_I,
    fact=REQUEST, value=func.sum(_within_s * _within_s), on=_r.opened_on, where=_seen,
)  # fmt: skip
restricted_mean_time = Ratio(
    name="restricted_mean_time", label=f"Mean time to close within {HORIZON_DAYS} days", unit="s", better="lower",
    about=f"How long a request takes on average if nothing may count for more than {HORIZON_DAYS} days. Open requests "
          "count; duplicates do not. It is told of requests old enough for the whole stretch to be known, of which it "
          "is the area under the survival curve (restricted mean survival time).",
    formula="restricted_s ÷ incidents_followed", source=f"{_I} and B-survival (RMST)",
    over=restricted_s, under=incidents_followed,
)  # fmt: skip

# ── How soon a problem is told again ──

_first = schema.FIRST_REPORT
_repeated: Any = schema.request.join(_first, _first.c.request_id == _r.incident_id)


def _of_first(condition: Any) -> Any:
    """What is said of a request, of the one that was first to report the problem."""
    return put_to(condition, {one: _first.c[one.name] for one in _r})


_is_request = _r.is_info_only.isnot(True)
REPEAT = replace(
    REQUEST, name="repeat", plural="repeated reports",
    table=_repeated, ends={_first.c.closed_at: _first.c.closed_on},
    counted=and_(_is_request, _of_first(_is_request), _r.is_duplicate.is_(True)),
    first_report=None,
)  # fmt: skip
"""Reports of a problem that had been reported, each with the one that was first and what that one carries: its channel,
say, as the time in which it stood is that of problems first told by it."""

repeats = Total(
    name="repeats", label=f"Reported again within {HORIZON_DAYS} days", unit="requests",
    about=f"Of problems first reported at least {HORIZON_DAYS} days before the data’s clock, the reports after the "
          f"first, while it stood open, within {HORIZON_DAYS} days. Channel and district are the first one’s.",
    formula="count of repeated reports by the day of the first one", source=f"{_I} (Liu et al.)",
    fact=REPEAT, value=func.count(), on=_first.c.opened_on,
    where=and_(
        _of_first(_seen), _r.opened_at >= _first.c.opened_at,
        _r.opened_at < _first.c.opened_at + timedelta(days=HORIZON_DAYS),
        or_(_first.c.closed_at.is_(None), _r.opened_at <= _first.c.closed_at),
    ),
)  # fmt: skip
time_to_report = Ratio(
    name="time_to_report", label="Time until it is reported again", unit="s",
    about="How long a problem that is known stands on average until it is reported once more: what can be told of how "
          "soon people report at all. It depends on the kind of problem; where it is long, few reports do not mean few "
          "problems.",
    formula="restricted_s ÷ repeats", source=f"{_I} (reporting rate of Liu et al., turned over)",
    over=restricted_s, under=repeats,
)  # fmt: skip
