"""Write the SELECTs that answer a question. The only place where a WHERE clause is written.

One SELECT per fact and date column, grouped first and merged afterwards, so that no row can be counted twice (the
fan-out and chasm traps); from sums counted beforehand where they carry what is asked (`rollups`), else from the facts.
`Scope` is a required argument: nothing compiles without saying who is looking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache, reduce
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Float,
    Integer,
    Select,
    Table,
    case,
    cast,
    column,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from dashboard.domain.errors import BadRequest, NotPermitted, NotTold
from dashboard.domain.filters import Filters, add_months
from dashboard.domain.policy import Scope
from data_access import schema
from data_access.dimensions import DIMENSIONS
from data_access.rewriting import besides, holds, put_to
from data_access.rollups import (
    ENDED,
    ROWS,
    SORTED,
    Held,
    Rollup,
    binned,
    copied,
    ends_of,
    is_of_now,
    kinds_of,
    standing_at_end,
    starts_of,
    step_of,
)
from data_access.semantics import (
    EVERY,
    Dimension,
    Exposure,
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
    read as not existing yet. `service_level_variant` is how the service level is counted: a key of measures A6, the
    city's own or the one the reader chose. `held` are the sums counted beforehand.
    """

    as_of: datetime
    answer_within_s: int
    short_abandon_s: int
    service_level_variant: str = "offered"
    looks_back: bool = False
    held: Held = Held()


@dataclass(frozen=True)
class Statement:
    """One SELECT and what its columns mean.

    `part` tells how to read it: ``total`` and ``spread`` bring finished numbers; a standing over time comes as
    ``baseline`` (standing when the period began), ``starts`` and ``ends`` (per step). What several statements bring
    for the same part of a measure is to be added up.
    """

    part: str
    measures: tuple[Measure, ...]
    select: Select
    has_step: bool


Summed = tuple[Rollup, list[ColumnElement[bool]]]
"""A rollup and the conditions that a question puts to it."""


def parts_of(measures: Iterable[Measure]) -> tuple[Measure, ...]:
    """The totals, standings, spreads and exposures that `measures` are made of, each once."""
    found: dict[str, Measure] = {}
    for measure in measures:
        for part in (measure.over, measure.under) if isinstance(measure, Ratio) else (measure,):
            found[part.name] = part
    return tuple(found.values())


def compile_query(query: Query, filters: Filters, scope: Scope, frame: Frame) -> tuple[Statement, ...]:
    """Write the SELECTs that answer `query` for the rows in `filters` and `scope`.

    Raises BadRequest if a measure cannot be divided as asked, NotTold if a filter narrows only a part of a ratio or
    builds do not know what a measure was at an earlier moment, NotPermitted if `scope` restricts a dimension that a
    measure's fact does not carry.
    """
    if query.every not in (None, *EVERY):
        raise BadRequest("Choose the step of time before compiling.")
    _check_narrowed_alike(query, filters)
    return tuple(_statements(query, filters, scope, frame))


def compile_values(dimension: Dimension, fact: Fact, scope: Scope, held: Held) -> Select | None:
    """SELECT how many rows of `fact` each value of `dimension` has; None if it carries none.

    From sums counted beforehand where they hold every row; of other facts one column is quick to count.
    """
    if (column := dimension.columns.get(fact.name)) is None:
        return None
    conditions = list(permitted(fact, scope))
    table: Table = fact.table
    n: ColumnElement[int] = func.count()
    if fact.known_on is not None and (rollup := held.smallest(fact, fact.known_on, [column, *conditions])) is not None:
        conditions, column = [rollup.translated(one) for one in conditions], rollup.translated(column)
        table, n = rollup.table, cast(func.sum(rollup.column(ROWS, incidents=False)), BigInteger)
    return select(column.label("value"), n.label("n")).select_from(table).where(*conditions).group_by(column)


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
    if _counts_incidents(filters) and any(fact.first_report is not None for fact in facts):
        found.append("Incidents: a report joined to an earlier one is not counted again.")
    if filters.left_out and any(isinstance(measure, Standing) for measure in parts_of(query.measures)):
        found.append("What stands open is counted on event days too.")
    return tuple(dict.fromkeys(found))


