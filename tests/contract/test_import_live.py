"""Sources that are asked: a database, an Open311 endpoint and a Socrata data set, played by servers on this machine."""

from __future__ import annotations

import json
import sqlite3
import threading
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
from click.testing import CliRunner
from sqlalchemy import JSON, Column, DateTime, Integer, LargeBinary, MetaData, String, Table, create_engine, select

from dashboard.cli import main
from dashboard.domain.errors import DataUnavailable, ImportRefused, NothingNew
from dashboard.settings import Settings
from data_access.build import Build
from data_access.engine import Warehouse
from data_access.importers import live
from data_access.importers.load import import_files
from data_access.importers.mapping import mapping_from
from data_access.public_extract import extract_file
from data_access.rows import refused_rows
from data_access.schema import request

CRM = """
name = "crm"
[city]
name = "Testville"
tz = "America/New_York"
[file]
table = "tickets"
updated = "changed"
[request]
request_id = "id"
opened_at = "opened"
closed_at = "closed"
updated_at = "changed"
status = "state"
type_id = "kind"
"""
OPEN311 = 'like = "open311"\n[city]\nname = "Testville"\ntz = "America/New_York"\n'


def requests_of(settings: Settings) -> pd.DataFrame:
    warehouse = Warehouse(settings)
    rows = warehouse.frame(select(request).order_by(request.c.request_id))
    warehouse.close()
    return rows.set_index("request_id")


# ── A database ──────────────────────────────────────────────────────────────────────────────────────


def test_a_database_is_asked_for_what_is_new(tmp_path: Path) -> None:
    settings, path = Settings(data=tmp_path / "data"), tmp_path / "crm.db"
    with sqlite3.connect(path) as crm:
        crm.execute(
            "CREATE TABLE tickets (id INTEGER, opened TEXT, closed TEXT, changed TIMESTAMP, state TEXT, kind TEXT)"
        )
        crm.executemany(
            "INSERT INTO tickets VALUES (?, ?, NULL, ?, 'Open', 'Pothole')",
            [(9007199254740993, *["2024-03-01 09:00:00"] * 2), (2, *["2024-03-09 09:00:00"] * 2)],
        )
    crm.close()
    address, by = f"sqlite:///{path}", mapping_from(CRM, Path("crm.toml"))
    first = import_files(settings, by, address).report
    assert (first.read, first.added) == (2, 2)
    with sqlite3.connect(path) as crm:
        crm.execute("UPDATE tickets SET state = 'Closed', closed = '2024-03-10', changed = '2024-03-10' WHERE id = 2")
    crm.close()
    second = import_files(settings, by, address).report
    assert (second.read, second.updated, second.carried, second.events["close"]) == (1, 1, 1, 1)
    rows = requests_of(settings)
    assert rows.loc["9007199254740993", "status"] == "new" and rows.loc["2", "status"] == "closed"
    nameless = mapping_from(CRM.replace('"tickets"', '"nothing"'), Path("crm.toml"))
    with pytest.raises(ImportRefused, match="no table or view"):
        import_files(settings, nameless, address)
    for wrong, said in (("sqlite:////nowhere/at/all.db", "does not answer"), ("nonsense://x", "no address")):
        with pytest.raises((DataUnavailable, ImportRefused), match=said):
            import_files(settings, by, wrong)


def test_what_a_source_that_is_asked_has_open_is_open(tmp_path: Path) -> None:
    """A file that ends before a closing says nothing of it; an address tells how things stand now."""
    settings, path = Settings(data=tmp_path / "data"), tmp_path / "crm.db"
    with sqlite3.connect(path) as crm:
        crm.execute("CREATE TABLE tickets (id INTEGER, opened TEXT, closed TEXT, state TEXT, kind TEXT)")
        row = (1, "2024-03-01 09:00:00", "2024-03-05 09:00:00", "Closed", "Pothole")
        crm.execute("INSERT INTO tickets VALUES (?, ?, ?, ?, ?)", row)
    text = CRM.replace('updated = "changed"\n', "").replace('updated_at = "changed"\n', "")
    by = mapping_from(text, Path("crm.toml"))
    import_files(settings, by, f"sqlite:///{path}")
    with sqlite3.connect(path) as crm:
        crm.execute("UPDATE tickets SET state = 'Open', closed = NULL")
    crm.close()
    again = import_files(settings, by, f"sqlite:///{path}").report
    assert again.events["reopen"] == 1 and requests_of(settings).loc["1", "status"] == "new"


