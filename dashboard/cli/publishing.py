"""`publish`: the tables that everybody may read."""

from __future__ import annotations

import click

from dashboard.cli.telling import err, out, with_settings
from dashboard.domain.errors import DataUnavailable
from dashboard.settings import Settings
from data_access.public_extract import extract_file, read_extract, write_extract


@click.command("publish")
@with_settings
def publish_command(settings) -> None:
    """Write the tables that everybody may read (/public); import and demo do so by themselves."""
    published = read_extract(write_extract(settings))
    hidden = sum(n is None for name in ("by_type", "months") for row in published[name]["cells"] for n in row)
    out.print(
        f"Published to the end of {published['to']} (exclusive); {hidden} counts hidden: {extract_file(settings)}"
    )


def publish(settings: Settings) -> None:
    """Publish after a build; a city that cannot be published is in service all the same."""
    try:
        write_extract(settings)
    except DataUnavailable as problem:
        err.print(f"Note: {problem}", markup=False)
