"""Suppression against the reference's vector, and against whoever adds and subtracts."""

from __future__ import annotations

from types import SimpleNamespace

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.domain.disclosure import Release, audit, protect, table, told
from dashboard.domain.errors import BadRequest

V = np.array([[12, 4, 25], [18, 30, 7], [40, 22, 15]])
K = np.full(3, 11)
MARGINS = range(9, 16)


def hiding(*cells: int) -> np.ndarray:
    hidden = np.zeros(16, bool)
    hidden[list(cells)] = True
    return hidden


def test_vector_v_primary_only_leaks():
    assert np.flatnonzero(table(V, K).small).tolist() == [1, 5]
    assert told(table(V, K), hiding(1, 5)) == [(4, 4), (7, 7)]
    assert len(audit(table(V, K), hiding(1, 5))) == 2


def test_vector_v_one_more_cell_in_each_row_still_leaks():
    assert told(table(V, K), hiding(1, 5, 0, 3)) == [(4, 4), (7, 7)]


def test_vector_v_a_cycle_is_safe():
    hidden = hiding(1, 5, 2, 4)
    assert told(table(V, K), hidden, [1, 2, 4, 5]) == [(0, 29), (0, 29), (5, 34), (3, 32)]
    assert audit(table(V, K), hidden) == []


def test_what_nothing_bounds_may_be_any_number():
    release = Release(np.array([4, 9, 13]), np.full(3, 11), ((2, (0, 1)),))
    assert told(release, np.array([True, True, True])) == [(0, np.inf), (0, np.inf)]
    assert told(release, np.array([True, False, True])) == [(0, np.inf)]
    assert told(release, np.array([True, True, False])) == [(0, 13), (0, 13)]


def test_what_the_solver_cannot_tell_is_not_taken_for_safe(monkeypatch):
    def never(_solver):
        return SimpleNamespace(name="kTimeLimit")

    monkeypatch.setattr(highspy.Highs, "getModelStatus", never)
    with pytest.raises(BadRequest, match="could not be worked out"):
        audit(table(V, K), hiding(1, 5, 2, 4))


def test_what_is_chosen_is_a_cycle_too():
    hidden = protect(table(V, K), shown=MARGINS)
    assert hidden[[1, 5]].all() and not hidden[list(MARGINS)].any() and audit(table(V, K), hidden) == []


def test_a_count_alone_cannot_be_hidden_behind_its_total():
    with pytest.raises(BadRequest, match="nothing to hide"):
        protect(table(np.array([[4]]), np.array([11])), shown=[1, 2, 3])


def test_the_smallest_count_itself_is_shown():
    assert Release(np.array([10, 11, 0, 21]), np.full(4, 11), ((3, (0, 1, 2)),)).small.tolist() == [True, *[False] * 3]


def test_totals_over_rows_are_as_strict_as_the_strictest_of_them():
    assert table(np.array([[6, 7], [20, 30]]), np.array([5, 11])).smallest.tolist() == [5, 5, 11, 11, 5, 11, 11, 11, 11]


@pytest.mark.parametrize("other, exposed", [(6, [0, 1]), (7, [])])
def test_a_count_is_told_that_could_be_one_of_fewer_numbers_than_the_smallest(other: int, exposed: list[int]):
    """Two parts of a known total could be anything up to it: of ten that is too near, of eleven it is not."""
    release = Release(np.array([4, other, 4 + other]), np.array([11, 11, 1]), ((2, (0, 1)),))
    assert [one.cell for one in audit(release, np.array([True, True, False]))] == exposed


def test_a_small_count_could_as_well_be_larger_by_the_smallest():
    """The ten beside it are not enough for that: what is hidden too takes the twelve."""
    release = Release(np.array([4, 10, 12, 26]), np.array([11, 1, 1, 1]), ((3, (0, 1, 2)),))
    hidden = protect(release, shown=[3])
    assert hidden.tolist() == [True, True, True, False]
    assert told(release, hidden)[0][1] >= 4 + 11


def test_sums_that_do_not_add_up_are_refused():
    with pytest.raises(BadRequest):
        Release(np.array([1, 2, 4]), np.array([5, 5, 5]), ((2, (0, 1)),))


def test_overlapping_places_are_one_release():
    """A hexagon of 30 in district A and 3 in B: with the hexagon and A's part known, B's would be told."""
    values = np.array([30, 3, 20, 40, 33, 60, 50, 43, 93])  # atoms hA hB gA gB · hexagons h g · districts A B · all
    sums = ((4, (0, 1)), (5, (2, 3)), (6, (0, 2)), (7, (1, 3)), (8, (6, 7)))
    release = Release(values, np.full(9, 11), sums, never=(0, 1, 2, 3))
    hidden = protect(release)
    assert audit(release, hidden) == []
    low, high = told(release, hidden, [1])[0]
    assert high - low >= 11


@given(
    st.integers(2, 4).flatmap(
        lambda m: st.lists(st.lists(st.integers(0, 40), min_size=m, max_size=m), min_size=2, max_size=5)
    ),
    st.sampled_from([5, 11]),
)
@settings(max_examples=25)
def test_nobody_who_adds_and_subtracts_tells_a_small_count(cells, k):
    values = np.array(cells)
    release = table(values, np.full(len(values), k))
    try:
        hidden = protect(release)
    except BadRequest:
        return  # then nothing is published
    assert audit(release, hidden) == []
    shown = ~hidden
    matrix = release.matrix().toarray()
    for row in matrix:  # every sum with one unknown is solved; none may be left
        assert (hidden & (row != 0)).sum() != 1 or not (release.small & hidden & (row != 0)).any()
    assert not (release.small & shown).any()
