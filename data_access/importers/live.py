"""Sources that are asked instead of opened: a database, an Open311 endpoint, a Socrata data set.

What is fetched is written to the data folder first, window by window and page by page; a fetch that broke off goes on
where it stopped. Nothing is asked of any host that the city has not named.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
from sqlalchemy import Connection, MetaData, Select, Table, create_engine, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError

from dashboard.domain.errors import DataUnavailable, ImportRefused, NothingNew
from dashboard.domain.local_time import to_local
from dashboard.settings import Settings
from data_access import schema
from data_access.dialects import ReadParquet
from data_access.engine import Warehouse
from data_access.importers.mapping import SourceMapping, fold
from data_access.importers.sources import RAW, Source, as_words, open_source

_WINDOW = timedelta(days=90)  # the longest that GeoReport allows
_PAGE, _SOCRATA_PAGE = 1_000, 50_000
_ROWS = 50_000
_OVERLAP = timedelta(days=1)  # clocks differ, and rows are written a little after their own time
_ASKED_AT_ONCE = 50
_TRIES = 5
_PAUSE_S = 1.0


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
    except ArgumentError:
        return address.partition("?")[0]


def known_of(settings: Settings, mapping: SourceMapping) -> Known:
    """What is in service of the source that `mapping` describes."""
    warehouse = Warehouse(settings)
    request = schema.request.c
    mine = request.src_system == mapping.src_system
    try:
        newest: Any = warehouse.rows(select(func.max(func.coalesce(request.updated_at, request.opened_at))).where(mine))
        still = warehouse.rows(select(request.src_id).where(mine, request.closed_at.is_(None)).order_by(request.src_id))
    except DataUnavailable:
        return Known()
    finally:
        warehouse.close()
    return Known(newest[0][0], tuple(str(one) for (one,) in still))


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
    if address.startswith(("http://", "https://")):
        fetched = _open311(address, mapping, known, keep, now)
    elif address.startswith("socrata://"):
        fetched = _socrata(address, mapping, known, keep)
    else:
        return _database(connection, address, mapping, known, folder)
    whole = keep / "all.jsonl"
    with whole.open("wb") as sink:
        for part in fetched:
            sink.write(part.read_bytes())
    if not whole.stat().st_size:
        raise NothingNew(shown(address), "there is nothing new.")
    source = open_source(connection, whole, mapping.file, folder)
    return Source(shown(address), source.names, source.notes)


# ── A database ──────────────────────────────────────────────────────────────────────────────────────


def _database(connection: Connection, address: str, mapping: SourceMapping, known: Known, folder: Path) -> Source:
    name = shown(address)
    if not mapping.file.table:
        raise ImportRefused(name, "the mapping must name the table or view: table = “…” in [file].")
    try:
        engine = create_engine(make_url(address))
    except (ArgumentError, NoSuchModuleError, ImportError) as problem:
        raise ImportRefused(name, f"this is no address of a database that can be asked ({problem}).") from problem
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"rows-{zlib.crc32(address.encode())}.parquet"
    where, _, table_name = mapping.file.table.rpartition(".")
    try:
        with engine.connect() as asked:
            table = Table(table_name, MetaData(schema=where or None), autoload_with=asked)
            rows = _fetch(asked, _newer(table, mapping, known), [one.name for one in table.columns], path)
    except NoSuchTableError as problem:
        raise ImportRefused(name, f"there is no table or view “{mapping.file.table}”.") from problem
    except SQLAlchemyError as problem:
        said = str(getattr(problem, "orig", problem)).splitlines()[0]
        raise DataUnavailable(f"{name} does not answer ({said[:160]}). What is in service stays.") from problem
    finally:
        engine.dispose()
    connection.execute(ReadParquet(RAW, path))
    source = as_words(connection, name, ())
    return Source(name, source.names, rows=rows)


def _newer(table: Table, mapping: SourceMapping, known: Known) -> Select:
    """The rows of a table, or those updated since, if the mapping says which column tells."""
    wanted = select(table)
    if not (mapping.file.updated and known.updated_at):
        return wanted
    column = next((one for one in table.columns if fold(one.name) == fold(mapping.file.updated)), None)
    if column is None:
        raise ImportRefused(mapping.file.table, f"it has no column {mapping.file.updated}, by which updates are told.")
    field = mapping.columns.get("updated_at")
    zone = (field.zone if field else "") or str(mapping.city["tz"])
    since = to_local([known.updated_at], zone)[0].astype(datetime) - _OVERLAP
    return wanted.where((column >= since) | column.is_(None))


def _fetch(asked: Connection, wanted: Select, names: Sequence[str], path: Path) -> int:
    kinds = pa.schema([(name, pa.string()) for name in names])
    rows = 0
    result = asked.execution_options(stream_results=True, max_row_buffer=_ROWS).execute(wanted)
    with pa.parquet.ParquetWriter(path, kinds) as writer:
        for part in result.partitions(_ROWS):
            columns = zip(*part, strict=True)
            arrays = [
                pa.array([None if one is None else str(one) for one in values], pa.string()) for values in columns
            ]
            writer.write_table(pa.table(arrays, schema=kinds))
            rows += len(part)
    return rows


# ── Over HTTP ───────────────────────────────────────────────────────────────────────────────────────


def _open311(address: str, mapping: SourceMapping, known: Known, keep: Path, now: datetime) -> list[Path]:
    """Requests of an endpoint in windows of at most 90 days, then those that were open when last heard of."""
    parts = urllib.parse.urlsplit(address)
    asked = dict(urllib.parse.parse_qsl(parts.query))
    since = known.updated_at - _OVERLAP if known.updated_at else None
    begin = since or datetime.fromisoformat(asked.pop("start_date", (now - _WINDOW).isoformat())[:10])
    asked.pop("start_date", None)
    base = urllib.parse.urlunsplit(parts._replace(query="", path=parts.path.removesuffix(".json")))
    found: list[Path] = []
    while begin < now:
        end = min(begin + _WINDOW, now)
        window = {**asked, "start_date": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "end_date": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
        final = end < now  # the last window still grows
        found.append(_saved(keep / f"from-{begin:%Y%m%d%H%M%S}.jsonl", final, _pages(f"{base}.json", window)))
        begin = end
    for at in range(0, len(known.open_ids), _ASKED_AT_ONCE):
        ids = ",".join(known.open_ids[at : at + _ASKED_AT_ONCE])
        found.append(
            _saved(keep / f"open-{at}.jsonl", False, _pages(f"{base}.json", {**asked, "service_request_id": ids}))
        )
    return found


def _pages(url: str, asked: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    """The pages of an answer; an endpoint that knows no pages gives the same one twice."""
    before: set[Any] = set()
    page = 1
    while True:
        records = ask_json(url, {**asked, "page": str(page), "page_size": str(_PAGE)})
        if not isinstance(records, list):
            raise ImportRefused(url, "it does not answer with a list of requests.")
        fresh = [one for one in records if one.get("service_request_id") not in before]
        before |= {one.get("service_request_id") for one in fresh}
        if fresh:
            yield fresh
        if len(records) < _PAGE or not fresh or "service_request_id" in asked:
            return
        page += 1


def _socrata(address: str, mapping: SourceMapping, known: Known, keep: Path) -> list[Path]:
    """The rows of a data set, ``socrata://domain/id``; with ``?updated=column`` only those updated since."""
    parts = urllib.parse.urlsplit(address)
    asked = dict(urllib.parse.parse_qsl(parts.query))
    token, updated = asked.pop("app_token", ""), asked.pop("updated", "") or mapping.file.updated
    scheme = asked.pop("scheme", "https")
    url = f"{scheme}://{parts.netloc}/resource/{parts.path.strip('/')}.json"
    if updated and known.updated_at:
        zone = str(mapping.city["tz"])
        since = to_local([known.updated_at], zone)[0].astype(datetime) - _OVERLAP
        asked["$where"] = f"{updated} >= '{since:%Y-%m-%dT%H:%M:%S}'"

    found: list[Path] = []
    while True:
        at = len(found) * _SOCRATA_PAGE
        page = {**asked, "$limit": str(_SOCRATA_PAGE), "$offset": str(at), "$order": ":id"}
        name = f"page-{at}-{zlib.crc32(asked.get('$where', '').encode())}.jsonl"
        saved = _saved(keep / name, True, iter([ask_json(url, page, {"X-App-Token": token} if token else {})]))
        found.append(saved)
        if saved.read_bytes().count(b"\n") < _SOCRATA_PAGE:
            return found


