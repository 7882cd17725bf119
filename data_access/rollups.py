"""Totals counted beforehand: what adds over rows, summed by day and a few columns, once per build.

A rollup holds a column for every measure that adds and is dated by its day, and for what begins or ends to stand on it.
Its answers are those of the facts: sums of sums. The compiler takes the smallest one that carries the columns a
question divides or narrows by, and the facts where there is none (decision 0025). What stands open at the end of the
data is counted by bands of age too; what did at another day, and who asks for the requests themselves, is read from
copies of the few rows that do; who asks for a service type, or what fell due or was closed in a period, too finely for
sums, reads a copy in that order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache, cached_property
from threading import RLock
from typing import Any

from sqlalchemy import (
    BigInteger,
    ClauseElement,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Float,
    Integer,
    MetaData,
    Select,
    Table,
    and_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.sql import visitors

from dashboard.domain.filters import add_months
from data_access import schema
from data_access.dimensions import age_band, due_in, hour_block, lateness, promise_band, promise_position
from data_access.measures import CATALOGUE, KINDS
from data_access.measures.assets import ABOUT_ASSET
from data_access.rewriting import columns_asked, holds, put_to
from data_access.semantics import AMOUNTS, AS_OF, MOMENT_ON, Dimension, Fact, Spread, Standing, Total

PAYS_FROM_ROWS = 10_000
"""A fact with fewer rows is quick to count as it is."""
PAYS_BY = 3
"""A table beside the facts must have so many times fewer rows than its fact."""
PAYS_BY_IN_POSTGRES = 1.25
"""The same of sums in PostgreSQL, which reads rows whole: theirs are a tenth as wide as those of a fact."""
WIDE_ROWS = 500_000
"""Durations of more rows than this, on average, are counted in wider steps: see `binned`."""

# By which columns of its table each fact is summed, day by day. What is asked together stands together; a set that
# would split the rows nearly as finely as they are does not pay and is left out of the build.
_BY: dict[str, dict[str, tuple[str, ...]]] = {
    "request": {
        "department": ("department",),
        "type": ("department", "service_type", "category"),
        "district": ("district",),
        "area": ("area",),
        "channel": ("channel",),
        "place": ("department", "district", "channel"),
        "type_and_place": ("service_type", "district"),
        "hour": ("department", "opened_hour_of_week"),
        "outcome": ("department", "service_type", "closure_outcome"),
    },
    "episode": {
        "department": ("department",),
        "type": ("department", "service_type", "category"),
        "district": ("district",),
        "area": ("area",),
        "place": ("department", "district", "channel"),
        "type_and_place": ("service_type", "district"),
    },
    "contact": {
        "queue": ("channel", "queue"),
        "hour": ("channel", "queue", "arrived_hour_of_week", "arrived_half_hour"),
        "agent": ("channel", "queue", "team", "agent_id"),
        "reason": ("channel", "queue", "reason"),
        "type": ("channel", "queue", "service_type"),
    },
    "agent_state": {"whole": (), "agent": ("team", "agent_id"), "hour": ("start_hour_of_week",)},
}

# Hours are those of the opening, outcomes those of the closing: nobody divides by them along other days.
_NOT_BY = {"hour": ("closed_on", "due_on"), "outcome": ("opened_on", "due_on")}
# Few requests have such a day: they are quick to count as they are.
_NOT_ALONG = ("service_on",)

# What would be too fine day by day is summed by month: of which day, by which columns and which other divisions.
_BY_MONTH: dict[str, dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[Dimension, ...]]]] = {
    "request": {
        "hexagon": (("opened_on", "due_on"), ("district", "h3_9"), ()),
        "mix": (("opened_on", "due_on"), ("district", "service_type", "priority"), ()),
        "position": (("closed_on",), ("department", "closure_outcome"), (promise_position,)),
    },
    "contact": {
        "mix": (("arrived_on",), ("channel", "queue", "team", "agent_id", "reason", "language"), (hour_block,)),
    },
}  # fmt: skip
# Durations are counted by month too, but for waits: there are few different ones, and they are looked at by the week.
_DURATIONS_BY: dict[str, dict[str, tuple[str, ...]]] = {
    "request": {
        "whole": (),
        "department": ("department",),
        "type": ("department", "service_type", "category"),
        "district": ("district",),
    },
    "contact": {"queue": ("channel", "queue")},
}

# What stands open at the end of the data, or did a year earlier: by which columns, and which bands of age or time left.
_STANDING_BY: dict[str, tuple[str, ...]] = {
    "team": ("department", "team"),
    "type": ("department", "team", "service_type", "category", "district", "channel"),
    "hexagon": ("district", "h3_9"),
}
_AGES = (age_band, lateness, promise_band)
_BANDS: dict[str, dict[str, tuple[Dimension, ...]]] = {
    "request": {"team": (due_in,), "type": (due_in,)},
    "episode": {"team": _AGES, "type": _AGES, "hexagon": ()},
}

_metadata = MetaData()
_making = RLock()
ROWS, FIRST, ENDED = "rows", "first", "ended"


@cache
def starts_of(standing: Standing) -> Total:
    """What began to stand, by the day it did; rows that ended before they began never stand."""
    return _edge(standing, "starts", standing.start_on)


@cache
def ends_of(standing: Standing) -> Total:
    """What ceased to stand, by the day it did."""
    return _edge(standing, "ends", standing.end_on)


def _edge(standing: Standing, edge: str, on: ColumnElement) -> Total:
    stands = or_(standing.end_on.is_(None), standing.end_on >= standing.start_on)
    return Total(
        name=f"{standing.name}_{edge}", label=standing.label, unit=standing.unit, about=standing.about,
        source=standing.source, fact=standing.fact, value=func.count(), on=on,  # type: ignore[arg-type]
        where=stands if standing.where is None else stands & standing.where,
    )  # fmt: skip


@cache
def standing_at_end(standing: Standing) -> Total:
    """What stands at the moment asked about, as a total of that day: what rollups of the end of the data hold."""
    stands = _stands(standing)
    return Total(
        name=standing.name, label=standing.label, unit=standing.unit, about=standing.about, source=standing.source,
        fact=standing.fact, value=func.count(), on=MOMENT_ON,  # type: ignore[arg-type]
        where=stands if standing.where is None else stands & standing.where,
    )  # fmt: skip


def _stands(standing: Standing) -> ColumnElement[bool]:
    return and_(standing.start_on < MOMENT_ON, or_(standing.end_on.is_(None), standing.end_on >= MOMENT_ON))


def step_of(seconds: ColumnElement, is_wide: bool) -> ColumnElement:
    """The width of the step that a duration in whole seconds is counted in (`binned`)."""
    if not is_wide:
        return cast(case((seconds < 3600, 1), (seconds < 7 * 86400, 60), else_=3600), Integer)
    doublings = range(17)  # from an hour to fifteen years
    steps = [(seconds < 3600, 1), *((seconds < 7200 * 2**n, 100 * 2**n) for n in doublings)]
    return cast(case(*steps, else_=100 * 2**17), Integer)


def binned(seconds: ColumnElement, step: ColumnElement, is_wide: bool) -> ColumnElement:
    """Durations in whole seconds, in steps, so that few rows come back however many are counted.

    Each below an hour stands for itself; above it steps are minutes below a week and hours beyond, never coarser than
    1.7 % of the duration. If `is_wide`, they are 36 to a doubling (1.4 to 2.8 %), and told by their middle.
    """
    begins = func.floor(seconds // step) * step  # nothing is rounded on the way: DuckDB divides reals, PostgreSQL whole
    if not is_wide:
        return cast(begins, BigInteger)  # from 1900 to 2199, as rows that stand for “unknown” may last, is no Integer
    half = case((seconds < 3600, 0), else_=1)
    return cast(begins + half * func.floor(step / 2.0), BigInteger)


def _table(name: str, columns: Callable[[], Sequence[Column]]) -> Table:
    """The table of that name: made when it is first asked for, as most are in few processes, and once."""
    with _making:
        known = _metadata.tables.get(name)
        return Table(name, _metadata, *columns()) if known is None else known


def _in_wide_steps(seconds: ColumnElement) -> ColumnElement:
    return binned(seconds, step_of(seconds, is_wide=True), is_wide=True)


def kinds_of(totals: Sequence[Total]) -> list[ColumnElement[bool]]:
    """Of which kinds (`KINDS`) all these totals are."""
    return [kind for kind in KINDS if all(holds(one.where, kind) for one in totals)]


@dataclass(frozen=True)
class Rollup:
    """One table of sums.

    Parameters
    ----------
    on
        The day of the fact by which its measures are dated; the column ``day``, the first of the month if `by_month`.
        Of what stands at the end of the data that day itself, `MOMENT_ON`, or the same day a year earlier.
    keys
        Columns of the fact's table, by the same names.
    totals
        The measures it sums, by name: a column each, and one more, ``…_first``, that leaves repeated reports out where
        the fact knows them. ``rows`` counts the rows of the fact, ``first`` those that are no repeated reports.
    by
        Divisions that are no columns of the fact's table: a column each, by their names.
    spread
        Durations it counts instead of totals: ``rows`` of each step of ``duration_s`` (`binned`, wide), and how many of
        them have ``ended``.
    """

    name: str
    fact: Fact
    on: ColumnElement = field(hash=False, compare=False)
    keys: tuple[str, ...]
    totals: Mapping[str, Total] = field(default_factory=dict, hash=False, compare=False)
    by_month: bool = False
    by: tuple[Dimension, ...] = ()
    spread: Spread | None = None

    @property
    def table(self) -> Table:
        """Where it stands in a build."""
        return _table(self.name, self._columns)

    def _columns(self) -> list[Column]:
        source = self.fact.table.c
        columns = [Column("day", Date), *(Column(one, source[one].type) for one in self.keys)]
        columns += [Column(name, expression.type) for name, expression in self._derived.items()]
        return columns + [Column(name, _type(total)) for name, total, _ in self._sums()]

    @cached_property
    def _derived(self) -> dict[str, ColumnElement]:
        found = {dimension.name: dimension.columns[self.fact.name] for dimension in self.by}
        return found if self.spread is None else {**found, "duration_s": _in_wide_steps(self.spread.duration_s)}

    def _sums(self, has_repeated: bool = True) -> Iterator[tuple[str, Total | None, ColumnElement]]:
        knows_first = self.fact.first_report is not None
        only_first = self.fact.first_report if has_repeated else None

        def both(name: str, total: Total | None, value: Any, where: ColumnElement[bool] | None) -> Iterator[Any]:
            yield name, total, value if where is None else value.filter(where)
            if knows_first:
                conditions = [one for one in (only_first, where) if one is not None]
                of_first = FIRST if name == ROWS else f"{name}_{FIRST}"
                yield of_first, total, value.filter(*conditions) if conditions else value

        yield from both(ROWS, None, func.count(), None)
        if self.spread is not None:
            yield from both(ENDED, None, func.count(), self.spread.has_ended)
        for total in self.totals.values():
            yield from both(total.name, total, total.value, total.where)

    @property
    def column_names(self) -> frozenset[str]:
        """The names of its table's columns, told without making the table."""
        sums = [ROWS, *([] if self.spread is None else [ENDED]), *self.totals]
        firsts = [FIRST if one == ROWS else f"{one}_{FIRST}" for one in sums]
        more = firsts if self.fact.first_report is not None else []
        return frozenset(("day", *self.keys, *self._derived, *sums, *more))

    @property
    def is_of_end(self) -> bool:
        """Whether it counts what stands at the end of the data (and did a year earlier)."""
        return self.on is MOMENT_ON

    def goes_on(self, *, has_time_passed: bool) -> bool:
        """Whether its rows may be others although no row of its fact differs.

        What lasts until now goes on as time passes; working time stops, too, when a pause is told later.
        """
        if self.spread is None:
            return False
        duration = self.spread.duration_s
        return is_of_now(self.spread) or (has_time_passed and any(one is AS_OF for one in visitors.iterate(duration)))

    @property
    def _dated(self) -> ColumnElement[bool]:
        """Which rows of the fact have its day; at the end of the data those that stand there."""
        if not self.is_of_end:
            return self.on.is_not(None)
        return or_(*(total.where for total in self.totals.values() if total.where is not None))

    @property
    def _day(self) -> ColumnElement:
        return month_of(self.on) if self.by_month else self.on

    def rows(self, *, has_repeated: bool = True, days: Select | None = None) -> Select:
        """Its rows, counted from the facts, of some `days` or of all; parameters as `compile.with_values` gives them.

        Without repeated reports in the fact each sum is its own ``…_first``, and counted once.
        """
        source = self.fact.table
        day = self._day
        keys = [day.label("day"), *(source.c[one] for one in self.keys)]
        keys += [expression.label(name) for name, expression in self._derived.items()]
        sums = [cast(value, _type(total)).label(name) for name, total, value in self._sums(has_repeated)]
        statement = self._holding(select(*keys, *sums))
        return _by_first(statement if days is None else statement.where(day.in_(days)), len(keys))

    def about(self) -> Select:
        """About how many rows it would have, in DuckDB's words: quick, and true to a few in a hundred."""
        source = self.fact.table
        keys = [self._day, *(source.c[one] for one in self.keys)]
        return self._holding(select(func.approx_count_distinct(func.hash(*keys, *self._derived.values()))))

    def _holding(self, statement: Select) -> Select:
        conditions = (self._dated, self.fact.counted, self.spread.where if self.spread is not None else None)
        return statement.where(*(condition for condition in conditions if condition is not None))

    def rows_from(self, finer: Rollup, *, days: Select | None = None) -> Select:
        """Its rows, of some `days` or of all, added up from those of one that `is_from` allows."""
        source = finer.table.c
        day = month_of(source.day) if self.by_month and not finer.by_month else source.day
        keys = [day.label("day"), *(source[one] for one in (*self.keys, *self._derived))]
        sums = [cast(func.sum(source[name]), _type(total)).label(name) for name, total, _ in self._sums()]
        statement = select(*keys, *sums)
        return _by_first(statement if days is None else statement.where(day.in_(days)), len(keys))

    def is_from(self, finer: Rollup) -> bool:
        """Whether its rows are sums of those of `finer`."""
        same = (self.fact.name, self.on, self.spread) == (finer.fact.name, finer.on, finer.spread)
        return (
            same
            and not self.by
            and finer is not self
            and set(self.keys) < set(finer.keys)
            and self.totals.keys() <= finer.totals.keys()
            and self.by_month >= finer.by_month
        )

    def sum_of(self, total: Total, *, incidents: bool) -> ColumnElement:
        """The sum that is `total`; of incidents only, if so."""
        found = func.sum(self.column(total.name, incidents=incidents))
        return found if total.unit in AMOUNTS else cast(found, BigInteger)

    def column(self, name: str, *, incidents: bool) -> Column:
        """The column of a sum; of incidents only, if so."""
        if not incidents or self.fact.first_report is None:
            return self.table.c[name]
        return self.table.c[FIRST if name == ROWS else f"{name}_{FIRST}"]

    def counted(self, totals: tuple[Total, ...], *, incidents: bool) -> ColumnElement[bool] | None:
        """What keeps out the rows that no row of the fact would stand behind; None if all have some."""
        if len(totals) == 1 and totals[0].where is not None:
            return self.column(totals[0].name, incidents=incidents) > 0
        for kind in kinds_of(totals):
            whole = next((one for one in self.totals.values() if one.where is kind and one.unit not in AMOUNTS), None)
            if whole is not None:
                return self.column(whole.name, incidents=incidents) > 0
        return self.table.c[FIRST] > 0 if incidents and self.fact.first_report is not None else None

    def carries(self, elements: Iterable[ClauseElement]) -> bool:
        """Whether expressions about the fact can be said in its columns."""
        known = set(self._derived.values())
        waiting = list(elements)
        while waiting:
            element = waiting.pop()
            if element in known or (element is self.on and not self.by_month):
                continue
            if isinstance(element, Column):
                if element.table is self.fact.table and element.name not in self.keys:
                    return False
            else:
                waiting.extend(element.get_children())
        return True

    def translated(self, element: ColumnElement) -> ColumnElement:
        """An expression about the fact as one about this table."""
        columns = self.table.c
        own = {self.fact.table.c[one]: columns[one] for one in self.keys} | {self.on: columns.day}
        return put_to(element, own | {expression: columns[name] for name, expression in self._derived.items()})


