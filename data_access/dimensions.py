"""The ways to divide the city, each declared once; the words are the glossary's.

A dimension names, for each fact, the column that carries it. A fact it does not name cannot be divided or
narrowed by it, and answers say so.
"""

from __future__ import annotations

from functools import partial

import h3
from sqlalchemy import BigInteger, ColumnElement, Integer, case, cast, extract, func, literal, or_, select

from data_access import schema
from data_access.asset_ages import AGES, ASSET_STRETCH, age_of
from data_access.semantics import AS_OF, MOMENT_ON, Dimension

_request, _episode = schema.request.c, schema.request_episode.c
_contact, _state, _agent_day = schema.contact.c, schema.agent_state.c, schema.agent_day.c
_published, _staff = schema.contact_interval.c, schema.staff_interval.c
_round, _route, _asset = schema.route_day.c, schema.route.c, schema.asset.c


def _cell(resolution: int, text: str) -> int:
    if not h3.is_valid_cell(text) or h3.get_resolution(text) != resolution:
        raise ValueError(text)
    return h3.str_to_int(text)


def short_cell(text: str) -> str:
    """What is left of an H3 id when everything that is the same all over a city is taken off: “c3113”."""
    return text.rstrip("f")[-5:]


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _carried(column: str, *facts: str) -> dict[str, ColumnElement]:
    tables = {
        "request": _request, "episode": _episode, "contact": _contact, "survey": schema.survey.c,
        "inspection": schema.inspection.c, "contact_interval": _published, "asset": ASSET_STRETCH.c, "work": _request,
        "repeat": schema.FIRST_REPORT.c,
        "budget": schema.budget_line.c, "centre": schema.budget_line.c,
    }  # fmt: skip
    return {fact: tables[fact][column] for fact in facts}


def _of_route(column: str, of: ColumnElement = _round.route_id) -> ColumnElement:
    """What the route of a round, or of a request, is: routes are few, and looked up."""
    return select(_route[column]).where(_route.route_id == of).scalar_subquery()


def _by_route(column: str) -> dict[str, ColumnElement]:
    """What their route is, of rounds and of requests that name one."""
    return {"request": _of_route(column, _request.route_id), "round": _of_route(column)}


def _of_asset(expression: ColumnElement) -> ColumnElement:
    """What the asset is that a request names."""
    return select(expression).where(_asset.asset_id == _request.asset_id).scalar_subquery()


department = Dimension(
    "department",
    "Department",
    "The department that holds the request now; of what stands open, is closed or moved, the one that held it then.",
    _carried("department", "request", "episode", "survey", "inspection", "asset", "work", "repeat", "budget")
    | {"round": _of_route("department")},
)
service_type = Dimension(
    "service_type", "Service type", "What was asked for, as the CRM names it.",
    _carried("service_type", "request", "episode", "survey", "inspection", "work", "repeat"),
)  # fmt: skip
category = Dimension(
    "category", "Category", "The group of service types it belongs to.",
    _carried("category", "request", "episode", "work", "repeat"),
)  # fmt: skip
district = Dimension(
    "district", "District", "Where it is: the source's own district, else the one its point lies in.",
    _carried("district", "request", "episode", "survey", "inspection", "asset", "work", "repeat")
    | {"round": _of_route("district")},
    missing="no district",
)  # fmt: skip
area = Dimension(
    "area", "Area",
    "Of a city that is divided in a second way (wards, neighbourhoods, ZIP codes …), the part its point lies in.",
    _carried("area", "request", "episode", "work", "repeat"), missing="no area",
)  # fmt: skip
channel = Dimension(
    "channel", "Channel", "How it reached the city: phone, web, app …",
    _carried("channel", "request", "episode", "contact", "contact_interval", "work", "repeat"),
    in_words=lambda name: name.replace("_", "-"),
)  # fmt: skip
priority = Dimension(
    "priority", "Priority", "The priority the CRM gave it.",
    _carried("priority", "request", "episode", "work", "repeat"), missing="none",
)  # fmt: skip
status = Dimension(
    "status", "Status", "The request's state in the last data received, not at an earlier moment.",
    _carried("status", "request", "episode"),
)  # fmt: skip
team = Dimension(
    "team", "Held by",
    "The team, crew or queue that holds the request, or the team that took the call. Which team of another department "
    "had it before it was moved is not recorded.",
    {"request": _request.team, "episode": _episode.team, "contact": _contact.team, "agent_state": _state.team,
     "agent_day": _agent_day.team},
    missing="not assigned",
)  # fmt: skip
closure_outcome = Dimension(
    "closure_outcome", "Outcome", "What closing meant: resolved, duplicate, no issue found …",
    _carried("closure_outcome", "request"),
)  # fmt: skip
queue = Dimension(
    "queue", "Queue", "The line the caller waited in.", _carried("queue", "contact", "contact_interval"),
    missing="no queue",
)  # fmt: skip
agent = Dimension(
    "agent", "Agent", "Who took the contact, by pseudonym; told apart only for those who may know.",
    {"contact": _contact.agent_id, "agent_state": _state.agent_id, "agent_day": _agent_day.agent_id},
    missing="nobody", of_people=True,
)  # fmt: skip
reason = Dimension("reason", "Reason", "Why they got in touch.", _carried("reason", "contact"))
asked_type = Dimension(
    "asked_type", "Type asked about", "The service type of the request that a contact made or asked about.",
    {"contact": _contact.service_type},
)  # fmt: skip
visit_kind = Dimension(
    "visit_kind", "Kind of visit", "Why somebody went: a first visit on a report, a return, or the city's own round.",
    {"inspection": schema.inspection.c.kind},
)  # fmt: skip
language = Dimension("language", "Language", "The language spoken.", _carried("language", "contact"))
contact_outcome = Dimension(
    "contact_outcome", "How it ended", "Answered, abandoned, called back …", {"contact": _contact.outcome}
)

