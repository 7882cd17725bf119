"""Numbers about contacts: calls offered, answered, abandoned and resolved, how long people waited, how long it took."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import ColumnElement, DateTime, and_, case, cast, false, func, or_, select, true

from dashboard.domain.filters import Filters
from data_access import schema
from data_access.dialects import Elapsed
from data_access.measures.requests import opened
from data_access.semantics import ANSWER_WITHIN_S, AS_OF, SHORT_ABANDON_S, Fact, Ratio, Spread, Total

_c = schema.contact.c

CONTACT = Fact(
    "contact", "contacts", schema.contact, known_at=_c.arrived_at,
    ends={_c.callback_connected_at: None, _c.repeated_at: None},
    known_on=_c.arrived_on,
)  # fmt: skip

_came_in = _c.direction.is_distinct_from("out")
_first_leg = and_(_came_in, _c.parent_contact_id.is_(None))
# One leg in a queue during opening hours; what the telephone system contained, blocked or met closed is not offered.
_offered = and_(
    _came_in,
    _c.outcome.in_(("answered", "abandoned", "callback", "voicemail", "overflow")),
    _c.channel == "phone",
    _c.in_open_hours.isnot(False),
)
_answered = and_(_offered, _c.outcome == "answered")
_abandoned = and_(_offered, _c.outcome == "abandoned")
_ended = and_(_offered, _c.outcome.in_(("answered", "abandoned")))
_timed = _c.wait_s.isnot(None)  # a wait that nobody recorded is neither short nor long
_quick = _c.wait_s <= ANSWER_WITHIN_S
_short = and_(_abandoned, _c.wait_s < SHORT_ABANDON_S)


def _total(
    name: str, label: str, about: str, condition: ColumnElement[bool], source: str, better=None, unit="contacts"
):
    return Total(
        name=name, label=label, unit=unit, about=about, source=f"measures reference, {source}", better=better,
        formula="count of contacts by the day they arrived", fact=CONTACT, value=func.count(), on=_c.arrived_on,
        where=condition,
    )  # fmt: skip


def _sum(name: str, label: str, about: str, seconds: ColumnElement, condition: ColumnElement[bool], source: str):
    return Total(
        name=name, label=label, unit="s", about=about, source=f"measures reference, {source}",
        formula="sum of seconds by the day the contact arrived", fact=CONTACT,
        value=func.sum(case((condition, seconds), else_=0)), on=_c.arrived_on,
    )  # fmt: skip


contacts = _total(
    "contacts", "Contacts", "Everybody who got in touch, on any channel; a transferred call counts once.",
    _first_leg, "A12 channel mix",
)  # fmt: skip
offered = _total("offered", "Calls offered", "Calls that entered a queue during opening hours.", _offered, "A1")
answered = _total("answered", "Calls answered", "Calls a person took.", _answered, "A2", "higher")
abandoned = _total(
    "abandoned", "Calls abandoned", "Callers who hung up while waiting, short ones included.", _abandoned, "A3", "lower"
)
abandoned_short = _total(
    "abandoned_short", "Short abandons", "Callers who hung up within the first seconds (how many, the city says).",
    _short, "A3",
)  # fmt: skip
offered_net = _total(
    "offered_net", "Calls offered, short abandons left out", "The base of the abandonment rate.",
    and_(_offered, func.coalesce(_short, false()).is_(False)), "A4",
)  # fmt: skip
abandoned_net = _total(
    "abandoned_net", "Calls abandoned, short ones left out", "Callers who waited and then hung up.",
    and_(_abandoned, func.coalesce(_short, false()).is_(False)), "A4", "lower",
)  # fmt: skip
abandonment = Ratio(
    name="abandonment", label="Abandonment rate", unit="share", better="lower",
    about="Of the calls offered, the share that hung up while waiting; short abandons are left out of both.",
    formula="(abandoned − short) ÷ (offered − short)", source="measures reference, A4 (net)",
    over=abandoned_net, under=offered_net,
)  # fmt: skip

# ── Service level: one number, six customs; each is named for what it does with hang-ups ──

answered_quick = _total(
    "answered_quick", "Answered within the goal", "Calls answered within the city's goal (so many seconds).",
    and_(_answered, _quick), "A6", "higher",
)  # fmt: skip
answered_or_left_quick = _total(
    "answered_or_left_quick", "Answered or hung up within the goal", "Both count as served.", and_(_ended, _quick),
    "A6",
)  # fmt: skip
answered_or_abandoned = _total(
    "answered_or_abandoned", "Answered or abandoned",
    "Calls that ended with a person or with a hang-up, and whose wait is recorded.", and_(_ended, _timed), "A6",
)  # fmt: skip
answered_or_abandoned_later = _total(
    "answered_or_abandoned_later", "Answered, or abandoned after the goal", "Early hang-ups left out.",
    and_(_ended, _timed, ~and_(_c.outcome == "abandoned", _quick)), "A6",
)  # fmt: skip
answered_or_abandoned_net = _total(
    "answered_or_abandoned_net", "Answered, or abandoned after the first seconds", "Short abandons left out.",
    and_(_ended, _timed, ~and_(_c.outcome == "abandoned", _c.wait_s < SHORT_ABANDON_S)), "A6",
)  # fmt: skip
answered_quick_or_short = _total(
    "answered_quick_or_short", "Answered within the goal, or short abandon", "Short abandons count as served.",
    and_(_offered, case((_c.outcome == "answered", _quick), else_=_short)),
    "A6",
)  # fmt: skip
answered_with_wait = _total(
    "answered_with_wait", "Calls answered, wait recorded", "The base of the speed of answer.", and_(_answered, _timed),
    "A5",
)  # fmt: skip


def _service_level(name: str, label: str, about: str, over: Total, under: Total) -> Ratio:
    return Ratio(
        name=name, label=label, unit="share", better="higher", about=about, formula=f"{over.name} ÷ {under.name}",
        source="measures reference, A6", over=over, under=under,
    )  # fmt: skip


service_level_offered = _service_level(
    "service_level_offered", "Service level, every hang-up counted",
    "Of the calls answered or abandoned, the share answered within the city's goal. Every hang-up counts against it.",
    answered_quick, answered_or_abandoned,
)  # fmt: skip
service_level_excl_early = _service_level(
    "service_level_excl_early", "Service level, early hang-ups left out",
    "As many telephone systems count: those who hang up within the goal are left out.",
    answered_quick, answered_or_abandoned_later,
)  # fmt: skip
service_level_early_counts = _service_level(
    "service_level_early_counts", "Service level, early hang-ups as served",
    "Those who hang up within the goal count as served.", answered_or_left_quick, answered_or_abandoned,
)  # fmt: skip
service_level_answered = _service_level(
    "service_level_answered", "Service level of answered calls",
    "Of the answered calls only: it hides everybody who gave up.", answered_quick, answered_with_wait,
)  # fmt: skip
service_level_excl_short = _service_level(
    "service_level_excl_short", "Service level, short abandons left out",
    "Those who hang up within the first seconds are left out.", answered_quick, answered_or_abandoned_net,
)  # fmt: skip
service_level_short_counts = _service_level(
    "service_level_short_counts", "Service level, short abandons as served",
    "Those who hang up within the first seconds count as served.", answered_quick_or_short, answered_or_abandoned,
)  # fmt: skip

SERVICE_LEVELS: dict[str, Ratio] = {
    "offered": service_level_offered,
    "excl_early": service_level_excl_early,
    "early_counts": service_level_early_counts,
    "answered": service_level_answered,
    "excl_short": service_level_excl_short,
    "short_counts": service_level_short_counts,
}
"""The six customs by their key (measures A6); any other key is read as ``offered``."""


def in_force(filters: Filters, own: str) -> str:
    """The key of the custom by which `service_level` is counted: the reader's choice, else the city's `own`."""
    chosen = filters.setting("service_level")
    key = own if chosen == "city" else chosen
    return key if key in SERVICE_LEVELS else "offered"


def _by_custom(name: str, label: str, about: str, part: str, better: str | None = None) -> Total:
    """One part (``over``, ``under``) of whichever custom is in force."""
    totals = {key: getattr(ratio, part) for key, ratio in SERVICE_LEVELS.items()}
    usual = totals["offered"]
    return replace(usual, name=name, label=label, about=about, better=better, by_custom=totals)


served_in_time = _by_custom(
    "served_in_time", "Served in time",
    "Calls answered within the city's goal, and the hang-ups that count as served in the way of counting in force.",
    "over", "higher",
)  # fmt: skip
service_level_base = _by_custom(
    "service_level_base", "Base of the service level",
    "Calls answered or abandoned, without the hang-ups that the way of counting in force leaves out, and without calls "
    "whose wait is not recorded.", "under",
)  # fmt: skip
service_level = _service_level(
    "service_level", "Service level",
    "The share of calls answered within the city's goal. What is done with people who hang up is the city's own "
    "choice or the reader's: one of six ways of counting, named wherever the number stands.",
    served_in_time, service_level_base,
)  # fmt: skip

# ── Waiting and handling ──

waited_s = _sum("waited_s", "Seconds waited", "By callers who were answered.", _c.wait_s, _answered, "A5")
waited_by_all_s = _sum(
    "waited_by_all_s", "Seconds waited by all",
    "By callers who were answered, and by those who hung up or left the queue otherwise. Over the number that hung up, "
    "as far as their waits are recorded, it tells how long callers are patient.",
    _c.wait_s, _offered, "A14 (patience)",
)  # fmt: skip
abandoned_with_wait = _total(
    "abandoned_with_wait", "Calls abandoned, wait recorded", "The base of how long callers are patient.",
    and_(_abandoned, _timed), "A14 (patience)",
)  # fmt: skip
speed_of_answer = Ratio(
    name="speed_of_answer", label="Average speed of answer", unit="s", better="lower",
    about="How long answered callers waited on average, ringing included. It falls when callers give up: read it with "
          "the abandonment rate.",
    formula="waited_s ÷ answered_with_wait", source="measures reference, A5", over=waited_s, under=answered_with_wait,
)  # fmt: skip
wait = Spread(
    name="wait", label="Wait until answered", unit="s", better="lower",
    about="Half of the callers were answered within this time; those who hung up count as not answered until then.",
    formula="Kaplan–Meier median and 9 in 10, hang-ups censored", source="measures reference, A5",
    fact=CONTACT, duration_s=_c.wait_s, has_ended=_c.outcome == "answered", on=_c.arrived_on,
    where=and_(_offered, _c.outcome.in_(("answered", "abandoned")), _c.wait_s.isnot(None)),
)  # fmt: skip
handled_s = _sum(
    "handled_s", "Seconds handled", "Talk, hold and wrap-up of answered calls.", _c.handle_s, _answered, "A7"
)
answered_with_handle = _total(
    "answered_with_handle", "Calls answered, handling recorded", "The base of the handle time.",
    and_(_answered, _c.handle_s.isnot(None)), "A7",
)  # fmt: skip
handle_time = Ratio(
    name="handle_time", label="Average handle time", unit="s",
    about="Talk, hold and wrap-up for each answered call of which any of it was recorded.",
    formula="(talk + hold + wrap) ÷ answered_with_handle",
    source="measures reference, A7", over=handled_s, under=answered_with_handle,
)  # fmt: skip
talk_s = _sum("talk_s", "Seconds talking", "Talk time of answered calls.", _c.talk_s, _answered, "A7")
hold_s = _sum("hold_s", "Seconds on hold", "Callers put on hold, in answered calls.", _c.hold_s, _answered, "A7")
wrap_s = _sum(
    "wrap_s", "Seconds of wrap-up", "Work on answered calls after the caller has gone.", _c.wrap_s, _answered, "A7"
)

# ── What people got in touch about ──

STATUS_REASONS = ("Where is my request?",)
"""The reasons that ask after a request already made. A source with other words for it maps them to this one."""

status_calls = _total(
    "status_calls", "Calls asking “Where is my request?”",
    "Answered calls that asked after a request already made: demand that a clear answer the first time would spare.",
    and_(_answered, _c.reason.in_(STATUS_REASONS)), "A12 reason", "lower",
)  # fmt: skip
status_share = Ratio(
    name="status_share", label="Share asking “Where is my request?”", unit="share", better="lower",
    about="Of the calls answered, the share that asked after a request already made (failure demand).",
    formula="status_calls ÷ answered", source="measures reference, A12; users, ranked 7", over=status_calls,
    under=answered,
)  # fmt: skip
created_request = _total(
    "created_request", "Contacts that made a request", "Contacts from which a service request came.",
    and_(_first_leg, _c.created_request.is_(True)), "A12",
)  # fmt: skip
information_only = _total(
    "information_only", "Information only", "Contacts that made no request, hang-ups among them.",
    and_(_first_leg, _c.created_request.is_(False)), "A12 info-only share",
)  # fmt: skip
contacts_request_known = _total(
    "contacts_request_known", "Contacts, request or none recorded",
    "Of the contacts, those of which it is recorded whether they made a request.",
    and_(_first_leg, _c.created_request.isnot(None)), "A12 info-only share",
)  # fmt: skip
information_share = Ratio(
    name="information_share", label="Share of information only", unit="share",
    about="Of all contacts of which it is recorded, the share that made no request.",
    formula="information_only ÷ contacts_request_known",
    source="measures reference, A12", over=information_only, under=contacts_request_known,
)  # fmt: skip
contacts_per_request = Ratio(
    name="contacts_per_request", label="Contacts per request", unit="ratio",
    about="How often people get in touch for each request that comes in, on any channel and about anything.",
    formula="contacts ÷ opened", source="measures reference, A12", over=contacts, under=opened,
)  # fmt: skip

# ── What became of the calls ──

transfers = _total(
    "transfers", "Calls transferred", "Answered calls that were passed on to somebody else.",
    and_(_answered, _c.transferred_to.isnot(None)), "A12 transfer rate",
)  # fmt: skip
transfer_rate = Ratio(
    name="transfer_rate", label="Transfer rate", unit="share",
    about="Of the calls answered, the share passed on to somebody else. Some must be: it is neither good nor bad.",
    formula="transfers ÷ answered", source="measures reference, A12", over=transfers, under=answered,
)  # fmt: skip
resolved_first = _total(
    "resolved_first", "Calls resolved at first contact", "Answered calls that the agent closed in the one call.",
    and_(_answered, _c.resolved_first.is_(True)), "A12a", "higher",
)  # fmt: skip
answered_resolution_known = _total(
    "answered_resolution_known", "Calls answered, resolved or not recorded",
    "Of the calls answered, those of which the agent recorded whether they were closed in the one call.",
    and_(_answered, _c.resolved_first.isnot(None)), "A12a",
)  # fmt: skip
first_contact_resolution = Ratio(
    name="first_contact_resolution", label="Resolved at first contact, as agents record it", unit="share",
    better="higher",
    about="Of the calls answered, the share closed in the one call, where and as the agent recorded it. Whether "
          "callers come back within a week, and what they say, are other measures.",
    formula="resolved_first ÷ answered_resolution_known", source="measures reference, A12a (agent-closed)",
    over=resolved_first, under=answered_resolution_known,
)  # fmt: skip

# ── Who comes back: told by the contacts themselves, never mixed with what agents say ──

RETURNED_WITHIN_DAYS = 7
"""Who gets in touch again about the same within so many days was not helped the first time (w of measures A12b)."""

_returning = timedelta(days=RETURNED_WITHIN_DAYS)
_any = schema.contact.alias("any_contact")
# Calls may be brought less often than requests: until when is known who came back, the last contact tells.
_contacts_to = func.least(cast(AS_OF, DateTime), select(func.max(_any.c.arrived_at)).scalar_subquery(), type_=DateTime)
_followed = and_(_answered, _first_leg, _c.arrived_at <= _contacts_to - _returning)
_known = _c.is_caller_known.is_(True)
answered_followed = _total(
    "answered_followed", "Calls answered at least 7 days ago, caller and reason known",
    "Calls a person took, at least 7 days before the last contact received, of which it is recorded who called and "
    "why. A call that was passed on counts once.",
    and_(_followed, _known), "A12b",
)  # fmt: skip
answered_caller_unknown = _total(
    "answered_caller_unknown", "Calls answered at least 7 days ago, caller or reason not known",
    "Whether such callers came back nobody can tell: they are in neither part of the share that stays resolved.",
    and_(_followed, _c.is_caller_known.isnot(True)), "A12b",
)  # fmt: skip
came_back = _total(
    "came_back", "Calls after which the caller came back",
    "Of the calls answered at least 7 days ago, those after which the same person got in touch about the same reason "
    "within 7 days: by any channel, and also if they hung up.",
    and_(_followed, _known, _c.repeated_at <= _c.arrived_at + _returning), "A12b", "lower",
)  # fmt: skip
not_back = _total(
    "not_back", "Calls after which the caller did not come back",
    "Of the calls answered at least 7 days ago, caller and reason known, all others.",
    and_(_followed, _known, func.coalesce(_c.repeated_at > _c.arrived_at + _returning, true())), "A12b", "higher",
)  # fmt: skip
resolution_no_repeat = Ratio(
    name="resolution_no_repeat", label="Resolved at first contact, as nobody came back", unit="share", better="higher",
    about="Of the calls answered, the share after which the same person did not get in touch about the same reason "
          "within 7 days, by any channel. Calls of the last 7 days are in neither part, as nobody knows yet, nor are "
          "calls of which it is not recorded who called and why. What agents say of the same calls is another measure. "
          "Two different matters of one reason count as the same: read it by reason.",
    formula="not_back ÷ answered_followed = 1 − came_back ÷ answered_followed",
    source="measures reference, A12b (no repeat within 7 days)", over=not_back, under=answered_followed,
)  # fmt: skip
came_back_share = Ratio(
    name="came_back_share", label="Share of calls that come back", unit="share", better="lower",
    about="Of the calls answered, the share after which the same person got in touch about the same reason within 7 "
          "days, by any channel and also if they hung up. Calls of the last 7 days, and those of which it is not "
          "recorded who called and why, are in neither part.",
    formula="came_back ÷ answered_followed", source="measures reference, A12b (what is missing to 100 %)",
    over=came_back, under=answered_followed,
)  # fmt: skip
contacts_caller_known = _total(
    "contacts_caller_known", "Contacts, caller and reason known",
    "Contacts on any channel of which it is recorded who got in touch and why.",
    and_(_first_leg, _known), "A12b",
)  # fmt: skip
repeat_contacts = _total(
    "repeat_contacts", "Repeat contacts",
    "Contacts on any channel, by the day they arrived, that follow one of the same person about the same reason within "
    "7 days, whether that was answered or not. What the first week of the data repeats of the time before it, nobody "
    "can tell.",
    and_(_first_leg, _known, _c.previous_at >= _c.arrived_at - _returning), "A12b", "lower",
)  # fmt: skip
repeat_share = Ratio(
    name="repeat_share", label="Share of repeat contacts", unit="share", better="lower",
    about="Of the contacts of which it is recorded who got in touch and why, the share that follows one of the same "
          "person about the same reason within 7 days: demand that a lasting answer the first time would spare.",
    formula="repeat_contacts ÷ contacts_caller_known", source="measures reference, A12b",
    over=repeat_contacts, under=contacts_caller_known,
)  # fmt: skip
answered_with_request = _total(
    "answered_with_request", "Answered calls that made a request", "Answered calls from which a service request came.",
    and_(_answered, _c.created_request.is_(True)), "A12",
)  # fmt: skip
answered_request_known = _total(
    "answered_request_known", "Calls answered, request or none recorded",
    "Of the calls answered, those of which it is recorded whether a service request came from them.",
    and_(_answered, _c.created_request.isnot(None)), "A12",
)  # fmt: skip
request_rate = Ratio(
    name="request_rate", label="Calls that made a request", unit="share",
    about="Of the calls answered of which it is recorded, the share from which a service request came.",
    formula="answered_with_request ÷ answered_request_known", source="measures reference, A12",
    over=answered_with_request, under=answered_request_known,
)  # fmt: skip

# ── Called back, or served by the telephone system ──

_callback = and_(_offered, _c.outcome == "callback")
callbacks = _total(
    "callbacks", "Call-backs taken", "Callers who left the queue to be called back; however often that was tried.",
    _callback, "A12 callbacks",
)  # fmt: skip
callbacks_connected = _total(
    "callbacks_connected", "Call-backs that reached the caller", "Of those, the ones that were reached.",
    and_(_callback, _c.callback_connected_at.isnot(None)), "A12 callbacks", "higher",
)  # fmt: skip
callback_success = Ratio(
    name="callback_success", label="Reached by call-back", unit="share", better="higher",
    about="Of the callers who chose to be called back, the share reached so far.",
    formula="callbacks_connected ÷ callbacks", source="measures reference, A12 callbacks",
    over=callbacks_connected, under=callbacks,
)  # fmt: skip
time_to_callback = Spread(
    name="time_to_callback", label="Time to call-back", unit="s", better="lower",
    about="Half of the callers who chose to be called back were reached within this time of their call; those not "
          "reached yet count as waiting.",
    formula="Kaplan–Meier median and 9 in 10 of callback_connected_at − arrived_at, waiting ones censored at as_of",
    source="measures reference, A12 callbacks",
    fact=CONTACT,
    duration_s=Elapsed(_c.arrived_at, func.coalesce(_c.callback_connected_at, cast(AS_OF, DateTime))),
    has_ended=_c.callback_connected_at.isnot(None), on=_c.arrived_on,
    where=and_(_callback, func.coalesce(_c.callback_connected_at, AS_OF) >= _c.arrived_at),
)  # fmt: skip

_contained = and_(_first_leg, _c.channel == "phone", _c.outcome == "ivr_contained")
ivr_calls = _total(
    "ivr_calls", "Calls the telephone system took", "Calls that came to the telephone system's own menus first.",
    and_(_first_leg, _c.channel == "phone",
         or_(_c.ivr_in_at.isnot(None), _c.outcome.in_(("ivr_contained", "ivr_abandon")))), "A12 IVR containment",
)  # fmt: skip
ivr_contained = _total(
    "ivr_contained", "Calls served by the telephone system",
    "Of those, the ones that got there what they wanted; who hung up in the menus did not.", _contained,
    "A12 IVR containment", "higher",
)  # fmt: skip
ivr_containment = Ratio(
    name="ivr_containment", label="Served by the telephone system", unit="share",
    about="Of the calls that came to the telephone system's own menus, the share served there. Whether they called "
          "again soon after is not in it.",
    formula="ivr_contained ÷ ivr_calls", source="measures reference, A12 IVR containment (not adjusted)",
    over=ivr_contained, under=ivr_calls,
)  # fmt: skip

# ── How long each part took ──


def _time(name: str, label: str, about: str, over: Total) -> Ratio:
    return Ratio(
        name=name, label=label, unit="s", about=about, formula=f"{over.name} ÷ answered_with_handle",
        source="measures reference, A7", over=over, under=answered_with_handle,
    )  # fmt: skip


talk_time = _time("talk_time", "Average talk time", "Talking, for each answered call.", talk_s)
hold_time = _time("hold_time", "Average hold time", "The caller on hold, for each answered call.", hold_s)
wrap_time = _time("wrap_time", "Average wrap-up time", "Work after the call, for each answered call.", wrap_s)

handled_s2 = Total(
    name="handled_s2", label="Squared seconds handled", unit="s²",
    about="Squares of talk, hold and wrap-up, added up: with the sum they give the variance that intervals need.",
    formula="sum of squared seconds by the day the contact arrived", source="measures reference, A15.1",
    fact=CONTACT, value=func.sum(case((_answered, _c.handle_s * _c.handle_s), else_=0)), on=_c.arrived_on,
)  # fmt: skip
