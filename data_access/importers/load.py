"""A city's exports into a build: read, map, check, write, report.

Every row that is read is either accepted or refused, and a refused one is kept with the reason, so that it can be
corrected and imported again. Whatever is wrong with a file as a whole is said before anything is put in service.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Select, String, and_, case, cast, func, literal_column, or_, select
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import DropTable

from dashboard.domain.errors import BadRequest, ImportRefused, NothingNew
from dashboard.domain.local_time import wall_clock
from dashboard.settings import Settings
from data_access.build import Build, Kept, Repeated, Summary
from data_access.dialects import Macros, TableOf, ViewOf
from data_access.engine import to_pandas
from data_access.importers.live import Known, is_address, known_of, open_live, shown
from data_access.importers.mapping import SourceMapping, fold, the_one_that_fits
from data_access.importers.projection import CLOCK, POINTS, TYPED, Projection, phrase_table, reads
from data_access.importers.report import Report
from data_access.importers.sources import (
    VIEW,
    Misshapen,
    Source,
    adds_up,
    files_of,
    mend,
    misshapen,
    open_source,
)
from data_access.importers.text import checksum

Progress = Callable[[str, int], None]
_KEPT_WORDS = 20
# Columns of a file of refused rows that say which they were.
_CORRECTED = {"refused_file": "file", "refused_row": "row_number", "refused_reason": "reason"}


@dataclass(frozen=True)
class Outcome:
    """What an import leaves behind for whoever started it.

    `refused` holds the refused rows as in the table `refused_row`, `headings` the columns and the delimiter of each
    file, `sample` the first rows as they were mapped.
    """

    report: Report
    refused: pd.DataFrame
    headings: Mapping[str, tuple[Sequence[str], str]]
    sample: pd.DataFrame

    @property
    def delimiter(self) -> str:
        """What stands between the columns of its files, so that what is corrected can be read by the same mapping."""
        return next((delimiter for _, delimiter in self.headings.values()), ",")

    def refused_rows(self) -> pd.DataFrame:
        """The refused rows in the shape of their file, to be corrected and imported again.

        Columns that say why come first; an import passes over them.
        """
        rows = []
        told = ("file", "row_number", "column_name", "value", "expected", "reason", "raw")
        for file, number, column, value, expected, reason, raw in (
            self.refused[list(told)].itertuples(index=False, name=None) if len(self.refused) else ()
        ):
            names, delimiter = self.headings[file]
            held = json.loads(raw)
            if "line" in held and "line" not in names:
                cells = _cells(held["line"], delimiter)
                held = dict(zip(names, cells, strict=False))
            said = {"refused_file": file, "refused_row": number, "refused_column": column, "refused_value": value,
                    "refused_expected": expected, "refused_reason": reason}  # fmt: skip
            rows.append(said | {name: held.get(name) for name in names})
        return pd.DataFrame(rows)


def import_files(
    settings: Settings,
    mappings: SourceMapping | Sequence[SourceMapping],
    files: Path | str | Iterable[Path | str],
    boundaries: Path | str | Sequence[Path | str] = (),
    areas: Path | str | Sequence[Path | str] = (),
    progress: Progress | None = None,
    replace: bool = False,
    dry: bool = False,
    max_refused: str | None = None,
    anew: bool = False,
) -> Outcome:
    """Put the rows of some files in service beside those of earlier imports of the same city.

    Parameters
    ----------
    mappings
        Of one source; each file is read by the one that knows its columns.
    files
        Paths, patterns such as ``311_*.csv.gz``, or addresses of databases and endpoints. Of rows with one id the
        later file's counts.
    boundaries
        Files of the city's districts; several for a city that has been divided anew.
    areas
        The same of a second way in which the city is divided.
    replace
        Start empty if another city is in service, instead of refusing.
    dry
        Read, check and report, and put nothing in service.
    max_refused
        If more rows than this are refused (a number, or a share such as ``1%``), nothing is put in service. Without it,
        nothing is if more times of a file fit its formats with day and month exchanged than fit them alone.
    anew
        Ask addresses for all that they have, not only for what is new.

    Raises
    ------
    ImportRefused
        If a file, or the boundary file, is not what it should be; what is in service stays as it was.
    DataUnavailable
        If another build is running.
    """
    from data_access.importers.boundaries import overlapping, read_boundaries

    known = (mappings,) if isinstance(mappings, SourceMapping) else tuple(mappings)
    words = [files] if isinstance(files, str | Path) else list(files)
    addresses = [str(one) for one in words if is_address(one)]
    paths = files_of(one for one in words if not is_address(one))
    progress = progress or (lambda doing, rows: None)
    first = known[0]
    drawn = {"district": _listed(boundaries), "area": _listed(areas)}
    read = [read_boundaries(Path(one), first, division) for division, by in drawn.items() for one in by]
    districts = _drawn_once(pd.concat(read, ignore_index=True), drawn) if read else None
    sums = [checksum(one) for one in paths]
    if addresses:  # what they answer is another thing each time
        sums += [f"{one} {uuid.uuid4()}" for one in addresses]
    # The same files are the same import, however often they are read.
    whole = sums[0] if len(sums) == 1 and paths else hashlib.sha256("".join(sums).encode()).hexdigest()
    keep = settings.data / "fetched" / (fold(first.name) or "source")  # whatever signs are in the name: no other folder
    infer = any(bool(one.types.repeats) for one in known)
    with Build(settings, first.city, infer, progress) as build:
        importing = Importing(build, first.name, f"{first.name}-{whole[:16]}", whole)
        if districts is not None:
            build.write("district", districts)
            for division, n in districts["division"].value_counts().items():
                by = ", ".join(Path(one).name for one in drawn[str(division)])
                importing.notes.append(f"{n:,} {division}{'s' * (n != 1)} drawn by {by}.")
            if pairs := overlapping(districts):
                some = ", ".join(f"“{one}” and “{two}”" for one, two in pairs[:3])
                how_many = f"{len(pairs):,} pair{'s' * (len(pairs) != 1)}"
                importing.notes.append(f"{how_many} of them overlap ({some}): a request there counts in one.")
        for path in paths:
            progress(f"reading {path.name}", 0)
            reading = next((one.file for one in known), first.file)
            source = open_source(build.connection, path, reading, build.spill)
            importing.take(the_one_that_fits(known, source.names, path.name), source)
        # What another city left in service says nothing of what is new.
        asked = addresses and not replace
        known_before = known_of(settings, first, build.started_at) if asked else Known()
        known_before = Known(open_ids=known_before.open_ids) if anew else known_before
        for address in addresses:
            progress(f"asking {shown(address)}", 0)
            source = open_live(build.connection, address, first, known_before, build.spill, keep, build.started_at)
            # Whoever knows the columns from before is not irritated by a day on which nothing was closed, say.
            names = [one for one in source.names if known_before.updated_at or one not in source.empty]
            importing.take(the_one_that_fits(known, names, source.file), source)
        outcome = importing.end(districts, replace, dry, max_refused)
    if addresses and not outcome.report.dry:
        shutil.rmtree(keep, ignore_errors=True)
    return outcome


@dataclass
class Counts:
    """What was read from one file."""

    read: int = 0
    accepted: int = 0
    refused: int = 0


@dataclass
class Importing:
    """The state of one import: what was counted, refused and met so far."""

    build: Build
    name: str
    import_id: str
    checksum: str
    counts: dict[str, Counts] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    unmapped: dict[str, Counter[Any]] = field(default_factory=dict)
    types: Counter[Any] = field(default_factory=Counter)
    departments: Counter[Any] = field(default_factory=Counter)
    district_words: Counter[Any] = field(default_factory=Counter)
    details: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    exchanged: list[str] = field(default_factory=list)
    written: dict[str, None] = field(default_factory=dict)
    mappings: list[SourceMapping] = field(default_factory=list)
    headings: dict[str, tuple[Sequence[str], str]] = field(default_factory=dict)
    _refused: list[pd.DataFrame] = field(default_factory=list)
    _corrected: list[pd.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.build.connection.execute(Macros())
        driver: Any = self.build.connection.connection.driver_connection
        driver.execute("SET TimeZone = 'UTC'")

    # ── one source ──────────────────────────────────────────────────────────────────────────────────

    def take(self, mapping: SourceMapping, source: Source) -> None:
        """Map, check and write the rows of one source."""
        counts = self.counts.setdefault(source.file, Counts())
        self.mappings += [mapping] if mapping not in self.mappings else []
        self.notes += [f"{source.file}: {one}" for one in source.notes]
        self.headings[source.file] = (source.names, source.heading.delimiter if source.heading else ",")
        source, projection, lost = self._typed(mapping, source)
        if set(_CORRECTED) <= set(source.names):
            written = source.relation
            told = (written.c[one].label(column) for one, column in _CORRECTED.items())
            self._corrected.append(self._frame(select(*told)))
            misshapen(self.build.connection, source)  # told once already
        self.absent += [one for one in projection.absent() if one not in self.absent]
        typed = projection.typed_table()
        self.absent += [one for one in self._nowhere(projection, typed) if one not in self.absent]
        total = self._count(typed)
        wrong = self._count(typed, typed.c.refusal > 0)
        counts.read += total + len(lost)
        counts.refused += wrong + len(lost)
        counts.accepted += total - wrong
        self._keep_misshapen(mapping, source, lost)
        if wrong:
            self._keep_refused(source, projection, typed)
            self._compare_orders(source, projection, typed)
        self._write(mapping, projection, typed)
        self.build.connection.execute(DropTable(typed))  # type: ignore[arg-type]
        for other in mapping.also:
            self._take_also(other, source)

    def _typed(self, mapping: SourceMapping, source: Source) -> tuple[Source, Projection, Misshapen]:
        """Read the source into the table of typed rows; if not every row can be accounted for, mend it first."""
        for attempt in (1, 2):
            projection = Projection(mapping, source)
            try:
                self.build.connection.execute(TableOf(TYPED, projection.typed))
            except DBAPIError as problem:
                said = str(problem.orig).splitlines()[0].split(": ", 1)[-1]
                if attempt == 2 or source.text is None:
                    raise ImportRefused(source.file, f"this table cannot be read ({said[:200]}).") from problem
            else:
                lost = misshapen(self.build.connection, source)
                found = self._count(named_table(TYPED))
                if adds_up(source, found, len(lost) - len(source.removed)):
                    return source, projection, lost
            if attempt == 1:
                source = mend(self.build.connection, source, self.build.spill)
        raise ImportRefused(source.file, "not all of its rows could be read, and nobody knows which are missing.")

    def _nowhere(self, projection: Projection, typed: Any) -> list[str]:
        """What a mapping looks for within nested values, and no row holds."""
        nested = projection.nested()
        if not nested:
            return []
        made = [[one for one in typed.c if re.fullmatch(f"{name}(__.+)?", one.name)] for name in nested]
        some = [func.count(case((or_(*(one.is_not(None) for one in columns)), 1))) for columns in made]
        found = self.build.connection.execute(select(*some)).one()
        return [said for said, n in zip(nested.values(), found, strict=True) if not n]

    def _take_also(self, mapping: SourceMapping, source: Source) -> None:
        """Rows of another table that the same source holds, perhaps as a list within each row."""
        if mapping.each:
            rows = source.relation
            outer = Projection(mapping, source).column_of(mapping.each)
            if outer is None:
                return
            listed = and_(rows.c[outer].like("[%"), func.json_valid(rows.c[outer]))  # “[sic]” is no list
            entries = func.unnest(func.json_extract(case((listed, rows.c[outer])), "$[*]"))
            others = [one for one in rows.c if one.name != outer]
            nested = select(*others, cast(entries, String).label(outer))
            self.build.connection.execute(ViewOf("source_each", nested))
            view = Source(source.file, source.names)
            renamed = named_table("source_each", *(named_column(one, String) for one in source.names))
            projection = Projection(mapping, view, renamed)
        else:
            projection = Projection(mapping, Source(source.file, source.names))
        self.build.connection.execute(TableOf(TYPED, projection.typed))
        misshapen(self.build.connection, source)
        typed = projection.typed_table()
        self._write(mapping, projection, typed)
        refused = self._count(typed, typed.c.refusal > 0)
        if refused and mapping.each:
            self.details[f"{mapping.table} incomplete"] += refused
        self.build.connection.execute(DropTable(typed))  # type: ignore[arg-type]

    def _write(self, mapping: SourceMapping, projection: Projection, typed: Any) -> None:
        tz = self.build.city["tz"]
        self._set_clocks(projection, typed, tz)
        self._place(projection, typed)
        for name in projection.phrased():
            self.build.connection.execute(TableOf(phrase_table(name), projection.phrases(name, typed)))
        names, rows = projection.rows(self.import_id, tz, typed)
        self.build.write_from(mapping.table, names, rows)
        self.written[mapping.table] = None
        if mapping.table == "request":
            self._count_dates(mapping, projection, typed, tz)
            self._meet(mapping, projection, typed)
        self._count_unmapped(projection, typed)

    # ── what the rows of a source need to know ──────────────────────────────────────────────────────

    def _set_clocks(self, projection: Projection, typed: Any, tz: str) -> None:
        """The table of what the wall clocks do, for the days in question."""
        asked: dict[str, list[date]] = {}
        for name in projection.instants():
            local = typed.c[f"{name}__local"]
            ends = self.build.connection.execute(
                select(func.min(local), func.max(local)).where(typed.c.refusal == 0)
            ).one()
            if ends[0] is not None:
                asked.setdefault(projection.zone_of(name, tz), []).extend(one.date() for one in ends)
        frames = [
            wall_clock(zone, min(days) - timedelta(days=1), max(days) + timedelta(days=1)).assign(zone=zone)
            for zone, days in asked.items()
        ]
        frames = frames or [wall_clock("UTC", date(1970, 1, 1), date(1970, 1, 1)).assign(zone="UTC")]
        self._register(CLOCK, pa.Table.from_pandas(pd.concat(frames), preserve_index=False))

    def _place(self, projection: Projection, typed: Any) -> None:
        """The table of where projected coordinates lie: each pair once, all together."""
        place = projection.mapping.place
        if not projection.projected or place is None:
            return
        from data_access.importers.boundaries import to_degrees

        pairs = self._frame(
            select(typed.c.place__x.label("x"), typed.c.place__y.label("y"))
            .where(typed.c.place__x.is_not(None), typed.c.place__y.is_not(None))
            .distinct()
        )
        for one, two in place.nowhere:
            pairs = pairs[~((pairs["x"] == one) & (pairs["y"] == two))]
        pairs = to_degrees(pairs, place.crs, projection.mapping.name)
        self._register(POINTS, pa.Table.from_pandas(pairs, preserve_index=False))

    def _register(self, name: str, rows: pa.Table) -> None:
        driver: Any = self.build.connection.connection.driver_connection
        driver.register(name, rows)

    def _count_dates(self, mapping: SourceMapping, projection: Projection, typed: Any, tz: str) -> None:
        for name in projection.instants():
            if name == "due_at" and projection.fields[name].end_of_day:
                continue  # a promise for a day says to the second when it falls due
            if name in ("opened_at", "closed_at", "due_at"):
                wall = func.coalesce(
                    typed.c[f"{name}__local"], func.timezone(tz, func.timezone("UTC", typed.c[f"{name}__utc"]))
                )
                midnight = wall == func.date_trunc("day", wall)
                given, midnights = self.build.connection.execute(
                    select(func.count(wall), func.count(case((midnight, 1)))).where(typed.c.refusal == 0)
                ).one()
                self.build.count_dates(self.import_id, mapping.src_system, name, given, midnights)

    def _meet(self, mapping: SourceMapping, projection: Projection, typed: Any) -> None:
        """Remember which types and departments there are, and the words for districts."""
        good = typed.c.refusal == 0
        have = {one.name: one for one in typed.c}
        none = cast(None, String)
        department = have.get("department_id", none)
        columns = [have["type_id"], have.get("type__name", none), have.get("type__category", none), department]
        for *key, n in self._counted(columns, good):
            self.types[tuple(key)] += n
        for one, name, n in self._counted([department, have.get("department__name", none)], good):
            if one is not None:
                self.departments[one, name] += n
        if mapping.districts and "source_district" in have:
            aliases = mapping.districts.aliases
            column = projection.present(projection.fields["source_district"])[0]
            for word, n in self._counted([have["source_district"]], good):
                meant = aliases.get(word, word) if word is not None else None
                if meant:
                    self.district_words[meant, column] += n
                elif word is not None:
                    self.unmapped.setdefault(column, Counter())[word] += n

    def _count_unmapped(self, projection: Projection, typed: Any) -> None:
        """Words whose meaning nobody gave, by frequency."""
        for name in projection.fields:
            meanings = projection.meanings(name)
            if meanings is None or projection.fields[name].otherwise is not None:
                continue
            words = typed.c[f"{name}__w"]
            unknown = func.lower(words).not_in(list(meanings))
            if (projection.mapping.table, name) == ("request", "status"):
                unknown = unknown | words.is_(None)
            column = projection.present(projection.fields[name])[0]
            for word, n in self._counted([words], (typed.c.refusal == 0) & unknown):
                self.unmapped.setdefault(column, Counter())[word or "(empty)"] += n

    # ── what was refused ────────────────────────────────────────────────────────────────────────────

    def _keep_misshapen(self, mapping: SourceMapping, source: Source, lost: Misshapen) -> None:
        """Keep lines of the wrong shape; what stands first is their id where that is the file's first column.

        Behind a lost delimiter nothing stands in its place.
        """
        if not len(lost):
            return
        rows = lost.rows
        delimiter = source.heading.delimiter if source.heading else ","
        cells = [_cells(line, delimiter) for line in rows["line"]]
        first = source.names[0]
        is_id = mapping.table == "request" and first in mapping.columns["request_id"].columns
        tells_id = is_id and "line" not in source.names  # else one of its columns would be taken for the whole line
        told = (
            {"line": line, first: own[0].strip()} if tells_id and own else {"line": line}
            for line, own in zip(rows["line"], cells, strict=True)
        )
        raw = [json.dumps(one, ensure_ascii=False) for one in told]
        width = [str(len(one)) for one in cells]
        value = pd.Series(width, index=rows.index).where(rows["reason"] == "wrong number of columns", None)
        self._keep(source.file, rows.drop(columns="line").assign(column_name=None, raw=raw, value=value))

    def _keep_refused(self, source: Source, projection: Projection, typed: Any) -> None:
        refused = self._frame(
            select(typed.c.rowid.label("row"), typed.c.refusal, typed.c.refused_value.label("value"))
            .where(typed.c.refusal > 0)
            .order_by(typed.c.rowid)
        )
        said = [projection.refusals[n - 1] for n in refused["refusal"]]
        self._register("refused_places", pa.table({"row": pa.array(refused["row"].to_numpy(), pa.int64())}))
        number = (func.row_number().over() - 1).label("row")
        numbered = (
            select(number, func.to_json(literal_column(VIEW)).label("raw")).select_from(source.relation).subquery()
        )
        asked = named_table("refused_places", named_column("row"))
        raw = self._frame(select(numbered.c.row, cast(numbered.c.raw, String).label("raw")).where(
            numbered.c.row.in_(select(asked.c.row))).order_by(numbered.c.row))  # fmt: skip
        lost = misshapen(self.build.connection, source)
        numbers = _beside(refused["row"].to_numpy() + 1, lost.rows["row_number"].to_numpy(np.int64))
        self._keep(
            source.file,
            pd.DataFrame(
                {
                    "row_number": numbers, "column_name": [one.column for one in said],
                    "value": refused["value"].to_numpy(dtype=object), "expected": [one.expected for one in said],
                    "reason": [one.reason for one in said], "raw": raw["raw"].to_numpy(dtype=object),
                }
            ),
        )  # fmt: skip

    def _compare_orders(self, source: Source, projection: Projection, typed: Any) -> None:
        """Tell of times that are refused, and can be read with day and month exchanged.

        Where these are more than those that can be read only as the mapping says, it has the order wrong, and those
        that can be read either way are misread.
        """
        for name, formats in projection.exchanged().items():
            column = projection.present(projection.fields[name])[0]
            known = enumerate(projection.refusals, 1)
            told = [n for n, one in known if (one.column, one.reason) == (column, "not a time")]
            for form, other in formats.items():
                fitting = typed.c.refusal.in_(told) & reads((other,), typed.c.refused_value)
                if not self._count(typed, fitting):
                    continue
                right, wrong, such = self.build.connection.execute(projection.orders(name, form)).one()
                misshapen(self.build.connection, source)  # told once already
                self.notes.append(
                    f"{source.file}: {wrong:,} values of {column}, such as “{such}”, are times by {other} and not by "
                    f"{form}, {right:,} the other way round: are day and month exchanged?"
                )
                self.exchanged += [column] if wrong > right else []

    def _keep(self, file: str, rows: pd.DataFrame) -> None:
        told = zip(rows["reason"], rows["column_name"].fillna(""), strict=True)
        self.refusals.update(reason + (f" in {column}" if column else "") for reason, column in told)
        self._refused.append(rows.assign(import_id=self.import_id, file=file))

    def refused(self) -> pd.DataFrame:
        """The refused rows in the order of their files."""
        if not self._refused:
            return pd.DataFrame()
        found = pd.concat(self._refused, ignore_index=True)
        order = {file: n for n, file in enumerate(self.counts)}
        return found.assign(_at=found["file"].map(order)).sort_values(["_at", "row_number"]).drop(columns="_at")

    # ── the end ─────────────────────────────────────────────────────────────────────────────────────

    def end(self, districts: pd.DataFrame | None, replace: bool, dry: bool, max_refused: str | None) -> Outcome:
        """Write what was met, compare with what is in service, derive, and publish."""
        build, read = self.build, sum(one.read for one in self.counts.values())
        accepted = sum(one.accepted for one in self.counts.values())
        files = ", ".join(self.counts)
        refused = self.refused()
        if not read and any(is_address(one) for one in self.counts):
            raise NothingNew(files, "there is nothing new.")
        if not read:
            raise ImportRefused(files, "there is a heading, and not one row under it.")
        allowed = allowed_refusals(max_refused, read)
        too_many = allowed is not None and read - accepted > allowed
        misread = bool(self.exchanged) and allowed is None
        if not accepted and not (dry or too_many):
            raise ImportRefused(files, f"not one of its {read:,} rows could be accepted.{_first_of(refused)}")
        main = self.mappings[0].table
        repeated = {name: build.keep_last(name) for name in self.written}.get(main, Repeated())
        self.details.update({name: self._count(build.staged(name)) for name in self.written if name != main})
        self._finish_dimensions(districts)
        if len(refused):
            build.write("refused_row", refused)
        sample = self._frame(select(build.staged(main)).limit(10))
        corrected = pd.concat(self._corrected, ignore_index=True) if self._corrected else None
        ids = {of for one in self.mappings if one.table == "request" for of in one.columns["request_id"].columns}
        kept = build.carry_over(replace, again=self.import_id, corrected=corrected, ids=ids)
        summary = build.finish()
        if too_many:
            self.notes.append(f"More than {max_refused} rows were refused: what is in service stays as it was.")
        if misread and not dry:
            self.notes.append(
                "What is in service stays as it was: correct the formats of "
                f"{', '.join(dict.fromkeys(self.exchanged))}, or say with --max-refused how many rows may be refused."
            )
        report = self._report(files, read, accepted, repeated, kept, summary, dry or too_many or misread)
        if not report.dry:
            build.write("import_batch", pd.DataFrame([self._batch(report, summary.flagged)]))
            build.publish()
        return Outcome(report, refused, self.headings, sample.dropna(axis=1, how="all"))

    def _report(
        self, files: str, read: int, accepted: int, repeated: Repeated, kept: Kept, summary: Summary, dry: bool
    ) -> Report:
        main = self.mappings[0].target
        updated, unchanged = (
            (kept.updated, kept.unchanged) if "src_id" in main.c else kept.others.get(main.name, (0, 0))
        )
        return Report(
            source=self.name,
            file=files,
            build_id=self.build.build_id,
            read=read,
            accepted=accepted,
            added=accepted - repeated.rows - updated - unchanged,
            updated=updated,
            unchanged=unchanged,
            repeated=repeated.rows,
            identical=repeated.identical,
            refused=read - accepted,
            carried=kept.carried,
            flagged=summary.flags,
            refusals=dict(self.refusals.most_common()),
            unmapped={name: dict(words.most_common(_KEPT_WORDS)) for name, words in self.unmapped.items() if words},
            first_on=summary.data_from_on,
            last_on=summary.data_to_on,
            as_of=summary.as_of,
            files={
                name: {"read": one.read, "accepted": one.accepted, "refused": one.refused}
                for name, one in self.counts.items()
            },
            details=dict(self.details),
            events=kept.events,
            notes=tuple(self.notes),
            absent=tuple(self.absent),
            dry=dry,
        )

    def _batch(self, report: Report, flagged: int) -> dict[str, Any]:
        return {
            "import_id": self.import_id,
            "source": report.source,
            "file": report.file,
            "imported_at": self.build.started_at,
            "source_as_of": report.as_of,
            "checksum": self.checksum,
            **{name: getattr(report, name) for name in ("read", "accepted", "updated", "unchanged", "refused")},
            "flagged": flagged,
            "report": json.dumps(report.as_dict(), ensure_ascii=False),
        }

    def _finish_dimensions(self, districts: pd.DataFrame | None) -> None:
        """Write the departments and service types that were met, each type with what it mostly goes with."""
        if not self.types:
            return
        self.build.write("department", self._met_departments())
        met = pd.DataFrame(
            [(*key, n) for key, n in self.types.items()],
            columns=["type_id", "name", "category", "department_id", "n"],
        )
        before = self.build.types_in_service().set_index("type_id").reindex(met["type_id"]).set_index(met.index)
        brought = met.groupby("type_id")["n"].transform("sum")
        few = before["requests"].fillna(0) > brought
        for column in ("name", "category", "department_id"):  # what a day's rows do not tell is as it was
            met[column] = met[column].where(met[column].notna() | ~few, before[column])
        met["name"] = met["name"].where(met["name"].notna(), met["type_id"])
        met["category"] = met["category"].where(met["category"].notna(), met["name"])
        met["stays"] = _same(met, before) & (before["requests"].fillna(0) >= brought)
        met = met.sort_values(["stays", "n"], ascending=False, kind="stable")
        types = met.drop_duplicates("type_id").drop(columns=["n", "stays"])
        rules = [one.types for one in self.mappings]
        repeats = frozenset().union(*(one.repeats for one in rules))
        internal = "|".join(f"(?:{one.internal})" for one in rules if one.internal) or r"(?!)"
        may_repeat = types["type_id"].isin(repeats) | types["name"].isin(repeats) | ("*" in repeats)
        information = frozenset().union(*(one.information for one in rules))
        types = types.assign(
            code=types["type_id"],
            is_info_only=types["type_id"].isin(information) | types["name"].isin(information),
            is_internal=types["name"].str.contains(internal, case=False, regex=True),
            duplicate_radius_m=np.where(may_repeat, rules[0].radius_m, np.nan),
            duplicate_days=np.where(may_repeat, rules[0].days, np.nan),
        )
        self.build.write("service_type", types)
        self._write_promises(set(types["type_id"]))
        if districts is not None and (districts["division"] == "district").any():
            own = districts.loc[districts["division"] == "district", "name"]
            known = {" ".join(str(one).split()).casefold() for one in own}
            for (word, column), n in self.district_words.items():
                if " ".join(str(word).split()).casefold() not in known:
                    self.unmapped.setdefault(column, Counter())[word] += n

    def _met_departments(self) -> pd.DataFrame:
        names: dict[str, str] = {}
        for one in self.mappings:
            names |= one.departments.names
        departments = pd.DataFrame(
            [(*key, n) for key, n in self.departments.items()], columns=["department_id", "name", "n"]
        ).sort_values("n", ascending=False, kind="stable")
        departments = departments.drop_duplicates("department_id").drop(columns="n")
        listed = departments["department_id"].map(names)
        departments["name"] = listed.where(listed.notna(), departments["name"])
        departments["name"] = departments["name"].where(departments["name"].notna(), departments["department_id"])
        if names:
            column = next(
                (one.columns["department_id"].columns[0] for one in self.mappings if "department_id" in one.columns), ""
            )
            strange = [one for one in departments["department_id"] if one not in names]
            self.unmapped.setdefault(column, Counter()).update(strange)
        return departments

    def _write_promises(self, types: set[str]) -> None:
        rows = [
            {
                "sla_id": f"{one.src_system}: {type_id}", "type_id": type_id, "target_value": float(days),
                "target_unit": one.promises.unit, "mode": one.promises.mode,
            }
            for one in self.mappings
            for type_id, days in one.promises.days.items()
            if type_id in types
        ]  # fmt: skip
        if rows:
            self.build.write("sla_version", pd.DataFrame(rows).drop_duplicates("sla_id"))

    # ── asking the build's DuckDB ───────────────────────────────────────────────────────────────────

    def _frame(self, statement: Select) -> pd.DataFrame:
        cursor: Any = self.build.connection.execute(statement).cursor
        return to_pandas(cursor.to_arrow_table())

    def _count(self, table: Any, *conditions: Any) -> int:
        return self.build.connection.scalar(select(func.count()).select_from(table).where(*conditions)) or 0

    def _counted(self, columns: Sequence[Any], *conditions: Any) -> list[tuple]:
        n = func.count().label("n")
        statement = select(*(one.label(f"c{i}") for i, one in enumerate(columns)), n).where(*conditions)
        grouped = statement.group_by(*(literal_column(f"c{i}") for i in range(len(columns))))
        return [tuple(row) for row in self.build.connection.execute(grouped.order_by(n.desc()))]


def _same(met: pd.DataFrame, before: pd.DataFrame) -> pd.Series:
    """What of a type is in service already, and still met: the mood of a day's export does not outvote years."""
    told = ["name", "category", "department_id"]
    return (met[told].fillna("") == before[told].fillna("")).all(axis=1)


