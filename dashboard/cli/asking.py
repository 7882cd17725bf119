"""`ask`: a question on the command line, answered as the screen would answer it."""

from __future__ import annotations

import csv
import io
import json
import sys
from contextlib import nullcontext
from datetime import date, datetime, time, timedelta

import click
import pandas as pd
from rich.console import Console
from rich.table import Table

from dashboard.cli.roles import about_what, viewer_of
from dashboard.cli.telling import err, known, opened, with_settings
from dashboard.domain.errors import BadRequest
from dashboard.domain.filters import DAY, SWITCHES, Filters, Period, civil_day
from dashboard.domain.policy import FACTS, Scope, Viewer
from dashboard.services import Services, acting_as
from data_access.compile import parts_of
from data_access.dimensions import DIMENSIONS
from data_access.measures import CATALOGUE
from data_access.semantics import EVERY, Answer, Measure, Query, Ratio, Spread


@click.command("ask")
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
    measures = tuple(known("measure", n, CATALOGUE) for n in names if not (by and n in DIMENSIONS))
    query = Query(measures, tuple(known("dimension", name, DIMENSIONS) for name in divisions), every)
    own = {"department": department, "district": district, "team": team}
    if not role and any(own.values()):
        raise BadRequest("--department, --district and --team say what a --role is about; rows are chosen by --where.")
    viewer = viewer_of(services, role, own) if role else None
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
        dimension = known("dimension", name.strip(), DIMENSIONS)
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
            told = {f"{measure.name}_{one}": measure.unit for one in ("p90", "ended_only")}
            units |= {**told, f"{measure.name}_n": "requests"}
    return units


_LONG = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_WORKING = tuple((size, f"working {unit}") for size, unit in _LONG[1:])
"""Opening hours are no parts of days."""


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
        case "money":
            return f"{value:,.2f}"
        case "h":
            return f"{value:,.1f} h"
        case "10,000 stops" | "1,000 months":
            return f"{value:,.3f} × {unit.split()[0]}"
        case "s" | "working s":
            sizes = _LONG if unit == "s" else _WORKING
            size, unit = next((size, unit) for size, unit in sizes if value >= size * 2 or size == 1)
            return f"{value / size:,.0f} {unit}" if size == 1 else f"{value / size:,.1f} {unit}"
    return f"{value:,.0f}"


def _instant(text: str) -> datetime:
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text) + DAY, time()) - timedelta(microseconds=1)
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"“{text}” is no moment; --as-of wants 2011-12-31 or 2011-12-31T17:00.") from None
