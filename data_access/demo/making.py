"""The demo city put in service: the tables of `demo_city` into a build."""

from __future__ import annotations

from collections.abc import Callable

from dashboard.domain.errors import DataUnavailable
from dashboard.settings import Settings
from data_access import schema
from data_access.build import Build, Summary
from data_access.demo_city import AS_OF, CITY, demo_tables
from data_access.engine import BuildInfo, Warehouse

_REQUESTS_A_DECADE = 1_167_900


def demo_in_service(settings: Settings) -> BuildInfo | None:
    """The build in service if it is the demo city's, as this version makes it; None if nothing is, or a real city."""
    warehouse = Warehouse(settings)
    try:
        city = warehouse.city()
        return warehouse.build() if city.is_made_up and city.schema_version >= schema.VERSION else None
    except DataUnavailable:
        return None
    finally:
        warehouse.close()


def make_demo_city(
    settings: Settings,
    *,
    seed: int = 311,
    millions: float | None = None,
    replace: bool = False,
    progress: Callable[[str, int], None] | None = None,
) -> Summary:
    """Make Riverton and put it in service.

    `millions` of requests make it a bigger city with ten years behind it, for benchmarks.

    Raises ImportRefused if a real city is in service, unless `replace`.
    """
    years = 10 if millions else 3
    scale = millions * 1e6 / _REQUESTS_A_DECADE if millions else 1.0
    with Build(settings, CITY, progress=progress) as build:
        build.displace(replace)
        for name, rows in demo_tables(seed, scale, years):
            build.write(name, rows)
        return build.publish(as_of=AS_OF)