_HOUR_OF_WEEK = {
    "request": _request.opened_hour_of_week,
    "contact": _contact.arrived_hour_of_week,
    "agent_state": _state.start_hour_of_week,
    "staff_interval": _staff.start_hour_of_week,
}
_BY_THE_HOUR = _published.grain.in_(("quarter_hour", "half_hour", "hour"))
hour_of_week = Dimension(
    "hour_of_week", "Hour of the week", "Local time: 0 is Monday 00:00, 167 is Sunday 23:00.",
    {**_HOUR_OF_WEEK, "contact_interval": case((_BY_THE_HOUR, _published.start_hour_of_week))},
    ordered=tuple(str(hour) for hour in range(168)), to_column=int,
    in_words=lambda number: f"{WEEKDAYS[int(number) // 24]} {int(number) % 24}:00",
)  # fmt: skip
weekday = Dimension(
    "weekday", "Weekday", "Local weekday.",
    {
        **{fact: cast(func.floor(column / 24.0), Integer) for fact, column in _HOUR_OF_WEEK.items()},
        "contact_interval": case(
            (_published.grain != "month", cast(func.floor(_published.start_hour_of_week / 24.0), Integer))
        ),
    },
    ordered=WEEKDAYS, to_value=lambda number: WEEKDAYS[int(number)], to_column=WEEKDAYS.index,
)  # fmt: skip
hour = Dimension(
    "hour", "Hour of the day", "Local hour, 0 to 23.", {fact: column % 24 for fact, column in _HOUR_OF_WEEK.items()},
    ordered=tuple(str(number) for number in range(24)), to_column=int,
    in_words=lambda number: f"{number}:00",
)  # fmt: skip
HOUR_BLOCKS = ("0–4 h", "4–8 h", "8–12 h", "12–16 h", "16–20 h", "20–24 h")
hour_block = Dimension(
    "hour_block", "Part of the day", "Four hours of local time.",
    {fact: cast(func.floor((column % 24) / 4.0), Integer) for fact, column in _HOUR_OF_WEEK.items()},
    ordered=HOUR_BLOCKS, to_value=lambda number: HOUR_BLOCKS[int(number)], to_column=HOUR_BLOCKS.index,
)  # fmt: skip
half_hour = Dimension(
    "half_hour", "Half-hour", "Local half-hour of the day.",
    {"contact": _contact.arrived_half_hour, "staff_interval": _staff.start_half_hour},
    ordered=tuple(f"{n // 2:02d}:{n % 2 * 30:02d}" for n in range(48)),
    to_value=lambda n: f"{int(n) // 2:02d}:{int(n) % 2 * 30:02d}",
    to_column=lambda text: int(text[:2]) * 2 + int(text[3:]) // 30,
)  # fmt: skip


SIZES = {8: " (0.7 km²)", 9: "", 10: " (0.015 km²)"}
"""What tells hexagons of other sizes from the usual ones of about 0.1 km²."""


def _hexagons(resolution: int) -> Dimension:
    column = f"h3_{resolution}"
    return Dimension(
        f"hexagon_{resolution}", f"Place{SIZES[resolution]}", f"The H3 hexagon (size {resolution}) its point lies in.",
        _carried(column, "request", "episode", "inspection"), missing="no point",
        to_value=lambda cell: h3.int_to_str(int(cell)), to_column=partial(_cell, resolution),
        in_words=lambda text: f"hexagon {short_cell(text)}",
    )  # fmt: skip


