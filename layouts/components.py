"""The small pieces views are built of: words with bold numbers, number formats, marks, tags, tables, strips.

Nothing here asks a question or knows a city; colours and sizes are classes of `assets/dashboard.css`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

from layouts import html

NBSP = "\u00a0"
MINUS = "−"
NOTHING = "–"
ROUNDING = 1e-9
"""What sums of fractions may be off."""

# ── numbers ──


def count(value: float | None) -> str:
    """12,480; a missing value is “–”."""
    return NOTHING if _missing(value) else f"{value:,.0f}".replace("-", MINUS)


def day(on: date) -> str:
    """“4 Mar 2025”."""
    return f"{on.day} {on:%b %Y}"


def share(value: float | None, decimals: int = 1) -> str:
    """0.815 → “81.5 %”, with a space that does not break; 0.0002 → “< 0.1 %”, so that 0 means none, and 100 all."""
    if _missing(value):
        return NOTHING
    least = 10.0**-decimals  # in percent
    if least <= 100 * value <= 100 - least:
        return f"{100 * value:.{decimals}f}{NBSP}%"
    for part, words in ((value, f"<{NBSP}{least:.{decimals}f}"), (1 - value, f">{NBSP}{100 - least:.{decimals}f}")):
        if ROUNDING < part < least / 200:
            return f"{words}{NBSP}%"
    return f"{100 * value:.{decimals}f}{NBSP}%".replace("-", MINUS)


def signed(value: float | None) -> str:
    """+432 or −1,615; 0 has no sign."""
    return NOTHING if _missing(value) else _unsigned_zero(f"{value:+,.0f}")


def signed_share(value: float | None, decimals: int = 1) -> str:
    """0.163 → “+16.3 %”; 0 has no sign."""
    return NOTHING if _missing(value) else _unsigned_zero(f"{100 * value:+.{decimals}f}") + f"{NBSP}%"


def with_sign(value: float, say: Callable[[float], str]) -> str:
    """“+$1.84 M”, “−432”: the size as `say` writes it, with a sign before it unless it is written as nothing."""
    size = say(abs(value))
    return f"{'+' if value > 0 else MINUS}{size}" if _is_some(size) else size


def _is_some(number: str) -> bool:
    """Whether a number, as it is written, is other than zero."""
    return any(digit in number for digit in "123456789")


def _unsigned_zero(number: str) -> str:
    return number.replace("-", MINUS) if _is_some(number) else number[1:]


def duration(seconds: float | None) -> str:
    """3.2 days · 5.4 h · 2 min 41 s · 48 s."""
    if _missing(seconds):
        return NOTHING
    size = abs(seconds)
    sign = MINUS if seconds < 0 else ""
    if size >= 36 * 3600:
        days = size / 86400
        return f"{sign}{days:,.0f}{NBSP}days" if days >= 100 else f"{sign}{days:.1f}{NBSP}days"
    if size >= 5400:
        return f"{sign}{size / 3600:.1f}{NBSP}h"
    whole = round(size)
    if whole < 60:
        return f"{sign}{whole}{NBSP}s"
    minutes, rest = divmod(whole, 60)
    return f"{sign}{minutes}{NBSP}min" + (f"{NBSP}{rest}{NBSP}s" if rest else "")


def working_time(seconds: float | None) -> str:
    """34.1 working h · 12 working min: never in days, which are no 24 of such hours."""
    if _missing(seconds):
        return NOTHING
    size, unit = (3600, "h") if abs(seconds) >= 5400 else (60, "min")
    digits = 1 if unit == "h" and abs(seconds) < 360_000 else 0
    return f"{seconds / size:,.{digits}f}{NBSP}working{NBSP}{unit}".replace("-", MINUS)


def instant(at: datetime | None, tz: str, *, year: bool = True) -> str:
    """A stored instant on the clocks of `tz`: “Wed 20 May 2026, 14:10”; a missing one is “–”."""
    if _missing(at):
        return NOTHING
    local = at.replace(tzinfo=UTC).astimezone(ZoneInfo(tz))
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M}" if year else f"{local:%a} {local.day} {local:%b, %H:%M}"


def number(value: float | None, unit: str) -> str:
    """A measure's value in its own unit: a share, a duration, a ratio, money, an amount, or a count of things."""
    if unit == "ratio":
        return NOTHING if _missing(value) else f"{value:.2f}"
    if unit in ("10,000 stops", "1,000 months", "h"):
        return NOTHING if _missing(value) else f"{value:,.1f}"
    if unit == "share":
        return share(value)
    if unit == "s":
        return duration(value)
    if unit == "working s":
        return working_time(value)
    if unit == "money":
        return NOTHING if _missing(value) else f"{value:,.2f}".replace("-", MINUS)
    return count(value)


