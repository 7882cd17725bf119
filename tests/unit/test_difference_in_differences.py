"""Difference in differences: the published vector, what makes it less sure, and how often it errs where nothing was."""

import numpy as np
import pytest

from dashboard.domain.difference_in_differences import (
    DRAWS,
    Effect,
    Four,
    Units,
    before_and_after,
    difference_in_differences,
    dispersion,
    drift,
    drift_that_explains,
    event_study,
    log_se_by_unit,
    placebo_groups,
    scatter,
)

COUNTS = Four(864, 432, 540, 513)
EXPOSURE = Four(14_400, 14_400, 10_800, 10_800)


def test_the_published_meters():
    # Measures reference, D3: 60 → 30 and 50 → 47.5 per 1,000 meter-months.
    effect = difference_in_differences(COUNTS, EXPOSURE)
    assert effect.ratio == pytest.approx(0.526316, abs=5e-7)
    assert (effect.low, effect.high) == pytest.approx((0.445, 0.622), abs=5e-4)
    assert effect.log_se == pytest.approx(0.085284, abs=5e-7)
    assert effect.direction == -1
    naive = before_and_after(864, 432, 14_400, 14_400)
    assert naive.ratio == pytest.approx(0.5)
    assert naive.log_se == pytest.approx(np.sqrt(1 / 864 + 1 / 432))


def test_what_varies_more_is_less_sure():
    twice = difference_in_differences(COUNTS, EXPOSURE, dispersion=4.0)
    assert twice.log_se == pytest.approx(2 * 0.0852842, abs=1e-6)
    assert difference_in_differences(COUNTS, EXPOSURE, dispersion=0.5).log_se == pytest.approx(0.0852842, abs=1e-6)
    assert difference_in_differences(COUNTS, EXPOSURE, log_se=0.3).log_se == 0.3
    assert difference_in_differences(COUNTS, EXPOSURE, log_se=0.01).log_se == pytest.approx(0.0852842, abs=1e-6)


def test_too_few_are_not_told():
    for counts, exposure in ((Four(9, 20, 20, 20), EXPOSURE), (COUNTS, Four(0, 1, 1, 1))):
        effect = difference_in_differences(counts, exposure)
        assert not effect.is_known and effect.direction == 0 and np.isnan(effect.ratio)
    assert not before_and_after(9, 90, 1, 1).is_known


def test_season_that_both_feel_is_no_spread():
    season = 1 + 0.8 * np.sin(np.arange(24) / 2)
    is_after = np.arange(24) >= 12
    treated, comparison = 100 * season * np.where(is_after, 0.5, 1), 70 * season
    one = np.ones(24)
    assert dispersion(treated, comparison, (one, one), is_after) == 1.0
    # By hand: 20 of 40, 30 of 40, 10 of 40, over a common half: χ² = (0 + 100 + 100) ÷ (40 · ¼) = 20 on 2.
    three = np.array([20, 30, 10.0]), np.array([20, 10, 30.0])
    both = [np.tile(values, 2) for values in three]
    found = dispersion(*both, (np.ones(6), np.ones(6)), np.arange(6) >= 3)
    assert found == pytest.approx((20 + 20) / 4)
    assert np.isnan(dispersion(np.ones(2), np.ones(2), (np.ones(2), np.ones(2)), np.array([False, True])))


def test_seasons_of_their_own_cancel_against_a_year_before():
    season, other = 1 + 0.8 * np.sin(np.arange(12) / 2), 1 + 0.8 * np.cos(np.arange(12) / 2)
    of = tuple(Four(1, 1, 1, 1) for _ in range(12))
    assert scatter((100 * season, 70 * other), (50 * season, 70 * other), of) == 1.0
    wild = 50 * season * np.tile([0.4, 1.6], 6)
    # Woolf's χ² by hand.
    y = np.array([100 * season, wild, 70 * other, 70 * other]) + 0.5
    ratio = np.log(y[1] * y[2] / (y[0] * y[3]))
    weight = 1 / (1 / y).sum(axis=0)
    by_hand = (weight * (ratio - (weight * ratio).sum() / weight.sum()) ** 2).sum() / 11
    assert scatter((100 * season, 70 * other), (wild, 70 * other), of) == pytest.approx(by_hand) and by_hand > 5
    assert np.isnan(scatter((season[:3], season[:3]), (season[:3], season[:3]), of[:3]))


def test_units_that_go_their_own_way_make_it_less_sure():
    one = np.ones(30)
    steady = Units(20 * one, 20 * one, one, one)
    assert log_se_by_unit(steady, steady) == pytest.approx(0)
    before, after = np.where(np.arange(30) < 15, 40.0, 1.0), np.where(np.arange(30) < 15, 1.0, 40.0)
    swapped = Units(before, after, one, one)
    # By hand: each moves the logarithm by ±(40 − 20.5)/615 twice.
    moved = 2 * 19.5 / 615
    assert log_se_by_unit(swapped, steady) == pytest.approx(np.sqrt(30 * moved**2 * 30 / 29))
    few = steady.among(np.arange(30) < 10)
    assert log_se_by_unit(few, steady) == 0.0


