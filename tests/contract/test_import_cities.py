"""Exports as cities write them: real files with answers known beforehand, and each of their traps by itself."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pytest
import shapely
import zstandard
from click.testing import CliRunner
from pyarrow import parquet
from sqlalchemy import select

from dashboard.cli import main
from dashboard.domain.errors import ImportRefused, UnknownName
from dashboard.domain.filters import Filters
from dashboard.domain.policy import Scope
from dashboard.services import Services
from dashboard.settings import Settings
from data_access.build import Build
from data_access.dimensions import area
from data_access.engine import Warehouse
from data_access.hotspots import Hotspots
from data_access.importers.asking import frame_of
from data_access.importers.boundaries import read_boundaries
from data_access.importers.load import Importing, Outcome, import_files
from data_access.importers.mapping import SourceMapping, mapping_from, mappings_named, shipped_names
from data_access.importers.sketch import sketch_of
from data_access.importers.sources import open_source
from data_access.measures.requests import backlog, closed, opened, time_to_close
from data_access.schema import (
    FLAGS,
    contact,
    contact_interval,
    refused_row,
    request,
    request_episode,
    request_event,
    service_type,
    sla_version,
)
from data_access.semantics import Query

CITY = """
name = "test"
[city]
name = "Testville"
tz = "America/New_York"
[file]
nulls = ["NA", "-"]
[request]
request_id = "ID"
opened_at = { column = "Opened", formats = ["iso", "%m/%d/%Y %I:%M %p", "%d.%m.%y %H:%M", "epoch"] }
closed_at = { column = "Closed", nulls = ["1900-01-01"] }
due_at = { column = "Due", end_of_day = true }
status = "Status"
source_status = "Status"
type_id = "Type"
address = "Address"
channel = { column = "Zip", whole = true }
lat = { column = "Point", pattern = '\\((-?[0-9.]+),' }
lon = { column = "Point", pattern = ',\\s*(-?[0-9.]+)\\)' }
"""
HEADING = "ID,Opened,Closed,Due,Status,Type,Address,Zip,Point"


def mapping(more: str = "") -> SourceMapping:
    return mapping_from(CITY + more, Path("test.toml"))


@pytest.fixture(scope="module")
def taken(tmp_path_factory) -> Iterator[Callable[..., tuple[Importing, pd.DataFrame, pd.DataFrame]]]:
    """Reads the bytes of a file into a build, which is never finished: counts, accepted rows, refused rows."""
    folder = tmp_path_factory.mktemp("taken")
    number = iter(range(10_000))
    with Build(Settings(data=folder / "data"), mapping().city) as build:

        def take(content: bytes, name: str = "export.csv", by: SourceMapping | None = None):
            path = folder / f"{next(number)}" / name
            path.parent.mkdir()
            path.write_bytes(content)
            by = by or mapping()
            importing = Importing(build, by.name, f"import {path.parent.name}", "")
            importing.take(by, open_source(build.connection, path, by.file, build.spill))
            staged = build.staged("request")
            mine = select(staged).where(staged.c.import_id == importing.import_id)
            rows = frame_of(build.connection, mine)
            return importing.counts[name], rows, importing.refusals.rows(importing.counts)

        yield take


def table(*rows: str) -> bytes:
    return "\n".join([HEADING, *rows, ""]).encode()


ROW = "7,2024-03-01 09:00:00,2024-03-02 10:00:00,2024-03-05,Closed,Pothole,1 Main St,02131.0,"


# ── Real files ──────────────────────────────────────────────────────────────────────────────────────


def imported(shared_data: Path, folder: Path, city: str, *files: str, **options) -> tuple[Outcome, pd.DataFrame]:
    settings = Settings(data=folder)
    outcome = import_files(settings, mappings_named(city), [shared_data / one for one in files], **options)
    warehouse = Warehouse(settings)
    rows = warehouse.frame(select(request))
    warehouse.close()
    report = outcome.report
    assert report.read == report.accepted + report.refused
    assert report.accepted == report.added + report.updated + report.unchanged + report.repeated
    assert len(rows) == report.added + report.updated + report.unchanged + report.carried
    return outcome, rows


def test_st_louis(shared_data: Path, tmp_path: Path) -> None:
    boundaries = shared_data / "stlouis" / "cth_st-louis_neighborhoods.geojson.gz"
    outcome, rows = imported(
        shared_data, tmp_path, "stlouis", "stlouis/csb_january_2018_full.csv.gz", boundaries=boundaries
    )
    report = outcome.report
    assert (report.read, report.repeated, report.identical, report.refused) == (8_812, 98, 56, 0)
    promised = rows[rows["closed_at"].notna() & rows["due_at"].notna() & (rows["status"] == "closed")]
    by_day = (promised["closed_at"] <= promised["due_at"]).mean()
    by_instant = (promised["closed_at"] <= promised["due_at"] - pd.Timedelta(days=1)).mean()
    # 0.829 and 0.757 of all rows with both times; without cancelled ones, and each request once:
    assert (len(promised), round(by_day, 3), round(by_instant, 3)) == (5_852, 0.832, 0.761)
    # The Z is false: nothing is opened before the first of January, local time.
    assert str(report.first_on) == "2018-01-01" and str(report.last_on) == "2018-01-31"
    assert rows["department"].str.endswith(",").sum() == 0
    assert rows["lat"].dropna().between(38.5, 38.8).mean() > 0.98 and rows["lat"].isna().sum() == 903
    assert report.unmapped["STATUS"]["SENT BPS"] == 5
    assert rows.loc[rows["source_status"] == "SENT BPS", "status"].eq("unmapped").all()
    assert rows["district"].nunique() > 75


def test_new_york(shared_data: Path, tmp_path: Path) -> None:
    files = ("nyc/rat_sightings_2018.csv.gz", "nyc/nyc311_sample_5000_2023.csv.gz")
    boundaries = shared_data / "nyc" / "nyc_community_district.geojson.gz"
    outcome, rows = imported(shared_data, tmp_path, "nyc", *files, boundaries=boundaries)
    report = outcome.report
    assert report.files["rat_sightings_2018.csv.gz"] == {"read": 2_913, "accepted": 2_913, "refused": 0}
    assert report.files["nyc311_sample_5000_2023.csv.gz"] == {"read": 4_999, "accepted": 4_999, "refused": 0}
    rats = rows[rows["opened_at"] < "2019"]
    assert len(rats) == 2_913 and (rats["service_type"] == "Rodent").all()
    assert rats["closed_at"].notna().sum() == 1_586
    impossible = (rats["dq_flags"] & FLAGS["closed_before_opened"]) != 0
    assert impossible.sum() == 421 and rats.loc[impossible, "close_s"].isna().all()
    sample = rows[rows["opened_at"] > "2019"]
    assert ((sample["dq_flags"] & FLAGS["closed_before_opened"]) != 0).sum() == 2
    assert round(sample["due_at"].isna().mean(), 3) == 0.976
    assert sample["note"].str.contains("Transportation’s").any() and not sample["note"].str.contains("â").any()
    assert rows["district"].notna().mean() > 0.99 and "MANHATTAN 04" in set(rows["district"])
    assert (rows["department"] == "Department of Transportation").any()


def test_chicago(shared_data: Path, tmp_path: Path) -> None:
    boundaries = shared_data / "chicago" / "chicago_wards_2023.geojson.gz"
    outcome, rows = imported(
        shared_data, tmp_path, "chicago", "chicago/chicago_311_sanitation_code_complaints.csv.gz", boundaries=boundaries
    )
    report = outcome.report
    assert (report.read, report.repeated, report.identical) == (74_401, 375, 3)
    assert report.flagged["midnight_only"] == len(rows) == 74_026
    dup = rows["source_status"].str.endswith("- Dup")
    assert (
        3_500 < dup.sum() <= 3_633 and rows.loc[dup, "is_duplicate"].all() and not rows.loc[~dup, "is_duplicate"].any()
    )
    assert rows["closed_at"].min() >= pd.Timestamp("2011-01-01")
    assert set(rows["district"].dropna()) == {str(ward) for ward in range(1, 51)}


def test_open311_as_endpoints_answer(shared_data: Path, tmp_path: Path) -> None:
    outcome, rows = imported(shared_data, tmp_path, "open311", "open311/chicago_requests_extended.json")
    assert outcome.report.read == len(rows) == 50 and outcome.report.details == {"request_event": 276}
    rows = rows.set_index("request_id")
    assert rows.loc["14-00684314", "opened_at"] == pd.Timestamp("2014-05-10 00:02:21")
    assert rows.loc["14-00684314", "closed_at"] == pd.Timestamp("2015-10-10 15:15:40")
    assert rows.loc["14-00684314", ["channel", "source_district"]].to_list() == ["phone", "21"]
    warehouse = Warehouse(Settings(data=tmp_path))
    kinds = set(warehouse.frame(select(request_event))["kind"])
    warehouse.close()
    assert {"created", "work", "transfer", "close"} | {"comment"} >= kinds >= {"created", "transfer"}
    _, toronto = imported(shared_data, tmp_path, "open311", "open311/open311status_requests_many.xml")
    assert toronto.set_index("request_id").loc["101005420892", "due_at"] == pd.Timestamp("2018-08-03 04:01")


def test_a_log_of_calls(shared_data: Path, tmp_path: Path) -> None:
    settings, path = Settings(data=tmp_path), shared_data / "callcenter" / "anonymous_bank_feb1999.tsv.gz"
    report = import_files(settings, mappings_named("anonymousbank"), path).report
    assert (report.read, report.added, report.repeated, report.refused) == (33_344, 33_344, 0, 0)
    warehouse = Warehouse(settings)
    rows = warehouse.frame(select(contact))
    warehouse.close()
    assert rows["outcome"].value_counts().to_dict() == {"answered": 27_162, "abandoned": 5_904, "ivr_abandon": 278}
    by_day = rows["arrived_on"].dt.day.value_counts()
    assert by_day[[1, 2, 28]].to_list() == [1_567, 1_846, 1_361]
    assert (rows["wait_s"] > 0).sum() == 18_306
    served = rows[rows["outcome"] == "answered"]
    assert round(served.loc[served["wait_s"] > 0, "wait_s"].mean(), 2) == 78.57
    assert round(served.loc[served["talk_s"] > 0, "talk_s"].mean(), 2) == 176.91
    assert served["agent_id"].isna().sum() == 491


def test_days_of_calls_stay_days(shared_data: Path, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    path = shared_data / "callcenter" / "vancouver_311_contact_centre_daily.csv"
    report = import_files(settings, mappings_named("vancouver"), path).report
    assert (report.read, report.added, report.refused) == (5_585, 5_585, 0)
    again = import_files(settings, mappings_named("vancouver"), path).report
    assert (again.read, again.added, again.updated, again.unchanged) == (5_585, 0, 0, 5_585)
    warehouse = Warehouse(settings)
    rows = warehouse.frame(select(contact_interval))
    assert len(rows) == 5_585 and not len(warehouse.frame(select(contact.c.contact_id)))
    warehouse.close()
    assert (rows["start_at"].min(), rows["start_at"].max()) == (
        pd.Timestamp("2009-06-15 07:00"), pd.Timestamp("2024-09-30 07:00"),
    )  # fmt: skip
    differ = rows["offered"] != rows["answered"] + rows["abandoned"]
    assert round(differ.mean(), 2) == 0.97


# ── Every mapping that is shipped ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_mapping_reads_a_row_of_its_own_columns(taken, name: str) -> None:
    for one in mappings_named(name):
        if one.table != "request":
            continue
        columns = dict.fromkeys(column for field in one.named() for column in field.columns[:1] if "." not in column)
        cells = dict.fromkeys(columns, "")
        for ours, value in {"request_id": "1", "opened_at": "2024-05-01 10:00:00", "closed_at": "2024-05-02 10:00:00",
                            "status": "Closed", "type_id": "Pothole"}.items():  # fmt: skip
            cells[one.columns[ours].columns[0]] = value
        if name == "open311":
            cells["status"] = "closed"
        content = pd.DataFrame([cells]).to_csv(index=False, sep="|" if name == "houston" else ",").encode()
        counts, rows, _ = taken(content, by=one)
        assert (counts.read, counts.accepted) == (1, 1)
        assert rows["status"].to_list() == ["closed"] and rows["type_id"].notna().all()
        assert rows["closed_at"][0] - rows["opened_at"][0] == pd.Timedelta(days=1)


def test_both_of_bostons_systems_are_one_city(tmp_path: Path) -> None:
    old, new = (
        mappings_named("boston")[::-1] if "case_id" in str(mappings_named("boston")[0]) else mappings_named("boston")
    )
    first = tmp_path / "old.csv"
    first.write_text(
        "case_enquiry_id,open_dt,closed_dt,case_status,type\n"
        "101,2025-09-01 08:00:00,,Open,Graffiti\n102,2025-09-01 09:00:00,,Open,Graffiti\n"
    )
    second = tmp_path / "new.csv"
    second.write_text(
        "case_id,open_date,close_date,case_status,service_name,case_topic\n"
        "102,2025-09-01 13:00:00+00,2025-11-01 13:00:00+00,Closed,Graffiti,Walls\n"
        "BCS-1,2025-11-02 14:00:00,,Open,Graffiti,Walls\n"
    )
    settings = Settings(data=tmp_path / "data")
    report = import_files(settings, mappings_named("boston"), [first, second]).report
    assert (report.read, report.added, report.repeated) == (4, 3, 1)
    warehouse = Warehouse(settings)
    rows = warehouse.frame(select(request)).set_index("request_id")
    warehouse.close()
    assert rows.loc["102", "opened_at"] == pd.Timestamp("2025-09-01 13:00") and rows.loc["102", "status"] == "closed"
    assert rows.loc["BCS-1", "opened_at"] == pd.Timestamp("2025-11-02 14:00")  # UTC, where the older export is local


# ── Traps, one by one ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2024-03-01 09:00:00", "2024-03-01 14:00"),
        ("2024-03-01T09:00:00.000-05:00", "2024-03-01 14:00"),
        ("2024-03-01T09:00:00Z", "2024-03-01 09:00"),
        ("03/01/2024 09:00 PM", "2024-03-02 02:00"),
        ("01.03.24 09:00", "2024-03-01 14:00"),
        ("1709287200", "2024-03-01 10:00"),
        ("2024-11-03 01:30:00", "2024-11-03 05:30"),  # shown twice: the first
        ("2024-03-10 02:30:00", "2024-03-10 07:00"),  # skipped: the end of the gap
    ],
)
def test_times_of_every_kind_in_one_column(taken, written: str, utc: str) -> None:
    counts, rows, _ = taken(table(ROW.replace("2024-03-01 09:00:00", written), ROW.replace("7,", "8,", 1)))
    assert (counts.read, counts.accepted) == (2, 2)
    assert rows["opened_at"][0] == pd.Timestamp(utc)
    doubtful = {"2024-11-03 01:30:00": "ambiguous_time", "2024-03-10 02:30:00": "nonexistent_time"}.get(written)
    assert rows["dq_flags"][0] == (FLAGS[doubtful] if doubtful else 0)


def test_days_numbers_points_and_nothings(taken) -> None:
    _, rows, _ = taken(
        table(
            ROW,
            "9007199254740993,2024-03-01,1900-01-01,NA,Open,Pothole,-,,\"(40.5, -73.25)\"",
            "x,2024-03-01,,,open ,Pothole,  ,02131,",
        )
    )  # fmt: skip
    assert rows["due_at"][0] == pd.Timestamp("2024-03-06 04:59:59.999999")  # the end of the fifth, local
    assert rows["request_id"].to_list() == ["7", "9007199254740993", "x"]
    assert rows["channel"].fillna("").to_list() == ["02131", "", "02131"]
    assert rows["closed_at"].isna().to_list() == [False, True, True]
    assert rows.loc[1, ["lat", "lon"]].to_list() == [40.5, -73.25]
    assert rows["address"].isna().to_list() == [False, True, True]
    assert rows["status"].to_list() == ["closed", "new", "new"]


@pytest.mark.parametrize(
    ("row", "reason", "column"),
    [
        (",2024-03-01,,,Open,Pothole,,,", "no id", "ID"),
        ("7,,,,Open,Pothole,,,", "no opening time", "Opened"),
        ("7,soon,,,Open,Pothole,,,", "not a time", "Opened"),
        ("7,2024-13-01,,,Open,Pothole,,,", "not a time", "Opened"),
        ("7,0024-03-01,,,Open,Pothole,,,", "not a time", "Opened"),
        ("7,2024-03-01,9999-12-31,,Open,Pothole,,,", "a year that cannot be", "Closed"),
        ("7,2024-03-01,,,Open,,,,", "no service type", "Type"),
        ("7,2024-03-01,,,Open,Pothole,", "wrong number of columns", None),
        ("7,2024-03-01,,,Open,Pothole,,,,more", "wrong number of columns", None),
        ('7,2024-03-01,,,Open,Pothole,"1 Main" St,,', "a quotation mark in the wrong place", None),
        ('7,2024-03-01,,,Open,Pothole,"1 Main St,,', "a quotation mark that opens and never closes", None),
        (HEADING, "the heading, once more in the middle", None),
    ],
)
def test_a_wrong_row_alone_is_refused(taken, row: str, reason: str, column: str | None) -> None:
    others = [ROW.replace("7,", f"{n},", 1) for n in range(100, 110)]
    counts, rows, refused = taken(table(*others[:5], row, *others[5:]))
    assert (counts.read, counts.accepted, counts.refused) == (11, 10, 1)
    assert rows["request_id"].to_list() == [str(n) for n in range(100, 110)]
    assert refused[["row_number", "reason"]].to_numpy().tolist() == [[6, reason]]
    assert (refused["column_name"][0] or None) == column if column else not refused["column_name"].notna().any()
    raw = json.loads(refused["raw"].iloc[0])
    assert raw["line"] == row if "line" in raw else row.startswith(raw["ID"] or "")


def test_line_ends_quotes_and_newlines_inside(taken) -> None:
    inside = '7,2024-03-01,,,Open,Pothole,"line one\nline ""two""",,'
    for end in ("\n", "\r\n", "\r"):
        content = (end.join([HEADING, inside.replace("\n", end), "", ROW.replace("7,", "8,", 1)]) + end).encode()
        counts, rows, _ = taken(b"\xef\xbb\xbf" + content)
        assert (counts.read, counts.accepted) == (2, 2)
        assert rows["address"][0] == 'line one\nline "two"'


