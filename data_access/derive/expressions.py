"""What derived columns are made of: the city’s clock, places, flags, and columns that stay as they were written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Select,
    SmallInteger,
    Table,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)

from data_access import schema
from data_access.derive.joined import Known, rowid
from data_access.schema import CLOSED_STATUSES, FLAGS

Expr = ColumnElement[Any]
Condition = ColumnElement[bool]

# Flags that only the reader of a source can set; kept when rows are carried from build to build.
READ_FLAGS = sum(FLAGS[name] for name in ("dup_id", "ambiguous_time", "nonexistent_time", "unmapped_status"))


def local_time(at: Expr) -> Expr:
    """What the city's clock shows at an instant; `at` is a column, for it is looked at more than once."""
    return func.local_time(at, type_=DateTime)


def hour_of_week(local: Expr) -> Expr:
    """0 is Monday 00:00 to 01:00, 167 Sunday 23:00 to 24:00, on the wall clock."""
    return cast((func.isodow(local) - 1) * 24 + func.hour(local), SmallInteger)


def half_hour(local: Expr) -> Expr:
    """0 is 00:00 to 00:30, 47 is 23:30 to 24:00, on the wall clock."""
    return func.hour(local) * 2 + case((func.minute(local) >= 30, 1), else_=0)


def seconds(start: Expr, end: Expr) -> Expr:
    """Whole seconds from `start` to `end`; missing if `end` is missing, or lies before `start`, which cannot be."""
    return case((end >= start, func.divide(func.epoch_us(end) - func.epoch_us(start), 1_000_000)))


def era(on: Expr, cuts: Sequence[date]) -> Expr:
    """The number of the cuts that a civil day has behind it."""
    passed: Expr = literal(0, Integer)
    for one in cuts:
        passed = passed + case((on >= one, 1), else_=0)
    return passed


def is_midnight(local: Expr) -> Condition:
    """Whether a wall-clock time is one: the column may hold dates."""
    return local == func.date_trunc("day", local)


def on_earth(lat: Expr, lon: Expr) -> Condition:
    """Whether there are coordinates, and they can be."""
    return func.coalesce(and_(func.abs(lat) <= 90, func.abs(lon) <= 180), False)


def is_placeholder(lat: Expr, lon: Expr, pairs: frozenset[tuple[float, float]]) -> Condition:
    """Whether coordinates that can be stand for “unknown”."""
    return or_(*(and_(lat == one, lon == two) for one, two in sorted(pairs | {(0.0, 0.0)})))


def is_somewhere(lat: Expr, lon: Expr, pairs: frozenset[tuple[float, float]] = frozenset()) -> Condition:
    """Whether coordinates tell a place."""
    return and_(on_earth(lat, lon), ~is_placeholder(lat, lon, pairs))


def points_of(table: Table, on: Expr, known: Known, *inside: Condition, all_earth: bool = False) -> Select:
    """What has to be looked up of the places of rows: row, lat, lon, era; `on` is the day that counts.

    `all_earth`: any coordinates that can be tell a place.
    """
    lat, lon = table.c.lat, table.c.lon
    placed = on_earth(lat, lon) if all_earth else is_somewhere(lat, lon, known.placeholders)
    return select(rowid(table).label("row"), lat, lon, era(on, known.cuts).label("era")).where(placed, *inside)


def with_marks(read: Expr, marks: Mapping[str, Condition]) -> Expr:
    """What the reader of a source found, and what is found here."""
    bits: Expr = func.coalesce(read, 0).op("&")(READ_FLAGS)
    for name, marked in marks.items():
        bits = bits + case((marked, FLAGS[name]), else_=0)
    return bits


def tally(table: Table) -> Select:
    """How many rows of a fact bear each flag, in the order of `FLAGS`, and how many any."""
    bits = table.c.dq_flags
    each = (func.count(case((schema.bears(bits, flag), 1))) for flag in FLAGS)
    return select(*each, func.count(case((bits != 0, 1))))


def all_columns(staged: Table, made: Mapping[str, Expr]) -> Select:
    """The columns of a fact, those in `made` derived and all others as they wait."""
    names = (one.name for one in schema.metadata.tables[staged.name].c)
    return select(*((made[name] if name in made else staged.c[name]).label(name) for name in names))


def waited_s(contact: FromClause) -> Expr:
    """How long a call waited until it was answered, or hung up, where it is told when; null where not."""
    c = contact.c
    waited_to = case((c.outcome == "answered", c.answered_at), (c.outcome == "abandoned", c.ended_at))
    waited = func.epoch_us(waited_to) - func.epoch_us(c.arrived_at)
    return case((waited >= 0, waited / 1e6))


def as_written(table: Table, old: FromClause) -> dict[str, Expr]:
    """The columns of rows of an earlier build as their source gave them: without what that build computed."""
    found: dict[str, Expr] = {one.name: old.c[one.name] for one in table.c if one.name in old.c}
    if "dq_flags" in found:
        found["dq_flags"] = func.coalesce(old.c.dq_flags, 0).op("&")(READ_FLAGS)
    if table.name == "request":
        given = old.c.due_source == "source"
        found |= {name: case((given, old.c[name])) for name in ("due_at", "sla_id", "due_source")}
        found["district"] = case((old.c.source_district.is_not(None), old.c.district))
        guessed = and_(schema.bears(old.c.dq_flags, "status_conflict"), old.c.status.in_(sorted(CLOSED_STATUSES)))
        found["closed_at"] = case((~func.coalesce(guessed, False), old.c.closed_at))
    if table.name == "contact" and {"wait_s", "outcome", "arrived_at", "answered_at", "ended_at"} <= found.keys():
        found["wait_s"] = case((old.c.wait_s.is_distinct_from(waited_s(old)), old.c.wait_s))
    return found
