"""A city's export into a build: read, map, check, write; the only place that reads a source file.

A mapping is a value that says which column means what. Every row that is read is either accepted or refused, and a
refused one is kept with the reason, so that it can be corrected and imported again. Whatever is wrong with the file
as a whole is said before anything is put in service.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import shapely
from shapely.geometry import shape

from dashboard.domain.errors import ImportRefused
from dashboard.domain.local_time import localise
from dashboard.settings import Settings
from data_access.build import Build
from data_access.schema import FLAGS

Progress = Callable[[str, int], None]

_BLOCK_BYTES = 16 << 20
_HASH_BITS = (1 << 52) - 1  # exact as a float, too


@dataclass(frozen=True)
class Instant:
    """A column of times: its formats, tried in order, and its zone (empty: the city's own wall clock)."""

    column: str
    formats: tuple[str, ...] = ("%Y-%m-%d %H:%M:%S",)
    zone: str = ""


@dataclass(frozen=True)
class Words:
    """A column of a few words, what each means here, and what one that is not listed means (None: itself).

    Words are compared without regard to case and surrounding spaces.
    """

    column: str
    meanings: Mapping[str, str]
    otherwise: str | None = None


@dataclass(frozen=True)
class Phrases:
    """A column of free text, and the outcome that its first matching pattern stands for; closed requests only."""

    column: str
    patterns: tuple[tuple[str, str], ...]
    otherwise: str = "unknown"


@dataclass(frozen=True)
class Types:
    """How the source's columns make service types. `repeats` are those whose near reports are one incident."""

    column: str
    category: str | None = None
    internal: str = r"\(internal\)"
    information: frozenset[str] = frozenset()
    repeats: frozenset[str] = frozenset()
    radius_m: int = 50
    days: int = 14


@dataclass(frozen=True)
class Districts:
    """How the source's district names, and those of a boundary file, become districts.

    `aliases` turn a name the source writes into a district's; `parts` say which boundary belongs to which district, so
    that several can be one. Names in neither are districts as they stand.
    """

    column: str
    kind: str
    aliases: Mapping[str, str | None] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    name_property: str = "name"
    version: str = ""


@dataclass(frozen=True)
class SourceMapping:
    """Everything there is to know about one source of requests.

    Parameters
    ----------
    id
        The column that names a request for ever.
    text
        Columns taken as written, by our name for them. `address` and `note` are private by the schema.
    department
        Department ids: the column, and the name of each id.
    """

    name: str
    city: Mapping[str, Any]
    id: str
    opened: Instant
    status: Words
    types: Types
    department: Words
    closed: Instant | None = None
    due: Instant | None = None
    updated: Instant | None = None
    text: Mapping[str, str] = field(default_factory=dict)
    lat: str | None = None
    lon: str | None = None
    outcome: Phrases | None = None
    districts: Districts | None = None
    constants: Mapping[str, Any] = field(default_factory=dict)
    nulls: tuple[str, ...] = ("",)
    delimiter: str = ","
    encoding: str = "utf-8"

    def instants(self) -> dict[str, Instant]:
        """The columns of times, by our name for them."""
        named = {
            "opened_at": self.opened,
            "closed_at": self.closed,
            "due_at": self.due,
            "updated_at": self.updated,
        }
        return {name: one for name, one in named.items() if one}

    def columns(self) -> tuple[str, ...]:
        """The source columns that must be there."""
        optional = (self.types.category, self.lat, self.lon, self.outcome and self.outcome.column)
        found = [
            self.id,
            *(one.column for one in self.instants().values()),
            self.status.column,
            self.types.column,
            self.department.column,
            *self.text.values(),
            *(one for one in optional if one),
            *([self.districts.column] if self.districts else []),
        ]
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class Report:
    """What became of a file: ``read = accepted + refused``, ``accepted = added + updated + unchanged + repeated``.

    `repeated` rows were followed by a later row of the same id in the same file; the last one counts.
    """

    source: str
    file: str
    build_id: str
    read: int
    accepted: int
    added: int
    updated: int
    unchanged: int
    repeated: int
    refused: int
    carried: int
    flagged: Mapping[str, int]
    refusals: Mapping[str, int]
    unmapped: Mapping[str, Mapping[str, int]]
    first_on: date | None
    last_on: date | None
    as_of: datetime

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON would hold it."""
        found = asdict(self)
        for name in ("first_on", "last_on", "as_of"):
            found[name] = found[name].isoformat() if found[name] else None
        return found

    def as_text(self) -> str:
        """The report as a person reads it."""
        lines = [
            f"{self.file} ({self.source}): {self.read:,} rows read, {self.accepted:,} accepted, "
            f"{self.refused:,} refused.",
            f"  {self.added:,} new, {self.updated:,} updated, {self.unchanged:,} unchanged"
            + (f", {self.repeated:,} repeated in the file" if self.repeated else "")
            + (f"; {self.carried:,} requests of earlier imports kept." if self.carried else "."),
            f"  Requests from {self.first_on} to {self.last_on}; the data ends at {self.as_of:%Y-%m-%d %H:%M} UTC.",
        ]
        lines += [f"  Refused {n:,}: {reason}" for reason, n in self.refusals.items()]
        if self.flagged:
            kinds = ", ".join(f"{name} {n:,}" for name, n in sorted(self.flagged.items(), key=lambda one: -one[1]))
            lines.append(f"  Flagged, and kept: {kinds}.")
        for column, words in self.unmapped.items():
            lines.append(
                f"  Unknown words in {column}: " + ", ".join(f"“{one}” {n:,}" for one, n in words.items()) + "."
            )
        lines.append(f"  In service as build {self.build_id}.")
        return "\n".join(lines)


def import_file(
    settings: Settings,
    mapping: SourceMapping,
    path: Path | str,
    boundaries: Path | str | None = None,
    progress: Progress | None = None,
    replace: bool = False,
) -> Report:
    """Put the rows of a file in service beside those of earlier imports of the same city.

    Parameters
    ----------
    boundaries
        GeoJSON of the city's districts, also gzipped.
    replace
        Start empty if another city is in service, instead of refusing.

    Raises
    ------
    ImportRefused
        If the file, or the boundary file, is not what it should be; what is in service stays as it was.
    DataUnavailable
        If another build is running.
    """
    path = Path(path)
    progress = progress or (lambda doing, rows: None)
    header = _header(path, mapping)
    districts = read_boundaries(Path(boundaries), mapping) if boundaries else None
    with Build(settings, mapping.city, bool(mapping.types.repeats), progress) as build:
        importing = _Importing(build, mapping, path)
        if districts is not None:
            build.write("district", districts)
        for batch in _batches(path, mapping, header, importing.refuse_shape):
            importing.take(batch)
            progress("reading", len(batch))
        importing.finish_dimensions(districts)
        if not importing.read:
            raise ImportRefused(path.name, "there is a heading, and not one row under it.")
        if not importing.accepted:
            first = f" The first: {next(iter(importing.refusals))}." if importing.refusals else ""
            raise ImportRefused(path.name, f"not one of its {importing.read:,} rows could be accepted.{first}")
        importing.write_refused()
        kept = build.carry_over(replace, again=importing.import_id)
        summary = build.finish()
        report = Report(
            source=mapping.name,
            file=path.name,
            build_id=build.build_id,
            read=importing.read,
            accepted=importing.accepted,
            added=importing.accepted - importing.repeated - kept.updated - kept.unchanged,
            updated=kept.updated,
            unchanged=kept.unchanged,
            repeated=importing.repeated,
            refused=importing.refused,
            carried=kept.carried,
            flagged=summary.flags,
            refusals=dict(importing.refusals.most_common()),
            unmapped={name: dict(words.most_common(20)) for name, words in importing.unmapped.items() if words},
            first_on=summary.data_from_on,
            last_on=summary.data_to_on,
            as_of=summary.as_of,
        )
        build.write("import_batch", pd.DataFrame([_batch_row(importing, report, summary.flagged)]))
        build.publish()
    return report


def _batch_row(importing: _Importing, report: Report, flagged: int) -> dict[str, Any]:
    return {
        "import_id": importing.import_id,
        "source": report.source,
        "file": report.file,
        "imported_at": importing.build.started_at,
        "source_as_of": report.as_of,
        "checksum": importing.checksum,
        **{name: getattr(report, name) for name in ("read", "accepted", "updated", "unchanged", "refused")},
        "flagged": flagged,
        "report": json.dumps(report.as_dict(), ensure_ascii=False),
    }


# ── Rows ────────────────────────────────────────────────────────────────────────────────────────────


class _Importing:
    """The state of one import: what was counted, refused and met so far."""

    def __init__(self, build: Build, mapping: SourceMapping, path: Path):
        self.build, self.mapping, self.path = build, mapping, path
        # The same file is the same import, however often it is read.
        self.checksum = _checksum(path)
        self.import_id = f"{mapping.name}-{self.checksum[:16]}"
        self.read = self.accepted = self.refused = self.repeated = 0
        self.refusals: Counter[str] = Counter()
        self.unmapped: dict[str, Counter[Any]] = {}
        self.types: Counter[Any] = Counter()
        self.departments: Counter[Any] = Counter()
        self.district_words: Counter[Any] = Counter()
        self._seen = np.empty(0, np.uint64)
        self._next_row = 1
        self._bad_rows: list[int] = []
        self._refused: list[pd.DataFrame] = []

    def refuse_shape(self, row: pa.csv.InvalidRow) -> str:
        """Keep a line that has not as many columns as the heading; Arrow calls this for each."""
        number = row.number - 1  # the heading is line 1
        self._bad_rows.append(number)
        self.read += 1
        reason = "wrong number of columns"
        self._keep_refused(
            pd.DataFrame(
                {
                    "row_number": [number],
                    "column_name": [None],
                    "value": [str(row.actual_columns)],
                    "expected": [f"{row.expected_columns} columns"],
                    "reason": [reason],
                    "raw": [json.dumps({"line": row.text}, ensure_ascii=False)],
                }
            )
        )
        return "skip"

    def take(self, batch: pd.DataFrame) -> None:
        """Map, check and write one batch of rows."""
        batch = batch.reset_index(drop=True)
        self.read += len(batch)
        rows = self._numbers(len(batch))
        mapped, good = self._map(batch, rows)
        mapped = mapped[good]
        self.accepted += len(mapped)
        self._write_once(mapped)

    def _numbers(self, n: int) -> np.ndarray:
        """The row numbers of a batch, leaving out the lines that were refused for their shape."""
        numbers = np.arange(self._next_row, self._next_row + n + len(self._bad_rows))
        numbers = numbers[~np.isin(numbers, self._bad_rows)][:n]
        if n:
            self._next_row = int(numbers[-1]) + 1
        self._bad_rows = [one for one in self._bad_rows if one >= self._next_row]
        return numbers

    def _map(self, batch: pd.DataFrame, rows: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
        mapping = self.mapping
        source = {name: _clean(batch[name], mapping.nulls) for name in mapping.columns()}
        good = np.ones(len(batch), bool)

        def refuse(wrong: Any, column: str, expected: str, reason: str) -> None:
            wrong = np.asarray(wrong, bool) & good
            good[wrong] = False
            if wrong.any():
                self._refuse_rows(batch[wrong], rows[wrong], column, expected, reason)

        found: dict[str, Any] = {"request_id": source[mapping.id], "public_id": source[mapping.id]}
        refuse(source[mapping.id].isna(), mapping.id, "an id", "no id")
        flags = np.zeros(len(batch), np.int64)
        for name, instant in mapping.instants().items():
            values = source[instant.column]
            utc, ambiguous, nonexistent, unreadable = _instants(values, instant, mapping.city["tz"])
            refuse(unreadable, instant.column, " or ".join(instant.formats), "not a time")
            found[name] = utc
            flags |= np.where(ambiguous, FLAGS["ambiguous_time"], 0) | np.where(
                nonexistent, FLAGS["nonexistent_time"], 0
            )
            if name == "opened_at":
                refuse(values.isna(), instant.column, " or ".join(instant.formats), "no opening time")
        for name, column in (("lat", mapping.lat), ("lon", mapping.lon)):
            if column:
                found[name] = pd.to_numeric(source[column], errors="coerce").astype("float64")
                refuse(source[column].notna() & found[name].isna(), column, "a number", "not a number")
        refuse(source[mapping.types.column].isna(), mapping.types.column, "a service type", "no service type")
        found |= {name: source[column] for name, column in mapping.text.items()}
        found["type_id"] = source[mapping.types.column]
        found["department_id"] = source[mapping.department.column]
        found["source_status"] = source[mapping.status.column]
        found["status"], unknown = _mean(source[mapping.status.column], mapping.status, "unmapped")
        flags |= np.where(unknown, FLAGS["unmapped_status"], 0)
        self._count_unmapped(mapping.status.column, source[mapping.status.column][unknown & good])
        if mapping.outcome:
            found["closure_outcome"] = _outcome(
                source[mapping.outcome.column], mapping.outcome, found["status"] == "closed"
            )
        if mapping.districts:
            words = source[mapping.districts.column]
            found["source_district"] = words
            aliases = mapping.districts.aliases
            found["district"] = words.map({one: aliases.get(one, one) for one in words.dropna().unique()})
            self.district_words.update(found["district"][good].dropna().value_counts().to_dict())
            nowhere = words[good & words.notna() & found["district"].isna()]
            self._count_unmapped(mapping.districts.column, nowhere)
        frame = pd.DataFrame(found).assign(**mapping.constants)
        frame["src_system"], frame["src_id"] = mapping.name, frame["request_id"]
        frame["row_hash"] = (pd.util.hash_pandas_object(frame, index=False) & _HASH_BITS).astype("int64")
        frame["import_id"], frame["dq_flags"] = self.import_id, flags
        self._meet(frame[good], source, good)
        return frame, good

    def _meet(self, frame: pd.DataFrame, source: dict[str, pd.Series], good: np.ndarray) -> None:
        """Remember which types and departments there are."""
        category = source[self.mapping.types.category][good] if self.mapping.types.category else frame["type_id"]
        triples = pd.DataFrame({"type": frame["type_id"], "category": category, "department": frame["department_id"]})
        self.types.update(triples.value_counts(dropna=False).to_dict())
        self.departments.update(frame["department_id"].dropna().value_counts().to_dict())

    def _count_unmapped(self, column: str, words: pd.Series) -> None:
        self.unmapped.setdefault(column, Counter()).update(words.fillna("(empty)").value_counts().to_dict())

    def _write_once(self, mapped: pd.DataFrame) -> None:
        """Write rows so that of those with one id, in this batch or an earlier one, the last stays."""
        last = ~mapped["request_id"].duplicated(keep="last")
        twice = mapped["request_id"].duplicated(keep=False)
        ids = pd.util.hash_array(mapped["request_id"].to_numpy(dtype=object))
        before = np.isin(ids, self._seen)
        self._seen = np.union1d(self._seen, ids)
        self.repeated += int((~last).sum()) + int((before & last.to_numpy()).sum())
        if before.any():
            self.build.withdraw("request", mapped[before])
        flagged = np.where(twice | before, FLAGS["dup_id"], 0)
        self.build.write("request", mapped.assign(dq_flags=mapped["dq_flags"] | flagged)[last])

    def _refuse_rows(self, batch: pd.DataFrame, rows: np.ndarray, column: str, expected: str, reason: str) -> None:
        raw = [json.dumps(one, ensure_ascii=False) for one in batch.to_dict("records")]
        self._keep_refused(
            pd.DataFrame(
                {
                    "row_number": rows,
                    "column_name": column,
                    "value": batch[column].to_numpy(dtype=object),
                    "expected": expected,
                    "reason": reason,
                    "raw": raw,
                }
            )
        )

    def _keep_refused(self, refused: pd.DataFrame) -> None:
        self.refused += len(refused)
        column = refused["column_name"].iloc[0]
        self.refusals[refused["reason"].iloc[0] + (f" in {column}" if column else "")] += len(refused)
        self._refused.append(refused.assign(import_id=self.import_id, file=self.path.name))

    def write_refused(self) -> None:
        """Write the refused rows, in the order of the file."""
        if self._refused:
            self.build.write("refused_row", pd.concat(self._refused, ignore_index=True).sort_values("row_number"))

    def finish_dimensions(self, districts: pd.DataFrame | None) -> None:
        """Write the departments and service types that were met, each type with what it mostly goes with."""
        if not self.types:
            return
        mapping = self.mapping
        names = mapping.department.meanings
        departments = pd.DataFrame({"department_id": list(self.departments)})
        departments["name"] = [names.get(one, one) for one in departments["department_id"]]
        self.build.write("department", departments)
        self._count_unmapped(
            mapping.department.column,
            pd.Series([one for one in departments["department_id"] if one not in names], dtype=object),
        )
        met = pd.DataFrame(
            [(*key, n) for key, n in self.types.items()], columns=["type_id", "category", "department_id", "n"]
        )
        types = met.sort_values("n", ascending=False, kind="stable").drop_duplicates("type_id").drop(columns="n")
        repeats = types["type_id"].isin(mapping.types.repeats)
        types = types.assign(
            code=types["type_id"],
            name=types["type_id"],
            is_info_only=types["type_id"].isin(mapping.types.information),
            is_internal=types["type_id"].str.contains(mapping.types.internal, case=False, regex=True),
            duplicate_radius_m=np.where(repeats, mapping.types.radius_m, np.nan),
            duplicate_days=np.where(repeats, mapping.types.days, np.nan),
        )
        self.build.write("service_type", types)
        if districts is not None and mapping.districts:
            known = set(districts["name"])
            strange = {word: n for word, n in self.district_words.items() if word not in known}
            self.unmapped.setdefault(mapping.districts.column, Counter()).update(strange)


# ── Values ──────────────────────────────────────────────────────────────────────────────────────────


def _clean(values: pd.Series, nulls: tuple[str, ...]) -> pd.Series:
    """`values` without surrounding spaces; those that mean “nothing” are missing."""
    values = values.str.replace("\x00", "", regex=False).str.strip()
    return values.mask(values.isin(nulls))


def _instants(
    values: pd.Series, instant: Instant, city_tz: str
) -> tuple[pd.Series, np.ndarray, np.ndarray, np.ndarray]:
    """UTC instants; which were in the repeated hour, which in the skipped one, which could not be read."""
    local = pd.Series(pd.NaT, index=values.index, dtype="datetime64[us]")
    for form in instant.formats:
        missing = local.isna()
        local = local.where(~missing, pd.to_datetime(values, format=form, errors="coerce").astype("datetime64[us]"))
    found = localise(local.to_numpy(), instant.zone or city_tz)
    unreadable = (values.notna() & local.isna()).to_numpy()
    return pd.Series(found.utc, index=values.index), found.ambiguous, found.nonexistent, unreadable


def _mean(values: pd.Series, words: Words, unknown: str) -> tuple[pd.Series, np.ndarray]:
    """What each word means, and which are not known."""
    meanings = {word.casefold(): meaning for word, meaning in words.meanings.items()}
    meant = values.str.casefold().map(meanings)
    strange = meant.isna().to_numpy()
    return meant.fillna(words.otherwise or unknown), strange


def _outcome(values: pd.Series, phrases: Phrases, closed: pd.Series) -> pd.Series:
    found = pd.Series(None, index=values.index, dtype=object)
    for pattern, outcome in phrases.patterns:
        fits = values.str.contains(pattern, case=False, regex=True, na=False)
        found = found.mask(found.isna() & fits, outcome)
    return found.fillna(phrases.otherwise).where(closed, None)


# ── Files ───────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _opened(path: Path, encoding: str = "utf-8") -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked; what can be wrong with it is said in words."""
    if not path.exists():
        raise ImportRefused(str(path), "there is no such file.")
    if path.is_dir():
        raise ImportRefused(str(path), "this is a folder, not a file.")
    try:
        if path.stat().st_size == 0:
            raise ImportRefused(path.name, "the file is empty.")
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            if path.suffix == ".gz" and not packed:
                raise ImportRefused(path.name, "its name ends in .gz, but it is not a gzip file.")
            if packed:
                with gzip.open(plain) as unpacked:
                    yield unpacked  # type: ignore[misc]
            else:
                yield plain
    except EOFError as problem:
        raise ImportRefused(path.name, "the gzip file ends too early: the copy is incomplete.") from problem
    except (gzip.BadGzipFile, zlib.error) as problem:
        raise ImportRefused(path.name, f"the gzip file is damaged ({problem}).") from problem
    except UnicodeDecodeError as problem:
        raise ImportRefused(path.name, f"this is not text encoded as {encoding}.") from problem
    except PermissionError as problem:
        raise ImportRefused(str(path), "this file may not be read.") from problem


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _header(path: Path, mapping: SourceMapping) -> list[str]:
    with _opened(path, mapping.encoding) as stream:
        first = io.TextIOWrapper(stream, encoding=mapping.encoding, newline="")
        try:
            names = next(csv.reader(first, delimiter=mapping.delimiter), [])
        except csv.Error as problem:
            raise ImportRefused(path.name, f"this is not a table of text ({problem}).") from problem
        first.detach()
    names = [name.removeprefix("\ufeff").strip() for name in names]
    if not any(names):
        raise ImportRefused(path.name, "the file has no heading.")
    missing = [name for name in mapping.columns() if name not in names]
    if missing:
        raise ImportRefused(
            path.name,
            f"this is not an export of the kind “{mapping.name}”: it has no column {_few(missing)}. "
            f"Its columns are {_few([name[:40] for name in names])}.",
        )
    return names


def _batches(path: Path, mapping: SourceMapping, header: list[str], refuse: Callable) -> Iterator[pd.DataFrame]:
    """The rows of a file as words, some megabytes at a time."""
    with _opened(path, mapping.encoding) as stream:
        try:
            reader = pyarrow.csv.open_csv(
                stream,
                pyarrow.csv.ReadOptions(
                    use_threads=False,  # else lines that are refused have no number
                    block_size=_BLOCK_BYTES,
                    column_names=header,
                    skip_rows=1,
                    encoding=mapping.encoding,
                ),
                pyarrow.csv.ParseOptions(
                    delimiter=mapping.delimiter, newlines_in_values=True, invalid_row_handler=refuse
                ),
                pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False),
            )
            for batch in reader:
                yield batch.to_pandas()
        except pa.ArrowInvalid as problem:
            if "UTF8" in str(problem):
                raise ImportRefused(path.name, f"this is not text encoded as {mapping.encoding}.") from problem
            if "Empty CSV" in str(problem):
                return
            raise ImportRefused(path.name, f"this table cannot be read ({problem}).") from problem


