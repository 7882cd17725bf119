"""The published tables and the pages made of them: true, complete in their hiding, and servable by themselves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from dashboard.app import create_app
from dashboard.cli import main
from dashboard.domain.disclosure import Release, audit, table
from dashboard.domain.errors import DataUnavailable
from dashboard.domain.policy import SMALLEST
from dashboard.public import create_public_server
from dashboard.settings import Settings
from data_access.build import Build
from data_access.public_extract import _together, extract_file, read_extract, write_extract
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


def cells_of(shown: dict) -> list:
    """The cells of a published table by their numbers in `disclosure.table`."""
    return [*sum(shown["cells"], []), *shown["by_row"], *shown["by_column"], shown["all"]]


def test_only_settled_months_are_published(published):
    assert published["to"] == "2026-05-01"  # May ended less than a week before the data's last day
    assert published["months"]["rows"][0] == "2025-01" and published["months"]["rows"][-1] == "2026-04"


def test_what_is_shown_is_true_and_what_is_small_is_hidden_from_everybody_who_reckons(published):
    frame = truth()
    open_to_all = frame[frame["type_id"] != "Needles"]
    year = open_to_all[open_to_all["on"] >= "2025-05-01"]
    by_type, months = published["by_type"], published["months"]
    columns = by_type["columns"]
    assert columns == months["columns"] == sorted(DISTRICTS)
    first = pd.crosstab(year["type_id"], year["source_district"]).reindex(by_type["rows"], columns=columns)
    second = pd.crosstab(open_to_all["month"], open_to_all["source_district"]).reindex(columns=columns)
    limits = np.array([SMALLEST[CLASSES[name] or "P2"] for name in by_type["rows"]])
    a, b = table(first.to_numpy(), limits), table(second.to_numpy(), np.full(len(second), 11))
    n, m = first.shape
    links = [(n * m + n + j, tuple(len(a.values) + i * m + j for i in range(4, 16))) for j in range(m)]
    release = _together(a, b, links)
    shown = [*cells_of(by_type), *cells_of(months)]
    hidden = np.array([one is None for one in shown])
    assert [one for one in shown if one is not None] == release.values[~hidden].tolist()
    assert release.small.any() and audit(release, hidden) == []
    first_only = release.small.copy()
    assert audit(release, first_only)  # hiding small counts only would not have done


def test_sensitive_types_are_whole_city_and_quarters(published):
    assert published["sensitive"]["rows"] == ["Needles"]
    assert all("Q" in one for one in published["sensitive"]["columns"])
    words = json.dumps({**published, "sensitive": None})
    assert "Needles" not in words and "Needles" not in published["by_type"]["rows"]


def test_promises_add_up(published):
    for told in published["promises"].values():
        for (kept, late), due in zip(told["cells"], told["by_row"], strict=True):
            if None not in (kept, late, due):
                assert kept + late == due
    both = [told["by_column"] for told in published["promises"].values()]
    assert both[0] == both[1] and None not in both[0]


def test_hexagons_are_of_street_assets_only_and_never_small(published):
    assert set(published["maps"]) <= {"Pothole"}
    for cells in published["maps"].values():
        assert min(cells.values()) >= SMALLEST["P0"]


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
    for path in ("/public/district/Nowhere", "/public/where?type=Needles", "/public/../state.db", "/public/nothing"):
        assert client.get(path).status_code == 404
    assert client.post("/public").status_code in (400, 405)


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


def test_sums_across_two_tables_are_one_release():
    a, b = table(np.array([[20, 30]]), np.array([11])), table(np.array([[20, 30]]), np.array([11]))
    both = _together(a, b, [(3, (6,))])
    assert isinstance(both, Release) and len(both.values) == 12 and both.values[3] == both.values[6] == 20
