"""What callbacks and commands are given: ask, and the few things to know before asking."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pandas as pd
from flask import has_request_context
from flask_caching import Cache
from sqlalchemy import FromClause, Table, func, or_, select

from dashboard.cache import cached, key_of, once
from dashboard.domain.city_events import marks_days
from dashboard.domain.costs import Money
from dashboard.domain.errors import DataUnavailable, NotPermitted, UnknownName
from dashboard.domain.filters import Clock, Filters, Period
from dashboard.domain.neighbours import Neighbours
from dashboard.domain.policy import ABOUT, NOBODY, USUAL, Permission, Scope, Viewer, may, scope_of
from dashboard.domain.redaction import without_contact_details
from dashboard.identity import DEPUTY_MANAGER, here
from dashboard.people import Roster, key_in, unnamed
from dashboard.settings import Settings
from data_access import schema
from data_access.areas import Areas
from data_access.ask import ask, values_of
from data_access.compile import Frame
from data_access.dimensions import DIMENSIONS, HEXAGONS, agent, category, service_type
from data_access.engine import BuildInfo, City, Warehouse
from data_access.health import OF_IMPORTS, OF_RECORDS, UNRECORDED, Health, Told, read_health
from data_access.hotspots import Analysed, Analysis, Asking
from data_access.listing import ListColumn, Listing, Rows, columns_for, count_rows, list_rows
from data_access.measures import CATALOGUE
from data_access.measures.assets import ASSET
from data_access.measures.collection import ROUND
from data_access.measures.contacts import CONTACT, in_force
from data_access.measures.costs import BUDGET, OF_CENTRE
from data_access.measures.published_calls import PUBLISHED
from data_access.measures.requests import REQUEST
from data_access.opening_hours import Hours, hours_by_type
from data_access.places import Ground, named, read_ground
from data_access.records import KINDS, RECORDS, Record, has_rows
from data_access.semantics import Answer, Dimension, Measure, Query
from data_access.state import State
from data_access.timeline import OneRequest, Rights, Timeline, read_timeline

FACTS = {fact.name: (fact, needs) for fact, needs in (
    (REQUEST, Permission.READ_REQUESTS), (CONTACT, Permission.READ_CONTACTS),
    (PUBLISHED, Permission.READ_PUBLISHED_CALLS), (BUDGET, Permission.READ_BUDGET), (ROUND, Permission.READ_ROUNDS),
    (ASSET, Permission.READ_ASSETS),
)}  # fmt: skip
"""Where the values of dimensions are looked up, and what a viewer needs to read there."""
SIZES = {dimension.name: size for size, dimension in HEXAGONS.items()}
"""The size of hexagon that each dimension of places is about."""
DEMO_DISTRICT, DEMO_TEAM = "4 Mill Ward", "Heron"

_acting: ContextVar[Viewer | None] = ContextVar("acting", default=None)


@contextmanager
def acting_as(viewer: Viewer) -> Iterator[None]:
    """Ask and answer as `viewer`, whoever else is signed in."""
    before = _acting.set(viewer)
    try:
        yield
    finally:
        _acting.reset(before)


def acting() -> Viewer | None:
    """The viewer of `acting_as`, if any."""
    return _acting.get()


class Services:
    """Everything a callback may ask of the data, for one installation.

    `measures` and `dimensions` are the catalogue, by name.
    """

    measures: Mapping[str, Measure] = CATALOGUE
    dimensions: Mapping[str, Dimension] = DIMENSIONS

    def __init__(self, settings: Settings, cache: Cache | None = None):
        self.settings = settings
        self.warehouse = Warehouse(settings.for_screens())
        self.areas = Areas(self.warehouse)
        self.state = State(settings)
        self._remember = cached(cache)
        # Small things that change only with the build, kept for the last few builds.
        self._values = once(256)(self._values_in)
        self._events = once(4)(self._events_in)
        self._gaps = once(4)(self._gaps_in)
        self._contacts_to = once(4)(self._contacts_to_in)
        self._books = once(4)(self._books_in)
        self._money = once(4)(self._money_in)
        self._closed_days = once(4)(self._closed_days_in)
        self._categories = once(4)(self._categories_in)
        self._roster = once(4)(self._roster_in)
        self._demo_viewers = once(4)(self._demo_viewers_in)
        self._populations = once(4)(self._populations_in)
        self._redrawn = once(4)(self._redrawn_in)
        self._targets = once(4)(self._targets_in)
        self._hours = once(4)(self._hours_in)
        self._has_table = once(64)(self._has_table_in)
        self._has_changes = once(4)(self._has_changes_in)
        self._recorded = once(1024)(self._recorded_in)
        # What is asked again within a moment: the length of a list for each of its pages, a request for each panel.
        self._lengths = once(256)(self._length_in)
        self._analyses = once(64)(self._analyses_in)
        self._ground = once(6)(self._ground_in)
        self._place_names = once(6)(self._place_names_in)
        self._timelines = once(32)(self._timeline_in)
        self._health = once(64)(self._health_in)

    # ── what there is ──

    def city(self) -> City:
        """The city whose data is in service; DataUnavailable if an earlier version prepared it, which lacks columns."""
        city = self.warehouse.city()
        if city.schema_version < schema.VERSION:
            again = "dashboard311 demo" if city.is_made_up else "dashboard311 import, with the last export"
            raise DataUnavailable(f"An earlier version prepared the data in service. Put it in service anew: {again}.")
        return city

    def build(self) -> BuildInfo:
        """The build in service; DataUnavailable as for `city`."""
        self.city()
        return self.warehouse.build()

    def clock(self) -> Clock:
        """What time it is in the data."""
        city, build = self.city(), self.build()
        as_of_on = self.local(build.as_of).date()
        return Clock(
            first_on=build.data_from_on or as_of_on,
            last_on=build.data_to_on or as_of_on,
            as_of=build.as_of,
            fiscal_year_start_month=city.fiscal_year_start_month,
            as_of_on=as_of_on,
            gaps=self._gaps(build.build_id),
            books=self._books(build.build_id),
            contacts_from_on=build.contacts_from_on,
            contacts_to_on=self._contacts_to(build.build_id) if build.contacts else None,
        )

    def local(self, instant: datetime) -> datetime:
        """A stored UTC instant on the city's clocks."""
        return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(self.city().tz))

    def stored(self, local: datetime) -> datetime:
        """An instant as it is stored (UTC, no zone) from one on the city's clocks, or with a zone of its own."""
        zoned = local if local.tzinfo else local.replace(tzinfo=ZoneInfo(self.city().tz))
        return zoned.astimezone(UTC).replace(tzinfo=None)

    def held(self) -> frozenset[str]:
        """Of which kinds of data (`policy.ABOUT`) there are rows; the usual ones where none are, or none known."""
        try:
            build = self.build()
        except DataUnavailable:
            return USUAL
        found = frozenset(kind for kind in ABOUT if getattr(build, kind, 0)) or USUAL
        return found | {"changes"} if self._has_changes(build.build_id) else found

    def holds(self, needs: Permission) -> bool:
        """Whether the data has what a question that `needs` this permission is about."""
        return all(kind in self.held() for kind, about in ABOUT.items() if needs in about)

    def records(self, *names: str) -> bool:
        """Whether the city ever recorded all of these (`data_access.records`) in the rows that the viewer may see.

        So it is thought to do while it holds no requests at all.
        """
        try:
            build = self.build()
            if not names or not build.requests:
                return True
            seen = replace(self.scope(Permission.READ_REQUESTS), people=NOBODY)
            return all(self._recorded(build.build_id, seen, name) for name in names)
        except DataUnavailable:
            return True

    def values(self, dimension: Dimension | str, scope: Scope | None = None) -> list[str]:
        """Every value of `dimension`: in their own order if they have one, else the most frequent first.

        Of what `scope` allows; by default, of what the viewer may see. Raises NotPermitted if it has people for values
        and the viewer may name none of them.
        """
        declared = DIMENSIONS[dimension] if isinstance(dimension, str) else dimension
        if declared.ordered is not None:
            return list(declared.ordered)
        readable = self._readable()
        if scope is not None:
            readable = tuple((name, scope) for name, (_, needs) in FACTS.items() if self.holds(needs))
        if declared.of_people and any(one.people.teams is not None for _, one in readable):
            if known := self.names():
                return list(known)
            raise NotPermitted("Agents are not listed for you. Ask the dashboard’s administrator.")
        return self._values(self.build().build_id, declared.name, readable)

    def is_told(self, dimension: Dimension | str) -> bool:
        """Whether there is any value of `dimension` but the one that stands for none."""
        declared = DIMENSIONS[dimension] if isinstance(dimension, str) else dimension
        return any(value != declared.missing for value in self.values(declared))

    def say(self, dimension: Dimension, value: str) -> str:
        """What `value` is called for the viewer: hour 34 is “Tuesday 10:00”, an agent of the own team has a name."""
        if dimension.of_people:
            return self.names().get(value, value)
        if (size := SIZES.get(dimension.name)) is not None:
            return self.place_names(size).get(value) or dimension.say(value)
        return dimension.say(value)

    def names(self) -> dict[str, str]:
        """The agents whom the viewer may know by name, by pseudonym."""
        try:
            people = self.scope(Permission.READ_AGENTS).people
        except NotPermitted:
            return {}
        return self._roster(self.build().build_id).known_to(people)

    def teams(self) -> list[str]:
        """The teams of those who answer."""
        return sorted({team for team in self._roster(self.build().build_id).teams.values() if team})

    def categories(self) -> dict[str, str]:
        """The category of each service type that has one."""
        return self._categories(self.build().build_id)

    def events(self) -> pd.DataFrame:
        """City events in order of time: kind, name, start_on, end_on (exclusive), scope (as stored), note."""
        return self._events(self.build().build_id)

    def event_days(self) -> tuple[tuple[date, date], ...]:
        """The stretches of civil days ``[from, to)`` that a storm, an election or a gap in the data stands for."""
        rows = self.events()[["kind", "start_on", "end_on"]].itertuples(index=False, name=None)
        spans = [(kind, begin.date(), end.date()) for kind, begin, end in rows]
        return tuple((begin, end) for kind, begin, end in spans if marks_days(kind, begin, end))

    def closed_days(self) -> frozenset[date]:
        """The civil days on which the city stays shut: what at least half of the calendars with such days say."""
        return self._closed_days(self.build().build_id)

    def populations(self) -> dict[str, int]:
        """How many people live in each district in force when the data ends; those of unknown number left out."""
        return self._populations(self.build().build_id)

    def redrawn_on(self) -> tuple[date, ...]:
        """The civil days from which districts have other boundaries than the day before, in order."""
        return self._redrawn(self.build().build_id)

    def money(self) -> Money:
        """What prices rose by, and what an hour of answering contacts costs for whoever may know what contacts cost."""
        known = self._money(self.build().build_id)
        return known if self.may(Permission.READ_CONTACT_COST) else replace(known, hour=None)

    def targets(self) -> dict[str, float]:
        """What share of its promises each service type is to keep, as in force when the data ends.

        A type without a goal of its own, or with several that differ by priority, is left out: the city's one applies.
        """
        return self._targets(self.build().build_id)

    def hours(self) -> dict[str, tuple[Hours, ...]]:
        """In which opening hours the requests of each service type are counted; types without a calendar left out."""
        return self._hours(self.build().build_id)

    def resolve(self, dimension: Dimension, value: str, scope: Scope | None = None) -> str:
        """The value meant by what somebody typed: its exact name, or the same in another case.

        Raises UnknownName with the nearest names there are; BadRequest for a code that can be none; NotPermitted for
        a person whom the viewer may not name.
        """
        if dimension.has_codes:
            dimension.column_value(value)
            return value
        if dimension.of_people and scope is None:
            self._check_named(value, self.names())
            return value
        known = self.values(dimension, scope)
        if value in known or value == dimension.missing:
            return value
        folded = {name.casefold(): name for name in known}
        if value.casefold() in folded:
            return folded[value.casefold()]
        raise UnknownName(dimension.label.lower(), value, known)

    # ── who is looking ──

    def viewer(self) -> Viewer:
        """Who is looking: whom the gate let in with the request at hand; NotPermitted for anybody else.

        Without a request it is the operator of this program, in the eyes of the deputy manager.
        """
        if (viewer := acting()) is not None:
            return viewer
        if not has_request_context():
            return DEPUTY_MANAGER
        if (visitor := here()) is None:
            raise NotPermitted("Sign in first.")
        return visitor.viewer

    def demo_viewers(self) -> dict[str, Viewer]:
        """The demo city's accounts, one for each role, by the name in the address; none in a real city."""
        try:
            return self._demo_viewers(self.build().build_id) if self.city().is_made_up else {}
        except DataUnavailable:
            return {}

    def scope(self, needs: Permission) -> Scope:
        """The rows the viewer may see; NotPermitted if none for this."""
        found = scope_of(self.viewer(), needs)
        if found.hides and not self._has_table(self.build().build_id, "service_type"):
            return replace(found, hides=())  # nothing was classified
        return found

    def map_key(self) -> str:
        """The part of a map's address that changes with the build and with what the viewer may see on it."""
        build_id, scope = self.build().build_id, self.scope(Permission.READ_REQUESTS)
        if not scope.rows and not scope.hides:
            return build_id
        seen = f"{scope.rows} {scope.hides}"
        return f"{build_id}-{hmac.new(key_in(self.settings.data), seen.encode(), 'sha256').hexdigest()[:16]}"

    # ── asking ──

    def ask(
        self, query: Query, filters: Filters, scope: Scope, as_of: datetime | None = None, picture: str = ""
    ) -> Answer:
        """Answer `query` for the rows in `filters` and `scope`, as the data was known at `as_of` (default: now).

        People whom `scope` does not name are unnamed in the answer; in all answers of one `picture` (a panel under
        some filters) by the same labels. Raises NotPermitted if `scope` does not divide by people at all, or a
        filter chooses one whom it does not name.
        """
        self._check_people(query, filters, scope)
        build, city, clock = self.build(), self.city(), self.clock()
        looks_back = as_of is not None and as_of < build.as_of
        if as_of is not None and looks_back:
            then = self.local(as_of).date()
            clock = replace(clock, as_of=as_of, as_of_on=then, last_on=min(clock.last_on, then),
                            books=self._books(build.build_id, as_of))  # fmt: skip
        frame = Frame(
            as_of=as_of if as_of is not None and looks_back else build.as_of,
            answer_within_s=city.answer_within_s,
            short_abandon_s=city.short_abandon_s,
            service_level_variant=in_force(filters, city.service_level_variant),
            looks_back=looks_back,
            held=self.warehouse.held(),
        )
        found = self._answered(build.build_id, query, filters, scope, clock, frame)
        found = replace(found, left_out=filters.left_out)
        for dimension in query.by:
            if dimension.of_people and scope.people.teams is not None:
                picture = f"{build.build_id}\n{picture or query}"
                roster = self._roster(build.build_id)
                found = unnamed(found, dimension, scope.people, roster, key_in(self.settings.data), picture)
        return found

    def _answered(
        self, build_id: str, query: Query, filters: Filters, scope: Scope, clock: Clock, frame: Frame
    ) -> Answer:
        def answer() -> Answer:
            with self.warehouse.reading(build_id) as reading:
                return ask(reading, query, filters, scope, clock, frame)

        return self._remember(key_of(build_id, query, filters, scope, frame.as_of), query, answer)

    def analyse(self, question: Analysis, filters: Filters, scope: Scope) -> Analysed:
        """Answer what is asked about places; kept while the build is in service, as it takes more than counting."""
        self._check_people(Query(()), filters, scope)
        may = frozenset(permission for permission in Permission if self.may(permission))
        return self._analyses(self.build().build_id, question, filters, scope, may, self._frame(filters))

    def health(self, question: Health, filters: Filters, scope: Scope) -> Told:
        """Answer what is asked about the data itself; NotPermitted if it is about imports and the viewer may not."""
        self._check_people(Query(()), filters, scope)
        if question.part in OF_IMPORTS:
            scope = self.scope(Permission.READ_IMPORTS)
        if question.part == UNRECORDED:
            lacking = self._lacking()
            frame = pd.DataFrame([(one.words, one.tells, one.bring) for one in lacking], columns=list(OF_RECORDS))
            return Told(question, frame, len(lacking), self.build().as_of)
        return self._health(self.build().build_id, question, filters, scope, self._frame(filters))

    def _lacking(self) -> list[Record]:
        """What the city does not record: kinds of data first."""
        held = self.held()
        # Published figures of calls tell less than calls: whoever has these lacks nothing.
        kinds = [one for kind, one in KINDS.items() if kind not in held | {"published_calls"}]
        return kinds + [one for name, one in RECORDS.items() if "requests" in held and not self.records(name)]

    def place_names(self, resolution: int) -> Mapping[str, str]:
        """What the hexagons of one size are called, by their ids: “Mercer St / Hollis St”."""
        return self._place_names(self.build().build_id, resolution)

    def ground(self, resolution: int) -> Ground:
        """Every hexagon of the city of one size."""
        return self._ground(self.build().build_id, resolution)

    def rows(self, listing: Listing, filters: Filters) -> Rows:
        """A page of the rows a measure counts, in the columns and rows the viewer may read."""
        scope, build, frame = self.scope(Permission.LIST_REQUESTS), self.build(), self._frame(filters)
        self._check_people(Query(()), filters, scope)
        columns = tuple(self.list_columns())
        dated = tuple(
            replace(one, value=self.stored(datetime.combine(one.value, time())))
            if isinstance(one.value, date) and not isinstance(one.value, datetime)
            else one
            for one in listing.conditions
        )
        asked = replace(listing, conditions=dated)
        any_page = replace(asked, order=(), limit=0, offset=0, columns=())
        n = self._lengths(build.build_id, any_page, filters, scope, frame, columns)
        with self.warehouse.reading(build.build_id) as reading:
            return replace(list_rows(reading, asked, filters, scope, frame, columns, n), listing=listing)

    def list_columns(self) -> list[ListColumn]:
        """The columns of a list of requests that the viewer may read; of a second division only where there is one."""
        columns = columns_for(permission for permission in Permission if self.may(permission))
        return [one for one in columns if one.name != "area" or self.is_told("area")]

    def timeline(self, question: OneRequest) -> Timeline:
        """Everything recorded about a request that the viewer may see; NotThere if there is none."""
        scope = self.scope(Permission.LIST_REQUESTS)
        rights = Rights(
            addresses=self.may(Permission.READ_ADDRESSES),
            notes=self.may(Permission.READ_NOTES),
            contacts=self.may(Permission.READ_CONTACTS),
        )
        build_id = self.build().build_id
        found = self._timelines(build_id, question.request_id, scope, rights)
        # Who took the call is a person among those who answer: named only to those who may know them.
        roster = self._roster(build_id)
        known = roster.known_to(scope.people)
        steps = tuple(
            step._replace(
                actor=known.get(step.actor or "", "311 agent") if step.actor in roster.teams else step.actor,
                note=without_contact_details(step.note) if step.note else step.note,
            )
            for step in found.steps
        )
        told = dict(found.request)
        if told.get("note"):
            told["note"] = without_contact_details(told["note"])
        return replace(found, question=question, steps=steps, request=told)

    def may(self, needs: Permission) -> bool:
        """Whether the viewer's role holds a permission at all."""
        return may(self.viewer(), needs)

    def _frame(self, filters: Filters) -> Frame:
        city = self.city()
        variant = in_force(filters, city.service_level_variant)
        return Frame(
            self.build().as_of, city.answer_within_s, city.short_abandon_s, variant, held=self.warehouse.held()
        )

    def _check_people(self, query: Query, filters: Filters, scope: Scope) -> None:
        if any(dimension.of_people for dimension in query.by) and not scope.people.spread:
            raise NotPermitted("Who took a call is not shown to you. Ask the dashboard’s administrator.")
        if scope.people.teams is None:
            return
        for name, values in filters.choices:
            if DIMENSIONS[name].of_people:
                known = self._roster(self.build().build_id).known_to(scope.people)
                for value in values:
                    self._check_named(value, known)

    @staticmethod
    def _check_named(value: str, known: Mapping[str, str]) -> None:
        """NotPermitted for anybody not in `known`, whether there is such a person or not."""
        if value not in known:
            raise NotPermitted("An agent can be chosen only by the supervisor of the agent's own team.")

    def _readable(self) -> tuple[tuple[str, Scope], ...]:
        """The facts the viewer may read, with the rows of each."""
        found = []
        for name, (_, needs) in FACTS.items():
            if not self.holds(needs):
                continue  # a database that others filled need not even have the table
            try:
                found.append((name, self.scope(needs)))
            except NotPermitted:
                continue
        return tuple(found)

    def record(self, did: str, what: str) -> None:
        """Write into the audit log what the viewer did.

        Raises DataUnavailable where it cannot be written: what must be logged is not done unlogged, except in the demo.
        """
        viewer = self.viewer()
        try:
            self.state.record(viewer.account or viewer.name, viewer.role, did, what)
        except DataUnavailable:
            if not self.city().is_made_up:
                raise

    # ── kept per build ──

    def _analyses_in(
        self, build_id: str, question: Analysis, filters: Filters, scope: Scope, may: frozenset[Permission],
        frame: Frame,
    ) -> Analysed:  # fmt: skip
        def ground(resolution: int) -> Ground:
            return self._ground(build_id, resolution)

        def known(other: Analysis, others: Filters) -> Analysed:
            return self._analyses(build_id, other, others, scope, may, frame)

        def has(table: str) -> bool:
            return self._has_table(build_id, table)

        def unusual() -> frozenset[date]:
            spans = ((begin, (end - begin).days) for begin, end in self.event_days())
            return self.closed_days() | {begin + timedelta(days=n) for begin, days in spans for n in range(days)}

        with self.warehouse.reading(build_id) as reading:
            asking = Asking(reading, filters, scope, self.clock(), frame, may, ground, _rings, known, has, unusual)
            return question.answer(asking)

    def _place_names_in(self, build_id: str, resolution: int) -> dict[str, str]:
        ground = self._ground(build_id, resolution)
        return dict(zip(ground.ids, named(ground), strict=True))

    def _ground_in(self, build_id: str, resolution: int) -> Ground:
        with self.warehouse.reading(build_id) as reading:
            return read_ground(reading, resolution, self._has_table(build_id, schema.place.name))

    def _length_in(
        self, build_id: str, listing: Listing, filters: Filters, scope: Scope, frame: Frame,
        columns: tuple[ListColumn, ...],
    ) -> int:  # fmt: skip
        with self.warehouse.reading(build_id) as reading:
            return count_rows(reading, listing, filters, scope, frame, columns)

    def _timeline_in(self, build_id: str, request_id: str, scope: Scope, rights: Rights) -> Timeline:
        def has(table: str) -> bool:
            return self._has_table(build_id, table)

        as_of, tz = self.build().as_of, self.city().tz
        with self.warehouse.reading(build_id) as reading:
            return read_timeline(reading, OneRequest(request_id), scope, rights, as_of, tz, has)

    def _health_in(self, build_id: str, question: Health, filters: Filters, scope: Scope, frame: Frame) -> Told:
        def has(table: str) -> bool:
            return self._has_table(build_id, table)

        with self.warehouse.reading(build_id) as reading:
            return read_health(reading, question, filters, scope, frame, has)

    def _has_table_in(self, _build_id: str, name: str) -> bool:
        return bool(self.warehouse.columns(name))

    def _has_changes_in(self, build_id: str) -> bool:
        has_table = self._has_table(build_id, schema.intervention.name)
        return has_table and has_rows(self.warehouse, schema.intervention)

    def _recorded_in(self, build_id: str, scope: Scope, name: str) -> bool:
        def has(table: FromClause) -> bool:
            return not isinstance(table, Table) or self._has_table(build_id, table.name)

        # Each by itself: not all are counted beforehand, and no page waits for what none of its cards is about.
        one = RECORDS[name]
        if one.divided is not None:
            values = self._values(build_id, one.divided.name, ((REQUEST.name, scope),))
            if any(value != one.divided.missing for value in values):
                return True
        if one.rows is not None and has(one.rows[0]):
            with self.warehouse.reading(build_id) as reading:
                if has_rows(reading, *one.rows):
                    return True
        totals = tuple(total for total in one.counted if has(total.fact.table))
        if not totals:
            return False
        clock = self.clock()
        filters = Filters(Period(clock.first_on, clock.end_on))
        counted = self._answered(build_id, Query(totals), filters, scope, clock, self._frame(filters))
        return any(counted.value(total) for total in totals)

    def _values_in(self, _build_id: str, name: str, readable: tuple[tuple[str, Scope], ...]) -> list[str]:
        facts = [(FACTS[fact][0], scope) for fact, scope in readable]
        return values_of(self.warehouse, DIMENSIONS[name], facts, self.warehouse.held())

    def _roster_in(self, build_id: str) -> Roster:
        t = schema.agent.c
        teams: dict[str, str | None] = {}
        names: dict[str, str] = {}
        if self.warehouse.columns("agent"):
            listed = self.warehouse.frame(select(t.agent_id, t.team, t.name).order_by(t.agent_id))
            for one, team, name in listed.astype(object).where(listed.notna(), None).itertuples(index=False):
                teams[one] = team
                names |= {one: name} if name else {}
        # Who answers without being listed has no team and stays unnamed.
        answering = self._values(build_id, agent.name, ((CONTACT.name, Scope.everything()),))
        return Roster({**{one: None for one in answering if one != agent.missing}, **teams}, names)

    def _demo_viewers_in(self, build_id: str) -> dict[str, Viewer]:
        everything = ((REQUEST.name, Scope.everything()),)
        departments, districts = (self._values(build_id, name, everything) for name in ("department", "district"))
        teams = sorted({team for team in self._roster(build_id).teams.values() if team})
        found = {"deputy-manager": DEPUTY_MANAGER}
        if departments:
            found["department-head"] = Viewer("Department head", "department head", department=departments[0])
        if teams:
            team = DEMO_TEAM if DEMO_TEAM in teams else teams[0]
            found["supervisor"] = Viewer("311 supervisor", "supervisor", team=team)
        if districts:
            district = DEMO_DISTRICT if DEMO_DISTRICT in districts else districts[0]
            found["council-member"] = Viewer("Council member", "council member", district=district)
        found["analyst"] = Viewer("Analyst", "analyst")
        found["administrator"] = Viewer("Administrator", "administrator")
        return {slug: replace(viewer, account=f"demo {viewer.role}") for slug, viewer in found.items()}

    def _categories_in(self, _build_id: str) -> dict[str, str]:
        pairs = self.warehouse.frame(
            select(schema.request.c.service_type, schema.request.c.category)
            .where(service_type.columns["request"].isnot(None), category.columns["request"].isnot(None))
            .distinct()
        )
        return dict(pairs.itertuples(index=False))

    def _populations_in(self, _build_id: str) -> dict[str, int]:
        t = schema.district.c
        people = self.warehouse.frame(
            select(t.name, t.population)
            .where(t.population > 0, schema.IN_FORCE, schema.IN_FIRST_DIVISION)
            .order_by(t.name)
        )
        return {name: int(number) for name, number in people.itertuples(index=False)}

    def _redrawn_in(self, _build_id: str) -> tuple[date, ...]:
        if not self.warehouse.columns("district"):
            return ()
        t = schema.district.c
        days = self.warehouse.frame(
            select(t.valid_from_on, t.valid_to_on).where(schema.IN_FIRST_DIVISION, t.geometry.isnot(None)).distinct()
        )
        told = pd.to_datetime(pd.concat([days["valid_from_on"], days["valid_to_on"]]).dropna())
        return tuple(sorted({one.date() for one in told}))

    def _targets_in(self, _build_id: str) -> dict[str, float]:
        if not self.warehouse.columns("sla_version"):
            return {}
        sla, kind = schema.sla_version.c, schema.service_type.c
        goals = self.warehouse.frame(
            select(kind.name, func.min(sla.target_share).label("least"), func.max(sla.target_share).label("most"))
            .join_from(schema.sla_version, schema.service_type, sla.type_id == kind.type_id)
            .where(sla.target_share.isnot(None), or_(sla.valid_to_on.is_(None), sla.valid_to_on > self.clock().last_on))
            .where(or_(sla.valid_from_on.is_(None), sla.valid_from_on <= self.clock().last_on))
            .group_by(kind.name)
            .order_by(kind.name)
        )
        rows = goals.itertuples(index=False)
        return {name: float(least) for name, least, most in rows if name is not None and least == most}

    def _hours_in(self, build_id: str) -> dict[str, tuple[Hours, ...]]:
        return hours_by_type(self.warehouse, self.city().tz, lambda table: self._has_table(build_id, table))

    def _events_in(self, _build_id: str) -> pd.DataFrame:
        t = schema.city_event.c
        if not self.warehouse.columns("city_event"):
            return pd.DataFrame({name: [] for name in ("kind", "name", "start_on", "end_on", "scope", "note")})
        columns = (t.kind, t.name, t.start_on, t.end_on, t.scope, t.note)
        return self.warehouse.frame(select(*columns).order_by(t.start_on))

    def _gaps_in(self, build_id: str) -> tuple[tuple[date, date], ...]:
        events = self._events(build_id)
        gaps = events.loc[events["kind"] == "data_gap", ["start_on", "end_on"]].dropna()
        return tuple((begin.date(), end.date()) for begin, end in gaps.itertuples(index=False))

    def _contacts_to_in(self, _build_id: str) -> date | None:
        return self.warehouse.rows(select(func.max(schema.contact.c.arrived_on)))[0][0]

    def _books_in(self, _build_id: str, as_of: datetime | None = None) -> tuple[tuple[date, date], ...]:
        """As `Clock.books`; of what the books told by `as_of`, if given."""
        if not self.warehouse.columns("budget_line"):
            return ()
        t = schema.budget_line.c
        years = select(t.from_on, func.max(t.to_on).label("to_on")).group_by(t.from_on).order_by(t.from_on)
        rows = self.warehouse.frame(years if as_of is None else years.where(t.as_of <= as_of))
        return tuple((begin.date(), end.date()) for begin, end in rows.itertuples(index=False))

    def _money_in(self, _build_id: str) -> Money:
        prices: dict[int, float] = {}
        if self.warehouse.columns("cost_index"):
            t = schema.cost_index.c
            rows = self.warehouse.frame(select(t.year, t.cpi).where(t.cpi > 0).order_by(t.year))
            prices = {int(year): float(level) for year, level in rows.itertuples(index=False)}
        hour = None
        if self.warehouse.columns("activity_driver") and self.warehouse.columns("budget_line"):
            rate = func.avg(schema.activity_driver.c.hourly_rate).label("rate")
            found = self.warehouse.frame(select(rate).where(OF_CENTRE))["rate"].iloc[0]
            hour = float(found) if pd.notna(found) else None
        return Money(prices, hour)

    def _closed_days_in(self, _build_id: str) -> frozenset[date]:
        t = schema.calendar_day.c
        if not self.warehouse.columns("calendar_day"):
            return frozenset()
        days = self.warehouse.frame(select(t.calendar_id, t.day_on).where(t.is_business.is_(False)))
        calendars = days["calendar_id"].nunique()
        agreeing = days.groupby("day_on")["calendar_id"].nunique()
        return frozenset(pd.DatetimeIndex(agreeing.index[2 * agreeing >= calendars]).date)


@lru_cache(maxsize=16)
def _rings(ground: Ground, most: int) -> list[Neighbours]:
    return ground.rings(most)
