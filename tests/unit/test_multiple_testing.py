"""Benjamini–Hochberg: the reference's vector and scipy's own."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from dashboard.domain.multiple_testing import benjamini_hochberg

VECTOR = np.array([0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216])


def test_the_vector_of_the_reference():
    rejected = benjamini_hochberg(VECTOR) <= 0.05
    assert rejected.sum() == 2
    assert VECTOR[rejected].max() == 0.008


def test_it_agrees_with_scipy_in_any_order_and_column_by_column():
    p = np.random.default_rng(1).beta(0.5, 2, (200, 3))
    q = benjamini_hochberg(p)
    np.testing.assert_allclose(q, false_discovery_control(p, axis=0), rtol=1e-14)
    np.testing.assert_array_equal(benjamini_hochberg(p[:, 1]), q[:, 1])


def test_no_test_does_not_count():
    gaps = np.array([[np.nan, 0.5], [0.01, np.nan], [0.04, np.nan], [np.nan, np.nan]])
    np.testing.assert_allclose(
        benjamini_hochberg(gaps), [[np.nan, 0.5], [0.02, np.nan], [0.04, np.nan], [np.nan, np.nan]]
    )
    assert np.isnan(benjamini_hochberg([np.nan, np.nan])).all()
    assert benjamini_hochberg([]).size == 0
    with pytest.raises(ValueError, match="between 0 and 1"):
        benjamini_hochberg([0.5, 1.5])
