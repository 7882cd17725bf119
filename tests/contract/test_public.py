"""The published tables and the pages made of them: true, complete in their hiding, and servable by themselves."""

from __future__ import annotations

import json
import re
import shutil
from copy import deepcopy
from pathlib import Path

import h3
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy.optimize import linprog

from dashboard.app import create_app
from dashboard.cli import main
from dashboard.domain.errors import DataUnavailable
from dashboard.domain.policy import SMALLEST
from dashboard.public import create_public_server
from dashboard.settings import Settings
from data_access.build import Build
from data_access.public_extract import extract_file, read_extract, write_extract
from layouts.markup import markup
from layouts.public_page import district, districts_in, promises, where
from tests import city
from tests.client import token_of
from tests.published import CLASSES, DISTRICTS, SECRETS, publish, requests


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    settings = Settings(data=tmp_path_factory.mktemp("published"), cache="off")
    publish(settings)
    return settings


@pytest.fixture(scope="module")
def published(settings) -> dict:
    return read_extract(extract_file(settings))


def truth(through: str = "2026-05-01") -> pd.DataFrame:
    frame = requests()
    on = (frame["opened_at"].dt.tz_localize("UTC").dt.tz_convert(city.TZ)).dt.tz_localize(None)
    frame = frame.assign(month=on.dt.strftime("%Y-%m"), on=on)
    return frame[frame["on"] < through]


class Attacker:
    """Whoever keeps every release and knows how the tables hang together: each told number, each sum.

    A cell is ``(table, row, column)``, of which None is all of them; the months are one table over all releases, types
    one for each year.
    """

    def __init__(self, *releases: dict):
        self.known: dict[tuple, int] = {}
        self.sums: dict[tuple, list[tuple]] = {}
        for release in releases:
            year = release["year"]
            kinds, months = ("types", year["name"]), ("months",)
            self._read(kinds, release["by_type"])
            self._read(months, release["months"])
            within = [one for one in release["months"]["rows"] if year["from"] <= f"{one}-01" < year["to"]]
            for column in release["by_type"]["columns"]:
                self.sums[(*kinds, None, column, "by month")] = [(*kinds, None, column)]
                self.sums[(*kinds, None, column, "by month")] += [(*months, one, column) for one in within]
        self.cells = sorted({cell for parts in self.sums.values() for cell in parts}, key=str)

    def _read(self, name: tuple, told: dict) -> None:
        rows, columns = [*told["rows"], None], [*told["columns"], None]
        numbers = [[*own, total] for own, total in zip(told["cells"], told["by_row"], strict=True)]
        if "by_column" in told:
            numbers.append([*told["by_column"], told["all"]])
            for column in columns:
                self.sums[(*name, None, column)] = [(*name, None, column), *((*name, row, column) for row in rows[:-1])]
        for row, own in zip(rows, numbers, strict=False):
            self.sums[(*name, row)] = [(*name, row, None), *((*name, row, column) for column in columns[:-1])]
            self.known |= {(*name, row, column): n for column, n in zip(columns, own, strict=True) if n is not None}

    def between(self, cell: tuple) -> tuple[float, float]:
        """The least and the greatest number that a hidden cell can be."""
        unknown = [one for one in self.cells if one not in self.known]
        place = {one: i for i, one in enumerate(unknown)}
        matrix, sides = np.zeros((len(self.sums), len(unknown))), np.zeros(len(self.sums))
        for i, (total, *parts) in enumerate(self.sums.values()):
            for one, sign in ((total, -1.0), *((part, 1.0) for part in parts)):
                if one in place:
                    matrix[i, place[one]] += sign
                else:
                    sides[i] -= sign * self.known[one]
        goal = np.zeros(len(unknown))
        goal[place[cell]] = 1.0
        least, most = (linprog(sign * goal, A_eq=matrix, b_eq=sides, bounds=(0, None)) for sign in (1.0, -1.0))
        assert least.success and most.status in (0, 3)
        return least.fun, np.inf if most.status == 3 else -most.fun


