"""A build that goes on from the one in service: what it writes over, and all that depends on it.

A few rows brought to a large city do not make it anew. The build begins as a copy of the file in service. Rows that
are written over are *gone*; others that depend on what is new wait to be derived once more; what then differs takes the
place of what was, and the sums of every day on which something differs are counted again. What comes out is what a
build of everything would hold, but for the order in which the rows lie (decision 0029).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Date,
    FromClause,
    MetaData,
    Select,
    Table,
    and_,
    false,
    func,
    insert,
    literal_column,
    not_,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table

import data_access
from dashboard import domain
from data_access import derive, schema
from data_access.dialects import TableOf
from data_access.measures.contacts import RETURNED_WITHIN_DAYS
from data_access.measures.outcomes import SETTLED_AFTER
from data_access.rewriting import put_to

CONTINUES_FROM_ROWS = 500_000
"""A city with fewer requests and contacts is built anew in seconds."""
CONTINUES_UP_TO = 0.05
"""Of its rows, so many may lie out of the order of time before a build puts all of them in order again."""

IN_PLACE = ("request", "contact", "request_event", "request_pause", "agent_state")
"""The tables whose rows stay where they are; all others are small and written anew."""
FOR_ALL = ("district", "calendar", "calendar_day", "population_point")
"""What any row may depend on: if one of these changes, everything is derived anew."""

# What requests, contacts and states of agents depend on: by which key, and on what of it.
_DEPENDS_ON = {
    "service_type": ("type_id", ("name", "category", "is_info_only", "department_id")),
    "department": ("department_id", ("name", "calendar_id")),
    "sla_version": ("sla_id", tuple(one.name for one in schema.sla_version.c)),
    "agent": ("agent_id", ("team",)),
}
# Told by all requests together, once those that differ are known.
_LATER = ("recurred_at",)
_KEYS = {"request": "request_id", "contact": "contact_id"}


@dataclass(frozen=True)
class Basis:
    """What a build tells the next one of how it was made.

    `made_by` tells the code of one version from another's, which may derive or sum up otherwise (`of_this_code`).
    `recorded`, `placeholders` and `dates` as in `derive.Known`; `scattered` is the number of rows that lie out of the
    order of time.
    """

    infer_duplicates: bool
    pays_by: float
    made_by: str
    recorded: frozenset[tuple[str, str]] = frozenset()
    placeholders: frozenset[tuple[float, float]] = frozenset()
    dates: frozenset[tuple[str, str]] = frozenset()
    scattered: int = 0

    @classmethod
    def from_text(cls, text: str | None) -> Basis | None:
        """What `to_text` wrote; None if that of another version told other things, or nothing."""
        told = json.loads(text) if text else {}
        if told.keys() != {one.name for one in fields(cls)}:
            return None
        sets = {name: frozenset(map(tuple, told[name])) for name in ("recorded", "placeholders", "dates")}
        return cls(**{**told, **sets})

    @property
    def how(self) -> tuple[bool, float, str]:
        """What two builds must have in common for one to go on from the other."""
        return self.infer_duplicates, self.pays_by, self.made_by

    def to_text(self) -> str:
        """As it stands in the build."""
        told = asdict(self).items()
        return json.dumps({name: sorted(one) if isinstance(one, frozenset) else one for name, one in told})

    def after(self, known: derive.Known, scattered: int) -> Basis:
        """What the build after this one is told."""
        return replace(
            self, recorded=known.recorded, placeholders=known.placeholders, dates=known.dates,
            scattered=self.scattered + scattered,
        )  # fmt: skip


@cache
def of_this_code() -> str:
    """A word that changes with the code that derives and sums up."""
    found = hashlib.sha256()
    for package in (Path(data_access.__file__).parent, Path(domain.__file__).parent):
        for path in sorted(package.rglob("*.py")):
            found.update(path.read_bytes())
    return found.hexdigest()[:16]


class TooMany(Exception):
    """So much depends on what is new that making all anew is quicker."""


@dataclass
class Continuing:
    """What is going on in a build that goes on from another.

    Parameters
    ----------
    run
        The connection of the build; tables without a schema are those of the copy.
    staged
        Where new rows wait, by the names of their tables.
    basis, as_of
        Of the build before.
    held
        The tables beside the facts that it holds, by name, and from which day on (`schema.sums`).
    """

    run: Connection
    staged: Mapping[str, Table]
    basis: Basis
    as_of: datetime
    held: Mapping[str, date | None]
    changed: dict[str, list[str]] = field(default_factory=dict)  # by column: the keys, and of departments the names
    contacts_to: datetime | None = None  # the last contact of the build before
    begun: frozenset[str] = frozenset()  # sources that tell for the first time of something that others may not know
    scattered: int = 0
    kept_days: int = 0

    # ── what is written over ────────────────────────────────────────────────────────────────────────

    def leave(self, table: Table, old: FromClause, stays: Collection[ColumnElement[bool]]) -> int:
        """Note the rows of a table in service that do not stay; how many those are."""
        told = [derive.rowid(old).label("row")]
        if "request_id" in old.c:
            told.append(old.c.request_id.label("request_id"))
        leaves = select(*told).select_from(old).where(not_(and_(true(), *stays)))
        self.run.execute(TableOf(f"gone_{table.name}", leaves))
        return self._count(self._gone(table.name))

    def note_changes(self, name: str, old: FromClause) -> None:
        """Note the keys of a small table under which something else stands now; `old` is the table in service."""
        if name not in _DEPENDS_ON:
            return
        key, on = _DEPENDS_ON[name]
        new = derive.latest(self.staged[name], key)
        was = derive.latest(old, key)
        before, now = (select(*(one.c[column] for column in dict.fromkeys((key, *on)))) for one in (was, new))
        differing = union_all(before.except_(now), now.except_(before)).subquery()
        asked = {"sla_version": (key, "type_id"), "department": (key, "name")}.get(name, (key,))
        for column in asked:
            words = self.run.execute(select(differing.c[column]).where(differing.c[column].is_not(None)).distinct())
            self.changed.setdefault(column, []).extend(word for (word,) in words)

    def all_rows(self, name: str) -> FromClause:
        """The rows that the table will have, as their sources gave them: those that wait, and those that stay."""
        waiting = self.staged[name]
        held = schema.metadata.tables[name]
        given = derive.as_written(held, held)
        stays = select(*(given[one.name].label(one.name) for one in waiting.c)).where(self._stays(name))
        return union_all(select(*waiting.c), stays).subquery(f"all_{name}")

    def drop_gone(self, name: str) -> None:
        """Take the rows that do not stay out of a table that is not derived."""
        held = schema.metadata.tables[name]
        self.run.execute(held.delete().where(derive.rowid(held).in_(select(self._gone(name).c.row))))

    def recorded(self) -> frozenset[tuple[str, str]]:
        """Which source writes down which kind of event; what one once wrote, it writes."""
        event, held = self.staged["request_event"], schema.request_event
        every, new = self.all_rows("request"), self.staged["request"]
        found = set(self.basis.recorded)
        for request, of in ((every, event), (new, held)):
            pairs = select(func.coalesce(request.c.src_system, ""), of.c.kind).join(
                of, request.c.request_id == of.c.request_id
            )
            found |= {(source, kind) for source, kind in self.run.execute(pairs.distinct())}
        return frozenset(found)

    # ── what depends on it ──────────────────────────────────────────────────────────────────────────

    def take_requests_again(self, known: derive.Known) -> int:
        """Let all requests wait that are to be derived once more; how many those are.

        Raises TooMany if they are not few, or the contacts and states of agents that will be.
        """
        r = schema.request.c
        event, pause, gone = self.staged["request_event"], self.staged["request_pause"], self._gone("request_event")
        told: list[ColumnElement[bool]] = [
            r.request_id.in_(select(one.c.request_id)) for one in (event, pause, gone, self._gone("request_pause"))
        ]
        told += [r[name].in_(keys) for name, keys in self.changed.items() if keys and name in r]
        told += [r.request_id.in_(handed) for handed in self._handed_on()]
        begun = {one for one in known.recorded - self.basis.recorded if one[1] in derive.TOLD_OF_ALL}
        self.begun = frozenset(source for source, _ in begun)
        sources = self.begun | {source for source, _ in known.dates ^ self.basis.dates}
        if sources:
            told.append(func.coalesce(r.src_system, "").in_(sorted(sources)))
        told += [and_(r.lat == lat, r.lon == lon) for lat, lon in known.placeholders ^ self.basis.placeholders]
        root = derive.INCIDENTS.c.root if known.has_incidents else None
        joined: Any = schema.request
        if root is None:
            told.append(r.incident_id != r.request_id)
        else:
            joined = joined.outerjoin(derive.INCIDENTS, derive.INCIDENTS.c.request_id == r.request_id)
            told.append(func.coalesce(root, r.request_id) != r.incident_id)
        if known.as_of != self.as_of:
            runs = or_(*(r[name].is_not(None) for name in schema.OF_AS_OF))
            told += [and_(r.closed_at.is_(None), runs), *self._in_future(r, known, r.opened_at, r.closed_at)]
            told.append(r.opened_at > min(self.as_of, known.as_of))
        if agents := self.changed.get("agent_id"):
            for held in (schema.contact, schema.agent_state):
                if self._count(held, held.c.agent_id.in_(agents)) > CONTINUES_UP_TO * self._count(held):
                    raise TooMany
        most = int(CONTINUES_UP_TO * self._count(schema.request))
        return self._take_again(schema.request, or_(*told), joined, most)

    def _handed_on(self) -> list[Select]:
        """The requests that were handed on from or to departments which are called something else now."""
        words, event = self.changed.get("department_id", []) + self.changed.get("name", []), schema.request_event.c
        named = or_(event.from_value.in_(words), event.to_value.in_(words))
        return [select(event.request_id).where(event.kind == "transfer", named)] if words else []

    def take_contacts_again(self, known: derive.Known) -> int:
        """The same for contacts, once it is known which requests differ."""
        c, differing = schema.contact.c, _temporary("differing", schema.request).c
        told: list[ColumnElement[bool]] = [c.request_id.in_(select(differing.request_id))]
        told += [c.agent_id.in_(self.changed["agent_id"])] if self.changed.get("agent_id") else []
        if known.as_of != self.as_of:
            told += self._in_future(c, known, c.arrived_at, c.ended_at)
        return self._take_again(schema.contact, or_(*told))

    def take_states_again(self) -> int:
        """The same for states of agents."""
        agents = self.changed.get("agent_id")
        return self._take_again(schema.agent_state, schema.agent_state.c.agent_id.in_(agents)) if agents else 0

    def _in_future(self, of: Any, known: derive.Known, *instants: Any) -> list[ColumnElement[bool]]:
        later = min(self.as_of, known.as_of) + timedelta(days=1)
        return [schema.bears(of.dq_flags, "future"), *(one > later for one in instants)]

    def _take_again(
        self, held: Table, depends: ColumnElement[bool], joined: Any = None, most: int | None = None
    ) -> int:
        row, gone, waiting = derive.rowid(held), self._gone(held.name), self.staged[held.name]
        found = select(row.label("row")).select_from(held if joined is None else joined)
        self.run.execute(TableOf("again", found.where(func.coalesce(depends, False), self._stays(held.name))))
        again = named_table("again", named_column("row"))
        n = self._count(again)
        if most is not None and n > most:
            raise TooMany
        given = derive.as_written(held, held)
        names = [one.name for one in waiting.c]
        rows = select(*(given[name] for name in names)).where(row.in_(select(again.c.row)))
        self.run.execute(insert(waiting).from_select(names, rows))
        self.run.execute(insert(gone).from_select(["row"], select(again.c.row)))
        return n

    def take_all(self) -> None:
        """Let all rows that stay wait again."""
        for name in IN_PLACE:
            held, waiting = schema.metadata.tables[name], self.staged[name]
            given = derive.as_written(held, held)
            rows = select(*(given[one.name] for one in waiting.c)).where(self._stays(name))
            self.run.execute(insert(waiting).from_select([one.name for one in waiting.c], rows))

    # ── what takes the place of what was ────────────────────────────────────────────────────────────

    def derived_requests(self) -> Table:
        """An empty table for the requests that are derived."""
        return self._empty("derived", schema.request)

    def replace_requests(self, has_turned: bool) -> Select:
        """Put the derived requests in the place of those that were; the ids of those whose episodes may differ.

        Of a request that merely went on standing open, only what goes on is written; of one that is closed nothing goes
        on, and another pause is another sum.
        """
        r, now = schema.request.c, _temporary("derived", schema.request)
        was = self._kept_aside("request")
        told = [one.name for one in schema.request.c if one.name not in (*schema.OF_AS_OF, *_LATER)]
        paused = or_(*(was.c[name].is_distinct_from(now.c[name]) for name in schema.OF_AS_OF))
        unlike = or_(
            *(was.c[name].is_distinct_from(now.c[name]) for name in told), and_(now.c.closed_at.is_not(None), paused)
        )
        ids = func.coalesce(was.c.request_id, now.c.request_id).label("request_id")
        both = was.outerjoin(now, was.c.request_id == now.c.request_id, full=True)
        self.run.execute(TableOf("differing_ids", select(ids).select_from(both).where(unlike)))
        differs = select(named_table("differing_ids", named_column("request_id")).c.request_id)
        rows = (select(one).where(one.c.request_id.in_(differs)) for one in (was, now))
        self.run.execute(TableOf("differing_request", select(union_all(*rows).subquery())))
        gone = select(self._gone("request").c.row)
        self.run.execute(
            schema.request.delete().where(derive.rowid(schema.request).in_(gone), r.request_id.in_(differs))
        )
        new = select(now).where(now.c.request_id.in_(differs)).order_by(now.c.opened_at, now.c.request_id)
        self.run.execute(insert(schema.request).from_select([one.name for one in now.c], new))
        self.scattered += self._count(now, now.c.request_id.in_(differs))
        goes_on = or_(*(r[name].is_distinct_from(now.c[name]) for name in schema.OF_AS_OF))
        self.run.execute(
            update(schema.request)
            .where(r.request_id == now.c.request_id, r.request_id.not_in(differs), goes_on)
            .values({name: now.c[name] for name in schema.OF_AS_OF})
        )
        turned = [select(one.c.request_id) for one in (self.staged["request_event"], self._gone("request_event"))]
        turned += self._handed_on()
        turned.append(select(now.c.request_id).where(func.coalesce(now.c.src_system, "").in_(sorted(self.begun))))
        return select(union_all(differs, *(turned if has_turned else ())).subquery())

    def find_recurrences(self) -> None:
        """Tell anew what came back at the places of requests that differ."""
        differing = _temporary("differing", schema.request).c
        where = select(differing.type_id, derive.place_of(differing).label("place")).distinct()
        self.run.execute(TableOf("places_again", where.where(derive.place_of(differing).is_not(None))))
        places = named_table("places_again", named_column("type_id"), named_column("place"))
        self.run.execute(TableOf("recurred", derive.recurrences(places)))
        self._tell_anew(schema.request, "recurred", "recurred_at")

    def find_repeats(self) -> None:
        """Tell anew when the callers of contacts that differ were in touch about the same."""
        differing = _temporary("differing", schema.contact).c
        who = select(differing.person_key, differing.reason).where(differing.is_caller_known).distinct()
        self.run.execute(TableOf("callers_again", who))
        callers = named_table("callers_again", named_column("person_key"), named_column("reason"))
        self.run.execute(TableOf("repeated", derive.repeats(schema.contact, among=callers)))
        self._tell_anew(schema.contact, "repeated", "previous_at", "repeated_at")

    def _tell_anew(self, held: Table, name: str, *told: str) -> None:
        """Tell columns of a fact by what the table of that name holds; rows that this changes differ, as they were."""
        (key,) = held.primary_key
        found = named_table(name, *map(named_column, (key.name, *told)))
        is_other = or_(*(held.c[one].is_distinct_from(found.c[one]) for one in told))
        of_it = and_(key == found.c[key.name], is_other)
        was = select(held).join(found, of_it)
        self.run.execute(insert(_temporary("differing", held)).from_select([one.name for one in held.c], was))
        self.run.execute(update(held).where(of_it).values({one: found.c[one] for one in told}))

    def clear_episodes(self, ids: Select) -> Select:
        """Take out the episodes of some requests; the ids, to be asked for again."""
        self.run.execute(TableOf("turned_ids", ids))
        turned = select(named_table("turned_ids", named_column("request_id")).c.request_id)
        e = schema.request_episode
        self.run.execute(TableOf("differing_request_episode", select(e).where(e.c.request_id.in_(turned))))
        self.run.execute(e.delete().where(e.c.request_id.in_(turned)))
        return turned

    def note_episodes(self, ids: Select) -> None:
        """Note what the episodes of these requests are now."""
        e = schema.request_episode
        self._note(e, select(e).where(e.c.request_id.in_(ids)))

    def clear(self, held: Table) -> None:
        """Take the rows that do not stay out of a fact, before those that wait are derived."""
        if held is schema.contact:
            self.contacts_to = self._last_contact()
        was = self._kept_aside(held.name)
        self.run.execute(TableOf(f"differing_{held.name}", select(was)))
        self.drop_gone(held.name)
        last = self.run.scalar(select(func.max(derive.rowid(held))).select_from(held))
        self.run.execute(TableOf("before_new", select(literal_column(str(-1 if last is None else last)).label("row"))))

    def note_new(self, held: Table) -> None:
        """Note the rows that were added to a fact since `clear`."""
        last = named_table("before_new", named_column("row"))
        new = derive.rowid(held) > select(last.c.row).scalar_subquery()
        self._note(held, select(held).where(new))
        if held.name in _KEYS:
            self.scattered += self._count(held, new)

    def _note(self, held: Table, rows: Select) -> None:
        self.run.execute(insert(_temporary("differing", held)).from_select([one.name for one in held.c], rows))

    # ── where something differs ─────────────────────────────────────────────────────────────────────

    def touched(self) -> Select:
        """The requests of which anything may be told differently: their ids."""
        derived, differing = _temporary("derived", schema.request), _temporary("differing", schema.request)
        turned = named_table("turned_ids", named_column("request_id"))
        return select(union_all(*(select(one.c.request_id) for one in (derived, differing, turned))).subquery())

    def differs(self, held: Table) -> bool:
        """Whether any row of a fact differs."""
        return bool(self._count(_temporary("differing", held)))

    def cells(self, resolution: int) -> Select:
        """The hexagons of requests that differ."""
        cell = _temporary("differing", schema.request).c[f"h3_{resolution}"]
        return select(cell).where(cell.is_not(None)).distinct()

    def days(self, held: Table, day: ColumnElement, as_of: datetime) -> Select:
        """The days, by an expression on a fact, on which sums of it differ, or might, as time has passed."""
        differing = _temporary("differing", held)
        own: dict[Any, Any] = {held: differing, **{one: differing.c[one.name] for one in held.c}}
        parts = [select(put_to(day, own).label("day"))]
        if as_of != self.as_of and "due_at" in held.c:
            first, last = sorted((self.as_of, as_of))
            lately = [held.c[one] > first - SETTLED_AFTER for one in ("opened_at", "closed_at")]
            passed = and_(held.c.due_at >= first, held.c.due_at <= last)
            parts.append(select(day.label("day")).where(or_(passed, *lately)))
        if held is schema.contact and self.contacts_to and (newest := self._last_contact()):
            then, now = min(self.as_of, self.contacts_to), min(as_of, newest)
            if then != now:  # whether somebody came back is known after some days
                since = min(then, now) - timedelta(days=RETURNED_WITHIN_DAYS)
                parts.append(select(day.label("day")).where(held.c.arrived_at > since))
        return select(union_all(*parts).subquery().c.day).distinct()

    def keep_days(self, days: Select) -> Select:
        """Work out some days once; what asks for them."""
        self.kept_days += 1
        name = f"days_{self.kept_days}"
        self.run.execute(TableOf(name, days))
        return select(named_table(name, named_column("day", Date)).c.day)

    # ── tables of its own ───────────────────────────────────────────────────────────────────────────

    def _gone(self, name: str) -> Any:
        names = ("row", "request_id") if "request_id" in self.staged[name].c else ("row",)
        return named_table(f"gone_{name}", *map(named_column, names))

    def _stays(self, name: str) -> ColumnElement[bool]:
        return derive.rowid(schema.metadata.tables[name]).not_in(select(self._gone(name).c.row))

    def _kept_aside(self, name: str) -> Any:
        held = schema.metadata.tables[name]
        rows = select(held).where(derive.rowid(held).in_(select(self._gone(name).c.row)))
        self.run.execute(TableOf(f"was_{name}", rows))
        return _temporary("was", held)

    def _empty(self, what: str, held: Table) -> Table:
        self.run.execute(TableOf(f"{what}_{held.name}", select(held).where(false())))
        return _temporary(what, held)

    def _last_contact(self) -> datetime | None:
        return self.run.scalar(select(func.max(schema.contact.c.arrived_at)))

    def _count(self, of: FromClause, *conditions: ColumnElement[bool]) -> int:
        return self.run.scalar(select(func.count()).select_from(of).where(*conditions)) or 0


def _temporary(what: str, held: Table) -> Table:
    return Table(f"{what}_{held.name}", MetaData(), *(Column(one.name, one.type) for one in held.c))