def test_an_open_quotation_mark_swallows_nothing(taken) -> None:
    rows = [ROW.replace("7,", f"{n},", 1) for n in range(3_000)]
    rows[10] = '10,2024-03-01,,,Open,Pothole,"never closed,,'
    rows[2_990] = '2990,2024-03-01,,,Open,Pothole,"two\nlines",,'
    counts, found, refused = taken(table(*rows))
    assert (counts.read, counts.accepted, counts.refused) == (3_000, 2_999, 1)
    assert refused["row_number"].to_list() == [11] and "2990" in set(found["request_id"])


def test_an_open_quotation_mark_beside_another_one_swallows_nothing_either(taken) -> None:
    rows = [ROW.replace("7,", f"{n},", 1) for n in range(40)]
    rows[10:13] = [f'{n},2024-03-01,,,Open,6" main,"never closed,,' for n in range(10, 13)]
    rows[20] = '20,2024-03-01,,,Open,6" main,"two\nlines, a ""third""\nand a last",,'
    rows[30] = '30,2024-03-01,,,Open,Pothole,"1 Main" St,,'
    counts, found, refused = taken(table(*rows))
    assert (counts.read, counts.accepted, counts.refused) == (40, 36, 4)
    assert refused["row_number"].to_list() == [11, 12, 13, 31]
    assert found.set_index("request_id").loc["20", "type_id"] == '6" main'


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("utf-8", "Müll"), ("cp1252", "Müll “quoted”"), ("utf-16", "Müll"), ("utf-8-sig", "日本")],
)
def test_encodings(taken, encoding: str, text: str) -> None:
    content = table(ROW.replace("1 Main St", text), ROW.replace("7,", "8,", 1)).decode().encode(encoding)
    _, rows, _ = taken(content)
    assert rows["address"][0] == text


def test_words_taken_for_another_encoding_are_put_right(taken) -> None:
    twice = "Café’s Müll".encode().decode("latin-1")
    _, rows, _ = taken(table(ROW.replace("1 Main St", twice)))
    assert rows["address"][0] == "Café’s Müll"


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_delimiters_are_found(taken, delimiter: str) -> None:
    counts, rows, _ = taken(table(ROW).replace(b",", delimiter.encode()))
    assert counts.accepted == 1 and rows["type_id"][0] == "Pothole"


@pytest.mark.parametrize(
    ("above", "told"),
    [
        ("Springfield 311\nPrinted: 01/05/2025\n\n", "3 lines above the heading, such as “Springfield 311”"),
        ('"Springfield, 311",,,,,,,,\n,,,,,,,,\n', "2 lines above the heading, such as “Springfield, 311”"),
        ("sep=,\n", "1 line above the heading, such as “sep=”"),
        ("\n\n", None),
        ("", None),
    ],
)
def test_titles_above_the_heading_are_passed_over(taken, tmp_path: Path, above: str, told: str | None) -> None:
    rows = table(*(ROW.replace("7,", f"{n},", 1) for n in range(5)), "6,soon,,,Open,Pothole,,,")
    counts, _, refused = taken(above.encode() + rows)
    assert (counts.read, counts.accepted) == (6, 5) and refused["row_number"].to_list() == [6]
    (tmp_path / "export.csv").write_bytes(above.encode() + rows)
    notes = import_files(Settings(data=tmp_path), mapping(), tmp_path / "export.csv", dry=True).report.notes
    assert [one for one in notes if "heading" in one] == ([f"export.csv: Not read: {told}."] if told else [])


