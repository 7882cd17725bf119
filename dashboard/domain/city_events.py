"""Which events mark days of the city that are unlike others: storms and elections, not new rules."""

from __future__ import annotations

from datetime import date, timedelta

LASTING = ("policy", "campaign")
"""Kinds that change how things are rather than what happens on a day."""
LONGEST = timedelta(days=14)


def marks_days(kind: str, start_on: date, end_on: date) -> bool:
    """Whether an event on the days ``[start_on, end_on)`` makes just these days unlike others."""
    return kind not in LASTING and end_on - start_on <= LONGEST
