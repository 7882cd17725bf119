"""Sources that are asked instead of opened: a database, an Open311 endpoint, a Socrata data set.

What is fetched is written to the data folder first, window by window and page by page; a fetch that broke off goes on
where it stopped. Nothing is asked of any host that the city has not named.
"""

from __future__ import annotations

import http.client
import io
import json
import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    MetaData,
    Select,
    Table,
    Text,
    case,
    cast,
    create_engine,
    func,
    inspect,
    null,
    select,
    type_coerce,
)
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlalchemy.dialects import mssql, mysql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, SAWarning, SQLAlchemyError
from sqlalchemy.types import NullType

from dashboard.domain.errors import DataUnavailable, ImportRefused, NothingNew, did_you_mean, nearest
from dashboard.domain.local_time import to_local
from dashboard.settings import Settings
from data_access import schema
from data_access.dialects import ReadParquet, TellInUtc, said_by
from data_access.engine import Warehouse
from data_access.importers.mapping import SourceMapping, fold
from data_access.importers.sources import RAW, Source, as_words, open_source, records_of_xml

_WINDOW = timedelta(days=90)  # the longest that GeoReport allows
_PAGE, _SOCRATA_PAGE = 1_000, 50_000  # the latter is the most that it gives
_ROWS = 50_000
_OVERLAP = timedelta(days=1)  # clocks differ, and rows are written a little after their own time
_ASKED_AT_ONCE = 50
_TRIES = 5
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 120.0
_SHORTEST = timedelta(hours=1)  # no window is cut into shorter ones
_ROUND = 50


@dataclass(frozen=True)
class Known:
    """What is in service of a source: the newest update, and the ids of what is open."""

    updated_at: datetime | None = None
    open_ids: tuple[str, ...] = ()


def is_address(word: str | Path) -> bool:
    """Whether a word names something to be asked, rather than a file."""
    return "://" in str(word)


def shown(address: str) -> str:
    """An address as it may be shown: without a password, and without what is asked."""
    try:
        return make_url(address).render_as_string(hide_password=True).partition("?")[0]
    except (ArgumentError, ValueError):  # the latter of a port that is no number
        return re.sub("//.*@", "//***@", address).partition("?")[0]


def known_of(settings: Settings, mapping: SourceMapping, now: datetime) -> Known:
    """What is in service of the source that `mapping` describes; what is dated after `now` tells nothing of updates."""
    request, contact = schema.request.c, schema.contact.c
    told = {
        "request": func.coalesce(request.updated_at, request.opened_at),
        "contact": func.coalesce(contact.ended_at, contact.arrived_at),
    }
    if mapping.table not in told:
        return Known()
    table, updated = mapping.target.c, told[mapping.table]
    newest = select(func.max(updated)).where(table.src_system == mapping.src_system, updated <= now)
    mine = (request.src_system == mapping.src_system, request.closed_at.is_(None))
    warehouse = Warehouse(settings)
    try:
        until: Any = warehouse.rows(newest)[0][0]
        still = warehouse.rows(select(request.src_id).where(*mine).order_by(request.src_id))
    except DataUnavailable:
        return Known()
    finally:
        warehouse.close()
    return Known(until, tuple(str(one) for (one,) in still))


def open_live(
    connection: Connection, address: str, mapping: SourceMapping, known: Known, folder: Path, keep: Path, now: datetime
) -> Source:
    """What an address answers, as a source.

    Parameters
    ----------
    folder, keep
        Where fetched rows may lie until this build ends, and until the import has gone through.

    Raises
    ------
    ImportRefused
        If it does not answer as such a source should.
    DataUnavailable
        If it does not answer at all; what was fetched is kept for the next time.
    """
    if not address.startswith(("http://", "https://", "socrata://")):
        return _database(connection, address, mapping, known, folder)
    keep = keep / f"{zlib.crc32(address.encode()):08x}"  # what another address answered is no answer of this one
    keep.mkdir(parents=True, exist_ok=True)
    notes: list[str] = []
    if address.startswith("socrata://"):
        fetched = _socrata(address, mapping, known, keep)
    else:
        fetched = _open311(address, mapping, known, keep, now, notes)
    whole = keep / "all.jsonl"
    with whole.open("wb") as sink:
        for part in fetched:
            sink.write(part.read_bytes())
    if not whole.stat().st_size:
        shutil.rmtree(keep, ignore_errors=True)  # the next time it may be another answer
        raise NothingNew(shown(address), "there is nothing new.")
    told = [one for by in (mapping, *mapping.also) for one in by.read()]
    source = open_source(connection, whole, mapping.file, folder, told)
    return Source(shown(address), source.names, (*source.notes, *notes), empty=source.empty)


