"""The build in service, for reading; the only place that opens a connection for a question.

Embedded, a build is one DuckDB file under `<data>/builds` and `current` names the one in service; each build has
a file name of its own, because DuckDB keeps serving the old content of a path for as long as any connection to it
lives. With `settings.database`, the build in service is what PostgreSQL holds.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Column, Connection, Engine, Row, Select, Table, func, inspect, select
from sqlalchemy.engine.reflection import ObjectKind
from sqlalchemy.exc import DBAPIError, OperationalError

from dashboard.domain.errors import BadRequest, DataUnavailable
from dashboard.settings import Settings
from data_access import schema
from data_access.dialects import duckdb_reader, postgres_engine, said_by
from data_access.rollups import COPIES, ROLLUPS, Held

log = logging.getLogger(__name__)

Structure = Mapping[str, frozenset[str]]
"""Those of our tables that there are, and the columns of each."""

_DESCRIBES = tuple(one.name for one in (schema.city, schema.build, schema.request, schema.contact))
"""Tables from which it is told what is in service; PostgreSQL is asked for them at every look."""

_LOOK_EVERY_S = 1.0
_COUNT_EVERY_S = 60.0  # a database without a row in `build` must be searched for its newest instant
_EXACT_IN_FLOAT = 2**53
_NOTHING = "There is no data in service yet. Run “dashboard311 demo” or “dashboard311 import” first."


@dataclass(frozen=True)
class City:
    """The city whose data is in service; these defaults hold for a database that does not describe its city."""

    city_id: str = "city"
    name: str = "The city"
    tz: str = "UTC"
    fiscal_year_start_month: int = 7
    currency: str = "USD"
    service_level_variant: str = "offered"
    answer_within_s: int = 60
    short_abandon_s: int = 5
    promise_target_share: float | None = None
    service_level_target_share: float | None = None
    refresh_hours: int | None = None
    is_made_up: bool = False
    schema_version: int = schema.VERSION


def city_row(city: Mapping[str, Any]) -> dict[str, Any]:
    """The row of the table `city`, completed with defaults. Raises BadRequest for a field that does not exist."""
    known = {one.name for one in fields(City)}
    unknown = set(city) - known
    if unknown:
        raise BadRequest(f"A city has no {', '.join(sorted(unknown))}.")
    return asdict(City(**{**city, "schema_version": schema.VERSION}))


@dataclass(frozen=True)
class BuildInfo:
    """What the build in service covers. `as_of` is the data's own clock."""

    build_id: str
    built_at: datetime
    as_of: datetime
    data_from_on: date | None
    data_to_on: date | None
    data_to_at: datetime | None
    contacts_from_on: date | None
    requests: int
    contacts: int
    refused: int
    flagged: int
    published_calls: int = 0
    budget_lines: int = 0
    rounds: int = 0
    assets: int = 0


@dataclass(frozen=True)
class _Service:
    """One build and the engine that reads it."""

    stamp: Any
    engine: Engine
    city: City
    build: BuildInfo
    structure: Structure
    counted: bool = False
    held: Held = Held()

    @property
    def look_every_s(self) -> float:
        return _COUNT_EVERY_S if self.counted else _LOOK_EVERY_S


@dataclass(frozen=True)
class Reading:
    """One connection to one build."""

    connection: Connection

    def table(self, statement: Select) -> pa.Table:
        """The rows of `statement`, as the engine gives them."""
        return _arrow(self.connection, statement)

    def frame(self, statement: Select) -> pd.DataFrame:
        """The rows of `statement`, as `Warehouse.frame` gives them."""
        return to_pandas(self.table(statement))


