"""What all rows of a build together tell of each one, to be known before any is derived.

What happened last, what the city's clock shows, which coordinates stand for “unknown”, which columns hold dates, which
reports are of one incident. Of a build that goes on from another, all rows are those that wait and those that stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import case, func, or_, select, union_all

from dashboard.domain.local_time import decades, offset_periods
from data_access import beyond_sql, derive
from data_access.dialects import LocalTime
from data_access.work_file import WorkFile

# Instants that something really happened, from which the data's own clock is read.
_HAPPENED = {
    "request": ("opened_at", "closed_at", "first_closed_at", "first_response_at"),
    "contact": ("arrived_at", "ended_at"),
    "contact_interval": ("start_at",),
    "request_event": ("event_at",),
    "inspection": ("visited_at",),
    "survey": ("sent_at", "answered_at"),
}
# Where nothing happened, what is known of times.
_ROSTERED = {"agent_state": ("start_at",), "agent_shift": ("start_at",)}
# Instants whose local time is asked.
_ON_THE_CLOCK = {
    "request": ("opened_at", "closed_at", "due_at", "updated_at"),
    "request_event": ("event_at",),
    "contact": ("arrived_at",),
    "contact_interval": ("start_at",),
    "agent_state": ("start_at",),
    "inspection": ("visited_at",),
    "survey": ("sent_at",),
    "city_event": ("start_at", "end_at"),
}

# A pair of coordinates stands for “unknown” if it is shared by more than this share and number of rows.
PLACEHOLDER_SHARE = 0.05
PLACEHOLDER_ROWS = 50
# A column of instants holds dates if more than this share of at least so many values are at midnight.
MIDNIGHT_SHARE = 0.5
MIDNIGHT_ROWS = 50


@dataclass
class Midnights:
    """How many instants of requests are local midnights, as whoever writes them counts them.

    `counted` is by source, column and whether it is one; the rows of `imports` are not counted once more.
    """

    counted: Counter[tuple[str, str, bool]] = field(default_factory=Counter)
    imports: set[str] = field(default_factory=set)

    def count(self, import_id: str, source: str, column: str, given: int, midnights: int) -> None:
        """Take note of so many `midnights` among so many instants `given` by one import."""
        self.imports.add(import_id)
        self.counted[source, column, True] += midnights
        self.counted[source, column, False] += given - midnights


def last_instant(work: WorkFile, now: datetime) -> datetime:
    """The data's own clock: the last instant anything was recorded, short of the impossible future.

    Where nothing happened at all there may be a roster, which tells of times to come: then the last that it knows.
    Without one it is `now`, when the build was begun.
    """

    def instants(of: Mapping[str, Sequence[str]], *, past: bool) -> list[datetime]:
        present = {name: work.all_rows(name) for name in of if work.has(name)}
        columns = [rows.c[one] for name, rows in present.items() for one in of[name]]
        known = [case((one <= now, one)) if past else one for one in columns]
        asked = [select(func.max(one)) for one in known]
        return [one for (one,) in work.connection.execute(union_all(*asked)) if one] if asked else []

    return max(instants(_HAPPENED, past=True) or instants(_ROSTERED, past=False) or [now])


def set_clock(work: WorkFile, tz: str) -> None:
    """Teach the database what the city's clock shows, for the years in question."""
    instants, parts = [], []
    for name, of in _ON_THE_CLOCK.items():
        if work.has(name):
            rows = work.all_rows(name)
            columns = [rows.c[one] for one in of]
            parts.append(select(func.least(*map(func.min, columns)), func.greatest(*map(func.max, columns))))
    if parts:
        instants = [one for row in work.connection.execute(union_all(*parts)) for one in row if one]
    given = np.array(instants, "datetime64[us]")
    starts, offsets = offset_periods(tz, *decades(given.astype(np.int64), np.zeros(len(given), bool)))
    work.connection.execute(LocalTime(starts.tolist(), offsets.tolist()))


