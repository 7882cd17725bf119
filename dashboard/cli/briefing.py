"""`brief`: what the dashboard says in words, as a letter for a mail program or a screen."""

from __future__ import annotations

from email.message import EmailMessage
from urllib.parse import urlsplit

import click

from callbacks.brief import brief_of
from dashboard.cli.roles import about_what, viewer_of
from dashboard.cli.telling import OPERATOR, opened, with_settings
from dashboard.domain.errors import BadRequest
from dashboard.services import acting_as
from layouts.brief import as_html, as_text
from layouts.views import collect_views


@click.command("brief")
@click.option("--role", default="deputy manager", show_default=True, metavar="ROLE", help="In whose eyes.")
@about_what
@click.option("--search", default="?period=last-7", show_default=True, metavar="QUERY",
              help="Period and filters, as the dashboard's address has them.")  # fmt: skip
@click.option("--url", "base", default="", metavar="ADDRESS", help="Where the dashboard lives, to link to it.")
@click.option("--format", "form", type=click.Choice(["text", "html", "mail"]), default="text", show_default=True)
@click.option("--to", "readers", multiple=True, metavar="ADDRESS", help="Whom a mail is to; may be given again.")
@with_settings
def brief_command(role, department, district, team, search, base, form, readers, settings) -> None:
    """Write what changed and how it stands, in the dashboard's own sentences, as ROLE may see it.

    A mail goes to the standard output, for a timer that sends it on. Links lead into the dashboard, where each reader
    signs in and sees what the own role may see.

    \b
    dashboard311 brief --role "department head" --department Sanitation
    dashboard311 brief --url https://311.example.gov --format mail --to manager@example.gov | sendmail -t
    """
    if base and not _is_address(base):
        raise BadRequest(f"--url wants an address like https://311.example.gov, not “{base}”.")
    if readers and form != "mail":
        raise BadRequest("--to is for --format mail.")
    search = search if search.startswith("?") else f"?{search}"
    services = opened(settings)
    viewer = viewer_of(services, role, {"department": department, "district": district, "team": team})
    with acting_as(viewer):
        brief = brief_of(search, services, collect_views(), base)
    services.state.record(OPERATOR, role, "brief", " ".join((brief.reader, search, *readers)))
    if form == "mail":
        click.echo(_mail(brief.subject, as_text(brief), as_html(brief), readers), nl=False)
    else:
        click.echo(as_html(brief) if form == "html" else as_text(brief), nl=False)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that hold no address
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _mail(subject: str, text: str, page: str, readers: tuple[str, ...]) -> str:
    """A message; whoever sends it adds from whom and when."""
    message = EmailMessage()
    message["Subject"] = subject
    if readers:
        try:
            message["To"] = ", ".join(readers)
        except ValueError as problem:
            raise BadRequest(f"--to: {problem}.") from None
        except (IndexError, AttributeError):  # which Python raises where an address breaks off, “name@”
            raise BadRequest(f"--to wants addresses like name@example.gov, not “{', '.join(readers)}”.") from None
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(page, subtype="html", cte="quoted-printable")
    return message.as_string()
