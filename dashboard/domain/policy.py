"""Who may see what, in one readable place: permissions, roles, and the rows and columns they open.

Deny by default: a role that is not listed sees nothing, a table that is not listed is asked by nobody, and a `Scope` is
a required argument of the only function that compiles SQL. The public is no role: it reads the published tables and
nothing else (`domain/disclosure.py`, `data_access/public_extract.py`), which hold what `SMALLEST` lets through.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from dashboard.domain.errors import NotPermitted


class Permission(StrEnum):
    """One thing a role may do."""

    READ_REQUESTS = "read requests"
    COMPARE_DISTRICTS = "compare how districts are served"
    READ_CONTACTS = "read contacts"
    READ_PUBLISHED_CALLS = "read what was published of calls"
    READ_BUDGET = "read budgets and what work costs"
    READ_CONTACT_COST = "read what contacts cost"
    READ_ROUNDS = "read the rounds of collection routes"
    READ_ASSETS = "read how often assets fail"
    READ_CHANGES = "read whether changes worked"
    LIST_REQUESTS = "list single requests and read their timelines"
    READ_ADDRESSES = "read exact addresses"
    READ_NOTES = "read notes and who wrote them"
    READ_AGENT_SPREAD = "see agents as a distribution without names"
    READ_AGENTS = "read the agents of a team by name"
    READ_PSEUDONYMS = "tell all agents apart by pseudonym"
    READ_IMPORTS = "see what was imported and refused"
    ADMINISTER = "manage accounts and read the audit log"


ABOUT: dict[str, frozenset[Permission]] = {
    "requests": frozenset({
        Permission.READ_REQUESTS, Permission.COMPARE_DISTRICTS, Permission.LIST_REQUESTS, Permission.READ_ADDRESSES,
        Permission.READ_NOTES,
    }),
    "contacts": frozenset({
        Permission.READ_CONTACTS, Permission.READ_AGENT_SPREAD, Permission.READ_AGENTS, Permission.READ_CONTACT_COST,
    }),
    "published_calls": frozenset({Permission.READ_PUBLISHED_CALLS}),
    "budget_lines": frozenset({Permission.READ_BUDGET, Permission.READ_CONTACT_COST}),
    "rounds": frozenset({Permission.READ_ROUNDS}),
    "assets": frozenset({Permission.READ_ASSETS}),
    "changes": frozenset({Permission.READ_CHANGES}),
}  # fmt: skip
"""What only data with such rows can answer; a city may hold requests alone, or calls alone."""
USUAL = frozenset({"requests", "contacts"})
"""What a city's data is thought to hold before it holds anything."""


FACTS: dict[str, Permission] = {
    "request": Permission.READ_REQUESTS,
    "episode": Permission.READ_REQUESTS,
    "repeat": Permission.READ_REQUESTS,
    "survey": Permission.READ_REQUESTS,
    "inspection": Permission.READ_REQUESTS,
    "contact": Permission.READ_CONTACTS,
    "contact_interval": Permission.READ_PUBLISHED_CALLS,
    "agent_state": Permission.READ_AGENT_SPREAD,
    "agent_day": Permission.READ_AGENT_SPREAD,
    "staff_interval": Permission.READ_AGENT_SPREAD,
    "budget": Permission.READ_BUDGET,
    "work": Permission.READ_BUDGET,
    "centre": Permission.READ_CONTACT_COST,
    "round": Permission.READ_ROUNDS,
    "asset": Permission.READ_ASSETS,
}
"""What it takes to ask a fact; one that is not listed is asked by nobody."""


@dataclass(frozen=True)
class People:
    """Whom a viewer may tell apart among those who answer.

    Parameters
    ----------
    spread
        Whether numbers may be divided by agent at all; agents stay unnamed.
    teams
        The teams whose agents are told apart; None for all of them.
    by_name
        Whether those are called by their names; otherwise by pseudonyms.
    """

    spread: bool = False
    teams: tuple[str, ...] | None = ()
    by_name: bool = True

    def names(self, team: str | None) -> bool:
        """Whether the agents of `team` are named."""
        return self.spread and (self.teams is None or team in self.teams)


NOBODY = People()
EVERYBODY = People(spread=True, teams=None)


@dataclass(frozen=True)
class Scope:
    """The rows a viewer may see: for each restricted dimension the values allowed; and what they may know of people.

    ``Scope(())`` is every row and nobody in them: deny by default.

    Parameters
    ----------
    facts
        The facts that may be asked at all; None for all of `FACTS`.
    hides
        Sensitivity classes of service types whose requests are not seen.
    """

    rows: tuple[tuple[str, tuple[str, ...]], ...]
    people: People = NOBODY
    facts: frozenset[str] | None = None
    hides: tuple[str, ...] = ()

    def reaches(self, fact: str) -> bool:
        """Whether a fact may be asked."""
        return fact in FACTS if self.facts is None else fact in self.facts

    @classmethod
    def everything(cls) -> Scope:
        """No restriction: the operator's, on the command line. What is shown to a viewer comes from `scope_of`."""
        return cls((), EVERYBODY)

    @classmethod
    def only(cls, dimension: str, *values: str) -> Scope:
        """Only rows with these values of `dimension`; no value means no row."""
        return cls(((dimension, tuple(sorted(values))),))


