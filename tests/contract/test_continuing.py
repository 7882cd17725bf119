"""A build that goes on from the one in service holds what a build of everything holds: every table, to the row."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from dashboard.settings import Settings
from data_access import continuing, schema, sum_up
from data_access.build import Build
from data_access.demo_city import AS_OF, CITY, demo_tables
from data_access.rollups import COPIES, ROLLUPS, SORTED, Rollup

REAL = {**CITY, "is_made_up": False}
STARTS = {
    "request": "opened_at", "contact": "arrived_at", "request_event": "event_at", "request_pause": "start_at",
    "survey": "sent_at", "inspection": "visited_at", "agent_shift": "start_at",
}  # fmt: skip
Tables = Mapping[str, pd.DataFrame]


def in_utc(instants: pd.Series) -> pd.Series:
    given = pd.to_datetime(instants)
    return given.dt.tz_convert("UTC").dt.tz_localize(None) if given.dt.tz is not None else given


@pytest.fixture(scope="module")
def riverton() -> Tables:
    """A year of a little Riverton as a source tells it, requests and contacts with the ids of that source."""
    found: dict[str, list[pd.DataFrame]] = {}
    for name, frame in demo_tables(scale=0.008, years=1):
        found.setdefault(name, []).append(frame)
    tables = {name: pd.concat(frames, ignore_index=True) for name, frames in found.items()}
    for name in ("request", "contact"):
        ids = tables[name].iloc[:, 0]
        tables[name] = tables[name].assign(src_system="crm", src_id=ids, row_hash=range(len(ids)))
    tables["population_point"] = tables["population_point"][::20]  # they are as many in the smallest city
    # Duplicates are looked for type by type: in the most frequent ones, for the others are looked at in the same way.
    types, often = tables["service_type"], tables["request"]["type_id"].value_counts().index[:12]
    for rule in ("duplicate_radius_m", "duplicate_days"):
        types[rule] = types[rule].where(types["type_id"].isin(often))
    assert types["duplicate_days"].notna().sum() >= 5
    return tables


def until(tables: Tables, end: datetime) -> dict[str, pd.DataFrame]:
    """What was known of it at an instant: what was closed later still stood open then."""
    found = dict(tables)
    for name, column in STARTS.items():
        found[name] = tables[name][in_utc(tables[name][column]) < end]
    requests = found["request"]
    later = in_utc(requests["closed_at"]) >= end
    open_then = {
        "closed_at": requests["closed_at"].where(~later),
        "closure_outcome": requests["closure_outcome"].where(~later),
    }
    status = requests["status"].where(~later, "assigned")
    found["request"] = requests.assign(**open_then, status=status, row_hash=requests["row_hash"] + later * 10**9)
    return found


def since(tables: Tables, before: datetime, end: datetime) -> dict[str, pd.DataFrame]:
    """What an export of some days brings: what is new in them, and the requests that were closed in them."""
    now, was = until(tables, end), until(tables, before)
    found = {name: now[name][in_utc(now[name][column]) >= before] for name, column in STARTS.items()}
    known = now["request"][now["request"]["request_id"].isin(was["request"]["request_id"])]
    changed = known[~known["row_hash"].isin(was["request"]["row_hash"])]
    return {**found, "request": pd.concat([found["request"], changed])}


def write(build: Build, tables: Tables) -> None:
    for name, frame in tables.items():
        build.write(name, frame)


def begin(folder: Path, tables: Tables, as_of: datetime) -> None:
    with Build(Settings(data=folder, threads=1), REAL, infer_duplicates=True, pays_by=0) as build:
        write(build, tables)
        build.publish(as_of=as_of)


def add(folder: Path, tables: Tables, as_of: datetime, whole: bool) -> tuple:
    with Build(Settings(data=folder, threads=1), REAL, infer_duplicates=True, pays_by=0) as build:
        write(build, tables)
        kept = build.carry_over(whole=whole)
        assert build.goes_on != whole
        summary = build.publish(as_of=as_of)
    return kept, {**summary.rows}, summary.flags, summary.flagged, summary.data_from_on, summary.data_to_on


def in_service(folder: Path) -> Path:
    builds = folder / "builds"
    return builds / json.loads((builds / "current").read_text())["file"]


def assert_alike(one: Path, other: Path) -> None:
    """Every table of two builds holds the same rows; when a build was made, and out of what, may differ."""
    with duckdb.connect() as both:
        for name, folder in (("one", one), ("other", other)):
            both.execute(f"ATTACH '{in_service(folder)}' AS {name} (READ_ONLY)")
        told = both.execute("SELECT database_name, table_name, column_name, data_type FROM duckdb_columns()").fetchall()
        columns = {
            side: {(table, column): kind for of, table, column, kind in told if of == side} for side in ("one", "other")
        }
        assert columns["one"] == columns["other"]
        tables = {table for table, _ in columns["one"]}
        assert len(tables) == len(schema.metadata.tables) + len(sum_up.ROLLUPS) + len(COPIES) + len(SORTED)
        passed = {("build", "build_id"), ("build", "built_at"), ("build", "basis"), ("request_event", "recorded_at")}
        for table in sorted(tables):
            listed = ", ".join(
                f"round({column}, 6)" if kind == "DOUBLE" else column
                for (of, column), kind in columns["one"].items()
                if of == table and (of, column) not in passed
            )
            counted = f"SELECT (SELECT count(*) FROM one.{table}), (SELECT count(*) FROM other.{table})"
            n, of = both.execute(counted).fetchone()
            assert n == of, table  # as many on both sides, and none on one that is not on the other: the same
            unlike = f"SELECT {listed} FROM one.{table} EXCEPT ALL SELECT {listed} FROM other.{table}"
            assert both.execute(f"{unlike} LIMIT 3").fetchall() == [], table


@pytest.fixture(scope="module", autouse=True)
def some_sums() -> Iterator[dict[str, Rollup]]:
    """Of the sums of each kind the finest and the coarsest: the others are made in the same way."""
    kinds: dict[tuple, list[Rollup]] = {}
    for one in ROLLUPS.values():
        kinds.setdefault((one.fact.name, str(one.on), one.by_month, one.spread), []).append(one)
    found = {one.name: one for of in kinds.values() for one in (of[0], of[-1])}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("data_access.sum_up.ROLLUPS", found)
        yield found


@pytest.fixture(scope="module")
def begun(riverton: Tables, some_sums, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The little city in service as it was some days before."""
    folder = tmp_path_factory.mktemp("begun")
    begin(folder, until(riverton, BEFORE), BEFORE)
    return folder


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, list[tuple[Tables, datetime]]], Path]:
    """A city to which exports are added one after the other, each by going on; the last also by deriving everything.

    That takes every row as its source gave it, so nothing is alike that went wrong on the way.
    """
    monkeypatch.setattr("data_access.carry_over.CONTINUES_FROM_ROWS", 0)
    monkeypatch.setattr("data_access.carry_over.CONTINUES_UP_TO", 1e9)
    monkeypatch.setattr("data_access.continuing.CONTINUES_UP_TO", 1e9)

    def add_all(to: Path, exports: list[tuple[Tables, datetime]]) -> Path:
        one, other = tmp_path / "goes-on", tmp_path / "whole"
        shutil.copytree(to, one)
        for tables, as_of in exports[:-1]:
            add(one, tables, as_of, whole=False)
        shutil.copytree(one, other)
        assert add(one, *exports[-1], whole=False) == add(other, *exports[-1], whole=True)
        assert_alike(one, other)
        return one

    return add_all


