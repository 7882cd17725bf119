"""The city's districts, from whatever a geographer hands out: shapes read, put in degrees, joined and named."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
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
from data_access.importers.text import check_file, is_hidden, packing_of, unpacked


@dataclass(frozen=True)
class Layer:
    """One set of shapes in a file: what GDAL opens, its name there, and what its shapes have besides a shape."""

    address: str
    name: str
    properties: tuple[str, ...]


def read_shapes(
    path: Path, layer: str = "", name_property: str = "", crs: str = "", section: str = "file"
) -> gpd.GeoDataFrame:
    """The shapes in a file, in longitude and latitude: GeoJSON (also packed), Shapefile (zipped), GeoPackage.

    Parameters
    ----------
    layer
        Which of several; by default the only one whose shapes have `name_property`, or the only one.
    crs
        The coordinate system, where the file does not tell it.
    section
        The section of the mapping in which those are said.

    Where neither says in which system they are, they stay as they are. Raises ImportRefused if it is no such file, or
    holds several layers.
    """
    check_file(path)
    try:
        if packing_of(path) in ("gzip", "zstd", "bzip2", "xz"):
            with unpacked(path) as stream:
                shapes = gpd.read_file(stream.read())
        else:
            chosen = _layer(_layers(path), path, layer, name_property, section)
            shapes = gpd.read_file(chosen.address, layer=chosen.name)
    except (
        pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, zipfile.BadZipFile, ValueError, UnicodeError,
    ) as problem:  # fmt: skip
        raise ImportRefused(path.name, "this is not a GeoJSON, Shapefile or GeoPackage that can be read.") from problem
    if not isinstance(shapes, gpd.GeoDataFrame):
        raise ImportRefused(path.name, "there is not one shape in this file.")
    try:
        shapes = shapes.set_crs(crs, allow_override=True) if crs else shapes
    except pyproj.exceptions.CRSError as problem:
        raise ImportRefused(path.name, f"“{crs}” is no coordinate system that is known ({problem}).") from problem
    if shapes.crs is not None:
        shapes = shapes.to_crs(4326)
    return shapes


def in_degrees(shapes: gpd.GeoDataFrame) -> bool:
    """Whether the coordinates of shapes can be longitudes and latitudes."""
    west, south, east, north = shapes.total_bounds
    return not (max(-west, east) > 360 or max(-south, north) > 90 or np.isinf(shapes.total_bounds).any())


def _layers(path: Path) -> list[Layer]:
    """The layers in a file that have shapes, in all files of an archive."""
    addresses = [str(path)]
    if packing_of(path) == "zip":
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.namelist() if not is_hidden(one)]
        inner = next((some for ends in _SHAPES if (some := [m for m in members if m.casefold().endswith(ends)])), [""])
        addresses = [f"/vsizip/{{{path.resolve()}}}/{one}" for one in inner]  # in braces, whatever it is called
    return [
        Layer(one, name, tuple(pyogrio.read_info(one, layer=name)["fields"]))
        for one in addresses
        for name, kind in pyogrio.list_layers(one)
        if kind is not None
    ]


# Files of shapes in an archive; what is called .json may also be about them.
_SHAPES = ((".shp", ".gpkg", ".geojson", ".fgb"), ".json")


def _layer(layers: Sequence[Layer], path: Path, named: str, name_property: str, section: str) -> Layer:
    fold = name_property.casefold()
    fitting = [one for one in layers if (one.name == named if named else fold in map(str.casefold, one.properties))]
    if named and not fitting:
        shown = ", ".join(one.name for one in layers) or "none"
        raise ImportRefused(path.name, f"it has no layer “{named}”; it has {shown}.")
    fitting = fitting or list(layers)
    if not fitting:
        raise ImportRefused(path.name, "there is not one shape in this file.")
    if len(fitting) > 1:
        word = "sheet" if section == "file" else "layer"
        raise ImportRefused(
            path.name,
            f"it holds several layers, {', '.join(one.name for one in fitting)}; say which is meant in the mapping: "
            f"{word} = “…” in [{section}].",
        )
    return fitting[0]


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
    areas = read_shapes(path, rules.layer, rules.name_property, rules.crs, division)
    if areas.empty:
        raise ImportRefused(path.name, "there is not one area in this file.")
    if not in_degrees(areas):
        x, y = areas.total_bounds[:2]
        raise ImportRefused(
            path.name,
            f"its coordinates ({x:.0f} {y:.0f}) are no degrees, and it names no system of them. Say it in the mapping: "
            f"crs = “EPSG:…” in [{division}].",
        )
    named = _property(areas, rules.name_property, path)
    people = pd.Series(np.nan, areas.index)
    if rules.population_property:
        people = pd.to_numeric(areas[_property(areas, rules.population_property, path)], errors="coerce")
    parts: dict[str, list] = {}
    residents: dict[str, list[float]] = {}
    for number, (name, geometry, living) in enumerate(zip(areas[named], areas.geometry, people, strict=True), 1):
        word = "" if pd.isna(name) else _written(name)
        if not word:
            raise ImportRefused(path.name, f"area {number} of {len(areas)} has no name in “{named}”.")
        shape = _polygons(geometry)
        if shape is None:
            held = "no shape" if geometry is None else f"a {geometry.geom_type}, not an area"
            raise ImportRefused(path.name, f"area {number} of {len(areas)}, “{word}”, has {held}.")
        district = rules.parts.get(word, word)
        parts.setdefault(district, []).append(shape)
        residents.setdefault(district, []).append(living)
    return pd.DataFrame(
        {
            "district_id": " ".join([*([] if division == "district" else [division]), name, *ends]),
            "division": division,
            "kind": rules.kind,
            "name": name,
            "geometry": shapely.to_geojson(shapely.union_all(shapes)),
            "population": round(sum(residents[name])) if np.isfinite(residents[name]).all() else None,
            "boundary_version": rules.version or path.name,
            "valid_from_on": edition.valid_from,
            "valid_to_on": edition.valid_to,
        }
        for name, shapes in sorted(parts.items())
    )


def _polygons(geometry: shapely.Geometry | None) -> shapely.Geometry | None:
    """The areas in a shape, put right where it crosses itself, flat; None if it has none."""
    if geometry is None:
        return None
    parts = shapely.get_parts(shapely.make_valid(shapely.force_2d(geometry)))
    areas = [one for one in parts if one.geom_type in ("Polygon", "MultiPolygon") and not one.is_empty]
    return shapely.union_all(areas) if areas else None


def overlapping(areas: pd.DataFrame) -> list[tuple[str, str]]:
    """Pairs of areas of one division that hold at the same time and share more than a border.

    They are told by name, those that hold for different times with these. `areas` are rows of `district`; what is
    shared counts from a hundredth of the smaller one.
    """
    shapes = shapely.from_geojson(areas["geometry"].to_numpy())
    sizes = shapely.area(shapes)
    one, two = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    kept = (one < two) & (areas["division"].to_numpy()[one] == areas["division"].to_numpy()[two])
    begins = areas["valid_from_on"].where(areas["valid_from_on"].notna(), date.min).to_numpy()
    ends = areas["valid_to_on"].where(areas["valid_to_on"].notna(), date.max).to_numpy()
    kept &= (begins[one] < ends[two]) & (begins[two] < ends[one])
    one, two = one[kept], two[kept]
    shared = shapely.area(shapely.intersection(shapes[one], shapes[two]))
    much = shared > _SHARED * np.minimum(sizes[one], sizes[two])
    one, two = one[much], two[much]
    alike = (begins[one] == begins[two]) & (ends[one] == ends[two])
    names, ids = areas["name"].to_numpy(), areas["district_id"].to_numpy()
    return list(zip(*(np.where(alike, names[side], ids[side]) for side in (one, two)), strict=True))


_SHARED = 0.01


def _property(areas: gpd.GeoDataFrame, wanted: str, path: Path) -> str:
    properties = [one for one in areas.columns if one != areas.geometry.name]
    by_fold = {one.casefold(): one for one in properties}
    if wanted.casefold() in by_fold:
        return by_fold[wanted.casefold()]
    shown = ", ".join(properties[:6]) or "no properties"
    raise ImportRefused(path.name, f"its areas have no “{wanted}”; they have {shown}.")


def _written(name: object) -> str:
    """A name as a word; a number that some formats write as 7.0 is 7."""
    if isinstance(name, float) and name.is_integer():
        return str(int(name))
    return " ".join(str(name).split())