hexagon_8, hexagon_9, hexagon_10 = _hexagons(8), _hexagons(9), _hexagons(10)
HEXAGONS: dict[int, Dimension] = {8: hexagon_8, 9: hexagon_9, 10: hexagon_10}
"""The dimension of each size of hexagon."""

# Ages are counted in civil days from the request's own opening to the day that ends at the moment asked about: what was
# opened on that day is 0 days old.
_LAST_ON = MOMENT_ON - 1
_AGE_DAYS = _LAST_ON - _episode.first_opened_on
_AGE_BANDS = (
    (3, "0–2 d"), (8, "3–7 d"), (15, "8–14 d"), (31, "15–30 d"), (61, "31–60 d"), (91, "61–90 d"), (181, "91–180 d"),
)  # fmt: skip
age_band = Dimension(
    "age_band", "Age", "Days since the request was opened, at the moment asked about.",
    {"episode": case(*[(limit > _AGE_DAYS, label) for limit, label in _AGE_BANDS], else_="over 180 d")},
    ordered=tuple(label for _, label in _AGE_BANDS) + ("over 180 d",), standing_only=True,
)  # fmt: skip

# “In time” is what the measure overdue leaves, so that the bands past it add up to overdue.
_IN_TIME = or_(_episode.due_on >= MOMENT_ON, _episode.due_at >= AS_OF)
_AGE_S = _AGE_DAYS * literal(86_400, BigInteger)  # whole numbers, not divided: half the time of a decimal share
promise_band = Dimension(
    "promise_band", "Multiples of the promise", "Age in multiples of the time that was promised for this request.",
    {"episode": case(
        (_episode.due_on.is_(None), "no promise"), (_IN_TIME, "in time"), (2 * _episode.promise_s > _AGE_S, "1–2 ×"),
        (3 * _episode.promise_s > _AGE_S, "2–3 ×"), else_="over 3 ×",
    )},
    ordered=("in time", "1–2 ×", "2–3 ×", "over 3 ×", "no promise"), standing_only=True,
)  # fmt: skip

# Days past due, counted alike: what was due the day before is one day late.
_LATE_DAYS = _LAST_ON - _episode.due_on
_LATE_BANDS = ((2, "up to 1 d"), (8, "2–7 d"), (31, "8–30 d"), (91, "31–90 d"))
lateness = Dimension(
    "lateness", "How late", "Days past the promised time, at the moment asked about.",
    {"episode": case(
        (_episode.due_on.is_(None), "no promise"), (_IN_TIME, "in time"),
        *[(limit > _LATE_DAYS, label) for limit, label in _LATE_BANDS], else_="over 90 d",
    )},
    ordered=("in time", *(label for _, label in _LATE_BANDS), "over 90 d", "no promise"), standing_only=True,
)  # fmt: skip

# Working time left, for requests still open in the last data received.
_LEFT, _DAY = _request.remaining_business_s, _request.business_day_s
due_in = Dimension(
    "due_in", "Due in", "Working time left of the promise in the last data received, in the calendar it runs on.",
    {"request": case(
        (_LEFT <= 0, "overdue"), (_request.due_on < MOMENT_ON, "today"), (_LEFT <= _DAY, "1 working day"),
        (_LEFT <= 2 * _DAY, "2 working days"), (_LEFT <= 3 * _DAY, "3 working days"), (_LEFT > 3 * _DAY, "later"),
        else_=None,
    )},
    ordered=("overdue", "today", "1 working day", "2 working days", "3 working days", "later"), standing_only=True,
    missing="on hold, closed or without a promise",
)  # fmt: skip

