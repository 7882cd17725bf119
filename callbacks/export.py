"""Taking an answer away: as a table on the screen, and as CSV or Excel at an address of its own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State
from dash.exceptions import PreventUpdate
from flask import Response, request

from callbacks.address import filters_in, place_at, view_at
from callbacks.errors import in_words, told
from callbacks.panels import Answered, answers_to, note_sight
from dashboard.domain.errors import BadRequest, NotPermitted, NotThere, Problem, UnknownName
from dashboard.domain.filters import Filters
from dashboard.services import Services
from data_access.areas import hexagons_geojson
from data_access.health import Told
from data_access.hotspots import Analysed
from data_access.listing import COLUMNS, MOST, Rows
from data_access.semantics import Answer
from data_access.timeline import Timeline
from layouts import html
from layouts import page as screen
from layouts.components import Cell, Column, number, table
from layouts.figures.words import capital
from layouts.markup import markup
from layouts.page import measures_of
from layouts.view import Compared, Lately, OnDays, Over, Panel, Question, View, asked_of

SHOWN_ROWS = 500
BATCH = 5_000
"""Rows written before they are sent."""
MEANINGS = 6
"""Definitions at the head of a sheet."""
WORDS = {"per_1000": "Per 1,000 residents", "before": "In the comparison", "slices_hot": "Times it stood out"}
"""Columns that are no measure's and whose name says too little."""
EXTRAS = {"_p90": ", nine in ten within", "_n": ", n", "_ended_only": ", those that ended only"}
STEPS = {"day": "Day", "week": "Week of", "month": "Month of", "quarter": "Quarter from", "year": "Year from"}


def register(app: Dash, services: Services, views: Sequence[View]) -> None:
    """“Show as table” in the panel's menu, and ``/export/<view>/<panel>.csv`` and ``.xlsx``."""
    panels = {(view.name, panel.name): (view, panel) for view in views for panel in view.panels}

    @app.callback(
        Output(screen.TABLE, "data"),
        Input(screen.TABLED, "data"),
        State(screen.URL, "search"),
        State(screen.URL, "pathname"),
        prevent_initial_call=True,
    )
    def show_as_table(asked, search, pathname):
        if not asked or view_at(pathname, views) is None:
            raise PreventUpdate
        view, panel = panels[asked["view"], asked["panel"]]
        services.scope(view.needs)
        try:
            filters = filters_in(search, services, view)
            place = place_at(pathname, view, filters)
            answers = answers_to(panel, filters, services, place)
            note_sight(view, place, services)
            titled = _titled(panel, filters, answers, services)
            told = [_table(panel, answer, title, services) for title, answer in titled]
        except Exception as error:  # told where the table would have been
            told = [html.P(in_words(error, f"table of {panel.name}"))]
        at = {"view": view.name, "panel": panel.name, "path": pathname, "search": search or ""}
        return at | {"table": markup(told)}

    app.clientside_callback(
        ClientsideFunction("dashboard311", "table"), Input(screen.TABLE, "data"), prevent_initial_call=True
    )

    def exported(view: str, panel: str) -> tuple[Panel, Filters, Answered]:
        found = panels.get((view, panel))
        if found is None:
            raise UnknownName("panel", f"{view}/{panel}", ["/".join(key) for key in panels])
        services.scope(found[0].needs)
        # A file has an address of its own: what the view's path names is part of its query.
        named = replace(found[0], parameters=(*found[0].parameters, *found[0].open_parts))
        filters = filters_in(request.query_string.decode(), services, named)
        place = {name: filters.parameter(name) for name in named.parameters if filters.parameter(name)}
        answers = answers_to(found[1], filters, services, place, MOST)
        services.record("exported", f"{request.path} {request.query_string.decode('utf-8', 'replace')}".strip())
        return found[1], filters, answers

    def refused(error: Exception, view: str, panel: str) -> Response:
        words, incident = told(error, f"export of {view}/{panel}")
        code = 404 if isinstance(error, NotThere) else 403 if isinstance(error, NotPermitted) else 503
        code = 400 if isinstance(error, BadRequest) else code if isinstance(error, Problem) else 500
        return Response(f"{words} {incident}".strip() + "\n", code, mimetype="text/plain")

    def attached(content: Any, kind: str, mimetype: str, view: str, panel: str) -> Response:
        named = {"Content-Disposition": f'attachment; filename="{view}-{panel}.{kind}"', "Cache-Control": "no-store"}
        return Response(content, mimetype=mimetype, headers=named)

    @app.server.get("/export/<view>/<panel>.csv")
    def download_csv(view: str, panel: str) -> Response:
        try:
            found, filters, answers = exported(view, panel)
            lines = _csv(found, filters, answers, services)
            first = next(lines, "")  # what goes wrong goes wrong here, before anything was sent
        except Exception as error:
            return refused(error, view, panel)
        # Spreadsheets take a file for their own code page unless it begins with a byte order mark.
        return attached(chain(["\ufeff" + first], lines), "csv", "text/csv", view, panel)

    @app.server.get("/export/<view>/<panel>.geojson")
    def download_geojson(view: str, panel: str) -> Response:
        try:
            _, _, answers = exported(view, panel)
            found = next((answer for answer in answers if isinstance(answer, Analysed)), None)
            if found is None or "hexagon" not in found.frame.columns:
                raise UnknownName("map", f"{view}/{panel}", ["hotspots/places"])
            content = hexagons_geojson(found.frame)
        except Exception as error:
            return refused(error, view, panel)
        return attached(content, "geojson", "application/geo+json", view, panel)

    @app.server.get("/export/<view>/<panel>.xlsx")
    def download_excel(view: str, panel: str) -> Response:
        try:
            found, filters, answers = exported(view, panel)
            content = _excel(found, filters, answers, services)
        except Exception as error:
            return refused(error, view, panel)
        return attached(content, "xlsx", EXCEL, view, panel)


EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CHOSEN = "Chosen period"
STRETCHES = {
    Compared: "Comparison period", Lately: "What went before", OnDays: "Days that are told of",
}  # fmt: skip


def _titled(
    panel: Panel, filters: Filters, answers: Answered, services: Services
) -> list[tuple[str, Answer | Rows | Timeline | Told]]:
    """Each answer there is, said to be of the comparison period where it is, or of what other days."""

    def title(item: Question) -> str:
        asked = asked_of(item, filters, services.clock()) if isinstance(item, Compared | Over) else None
        days = asked[1].period.sentence() if asked is not None else ""
        return ", ".join(part for part in (STRETCHES.get(type(item), ""), days) if part)

    return [(title(item), answer) for item, answer in zip(panel.queries, answers, strict=True) if answer is not None]


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
    return WORDS.get(column) or (column if len(column) == 1 else capital(column.replace("_", " ")))


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
    if value is None or value != value:
        return ""
    if hasattr(value, "date"):
        return _when(value, column, services)
    if isinstance(value, float):  # what no measure counts: a rate, a probability
        return f"{value:,.0f}" if value.is_integer() else f"{value:,.2f}" if abs(value) >= 0.01 else f"{value:.1g}"
    dimension, text = services.dimensions.get(column), str(value)
    if dimension is None:
        return text
    said, order = services.say(dimension, text), dimension.ordered or ()
    return Cell(said, order.index(text)) if text in order else said


def _named(value: Any, column: str, services: Services) -> Any:
    """A person by name, to those who may know it; anything else as it is."""
    dimension = services.dimensions.get(column)
    return services.say(dimension, value) if dimension is not None and dimension.of_people else value


def _table(panel: Panel, answer: Answer | Rows | Timeline | Told, title: str, services: Services) -> html.Div:
    frame = answer.frame
    names = [str(name) for name in frame.columns]
    columns = [
        Column(_label(name, services), _unit(name, services) is not None or frame[name].dtype.kind in "fiu")
        for name in names
    ]
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


