"""Signing in and out: passwords, sessions, the demo's accounts, administration, and who is let in without either."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner
from flask import Flask

from dashboard import identity
from dashboard.app import create_app
from dashboard.cli import main
from dashboard.domain.errors import BadRequest
from dashboard.domain.policy import ROLES
from dashboard.identity import Identity, check_password, may_serve
from dashboard.services import Services
from dashboard.settings import Settings
from data_access.build import Build
from tests import city, floor
from tests.client import ask, controls, token_of

PASSWORD = "a heron stands in the reeds"
ACCOUNTS = {
    "dora": ("deputy manager", None), "hal": ("department head", "Streets"), "sue": ("supervisor", "Heron"),
    "cleo": ("council member", "North"), "adam": ("administrator", None), "gone": ("deputy manager", None),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def cheap() -> Iterator[None]:
    """Hashing that takes no time: what is tested is not argon2."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


def built(settings: Settings, **about) -> Settings:
    with Build(settings, {**city.CITY, **about}) as build:
        floor.write(build)
        build.publish(as_of=city.AS_OF)
    return settings


def add_accounts(settings: Settings) -> None:
    services = Services(settings)
    known = Identity(settings, services.state, dict)
    for name, (role, own) in ACCOUNTS.items():
        account_id = services.state.add_account(name, name.title(), known.hashed(PASSWORD, name))
        services.state.give_role(account_id, role, own, "test")
    services.warehouse.close()


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    settings = built(Settings(data=tmp_path_factory.mktemp("real"), cache="memory"), is_made_up=False)
    add_accounts(settings)
    return settings


@pytest.fixture(scope="module")
def server(settings) -> Flask:
    return create_app(settings).server


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Flask:
    return create_app(built(Settings(data=tmp_path_factory.mktemp("demo"), cache="off"))).server


def sign_in(server: Flask, name: str, password: str = PASSWORD, goes_to: str = "/"):
    """A browser that tried to sign in, and what it was told."""
    client = server.test_client()
    page = client.get("/sign-in").get_data(as_text=True)
    field = re.search("<input[^>]*csrf_token[^>]*>", page)
    assert field
    token = re.search('value="([^"]+)"', field[0])[1]  # type: ignore[index]
    form = {"name": name, "password": password, "csrf_token": token, "next": goes_to}
    return client, client.post("/sign-in", data=form)


def log_of(server: Flask, words: str = "") -> str:
    client, _ = sign_in(server, "adam")
    return re.sub("<[^>]+>", " ", client.get(f"/administration?words={words}").get_data(as_text=True))


# ── who is let in ──


@pytest.mark.parametrize(
    "path", ["/", "/backlog", "/requests/21?period=all", "/administration", "/nowhere", "/healthzz", "/metrics/more"]
)
def test_a_page_sends_strangers_to_the_sign_in_page_and_back(server, path):
    answer = server.test_client().get(path)
    assert answer.status_code == 302 and answer.headers["Location"].startswith("/sign-in")
    _, signed_in = sign_in(server, "dora", goes_to=path)
    assert signed_in.status_code == 303 and signed_in.headers["Location"] == path


@pytest.mark.parametrize(
    "path",
    ["/_dash-layout", "/_dash-dependencies", "/export/calls/volume.csv", "/geometry/x/districts.json",
     "/geometry/x/hexagons/8.json"],
)  # fmt: skip
def test_whatever_holds_data_is_refused_to_strangers(server, path):
    client = server.test_client()
    assert client.get(path).status_code == 401
    assert client.post("/_dash-update-component", json={}).status_code == 401
    assert client.post("/backlog").status_code == 401
    assert (
        client.get("/assets/tokens.css", buffered=True).status_code == 200 and client.get("/healthz").status_code == 200
    )


def test_whoever_signs_in_sees_what_the_role_may_see(server):
    client, _ = sign_in(server, "hal")
    layout = json.dumps(client.get("/_dash-layout").get_json())
    assert "Hal" in layout and "Streets" in layout and "See as" not in layout and "/sign-out" in layout
    menu = ask(client, controls("/", "")).get_data(as_text=True)
    assert "/backlog" in menu and "/agents" not in menu
    assert client.get("/export/agents/table.csv").status_code == 403
    assert client.get("/administration").status_code == 403


def test_a_post_needs_the_token_of_its_own_session(server):
    client, _ = sign_in(server, "dora")
    other, _ = sign_in(server, "hal")
    client.get("/")
    for headers in ({}, {"X-CSRFToken": "nonsense"}, {"X-CSRFToken": token_of(other)}):
        assert client.post("/_dash-update-component", json={}, headers=headers).status_code == 400
        assert client.post("/sign-out", headers=headers).status_code == 400
    stranger = server.test_client()
    assert stranger.post("/sign-in", data={"name": "dora", "password": PASSWORD}).status_code == 400


# ── passwords ──