def _statements(query: Query, filters: Filters, scope: Scope, frame: Frame) -> Iterator[Statement]:
    dated: dict[tuple[str, str], list[Total]] = {}
    for measure in parts_of(query.measures):
        _check_divisible(query, measure)
        if frame.looks_back and isinstance(measure, Standing | Spread) and is_of_now(measure):
            raise NotTold(f"“{measure.label}” is told of the last data received, not of an earlier moment.")
        match measure:
            case Total():
                dated.setdefault((measure.fact.name, measure.on.name), []).append(measure)
            case Standing():
                yield from _standing(measure, query, filters, scope, frame)
            case Spread():
                yield from _spread(measure, query, filters, scope, frame)
            case Exposure():
                yield _exposure(measure, query, filters, scope, frame)
    for totals in dated.values():
        yield from _totals(tuple(totals), query, filters, scope, frame)


def _totals(
    totals: tuple[Total, ...], query: Query, filters: Filters, scope: Scope, frame: Frame
) -> Iterator[Statement]:
    fact, on = totals[0].fact, totals[0].on
    counted = tuple(_by_custom(total, frame) for total in totals)
    stretches = [_during(on, filters.period.from_on, filters.period.to_on)]
    if query.days is not None:
        stretches[0].append(on.in_(query.days))
    if (found := _summed(totals[0], counted, stretches[0], query.by, filters, scope, frame)) is not None:
        yield _from_sums("total", totals, found, counted, query, filters, frame)
        return
    if (months := _whole_months(on, query, filters)) is not None:
        found = _summed(totals[0], counted, months.inside, query.by, filters, scope, frame, by_month=True)
        if found is not None:
            yield _from_sums("total", totals, found, counted, query, filters, frame)
            stretches = months.edges
    where = [counted[0].where] if len(counted) == 1 else kinds_of(counted)
    values = [
        (one.value.filter(*only) if (only := besides(one.where, where)) else one.value).label(total.name)
        for total, one in zip(totals, counted, strict=True)
    ]
    for when in stretches:
        yield _grouped("total", totals, fact, on, values, when, where, query, filters, scope, frame)


class _Months(NamedTuple):
    """The conditions that a day is in the whole months of a period, and in each of the edges they leave."""

    inside: list[ColumnElement[bool]]
    edges: list[list[ColumnElement[bool]]]


def _whole_months(on: ColumnElement, query: Query, filters: Filters) -> _Months | None:
    """How the period comes apart into whole months and edges; None if no sum of months can be told by its steps."""
    begin, end = filters.period.from_on, filters.period.to_on
    first, last = begin if begin.day == 1 else add_months(begin.replace(day=1), 1), end.replace(day=1)
    if first >= last or query.every in ("day", "week") or filters.left_out:
        return None
    return _Months(_during(on, first, last), [_during(on, a, b) for a, b in ((begin, first), (last, end)) if a < b])


def _from_sums(
    part: str, measures: tuple[Measure, ...], found: Summed, totals: tuple[Total, ...], query: Query, filters: Filters,
    frame: Frame,
) -> Statement:  # fmt: skip
    """SELECT the query's divisions and the sums that `totals` are, each by the name of its measure."""
    rollup, conditions = found
    values = [
        rollup.sum_of(total, incidents=_counts_incidents(filters)).label(measure.name)
        for measure, total in zip(measures, totals, strict=True)
    ]
    keys = [rollup.translated(key) for key in _keys(query, totals[0].fact, totals[0].on)]
    statement = _divided(select(*keys, *values).select_from(rollup.table).where(*conditions), len(keys))
    return Statement(part, measures, with_values(statement, frame, filters.period.to_on), query.every is not None)


def _by_custom(total: Total, frame: Frame) -> Total:
    """The total that `total` is under the way of counting in force."""
    return total if total.by_custom is None else total.by_custom[frame.service_level_variant]


def _counts_incidents(filters: Filters) -> bool:
    return filters.setting("counting") == "incidents"


def _summed(
    measure: Measure, totals: tuple[Total, ...], when: list[ColumnElement[bool]], by: Iterable[Dimension],
    filters: Filters, scope: Scope, frame: Frame, *, by_month: bool = False,
) -> Summed | None:  # fmt: skip
    """The rollup that holds `totals`, or the durations of `measure`, with every condition in its words.

    None if no rollup carries what is asked about, or the question looks back: then the facts must be asked.
    """
    if frame.looks_back:
        return None
    spread = measure if isinstance(measure, Spread) else None
    fact, on = (totals[0].fact, totals[0].on) if spread is None else (spread.fact, spread.on)
    asked = [*_chosen(fact, measure, filters), *permitted(fact, scope)]
    if isinstance(measure, Total | Spread):  # what stands open stands open on event days too
        asked += _on_counted_days(on, filters)
    divided = [dimension.columns[fact.name] for dimension in by]
    rollup = frame.held.smallest(fact, on, [*asked, *divided], by_month=by_month, spread=spread)
    if rollup is None or any(one.name not in rollup.totals for one in totals):
        return None
    counted = rollup.counted(totals, incidents=_counts_incidents(filters))
    conditions = [rollup.translated(condition) for condition in [*when, *asked]]
    return rollup, [*conditions, *([counted] if counted is not None else [])]