# ── A database ──────────────────────────────────────────────────────────────────────────────────────


def _database(connection: Connection, address: str, mapping: SourceMapping, known: Known, folder: Path) -> Source:
    name = shown(address)
    if not mapping.file.table:
        raise ImportRefused(name, "the mapping must name the table or view: table = “…” in [file].")
    try:
        engine = create_engine(make_url(address))
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as problem:
        raise ImportRefused(name, f"this is no address of a database that can be asked ({problem}).") from problem
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"rows-{zlib.crc32(address.encode())}.parquet"
    where, _, table_name = mapping.file.table.rpartition(".")
    try:
        with engine.connect() as asked:
            table = _described(asked, table_name, where or None)
            if engine.dialect.name == "postgresql":  # whatever the city has set
                asked.execute(select(func.set_config("DateStyle", "ISO", False)))
            if engine.dialect.name in _MYSQL:  # where the server stands, an hour of autumn may be either of two
                asked.execute(TellInUtc())
            told = _as_told(table, engine.dialect.name)
            since, notes = _newer(table, mapping, known, engine.dialect.name)
            rows = _fetch(asked, select(*told).where(*since), [one.name for one in table.columns], path)
    except NoSuchTableError as problem:
        there = inspect(engine)
        known_names = [*there.get_table_names(where or None), *there.get_view_names(where or None)]
        said = f"there is no table or view “{mapping.file.table}”.{did_you_mean(nearest(table_name, known_names))}"
        if table_name in known_names:
            said = f"“{table_name}” is there, but not its columns; a view may ask for what is no longer there."
        raise ImportRefused(name, said) from problem
    except SQLAlchemyError as problem:
        raise DataUnavailable(
            f"{name} does not answer ({said_by(problem)[:160]}). What is in service stays."
        ) from problem
    finally:
        engine.dispose()
    connection.execute(ReadParquet(RAW, path))
    source = as_words(connection, name, notes)
    return Source(name, source.names, source.notes, rows=rows)


def _described(asked: Connection, name: str, where: str | None) -> Table:
    """A table or view with its columns.

    Raises NoSuchTableError if there is none.
    """
    if asked.dialect.name not in _MYSQL:
        with warnings.catch_warnings(category=SAWarning, action="ignore"):  # of types it does not know: all are words
            return Table(name, MetaData(schema=where), autoload_with=asked)
    # How a view is made is told to few; of what columns it has, to everybody who may read it.
    known = _MYSQL_COLUMNS.c
    of = known.table_schema == (where or func.database())
    columns = asked.execute(
        select(known.column_name, known.data_type).where(of, known.table_name == name).order_by(known.ordinal_position)
    ).all()
    if not columns:
        raise NoSuchTableError(name)
    return Table(name, MetaData(schema=where), *(Column(one, _MYSQL_TYPES.get(kind)) for one, kind in columns))


_MYSQL = ("mysql", "mariadb")
_MYSQL_TYPES: dict[str, Any] = {
    "date": Date(), "datetime": DateTime(), "timestamp": DateTime(timezone=True), "bit": mysql.BIT(),
}  # fmt: skip
_MYSQL_COLUMNS = named_table(
    "columns",
    *map(named_column, ("table_schema", "table_name", "column_name", "data_type", "ordinal_position")),
    schema="information_schema",
)