def moments_of(end_on: date, copied_on: date | None) -> tuple[date, ...]:
    """For which days what stands is counted: the end of the data, and what that is compared with a year earlier.

    A year is 52 weeks or twelve months (`Period.a_year_earlier`); only days that copies reach back to.
    """
    earlier = (end_on - timedelta(weeks=52), add_months(end_on, -12))
    return (end_on, *dict.fromkeys(day for day in earlier if copied_on is not None and day >= copied_on))


def months_of(days: Select) -> Select:
    """The months that some days (column ``day``) are in."""
    return select(month_of(days.subquery().c.day).label("day")).distinct()


def month_of(day: ColumnElement) -> ColumnElement:
    """The first day of the month that a day is in."""
    return cast(func.date_trunc("month", cast(day, DateTime)), Date)


def _by_first(statement: Select, keys: int) -> Select:
    places: list[ColumnElement] = [literal_column(str(at)) for at in range(1, keys + 1)]
    return statement.group_by(*places).order_by(*places)


def _type(total: Total | None) -> Any:
    return Float() if total is not None and total.unit in AMOUNTS else Integer()


def is_of_now(measure: Standing | Spread) -> bool:
    """Whether it is told of the end of the data alone: of what is open builds know no earlier working time.

    Sums of such standings by day would all be others the day after.
    """
    told = measure.duration_s if isinstance(measure, Spread) else measure.where
    asked = set() if told is None else columns_asked(told, measure.fact.table)
    return any(one.name in schema.OF_AS_OF for one in asked)


