"""How the time of a view grows with the city, what an import costs whoever looks meanwhile, and what PostgreSQL does.

``python -m tests.bench.growth [--millions 10] [--folder FOLDER]``: every view in two cities, the one with a tenth of
the other's requests, in turn and nothing kept; then one reader of the larger city, alone and while an export of a
million rows is imported into another folder. With ``--postgres URL``, of an empty database, the smaller city is put
there as well and asked the same. Exponents and ratios hold on any machine.
"""

from __future__ import annotations

import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from dashboard.app import create_app
from dashboard.settings import Settings
from tests.bench.city import build_city, words_of
from tests.bench.import_speed import make
from tests.bench.views import RUNS, SEARCHES, VIEWS, posts_of
from tests.client import ask

PERIODS = list(SEARCHES)[:2]
IDLE_S = 20.0
IMPORT = """
import sys
from pathlib import Path
from dashboard.settings import Settings
from data_access.importers.load import import_files
from data_access.importers.mapping import mappings_named
import_files(Settings(data=Path(sys.argv[1])), mappings_named("nyc"), Path(sys.argv[2]))
"""


class Reader:
    """Somebody who looks at the views of a city, each computed anew."""

    def __init__(self, settings: Settings):
        self.app = create_app(replace(settings, cache="off"))
        self.client: FlaskClient = self.app.server.test_client()
        self.client.get("/see-as/deputy-manager")

    def ms(self, name: str, search: str) -> float:
        """Milliseconds that one view takes."""
        posts = posts_of(self.app, name, search)
        begun = time.perf_counter()
        for post in posts:
            ask(self.client, post)
        return 1000 * (time.perf_counter() - begun)


def beside(one: Reader, other: Reader) -> list[dict[str, Any]]:
    """Each view for two readers, in turn: medians, how many times as long the other waits, and its decimal exponent."""
    found = []
    for name in VIEWS:
        for period in PERIODS:
            took: list[list[float]] = [[], []]
            for _ in range(RUNS + 1):  # the first is not counted: what is remembered of a build is remembered then
                for reader, into in zip((one, other), took, strict=True):
                    into.append(reader.ms(name, SEARCHES[period]))
            first, second = (statistics.median(each[1:]) for each in took)
            row: dict[str, Any] = {"view": name, "period": period, "ms": first, "other_ms": second}
            row |= {"ratio": second / first, "exponent": math.log10(second / first)}
            found.append(row)
            told = f"{first:6.0f} → {second:6.0f} ms   × {row['ratio']:.1f}   10^{row['exponent']:.2f}"
            print(f"{name:20} {period:14} {told}", flush=True)
    whole = sum(row["other_ms"] for row in found) / sum(row["ms"] for row in found)
    print(f"{'all of them':35} × {whole:.1f}   10^{math.log10(whole):.2f}", flush=True)
    return found


def p95(took: list[float]) -> float:
    """Nineteen in twenty are no longer than this."""
    return sorted(took)[int(0.95 * len(took))]


def while_importing(reader: Reader, folder: Path, rows: int) -> dict[str, Any]:
    """95th percentiles of a view's time, idle and during an import, and their ratio."""
    names = [name for name in VIEWS if name not in ("hotspots", "agents")]
    chance = random.Random(311)

    def look() -> float:
        return reader.ms(chance.choice(names), SEARCHES[PERIODS[1]])

    export = folder / "export.csv"
    make(export, rows)
    until = time.perf_counter() + IDLE_S
    idle = []
    while time.perf_counter() < until:
        idle.append(look())
    command = [sys.executable, "-c", IMPORT, str(folder / "imported"), str(export)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as importing:  # DuckDB draws how far it is
        busy = []
        while importing.poll() is None:
            busy.append(look())
    told = {"idle_p95_ms": p95(idle), "importing_p95_ms": p95(busy), "views": [len(idle), len(busy)]}
    told["ratio"] = told["importing_p95_ms"] / told["idle_p95_ms"]
    print(json.dumps(told), flush=True)
    return told


def main() -> None:
    """Print the figures, and write them as JSON."""
    words = words_of(__doc__)
    words.add_argument("--postgres", help="URL of an empty PostgreSQL database")
    given = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench") as temporary:
        place = Path(temporary)
        small = Reader(build_city(place / "small", given.millions / 10, requests_per_minute=0))
        large = Reader(build_city(given.folder or place / "large", given.millions, requests_per_minute=0))
        told = {"growth": beside(small, large), "import": while_importing(large, place, 1_000_000)}
        if given.postgres:
            there = {"database": given.postgres, "query_seconds": 60.0, "requests_per_minute": 0}
            told["postgres"] = beside(small, Reader(build_city(place / "there", given.millions / 10, **there)))
    Path("bench-growth.json").write_text(json.dumps(told, indent=1), "utf-8")


if __name__ == "__main__":
    main()
