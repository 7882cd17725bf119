"""The command line: parse, call, print. Every command says what it did and ends with 0, or says why not."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import wraps
from pathlib import Path
from time import monotonic

import click
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from dashboard.domain.errors import BadRequest, Busy, DataUnavailable, NothingNew, Problem, UnknownName
from dashboard.domain.filters import DAY, SWITCHES, Filters, Period, civil_day
from dashboard.domain.policy import FACTS, OWN, ROLES, Scope, Viewer
from dashboard.identity import Identity, may_serve
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access import schema
from data_access.compile import parts_of
from data_access.dialects import database_address
from data_access.dimensions import DIMENSIONS
from data_access.engine import check_in_service
from data_access.measures import CATALOGUE
from data_access.public_extract import extract_file, read_extract, write_extract
from data_access.rows import refused_rows
from data_access.semantics import EVERY, Answer, Measure, Query, Ratio, Spread
from data_access.state import State

out = Console(highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


class Told(click.Group):
    """A group whose commands tell problems in a sentence and end with 1, without a trace."""

    def invoke(self, ctx: click.Context):
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Problem as problem:
            said = str(problem)
        except BrokenPipeError:
            raise  # who reads has seen enough (“| head”): click ends without a word
        except OSError as problem:
            said = f"{problem.filename or 'The system'}: {problem.strerror or problem}."
        tell_problem(said)
        ctx.exit(1)


def tell_problem(said: str) -> None:
    """Say what is wrong. What people typed stands in it: it is text, never markup."""
    err.print("■ ", style="bold red", end="")
    err.print(said, markup=False, emoji=False)


DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that holds builds and state (or set DASHBOARD311_DATA).",
)


def with_settings(command: Callable) -> Callable:
    """Give a command its `Settings` and the option --data."""

    @DATA
    @wraps(command)
    def run(*args, data: Path | None, **options):
        settings = Settings.from_environment()
        data = data or click.get_current_context().find_root().params.get("data")
        return command(*args, settings=replace(settings, data=data) if data else settings, **options)

    return run


def opened(settings: Settings) -> Services:
    """Services for the command that runs, closed when it ends."""
    services = Services(settings)
    click.get_current_context().call_on_close(services.warehouse.close)
    return services


@click.group(cls=Told, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="dashboard311")
@DATA
def main(data: Path | None) -> None:
    """The management dashboard for city 311 call centres."""


def about_what(command: Callable) -> Callable:
    """The options that say which department, district or team a role is about."""
    for name in reversed(OWN.values()):
        command = click.option(f"--{name}", metavar="NAME", help=f"The {name} the role is about.")(command)
    return command


# ── ask ─────────────────────────────────────────────────────────────────────────────────────────────


@main.command("ask")
@click.argument("words", nargs=-1, required=True, metavar="MEASURE...")
@click.option("--by", multiple=True, metavar="DIM...", help="Divide by a dimension; may be given more than once.")
@click.option("--every", type=click.Choice(EVERY), help="One row per step of time.")
@click.option("--from", "begin", metavar="D", help="First civil day, like 2011-08-01. Default: where the data begins.")
@click.option("--to", "end", metavar="D", help="The first day no longer meant (exclusive). Default: where it ends.")
@click.option("--where", multiple=True, metavar="DIM=VALUE...", help="Only these rows; two values of one DIM add up.")
@click.option("--counting", type=click.Choice(list(SWITCHES["counting"])), help="Every report, or each incident once.")
@click.option("--event-days", type=click.Choice(list(SWITCHES["event_days"])), help="Count the days of city events?")
@click.option("--service-level", type=click.Choice(list(SWITCHES["service_level"])), help="What hang-ups do to it.")
@click.option(
    "--as-of", metavar="T", help="Answer as it was known then: local time, or a date for the end of that day."
)
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option("--role", metavar="ROLE", help="Answer as somebody in ROLE would be answered, who may see less.")
@about_what
@with_settings
def ask_command(
    words, by, every, begin, end, where, counting, event_days, service_level, as_of, form, role, department, district,
    team, settings,
) -> None:  # fmt: skip
    """Answer MEASURE... by the same path as the screen.

    Dates are local civil days and --to is exclusive. CSV and JSON columns bear the names of measures and dimensions;
    durations are in seconds and shares from 0 to 1. A ratio brings the two totals it is made of.

    \b
    dashboard311 ask opened closed backlog --every month
    dashboard311 ask sla_compliance --by department --from 2011-08-01 --to 2011-09-01
    dashboard311 ask opened --by channel --where "service_type=Rodent Activity" --format csv
    """
    services = opened(settings)
    # "--by A B" and "--where A=x B=y" leave B among the measures: take each word for what it is.
    wheres = [*where, *(word for word in words if "=" in word)]
    names = [word for word in words if "=" not in word]
    divisions = [name for given in by for name in given.split(",")] + [n for n in names if by and n in DIMENSIONS]
    divisions = list(dict.fromkeys(divisions))
    measures = tuple(_known("measure", n, CATALOGUE) for n in names if not (by and n in DIMENSIONS))
    query = Query(measures, tuple(_known("dimension", name, DIMENSIONS) for name in divisions), every)
    own = {"department": department, "district": district, "team": team}
    if not role and any(own.values()):
        raise BadRequest("--department, --district and --team say what a --role is about; rows are chosen by --where.")
    viewer = Viewer(role, role, **{OWN[role]: about} if (about := _own(services, role, own)) else {}) if role else None
    clock = services.clock()
    period = Period(
        clock.first_on if begin is None else civil_day(begin, "--from"),
        clock.end_on if end is None else civil_day(end, "--to"),
    )
    filters = Filters(period)
    for condition in wheres:
        name, given, value = condition.partition("=")
        if not given:
            raise BadRequest(f"“{condition}” is no condition; write --where DIM=VALUE.")
        dimension = _known("dimension", name.strip(), DIMENSIONS)
        with acting_as(viewer) if viewer else nullcontext():
            value = services.resolve(dimension, value.strip(), None if viewer else Scope.everything())
        filters = filters.choose(dimension.name, {*filters.chosen(dimension.name), value})
    switches = {"counting": counting, "event_days": event_days, "service_level": service_level}
    for switch, setting in switches.items():
        filters = filters.switch(switch, setting) if setting else filters
    filters = filters.leaving_out(services.event_days())
    moment = services.stored(_instant(as_of)) if as_of else None
    answer = services.ask(query, filters, _scope_in(viewer, services, query), moment)
    _print_answer(answer, form)
    for note in answer.notes:
        err.print(f"Note: {note}", markup=False)


def _scope_in(viewer: Viewer | None, services: Services, query: Query) -> Scope:
    """The operator's scope; or that of a viewer who asks `query`, NotPermitted if it is not for such eyes."""
    if viewer is None:
        return Scope.everything()
    with acting_as(viewer):
        needs = {FACTS[measure.fact.name] for measure in parts_of(query.measures)}  # type: ignore[attr-defined]
        return [services.scope(one) for one in sorted(needs)][0]