def _as_told(table: Table, dialect: str) -> list[ColumnElement[Any]]:
    """The columns of a table as the database itself writes them, where Python has no value for all that they may hold.

    SQLite holds any words in any column, PostgreSQL knows times that are infinite, MySQL a day zero in place of none,
    and the driver of Oracle leaves out in which zone a time stands.
    """
    if dialect == "sqlite":
        return [type_coerce(one, NullType()).label(one.name) for one in table.columns]
    if dialect == "postgresql":
        times = (Date, DateTime)
        return [cast(one, Text).label(one.name) if isinstance(one.type, times) else one for one in table.columns]
    told = {"mysql": _mysql_time, "mariadb": _mysql_time, "oracle": _oracle_time}.get(dialect, lambda one: one)
    return [told(one).label(one.name) if isinstance(one.type, Date | DateTime) else one for one in table.columns]


def _mysql_time(column: Column[Any]) -> ColumnElement[Any]:
    written = cast(column, Text)
    whole = func.concat(written, "+00:00") if _is_instant(column) else written
    return case((written.like(f"{_NO_DAY}%"), null()), else_=whole)


_NO_DAY = "0000-00-00"


def _oracle_time(column: Column[Any]) -> ColumnElement[Any]:
    if not _is_instant(column):
        return column
    return func.to_char(func.sys_extract_utc(column), 'YYYY-MM-DD"T"HH24:MI:SS.FF6"+00:00"')


def _is_instant(column: Column[Any]) -> bool:
    """Whether a column of times says which instant each is, in whatever zone."""
    kind = column.type
    return (
        getattr(kind, "timezone", False)
        or getattr(kind, "local_timezone", False)
        or isinstance(kind, mssql.DATETIMEOFFSET)
    )


def _newer(
    table: Table, mapping: SourceMapping, known: Known, dialect: str
) -> tuple[Sequence[ColumnElement[bool]], tuple[str, ...]]:
    """Which rows of a table are asked for: all, or those updated since, if the mapping says which column tells.

    All are asked for without a condition: Oracle knows none that always holds.
    """
    if not mapping.file.updated:
        return (), ()
    column = next((one for one in table.columns if fold(one.name) == fold(mapping.file.updated)), None)
    if column is None:
        names = [one.name for one in table.columns]
        hint = did_you_mean(nearest(mapping.file.updated, names))
        raise ImportRefused(
            mapping.file.table, f"it has no column {mapping.file.updated}, by which updates are told.{hint}"
        )
    if not known.updated_at:
        return (), ()
    field = mapping.columns.get("updated_at")
    zone = (field.zone if field else "") or str(mapping.city["tz"])
    least = known.updated_at - _OVERLAP
    since = to_local([least], zone)[0].astype(datetime)
    if dialect == "sqlite":  # which has words for times, and compares whatever it is given
        told = func.datetime(column)
        return [(told >= f"{since:%Y-%m-%d %H:%M:%S}") | told.is_(None)], ()
    if not isinstance(column.type, Date | DateTime):
        return (), (f"{column.name} is no date or time ({column.type}): all rows were read.",)
    if not _is_instant(column):
        when: ColumnElement[Any] = column
    elif dialect == "oracle":
        when, since = func.sys_extract_utc(column), least
    else:
        when, since = column, least if dialect in _MYSQL else least.replace(tzinfo=UTC)
    not_told: ColumnElement[bool] = when.is_(None)
    if dialect in _MYSQL:
        not_told |= when < date(1000, 1, 1)  # the day zero
    return [(when >= since) | not_told], ()


def _fetch(asked: Connection, wanted: Select, names: Sequence[str], path: Path) -> int:
    kinds = pa.schema([(name, pa.string()) for name in names])
    rows = 0
    result = asked.execution_options(stream_results=True, max_row_buffer=_ROWS).execute(wanted)
    with pa.parquet.ParquetWriter(path, kinds) as writer:
        for part in result.partitions(_ROWS):
            columns = zip(*part, strict=True)
            arrays = [pa.array(map(_written, values), pa.string()) for values in columns]
            writer.write_table(pa.table(arrays, schema=kinds))
            rows += len(part)
    return rows


