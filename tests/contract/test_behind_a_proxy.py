"""The dashboard behind nginx as docs/operations.md writes it, over TLS: at a name of its own and below a path."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from dashboard.settings import Settings
from data_access.build import Build
from tests import city

DOCS = (Path(__file__).resolve().parents[2] / "docs/operations.md").read_text("utf-8")
ALONE, BELOW = re.findall(r"```nginx\n(.*?)```", DOCS, flags=re.S)
LIMIT = 60
TOKEN = "9d1c7e5b3a8f6420c2e4a6089b7d5f13"
ABOUT = """
worker_processes 1; daemon off; pid {0}/pid; error_log {0}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off; gzip on;
    client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi;
    uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;
    {1}
}}
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def configuration(folder: Path, path: str, port: int, plain: int, behind: int) -> str:
    """What the page says to write, with the ports and the certificate of this test; below a path as it says there."""
    written = ALONE
    if path:
        where, metrics = (re.search(rf"^ *location {one}/\S*", BELOW, flags=re.M) for one in ("/311", "= /311"))
        assert where and metrics and "proxy_pass http://127.0.0.1:8311; " in BELOW
        written = written.replace("    location / {", f"{where[0]} {{").replace("    location = /metrics", metrics[0])
    for there, here in (
        ("listen 443", f"listen 127.0.0.1:{port}"), ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("127.0.0.1:8311", f"127.0.0.1:{behind}"), ("/etc/ssl", str(folder)),
        ("Host $host;", "Host $host:$server_port;"),
    ):  # fmt: skip
        assert there in written, there
        written = written.replace(there, here)
    return ABOUT.format(folder, written)


@pytest.fixture(scope="module", params=["", "/311"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, int]]:
    """The address over TLS, the certificate that vouches for it, and the port that is not over TLS."""
    program = shutil.which("nginx") or shutil.which(Path(sys.prefix, "nginx/usr/sbin/nginx"))
    if not program or not shutil.which("openssl"):
        pytest.skip("nginx or openssl is not here")
    folder, path = tmp_path_factory.mktemp("proxy"), request.param
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=311.example.gov",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "311.key", "-out", folder / "311.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    with Build(Settings(data=folder / "data"), city.CITY) as build:
        city.write(build)
        build.publish(as_of=city.AS_OF)
    port, plain, behind = (free_port() for _ in range(3))
    settings = {
        "DATA": folder / "data",
        "PROXIES": 1,
        "PATH": path,
        "REQUESTS_PER_MINUTE": LIMIT,
        "METRICS_TOKEN": TOKEN,
    }
    environ = {**os.environ, **{f"DASHBOARD311_{name}": str(one) for name, one in settings.items()}}  # noqa: TID251
    served = subprocess.Popen(
        [Path(sys.executable).with_name("dashboard311"), "serve", "--port", str(behind), "--workers", "1"],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    (folder / "nginx.conf").write_text(configuration(folder, path, port, plain, behind))
    nginx = subprocess.Popen([program, "-c", folder / "nginx.conf", "-e", folder / "error.log"])
    address = f"https://127.0.0.1:{port}{path}"
    try:
        for _ in range(300):
            with suppress(requests.ConnectionError):
                if requests.get(f"{address}/healthz", verify=folder / "311.pem", timeout=5).status_code == 200:
                    break
            assert nginx.poll() is None, (folder / "error.log").read_text()
            time.sleep(0.2)
        yield address, str(folder / "311.pem"), plain
    finally:
        for process in (nginx, served):
            process.terminate()
            process.wait(60)


@pytest.fixture
def browser(site) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env, session.verify = False, site[1]  # or the environment's own list of authorities comes first
        session.headers["Accept"] = "text/html"
        yield session


def test_pages_cookies_and_files_come_through_as_they_are_meant(site, browser):
    address, _, plain = site
    path = address.removeprefix("https://127.0.0.1:").partition("/")[2]
    page = browser.get(f"{address}/")
    assert page.status_code == 200 and ("Strict-Transport-Security" in page.headers) == (not path)
    assert {(one.path, one.secure) for one in browser.cookies} == {(f"/{path}", True)} and len(browser.cookies) == 2
    scripts = re.findall(r'<script src="([^"]+dashboard311.js[^"]*)', page.text)
    script = browser.get(address.removesuffix(f"/{path}" if path else "") + scripts[0])
    assert script.headers["Content-Encoding"] in ("gzip", "zstd") and "immutable" in script.headers["Cache-Control"]
    assert (
        browser.get(f"{address}/see-as/analyst", allow_redirects=False).headers["Location"]
        == f"{page.request.path_url}"
    )
    browser.get(f"{address}/")  # whose token is another one now
    gone = browser.post(f"{address}/sign-out", data={"csrf_token": browser.cookies["_csrf_token"]},
                        headers={"Referer": f"{address}/"})  # fmt: skip
    assert (gone.status_code, gone.url) == (200, f"{address}/sign-in")  # the referrer is held against host and port
    plainly = requests.get(f"http://127.0.0.1:{plain}/backlog?period=all", allow_redirects=False, timeout=5)
    assert (plainly.status_code, plainly.headers["Location"]) == (301, "https://127.0.0.1/backlog?period=all")


def test_what_is_for_the_machine_itself_stays_there(site, browser):
    address = site[0]
    assert browser.get(f"{address}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 403
    assert browser.get(f"{address}/healthz").json()["status"] == "ok"


def test_who_asks_too_often_is_known_by_the_address_the_proxy_tells(site, browser):
    address = site[0]
    told = [browser.get(f"{address}/export/no/no.csv", headers={"X-Forwarded-For": f"10.0.0.{i}"}).status_code
            for i in range(LIMIT + 1)]  # fmt: skip
    assert told[0] == 400 and told[-1] == 429  # whatever else a client says of where it comes from
