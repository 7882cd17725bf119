"""Gi* and its exact permutation test: the published values, an independent implementation, and brute force."""

from itertools import combinations
from math import comb

import geopandas
import numpy as np
import pandas as pd
import pytest
from esda.getisord import G_Local
from hypothesis import given, settings
from hypothesis import strategies as st
from libpysal.weights import W, fill_diagonal
from scipy.spatial import cKDTree
from scipy.stats import norm

from dashboard.domain.getis_ord import LEAST_P, exact_permutation_p, gi_star, permutation_p_of_rates
from dashboard.domain.neighbours import Neighbours

GRID = np.array([[1, 0, 2, 1, 0], [0, 1, 1, 0, 1], [2, 1, 9, 8, 1], [0, 1, 7, 9, 2], [1, 0, 1, 2, 1]])
CELLS = [12, 18, 0]  # (2, 2), (3, 3), (0, 0)


def queen(rows, columns):
    at = np.indices((rows, columns)).reshape(2, -1).T
    apart = np.abs(at[:, None] - at[None]).max(axis=2)
    return Neighbours.of([np.flatnonzero(row) for row in apart == 1])


def by_esda(values, neighbours):
    lists = {i: part.tolist() for i, part in enumerate(np.split(neighbours.indices, neighbours.indptr[1:-1]))}
    weights = fill_diagonal(W(lists, silence_warnings=True), 1.0)
    return G_Local(np.asarray(values, float), weights, transform="B", star=True, permutations=0).Zs


# ── z ──


def test_the_vector_of_the_reference():
    z = gi_star(GRID.ravel(), queen(5, 5), least=25)
    np.testing.assert_allclose(z[CELLS], [2.680087, 3.119926, -1.213197], atol=5e-7)
    np.testing.assert_allclose(2 * norm.sf(z[CELLS[:2]]), [0.0074, 0.0018], atol=5e-5)


def test_columbus_as_esda_has_it(shared_data):
    frame = geopandas.read_file(shared_data / "spatial" / "columbus.gpkg")
    lines = (shared_data / "spatial" / "columbus.gal").read_text().splitlines()[1:]
    lists = [[]] * len(frame)
    for head, body in zip(lines[::2], lines[1::2], strict=True):
        lists[int(head.split()[0]) - 1] = [int(one) - 1 for one in body.split()]
    neighbours = Neighbours.of(lists)
    columns = frame[["CRIME", "INC", "HOVAL"]].to_numpy()
    z = gi_star(columns, neighbours)
    assert np.abs(z).max() > 3
    for column, found in zip(columns.T, z.T, strict=True):
        np.testing.assert_allclose(found, by_esda(column, neighbours), rtol=0, atol=1e-9)


def test_the_grid_of_getis_and_ord_as_published_and_as_esda_has_it(shared_data):
    frame = pd.read_csv(shared_data / "spatial" / "getisord_1996_16x16.csv")
    tree = cKDTree(frame[["x", "y"]].to_numpy())
    for reach in (30, 60, 150):
        neighbours = Neighbours.of(tree.query_ball_point(tree.data, reach + 1e-6))
        z = gi_star(frame["val"], neighbours)
        if reach == 30:
            assert z[119] == pytest.approx(1.45078, abs=5e-6)
        np.testing.assert_allclose(z, by_esda(frame["val"], neighbours), rtol=0, atol=1e-9)


def test_slices_stand_by_themselves():
    neighbours, values = queen(6, 7), np.random.default_rng(5).poisson(2, (42, 3))
    for t, z in enumerate(gi_star(values, neighbours).T):
        np.testing.assert_allclose(z, gi_star(values[:, t], neighbours), atol=1e-12)


