"""What an installation can configure, read once from the environment; nothing else reads it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from dashboard.domain.errors import BadRequest


@dataclass(frozen=True)
class Settings:
    """The configuration of one installation. Every field has an environment variable of the same name.

    Parameters
    ----------
    data
        Folder that holds builds and state (``DASHBOARD311_DATA``).
    database
        SQLAlchemy URL of a PostgreSQL database to fill and read instead of the embedded DuckDB
        (``DASHBOARD311_DATABASE``). Empty: embedded.
    query_seconds
        A query is cancelled after this many seconds (``DASHBOARD311_QUERY_SECONDS``).
    threads
        DuckDB threads per process (``DASHBOARD311_THREADS``).
    cache
        ``filesystem`` (shared by the workers of a machine), ``memory`` or ``off`` (``DASHBOARD311_CACHE``).
    basemap
        Raster tile URL with ``{z}/{x}/{y}`` to lay under maps (``DASHBOARD311_BASEMAP``). Empty: no foreign host
        is ever contacted.
    """

    data: Path = field(default_factory=lambda: Path(platformdirs.user_data_dir("dashboard311", appauthor=False)))
    database: str = ""
    query_seconds: float = 20.0
    threads: int = 2
    cache: str = "filesystem"
    basemap: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the ``DASHBOARD311_…`` variables; those not set keep their defaults.

        Raises BadRequest for a value that cannot be, naming the variable.
        """
        environ = os.environ if environ is None else environ
        given: dict[str, Any] = {}
        for name, (kind, fits, wanted) in _FIELDS.items():
            variable = f"DASHBOARD311_{name.upper()}"
            if text := environ.get(variable, ""):
                try:
                    given[name] = kind(text)
                except ValueError:
                    raise BadRequest(f"{variable} is “{text}”; it wants {wanted}.") from None
                if not fits(given[name]):
                    raise BadRequest(f"{variable} is “{text}”; it wants {wanted}.")
        return cls(**given)


_FIELDS: dict[str, tuple[Callable, Callable, str]] = {
    "data": (Path, lambda path: True, "a folder"),
    "database": (str, lambda url: url.startswith("postgresql"), "an address like postgresql://user@host/name"),
    "query_seconds": (float, lambda seconds: 0 < seconds < 86400, "a number of seconds"),
    "threads": (int, lambda threads: 1 <= threads <= 256, "a whole number from 1"),
    "cache": (str, lambda kind: kind in ("filesystem", "memory", "off"), "filesystem, memory or off"),
    "basemap": (
        str,
        lambda url: url.startswith(("http://", "https://", "/")) and all(part in url for part in ("{z}", "{x}", "{y}")),
        "a tile address with {z}, {x} and {y}",
    ),
}
