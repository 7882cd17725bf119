"""How fast the dashboard answers: ``python -m tests.bench.views [--millions 10] [--folder FOLDER]``.

In one run, on one city: every view under three filters, over HTTP in the process, first computed and then from what was
kept; the same questions as SQL on the facts alone; many users at once against the served dashboard; memory, start and
bytes on the wire. A table on the screen, and the same as JSON in ``bench-views.json``.
"""

from __future__ import annotations

import gzip
import http.cookiejar
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from dash import Dash

from callbacks.address import filters_in, permitted, place_at
from callbacks.panels import answers_to, asked_by, context_of
from dashboard.app import create_app
from dashboard.services import Services
from dashboard.serving import settle
from dashboard.settings import Settings
from data_access.ask import known_part, step_in
from data_access.compile import compile_query
from data_access.rollups import Held
from data_access.semantics import Query
from layouts.view import OnDays, asked_of
from layouts.views import collect_views
from tests.bench.city import build_city, words_of
from tests.client import ask
from tests.contract.test_access import answers

RUNS = 5
SEARCHES = {
    "ten years": "?period=all",
    "twelve months": "?period=last-12-months",
    "thirty days, one department": "?period=last-30&department=Vector+%26+Animal+Services",
}
VIEWS = {view.name: view for view in collect_views() if not view.within and view.name != "requests"}
SECONDS = 15
"""How long users ask in each round; they choose among five views of every department."""


def median_ms(what: Callable[[], Any]) -> float:
    """The median of a few runs; of what takes seconds, of three."""
    took: list[float] = []
    while len(took) < (RUNS if sum(took) < 2000 else 3):
        begun = time.perf_counter()
        what()
        took.append(1000 * (time.perf_counter() - begun))
    return statistics.median(took)


def path_of(name: str) -> str:
    return "/" if name == "overview" else f"/{name}"


def posts_of(app: Dash, name: str, search: str) -> list[dict[str, Any]]:
    """What a browser posts to refresh a view, one after the other: a post for each wave of its panels."""
    waves = sorted({panel.wave for panel in VIEWS[name].panels})
    return [answers(app, name, path_of(name), search, wave=wave) for wave in waves]


def raw_statements(services: Services, name: str, search: str) -> list[Any]:
    """What the cards ask that a view answers first, as SELECTs on the facts."""
    view, found = VIEWS[name], []
    filters = filters_in(search, services, view)
    place = place_at(path_of(name), view, filters)
    for panel in permitted(view.panels, services):
        if panel.wave:
            continue
        mine = asked_by(panel, filters, services, place)
        for at, item in enumerate(panel.queries):
            if isinstance(item, OnDays):
                before = answers_to(panel, filters, services, place)[:at]
                item = item.of(before, context_of(panel, filters, services, place))
            asked = item and asked_of(item, mine, services.clock()) if not hasattr(item, "question") else None
            if asked is None or not isinstance(asked[0], Query):
                continue
            query, during = asked
            period, _ = known_part(during.period, services.clock())
            every = step_in(query.every, period)
            asking = services._frame(during)
            frame = replace(asking, held=Held(per_day=asking.held.per_day))
            scope = services.scope(panel.needs)
            found += compile_query(replace(query, every=every), during.during(period), scope, frame)
    return [statement.select for statement in found]


def measure_views(settings: Settings, names: list[str]) -> list[dict[str, Any]]:
    """Each view under each filter: computed, kept, as SQL on the facts, and its bytes.

    What comes in later posts, because it takes long or need not be there in the first glance, is told apart.
    """
    app = create_app(replace(settings, cache="memory"))
    services = Services(replace(settings, cache="off", query_seconds=600))
    settle()  # as a process that serves does
    browser = app.server.test_client()
    browser.get("/see-as/deputy-manager")

    def refresh(posts: list[dict[str, Any]]) -> list[bytes]:
        return [ask(browser, post).data for post in posts]

    def computed(posts: list[dict[str, Any]]) -> None:
        for cache in app.server.extensions["cache"].values():
            cache.clear()
        refresh(posts)

    found = []
    for name in names:
        for label, search in SEARCHES.items():
            posts = posts_of(app, name, search)
            told = refresh(posts)  # once, so that what is remembered of a build is
            statements = raw_statements(services, name, search)

            def raw(statements=statements) -> None:
                with services.warehouse.reading(services.build().build_id) as reading:
                    for statement in statements:
                        reading.table(statement)

            raw()
            row: dict[str, Any] = {"view": name, "filter": label, "panels": len(VIEWS[name].panels)}
            row["computed_ms"] = median_ms(lambda posts=posts: computed(posts[:1]))
            row["later_ms"] = median_ms(lambda posts=posts: computed(posts[1:])) if posts[1:] else 0.0
            row["facts_ms"] = median_ms(raw)
            row["ratio"] = row["computed_ms"] / row["facts_ms"] if row["facts_ms"] else float("nan")
            row["kept_ms"] = median_ms(lambda posts=posts: refresh(posts))
            row["questions"] = len(statements)
            row["kB"] = sum(len(gzip.compress(one, 6)) for one in told) / 1000
            found.append(row)
            print(
                f"{name:20} {label:28} computed {row['computed_ms']:7.1f} ms   facts {row['facts_ms']:7.1f} ms   "
                f"later {row['later_ms']:6.1f} ms   ratio {row['ratio']:5.2f}   "
                f"kept {row['kept_ms']:5.2f} ms   {row['kB']:6.1f} kB", flush=True,
            )  # fmt: skip
    return found


