"""What a build holds beside its facts, counted once they are derived: sums, copies in another order, what stands open.

Which of them there may be is said in `rollups`; here is decided which pay, and those are filled. A build that goes on
from the one in service keeps the ones that it had, and counts anew only where something differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import ColumnElement, Select, Table, and_, func, or_, select
from sqlalchemy.schema import DropTable

from data_access import schema
from data_access.arrow import to_arrow
from data_access.compile import Frame, with_values
from data_access.continuing import Continuing
from data_access.rollups import (
    COPIED_DAYS,
    COPIES,
    PAYS_BY,
    PAYS_FROM_ROWS,
    ROLLUPS,
    ROWS,
    SORTED,
    SORTED_FROM_ROWS,
    Rollup,
    Sorted,
    copied,
    moments_of,
    months_of,
)
from data_access.work_file import WorkFile

Told = dict[str, Any]
"""A row of the table `sums`: ``name``, ``n`` and ``from_on``."""


def sum_up(work: WorkFile, city: Mapping[str, Any], as_of: datetime, pays_by: float) -> None:
    """Count beforehand what pays: every rollup that has `pays_by` times fewer rows than its fact, all if that is 0.

    `city` is the row of the table `city`, and `as_of` the data's own clock.
    """
    frame = Frame(as_of, city["answer_within_s"], city["short_abandon_s"])
    end = _civil_day(city, as_of)
    if work.continuing:
        held = _sum_up_again(work, work.continuing, frame)
        passed = end - _civil_day(city, work.continuing.as_of)
        standing = _copy_what_stands_again(work, work.continuing, passed)
        standing += _sum_up_what_stands_again(work, work.continuing, standing, end, frame)
    else:
        held = _sum_up_anew(work, frame, pays_by)
        standing = _copy_what_stands(work, end, PAYS_BY if pays_by else 0)
        standing += _sum_up_what_stands(work, standing, end, frame, pays_by)
    told: list[Told] = [{"name": name, "n": n, "from_on": None} for name, n in held.items()] + standing
    if told:
        work.append(schema.sums, to_arrow(pd.DataFrame(told), schema.sums))


def _sum_up_anew(work: WorkFile, frame: Frame, pays_by: float) -> dict[str, int]:
    """Make each table of sums, and each copy sorted otherwise, if it pays: how many rows it has, by its name."""
    facts = {rollup.fact.name: rollup.fact for rollup in ROLLUPS.values()}
    sizes = {name: work.count(fact.table) for name, fact in facts.items()}
    repeated = _repeated(work)
    districts = work.staged["district"]
    is_divided_twice = work.count(districts, districts.c.division == "area") > 0
    held: dict[str, int] = {}
    for name, rollup in ROLLUPS.items():
        of = sizes[rollup.fact.name]
        if rollup.is_of_end:
            continue
        if pays_by and (of < PAYS_FROM_ROWS or ("area" in rollup.keys and not is_divided_twice)):
            continue
        finer = _finer(rollup, held)
        if finer is None:  # one that is added up from another has fewer rows than that
            about = work.connection.execute(with_values(rollup.about(), frame, frame.as_of.date())).scalar_one()
            if about * pays_by > of:
                continue
        rollup.table.create(work.connection)
        _fill_sums(work, rollup, finer, frame, rollup.fact.name in repeated)
        held[name] = work.count(rollup.table)
        work.progress("summing up", held[name])
    if not pays_by or sizes["request"] >= SORTED_FROM_ROWS:
        held |= {one.name: _sort(work, one) for one in SORTED}
    return held


def _sum_up_again(work: WorkFile, continuing: Continuing, frame: Frame) -> dict[str, int]:
    """Count anew, in each table of sums and in each copy sorted otherwise, the days on which something differs."""
    repeated = _repeated(work)
    has_time_passed = frame.as_of != continuing.as_of
    held: dict[str, int] = {}
    days: dict[tuple[str, ColumnElement], Select] = {}

    def days_of(fact: Table, day: ColumnElement) -> Select:
        if (fact.name, day) not in days:
            days[fact.name, day] = continuing.keep_days(continuing.days(fact, day, frame.as_of))
        return days[fact.name, day]

    for name, rollup in ROLLUPS.items():
        if name not in continuing.held or rollup.is_of_end:
            continue
        again: Select | None = None
        if not rollup.goes_on(has_time_passed=has_time_passed):
            again = days_of(rollup.fact.table, rollup.on)
            again = continuing.keep_days(months_of(again)) if rollup.by_month else again
        on_them = () if again is None else (rollup.table.c.day.in_(again),)
        work.connection.execute(rollup.table.delete().where(*on_them))
        _fill_sums(work, rollup, _finer(rollup, held), frame, rollup.fact.name in repeated, again)
        held[name] = work.count(rollup.table)
        work.progress("summing up again", held[name])
    for one in SORTED:
        if one.name in continuing.held:
            again = days_of(one.of, one.of.c[one.day])
            work.connection.execute(one.table.delete().where(one.table.c[one.day].in_(again)))
            work.fill(one.table, one.rows(again))
            held[one.name] = work.count(one.table)
    return held


def _repeated(work: WorkFile) -> frozenset[str]:
    """The facts that hold repeated reports."""
    facts = {rollup.fact.name: rollup.fact for rollup in ROLLUPS.values()}
    return frozenset(
        name
        for name, fact in facts.items()
        if fact.first_report is not None and work.count(fact.table, ~fact.first_report)
    )


def _finer(rollup: Rollup, held: Mapping[str, int]) -> Rollup | None:
    """The smallest one held that it can be added up from."""
    finer = [one for one in held if rollup.is_from(ROLLUPS[one])]
    return ROLLUPS[min(finer, key=held.__getitem__)] if finer else None


def _fill_sums(
    work: WorkFile, rollup: Rollup, finer: Rollup | None, frame: Frame, has_repeated: bool, days: Select | None = None
) -> None:
    """Fill a table of sums, for some days or for all: from a finer one, if there is any, else from the facts."""
    counted = rollup.rows(has_repeated=has_repeated, days=days) if finer is None else rollup.rows_from(finer, days=days)
    work.fill(rollup.table, with_values(counted, frame, frame.as_of.date()))


def _sort(work: WorkFile, one: Sorted) -> int:
    """Copy the requests, in a few of their columns, in another order than that of their opening."""
    one.table.create(work.connection)
    work.fill(one.table, one.rows())
    n = work.count(one.table)
    work.progress(f"sorting by {one.by}", n)
    return n


def _copy_what_stands(work: WorkFile, end: date, pays_by: float) -> list[Told]:
    """Copy the requests open at the end of the data, or also in the year before it, where these are few."""
    sizes = {one.name: work.count(one.of) for one in COPIES.values()}
    if pays_by and min(sizes.values()) < PAYS_FROM_ROWS:
        return []
    for days in COPIED_DAYS:
        from_on = end - timedelta(days=days - 1)
        finest = next(iter(COPIES.values()))  # counting is quicker than copying what would be thrown away
        many = work.count(finest.rows(from_on).subquery())
        if many * pays_by > sizes[finest.name]:
            continue
        made: dict[str, int] = {}
        for one in COPIES.values():
            one.table.create(work.connection)
            work.fill(one.table, one.rows(from_on))
            made[one.name] = work.count(one.table)
            work.progress("copying what stands open", made[one.name])
        if all(n * pays_by <= sizes[name] for name, n in made.items()):
            return [{"name": name, "n": n, "from_on": from_on} for name, n in made.items()]
        for one in COPIES.values():
            work.connection.execute(DropTable(one.table))
    return []


def _copy_what_stands_again(work: WorkFile, continuing: Continuing, passed: timedelta) -> list[Told]:
    """Put the requests that differ, as far as they stand, into the copies, and take out what no longer counts.

    Copies begin so much later as time has `passed` since the build before. Where the data's clock went back they begin
    earlier, and lack what had ended until then: they are made anew.
    """
    told: list[Told] = []
    again = continuing.touched() if passed >= timedelta(0) else None
    for one in COPIES.values():
        if (before := continuing.held.get(one.name)) is not None:
            from_on = before + passed
            c = one.table.c
            over = c[one.end_on.name] < from_on
            if one.with_them is not None:
                others = select(COPIES[one.with_them].table.c.request_id)
                over = and_(over, c.request_id.not_in(others))
            leaves = () if again is None else (or_(c.request_id.in_(again), over),)
            work.connection.execute(one.table.delete().where(*leaves))
            work.fill(one.table, one.rows(from_on, again))
            told.append({"name": one.name, "n": work.count(one.table), "from_on": from_on})
    return told


def _sum_up_what_stands(work: WorkFile, copies: Sequence[Told], end: date, frame: Frame, pays_by: float) -> list[Told]:
    """Make the tables of sums of what stands at the `end` of the data, if they pay beside the rows that do."""
    told: list[Told] = []
    if pays_by and work.count(schema.request) < PAYS_FROM_ROWS:
        return told
    for rollup in (one for one in ROLLUPS.values() if one.is_of_end):
        rollup.table.create(work.connection)
        of_end = _fill_what_stands(work, rollup, copies, end, frame)
        standing = work.connection.scalar(select(func.sum(rollup.table.c[ROWS]))) or 0
        if of_end["n"] * pays_by > standing:
            work.connection.execute(DropTable(rollup.table))
        else:
            told.append(of_end)
    return told


def _sum_up_what_stands_again(
    work: WorkFile, continuing: Continuing, copies: Sequence[Told], end: date, frame: Frame
) -> list[Told]:
    """Count all of what stands anew: it becomes older by time passing."""
    told: list[Told] = []
    for rollup in (one for one in ROLLUPS.values() if one.is_of_end and one.name in continuing.held):
        work.connection.execute(rollup.table.delete())
        told.append(_fill_what_stands(work, rollup, copies, end, frame))
    return told


def _fill_what_stands(work: WorkFile, rollup: Rollup, copies: Sequence[Told], end: date, frame: Frame) -> Told:
    """Count what stands at the end of the data, and did a year earlier, from the copies where there are any."""
    end_on, copied_on = end + timedelta(days=1), copies[0]["from_on"] if copies else None
    counted = rollup.rows() if copied_on is None else copied(rollup.rows())
    for moment in moments_of(end_on, copied_on):
        work.fill(rollup.table, with_values(counted, frame, moment))
    n = work.count(rollup.table)
    work.progress("counting what stands open", n)
    return {"name": rollup.name, "n": n, "from_on": end_on}


def _civil_day(city: Mapping[str, Any], at: datetime) -> date:
    return at.replace(tzinfo=UTC).astimezone(ZoneInfo(city["tz"])).date()