class Warehouse:
    """Read-only access to the build in service; notices a new one within two seconds.

    One per process, shared by its threads. Nothing is opened before the first question, nor carried over a fork.
    """

    def __init__(self, settings: Settings):
        self.settings = settings
        self._lock = threading.Lock()
        self._service: _Service | None = None
        self._looked_at = 0.0
        self._process = os.getpid()
        self._retired: list[tuple[float, str, Engine]] = []

    def build_id(self) -> str:
        """The build in service; part of every cache key."""
        return self._in_service().build.build_id

    def city(self) -> City:
        """The city whose data is in service."""
        return self._in_service().city

    def build(self) -> BuildInfo:
        """What the build in service covers."""
        return self._in_service().build

    def held(self) -> Held:
        """The sums counted beforehand that the build in service holds."""
        return self._in_service().held

    def frame(self, statement: Select) -> pd.DataFrame:
        """The rows of `statement`, alike on every engine.

        Dates and timestamps come as ``datetime64[us]`` without a zone; whole numbers as int64, float64 where some
        are missing, or the nullable Int64 if they are then too large for that (H3 cells); everything else numeric,
        decimals and sums of big integers included, as float64; words as pandas' own string type. An empty answer
        keeps these types.

        Raises DataUnavailable if there is no build, or the answer takes longer than `settings.query_seconds`.
        """
        return to_pandas(self.table(statement))

    def table(self, statement: Select) -> pa.Table:
        """The rows of `statement`, as the engine gives them. Raises as `frame` does."""
        with self._asking(self._in_service().engine) as connection:
            return _arrow(connection, statement)

    @contextmanager
    def reading(self, build_id: str) -> Iterator[Reading]:
        """One connection to one build for all the statements of an answer, so that they agree with each other.

        `build_id` may be the build before, which is kept open for a while after another took its place. The time limit
        holds for all statements together, on PostgreSQL for each.
        """
        service = self._in_service()
        engine = next((engine for _, known, engine in self._retired if known == build_id), service.engine)
        with self._asking(engine) as connection:
            if connection.dialect.name == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            yield Reading(connection)

    def rows(self, statement: Select) -> list[Row]:
        """The rows of `statement`, as the engine's own Python values. Raises as `frame` does."""
        with self._asking(self._in_service().engine) as connection:
            return list(connection.execute(statement).all())

    def batches(self, statement: Select, size: int = 100_000) -> Iterator[pd.DataFrame]:
        """The rows of `statement`, `size` at a time, without a time limit: for builds, not for screens."""
        with self._in_service().engine.connect() as connection:
            if connection.dialect.name == "duckdb":
                cursor: Any = connection.execute(statement).cursor
                for batch in cursor.to_arrow_reader(size):
                    yield to_pandas(pa.Table.from_batches([batch]))
                return
            result = connection.execution_options(stream_results=True).execute(statement)
            keys, description = list(result.keys()), result.cursor.description
            for part in result.partitions(size):
                yield to_pandas(_postgres_arrow(keys, description, part))

    def columns(self, name: str) -> frozenset[str]:
        """The columns that a table has in the build in service; none if it has no such table."""
        return self._in_service().structure.get(name, frozenset())

    def close(self) -> None:
        """Let go of every connection."""
        with self._lock:
            engines = [engine for _, _, engine in self._retired] + ([self._service.engine] if self._service else [])
            self._service, self._retired, self._looked_at = None, [], 0.0
        for engine in engines:
            engine.dispose()

    # ── which build ─────────────────────────────────────────────────────────────────────────────────

    def _in_service(self) -> _Service:
        service = self._service
        if service and self._process == os.getpid() and time.monotonic() - self._looked_at < service.look_every_s:
            return service
        with self._lock:
            if self._process != os.getpid():  # a forked child must not use its parent's connections
                self._service, self._retired, self._process = None, [], os.getpid()
            if not self._service or time.monotonic() - self._looked_at >= self._service.look_every_s:
                self._service = self._look(self._service)
                self._looked_at = time.monotonic()
            return self._service

    def _look(self, known: _Service | None) -> _Service:
        self._dispose_retired()
        if self.settings.database:
            return self._look_in_postgres(known)
        folder = builds_folder(self.settings)
        stamp = _stamp(folder / "current")
        if stamp is None:
            raise DataUnavailable(_NOTHING)
        if known and known.stamp == stamp:
            return known
        pointer = read_pointer(folder)
        if pointer is None or not (folder / pointer["file"]).is_file():
            raise DataUnavailable(_NOTHING)
        engine = duckdb_reader(folder / pointer["file"], self.settings.threads, self.settings.memory_mb)
        structure = _structure_of(engine)
        city, build, counted = _describe(engine, structure)
        service = _Service(stamp, engine, city, build, structure, counted, _held_in(engine, build, structure))
        if known:
            log.info("Build %s replaces %s", service.build.build_id, known.build.build_id)
            until = time.monotonic() + self.settings.query_seconds + 10
            self._retired.append((until, known.build.build_id, known.engine))
        return service

    def _look_in_postgres(self, known: _Service | None) -> _Service:
        engine = (
            known.engine
            if known
            else postgres_engine(self.settings.database, read_only=True, seconds=self.settings.query_seconds)
        )
        try:
            described = _structure_of(engine, _DESCRIBES)
            city, build, counted = _describe(engine, described)
        except (DBAPIError, DataUnavailable) as problem:
            if not known:
                engine.dispose()
            if isinstance(problem, DBAPIError) and _is_out(problem):
                raise _no_answer(problem) from problem
            raise
        if known and known.build == build and known.city == city:
            return known
        structure = _structure_of(engine)
        return _Service(build.build_id, engine, city, build, structure, counted, _held_in(engine, build, structure))

    def _dispose_retired(self) -> None:
        now = time.monotonic()
        due = [engine for until, _, engine in self._retired if until <= now]
        self._retired = [retired for retired in self._retired if retired[0] > now]
        for engine in due:
            engine.dispose()

    # ── one question ────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _asking(self, engine: Engine) -> Iterator[Connection]:
        limit = self.settings.query_seconds
        try:
            with engine.connect() as connection, _interrupted_after(connection, limit):
                yield connection
        except DBAPIError as problem:
            name = type(problem.orig).__name__
            if name in ("InterruptException", "QueryCanceled"):
                raise DataUnavailable(
                    f"The answer took longer than {limit:g} seconds. Ask for a shorter period or fewer rows."
                ) from problem
            if _is_out(problem):
                raise _no_answer(problem) from problem
            raise


