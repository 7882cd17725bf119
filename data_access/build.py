"""A build: source rows in, one consistent set of tables in service out; the only place that writes data.

Rows are gathered beside the new file (in memory, and on disk what is too much), derived and sorted once all are there
(incidents, placeholders, pauses and the data's own clock need all rows), and published in one step. Until then the
build before stays in service, whatever happens to this one. PostgreSQL is filled from the finished file.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Float,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Select,
    String,
    Table,
    and_,
    cast,
    func,
    insert,
    inspect,
    literal,
    literal_column,
    null,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import AddConstraint, CreateSchema, DropSchema, DropTable, Index

from dashboard.domain.errors import BadRequest, Busy, DataUnavailable, ImportRefused
from dashboard.settings import Settings
from data_access import derive, placing, schema
from data_access.compile import Frame, with_values
from data_access.dialects import (
    Analyze,
    AttachFile,
    CopyFromCsv,
    DetachFile,
    MoveTable,
    duckdb_writer,
    postgres_engine,
)
from data_access.engine import City, Warehouse, builds_folder, read_pointer, to_pandas
from data_access.rollups import PAYS_BY, PAYS_FROM_ROWS, ROLLUPS

Progress = Callable[[str, int], None]

_STAGING = "staging"
_POSTGRES_STAGING = "dashboard311_build"
_ADVISORY_KEY = 311_311_311
_WINDOW_ROWS = 250_000
_MEMORY = "2GB"

# Facts without derived columns; `finish` copies them, and `publish` all that is neither these nor derived.
_AS_WRITTEN = ("request_event", "request_pause", "agent_shift", "asset_status")
# How each fact is sorted, so that a period touches few blocks.
_ORDER = {
    "request": ("opened_at", "request_id"),
    "request_episode": ("opened_at", "request_id", "seq"),
    "contact": ("arrived_at", "contact_id"),
    "request_event": ("request_id", "event_at", "event_id"),
    "request_pause": ("request_id", "start_at"),
    "agent_state": ("start_at", "agent_id"),
    "agent_shift": ("start_at", "agent_id"),
    "inspection": ("visited_at", "inspection_id"),
    "survey": ("sent_at", "survey_id"),
    "asset_status": ("asset_id", "start_at"),
}
# What PostgreSQL looks rows up by, besides the primary key.
_LOOKED_UP = {
    "request": ("opened_on", "closed_on", "due_on", "opened_at"),
    "request_episode": ("opened_on", "closed_on"),
    "contact": ("arrived_on", "arrived_at", "request_id"),
    "request_event": ("request_id",),
    "request_pause": ("request_id",),
    "survey": ("sent_on", "request_id"),
    "inspection": ("visited_on", "request_id"),
    "agent_state": ("start_on",),
}
# Instants that something really happened, from which the data's own clock is read.
_HAPPENED = {
    "request": ("opened_at", "closed_at", "first_closed_at", "first_response_at"),
    "contact": ("arrived_at", "ended_at"),
    "contact_interval": ("start_at",),
    "request_event": ("event_at",),
    "inspection": ("visited_at",),
    "survey": ("sent_at", "answered_at"),
}
# Tables that a build fills by itself; no source writes them.
_OWN = ("city", "build", "request_episode", "place", "sums")
# When a row is over, for tables that tell of persons; of those without private columns the rows themselves do.
_OVER = {
    "request": "closed_at", "request_event": "event_at", "contact": "arrived_at", "survey": "answered_at",
    "agent_state": "end_at", "agent_shift": "end_at",
}  # fmt: skip
# Derived columns that a reader of sources may give as a first word: what it found while reading.
_HINTS = {"request": ("dq_flags", "district"), "contact": ("dq_flags",)}


@dataclass(frozen=True)
class Kept:
    """How the requests and contacts of an import compare with the build in service.

    `carried` ones are in service and were not written anew. `events` counts, by kind, what must have happened to
    updated requests since, `others` the updated and unchanged rows of tables whose rows bear no id of their source.
    """

    updated: int = 0
    unchanged: int = 0
    carried: int = 0
    events: Mapping[str, int] = field(default_factory=dict)
    others: Mapping[str, tuple[int, int]] = field(default_factory=dict)


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
        A rollup is kept if it has so many times fewer rows than its fact.

    Raises DataUnavailable if another build is running.
    """

    def __init__(
        self,
        settings: Settings,
        city: Mapping[str, Any],
        infer_duplicates: bool = False,
        progress: Progress | None = None,
        pays_by: float = PAYS_BY,
    ):
        self.settings = settings
        self.city = derive.city_row(city)
        self.infer_duplicates = infer_duplicates
        self.pays_by = pays_by
        self.progress = progress or (lambda doing, rows: None)
        self.started_at = _now()
        self.build_id = f"{self.started_at:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
        self.rows: Counter[str] = Counter()
        self._folder = builds_folder(settings)
        self._file = self._folder / f"city-{self.build_id}.duckdb"
        self._part = self._folder / f"{self._file.name}.part"
        self._spill = self._folder / f"spill-{self.build_id}.part"
        self._midnights = derive.Midnights(self.city["tz"])
        self._summary: Summary | None = None
        self._lock: IO[str] | None = None
        self._guard: Connection | None = None
        self._connection: Connection | None = None
        self._staged: dict[str, Table] = {}

    # ── life ────────────────────────────────────────────────────────────────────────────────────────

    def __enter__(self) -> Build:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock_out_others()
        try:
            _sweep(self._folder)
            engine = duckdb_writer(self._part, self.settings.threads, _MEMORY, self._spill)
            self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._connection.execute(AttachFile(Path(":memory:"), _STAGING))
            staging = MetaData(schema=_STAGING)
            for table in schema.metadata.sorted_tables:
                self._staged[table.name] = _bare(table, staging)
                self._staged[table.name].create(self._connection)
            schema.metadata.create_all(self._connection, checkfirst=False)
        except BaseException:
            self._let_go()
            raise
        return self

    def __exit__(self, kind, problem, trace) -> None:
        self._let_go()

    def _let_go(self) -> None:
        if self._connection is not None:
            engine = self._connection.engine
            self._connection.close()
            engine.dispose()
            self._connection = None
        for path in (self._part, Path(f"{self._part}.wal")):
            path.unlink(missing_ok=True)
        shutil.rmtree(self._spill, ignore_errors=True)
        if self._guard is not None:
            engine = self._guard.engine
            self._guard.close()
            engine.dispose()
            self._guard = None
        if self._lock is not None:
            self._lock.close()  # gives the lock back, as does the end of the process
            self._lock = None

    def _lock_out_others(self) -> None:
        busy = "Another import or demo is writing a build just now. Wait for it to end, then try again."
        self._lock = (self._folder / "lock").open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            self._let_go()
            raise Busy(busy) from taken
        if self.settings.database:
            engine = postgres_engine(self.settings.database, read_only=False)
            try:
                self._guard = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                free = self._guard.scalar(select(func.pg_try_advisory_lock(_ADVISORY_KEY)))
            except DBAPIError as problem:
                self._let_go()
                raise DataUnavailable("The database does not answer; nothing was changed.") from problem
            if not free:
                self._let_go()
                raise Busy(busy)
            self._spare_foreign_tables()

    def _spare_foreign_tables(self) -> None:
        """A database that others filled is for reading; a build would replace its tables."""
        present = set(inspect(self._guard).get_table_names()) if self._guard is not None else set()
        clashing = sorted(present & set(schema.metadata.tables))
        if clashing and schema.build.name not in present:
            self._let_go()
            raise ImportRefused(
                "the database",
                f"it holds tables that no build wrote ({', '.join(clashing[:3])} …). Name an empty database or schema.",
            )

    # ── rows in ─────────────────────────────────────────────────────────────────────────────────────

    def write(self, name: str, frame: pd.DataFrame) -> None:
        """Add rows to a table, source columns only; a column left out is null.

        Instants are datetimes in UTC (without a zone, or with any). `dq_flags` may carry what was found while
        reading, `district` of a request the district its `source_district` stands for.

        Raises BadRequest for a table or column that does not exist, or a derived one.
        """
        table = schema.metadata.tables.get(name)
        if table is None or name in _OWN:
            raise BadRequest(f"A build takes no rows for a table “{name}”.")
        if self._summary and name in _ORDER:
            raise BadRequest(f"This build is finished; rows of “{name}” come too late.")
        known = {one.name for one in table.columns if not one.info.get("derived")} | set(_HINTS.get(name, ()))
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
        if name == "request":
            self._midnights.count(to_pandas(arrow))
        self._append(self._staged[name], arrow)
        self.rows[name] += len(frame)
        self.progress(name, len(frame))

    @property
    def connection(self) -> Connection:
        """The DuckDB in which this build is made, for a reader that prepares rows there itself."""
        return self._writer

    @property
    def spill(self) -> Path:
        """A folder for whatever does not fit in memory; it goes when the build ends."""
        return self._spill

    def write_from(self, name: str, columns: Sequence[str], rows: Select) -> int:
        """Add the rows of a question asked of `connection` to a table; returns their number.

        `columns` names what the question selects, in its order. What a column may hold is as for `write`, and the
        question has to see to it. Tell `count_dates` about its instants.
        """
        before = self._staged_count(name)
        self._writer.execute(insert(self._staged[name]).from_select(list(columns), rows))
        written = self._staged_count(name) - before
        self.rows[name] += written
        self.progress(name, written)
        return written

    def count_dates(self, source: str, column: str, given: int, midnights: int) -> None:
        """Take note of how many of a source's instants of requests are local midnights."""
        self._midnights.counts[source, column] += given
        self._midnights.midnights[source, column] += midnights

    def keep_last(self, name: str) -> Repeated:
        """Of rows written to this build under one key, keep the one updated last, else the last written.

        The one that stays is flagged, if the table knows flags.
        """
        staged = self._staged[name]
        by_source = "src_id" in staged.c
        key = [staged.c[one] for one in (("src_system", "src_id") if by_source else _key_of(name))]
        if not key:
            return Repeated()
        several = select(*key).group_by(*key).having(func.count() > 1).subquery()
        same = and_(*(one == several.c[one.name] for one in key))
        rowid: Any = literal_column("rowid")
        order = [staged.c.updated_at.desc().nulls_last()] if "updated_at" in staged.c else []
        place = func.row_number().over(partition_by=key, order_by=[*order, rowid.desc()])
        hashed = [staged.c.row_hash] if by_source else []
        alike = (func.row_number().over(partition_by=[*key, one]) for one in hashed)
        ranked = select(rowid.label("row"), place.label("place"), *alike).join(several, same)
        driver: Any = self._writer.execute(ranked).cursor
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
            self._register(pa.table({"row": pa.array(rows, pa.int64())}))
            incoming = named_table("_incoming", named_column("row"))
            self._writer.execute(statement.where(rowid.in_(select(incoming.c.row))))
        self.rows[name] -= len(gone)
        return Repeated(len(gone), identical)

    def staged(self, name: str) -> Table:
        """The table in which the rows written to this build wait; ask `connection`."""
        return self._staged[name]

    def _staged_count(self, name: str) -> int:
        return self._writer.scalar(select(func.count()).select_from(self._staged[name])) or 0

    def carry_over(self, replace: bool = False, again: str | None = None) -> Kept:
        """Keep what is in service and was not written anew; call after the last `write` of an import.

        A row of the build in service stays if its key (`src_system` and `src_id` where it has them, else the
        primary key) was not written again, or was written again unchanged. Nothing stays of the made-up city, nor
        of another city.

        `again` is the import that this one repeats: what is noted of it, its refused rows among them, is noted anew.

        Raises ImportRefused if another real city is in service, unless `replace`.
        """
        warehouse = Warehouse(self.settings)
        try:
            before = self._city_before(warehouse, replace)
            if before is None or before.city_id != self.city["city_id"] or before.is_made_up != self.city["is_made_up"]:
                return Kept()
            counts: Counter[str] = Counter()
            # What happened must be noted before the events themselves are carried.
            for table in sorted(schema.metadata.sorted_tables, key=lambda one: one.name == "request_event"):
                present = warehouse.columns(table.name)
                if present and table.name not in _OWN:
                    self._carry(warehouse, table, present, counts, again)
            events = {kind: n for kind, n in sorted(counts.items()) if kind in derive.CHANGES}
            others = {
                one.name: (counts[f"{one.name}+"], counts[f"{one.name}="]) for one in schema.metadata.sorted_tables
            }
            return Kept(counts["updated"], counts["unchanged"], counts["carried"], events, others)
        finally:
            warehouse.close()

    def forget_people(self, before: datetime) -> dict[str, int]:
        """Empty the private columns of what was over before an instant, and drop shifts; how many rows of each.

        Call it after `carry_over`. Requests are over when they are closed. Only what tells of a person goes.
        """
        found: dict[str, int] = {}
        for name, dated in _OVER.items():
            staged = self._staged[name]
            private = [one.name for one in schema.metadata.tables[name].c if one.info.get("private")]
            if private:
                told = or_(*(staged.c[one].isnot(None) for one in private))
                over = and_(staged.c[dated] < before, told)
                found[name] = int(self._writer.scalar(select(func.count()).select_from(staged).where(over)) or 0)
                self._writer.execute(update(staged).where(over).values(dict.fromkeys(private)))
            else:
                over = staged.c[dated] < before
                found[name] = int(self._writer.scalar(select(func.count()).select_from(staged).where(over)) or 0)
                self._writer.execute(staged.delete().where(over))
        return found

    def displace(self, replace: bool = False) -> None:
        """Make sure that nothing real is lost: ImportRefused if another real city is in service, unless `replace`."""
        warehouse = Warehouse(self.settings)
        try:
            self._city_before(warehouse, replace)
        finally:
            warehouse.close()

    def _city_before(self, warehouse: Warehouse, replace: bool) -> City | None:
        try:
            before = warehouse.city()
        except DataUnavailable:
            return None
        if before.is_made_up or replace or before.city_id == self.city["city_id"]:
            return before
        raise ImportRefused(
            before.name,
            f"this is the city in service; {self.city['name']} would replace it. "
            "Give --replace if that is what you want.",
        )

    def _carry(
        self, warehouse: Warehouse, table: Table, present: frozenset[str], counts: Counter[str], again: str | None
    ) -> None:
        staged = self._staged[table.name]
        by_source = "src_id" in table.c
        key = ["src_system", "src_id"] if by_source else [one.name for one in table.primary_key]
        append_only = table.name == "refused_row"
        key = key or [next(iter(table.c)).name]
        dated = "updated_at" in staged.c and "updated_at" in present
        wanted = [*key, *(["row_hash"] if by_source else []), *(["updated_at"] if dated else [])]
        new = self._frame(select(*(staged.c[one] for one in wanted)))
        new_keys = _keys(new, key)
        new_hashes = pd.Series(new["row_hash"].to_numpy() if by_source else np.nan, index=new_keys)
        new_hashes = new_hashes[~new_hashes.index.duplicated(keep="last")]
        hints = _HINTS.get(table.name, ())
        columns = [
            one for one in table.columns if one.name in present and (one.name in hints or not one.info.get("derived"))
        ]
        new_updates = pd.Series(new["updated_at"].to_numpy() if dated else pd.NaT, index=new_keys)
        new_updates = new_updates[~new_updates.index.duplicated(keep="last")]
        unchanged: list[pd.Index] = []
        changed: list[pd.DataFrame] = []
        for old in warehouse.batches(select(*columns)):
            old_keys = _keys(old, key)
            rewritten = np.zeros(len(old), bool) if append_only else old_keys.isin(new_hashes.index)
            if table.name in ("refused_row", "import_batch"):
                rewritten |= (old["import_id"] == again).to_numpy()
            same = np.zeros(len(old), bool)
            if by_source:
                hashes = new_hashes.reindex(old_keys).to_numpy()
                same = rewritten & (hashes == old["row_hash"].to_numpy())
                if dated:  # an older export says nothing new
                    same |= rewritten & (new_updates.reindex(old_keys).to_numpy() < old["updated_at"].to_numpy())
                if table.name == "request":
                    changed.append(old.loc[rewritten & ~same, list(derive.WATCHED)])
                unchanged.append(old_keys[same])
            elif rewritten.any() and not append_only:
                whole = [one.name for one in columns]
                alike = _keys(old, whole).isin(_keys(self._frame(select(*(staged.c[one] for one in whole))), whole))
                counts[f"{table.name}="] += int((rewritten & alike).sum())
                counts[f"{table.name}+"] += int((rewritten & ~alike).sum())
            kept = old[~rewritten | same]
            if by_source:
                counts["updated"] += int((rewritten & ~same).sum())
                counts["unchanged"] += int(same.sum())
                counts["carried"] += int((~rewritten).sum())
            if len(kept):
                kept = derive.as_written(table.name, kept)
                arrow = to_arrow(kept, table)
                if table.name == "request":
                    self._midnights.count(to_pandas(arrow))
                self._append(self._old(table), arrow)
        if unchanged and sum(map(len, unchanged)):
            self._forget(staged, key, pd.Index(np.concatenate([one.to_numpy() for one in unchanged])))
        if changed:
            self._note_changes(pd.concat(changed, ignore_index=True), counts)
        self._merge_old(table)

    def _note_changes(self, before: pd.DataFrame, counts: Counter[str]) -> None:
        """Write as events what must have happened to requests between the build in service and this import."""
        if before.empty:
            return
        staged = self._staged["request"]
        self._register(pa.table({"id": pa.array(before["request_id"].to_numpy(object), pa.string())}))
        asked = named_table("_incoming", named_column("id"))
        now = self._frame(
            select(*(staged.c[one] for one in derive.WATCHED)).where(staged.c.request_id.in_(select(asked.c.id)))
        )
        events = derive.changes(before, now, self._last_instant(), self.started_at)
        counts.update(map(str, events["kind"]))
        self.write("request_event", events)

    def _old(self, table: Table) -> Table:
        """Where kept rows wait, so that they are not taken for new ones."""
        waiting = Table(f"{table.name}__kept", self._staged[table.name].metadata, extend_existing=True)
        if not len(waiting.columns):
            for one in table.columns:
                waiting.append_column(Column(one.name, one.type))
            waiting.create(self._writer)
        return waiting

    def _merge_old(self, table: Table) -> None:
        metadata, staged = self._staged[table.name].metadata, self._staged[table.name]
        waiting = metadata.tables.get(f"{_STAGING}.{table.name}__kept")
        if waiting is None:
            return
        rows = self._writer.scalar(select(func.count()).select_from(waiting)) or 0
        names = [one.name for one in staged.columns]
        self._writer.execute(insert(staged).from_select(names, select(*(waiting.c[one] for one in names))))
        self._writer.execute(DropTable(waiting))
        self.rows[table.name] += rows

    def _forget(self, staged: Table, key: list[str], keys: pd.Index) -> None:
        """Take rows back out: those that are in service exactly so."""
        self._register(pa.table({"key": pa.array(keys.to_numpy(), pa.string())}))
        incoming = named_table("_incoming", named_column("key"))
        written = func.concat_ws("\x1f", *(staged.c[one] for one in key))
        taken = self._writer.execute(staged.delete().where(written.in_(select(incoming.c.key))))
        self.rows[staged.name] -= taken.rowcount if taken.rowcount and taken.rowcount > 0 else len(keys)

    # ── deriving ────────────────────────────────────────────────────────────────────────────────────

    def finish(self, as_of: datetime | None = None) -> Summary:
        """Derive and sort every fact; afterwards only `import_batch` and the like may still be written.

        `as_of` is the data's own clock, by default the last instant at which anything happened.
        """
        if self._summary:
            return self._summary
        context = derive.Context.of(self.city, {name: self._all(name) for name in derive.DIMENSIONS})
        as_of = _utc(as_of) if as_of else self._last_instant()
        flags: Counter[str] = Counter()
        self._derive_requests(context, as_of, flags)
        self._derive_contacts(context, as_of, flags)
        for name, deriving in derive.SIMPLE.items():
            for frame in self._windows(name):
                self._append(
                    schema.metadata.tables[name], to_arrow(deriving(frame, context), schema.metadata.tables[name])
                )
        self._derive_inspections(context)
        self._derive_surveys()
        self._derive_places(context)
        for name in _AS_WRITTEN:
            self._copy(name)
        self._sum_up(as_of)
        request, contact = schema.request.c, schema.contact.c
        opened = self._writer.execute(select(func.min(request.opened_on), func.max(request.opened_on))).one()
        arrived = self._writer.execute(select(func.min(contact.arrived_on), func.max(contact.arrived_on))).one()
        self._summary = Summary(
            build_id=self.build_id,
            as_of=as_of,
            rows=dict(self.rows),
            flags={name: flags[name] for name in schema.FLAGS if flags[name]},
            flagged=flags["_rows"],
            data_from_on=min((one for one in (opened[0], arrived[0]) if one), default=None),
            data_to_on=max((one for one in (opened[1], arrived[1]) if one), default=None),
            seconds=(_now() - self.started_at).total_seconds(),
        )
        return self._summary

    def _derive_requests(self, context: derive.Context, as_of: datetime, flags: Counter[str]) -> None:
        staged = self._staged["request"]
        pauses, events = self._staged["request_pause"], self._staged["request_event"]
        of_request = staged.c.request_id == events.c.request_id
        acted = events.c.kind.in_(derive.ACTIVITY)
        recorded = select(func.coalesce(staged.c.src_system, ""), events.c.kind).join(events, of_request).distinct()
        findings = derive.Findings(
            placeholders=self._placeholders(),
            midnight_columns=self._midnights.columns(),
            incidents=self._incidents(context),
            recorded=frozenset((source, kind) for source, kind in self._writer.execute(recorded)),
        )
        for frame, start, end in self._time_windows(staged, "opened_at"):
            inside = and_(staged.c.opened_at >= start, staged.c.opened_at < end)
            paused = self._frame(select(pauses).join(staged, staged.c.request_id == pauses.c.request_id).where(inside))
            turns = self._frame(
                select(*(events.c[one] for one in ("request_id", "event_at", "kind", "from_value", "to_value")))
                .join(staged, of_request)
                .where(inside, events.c.kind.in_(("close", "reopen", "transfer")))
                .order_by(events.c.request_id, events.c.event_at, events.c.event_id)
            )
            before_close = or_(staged.c.closed_at.is_(None), events.c.event_at <= staged.c.closed_at)
            activity = self._frame(
                select(events.c.request_id, func.count().label("n"))
                .join(staged, of_request)
                .where(inside, acted, before_close)
                .group_by(events.c.request_id)
            ).set_index("request_id")["n"]
            requests = derive.requests(frame, context, findings, as_of, paused, activity)
            self._append(schema.request, to_arrow(requests, schema.request))
            episodes = derive.episodes(requests, turns, context, findings)
            self._append(self._staged["request_episode"], to_arrow(episodes, schema.request_episode))
            self.rows["request_episode"] += len(episodes)
            derive.tally(requests["dq_flags"], flags)
            self.progress("deriving requests", len(requests))
        self._copy("request_episode")
        self._find_recurrences()

    def _find_recurrences(self) -> None:
        """Fill `recurred_at`: for each closed request the next one of its type opened at its place afterwards.

        Openings and closings of a place in one line, in order of time: what follows a closing is the next opening.
        Sorted by the database, so that it takes as many requests as there are.
        """
        r = schema.request.c
        place = func.coalesce(
            literal("parcel ") + r.parcel_id,
            literal("address ") + func.lower(func.regexp_replace(func.trim(r.address), r"\s+", " ", "g")),
            literal("cell ") + cast(r.h3_10, String),
        )
        counted = and_(r.has_place, r.is_info_only.is_not(True), r.is_duplicate.is_not(True))
        opening = select(
            r.request_id, r.type_id, place.label("place"), r.opened_at.label("at"), r.opened_at.label("opens_at"),
            literal(0).label("closes"),
        ).where(counted)  # fmt: skip
        # Closed before it was opened: it would be taken for its own return.
        closing = select(
            r.request_id, r.type_id, place.label("place"), r.closed_at.label("at"),
            cast(null(), DateTime).label("opens_at"), literal(1).label("closes"),
        ).where(counted, r.closed_at >= r.opened_at)  # fmt: skip
        line = union_all(opening, closing).subquery().c
        following = func.min(line.opens_at).over(
            partition_by=(line.type_id, line.place), order_by=(line.at, line.closes), rows=(1, None)
        )
        told = select(line.request_id, line.closes, following.label("next_at")).subquery().c
        recurred = select(told.request_id, told.next_at).where(told.closes == 1, told.next_at.is_not(None)).subquery().c
        self._writer.execute(
            update(schema.request).where(r.request_id == recurred.request_id).values(recurred_at=recurred.next_at)
        )

    def _derive_contacts(self, context: derive.Context, as_of: datetime, flags: Counter[str]) -> None:
        staged, request = self._staged["contact"], schema.request.c
        for frame, start, end in self._time_windows(staged, "arrived_at"):
            named = self._frame(
                select(request.request_id, request.service_type)
                .join(staged, staged.c.request_id == request.request_id)
                .where(staged.c.arrived_at >= start, staged.c.arrived_at < end)
                .distinct()
            )
            types = named.set_index("request_id")["service_type"]
            contacts = derive.contacts(frame, context, as_of, types)
            self._append(schema.contact, to_arrow(contacts, schema.contact))
            derive.tally(contacts["dq_flags"], flags)
            self.progress("deriving contacts", len(contacts))

    def _derive_inspections(self, context: derive.Context) -> None:
        request = schema.request.c
        for frame in self._windows("inspection"):
            asked = pa.table({"request_id": pa.array(frame["request_id"].dropna().unique(), pa.string())})
            self._register(asked)
            known = select(request.request_id, request.department, request.service_type).where(
                request.request_id.in_(select(named_table("_incoming", named_column("request_id")).c.request_id))
            )
            found = derive.inspections(frame, context, self._frame(known).set_index("request_id"))
            self._append(schema.inspection, to_arrow(found, schema.inspection))

    def _derive_surveys(self) -> None:
        survey, request = self._staged["survey"], schema.request
        frame = self._frame(
            select(
                survey,
                *(request.c[name].label(f"_{name}") for name in ("department", "service_type", "district")),
            )
            .outerjoin(request, request.c.request_id == survey.c.request_id)
            .order_by(survey.c.sent_at, survey.c.survey_id)
        )
        if len(frame):
            surveys = derive.surveys(frame, self.city["tz"])
            self._append(schema.survey, to_arrow(surveys, schema.survey))

    def _derive_places(self, context: derive.Context) -> None:
        """Fill `place`: every hexagon that lies in a district or was ever reported from, and who lives there."""
        points = self._frame(select(self._staged["population_point"]))
        names = [one.name for one in schema.place.columns]
        for resolution in placing.RESOLUTIONS:
            peopled = None
            if len(points):
                cell = derive.cells(points["lat"], points["lon"], np.ones(len(points), bool), resolution)
                self._register(pa.table({"cell": pa.array(cell, pa.int64()), "residents": points["residents"]}))
                peopled = named_table("_incoming", named_column("cell"), named_column("residents"))
            rows = placing.places(resolution, peopled).order_by(literal_column("2"))
            self._writer.execute(insert(schema.place).from_select(names, rows))
            reported = select(schema.place.c.cell).where(schema.place.c.resolution == resolution)
            quiet = derive.quiet_places(context, resolution, set(self._frame(reported)["cell"]), points)
            self._append(schema.place, to_arrow(quiet, schema.place))

    def _sum_up(self, as_of: datetime) -> None:
        """Count beforehand what pays: every rollup that has far fewer rows than its fact."""
        frame = Frame(as_of, self.city["answer_within_s"], self.city["short_abandon_s"])
        sizes = {rollup.fact.name: self._count(rollup.fact.table) for rollup in ROLLUPS.values()}
        held = []
        for name, rollup in ROLLUPS.items():
            if (of := sizes[rollup.fact.name]) < PAYS_FROM_ROWS:
                continue
            rollup.table.create(self._writer)
            rows = with_values(rollup.rows(), frame, as_of.date())
            self._writer.execute(insert(rollup.table).from_select(list(rollup.table.c.keys()), rows))
            n = self._count(rollup.table)
            self.progress("summing up", n)
            if n * self.pays_by > of:
                self._writer.execute(DropTable(rollup.table))
            else:
                held.append({"name": name, "n": n})
        if held:
            self._append(schema.sums, to_arrow(pd.DataFrame(held), schema.sums))

    def _last_instant(self) -> datetime:
        """The data's own clock: the last instant anything was recorded, short of the impossible future."""
        latest = [
            self._writer.scalar(
                select(func.max(self._staged[name].c[one])).where(self._staged[name].c[one] <= self.started_at)
            )
            for name, columns in _HAPPENED.items()
            for one in columns
        ]
        return max((one for one in latest if one), default=self.started_at)

    def _placeholders(self) -> frozenset[tuple[float, float]]:
        """Coordinates that stand for “unknown”: one pair shared by more than 5 % of the rows, and by at least 50."""
        request = self._staged["request"].c
        located = self._writer.scalar(select(func.count(request.lat)).where(request.lon.is_not(None))) or 0
        shared = (
            select(request.lat, request.lon)
            .where(request.lat.is_not(None), request.lon.is_not(None))
            .group_by(request.lat, request.lon)
            .having(func.count() > max(located * derive.PLACEHOLDER_SHARE, derive.PLACEHOLDER_ROWS))
        )
        return frozenset((lat, lon) for lat, lon in self._writer.execute(shared))

    def _incidents(self, context: derive.Context) -> pd.Series:
        request = self._staged["request"].c
        children = self._frame(
            select(request.request_id, request.parent_request_id).where(request.parent_request_id.is_not(None))
        )
        parents = pd.Series(
            children["parent_request_id"].to_numpy(), index=children["request_id"].to_numpy(), dtype=object
        )
        if self.infer_duplicates:
            placeholders = self._placeholders()
            for type_id, radius_m, days in context.duplicate_rules():
                reports = self._frame(
                    select(request.request_id, request.opened_at, request.closed_at, request.lat, request.lon)
                    .where(
                        request.type_id == type_id,
                        request.parent_request_id.is_(None),
                        request.lat.is_not(None),
                        request.lon.is_not(None),
                        or_(request.lat != 0, request.lon != 0),
                    )
                    .order_by(request.opened_at, request.request_id)
                )
                found = derive.inferred_parents(reports, radius_m, days, placeholders)
                parents = pd.concat([parents, found]) if len(found) else parents
        return derive.roots(parents)

    # ── out ─────────────────────────────────────────────────────────────────────────────────────────

    def publish(self, as_of: datetime | None = None) -> Summary:
        """Put the build in service, at once and whole. Afterwards the build is closed."""
        summary = self.finish(as_of)
        for table in schema.metadata.sorted_tables:
            if table.name not in {*derive.DERIVED, *_AS_WRITTEN, "city", "build", "sums"}:
                self._copy(table.name)
        self._append(schema.city, to_arrow(pd.DataFrame([self.city]), schema.city))
        request, contact = schema.request.c, schema.contact.c
        last = [self._writer.scalar(select(func.max(one))) for one in (request.opened_at, contact.arrived_at)]
        about = {
            "build_id": self.build_id,
            "built_at": self.started_at,
            "as_of": summary.as_of,
            "data_from_on": summary.data_from_on,
            "data_to_on": summary.data_to_on,
            "data_to_at": max((one for one in last if one), default=None),
            "contacts_from_on": self._writer.scalar(select(func.min(contact.arrived_on))),
            "requests": self._count(schema.request),
            "contacts": self._count(schema.contact),
            "refused": self._count(schema.refused_row),
            "flagged": summary.flagged,
        }
        self._append(schema.build, to_arrow(pd.DataFrame([about]), schema.build))
        self._writer.execute(DetachFile(_STAGING))
        if self.settings.database:
            self._publish_in_postgres()
        else:
            self._publish_file()
        self._let_go()
        return summary

    def _publish_file(self) -> None:
        engine = self._writer.engine
        self._writer.close()
        engine.dispose()
        self._connection = None
        _flush(self._part)
        os.rename(self._part, self._file)
        before = read_pointer(self._folder)
        pointer = {
            "build_id": self.build_id,
            "file": self._file.name,
            "previous": before["file"] if before else None,
            "is_made_up": bool(self.city["is_made_up"]),
        }
        fresh = self._folder / "current.part"
        fresh.write_text(json.dumps(pointer), "utf-8")
        _flush(fresh)
        os.replace(fresh, self._folder / "current")
        _flush(self._folder)
        _sweep(self._folder)

    def _publish_in_postgres(self) -> None:
        engine = postgres_engine(self.settings.database, read_only=False)
        try:
            with engine.begin() as connection:
                connection.execute(DropSchema(_POSTGRES_STAGING, cascade=True, if_exists=True))
                connection.execute(CreateSchema(_POSTGRES_STAGING))
            building = MetaData(schema=_POSTGRES_STAGING)
            held = [ROLLUPS[name].table for (name,) in self._writer.execute(select(schema.sums.c.name))]
            written = [*schema.metadata.sorted_tables, *held]
            loaded = [_bare(table, building) for table in written]
            for source, table in zip(written, loaded, strict=True):
                with engine.begin() as connection:
                    self._load(connection, source, table)
            with engine.begin() as connection:
                target = connection.scalar(select(func.current_schema())) or "public"
                present = set(inspect(connection).get_table_names(schema=target))
                for name in (*ROLLUPS, *(table.name for table in reversed(schema.metadata.sorted_tables))):
                    if name in present:
                        connection.execute(DropTable(Table(name, MetaData(schema=target))))
                for table in loaded:
                    connection.execute(MoveTable(table, target))
                connection.execute(DropSchema(_POSTGRES_STAGING))
        finally:
            engine.dispose()

    def _load(self, connection: Connection, source: Table, table: Table) -> None:
        table.create(connection)
        cursor = connection.connection.cursor()
        command = str(CopyFromCsv(table).compile(dialect=connection.dialect))
        options = pyarrow.csv.WriteOptions(include_header=False)
        with cursor.copy(command) as wire:
            for batch in self._batches(select(source)):
                sink = pa.BufferOutputStream()
                pyarrow.csv.write_csv(_for_csv(batch), sink, options)
                wire.write(sink.getvalue().to_pybytes())
                self.progress(f"loading {table.name}", batch.num_rows)
        key = [one.name for one in source.primary_key]
        if key:
            connection.execute(AddConstraint(PrimaryKeyConstraint(*(table.c[one] for one in key))))
        for one in ("day",) if table.name in ROLLUPS else _LOOKED_UP.get(table.name, ()):
            Index(f"{table.name}_{one}", table.c[one]).create(connection)
        connection.execute(Analyze(table))

    # ── the new file ───────────────────────────────────────────────────────────────────────────────

    @property
    def _writer(self) -> Connection:
        if self._connection is None:
            raise BadRequest("This build is closed. Open a new one with “with Build(…) as build”.")
        return self._connection

    def _register(self, arrow: pa.Table) -> None:
        driver: Any = self._writer.connection.driver_connection
        driver.register("_incoming", arrow)

    def _append(self, table: Table, arrow: pa.Table) -> None:
        if not arrow.num_rows:
            return
        self._register(arrow)
        incoming = named_table("_incoming", *(named_column(name) for name in arrow.column_names))
        self._writer.execute(insert(table).from_select(arrow.column_names, select(*incoming.columns)))
        driver: Any = self._writer.connection.driver_connection
        driver.unregister("_incoming")

    def _arrow(self, statement) -> pa.Table:
        return self._writer.execute(statement).cursor.to_arrow_table()

    def _frame(self, statement) -> pd.DataFrame:
        return to_pandas(self._arrow(statement))

    def _all(self, name: str) -> pd.DataFrame:
        return self._frame(select(self._staged[name]))

    def _batches(self, statement) -> Iterator[pa.RecordBatch]:
        cursor: Any = self._writer.execute(statement).cursor
        yield from cursor.to_arrow_reader(100_000)

    def _count(self, table: Table) -> int:
        return self._writer.scalar(select(func.count()).select_from(table)) or 0

    def _copy(self, name: str) -> None:
        """From staging to the build, in the fact's order."""
        staged, table = self._staged[name], schema.metadata.tables[name]
        names = [one.name for one in table.columns]
        rows = select(*(staged.c[one] for one in names)).order_by(*(staged.c[one] for one in _ORDER.get(name, ())))
        self._writer.execute(insert(table).from_select(names, rows))

    def _windows(self, name: str) -> Iterator[pd.DataFrame]:
        staged = self._staged[name]
        order = _ORDER.get(name)
        if order and isinstance(staged.c[order[0]].type, DateTime):
            yield from (frame for frame, _, _ in self._time_windows(staged, order[0]))
        elif len(frame := self._frame(select(staged))):
            yield frame

    def _time_windows(self, staged: Table, by: str) -> Iterator[tuple[pd.DataFrame, datetime, datetime]]:
        """The rows of `staged` in order, in stretches of whole days that fit in memory, with their bounds."""
        day = func.date_trunc("day", staged.c[by]).label("day")
        days = self._frame(select(day, func.count().label("n")).group_by(day).order_by(day))
        if days.empty:
            return
        window = (days["n"].cumsum() - 1) // _WINDOW_ROWS
        order = [staged.c[one] for one in _ORDER[staged.name]]
        for _, some in days.groupby(window):
            start = some["day"].iloc[0].to_pydatetime()
            end = (some["day"].iloc[-1] + pd.Timedelta(days=1)).to_pydatetime()
            inside = select(staged).where(staged.c[by] >= start, staged.c[by] < end).order_by(*order)
            yield self._frame(inside), start, end


