"""Write the SELECTs that answer a question. The only place where a WHERE clause is written.

One SELECT per fact and date column, grouped first and merged afterwards, so that no row can be counted twice
(the fan-out and chasm traps). `Scope` is a required argument: nothing compiles without saying who is looking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Select,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
)
from sqlalchemy.sql import visitors

from dashboard.domain.errors import BadRequest, NotPermitted
from dashboard.domain.filters import Filters
from dashboard.domain.policy import Scope
from data_access import schema
from data_access.dimensions import DIMENSIONS
from data_access.semantics import (
    EVERY,
    Dimension,
    Fact,
    Measure,
    Query,
    Ratio,
    Spread,
    Standing,
    Total,
)


@dataclass(frozen=True)
class Frame:
    """What a question is asked at: the data's clock, the city's thresholds, whether it looks back in time.

    `looks_back` is True when `as_of` lies before the data's own clock: then rows and endings recorded later are
    read as not existing yet.
    """

    as_of: datetime
    answer_within_s: int
    short_abandon_s: int
    service_level_variant: str = "offered"
    looks_back: bool = False


@dataclass(frozen=True)
class Statement:
    """One SELECT and what its columns mean.

    `part` tells how to read it: ``total`` and ``spread`` bring finished numbers; a standing over time comes as
    ``baseline`` (standing when the period began), ``starts`` and ``ends`` (per step).
    """

    part: str
    measures: tuple[Measure, ...]
    select: Select
    has_step: bool


def parts_of(measures: Iterable[Measure]) -> tuple[Measure, ...]:
    """The totals, standings and spreads that `measures` are made of, each once."""
    found: dict[str, Measure] = {}
    for measure in measures:
        for part in (measure.over, measure.under) if isinstance(measure, Ratio) else (measure,):
            found[part.name] = part
    return tuple(found.values())


def compile_query(query: Query, filters: Filters, scope: Scope, frame: Frame) -> tuple[Statement, ...]:
    """Write the SELECTs that answer `query` for the rows in `filters` and `scope`.

    Raises BadRequest if a measure cannot be divided as asked, NotPermitted if `scope` restricts a dimension that
    a measure's fact does not carry.
    """
    if query.every not in (None, *EVERY):
        raise BadRequest("Choose the step of time before compiling.")
    return tuple(_statements(query, filters, scope, frame))


def caveats(query: Query, filters: Filters) -> tuple[str, ...]:
    """Sentences about how the answer was counted: filters that a fact does not carry, switches that were set."""
    found = []
    for name, _ in filters.choices:
        dimension = DIMENSIONS[name]
        for measure in parts_of(query.measures):
            if not _narrows(dimension, measure):
                label = dimension.label.lower()
                found.append(f"{measure.fact.plural.capitalize()} carry no {label}: not narrowed by it.")  # type: ignore[attr-defined]
    facts = [measure.fact for measure in parts_of(query.measures)]  # type: ignore[attr-defined]
    if filters.setting("counting") == "incidents" and any(fact.first_report is not None for fact in facts):
        found.append("Incidents: a report joined to an earlier one is not counted again.")
    if filters.left_out and any(isinstance(measure, Standing) for measure in parts_of(query.measures)):
        found.append("What stands open is counted on event days too.")
    return tuple(dict.fromkeys(found))


def _statements(query: Query, filters: Filters, scope: Scope, frame: Frame) -> Iterator[Statement]:
    dated: dict[tuple[str, str], list[Total]] = {}
    for measure in parts_of(query.measures):
        _check_divisible(query, measure)
        match measure:
            case Total():
                dated.setdefault((measure.fact.name, measure.on.name), []).append(measure)
            case Standing():
                yield from _standing(measure, query, filters, scope, frame)
            case Spread():
                yield _spread(measure, query, filters, scope, frame)
    for totals in dated.values():
        yield _totals(tuple(totals), query, filters, scope, frame)


def _totals(totals: tuple[Total, ...], query: Query, filters: Filters, scope: Scope, frame: Frame) -> Statement:
    fact, on = totals[0].fact, totals[0].on
    alone = len(totals) == 1
    values = [
        (total.value if alone or total.where is None else total.value.filter(total.where)).label(total.name)
        for total in totals
    ]
    where = [totals[0].where] if alone else []
    return _grouped("total", totals, fact, on, values, _during(on, filters), where, query, filters, scope, frame)


def _spread(spread: Spread, query: Query, filters: Filters, scope: Scope, frame: Frame) -> Statement:
    # Durations are brought as counts per second below an hour, per minute below a week, per hour above: never
    # coarser than 1.7 % of the duration, and few rows however many requests there are.
    seconds = spread.duration_s
    step = case((seconds < 3600, 1), (seconds < 7 * 86400, 60), else_=3600)
    duration = cast(func.floor(seconds / cast(step, Integer)) * step, Integer).label("duration_s")
    ended = func.sum(case((spread.has_ended, 1), else_=0)).label("ended")
    statement = _grouped(
        "spread", (spread,), spread.fact, spread.on, [func.count().label("n"), ended], _during(spread.on, filters),
        [spread.where], query, filters, scope, frame, extra=[duration],
    )  # fmt: skip
    return statement


def _standing(standing: Standing, query: Query, filters: Filters, scope: Scope, frame: Frame) -> Iterator[Statement]:
    fact, count = standing.fact, [func.count().label(standing.name)]
    period = filters.period

    def at(moment: date) -> list[ColumnElement[bool]]:
        return _standing_at(standing, moment)

    def part(name: str, on: ColumnElement | None, when: list[ColumnElement[bool]]) -> Statement:
        return _grouped(
            name, (standing,), fact, on, count, when, [standing.where], query, filters, scope, frame,
        )  # fmt: skip

    if query.every is None:
        yield part("total", None, at(period.to_on))
        return
    yield part("baseline", None, at(period.from_on))
    yield part("starts", standing.start_on, _during(standing.start_on, filters))
    yield part("ends", standing.end_on, _during(standing.end_on, filters))


def _grouped(
    part: str, measures: tuple, fact: Fact, on: ColumnElement | None, values: list, when: list, where: list,
    query: Query, filters: Filters, scope: Scope, frame: Frame, *, extra: Iterable = (),
) -> Statement:  # fmt: skip
    """SELECT the query's divisions and `values` FROM `fact`, with every condition there is."""
    keys = [dimension.columns[fact.name].label(dimension.name) for dimension in query.by]
    has_step = query.every is not None and on is not None
    if query.every is not None and on is not None:
        step: ColumnElement = (
            cast(func.date_trunc(query.every, cast(on, DateTime)), Date) if query.every != "day" else on
        )
        keys.append(step.label(query.every))
    keys += extra
    conditions = [*when, *_holding(measures[0], where, filters, scope)]
    statement = select(*keys, *values).select_from(fact.table).where(*conditions)
    if keys:
        # By position: a division that holds bound values would otherwise differ from itself in PostgreSQL's eyes.
        statement = statement.group_by(*(literal_column(str(position)) for position in range(1, len(keys) + 1)))
    if frame.looks_back:
        statement = _as_known_at(statement.where(fact.known_at <= frame.as_of), fact, frame.as_of)
    return Statement(part, tuple(measures), with_values(statement, frame, filters.period.to_on), has_step)


