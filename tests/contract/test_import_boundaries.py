"""Districts: boundaries of every kind, in any projection, for a time, in two divisions of one city."""

from __future__ import annotations

import gzip
import json
import zipfile
from datetime import date
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import select

from callbacks.panels import answers_to, context_of
from dashboard.domain.errors import ImportRefused
from dashboard.domain.filters import Filters
from dashboard.domain.policy import Scope
from dashboard.identity import DEPUTY_MANAGER
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access.dimensions import area
from data_access.engine import Warehouse
from data_access.hotspots import Hotspots
from data_access.importers.boundaries import read_boundaries
from data_access.importers.load import import_files
from data_access.importers.mapping import mapping_from
from data_access.measures.requests import opened
from data_access.schema import (
    request,
)
from data_access.semantics import Query
from layouts.views import districts
from tests.exports import CITY, ROW, mapping, table


@pytest.mark.parametrize("name", ["areas.geojson", "areas.geojson.gz", "areas.gpkg", "areas.zip", "areas.shp"])
def test_boundaries_of_every_kind_in_any_projection(tmp_path: Path, name: str) -> None:
    squares = [shapely.box(-73.3, 40.4, -73, 40.75), shapely.box(-73, 40.4, -72.8, 40.75)]
    areas = gpd.GeoDataFrame({"WARD": [1.0, 2.0]}, geometry=squares, crs=4326)
    path = tmp_path / name
    if name.startswith("areas.geojson"):
        plain = areas.to_json().encode()
        path.write_bytes(gzip.compress(plain) if name.endswith(".gz") else plain)
    elif name == "areas.zip":
        (tmp_path / "shapes").mkdir()
        areas.to_crs(2263).to_file(tmp_path / "shapes" / "areas.shp")
        with zipfile.ZipFile(path, "w") as archive:
            for one in (tmp_path / "shapes").iterdir():
                archive.write(one, one.name)
    else:
        areas.to_crs(2263).to_file(path)
    by = mapping_from(CITY + '[district]\nkind = "ward"\nname_property = "ward"\n', Path("test.toml"))
    found = read_boundaries(path, by)
    assert found["name"].to_list() == ["1", "2"] and set(found["kind"]) == {"ward"}
    assert shapely.from_geojson(found["geometry"][0]).contains(shapely.Point(-73.25, 40.5))
    wrong = mapping_from(CITY + '[district]\nname_property = "title"\n', Path("test.toml"))
    with pytest.raises(ImportRefused, match="no “title”; they have .*WARD"):
        read_boundaries(path, wrong)


def test_residents_come_with_the_boundaries(tmp_path: Path) -> None:
    """Those of the boundaries that make up a district are added up; where one is not told, nobody knows how many."""
    wards(PEOPLE=[1200.0, 800.0]).to_file(tmp_path / "wards.geojson")
    by = WARDS + 'population_property = "people"\n'
    assert read_boundaries(tmp_path / "wards.geojson", mapping(by))["population"].to_list() == [1200, 800]
    as_one = by + 'parts = { 1 = "Both", 2 = "Both" }\n'
    assert read_boundaries(tmp_path / "wards.geojson", mapping(as_one))["population"].to_list() == [2000]
    wards(PEOPLE=["1200", "unknown"]).to_file(tmp_path / "some.geojson")
    assert read_boundaries(tmp_path / "some.geojson", mapping(by))["population"].fillna(-1).to_list() == [1200, -1]
    assert read_boundaries(tmp_path / "some.geojson", mapping(as_one))["population"].isna().all()
    with pytest.raises(ImportRefused, match="no “residents”; they have WARD, PEOPLE"):
        read_boundaries(tmp_path / "some.geojson", mapping(WARDS + 'population_property = "residents"\n'))
    (tmp_path / "export.csv").write_bytes(table(ROW + '"(40.5, -73.25)"'))
    settings = Settings(data=tmp_path / "data", cache="off")
    import_files(settings, mapping(by), tmp_path / "export.csv", tmp_path / "wards.geojson")
    (tmp_path / "export.csv").write_bytes(table(ROW.replace("7,", "8,", 1) + '"(40.5, -73.25)"'))
    import_files(settings, mapping(by), tmp_path / "export.csv")  # what the boundaries told stays known
    services = Services(settings)
    assert services.populations() == {"1": 1200, "2": 800} and services.records("residents")
    services.warehouse.close()