ODD = (
    CRM.replace('"changed"\nstatus', '{ column = "changed", formats = ["%d/%m/%Y"] }\nstatus')
    + 'public_id = "token"\ndue_at = { column = "due", nulls = ["infinity"] }\nsource_district = "Place of it.ward"\n'
)


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_what_a_database_holds_comes_as_it_is(tmp_path: Path, engine: str, request: pytest.FixtureRequest) -> None:
    """Times that Python has no value for, nested values, bytes, times that are words: read, or refused one by one."""
    address = request.getfixturevalue("new_database")() if engine == "postgres" else f"sqlite:///{tmp_path / 'crm.db'}"
    settings, crm = Settings(data=tmp_path / "data"), create_engine(address)
    kinds = {"id": Integer, "opened": DateTime, "closed": DateTime, "due": DateTime, "changed": String,
             "state": String, "kind": String, "token": LargeBinary, "Place of it": JSON}  # fmt: skip
    tickets = Table("tickets", MetaData(), *(Column(name, kind) for name, kind in kinds.items()))
    odd = {"sqlite": "03/01/2024", "postgres": "infinity"}[engine]
    with crm.begin() as asked:
        tickets.create(asked)
        row = {"state": "Open", "kind": "Pothole", "token": b"\x00\xff", "Place of it": {"ward": "Ward 3"}}
        for n in (1, 2):
            day = datetime(2024, 3, n, 9)
            asked.execute(tickets.insert().values(id=n, opened=day, due=day, changed=f"0{n}/03/2024", **row))
        asked.exec_driver_sql(f"UPDATE tickets SET due = '{odd}' WHERE id = 2")
        if engine == "postgres":
            asked.exec_driver_sql("ALTER TABLE tickets ADD COLUMN spot point")
            asked.exec_driver_sql(f"ALTER DATABASE {crm.url.database} SET DateStyle = 'German, DMY'")
    crm.dispose()
    first = import_files(settings, mapping_from(ODD, Path("crm.toml")), address)
    assert first.report.accepted == (2 if engine == "postgres" else 1)
    assert engine == "postgres" or first.refused["value"].tolist() == [odd]
    one = requests_of(settings).loc["1"]
    assert (one["public_id"], one["source_district"]) == ("00ff", "Ward 3")
    with crm.begin() as asked:  # where words are compared, 2 January 2025 comes before 1 March 2024
        changed = {"state": "Closed", "closed": datetime(2025, 1, 2), "changed": "02/01/2025"}
        asked.execute(tickets.update().where(tickets.c.id == 1).values(changed))
    crm.dispose()
    second = import_files(settings, mapping_from(ODD, Path("crm.toml")), address).report
    assert second.updated == 1
    assert engine == "sqlite" or any("no date or time" in note for note in second.notes)
    for right, wrong, said in (
        ('table = "tickets"', 'table = "Tickets2"', "Did you mean tickets"),
        ('updated = "changed"', 'updated = "altered"', "no column altered"),
    ):
        with pytest.raises(ImportRefused, match=said):
            import_files(settings, mapping_from(ODD.replace(right, wrong), Path("crm.toml")), address)


def test_a_row_that_is_refused_each_time_is_listed_once(tmp_path: Path) -> None:
    settings, path = Settings(data=tmp_path / "data"), tmp_path / "crm.db"
    with sqlite3.connect(path) as crm:
        crm.execute("CREATE TABLE tickets (id TEXT, opened TEXT, closed TEXT, changed TEXT, state TEXT, kind TEXT)")
        row = "INSERT INTO tickets VALUES (?, '2024-03-01 09:00', NULL, NULL, 'Open', ?)"
        crm.executemany(row, [(None, "Pothole"), ("1", "Pothole"), (None, "Graffiti")])
    crm.close()
    for _ in range(3):
        found = import_files(settings, mapping_from(CRM, Path("crm.toml")), f"sqlite:///{path}").report
        assert (found.read, found.accepted, found.refused) == (3, 1, 2)
    warehouse = Warehouse(settings)
    listed = refused_rows(warehouse)
    warehouse.close()
    assert listed["row_number"].tolist() == [1, 3]


def test_a_promise_for_a_day_is_flagged_neither_now_nor_later(tmp_path: Path) -> None:
    """`end_of_day` makes instants of dates: what is read first and what is kept of it must be judged alike."""
    path = tmp_path / "crm.db"
    with sqlite3.connect(path) as crm:
        crm.execute("CREATE TABLE tickets (id INTEGER, opened TEXT, closed TEXT, changed TEXT, state TEXT, kind TEXT)")
        row = "INSERT INTO tickets VALUES (?, ?, NULL, ?, 'Open', 'Pothole')"
        crm.executemany(row, [(n, f"2024-03-{n % 28 + 1:02d} 09:00", f"2024-03-{n % 28 + 1:02d}") for n in range(60)])
    crm.close()
    by = mapping_from(
        CRM.replace('updated_at = "changed"', 'due_at = { column = "changed", end_of_day = true }'), Path("crm.toml")
    )
    for _ in range(2):
        report = import_files(Settings(data=tmp_path / "data"), by, f"sqlite:///{path}").report
        assert report.accepted and "midnight_only" not in report.flagged


