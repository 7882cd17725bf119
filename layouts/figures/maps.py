"""Places on the city's own ground: hexagons by value, districts above them; shapes come by URL, figures hold ids.

Map traces only, on a style without glyphs: nothing is fetched from a foreign host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import h3
import numpy as np
import pandas as pd

from data_access.dimensions import HEXAGONS
from layouts.addresses import outside
from layouts.components import count

STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
WIDTH_PX = 600.0
"""The width a map is fitted for; where it needs more than the card has, the browser starts further out."""
_NO_MARGIN = {"l": 0, "r": 0, "t": 0, "b": 0}


def geometry(build_id: str, name: str) -> str:
    """Where the browser finds shapes of the city: ``districts.json``, ``base.json``, ``hexagons/<resolution>.json``."""
    return outside(f"/geometry/{build_id}/{name}")


def ground(build_id: str, resolution: int | None = None) -> dict[str, Any]:
    """What lies under the hexagons, and the district outlines above: the map's style, so that traces change without it.

    With a `resolution` every hexagon of the city lies there, pale until the browser tells a colour for it (decision
    0028). What goes below the same layer Plotly takes off the map and puts back with each change; of its own layers
    that would be all.
    """
    sources = {name: geometry(build_id, f"{name}.json") for name in ("base", "districts")}

    def layer(name: str, drawn: str, source: str = "base", **paint: Any) -> dict[str, Any]:
        kind = {"filter": ["==", ["get", "kind"], name]} if source == "base" else {}
        return {"id": name, "type": drawn, "source": source, **kind, "paint": paint}

    layers = [
        {"id": "ground", "type": "background", "paint": {"background-color": "$outside"}},
        layer("city", "fill", **{"fill-color": "$land"}),
        layer("park", "fill", **{"fill-color": "$road"}),
        layer("water", "fill", **{"fill-color": "$water"}),
        layer("road", "line", **{"line-color": "$road", "line-width": 1.2}),
    ]
    if resolution is not None:
        sources["places"] = geometry(build_id, f"hexagons/{resolution}.json")
        told = ["feature-state", "colour"]
        layers.append(layer("places", "fill", "places", **{
            "fill-color": ["to-color", told, "$hex-none"], "fill-antialias": False,
            "fill-opacity": ["case", ["==", told, None], 0.42, FILLED],
        }))  # fmt: skip
    outlines = {"line-color": "$district", "line-width": 1, "line-opacity": 0.62}
    layers.append(layer(OUTLINES, "line", "districts", **outlines))
    return {
        "version": 8,
        "transition": {"duration": 0, "delay": 0},
        "sources": {
            name: {"type": "geojson", "data": url, "generateId": name == "places"} for name, url in sources.items()
        },
        "layers": layers,
    }


OUTLINES = "outlines"
"""The layer of the style that hexagons and districts go `below`."""
FILLED = 0.88
"""How much of the ground a place that tells something covers."""


def classes_of(values: np.ndarray) -> list[float]:
    """Three to six lower limits (1, 2, 5, 10 …) that spread the values over the sequential ramp."""
    most = float(np.max(values)) if len(values) else 0.0
    limits = [float(step) for step in STEPS if step <= most] or [1.0]
    return limits[-6:] if len(limits) > 6 else limits


def class_words(limits: Sequence[float], values: np.ndarray) -> list[tuple[str, str, int]]:
    """For each class its token, its words (“5–9”) and how many places are in it."""
    tokens = class_tokens(len(limits))
    places = np.clip(np.searchsorted(limits, values, "right") - 1, 0, None)
    words = []
    for i, low in enumerate(limits):
        high = limits[i + 1] - 1 if i + 1 < len(limits) else None
        start = "under " + count(limits[1]) if i == 0 and values.min(initial=low) < low and high is not None else None
        text = start or (
            f"{count(low)} or more" if high is None else count(low) if high == low else f"{count(low)}–{count(high)}"
        )
        words.append((tokens[i], text, int((places == i).sum())))
    return words


def class_tokens(number: int) -> list[str]:
    """The steps of the sequential ramp for so many classes, the last one always the strongest."""
    first = 6 if number == 1 else min(3, 7 - number)
    return [f"seq-{round(float(step))}" for step in np.linspace(first, 6, number)]


def hexagon_map(
    cells: Sequence[str],
    values: np.ndarray,
    words: Sequence[str],
    build_id: str,
    resolution: int,
    selected: Sequence[str] = (),
    quiet: str = "nothing",
    city: Sequence[str] = (),
) -> dict[str, Any]:
    """Hexagons coloured in classes, district outlines above; the browser rings the selected and fades the others.

    `quiet` is said of the others of the city. `city` is what must be in sight (default: `cells`): a map that shows the
    same whatever was counted stands still when another filter is chosen.
    """
    limits = classes_of(values)
    classes = np.clip(np.searchsorted(limits, values, "right") - 1, 0, len(limits) - 1)
    hexagons = _hexagons(cells, classes, class_tokens(len(limits)), words, build_id, resolution)
    return _of_places(city or cells, [hexagons], build_id, resolution, selected, quiet)


def class_map(
    cells: Sequence[str], classes: np.ndarray, tokens: Sequence[str], words: Sequence[str], build_id: str,
    resolution: int, selected: Sequence[str] = (), numbered: Sequence[str] = (), slices: Sequence[Any] = (),
    city: Sequence[str] = (), quiet: str = "nothing",
) -> dict[str, Any]:  # fmt: skip
    """Hexagons in their classes above all of the city's, which are pale; those of class 0 only tell what is there.

    The first places of a list bear their numbers. `city` is what must be in sight (default: `cells`); of those of the
    city that are not among `cells`, `quiet` is said.

    `slices` is what the play bar shows: for each slice of time the positions and classes of cells not of class 0.
    """
    hexagons = _hexagons(cells, classes, [f"{tokens[0]}/0", *tokens[1:]], words, build_id, resolution)
    figure = _of_places(city or cells, [hexagons], build_id, resolution, selected, quiet)
    apart = _apart(numbered, figure["layout"]["map"]["zoom"])
    figure["layout"]["meta"]["places"]["numbers"] = [[numbered[rank], str(rank + 1)] for rank in apart]
    figure["layout"]["meta"]["slices"] = list(slices)
    return figure


BADGE_PX = 17.0
"""How wide a number on a map is; one that would cover another before it is left to the list."""


def _apart(cells: Sequence[str], zoom: float) -> list[int]:
    """The positions of those cells whose numbers stand apart on a map as it is first seen, earlier ones first."""
    scale = 512 * 2**zoom / 360
    kept: list[tuple[int, float, float]] = []
    for rank, cell in enumerate(cells):
        lat, lon = h3.cell_to_latlng(cell)
        x, y = lon * scale, lat * scale / max(np.cos(np.radians(lat)), 0.2)
        if all((x - a) ** 2 + (y - b) ** 2 >= BADGE_PX**2 for _, a, b in kept):
            kept.append((rank, x, y))
    return [rank for rank, *_ in kept]


def crowd_map(build_id: str, outlines_of: Sequence[Any], words: Sequence[str]) -> dict[str, Any]:
    """Outlines of crowds of points with some of the city's ground around them, numbered."""
    data: list[dict[str, Any]] = []
    for shape in outlines_of:
        lon, lat = (list(axis) for axis in zip(*shape.exterior.coords, strict=True))
        data.append({
            "type": "scattermap", "mode": "lines", "lat": lat, "lon": lon, "fill": "toself", "fillcolor": "$hot-2/0.35",
            "line": {"width": 2, "color": "$hot-3"}, "hoverinfo": "skip",
        })  # fmt: skip
    middles = [shape.centroid for shape in outlines_of]
    data.append({
        "type": "scattermap", "mode": "markers+text", "lat": [one.y for one in middles],
        "lon": [one.x for one in middles], "text": [str(n) for n in range(1, len(middles) + 1)],
        "hovertext": list(words), "hovertemplate": "%{hovertext}<extra></extra>",
        "marker": {"size": 15, "color": "$surface"}, "textfont": {"size": 11, "color": "$text"},
    })  # fmt: skip
    near = {
        cell for one in middles for cell in h3.grid_disk(h3.latlng_to_cell(one.y, one.x, 8), 1)
    }  # fmt: skip
    return _of_city(sorted(near), data, ground(build_id), build_id, 260.0)


