"""What is in service, carried over into a build that brings more, and the two compared row by row.

A row stays unless it was written anew and says something else. Where little is brought to a large city, the build
begins as a copy of the file in service and rows stay where they are (`continuing`); else they wait with the new ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    FromClause,
    MetaData,
    String,
    Table,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    insert,
    literal_column,
    or_,
    select,
    union,
    union_all,
    update,
)
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table

from dashboard.domain.errors import ImportRefused
from data_access import beyond_sql, derive, schema
from data_access.arrow import to_arrow
from data_access.continuing import CONTINUES_FROM_ROWS, CONTINUES_UP_TO, FOR_ALL, IN_PLACE, Basis
from data_access.dialects import AttachFile, DetachFile, TableOf, pointer_to
from data_access.engine import Warehouse
from data_access.told_by_all import last_instant
from data_access.work_file import HINTS, OWN, WorkFile

_BEFORE, _OLD = "before", "old"
_OLD_ROW: Any = literal_column(f"{_OLD}.rowid")
_CORRECTED = named_table("corrected", *(named_column(one, String) for one in ("file", "row_number", "reason")))

OldOf = Callable[[Table, frozenset[str]], FromClause]
"""What a table was in the build in service, in the columns that it had there."""


@dataclass(frozen=True)
class Kept:
    """How the requests and contacts of an import compare with the build in service.

    `carried` ones are in service and were not written anew. `events` counts, by kind, what must have happened to
    updated requests since, `others` the updated and unchanged rows of tables whose rows bear no id of their source.
    `untold` names the columns that this import does not tell, of which so many updated rows keep what was known.
    `outdated` requests were closed after anything that this import tells of, which has them open yet: they stay closed.
    `stays` is the build in service if this import repeats one that it holds, and brings nothing that it does not.
    """

    updated: int = 0
    unchanged: int = 0
    carried: int = 0
    events: Mapping[str, int] = field(default_factory=dict)
    others: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    untold: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    outdated: int = 0
    stays: InService | None = None


@dataclass(frozen=True)
class InService:
    """A build in service: its id, and the data's own clock in it."""

    build_id: str
    as_of: datetime


