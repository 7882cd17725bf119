"""Neighbours: built from lists, summed over."""

import numpy as np

from dashboard.domain.neighbours import Neighbours


def test_lists_become_rows_and_nobody_is_their_own_neighbour():
    near = Neighbours.of([[2, 1], [0, 1], [], [1]])
    assert (near.indptr.tolist(), near.indices.tolist()) == ([0, 2, 3, 3, 4], [2, 1, 0, 1])
    assert (len(near), near.counts.tolist()) == (4, [2, 1, 0, 1])


def test_sums_over_neighbours_of_one_number_or_several():
    near = Neighbours.of([[2, 1], [0], [], [1]])
    assert near.sums(np.array([1, 2, 4, 8])).tolist() == [6, 1, 0, 2]
    assert near.sums(np.array([[1, 0], [2, 0], [4, 1], [8, 0]])).tolist() == [[6, 1], [1, 0], [0, 0], [2, 0]]
    assert len(Neighbours.of([])) == 0