def test_a_time_to_come_hides_nothing_that_is_new(tmp_path: Path) -> None:
    path, mapping, data = tmp_path / "crm.db", tmp_path / "crm.toml", tmp_path / "data"
    row = "INSERT INTO tickets VALUES (?, ?, NULL, ?, 'Open', 'Pothole')"
    with sqlite3.connect(path) as crm:
        crm.execute(
            "CREATE TABLE tickets (id INTEGER, opened TEXT, closed TEXT, changed TIMESTAMP, state TEXT, kind TEXT)"
        )
        crm.executemany(row, [(1, "2024-03-01 09:00", "2024-03-01 09:00"), (2, "2024-03-02 09:00", "2124-03-02 09:00")])
    mapping.write_text(CRM.replace("[file]", f'[file]\naddress = "sqlite:///{path}"'))
    first = CliRunner().invoke(main, ["sync", str(mapping), "--data", str(data)])
    assert first.exit_code == 0, first.output
    with sqlite3.connect(path) as crm:
        crm.execute(row, (3, "2024-03-05 09:00", "2024-03-05 09:00"))
    crm.close()
    assert "1 new" in CliRunner().invoke(main, ["sync", str(mapping), "--data", str(data)]).output


def test_calls_are_asked_for_by_what_is_known_of_calls(tmp_path: Path) -> None:
    """Requests of the same system say nothing of how far its calls were read."""
    settings, path = Settings(data=tmp_path / "data"), tmp_path / "crm.db"
    with sqlite3.connect(path) as crm:
        crm.execute(
            "CREATE TABLE tickets (id TEXT, opened TEXT, closed TEXT, changed TIMESTAMP, state TEXT, kind TEXT)"
        )
        crm.execute("INSERT INTO tickets VALUES ('1', '2024-12-01', NULL, '2024-12-01 09:00', 'Open', 'Pothole')")
        crm.execute("CREATE TABLE calls (id TEXT, started TIMESTAMP, ended TIMESTAMP, how TEXT)")
        crm.executemany(
            "INSERT INTO calls VALUES (?, ?, ?, 'Handled')", [(n, *[f"2024-03-0{n} 09:00"] * 2) for n in range(1, 6)]
        )
    crm.close()
    calls = CRM.split("[request]")[0].replace('"tickets"', '"calls"').replace('"changed"', '"ended"') + (
        '[contact]\ncontact_id = "id"\narrived_at = "started"\nended_at = "ended"\noutcome = "how"\n'
    )
    import_files(settings, mapping_from(CRM, Path("crm.toml")), f"sqlite:///{path}")
    reads = [import_files(settings, mapping_from(calls, Path("crm.toml")), f"sqlite:///{path}") for _ in range(2)]
    assert [(one.report.read, one.report.added) for one in reads] == [(5, 5), (2, 0)]


def test_an_import_reads_all_that_an_address_has(tmp_path: Path) -> None:
    path, mapping, data = tmp_path / "crm.db", tmp_path / "crm.toml", tmp_path / "data"
    with sqlite3.connect(path) as crm:
        crm.execute(
            "CREATE TABLE tickets (id INTEGER, opened TEXT, closed TEXT, changed TIMESTAMP, state TEXT, kind TEXT)"
        )
        row = "INSERT INTO tickets VALUES (?, ?, NULL, ?, 'Open', 'Pothole')"
        crm.executemany(row, [(n, *[f"2024-0{n}-01 09:00"] * 2) for n in (1, 2, 3)])
    crm.close()
    asked = ["import", str(mapping), f"sqlite:///{path}", "--data", str(data)]
    mapping.write_text(CRM)
    assert "3 new" in CliRunner().invoke(main, asked).output
    mapping.write_text(CRM.replace('type_id = "kind"', 'type_id = "kind"\nnote = "kind"'))
    assert "3 updated" in CliRunner().invoke(main, asked).output  # corrected, the mapping is for all
    other = tmp_path / "other.toml"  # another city, whose source has the same name
    other.write_text(CRM.replace("Testville", "Otherville"))
    assert "3 new" in CliRunner().invoke(main, [*asked[:1], str(other), *asked[2:], "--replace"]).output


# ── Over HTTP ───────────────────────────────────────────────────────────────────────────────────────


