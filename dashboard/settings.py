"""What an installation can configure, read once from the environment; nothing else reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs


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
        """Read the ``DASHBOARD311_…`` variables; those not set keep their defaults."""
        environ = os.environ if environ is None else environ
        given = {
            name: kind(environ[variable])
            for name, kind in _KINDS.items()
            if (variable := f"DASHBOARD311_{name.upper()}") in environ and environ[variable] != ""
        }
        return cls(**given)


_KINDS = {"data": Path, "database": str, "query_seconds": float, "threads": int, "cache": str, "basemap": str}
