"""What everybody may read: five plain pages of the published tables, in plain words and without a script.

Draws what it is given (`data_access.public_extract`) and nothing else: a hidden count is “few”.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from html import escape
from math import cos, radians
from typing import Any
from urllib.parse import quote

import h3
import shapely

from dashboard.domain.intervals import wilson
from data_access.dimensions import district as by_district
from layouts import html
from layouts.components import Column, bar, count, share, table, twin
from layouts.markup import markup
from layouts.plain_page import Drawn

TABS = (
    ("", "City at a glance"), ("district", "My district"), ("where", "Where"), ("promises", "Promises kept"),
    ("definitions", "Definitions"),
)  # fmt: skip
FEW, HIDDEN = "few", "not shown"
"""A hidden count, and a hidden share: of a thousand promises few may have been broken, not kept."""
WIDTH = 720
_MAP_CLASSES = 5
_LETTER, _LINE = 6.6, 14.0
"""How wide a letter of a district's name is on the map, and how high a line of it."""


def page(extract: dict[str, Any], tab: str, *content: Any, back: str = "") -> str:
    """A whole page's body around `content` (elements, or HTML that is `Drawn`)."""
    links = [
        html.A(title, href=f"/public/{name}".rstrip("/"), **({"aria-current": "page"} if name == tab else {}))
        for name, title in TABS
    ]
    until = date.fromisoformat(extract["to"])
    head = [
        html.Header(
            [
                html.Div(
                    [
                        html.I(className="logo", **{"aria-hidden": "true"}),
                        html.Div([extract["city"], " ", html.Span("311")]),
                    ],
                    className="brand",
                ),
                html.Nav(links, **{"aria-label": "Pages"}),
            ]
        )
    ]
    foot = html.Footer(
        [
            html.P(
                f"Complete months to the end of {_month(_before(until))}. A count that could point to a single person "
                f"is not shown: it says “{FEW}”, and so do some others that would give it away; nor is their share."
            ),
            html.P("Sensitive subjects are counted by themselves, and in no other number.")
            if extract["sensitive"]
            else None,
            html.P("This is a made-up city.") if extract["is_made_up"] else None,
            html.P(html.A("Work here? Sign in", href=back)) if back else None,
        ]
    )
    inner = "".join(one if isinstance(one, Drawn) else markup(one) for one in content if one is not None)
    return f'{markup(head)}<main id="page">{inner}</main>{markup(foot)}'


def glance(extract: dict[str, Any]) -> list[Any]:
    """City at a glance: the last month, and the year by month and by type."""
    months, kinds = extract["months"], extract["by_type"]
    last, previous = months["by_row"][-1], months["by_row"][-13] if len(months["by_row"]) > 12 else None
    kept, year = extract["promises"]["by_type"]["by_column"], extract["year"]["name"]
    when = _month_of(months["rows"][-1])
    than = ""
    if last is not None and previous:
        change = last / previous - 1
        than = f" That is {share(abs(change), 0)} {'more' if change >= 0 else 'fewer'} than a year before."
    return [
        html.H1(f"{extract['city']} at a glance"),
        html.P(f"In {when} people asked the city for something {_n(last)} times.{than}", className="lead"),
        _figures(
            ("Asked for", _n(last), f"in {when}"),
            ("Done", _n(months["closed"][-1]), f"closed in {when}"),
            ("Waiting", _n(months["backlog"][-1]), f"open at the end of {when}"),
            ("Promises kept", _in_ten(kept[0], kept[1]), f"in {year}"),
        ),
        html.H2("Month by month"),
        _counted("Month", [_month_of(one) for one in months["rows"]][::-1], months["by_row"][::-1], "Requests"),
        html.H2(f"What people asked for in {year}"),
        _counted("What", kinds["rows"][:20], kinds["by_row"][:20], "Requests"),
        _sensitive(extract["sensitive"]),
    ]