def _written(value: Any) -> str | None:
    """A value of a database in words: what is nested as JSON, bytes in hexadecimal, a duration as 36:00:05.

    A whole number has no point, as in a file.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, timedelta):
        minutes, seconds = divmod(abs(value) // timedelta(seconds=1), 60)
        return f"{'-' * (value < timedelta(0))}{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return str(value)


# ── Over HTTP ───────────────────────────────────────────────────────────────────────────────────────


def _parted(address: str) -> urllib.parse.SplitResult:
    """The parts of an address of the web.

    Raises ImportRefused if it is none, or if a name and a password stand in it: those would be sent to nobody.
    """
    try:
        parts = urllib.parse.urlsplit(address)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_host = False
    if not has_host:
        raise ImportRefused(shown(address), "this is no address of the web.")
    if "@" in parts.netloc:
        raise ImportRefused(shown(address), "an endpoint is asked without a name and a password; leave them out.")
    return parts


def _open311(
    address: str, mapping: SourceMapping, known: Known, keep: Path, now: datetime, notes: list[str]
) -> list[Path]:
    """Requests of an endpoint in windows of at most 90 days, then those that were open when last heard of."""
    parts = _parted(address)
    asked = dict(urllib.parse.parse_qsl(parts.query))
    first = asked.pop("start_date", (now - _WINDOW).isoformat())[:10]
    try:
        begin = datetime.fromisoformat(first)
    except ValueError as problem:
        raise ImportRefused(
            shown(address), f"start_date is “{first}”, which is no day such as 2024-01-01."
        ) from problem
    if known.updated_at:
        begin = known.updated_at - _OVERLAP
    form = ".xml" if parts.path.endswith(".xml") else ".json"
    url = urllib.parse.urlunsplit(parts._replace(query="", path=parts.path.removesuffix(form) + form))
    found: list[Path] = []
    short: list[str] = []
    while begin < now:
        end = min(begin + _WINDOW, now)
        final, told = end < now, len(short)  # the last window still grows
        pages = _window(url, asked, begin, end, short)
        part = _saved(keep / f"from-{begin:%Y%m%d%H%M%S}-to-{end:%Y%m%d%H%M%S}.jsonl", final, pages)
        # Under another name it is asked for again, and what it lacks told again.
        found.append(part if len(short) == told else part.rename(part.with_suffix(".short")))
        begin = end
    for at in range(0, len(known.open_ids), _ASKED_AT_ONCE):
        ids = known.open_ids[at : at + _ASKED_AT_ONCE]
        found.append(_saved(keep / f"open-{at}.jsonl", False, _those(url, asked, ids)))
    if short:
        days = ", ".join(dict.fromkeys(short[:5])) + (f" and {len(short) - 5} more" if len(short) > 5 else "")
        notes.append(f"The endpoint limits its answers and knows no pages: requests of {days} may be missing.")
    return found


def _window(
    url: str, asked: dict[str, str], begin: datetime, end: datetime, short: list[str]
) -> Iterator[list[dict[str, Any]]]:
    """The requests of a window; in halves where an endpoint that knows no pages may have cut its answer short.

    Where halves cannot help either, `short` is told of the days.
    """
    cut = yield from _pages(
        url, {**asked, "start_date": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "end_date": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
    )
    if not cut:
        return
    days = {str(one.get("requested_datetime"))[:10] for one in cut}
    around = f"{begin - _OVERLAP:%Y-%m-%d}", f"{end + _OVERLAP:%Y-%m-%d}"
    if end - begin > _SHORTEST and around[0] <= min(days) and max(days) <= around[1]:
        middle = begin + (end - begin) / 2
        yield from _window(url, asked, begin, middle, short)
        yield from _window(url, asked, middle, end, short)
    else:
        short.append(f"{begin:%Y-%m-%d} to {end:%Y-%m-%d}")


def _pages(url: str, asked: dict[str, str]) -> Generator[list[dict[str, Any]], None, list[dict[str, Any]]]:
    """The pages of an answer; an endpoint that knows no pages gives the same one twice.

    Returns that page if it may be a part only: every limit is a round number.
    """
    before: set[Any] = set()
    longest, page = 1, 1
    while True:
        records = _records(url, {**asked, "page": str(page), "page_size": str(_PAGE)})
        fresh = [one for one in records if one.get("service_request_id") not in before]
        before |= {one.get("service_request_id") for one in fresh}
        if fresh:
            yield fresh
        if page == 2 and records and not fresh and len(records) % _ROUND == 0:
            return records
        if len(records) < longest or not fresh:
            return []
        longest, page = len(records), page + 1


def _those(url: str, asked: dict[str, str], ids: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    """Some requests by their ids. Some endpoints answer 404 if one of them is no longer there."""
    try:
        yield _records(url, {**asked, "service_request_id": ",".join(ids)})
    except _NotFound:
        middle = len(ids) // 2
        for some in (ids[:middle], ids[middle:]) if middle else ():
            yield from _those(url, asked, some)


def _records(url: str, asked: dict[str, str]) -> list[dict[str, Any]]:
    """The requests of one answer, as a list or as the longest list in an object."""
    answered = _ask(url, asked, read=records_of_xml if url.endswith(".xml") else json.load)
    if isinstance(answered, dict):
        answered = max((one for one in answered.values() if isinstance(one, list)), key=len, default=answered)
    if not isinstance(answered, list) or not all(isinstance(one, dict) for one in answered):
        raise ImportRefused(url, "it does not answer with a list of requests.")
    for one in answered:
        if {"code", "description"} <= set(one) and "service_request_id" not in one:  # GeoReport's way to say no
            raise ImportRefused(url, f"it answers {one['code']} ({one['description']}).")
    return answered


def _socrata(address: str, mapping: SourceMapping, known: Known, keep: Path) -> list[Path]:
    """The rows of a data set, ``socrata://domain/id``; with ``?updated=column`` only those updated since."""
    parts = _parted(address)
    asked = dict(urllib.parse.parse_qsl(parts.query))
    token, updated = asked.pop("app_token", ""), asked.pop("updated", "") or mapping.file.updated
    scheme = asked.pop("scheme", "https")
    url = f"{scheme}://{parts.netloc}/resource/{parts.path.strip('/')}.json"
    if updated and known.updated_at:
        zone = str(mapping.city["tz"])
        since = to_local([known.updated_at], zone)[0].astype(datetime) - _OVERLAP
        newer = f"({updated} >= '{since:%Y-%m-%dT%H:%M:%S}' OR {updated} IS NULL)"
        asked["$where"] = f"({asked['$where']}) AND {newer}" if "$where" in asked else newer

    for _ in range(_TRIES):
        found: list[Path] = []
        try:
            for page in _socrata_pages(url, asked, {"X-App-Token": token} if token else {}, keep):
                found.append(page)
        except _Moved:
            for page in found:
                page.unlink()
        else:
            return found
    raise DataUnavailable(f"{url} changes while it is read; try again when it rests. What is in service stays.")


