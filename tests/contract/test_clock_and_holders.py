"""Working time left of a promise, and who held a request when: worked out by hand, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime

import pandas as pd
import pytest
from sqlalchemy import select

from callbacks.panels import context_of
from dashboard.domain.filters import Filters, Period
from dashboard.domain.policy import Scope
from dashboard.identity import DEPUTY_MANAGER
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access.build import Build
from data_access.dimensions import DIMENSIONS, due_in
from data_access.engine import Warehouse
from data_access.measures.outcomes import paused_share, paused_time_share
from data_access.measures.requests import at_risk, backlog, due_soon
from data_access.schema import request, request_episode
from data_access.semantics import Answer, Query
from layouts.views import collect_views
from tests import screen
from tests.contract.test_build import CITY, at, write_dimensions

HOUR = 3600
# Monday 29 June 2026, 10:00 local time; the office is open from 8 to 17 on weekdays. A pothole is promised in one
# working day (9 hours), opened and paused as written in UTC, four hours ahead of local time.
NOW = at("2026-06-29 14:00")
OPEN = [
    # id             opened Fri 26 June 16:00 or else  pauses                                     left
    ("monday",       "2026-06-26 20:00", None,                                                    6 * HOUR),
    ("paused",       "2026-06-26 20:00", ("2026-06-29 12:00", "2026-06-29 16:00"),                8 * HOUR),
    ("weekend",      "2026-06-26 20:00", ("2026-06-27 12:00", "2026-06-28 16:00"),                6 * HOUR),
    ("on-hold",      "2026-06-26 20:00", ("2026-06-29 12:00", None),                              None),
    ("overdue",      "2026-06-25 13:00", None,                                                    -10 * HOUR),
    ("paused-later", "2026-06-25 13:00", ("2026-06-26 16:00", "2026-06-29 13:00"),                -4 * HOUR),
]  # fmt: skip


@pytest.fixture
def clocks(store: Settings) -> Iterator[Services]:
    rows = [{"request_id": name, "type_id": "PH", "opened_at": at(opened)} for name, opened, _, _ in OPEN]
    rows += [
        {"request_id": "closed", "type_id": "PH", "opened_at": at("2026-06-26 20:00"), "closed_at": NOW},
        {"request_id": "closed-paused", "type_id": "PH", "opened_at": at("2026-06-26 20:00"), "closed_at": NOW},
        {"request_id": "no-promise", "type_id": "Q", "opened_at": at("2026-06-26 20:00")},
        # 192 working hours, of which a day and an hour are left: less than a fifth
        {"request_id": "long", "type_id": "PH", "opened_at": at("2026-06-01 12:00"), "due_at": at("2026-06-30 15:00")},
    ]
    frame = pd.DataFrame(rows)
    frame["status"] = frame["closed_at"].map(lambda closed: "new" if pd.isna(closed) else "closed")
    with Build(store, CITY) as build:
        write_dimensions(build)
        build.write("request", frame.assign(src_system="crm", src_id=frame["request_id"]))
        pauses = [
            {"request_id": name, "start_at": at(pause[0]), "end_at": at(pause[1]) if pause[1] else None}
            for name, _, pause, _ in OPEN
            if pause
        ]
        pauses += [
            {"request_id": "closed-paused", "start_at": at("2026-06-29 11:00"), "end_at": at("2026-06-29 13:00")},
            {"request_id": "closed", "start_at": at("2026-06-27 12:00"), "end_at": at("2026-06-28 16:00")},
        ]
        build.write("request_pause", pd.DataFrame(pauses))
        build.publish(as_of=NOW)
    services = Services(store)
    yield services
    services.warehouse.close()


def test_the_working_time_left_of_a_promise(clocks: Services) -> None:
    rows = clocks.warehouse.frame(select(request)).set_index("request_id")
    for name, _, _, left in OPEN:
        found = rows.loc[name, "remaining_business_s"]
        assert pd.isna(found) if left is None else found == left, name
    assert rows.loc[["closed", "no-promise"], "remaining_business_s"].isna().all()
    assert rows.loc["long", "remaining_business_s"] == 10 * HOUR  # seven on Monday, three on Tuesday
    assert (rows["business_day_s"].drop("no-promise") == 9 * HOUR).all()


def test_what_falls_due_soon_and_what_is_at_risk(clocks: Services) -> None:
    end = Filters(Period(date(2026, 6, 29), date(2026, 6, 30)))
    answer = clocks.ask(Query((due_soon, at_risk)), end, Scope.everything())
    assert (answer.value(due_soon), answer.value(at_risk)) == (4, 4)  # the long one is at risk: a fifth is left
    # “closed” was closed on the day: at its end it is not open
    bands = clocks.ask(Query((due_soon,), by=(due_in,)), end, Scope.everything()).frame
    assert dict(bands.itertuples(index=False)) == {"today": 2, "1 working day": 1, "2 working days": 1}


def test_how_many_were_paused_and_how_long(clocks: Services) -> None:
    """Both were closed at 10 on Monday, three working hours after they came; one was paused from 7 to 9, an hour of
    which the office was open, the other on the weekend, which is no pause of a clock that rests.
    """
    end = Filters(Period(date(2026, 6, 29), date(2026, 6, 30)))
    answer = clocks.ask(Query((paused_share, paused_time_share)), end, Scope.everything())
    assert (answer.value("closed_paused"), answer.value("closed_with_clock")) == (1, 2)
    assert (answer.value("paused_s"), answer.value("stood_s")) == (HOUR, 6 * HOUR)
    view = next(one for one in collect_views() if one.name == "promises")
    card = screen.drawn(clocks, view, "paused", "?from=2026-06-29&to=2026-06-30")
    assert screen.said(card.sentence) == "50.0\xa0% of 2 requests closed had once been paused."
    wide, narrow = ([note["text"] for note in layout["annotations"]] for layout in
                    (card.figure["layout"], card.figure["narrow"]["layout"]))  # fmt: skip
    assert wide == ["paused", "of time", "n closed", "too few", "–", "2"]  # one department: no row for all of them
    assert narrow == ["paused", "too few"]
    assert card.figure["layout"]["yaxis"]["ticktext"] == ["Public Works"]
    assert screen.drawn(clocks, view, "paused", "?from=2026-06-25&to=2026-06-26").is_empty
    before = clocks.ask(Query((paused_share,)), end, Scope.everything(), at("2026-06-29 13:30"))
    assert before.value(paused_share) is None  # nothing had been closed


def test_departments_of_which_few_were_closed_are_left_out_and_a_chosen_one_is_told(clocks: Services) -> None:
    view = next(one for one in collect_views() if one.name == "promises")
    panel = next(one for one in view.panels if one.name == "paused")
    names = ["department", "paused_share", "closed_paused", "closed_with_clock", "paused_time_share"]
    frame = pd.DataFrame([("Parks", 0.1, 4, 40, 0.02), ("Parking", 0.3, 18, 60, 0.125), ("Few", 0.5, 1, 2, 0.5)],
                         columns=names)  # fmt: skip
    total = pd.DataFrame([(23 / 102, 23, 102, 0.0625)], columns=names[1:])
    answers = (Answer(Query(()), frame, NOW), Answer(Query(()), total, NOW), None)
    with acting_as(DEPUTY_MANAGER):
        context = context_of(panel, Filters.from_search("?period=all", clocks.clock(), DIMENSIONS), clocks)
    card = panel.draw(answers, context)
    assert card.figure["layout"]["yaxis"]["ticktext"] == ["Parking", "Parks", "<b>All departments</b>"]
    parking = [note["text"] for note in card.figure["layout"]["annotations"] if note.get("y") == 0]
    assert parking == ["30.0\xa0%", "12.50\xa0%", "60"]
    assert screen.said(card.sentence) == "22.5\xa0% of 102 requests closed had once been paused."
    assert "1 department with fewer than 20 left out" in screen.said(card.foot)
    chosen = panel.draw(answers, replace(context, selected=("Parks",)))
    assert screen.said(chosen.sentence) == "22.5\xa0% of 102 requests closed had once been paused; 10.0\xa0% in Parks."


def test_without_a_calendar_the_clock_never_rests(tmp_path) -> None:
    settings = Settings(data=tmp_path)
    row = {"request_id": "1", "type_id": "x", "status": "new", "opened_at": at("2026-06-27 14:00"),
           "due_at": at("2026-06-29 17:00")}  # fmt: skip
    with Build(settings, CITY) as build:
        build.write("request", pd.DataFrame([row]))
        build.publish(as_of=NOW)
    warehouse = Warehouse(settings)
    found = warehouse.frame(select(request.c.remaining_business_s, request.c.business_day_s)).iloc[0]
    warehouse.close()
    assert found.to_list() == [3 * HOUR, 24 * HOUR]


def turns(*rows: tuple) -> pd.DataFrame:
    names = ["request_id", "event_at", "kind", "from_value", "to_value"]
    frame = pd.DataFrame(rows, columns=names).assign(event_id=lambda made: made.index.astype(str))
    return frame.assign(event_at=pd.to_datetime(frame["event_at"]))


@pytest.fixture
def holders(store: Settings) -> Iterator[Services]:
    """Opened on 1 June at 12:00, closed on 20 June where closed; now with Streets."""
    names = ("never", "once", "twice", "back", "team", "after", "reopened", "wrong")
    frame = pd.DataFrame({"request_id": names, "type_id": "PH", "department_id": "ST", "team": "Crew"})
    frame["opened_at"] = at("2026-06-01 12:00")
    frame["closed_at"] = [at("2026-06-20 12:00") if name in ("once", "after", "reopened") else None for name in names]
    frame["status"] = frame["closed_at"].map(lambda closed: "new" if pd.isna(closed) else "closed")
    with Build(store, CITY) as build:
        build.write("department", pd.DataFrame({"department_id": ["ST", "PK", "WA"],
                                                "name": ["Streets", "Parks", "Water"]}))  # fmt: skip
        build.write("request", frame)
        events = turns(
            ("once", "2026-06-05 12:00", "transfer", "PK", "ST"),
            ("twice", "2026-06-05 12:00", "transfer", "PK", "Water"),
            ("twice", "2026-06-07 12:00", "transfer", "WA", "ST"),
            ("back", "2026-06-05 12:00", "transfer", "ST", "PK"),
            ("back", "2026-06-07 12:00", "transfer", "PK", "ST"),
            ("team", "2026-06-05 12:00", "transfer", "Crew North", "Crew South"),
            ("after", "2026-06-25 12:00", "transfer", "PK", "ST"),
            ("reopened", "2026-06-03 12:00", "close", None, None),
            ("reopened", "2026-06-04 12:00", "transfer", "PK", "ST"),
            ("reopened", "2026-06-05 12:00", "reopen", None, None),
            # the event says Parks, the request itself Streets: the request is right about today
            ("wrong", "2026-06-05 12:00", "transfer", "WA", "PK"),
        )
        build.write("request_event", events)
        build.publish(as_of=at("2026-06-30 12:00"))
    services = Services(store)
    yield services
    services.warehouse.close()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("never", ["1 Streets opened –"]),
        ("once", ["1 Parks opened 5 moved", "5 Streets moved 20 closed"]),
        ("twice", ["1 Parks opened 5 moved", "5 Water moved 7 moved", "7 Streets moved –"]),
        ("back", ["1 Streets opened 5 moved", "5 Parks moved 7 moved", "7 Streets moved –"]),
        ("team", ["1 Streets opened –"]),
        ("after", ["1 Parks opened 20 closed"]),
        ("reopened", ["1 Parks opened 3 closed", "5 Streets reopened 20 closed"]),
        ("wrong", ["1 Water opened 5 moved", "5 Streets moved –"]),
    ],
)
def test_each_stretch_belongs_to_the_department_that_held_it(holders: Services, name: str, expected: list) -> None:
    e = request_episode.c
    rows = holders.warehouse.frame(select(request_episode).where(e.request_id == name).order_by(e.seq))
    ends = [
        "–" if pd.isna(by) else f"{when.day} {by}" for by, when in zip(rows["ends_by"], rows["closed_at"], strict=True)
    ]
    told = zip(rows["opened_at"].dt.day, rows["department"], rows["starts_by"], ends, strict=True)
    assert [" ".join(map(str, row)) for row in told] == expected
    assert rows["seq"].to_list() == list(range(1, len(rows) + 1))
    assert (rows["first_opened_on"] == pd.Timestamp("2026-06-01")).all()
    # only of the department that has it now is it known which team that is
    assert (rows["team"].notna() == (rows["department"] == "Streets")).all()


def test_looking_back_a_request_is_still_with_whom_it_was(holders: Services) -> None:
    period = Filters(Period(date(2026, 6, 1), date(2026, 6, 7))).choose("department", ["Water"])
    # At noon of the 6th “twice” was with Water, as at the end of that day; “wrong” had been given away on the 5th.
    then = holders.ask(Query((backlog,)), period, Scope.everything(), datetime(2026, 6, 6, 16, 0))
    assert then.value(backlog) == 1
