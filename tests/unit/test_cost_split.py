"""The price–volume split adds up whatever the numbers; constant prices; what one more came with."""

from datetime import date

import numpy as np
import pytest

from dashboard.domain.costs import marginal, price_level, risen, split
from dashboard.domain.filters import Period
from dashboard.domain.published_costs import PUBLISHED
from data_access.measures import CATALOGUE
from data_access.semantics import Ratio
from layouts.components import money, number
from layouts.views.cost.change import changed


def test_the_split_by_hand():
    """100 at 5 became 120 at 6: 20 more at 5, and 120 at 1 more, of which a tenth of 5 is what all prices did."""
    found = split(500, 720, 100, 120, risen=1.1)
    assert found is not None and found.change == 220
    assert (found.volume, found.prices, found.own) == (100, pytest.approx(60), pytest.approx(60))
    plain = split(500, 720, 100, 120)
    assert plain is not None and (plain.volume, plain.prices, plain.own) == (100, 0, 120)


def test_the_split_adds_up():
    rng = np.random.default_rng(12)
    for before, after, v0, v1, times in rng.uniform(0.01, 1e6, (500, 5)):
        found = split(before, after, v0, v1, times)
        assert found is not None
        assert found.volume + found.prices + found.own == pytest.approx(after - before, rel=1e-9, abs=1e-3 * times)
        u0, u1 = before / v0, after / v1
        assert found.volume == pytest.approx((v1 - v0) * u0)  # measures reference, E
        assert found.prices + found.own == pytest.approx(v1 * (u1 - u0), rel=1e-9, abs=1e-3 * times)


def test_nothing_is_split_without_work():
    assert split(500, 720, 0, 120) is None and split(500, 720, 100, 0) is None


def test_what_one_more_came_with():
    assert marginal(500, 720, 100, 120) == 11
    assert marginal(500, 720, 100, 104) is None  # hardly moved
    assert marginal(500, 720, 0, 104) is None


def test_a_year_to_date_is_held_against_the_same_part():
    """Events count in full, everything else at what each cost in the whole year before."""
    one = changed((900.0, 100.0, 80.0), (1030.0, 30.0, 100.0), 75.0)
    assert (one.before, one.after) == (750 + 30, 900)
    found = one.split(None)
    assert found is not None
    assert found.volume == pytest.approx(5 * 10) and found.own == pytest.approx(80 * (10 - 10.0))
    assert one.usual_after - one.usual_before == pytest.approx(found.volume + found.prices + found.own)
    whole = changed((900.0, 100.0, 80.0), (1030.0, 30.0, 100.0), 100.0)
    assert whole.before == 1030


def test_prices_of_a_fiscal_year_are_those_of_its_months():
    index = {2024: 100.0, 2025: 106.0, 2026: 112.0}
    year = Period(date(2024, 7, 1), date(2025, 7, 1))
    assert price_level(index, year) == 103.0
    assert price_level(index, Period(date(2025, 7, 1), date(2026, 5, 21))) == pytest.approx((6 * 106 + 5 * 112) / 11)
    assert price_level(index, Period(date(2025, 1, 1), date(2026, 1, 1))) == 106.0
    assert price_level({2024: 100.0}, year) is None
    assert risen(index, year, Period(date(2025, 7, 1), date(2026, 7, 1))) == pytest.approx(109 / 103)
    assert risen({}, year, year) is None


def test_published_figures_are_held_only_against_measures_that_count_alike():
    for one in PUBLISHED:
        measure = CATALOGUE[one.like]
        assert isinstance(measure, Ratio) and measure.unit == "money"
        assert ("salaries" in one.said) == (one.like == "pay_per_contact")


@pytest.mark.parametrize(
    ("value", "said"),
    [(3.392, "$3.39"), (99.99, "$99.99"), (0.0, "$0"), (412.4, "$412"), (18_240.4, "$18,240"), (-58_765, "−$58,765"),
     (1_843_000, "$1.84\u00a0M"), (121_615_600, "$121.6\u00a0M"), (None, "–"), (float("nan"), "–")],
)  # fmt: skip
def test_money_in_words(value, said):
    assert money(value, "USD") == said


def test_other_currencies():
    assert money(3.392, "EUR") == "€3.39" and money(412, "CHF") == "CHF\u00a0412"
    assert money(412.4, "USD", 2) == "$412.40" and number(1234.5, "money") == "1,234.50"
