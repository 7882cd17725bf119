"""A sketch of an export is a mapping that reads it, and says what it doubts."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from dashboard.settings import Settings
from data_access.importers.load import Outcome, import_files
from data_access.importers.mapping import mapping_from, mappings_named
from data_access.importers.sketch import sketch_of


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


def test_a_sketch_finds_what_codes_are_called_and_what_types_are_kinds_of(tmp_path: Path) -> None:
    types = [("POTH", "Pothole in a street", "Roads"), ("SIGN", "Sign is missing", "Roads"),
             ("RATS", "Rats seen", "Health"), ("MOLD", "Mold in a flat", "Health"),
             ("GRAF", "Graffiti on a wall", "Health")]  # fmt: skip
    offices = {"Roads": ("PW", "Public Works"), "Health": ("PH", "Public Health")}
    rows = []
    for n in range(200):
        code, name, kind = types[n % 5]
        office = ("PR", "Parks") if n % 3 else offices[kind]
        rows.append(f"{n},2024-03-{1 + n // 20:02} 08:00,New,{code},{name},{kind},{office[0]},{office[1]},{n} Elm St")
    heading = "ID,Opened,Status,Problem Code,Description,Group,Agency,Agency Name,Address"
    text, outcome = _sketched(tmp_path, "codes.csv", "\n".join([heading, *rows]))
    assert 'type_id = "Problem Code"' in text and "\nnote" not in text
    assert '[service_type]  # doubt: one of them goes with each\nname = "Description"\ncategory = "Group"' in text
    assert '[department]  # doubt: one of them goes with each\nname = "Agency Name"' in text
    assert outcome.report.accepted == 200


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


def test_without_states_what_has_a_closing_time_is_closed_and_codes_may_be_types(tmp_path: Path) -> None:
    """A table out of a database: no column of states, and types and agencies by their numbers."""
    rows = [f"{1000 + n},2024-03-{1 + n % 20:02} 08:00,{'2024-04-01 09:00' if n % 3 else ''},{n % 5},{n % 2}"
            for n in range(120)]  # fmt: skip
    drafted, outcome = _sketched(
        tmp_path, "bare.csv", "\n".join(["request_id,created_date,closed_date,type_id,agency_id", *rows, ""])
    )
    assert "[request.status]" not in drafted and "what has a closing time is closed" in drafted
    assert 'type_id = "type_id"' in drafted and 'department_id = "agency_id"' in drafted
    assert drafted.count("# doubt: its values are numbers, whose names stand elsewhere") == 2
    assert (outcome.report.accepted, outcome.report.refused, set(outcome.report.flagged)) == (120, 0, {"no_geo"})
    told = outcome.sample.set_index("request_id")["status"].to_dict()
    assert told["1000"] == "new" and told["1001"] == "closed"


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
