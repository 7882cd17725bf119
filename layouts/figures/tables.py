"""Answers that read best as real tables: ranked rows with a bar, ages as a heat table, a scorecard.

Row headings are links that toggle the row's value, so that whatever a click does, the keyboard does too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from layouts import components as c
from layouts import html
from layouts.figures.words import FEW, change
from layouts.view import Context

NEAR = 0.05
"""A share at most this far under its target is near it."""


class Ranked(NamedTuple):
    """A row: its name, how many, and how many there were in the comparison period."""

    name: str
    now: float
    before: float | None = None


def ranked_rows(
    names: Sequence[str], now: Sequence[float], before: dict[str, float] | None, selected: Sequence[str], limit: int
) -> tuple[list[Ranked], Ranked | None]:
    """The `limit` largest rows (and the selected ones wherever they stand), and all others added up."""
    rows = [
        Ranked(name, float(n), None if before is None else before.get(name, 0.0))
        for name, n in zip(names, now, strict=True)
    ]
    rows.sort(key=lambda row: (-row.now, row.name))
    shown = [row for i, row in enumerate(rows) if i < limit or row.name in selected]
    rest = [row for row in rows if row not in shown]
    if not rest:
        return shown, None
    gone = None if before is None else sum(n for name, n in before.items() if name not in {row.name for row in shown})
    return shown, Ranked(f"{len(rest)} more", sum(row.now for row in rest), gone)


def ranked(
    rows: Sequence[Ranked],
    rest: Ranked | None,
    context: Context,
    dimension: Any,
    heading: str = "",
    things: str = "requests",
) -> html.Div:
    """Names that toggle, a bar as long as the number, the number, its share, its change against the comparison."""
    most = max((row.now for row in rows), default=0) or 1
    total = sum(row.now for row in rows) + (rest.now if rest else 0)
    compares = any(row.before is not None for row in rows)
    columns = [
        c.Column(heading or dimension.label),
        c.Column(html.Span("bar", className="visually-hidden"), on_phone=False),
        c.Column(things.capitalize(), is_number=True),
        c.Column("Share", is_number=True),
        *([c.Column("Change", is_number=True)] if compares else []),
    ]
    lines = []
    for row in [*rows, *([rest] if rest else [])]:
        said = dimension.say(row.name)
        name = row.name if row is rest else c.toggle(said, context.filters, dimension.name, row.name)
        line = [name, "" if row is rest else c.bar(row.now / most), c.count(row.now)]
        line.append(c.share(row.now / total if total else None))
        lines.append([*line, change_words(row)] if compares else line)
    at = [i for i, row in enumerate(rows) if row.name in context.selected]
    return c.table(columns, lines, caption=f"{things.capitalize()} by {dimension.label.lower()}", selected=at)


def change_words(row: Ranked) -> str:
    """“+16.3 %”, “new”, or “–” where one of the two is too small to say."""
    if row.before is None:
        return c.NOTHING
    if row.before == 0:
        return "new" if row.now else c.NOTHING
    if min(row.now, row.before) < 5 and max(row.now, row.before) < FEW:
        return c.NOTHING
    relative = change(row.now, row.before)
    if relative >= 4:
        return f"{row.now / row.before:.0f} ×"
    return c.signed_share(relative, 0) if abs(relative) >= 0.005 else c.share(0, 0)


def moved_most(rows: Sequence[Ranked]) -> Ranked | None:
    """The row whose number changed most, in numbers, not in per cent; None if none did by five or more."""
    known = [row for row in rows if row.before is not None and abs(row.now - row.before) >= 5]
    return max(known, key=lambda row: abs(row.now - row.before), default=None)


# ── status against a target ──


def status_of(over: float, under: float, target: float | None) -> str:
    """``meets``, ``near`` (within five points), ``misses``, or ``unknown`` under 20 or without a target."""
    if under < FEW or target is None:
        return "unknown"
    share = over / under
    return "meets" if share >= target else "near" if share >= target - NEAR else "misses"


def score(over: float, under: float, target: float | None) -> html.Div:
    """A scorecard cell: mark, share, n; “too few” under 20, “none due” at 0; without a target only the share."""
    n = f"n {c.count(under)}"
    if under < FEW:
        return c.cell("unknown", "too few" if under else "none due", n)
    value = f"{100 * over / under:.1f}"
    if target is None:
        return html.Div([html.I(), html.Span(value), html.Small(n)], className="box")
    return c.cell(status_of(over, under, target), value, n)


class Score(NamedTuple):
    """A row of a scorecard: its name, its link if it has one, ``(kept, due)`` for each column, and its target."""

    name: Any
    cells: Sequence[tuple[float, float]]
    target: float | None = None


def scorecard(
    heading: str,
    columns: Sequence[tuple[str, str, bool]],
    rows: Sequence[Score],
    selected: Sequence[int] = (),
    caption: str = "",
) -> html.Div:
    """A row per service, a column per stretch of time (name, days, whether a phone shows it)."""
    heads = [c.Column(heading)] + [
        c.Column([name, html.Small(days)], is_number=True, on_phone=on_phone, className="cell")
        for name, days, on_phone in columns
    ]
    lines = [[row.name, *(score(over, under, row.target) for over, under in row.cells)] for row in rows]
    return c.table(heads, lines, caption=caption, selected=selected, className="score")


# ── heat table ──


def ramp(
    low: str, high: str, tokens: Sequence[str] = ("seq-1", "seq-2", "seq-3", "seq-4", "seq-5", "seq-6")
) -> html.Span:
    """The key of a ramp: its ends in words, its steps between them."""
    return html.Span([html.Span([low, " ", *(c.swatch(token) for token in tokens), " ", high])], className="legend")


def heat_step(part: float, reach: float) -> int:
    """The step 0 to 6 of the ramp for a share of its row; `reach` is the share drawn darkest."""
    return 0 if part <= 0 or reach <= 0 else int(min(6, 1 + np.floor(5.999 * min(part, reach) / reach)))


def heat_table(
    names: Sequence[str], grid: np.ndarray, labels: Sequence[str], context: Context, dimension: Any, caption: str
) -> html.Div:
    """Counts by row and band, shaded by their share of the row; the last row adds up all others."""

    def line(name: Any, counts: np.ndarray, kind: str) -> html.Tr:
        total = counts.sum()
        cells = (c.heat(c.count(n), heat_step(n / total if total else 0, 0.5)) for n in counts)
        return html.Tr(
            [
                html.Th(name, scope="row"), html.Td(html.B(c.count(total)), className="num desk"),
                *(html.Td(cell, className="h") for cell in cells),
            ],
            className=kind,
        )  # fmt: skip

    heads = [html.Th(dimension.label, scope="col"), html.Th("All", className="num desk", scope="col")]
    heads += [html.Th(label, className="num", scope="col") for label in labels]
    body = []
    for name, counts in zip(names, grid, strict=True):
        kind = "sel" if name in context.selected else "faded" if context.selected else ""
        body.append(line(c.toggle(name, context.filters, dimension.name, name), counts, kind))
    if len(names) > 1:
        body.append(line(f"All {dimension.label.lower()}s", grid.sum(axis=0), "total"))
    told = html.Caption(caption, className="visually-hidden")
    table = html.Table([told, html.Thead(html.Tr(heads)), html.Tbody(body)], className="heat")
    return html.Div(table, className="table-wrap")


def age_table(
    names: Sequence[str],
    totals: Sequence[float],
    overdue: Sequence[float],
    ages: np.ndarray,
    age_labels: Sequence[str],
    multiples: np.ndarray,
    multiple_labels: Sequence[str],
    context: Context,
    dimension: Any,
) -> html.Div:
    """How old the open requests are, by row: in days, and in multiples of what was promised.

    `ages` and `multiples` have a row per name; shades are shares of the row, “in time” and “no promise” stay plain.
    The last line adds all rows up.
    """
    plain = ("in time", "no promise")

    def cells(counts: np.ndarray, total: float, labels: Sequence[str]) -> list[Any]:
        out = []
        for label, n in zip(labels, counts, strict=True):
            if label in plain:
                style = {"--c": "var(--surface-3)", "--k": "var(--text-2)"}
                out.append(html.Span(c.count(n), style=style))
            else:
                out.append(c.heat(c.count(n), heat_step(n / total, 0.5) if total >= FEW else 0))
        return out

    def line(name: Any, i: int | None) -> html.Tr:
        total = float(np.sum(totals)) if i is None else float(totals[i])
        late = float(np.sum(overdue)) if i is None else float(overdue[i])
        by_age, by_multiple = (grid.sum(axis=0) if i is None else grid[i] for grid in (ages, multiples))
        chosen = i is not None and names[i] in context.selected
        kind = "total" if i is None else "sel" if chosen else "faded" if context.selected else ""
        return html.Tr(
            [
                html.Th(name, scope="row"),
                html.Td(html.B(c.count(total)), className="num"),
                *(html.Td(cell, className="h desk") for cell in cells(by_age, total, age_labels)),
                html.Td(className="gap desk"),
                *(
                    html.Td(cell, className="h desk" if label == "no promise" else "h")
                    for label, cell in zip(multiple_labels, cells(by_multiple, total, multiple_labels), strict=True)
                ),
                html.Td(c.share(late / total if total else None), className="num desk"),
            ],
            className=kind,
        )

    groups = html.Tr(
        [
            html.Td(), html.Td(),
            html.Th("Days since opened", colSpan=len(age_labels), className="desk", scope="colgroup"),
            html.Td(className="gap desk"),
            html.Th("Multiples of what was promised", colSpan=len(multiple_labels), scope="colgroup"),
            html.Td(className="desk"),
        ],
        className="grp",
    )  # fmt: skip
    heads = html.Tr(
        [
            html.Th(dimension.label, scope="col"), html.Th("Open", className="num", scope="col"),
            *(html.Th(label, className="num desk", scope="col") for label in age_labels),
            html.Td(className="gap desk"),
            *(
                html.Th(label, className="num desk" if label == "no promise" else "num", scope="col")
                for label in multiple_labels
            ),
            html.Th("Overdue", className="num desk", scope="col"),
        ]
    )  # fmt: skip
    body = [line(c.toggle(name, context.filters, dimension.name, name), i) for i, name in enumerate(names)]
    if len(names) > 1:
        body.append(line(f"All {dimension.label.lower()}s", None))
    caption = html.Caption("Open requests by age", className="visually-hidden")
    table = html.Table([caption, html.Thead([groups, heads]), html.Tbody(body)], className="heat")
    return html.Div(table, className="table-wrap")
