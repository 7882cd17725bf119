"""The traps of exports as tables of text, each by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select

from dashboard.domain.errors import ImportRefused
from dashboard.settings import Settings
from data_access.engine import Warehouse
from data_access.importers.load import import_files
from data_access.importers.mapping import mapping_from
from data_access.schema import (
    FLAGS,
    refused_row,
    request,
    sla_version,
)
from tests.exports import CITY, HEADING, ROW, mapping, table


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


def test_a_place_whose_columns_are_missing_is_told(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_bytes(table(ROW))
    by = mapping('[place]\nx = "XCOORD"\ny = "YCOORD"\ncrs = "EPSG:2263"\n')
    outcome = import_files(Settings(data=tmp_path / "data"), by, tmp_path / "export.csv", dry=True)
    assert list(outcome.report.absent) == ["XCOORD (for place)", "YCOORD (for place)"]


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
        ("2024-03-01T09:00:00+14:00", "2024-02-29 19:00"),
        ("2024-03-01T09:00:00+99:99", None),
        ("2024-03-01T09:00:00-15", None),
        ("2024-03-01T09:00:00+05:60", None),
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