def told_by_all(
    work: WorkFile, context: beyond_sql.Context, as_of: datetime, midnights: Midnights, infer_duplicates: bool
) -> derive.Known:
    """What all rows together tell, once the clock is set; incidents are made ready to be joined."""
    placeholders = _placeholders(work)
    return derive.Known(
        as_of=as_of,
        placeholders=placeholders,
        dates=_columns_of_dates(work, midnights),
        recorded=_recorded(work),
        cuts=context.cuts(),
        has_areas=bool(context.areas),
        has_shapes=context.has_shapes,
        has_clocks=bool(len(context.sla) or context.calendars),
        has_pauses=work.has("request_pause"),
        has_incidents=_find_incidents(work, context.duplicate_rules() if infer_duplicates else (), placeholders),
    )


def _recorded(work: WorkFile) -> frozenset[tuple[str, str]]:
    if work.continuing:
        return work.continuing.recorded()
    if not work.rows["request_event"]:
        return frozenset()
    request, event = work.staged["request"], work.staged["request_event"]
    of_request = request.c.request_id == event.c.request_id
    recorded = select(func.coalesce(request.c.src_system, ""), event.c.kind).join(event, of_request).distinct()
    return frozenset((source, kind) for source, kind in work.connection.execute(recorded))


def _columns_of_dates(work: WorkFile, midnights: Midnights) -> frozenset[tuple[str, str]]:
    """Pairs of source and column that hold dates: more than half of its instants are local midnights."""
    request, counted = work.all_rows("request"), midnights.counted.copy()
    source = func.coalesce(request.c.src_system, "").label("source")
    columns = ("opened_at", "closed_at", "due_at")
    counts = [
        func.count(case((derive.is_midnight(derive.local_time(request.c[one])).is_(wanted), 1)))
        for one in columns
        for wanted in (True, False)
    ]
    others = or_(request.c.import_id.is_(None), request.c.import_id.not_in(sorted(midnights.imports)))
    if work.rows_in_all("request") >= MIDNIGHT_ROWS:
        for name, *found in work.connection.execute(select(source, *counts).where(others).group_by(source)):
            told = [(name, column, wanted) for column in columns for wanted in (True, False)]
            counted.update(dict(zip(told, found, strict=True)))
    given = {key: counted[*key, True] + counted[*key, False] for key in {key[:2] for key in counted}}
    return frozenset(key for key, n in given.items() if n >= MIDNIGHT_ROWS and counted[*key, True] > MIDNIGHT_SHARE * n)


def _placeholders(work: WorkFile) -> frozenset[tuple[float, float]]:
    """Coordinates that stand for “unknown”: one pair shared by more than 5 % of the rows, and by at least 50."""
    if work.rows_in_all("request") <= PLACEHOLDER_ROWS:
        return frozenset()
    request = work.all_rows("request").c
    located = work.connection.scalar(select(func.count(request.lat)).where(request.lon.is_not(None))) or 0
    shared = (
        select(request.lat, request.lon)
        .where(request.lat.is_not(None), request.lon.is_not(None))
        .group_by(request.lat, request.lon)
        .having(func.count() > max(located * PLACEHOLDER_SHARE, PLACEHOLDER_ROWS))
    )
    return frozenset((lat, lon) for lat, lon in work.connection.execute(shared))


def _find_incidents(
    work: WorkFile, rules: Iterable[tuple[str, float, float]], placeholders: frozenset[tuple[float, float]]
) -> bool:
    """Make ready to be joined which report each duplicate goes back to; whether there are any."""
    request = work.all_rows("request").c
    children = work.frame(
        select(request.request_id, request.parent_request_id).where(request.parent_request_id.is_not(None))
    )
    parents = pd.Series(children["parent_request_id"].to_numpy(), index=children["request_id"].to_numpy(), dtype=object)
    for type_id, radius_m, days in rules:
        reports = work.frame(
            select(request.request_id, request.opened_at, request.closed_at, request.lat, request.lon)
            .where(
                request.type_id == type_id,
                request.parent_request_id.is_(None),
                derive.is_somewhere(request.lat, request.lon, placeholders),
            )
            .order_by(request.opened_at, request.request_id)
        )
        found = beyond_sql.inferred_parents(reports, radius_m, days)
        parents = pd.concat([parents, found]) if len(found) else parents
    roots = beyond_sql.roots(parents)
    ids = {"request_id": pa.array(roots.index, pa.string()), "root": pa.array(roots, pa.string())}
    work.register(pa.table(ids), derive.INCIDENTS.name)
    return bool(len(roots))