WARDS = '[district]\nkind = "ward"\nname_property = "ward"\n'


HALVES = [shapely.box(-73.3, 40.4, -73, 40.75), shapely.box(-73, 40.4, -72.8, 40.75)]


def wards(**columns) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"WARD": ["1", "2"], **columns}, geometry=HALVES, crs=4326)


def test_shapes_are_found_deep_in_an_archive_and_of_several_layers_those_with_names(tmp_path: Path) -> None:
    by, whole = mapping(WARDS), gpd.GeoDataFrame({"CITY": ["all"]}, geometry=HALVES[:1], crs=4326)
    (tmp_path / "shapes").mkdir()
    wards().to_crs(2263).to_file(tmp_path / "shapes" / "wards.shp")
    whole.to_file(tmp_path / "shapes" / "limits.shp")
    with zipfile.ZipFile(tmp_path / "wards.zip", "w") as archive:
        archive.writestr("City Data/metadata.json", "{}")
        for one in (tmp_path / "shapes").iterdir():
            archive.write(one, f"City Data/2024/{one.name}")
    for layer, shapes in (("limits", whole), ("old", wards()), ("new", wards())):
        shapes.to_file(tmp_path / "several.gpkg", layer=layer)
    packed = (tmp_path / "wards.zip").read_bytes()
    (tmp_path / "wards.download").write_bytes(packed)
    for name in ("wards.zip", "wards.download"):
        assert read_boundaries(tmp_path / name, by)["name"].to_list() == ["1", "2"]
    (tmp_path / "wards.zip").write_bytes(packed[:-100])
    with pytest.raises(ImportRefused, match="that can be read"):
        read_boundaries(tmp_path / "wards.zip", by)
    with pytest.raises(ImportRefused, match=r"several layers, .*new.*; say .* layer = “…” in \[district\]"):
        read_boundaries(tmp_path / "several.gpkg", by)
    assert len(read_boundaries(tmp_path / "several.gpkg", mapping(WARDS + 'layer = "new"\n'))) == 2
    with pytest.raises(ImportRefused, match="no layer “next”; it has .*old"):
        read_boundaries(tmp_path / "several.gpkg", mapping(WARDS + 'layer = "next"\n'))


def test_boundaries_in_no_known_system_are_refused_until_it_is_said(tmp_path: Path) -> None:
    plain = json.loads(wards().to_crs(2263).to_json())
    plain.pop("crs", None)
    (tmp_path / "feet.geojson").write_text(json.dumps(plain))
    with pytest.raises(ImportRefused, match=r"no degrees, .* crs = “EPSG:…” in \[district\]"):
        read_boundaries(tmp_path / "feet.geojson", mapping(WARDS))
    found = read_boundaries(tmp_path / "feet.geojson", mapping(WARDS + 'crs = "EPSG:2263"\n'))
    assert shapely.from_geojson(found["geometry"][0]).contains(shapely.Point(-73.25, 40.5))


