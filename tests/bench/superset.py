"""The same charts asked of the dashboard and of Apache Superset, over the same file, in turn, in one run.

``python -m tests.bench.superset --superset FOLDER/bin/superset [--millions 10] [--folder FOLDER]``. Superset is none of
the project's dependencies: put it, with ``duckdb-engine`` and whatever it lacks to start, into an environment of its
own and tell where its command lies. It is set up afresh in a temporary folder, served by Gunicorn with two workers of
eight threads, and asked as its own pages ask: one post to ``/api/v1/chart/data`` for a chart, forced and from its
cache. The dashboard is asked for a question alone, through its services, and for the whole card that shows it, over
HTTP in the process, nothing kept and kept. What is counted must agree to the unit.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dashboard.app import create_app
from dashboard.domain.filters import Filters
from dashboard.domain.policy import Scope
from dashboard.services import Services
from dashboard.serving import settle
from dashboard.settings import Settings
from data_access.dimensions import DIMENSIONS, agent, department, hour_of_week, service_type
from data_access.measures.contacts import answered, handled_s, offered
from data_access.measures.requests import due, kept, opened
from data_access.semantics import Query
from tests.bench.city import build_city, words_of
from tests.bench.views import median_ms, path_of
from tests.client import ask
from tests.planted import answers

PORT = 8398
SEARCHES = {"ten years": "?period=all", "twelve months": "?period=last-12-months"}
EVERYTHING = Scope.everything()
_QUEUED = "outcome IN ('answered', 'abandoned', 'callback', 'voicemail', 'overflow')"


@dataclass(frozen=True)
class Chart:
    """A chart: our question and the card that shows it; Superset's table, day, columns, conditions and metrics."""

    query: Query
    view: str
    card: str
    table: str
    day: str
    columns: tuple[str, ...]
    where: str
    metrics: tuple[tuple[str, str], ...]


CHARTS = {
    "requests by day": Chart(
        Query((opened,), every="day"), "demand", "requests", "request", "opened_on", ("opened_on",),
        "is_info_only IS NOT TRUE", (("opened", "COUNT(*)"),),
    ),
    "promises by department and type": Chart(
        Query((due, kept), by=(department, service_type)), "promises", "departments", "request", "due_on",
        ("department", "service_type"), "is_info_only IS NOT TRUE AND due_at <= TIMESTAMP '{as_of}'",
        (("due", "COUNT(*)"), ("kept", "COUNT(*) FILTER (WHERE closed_at <= due_at)")),
    ),
    "calls by hour of the week": Chart(
        Query((offered,), by=(hour_of_week,)), "calls", "hours", "contact", "arrived_on", ("arrived_hour_of_week",),
        f"channel = 'phone' AND in_open_hours IS NOT FALSE AND {_QUEUED}", (("offered", "COUNT(*)"),),
    ),
    "calls by agent": Chart(
        Query((answered, handled_s), by=(agent,)), "agents", "table", "contact", "arrived_on", ("agent_id",),
        "channel = 'phone' AND in_open_hours IS NOT FALSE AND outcome = 'answered'",
        (("answered", "COUNT(*)"), ("handled_s", "SUM(handle_s)")),
    ),
}  # fmt: skip

_CONFIG = """
import os
SECRET_KEY = os.environ["SUPERSET_KEY"]
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
WTF_CSRF_ENABLED = TALISMAN_ENABLED = RATELIMIT_ENABLED = PREVENT_UNSAFE_DB_CONNECTIONS = False
ROW_LIMIT = SQL_MAX_ROW = 100_000
_CACHE = {{"CACHE_TYPE": "FileSystemCache", "CACHE_DIR": "{folder}/cache", "CACHE_DEFAULT_TIMEOUT": 86400}}
CACHE_CONFIG = DATA_CACHE_CONFIG = _CACHE
"""


class Superset:
    """A Superset that is served, with the facts of a file as its data sets."""

    def __init__(self, base: str):
        self.base, self.token = base, ""
        login = {"username": "admin", "password": "admin", "provider": "db", "refresh": False}
        self.token = self.post("/api/v1/security/login", login)["access_token"]
        self.tables: dict[str, int] = {}

    def post(self, path: str, body: Any) -> Any:
        head = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        asked = urllib.request.Request(self.base + path, json.dumps(body).encode(), head)
        with urllib.request.urlopen(asked, timeout=300) as answer:
            return json.load(answer)

    def know(self, file: Path, tables: set[str]) -> None:
        """Bring tables of a DuckDB file as data sets."""
        extra = json.dumps({"engine_params": {"connect_args": {"read_only": True}}})
        database = self.post(
            "/api/v1/database/", {"database_name": "city", "sqlalchemy_uri": f"duckdb:///{file}", "extra": extra}
        )["id"]
        for name in sorted(tables):
            told = {"database": database, "schema": "main", "table_name": name}
            self.tables[name] = self.post("/api/v1/dataset/", told)["id"]

    def chart(self, chart: Chart, begin: str, end: str, as_of: str, *, force: bool) -> list[dict[str, Any]]:
        """The rows of a chart."""
        query = {
            "columns": list(chart.columns),
            "metrics": [{"expressionType": "SQL", "sqlExpression": how, "label": name} for name, how in chart.metrics],
            "filters": [{"col": chart.day, "op": "TEMPORAL_RANGE", "val": f"{begin} : {end}"}],
            "extras": {"where": chart.where.format(as_of=as_of)},
            "row_limit": 100_000,
        }
        body = {"datasource": {"id": self.tables[chart.table], "type": "table"}, "force": force, "queries": [query],
                "result_format": "json", "result_type": "full"}  # fmt: skip
        (result,) = self.post("/api/v1/chart/data", body)["result"]
        assert force or result["is_cached"], "it was not kept"
        return list(result["data"])