SIGNS = {"USD": "$", "CAD": "$", "AUD": "$", "NZD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
"""What is written before an amount; of other currencies the code is."""


def sign_of(currency: str) -> str:
    """What stands before an amount: “$”, “€”, “SEK ”."""
    return SIGNS.get(currency, f"{currency}{NBSP}")


def money(value: float | None, currency: str, decimals: int | None = None) -> str:
    """$3.39 · $412 · $18,240 · $1.84 M; cents only where they matter, unless `decimals` are told."""
    if _missing(value):
        return NOTHING
    sign = sign_of(currency)
    size, minus = abs(value), MINUS if value < 0 else ""
    if decimals is not None:
        return f"{minus}{sign}{size:,.{decimals}f}"
    if size >= 999_500:
        return f"{minus}{sign}{size / 1e6:,.{1 if size >= 1e7 else 2}f}{NBSP}M"
    return f"{minus}{sign}{size:,.{2 if 0 < size < 100 else 0}f}"


def _missing(value: Any) -> bool:
    return value is None or value != value  # a missing number is not equal to itself


# ── words ──


def sentence(text: str) -> list[Any]:
    """Words with bold numbers: ``"It grew by **432**."`` → text and `html.B`."""
    parts = re.split(r"\*\*(.+?)\*\*", text)
    return [html.B(part) if i % 2 else part for i, part in enumerate(parts) if part]


def paragraph(text: str, className: str = "answer") -> html.P:
    """A sentence as a paragraph."""
    return html.P(sentence(text), className=className)


STATUSES: Mapping[str, str] = {
    "meets": "meets",
    "near": "near",
    "misses": "misses",
    "unknown": "not enough data",
    "same": "no real change",
}


def mark(status: str) -> html.I:
    """● ▲ ■ – ○ as a drawn shape; always put its word beside it."""
    return html.I(className=f"mark m-{status}", **{"aria-hidden": "true"})


def status(status: str, word: str | None = None) -> html.Span:
    """Shape, colour and word together."""
    return html.Span([mark(status), " ", word or STATUSES[status]], className=f"status m-{status}")


def tag(text: str, kind: str = "") -> html.Span:
    """A state in a small box; `kind` is ``bad``, ``warn``, ``good``, ``acc`` or nothing."""
    return html.Span(text, className=f"tag {kind}".strip())


def swatch(token: str) -> html.I:
    """A 10-pixel square in a token's colour, for keys."""
    return html.I(className="swatch", style={"background": f"var(--{token})"}, **{"aria-hidden": "true"})


def marker(token: str, shape: str) -> html.I:
    """A mark of a chart in a key, in its colour and its shape (`comparisons.SHAPES`)."""
    return html.I(className=f"marker s-{shape}", style={"color": f"var(--{token})"}, **{"aria-hidden": "true"})


def key(*entries: tuple[str, str]) -> html.Span:
    """The key of a figure, ``(token, words)`` each, for the left of a foot."""
    return html.Span([html.Span([swatch(token), words]) for token, words in entries], className="legend")


def foot(left: Any, *right: Any) -> list[Any]:
    """The foot of a card: key at the left, n and caveats at the right."""
    return [left if not isinstance(left, str) else html.Span(left), *(html.Span(part) for part in right if part)]


def link(children: Any, href: str, **attributes: Any) -> html.A:
    """A link inside the dashboard: follows without loading the page anew, and is an ordinary link besides.

    An `href` that is only a query string keeps the view (``"?department=Parks"``).
    """
    return html.A(children, href=href or "?", **{"data-go": "", **attributes})


def toggle(children: Any, filters: Any, dimension: str, value: str, **attributes: Any) -> html.A:
    """A link that chooses `value`, or takes the choice back: what a click on a row or a tile does."""
    chosen = value in filters.chosen(dimension)
    state = {"aria-current": "true"} if chosen else {}
    return link(children, filters.toggle(dimension, value).to_search(), **state, **attributes)


def request_link(request_id: str, filters: Any = None, words: Any = None) -> html.A:
    """A link to the timeline of a request; with `filters` the way back leads to the same list."""
    search = filters.to_search() if filters is not None else ""
    return link(words or request_id, f"/requests/{quote(request_id, safe='')}{search}", className="nw")


# ── tables ──


class Cell(NamedTuple):
    """What stands in a cell of a `table`, and the value that sorting goes by."""

    content: Any
    value: float


def controls(*groups: Sequence[tuple[str, str, bool]], label: str = "") -> html.Span:
    """Choices of how a card shows its answer, each ``(words, href, is current)``; a group stands in one frame."""
    return html.Span(
        [
            html.Span(
                [link(words, href, **({"aria-current": "true"} if current else {})) for words, href, current in group],
                className="seg",
            )
            for group in groups
        ],
        className="card-controls",
        role="group",
        **({"aria-label": label} if label else {}),
    )


class Column(NamedTuple):
    """A column of a `table`: its heading, whether it holds numbers, and whether a phone leaves it out."""

    label: Any
    is_number: bool = False
    on_phone: bool = True
    className: str = ""


def table(
    columns: Sequence[Column | str],
    rows: Iterable[Sequence[Any]],
    *,
    caption: str = "",
    selected: Iterable[int] = (),
    className: str = "",
    sortable: bool = False,
) -> html.Div:
    """A real table: the first cell of a row is its heading, numbers stand right, the selected rows are marked.

    A `sortable` table is sorted in the browser by its headings, which are buttons.
    """
    columns = [column if isinstance(column, Column) else Column(column) for column in columns]
    classes = [
        " ".join(filter(None, ("num" if c.is_number else "", "" if c.on_phone else "desk", c.className)))
        for c in columns
    ]
    chosen = set(selected)
    heads = [
        html.Th(
            html.Button(c.label, type="button", className="sort") if sortable and isinstance(c.label, str) else c.label,
            className=name,
            scope="col",
        )
        if c.label
        else html.Td(className=name)
        for c, name in zip(columns, classes, strict=True)
    ]
    lines = []
    for i, row in enumerate(rows):
        cells = []
        for at, (cell, name) in enumerate(zip(row, classes, strict=True)):
            sorts = {"data-value": f"{cell.value:.12g}"} if isinstance(cell, Cell) else {}
            content = cell.content if isinstance(cell, Cell) else cell
            cells.append(html.Td(content, className=name, **sorts) if at else
                         html.Th(content, scope="row", className=name, **sorts))  # fmt: skip
        lines.append(html.Tr(cells, className="sel" if i in chosen else ("faded" if chosen else "")))
    extra = {"data-sortable": ""} if sortable else {}
    content = [html.Caption(caption, className="visually-hidden")] if caption else []
    content += [html.Thead(html.Tr(heads)), html.Tbody(lines)]
    # A table wider than its card scrolls; the browser code then makes it reachable by keyboard.
    return html.Div(html.Table(content, className=className, **extra), className="table-wrap")


def twin(value: Any, below: Any) -> list[Any]:
    """Two lines in one cell: the value, and secondary words under it."""
    return [value, html.Span(below, className="sub")]


def cell(status: str, value: str, n: str) -> html.Div:
    """A scorecard cell: mark, value, n beneath; only *misses* is tinted."""
    kind = {"misses": " bad", "unknown": " na"}.get(status, "")
    words = html.Span(f"{STATUSES[status]}: ", className="visually-hidden")
    return html.Div([mark(status), html.Span([words, value]), html.Small(n)], className="box" + kind)


def heat(value: str, step: int) -> html.Span:
    """A cell of a heat table at step 0 to 6 of the sequential ramp."""
    ink = "var(--seq-ink-inv)" if step >= 5 else "var(--seq-ink)"
    return html.Span(value, style={"--c": f"var(--seq-{step})", "--k": ink})


# ── figures without a chart ──


def figure(label: Any, value: str, unit: str = "", below: Any = "") -> html.Div:
    """One figure of a `strip`: what it is, the number, and what to hold against it."""
    return html.Div(
        [
            html.H3(label),
            html.Div([value, html.Small(unit) if unit else None], className="v"),
            html.Div(below, className="d"),
        ]
    )


def strip(*figures: html.Div) -> html.Div:
    """Up to five figures in one row."""
    return html.Div(list(figures), className="strip")


def tile(value: str, below: Any = "", spark: Any = None, verdict: Any = None) -> list[Any]:
    """The body of a panel of kind ``tile``; its label is the panel's question.

    `verdict` is ``(status, words)``, e.g. ``("same", "No real change")``.
    """
    parts: list[Any] = [
        html.Div(value, className="v"),
        html.Div(below, className="d"),
        spark,
    ]
    if verdict:
        parts.append(html.Div([mark(verdict[0]), html.Span(verdict[1])], className="verdict"))
    return parts


def sparkline(
    values: Sequence[float | None], *, band: tuple[float, float] | None = None, partial: bool = False, label: str = ""
) -> html.Div | None:
    """A line 40 pixels high with the expected band behind and a dot at its end.

    With `partial` the last value belongs to a period still running: a hollow dot in a hatched zone, off the line.
    """
    known = [v for v in values if not _missing(v)]
    if len(known) < 2:
        return None
    low = min([*known, *(band or ())])
    high = max([*known, *(band or ())])
    span = (high - low) or 1.0
    right = len(values) - 1

    def at(i: int, value: float) -> tuple[float, float]:
        return 100 * i / right, 100 - 100 * (value - low) / span

    drawn = [(i, v) for i, v in enumerate(values) if not _missing(v)]
    whole = drawn[:-1] if partial and drawn[-1][0] == right else drawn
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in (at(i, v) for i, v in whole))
    svg = (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 100 100' preserveAspectRatio='none'>"
        f"<path d='{path}' fill='none' stroke='black' stroke-width='1.6' stroke-linejoin='round' "
        "stroke-linecap='round' vector-effect='non-scaling-stroke'/></svg>"
    )
    image = f'url("data:image/svg+xml,{quote(svg)}")'
    parts = []
    if band:
        top, bottom = at(0, band[1])[1], at(0, band[0])[1]
        parts.append(html.I(className="spark-band", style={"top": f"{top:.1f}%", "height": f"{bottom - top:.1f}%"}))
    if partial:
        parts.append(html.I(className="spark-partial"))
    parts.append(html.I(className="spark-line", style={"maskImage": image, "WebkitMaskImage": image}))
    ends = [(whole[-1], "spark-dot")] + ([(drawn[-1], "spark-dot hollow")] if whole is not drawn else [])
    for (i, v), name in ends:
        x, y = at(i, v)
        parts.append(html.I(className=name, style={"left": f"{x:.1f}%", "top": f"{y:.1f}%"}))
    inner = html.Div(parts, className="spark-box")
    return html.Div(inner, className="spark", role="img", **{"aria-label": label or "The last periods as a line"})


