"""Role × view × panel × file × address against the real server: what a role may not have is refused, and never told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import lru_cache
from typing import Any

import pytest
from click.testing import CliRunner
from dash import Dash

from dashboard.app import create_app
from dashboard.cli import main
from dashboard.domain.policy import ROLES, Permission
from dashboard.services import Services
from dashboard.settings import Settings
from tests import floor
from tests.client import ask
from tests.planted import (
    CALLER,
    EVERYTHING,
    PLACE,
    PURSES,
    ROLE,
    VIEWS,
    WORDS,
    answers,
    around,
    holds,
    path_of,
    place_of,
    put_in_service,
    rows,
    shown_as_table,
    words_in,
)

MAPPED = {"hotspots/map", "hotspots/places", "hotspots/outbreaks", "hotspots/chosen", "hotspots-crew/stops"}
"""Panels whose answers have hexagons in them, and so a file for maps."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    settings = Settings(data=tmp_path_factory.mktemp("access"), requests_per_minute=0)
    put_in_service(settings)
    return settings


@pytest.fixture(scope="module")
def app(settings) -> Dash:
    return create_app(settings)


@pytest.fixture(scope="module")
def browsers(app) -> Iterator[dict[str, Any]]:
    """A browser signed in for each role; all of them share the server and its cache."""
    found = {}
    for slug in ROLE:
        found[slug] = app.server.test_client()
        assert found[slug].get(f"/see-as/{slug}").status_code == 302
    yield found


@pytest.fixture(scope="module")
def told(app, browsers) -> Callable[[str], list[tuple[str, str]]]:
    """Called with a role, it gives `everything` of it."""
    return lru_cache(maxsize=None)(lambda slug: list(everything(app, browsers[slug], slug)))


def everything(app: Dash, client, slug: str) -> Iterator[tuple[str, str]]:
    """Whatever a browser in a role can get, with what was asked: pages, answers, tables, files, maps, lists.

    A crew's printed list is the page itself under another style sheet, and a picture (PNG) is drawn in the browser
    from the answer of its card: neither holds anything that is not here.
    """
    for path in ("/_dash-layout", "/_dash-dependencies", "/administration", "/readyz"):
        yield path, client.get(path).get_data(as_text=True)
    for name in ("hexagons/8.json", "hexagons/9.json", "hexagons/10.json", "districts.json", "base.json"):
        shape = client.get(f"/geometry/now/{name}")
        assert (shape.status_code == 200) == holds(slug, Permission.READ_REQUESTS)
        yield name, shape.get_data(as_text=True)
    for name, view in VIEWS.items():
        for body in around(app, name):
            yield f"around {name}", ask(client, body).get_data(as_text=True)
        for wave in {0, *(panel.wave for panel in view.panels)}:
            answer = ask(client, answers(app, name, path_of(name), wave=wave))
            has_cards = '"cards":' in answer.get_data(as_text=True)  # the one request is not in every role's rows
            assert answer.status_code == 200 and (has_cards == holds(slug, view.needs) or view.open_parts), name
            assert holds(slug, view.needs) or not has_cards, name
            yield f"answers of {name}, {wave=}", answer.get_data(as_text=True)
        for panel in view.panels:
            may_have = holds(slug, view.needs, panel.needs)
            at = f"{name}/{panel.name}"
            yield f"table of {at}", ask(client, shown_as_table(app, view, panel)).get_data(as_text=True)
            for kind in ("csv", "xlsx", *(("geojson",) if at in MAPPED else ())):
                file = client.get(f"/export/{at}.{kind}?{EVERYTHING}{place_of(view)}")
                codes = (200, 404) if view.open_parts else (200,)  # the one request is not in every role's rows
                assert file.status_code in (codes if may_have else (403,)), (at, kind, file.status_code)
                assert kind != "xlsx" or not may_have or file.status_code != 200 or file.data[:2] == b"PK"
                yield f"{kind} of {at}", words_in(file.data)
    listed = ask(client, rows(app))
    assert (listed.status_code == 200) == holds(slug, VIEWS["requests"].needs)
    yield "list", listed.get_data(as_text=True)