def _declared() -> dict[str, Rollup]:
    dated: dict[tuple[str, ColumnElement], list[Total]] = {}
    found: list[Rollup] = []
    for measure in CATALOGUE.values():
        totals = [measure] if isinstance(measure, Total) and measure.by_custom is None else []
        if isinstance(measure, Standing) and not is_of_now(measure):
            totals = [starts_of(measure), ends_of(measure)]
        for total in totals:
            dated.setdefault((total.fact.name, total.on), []).append(total)
        if isinstance(measure, Spread):
            for by, keys in _DURATIONS_BY.get(measure.fact.name, {}).items():
                name = f"rollup_{measure.name}_{by}"
                by_month = measure.fact.name != "contact"
                found.append(Rollup(name, measure.fact, measure.on, keys, by_month=by_month, spread=measure))
    standings = [one for one in CATALOGUE.values() if isinstance(one, Standing)]
    for fact, bands_by in _BANDS.items():
        at_end = {one.name: standing_at_end(one) for one in standings if one.fact.name == fact}
        for by, divisions in bands_by.items():
            name, keys, of_fact = f"rollup_{fact}_standing_{by}", _STANDING_BY[by], next(iter(at_end.values())).fact
            found.append(Rollup(name, of_fact, MOMENT_ON, keys, at_end, by=divisions))
    for (fact, day), totals in dated.items():
        of = getattr(day, "name", None) or f"{totals[0].name}_on"
        summed = {total.name: total for total in totals}
        if of in _NOT_ALONG:
            continue
        for by, keys in _BY.get(fact, {}).items():
            if of not in _NOT_BY.get(by, ()):
                found.append(Rollup(f"rollup_{fact}_{of}_{by}", totals[0].fact, day, keys, summed))
        for by, (days, keys, divisions) in _BY_MONTH.get(fact, {}).items():
            if of in days:
                name = f"rollup_{fact}_{of}_{by}"
                found.append(Rollup(name, totals[0].fact, day, keys, summed, by_month=True, by=divisions))
    # The finest first: others are added up from them.
    return {one.name: one for one in sorted(found, key=lambda one: -len(one.keys))}