def district(extract: dict[str, Any], name: str | None) -> list[Any]:
    """My district: the choice of one, or what is published of `name` beside the whole city."""
    names = districts_in(extract)
    choice = html.Ul(
        [html.Li(html.A(one, href=f"/public/district/{quote(one, safe='')}")) for one in names], className="choice"
    )
    if name is None:
        return [html.H1("My district"), html.P("Which one?", className="lead"), choice]
    months, kinds, promises = extract["months"], extract["by_type"], extract["promises"]["by_district"]
    kept, whole = _in_ten(*_promised_in(promises, name)), _in_ten(*promises["by_column"])
    column = months["columns"].index(name)
    own = [row[column] for row in months["cells"]]
    when = _month_of(months["rows"][-1])
    people = residents_in(extract).get(name)
    year, stretch = kinds["by_column"][column], extract["year"]["name"]
    ranked = sorted(
        ((row[column], kind) for row, kind in zip(kinds["cells"], kinds["rows"], strict=True) if row[column]),
        reverse=True,
    )[:10]
    rate = f"{1000 * year / people:,.0f}" if people and year is not None else FEW
    return [
        html.H1(name),
        html.P(f"In {when} people in {name} asked the city for something {_n(own[-1])} times.", className="lead"),
        _figures(
            ("Asked for", _n(own[-1]), f"in {when}"),
            (f"In {stretch}", _n(year), "requests"),
            *([("For each 1,000 residents", rate, f"requests in {stretch}")] if people else []),
            ("Promises kept", kept, f"in the whole city {whole}"),
        ),
        html.H2(f"What people asked for most in {stretch}"),
        _counted("What", [kind for _, kind in ranked], [n for n, _ in ranked], "Requests"),
        html.H2("Month by month"),
        _counted("Month", [_month_of(one) for one in months["rows"]][::-1], own[::-1], "Requests"),
        html.H2("Beside the other districts"),
        html.P(
            f"In {stretch}, in the order of their names: this is no ranking. Where fewer people report, fewer problems "
            "are known; and districts ask for different things.",
            className="muted",
        ),
        _side_by_side(extract, names, name),
    ]


def _side_by_side(extract: dict[str, Any], names: Sequence[str], chosen: str) -> Any:
    """Every district's published year and the whole city's: requests, how many for 1,000 residents, promises kept."""
    kinds, promises, people = extract["by_type"], extract["promises"]["by_district"], residents_in(extract)

    def kept_of(kept: int | None, late: int | None) -> list[Any] | str:
        said = _in_ten(kept, late)
        if kept is None or late is None or not kept + late:
            return said
        low, high = (float(one) for one in wilson(kept, kept + late)[1:])
        return twin(said, f"{100 * low:.0f} to {100 * high:.0f}")

    def line(label: Any, year: int | None, residents: int | None, told: Sequence[int | None]) -> list[Any]:
        rate = "–" if not residents else FEW if year is None else f"{1000 * year / residents:,.0f}"
        return [label, _n(year), *([rate] if people else []), kept_of(*told)]

    rows = []
    for one in names:
        link = html.B(one) if one == chosen else html.A(one, href=f"/public/district/{quote(one, safe='')}")
        rows.append(line(link, kinds["by_column"][kinds["columns"].index(one)], people.get(one),
                         _promised_in(promises, one)))  # fmt: skip
    # What lies in no district has no residents: the rate of the city is that of its districts.
    whole, placed = kinds["by_column"], [kinds["by_column"][kinds["columns"].index(one)] for one in names]
    known = people and None not in placed and set(names) <= set(people)
    rate = f"{1000 * sum(placed) / sum(people[one] for one in names):,.0f}" if known else "–"
    city = [html.B(extract["city"]), _n(sum_of(whole)), *([rate] if people else [])]
    rows.append([*city, kept_of(*promises["by_column"])])
    columns = [
        "District", Column("Requests", is_number=True),
        *([Column("For 1,000 residents", is_number=True)] if people else []),
        Column(twin("Promises kept", "range: 95 % sure"), is_number=True),
    ]  # fmt: skip
    return table(columns, rows, caption="Districts side by side", selected=[names.index(chosen)])