def _on_counted_days(on: ColumnElement, filters: Filters) -> Iterator[ColumnElement[bool]]:
    """Without the event days that the reader left out."""
    for begin, end in filters.left_out:
        yield or_(on < begin, on >= end)


def _spread(spread: Spread, query: Query, filters: Filters, scope: Scope, frame: Frame) -> Iterator[Statement]:
    stretches = [_during(spread.on, filters.period.from_on, filters.period.to_on)]
    is_wide = frame.held.is_wide(spread.fact, filters.period.days)
    if is_wide and (found := _summed(spread, (), stretches[0], query.by, filters, scope, frame)) is not None:
        yield _from_durations(spread, found, query, filters, frame)
        return
    if is_wide and (months := _whole_months(spread.on, query, filters)) is not None:
        found = _summed(spread, (), months.inside, query.by, filters, scope, frame, by_month=True)
        if found is not None:
            yield _from_durations(spread, found, query, filters, frame)
            stretches = months.edges
    keys = _keys(query, spread.fact, spread.on)
    has_ended = case((spread.has_ended, 1), else_=0)
    parts = []
    for when in stretches:
        # Durations are told first, then their steps: what asks for the bin of a duration names both many times.
        rows = select(*keys, spread.duration_s.label("seconds"), has_ended.label("has_ended"))
        rows = rows.select_from(spread.fact.table).where(*when, *_holding(spread, [spread.where], filters, scope))
        if frame.looks_back:
            rows = _as_known_at(rows.where(spread.fact.known_at <= frame.as_of), spread.fact, frame.as_of)
        else:
            rows = _in_order(rows, spread.on, filters, frame)
        parts.append(rows)
    if parts:
        told = (union_all(*parts) if len(parts) > 1 else parts[0]).subquery()
        told = select(*told.c, _step(is_wide)).select_from(told).subquery()
        by = [*(told.c[key.name] for key in keys), _binned(is_wide)]
        counts = (func.count().label("n"), func.sum(told.c.has_ended).label("ended"))
        statement = _divided(select(*by, *counts).select_from(told), len(by))
        yield Statement(
            "spread", (spread,), with_values(statement, frame, filters.period.to_on), query.every is not None
        )


_SECONDS, _STEP = column("seconds", BigInteger), column("step", Integer)


@cache
def _step(is_wide: bool) -> ColumnElement:
    """The step of a column ``seconds``; written once, for it is long."""
    return step_of(_SECONDS, is_wide).label("step")


@cache
def _binned(is_wide: bool) -> ColumnElement:
    """A column ``seconds`` in its column ``step``."""
    return binned(_SECONDS, _STEP, is_wide).label("duration_s")


def _from_durations(spread: Spread, found: Summed, query: Query, filters: Filters, frame: Frame) -> Statement:
    """SELECT how many durations of each length were counted beforehand, by the query's divisions."""
    rollup, conditions = found
    incidents = _counts_incidents(filters)
    keys = [rollup.translated(key) for key in _keys(query, spread.fact, spread.on)] + [rollup.table.c.duration_s]
    values = [
        cast(func.sum(rollup.column(column, incidents=incidents)), BigInteger).label(name)
        for name, column in (("n", ROWS), ("ended", ENDED))
    ]
    statement = _divided(select(*keys, *values).select_from(rollup.table).where(*conditions), len(keys))
    return Statement(
        "spread", (spread,), with_values(statement, frame, filters.period.to_on), query.every is not None
    )  # fmt: skip


def _standing(standing: Standing, query: Query, filters: Filters, scope: Scope, frame: Frame) -> Iterator[Statement]:
    fact, count = standing.fact, [func.count().label(standing.name)]
    period = filters.period

    def at(name: str, moment: date) -> Statement:
        at_end = standing_at_end(standing)
        if query.every is None and moment in frame.held.moments:
            when = [at_end.on == moment]
            if (summed := _summed(standing, (at_end,), when, query.by, filters, scope, frame)) is not None:
                return _from_sums(name, (standing,), summed, (at_end,), query, filters, frame)
        asked = _stood(standing, moment, query, filters, scope, frame)
        if asked is not None:
            return Statement(name, (standing,), with_values(asked, frame, period.to_on), has_step=False)
        found = _grouped(
            name, (standing,), fact, None, count, _standing_at(standing, moment), [standing.where], query, filters,
            scope, frame,
        )  # fmt: skip
        return replace(found, select=nearest(found.select, moment, frame))

    def changes(name: str, edge: Total) -> Statement:
        when = _during(edge.on, period.from_on, period.to_on)
        if (found := _summed(standing, (edge,), when, query.by, filters, scope, frame)) is not None:
            return _from_sums(name, (standing,), found, (edge,), query, filters, frame)
        return _grouped(name, (standing,), fact, edge.on, count, when, [edge.where], query, filters, scope, frame)

    if query.every is None:
        yield at("total", period.to_on)
        return
    yield at("baseline", period.from_on)
    yield changes("starts", starts_of(standing))
    yield changes("ends", ends_of(standing))


