"""Elements as finished HTML, for what is only looked at and linked: tables, feet, the filter bar.

Every component that Dash knows of costs the browser time on every change of the address; a table of 400 cells and a
list of 120 types cost seconds. What has no callback of its own is therefore sent as markup (decision 0009).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from numbers import Number
from typing import Any

import dash_bootstrap_components as dbc

from layouts.addresses import below, outside
from layouts.html import Element, Input

_VOID = frozenset({"br", "col", "hr", "img", "input"})
_ADDRESSES = frozenset({"href", "action", "data-post"})
"""The attributes that hold an address."""
_NAMES = {"className": "class", "htmlFor": "for", "colSpan": "colspan", "rowSpan": "rowspan", "tabIndex": "tabindex"}


def markup(content: Any) -> str:
    """`content` (text, a number, an element, a field, or a list of these) as HTML; text is escaped. None is nothing.

    Addresses are written as a browser asks for them (`layouts.addresses`).
    Raises TypeError for anything else: a component of Dash lives by its own script, which markup cannot carry.
    """
    written: list[str] = []
    _write(content, written.append, bool(below()))
    return "".join(written)


def _write(content: Any, put: Callable[[str], None], is_below: bool) -> None:
    if isinstance(content, str):
        put(escape(content, quote=False))
    elif isinstance(content, Element):
        tag, props = content.tag, content.props
        put(f"<{tag}")
        for name, said in _attributes(content.first, *props):
            value = props[name]
            if value is True:
                put(said)
            elif value is not None and value is not False:
                text = _style(value) if isinstance(value, dict) else str(value)
                text = outside(text) if is_below and name in _ADDRESSES else text
                put(f'{said}="{escape(text)}"')
        put(">")
        if tag not in _VOID:
            _write(content.children, put, is_below)
            put(f"</{tag}>")
    elif isinstance(content, list | tuple):
        for one in content:
            _write(one, put, is_below)
    elif isinstance(content, Number):
        put(str(content))
    elif isinstance(content, dbc.Input):
        _write(Input(**content.to_plotly_json()["props"]), put, is_below)
    elif content is not None:
        raise TypeError(f"{type(content).__name__} of {type(content).__module__} cannot be sent as markup.")


@cache  # as many as there are ways of calling elements in our own code
def _attributes(first: tuple[str, ...], *names: str) -> list[tuple[str, str]]:
    """The attributes of those names in the order in which they are written, each with what it begins with.

    That is the order of Dash: data and aria attributes stand last, as they were given.
    """
    rank = {name: i for i, name in enumerate(first)}
    plain = sorted((name for name in names if "-" not in name), key=lambda name: (rank.get(name, len(rank)), name))
    return [(name, f" {_NAMES.get(name, name)}") for name in (*plain, *(name for name in names if "-" in name))]


def _style(styles: Mapping[str, Any]) -> str:
    return ";".join(f"{_property(name)}:{value}" for name, value in styles.items())


@cache
def _property(name: str) -> str:
    return re.sub("[A-Z]", lambda found: "-" + found[0].lower(), name)