# Where in the time promised a request was closed, in calendar time: a peak before 100 % is a burst at the deadline.
# Told by numbers, in whole tenths: a chain of words and divisions takes five times as long.
POSITIONS = (
    *(f"{tenth * 10}–{tenth * 10 + 10} %" for tenth in range(10)), "100–110 %", "110–150 %", "150–200 %", "over 200 %",
)  # fmt: skip
_TENTHS = cast(func.floor(_request.close_s * 10 // func.nullif(_request.promise_s, 0)), BigInteger)
promise_position = Dimension(
    "promise_position", "Position in the promise",
    "When a request was closed, as a part of the time from its opening to its due time; over 100 % is late.",
    {"request": case(
        (_TENTHS.is_(None), None),
        (_request.closed_at <= _request.due_at, func.least(_TENTHS, 9)),
        (_request.closed_at > _request.due_at,
         case((_TENTHS < 11, 10), (_TENTHS < 15, 11), (_TENTHS < 20, 12), else_=13)),
        else_=None,
    )},
    ordered=POSITIONS, missing="open or without a promise", to_value=lambda n: POSITIONS[int(n)],
    to_column=POSITIONS.index,
)  # fmt: skip
closing_day = Dimension(
    "closing_day", "Day of the month closed", "The day of the month on which a request was closed, 1 to 31.",
    {"request": cast(extract("day", _request.closed_on), Integer),
     "episode": cast(extract("day", _episode.closed_on), Integer)},
    ordered=tuple(str(day) for day in range(1, 32)), missing="open", to_value=lambda day: str(int(day)), to_column=int,
    in_words=lambda day: f"day {int(day)} of the month",
)  # fmt: skip

stream = Dimension(
    "stream", "Stream", "What is collected: refuse, recycling, organics, bulk.",
    _by_route("stream"), missing="no route",
)  # fmt: skip
route = Dimension(
    "route", "Route", "The collection route that a stop, or a missed collection, belongs to.",
    {"request": _request.route_id, "round": _round.route_id}, missing="no route",
)  # fmt: skip
contractor = Dimension(
    "contractor", "Collected by", "Who drives the route: the city’s own crews, or whom it pays.",
    _by_route("contractor"), missing="not known",
)  # fmt: skip
service_weekday = Dimension(
    "service_weekday", "Day of collection", "The weekday on which the collection was due.",
    {fact: cast(extract("isodow", column), Integer) - 1 for fact, column in (
        ("request", _request.service_on), ("round", _round.service_on))},
    ordered=WEEKDAYS, missing="no collection", to_value=lambda number: WEEKDAYS[int(number)],
    to_column=WEEKDAYS.index,
)  # fmt: skip

asset_kind = Dimension(
    "asset_kind", "Kind of asset", "What it is: a parking meter, a street light …",
    {"request": _of_asset(_asset.kind), "asset": ASSET_STRETCH.c.kind}, missing="no asset of the register",
    in_words=lambda name: name.replace("_", " "),
)  # fmt: skip
asset_model = Dimension(
    "asset_model", "Model", "The model of the asset, as the register of assets has it.",
    {"request": _of_asset(_asset.model), "asset": ASSET_STRETCH.c.model},
)  # fmt: skip
asset_age = Dimension(
    "asset_age", "Age of the asset", "How long ago the asset was installed, at the time in question.",
    {"request": _of_asset(age_of(_request.opened_on - _asset.installed_on)), "asset": ASSET_STRETCH.c.age},
    ordered=tuple(age for _, age in AGES), missing="not known",
)  # fmt: skip

LEVELS = tuple(f"{5 * step}–{5 * step + 5} %" for step in range(20))
published_level = Dimension(
    "published_level", "Published service level", "The service level published of a day (or hour), in steps of 5 %.",
    {"contact_interval": cast(func.least(func.floor(_published.service_level_share * 20), 19), Integer)},
    ordered=LEVELS, missing="not published", to_value=lambda step: LEVELS[int(step)], to_column=LEVELS.index,
)  # fmt: skip

fiscal_year = Dimension(
    "fiscal_year", "Fiscal year", "The fiscal year of a budget line, called by the calendar year in which it ends.",
    _carried("fiscal_year", "budget", "centre"), to_column=int, to_value=lambda year: str(int(year)),
    in_words=lambda year: f"FY {int(year)}",
)  # fmt: skip
program = Dimension(
    "program", "Program", "What a department’s money is for, as its budget names it.",
    _carried("program", "budget", "centre"),
)  # fmt: skip
account_class = Dimension(
    "account_class", "Kind of cost", "Salary, benefits, overtime, contract, supplies, capital or indirect.",
    _carried("account_class", "budget", "centre"),
)  # fmt: skip
fund = Dimension("fund", "Fund", "Where a budget line’s money comes from.", _carried("fund", "budget", "centre"))

DIMENSIONS: dict[str, Dimension] = {
    dimension.name: dimension
    for dimension in (
        department, service_type, category, district, area, channel, priority, status, team, closure_outcome, queue,
        agent, reason, asked_type, visit_kind, language, contact_outcome, hour_of_week, weekday, hour, hour_block,
        half_hour, hexagon_8, hexagon_9, hexagon_10, age_band, promise_band, lateness, due_in, promise_position,
        closing_day, published_level, fiscal_year, program, account_class, fund, stream, route, contractor,
        service_weekday, asset_kind, asset_model, asset_age,
    )
}  # fmt: skip