def _socrata_pages(url: str, asked: dict[str, str], headers: dict[str, str], keep: Path) -> Iterator[Path]:
    """The pages of a data set until there are none.

    Each begins with the last row of the one before: where rows came or went meanwhile, as between a fetch that broke
    off and the next, `_Moved` is raised, for some would be in no page.
    """
    at, last = 0, b""
    while True:
        page = {**asked, "$limit": str(_SOCRATA_PAGE), "$offset": str(at - bool(last)), "$order": ":id"}
        name = f"page-{at}-{zlib.crc32(asked.get('$where', '').encode())}.jsonl"
        path = _saved(keep / name, True, _page(url, page, headers, last))
        yield path
        lines = path.read_bytes().splitlines()
        if not lines:  # a server may give less at a time than was asked for
            return
        at, last = at + len(lines), lines[-1]


class _Moved(Exception):
    """Rows of a data set have moved from page to page."""


def _page(url: str, asked: dict[str, str], headers: dict[str, str], after: bytes) -> Iterator[list[dict[str, Any]]]:
    """The rows of a page that follow the row `after`, with which it begins."""
    rows = _ask(url, asked, headers)
    if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
        raise ImportRefused(url, "it does not answer with a list of rows.")
    if after and [_line(one) for one in rows[:1]] != [after]:
        raise _Moved
    yield rows[1:] if after else rows


