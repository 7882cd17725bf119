"""How long an import takes, against plain typed `read_csv` with rejects on the same file in the same run.

``python tests/bench/import_speed.py [ROWS]`` makes a New-York-like export of 41 columns, one row in 200 damaged.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from dashboard.settings import Settings
from data_access.importers.load import import_files
from data_access.importers.mapping import mappings_named

COLUMNS = """Unique Key,Created Date,Closed Date,Agency,Agency Name,Complaint Type,Descriptor,Location Type,
Incident Zip,Incident Address,Street Name,Cross Street 1,Cross Street 2,Intersection Street 1,
Intersection Street 2,Address Type,City,Landmark,Facility Type,Status,Due Date,Resolution Description,
Resolution Action Updated Date,Community Board,BBL,Borough,X Coordinate (State Plane),
Y Coordinate (State Plane),Open Data Channel Type,Park Facility Name,Park Borough,Vehicle Type,
Taxi Company Borough,Taxi Pick Up Location,Bridge Highway Name,Bridge Highway Direction,Road Ramp,
Bridge Highway Segment,Latitude,Longitude,Location""".replace("\n", "").split(",")
TYPED = {"Unique Key": "BIGINT", "Created Date": "TIMESTAMP", "Closed Date": "TIMESTAMP", "Due Date": "TIMESTAMP",
         "Resolution Action Updated Date": "TIMESTAMP", "Latitude": "DOUBLE", "Longitude": "DOUBLE"}  # fmt: skip
TEXT = "The Department inspected this location and took the action that was needed. If the problem persists call 311. "


def make(path: Path, rows: int) -> None:
    """Write the export."""
    chance = random.Random(311)
    at = "strftime(TIMESTAMP '2020-01-01' + to_seconds({}), '%m/%d/%Y %I:%M:%S %p')"
    cells = {
        "Unique Key": "40000000 + i", "Created Date": at.format("i * 120"), "Agency": "'A' || (i % 15)",
        "Closed Date": f"CASE WHEN i % 9 > 0 THEN {at.format('i * 120 + 50 * (i % 90000)')} END",
        "Agency Name": "'Department ' || (i % 15)", "Complaint Type": "'Type ' || (i % 180)",
        "Descriptor": "'Descriptor of ' || (i % 900)", "Incident Address": "(i % 4000) || ' EAST ' || (i % 200)",
        "Status": "CASE WHEN i % 9 > 0 THEN 'Closed' ELSE 'Open' END", "Resolution Description": f"repeat('{TEXT}', 2)",
        "Resolution Action Updated Date": at.format("i * 120 + 50 * (i % 90000)"), "Borough": "'BROOKLYN'",
        "Community Board": "lpad((i % 18)::VARCHAR, 2, '0') || ' BROOKLYN'", "Open Data Channel Type": "'ONLINE'",
        "Latitude": "40.5 + (i * 7919 % 400000) / 1e6", "Longitude": "-74.2 + (i * 104729 % 500000) / 1e6",
        "Location": "'(' || (40.5 + (i * 7919 % 400000) / 1e6) || ', ' || (-74.2 + (i * 104729 % 500000) / 1e6) || ')'",
    }  # fmt: skip
    listed = ", ".join(f'{cells.get(name, chr(39) + "N/A" + chr(39))} AS "{name}"' for name in COLUMNS)
    whole = path.with_suffix(".whole")
    duckdb.sql(f"COPY (SELECT {listed} FROM range({rows}) t(i)) TO '{whole}' (HEADER, DELIMITER ',')")
    with whole.open("rb") as source, path.open("wb") as sink:
        sink.write(source.readline())
        for line in source:
            sink.write(line if chance.random() > 0.005 else line.replace(b",", b";", 3))
    whole.unlink()


def plain(path: Path) -> float:
    """Seconds that typed `read_csv` with rejects takes."""
    columns = ", ".join(f"'{name}': '{TYPED.get(name, 'VARCHAR')}'" for name in COLUMNS)
    with (
        tempfile.TemporaryDirectory() as folder,
        duckdb.connect(f"{folder}/plain.duckdb", config={"threads": "2"}) as to,
    ):
        begun = time.perf_counter()
        to.execute(
            f"CREATE TABLE t AS SELECT * FROM read_csv('{path}', columns = {{{columns}}}, header = true, delim = ',', "
            "quote = '\"', auto_detect = false, timestampformat = '%m/%d/%Y %I:%M:%S %p', nullstr = 'N/A', "
            "store_rejects = true)"
        )
        return time.perf_counter() - begun


def main(rows: int) -> None:
    """Print both times and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.csv"
        make(path, rows)
        anchor = min(plain(path) for _ in range(2))
        begun, steps = time.perf_counter(), {}

        def step(doing: str, count: int) -> None:
            steps.setdefault(doing.split(" ")[0] if doing.startswith("reading") else doing, time.perf_counter() - begun)

        report = import_files(Settings(data=Path(folder) / "data"), mappings_named("nyc"), path, progress=step).report
        taken = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    told = (
        f"{rows:,} rows, {report.refused:,} refused: plain {anchor:.2f} s, import {taken:.2f} s "
        f"({rows / taken:,.0f} rows a second), ratio {taken / anchor:.2f}, peak {peak:.2f} GB\n"
        f"{ {name: round(at, 2) for name, at in steps.items()} }"
    )
    sys.stdout.write(told + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
