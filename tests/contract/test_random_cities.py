"""Cities made by chance, asked through SQL and counted again in plain Python: the two always agree."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from dashboard.domain.filters import Filters, Period
from dashboard.domain.policy import Scope
from dashboard.services import Services
from data_access.build import Build
from data_access.dimensions import DIMENSIONS
from data_access.measures import CATALOGUE
from data_access.semantics import Query
from tests import city

ZONE = ZoneInfo(city.TZ)
DEPARTMENTS = pd.concat([city.DEPARTMENTS, pd.DataFrame({"department_id": ["parks"], "name": ["Parks"]})])
NAMES = dict(DEPARTMENTS.itertuples(index=False, name=None))
MEASURES = ("opened", "closed", "backlog", "overdue", "due", "kept", "opened_late", "opened_overdue", "opened_not_due")


def random_requests(seed: int, n: int = 400) -> list[dict]:
    chance = random.Random(seed)
    begin = datetime(2026, 1, 5, 5, tzinfo=UTC)
    rows = []
    for number in range(n):
        # many instants near midnight, and a spring night with 23 hours inside
        opened = begin + timedelta(days=chance.randrange(120), seconds=chance.choice([0, 1, 3600, 17999, 18000, 86399]))
        closed = opened + timedelta(seconds=chance.choice([0, 60, 86400, 86400 * 5, 86400 * 40, 86400 * 90]))
        due = opened + timedelta(days=chance.choice([1, 5, 30, 100]))
        rows.append(
            {
                "request_id": f"{seed}-{number}",
                "type_id": chance.choice(["inspection", "pothole", "graffiti"]),
                "source_district": chance.choice(["North", "South", None]),
                "channel": chance.choice(["phone", "web"]),
                "opened_at": opened,
                "closed_at": closed if chance.random() < 0.7 else None,
                "due_at": due if chance.random() < 0.8 else None,
            }
        )
    return rows


def service_over(store, rows: list[dict], as_of: datetime, events: list[dict] | None = None) -> Services:
    frame = pd.DataFrame(rows)
    for column in ("opened_at", "closed_at", "due_at"):
        frame[column] = pd.to_datetime(frame[column], utc=True).dt.tz_localize(None).astype("datetime64[us]")
    types = city.TYPES.set_index("type_id")["department_id"]
    held_now = frame["department_id"] if "department_id" in frame else frame["type_id"].map(types)
    frame = frame.assign(
        department_id=held_now,
        due_source="source",
        status=frame["closed_at"].map(lambda closed: "new" if pd.isna(closed) else "closed"),
        src_system="chance",
        src_id=frame["request_id"],
    )
    with Build(store, city.CITY) as build:
        build.write("department", DEPARTMENTS)
        build.write("service_type", city.TYPES)
        build.write("district", city.DISTRICTS)
        build.write("request", frame)
        if events:
            moments = pd.DataFrame(events)
            moments["event_at"] = moments["event_at"].dt.tz_convert("UTC").dt.tz_localize(None)
            build.write("request_event", moments.assign(event_id=[f"{n:06d}" for n in range(len(moments))]))
        build.publish(as_of=as_of.replace(tzinfo=None))
    return Services(store)


def counted(measure: str, row: dict, day: date, moment: date, as_of: datetime) -> bool:
    """Whether `row` counts in `measure` on `day`; standings at the end of it, which is midnight before `moment`."""

    def on(instant: datetime) -> date:
        return instant.astimezone(ZONE).date()

    opened, closed, due = row["opened_at"], row["closed_at"], row["due_at"]
    open_then = on(opened) < moment and (closed is None or on(closed) >= moment)
    match measure:
        case "opened":
            return on(opened) == day
        case "closed":
            return closed is not None and on(closed) == day
        case "backlog":
            return open_then
        case "overdue":
            return (
                open_then and due is not None and on(due) < moment and due < as_of and (closed is None or closed > due)
            )
        case "due":
            return due is not None and on(due) == day and due < as_of
        case "kept":
            return due is not None and on(due) == day and due < as_of and closed is not None and closed <= due
        case "opened_late":
            return on(opened) == day and due is not None and closed is not None and closed > due
        case "opened_overdue":
            return on(opened) == day and due is not None and closed is None and due < as_of
        case "opened_not_due":
            return on(opened) == day and due is not None and closed is None and due >= as_of
    raise AssertionError(measure)


@pytest.mark.parametrize("seed", [1, 2])
def test_sql_and_plain_python_count_the_same(store, seed):
    as_of = datetime(2026, 5, 20, 15, tzinfo=UTC)
    rows = [
        {**row, "closed_at": row["closed_at"] if row["closed_at"] and row["closed_at"] <= as_of else None}
        for row in random_requests(seed)
    ]
    services = service_over(store, rows, as_of)
    period = Period(date(2026, 2, 3), date(2026, 5, 11))
    days = [period.from_on + timedelta(days=n) for n in range(period.days)]
    try:
        for choices in ({}, {"channel": ("web",)}, {"district": ("North", "no district")}):
            chosen = [
                row for row in rows
                if row["channel"] in choices.get("channel", ("web", "phone"))
                and ("district" not in choices or (row["source_district"] or "no district") in choices["district"])
            ]  # fmt: skip
            filters = Filters(period)
            for name, values in choices.items():
                filters = filters.choose(name, values)
            query = Query(tuple(CATALOGUE[name] for name in MEASURES), (DIMENSIONS["district"],), "day")
            frame = services.ask(query, filters, Scope.everything()).frame
            for measure in MEASURES:
                expected = Counter(
                    (row["source_district"] or "no district", day)
                    for row in chosen for day in days
                    if counted(measure, row, day, day + timedelta(days=1), as_of)
                )  # fmt: skip
                got = {
                    (district, when.date()): n
                    for district, when, n in frame[["district", "day", measure]].itertuples(index=False) if n
                }  # fmt: skip
                assert got == dict(expected), (measure, choices)
    finally:
        services.warehouse.close()


# ── moved between departments ──


def moved_about(rows: list[dict], seed: int, as_of: datetime) -> tuple[list[dict], list[dict]]:
    """`rows` with the department that holds each now, reopenings and transfers, and the events that tell of them.

    `openings` are the stretches it stood open, `moves` pairs of an instant and the department that had it from then on,
    the first with its first opening.
    """
    chance = random.Random(seed)
    told, events = [], []
    for row in rows:
        opened, closed = row["opened_at"], row["closed_at"]
        openings = [(opened, closed)]
        if closed is not None and closed > opened and chance.random() < 0.3:
            again = closed + timedelta(days=chance.choice([0, 1, 9]), seconds=1)
            if again < as_of:
                ended = again + timedelta(days=chance.choice([0, 2, 20]), seconds=60)
                openings.append((again, ended if ended <= as_of else None))
                events += [
                    {"request_id": row["request_id"], "event_at": at, "kind": kind}
                    for at, kind in ((closed, "close"), (again, "reopen"))
                ]
        holder = chance.choice(list(NAMES))
        moves = [(opened, holder)]
        for days in sorted(chance.sample(range(1, 60), chance.choice([0, 0, 1, 2, 3]))):
            # to the second at which a request was opened some days on, so that some fall on midnight and on closings
            at = opened + timedelta(days=days)
            if at > as_of:
                break
            to = chance.choice(list(NAMES))
            written = chance.choice([to, NAMES[to]])  # some sources write the id, some the name
            events.append({"request_id": row["request_id"], "event_at": at, "kind": "transfer",
                           "from_value": holder, "to_value": written})  # fmt: skip
            holder = to
            moves.append((at, holder))
            if chance.random() < 0.3:
                events.append({"request_id": row["request_id"], "event_at": at, "kind": "transfer",
                               "from_value": "Crew North", "to_value": "Crew South"})  # fmt: skip
        told.append(
            {**row, "closed_at": openings[-1][1], "department_id": holder, "openings": openings, "moves": moves}
        )
    return told, events


def held(row: dict, moment: date) -> str | None:
    """The department with which `row` stands open at the midnight that begins `moment`."""

    def on(instant: datetime) -> date:
        return instant.astimezone(ZONE).date()

    if not any(on(begin) < moment and (end is None or on(end) >= moment) for begin, end in row["openings"]):
        return None
    # One that was closed at the very instant of a transfer or before is no longer moved.
    return NAMES[[name for at, name in row["moves"] if on(at) < moment][-1]]


@pytest.mark.parametrize("seed", [3, 4])
def test_what_moves_between_departments_adds_up_for_each_of_them(store, seed):
    as_of = datetime(2026, 5, 20, 15, tzinfo=UTC)
    rows = [
        {**row, "closed_at": row["closed_at"] if row["closed_at"] and row["closed_at"] <= as_of else None}
        for row in random_requests(seed)
    ]
    rows, events = moved_about(rows, seed, as_of)
    services = service_over(
        store, [{k: v for k, v in row.items() if k not in ("openings", "moves")} for row in rows], as_of, events
    )
    names = ("taken_in", "reopened", "moved_in", "moved_out", "closed", "backlog")
    try:
        for dimension in ("department", "service_type", "district"):
            query = Query(tuple(CATALOGUE[name] for name in names), (DIMENSIONS[dimension],), "day")
            days = services.ask(query, Filters(Period(date(2026, 1, 1), date(2026, 5, 21))), Scope.everything()).frame
            flow = days["taken_in"] + days["reopened"] + days["moved_in"] - days["moved_out"] - days["closed"]
            start = days.groupby(dimension)["backlog"].shift(fill_value=0)
            assert (start + flow == days["backlog"]).all(), dimension
            assert days["moved_in"].sum() == days["moved_out"].sum() > 100
            if dimension == "department":
                for moment in (date(2026, 2, 3), date(2026, 3, 9), date(2026, 4, 1), date(2026, 5, 21)):
                    at = days[days["day"] == pd.Timestamp(moment - timedelta(days=1))]
                    got = {name: n for name, n in at[["department", "backlog"]].itertuples(index=False) if n}
                    assert got == Counter(filter(None, (held(row, moment) for row in rows))), moment
            else:
                assert (days.groupby(dimension)["moved_in"].sum() == days.groupby(dimension)["moved_out"].sum()).all()
        whole = Query(tuple(CATALOGUE[name] for name in ("opened", "taken_in")))
        month = services.ask(whole, Filters(Period(date(2026, 2, 1), date(2026, 3, 1))), Scope.everything())
        assert month.value("opened") == month.value("taken_in")
    finally:
        services.warehouse.close()