END = AS_OF.replace(tzinfo=None)
BEFORE = END - timedelta(days=6)


def test_days_are_added_one_after_the_other(riverton, begun, added):
    ends = [BEFORE, END - timedelta(days=4, hours=13), END]
    exports = [(since(riverton, *pair), pair[1]) for pair in zip(ends, ends[1:], strict=False)]
    assert all(len(tables["request"]) and len(tables["contact"]) for tables, _ in exports)
    one = added(begun, exports)
    with duckdb.connect(str(in_service(one)), read_only=True) as connection:
        found = connection.execute("SELECT count(*), count(closed_at), max(opened_at) FROM request").fetchone()
        scattered = json.loads(connection.execute("SELECT basis FROM build").fetchall()[0][0])["scattered"]
    requests = until(riverton, END)["request"]
    closed = requests["closed_at"].notna() | (requests["status"] == "closed")  # of a few nobody noted when
    assert found == (len(requests), closed.sum(), in_utc(requests["opened_at"]).max())
    assert sum(len(tables["request"]) for tables, _ in exports) <= scattered < len(requests)


def test_a_call_of_today_tells_of_the_calls_before_it_that_their_caller_came_back(riverton, begun, added):
    old = until(riverton, BEFORE)["contact"]
    known = old[old["person_key"].notna() & old["reason"].notna() & old["agent_id"].notna()]
    last = known.drop_duplicates(["person_key", "reason"], keep="last").tail(40)
    again = last.assign(
        contact_id="again-" + last["contact_id"], arrived_at=BEFORE + timedelta(hours=2), request_id=None,
        row_hash=last["row_hash"] + 10**13,
    ).assign(src_id=lambda rows: rows["contact_id"])  # fmt: skip
    corrected = again.head(15).assign(reason="Something else", row_hash=again["row_hash"].head(15) + 1)
    one = added(begun, [({"contact": again}, BEFORE + timedelta(hours=3)), ({"contact": corrected}, END)])
    with duckdb.connect(str(in_service(one)), read_only=True) as connection:
        asked = "SELECT contact_id, repeated_at FROM contact WHERE is_caller_known"
        told = dict(connection.execute(asked).fetchall())
    came_back = [told[one] == BEFORE + timedelta(hours=2) for one in last["contact_id"]]
    assert came_back == [False] * 15 + [True] * 25


