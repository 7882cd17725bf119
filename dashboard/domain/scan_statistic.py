"""The space-time permutation scan: is there lately more in a place than the place and the days explain?

It finds what is new, not what is chronic: an expectation made of the place's own number and the window's own number
adjusts for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, identity

from dashboard.domain.neighbours import Neighbours

Floats = npt.NDArray[np.float64]
MOST_SHARE = 0.5
"""A zone with more than this share of all cases is no cluster in the city but the city."""
FOUND = 5
"""The most outbreaks that are told."""
EVERY_DAYS = 7.0
"""How often somebody looks: once a week."""


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
    zones = _zones(rings, places)
    of_zone = [zone @ np.bincount(where, minlength=places) for zone in zones]
    inside = [when >= days - length for length in lengths]
    expected = [
        np.outer(cases, [window.sum() for window in inside]) / total for cases in of_zone
    ]  # each (places, lengths)
    allowed = [(cases <= MOST_SHARE * total)[:, None] for cases in of_zone]

    def ratios(window: npt.NDArray[np.int64]) -> list[Floats]:
        """For cases by place and length (places, lengths) the likelihood ratios of each radius."""
        return [poisson_llr(zone @ window, e, total) * ok for zone, e, ok in zip(zones, expected, allowed, strict=True)]

    def by_place(days_of_cases: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.stack(
            [np.bincount(where[days_of_cases >= days - length], minlength=places) for length in lengths], axis=1
        )  # fmt: skip

    seen = by_place(when)
    found = ratios(seen)
    rng = np.random.default_rng(seed)
    largest = np.array([max(one.max() for one in ratios(by_place(rng.permutation(when)))) for _ in range(simulations)])
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
        p = float((1 + (largest >= -minus - 1e-12).sum()) / (1 + simulations))
        observed = int(seen[cells, j].sum())
        outbreaks.append(
            Outbreak(i, tuple(sorted(cells.tolist())), days - lengths[j], lengths[j], observed,
                     float(expected[radius][i, j]), -minus, p, EVERY_DAYS / p)
        )  # fmt: skip
        taken[cells] = True
        if len(outbreaks) == FOUND:
            break
    return outbreaks


def _zones(rings: Sequence[Neighbours], places: int) -> list[csr_matrix]:
    """For each radius which places (columns) belong to the zone around each (rows)."""
    zone = identity(places, format="csr", dtype=np.int64)
    found = [zone]
    for ring in rings:
        zone = (zone + ring.matrix.astype(np.int64)).tocsr()
        found.append(zone)
    return found