@pytest.mark.parametrize("slug", list(ROLE))
def test_no_role_is_told_a_planted_secret(told, slug):
    agents = [*floor.AGENTS, *floor.NAMES.values()]
    own = [one for agent, team in floor.AGENTS.items() if team == "Heron" for one in (agent, floor.NAMES[agent])]
    never = [*CALLER]
    if slug in ("deputy-manager", "council-member", "supervisor", "administrator"):
        never += [*PLACE, *WORDS]
    if slug == "analyst":
        never += [*WORDS, *floor.NAMES.values()]
    elif slug == "supervisor":
        never += [one for one in agents if one not in own]
    else:
        never += agents
    got = told(slug)
    found = {(secret, where) for where, text in got for secret in never if secret in text}
    assert not found, found
    if slug == "department-head":  # only where single requests are looked at
        places = {where for where, text in got for secret in (*PLACE, *WORDS) if secret in text}
        lists = ("request", "backlog", "list", "hotspots")  # where addresses and single requests are listed
        assert places and all(any(one in where for one in lists) for where in places), places
        assert {"csv of request/steps", "xlsx of request/steps", "csv of requests/list"} <= places  # they would be seen
    assert len(got) > 300 and not any("Traceback" in text for _, text in got)


@pytest.mark.parametrize("view, panel", [("requests", "nowhere"), ("nowhere", "list"), ("backlog", "list")])
def test_a_panel_that_is_not_there_is_no_post_of_our_page(app, browsers, view, panel):
    answer = ask(browsers["deputy-manager"], rows(app, view, panel))
    assert answer.status_code == 400 and "not what this page asks" in answer.get_data(as_text=True)


def test_rows_outside_a_role_are_not_there(app, browsers, told):
    head, council = browsers["department-head"], browsers["council-member"]
    assert ask(head, rows(app)).get_json()["response"]
    for client, theirs, others in ((head, "27", "1"), (council, "21", "4"), (council, "21", "27")):  # 27 is sensitive
        assert client.get(f"/requests/{theirs}").status_code == 200
        assert client.get(f"/requests/{others}").status_code == client.get("/requests/999").status_code == 404
        file = f"/export/request/steps.csv?request_id={others}"
        assert client.get(file).status_code == 404
        said = ask(client, answers(app, "request", f"/requests/{others}")).get_json()["response"]
        assert said == {"answers": {"data": None}}
    assert not [where for where, text in told("council-member") if "Graffiti" in text]


def test_money_is_told_to_whoever_may_read_budgets_and_of_their_own_department(told):
    """A department head (of Streets: it has most requests) reads the own department's lines."""
    seen = {slug: {purse for purse in PURSES.values() for _, text in told(slug) if purse in text} for slug in ROLE}
    whole = set(PURSES.values())
    assert seen == {"deputy-manager": whole, "analyst": whole, "department-head": {PURSES["streets"]},
                    "supervisor": set(), "council-member": set(), "administrator": set()}  # fmt: skip


def test_definitions_are_of_what_a_role_may_ask(told):
    def measures(slug: str) -> str:
        return next(text for where, text in told(slug) if where == "answers of definitions, wave=0")

    assert "logged_in_h" in measures("supervisor") and "sla_compliance" in measures("supervisor")
    assert "logged_in_h" not in measures("council-member") and "sla_compliance" in measures("council-member")


def test_a_map_shows_cells_within_the_scope_whatever_its_address(app, browsers, settings):
    def cells(slug: str, build: str) -> tuple[set[str], str]:
        got = browsers[slug].get(f"/geometry/{build}/hexagons/8.json")
        return {one["id"] for one in got.get_json()["features"]}, got.headers["Cache-Control"]

    build = Services(settings).build().build_id
    whole, kept = cells("deputy-manager", build)
    own, not_kept = cells("council-member", build)  # the address the deputy manager's page has
    assert own < whole and len(own) == 1 and "private" in kept and not_kept == "no-store"
    assert browsers["administrator"].get(f"/geometry/{build}/hexagons/8.json").status_code == 403
    without = next(f"{view.name}/{panel.name}" for view in VIEWS.values() for panel in view.panels)
    assert without not in MAPPED and browsers["deputy-manager"].get(f"/export/{without}.geojson").status_code == 400
    for odd in ("hexagons/7.json", "hexagons/8.json/..", "../../state.db", "districts", "hexagons/1e9.json"):
        assert browsers["deputy-manager"].get(f"/geometry/{build}/{odd}").status_code in (404, 308), odd