def _hexagons(
    cells: Sequence[str], classes: np.ndarray, tokens: Sequence[str], words: Sequence[str], build_id: str,
    resolution: int,
) -> dict[str, Any]:  # fmt: skip
    n = len(tokens)
    scale: list[list[Any]] = []
    for i, token in enumerate(tokens):
        scale += [[i / n, f"${token}"], [(i + 1) / n, f"${token}"]]
    return {
        "type": "choroplethmap", "geojson": geometry(build_id, f"hexagons/{resolution}.json"), "featureidkey": "id",
        "locations": list(cells), "z": classes.tolist(), "zmin": -0.5, "zmax": n - 0.5, "colorscale": scale,
        "showscale": False, "below": OUTLINES, "hovertext": list(words), "hovertemplate": "%{hovertext}<extra></extra>",
        "marker": {"opacity": FILLED, "line": {"width": 0}},
    }  # fmt: skip


def _of_places(
    cells: Sequence[str], data: list[dict[str, Any]], build_id: str, resolution: int, selected: Sequence[str],
    quiet: str,
) -> dict[str, Any]:  # fmt: skip
    """A map of the city whose hexagons can be chosen; ``layout.meta.places`` says which are, and by what name.

    No trace tells it, nor the numbers some bear: the browser lays both over the map, and gives its hexagons the colours
    of the trace; it is not drawn anew for either (decisions 0027, 0028).
    """
    figure = _of_city(cells, data, ground(build_id, resolution), build_id)
    name = HEXAGONS[resolution].name
    figure["layout"]["meta"]["places"] = {"name": name, "chosen": list(selected), "quiet": quiet}
    return figure


