"""`user`: who may sign in, and in which role."""

from __future__ import annotations

import json

import click

from dashboard.cli.roles import ROLE, about_what, own_of
from dashboard.cli.telling import OPERATOR, opened, out, with_settings
from dashboard.domain.errors import BadRequest
from dashboard.identity import Identity
from dashboard.services import Services
from dashboard.settings import Settings


@click.group("user")
def user_group() -> None:
    """Accounts: who may sign in, and in which role."""


@user_group.command("add")
@click.argument("name")
@ROLE
@about_what
@click.option("--called", help="The name shown on the page. Default: NAME.")
@click.option("--password-from", type=click.File(), help="Read the password from a file (- for the standard input).")
@with_settings
def user_add(name, role, department, district, team, called, password_from, settings) -> None:
    """Add an account NAME and ask for its password."""
    services, identity = accounts_of(settings)
    own = own_of(services, role, {"department": department, "district": district, "team": team})
    if not name.strip() or name != name.strip() or any(not letter.isprintable() for letter in name):
        raise BadRequest("A name to sign in with has letters and no space around them.")
    if password_from is not None:
        password = password_from.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    account_id = services.state.add_account(name, called or name, identity.hashed(password, name))
    services.state.give_role(account_id, role, own, OPERATOR)
    services.state.record(OPERATOR, "", "account: add", f"{name}: {role} {own or ''}".strip())
    out.print(f"{name} may sign in as {role}{f', {own}' if own else ''}.", markup=False)


@user_group.command("role")
@click.argument("name")
@ROLE
@about_what
@with_settings
def user_role(name, role, department, district, team, settings) -> None:
    """Give account NAME another role. Its sessions end."""
    services, _ = accounts_of(settings)
    own = own_of(services, role, {"department": department, "district": district, "team": team})
    services.state.give_role(services.state.account(name)["account_id"], role, own, OPERATOR)
    services.state.record(OPERATOR, "", "account: role", f"{name}: {role} {own or ''}".strip())
    out.print(f"{name} is {role}{f', {own}' if own else ''} from the next sign-in on.", markup=False)


@user_group.command("password")
@click.argument("name")
@with_settings
def user_password(name, settings) -> None:
    """Reset the password of account NAME: prints one that is good for one sign-in. Its sessions end."""
    services, identity = accounts_of(settings)
    password = identity.reset_password(name)
    services.state.record(OPERATOR, "", "account: reset", name)
    click.echo(password)


@user_group.command("disable")
@click.argument("name")
@click.option("--again", is_flag=True, help="Let NAME sign in again.")
@with_settings
def user_disable(name, again, settings) -> None:
    """Let account NAME sign in no longer. Its sessions end."""
    services, _ = accounts_of(settings)
    services.state.set_disabled(services.state.account(name)["account_id"], not again)
    services.state.record(OPERATOR, "", "account: enable" if again else "account: disable", name)
    out.print(f"{name} can sign in again." if again else f"{name} can no longer sign in.", markup=False)


@user_group.command("list")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@with_settings
def user_list(form, settings) -> None:
    """List the accounts with their roles."""
    services, _ = accounts_of(settings)
    fields = ("name", "shown_name", "role", "own", "source", "is_disabled")
    rows = [{field: one[field] for field in fields} for one in services.state.accounts()]
    if form == "json":
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    if not rows:
        out.print("No account yet: dashboard311 user add NAME --role ROLE")
    for row in rows:
        about = f", {row['own']}" if row["own"] else ""
        state = " (disabled)" if row["is_disabled"] else ""
        out.print(f"{row['name']}: {row['role'] or 'no role'}{about}{state}", markup=False)


def accounts_of(settings: Settings) -> tuple[Services, Identity]:
    """What the commands about accounts work with."""
    services = opened(settings)
    return services, Identity(settings, services.state, services.demo_viewers)