def _stood(
    standing: Standing, moment: date, query: Query, filters: Filters, scope: Scope, frame: Frame
) -> Select | None:
    """What stood at `moment`, as what had begun to until then less what had ceased; None if the facts must be asked."""
    parts = []
    for edge, sign in ((starts_of(standing), 1), (ends_of(standing), -1)):
        found = _summed(standing, (edge,), [edge.on < moment], query.by, filters, scope, frame)
        if found is None:
            return None
        rollup, conditions = found
        keys = [rollup.translated(one.columns[standing.fact.name]).label(one.name) for one in query.by]
        n = (sign * rollup.sum_of(edge, incidents=_counts_incidents(filters))).label("n")
        parts.append(_divided(select(*keys, n).select_from(rollup.table).where(*conditions), len(keys)))
    names = [dimension.name for dimension in query.by]
    both = union_all(*parts).subquery().c
    total = cast(func.coalesce(func.sum(both.n), 0), BigInteger)
    stood = _divided(select(*(both[name] for name in names), total.label(standing.name)), len(names))
    return stood.having(total != 0) if names else stood


def _exposure(measure: Exposure, query: Query, filters: Filters, scope: Scope, frame: Frame) -> Statement:
    """SELECT how long rows lasted within the period, but for the event days that the reader left out."""
    begin, end = (literal(one, Date) for one in (filters.period.from_on, filters.period.to_on))

    def lasted_in(first: ColumnElement, after: ColumnElement) -> Any:
        return func.least(func.coalesce(measure.end_on, after), after) - func.greatest(measure.start_on, first)

    lasted = lasted_in(begin, end)
    for first, after in filters.stretches_left_out():
        lasted -= func.greatest(lasted_in(literal(first, Date), literal(after, Date)), 0)
    days = cast(func.coalesce(func.sum(lasted), 0), Float) / measure.unit_days
    when = [measure.start_on < end, or_(measure.end_on.is_(None), measure.end_on > begin)]
    where = [or_(measure.end_on.is_(None), measure.end_on > measure.start_on)]
    return _grouped(
        "total", (measure,), measure.fact, None, [days.label(measure.name)], when, where, query, filters, scope, frame
    )


def _grouped(
    part: str, measures: tuple, fact: Fact, on: ColumnElement | None, values: list, when: list, where: list,
    query: Query, filters: Filters, scope: Scope, frame: Frame,
) -> Statement:  # fmt: skip
    """SELECT the query's divisions and `values` FROM `fact`, with every condition there is."""
    keys = _keys(query, fact, on)
    has_step = query.every is not None and on is not None
    conditions = [*when, *_holding(measures[0], where, filters, scope)]
    statement = _divided(select(*keys, *values).select_from(fact.table).where(*conditions), len(keys))
    if frame.looks_back:
        statement = _as_known_at(statement.where(fact.known_at <= frame.as_of), fact, frame.as_of)
    else:
        statement = _in_order(statement, on, filters, frame, where)
    during = filters.period
    return Statement(part, tuple(measures), with_values(statement, frame, during.to_on, during.from_on), has_step)


def _in_order(
    statement: Select, on: ColumnElement | None, filters: Filters, frame: Frame, where: Sequence = ()
) -> Select:  # fmt: skip
    """A question about a fact, put to the copy that lies in the order of what narrows it, where the build has one."""
    for one in SORTED:
        if one.of_which is not None:
            narrowed = any(holds(condition, one.of_which) for condition in where)
        else:
            narrowed = bool(filters.chosen(one.by)) or (on is not None and on is one.of.c[one.by])
        if narrowed and frame.held.holds(one.name) and (found := one.asked_instead(statement)) is not None:
            return found
    return statement


