"""Filters: URL ⇄ value ⇄ sentence, and periods that end where the data ends."""

from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.domain.errors import BadRequest, UnknownName
from dashboard.domain.filters import COMPARISONS, PRESETS, Clock, Filters, Period, add_months

CLOCK = Clock(date(2023, 5, 21), date(2026, 5, 20), datetime(2026, 5, 21, 3, 48), 7, date(2026, 5, 20))
DIMENSIONS = ("department", "service_type", "district")


def read(search: str) -> Filters:
    return Filters.from_search(search, CLOCK, DIMENSIONS)


@pytest.mark.parametrize(
    ("preset", "begin", "end", "partial"),
    [
        ("last-7", date(2026, 5, 14), date(2026, 5, 21), False),
        ("month", date(2026, 5, 1), date(2026, 5, 21), True),
        ("last-month", date(2026, 4, 1), date(2026, 5, 1), False),
        ("quarter", date(2026, 4, 1), date(2026, 5, 21), True),
        ("fiscal-year", date(2025, 7, 1), date(2026, 5, 21), True),
        ("last-12-months", date(2025, 5, 21), date(2026, 5, 21), False),
        ("all", date(2023, 5, 21), date(2026, 5, 21), False),
    ],
)
def test_presets_end_where_the_data_ends(preset, begin, end, partial):
    period = Period.named(preset, CLOCK)
    assert (period.from_on, period.to_on, period.is_partial) == (begin, end, partial)


def test_a_running_month_is_compared_with_the_same_part_of_the_one_before():
    month = Period.named("month", CLOCK)
    assert (month.before().from_on, month.before().to_on) == (date(2026, 4, 1), date(2026, 4, 21))
    assert (month.a_year_earlier().from_on, month.a_year_earlier().to_on) == (date(2025, 5, 1), date(2025, 5, 21))


def test_runs_of_days_are_compared_with_the_same_weekdays_a_year_ago():
    earlier = Period.named("last-30", CLOCK).a_year_earlier()
    assert earlier.from_on.weekday() == Period.named("last-30", CLOCK).from_on.weekday()
    assert earlier.days == 30


def test_whole_months_are_compared_with_whole_months():
    february = Period(date(2024, 2, 1), date(2024, 3, 1))
    assert (february.before().from_on, february.before().to_on) == (date(2024, 1, 1), date(2024, 2, 1))
    assert february.a_year_earlier().days == 28


def test_a_year_of_days_is_compared_with_the_same_dates_a_year_ago():
    assert Period(date(2025, 3, 15), date(2026, 3, 15)).a_year_earlier() == Period(date(2024, 3, 15), date(2025, 3, 15))


def test_what_runs_longer_than_the_month_before_is_compared_with_all_of_that():
    """By 31 March thirty days have passed, and February had 28."""
    march = Period(date(2026, 3, 1), date(2026, 3, 31), "month", date(2026, 4, 1))
    assert march.before() == Period(date(2026, 2, 1), date(2026, 3, 1))


def test_a_day_that_two_events_leave_out_is_left_out_once():
    april = Filters(Period(date(2026, 4, 1), date(2026, 5, 1))).switch("event_days", "out")
    storms = [(date(2026, 3, 30), date(2026, 4, 3)), (date(2026, 4, 2), date(2026, 4, 5))]
    assert april.leaving_out(storms).days_counted() == 30 - 4
    within = [(date(2026, 4, 10), date(2026, 4, 20)), (date(2026, 4, 12), date(2026, 4, 13))]
    found = april.leaving_out([*storms, *within, (date(2026, 5, 1), date(2026, 5, 3))])
    assert found.stretches_left_out() == [(date(2026, 4, 1), date(2026, 4, 5)), within[0]]
    assert found.days_counted() == 30 - 4 - 10