@dataclass(frozen=True)
class Viewer:
    """A person looking: a name to show, a role, and the department, district or team the role is about.

    `account` is what the person signs in with, for the audit log.
    """

    name: str
    role: str
    department: str | None = None
    district: str | None = None
    team: str | None = None
    account: str = ""

    @property
    def own(self) -> str:
        """What the role is about: “Sanitation”, “team Heron”; empty for the whole city."""
        return self.department or self.district or (f"team {self.team}" if self.team else "")

    @property
    def rights(self) -> Viewer:
        """The viewer without who it is: those with the same rights see the same."""
        return replace(self, name="", account="")


_P = Permission
_SERVICE = (_P.READ_ROUNDS, _P.READ_ASSETS, _P.READ_CHANGES)
ROLES: dict[str, frozenset[Permission]] = {
    "deputy manager": frozenset({
        _P.READ_REQUESTS, _P.COMPARE_DISTRICTS, _P.READ_CONTACTS, _P.READ_PUBLISHED_CALLS, _P.LIST_REQUESTS,
        _P.READ_AGENT_SPREAD, _P.READ_IMPORTS, _P.READ_BUDGET, _P.READ_CONTACT_COST, *_SERVICE,
    }),
    "department head": frozenset({
        _P.READ_REQUESTS, _P.COMPARE_DISTRICTS, _P.LIST_REQUESTS, _P.READ_ADDRESSES, _P.READ_NOTES, _P.READ_BUDGET,
        *_SERVICE,
    }),
    "supervisor": frozenset({
        _P.READ_REQUESTS, _P.COMPARE_DISTRICTS, _P.READ_CONTACTS, _P.READ_PUBLISHED_CALLS, _P.LIST_REQUESTS,
        _P.READ_AGENT_SPREAD, _P.READ_AGENTS, _P.READ_IMPORTS, *_SERVICE,
    }),
    "council member": frozenset({_P.READ_REQUESTS, _P.LIST_REQUESTS, *_SERVICE}),
    "analyst": frozenset({
        _P.READ_REQUESTS, _P.COMPARE_DISTRICTS, _P.READ_CONTACTS, _P.READ_PUBLISHED_CALLS, _P.LIST_REQUESTS,
        _P.READ_ADDRESSES, _P.READ_AGENT_SPREAD, _P.READ_PSEUDONYMS, _P.READ_IMPORTS, _P.READ_BUDGET,
        _P.READ_CONTACT_COST, *_SERVICE,
    }),
    "administrator": frozenset({_P.ADMINISTER}),  # of the dashboard, not of the data
}  # fmt: skip
"""What each role may do at all; `scope_of` says in which rows."""

OWN: dict[str, str] = {"department head": "department", "council member": "district", "supervisor": "team"}
"""Roles that are about one department, district or team."""

OWN_ROWS: dict[str, str] = {"department head": "department", "council member": "district"}
"""Roles that see only the rows with their own value of a dimension."""

HIDDEN_CLASSES: dict[str, tuple[str, ...]] = {"council member": ("P3",)}
"""Sensitive types (shelter, needles, eviction …) that a role sees only as published (measures G2, G4)."""

SMALLEST: dict[str, int] = {"P0": 5, "P1": 5, "P2": 11, "P3": 11}
"""The smallest count other than 0 that is published, by sensitivity class (measures G2, G3)."""
UNCLASSIFIED = "P2"
"""The class of a service type that nobody has classified."""


def may(viewer: Viewer, needs: Permission) -> bool:
    """Whether the role of `viewer` has a permission at all."""
    return needs in ROLES.get(viewer.role, frozenset())


def scope_of(viewer: Viewer, needs: Permission) -> Scope:
    """The rows `viewer` may see for a question that needs `needs`.

    Raises NotPermitted if the role does not have the permission; says so in the reader's words.
    """
    if not may(viewer, needs):
        one = f"{'An' if viewer.role.startswith(tuple('aeiou')) else 'A'} {viewer.role}"
        raise NotPermitted(f"{one} may not {needs}. Ask the dashboard’s administrator.")
    held = ROLES[viewer.role]
    everything = Scope(
        (),
        people_of(viewer),
        facts=frozenset(fact for fact, wanted in FACTS.items() if wanted in held),
        hides=HIDDEN_CLASSES.get(viewer.role, ()),
    )
    if (dimension := OWN_ROWS.get(viewer.role)) is not None:
        own = getattr(viewer, dimension)
        return replace(everything, rows=Scope.only(dimension, *([own] if own else [])).rows)
    return everything


def people_of(viewer: Viewer) -> People:
    """Whom `viewer` may tell apart: the agents of the own team by name, all by pseudonym, a distribution, or nobody."""
    if may(viewer, Permission.READ_PSEUDONYMS):
        return People(spread=True, teams=None, by_name=False)
    named = (viewer.team,) if viewer.team and may(viewer, Permission.READ_AGENTS) else ()
    return People(may(viewer, Permission.READ_AGENT_SPREAD), named)