def interval_mark(low: float, high: float, value: float, reach: tuple[float, float], status: str) -> html.Div:
    """The expected range as a bar and the value as a dot, on a short line from ``reach[0]`` to ``reach[1]``."""
    span = (reach[1] - reach[0]) or 1.0

    def at(x: float) -> str:
        return f"{max(0.0, min(100.0, 100 * (x - reach[0]) / span)):.1f}%"

    width = f"calc({at(high)} - {at(low)})"
    return html.Div(
        [
            html.I(className="range", style={"left": at(low), "width": width}),
            html.I(className=f"point m-{status}", style={"left": at(value)}),
        ],
        className="interval",
        **{"aria-hidden": "true"},
    )


def bar(part: float) -> html.Span:
    """A bar `part` (0 to 1) as long as its cell."""
    style = {"width": f"{100 * max(0.0, min(1.0, part)):.1f}%"}
    return html.Span(html.I(className="bar", style=style), className="bar-track", **{"aria-hidden": "true"})


def bars(values: Sequence[float], partial: bool = False) -> html.Span:
    """A few numbers as bars from one zero; with `partial` the last belongs to a step still running."""
    most = max(values, default=0) or 1
    marks = [
        html.I(style={"height": f"{max(100 * value / most, 4):.0f}%"},
               className="is-partial" if partial and i == len(values) - 1 else "")
        for i, value in enumerate(values)
    ]  # fmt: skip
    return html.Span(marks, className="bars", **{"aria-hidden": "true"})


