"""Crowds of points: which lie close together, how far they reach, and whether today's crowd is yesterday's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

MARGIN_M = 20.0
"""How far an outline stays off its points, so that it has an area however they lie."""


def dbscan(xy: npt.ArrayLike, eps_m: float, least: int) -> npt.NDArray[np.int64]:
    """The cluster of each point (n, 2), 0, 1 … in the order of their first points; −1 for none.

    A point with at least `least` points within `eps_m` of it, itself included, is a core; cores within `eps_m` of each
    other are one cluster, and another point belongs to that of the nearest core within reach.
    Source: Ester, Kriegel, Sander and Xu 1996; measures reference, C3.
    """
    from scipy.sparse import coo_matrix  # takes its time to load, which the first page of a process need not wait for
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    given = np.asarray(xy, float).reshape(-1, 2)
    if not len(given):
        return np.empty(0, np.int64)
    # A thousand requests at one address are one place that counts a thousand times, not half a million pairs.
    places, at, times = np.unique(given, axis=0, return_inverse=True, return_counts=True)
    n = len(places)
    pairs = cKDTree(places).query_pairs(eps_m, output_type="ndarray")
    near = times + sum(np.bincount(pairs[:, i], times[pairs[:, 1 - i]], n) for i in (0, 1))
    core = near >= least
    joined = pairs[core[pairs].all(axis=1)]
    graph = coo_matrix((np.ones(len(joined)), (joined[:, 0], joined[:, 1])), shape=(n, n))
    _, part = connected_components(graph, directed=False)
    part = np.where(core, part, -1)
    cores = np.flatnonzero(core)
    if len(cores):
        away, which = cKDTree(places[cores]).query(places, distance_upper_bound=eps_m * (1 + 1e-12))
        reached = ~core & np.isfinite(away)
        part[reached] = part[cores[which[reached]]]
    found = part[at.ravel()]
    _, first, labels = np.unique(found[found >= 0], return_index=True, return_inverse=True)
    found[found >= 0] = np.argsort(np.argsort(first))[labels]
    return found.astype(np.int64)


def hull(xy: npt.ArrayLike, margin_m: float = MARGIN_M) -> shapely.Polygon:
    """The outline of points (n, 2) in metres: their convex hull and a margin around it."""
    return shapely.buffer(shapely.convex_hull(shapely.multipoints(np.asarray(xy, float))), margin_m, quad_segs=4)


def keep_identity(before: Sequence[frozenset[int]], now: Sequence[frozenset[int]]) -> list[int | None]:
    """For each cluster of `now` the place of the one `before` that it continues, or None if it is new.

    It continues one with which it shares at least half the points of the smaller of the two: a crowd that fades has few
    of its former points left, one that grows has mostly new ones, and both are what they were. Of several it continues
    the one with which it shares most, and each is continued by one only. Source: measures reference, C3.
    """
    shared = sorted(
        (-len(old & new), i, j)
        for i, new in enumerate(now)
        for j, old in enumerate(before)
        if 2 * len(old & new) >= min(len(old), len(new)) > 0
    )
    found: list[int | None] = [None] * len(now)
    taken: set[int] = set()
    for _, i, j in shared:
        if found[i] is None and j not in taken:
            found[i] = j
            taken.add(j)
    return found
