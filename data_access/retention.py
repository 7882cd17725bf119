"""Letting go of what tells of persons once it has been kept as long as the city keeps it (measures G5)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from dashboard.settings import Settings
from data_access.build import Build
from data_access.engine import Warehouse
from data_access.state import State, clock


def retain(settings: Settings, people_days: int, log_days: int) -> dict[str, int]:
    """Forget callers, addresses, notes and shifts older than `people_days`, and the audit log older than `log_days`.

    Data older than that is measured by the data's own clock, the log by the wall clock. The build in service is written
    anew without what is forgotten, so that it is in no file of the data folder any more; nothing is written if there is
    nothing to forget. How many rows of each table were concerned.
    """
    warehouse = Warehouse(settings)
    try:
        city, build = warehouse.city(), warehouse.build()
    finally:
        warehouse.close()
    before: datetime = build.as_of - timedelta(days=people_days)
    with Build(settings, asdict(city)) as anew:
        anew.carry_over(whole=True)
        found = anew.forget_people(before)
        if any(found.values()):
            anew.publish(as_of=build.as_of)
            for old in (settings.data / "builds").glob("city-*.duckdb"):
                if not old.name.startswith(f"city-{anew.build_id}"):
                    old.unlink()  # a reader that has it open keeps it until it looks again
    state = State(settings)
    found |= state.forget_before(clock() - timedelta(days=log_days))
    state.close()
    return found