class User:
    """Somebody who opens views, one after the other, with a filter of the own."""

    def __init__(self, base: str, views: list[list[dict[str, Any]]], seed: int):
        self.base, self.views, self.chance = base, views, random.Random(seed)
        jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        self.opener.open(f"{base}/see-as/deputy-manager").read()
        self.token = next(cookie.value for cookie in jar if cookie.name == "_csrf_token")

    def ask(self, posts: list[dict[str, Any]] | None = None) -> float:
        """Seconds that one refresh took, of a view of the own choice unless its posts are given."""
        bodies = [json.dumps(post).encode() for post in posts or self.chance.choice(self.views)]
        head = {"Content-Type": "application/json", "X-CSRFToken": self.token or "", "Accept-Encoding": "gzip"}
        begun = time.perf_counter()
        for body in bodies:
            asked = urllib.request.Request(f"{self.base}/_dash-update-component", body, head)
            told = self.opener.open(asked, timeout=60)
            told.read()
            if "Retry-After" in told.headers:
                raise OSError("busy")
        return time.perf_counter() - begun


def measure_load(settings: Settings, users: int, thinks_s: float, keeps: bool = True) -> dict[str, Any]:
    """So many users at once for a while: times, answers a second, errors and memory.

    The server begins with nothing kept; unless it `keeps` answers, it computes each anew.
    """
    app = create_app(replace(settings, cache="off"))
    services = Services(settings)
    searches = ["?period=last-12-months"] + [
        f"?period=last-12-months&department={one.replace(' ', '+').replace('&', '%26')}"
        for one in services.values("department")
    ]
    views = [
        posts_of(app, name, search)
        for name in ("overview", "demand", "promises", "backlog", "calls") for search in searches
    ]  # fmt: skip
    shutil.rmtree(settings.data / "cache", ignore_errors=True)  # each round begins with nothing kept
    port = 8399
    command = Path(sys.executable).with_name("dashboard311")
    with_data = [f"DASHBOARD311_DATA={settings.data}", "DASHBOARD311_REQUESTS_PER_MINUTE=0"]
    with_data += [] if keeps else ["DASHBOARD311_CACHE=off"]
    begun = time.perf_counter()
    server = subprocess.Popen(  # which may keep what it has compiled of itself, as everywhere
        ["env", "-u", "PYTHONDONTWRITEBYTECODE", *with_data, str(command), "serve", "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        first = None
        while first is None:
            try:
                first = User(f"http://127.0.0.1:{port}", views, 0)
            except OSError:
                time.sleep(0.05)
        first.ask(views[0])
        start_s = time.perf_counter() - begun
        took: list[float] = []
        errors: list[str] = []
        until = time.perf_counter() + SECONDS

        def work(seed: int) -> None:
            user = User(f"http://127.0.0.1:{port}", views, seed)
            while time.perf_counter() < until:
                if thinks_s:  # before the first as well: people who think do not begin at one signal
                    time.sleep(user.chance.uniform(0, 2 * thinks_s))
                try:
                    took.append(user.ask())
                except OSError as problem:
                    errors.append(str(problem))

        workers = [threading.Thread(target=work, args=(seed,)) for seed in range(1, users + 1)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
        ranked = sorted(took)
        return {
            "users": users, "thinks_s": thinks_s, "keeps": keeps, "refreshes": len(took), "per_s": len(took) / SECONDS,
            "p50_ms": 1000 * ranked[len(ranked) // 2], "p95_ms": 1000 * ranked[int(0.95 * len(ranked))],
            "errors": len(errors), "start_to_answer_s": start_s,
            "largest_process_MB": max(one.memory_info().rss for one in processes) / 1e6,
        }  # fmt: skip
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    """Print the figures, and write them as JSON."""
    words = words_of(__doc__)
    words.add_argument("--views", nargs="+", default=list(VIEWS), choices=VIEWS, help="default: all")
    given = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench") as temporary:
        folder = given.folder or Path(temporary)
        begun = time.perf_counter()
        settings = build_city(folder, given.millions, requests_per_minute=0)
        told: dict[str, Any] = {"build_s": time.perf_counter() - begun}
        info = Services(settings).build()
        print(f"{info.requests:,} requests, {info.contacts:,} contacts", flush=True)
        told |= {
            "requests": info.requests,
            "contacts": info.contacts,
            "views": measure_views(settings, given.views),
            "load": [],
        }
        for users, thinks_s, keeps in (
            (1, 0.0, True),
            (8, 0.0, True),
            (32, 0.0, True),
            (32, 0.0, False),
            (32, 2.5, True),
        ):
            told["load"].append(row := measure_load(settings, users, thinks_s, keeps))
            print("  ".join(f"{name} {value:,.1f}" for name, value in row.items()), flush=True)
    Path("bench-views.json").write_text(json.dumps(told, indent=1), "utf-8")


if __name__ == "__main__":
    main()