def small_cells() -> dict[tuple, tuple[int, int]]:
    """The count of every small cell, and the smallest count that is told where it stands."""
    frame = truth()
    frame = frame[frame["type_id"] != "Needles"]
    by_month = frame.groupby(["month", "source_district"]).size()
    year = frame[frame["month"].str.startswith("2025")].groupby(["type_id", "source_district"]).size()
    found = {("months", *at): (int(n), 11) for at, n in by_month.items()}
    found |= {("types", "2025", *at): (int(n), SMALLEST[CLASSES[at[0]] or "P2"]) for at, n in year.items()}
    return {at: (n, limit) for at, (n, limit) in found.items() if 0 < n < limit}


def test_only_settled_months_are_published(published):
    assert published["to"] == "2026-05-01"  # May ended less than a week before the data's last day
    assert published["months"]["rows"][0] == "2025-01" and published["months"]["rows"][-1] == "2026-04"


def test_what_is_told_is_true(published):
    frame = truth()
    frame = frame[frame["type_id"] != "Needles"]
    by_type, months = published["by_type"], published["months"]
    assert by_type["columns"] == months["columns"] == sorted(DISTRICTS) and published["year"]["name"] == "2025"
    year = frame[frame["month"].str.startswith("2025")]
    for told, rows in ((by_type, year["type_id"]), (months, frame["month"])):
        true = pd.crosstab(rows, frame["source_district"]).reindex(told["rows"], columns=told["columns"], fill_value=0)
        for own, shown in zip(true.to_numpy(), told["cells"], strict=True):
            assert [n for n, one in zip(own, shown, strict=True) if one is not None] == [
                n for n in shown if n is not None
            ]
        totals = zip(true.sum(axis=1), told["by_row"], strict=True)
        assert all(one in (n, None) for n, one in totals)
    assert None not in months["by_row"]


def told_too_nearly(attacker: Attacker) -> list[tuple]:
    """The small cells that the attacker knows, or knows within fewer numbers than may be told."""
    found = []
    for cell, (n, limit) in small_cells().items():
        least, most = (attacker.known[cell],) * 2 if cell in attacker.known else attacker.between(cell)
        assert least - 1e-6 <= n <= most + 1e-6, cell
        if most - least < limit - 1e-6:
            found.append((*cell, n, least, most))
    return found


def test_nobody_who_reckons_tells_a_small_count(published):
    assert len(small_cells()) > 20 and told_too_nearly(Attacker(published)) == []
    careless = deepcopy(published)  # had only the small ones been hidden, they would be told
    true, small = pd.crosstab(truth()["month"], truth()["source_district"]), small_cells()
    needles = truth()[truth()["type_id"] == "Needles"]
    true = true.sub(pd.crosstab(needles["month"], needles["source_district"]), fill_value=0).astype(int)
    for name, own in zip(careless["months"]["rows"], careless["months"]["cells"], strict=True):
        for j, column in enumerate(careless["months"]["columns"]):
            own[j] = None if ("months", name, column) in small else int(true.loc[name, column])
    assert told_too_nearly(Attacker(careless))


def test_nobody_who_keeps_the_release_before_tells_one_either(published, tmp_path):
    """Dates are the oldest filter: what two releases tell must not be subtracted."""
    there = Settings(data=tmp_path, cache="off")
    publish(there, as_of="2026-04-10T12:00")
    before = read_extract(extract_file(there))
    assert before["to"] == "2026-04-01" and before["year"] == published["year"]
    assert told_too_nearly(Attacker(before, published)) == []
    months = published["months"]
    assert before["months"]["cells"] == months["cells"][: len(before["months"]["cells"])]
    assert before["by_type"] == published["by_type"]


