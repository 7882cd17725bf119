"""The vendor-neutral CRM schema, declared once; the only place where a table or a column is named.

Conventions
    ``_at`` a UTC instant, stored without a zone (decision 0002) · ``_on`` a civil date in the city's
    own zone · ``_s`` seconds · ``_share`` 0 to 1. Intervals are half-open. Money is in the city's currency.

Columns marked *derived* (`column.info["derived"]`) are computed by a build from the others; a source never
supplies them. Columns marked *private* never leave the house. Facts carry the *names* of their department,
service type, category and district beside the ids, so that no question needs a join (decision 0003).

Source: measures reference, section 10, in the words of the glossary.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Float,
    ForeignKey,
    FromClause,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    func,
    select,
)

metadata = MetaData()

VERSION = 9
"""Raised whenever a build must hold something that earlier ones do not."""


def _key(name: str, kind=String, **more) -> Column:
    return Column(name, kind, primary_key=True, autoincrement=False, **more)


def _of(name: str, target: str, kind=String) -> Column:
    return Column(name, kind, ForeignKey(target))


def _derived(name: str, kind, **more) -> Column:
    return Column(name, kind, info={"derived": True}, **more)


def _private(name: str, kind=String) -> Column:
    return Column(name, kind, info={"private": True})


def _provenance() -> tuple[Column, ...]:
    """Where a row came from, on every fact."""
    return (
        Column("src_system", String),
        Column("src_id", String),
        Column("import_id", String),
        Column("row_hash", BigInteger),
        Column("dq_flags", Integer, nullable=False, server_default="0", info={"derived": True}),
    )


# ── The city and its builds ─────────────────────────────────────────────────────────────────────────

city = Table(
    "city",
    metadata,
    _key("city_id"),
    Column("name", String, nullable=False),
    Column("tz", String, nullable=False),  # IANA name
    Column("fiscal_year_start_month", SmallInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("service_level_variant", String, nullable=False),  # a key of measures A6, "offered" by default
    Column("answer_within_s", Integer, nullable=False),  # T of the service level
    Column("short_abandon_s", Integer, nullable=False),
    Column("promise_target_share", Float),  # the city's own goal for kept promises, null if it has none
    Column("service_level_target_share", Float),
    Column("refresh_hours", Integer),  # how often new data is expected; null when the source is a one-off
    Column("is_made_up", Boolean, nullable=False),  # the demo city says so on every page
    Column("schema_version", Integer, nullable=False),
)

build = Table(
    "build",
    metadata,
    _key("build_id"),
    Column("built_at", DateTime, nullable=False),
    Column("as_of", DateTime, nullable=False),  # the data's own clock: the last instant anything was recorded
    # First and last civil day on which a request was opened, a contact arrived, or of which calls were published; where
    # there is none of these, on which a state of an agent began.
    Column("data_from_on", Date),
    Column("data_to_on", Date),
    Column("data_to_at", DateTime),  # the last request opened or contact arrived
    Column("contacts_from_on", Date),  # null where the source has no contacts
    Column("requests", BigInteger, nullable=False),
    Column("contacts", BigInteger, nullable=False),
    Column("published_calls", BigInteger, nullable=False),  # rows of contact_interval
    Column("budget_lines", BigInteger, nullable=False),
    Column("rounds", BigInteger, nullable=False),  # rows of route_day
    Column("assets", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("flagged", BigInteger, nullable=False),
    Column("basis", Text),  # how it was made (JSON), for the build that goes on from it (decision 0029)
)

sums = Table(
    # Which tables beside the facts this build holds (decision 0025), and how many rows each has: sums counted
    # beforehand, and copies of the rows that stood open at any moment from a day on.
    "sums",
    metadata,
    _key("name"),
    Column("n", BigInteger, nullable=False),
    Column("from_on", Date),  # the day from which on a copy, or for which a table of sums, tells what stood open
)

import_batch = Table(
    "import_batch",
    metadata,
    _key("import_id"),
    Column("source", String, nullable=False),  # the mapping's name
    Column("file", String),
    Column("imported_at", DateTime, nullable=False),
    Column("source_as_of", DateTime),
    Column("checksum", String),
    Column("read", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("unchanged", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("flagged", BigInteger, nullable=False),
    Column("report", Text),  # JSON: flags by kind, unmapped words by frequency
)

refused_row = Table(
    "refused_row",
    metadata,
    Column("import_id", String),
    Column("file", String),
    Column("row_number", BigInteger),
    Column("column_name", String),
    _private("value"),
    Column("expected", String),
    Column("reason", String),
    _private("raw", Text),  # the whole row as JSON, so that it can be corrected and imported again
)

# ── Time, places, people ────────────────────────────────────────────────────────────────────────────

calendar = Table(
    "calendar",
    metadata,
    _key("calendar_id"),
    Column("name", String, nullable=False),
    Column("weekly_windows", Text, nullable=False),  # JSON: seven lists of ["08:00", "17:00"], Monday first
)

calendar_day = Table(
    "calendar_day",
    metadata,
    _key("calendar_id"),
    _key("day_on", Date),
    Column("is_business", Boolean, nullable=False),
    Column("holiday_name", String),
    Column("windows", Text),  # JSON list of ["08:00", "12:00"]; null: the weekly windows hold, if a business day
    Column("reason", String),
)

department = Table(
    "department",
    metadata,
    _key("department_id"),
    Column("name", String, nullable=False),
    Column("parent_id", String),
    _of("calendar_id", "calendar.calendar_id"),
    Column("valid_from_on", Date),
    Column("valid_to_on", Date),
)

district = Table(
    "district",
    metadata,
    _key("district_id"),
    # district, or area: of the second division of a city that is divided in two ways; null is district
    Column("division", String),
    Column("kind", String, nullable=False),  # council, ward, neighbourhood, community_area, route_zone, tract
    Column("name", String, nullable=False),
    Column("geometry", Text),  # GeoJSON, longitude and latitude
    Column("population", Integer),
    Column("households", Integer),
    Column("parcels", Integer),
    Column("boundary_version", String),
    Column("valid_from_on", Date),
    Column("valid_to_on", Date),
)


def division_of(areas: FromClause) -> ColumnElement[str]:
    """Which division each row of `district`, or of a table like it, belongs to."""
    return func.coalesce(areas.c.division, "district")


IN_FIRST_DIVISION = division_of(district) == "district"
"""Of `district`: the rows by which roles, maps and rates go."""

_again, _open_end = district.alias("again"), date(9999, 12, 31)
IN_FORCE = func.coalesce(district.c.valid_to_on, _open_end) == (
    select(func.max(func.coalesce(_again.c.valid_to_on, _open_end)))
    .where(division_of(_again) == division_of(district))
    .scalar_subquery()
)
"""Of `district`: the rows that hold last, of a city that was divided anew."""

population_point = Table(
    # Where people live: parcels, address points or the middles of census blocks. What rates are rates of.
    "population_point",
    metadata,
    _key("point_id"),
    Column("lat", Float, nullable=False),
    Column("lon", Float, nullable=False),
    Column("residents", Float, nullable=False),
)

map_feature = Table(
    "map_feature",
    metadata,
    _key("feature_id"),
    Column("kind", String, nullable=False),  # city, water, road, park: what lies under a map
    Column("name", String),
    Column("geometry", Text, nullable=False),
)

service_type = Table(
    "service_type",
    metadata,
    _key("type_id"),
    Column("code", String),
    Column("name", String, nullable=False),
    Column("category", String),
    _of("department_id", "department.department_id"),
    Column("sensitivity", String),  # P0 to P3, measures G2
    Column("is_info_only", Boolean, nullable=False),
    Column("is_internal", Boolean, nullable=False),
    Column("normalized_category", String),
    Column("duplicate_radius_m", Integer),  # null: reports of this type are never taken for one incident
    Column("duplicate_days", Integer),
    Column("valid_from_on", Date),
    Column("valid_to_on", Date),
)

sla_version = Table(
    "sla_version",
    metadata,
    _key("sla_id"),
    _of("type_id", "service_type.type_id"),
    Column("priority", String),  # null: every priority
    Column("target_value", Float, nullable=False),
    Column("target_unit", String, nullable=False),  # business_seconds, business_days, calendar_days
    Column("mode", String, nullable=False),  # same_time, end_of_day
    _of("calendar_id", "calendar.calendar_id"),
    Column("target_share", Float),
    Column("pausable_reasons", Text),  # JSON list
    Column("valid_from_on", Date),
    Column("valid_to_on", Date),
)

agent = Table(
    "agent",
    metadata,
    _key("agent_id"),  # a pseudonym
    Column("team", String),
    Column("hired_on", Date),
    Column("languages", String),
    Column("is_active", Boolean),
    _private("name"),
)

agent_shift = Table(
    "agent_shift",
    metadata,
    _key("shift_id"),
    _of("agent_id", "agent.agent_id"),
    Column("start_at", DateTime, nullable=False),
    Column("end_at", DateTime, nullable=False),
    Column("schedule_code", String),
    Column("paid_s", Integer),
)

agent_state = Table(
    "agent_state",
    metadata,
    _of("agent_id", "agent.agent_id"),
    Column("start_at", DateTime, nullable=False),
    Column("end_at", DateTime, nullable=False),
    Column("state", String, nullable=False),  # available, talk, hold, wrap, break, meal, training, meeting, offline
    Column("contact_id", String),
    _derived("start_on", Date),
    _derived("start_hour_of_week", SmallInteger),
    _derived("duration_s", BigInteger),
    _derived("team", String),
)

staff_interval = Table(
    # How many were there in each half-hour: shifts and states spread over the half-hours they lie in, everybody's
    # together. Nobody is named here, and what a few were doing is not told at all.
    "staff_interval",
    metadata,
    _key("start_at", DateTime),
    _derived("start_on", Date),
    _derived("start_hour_of_week", SmallInteger),
    _derived("start_half_hour", SmallInteger),
    _derived("rostered_s", BigInteger),  # of shifts, breaks included
    _derived("agents", Integer),  # logged in at any time of it
    _derived("ready_s", BigInteger),  # on calls or available; null where fewer than three agents were logged in
    _derived("busy_s", BigInteger),  # on calls; the same
)

agent_day = Table(
    # How much of their shifts agents were at work, day by day: shifts that are over, of days of which states are told.
    "agent_day",
    metadata,
    _key("agent_id", info={"derived": True}),
    _key("day_on", Date, info={"derived": True}),  # the civil day on which the shifts began
    _derived("team", String),
    _derived("ended_at", DateTime),  # when the last of them was over
    _derived("scheduled_s", BigInteger),  # what is paid of the shifts; all of one that does not say
    _derived("adhered_s", BigInteger),  # at work within a shift, of each at most what is scheduled
    _derived("worked_s", BigInteger),  # at work, within the shifts or around them
)

# ── Facts ───────────────────────────────────────────────────────────────────────────────────────────

contact = Table(
    "contact",
    metadata,
    _key("contact_id"),
    Column("root_contact_id", String),
    Column("parent_contact_id", String),
    Column("channel", String),  # phone, web, app, email, text, chat, social, walk_in, internal
    Column("direction", String),  # in, out
    Column("queue", String),
    Column("ivr_in_at", DateTime),
    Column("arrived_at", DateTime, nullable=False),  # entered the queue; for other channels, when it was sent
    Column("answered_at", DateTime),
    Column("ended_at", DateTime),
    # answered, abandoned, callback, voicemail, overflow, blocked, ivr_contained, ivr_abandon, self_service
    Column("outcome", String, nullable=False),
    Column("wait_s", Float),
    Column("talk_s", Float),
    Column("hold_s", Float),
    Column("wrap_s", Float),
    _of("agent_id", "agent.agent_id"),
    _private("person_key"),
    Column("reason", String),
    Column("language", String),
    Column("in_open_hours", Boolean),
    Column("transferred_to", String),
    Column("request_id", String),  # the request it created, or asked about
    Column("created_request", Boolean),
    Column("resolved_first", Boolean),
    Column("callback_due_at", DateTime),
    Column("callback_attempts", SmallInteger),
    Column("callback_connected_at", DateTime),
    *_provenance(),
    _derived("arrived_on", Date),
    _derived("arrived_hour_of_week", SmallInteger),  # 0 = Monday 00:00 to 167, local
    _derived("arrived_half_hour", SmallInteger),  # 0 to 47, local
    _derived("handle_s", Float),  # talk + hold + wrap of answered contacts
    _derived("team", String),
    _derived("service_type", String),  # of the request it made or asked about
    # Whether it is recorded who got in touch and why; of second legs, and of calls that the city made, it is not asked.
    _derived("is_caller_known", Boolean),
    # When the same person got in touch about the same reason before, and when again, by whatever channel and whatever
    # became of it; null where the caller is not known.
    _derived("previous_at", DateTime),
    _derived("repeated_at", DateTime),
)

contact_interval = Table(
    # What a telephone system published of a stretch of time, for cities that give no single calls. It stays what it is:
    # averages and shares are those published, never made into calls.
    "contact_interval",
    metadata,
    _key("interval_id"),
    Column("start_at", DateTime, nullable=False),
    Column("grain", String, nullable=False),  # quarter_hour, half_hour, hour, shift, day, month
    Column("queue", String),
    Column("channel", String),
    Column("offered", Integer),
    Column("answered", Integer),
    Column("abandoned", Integer),
    Column("short_abandoned", Integer),
    Column("answered_within", Integer),  # within `within_s`
    Column("within_s", Integer),
    Column("wait_s", Float),  # all waits together, as are the sums that follow
    Column("talk_s", Float),
    Column("hold_s", Float),
    Column("wrap_s", Float),
    Column("staffed_s", Float),
    Column("available_s", Float),
    Column("average_wait_s", Float),  # speed of answer as published
    Column("service_level_share", Float),  # as published
    _derived("start_on", Date),
    _derived("start_hour_of_week", SmallInteger),
    _derived("is_finest", Boolean),  # nothing finer was published of that day (or month), so that it counts
)

request = Table(
    "request",
    metadata,
    _key("request_id"),
    Column("public_id", String),
    _of("type_id", "service_type.type_id"),
    Column("priority", String),
    Column("channel", String),
    Column("opened_at", DateTime, nullable=False),
    Column("first_response_at", DateTime),
    Column("first_closed_at", DateTime),
    Column("closed_at", DateTime),  # the final close; null while open
    Column("status", String, nullable=False),  # new, triaged, assigned, in_progress, on_hold, closed, cancelled …
    Column("source_status", String),
    Column("closure_outcome", String),
    _of("department_id", "department.department_id"),
    Column("team", String),  # who is holding it
    Column("contact_id", String),
    Column("parent_request_id", String),
    _private("person_key"),
    _private("address"),
    Column("parcel_id", String),
    Column("asset_id", String),
    Column("route_id", String),
    Column("service_on", Date),  # the scheduled pick-up a miss belongs to
    Column("lat", Float),
    Column("lon", Float),
    Column("geo_precision", String),
    Column("source_district", String),  # the district as the source wrote it
    Column("due_at", DateTime),
    Column("due_source", String),  # source, computed, none
    Column("sla_id", String),
    Column("reopen_count", SmallInteger),
    Column("transfer_count", SmallInteger),
    _private("note", Text),
    Column("updated_at", DateTime),
    *_provenance(),
    _derived("opened_on", Date),
    _derived("opened_hour_of_week", SmallInteger),
    _derived("closed_on", Date),
    _derived("due_on", Date),
    _derived("department", String),
    _derived("service_type", String),
    _derived("category", String),
    _derived("district_id", String),
    _derived("district", String),
    _derived("area", String),
    _derived("h3_8", BigInteger),
    _derived("h3_9", BigInteger),
    _derived("h3_10", BigInteger),
    _derived("is_info_only", Boolean),
    _derived("is_duplicate", Boolean),
    _derived("incident_id", String),
    _derived("close_s", BigInteger),  # seconds from opened to final close; null while open or if flagged impossible
    _derived("business_open_s", BigInteger),  # business seconds from opened to closed (or as_of), pauses taken out
    _derived("paused_business_s", BigInteger),
    _derived("promise_s", BigInteger),  # seconds from opened to due
    # Business seconds from as_of to due_at, negative when overdue, pauses taken out; null if closed, without a promise
    # or on hold with no end in sight.
    _derived("remaining_business_s", BigInteger),
    _derived("business_day_s", Integer),  # one working day of the calendar its promise runs on; 24 hours without one
    _derived("has_place", Boolean),  # a parcel, an address or a point: somewhere to come back to
    # The first request of the same type at the same place (parcel, else address, else h3_10) opened after this one was
    # closed; reports of a problem already reported are not counted.
    _derived("recurred_at", DateTime),
    # work, inspect and comment events up to the final close; null where the source records none of any request
    _derived("activity_count", Integer),
)

request_episode = Table(
    # One row for each stretch [opened_at, closed_at) in which a request stood open with one department; a reopening
    # starts another, and so does a move to another department.
    "request_episode",
    metadata,
    _key("request_id"),
    _key("seq", SmallInteger),
    _derived("opened_at", DateTime),
    _derived("closed_at", DateTime),
    _derived("opened_on", Date),
    _derived("closed_on", Date),
    _derived("starts_by", String),  # opened, reopened, moved
    _derived("ends_by", String),  # closed, moved; null while it goes on
    _derived("first_opened_at", DateTime),  # the request's own opening, for ages
    _derived("first_opened_on", Date),
    _derived("next_opened_at", DateTime),  # when it was reopened; null if it was not
    _derived("has_reopenings", Boolean),  # whether the source records reopenings at all
    _derived("due_at", DateTime),
    _derived("due_on", Date),
    _derived("promise_s", BigInteger),
    _derived("department", String),
    _derived("service_type", String),
    _derived("category", String),
    _derived("district", String),
    _derived("area", String),
    _derived("channel", String),
    _derived("team", String),
    _derived("priority", String),
    _derived("status", String),
    _derived("h3_8", BigInteger),
    _derived("h3_9", BigInteger),
    _derived("h3_10", BigInteger),
    _derived("is_info_only", Boolean),
    _derived("is_duplicate", Boolean),
)

FIRST_REPORT = request.alias("first_report")
"""The request that was first to report what another reports again."""

OF_AS_OF = ("business_open_s", "paused_business_s", "remaining_business_s")
"""What goes on while a request stands open, without anything having happened to it."""

OF_ITS_REQUEST = {
    "request_id": "request_id", "first_opened_at": "opened_at", "first_opened_on": "opened_on",
    **{name: name for name in (
        "due_at", "due_on", "promise_s", "service_type", "category", "district", "area", "channel", "priority",
        "status", "h3_8", "h3_9", "h3_10", "is_info_only", "is_duplicate",
    )},
}  # fmt: skip
"""What an episode carries of its request: its own columns, and the request's that they are."""