def _of_city(
    cells: Sequence[str], data: list[dict[str, Any]], style: dict[str, Any], build_id: str, height_px: float = 420.0
) -> dict[str, Any]:  # fmt: skip
    centre, zoom, px = _fitted(tuple(cells), height_px)
    layout = {
        "margin": _NO_MARGIN, "hovermode": "closest", "meta": {"fittedFor": px}, "selectdirection": "any",
        "map": {"style": style, "center": centre, "zoom": zoom, "uirevision": f"map {build_id}"},
    }  # fmt: skip
    return {"data": data, "layout": layout}


class Fit(NamedTuple):
    """A centre and a zoom, and how many pixels wide what is to be seen is then."""

    centre: dict[str, float]
    zoom: float
    width_px: float = WIDTH_PX


def fitted(cells: Sequence[str], height_px: float = 420.0) -> Fit:
    """The centre and zoom that show the cells, leaving a lost one far outside the city out of account."""
    points = np.array([h3.cell_to_latlng(cell) for cell in cells], float)
    if not len(points):
        return Fit({"lat": 0.0, "lon": 0.0}, 1.0)
    low, high = np.quantile(points, [0.005, 0.995], axis=0)
    (south, west), (north, east) = low, high
    middle = (south + north) / 2
    wide = max(east - west, 0.01) * 1.12
    tall = max(north - south, 0.01) * 1.12 / max(np.cos(np.radians(middle)), 0.2)
    zoom = min(np.log2(WIDTH_PX * 360 / (512 * wide)), np.log2(height_px * 360 / (512 * tall)))
    zoom = float(np.clip(zoom, 1, 15))
    return Fit({"lat": float(middle), "lon": float((west + east) / 2)}, zoom, float(512 * wide * 2**zoom / 360))


_fitted = lru_cache(maxsize=16)(fitted)  # of a city as a whole it is asked with each answer
_METRES_PER_DEGREE = 111_195.0


def point_map(build_id: str, point: Mapping[str, Any], near: pd.DataFrame, metres: float) -> dict[str, Any]:
    """A point, the circle of `metres` around it, and what lies in it; open requests stand out.

    `near` has lat, lon, closed_at, public_id and metres.
    """
    lat, lon = float(point["lat"]), float(point["lon"])
    turn = np.linspace(0, 2 * np.pi, 73)
    up, across = metres / _METRES_PER_DEGREE, metres / (_METRES_PER_DEGREE * max(np.cos(np.radians(lat)), 0.01))
    circle = {
        "type": "scattermap", "mode": "lines", "lat": (lat + up * np.sin(turn)).tolist(),
        "lon": (lon + across * np.cos(turn)).tolist(), "line": {"color": "$accent", "width": 1}, "fill": "toself",
        "fillcolor": "$accent/0.07", "hoverinfo": "skip",
    }  # fmt: skip
    is_open = near["closed_at"].isna().to_numpy(bool)
    data = [
        circle,
        _points(near[~is_open], "cat-other", 9, "closed"),
        _points(near[is_open], "overdue", 10, "open"),
        {"type": "scattermap", "mode": "markers", "lat": [lat], "lon": [lon], "hovertext": ["this request"],
         "hovertemplate": "%{hovertext}<extra></extra>", "marker": {"size": 15, "color": "$accent"}},
    ]  # fmt: skip
    zoom = np.log2(78_271.5 * max(np.cos(np.radians(lat)), 0.01) * 216 / (2.3 * metres))
    return _map(build_id, data, {"lat": lat, "lon": lon}, float(zoom))


def one_hexagon(build_id: str, cell: int, resolution: int) -> dict[str, Any]:
    """The hexagon something lies in, where its point is not for the reader."""
    name = h3.int_to_str(cell)
    lat, lon = h3.cell_to_latlng(name)
    hexagon = {
        "type": "choroplethmap", "geojson": geometry(build_id, f"hexagons/{resolution}.json"), "featureidkey": "id",
        "locations": [name], "z": [1], "zmin": 0, "zmax": 1, "colorscale": [[0, "$accent"], [1, "$accent"]],
        "showscale": False, "hoverinfo": "skip", "marker": {"opacity": 0.4}, "below": OUTLINES,
    }  # fmt: skip
    return _map(build_id, [hexagon], {"lat": lat, "lon": lon}, 13.0)


def _points(rows: pd.DataFrame, token: str, size: int, state: str) -> dict[str, Any]:
    said = [
        f"<b>{number}</b><br>{state}, {metres:.0f} m away"
        for number, metres in zip(rows["public_id"], rows["metres"], strict=True)
    ]
    return {"type": "scattermap", "mode": "markers", "lat": rows["lat"].tolist(), "lon": rows["lon"].tolist(),
            "hovertext": said, "hovertemplate": "%{hovertext}<extra></extra>",
            "marker": {"size": size, "color": f"${token}"}}  # fmt: skip


def _map(build_id: str, data: list[dict[str, Any]], centre: dict[str, float], zoom: float) -> dict[str, Any]:
    layout = {
        "margin": _NO_MARGIN, "hovermode": "closest",
        "map": {"style": ground(build_id), "center": centre, "zoom": zoom},
    }  # fmt: skip
    return {"data": data, "layout": layout}