def test_what_was_hidden_once_stays_hidden(settings, published):
    """A correction may change what a small count would be hidden behind; the one before knew the other."""
    earlier = deepcopy(published)
    told = next((i, j) for i, own in enumerate(earlier["months"]["cells"]) for j, n in enumerate(own) if n is not None)
    earlier["months"]["cells"][told[0]][told[1]] = None
    earlier["by_type"]["cells"][0][0] = None
    kept = extract_file(settings).read_text("utf-8")
    try:
        extract_file(settings).write_text(json.dumps(earlier), "utf-8")
        again = read_extract(write_extract(settings))
    finally:
        extract_file(settings).write_text(kept, "utf-8")
    assert again["months"]["cells"][told[0]][told[1]] is None and again["by_type"]["cells"][0][0] is None
    assert told_too_nearly(Attacker(again)) == [] and again["maps"].keys() == published["maps"].keys()


def test_sensitive_types_are_whole_city_and_quarters(published):
    assert published["sensitive"]["rows"] == ["Needles"]
    assert all("Q" in one for one in published["sensitive"]["columns"])
    assert set(published["sensitive"]) == {"rows", "columns", "cells", "by_column"}  # no sum over quarters, which move
    words = json.dumps({**published, "sensitive": None})
    assert "Needles" not in words and "Needles" not in published["by_type"]["rows"]


def test_promises_add_up(published):
    for told in published["promises"].values():
        for (kept, late), due in zip(told["cells"], told["by_row"], strict=True):
            if None not in (kept, late, due):
                assert kept + late == due
    both = [told["by_column"] for told in published["promises"].values()]
    assert both[0] == both[1] and None not in both[0]


def test_hexagons_and_districts_overlap_and_tell_no_small_part(published):
    """Who knows the districts' counts, and the hexagons', does not know how few of a hexagon lie in a district."""
    assert set(published["maps"]) == {"Pothole"}
    cells = published["maps"]["Pothole"]
    assert min(cells.values()) >= SMALLEST["P0"]
    frame = truth()
    frame = frame[(frame["type_id"] == "Pothole") & frame["month"].str.startswith("2025")]
    where = [h3.latlng_to_cell(lat, lon, 8) for lat, lon in zip(frame["lat"], frame["lon"], strict=True)]
    parts = frame.groupby([where, "source_district"]).size()
    told = dict(zip(published["by_type"]["columns"], published["by_type"]["cells"][
        published["by_type"]["rows"].index("Pothole")], strict=True))  # fmt: skip
    assert None not in told.values()
    places = list(parts.index)
    rows = [[float(cell == one) for cell, _ in places] for one in cells]
    rows += [[float(name == one) for _, name in places] for one in told]
    sides = [*cells.values(), *told.values()]
    small = [i for i, n in enumerate(parts) if n < SMALLEST["P0"]]
    assert small and any(where.count(cell) != n for (cell, _), n in parts.items())  # they do overlap
    for i in small:
        goal = np.eye(len(places))[i]
        least = linprog(goal, A_eq=rows, b_eq=sides, bounds=(0, None))
        most = linprog(-goal, A_eq=rows, b_eq=sides, bounds=(0, None))
        assert -most.fun - least.fun >= SMALLEST["P0"] - 1e-6, places[i]


PAGES = ("/public", "/public/district", "/public/district/North", "/public/district/Lake", "/public/where",
         "/public/where?type=Noise", "/public/promises", "/public/definitions", "/public/city.json")  # fmt: skip


def test_pages_need_nobody_and_set_nothing(settings):
    client = create_app(Settings(data=settings.data, cache="off")).server.test_client()
    client.post("/sign-out", headers={"X-CSRFToken": token_of(client)})
    assert client.get("/").status_code == 302  # signed out, even of the demo
    for path in PAGES:
        got = client.get(path)
        text = got.get_data(as_text=True)
        assert got.status_code == 200 and "Set-Cookie" not in got.headers and "Cookie" not in got.vary, path
        assert not [secret for secret in SECRETS if secret in text], path
        if path != "/public/city.json":
            assert (
                "frame-ancestors *" in got.headers["Content-Security-Policy"] and "X-Frame-Options" not in got.headers
            )
            assert "<script" not in text.replace('<script src="/assets/theme.js', "")
    assert "few" in client.get("/public/district/Hill").get_data(as_text=True)
    assert "Sensitive subjects are counted by themselves" in client.get("/public").get_data(as_text=True)
    for path in ("/public/district/Nowhere", "/public/where?type=Needles", "/public/../state.db", "/public/nothing"):
        gone = client.get(path)
        assert gone.status_code == 404 and gone.mimetype == "text/plain", path
    assert client.post("/public").status_code in (400, 405)


