"""The space-time permutation scan: is there lately more in a place than the place and the days explain?

It finds what is new, not what is chronic: an expectation made of the place's own number and the window's own number
adjusts for both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dashboard.domain.neighbours import Neighbours

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = npt.NDArray[np.float64]
MOST_SHARE = 0.5
"""A zone with more than this share of all cases is no cluster in the city but the city."""
FOUND = 5
"""The most outbreaks that are told."""
EVERY_DAYS = 7.0
"""How often somebody looks: once a week."""
AT_ONCE = 50
"""So many dealings are counted together."""


@dataclass(frozen=True)
class Outbreak:
    """More than expected in the places `cells` (positions, `centre` in their middle) from `first_day` to the last day.

    `p` is of the largest likelihood ratio of all cylinders under chance; looking every `EVERY_DAYS`, one as strong is
    met by chance once in `recurrence_days`.
    """

    centre: int
    cells: tuple[int, ...]
    first_day: int
    length: int
    observed: int
    expected: float
    llr: float
    p: float
    recurrence_days: float


def poisson_llr(c: npt.ArrayLike, e: npt.ArrayLike, total: float) -> Floats:
    """Kulldorff's log likelihood ratio of c cases where e were expected of `total`; 0 where there are not more.

    Source: Kulldorff 1997; measures reference, C3.
    """
    c, e = np.asarray(c, float), np.asarray(e, float)
    rest, expected_rest = total - c, total - e
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = c * np.log(c / e)
        outside = np.where(rest > 0, rest * np.log(rest / expected_rest), 0.0)
    return np.where((c > e) & (e > 0), inside + outside, 0.0)


def space_time_permutation_scan(
    cell: npt.ArrayLike,
    day: npt.ArrayLike,
    rings: Sequence[Neighbours],
    *,
    days: int,
    lengths: Sequence[int],
    simulations: int = 999,
    seed: int,
) -> list[Outbreak]:
    """The most likely outbreaks that reach the last day, the strongest first, none overlapping another.

    Parameters
    ----------
    cell, day
        Of each case: its place, and its day from 0 to `days` − 1.
    rings
        Who lies one step away, two steps away …: zones are a place with its first 0, 1 … rings.
    lengths
        How many days a window may have; each ends with the last day.

    Chance is the same cases in their places with the days dealt out anew, `simulations` times, from a generator of
    `seed`. Source: Kulldorff et al. 2005; Levin-Rector et al. 2024; measures reference, C3.
    """
    where, when = np.asarray(cell, np.int64), np.asarray(day, np.int64)
    total, places = len(where), len(rings[0])
    if not total:
        return []
    lengths = sorted(lengths)
    zones = _zones(rings, places)
    of_place = np.bincount(where, minlength=places)
    of_zone = np.stack([zone @ of_place for zone in zones])
    in_window = np.array([(when >= days - length).sum() for length in lengths])
    # Of all that is met in the cylinders only how many cases its zone has, its length and how many of them fall into
    # it matter: the ratios are looked up. Zones too large to tell have those of a zone without cases, none.
    cases, kind = np.unique(np.where(of_zone <= MOST_SHARE * total, of_zone, 0), return_inverse=True)
    expected = np.outer(cases, in_window) / total
    most = int(min(of_zone.max(), in_window[-1]))
    table = poisson_llr(np.arange(most + 1), expected[:, :, None], total)
    rows = (np.arange(expected.size, dtype=np.int32) * (most + 1)).reshape(expected.shape)
    begins = rows[kind.reshape(of_zone.shape)]  # where in the table the row of a cylinder begins
    steps = [zones[0], *(wide - narrow for narrow, wide in zip(zones, zones[1:], strict=False))]
    steps = [step.astype(np.float32) for step in steps]

    def counted(dealt: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int32]]:
        """For days of the cases (dealings, cases) by radius the cases in cylinders (places, dealings, lengths)."""
        dealing, case = np.nonzero(dealt >= days - lengths[-1])
        shortest = np.searchsorted(lengths, days - dealt[dealing, case])
        shape = (places, len(dealt), len(lengths))
        at = np.ravel_multi_index((where[case], dealing, shortest), shape)
        window = np.bincount(at, minlength=int(np.prod(shape))).reshape(shape).cumsum(axis=2)
        window = window.reshape(places, -1).astype(np.float32)
        inside = np.zeros(window.shape, np.float32)
        for step in steps:
            inside += step @ window
            yield inside.astype(np.int32).reshape(shape)

    def ratios(dealt: npt.NDArray[np.int64]) -> Iterator[Floats]:
        return (table.ravel()[begin[:, None] + c] for begin, c in zip(begins, counted(dealt), strict=True))

    seen = [c[:, 0] for c in counted(when[None])]
    found = [ratio[:, 0] for ratio in ratios(when[None])]
    rng = np.random.default_rng(seed)
    largest = np.zeros(simulations)
    for first in range(0, simulations, AT_ONCE):
        some = largest[first : first + AT_ONCE]
        dealt = rng.permuted(np.broadcast_to(when, (len(some), total)), axis=1)
        for ratio in ratios(dealt):
            np.maximum(some, ratio.max(axis=0).max(axis=1), out=some)
    outbreaks: list[Outbreak] = []
    taken = np.zeros(places, bool)
    order = sorted(
        ((-float(table[i, j]), radius, int(i), int(j))
         for radius, table in enumerate(found) for i, j in np.argwhere(table > 0)),
    )  # fmt: skip
    for minus, radius, i, j in order:
        cells = zones[radius][i].indices
        if taken[cells].any():
            continue
        p = float((1 + (largest >= -minus).sum()) / (1 + simulations))
        outbreaks.append(
            Outbreak(i, tuple(sorted(cells.tolist())), days - lengths[j], lengths[j], int(seen[radius][i, j]),
                     float(of_zone[radius, i] * in_window[j] / total), -minus, p, EVERY_DAYS / p)
        )  # fmt: skip
        taken[cells] = True
        if len(outbreaks) == FOUND:
            break
    return outbreaks


def _zones(rings: Sequence[Neighbours], places: int) -> list[csr_matrix]:
    """For each radius which places (columns) belong to the zone around each (rows)."""
    from scipy.sparse import identity  # as in `neighbours`

    zone = identity(places, format="csr", dtype=np.int64)
    found = [zone]
    for ring in rings:
        zone = (zone + ring.matrix.astype(np.int64)).tocsr()
        found.append(zone)
    return found
