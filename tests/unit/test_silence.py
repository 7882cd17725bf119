"""Days that bring nothing although days like them do."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from dashboard.domain.silence import silent

FIRST = date(2026, 1, 5)  # a Monday


def days(number: int) -> list[date]:
    return [FIRST + timedelta(at) for at in range(number)]


def test_a_working_day_without_anything_is_silent_and_a_quiet_weekday_is_not():
    counts = np.tile([40.0, 38, 41, 39, 44, 6, 0], 10)
    counts[[23, 54]] = 0  # a Wednesday, and a Saturday
    assert [int(at) for at in np.flatnonzero(silent(days(70), counts))] == [23, 54]
    assert not silent(days(70), np.where(counts == 0, 0, 1)).any()  # where one a day comes in, none is no failure


def test_days_on_which_the_city_is_shut_are_neither_silent_nor_an_example():
    counts = np.tile([40.0, 38, 41, 39, 44, 6, 0], 10)
    counts[28] = 0
    assert silent(days(70), counts)[28]
    assert not silent(days(70), counts, {FIRST + timedelta(28)}).any()
    others = {FIRST + timedelta(28 + 7 * week) for week in (-4, -3, -2, -1, 1, 2, 3, 4)}
    assert not silent(days(70), counts, others).any()


def test_a_failure_of_two_weeks_is_seen_on_every_day_and_a_short_record_says_nothing():
    counts = np.full(70, 30.0)
    counts[20:34] = 0
    assert [int(at) for at in np.flatnonzero(silent(days(70), counts))] == list(range(20, 34))
    assert not silent(days(5), np.zeros(5)).any()
    assert not silent([], np.zeros(0)).any()
