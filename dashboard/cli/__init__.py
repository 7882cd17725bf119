"""The command line: parse, call, print. Every command says what it did and ends with 0, or says why not."""

from __future__ import annotations

from pathlib import Path

import click

from dashboard.cli.accounts import user_group
from dashboard.cli.asking import ask_command
from dashboard.cli.briefing import brief_command
from dashboard.cli.catalogue import dimensions_command, measures_command, schema_command
from dashboard.cli.demo import demo_command
from dashboard.cli.importing import import_command, refused_command, sync_command
from dashboard.cli.operating import check_command, retain_command, serve_command
from dashboard.cli.publishing import publish_command
from dashboard.cli.telling import DATA, Told


@click.group(cls=Told, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="dashboard311")
@DATA
def main(data: Path | None) -> None:
    """The management dashboard for city 311 call centres."""


for command in (
    ask_command, brief_command, check_command, demo_command, dimensions_command, import_command, measures_command,
    publish_command, refused_command, retain_command, schema_command, serve_command, sync_command, user_group,
):  # fmt: skip
    main.add_command(command)
