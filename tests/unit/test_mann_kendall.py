"""Trends: the reference's vector, scipy, and brute force over ties and gaps."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import kendalltau, norm

from dashboard.domain.mann_kendall import mann_kendall

VECTOR = [2.1, 2.3, 2.2, 2.8, 3.1, 3.0, 3.4, 3.9, 3.7, 4.2, 4.1, 4.6]


def test_the_vector_of_the_reference():
    trend = mann_kendall(VECTOR)
    assert trend.s == 58
    assert trend.var == pytest.approx(212.667, abs=5e-4)
    assert trend.z == pytest.approx(3.908635, abs=5e-7)
    assert trend.p == pytest.approx(9.28e-5, abs=5e-8)
    down = mann_kendall(VECTOR[::-1])
    assert (down.s, down.z, down.p) == (-58, -trend.z, trend.p)


def test_rows_with_ties_and_gaps_one_by_one():
    rng = np.random.default_rng(4)
    rows = rng.integers(0, 5, (30, 24)).astype(float)
    rows[rng.random(rows.shape) < 0.15] = np.nan
    trend = mann_kendall(rows)
    for i, row in enumerate(rows):
        y = row[~np.isnan(row)]
        n, ties = len(y), np.unique(y, return_counts=True)[1]
        assert trend.s[i] == sum(np.sign(b - a) for a, b in combinations(y, 2))
        assert trend.var[i] == pytest.approx(
            (n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
        )
        if abs(trend.s[i]) > 1:  # scipy does not move S by one towards 0
            uncorrected = trend.z[i] * trend.s[i] / (trend.s[i] - np.sign(trend.s[i]))
            theirs = kendalltau(np.arange(n), y, method="asymptotic").pvalue
            assert 2 * norm.sf(abs(uncorrected)) == pytest.approx(theirs, rel=1e-9)


def test_no_change_and_too_few_points():
    trend = mann_kendall(np.ones((2, 12)))
    assert (trend.s.tolist(), trend.z.tolist(), trend.p.tolist()) == ([0, 0], [0, 0], [1, 1])
    nine = np.arange(9.0)
    assert all(np.isnan(part) for part in mann_kendall(nine))
    assert mann_kendall(nine, least=2).s == 36
    assert np.isnan(mann_kendall(np.full((2, 12), np.nan)).p).all()
    assert mann_kendall(np.empty((0, 12))).z.shape == (0,)