def test_only_the_areas_in_a_shape_are_its_boundary(tmp_path: Path) -> None:
    tail = shapely.GeometryCollection([HALVES[0], shapely.LineString([(-73, 40.4), (-72, 41)])])
    knot = shapely.Polygon([(-73, 40.4, 5), (-72.8, 40.6, 5), (-72.8, 40.4, 5), (-73, 40.6, 5)])
    for name, shapes in (("odd", [tail, knot]), ("line", [HALVES[0], tail.geoms[1]])):
        (tmp_path / f"{name}.geojson").write_text(wards().set_geometry(shapes, crs=4326).to_json())
    found = shapely.from_geojson(read_boundaries(tmp_path / "odd.geojson", mapping(WARDS))["geometry"])
    assert [one.geom_type for one in found] == ["Polygon", "MultiPolygon"] and not any(one.has_z for one in found)
    with pytest.raises(ImportRefused, match="area 2 of 2, “2”, has a LineString, not an area"):
        read_boundaries(tmp_path / "line.geojson", mapping(WARDS))
    wards(WARD=["1", None]).to_file(tmp_path / "nameless.geojson")
    with pytest.raises(ImportRefused, match="area 2 of 2 has no name in “WARD”"):
        read_boundaries(tmp_path / "nameless.geojson", mapping(WARDS))


def test_districts_that_overlap_at_one_time_are_told(tmp_path: Path) -> None:
    whole = wards(WARD=["1", "all"]).set_geometry([HALVES[0], shapely.union_all(HALVES)], crs=4326)
    for name, areas in (("old", wards()), ("new", whole)):
        areas.to_file(tmp_path / f"{name}.geojson")
    (tmp_path / "export.csv").write_bytes(table(ROW))
    editions = WARDS + '[[district.editions]]\nfile = "old*"\nvalid_to = %s\n'
    editions += '[[district.editions]]\nfile = "new*"\nvalid_from = 2024-02-01\n'
    files = [tmp_path / "old.geojson", tmp_path / "new.geojson"]
    for until, told in (
        ("2024-02-01", "1 pair of them overlap (“1” and “all”)"),
        ("2024-03-01", "(“1 until 2024-03-01” and “1 from 2024-02-01”, “"),
    ):
        by = mapping(editions % until)
        outcome = import_files(Settings(data=tmp_path / until), by, tmp_path / "export.csv", files, dry=True)
        assert any(told in one for one in outcome.report.notes), outcome.report.notes
    outcome = import_files(Settings(data=tmp_path), mapping(WARDS), tmp_path / "export.csv", files[0], dry=True)
    assert not any("overlap" in one for one in outcome.report.notes)


@pytest.mark.parametrize(("words", "is_told"), [(("Arleta", "Hermon"), True), (("Arleta", "1"), False)])
def test_boundaries_of_another_division_than_the_exports_are_told(
    tmp_path: Path, words: tuple[str, str], is_told: bool
) -> None:  # fmt: skip
    wards().to_file(tmp_path / "wards.geojson")
    rows = [ROW.replace("7,", f"{n},", 1).replace("1 Main St", word) for n, word in enumerate(words)]
    (tmp_path / "export.csv").write_bytes(table(*rows))
    by = mapping_from(CITY.replace("address =", "source_district =") + WARDS, Path("test.toml"))
    files = [tmp_path / "wards.geojson"]
    notes = import_files(Settings(data=tmp_path), by, tmp_path / "export.csv", files, dry=True).report.notes
    assert any("No word of Address names one of 2 districts drawn, such as “1”" in one for one in notes) == is_told


def test_two_files_that_draw_one_district_must_say_when_they_hold(tmp_path: Path) -> None:
    for year in ("2013", "2023"):
        (tmp_path / f"wards_{year}.geojson").write_text(wards().to_json())
    (tmp_path / "export.csv").write_bytes(table(ROW))
    files = [tmp_path / f"wards_{year}.geojson" for year in ("2013", "2023")]
    with pytest.raises(ImportRefused, match=r"“1” is drawn by more than one .* \[\[district.editions\]\]"):
        import_files(Settings(data=tmp_path / "data"), mapping(WARDS), tmp_path / "export.csv", files)