def _listed(files: str | Path | Iterable[str | Path]) -> list[str | Path]:
    return [files] if isinstance(files, str | Path) else list(files)


def _drawn_once(districts: pd.DataFrame, drawn: Mapping[str, Sequence[str | Path]]) -> pd.DataFrame:
    """The districts of several files; raises ImportRefused if two of them draw one for the same time."""
    twice = districts[districts.duplicated("district_id")]
    for name, division in twice[["name", "division"]].itertuples(index=False, name=None):
        raise ImportRefused(
            ", ".join(Path(one).name for one in drawn[division]),
            f"“{name}” is drawn by more than one of these files; say when each of them holds: [[{division}.editions]].",
        )
    return districts


def _first_of(refused: pd.DataFrame) -> str:
    """What is wrong with the first refused row, in a sentence."""
    if refused.empty:
        return ""
    row = refused.iloc[0].fillna("")
    value = f": “{row['value']}”" if row["value"] else ""
    expected = f", expected {row['expected']}" if row.get("expected") else ""
    column = f" in {row['column_name']}" if row["column_name"] else ""
    return f" The first: row {row['row_number']}, {row['reason']}{column}{value}{expected}."


def allowed_refusals(said: str | None, read: int) -> float | None:
    """How many of `read` rows may be refused, as a person says it: ``10`` or ``1%``; None for no limit.

    Raises BadRequest if it is neither.
    """
    if said is None:
        return None
    share = said.strip().endswith("%")
    try:
        number = float(said.strip().rstrip("%"))
    except ValueError:
        number = -1
    if not number >= 0:
        raise BadRequest(f"“{said}” is no number of rows; --max-refused wants 10 or 1%.")
    return number / 100 * read if share else number


def _cells(line: str, delimiter: str) -> list[str]:
    """The cells of a misshapen line, as far as it has any."""
    try:
        return next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter), [])
    except csv.Error:
        return line.split(delimiter)


def _beside(positions: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Row numbers of rows counted by themselves (from 1), where rows with the numbers `taken` lie between them."""
    taken = np.sort(taken)
    before = taken - np.arange(1, len(taken) + 1)  # how many rows of the other kind precede each
    return positions + np.searchsorted(before, positions - 1, side="right")
