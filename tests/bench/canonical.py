"""The canonical questions, asked of the dashboard, of the facts in DuckDB, and of pandas holding everything in memory.

``python -m tests.bench.canonical [--millions 10] [--folder FOLDER]``: in one run, in turn, for ten years and for twelve
months. Each is what one panel asks first. The dashboard is asked through its services, nothing kept: compiled, read,
merged and completed. pandas holds the columns that are needed, words as categories, and is asked in the plainest way.
What is counted must agree to the unit; times to close are left out of that, for pandas leaves open requests out.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
from sqlalchemy import select

from dashboard.domain.filters import Filters
from dashboard.domain.policy import Scope
from dashboard.services import Services
from data_access import schema
from data_access.compile import compile_query
from data_access.dimensions import (
    DIMENSIONS,
    HEXAGONS,
    age_band,
    agent,
    department,
    hour_of_week,
    service_type,
)
from data_access.measures.contacts import (
    answered,
    answered_or_abandoned,
    answered_quick,
    handled_s,
    offered,
    waited_s,
)
from data_access.measures.requests import backlog, closed, due, kept, opened, time_to_close
from data_access.rollups import Held
from data_access.semantics import Query
from tests.bench.city import build_city, words_of

RUNS = 5
SEARCHES = {"ten years": "?period=all", "twelve months": "?period=last-12-months"}
EVERYTHING = Scope.everything()
QUESTIONS = {
    "opened and closed by day": Query((opened, closed), every="day"),
    "backlog by day": Query((backlog,), every="day"),
    "promises by department and type": Query((due, kept), by=(department, service_type)),
    "time to close by type": Query((time_to_close,), by=(service_type,)),
    "backlog by age": Query((backlog,), by=(age_band,)),
    "calls by hour of the week": Query((offered,), by=(hour_of_week,)),
    "service level and times by day": Query(
        (answered_quick, answered_or_abandoned, waited_s, handled_s, answered), every="day"
    ),
    "calls by agent": Query((answered, handled_s), by=(agent,)),
    "hexagons": Query((opened,), by=(HEXAGONS[9],)),
}
_NEEDED = {
    "request": ("opened_on", "closed_on", "due_on", "due_at", "closed_at", "close_s", "department", "service_type",
                "h3_9", "is_info_only"),
    "request_episode": ("opened_on", "closed_on", "first_opened_on", "ends_by", "is_info_only"),
    "contact": ("arrived_on", "arrived_hour_of_week", "outcome", "channel", "in_open_hours", "wait_s", "handle_s",
                "agent_id"),
}  # fmt: skip
_QUEUED = ("answered", "abandoned", "callback", "voicemail", "overflow")


def in_memory(services: Services) -> dict[str, pd.DataFrame]:
    """The facts as frames, words as categories, without calls for information."""
    found = {}
    for name, needed in _NEEDED.items():
        table = schema.metadata.tables[name]
        rows = services.warehouse.table(select(*(table.c[one] for one in needed)))
        words = [one.name for one in rows.schema if pa.types.is_string(one.type)]
        for word in words:
            at = rows.schema.get_field_index(word)
            rows = rows.set_column(at, word, rows.column(at).dictionary_encode().unify_dictionaries())
        frame = rows.to_pandas(date_as_object=False)
        if "is_info_only" in frame:
            frame = frame[~frame["is_info_only"].fillna(False).astype(bool)].drop(columns="is_info_only")
        found[name] = frame
    return found


def asked_of_pandas(
    facts: dict[str, pd.DataFrame], begin: pd.Timestamp, end: pd.Timestamp, as_of: pd.Timestamp, within_s: int
) -> dict[str, Callable[[], Any]]:
    """The same questions in pandas' words, each a call that answers with what is counted."""
    r, e, c = facts["request"], facts["request_episode"], facts["contact"]

    def during(frame: pd.DataFrame, on: str) -> pd.DataFrame:
        return frame[(frame[on] >= begin) & (frame[on] < end)]

    def by_day() -> Any:
        closings = during(e, "closed_on")
        return (
            during(r, "opened_on").groupby("opened_on").size(),
            closings[closings["ends_by"] == "closed"].groupby("closed_on").size(),
        )

    def backlog_by_day() -> Any:
        stands = e[e["closed_on"].isna() | (e["closed_on"] >= e["opened_on"])]
        days = pd.date_range(begin, end - pd.Timedelta(days=1))
        starts = stands.groupby("opened_on").size().cumsum().reindex(days, method="ffill").fillna(0)
        ends = stands.groupby("closed_on").size().cumsum().reindex(days, method="ffill").fillna(0)
        return (starts - ends,)

    def promises() -> Any:
        mine = during(r, "due_on")
        mine = mine[mine["due_at"] < as_of]
        in_time = mine["closed_at"] <= mine["due_at"]
        return (in_time.groupby([mine["department"], mine["service_type"]], observed=True).agg(["size", "sum"])["sum"],)

    def to_close() -> Any:
        during(r, "opened_on").groupby("service_type", observed=True)["close_s"].quantile([0.5, 0.9])
        return ()

    def by_age() -> Any:
        stands = e[(e["opened_on"] < end) & (e["closed_on"].isna() | (e["closed_on"] >= end))]
        days = (end - stands["first_opened_on"]).dt.days
        return (pd.cut(days, [-np.inf, 2, 8, 31, 91, 366, np.inf], right=False).value_counts(),)

    def queued() -> pd.DataFrame:
        mine = during(c, "arrived_on")
        inside = mine["in_open_hours"].fillna(True).astype(bool)
        return mine[mine["outcome"].isin(_QUEUED) & (mine["channel"] == "phone") & inside]

    def by_hour() -> Any:
        return (queued().groupby("arrived_hour_of_week").size(),)

    def levels() -> Any:
        mine = queued()
        mine = mine[mine["outcome"].isin(["answered", "abandoned"])]
        taken = mine[mine["outcome"] == "answered"]
        quick = taken[taken["wait_s"] <= within_s].groupby("arrived_on").size()
        told = taken.groupby("arrived_on").agg(n=("wait_s", "size"), waited=("wait_s", "sum"), took=("handle_s", "sum"))
        return quick, mine.groupby("arrived_on").size(), told["n"]

    def agents() -> Any:
        mine = queued()
        mine = mine[mine["outcome"] == "answered"]
        return (mine.groupby("agent_id", observed=True).agg(n=("wait_s", "size"), took=("handle_s", "sum"))["n"],)

    def hexagons() -> Any:
        return (during(r, "opened_on").groupby("h3_9").size(),)

    asked = (by_day, backlog_by_day, promises, to_close, by_age, by_hour, levels, agents, hexagons)
    return dict(zip(QUESTIONS, asked, strict=True))


