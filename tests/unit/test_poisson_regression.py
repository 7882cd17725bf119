"""Poisson regression: published coefficients, another program's covariances, and what cannot be told."""

import numpy as np
import pytest

from dashboard.domain.poisson_regression import fit_poisson, newey_west, usual_lag


def test_a_published_trial():
    # Dobson 1990, An Introduction to Generalized Linear Models, p. 93; as R's help of glm prints it.
    counts = np.array([18, 17, 15, 20, 10, 20, 25, 13, 12.0])
    outcome, treatment = np.tile([1, 2, 3], 3), np.repeat([1, 2, 3], 3)
    design = np.column_stack([np.ones(9), outcome == 2, outcome == 3, treatment == 2, treatment == 3]).astype(float)
    fit = fit_poisson(design, counts, np.ones(9))
    assert fit.coefficients == pytest.approx([3.045, -0.4543, -0.2930, 0, 0], abs=5e-4)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx([0.1709, 0.2022, 0.1927, 0.2, 0.2], abs=5e-5)
    assert fit.dispersion == pytest.approx(5.1732 / 4, abs=1e-4)


def test_difference_in_differences_as_a_regression():
    # Measures reference, D3: GLM with offset gives −0.641854, log-SE 0.085284.
    design = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0], [1, 0, 1, 0.0]])
    exposure = np.array([14_400, 14_400, 10_800, 10_800.0])
    fit = fit_poisson(design, np.array([864, 432, 540, 513.0]), exposure)
    assert fit.coefficients[-1] == pytest.approx(-0.641854, abs=5e-7)
    assert np.sqrt(fit.covariance[-1, -1]) == pytest.approx(0.085284, abs=5e-7)
    assert np.isnan(fit.dispersion) and fit.quasi_covariance == pytest.approx(fit.covariance)


COUNTS = [65, 73, 59, 51, 65, 72, 64, 68, 80, 73, 59, 67, 82, 78, 73, 84, 86, 71, 49, 67, 70, 60, 65, 73, 63, 55, 70,
          82, 72, 68]  # fmt: skip
# As statsmodels 0.15 has it: GLM(Poisson, exposure), bse, and cov_type "HAC" with so many lags and its correction.
COEFFICIENTS = [-2.6788347842605145, 0.005897891526196994, -0.306143711429942, 0.004411534432640557]
ERRORS = [0.05672482992812677, 0.005421128577904509, 0.08912691064811996, 0.011634797830496315]
NEWEY_WEST = {
    0: [0.0504021700572919, 0.005133665110353227, 0.08768915559840862, 0.011402151492515633],
    3: [0.033534719049602986, 0.0036637378931995376, 0.05886617695298822, 0.007216456557705423],
}


def series() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    t = np.arange(-18, 12)
    design = np.column_stack([np.ones(30), t, t >= 0, np.where(t >= 0, t, 0)]).astype(float)
    return design, np.array(COUNTS, float), 1000 + 10.0 * np.arange(30)


@pytest.mark.parametrize("lag", NEWEY_WEST)
def test_counts_that_hang_together(lag):
    design, counts, exposure = series()
    fit = fit_poisson(design, counts, exposure)
    assert fit.coefficients == pytest.approx(COEFFICIENTS, rel=1e-7)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(ERRORS, rel=1e-6)
    assert fit.dispersion == pytest.approx(0.8824166974745045)
    found = np.sqrt(np.diag(newey_west(design, counts, fit, lag)))
    assert found == pytest.approx(NEWEY_WEST[lag], rel=1e-5)


def test_what_varies_more_is_less_sure_and_never_surer():
    design, counts, exposure = series()
    fit = fit_poisson(design, counts, exposure)
    assert fit.quasi_covariance == pytest.approx(fit.covariance)  # dispersion 0.88
    wild = counts * np.tile([0.5, 1.5], 15)
    fit = fit_poisson(design, wild, exposure)
    assert fit.quasi_covariance == pytest.approx(fit.covariance * fit.dispersion) and fit.dispersion > 5


def test_what_no_coefficients_fit():
    one = np.ones(4)
    assert fit_poisson(np.column_stack([one, one]), np.array([1, 2, 3, 4.0]), one) is None  # the same column twice
    assert fit_poisson(np.column_stack([one, [0, 0, 1, 1]]), np.array([3, 4, 0, 0.0]), one) is None  # none after
    assert fit_poisson(np.ones((1, 2)), np.ones(1), np.ones(1)) is None


def test_the_usual_lag():
    assert [usual_lag(n) for n in (24, 36, 100, 156)] == [2, 3, 4, 4]
