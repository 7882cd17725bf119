"""The clock of a promise runs while the office is open and stands still otherwise."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.domain.calendar import BusinessCalendar, union_pauses
from dashboard.domain.errors import BadRequest, UnknownName
from dashboard.domain.local_time import localise, to_local

NEW_YORK = "America/New_York"
OFFICE = [[("08:00", "17:00")]] * 5 + [[], []]
HOLIDAYS = {date(2026, 7, 3), date(2026, 11, 26), date(2026, 11, 27)}
CITY = BusinessCalendar(OFFICE, HOLIDAYS, NEW_YORK, date(2026, 1, 1), date(2027, 1, 1))
DAY_S = 9 * 3600.0


def at(*local: str) -> np.ndarray:
    return localise(np.array(local, dtype="datetime64[us]"), NEW_YORK).utc


def wall(instants: np.ndarray) -> list[str]:
    return [str(each)[:16] for each in to_local(instants, NEW_YORK)]


@pytest.mark.parametrize(
    ("opened", "target_h", "due"),
    [
        ("2026-06-26T16:00", 9, "2026-06-29T16:00"),  # Friday to Monday
        ("2026-07-02T16:30", 9, "2026-07-06T16:30"),  # over a holiday
        ("2026-06-27T12:00", 9, "2026-06-29T17:00"),  # opened on a Saturday
        ("2026-06-26T19:05", 9, "2026-06-29T17:00"),  # opened after closing time
        ("2026-11-25T10:00", 27, "2026-12-02T10:00"),  # over Thanksgiving
    ],
)
def test_due_times_of_the_reference(opened, target_h, due):
    assert wall(CITY.due_at(at(opened), target_h * 3600)) == [due]


def test_elapsed_times_of_the_reference():
    opened = at("2026-06-26T16:00", "2026-10-30T16:00")
    until = at("2026-06-29T09:30", "2026-11-02T09:00")
    assert CITY.elapsed_s(opened, until).tolist() == [9000.0, 7200.0]


def test_a_pause_costs_its_business_part():
    opened, until = at("2026-06-26T16:00"), at("2026-06-29T17:00")
    monday_morning = union_pauses([0], at("2026-06-29T08:00"), at("2026-06-29T12:00"))
    assert CITY.elapsed_s(opened, until) - CITY.paused_business_s(opened, until, monday_morning) == [21_600.0]
    weekend = union_pauses([0], at("2026-06-27T08:00"), at("2026-06-28T12:00"))
    assert CITY.paused_business_s(opened, until, weekend) == [0.0]


def test_a_business_day_is_one_opening_window():
    assert CITY.day_length_s == DAY_S
    saturdays = BusinessCalendar(
        [[("08:00", "12:00"), ("13:00", "17:00")]] * 5 + [[("09:00", "12:00")], []], (), NEW_YORK
    )
    assert saturdays.day_length_s == 8 * 3600


def test_missing_instants_and_targets_stay_missing():
    nothing = np.array(["NaT"], dtype="datetime64[us]")
    assert np.isnan(CITY.elapsed_s(nothing, at("2026-06-29T09:30"))).all()
    assert np.isnat(CITY.due_at(nothing, DAY_S)).all()
    assert np.isnat(CITY.due_at(at("2026-06-29T09:30"), np.nan)).all()
    assert np.isnat(CITY.end_of_nth_business_day(nothing, 1)).all()
    assert len(CITY.due_at(nothing[:0], DAY_S)) == 0
    assert len(CITY.end_of_nth_business_day(nothing[:0], 1)) == 0


def test_a_target_that_ends_at_closing_time_is_due_then():
    opened = at("2026-06-29T08:00", "2026-06-28T12:00", "2026-06-28T12:00")
    assert wall(CITY.due_at(opened, [DAY_S, DAY_S, 0])) == ["2026-06-29T17:00", "2026-06-29T17:00", "2026-06-28T12:00"]


def test_a_target_below_zero_or_without_end_is_a_mistake():
    for target in (-1, np.inf):
        with pytest.raises(ValueError, match="zero or more"):
            CITY.due_at(at("2026-06-29T08:00"), target)


def test_the_nth_business_day_ends_at_closing_time_or_midnight():
    opened = at("2026-07-02T07:00", "2026-07-04T12:00", "2026-06-26T19:05")
    assert wall(CITY.end_of_nth_business_day(opened, [1, 1, 5])) == [
        "2026-07-06T17:00",
        "2026-07-06T17:00",
        "2026-07-06T17:00",
    ]
    midnight = CITY.end_of_nth_business_day(opened, 1, midnight=True)
    assert str(to_local(midnight, NEW_YORK)[0]) == "2026-07-06T23:59:59.999999"
    with pytest.raises(ValueError, match="counted from 1"):
        CITY.end_of_nth_business_day(opened, 0)


def test_a_series_and_a_single_instant_are_as_good_as_an_array():
    opened = pd.Series(at("2026-06-26T16:00", "NaT"))
    assert wall(CITY.due_at(opened, DAY_S))[0] == "2026-06-29T16:00"
    assert np.isnat(CITY.end_of_nth_business_day(opened, 1)).tolist() == [False, True]
    as_of = at("2026-06-26T15:00")[0]
    assert CITY.elapsed_s(as_of, opened)[0] == 3600
    assert CITY.elapsed_s(opened, as_of)[0] == -3600
    assert CITY.due_at(as_of, 3600) == at("2026-06-26T16:00")[0]


def due_with(opened: list[str], pauses: list[tuple[int, str, str]], target_s: float = DAY_S) -> list[str]:
    index, start, end = zip(*pauses, strict=True)
    return wall(CITY.due_at_with_pauses(at(*opened), target_s, union_pauses(index, at(*start), at(*end))))


def test_a_pause_that_begins_before_the_due_time_pushes_it():
    monday = "2026-06-29T16:00"  # where the due time of a request from Friday 16:00 lies
    opened = ["2026-06-26T16:00"]
    assert due_with(opened, [(0, "2026-06-29T08:00", "2026-06-29T12:00")]) == ["2026-06-30T11:00"]
    assert due_with(opened, [(0, "2026-06-27T08:00", "2026-06-28T12:00")]) == [monday]
    assert due_with(opened, [(0, "2026-06-27T08:00", "2026-06-29T09:00")]) == ["2026-06-29T17:00"]
    assert due_with(opened, [(0, "2026-06-29T16:00", "2026-06-29T17:00")]) == [monday]
    assert due_with(opened, [(0, "2026-06-25T08:00", "2026-06-26T15:00")]) == [monday]
    assert due_with(opened, [(0, "2026-06-25T08:00", "2026-06-26T17:00")]) == ["2026-06-29T17:00"]


def test_a_pushed_due_time_meets_later_pauses_but_not_those_after_it():
    pauses = [
        (0, "2026-06-29T08:00", "2026-06-29T12:00"),  # due Monday 16:00 → Tuesday 11:00
        (0, "2026-06-30T10:00", "2026-06-30T11:30"),  # begins before Tuesday 11:00 → 12:30
        (0, "2026-06-30T12:30", "2026-06-30T15:00"),  # begins when already due
    ]
    assert due_with(["2026-06-26T16:00"], pauses) == ["2026-06-30T12:30"]


def test_an_open_pause_puts_the_promise_on_hold_unless_it_was_due_before():
    opened = ["2026-06-26T16:00"] * 3
    pauses = [(0, "2026-06-29T15:59", "NaT"), (1, "2026-06-29T16:00", "NaT")]
    assert due_with(opened, pauses) == ["NaT", "2026-06-29T16:00", "2026-06-29T16:00"]


def test_an_open_pause_is_counted_up_to_the_moment_asked_about():
    opened, until = at("2026-06-26T16:00", "2026-06-26T16:00"), at("2026-06-29T10:00", "2026-06-29T10:00")
    pauses = union_pauses([0], at("2026-06-26T16:30"), at("NaT"))
    assert CITY.paused_business_s(opened, until, pauses).tolist() == [1800 + 7200, 0]


def test_overlapping_and_touching_pauses_are_one():
    pauses = union_pauses(
        [1, 0, 0, 0, 0, 1, 2, 2, 2],
        at(
            "2026-06-03",
            "2026-06-01",
            "2026-06-02",
            "2026-06-05",
            "2026-06-06",
            "2026-06-01",
            "2026-06-02",
            "NaT",
            "2026-06-03",
        ),
        at(
            "NaT",
            "2026-06-04",
            "2026-06-03",
            "2026-06-06",
            "2026-06-07",
            "2026-06-02",
            "2026-06-01",
            "2026-06-09",
            "2026-06-03",
        ),
    )
    assert pauses.request_index.tolist() == [0, 0, 1, 1]
    assert wall(pauses.start) == ["2026-06-01T00:00", "2026-06-05T00:00", "2026-06-01T00:00", "2026-06-03T00:00"]
    assert wall(pauses.end) == ["2026-06-04T00:00", "2026-06-07T00:00", "2026-06-02T00:00", "NaT"]


def test_no_pauses_at_all_change_nothing():
    none = union_pauses([], at(), at())
    opened = at("2026-06-26T16:00")
    assert wall(CITY.due_at_with_pauses(opened, DAY_S, none)) == ["2026-06-29T16:00"]
    assert CITY.paused_business_s(opened, at("2026-06-29T10:00"), none).tolist() == [0]


def test_a_day_may_have_hours_of_its_own():
    city = BusinessCalendar(
        OFFICE,
        {date(2026, 12, 24): [("08:00", "12:00")], date(2026, 12, 26): [("10:00", "11:00")], date(2026, 12, 25): []},
        NEW_YORK,
    )
    assert city.elapsed_s(at("2026-12-24T00:00"), at("2026-12-28T00:00")).tolist() == [5 * 3600]
    assert wall(city.end_of_nth_business_day(at("2026-12-23T12:00"), [1, 2])) == [
        "2026-12-24T12:00",
        "2026-12-26T11:00",
    ]


def test_an_office_that_never_closes_counts_the_hours_of_the_sun():
    always = BusinessCalendar([[("00:00", "24:00")]] * 7, (), NEW_YORK)
    for start, end, hours in [
        ("2026-11-01", "2026-11-02", 25),
        ("2026-03-08", "2026-03-09", 23),
        ("2026-06-01", "2026-06-02", 24),
    ]:
        assert always.elapsed_s(at(start), at(end)).tolist() == [hours * 3600]
    assert wall(always.due_at(at("2026-10-31T12:00"), 24 * 3600)) == ["2026-11-01T11:00"]


def test_opening_hours_extend_as_far_as_asked():
    city = BusinessCalendar(OFFICE, (), NEW_YORK)
    opened = at("2026-01-05T08:00")
    century = city.due_at(opened, 261 * 100 * DAY_S)
    assert wall(century)[0].startswith("2126-01")
    assert city.elapsed_s(opened, century).tolist() == [261 * 100 * DAY_S]
    far = city.end_of_nth_business_day(opened, 261 * 100)
    assert city.elapsed_s(opened, far).tolist() == [(261 * 100 + 1) * DAY_S]
    with pytest.raises(BadRequest, match="does not fall due by the year 2229"):
        city.due_at(opened, 1e12)


def test_days_whose_holidays_are_unknown_are_refused():
    with pytest.raises(BadRequest, match="known from 2026-01-01 until 2026-12-31; 2025-12-31 lies outside"):
        CITY.elapsed_s(at("2025-12-31T12:00"), at("2026-01-02T12:00"))
    with pytest.raises(BadRequest, match="2027-01-01 lies outside"):
        CITY.due_at(at("2026-12-31T12:00"), DAY_S)
    with pytest.raises(BadRequest, match="lies outside"):
        CITY.end_of_nth_business_day(at("2026-12-31T12:00"), 1)


@pytest.mark.parametrize(
    ("windows", "why"),
    [
        ([[("8:00", "17:00")]] + [[]] * 6, "not a time of day"),
        ([[("08:00", "24:30")]] + [[]] * 6, "not a time of day"),
        ([[("22:00", "02:00")]] + [[]] * 6, "Monday: the window 22:00–02:00 ends before it starts"),
        ([[], [("08:00", "12:00"), ("11:00", "17:00")]] + [[]] * 5, "Tuesday: a window opens at 11:00"),
        ([[]] * 7, "nothing would ever fall due"),
        ([[]] * 5, "seven lists"),
    ],
)
def test_opening_hours_that_make_no_sense_are_refused(windows, why):
    with pytest.raises(BadRequest, match=why):
        BusinessCalendar(windows, (), NEW_YORK)


def test_an_unknown_time_zone_is_refused_at_once():
    with pytest.raises(UnknownName):
        BusinessCalendar(OFFICE, (), "Mars/Olympus_Mons")


# Against a slow oracle that walks minute by minute

TINY = BusinessCalendar(
    [[("08:00", "12:00"), ("13:00", "17:00")]] * 5 + [[("00:30", "03:30")], [("00:30", "03:30")]],
    {date(2026, 10, 30)},
    NEW_YORK,
)
MINUTES = np.arange(np.datetime64("2026-10-28", "us"), np.datetime64("2026-11-12"), np.timedelta64(1, "m"))


def is_open(instants: np.ndarray) -> np.ndarray:
    local = pd.DatetimeIndex(to_local(instants, NEW_YORK))
    minute = local.hour * 60 + local.minute
    weekday = ((minute >= 480) & (minute < 720)) | ((minute >= 780) & (minute < 1020))
    weekend = (minute >= 30) & (minute < 210)
    closed = local.normalize() == pd.Timestamp("2026-10-30")
    return np.asarray(np.where(local.day_of_week < 5, weekday, weekend) & ~closed)


OPEN = is_open(MINUTES)
moments = st.integers(0, 8 * 1440)


@settings(max_examples=60, deadline=None)
@given(
    opened=moments,
    target=st.integers(0, 1200),
    pauses=st.lists(st.tuples(moments, st.none() | st.integers(-60, 3000)), max_size=5),
)
def test_the_clock_agrees_with_a_walk_through_the_minutes(opened, target, pauses):
    paused = np.zeros(len(MINUTES), bool)
    on_hold_from = len(MINUTES)
    for start, length in pauses:
        if length is None:
            on_hold_from = min(on_hold_from, start)
        paused[start : None if length is None else max(start, start + length)] = True
    index = np.zeros(len(pauses), int)
    start = MINUTES[[begin for begin, _ in pauses]] if pauses else MINUTES[:0]
    end = np.array(
        [np.datetime64("NaT") if n is None else MINUTES[begin] + np.timedelta64(n, "m") for begin, n in pauses],
        "datetime64[us]",
    )
    united = union_pauses(index, start, end)
    running = np.cumsum(OPEN[opened:] & ~paused[opened:])
    due = TINY.due_at_with_pauses(MINUTES[[opened]], target * 60, united)
    reached = np.flatnonzero(running >= target)
    if target == 0:
        assert due == MINUTES[opened]
    elif reached.size:
        assert due == MINUTES[opened + reached[0]] + np.timedelta64(1, "m")
    elif on_hold_from < len(MINUTES):
        assert np.isnat(due).all()
    until = min(opened + 2000, len(MINUTES) - 1)
    assert TINY.elapsed_s(MINUTES[[opened]], MINUTES[[until]]) == 60 * OPEN[opened:until].sum()
    expected = 60 * (OPEN & paused)[opened:until].sum()
    assert TINY.paused_business_s(MINUTES[[opened]], MINUTES[[until]], united) == expected
