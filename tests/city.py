"""A tiny city, drawn as a table, with answers worked out by hand.

Dates are local (America/New_York), times 10:00 unless written; `due` is the end of that day. The data's clock stands
at 30 June 2026, 23:59:59. Requests 1 to 10 are the vector of the measures reference (B-SLA) and belong to the
department *Vector*; the others hold one trap each.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from dashboard.services import Services
from dashboard.settings import Settings
from data_access.build import Build

TZ = "America/New_York"
AS_OF = datetime(2026, 6, 30, 23, 59, 59, tzinfo=ZoneInfo(TZ)).astimezone(ZoneInfo("UTC")).replace(tzinfo=None)

CITY = {
    "city_id": "tiny",
    "name": "Tinytown",
    "tz": TZ,
    "fiscal_year_start_month": 7,
    "currency": "USD",
    "service_level_variant": "offered",
    "answer_within_s": 30,
    "short_abandon_s": 6,
    "promise_target_share": 0.85,
    "service_level_target_share": 0.8,
    "refresh_hours": None,
    "is_made_up": True,
}

# id  type        district  channel  opened            due         closed            parent  trap
_REQUESTS = """
 1    inspection  North     phone    2026-06-01        2026-06-04  2026-06-03        -       in time
 2    inspection  North     phone    2026-06-02        2026-06-05  2026-06-09        -       late
 3    inspection  North     web      2026-06-10        2026-06-15  -                 -       open and overdue
 4    inspection  South     web      2026-06-28        2026-07-03  -                 -       open, not yet due
 5    inspection  South     phone    2026-06-25        2026-07-02  2026-06-29        -       in time, due in July
 6    inspection  South     phone    2026-05-20        2026-05-27  2026-06-02        -       late, due before June
 7    inspection  South     app      2026-05-25        2026-06-02  -                 -       open since May
 8    inspection  North     phone    2026-06-15        -           2026-06-16        -       no promise
 9    inspection  North     phone    2026-06-12        2026-06-18  2026-06-18        -       closed on the due day
