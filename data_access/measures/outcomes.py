"""Numbers about what closing meant: fixed or only closed, reopened, back again, worked on, and what people thought.

“Closed” is not “fixed” (measures reference, B0). Whether something came back can only be told once there was time for
it: newer closings are left out of both parts of a ratio, never counted as good.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, DateTime, and_, case, cast, func, or_

from data_access import schema
from data_access.dialects import Elapsed
from data_access.measures.fairness import HORIZON_DAYS
from data_access.measures.requests import EPISODE, INCIDENT, LASTS, REQUEST
from data_access.semantics import AS_OF, Fact, Ratio, Spread, Total

_r, _e, _s = schema.request.c, schema.request_episode.c, schema.survey.c

REOPENED_WITHIN_DAYS = 14
RECURRED_WITHIN_DAYS = 30
FOLLOWED_DAYS = 30
SETTLED_AFTER = timedelta(days=max(REOPENED_WITHIN_DAYS, RECURRED_WITHIN_DAYS, FOLLOWED_DAYS, HORIZON_DAYS))
"""Whatever a day's openings and closings lead to is known after so long; what falls due aside."""
LAST_PART = 0.9
"""The last tenth of a promise begins here."""
SATISFIED = 0.8
"""Who gives this share of the best score or more (4 of 5) is satisfied: the top two boxes of five."""

SURVEY = Fact("survey", "surveys", schema.survey, known_at=_s.sent_at, ends={_s.answered_at: None})


def _closed(
    name: str, label: str, about: str, where: ColumnElement[bool] | None, source: str, formula: str, better=None
):
    """A number of final closings."""
    return Total(
        name=name, label=label, unit="requests", better=better, about=about, formula=formula,
        source=f"measures reference, {source}", fact=REQUEST, value=func.count(), on=_r.closed_on, where=where,
    )  # fmt: skip


# ── What closing meant ──

closed_final = _closed(
    "closed_final", "Requests closed for good",
    "Requests whose last closing lies in the period, each once however often it was reopened.", None, "B2",
    "count of requests by the day of the final closing",
)  # fmt: skip
resolved = _closed(
    "resolved", "Closed as resolved", "Of the requests closed for good, those whose outcome says the work was done.",
    _r.closure_outcome == "resolved", "B0", "closed for good with the outcome “resolved”", "higher",
)  # fmt: skip
resolved_share = Ratio(
    name="resolved_share", label="Resolved share", unit="share", better="higher",
    about="Of the requests closed for good, the share whose outcome says the work was done. Duplicates, referrals and "
          "closings without a recorded outcome count as closed and not as resolved.",
    formula="resolved ÷ closed_final", source="measures reference, B0 (resolved share)",
    over=resolved, under=closed_final,
)  # fmt: skip

# ── Did it stay closed? ──

_reopening = timedelta(days=REOPENED_WITHIN_DAYS)
_seen_reopening = and_(_e.ends_by == "closed", _e.closed_at <= AS_OF - _reopening, _e.has_reopenings.is_(True))
closings_followed = Total(
    name="closings_followed", label="Closings at least 14 days old", unit="requests",
    about="Closings, each of a request that was closed more than once, that happened at least 14 days before the "
          "data’s clock, from sources that record reopenings: only of these can be told whether they held.",
    formula="count of closings by day, the last 14 days left out", source="measures reference, B8",
    fact=EPISODE, value=func.count(), on=_e.closed_on, where=_seen_reopening,
)  # fmt: skip
reopened_soon = Total(
    name="reopened_soon", label="Reopened within 14 days", unit="requests", better="lower",
    about="Of the closings at least 14 days old, those whose request was reopened within 14 days.",
    formula="count of closings by day whose next opening lies within 14 days", source="measures reference, B8",
    fact=EPISODE, value=func.count(), on=_e.closed_on,
    where=and_(_seen_reopening, _e.next_opened_at <= _e.closed_at + _reopening),
)  # fmt: skip
reopen_rate = Ratio(
    name="reopen_rate", label="Reopened", unit="share", better="lower",
    about="Of the closings in the period, the share whose request was reopened within 14 days. Closings younger than "
          "that are not counted at all: nobody knows yet.",
    formula="reopened_soon ÷ closings_followed", source="measures reference, B8",
    over=reopened_soon, under=closings_followed,
)  # fmt: skip