def packed_in_zip(content: bytes, folder: Path) -> bytes:
    path = folder / "one.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("export.csv", content)
        archive.writestr("__MACOSX/._export.csv", b"x")
    return path.read_bytes()


@pytest.mark.parametrize("name", ["export.csv.gz", "export.zip", "export.csv.zst"])
def test_packed_files(taken, tmp_path: Path, name: str) -> None:
    content = table(*(ROW.replace("7,", f"{n},", 1) for n in range(5_000)))
    packed = {"export.csv.gz": gzip.compress, "export.csv.zst": zstandard.compress}.get(
        name, lambda one: packed_in_zip(one, tmp_path)
    )(content)
    counts, _, _ = taken(packed, name)
    assert (counts.read, counts.accepted) == (5_000, 5_000)
    with pytest.raises(ImportRefused, match="incomplete|damaged"):
        taken(packed[: len(packed) // 2], name)


def test_what_is_looked_for_within_nested_values_and_not_there_is_told(tmp_path: Path) -> None:
    at, told = {"x": 1_000_000.0, "y": 200_000.0}, {"opened": "2024-03-01"}
    records = [{"id": n, "at": at, "told": told} for n in range(3)]
    (tmp_path / "export.json").write_text(json.dumps(records))
    text = """name = "test"
[city]
name = "Testville"
tz = "America/New_York"
[request]
request_id = "id"
opened_at = "told.opened"
closed_at = "told.closd"
type_id = { value = "Request" }
status = { value = "new" }
[place]
x = "at.x"
y = "at.%s"
crs = "EPSG:2263"
"""
    for column, absent in (("y", []), ("z", ["at.z (for place)"])):
        by = mapping_from(text % column, Path("test.toml"))
        outcome = import_files(Settings(data=tmp_path / column), by, tmp_path / "export.json", dry=True)
        assert list(outcome.report.absent) == ["told.closd (for closed_at)", *absent]
        assert ("lat" in outcome.sample) == (column == "y")


def test_an_empty_sheet_is_refused_in_words(taken, tmp_path: Path) -> None:
    content = with_a_cover(tmp_path)
    for sheet, told in (("empty", "nothing stands in this sheet"), ("none", "there are empty, cover, data")):
        by = mapping_from(CITY.replace("[file]", f'[file]\nsheet = "{sheet}"'), Path("t.toml"))
        with pytest.raises(ImportRefused, match=told):
            taken(content, "one.xlsx", by)


def test_a_workbook_called_csv_and_a_table_called_xls_are_what_they_are(taken, tmp_path: Path) -> None:
    counts, _, _ = taken(as_excel(tmp_path), "export.csv")
    assert counts.accepted == 2
    counts, _, _ = taken(table(ROW).replace(b",", b"\t"), "export.xls")
    assert counts.accepted == 1
    with pytest.raises(ImportRefused, match="damaged"):
        taken(as_parquet(tmp_path)[:-40], "export.parquet")


def test_a_value_that_is_no_json_is_refused_alone(taken) -> None:
    good = ROW.removesuffix(",") + ',"{""at"": {""lat"": 40.5, ""lon"": -73.2}}"'
    bad = [good.replace("7,", f"{n},", 1).replace('"{""', written, 1) for n, written in ((8, "\"{'at"), (9, '"x'))]
    empty = ROW.replace("7,", "10,", 1)
    by = mapping_from(CITY.split("lat =")[0] + 'lat = "Point.at.lat"\nlon = "Point.at.lon"\n', Path("t.toml"))
    counts, rows, refused = taken(table(good, *bad, empty), by=by)
    assert (counts.read, counts.accepted) == (4, 2) and rows["lat"].fillna(0).to_list() == [40.5, 0]
    told = refused[["row_number", "column_name", "reason"]].to_numpy().tolist()
    assert told == [[2, "Point.at.lat", "not a number"], [3, "Point.at.lat", "not a number"]]


def test_a_place_whose_columns_are_missing_is_told(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_bytes(table(ROW))
    by = mapping('[place]\nx = "XCOORD"\ny = "YCOORD"\ncrs = "EPSG:2263"\n')
    outcome = import_files(Settings(data=tmp_path / "data"), by, tmp_path / "export.csv", dry=True)
    assert list(outcome.report.absent) == ["XCOORD (for place)", "YCOORD (for place)"]


KINDS = pd.DataFrame(
    {
        "ID": ["9007199254740993", "8"], "Opened": ["2024-03-01 09:00:00", "2024-03-02"], "Closed": [None, None],
        "Due": [None, "2024-03-05"], "Status": ["Open", "Open"], "Type": ["Pothole", "Straße"], "Address": ["a", None],
        "Zip": ["02131", "02132"], "Point": [None, None],
    }
)  # fmt: skip


def as_excel(folder: Path) -> bytes:
    path = folder / "one.xlsx"
    KINDS.to_excel(path, index=False, engine="xlsxwriter")
    return path.read_bytes()


def as_clerks_make_it(folder: Path) -> bytes:
    """A hidden sheet first, titles above the heading, totals below the rows."""
    path = folder / "one.xlsx"
    with pd.ExcelWriter(path, engine="xlsxwriter") as book:
        pd.DataFrame({"Code": ["P"], "Meaning": ["Pothole"]}).to_excel(book, sheet_name="codes", index=False)
        KINDS.to_excel(book, sheet_name="data", index=False, startrow=3)
        book.sheets["codes"].hide()
        book.sheets["data"].activate()
        book.sheets["data"].merge_range(0, 0, 0, 8, "Springfield 311")
        book.sheets["data"].write(1, 0, "Printed 01/05/2025")
    return path.read_bytes()


def with_a_cover(folder: Path) -> bytes:
    path = folder / "one.xlsx"
    with pd.ExcelWriter(path, engine="xlsxwriter") as book:
        book.book.add_worksheet("empty")
        book.book.add_worksheet("cover").write_column(0, 0, ["Springfield", "Contact: 311"])
        KINDS.to_excel(book, sheet_name="data", index=False)
    return path.read_bytes()


def test_numbers_with_a_point_are_read_as_they_are(taken, tmp_path: Path) -> None:
    named = pa.table({**KINDS.assign(Zip=None), "ID": pa.array([7.0, 8.0]), "Zip": pa.array([float("nan"), 2131.0])})
    parquet.write_table(named.append_column("lat", pa.array([40.5, float("nan")])), tmp_path / "one.parquet")
    by = mapping_from(CITY.split("lat =")[0] + 'lat = "lat"\n', Path("t.toml"))
    counts, rows, _ = taken((tmp_path / "one.parquet").read_bytes(), "one.parquet", by)
    assert counts.accepted == 2 and rows["request_id"].to_list() == ["7", "8"]
    assert rows["lat"].fillna(0).to_list() == [40.5, 0] and rows["channel"].fillna("").to_list() == ["", "2131"]


def as_parquet(folder: Path) -> bytes:
    path = folder / "one.parquet"
    typed = KINDS.assign(ID=KINDS["ID"].astype("int64"), Opened=pd.to_datetime(KINDS["Opened"], format="mixed"))
    typed.to_parquet(path, index=False)
    return path.read_bytes()


def as_geojson(folder: Path) -> bytes:
    features = [
        {"type": "Feature", "properties": one, "geometry": {"type": "Point", "coordinates": [-73.25, 40.5]}}
        for one in json.loads(KINDS.to_json(orient="records"))
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def answer_of_arcgis(system: int, x: float, y: float) -> bytes:
    """On one line, its records behind a long list of fields."""
    rows = json.loads(KINDS.to_json(orient="records"))
    fields = [{"name": one, "alias": "an alias " * 50} for one in KINDS]
    features = [{"attributes": one, "geometry": {"x": x, "y": y}} for one in rows]
    told = {"spatialReference": {"wkid": 102_718, "latestWkid": system}, "exceededTransferLimit": True}
    return json.dumps({"objectIdFieldName": "ID", "fields": fields, **told, "features": features}).encode()


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("one.xlsx", as_excel),
        ("one.xlsx", as_clerks_make_it),
        ("one.xlsx", with_a_cover),
        ("one.parquet", as_parquet),
        ("one.json", lambda folder: KINDS.to_json(orient="records", indent=1).encode()),
        ("one.json", lambda folder: b'{"meta": 1, "records": ' + KINDS.to_json(orient="records").encode() + b"}"),
        ("one.json", lambda folder: answer_of_arcgis(4326, -73.25, 40.5)),
        ("one.json", lambda folder: b'{"next": null, "rows": ' + KINDS.to_json(orient="records").encode() + b"}"),
        ("one.jsonl", lambda folder: KINDS.to_json(orient="records", lines=True, force_ascii=False).encode()),
        ("one.json.gz", lambda folder: gzip.compress(KINDS.to_json(orient="records").encode())),
        ("one.geojson", as_geojson),
        ("one.tsv", lambda folder: KINDS.to_csv(sep="\t", index=False).encode()),
        ("one.xml", lambda folder: KINDS.to_xml(index=False, parser="etree").encode()),
    ],
)  # fmt: skip
def test_kinds_of_files(taken, tmp_path: Path, name: str, make) -> None:
    by = mapping_from(
        CITY.replace('column = "Point", pattern', 'columns = ["Point", "latitude"], pattern'), Path("t.toml")
    )
    if name == "one.geojson":
        by = mapping_from(CITY.split("lat =")[0] + 'lat = "latitude"\nlon = "longitude"\n', Path("t.toml"))
    counts, rows, _ = taken(make(tmp_path), name, by)
    assert (counts.read, counts.accepted) == (2, 2)
    assert rows["request_id"].to_list() == ["9007199254740993", "8"] and rows["type_id"].to_list() == [
        "Pothole",
        "Straße",
    ]
    assert rows["opened_at"].to_list() == [pd.Timestamp("2024-03-01 14:00"), pd.Timestamp("2024-03-02 05:00")]
    assert rows["address"].isna().to_list() == [False, True] and rows["closed_at"].isna().all()
    if name == "one.geojson":
        assert rows[["lat", "lon"]].to_numpy().tolist() == [[40.5, -73.25]] * 2


def test_points_of_a_file_of_shapes(taken, tmp_path: Path) -> None:
    points = gpd.GeoDataFrame(KINDS, geometry=[shapely.Point(-73.25, 40.5)] * 2, crs=4326)
    by = CITY.split("lat =")[0] + 'lat = "latitude"\nlon = "longitude"\n[place]\nx = "x"\ny = "y"\ncrs = "EPSG:2263"\n'
    points.to_crs(2263).to_file(tmp_path / "one.gpkg", layer="requests")
    (tmp_path / "shapes").mkdir()
    points.to_crs(2263).to_file(tmp_path / "shapes" / "two.shp")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:  # nothing in it names the system
        for one in (tmp_path / "shapes").iterdir():
            archive.write(one, f"requests/{one.name}") if one.suffix != ".prj" else None
    points.to_file(tmp_path / "three.gpkg", layer="requests")
    points.to_file(tmp_path / "three.gpkg", layer="older")
    for name in ("one.gpkg", "two.zip"):
        _, rows, _ = taken((tmp_path / name).read_bytes(), name, mapping_from(by, Path("t.toml")))
        assert rows["lat"].round(3).to_list() == [40.5] * 2
    content = (tmp_path / "three.gpkg").read_bytes()
    with pytest.raises(ImportRefused, match=r"several layers, .*older.*; say .* sheet = “…” in \[file\]"):
        taken(content, "one.gpkg", mapping_from(by, Path("t.toml")))
    by = by.replace("[file]", '[file]\nsheet = "older"')
    assert taken(content, "one.gpkg", mapping_from(by, Path("t.toml")))[0].accepted == 2


def test_points_in_feet_are_told_with_their_system_and_parts_as_parts(tmp_path: Path) -> None:
    by = mapping_from(CITY.split("lat =")[0] + '[place]\nx = "x"\ny = "y"\ncrs = "EPSG:2263"\n', Path("test.toml"))
    (tmp_path / "one.json").write_bytes(answer_of_arcgis(2263, 980_000.0, 200_000.0))
    outcome = import_files(Settings(data=tmp_path / "data"), by, tmp_path / "one.json", dry=True)
    assert outcome.sample["lat"].between(40, 41).all() and outcome.report.accepted == 2
    said = " ".join(outcome.report.notes)
    assert "x and y, are in EPSG:2263" in said and "holds a part only" in said
    features = json.loads(as_geojson(tmp_path))["features"]
    system = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2263"}}
    features = [one | {"geometry": {"type": "Point", "coordinates": [980_000.0, 200_000.0]}} for one in features]
    whole = {"type": "FeatureCollection", "crs": system, "features": features}
    (tmp_path / "one.geojson").write_text(json.dumps(whole))
    outcome = import_files(Settings(data=tmp_path / "data"), by, tmp_path / "one.geojson", dry=True)
    assert outcome.sample["lat"].between(40, 41).all()


def test_files_of_any_kinds_are_read_one_after_the_other(tmp_path: Path) -> None:
    kinds = {
        "one.parquet": lambda rows: rows.to_parquet(index=False),
        "two.xml": lambda rows: rows.to_xml(index=False, parser="etree").encode(),
        "three.json": lambda rows: rows.to_json(orient="records").encode(),
        "four.xml": lambda rows: rows.to_xml(index=False, parser="etree").encode(),
    }
    for n, (name, written) in enumerate(kinds.items()):
        (tmp_path / name).write_bytes(written(KINDS.assign(ID=[f"{n}-{one}" for one in range(len(KINDS))])))
    report = import_files(Settings(data=tmp_path / "data"), mapping(), [tmp_path / name for name in kinds]).report
    assert (report.accepted, report.refused) == (4 * len(KINDS), 0)


def test_a_broken_line_of_json_is_one_refused_row(taken) -> None:
    content = KINDS.to_json(orient="records", lines=True).strip() + '\n{"ID": "7", "Ope\n[7]\n'
    counts, _, refused = taken(content.encode(), "one.jsonl")
    assert (counts.read, counts.accepted) == (4, 2)
    assert refused["reason"].to_list() == ["a line that is no record"] * 2
    with pytest.raises(ImportRefused, match="not JSON"):
        taken(b'[{"ID": 1}, {"ID"', "one.json")


def test_names_in_json_may_be_of_any_signs(taken) -> None:
    odd = {'say "hi"': "Main", "": "x", "a/b": "x", "c~d": "x", "$e": "x", "f.g": "x"}
    rows = [row | odd for row in json.loads(KINDS.to_json(orient="records"))]
    by = mapping_from(CITY.replace('"Address"', "'say \"hi\"'"), Path("test.toml"))
    for content in (rows, {'my "list"': rows}):
        _, found, refused = taken(json.dumps(content).encode(), "one.json", by)
        assert found["address"].to_list() == ["Main"] * len(rows) and refused.empty


def test_records_of_xml_are_named_without_their_namespace(taken) -> None:
    written = KINDS.to_xml(index=False, parser="etree", namespaces={"": "urn:city"}).encode()
    with_head = written.replace(b"<row>", b"<head><n>2</n></head><row>", 1)
    for name in ("row", "{urn:city}row"):
        counts, _, _ = taken(
            with_head, "one.xml", mapping_from(CITY.replace("[file]", f'[file]\nrows = "{name}"'), Path("t.toml"))
        )
        assert counts.accepted == 2


def test_what_is_nested_without_end_is_refused(taken) -> None:
    with pytest.raises(ImportRefused, match="not XML"):
        taken(b"<a>" * 5_000 + b"</a>" * 5_000, "one.xml")


def test_columns_in_another_order_case_and_spelling(taken) -> None:
    content = b"type,CLOSED,id ,opened,_status\nPothole,,5,2024-03-01,Open\n"
    _, rows, _ = taken(content)
    assert rows[["request_id", "status"]].to_numpy().tolist() == [["5", "new"]]
    with pytest.raises(ImportRefused, match="several columns could be I-D"):
        taken(
            b"type,closed,i.d,opened,status,I D\nx,,1,2024-03-01,Open,2\n",
            by=mapping_from(CITY.replace('"ID"', '"I-D"'), Path("t.toml")),
        )


@pytest.mark.parametrize(
    ("written", "with_point", "with_comma"),
    [
        ("42.5201", 42.5201, 42.5201), ("42,5201", 42.5201, 42.5201), ("1.5", 1.5, 1.5), ("1,5", 1.5, 1.5),
        ("1,000", 1000, 1), ("1.000", 1, 1000), ("1,234.5", 1234.5, None), ("1.234,5", None, 1234.5),
        ("1,23,456", 123456, None), ("12 345", 12345, 12345),
    ],
)  # fmt: skip
def test_a_sign_that_no_three_digits_follow_stands_between_no_thousands(taken, written, with_point, with_comma) -> None:
    for decimal, number in ((".", with_point), (",", with_comma)):
        text = CITY.split("lat =")[0].replace("[file]", f'[file]\ndecimal = "{decimal}"') + 'lat = "Point"\n'
        _, rows, refused = taken(table(f'{ROW}"{written}"'), by=mapping_from(text, Path("t.toml")))
        assert rows["lat"].to_list() == ([] if number is None else [number])
        assert refused.empty == (number is not None)


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2024-03-01 09:00:00 UTC", "2024-03-01 09:00"),  # as Rails and BigQuery write it
        ("2024-03-01 09:00 UTC", "2024-03-01 09:00"),
        ("2024-03-01T09:00Z", "2024-03-01 09:00"),
        ("2024-03-01T09:00:00 z", "2024-03-01 09:00"),
        ("2024-03-01 09:00:00.0000000 -05:00", "2024-03-01 14:00"),  # as SQL Server does
        ("2024-03-01T09:00:00+0530", "2024-03-01 03:30"),
        ("2024-03-01 09:00", "2024-03-01 14:00"),
        ("2024-03-01 09:00-09:30", None),
        ("2024-03-01 09:00:00 EST", None),
    ],
)
def test_offsets_are_read_as_they_are_written(taken, written: str, instant: str | None) -> None:
    _, rows, refused = taken(table(ROW.replace("2024-03-01 09:00:00", written)))
    assert rows["opened_at"].to_list() == ([pd.Timestamp(instant)] if instant else [])
    assert refused.empty == bool(instant)


