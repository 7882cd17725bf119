"""How figures name colours, and how graphs behave; the colours themselves live in `assets/tokens.css` only.

A figure is a plain dictionary in which a colour is written ``"$series"`` or, with an opacity, ``"$series/0.4"``.
The browser replaces the names by the style sheet's values for the theme in use, adds the one shared template
and fits the figure to the width it has (`assets/dashboard311.js`).
"""

from __future__ import annotations

from typing import Any

NARROW = 480
"""Below this many pixels a figure has no room for labels beside it."""
PHONE = 400
"""Below this many it is drawn for a phone, if it has a drawing for one."""

GRAPH_CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "showSendToCloud": False,  # else plotly.js offers to upload the chart to a foreign host
    "displayModeBar": "hover",
    "modeBarButtonsToRemove": [
        "zoom", "zoom2d", "pan2d", "select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "sendDataToCloud",
        "hoverClosestCartesian", "hoverCompareCartesian", "toggleSpikelines",
    ],
    "scrollZoom": False,
    "doubleClick": "reset",
    "locale": "en",
}  # fmt: skip

MAP_CONFIG: dict[str, Any] = {
    **GRAPH_CONFIG,
    "modeBarButtonsToRemove": [
        one for one in GRAPH_CONFIG["modeBarButtonsToRemove"] if one not in ("select2d", "lasso2d")
    ],
}  # fmt: skip
"""The same for a map whose places can be chosen by a box or a line drawn around them."""

TOKENS = frozenset(
    """
    bg surface surface-2 surface-3 line line-2 text text-2 text-3 accent accent-2 accent-soft accent-line on-accent
    meets meets-soft near near-soft misses misses-soft unknown
    cat-1 cat-2 cat-3 cat-4 cat-5 cat-6 cat-other ontime late overdue notdue
    series series-2 series-raw band event hatch
    seq-0 seq-1 seq-2 seq-3 seq-4 seq-5 seq-6 seq-ink seq-ink-inv
    hot-3 hot-2 hot-1 cold-1 cold-2 hex-none land water road outside district
    """.split()  # noqa: SIM905 - a list of 60 quoted words hides its order
)
"""Every token a figure may name."""


def unknown_tokens(spec: Any) -> set[str]:
    """The token names in a figure that the style sheet does not know; empty for a good figure."""
    if isinstance(spec, str):
        name = spec[1:].split("/")[0]
        return {name} if spec.startswith("$") and name[:1].isalpha() and name not in TOKENS else set()
    if isinstance(spec, dict):
        return set().union(*(unknown_tokens(value) for value in spec.values()))
    if isinstance(spec, list | tuple):
        return set().union(*(unknown_tokens(value) for value in spec))
    return set()
