"""Exports as cities write them: real files with answers known beforehand, and every mapping that is shipped."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select

from dashboard.domain.errors import ImportRefused
from dashboard.settings import Settings
from data_access.engine import Warehouse
from data_access.importers.load import Outcome, import_files
from data_access.importers.mapping import mapping_from, mappings_named, shipped_names
from data_access.importers.sketch import sketch_of
from data_access.schema import (
    FLAGS,
    contact,
    contact_interval,
    request,
    request_event,
)


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


@pytest.mark.parametrize(
    ("name", "n"), [("requests_single.xml", 1), ("requests_many.xml", 2), ("service_requests.json", 2)]
)
def test_open311_answers_of_every_form_add_up_and_twice_is_once(
    shared_data: Path, tmp_path: Path, name: str, n: int
) -> None:  # fmt: skip
    path = f"open311/open311status_{name}"
    outcome, rows = imported(shared_data, tmp_path, "open311", path)
    assert (outcome.report.read, outcome.report.accepted, outcome.report.refused, len(rows)) == (n, n, 0, n)
    again, _ = imported(shared_data, tmp_path, "open311", path)
    assert (again.report.added, again.report.updated, again.report.unchanged) == (0, 0, n)


@pytest.mark.parametrize("name", ["service_list.json", "services_giessen.xml"])
def test_a_list_of_services_is_no_export_of_requests(shared_data: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ImportRefused, match="it has no column service_request_id"):
        imported(shared_data, tmp_path, "open311", f"open311/open311status_{name}")


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