@pytest.mark.parametrize("column", ["$id", "/id", "case.id", "#", "id [x]"])
def test_the_id_may_stand_under_any_name(tmp_path: Path, column: str) -> None:
    settings, path = Settings(data=tmp_path / "data"), tmp_path / "export.csv"
    by = mapping_from(CITY.replace('"ID"', f'"{column}"'), Path("test.toml"))
    for written, refused in (("long ago", 1), ("2024-03-01 09:00:00", 0)):
        rows = table(ROW.replace("2024-03-01 09:00:00", written), ROW.replace("7,", "8,", 1))
        path.write_bytes(rows.replace(b"ID", column.encode(), 1))
        assert import_files(settings, by, path).report.refused == refused
    warehouse = Warehouse(settings)
    assert warehouse.frame(select(refused_row)).empty  # what was corrected is no longer listed
    warehouse.close()


def test_a_promise_in_days(taken, tmp_path: Path) -> None:
    by = mapping_from(
        CITY.replace('{ column = "Due", end_of_day = true }', '{ column = "Due", days_after = "opened_at" }'),
        Path("test.toml"),
    )
    _, rows, _ = taken(table(ROW.replace("2024-03-05", "10")), by=by)
    assert rows["due_at"][0] == pd.Timestamp("2024-03-11 13:00")  # the same time on the wall clock, after the change
    wrong = ("1e12", "300000000", "nan", "inf", "soon")
    counts, _, refused = taken(table(ROW, *(ROW.replace("2024-03-05", one) for one in wrong)), by=by)
    assert counts.accepted == 0 and refused["reason"].to_list() == ["not a time"] * 6
    assert set(refused["expected"]) == {"a number of days"}
    listed = mapping_from(CITY.replace("due_at", "#due_at") + "[promises]\ndays = { Pothole = 3 }\n", Path("test.toml"))
    path = tmp_path / "export.csv"
    path.write_bytes(table(ROW))
    settings = Settings(data=tmp_path / "data")
    import_files(settings, listed, path)
    warehouse = Warehouse(settings)
    assert len(warehouse.frame(select(sla_version))) == 1
    due = warehouse.frame(select(request.c.due_at, request.c.due_source))
    warehouse.close()
    assert due["due_source"][0] == "computed" and due["due_at"][0] == pd.Timestamp("2024-03-05 04:59:59.999999")


