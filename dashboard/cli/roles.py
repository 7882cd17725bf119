"""The options that name a role, and what it is about, for the commands that ask and for those about accounts."""

from __future__ import annotations

from collections.abc import Callable

import click

from dashboard.cli.telling import known
from dashboard.domain.errors import BadRequest, UnknownName
from dashboard.domain.policy import OWN, ROLES, Scope, Viewer
from dashboard.services import Services
from data_access.dimensions import DIMENSIONS

ROLE = click.option("--role", required=True, metavar="ROLE", help=f"One of: {', '.join(ROLES)}.")


def about_what(command: Callable) -> Callable:
    """The options that say which department, district or team a role is about."""
    for name in reversed(OWN.values()):
        command = click.option(f"--{name}", metavar="NAME", help=f"The {name} the role is about.")(command)
    return command


def own_of(services: Services, role: str, given: dict[str, str | None]) -> str | None:
    """The one value that `role` is about, as the data spells it."""
    if role not in ROLES:
        raise UnknownName("role", role, ROLES)
    about = OWN.get(role)
    if other := next((name for name, value in given.items() if value and name != about), None):
        raise BadRequest(f"A {role} is not about one {other}; leave --{other} out.")
    if about is None:
        return None
    if not (value := given[about]):
        raise BadRequest(f"A {role} is about one {about}: say --{about} NAME.")
    if about == "team":
        teams = services.teams()
        return value if not teams or value in teams else known("team", value, dict.fromkeys(teams))
    return services.resolve(DIMENSIONS[about], value, Scope.everything())


def viewer_of(services: Services, role: str, given: dict[str, str | None]) -> Viewer:
    """In whose eyes a command looks: somebody with `role`, about what is given."""
    own = own_of(services, role, given)
    return Viewer(role, role, **{OWN[role]: own} if own else {})
