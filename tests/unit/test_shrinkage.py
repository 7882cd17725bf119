"""Shares shrunk to the mean: the reference's vector, and the two ends."""

import numpy as np
import pytest

from dashboard.domain.shrinkage import beta_binomial


def test_the_vector_of_the_reference():
    found = beta_binomial([48, 30, 190, 88, 9, 140], [60, 50, 200, 100, 10, 160])
    assert round(found.mean, 6) == 0.870690
    assert round(found.phi, 6) == 0.095759
    assert round(found.weight, 6) == 9.442859
    assert np.round(found.share, 4).tolist() == [0.8096, 0.6430, 0.9464, 0.8792, 0.8858, 0.8748]


def test_where_all_are_equal_everybody_has_the_mean():
    found = beta_binomial([8, 16, 80], [10, 20, 100])
    assert found.phi == 0 and found.share.tolist() == [0.8, 0.8, 0.8]


def test_nobody_and_nothing():
    assert np.isnan(beta_binomial([0, 0], [0, 0]).share).all()
    assert beta_binomial([5], [5]).share.tolist() == [1.0]
    assert beta_binomial([90, 10, 0], [100, 100, 0]).share[2] == pytest.approx(0.5)
    with pytest.raises(ValueError, match="none and all"):
        beta_binomial([3], [2])