def _csv(panel: Panel, filters: Filters, answers: Answered, services: Services) -> Iterator[str]:
    """Every answer of the panel under its measures' names; answers of other shapes after an empty line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    heading: list[str] | None = None
    known = services.names()  # while it is known who asks: a long file is written when that is forgotten
    for title, answer in _titled(panel, filters, answers, services):
        names = [str(name) for name in answer.frame.columns]
        labels = [_label(name, services) for name in names]
        first = ["Period"] if isinstance(answer, Answer) else []
        if [*first, *labels] != heading:
            if heading is not None:
                writer.writerow([])
            heading = [*first, *labels]
            writer.writerow(heading)
        period = [title or f"{CHOSEN}, {filters.period.sentence()}"] if first else []
        for written, row in enumerate(answer.frame.itertuples(index=False), 1):
            writer.writerow(
                [*period, *(_plain(value, name, services, known) for name, value in zip(names, row, strict=True))]
            )
            if written % BATCH == 0:
                yield _taken(out)
        if (words := _cut(answer)) is not None:
            writer.writerow([words])
    yield _taken(out)


def _taken(out: io.StringIO) -> str:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text


def _cut(answer: Answer | Rows | Timeline | Told) -> str | None:
    """What a file says that could not hold every row."""
    if not isinstance(answer, Rows) or answer.n <= len(answer.frame) or len(answer.frame) < MOST:
        return None
    return f"Cut: the first {len(answer.frame):,} of {answer.n:,} rows. Choose a shorter period or fewer rows."


_FORMATS = {
    "at": "yyyy-mm-dd hh:mm", "on": "yyyy-mm-dd", "whole": "#,##0", "share": "0.0%", "money": "#,##0.00",
    "ratio": "#,##0.00", "h": "#,##0.0", "10,000 stops": "#,##0.000", "1,000 months": "#,##0.000",
}  # fmt: skip
"""How a workbook shows instants, days and numbers, by their unit; a unit that is not named is of whole things."""


def _excel(panel: Panel, filters: Filters, answers: Answered, services: Services) -> bytes:
    """A workbook with a sheet for each answer, under what was asked, as of when, and what the measures mean."""
    out = io.BytesIO()
    # Row by row into a file, so that a long list needs no memory; text is never taken for a formula or a link.
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "in_memory": False}
    labels = {name: dimension.label for name, dimension in services.dimensions.items()}
    about = filters.sentence(labels, lambda name, value: services.say(services.dimensions[name], value))
    as_of = services.local(services.build().as_of)
    import xlsxwriter  # only who wants a workbook waits for it to load

    with xlsxwriter.Workbook(out, options) as book:
        bold = book.add_format({"bold": True})
        formats = {name: book.add_format({"num_format": written}) for name, written in _FORMATS.items()}
        for place, (title, answer) in enumerate(_titled(panel, filters, answers, services), 1):
            sheet = book.add_worksheet(f"{place} {(title or CHOSEN).partition(',')[0]}"[:31])
            sheet.set_column(0, 40, 18)
            of = f"; {title[:1].lower()}{title[1:]}" if title else ""
            lines = [panel.question, f"{services.city().name} 311: {about}{of}"]
            lines.append(f"Data as of {as_of:%Y-%m-%d %H:%M}, times on the city’s clocks")
            meant = (answer.listing.of,) if isinstance(answer, Rows) else measures_of(panel)[:MEANINGS]
            lines += [f"{measure.label}: {measure.about}" for measure in meant]
            lines += [words for words in (*answer.notes, _cut(answer)) if words]
            for row, line in enumerate(lines):
                sheet.write_string(row, 0, line, bold if row == 0 else None)
            names = [str(name) for name in answer.frame.columns]
            for column, name in enumerate(names):
                sheet.write_string(len(lines) + 1, column, _label(name, services), bold)
            for row, values in enumerate(answer.frame.itertuples(index=False), len(lines) + 2):
                for column, (name, value) in enumerate(zip(names, values, strict=True)):
                    _write(sheet, row, column, value, name, formats, services)
    return out.getvalue()


def _write(sheet: Any, row: int, column: int, value: Any, name: str, formats: dict[str, Any], services: Services):
    value = _named(value, name, services)
    if value is None or value != value:
        return
    if hasattr(value, "to_pydatetime"):
        is_instant = name.endswith("_at")
        local = services.local(value.to_pydatetime()).replace(tzinfo=None) if is_instant else value.to_pydatetime()
        sheet.write_datetime(row, column, local.replace(microsecond=0), formats["at" if is_instant else "on"])
    elif isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        unit = _unit(name, services)
        sheet.write_number(row, column, value, formats[unit if unit in _FORMATS else "whole"])
    else:
        sheet.write_string(row, column, str(value))


_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def _plain(value: Any, name: str, services: Services, known: Mapping[str, str]) -> Any:
    """A value as a spreadsheet reads it, instants on the city's clocks, and never as a formula.

    `known` are the people who may be called by name.
    """
    dimension = services.dimensions.get(name)
    if dimension is not None and dimension.of_people:
        value = known.get(value, value)
    if value is None or value != value:
        return ""
    if hasattr(value, "date"):
        return _when(value, name, services)
    if isinstance(value, str) and value.startswith(_BEGINS_FORMULA):
        return "'" + value
    return value


def _when(value: datetime, name: str, services: Services) -> str:
    """A day, or an instant (in a column of that name) on the city's clocks."""
    if not name.endswith("_at"):
        return value.date().isoformat()
    return f"{services.local(value):%Y-%m-%d %H:%M:%S}"
