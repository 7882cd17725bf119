"""The dashboard below a path of the city's site: every address in it lies there, and it says what it says elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from dash import Dash
from flask.testing import FlaskClient

from dashboard.app import create_app
from dashboard.domain.errors import BadRequest
from dashboard.public import create_public_server
from dashboard.security import CSRF_COOKIE
from dashboard.settings import Settings
from data_access.build import Build
from data_access.state import State
from layouts.addresses import BELOW, inside, outside
from tests import city
from tests.client import ASK, ask, part
from tests.planted import EVERYTHING, ROLE, VIEWS, answers, around, path_of, place_of, put_in_service, shown_as_table
from tests.published import publish

PATH = "/services/311"
ADDRESS = re.compile(r"""["'(](/(?!/)[^\s"'\\<>()]*)""")
"""What stands in quotes, or in the parentheses of a style, and begins at the root of a site."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    settings = Settings(data=tmp_path_factory.mktemp("below"), cache="off", requests_per_minute=0, path=PATH)
    put_in_service(settings)
    return settings


@pytest.fixture(scope="module")
def app(settings) -> Dash:
    return create_app(settings)


@pytest.fixture(scope="module")
def alone(settings) -> Dash:
    """The same city on a site of its own."""
    return create_app(Settings(data=settings.data, cache="off", requests_per_minute=0))


def token_of(client: FlaskClient) -> str:
    if client.get_cookie(CSRF_COOKIE, path=PATH) is None:
        client.get(f"{PATH}/")
    cookie = client.get_cookie(CSRF_COOKIE, path=PATH)
    assert cookie is not None
    return cookie.value


def ask_below(client: FlaskClient, body: Any, **more: str):
    """What Dash answers to a post of a page below the path, whose address is another one than `body` says."""

    def told(one: dict[str, Any]) -> dict[str, Any]:
        value = one.get("value")
        if one["property"] == "pathname":
            return one | {"value": PATH + value}
        return one | {"value": value | {"path": PATH + value["path"]}} if one["id"] in ("later", "picked") else one

    sent = body | {kind: [told(one) if isinstance(one, dict) else one for one in body[kind]]
                   for kind in ("inputs", "state")}  # fmt: skip
    return client.post(PATH + ASK, json=sent, headers={"X-CSRFToken": token_of(client), **more})


def addresses_in(text: str) -> list[str]:
    """The addresses of this site in a page, an answer or a figure; all lie below the path."""
    text = re.sub(
        r'"shape":\[[^]]*\]|url\("data:[^"]*"\)', "", text
    )  # the hatching of a bar; a sign drawn where it stands
    found = [unescape(one) for one in ADDRESS.findall(text)]
    assert [one for one in found if not f"{one}/".startswith(f"{PATH}/")] == []
    return found


def posts_of(app: Dash, name: str) -> Iterator[dict[str, Any]]:
    """Whatever the page of a view posts, by itself or for a reader."""
    yield from around(app, name)
    for wave in sorted({0, *(panel.wave for panel in VIEWS[name].panels)}):
        yield answers(app, name, path_of(name), wave=wave)
    for panel in VIEWS[name].panels:
        yield shown_as_table(app, VIEWS[name], panel)


@pytest.mark.parametrize("name", list(VIEWS))
def test_a_view_says_the_same_and_every_address_in_it_is_there(app, alone, name):
    below, elsewhere = app.server.test_client(), alone.server.test_client()
    page = below.get(PATH + path_of(name))
    assert page.status_code == 200 and page.status_code == elsewhere.get(path_of(name)).status_code
    found = set(addresses_in(page.get_data(as_text=True)))
    for body in posts_of(app, name):
        told = ask_below(below, body)
        text = told.get_data(as_text=True)
        same = ask(elsewhere, body)
        assert told.status_code == same.status_code
        assert text.replace(f"{PATH}/", "/").replace(f'"{PATH}"', '"/"') == same.get_data(as_text=True)
        found |= set(addresses_in(text))
    has_files = any(panel.queries for panel in VIEWS[name].panels)
    assert any(one.startswith(f"{PATH}/export/{name}/") for one in found) == has_files
    for one in sorted({one.partition("?")[0] for one in found if "/see-as/" not in one and "sign-out" not in one}):
        query = f"?{EVERYTHING}{place_of(VIEWS[name])}" if "/export/" in one else ""
        assert below.get(one + query, buffered=True).status_code == 200, one


def test_pages_without_dash_and_ways_in_and_out_stay_there(app):
    client = app.server.test_client()
    for slug in ROLE:
        came = {"Referer": f"http://localhost{PATH}/backlog?period=all"}
        to = client.get(f"{PATH}/see-as/{slug}", headers=came)
        assert to.location == (f"{PATH}/administration" if slug == "administrator" else f"{PATH}/backlog")
        for one in addresses_in(to.get_data(as_text=True)):
            assert client.get(one).status_code == 200
        for path in ("", "/", "/sign-in", "/administration", "/public", "/nowhere", "/_dash-layout"):
            answer = client.get(PATH + path, follow_redirects=path == "")
            addresses_in(answer.get_data(as_text=True))
            assert all(f"Path={PATH}" in one for one in answer.headers.getlist("Set-Cookie"))
    client = app.server.test_client()  # the deputy manager again
    assert client.get(PATH).location in (f"{PATH}/", f"http://localhost{PATH}/")
    assert (client.get(f"{PATH}/nowhere").status_code, client.get(f"{PATH}/requests/nobody").status_code) == (404, 404)
    assert "There is no such page" in ask_below(client, around(app, "demand")[0] | {
        "inputs": [part("url", "pathname", "/nowhere")]}).get_data(as_text=True)  # fmt: skip
    assert client.get(f"{PATH}/healthz").status_code == client.get(f"{PATH}/readyz").status_code == 200


@pytest.mark.parametrize(
    "address", ["/../taxes", "/./../taxes", "/backlog/%2E%2e/../taxes", "/..", "/..//evil.example"]
)
def test_nobody_is_sent_up_and_out(app, address):
    """“..” in an address to go on to would lead beside the path, on the city's site."""
    client = app.server.test_client()
    to = client.get(f"{PATH}/see-as/deputy-manager", query_string={"next": address})
    assert to.location == f"{PATH}/"
    kept = client.get(f"{PATH}/see-as/deputy-manager", query_string={"next": "/requests/a..b?district=../x"})
    assert kept.location == f"{PATH}/requests/a..b?district=../x"


def test_signing_out_and_in_leads_back_to_what_was_asked(settings, tmp_path):
    with Build(Settings(data=tmp_path), {**city.CITY, "is_made_up": False}) as build:
        city.write(build)
        build.publish(as_of=city.AS_OF)
    State(Settings(data=tmp_path)).add_account("ana", "Ana", None)
    server = create_app(Settings(data=tmp_path, cache="off", path=PATH)).server
    client = server.test_client()
    to = client.get(f"{PATH}/backlog?period=all").location
    assert to == f"{PATH}/sign-in?next=%2Fbacklog%3Fperiod%3Dall"
    page = client.get(to).get_data(as_text=True)
    assert f'action="{PATH}/sign-in"' in page and 'value="/backlog?period=all"' in page
    assert client.post(f"{PATH}/sign-out", headers={"X-CSRFToken": "none"}).status_code == 400
    answer = server.test_client().get(f"{PATH}/sign-in", base_url="https://city.example")
    assert "Secure" in answer.headers["Set-Cookie"] and f"Path={PATH}" in answer.headers["Set-Cookie"]
    assert "Strict-Transport-Security" not in answer.headers  # the rest of the city's site is not ours to bind


@pytest.mark.parametrize("path", ["/", "/backlog", "/services", "/services/3110", "/services//311/", "/healthz", ASK])
def test_nothing_lives_beside_the_path(app, path):
    answer = app.server.test_client().get(path)
    assert answer.status_code == 404 and f"the dashboard is below {PATH}/" in answer.get_data(as_text=True)
    assert "Set-Cookie" not in answer.headers


def test_the_public_pages_by_themselves_are_there_too(tmp_path):
    settings = Settings(data=tmp_path, path=PATH)
    publish(settings)
    client = create_public_server(settings).test_client()
    assert client.get("/public").status_code == 404
    waiting, seen = [f"{PATH}/"], set()
    while waiting:
        one = waiting.pop()
        seen.add(one)
        answer = client.get(one, buffered=True)
        assert answer.status_code in (200, 302) and "Set-Cookie" not in answer.headers, one
        found = [answer.location] if answer.location else []
        if answer.mimetype == "text/html":
            found += addresses_in(answer.get_data(as_text=True))
        waiting += [urljoin(one, to) for to in found if to not in seen and to not in waiting]
    assert {f"{PATH}/public/district/North", f"{PATH}/public/where"} <= {urlsplit(one).path for one in seen}


def test_a_mark_of_another_path_in_an_answer_that_is_kept_is_not_sent(tmp_path):
    """Two dashboards of one data folder, one below a path: neither sends what the other keeps."""
    put_in_service(settings := Settings(data=tmp_path))
    below, elsewhere = create_app(Settings(data=tmp_path, path=PATH)), create_app(settings)
    post = answers(elsewhere, "hotspots", "/hotspots")
    first = ask(elsewhere.server.test_client(), post).get_data(as_text=True)
    addresses_in(ask_below(below.server.test_client(), post).get_data(as_text=True))
    assert ask(elsewhere.server.test_client(), post).get_data(as_text=True) == first


def test_an_address_is_written_and_read_below_the_path_only(app):
    assert outside("/backlog") == inside("/backlog") == "/backlog"  # nobody asks: in a letter, on the command line
    with app.server.app_context():
        assert app.server.config[BELOW] == PATH
        assert [outside(one) for one in ("/", "/a?b=/c")] == [f"{PATH}/", f"{PATH}/a?b=/c"]
        assert all(outside(one) == one for one in ("?period=all", "#page", "//else.where", "https://a.example/"))
        assert [inside(one) for one in (PATH, f"{PATH}/", f"{PATH}/a/b", f"{PATH}0/a", "/a")] == [
            "/", "/", "/a/b", f"{PATH}0/a", "/a"]  # fmt: skip


@pytest.mark.parametrize("text", ["311", "https://city.example/311", "/311?x", "/a/../b", "//311", "/a b", "/é"])
def test_what_is_no_path_is_refused(text):
    with pytest.raises(BadRequest, match="DASHBOARD311_PATH .* wants the path of a site, like /311"):
        Settings.from_environment({"DASHBOARD311_PATH": text})


@pytest.mark.parametrize(
    ("text", "path"), [("/311", "/311"), ("/311/", "/311"), ("/a/b-c_d.e~f", "/a/b-c_d.e~f"), ("/", "")]
)
def test_a_path_may_end_with_a_slash(text, path):
    assert Settings.from_environment({"DASHBOARD311_PATH": text}).path == path


def test_our_scripts_write_no_address_from_the_root_of_a_site():
    for script in (Path(__file__).resolve().parents[2] / "assets").glob("*.js"):
        assert not re.search(r"""["'`]/[a-z_]""", script.read_text("utf-8")), script.name
