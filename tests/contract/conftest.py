"""The tiny city in service, on each engine, asked through the same services as the screen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dashboard.services import Services
from dashboard.settings import Settings
from data_access.build import Build
from tests import city


@pytest.fixture(scope="session", params=["duckdb", "postgres"])
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Services over the tiny city."""
    database = request.getfixturevalue("new_database")() if request.param == "postgres" else ""
    settings = Settings(data=tmp_path_factory.mktemp("tiny"), database=database, cache="off")
    with Build(settings, city.CITY) as build:
        city.write(build)
        build.publish(as_of=city.AS_OF)
    services = Services(settings)
    yield services
    services.warehouse.close()