_returning = timedelta(days=RECURRED_WITHIN_DAYS)
_seen_returning = and_(
    _r.closed_at <= AS_OF - _returning, _r.closed_at >= _r.opened_at, INCIDENT, _r.has_place.is_(True)
)
closed_followed = _closed(
    "closed_followed", "Closed with a place, at least 30 days ago",
    "Requests closed for good at least 30 days before the data’s clock that have a parcel, an address or a point and "
    "are no duplicates. Those that were closed before they were opened, as some sources tell, are left out.",
    _seen_returning, "B8 (same place again)", "count by the day of the final closing",
)  # fmt: skip
recurred = _closed(
    "recurred", "Same place again within 30 days",
    "Of those, the ones after which another request of the same type was opened at the same place within 30 days: "
    "the same parcel, else the same address, else the same hexagon of about 130 m. Reports of a problem already "
    "reported are not counted.",
    and_(_seen_returning, _r.recurred_at <= _r.closed_at + _returning), "B8 (same place again)",
    "closed_followed with recurred_at within 30 days of the closing", "lower",
)  # fmt: skip
recurrence_rate = Ratio(
    name="recurrence_rate", label="Same place again", unit="share", better="lower",
    about="Of the requests closed, the share followed within 30 days by another request of the same type at the same "
          "place. Not every one is a failure: bulk items and missed collections are asked for again by nature.",
    formula="recurred ÷ closed_followed", source="measures reference, B8 (same place again)",
    over=recurred, under=closed_followed,
)  # fmt: skip

# ── When and how it was closed ──

_in_time = _r.closed_at <= _r.due_at
closed_promise_known = _closed(
    "closed_promise_known", "Closed in time, length of the promise known",
    "Of the requests closed by their due time, those opened before it and before they were closed.",
    and_(_in_time, _r.close_s.isnot(None), _r.promise_s > 0), "B-SLA", "count by the day of the final closing",
)  # fmt: skip
closed_at_deadline = _closed(
    "closed_at_deadline", "Closed in the last tenth of the promise",
    "Of the requests closed in time, those closed in the last tenth of the time that was promised, in calendar time.",
    and_(_in_time, _r.close_s >= LAST_PART * _r.promise_s, _r.promise_s > 0), "B-SLA",
    "closed in time with close_s ≥ 0.9 × promise_s",
)  # fmt: skip
deadline_share = Ratio(
    name="deadline_share", label="Share closed at the deadline", unit="share",
    about="Of the requests closed in time, the share closed in the last tenth of the time promised. Work that takes "
          "as long as it takes leaves no peak there; closing for the deadline’s sake does.",
    formula="closed_at_deadline ÷ closed_promise_known", source="measures reference, B-SLA",
    over=closed_at_deadline, under=closed_promise_known,
)  # fmt: skip

_recorded = and_(INCIDENT, _r.activity_count.isnot(None))
closed_recorded = _closed(
    "closed_recorded", "Closed, activity recorded by the source",
    "Requests closed for good that are no duplicates, from sources that record what is done about a request.",
    _recorded, "B0", "count by the day of the final closing",
)  # fmt: skip
closed_without_activity = _closed(
    "closed_without_activity", "Closed without activity",
    "Of those, the ones with no work, inspection or comment between opening and the final closing.",
    and_(_recorded, _r.activity_count == 0), "B0", "closed_recorded with activity_count = 0", "lower",
)  # fmt: skip
without_activity_share = Ratio(
    name="without_activity_share", label="Share closed without activity", unit="share", better="lower",
    about="Of the requests closed, the share closed with no work, inspection or comment on record. Some needed none "
          "and some were worked on without a note; a department far above the others is worth a look.",
    formula="closed_without_activity ÷ closed_recorded", source="measures reference, B0",
    over=closed_without_activity, under=closed_recorded,
)  # fmt: skip

