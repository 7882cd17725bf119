"""What is in service, as whoever makes a build sees it: that only one is made at a time, what it displaces, and how.

The pointer `current` names the file in service, or the one that PostgreSQL was filled from: written here, read by
`engine` for all who ask.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, Table, func, inspect, select
from sqlalchemy.exc import DBAPIError

from dashboard.domain.errors import Busy, DataUnavailable, ImportRefused
from dashboard.settings import Settings
from data_access import schema
from data_access.dialects import postgres_engine, said_by
from data_access.engine import City, Warehouse, builds_folder, read_pointer

_ADVISORY_KEY = 311_311_311
_BUSY = "Another import or demo is writing a build just now. Wait for it to end, then try again."


# ── one at a time ───────────────────────────────────────────────────────────────────────────────────


@contextmanager
def one_at_a_time(settings: Settings) -> Iterator[None]:
    """Keep others from making a build meanwhile, here or in the same database.

    Raises Busy if one is being made, DataUnavailable if the database does not answer, and ImportRefused if it was not
    filled by builds.
    """
    # Closing the file gives the lock back, as does the end of the process.
    with (builds_folder(settings) / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            raise Busy(_BUSY) from taken
        if not settings.database:
            yield
            return
        with _alone_in(settings.database):
            yield


@contextmanager
def _alone_in(database: str) -> Iterator[None]:
    engine = postgres_engine(database, read_only=False)
    guard: Connection | None = None
    try:
        try:
            guard = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            free = guard.scalar(select(func.pg_try_advisory_lock(_ADVISORY_KEY)))
        except DBAPIError as problem:
            told = f"The database does not answer; nothing was changed. It said: {said_by(problem)}"
            raise DataUnavailable(told) from problem
        if not free:
            raise Busy(_BUSY)
        _spare_foreign_tables(guard)
        _may_fill(guard)
        yield
    finally:
        if guard is not None:
            with suppress(DBAPIError):  # at once: the server notices only later that somebody has gone
                guard.execute(select(func.pg_advisory_unlock_all()))
            guard.close()
        engine.dispose()


def _spare_foreign_tables(database: Connection) -> None:
    """A database that others filled is for reading; a build would replace its tables."""
    present = set(inspect(database).get_table_names())
    clashing = sorted(present & set(schema.metadata.tables))
    if clashing and schema.build.name not in present:
        raise ImportRefused(
            "the database",
            f"it holds tables that no build wrote ({', '.join(clashing[:3])} …). Name an empty database or schema.",
        )


def _may_fill(database: Connection) -> None:
    """Say so now if its role may not make the tables, not after everything was read."""
    name, schema_name = func.current_database(), func.current_schema()
    allowed = select(
        name, schema_name, func.current_user(), func.has_database_privilege(name, "CREATE"),
        func.has_schema_privilege(schema_name, "CREATE"),
    )  # fmt: skip
    name, schema_name, role, in_database, in_schema = database.execute(allowed).one()
    if not (in_database and in_schema):
        raise ImportRefused(
            f"the database {name}",
            f"{role} may not make schemas in it and tables in its schema {schema_name}. Let {role} own the database.",
        )


# ── what gives way ──────────────────────────────────────────────────────────────────────────────────


def city_that_gives_way(warehouse: Warehouse, city: Mapping[str, Any], replace: bool) -> City | None:
    """The city in service, if there is one.

    Raises ImportRefused if it is real and another than `city`, unless it is to be replaced.
    """
    try:
        before = warehouse.city()
    except DataUnavailable:
        return None
    if before.is_made_up or replace or before.city_id == city["city_id"]:
        return before
    raise ImportRefused(
        before.name,
        f"this is the city in service; {city['name']} would replace it. Give --replace if that is what you want.",
    )


def types_in_service(warehouse: Warehouse, city: Mapping[str, Any]) -> pd.DataFrame:
    """Of the service types of `city` that are in service: type_id, name, category, department_id, requests."""
    t, r = schema.service_type, schema.request.c
    n = select(r.type_id, func.count().label("requests")).group_by(r.type_id).subquery()
    told = [t.c[one] for one in ("type_id", "name", "category", "department_id")]
    rows = select(*told, n.c.requests).join(n, n.c.type_id == t.c.type_id)
    return _asked_of(warehouse, city, t, rows).drop_duplicates("type_id", keep="last")


def calendars_in_service(warehouse: Warehouse, city: Mapping[str, Any]) -> dict[str, str]:
    """The id of the calendar by which each department of `city` works that is in service and has one, by its id."""
    d = schema.department.c
    told = select(d.department_id, d.calendar_id).where(d.calendar_id.is_not(None))
    return dict(_asked_of(warehouse, city, schema.department, told).itertuples(index=False, name=None))


def _asked_of(warehouse: Warehouse, city: Mapping[str, Any], table: Table, rows: Select) -> pd.DataFrame:
    """The `rows` that ask `table` of what is in service; none if that is another city, or has not all its columns."""
    with suppress(DataUnavailable):
        before, present = warehouse.city(), warehouse.columns(table.name)
        is_this = (before.city_id, before.is_made_up) == (city["city_id"], city["is_made_up"])
        if is_this and {one.name for one in table.c} <= present:
            return warehouse.frame(rows)
    return pd.DataFrame(columns=[one.name for one in rows.selected_columns])


def file_in_service(warehouse: Warehouse, folder: Path) -> Path | None:
    """The file of the build in service; None where it does not lie here, as PostgreSQL may be filled from there.

    Raises DataUnavailable if nothing is in service.
    """
    in_service, pointer = warehouse.build_id(), read_pointer(folder)
    if pointer is None or pointer["build_id"] != in_service:
        return None
    file = folder / pointer["file"]
    return file if file.is_file() else None


# ── into service ────────────────────────────────────────────────────────────────────────────────────


def settle(part: Path, file: Path) -> None:
    """Give a finished file its own name, once all of it is on the disk."""
    _flush(part)
    os.rename(part, file)


def point_to(file: Path, build_id: str, is_made_up: bool) -> None:
    """Let `current` name the file: it is in service, or what PostgreSQL was filled from."""
    folder = file.parent
    before = read_pointer(folder)
    pointer = {
        "build_id": build_id,
        "file": file.name,
        "previous": before["file"] if before else None,
        "is_made_up": is_made_up,
    }
    fresh = folder / "current.part"
    fresh.write_text(json.dumps(pointer), "utf-8")
    _flush(fresh)
    os.replace(fresh, folder / "current")
    _flush(folder)
    sweep(folder)


def sweep(folder: Path) -> None:
    """Remove what builds that were interrupted left behind, and builds older than the previous one."""
    pointer = read_pointer(folder) or {}
    for path in folder.glob("*.part*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    for path in folder.glob("city-*.duckdb"):
        if path.name not in (pointer.get("file"), pointer.get("previous")):
            path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
