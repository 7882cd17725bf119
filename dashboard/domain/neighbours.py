"""Who is whose neighbour, in the compressed form that sums over neighbours are fast in. Knows no grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The neighbours of n places, none its own: those of place i are ``indices[indptr[i]:indptr[i + 1]]``."""

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int64]

    @classmethod
    def of(cls, near: Iterable[Sequence[int]]) -> Neighbours:
        """From a list of neighbours for each place; a place among its own is left out."""
        lists = [[int(j) for j in some if j != i] for i, some in enumerate(near)]
        lengths = np.array([len(some) for some in lists], np.int64)
        flat = np.fromiter((j for some in lists for j in some), np.int64, int(lengths.sum()))
        return cls(np.concatenate([[0], lengths.cumsum()]).astype(np.int64), flat)

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many neighbours each place has (n,)."""
        return np.diff(self.indptr)

    @cached_property
    def matrix(self) -> csr_matrix:
        """1 where the column's place is a neighbour of the row's (n × n)."""
        from scipy.sparse import (
            csr_matrix,
        )  # takes its time to load, which the first page of a process need not wait for

        ones = np.ones(len(self.indices))
        return csr_matrix((ones, self.indices, self.indptr), shape=(len(self), len(self)))

    def sums(self, values: npt.NDArray) -> npt.NDArray:
        """The sum of `values`, (n,) or (n, s), over the neighbours of each place, in the type of `values`."""
        return (self.matrix @ values).astype(values.dtype)
