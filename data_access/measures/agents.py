"""Numbers about the time of those who answer: how busy they were, how many calls an hour.

They are the floor's as much as an agent's; who may divide them by agent, the scope says.
"""

from __future__ import annotations

from sqlalchemy import case, func

from data_access import schema
from data_access.measures.contacts import answered
from data_access.semantics import Fact, Ratio, Total

_s = schema.agent_state.c

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
    name="calls_per_hour", label="Calls per logged-in hour", unit="per hour",
    about="Calls answered for each hour logged in, breaks included. It means something only where states are kept for "
          "the whole period, and only beside the mix of calls.",
    formula="answered ÷ logged_in_h", source="measures reference, A11", over=answered, under=logged_in_h,
)  # fmt: skip