def _holding(measure: Measure, where: Iterable, filters: Filters, scope: Scope) -> Iterator[ColumnElement[bool]]:
    """What holds for every row that counts for `measure`, whenever it is dated."""
    fact: Fact = measure.fact  # type: ignore[attr-defined]
    yield from (condition for condition in where if condition is not None)
    if fact.counted is not None:
        yield fact.counted
    if fact.first_report is not None and filters.setting("counting") == "incidents":
        yield fact.first_report
    if isinstance(measure, Total | Spread):  # what stands open stands open on event days too
        for begin, end in filters.left_out:
            yield or_(measure.on < begin, measure.on >= end)
    yield from _chosen(fact, measure, filters)
    yield from permitted(fact, scope)


def rows_of(measure: Measure, filters: Filters, scope: Scope) -> tuple[Fact, list[ColumnElement[bool]]]:
    """The fact whose rows `measure` counts, and the conditions that pick just those: the list behind a number.

    Of a ratio these are the rows it is divided by; of a standing those that stand at the end of the period; of a
    spread those it has durations of.
    """
    counted = measure.under if isinstance(measure, Ratio) else measure
    assert isinstance(counted, Total | Standing | Spread)
    if isinstance(counted, Standing):
        when = _standing_at(counted, filters.period.to_on)
    else:
        when = _during(counted.on, filters)
    return counted.fact, [*when, *_holding(counted, [counted.where], filters, scope)]


