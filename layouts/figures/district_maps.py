"""Districts on the city's ground: coloured by a share, or one of them with what lies in it; a click chooses one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from layouts.components import share
from layouts.figures import maps

STEP = 0.05
"""Classes of a share are five points wide."""
UNKNOWN = "cat-other"
"""The colour of a district of which too little is known."""
HEIGHT_PX = 340.0
"""The height a map is fitted for: a little less than it has."""


def share_classes(shares: np.ndarray) -> list[float]:
    """The lower limits of at most six classes that hold every one of `shares`, round and equally wide."""
    known = shares[np.isfinite(shares)]
    if not len(known):
        return [0.0]
    step = STEP
    while True:
        first = np.floor(round(known.min() / step, 9)) * step
        limits = np.arange(first, min(known.max(), 1 - 1e-9) + 1e-9, step)
        if len(limits) <= 6:
            return [float(round(limit, 4)) for limit in limits]
        step *= 2


def class_words(shares: np.ndarray) -> list[tuple[str, str]]:
    """The key: ``(token, words)`` for each class; the last has no upper end but the whole. NaN: too few to say."""
    unknown = [] if np.isfinite(shares).all() else [(UNKNOWN, "too few")]
    if not np.isfinite(shares).any():
        return unknown
    limits = share_classes(shares)
    tokens = maps.class_tokens(len(limits))
    said = [f"{share(a, 0)} to {share(b, 0)}" for a, b in zip(limits, limits[1:], strict=False)]
    return [*zip(tokens, [*said, f"{share(limits[-1], 0)} or more"], strict=True), *unknown]


def by_share(names: Sequence[str], shares: np.ndarray, words: Sequence[str], build_id: str, view: maps.Fit) -> dict:
    """Every district in the class of its share; `view` is from `maps.fitted`. NaN is grey."""
    limits = share_classes(shares)
    known = np.isfinite(shares)
    classes = np.searchsorted(limits, shares[known] + 1e-9, side="right") - 1

    def of(rows: np.ndarray, texts: Sequence[str]) -> list[str]:
        return [texts[i] for i in np.flatnonzero(rows)]

    data = []
    if known.any():
        data.append(_areas(of(known, names), classes.astype(float), len(limits), of(known, words), build_id))
    if not known.all():
        grey = _areas(of(~known, names), np.zeros(int((~known).sum())), 1, of(~known, words), build_id)
        data.append(grey | {"colorscale": [[0, f"${UNKNOWN}"], [1, f"${UNKNOWN}"]]})
    return _figure(data, build_id, view)


def by_class(
    names: Sequence[str], tokens: Sequence[str], words: Sequence[str], build_id: str, view: maps.Fit
) -> dict:  # fmt: skip
    """Every district in the colour of its class, a token each; `view` is from `maps.fitted`."""
    data = []
    for token in dict.fromkeys(tokens):
        at = [i for i, one in enumerate(tokens) if one == token]
        areas = _areas([names[i] for i in at], np.zeros(len(at)), 1, [words[i] for i in at], build_id)
        data.append(areas | {"colorscale": [[0, f"${token}"], [1, f"${token}"]]})
    return _figure(data, build_id, view)


def with_hexagons(
    names: Sequence[str], chosen: Sequence[str], words: Sequence[str], cells: Sequence[str], values: np.ndarray,
    said: Sequence[str], build_id: str, resolution: int,
) -> dict:  # fmt: skip
    """The hexagons `cells` by value, the `chosen` districts ringed; the others can be clicked."""
    inside = maps.hexagon_map(list(cells), values, list(said), build_id, resolution)
    inside["data"][0]["customdata"] = [None] * len(cells)  # a hexagon is no district
    areas = _areas(names, np.zeros(len(names)), 1, words, build_id)
    areas["marker"] = {
        "opacity": [0.0 if name in chosen else 0.35 for name in names],
        "line": {"color": "$text", "width": [2.2 * (name in chosen) for name in names]},
    }
    areas["colorscale"] = [[0, "$outside"], [1, "$outside"]]
    rings = {**areas, "locations": list(chosen), "z": np.zeros(len(chosen)), "hoverinfo": "skip"}
    rings["marker"] = {"opacity": 1, "line": {"color": "$text", "width": 2.2}}
    rings["colorscale"] = [[0, "$text/0"], [1, "$text/0"]]
    for key in ("hovertext", "hovertemplate"):
        rings.pop(key)
    view = maps.fitted(list(cells), HEIGHT_PX)
    return _figure([areas, inside["data"][0], rings], build_id, view)


def _areas(names: Sequence[str], classes: np.ndarray, n: int, words: Sequence[str], build_id: str) -> dict[str, Any]:
    scale: list[list[Any]] = []
    for i, token in enumerate(maps.class_tokens(n)):
        scale += [[i / n, f"${token}"], [(i + 1) / n, f"${token}"]]
    return {
        "type": "choroplethmap", "geojson": maps.geometry(build_id, "districts.json"), "featureidkey": "id",
        "locations": list(names), "z": classes, "zmin": -0.5, "zmax": n - 0.5, "colorscale": scale,
        "showscale": False, "below": maps.OUTLINES, "hovertext": list(words),
        "hovertemplate": "%{hovertext}<extra></extra>",
        "marker": {"opacity": 0.88, "line": {"color": "$surface", "width": 1}},
    }  # fmt: skip


def _figure(data: list[dict], build_id: str, view: Any) -> dict[str, Any]:
    centre, zoom, px = view
    layout = {
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0}, "hovermode": "closest", "meta": {"fittedFor": px},
        "map": {"style": maps.ground(build_id), "center": centre, "zoom": zoom,
                "uirevision": f"districts {build_id} {centre}"},
    }  # fmt: skip
    return {"data": data, "layout": layout}