def test_calls_are_brought_after_the_requests_of_the_same_days(riverton, begun, added):
    """Of the calls of the week before nobody knew who comes back, though time had passed."""
    both = since(riverton, BEFORE, END)
    calls = {"contact": both.pop("contact")}
    assert len(calls["contact"])
    added(begun, [(both, END), (calls, END)])


@pytest.mark.parametrize("days", [(30, 1), (1,)])
def test_the_clock_of_the_data_goes_back(riverton, added, tmp_path, monkeypatch: pytest.MonkeyPatch, days):
    """As it does where what was told last turns out to have happened earlier: copies begin earlier, too."""
    monkeypatch.setattr("data_access.sum_up.COPIED_DAYS", days)
    begin(tmp_path / "short", until(riverton, BEFORE), BEFORE)
    added(tmp_path / "short", [({}, BEFORE - timedelta(days=3))])


def test_what_others_are_derived_from_changes(riverton, begun, added):
    first = until(riverton, BEFORE)
    types, agents = first["service_type"], first["agent"]
    renamed = types.head(2).assign(name=["Renamed", "Named anew"], category="Another")
    promises = first["sla_version"].tail(2).assign(target_value=17.0)
    changed = {
        "service_type": renamed, "sla_version": promises,
        "department": first["department"].head(1).assign(name="Another department"),
        "agent": agents.head(2).assign(team="Another team"),
    }  # fmt: skip
    # The same words again change nothing; then nothing at all is brought, and time has passed or has not.
    added(begun, [(changed, BEFORE), (changed, BEFORE), ({}, END + timedelta(days=40))])


def test_a_source_begins_to_tell_what_it_did_not(riverton, added, tmp_path):
    first = until(riverton, BEFORE)
    silent = {name: frame for name, frame in first.items() if name not in ("request_event", "request_pause")}
    events = first["request_event"]
    some = [
        {"request_event": events[events["kind"].isin(kinds)].head(40)} for kinds in (["reopen"], ["work", "transfer"])
    ]
    begin(tmp_path / "silent", silent, BEFORE)
    rest = {name: first[name] for name in ("request_pause", "request_event")}
    added(tmp_path / "silent", [(one, BEFORE) for one in (*some, rest)])