# ── How often and how long the clock stood still ──

_with_clock = _r.paused_business_s.isnot(None)
_paused = and_(_with_clock, _r.paused_business_s > 0)
closed_with_clock = _closed(
    "closed_with_clock", "Closed, opening hours known",
    "Requests closed for good whose time runs in the opening hours of a calendar.", _with_clock, "B-clock",
    "count by the day of the final closing",
)  # fmt: skip
closed_paused = _closed(
    "closed_paused", "Closed, once paused",
    "Of those, the ones whose clock stood still during opening hours before they were closed.", _paused, "B-clock",
    "closed_with_clock with paused_business_s > 0",
)  # fmt: skip
paused_share = Ratio(
    name="paused_share", label="Share ever paused", unit="share",
    about="Of the requests closed, the share whose clock was ever stopped. Pausing is the easiest way to keep a "
          "promise: a department far above the others is worth a look. It is 0 where pauses are not recorded.",
    formula="closed_paused ÷ closed_with_clock", source="measures reference, B-clock",
    over=closed_paused, under=closed_with_clock,
)  # fmt: skip


def _clock_s(name: str, label: str, about: str, seconds: ColumnElement, formula: str) -> Total:
    return Total(
        name=name, label=label, unit="working s", about=about, formula=formula, source="measures reference, B-clock",
        fact=REQUEST, value=func.sum(case((_with_clock, seconds), else_=0)), on=_r.closed_on,
    )  # fmt: skip


paused_s = _clock_s(
    "paused_s", "Working time paused", "Opening hours for which the clocks of the requests closed stood still.",
    _r.paused_business_s, "Σ paused_business_s of requests closed",
)  # fmt: skip
stood_s = _clock_s(
    "stood_s", "Working time open", "Opening hours for which the requests closed had stood open, pauses included.",
    func.coalesce(_r.business_open_s, 0) + _r.paused_business_s,
    "Σ business_open_s + paused_business_s of requests closed",
)  # fmt: skip
paused_time_share = Ratio(
    name="paused_time_share", label="Share of time paused", unit="share",
    about="Of the working hours for which the requests closed had stood open, the share in which their clocks stood "
          "still.",
    formula="paused_s ÷ stood_s", source="measures reference, B-clock", over=paused_s, under=stood_s,
)  # fmt: skip

# ── Handed on ──

_followed = and_(_r.opened_at <= AS_OF - timedelta(days=FOLLOWED_DAYS), _r.transfer_count.isnot(None))


def _handed_on(name: str, label: str, about: str, where: ColumnElement[bool], formula: str) -> Total:
    return Total(
        name=name, label=label, unit="requests", better="lower" if name != "opened_followed" else None, about=about,
        formula=formula, source="measures reference, B9", fact=REQUEST, value=func.count(), on=_r.opened_on,
        where=where,
    )  # fmt: skip


