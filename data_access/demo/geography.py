"""Where Riverton lies: outline, river, nine council districts, parks, streets and every address on them.

The river and the street grid are drawn first and the districts are put together from the pieces they cut the
city into, so that the districts tile the city exactly and their borders follow streets and water.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from shapely.affinity import rotate, translate
from shapely.geometry import LineString, Point, Polygon, box, mapping

ORIGIN = (-84.62, 39.60)  # longitude and latitude of the middle of the plan
DISTRICTS = (
    "1 Northgate", "2 Canal East", "3 Old Port", "4 Mill Ward", "5 Sumner Hill",
    "6 Fairhaven", "7 Eastmoor", "8 Highfield", "9 Sable Park",
)  # fmt: skip
BLOCK = 200.0  # metres between one street and the next
_ANGLE = 13.0  # degrees the street grid is turned
_PER_LON = 111_320 * np.cos(np.radians(ORIGIN[1]))
_PER_LAT = 111_132.0

# The plan was drawn on paper at 51.5 units to the kilometre, with the origin at (345, 280) and south downwards.
_OUTLINE = """76 100 92 71 126 53 180 46 228 47 269 57 312 55 356 39 406 35 462 43 514 46 560 43 596 57 622 88 640 128
650 177 648 222 632 263 631 307 644 353 637 401 612 450 574 485 525 505 474 510 420 500 372 504 331 522 283 525 229 512
182 508 140 513 104 497 74 461 62 420 70 374 64 326 46 277 45 218 61 149"""
_RIVER = """-60 375 20 352 67 347 93 347 126 353 157 353 187 344 211 331 246 300 264 276 285 257 309 245 340 239 362 242
400 261 421 271 442 278 471 283 499 275 526 255 552 238 609 214 649 197 760 150"""
_SKETCHES = {  # roughly where each district is meant to be; the first four lie north of the river
    0: "45 203 155 205 250 195 250 145 265 57 180 30 60 50 35 150",
    8: "265 57 250 145 250 200 294 250 340 239 390 256 400 150 430 30 350 20",
    1: "430 30 400 150 390 256 470 283 540 245 660 195 660 100 600 20",
    2: "35 203 155 205 245 215 294 250 245 300 190 344 140 354 50 347 30 280",
    4: "460 283 540 245 660 195 670 400 605 458 540 390 500 320 470 290",
    3: "198 340 245 300 294 250 340 239 390 256 460 283 420 330 390 375 230 400 215 380",
    6: "460 288 540 390 605 456 520 530 405 515 375 372 400 355 430 310",
    5: "50 347 140 354 198 340 225 400 207 520 50 530",
    7: "225 395 375 375 405 515 280 540 207 520",
}
_NORTH = (0, 8, 1, 2)
_PARKS = {
    "Sable Park": (330, 150, 900, 620), "Millrace Green": (330, 330, 420, 300),
    "Sumner Hill Park": (590, 300, 700, 560),
    "Eastmoor Common": (515, 455, 620, 420), "Highfield Playing Fields": (310, 460, 640, 400),
    "Ferry Meadow": (120, 450, 520, 380),
}  # fmt: skip
_EAST_WEST_AT = {  # streets that stories happen on, and a point they pass
    "Mercer St": (118, 300), "Quay Rd": (160, 318), "Fulton Ave": (285, 338), "Larch St": (520, 405),
    "Fairhaven Ferry Rd": (140, 420), "Canal Rd": (520, 160), "Market St": (345, 300), "Northgate Rd": (150, 120),
}  # fmt: skip
_NORTH_SOUTH_AT = {"Hollis St": (160, 318), "9th St": (285, 338), "Bridge St": (345, 240)}
_NAME_LIST = """Alder Ash Aspen Baker Barley Beacon Bellamy Birch Bishop Bramble Brewer Brook Calder Carver Cedar
Chandler Chapel Cherry Clay Cobb Cooper Copper Crane Cypress Dale Dover Draper Dunmore Elder Elm Ember
Falcon Fern Fletcher Forge Foundry Garnet Glebe Granite Grove Harbor Hawthorn Hazel Heron Hickory Holly
Hooper Iris Ivy Juniper Kestrel Kiln Lark Laurel Linden Locust Loom Lowell Madder Magnolia Maple Marsh
Mason Meadow Mulberry Nettle Oak Olive Orchard Osprey Otter Parker Pearl Pine Plover Poplar Potter Quarry
Quince Raven Reed Ridge Rowan Saddler Sage Slate Sorrel Spindle Spruce Station Sumac Sycamore Tanner Teal
Thistle Thorn Turner Union Vale Vine Walnut Weaver Wells Wheeler Willow Wren Yarrow Yew"""


def lonlat(x: Any, y: Any) -> tuple[Any, Any]:
    """Longitude and latitude of metres east and north of the origin."""
    return ORIGIN[0] + np.asarray(x) / _PER_LON, ORIGIN[1] + np.asarray(y) / _PER_LAT


def metres(lon: Any, lat: Any) -> tuple[Any, Any]:
    """Metres east and north of the origin."""
    return (np.asarray(lon) - ORIGIN[0]) * _PER_LON, (np.asarray(lat) - ORIGIN[1]) * _PER_LAT


def _drawn(px: float, py: float) -> tuple[float, float]:
    return (px - 345) / 51.5 * 1000, (280 - py) / 51.5 * 1000


def _points(text: str) -> list[tuple[float, float]]:
    numbers = [float(word) for word in text.split()]
    return [_drawn(px, py) for px, py in zip(numbers[::2], numbers[1::2], strict=True)]


def _smooth(points: list[tuple[float, float]], closed: bool) -> np.ndarray:
    """Cut the corners twice (Chaikin), so that a drawn line looks grown."""
    line = np.array(points)
    for _ in range(2):
        nxt = np.roll(line, -1, axis=0) if closed else line[1:]
        here = line if closed else line[:-1]
        cut = np.empty((2 * len(here), 2))
        cut[0::2], cut[1::2] = 0.75 * here + 0.25 * nxt, 0.25 * here + 0.75 * nxt
        line = cut if closed else np.vstack([line[:1], cut, line[-1:]])
    return line.round(1)


def geojson(shape: Any) -> str:
    """GeoJSON of a shape in metres, in degrees with six decimals (0.1 m)."""
    degrees = shapely.transform(shape, lambda xy: np.column_stack(lonlat(xy[:, 0], xy[:, 1])))
    return json.dumps(_rounded(mapping(degrees)), separators=(",", ":"))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return value


@dataclass(frozen=True)
class Ground:
    """The city in metres, and its places: every address and crossing, sorted along the streets.

    ``near[i]`` says that place i + 1 is the next door on the same street. ``homes`` is how many people a place
    stands for, ``trade`` and ``traffic`` are relative.
    """

    city: Polygon
    water: Polygon
    parks: dict[str, Polygon]
    districts: tuple[Any, ...]
    streets: dict[str, Any]
    x: np.ndarray
    y: np.ndarray
    lon: np.ndarray
    lat: np.ndarray
    district: np.ndarray
    address: pa.Array
    is_crossing: np.ndarray
    near: np.ndarray
    homes: np.ndarray
    trade: np.ndarray
    traffic: np.ndarray
    by_park: np.ndarray
    population: np.ndarray

    def around(self, lat: float, lon: float, sigma_m: float) -> np.ndarray:
        """Weights of places around a point: a normal bump, crossings counted half."""
        px, py = metres(lon, lat)
        bump = np.exp(-((self.x - px) ** 2 + (self.y - py) ** 2) / (2 * sigma_m**2))
        return bump * np.where(self.is_crossing, 0.5, 1.0) * (bump > 1e-4)


def _tile(city: Polygon, river: LineString, lines: list[LineString]) -> tuple[Any, ...]:
    """Nine districts from the pieces that streets and river cut the city into."""
    cut = shapely.union_all([city.exterior, *(line.intersection(city) for line in [river, *lines])], grid_size=0.01)
    pieces = np.array(shapely.get_parts(shapely.polygonize([cut])))
    inner = shapely.point_on_surface(pieces)
    north = Polygon([*river.coords, (9_000, 9_000), (-9_000, 9_000)])
    is_north = shapely.contains(north, inner)
    away = np.stack([shapely.distance(Polygon(_points(_SKETCHES[k])), inner) for k in range(9)])
    for k in range(9):
        away[k][is_north != (k in _NORTH)] = np.inf
    owner = away.argmin(axis=0)
    for _ in range(3):  # a piece cut off from the rest of its district goes to the neighbour it touches most
        shapes = [shapely.coverage_union_all(pieces[owner == k]) for k in range(9)]
        loose = []
        for k, shape in enumerate(shapes):
            parts = sorted(shapely.get_parts(shape), key=lambda part: part.area)
            loose += [(k, part) for part in parts[:-1]]
        if not loose:
            break
        for k, part in loose:
            shared = [shapely.length(shapely.intersection(part.exterior, s.boundary)) if j != k else 0
                      for j, s in enumerate(shapes)]  # fmt: skip
            owner[shapely.contains(part, inner) & (owner == k)] = int(np.argmax(shared))
    return tuple(shapes)


def _street_names(indices: range, at: Mapping[str, tuple[float, float]], axis: int, names: list[str]) -> dict[int, str]:
    """Names of the parallel streets: the known ones where they pass, numbered ones, the rest from the list."""
    turned = np.radians(_ANGLE)
    known = {}
    for name, drawn in at.items():
        x, y = _drawn(*drawn)
        across = x * np.cos(turned) + y * np.sin(turned) if axis else -x * np.sin(turned) + y * np.cos(turned)
        known[int(round(across / BLOCK))] = name
    ninth = next((i for i, name in known.items() if name == "9th St"), None)
    named = {}
    for i in indices:
        number = 0 if ninth is None or (i - ninth) % 2 else 9 + (i - ninth) // 2
        suffix = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number not in (11, 12, 13) else 0, "th")
        if i in known:
            named[i] = known[i]
        elif number > 0:
            named[i] = f"{number}{suffix} St"
        else:
            named[i] = f"{names.pop(0)} {('St', 'Ave', 'St', 'Rd', 'St', 'Ln')[i % 6]}"
    return named


@cache
def ground() -> Ground:
    """Riverton, always the same."""
    rng = np.random.default_rng(1184)
    city = Polygon(_smooth(_points(_OUTLINE), closed=True))
    river = LineString(_smooth(_points(_RIVER), closed=False))
    water = river.buffer(125).simplify(2)
    parks = {
        name: translate(rotate(box(-w / 2, -h / 2, w / 2, h / 2), _ANGLE), *_drawn(px, py)).buffer(30).difference(water)
        for name, (px, py, w, h) in _PARKS.items()
    }
    turned = np.radians(_ANGLE)
    along = np.array([np.cos(turned), np.sin(turned)])
    across = np.array([-np.sin(turned), np.cos(turned)])
    reach = range(-42, 43)
    names = list(rng.permutation(_NAME_LIST.split()))
    rows = _street_names(range(-30, 31), _EAST_WEST_AT, 0, names)
    columns = _street_names(range(-36, 37), _NORTH_SOUTH_AT, 1, names * 2)
    lines = [LineString([along * -9_000 + across * i * BLOCK, along * 9_000 + across * i * BLOCK]) for i in reach]
    lines += [LineString([along * i * BLOCK + across * -9_000, along * i * BLOCK + across * 9_000]) for i in reach]
    districts = _tile(city, river, lines)
    city = shapely.coverage_union_all(districts)  # to the last square metre what its districts are

    bridged = city.difference(shapely.union_all(list(parks.values())))
    dry = bridged.difference(water)
    streets: dict[str, Any] = {}
    for direction, other, named in ((along, across, rows), (across, along, columns)):
        for i, name in named.items():
            land = bridged if i % 10 == 0 or name == "Bridge St" else dry  # every tenth street crosses the river
            line = LineString([direction * -9_000 + other * i * BLOCK, direction * 9_000 + other * i * BLOCK])
            clipped = line.intersection(land)
            if clipped.length > 250:
                streets[name] = clipped

    step, spread = 33.0, np.arange(-9_000, 9_000, 33.0)
    spread = spread[np.abs((spread + BLOCK / 2) % BLOCK - BLOCK / 2) > 18]
    side = np.where(np.arange(len(spread)) % 2 == 0, 9.0, -9.0)
    number = ((spread + 9_000) // BLOCK * 100 + ((spread + 9_000) % BLOCK) // step * 14).astype(int) - 1_100
    number = number // 2 * 2 + (side > 0)
    x: list[np.ndarray] = []
    y: list[np.ndarray] = []
    crossing: list[np.ndarray] = []
    street: list[np.ndarray] = []
    texts: list[str] = []
    for direction, other, named in ((along, across, rows), (across, along, columns)):
        for i, name in named.items():
            xy = direction * spread[:, None] + other * (i * BLOCK + side)[:, None]
            x.append(xy[:, 0])
            y.append(xy[:, 1])
            texts += [f"{n} {name}" for n in number]
            crossing.append(np.zeros(len(spread), bool))
            street.append(np.full(len(spread), len(street)))
    for i, row in rows.items():
        xy = along * (np.array(list(columns)) * BLOCK)[:, None] + across * (i * BLOCK)
        x.append(xy[:, 0])
        y.append(xy[:, 1])
        texts += [f"{row} & {column}" for column in columns.values()]
        crossing.append(np.ones(len(columns), bool))
        street.append(np.full(len(columns), len(street)))
    px, py, is_crossing, on = (np.concatenate(part) for part in (x, y, crossing, street))
    inside = shapely.contains_xy(city.buffer(-15), px, py) & ~shapely.contains_xy(water.buffer(12), px, py)
    for park in parks.values():
        inside &= ~shapely.contains_xy(park, px, py)
    px, py, is_crossing, on = px[inside], py[inside], is_crossing[inside], on[inside]
    district = np.full(len(px), -1)
    for k, shape in enumerate(districts):
        shapely.prepare(shape)
        district[shapely.contains_xy(shape, px, py)] = k
    for lone in np.flatnonzero(district < 0):  # exactly on a border
        district[lone] = int(np.argmin([shape.distance(Point(px[lone], py[lone])) for shape in districts]))

    centre = np.array(_drawn(300, 275))
    from_centre = np.hypot(px - centre[0], py - centre[1])
    rough = rng.gamma(3.0, 1 / 3.0, len(px))
    crowding = np.array([0.85, 0.8, 1.35, 1.5, 0.7, 1.0, 1.1, 0.75, 1.15])[district]
    homes = np.where(is_crossing, 0.0, (0.55 + 1.2 * np.exp(-from_centre / 2_500)) * crowding * rough)
    homes *= 246_800 / homes.sum()
    main = np.isin((np.floor(px / 1_000) + np.floor(py / 1_000)) % 3, (0,))
    trade = (0.05 + 1.6 * np.exp(-from_centre / 1_100) + 0.25 * main) * rough
    traffic = (0.35 + np.exp(-from_centre / 2_800)) * np.where(is_crossing, 1.6, 1.0) * (0.6 + 0.8 * main) * rough
    by_park = np.zeros(len(px))
    for park in parks.values():
        by_park += shapely.contains_xy(park.buffer(120), px, py) * 1.0
    lon, lat = lonlat(px, py)
    next_door = (on[1:] == on[:-1]) & (np.hypot(np.diff(px), np.diff(py)) < 45)
    population = np.bincount(district, homes, 9).round().astype(int)
    return Ground(
        city, water, parks, districts, streets, px, py, lon.round(6), lat.round(6), district.astype(np.int8),
        pa.array([text for text, keep in zip(texts, inside, strict=True) if keep], pa.string()), is_crossing,
        np.append(next_door, False) & ~is_crossing, homes, trade, traffic, by_park, population,
    )  # fmt: skip


def district_frame() -> pd.DataFrame:
    """Rows of `district`."""
    g = ground()
    return pd.DataFrame({
        "district_id": [str(k + 1) for k in range(9)],
        "kind": "council",
        "name": DISTRICTS,
        "geometry": [geojson(shape) for shape in g.districts],
        "population": g.population,
        "households": (g.population / 2.31).astype(int),
        "parcels": np.bincount(g.district[~g.is_crossing], minlength=9),
        "boundary_version": "2011",
        "valid_from_on": pd.Timestamp("2012-01-01"),
    })  # fmt: skip


def population_frame() -> pd.DataFrame:
    """Rows of `population_point`: every address, with how many people it stands for."""
    g = ground()
    homes = np.flatnonzero(~g.is_crossing)
    return pd.DataFrame({
        "point_id": [f"L{at:06d}" for at in homes], "lat": g.lat[homes], "lon": g.lon[homes],
        "residents": g.homes[homes].round(2),
    })  # fmt: skip


def map_feature_frame() -> pd.DataFrame:
    """Rows of `map_feature`: the city, its river, parks and streets."""
    g = ground()
    rows = [("city", "Riverton", g.city), ("water", "Tarn River", g.water.intersection(g.city.buffer(1_500)))]
    rows += [("park", name, park) for name, park in g.parks.items()]
    rows += [("road", name, line) for name, line in g.streets.items()]
    kinds, names, shapes = zip(*rows, strict=True)
    return pd.DataFrame({
        "feature_id": [f"{kind}-{i}" for i, kind in enumerate(kinds)],
        "kind": kinds, "name": names, "geometry": [geojson(shape) for shape in shapes],
    })  # fmt: skip