def test_what_all_rows_tell_together_turns(riverton, begun, added):
    first = until(riverton, BEFORE)
    some = first["request"].head(600)
    unknown = some.assign(lat=42.4, lon=-71.5, row_hash=some["row_hash"] + 10**10)  # where nobody knows it was
    dates = pd.date_range("2025-09-01 04:00", periods=80, freq="D")
    dated = pd.DataFrame({"request_id": [f"d{n}" for n in range(80)], "opened_at": dates, "status": "new"})
    dated = dated.assign(src_system="paper", src_id=dated["request_id"], row_hash=1, type_id="pothole")
    timed = dated.assign(
        request_id="t" + dated["request_id"], src_id="t" + dated["src_id"], opened_at=dates + pd.Timedelta("3h7min")
    )
    added(
        begun,
        [({"request": unknown}, BEFORE), ({"request": dated}, BEFORE), ({"request": pd.concat([some, timed])}, BEFORE)],
    )


def test_pauses_of_what_stands_open_are_told_without_time_passing(riverton, begun, added):
    """Nothing but their working time is another, and it is in sums."""
    every = until(riverton, BEFORE)["request"]
    stands = every[every["closed_at"].isna() & (every["status"] != "closed")]
    ids = stands.loc[in_utc(stands["opened_at"]) < BEFORE - timedelta(days=40), "request_id"].head(30).to_numpy()
    begin = np.datetime64(BEFORE - timedelta(days=30), "us")
    pauses = {"request_id": ids, "start_at": begin, "end_at": begin + np.timedelta64(9, "D"), "reason": "Weather"}
    before = _working_s(begun, ids)
    one = added(begun, [({"request_pause": pd.DataFrame(pauses)}, BEFORE)])
    assert _working_s(one, ids) < before


def _working_s(folder: Path, ids: np.ndarray) -> int:
    of_them = f"FROM request WHERE request_id IN {tuple(ids)}"
    with duckdb.connect(str(in_service(folder)), read_only=True) as connection:
        return connection.execute(f"SELECT sum(business_open_s) {of_them}").fetchall()[0][0]


def test_anything_may_change(riverton, begun, added, seed=3):
    chance, first = np.random.default_rng(seed), until(riverton, BEFORE)

    def export(number: int) -> dict[str, pd.DataFrame]:
        every = first["request"]
        rows = every.sample(120, random_state=seed * 10 + number).assign(row_hash=10**11 * (number + 1))
        n = len(rows)

        def some(column: str, values: object) -> None:
            mask = chance.random(n) < 0.4
            rows[column] = rows[column].where(~mask, pd.Series(values, index=rows.index))

        other = every.sample(n, random_state=seed * 10 + number + 5)
        opened = in_utc(rows["opened_at"])
        for column in ("type_id", "department_id", "channel", "lat", "lon", "address", "parcel_id", "priority"):
            some(column, other[column].to_numpy())
        rows["opened_at"] = opened
        some("opened_at", opened + pd.to_timedelta(chance.integers(-40, 9, n), "D"))  # a few in the future
        rows["closed_at"] = in_utc(rows["closed_at"])
        some("closed_at", (rows["opened_at"] + pd.to_timedelta(chance.integers(-2, 60, n), "D")).to_numpy())
        some("closed_at", pd.NaT)
        rows["status"] = np.where(rows["closed_at"].notna() | (chance.random(n) < 0.1), "closed", "assigned")
        rows["updated_at"] = END
        rows["parent_request_id"] = None
        some("parent_request_id", other["request_id"].to_numpy())
        calls = first["contact"].sample(60, random_state=seed + number).assign(row_hash=10**12 + number)
        calls["request_id"] = every["request_id"].sample(60, random_state=number).to_numpy()
        others = first["contact"].sample(60, random_state=seed + number + 9)
        for column in ("person_key", "reason", "arrived_at"):
            calls[column] = calls[column].where(
                chance.random(60) < 0.5, pd.Series(others[column].to_numpy(), calls.index)
            )
        events = pd.DataFrame(
            {
                "request_id": every["request_id"].sample(80, random_state=seed + number).to_numpy(),
                "event_id": [f"e{number}-{one}" for one in range(80)],
                "event_at": END - pd.to_timedelta(chance.integers(0, 90 * 86400, 80), "s"),
                "kind": chance.choice(["reopen", "close", "transfer", "work", "comment"], 80),
                "to_value": chance.choice(first["department"]["department_id"], 80),
            }
        )
        pauses = pd.DataFrame(
            {
                "request_id": every["request_id"].sample(20, random_state=seed - number).to_numpy(),
                "start_at": END - pd.to_timedelta(chance.integers(0, 50 * 86400, 20), "s"),
            }
        )
        return {"request": rows, "contact": calls, "request_event": events, "request_pause": pauses}

    exports = [(export(number), BEFORE + timedelta(days=3 * number)) for number in range(2)]
    added(begun, exports)


