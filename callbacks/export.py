"""Taking an answer away: as a table on the screen, and as CSV at an address of its own."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from dash import MATCH, Dash, Input, Output, State, html
from dash.exceptions import PreventUpdate
from flask import Response, request

from callbacks.address import filters_in
from callbacks.errors import in_words, told
from callbacks.panels import Answered, answers_to
from dashboard.domain.errors import BadRequest, NotPermitted, Problem, UnknownName
from dashboard.services import Services
from data_access.listing import COLUMNS, Rows
from data_access.semantics import Answer
from layouts import view as parts
from layouts.components import Column, number, table
from layouts.page import URL
from layouts.view import Compared, Lately, Over, Panel, View

SHOWN_ROWS = 500
EXTRAS = {"_p90": ", nine in ten within", "_n": ", n", "_ended_only": ", those that ended only"}
STEPS = {"day": "Day", "week": "Week of", "month": "Month of", "quarter": "Quarter from", "year": "Year from"}


def register(app: Dash, services: Services, views: Sequence[View]) -> None:
    """“Show as table” in the panel's menu, and ``/export/<view>/<panel>.csv``."""
    panels = {(view.name, panel.name): panel for view in views for panel in view.panels}

    @app.callback(
        Output(parts.table_id(MATCH, MATCH), "children"),
        Input(parts.table_button_id(MATCH, MATCH), "n_clicks"),
        State(parts.table_button_id(MATCH, MATCH), "id"),
        State(URL, "search"),
        prevent_initial_call=True,
    )
    def show_as_table(clicks, place, search):
        if not clicks:
            raise PreventUpdate
        panel = panels[place["view"], place["panel"]]
        try:
            filters = filters_in(search, services)
            answers = answers_to(panel, filters, services)
        except Exception as error:  # told where the table would have been
            return html.P(in_words(error, f"table of {panel.name}"))
        return [_table(panel, answer, title, services) for title, answer in _titled(panel, answers)]

    @app.server.get("/export/<view>/<panel>.csv")
    def download_csv(view: str, panel: str) -> Response:
        try:
            found = panels.get((view, panel))
            if found is None:
                raise UnknownName("panel", f"{view}/{panel}", ["/".join(key) for key in panels])
            filters = filters_in(request.query_string.decode(), services)
            text = _csv(found, answers_to(found, filters, services), services)
        except Exception as error:
            words, incident = told(error, f"export of {view}/{panel}")
            code = 403 if isinstance(error, NotPermitted) else 400 if isinstance(error, BadRequest) else 503
            code = code if isinstance(error, Problem) else 500
            return Response(f"{words} {incident}".strip() + "\n", code, mimetype="text/plain")
        # Spreadsheets take a file for their own code page unless it begins with a byte order mark.
        return Response(
            "\ufeff" + text,
            mimetype="text/csv",
            headers={
                "Content-Disposition": f'attachment; filename="{view}-{panel}.csv"',
                "Cache-Control": "no-store",
            },
        )


STRETCHES = {Compared: "Comparison period", Over: "Another stretch of time", Lately: "What went before"}


def _titled(panel: Panel, answers: Answered) -> list[tuple[str, Answer | Rows]]:
    """Each answer there is, said to be of the comparison period where it is."""
    return [
        (STRETCHES.get(type(item), ""), answer)
        for item, answer in zip(panel.queries, answers, strict=True)
        if answer is not None
    ]


def _label(column: str, services: Services) -> str:
    if column in services.dimensions:
        return services.dimensions[column].label
    if column in COLUMNS:
        return COLUMNS[column].label
    if column in services.measures:
        return services.measures[column].label
    if column in STEPS:
        return STEPS[column]
    for suffix, words in EXTRAS.items():
        if column.endswith(suffix) and column.removesuffix(suffix) in services.measures:
            return services.measures[column.removesuffix(suffix)].label + words
    return column.replace("_", " ")


def _unit(column: str, services: Services) -> str | None:
    """The unit of a measure's column; None for a column of names or days."""
    if column in services.measures:
        return services.measures[column].unit
    for suffix in EXTRAS:
        base = column.removesuffix(suffix)
        if column.endswith(suffix) and base in services.measures:
            return "count" if suffix == "_n" else services.measures[base].unit
    return None


def _shown(value: Any, column: str, services: Services) -> Any:
    unit = _unit(column, services)
    if unit is not None:
        return number(None if value is None else float(value), unit)
    return value.date().isoformat() if hasattr(value, "date") else str(value)


def _table(panel: Panel, answer: Answer | Rows, title: str, services: Services) -> html.Div:
    frame = answer.frame
    names = [str(name) for name in frame.columns]
    columns = [Column(_label(name, services), is_number=_unit(name, services) is not None) for name in names]
    rows = [
        [_shown(value, name, services) for name, value in zip(names, row, strict=True)]
        for row in frame.head(SHOWN_ROWS).itertuples(index=False)
    ]
    more = len(frame) - SHOWN_ROWS
    return html.Div(
        [
            html.H4(title, className="word") if title else None,
            table(columns, rows, caption=f"{panel.question} {title}".strip(), sortable=True),
            html.P(f"The first {SHOWN_ROWS} of {len(frame):,} rows; the CSV has them all.", className="muted")
            if more > 0
            else None,
        ],
        className="one-table",
    )


def _csv(panel: Panel, answers: Answered, services: Services) -> str:
    """Every answer of the panel under its measures' names; answers of other shapes after an empty line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    heading: list[str] | None = None
    for title, answer in _titled(panel, answers):
        names = [str(name) for name in answer.frame.columns]
        labels = [_label(name, services) for name in names]
        if labels != heading:
            if heading is not None:
                writer.writerow([])
            writer.writerow(["Period", *labels])
            heading = labels
        for row in answer.frame.itertuples(index=False):
            writer.writerow([title or "Chosen period", *(_plain(value) for value in row)])
    return out.getvalue()


def _plain(value: Any) -> Any:
    """A value as a spreadsheet reads it, and never as a formula."""
    if value is None or value != value:
        return ""
    if hasattr(value, "date"):
        return value.date().isoformat()
    if isinstance(value, str) and value[:1] in "=+-@\t\r":
        return "'" + value
    return value
