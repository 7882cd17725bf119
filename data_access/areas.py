"""Districts, hexagons and what lies under them, as GeoJSON to be served by URL and kept for ever by the browser.

Figures send ids and values only; this is where the ids get their shapes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import h3
import orjson
import pandas as pd
import shapely
from sqlalchemy import select

from dashboard.domain.policy import Scope
from data_access import schema
from data_access.compile import permitted
from data_access.dimensions import district
from data_access.engine import Warehouse
from data_access.measures.requests import REQUEST

if TYPE_CHECKING:
    import geopandas as gpd

_SIMPLIFY_M = 12


class Areas:
    """The shapes of the city in service."""

    def __init__(self, warehouse: Warehouse):
        self._warehouse = warehouse

    def districts(self) -> gpd.GeoDataFrame:
        """The districts in force when the data ends: columns name, population, households; longitude and latitude."""
        t = schema.district.c
        frame = self._warehouse.frame(
            select(t.name, t.population, t.households, t.geometry).where(
                t.geometry.isnot(None), schema.IN_FORCE, schema.IN_FIRST_DIVISION
            )
        )
        return _areas(frame)

    def _simplified(self) -> gpd.GeoDataFrame:
        """The districts, their borders simplified without slivers."""
        areas = self.districts()
        if not len(areas):
            return areas
        metric = areas.to_crs(areas.estimate_utm_crs())
        metric = metric.set_geometry(metric.buffer(0))  # a boundary may hold stray lines and points; areas only
        return areas.set_geometry(metric.geometry.simplify_coverage(_SIMPLIFY_M).to_crs(4326))

    def districts_geojson(self) -> str:
        """The districts as a FeatureCollection, each feature's id its name."""
        areas = self._simplified()
        return _collection(zip(areas["name"], areas.geometry, ({"name": name} for name in areas["name"]), strict=True))

    def base_geojson(self) -> str:
        """The ground of a map: the city, water, parks and roads, by property ``kind``.

        The city is what its districts cover where nobody told its outline.
        """
        t = schema.map_feature.c
        areas = _areas(self._warehouse.frame(select(t.feature_id, t.kind, t.name, t.geometry)))
        rows = [*zip(areas["feature_id"], areas.geometry, areas["kind"], areas["name"], strict=True)]
        if "city" not in set(areas["kind"]) and len(districts := self._simplified()):
            rows.append(("city", districts.geometry.union_all(), "city", None))
        return _collection(
            (key, shape, {"kind": kind, "name": None if pd.isna(name) else name}) for key, shape, kind, name in rows
        )

    def bounds(self) -> tuple[float, float, float, float] | None:
        """West, south, east, north of the districts, or of the requests' hexagons; None if there are neither."""
        areas = self.districts()
        if len(areas):
            west, south, east, north = areas.total_bounds
            return float(west), float(south), float(east), float(north)
        points = [h3.cell_to_latlng(cell) for cell in self.hexagons(8)]
        if not points:
            return None
        lats, lons = zip(*points, strict=True)
        return min(lons), min(lats), max(lons), max(lats)

    def hexagons(self, resolution: int, scope: Scope = Scope(())) -> list[str]:  # noqa: B008
        """The ids of every hexagon of the city that `scope` is about, in order.

        Those in which a request of `scope` lies, and where the city's boundaries are known all within them, so that
        neither a hexagon nor a hole tells where somebody else's requests lie.
        """
        column = schema.request.c[f"h3_{resolution}"].label("cell")
        cells = self._warehouse.frame(select(column).where(column.isnot(None), *permitted(REQUEST, scope)).distinct())
        found = {int(cell) for cell in cells["cell"]}
        t = schema.place.c
        if self._warehouse.columns(schema.place.name):
            ground = self._warehouse.frame(
                select(t.cell, t.district, t.requests).where(t.resolution == resolution, t.district.isnot(None))
            )
            if (ground["requests"] == 0).any():  # drawn from boundaries, not only from what was reported
                for name, values in scope.rows:
                    if name == district.name:
                        ground = ground[ground["district"].isin(values)]
                found |= {int(cell) for cell in ground["cell"]}
        return sorted(h3.int_to_str(cell) for cell in found)

    def hexagons_geojson(self, resolution: int, scope: Scope) -> str:
        """Those hexagons as a FeatureCollection, drawn at 93 % so that the ground shows as their edge."""

        def feature(cell: str) -> dict[str, Any]:
            lat, lon = h3.cell_to_latlng(cell)
            ring = [(round(lon + 0.93 * (x - lon), 5), round(lat + 0.93 * (y - lat), 5))
                    for y, x in h3.cell_to_boundary(cell)]  # fmt: skip
            shape = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
            return {"type": "Feature", "id": cell, "properties": {}, "geometry": shape}

        features = [feature(cell) for cell in self.hexagons(resolution, scope)]
        return orjson.dumps({"type": "FeatureCollection", "features": features}).decode()


def hexagons_geojson(frame: pd.DataFrame) -> str:
    """Rows that have a column ``hexagon`` as a FeatureCollection of whole hexagons; the other columns as properties."""
    rows = frame.drop(columns="hexagon").astype(object).where(frame.drop(columns="hexagon").notna(), None)
    features = [
        (cell, shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)]), {**values, "hexagon": cell})
        for cell, values in zip(frame["hexagon"], rows.to_dict("records"), strict=True)
    ]
    return _collection(features)


def _areas(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    import geopandas as gpd  # takes its time to load, which the first page of a process need not wait for

    shapes = shapely.from_geojson(frame["geometry"].to_numpy(object)) if len(frame) else []
    return gpd.GeoDataFrame(frame.drop(columns="geometry"), geometry=shapes, crs=4326)


def _collection(features: Iterable[tuple[str, shapely.Geometry, dict]]) -> str:
    """GeoJSON with five decimals (about a metre), without the spaces."""
    found = [
        {
            "type": "Feature",
            "id": key,
            "properties": properties,
            "geometry": json.loads(shapely.to_geojson(shapely.set_precision(shape, 1e-5, mode="pointwise"))),
        }
        for key, shape, properties in features
    ]
    whole = {"type": "FeatureCollection", "features": found}
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False, default=lambda day: day.isoformat())