# ── Mappings that are wrong ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("name = ", "not TOML"),
        ("[request]\nrequest_id = 'a'", "section \\[city\\]"),
        (CITY.replace("[file]", "[fiel]"), "no section \\[fiel\\]"),
        (CITY.replace("address =", "adress ="), "no column adress"),
        (CITY.replace('address = "Address"', 'address = ""'), "request.address names no column"),
        (CITY.replace("end_of_day", "endofday"), "no word “endofday”"),
        (CITY.replace('type_id = "Type"', ""), "type_id comes from"),
        (CITY.replace('status = "Status"', "status = { column = 'Status', words = { Open = 'opn' } }", 1), "no status"),
        (CITY.replace("America/New_York", "America/Nowhere"), "no time zone"),
        (CITY.replace("[0-9.]+)", "[0-9.]+", 1), "no regular expression"),
        (CITY.replace("(-?[0-9.]+)", "(?<=x)(-?[0-9.]+)", 1), "no regular expression"),
        (CITY.replace("(-?[0-9.]+)", "-?[0-9.]+", 1), "no group in parentheses"),
        (CITY + "[service_type]\ninternal = '('\n", "service_type.internal: .* no regular expression"),
        (CITY.replace('request_id = "ID"', ""), "request_id comes from"),
        (CITY.replace("nulls = [\"NA\", \"-\"]", "nulls = 5"), "list of words"),
        (CITY.replace("[city]", "[city]\npopulation = 3"), "no population"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_refused_in_words(tmp_path: Path, written: str, says: str) -> None:
    path = tmp_path / "city.toml"
    path.write_text(written)
    from dashboard.domain.errors import Problem

    with pytest.raises(Problem, match=says):
        mappings_named(str(path))


def test_a_mapping_may_be_like_another(tmp_path: Path) -> None:
    path = tmp_path / "toronto.toml"
    path.write_text('like = "open311"\n[city]\nname = "Toronto"\ntz = "America/Toronto"\n')
    found = mappings_named(str(path))[0]
    assert (found.name, found.city["city_id"], found.columns["request_id"].columns) == (
        "toronto", "toronto", ("service_request_id",),
    )  # fmt: skip
    with pytest.raises(UnknownName, match="open311"):
        path.write_text('like = "open31"\n[city]\nname = "Toronto"\ntz = "America/Toronto"\n')
        mappings_named(str(path))


# ── Sketched ────────────────────────────────────────────────────────────────────────────────────────


def test_a_sketch_of_an_export_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    rows = [
        f"T-{n};{1 + n % 28}.{1 + n % 12:02d}.2023 14:00;{'' if n % 3 else '28.12.2023 09:00'};"
        f"{'Open' if n % 3 else 'Erledigt'};{'Pothole' if n % 2 else 'Graffiti'};NULL;{51.2 + n / 1000};{7 + n / 1000}"
        for n in range(60)
    ]
    path.write_text("Ticket Number;Created;Closed On;Status;Category;Team;Lat;Lon\n" + "\n".join(rows), "cp1252")
    text = sketch_of(path)
    assert 'delimiter = ";"' in text and 'nulls = ["NULL"]' in text and "doubt" in text
    assert 'formats = ["%d.%m.%Y %H:%M"]' in text and '"Erledigt" = "closed"  # doubt: guessed' in text
    assert 'tz = "Europe/Berlin"  # doubt: guessed' in text
    mapping_path = tmp_path / "city.toml"
    mapping_path.write_text(text)
    outcome = import_files(Settings(data=tmp_path / "data"), mappings_named(str(mapping_path)), path, dry=True)
    assert (outcome.report.accepted, outcome.report.refused) == (60, 0) and not outcome.report.unmapped
    assert {"lat", "lon", "closed_at", "type_id"} <= set(outcome.sample.columns)


def _sketched(tmp_path: Path, name: str, text: str) -> tuple[str, Outcome]:
    """The sketch of such an export, and what comes of a dry run by it, not a word corrected."""
    path = tmp_path / name
    path.write_text(text, "utf-8")
    drafted = sketch_of(path)
    settings = Settings(data=tmp_path / "data")
    return drafted, import_files(settings, mapping_from(drafted, Path("city.toml")), path, dry=True)


def test_what_is_wrong_with_a_mapping_is_said_by_name_with_what_may_be_meant(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(table("8,soon,,,Open,Pothole,,,"))
    settings = Settings(data=tmp_path / "data")

    def told(text: str, content: bytes = b"") -> str:
        if content:
            path.write_bytes(content)
        with pytest.raises(ImportRefused) as problem:
            import_files(settings, mapping_from(text, Path("test.toml")), path)
        return str(problem.value)

    first = "not one of its 1 rows could be accepted. The first: row 1, not a time in Opened: “soon”, expected "
    assert first in told(CITY)
    assert "it has column, columns" in told(CITY.replace('{ column = "Zip"', '{ colum = "Zip"'))
    assert "Did you mean column?" in told(CITY.replace('{ column = "Zip"', '{ colum = "Zip"'))
    assert "no column Typo. " in (said := told(CITY.replace('"Type"', '"Typo"'))) and "Did you mean Type?" in said
    assert "no column State, which the mapping asks with when. Did you mean Status?" in told(
        CITY.replace('{ column = "Closed"', '{ column = "Closed", when = { State = ["closed"] }')
    )
    assert "request.status: Filed = “banana” is no status" in told(
        CITY.replace('status = "Status"', 'status = { column = "Status", words = { Filed = "banana" } }', 1)
    )
    assert "is the delimiter ';'?" in told(
        CITY.replace("[file]", '[file]\ndelimiter = "|"'), table(ROW).replace(b",", b";")
    )


def test_where_a_report_cannot_be_written_nothing_is_imported(tmp_path: Path) -> None:
    path, mapped, data = (tmp_path / name for name in ("export.csv", "test.toml", "data"))
    path.write_bytes(table(ROW))
    mapped.write_text(CITY)
    asked = [
        "import",
        str(mapped),
        str(path),
        "--data",
        str(data),
        "--report",
        str(tmp_path / "nowhere" / "report.json"),
    ]
    told = CliRunner().invoke(main, asked)
    assert told.exit_code and "nothing was imported" in told.output and not data.exists()


def test_without_an_id_a_sketch_tells_rows_apart_by_what_does_not_change(tmp_path: Path) -> None:
    rows = [f"2024-03-{1 + n // 20:02} 08:00,{'New' if n % 3 else 'Done'},{'Rats' if n % 2 else 'Trash'},"
            f"{n % 5},{n % 20} Main St,{n % 7},{40 + n / 1000}" for n in range(200)]  # fmt: skip
    rows.append(rows[0].replace("Done", "New"))
    heading = "Creation Date,Status,Request Type,Ward,Place Name,Police Ward,Degrees"
    drafted, outcome = _sketched(tmp_path, "noid.csv", "\n".join([heading, *rows, ""]))
    assert "these are together, but for 1 row: of those alike the last counts" in drafted
    assert 'request_id = { columns = ["Creation Date", "Request Type", "Ward", "Place Name"], join = " · " }' in drafted
    assert "# doubt: which districts does the city go by? Police Ward may be meant as well" in drafted
    assert (outcome.report.read, outcome.report.accepted, outcome.report.refused) == (201, 201, 0)
    assert outcome.report.repeated == 1
    assert "2024-03-01 08:00 · Rats · 1 · 1 Main St" in set(outcome.sample["request_id"])


def test_where_nothing_says_when_it_was_closed_a_sketch_takes_the_last_change(tmp_path: Path) -> None:
    states = ("Terminée", "Acceptée", "Annulée")
    rows = [f"25-{n},{states[n % 3]},2024-05-0{1 + n % 9}T10:00:00,2024-06-0{1 + n % 9}T10:00:00,Rat,{n},rue Roy"
            for n in range(60)]  # fmt: skip
    heading = "ID_UNIQUE,DERNIER_STATUT,DDS_DATE_CREATION,DATE_DERNIER_STATUT,ACTI_NOM,STREET_NO,RUE"
    drafted, outcome = _sketched(tmp_path, "requetes.csv", "\n".join([heading, *rows, ""]))
    assert "doubt: no column says when a request was closed" in drafted
    sample = outcome.sample.head(3)
    assert sample["status"].tolist() == ["closed", "triaged", "cancelled"]
    assert sample["closed_at"].notna().tolist() == [True, False, True]
    assert set(outcome.report.flagged) == {"no_geo"} and sample["type_id"].tolist() == ["Rat"] * 3


def test_a_sketch_puts_a_house_number_before_its_street_and_takes_no_point_for_an_address(tmp_path: Path) -> None:
    of = ("Dept of Health", "Dept of Works")
    rows = [f"{n},03/0{1 + n % 9}/2024 01:00:00 PM,Open,{of[n % 2]},Rodents,{n},ELM ST {n % 9}A,"
            f"POINT (-78.{800 + n} 42.{900 + n})" for n in range(60)]  # fmt: skip
    heading = "Case Reference,Open Date,Status,Subject,Type,Address Number,Address Line 1,Location"
    drafted, outcome = _sketched(tmp_path, "cases.csv", "\n".join([heading, *rows, ""]))
    assert 'columns = ["Address Number", "Address Line 1"], join = " "' in drafted
    first = outcome.sample.iloc[1]
    assert (first["address"], first["lat"], first["lon"]) == ("1 ELM ST 1A", 42.901, -78.801)
    assert first["department_id"] == "Dept of Works"


def test_a_sketch_of_json_may_meet_empty_columns_and_texts_of_several_lines(tmp_path: Path) -> None:
    records = [
        {"service_request_id": n, "status": ("Open", "Closed (Duplicate)", "Not completed")[n % 3], "media_url": None,
         "service_name": "Graffiti", "requested_datetime": 1_714_521_600_000 + n, "remark": f"one\ntwo {n}",
         "lat": 39.9, "lon": -75.1} for n in range(40)
    ]  # fmt: skip
    drafted, outcome = _sketched(tmp_path, "records.json", json.dumps(records))
    assert 'formats = ["epoch_ms"]' in drafted and 'tz = "America/New_York"' in drafted
    assert '"Closed (Duplicate)" = "merged_duplicate"  # doubt: guessed' in drafted
    assert '#"Not completed" = ""' in drafted  # what is denied is not guessed
    assert (outcome.report.accepted, outcome.report.refused) == (40, 0)


def test_a_sketch_of_a_log_of_calls_says_that_it_is_one(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text("Conversation ID,Start,Queue,Total Handle\n1,2024-03-01 09:00,311,12000\n")
    (tmp_path / "asked.csv").write_text("Case ID,Opened,Queue,Driver\n1,2024-03-01 09:00,Streets,Ann\n")
    assert "Queue, Total Handle tell of calls" in sketch_of(tmp_path / "calls.csv")
    assert "tell of calls" not in sketch_of(tmp_path / "asked.csv")


def test_a_sketch_takes_no_address_and_no_number_of_a_row_for_an_id(tmp_path: Path) -> None:
    rows = [f"{n},{n} Main St,{n % 57},2024-03-01 08:{n % 60:02},Rats,Open,{900 - n},{n},A{n}" for n in range(60)]
    heading = "OBJECTID,Address,ADDRESS_ID,Created,Request Type,Status,RESOLUTION_X,SITE_ADDRESS_ID,SERVICEREQUESTID"
    drafted, _ = _sketched(tmp_path, "cases.csv", "\n".join([heading, *rows, ""]))
    assert 'request_id = "SERVICEREQUESTID"' in drafted
    left = [",".join(one.split(",")[:6]) for one in (heading, *rows)]
    drafted, _ = _sketched(tmp_path, "fewer.csv", "\n".join([*left, ""]))
    assert "# doubt: this may count the rows of this one export" in drafted and 'request_id = "OBJECTID"' in drafted
    repeated = [one.replace(",A9", ",A8", 1) for one in rows]
    repeated[7] = repeated[7].removesuffix("A7")
    drafted, _ = _sketched(tmp_path, "repeated.csv", "\n".join([heading.replace("OBJECTID", "Place"), *repeated, ""]))
    assert "# doubt: 1 rows repeat an id" in drafted and "# doubt: 1 rows have no id" in drafted


def test_a_sketch_prefers_times_with_an_hour_and_says_where_it_stands_or_that_there_is_none(tmp_path: Path) -> None:
    rows = [f"{n},2024 Mar 0{1 + n % 9},2024 Mar 0{1 + n % 9} 01:{n:02}:00 PM,03/0{1 + n % 9}/2024,2024.0,Rats,Open"
            for n in range(60)]  # fmt: skip
    heading = "Case,Created Day,Created dttm,Resolution Date,Closed Year,Type,Status"
    drafted, _ = _sketched(tmp_path, "one.csv", "\n".join([heading, *rows, ""]))
    assert 'opened_at = { column = "Created dttm", formats = ["%Y %b %d %I:%M:%S %p"] }' in drafted
    assert "say end_of_day = true, lest" in drafted and 'closed_at = { column = "Resolution Date"' in drafted
    rows = [f"{n},03/0{1 + n % 9}/2024,01:{n % 60:02} PM,03/09/2024,Rats,Open" for n in range(60)]
    heading = "Case,Creation Date,Creation Time,Ended,Type,Status"
    drafted, _ = _sketched(tmp_path, "two.csv", "\n".join([heading, *rows, ""]))
    assert 'columns = ["Creation Date", "Creation Time"], join = " ", formats = ["%m/%d/%Y %I:%M %p"]' in drafted
    drafted, _ = _sketched(tmp_path, "three.csv", "\n".join([heading.replace("Ended", "Wrapup"), *rows, ""]))
    assert "# doubt: no column's name says that it is when a request was closed; may it be Wrapup?" in drafted


def test_a_day_and_its_hour_in_two_columns_of_a_workbook(tmp_path: Path) -> None:
    days = pd.to_datetime(["2024-03-01", "2024-03-02"]).repeat(10)
    hour = pd.Timestamp("2024-01-01 07:30").time()
    rows = pd.DataFrame({"Case": range(20), "Date Opened": days, "Time Opened": hour, "Type": "Rats", "Status": "Open"})
    rows.to_excel(tmp_path / "one.xlsx", index=False, engine="xlsxwriter")
    drafted = sketch_of(tmp_path / "one.xlsx")
    doubt = next(one for one in drafted.splitlines() if "the time of day seems to stand in Time Opened" in one)
    made = doubt.split("Time Opened: ", 1)[1]
    drafted = drafted.replace('column = "Date Opened", formats = ["iso"]', made)
    by = mapping_from(drafted.replace('tz = "UTC"', 'tz = "America/New_York"'), Path("test.toml"))
    outcome = import_files(Settings(data=tmp_path / "data"), by, tmp_path / "one.xlsx", dry=True)
    assert outcome.report.accepted == 20 and str(outcome.sample["opened_at"].min()) == "2024-03-01 12:30:00"


def test_a_sketch_opens_nested_objects_and_knows_which_of_a_pair_is_the_latitude(tmp_path: Path) -> None:
    records = [
        {"id": n, "made": {"at": "2024-03-01T10:00:00", "for": {"service_name": "Rats"}}, "status": "Open",
         "shape": {"type": "Point", "coordinates": [2.35 + n / 1e4, 48.85]}} for n in range(40)
    ]  # fmt: skip
    drafted, outcome = _sketched(tmp_path, "records.json", json.dumps(records))
    assert 'column = "made.at"' in drafted and 'type_id = "made.for.service_name"' in drafted
    assert outcome.sample[["lat", "lon"]].iloc[0].tolist() == [48.85, 2.35]
    for pair, told in (("-122.4001, 37.7001", False), ("48.8501, 2.3501", True)):
        rows = [f'{n},2024-03-01 08:00,Rats,Open,"({pair}{n})"' for n in range(20)]
        drafted, outcome = _sketched(tmp_path, "pairs.csv", "\n".join(["Case,Opened,Type,Status,Point", *rows, ""]))
        assert ("# doubt: is the first of the two the latitude?" in drafted) == told
        assert outcome.sample["lat"].between(37, 49).all()


def test_what_was_closed_at_a_time_nobody_wrote_is_in_no_time_to_close(store: Settings, tmp_path: Path) -> None:
    """It counts as closed, and does not run on; what is open does, and so does what nobody explained."""
    path = tmp_path / "export.csv"
    path.write_bytes(table(
        "1,2024-03-01 09:00:00,2024-03-01 19:00:00,,Closed,Pothole,,,", "2,2024-03-01 09:00:00,,,Closed,Pothole,,,",
        "3,2024-03-01 09:00:00,,,Cancelled,Pothole,,,", "4,2024-03-02 09:00:00,,,Open,Pothole,,,",
        "5,2024-03-04 09:00:00,,,Mislaid,Pothole,,,",
    ))  # fmt: skip
    report = import_files(store, mapping(), path).report
    assert (report.flagged["status_conflict"], report.flagged["unmapped_status"]) == (2, 1)
    services = Services(store)
    every = Filters.from_search("?period=all", services.clock(), services.dimensions)
    values = services.ask(Query((closed, backlog, time_to_close)), every, Scope.everything())
    services.warehouse.close()
    assert [values.value(one) for one in ("closed", "backlog", "time_to_close_n")] == [3, 2, 3]
    assert values.value("time_to_close_ended_only") == 10 * 3600


# ── Told afterwards ─────────────────────────────────────────────────────────────────────────────────


def test_refused_rows_can_be_corrected_and_imported_again(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    path = tmp_path / "export.csv"
    path.write_bytes(table(ROW, "8,soon,,,Open,Pothole,,,", "9,2024-03-01,,,Open,Pothole,"))
    outcome = import_files(settings, mapping(), path)
    assert (outcome.report.read, outcome.report.accepted, outcome.report.refused) == (3, 1, 2)
    rows = outcome.refused_rows()
    assert rows["refused_reason"].to_list() == ["not a time", "wrong number of columns"]
    corrected = tmp_path / "corrected.csv"
    rows["Opened"] = rows["Opened"].replace("soon", "2024-03-02")
    rows.to_csv(corrected, index=False)
    again = import_files(settings, mapping(), corrected).report
    assert (again.added, again.carried, again.refused) == (2, 1, 0)
    warehouse = Warehouse(settings)
    assert warehouse.build().refused == len(warehouse.frame(select(refused_row))) == 0
    warehouse.close()


def test_a_file_that_is_corrected_itself_has_no_refused_rows_left(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    path, other = tmp_path / "export.csv", tmp_path / "other.csv"
    path.write_bytes(table(ROW, "8,soon,,,Open,Pothole,,,", "9,later,,,Open,Pothole,,,"))
    other.write_bytes(table("10,soon,,,Open,Pothole,,,", "11,2024-03-01,,,Open,Pothole,,,"))
    import_files(settings, mapping(), [path, other])
    path.write_bytes(table(ROW, "8,2024-03-02,,,Open,Pothole,,,", "9,later,,,Open,Pothole,,,"))
    report = import_files(settings, mapping(), path).report
    assert (report.added, report.unchanged, report.refused) == (1, 1, 1)
    warehouse = Warehouse(settings)
    listed = warehouse.frame(select(refused_row).order_by(refused_row.c.file, refused_row.c.import_id))
    assert listed[["file", "value"]].to_numpy().tolist() == [["export.csv", "later"], ["other.csv", "soon"]]
    warehouse.close()


def test_a_line_of_the_wrong_shape_is_corrected_in_its_file_too(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    path = tmp_path / "export.csv"
    path.write_bytes(table(ROW, "8,2024-03-02,,,Open,Pothole", "9,2024-03-03,,,Open", '"half a row", 7'))
    assert import_files(settings, mapping(), path).report.refused == 3
    path.write_bytes(table(ROW, "8,2024-03-02,,,Open,Pothole,,,", "9,2024-03-03,,,Open", '"half a row", 7'))
    outcome = import_files(settings, mapping(), path)
    assert (outcome.report.added, outcome.report.unchanged, outcome.report.refused) == (1, 1, 2)
    assert outcome.refused_rows()["Opened"].to_list() == ["2024-03-03", " 7"]
    warehouse = Warehouse(settings)
    listed = warehouse.frame(select(refused_row).order_by(refused_row.c.row_number))
    lines = [json.loads(raw)["line"] for raw in listed["raw"]]
    assert lines[:1] == ["9,2024-03-03,,,Open"] and [one.split(",")[0] for one in lines].count("8") == 0
    warehouse.close()


def test_what_is_refused_again_is_listed_once(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    path = tmp_path / "export.csv"
    path.write_bytes(table(ROW, "8,soon,,,Open,Pothole,,,", "9,later,,,Open,Pothole,,,"))
    rows = import_files(settings, mapping(), path).refused_rows()
    corrected = tmp_path / "corrected.csv"
    rows["Opened"] = rows["Opened"].replace("soon", "2024-03-02")
    rows.to_csv(corrected, index=False)
    import_files(settings, mapping(), corrected)
    warehouse = Warehouse(settings)
    listed = warehouse.frame(select(refused_row))
    assert listed[["file", "value"]].to_numpy().tolist() == [["corrected.csv", "later"]]
    warehouse.close()


def test_a_roster_alone_does_not_make_the_clock_say_now(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    with Build(settings, {"city_id": "tiny", "name": "Tiny", "tz": "America/New_York"}) as build:
        start = pd.to_datetime(pd.Series(["2024-03-01 13:00", "2024-03-02 13:00"]))
        shifts = {"shift_id": ["a", "b"], "agent_id": "x", "start_at": start, "end_at": start + pd.Timedelta(hours=8)}
        build.write("agent_shift", pd.DataFrame(shifts))
        assert build.publish().as_of == pd.Timestamp("2024-03-02 13:00")


def test_too_many_refusals_or_a_dry_run_change_nothing(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    path = tmp_path / "export.csv"
    path.write_bytes(table(ROW))
    before = import_files(settings, mapping(), path).report.build_id
    path.write_bytes(table(ROW, "8,soon,,,Open,Pothole,,,", "9,2024-03-01,,,Open,Pothole,,,"))
    for options in ({"max_refused": "0"}, {"max_refused": "30%"}, {"dry": True}):
        outcome = import_files(settings, mapping(), path, **options)  # type: ignore[arg-type]
        assert outcome.report.dry and outcome.report.refused == 1 and "Nothing was written" in outcome.report.as_text()
        assert outcome.sample["request_id"].to_list() == ["7", "9"]
    warehouse = Warehouse(settings)
    assert warehouse.build_id() == before and not len(warehouse.frame(select(refused_row)))
    warehouse.close()
    assert not import_files(settings, mapping(), path, max_refused="1").report.dry


@pytest.mark.parametrize(
    ("written", "held"),
    [
        ([f"{1 + n % 28:02}/0{1 + n % 3}/2024 09:00 AM" for n in range(60)], True),
        (["03/04/2024 09:00 AM", "13/05/2024 09:00 AM"], True),
        ([f"0{1 + n % 3}/{1 + n % 28:02}/2024 09:00 AM" for n in range(60)] + ["13/05/2024 09:00 AM"], False),
        (["03/04/2024 09:00 AM", "2024-13-45", "soon"], False),
        (["2024-03-28"] * 9 + ["03/04/2024 09:00 AM", "13/05/2024 09:00 AM"], True),
    ],
)
def test_day_and_month_exchanged_put_nothing_in_service(tmp_path: Path, written: list[str], held: bool) -> None:
    settings, path = Settings(data=tmp_path / "data"), tmp_path / "export.csv"
    path.write_bytes(table(*(f"{n},{one},,,Open,Pothole,,," for n, one in enumerate(written))))
    report = import_files(settings, mapping(), path).report
    notes = " ".join(report.notes)
    assert report.dry == held and ("correct the formats of Opened" in notes) == held
    assert ("“13/05/2024 09:00 AM”" in notes or "13/01/2024" in notes) == any(one.startswith("13/") for one in written)
    if held:
        assert not import_files(settings, mapping(), path, max_refused="90%").report.dry
        assert "correct the formats" not in " ".join(import_files(settings, mapping(), path, dry=True).report.notes)


# ── History ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_days_export_does_not_outvote_years(tmp_path: Path) -> None:
    by = mapping_from(CITY + 'department_id = "Office"\n[service_type]\ncategory = "Kind"\n', Path("test.toml"))
    settings, path = Settings(data=tmp_path / "data"), tmp_path / "export.csv"

    def category_after(first: int, *kinds: str) -> str:
        rows = [f"{first + n},2024-03-01 09:00:00,,,Open,Pothole,,,,Streets,{kind}" for n, kind in enumerate(kinds)]
        path.write_text("\n".join([HEADING + ",Office,Kind", *rows, ""]))
        import_files(settings, by, path)
        warehouse = Warehouse(settings)
        try:
            return warehouse.frame(select(service_type.c.category))["category"].item()
        finally:
            warehouse.close()

    assert category_after(1, "Roads", "Roads", "Roads", "Roads", "Safety") == "Roads"
    assert category_after(10, "Safety", "Safety", "Roads") == "Roads"  # the mood of a day
    assert category_after(20, "Traffic", "Traffic", "Safety") == "Traffic"  # what it was called is said no more
    assert category_after(30, *["Streets"] * 9, *["Traffic"] * 4) == "Streets"  # more than all there was


def test_what_changed_between_two_exports_becomes_history(tmp_path: Path) -> None:
    by = mapping_from(CITY + 'department_id = "Office"\nupdated_at = "Updated"\n', Path("test.toml"))
    heading = HEADING + ",Office,Updated"
    settings, path = Settings(data=tmp_path / "data"), tmp_path / "export.csv"

    def read(*rows: str):
        path.write_text("\n".join([heading, *rows, ""]))
        return import_files(settings, by, path).report

    stays = "1,2024-03-01 09:00:00,,,Open,Pothole,,,,Streets,2024-03-01 09:00:00"
    read(stays, "2,2024-03-01 09:00:00,2024-03-02 09:00:00,,Closed,Pothole,,,,Streets,2024-03-02 09:00:00",
         "3,2024-03-01 09:00:00,,,Open,Pothole,,,,Streets,2024-03-01 10:00:00")  # fmt: skip
    second = read(
        stays, "2,2024-03-01 09:00:00,,,Open,Pothole,,,,Streets,2024-03-05 09:00:00",
        "3,2024-03-01 09:00:00,2024-03-06 09:00:00,,Closed,Pothole,,,,Parks,2024-03-06 09:00:00",
    )  # fmt: skip
    assert (second.updated, second.unchanged) == (2, 1)
    assert second.events == {"close": 2, "reopen": 1, "status": 2, "transfer": 1}
    late = read("3,2024-03-01 09:00:00,,,Open,Pothole,,,,Streets,2024-03-01 10:00:00")  # an older export, once more
    assert (late.updated, late.unchanged, late.carried, dict(late.events)) == (0, 1, 2, {})
    warehouse = Warehouse(settings)
    episodes = warehouse.frame(select(request_episode).order_by(request_episode.c.request_id, request_episode.c.seq))
    events = warehouse.frame(select(request_event))
    warehouse.close()
    again = episodes[episodes["request_id"] == "2"]
    assert again["starts_by"].to_list() == ["opened", "reopened"]
    assert again["closed_at"].to_list()[0] == pd.Timestamp("2024-03-02 14:00") and pd.isna(
        again["closed_at"].to_list()[1]
    )
    assert again["opened_at"].to_list()[1] == pd.Timestamp("2024-03-05 14:00")
    moved = episodes[episodes["request_id"] == "3"]
    assert moved["department"].to_list()[0] == "Streets" and len(events) == 6


# ── Boundaries ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["areas.geojson", "areas.geojson.gz", "areas.gpkg", "areas.zip", "areas.shp"])
def test_boundaries_of_every_kind_in_any_projection(tmp_path: Path, name: str) -> None:
    squares = [shapely.box(-73.3, 40.4, -73, 40.75), shapely.box(-73, 40.4, -72.8, 40.75)]
    areas = gpd.GeoDataFrame({"WARD": [1.0, 2.0]}, geometry=squares, crs=4326)
    path = tmp_path / name
    if name.startswith("areas.geojson"):
        plain = areas.to_json().encode()
        path.write_bytes(gzip.compress(plain) if name.endswith(".gz") else plain)
    elif name == "areas.zip":
        (tmp_path / "shapes").mkdir()
        areas.to_crs(2263).to_file(tmp_path / "shapes" / "areas.shp")
        with zipfile.ZipFile(path, "w") as archive:
            for one in (tmp_path / "shapes").iterdir():
                archive.write(one, one.name)
    else:
        areas.to_crs(2263).to_file(path)
    by = mapping_from(CITY + '[district]\nkind = "ward"\nname_property = "ward"\n', Path("test.toml"))
    found = read_boundaries(path, by)
    assert found["name"].to_list() == ["1", "2"] and set(found["kind"]) == {"ward"}
    assert shapely.from_geojson(found["geometry"][0]).contains(shapely.Point(-73.25, 40.5))
    wrong = mapping_from(CITY + '[district]\nname_property = "title"\n', Path("test.toml"))
    with pytest.raises(ImportRefused, match="no “title”; they have .*WARD"):
        read_boundaries(path, wrong)


WARDS = '[district]\nkind = "ward"\nname_property = "ward"\n'
HALVES = [shapely.box(-73.3, 40.4, -73, 40.75), shapely.box(-73, 40.4, -72.8, 40.75)]


def wards(**columns) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"WARD": ["1", "2"], **columns}, geometry=HALVES, crs=4326)


def test_shapes_are_found_deep_in_an_archive_and_of_several_layers_those_with_names(tmp_path: Path) -> None:
    by, whole = mapping(WARDS), gpd.GeoDataFrame({"CITY": ["all"]}, geometry=HALVES[:1], crs=4326)
    (tmp_path / "shapes").mkdir()
    wards().to_crs(2263).to_file(tmp_path / "shapes" / "wards.shp")
    whole.to_file(tmp_path / "shapes" / "limits.shp")
    with zipfile.ZipFile(tmp_path / "wards.zip", "w") as archive:
        archive.writestr("City Data/metadata.json", "{}")
        for one in (tmp_path / "shapes").iterdir():
            archive.write(one, f"City Data/2024/{one.name}")
    for layer, shapes in (("limits", whole), ("old", wards()), ("new", wards())):
        shapes.to_file(tmp_path / "several.gpkg", layer=layer)
    packed = (tmp_path / "wards.zip").read_bytes()
    (tmp_path / "wards.download").write_bytes(packed)
    for name in ("wards.zip", "wards.download"):
        assert read_boundaries(tmp_path / name, by)["name"].to_list() == ["1", "2"]
    (tmp_path / "wards.zip").write_bytes(packed[:-100])
    with pytest.raises(ImportRefused, match="that can be read"):
        read_boundaries(tmp_path / "wards.zip", by)
    with pytest.raises(ImportRefused, match=r"several layers, .*new.*; say .* layer = “…” in \[district\]"):
        read_boundaries(tmp_path / "several.gpkg", by)
    assert len(read_boundaries(tmp_path / "several.gpkg", mapping(WARDS + 'layer = "new"\n'))) == 2
    with pytest.raises(ImportRefused, match="no layer “next”; it has .*old"):
        read_boundaries(tmp_path / "several.gpkg", mapping(WARDS + 'layer = "next"\n'))


def test_boundaries_in_no_known_system_are_refused_until_it_is_said(tmp_path: Path) -> None:
    plain = json.loads(wards().to_crs(2263).to_json())
    plain.pop("crs", None)
    (tmp_path / "feet.geojson").write_text(json.dumps(plain))
    with pytest.raises(ImportRefused, match=r"no degrees, .* crs = “EPSG:…” in \[district\]"):
        read_boundaries(tmp_path / "feet.geojson", mapping(WARDS))
    found = read_boundaries(tmp_path / "feet.geojson", mapping(WARDS + 'crs = "EPSG:2263"\n'))
    assert shapely.from_geojson(found["geometry"][0]).contains(shapely.Point(-73.25, 40.5))


def test_only_the_areas_in_a_shape_are_its_boundary(tmp_path: Path) -> None:
    tail = shapely.GeometryCollection([HALVES[0], shapely.LineString([(-73, 40.4), (-72, 41)])])
    knot = shapely.Polygon([(-73, 40.4, 5), (-72.8, 40.6, 5), (-72.8, 40.4, 5), (-73, 40.6, 5)])
    for name, shapes in (("odd", [tail, knot]), ("line", [HALVES[0], tail.geoms[1]])):
        (tmp_path / f"{name}.geojson").write_text(wards().set_geometry(shapes, crs=4326).to_json())
    found = shapely.from_geojson(read_boundaries(tmp_path / "odd.geojson", mapping(WARDS))["geometry"])
    assert [one.geom_type for one in found] == ["Polygon", "MultiPolygon"] and not any(one.has_z for one in found)
    with pytest.raises(ImportRefused, match="area 2 of 2, “2”, has a LineString, not an area"):
        read_boundaries(tmp_path / "line.geojson", mapping(WARDS))
    wards(WARD=["1", None]).to_file(tmp_path / "nameless.geojson")
    with pytest.raises(ImportRefused, match="area 2 of 2 has no name in “WARD”"):
        read_boundaries(tmp_path / "nameless.geojson", mapping(WARDS))


def test_districts_that_overlap_at_one_time_are_told(tmp_path: Path) -> None:
    whole = wards(WARD=["1", "all"]).set_geometry([HALVES[0], shapely.union_all(HALVES)], crs=4326)
    for name, areas in (("old", wards()), ("new", whole)):
        areas.to_file(tmp_path / f"{name}.geojson")
    (tmp_path / "export.csv").write_bytes(table(ROW))
    editions = WARDS + '[[district.editions]]\nfile = "old*"\nvalid_to = %s\n'
    editions += '[[district.editions]]\nfile = "new*"\nvalid_from = 2024-02-01\n'
    files = [tmp_path / "old.geojson", tmp_path / "new.geojson"]
    for until, told in (("2024-02-01", "1 pair of them overlap (“1” and “all”)"), ("2024-03-01", "4 pairs of them")):
        by = mapping(editions % until)
        outcome = import_files(Settings(data=tmp_path / until), by, tmp_path / "export.csv", files, dry=True)
        assert any(told in one for one in outcome.report.notes), outcome.report.notes
    outcome = import_files(Settings(data=tmp_path), mapping(WARDS), tmp_path / "export.csv", files[0], dry=True)
    assert not any("overlap" in one for one in outcome.report.notes)


def test_two_files_that_draw_one_district_must_say_when_they_hold(tmp_path: Path) -> None:
    for year in ("2013", "2023"):
        (tmp_path / f"wards_{year}.geojson").write_text(wards().to_json())
    (tmp_path / "export.csv").write_bytes(table(ROW))
    files = [tmp_path / f"wards_{year}.geojson" for year in ("2013", "2023")]
    with pytest.raises(ImportRefused, match=r"“1” is drawn by more than one .* \[\[district.editions\]\]"):
        import_files(Settings(data=tmp_path / "data"), mapping(WARDS), tmp_path / "export.csv", files)


def test_a_request_belongs_to_the_ward_of_its_day(tmp_path: Path) -> None:
    for year, names in (("2013", ["West", "East"]), ("2023", ["East", "West"])):
        squares = [shapely.box(-73.3, 40.4, -73, 40.75), shapely.box(-73, 40.4, -72.8, 40.75)]
        areas = gpd.GeoDataFrame({"WARD": names}, geometry=squares, crs=4326)
        (tmp_path / f"wards_{year}.geojson").write_text(areas.to_json())
    editions = """[district]
kind = "ward"
name_property = "ward"
[[district.editions]]
file = "wards_2013*"
valid_to = 2024-03-10
[[district.editions]]
file = "wards_2023*"
valid_from = 2024-03-10
"""
    by = mapping_from(CITY + editions, Path("test.toml"))
    path = tmp_path / "export.csv"
    rest = ',,,Open,Pothole,,,"(40.5, -73.2)"'
    path.write_bytes(table(f"1,2024-03-09 23:59:00{rest}", f"2,2024-03-10 00:00:00{rest}"))
    settings = Settings(data=tmp_path / "data")
    import_files(settings, by, path, [tmp_path / "wards_2013.geojson", tmp_path / "wards_2023.geojson"])
    warehouse = Warehouse(settings)
    rows = warehouse.frame(select(request.c.district, request.c.district_id).order_by(request.c.request_id))
    warehouse.close()
    assert rows["district"].to_list() == ["West", "East"]
    assert rows["district_id"].to_list() == ["West until 2024-03-10", "East from 2024-03-10"]
    with pytest.raises(ImportRefused, match="without quotation marks"):
        mapping_from(CITY + editions.replace("= 2024-03-10", '= "2024-03-10"'), Path("test.toml"))


def test_a_city_divided_in_two_ways_knows_both_and_each_with_its_own_days(tmp_path: Path) -> None:
    def drawn(name: str, column: str, **shapes: shapely.Polygon) -> Path:
        frame = gpd.GeoDataFrame({column: list(shapes)}, geometry=list(shapes.values()), crs=4326)
        (tmp_path / name).write_text(frame.to_json())
        return tmp_path / name

    west, east = shapely.box(-73.3, 40.4, -73, 40.75), shapely.box(-73, 40.4, -72.8, 40.75)
    north, south = shapely.box(-73.3, 40.5, -72.8, 40.75), shapely.box(-73.3, 40.4, -72.8, 40.5)
    wards = drawn("wards.geojson", "WARD", West=west, East=east)
    before = drawn("hoods_2013.geojson", "HOOD", West=north, Lowlands=south)  # a name that is a ward’s too
    since = drawn("hoods_2024.geojson", "HOOD", Hills=north, Lowlands=south)
    sections = """[district]
kind = "ward"
name_property = "WARD"
[area]
kind = "neighbourhood"
name_property = "HOOD"
[[area.editions]]
file = "hoods_2013*"
valid_to = 2024-03-10
[[area.editions]]
file = "hoods_2024*"
valid_from = 2024-03-10
"""
    by = mapping_from(CITY + sections, Path("test.toml"))
    path = tmp_path / "export.csv"
    rest = ',,,Open,Pothole,,,"({}, -73.2)"'
    path.write_bytes(
        table(
            f"1,2024-03-09 23:59:00{rest.format(40.7)}", f"2,2024-03-10 00:00:00{rest.format(40.7)}",
            f"3,2024-03-10 00:00:00{rest.format(40.5)}", f"4,2024-03-10 00:00:00{rest.format(44)}",
        )
    )  # fmt: skip
    settings = Settings(data=tmp_path / "data")

    def rows() -> list[tuple[str | None, str | None]]:
        warehouse = Warehouse(settings)
        found = warehouse.frame(select(request.c.district, request.c.area).order_by(request.c.request_id))
        warehouse.close()
        return list(found.astype(object).where(found.notna(), None).itertuples(index=False, name=None))

    import_files(settings, by, path, wards)
    services = Services(settings)
    assert rows() == [("West", None)] * 3 + [(None, None)]
    assert not services.is_told("area") and "area" not in [one.name for one in services.list_columns()]

    import_files(settings, by, path, areas=[before, since])  # beside the wards, which stay
    assert rows()[:2] == [("West", "West"), ("West", "Hills")]
    assert rows()[2:] == [("West", "Hills"), (None, None)]  # on a border: in the first that has it
    services = Services(settings)
    assert "area" in [one.name for one in services.list_columns()]
    assert sorted(services.areas.districts()["name"]) == ["East", "West"]  # maps show the first division
    every = Filters.from_search("?period=all", services.clock(), services.dimensions)
    answer = services.ask(Query((opened,), by=(area,)), every, Scope.everything())
    assert dict(zip(answer.frame["area"], answer.frame["opened"], strict=True)) == {
        "West": 1, "Hills": 2, "no area": 1,
    }  # fmt: skip
    here = every.choose("area", ["Hills"])
    assert services.ask(Query((opened,)), here, Scope.everything()).value("opened") == 2
    found = services.analyse(Hotspots(opened, 8), here, Scope.everything())
    assert set(found.ground.area) == {"Hills"} and len(found.ground) > 100 and found.total == 2  # empty ones too


# ── Exports of other countries ──────────────────────────────────────────────────────────────────────


def test_a_german_export_is_sketched_corrected_and_read(tmp_path: Path) -> None:
    heading = (
        "Vorgangsnummer;Eingang;Erledigt am;Kategorie;Zuständiges Amt;Bearbeitungsstand;Meldeweg;Rechtswert;Hochwert"
    )
    rest = "Müll;Tiefbauamt;{};App;455.386,52;5.430.385,15"
    rows = [f"KA-{n};{n:02}.02.2025 08:15;;{rest.format('erledigt' if n > 2 else 'offen')}" for n in range(1, 21)]
    rows.append(f"KA-21;31.02.2025 08:15;;{rest.format('offen')}")
    path = tmp_path / "export.csv"
    path.write_bytes("\r\n".join([heading, *rows, ""]).encode("cp1252"))
    drafted = sketch_of(path)
    for said in (
        'delimiter = ";"', 'decimal = ","', '"%d.%m.%Y %H:%M"', '#x = "Rechtswert"', '"erledigt" = "closed"  # doubt',
        'column = "Bearbeitungsstand"', 'department_id = "Zuständiges Amt"', 'channel = "Meldeweg"',
    ):  # fmt: skip
        assert said in drafted
    corrected = drafted.replace('tz = "UTC"', 'tz = "Europe/Berlin"').replace("EPSG:…", "EPSG:25832")
    corrected = corrected.replace("#[place]", "[place]").replace("#x =", "x =").replace("#y =", "y =")
    by = mapping_from(corrected.replace("#crs =", "crs ="), Path("city.toml"))
    settings = Settings(data=tmp_path / "data")
    outcome = import_files(settings, by, path)
    assert (outcome.report.accepted, outcome.report.refused, outcome.delimiter) == (20, 1, ";")
    warehouse = Warehouse(settings)
    found = warehouse.frame(select(request).where(request.c.request_id == "KA-3"))
    warehouse.close()
    assert found[["opened_at", "status"]].to_numpy().tolist() == [[pd.Timestamp("2025-02-03 07:15"), "closed"]]
    assert (round(found["lat"][0], 3), round(found["lon"][0], 3)) == (49.025, 8.39)
    again = tmp_path / "refused.csv"
    fixed = outcome.refused_rows().replace({"Eingang": {"31.02.2025 08:15": "28.02.2025 08:15"}})
    fixed.to_csv(again, index=False, sep=outcome.delimiter)
    assert import_files(settings, by, again).report.added == 1