request_event = Table(
    "request_event",
    metadata,
    _key("event_id"),
    _of("request_id", "request.request_id"),
    Column("event_at", DateTime, nullable=False),
    Column("recorded_at", DateTime),
    # created, assigned, status, transfer, pause, resume, comment, inspect, work, close, reopen, merge, sla_change,
    # edit, survey
    Column("kind", String, nullable=False),
    Column("from_value", String),
    Column("to_value", String),
    Column("department_id", String),
    _private("actor"),  # the person's name or id as the source has it
    _private("note", Text),
    Column("source", String),
)

request_pause = Table(
    "request_pause",
    metadata,
    _of("request_id", "request.request_id"),
    Column("start_at", DateTime, nullable=False),
    Column("end_at", DateTime),
    Column("reason", String),
)

inspection = Table(
    "inspection",
    metadata,
    _key("inspection_id"),
    Column("request_id", String),
    Column("asset_id", String),
    Column("parcel_id", String),
    Column("visited_at", DateTime, nullable=False),
    Column("kind", String, nullable=False),  # initial, compliance, proactive, audit
    Column("result", String, nullable=False),  # active_signs, conditions, none, no_access
    Column("premises_baited", Integer),
    Column("premises_with_garbage", Integer),
    Column("premises_with_rats", Integer),
    Column("lat", Float),
    Column("lon", Float),
    _derived("visited_on", Date),
    # Of the request that led to the visit; null for rounds on the city's own account.
    _derived("department", String),
    _derived("service_type", String),
    _derived("district", String),
    _derived("h3_8", BigInteger),
    _derived("h3_9", BigInteger),
    _derived("h3_10", BigInteger),
)

