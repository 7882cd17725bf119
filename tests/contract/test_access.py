"""Role × view × panel × file × address against the real server: what a role may not have is refused, and never told.

`FUZZ` (an environment variable) says how many bent requests are sent; a machine with time sends 10,000 and more.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from dash import Dash

from dashboard.app import create_app
from dashboard.cli import main
from dashboard.domain.policy import ROLES, Viewer, may
from dashboard.services import Services
from dashboard.settings import Settings
from data_access.build import Build
from layouts.views import collect_views
from tests import city, floor
from tests.client import ask, part

FUZZ = int(os.getenv("FUZZ", "250"))
VIEWS = {view.name: view for view in collect_views()}
ROLE = {"deputy-manager": "deputy manager", "department-head": "department head", "supervisor": "supervisor",
        "council-member": "council member", "analyst": "analyst", "administrator": "administrator"}  # fmt: skip
CALLER = ("person-planted", "555-0142", "planted@example.org")
PLACE = ("12 Planted St", "39.612345", "-75.912345")
WORDS = ("planted note", "caller said planted", "Rose Planted", "planted edit")
EVERYTHING = "period=all"


def requests() -> pd.DataFrame:
    rows = city.requests()
    rows["person_key"] = "person-planted"
    rows["note"] = "planted note, call 555-0142 or planted@example.org"
    rows["address"] = "12 Planted St"
    rows["lat"], rows["lon"] = 39.612345, -75.912345
    south = rows["source_district"] != "North"
    rows.loc[south, ["lat", "lon"]] = [39.70, -75.80]  # another cell, outside the council member's district
    rows.loc[rows["request_id"] == "27", "source_district"] = "North"
    return rows


def events() -> pd.DataFrame:
    more = pd.DataFrame({"event_id": ["p1", "p2"], "request_id": "21", "kind": ["edit", "comment"],
                         "event_at": city.utc(pd.Series(["2026-05-05T10:00", "2026-05-05T11:00"])),
                         "to_value": ["planted edit", None], "actor": "Rose Planted",
                         "note": "planted note, call 555-0142"})  # fmt: skip
    return pd.concat([city.events(), more], ignore_index=True)


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    settings = Settings(data=tmp_path_factory.mktemp("access"), requests_per_minute=0)
    survey = pd.DataFrame({"survey_id": ["s"], "request_id": ["21"], "score": [2.0], "max_score": [5.0],
                           "sent_at": city.utc(pd.Series(["2026-05-21T09:00"])),
                           "answered_at": city.utc(pd.Series(["2026-05-22T09:00"])),
                           "comment": ["caller said planted"]})  # fmt: skip
    with Build(settings, city.CITY) as build:
        build.write("agent", floor.agents())
        build.write("department", city.DEPARTMENTS)
        build.write("service_type", city.TYPES.assign(sensitivity=["P2", "P0", "P3", "P1"]))
        build.write("district", city.DISTRICTS)
        build.write("request", requests())
        build.write("request_event", events())
        build.write("city_event", city.city_events())
        build.write("survey", survey)
        build.write("contact", pd.concat([city.contacts(), floor.calls()]).assign(person_key="person-planted"))
        build.write("agent_state", floor.states())
        build.publish(as_of=city.AS_OF)
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


def callback(app: Dash, having: str) -> str:
    return next(name for name in app.callback_map if having in name)


def answers(app: Dash, view: str, pathname: str, search: str = f"?{EVERYTHING}", slow: bool = False) -> dict[str, Any]:
    """The post that asks every panel of a view; or the one for those that are `slow`."""
    panels = [panel.name for panel in VIEWS[view].panels]
    grids = [panel.name for panel in VIEWS[view].panels if panel.kind == "grid"]
    name = next(one for one in app.callback_map if '"type":"state"' in one and ("className@" in one) == slow)

    def ids(kind: str, prop: str, names: list[str]) -> list[dict[str, Any]]:
        return [{"id": {"type": kind, "view": view, "panel": one}, "property": prop} for one in names]

    outputs: list[Any] = [
        ids("state", "className", panels), ids("sentence", "children", panels), ids("spec", "data", panels),
        ids("body", "data-markup", panels), ids("foot", "data-markup", panels), ids("grid-spec", "data", grids),
    ]  # fmt: skip
    if slow:
        about = {"view": view, "search": search, "path": pathname}
        return {"output": name, "outputs": outputs, "changedPropIds": ["slow.data"],
                "inputs": [part("slow", "data", about)], "state": []}  # fmt: skip
    again = [{**one, "value": None} for one in ids("retry", "n_clicks", panels)]
    return {
        "output": name,
        "outputs": [*outputs, {"id": "slow", "property": "data"}],
        "inputs": [part("shown-view", "data", view), part("url", "search", search), again],
        "state": [part("url", "pathname", pathname)],
        "changedPropIds": ["shown-view.data"],
    }


def rows(app: Dash, view: str = "requests", panel: str = "list", **more: Any) -> dict[str, Any]:
    """The post with which a list asks for a page."""
    at = {"type": "grid", "view": view, "panel": panel, "key": "k"}
    state = {**at, "type": "grid-state"}
    asked = {"startRow": 0, "endRow": 50, "sortModel": [], "filterModel": {}} | more
    return {
        "output": callback(app, "getRowsResponse"),
        "outputs": [{"id": at, "property": "getRowsResponse"}, {"id": state, "property": "data"}],
        "changedPropIds": [f"{json.dumps(at, sort_keys=True, separators=(',', ':'))}.getRowsRequest"],
        "inputs": [part(at, "getRowsRequest", asked)],
        "state": [part(at, "id", at), part("url", "search", f"?of=opened&{EVERYTHING}"),
                  part("url", "pathname", "/requests")],
    }  # fmt: skip


def path_of(view: str) -> str:
    path = VIEWS[view].href
    for one in VIEWS[view].open_parts:
        path = path.replace(f"<{one}>", "21" if "request" in one else "North")
    return path


def holds(slug: str, *needs: Any) -> bool:
    return all(may(Viewer("V", ROLE[slug]), one) for one in needs)


def everything(app: Dash, client, slug: str) -> Iterator[tuple[str, str]]:
    """Whatever a browser in a role can get: pages, answers, files, maps, lists; with what was asked."""
    layout = client.get("/_dash-layout")
    yield "layout", layout.get_data(as_text=True)
    for name, view in VIEWS.items():
        answer = ask(client, answers(app, name, path_of(name)))
        assert (answer.status_code == 200) == holds(slug, view.needs), (name, answer.status_code)
        yield f"answers of {name}", answer.get_data(as_text=True)
        if any(panel.slow for panel in view.panels):
            later = ask(client, answers(app, name, path_of(name), slow=True))
            assert (later.status_code == 200) == holds(slug, view.needs), (name, later.status_code)
            yield f"answers of {name}, slow", later.get_data(as_text=True)
        for panel in view.panels:
            place = "".join(f"&{one}={'21' if 'request' in one else 'North'}" for one in view.open_parts)
            file = client.get(f"/export/{name}/{panel.name}.csv?{EVERYTHING}{place}")
            if not holds(slug, view.needs, panel.needs):
                assert file.status_code == 403, (name, panel.name, file.status_code)
            assert file.status_code in (200, 403, 404), (name, panel.name, file.status_code)
            yield f"file of {name}/{panel.name}", file.get_data(as_text=True)
    listed = ask(client, rows(app))
    assert (listed.status_code == 200) == holds(slug, VIEWS["requests"].needs)
    yield "list", listed.get_data(as_text=True)


@pytest.mark.parametrize("slug", list(ROLE))
def test_no_role_is_told_a_planted_secret(app, browsers, slug):
    agents = [*floor.AGENTS, *floor.NAMES.values()]
    own = [one for agent, team in floor.AGENTS.items() if team == "Heron" for one in (agent, floor.NAMES[agent])]
    never = [*CALLER]
    if slug in ("council-member", "supervisor", "administrator"):
        never += [*PLACE, *WORDS]
    if slug == "analyst":
        never += [*WORDS, *floor.NAMES.values()]
    elif slug == "supervisor":
        never += [one for one in agents if one not in own]
    else:
        never += agents
    got = list(everything(app, browsers[slug], slug))
    found = {(secret, where) for where, text in got for secret in never if secret in text}
    assert not found, found
    if slug in ("deputy-manager", "department-head"):  # only where single requests are looked at
        places = {where for where, text in got for secret in (*PLACE, *WORDS) if secret in text}
        lists = ("request", "backlog", "list", "hotspots")  # where addresses and single requests are listed
        assert places and all(any(one in where for one in lists) for where in places), places
    assert len(got) > 60 and not any("Traceback" in text for _, text in got)


def test_rows_outside_a_role_are_not_there(app, browsers):
    head, council = browsers["department-head"], browsers["council-member"]
    assert ask(head, rows(app)).get_json()["response"]
    for client, theirs, others in ((head, "27", "1"), (council, "21", "4"), (council, "21", "27")):  # 27 is sensitive
        assert client.get(f"/requests/{theirs}").status_code == 200
        assert client.get(f"/requests/{others}").status_code == client.get("/requests/999").status_code == 404
        file = f"/export/request/steps.csv?request_id={others}"
        assert client.get(file).status_code == 404
        told = ask(client, answers(app, "request", f"/requests/{others}")).get_data(as_text=True)
        assert "or it is not yours to see" in told or "no request" in told
    assert "Graffiti" not in "".join(text for _, text in everything(app, council, "council-member"))


def test_a_map_shows_cells_within_the_scope_whatever_its_address(app, browsers, settings):
    def cells(slug: str, build: str) -> tuple[set[str], str]:
        got = browsers[slug].get(f"/geometry/{build}/hexagons/8.json")
        return {one["id"] for one in got.get_json()["features"]}, got.headers["Cache-Control"]

    build = Services(settings).build().build_id
    whole, kept = cells("deputy-manager", build)
    own, not_kept = cells("council-member", build)  # the address the deputy manager's page has
    assert own < whole and len(own) == 1 and "private" in kept and not_kept == "no-store"
    assert browsers["administrator"].get(f"/geometry/{build}/hexagons/8.json").status_code == 403
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
        lambda body: body["outputs"][0][0]["id"].update(panel="other"), lambda body: body.update(outputs=None),
        lambda body: body["outputs"][0][0]["id"].update(panel={"a": []}), lambda body: body.update(state=[1]),
        lambda body: body.update(changedPropIds=["x.y"]), lambda body: body.update(changedPropIds=[5]),
        lambda body: body.update(changedPropIds=['{"type":"retry","view":"no","panel":"no"}.n_clicks']),
        lambda body: body["outputs"][0][0]["id"].update(type="spec"), lambda body: body["outputs"].pop(),
    ):  # fmt: skip
        body = deepcopy(honest)
        change(body)
        bent.append(body)
    for body in [*bent, [], "x", None, 5, {}, {"output": {}}]:
        assert ask(deputy, body).status_code in (400, 415), body
    # The path may say what it likes: what is asked decides.
    for pathname in ("/sign-in", "/assets/x", "/agents", "/"):
        assert ask(council, answers(app, "agents", pathname)).status_code == 403
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


JUNK: tuple[Any, ...] = (
    None, True, -1, 10**30, 1.5, "", "x", "?a=b", "\x00", "’" * 300, [], {}, [[]], {"a": {"b": [1]}}, "../..", "%00",
    "{}", "[object Object]", "?period=all&agent=zq02", "2026-13-45", "=cmd()", "<script>", "'; DROP TABLE request; --",
)  # fmt: skip


def _bend(value: Any, dice: random.Random) -> Any:
    """`value` with one thing in it replaced by junk."""
    if isinstance(value, dict) and value and dice.random() < 0.9:
        key = dice.choice(list(value))
        return {**value, key: _bend(value[key], dice)}
    if isinstance(value, list) and value and dice.random() < 0.9:
        place = dice.randrange(len(value))
        return [*value[:place], _bend(value[place], dice), *value[place + 1 :]]
    return dice.choice(JUNK)


def test_bent_requests_break_nothing(app, browsers):
    dice = random.Random(311)
    picked = {
        "output": "url.search", "outputs": {"id": "url", "property": "search"}, "changedPropIds": ["picked.data"],
        "inputs": [part("picked", "data", {"view": "demand", "panel": "types", "value": "Pothole", "values": ["a"],
                                           "days": ["2026-05-01", "2026-05-02"], "range": ["2026-05-01", "2026-06-01"],
                                           "every": "day"})],
        "state": [part("url", "search", "?period=all"), part("url", "pathname", "/demand")],
    }  # fmt: skip
    bar = {
        "output": "filter-bar.data-markup", "outputs": {"id": "filter-bar", "property": "data-markup"},
        "inputs": [part("url", "search", "?period=all"), part("url", "pathname", "/calls")],
        "changedPropIds": ["url.search"],
    }  # fmt: skip
    slow = answers(app, "hotspots", "/hotspots", slow=True)
    bodies = [answers(app, name, path_of(name)) for name in VIEWS] + [rows(app), picked, bar, slow] * 4
    paths = ["/export/requests/list.csv", "/geometry/x/hexagons/8.json", "/requests/21", "/see-as/supervisor",
             "/administration", "/export/districts/table.xlsx"]  # fmt: skip
    for _ in range(FUZZ):
        client = browsers[dice.choice(list(ROLE))]
        if dice.random() < 0.8:
            got = ask(client, _bend(dice.choice(bodies), dice))
        else:
            word = str(dice.choice(JUNK)).replace("\x00", "%00")
            got = client.get(f"{dice.choice(paths)}?{word}={word}", buffered=True)
        assert got.status_code < 500, (got.status_code, got.request.path)
        text = got.get_data(as_text=True)
        assert not re.search("Traceback|[Ii]ncident [0-9a-f]{8}", text), text[:500]
        for slug, browser in browsers.items():
            if browser is client and got.request.path.startswith("/see-as/"):
                browser.get(f"/see-as/{slug}")
    assert app.server.test_client().get("/healthz").status_code == 200


def test_every_role_of_the_policy_is_walked():
    assert set(ROLE.values()) == set(ROLES)
