"""The made-up city is always the same, hangs together, and its stories can be found in the numbers."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import shape

from data_access import schema
from data_access.demo import stories
from data_access.demo.catalogue import CATEGORIES, TYPES
from data_access.demo.contacts import erlang_a
from data_access.demo.geography import DISTRICTS, ground, metres
from data_access.demo_city import AS_OF, CITY, STORIES, demo_tables

SCALE = 0.02
ONE_OF = {"request": "request_id", "contact": "contact_id", "request_event": "event_id", "survey": "survey_id",
          "inspection": "inspection_id", "agent_shift": "shift_id"}  # fmt: skip
REFERS = (
    ("request", "type_id", "service_type", "type_id"),
    ("request", "department_id", "department", "department_id"),
    ("request", "contact_id", "contact", "contact_id"),
    ("request", "parent_request_id", "request", "request_id"),
    ("request", "asset_id", "asset", "asset_id"),
    ("request", "route_id", "route", "route_id"),
    ("request_event", "request_id", "request", "request_id"),
    ("request_event", "department_id", "department", "department_id"),
    ("request_pause", "request_id", "request", "request_id"),
    ("contact", "agent_id", "agent", "agent_id"),
    ("contact", "request_id", "request", "request_id"),
    ("inspection", "request_id", "request", "request_id"),
    ("survey", "request_id", "request", "request_id"),
    ("asset_status", "asset_id", "asset", "asset_id"),
    ("agent_shift", "agent_id", "agent", "agent_id"),
    ("agent_state", "agent_id", "agent", "agent_id"),
    ("route_day", "route_id", "route", "route_id"),
    ("service_type", "department_id", "department", "department_id"),
    ("sla_version", "type_id", "service_type", "type_id"),
    ("sla_version", "calendar_id", "calendar", "calendar_id"),
    ("budget_line", "department_id", "department", "department_id"),
    ("activity_driver", "type_id", "service_type", "type_id"),
)


def gather(**how) -> dict[str, pd.DataFrame]:
    tables: dict[str, list[pd.DataFrame]] = {}
    for name, frame in demo_tables(**how):
        tables.setdefault(name, []).append(frame)
    return {name: pd.concat(frames, ignore_index=True) for name, frames in tables.items()}


@pytest.fixture(scope="module")
def small() -> dict[str, pd.DataFrame]:
    return gather(scale=SCALE)


@pytest.fixture(scope="module")
def town() -> dict[str, pd.DataFrame]:
    tables = gather(scale=0.3)
    types = pd.Series({kind.type_id: kind.name for kind in TYPES})
    requests = tables["request"]
    requests["kind"] = requests["type_id"].map(types)
    local = requests["opened_at"].dt.tz_localize("UTC").dt.tz_convert(CITY["tz"])
    requests["day"] = local.dt.normalize().dt.tz_localize(None)
    requests["x"], requests["y"] = metres(requests["lon"], requests["lat"])
    return tables


def within(requests: pd.DataFrame, cell: tuple[str, float, float], far: float) -> pd.DataFrame:
    x, y = metres(cell[2], cell[1])
    return requests[np.hypot(requests["x"] - x, requests["y"] - y) < far]


def between(requests: pd.DataFrame, first: str, end: str) -> pd.DataFrame:
    return requests[(requests["day"] >= first) & (requests["day"] < end)]


def test_two_runs_are_equal(small):
    again = gather(scale=SCALE)
    assert list(again) == list(small)
    for name, frame in small.items():
        pd.testing.assert_frame_equal(again[name], frame)


def test_another_seed_is_another_city():
    one, other = (next(f for name, f in demo_tables(seed=s, scale=SCALE, years=1) if name == "request") for s in (1, 2))
    assert len(one) != len(other) or not one["opened_at"].equals(other["opened_at"])


def test_dimensions_come_before_facts_and_facts_in_order_of_time():
    seen, last = [], pd.Timestamp(0)
    for name, frame in demo_tables(scale=SCALE):
        seen.append(name)
        if name == "request":
            assert frame["opened_at"].min() >= last
            assert frame["opened_at"].is_monotonic_increasing
            last = frame["opened_at"].max()
    assert seen.index("request") > max(seen.index(name) for name in ("service_type", "district", "agent", "route"))


def test_columns_are_those_a_source_supplies(small):
    assert set(CITY) == {column.name for column in schema.city.columns}
    for name, frame in small.items():
        table = schema.metadata.tables[name]
        supplied = {column.name for column in table.columns if not column.info.get("derived")}
        assert set(frame.columns) <= supplied, name
        for column in table.columns:
            if not column.nullable and not column.info.get("derived"):
                assert frame[column.name].notna().all(), f"{name}.{column.name}"


def test_every_column_of_the_facts_is_filled_somewhere(small):
    unused = {("request", "sla_id"), ("request", "import_id"), ("request", "row_hash"), ("contact", "import_id"),
              ("contact", "row_hash"), ("contact", "parent_contact_id"), ("inspection", "asset_id"),
              ("agent_state", "contact_id"), ("survey", "contact_id")}  # fmt: skip
    for name in (*ONE_OF, "request_pause", "agent_state", "asset_status"):
        for column in schema.metadata.tables[name].columns:
            if not column.info.get("derived") and (name, column.name) not in unused:
                assert small[name][column.name].notna().any(), f"{name}.{column.name}"


def test_ids_are_unique_and_references_valid(small):
    for name, table in small.items():
        key = [column.name for column in schema.metadata.tables[name].primary_key]
        if key:
            assert not table.duplicated(key).any(), name
    assert not small["request"]["public_id"].duplicated().any()
    for name, column, target, key in (*REFERS, ("refused_row", "import_id", "import_batch", "import_id")):
        assert small[name][column].dropna().isin(small[target][key]).all(), f"{name}.{column}"


def test_catalogue_is_of_the_promised_size():
    assert len(TYPES) == 120
    assert len(CATEGORIES) == 12
    assert len({kind.department for kind in TYPES}) == 14
    assert len({kind.name for kind in TYPES}) == 120


def test_districts_tile_the_city(small):
    g = ground()
    areas = [s.area for s in g.districts]
    assert sum(areas) == pytest.approx(g.city.area, rel=1e-9)
    assert shapely.coverage_is_valid(np.array(g.districts))
    assert all(s.geom_type == "Polygon" for s in g.districts)
    assert list(small["district"]["name"]) == list(DISTRICTS)
    assert small["district"]["population"].sum() == pytest.approx(246_800, abs=10)
    assert {"city", "water", "park", "road"} == set(small["map_feature"]["kind"])


def test_no_request_lies_in_the_river_or_outside_the_city(town):
    water = shape(json.loads(town["map_feature"].loc[town["map_feature"]["kind"] == "water", "geometry"].iloc[0]))
    city = shape(json.loads(town["map_feature"].loc[town["map_feature"]["kind"] == "city", "geometry"].iloc[0]))
    placed = town["request"][town["request"]["lat"].notna() & (town["request"]["lat"] != 0)]
    assert not shapely.contains_xy(water, placed["lon"], placed["lat"]).any()
    assert shapely.contains_xy(city, placed["lon"], placed["lat"]).all()
    assert placed["address"].notna().all()


def test_duplicates_lie_near_their_parent_in_place_and_time(town):
    requests = town["request"].set_index("request_id")
    children = requests[requests["parent_request_id"].notna() & requests["lat"].notna() & (requests["lat"] != 0)]
    parents = requests.loc[children["parent_request_id"]]
    assert 0.045 < requests["parent_request_id"].notna().mean() < 0.075
    assert (children["type_id"].to_numpy() == parents["type_id"].to_numpy()).all()
    assert (children["opened_at"].to_numpy() >= parents["opened_at"].to_numpy()).all()
    far = np.hypot(
        children["x"].to_numpy() - parents["x"].to_numpy(), children["y"].to_numpy() - parents["y"].to_numpy()
    )
    known = parents["lat"].notna().to_numpy() & (parents["lat"].to_numpy() != 0)
    assert np.quantile(far[known], 0.99) < 75


def test_events_tell_the_same_story_as_the_request(town):
    requests = town["request"].set_index("request_id")
    requests = requests[requests["closed_at"].isna() | (requests["closed_at"] >= requests["opened_at"])]
    events = town["request_event"]
    by_kind = {kind: rows.groupby("request_id")["event_at"] for kind, rows in events.groupby("kind")}
    assert by_kind["created"].min().reindex(requests.index).equals(requests["opened_at"].rename("event_at"))
    first = by_kind["close"].min().reindex(requests.index)
    pd.testing.assert_series_equal(first, requests["first_closed_at"], check_names=False)
    closes = by_kind["close"].size().reindex(requests.index, fill_value=0)
    reopens = by_kind["reopen"].size().reindex(requests.index, fill_value=0)
    assert (reopens == requests["reopen_count"]).all()
    closed = requests["closed_at"].notna()
    assert (closes[closed] == reopens[closed] + 1).all()
    assert (closes[~closed] == reopens[~closed]).all()
    last = by_kind["close"].max().reindex(requests.index)
    assert (last[closed] == requests["closed_at"][closed]).all()
    moved = by_kind["transfer"].size().reindex(requests.index, fill_value=0)
    assert (moved == requests["transfer_count"]).all()
    assert 3 <= len(events) / len(requests) <= 5


def test_backlog_is_what_was_opened_and_reopened_less_what_was_closed(town):
    requests, events = town["request"], town["request_event"]
    odd = requests["closed_at"].notna() & (
        (requests["closed_at"] < requests["opened_at"]) | (requests["closed_at"] > AS_OF)
    )
    requests = requests[~odd]
    events = events[events["request_id"].isin(requests["request_id"])]
    count = events["kind"].value_counts()
    assert count["created"] + count["reopen"] - count["close"] == requests["closed_at"].isna().sum()
    # The same on a day in the middle.
    day = pd.Timestamp("2025-03-03")
    before = events[events["event_at"] < day]["kind"].value_counts()
    final = requests["closed_at"]
    reopened = events[(events["kind"] == "reopen")].merge(
        events[events["kind"] == "close"], on="request_id", suffixes=("", "_close")
    )
    gaps = reopened[(reopened["event_at_close"] < reopened["event_at"])].groupby(["request_id", "event_at"])[
        "event_at_close"
    ].max().reset_index()  # fmt: skip
    closed_then = ((gaps["event_at_close"] < day) & (gaps["event_at"] >= day)).sum()
    standing = ((requests["opened_at"] < day) & (final.isna() | (final >= day))).sum() - closed_then
    assert before["created"] + before["reopen"] - before["close"] == standing


def test_nothing_is_recorded_after_as_of(town):
    events = town["request_event"]
    future = town["request"].loc[town["request"]["closed_at"] > AS_OF, "request_id"]
    assert 0 < len(future) < 30
    assert events.loc[~events["request_id"].isin(future), "event_at"].max() <= AS_OF
    for name, columns in {"contact": ["arrived_at", "answered_at"], "inspection": ["visited_at"],
                          "survey": ["answered_at"], "agent_shift": ["start_at"]}.items():  # fmt: skip
        for column in columns:
            assert town[name][column].max() <= AS_OF, f"{name}.{column}"
    assert town["request"]["opened_at"].max() > pd.Timestamp(AS_OF) - pd.Timedelta(hours=3)


def test_a_few_rows_are_wrong_as_everywhere(town):
    requests = town["request"]
    wrong = {
        "closed before opened": requests["closed_at"] < requests["opened_at"],
        "at 0, 0": (requests["lat"] == 0) & (requests["lon"] == 0),
        "closed without a time": (requests["status"] == "closed") & requests["closed_at"].isna(),
        "due before opened": requests["due_at"] < requests["opened_at"],
        "due in an absurd year": requests["due_at"] > pd.Timestamp("2080-01-01"),
        "closed in the future": requests["closed_at"] > AS_OF,
    }
    assert all(rows.any() for rows in wrong.values()), {name: int(rows.sum()) for name, rows in wrong.items()}
    assert sum(rows.sum() for rows in wrong.values()) / len(requests) < 0.005


def test_every_request_by_a_person_comes_from_a_contact(town):
    requests, contacts = town["request"], town["contact"].set_index("contact_id")
    asked = requests[requests["channel"] != "internal"]
    assert asked["contact_id"].notna().all()
    made = contacts.loc[asked["contact_id"]]
    assert (made["request_id"].to_numpy() == asked["request_id"].to_numpy()).all()
    assert made["created_request"].all()
    assert set(made["outcome"]) <= {"answered", "self_service"}
    assert contacts["created_request"].sum() == len(asked)


def test_calls_are_answered_as_well_as_the_staff_can(town):
    calls = town["contact"][(town["contact"]["channel"] == "phone") & town["contact"]["in_open_hours"]]
    answered, abandoned = calls["outcome"] == "answered", calls["outcome"] == "abandoned"
    assert (calls.loc[answered, "wait_s"].notna() & calls.loc[answered, "agent_id"].notna()).all()
    assert calls.loc[~answered, "answered_at"].isna().all()
    day = calls["arrived_at"].dt.tz_localize("UTC").dt.tz_convert(CITY["tz"]).dt.strftime("%Y-%m-%d")
    level = (answered & (calls["wait_s"] <= 60)).groupby(day).sum() / (answered | abandoned).groupby(day).sum()
    assert 0.65 < level.mean() < 0.88
    assert level[["2026-05-16", "2026-05-17"]].max() < 0.6
    share = (calls.loc[answered, "reason"] == "Where is my request?").mean()
    assert 0.11 < share < 0.19


def test_states_of_an_agent_do_not_overlap(town):
    states = town["agent_state"].sort_values(["agent_id", "start_at"])
    same = states["agent_id"] == states["agent_id"].shift()
    assert (states["start_at"] >= states["end_at"].shift())[same].all()
    assert (states["end_at"] > states["start_at"]).all()
    assert states["start_at"].min() > pd.Timestamp(AS_OF) - pd.Timedelta(days=400)


def test_erlang_a_meets_the_published_vector():
    waits, gives_up = erlang_a(np.array([10.0]), np.array([14]), 180.0, patience_s=120.0)
    assert waits[0] == pytest.approx(0.126976, abs=1e-5)
    assert waits[0] * gives_up[0] == pytest.approx(0.022839, abs=1e-5)


def test_each_story_is_told_in_full():
    assert len({story.name for story in STORIES}) == len(STORIES)
    for story in STORIES:
        assert story.since <= date(2026, 5, 20)
        assert story.until is None or story.until > story.since
        assert story.what and story.where_to_see and story.check


def test_storms_bring_more_than_twice_the_usual(town):
    daily = town["request"].groupby("day").size()
    saturdays = daily[daily.index.day_of_week == 5]["2026-03-01":"2026-05-10"]
    assert daily["2026-05-16"] > 2 * saturdays.mean()
    tuesdays = daily[daily.index.day_of_week == 1]["2024-05-01":"2024-07-08"]
    assert daily["2024-07-09"] > 1.5 * tuesdays.mean()


def test_rat_clusters_emerge_persist_and_fade(town):
    rats = town["request"][town["request"]["kind"] == "Rats and vermin"]
    emerging = within(rats, stories.FULTON_AND_9TH, 400)
    assert len(between(emerging, "2026-03-11", "2026-05-21")) > 3 * len(between(emerging, "2025-12-31", "2026-03-11"))
    fading = within(rats, stories.FERRY_ROAD, 400)
    assert len(between(fading, "2026-01-01", "2026-05-21")) < len(between(fading, "2024-01-01", "2024-05-21")) / 4
    halves = [len(between(within(rats, stories.MERCER_MARKET, 500), a, b))
              for a, b in (("2023-06", "2023-12"), ("2024-06", "2024-12"), ("2025-11", "2026-05"))]  # fmt: skip
    assert min(halves) > 25
    assert max(halves) < 2 * min(halves)


def test_new_meters_fail_half_as_often_and_the_others_as_before(town):
    faults = town["request"][town["request"]["kind"] == "Parking meter broken"]
    change = town["intervention"].set_index("intervention_id").loc["meters-2025"]
    treated, kept = json.loads(change["treated_ids"]), json.loads(change["comparison_ids"])
    assert (len(treated), len(kept)) == (2_400, 800)

    def ratio(ids: list[str]) -> float:
        mine = faults[faults["asset_id"].isin(ids)]
        return len(between(mine, "2025-03-01", "2026-03-01")) / len(between(mine, "2024-03-01", "2025-03-01"))

    assert ratio(treated) < 0.62
    assert 0.75 < ratio(kept) < 1.25


def test_fairhaven_misses_recycling_since_the_routes_changed(town):
    missed = town["request"][town["request"]["kind"] == "Missed recycling"]
    per_week = missed[missed["source_district"] == "6 Fairhaven"].groupby("day").size().resample("W").sum()
    assert per_week["2026-05-05":].head(2).mean() > 3 * per_week["2026-02-01":"2026-05-03"].mean()
    assert (missed.loc[missed["service_on"].notna(), "service_on"] <= missed["day"]).all()


def test_the_flood_stays_by_the_river(town):
    backups = between(town["request"][town["request"]["kind"] == "Sewer backup"], "2025-04-04", "2025-04-09")
    assert (backups["source_district"] == "4 Mill Ward").mean() > 0.75


def test_a_main_breaks_once_and_is_reported_often(town):
    assert town["request"]["parent_request_id"].value_counts().iloc[0] >= 12  # at three tenths of the city's size
    parent = town["request"]["parent_request_id"].value_counts().index[0]
    assert town["request"].set_index("request_id").loc[parent, "source_district"] == "2 Canal East"


def test_reopened_street_lights_follow_the_new_contractor(town):
    lights = town["request"][
        (town["request"]["kind"] == "Street light out") & town["request"]["first_closed_at"].notna()
    ]
    wave = lights["first_closed_at"].between("2025-10-06", "2025-12-07")
    assert (lights[wave]["reopen_count"] > 0).mean() > 3 * (lights[~wave]["reopen_count"] > 0).mean()


def test_one_day_is_missing(town):
    assert not (town["request"]["day"] == "2025-09-11").any()
    days = town["contact"]["arrived_at"].dt.tz_localize("UTC").dt.tz_convert(CITY["tz"]).dt.strftime("%Y-%m-%d")
    assert not (days == "2025-09-11").any()


def test_housing_gets_slower_and_vacant_posts_show(town):
    rats = town["request"][town["request"]["kind"] == "Rats and vermin"]
    late = (rats["closed_at"].fillna(pd.Timestamp(AS_OF)) - rats["opened_at"]) > pd.Timedelta(days=11)
    recent = between(rats, "2026-04-15", "2026-05-09").index
    assert late[recent].mean() > late[between(rats, "2025-09-01", "2026-03-01").index].mean() + 0.08
    housing = town["request"][town["request"]["department_id"] == "HOU"]
    counts = [((housing["opened_at"] < day) & ~(housing["closed_at"] < day)).sum()
              for day in (pd.Timestamp("2025-11-01"), pd.Timestamp(AS_OF))]  # fmt: skip
    assert counts[1] > counts[0]


def test_two_agents_stand_out(town):
    calls = town["contact"][town["contact"]["talk_s"].notna() & (town["contact"]["channel"] == "phone")]
    talk = calls.groupby("agent_id")["talk_s"].mean()
    moved = calls["transferred_to"].notna().groupby(calls["agent_id"]).mean()
    assert talk.idxmax() == "A11"
    assert talk["A11"] > 1.25 * talk.median()
    assert moved.idxmax() == "A03"
    assert moved["A03"] > 2 * moved.median()


def test_callers_about_permits_come_back_since_these_are_online_and_agents_do_not_notice(town):
    calls = town["contact"].sort_values(["arrived_at", "contact_id"])
    following = calls.groupby(["person_key", "reason"])["arrived_at"].shift(-1)
    again = following - calls["arrived_at"] <= pd.Timedelta(days=7)
    taken = calls["agent_id"].notna() & calls["person_key"].notna() & (calls["arrived_at"] < "2026-05-13")
    permits, since = calls["reason"] == "Permits and licenses", calls["arrived_at"] >= "2026-02-02"
    before, now = again[taken & permits & ~since].mean(), again[taken & permits & since].mean()
    assert 0.07 < before < 0.14 and 0.27 < now < 0.45
    said = [calls.loc[taken & permits & one, "resolved_first"].mean() for one in (~since, since)]
    assert abs(said[1] - said[0]) < 0.02
    others = again[taken & (calls["reason"] == "Offices and opening hours")].mean()
    assert others < 0.05


def test_team_wren_comes_late_since_march(town):
    team = town["agent"].set_index("agent_id")["team"]
    states, shifts = town["agent_state"], town["agent_shift"]

    def day(at: pd.Series) -> pd.Series:
        return at.dt.tz_localize("UTC").dt.tz_convert(CITY["tz"]).dt.tz_localize(None).dt.floor("D")

    first = states.assign(day=day(states["start_at"])).groupby(["agent_id", "day"])["start_at"].min()
    on = shifts.assign(day=day(shifts["start_at"])).set_index(["agent_id", "day"])["start_at"]
    both = pd.concat([on.rename("on"), first.rename("first")], axis=1, join="inner").reset_index()
    late = (both["first"] - both["on"]).dt.total_seconds() / 60
    is_wren, since = both["agent_id"].map(team) == "Wren", both["day"] >= "2026-03-03"
    assert late[is_wren & since].mean() > 13 > 8 > late[is_wren & ~since].mean()
    assert late[~is_wren & since].mean() < 8 and late.min() >= 0


def test_a_pause_is_noted_with_its_own_reason(small):
    events = small["request_event"]
    noted = events[events["kind"] == "pause"].merge(small["request_pause"], on="request_id")
    assert len(noted) > 100 and (noted["note"] == noted["reason"]).all()
    assert noted["reason"].nunique() > 3


def test_nightly_transfers_bring_every_request_once_and_none_of_the_night_that_failed(small):
    nights, refused, requests = small["import_batch"], small["refused_row"], small["request"]
    assert (nights["read"] == nights["accepted"] + nights["refused"]).all()
    assert nights["refused"].sum() == len(refused) > 0
    assert refused.groupby("import_id").size().to_dict() == (
        nights[nights["refused"] > 0].set_index("import_id")["refused"].to_dict()
    )
    opened = pd.to_datetime(requests["opened_at"])
    assert (nights["accepted"] - nights["updated"]).sum() == (opened <= pd.Timestamp(AS_OF)).sum()
    assert nights["imported_at"].is_monotonic_increasing and (nights["source_as_of"] < nights["imported_at"]).all()
    assert "riverton-20250911" not in set(nights["import_id"]) and "riverton-20250912" in set(nights["import_id"])