def _saved(path: Path, final: bool, pages: Iterable[Any]) -> Path:
    """The records of some pages, one a line; those fetched lately need not be asked for again."""
    if final and path.exists() and time.time() - path.stat().st_mtime < _OVERLAP.total_seconds():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as sink:
        for page in pages:
            sink.writelines(_line(one) + b"\n" for one in page)
    part.replace(path)
    return path


def _line(record: dict[str, Any]) -> bytes:
    """A record on a line; half of a letter in two halves, which no file can hold, is “?”."""
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "replace")


class _NotFound(ImportRefused):
    """What was asked for is not there."""


_PORTS = {"http": 80, "https": 443}


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Goes where an answer points to, unless that is another host or port, or others could listen there."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        asked, there = urllib.parse.urlsplit(req.full_url), urllib.parse.urlsplit(newurl)
        if there.hostname != asked.hostname:
            raise ImportRefused(
                shown(req.full_url), f"it points to another host, {there.hostname}; if that is meant, name it."
            )
        if there.scheme not in (asked.scheme, "https"):  # a token would go there, too
            raise ImportRefused(shown(req.full_url), f"it points to {there.scheme}://…, where others could listen.")
        try:
            ports = [(one.port, one.port or _PORTS[one.scheme]) for one in (asked, there)]
        except ValueError as problem:
            raise ImportRefused(shown(req.full_url), f"it points to a port that is none ({problem}).") from problem
        (said, port), (said_there, port_there) = ports
        if port != port_there and (said or said_there):  # from http to https it may go
            raise ImportRefused(
                shown(req.full_url), f"it points to another port, {port_there}; if that is meant, name it."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _ask(
    url: str, asked: dict[str, str], headers: dict[str, str] | None = None, read: Callable[[IO[bytes]], Any] = json.load
) -> Any:
    """What an endpoint answers, as `read` understands it; asked again, ever more patiently, while it is busy.

    Raises DataUnavailable if it stays so, ImportRefused if it says no.
    """
    if not url.startswith(("https://", "http://")):
        raise ImportRefused(url, "only addresses of the web are asked.")
    full = f"{url}?{urllib.parse.urlencode(asked)}"
    accept = "text/xml" if url.endswith(".xml") else "application/json"
    request = urllib.request.Request(full, headers={"Accept": accept, **(headers or {})})
    opener = urllib.request.build_opener(_SameHost())
    said, pause = "", 0.0
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(max(pause, _PAUSE_S * 2 ** (attempt - 1)))
        try:
            with opener.open(request, timeout=60) as answer:
                body = answer.read()
        except urllib.error.HTTPError as problem:
            with problem:
                said = f"{problem.code} {problem.reason}{_reason_in(problem.read())}"
                pause = _patience(problem.headers.get("Retry-After"))
            if problem.code < 500 and problem.code != 429:
                raise (_NotFound if problem.code == 404 else ImportRefused)(url, f"it answers {said}.") from problem
            continue
        except (http.client.InvalidURL, UnicodeError) as problem:
            raise ImportRefused(url, "this is no address of the web.") from problem  # it would say what is asked
        except (OSError, http.client.HTTPException) as problem:
            said = str(problem)
            continue
        try:
            return read(io.BytesIO(body))
        except (ValueError, RecursionError):
            words = " ".join(body[:2000].decode("utf-8", "replace").split())
            said = f"with “{words[:80]}”, which is no {'XML' if url.endswith('.xml') else 'JSON'}"
    raise DataUnavailable(f"{url} does not answer ({said}). What was fetched is kept; try again later.")


def _patience(said: str | None) -> float:
    """The seconds for which an endpoint wants to be left alone, as far as one waits."""
    return min(float(said), _LONGEST_PAUSE_S) if said and said.isdecimal() else 0.0


def _reason_in(body: bytes) -> str:
    """What an endpoint says of its refusal: Socrata in a message, GeoReport in descriptions."""
    try:
        told = json.loads(body)
    except ValueError:
        return ""
    told = next(iter(told), {}) if isinstance(told, list) else told
    words = (told.get("message") or told.get("description")) if isinstance(told, dict) else None
    return f" ({' '.join(str(words).split())[:200]})" if words else ""