# ── types ───────────────────────────────────────────────────────────────────────────────────────────


def _arrow_type(column: Column) -> pa.DataType:
    kind = column.type
    if isinstance(kind, Boolean):
        return pa.bool_()
    if isinstance(kind, DateTime):
        return pa.timestamp("us")
    if isinstance(kind, Date):
        return pa.date32()
    if isinstance(kind, Float | Numeric):
        return pa.float64()
    if isinstance(kind, Integer):
        return pa.int64()
    return pa.string()


def to_arrow(frame: pd.DataFrame, table: Table) -> pa.Table:
    """`frame` in the types of `table`, only the columns that are there.

    Raises BadRequest naming the column that does not fit.
    """
    arrays = {}
    for name in frame.columns:
        kind = _arrow_type(table.c[name])
        values = frame[name]
        try:
            arrays[name] = _as(values, kind)
        except (pa.ArrowException, ValueError, TypeError) as problem:
            raise BadRequest(f"Column “{name}” of “{table.name}” does not fit: {problem}") from problem
    return pa.table(arrays)


def _as(values: pd.Series, kind: pa.DataType) -> pa.Array:
    try:
        found = pa.array(values, from_pandas=True)
    except pa.ArrowException:  # mixed Python objects
        found = pa.array(values.astype("string"), from_pandas=True)
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    if pa.types.is_temporal(kind):
        return found.cast(kind, safe=False)
    return found.cast(kind)