def multiples(low: float, high: float, most: float = 4.0) -> html.Div:
    """From `low` (filled dot) to `high` (hollow dot) in multiples of a promise, which is the tick at 1; 0 to `most`.

    What is not reached (nan) or lies beyond `most` runs out at the right edge without a dot.
    """

    def at(x: float) -> str:
        return f"{100 * min(x, most) / most:.1f}%" if x == x else "100%"

    start = min(low, most) if low == low else most
    stop = min(high, most) if high == high else most
    parts = [html.I(className="run", style={"left": at(start), "width": f"{100 * (stop - start) / most:.1f}%"})]
    parts.append(html.I(className="tick", style={"left": at(1.0)}))
    parts += [html.I(className="point", style={"left": at(low)})] if low <= most else []
    parts += [html.I(className="point hollow", style={"left": at(high)})] if high <= most else []
    return html.Div(parts, className="multiples", **{"aria-hidden": "true"})


def multiples_scale(most: int = 4) -> html.Div:
    """The scale over a column of `multiples`: 0 ×, 1 × …"""
    steps = [html.Span(f"{i}{NBSP}×", style={"left": f"{100 * i / most:.0f}%"}) for i in range(most + 1)]
    return html.Div(steps, className="multiples-scale")


SEGMENTS = ("seq-6", "seq-4", "seq-3", "seq-2", "seq-1")