place = Table(
    # Every hexagon of the city, of three sizes: those in which anything was ever reported or that lie in a district.
    "place",
    metadata,
    _key("resolution", SmallInteger, info={"derived": True}),
    _key("cell", BigInteger, info={"derived": True}),
    _derived("name", String),  # its most named streets, “Mercer St / Hollis St”; null where no request has an address
    _derived("district", String),  # where most of its requests lie
    _derived("area", String),  # the same of a second division
    _derived("requests", BigInteger),  # all that were ever opened there
    _derived("residents", Float),  # null where the city gives no population points
)

asset = Table(
    "asset",
    metadata,
    _key("asset_id"),
    Column("kind", String, nullable=False),  # parking_meter, street_light, signal, tree …
    Column("model", String),
    Column("vendor", String),
    Column("installed_on", Date),
    Column("removed_on", Date),
    Column("enforce_calendar_id", String),
    Column("lat", Float),
    Column("lon", Float),
    Column("attributes", Text),
    _derived("district", String),
    _derived("department", String),  # the one that holds most of the requests about such things
)

asset_status = Table(
    "asset_status",
    metadata,
    _of("asset_id", "asset.asset_id"),
    Column("start_at", DateTime, nullable=False),
    Column("end_at", DateTime),
    Column("in_service", Boolean, nullable=False),
    Column("cause", String),
)

