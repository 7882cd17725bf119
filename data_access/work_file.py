"""The DuckDB in which a build is made: a new file, and beside it in memory the rows that wait until all are there.

What all steps of a build share: putting rows in, asking for them, counting them. What is made of the rows is for the
steps to say (`carry_over`, `fill_facts`, `sum_up`), and when the file goes into service for `build`.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from sqlalchemy import Column, ColumnElement, Connection, FromClause, MetaData, Select, Table, func, insert, select
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table

from dashboard.domain.errors import BadRequest
from data_access import derive, schema
from data_access.continuing import IN_PLACE, Basis, Continuing
from data_access.dialects import AttachFile, Checkpoint, CreateTables, DetachFile, UseFile, duckdb_writer
from data_access.engine import to_pandas

Progress = Callable[[str, int], None]

WINDOW_ROWS = 500_000
"""So many rows fit in memory while they are derived: see `WorkFile.stretches`."""
_STAGING = "staging"
_BUILT = "built"
_MEMORY = "900MB"

OWN = ("city", "build", "request_episode", "place", "staff_interval", "agent_day", "sums")
"""Tables that a build fills by itself; no source writes them."""
HINTS: Mapping[str, tuple[str, ...]] = {"request": ("dq_flags", "district"), "contact": ("dq_flags",)}
"""Derived columns that a reader of sources may give as a first word: what it found while reading."""
ORDER: Mapping[str, tuple[str, ...]] = {
    "request": ("opened_at", "request_id"),
    "request_episode": ("opened_at", "request_id", "seq"),
    "contact": ("arrived_at", "contact_id"),
    "contact_interval": ("start_at", "interval_id"),
    "request_event": ("request_id", "event_at", "event_id"),
    "request_pause": ("request_id", "start_at"),
    "agent_state": ("start_at", "agent_id"),
    "agent_shift": ("start_at", "agent_id"),
    "inspection": ("visited_at", "inspection_id"),
    "survey": ("sent_at", "survey_id"),
    "asset_status": ("asset_id", "start_at"),
}
"""How each fact is sorted, so that a period touches few blocks."""


def _as_given(table: Table) -> list[Column]:
    """The columns that a table's rows wait with: those of facts that are still to be derived would only take room."""
    if table.name not in derive.DERIVED or table.name in OWN:
        return list(table.columns)
    return [one for one in table.columns if not one.info.get("derived") or one.name in HINTS.get(table.name, ())]


# Where the rows of each table wait until all are there.
_STAGED_METADATA = MetaData(schema=_STAGING)
_STAGED = {one.name: schema.bare(one, _STAGED_METADATA, _as_given(one)) for one in schema.metadata.sorted_tables}


