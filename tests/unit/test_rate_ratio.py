"""Ratios of rates: an independent exact interval, the test it inverts, and the ends."""

import numpy as np
import pytest
from scipy.stats import binomtest

from dashboard.domain.rate_ratio import rate_ratio


@pytest.mark.parametrize(("a", "on", "b", "off"), [(41, 28_010, 15, 19_017), (7, 1.0, 12, 3.0), (300, 5.0, 280, 4.0)])
def test_the_interval_is_that_of_the_share_told_as_a_ratio(a, on, b, off):
    ratio, low, high = rate_ratio(a, on, b, off)
    assert ratio == pytest.approx((a / on) / (b / off))
    share = binomtest(a, a + b).proportion_ci(method="exact")
    assert (low, high) == pytest.approx(tuple(s / (1 - s) * off / on for s in share))
    # An end is the ratio of which an exact test leaves one in forty as extreme.
    for end, side in ((low, "greater"), (high, "less")):
        assert binomtest(a, a + b, end * on / (end * on + off), side).pvalue == pytest.approx(0.025)


def test_breast_cancer_after_fluoroscopy_as_published():
    # 41 cases in 28,010 woman-years, 15 in 19,017 (Rothman and Greenland, Modern Epidemiology); as the manual of Stata
    # has it for “iri 41 15 28010 19017”.
    assert rate_ratio(41, 28_010, 15, 19_017) == pytest.approx((1.855759, 1.005684, 3.6093), rel=1e-5)


def test_none_on_either_side():
    ratio, low, high = rate_ratio(0, 10, 5, 10)
    assert (ratio, low) == (0, 0) and 0 < high < 2
    ratio, low, high = rate_ratio(5, 10, 0, 10)
    assert ratio == high == np.inf and low > 0.5
    assert np.isnan(rate_ratio(0, 10, 0, 10)).all()
    assert np.isnan(rate_ratio(3, 0, 2, 10)).all()
