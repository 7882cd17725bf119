"""`import`, `sync` and `refused`: rows that come in, and those that could not."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click
import pandas as pd

from dashboard.cli.publishing import publish
from dashboard.cli.telling import opened, out, progress, tell_problem, with_settings
from dashboard.domain.errors import BadRequest, Busy, NothingNew, Problem
from data_access.rows import refused_rows


@click.command("import")
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
    with progress("Importing") as tell:
        outcome = import_files(
            settings, mappings, files, boundaries, areas,
            replace=replace, dry=dry_run, max_refused=max_refused, anew=True, progress=tell,
        )  # fmt: skip
    report = outcome.report
    if report_to:
        report_to.write_text(json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + "\n", "utf-8")
    if refused_to:
        outcome.refused_rows().to_csv(refused_to, index=False, lineterminator="\n", sep=outcome.delimiter)
    if not (report.dry or report.nothing_new):
        publish(settings)
    out.print(report.as_text(), markup=False)
    if dry_run:
        click.echo("The first rows, times in UTC:")
        for name, values in outcome.sample.items():
            said = ("—" if pd.isna(one) else " ".join(str(one).split())[:30] for one in values)
            click.echo(f"{name:>18}  " + " | ".join(said))
    if report.dry and not dry_run:
        click.get_current_context().exit(1)


@click.command("sync")
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
        publish(settings)
    if failed:
        click.get_current_context().exit(1)


@click.command("refused")
@click.option("--format", "form", type=click.Choice(["table", "csv"]), default="table", show_default=True)
@with_settings
def refused_command(form, settings) -> None:
    """List the rows that imports refused: file, row, column, value, what was expected and why."""
    from data_access.importers.refusals import without_formulas

    rows = refused_rows(opened(settings).warehouse)
    if form == "csv":
        without_formulas(rows).to_csv(sys.stdout, index=False, lineterminator="\n")
        return
    if rows.empty:
        out.print("No row was refused.")
    for file, number, column, value, expected, reason in rows.fillna("").to_numpy(str).tolist():
        where = f"{file}, row {number}" + (f", {column}" if column else "")
        was = f" “{value}”" if value else ""
        wants = f" (expected: {expected})" if expected else ""
        out.print(f"{where}:{was} {reason}{wants}", markup=False)
