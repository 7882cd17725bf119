"""What every command has: its settings and services, and the ways it speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from dashboard.domain.errors import Problem, UnknownName
from dashboard.services import Services
from dashboard.settings import Settings

out = Console(highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
OPERATOR = "command line"
"""Who gave a role or a password, or forgot what is old, in the audit log."""


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


@contextmanager
def progress(doing: str) -> Iterator[Callable[[str, int], None]]:
    """Called with what is done and how many rows so far, it shows a person both: on the error stream, so that answers
    can be piped."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda doing, rows: bar.update(task, description=f"{doing} {rows:,}" if rows else doing)


def known(kind: str, name: str, catalogue: dict):
    """What `catalogue` holds under `name`; UnknownName, with what may be meant, if it holds none."""
    if name not in catalogue:
        raise UnknownName(kind, name, catalogue)
    return catalogue[name]