def test_a_request_belongs_to_the_ward_of_its_day(tmp_path: Path) -> None:
    for year, names in (("2013", ["West", "East"]), ("2023", ["East", "West"])):
        squares = [shapely.box(-73.3, 40.4, -73, 40.75), shapely.box(-73, 40.4, -72.8, 40.75)]
        areas = gpd.GeoDataFrame({"WARD": names}, geometry=squares, crs=4326)
        (tmp_path / f"wards_{year}.geojson").write_text(areas.to_json())
    editions = """[district]
kind = "ward"
name_property = "ward"
[[district.editions]]
file = "wards_2013*"
valid_to = 2024-03-10
[[district.editions]]
file = "wards_2023*"
valid_from = 2024-03-10
"""
    by = mapping_from(CITY + editions, Path("test.toml"))
    path = tmp_path / "export.csv"
    rest = ',,,Open,Pothole,,,"(40.5, -73.2)"'
    path.write_bytes(table(f"1,2024-03-09 23:59:00{rest}", f"2,2024-03-10 00:00:00{rest}"))
    settings = Settings(data=tmp_path / "data")
    import_files(settings, by, path, [tmp_path / "wards_2013.geojson", tmp_path / "wards_2023.geojson"])
    warehouse = Warehouse(settings)
    rows = warehouse.frame(select(request.c.district, request.c.district_id).order_by(request.c.request_id))
    warehouse.close()
    assert rows["district"].to_list() == ["West", "East"]
    assert rows["district_id"].to_list() == ["West until 2024-03-10", "East from 2024-03-10"]
    services = Services(settings)
    assert services.redrawn_on() == (date(2024, 3, 10),)
    panel = next(one for one in districts.VIEW.panels if one.draw is districts.draw_sides)
    for search, is_told in (("?period=all", True), ("?from=2024-03-10&to=2024-03-11", False)):
        filters = Filters.from_search(search, services.clock(), services.dimensions)
        with acting_as(DEPUTY_MANAGER):
            answers, context = answers_to(panel, filters, services), context_of(panel, filters, services)
        assert ("Boundaries changed on" in str(panel.draw(answers, context).sentence)) is is_told
    services.warehouse.close()
    with pytest.raises(ImportRefused, match="without quotation marks"):
        mapping_from(CITY + editions.replace("= 2024-03-10", '= "2024-03-10"'), Path("test.toml"))


@pytest.mark.parametrize(
    ("until", "since", "said"),
    [
        ("valid_to = 2024-03-10", "valid_from = 2024-03-10", None),
        ("valid_to = 2024-03-10", "valid_from = 2024-03-12",
         "No district holds from 2024-03-10 until the day before 2024-03-12, and 2 requests were opened then"),
        ("valid_from = 2024-03-10\nvalid_to = 2024-03-12", "valid_from = 2024-03-12",
         "No district holds until the day before 2024-03-10, and 1 request was opened then"),
        ("valid_to = 2024-03-10", "valid_from = 2024-03-10\nvalid_to = 2024-03-12",
         "No district holds from 2024-03-12, and 1 request was opened then"),
    ],
)  # fmt: skip
def test_days_on_which_no_boundary_holds_are_told(tmp_path: Path, until: str, since: str, said: str | None) -> None:
    for name in ("old", "new"):
        wards().to_file(tmp_path / f"{name}.geojson")
    rest = ',,,Open,Pothole,,,"(40.5, -73.2)"'
    days = ("2024-03-09", "2024-03-10", "2024-03-11", "2024-03-12")
    (tmp_path / "export.csv").write_bytes(table(*(f"{n},{day}{rest}" for n, day in enumerate(days))))
    both = f'[[district.editions]]\nfile = "old*"\n{until}\n[[district.editions]]\nfile = "new*"\n{since}\n'
    files = [tmp_path / "old.geojson", tmp_path / "new.geojson"]
    settings = Settings(data=tmp_path / "data")
    notes = import_files(settings, mapping(WARDS + both), tmp_path / "export.csv", files).report.notes
    assert [one for one in notes if one.startswith("No district")] == (
        []
        if said is None
        else [f"{said}: let one of [[district.editions]] follow on the other, or leave its end open."]
    )
    services = Services(settings)  # maps show those that hold last, if they end, too
    assert sorted(services.areas.districts()["name"]) == ["1", "2"]
    assert len(services.redrawn_on()) >= 1
    services.warehouse.close()


