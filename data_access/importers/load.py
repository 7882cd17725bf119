"""A city's exports into a build: read, map, check, write, report.

Every row that is read is either accepted or refused, and a refused one is kept with the reason, so that it can be
corrected and imported again. Whatever is wrong with a file as a whole is said before anything is put in service.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replace_in
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from sqlalchemy import String, and_, case, cast, func, or_, select
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import DropTable

from dashboard.domain.errors import ImportRefused, NothingNew
from dashboard.domain.local_time import wall_clock
from dashboard.settings import Settings
from data_access import schema
from data_access.build import Build, Kept, Repeated, Summary
from data_access.dialects import Macros, TableOf, ViewOf
from data_access.importers.asking import count_of, frame_of, register
from data_access.importers.changes import changes_brought, check_changes
from data_access.importers.doubts import doubts
from data_access.importers.live import Known, is_address, known_of, open_live, shown
from data_access.importers.mapping import SourceMapping, fold, the_one_that_fits
from data_access.importers.met import Met
from data_access.importers.projection import CLOCK, POINTS, TYPED, Projection, phrase_table
from data_access.importers.refusals import Refusals, allowed_refusals, first_of, in_their_files
from data_access.importers.report import Report
from data_access.importers.sources import (
    CORRECTED,
    Misshapen,
    Source,
    adds_up,
    files_of,
    mend,
    misshapen,
    open_source,
    unquoted,
)
from data_access.importers.text import checksum

Progress = Callable[[str, int], None]
_KEPT_WORDS = 20


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
        """The refused rows in the shape of their files, as `in_their_files` says."""
        return in_their_files(self.refused, self.headings)


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
    from data_access.importers.boundaries import read_boundaries

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
            importing.draw(districts, drawn)
        for path, called in zip(paths, _told_apart(paths), strict=True):
            progress(f"reading {called}", 0)
            source = replace_in(open_source(build.connection, path, first.file, build.spill), file=called)
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
    details: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    written: dict[str, None] = field(default_factory=dict)
    mappings: list[SourceMapping] = field(default_factory=list)
    headings: dict[str, tuple[Sequence[str], str]] = field(default_factory=dict)
    untold: dict[str, frozenset[str]] = field(default_factory=dict)
    _corrected: list[pd.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.refusals = Refusals(self.build.connection, self.import_id)
        self.met = Met(self.build)
        self.build.connection.execute(Macros())
        driver: Any = self.build.connection.connection.driver_connection
        driver.execute("SET TimeZone = 'UTC'")

    def draw(self, districts: pd.DataFrame, drawn: Mapping[str, Sequence[str | Path]]) -> None:
        """Write the districts, and note which files drew how many of each division, and which of them overlap."""
        from data_access.importers.boundaries import overlapping

        self.build.write("district", districts)
        for division, n in districts["division"].value_counts().items():
            by = ", ".join(Path(one).name for one in drawn[str(division)])
            self.notes.append(f"{n:,} {division}{'s' * (n != 1)} drawn by {by}.")
        if pairs := overlapping(districts):
            some = ", ".join(f"“{one}” and “{two}”" for one, two in pairs[:3])
            how_many = f"{len(pairs):,} pair{'s' * (len(pairs) != 1)}"
            self.notes.append(f"{how_many} of them overlap ({some}): a request there counts in one.")

    # ── one source ──────────────────────────────────────────────────────────────────────────────────

    def take(self, mapping: SourceMapping, source: Source) -> None:
        """Map, check and write the rows of one source."""
        counts = self.counts.setdefault(source.file, Counts())
        self.mappings += [mapping] if mapping not in self.mappings else []
        self.notes += [f"{source.file}: {one}" for one in source.notes]
        self.headings[source.file] = (source.names, source.heading.delimiter if source.heading else ",")
        source, projection, lost = self._typed(mapping, source)
        if source.is_corrected:
            written = source.relation
            told = (unquoted(written.c[one]).label(column) for one, column in CORRECTED.items())
            self._corrected.append(frame_of(self.build.connection, select(*told)))
            misshapen(self.build.connection, source)  # told once already
        self.absent += [one for one in projection.absent() if one not in self.absent]
        typed = projection.typed_table()
        self.absent += [one for one in self._nowhere(projection, typed) if one not in self.absent]
        total = count_of(self.build.connection, typed)
        wrong = count_of(self.build.connection, typed, typed.c.refusal > 0)
        counts.read += total + len(lost)
        counts.refused += wrong + len(lost)
        counts.accepted += total - wrong
        self.refusals.keep_misshapen(mapping, source, lost)
        if wrong:
            self.refusals.keep_refused(source, projection, typed)
            self.notes += self.refusals.compare_orders(source, projection, typed)
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
                found = count_of(self.build.connection, named_table(TYPED))
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
        refused = count_of(self.build.connection, typed, typed.c.refusal > 0)
        if refused and mapping.each:
            self.details[f"{mapping.table} incomplete"] += refused
        elif refused:
            self.notes += self._left_out(mapping, source, projection, typed)
        self.build.connection.execute(DropTable(typed))  # type: ignore[arg-type]

    def _left_out(self, mapping: SourceMapping, source: Source, projection: Projection, typed: Any) -> Iterator[str]:
        """What is told of rows of a table besides that hold what cannot be read."""
        said = select(typed.c.refusal, func.count(), func.min(typed.c.refused_value))
        said = said.where(typed.c.refusal > 0, typed.c.refused_value.is_not(None))
        for code, n, such in self.build.connection.execute(said.group_by(typed.c.refusal).order_by(typed.c.refusal)):
            why = projection.refusals[code - 1]
            if why.column is not None:  # a broken line is told of as a row of the file
                rows = f"{n:,} row{'s' * (n != 1)} of {mapping.table}"
                yield f"{source.file}: {rows} left out, {why.reason} in {why.column}, such as “{such}”."

    def _write(self, mapping: SourceMapping, projection: Projection, typed: Any) -> None:
        tz = self.build.city["tz"]
        untold = projection.untold()
        self.untold[mapping.table] = self.untold.get(mapping.table, untold) & untold
        self._set_clocks(projection, typed, tz)
        self._place(projection, typed)
        for name in projection.phrased():
            self.build.connection.execute(TableOf(phrase_table(name), projection.phrases(name, typed)))
        names, rows = projection.rows(self.import_id, tz, typed)
        self.build.write_from(mapping.table, names, rows)
        self.written[mapping.table] = None
        if mapping.table == "request":
            self._count_dates(mapping, projection, typed, tz)
            self.met.meet(mapping, projection, typed)
        self.met.count_unmapped(projection, typed)

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
        register(self.build.connection, CLOCK, pa.Table.from_pandas(pd.concat(frames), preserve_index=False))

    def _place(self, projection: Projection, typed: Any) -> None:
        """The table of where projected coordinates lie: each pair once, all together."""
        place = projection.mapping.place
        if not projection.projected or place is None:
            return
        from data_access.importers.boundaries import to_degrees

        pairs = frame_of(
            self.build.connection,
            select(typed.c.place__x.label("x"), typed.c.place__y.label("y"))
            .where(typed.c.place__x.is_not(None), typed.c.place__y.is_not(None))
            .distinct(),
        )
        for one, two in place.nowhere:
            pairs = pairs[~((pairs["x"] == one) & (pairs["y"] == two))]
        pairs = to_degrees(pairs, place.crs, projection.mapping.name)
        register(self.build.connection, POINTS, pa.Table.from_pandas(pairs, preserve_index=False))

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

    # ── the end ─────────────────────────────────────────────────────────────────────────────────────

    def end(self, districts: pd.DataFrame | None, replace: bool, dry: bool, max_refused: str | None) -> Outcome:
        """Write what was met, compare with what is in service, derive, and publish."""
        build, read = self.build, sum(one.read for one in self.counts.values())
        accepted = sum(one.accepted for one in self.counts.values())
        files = ", ".join(self.counts)
        refused = self.refusals.rows(self.counts)
        if not read and any(is_address(one) for one in self.counts):
            raise NothingNew(files, "there is nothing new.")
        if not read:
            raise ImportRefused(files, "there is a heading, and not one row under it.")
        allowed = allowed_refusals(max_refused, read)
        too_many = allowed is not None and read - accepted > allowed
        misread = bool(self.refusals.exchanged) and allowed is None
        if not accepted and not (dry or too_many):
            raise ImportRefused(files, f"not one of its {read:,} rows could be accepted.{first_of(refused)}")
        main = self.mappings[0].table
        gave_way = {name: build.keep_last(name) for name in self.written}
        of_files = [gave_way[name] for name in self._tables_of_files()]
        repeated = Repeated(sum(one.rows for one in of_files), sum(one.identical for one in of_files))
        self.details.update(
            {name: count_of(self.build.connection, build.staged(name)) for name in self.written if name != main}
        )
        self.met.write(self.mappings, districts)
        if len(refused):
            build.write("refused_row", refused)
        sample = frame_of(self.build.connection, select(build.staged(main)).limit(10))
        corrected = pd.concat(self._corrected, ignore_index=True) if self._corrected else None
        ids = {of for one in self.mappings if one.table == "request" for of in one.columns["request_id"].columns}
        changes = changes_brought(build) if schema.intervention.name in self.written else []
        asked = any(is_address(one) for one in self.counts)
        kept = build.carry_over(replace, self.import_id, corrected, ids, untold=self.untold, asked=asked)
        for names, n in kept.untold.items():
            rows = f"{n:,} updated row{'s keep' if n > 1 else ' keeps'} what was known"
            self.notes.append(f"No file has a column for {' or '.join(names)}: {rows}.")
        if n := kept.outdated:
            rows, closed = (f"{n:,} requests", "were closed") if n > 1 else ("one request", "was closed")
            said = f"{rows} that it has open {closed} after anything it tells of, and stay{'s' * (n == 1)} closed"
            self.notes.append(f"{files} ends before what is in service: {said}.")
        summary = build.finish()
        self.notes += [*self.met.notes, *doubts(build, self.written)]
        if changes:
            self.notes += check_changes(build, files, changes)
        if too_many:
            self.notes.append(f"More than {max_refused} rows were refused: what is in service stays as it was.")
        if misread and not dry:
            columns = ", ".join(dict.fromkeys(self.refusals.exchanged))
            self.notes.append(
                f"What is in service stays as it was: correct the formats of {columns}, or say with --max-refused how "
                "many rows may be refused."
            )
        report = self._report(files, read, accepted, repeated, kept, summary, dry or too_many or misread)
        if kept.stays is not None and kept.stays.as_of == summary.as_of and not report.dry:
            report = replace_in(report, build_id=kept.stays.build_id, nothing_new=True)
        elif not report.dry:
            build.write("import_batch", pd.DataFrame([self._batch(report, summary.flagged)]))
            build.publish()
        return Outcome(report, refused, self.headings, sample.dropna(axis=1, how="all"))

    def _tables_of_files(self) -> list[str]:
        """The tables whose rows are read from files of their own, and are counted as read."""
        main, *others = dict.fromkeys(one.table for one in self.mappings)
        besides = {one.table for of in self.mappings for one in of.also}
        return [main, *(one for one in others if one not in besides)]

    def _report(
        self, files: str, read: int, accepted: int, repeated: Repeated, kept: Kept, summary: Summary, dry: bool
    ) -> Report:
        others = [kept.others.get(name, (0, 0)) for name in self._tables_of_files()]  # none of those that bear ids
        updated, unchanged = kept.updated + sum(n for n, _ in others), kept.unchanged + sum(n for _, n in others)
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
            refusals=dict(self.refusals.counted.most_common()),
            unmapped={name: dict(words.most_common(_KEPT_WORDS)) for name, words in self.met.unmapped.items() if words},
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


def _listed(files: str | Path | Iterable[str | Path]) -> list[str | Path]:
    return [files] if isinstance(files, str | Path) else list(files)


def _told_apart(paths: Sequence[Path]) -> list[str]:
    """What files are called in a report: by their names, or with their folders where several have one name."""
    names = Counter(one.name for one in paths)
    return [one.name if names[one.name] == 1 else str(one) for one in paths]


def _drawn_once(districts: pd.DataFrame, drawn: Mapping[str, Sequence[str | Path]]) -> pd.DataFrame:
    """The districts of several files; raises ImportRefused if two of them draw one for the same time."""
    twice = districts[districts.duplicated("district_id")]
    for name, division in twice[["name", "division"]].itertuples(index=False, name=None):
        raise ImportRefused(
            ", ".join(Path(one).name for one in drawn[division]),
            f"“{name}” is drawn by more than one of these files; say when each of them holds: [[{division}.editions]].",
        )
    return districts
