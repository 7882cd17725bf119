"""A figure in fewer words, for the wire: `unpack` in the browser's script undoes it.

Lines over years say the same days for every curve, and again for whoever clicks on them; compression sees no further
than 32 kB back.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

MANY = 8
"""Lists with fewer values are not said by reference."""
DIGITS = 7
"""Digits of a number that is no whole one: a ten-millionth of a map is no pixel."""
HEIGHTS = frozenset({"y", "z", "text", "array", "arrayminus"})
"""What is drawn in the height of a chart, or as a colour, or said in a few digits."""


def packed(figure: dict[str, Any]) -> dict[str, Any]:
    """`figure`, and the one it holds for narrow screens, with traces in fewer words; it is left as it is itself.

    A list of `MANY` or more values becomes ``{"again": k}`` if it is the k-th such list of the traces once more, from 0
    and those not counted again; ``{"from": day, "step": days, "n": values}`` if it is civil days at equal steps.
    Numbers that are no whole ones lose digits that nobody sees: a height keeps five, and at least its hundredths.
    """
    seen: dict[tuple, int] = {}
    found = {**figure, "data": _packed(figure["data"], seen)}
    if narrow := figure.get("narrow"):
        found["narrow"] = {**narrow, "data": _packed(narrow["data"], seen)}
    return found


def _packed(node: Any, seen: dict[tuple, int], is_height: bool = False) -> Any:
    if isinstance(node, dict):
        return {key: _packed(value, seen, key in HEIGHTS) for key, value in node.items()}
    if isinstance(node, np.ndarray):
        node = node.tolist()
    elif not isinstance(node, list | tuple):
        return node
    kinds = list(map(type, node))
    known = set(kinds)
    if any(issubclass(kind, dict | list | tuple | np.ndarray) for kind in known):
        return [_packed(value, seen, is_height) for value in node]
    if len(node) >= MANY:
        # Values of another type may be equal, and would be written otherwise.
        words = (is_height, *known, *node) if len(known) == 1 else (is_height, *kinds, *node)
        if words in seen:
            return {"again": seen[words]}
        seen[words] = len(seen)
        if days := _days(node):
            return days
    return list(node) if known <= {str, int} else [_short(value, is_height) for value in node]


def _days(values: Any) -> dict[str, Any] | None:
    """Civil days at equal steps, as said above; None if these are others."""
    first, second = values[:2]
    if not (isinstance(first, str) and isinstance(second, str) and len(first) == len(second) == 10):
        return None
    try:
        begin, step = date.fromisoformat(first), date.fromisoformat(second) - date.fromisoformat(first)
    except ValueError:
        return None
    if step < timedelta(1) or any(one != (begin + n * step).isoformat() for n, one in enumerate(values)):
        return None
    return {"from": first, "step": step.days, "n": len(values)}


def _short(value: Any, is_height: bool) -> Any:
    if not isinstance(value, float) or value != value or value in (float("inf"), float("-inf")) or value.is_integer():
        return value
    if not is_height:
        return float(f"{value:.{DIGITS}g}")
    return float(f"{value:.5g}") if abs(value) < 1000 else round(value, 2)