def test_every_refusal_sounds_the_same_and_five_wrong_passwords_lock(server, settings):
    told = set()
    state = Services(settings).state
    state.set_disabled(state.account("gone")["account_id"], True)
    for name, password in (("nobody", PASSWORD), ("sue", "wrong"), ("gone", PASSWORD), ("", "")):
        client, answer = sign_in(server, name, password)
        told.add(re.search('role="alert">.*?</p>', answer.get_data(as_text=True))[0])  # type: ignore[index]
        assert answer.status_code == 401 and client.get("/backlog").status_code == 302
    assert len(told) == 1
    for _ in range(5):
        sign_in(server, "sue", "wrong")
    assert sign_in(server, "sue")[1].status_code == 401  # the right one does not help now
    state.set_password(state.account("sue")["account_id"], state.account("sue")["password_hash"], must_change=False)
    assert sign_in(server, "sue")[1].status_code == 303
    assert "was refused at sign-in" in log_of(server, "refused")


@pytest.mark.parametrize(
    "password", ["short", "aaaaaaaaaaaaaaaa", "x" * 201, "hal is the best head", "my password 11x"]
)
def test_passwords_that_are_none(password):
    with pytest.raises(BadRequest):
        check_password(password, "hal")


def test_a_password_reset_by_an_administrator_must_be_changed(server, settings):
    admin, _ = sign_in(server, "adam")
    victim, _ = sign_in(server, "cleo")
    assert victim.get("/backlog").status_code == 200
    form = {"name": "cleo", "csrf_token": token_of(admin, "/administration")}
    told = admin.post("/administration/reset", data=form).get_data(as_text=True)
    once = re.search(r"one sign-in: ([\w-]+)", told)[1]  # type: ignore[index]
    assert victim.get("/backlog").status_code == 302  # the session is over
    assert sign_in(server, "cleo")[1].status_code == 401
    client, _ = sign_in(server, "cleo", once)
    assert client.get("/backlog").headers["Location"] == "/password"
    assert client.get("/export/backlog/open.csv").status_code == 403
    form = {"old": once, "new": PASSWORD, "again": PASSWORD, "csrf_token": token_of(client, "/password")}
    for wrong in ({"old": "no"}, {"again": "no"}, {"new": "short", "again": "short"}):
        assert client.post("/password", data={**form, **wrong}).status_code == 400
    changed = client.post("/password", data=form)
    assert changed.status_code == 303 and client.get("/backlog").status_code == 200
    assert changed.headers["Location"] == "/"
    for action, name, status in (("reset", "adam", 400), ("disable", "nobody", 404), ("promote", "cleo", 404)):
        form = {"name": name, "csrf_token": token_of(admin)}
        assert admin.post(f"/administration/{action}", data=form).status_code == status
    assert admin.post("/administration/disable", data={"name": "cleo"}).status_code == 400  # without the token


# ── sessions ──


def test_the_session_is_another_one_after_signing_in_and_over_after_signing_out(server):
    client = server.test_client()
    client.get("/sign-in")
    before = client.get_cookie("dashboard311").value
    client, _ = sign_in(server, "dora")
    cookie = client.get_cookie("dashboard311")
    assert cookie.value != before and cookie.http_only and cookie.same_site == "Lax"
    assert client.get("/").status_code == 200
    stolen = server.test_client()
    stolen.set_cookie("dashboard311", cookie.value)
    assert stolen.get("/backlog").status_code == 200
    assert client.post("/sign-out", headers={"X-CSRFToken": token_of(client)}).status_code == 303
    assert client.get("/").status_code == 302
    assert stolen.get("/backlog").status_code == 302  # ended at the server, not only in this browser
    forged = server.test_client()
    forged.set_cookie("dashboard311", before[:-4] + "AAAA")
    assert forged.get("/backlog").status_code == 302


