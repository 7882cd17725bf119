"""`check`, `retain` and `serve`: what an installation is, forgets and shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

import click

from dashboard.cli.telling import OPERATOR, err, opened, out, with_settings
from dashboard.domain.errors import did_you_mean, nearest
from dashboard.domain.policy import OWN, Scope
from dashboard.groups import Group, read_groups
from dashboard.identity import may_serve
from dashboard.services import Services
from dashboard.settings import unknown_in
from data_access.dialects import database_address
from data_access.dimensions import DIMENSIONS
from data_access.engine import check_in_service
from data_access.public_extract import extract_file, read_extract
from data_access.state import State, state_file


@click.command("check")
@with_settings
def check_command(settings) -> None:
    """Say what is configured, which build is in service and how fresh it is. Ends with 1 if nothing is."""
    configured = {
        "data folder": settings.data,
        "database": _address(settings.database) if settings.database else "embedded DuckDB",
        "replica": _address(settings.replica) if settings.replica else "none: screens read the database",
        "accounts": _address(settings.state) if settings.state else state_file(settings),
        "sign-in": settings.sign_in,
        "cache": re.sub("//.*@", "//***@", settings.cache),  # a Redis may have a password
        "basemap": settings.basemap or "none: no foreign host",
    }
    for told in unknown_in():
        err.print(f"Note: {told}", markup=False)
    for name, told in configured.items():
        out.print(f"[bold]{name:<13}[/]", end="")
        out.print(told, markup=False)
    services = opened(settings)
    build, city = services.build(), services.city()
    made_up = " (made up)" if city.is_made_up else ""
    out.print(f"[bold]city[/]         {city.name}{made_up}, {city.tz}")
    out.print(f"[bold]build[/]        {build.build_id}, built {build.built_at:%Y-%m-%d %H:%M} UTC")
    as_of = services.local(build.as_of)
    out.print(f"[bold]data[/]         {build.data_from_on} to {build.data_to_on}, as of {as_of:%Y-%m-%d %H:%M}")
    out.print(
        f"[bold]rows[/]         {build.requests:,} requests, {build.contacts:,} contacts, "
        f"{build.refused:,} refused, {build.flagged:,} flagged"
    )
    for told in _about_nothing(services, read_groups(settings.groups)):
        err.print(f"Note: {told}", markup=False)


def _about_nothing(services: Services, groups: Iterable[Group]) -> Iterator[str]:
    """The groups whose members would see nothing, for what they are about is not in the data."""
    for one in groups:
        if one.own is None:
            continue
        about = OWN[one.role]
        known = services.teams() if about == "team" else services.values(DIMENSIONS[about], Scope.everything())
        if one.own not in known:
            whom = f"The group “{one.name}” is about the {about} “{one.own}”"
            hint = did_you_mean(nearest(one.own, known)[:1])
            yield f"{whom}, which the data does not name: its members see nothing.{hint}"


def _address(url: str) -> str:
    return database_address(url).render_as_string(hide_password=True)


@click.command("retain")
@click.option("--people-days", type=click.IntRange(30), default=1095, show_default=True,
              help="Callers, addresses, notes and shifts older than this are forgotten.")  # fmt: skip
@click.option("--log-days", type=click.IntRange(30), default=730, show_default=True, help="So is the audit log.")
@with_settings
def retain_command(people_days, log_days, settings) -> None:
    """Forget what tells of persons once it is old; numbers stay. For a timer, once a night."""
    from data_access.retention import retain

    found = retain(settings, people_days, log_days)
    State(settings).record(OPERATOR, "", "retention", json.dumps(found))
    out.print("Forgotten: " + ", ".join(f"{name} {n:,}" for name, n in found.items()))


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8311, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes that answer.")
@click.option(
    "--public", is_flag=True, help="Serve the public pages alone, from the published tables and nothing else."
)
@with_settings
def serve_command(host, port, workers, public, settings) -> None:
    """Serve the dashboard with gunicorn until stopped; a new build is noticed by itself."""
    from dashboard.serving import serve

    for told in unknown_in():
        err.print(f"Note: {told}", markup=False)
    if public:
        read_extract(extract_file(settings))
        out.print(f"The public pages on [bold]http://{host}:{port}{settings.path}/public[/] (stop with Ctrl-C)")
        serve(settings, host, port, workers, public=True)
        return
    who = may_serve(settings, host, check_in_service(settings))  # say so now, not on the first page
    out.print(who, markup=False)
    out.print(f"dashboard311 on [bold]http://{host}:{port}{settings.path}[/] (stop with Ctrl-C)")
    serve(settings, host, port, workers)
