"""Exports of telephone systems: their durations, percentages, intervals and words become numbers that add up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.domain.errors import ImportRefused
from dashboard.domain.filters import Filters, Period
from dashboard.domain.policy import Scope
from dashboard.services import Services
from dashboard.settings import Settings
from data_access.importers.load import Outcome, import_files
from data_access.importers.mapping import mapping_from
from data_access.measures import CATALOGUE
from data_access.semantics import Query
from layouts.views.calls import VIEW
from tests import screen

CITY = '[city]\nname = "Testville"\ntz = "America/New_York"\n'
CALLS = """
[contact]
contact_id = "Session"
channel = "Media"
direction = "Direction"
arrived_at = "Start"
outcome = "Disposition"
wait_s = { column = "Queue Time", nulls = ["-"] }
talk_s = { column = "Talk", nulls = ["-"] }
"""
INTERVALS = """
[file]
decimal = ","
[contact_interval]
interval_id = { columns = ["Date", "Interval"], join = " " }
start_at = { columns = ["Date", "Interval"], join = " ", pattern = '^(.+?) *-[^-]*$', formats = ["%d.%m.%Y %H:%M"] }
grain = "Grain"
channel = { value = "phone" }
offered = "Offered"
answered = "Answered"
average_wait_s = "Avg Wait"
service_level_share = "Service Level"
"""


def brought(folder: Path, mapping: str, *lines: str) -> tuple[Outcome, Settings]:
    """What becomes of an export of these lines."""
    settings, export = Settings(data=folder / "data"), folder / "export.csv"
    export.write_text("\n".join(lines) + "\n", "utf-8")
    return import_files(settings, mapping_from(CITY + mapping, Path("calls.toml")), export), settings


def test_a_key_that_stands_for_nobody_is_doubted_and_not_told(tmp_path):
    mapping = CALLS + 'person_key = "Caller"\n'
    heading = "Session,Media,Direction,Start,Disposition,Queue Time,Talk,Caller"
    lines = [f"{n},voice,in,2026-05-04 09:{n % 60:02d}:00,answered,5,60," for n in range(600)]
    every, some = ([f"{line}{'anon-7f3' if n % often == 0 else n}" for n, line in enumerate(lines)] for often in (2, 9))
    for name in "ab":
        (tmp_path / name).mkdir()
    outcome, _ = brought(tmp_path / "a", mapping, heading, *every)
    text = outcome.report.as_text()
    assert "One person_key is in 300 of the 600 contacts" in text and "anon-7f3" not in text
    assert "One person_key" not in brought(tmp_path / "b", mapping, heading, *some)[0].report.as_text()


def told(settings: Settings, *names: str) -> list[float]:
    """The answer for all days together."""
    services = Services(settings)
    clock = services.clock()
    query = Query(tuple(CATALOGUE[name] for name in names), (), None)
    answer = services.ask(query, Filters(Period(clock.first_on, clock.end_on)), Scope.everything())
    services.warehouse.close()
    return [float(answer.frame[name].iloc[0]) for name in names]


def test_words_and_durations_of_calls_are_understood(tmp_path: Path) -> None:
    outcome, settings = brought(
        tmp_path, CALLS,
        "Session,Media,Direction,Start,Disposition,Queue Time,Talk",
        "1,Voice,Inbound,2024-03-01 08:00,Handled,0:00:45,1:03:30",
        "2,voice,Inbound,2024-03-01 08:05,ABANDONED,15,-",
        "3,Phone,Incoming,2024-03-01 08:10,answered,1m 15s,1900-01-01 00:01:23.5",  # as cells of Excel come
        "4,Voice,Outbound,2024-03-01 08:15,Handled,-,0:05:00",
        "5,Voice,Inbound,2024-03-01 08:20,Aborted,0:00:05,-",
        "6,Voice,Inbound,2024-03-01 08:25,Handled,12:34,-",
    )  # fmt: skip
    report = outcome.report
    assert (report.read, report.accepted, report.refused) == (6, 5, 1)
    row = outcome.refused.iloc[0]
    assert (row["row_number"], row["column_name"], row["value"]) == (6, "Queue Time", "12:34")
    assert "0:01:23" in row["expected"]
    assert report.unmapped == {"Disposition": {"Aborted": 1}}
    assert told(settings, "contacts", "offered", "answered", "abandoned") == [4, 3, 2, 1]
    assert told(settings, "speed_of_answer", "handle_time") == [(45 + 75) / 2, (3810 + 86_483.5) / 2]


@pytest.mark.parametrize(("said", "share"), [("", 1.0), (', words = { "" = "false" }', 2 / 3)])
def test_what_an_empty_cell_of_yes_and_no_means_can_be_said(tmp_path: Path, said: str, share: float) -> None:
    """A flag that is set or left empty; by itself an empty cell is what nobody recorded."""
    outcome, settings = brought(
        tmp_path, CALLS + f'resolved_first = {{ column = "FCR"{said} }}\n',
        "Session,Media,Direction,Start,Disposition,Queue Time,Talk,FCR",
        "1,Voice,Inbound,2024-03-01 08:00,Handled,0:00:45,1:03:30,Y",
        "2,Voice,Inbound,2024-03-01 08:05,Handled,0:00:15,0:05:00,",
        "3,Voice,Inbound,2024-03-01 08:10,Handled,0:00:15,0:05:00,y",
    )  # fmt: skip
    assert outcome.report.accepted == 3 and not outcome.report.unmapped
    is_doubted = "resolved_first is yes in 2 contacts and in none no: the other 1 count" in outcome.report.as_text()
    assert is_doubted == (not said)
    assert told(settings, "first_contact_resolution") == [pytest.approx(share)]


def test_what_no_call_records_is_no_part_of_how_long_one_takes(tmp_path: Path) -> None:
    heading = "Session,Media,Direction,Start,Disposition,Queue Time,Talk,Wrap"
    lines = [f"{n},voice,in,2026-05-0{1 + n // 20} 09:{n % 20}:00,answered,5,90,30" for n in range(60)]
    _, settings = brought(tmp_path, CALLS + 'wrap_s = "Wrap"\n', heading, *lines)
    services = Services(replace(settings, cache="off"))
    drawing = screen.drawn(services, VIEW, "handle", "?period=all")
    assert "takes 2 min: 1 min 30 s talk, 30 s wrap-up." in screen.said(drawing.sentence).replace("\xa0", " ")
    foot = screen.said(drawing.foot)
    assert "hold not recorded" in foot and len(drawing.figure["data"]) == 2


def test_intervals_and_percentages_are_understood(tmp_path: Path) -> None:
    outcome, settings = brought(
        tmp_path, INTERVALS,
        "Date;Interval;Grain;Offered;Answered;Avg Wait;Service Level",
        "01.03.2024;08:00-08:30;Half Hour;40;35;00:00:23;87,5 %",
        "01.03.2024;08:30 - 09:00;half-hour;1.040;1.000;00:01:23;0,9",
        "01.03.2024;09:00-09:30;half_hour;4;4;00:00:03;187,5 %",
    )  # fmt: skip
    assert outcome.report.accepted == 2
    assert outcome.refused[["column_name", "value", "reason"]].to_numpy().tolist() == [
        ["Service Level", "187,5 %", "not a share"]
    ]
    assert outcome.sample["service_level_share"].tolist() == [0.875, 0.9]
    assert outcome.sample["grain"].tolist() == ["half_hour"] * 2
    assert told(settings, "published_offered") == [1080]
    assert told(settings, "published_speed_of_answer") == [(35 * 23 + 1000 * 83) / 1035]


@pytest.mark.parametrize(
    ("mapping", "lines", "column", "measure", "number"),
    [
        (CALLS, ["Session,Media,Direction,Start,Disposition,Queue Time,Talk",
                 "1,Voice,In,2024-03-01 08:00,Handled,45,60", "2,Voice,In,2024-03-01 08:00,Handled,1e10,60"],
         "Queue Time", "wait", 45),
        (INTERVALS, ["Date;Interval;Grain;Offered;Answered;Avg Wait;Service Level",
                     "01.03.2024;08:00-09:00;hour;40;35;23;0,9", "01.03.2024;09:00-10:00;hour;90000000000;35;23;0,9"],
         "Offered", "published_offered", 40),
    ],
)  # fmt: skip
def test_a_number_that_nothing_can_reckon_with_is_refused_alone(
    tmp_path: Path, mapping: str, lines: list[str], column: str, measure: str, number: float
) -> None:
    outcome, settings = brought(tmp_path, mapping, *lines)
    assert outcome.refused[["row_number", "column_name", "reason"]].to_numpy().tolist() == [
        [2, column, "a number that cannot be"]
    ]
    assert outcome.report.accepted == 1 and told(settings, measure) == [number]


def test_a_state_may_end_when_nobody_knows(tmp_path: Path) -> None:
    states = '[agent_state]\nagent_id = "Agent"\nstart_at = "Start"\nend_at = "End"\nstate = "State"\n'
    lines = [
        "Agent,Start,End,State",
        "1,2024-03-01 08:00,2024-03-01 09:00,ready",
        "2,2024-03-01 08:00,2099-12-31,ready",
    ]
    outcome, _ = brought(tmp_path, states, *lines)
    assert outcome.report.accepted == 2


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        (CALLS.replace('"Disposition"', '{ column = "Disposition", words = { Handled = "answerd" } }'), "no outcome"),
        (INTERVALS.replace('"Grain"', '{ value = "30 min" }'), "no grain; there are day, half_hour"),
    ],
)
def test_a_word_that_no_measure_counts_is_refused(mapping: str, said: str) -> None:
    with pytest.raises(ImportRefused, match=said):
        mapping_from(CITY + mapping, Path("calls.toml"))


STATES = """
[agent_state]
agent_id = "Agent"
start_at = { column = "Start", formats = ["%m/%d/%Y %I:%M:%S %p"] }
end_at = { column = "Duration", seconds_after = "start_at" }
state = { column = "Status", words = { Coaching = "training" } }
"""
STATES_HEAD = "Agent,Start,Status,Duration"


def test_states_with_a_duration_go_on_over_midnight_and_the_hour_that_comes_twice(tmp_path: Path) -> None:
    """On 2 November 2025 the clocks go back from 2:00 to 1:00: two hours of talk from 0:30 end at 1:30, the second."""
    first = [STATES_HEAD, "7,10/31/2025 11:00:00 PM,Ready,2:00:00", "7,11/01/2025 01:00:00 AM,Coaching,30m"]
    second = [first[1], "7,11/02/2025 12:30:00 AM,On call,7200", "7,11/02/2025 01:30:00 AM,Ready,0:30:00",
              "7,11/02/2025 02:00:00 AM,ACW,0:00:00", "7,11/02/2025 02:00:00 AM,ACW,0:10:00"]  # fmt: skip
    brought(tmp_path, STATES, *first)
    outcome, settings = brought(tmp_path, STATES, STATES_HEAD, *reversed(second))
    report = outcome.report
    assert (report.added, report.unchanged, report.repeated) == (3, 1, 1)  # what was told before stays
    # ready: 2:00 + 0:30, busy: 2:00 + 0:10, in training 0:30
    assert told(settings, "busy_s", "ready_s", "logged_in_h") == pytest.approx([7800, 16800, 18600 / 3600])
    assert "5 rows of agent_state about 1 agent that no import brought, such as 7" in report.as_text()


def test_hours_in_two_states_at_once_are_told(tmp_path: Path) -> None:
    lines = ["7,11/03/2025 08:00:00 AM,On Queue,4:00:00", "7,11/03/2025 09:00:00 AM,Interacting,1:00:00",
             "8,11/03/2025 09:00:00 AM,Interacting,1:00:00"]  # fmt: skip
    outcome, _ = brought(tmp_path, STATES, STATES_HEAD, *lines)
    assert "In 1.0 of 6.0 hours an agent is in two states at once" in outcome.report.as_text()


def test_a_duration_that_is_none_is_refused_and_so_is_one_after_nothing(tmp_path: Path) -> None:
    lines = [
        "7,11/03/2025 08:00:00 AM,Ready,soon",
        "7,11/03/2025 09:00:00 AM,Ready,",
        "7,11/03/2025 10:00:00 AM,Ready,9",
    ]
    outcome, _ = brought(tmp_path, STATES, STATES_HEAD, *lines)
    assert outcome.report.refusals == {"not a number in Duration": 1, "no end in Duration": 1}
    with pytest.raises(ImportRefused, match="seconds_after names one of our columns"):
        mapping_from(CITY + STATES.replace('"start_at" }', '"state" }'), Path("calls.toml"))
