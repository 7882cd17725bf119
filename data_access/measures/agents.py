"""Numbers about the time of those who answer: how busy they were, how many calls an hour.

They are the floor's as much as an agent's; who may divide them by agent, the scope says.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, case, func

from data_access import schema
from data_access.measures.contacts import answered
from data_access.semantics import Fact, Ratio, Total

_s, _d = schema.agent_state.c, schema.agent_day.c

AGENT_STATE = Fact("agent_state", "hours on shift", schema.agent_state, known_at=_s.start_at)

_BUSY = ("talk", "hold", "wrap")


def _state_s(name: str, label: str, about: str, states: tuple[str, ...], source: str) -> Total:
    return Total(
        name=name, label=label, unit="s", about=about, source=f"measures reference, {source}",
        formula="sum of seconds by the day the stretch began", fact=AGENT_STATE,
        value=func.sum(case((_s.state.in_(states), _s.duration_s), else_=0)), on=_s.start_on,
    )  # fmt: skip


busy_s = _state_s("busy_s", "Seconds on calls", "Talk, hold and wrap-up.", _BUSY, "A8")
ready_s = _state_s("ready_s", "Seconds on calls or ready for one", "Breaks, meals, training and meetings are not.",
                   (*_BUSY, "available"), "A8")  # fmt: skip
occupancy = Ratio(
    name="occupancy", label="Occupancy", unit="share",
    about="Of the time ready for calls, the share spent on them. Breaks, training and meetings are not in it; a small "
          "center has a low one and must.",
    formula="(talk + hold + wrap) ÷ (talk + hold + wrap + available)", source="measures reference, A8",
    over=busy_s, under=ready_s,
)  # fmt: skip
logged_in_h = Total(
    name="logged_in_h", label="Hours logged in", unit="h", about="Every state but offline, breaks included.",
    formula="sum of hours by the day the stretch began", source="measures reference, A11", fact=AGENT_STATE,
    value=func.sum(case((_s.state != "offline", _s.duration_s), else_=0)) / 3600.0, on=_s.start_on,
)  # fmt: skip
calls_per_hour = Ratio(
    name="calls_per_hour", label="Calls per logged-in hour", unit="ratio",
    about="Calls answered for each hour logged in, breaks included. It means something only where states are kept for "
          "the whole period, and only beside the mix of calls.",
    formula="answered ÷ logged_in_h", source="measures reference, A11", over=answered, under=logged_in_h,
)  # fmt: skip

# ── Kept to the shift ──

AGENT_DAY = Fact("agent_day", "days of agents on shift", schema.agent_day, known_at=_d.ended_at)


def _day(name: str, label: str, unit: str, about: str, value: ColumnElement, formula: str) -> Total:
    return Total(
        name=name, label=label, unit=unit, about=about, source="measures reference, A10", formula=formula,
        fact=AGENT_DAY, value=value, on=_d.day_on,
    )  # fmt: skip


def _day_h(name: str, label: str, about: str, seconds: ColumnElement) -> Total:
    formula = "sum of hours by the day on which the shift began"
    return _day(name, label, "h", about, func.sum(seconds) / 3600.0, formula)


shift_days = _day(
    "shift_days", "Days on shift, states recorded", "days",
    "Each agent on each day with a shift that is over and with states of that agent, counted once. Days on which "
    "somebody was rostered and no state was recorded, absences among them, are not in it.", func.count(),
    "count of agents’ days by the day on which the shift began",
)  # fmt: skip
scheduled_h = _day_h(
    "scheduled_h", "Hours scheduled, states recorded",
    "What is paid of the shifts on these days; of a shift that does not say what is paid, all of it.", _d.scheduled_s,
)  # fmt: skip
adhered_h = _day_h(
    "adhered_h", "Hours at work as scheduled",
    "Within the shift, in any state but meal and offline; of each shift at most the hours scheduled. Rosters tell how "
    "much of a shift is paid, not when breaks are: a meal at another time is none too many, only one that is too long.",
    _d.adhered_s,
)  # fmt: skip
worked_h = _day_h(
    "worked_h", "Hours worked on days on shift",
    "In any state but meal and offline, within the shift or before and after it.", _d.worked_s,
)  # fmt: skip
adherence = Ratio(
    name="adherence", label="Adherence to the shift", unit="share", better="higher",
    about="Of the hours scheduled, the share for which agents were at work within their shift. Who comes late, leaves "
          "early or takes long meals has less; nobody has more than 100 %, as staying on does not make up for it. Told "
          "only of days with a shift and with states. Shifts do not say when breaks and meetings are: these count as "
          "at work whenever they are. About 93 % is called typical.",
    formula="adhered_h ÷ scheduled_h", source="measures reference, A10 (adherence)",
    over=adhered_h, under=scheduled_h,
)  # fmt: skip
conformance = Ratio(
    name="conformance", label="Conformance to the hours scheduled", unit="share",
    about="The hours worked for each hour scheduled, whenever they were worked: it may exceed 100 %. Told of the same "
          "days as adherence.",
    formula="worked_h ÷ scheduled_h", source="measures reference, A10 (conformance)",
    over=worked_h, under=scheduled_h,
)  # fmt: skip