def test_days_that_are_typed_end_where_the_data_ends_and_are_compared_with_as_many():
    may, preset = read("?from=2026-05-01&to=2026-06-01"), Period.named("month", CLOCK)
    assert may.period == Period(preset.from_on, preset.to_on, None, preset.whole_to_on)
    assert may.comparison() == Period(date(2025, 5, 1), date(2025, 5, 21))
    assert may.period.before() == Period(date(2026, 4, 1), date(2026, 4, 21))
    assert may.days_counted() == 20 and may.sentence() == "1–20 May 2026"
    assert "to=2026-06-01" in may.to_search()  # and more of it when there is more
    assert read("?from=2026-05-04&to=2026-06-10").comparison() == Period(date(2025, 5, 5), date(2025, 5, 22))
    assert not read("?from=2026-04-01&to=2026-05-01").period.is_partial
    extract = replace(CLOCK, as_of_on=date(2033, 1, 1))  # closings are known for longer than what came in
    assert Filters.from_search("?from=2026-05-01&to=2026-06-01", extract, DIMENSIONS).period == may.period
    assert not extract.tells_of(Period(date(2026, 6, 1), date(2026, 7, 1)))
    quiet = replace(CLOCK, as_of_on=date(2026, 5, 24))  # nothing came in at the weekend
    assert Filters.from_search("?from=2026-05-01&to=2026-06-01", quiet, DIMENSIONS).period.to_on == date(2026, 5, 25)


def test_the_data_tells_of_a_period_it_reaches_into_and_is_silent_on_days_without_data():
    clock = replace(CLOCK, gaps=((date(2025, 9, 11), date(2025, 9, 12)),))
    gap, week = Period(date(2025, 9, 11), date(2025, 9, 12)), Period(date(2025, 9, 8), date(2025, 9, 15))
    twice = replace(clock, gaps=(*clock.gaps, (date(2025, 9, 10), date(2025, 9, 12))))
    assert (clock.days_in_gaps(week), twice.days_in_gaps(week), CLOCK.days_in_gaps(week)) == (1, 2, 0)
    assert clock.is_silent_on(gap) and not clock.is_silent_on(week) and clock.tells_of(gap)
    for outside in (Period(date(2027, 1, 1), date(2027, 2, 1)), Period(date(2020, 1, 1), date(2023, 5, 21))):
        assert clock.is_silent_on(outside) and not clock.tells_of(outside)
    assert clock.tells_of(Period(date(2026, 5, 20), date(2026, 5, 21)))


def test_no_city_has_numbers_for_a_year_beyond_belief():
    assert read("?from=1900-01-01&to=2199-12-31").period == Period(
        date(1900, 1, 1), CLOCK.end_on, None, date(2199, 12, 31)
    )
    for beyond in ("1899-12-31", "2200-01-01"):
        with pytest.raises(BadRequest, match="no city has numbers"):
            read(f"?from={beyond}")


def test_an_unknown_key_is_refused_and_not_ignored():
    with pytest.raises(UnknownName, match="Did you mean department"):
        read("?departmnt=Parks")
    with pytest.raises(UnknownName, match="period"):
        read("?period=last-8")
    with pytest.raises(BadRequest, match="not a date"):
        read("?from=yesterday")
    with pytest.raises(BadRequest, match="ends before it begins"):
        read("?from=2026-02-01&to=2026-01-01")


def test_a_second_click_takes_the_choice_back():
    once = read("").toggle("department", "Parks & Forestry")
    assert once.chosen("department") == ("Parks & Forestry",)
    assert once.toggle("department", "Parks & Forestry") == read("")


def test_the_sentence_says_everything_that_is_chosen():
    chosen = read("?period=month&department=Parks&department=Streets&district=3+Old+Port")
    assert chosen.sentence() == "This month, 1–20 May 2026; department Parks or Streets; district 3 Old Port"


def test_add_months_stays_within_the_month():
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert add_months(date(2026, 1, 31), -2) == date(2025, 11, 30)


values = st.lists(st.text(min_size=1, max_size=20).filter(lambda text: text.strip() == text), max_size=3)
periods = st.one_of(
    st.sampled_from(list(PRESETS)).map(lambda preset: Period.named(preset, CLOCK)),
    st.tuples(st.dates(date(2020, 1, 1), date(2027, 1, 1)), st.integers(1, 900)).map(
        lambda pair: Period(pair[0], date.fromordinal(pair[0].toordinal() + pair[1]))
    ),
)


@given(periods, st.sampled_from(list(COMPARISONS)), st.dictionaries(st.sampled_from(DIMENSIONS), values))
def test_what_is_written_into_a_url_reads_back_the_same(period, compare, chosen):
    filters = Filters(period, compare)
    for name, some in chosen.items():
        filters = filters.choose(name, some)
    again = read(filters.to_search())
    if again.compare != compare:  # the default comparison is not written out
        assert filters.compare == filters.default_compare
    # Days are told as far as the data reaches, and no further.
    told = period if period.preset else period.within(period.from_on, CLOCK.days.to_on)
    assert (again.period, again.choices) == (told, filters.choices)
    assert read(again.to_search()) == again
