"""A figure in fewer words, for the wire: `unpack` in the browser's script undoes it.

Lines over years say the same days for every curve, and again for whoever clicks on them; compression sees no further
than 32 kB back.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

from layouts.components import NBSP

MANY = 8
"""Lists with fewer values are not said by reference."""
DIGITS = 7
"""Digits of a number that is no whole one: a ten-millionth of a map is no pixel."""
WEEK = 7
LONG = 5 * WEEK
"""Lists with fewer numbers are not said by what they differ from a week before."""
WRITTEN = {"count": "{:,.0f}", "share": f"{{:.1f}}{NBSP}%"}
"""How a height, or a hundred times a share, is written that the browser can write as well."""
HEIGHTS = frozenset({"y", "z", "text", "array", "arrayminus"})
"""What is drawn in the height of a chart, or as a colour, or said in a few digits."""


def packed(figure: dict[str, Any]) -> dict[str, Any]:
    """`figure`, and the one it holds for narrow screens, with traces in fewer words; it is left as it is itself.

    A list of `MANY` or more values becomes ``{"again": k}`` if it is the k-th such list of the traces once more, from 0
    and those not counted again; ``{"from": day, "step": days, "n": values}`` if it is civil days at equal steps;
    ``{"first": "24", "n": values}`` if each is the next whole number, as a word or as a number;
    ``{"lag": 7, "more": numbers}`` if whole numbers follow the week, each by how much more it is than the one 7 before.
    The ``text`` of a trace becomes ``{"said": "count"}`` or ``{"said": "share"}`` if it writes its heights so.
    Numbers that are no whole ones lose digits that nobody sees: a height keeps five, and at least its hundredths.
    """
    seen: dict[tuple, int] = {}
    found = {**figure, "data": _packed(figure["data"], seen)}
    if narrow := figure.get("narrow"):
        found["narrow"] = {**narrow, "data": _packed(narrow["data"], seen)}
    return found


def _packed(node: Any, seen: dict[tuple, int], is_height: bool = False) -> Any:
    if isinstance(node, dict):
        said = _said(node.get("text"), node.get("y"))
        own = {"text": {"said": said}} if said else {}
        return {key: own[key] if key in own else _packed(value, seen, key in HEIGHTS) for key, value in node.items()}
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
        if told := _days(node) or _one_by_one(node) or _by_week(node, known):
            return told
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


def _one_by_one(values: Any) -> dict[str, Any] | None:
    """Whole numbers each one more than the one before, as words or as numbers; None if these are others."""
    first, kind = values[0], type(values[0])
    if kind is not int and not (kind is str and len(first) < MANY and first.isdecimal()):
        return None
    are = all(type(one) is kind and one == kind(int(first) + n) for n, one in enumerate(values))
    return {"first": first, "n": len(values)} if are else None


def _by_week(values: Any, kinds: set[type]) -> dict[str, Any] | None:
    """Whole numbers by what they differ from those of the week before, if that is a fifth shorter; else None."""
    if len(values) < LONG or not kinds <= {int, float} or not all(value == value // 1 for value in values):
        return None
    whole = [int(value) for value in values]
    more = whole[:WEEK] + [value - before for value, before in zip(whole[WEEK:], whole, strict=False)]
    return {"lag": WEEK, "more": more} if len(str(more)) < 0.8 * len(str(whole)) else None


def _said(text: Any, heights: Any) -> str | None:
    """By which of `WRITTEN` the heights are written, where there is any; None if by none, or if nothing is."""
    are_lists = isinstance(text, list) and isinstance(heights, list | np.ndarray)
    if not are_lists or not MANY <= len(text) == len(heights):
        return None
    numbers = heights.tolist() if isinstance(heights, np.ndarray) else heights
    if any(type(one) not in (int, float, type(None)) for one in numbers):
        return None
    drawn = [
        (words, _short(one, is_height=True))
        for words, one in zip(text, numbers, strict=True)
        if one is not None and abs(one) < float("inf")  # nor NaN
    ]
    name, times = ("count", 1) if all(one == one // 1 for _, one in drawn) else ("share", 100)
    if any(abs(1000 * one % 1 - 0.5) < 1e-6 for _, one in drawn):  # which the browser would round up
        return None
    write = WRITTEN[name].format
    return name if drawn and all(write(times * one) == words for words, one in drawn) else None


def _short(value: Any, is_height: bool) -> Any:
    if not isinstance(value, float) or value != value or value in (float("inf"), float("-inf")) or value.is_integer():
        return value
    if not is_height:
        return float(f"{value:.{DIGITS}g}")
    return float(f"{value:.5g}") if abs(value) < 1000 else round(value, 2)
