"""Exports of telephone systems: their durations, percentages, intervals and words become numbers that add up."""

from __future__ import annotations

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