def segments(parts: Sequence[tuple[str, float]]) -> html.Div:
    """A whole cut into up to five parts as long as their counts, each with its count in it and its name under it."""
    shown = [(name, n, token) for (name, n), token in zip(parts, SEGMENTS, strict=False) if n > 0]
    cells = [
        html.Div(
            [
                html.B(count(n), style={"background": f"var(--{token})", "color": f"var(--seq-ink{inverse})"}),
                html.Span(name),
            ],
            style={"flexGrow": f"{n:.0f}"},
        )
        for name, n, token in shown
        for inverse in (["-inv"] if int(token[-1]) >= 5 else [""])
    ]
    return html.Div(cells, className="segments")


# ── states ──


def empty(why: str, change: Any = None) -> list[Any]:
    """Why there is nothing, and one link that changes it."""
    return [*sentence(why), " ", change] if change is not None else sentence(why)


def event_banner(words: Any, more: Any = None, *, is_quiet: bool = False) -> html.Div:
    """One sentence about a storm, a strike or a gap in the data; quiet where there is none to tell."""
    kind = "event quiet" if is_quiet else "event"
    return html.Div([mark("same" if is_quiet else "near"), html.Span(words), more], className=kind, role="note")


def icon(name: str) -> html.I:
    """A 16-pixel line icon from the style sheet (``i-backlog`` …)."""
    return html.I(className=f"icon i-{name}", **{"aria-hidden": "true"})
