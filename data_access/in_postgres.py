"""PostgreSQL, filled from the file of a finished build: with all it holds, or with what differs from the one before.

Only builds write to that database, so it holds what the file did that it was filled from. Where that file lies here
too, the next one is compared with it, and what differs takes the place of what was, in one transaction: readers see
the build before until all of it is there. Otherwise every table is loaded anew beside those in service, and put in
their place (decision 0030).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.csv
from sqlalchemy import (
    Column,
    Connection,
    FromClause,
    MetaData,
    PrimaryKeyConstraint,
    Select,
    Table,
    func,
    inspect,
    or_,
    select,
    tuple_,
    union,
)
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import AddConstraint, CreateSchema, DropSchema, DropTable, Index

from dashboard.domain.errors import DataUnavailable
from data_access import schema
from data_access.continuing import Basis
from data_access.dialects import (
    Analyze,
    AttachFile,
    CopyFromCsv,
    MoveTable,
    TableOf,
    UseFile,
    duckdb_writer,
    postgres_engine,
    said_by,
)
from data_access.rollups import COPIES, ROLLUPS, SORTED, TABLES

Progress = Callable[[str, int], None]

Differing = list[tuple[Table, FromClause | None]]

DIFFERS_UP_TO = 0.2
"""Where more of the rows differ, loading all of them anew is quicker."""

_BUILT, _BEFORE = "built", "before"
_STAGING = "dashboard311_build"
_MEMORY = "900MB"

# What rows are looked up by, besides the primary key.
_LOOKED_UP = {
    "request": ("opened_on", "closed_on", "due_on", "opened_at"),
    "request_episode": ("opened_on", "closed_on"),
    "contact": ("arrived_on", "arrived_at", "request_id"),
    "request_event": ("request_id",),
    "request_pause": ("request_id",),
    "survey": ("sent_on", "request_id"),
    "inspection": ("visited_on", "request_id"),
    "agent_state": ("start_on",),
    "staff_interval": ("start_on",),
    **dict.fromkeys(ROLLUPS, ("day",)),
    **{name: (one.end_on.name, "request_id") for name, one in COPIES.items()},
    **{one.name: dict.fromkeys((one.by, one.day)) for one in SORTED},
}
# Where rows have no key, those that take each other's place: of sums a day, else what their source tells together.
_TOGETHER = {
    "refused_row": ("import_id",),
    "agent_state": ("start_on",),
    "asset_status": ("asset_id",),
    "request_pause": ("request_id",),
    **dict.fromkeys(ROLLUPS, ("day",)),
    **{one.name: (one.day,) for one in SORTED},
}


def fill(
    database: str, file: Path, before: Path | None, spill: Path, threads: int = 2, progress: Progress | None = None
) -> None:
    """Put what a finished build holds in service in PostgreSQL, at once and whole.

    Parameters
    ----------
    file, before
        The file of that build, and of the one in service there; None if that does not lie here.
    spill, threads
        A folder for what does not fit in memory, and how many threads may read the files.
    progress
        Called with what is being done and the number of rows it was done to.

    Raises DataUnavailable if the database does not do as it is told; what was in service then stays so.
    """
    told = progress or (lambda doing, rows: None)
    target = postgres_engine(database, read_only=False)
    files = duckdb_writer(threads, _MEMORY, spill)
    try:
        with files.connect().execution_options(isolation_level="AUTOCOMMIT") as built:
            built.execute(AttachFile(file, _BUILT, read_only=True))
            built.execute(UseFile(_BUILT))
            differing = _Differing(built, before).found() if before is not None else None
            if differing is None:
                _load_all(target, built, told)
            else:
                _bring(target, built, differing, told)
    except (DBAPIError, psycopg.Error) as problem:  # what is copied goes past SQLAlchemy
        if not isinstance(getattr(problem, "orig", problem), psycopg.Error):
            raise
        said = said_by(problem)
        raise DataUnavailable(
            f"The database did not take the data; what was in service stays so. It said: {said}"
        ) from problem
    finally:
        files.dispose()
        target.dispose()


# ── what differs ────────────────────────────────────────────────────────────────────────────────────


class _Differing:
    """What is not alike in two builds: for each table by which rows are told apart, and which those are."""

    def __init__(self, built: Connection, before: Path):
        self._built = built
        built.execute(AttachFile(before, _BEFORE, read_only=True))

    def found(self) -> Differing | None:
        """Each table that differs, with the keys of its rows that do (None: all of them); None if too much does."""
        if self._how(_BUILT) != self._how(_BEFORE) or self._sums(_BUILT) != self._sums(_BEFORE):
            return None
        differing: Differing = []
        rows = most = 0
        for table in _tables_of(self._built):
            was = self._was(table)
            most += self._count(table)
            key = _key_of(table)
            if not key:
                if self._built.scalar(select(func.count()).select_from(self._unlike(table, was, ()))):
                    differing.append((table, None))
                continue
            name = f"differing_{table.name}"
            self._built.execute(TableOf(name, select(self._unlike(table, was, key))))
            keys = named_table(name, *(named_column(one, table.c[one].type) for one in key))
            if self._count(keys, or_(*(one.is_(None) for one in keys.c))):  # by which no row could be found
                differing.append((table, None))
            elif self._count(keys):
                rows += self._count(table, tuple_(*(table.c[one] for one in key)).in_(select(keys)))
                differing.append((table, keys))
        return differing if rows <= DIFFERS_UP_TO * most else None

    def _unlike(self, table: Table, was: Table, key: Sequence[str]) -> FromClause:
        """The keys under which other rows stand now than did."""
        sides = [_digests(one, key) for one in (table, was)]
        unlike = union(sides[0].except_(sides[1]), sides[1].except_(sides[0])).subquery()
        return select(*(unlike.c[one] for one in key or ("rows",))).distinct().subquery()

    def _was(self, table: Table) -> Table:
        return Table(table.name, MetaData(schema=_BEFORE), *(Column(one.name, one.type) for one in table.c))

    def _how(self, side: str) -> str:
        about = named_table("build", named_column("basis"), schema=side)
        basis = Basis.from_text(self._built.scalar(select(about.c.basis)))
        return side if basis is None else basis.made_by

    def _sums(self, side: str) -> set[str]:
        sums = named_table("sums", named_column("name"), schema=side)
        return set(self._built.scalars(select(sums.c.name)))

    def _count(self, of: FromClause, *conditions: Any) -> int:
        return self._built.scalar(select(func.count()).select_from(of).where(*conditions)) or 0


def _digests(table: Table, key: Sequence[str]) -> Select:
    """One row for each key, which is another as soon as anything under it is."""
    keys, row = [table.c[one] for one in key], func.hash(*table.c)
    if key == _primary_key(table.name):
        return select(*keys, row.label("digest"))
    return select(*keys, func.count().label("rows"), func.sum(row).label("digest")).group_by(*keys)


def _primary_key(name: str) -> tuple[str, ...]:
    of = COPIES[name].of if name in COPIES else schema.metadata.tables.get(name)
    return tuple(one.name for one in of.primary_key) if of is not None else ()


def _key_of(table: Table) -> tuple[str, ...]:
    return _primary_key(table.name) or _TOGETHER.get(table.name, ())


def _tables_of(built: Connection) -> list[Table]:
    held = [TABLES[name].table for name in built.scalars(select(schema.sums.c.name))]
    return [*schema.metadata.sorted_tables, *held]


# ── into service ────────────────────────────────────────────────────────────────────────────────────


def _bring(target: Any, built: Connection, differing: Differing, told: Progress) -> None:
    """Bring what differs. The server itself notices where so much did that it should count anew."""
    with target.begin() as connection:
        for table, keys in differing:
            into = Table(table.name, MetaData(), *(Column(one.name, one.type) for one in table.c))
            rows = select(table)
            if keys is None:
                connection.execute(into.delete())
            else:
                names = [one.name for one in keys.c]
                gone = Table(
                    f"gone_{table.name}", MetaData(), *(Column(one, into.c[one].type) for one in names),
                    prefixes=["TEMPORARY"], postgresql_on_commit="DROP",
                )  # fmt: skip
                gone.create(connection)
                _copy(connection, built, select(keys), gone)
                connection.execute(Analyze(gone))
                matched = tuple_(*(into.c[one] for one in names)).in_(select(gone))
                connection.execute(into.delete().where(matched))
                rows = rows.where(tuple_(*(table.c[one] for one in names)).in_(select(keys)))
            told(f"bringing {table.name}", _copy(connection, built, rows, into))


def _load_all(target: Any, built: Connection, told: Progress) -> None:
    with target.begin() as connection:
        connection.execute(DropSchema(_STAGING, cascade=True, if_exists=True))
        connection.execute(CreateSchema(_STAGING))
    building = MetaData(schema=_STAGING)
    written = _tables_of(built)
    loaded = [schema.bare(table, building) for table in written]
    for source, table in zip(written, loaded, strict=True):
        with target.begin() as connection:
            table.create(connection)
            told(f"loading {table.name}", _copy(connection, built, select(source), table))
            _index(connection, source, table)
    with target.begin() as connection:
        where = connection.scalar(select(func.current_schema())) or "public"
        present = set(inspect(connection).get_table_names(schema=where))
        for name in (*TABLES, *(table.name for table in reversed(schema.metadata.sorted_tables))):
            if name in present:
                connection.execute(DropTable(Table(name, MetaData(schema=where))))
        for table in loaded:
            connection.execute(MoveTable(table, where))
        connection.execute(DropSchema(_STAGING))


def _index(connection: Connection, source: Table, table: Table) -> None:
    if source.primary_key:
        connection.execute(AddConstraint(PrimaryKeyConstraint(*(table.c[one.name] for one in source.primary_key))))
    for one in _LOOKED_UP.get(table.name, ()):
        Index(f"{table.name}_{one}", table.c[one]).create(connection)
    connection.execute(Analyze(table))


def _copy(connection: Connection, built: Connection, rows: Select, into: Table) -> int:
    """Copy the rows of a question to the files into a table of the database; how many they are."""
    cursor = connection.connection.cursor()
    command = str(CopyFromCsv(into).compile(dialect=connection.dialect))
    options = pyarrow.csv.WriteOptions(include_header=False)
    n = 0
    with cursor.copy(command) as wire:
        for batch in _batches(built, rows):
            sink = pa.BufferOutputStream()
            pyarrow.csv.write_csv(_for_csv(batch), sink, options)
            wire.write(sink.getvalue().to_pybytes())
            n += batch.num_rows
    return n


def _batches(built: Connection, rows: Select) -> Iterator[pa.RecordBatch]:
    cursor: Any = built.execute(rows).cursor
    yield from cursor.to_arrow_reader(100_000)


def _for_csv(batch: pa.RecordBatch) -> pa.Table:
    """Arrow writes no decimals as CSV; PostgreSQL reads them from text."""
    table = pa.Table.from_batches([batch])
    for at, column in enumerate(table.schema):
        if pa.types.is_decimal(column.type):
            table = table.set_column(at, column.name, table.column(at).cast(pa.string()))
    return table