@dataclass
class CarryingOver:
    """What is kept of the build in service, and how far that has come.

    Parameters
    ----------
    work
        Where the new rows wait.
    warehouse, file
        What is in service, and its file; None if that does not lie here.
    begun_at
        When the build was begun that all this is for.
    again, corrected, ids, untold, asked
        As `Build.carry_over` is told.
    """

    work: WorkFile
    warehouse: Warehouse
    file: Path | None
    begun_at: datetime
    again: str | None
    corrected: pd.DataFrame | None
    ids: Collection[str]
    untold: Mapping[str, Collection[str]]
    asked: bool
    updated: int = 0
    outdated: int = 0
    carried: int = 0
    unchanged: Counter[str] = field(default_factory=Counter)  # by table
    events: Counter[str] = field(default_factory=Counter)
    others: dict[str, tuple[int, int]] = field(default_factory=dict)
    keeping: dict[tuple[str, ...], int] = field(default_factory=dict)  # columns that are not told, in how many rows
    brings: bool = False  # anything that is not in service

    def kept(self, basis: Basis | None) -> Kept:
        """Carry over every table; what that came to.

        With a `basis` it goes on from what is in service, if that was made on the same one and the rest is few.
        """
        if self.corrected is not None:
            words = {one.name: pa.array(self.corrected[one.name]).cast(pa.string()) for one in _CORRECTED.c}
            self.work.register(pa.table(words), _CORRECTED.name)
        with self._in_reach() as old_of:
            olds = {
                table: old_of(table, present)
                for table in schema.metadata.sorted_tables
                if table.name not in OWN and (present := self.warehouse.columns(table.name))
            }
            for table, old in olds.items():
                if "src_id" in table.c and self.work.rows[table.name]:
                    self._compare(old, table.name)
            if basis is not None:
                self._go_on(basis, old_of, olds)
            tell_pauses(self.work, olds.get(schema.request_event))
            stays = self._repeated(basis, old_of, olds)
            for table, old in olds.items():
                self._carry(old, table)
                if self.work.continuing:
                    self.work.continuing.note_changes(table.name, old)
        others = {one.name: self.others.get(one.name, (0, 0)) for one in schema.metadata.sorted_tables}
        events = dict(sorted(self.events.items()))
        return Kept(
            self.updated,
            self.unchanged.total(),
            self.carried,
            events,
            others,
            self.keeping,
            self.outdated,
            stays if not self.brings else None,
        )

    @contextmanager
    def _in_reach(self) -> Iterator[OldOf]:
        """The tables of the build in service, in reach of this one's database."""
        file, run = self.file, self.work.connection
        if file is not None:
            run.execute(AttachFile(file, _BEFORE, read_only=True))

        def old_of(table: Table, present: frozenset[str]) -> FromClause:
            columns = [named_column(one.name, one.type) for one in table.columns if one.name in present]
            if file is not None:
                return named_table(table.name, *columns, schema=_BEFORE).alias(_OLD)
            copied = Table(f"{table.name}__before", MetaData(), *(Column(one.name, one.type) for one in columns),
                           prefixes=["TEMPORARY"])  # fmt: skip
            copied.create(run)
            for rows in self.warehouse.batches(select(*(table.c[one.name] for one in columns))):
                self.work.append(copied, to_arrow(rows, table))
            return named_table(copied.name, *columns).alias(_OLD)

        yield old_of
        if file is not None:
            run.execute(DetachFile(_BEFORE))

    # ── going on from what is in service ────────────────────────────────────────────────────────────

    def _go_on(self, own: Basis, old_of: OldOf, olds: Mapping[Table, FromClause]) -> None:
        """Begin with a copy of the build in service, if what this build brings is few rows beside it."""
        if self.file is None:
            return
        brings = sum(self.work.waiting(name) for name in IN_PLACE)
        about = old_of(schema.build, self.warehouse.columns(schema.build.name))
        if "basis" not in about.c:
            return
        as_of, rows, text = self.work.one(select(about.c.as_of, about.c.requests + about.c.contacts, about.c.basis))
        basis = Basis.from_text(text)
        if (
            basis is None
            or basis.how != own.how
            or rows < CONTINUES_FROM_ROWS
            or brings + basis.scattered > CONTINUES_UP_TO * rows
            or any(self._says_anew(table, old) for table, old in olds.items() if table.name in FOR_ALL)
        ):
            return
        sums = old_of(schema.sums, frozenset({"name", "from_on"})).c
        held = {name: from_on for name, from_on in self.work.connection.execute(select(sums.name, sums.from_on))}
        self.work.go_on_from(self.file, basis, as_of, held)
        self.work.progress("going on from what is in service", rows)

    def _repeated(self, own: Basis | None, old_of: OldOf, olds: Mapping[Table, FromClause]) -> InService | None:
        """The build in service, if it holds this import already and was derived by the same code from the same city.

        A file that is read once more tells nothing of how fresh the data is; what an address answers does.
        """
        held = olds.get(schema.import_batch)
        if own is None or held is None or self.corrected is not None or self.file is None:
            return None
        if not self.work.count(held, held.c.import_id == self.again):
            return None
        about = old_of(schema.build, self.warehouse.columns(schema.build.name))
        if "basis" not in about.c:
            return None
        build_id, as_of, text = self.work.one(select(about.c.build_id, about.c.as_of, about.c.basis))
        basis = Basis.from_text(text)
        new_tables = (name for name in self.work.staged if schema.metadata.tables[name] not in olds)
        self.brings = any(self.work.rows[name] for name in new_tables)
        return InService(build_id, as_of) if basis is not None and basis.how == own.how else None

    def _says_anew(self, table: Table, old: FromClause) -> bool:
        """Whether rows of a table were written that do not stand so in the build in service."""
        staged = self.work.staged[table.name]
        fresh = select(*staged.c).except_(select(*(old.c[one.name] for one in staged.c)))
        return bool(self.work.rows[table.name]) and self.work.count(fresh.subquery()) > 0

    # ── the same row on both sides ──────────────────────────────────────────────────────────────────

    def _compare(self, old: FromClause, name: str) -> None:
        """Count how many rows of the build in service were written again differently, and how many just so.

        The pairs are left in a table (`_compared`), and the new rows that say nothing new, as an older export does, are
        taken out: also those that are outdated.
        """
        work, staged = self.work, self.work.staged[name]
        tell_apart(self.work, staged, old, "in service")
        same: ColumnElement[bool] = func.coalesce(old.c.row_hash == staged.c.row_hash, False)
        if "updated_at" in staged.c and "updated_at" in old.c:
            same = or_(same, func.coalesce(staged.c.updated_at < old.c.updated_at, False))
        outdated = self._outdated(old, staged)
        key = and_(*(old.c[one].is_not_distinct_from(staged.c[one]) for one in ("src_system", "src_id")))
        new_row = derive.rowid(staged)
        says_nothing = or_(same, outdated).label("same")
        pairs = select(_OLD_ROW.label("old"), new_row.label("new"), says_nothing, outdated.label("outdated"))
        work.connection.execute(TableOf(_compared(name).name, pairs.select_from(old.join(staged, key))))
        c = _compared(name).c
        counted = (c.old, case((~c.same, c.old)), case((c.outdated, c.old)))
        met, updated, n_outdated = work.one(select(*(func.count(one.distinct()) for one in counted)))
        self.outdated += n_outdated
        if updated:
            self._keep_untold(old, staged)
        if staged.name == "request" and updated:
            given = derive.as_written(staged, old)
            watched = [given[one].label(one) for one in beyond_sql.WATCHED]
            was = select(*watched).where(_OLD_ROW.in_(select(c.old).where(~c.same)))
            now = select(*(staged.c[one] for one in beyond_sql.WATCHED)).where(
                new_row.in_(select(c.new).where(~c.same))
            )
            self._note_changes(work.frame(was), work.frame(now))
        if met > updated:
            work.connection.execute(staged.delete().where(new_row.in_(select(c.new).where(c.same))))
        self.updated += updated
        self.unchanged[name] = met - updated

    def _outdated(self, old: FromClause, staged: Table) -> ColumnElement[bool]:
        """Whether a request was closed after anything that this import tells of, which has it open yet.

        An export that ends before a closing says nothing of it. Where both tell when they were updated, that decides.
        """
        if staged.name != "request" or self.asked or "closed_at" not in old.c:
            return false()
        times = [staged.c[one] for one in ("opened_at", "closed_at", "first_response_at", "updated_at")]
        last = [select(func.max(case((one <= self.begun_at, one)))) for one in times]
        if self.work.rows["request_event"]:
            event_at = self.work.staged["request_event"].c.event_at
            last.append(select(func.max(case((event_at <= self.begun_at, event_at)))))
        ends_at = max((one for (one,) in self.work.connection.execute(union_all(*last)) if one), default=None)
        if ends_at is None:  # all of it lies in a time to come
            return false()
        updates: list[ColumnElement[bool]] = [staged.c.updated_at.is_(None)]
        if "updated_at" in old.c:
            updates.append(old.c.updated_at.is_(None))
        return func.coalesce(
            and_(
                or_(*updates),
                staged.c.closed_at.is_(None),
                func.coalesce(staged.c.status.not_in(sorted(schema.CLOSED_STATUSES)), True),
                derive.as_written(staged, old)["closed_at"] > ends_at,
                old.c.closed_at <= self.begun_at,  # in a time to come nothing was closed
            ),
            False,
        )

    def _keep_untold(self, old: FromClause, staged: Table) -> None:
        """Let updated rows keep what was known of columns that this import does not tell."""
        given = derive.as_written(staged, old)
        names = [one for one in sorted(self.untold.get(staged.name, ())) if one in given and one in staged.c]
        if not names:
            return
        key = ("src_system", "src_id")
        pairs = _compared(staged.name).c
        rows = select(*(old.c[one] for one in key), *(given[one].label(one) for one in names))
        rows = rows.where(_OLD_ROW.in_(select(pairs.old).where(~pairs.same)))
        self.work.connection.execute(TableOf("kept_untold", rows))
        kept = named_table("kept_untold", *(named_column(one) for one in (*key, *names)))
        known = [kept.c[one].is_not(None) for one in names]
        *each, n = self.work.one(select(*(func.count(case((one, 1))) for one in (*known, or_(*known)))))
        if n:
            self.keeping[tuple(name for name, one in zip(names, each, strict=True) if one)] = n
            same = and_(*(kept.c[one] == staged.c[one] for one in key))
            values = {name: kept.c[name] for name in names}
            self.work.connection.execute(update(staged).where(same).values(values))

    def _note_changes(self, was: pd.DataFrame, now: pd.DataFrame) -> None:
        """Write as events what must have happened to requests between the build in service and this import."""
        events = beyond_sql.changes(was, now, last_instant(self.work, self.begun_at), self.begun_at)
        self.events.update(map(str, events["kind"]))
        if len(events):
            self.work.add("request_event", to_arrow(events, schema.request_event))

    # ── what stays ──────────────────────────────────────────────────────────────────────────────────

    def _carry(self, old: FromClause, table: Table) -> None:
        """Keep the rows of `old` that were not written anew."""
        work, staged = self.work, self.work.staged[table.name]
        hints = HINTS.get(table.name, ())
        columns = {
            name: one
            for name, one in derive.as_written(table, old).items()
            if name in hints or not table.c[name].info.get("derived")
        }
        stays = self._unlisted(old, table.name)
        brought = work.waiting(table.name)
        if table.name == "request_pause":
            stays.append(old.c.request_id.not_in(select(_RETOLD.c.request_id)))
        if table.name == "refused_row":
            self.brings |= self._says_anew(table, old)
        elif "src_id" in table.c:
            self.brings |= brought > 0  # those that say nothing new were taken out
        if "src_id" in table.c and work.rows[table.name]:
            compared = _compared(table.name).c
            stays.append(_OLD_ROW.not_in(select(compared.old).where(~compared.same)))
        elif work.rows[table.name] and table.name != "refused_row":
            key = schema.key_of(table.name)
            rewritten, wholly = (
                exists().where(*(old.c[one].is_not_distinct_from(staged.c[one]) for one in names)).correlate(old)
                for names in (key, [one for one in columns if one in old.c])
            )
            of = select(func.count(case((wholly, 1))), func.count(case((~wholly, 1)))).where(rewritten)
            unchanged, updated = work.one(of.select_from(old))
            self.others[table.name] = updated, unchanged
            self.brings |= brought != unchanged
            stays.append(~rewritten)
        if work.continuing and table.name in IN_PLACE:
            gone = work.continuing.leave(table, old, stays)
            work.rows[table.name] = work.waiting(table.name)
            carried = work.count(old) - gone if "src_id" in table.c else 0
        else:
            before = work.waiting(table.name)
            kept = select(*columns.values()).select_from(old).where(*stays)
            work.connection.execute(insert(staged).from_select(list(columns), kept))
            work.rows[table.name] = work.waiting(table.name)
            carried = work.rows[table.name] - before
        if "src_id" in table.c:
            self.carried += carried - self.unchanged[table.name]

    def _unlisted(self, old: FromClause, name: str) -> list[ColumnElement[bool]]:
        """The conditions on which what is noted of earlier imports, and of the rows they refused, still holds."""
        holds: list[ColumnElement[bool]] = []
        if name == "refused_row" and self.corrected is not None:
            same = (cast(old.c[one.name], String) == one for one in _CORRECTED.c)
            holds.append(~exists().where(*same).correlate(old))
        if name == "refused_row" and self.again is not None:
            holds += [~self._is_met_again(old, self.again, column) for column in self.ids]
            holds.append(~self._is_refused_again(old, self.again))
        if name in ("refused_row", "import_batch"):
            holds.append(old.c.import_id.is_distinct_from(self.again))
        return holds

    def _is_met_again(self, refused: FromClause, import_id: str, column: str) -> ColumnElement[bool]:
        """Whether this import of the same source read the id that a refused row has in `column` once more."""
        request, now = self.work.staged["request"], self.work.staged["refused_row"]
        this_id, that_id = (
            func.trim(func.json_extract_string(one.raw, pointer_to(column))) for one in (refused.c, now.c)
        )
        accepted = exists().where(request.c.import_id == import_id, request.c.src_id == this_id)
        again = exists().where(now.c.import_id == import_id, now.c.file == refused.c.file, that_id == this_id)
        same_source = func.starts_with(refused.c.import_id, f"{import_id.rsplit('-', 1)[0]}-")
        return and_(same_source, or_(accepted.correlate(refused), again.correlate(refused)))

    def _is_refused_again(self, refused: FromClause, import_id: str) -> ColumnElement[bool]:
        """Whether this import refused the same words of the same file once more: a row without an id, say."""
        now = self.work.staged["refused_row"]
        same = exists().where(now.c.import_id == import_id, now.c.file == refused.c.file, now.c.raw == refused.c.raw)
        same_source = func.starts_with(refused.c.import_id, f"{import_id.rsplit('-', 1)[0]}-")
        return and_(same_source, same.correlate(refused))