def test_a_district_with_a_slash_in_its_name_has_a_page(published, tmp_path):
    here = Settings(data=tmp_path)
    extract_file(here).parent.mkdir()
    extract_file(here).write_text(json.dumps(published).replace('"Hill"', '"Hill / Dale"'), "utf-8")
    client = create_public_server(here).test_client()
    (link,) = re.findall('href="(/public/district/Hill[^"]*)"', client.get("/public/district").get_data(as_text=True))
    page = client.get(link)
    assert page.status_code == 200 and "Hill / Dale" in page.get_data(as_text=True)


def test_a_district_is_shown_beside_all_others_and_the_city(published):
    """What is hidden stays hidden, in counts, rates and shares; the whole is that of its parts where all are told."""
    names, kinds, told = districts_in(published), published["by_type"], published["promises"]["by_district"]
    shown = "".join(one if isinstance(one, str) else markup(one) for one in district(published, names[0]))
    table = shown[shown.index("Beside the other districts") :]
    lines = [re.sub("<[^>]+>", "|", line) for line in table.split("<tr")[2:]]
    assert len(lines) == len(names) + 1 and published["city"] in lines[-1]
    hidden = 0
    for name, line in zip(names, lines, strict=False):
        n = kinds["by_column"][kinds["columns"].index(name)]
        kept, late = told["cells"][told["rows"].index(name)]
        assert name in line and (f"|{n:,}|" in line if n is not None else "|few|" in line)
        if None in (kept, late):
            hidden += 1
            assert "not shown" in line and "in 100" not in line
        else:
            assert f"{100 * kept / (kept + late):.0f} in 100" in line
    assert hidden < len(names)
    assert f"|{sum(kinds['by_column']):,}|" in lines[-1] if None not in kinds["by_column"] else "|few|" in lines[-1]
    assert f'href="/public/district/{names[1]}"' in table and f'href="/public/district/{names[0]}"' not in table


def test_districts_that_nobody_drew_have_pages_and_what_never_fell_due_is_not_hidden(published):
    told = {**deepcopy(published), "districts": []}
    names = districts_in(told)
    assert set(districts_in(published)) <= set(names) and "no district" not in names
    told["promises"]["by_district"] = {"rows": [], "cells": [], "by_row": [], "columns": [], "by_column": [0, 0]}
    shown = markup([one for one in district(told, names[0]) if not isinstance(one, str)])
    assert "not shown" not in shown and "in the whole city –" in shown and "residents" not in shown
    hidden = deepcopy(published)
    hidden["promises"]["by_district"]["cells"] = [[None, None]] * len(hidden["promises"]["by_district"]["rows"])
    figure = markup(district(hidden, names[0])[2])
    assert "<b>not shown</b>" in figure


def test_a_map_names_its_districts_or_gives_them_the_numbers_of_the_table(published):
    """A name stands where it has room; a phone, on which no name has, and a small district show the row's number."""
    west, east, far = ([[x, 0.0], [x + wide, 0.0], [x + wide, 1.0], [x, 1.0], [x, 0.0]]
                       for x, wide in ((0.0, 1.0), (1.0, 0.95), (1.95, 0.05)))  # fmt: skip
    rings = {"North": west, "Great Lake District": east, "Hill": far}
    told = {
        **deepcopy(published), "maps": {}, "months": {**published["months"], "columns": [*rings]},
        "districts": [{"name": name, "population": None} for name in rings],
        "by_type": {"rows": ["Pothole"], "columns": [*rings, "no district"], "cells": [[30, 20, 10, 9]]},
        "shapes": {"features": [{"id": name, "geometry": {"type": "Polygon", "coordinates": [ring]}}
                                for name, ring in rings.items()]},
    }  # fmt: skip

    def drawn(tables) -> tuple[list[str], list[str], str]:
        parts = where(tables, None)
        named = re.findall(r'<text class="name">(.*?)</text>', parts[2])
        rows = re.findall(r"<tbody>.*</tbody>", markup(parts[3]))[0]
        return [re.sub("<.*?>", "|", one) for one in named], re.findall(r'class="no"[^>]*>(\w+)<', parts[2]), rows

    named, numbers, rows = drawn(told)
    assert named == ["|North|", "|Great Lake||District|"] and numbers == ["1", "2", "3"]
    assert '<span class="map-no">3</span>Hill' in rows and '<span class="map-no"></span>no district' in rows
    own = json.loads(json.dumps(told).replace('"North"', '"7 North"').replace('"Great Lake', '"2 Lake')
                     .replace('"Hill"', '"5 Hill"'))  # fmt: skip
    _, numbers, rows = drawn(own)  # names that begin with a number keep it
    assert numbers == ["7", "2", "5"] and "map-no" not in rows.replace('<span class="map-no"></span>no district', "")