def _print_answer(answer: Answer, form: str) -> None:
    frame = answer.frame.copy()
    if answer.every:
        frame[answer.every] = frame[answer.every].dt.strftime("%Y-%m-%d")
    if form == "json":
        records = json.loads(frame.to_json(orient="records", double_precision=15))
        click.echo(json.dumps(records, ensure_ascii=False, indent=1))
    elif form == "csv":
        frame.to_csv(sys.stdout, index=False, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
    else:
        units = _units(answer.query.measures)
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in frame.columns:
            table.add_column(column, justify="right" if column in units else "left", no_wrap=True)
        for row in frame.itertuples(index=False):
            table.add_row(*(_shown(value, units.get(name)) for name, value in zip(frame.columns, row, strict=True)))
        Console(file=sys.stdout, highlight=False, width=max(120, _width(table))).print(table)


def _width(table: Table) -> int:
    return Console(file=io.StringIO(), width=100_000).measure(table).maximum


def _units(measures: tuple[Measure, ...]) -> dict[str, str]:
    units: dict[str, str] = {}
    for measure in measures:
        units[measure.name] = measure.unit
        if isinstance(measure, Ratio):
            units |= {part.name: part.unit for part in (measure.over, measure.under)}
        if isinstance(measure, Spread):
            units |= {f"{measure.name}_p90": "s", f"{measure.name}_ended_only": "s", f"{measure.name}_n": "requests"}
    return units


_LONG = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def _shown(value, unit: str | None) -> str:
    if pd.isna(value):
        return "—"
    match unit:
        case None:
            return str(value)
        case "share":
            return f"{100 * value:.2f} %"
        case "ratio":
            return f"{value:.2f}"
        case "s":
            size, unit = next((size, unit) for size, unit in _LONG if value >= size * 2 or size == 1)
            return f"{value / size:,.0f} s" if size == 1 else f"{value / size:,.1f} {unit}"
    return f"{value:,.0f}"


def _known(kind: str, name: str, catalogue: dict):
    if name not in catalogue:
        raise UnknownName(kind, name, catalogue)
    return catalogue[name]


def _instant(text: str) -> datetime:
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text) + DAY, time()) - timedelta(microseconds=1)
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"“{text}” is no moment; --as-of wants 2011-12-31 or 2011-12-31T17:00.") from None