opened_followed = _handed_on(
    "opened_followed", "Opened at least 30 days ago",
    "Requests opened at least 30 days before the data’s clock, from sources that count changes of department.",
    _followed, "count by the day opened",
)  # fmt: skip
transferred = _handed_on(
    "transferred", "Handed to another department", "Of those, the ones that changed department at least once.",
    and_(_followed, _r.transfer_count >= 1), "opened_followed with transfer_count ≥ 1",
)  # fmt: skip
bounced = _handed_on(
    "bounced", "Handed on twice or more", "Of those, the ones that changed department at least twice.",
    and_(_followed, _r.transfer_count >= 2), "opened_followed with transfer_count ≥ 2",
)  # fmt: skip
handed_on_rate = Ratio(
    name="handed_on_rate", label="Share handed on", unit="share", better="lower",
    about="Of the requests opened at least 30 days ago, the share that changed department at least once, as the last "
          "data knows it.",
    formula="transferred ÷ opened_followed", source="measures reference, B9", over=transferred, under=opened_followed,
)  # fmt: skip
bounce_rate = Ratio(
    name="bounce_rate", label="Bounce rate", unit="share", better="lower",
    about="Of the requests opened at least 30 days ago, the share that changed department twice or more: sent on, and "
          "on again.",
    formula="bounced ÷ opened_followed", source="measures reference, B9", over=bounced, under=opened_followed,
)  # fmt: skip

# ── First response ──

_done_at = case((_r.closed_at >= _r.opened_at, _r.closed_at))
_answer_at = func.least(func.coalesce(_r.first_response_at, _done_at), func.coalesce(_done_at, _r.first_response_at))
first_response = Spread(
    name="first_response", label="Time to first response", unit="s", better="lower",
    about="Half of the requests opened in the period had a first response within this time. Those still waiting "
          "count as waiting; a closing without an earlier response counts as the response. What was closed nobody "
          "knows when is left out.",
    formula="Kaplan–Meier median and 9 in 10 of the earlier of first_response_at and closed_at − opened_at, waiting "
            "ones censored at as_of",
    source="measures reference, B11",
    fact=REQUEST, duration_s=Elapsed(_r.opened_at, func.coalesce(_answer_at, cast(AS_OF, DateTime))),
    has_ended=_answer_at.isnot(None), on=_r.opened_on,
    where=and_(
        _r.activity_count.isnot(None), func.coalesce(_answer_at, AS_OF) >= _r.opened_at,
        or_(_answer_at.isnot(None), LASTS),  # of what was closed nobody knows when, nobody waits
    ),
)  # fmt: skip

# ── What people thought ──

_answered = and_(_s.answered_at.isnot(None), _s.score.isnot(None), _s.max_score > 0)


def _survey(name: str, label: str, about: str, where: ColumnElement[bool] | None, formula: str) -> Total:
    return Total(
        name=name, label=label, unit="surveys", about=about, formula=formula, source="measures reference, B12",
        better=None if name == "surveys_sent" else "higher",
        fact=SURVEY, value=func.count(), on=_s.sent_on, where=where,
    )  # fmt: skip


surveys_sent = _survey("surveys_sent", "Surveys sent", "Surveys sent in the period.", None, "count by the day sent")
surveys_answered = _survey(
    "surveys_answered", "Surveys answered", "Of the surveys sent in the period, those answered with a score.",
    _answered, "count by the day sent",
)  # fmt: skip
surveys_satisfied = _survey(
    "surveys_satisfied", "Satisfied", "Of the surveys answered, those with 80 % of the best score or more (4 of 5).",
    and_(_answered, _s.score >= SATISFIED * _s.max_score), "surveys_answered with score ÷ max_score ≥ 0.8",
)  # fmt: skip
satisfaction = Ratio(
    name="satisfaction", label="Satisfied share", unit="share", better="higher",
    about="Of the surveys answered, the share with 80 % of the best score or more: 4 or 5 of 5. Those who answer are "
          "not everybody: read it with the response rate.",
    formula="surveys_satisfied ÷ surveys_answered", source="measures reference, B12 (top two boxes)",
    over=surveys_satisfied, under=surveys_answered,
)  # fmt: skip
response_rate = Ratio(
    name="response_rate", label="Response rate", unit="share", better="higher",
    about="Of the surveys sent in the period, the share answered.", formula="surveys_answered ÷ surveys_sent",
    source="measures reference, B12", over=surveys_answered, under=surveys_sent,
)  # fmt: skip
