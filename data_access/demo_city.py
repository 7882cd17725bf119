"""Riverton, a made-up city that is always the same: for the demonstration, browser tests and benchmarks.

The door to `data_access.demo`; it reads no clock and no file and knows nothing of builds. What happens in the city is
written down in `STORIES`, so that views and tests can be held against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from data_access import schema
from data_access.demo import catalogue, ledgers
from data_access.demo.assets import asset_frame
from data_access.demo.contacts import ContactCentre
from data_access.demo.geography import district_frame, ground, map_feature_frame, population_frame
from data_access.demo.records import event_frame, pause_frame, public_ids, request_frame
from data_access.demo.requests import Requests
from data_access.demo.stories import AS_OF, STORIES, Story

__all__ = ["AS_OF", "CITY", "STORIES", "Story", "demo_tables"]

CITY: dict[str, Any] = {
    "city_id": "riverton",
    "name": "Riverton",
    "tz": "America/New_York",
    "fiscal_year_start_month": 7,
    "currency": "USD",
    "service_level_variant": "offered",
    "answer_within_s": 60,
    "short_abandon_s": 5,
    "promise_target_share": 0.85,
    "service_level_target_share": 0.80,
    "refresh_hours": 24,
    "is_made_up": True,
    "schema_version": schema.VERSION,
}
LAST_DAY = date(2026, 5, 20)  # the civil day of `AS_OF`
_REQUESTS_A_STRETCH = 60_000


def _stretches(maker: Requests, scale: float) -> Iterator[tuple[int, int]]:
    """Day numbers of about a quarter each, or less if that would be too many requests for the memory."""
    length = int(np.clip(_REQUESTS_A_STRETCH / (365 * max(scale, 1e-6)), 7, 92))
    first = maker.days.first
    while first <= maker.last_day:
        end = min(first + length, maker.last_day + 1)
        yield first, end
        first = end


def demo_tables(seed: int = 311, scale: float = 1.0, years: int = 3) -> Iterator[tuple[str, pd.DataFrame]]:
    """Every table of the city, piece by piece: dimensions first, then facts in stretches of time.

    Parameters
    ----------
    seed
        Another seed makes another city on the same streets.
    scale
        1 is about 400,000 requests and a million contacts in three years.
    years
        How many years before `AS_OF` the data begin.

    Yields
    ------
    Table name and rows with the columns a source supplies; instants in UTC without a zone.
    """
    first = LAST_DAY.replace(year=LAST_DAY.year - years) + timedelta(days=1)
    yield from _dimensions(first)
    maker = Requests(seed, scale, first, LAST_DAY)
    centre = ContactCentre(maker)
    routes = ledgers.Routes(maker.days, maker.clocks["collection"], maker.last_day)
    yield "agent", centre.agent_frame()
    for name, rows in zip(
        ("route", "route_day"), routes.frames(ground(), np.random.default_rng([seed, 6]), scale), strict=True
    ):
        yield name, rows
    yield "city_event", ledgers.city_event_frame(maker.days)

    running: dict[int, int] = {}
    nights = ledgers.Transfers()
    events = inspections = surveys = 1
    for chunk, (start, end) in enumerate(_stretches(maker, scale)):
        opened = maker.open(start, end, chunk)
        rng = np.random.default_rng([seed, 7, chunk])
        contacts, contact, agent, shifts, states = centre.take(start, end, chunk, opened)
        public_id = public_ids(opened, running)
        rows = request_frame(opened, maker, contact, routes, public_id, rng)
        nights.note(rows)
        yield "request", rows
        rows = event_frame(opened, maker, agent, centre.agent_ids, events, rng)
        events += len(rows)
        yield "request_event", rows
        yield "request_pause", pause_frame(opened, maker)
        rows = ledgers.inspection_frame(opened, maker, inspections, (start, end), rng)
        inspections += len(rows)
        yield "inspection", rows
        rows = ledgers.survey_frame(opened, maker, surveys, rng)
        surveys += len(rows)
        yield "survey", rows
        yield "asset_status", ledgers.outage_frame(opened, maker, rng)
        yield "contact", contacts
        yield "agent_shift", shifts
        if states is not None and len(states):
            yield "agent_state", states
    imports, refused = nights.frames(AS_OF, np.random.default_rng([seed, 8]))
    yield "import_batch", imports
    yield "refused_row", refused


def _dimensions(first: date) -> Iterator[tuple[str, pd.DataFrame]]:
    weeks, special = catalogue.calendar_frames(first, LAST_DAY + timedelta(days=400))
    yield "calendar", weeks
    yield "calendar_day", special
    yield "department", catalogue.department_frame()
    yield "district", district_frame()
    yield "map_feature", map_feature_frame()
    yield "population_point", population_frame()
    yield "service_type", catalogue.service_type_frame()
    yield "sla_version", catalogue.sla_frame()
    yield "asset", asset_frame()
    yield "intervention", ledgers.intervention_frame()
    yield "budget_line", ledgers.budget_frame(max(first.year + (first.month > 6), 2017), 2026)
    yield "activity_driver", ledgers.activity_driver_frame()
    yield "cost_index", ledgers.cost_index_frame()
