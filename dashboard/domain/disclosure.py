"""Which cells of published tables to hide so that no small count can be told, not even by adding and subtracting.

A release is a set of cells and of sums among them: margins, totals, one table's part in another's. Small counts are
hidden first; then as few others as possible, so that each small count could as well be larger by its threshold; then
everybody who adds and subtracts is played by linear programming (measures G3; the attacker's problem of Fischetti and
Salazar, 2001, and Kelly, Golden and Assad, 1992, for the choice of further cells).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dashboard.domain.errors import BadRequest

if TYPE_CHECKING:
    from scipy.sparse import csr_array

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
        from scipy.sparse import csr_array  # takes its time to load, which the first page need not wait for

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
    from scipy.sparse import hstack  # as in `Release.matrix`

    hidden = release.small.copy()
    hidden[list(release.never)] = True
    n, sums = len(release.values), release.matrix()
    cost = 1.0 + release.values
    cost[release.values == 0] = cost.max()  # a nothing is told last
    may_rise, may_fall = np.full(n, np.inf), release.values.astype(float)
    fixed = list(shown)
    may_rise[fixed] = may_fall[fixed] = 0.0
    price = np.where(hidden, 0.0, cost)
    # What cells may rise by, then what they may fall by, all sums staying as they are.
    most, prices = np.concatenate([may_rise, may_fall]), np.concatenate([price, price])
    program = _Program(hstack([sums, -sums]), np.zeros(len(release.sums)), most, prices)
    for cell in np.flatnonzero(release.small)[np.argsort(release.values[release.small], kind="stable")]:
        # The cheapest way in which this cell could be larger by its threshold.
        program.bound(cell, release.smallest[cell], release.smallest[cell])
        program.bound(n + cell, 0.0, 0.0)
        if np.isposinf(program.solve()):
            raise BadRequest("A small count cannot be hidden among these tables: there is nothing to hide it behind.")
        program.bound(cell, 0.0, may_rise[cell])
        program.bound(n + cell, 0.0, may_fall[cell])
        amounts = program.amounts()
        more = (np.abs(amounts[:n] - amounts[n:]) > _NEAR) & ~hidden
        hidden |= more
        for other in np.flatnonzero(more).tolist():
            program.price_of(other, 0.0)
            program.price_of(n + other, 0.0)
    return hidden


def told(release: Release, hidden: np.ndarray, cells: Sequence[int] | None = None) -> list[tuple[float, float]]:
    """Between which numbers each of the hidden `cells` (default: the small) must lie, for whoever sees the rest."""
    from scipy.sparse.csgraph import connected_components  # as in `Release.matrix`

    wanted = np.flatnonzero(release.small & hidden).tolist() if cells is None else list(cells)
    sums = release.matrix()
    unknown = np.flatnonzero(hidden)
    known = np.where(hidden, 0, release.values)
    within, rest = sums[:, unknown].tocsr(), -(sums @ known)
    place = {cell: i for i, cell in enumerate(unknown.tolist())}
    # Parts that share no sum are told by themselves: each is a small program of its own.
    _, part = connected_components(within.T @ within, directed=False)
    reach: dict[tuple[int, float], float] = {}
    for one in np.unique([part[place[cell]] for cell in wanted]):
        mine = np.flatnonzero(part == one)
        rows = np.flatnonzero(np.diff(within[:, mine].tocsr().indptr))
        n = len(mine)
        program = _Program(within[rows][:, mine], rest[rows], np.full(n, np.inf), np.zeros(n))
        at = {cell: i for i, cell in enumerate(unknown[mine].tolist())}
        for sign in (1.0, -1.0):  # all the least, then all the most: the next begins near where the last ended
            for cell in (cell for cell in wanted if cell in at):
                program.price_of(at[cell], sign)
                reach[cell, sign] = sign * program.solve()
                program.price_of(at[cell], 0.0)
    return [(reach[cell, 1.0], reach[cell, -1.0]) for cell in wanted]


class _Program:
    """Amounts from 0 up to `most` that meet ``matrix @ amounts == sides`` and cost as little as can be at `prices`.

    Solved many times with a little changed in between, each time from where the last one ended: HiGHS, by the simplex
    method.
    """

    def __init__(self, matrix, sides: np.ndarray, most: np.ndarray, prices: np.ndarray):
        import highspy  # only who publishes waits for it to load

        columns = matrix.tocsc()
        program = highspy.HighsLp()
        program.num_row_, program.num_col_ = columns.shape
        program.col_cost_ = prices
        program.col_lower_, program.col_upper_ = np.zeros(columns.shape[1]), most
        program.row_lower_ = program.row_upper_ = sides
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.start_, program.a_matrix_.index_ = columns.indptr, columns.indices
        program.a_matrix_.value_ = columns.data
        self._solver, self._ends = highspy.Highs(), highspy.HighsModelStatus
        self._solver.setOptionValue("output_flag", False)
        self._solver.setOptionValue("threads", 1)
        self._solver.setOptionValue("presolve", "off")  # it would leave “unbounded or infeasible” undecided
        self._solver.passModel(program)

    def price_of(self, column: int, price: float) -> None:
        self._solver.changeColCost(int(column), float(price))

    def bound(self, column: int, least: float, most: float) -> None:
        self._solver.changeColBounds(int(column), float(least), float(most))

    def solve(self) -> float:
        """What the cheapest way costs: infinite if there is no way, minus infinite if there is always a cheaper one.

        Raises BadRequest if the solver cannot tell: then nothing is known to be safe.
        """
        self._solver.run()
        ended = self._solver.getModelStatus()
        if ended == self._ends.kOptimal:
            return self._solver.getInfo().objective_function_value
        if ended in (self._ends.kInfeasible, self._ends.kUnbounded):
            return np.inf if ended == self._ends.kInfeasible else -np.inf
        raise BadRequest(f"whether small counts are hidden could not be worked out ({ended.name}).")

    def amounts(self) -> np.ndarray:
        """The cheapest way."""
        return np.array(self._solver.getSolution().col_value)


def audit(release: Release, hidden: np.ndarray) -> list[Exposed]:
    """The small counts that are not hidden, or hidden within fewer numbers than their threshold (measures G3)."""
    exposed = [Exposed(int(i), *[float(release.values[i])] * 2) for i in np.flatnonzero(release.small & ~hidden)]
    small = np.flatnonzero(release.small & hidden)
    for cell, (low, high) in zip(small, told(release, hidden), strict=True):
        if high - low < release.smallest[cell] - _NEAR:
            exposed.append(Exposed(int(cell), low, high))
    return exposed
