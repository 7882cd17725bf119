"""Smoothed rates: the reference's vector, esda on real counties, and the ends."""

import geopandas
import numpy as np
import pytest
from esda.smoothing import Empirical_Bayes

from dashboard.domain.empirical_bayes import smoothed_rates


def test_the_vector_of_the_reference():
    rates, weights = smoothed_rates([0, 3, 12, 40, 2], [150, 800, 4000, 9000, 90])
    np.testing.assert_allclose(rates * 1000, [3.879, 3.998, 3.472, 4.343, 4.555], atol=5e-4)
    assert (np.diff(weights[[4, 0, 1, 2, 3]]) > 0).all()  # the larger a place, the more of its own rate it keeps


def test_sudden_infant_deaths_in_north_carolina_as_esda_has_them(shared_data):
    frame = geopandas.read_file(shared_data / "spatial" / "nc_sids.gpkg")
    for deaths, births in (("SID74", "BIR74"), ("SID79", "BIR79")):
        rates, weights = smoothed_rates(frame[deaths], frame[births])
        np.testing.assert_allclose(rates, Empirical_Bayes(frame[deaths], frame[births]).r.ravel(), rtol=1e-12)
        assert 0 < weights.min() < weights.max() < 1


def test_no_exposure_no_events_and_no_spread():
    rates, weights = smoothed_rates([0, 3, 12, 40, 2, 7], [150, 800, 4000, 9000, 90, 0])
    assert np.isnan(rates[5]) and np.isnan(weights[5])
    np.testing.assert_array_equal(rates[:5], smoothed_rates([0, 3, 12, 40, 2], [150, 800, 4000, 9000, 90])[0])
    assert [part.tolist() for part in smoothed_rates([0, 0], [10, 20])] == [[0, 0], [0, 0]]
    rates, weights = smoothed_rates([2, 4], [10, 20])
    assert (rates.tolist(), weights.tolist()) == (pytest.approx([0.2, 0.2]), [0, 0])
    assert np.isnan(smoothed_rates([5], [0])).all()