def read_boundaries(path: Path, mapping: SourceMapping) -> pd.DataFrame:
    """The rows of `district` that a GeoJSON file describes; boundaries of one district are made one.

    Raises ImportRefused if it is not GeoJSON, or its areas have no names.
    """
    rules = mapping.districts
    if rules is None:
        raise ImportRefused(path.name, f"the mapping “{mapping.name}” knows no districts.")
    with _opened(path) as stream:
        try:
            features = json.loads(stream.read())["features"]
            properties = sorted({name for one in features for name in one["properties"]})
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise ImportRefused(path.name, "this is not a GeoJSON file of areas.") from problem
    if not features:
        raise ImportRefused(path.name, "there is not one area in this file.")
    if rules.name_property not in properties:
        raise ImportRefused(
            path.name, f"its areas have no “{rules.name_property}”; they have {_few(properties) or 'no properties'}."
        )
    try:
        named = [(str(one["properties"][rules.name_property]), shape(one["geometry"])) for one in features]
    except (ValueError, KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as problem:
        raise ImportRefused(path.name, "one of its areas has no name, or no shape that can be read.") from problem
    parts: dict[str, list] = {}
    for name, geometry in named:
        parts.setdefault(rules.parts.get(name, name), []).append(shapely.make_valid(geometry))
    return pd.DataFrame(
        {
            "district_id": name,
            "kind": rules.kind,
            "name": name,
            "geometry": shapely.to_geojson(shapely.union_all(shapes)),
            "boundary_version": rules.version or path.name,
        }
        for name, shapes in sorted(parts.items())
    )


def _checksum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
