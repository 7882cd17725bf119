"""Who may see what, in one readable place: permissions, roles, and the rows and columns they open.

Deny by default: a role that is not listed sees nothing, and a `Scope` is a required argument of the only
function that compiles SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dashboard.domain.errors import NotPermitted


class Permission(StrEnum):
    """One thing a role may do."""

    READ_REQUESTS = "read requests"
    READ_CONTACTS = "read contacts"
    READ_AGENTS = "read agents by name"


@dataclass(frozen=True)
class Scope:
    """The rows a viewer may see: for each restricted dimension the values allowed.

    ``Scope(())`` is every row; ``Scope.nothing()`` is none.
    """

    rows: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def everything(cls) -> Scope:
        """No restriction of rows."""
        return cls(())

    @classmethod
    def only(cls, dimension: str, *values: str) -> Scope:
        """Only rows with these values of `dimension`; no value means no row."""
        return cls(((dimension, tuple(sorted(values))),))


@dataclass(frozen=True)
class Viewer:
    """A person looking: a name to show, a role, and the department the role is about."""

    name: str
    role: str
    department: str | None = None


ROLES: dict[str, frozenset[Permission]] = {
    "deputy manager": frozenset({Permission.READ_REQUESTS, Permission.READ_CONTACTS}),
    "department head": frozenset({Permission.READ_REQUESTS}),
    "supervisor": frozenset({Permission.READ_REQUESTS, Permission.READ_CONTACTS, Permission.READ_AGENTS}),
}


def scope_of(viewer: Viewer, needs: Permission) -> Scope:
    """The rows `viewer` may see for a question that needs `needs`.

    Raises NotPermitted if the role does not have the permission; says so in the reader's words.
    """
    if needs not in ROLES.get(viewer.role, frozenset()):
        raise NotPermitted(f"A {viewer.role} may not {needs}. Ask the dashboard's administrator.")
    if viewer.role == "department head":
        return Scope.only("department", *([viewer.department] if viewer.department else []))
    return Scope.everything()
