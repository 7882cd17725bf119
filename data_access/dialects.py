"""What an engine says in its own words; the only place where SQL is written as a string.

Each section is one idea: an element that the rest of the house uses, and how each engine spells it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import ForeignKeyConstraint, PrimaryKeyConstraint, Table, create_engine
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement

from dashboard.domain.errors import BadRequest

# ── Constraints ─────────────────────────────────────────────────────────────────────────────────────


@compiles(PrimaryKeyConstraint, "duckdb")
@compiles(ForeignKeyConstraint, "duckdb")
def _no_constraint(constraint, compiler, **kw) -> None:
    """DuckDB keeps an index in memory for every key; a build is written once and read only, so it needs none."""
    return None


# ── Files and schemas ───────────────────────────────────────────────────────────────────────────────


class AttachFile(ExecutableDDLElement):
    """Another DuckDB file, known as `name` from now on."""

    def __init__(self, path: Path, name: str):
        self.path, self.name = path, name


@compiles(AttachFile, "duckdb")
def _attach(element: AttachFile, compiler, **kw) -> str:
    escaped = str(element.path).replace("'", "''")
    return f"ATTACH '{escaped}' AS {compiler.preparer.quote(element.name)}"


class DetachFile(ExecutableDDLElement):
    """Let go of a file attached as `name`."""

    def __init__(self, name: str):
        self.name = name


@compiles(DetachFile, "duckdb")
def _detach(element: DetachFile, compiler, **kw) -> str:
    return f"DETACH {compiler.preparer.quote(element.name)}"


class MoveTable(ExecutableDDLElement):
    """Put a table, with its keys and indexes, into another schema."""

    def __init__(self, table: Table, schema: str):
        self.table, self.schema = table, schema


@compiles(MoveTable, "postgresql")
def _move_table(element: MoveTable, compiler, **kw) -> str:
    table = compiler.preparer.format_table(element.table)
    return f"ALTER TABLE {table} SET SCHEMA {compiler.preparer.quote(element.schema)}"


class Analyze(ExecutableDDLElement):
    """Let the planner count a freshly loaded table."""

    def __init__(self, table: Table):
        self.table = table


@compiles(Analyze, "postgresql")
def _analyze(element: Analyze, compiler, **kw) -> str:
    return f"ANALYZE {compiler.preparer.format_table(element.table)}"


# ── Bulk load ───────────────────────────────────────────────────────────────────────────────────────


class CopyFromCsv(ExecutableDDLElement):
    """Load a table from CSV on the wire; an unquoted nothing is null, a quoted one is the empty string."""

    def __init__(self, table: Table):
        self.table = table


@compiles(CopyFromCsv, "postgresql")
def _copy(element: CopyFromCsv, compiler, **kw) -> str:
    columns = ", ".join(compiler.preparer.format_column(column) for column in element.table.columns)
    return f"COPY {compiler.preparer.format_table(element.table)} ({columns}) FROM STDIN (FORMAT csv)"


# ── Connections ─────────────────────────────────────────────────────────────────────────────────────

_SANDBOX = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "lock_configuration": "true",
}


def duckdb_reader(path: Path, threads: int) -> Engine:
    """A pool of read-only connections to one build, which can reach no other file.

    All connections of a process to one file must be opened with the same configuration.
    """
    return create_engine(
        URL.create("duckdb", database=str(path)),
        connect_args={"read_only": True, "config": {"threads": str(threads), **_SANDBOX}},
        pool_size=8,
        max_overflow=32,
    )


def duckdb_writer(path: Path, threads: int, memory: str, spill: Path) -> Engine:
    """The one connection that writes a build; what does not fit in `memory` waits in the folder `spill`."""
    return create_engine(
        URL.create("duckdb", database=str(path)),
        connect_args={
            "config": {
                "threads": str(threads),
                "memory_limit": memory,
                "temp_directory": str(spill),
                "preserve_insertion_order": "true",
            }
        },
        pool_size=1,
        max_overflow=0,
    )


def database_address(url: str) -> URL:
    """The parsed address of a PostgreSQL database; BadRequest if it is none."""
    try:
        address = make_url(url)
    except ArgumentError as problem:
        raise BadRequest("DASHBOARD311_DATABASE is no address like postgresql://user@host/name.") from problem
    if address.get_backend_name() != "postgresql":
        raise BadRequest(f"The database must be PostgreSQL; “{address.drivername}” is not supported.")
    return address


def postgres_engine(url: str, *, read_only: bool, seconds: float = 0.0) -> Engine:
    """A pool of connections to PostgreSQL that speak UTC, and stop a statement after `seconds` (0: never)."""
    address = database_address(url)
    given = address.query.get("options", ())
    options = [given] if isinstance(given, str) else list(given)
    options += ["-c timezone=UTC", f"-c statement_timeout={int(seconds * 1000)}"]
    if read_only:
        options.append("-c default_transaction_read_only=on")
    arguments: dict[str, Any] = {"options": " ".join(options)}
    return create_engine(
        address.difference_update_query(["options"]),
        connect_args=arguments,
        pool_size=8,
        max_overflow=16,
        pool_pre_ping=True,
    )
