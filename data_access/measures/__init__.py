"""The catalogue: every number on the dashboard, declared once.

A new measure is a new declaration in one file of this folder; tooltips, definitions, `ask`, exports and
`dashboard311 measures` find it here.
"""

from __future__ import annotations

from data_access.measures import (
    agents,
    assets,
    collection,
    contacts,
    costs,
    fairness,
    inspections,
    outcomes,
    published_calls,
    requests,
    staffing,
)
from data_access.semantics import Measure

CATALOGUE: dict[str, Measure] = {
    value.name: value
    for module in (
        requests,
        outcomes,
        fairness,
        inspections,
        collection,
        assets,
        contacts,
        published_calls,
        agents,
        staffing,
        costs,
    )  # fmt: skip
    for value in vars(module).values()
    if isinstance(value, Measure)
}

KINDS = (assets.ABOUT_ASSET, collection.ABOUT_ROUTE, collection.WENT_OUT)
"""Conditions that tell which kind of rows a measure is about at all. Where all that are asked together are of a kind,
divisions without any such row are not told, and no other rows are read."""
