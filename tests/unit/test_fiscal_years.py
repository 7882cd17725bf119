"""Which fiscal years a period touches, and which of them can be told at all."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from dashboard.domain.filters import Clock, Period
from dashboard.domain.fiscal_years import (
    elapsed,
    known_years,
    left_out,
    name_of,
    names_of,
    part_before,
    touched,
    year_back,
    year_of,
)

BOOKS = tuple((date(n - 1, 7, 1), date(n, 7, 1)) for n in (2023, 2024, 2025)) + ((date(2025, 7, 1), date(2026, 5, 21)),)
CLOCK = Clock(
    date(2023, 5, 21), date(2026, 5, 20), datetime(2026, 5, 21, 3), 7, date(2026, 5, 20), books=BOOKS,
    contacts_from_on=date(2024, 7, 3),
)  # fmt: skip
LATELY = Period(date(2026, 5, 1), date(2026, 5, 21))
FY24, FY25 = Period(date(2023, 7, 1), date(2024, 7, 1)), Period(date(2024, 7, 1), date(2025, 7, 1))
FY26 = Period(date(2025, 7, 1), date(2026, 5, 21), whole_to_on=date(2026, 7, 1))


@pytest.mark.parametrize(
    ("day", "first_month", "year"),
    [
        (date(2025, 6, 30), 7, 2025), (date(2025, 7, 1), 7, 2026), (date(2026, 1, 1), 1, 2026),
        (date(2026, 12, 31), 1, 2026), (date(2025, 10, 1), 10, 2026), (date(2025, 9, 30), 10, 2025),
    ],
)  # fmt: skip
def test_a_fiscal_year_is_called_by_the_year_it_ends_in(day, first_month, year):
    assert year_of(day, first_month) == year


def test_years_are_named():
    assert name_of(date(2025, 7, 1)) == "FY 2026" and name_of(date(2026, 1, 1)) == "FY 2026"
    assert names_of(FY25, 7) == "FY 2025" and names_of(FY26, 7) == "FY 2026 to date"
    assert names_of(replace(FY26, from_on=FY24.from_on), 7) == "FY 2024–2026 to date"


def test_a_year_that_began_before_the_data_is_not_told():
    assert known_years(CLOCK) == (FY24, FY25, FY26)
    assert left_out(Period(date(2023, 6, 1), date(2024, 1, 1)), CLOCK) == ("FY 2023",)
    assert left_out(LATELY, CLOCK) == ()


def test_with_contacts_only_years_whose_contacts_are_known():
    assert known_years(CLOCK, contacts=True) == (FY25, FY26)  # two days late: a holiday, and a day after it
    assert known_years(replace(CLOCK, contacts_from_on=None), contacts=True) == ()
    assert left_out(FY24, CLOCK, contacts=True) == ("FY 2024",)


def test_all_days_of_the_years_that_a_period_touches():
    assert touched(LATELY, CLOCK) == FY26
    assert touched(Period(date(2025, 6, 30), date(2025, 7, 2)), CLOCK) == replace(FY26, from_on=FY25.from_on)
    assert touched(Period(date(2024, 1, 1), date(2024, 1, 2)), CLOCK) == FY24
    assert touched(Period(date(2023, 6, 1), date(2023, 6, 2)), CLOCK) is None
    assert touched(Period(date(2026, 7, 1), date(2026, 8, 1)), CLOCK) is None


def test_years_after_one_that_is_unknown():
    gap = replace(CLOCK, books=(BOOKS[1], BOOKS[3]))
    whole = Period(date(2023, 7, 1), date(2026, 5, 21))
    assert touched(whole, gap) == FY26
    assert year_back(1)(whole, gap) is None  # two years ago is no year before
    assert left_out(whole, gap) == ("FY 2024",)


def test_books_that_end_earlier_than_the_data_end_the_year():
    early = replace(CLOCK, books=(*BOOKS[:3], (date(2025, 7, 1), date(2026, 4, 1))))
    assert touched(LATELY, early) == Period(date(2025, 7, 1), date(2026, 4, 1), whole_to_on=date(2026, 7, 1))
    late = replace(CLOCK, books=(*BOOKS[:3], (date(2025, 7, 1), date(2026, 7, 1))))
    assert touched(LATELY, late) == FY26


def test_years_before():
    assert [year_back(n)(LATELY, CLOCK) for n in range(4)] == [FY26, FY25, FY24, None]
    assert year_back(1, contacts=True)(LATELY, CLOCK) == FY25
    assert year_back(0)(FY25, CLOCK) == FY25 and year_back(0)(Period(date(2020, 1, 1), date(2020, 2, 1)), CLOCK) is None


def test_the_same_part_of_the_years_before():
    assert part_before()(LATELY, CLOCK) == Period(date(2024, 7, 1), date(2025, 5, 21))
    assert part_before()(FY25, CLOCK) == Period(FY24.from_on, FY24.to_on)
    assert part_before()(FY24, CLOCK) is None  # before the data
    both = Period(date(2025, 6, 30), date(2026, 5, 21))
    assert part_before()(both, CLOCK) is None  # two years before two years
    assert part_before(one_year=True)(both, CLOCK) == Period(date(2024, 7, 1), date(2025, 5, 21))
    assert part_before(contacts=True)(FY25, CLOCK) is None


def test_how_much_of_a_year_is_gone():
    assert elapsed(FY25) == 1.0 and elapsed(FY26) == pytest.approx(324 / 365)
