"""The tiny city, served by gunicorn as in production, and a real Chromium looking at it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dashboard.settings import Settings
from data_access.build import Build
from tests import city, planted

playwright = pytest.importorskip("playwright.sync_api")
playwright.expect.set_options(timeout=20_000)  # a busy machine is slow, not wrong

# Without a GPU maps need SwiftShader; the rest keeps Chromium from calling home, which would look like us doing it.
ARGUMENTS = [
    "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-quic", "--disable-dev-shm-usage", "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader", "--disable-gpu-compositing", "--disable-gpu-rasterization",
]  # fmt: skip


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(data: Path, path: str = "") -> Iterator[str]:
    """Serve the builds in a folder as in production, below a `path` of the site; gives the address.

    At the end no request may have ended in a traceback, nor a process in an abort.
    """
    port = _free_port()
    command = [
        "env",
        f"DASHBOARD311_DATA={data}",
        f"DASHBOARD311_PATH={path}",
        sys.executable,
        "-m",
        "gunicorn",
        "--no-control-socket",
    ]
    command += ["--threads", "8", "--bind", f"127.0.0.1:{port}", "dashboard.wsgi:server"]
    log = data / "serve.log"
    with log.open("w") as written:
        process = subprocess.Popen(command, stdout=written, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}{path}"
    try:
        for _ in range(150):
            if process.poll() is not None:
                pytest.fail(f"The dashboard did not start:\n{log.read_text()}")
            try:
                urllib.request.urlopen(f"{url}/healthz", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        # In order, not at once: gunicorn told to stop at once while it takes a request in waits for itself.
        process.terminate()
        process.wait(60)
    said = log.read_text()
    assert not re.search("Traceback|terminate called|SIGABRT", said), said


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the tiny city is served."""
    data = tmp_path_factory.mktemp("browser")
    with Build(Settings(data=data), city.CITY) as build:
        city.write(build, lat=39.61, lon=-75.91)
        planted.write_means(build)
        build.publish(as_of=city.AS_OF)
    with serving(data) as url:
        yield url


MAC_CHROME = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


def program() -> str:
    """Chromium: `CHROMIUM`, or the one on the path; the one without windows takes a third less of the processor."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", MAC_CHROME)
    path = os.getenv("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.fail("no Chromium here; tests/browser/chromium.sh installs one, and “make test” runs it")
    return path


@pytest.fixture(scope="session")
def chromium() -> Iterator[playwright.Browser]:
    """A headless Chromium."""
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: playwright.Browser, address: str) -> Iterator[Callable[..., playwright.Page]]:
    """Called with a path, it opens that page of the tiny city and waits for its answers; see `visiting`."""
    with visiting(chromium, address) as visit:
        yield visit


LEFT: dict[tuple[playwright.Browser, str], list[playwright.Page]] = {}
"""Windows that tests left, made as good as new, by browser and address. In a new one Chromium reads all scripts anew,
which takes longer than most tests."""


def tidy(page: playwright.Page) -> bool:
    """Make a window as good as new; False if it can't be."""
    if page.is_closed() or not page.url.startswith("http"):
        return False
    page.unroute_all(behavior="ignoreErrors")
    page.goto("/healthz")  # what it still asked for is given up before anybody listens again
    page.mouse.move(0, 0)
    page.evaluate("() => { localStorage.clear(); sessionStorage.clear() }")
    page.context.clear_cookies()
    return True


@contextmanager
def visiting(chromium: playwright.Browser, address: str) -> Iterator[Callable[..., playwright.Page]]:
    """Gives what opens a page of `address` in a window without cookies or anything else kept; with options, a new one.

    At the end no request may have gone to a foreign host, no script failed and no rule of the
    content security policy been broken.
    """
    opened: list[playwright.Page] = []
    plain: list[playwright.Page] = []
    wrong: list[str] = []

    def hear(message: playwright.ConsoleMessage) -> None:
        if message.type == "error" and "the server responded with a status of 404" not in message.text:
            wrong.append(message.text)

    def look(request: playwright.Request) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            wrong.append(f"foreign request: {request.url}")

    def fail(error: playwright.Error) -> None:
        wrong.append(str(error))

    listeners = {"request": look, "pageerror": fail, "console": hear}

    def open_page(path: str = "/", *, width: int = 1440, **options) -> playwright.Page:
        size: playwright.ViewportSize = {"width": width, "height": 900}
        if not options and LEFT.get((chromium, address)):
            page = LEFT[chromium, address].pop()
            page.set_viewport_size(size)
        else:
            page = chromium.new_context(viewport=size, base_url=address, **options).new_page()
        opened.append(page)
        plain.extend([page] if not options else [])
        for event, listener in listeners.items():
            page.on(event, listener)
        page.goto(path)
        settle(page)
        return page

    try:
        yield open_page
    except BaseException:
        plain.clear()
        raise
    finally:
        for page in opened:
            page.wait_for_timeout(0)  # what was said so far is heard
            for event, listener in listeners.items():
                page.remove_listener(event, listener)
            if page in plain and tidy(page):
                LEFT.setdefault((chromium, address), []).append(page)
            else:
                page.context.close()
    assert not wrong, wrong


DRAWN = """() => [...document.querySelectorAll(".chart:not(.is-absent, .no-webgl)")]
  .map((chart) => Boolean(chart.querySelector(".js-plotly-plot .main-svg"))).join()"""


def settle(page: playwright.Page) -> None:
    """Wait until the view has its answers."""
    page.locator("#page > *").first.wait_for(timeout=20_000)
    page.locator("#filter-bar").locator(".controls, .notice").first.wait_for()
    waiting = page.locator(".is-waiting, [data-old]")
    playwright.expect(waiting).to_have_count(0, timeout=20_000)  # a function to poll would need unsafe-eval
    before = None
    for _ in range(200):  # figures are painted after the words are there: until all are, and none came since
        drawn = page.evaluate(DRAWN)
        if drawn == before and "false" not in drawn:
            return
        before = drawn
        page.wait_for_timeout(100)
    pytest.fail(f"Figures of {page.url} are still to be drawn: {before}")
