"""Every kind of source as one thing: a view of words in the build's own DuckDB; what a file looks like is known here.

A view has one column for each of theirs. Rows that have not the shape of a row are counted and kept apart.
"""

from __future__ import annotations

import glob
import json
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree  # nosec B405 - its types only; what is read is read by defusedxml

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import parse as read_xml
from sqlalchemy import ColumnElement, Connection, Select, String, case, cast, func, literal, literal_column, select
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import DropTable
from sqlalchemy.sql.expression import TableClause
from sqlalchemy.types import UserDefinedType

from dashboard.domain.errors import ImportRefused
from data_access.dialects import ReadLines, ReadObjects, ReadParquet, ReadTable, ViewOf, pointer_to
from data_access.importers.mapping import Reading, fold
from data_access.importers.text import (
    Heading,
    Lines,
    check_file,
    heading_among,
    heading_of,
    mended,
    packing_of,
    tidied,
    without_titles,
)

VIEW = "dashboard311_source"  # no column of a source is called so
RAW = "source_raw"
"""What is read, before it is made words."""

_EXCEL = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_AREAS = (".gpkg", ".shp", ".fgb")


CORRECTED = {"refused_file": "file", "refused_row": "row_number", "refused_reason": "reason"}
"""Columns of a file of refused rows that say which they were."""


FORMULA = r"[=+\-@\t\r\n]"
"""With what a spreadsheet takes a cell for a formula; “'” stands before it in a file of refused rows."""


def unquoted(words: ColumnElement[Any]) -> ColumnElement[Any]:
    """The words of a cell of a file of refused rows: what stands there before a formula is no part of them."""
    return func.regexp_replace(words, f"^'({FORMULA})", r"\1")


@dataclass(frozen=True)
class Misshapen:
    """Rows that have not the shape of a row: their number, what is wrong, and the row as it stands."""

    rows: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame({"row_number": [], "value": [], "expected": [], "reason": [], "line": []})
    )

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Source:
    """A file, or whatever else holds rows, ready to be read as `relation`.

    Parameters
    ----------
    names
        Its columns.
    notes
        What was found out about it that a person may want to know.
    text, heading
        Of a table of text only: what its lines are read from.
    removed
        Lines of a table of text that were taken out before, by row number.
    rows
        How many rows there must be, if that is known beforehand.
    empty
        Columns that no record has, though some may another time.
    """

    file: str
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    text: Lines | None = None
    heading: Heading | None = None
    removed: tuple[tuple[int, str], ...] = ()
    rows: int | None = None
    empty: tuple[str, ...] = ()

    @property
    def has_heading(self) -> bool:
        """Whether it names its columns, also those in which nothing stands."""
        return BROKEN not in self.names

    @property
    def is_corrected(self) -> bool:
        """Whether it is a file of refused rows."""
        return set(CORRECTED) <= set(self.names)

    @property
    def relation(self) -> TableClause:
        """What to select from."""
        return named_table(VIEW, *(named_column(one, String) for one in self.names))


def files_of(words: Iterable[str | Path]) -> list[Path]:
    """The files that paths and patterns such as ``311_*.csv.gz`` name, each once.

    Raises ImportRefused for a pattern that fits no file.
    """
    found: list[Path] = []
    for word in map(str, words):
        if any(sign in word for sign in "*?[") and not Path(word).exists():
            fitting = sorted(glob.glob(word, recursive=True))
            if not fitting:
                raise ImportRefused(word, "no file has a name like that.")
            found += map(Path, fitting)
        else:
            found.append(Path(word))
    return list({one.resolve(): one for one in reversed(found)}.values())[::-1]


