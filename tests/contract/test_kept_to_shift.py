"""Adherence and conformance, worked out by hand on a few agents: what shifts schedule and states tell, day by day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import pandas as pd
import pytest
from sqlalchemy import select

from dashboard.domain.errors import NotPermitted
from dashboard.domain.filters import Filters, Period
from dashboard.domain.policy import Permission, Scope, Viewer, scope_of
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access import schema
from data_access.build import Build
from data_access.dimensions import DIMENSIONS
from data_access.measures import CATALOGUE
from data_access.semantics import Query
from layouts.views.agents import FEWEST_DAYS, VIEW
from tests import city, screen

AS_OF = datetime(2026, 6, 30, 16)  # UTC; in the city it is noon
JUNE = Period(date(2026, 6, 1), date(2026, 7, 1))
H = 3600

# agent, day, from, to (local), hours paid; 24:00 and more are hours of the next day
_SHIFTS = (
    ("late", "06-02", "08:00", "16:30", 8.0),
    ("stays", "06-02", "08:00", "12:00", 4.0),
    ("unpaid", "06-02", "08:00", "12:00", None),  # nobody says how long the meal is
    ("absent", "06-02", "08:00", "16:30", 8.0),
    ("off", "06-02", "08:00", "12:00", 4.0),
    ("wrong", "06-02", "08:00", "12:00", 4.0),
    ("night", "06-02", "22:00", "30:00", 8.0),
    ("split", "06-02", "08:00", "10:00", 2.0),
    ("split", "06-02", "14:00", "16:00", 2.0),
    ("odd", "06-02", "08:00", "12:00", 5.0),  # more paid than it lasts: all of it is scheduled
    ("long", "06-02", "08:00", "80:00", 8.0),  # never ended
    ("late", "06-30", "08:00", "16:00", 8.0),  # still runs
    ("late", "05-31", "08:00", "16:00", 8.0),  # no state on that day
)
# agent, day, from, to, state
_STATES = (
    ("nobody", "05-30", "15:00", "15:30", "available"),  # the first state there is; no shift
    ("late", "05-30", "15:30", "16:00", "available"),
    ("late", "06-02", "08:20", "12:00", "available"),
    ("late", "06-02", "12:00", "12:45", "meal"),
    ("late", "06-02", "12:45", "13:00", "break"),  # paid, as short breaks are
    ("late", "06-02", "13:00", "16:30", "talk"),
    ("stays", "06-02", "07:30", "12:30", "available"),
    ("unpaid", "06-02", "08:00", "10:00", "talk"),
    ("unpaid", "06-02", "10:00", "10:30", "meal"),
    ("unpaid", "06-02", "10:30", "11:45", "wrap"),
    ("off", "06-02", "08:00", "12:00", "offline"),
    ("wrong", "06-02", "13:00", "16:00", "hold"),
    ("night", "06-02", "22:00", "26:00", "talk"),
    ("night", "06-02", "26:00", "30:30", "available"),
    ("split", "06-02", "08:00", "09:30", "training"),
    ("split", "06-02", "13:30", "16:30", "meeting"),
    ("odd", "06-02", "08:00", "12:00", "available"),
    ("long", "06-02", "08:00", "12:00", "available"),
    ("late", "06-30", "08:00", "12:00", "available"),
)
# agent: scheduled, adhered, worked, in hours
_WANTED = {
    "late": (8, 7 + 25 / 60, 7 + 25 / 60),  # twenty minutes late, the meal a quarter of an hour too long
    "stays": (4, 4, 5),  # staying on is worked, not adhered
    "unpaid": (4, 3.75, 3.75),
    "off": (4, 0, 0),
    "wrong": (4, 0, 3),
    "night": (8, 8, 8.5),
    "split": (4, 3.5, 4.5),
    "odd": (4, 4, 4),
}


def at(day: str, hour: str) -> datetime:
    """An instant in UTC from the clock in the city, four hours behind it."""
    hours, minutes = map(int, hour.split(":"))
    return datetime.fromisoformat(f"2026-{day}") + pd.Timedelta(hours=hours + 4, minutes=minutes)


def agents() -> pd.DataFrame:
    names = sorted({one[0] for one in (*_SHIFTS, *_STATES)})
    return pd.DataFrame({"agent_id": names, "team": ["Heron" if one < "o" else "Wren" for one in names]})


def shifts() -> pd.DataFrame:
    rows = [
        (f"s{n}", one, at(day, begin), at(day, end), paid and paid * H)
        for n, (one, day, begin, end, paid) in enumerate(_SHIFTS)
    ]
    return pd.DataFrame(rows, columns=["shift_id", "agent_id", "start_at", "end_at", "paid_s"])


def states() -> pd.DataFrame:
    rows = [(one, at(day, begin), at(day, end), state) for one, day, begin, end, state in _STATES]
    return pd.DataFrame(rows, columns=["agent_id", "start_at", "end_at", "state"])


def write(build: Build) -> None:
    build.write("agent", agents())
    build.write("agent_shift", shifts())
    build.write("agent_state", states())


@pytest.fixture(scope="module")
def floor(blank: Settings) -> Iterator[Services]:
    """Services over the shifts above, on each engine."""
    with city.in_service(blank, write, AS_OF, city_id="shifts") as services:
        yield services


def ask(services, *names: str, by: tuple[str, ...] = (), as_of: datetime | None = None):
    query = Query(tuple(CATALOGUE[name] for name in names), tuple(DIMENSIONS[name] for name in by))
    return services.ask(query, Filters(JUNE), Scope.everything(), as_of)


def test_each_day_holds_what_was_scheduled_kept_and_worked(floor):
    d = schema.agent_day.c
    rows = floor.warehouse.rows(select(d.agent_id, d.day_on, d.scheduled_s, d.adhered_s, d.worked_s))
    assert {one: day for one, day, *_ in rows} == dict.fromkeys(_WANTED, date(2026, 6, 2))
    hours = {one: tuple(seconds / H for seconds in told) for one, _, *told in rows}
    assert hours == {one: pytest.approx(told) for one, told in _WANTED.items()}


def test_shares_are_sums_over_sums_and_adherence_is_never_more_than_all(floor):
    scheduled, adhered, worked = (sum(column) for column in zip(*_WANTED.values(), strict=True))
    answer = ask(floor, "adherence", "conformance", "shift_days")
    assert answer.value("adherence") == pytest.approx(adhered / scheduled)
    assert answer.value("conformance") == pytest.approx(worked / scheduled)
    assert answer.value("shift_days") == len(_WANTED)
    by_agent = ask(floor, "adherence", "conformance", by=("agent",)).frame.set_index("agent")
    assert by_agent["adherence"].max() == 1.0 and by_agent.loc["stays", "conformance"] == 1.25
    teams = ask(floor, "adherence", by=("team",)).frame.set_index("team")
    assert teams["scheduled_h"].to_dict() == {"Heron": 16, "Wren": 24}


def test_a_shift_is_told_once_it_is_over(floor):
    before = ask(floor, "shift_days", by=("agent",), as_of=at("06-02", "14:00")).frame
    told = dict(zip(before["agent"], before["shift_days"], strict=True))
    assert {one for one, n in told.items() if n} == {"stays", "unpaid", "off", "wrong", "odd"}


def test_nothing_is_told_without_states_or_without_shifts(tmp_path):
    for name, rows in (("agent_shift", shifts()), ("agent_state", states())):

        def put(build: Build, name=name, rows=rows) -> None:
            build.write("agent", agents())
            build.write(name, rows)

        with city.in_service(Settings(data=tmp_path / name, cache="off"), put, AS_OF) as services:
            assert ask(services, "adherence").value("adherence") is None
            drawing = screen.drawn(services, VIEW, "adherence")
            assert drawing.is_empty


def test_who_may_not_see_agents_may_not_ask(floor):
    asked = Query((CATALOGUE["adherence"],))
    for viewer in (Viewer("C", "council member", district="North"), Viewer("D", "department head", department="S")):
        with pytest.raises(NotPermitted):
            scope_of(viewer, Permission.READ_AGENT_SPREAD)
        with pytest.raises(NotPermitted):
            floor.ask(asked, Filters(JUNE), scope_of(viewer, Permission.READ_REQUESTS))
    assert all(panel.needs is Permission.READ_AGENT_SPREAD for panel in VIEW.panels)


# ── on the screen ──


def many(days: int = 12) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Agents a0 to a7 on some days of June, each ten minutes later than the one before; a7 on two days only."""
    on, was = [], []
    for number in range(8):
        for day in range(1, (2 if number == 7 else days) + 1):
            begin, end = at(f"06-{day:02d}", "08:00"), at(f"06-{day:02d}", "16:00")
            on.append((f"{number}-{day}", f"a{number}", begin, end, 8 * H))
            was.append((f"a{number}", begin + pd.Timedelta(minutes=10 * number), end, "available"))
    was.append(("a0", at("05-31", "08:00"), at("05-31", "08:10"), "available"))
    shift = pd.DataFrame(on, columns=["shift_id", "agent_id", "start_at", "end_at", "paid_s"])
    return shift, pd.DataFrame(was, columns=["agent_id", "start_at", "end_at", "state"])


