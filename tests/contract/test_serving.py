"""The dashboard as it is served: a process that dies is replaced, and nobody is turned away meanwhile."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from dashboard.serving import Threads
from dashboard.settings import Settings
from data_access.build import Build
from tests import city

PATIENCE_S = 60
TOKEN = "9d1c7e5b3a8f6420c2e4a6089b7d5f13"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The address of the tiny city served by two processes, and the process above them."""
    with Build(Settings(data=tmp_path), city.CITY) as build:
        city.write(build)
        build.publish(as_of=city.AS_OF)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [str(Path(sys.executable).with_name("dashboard311")), "--data", str(tmp_path), "serve"]
    options = ["--port", str(port), "--workers", "2"]
    secrets = {"DASHBOARD311_SECRET": "0f1e2d3c4b5a69788796a5b4c3d2e1f0aa", "DASHBOARD311_METRICS_TOKEN": TOKEN}
    environ = {**os.environ, **secrets}  # noqa: TID251
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen([*command, *options], env=environ, stdout=subprocess.DEVNULL, stderr=log)
    base = f"http://127.0.0.1:{port}"
    try:
        until(lambda: status(f"{base}/healthz") == 200)
        yield base, psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait(PATIENCE_S)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def status(url: str) -> int:
    """The status of an answer, 0 where there is none."""
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
            return answer.status
    except urllib.error.HTTPError as answer:
        return answer.code
    except OSError:
        return 0


# SIGABRT is what ends a process that has not answered for too long, SIGTERM one that is told to go.
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGABRT, signal.SIGTERM])
def test_a_process_that_ends_is_replaced_and_the_other_answers_meanwhile(served, tmp_path, sent):
    base, above = served

    def workers() -> set[int]:
        return {one.pid for one in above.children() if one.status() != psutil.STATUS_ZOMBIE}

    until(lambda: len(workers()) == 2)
    until(lambda: status(f"{base}/readyz") == 200)
    ended = min(workers())
    os.kill(ended, sent)
    told = [status(f"{base}/readyz") for _ in range(20)]
    assert told.count(200) >= 19, told  # what it held when it died is lost with it
    until(lambda: len(workers()) == 2 and ended not in workers())
    for path in ("/readyz", "/metrics"):  # it takes no count with it that the others still keep
        assert [status(f"{base}{path}") for _ in range(20)] == [200] * 20
    lines = [json.loads(line) for line in (tmp_path / "log").read_text("utf-8").splitlines()]
    assert {"at", "level", "message"} <= set(lines[0])
    assert sent == signal.SIGTERM or any(one["logger"] == "gunicorn.error" for one in lines)


def test_who_asks_has_no_say_in_where_the_dashboard_lives(served):
    base, _ = served
    asked = urllib.request.Request(f"{base}/healthz", headers={"SCRIPT_NAME": "/healthz"})
    with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
        assert json.load(answer)["status"] == "ok"  # not the first page, as if /healthz were before it


def test_a_process_ends_at_once_even_while_it_takes_a_request_in():
    worker = Threads.__new__(Threads)
    worker.cfg = SimpleNamespace(worker_int=lambda one: None)
    worker.tpool = ThreadPoolExecutor(1)
    with worker.tpool._shutdown_lock, pytest.raises(SystemExit):  # held while a request is handed to a thread
        worker.handle_quit(signal.SIGQUIT, None)
    assert not worker.alive