class City:
    """A city's endpoint: what it has, what it was asked, and how often it is busy first."""

    def __init__(self) -> None:
        self.requests: list[dict] = []
        self.asked: list[dict[str, str]] = []
        self.busy = 0
        self.paths: list[Any] = []
        self.text = ""
        self.refusals: list[tuple[int, dict[str, str], bytes]] = []
        city = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                city.asked.append(query)
                city.paths.append(urlsplit(self.path))
                if city.refusals:
                    code, headers, body = city.refusals.pop(0)
                    self.send_response(code)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)
                    return
                if city.busy:
                    city.busy -= 1
                    self.send_error(503)
                    return
                if (
                    "r1" in query.get("service_request_id", "")
                    and not any(one["service_request_id"] == "r1" for one in city.requests)
                    and city.requests
                ):
                    self.send_error(404)
                    return
                answer = (city.text or json.dumps(city.answer(query))).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *about) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, query: dict[str, str]) -> list[dict]:
        if "$limit" in query:
            at, many = int(query["$offset"]), int(query["$limit"])
            return self.requests[at : at + many]
        if ids := query.get("service_request_id"):
            return [one for one in self.requests if one["service_request_id"] in ids.split(",")]
        inside = [
            one for one in self.requests if query["start_date"] <= one["requested_datetime"] < query["end_date"]
        ]  # fmt: skip
        page, many = int(query["page"]), int(query["page_size"])
        return inside[(page - 1) * many : page * many]


@pytest.fixture
def city(monkeypatch) -> Iterator[City]:
    monkeypatch.setattr(live, "_PAUSE_S", 0.001)
    monkeypatch.setattr(live, "_PAGE", 2)
    monkeypatch.setattr(live, "_SOCRATA_PAGE", 2)
    city = City()
    yield city
    city.server.shutdown()
    city.server.server_close()


def report(number: int, opened: str, **more) -> dict:
    return {
        "service_request_id": f"r{number}", "status": "open", "service_code": "pothole", "service_name": "Pothole",
        "requested_datetime": opened, "updated_datetime": opened, "lat": 42.5, "long": -71.5, **more,
    }  # fmt: skip


def test_an_endpoint_is_harvested_and_what_is_open_is_asked_for_again(tmp_path: Path, city: City) -> None:
    settings, by = Settings(data=tmp_path / "data"), mapping_from(OPEN311, Path("testville.toml"))
    days = ["2025-11-05", "2025-11-06", "2025-11-07", "2026-03-20", "2026-11-01"]
    city.requests = [report(n, f"{day}T10:00:00Z") for n, day in enumerate(days)]
    city.busy = 2
    address = f"{city.url}/requests.json?start_date=2025-11-01&jurisdiction_id=test"
    first = import_files(settings, by, address).report
    assert (first.read, first.added, first.refused) == (5, 5, 0)
    assert all(one["jurisdiction_id"] == "test" for one in city.asked)
    spans = [(one["start_date"], one["end_date"]) for one in city.asked]
    lengths = [pd.Timestamp(end) - pd.Timestamp(start) for start, end in spans]
    assert max(lengths) <= pd.Timedelta(days=90) and len(set(spans)) >= 4
    city.asked.clear()
    city.requests[0] |= {"status": "closed", "updated_datetime": "2026-11-02T10:00:00Z"}
    second = import_files(settings, by, address).report
    assert second.updated == 1 and second.unchanged == 4
    assert any(one.get("service_request_id", "").startswith("r0") for one in city.asked)
    rows = requests_of(settings)
    assert rows.loc["r0", "closed_at"] == pd.Timestamp("2026-11-02 10:00") and rows["closed_at"].notna().sum() == 1
    assert not (settings.data / "fetched" / "testville").exists()
    city.requests = [one for one in city.requests if one["service_request_id"] != "r1"]
    assert import_files(settings, by, address).report.carried == 2  # not there any more is no refusal


def capped(city: City, pages: bool, limit: int) -> None:
    """Let the endpoint answer with so many requests at most, and know pages or not."""

    def answer(query: dict[str, str]) -> list[dict]:
        found = City.answer(city, query | {"page": "1", "page_size": "100000"})
        at = (int(query["page"]) - 1) * limit if pages else 0
        return found[at : at + limit]

    city.answer = answer  # type: ignore[method-assign]


@pytest.mark.parametrize("pages", [True, False])
def test_an_endpoint_that_limits_its_answers_is_read_whole(
    tmp_path: Path, city: City, monkeypatch: pytest.MonkeyPatch, pages: bool
) -> None:
    monkeypatch.setattr(live, "_PAGE", 1_000)
    settings, by = Settings(data=tmp_path / "data"), mapping_from(OPEN311, Path("testville.toml"))
    begin = pd.Timestamp("2026-10-20")
    moments = [begin + pd.Timedelta(hours=n) for n in range(170)]
    city.requests = [report(n, f"{moment:%Y-%m-%dT%H:%M:%SZ}") for n, moment in enumerate(moments)]
    capped(city, pages, 50)
    found = import_files(settings, by, f"{city.url}/requests.json?start_date=2026-10-01").report
    assert found.added == 170 and not [note for note in found.notes if "missing" in note]
    assert len(requests_of(settings)) == 170


