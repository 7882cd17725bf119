"""Direct standardisation: what the mix of requests explains is no gap, errors are those of a bootstrap of requests."""

import numpy as np
import pytest

from dashboard.domain.standardisation import FEWEST, standardise_directly, towards_none
from dashboard.domain.survival import kaplan_meier


def summed(area, kind, values, areas, *coarser):
    """The comparison, from single requests."""
    area, kind, values = np.asarray(area), np.asarray(kind), np.asarray(values, float)
    ones = np.ones(len(values))
    return standardise_directly(area, [kind, *coarser], ones, values, values**2, areas)


def test_two_districts_worked_out_by_hand():
    """Ten of each kind in A (2 and 20 days), thirty quick and five slow ones in B (4 and 20 days)."""
    area = np.repeat([0, 0, 1, 1], [10, 10, 30, 5])
    kind = np.repeat([0, 1, 0, 1], [10, 10, 30, 5])
    values = np.repeat([2.0, 20.0, 4.0, 20.0], [10, 10, 30, 5])
    found = summed(area, kind, values, 2)
    # the city: 40 quick ones in (10·2 + 30·4) / 40 = 3.5 days, 15 slow ones in 20
    city = (40 * 3.5 + 15 * 20) / 55
    assert found.city == pytest.approx([city] * 2) and found.covered.tolist() == [1, 1]
    assert found.here == pytest.approx([(40 * 2 + 15 * 20) / 55, (40 * 4 + 15 * 20) / 55])
    assert found.gap == pytest.approx([-40 * 1.5 / 55, 40 * 0.5 / 55]) and found.n.tolist() == [20, 35]
    assert found.ratio == pytest.approx(found.here / city)
    assert found.error.tolist() == [0, 0] and np.isnan(found.z).all()  # nothing varies within a kind


def test_a_mix_of_requests_is_no_gap():
    """Raw means differ by nearly ten days; for the same mix nothing is left."""
    rng = np.random.default_rng(3)
    area = np.repeat([0, 1], 4000)
    slow = rng.random(8000) < np.where(area == 0, 0.8, 0.2)
    values = rng.exponential(np.where(slow, 20.0, 4.0))
    raw = [values[area == one].mean() for one in (0, 1)]
    found = summed(area, slow.astype(int), values, 2)
    assert raw[0] - raw[1] > 8 and (np.abs(found.z) < 3).all() and (np.abs(found.gap) < 0.7).all()
    # and swapping the mixes changes nothing of what is left
    other = summed(1 - area, slow.astype(int), values, 2)
    assert other.gap == pytest.approx(found.gap[::-1])


