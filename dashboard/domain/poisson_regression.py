"""Counts explained by what goes with them: Poisson regression with a log link, and how sure its coefficients are.

Counts vary more than Poisson's and hang together in time; so beside the model's own variance there are the
quasi-Poisson one and Newey and West's. Source: measures reference, D3; McCullagh and Nelder 1989, Generalized Linear
Models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

ROUNDS, CLOSE = 60, 1e-10


@dataclass(frozen=True)
class Fit:
    """A fitted regression of n counts on p columns.

    Parameters
    ----------
    coefficients
        (p,), on the log scale.
    mu
        (n,), what is expected of each count.
    covariance
        (p, p), of the coefficients if counts were Poisson's.
    dispersion
        Pearson's χ² over its n − p degrees of freedom: 1 for Poisson counts; NaN without any.
    """

    coefficients: Numbers
    mu: Numbers
    covariance: Numbers
    dispersion: float

    @property
    def quasi_covariance(self) -> Numbers:
        """The covariance scaled up where counts vary more than Poisson's, never down."""
        return self.covariance * (max(self.dispersion, 1.0) if np.isfinite(self.dispersion) else 1.0)


def fit_poisson(design: Numbers, counts: Numbers, exposure: Numbers) -> Fit | None:
    """Fit ``log E[count] = log(exposure) + design · coefficients`` by iteratively reweighted least squares.

    `design` is (n, p), `counts` and `exposure` (n,), every exposure above 0. None where the columns do not tell
    themselves apart, or no coefficients fit: a group without a single count.
    """
    n, p = design.shape
    if n < p or np.linalg.matrix_rank(design) < p:
        return None
    offset = np.log(exposure)
    eta = np.log(counts + 0.5)
    before = np.full(p, np.inf)
    for _ in range(ROUNDS):
        mu = np.exp(np.clip(eta, -30, 30))
        weighted = design * mu[:, None]
        try:
            found = np.linalg.solve(design.T @ weighted, weighted.T @ (eta - offset + (counts - mu) / mu))
        except np.linalg.LinAlgError:
            return None
        eta = offset + design @ found
        if np.abs(found - before).max() < CLOSE:
            break
        before = found
    else:
        return None
    if np.abs(found).max() > 25:  # on its way to minus infinity
        return None
    mu = np.asarray(np.exp(eta), np.float64)
    covariance = np.linalg.inv(design.T @ (design * mu[:, None]))
    spare = n - p
    dispersion = float(((counts - mu) ** 2 / mu).sum() / spare) if spare else float("nan")
    return Fit(np.asarray(found, np.float64), mu, covariance, dispersion)


def usual_lag(n: int) -> int:
    """How many steps back counts are taken to hang together: ⌊4 (n / 100)^(2/9)⌋.

    Source: Newey and West 1994, as in most programs.
    """
    return int(4 * (n / 100) ** (2 / 9))


def newey_west(design: Numbers, counts: Numbers, fit: Fit, lag: int) -> Numbers:
    """The covariance of the coefficients (p, p) that holds although each count resembles the `lag` before it.

    The rows are in order of time. With a lag of 0 it is White's. Scaled by n / (n − p) for the coefficients spent.
    Source: Newey and West 1987, A simple, positive semi-definite, heteroskedasticity and autocorrelation consistent
    covariance matrix, Econometrica 55 (Bartlett's weights).
    """
    n, p = design.shape
    scores = design * (counts - fit.mu)[:, None]
    meat = scores.T @ scores
    for back in range(1, min(lag, n - 1) + 1):
        crossed = scores[back:].T @ scores[:-back]
        meat += (1 - back / (lag + 1)) * (crossed + crossed.T)
    return fit.covariance @ meat @ fit.covariance * (n / max(n - p, 1))