route = Table(
    "route",
    metadata,
    _key("route_id"),
    Column("stream", String, nullable=False),  # refuse, recycling, organics, bulk
    Column("contractor", String),
    Column("weekday", SmallInteger),  # 0 = Monday
    Column("district", String),
    _derived("department", String),  # the one that holds most of the requests about such collections
)

route_day = Table(
    "route_day",
    metadata,
    _key("route_id"),
    _key("service_on", Date),
    Column("scheduled_stops", Integer, nullable=False),
    Column("served_stops", Integer),
    Column("is_suspended", Boolean, nullable=False),
    Column("reason", String),
)

survey = Table(
    "survey",
    metadata,
    _key("survey_id"),
    Column("request_id", String),
    Column("contact_id", String),
    Column("sent_at", DateTime, nullable=False),
    Column("answered_at", DateTime),
    Column("question", String),
    Column("score", Float),
    Column("max_score", Float),
    _private("comment", Text),
    _derived("sent_on", Date),
    _derived("department", String),
    _derived("service_type", String),
    _derived("district", String),
)

budget_line = Table(
    # What a department may spend in a fiscal year and has spent of it so far, as the books said at `as_of`.
    "budget_line",
    metadata,
    _key("fiscal_year", SmallInteger),  # called by the calendar year in which it ends
    _key("department_id"),
    _key("program"),
    _key("account_class"),  # salary, benefits, overtime, contract, supplies, capital, indirect
    _key("fund"),
    Column("adopted", Numeric(14, 2)),
    Column("amended", Numeric(14, 2)),
    Column("actual", Numeric(14, 2)),
    Column("encumbered", Numeric(14, 2)),
    Column("as_of", DateTime),
    Column("is_contact_centre", Boolean),  # pays for answering contacts: the 311 centre's own lines
    _derived("department", String),
    _derived("from_on", Date),
    _derived("to_on", Date),  # the first civil day of the fiscal year that it does not tell of yet, or that is no more
    _derived("event", String),  # the city event it was spent on: the one that its program is called by
)