def residents_in(extract: dict[str, Any]) -> dict[str, int]:
    """How many people live in each district of which that is known."""
    return {one["name"]: one["population"] for one in extract["districts"] if one["population"]}


def districts_in(extract: dict[str, Any]) -> list[str]:
    """The districts of which something is published; where none was drawn, as the requests name them."""
    named = extract["months"]["columns"]
    known = {one["name"] for one in extract["districts"]} or {*named} - {by_district.missing}
    return [one for one in named if one in known]


def where(extract: dict[str, Any], kind: str | None) -> list[Any]:
    """Where: a map and a table of districts for one type, hexagons too for things in the street."""
    kinds = extract["by_type"]
    kind = kind if kind in kinds["rows"] else kinds["rows"][0]
    row = kinds["cells"][kinds["rows"].index(kind)]
    known = districts_in(extract)  # what lies in none is listed where there is any
    counts = {name: n for name, n in zip(kinds["columns"], row, strict=True) if n != 0 or name in known}
    cells = extract["maps"].get(kind)
    mapped = [one for one in kinds["rows"] if one in extract["maps"]]
    rest = [one for one in kinds["rows"] if one not in extract["maps"]]
    links = [
        html.Li(
            html.A(one, href=f"/public/where?type={quote(one)}", **({"aria-current": "true"} if one == kind else {}))
        )
        for one in [*mapped, *rest]
    ]
    numbers = _numbers(list(counts), known)
    drawn = _map(extract["shapes"], counts, cells, kind, numbers)
    listed = [
        name if name.startswith(f"{numbers.get(name)} ") or not numbers or drawn is None
        else [html.Span(numbers.get(name, ""), className="map-no"), name]
        for name in counts
    ]  # fmt: skip
    told = (
        "The stronger the colour, the more. Each hexagon is about 0.7 square kilometres; those with few requests, and "
        "some others, are left out."
        if cells
        else "By district only: the stronger the colour, the more."
    )
    return [
        html.H1(f"Where: {kind}"),
        html.P(f"In {extract['year']['name']} the city was asked {_n(sum_of(row))} times. {told}", className="lead"),
        drawn,
        _counted("District", listed, list(counts.values()), "Requests"),
        html.H2("Something else"),
        html.Ul(links, className="choice"),
    ]


def promises(extract: dict[str, Any]) -> list[Any]:
    """Promises kept: by type and by district, of those that fell due in the year."""
    by_type, by_district = extract["promises"]["by_type"], extract["promises"]["by_district"]
    kept, late = by_type["by_column"]
    target = extract["promise_target"]
    goal = f" The city’s own goal is {_in_ten_of(target)}." if target else ""
    return [
        html.H1("Promises kept"),
        html.P(
            f"For most things there is a day by which they are to be done. In {extract['year']['name']} the city kept "
            f"{_in_ten(kept, late)} of these promises.{goal} What was not done by its day counts as not kept, also "
            f"while it is still open.",
            className="lead",
        ),
        html.H2("By district"),
        _promised("District", by_district),
        html.H2("By what was asked for"),
        _promised("What", by_type),
    ]


def definitions(measures: Iterable[Any], smallest: dict[str, int]) -> list[Any]:
    """What the words and numbers mean, and how small counts are hidden."""
    entries: list[Any] = []
    for measure in measures:
        entries += [html.Dt(measure.label), html.Dd(measure.about)]
    return [
        html.H1("Definitions"),
        html.P("Every number here is counted in one way, which is written down once.", className="lead"),
        html.Dl(entries, className="words"),
        html.H2("What is not shown"),
        html.P(
            f"Names, addresses, notes and single requests are never published. A count of 1 to {smallest['P0'] - 1} of "
            f"things in the street or of household services, and of 1 to {smallest['P2'] - 1} of complaints, is "
            "hidden; so is any other count from which it could be worked out. Sensitive subjects are counted for the "
            "whole city and by quarter only."
        ),
    ]


