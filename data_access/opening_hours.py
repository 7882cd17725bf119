"""In which opening hours the requests of each service type are counted, as promises and departments say.

Few rows of small tables; the requests themselves are not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

import pandas as pd
from sqlalchemy import Table, select

from dashboard.domain.calendar import BusinessCalendar
from dashboard.domain.filters import Period
from data_access import schema
from data_access.ask import Reader
from data_access.beyond_sql import calendars_of


class Hours(NamedTuple):
    """The opening hours that hold for requests opened on the civil days ``[from_on, to_on)``."""

    calendar: BusinessCalendar
    from_on: date = date.min
    to_on: date = date.max

    def holds_in(self, period: Period) -> bool:
        """Whether any day of `period` is among them."""
        return self.from_on < period.to_on and period.from_on < self.to_on


def hours_by_type(reader: Reader, tz: str, has: Callable[[str], bool]) -> dict[str, tuple[Hours, ...]]:
    """The opening hours of each service type by its name, those in force first before later ones.

    They are those of its promise's calendar; on days without such a promise those of its department, to which its
    requests go. A type for which no calendar is known is left out. `has` says whether the city's data holds a table.

    Source: measures reference, B-clock; `derive.clock_rows` chooses in the same way for each request.
    """

    def told(table: Table, *names: str) -> list[tuple[Any, ...]]:
        if not has(table.name):
            return []
        asked = select(*(table.c[one] for one in names)).order_by(*table.primary_key)
        return [tuple(row.values()) for row in reader.table(asked).to_pylist()]

    if not has(schema.calendar.name):
        return {}
    days = pd.DataFrame(columns=[one.name for one in schema.calendar_day.c])
    if has(schema.calendar_day.name):
        days = reader.frame(select(schema.calendar_day))
    calendars = calendars_of(reader.frame(select(schema.calendar)), days, tz)
    homes = dict(told(schema.department, "department_id", "calendar_id"))
    promises: dict[str, list[_Version]] = {}
    versions = told(schema.sla_version, "type_id", "calendar_id", "priority", "valid_from_on", "valid_to_on")
    for type_id, calendar_id, priority, begin, end in versions:
        promises.setdefault(type_id, []).append(_Version(calendar_id, priority, begin or date.min, end or date.max))
    found: dict[str, set[Hours]] = {}
    for type_id, name, department_id in told(schema.service_type, "type_id", "name", "department_id"):
        for one in _without_gaps(promises.get(type_id, ())):
            calendar = calendars.get(one.calendar_id or homes.get(department_id) or "")
            if calendar is not None:
                found.setdefault(name, set()).add(Hours(calendar, one.from_on, one.to_on))
    return {name: tuple(sorted(hours, key=lambda one: (one.from_on, one.to_on))) for name, hours in found.items()}


class _Version(NamedTuple):
    """A version of a promise: its calendar (None: that of the department), for whom and when it holds."""

    calendar_id: str | None
    priority: str | None
    from_on: date
    to_on: date


def _without_gaps(versions: Iterable[_Version]) -> Iterator[_Version]:
    """The versions of a promise, and between them the days on which requests of some priority have none."""
    reached = date.min
    for one in sorted(versions, key=lambda one: one.from_on):
        yield one
        if one.priority is None:
            if one.from_on > reached:
                yield _Version(None, None, reached, one.from_on)
            reached = max(reached, one.to_on)
    if reached < date.max:
        yield _Version(None, None, reached, date.max)
