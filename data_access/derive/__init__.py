"""Every column marked derived, as SELECTs over the rows that wait in a build; what SQL cannot say is joined to them.

The SELECTs give the columns of their table in its order. Validity flags follow measures reference, section 0: a flag
never drops a row. `local_time` is a function that the build's database is given (`dialects.LocalTime`).
"""

from data_access.derive.episodes import episodes, place_of, recurrences, turned_requests, turns
from data_access.derive.expressions import as_written, is_midnight, is_somewhere, local_time, points_of, tally
from data_access.derive.joined import (
    AREAS,
    CLOCKS,
    HOLDERS,
    INCIDENTS,
    POINTS,
    PROMISES,
    TOLD_OF_ALL,
    WORDS,
    Known,
    latest,
    rowid,
)  # fmt: skip
from data_access.derive.others import (
    GRAINS,
    agent_days,
    agent_states,
    assets,
    budget_lines,
    city_events,
    contacts,
    inspections,
    published_calls,
    repeats,
    routes,
    staff_intervals,
    surveys,
)  # fmt: skip
from data_access.derive.pauses import pauses
from data_access.derive.requests import blanks, clock_rows, district_words, opened_on, requests

__all__ = [
    "AREAS", "CLOCKS", "DERIVED", "GRAINS", "HOLDERS", "INCIDENTS", "POINTS", "PROMISES", "TOLD_OF_ALL", "WORDS",
    "Known", "agent_days", "agent_states", "as_written", "assets", "blanks", "budget_lines", "city_events",
    "clock_rows", "contacts", "district_words", "episodes", "inspections", "is_midnight", "is_somewhere", "latest",
    "local_time", "opened_on", "pauses", "place_of", "points_of", "published_calls", "recurrences", "repeats",
    "requests", "routes", "rowid", "staff_intervals", "surveys", "tally", "turned_requests", "turns",
]  # fmt: skip

DERIVED = frozenset({
    "request", "request_episode", "contact", "contact_interval", "survey", "agent_state", "inspection", "place",
    "asset", "route", "city_event", "budget_line", "staff_interval", "agent_day",
})  # fmt: skip
"""Tables that `fill_facts` derives; all others are copied as written."""