class WorkFile:
    """A new file and the rows that wait beside it; nothing can be done with it before `open`, or after it is closed.

    Parameters
    ----------
    path
        Where the file is written.
    spill
        A folder for whatever does not fit in memory.
    threads
        How many the database may use.
    progress
        Called with what is being done and the number of rows it was done to.

    `staged` holds the tables in which rows wait, and `rows` how many do, both by the name of the table that they are
    for. `continuing` is what is going on if the build goes on from the one in service; None if it makes all anew.
    """

    def __init__(self, path: Path, spill: Path, threads: int, progress: Progress):
        self.path = path
        self.spill = spill
        self.progress = progress
        self.staged: Mapping[str, Table] = _STAGED
        self.rows: Counter[str] = Counter()
        self.continuing: Continuing | None = None
        self._threads = threads
        self._connection: Connection | None = None

    # ── from the first row to the last ──────────────────────────────────────────────────────────────

    def open(self) -> None:
        """Begin with every table and no rows."""
        engine = duckdb_writer(self._threads, _MEMORY, self.spill)
        self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._connection.execute(AttachFile(self.path, _BUILT, unlogged=True))
        self._connection.execute(UseFile(_BUILT))
        self._connection.execute(AttachFile(Path(":memory:"), _STAGING))
        self._connection.execute(CreateTables(_STAGED_METADATA))
        self._connection.execute(CreateTables(schema.metadata))

    def go_on_from(self, file: Path, basis: Basis, as_of: datetime, held: Mapping[str, date | None]) -> None:
        """Begin anew with a copy of the file in service, of which only the rows stay that need not be written anew.

        `basis`, `as_of` and `held` as in `Continuing`.
        """
        self._begin(file)
        for table in schema.metadata.sorted_tables:
            if table.name not in {*IN_PLACE, "request_episode", "place"}:
                self.connection.execute(table.delete())
        self.continuing = Continuing(self.connection, self.staged, basis, as_of, held)

    def make_all_anew(self) -> None:
        """Go on from nothing after all: whatever the copy still held waits with the other rows."""
        if self.continuing is not None:
            self.continuing.take_all()
        self.continuing = None
        for name in IN_PLACE:
            self.rows[name] = self.waiting(name)
        self._begin(None)
        self.connection.execute(CreateTables(schema.metadata))

    def _begin(self, copied: Path | None) -> None:
        """Begin the file anew: as a copy, or with nothing in it."""
        self.connection.execute(UseFile("memory"))
        self.connection.execute(DetachFile(_BUILT))
        self.path.unlink()
        if copied is not None:
            shutil.copyfile(copied, self.path)
        self.connection.execute(AttachFile(self.path, _BUILT, unlogged=True))
        self.connection.execute(UseFile(_BUILT))

    def complete(self) -> None:
        """Write all that is in memory to the file, and let go of it."""
        self.connection.execute(DetachFile(_STAGING))
        self.connection.execute(Checkpoint(_BUILT))
        self._disconnect()

    def close(self) -> None:
        """Let go of the file and leave nothing behind, not even the file itself if it still lies there."""
        self._disconnect()
        for path in (self.path, Path(f"{self.path}.wal")):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.spill, ignore_errors=True)

    def _disconnect(self) -> None:
        if self._connection is not None:
            engine = self._connection.engine
            self._connection.close()
            engine.dispose()
            self._connection = None

    # ── rows in ─────────────────────────────────────────────────────────────────────────────────────

    @property
    def connection(self) -> Connection:
        """The database itself; tables without a schema are those of the file."""
        if self._connection is None:
            raise BadRequest("This build is closed. Open a new one with “with Build(…) as build”.")
        return self._connection

    def add(self, name: str, rows: pa.Table) -> None:
        """Let more rows wait for a table."""
        self.append(self.staged[name], rows)
        self.rows[name] += rows.num_rows
        self.progress(name, rows.num_rows)

    def append(self, table: Table, rows: pa.Table) -> None:
        """Add rows to any table, by the names of their columns."""
        if not rows.num_rows:
            return
        self.register(rows)
        incoming = named_table("_incoming", *(named_column(name) for name in rows.column_names))
        self.connection.execute(insert(table).from_select(rows.column_names, select(*incoming.columns)))
        driver: Any = self.connection.connection.driver_connection
        driver.unregister("_incoming")

    def fill(self, table: Table, rows: Select) -> None:
        """Add the rows of a question that gives all columns of a table."""
        self.connection.execute(insert(table).from_select([one.name for one in table.columns], rows))

    def copy(self, name: str) -> None:
        """Add the rows that wait for a table to it as they are, in the fact's order."""
        if self.rows[name]:
            staged = self.staged[name]
            order = [staged.c[one] for one in ORDER.get(name, ())]
            self.fill(schema.metadata.tables[name], select(*staged.columns).order_by(*order))

    def register(self, rows: pa.Table, name: str = "_incoming") -> None:
        """Let rows be asked for as a table of that name, without copying them."""
        driver: Any = self.connection.connection.driver_connection
        driver.register(name, rows)

    def squeeze(self) -> None:
        """Let the rows that wait take less room."""
        self.connection.execute(Checkpoint(_STAGING))

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────

    def one(self, statement: Select) -> Any:
        """The only row of an answer."""
        return self.connection.execute(statement).one()

    def frame(self, statement: Select) -> pd.DataFrame:
        """An answer in the types that `engine.to_pandas` promises."""
        cursor: Any = self.connection.execute(statement).cursor
        return to_pandas(cursor.to_arrow_table())

    def count(self, of: FromClause, *conditions: ColumnElement[bool]) -> int:
        """How many rows there are, of those that meet the conditions."""
        return self.connection.scalar(select(func.count()).select_from(of).where(*conditions)) or 0

    def waiting(self, name: str) -> int:
        """How many rows wait for a table, counted."""
        return self.count(self.staged[name])

    def all_rows(self, name: str) -> FromClause:
        """The rows of a table, as their sources gave them: those that wait, and those that stay where they are."""
        return self.continuing.all_rows(name) if self.continuing and name in IN_PLACE else self.staged[name]

    def rows_in_all(self, name: str) -> int:
        """How many rows of a table were written, or stay where they are; of episodes, how many there are."""
        if name == "request_episode" or (self.continuing and name in IN_PLACE):
            return self.count(schema.metadata.tables[name])
        return self.rows[name]

    def has(self, name: str) -> bool:
        """Whether there are any."""
        return self.rows_in_all(name) + self.rows[name] > 0

    def stretches(self, name: str) -> Iterator[tuple[datetime | None, datetime | None, int]]:
        """Stretches of whole days whose rows fit in memory, with their number; no bounds if all rows do."""
        rows, staged = self.rows[name], self.staged[name]
        if rows <= WINDOW_ROWS:
            yield from [(None, None, rows)] if rows else ()
            return
        day = func.date_trunc("day", staged.c[ORDER[name][0]]).label("day")
        days = self.frame(select(day, func.count().label("n")).group_by(day).order_by(day))
        for _, some in days.groupby((days["n"].cumsum() - 1) // WINDOW_ROWS):
            end = some["day"].iloc[-1] + pd.Timedelta(days=1)
            yield some["day"].iloc[0].to_pydatetime(), end.to_pydatetime(), int(some["n"].sum())