def test_errors_are_those_of_a_bootstrap():
    rng = np.random.default_rng(11)
    n = 3000
    area = rng.choice(4, n, p=[0.1, 0.2, 0.3, 0.4]) - 1  # one in ten lies in no district
    kind = rng.choice(5, n, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    values = rng.gamma(1.5, (kind + 1) * np.where(area == 1, 1.2, 1.0))
    found = summed(area, kind, values, 3)
    cells = area * 5 + kind
    members = [np.flatnonzero(cells == cell) for cell in np.unique(cells)]
    drawn = []
    for _ in range(600):  # within cells: how many there are of each kind is the mix that is held fast
        at = np.concatenate([rng.choice(one, len(one)) for one in members])
        again = summed(area[at], kind[at], values[at], 3)
        drawn.append([again.gap, np.log(again.ratio)])
    gaps, ratios = np.std(drawn, axis=0)
    # within kinds the variance is told for the area and the rest together
    assert found.error == pytest.approx(gaps, rel=0.25) and found.log_error == pytest.approx(ratios, rel=0.25)
    assert found.z[1] > 3 > abs(found.z[2])


def test_limits_of_chance_hold_what_they_promise():
    rng = np.random.default_rng(5)
    outside = 0
    for _ in range(400):
        area, kind = rng.integers(0, 5, 600), rng.integers(0, 4, 600)
        found = summed(area, kind, rng.exponential(kind + 1.0), 5)
        outside += int((np.abs(found.z) > 1.96).sum())
    assert 0.035 < outside / 2000 < 0.065


def test_few_of_a_kind_are_compared_with_a_coarser_kind_and_none_with_nothing():
    """A has four of each of two fine kinds of one coarse kind, and four of another that nobody else has."""
    area = np.repeat([0, 0, 1, 1, 0], [4, 4, 20, 20, 4])
    fine = np.repeat([0, 1, 0, 1, 2], [4, 4, 20, 20, 4])
    coarse = np.repeat([0, 0, 0, 0, 1], [4, 4, 20, 20, 4])
    values = np.repeat([1.0, 3.0, 2.0, 4.0, 9.0], [4, 4, 20, 20, 4])
    assert FEWEST == 5
    alone = summed(area, fine, values, 2)
    assert np.isnan(alone.gap[0]) and np.isnan(alone.covered[0]) and alone.n[0] == 0
    found = summed(area, fine, values, 2, coarse)
    assert found.n.tolist() == [8, 40] and found.covered == pytest.approx([48 / 52, 48 / 52])
    assert found.here == pytest.approx([2, 3]) and found.city == pytest.approx([(8 * 2 + 40 * 3) / 48] * 2)


def test_what_lies_in_no_district_is_a_part_of_the_city():
    area, kind = np.repeat([0, -1], [10, 30]), np.zeros(40, int)
    found = summed(area, kind, np.repeat([1.0, 5.0], [10, 30]), 1)
    assert found.city.tolist() == [4] and found.gap.tolist() == [-3]


def test_nothing_is_compared_with_nothing():
    for areas in (0, 2):
        found = standardise_directly([], [np.zeros(0, int)], [], [], [], areas)
        assert len(found.gap) == areas and np.isnan(found.gap).all()
    lonely = summed(np.zeros(20, int), np.zeros(20, int), np.arange(20.0), 1)
    assert np.isnan(lonely.gap).all()  # one district alone has no rest to be held against


def test_shares_are_compared_by_their_counts():
    """Of shares the squares are the sums: the pooled variance is p (1 − p)."""
    n, kept = np.array([200.0, 800.0]), np.array([150.0, 700.0])
    found = standardise_directly([0, 1], [np.zeros(2, int)], n, kept, kept, 2)
    pooled = (150 * 50 / 200 + 700 * 100 / 800) / 998
    assert found.gap == pytest.approx([0.75 - 0.85, 0.875 - 0.85])
    assert found.error == pytest.approx([0.8 * np.sqrt(pooled / 200 + pooled / 800)] + [0.2 * np.sqrt(pooled / 160)])


def test_a_mean_up_to_a_horizon_is_the_area_under_the_survival_curve():
    """Where everything is old enough, Σ min(t, τ) ÷ n is the restricted mean of Kaplan and Meier."""
    rng = np.random.default_rng(8)
    seconds, horizon = rng.exponential(40.0, 500), 60.0
    curve = kaplan_meier(seconds, np.ones(500), np.zeros(500))
    inside = curve.times < horizon
    steps = np.concatenate([[0.0], curve.times[inside], [horizon]])
    area = float((np.concatenate([[1.0], curve.share[inside]]) * np.diff(steps)).sum())
    assert np.minimum(seconds, horizon).mean() == pytest.approx(area)


def test_gaps_of_few_are_drawn_towards_none():
    gap, error = np.array([2.0, -2.0, 2.0, np.nan]), np.array([0.5, 1.0, 4.0, 1.0])
    drawn, spread = towards_none(gap, error)
    w = 1 / error[:3] ** 2
    assert spread == pytest.approx((w * (4 - error[:3] ** 2)).sum() / w.sum()) and spread > 0
    assert drawn[:3] == pytest.approx(gap[:3] * spread / (spread + error[:3] ** 2)) and np.isnan(drawn[3])
    assert abs(drawn[0]) > abs(drawn[1]) > abs(drawn[2])
    none, spread = towards_none([0.5, -0.4], [1.0, 1.0])
    assert spread == 0 and none.tolist() == [0, 0]  # no more than chance brings
