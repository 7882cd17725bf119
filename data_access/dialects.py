"""What an engine says in its own words; the only place where SQL is written as a string.

Each section is one idea: an element that the rest of the house uses, and how each engine spells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any

from sqlalchemy import Float, ForeignKeyConstraint, MetaData, PrimaryKeyConstraint, Select, String, Table, create_engine
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateTable, ExecutableDDLElement
from sqlalchemy.sql.functions import GenericFunction

from dashboard.domain.errors import BadRequest
from dashboard.domain.spelling import SIGNS

# ── A city's own database ───────────────────────────────────────────────────────────────────────────


class TellInUtc(ExecutableDDLElement):
    """Instants are told in UTC from now on, whatever the zone of the server."""


@compiles(TellInUtc, "mysql")
@compiles(TellInUtc, "mariadb")
def _tell_in_utc(element: TellInUtc, compiler, **kw) -> str:
    return "SET time_zone = '+00:00'"


# ── Constraints ─────────────────────────────────────────────────────────────────────────────────────


@compiles(PrimaryKeyConstraint, "duckdb")
@compiles(ForeignKeyConstraint, "duckdb")
def _no_constraint(constraint, compiler, **kw) -> None:
    """DuckDB keeps an index in memory for every key; a build is written once and read only, so it needs none."""
    return None


# ── Files and schemas ───────────────────────────────────────────────────────────────────────────────


class AttachFile(ExecutableDDLElement):
    """Another DuckDB file, known as `name` from now on.

    `unlogged`: what is written to it is lost unless `Checkpoint` follows, and not written twice.
    """

    def __init__(self, path: Path, name: str, read_only: bool = False, unlogged: bool = False):
        self.path, self.name, self.read_only, self.unlogged = path, name, read_only, unlogged


@compiles(AttachFile, "duckdb")
def _attach(element: AttachFile, compiler, **kw) -> str:
    options = [*["READ_ONLY"] * element.read_only, *["RECOVERY_MODE no_wal_writes"] * element.unlogged]
    given = f" ({', '.join(options)})" if options else ""
    return f"ATTACH {_word(element.path)} AS {compiler.preparer.quote(element.name)}{given}"


class _WithFile(ExecutableDDLElement):
    """Something done with the file, or the tables in memory, attached as `name`."""

    verb = ""

    def __init__(self, name: str):
        self.name = name


@compiles(_WithFile, "duckdb")
def _with_file(element: _WithFile, compiler, **kw) -> str:
    return f"{element.verb} {compiler.preparer.quote(element.name)}"


class UseFile(_WithFile):
    """Tables without a schema are those of this file from now on."""

    verb = "USE"


class DetachFile(_WithFile):
    """Let go of it."""

    verb = "DETACH"


class Checkpoint(_WithFile):
    """Write the tables to their file; in memory they are squeezed into a tenth of the room.

    That takes a second for a million rows.
    """

    verb = "CHECKPOINT"


class CreateTables(ExecutableDDLElement):
    """All tables of a metadata, created in one go: one by one they take longer than a small city's build."""

    def __init__(self, metadata: MetaData):
        self.metadata = metadata


@compiles(CreateTables, "duckdb")
def _create_tables(element: CreateTables, compiler, **kw) -> str:
    known = element.metadata.info  # written once a process
    if "script" not in known:
        tables = (str(CreateTable(one).compile(dialect=compiler.dialect)) for one in element.metadata.sorted_tables)
        known["script"] = f"BEGIN TRANSACTION; {'; '.join(tables)}; COMMIT"
    return known["script"]


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


# ── Sources to be read ──────────────────────────────────────────────────────────────────────────────


class ReadTable(ExecutableDDLElement):
    """A view of a table of text: every column as words, rows of the wrong shape in the table `refused_lines`."""

    def __init__(self, view: str, path: Path, names: Sequence[str], delimiter: str):
        self.view, self.path, self.names, self.delimiter = view, path, names, delimiter


