"""A word that takes a definition though no measure declares it."""

from __future__ import annotations

from typing import NamedTuple


class Term(NamedTuple):
    """What it is called, what it means, how it is worked out and after whom."""

    label: str
    about: str
    formula: str = ""
    source: str = ""