activity_driver = Table(
    "activity_driver",
    metadata,
    _key("type_id"),
    _key("program"),
    Column("std_hours", Float),
    Column("crew_size", Float),
    Column("hourly_rate", Numeric(14, 2)),  # what an hour of one person costs, pay, benefits and overheads included
    Column("unit_material_cost", Numeric(14, 2)),  # contractors' share too
    Column("valid_from_on", Date),
)

cost_index = Table(
    "cost_index",
    metadata,
    _key("year", SmallInteger),
    Column("cpi", Float, nullable=False),
)

city_event = Table(
    "city_event",
    metadata,
    _key("event_id"),
    Column("kind", String, nullable=False),  # flood, storm, snow, heat, election, outage, policy, campaign, data_gap …
    Column("name", String, nullable=False),
    Column("start_at", DateTime, nullable=False),
    Column("end_at", DateTime, nullable=False),
    Column("scope", Text),
    Column("extended_hours", Boolean),
    Column("note", Text),
    _derived("start_on", Date),
    _derived("end_on", Date),  # the first civil day no longer touched
)

UNIT_KINDS = ("asset", "district", "area", "service_type", "department")
"""What the units of an intervention may be, named by their ids or, but for assets, their names."""

intervention = Table(
    "intervention",
    metadata,
    _key("intervention_id"),
    Column("name", String, nullable=False),
    Column("unit_kind", String, nullable=False),  # one of UNIT_KINDS
    Column("treated_ids", Text),  # JSON lists, or words with semicolons or line ends between them
    Column("comparison_ids", Text),
    Column("start_on", Date, nullable=False),
    Column("staggered", Text),  # where units began one after the other: the days, of which the last one counts
    Column("primary_outcome", String),  # a service type by its id or name; null is all requests
    Column("preregistered_at", DateTime),  # when that was written down
)


