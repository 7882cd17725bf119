"""Where nothing clusters nothing is called a hotspot, but for the share agreed; nor beside a cluster that is real."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from dashboard.domain.getis_ord import exact_permutation_p, gi_star
from dashboard.domain.hotspots import standing
from dashboard.domain.multiple_testing import benjamini_hochberg
from dashboard.domain.neighbours import Neighbours

SIDE = 20
LEVEL = 0.05


@pytest.fixture(scope="module")
def lattice():
    """400 hexagons, in rows that each lie half a step further."""
    steps = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, 1), (1, -1))
    return Neighbours.of(
        [(r + a) * SIDE + c + b for a, b in steps if 0 <= r + a < SIDE and 0 <= c + b < SIDE]
        for r in range(SIDE)
        for c in range(SIDE)
    )


def test_cities_of_chance_raise_no_more_alarms_than_agreed(lattice):
    # Where no place clusters, every alarm is false: the false discovery rate is the share of cities with any. 200
    # cities, some of each density, so that no kind of test may hide behind another.
    rng = np.random.default_rng(311)
    alarms = {"normal": np.zeros(3, int), "permutation": np.zeros(3, int), "as shown": np.zeros(3, int)}
    cities = (100, 50, 50)
    for density, (mean, number) in enumerate(zip((0.3, 2.0, 10.0), cities, strict=True)):
        for _ in range(number):
            counts = rng.poisson(mean, SIDE**2)
            shown = standing(counts, lattice, None)
            p = {
                "normal": 2 * norm.sf(np.abs(gi_star(counts, lattice))),
                "permutation": exact_permutation_p(counts, lattice),
            }
            for name, one in p.items():
                alarms[name][density] += (benjamini_hochberg(one) < LEVEL).any()
            alarms["as shown"][density] += (shown.hot | shown.cold).any()
    # With a true rate of 5 % no more than 18 of 200 have an alarm in 99 of 100 runs of this test, 11 of 100, 7 of 50.
    most = binom.ppf(0.99, 200, LEVEL)
    for name in ("permutation", "as shown"):
        assert alarms[name].sum() <= most
        assert (alarms[name] <= binom.ppf(0.99, cities, LEVEL)).all()
    # The normal distribution does not hold it where places have 0.3: therefore it is not used.
    assert alarms["normal"][0] > 2 * binom.ppf(0.99, cities[0], LEVEL)


@pytest.mark.parametrize("mean", [0.3, 2.0])
def test_beside_a_real_cluster_few_of_those_found_are_false(lattice, mean):
    rng = np.random.default_rng(7)
    planted = np.array([8 * SIDE + 8, 8 * SIDE + 9, 9 * SIDE + 8])
    touched = np.isin(np.arange(SIDE**2), planted) | (
        lattice.sums(np.isin(np.arange(SIDE**2), planted).astype(int)) > 0
    )
    false_share, all_found = [], 0
    for _ in range(40):
        counts = rng.poisson(mean, SIDE**2)
        counts[planted] = rng.poisson(10 * mean + 3, 3)
        found = standing(counts, lattice, None)
        out = found.hot | found.cold
        false_share.append((out & ~touched).sum() / max(1, out.sum()))
        all_found += found.hot[planted].all()
    assert np.mean(false_share) <= LEVEL + 2.33 * np.std(false_share) / np.sqrt(40)
    assert all_found >= 38


def test_numbers_that_rise_across_a_city_leave_no_half_of_it_standing_out(lattice):
    """Taken away round by round, the upper part would leave all above the mean standing out, down to z = 0."""
    rng = np.random.default_rng(11)
    across = np.tile(np.linspace(-1, 1, SIDE), SIDE)
    for _ in range(5):
        counts = rng.poisson(90 * (1 + 0.25 * across))
        found = standing(counts, lattice, None)
        at_once = benjamini_hochberg(exact_permutation_p(counts, lattice, with_self=True))
        first = (at_once < LEVEL) & (found.z > 0)
        assert first.sum() <= found.hot.sum() <= 1.2 * first.sum() and found.z[found.hot].min() > 1.5


def test_what_lies_above_the_rest_is_not_called_low_beside_what_is_far_higher(lattice):
    rng = np.random.default_rng(5)
    high, middle = [8 * SIDE + 8, 8 * SIDE + 9, 9 * SIDE + 8], [15 * SIDE + at for at in range(10, 14)]
    above = np.isin(np.arange(SIDE**2), middle)
    for _ in range(5):
        counts = rng.poisson(2, SIDE**2)
        counts[middle] = 6
        counts[high] = 400
        found = standing(counts, lattice, None)
        assert (found.z[above] < 0).all() and found.hot[high].all()  # all places hold more than twice those of most
        assert ((counts + lattice.sums(counts))[found.cold] < 7).all()  # two in each of seven are usual
