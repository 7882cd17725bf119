"""What an installation can configure, read once from the environment; nothing else reads it."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import platformdirs

from dashboard.domain.errors import BadRequest, did_you_mean, nearest


@dataclass(frozen=True)
class Settings:
    """The configuration of one installation. Every field has an environment variable of the same name.

    A secret may stand in a file instead: ``DASHBOARD311_SECRET_FILE`` names the file that holds
    ``DASHBOARD311_SECRET``, and so for every field.

    Parameters
    ----------
    data
        Folder that holds builds and state (``DASHBOARD311_DATA``).
    database
        SQLAlchemy URL of a PostgreSQL database to fill and read instead of the embedded DuckDB
        (``DASHBOARD311_DATABASE``). Empty: embedded.
    replica
        URL of a copy that PostgreSQL keeps of `database` itself: screens read it, imports do not
        (``DASHBOARD311_REPLICA``). Empty: screens read `database`.
    query_seconds
        A query is cancelled after this many seconds (``DASHBOARD311_QUERY_SECONDS``).
    threads
        DuckDB threads per process (``DASHBOARD311_THREADS``).
    memory_mb
        Megabytes DuckDB may take in each process for answering; what needs more goes by way of the disk
        (``DASHBOARD311_MEMORY_MB``).
    cache
        ``filesystem`` (shared by the workers of a machine), ``memory``, ``off``, or the address of a Redis that several
        machines share (``DASHBOARD311_CACHE``).
    basemap
        Raster tile URL with ``{z}/{x}/{y}`` to lay under maps (``DASHBOARD311_BASEMAP``). Empty: no foreign host
        is ever contacted.
    state
        SQLAlchemy URL of a PostgreSQL database for accounts, sessions and the audit log (``DASHBOARD311_STATE``).
        Empty: an SQLite file in the data folder.
    secret
        What cookies are signed with, at least 32 characters (``DASHBOARD311_SECRET``). Empty: a random one, made
        when first needed and kept in the data folder.
    session_hours
        A session ends at the latest after so many hours (``DASHBOARD311_SESSION_HOURS``), and after a quarter of
        them without being used.
    sign_in
        Who knows the people: ``accounts`` (kept here), ``oidc`` (an OpenID Connect provider, beside the accounts kept
        here) or ``proxy`` (a proxy that has signed them in and says so in headers) (``DASHBOARD311_SIGN_IN``).
    groups
        TOML file that says which role a group of the provider or the proxy has (``DASHBOARD311_GROUPS``).
    oidc_issuer, oidc_client, oidc_secret
        Address of the provider (its ``/.well-known/openid-configuration`` is read), and this dashboard's id and secret
        there (``DASHBOARD311_OIDC_ISSUER``, ``DASHBOARD311_OIDC_CLIENT``, ``DASHBOARD311_OIDC_SECRET``).
    oidc_groups
        The claim that lists the groups (``DASHBOARD311_OIDC_GROUPS``).
    proxy_networks
        Addresses the signing-in proxy comes from, ``10.0.0.5,10.1.0.0/16``; its headers count from nowhere else
        (``DASHBOARD311_PROXY_NETWORKS``).
    proxy_user, proxy_groups
        The headers in which it names the person, and the groups between commas (``DASHBOARD311_PROXY_USER``,
        ``DASHBOARD311_PROXY_GROUPS``).
    path
        The path of a site below which the dashboard is served, ``/311`` (``DASHBOARD311_PATH``). Empty: it has the
        site for itself.
    proxies
        How many reverse proxies stand before the dashboard, whose ``X-Forwarded-…`` headers are believed
        (``DASHBOARD311_PROXIES``).
    requests_per_minute
        So many answers an address may get in a minute, files left out; 0 for as many as it likes
        (``DASHBOARD311_REQUESTS_PER_MINUTE``).
    limits
        Redis in which several processes count them together (``DASHBOARD311_LIMITS``). Empty: each counts for itself.
    metrics_token
        The bearer token that opens ``/metrics`` (``DASHBOARD311_METRICS_TOKEN``). Empty: there are none.
    """

    data: Path = field(default_factory=lambda: Path(platformdirs.user_data_dir("dashboard311", appauthor=False)))
    database: str = field(default="", repr=False)
    replica: str = field(default="", repr=False)
    query_seconds: float = 20.0
    threads: int = 2
    memory_mb: int = 112
    cache: str = field(default="filesystem", repr=False)
    basemap: str = ""
    state: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    session_hours: float = 12.0
    sign_in: str = "accounts"
    groups: Path | None = None
    oidc_issuer: str = ""
    oidc_client: str = ""
    oidc_secret: str = field(default="", repr=False)
    oidc_groups: str = "groups"
    proxy_networks: str = ""
    proxy_user: str = "Remote-User"
    proxy_groups: str = "Remote-Groups"
    path: str = ""
    proxies: int = 0
    requests_per_minute: int = 3000
    limits: str = field(default="", repr=False)
    metrics_token: str = field(default="", repr=False)

    def for_screens(self) -> Settings:
        """The settings by which screens read: the replica is their database, where there is one."""
        return replace(self, database=self.replica) if self.database and self.replica else self

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the ``DASHBOARD311_…`` variables; those not set keep their defaults.

        Raises BadRequest for a value that cannot be, naming the variable; a secret's value is not repeated.
        """
        environ = os.environ if environ is None else environ
        given: dict[str, Any] = {}
        for name, (kind, fits, wanted) in _FIELDS.items():
            variable = f"{_PREFIX}{name.upper()}"
            text = environ.get(variable, "") or _in_file(variable, environ)
            if not text:
                continue
            was = "" if name in _SECRET else f" is “{text}”; it"
            try:
                given[name] = kind(text)
                if not fits(given[name]):
                    raise ValueError
            except ValueError:
                raise BadRequest(f"{variable}{was} wants {wanted}.") from None
        return cls(**given)


