"""Totals counted beforehand: what adds over rows, summed by day and a few columns, once per build.

A rollup holds a column for every measure that adds and is dated by its day, and for what begins or ends to stand on it.
Its answers are those of the facts: sums of sums. The compiler takes the smallest one that carries the columns a
question divides or narrows by, and the facts where there is none (decision 0025).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import (
    BigInteger,
    ClauseElement,
    Column,
    ColumnElement,
    Date,
    Float,
    Integer,
    MetaData,
    Select,
    Table,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.sql import visitors

from data_access.measures import CATALOGUE
from data_access.semantics import AMOUNTS, Fact, Standing, Total

PAYS_FROM_ROWS = 10_000
"""A fact with fewer rows is quick to count as it is."""
PAYS_BY = 3
"""A rollup must have so many times fewer rows than its fact."""

# By which columns of its table each fact is summed. What is asked together stands together; a set that would split the
# rows nearly as finely as they are does not pay and is left out of the build.
_BY: dict[str, dict[str, tuple[str, ...]]] = {
    "request": {
        "department": ("department",),
        "type": ("department", "service_type", "category"),
        "place": ("department", "district", "channel"),
        "type_and_place": ("service_type", "district"),
        "hour": ("department", "opened_hour_of_week"),
        "outcome": ("department", "service_type", "closure_outcome"),
    },
    "episode": {
        "department": ("department",),
        "type": ("department", "service_type", "category"),
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

metadata = MetaData()
ROWS, FIRST = "rows", "first"


def starts_of(standing: Standing) -> Total:
    """What began to stand, by the day it did; rows that ended before they began never stand."""
    return _edge(standing, "starts", standing.start_on)


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


@dataclass(frozen=True)
class Rollup:
    """One table of sums.

    Parameters
    ----------
    day
        The expression of the fact by which its measures are dated; the column ``day``.
    keys
        Columns of the fact's table, by the same names.
    totals
        The measures it sums, by name: a column each, and one more, ``…_first``, that leaves repeated reports out where
        the fact knows them. ``rows`` counts the rows of the fact, ``first`` those that are no repeated reports.
    """

    name: str
    fact: Fact
    day: ColumnElement = field(hash=False, compare=False)
    keys: tuple[str, ...]
    totals: Mapping[str, Total] = field(hash=False, compare=False)

    @cached_property
    def table(self) -> Table:
        """Where it stands in a build."""
        source = self.fact.table.c
        columns = [Column("day", Date), *(Column(one, source[one].type) for one in self.keys)]
        columns += [Column(name, _type(total)) for name, total, _ in self._sums()]
        return Table(self.name, metadata, *columns)

    def _sums(self) -> Iterable[tuple[str, Total | None, ColumnElement]]:
        first = self.fact.first_report
        count = func.count()
        yield ROWS, None, count
        if first is not None:
            yield FIRST, None, count.filter(first)
        for total in self.totals.values():
            yield total.name, total, total.value if total.where is None else total.value.filter(total.where)
            if first is not None:
                where = first if total.where is None else first & total.where
                yield f"{total.name}_{FIRST}", total, total.value.filter(where)

    def rows(self) -> Select:
        """Its rows, counted from the facts; parameters as `compile.with_values` gives them."""
        source = self.fact.table
        sums = [cast(value, _type(total)).label(name) for name, total, value in self._sums()]
        chosen = select(self.day.label("day"), *(source.c[one] for one in self.keys), *sums).where(
            self.day.is_not(None)
        )
        if self.fact.counted is not None:
            chosen = chosen.where(self.fact.counted)
        by = range(1, len(self.keys) + 2)
        grouped = chosen.group_by(*(literal_column(str(at)) for at in by))
        return grouped.order_by(*(literal_column(str(at)) for at in by))

    def sum_of(self, total: Total, *, incidents: bool) -> ColumnElement:
        """The sum that is `total`; of incidents only, if so."""
        found = func.sum(self.column(total, incidents=incidents))
        return found if total.unit in AMOUNTS else cast(found, BigInteger)

    def column(self, total: Total, *, incidents: bool) -> Column:
        """The column that holds `total`."""
        only_first = incidents and self.fact.first_report is not None
        return self.table.c[f"{total.name}_{FIRST}" if only_first else total.name]

    def counted(self, totals: tuple[Total, ...], *, incidents: bool) -> ColumnElement[bool] | None:
        """What keeps out the rows that no row of the fact would stand behind; None if all have some."""
        if len(totals) == 1 and totals[0].where is not None:
            return self.column(totals[0], incidents=incidents) > 0
        return self.table.c[FIRST] > 0 if incidents and self.fact.first_report is not None else None

    def carries(self, columns: Iterable[Column]) -> bool:
        """Whether a question about these columns of the fact can be answered here."""
        return all(column.name in self.keys for column in columns)

    def translated(self, element: ColumnElement) -> ColumnElement:
        """An expression about the fact as one about this table."""
        own = {self.fact.table.c[one]: self.table.c[one] for one in self.keys} | {self.day: self.table.c.day}

        def replaced(one: Any, **_: Any) -> Any:
            return own.get(one)

        return visitors.replacement_traverse(element, {}, replaced)  # type: ignore[call-overload]


def columns_in(elements: Iterable[ClauseElement], table: Table, day: ColumnElement) -> set[Column]:
    """The columns of `table` that expressions are about, beside the day itself."""
    found: set[Column] = set()
    waiting = list(elements)
    while waiting:
        element = waiting.pop()
        if isinstance(element, Column):
            if element.table is table and element is not day:
                found.add(element)
        elif element is not day:
            waiting.extend(element.get_children())
    return found


def _type(total: Total | None) -> Any:
    return Float() if total is not None and total.unit in AMOUNTS else Integer()


def _declared() -> dict[str, Rollup]:
    dated: dict[tuple[str, ColumnElement], list[Total]] = {}
    for measure in CATALOGUE.values():
        totals = [measure] if isinstance(measure, Total) and measure.by_custom is None else []
        if isinstance(measure, Standing):
            totals = [starts_of(measure), ends_of(measure)]
        for total in totals:
            dated.setdefault((total.fact.name, total.on), []).append(total)
    found = {}
    for (fact, day), totals in dated.items():
        of = getattr(day, "name", None) or f"{totals[0].name}_on"
        for by, keys in _BY.get(fact, {}).items():
            if of in _NOT_BY.get(by, ()):
                continue
            name = f"rollup_{fact}_{of}_{by}"
            found[name] = Rollup(name, totals[0].fact, day, keys, {total.name: total for total in totals})
    return found


ROLLUPS = _declared()
"""Every rollup there may be, by its table's name."""
TABLES = tuple(rollup.table for rollup in ROLLUPS.values())


@dataclass(frozen=True)
class Held:
    """The rollups that a build holds, by name, with the number of their rows."""

    rows: tuple[tuple[str, int], ...] = ()

    def __post_init__(self):
        by_size = sorted((n, name) for name, n in self.rows if name in ROLLUPS)
        dated: dict[tuple[str, ColumnElement], list[Rollup]] = {}
        for _, name in by_size:
            dated.setdefault((ROLLUPS[name].fact.name, ROLLUPS[name].day), []).append(ROLLUPS[name])
        object.__setattr__(self, "_dated", dated)

    def smallest(self, fact: Fact, day: ColumnElement, columns: set[Column]) -> Rollup | None:
        """The smallest one dated by `day` that carries these columns."""
        dated: dict = self._dated  # type: ignore[attr-defined]
        return next((rollup for rollup in dated.get((fact.name, day), ()) if rollup.carries(columns)), None)
