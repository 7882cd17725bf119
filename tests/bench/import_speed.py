"""How long an import takes, against plain typed `read_csv` with rejects, and against pandas, in the same run.

``python tests/bench/import_speed.py [--json FILE] [ROWS ...]`` makes New-York-like exports of 41 columns, one row in
200 damaged, by default of 0.2, 1 and 5 million rows, and prints a table; growth exponents are between one size and the
next. Each size is measured in a process of its own. Seconds of processor are told beside those of the clock, because
they hold on a busy machine too. pandas (`read_csv`, the times parsed, into a table) is measured at the smallest size
only, and taken to grow linearly. Then the next day's export is imported: some thousands of new requests, and as many
that were closed meanwhile.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

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


DAY_ROWS = 2_500


def make(path: Path, rows: int, first: int = 0, closed_before: int = 0) -> None:
    """Write the export: the requests from `first` to `rows`, of which those up to `closed_before` are all closed."""
    chance = random.Random(311)
    step_s = min(120, 5 * 365 * 86_400 // (closed_before or rows))  # five years at most: nothing lies in the future
    is_closed = f"(i % 9 > 0 OR i < {closed_before})"
    at = "strftime(TIMESTAMP '2020-01-01' + to_seconds({}), '%m/%d/%Y %I:%M:%S %p')"
    cells = {
        "Unique Key": "40000000 + i", "Created Date": at.format(f"i * {step_s}"), "Agency": "'A' || (i % 15)",
        "Closed Date": f"CASE WHEN {is_closed} THEN {at.format(f'i * {step_s} + 50 * (i % 90000)')} END",
        "Agency Name": "'Department ' || (i % 15)", "Complaint Type": "'Type ' || (i % 180)",
        "Descriptor": "'Descriptor of ' || (i % 900)", "Incident Address": "(i % 3989) || ' EAST ' || (i % 211)",
        "Status": f"CASE WHEN {is_closed} THEN 'Closed' ELSE 'Open' END", "Borough": "'BROOKLYN'",
        "Resolution Description": f"repeat('{TEXT}', 2)",
        "Resolution Action Updated Date": at.format(f"i * {step_s} + 50 * (i % 90000)"),
        "Community Board": "lpad((i % 18)::VARCHAR, 2, '0') || ' BROOKLYN'", "Open Data Channel Type": "'ONLINE'",
        "Latitude": "40.5 + (i * 7919 % 400000) / 1e6", "Longitude": "-74.2 + (i * 104729 % 500000) / 1e6",
        "Location": "'(' || (40.5 + (i * 7919 % 400000) / 1e6) || ', ' || (-74.2 + (i * 104729 % 500000) / 1e6) || ')'",
    }  # fmt: skip
    listed = ", ".join(f'{cells.get(name, chr(39) + "N/A" + chr(39))} AS "{name}"' for name in COLUMNS)
    whole = path.with_suffix(".whole")
    duckdb.sql(f"COPY (SELECT {listed} FROM range({first}, {rows}) t(i)) TO '{whole}' (HEADER, DELIMITER ',')")
    with whole.open("rb") as source, path.open("wb") as sink:
        sink.write(source.readline())
        for line in source:
            sink.write(line if chance.random() > 0.005 else line.replace(b",", b";", 3))
    whole.unlink()


@dataclass(frozen=True)
class Cost:
    """What something took: seconds on the clock, and of the processor."""

    clock: float
    processor: float


def cost(of: Callable[[], object]) -> Cost:
    """What a call takes."""
    clock, processor = time.perf_counter(), time.process_time()
    of()
    return Cost(time.perf_counter() - clock, time.process_time() - processor)


def plain(path: Path, folder: Path) -> None:
    """Typed `read_csv` with rejects into a table on disk."""
    columns = ", ".join(f"'{name}': '{TYPED.get(name, 'VARCHAR')}'" for name in COLUMNS)
    file = folder / "plain.duckdb"
    file.unlink(missing_ok=True)
    with duckdb.connect(str(file), config={"threads": "2"}) as to:
        to.execute(
            f"CREATE TABLE t AS SELECT * FROM read_csv('{path}', columns = {{{columns}}}, header = true, delim = ',', "
            "quote = '\"', auto_detect = false, timestampformat = '%m/%d/%Y %I:%M:%S %p', nullstr = 'N/A', "
            "store_rejects = true)"
        )


def through_pandas(path: Path, folder: Path) -> None:
    """What most would write: `pandas.read_csv`, the times parsed, and the frame into a table on disk."""
    frame = pd.read_csv(path, dtype=str, on_bad_lines="skip")
    for name, kind in TYPED.items():
        frame[name] = (
            pd.to_datetime(frame[name], format="%m/%d/%Y %I:%M:%S %p", errors="coerce")
            if kind == "TIMESTAMP"
            else pd.to_numeric(frame[name], errors="coerce")
        )
    with duckdb.connect(str(folder / "pandas.duckdb"), config={"threads": "2"}) as to:
        to.register("frame", frame)
        to.execute("CREATE TABLE t AS SELECT * FROM frame")


def measure(rows: int, with_pandas: bool) -> dict[str, Any]:
    """Make an export and import it; what it took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "export.csv"
        make(path, rows)
        begun, steps, refused = time.perf_counter(), {}, []

        def step(doing: str, count: int) -> None:
            said = doing.split(" ")[0] if doing.startswith("reading") else doing
            steps.setdefault(said, round(time.perf_counter() - begun, 2))

        def run() -> None:
            report = import_files(Settings(data=folder / "data"), mappings_named("nyc"), path, progress=step).report
            refused.append(report.refused)

        taken = cost(run)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # before others have theirs
        next_day = folder / "next_day.csv"
        make(next_day, rows + DAY_ROWS, rows - 9 * DAY_ROWS, closed_before=rows)
        day = cost(lambda: import_files(Settings(data=folder / "data"), mappings_named("nyc"), next_day))
        anchor = min((cost(lambda: plain(path, folder)) for _ in range(2)), key=lambda one: one.processor)
        found = {
            "rows": rows, "refused": refused[0], "plain": asdict(anchor), "import": asdict(taken),
            "ratio": {name: asdict(taken)[name] / asdict(anchor)[name] for name in asdict(taken)},
            "peak_gb": peak, "steps": steps, "day": asdict(day),
        }  # fmt: skip
        if with_pandas:
            found["pandas"] = asdict(cost(lambda: through_pandas(path, folder)))
        return found


