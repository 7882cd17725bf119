"""How long the map and the list of Hotspots take in a big city: ``python -m tests.bench.hotspots``.

The demo city's requests, repeated until there are so many (10 million unless told otherwise) over ten years, in a file
of their own. Told in one run: the whole question, its methods alone, and what counting the same rows costs in SQL.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np

from dashboard.domain.filters import Filters
from dashboard.domain.hotspots import history, standing, windows
from dashboard.domain.neighbours import Neighbours
from dashboard.domain.policy import Scope
from dashboard.services import Services
from dashboard.settings import Settings
from data_access.build import Build
from data_access.demo_city import AS_OF, CITY, demo_tables
from data_access.dimensions import DIMENSIONS
from data_access.engine import read_pointer
from data_access.hotspots import FoundPlaces, Hotspots
from data_access.measures.requests import opened

RUNS = 7
SEARCHES = {"ninety days": "", "twelve months": "period=last-12-months&"}
COUNTED = (
    "SELECT h3_9, count(*) FROM request WHERE service_type = 'Rats and vermin' AND opened_on >= ? AND opened_on < ? "
    "GROUP BY 1"
)
SIDE = 71


def enlarged(folder: Path, millions: float) -> Settings:
    """A city of so many million requests over ten years, made of a smaller one."""
    settings = Settings(data=folder, cache="off")
    with Build(settings, CITY) as build:
        for table, frame in demo_tables(scale=0.5, years=10):
            if table not in ("contact", "agent_state", "agent_shift"):
                build.write(table, frame)
        build.publish(as_of=AS_OF)
    pointer = read_pointer(folder / "builds")
    assert pointer is not None
    with duckdb.connect(str(folder / "builds" / pointer["file"])) as connection:
        (n,) = connection.execute("SELECT count(*) FROM request").fetchone() or (1,)
        times = max(round(millions * 1e6 / n), 1)
        connection.execute(
            "CREATE TABLE bigger AS SELECT * REPLACE (request_id || '-' || copy AS request_id) "
            "FROM request, range(?) copies(copy) ORDER BY opened_at, request_id",
            [times],
        )
        connection.execute("DROP TABLE request")
        connection.execute("ALTER TABLE bigger RENAME TO request")
    print(f"{n * times:,} requests")
    return settings


def median_ms(what: Callable[[], object]) -> float:
    """The median of a few runs, in milliseconds."""
    took = []
    for _ in range(RUNS):
        start = time.perf_counter()
        what()
        took.append(1000 * (time.perf_counter() - start))
    return round(float(np.median(took)), 1)


def measured(services: Services, search: str) -> dict[str, float]:
    """One picture: the whole question, its methods, and the counting alone."""
    filters = Filters.from_search(f"?{search}service_type=Rats+and+vermin", services.clock(), DIMENSIONS)
    question = Hotspots(opened)

    def asked() -> FoundPlaces:
        build_id, frame = services.build().build_id, services._frame(filters)
        found = services._analyses_in(build_id, question, filters, Scope.everything(), frozenset(), frame)  # not kept
        assert isinstance(found, FoundPlaces)
        return found

    found = asked()
    whole = windows(found.along.counts[:, : len(found.along.steps) - found.cut.period.is_partial], found.cut.window)
    people = found.ground.residents
    with services.warehouse.reading(services.build().build_id) as reading:
        driver = reading.connection.connection.driver_connection
        days = [filters.period.from_on, filters.period.to_on]
        return {
            "question_ms": median_ms(asked),
            "methods_ms": median_ms(
                lambda: (standing(found.now.n, found.ring, people), history(whole, found.ring, people))
            ),
            "plain_sql_ms": median_ms(lambda: driver.execute(COUNTED, days).fetchall()),
            "counted": found.total,
        }


def lattice_ms() -> float:
    """The test of a period in 5,041 places."""
    steps = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, -1), (-1, 1))
    near = [
        [(i + a) * SIDE + j + b for a, b in steps if 0 <= i + a < SIDE and 0 <= j + b < SIDE]
        for i in range(SIDE)
        for j in range(SIDE)
    ]
    counts = np.random.default_rng(1).poisson(2.0, SIDE * SIDE)
    lattice, people = Neighbours.of(near), np.full(SIDE * SIDE, 400.0)
    return median_ms(lambda: standing(counts, lattice, people))


def main() -> None:
    """Print the figures, a line each, and the same as JSON."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--millions", type=float, default=10)
    folder = Path(tempfile.mkdtemp(prefix="bench"))
    try:
        services = Services(enlarged(folder, words.parse_args().millions))
        told: dict[str, dict[str, float]] = {name: measured(services, search) for name, search in SEARCHES.items()}
        told[f"{SIDE * SIDE:,} places"] = {"methods_ms": lattice_ms()}
        for name, row in told.items():
            print(f"{name:>14}  " + "  ".join(f"{key} {value:,.0f}" for key, value in row.items()))
        print(json.dumps(told))
        services.warehouse.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
