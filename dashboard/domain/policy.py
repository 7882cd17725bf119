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
    LIST_REQUESTS = "list single requests and read their timelines"
    READ_ADDRESSES = "read exact addresses"
    READ_NOTES = "read notes and who wrote them"
    READ_AGENT_SPREAD = "see agents as a distribution without names"
    READ_AGENTS = "read the agents of a team by name"


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
    """A person looking: a name to show, a role, and the department, district or team the role is about."""

    name: str
    role: str
    department: str | None = None
    district: str | None = None
    team: str | None = None


_P = Permission
ROLES: dict[str, frozenset[Permission]] = {
    "deputy manager": frozenset({
        _P.READ_REQUESTS, _P.READ_CONTACTS, _P.LIST_REQUESTS, _P.READ_ADDRESSES, _P.READ_NOTES, _P.READ_AGENT_SPREAD,
    }),
    "department head": frozenset({_P.READ_REQUESTS, _P.LIST_REQUESTS, _P.READ_ADDRESSES, _P.READ_NOTES}),
    "supervisor": frozenset({
        _P.READ_REQUESTS, _P.READ_CONTACTS, _P.LIST_REQUESTS, _P.READ_AGENT_SPREAD, _P.READ_AGENTS,
    }),
    "council member": frozenset({_P.READ_REQUESTS, _P.LIST_REQUESTS}),
}  # fmt: skip
"""What each role may do at all; `scope_of` says in which rows."""

OWN_ROWS: dict[str, str] = {"department head": "department", "council member": "district"}
"""Roles that see only the rows with their own value of a dimension."""


def may(viewer: Viewer, needs: Permission) -> bool:
    """Whether the role of `viewer` has a permission at all."""
    return needs in ROLES.get(viewer.role, frozenset())


def scope_of(viewer: Viewer, needs: Permission) -> Scope:
    """The rows `viewer` may see for a question that needs `needs`.

    Raises NotPermitted if the role does not have the permission; says so in the reader's words.
    """
    if not may(viewer, needs):
        raise NotPermitted(f"A {viewer.role} may not {needs}. Ask the dashboard's administrator.")
    if (dimension := OWN_ROWS.get(viewer.role)) is not None:
        own = getattr(viewer, dimension)
        return Scope.only(dimension, *([own] if own else []))
    return Scope.everything()
