"""Sources that are asked: a database, an Open311 endpoint and a Socrata data set, played by servers on this machine."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
from click.testing import CliRunner
from sqlalchemy import select

from dashboard.cli import main
from dashboard.domain.errors import DataUnavailable, ImportRefused, NothingNew
from dashboard.settings import Settings
from data_access.build import Build
from data_access.engine import Warehouse
from data_access.importers import live
from data_access.importers.load import import_files
from data_access.importers.mapping import mapping_from
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


# ── Over HTTP ───────────────────────────────────────────────────────────────────────────────────────


class City:
    """A city's endpoint: what it has, what it was asked, and how often it is busy first."""

    def __init__(self) -> None:
        self.requests: list[dict] = []
        self.asked: list[dict[str, str]] = []
        self.busy = 0
        city = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                city.asked.append(query)
                if city.busy:
                    city.busy -= 1
                    self.send_error(503)
                    return
                answer = json.dumps(city.answer(query)).encode()
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


def test_a_socrata_data_set_is_paged_and_then_asked_for_updates(tmp_path: Path, city: City) -> None:
    text = OPEN311 + '[file]\nupdated = "updated_datetime"\n'
    settings, by = Settings(data=tmp_path / "data"), mapping_from(text, Path("testville.toml"))
    city.requests = [report(n, f"2026-01-0{n}T10:00:00") for n in range(1, 6)]
    address = f"socrata://{city.url.removeprefix('http://')}/abcd-1234?scheme=http&app_token=secret"
    assert import_files(settings, by, address).report.added == 5
    assert [one["$offset"] for one in city.asked] == ["0", "2", "4"]
    city.asked.clear()
    city.requests = []
    with pytest.raises(NothingNew):
        import_files(settings, by, address)
    assert city.asked[0]["$where"].startswith("updated_datetime >= '2026-01-04")


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
