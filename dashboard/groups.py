"""Which role the groups of somebody signed in elsewhere stand for, as the city's own file says."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dashboard.domain.errors import BadRequest
from dashboard.domain.policy import OWN, ROLES


@dataclass(frozen=True)
class Group:
    """The members of `name` have `role`; `own` is the department, district or team it is about."""

    name: str
    role: str
    own: str | None = None


def read_groups(path: Path | None) -> tuple[Group, ...]:
    """The groups of a TOML file, in its order: ``[[group]]`` with ``name``, ``role`` and, where needed, ``own``.

    Raises BadRequest for a file that is none, or a group without a role there is.
    """
    if path is None:
        return ()
    try:
        entries = tomllib.loads(path.read_text("utf-8")).get("group", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise BadRequest(f"DASHBOARD311_GROUPS: {path} cannot be read: {problem}.") from problem
    found = []
    for number, entry in enumerate(entries, 1):
        known = isinstance(entry, dict) and set(entry) <= {"name", "role", "own"}
        if not known or not all(isinstance(value, str) and value for value in entry.values()) or "name" not in entry:
            raise BadRequest(f"{path}, group {number}: it has a name, a role and perhaps own, all of them text.")
        role, own = entry.get("role", ""), entry.get("own")
        if role not in ROLES:
            raise BadRequest(f"{path}, group {number}: “{role}” is no role; there are {', '.join(ROLES)}.")
        if (role in OWN) != (own is not None):
            wanted = f"names its {OWN[role]} as own" if role in OWN else "has no own"
            raise BadRequest(f"{path}, group {number}: a {role} {wanted}.")
        found.append(Group(entry["name"], role, own))
    return tuple(found)


def role_in(groups: Iterable[str], known: tuple[Group, ...]) -> Group | None:
    """The first of the `known` groups that somebody is a member of; None for no role at all."""
    member_of = set(groups)
    return next((group for group in known if group.name in member_of), None)