def open_source(
    connection: Connection, path: Path, reading: Reading, folder: Path, told: Sequence[Sequence[str]] = ()
) -> Source:
    """A file as `Source`, whatever kind it is of.

    JSON leaves out what is empty: of each group of columns in `told` there is one, if no record has any.

    Raises ImportRefused if it is of no kind that is known, or is not what its name says.
    """
    check_file(path)
    name = path.name.casefold()
    stem = name.removesuffix(Path(name).suffix) if packing_of(path) and Path(name).suffix in _PACKED else name
    if _is_workbook(path):
        return _excel(connection, path, reading)
    if name.endswith(_AREAS) or (packing_of(path) == "zip" and _holds_shapes(path)):
        return _points(connection, path, reading)
    if _begins(path, b"PAR1"):
        try:
            connection.execute(ReadParquet(RAW, path))
        except DBAPIError as problem:
            raise ImportRefused(path.name, f"this Parquet file is damaged ({_first_sentence(problem)}).") from problem
        return as_words(connection, path.name, (f"Parquet: {path.name}",))
    text = tidied(path, folder, reading.encoding)
    first = _first_character(text.path)
    if first == "<" or stem.endswith(".xml"):
        return _xml(connection, path.name, text, reading)
    if first in "{[" and not stem.endswith((".csv", ".tsv", ".txt")):
        return _json(connection, path.name, text, reading, told)
    return _table(connection, path.name, text, reading, folder)


_PACKED = (".gz", ".zip", ".zst", ".bz2", ".xz")


def _begins(path: Path, magic: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(magic)) == magic


def _is_workbook(path: Path) -> bool:
    """Whether a file is a workbook, whatever it is called: what programs call .xls may be a table of text."""
    if packing_of(path) != "zip":
        return _begins(path, b"\xd0\xcf\x11\xe0")
    if path.name.casefold().endswith(_EXCEL):
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return any(one.startswith("xl/workbook.") for one in archive.namelist())
    except zipfile.BadZipFile:
        return False


