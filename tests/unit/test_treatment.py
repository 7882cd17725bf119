"""Whether treatment helped: a hand-worked city, one where it halves what comes back, and ones where it does nothing."""

import numpy as np
import pytest

from dashboard.domain.treatment import BEFORE_DAYS, CLEAR_DAYS, effect_of_treatment

DAYS = 420


def simulated(seed, hazard_after):
    """A report brings a visit, half the visits a treatment, which multiplies what is reported for 60 days."""
    rng = np.random.default_rng(seed)
    places = 250
    level = rng.uniform(0.004, 0.02, places)
    treated_until = np.full(places, -1)
    counts = np.zeros((places, DAYS), np.int64)
    visits = []
    for today in range(DAYS):
        counts[:, today] = rng.random(places) < level * np.where(treated_until >= today, hazard_after, 1.0)
        for place in np.flatnonzero(counts[:, today]):
            is_treated = rng.random() < 0.5
            visits.append((place, today, is_treated))
            if is_treated:
                treated_until[place] = today + 60
    place, day, is_treated = (np.array(column) for column in zip(*visits, strict=True))
    return counts, place, day, is_treated


def test_treatment_that_works_is_seen_to_and_by_how_much():
    # Within 60 days 1 − exp(−60 h) come back on average of places so visited: about 0.53, and 0.21 with h a quarter.
    city = simulated(1, 0.25)
    for within, least in ((30, 0.1), (60, 0.15)):
        effect = effect_of_treatment(*city, within_days=within)
        assert effect.treated > 150 and effect.controls > 2.5 * effect.treated
        assert effect.high < 0 and effect.low < effect.difference < -least
        assert effect.treated_again / effect.treated < effect.controls_again / effect.controls - least


def test_treatment_that_does_nothing_is_rarely_said_to_do_something():
    effects = [effect_of_treatment(*simulated(seed, 1.0), within_days=30) for seed in range(12)]
    assert sum(one.low <= 0 <= one.high for one in effects) >= 10
    assert np.mean([one.difference for one in effects]) == pytest.approx(0, abs=0.02)


def test_a_city_by_hand():
    # Day 200 is looked at. Reports in the 182 and in the 14 days before: place 0 has 3 and 1; 1 the same; 2 too many
    # before; 3 none lately; 4 the same as 0 but was treated 30 days ago; 5 the same and is visited too late.
    counts = np.zeros((6, DAYS), np.int64)
    for place, days in enumerate(([50, 90, 199], [60, 61, 198], [40, 41, 42, 43, 44, 195], [50, 60, 70], [50, 90, 199],
                                  [50, 90, 210])):  # fmt: skip
        counts[place, days] = 1
    counts[1, 229] = 1  # comes back after 29 days
    counts[0, 231] = 1  # after 31
    visits = [(0, 200, True), (1, 200, False), (2, 201, False), (3, 199, False), (4, 200, False), (4, 170, True),
              (5, 215, False)]  # fmt: skip
    # Place 4 is treated on day 170, before it could be looked back BEFORE_DAYS, so it is not followed itself.
    assert BEFORE_DAYS > 170 and CLEAR_DAYS > 30
    place, day, is_treated = (np.array(column) for column in zip(*visits, strict=True))
    found = effect_of_treatment(counts, place, day, is_treated, within_days=30)
    assert (found.treated, found.treated_again, found.controls, found.controls_again) == (1, 0, 1, 1)
    assert found.difference == -1
    found = effect_of_treatment(counts, place, day, is_treated, within_days=60)
    assert (found.treated, found.treated_again, found.controls, found.controls_again) == (1, 1, 1, 1)
    assert found.difference == 0
    # Treated again within the time it is followed it counts once; afterwards it counts anew, but finds no match here.
    again = effect_of_treatment(
        counts, np.append(place, 0), np.append(day, 220), np.append(is_treated, True), within_days=30
    )
    assert again.treated == 1


def test_what_cannot_be_followed_is_not_counted():
    counts = np.ones((2, DAYS), np.int64)
    place, is_treated = np.array([0, 1]), np.array([True, False])
    followed = [DAYS - 31, DAYS - 30, BEFORE_DAYS, BEFORE_DAYS - 1]
    n = [effect_of_treatment(counts, place, np.array([on, on]), is_treated, within_days=30).treated for on in followed]
    assert n == [1, 0, 1, 0]
    none = effect_of_treatment(counts, place, np.array([300, 300]), np.array([True, True]), within_days=30)
    assert (none.treated, none.controls) == (0, 0)
    assert np.isnan([none.difference, none.low, none.high]).all()
