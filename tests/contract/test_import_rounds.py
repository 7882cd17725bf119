"""A city brings its routes, the rounds they make and its assets: misses and faults become rates."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dashboard.domain.filters import Filters, Period
from dashboard.domain.policy import Scope
from dashboard.services import Services
from dashboard.settings import Settings
from data_access.dimensions import DIMENSIONS
from data_access.importers.load import import_files
from data_access.importers.mapping import mapping_from
from data_access.measures import CATALOGUE
from data_access.semantics import Query

SPRINGFIELD = 'name = "{}"\n[city]\nname = "Springfield"\ntz = "America/Chicago"\n'
REQUESTS = """
[request]
request_id = "Id"
opened_at = { column = "Opened", formats = ["%Y-%m-%d"] }
type_id = "Kind"
department_id = "Dept"
route_id = "Route"
service_on = { column = "Round", formats = ["%Y-%m-%d"] }
asset_id = "Lamp"
status = "Status"
"""
OTHERS = {
    "routes": ("Route,Stream,By", '[route]\nroute_id = "Route"\nstream = "Stream"\ncontractor = "By"\n'),
    "rounds": ("Route,Day,Stops", '[route_day]\nroute_id = "Route"\nscheduled_stops = "Stops"\n'
               'is_suspended = { value = "no" }\n'
               'service_on = { column = "Day", formats = ["%Y-%m-%d"] }\n'),
    "lamps": ("Lamp,Kind,Since", '[asset]\nasset_id = "Lamp"\nkind = "Kind"\n'
              'installed_on = { column = "Since", formats = ["%Y-%m-%d"] }\n'),
}  # fmt: skip
STOPS = {"R1": 400, "R2": 100}
ROWS = {
    "routes": ["R1,refuse,Own crew", "R2,recycling,Hauler"],
    "rounds": [f"{route},2024-03-{day:02d},{stops}" for day in range(4, 30) for route, stops in STOPS.items()],
    "lamps": [f"L{n},Street light,2023-01-01" for n in range(100)],
}  # fmt: skip


def bring(folder: Path, name: str, heading: str, rows: list[str], mapping: str) -> None:
    (folder / f"{name}.csv").write_text("\n".join([heading, *rows]) + "\n")
    by = mapping_from(SPRINGFIELD.format(name) + mapping, Path(f"{name}.toml"))
    report = import_files(Settings(data=folder / "data"), by, folder / f"{name}.csv").report
    assert (report.refused, report.accepted) == (0, len(rows))


@pytest.fixture
def services(tmp_path) -> Services:
    misses = [
        f"M{n},2024-03-{5 + n % 20:02d},Missed pickup,SAN,R{1 if n < 13 else 2},2024-03-{4 + n % 20:02d},,Open"
        for n in range(39)
    ]
    faults = [f"F{n},2024-03-{5 + n:02d},Light out,PW,,,L{n},Open" for n in range(6)]
    bring(tmp_path, "requests", "Id,Opened,Kind,Dept,Route,Round,Lamp,Status", misses + faults, REQUESTS)
    for name, (heading, mapping) in OTHERS.items():
        bring(tmp_path, name, heading, ROWS[name], mapping)
    return Services(Settings(data=tmp_path / "data", cache="off"))


def told(services: Services, measure: str, by: str) -> dict[str, float]:
    query = Query((CATALOGUE[measure],), (DIMENSIONS[by],))
    frame = services.ask(query, Filters(Period(date(2024, 3, 5), date(2024, 3, 20))), Scope.everything()).frame
    return dict(zip(frame[by], frame[measure], strict=True))


def test_misses_are_told_of_the_stops_scheduled(services):
    assert told(services, "scheduled_stops", "stream") == pytest.approx({"refuse": 0.6, "recycling": 0.15})  # of 10,000
    assert told(services, "missed_reported", "route") == {"R1": 12, "R2": 18}
    assert told(services, "miss_rate", "contractor") == pytest.approx({"Own crew": 12 / 0.6, "Hauler": 18 / 0.15})


def test_faults_are_told_of_the_time_in_service(services):
    found = told(services, "fault_rate", "asset_kind")
    assert found == pytest.approx({"Street light": 6 / (100 * 15 / 30.4375 / 1000)})
