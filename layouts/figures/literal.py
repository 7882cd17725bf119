"""Names in figures as the city writes them: Plotly reads HTML in them, and would leave out what it takes for a tag."""

from __future__ import annotations

import re
from typing import Any

TOLD = frozenset({"text", "hovertext", "hovertemplate", "ticktext", "name"})
"""What Plotly draws of a figure as text."""
_NOT_OURS = re.compile(r"<(?!/?(?:b|br|extra)>)|&(?=#?\w+;)")
"""What begins a tag that no figure here uses, or a character written as an entity."""
_WRITTEN = {"<": "&lt;", "&": "&amp;"}


def literal(node: Any) -> Any:
    """A figure, or a part of it, whose texts mean what they say: “Noise <10 pm>” is no tag; left as it is itself."""
    if isinstance(node, dict):
        return {key: _told(value) if key in TOLD else literal(value) for key, value in node.items()}
    if isinstance(node, list) and node and isinstance(node[0], dict):
        return [literal(one) for one in node]
    return node


def _told(value: Any) -> Any:
    if isinstance(value, str):
        return _NOT_OURS.sub(lambda found: _WRITTEN[found[0]], value)
    if isinstance(value, list | tuple):
        return [_told(one) for one in value]
    return literal(value)