def test_what_an_endpoint_cannot_tell_is_said(tmp_path: Path, city: City) -> None:
    settings, by = Settings(data=tmp_path / "data"), mapping_from(OPEN311, Path("testville.toml"))
    city.requests = [report(n, "2026-11-10T10:00:00Z") for n in range(60)]
    capped(city, False, 50)
    found = import_files(settings, by, f"{city.url}/requests.json?start_date=2026-11-01").report
    assert found.added == 50
    assert any("may be missing" in note and "2026-11-10" in note for note in found.notes)


def test_an_endpoint_of_another_form_is_read(tmp_path: Path, city: City) -> None:
    settings, by = Settings(data=tmp_path / "data"), mapping_from(OPEN311, Path("testville.toml"))
    rows = [report(1, "2026-11-10T10:00:00Z"), report(2, "2026-11-11T10:00:00Z", updated_datetime="")]
    city.answer = lambda query: {"count": 2, "notes": [], "service_requests": rows}  # type: ignore
    assert import_files(settings, by, f"{city.url}/requests?start_date=2026-11-01").report.added == 2
    written = "".join(f"<request>{''.join(f'<{k}>{v}</{k}>' for k, v in row.items())}</request>" for row in rows)
    city.text = f'<?xml version="1.0" encoding="utf-8"?><service_requests>{written}</service_requests>'
    again = import_files(settings, by, f"{city.url}/requests.xml?start_date=2026-11-01").report
    assert (again.accepted, again.added) == (4, 0)  # those of the window, and the open ones once more
    assert all(row.path.startswith("/requests.xml") for row in city.paths[-2:])
    city.text = "<errors><error><code>400</code><description>jurisdiction_id is missing</description></error></errors>"
    with pytest.raises(ImportRefused, match="400 .jurisdiction_id is missing"):
        import_files(settings, by, f"{city.url}/requests.xml?start_date=2026-11-01")
    city.text = "<html>Please sign in"
    with pytest.raises(DataUnavailable, match="no XML"):
        import_files(settings, by, f"{city.url}/requests.xml?start_date=2026-11-01")
    with pytest.raises(ImportRefused, match="no day"):
        import_files(settings, by, f"{city.url}/requests.xml?start_date=01/11/2026")


