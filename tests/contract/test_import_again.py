"""What an import refuses, tells and keeps: corrected rows, dry runs, what changed between two exports."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from sqlalchemy import select

from dashboard.cli import main
from dashboard.domain.filters import Filters
from dashboard.domain.policy import Scope
from dashboard.services import Services
from dashboard.settings import Settings
from data_access.build import Build
from data_access.engine import Warehouse
from data_access.importers.load import import_files
from data_access.importers.mapping import mapping_from
from data_access.measures.contacts import speed_of_answer
from data_access.measures.requests import backlog, closed, time_to_close
from data_access.schema import (
    refused_row,
    request,
    request_episode,
    request_event,
    service_type,
)
from data_access.semantics import Query
from tests.exports import CITY, HEADING, ROW, mapping, table


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


def test_what_would_be_a_formula_is_none_and_comes_back_as_it_was(tmp_path: Path) -> None:
    """A spreadsheet in which refused rows are corrected calculates whatever begins like a formula."""
    settings, path = Settings(data=tmp_path / "data"), tmp_path / "export.csv"
    formula = """=HYPERLINK(""http://x"",A1)"""
    path.write_bytes(table(f'8,=1+1,,,Open,@Pothole,"{formula}",-71.05,', "9,2024-03-01,,,Open,Pothole,+1,,"))
    outcome = import_files(settings, mapping(), path)
    rows = outcome.refused_rows()
    said = rows[["refused_value", "Opened", "Type", "Address", "Zip"]].iloc[0].to_list()
    assert said == ["'=1+1", "'=1+1", "'@Pothole", "'" + formula.replace('""', '"'), "-71.05"]
    told = CliRunner().invoke(main, ["refused", "--format", "csv", "--data", str(settings.data)])
    assert ",'=1+1," in told.output and ",=1+1" not in told.output
    corrected = tmp_path / "corrected.csv"
    rows.assign(Opened="soon").to_csv(corrected, index=False)
    again = import_files(settings, mapping(), corrected, dry=True).refused_rows()  # not yet right
    assert again["Type"].to_list() == ["'@Pothole"]
    again.assign(Opened="2024-03-02").to_csv(corrected, index=False)
    assert import_files(settings, mapping(), corrected).report.accepted == 1
    warehouse = Warehouse(settings)
    found = warehouse.frame(select(request.c.type_id, request.c.address).order_by(request.c.request_id))
    warehouse.close()
    assert found.to_numpy().tolist() == [["@Pothole", formula.replace('""', '"')], ["Pothole", "+1"]]


def test_the_same_file_once_more_leaves_the_build_in_service(store: Settings, tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(table(ROW, "8,soon,,,Open,Pothole,,,"))
    first = import_files(store, mapping(), path).report.build_id

    def in_service() -> str:
        warehouse = Warehouse(store)
        found = warehouse.build().build_id
        warehouse.close()
        return found

    again = import_files(store, mapping(), path).report
    assert again.nothing_new and again.unchanged == 1 and again.build_id == in_service() == first
    assert f"Nothing new: build {first} stays in service." in again.as_text()
    changed = mapping('[service_type]\nname = "Status"\n')  # another mapping tells something else of the same file
    assert not import_files(store, changed, path).report.nothing_new and in_service() != first
    assert import_files(store, changed, path).report.nothing_new
    other = tmp_path / "other.csv"
    other.write_bytes(
        table(ROW, "8,soon,,,Open,Pothole,,,", "")
    )  # another export, on which nothing happened: refreshed
    assert not import_files(store, changed, other).report.nothing_new


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


def test_an_older_export_opens_nothing_again(tmp_path: Path) -> None:
    settings, path = Settings(data=tmp_path / "data"), tmp_path / "export.csv"

    def read(*rows: str):
        path.write_bytes(table(*rows))
        return import_files(settings, mapping(), path).report

    first, second = "1,2024-03-01 09:00:00,,,Open,Pothole,,,", "2,2024-03-04 09:00:00,,,Open,Pothole,,,"
    closed_since = "1,2024-03-01 09:00:00,2024-03-06 09:00:00,,Closed,Pothole,,,"
    closed_before = "3,2024-03-01 09:00:00,2024-03-02 09:00:00,,Closed,Pothole,,,"
    to_come = "4,2024-03-01 09:00:00,2099-03-02 09:00:00,,Closed,Pothole,,,"
    newest = "5,2024-03-07 09:00:00,,,Open,Pothole,,,"
    read(closed_since, second, closed_before, to_come, newest)

    older = read(first, second, closed_before.replace("Pothole", "Rats"))  # corrected, and closed before its end
    assert (older.updated, older.unchanged, older.carried, dict(older.events)) == (1, 2, 2, {})
    assert older.read == older.accepted == older.added + older.updated + older.unchanged
    (note,) = [one for one in older.notes if "ends before" in one]
    said = "one request that it has open was closed after anything it tells of, and stays closed."
    assert note == f"export.csv ends before what is in service: {said}"
    again = read(first, second.replace("Pothole", "Rats"))
    assert (again.updated, again.unchanged) == (1, 1)

    newer = read(first, newest.replace("03-07", "03-08"), to_come.replace("2099-03-02 09:00:00,,Closed", ",,Open"))
    assert newer.events == {"close": 2, "reopen": 2, "status": 2}
    assert not [one for one in newer.notes if "ends before" in one]
    read("6,2099-03-01 09:00:00,,,Open,Pothole,,,")
    ahead = read("6,2099-03-01 09:00:00,,,Open,Rats,,,")  # nothing in it has happened yet
    assert (ahead.updated, ahead.carried) == (1, 5)


def test_what_a_later_export_has_no_column_for_stays_as_it_was(store: Settings, tmp_path: Path) -> None:
    """A CRM's report was edited: its due time and address are gone, and nobody told."""
    path = tmp_path / "export.csv"
    path.write_bytes(table(ROW.replace("Closed", "Open"), ROW.replace("7,", "8,", 1)))
    import_files(store, mapping(), path)

    def known() -> list[list[object]]:
        warehouse = Warehouse(store)
        r = request.c
        rows = warehouse.frame(select(r.due_source, r.address, r.status, r.type_id).order_by(r.request_id))
        warehouse.close()
        return rows.astype(object).where(rows.notna(), None).to_numpy().tolist()

    before = known()
    few = "ID,Opened,Closed,Status,Type,Zip,Point\n{},2024-03-01 09:00:00,2024-03-02 10:00:00,{},{},02131.0,\n"
    path.write_text(few.format(7, "Closed", "Noise"))
    report = import_files(store, mapping(), path).report
    assert (report.updated, report.carried) == (1, 1)
    assert "No file has a column for address or due_at: 1 updated row keeps what was known." in report.notes
    assert known() == [["source", "1 Main St", "closed", "Noise"], before[1]]
    assert import_files(store, mapping(), path).report.unchanged == 1
    path.write_bytes(table(ROW.replace("1 Main St", "").replace("Pothole", "Noise")))  # a column with nothing in it
    import_files(store, mapping(), path)
    assert known()[0] == ["source", None, "closed", "Noise"]


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


CALLS = """name = "calls"
[city]
name = "Testville"
tz = "America/New_York"
[contact]
contact_id = "Call"
arrived_at = "Arrived"
outcome = { value = "answered" }
"""


def test_of_files_of_several_kinds_all_rows_are_counted_as_what_they_are(tmp_path: Path) -> None:
    settings, both = Settings(data=tmp_path / "data"), [mapping(), mapping_from(CALLS, Path("calls.toml"))]
    requests, calls = tmp_path / "requests.csv", tmp_path / "calls.csv"
    requests.write_bytes(table(ROW, ROW.replace("7,", "8,", 1), ROW.replace("Closed,Pothole", "Open,Pothole")))
    calls.write_text("Call,Arrived\na,2024-03-01 09:00\na,2024-03-01 09:00\nb,2024-03-01 10:00\n")

    def counts() -> tuple[int, ...]:
        told = import_files(settings, both, [requests, calls]).report
        assert told.accepted == told.added + told.updated + told.unchanged + told.repeated
        return told.added, told.updated, told.unchanged, told.repeated, told.identical

    assert counts() == (4, 0, 0, 2, 1)
    assert counts() == (0, 0, 4, 2, 1)
    calls.write_text("Call,Arrived\na,2024-03-01 09:00\nb,2024-03-01 11:00\nc,2024-03-01 12:00\n")
    assert counts() == (1, 1, 3, 1, 0)


WAITED = (
    CALLS
    + """channel = { value = "phone" }
answered_at = "Answered"
wait_s = "Waited"
"""
)


def test_a_wait_told_by_when_a_call_was_answered_is_told_anew(store: Settings, tmp_path: Path) -> None:
    """What a later export has no column for stays as it was, but not what was worked out of what it has."""
    by, calls = mapping_from(WAITED, Path("calls.toml")), tmp_path / "calls.csv"

    def waited(*rows: str) -> float | None:
        calls.write_text("\n".join(["Call,Arrived,Answered", *rows]) + "\n")
        import_files(store, by, calls)
        services = Services(store)
        values = services.ask(
            Query((speed_of_answer,)), Filters.from_search("?period=all", services.clock(), ()), Scope.everything()
        )  # fmt: skip
        services.warehouse.close()
        return values.value("speed_of_answer")

    assert waited("a,2024-03-01 09:00:00,2024-03-01 09:00:20", "b,2024-03-01 10:00:00,2024-03-01 10:00:40") == 30
    assert waited("a,2024-03-01 09:00:00,2024-03-01 09:01:00") == 50
    assert waited("a,2024-03-01 09:00:00,") == 40


VISITS = """
[request_event]
request_id = "ID"
event_id = { column = "ID", replace = [["$", "-visit"]] }
event_at = { column = "Due", formats = ["%Y-%m-%d"] }
kind = { value = "comment" }
"""


def test_what_cannot_be_read_of_a_table_besides_is_told(tmp_path: Path) -> None:
    dues = (
        "2024-03-05",
        "05.03.2024 10:00",
        "06.03.2024 10:00",
        "",
    )  # the column is written in another way from now on
    rows = [ROW.replace("7,", f"{n},", 1).replace("2024-03-05", due) for n, due in enumerate(dues)]
    by = mapping_from(CITY.replace('due_at = { column = "Due", end_of_day = true }\n', "") + VISITS, Path("test.toml"))
    (tmp_path / "export.csv").write_bytes(table(*rows))
    report = import_files(Settings(data=tmp_path / "data"), by, tmp_path / "export.csv").report
    assert (report.accepted, report.details) == (4, {"request_event": 1})
    told = "export.csv: 2 rows of request_event left out, not a time in Due, such as “05.03.2024 10:00”."
    assert told in report.notes