@contextmanager
def served(command: Path, folder: Path) -> Iterator[Superset]:
    """A new Superset, until it is no longer needed."""
    (folder / "superset_config.py").write_text(_CONFIG.format(folder=folder), encoding="utf-8")
    told = {
        "SUPERSET_CONFIG_PATH": str(folder / "superset_config.py"), "SUPERSET_KEY": "bench" * 9,
        "SUPERSET_HOME": str(folder), "HOME": str(folder), "FLASK_APP": "superset",
        "PATH": f"{command.parent}:/usr/bin:/bin",
    }  # fmt: skip
    who = [
        "--username",
        "admin",
        "--password",
        "admin",
        "--firstname",
        "A",
        "--lastname",
        "B",
        "--email",
        "a@b.example",
    ]
    for words in (["db", "upgrade"], ["fab", "create-admin", *who], ["init"]):
        done = subprocess.run([command, *words], env=told, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"superset {words[0]}: {done.stderr[-2000:]}")
    serve = ["--workers", "2", "--worker-class", "gthread", "--threads", "8", "--timeout", "300", "--bind",
             f"127.0.0.1:{PORT}", "superset.app:create_app()"]  # fmt: skip
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([command.with_name("gunicorn"), *serve], env=told, stdout=log, stderr=log)
        try:
            found, until = None, time.monotonic() + 120
            while found is None:
                try:
                    found = Superset(f"http://127.0.0.1:{PORT}")
                except OSError:
                    if time.monotonic() > until or server.poll() is not None:
                        raise SystemExit((folder / "log").read_text(encoding="utf-8")[-2000:]) from None
                    time.sleep(0.5)
            yield found
        finally:
            server.terminate()
            server.wait()


def compare(settings: Settings, superset: Superset) -> None:
    """Print, chart by chart, what each takes."""
    services = Services(replace(settings, cache="off", query_seconds=600))
    app = create_app(replace(settings, cache="memory"))
    settle()
    browser = app.server.test_client()
    browser.get("/see-as/deputy-manager")
    as_of = f"{services.build().as_of:%Y-%m-%d %H:%M:%S}"

    def nothing_kept(what: Callable[[], Any]) -> Callable[[], Any]:
        def done() -> Any:
            for cache in app.server.extensions["cache"].values():
                cache.clear()
            return what()

        return done

    for label, search in SEARCHES.items():
        filters = Filters.from_search(search, services.clock(), DIMENSIONS)
        begin, end = (f"{one:%Y-%m-%d}" for one in (filters.period.from_on, filters.period.to_on))
        ratios: list[float] = []
        for name, chart in CHARTS.items():
            post = answers(app, chart.view, path_of(chart.view), search, only=chart.card)

            def theirs(force: bool = True, chart: Chart = chart, begin: str = begin, end: str = end) -> Any:
                return superset.chart(chart, begin, end, as_of, force=force)

            def question(chart: Chart = chart, filters: Filters = filters) -> Any:
                return services.ask(chart.query, filters, EVERYTHING)

            def card(post: dict[str, Any] = post) -> Any:
                return ask(browser, post).data

            rows, frame = theirs(), question().frame
            for metric, _ in chart.metrics:
                ours, other = int(frame[metric].sum()), int(sum(row[metric] or 0 for row in rows))
                assert ours == other, (name, metric, ours, other)
            assert chart.card.encode() in card()
            took = [median_ms(one) for one in (
                question, nothing_kept(card), card, theirs, lambda theirs=theirs: theirs(force=False)
            )]  # fmt: skip
            ratios.append(took[3] / took[1])
            print(
                f"{label:14} {name:34} question {took[0]:6.1f} ms   card {took[1]:6.1f} ms, kept {took[2]:5.2f}   "
                f"Superset {took[3]:7.1f} ms, kept {took[4]:6.1f}   {took[3] / took[0]:5.1f} x the question, "
                f"{took[3] / took[1]:5.1f} x the card, {took[4] / took[2]:5.0f} x kept", flush=True,
            )  # fmt: skip
        print(f"{label:14} median {statistics.median(ratios):.1f} x the card", flush=True)


def main() -> None:
    """Print a table."""
    words = words_of(__doc__)
    words.add_argument("--superset", type=Path, required=True, help="the command of an environment that has it")
    given = words.parse_args()
    if not given.superset.exists():
        raise SystemExit(f"There is no {given.superset}.")
    with tempfile.TemporaryDirectory(prefix="bench") as temporary, tempfile.TemporaryDirectory(prefix="ss") as folder:
        settings = build_city(given.folder or Path(temporary), given.millions, requests_per_minute=0)
        file = next((settings.data / "builds").glob("city-*.duckdb"))
        with served(given.superset.absolute(), Path(folder)) as superset:
            superset.know(file, {chart.table for chart in CHARTS.values()})
            compare(settings, superset)


if __name__ == "__main__":
    main()