def _first_character(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(4096).decode("utf-8", "ignore").lstrip()[:1] or " "


# ── Tables of text ──────────────────────────────────────────────────────────────────────────────────


def _table(connection: Connection, file: str, text: Lines, reading: Reading, folder: Path) -> Source:
    lines = text.lines
    text, title = without_titles(text, folder, reading.delimiter)
    heading = heading_of(text, file, reading.delimiter)
    notes = [_above(lines - text.lines, title)] if title else []
    if text.repaired:
        notes.append(f"{text.repaired:,} bytes are not UTF-8 and were read as Windows-1252.")
    elif text.encoding != "utf-8":
        notes.append(f"Written in {text.encoding}.")
    source = Source(file, heading.names, tuple(notes), text, heading)
    connection.execute(ReadTable(VIEW, text.path, heading.names, heading.delimiter))
    return source


def _above(lines: int, title: str) -> str:
    return f"Not read: {lines} line{'s' * (lines != 1)} above the heading, such as “{title[:80]}”."


def adds_up(source: Source, accepted: int, refused: int) -> bool:
    """Whether every row of a source was seen: as many as it has, or of a table of text as it has lines."""
    if source.rows is not None:
        return accepted + refused == source.rows
    if source.text is None or source.heading is None:
        return True
    return accepted + refused == source.text.lines - source.heading.lines


def mend(connection: Connection, source: Source, folder: Path) -> Source:
    """A table of text whose rows do not add up to its lines, without the lines that are at fault."""
    if source.text is None or source.heading is None or source.rows is not None:
        raise ImportRefused(source.file, "not all of its rows could be read, and nobody knows which are missing.")
    found = mended(source.text, source.heading, folder)
    connection.execute(ReadTable(VIEW, found.path, source.names, source.heading.delimiter))
    return Source(
        source.file, source.names, source.notes, source.text, source.heading, found.removed,
        rows=found.rows - len(found.removed),
    )  # fmt: skip


def misshapen(connection: Connection, source: Source) -> Misshapen:
    """The rows that were refused for their shape while the view was read; afterwards they are forgotten."""
    if source.text is None:
        return Misshapen()
    lines = named_table(
        "refused_lines", *map(named_column, ("line", "line_byte_position", "error_type", "csv_line", "column_name"))
    )
    scans = named_table("refused_scans")
    try:
        cursor: Any = connection.execute(
            select(
                lines.c.line,
                func.any_value(lines.c.error_type).label("problem"),
                func.min(lines.c.line_byte_position).label("at"),
                func.any_value(lines.c.csv_line).label("text"),
            )
            .group_by(lines.c.line)
            .order_by(lines.c.line)
        ).cursor
        found = cursor.to_arrow_table().to_pandas()
        connection.execute(DropTable(lines))  # type: ignore[arg-type]
        connection.execute(DropTable(scans))  # type: ignore[arg-type]
    except DBAPIError as problem:
        if "refused_lines" in str(problem):  # nothing was refused, so there is no such table
            return Misshapen()
        raise
    width = len(source.names)
    rows = [
        _refusal(int(line) - 1, str(problem), text, width)
        for line, problem, text in zip(found["line"], found["problem"], found["text"], strict=True)
    ]
    numbers = original_numbers(source, [one["row_number"] for one in rows])
    rows = [{**one, "row_number": number} for one, number in zip(rows, numbers, strict=True)]
    rows += [
        {
            "row_number": number, "value": None, "expected": "a closing quotation mark",
            "reason": "a quotation mark that opens and never closes", "line": text,
        }
        for number, text in source.removed
    ]  # fmt: skip
    return Misshapen(pd.DataFrame(rows)) if rows else Misshapen()


def _refusal(number: int, problem: str, text: str, width: int) -> dict[str, Any]:
    expected, reason, value = f"{width} columns", "wrong number of columns", None
    if problem not in ("MISSING COLUMNS", "TOO MANY COLUMNS"):
        expected, reason = "a row of a table", f"cannot be read ({problem.casefold()})"
    if problem == "UNQUOTED VALUE":
        expected, reason = "quotation marks around a whole value, or doubled", "a quotation mark in the wrong place"
    return {
        "row_number": number, "value": value, "expected": expected, "reason": reason,
        "line": str(text).strip("\n"),
    }  # fmt: skip


def original_numbers(source: Source, numbers: Sequence[int]) -> list[int]:
    """Row numbers of a table that was mended, as they were before."""
    found = list(numbers)
    for taken, _ in sorted(source.removed):
        found = [one + (one >= taken) for one in found]
    return found


# ── JSON and XML ────────────────────────────────────────────────────────────────────────────────────


def _json(
    connection: Connection, file: str, text: Lines, reading: Reading, told: Sequence[Sequence[str]] = ()
) -> Source:
    first, second = _first_lines(text.path)
    json_: Any = literal_column("json")
    alone = text.lines == 1  # on one line, an object may be a record, or all of them
    top = _object(text.path, file, alone) if first.startswith("{") and (alone or not second.startswith("{")) else None
    listed = reading.rows or (_list_in(top, alone) if top else "")
    if first.startswith("{") and not (listed if alone else top):
        connection.execute(ReadLines(RAW, text.path))
        line: Any = literal_column("line")
        whole = func.json_valid(line) & func.starts_with(func.ltrim(line), "{")
        rows = select(
            case((whole, cast(line, _JSON))).label("json"), case((~whole, line)).label("line")
        ).select_from(named_table(RAW)).where(func.trim(line) != "")  # fmt: skip
        connection.execute(ViewOf("source_objects", rows))
    else:
        connection.execute(ReadObjects(RAW, text.path, text.path.stat().st_size + (1 << 20)))
        rows = select(json_, literal(None, String).label("line")).select_from(named_table(RAW))
        if top and listed:
            within = [listed] if listed in top else listed.split(".")
            held = func.json_extract(json_, "".join(map(pointer_to, within)))
            entries = func.unnest(func.json_extract(held, "$[*]")).label("json")
            rows = select(entries, literal(None, String).label("line")).select_from(named_table(RAW))
        connection.execute(ViewOf("source_objects", rows))
    source = _objects(connection, file, _system_in(top or {}), told)
    if top and (top.get("exceededTransferLimit") or (top.get("properties") or {}).get("exceededTransferLimit")):
        return replace(source, notes=(*source.notes, "It says that it holds a part only (exceededTransferLimit)."))
    return source


def _first_lines(path: Path) -> tuple[str, str]:
    with path.open("rb") as stream:
        lines = (line.decode("utf-8", "ignore").strip() for line in iter(lambda: stream.readline(1 << 20), b""))
        full = (line for line in lines if line)
        return next(full, ""), next(full, "")


def _object(path: Path, file: str, alone: bool) -> dict[str, Any] | None:
    """The one object in a file; None if its only line is none, which is told of as a line."""
    try:
        return json.loads(path.read_bytes())
    except ValueError as problem:
        if alone:
            return None
        raise ImportRefused(file, f"this is not JSON that can be read ({problem}).") from problem


_HOLDERS = ("data", "result", "results", "response", "payload", "d")
"""What answers hold their list of records in, such as those of CKAN."""


def _list_in(top: dict[str, Any], alone: bool) -> str:
    """The name of the list of records in an object, “result.records” of one within; empty if it is itself the record.

    An object `alone` on its line is itself one if it has an id.
    """
    lists = {name: held for name, held in top.items() if isinstance(held, list) and held}
    known = next((one for one in ("features", "records", "data") if one in lists), "")
    if known or (alone and any(fold(one).endswith("id") for one in top)):
        return known
    of_objects = [one for one, held in lists.items() if isinstance(held[0], dict)]
    for holder in _HOLDERS if not lists else ():
        if isinstance(top.get(holder), dict) and (within := _list_in(top[holder], alone=True)):
            return f"{holder}.{within}"
    return max(of_objects or ([] if alone else lists), key=lambda name: len(lists[name]), default="")


def _system_in(top: dict[str, Any]) -> str:
    """The coordinate system that a GeoJSON or an answer of ArcGIS names; empty if it names none, or degrees."""
    esri, geojson = (one if isinstance(one := top.get(name), dict) else {} for name in ("spatialReference", "crs"))
    number = esri.get("latestWkid") or esri.get("wkid")
    if number:
        return "" if number == 4326 else f"{'EPSG' if number < 100_000 else 'ESRI'}:{number}"
    named = re.search(r"(EPSG)\W+(\d+)$", str((geojson.get("properties") or {}).get("name", "")))
    return f"EPSG:{named[2]}" if named and named[2] != "4326" else ""


class _Json(String):
    """DuckDB's JSON, by its name in a cast."""

    __visit_name__ = "JSON"


_JSON = _Json()


def _objects(connection: Connection, file: str, system: str = "", told: Sequence[Sequence[str]] = ()) -> Source:
    """A view of `source_objects`: one column for each name that any object has, and for one of each group in `told`.

    Names that differ in capitals alone are one column; of an object that has several, the most frequent name counts.

    Of shapes with properties (GeoJSON) or attributes (ArcGIS) it has those, and the point, in degrees unless the file
    names another `system`.
    """
    objects = named_table("source_objects", named_column("json"), named_column("line"))
    try:
        kinds = {str(one) for (one,) in connection.execute(select(func.json_type(objects.c.json)).distinct())}
        if kinds - {"OBJECT", "None"}:
            raise ImportRefused(file, "this JSON holds no records: a list of objects is expected.")
        features = _keys(connection, objects, objects.c.json)
    except DBAPIError as problem:
        raise ImportRefused(file, f"this is not JSON that can be read ({_first_sentence(problem)}).") from problem
    points: tuple[str, str] = ("coordinates[0]", "coordinates[1]")
    holder = "properties" if {"type", "properties", "geometry"} <= set(features) else ""
    if "attributes" in features and set(features) <= {"attributes", "geometry"}:
        holder, points = "attributes", ("x", "y")
    held: Any = func.json_extract(objects.c.json, pointer_to(holder)) if holder else objects.c.json
    features = _keys(connection, objects, held) if holder else features
    empty: list[str] = []
    for group in told:
        heads = [one.partition(".")[0] for one in group]
        if not {fold(one) for one in heads} & {fold(one) for one in (*features, *empty)}:
            empty.append(heads[0])
    features += empty
    alike: dict[str, list[str]] = {}  # one column to DuckDB, which would take the first for all of them
    for name in features:
        alike.setdefault(name.casefold(), []).append(name)
    columns = []
    for number, names in enumerate(alike.values(), 1):
        told_as = [func.json_extract_string(held, pointer_to(name)) for name in names]
        words = func.coalesce(*told_as) if len(told_as) > 1 else told_as[0]
        words = func.replace(words, func.chr(0), "")  # which no text of PostgreSQL may hold
        columns.append(words.label(names[0] if names[0].strip() else f"column {number}"))
    if holder:
        known = {one.casefold() for one in features}
        for name, at in zip(("x", "y") if system else ("longitude", "latitude"), points, strict=True):
            if name not in known:
                columns.append(func.json_extract_string(objects.c.json, f"$.geometry.{at}").label(name))
    if not columns:
        raise ImportRefused(file, "there is not one record in this file.")
    columns.append(objects.c.line.label(BROKEN))
    connection.execute(ViewOf(VIEW, select(*columns)))
    notes = (f"Its points, x and y, are in {system}.",) if system and holder else ()
    return Source(file, tuple(one.name for one in columns), notes, empty=tuple(empty))


BROKEN = "line that is no record"
"""The column in which a view of JSON lines holds what could not be read."""


def _keys(connection: Connection, objects: TableClause, held: Any) -> list[str]:
    names = select(func.unnest(func.json_keys(held)).label("name")).select_from(objects).subquery()
    counted = select(names.c.name, func.count()).group_by(names.c.name).order_by(func.count().desc(), names.c.name)
    return [str(name) for name, _ in connection.execute(counted)]


def _first_sentence(problem: Exception) -> str:
    said = str(getattr(problem, "orig", problem)).splitlines()[0]
    return said.split(": ", 1)[-1][:160].rstrip(".")


def _xml(connection: Connection, file: str, text: Lines, reading: Reading) -> Source:
    try:
        records = records_of_xml(text.path, reading.rows)
    except ValueError as problem:
        raise ImportRefused(file, f"this is not XML that can be read ({problem}).") from problem
    return from_records(connection, file, records)


def records_of_xml(text: Path | IO[bytes], rows: str = "") -> list[dict[str, Any]]:
    """Records of XML: the children of the root, or the elements named `rows`; what is nested stays JSON.

    Raises ValueError if it is no XML.
    """
    try:
        root = read_xml(text).getroot()
        elements = [one for one in root.iter() if rows in (one.tag, _tag(one))] if rows else root
        return [{_tag(one): _held(one) for one in element} for element in elements]
    except (ElementTree.ParseError, DefusedXmlException, RecursionError) as problem:
        raise ValueError(str(problem)) from problem


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _held(element: ElementTree.Element) -> Any:
    if not len(element):
        return element.text or ""
    tags = [_tag(one) for one in element]
    if len(set(tags)) < len(tags) or (len(tags) == 1 and element.tag.rstrip("s") == tags[0]):
        return [_held(one) for one in element]
    return {_tag(one): _held(one) for one in element}


def from_records(connection: Connection, file: str, records: Sequence[dict[str, Any]]) -> Source:
    """Records that are here already (an answer of an endpoint), as a source."""
    if not records:
        raise ImportRefused(file, "there is not one record in this file.")
    written = pa.table({"json": pa.array([json.dumps(one, ensure_ascii=False) for one in records], pa.string())})
    _register(connection, RAW, written)
    rows = select(cast(literal_column("json"), _JSON).label("json"), literal(None, String).label("line")).select_from(
        named_table(RAW)
    )
    connection.execute(ViewOf("source_objects", rows))
    return _objects(connection, file)


# ── Arrow, Parquet, Excel, points ───────────────────────────────────────────────────────────────────


def from_arrow(connection: Connection, file: str, rows: pa.Table, notes: Sequence[str] = ()) -> Source:
    """A table that is here already, as a source."""
    _register(connection, RAW, rows)
    return as_words(connection, file, tuple(notes))


def _register(connection: Connection, name: str, rows: pa.Table) -> None:
    driver: Any = connection.connection.driver_connection
    driver.register(f"{name}_rows", rows)
    # What is registered replaces no view of that name, as a source before this one may have left.
    connection.execute(ViewOf(name, select(literal_column("*")).select_from(named_table(f"{name}_rows"))))


def as_words(connection: Connection, file: str, notes: tuple[str, ...]) -> Source:
    """A view of a typed table: whole numbers without a point, instants as ISO, nested values as JSON."""
    driver: Any = connection.connection.driver_connection
    try:
        described = driver.execute(f'DESCRIBE "{RAW}"').fetchall()
    except Exception as problem:  # whatever DuckDB says of a damaged file
        raise ImportRefused(file, f"this file cannot be read ({_first_sentence(problem)}).") from problem
    columns: list[Any] = []
    words: Any
    for name, kind, *_ in described:
        one: Any = named_column(name)
        if kind in ("DOUBLE", "FLOAT"):
            exact = func.abs(one) < 2.0**63
            words = case(
                (func.isnan(one), None),
                (exact & (one == func.trunc(one)), cast(cast(one, _Hugeint()), String)),
                else_=cast(one, String),
            )
        elif kind == "BLOB":
            continue
        elif "[" in kind or kind.startswith(("STRUCT", "MAP")):
            words = cast(func.to_json(one), String)
        else:
            words = cast(one, String)
        columns.append(words.label(" ".join(name.split()) or f"column {len(columns) + 1}"))
    rows: Select = select(*columns).select_from(named_table(RAW))
    connection.execute(ViewOf(VIEW, rows))
    return Source(file, tuple(one.name for one in columns), notes)


class _Hugeint(UserDefinedType):
    cache_ok = True

    def get_col_spec(self, **kw: Any) -> str:
        return "HUGEINT"


def _excel(connection: Connection, path: Path, reading: Reading) -> Source:
    import fastexcel

    try:
        book = fastexcel.read_excel(path if path.name.casefold().endswith(_EXCEL) else path.read_bytes())
        if reading.sheet and reading.sheet not in book.sheet_names:
            there = ", ".join(book.sheet_names)
            raise ImportRefused(path.name, f"there is no sheet “{reading.sheet}”; there are {there}.")
        loaded = _sheet([reading.sheet] if reading.sheet else book.sheet_names, book)
        if loaded is None:
            raise ImportRefused(path.name, f"nothing stands in {reading.sheet and 'this sheet' or 'its sheets'}.")
        sheet, rows = loaded.name, pa.table(loaded.to_arrow())
        title = next((one for one in rows.column_names if not one.startswith(_UNNAMED)), "")
        above = _rows_above_heading(rows)
        if above:
            rows = pa.table(book.load_sheet(sheet, header_row=above, dtypes="string").to_arrow())
    except fastexcel.FastExcelError as problem:
        raise ImportRefused(path.name, f"this workbook cannot be read ({_first_sentence(problem)}).") from problem
    others = [one for one in book.sheet_names if one != sheet]
    notes = [f"Sheet “{sheet}”" + (f"; not read: {', '.join(others)}." if others else ".")]
    notes += [_above(above, title)] if above else []
    written = [pc.replace_substring_regex(one, _TIME_OF_DAY, "") for one in rows.columns]
    return from_arrow(connection, path.name, pa.table(written, rows.column_names), notes)


def _sheet(names: Sequence[str], book: Any) -> Any:
    """The first sheet of a workbook that is not hidden and holds a table, or else the first that holds anything."""
    narrow = None
    for name in names:
        one = book.load_sheet(name, dtypes="string")
        if one.width > 2 and one.height and one.visible == "visible":
            return one
        narrow = narrow or (one if one.width else None)
    return narrow


def _rows_above_heading(rows: pa.Table) -> int:
    """How many rows of a sheet stand above its heading: titles, which fill few of its columns.

    `rows` was read as if the first row were the heading.
    """
    names = ["" if one.startswith(_UNNAMED) else one for one in rows.column_names]
    first = rows.slice(0, _TITLES).to_pandas().fillna("").to_numpy(str).tolist() if "" in names else []
    return heading_among([names, *first])


_TIME_OF_DAY = "^1899-12-31 "  # the day that a workbook puts before a time without one
_UNNAMED = "__UNNAMED__"  # what fastexcel calls a column without a heading
_TITLES = 30


def _holds_shapes(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(one.casefold().endswith(".shp") for one in archive.namelist())
    except zipfile.BadZipFile:
        return False


def _points(connection: Connection, path: Path, reading: Reading) -> Source:
    import geopandas as gpd

    from data_access.importers.boundaries import in_degrees, read_shapes

    areas: gpd.GeoDataFrame = read_shapes(path, reading.sheet)
    rows = pd.DataFrame(areas.drop(columns=areas.geometry.name))
    points = areas.geometry.representative_point()
    x, y = ("longitude", "latitude") if in_degrees(areas) else ("x", "y")
    rows[x], rows[y] = points.x, points.y
    return from_arrow(connection, path.name, pa.Table.from_pandas(rows, preserve_index=False))
