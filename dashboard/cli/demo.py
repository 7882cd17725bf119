"""`demo`: the made-up city, and its stories."""

from __future__ import annotations

from time import monotonic

import click

from dashboard.cli.publishing import publish
from dashboard.cli.telling import out, progress, with_settings
from dashboard.domain.filters import DAY
from data_access.public_extract import extract_file


@click.command("demo")
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
            publish(settings)
        out.print(f"Riverton is in service already (build {there.build_id}); --again makes it anew.")
        return
    with progress("Making Riverton") as tell:
        made = make_demo_city(settings, seed=seed, millions=millions, replace=replace, progress=tell)
    publish(settings)
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
