"""The facts of a build, filled from the rows that wait: what is derived of them, and what is copied as it was written.

`derive` says in SQL what is derived, `beyond_sql` what SQL cannot say; here the one is joined to the other, stretch by
stretch of what fits in memory. A build that goes on from another derives only what depends on what is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    Table,
    cast,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlalchemy.schema import DropTable

from data_access import beyond_sql, derive, placing, schema
from data_access.arrow import to_arrow
from data_access.beyond_sql import Context
from data_access.continuing import IN_PLACE, TooMany
from data_access.dialects import TableOf
from data_access.told_by_all import Midnights, set_clock, told_by_all
from data_access.work_file import WorkFile

_CALLS_AT_ONCE = 2_000_000
"""So many contacts are put in one line after the other by caller within the memory of a build."""

# Facts without derived columns.
_AS_WRITTEN = ("request_event", "request_pause", "agent_shift", "asset_status")
FACTS = derive.DERIVED.union(_AS_WRITTEN)
"""The tables that are filled here, places among them; the rows of all others wait for the end."""


def fill_facts(
    work: WorkFile, tz: str, as_of: datetime, midnights: Midnights, infer_duplicates: bool, first_month: int
) -> derive.Known:
    """Fill every fact, in its order; what all rows together told of each.

    `tz` is the city's time zone and `as_of` the data's own clock; `infer_duplicates` as for `Build`;
    a fiscal year begins in `first_month`.
    """
    context = Context.of(tz, {name: work.frame(select(work.staged[name])) for name in beyond_sql.DIMENSIONS})
    set_clock(work, tz)
    work.register(context.names(), derive.AREAS.name)
    known = told_by_all(work, context, as_of, midnights, infer_duplicates)
    if work.continuing:
        try:
            work.rows["request"] += work.continuing.take_requests_again(known)
        except TooMany:
            work.make_all_anew()
    for name in _AS_WRITTEN:
        if work.continuing and name in IN_PLACE:
            work.continuing.drop_gone(name)
        work.copy(name)
    known = _made_ready(work, context, known)
    _fill_requests(work, context, known)
    _fill_contacts(work, known)
    _fill_others(work, context, known)
    if work.rows["budget_line"]:
        work.fill(schema.budget_line, derive.budget_lines(work.staged, known, first_month))
    _fill_places(work, context)
    return known


def _made_ready(work: WorkFile, context: Context, known: derive.Known) -> derive.Known:
    """Make ready to be joined what is known; with what the requests that wait tell."""
    known = replace(known, blank=_blank(work))
    if known.has_areas:
        words = work.frame(derive.district_words(work.staged, known))
        work.register(beyond_sql.areas_named(words, context.areas, known.cuts), derive.WORDS.name)
    if known.has_clocks:
        work.register(context.promises(), derive.PROMISES.name)
        work.register(context.holders(), derive.HOLDERS.name)
    return known


def _blank(work: WorkFile) -> frozenset[str]:
    filled = work.connection.execute(derive.blanks(work.staged["request"])).one()._mapping
    return frozenset(name for name, n in filled.items() if not n)


def _fill_requests(work: WorkFile, context: Context, known: derive.Known) -> None:
    request, pause = work.staged["request"], schema.request_pause
    derived = work.continuing.derived_requests() if work.continuing else schema.request
    stretches = [(_between(request.c.opened_at, *ends), rows) for *ends, rows in work.stretches("request")]
    asked = (derive.points_of(request, derive.opened_on(request), known, *inside) for inside, _ in stretches)
    for (inside, rows), points in zip(stretches, _ahead(work, asked, context, known), strict=True):
        work.register(points, derive.POINTS.name)
        if known.has_clocks:
            asking = work.frame(derive.clock_rows(_sources(work), *inside))
            pauses = work.frame(
                select(derive.rowid(request).label("row"), pause.c.start_at, pause.c.end_at)
                .select_from(request.join(pause, pause.c.request_id == request.c.request_id))
                .where(*inside)
            )
            clocks = beyond_sql.clocks(asking, pauses, context, known.as_of)
            work.register(clocks, derive.CLOCKS.name)
        work.fill(derived, derive.requests(_sources(work), known, *inside))
        work.progress("deriving requests", rows)
    has_turned = any(kind in ("reopen", "transfer") for _, kind in known.recorded)
    if work.continuing:
        turned = work.continuing.clear_episodes(work.continuing.replace_requests(has_turned))
        work.continuing.find_recurrences()
        _fill_episodes(work, context, known, has_turned, schema.request.c.request_id.in_(turned))
        work.continuing.note_episodes(turned)
    elif work.rows["request"]:
        recurred, r = derive.recurrences().subquery().c, schema.request.c
        work.connection.execute(
            update(schema.request).where(r.request_id == recurred.request_id).values(recurred_at=recurred.recurred_at)
        )
        _fill_episodes(work, context, known, has_turned)


def _find_points(work: WorkFile, context: Context, asked: Select, known: derive.Known) -> None:
    """Make ready to be joined what cells and areas the points of some rows lie in."""
    points = beyond_sql.located(work.frame(asked), context.areas, known.cuts, context.second)
    work.register(points, derive.POINTS.name)


def _ahead(work: WorkFile, asked: Iterable[Select], context: Context, known: derive.Known) -> Iterator[pa.Table]:
    """What `beyond_sql.located` tells of each question's points, worked out while the one before is made use of."""
    with ThreadPoolExecutor(1) as beside:
        waiting: Future[pa.Table] | None = None
        for one in asked:
            points = work.frame(one)
            found = beside.submit(beyond_sql.located, points, context.areas, known.cuts, context.second)
            if waiting is not None:
                yield waiting.result()
            waiting = found
        if waiting is not None:
            yield waiting.result()