def _saved(path: Path, final: bool, pages: Iterator[list[dict[str, Any]]]) -> Path:
    """The records of some pages, one a line; those fetched before need not be asked for again."""
    if final and path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as sink:
        for page in pages:
            sink.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in page)
    part.replace(path)
    return path


def ask_json(
    url: str,
    asked: dict[str, str],
    headers: dict[str, str] | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> Any:
    """What an endpoint answers; asked again, ever more patiently, while it is busy.

    Raises DataUnavailable if it stays so, ImportRefused if it says no.
    """
    if not url.startswith(("https://", "http://")):
        raise ImportRefused(url, "only addresses of the web are asked.")
    full = f"{url}?{urllib.parse.urlencode(asked)}"
    request = urllib.request.Request(full, headers={"Accept": "application/json", **(headers or {})})
    said = ""
    for attempt in range(_TRIES):
        if attempt:
            wait(_PAUSE_S * 2 ** (attempt - 1))
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # nosec B310 - the scheme is checked above
                return json.load(answer)
        except urllib.error.HTTPError as problem:
            with problem:
                said = f"{problem.code} {problem.reason}"
            if problem.code < 500 and problem.code != 429:
                raise ImportRefused(url, f"it answers {said}.") from problem
        except (OSError, json.JSONDecodeError) as problem:
            said = str(problem)
    raise DataUnavailable(f"{url} does not answer ({said}). What was fetched is kept; try again later.")