@compiles(ReadTable, "duckdb")
def _read_table(element: ReadTable, compiler, **kw) -> str:
    columns = ", ".join(f"{_word(name)}: 'VARCHAR'" for name in element.names)
    return (
        f"CREATE OR REPLACE TEMP VIEW {element.view} AS SELECT * FROM read_csv({_word(element.path)}, "
        f"columns = {{{columns}}}, delim = {_word(element.delimiter)}, quote = '\"', escape = '\"', header = true, "
        "auto_detect = false, store_rejects = true, rejects_table = 'refused_lines', rejects_scan = 'refused_scans')"
    )


class ReadLines(ExecutableDDLElement):
    """A view of the lines of a text: column ``line``."""

    def __init__(self, view: str, path: Path):
        self.view, self.path = view, path


@compiles(ReadLines, "duckdb")
def _read_lines(element: ReadLines, compiler, **kw) -> str:
    return (
        f"CREATE OR REPLACE TEMP VIEW {element.view} AS SELECT line FROM read_csv({_word(element.path)}, "
        "columns = {'line': 'VARCHAR'}, delim = '\x01', quote = '', escape = '', header = false, auto_detect = false, "
        "max_line_size = 33554432)"
    )


class ReadObjects(ExecutableDDLElement):
    """A view of the objects in a JSON file, one array of them or one object: column ``json``."""

    def __init__(self, view: str, path: Path, largest: int):
        self.view, self.path, self.largest = view, path, largest


@compiles(ReadObjects, "duckdb")
def _read_objects(element: ReadObjects, compiler, **kw) -> str:
    return (
        f"CREATE OR REPLACE TEMP VIEW {element.view} AS SELECT json FROM read_json_objects({_word(element.path)}, "
        f"format = 'auto', maximum_object_size = {int(element.largest)})"
    )


class ReadParquet(ExecutableDDLElement):
    """A view of a Parquet file."""

    def __init__(self, view: str, path: Path):
        self.view, self.path = view, path


@compiles(ReadParquet, "duckdb")
def _read_parquet(element: ReadParquet, compiler, **kw) -> str:
    return f"CREATE OR REPLACE TEMP VIEW {element.view} AS SELECT * FROM read_parquet({_word(element.path)})"


class ViewOf(ExecutableDDLElement):
    """A view of a question."""

    def __init__(self, view: str, rows: Select):
        self.view, self.rows = view, rows


@compiles(ViewOf, "duckdb")
def _view_of(element: ViewOf, compiler, **kw) -> str:
    rows = element.rows.compile(dialect=compiler.dialect, compile_kwargs={"literal_binds": True})
    return f"CREATE OR REPLACE TEMP VIEW {element.view} AS {rows}"


class TableOf(ExecutableDDLElement):
    """A temporary table of the rows of a question, in their order."""

    def __init__(self, name: str, rows: Select):
        self.name, self.rows = name, rows


@compiles(TableOf, "duckdb")
def _table_of(element: TableOf, compiler, **kw) -> str:
    rows = element.rows.compile(dialect=compiler.dialect, compile_kwargs={"literal_binds": True})
    return f"CREATE OR REPLACE TEMP TABLE {element.name} AS {rows}"


class Macros(ExecutableDDLElement):
    """Functions of words, which have nothing to do where these are plain ASCII, as nearly all are.

    ``repaired``: what was taken for Windows-1252 or Latin-1 while it was UTF-8, put right: “MÃ¼ll” becomes “Müll”. What
    cannot have come about so is left as it is, but for accents that stand apart from their letters.
    ``as_compared``: as `spelling.as_compared` says. ``in_digits``: numbers in the digits of other scripts in ours.
    """