def table(sizes: list[dict[str, Any]]) -> str:
    """The sizes as a table; processor seconds in brackets."""
    smallest = sizes[0]
    lines = ["      rows   plain s      import s    rows/s  x plain       pandas/import  growth  peak GB  next day s"]
    for before, one in zip([None, *sizes], sizes, strict=False):
        scale = one["rows"] / smallest["rows"]
        taken, anchor, ratio = one["import"], one["plain"], one["ratio"]
        pandas = [smallest["pandas"][name] * scale / taken[name] for name in ("clock", "processor")]
        grown = math.log(taken["processor"] / before["import"]["processor"]) if before else 0.0
        growth = f"{grown / math.log(one['rows'] / before['rows']):.2f}" if before else "-"
        lines.append(
            f"{one['rows']:>10,} {anchor['clock']:5.1f} ({anchor['processor']:.1f}) {taken['clock']:6.1f} "
            f"({taken['processor']:.1f}) {one['rows'] / taken['clock']:8,.0f} {ratio['clock']:5.1f} "
            f"({ratio['processor']:.1f}) {pandas[0]:8.1f} ({pandas[1]:.1f}) {growth:>7} {one['peak_gb']:7.2f} "
            f"{one['day']['clock']:6.1f} ({one['day']['processor']:.1f})"
        )
    return "\n".join(lines) + "\n"


def main(sizes: list[int], json_to: Path | None) -> None:
    """Measure every size in a process of its own, so that each has its own peak; print and write what was found."""
    found = []
    for size in sizes:
        asked = [sys.executable, __file__, "--one", str(size)] + ["--pandas"] * (size == sizes[0])
        said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
        found.append(json.loads(said.splitlines()[-1]))
    sys.stdout.write(table(found))
    if json_to:
        json_to.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, default=[200_000, 1_000_000, 5_000_000])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--pandas", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        sys.stdout.write(json.dumps(measure(given.rows[0], given.pandas)) + "\n")
    else:
        main(given.rows, given.json)