def test_a_hidden_share_is_not_called_few(published):
    """Where few of many promises were broken, “few” beside “kept” would say the opposite."""
    told = deepcopy(published)
    by_type = told["promises"]["by_type"]
    by_type["cells"][0], by_type["cells"][1], by_type["by_row"][:2] = [None, None], [0, 0], [1257, 0]
    table = re.findall(r"<tr.*?</tr>", markup(promises(told)[-1]))
    assert "not shown" in table[1] and "1,257" in table[1] and "few" not in table[1]
    assert "–" in table[2] and "not shown" not in table[2]


def test_one_file_is_enough_on_another_machine(settings, tmp_path):
    there = Settings(data=tmp_path)
    assert create_public_server(there).test_client().get("/healthz").status_code == 503
    assert create_public_server(there).test_client().get("/public").status_code == 503
    result = CliRunner().invoke(main, ["serve", "--public", "--data", str(tmp_path)])
    assert result.exit_code == 1 and "dashboard311 publish" in result.stderr
    extract_file(there).parent.mkdir(parents=True)
    shutil.copy(extract_file(settings), extract_file(there))
    client = create_public_server(there).test_client()
    for path in (*PAGES, "/healthz", "/assets/plain.css"):
        assert client.get(path, buffered=True).status_code == 200, path
    for path in ("/", "/backlog", "/sign-in", "/export/requests/list.csv", "/_dash-layout", "/assets/../city.json"):
        assert client.get(path).status_code in (302, 404), path
    assert [path.name for path in Path(tmp_path).rglob("*") if path.is_file()] == ["city.json"]


def test_what_cannot_be_hidden_is_not_published(tmp_path):
    settings = Settings(data=tmp_path, cache="off")
    with Build(settings, city.CITY) as build:
        city.write(build)
        build.publish(as_of=city.AS_OF)
    extract_file(settings).parent.mkdir()
    extract_file(settings).write_text("{}")
    with pytest.raises(DataUnavailable, match="Nothing can be published"):
        write_extract(settings)
    assert not extract_file(settings).exists()


def test_months_in_which_nothing_was_opened_are_published_too(tmp_path: Path) -> None:
    mapping, export, data = tmp_path / "city.toml", tmp_path / "export.csv", tmp_path / "data"
    mapping.write_text(
        'name = "city"\n[city]\nname = "Testville"\ntz = "America/New_York"\n'
        '[request]\nrequest_id = "id"\nopened_at = "opened"\nstatus = "state"\ntype_id = "kind"\n'
    )
    days = ["2025-01-15", "2025-09-20"]
    rows = [f"{day} {n},{day} 10:00,Open,Pothole" for day in days for n in range(50)]
    export.write_text("\n".join(["id,opened,state,kind", *rows, ""]))
    done = CliRunner().invoke(main, ["import", str(mapping), str(export), "--data", str(data)])
    assert done.exit_code == 0, done.output
    months = read_extract(extract_file(Settings(data=data)))["months"]
    assert months["rows"] == [f"2025-0{n}" for n in range(2, 9)]
    assert months["by_row"] == [0] * 7 and months["backlog"] == [50] * 7
