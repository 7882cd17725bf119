"""What a city may record, and many do not: what that is, what it would tell, and how it is brought.

It is recorded if anything of it was ever told in the rows that somebody may see, whatever is chosen: what a filter
leaves nothing of is recorded all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Table, select

from data_access import schema
from data_access.ask import Reader
from data_access.dimensions import closure_outcome, district
from data_access.measures.inspections import visits_told, visits_treated
from data_access.measures.outcomes import (
    closed_followed,
    closed_paused,
    closed_recorded,
    closings_followed,
    opened_followed,
    surveys_answered,
)
from data_access.measures.requests import duplicates, opened_decided, opened_not_due
from data_access.semantics import Dimension, Total


@dataclass(frozen=True)
class Record:
    """Something that only some cities record.

    Parameters
    ----------
    words
        What it is, without an article: “stopped clocks”.
    tells
        What can be told with it: “how often clocks are stopped”.
    bring
        What to import, in the words of docs/importing.md.
    counted
        It is there if any of these totals ever counted anything.
    divided
        Or if this dimension has a value.
    rows
        Or if this table has a row of which the condition holds.
    """

    words: str
    tells: str
    bring: str
    counted: tuple[Total, ...] = ()
    divided: Dimension | None = None
    rows: tuple[Table, ColumnElement[bool] | None] | None = field(default=None, hash=False, compare=False)


KINDS: Mapping[str, Record] = {
    "requests": Record("service requests", "what is asked for, and what becomes of it", "[request]"),
    "contacts": Record("calls", "whether people are answered, by whom, and who is needed when",
                       "[contact], a line for each call; or [contact_interval], what is published of days"),
    "published_calls": Record("published figures of calls", "how many called, and were answered", "[contact_interval]"),
    "budget_lines": Record("budgets", "what contacts and closed requests cost", "[budget_line]"),
    "rounds": Record("rounds of collection", "how often collections are missed, for all there are",
                     "[route] and [route_day]"),
    "assets": Record("a register of assets", "how often meters and lights break, for all there are", "[asset]"),
    "changes": Record("changes that the city made", "whether they worked", "[intervention]"),
}  # fmt: skip
"""The kinds of data by which `policy.ABOUT` tells whole views apart."""

_POINTS = schema.place, schema.place.c.requests > 0
RECORDS: Mapping[str, Record] = {
    "promises": Record("due times", "which promises are kept, and what is overdue",
                       "due_at in [request], or [promises]", (opened_decided, opened_not_due)),
    "pauses": Record("stopped clocks", "how often and for how long clocks are stopped",
                     "pause and resume in [request_event], or [request_pause]; and [calendar]", (closed_paused,)),
    "reopenings": Record("reopenings", "whether closed stays closed",
                         "reopen in [request_event]; later exports of the same requests", (closings_followed,)),
    "outcomes": Record("outcomes of closings", "what closing meant", "closure_outcome in [request]",
                       divided=closure_outcome),
    "steps": Record("work, visits and comments between opening and closing", "what is closed without any",
                    "[request_event]", (closed_recorded,)),
    "responses": Record("responses and hand-overs", "how soon somebody answers, and what is handed on",
                        "[request_event]", (closed_recorded, opened_followed)),
    "repeats": Record("repeated reports of a known problem", "where a known problem is reported again",
                      "parent_request_id in [request], or repeats in [service_type]", (duplicates,)),
    "surveys": Record("surveys", "whether people are satisfied", "[survey]", (surveys_answered,)),
    "visits": Record("inspections", "whether reports are confirmed", "[inspection]", (visits_told,)),
    "treatments": Record("treated places", "whether treating a place helps", "premises_baited in [inspection]",
                         (visits_treated,)),
    "sites": Record("parcels, addresses or points", "whether the same problem comes back to the same place",
                    "address in [request], or [place]", (closed_followed,), rows=_POINTS),
    "points": Record("points", "maps, and where it clusters", "[place]", rows=_POINTS),
    "districts": Record("districts", "how districts are served",
                        "source_district in [request], or boundaries (--boundaries)", divided=district),
    "residents": Record("residents of districts", "how many requests come from so many residents",
                        "population_property in [district], of the boundaries",
                        rows=(schema.district, schema.district.c.population > 0)),
    "events": Record("storms, elections and other events", "what they did to all numbers", "[city_event]",
                     rows=(schema.city_event, None)),
}  # fmt: skip
"""What single cards are about, by the names that `layouts.view.Panel.about` gives them."""


def has_rows(reader: Reader, table: Table, condition: ColumnElement[bool] | None = None) -> bool:
    """Whether a table has a row, or one of which the condition holds."""
    one = select(table.c[table.primary_key.columns.keys()[0]]).limit(1)
    return reader.table(one if condition is None else one.where(condition)).num_rows > 0
