"""What other cities told their contacts cost, each with its year and its definition.

A figure may be held against one of the city's own only where both count alike: `like` is the measure that does. Figures
without a like are told in words. Nothing here is adjusted; `costs.price_level` brings them to other years' prices where
the city's index reaches so far back.

Source: measures reference, A16 and E. Pew's is a median, where an article quoted it as an average.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedCost:
    """One figure, in dollars of its `year`; `year` is the calendar year in which a fiscal year ended."""

    who: str
    value: float
    year: int
    said: str
    like: str


_MC311 = "salaries ÷ contacts on all channels"

PUBLISHED = (
    PublishedCost("Pew, 15 cities", 3.39, 2009, "median cost per call, as each city counts it", "direct_cost_per_call"),
    PublishedCost("Philadelphia", 2.20, 2009, "cost per call, told by Pew", "direct_cost_per_call"),
    PublishedCost("Detroit", 7.78, 2009, "cost per call, as articles quoted it", "direct_cost_per_call"),
    PublishedCost("Designated 311 centres", 3.52, 2013, "mean cost per call, 2012–14", "direct_cost_per_call"),
    PublishedCost("Montgomery County, FY 2016", 3.90, 2016, _MC311, "pay_per_contact"),
    PublishedCost("Montgomery County, FY 2017", 4.02, 2017, _MC311, "pay_per_contact"),
    PublishedCost("Montgomery County, FY 2020", 5.44, 2020, _MC311, "pay_per_contact"),
    PublishedCost("Montgomery County, FY 2021", 5.00, 2021, _MC311, "pay_per_contact"),
)
