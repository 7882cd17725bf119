"""Who was there and who was needed: shifts and states by the half-hour, the week they are held against, who sees it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from callbacks.address import filters_in, permitted
from callbacks.export import _csv
from callbacks.panels import answers_to, context_of
from dashboard.domain.costs import Money
from dashboard.domain.erlang import Callers, required
from dashboard.domain.errors import BadRequest, NotPermitted
from dashboard.domain.filters import Filters
from dashboard.domain.policy import Permission, Scope, Viewer
from dashboard.identity import DEPUTY_MANAGER
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access.build import Build
from data_access.dimensions import DIMENSIONS, WEEKDAYS, half_hour, hour_of_week, team
from data_access.measures import CATALOGUE
from data_access.semantics import Query
from data_access.staffing import Growing, Opening, Staffed, Staffing, Targets, WhatIf, _shorter
from layouts.figures import shifts
from layouts.views import published_calls, staffing
from layouts.views.staffing import VIEW
from tests import city, screen

EVERYTHING = Scope.everything()
AGENTS = [f"zs{n}" for n in range(1, 7)]
WINDOWS = '[[["08:00", "18:00"]], [["08:00", "18:00"]], [], [], [], [], []]'
MONDAYS = pd.date_range("2026-03-30", "2026-06-22", freq="7D")
"""Thirteen of them; the week of the last ends with June’s last Sunday."""
SEARCH = "?from=2026-03-30&to=2026-06-29"


def calls() -> pd.DataFrame:
    """Mondays from 9:00 to 10:30: 20, 24 and 6 calls of five minutes in a half-hour; two hang up after a minute, and
    twelve of the others wait for 90 seconds.

    On the last Sunday somebody writes, so that the data reaches to its end.
    """
    rows = []
    for day in MONDAYS:
        for start, n in (("09:00", 20), ("09:30", 24), ("10:00", 6)):
            begin = day + pd.Timedelta(f"{start}:00")
            for i in range(n):
                gone = start == "09:00" and i < 2
                rows.append((begin + pd.Timedelta(seconds=60 * i), "abandoned" if gone else "answered",
                             60.0 if gone else 10.0 if i % 4 else 90.0, np.nan if gone else 300.0))  # fmt: skip
    frame = pd.DataFrame(rows, columns=["arrived_at", "outcome", "wait_s", "talk_s"])
    wrote = pd.DataFrame([(pd.Timestamp("2026-06-28T12:00"), "self_service", np.nan, np.nan)], columns=frame.columns)
    frame = pd.concat([frame, wrote], ignore_index=True)
    channels = np.where(frame["outcome"] == "self_service", "web", "phone")
    return frame.assign(
        contact_id=[f"s{n}" for n in range(len(frame))], channel=channels, queue="General", in_open_hours=True,
        arrived_at=city.utc(frame["arrived_at"]), src_system="tiny", src_id=[f"s{n}" for n in range(len(frame))],
    )  # fmt: skip


def shifts_of() -> pd.DataFrame:
    """Six agents from 8:45 to 10:15; one through the night of the lost hour; one that was never ended."""
    rows = [(one, f"{day:%Y-%m-%d}T08:45", f"{day:%Y-%m-%d}T10:15") for day in MONDAYS for one in AGENTS]
    rows += [("zs1", "2026-03-07T22:00", "2026-03-08T06:00"), ("zs1", "2026-01-05T08:00", "2026-05-05T08:00")]
    frame = pd.DataFrame(rows, columns=["agent_id", "start_at", "end_at"])
    return frame.assign(shift_id=[f"w{n}" for n in range(len(frame))], **{
        name: city.utc(pd.to_datetime(frame[name], format="ISO8601")) for name in ("start_at", "end_at")
    })  # fmt: skip


def states_of() -> pd.DataFrame:
    """From 9:00 to 10:00 all are ready, but for a break of ten minutes each at half past; then two stay to talk."""
    rows = []
    for day in MONDAYS:
        on = f"{day:%Y-%m-%d}T"
        for one in AGENTS:
            rows += [(one, on + "09:00", on + "09:20", "available"), (one, on + "09:20", on + "09:30", "talk"),
                     (one, on + "09:30", on + "09:40", "break"), (one, on + "09:40", on + "10:00", "available"),
                     (one, on + "08:00", on + "09:00", "offline")]  # fmt: skip
        rows += [(one, on + "10:00", on + "10:30", "talk") for one in AGENTS[:2]]
    frame = pd.DataFrame(rows, columns=["agent_id", "start_at", "end_at", "state"])
    return frame.assign(**{
        name: city.utc(pd.to_datetime(frame[name], format="ISO8601")) for name in ("start_at", "end_at")
    })  # fmt: skip


@pytest.fixture(scope="module")
def centre(blank: Settings) -> Iterator[Services]:
    """A call centre of six, on each engine."""
    with made(blank, agent_shift=shifts_of(), agent_state=states_of()) as services:
        yield services


@contextmanager
def made(settings: Settings, **more: pd.DataFrame) -> Iterator[Services]:
    """Services over the calls, and more rows of some tables."""

    def write(build: Build) -> None:
        build.write("agent", pd.DataFrame({"agent_id": AGENTS, "team": ["Heron"] * 3 + ["Otter"] * 3}))
        build.write("contact", calls())
        for name, rows in more.items():
            build.write(name, rows)

    with city.in_service(settings, write) as services:
        yield services


def asked(services: Services, *measures: str, by=(), search: str = SEARCH):
    filters = Filters.from_search(search, services.clock(), DIMENSIONS)
    return services.ask(Query(tuple(CATALOGUE[one] for one in measures), by=by), filters, EVERYTHING)


def week(services: Services, question=None, search: str = SEARCH, viewer: Viewer = DEPUTY_MANAGER):
    with acting_as(viewer):
        filters = Filters.from_search(search, services.clock(), DIMENSIONS)
        return services.analyse(question or Staffing(), filters, services.scope(Permission.READ_AGENT_SPREAD))


def said(services: Services, name: str, search: str = SEARCH, view=VIEW):
    return screen.drawn(services, view, name, search)


def words_of(drawing) -> str:
    return screen.said([drawing.sentence, drawing.body, drawing.foot]).replace("\xa0", " ")


# ── by the half-hour ──


def test_hang_ups_without_a_wait_say_nothing_of_patience(tmp_path: Path) -> None:
    """Of every two that hang up one has no wait, then neither: nobody hung up sooner for that."""
    found = []
    for number, lacking in enumerate((0, 2, 1)):
        rows = calls()
        left = rows["outcome"].eq("abandoned")
        untold = left & (left.cumsum() % lacking == 0) if lacking else left & False
        rows["wait_s"] = rows["wait_s"].where(~untold)
        with city.in_service(
            Settings(data=tmp_path / str(number), cache="off"), lambda build, rows=rows: build.write("contact", rows)
        ) as services:
            floor = week(services).floor
            found.append((int(floor.hung_up.sum()), floor.patience_s))
    n = len(MONDAYS)
    waited = sum(float(one) for one in calls().loc[lambda one: one["channel"] == "phone", "wait_s"])
    assert found == [
        (2 * n, pytest.approx(waited / (2 * n))), (2 * n, pytest.approx((waited - 60 * n) / n)), (2 * n, None)
    ]  # fmt: skip


def test_shifts_and_states_are_spread_over_the_half_hours_they_lie_in(centre: Services) -> None:
    told = asked(centre, "rostered_h", "present_h", "busy_h", "told_of_few", by=(half_hour,))
    found = told.frame.set_index("half_hour")
    weeks = len(MONDAYS)
    rostered = {"08:30": 1.5, "09:00": 3, "09:30": 3, "10:00": 1.5}  # six from 8:45 to 10:15
    for slot, hours in rostered.items():
        assert found.loc[slot, "rostered_h"] == pytest.approx(weeks * hours), slot
    assert found.loc["09:00", ["present_h", "busy_h"]].tolist() == pytest.approx([weeks * 3, weeks * 1])
    assert found.loc["09:30", ["present_h", "busy_h"]].tolist() == pytest.approx([weeks * 2, 0])
    assert found.loc["10:00", ["present_h", "busy_h", "told_of_few"]].tolist() == [0, 0, weeks]  # two are too few
    assert found.loc["08:30", "told_of_few"] == 0  # offline is not there
    assert asked(centre, "present_share").value("present_share") == pytest.approx(5 / 6)
    by_hour = asked(centre, "rostered_h", by=(hour_of_week,)).frame.set_index("hour_of_week")["rostered_h"]
    assert by_hour[["8", "9", "10"]].tolist() == pytest.approx([weeks * 1.5, weeks * 6, weeks * 1.5])


def test_a_night_across_the_lost_hour_is_seven_hours_long_and_what_never_ended_tells_nothing(centre: Services) -> None:
    night = asked(centre, "rostered_h", by=(hour_of_week,), search="?from=2026-03-07&to=2026-03-09").frame
    hours = night[night["rostered_h"] > 0].set_index("hour_of_week")["rostered_h"]
    assert hours.to_dict() == {str(hour): 1.0 for hour in (142, 143, 144, 145, 147, 148, 149)}  # Sunday 2:00 never was
    assert asked(centre, "rostered_h", search="?from=2026-01-05&to=2026-03-01").value("rostered_h") == 0


def test_nobody_is_named_nor_divided(centre: Services) -> None:
    columns = set(centre.warehouse.columns("staff_interval"))
    assert not columns & {"agent_id", "team"} and columns >= {"rostered_s", "ready_s"}
    with pytest.raises(Exception, match="cannot be divided"):
        asked(centre, "present_h", by=(team,))


# ── a usual week ──


def test_the_week_is_what_its_days_were(centre: Services) -> None:
    found = week(centre)
    assert isinstance(found, Staffed) and len(found.days) == 91 and found.week.weeks[0, 0] == 13
    rows = found.frame.set_index("from")
    assert rows.index.tolist() == ["09:00", "09:30", "10:00"] and set(rows["weekday"]) == {"Monday"}
    assert rows["calls"].tolist() == [20, 24, 6] == rows["calls_in_a_busy_week"].tolist()
    assert rows["load"].tolist() == pytest.approx([20 / 6, 4, 1], abs=1e-3)
    assert rows["rostered"].tolist() == [6, 6, 3] and rows["present"].tolist()[:2] == [6, 4]
    assert np.isnan(rows["present"].iloc[2])
    callers = Callers(300, found.floor.patience_s, 30, 6)
    # Two of fifty hang up: all of their and the others' waits over the number of them.
    assert found.floor.patience_s == pytest.approx((2 * 60 + 12 * 90 + 36 * 10) / 2)
    assert rows["needed"].tolist() == required([20 / 6, 4, 1], callers, 0.8).tolist()
    assert found.floor.shrinkage == pytest.approx(1 / 6)
    assert found.floor.shrinkage == pytest.approx(1 - asked(centre, "present_share").value("present_share"))
    assert found.fit is not None and 0.8 < found.fit < 1.2
    expected = found.fit * np.array([6, 4])
    assert rows["taking_calls"].tolist()[:2] == pytest.approx(expected, abs=0.01)
    assert rows["difference"].tolist()[:2] == pytest.approx(expected - rows["needed"].to_numpy()[:2], abs=0.01)


def test_offered_and_in_time_are_those_of_ask(centre: Services) -> None:
    found = week(centre)
    told = asked(centre, "offered", "handled_s", "service_level", "waited_by_all_s", "abandoned")
    assert found.floor.offered.sum() == told.value("offered") == 50 * 13
    assert found.floor.handled_s.sum() == told.value("handled_s")
    assert found.floor.service_level == pytest.approx(told.value("service_level")) == pytest.approx(36 / 50)
    assert found.floor.hung_up.sum() == told.value("abandoned")
    assert found.floor.waited_s == told.value("waited_by_all_s")
    hours = asked(centre, "rostered_h", "present_h").frame.iloc[0]
    width = found.floor.width_s / 3600
    assert np.nansum(found.floor.rostered) * width == pytest.approx(hours["rostered_h"])
    assert np.nansum(found.floor.present) * width == pytest.approx(hours["present_h"])


def test_the_goal_is_the_citys_own_or_that_of_the_address(centre: Services) -> None:
    assert (week(centre).goal.share, week(centre).goal.within_s) == (0.8, 30)
    hard, own = week(centre, Staffing(0.95, 30, 0.3)), week(centre)
    assert hard.goal.share == 0.95 and hard.goal.shrinkage == 0.3 and hard.own.share == 0.8
    assert (hard.week.needed >= own.week.needed).all() and hard.week.needed.sum() > own.week.needed.sum()
    text = words_of(said(centre, "targets", f"{SEARCH}&target=95-30&shrinkage=30"))
    assert "shrinkage 30 %" in text and "95 % within 30 s takes" in text


def test_holidays_events_and_gaps_are_no_usual_days(tmp_path: Path) -> None:
    event = pd.DataFrame([{"event_id": "e", "kind": "storm", "name": "Storm", "start_at": "2026-04-06T05:00",
                           "end_at": "2026-04-06T20:00"}])  # fmt: skip
    event = event.assign(**{name: pd.to_datetime(event[name]) for name in ("start_at", "end_at")})
    day = {"calendar_id": "desk", "day_on": pd.Timestamp("2026-05-25").date(), "is_business": False}
    calendar = pd.DataFrame([{"calendar_id": "desk", "name": "Desk", "weekly_windows": WINDOWS}])
    tables = {"city_event": event, "calendar": calendar, "calendar_day": pd.DataFrame([day])}
    with made(Settings(data=tmp_path), **tables) as services:
        found = week(services)
        assert found.week.weeks[0, 0] == 11 and len(found.days) == 89


def test_calls_of_one_queue_are_not_held_against_all_agents(centre: Services) -> None:
    found = week(centre, search=SEARCH + "&queue=General")
    assert found.narrowed == ("queue",) and not found.knows_roster and not found.knows_present
    assert found.week.needed.sum() == week(centre).week.needed.sum()
    assert "narrowed by queue" in words_of(said(centre, "week", SEARCH + "&queue=General"))
    monday = week(centre, search=SEARCH + "&hour_of_week=9&channel=phone")
    assert not monday.narrowed and monday.knows_present and monday.week.is_open.sum() == 2


def test_a_chosen_hour_says_what_is_told_and_not_what_is_learnt(centre: Services) -> None:
    """Cards that a choice narrows and cards that it does not spoke of other agents: each had a fit of its own."""
    whole, nine, ten = week(centre), *(week(centre, search=f"{SEARCH}&hour_of_week={n}") for n in (9, 10))
    for part in (nine, ten):
        assert (part.fit, part.goal, part.own) == (whole.fit, whole.goal, whole.own) and part.fit is not None
        here = part.week.is_open
        for name in ("needed", "needed_high", "present", "rostered"):
            np.testing.assert_array_equal(getattr(part.week, name)[here], getattr(whole.week, name)[here])
        np.testing.assert_array_equal(part.gap()[here], whole.gap()[here])
        assert part.week.needed_high[~here].sum() == 0 and np.isnan(part.gap()[~here]).all()
    assert (nine.week.is_open | ten.week.is_open).sum() == whole.week.is_open.sum() == 3
    every = Targets(Staffing())
    positions = [week(centre, every, f"{SEARCH}{more}").frame["positions"] for more in
                 ("", "&hour_of_week=9", "&hour_of_week=10")]  # fmt: skip
    np.testing.assert_allclose(positions[0], positions[1] + positions[2])
    told = asked(centre, "service_level", search=f"{SEARCH}&hour_of_week=9").frame["service_level"].iloc[0]
    assert nine.service_level == pytest.approx(told) != whole.service_level
    assert nine.days_with_calls == len(MONDAYS)
    monday, tuesday = (week(centre, search=f"{SEARCH}&weekday={name}") for name in ("Monday", "Tuesday"))
    np.testing.assert_array_equal(monday.gap(), whole.gap())
    assert not tuesday.week.is_open.any()
    assert "No contacts" in words_of(said(centre, "week", f"{SEARCH}&weekday=Tuesday"))
    assert not week(centre, search=f"{SEARCH}&weekday=not+recorded").week.is_open.any()
    for choice, word in (("weekday=Moonday", "“Moonday” is no weekday"), ("hour_of_week=x", "“x” is no hour of")):
        with pytest.raises(BadRequest, match=word):
            week(centre, search=f"{SEARCH}&{choice}")


def test_one_agent_more_is_tried_on_the_days_there_were(centre: Services) -> None:
    found = week(centre, WhatIf(Staffing()))
    frame = found.frame.set_index("more_agents")
    assert not found.is_plan and found.open_hours == 1.5
    # As it was is what was seen: so the model was mended.
    assert frame.loc[0, "service_level"] == pytest.approx(found.staffed.floor.service_level, abs=0.002)
    assert frame["service_level"].is_monotonic_increasing and frame["abandonment"].is_monotonic_decreasing
    assert frame["hours_a_week"].tolist() == [-3, -1.5, 0, 1.5, 3]


def test_other_opening_hours_are_planned_between_two_bounds(centre: Services) -> None:
    """Mondays from 9:00 to 10:30: 20, 24 and 6 calls in a half-hour."""
    base, found = week(centre), week(centre, Opening(Staffing()))
    now, later, earlier = found.plans  # no day can be shut where only one is open
    assert now.lost == now.moved and now.lost.hours == base.week.hours(base.week.needed_high)
    told = [(one.open_hours, one.calls, one.elsewhere) for one in found.plans]
    assert told == [(1.5, 50, 0), (0.5, 6, 44), (0.5, 20, 30)]
    for one, slots, share in ((later, [20], 6 / 50), (earlier, [18], 20 / 50)):
        chosen = np.zeros(base.week.is_open.shape, bool)
        chosen[0, slots] = True
        assert one.lost.hours == base.week.only(chosen).hours(base.week.needed_high)
        load = base.week.load_high[0, slots] / share
        callers = base.goal.callers(base.floor.grown(1 / share), base.week.handle_s[0, slots])
        agents = required(load, callers, base.goal.share, variant=base.goal.variant)
        assert one.moved.hours == agents.sum() / 2 > one.lost.hours
        assert one.moved.positions == pytest.approx(one.moved.hours / (1 - base.goal.shrinkage) * 52 / 2080)
    card = words_of(said(centre, "hours"))
    assert "An hour later in the morning" in card and "4488.0 % of all" in card
    shut = "No hours to shorten" in words_of(said(centre, "hours", SEARCH + "&hour_of_week=10"))
    assert shut and found.frame["calls_of_lost_hours_a_week"].tolist() == [0, 44, 30]


def test_the_quietest_day_is_shut(centre: Services) -> None:
    is_open = np.zeros((7, 48), bool)
    is_open[:3, 18:22] = True
    calls = np.where(is_open, np.array([5.0, 2.0, 4.0, 0, 0, 0, 0])[:, None], 9.0)  # what is shut does not count
    tried = dict(_shorter(replace(week(centre).week, is_open=is_open, calls=calls)))
    assert list(tried) == ["as it is", "an hour later in the morning", "an hour earlier in the evening", "Tuesday shut"]
    assert tried["Tuesday shut"].sum() == 8 and not tried["Tuesday shut"][1].any()
    assert tried["an hour later in the morning"][0].nonzero()[0].tolist() == [20, 21]
    assert tried["an hour earlier in the evening"][2].nonzero()[0].tolist() == [18, 19]


def test_positions_cost_what_an_hour_costs_to_whoever_may_know(
    centre: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(centre, "_money", lambda build_id: Money(hour=40.0))
    targets = week(centre, Targets(Staffing()))
    year = round(targets.plans[0].positions * 2080 * 40, -3)
    assert year > 0 and f"${year:,.0f}" in words_of(said(centre, "targets"))
    assert "+$" in words_of(said(centre, "what-if")) and "hours at $40.00" in words_of(said(centre, "growth"))
    supervisor = Viewer("S", "supervisor", team="Heron")
    with acting_as(supervisor):
        assert centre.money().hour is None
    for name in ("what-if", "targets", "growth", "hours"):
        assert "$" not in words_of(screen.drawn(centre, VIEW, name, SEARCH, supervisor))


def test_targets_and_growth_agree_with_the_week(centre: Services) -> None:
    base, targets = week(centre), week(centre, Targets(Staffing()))
    own = next(one for one in targets.plans if (one.goal.share, one.goal.within_s) == (0.8, 30))
    assert own.hours == base.week.hours(base.week.needed_high)
    assert own.positions == pytest.approx(own.hours / (1 - base.goal.shrinkage) * 52 / 2080)
    grown = week(centre, Growing(Staffing(), 3))
    assert not grown.yearly.days  # three months do not tell how calls grow
    now = next(one for one in grown.scenarios if one.case == "base" and one.service == "the goal")
    assert now.factor == 1 and now.plan.hours >= own.hours  # two on the phone at least
    assert now.by_year == pytest.approx(now.calls * 300 / 3600 / (0.8 * (1 - base.goal.shrinkage) * 2080))
    assert "growth is assumed" in words_of(said(centre, "growth"))
    assert grown.positions_now == pytest.approx(9 * 52 / 2080)  # six for an hour and a half


# ── what a city lacks, and who may see it ──


def test_without_a_roster_it_is_told_what_is_needed_and_what_to_bring(tmp_path: Path) -> None:
    with made(Settings(data=tmp_path)) as services:
        found = week(services)
        assert found.week.needed.sum() > 0 and not np.isfinite(found.gap()).any()
        assert "import a roster" in words_of(said(services, "week"))
        assert "import a roster" in words_of(said(services, "short")) and said(services, "short").is_empty
        assert said(services, "model").is_empty and "cannot be checked" in words_of(said(services, "model"))
        assert "As planned" in words_of(said(services, "what-if"))
        assert found.goal.shrinkage == pytest.approx(0.3)


def test_a_roster_alone_is_lessened_by_what_the_service_level_tells(tmp_path: Path) -> None:
    with made(Settings(data=tmp_path), agent_shift=shifts_of()) as services:
        found = week(services)
        assert found.knows_roster and not found.knows_present and found.fit is not None
        assert found.answering[0, 18] == pytest.approx(6 * 0.7 * found.fit)
        assert found.own.shrinkage == pytest.approx(1 - 0.7 * found.fit)


def test_a_database_without_the_table_answers_all_the_same(tmp_path: Path) -> None:
    with made(Settings(data=tmp_path), agent_shift=shifts_of()):
        file = next((tmp_path / "builds").glob("*.duckdb"))
    with duckdb.connect(str(file)) as build:
        build.execute("DROP TABLE staff_interval")
    services = Services(Settings(data=tmp_path))
    assert not week(services).knows_roster
    services.warehouse.close()


def test_how_long_calls_take_must_be_known(tmp_path: Path) -> None:
    silent = calls().assign(talk_s=np.nan)
    with Build(Settings(data=tmp_path), city.CITY) as build:
        build.write("contact", silent)
        build.publish(as_of=city.AS_OF)
    services = Services(Settings(data=tmp_path))
    for panel in VIEW.panels:
        assert said(services, panel.name).is_empty, panel.name
    assert "is not recorded" in words_of(said(services, "week"))
    services.warehouse.close()


def test_who_may_see_it(centre: Services) -> None:
    for role, own, sees in (
        ("deputy manager", {}, True), ("supervisor", {"team": "Heron"}, True), ("analyst", {}, True),
        ("department head", {"department": "Streets"}, False), ("council member", {"district": "North"}, False),
        ("administrator", {}, False),
    ):  # fmt: skip
        viewer = Viewer(role, role, **own)
        with acting_as(viewer):
            assert (VIEW in permitted([VIEW], centre)) == sees, role
        if not sees:
            with pytest.raises(NotPermitted):
                week(centre, viewer=viewer)


def test_nothing_sent_names_an_agent_or_tells_what_two_did(centre: Services) -> None:
    sent = ""
    for panel in VIEW.panels:
        filters = filters_in(SEARCH, centre, VIEW)
        answers = answers_to(panel, filters, centre, {})
        drawing = panel.draw(answers, context_of(panel, filters, centre, {}))
        sent += words_of(drawing) + str(drawing.figure) + "".join(_csv(panel, filters, answers, centre))
    assert not re.search(r"zs\d", sent)
    ten = week(centre).frame.set_index("from").loc["10:00"]
    assert np.isnan(ten["present"]) and ten["rostered"] == 3


def test_the_grid_its_file_and_its_words_agree(centre: Services) -> None:
    panel = VIEW.panels[1]
    filters = filters_in(SEARCH, centre, VIEW)
    answers = answers_to(panel, filters, centre, {})
    drawing = panel.draw(answers, context_of(panel, filters, centre, {}))
    told = pd.read_csv(io.StringIO("".join(_csv(panel, filters, answers, centre))))
    cells = drawing.figure["data"][1]
    drawn = np.asarray(cells["z"])[0]
    np.testing.assert_array_equal(drawn, shifts.classes_of(told["Difference"].to_numpy(float)))
    assert [text for text in cells["text"][0]] == [shifts.signed(one) for one in answers[0].gap()[0, 18:21]]
    assert f"{int((answers[0].gap() < -0.5).sum()) or 'none'} " in words_of(drawing)
    assert np.asarray(cells["customdata"])[0].tolist() == ["9", "9", "10"]


def test_missing_agents_of_the_week_are_those_of_its_days(centre: Services) -> None:
    day, short = VIEW.panels[2], VIEW.panels[3]
    filters = filters_in(SEARCH, centre, VIEW)
    (found,) = answers_to(short, filters, centre, {})
    missing = 0.0
    for name in WEEKDAYS:
        chosen = filters.choose("weekday", [name])
        said = words_of(day.draw((found,), context_of(day, chosen, centre, {})))
        told = re.search(r"([\d.]+) agent-hours are missing", said)
        missing += float(told[1]) if told else 0.0
    said = words_of(short.draw((found,), context_of(short, filters, centre, {})))
    assert missing > 0 and f"{missing:.1f}".removesuffix(".0") in said, said


def test_what_is_not_listed_one_by_one_is_added_up(centre: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staffing, "LISTED", 1)
    found = week(centre)
    gap = np.where(found.week.is_open, np.array([-2.0, 0.0, -1.0] * 16), np.nan)  # short, enough, short
    monkeypatch.setattr(Staffed, "gap", lambda self: gap)
    panel, filters = VIEW.panels[3], filters_in(SEARCH, centre, VIEW)
    told = words_of(panel.draw((found,), context_of(panel, filters, centre, {})))
    assert "1.5 agent-hours a week are missing in 2 stretches" in told
    assert "6.61.01 more0.5" in told  # an hour on the one that is listed, half of one on the rest


# ── as published ──


def by_the_hour() -> pd.DataFrame:
    rows = []
    for day in MONDAYS:
        for hour, n in ((9, 40), (10, 12)):
            rows.append((f"{day:%Y-%m-%d}T{hour:02d}:00", "hour", n, n, n * 300.0))
        rows.append((f"{day + pd.Timedelta(days=1):%Y-%m-%d}", "day", 500, 480, None))  # Tuesdays as a whole
    frame = pd.DataFrame(rows, columns=["start_at", "grain", "offered", "answered", "talk_s"])
    frame["start_at"] = city.utc(pd.to_datetime(frame["start_at"], format="ISO8601"))
    return frame.assign(interval_id=[f"i{n}" for n in range(len(frame))], channel="phone")


def test_published_hours_tell_what_is_needed(tmp_path: Path) -> None:
    with Build(Settings(data=tmp_path), city.CITY) as build:
        build.write("contact_interval", by_the_hour())
        build.publish(as_of=city.AS_OF)
    services = Services(Settings(data=tmp_path))
    assert VIEW not in permitted([VIEW], services)  # no single calls: it stands under Calls as published
    drawing = said(services, "needed", SEARCH, published_calls.VIEW)
    answers = answers_to(published_calls.VIEW.panels[-1], filters_in(SEARCH, services), services, {})
    rows = answers[0].frame
    assert rows["from"].tolist() == ["09:00", "10:00"] and set(rows["weekday"]) == {"Monday"}
    assert rows["load"].tolist() == pytest.approx([40 / 12, 1], abs=1e-3)
    assert rows["needed"].tolist() == required([40 / 12, 1], Callers(300, None, 30), 0.8).tolist()
    assert "Monday 9:00 needs most" in words_of(drawing)
    told = asked(services, "published_handle_time", by=(hour_of_week,)).frame.set_index("hour_of_week")
    assert told.loc["9", "published_handle_time"] == 300 and "24" not in told.index
    services.warehouse.close()


def test_days_alone_do_not_tell_it(tmp_path: Path) -> None:
    days = by_the_hour()
    whole, silent = days[days["grain"] == "day"], days.assign(talk_s=np.nan)
    for given, words in ((whole, "published by the hour"), (silent, "How long")):
        folder = tmp_path / words[:3]
        with Build(Settings(data=folder), city.CITY) as build:
            build.write("contact_interval", given)
            build.publish(as_of=city.AS_OF)
        services = Services(Settings(data=folder))
        drawing = said(services, "needed", SEARCH, published_calls.VIEW)
        assert drawing.is_empty and words in words_of(drawing)
        services.warehouse.close()