def test_where_nothing_can_be_said_nothing_is():
    grid, small = queen(6, 6), queen(5, 5)
    for equal in (np.zeros(36), np.full(36, 0.1)):
        assert np.isnan(gi_star(equal, grid)).all()
        assert np.isnan(permutation_p_of_rates(equal, grid)).all()
    assert np.isnan(gi_star(GRID.ravel(), small)).all()  # 25 cells
    assert np.isnan(exact_permutation_p(GRID.ravel(), small)).all()
    few_are_dealt = np.arange(36) < 29
    assert np.isnan(exact_permutation_p(np.arange(36), grid, few_are_dealt)).all()
    for test in (exact_permutation_p, permutation_p_of_rates):
        assert [test(np.zeros(shape), Neighbours.of([])).shape for shape in ((0,), (0, 3))] == [(0,), (0, 3)]
    pair = Neighbours.of([[1], [0], *([] for _ in range(38))])
    assert np.isnan(exact_permutation_p(np.arange(40), pair)).tolist() == [False] * 2 + [True] * 38
    everybody = Neighbours.of([range(40)] * 40)
    assert np.isnan(gi_star(np.arange(40), everybody)).all()


# ── The exact permutation test ──


def by_enumeration(values, neighbours, dealt, with_self):
    """Every draw written out."""
    p = []
    for i, near in enumerate(np.split(neighbours.indices, neighbours.indptr[1:-1])):
        others = [v for j, v in enumerate(values) if j != i and dealt[j]]
        sums = np.array([sum(draw) for draw in combinations(others, len(near) + with_self)])
        reached = sum(values[j] for j in near) + with_self * values[i]
        p.append(min(1.0, 2 * min((sums >= reached).mean(), (sums <= reached).mean())))
    return p


def test_the_vector_of_the_reference_and_a_simulation_agree():
    neighbours, values = queen(5, 5), GRID.ravel()
    p = exact_permutation_p(values, neighbours, least=25)
    # The reference's own 0.040, 0.004 and 0.167 are of 9,999 draws.
    np.testing.assert_allclose(p[CELLS], [0.042593, 0.004055, 0.167984], atol=5e-7)
    rng = np.random.default_rng(1)
    for cell, near in enumerate(np.split(neighbours.indices, neighbours.indptr[1:-1])):
        others = np.tile(np.delete(values, cell), (9_999, 1))
        sums, reached = rng.permuted(others, axis=1)[:, : len(near)].sum(axis=1), values[near].sum()
        tail = min((sums >= reached).mean(), (sums <= reached).mean())
        assert min(1, 2 * tail) == pytest.approx(p[cell], abs=2 * 4.5 * np.sqrt(0.25 * min(1, 4 * tail + 1e-3) / 9_999))


