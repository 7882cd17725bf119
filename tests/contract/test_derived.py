"""What a build derives of a city made by chance, row by row as plain Python works it out."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from h3.api import basic_int as h3
from sqlalchemy import select

from dashboard.settings import Settings
from data_access.build import Build
from data_access.engine import Warehouse
from data_access.schema import FLAGS, contact, request, request_episode

ZONE = ZoneInfo("America/New_York")
AS_OF = datetime(2026, 6, 1, 12)
REDRAWN = date(2026, 1, 1)
WEST, MIDDLE, EAST = -72.0, -71.5, -71.0
CLOSED = ("closed", "cancelled", "merged_duplicate", "referred_out")
OPEN = ("new", "in_progress", "on_hold")
NIGHTS = [datetime(2025, 11, 2, hour, 30) for hour in (4, 5, 6)] + [datetime(2026, 3, 8, hour, 59) for hour in (6, 7)]


def areas() -> pd.DataFrame:
    """A city that was divided at `MIDDLE` until it was redrawn, and is one district since."""

    def box(west: float, east: float) -> str:
        ring = [[west, 42], [east, 42], [east, 43], [west, 43], [west, 42]]
        return json.dumps({"type": "Polygon", "coordinates": [ring]})

    rows = [("w", "West", box(WEST, MIDDLE), None, REDRAWN), ("e", "East", box(MIDDLE, EAST), None, REDRAWN),
            ("o", "One", box(WEST, EAST), REDRAWN, None)]  # fmt: skip
    names = ["district_id", "name", "geometry", "valid_from_on", "valid_to_on"]
    return pd.DataFrame(rows, columns=names).assign(kind="ward")


def made() -> list[dict]:
    chance = random.Random(311)
    spread = [datetime(2025, 9, 1) + timedelta(minutes=chance.randrange(380_000)) for _ in range(150)]
    rows = []
    for number, opened in enumerate([*NIGHTS * 4, *spread]):
        closed = opened + timedelta(seconds=chance.choice([-60, 0, 59, 86_400, 86_400 * 9, 86_400 * 4_000]))
        place = chance.choice(
            [(42.0 + chance.random(), WEST + chance.random()), (0.0, 0.0), (44.0, -71.2), (95.0, 0.0)]
        )
        rows.append(
            {
                "request_id": f"r{number:03}", "type_id": chance.choice(["a", "b", None, "?"]), "opened_at": opened,
                "closed_at": chance.choice([None, closed]), "updated_at": chance.choice([None, closed]),
                "due_at": chance.choice([None, opened + timedelta(hours=chance.randrange(-5, 90_000))]),
                "status": chance.choice([*CLOSED, *OPEN]), "department_id": chance.choice([None, "d", "unknown"]),
                "lat": place[0], "lon": place[1], "address": chance.choice([None, "12 Mercer St"]),
                "source_district": chance.choice([None, " wEst ", "one", "Nowhere"]), "src_system": "crm",
                "src_id": str(number),
            }
        )  # fmt: skip
    return rows


def calls() -> list[dict]:
    chance = random.Random(7)
    return [
        {
            "contact_id": f"c{number:03}", "arrived_at": at, "outcome": chance.choice(["answered", "abandoned"]),
            "ended_at": at + timedelta(seconds=chance.choice([-1, 300])), "talk_s": chance.choice([None, 60.0]),
            "hold_s": chance.choice([None, 5.0]), "wrap_s": chance.choice([None, 30.0]), "agent_id": "x",
            "request_id": chance.choice([None, "r003", "r999"]),
            "person_key": chance.choice([None, "p", "q"]), "reason": chance.choice([None, "Bills", "Permits"]),
            "direction": chance.choice([None, "in", "in", "out"]),
            "parent_contact_id": chance.choice([*[None] * 4, "c"]),
        }
        for number, at in enumerate(NIGHTS * 16)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def derived(tmp_path_factory) -> Iterator[Warehouse]:
    settings = Settings(data=Path(tmp_path_factory.mktemp("derived")))
    with Build(settings, {"city_id": "x", "name": "X", "tz": ZONE.key}) as build:
        build.write("department", pd.DataFrame({"department_id": ["d", "t"], "name": ["Streets", "Trees"]}))
        types = {"type_id": ["a", "b"], "name": ["Pothole", "Question"], "category": ["Roads", None],
                 "department_id": ["t", None], "is_info_only": [False, True], "is_internal": False}  # fmt: skip
        build.write("service_type", pd.DataFrame(types))
        build.write("district", areas())
        build.write("agent", pd.DataFrame({"agent_id": ["x"], "team": ["Red"]}))
        build.write("request", pd.DataFrame(made()))
        build.write("contact", pd.DataFrame(calls()))
        build.publish(as_of=AS_OF)
    found = Warehouse(settings)
    yield found
    found.close()


def local(at: datetime) -> datetime:
    return at.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZONE).replace(tzinfo=None)


def week(at: datetime) -> int:
    return at.weekday() * 24 + at.hour


def span(start: datetime, end: datetime | None) -> int | None:
    return None if end is None or end < start else math.floor((end - start).total_seconds())


def district_of(row: dict) -> tuple[str | None, bool]:
    """The district of a request, and whether its point lies in none."""
    ours = areas()
    on = local(row["opened_at"]).date()
    valid = ours[(ours["valid_from_on"].isna()) == (on < REDRAWN)]
    lat, lon = row["lat"], row["lon"]
    inside = None
    if 42 < lat < 43 and WEST < lon < EAST:
        inside = "One" if on >= REDRAWN else "West" if lon < MIDDLE else "East"
    word = (row["source_district"] or "").strip().casefold()
    named = next((name for name in valid["name"] if name.casefold() == word), None)
    return named or inside, abs(lat) <= 90 and (lat, lon) != (0.0, 0.0) and inside is None


def expected(row: dict) -> dict:
    opened, due, status = row["opened_at"], row["due_at"], row["status"]
    unwitnessed = row["closed_at"] is None and status in CLOSED
    closed = row["updated_at"] if unwitnessed else row["closed_at"]
    name, category, of_type = {"a": ("Pothole", "Roads", "t"), "b": ("Question", None, None)}.get(
        row["type_id"], (row["type_id"], None, None)
    )
    department = row["department_id"] or of_type
    district, outside = district_of(row)
    placed = abs(row["lat"]) <= 90 and row["lat"] != 0.0
    long = timedelta(days=3652)
    marks = {
        "closed_before_opened": closed and closed < opened, "zero_duration": closed == opened,
        "future": max(opened, closed or opened) > AS_OF + timedelta(days=1),
        "absurd": closed and closed - opened > long,
        "status_conflict": unwitnessed or (status in OPEN and closed), "due_before_opened": due and due < opened,
        "absurd_due": due and due - opened > long, "no_geo": abs(row["lat"]) > 90,
        "geo_placeholder": row["lat"] == 0.0, "outside_boundary": outside,
    }  # fmt: skip
    running = closed is None and status not in CLOSED
    return {
        "closed_at": closed, "opened_on": local(opened).date(), "opened_hour_of_week": week(local(opened)),
        "closed_on": closed and local(closed).date(), "due_on": due and local(due).date(),
        "service_type": name, "category": category, "is_info_only": row["type_id"] == "b",
        "department": {"d": "Streets", "t": "Trees"}.get(department, department), "district": district,
        "close_s": span(opened, closed), "promise_s": span(opened, due),
        "remaining_business_s": math.floor((due - AS_OF).total_seconds()) if due and running else None,
        "due_source": "source" if due else "none", "has_place": bool(placed or row["address"]),
        "is_duplicate": status == "merged_duplicate", "incident_id": row["request_id"], "activity_count": None,
        **{f"h3_{n}": h3.latlng_to_cell(row["lat"], row["lon"], n) if placed else None for n in (8, 9, 10)},
        "dq_flags": sum(FLAGS[name] for name, marked in marks.items() if marked),
    }  # fmt: skip


def rows_of(warehouse: Warehouse, table, key: str) -> dict[str, dict]:
    found = [dict(row._mapping) for row in warehouse.rows(select(table))]
    return {row[key]: row for row in found}


def test_every_request_is_what_plain_python_makes_of_it(derived: Warehouse) -> None:
    found = rows_of(derived, request, "request_id")
    assert len(found) == len(made())
    for row in made():
        wanted = expected(row)
        assert {name: found[row["request_id"]][name] for name in wanted} == wanted, row


def test_every_episode_lasts_until_its_request_is_over(derived: Warehouse) -> None:
    found = rows_of(derived, request_episode, "request_id")
    for row in made():
        one, opened = found[row["request_id"]], row["opened_at"]
        closed = expected(row)["closed_at"] or (opened if row["status"] in CLOSED else None)
        ends = max(closed, opened) if closed else None
        told = (one["opened_at"], one["closed_at"], one["closed_on"], one["ends_by"], one["seq"])
        assert told == (opened, ends, ends and local(ends).date(), "closed" if ends else None, 1)


def lines_of(rows: list[dict]) -> dict[tuple, list[dict]]:
    """Contacts of each person about each reason, in order of arrival."""
    found: dict[tuple, list[dict]] = {}
    for row in sorted(rows, key=lambda one: (one["arrived_at"], one["contact_id"])):
        who = (row["person_key"], row["reason"])
        if all(who) and row["direction"] != "out" and row["parent_contact_id"] is None:
            found.setdefault(who, []).append(row)
    return found


def neighbours(row: dict, lines: dict[tuple, list[dict]]) -> dict:
    line = lines.get((row["person_key"], row["reason"]), [])
    if row not in line:
        return {"is_caller_known": False, "previous_at": None, "repeated_at": None}
    at = line.index(row)
    before, after = (line[i]["arrived_at"] if 0 <= i < len(line) else None for i in (at - 1, at + 1))
    return {"is_caller_known": True, "previous_at": before, "repeated_at": after}


def test_every_contact_is_what_plain_python_makes_of_it(derived: Warehouse) -> None:
    found = rows_of(derived, contact, "contact_id")
    types = {row["request_id"]: expected(row)["service_type"] for row in made()}
    lines = lines_of(calls())
    assert sum(len(line) > 1 for line in lines.values()) == 4
    for row in calls():
        at = local(row["arrived_at"])
        parts = [row[name] for name in ("talk_s", "hold_s", "wrap_s") if row[name] is not None]
        wanted = {
            "arrived_on": at.date(), "arrived_hour_of_week": week(at),
            "arrived_half_hour": at.hour * 2 + at.minute // 30, "team": "Red",
            "handle_s": sum(parts) if parts and row["outcome"] == "answered" else None,
            "service_type": types.get(row["request_id"]), **neighbours(row, lines),
            "dq_flags": FLAGS["closed_before_opened"] if row["ended_at"] < row["arrived_at"] else 0,
        }  # fmt: skip
        assert {name: found[row["contact_id"]][name] for name in wanted} == wanted, row
