"""Which days are compared when something changed, and whether two methods agree."""

from datetime import date

import pytest

from dashboard.domain.before_after import agreement, fake_dates, parts, steps, whole, windows
from dashboard.domain.difference_in_differences import UNKNOWN, Effect
from dashboard.domain.filters import Period
from dashboard.domain.interrupted_series import Ratio

MARCH = date(2025, 3, 1)
FIRST, END = date(2023, 5, 21), date(2026, 5, 21)


def test_after_a_full_year_the_year_before_is_compared():
    found = windows(MARCH, MARCH, FIRST, END)
    assert (found.before, found.after) == (Period(date(2024, 3, 1), MARCH), Period(MARCH, date(2026, 3, 1)))
    assert found.same_season


def test_after_less_than_a_year_the_same_weeks_of_the_year_before():
    start = date(2026, 5, 4)
    found = windows(start, start, FIRST, END)
    assert found.after == Period(start, END)
    assert found.before == Period(date(2025, 5, 5), date(2025, 5, 22))
    assert found.before.from_on.weekday() == start.weekday() and found.same_season


def test_where_data_does_not_reach_back_the_days_just_before():
    start = date(2023, 9, 1)
    found = windows(start, start, FIRST, date(2023, 10, 1))
    assert found.before == Period(date(2023, 8, 2), start) and not found.same_season
    assert windows(date(2023, 5, 30), date(2023, 5, 30), FIRST, END) is None  # nine days before
    assert windows(END, END, FIRST, END) is None  # not yet begun
    assert windows(FIRST, FIRST, FIRST, END) is None


def test_what_came_one_after_the_other_counts_for_neither_until_all_is_in_place():
    found = windows(MARCH, date(2025, 5, 1), FIRST, END)
    assert found.before == Period(date(2024, 3, 1), MARCH)
    assert found.after == Period(date(2025, 5, 1), date(2026, 5, 1))
    cut = steps(MARCH, date(2025, 5, 1), FIRST, END, "month")
    assert [one.number for one in cut if one.number >= 0] == list(range(2, 14))
    assert cut[11].to_on == MARCH and cut[12].from_on == date(2025, 5, 1)


def test_steps_are_whole_and_counted_from_the_change():
    cut = steps(date(2025, 10, 6), date(2025, 10, 6), FIRST, END, "month")
    assert [one.number for one in cut] == list(range(-12, 7))
    assert cut[0].from_on == date(2024, 10, 6) and cut[-1].to_on == date(2026, 5, 6)
    weeks = steps(date(2026, 5, 4), date(2026, 5, 4), FIRST, END, "week")
    assert [one.number for one in weeks] == list(range(-12, 2))
    assert whole(MARCH, END, "month") == 14 and whole(MARCH, date(2025, 3, 31), "month") == 0
    assert whole(date(2025, 1, 31), date(2025, 2, 28), "month") == 1  # the last day stands for the 31st
    assert whole(date(2026, 5, 4), END, "week") == 2 and whole(END, MARCH, "week") == 0


@pytest.mark.parametrize("same_season", [True, False])
def test_made_up_dates_reach_neither_past_the_change_nor_before_the_data(same_season):
    found = fake_dates(MARCH, 365, FIRST, same_season)
    assert len(found) >= 5
    for before, after in found:
        assert before.from_on >= FIRST and after.to_on <= MARCH and before.days == after.days
        assert (after.from_on - before.from_on).days == (364 if same_season else after.days)
    assert fake_dates(date(2023, 6, 10), 365, FIRST, same_season) == []


def test_parts_make_up_the_whole():
    cut = parts(Period(MARCH, date(2025, 4, 11)), 3)
    assert [one.days for one in cut] == [14, 13, 14] and cut[0].from_on == MARCH and cut[-1].to_on == date(2025, 4, 11)


def test_whether_two_methods_agree():
    fell, rose, same = Effect(0.5, 0.4, 0.6, 0.1), Effect(2, 1.5, 3, 0.1), Effect(1, 0.8, 1.2, 0.1)
    down, up, none = Ratio(0.6, 0.5, 0.7), Ratio(1.5, 1.2, 1.8), Ratio(1, 0.9, 1.1)
    assert agreement(fell, down) == agreement(rose, up) == "agree"
    assert agreement(fell, up) == agreement(rose, down) == "contradict"
    assert agreement(same, none) == "neither"
    assert agreement(fell, none) == agreement(same, down) == "unsure"
    assert agreement(fell, None) == "alone" and agreement(UNKNOWN, down) == "unknown"