@compiles(Macros, "duckdb")
def _macros(element: Macros, compiler, **kw) -> str:
    odd = bytes(range(0x80, 0xA0)).decode("cp1252", "ignore")
    plain = "".join(chr(one.encode("cp1252")[0]) for one in odd)
    codes = "list_transform(string_split(v, ''), lambda c: format('{:02X}', ord(c)))"
    once = f"CASE WHEN ord(list_max(string_split(v, ''))) < 256 THEN decode(unhex(array_to_string({codes}, ''))) END"
    once = once.replace("v,", f"translate(w, '{odd}', '{plain}'),")
    signs = f"[ÂÃâ][\u0080-\u00bf{odd}]"  # what begins accents and punctuation when they are misread
    letters, others = "".join(SIGNS), "".join(SIGNS.values())
    digits = "".join(chr(zero + one) for zero in _ZEROS for one in range(10)) + "\u066b\u066c"  # Arabic point and comma
    right = f"CASE WHEN regexp_matches(w, '{signs}') THEN coalesce(try({once}), w) ELSE w END"
    made = {
        "repaired": ("w", f"nfc_normalize({right})"),
        "as_compared": ("lower(w)", f"replace(translate(lower(nfc_normalize(w)), '{letters}', '{others}'), 'ß', 'ss')"),
        "in_digits": ("w", f"translate(w, '{digits}', '{'0123456789' * len(_ZEROS)}.,')"),
    }
    return "; ".join(
        f"CREATE OR REPLACE TEMP MACRO {name}(w) AS CASE WHEN strlen(w) = length(w) THEN {plain} ELSE {other} END"
        for name, (plain, other) in made.items()
    )


_ZEROS = (0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xFF10)  # Arabic, Persian, Hindi, Bengali, Thai, as wide as Chinese signs


class LocalTime(ExecutableDDLElement):
    """The function ``local_time``: what a city's clock shows at an instant (UTC).

    `starts` and `offsets` are what `local_time.offset_periods` says, in microseconds. DuckDB's own time zones come as
    an extension and take ten times as long.
    """

    def __init__(self, starts: Sequence[int], offsets: Sequence[int]):
        self.starts, self.offsets = starts, offsets


@compiles(LocalTime, "duckdb")
def _local_time(element: LocalTime, compiler, **kw) -> str:
    def offset(first: int, last: int) -> str:
        if first == last:
            return str(int(element.offsets[first]))
        middle = (first + last + 1) // 2
        turn = f"make_timestamp({int(element.starts[middle])})"
        return f"CASE WHEN t < {turn} THEN {offset(first, middle - 1)} ELSE {offset(middle, last)} END"

    found = offset(0, len(element.offsets) - 1)
    return f"CREATE OR REPLACE TEMP MACRO local_time(t) AS make_timestamp(epoch_us(t) + {found})"


def _word(written: object) -> str:
    return "'" + str(written).replace("'", "''") + "'"


# ── Arithmetic ──────────────────────────────────────────────────────────────────────────────────────


class Elapsed(GenericFunction[float]):
    """Seconds from one instant to another: ``Elapsed(start, end)``."""

    type = Float()
    name = "elapsed"
    inherit_cache = True


@compiles(Elapsed, "postgresql")
def _elapsed(element: Elapsed, compiler, **kw) -> str:
    start, end = (compiler.process(one, **kw) for one in element.clauses)
    return f"EXTRACT(epoch FROM {end} - {start})"


@compiles(Elapsed, "duckdb")
def _elapsed_in_duckdb(element: Elapsed, compiler, **kw) -> str:
    # Of microseconds, which takes three quarters of the time that an interval takes to be made and taken apart.
    start, end = (compiler.process(one, **kw) for one in element.clauses)
    return f"((epoch_us({end}) - epoch_us({start})) / 1e6)"


# ── Lists in one column ─────────────────────────────────────────────────────────────────────────────


class Listed(GenericFunction[str]):
    """A row for each entry of a list that one column holds: JSON, or words with ``;`` or line ends between them."""

    type = String()
    name = "listed"
    inherit_cache = True


@compiles(Listed, "postgresql")
def _listed(element: Listed, compiler, **kw) -> str:
    text = compiler.process(element.clauses, **kw)
    split = f"array_to_json(regexp_split_to_array({text}, '[;\n]'))"
    return f"json_array_elements_text(CASE WHEN ltrim({text}) LIKE '[%%' THEN {text}::json ELSE {split} END)"