def sum_of(row: Sequence[int | None]) -> int | None:
    """The sum of a row as far as it is told; None if nothing of it is."""
    known = [n for n in row if n is not None]
    return sum(known) if known and len(known) == len(row) else None


# ── parts ──


def _n(value: int | None) -> str:
    return FEW if value is None else count(value)


def _promised_in(promises: dict[str, Any], name: str) -> tuple[int | None, int | None]:
    """How many promises were kept in a district, and how many not; none of either where none fell due."""
    return tuple(promises["cells"][promises["rows"].index(name)]) if name in promises["rows"] else (0, 0)


def _in_ten(kept: int | None, late: int | None) -> str:
    if kept is None or late is None:
        return HIDDEN
    return _in_ten_of(kept / (kept + late)) if kept + late else "–"


def _in_ten_of(part: float) -> str:
    """0.86 → “86 in 100”."""
    return f"{100 * part:.0f} in 100"


def _figures(*figures: tuple[str, str, str]) -> html.Dl:
    return html.Dl(
        [html.Div([html.Dt(name), html.Dd(html.B(value)), html.Dd(below)]) for name, value, below in figures],
        className="figures",
    )


def _counted(first: str, names: Sequence[Any], numbers: Sequence[int | None], unit: str) -> Any:
    most = max([n for n in numbers if n is not None], default=0) or 1
    rows = [(name, _n(n), bar((n or 0) / most)) for name, n in zip(names, numbers, strict=True)]
    return table([first, Column(unit, is_number=True), Column("")], rows, caption=f"{unit} by {first.lower()}")


def _promised(first: str, told: dict[str, Any]) -> Any:
    rows = []
    for name, (kept, late), n in zip(told["rows"], told["cells"], told["by_row"], strict=True):
        is_told = kept is not None and late is not None and kept + late > 0
        part = kept / (kept + late) if is_told else 0.0
        rows.append((name, _in_ten(kept, late), bar(part), _n(n)))
    columns = [first, Column("Kept", is_number=True), Column(""), Column("Fell due", is_number=True)]
    return table(columns, rows, caption=f"Promises kept by {first.lower()}")


def _sensitive(told: dict[str, Any]) -> Any:
    if not told:
        return None
    rows = [
        (name, *(_n(n) for n in cells)) for name, cells in zip(told["rows"], told["cells"], strict=True)
    ]  # fmt: skip
    columns = [Column("What"), *(Column(one, is_number=True) for one in told["columns"])]
    return html.Section([html.H2("Sensitive subjects, whole city"), table(columns, rows, caption="By quarter")])


def _month(day: date) -> str:
    return f"{day:%B %Y}"


def _month_of(text: str) -> str:
    return _month(date.fromisoformat(f"{text}-01"))


def _before(first: date) -> date:
    return date(first.year - (first.month == 1), 12 if first.month == 1 else first.month - 1, 1)


# ── the map ──


def _numbers(names: Sequence[str], districts: Sequence[str]) -> dict[str, str]:
    """What each of the `districts` is called on the map where its name has no room: its own number, or its row's."""
    own = {name: name.split(" ", 1)[0] for name in districts}
    if all(number.isdigit() for number in own.values()) and len(set(own.values())) == len(own):
        return own
    return {name: str(names.index(name) + 1) for name in districts if name in names}