10    inspection  South     web      2026-05-28        2026-06-04  2026-06-03        -       opened in May
21    pothole     North     phone    2026-05-04        2026-05-07  2026-05-20        -       closed 6, reopened 10 May
22    pothole     North     app      2026-05-05        2026-05-08  2026-05-06        21      duplicate of 21
23    pothole     North     app      2026-05-05        2026-05-08  2026-05-06        21      duplicate of 21
24    question    -         phone    2026-05-05        -           2026-05-05        -       information only
25    pothole     East      phone    2026-05-06        2026-05-09  2026-05-05        -       closed before opened
26    pothole     West      phone    2026-05-07T10:00  2026-05-10  2026-05-07T10:00  -       closed in the same second
27    graffiti    -         web      2026-03-08T01:30  2026-03-20  2026-03-09        -       the night of the lost hour
28    graffiti    -         web      2026-03-08T03:30  2026-03-20  2026-03-19        -       the hour after it
29    graffiti    Hill      phone    2025-11-01T23:59  2025-11-20  2025-11-10        -       a minute before midnight
30    graffiti    Lake      phone    2025-11-02T00:00  2025-11-20  2025-12-01        -       at midnight
31    graffiti    Lake      phone    2026-04-30T23:59  2026-05-20  -                 -       last minute of April
"""

TYPES = pd.DataFrame(
    [
        ("inspection", "Inspection", "Buildings", "vector", False),
        ("pothole", "Pothole", "Roads", "streets", False),
        ("graffiti", "Graffiti", "Roads", "streets", False),
        ("question", "Question", "Information", "streets", True),
    ],
    columns=["type_id", "name", "category", "department_id", "is_info_only"],
).assign(is_internal=False)

DEPARTMENTS = pd.DataFrame({"department_id": ["vector", "streets"], "name": ["Vector", "Streets"]})

DISTRICTS = pd.DataFrame({"district_id": ["North", "South", "East", "West", "Hill", "Lake"]}).assign(
    name=lambda frame: frame["district_id"], kind="council"
)


def utc(local: pd.Series) -> pd.Series:
    """Local civil times as stored instants."""
    zoned = pd.to_datetime(local).dt.tz_localize(TZ, ambiguous=True, nonexistent="shift_forward")
    return zoned.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[us]")


def requests() -> pd.DataFrame:
    """The table above as the source columns of `request`."""
    names = [
        "request_id",
        "type_id",
        "source_district",
        "channel",
        "opened_at",
        "due_at",
        "closed_at",
        "parent_request_id",
    ]
    table = pd.read_csv(
        io.StringIO(_REQUESTS), sep=r"\s{2,}", engine="python", header=None, names=[*names, "trap"], dtype=str,
        skipinitialspace=True,
    )  # fmt: skip
    table = table.apply(lambda column: column.str.strip()).replace("-", None)

    def instant(text: pd.Series, hour: str) -> pd.Series:
        return utc(text.where(text.str.len().fillna(0) > 10, text + hour))

    return table.drop(columns="trap").assign(
        opened_at=instant(table["opened_at"], "T10:00"),
        closed_at=instant(table["closed_at"], "T12:00"),
        due_at=instant(table["due_at"], "T23:59:59.999999"),
        due_source=table["due_at"].map(lambda due: "none" if pd.isna(due) else "source"),
        department_id=table["type_id"].map(TYPES.set_index("type_id")["department_id"]),
        status=table["closed_at"].map(lambda closed: "new" if pd.isna(closed) else "closed"),
        src_system="tiny",
        src_id=table["request_id"],
    )


def events() -> pd.DataFrame:
    """Request 21 was closed on 6 May, reopened on the 10th and closed again on the 20th."""
    rows = [
        ("21-1", "close", "2026-05-06T12:00"),
        ("21-2", "reopen", "2026-05-10T09:00"),
        ("21-3", "close", "2026-05-20T12:00"),
    ]
    frame = pd.DataFrame(rows, columns=["event_id", "kind", "event_at"])
    return frame.assign(request_id="21", event_at=utc(frame["event_at"]))


def city_events() -> pd.DataFrame:
    """It hailed on 20 May 2026."""
    hail = pd.DataFrame({"event_id": ["hail"], "kind": ["storm"], "name": ["Hail"]})
    return hail.assign(start_at=utc(pd.Series(["2026-05-20T14:00"])), end_at=utc(pd.Series(["2026-05-20T16:00"])))


def contacts() -> pd.DataFrame:
    """The call centre of measures A6 (ICMI): 1,000 answered and 60 abandoned calls on 3 June, and three others.

    860 answered and 20 abandoned within the goal of 30 s, 10 of those within the first seconds.
    """
    waits = [("answered", 10)] * 860 + [("answered", 90)] * 140
    waits += [("abandoned", 5)] * 10 + [("abandoned", 20)] * 10 + [("abandoned", 60)] * 40
    frame = pd.DataFrame(waits, columns=["outcome", "wait_s"])
    frame = frame.assign(
        contact_id=[f"c{n}" for n in range(len(frame))],
        channel="phone",
        queue="General",
        arrived_at=utc(pd.Series(["2026-06-03T09:30"] * len(frame))),
        in_open_hours=True,
        talk_s=frame["outcome"].map({"answered": 120.0}),
        hold_s=frame["outcome"].map({"answered": 20.0}),
        wrap_s=frame["outcome"].map({"answered": 40.0}),
        created_request=False,
    )
    # The first two callers ask after a request: the one after a pothole's, the other after none that is known.
    frame["reason"] = ["Where is my request?"] * 2 + ["Bills and payments"] * 998 + [None] * 60
    frame["request_id"] = ["21"] + [None] * (len(frame) - 1)
    others = pd.DataFrame(
        {
            "contact_id": ["night", "web", "transferred"],
            "outcome": ["abandoned", "self_service", "answered"],
            "channel": ["phone", "web", "phone"],
            "queue": ["General", None, "General"],
            "wait_s": [40.0, None, 10.0],
            "talk_s": [None, None, 60.0],
            "hold_s": [None, None, 0.0],
            "wrap_s": [None, None, 0.0],
            # after hours; on the web; the second leg of call c0, a day later so that it stands apart
            "arrived_at": utc(pd.Series(["2026-06-03T23:00", "2026-06-03T12:00", "2026-06-04T09:31"])),
            "in_open_hours": [False, None, True],
            "parent_contact_id": [None, None, "c0"],
            "created_request": [False, True, False],
        }
    )
    both = pd.concat([frame, others], ignore_index=True)
    return both.assign(src_system="tiny", src_id=both["contact_id"])


def published_calls() -> pd.DataFrame:
    """What a telephone system told of three days of June, and of half an hour of one of them, which counts instead."""
    return pd.DataFrame(
        [
            ("p1", "2026-06-01", "day", 120, 100, 15, 40.0, 0.62),
            ("p2", "2026-06-02", "day", 80, 78, 2, 10.0, 0.97),
            ("p3", "2026-06-03", "day", 500, 400, 90, 90.0, 0.30),
            ("p4", "2026-06-03T09:00", "half_hour", 40, 36, 4, 25.0, 0.81),
        ],
        columns=["interval_id", "start_at", "grain", "offered", "answered", "abandoned", "average_wait_s",
                 "service_level_share"],
    ).assign(
        start_at=lambda frame: utc(pd.to_datetime(frame["start_at"], format="ISO8601")), channel="phone", queue="main",
    )  # fmt: skip


def write(build, **points: float) -> None:
    """Put the tiny city into an open build; its requests lie nowhere, or all at one point (`lat`, `lon`)."""
    build.write("department", DEPARTMENTS)
    build.write("service_type", TYPES)
    build.write("district", DISTRICTS)
    build.write("request", requests().assign(**points))
    build.write("request_event", events())
    build.write("city_event", city_events())
    build.write("contact", contacts())
    build.write("contact_interval", published_calls())


@contextmanager
def in_service(
    settings: Settings,
    write: Callable[[Build], None],
    as_of: datetime = AS_OF,
    pays_by: float | None = None,
    **told: Any,
) -> Iterator[Services]:
    """Services over what `write` puts into a build; of the city is `told` something else than of the tiny one.

    With `pays_by` 0 the build holds every sum and copy, as those of large cities do.
    """
    with Build(settings, CITY | told, pays_by=pays_by) as build:
        write(build)
        build.publish(as_of=as_of)
    services = Services(settings)
    yield services
    services.warehouse.close()


@contextmanager
def served(settings: Settings, **more: pd.DataFrame) -> Iterator[Services]:
    """Services over the tiny city, and more rows of some tables."""

    def write_all(build: Build) -> None:
        write(build)
        for name, rows in more.items():
            build.write(name, rows)

    with in_service(settings, write_all) as services:
        yield services
