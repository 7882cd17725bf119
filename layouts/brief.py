"""The brief: what the cards of several views say in words, as a letter to somebody who reads it before a meeting."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from layouts import html
from layouts.html import Element
from layouts.markup import markup
from layouts.view import Drawing, Panel, View

CARDS = {
    "overview": ("requests", "calls", "scorecard", "changes"),
    "backlog": ("bridge", "trend", "soon", "latest"),
    "promises": ("months", "departments"),
    "hotspots": ("map", "outbreaks"),
    "closed-is-not-fixed": ("outcomes", "reopened-types"),
    "calls": ("level", "abandonment", "surge", "status"),
    "demand": ("forecast", "forecast-contacts"),
    "staffing": ("short", "targets"),
    "cost": ("contact", "lines"),
    "service-quality": ("streams", "models"),
    "fair-service": ("table",),
}
"""The cards that speak in a brief, by view, if the reader may see them. None is about people: letters are passed on."""
WIDTH = 78
"""Letters in a line of the brief as text."""


@dataclass(frozen=True)
class Said:
    """What one card says: its question, its sentence, and what it names one by one, each with where it leads."""

    question: str
    sentence: Any
    points: tuple[tuple[Any, str], ...] = ()


@dataclass(frozen=True)
class Part:
    """What the cards of one view say; `href` shows them."""

    title: str
    href: str
    said: tuple[Said, ...]


@dataclass(frozen=True)
class Brief:
    """A brief.

    `base` is the address of the dashboard, before every ``href``; without it nothing is linked. `reaches` tells how far
    the data reaches, `reader` in whose eyes it was seen.
    """

    city: str
    period: str
    reaches: str
    reader: str
    parts: tuple[Part, ...]
    base: str = ""

    @property
    def subject(self) -> str:
        """“Riverton 311: 14–20 May 2026”."""
        return f"{self.city} 311: {self.period}"

    def at(self, href: str) -> str:
        """The whole address of a link; empty where the dashboard's own is not known."""
        return f"{self.base}{href}" if self.base else ""


def panels_of(view: View, shown: Iterable[Panel]) -> list[Panel]:
    """The cards of a view that speak in a brief, of those that are shown."""
    by_name = {panel.name: panel for panel in shown}
    return [by_name[name] for name in CARDS.get(view.name, ()) if name in by_name]


def said_by(panel: Panel, drawing: Drawing) -> Said:
    """What a card says, from its drawing."""
    return Said(panel.question, drawing.sentence, drawing.points)


def as_text(brief: Brief) -> str:
    """The brief as plain text."""
    lines = [brief.subject, f"{brief.reaches} · as seen by {brief.reader}"]
    for part in brief.parts:
        lines += ["", "", part.title.upper()]
        lines += [brief.at(part.href)] if brief.base else []
        for said in part.said:
            lines += ["", said.question, *_wrapped(words_of(said.sentence), "  ")]
            for content, href in said.points:
                lines += _wrapped(words_of(content), "  - ")
                lines += [f"    {brief.at(href)}"] if brief.base else []
    return "\n".join([*lines, "", "", *_wrapped(_FOOT, "")]) + "\n"


_FOOT = (
    "Each sentence is one of the dashboard’s own, with the same numbers. Counted as the data stood then; what was "
    "recorded later is not in it."
)
_STYLES = {
    "body": "margin:0;padding:24px;background:#f3f4f6;color:#1b1f24;font:15px/22px system-ui,sans-serif",
    "sheet": "max-width:640px;margin:0 auto;padding:8px 24px 20px;background:#fff;border:1px solid #d9dde3",
    "h1": "font-size:20px;line-height:28px;margin:16px 0 2px",
    "h2": "font-size:16px;line-height:24px;margin:26px 0 0;padding-top:14px;border-top:1px solid #d9dde3",
    "question": "margin:12px 0 0;font-size:13px;line-height:18px;color:#5b6470",
    "p": "margin:0",
    "li": "margin:4px 0",
    "a": "color:#0b4a9e",
}


def as_html(brief: Brief) -> str:
    """The brief as a page for mail programs: no script, no picture, nothing fetched from anywhere."""
    sheet: list[Any] = [
        html.H1(brief.subject, style=_STYLES["h1"]),
        html.P(f"{brief.reaches} · as seen by {brief.reader}", style=_STYLES["question"]),
    ]
    for part in brief.parts:
        sheet.append(html.H2(_linked(part.title, brief.at(part.href)), style=_STYLES["h2"]))
        for said in part.said:
            sheet.append(html.P(said.question, style=_STYLES["question"]))
            sheet.append(html.P(_plain(said.sentence), style=_STYLES["p"]))
            points = [
                html.Li([_plain(content), *_more(brief.at(href))], style=_STYLES["li"])
                for content, href in said.points
            ]  # fmt: skip
            sheet += [html.Ul(points)] if points else []
    sheet.append(html.P(_FOOT, style=_STYLES["question"]))
    body = markup(html.Div(sheet, style=_STYLES["sheet"]))
    head = f'<meta charset="utf-8"><title>{markup(brief.subject)}</title>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body style="{_STYLES["body"]}">{body}</body></html>\n'


def _linked(words: str, href: str) -> Any:
    return html.A(words, href=href, style=_STYLES["a"]) if href else words


def _more(href: str) -> list[Any]:
    return [" ", html.A("look", href=href, style=_STYLES["a"])] if href else []


def words_of(content: Any) -> str:
    """The words of a sentence, without what a reader of paper could press."""
    return re.sub("[ \n]+", " ", "".join(_words(_plain(content)))).strip()  # a number keeps its unit on the line


def _words(content: Any) -> Iterator[str]:
    if isinstance(content, list | tuple):
        for one in content:
            yield from _words(one)
    elif isinstance(content, Element):
        yield from _words(content.children)
    elif content is not None:
        yield str(content)


def _plain(content: Any) -> Any:
    """A sentence with bold numbers and nothing else: in a letter links to a page’s parts and choices lead nowhere."""
    if isinstance(content, list | tuple):
        return [_plain(one) for one in content]
    if not isinstance(content, Element):
        return content
    if content.props.get("role") == "group":
        return None
    return html.B(content.children) if isinstance(content, html.B) else _plain(content.children)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent), break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
