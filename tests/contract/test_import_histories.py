"""Histories as CRMs export them beside their cases: what was changed from what to what, when and by whom.

Three cases of a Salesforce-like system, worked out by hand. Ids have 15 characters in one table and 18 in the other.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select

from dashboard.domain.errors import ImportRefused
from dashboard.settings import Settings
from data_access import schema
from data_access.engine import Warehouse
from data_access.importers.load import import_files
from data_access.importers.mapping import mapping_from
from data_access.importers.report import Report
from data_access.importers.sketch import sketch_of

HEAD = 'name = "sf"\n[city]\nname = "Testville"\ntz = "America/New_York"\n'
CASES = (
    HEAD
    + """
[request]
request_id = { column = "Id", pattern = '^(.{15})' }
opened_at = "CreatedDate"
closed_at = "ClosedDate"
status = "Status"
source_status = "Status"
type_id = "Type"
department_id = "Department__c"
[promises]
days = { Pothole = 2 }
unit = "business_days"
mode = "same_time"
[calendar]
open = { mon = "08:00-17:00", tue = "08:00-17:00", wed = "08:00-17:00", thu = "08:00-17:00", fri = "08:00-17:00" }
holidays = [2026-07-03]
"""
)
HISTORY = (
    HEAD
    + """
[request_event]
event_id = "Id"
request_id = { column = "CaseId", pattern = '^(.{15})' }
event_at = { column = "CreatedDate", formats = ["iso", "%d.%m.%Y %H:%M", "epoch_ms"] }
from_value = { column = "OldValue", words = { "Streets Queue" = "Streets", "Parks Queue" = "Parks" } }
to_value = { column = "NewValue", words = { "Streets Queue" = "Streets", "Parks Queue" = "Parks" } }
actor = "CreatedBy"
[request_event.kind]
columns = ["Field", "OldValue", "NewValue"]
join = "|"
phrases = [
  ['^created', "created"],
  ['^Owner', "transfer"],
  ['^Status.*\\|Closed$', "close"],
  ['^Status\\|Closed\\|', "reopen"],
  ['^Status.*\\|On Hold$', "pause"],
  ['^Status\\|On Hold\\|', "resume"],
  ['^Status', "status"],
]
"""
)
ONE, TWO, THREE = "500aaaaaaaaaaa1", "500aaaaaaaaaaA1", "500aaaaaaaaaaa3"  # two of them differ in a capital alone
CASE_TABLE = [
    "Id,CreatedDate,ClosedDate,Status,Type,Department__c",
    f"{ONE}AAA,2026-06-29T14:00:00.000Z,2026-07-06T15:00:00.000Z,Closed,Pothole,Parks",
    f"{TWO}EAA,2026-06-29T14:00:00.000Z,,Reopened,Pothole,Streets",
    f"{THREE}AAA,2026-06-30T14:00:00.000Z,,On Hold,Pothole,Streets",
]
# Monday 29 June 10:00 local. ONE: on hold from Tuesday 12:00 to Monday 6 July 9:00, of which the office was open for
# 5 + 9 + 9 + 0 (the holiday) + 1 = 24 hours; Parks had it from Tuesday 11:00.
HISTORY_TABLE = [
    "Id,CaseId,Field,OldValue,NewValue,CreatedDate,CreatedBy",
    f"h1,{ONE},created,,,2026-06-29T14:00:00.000Z,Ann",
    f"h2,{ONE}AAA,Owner,Streets Queue,Parks Queue,30.06.2026 11:00,Ann",
    f'h3,{ONE},Status,In Progress,On Hold,1782835200000,"Bob\nRoy"',
    f"h4,{ONE}AAA,Status,On Hold,In Progress,2026-07-06T09:00:00-04:00,Bob",
    f"h5,{ONE},Status,In Progress,Closed,2026-07-06T15:00:00Z,Bob",
    f"h6,{TWO},Status,New,Closed,2026-06-30T14:00:00Z,Bob",
    f"h7,{TWO},Status,Closed,Reopened,2026-07-01T14:00:00Z,Cy",
    f"h8,{THREE},Status,New,On Hold,2026-07-01T14:00:00Z,Cy",
]


def brought(settings: Settings, folder: Path, mapping: str, lines: list[str]) -> Report:
    export = folder / "export.csv"
    export.write_text("\n".join(lines) + "\n", "utf-8", newline="")
    return import_files(settings, mapping_from(mapping, Path("sf.toml")), export).report


def held(settings: Settings, name: str, *columns: str) -> list[tuple]:
    table, warehouse = schema.metadata.tables[name], Warehouse(settings)
    frame = warehouse.frame(select(*(table.c[one] for one in columns)).order_by(*(table.c[one] for one in columns)))
    warehouse.close()
    return [tuple(None if pd.isna(one) else one for one in row) for row in frame.itertuples(index=False, name=None)]


def at(written: str) -> datetime:
    return datetime.fromisoformat(written)


def test_a_system_that_tells_no_hours_leaves_those_of_another(store: Settings, tmp_path: Path) -> None:
    brought(store, tmp_path, CASES, CASE_TABLE)
    other = CASES.split("[promises]")[0].replace('name = "sf"', 'name = "other"')
    rows = ["x1,2026-07-01T14:00:00.000Z,,New,Graffiti,Streets", "x2,2026-07-01T14:00:00.000Z,,New,Graffiti,Water"]
    brought(store, tmp_path, other.replace("pattern = '^(.{15})'", "whole = false"), [CASE_TABLE[0], *rows])
    found = held(store, "department", "department_id", "calendar_id")
    assert found == [("Parks", "city"), ("Streets", "city"), ("Water", None)]


def test_a_history_becomes_hand_offs_reopenings_and_pauses(store: Settings, tmp_path: Path) -> None:
    brought(store, tmp_path, CASES, CASE_TABLE)
    report = brought(store, tmp_path, HISTORY, HISTORY_TABLE)
    assert (report.accepted, report.refused) == (8, 0)
    columns = ("request_id", "department", "starts_by", "ends_by", "opened_at", "closed_at")
    assert held(store, "request_episode", *columns) == [
        (TWO, "Streets", "opened", "closed", at("2026-06-29 14:00"), at("2026-06-30 14:00")),
        (TWO, "Streets", "reopened", None, at("2026-07-01 14:00"), None),
        (ONE, "Parks", "moved", "closed", at("2026-06-30 15:00"), at("2026-07-06 15:00")),
        (ONE, "Streets", "opened", "moved", at("2026-06-29 14:00"), at("2026-06-30 15:00")),
        (THREE, "Streets", "opened", None, at("2026-06-30 14:00"), None),
    ]
    assert held(store, "request_pause", "request_id", "start_at", "end_at", "reason") == [
        (ONE, at("2026-06-30 16:00"), at("2026-07-06 13:00"), "On Hold"),
        (THREE, at("2026-07-01 14:00"), None, "On Hold"),
    ]
    # Two working days from Monday 10:00 are Wednesday 10:00; two hours of Tuesday’s pause lie behind it, and Tuesday
    # 12:00 left 18 − 7 − 4 = 7 hours, which begin on Monday 6 July at 9:00.
    assert held(store, "request", "request_id", "paused_business_s", "due_at")[1] == (
        ONE, 24 * 3600, at("2026-07-06 20:00"),
    )  # fmt: skip


def test_a_pause_ends_when_a_later_export_says_so_and_goes_when_it_was_none(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    brought(settings, tmp_path, HISTORY, HISTORY_TABLE)  # before the cases are known
    brought(settings, tmp_path, CASES, CASE_TABLE)
    brought(
        settings, tmp_path, HISTORY, [HISTORY_TABLE[0], f"h9,{THREE},Status,On Hold,Closed,2026-07-02T14:00:00Z,Cy"]
    )
    pauses = held(settings, "request_pause", "request_id", "start_at", "end_at")
    assert pauses[1] == (THREE, at("2026-07-01 14:00"), at("2026-07-02 14:00")) and len(pauses) == 2
    corrected = HISTORY.replace("""['^Status.*\\|On Hold$', "pause"]""", """['^Status.*\\|On Hold$', "status"]""")
    assert corrected != HISTORY
    brought(settings, tmp_path, corrected, HISTORY_TABLE)
    assert held(settings, "request_pause", "request_id") == []


def test_pauses_in_a_table_of_their_own_are_added_to_those_known(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    pauses = HEAD + '[request_pause]\nrequest_id = "Case"\nstart_at = "From"\nend_at = "To"\nreason = "Why"\n'
    brought(settings, tmp_path, CASES, CASE_TABLE)
    brought(settings, tmp_path, pauses, ["Case,From,To,Why", f"{ONE},2026-06-29 12:00,2026-06-29 13:00,Parts"])
    second = ["Case,From,To,Why", f"{ONE},2026-06-30 12:00,2026-06-30 13:30,Parts", "9,2026-06-30,2026-07-01,Parts"]
    report = brought(settings, tmp_path, pauses, second)
    assert held(settings, "request", "request_id", "paused_business_s")[1] == (ONE, 9000)
    assert "1 row of request_pause about 1 request that no import brought, such as 9: " in report.as_text()


def test_what_a_history_does_not_tell_is_said(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    brought(settings, tmp_path, CASES, CASE_TABLE)
    whole = HISTORY.replace(""", pattern = '^(.{15})'""", "")  # ids of 18 characters, which no case has
    said = brought(settings, tmp_path, whole, HISTORY_TABLE).as_text()
    assert f"2 rows of request_event about 1 request that no import brought, such as {ONE}AAA: they count" in said
    told = brought(settings, tmp_path, HISTORY.split("[request_event.kind]")[0] + 'kind = "Field"\n', HISTORY_TABLE)
    assert told.unmapped["Field"] == {"Owner": 1}
    unread = HISTORY.replace("  ['^created', \"created\"],\n", "")
    assert brought(settings, tmp_path, unread, HISTORY_TABLE).refusals == {"no kind in Field": 1}


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        (HISTORY.replace('"transfer"]', '"transferred"]'), "“transferred” is no kind; there are assigned, close"),
        (CASES.split("[calendar]")[0], "“business_days” needs \\[calendar\\]"),
        (CASES.replace("mon =", "monday ="), "“monday” is no day; there are mon, tue"),
        (CASES.replace('tue = "08:00-17:00"', 'tue = "8-17"'), "“8-17” is no time such as 08:00-17:00"),
        (CASES.replace('tue = "08:00-17:00"', 'tue = "17:00-08:00"'), "ends before it begins"),
        (CASES.replace("2026-07-03", '"2026-07-03"'), "calendar.holidays is a day such as"),
    ],
)  # fmt: skip
def test_a_mapping_that_would_count_nothing_is_refused(mapping: str, said: str) -> None:
    with pytest.raises(ImportRefused, match=said):
        mapping_from(mapping, Path("sf.toml"))


def test_a_sketch_of_a_history_says_that_it_is_one(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("\n".join(HISTORY_TABLE) + "\n", "utf-8", newline="")
    assert "OldValue, NewValue tell what became of requests" in sketch_of(tmp_path / "history.csv")
    (tmp_path / "cases.csv").write_text(
        "Id,CreatedDate,Type,Latitude__c,Longitude__c\n" + "500x,2026-06-29 10:00,Pothole,41.85,-87.65\n", "utf-8"
    )
    drafted = sketch_of(tmp_path / "cases.csv")
    assert 'lat = "Latitude__c"' in drafted and 'tz = "America/Chicago"' in drafted and "became of" not in drafted
