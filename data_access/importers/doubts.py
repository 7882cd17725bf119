"""What the rows of an import leave in doubt once all are there: said in its report, for it changes numbers unseen."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

import pandas as pd
from sqlalchemy import case, func, select

from data_access import schema
from data_access.build import Build
from data_access.importers.asking import count_of, frame_of

# Tables whose rows are about those of another.
_ABOUT = {"request_event": "request", "request_pause": "request", "agent_state": "agent", "agent_shift": "agent"}
_SLIPS = 0.01
"""Of the hours of agents so many may be told twice, such as where the clocks are set back."""
_OFTEN, _MANY_OF_ONE = 200, 0.02
"""Nobody gets in touch so many times, and for so large a part of all contacts."""


def doubts(build: Build, written: Collection[str]) -> Iterator[str]:
    """What is to be said of a finished build to which an import wrote the tables `written`."""
    yield from _strangers(build, written)
    if "agent_state" in written:
        yield from _two_states_at_once(build)
    if "contact" in written:
        yield from _only_yes(build)
        yield from _one_caller(build)
    yield from _days_without_districts(build)


def _strangers(build: Build, written: Collection[str]) -> Iterator[str]:
    """Rows about requests or agents whom no import brought: they change no number, or have no team."""
    for name, of in _ABOUT.items():
        if name not in written:
            continue
        (key,) = schema.key_of(of)
        rows = build.staged(name).c[key]
        known = schema.request if of == "request" else build.staged(of)
        asked = select(func.count(), func.count(rows.distinct()), func.min(rows))
        n, ids, one = build.connection.execute(asked.where(rows.not_in(select(known.c[key])))).one()
        if n:
            so = "they count once those are" if of == "request" else "they have no team and no name"
            whom = f"{ids:,} {of}{'s' * (ids != 1)} that no import brought, such as {one}"
            yield f"{n:,} row{'s' * (n != 1)} of {name} about {whom}: {so}."


def _two_states_at_once(build: Build) -> Iterator[str]:
    """Agents who are in two states at once for more than slips of the clock."""
    s = build.staged("agent_state").c
    before = func.max(s.end_at).over(partition_by=s.agent_id, order_by=(s.start_at, s.end_at), rows=(None, -1))
    known = select(s.start_at, s.end_at, before.label("before")).where(s.end_at >= s.start_at).subquery().c
    lasts = func.epoch(known.end_at) - func.epoch(known.start_at)
    twice = func.epoch(func.least(known.before, known.end_at)) - func.epoch(known.start_at)
    both, whole = build.connection.execute(
        select(func.sum(case((known.before > known.start_at, twice), else_=0)), func.sum(lasts))
    ).one()
    if both and float(both) > _SLIPS * float(whole):
        hours = f"{float(both) / 3600:,.1f} of {float(whole) / 3600:,.1f} hours"
        yield f"In {hours} an agent is in two states at once, and they count twice: export one kind of states."


def _only_yes(build: Build) -> Iterator[str]:
    """Flags of contacts that are set or left empty: does an empty one mean no, or was it not recorded?"""
    for flag in (schema.contact.c.resolved_first, schema.contact.c.created_request):
        yes, no, empty = (
            count_of(build.connection, schema.contact, one) for one in (flag.is_(True), flag.is_(False), flag.is_(None))
        )
        if yes and empty and not no:
            yield (
                f"{flag.name} is yes in {yes:,} contacts and in none no: the other {empty:,} count as not recorded. If "
                f'empty means no, say so: {flag.name} = {{ …, words = {{ "" = "false" }} }}.'
            )


def _one_caller(build: Build) -> Iterator[str]:
    """A caller who calls so often that nobody is meant; who it is stays where it is."""
    c = schema.contact.c
    each = select(func.count().label("n")).where(c.person_key.is_not(None)).group_by(c.person_key).subquery().c.n
    most, whole = build.connection.execute(select(func.max(each), func.sum(each))).one()
    if most and most >= _OFTEN and most > _MANY_OF_ONE * float(whole):
        yield (
            f"One person_key is in {most:,} of the {int(whole):,} contacts that have any, as if one person got in "
            "touch all day. If it stands for “unknown”, say so: person_key = { …, nulls = [ … ] }."
        )


def _days_without_districts(build: Build) -> Iterator[str]:
    """Requests opened on days on which no boundary holds, though some do on others."""
    areas, opened_on = build.staged("district").c, schema.request.c.opened_on
    times = select(areas.division, areas.valid_from_on, areas.valid_to_on).where(areas.geometry.is_not(None)).distinct()
    rows = frame_of(build.connection, times)
    for division, own in rows.groupby(rows["division"].fillna("district")):
        begins, ends = (
            [other if pd.isna(day) else pd.Timestamp(day).date() for day in own[name]]
            for name, other in (("valid_from_on", date.min), ("valid_to_on", date.max))
        )
        reach = date.min
        for begin, end in [*sorted(zip(begins, ends, strict=True)), (date.max, date.max)]:
            since = {f"from {reach}": opened_on >= reach} if reach > date.min else {}
            until = {f"until the day before {begin}": opened_on < begin} if begin < date.max else {}
            when = since | until
            n = count_of(build.connection, schema.request, *when.values()) if begin > reach else 0
            if n:
                opened = f"{n:,} request{'s were' if n > 1 else ' was'} opened then"
                yield (
                    f"No {division} holds {' '.join(when)}, and {opened}: let one of [[{division}.editions]] follow on "
                    "the other, or leave its end open."
                )
            reach = max(reach, end)