def test_each_step_is_held_against_the_others_before():
    treated, comparison = np.array([10, 20, 30, 90.0]), np.array([10, 10, 10, 10.0])
    one = np.ones(4)
    found = event_study(treated, comparison, (one, one), np.array([False, False, False, True]))
    by_hand = [(10 / 10) / (50 / 20), (20 / 10) / (40 / 20), (30 / 10) / (30 / 20), (90 / 10) / (60 / 30)]
    assert [effect.ratio for effect in found] == pytest.approx(by_hand)
    assert found[3].log_se == pytest.approx(np.sqrt(1 / 90 + 1 / 10 + 1 / 60 + 1 / 30))
    empty = event_study(np.array([5, 0, 5.0]), np.ones(3), (np.ones(3), np.ones(3)), np.array([False, True, True]))
    assert not empty[1].is_known


def test_two_that_grow_apart():
    steps = np.arange(12)
    treated, comparison = 200 * 1.05**steps, 150 * (1 + 0.5 * np.sin(steps))
    one = np.ones(12)
    found = drift(treated, comparison * 1.0, (one, one))
    same = drift(comparison, comparison, (one, one))
    assert same.ratio == pytest.approx(1) and same.low < 1 < same.high
    level = drift(treated, np.full(12, 150.0), (one, one))
    assert level.ratio == pytest.approx(1.05, rel=1e-6) and level.low > 1
    assert found.is_known and not drift(treated[:5], comparison[:5], (one[:5], one[:5])).is_known


def test_what_drift_would_explain_it():
    effect = Effect(0.5, 0.4, 0.625, 0.1)
    assert drift_that_explains(effect, 12) == pytest.approx(0.625 ** (1 / 12))
    assert np.isnan(drift_that_explains(Effect(0.9, 0.7, 1.1, 0.1), 12))


def test_each_of_few_units_is_taken_for_treated():
    of = np.ones(4)
    comparison = Units(np.array([20, 30, 40, 50.0]), np.array([20, 30, 40, 100.0]), of, of)
    fakes = placebo_groups(comparison, 0.2)
    assert fakes.names == [0, 1, 2, 3]
    assert fakes.effects[3].ratio == pytest.approx(2.0) and fakes.effects[0].ratio == pytest.approx(120 / 170)
    assert fakes.as_large(Effect(2.0, 1.5, 2.5, 0.1)) == 1
    assert fakes.probability(Effect(3.0, 2, 4, 0.1)) == pytest.approx(1 / 5)
    assert fakes.probability(Effect(0.5, 0.4, 0.6, 0.1)) == pytest.approx(2 / 5)
    assert placebo_groups(comparison.among(np.arange(4) < 2), 0.5).effects == []


def test_parts_of_many_units_are_drawn_alike_every_time():
    rng = np.random.default_rng(1)
    of = np.ones(200)
    comparison = Units(rng.poisson(2, 200).astype(float), rng.poisson(2, 200).astype(float), of, of)
    one, two = placebo_groups(comparison, 0.6), placebo_groups(comparison, 0.6)
    assert one == two and len(one.effects) == DRAWS and not one.names
    assert sum(not effect.direction for effect in one.effects) / DRAWS > 0.9
    assert one.probability(Effect(0.3, 0.2, 0.4, 0.1)) == pytest.approx(1 / (1 + DRAWS))


@pytest.mark.parametrize(("shape", "least", "most"), [(None, 0.935, 0.985), (30.0, 0.9, 0.985)])
def test_where_nothing_was_done_about_nineteen_intervals_in_twenty_hold_one(shape, least, most):
    # Measures reference, acceptance test 14: a placebo in simulated cities, also where months vary more than chance.
    rng = np.random.default_rng(311)
    months = np.arange(24)
    is_after = months >= 12
    season = 1 + 0.5 * np.sin(2 * np.pi * months / 12)
    one = np.ones(24)
    held = 0
    for _ in range(500):
        rates = np.array([70 * season, 45 * season])
        if shape is not None:
            rates = rates * rng.gamma(shape, 1 / shape, rates.shape)  # three times Poisson's variance
        treated, comparison = rng.poisson(rates).astype(float)
        spread = dispersion(treated, comparison, (one, one), is_after)
        sums = [y[part].sum() for y in (treated, comparison) for part in (~is_after, is_after)]
        held += difference_in_differences(Four(*sums), Four(12, 12, 12, 12), spread).direction == 0
    assert least <= held / 500 <= most