@pytest.mark.parametrize(
    "path",
    ["/assets/../state.db", "/assets/%2e%2e/cookies.key", "/assets/..%2f..%2fetc/passwd", "/export/../state.db",
     "/export/requests/..%2f..%2fstate.csv", "/_dash-component-suites/../../state.db", "/geometry/x/%2e%2e/state.db",
     "/_dash-component-suites/dash/..%2f..%2fsetup.py", "/requests/..%2f..%2fetc%2fpasswd", "/\x00", "/export/a/b.csv",
     "/export/requests/list.csv?nothing=1", "/export/requests/list.csv?period=" + "9" * 3000,
     "/export/requests/list.csv?from=2026-99-99", "/export/requests/list.csv?agent=zq02x"],
)  # fmt: skip
def test_ways_round_lead_nowhere(browsers, path):
    for client in browsers.values():
        got = client.get(path, buffered=True)
        assert 400 <= got.status_code < 500 or got.status_code == 302, (path, got.status_code)
        assert "Traceback" not in got.get_data(as_text=True)


def test_forged_posts_are_refused(app, browsers):
    deputy, council = browsers["deputy-manager"], browsers["council-member"]
    honest = answers(app, "backlog", "/backlog")
    assert ask(deputy, honest).status_code == 200
    bent = []
    for change in (
        lambda body: body.update(output="nothing.data"), lambda body: body.update(inputs=[]),
        lambda body: body.update(inputs="x"), lambda body: body["inputs"].pop(),
        lambda body: body["inputs"][1].update(value={"a": 1}), lambda body: body["inputs"][1].update(id="page"),
        lambda body: body["inputs"][1].update(value="?" + "a" * 9000), lambda body: body["inputs"][1].pop("id"),
        lambda body: body["outputs"].update(id="page"), lambda body: body.update(outputs=None),
        lambda body: body["outputs"].update(id={"panel": []}), lambda body: body.update(state=[1]),
        lambda body: body.update(changedPropIds=["x.y"]), lambda body: body.update(changedPropIds=[5]),
        lambda body: body.update(changedPropIds=['{"type":"retry","view":"no","panel":"no"}.n_clicks']),
        lambda body: body["inputs"][2].update(value={"view": "backlog", "panel": "other"}),
        lambda body: body["inputs"][2].update(value={"view": "agents", "panel": ["open"]}),
        lambda body: body["outputs"].update(property="children"), lambda body: body["outputs"].pop("id"),
        lambda body: body["inputs"][0].update(value="\ud800"), lambda body: body["inputs"][1].update(value="?q=\udfff"),
    ):  # fmt: skip
        body = deepcopy(honest)
        change(body)
        bent.append(body)
    several = around(app, "backlog")[0]
    assert ask(deputy, several).status_code == 200
    for change in (
        lambda outputs: outputs.pop(), lambda outputs: outputs[0].update(id="menu"),
        lambda outputs: outputs[1].update(property="children"), lambda outputs: outputs.append(outputs[0]),
    ):  # fmt: skip
        body = deepcopy(several)
        change(body["outputs"])
        bent.append(body)
    for body in [*bent, [], "x", None, 5, {}, {"output": {}}]:
        assert ask(deputy, body).status_code in (400, 415), body
    # Of what one may not see nothing is told, nor that it is there; another view's panel is none of this one's.
    for pathname in ("/sign-in", "/assets/x", "/agents"):
        assert ask(council, answers(app, "agents", pathname)).get_json()["response"]["answers"] == {"data": None}
    other = answers(app, "agents", "/districts", only=VIEWS["agents"].panels[0].name)
    assert ask(council, other).get_json()["response"]["answers"]["data"]["cards"] == {}
    for listing in ({"startRow": -1}, {"endRow": 10**9}, {"startRow": "a"}, {"filterModel": {"note": {"filter": "a"}}},
                    {"sortModel": [{"colId": "address", "sort": "asc"}]}):  # fmt: skip
        got = ask(council, rows(app, **listing))
        assert got.status_code in (200, 400) and "rowData" not in got.get_data(as_text=True), listing
    assert ask(deputy, rows(app, sortModel="x")).status_code == 400
    big = deputy.post("/_dash-update-component", data=b"[" + b"1," * 400_000 + b"1]", content_type="application/json")
    assert big.status_code in (400, 413)
    for method in ("put", "delete", "patch"):
        assert getattr(deputy, method)("/backlog").status_code in (400, 405)
    assert deputy.get("/_dash-update-component").status_code in (404, 405)