def bare(table: Table, metadata: MetaData, of: Sequence[Column] | None = None) -> Table:
    """`table` elsewhere, in some of its columns, without keys: they are added once its rows are in."""
    columns = [
        Column(one.name, one.type, nullable=one.nullable or bool(one.info.get("derived")), info=one.info)
        for one in (table.columns if of is None else of)
    ]
    return Table(table.name, metadata, *columns)


_TOLD_APART = {
    "agent_state": ("agent_id", "start_at", "state"),  # of no length are some, which begin when the next one does
    "request_pause": ("request_id", "start_at"),
    "asset_status": ("asset_id", "start_at"),
}
"""The columns that tell apart the rows of tables without a primary key: their sources give them no id."""


def key_of(name: str) -> list[str]:
    """The columns by which the rows of a table are told apart; none where nothing tells."""
    return [one.name for one in metadata.tables[name].primary_key] or list(_TOLD_APART.get(name, ()))


# Bits of `dq_flags`: validity flags of measures section 0. A flag never drops a row.
FLAGS: dict[str, int] = {
    "closed_before_opened": 1 << 0,
    "zero_duration": 1 << 1,
    "future": 1 << 2,
    "absurd": 1 << 3,
    "midnight_only": 1 << 4,
    "status_conflict": 1 << 5,
    "due_before_opened": 1 << 6,
    "no_geo": 1 << 7,
    "geo_placeholder": 1 << 8,
    "dup_id": 1 << 9,
    "ambiguous_time": 1 << 10,
    "nonexistent_time": 1 << 11,
    "unmapped_status": 1 << 12,
    "absurd_due": 1 << 13,
    "outside_boundary": 1 << 14,
}

OPEN_STATUSES = frozenset({"new", "triaged", "assigned", "in_progress", "on_hold", "reopened"})
"""What a request is while somebody is to do something about it."""
CLOSED_STATUSES = frozenset({"closed", "cancelled", "merged_duplicate", "referred_out"})
"""What it is when nobody is to any more."""


def bears(dq_flags: ColumnElement, flag: str) -> ColumnElement[bool]:
    """Whether a row's `dq_flags` hold a flag."""
    return dq_flags.op("&")(FLAGS[flag]) != 0
