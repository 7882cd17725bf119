"""How long somebody takes for the calls they got, against how long everybody else takes for such calls.

Whoever gets the long calls has a long handle time; observed over expected takes the mix of calls out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dashboard.domain.intervals import standard_errors

Reals = npt.NDArray[np.float64]

FEWEST = 5
"""A stratum in which the others took fewer calls says nothing: the next coarser one is used."""


class Standardised(NamedTuple):
    """Observed over expected for each of the people compared; arrays of one value per person.

    Parameters
    ----------
    n
        Calls.
    observed, expected
        Seconds in all; expected is what the others take for as many calls of the same kinds.
    ratio
        Observed over expected: 1 is as long as the others, nan where there is nothing to compare with.
    error
        The standard error of the logarithm of `ratio`.
    """

    n: Reals
    observed: Reals
    expected: Reals
    ratio: Reals
    error: Reals

    @property
    def z(self) -> Reals:
        """How many standard errors the ratio lies from 1."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.error > 0, np.log(self.ratio) / self.error, np.nan)

    def interval(self, level: float = 0.95) -> tuple[Reals, Reals]:
        """Between what the ratio lies, with chance `level`."""
        reach = standard_errors(level) * self.error
        return self.ratio * np.exp(-reach), self.ratio * np.exp(reach)


def standardise(who: Any, levels: Sequence[Any], n: Any, seconds: Any, squares: Any, people: int) -> Standardised:
    """Observed over expected seconds for `people` people, from sums over their calls by stratum.

    Expected is Σ n·m over a person's strata, m the mean of *everybody else* there: a person is never compared with
    themselves. Where the others took fewer than five calls in a stratum, m is that of the next coarser stratum.

    The error follows from the variance of the others' calls in each stratum: Var(observed − expected) =
    Σ σ²·n·(1 + n/N) with N calls of the others, the second part for the mean being estimated itself. Interval and
    z-score are those of the logarithm by the delta method: durations vary in proportion to their mean and are skewed,
    so that the ratio's logarithm is nearer the normal distribution than the ratio.

    Parameters
    ----------
    who
        For each row (a person's calls of one finest stratum) the person, 0 to `people` − 1.
    levels
        For each row its stratum, finest first; each an array of integers from 0, the last usually all zeros.
    n, seconds, squares
        For each row the calls, the sum of their seconds and the sum of their squared seconds.

    Source: measures reference, A15.1; indirect standardisation and the log-ratio interval as in N. E. Breslow and
    N. E. Day (1987), Statistical Methods in Cancer Research II, chapter 2.
    """
    who = np.asarray(who, np.int64)
    sums = np.stack([np.asarray(part, np.float64) for part in (n, seconds, squares)])
    count, taken = sums[0], sums[1]
    mean, variance, others = (np.full(len(who), np.nan) for _ in range(3))
    stratum = np.full(len(who), -1, np.int64)  # told apart over the levels, for what shares one mean
    offset = 0
    for level in levels:
        at = np.asarray(level, np.int64)
        size = int(at.max()) + 1 if len(at) else 0
        pair, mine = np.unique(who * max(size, 1) + at, return_inverse=True)
        own = np.stack([np.bincount(mine, part, len(pair))[mine] for part in sums])
        rest = np.stack([np.bincount(at, part, size)[at] for part in sums]) - own
        fits = (stratum < 0) & (rest[0] >= FEWEST)
        with np.errstate(divide="ignore", invalid="ignore"):
            m = rest[1] / rest[0]
            v = np.maximum(rest[2] - rest[0] * m**2, 0) / (rest[0] - 1)
        mean, variance = np.where(fits, m, mean), np.where(fits, v, variance)
        others = np.where(fits, rest[0], others)
        stratum = np.where(fits, at + offset, stratum)
        offset += size
    known = stratum >= 0
    calls: Reals = np.bincount(who[known], count[known], people).astype(np.float64)
    observed: Reals = np.bincount(who[known], taken[known], people).astype(np.float64)
    expected: Reals = np.bincount(who[known], (count * mean)[known], people).astype(np.float64)
    # Strata that fell back to the same coarser one share one estimated mean.
    _, first, share = np.unique(
        who[known] * max(offset, 1) + stratum[known], return_index=True, return_inverse=True
    )  # fmt: skip
    together = np.bincount(share, count[known], len(first))
    spread = variance[known][first] * together * (1 + together / others[known][first])
    noise = np.bincount(who[known][first], spread, people)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(expected > 0, observed / expected, np.nan)
        error = np.where(expected > 0, np.sqrt(noise) / expected, np.nan)
    return Standardised(calls, observed, expected, ratio, error)