def _fill_episodes(
    work: WorkFile, context: Context, known: derive.Known, has_turned: bool, *among: ColumnElement[bool]
) -> None:
    r, held = schema.request.c, work.staged["request_episode"]
    stretches = list(work.stretches("request"))
    for start, end, _ in stretches if has_turned else ():
        inside = (*_between(r.opened_at, start, end), *among)
        of = work.frame(derive.turned_requests(*inside))
        found = beyond_sql.stretches(of, work.frame(derive.turns(*inside)), context)
        work.append(held, to_arrow(found, held))
    for start, end, _ in stretches:
        inside = (*_between(r.opened_at, start, end), *among)
        parts = _between(held.c.opened_at, start, end)
        work.fill(schema.request_episode, derive.episodes(held, known, has_turned, inside, parts))


def _fill_contacts(work: WorkFile, known: derive.Known) -> None:
    contact = work.staged["contact"]
    if work.continuing:
        work.rows["contact"] += work.continuing.take_contacts_again(known)
        work.continuing.clear(schema.contact)
    told = _tell_repeats(work) if work.rows["contact"] and not work.continuing else None
    for start, end, rows in work.stretches("contact"):
        inside = _between(contact.c.arrived_at, start, end)
        then = None if told is None else select(told).where(*_between(told.c.arrived_at, start, end)).subquery()
        work.fill(schema.contact, derive.contacts(work.staged, known, *inside, repeated=then))
        work.progress("deriving contacts", rows)
    if work.continuing:
        work.continuing.note_new(schema.contact)
        work.continuing.find_repeats()
    elif told is not None:
        work.connection.execute(DropTable(told))