def test_a_city_divided_in_two_ways_knows_both_and_each_with_its_own_days(tmp_path: Path) -> None:
    def drawn(name: str, column: str, **shapes: shapely.Polygon) -> Path:
        frame = gpd.GeoDataFrame({column: list(shapes)}, geometry=list(shapes.values()), crs=4326)
        (tmp_path / name).write_text(frame.to_json())
        return tmp_path / name

    west, east = shapely.box(-73.3, 40.4, -73, 40.75), shapely.box(-73, 40.4, -72.8, 40.75)
    north, south = shapely.box(-73.3, 40.5, -72.8, 40.75), shapely.box(-73.3, 40.4, -72.8, 40.5)
    wards = drawn("wards.geojson", "WARD", West=west, East=east)
    before = drawn("hoods_2013.geojson", "HOOD", West=north, Lowlands=south)  # a name that is a ward’s too
    since = drawn("hoods_2024.geojson", "HOOD", Hills=north, Lowlands=south)
    sections = """[district]
kind = "ward"
name_property = "WARD"
[area]
kind = "neighbourhood"
name_property = "HOOD"
[[area.editions]]
file = "hoods_2013*"
valid_to = 2024-03-10
[[area.editions]]
file = "hoods_2024*"
valid_from = 2024-03-10
"""
    by = mapping_from(CITY + sections, Path("test.toml"))
    path = tmp_path / "export.csv"
    rest = ',,,Open,Pothole,,,"({}, -73.2)"'
    path.write_bytes(
        table(
            f"1,2024-03-09 23:59:00{rest.format(40.7)}", f"2,2024-03-10 00:00:00{rest.format(40.7)}",
            f"3,2024-03-10 00:00:00{rest.format(40.5)}", f"4,2024-03-10 00:00:00{rest.format(44)}",
        )
    )  # fmt: skip
    settings = Settings(data=tmp_path / "data")

    def rows() -> list[tuple[str | None, str | None]]:
        warehouse = Warehouse(settings)
        found = warehouse.frame(select(request.c.district, request.c.area).order_by(request.c.request_id))
        warehouse.close()
        return list(found.astype(object).where(found.notna(), None).itertuples(index=False, name=None))

    import_files(settings, by, path, wards)
    services = Services(settings)
    assert rows() == [("West", None)] * 3 + [(None, None)]
    assert not services.is_told("area") and "area" not in [one.name for one in services.list_columns()]

    import_files(settings, by, path, areas=[before, since])  # beside the wards, which stay
    assert rows()[:2] == [("West", "West"), ("West", "Hills")]
    assert rows()[2:] == [("West", "Hills"), (None, None)]  # on a border: in the first that has it
    services = Services(settings)
    assert "area" in [one.name for one in services.list_columns()]
    assert sorted(services.areas.districts()["name"]) == ["East", "West"]  # maps show the first division
    every = Filters.from_search("?period=all", services.clock(), services.dimensions)
    answer = services.ask(Query((opened,), by=(area,)), every, Scope.everything())
    assert dict(zip(answer.frame["area"], answer.frame["opened"], strict=True)) == {
        "West": 1, "Hills": 2, "no area": 1,
    }  # fmt: skip
    here = every.choose("area", ["Hills"])
    assert services.ask(Query((opened,)), here, Scope.everything()).value("opened") == 2
    found = services.analyse(Hotspots(opened, 8), here, Scope.everything())
    assert set(found.ground.area) == {"Hills"} and len(found.ground) > 100 and found.total == 2  # empty ones too
