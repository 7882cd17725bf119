"""Which cells of published tables to hide so that no small count can be told, not even by adding and subtracting.

A release is a set of cells and of sums among them: margins, totals, one table's part in another's. Small counts are
hidden first; then as few others as possible, so that each small count could as well be larger by its threshold; then
everybody who adds and subtracts is played by linear programming (measures G3; the attacker's problem of Fischetti and
Salazar, 2001, and Kelly, Golden and Assad, 1992, for the choice of further cells).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, hstack
from scipy.sparse.csgraph import connected_components

from dashboard.domain.errors import BadRequest

_NEAR = 1e-6


class Exposed(NamedTuple):
    """A small count that can be told within `low` and `high`, which lie too near each other."""

    cell: int
    low: float
    high: float


@dataclass(frozen=True)
class Release:
    """Everything published at once.

    Parameters
    ----------
    values
        The cells' counts, whole numbers from 0.
    smallest
        For each cell the smallest count other than 0 that may be shown.
    sums
        ``(total, parts)``: the cell that is the sum of others, by their places in `values`.
    never
        Cells that are in no table, though they are parts of sums: always hidden.
    """

    values: np.ndarray
    smallest: np.ndarray
    sums: tuple[tuple[int, tuple[int, ...]], ...]
    never: tuple[int, ...] = ()

    def __post_init__(self):
        for total, parts in self.sums:
            if self.values[total] != self.values[list(parts)].sum():
                raise BadRequest(f"Cell {total} is not the sum of its parts.")

    @property
    def small(self) -> np.ndarray:
        """The cells whose own count may not be shown (primary suppression); 0 may."""
        return (self.values > 0) & (self.values < self.smallest)

    def matrix(self) -> csr_array:
        """A row for each sum: its parts less its total is nothing."""
        rows, columns, signs = [], [], []
        for row, (total, parts) in enumerate(self.sums):
            rows += [row] * (len(parts) + 1)
            columns += [*parts, total]
            signs += [1.0] * len(parts) + [-1.0]
        return csr_array((signs, (rows, columns)), shape=(len(self.sums), len(self.values)))


def table(values: np.ndarray, smallest: np.ndarray) -> Release:
    """A table of two ways with its margins.

    `values` are rows × columns; cells are numbered row by row, then come the rows' totals, the columns' and the grand
    total. `smallest` is one number for each row; totals over rows take the largest.
    """
    n, m = values.shape
    whole = np.concatenate([values.ravel(), values.sum(1), values.sum(0), [values.sum()]]).astype(np.int64)
    strict = int(max(smallest, default=1))
    limits = np.concatenate([np.repeat(smallest, m), smallest, np.full(m + 1, strict)]).astype(np.int64)
    row, column, grand = n * m, n * m + n, n * m + n + m
    sums = [(row + i, tuple(range(i * m, (i + 1) * m))) for i in range(n)]
    sums += [(column + j, tuple(range(j, n * m, m))) for j in range(m)]
    sums += [(grand, tuple(range(row, row + n))), (grand, tuple(range(column, column + m)))]
    return Release(whole, limits, tuple(sums))


def protect(release: Release, shown: Iterable[int] = ()) -> np.ndarray:
    """Which cells to hide, as a mask: the small ones, and what complements them.

    Cells in `shown` are not hidden; BadRequest if the small ones cannot be protected without.
    """
    hidden = release.small.copy()
    hidden[list(release.never)] = True
    n, sums = len(release.values), release.matrix()
    both_ways = hstack([sums, -sums]).tocsr()  # what cells may rise by, then what they may fall by
    least = np.zeros(len(release.sums))
    cost = 1.0 + release.values
    cost[release.values == 0] = cost.max()  # a nothing is told last
    may_rise, may_fall = np.full(n, np.inf), release.values.astype(float)
    fixed = list(shown)
    may_rise[fixed] = may_fall[fixed] = 0.0
    for cell in np.flatnonzero(release.small)[np.argsort(release.values[release.small], kind="stable")]:
        # The cheapest way in which this cell could be larger by its threshold, all sums staying as they are.
        price = np.where(hidden, 0.0, cost)
        bounds = np.column_stack([np.zeros(2 * n), np.concatenate([may_rise, may_fall])])
        bounds[cell] = (release.smallest[cell], release.smallest[cell])
        bounds[n + cell] = (0.0, 0.0)
        found = _least(np.concatenate([price, price]), both_ways, least, bounds)
        if not found.success:
            raise BadRequest("A small count cannot be hidden among these tables: there is nothing to hide it behind.")
        moved = np.abs(found.x[:n] - found.x[n:]) > _NEAR
        hidden |= moved
    return hidden


def _least(price, sums, sides, bounds):
    """The cheapest way to meet `sums` exactly, as scipy tells it."""
    from scipy.optimize import linprog  # only who publishes waits for it to load

    return linprog(price, A_eq=sums, b_eq=sides, bounds=bounds, method="highs")


def told(release: Release, hidden: np.ndarray, cells: Sequence[int] | None = None) -> list[tuple[float, float]]:
    """Between which numbers each of the hidden `cells` (default: the small) must lie, for whoever sees the rest."""
    wanted = np.flatnonzero(release.small & hidden) if cells is None else np.asarray(cells)
    sums = release.matrix()
    unknown = np.flatnonzero(hidden)
    known = np.where(hidden, 0, release.values)
    within, rest = sums[:, unknown].tocsr(), -(sums @ known)
    place = {cell: i for i, cell in enumerate(unknown)}
    _, part = connected_components(within.T @ within, directed=False)
    found = []
    for cell in wanted:
        mine = np.flatnonzero(part == part[place[cell]])
        rows = np.flatnonzero(np.diff(within[:, mine].tocsr().indptr))
        matrix, sides = within[rows][:, mine], rest[rows]
        goal = (mine == place[cell]).astype(float)
        reach = []
        for sign in (1.0, -1.0):
            end = _least(sign * goal, matrix, sides, (0, None))
            reach.append(sign * end.fun if end.success else (np.inf if sign < 0 else 0.0))
        found.append((reach[0], reach[1]))
    return found


def audit(release: Release, hidden: np.ndarray) -> list[Exposed]:
    """The small counts that are not hidden, or hidden within fewer numbers than their threshold (measures G3)."""
    exposed = [Exposed(int(i), *[float(release.values[i])] * 2) for i in np.flatnonzero(release.small & ~hidden)]
    small = np.flatnonzero(release.small & hidden)
    for cell, (low, high) in zip(small, told(release, hidden), strict=True):
        if high - low < release.smallest[cell] - _NEAR:
            exposed.append(Exposed(int(cell), low, high))
    return exposed