ROLLUPS = _declared()
"""Every rollup there may be, by its table's name; those that others may be added up from come before them."""


@dataclass(frozen=True)
class Copy:
    """The rows of a fact's table that stood open at any moment from some day on, in the same columns.

    `end_on` is the day on which a row ceased to stand, by which the copy is sorted. `with_them` names another copy
    whose rows are of these requests: both can be joined as the tables they are copies of.
    """

    name: str
    of: Table = field(hash=False, compare=False)
    end_on: Column = field(hash=False, compare=False)
    with_them: str | None = None

    @property
    def table(self) -> Table:
        """Where it stands in a build."""
        return _table(self.name, lambda: [Column(one.name, one.type) for one in self.of.columns])

    def rows(self, from_on: date, among: Select | None = None) -> Select:
        """The rows of the table that stood open on `from_on` or later; of some requests, or of all."""
        stands = or_(self.end_on.is_(None), self.end_on >= from_on)
        if self.with_them is not None:
            others = COPIES[self.with_them].table.c.request_id
            stands = or_(stands, self.of.c.request_id.in_(select(others)))
        order = (self.end_on.asc().nulls_last(), *(self.of.c[one] for one in ("opened_on", "request_id")))
        chosen = () if among is None else (self.of.c.request_id.in_(among),)
        return select(self.of).where(stands, *chosen).order_by(*order)