def _for_csv(batch: pa.RecordBatch) -> pa.Table:
    """Arrow writes no decimals as CSV; PostgreSQL reads them from text."""
    table = pa.Table.from_batches([batch])
    for at, column in enumerate(table.schema):
        if pa.types.is_decimal(column.type):
            table = table.set_column(at, column.name, table.column(at).cast(pa.string()))
    return table


def _bare(table: Table, metadata: MetaData) -> Table:
    """`table` elsewhere, without keys: they are added once its rows are in."""
    columns = [
        Column(one.name, one.type, nullable=one.nullable or bool(one.info.get("derived"))) for one in table.columns
    ]
    return Table(table.name, metadata, *columns)


def _key_of(name: str) -> list[str]:
    return [one.name for one in schema.metadata.tables[name].primary_key]


def _keys(frame: pd.DataFrame, key: Sequence[str]) -> pd.Index:
    """One word per row: its key, joined by a separator that no source writes."""
    words = frame[key[0]].astype("string").fillna("")
    for name in key[1:]:
        words = words.str.cat(frame[name].astype("string").fillna(""), sep="\x1f")
    return pd.Index(words.astype(object))


# ── files ───────────────────────────────────────────────────────────────────────────────────────────


def _now() -> datetime:
    """The wall clock, for when a build was made; no number on the dashboard depends on it."""
    return datetime.fromtimestamp(int(time.time()), UTC).replace(tzinfo=None)


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(folder: Path) -> None:
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