def tell_apart(work: WorkFile, staged: Table, others: FromClause, where: str) -> None:
    """Raise ImportRefused if rows were written with ids that rows of another system have in `others`."""
    (own,) = schema.key_of(staged.name)
    alike = and_(others.c[own] == staged.c[own], others.c.src_system != staged.c.src_system)
    met = select(func.count(staged.c[own].distinct()), func.max(staged.c.src_system), func.min(others.c.src_system))
    n, system, other = work.one(met.select_from(others.join(staged, alike)))
    if n:
        raise ImportRefused(
            system,
            f"{n:,} of its ids are {where} as those of another system, “{other}”. If it is the same one, say "
            f"system = “{other}” at the top of the mapping; if not, set its ids apart, such as by "
            f"{own} = {{ column = …, replace = [['^', '{system}-']] }}.",
        )


_RETOLD = named_table("pauses_retold", named_column("request_id", String))
"""The requests of which events tell pauses, or told them, and which were written anew."""


def tell_pauses(work: WorkFile, old: FromClause | None) -> None:
    """Let the pauses wait that new events tell of, with all events of their requests.

    `old` is the table of events in service. Of a request whose events tell of pauses, what else was told of pauses
    gives way, for an event may have been put right; what this very build was told of its pauses holds.
    """
    events, pauses = work.staged["request_event"], work.staged["request_pause"]
    columns = ("request_id", "event_id", "event_at", "kind", "to_value")
    sides = [select(*(events.c[one] for one in columns))]
    told = [select(events.c.request_id).where(events.c.kind == "pause")]
    if old is not None and work.rows["request_event"]:
        again = old.c.event_id.in_(select(events.c.event_id))
        touched = old.c.request_id.in_(select(events.c.request_id))
        sides.append(select(*(old.c[one] for one in columns)).where(touched, ~again))
        told.append(select(old.c.request_id).where(touched, old.c.kind == "pause"))
    ids = union(*told).subquery("told")
    given = exists().where(pauses.c.request_id == ids.c.request_id)
    by_events = select(ids.c.request_id).where(ids.c.request_id.is_not(None), ~given)
    work.connection.execute(TableOf(_RETOLD.name, by_events))
    found = derive.pauses(union_all(*sides).subquery("both"), select(_RETOLD.c.request_id))
    work.connection.execute(insert(pauses).from_select(["request_id", "start_at", "end_at", "reason"], found))
    work.rows["request_pause"] = work.waiting("request_pause")


def _compared(name: str) -> Any:
    """The table of pairs of rows of the build in service and of this one with the same id."""
    flags = (named_column(one, Boolean) for one in ("same", "outdated"))
    return named_table(f"compared_{name}", *(named_column(one) for one in ("old", "new")), *flags)
