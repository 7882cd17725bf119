"""Crowds of points: scikit-learn's own, outlines, and whether today's crowd is yesterday's."""

import numpy as np
import pytest
import shapely
from sklearn.cluster import DBSCAN

from dashboard.domain.clusters import dbscan, hull, keep_identity


def scattered(seed):
    """A few crowds of different density, noise, and requests at one and the same address."""
    rng = np.random.default_rng(seed)
    crowds = [rng.normal(rng.uniform(0, 5000, 2), spread, (n, 2)) for spread, n in ((40, 60), (90, 90), (25, 12))]
    address = np.repeat(rng.uniform(0, 5000, (3, 2)), [4, 5, 30], axis=0)
    return np.concatenate([*crowds, rng.uniform(0, 5000, (250, 2)), address])


@pytest.mark.parametrize("seed", range(4))
def test_it_finds_what_scikit_learn_finds(seed):
    xy = scattered(seed)
    labels = dbscan(xy, 120.0, 5)
    theirs = DBSCAN(eps=120.0, min_samples=5).fit(xy)
    np.testing.assert_array_equal(labels == -1, theirs.labels_ == -1)
    core = theirs.core_sample_indices_
    pairs = set(zip(labels[core].tolist(), theirs.labels_[core].tolist(), strict=True))
    assert len(pairs) == len(set(labels[core])) == len(set(theirs.labels_[core])) >= 4  # one name each, either way
    # A point at the rim belongs to its nearest core, where scikit-learn gives it to whichever cluster came first.
    rim = np.setdiff1d(np.flatnonzero(labels >= 0), core)
    away = np.linalg.norm(xy[rim, None] - xy[None, core], axis=2)
    assert len(rim) and (away.min(axis=1) <= 120).all()
    np.testing.assert_array_equal(labels[rim], labels[core[away.argmin(axis=1)]])


def test_clusters_are_numbered_by_their_first_point_and_many_at_one_place_are_quick():
    xy = np.concatenate([np.full((5, 2), 900.0), [[5000.0, 5000.0]], np.full((20_000, 2), 100.0)])
    labels = dbscan(xy, 100, 5)
    assert labels[:6].tolist() == [0] * 5 + [-1] and set(labels[6:]) == {1}
    assert dbscan(np.empty((0, 2)), 100, 5).shape == (0,)
    assert dbscan([[0, 0], [1, 1]], 100, 5).tolist() == [-1, -1]


def test_an_outline_holds_its_points_and_has_an_area():
    for xy in ([[0, 0]] * 5, [[0, 0], [300, 0]], [[0, 0], [300, 0], [0, 300]]):
        outline = hull(xy, 20)
        assert outline.is_valid and outline.geom_type == "Polygon"
        assert outline.covers(shapely.multipoints(xy).buffer(15))
    assert hull([[0, 0]], 20).area == pytest.approx(np.pi * 400, rel=0.05)


def crowd(*parts):
    return frozenset(n for part in parts for n in part)


def test_a_crowd_stays_itself_as_it_grows_or_fades():
    before = [crowd(range(20)), crowd(range(100, 104))]
    grown, faded = crowd(range(100, 104), range(200, 230)), crowd(range(15, 20), range(300, 302))
    assert keep_identity(before, [grown, faded, crowd(range(400, 409))]) == [1, 0, None]


def test_less_than_half_of_the_smaller_in_common_is_another_crowd():
    assert keep_identity([crowd(range(10))], [crowd(range(4), range(50, 55))]) == [None]
    assert keep_identity([crowd(range(10))], [crowd(range(5), range(50, 55))]) == [0]


def test_when_crowds_part_or_join_one_keeps_the_identity():
    whole, large, small = crowd(range(20)), crowd(range(12)), crowd(range(12, 20))
    assert keep_identity([whole], [small, large]) == [None, 0]
    assert keep_identity([small, large], [whole]) == [1]
    assert keep_identity([], [whole]) == [None] and keep_identity([whole], []) == []
