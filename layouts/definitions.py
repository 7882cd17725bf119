"""What measures mean, and what is worked out by a method, in the words of their declarations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dashboard.domain.terms import Term
from data_access.semantics import Measure, Ratio
from layouts import html
from layouts.components import sentence

UNITS = {"s": "seconds", "working s": "seconds of working time", "s²": "squared seconds", "h": "hours",
         "money": "money in the city’s currency", "share": "share", "ratio": "ratio"}  # fmt: skip
"""Units that are not said as they are written."""
BETTER = {"higher": "more is better", "lower": "less is better", None: ""}


def definitions(measures: Iterable[Measure | Term], *, in_full: bool = False) -> html.Dl:
    """Label, definition, formula and source of each measure; `in_full` also its unit and what `ask` calls it."""
    return html.Dl([html.Div(_definition(measure, in_full)) for measure in measures], className="definitions")


def _definition(measure: Measure | Term, in_full: bool) -> list[Any]:
    if isinstance(measure, Term):
        return _told(measure, measure.formula)
    formula = measure.formula
    if not formula and isinstance(measure, Ratio):
        formula = f"{measure.over.label} ÷ {measure.under.label.lower()}, each added up first, divided last"
    about = filter(None, (UNITS.get(measure.unit, measure.unit), BETTER[measure.better]))
    unit = html.Dd([f"Unit: {', '.join(about)} · ", html.Code(measure.name)], className="source") if in_full else None
    return _told(measure, formula, unit)


def _told(one: Measure | Term, formula: str, unit: html.Dd | None = None) -> list[Any]:
    return [
        html.Dt(one.label),
        html.Dd(sentence(one.about)),
        html.Dd(f"Formula: {formula}", className="formula") if formula else None,
        unit,
        html.Dd(f"Source: {one.source}", className="source") if one.source else None,
    ]
