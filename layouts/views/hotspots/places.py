"""The places that stand out, as a list: the map’s equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from data_access.dimensions import HEXAGONS, district
from data_access.hotspots import FoundPlaces
from layouts import components as c
from layouts import html
from layouts.figures import words
from layouts.view import Context, Drawing
from layouts.views.hotspots.asking import category_of, quotient, thing_of, things_in

LISTED, LEAST_LISTED = 12, 8
BARS = 12


def peaks_of(found: FoundPlaces) -> list[int]:
    """The places to list, strongest first, none that shares neighbours with a stronger one.

    Those that stand out, then as many of the others as it takes for a list; only places with something in them.
    """
    z, hot, n = np.nan_to_num(found.standing.z), found.standing.hot, found.now.n
    near, indptr = found.ring.indices, found.ring.indptr
    hidden = np.zeros(len(z), bool)
    peaks: list[int] = []
    for i in np.lexsort((found.ground.cell, -n, -z, ~hot)):
        if not hot[i] and len(peaks) >= LEAST_LISTED:
            break
        if hidden[i] or n[i] == 0:
            continue
        peaks.append(int(i))
        for j in near[indptr[i] : indptr[i + 1]]:
            hidden[[j, *near[indptr[j] : indptr[j + 1]]]] = True
    return peaks


def draw_places(answers: tuple[FoundPlaces, ...], context: Context) -> Drawing:
    """The map's equal: the places that stand out with everything known about each, sorted by any column."""
    (found,) = answers
    if not found.total:
        return words.nothing(f"No {things_in(context)} with a place ({thing_of(context)})", context)
    ground, standing, n = found.ground, found.standing, found.now.n
    ids, names = ground.ids, ground.names
    peaks = peaks_of(found)
    chosen = [ids.index(cell) for cell in context.selected if cell in ids]
    shown = peaks[:LISTED] + [i for i in chosen if i not in peaks[:LISTED]]
    hexagon = HEXAGONS[ground.resolution]
    peopled = ground.residents is not None
    with_near = n + found.ring.sums(n)
    partial = found.cut.period.is_partial
    columns = [
        c.Column("", on_phone=True), c.Column("Place"), c.Column(things_in(context).capitalize(), is_number=True),
        *([c.Column("Per 1,000", is_number=True, on_phone=False)] if peopled else []),
        c.Column("z, q", is_number=True),
        c.Column(f"{min(BARS, found.along.counts.shape[1])} {found.cut.every}s", className="trend"),
    ]  # fmt: skip
    rows = []
    for rank, i in enumerate(shown, 1):
        place = c.toggle(names[i], context.filters, hexagon.name, ids[i], **{"data-cell": ids[i]})
        home = ground.district[i]
        below = c.toggle(home, context.filters, district.name, home) if home else "no district"
        z, q = float(standing.z[i]), float(standing.q[i])
        line = [
            str(rank) if standing.hot[i] else c.NOTHING,
            c.twin(place, below),
            c.Cell(c.twin(c.count(n[i]), f"{c.count(with_near[i])} around"), float(n[i])),
        ]
        if peopled:
            line.append(c.Cell(f"{1000 * standing.rate[i]:,.1f}" if standing.rate[i] == standing.rate[i] else c.NOTHING,
                               float(np.nan_to_num(standing.rate[i]))))  # fmt: skip
        line.append(
            c.Cell(
                c.twin(c.NOTHING if z != z else f"{z:.1f}".replace("-", c.MINUS), quotient(q)), -1e9 if z != z else z
            )
        )
        trend = c.bars(found.along.counts[i, -BARS:].tolist(), partial)
        line.append(c.Cell(c.twin(trend, _pattern(found, i)), _rank_of(found, i)))
        rows.append(line)
    at = [k for k, i in enumerate(shown) if ids[i] in context.selected]
    text = _list_words(found, peaks, names)
    gone = [cell for cell in context.selected if cell not in ids]
    search = context.filters.to_search()
    foot = c.foot(
        "A place: a hexagon, tested with its neighbours; around: with them; numbered: stands out",
        c.link("Crew list", f"/hotspots/crew{search}", **{"data-with-search": ""}),
        html.A("GeoJSON", href="/export/hotspots/places.geojson", download="hotspots.geojson",
               **{"data-with-search": ""}),
        f"{len(gone)} chosen lie outside" if gone else "",
    )  # fmt: skip
    table = c.table(columns, rows, caption="Places by how much they stand out", selected=at, sortable=True,
                    className="rank places")  # fmt: skip
    return Drawing(c.sentence(text), body=table, foot=foot)


def _pattern(found: FoundPlaces, at: int) -> str:
    """The category in a word, or how often the place stood out where it has none."""
    told = category_of(found, at)
    if told != "none":
        return told
    if found.past is None:
        return c.NOTHING
    hot = int(found.past.standing.hot[at].sum())
    return f"{hot} of {found.past.standing.hot.shape[1]} {found.cut.every}s" if hot else "no pattern"


def _rank_of(found: FoundPlaces, at: int) -> float:
    return float(found.past.standing.hot[at].sum()) if found.past is not None else 0.0


def _list_words(found: FoundPlaces, peaks: Sequence[int], names: Sequence[str]) -> str:
    if not found.standing.hot.any():
        return "None stands out; these hold the most. Numbers alone say where people live and report."
    out = [i for i in peaks if found.standing.hot[i]]
    if not out:
        return "No place with reports of its own stands out."
    told = Counter(word for i in out if (word := category_of(found, i)) != "none")
    count = ", ".join(f"**{n}** {word}" for word, n in told.items())
    most = f"**{names[out[0]]}** stands out most"
    if len(out) == 1:
        return most + (f": {count}." if count else ".")
    hot = c.count(found.standing.hot.sum())
    among = f"{most}. The {hot} places that do are **{len(out)}** clusters, each listed by its middle"
    return among + (f": {count}." if count else ".")