def test_cookies_go_over_tls_only_once_it_is_there(server):
    answer = server.test_client().get("/sign-in", base_url="https://311.example")
    assert "Secure" in answer.headers["Set-Cookie"] and "max-age" in answer.headers["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in server.test_client().get("/sign-in").headers


# ── the demo, and a city without accounts ──


def test_the_demo_opens_at_once_and_offers_an_account_for_each_role(demo):
    client = demo.test_client()
    assert client.get("/").status_code == 200
    assert "Deputy manager" in client.get("/_dash-layout").get_data(as_text=True)
    assert client.post("/sign-out", headers={"X-CSRFToken": token_of(client)}).status_code == 303
    assert client.get("/").status_code == 302 and client.get("/_dash-layout").status_code == 401
    offered = re.findall(r'href="(/see-as/[^"]+)"', client.get("/sign-in").get_data(as_text=True))
    assert len(offered) == len({one for one in offered}) >= 5
    assert client.get(offered[1]).status_code == 302 and client.get("/").status_code == 200
    assert client.get("/see-as/mayor").status_code == 404
    assert client.get("/see-as/administrator").headers["Location"] == "/administration"
    page = client.get("/administration")
    assert page.status_code == 200 and client.get("/").headers["Location"] == "/administration"
    form = {"name": "x", "csrf_token": token_of(client)}
    assert client.post("/administration/reset", data=form).status_code == 403


def test_the_way_back_from_another_account_leaves_filters_behind(demo):
    client = demo.test_client()
    there = client.get("/see-as/council-member?next=/backlog%3Fperiod%3Dall")
    assert there.headers["Location"] == "/backlog?period=all"
    back = client.get("/see-as/supervisor", headers={"Referer": "http://localhost/calls?agent=zq02"})
    assert back.headers["Location"] == "/calls"
    away = client.get("/see-as/supervisor", headers={"Referer": "http://elsewhere.example/calls"})
    assert away.headers["Location"] == "/"


def test_a_department_head_begins_with_what_is_waiting(server, demo):
    """Whoever followed a link gets there all the same, and the overview stays where it was."""
    client = demo.test_client()
    assert client.get("/see-as/department-head").headers["Location"] == "/backlog"
    assert client.get("/see-as/department-head?next=/calls").headers["Location"] == "/calls"
    on_overview = {"Referer": "http://localhost/?period=all"}
    assert client.get("/see-as/department-head", headers=on_overview).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    browser, signed_in = sign_in(server, "hal")
    assert signed_in.headers["Location"] == "/backlog" and browser.get("/").status_code == 200
    assert sign_in(server, "hal", goes_to="/demand")[1].headers["Location"] == "/demand"
    form = {"old": PASSWORD, "new": "another long word", "again": "another long word"}
    changed = browser.post("/password", data={**form, "csrf_token": token_of(browser, "/password")})
    assert changed.headers["Location"] == "/backlog"  # so begins who has a new account, too


def test_a_real_city_without_accounts_is_open_on_its_own_computer_only(tmp_path):
    settings = built(Settings(data=tmp_path, cache="off"), is_made_up=False)
    server = create_app(settings).server
    client = server.test_client()
    assert client.get("/backlog").status_code == 200
    assert "No sign-in on this computer" in client.get("/_dash-layout").get_data(as_text=True)
    assert client.get("/see-as/supervisor").status_code == 404
    for from_elsewhere in (
        {"environ_base": {"REMOTE_ADDR": "10.0.0.7"}}, {"headers": {"X-Forwarded-For": "10.0.0.7"}},
        {"headers": {"Host": "311.example"}}, {"headers": {"Host": "127.0.0.1.evil.example:80"}},
    ):  # fmt: skip
        assert client.get("/backlog", **from_elsewhere).status_code == 302
    assert "dashboard311 user add" in server.test_client().get("/sign-in").get_data(as_text=True)
    assert "whoever uses this computer" in may_serve(settings, "127.0.0.1", is_made_up=False)
    assert "demo" in may_serve(settings, "0.0.0.0", is_made_up=True)
    with pytest.raises(BadRequest, match="user add"):
        may_serve(settings, "0.0.0.0", is_made_up=False)
    add_accounts(settings)
    assert "sign in" in may_serve(settings, "0.0.0.0", is_made_up=False)
    assert client.get("/backlog").status_code == 302


# ── the command line ──


def run(settings: Settings, *words: str, typed: str = ""):
    return CliRunner().invoke(main, ["user", *words, "--data", str(settings.data)], input=typed)


def test_accounts_are_added_and_changed_on_the_command_line(tmp_path, settings):
    there = Settings(data=tmp_path)
    assert "No account yet" in run(there, "list").stdout
    added = run(settings, "add", "Ned", "--role", "department head", "--department", "streets", "--called", "Ned N.",
                typed=f"{PASSWORD}\n{PASSWORD}\n")  # fmt: skip
    assert added.exit_code == 0 and "department head, Streets" in added.stdout, added.output
    listed = {one["name"]: one for one in json.loads(run(settings, "list", "--format", "json").stdout)}
    assert listed["ned"]["own"] == "Streets" and listed["ned"]["shown_name"] == "Ned N."
    assert run(settings, "role", "ned", "--role", "supervisor", "--team", "Otter").exit_code == 0
    assert run(settings, "disable", "ned").exit_code == 0
    assert "ned: supervisor, Otter (disabled)" in run(settings, "list").stdout
    assert run(settings, "disable", "ned", "--again").exit_code == 0
    assert len(run(settings, "password", "ned").stdout.strip()) == 20


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "x", "--role", "mayor"), "mayor"), (("add", "x", "--role", "department head"), "say --department"),
        (("add", "x", "--role", "department head", "--department", "Strets"), "Streets"),
        (("add", "x", "--role", "deputy manager", "--team", "Heron"), "leave --team out"),
        (("add", "dora", "--role", "administrator"), "already"), (("role", "dor", "--role", "administrator"), "dora"),
        (("add", "x", "--role", "supervisor", "--team", "Herron"), "Heron"), (("password", "zed"), "zed"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_on_the_command_line(settings, words, told):
    result = run(settings, *words, typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 1 and told in result.stderr


def test_every_role_is_about_something_the_data_knows():
    assert set(identity.OWN) <= set(ROLES) and set(identity.OWN.values()) == {"department", "district", "team"}
