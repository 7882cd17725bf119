"""What is joined to the rows that wait: what all of them tell about one, registered by the build under these names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, func, literal_column, select
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table

# Kinds of events that show that something was done about a request.
ACTIVITY = ("work", "inspect", "comment")
# Kinds of events that tell something of all requests of a source: those without any had none.
TOLD_OF_ALL = (*ACTIVITY, "reopen")


@dataclass(frozen=True)
class Known:
    """What all rows together tell about one, and what there is to be joined.

    `placeholders` are coordinates that stand for “unknown”, `dates` pairs of source and column that hold dates,
    `recorded` pairs of source and kind of event that a source writes down, `cuts` the days on which districts change,
    `blank` the columns of requests that no source fills.
    """

    as_of: datetime
    placeholders: frozenset[tuple[float, float]] = frozenset()
    dates: frozenset[tuple[str, str]] = frozenset()
    recorded: frozenset[tuple[str, str]] = frozenset()
    cuts: tuple[date, ...] = ()
    blank: frozenset[str] = frozenset()
    has_areas: bool = False
    has_shapes: bool = False
    has_clocks: bool = False
    has_pauses: bool = False
    has_incidents: bool = False

    def sources_of(self, *kinds: str) -> list[str]:
        """The sources that record events of any of these kinds at all."""
        return sorted({source for source, kind in self.recorded if kind in kinds})


POINTS = named_table("points", *map(named_column, ("row", "h3_8", "h3_9", "h3_10", "area", "second")))
WORDS = named_table("area_words", *map(named_column, ("word", "era", "area")))
AREAS = named_table("areas", *map(named_column, ("area", "district_id", "district")))
INCIDENTS = named_table("incidents", *map(named_column, ("request_id", "root")))
PROMISES = named_table(
    "promises",
    *map(
        named_column,
        ("version", "sla_id", "type_id", "priority", "valid_from_on", "valid_to_on", "has_calendar", "calendar"),
    ),
)
HOLDERS = named_table("holders", *map(named_column, ("department_id", "calendar")))
CLOCKS = named_table(
    "clocks",
    *map(
        named_column,
        ("row", "version", "due_at", "due_on", "business_open_s", "paused_business_s", "left_s", "business_day_s"),
    ),
)  # fmt: skip


def rowid(table: Any) -> ColumnElement[Any]:
    """What tells the rows of a table of the build apart, in the order in which they were written."""
    return literal_column(f"{table.name}.rowid")


def latest(table: Any, key: str) -> FromClause:
    """The row written last for each key of a dimension."""
    place = func.row_number().over(partition_by=table.c[key], order_by=rowid(table).desc())
    ranked = select(table, place.label("place")).subquery()
    return select(*(one for one in ranked.c if one.name != "place")).where(ranked.c.place == 1).subquery()
