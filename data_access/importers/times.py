"""How times are written, as expressions: what the words say, on which clock, and whether it can be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, DateTime, Float, Interval, and_, case, cast, func, literal, null
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.sql.expression import TryCast

from data_access.importers.mapping import Field

FIRST_YEAR, LAST_YEAR = 1900, 2199
"""A time outside is a slip of the pen."""
_MOST_DAYS = 366 * (LAST_YEAR - FIRST_YEAR)  # from any such year to any other

_BEGINS = r"^[0-9]{4}[-/][0-9]"
_OFFSET = r":[0-9]{2}(\.[0-9]+)?\s*(Z|z|UTC|utc|[+-][0-9]{2}(:?[0-9]{2})?)$"
_NO_OFFSET = r"[+-](1[5-9]|[2-9][0-9]|14:?(0[1-9]|[1-5][0-9])|[0-9]{2}:?[6-9][0-9])(:?[0-9]{2})?\s*$"
"""No clock is further from UTC than 14 hours."""
_Expr = ColumnElement[Any]


def localised(local: _Expr, clock: Any) -> tuple[_Expr, _Expr, _Expr]:
    """The instant of a wall-clock time, whether the clock showed it twice, and whether it skipped it.

    `clock` is the day's row of `local_time.wall_clock`.
    """
    shown = func.epoch_us(local)
    late = shown >= clock.ends
    offset, start, again = (
        case((late, clock[f"{one}_2"]), else_=clock[one]) for one in ("offset", "start", "again")
    )  # fmt: skip
    instant = shown - offset
    return (
        func.make_timestamp(func.greatest(instant, start)),
        and_(instant >= start, shown >= again),
        instant < start,
    )


def is_days(number: _Expr) -> _Expr:
    """Whether a number of days can lie between two times."""
    return func.abs(number) <= _MOST_DAYS


def end_of_day(local: _Expr) -> _Expr:
    """The last moment of the day that a time at midnight means; another time as it is."""
    at_midnight = local == func.date_trunc("day", local)
    last = cast(func.to_days(1), Interval) - cast(func.to_microseconds(1), Interval)
    return case((at_midnight, local + last), else_=local)


def exchanged(form: str) -> str:
    """A format with day and month exchanged."""
    return re.sub("%[dm]", lambda found: {"%d": "%m", "%m": "%d"}[found[0]], form)


def reads(formats: tuple[str, ...], words: _Expr) -> _Expr:
    """Whether one of the formats reads a time, in a year that can be."""
    local, utc = times(Field(formats=formats), words)
    return func.coalesce(possible(utc), possible(local)).is_not(None)


def times(field: Field, words: _Expr, first: _Expr | None = None) -> tuple[_Expr, _Expr]:
    """What a time says: on the wall clock, or as an instant, whichever it is; neither if it cannot be read.

    `first` is what `first_reading` found, where that has been worked out already.
    """
    local: list[_Expr] = []
    utc: list[_Expr] = []
    for form in field.formats:
        before, known = list(local), len(utc)
        if form in ("epoch", "epoch_ms"):
            factor = 1_000_000 if form == "epoch" else 1_000
            number = TryCast(words, Float)
            likely = func.abs(number) < 1e15 / factor * 1000
            utc.append(case((likely, func.make_timestamp(cast(number * factor, BigInteger)))))
        elif form == "excel":
            number = TryCast(words, Float)
            day = case(
                (
                    and_(number > 1, number < 300_000),
                    func.to_microseconds(cast(func.round(number * 86_400) * 1_000_000, BigInteger)),
                )
            )
            local.append(cast(literal("1899-12-30"), DateTime) + day)
        elif "%z" in form:
            instant = _naive(func.try_strptime(words, form))
            if form.rstrip().endswith("%z"):
                instant = case((~func.regexp_matches(words, _NO_OFFSET), instant))
            utc.append(instant)
        else:
            on_the_wall = first if first is not None and form == field.formats[0] else _on_the_wall(form, words)
            local.append(on_the_wall)
            if form == "iso":
                begins, ends = func.regexp_matches(words, _BEGINS), func.regexp_matches(words, _OFFSET)
                zoned = and_(begins, ends, ~func.regexp_matches(words, _NO_OFFSET))
                utc.append(case((zoned, _naive(_with_offset(words)))))
        if form != field.formats[-1]:  # “%Y” would take the 24 of 05/01/24 for a year
            local[len(before) :] = [possible(one) for one in local[len(before) :]]
            utc[known:] = [possible(one) for one in utc[known:]]
        if before and len(utc) > known:  # a format that comes before holds
            utc[known:] = [case((_first(before).is_(None), one)) for one in utc[known:]]
    if field.zone == "UTC":
        utc, local = [*utc, *local], []
    if first is None or len(field.formats) < 2 or not local:
        return _first(local), _first(utc)
    # Nearly all are written in the first format. The others are tried in a CASE, which is asked only where it matters.
    others = and_(local[0].is_(None), words.is_not(None))
    return case((local[0].is_not(None), local[0]), (others, _first(local[1:]))), case((others, _first(utc)))


def first_reading(field: Field, words: _Expr) -> _Expr:
    """What the first of a time's formats makes of it, if that says what a wall clock shows; else nothing."""
    form = field.formats[0]
    if form in ("epoch", "epoch_ms", "excel") or "%z" in form:
        return cast(null(), DateTime)
    return _on_the_wall(form, words)


def _on_the_wall(form: str, words: _Expr) -> _Expr:
    if form != "iso":
        return func.try_strptime(words, form)
    # The cast alone would take 05/01/24 for a day of the year 5.
    return case(
        (and_(func.regexp_matches(words, _BEGINS), ~func.regexp_matches(words, _OFFSET)), TryCast(words, DateTime))
    )


def _with_offset(words: _Expr) -> _Expr:
    """The instant of a time with an offset. DuckDB wants the seconds told, and no space before a sign.

    Seconds are filled in before Z and UTC alone: 08:00-08:30 may be half an hour.
    """
    told = func.replace(words, "z", "Z")
    closed_up = func.regexp_replace(told, r"\s+([Z+-])", r"\1")
    in_full = func.regexp_replace(closed_up, "([ T][0-9]+:[0-9]+)(Z| [Uu])", r"\1:00\2")
    instants = (TryCast(one, TIMESTAMP(timezone=True)) for one in (told, in_full))
    return func.coalesce(*instants)  # nearly all are written as the first wants them


def possible(time: _Expr) -> _Expr:
    """`time`, if it lies in a year that can be."""
    return case((func.year(time).between(FIRST_YEAR, LAST_YEAR), time))


def _naive(zoned: _Expr) -> _Expr:
    return func.timezone("UTC", zoned)


def _first(read: Sequence[_Expr]) -> _Expr:
    if not read:
        return cast(null(), DateTime)
    return reduce(lambda one, two: func.coalesce(one, two), read)