def _is_out(problem: DBAPIError) -> bool:
    """Whether the database does not answer, or not to whom we are."""
    return isinstance(problem, OperationalError) or type(problem.orig).__name__ == "InsufficientPrivilege"


def _no_answer(problem: DBAPIError) -> DataUnavailable:
    """What to tell the reader; the log has what the database said."""
    log.warning("The database does not answer: %s", said_by(problem))
    return DataUnavailable("The database does not answer. Please try again in a moment.")


@contextmanager
def _interrupted_after(connection: Connection, seconds: float) -> Iterator[None]:
    """Stop a DuckDB query that outlasts `seconds`; PostgreSQL counts for itself."""
    if connection.dialect.name != "duckdb":
        yield
        return
    driver: Any = connection.connection.driver_connection
    call = _ALARM.set(seconds, driver.interrupt)
    try:
        yield
    finally:
        _ALARM.cancel(call)


class _Alarm:
    """Calls what was set when its time has come, unless cancelled: one thread for all, as questions are many."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._set: dict[object, tuple[float, Callable[[], object]]] = {}
        self._process = 0
        self._wakes_at = 0.0

    def set(self, seconds: float, call: Callable[[], object]) -> object:
        """Call it in so many seconds; returns by what to cancel it."""
        key = object()
        with self._change:
            until = time.monotonic() + seconds
            self._set[key] = (until, call)
            if self._process != os.getpid():  # a thread does not survive a fork
                self._process, self._wakes_at = os.getpid(), 0.0
                threading.Thread(target=self._watch, daemon=True, name="alarm").start()
            elif until < self._wakes_at:  # it looks again in time mostly: waking it at each question costs each a turn
                self._change.notify_all()  # whom a fork left behind as well
        return key

    def cancel(self, key: object) -> None:
        """Do not call it. When this returns it is not being called either."""
        with self._change:
            self._set.pop(key, None)

    def _watch(self) -> None:
        with self._change:
            while True:
                now = time.monotonic()
                for key in [key for key, (until, _) in self._set.items() if until <= now]:
                    self._set.pop(key)[1]()
                self._wakes_at = min((until for until, _ in self._set.values()), default=now + 3600)
                self._change.wait(self._wakes_at - now)


_ALARM = _Alarm()


# ── the pointer ─────────────────────────────────────────────────────────────────────────────────────


def builds_folder(settings: Settings) -> Path:
    """Where the embedded builds lie."""
    return settings.data / "builds"


def check_in_service(settings: Settings) -> bool:
    """Whether the city in service is made up; DataUnavailable if nothing is in service.

    It does not open DuckDB: a process that has, and then forks, has children that hang when they are to end.
    """
    if settings.database:
        warehouse = Warehouse(settings)
        try:
            return warehouse.city().is_made_up
        finally:
            warehouse.close()
    pointer = read_pointer(builds_folder(settings))
    if pointer is None:
        raise DataUnavailable(_NOTHING)
    return bool(pointer.get("is_made_up"))


def read_pointer(folder: Path) -> dict[str, Any] | None:
    """What `current` says: ``build_id``, ``file``, ``previous``; None where there is none."""
    try:
        return json.loads((folder / "current").read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_mtime_ns, found.st_ino


# ── what a build says about itself ──────────────────────────────────────────────────────────────────


def _structure_of(engine: Engine, of: Iterable[str] = schema.metadata.tables) -> Structure:
    """What is there of our tables, asked at once: table by table it takes ten times as long."""
    told = inspect(engine).get_multi_columns(filter_names=list(of), kind=ObjectKind.ANY)
    return {name: frozenset(one["name"] for one in columns) for (_, name), columns in told.items()}


def _describe(engine: Engine, structure: Structure) -> tuple[City, BuildInfo, bool]:
    """The city, what the build covers, and whether that had to be counted because no build says so."""
    if schema.request.name not in structure and schema.contact.name not in structure:
        raise DataUnavailable(_NOTHING)
    with engine.connect() as connection:
        city = City()
        if schema.city.name in structure:
            row = connection.execute(select(*_told(schema.city, City, structure)).limit(1)).mappings().first()
            city = City(**row) if row else city
        if schema.build.name in structure:
            newest = schema.build.c.built_at.desc()
            about = select(*_told(schema.build, BuildInfo, structure)).order_by(newest).limit(1)
            row = connection.execute(about).mappings().first()
            if row:
                return city, BuildInfo(**row), False
        return city, _counted(connection, structure), True


def _held_in(engine: Engine, build: BuildInfo, structure: Structure) -> Held:
    if "from_on" not in structure.get(schema.sums.name, ()):
        return Held()  # not prepared, or by an earlier version: nobody asks it anything
    with engine.connect() as connection:
        rows = connection.execute(select(schema.sums)).all()
    # Sums of a build that an earlier version made may lack a measure declared since: then the facts are asked.
    there = _structure_of(engine, [row.name for row in rows if row.name in ROLLUPS])
    rows = [
        row
        for row in rows
        if row.name not in ROLLUPS or ROLLUPS[row.name].column_names <= there.get(row.name, frozenset())
    ]
    known = (
        ("request", build.requests, build.data_from_on),
        ("episode", build.requests, build.data_from_on),
        ("contact", build.contacts, build.contacts_from_on or build.data_from_on),
    )
    end = build.data_to_on
    per_day = {name: n / max((end - first).days, 1) for name, n, first in known if first is not None and end}
    copied_on = next((row.from_on for row in rows if row.name in COPIES), None)
    end_on = next((row.from_on for row in rows if row.name in ROLLUPS and row.from_on is not None), None)
    return Held(tuple(sorted((row.name, row.n) for row in rows)), tuple(per_day.items()), copied_on, end_on)


def _told(table: Table, kind: type, structure: Structure) -> list[Column]:
    """What a table tells of `kind`; one that an earlier version made may tell less."""
    return [table.c[field.name] for field in fields(kind) if field.name in structure[table.name]]


def _counted(connection: Connection, structure: Structure) -> BuildInfo:
    """A description of a database that was filled by other hands, from its newest instants."""
    request, contact = schema.request.c, schema.contact.c
    requests = contacts = 0
    instants: list[datetime] = []
    opened: Sequence[Any] = (None, None)
    arrived: Sequence[Any] = (None, None)
    if schema.request.name in structure:
        requests, *found = connection.execute(
            select(
                func.count(),
                func.max(request.closed_at),
                func.max(request.updated_at),
                func.min(request.opened_at),
                func.max(request.opened_at),
            ).select_from(schema.request)
        ).one()
        opened, instants = found[2:], instants + [one for one in found if one]
    if schema.contact.name in structure:
        contacts, *found = connection.execute(
            select(
                func.count(), func.max(contact.ended_at), func.min(contact.arrived_at), func.max(contact.arrived_at)
            ).select_from(schema.contact)
        ).one()
        arrived, instants = found[1:], instants + [one for one in found if one]
    as_of = max(instants, default=datetime(1970, 1, 1))  # noqa: DTZ001 - instants are UTC without a zone
    first = min((one for one in (opened[0], arrived[0]) if one), default=None)
    last = max((one for one in (opened[1], arrived[1]) if one), default=None)
    return BuildInfo(
        build_id=f"{as_of:%Y%m%dT%H%M%S}-{requests}-{contacts}",
        built_at=as_of,
        as_of=as_of,
        data_from_on=first.date() if first else None,
        data_to_on=last.date() if last else None,
        data_to_at=last,
        contacts_from_on=arrived[0].date() if arrived[0] else None,
        requests=requests,
        contacts=contacts,
        refused=0,
        flagged=0,
    )


# ── rows to frames ──────────────────────────────────────────────────────────────────────────────────

_POSTGRES_TYPES = {
    16: pa.bool_(),
    20: pa.int64(),
    21: pa.int64(),
    23: pa.int64(),
    700: pa.float64(),
    701: pa.float64(),
    1700: pa.float64(),
    1082: pa.date32(),
    1114: pa.timestamp("us"),
    1184: pa.timestamp("us", tz="UTC"),
}


def _arrow(connection: Connection, statement: Select) -> pa.Table:
    result = connection.execute(statement)
    if connection.dialect.name == "duckdb":
        return result.cursor.to_arrow_table()
    description = result.cursor.description
    return _postgres_arrow(list(result.keys()), description, result.all())


def _postgres_arrow(keys: list[str], description: Any, rows: Sequence[Any]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(keys)
    arrays = []
    for values, about in zip(columns, description, strict=True):
        kind = _POSTGRES_TYPES.get(about.type_code, pa.string())
        if kind == pa.float64():
            values = tuple(None if value is None else float(value) for value in values)
        arrays.append(pa.array(values, type=kind))
    return pa.Table.from_arrays(arrays, names=keys)


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """`table` in the types that `Warehouse.frame` promises."""
    large = []
    for at, column in enumerate(table.schema):
        kind = column.type
        if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
            wanted = pa.timestamp("us")
        elif pa.types.is_decimal(kind) or pa.types.is_floating(kind):
            wanted = pa.float64()
        elif pa.types.is_integer(kind):
            wanted = pa.int64()
        elif pa.types.is_null(kind) or pa.types.is_large_string(kind):
            wanted = pa.string()
        else:
            continue
        if wanted != kind:
            table = table.set_column(at, column.name, table.column(at).cast(wanted, safe=False))
        if wanted == pa.int64() and table.column(at).null_count:
            highest = pc.max(pc.abs_checked(table.column(at))).as_py()
            if highest is not None and highest > _EXACT_IN_FLOAT:
                large.append((at, column.name))
    frame = table.to_pandas()
    for at, name in large:
        values = table.column(at)
        missing = values.is_null().to_numpy()
        frame[name] = pd.arrays.IntegerArray(values.fill_null(0).to_numpy(), missing)
    return frame