# ── what can be asked ───────────────────────────────────────────────────────────────────────────────


_FORMS = click.Choice(["table", "json", "markdown"])


@main.command("measures")
@click.argument("name", required=False)
@click.option("--format", "form", type=_FORMS, default="table", show_default=True)
def measures_command(name, form) -> None:
    """List what can be asked, with definitions; or one of them, NAME, in full."""
    chosen = [_known("measure", name, CATALOGUE)] if name else list(CATALOGUE.values())
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


@main.command("schema")
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


@main.command("dimensions")
@click.argument("name", required=False)
@with_settings
def dimensions_command(name, settings) -> None:
    """List the ways to divide an answer; or the values of one of them, NAME."""
    if not name:
        for dimension in DIMENSIONS.values():
            out.print(f"[bold]{dimension.name}[/]  {dimension.label}: {dimension.about}")
        return
    for value in opened(settings).values(_known("dimension", name, DIMENSIONS), Scope.everything()):
        click.echo(value)


# ── data ────────────────────────────────────────────────────────────────────────────────────────────


def progress_bar() -> Progress:
    """A bar for a person, on the error stream so that answers can be piped."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=err, transient=True,
        disable=not err.is_terminal,
    )  # fmt: skip


@main.command("import")
@click.argument("source", required=False)
@click.argument("files", nargs=-1)
@click.option(
    "--boundaries",
    type=click.Path(path_type=Path),
    multiple=True,
    help="The city's districts: GeoJSON, Shapefile, GeoPackage. Several if the city was divided anew.",
)
@click.option(
    "--areas",
    type=click.Path(path_type=Path),
    multiple=True,
    help="The parts of a second division of the city, such as neighbourhoods beside council districts.",
)
@click.option("--replace", is_flag=True, help="Let this city take the place of a different one in service.")
@click.option("--dry-run", is_flag=True, help="Report, show ten mapped rows, and write nothing.")
@click.option("--report", "report_to", type=click.Path(path_type=Path), help="Write the report as JSON to this file.")
@click.option("--refused", "refused_to", type=click.Path(path_type=Path),
              help="Write the refused rows to this file, to be corrected and imported again.")  # fmt: skip
@click.option("--max-refused", metavar="N", help="If more rows are refused (10, or 1%), change nothing and end with 1.")
@click.option("--sketch", type=click.Path(path_type=Path), help="Print a first mapping for this file, as TOML.")
@click.option(
    "--encoding", default="", help="What the file to sketch is written in, such as cp1250, if that is not seen."
)
@with_settings
def import_command(
    source, files, boundaries, areas, replace, dry_run, report_to, refused_to, max_refused, sketch, encoding, settings
) -> None:
    """Import FILES (paths, or patterns like '311_*.csv.gz') by the mapping SOURCE, and put them in service.

    The address of a database or an endpoint may stand in the place of a file, or none where the mapping has one: all of
    it is read, while “sync” asks for what is new.

    SOURCE is one of the cities that come with a mapping, or a TOML file of your own (docs/importing.md). Rows that
    cannot be read are kept and counted with the reason; nothing is lost. If the import fails, the data in service
    stays as it was. Importing the same file again changes nothing.

    \b
    dashboard311 import boston boston_311.csv.gz --boundaries neighborhoods.geojson.gz
    dashboard311 import --sketch export.csv > city.toml
    dashboard311 import city.toml export.csv --dry-run
    """
    from data_access.importers.load import import_files
    from data_access.importers.mapping import mappings_named, shipped_names
    from data_access.importers.sketch import sketch_of

    if sketch:
        click.echo(sketch_of(sketch, encoding), nl=False)
        return
    mappings = mappings_named(source) if source else ()
    files = files or tuple(one.file.address for one in mappings[:1] if one.file.address)
    if not files:
        raise BadRequest(
            f"Say what to import and how: dashboard311 import SOURCE FILE. Sources: {', '.join(shipped_names())}, or a "
            "TOML file, which --sketch FILE drafts."
        )
    for to in (report_to, refused_to):
        if to and not (to.parent.is_dir() and os.access(to.parent, os.W_OK) and not to.is_dir()):
            raise BadRequest(f"{to}: nothing can be written there; nothing was imported.")
    with progress_bar() as bar:
        task = bar.add_task("Importing", total=None)
        outcome = import_files(
            settings, mappings, files, boundaries, areas,
            replace=replace, dry=dry_run, max_refused=max_refused, anew=True,
            progress=lambda doing, rows: bar.update(task, description=f"{doing} {rows:,}" if rows else doing),
        )  # fmt: skip
    report = outcome.report
    if report_to:
        report_to.write_text(json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + "\n", "utf-8")
    if refused_to:
        outcome.refused_rows().to_csv(refused_to, index=False, lineterminator="\n", sep=outcome.delimiter)
    if not report.dry:
        _publish(settings)
    out.print(report.as_text(), markup=False)
    if dry_run:
        click.echo("The first rows, times in UTC:")
        for name, values in outcome.sample.items():
            said = ("—" if pd.isna(one) else " ".join(str(one).split())[:30] for one in values)
            click.echo(f"{name:>18}  " + " | ".join(said))
    if report.dry and not dry_run:
        click.get_current_context().exit(1)


@main.command("sync")
@click.argument("mappings", nargs=-1, required=True, metavar="MAPPING...")
@with_settings
def sync_command(mappings, settings) -> None:
    """Ask the sources that MAPPING... name as their address for what is new, one after the other; for cron.

    A run that finds another one at work leaves it to that. Where one source cannot be read the others are; it ends
    with 1.
    """
    from data_access.importers.load import import_files
    from data_access.importers.mapping import mappings_named

    sources = [mappings_named(word) for word in mappings]
    for word, known in zip(mappings, sources, strict=True):
        if not known[0].file.address:
            raise BadRequest(f"{word} names no source to ask: address = “…” in [file].")
    brought = failed = False
    for known in sources:
        try:
            report = import_files(settings, known, known[0].file.address).report
            out.print(report.as_text(), markup=False)
            brought, failed = brought or not report.dry, failed or report.dry
        except (Busy, NothingNew) as problem:
            out.print(str(problem), markup=False)
        except Problem as problem:
            tell_problem(str(problem))
            failed = True
    if brought:
        _publish(settings)
    if failed:
        click.get_current_context().exit(1)


@main.command("refused")
@click.option("--format", "form", type=click.Choice(["table", "csv"]), default="table", show_default=True)
@with_settings
def refused_command(form, settings) -> None:
    """List the rows that imports refused: file, row, column, value, what was expected and why."""
    rows = refused_rows(opened(settings).warehouse)
    if form == "csv":
        rows.to_csv(sys.stdout, index=False, lineterminator="\n")
        return
    if rows.empty:
        out.print("No row was refused.")
    for file, number, column, value, expected, reason in rows.fillna("").to_numpy(str).tolist():
        where = f"{file}, row {number}" + (f", {column}" if column else "")
        was = f" “{value}”" if value else ""
        wants = f" (expected: {expected})" if expected else ""
        out.print(f"{where}:{was} {reason}{wants}", markup=False)


@main.command("demo")
@click.option("--seed", type=int, default=311, show_default=True, help="Another seed, another city.")
@click.option(
    "--scale", "millions", is_flag=False, flag_value=10.0, type=float, metavar="MILLIONS",
    help="A bigger city with ten years behind it, for benchmarks: so many million requests, thrice the contacts; "
         "10 if no number follows.",
)  # fmt: skip
@click.option("--stories", is_flag=True, help="Only print what happens in Riverton, as markdown.")
@click.option("--again", is_flag=True, help="Make it anew even if it is in service already.")
@click.option("--replace", is_flag=True, help="Let the demo city take the place of a real one in service.")
@with_settings
def demo_command(seed, millions, stories, again, replace, settings) -> None:
    """Make the demo city Riverton and put it in service: three made-up years, the same every time."""
    from data_access.demo.making import demo_in_service, make_demo_city

    if stories:
        click.echo(stories_in_markdown(), nl=False)
        return
    begun = monotonic()
    there = demo_in_service(settings)
    if there and not (again or millions):
        if not extract_file(settings).is_file():
            _publish(settings)
        out.print(f"Riverton is in service already (build {there.build_id}); --again makes it anew.")
        return
    with progress_bar() as bar:
        task = bar.add_task("Making Riverton", total=None)
        made = make_demo_city(
            settings, seed=seed, millions=millions, replace=replace,
            progress=lambda doing, rows: bar.update(task, description=f"{doing} {rows:,}" if rows else doing),
        )  # fmt: skip
    _publish(settings)
    out.print(
        f"Riverton is in service: {made.rows['request']:,} requests and {made.rows['contact']:,} contacts, "
        f"{made.data_from_on} to {made.data_to_on}, in {monotonic() - begun:.0f} s."
    )


def stories_in_markdown() -> str:
    """What happens in the demo city as a page: `docs/demo-city.md`."""
    from data_access.demo_city import STORIES

    lines = [
        "# Riverton, the demo city",
        "",
        "Written by `dashboard311 demo --stories`. Riverton is made up: three years to Wednesday 20 May 2026, 23:48,",
        "the same every time. These stories are hidden in its numbers; the views must show them.",
        "",
    ]
    for story in STORIES:
        until = f" to {story.until - DAY}" if story.until else " on"
        lines += [
            f"## {story.name}", "", f"*{story.since}{until}, {story.where}.* {story.what}", "",
            f"Look at: {story.where_to_see}. To tell that it is there: {story.check}.", "",
            "From Overview:", "", *(f"{n}. {click}" for n, click in enumerate(story.clicks, start=1)), "",
        ]  # fmt: skip
    return "\n".join(lines)


@main.command("check")
@with_settings
def check_command(settings) -> None:
    """Say what is configured, which build is in service and how fresh it is. Ends with 1 if nothing is."""
    store = _address(settings) if settings.database else "embedded DuckDB"
    out.print(f"[bold]data folder[/]  {settings.data}\n[bold]database[/]     {store}")
    out.print(
        f"[bold]cache[/]        {settings.cache}\n[bold]basemap[/]      {settings.basemap or 'none: no foreign host'}"
    )
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


def _address(settings: Settings) -> str:
    return database_address(settings.database).render_as_string(hide_password=True)


@main.command("publish")
@with_settings
def publish_command(settings) -> None:
    """Write the tables that everybody may read (/public); import and demo do so by themselves."""
    published = read_extract(write_extract(settings))
    hidden = sum(n is None for name in ("by_type", "months") for row in published[name]["cells"] for n in row)
    out.print(
        f"Published to the end of {published['to']} (exclusive); {hidden} counts hidden: {extract_file(settings)}"
    )


def _publish(settings: Settings) -> None:
    """Publish after a build; a city that cannot be published is in service all the same."""
    try:
        write_extract(settings)
    except DataUnavailable as problem:
        err.print(f"Note: {problem}", markup=False)


@main.command("retain")
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


@main.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=int, default=8311, show_default=True)
@click.option("--workers", type=int, default=2, show_default=True, help="Processes that answer.")
@click.option(
    "--public", is_flag=True, help="Serve the public pages alone, from the published tables and nothing else."
)
@with_settings
def serve_command(host, port, workers, public, settings) -> None:
    """Serve the dashboard with gunicorn until stopped; a new build is noticed by itself."""
    from dashboard.serving import serve

    if public:
        read_extract(extract_file(settings))
        out.print(f"The public pages on [bold]http://{host}:{port}/public[/] (stop with Ctrl-C)")
        serve(settings, host, port, workers, public=True)
        return
    who = may_serve(settings, host, check_in_service(settings))  # say so now, not on the first page
    out.print(who, markup=False)
    out.print(f"dashboard311 on [bold]http://{host}:{port}[/] (stop with Ctrl-C)")
    serve(settings, host, port, workers)


# ── accounts ────────────────────────────────────────────────────────────────────────────────────────

ROLE = click.option("--role", required=True, metavar="ROLE", help=f"One of: {', '.join(ROLES)}.")
OPERATOR = "command line"
"""Who gave a role or a password, in the audit log."""


@main.group("user")
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
    own = _own(services, role, {"department": department, "district": district, "team": team})
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
    own = _own(services, role, {"department": department, "district": district, "team": team})
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


def _own(services: Services, role: str, given: dict[str, str | None]) -> str | None:
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
        return value if not teams or value in teams else _known("team", value, dict.fromkeys(teams))
    return services.resolve(DIMENSIONS[about], value, Scope.everything())
