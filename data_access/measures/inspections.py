"""Numbers about visits: how often somebody went and looked, and whether there was what had been reported.

Reports mix what is there with who reports; visits with an outcome are the nearest thing to a measurement.
"""

from __future__ import annotations

from sqlalchemy import func

from data_access import schema
from data_access.semantics import Fact, Ratio, Total

_i = schema.inspection.c

INSPECTION = Fact("inspection", "visits", schema.inspection, known_at=_i.visited_at)


def _visits(name: str, label: str, about: str, formula: str, where=None) -> Total:
    return Total(
        name=name, label=label, unit="visits", about=about, formula=formula, source="measures reference, C5",
        fact=INSPECTION, value=func.count(), on=_i.visited_on, where=where,
    )  # fmt: skip


visits = _visits(
    "visits", "Visits", "Inspections made, on a report or on the city's own account.", "count of inspections by day"
)
visits_told = _visits(
    "visits_told", "Visits with an outcome", "Inspections at which somebody got in and looked.",
    "count of inspections but those without access", _i.result != "no_access",
)  # fmt: skip
visits_active = _visits(
    "visits_active", "Visits that found activity", "Inspections that found active signs of what was reported.",
    "count of inspections with active signs", _i.result == "active_signs",
)  # fmt: skip
visits_treated = _visits(
    "visits_treated", "Visits that treated a place", "Inspections at which premises were baited.",
    "count of inspections with premises baited", _i.premises_baited > 0,
)  # fmt: skip
visits_unasked = _visits(
    "visits_unasked", "Visits on the city’s own account",
    "Inspections that nobody's report led to: rounds of the city's own, and random checks.",
    "count of inspections of the kinds proactive and audit", _i.kind.in_(("proactive", "audit")),
)  # fmt: skip
unasked_share = Ratio(
    name="unasked_share", label="Share on the city’s own account", unit="share",
    about="Of the visits, the share that no report had led to. Where only reports are followed, a district that does "
          "not report is not looked at.",
    formula="visits on the city's own account ÷ visits", source="measures reference, C5 and section I",
    over=visits_unasked, under=visits,
)  # fmt: skip
confirmed_share = Ratio(
    name="confirmed_share", label="Confirmed by visit", unit="share",
    about="Of the visits with an outcome, the share that found active signs. Reports alone also measure who reports: "
          "in one published city fewer than half of the inspections they led to found activity.",
    formula="visits that found activity ÷ visits with an outcome", source="measures reference, C5",
    over=visits_active, under=visits_told,
)  # fmt: skip