def _map(
    shapes: dict[str, Any],
    counts: dict[str, int | None],
    cells: dict[str, int] | None,
    kind: str,
    numbers: dict[str, str],
) -> Drawn | None:
    """Districts shaded by count, or with hexagons above them; the table beside it says the same.

    Each district bears its name, or where that has no room its number in `numbers`, which the table tells too.
    """
    features = [one for one in shapes["features"] if one["geometry"] and one["geometry"]["coordinates"]]
    if not features:
        return None
    rings = {one["id"]: list(_rings(one["geometry"])) for one in features}
    corners = {cell: [(lon, lat) for lat, lon in h3.cell_to_boundary(cell)] for cell in cells or {}}
    points = [point for own in rings.values() for ring in own for point in ring]
    points += [point for own in corners.values() for point in own]
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    narrow = cos(radians((south + north) / 2))
    scale = WIDTH / ((east - west) * narrow or 1)
    height = (north - south) * scale

    def placed(ring: Sequence[Any]) -> list[tuple[float, float]]:
        return [((x - west) * narrow * scale, (north - y) * scale) for x, y in ring]

    def path(own: Iterable[Sequence[Any]]) -> str:
        return "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in placed(ring)) + "Z" for ring in own)

    most = max([n for n in counts.values() if n is not None], default=0) or 1
    parts = []
    for name, own in rings.items():
        n = counts.get(name)
        shade = (
            "var(--surface-3)" if cells or n is None else f"var(--seq-{1 + min(4, int(_MAP_CLASSES * n / (most + 1)))})"
        )
        parts.append(
            f'<path d="{path(own)}" fill="{shade}" stroke="var(--surface)" stroke-width="1.5">'
            f"<title>{escape(name)}: {_n(n)}</title></path>"
        )
    top = max((cells or {}).values(), default=1)
    for cell, n in (cells or {}).items():
        parts.append(
            f'<path d="{path([corners[cell]])}" fill="var(--seq-{1 + min(4, int(_MAP_CLASSES * n / (top + 1)))})" '
            f'stroke="var(--surface)" stroke-width="0.5"><title>{n:,}</title></path>'
        )
    if cells:
        parts += [f'<path d="{path(own)}" fill="none" stroke="var(--text-2)"/>' for own in rings.values()]
    for one in features:
        if number := numbers.get(one["id"]):
            parts.append(_name_on_map([placed(ring) for ring in _outer(one["geometry"])], one["id"], number))
    label = escape(f"Map: {kind} by {'hexagon' if cells else 'district'}. The table below says the districts’ counts.")
    return Drawn(
        f'<svg class="map" viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    )


def _name_on_map(rings: Iterable[Sequence[Any]], name: str, number: str) -> str:
    """A district's name in the middle of its largest part, in lines; its number, where the name has no room there."""
    widest = max((shapely.Polygon(ring).buffer(0) for ring in rings), key=lambda part: part.area)
    radius = shapely.maximum_inscribed_circle(widest.simplify(1.0), tolerance=1.0)
    x, y = radius.coords[0]
    lines = _in_lines(name)
    wide, high = _LETTER * max(map(len, lines)) / 2, _LINE * len(lines) / 2
    has_room = widest.contains(shapely.box(x - wide, y - high, x + wide, y + high))
    told = f'<text class="no" x="{x:.0f}" y="{y + 4:.0f}">{escape(number)}</text>'
    if not has_room:
        return f"<g>{told}</g>"
    top = y + 4 - _LINE * (len(lines) - 1) / 2
    said = "".join(
        f'<tspan x="{x:.0f}" y="{top + _LINE * i:.0f}">{escape(line)}</tspan>' for i, line in enumerate(lines)
    )
    return f'<g class="named">{told}<text class="name">{said}</text></g>'


def _in_lines(name: str) -> list[str]:
    """A name in lines of about a dozen letters."""
    lines: list[str] = []
    for word in name.split():
        if lines and len(lines[-1]) + len(word) < 12:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _outer(geometry: dict[str, Any]) -> Iterable[Sequence[Any]]:
    """The outer ring of each part."""
    many = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    for polygon in many:
        yield [(x, y) for x, y, *_ in polygon[0]]


def _rings(geometry: dict[str, Any]) -> Iterable[Sequence[Any]]:
    many = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    for polygon in many:
        for ring in polygon:
            yield [(x, y) for x, y, *_ in ring]