@pytest.fixture(scope="module")
def larger(tmp_path_factory) -> Iterator[Services]:
    def put(build: Build) -> None:
        names = [f"a{number}" for number in range(8)]
        teams = ["Heron"] * 2 + ["Wren"] * 6
        build.write("agent", pd.DataFrame({"agent_id": names, "team": teams, "name": [f"Name {n}" for n in names]}))
        on, was = many()
        build.write("agent_shift", on)
        build.write("agent_state", was)

    settings = Settings(data=tmp_path_factory.mktemp("larger"), cache="off")
    with city.in_service(settings, put, AS_OF, city_id="larger") as services:
        yield services


def test_a_supervisor_reads_the_own_team_by_name_and_the_others_as_a_spread(larger):
    viewer = Viewer("S", "supervisor", team="Heron")
    drawing = screen.drawn(larger, VIEW, "adherence", viewer=viewer)
    text, body = (screen.said(part).replace("\xa0", " ") for part in (drawing.sentence, drawing.body))
    with acting_as(viewer):
        answer = ask(larger, "adherence")
    assert f"{100 * answer.value('adherence'):.1f} % of 688 hours" in text
    assert "Name a0" in body and "Name a1" in body and "97.9 %" in body  # 470 of 480 minutes
    assert not any(f"Name a{number}" in body for number in range(2, 8)) and "5 others" in body
    assert FEWEST_DAYS == 10 and "1 with fewer than 10 days" in screen.said(drawing.foot)


def test_without_names_there_is_a_spread_only(larger):
    body = screen.said(screen.drawn(larger, VIEW, "adherence").body)
    assert "Name" not in body and "7 agents" in body and "lowest tenth" in body
    few = screen.drawn(larger, VIEW, "adherence", "?from=2026-06-01&to=2026-06-02")
    assert few.is_empty and "too few" in screen.said(few.sentence)


def test_teams_stand_by_name_with_the_hours_that_they_are_of(larger):
    frame = ask(larger, "adherence", by=("team",)).frame.set_index("team")
    assert frame.loc["Heron", "adherence"] == pytest.approx((480 + 470) / 960)
    body = screen.said(screen.drawn(larger, VIEW, "adherence").body)
    assert body.index("Heron") < body.index("Wren")
    short = screen.said(screen.drawn(larger, VIEW, "adherence", "?from=2026-06-01&to=2026-06-05").body)
    assert "Heron" not in short and "Wren" in short  # eight days of agents, and twenty-two