def _standing_at(standing: Standing, moment: date) -> list[ColumnElement[bool]]:
    return [standing.start_on < moment, or_(standing.end_on.is_(None), standing.end_on >= moment)]


def with_values(statement: Select, frame: Frame, moment: date) -> Select:
    """`statement` with the values that only the question knows."""
    return statement.params(
        as_of=frame.as_of,
        moment_on=moment,
        answer_within_s=frame.answer_within_s,
        short_abandon_s=frame.short_abandon_s,
        service_level_variant=frame.service_level_variant,
    )


def _during(on: ColumnElement, filters: Filters) -> list[ColumnElement[bool]]:
    return [on >= filters.period.from_on, on < filters.period.to_on]


def _narrows(dimension: Dimension, measure: Measure) -> bool:
    """Whether `measure`'s fact carries `dimension`; bands of age exist for standings only."""
    fact: Fact = measure.fact  # type: ignore[attr-defined]
    return fact.name in dimension.columns and (isinstance(measure, Standing) or not dimension.standing_only)


def _chosen(fact: Fact, measure: Measure, filters: Filters) -> Iterator[ColumnElement[bool]]:
    for name, values in filters.choices:
        dimension = DIMENSIONS[name]
        if _narrows(dimension, measure):
            yield _is_one_of(dimension, fact, values)


def permitted(fact: Fact, scope: Scope) -> Iterator[ColumnElement[bool]]:
    """The conditions that keep a question about `fact` inside `scope`; NotPermitted if they cannot be written."""
    if not scope.reaches(fact.name):
        raise NotPermitted(f"{fact.plural.capitalize()} are not shown to you. Ask the dashboard’s administrator.")
    for name, values in scope.rows:
        dimension = DIMENSIONS[name]
        if fact.name not in dimension.columns:
            raise NotPermitted(
                f"{fact.plural.capitalize()} carry no {dimension.label.lower()} and yours is the only one you may see, "
                "so they are not shown."
            )
        yield _is_one_of(dimension, fact, values)
    if scope.hides:
        kind = DIMENSIONS["service_type"].columns.get(fact.name)
        if kind is None:
            raise NotPermitted(f"{fact.plural.capitalize()} carry no service type, so they are not shown to you.")
        types = schema.service_type.c
        hidden = select(types.name).where(types.sensitivity.in_(scope.hides))
        yield or_(kind.is_(None), kind.not_in(hidden))


def _is_one_of(dimension: Dimension, fact: Fact, values: tuple[str, ...]) -> ColumnElement[bool]:
    column = dimension.columns[fact.name]
    given = [dimension.column_value(value) for value in values if value != dimension.missing]
    conditions = [column.in_(given)]  # an empty list is no row, as it must be
    if dimension.missing in values:
        conditions.append(column.is_(None))
    return reduce(or_, conditions)


def _check_divisible(query: Query, measure: Measure) -> None:
    for dimension in query.by:
        fact: Fact = measure.fact  # type: ignore[attr-defined]
        if fact.name not in dimension.columns:
            raise BadRequest(f"“{measure.name}” cannot be divided by {dimension.name}: it is not known for it.")
        if dimension.standing_only and (query.every is not None or not isinstance(measure, Standing)):
            also = ", and not in steps of time" if isinstance(measure, Standing) else ""
            raise BadRequest(f"“{dimension.name}” divides only what is open at a moment{also}: not “{measure.name}”.")


def _as_known_at(statement: Select, fact: Fact, as_of: datetime) -> Select:
    """Read endings recorded after `as_of` as not having happened."""
    happened = {at: at <= literal(as_of, DateTime()) for at in fact.ends}
    replaced = {at: case((happened[at], at), else_=null()) for at in fact.ends}
    replaced |= {on: case((happened[at], on), else_=null()) for at, on in fact.ends.items() if on is not None}
    known: Any = visitors.replacement_traverse(statement, {}, lambda element, **_: replaced.get(element))
    return known