def test_an_answer_for_one_role_is_not_another_s(app, browsers):
    """They share a cache; the deputy manager asks first."""
    told = {slug: browsers[slug].get(f"/export/backlog/standing.csv?{EVERYTHING}").get_data(as_text=True)
            if "standing" in {panel.name for panel in VIEWS["backlog"].panels}
            else ask(browsers[slug], answers(app, "backlog", "/backlog")).get_data(as_text=True)
            for slug in ("deputy-manager", "department-head", "council-member")}  # fmt: skip
    assert len(set(told.values())) == 3


def test_looks_and_files_are_in_the_log(app, browsers):
    deputy = browsers["deputy-manager"]
    ask(deputy, answers(app, "request", "/requests/21"))
    ask(deputy, answers(app, "agents", "/agents"))
    deputy.get("/export/calls/volume.csv?period=all")
    page = browsers["administrator"].get("/administration?words=demo+deputy").get_data(as_text=True)
    for words in ("request 21", "looked at", "Agents", "/export/calls/volume.csv period=all", "signed in"):
        assert words in page, words
    assert deputy.get("/administration").status_code == 403


def test_what_an_operator_sees_holds_nobody(app, browsers, settings):
    client = app.server.test_client()
    assert client.get("/readyz").get_json() == {"status": "ready", "data": "ok", "accounts": "ok"}
    assert client.get("/metrics").status_code == 404  # no token was set
    token = "c7a51ef00d" * 4
    counted = create_app(Settings(data=settings.data, metrics_token=token)).server.test_client()
    assert counted.get("/metrics").status_code == 401
    text = counted.get("/metrics", headers={"Authorization": f"Bearer {token}"}).get_data(as_text=True)
    assert 'dashboard311_answers_total{route="/see-as/<role>",status="302"}' in text and "zq0" not in text


def test_many_requests_are_too_many(settings):
    client = create_app(Settings(data=settings.data, requests_per_minute=20)).server.test_client()
    codes = [client.get("/geometry/x/districts.json").status_code for _ in range(30)]
    assert codes[0] == 200 and codes[-1] == 429
    assert client.get("/assets/tokens.css", buffered=True).status_code == 200


def test_the_command_line_answers_as_a_role(settings):
    def told(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["ask", *words, "--data", str(settings.data), "--format", "json"])
        return result.exit_code, result.output

    everybody, head = told("opened"), told("opened", "--role", "department head", "--department", "streets")
    assert everybody[0] == head[0] == 0 and everybody[1] != head[1]
    assert told("calls_offered" if "calls_offered" in told("opened")[1] else "offered", "--role", "department head",
                "--department", "Streets")[0] == 1  # fmt: skip
    code, council = told("opened", "--by", "service_type", "--role", "council member", "--district", "North")
    assert code == 0 and "Graffiti" not in council and "sensitive types" in council
    code, refused = told("opened", "--by", "agent", "--role", "council member", "--district", "North")
    assert code == 1 and "Traceback" not in refused
    for wrong in (("--role", "mayor"), ("--district", "North"), ("--role", "administrator")):
        assert told("opened", *wrong)[0] == 1


def test_every_role_of_the_policy_is_walked():
    assert set(ROLE.values()) == set(ROLES)
