"""Observed over expected: the reference's vector, strata that are too small, and agents of equal skill."""

import numpy as np
import pytest

from dashboard.domain.case_mix import standardise
from dashboard.domain.funnel import outside_by_score

INFO, REQUEST = 0, 1
MEAN_S = {INFO: 150.0, REQUEST: 420.0}


def rows_of(*people):
    """Rows from ``{stratum: (calls, mean seconds)}`` per person, every call as long as the mean."""
    rows = [(who, s, n, n * m, n * m * m) for who, calls in enumerate(people) for s, (n, m) in calls.items()]
    who, stratum, n, seconds, squares = (np.array(column) for column in zip(*rows, strict=True))
    return who, [stratum, np.zeros(len(who), int)], n, seconds, squares, len(people)


def test_the_vector_of_the_reference_in_which_the_ranking_reverses():
    others = {INFO: (500, 150), REQUEST: (500, 420)}
    a = standardise(*rows_of({INFO: (80, 155), REQUEST: (20, 430)}, others))
    b = standardise(*rows_of({INFO: (20, 145), REQUEST: (80, 410)}, others))
    assert a.observed[0] / a.n[0] == 210 and a.expected[0] / a.n[0] == pytest.approx(204)
    assert b.observed[0] / b.n[0] == 357 and b.expected[0] / b.n[0] == pytest.approx(366)
    assert (round(float(a.ratio[0]), 3), round(float(b.ratio[0]), 3)) == (1.029, 0.975)


def test_nobody_is_compared_with_themselves():
    found = standardise(*rows_of({INFO: (1000, 300)}, {INFO: (10, 150)}))
    assert found.ratio.tolist() == [2.0, 0.5]


def test_a_stratum_in_which_the_others_took_fewer_than_five_calls_collapses_upward():
    rare = 2
    few = standardise(*rows_of({rare: (10, 300)}, {rare: (4, 1000), INFO: (96, 150)}))
    assert few.expected[0] / few.n[0] == pytest.approx((4 * 1000 + 96 * 150) / 100)
    enough = standardise(*rows_of({rare: (10, 300)}, {rare: (5, 1000), INFO: (95, 150)}))
    assert enough.expected[0] / enough.n[0] == 1000
    alone = standardise(*rows_of({INFO: (10, 300)}))
    assert alone.n[0] == 0 and np.isnan(alone.ratio[0])


def centre(rng, mixes, skills, calls=400):
    """A floor of agents: each call's seconds log-normal around its kind's mean times the agent's own pace."""
    rows = []
    for who, (mix, skill) in enumerate(zip(mixes, skills, strict=True)):
        requests = rng.binomial(calls, mix)
        for stratum, n in ((INFO, calls - requests), (REQUEST, requests)):
            s = MEAN_S[stratum] * skill * rng.lognormal(-0.125, 0.5, n)
            rows.append((who, stratum, n, s.sum(), (s**2).sum()))
    who, stratum, n, seconds, squares = (np.array(column) for column in zip(*rows, strict=True))
    return standardise(who, [stratum, np.zeros(len(who), int)], n, seconds, squares, len(mixes))


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(15)
    held = []
    for _ in range(100):
        low, high = centre(rng, np.linspace(0.1, 0.9, 20), np.ones(20), calls=120).interval()
        held.append((low <= 1) & (high >= 1))
    assert 0.93 < np.mean(held) < 0.97


def test_swapping_two_agents_calls_flags_neither_of_equal_skill():
    mixes = [0.05, 0.95, *np.linspace(0.3, 0.7, 18)]
    flagged = 0
    for seed in range(40):
        sides = [
            outside_by_score(centre(np.random.default_rng([seed, turn]), order, np.ones(20)).z)
            for turn, order in enumerate((mixes, [mixes[1], mixes[0], *mixes[2:]]))
        ]
        flagged += np.count_nonzero(sides[0][:2] * sides[1][:2] > 0)
    assert flagged == 0


def test_an_agent_who_is_slow_at_every_kind_of_call_is_found_whatever_they_get():
    for mix in (0.05, 0.5, 0.95):
        found = centre(np.random.default_rng(3), [mix, *[0.5] * 19], [1.4, *[1.0] * 19])
        assert found.ratio[0] == pytest.approx(1.4, rel=0.08)
        assert outside_by_score(found.z)[0] == 1