@compiles(Listed, "duckdb")
def _listed_in_duckdb(element: Listed, compiler, **kw) -> str:
    text = compiler.process(element.clauses, **kw)
    split = f"string_split_regex({text}, '[;\n]')"
    return f"unnest(CASE WHEN ltrim({text}) LIKE '[%%' THEN from_json({text}, '[\"VARCHAR\"]') ELSE {split} END)"


# ── Connections ─────────────────────────────────────────────────────────────────────────────────────

_SANDBOX = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "lock_configuration": "true",
}


def duckdb_reader(path: Path, threads: int, memory_mb: int) -> Engine:
    """A pool of read-only connections to one build, which can reach no other file and take so much memory together.

    All connections of a process to one file must be opened with the same configuration.
    """
    return create_engine(
        URL.create("duckdb", database=str(path)),
        connect_args={
            "read_only": True,
            "config": {"threads": str(threads), "memory_limit": f"{memory_mb}MB", **_SANDBOX},
        },
        pool_size=8,
        max_overflow=32,
        hide_parameters=True,  # what was looked for may be an address or a name, and errors are logged
        isolation_level="AUTOCOMMIT",  # nobody writes to a build: there is nothing to begin, end or take back
        skip_autocommit_rollback=True,
        pool_reset_on_return=None,
    )


def duckdb_writer(threads: int, memory: str, spill: Path) -> Engine:
    """The one connection that writes a build; what does not fit in `memory` waits in the folder `spill`."""
    return create_engine(
        URL.create("duckdb", database=":memory:"),
        connect_args={
            "config": {
                "threads": str(threads),
                "memory_limit": memory,
                "temp_directory": str(spill),
                "preserve_insertion_order": "true",
                "checkpoint_threshold": "1TB",
                # Text is squeezed a third faster than in files that older versions can read, too.
                "storage_compatibility_version": "v1.4.0",
            }
        },
        poolclass=StaticPool,
    )


def database_address(url: str) -> URL:
    """The parsed address of a PostgreSQL database; BadRequest if it is none."""
    try:
        address = make_url(url)
        address.get_dialect()
    except (ArgumentError, ValueError) as problem:  # a port that is no number, a host that is none, no such driver
        told = "One of DASHBOARD311_DATABASE, _REPLICA and _STATE is no address like postgresql://user@host/name."
        raise BadRequest(told) from problem
    if address.get_backend_name() != "postgresql":
        raise BadRequest(f"The database must be PostgreSQL; “{address.drivername}” is not supported.")
    return address


def postgres_engine(url: str, *, read_only: bool, seconds: float = 0.0) -> Engine:
    """A pool of connections to PostgreSQL that speak UTC, and stop a statement after `seconds` (0: never)."""
    address = database_address(url)
    given = address.query.get("options", ())
    options = [given] if isinstance(given, str) else list(given)
    options += ["-c timezone=UTC", f"-c statement_timeout={ceil(seconds * 1000)}"]  # 0 would be never
    if read_only:
        options.append("-c default_transaction_read_only=on")
    arguments: dict[str, Any] = {"options": " ".join(options)}
    return create_engine(
        address.difference_update_query(["options"]),
        connect_args=arguments,
        pool_size=8,
        max_overflow=16,
        pool_pre_ping=True,
        hide_parameters=True,
    )


def said_by(problem: Exception) -> str:
    """What the database itself said of what went wrong, without the number some drivers put before it; one line."""
    said = getattr(problem, "orig", None)
    words = next((one for one in said.args[1:2] if isinstance(one, str)), "") if said is not None else ""
    return ((words or str(said or problem)).strip().splitlines() or [type(said or problem).__name__])[0]


def pointer_to(name: str) -> str:
    """The JSON pointer to what an object holds under a name, of whatever signs that is made."""
    return "/" + name.replace("~", "~0").replace("/", "~1")
