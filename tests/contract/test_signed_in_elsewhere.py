"""People whom somebody else signs in: an OpenID Connect provider, a process of its own, and a proxy's headers."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from dashboard.app import create_app
from dashboard.domain.errors import BadRequest
from dashboard.groups import Group, read_groups, role_in
from dashboard.settings import Settings
from data_access.build import Build
from data_access.state import State
from tests import city, provider

GROUPS = """
[[group]]
name = "heads"
role = "department head"
own = "Streets"
[[group]]
name = "clerks"
role = "administrator"
"""


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.provider", str(port)], cwd=root, stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    for _ in range(100):
        try:
            requests.get(f"http://127.0.0.1:{port}/keys", timeout=1)
            break
        except requests.RequestException:
            time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "groups.toml").write_text(GROUPS)
    with Build(Settings(data=folder), {**city.CITY, "is_made_up": False}) as build:
        city.write(build)
        build.publish(as_of=city.AS_OF)
    return folder


@pytest.fixture(scope="module")
def settings(folder, issuer) -> Settings:
    return Settings(
        data=folder, cache="off", sign_in="oidc", groups=folder / "groups.toml", oidc_issuer=issuer,
        oidc_client=provider.CLIENT, oidc_secret=provider.SECRET,
    )  # fmt: skip


@pytest.fixture(scope="module")
def server(settings):
    return create_app(settings).server


def go(server, who: str):
    """A browser that went to the provider, and the address it came back with."""
    client = server.test_client()
    there = client.get("/sign-in/oidc?next=/backlog").headers["Location"]
    back = requests.get(there, cookies={"who": who}, allow_redirects=False, timeout=5).headers["Location"]
    return client, back.removeprefix("http://localhost")


def test_the_provider_signs_in_and_the_groups_decide(server, settings):
    assert "/sign-in/oidc" in server.test_client().get("/sign-in").get_data(as_text=True)
    assert server.test_client().get("/backlog").status_code == 302  # not even on this computer
    client, back = go(server, "hal")
    answer = client.get(back)
    assert answer.status_code == 303 and answer.headers["Location"] == "/backlog"
    assert "Streets" in client.get("/_dash-layout").get_data(as_text=True)
    account = State(settings).account("oidc:h-1")
    assert account["role"] == "department head" and account["password_hash"] is None
    State(settings).set_disabled(account["account_id"], True)
    assert client.get("/backlog").status_code == 302
    again, back = go(server, "hal")
    assert again.get(back).status_code == 403
    State(settings).set_disabled(account["account_id"], False)


def test_below_a_path_the_provider_sends_people_back_there(settings):
    server = create_app(replace(settings, path="/311")).server
    client = server.test_client()
    there = client.get("/311/sign-in/oidc?next=/backlog").headers["Location"]
    back = requests.get(there, cookies={"who": "hal"}, allow_redirects=False, timeout=5).headers["Location"]
    assert back.startswith("http://localhost/311/sign-in/oidc/back?")
    assert client.get(back.removeprefix("http://localhost")).headers["Location"] == "/311/backlog"
    assert client.get("/311/backlog").status_code == 200


def test_whoever_has_no_role_or_a_forged_answer_stays_outside(server, settings):
    client, back = go(server, "eve")
    assert client.get(back).status_code == 403 and client.get("/backlog").status_code == 302
    client, back = go(server, "hal")
    assert server.test_client().get(back).status_code == 401  # another browser's answer
    assert client.get(back.replace("state=", "state=x")).status_code == 401
    assert client.get("/sign-in/oidc/back?error=access_denied").status_code == 401
    client, back = go(server, "eve2")  # a token for somebody else
    assert client.get(back).status_code == 401 and client.get("/backlog").status_code == 302
    assert any(line["did"] == "was refused at sign-in" for line in State(settings).audit_lines(50))


def test_a_proxy_is_believed_only_where_it_comes_from(folder):
    settings = Settings(
        data=folder, cache="off", sign_in="proxy", groups=folder / "groups.toml", proxy_networks="10.0.0.0/8"
    )
    server = create_app(settings).server
    client, named = server.test_client(), {"Remote-User": "hal", "Remote-Groups": "staff, heads"}
    proxy = {"REMOTE_ADDR": "10.0.0.5"}
    for headers, origin in ((named, {}), ({}, proxy), ({"Remote-User": "eve", "Remote-Groups": "staff"}, proxy)):
        assert client.get("/backlog", headers=headers, environ_base=origin).status_code == 302
    assert client.get("/sign-in").status_code == 403
    assert client.get("/backlog", headers=named, environ_base=proxy).status_code == 200
    assert "Streets" in client.get("/_dash-layout", headers=named, environ_base=proxy).get_data(as_text=True)
    assert client.get("/backlog").status_code == 302  # the cookie alone is nothing


def test_what_the_file_of_groups_and_the_settings_lack_is_told(folder, tmp_path):
    known = read_groups(folder / "groups.toml")
    assert role_in(["clerks", "heads"], known) == Group("heads", "department head", "Streets")
    assert role_in(["staff"], known) is None
    for words, told in (
        ("nonsense", "cannot be read"), ('[[group]]\nname="a"\nrole="mayor"', "is no role"),
        ('[[group]]\nname="a"\nrole="supervisor"', "names its team"), ('[[group]]\nrole="analyst"', "has a name"),
    ):  # fmt: skip
        (tmp_path / "groups.toml").write_text(words)
        with pytest.raises(BadRequest, match=told):
            read_groups(tmp_path / "groups.toml")
    for lacking in ({"sign_in": "oidc"}, {"sign_in": "proxy", "groups": folder / "groups.toml"}):
        with pytest.raises(BadRequest, match="DASHBOARD311_"):
            create_app(Settings(data=folder, cache="off", **lacking))
