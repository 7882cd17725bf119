"""What measures mean, in the words of their declarations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from data_access.semantics import Measure, Ratio
from layouts import html
from layouts.components import sentence

UNITS = {"s": "seconds", "s²": "squared seconds", "h": "hours", "money": "money in the city’s currency",
         "share": "share", "ratio": "ratio"}  # fmt: skip
"""Units that are not said as they are written."""
BETTER = {"higher": "more is better", "lower": "less is better", None: ""}


def definitions(measures: Iterable[Measure], *, in_full: bool = False) -> html.Dl:
    """Label, definition, formula and source of each measure; `in_full` also its unit and what `ask` calls it."""
    return html.Dl([html.Div(_definition(measure, in_full)) for measure in measures], className="definitions")


def _definition(measure: Measure, in_full: bool) -> list[Any]:
    formula = measure.formula
    if not formula and isinstance(measure, Ratio):
        formula = f"{measure.over.label} ÷ {measure.under.label.lower()}, each added up first, divided last"
    about = filter(None, (UNITS.get(measure.unit, measure.unit), BETTER[measure.better]))
    return [
        html.Dt(measure.label),
        html.Dd(sentence(measure.about)),
        html.Dd(f"Formula: {formula}", className="formula") if formula else None,
        html.Dd([f"Unit: {', '.join(about)} · ", html.Code(measure.name)], className="source") if in_full else None,
        html.Dd(f"Source: {measure.source}", className="source") if measure.source else None,
    ]