def _tell_repeats(work: WorkFile) -> Any:
    """The table of who was in touch before and again, made from some callers at a time: of all they do not fit."""
    contact, parts = work.staged["contact"], -(-work.rows["contact"] // _CALLS_AT_ONCE)
    told = named_table("repeated", *map(named_column, ("contact_id", "arrived_at", "previous_at", "repeated_at")))
    for part in range(parts):
        of_it = () if parts == 1 else (func.hash(contact.c.person_key) % parts == part,)
        rows = derive.repeats(contact, *of_it)
        work.connection.execute(
            insert(told).from_select(list(told.c.keys()), rows) if part else TableOf(told.name, rows)
        )
    return told


def _fill_others(work: WorkFile, context: Context, known: derive.Known) -> None:
    state, visit, asset = (work.staged[name] for name in ("agent_state", "inspection", "asset"))
    if work.continuing:
        work.rows["agent_state"] += work.continuing.take_states_again()
        work.continuing.clear(schema.agent_state)
    for start, end, _ in work.stretches("agent_state"):
        inside = _between(state.c.start_at, start, end)
        work.fill(schema.agent_state, derive.agent_states(work.staged, *inside))
    if work.continuing:
        work.continuing.note_new(schema.agent_state)
    if work.has("agent_shift") or work.has("agent_state"):
        work.fill(schema.staff_interval, derive.staff_intervals())
        work.fill(schema.agent_day, derive.agent_days(work.staged, known.as_of))
    if work.rows["inspection"]:
        visited_on = cast(derive.local_time(visit.c.visited_at), Date)
        _find_points(work, context, derive.points_of(visit, visited_on, known, all_earth=True), known)
        work.fill(schema.inspection, derive.inspections(work.staged))
    if work.rows["asset"]:
        newest = max((one.since for one in context.areas), default=np.datetime64("1970-01-01", "us"))
        stood_on = func.coalesce(asset.c.removed_on, literal(newest.astype("datetime64[D]").astype(object), Date))
        _find_points(work, context, derive.points_of(asset, stood_on, known, all_earth=True), known)
        work.fill(schema.asset, derive.assets(work.staged))
    if work.rows["route"]:
        work.fill(schema.route, derive.routes(work.staged))
    if work.rows["survey"]:
        work.fill(schema.survey, derive.surveys(work.staged))
    if work.rows["contact_interval"]:
        work.fill(schema.contact_interval, derive.published_calls(work.staged))
    if work.rows["city_event"]:
        work.fill(schema.city_event, derive.city_events(work.staged))


def _fill_places(work: WorkFile, context: Context) -> None:
    """Fill `place`: every hexagon that lies in a district or was ever reported from, and who lives there."""
    points = work.frame(select(work.staged["population_point"]))
    names = [one.name for one in schema.place.columns]
    named = named_table("streets", named_column("address"), named_column("street"))
    r = schema.request.c
    placed = work.one(select(func.count(r.h3_10)))[0] > 0
    if work.continuing and not work.continuing.differs(schema.request):
        return
    if placed:
        work.connection.execute(TableOf(named.name, placing.streets(placing.addresses())))
    for resolution in placing.RESOLUTIONS:
        among: ColumnElement[bool] | None = None
        if work.continuing:
            among = r[f"h3_{resolution}"].in_(work.continuing.cells(resolution))
            place = schema.place
            again: ColumnElement[bool] = place.c.cell.in_(work.continuing.cells(resolution))
            if context.has_shapes:  # where nothing is reported any more stands one of the quiet ones
                again = or_(again, place.c.requests == 0)
            work.connection.execute(place.delete().where(place.c.resolution == resolution, again))
        peopled = None
        if len(points):
            cell = beyond_sql.cells(points["lat"], points["lon"], resolution)
            work.register(pa.table({"cell": pa.array(cell, pa.int64()), "residents": points["residents"]}))
            peopled = named_table("_incoming", named_column("cell"), named_column("residents"))
        if placed:
            rows = placing.places(resolution, peopled, named, bool(context.second), among)
            rows = rows.order_by(literal_column("2"))
            work.connection.execute(insert(schema.place).from_select(names, rows))
        if context.has_shapes:
            reported = select(schema.place.c.cell).where(schema.place.c.resolution == resolution)
            quiet = beyond_sql.quiet_places(context, resolution, set(work.frame(reported)["cell"]), points)
            work.append(schema.place, to_arrow(quiet, schema.place))


def _sources(work: WorkFile) -> dict[str, Table]:
    """Where the rows that requests are derived from stand, by the name of their table."""
    copied = {name: schema.metadata.tables[name] for name in ("request_event", "request_pause")}
    return {**work.staged, **copied}


def _between(at: ColumnElement, start: datetime | None, end: datetime | None) -> tuple[ColumnElement[bool], ...]:
    """The conditions that an instant is in a stretch of time; none where there are no bounds."""
    return () if start is None else (at >= start, at < end)