_OF_EPISODES = Copy("standing_episode", schema.request_episode, schema.request_episode.c.closed_on)
_OF_REQUESTS = Copy("standing_request", schema.request, schema.request.c.closed_on, with_them=_OF_EPISODES.name)
COPIES = {one.name: one for one in (_OF_EPISODES, _OF_REQUESTS)}
"""By name, in the order in which they are made: all of a build or none."""
COPIED_DAYS = (400, 1)
"""How long before the end of the data copies begin: a year ago is compared with, else the end of the data alone."""


@cache
def _copies() -> dict[Any, Any]:
    found: dict[Any, Any] = {one.of: one.table for one in COPIES.values()}
    return found | {column: one.table.c[column.name] for one in COPIES.values() for column in one.of.columns}


def copied(statement: Select) -> Select:
    """A question about the facts as one about their copies."""
    return put_to(statement, _copies())


SORTED_FROM_ROWS = 2_000_000
"""A table with fewer rows is read as quickly as it is."""


@dataclass(frozen=True)
class Sorted:
    """The rows of a table in a few of its columns, sorted by one of them: who narrows by that reads only what is asked.

    For questions too fine to be summed beforehand, such as one service type in every hexagon of the city. Rows without
    the `day` are not among them: nobody narrows to what has none. With `of_which` it holds these rows only, for
    questions that count no others.
    """

    name: str
    of: Table = field(hash=False, compare=False)
    by: str
    day: str
    columns: tuple[str, ...]
    of_which: ColumnElement[bool] | None = field(default=None, hash=False, compare=False)

    @property
    def table(self) -> Table:
        """Where it stands in a build."""
        return _table(self.name, lambda: [Column(one, self.of.c[one].type) for one in self.columns])

    def rows(self, days: Select | None = None) -> Select:
        """The rows of the table, of some days or of all, in the order of its first three columns."""
        columns, day = [self.of.c[one] for one in self.columns], self.of.c[self.day]
        statement = select(*columns).where(day.is_not(None) if days is None else day.in_(days))
        return (statement if self.of_which is None else statement.where(self.of_which)).order_by(*columns[:3])

    def asked_instead(self, statement: Select) -> Select | None:
        """A question about the table as one about this; None if it asks for other columns, or of another table."""
        own: dict[Any, Any] = {self.of.c[one]: self.table.c[one] for one in self.columns}
        asked = columns_asked(statement, self.of)
        return put_to(statement, own | {self.of: self.table}) if asked and asked <= own.keys() else None


