"""Numbers about calls as a telephone system published them by the day or half-hour: added up, never made into calls.

An average is weighted by the calls it is the average of. A published service level is no number of calls, and how it
was counted is not known: the stretches that reached one level or another are counted.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func

from data_access import schema
from data_access.semantics import Fact, Ratio, Total

_i = schema.contact_interval.c

PUBLISHED = Fact(
    "contact_interval", "published figures of calls", schema.contact_interval, known_at=_i.start_at,
    counted=_i.is_finest.is_(True),
)  # fmt: skip

_waited_s = func.coalesce(_i.wait_s, _i.average_wait_s * _i.answered)


def _total(
    name: str, label: str, about: str, value: ColumnElement, where: ColumnElement[bool], unit="calls", better=None
):
    return Total(
        name=name, label=label, unit=unit, about=about, source="measures reference, A1 to A5, as published",
        formula="sum of what was published, by the day it is of", fact=PUBLISHED, value=value, on=_i.start_on,
        where=where, better=better,
    )  # fmt: skip


published_offered = _total(
    "published_offered", "Calls offered, as published", "Calls that came in, as the telephone system counts them.",
    func.sum(_i.offered), _i.offered.is_not(None),
)  # fmt: skip
published_answered = _total(
    "published_answered", "Calls answered, as published", "Calls a person took, as the telephone system counts them.",
    func.sum(_i.answered), _i.answered.is_not(None), better="higher",
)  # fmt: skip
published_abandoned = _total(
    "published_abandoned", "Calls abandoned, as published", "Callers who hung up, as the telephone system counts them.",
    func.sum(_i.abandoned), _i.abandoned.is_not(None), better="lower",
)  # fmt: skip
_both = and_(_i.offered.is_not(None), _i.abandoned.is_not(None))
published_abandoned_of_known = _total(
    "published_abandoned_of_known", "Calls abandoned, where both are published", "The part of the abandonment rate.",
    func.sum(_i.abandoned), _both, better="lower",
)  # fmt: skip
published_offered_of_known = _total(
    "published_offered_of_known", "Calls offered, where both are published", "The base of the abandonment rate.",
    func.sum(_i.offered), _both,
)  # fmt: skip
published_abandonment = Ratio(
    name="published_abandonment", label="Abandonment rate, as published", unit="share", better="lower",
    about="Of the calls offered, the share that hung up; whether short waits count, the publisher decides.",
    formula="abandoned ÷ offered, where both are published", source="measures reference, A4, as published",
    over=published_abandoned_of_known, under=published_offered_of_known,
)  # fmt: skip

_has_wait = and_(_waited_s.is_not(None), _i.answered > 0)
published_wait_s = _total(
    "published_wait_s", "Waiting, as published", "All waits of answered calls together.", func.sum(_waited_s),
    _has_wait, unit="s",
)  # fmt: skip
published_answered_with_wait = _total(
    "published_answered_with_wait", "Calls answered, with their wait published", "The base of the speed of answer.",
    func.sum(_i.answered), _has_wait,
)  # fmt: skip
published_speed_of_answer = Ratio(
    name="published_speed_of_answer", label="Speed of answer, as published", unit="s", better="lower",
    about="How long answered calls waited on average: published averages, each weighted by the calls answered then.",
    formula="Σ (average × answered) ÷ Σ answered", source="measures reference, A5 and R4, as published",
    over=published_wait_s, under=published_answered_with_wait,
)  # fmt: skip

_handled_s = func.coalesce(_i.talk_s, 0) + func.coalesce(_i.hold_s, 0) + func.coalesce(_i.wrap_s, 0)
_has_handled = and_(_i.talk_s.is_not(None), _i.answered > 0)
published_handled_s = _total(
    "published_handled_s", "Handling, as published", "Talk, hold and wrap-up of answered calls together.",
    func.sum(_handled_s), _has_handled, unit="s",
)  # fmt: skip
published_answered_with_handle = _total(
    "published_answered_with_handle", "Calls answered, with their talk time published",
    "The base of the handle time.", func.sum(_i.answered), _has_handled,
)  # fmt: skip
published_handle_time = Ratio(
    name="published_handle_time", label="Handle time, as published", unit="s",
    about="Talk, hold and wrap-up for each answered call, as far as the telephone system publishes them.",
    formula="Σ (talk + hold + wrap) ÷ Σ answered", source="measures reference, A7, as published",
    over=published_handled_s, under=published_answered_with_handle,
)  # fmt: skip

published_levels = _total(
    "published_levels", "Published service levels", "Days (or hours) for which a service level was published.",
    func.count(), _i.service_level_share.is_not(None), unit="stretches",
)  # fmt: skip