def compare(name: str, ours: pd.DataFrame, told: tuple[Any, ...]) -> None:
    """Hold the totals of both to each other. Raises AssertionError."""
    columns = {
        "opened and closed by day": ("opened", "closed"), "backlog by day": ("backlog",),
        "promises by department and type": ("kept",), "time to close by type": (), "backlog by age": ("backlog",),
        "calls by hour of the week": ("offered",),
        "service level and times by day": ("answered_quick", "answered_or_abandoned", "answered"),
        "calls by agent": ("answered",), "hexagons": ("opened",),
    }  # fmt: skip
    for column, counted in zip(columns[name], told, strict=True):
        mine = ours[column]
        if name == "hexagons":  # those without a place are a row of their own
            mine = mine[ours[HEXAGONS[9].name] != HEXAGONS[9].missing]
        assert int(mine.sum()) == int(counted.sum()), (name, column, mine.sum(), counted.sum())


def milliseconds(what: Callable[[], Any]) -> float:
    """What one call takes."""
    begun = time.perf_counter()
    what()
    return 1000 * (time.perf_counter() - begun)


def main() -> None:
    """Print a table."""
    words = words_of(__doc__)
    given = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench") as temporary:
        settings = build_city(given.folder or Path(temporary), given.millions, requests_per_minute=0)
        services = Services(replace(settings, cache="off", query_seconds=600))
        begun, before = time.perf_counter(), psutil.Process().memory_info().rss
        facts = in_memory(services)
        held = (psutil.Process().memory_info().rss - before) / 1e9
        print(f"pandas: {time.perf_counter() - begun:.0f} s to load, {held:.1f} GB in memory", flush=True)
        as_of, city = pd.Timestamp(services.build().as_of), services.city()
        for label, search in SEARCHES.items():
            filters = Filters.from_search(search, services.clock(), DIMENSIONS)
            period = filters.period
            begin, end = pd.Timestamp(period.from_on), pd.Timestamp(period.to_on)
            plain = asked_of_pandas(facts, begin, end, as_of, city.answer_within_s)
            sums = [0.0, 0.0, 0.0]
            for name, query in QUESTIONS.items():
                frame = services._frame(filters)
                raw = compile_query(query, filters, EVERYTHING, replace(frame, held=Held(per_day=frame.held.per_day)))

                def ours(query=query, filters=filters) -> Any:
                    return services.ask(query, filters, EVERYTHING)

                def facts_alone(raw=raw) -> None:
                    with services.warehouse.reading(services.build().build_id) as reading:
                        for statement in raw:
                            reading.table(statement.select)

                compare(name, ours().frame, plain[name]())
                # One after the other: what scans all facts leaves nothing of the sums in the database's memory.
                took = [
                    statistics.median(milliseconds(one) for _ in range(RUNS))
                    for one in (ours, facts_alone, plain[name])
                ]
                sums = [one + other for one, other in zip(sums, took, strict=True)]
                print(told_of(label, name, took), flush=True)
            print(told_of(label, "all", sums), flush=True)
    sys.stdout.flush()


def told_of(label: str, name: str, took: list[float]) -> str:
    """One line of the table."""
    ours, raw, plain = took
    return (
        f"{label:14} {name:34} dashboard {ours:8.1f} ms   facts {raw:8.1f} ms ({raw / ours:5.1f} x)   "
        f"pandas {plain:8.1f} ms ({plain / ours:6.1f} x)"
    )


if __name__ == "__main__":
    main()