@pytest.mark.parametrize(
    "change",
    [
        "a district",
        "a calendar",
        "duplicates",
        "the city",
        "many rows",
        "an older build",
        "a build that told less",
        "another version",
        "few in all",
        "nothing of that",
    ],
)
def test_all_is_made_anew_where_all_depends_on_it_or_little_is_saved(
    riverton, begun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
):
    first, city, infer = until(riverton, BEFORE), REAL, True
    monkeypatch.setattr("data_access.carry_over.CONTINUES_FROM_ROWS", 0)
    monkeypatch.setattr("data_access.carry_over.CONTINUES_UP_TO", 0.2)
    shutil.copytree(begun, tmp_path, dirs_exist_ok=True)
    brings = since(riverton, BEFORE, END)
    match change:
        case "a district":
            brings["district"] = first["district"].head(1).assign(name="Another ward")
        case "a calendar":
            brings["calendar_day"] = first["calendar_day"].tail(1).assign(is_business=lambda rows: ~rows["is_business"])
        case "duplicates":
            infer = False
        case "the city":
            city = {**REAL, "short_abandon_s": 11}
        case "many rows":
            monkeypatch.setattr("data_access.carry_over.CONTINUES_UP_TO", 0.001)
        case "few in all":
            monkeypatch.setattr("data_access.carry_over.CONTINUES_FROM_ROWS", 10**6)
        case "another version":
            monkeypatch.setattr("data_access.build.of_this_code", lambda: "another")
        case "an older build":
            with duckdb.connect(str(in_service(tmp_path))) as connection:
                connection.execute("UPDATE build SET basis = NULL")
        case "a build that told less":
            with duckdb.connect(str(in_service(tmp_path))) as connection:
                connection.execute("UPDATE build SET basis = json_merge_patch(basis, '{\"made_by\": null}')")
    with Build(Settings(data=tmp_path), city, infer_duplicates=infer, pays_by=0) as build:
        write(build, brings)
        build.carry_over()
        assert build.goes_on == (change == "nothing of that")


def test_all_is_made_anew_where_most_turns_out_to_depend_on_what_is_new(
    riverton, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first = until(riverton, BEFORE)
    silent = {name: frame for name, frame in first.items() if name != "request_event"}
    monkeypatch.setattr("data_access.carry_over.CONTINUES_FROM_ROWS", 0)
    monkeypatch.setattr("data_access.carry_over.CONTINUES_UP_TO", 0.1)
    monkeypatch.setattr("data_access.continuing.CONTINUES_UP_TO", 0.1)
    one, other = tmp_path / "one", tmp_path / "other"
    begin(one, silent, BEFORE)
    shutil.copytree(one, other)
    events = first["request_event"]
    brings = {"request_event": events[events["kind"] == "work"].head(5)}  # of all others it is known now: nothing
    with Build(Settings(data=one, threads=1), REAL, infer_duplicates=True, pays_by=0) as build:
        write(build, brings)
        build.carry_over()
        assert build.goes_on
        build.publish(as_of=BEFORE)
        assert not build.goes_on
    add(other, brings, BEFORE, whole=True)
    assert_alike(one, other)


def test_what_a_build_tells_the_next_is_read_as_it_was_written():
    told = continuing.Basis(
        True,
        3.0,
        "some version",
        frozenset({("crm", "close"), ("", "work")}),
        frozenset({(0.5, -1.25)}),
        frozenset({("crm", "due_at")}),
        7,
    )
    assert continuing.Basis.from_text(told.to_text()) == told
