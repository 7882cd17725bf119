"""The one place where something that went wrong becomes words on the screen."""

from __future__ import annotations

import logging
import secrets
from typing import Any

import dash
from werkzeug.exceptions import Forbidden

from dashboard.domain.errors import NotPermitted, Problem
from layouts import html
from layouts.components import mark
from layouts.markup import markup
from layouts.page import TROUBLE

log = logging.getLogger("dashboard311")


def told(error: Exception, where: str) -> tuple[str, str]:
    """What to tell the reader, and the incident number under which the log has the rest.

    A `Problem` is told in its own words and needs no number.
    """
    if isinstance(error, Problem):
        return str(error), ""
    incident = secrets.token_hex(4)
    log.error("Incident %s at %s", incident, where, exc_info=error)
    return "Something went wrong here; it has been logged.", incident


def in_words(error: Exception, where: str) -> list[Any]:
    """■, what happened, and the reference for the log."""
    words, incident = told(error, where)
    reference = html.Span(f"Incident {incident}", className="sub") if incident else None
    return [mark("misses"), " ", words, reference]


def show_trouble(error: Exception) -> None:
    """Tell of an error that no panel could show; the page stays as it was.

    What is not permitted was not asked by our own page, and is refused outright.
    """
    if isinstance(error, NotPermitted):
        raise Forbidden(str(error))
    close = dash.html.Button(className="close", type="button", **{"aria-label": "Close"})
    words = dash.html.Div(**{"data-markup": markup(in_words(error, "a callback"))})
    dash.set_props(TROUBLE, {"children": [words, close]})