def _keys(query: Query, fact: Fact, on: ColumnElement | None) -> list[ColumnElement]:
    """What an answer is divided by: dimensions, then the step of time."""
    keys: list[ColumnElement] = [dimension.columns[fact.name].label(dimension.name) for dimension in query.by]
    if query.every is not None and on is not None:
        step = cast(func.date_trunc(query.every, cast(on, DateTime)), Date) if query.every != "day" else on
        keys.append(step.label(query.every))
    return keys


def _divided(statement: Select, keys: int) -> Select:
    """`statement` grouped by its first columns.

    By position: a division that holds bound values would otherwise differ from itself in PostgreSQL's eyes.
    """
    return (
        statement.group_by(*(literal_column(str(position)) for position in range(1, keys + 1))) if keys else statement
    )


def _holding(measure: Measure, where: Iterable, filters: Filters, scope: Scope) -> Iterator[ColumnElement[bool]]:
    """What holds for every row that counts for `measure`, whenever it is dated."""
    fact: Fact = measure.fact  # type: ignore[attr-defined]
    yield from (condition for condition in where if condition is not None)
    if fact.counted is not None:
        yield fact.counted
    if fact.first_report is not None and _counts_incidents(filters):
        yield fact.first_report
    if isinstance(measure, Total | Spread):  # what stands open stands open on event days too
        yield from _on_counted_days(measure.on, filters)
    yield from _chosen(fact, measure, filters)
    yield from permitted(fact, scope)


def counted_of(measure: Measure) -> Measure:
    """What `measure` counts: of a ratio that by which it is divided."""
    return measure.under if isinstance(measure, Ratio) else measure


def rows_of(measure: Measure, filters: Filters, scope: Scope) -> tuple[Fact, list[ColumnElement[bool]]]:
    """The fact whose rows `measure` counts, and the conditions that pick just those: the list behind a number.

    Of a ratio these are the rows it is divided by; of a standing those that stand at the end of the period; of a
    spread those it has durations of.
    """
    counted = counted_of(measure)
    if not isinstance(counted, Total | Standing | Spread):
        raise BadRequest(f"“{counted.name}” counts time, not rows: there is no list behind it.")
    if isinstance(counted, Standing):
        when = _standing_at(counted, filters.period.to_on)
    else:
        when = _during(counted.on, filters.period.from_on, filters.period.to_on)
    return counted.fact, [*when, *_holding(counted, [counted.where], filters, scope)]


def _standing_at(standing: Standing, moment: date) -> list[ColumnElement[bool]]:
    return [standing.start_on < moment, or_(standing.end_on.is_(None), standing.end_on >= moment)]


def nearest(statement: Select, moment: date, frame: Frame) -> Select:
    """A question about what stood at `moment`, put to the copies of what did where the build holds them so far back."""
    since = frame.held.copied_on
    return copied(statement) if since is not None and moment >= since and not frame.looks_back else statement


def with_values(statement: Select, frame: Frame, moment: date, since: date = date(1900, 1, 1)) -> Select:
    """`statement` with the values that only the question knows: of days from `since` on, of what stands at `moment`."""
    return statement.params(
        as_of=frame.as_of,
        moment_on=moment,
        since_on=since,
        answer_within_s=frame.answer_within_s,
        short_abandon_s=frame.short_abandon_s,
    )


def _during(on: ColumnElement, begin: date, end: date) -> list[ColumnElement[bool]]:
    return [on >= begin, on < end]


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
    if scope.hides and not fact.is_served:
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


def _check_narrowed_alike(query: Query, filters: Filters) -> None:
    """NotTold where a filter narrows only one part of a ratio: it would be a rate of nothing.

    The misses that were told by phone, say, are missed of no known number of stops, for rounds carry no channel; nor is
    what a call by phone costs known where the contact centre's budget tells of none.
    """
    chosen = [DIMENSIONS[name] for name, _ in filters.choices]
    for measure in query.measures:
        if not isinstance(measure, Ratio):
            continue
        for part, other in ((measure.over, measure.under), (measure.under, measure.over)):
            lacking = [one.label.lower() for one in chosen if _narrows(one, other) and not _narrows(one, part)]
            if lacking:
                raise NotTold(
                    f"{part.fact.plural.capitalize()} carry no {' and no '.join(lacking)}: “{measure.label}” cannot be "
                    "told of this choice."
                )


def _check_divisible(query: Query, measure: Measure) -> None:
    if query.every is not None and measure.fact.by_year:  # type: ignore[attr-defined]
        raise BadRequest(f"“{measure.name}” is known by the fiscal year, in no steps of time: divide by fiscal_year.")
    if isinstance(measure, Exposure) and query.every is not None:
        raise BadRequest(f"“{measure.name}” is told of a period as a whole, not in steps of time.")
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
    return put_to(statement, replaced)