def test_an_endpoint_is_waited_for_and_its_reasons_are_told(
    tmp_path: Path, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, by = Settings(data=tmp_path / "data"), mapping_from(OPEN311, Path("testville.toml"))
    waited: list[float] = []
    monkeypatch.setattr(live.time, "sleep", waited.append)
    city.requests = [report(1, "2026-11-10T10:00:00Z")]
    address = f"socrata://{city.url.removeprefix('http://')}/abcd-1234?scheme=http"
    city.refusals = [(429, {"Retry-After": "7"}, b""), (200, {"Content-Length": "99"}, b"[")]
    assert import_files(settings, by, address).report.added == 1
    assert waited[0] == 7 and len(waited) == 2  # the second answer broke off
    city.refusals = [(400, {}, b'{"error": true, "message": "No such column: changed"}')]
    with pytest.raises(ImportRefused, match="400 Bad Request .No such column: changed"):
        import_files(settings, by, address)
    city.refusals = [(302, {"Location": "http://localhost:1/elsewhere"}, b"")]
    with pytest.raises(ImportRefused, match="another host, localhost"):
        import_files(settings, by, address)
    here = city.url.removeprefix("http://").partition(":")[0]
    for where, said in ((f"http://{here}:1/x", "another port, 1;"), (f"https://{here}/x", "another port, 443;"),
                        (f"http://{here}:99999/x", "a port that is none")):  # fmt: skip
        city.refusals = [(302, {"Location": where}, b"")]
        with pytest.raises(ImportRefused, match=said):
            import_files(settings, by, address)
    city.refusals = [(302, {"Location": "http://localhost:1/elsewhere"}, b"")]
    with pytest.raises(ImportRefused, match="another host, localhost"):
        import_files(settings, by, address)


def test_no_secret_is_told_and_none_is_sent_in_the_open(tmp_path: Path, city: City) -> None:
    settings, by = Settings(data=tmp_path / "data"), mapping_from(OPEN311, Path("testville.toml"))
    host = city.url.removeprefix("http://")
    for address, said in (
        (f"http://ana:hush@{host}/requests", "without a name and a password"),
        (f"socrata://ana:hush@{host}/abcd-1234?scheme=http", "without a name and a password"),
        (f"{city.url}/my requests?api_key=hush", "no address of the web"),
        ("https://host:31x/requests?api_key=hush", "no address of the web"),
        ("https://[::1/requests?api_key=hush", "no address of the web"),
        ("https:///requests?api_key=hush", "no address of the web"),
        ("postgresql://ana:hush@host:54x/crm", "table or view"),
    ):
        with pytest.raises(ImportRefused, match=said) as told:
            import_files(settings, by, address)
        assert "hush" not in str(told.value)
    with pytest.raises(ImportRefused, match="no address of a database"):
        import_files(settings, mapping_from(CRM, Path("crm.toml")), "postgresql://ana:hush@host:54x/crm")
    asked = urllib.request.Request("https://city.example/a?api_key=hush", headers={"X-App-Token": "hush"})
    go_to = live._SameHost().redirect_request
    assert go_to(asked, None, 302, "", {}, "https://city.example/b").full_url == "https://city.example/b"
    with pytest.raises(ImportRefused, match="https://city.example/a: .* others could listen"):
        go_to(asked, None, 302, "", {}, "http://city.example/b")


def test_a_day_may_leave_out_what_years_have_told(tmp_path: Path, city: City) -> None:
    """Socrata's JSON leaves out what is empty: here a day on which nothing was closed, and no department named."""
    text = CRM.replace('table = "tickets"\n', "") + 'department_id = "dept"\n[service_type]\ncategory = "group"\n'
    settings, by = Settings(data=tmp_path / "data"), mapping_from(text, Path("crm.toml"))
    told = {"opened": "2026-01-01T10:00:00", "changed": "2026-01-02T10:00:00", "kind": "Pothole"}
    whole = {"state": "Closed", "closed": "2026-01-02T10:00:00", "dept": "Streets", "group": "Roads"}
    city.requests = [{"id": str(n), **told, **whole} for n in (1, 2, 3)]
    address = f"socrata://{city.url.removeprefix('http://')}/abcd-1234?scheme=http"
    import_files(settings, by, address)
    city.requests = [{"id": "4", **told, "state": "Open"}]
    assert import_files(settings, by, address).report.added == 1
    for more in ({}, {"closed": None, "dept": ""}):
        city.requests = [{"id": "4", **told, "state": "Open", **more}]
        assert import_files(settings, by, address).report.unchanged == 1
    rows = requests_of(settings)
    assert rows.loc["4", ["category", "department"]].tolist() == ["Roads", "Streets"]
    assert rows["category"].nunique() == 1
    del city.requests[0]["closed"]
    with pytest.raises(ImportRefused, match="no column closed"):  # nothing is known yet: it may be misspelt
        import_files(Settings(data=tmp_path / "other"), by, address)


def test_what_no_record_tells_is_empty_from_the_first_time_on(tmp_path: Path, city: City) -> None:
    settings, by = Settings(data=tmp_path / "data"), mapping_from(OPEN311, Path("testville.toml"))
    city.requests = [report(1, "2026-11-10T10:00:00Z", status="closed", updated_datetime="")]
    address = f"{city.url}/requests.json?start_date=2026-11-01"
    first = import_files(settings, by, address).report
    assert any("closure_outcome" in one for one in first.absent)
    second = import_files(settings, by, address).report
    assert (second.updated, second.unchanged) == (0, 1)


def test_what_one_address_answered_is_no_answer_of_another(tmp_path: Path, city: City) -> None:
    settings, by = Settings(data=tmp_path / "data"), mapping_from(OPEN311, Path("testville.toml"))
    city.requests = [report(1, "2026-11-10T10:00:00Z")]
    address = f"socrata://{city.url.removeprefix('http://')}/abcd-1234?scheme=http"
    assert import_files(settings, by, address, dry=True).report.added == 1
    city.requests = [report(2, "2026-11-10T10:00:00Z")]
    import_files(settings, by, address.replace("abcd", "efgh"))
    assert list(requests_of(settings).index) == ["r2"]


def test_a_note_that_only_begins_like_a_list_is_none(tmp_path: Path, city: City) -> None:
    settings, by = Settings(data=tmp_path / "data"), mapping_from(OPEN311, Path("testville.toml"))
    step = {"datetime": "2026-11-10T10:00:00Z", "type": "comment", "summary": "Seen"}
    notes = ["[sic] done", [step, step | {"summary": "Done"}], "[1, 2", None, []]
    city.requests = [report(n, "2026-11-10T10:00:00Z", notes=one) for n, one in enumerate(notes)]
    found = import_files(settings, by, f"{city.url}/requests.json?start_date=2026-11-01").report
    assert (found.added, found.details) == (5, {"request_event": 2})


@pytest.mark.parametrize("name", ["..", "../../kept", "{folder}/kept"])
def test_only_what_was_fetched_is_cleared_away(tmp_path: Path, city: City, name: str) -> None:
    settings, kept = Settings(data=tmp_path / "data"), tmp_path / "kept" / "file"
    kept.parent.mkdir()
    kept.touch()
    by = mapping_from(f'name = "{name.format(folder=tmp_path)}"\n{OPEN311}', Path("testville.toml"))
    city.requests = [report(1, "2026-11-10T10:00:00Z")]
    import_files(settings, by, f"{city.url}/requests.json?start_date=2026-11-01")
    assert kept.exists() and len(requests_of(settings)) == 1


def test_a_harvest_that_broke_off_goes_on_where_it_stopped(tmp_path: Path, city: City) -> None:
    settings, by = Settings(data=tmp_path / "data"), mapping_from(OPEN311, Path("testville.toml"))
    city.requests = [report(1, "2026-01-10T10:00:00Z"), report(2, "2026-10-10T10:00:00Z")]
    address = f"{city.url}/requests.json?start_date=2026-01-01"
    answer = city.answer

    def breaks(query: dict[str, str]) -> list[dict]:
        if query.get("start_date", "") >= "2026-06":
            city.busy = 99
        return answer(query)

    city.answer = breaks  # type: ignore[method-assign]
    with pytest.raises(DataUnavailable, match="kept"):
        import_files(settings, by, address)
    city.answer, city.busy = answer, 0  # type: ignore[method-assign]
    city.asked.clear()
    assert import_files(settings, by, address).report.added == 2
    assert min(one["start_date"] for one in city.asked) >= "2026-06"


def test_what_was_kept_of_a_day_that_was_not_over_is_asked_for_again(tmp_path: Path, city: City) -> None:
    by, notes = mapping_from(OPEN311, Path("testville.toml")), []
    asked = (f"{city.url}/requests.json?start_date=2026-01-01", by, live.Known(), tmp_path)
    city.requests = [report(n, f"2026-03-31T{n}:00:00Z") for n in (10, 20)]
    ends = [datetime(2026, 3, 31, 15), datetime(2026, 4, 1, 3)]  # between them the window of 90 days has ended
    read = [[len(one.read_text().splitlines()) for one in live._open311(*asked, end, notes)] for end in ends]
    assert read == [[1], [2, 0]]


def test_what_an_endpoint_cannot_tell_is_said_each_time(tmp_path: Path, city: City) -> None:
    by = mapping_from(OPEN311, Path("testville.toml"))
    city.requests = [report(n, "2026-01-10T10:00:00Z") for n in range(60)]
    capped(city, False, 50)
    for _ in range(2):  # the first time some other window may have broken off
        notes: list[str] = []
        live._open311(
            f"{city.url}/requests.json?start_date=2026-01-01", by, live.Known(), tmp_path, datetime(2026, 6, 1), notes
        )
        assert [note for note in notes if "2026-01-10" in note]


def test_a_socrata_data_set_is_paged_and_then_asked_for_updates(tmp_path: Path, city: City) -> None:
    text = OPEN311 + '[file]\nupdated = "updated_datetime"\n'
    settings, by = Settings(data=tmp_path / "data"), mapping_from(text, Path("testville.toml"))
    city.requests = [report(n, f"2026-01-0{n}T10:00:00") for n in range(1, 6)]
    address = f"socrata://{city.url.removeprefix('http://')}/abcd-1234?scheme=http&app_token=secret"
    assert import_files(settings, by, address).report.added == 5
    assert [one["$offset"] for one in city.asked] == ["0", "1", "2", "3", "4"]  # each begins with the last
    city.asked.clear()
    city.requests = []
    with pytest.raises(NothingNew):
        import_files(settings, by, address)
    assert city.asked[0]["$where"].startswith("(updated_datetime >= '2026-01-04")
    assert city.asked[0]["$where"].endswith(" OR updated_datetime IS NULL)")
    with pytest.raises(NothingNew):
        import_files(settings, by, f"{address}&$where=ward=3")
    assert city.asked[-1]["$where"].startswith("(ward=3) AND (updated_datetime")
    city.requests = [report(6, "2026-01-06T10:00:00")]
    assert import_files(settings, by, address).report.added == 1  # that there was nothing is not kept


def test_no_row_is_lost_where_rows_move_between_the_pages_of_a_data_set(tmp_path: Path, city: City) -> None:
    settings, by = Settings(data=tmp_path / "data"), mapping_from(OPEN311, Path("testville.toml"))
    city.requests = [report(n, f"2026-01-0{n}T10:00:00") for n in range(1, 8)]
    address, answer = f"socrata://{city.url.removeprefix('http://')}/abcd-1234?scheme=http", city.answer

    def moves(query: dict[str, str]) -> list[dict]:
        found = answer(query)
        if query["$offset"] == "1" and len(city.requests) == 7:
            del city.requests[0]  # a row that was read goes: those after it move up
        return found

    city.answer = moves  # type: ignore[method-assign]
    assert import_files(settings, by, address).report.added == 6

    def breaks(query: dict[str, str]) -> list[dict]:
        city.busy = 99 if query["$offset"] == "2" else 0
        return answer(query)

    city.answer = breaks  # type: ignore[method-assign]
    with pytest.raises(DataUnavailable, match="kept"):
        import_files(settings, by, address)
    city.answer, city.busy = answer, 0  # type: ignore[method-assign]
    city.requests = [report(n, f"2026-01-0{n}T10:00:00") for n in (9, 8, *range(2, 8))]  # all published anew
    assert import_files(settings, by, address).report.added == 2
    city.answer = lambda query: [report(len(city.asked), "2026-01-01T10:00:00")]  # type: ignore[method-assign]
    with pytest.raises(DataUnavailable, match="changes while it is read"):
        import_files(settings, by, address)


def test_half_of_a_letter_in_two_halves_is_no_reason_to_read_nothing(tmp_path: Path, city: City) -> None:
    settings, by = Settings(data=tmp_path / "data"), mapping_from(OPEN311, Path("testville.toml"))
    city.requests = [report(n, "2026-01-01T10:00:00") | {"address": "1 Main\ud83d St"} for n in (1, 2)]
    address = f"socrata://{city.url.removeprefix('http://')}/abcd-1234?scheme=http"
    assert import_files(settings, by, address).report.added == 2


def test_sync_asks_what_the_mapping_names_and_two_at_once_do_no_harm(tmp_path: Path, city: City) -> None:
    path, data = tmp_path / "testville.toml", tmp_path / "data"
    city.requests = [report(1, "2026-11-10T10:00:00Z")]
    path.write_text(OPEN311 + f'[file]\naddress = "{city.url}/requests?start_date=2026-11-01"\n')
    done = CliRunner().invoke(main, ["sync", str(path), "--data", str(data)])
    assert done.exit_code == 0, done.output
    assert "1 new" in done.output
    with Build(Settings(data=data), mapping_from(OPEN311, Path("testville.toml")).city):
        busy = CliRunner().invoke(main, ["sync", str(path), "--data", str(data)])
    assert busy.exit_code == 0 and "Another import" in busy.output
    assert len(requests_of(Settings(data=data))) == 1
    bare = tmp_path / "bare.toml"
    bare.write_text(OPEN311)
    assert "names no source" in CliRunner().invoke(main, ["sync", str(bare), "--data", str(data)]).output


def test_an_address_with_a_secret_in_it_stands_in_a_file_of_its_own(tmp_path: Path, city: City) -> None:
    path, data, beside = tmp_path / "testville.toml", tmp_path / "data", tmp_path / "testville.address"

    def run(command: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, [command, str(path), "--data", str(data)])
        return done.exit_code, done.output

    city.requests = [report(n, f"2026-11-{n:02d}T10:00:00Z") for n in (1, 2)]
    path.write_text(OPEN311 + '[file]\naddress_file = "testville.address"\n')
    code, said = run("sync")
    assert code == 1 and "address_file" in said and "testville.address" in said
    beside.write_text(f"{city.url}/requests?start_date=2026-11-01&api_key=hush-hush\n")
    code, said = run("import")  # without files it reads all that the mapping's own address has
    assert (code, "2 new" in said, "hush" in said) == (0, True, False), said
    city.requests.append(report(3, "2026-11-03T10:00:00Z"))
    code, said = run("sync")
    assert (code, "1 new" in said, "hush" in said) == (0, True, False), said
    code, said = run("import")
    assert (code, "3 unchanged" in said, "hush" in said) == (0, True, False), said
    for content, words in (("", "one line"), ("https://a.example\nhttps://b.example\n", "one line")):
        beside.write_text(content)
        assert words in run("sync")[1]
    path.write_text(OPEN311 + '[file]\naddress = "https://a.example"\naddress_file = "testville.address"\n')
    assert "cannot both be given" in run("sync")[1]


def test_sync_publishes_and_one_source_that_fails_holds_up_no_other(tmp_path: Path, city: City) -> None:
    data, good, bad = tmp_path / "data", tmp_path / "good.toml", tmp_path / "bad.toml"
    city.requests = [report(n, f"2026-{n:02d}-10T10:00:00Z") for n in range(1, 12)]
    good.write_text(OPEN311 + f'[file]\naddress = "{city.url}/requests?start_date=2026-01-01"\n')
    bad.write_text(OPEN311 + '[file]\naddress = "sqlite:////nowhere/at/all.db"\ntable = "tickets"\n')
    done = CliRunner().invoke(main, ["sync", str(bad), str(good), "--data", str(data)])
    assert done.exit_code == 1 and "does not answer" in done.output and "11 new" in done.output
    assert extract_file(Settings(data=data)).is_file()
