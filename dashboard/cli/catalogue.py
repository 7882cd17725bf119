"""`measures`, `dimensions` and `schema`: what can be asked, and of which tables."""

from __future__ import annotations

import json

import click

from dashboard.cli.telling import known, opened, out, with_settings
from dashboard.domain.policy import Scope
from data_access import schema
from data_access.dimensions import DIMENSIONS
from data_access.measures import CATALOGUE

_FORMS = click.Choice(["table", "json", "markdown"])


@click.command("measures")
@click.argument("name", required=False)
@click.option("--format", "form", type=_FORMS, default="table", show_default=True)
def measures_command(name, form) -> None:
    """List what can be asked, with definitions; or one of them, NAME, in full."""
    chosen = [known("measure", name, CATALOGUE)] if name else list(CATALOGUE.values())
    fields = ("name", "label", "unit", "better", "about", "formula", "source")
    if form == "json":
        click.echo(json.dumps([{field: getattr(m, field) for field in fields} for m in chosen], indent=1))
        return
    if form == "markdown":
        click.echo(measures_in_markdown(), nl=False)
        return
    for measure in chosen:
        out.print(f"[bold]{measure.name}[/]  {measure.label} ({measure.unit})")
        out.print(f"    {measure.about}")
        if name:
            out.print(f"    = {measure.formula}\n    Source: {measure.source}")


def measures_in_markdown() -> str:
    """The catalogue as a page: `docs/measures.md`."""
    lines = [
        "# Measures",
        "",
        "Written by `dashboard311 measures --format markdown`; the words are the declarations'.",
        "",
    ]
    for measure in CATALOGUE.values():
        lines += [
            f"## {measure.name}", "", f"**{measure.label}** ({measure.unit})", "", measure.about, "",
            f"= {measure.formula}", "", f"Source: {measure.source}.", "",
        ]  # fmt: skip
    return "\n".join(lines)


@click.command("schema")
def schema_command() -> None:
    """Print the tables and columns a CRM database must offer, as markdown."""
    click.echo(schema_in_markdown(), nl=False)


def schema_in_markdown() -> str:
    """The schema as a page: `docs/schema.md`."""
    lines = [
        "# The CRM schema",
        "",
        "Written by `dashboard311 schema`. A city may point the dashboard at a PostgreSQL database whose tables or",
        "views bear these names. Tables it does not have may be left out, except `request` and `request_episode`, and",
        "`contact` for calls. `_at` is an instant in UTC without a zone, `_on` a civil day in the city's zone, `_s`",
        "seconds. Columns marked *derived* are computed by a build; views over your own tables must compute them.",
        "Columns marked *private* are never shown outside the city's own staff.",
        "",
    ]
    for table in schema.metadata.tables.values():
        lines += [f"## {table.name}", "", "| column | type | |", "|---|---|---|"]
        for column in table.columns:
            marks = [mark for mark in ("derived", "private") if column.info.get(mark)]
            marks += ["key"] if column.primary_key else []
            lines.append(f"| {column.name} | {column.type} | {', '.join(marks)} |")
        lines.append("")
    return "\n".join(lines)


@click.command("dimensions")
@click.argument("name", required=False)
@with_settings
def dimensions_command(name, settings) -> None:
    """List the ways to divide an answer; or the values of one of them, NAME."""
    if not name:
        for dimension in DIMENSIONS.values():
            out.print(f"[bold]{dimension.name}[/]  {dimension.label}: {dimension.about}")
        return
    for value in opened(settings).values(known("dimension", name, DIMENSIONS), Scope.everything()):
        click.echo(value)
