"""What money divided by work means: why a cost changed, what one more costs, what it was worth in other years' prices.

Source: measures reference, section E.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from dashboard.domain.filters import Period, add_months

MOVED = 0.05
"""What one more costs is told only where the volume changed by at least so much: else chance decides."""


@dataclass(frozen=True)
class Money:
    """What is to be known of money besides budgets.

    Parameters
    ----------
    prices
        The index of prices (`cost_index`) by calendar year; any base.
    hour
        What an hour of somebody who answers contacts costs, all included; None where it is not known.
    """

    prices: Mapping[int, float] = field(default_factory=dict, hash=False)
    hour: float | None = None


@dataclass(frozen=True)
class Split:
    """Why a cost changed from one year to the next: `volume` + `prices` + `own` = the change.

    Parameters
    ----------
    volume
        (V1 − V0)·u0: more or less work, each at what it cost before.
    prices
        V1·u0·(π − 1): what prices in general rose by, π times; 0 where no index is known.
    own
        V1·(u1 − u0·π): what each came to cost beyond that.
    """

    before: float
    after: float
    volume: float
    prices: float
    own: float

    @property
    def change(self) -> float:
        """ΔC."""
        return self.after - self.before


def split(before: float, after: float, volume_before: float, volume_after: float, risen: float = 1.0) -> Split | None:
    """The price–volume split of a change of cost; None where there was no work in one of the years.

    `risen` is how many times prices in general went up. Source: ΔC = (V1 − V0)·u0 + V1·(u1 − u0), measures
    reference, section E, the last part cut into what all prices did and what is the city's own.
    """
    if not volume_before > 0 or not volume_after > 0:
        return None
    unit = before / volume_before
    prices = volume_after * unit * (risen - 1)
    return Split(
        before, after, (volume_after - volume_before) * unit, prices, after - volume_after * unit - prices
    )  # fmt: skip


def marginal(before: float, after: float, volume_before: float, volume_after: float) -> float | None:
    """ΔCost ÷ ΔVolume: what each one more came with; None where the volume hardly moved."""
    if not volume_before > 0 or abs(volume_after - volume_before) < MOVED * volume_before:
        return None
    return (after - before) / (volume_after - volume_before)


def price_level(index: Mapping[int, float], period: Period) -> float | None:
    """The index of prices in `period`: its yearly values, each for as many months as the period has in that year.

    None where one of the years is not in the index.
    """
    months, day, last = [], period.from_on, period.to_on - timedelta(days=1)
    while day <= last:
        months.append(day.year)
        day = add_months(day.replace(day=1), 1)
    if not months or not all(index.get(year) for year in months):
        return None
    return sum(index[year] for year in months) / len(months)


def risen(index: Mapping[int, float], before: Period, after: Period) -> float | None:
    """How many times prices in general went up from one period to another; None where the index does not tell."""
    was, became = price_level(index, before), price_level(index, after)
    return None if was is None or became is None else became / was