BY_TYPE = Sorted(
    "request_by_type", schema.request, "service_type", "opened_on",
    ("service_type", "opened_on", "h3_9", "category", "department", "district", "channel", "is_info_only",
     "is_duplicate"),
)  # fmt: skip

# Facts lie in the order of their opening, and what fell due, or was closed, in some weeks is among all opened before.
BY_DUE = Sorted(
    "request_by_due", schema.request, "due_on", "due_on",
    ("due_on", "service_type", "h3_9", "due_at", "closed_at", "promise_s", "category", "priority", "department",
     "district", "channel", "is_info_only", "is_duplicate"),
)  # fmt: skip
BY_CLOSING = Sorted(
    "request_by_closing", schema.request, "closed_on", "closed_on",
    ("closed_on", "department", "service_type", "closure_outcome", "closed_at", "due_at", "close_s", "promise_s",
     "category", "district", "channel", "is_info_only", "is_duplicate"),
)  # fmt: skip

# Few requests are about a collection or an asset, and what is asked of them needs their route, address or asset.
BY_SERVICE = Sorted(
    "request_by_service", schema.request, "service_on", "service_on",
    ("service_on", "route_id", "opened_at", "closed_at", "close_s", "closure_outcome", "status", "dq_flags",
     "request_id", "parcel_id", "address", "service_type", "category", "department", "district", "channel",
     "is_info_only", "is_duplicate"),
)  # fmt: skip
BY_ASSET = Sorted(
    "request_by_asset", schema.request, "opened_on", "opened_on",
    ("opened_on", "asset_id", "closed_at", "closure_outcome", "service_type", "category", "department", "district",
     "channel", "is_info_only", "is_duplicate"),
    of_which=ABOUT_ASSET,
)  # fmt: skip

