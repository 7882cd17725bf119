"""What a build promises: everything derived, published at once, one at a time, and nothing lost on the way."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from h3.api import basic_int as h3
from sqlalchemy import cast, create_engine, func, literal, literal_column, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import BigInteger, Numeric

from dashboard.app import create_app
from dashboard.domain.errors import BadRequest, DataUnavailable, ImportRefused
from dashboard.services import Services
from dashboard.settings import Settings
from data_access import schema
from data_access.build import Build
from data_access.engine import Warehouse, builds_folder
from data_access.schema import FLAGS, contact, request, request_episode, survey
from tests import city
from tests.client import ask, controls

CITY = {"city_id": "tiny", "name": "Tiny", "tz": "America/New_York"}
WEEK = json.dumps([[["08:00", "17:00"]]] * 5 + [[], []])


def square(west: float, east: float) -> str:
    south, north = 42.44, 42.52
    return json.dumps(
        {
            "type": "Polygon",
            "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
        }
    )


def at(written: str) -> datetime:
    return datetime.fromisoformat(written)


def write_dimensions(build: Build) -> None:
    build.write("calendar", pd.DataFrame([{"calendar_id": "office", "name": "Office", "weekly_windows": WEEK}]))
    closed = {"calendar_id": "office", "day_on": date(2026, 7, 3), "is_business": False, "holiday_name": "Holiday"}
    build.write("calendar_day", pd.DataFrame([closed]))
    build.write("department", pd.DataFrame([{"department_id": "PW", "name": "Public Works", "calendar_id": "office"}]))
    pothole = {
        "type_id": "PH", "name": "Pothole", "category": "Roads", "department_id": "PW",
        "is_info_only": False, "is_internal": False, "duplicate_radius_m": 50, "duplicate_days": 14,
    }  # fmt: skip
    question = {"type_id": "Q", "name": "Question", "is_info_only": True, "is_internal": False}
    build.write("service_type", pd.DataFrame([pothole, question]))
    day = {
        "type_id": "PH", "target_value": 1, "target_unit": "business_days", "mode": "same_time",
        "calendar_id": "office",
    }  # fmt: skip
    build.write(
        "sla_version",
        pd.DataFrame(
            [
                {**day, "sla_id": "old", "valid_to_on": date(2026, 1, 1), "target_value": 9},
                {**day, "sla_id": "now", "valid_from_on": date(2026, 1, 1)},
                {
                    **day,
                    "sla_id": "urgent",
                    "priority": "high",
                    "target_value": 3600,
                    "target_unit": "business_seconds",
                },
            ]
        ),
    )
    build.write(
        "district",
        pd.DataFrame(
            [
                {"district_id": "1", "kind": "ward", "name": "West End", "geometry": square(-71.52, -71.5)},
                {"district_id": "2", "kind": "ward", "name": "East End", "geometry": square(-71.5, -71.48)},
            ]
        ),
    )
    build.write("agent", pd.DataFrame([{"agent_id": "a", "team": "Red"}]))


REQUESTS = pd.DataFrame(
    [
        # Friday 16:00 local, due the same time on the next business day; closed late, after a pause over its morning.
        ("r1", "PH", None, "2026-06-26 20:00", "2026-06-29 21:00", "closed", 42.5, -71.51, None),
        # Thursday 16:30 before a holiday, urgent: the last half hour of Thursday, the first of Monday.
        ("r2", "PH", "high", "2026-07-02 20:30", None, "new", 42.5, -71.49, None),
        # Closed before it was opened; the source names the district.
        ("r3", "PH", None, "2026-07-06 14:00", "2026-07-06 13:00", "closed", 0.0, 0.0, " west  end"),
        # Near r1, while it is open: the same hole.
        ("r4", "PH", None, "2026-06-27 12:00", None, "new", 42.5002, -71.51, None),
        # Information only, no department, no place; status and time of closing disagree.
        ("r5", "Q", None, "2026-11-01 05:30", None, "closed", None, None, None),
        # Reopened once.
        ("r6", "PH", None, "2026-07-07 14:00", "2026-07-10 14:00", "closed", 42.45, -71.485, None),
    ],
    columns=["request_id", "type_id", "priority", "opened_at", "closed_at", "status", "lat", "lon", "source_district"],
).assign(
    opened_at=lambda rows: pd.to_datetime(rows["opened_at"]),
    closed_at=lambda rows: pd.to_datetime(rows["closed_at"]),
    src_system="crm",
    src_id=lambda rows: rows["request_id"],
    row_hash=range(6),
)


def write_facts(build: Build, requests: pd.DataFrame = REQUESTS) -> None:
    write_dimensions(build)
    build.write("request", requests)
    build.write(
        "request_event",
        pd.DataFrame(
            [
                {"event_id": "e1", "request_id": "r6", "event_at": at("2026-07-08 14:00"), "kind": "close"},
                {"event_id": "e2", "request_id": "r6", "event_at": at("2026-07-09 14:00"), "kind": "reopen"},
                {"event_id": "e3", "request_id": "r6", "event_at": at("2026-07-10 14:00"), "kind": "close"},
            ]
        ),
    )
    pause = {"request_id": "r1", "start_at": at("2026-06-29 12:00"), "end_at": at("2026-06-29 16:00")}
    build.write("request_pause", pd.DataFrame([pause]))
    build.write(
        "contact",
        pd.DataFrame(
            [
                {"contact_id": "c1", "arrived_at": at("2026-07-06 13:45"), "outcome": "answered", "talk_s": 60.0,
                 "wrap_s": 20.0, "agent_id": "a", "channel": "phone"},
                {"contact_id": "c2", "arrived_at": at("2026-07-06 04:10"), "outcome": "abandoned", "wait_s": 9.0,
                 "channel": "phone"},
            ]
        ),
    )  # fmt: skip
    build.write("survey", pd.DataFrame([{"survey_id": "s", "request_id": "r1", "sent_at": at("2026-07-01 03:00")}]))


def fill(settings: Settings, requests: pd.DataFrame = REQUESTS, **city) -> str:
    with Build(settings, {**CITY, **city}, infer_duplicates=True) as build:
        write_facts(build, requests)
        return build.publish().build_id


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """What the rows above become, on each engine; only read."""
    database = request.getfixturevalue("new_database")() if request.param == "postgres" else ""
    settings = Settings(data=tmp_path_factory.mktemp("built"), database=database)
    fill(settings)
    found = Warehouse(settings)
    yield found
    found.close()


def flagged(bits: int) -> set[str]:
    return {name for name, bit in FLAGS.items() if bits & bit}


def test_nothing_in_service_says_what_to_do(store: Settings) -> None:
    with pytest.raises(DataUnavailable, match="dashboard311 demo"):
        Warehouse(store).build_id()


def test_requests_are_derived(warehouse: Warehouse) -> None:
    rows = warehouse.frame(select(request).order_by(request.c.request_id)).set_index("request_id")
    assert rows["opened_on"].dt.date.to_list()[:4] == [
        date(2026, 6, 26), date(2026, 7, 2), date(2026, 7, 6), date(2026, 6, 27),
    ]  # fmt: skip
    assert rows.loc["r1", "opened_hour_of_week"] == 4 * 24 + 16
    assert rows.loc["r1", ["department", "service_type", "category"]].to_list() == ["Public Works", "Pothole", "Roads"]
    # One business day on: Monday 16:00, and four hours of pause push it to Tuesday 11:00 local.
    assert rows.loc["r1", "due_at"] == pd.Timestamp("2026-06-30 15:00")
    assert rows.loc["r1", ["due_source", "sla_id"]].to_list() == ["computed", "now"]
    assert rows.loc["r1", "close_s"] == 73 * 3600
    assert rows.loc["r1", ["business_open_s", "paused_business_s"]].to_list() == [6 * 3600, 4 * 3600]
    assert rows.loc["r2", ["sla_id", "due_at"]].to_list() == ["urgent", pd.Timestamp("2026-07-06 12:30")]
    assert rows.loc["r2", "promise_s"] == 3 * 86400 + 16 * 3600
    assert rows["district"].to_list()[:4] == ["West End", "East End", "West End", "West End"]
    assert pd.isna(rows.loc["r3", "close_s"]) and rows.loc["r3", "closed_at"] == pd.Timestamp("2026-07-06 13:00")
    assert rows.loc["r5", "due_source"] == "none" and bool(rows.loc["r5", "is_info_only"])
    assert rows["incident_id"].to_list() == ["r1", "r2", "r3", "r1", "r5", "r6"]
    assert rows["is_duplicate"].to_list() == [False, False, False, True, False, False]
    assert {name: flagged(bits) for name, bits in rows["dq_flags"].items()} == {
        "r1": set(), "r2": set(), "r3": {"closed_before_opened", "geo_placeholder"}, "r4": set(),
        "r5": {"status_conflict", "no_geo"}, "r6": set(),
    }  # fmt: skip


def test_cells_are_exact_although_some_are_missing(warehouse: Warehouse) -> None:
    rows = warehouse.frame(select(request.c.request_id, request.c.h3_9).order_by(request.c.request_id))
    assert int(rows["h3_9"][0]) == h3.latlng_to_cell(42.5, -71.51, 9)
    assert rows["h3_9"].isna().to_list() == [False, False, True, False, True, False]


def test_a_reopened_request_has_two_episodes(warehouse: Warehouse) -> None:
    order = (request_episode.c.request_id, request_episode.c.seq)
    rows = warehouse.frame(select(request_episode).order_by(*order))
    again = rows[rows["request_id"] == "r6"]
    assert again[["seq", "opened_at", "closed_at"]].to_numpy().tolist() == [
        [1, pd.Timestamp("2026-07-07 14:00"), pd.Timestamp("2026-07-08 14:00")],
        [2, pd.Timestamp("2026-07-09 14:00"), pd.Timestamp("2026-07-10 14:00")],
    ]
    assert (again["first_opened_at"] == pd.Timestamp("2026-07-07 14:00")).all()
    never = rows[rows["request_id"].isin(["r3", "r5"])]
    assert (never["closed_at"] == never["opened_at"]).all()  # never waiting: closed before, or no one knows when
    assert len(rows) == 7


def test_contacts_and_surveys_are_derived(warehouse: Warehouse) -> None:
    rows = warehouse.frame(select(contact).order_by(contact.c.contact_id))
    assert rows["handle_s"].to_list()[0] == 80 and np.isnan(rows["handle_s"][1])
    assert rows["arrived_half_hour"].to_list() == [19, 0]
    assert rows["arrived_on"].dt.date.to_list() == [date(2026, 7, 6)] * 2
    assert rows["team"][0] == "Red"
    asked = warehouse.frame(select(survey))
    assert asked["department"][0] == "Public Works" and asked["sent_on"][0] == pd.Timestamp("2026-06-30")


def test_the_build_says_what_it_covers(warehouse: Warehouse) -> None:
    about, city = warehouse.build(), warehouse.city()
    assert (about.requests, about.contacts, about.flagged) == (6, 2, 2)
    assert about.as_of == at("2026-11-01 05:30") and about.data_from_on == date(2026, 6, 26)
    assert about.data_to_on == date(2026, 11, 1) and about.contacts_from_on == date(2026, 7, 6)
    assert (city.name, city.answer_within_s, city.is_made_up) == ("Tiny", 60, False)


def test_frames_are_alike_on_every_engine(warehouse: Warehouse) -> None:
    kinds = warehouse.frame(
        select(
            request.c.opened_at, request.c.opened_on, request.c.dq_flags, request.c.lat, request.c.status,
            cast(literal(2.5), Numeric(10, 2)).label("decimal"), func.sum(request.c.close_s).over().label("total"),
        ).where(request.c.request_id == "r1")
    ).dtypes  # fmt: skip
    assert [str(kind) for kind in kinds] == [
        "datetime64[us]", "datetime64[us]", "int64", "float64", "str", "float64", "float64",
    ]  # fmt: skip
    empty = warehouse.frame(select(request.c.opened_on, request.c.close_s).where(request.c.request_id == "none"))
    assert [str(kind) for kind in empty.dtypes] == ["datetime64[us]", "int64"]


def test_a_running_reader_switches_to_the_new_build(store: Settings) -> None:
    first = fill(store)
    warehouse = Warehouse(store)
    assert warehouse.build_id() == first
    second = fill(store, REQUESTS[:3])
    time.sleep(1.1)
    assert warehouse.build_id() == second
    assert warehouse.rows(select(func.count()).select_from(request))[0][0] == 3
    warehouse.close()


def test_a_long_question_is_cancelled(store: Settings) -> None:
    fill(store)
    warehouse = Warehouse(Settings(data=store.data, database=store.database, query_seconds=0.3))
    endless = select(func.count()).select_from(
        select(func.generate_series(1, cast(3_000_000_000, BigInteger)).label("n")).subquery()
    )
    if not store.database:
        many = func.range(0, 10_000_000_000).table_valued("range")
        endless = select(func.sum(func.sqrt(many.c.range))).select_from(many)
    with pytest.raises(DataUnavailable, match=r"longer than 0\.3 seconds"):
        warehouse.frame(endless)
    assert warehouse.rows(select(func.count()).select_from(request))[0][0] == 6
    warehouse.close()


def test_a_reader_writes_nothing(store: Settings) -> None:
    fill(store)
    warehouse = Warehouse(store)
    with pytest.raises(Exception, match="read-only"):
        warehouse.rows(request.delete())  # type: ignore[arg-type]
    warehouse.close()


HALFWAY = """
import sys, time
sys.path[:0] = {path!r}
from test_build import *
settings = Settings(data=Path({data!r}), database={database!r})
with Build(settings, CITY) as build:
    write_facts(build, REQUESTS[:2])
    build.finish()
    print("halfway", flush=True)
    time.sleep(60)