def unknown_in(environ: Mapping[str, str] | None = None) -> list[str]:
    """What to say of each ``DASHBOARD311_…`` variable that is no setting: a slip of the pen keeps a default unseen."""
    environ = os.environ if environ is None else environ
    known = {f"{_PREFIX}{name.upper()}{end}" for name in _FIELDS for end in ("", "_FILE")}
    given = sorted(name for name in environ if name.startswith(_PREFIX) and name not in known)
    return [f"{name} is no setting and changes nothing.{did_you_mean(nearest(name, known)[:1])}" for name in given]


def _in_file(variable: str, environ: Mapping[str, str]) -> str:
    path = environ.get(f"{variable}_FILE", "")
    if not path:
        return ""
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise BadRequest(f"{variable}_FILE names {path}, which cannot be read.") from None


_PREFIX = "DASHBOARD311_"
_POSTGRES = "an address like postgresql://user@host/name"
_SECRET = frozenset({"database", "replica", "state", "secret", "oidc_secret", "metrics_token", "limits", "cache"})
_WELL_KNOWN = ("change", "secret", "password", "example", "default", "test-only", "dashboard311")
"""What stands in examples; a secret that holds one of these words was copied, not made."""


def _is_secret(text: str) -> bool:
    return len(text) >= 32 and len(set(text)) >= 10 and not any(word in text.casefold() for word in _WELL_KNOWN)


def _is_postgres(url: str) -> bool:
    return url.startswith(("postgresql://", "postgresql+psycopg://"))


def _is_safe(url: str) -> bool:
    return url.startswith(("https://", "http://127.0.0.1:", "http://localhost:"))


def _are_networks(text: str) -> bool:
    return all(ipaddress.ip_network(one.strip()).prefixlen for one in text.split(","))  # 0 bits: whoever comes


def _as_path(text: str) -> str:
    return text.rstrip("/")


def _is_path(path: str) -> bool:
    return re.fullmatch(r"(/(?!\.+(/|$))[\w.~-]+)*", path, re.ASCII) is not None


def _is_header(name: str) -> bool:
    return name.replace("-", "").isalnum()


_FIELDS: dict[str, tuple[Callable, Callable, str]] = {
    "data": (Path, lambda path: True, "a folder"),
    "database": (str, _is_postgres, _POSTGRES),
    "replica": (str, _is_postgres, _POSTGRES),
    "query_seconds": (float, lambda seconds: 0 < seconds < 86400, "a number of seconds"),
    "threads": (int, lambda threads: 1 <= threads <= 256, "a whole number from 1"),
    "memory_mb": (int, lambda megabytes: megabytes >= 64, "a whole number of megabytes from 64"),
    "cache": (
        str,
        lambda kind: kind in ("filesystem", "memory", "off") or kind.startswith(("redis://", "rediss://", "unix://")),
        "filesystem, memory, off or an address like redis://host:6379/0",
    ),
    "basemap": (
        str,
        lambda url: url.startswith(("http://", "https://", "/")) and all(part in url for part in ("{z}", "{x}", "{y}")),
        "a tile address with {z}, {x} and {y}",
    ),
    "state": (str, _is_postgres, _POSTGRES),
    "secret": (str, _is_secret, "at least 32 random characters, like those of “openssl rand -hex 32”"),
    "session_hours": (float, lambda hours: 0.1 <= hours <= 720, "a number of hours up to 720"),
    "sign_in": (str, lambda kind: kind in ("accounts", "oidc", "proxy"), "accounts, oidc or proxy"),
    "groups": (Path, lambda path: path.is_file(), "a TOML file"),
    "oidc_issuer": (str, _is_safe, "an address that begins with https://"),
    "oidc_client": (str, bool, "the id of this dashboard at the provider"),
    "oidc_secret": (str, bool, "the secret of this dashboard at the provider"),
    "oidc_groups": (str, bool, "the name of a claim"),
    "proxy_networks": (str, _are_networks, "addresses or networks between commas, like 10.0.0.5,10.1.0.0/16"),
    "proxy_user": (str, _is_header, "the name of a header"),
    "proxy_groups": (str, _is_header, "the name of a header"),
    "path": (_as_path, _is_path, "the path of a site, like /311"),
    "proxies": (int, lambda number: 0 <= number <= 5, "a whole number up to 5"),
    "requests_per_minute": (int, lambda number: number >= 0, "a whole number"),
    "limits": (
        str,
        lambda url: url.startswith(("redis://", "rediss://", "redis+unix://")),
        "an address like redis://host:6379/0",
    ),
    "metrics_token": (str, _is_secret, "at least 32 random characters"),
}