@settings(max_examples=60)
@given(st.lists(st.integers(0, 6) | st.just(0), min_size=7, max_size=11), st.booleans(), st.data())
def test_it_is_what_enumeration_gives(values, with_self, data):
    n = len(values)
    outside = data.draw(st.sets(st.integers(0, n - 1), max_size=2))
    dealt = np.array([i not in outside for i in range(n)])
    sets = st.sets(st.integers(0, n - 1), min_size=1, max_size=(n - 2) // 2 - 1)
    neighbours = Neighbours.of([data.draw(sets) - {i} or {(i + 1) % n} for i in range(n)])
    p = exact_permutation_p(values, neighbours, dealt, with_self=with_self, least=2)
    if np.ptp(np.array(values)[dealt]) == 0:
        assert np.isnan(p).all()
    else:
        exact = by_enumeration(values, neighbours, dealt, with_self)
        np.testing.assert_allclose(p, np.maximum(exact, LEAST_P), rtol=1e-12)


def test_slices_are_dealt_by_themselves():
    rng, neighbours = np.random.default_rng(6), queen(8, 8)
    counts = rng.poisson([0.5, 30, 2, 0], (64, 4))
    dealt = rng.random((64, 4)) < 0.9
    p = exact_permutation_p(counts, neighbours, dealt)
    rates = permutation_p_of_rates(counts * 0.37, neighbours, dealt, levels=100)
    for t in range(4):
        np.testing.assert_allclose(p[:, t], exact_permutation_p(counts[:, t], neighbours, dealt[:, t]), rtol=1e-9)
        alone = permutation_p_of_rates(counts[:, t] * 0.37, neighbours, dealt[:, t], levels=100)
        np.testing.assert_allclose(rates[:, t], alone, rtol=1e-9)
    assert np.isnan(p).all(axis=0).tolist() == [False, False, False, True]


def in_whole_numbers(values, i, near):
    """The two-sided p of cell i in integers of any length: no digit is lost."""
    ways = [{0: 1}] + [{} for _ in near]
    for j, value in enumerate(values):
        if j != i:
            for k in range(len(near), 0, -1):
                for total, n in ways[k - 1].items():
                    ways[k][total + value] = ways[k].get(total + value, 0) + n
    reached = sum(values[j] for j in near)
    upper = sum(n for total, n in ways[-1].items() if total >= reached)
    lower = sum(n for total, n in ways[-1].items() if total <= reached)
    return min(1.0, 2 * min(upper, lower) / comb(len(values) - 1, len(near)))


def test_small_chances_keep_their_digits():
    # A block of high values in a sea of ones and noughts; in its middle one by far the highest, so that most draws
    # that reach the sum hold it: where a difference of large numbers loses most.
    rng = np.random.default_rng(2)
    grid = rng.poisson(0.4, (16, 16))
    grid[6:9, 6:9], grid[7, 7] = [[5, 6, 5], [7, 0, 6], [5, 5, 7]], 45
    values, hexagons = grid.ravel(), []
    for r, c in np.ndindex(16, 16):
        around = ((r - 1, c), (r, c - 1), (r, c + 1), (r + 1, c), (r + 1, c + 1), (r - 1, c - 1))
        hexagons.append([a * 16 + b for a, b in around if 0 <= a < 16 and 0 <= b < 16])
    p = exact_permutation_p(values, Neighbours.of(hexagons))
    centre = 7 * 16 + 7
    for cell in (centre, centre - 1, centre + 1, centre - 16, centre + 17, 0, 100):
        exact = in_whole_numbers(values.tolist(), cell, hexagons[cell])
        assert p[cell] == pytest.approx(exact, rel=1e-9)
    assert p[centre] < 1e-9  # no simulation of 9,999 draws gives less than 0.0001


def test_what_is_refused():
    ring = Neighbours.of([[(i - 1) % 40, (i + 1) % 40] for i in range(40)])
    with pytest.raises(ValueError, match="whole numbers"):
        exact_permutation_p(np.full(40, 0.5), ring)
    with pytest.raises(ValueError, match="39 draws from 40 places"):
        exact_permutation_p(np.arange(40), Neighbours.of([range(40)] * 40))


def test_rates_in_many_steps_are_nearly_those_in_more_and_counts_stay_as_they_are():
    rng = np.random.default_rng(3)
    neighbours = queen(12, 12)
    rates = rng.gamma(2, 0.01, 144)
    p, finer = permutation_p_of_rates(rates, neighbours), permutation_p_of_rates(rates, neighbours, levels=3000)
    np.testing.assert_allclose(p, finer, atol=0.01)
    # Neither the unit of a rate nor where it begins is of any account.
    np.testing.assert_array_equal(permutation_p_of_rates((rates - rates.min()) * 1024, neighbours), p)
    counts = rng.poisson(3, 144)
    np.testing.assert_array_equal(permutation_p_of_rates(counts, neighbours), exact_permutation_p(counts, neighbours))


def test_a_place_far_above_those_that_are_dealt_is_as_unlikely_as_can_be_told():
    rates = np.random.default_rng(3).gamma(2, 0.01, 144)
    rates[60] = 1000.0
    dealt = rates < 1
    p = permutation_p_of_rates(rates, queen(12, 12), dealt, with_self=True)
    assert p[60] == p[61] == LEAST_P < p[0]