"""


def test_a_killed_build_changes_nothing(store: Settings) -> None:
    first = fill(store)
    script = HALFWAY.format(
        path=[str(Path(__file__).parent), os.getcwd()], data=str(store.data), database=store.database
    )
    running = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None and running.stdout.readline() == "halfway\n"
    with pytest.raises(DataUnavailable, match="Another import"), Build(store, CITY):
        pass
    running.send_signal(signal.SIGKILL)
    running.wait()
    running.stdout.close()
    warehouse = Warehouse(store)
    assert warehouse.build_id() == first
    assert warehouse.rows(select(func.count()).select_from(request))[0][0] == 6
    warehouse.close()
    for attempt in range(50):  # PostgreSQL notices a moment later that the other end is gone
        try:
            fill(store, REQUESTS[:2])
            break
        except DataUnavailable:
            assert attempt < 49
            time.sleep(0.1)
    assert not list((store.data / "builds").glob("*.part*"))


def test_a_build_that_fails_leaves_no_trace(store: Settings) -> None:
    first = fill(store)
    with pytest.raises(BadRequest, match="no source column colour"), Build(store, CITY) as build:
        build.write("request", REQUESTS.assign(colour="red"))
    with pytest.raises(BadRequest, match="opened_at"), Build(store, CITY) as build:
        build.write("request", REQUESTS.drop(columns="opened_at"))
    with pytest.raises(BadRequest, match="close_s"), Build(store, CITY) as build:
        build.write("request", REQUESTS.assign(close_s=1))
    warehouse = Warehouse(store)
    assert warehouse.build_id() == first
    warehouse.close()
    assert not list((store.data / "builds").glob("*.part*"))


def test_a_types_own_target_is_the_one_in_force_when_the_data_ends(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    day = {"target_value": 1, "target_unit": "calendar_days", "mode": "same_time", "calendar_id": "office"}
    goals = [
        ("PH", None, 0.7, None, date(2026, 1, 1)), ("PH", None, 0.9, date(2026, 1, 1), None),
        ("PH", "high", 0.9, date(2026, 1, 1), None), ("PH", None, 0.95, date(2027, 1, 1), None),
        # One that differs by priority is no one number, one that is not set is the city's.
        ("SL", "high", 0.95, None, None), ("SL", "low", 0.8, None, None), ("T", None, None, None, None),
    ]  # fmt: skip
    names = ("type_id", "priority", "target_share", "valid_from_on", "valid_to_on")
    rows = [{**day, "sla_id": str(i), **dict(zip(names, goal, strict=True))} for i, goal in enumerate(goals)]
    with Build(settings, CITY) as build:
        write_facts(build, REQUESTS)
        build.write(
            "service_type",
            pd.DataFrame(
                {"type_id": ["SL", "T"], "name": ["Street light", "Tree"], "is_info_only": False, "is_internal": False}
            ),
        )
        build.write("sla_version", pd.DataFrame(rows))
        build.publish()
    services = Services(settings)
    assert services.targets() == {"Pothole": 0.9}
    services.warehouse.close()


def test_the_build_before_is_kept_for_running_readers_and_no_older_one(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    ids = [fill(settings) for _ in range(3)]
    assert {path.name for path in (tmp_path / "builds").glob("*.duckdb")} == {f"city-{one}.duckdb" for one in ids[1:]}


def test_only_what_is_new_is_replaced(store: Settings) -> None:
    fill(store)
    changed = REQUESTS[1:3].assign(status=["assigned", "closed"], row_hash=[100, 2])
    with Build(store, CITY, infer_duplicates=True) as build:
        build.write("request", changed)
        kept = build.carry_over()
        build.publish()
    assert (kept.updated, kept.unchanged) == (1, 1)
    warehouse = Warehouse(store)
    rows = warehouse.frame(select(request).order_by(request.c.request_id)).set_index("request_id")
    assert rows["status"].to_list() == ["closed", "assigned", "closed", "new", "closed", "closed"]
    assert rows.loc["r1", ["due_source", "sla_id", "district"]].to_list() == ["computed", "now", "West End"]
    assert rows["incident_id"].to_list() == ["r1", "r2", "r3", "r1", "r5", "r6"]
    assert len(warehouse.frame(select(request_episode))) == 7
    assert len(warehouse.frame(select(contact))) == 2
    warehouse.close()


def test_a_close_that_nobody_dated_is_none_of_the_source(store: Settings) -> None:
    closed = REQUESTS[:1].assign(status="closed", closed_at=pd.NaT, updated_at=at("2026-07-20 10:00"), src_id="u1")
    closed = closed.assign(src_system="crm", row_hash=1)
    with Build(store, CITY) as build:
        write_dimensions(build)
        build.write("request", closed)
        assert build.publish().flags["status_conflict"] == 1
    with Build(store, CITY) as build:
        build.write("request", closed.assign(row_hash=2, note="One word more"))
        assert build.carry_over().events == {}  # it was neither opened again nor closed since
        assert build.publish().flags["status_conflict"] == 1
    with Build(store, CITY) as build:
        build.carry_over()
        assert build.publish().flags["status_conflict"] == 1
    warehouse = Warehouse(store)
    assert warehouse.frame(select(request.c.closed_at))["closed_at"].to_list() == [at("2026-07-20 10:00")]
    warehouse.close()


def test_another_real_city_is_not_replaced_by_mistake(store: Settings) -> None:
    fill(store, is_made_up=True)
    fill(store, city_id="real")  # the made-up city gives way
    with pytest.raises(ImportRefused, match="--replace"), Build(store, {**CITY, "city_id": "else"}) as build:
        build.carry_over()
    with Build(store, {**CITY, "city_id": "else"}) as build:
        assert build.carry_over(replace=True).carried == 0
        build.publish()
    warehouse = Warehouse(store)
    assert warehouse.city().city_id == "else" and warehouse.build().requests == 0
    warehouse.close()


def test_instants_may_carry_any_zone(store: Settings) -> None:
    local = REQUESTS[:1].assign(
        opened_at=lambda rows: rows["opened_at"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    )
    with Build(store, CITY) as build:
        write_dimensions(build)
        build.write("request", local)
        summary = build.publish(as_of=datetime(2026, 12, 1, 12, tzinfo=UTC))
    assert summary.as_of == at("2026-12-01 12:00")
    warehouse = Warehouse(store)
    assert warehouse.frame(select(request.c.opened_at))["opened_at"][0] == REQUESTS["opened_at"][0]
    warehouse.close()


def test_a_database_that_others_filled_is_read_and_never_replaced(tmp_path: Path, new_database) -> None:
    settings = Settings(data=tmp_path, database=new_database())
    engine = create_engine(settings.database)
    with engine.begin() as connection:
        connection.execute(CreateTable(request, include_foreign_key_constraints=[]))
        own = {"request_id": "1", "opened_at": at("2026-07-01 10:00"), "closed_at": at("2026-07-02 10:00")}
        connection.execute(request.insert(), {**own, "status": "closed"})
    engine.dispose()
    warehouse = Warehouse(settings)
    assert warehouse.build_id() == "20260702T100000-1-0" and warehouse.build().as_of == at("2026-07-02 10:00")
    assert warehouse.city().name == "The city"
    warehouse.close()
    with pytest.raises(ImportRefused, match="no build wrote"), Build(settings, CITY):
        pass


def test_a_column_of_midnights_is_a_column_of_dates(store: Settings) -> None:
    days = pd.date_range("2026-06-01 04:00", periods=80, freq="D")
    dated = pd.DataFrame({"request_id": [f"d{n}" for n in range(80)], "opened_at": days, "status": "new", "lat": 42.2})
    dated["lon"] = -71.3 - np.arange(80) / 1000
    dated.loc[:9, "lon"] = -71.25  # more than 5 %, but too few rows to be a placeholder
    with Build(store, CITY) as build:
        build.write("request", dated)
        flags = build.publish().flags
    assert flags == {"midnight_only": 80}
    hours = pd.to_timedelta(60 + np.arange(80), unit="min")
    exact = dated.assign(opened_at=days + hours, due_at=days + pd.Timedelta(days=9))
    with Build(store, CITY) as build:
        build.write("request", exact)
        flags = build.publish().flags
    assert not flags  # a promise by the day takes no hour from anything


def test_a_fact_lies_in_the_order_of_time_however_it_was_written_and_in_however_many_stretches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, n = np.random.default_rng(311), 3000
    opened = pd.Timestamp("2026-06-01 04:00") + pd.to_timedelta(chance.integers(0, 40 * 86400, n), "s")
    many = pd.DataFrame({"request_id": [f"m{one}" for one in range(n)], "type_id": "PH", "opened_at": opened})
    many = many.assign(
        closed_at=opened + pd.to_timedelta(chance.integers(0, 9 * 86400, n), "s"), status="closed",
        lat=42.45 + chance.random(n) / 20, lon=-71.515 + chance.random(n) / 40,
    )  # fmt: skip

    def built(rows_at_once: int) -> pd.DataFrame:
        monkeypatch.setattr("data_access.work_file.WINDOW_ROWS", rows_at_once)
        settings = Settings(data=tmp_path / str(rows_at_once))
        with Build(settings, CITY) as build:
            write_dimensions(build)
            build.write("request", many)
            build.publish()
        warehouse = Warehouse(settings)
        try:
            return warehouse.frame(select(request).order_by(literal_column("rowid")))
        finally:
            warehouse.close()

    whole, parts = built(n), built(200)
    order = many.sort_values(["opened_at", "request_id"])
    assert list(whole["request_id"]) == list(order["request_id"])
    assert list(whole["opened_at"]) == list(order["opened_at"])
    assert whole["h3_9"].notna().all() and whole["district"].notna().all() and whole["due_at"].notna().all()
    assert whole["address"].isna().all() and whole["priority"].isna().all()
    pd.testing.assert_frame_equal(parts, whole)


def test_data_that_an_earlier_version_prepared_says_what_to_do(tmp_path, monkeypatch):
    settings = Settings(data=tmp_path, cache="off")
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "VERSION", schema.VERSION - 1)
        with Build(settings, {**city.CITY, "is_made_up": False}) as build:
            city.write(build)
            build.publish(as_of=city.AS_OF)
    services = Services(settings)
    try:
        with pytest.raises(DataUnavailable, match="earlier version.*dashboard311 import"):
            services.build()
        said = ask(create_app(settings).server.test_client(), controls("/", "")).get_json()["response"]
        bar = said["filter-bar"]["data-markup"]
        assert "An earlier version prepared" in bar and "without it" not in bar  # no filter is to blame
        with Build(settings, {**city.CITY, "is_made_up": False}) as build:
            kept = build.carry_over()
            build.publish(as_of=city.AS_OF)
        assert kept.carried
        services.warehouse.close()
        assert services.build().requests == 21
    finally:
        services.warehouse.close()


def test_a_role_without_rights_is_told_before_anything_is_read(tmp_path: Path, new_database, caplog) -> None:
    database = make_url(new_database())
    weak = database.set(username="weak", password="weak")  # noqa: S106
    owner = create_engine(database, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.exec_driver_sql("CREATE ROLE weak LOGIN PASSWORD 'weak'")
    fill(Settings(data=tmp_path, database=database.render_as_string(hide_password=False)))
    owner.dispose()
    settings = Settings(data=tmp_path, database=weak.render_as_string(hide_password=False))
    with pytest.raises(ImportRefused, match="Let weak own the database"), Build(settings, CITY):
        pass
    with pytest.raises(DataUnavailable, match="does not answer"):
        Warehouse(settings).city()
    assert "permission denied for table city" in caplog.text


def test_what_the_database_refuses_leaves_the_data_in_service(tmp_path: Path, new_database) -> None:
    settings = Settings(data=tmp_path, database=new_database())
    fill(settings, name="As it was")
    engine = create_engine(settings.database, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:  # somebody's view stands on a table that is to make room
        connection.exec_driver_sql("CREATE VIEW ours AS SELECT request_id FROM request")
    engine.dispose()
    with pytest.raises(DataUnavailable, match="what was in service stays so. It said: cannot drop table request"):
        fill(replace(settings, data=tmp_path / "elsewhere"), name="As it would be")
    warehouse = Warehouse(settings)
    assert warehouse.city().name == "As it was"
    warehouse.close()
    assert not list((tmp_path / "elsewhere" / "builds").glob("*.duckdb*"))


def test_where_there_is_no_room_the_data_in_service_stays(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    before = fill(settings)
    folder = builds_folder(settings)
    files = sorted(folder.iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for room in (0, 300_000):  # so that not even the file can be begun, or not all of it written
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
        try:
            with pytest.raises(DataUnavailable, match="what was in service stays so. IO Error"):
                fill(settings)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert sorted(folder.iterdir()) == files
    warehouse = Warehouse(settings)
    assert warehouse.build_id() == before
    warehouse.close()
    assert folder.stat().st_mode & 0o077 == 0


def test_what_was_asked_for_stands_in_no_error(store: Settings) -> None:
    fill(store)
    warehouse = Warehouse(store)
    wrong = select(literal_column("nothing_like_it")).where(request.c.address == "12 Elm Street")
    with pytest.raises(DBAPIError) as told:
        warehouse.rows(wrong)
    assert "12 Elm Street" not in str(told.value)
    warehouse.close()


def test_screens_read_the_replica_and_imports_the_database(tmp_path: Path, new_database) -> None:
    settings = Settings(data=tmp_path, database=new_database(), replica=new_database(), cache="off")
    fill(Settings(data=tmp_path, database=settings.replica), name="As it was replicated")
    fill(settings, name="As it was imported")
    readers = (Services(settings).warehouse, Services(replace(settings, replica="")).warehouse, Warehouse(settings))
    try:
        assert [one.city().name for one in readers] == ["As it was replicated", *["As it was imported"] * 2]
    finally:
        for one in readers:
            one.close()