SORTED = (BY_TYPE, BY_DUE, BY_CLOSING, BY_SERVICE, BY_ASSET)
"""In the order in which they are tried."""

TABLES: dict[str, Rollup | Copy | Sorted] = {**ROLLUPS, **COPIES, **{one.name: one for one in SORTED}}
"""What every table that may stand beside the facts is of, by its name."""


@dataclass(frozen=True)
class Held:
    """What a build holds beside its facts.

    Parameters
    ----------
    rows
        Its rollups by name, with the number of their rows.
    per_day
        How many rows each fact has a day, on average; facts that are not named count as small.
    copied_on
        The day from which on its copies tell what stood open; None without copies.
    end_on
        The end of the data, for which its rollups of what stands then were counted; None without such.
    """

    rows: tuple[tuple[str, int], ...] = ()
    per_day: tuple[tuple[str, float], ...] = ()
    copied_on: date | None = None
    end_on: date | None = None

    def __post_init__(self):
        by_size = sorted((n, name) for name, n in self.rows if name in ROLLUPS)
        dated: dict[tuple[str, ColumnElement, Spread | None, bool], list[Rollup]] = {}
        for _, name in by_size:
            one = ROLLUPS[name]
            dated.setdefault((one.fact.name, one.on, one.spread, one.by_month), []).append(one)
        object.__setattr__(self, "_dated", dated)

    def smallest(
        self, fact: Fact, on: ColumnElement, elements: Sequence[ClauseElement], *, by_month: bool = False,
        spread: Spread | None = None,
    ) -> Rollup | None:  # fmt: skip
        """The smallest one dated by `on` in whose columns these expressions can be said."""
        dated: dict = self._dated  # type: ignore[attr-defined]
        known = dated.get((fact.name, on, spread, by_month), ())
        return next((one for one in known if one.carries(elements)), None)

    @property
    def moments(self) -> tuple[date, ...]:
        """The days at whose beginning it is counted what stands: see `moments_of`."""
        return () if self.end_on is None else moments_of(self.end_on, self.copied_on)

    def holds(self, name: str) -> bool:
        """Whether the build holds this table."""
        return any(name == one for one, _ in self.rows)

    def is_wide(self, fact: Fact, days: int) -> bool:
        """Whether so many days of `fact` are so many rows that durations are counted in wider steps (`binned`)."""
        return dict(self.per_day).get(fact.name, 0.0) * days > WIDE_ROWS


NOTHING_HELD = Held()
"""What a build holds that has facts alone."""
