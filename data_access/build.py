"""A build: source rows in, one consistent set of tables in service out; the only way in which data is written.

Rows are gathered beside the new file, in memory, and on disk what is too much (`work_file`), with those that stay of
the build in service (`carry_over`). They are derived and sorted once all are there (`fill_facts`), for incidents,
placeholders and the data's own clock need all rows (`told_by_all`). What is often asked is summed up (`sum_up`), and
the file is published in one step (`in_service`); PostgreSQL is filled from it (`in_postgres`). Until then the build
before stays in service, whatever happens to this one.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, Select, Table, and_, func, insert, literal_column, or_, select, update
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlalchemy.exc import DBAPIError

from dashboard.domain.errors import BadRequest, DataUnavailable
from dashboard.settings import Settings
from data_access import derive, schema
from data_access.arrow import to_arrow
from data_access.carry_over import CarryingOver, Kept, tell_apart, tell_pauses
from data_access.continuing import Basis, of_this_code
from data_access.dialects import said_by
from data_access.engine import Warehouse, builds_folder, city_row
from data_access.fill_facts import FACTS, fill_facts
from data_access.in_postgres import fill
from data_access.in_service import (
    calendars_in_service,
    city_that_gives_way,
    file_in_service,
    one_at_a_time,
    point_to,
    settle,
    sweep,
    types_in_service,
)
from data_access.rollups import PAYS_BY, PAYS_BY_IN_POSTGRES
from data_access.sum_up import sum_up
from data_access.told_by_all import Midnights, last_instant
from data_access.work_file import HINTS, ORDER, OWN, Progress, WorkFile

_NO_ROOM = ("IOException", "OutOfMemoryException")
"""What DuckDB calls it when a disk or the memory is full, or a file cannot be written."""
# When a row is over, for tables that tell of persons; of those without private columns the rows themselves do.
_OVER = {
    "request": "closed_at", "request_event": "event_at", "contact": "arrived_at", "survey": "answered_at",
    "agent_state": "end_at", "agent_shift": "end_at",
}  # fmt: skip


@dataclass(frozen=True)
class Repeated:
    """How many rows gave way to a later one of the same key; `identical` ones said exactly the same."""

    rows: int = 0
    identical: int = 0


@dataclass(frozen=True)
class Summary:
    """What a finished build holds."""

    build_id: str
    as_of: datetime
    rows: Mapping[str, int]
    flags: Mapping[str, int]
    flagged: int
    data_from_on: date | None
    data_to_on: date | None
    seconds: float = field(compare=False, default=0.0)


class Build:
    """One build, as a context: leave it without `publish` and nothing has happened.

    Parameters
    ----------
    city
        The row of the table `city`; columns left out take the defaults of `engine.City`.
    infer_duplicates
        Take near and nearly simultaneous reports of one type for one incident, where the type says how near.
    progress
        Called with what is being done and the number of rows it was done to.
    pays_by
        A rollup is kept if it has so many times fewer rows than its fact; 0 keeps all of them, None as many as pay on
        the engine.

    Raises DataUnavailable if another build is running.
    """

    def __init__(
        self,
        settings: Settings,
        city: Mapping[str, Any],
        infer_duplicates: bool = False,
        progress: Progress | None = None,
        pays_by: float | None = None,
    ):
        self.settings = settings
        self.city = city_row(city)
        self.infer_duplicates = infer_duplicates
        self.pays_by = (PAYS_BY_IN_POSTGRES if settings.database else PAYS_BY) if pays_by is None else pays_by
        self.progress = progress or (lambda doing, rows: None)
        self.started_at = _now()
        self.build_id = f"{self.started_at:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
        self._folder = builds_folder(settings)
        self._file = self._folder / f"city-{self.build_id}.duckdb"
        part, spill = self._folder / f"{self._file.name}.part", self._folder / f"spill-{self.build_id}.part"
        self._work = WorkFile(part, spill, settings.threads, self.progress)
        self._midnights = Midnights()
        self._summary: Summary | None = None
        self._held = ExitStack()
        self._basis = Basis(infer_duplicates, self.pays_by, of_this_code())

    # ── life ────────────────────────────────────────────────────────────────────────────────────────

    def __enter__(self) -> Build:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # residents' addresses lie there
        with _room(), ExitStack() as held:
            held.enter_context(one_at_a_time(self.settings))
            sweep(self._folder)
            held.callback(self._work.close)
            self._work.open()
            self._held = held.pop_all()
        return self

    def __exit__(self, kind, problem, trace) -> None:
        self._held.close()
        if isinstance(problem, DBAPIError):
            with _room():
                raise problem

    # ── rows in ─────────────────────────────────────────────────────────────────────────────────────

    def write(self, name: str, frame: pd.DataFrame) -> None:
        """Add rows to a table, source columns only; a column left out is null.

        Instants are datetimes in UTC (without a zone, or with any). `dq_flags` may carry what was found while
        reading, `district` of a request the district its `source_district` stands for.

        Raises BadRequest for a table or column that does not exist, or a derived one.
        """
        table = schema.metadata.tables.get(name)
        if table is None or name in OWN:
            raise BadRequest(f"A build takes no rows for a table “{name}”.")
        if self._summary and name in ORDER:
            raise BadRequest(f"This build is finished; rows of “{name}” come too late.")
        known = {one.name for one in table.columns if not one.info.get("derived")} | set(HINTS.get(name, ()))
        unknown = [str(one) for one in frame.columns if one not in known]
        if unknown:
            raise BadRequest(f"Table “{name}” has no source column {', '.join(unknown)}.")
        if frame.empty:
            return
        arrow = to_arrow(frame, table)
        for one in table.columns:
            given = one.name in arrow.column_names and not arrow.column(one.name).null_count
            if not (one.nullable or one.info.get("derived") or given):
                raise BadRequest(f"Column “{one.name}” of “{name}” must not be empty.")
        self._work.add(name, arrow)

    @property
    def connection(self) -> Connection:
        """The DuckDB in which this build is made, for a reader that prepares rows there itself."""
        return self._work.connection

    @property
    def spill(self) -> Path:
        """A folder for whatever does not fit in memory; it goes when the build ends."""
        return self._work.spill

    def write_from(self, name: str, columns: Sequence[str], rows: Select) -> int:
        """Add the rows of a question asked of `connection` to a table; returns their number.

        `columns` names what the question selects, in its order. What a column may hold is as for `write`, and the
        question has to see to it. Tell `count_dates` about its instants.
        """
        before = self._work.waiting(name)
        self._work.connection.execute(insert(self._work.staged[name]).from_select(list(columns), rows))
        self._work.squeeze()
        written = self._work.waiting(name) - before
        self._work.rows[name] += written
        self.progress(name, written)
        return written

    def count_dates(self, import_id: str, source: str, column: str, given: int, midnights: int) -> None:
        """Take note of how many of a source's instants of requests are local midnights, as it writes them.

        The rows of this import are then not counted by what became of them.
        """
        self._midnights.count(import_id, source, column, given, midnights)

    def keep_last(self, name: str) -> Repeated:
        """Of rows written to this build under one key, keep the one updated last, else the last written.

        The one that stays is flagged, if the table knows flags. Raises ImportRefused if two systems gave one id.
        """
        staged = self._work.staged[name]
        by_source = "src_id" in staged.c
        if by_source and self._work.one(select(func.count(staged.c.src_system.distinct())))[0] > 1:
            tell_apart(self._work, staged, staged.alias("others"), "in this import")
        key = [staged.c[one] for one in (("src_system", "src_id") if by_source else schema.key_of(name))]
        if not key:
            return Repeated()
        several = select(*key).group_by(*key).having(func.count() > 1).subquery()
        same = and_(*(one == several.c[one.name] for one in key))
        rowid: Any = literal_column("rowid")
        order = [staged.c.updated_at.desc().nulls_last()] if "updated_at" in staged.c else []
        if name == "agent_state":  # systems write states that last no time, each where another one begins
            order = [staged.c.end_at.desc()]
        place = func.row_number().over(partition_by=key, order_by=[*order, rowid.desc()])
        hashed = [staged.c.row_hash] if by_source else []
        alike = (func.row_number().over(partition_by=[*key, one]) for one in hashed)
        ranked = select(rowid.label("row"), place.label("place"), *alike).join(several, same)
        driver: Any = self._work.connection.execute(ranked).cursor
        found = driver.to_arrow_table()
        if not found.num_rows:
            return Repeated()
        first = np.asarray(found.column(1)) == 1
        kept, gone = np.asarray(found.column(0))[first], np.asarray(found.column(0))[~first]
        identical = int((np.asarray(found.column(2)) > 1).sum()) if by_source else 0
        changes: list[tuple[Any, Any]] = [(gone, staged.delete())]
        if "dq_flags" in staged.c:
            flagged = staged.c.dq_flags.op("|")(schema.FLAGS["dup_id"])
            changes.insert(0, (kept, update(staged).values(dq_flags=flagged)))
        for rows, statement in changes:
            self._work.register(pa.table({"row": pa.array(rows, pa.int64())}))
            incoming = named_table("_incoming", named_column("row"))
            self._work.connection.execute(statement.where(rowid.in_(select(incoming.c.row))))
        self._work.rows[name] -= len(gone)
        return Repeated(len(gone), identical)

    def staged(self, name: str) -> Table:
        """The table in which the rows written to this build wait; ask `connection`."""
        return self._work.staged[name]

    # ── what is in service ──────────────────────────────────────────────────────────────────────────

    def carry_over(
        self,
        replace: bool = False,
        again: str | None = None,
        corrected: pd.DataFrame | None = None,
        ids: Collection[str] = (),
        whole: bool = False,
        untold: Mapping[str, Collection[str]] | None = None,
        asked: bool = False,
    ) -> Kept:
        """Keep what is in service and was not written anew; call after the last `write` of an import.

        A row of the build in service stays if its key (`src_system` and `src_id` where it has them, else the
        primary key) was not written again, or was written again unchanged. Nothing stays of the made-up city, nor
        of another city.

        `again` is the import that this one repeats: what is noted of it, its refused rows among them, is noted anew.
        `corrected` are refused rows (file, row_number, reason) that this import brings once more: they are no longer
        listed as refused, or as what this import makes of them. Nor are those of the same source whose id, in one of
        its columns `ids`, this import accepted, or refused in a file of the same name, nor those that it refused there
        word for word: it was corrected itself, or exported anew. `untold` are, by table, the columns that the sources
        of this import do not have: updated rows keep what was known of them. `asked` says that a source was asked how
        things stand now; otherwise nothing is known of what happened after the last instant that this import tells of.

        What is few beside a large city goes on from the build in service instead of making all of it anew, unless
        `whole`: then every row waits in this build, and may still be changed.

        Raises ImportRefused if another real city is in service, unless `replace`, or if a row was written with the id
        that a row of another system has there.
        """
        with closing(Warehouse(self.settings)) as warehouse:
            before = city_that_gives_way(warehouse, self.city, replace)
            if before is None or before.city_id != self.city["city_id"] or before.is_made_up != self.city["is_made_up"]:
                tell_pauses(self._work, None)
                return Kept()
            file = file_in_service(warehouse, self._folder)
            carrying = CarryingOver(
                self._work, warehouse, file, self.started_at, again, corrected, ids, untold or {}, asked
            )
            return carrying.kept(None if whole or asdict(before) != self.city else self._basis)

    @property
    def goes_on(self) -> bool:
        """Whether it goes on from the build in service; otherwise it makes all anew."""
        return self._work.continuing is not None

    def forget_people(self, before: datetime) -> dict[str, int]:
        """Empty the private columns of what was over before an instant, and drop shifts; how many rows of each.

        Call it after `carry_over`. Requests are over when they are closed. Only what tells of a person goes.
        """
        found: dict[str, int] = {}
        for name, dated in _OVER.items():
            staged = self._work.staged[name]
            private = [one.name for one in schema.metadata.tables[name].c if one.info.get("private")]
            over = staged.c[dated] < before
            if private:
                over = and_(over, or_(*(staged.c[one].isnot(None) for one in private)))
            found[name] = self._work.count(staged, over)
            rows = update(staged).values(dict.fromkeys(private)) if private else staged.delete()
            self._work.connection.execute(rows.where(over))
        return found

    def types_in_service(self) -> pd.DataFrame:
        """Of the service types of this city that are in service: type_id, name, category, department_id, requests."""
        with closing(Warehouse(self.settings)) as warehouse:
            return types_in_service(warehouse, self.city)

    def calendars_in_service(self) -> dict[str, str]:
        """The calendars of this city's departments that are in service, by the id of the department."""
        with closing(Warehouse(self.settings)) as warehouse:
            return calendars_in_service(warehouse, self.city)

    def displace(self, replace: bool = False) -> None:
        """Make sure that nothing real is lost: ImportRefused if another real city is in service, unless `replace`."""
        with closing(Warehouse(self.settings)) as warehouse:
            city_that_gives_way(warehouse, self.city, replace)

    # ── out ─────────────────────────────────────────────────────────────────────────────────────────

    def finish(self, as_of: datetime | None = None) -> Summary:
        """Derive and sort every fact; afterwards only `import_batch` and the like may still be written.

        `as_of` is the data's own clock, by default the last instant at which anything happened.
        """
        if self._summary:
            return self._summary
        self._work.squeeze()  # deriving and sorting want the room
        as_of = _utc(as_of) if as_of else last_instant(self._work, self.started_at)
        first_month = self.city["fiscal_year_start_month"]
        known = fill_facts(self._work, self.city["tz"], as_of, self._midnights, self.infer_duplicates, first_month)
        self._sum_up(as_of)
        before = self._work.continuing.basis if self._work.continuing else self._basis
        self._basis = before.after(known, self._work.continuing.scattered if self._work.continuing else 0)
        flags: Counter[str] = Counter()
        for table in (schema.request, schema.contact):
            if self._work.has(table.name):
                flags.update(dict(zip((*schema.FLAGS, "_rows"), self._work.one(derive.tally(table)), strict=True)))
        days = (schema.request.c.opened_on, schema.contact.c.arrived_on, schema.contact_interval.c.start_on)
        known_days = [one for one in days if self._work.has(one.table.name)]
        if not known_days and self._work.has("agent_state"):  # and nothing else happened
            known_days = [schema.agent_state.c.start_on]
        ends = [self._work.one(select(func.min(one), func.max(one))) for one in known_days]
        self._summary = Summary(
            build_id=self.build_id,
            as_of=as_of,
            rows={one.name: n for one in schema.metadata.sorted_tables if (n := self._work.rows_in_all(one.name))},
            flags={name: flags[name] for name in schema.FLAGS if flags[name]},
            flagged=flags["_rows"],
            data_from_on=min((one for one, _ in ends if one), default=None),
            data_to_on=max((one for _, one in ends if one), default=None),
            seconds=(_now() - self.started_at).total_seconds(),
        )
        return self._summary

    def _sum_up(self, as_of: datetime) -> None:
        """A step of its own, before which a bench multiplies what is derived."""
        sum_up(self._work, self.city, as_of, self.pays_by)

    def publish(self, as_of: datetime | None = None) -> Summary:
        """Put the build in service, at once and whole. Afterwards the build is closed."""
        summary = self.finish(as_of)
        for table in schema.metadata.sorted_tables:
            if table.name not in {*FACTS, "city", "build", "sums"}:
                self._work.copy(table.name)
        self._work.append(schema.city, to_arrow(pd.DataFrame([self.city]), schema.city))
        request, contact = schema.request.c, schema.contact.c
        last = [self._work.connection.scalar(select(func.max(one))) for one in (request.opened_at, contact.arrived_at)]
        about = {
            "build_id": self.build_id,
            "built_at": self.started_at,
            "as_of": summary.as_of,
            "data_from_on": summary.data_from_on,
            "data_to_on": summary.data_to_on,
            "data_to_at": max((one for one in last if one), default=None),
            "contacts_from_on": self._work.connection.scalar(select(func.min(contact.arrived_on))),
            "requests": self._work.count(schema.request),
            "contacts": self._work.count(schema.contact),
            "published_calls": self._work.count(schema.contact_interval),
            "budget_lines": self._work.count(schema.budget_line),
            "rounds": self._work.count(schema.route_day),
            "assets": self._work.count(schema.asset),
            "refused": self._work.count(schema.refused_row),
            "flagged": summary.flagged,
            "basis": self._basis.to_text(),
        }
        self._work.append(schema.build, to_arrow(pd.DataFrame([about]), schema.build))
        self._work.complete()
        settle(self._work.path, self._file)
        if self.settings.database:
            self._fill_postgres()
        point_to(self._file, self.build_id, bool(self.city["is_made_up"]))
        self._held.close()
        return summary

    def _fill_postgres(self) -> None:
        before: Path | None = None
        with closing(Warehouse(self.settings)) as warehouse, suppress(DataUnavailable):
            before = file_in_service(warehouse, self._folder)
        try:
            fill(self.settings.database, self._file, before, self._work.spill, self.settings.threads, self.progress)
        except BaseException:
            self._file.unlink()
            raise


@contextmanager
def _room() -> Iterator[None]:
    """Tell in words that there is none left, and what became of the data in service."""
    try:
        yield
    except DBAPIError as problem:
        if type(problem.orig).__name__ not in _NO_ROOM:
            raise
        told = f"The data could not be prepared; what was in service stays so. {said_by(problem)}"
        raise DataUnavailable(told) from problem


def _now() -> datetime:
    """The wall clock, for when a build was made; no number on the dashboard depends on it."""
    return datetime.fromtimestamp(int(time.time()), UTC).replace(tzinfo=None)


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant
