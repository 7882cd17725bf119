"""The city's districts, from whatever a geographer hands out: shapes read, put in degrees, joined and named."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely

from dashboard.domain.errors import ImportRefused
from data_access.importers.mapping import Districts, Edition, SourceMapping
from data_access.importers.text import check_file, packing_of, unpacked


def read_shapes(path: Path) -> gpd.GeoDataFrame:
    """The shapes in a file, in longitude and latitude: GeoJSON (also packed), Shapefile (zipped), GeoPackage.

    Raises ImportRefused if it is no such file.
    """
    check_file(path)
    try:
        if packing_of(path) in ("gzip", "zstd", "bzip2", "xz"):
            with unpacked(path) as stream:
                shapes = gpd.read_file(stream.read())
        elif packing_of(path) == "zip":
            shapes = gpd.read_file(f"/vsizip/{path.resolve()}")
        else:
            shapes = gpd.read_file(path)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError, UnicodeError) as problem:
        raise ImportRefused(path.name, "this is not a GeoJSON, Shapefile or GeoPackage that can be read.") from problem
    if not isinstance(shapes, gpd.GeoDataFrame):
        raise ImportRefused(path.name, "there is not one shape in this file.")
    if shapes.crs is not None:
        shapes = shapes.to_crs(4326)
    return shapes


def to_degrees(pairs: pd.DataFrame, crs: str, file: str) -> pd.DataFrame:
    """Projected coordinates (columns x, y) with where they lie: lat and lon added; rows that lie nowhere left out.

    Raises ImportRefused if there is no such projection.
    """
    try:
        project = pyproj.Transformer.from_crs(crs, 4326, always_xy=True)
    except pyproj.exceptions.CRSError as problem:
        raise ImportRefused(file, f"“{crs}” is no coordinate system that is known ({problem}).") from problem
    lon, lat = project.transform(pairs["x"].to_numpy(float), pairs["y"].to_numpy(float))
    found = pairs.assign(lat=lat, lon=lon)
    return found[np.isfinite(found["lat"]) & np.isfinite(found["lon"])]


def read_boundaries(path: Path, mapping: SourceMapping, division: str = "district") -> pd.DataFrame:
    """The rows of `district` that a file describes; boundaries of one district are made one.

    `division` is ``district``, or ``area`` for the second way in which a city is divided. A file that fits one of the
    mapping's editions holds for that time only.

    Raises ImportRefused if it holds no areas, or they have no names.
    """
    own = mapping.districts if division == "district" else mapping.areas
    rules = own or Districts(kind=division)
    edition = next((one for one in rules.editions if fnmatch(path.name, one.file)), Edition())
    rules = replace(rules, name_property=edition.name_property or rules.name_property)
    ends = [f"{word} {day}" for word, day in (("from", edition.valid_from), ("until", edition.valid_to)) if day]
    areas = read_shapes(path)
    if areas.empty:
        raise ImportRefused(path.name, "there is not one area in this file.")
    named = _name_property(areas, rules, path)
    shapes = areas.geometry
    if shapes.isna().any() or areas[named].isna().any() or not shapes.geom_type.str.contains("Polygon").any():
        raise ImportRefused(path.name, "one of its areas has no name, or no shape that can be read.")
    parts: dict[str, list] = {}
    for name, geometry in zip(areas[named], shapes, strict=True):
        word = _written(name)
        parts.setdefault(rules.parts.get(word, word), []).append(shapely.make_valid(geometry))
    return pd.DataFrame(
        {
            "district_id": " ".join([*([] if division == "district" else [division]), name, *ends]),
            "division": division,
            "kind": rules.kind,
            "name": name,
            "geometry": shapely.to_geojson(shapely.union_all(shapes)),
            "boundary_version": rules.version or path.name,
            "valid_from_on": edition.valid_from,
            "valid_to_on": edition.valid_to,
        }
        for name, shapes in sorted(parts.items())
    )


def _name_property(areas: gpd.GeoDataFrame, rules: Districts, path: Path) -> str:
    properties = [one for one in areas.columns if one != areas.geometry.name]
    by_fold = {one.casefold(): one for one in properties}
    if rules.name_property.casefold() in by_fold:
        return by_fold[rules.name_property.casefold()]
    shown = ", ".join(properties[:6]) or "no properties"
    raise ImportRefused(path.name, f"its areas have no “{rules.name_property}”; they have {shown}.")


def _written(name: object) -> str:
    """A name as a word; a number that some formats write as 7.0 is 7."""
    if isinstance(name, float) and name.is_integer():
        return str(int(name))
    return " ".join(str(name).split())
