"""The facts beside requests: contacts, states of agents, visits, assets, surveys, published calls, events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    FromClause,
    Integer,
    Select,
    Table,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from data_access import schema
from data_access.derive.expressions import (
    Condition,
    Expr,
    all_columns,
    half_hour,
    hour_of_week,
    local_time,
    seconds,
    waited_s,
    with_marks,
)
from data_access.derive.joined import AREAS, POINTS, Known, latest, rowid


def contacts(
    staged: Mapping[str, Table], known: Known, *inside: Condition, repeated: FromClause | None = None
) -> Select:
    """Contacts with everything derived; their service type is that of the request they made or asked about.

    `repeated` (`repeats`) tells when the same person was in touch before and again; without it nothing is told of that.
    """
    contact, request = staged["contact"], schema.request
    agents = latest(staged["agent"], "agent_id")
    c = contact.c
    local = local_time(c.arrived_at)
    future = known.as_of + timedelta(days=1)
    parts = (c.talk_s, c.hold_s, c.wrap_s)
    handled = sum((func.coalesce(one, 0.0) for one in parts[1:]), func.coalesce(parts[0], 0.0))
    untold = cast(null(), DateTime)
    marks = {
        "closed_before_opened": c.ended_at < c.arrived_at,
        "future": or_(c.arrived_at > future, c.ended_at > future),
    }
    made: dict[str, Expr] = {
        "wait_s": func.coalesce(c.wait_s, waited_s(contact)),
        "arrived_on": cast(local, Date), "arrived_hour_of_week": hour_of_week(local),
        "arrived_half_hour": half_hour(local),
        "handle_s": case((and_(c.outcome == "answered", func.coalesce(*parts).is_not(None)), handled)),
        "team": agents.c.team, "service_type": request.c.service_type, "is_caller_known": _is_caller_known(contact),
        "previous_at": untold if repeated is None else repeated.c.previous_at,
        "repeated_at": untold if repeated is None else repeated.c.repeated_at,
        "dq_flags": with_marks(c.dq_flags, marks),
    }  # fmt: skip
    joined = contact.outerjoin(agents, agents.c.agent_id == c.agent_id)
    joined = joined.outerjoin(request, request.c.request_id == c.request_id)
    if repeated is not None:
        joined = joined.outerjoin(repeated, repeated.c.contact_id == c.contact_id)
    return all_columns(contact, made).select_from(joined).where(*inside).order_by(c.arrived_at, c.contact_id)


def _is_caller_known(contact: FromClause) -> Condition:
    """Whether it is known who got in touch with the city, and was not only passed on, and why."""
    c = contact.c
    is_first_leg = and_(c.direction.is_distinct_from("out"), c.parent_contact_id.is_(None))
    return and_(is_first_leg, c.person_key.is_not(None), c.reason.is_not(None))


def repeats(contact: FromClause, *inside: Condition, among: FromClause | None = None) -> Select:
    """For each contact whose caller is known when the ones before and after it arrived.

    One row each: contact_id, arrived_at, previous_at, repeated_at. Those of one person about one reason in one line, in
    order of arrival; of `among` (person_key, reason) alone, if it is given, and then also those with neither. Whatever
    became of a contact, it is one more time that somebody had to get in touch: who hangs up was not helped by the
    contact before either, and who writes after calling came back as well. A call that is passed on is the same contact,
    and when the city calls, nobody got in touch with it.

    Source: measures reference, A12b (same person and topic).
    """
    c = contact.c
    who, order = (c.person_key, c.reason), (c.arrived_at, c.contact_id)
    before, after = (one(c.arrived_at).over(partition_by=who, order_by=order) for one in (func.lag, func.lead))
    told = (c.contact_id, c.arrived_at, before.label("previous_at"), after.label("repeated_at"))
    rows = select(*told).where(_is_caller_known(contact), *inside)
    if among is not None:
        of_it = and_(among.c.person_key == c.person_key, among.c.reason == c.reason)
        return rows.where(exists().where(of_it))
    c = rows.subquery().c
    return select(*c).where(or_(c.previous_at.is_not(None), c.repeated_at.is_not(None)))


def agent_states(staged: Mapping[str, Table], *inside: Condition) -> Select:
    """States of agents with their day, hour, length and team."""
    state, agents = staged["agent_state"], latest(staged["agent"], "agent_id")
    local = local_time(state.c.start_at)
    made: dict[str, Expr] = {
        "start_on": cast(local, Date), "start_hour_of_week": hour_of_week(local),
        "duration_s": seconds(state.c.start_at, state.c.end_at), "team": agents.c.team,
    }  # fmt: skip
    joined = state.outerjoin(agents, agents.c.agent_id == state.c.agent_id)
    return all_columns(state, made).select_from(joined).where(*inside).order_by(state.c.start_at, state.c.agent_id)


HALF_HOUR_S = 1800
_DAY_S = 86_400
LONGEST_S = 2 * _DAY_S
"""A shift or a state of more than two days was never ended; it tells nothing."""
FEWEST_ON = 3
"""What one did is that person's; of two, each knows the other's by their own."""
_READY, _BUSY = ("available", "talk", "hold", "wrap"), ("talk", "hold", "wrap")
_NOT_AT_WORK = ("meal", "offline")


def _ends_in_s(of: Any) -> tuple[Expr, Expr, Condition]:
    """When shifts or states begin and end, in whole seconds; and whether one of them tells anything (`LONGEST_S`)."""
    begin, end = (func.divide(func.epoch_us(one), 1_000_000) for one in (of.start_at, of.end_at))
    return begin, end, and_(end > begin, end - begin <= LONGEST_S)


def _slots(begin: Expr, end: Expr, width_s: int) -> Expr:
    """A row for each slot, so many seconds wide and numbered from 1970, that something lies in."""
    return func.unnest(func.range(func.divide(begin, width_s), func.divide(end - 1, width_s) + 1))


def staff_intervals() -> Select:
    """Shifts and states of all agents together, spread over the half-hours they lie in, from the facts in the build.

    Half-hours are those of UTC; where a city's clock differs from it by odd quarters, theirs begin at the quarter.
    """
    shift, state = schema.agent_shift.c, schema.agent_state.c
    parts = []
    for of, kind in ((shift, literal("rostered")), (state, state.state)):
        begin, end, is_told = _ends_in_s(of)
        slot = _slots(begin, end, HALF_HOUR_S).label("slot")
        parts.append(
            select(of.agent_id, kind.label("kind"), begin.label("begin"), end.label("end"), slot).where(is_told)
        )
    one = union_all(*parts).subquery().c
    inside = func.least(one.end, (one.slot + 1) * HALF_HOUR_S) - func.greatest(one.begin, one.slot * HALF_HOUR_S)

    def spent(*kinds: str) -> Expr:
        return cast(func.sum(case((one.kind.in_(kinds), inside), else_=0)), BigInteger)

    agents = func.count(case((one.kind.not_in(("rostered", "offline")), one.agent_id)).distinct())
    by_slot = select(
        func.make_timestamp(one.slot * (HALF_HOUR_S * 1_000_000), type_=DateTime).label("start_at"),
        spent("rostered").label("rostered_s"), agents.label("agents"), spent(*_READY).label("ready_s"),
        spent(*_BUSY).label("busy_s"),
    ).group_by(one.slot).subquery().c  # fmt: skip
    local = local_time(by_slot.start_at)
    enough = by_slot.agents >= FEWEST_ON
    made = {
        "start_at": by_slot.start_at, "start_on": cast(local, Date), "start_hour_of_week": hour_of_week(local),
        "start_half_hour": half_hour(local), "rostered_s": by_slot.rostered_s, "agents": by_slot.agents,
        "ready_s": case((enough, by_slot.ready_s)), "busy_s": case((enough, by_slot.busy_s)),
    }  # fmt: skip
    columns = (made[column.name].label(column.name) for column in schema.staff_interval.c)
    return select(*columns).order_by(by_slot.start_at)


def agent_days(staged: Mapping[str, Table], as_of: datetime) -> Select:
    """What agents did of their shifts, by the day on which these began, from the facts in the build.

    Scheduled is what is paid of a shift, as rosters tell how long a meal is and seldom when; at work are all states but
    meal and offline, short breaks among them. Where a shift does not say what is paid, all of it is scheduled and a
    meal within it no absence. Told are days on which the agent has shifts, all of them over, and states.

    Source: measures reference, A10.
    """
    shift, state = schema.agent_shift.c, schema.agent_state.c
    begin, end, is_told = _ends_in_s(shift)
    local = local_time(shift.start_at)
    paid = case((and_(shift.paid_s > 0, shift.paid_s <= end - begin), shift.paid_s))
    shifts = (
        select(shift.shift_id, shift.agent_id, shift.end_at, begin.label("begin"), end.label("end"),
               paid.label("paid"), cast(local, Date).label("day_on"))
        .where(shift.agent_id.is_not(None), is_told)
        .cte("shifts")
    )  # fmt: skip
    begin, end, is_told = _ends_in_s(state)
    states = (
        select(rowid(schema.agent_state).label("row"), state.agent_id, state.start_on, state.state,
               begin.label("begin"), end.label("end"))
        .where(state.agent_id.is_not(None), is_told)
        .cte("states")
    )  # fmt: skip

    def on_days(of: Any) -> Any:
        return select(of, _slots(of.c.begin, of.c.end, _DAY_S).label("slot")).subquery()

    # Day by day, for who is only joined by agent meets each shift of a year in each state of it.
    one, other = on_days(shifts), on_days(states)
    ends = func.least(one.c.end, other.c.end, (one.c.slot + 1) * _DAY_S)
    both_s = ends - func.greatest(one.c.begin, other.c.begin, one.c.slot * _DAY_S)
    beside = (
        select(one.c.shift_id, one.c.day_on, one.c.paid, other.c.row, other.c.state, both_s.label("both_s"))
        .join(other, and_(one.c.agent_id == other.c.agent_id, one.c.slot == other.c.slot))
        .subquery()
    )
    met = select(beside).where(beside.c.both_s > 0).cte("met")
    at_work = or_(met.c.state.not_in(_NOT_AT_WORK), and_(met.c.state == "meal", met.c.paid.is_(None)))
    inside = (
        select(met.c.shift_id, func.sum(case((at_work, met.c.both_s), else_=0)).label("kept_s"))
        .group_by(met.c.shift_id)
        .subquery()
    )
    # What is left of a state that met a shift is worked before or after that, on whatever day the state began.
    of_state = (
        select(met.c.row, func.min(met.c.day_on).label("day_on"), func.sum(met.c.both_s).label("both_s"))
        .group_by(met.c.row)
        .subquery()
    )
    worked_on = func.coalesce(of_state.c.day_on, states.c.start_on)
    left_s = func.greatest(states.c.end - states.c.begin - func.coalesce(of_state.c.both_s, 0), 0)
    outside = (
        select(states.c.agent_id, worked_on.label("day_on"),
               func.sum(case((states.c.state.not_in(_NOT_AT_WORK), left_s), else_=0)).label("more_s"))
        .select_from(states.outerjoin(of_state, of_state.c.row == states.c.row))
        .group_by(states.c.agent_id, worked_on)
        .subquery()
    )  # fmt: skip
    scheduled = func.coalesce(shifts.c.paid, shifts.c.end - shifts.c.begin)
    kept = func.coalesce(inside.c.kept_s, 0)
    by_day = (
        select(
            shifts.c.agent_id, shifts.c.day_on, func.max(shifts.c.end_at).label("ended_at"),
            func.sum(scheduled).label("scheduled_s"),
            func.sum(func.least(kept, scheduled)).label("adhered_s"), func.sum(kept).label("kept_s"),
            func.count(inside.c.shift_id).label("met"),
        )
        .select_from(shifts.outerjoin(inside, inside.c.shift_id == shifts.c.shift_id))
        .group_by(shifts.c.agent_id, shifts.c.day_on)
        .subquery()
    )  # fmt: skip
    agents = latest(staged["agent"], "agent_id")
    day = by_day.c
    made: dict[str, Expr] = {
        "agent_id": day.agent_id, "day_on": day.day_on, "team": agents.c.team, "ended_at": day.ended_at,
        "scheduled_s": cast(day.scheduled_s, BigInteger), "adhered_s": cast(day.adhered_s, BigInteger),
        "worked_s": cast(day.kept_s + func.coalesce(outside.c.more_s, 0), BigInteger),
    }  # fmt: skip
    joined = by_day.outerjoin(agents, agents.c.agent_id == day.agent_id)
    joined = joined.outerjoin(outside, and_(outside.c.agent_id == day.agent_id, outside.c.day_on == day.day_on))
    return (
        select(*(made[column.name].label(column.name) for column in schema.agent_day.c))
        .select_from(joined)
        .where(
            or_(day.met > 0, outside.c.more_s.is_not(None)), day.ended_at <= literal(as_of, DateTime)
        )
        .order_by(day.day_on, day.agent_id)
    )  # fmt: skip


def inspections(staged: Mapping[str, Table]) -> Select:
    """Visits with their day and place, and the department and type of the request that led to them."""
    visit, request = staged["inspection"], schema.request
    joined: Any = visit.outerjoin(request, request.c.request_id == visit.c.request_id)
    joined = joined.outerjoin(POINTS, POINTS.c.row == rowid(visit)).outerjoin(AREAS, AREAS.c.area == POINTS.c.area)
    made: dict[str, Expr] = {
        "visited_on": cast(local_time(visit.c.visited_at), Date),
        "district": AREAS.c.district,
        **{name: request.c[name] for name in ("department", "service_type")},
        **{name: POINTS.c[name] for name in ("h3_8", "h3_9", "h3_10")},
    }
    return all_columns(visit, made).select_from(joined).order_by(visit.c.visited_at, visit.c.inspection_id)


def assets(staged: Mapping[str, Table]) -> Select:
    """Assets with the district they stand or stood in, and the department that answers for their kind."""
    asset = staged["asset"]
    answers = _answering(asset.c.kind, asset.c.asset_id, schema.request.c.asset_id)
    joined = asset.outerjoin(POINTS, POINTS.c.row == rowid(asset)).outerjoin(AREAS, AREAS.c.area == POINTS.c.area)
    joined = joined.outerjoin(answers, answers.c.kind == asset.c.kind)
    made: dict[str, Expr] = {"district": AREAS.c.district, "department": answers.c.department}
    return all_columns(asset, made).select_from(joined).order_by(rowid(asset))


def routes(staged: Mapping[str, Table]) -> Select:
    """Collection routes with the department that answers for what they collect."""
    route = staged["route"]
    answers = _answering(route.c.stream, route.c.route_id, schema.request.c.route_id)
    joined = route.outerjoin(answers, answers.c.kind == route.c.stream)
    return all_columns(route, {"department": answers.c.department}).select_from(joined).order_by(rowid(route))


def _answering(kind: Expr, key: Expr, named: Expr) -> Any:
    """Of each kind of thing the department that holds most of the requests that name one: ``kind``, ``department``."""
    request = schema.request.c
    counts = (
        select(kind.label("kind"), request.department, func.count().label("n"))
        .where(named == key, request.department.is_not(None))
        .group_by(kind, request.department)
        .subquery()
    )
    place = func.row_number().over(partition_by=counts.c.kind, order_by=(counts.c.n.desc(), counts.c.department))
    ranked = select(counts, place.label("place")).subquery()
    return select(ranked.c.kind, ranked.c.department).where(ranked.c.place == 1).subquery("answering")


def surveys(staged: Mapping[str, Table]) -> Select:
    """Surveys with their day, and the department, type and district of the request they ask about."""
    survey, request = staged["survey"], schema.request
    made: dict[str, Expr] = {
        "sent_on": cast(local_time(survey.c.sent_at), Date),
        **{name: request.c[name] for name in ("department", "service_type", "district")},
    }
    joined = survey.outerjoin(request, request.c.request_id == survey.c.request_id)
    return all_columns(survey, made).select_from(joined).order_by(survey.c.sent_at, survey.c.survey_id)


GRAINS = ("quarter_hour", "half_hour", "hour", "shift", "day", "month")
"""How long a stretch is of which calls are published, the finest first."""


def published_calls(staged: Mapping[str, Table]) -> Select:
    """Published figures of calls with their day and hour, and whether nothing finer is known of it.

    A day that is published by the half-hour too must not count twice, nor a month by the day; but channels and queues
    may be published each in its own way.
    """
    one = staged["contact_interval"]
    local = local_time(one.c.start_at)
    on = cast(local, Date)
    grain = case({name: place for place, name in enumerate(GRAINS)}, value=one.c.grain, else_=len(GRAINS))
    of_all = case((one.c.queue.is_(None), grain))

    def finest(*among: Expr) -> Expr:
        """The finest of the same queue, and of all queues together, which is finer than each and coarser than none."""
        own = func.min(grain).over(partition_by=[*among, one.c.channel, one.c.queue])
        whole, any_ = (func.min(of).over(partition_by=[*among, one.c.channel]) for of in (of_all, grain))
        return case((one.c.queue.is_(None), any_), else_=func.least(own, func.coalesce(whole, own)))

    of_day, of_month = finest(on), finest(func.date_trunc("month", cast(on, DateTime)))
    made: dict[str, Expr] = {
        "start_on": on, "start_hour_of_week": hour_of_week(local),
        "is_finest": grain == case((one.c.grain == "month", of_month), else_=of_day),
    }  # fmt: skip
    return all_columns(one, made).select_from(one).order_by(one.c.start_at, one.c.interval_id)


def city_events(staged: Mapping[str, Table]) -> Select:
    """Events of the city with their first day, and the first day no longer touched."""
    event = staged["city_event"]
    before_end = func.make_timestamp(func.epoch_us(event.c.end_at) - 1)
    inner = select(event, before_end.label("last")).subquery()
    first, last = cast(local_time(inner.c.start_at), Date), cast(local_time(inner.c.last), Date)
    made = {"start_on": first, "end_on": func.greatest(first, last) + 1}
    names = (one.name for one in schema.city_event.c)
    return select(*((made[name] if name in made else inner.c[name]).label(name) for name in names))


def budget_lines(staged: Mapping[str, Table], known: Known, first_month: int) -> Select:
    """Budget lines with the days they tell of, their department and the city event they were spent on.

    A fiscal year begins in `first_month` and is called by the calendar year in which it ends. Money spent on a storm
    is told from the rest by its program: it is called as the event is.
    """
    line, event = staged["budget_line"], schema.city_event.c
    department = latest(staged["department"], "department_id")

    def first_day(fiscal_year: Expr) -> Expr:
        return func.make_date(cast(fiscal_year, Integer) - (1 if first_month > 1 else 0), first_month, 1)

    named = select(func.lower(event.name).label("key"), func.min(event.name).label("event"))
    named_event = named.group_by(func.lower(event.name)).subquery()
    told_to = cast(local_time(func.coalesce(line.c.as_of, known.as_of)), Date) + 1
    begins, ends = first_day(line.c.fiscal_year), first_day(line.c.fiscal_year + 1)
    made: dict[str, Expr] = {
        "department": func.coalesce(department.c.name, line.c.department_id),
        "from_on": begins, "to_on": func.greatest(func.least(told_to, ends), begins), "event": named_event.c.event,
    }  # fmt: skip
    joined = line.outerjoin(department, department.c.department_id == line.c.department_id)
    joined = joined.outerjoin(named_event, named_event.c.key == func.lower(line.c.program))
    return all_columns(line, made).select_from(joined).order_by(begins, rowid(line))
