"""What is asked about places, on both engines, in a city drawn for it: one block of hexagons, rats in two of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import h3
import numpy as np
import pandas as pd
import pytest
import shapely
from sqlalchemy import create_engine, literal, select

from callbacks.panels import answers_to, context_of
from dashboard.app import create_app
from dashboard.domain.errors import BadRequest, NotPermitted
from dashboard.domain.filters import Filters
from dashboard.domain.policy import Scope, Viewer
from dashboard.identity import DEPUTY_MANAGER
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access import schema
from data_access.build import Build
from data_access.dimensions import DIMENSIONS
from data_access.fieldwork import Clusters, CrewList, RepeatAddresses, TreatmentEffect
from data_access.hotspots import Hotspots, Outbreaks, Related
from data_access.measures.requests import opened
from data_access.places import Places
from data_access.placing import addresses
from data_access.placing import streets as streets_of
from layouts.views import collect_views
from tests import city, screen

MIDDLE = h3.latlng_to_cell(39.6, -84.6, 9)
CELLS = sorted(h3.grid_disk(MIDDLE, 4))  # 61 hexagons
HOT = MIDDLE
OUT = h3.grid_ring(MIDDLE, 4)[0]  # an old cluster, quiet lately
LAST = datetime(2026, 6, 28, 12)  # a Sunday
VIEWS = {view.name: view for view in collect_views()}
DAYS = 400


def requests() -> pd.DataFrame:
    """Each hexagon has one report a month; `HOT` four a week in the last eight weeks, `OUT` two a week before that."""
    rows = []

    def add(cell: str, day: int, address: str, kind: str = "rats", **more) -> None:
        lat, lon = h3.cell_to_latlng(cell)
        at = LAST - timedelta(days=day)
        rows.append({
            "type_id": kind, "opened_at": at, "lat": lat + 1e-5 * (len(rows) % 7), "lon": lon + 1e-5 * (len(rows) % 5),
            "address": address, "person_key": f"p{len(rows) % 3}", "closed_at": at + timedelta(hours=1),
            "status": "closed", "closure_outcome": "resolved", **more,
        })  # fmt: skip

    for i, cell in enumerate(CELLS):
        for month in range(DAYS // 30):
            add(cell, 30 * month + (i * 7) % 30, f"{100 + i} Side St")
    for day in range(0, 56, 2):
        add(HOT, day, "Mercer St & Hollis St" if day % 4 else "7 Mercer St")
    for day in range(70, 250, 4):
        add(OUT, day, "1 Ferry Rd")
    for day in range(0, 60, 5):
        add(HOT, day, "7 Mercer St", "bins")
    for cell in CELLS:
        add(cell, 40, "5 Side St", "bins")
    add(HOT, 1, "9 Mercer St", closed_at=None, status="new", closure_outcome=None, due_at=LAST - timedelta(hours=20))
    frame = pd.DataFrame(rows)
    names = [f"r{i}" for i in range(len(frame))]
    return frame.assign(request_id=names, public_id=[f"26-{i}" for i in range(len(frame))], channel="phone",
                        department_id="vector", source_district="Old Port", src_system="t", src_id=names)  # fmt: skip


def inspections() -> pd.DataFrame:
    lat, lon = h3.cell_to_latlng(HOT)
    visits = [(3, "active_signs", 4), (20, "active_signs", 2), (33, "none", 0), (50, "no_access", 0)]
    return pd.DataFrame({
        "inspection_id": [f"i{day}" for day, _, _ in visits], "request_id": None, "kind": "initial",
        "visited_at": [LAST - timedelta(days=day) for day, _, _ in visits],
        "result": [result for _, result, _ in visits], "premises_baited": [n for _, _, n in visits],
        "lat": lat, "lon": lon,
    })  # fmt: skip


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def services(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    database = request.getfixturevalue("new_database")() if request.param == "postgres" else ""
    settings = Settings(data=tmp_path_factory.mktemp("places"), database=database, cache="off")
    types = pd.DataFrame({"type_id": ["rats", "bins"], "name": ["Rats", "Bins"], "category": ["Pests", "Waste"],
                          "department_id": "vector", "is_info_only": False, "is_internal": False})  # fmt: skip
    with Build(settings, city.CITY) as build:
        build.write("department", pd.DataFrame({"department_id": ["vector"], "name": ["Vector"]}))
        build.write("district", pd.DataFrame({"district_id": ["1"], "name": ["Old Port"], "kind": "council"}))
        build.write("service_type", types)
        points = [h3.cell_to_latlng(cell) for cell in CELLS]
        homes = pd.DataFrame(points, columns=["lat", "lon"]).assign(point_id=CELLS, residents=400.0)
        build.write("population_point", homes)
        build.write("request", requests())
        build.write("inspection", inspections())
        build.publish(as_of=LAST + timedelta(hours=6))
    found = Services(settings)
    yield found
    found.warehouse.close()


EVERYTHING = Scope.everything()


@pytest.fixture(autouse=True)
def crews_own_head() -> Iterator[None]:
    """Who may read addresses: the head of the department that has the crews."""
    with acting_as(Viewer("H", "department head", department="Vector")):
        yield


def filters(services: Services, search: str = "?service_type=Rats") -> Filters:
    return Filters.from_search(search, services.clock(), DIMENSIONS)


def test_every_hexagon_has_a_name_a_district_and_its_residents(services):
    ground = services.ground(9)
    assert ground.ids == CELLS
    assert set(ground.district) == {"Old Port"}
    np.testing.assert_allclose(ground.residents, 400)
    assert ground.name[CELLS.index(HOT)] == "Mercer St / Hollis St"
    assert services.say(DIMENSIONS["hexagon_9"], HOT) == "Mercer St / Hollis St"
    assert len(services.ground(8)) < len(CELLS)


@pytest.mark.parametrize(
    ("address", "streets"),
    [
        ("12 Mercer St, 2nd floor", {"Mercer St"}), ("440 Saratoga St  East Boston  MA  02128", {"Saratoga St"}),
        ("INTERSECTION of Blossom St & Garden St  Boston  MA", {"Blossom St", "Garden St"}),
        ("334 EAST    6 STREET", {"EAST 6 STREET"}), ("107-40 West  142 Street", {"West 142 Street"}),
        ("8300 4 AVENUE", {"4 AVENUE"}), ("52 Avenue", {"52 Avenue"}), ("90 Avenue B", {"Avenue B"}),
    ],
)  # fmt: skip
def test_a_street_is_known_by_its_name_in_an_address(services, address, streets):
    assert set(services.warehouse.frame(streets_of(select(literal(address).label("address"))))["street"]) == streets


def test_what_an_address_says_is_worked_out_once():
    """DuckDB must not carry conditions on streets down to the addresses, written out once for each mention."""
    memory = create_engine("duckdb:///:memory:")
    with memory.connect() as connection:
        schema.request.create(connection)
        asked = str(streets_of(addresses()).compile(memory, compile_kwargs={"literal_binds": True}))
        plan = connection.exec_driver_sql(f"EXPLAIN {asked}").all()[0][1]
    memory.dispose()
    assert asked.count("intersection") == plan.count("intersection") == 1


def test_the_hot_place_stands_out_with_its_neighbours_and_the_old_one_no_longer(services):
    found = services.analyse(Hotspots(opened), filters(services), EVERYTHING)
    assert found.total == found.now.n.sum() == 61 * 3 + 28 + 1 + 5
    assert found.standing.hot[CELLS.index(HOT)] and found.standing.z[CELLS.index(OUT)] < found.standing.z.max() / 3
    assert found.past.category[CELLS.index(HOT)].word == "consecutive"
    assert not found.past.standing.hot[CELLS.index(OUT), -4:].any()
    first = found.frame.head(7)
    assert HOT in set(first["hexagon"]) and "Mercer St / Hollis St" in set(first["place"])
    assert found.change is None or found.change.q.shape == (61,)
    year = services.analyse(Hotspots(opened), filters(services, "?service_type=Rats&period=all"), EVERYTHING)
    assert year.cut.every == "month" and len(year.past.category) == 61


def test_only_the_chosen_part_of_the_city_is_looked_at(services):
    chosen = filters(services, f"?service_type=Rats&hexagon_9={HOT.rstrip('f')}.{OUT.rstrip('f')}")
    assert chosen.chosen("hexagon_9") == tuple(sorted((HOT, OUT)))
    assert len(services.analyse(Hotspots(opened), chosen, EVERYTHING).ground) == 2
    with pytest.raises(BadRequest):
        services.resolve(DIMENSIONS["hexagon_9"], "892nonsense")
    elsewhere = Scope.only("district", "Fairhaven")
    assert len(services.analyse(Hotspots(opened), filters(services), elsewhere).ground) == 0


def test_what_lies_without_a_point_is_counted_apart(services):
    places = Places(opened, 9)
    found = services.analyse(Hotspots(opened), filters(services, "?period=all"), EVERYTHING)
    assert found.now.question == places
    assert found.now.n.sum() + found.now.elsewhere == len(requests())


def test_other_types_are_compared_with_the_rest_of_the_city(services):
    related = services.analyse(Related(Hotspots(opened)), filters(services), EVERYTHING).frame
    assert list(related["service_type"]) == ["Bins"]
    row = related.iloc[0]
    assert row["there"] + row["elsewhere"] == 12 + 61
    assert row["low"] < row["ratio"] < row["high"] and row["low"] > 1


def test_an_outbreak_is_found_in_its_place_and_weeks(services):
    found = services.analyse(Outbreaks(opened), filters(services), EVERYTHING)
    assert h3.grid_distance(found.frame.iloc[0]["hexagon"], HOT) <= 1
    assert found.frame.iloc[0]["observed"] > found.frame.iloc[0]["expected"]
    assert found.frame["p"].between(0.001, 1).all()


def test_crowded_points_are_outlined_for_those_who_may_see_points(services):
    crowds = services.analyse(Clusters(), filters(services), EVERYTHING)
    assert len(crowds.frame) == len(crowds.hulls) == 1
    assert crowds.frame.iloc[0]["points"] >= 14 and crowds.frame.iloc[0]["district"] == "Old Port"
    lat, lon = h3.cell_to_latlng(HOT)
    assert crowds.hulls[0].contains_properly(crowds.hulls[0].centroid)
    assert crowds.hulls[0].centroid.y == pytest.approx(lat, abs=1e-3)
    assert crowds.hulls[0].centroid.x == pytest.approx(lon, abs=1e-3)


def test_addresses_come_back_when_incidents_are_two_weeks_apart(services):
    frame = services.analyse(RepeatAddresses(), filters(services, "?service_type=Rats&period=all"), EVERYTHING).frame
    ferry = frame[frame["address"] == "1 Ferry Rd"].iloc[0]
    assert ferry["reports"] == 45 and ferry["incidents"] == 12  # every fourth day for 180 days, 16 days apart
    assert ferry["requesters"] == 3 and ferry["last_outcome"] == "resolved"


def test_a_crew_is_told_what_was_found_and_what_is_open(services):
    stops = services.analyse(CrewList(Hotspots(opened)), filters(services), EVERYTHING).stops
    (stop,) = [one for one in stops if one.hexagon == HOT]
    assert (stop.visited.told, stop.visited.active, stop.visited.baited) == (3, 2, 4)
    assert stop.visited.last_on.isoformat() == "2026-06-25"
    (waiting,) = stop.open
    assert waiting.address == "9 Mercer St" and waiting.is_overdue
    assert dict(stop.nearby)["Bins"] == 6
    assert stops[0] is stop  # confirmed activity first
    chosen = filters(services).choose("hexagon_9", [OUT])
    assert [one.hexagon for one in services.analyse(CrewList(Hotspots(opened)), chosen, EVERYTHING).stops] == [OUT]


def test_only_where_visits_are_known_is_anybody_said_not_to_have_been_there(services):
    def said(name: str, search: str, viewer: Viewer) -> str:
        drawing = screen.drawn(services, VIEWS[name], "chosen" if name == "hotspots" else "stops", search, viewer)
        return " ".join(map(screen.said, (drawing.sentence, drawing.body, drawing.foot)))

    out, head = f"?service_type=Rats&hexagon_9={OUT}", Viewer("H", "department head", department="Vector")
    known = said("hotspots", out, DEPUTY_MANAGER)
    assert "nobody has been there in 6 months" in known and "Visits of half a year" in known
    assert "none with an outcome" in said("hotspots-crew", out, DEPUTY_MANAGER)
    # Nobody's report led to these visits: they are no department's, and its head knows of none.
    for search in (out, "?service_type=Rats"):
        assert "in the period" in said("hotspots", search, head)
        assert "isit" not in said("hotspots", search, head)
        crew = said("hotspots-crew", search, head)
        assert "places that stand out most first" in crew and "Visits" not in crew


def test_treatment_is_followed_only_where_it_can_be(services):
    found = services.analyse(TreatmentEffect(opened), filters(services), EVERYTHING)
    assert found.visits == 2
    assert list(found.frame["within_days"]) == [30, 60]
    assert (found.frame["treated"] == 0).all()  # nothing to hold them against


def test_addresses_and_points_are_refused_to_those_who_may_not_see_them(services):
    with acting_as(DEPUTY_MANAGER):
        for question in (RepeatAddresses(), Clusters()):
            with pytest.raises(NotPermitted):
                services.analyse(question, filters(services), EVERYTHING)
        stops = services.analyse(CrewList(Hotspots(opened)), filters(services), EVERYTHING)
        assert stops.stops[0].open and all(one.address is None for stop in stops.stops for one in stop.open)
        assert not stops.addresses


def test_the_list_is_a_file_for_maps(services):
    if services.settings.database:
        return
    client = create_app(services.settings).server.test_client()
    answer = client.get("/export/hotspots/places.geojson?service_type=Rats")
    assert answer.status_code == 200 and answer.mimetype == "application/geo+json"
    features = json.loads(answer.data)["features"]
    named = {one["id"]: one["properties"]["place"] for one in features}
    assert named[HOT] == "Mercer St / Hollis St" and set(named) == set(CELLS)
    assert len(features[0]["geometry"]["coordinates"][0]) == 7
    assert client.get("/export/hotspots/time.geojson").status_code == 400
    assert client.get("/hotspots/crew").status_code == 200


def test_where_boundaries_are_known_a_map_has_all_within_them_for_everybody(tmp_path):
    """Neither a hexagon nor a hole tells where somebody else's requests lie, or that there are none."""
    lat, lon = h3.cell_to_latlng(MIDDLE)
    lon += 0.0007  # the border runs through no middle
    shapes = [json.dumps(shapely.geometry.mapping(shapely.box(lon + west, lat - 0.02, lon + west + 0.03, lat + 0.02)))
              for west in (-0.03, 0.0)]  # fmt: skip
    settings = Settings(data=tmp_path, cache="off")
    with Build(settings, city.CITY) as build:
        build.write("district", pd.DataFrame({"district_id": ["W", "E"], "name": ["West", "East"], "kind": "council",
                                              "geometry": shapes}))  # fmt: skip
        build.write("request", requests().drop(columns="source_district").head(50).assign(lat=lat, lon=lon + 0.01))
        build.publish(as_of=LAST + timedelta(hours=6))
    found = Services(settings)
    whole, west = found.areas.hexagons(9), found.areas.hexagons(9, Scope.only("district", "West"))
    assert len(whole) > 80 and 30 < len(west) < len(whole)
    assert found.areas.hexagons(9, Scope.only("department", "Nobody’s")) == whole
    assert max(h3.cell_to_latlng(cell)[1] for cell in west) < lon < min(
        h3.cell_to_latlng(cell)[1] for cell in found.areas.hexagons(9, Scope.only("district", "East")))  # fmt: skip
    features = json.loads(found.areas.hexagons_geojson(9, Scope(())))["features"]
    assert [one["id"] for one in features] == whole and len(features[0]["geometry"]["coordinates"][0]) == 7
    (ground,) = json.loads(found.areas.base_geojson())["features"]  # nobody told the outline: what the districts cover
    both = shapely.union_all([shapely.from_geojson(shape) for shape in shapes])
    assert ground["properties"]["kind"] == "city"
    assert shapely.geometry.shape(ground["geometry"]).symmetric_difference(both).area < 1e-6
    found.warehouse.close()


def test_no_more_than_outlines_and_hexagons_are_sent(services):
    """Ids and values only: neither geometry nor a raw point is in any figure of the view."""
    if services.settings.database:
        return
    view = VIEWS["hotspots"]

    for panel in view.panels:
        drawing = panel.draw(
            answers_to(panel, filters(services), services), context_of(panel, filters(services), services)
        )
        for trace in (drawing.figure or {}).get("data", ()):
            assert not isinstance(trace.get("geojson"), dict), panel.name
            assert len(trace.get("lat") or ()) < 400, panel.name
