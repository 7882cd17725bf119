"""Hotspots: where should a crew go first? Places that stand out from what chance explains, as a map and as a list."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from dashboard.domain.filters import Filters
from dashboard.domain.hotspots import LEVEL
from dashboard.domain.policy import Permission
from data_access.dimensions import HEXAGONS, district, service_type
from data_access.fieldwork import (
    VISITED_DAYS,
    WEEKS_BACK,
    WINDOW_DAYS,
    Clusters,
    CrewList,
    Crowds,
    RepeatAddresses,
    Stop,
    Stops,
    Treated,
    TreatmentEffect,
)
from data_access.hotspots import LEAST_SCANNED, Analysed, Broken, FoundPlaces, Hotspots, Outbreaks, Related
from data_access.measures.inspections import confirmed_share
from data_access.measures.requests import opened
from data_access.semantics import Answer, Dimension, Query
from layouts import components as c
from layouts import html
from layouts.figures import comparisons, maps, series, tables, words
from layouts.figures.comparisons import Kept
from layouts.figures.steps import steps_of
from layouts.view import Compared, Context, Drawing, FromAddress, Panel, Place, View

RATS = re.compile(r"\b(rats?|rodents?|vermin|mice)\b", re.IGNORECASE)
SHOWN = {"significance": "Significance", "count": "Count", "rate": "Rate", "change": "Change"}
SIZES = (8, 9, 10)
AREA = {8: "0.7 km²", 9: "0.1 km²", 10: "0.015 km²"}
LISTED, LEAST_LISTED, NUMBERED = 12, 8, 9
MANY = 3_000
"""Of more places the quiet ones are drawn, but have no words of their own."""
BARS = 12
SURE = 365.0
"""An outbreak as strong as that is met by chance less than once a year."""
CAUTION = "Fewer reports may mean fewer problems or less reporting"
CLASSES = ("hex-none", "hot-1", "hot-2", "hot-3", "cold-1", "cold-2")
LEVELS = (LEVEL, 0.01, 0.001)


# ── what is asked ──


def rats_if_nothing_is_chosen(filters: Filters, types: Sequence[str]) -> Filters:
    """The filters, with the rat-like type that is reported most where the reader chose no type, category or
    department; as they are where a city has none."""
    if any(filters.chosen(name) for name in ("service_type", "category", "department")):
        return filters
    rats = next((name for name in types if RATS.search(name)), None)
    return filters if rats is None else filters.choose(service_type.name, [rats])


def size_of(place: Place) -> int:
    """The size of hexagon an address asks for."""
    asked = place.get("size", ("9",))[-1]
    return int(asked) if asked in {str(size) for size in SIZES} else 9


def shown_in(place: Place) -> str:
    """What an address asks the map to show."""
    asked = place.get("show", ("significance",))[-1]
    return asked if asked in SHOWN else "significance"


def hexagon_of(place: Place) -> Dimension:
    """What a click on the map chooses."""
    return HEXAGONS[size_of(place)]


def _hotspots(place: Place) -> Hotspots:
    return Hotspots(opened, size_of(place))


_FOUND = FromAddress(_hotspots, (opened,))


# ── words ──


def thing_of(context: Context) -> str:
    """What is looked at: “Rats and vermin”, “All requests”."""
    chosen = context.asked.chosen(service_type.name)
    if chosen:
        return chosen[0] if len(chosen) == 1 else f"{chosen[0]} and {len(chosen) - 1} more"
    narrowed = any(context.asked.chosen(name) for name in ("category", "department"))
    return "All chosen requests" if narrowed else "All requests"


def _reports(context: Context) -> str:
    return "incidents" if context.filters.setting("counting") == "incidents" else "reports"


def _why(context: Context) -> str:
    """What is shown where the reader chose nothing."""
    if context.assumed is not None and context.assumed != context.filters:
        return f"No type chosen: {thing_of(context)} is shown; choose another above"
    return ""


def quotient(q: float) -> str:
    """q in words: “< 0.001”, “0.012”."""
    return c.NOTHING if q != q else "< 0.001" if q < 0.001 else f"{q:.3f}" if q < 0.1 else f"{q:.2f}"


def _plural(count: float, context: Context) -> str:
    one = _reports(context).removesuffix("s")
    return words.plural(count, one)


# ── the map ──


def _levels(q: np.ndarray, above: np.ndarray) -> np.ndarray:
    """The class of each place: 1 to 3 above, 4 and 5 below, 0 not distinguishable."""
    sure = sum((np.nan_to_num(q, nan=1.0) < level).astype(int) for level in LEVELS)
    return np.where(sure == 0, 0, np.where(above, sure, 3 + np.minimum(sure, 2)))


def _significance_key(classes: np.ndarray, above: str, below: str) -> list[tuple[str, str, int]]:
    said = ("not distinguishable", "q < 0.05", "q < 0.01", f"{above}, q < 0.001", "q < 0.05", "q < 0.01")
    order = (3, 2, 1, 4, 5, 0)
    found = [(CLASSES[i], said[i], int((classes == i).sum())) for i in order]
    key = [(token, text, n) for token, text, n in found if n or token in ("hot-3", "hex-none")]
    first = next((token for token, *_ in key if token.startswith("cold")), "")
    return [(token, f"{below}, {text}" if token == first else text, n) for token, text, n in key]


def _counted_key(values: np.ndarray) -> tuple[np.ndarray, list[str], list[tuple[str, str, int]]]:
    """Classes of numbers, 0 for none of it; their tokens; the key."""
    some = values > 0
    if not some.any():
        return np.zeros(len(values), int), ["hex-none", "seq-6"], [("hex-none", "none", len(values))]
    limits = maps.classes_of(values[some])
    classes = np.where(some, 1 + np.clip(np.searchsorted(limits, values, "right") - 1, 0, None), 0)
    key = maps.class_words(limits, values[some])
    return classes, ["hex-none", *maps.class_tokens(len(limits))], [*key, ("hex-none", "none", int((~some).sum()))]


def draw_map(answers: tuple[FoundPlaces, ...], context: Context) -> Drawing:
    """Every hexagon of the city in its class, with the bar to play the weeks or months before."""
    (found,) = answers
    shown, thing = shown_in(context.place), thing_of(context)
    if not found.total:
        return words.nothing(f"No {_reports(context)} with a place ({thing})", context)
    ground, standing, n = found.ground, found.standing, found.now.n
    peaks = [i for i in _peaks(found) if found.standing.hot[i]][:NUMBERED]
    slices: list[Any] = []
    text = f"{thing}: " + _told(found, context)
    if shown == "change" and found.change is not None:
        classes = _levels(found.change.q, found.change.ratio > 1)
        tokens, key = list(CLASSES), _significance_key(classes, "more than before", "less")
        against = context.filters.comparison()
        text = f"{thing}: {words.plural(int((classes > 0).sum()), 'place')} changed by more than chance explains"
        text += f", against {against.sentence()}." if against else "."
    elif shown == "count":
        classes, tokens, key = _counted_key(n.astype(float))
    elif shown == "rate" and ground.residents is not None and not np.isnan(standing.rate).all():
        classes, tokens, key = _counted_key(np.nan_to_num(np.where(n > 0, 1000 * standing.rate, 0.0)))
    else:
        classes = _levels(standing.q, standing.z > 0)
        tokens, key = list(CLASSES), _significance_key(classes, "above the city", "below")
        slices = _slices(found)
    kept = _with_words(found, classes, slices, context)
    where = {int(i): at for at, i in enumerate(kept)}
    slices = [[[where[i] for i in at], told, hot] for at, told, hot in slices]
    figure = maps.class_map(
        [ground.ids[i] for i in kept], classes[kept], tokens, _hover(found, kept, context), context.build_id,
        ground.resolution, context.selected, [ground.ids[i] for i in peaks], slices, ground.ids,
        f"No {_reports(context)}",
    )  # fmt: skip
    sentence = [*c.sentence(text), _toggles(found, context)]
    named_key = html.Div(
        [html.B(_key_title(shown, found))]
        + [html.Span([html.I(style={"background": f"var(--{token})"}), said, " ", html.Em(c.count(k))])
           for token, said, k in key],
        className="mapkey",
    )  # fmt: skip
    body = [named_key, _play(found, bool(slices)), _no_map()]
    return Drawing(sentence, figure, body=body, foot=words.foot(_base(found, context), _why(context), CAUTION))


def _with_words(found: FoundPlaces, classes: np.ndarray, slices: Sequence[Any], context: Context) -> np.ndarray:
    """The positions of the places that have words: all, or of very many those with anything to tell."""
    if len(found.ground) <= MANY:
        return np.arange(len(found.ground))
    keep = (classes > 0) | (found.now.n > 0) | np.isin(np.array(found.ground.ids, object), list(context.selected))
    for at, *_ in slices:
        keep[at] = True
    return np.flatnonzero(keep)


def _key_title(shown: str, found: FoundPlaces) -> str:
    if shown == "significance":
        return "Rate against the city" if found.ground.residents is not None else "Number against the city"
    return {"count": "In each place", "rate": "Per 1,000 residents, smoothed", "change": "Against the earlier period"}[
        shown
    ]


def _told(found: FoundPlaces, context: Context) -> str:
    """How many places stand out and what they hold."""
    if np.isnan(found.standing.z).all():
        few = len(found.ground) < 30
        why = "fewer than 30 places to compare" if few else "too few, or too evenly spread, to test"
        return f"{_plural(found.total, context)}: {why}."
    hot = found.standing.hot
    if not hot.any():
        return f"no place stands out; the {_plural(found.total, context)} lie as chance would spread them."
    share = found.now.n[hot].sum() / found.total
    return (
        f"{words.plural(int(hot.sum()), 'place')} of {c.count(len(hot))} stand out, "
        f"{c.share(hot.mean(), 0 if hot.mean() >= 0.01 else 1)} of the "
        f"city with **{c.share(share, 0)}** of its {_plural(found.total, context)}."
        + ("" if found.ground.residents is not None else " By number: nobody told how many live where.")
    )


def _base(found: FoundPlaces, context: Context) -> str:
    tested = "Gi* on the rate per resident" if found.ground.residents is not None else "Gi* on the number"
    lost = f"; {c.count(found.now.elsewhere)} without a point in the city are not on the map"
    lost = lost if found.now.elsewhere else ""
    return (
        f"n = {c.count(found.total)} {_reports(context)} in {c.count(len(found.ground))} places of about "
        f"{AREA[found.ground.resolution]}; {tested}, a place with its neighbours, false discovery controlled{lost}"
    )


def _hover(found: FoundPlaces, kept: np.ndarray, context: Context) -> list[str]:
    ground, standing = found.ground, found.standing
    names, what, counts = ground.names, _reports(context), found.now.n.tolist()
    lines = []
    for i in kept.tolist():
        n = counts[i]
        said = f"<b>{names[i]}</b><br>{c.count(n)} {what if n != 1 else what[:-1]}"
        if ground.residents is not None and standing.rate[i] == standing.rate[i]:
            said += f", {1000 * standing.rate[i]:,.1f} per 1,000 residents"
        if standing.z[i] == standing.z[i]:
            said += f"<br>z {standing.z[i]:.1f}, q {quotient(float(standing.q[i]))}".replace("-", c.MINUS)
        if (told := _category(found, i)) != "none":
            said += f"; <b>{told}</b>"
        lines.append(said)
    return lines


def _category(found: FoundPlaces, at: int) -> str:
    one = found.past.category[at] if found.past is not None else None
    return "none" if one is None else one.word


def _slices(found: FoundPlaces) -> list[Any]:
    """Which places stood out in each slice of time: positions and classes."""
    if found.past is None:
        return []
    past = found.past.standing
    told = []
    for at in range(past.q.shape[1]):
        classes = _levels(past.q[:, at], past.z[:, at] > 0)
        where = np.flatnonzero(classes)
        told.append([where.tolist(), classes[where].tolist(), int(past.hot[:, at].sum())])
    return told


def _toggles(found: FoundPlaces, context: Context) -> html.Span:
    here = context.filters

    def link_to(name: str, value: str, usual: str) -> str:
        return here.with_parameter(name, *([] if value == usual else [value])).to_search()

    shown, size = shown_in(context.place), size_of(context.place)
    kinds = [
        (label, link_to("show", name, "significance"), name == shown)
        for name, label in SHOWN.items()
        if (name != "rate" or found.ground.residents is not None) and (name != "change" or found.change is not None)
    ]
    sizes = [(str(one), link_to("size", str(one), "9"), one == size) for one in SIZES]
    counting = [
        (label, here.switch("counting", setting).to_search(), here.setting("counting") == setting)
        for setting, label in (("incidents", "Incidents"), ("reports", "Reports"))
    ]
    return c.controls(kinds, sizes, counting, label="What the map shows")


def _span(found: FoundPlaces, at: int) -> str:
    """The days that a slice judges, in words."""
    steps, window = found.along.steps, found.cut.window
    first = steps[at].date()
    last = at + window
    end = steps[last].date() if last < len(steps) else found.cut.period.to_on
    return replace(found.cut.period, from_on=first, to_on=end, whole_to_on=None).sentence()


def _play(found: FoundPlaces, plays: bool) -> html.Div | None:
    """One bar for each step; a click, or the button, shows what stood out then."""
    counts, window = found.along.counts.sum(axis=0), found.cut.window
    judged = found.past.standing.q.shape[1] if found.past is not None and plays else 0
    if not judged:
        return None
    most = max(int(counts.max(initial=0)), 1)
    marks = []
    for step in range(window - 1, len(counts)):
        at = step - window + 1
        height = {"height": f"{max(100 * counts[step] / most, 2):.0f}%"}
        if at < judged:
            hot = int(found.past.standing.hot[:, at].sum()) if found.past is not None else 0
            said = f"{_span(found, at)}: {hot} {'place stands' if hot == 1 else 'places stand'} out"
            state = {"data-slice": str(at), "aria-label": said, "aria-pressed": "false"}
            marks.append(html.Button(html.I(style=height), type="button", title=said, **state))
        else:
            marks.append(html.Span(html.I(style=height, className="is-partial"), title="this one has only begun"))
    each = {"week": "week", "month": "month", "quarter": "quarter"}[found.cut.every]
    first, last = found.along.steps[window - 1].date(), found.along.steps[-1].date()
    judged_by = f"each {each} with the {window - 1} before it" if window > 1 else f"by {each}"
    return html.Div(
        [
            html.Button(type="button", className="play-button", **{"aria-label": f"Play, {each} by {each}"}),
            html.Div(
                [
                    html.Div(marks, className="play-bars", role="group", **{"aria-label": f"Reports by {each}"}),
                    html.Div([html.Span(_day(first)), html.Span(judged_by, className="said", role="status"),
                              html.Span(_day(last))], className="play-ends"),
                ],
                className="play-line",
            ),
        ],
        className="play",
    )  # fmt: skip


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _no_map() -> html.P:
    return html.P(
        "This browser draws no maps (it has no WebGL). The list holds the same places, and chooses them too.",
        className="no-map",
    )


# ── the list ──


def _peaks(found: FoundPlaces) -> list[int]:
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
        return words.nothing(f"No {_reports(context)} with a place ({thing_of(context)})", context)
    ground, standing, n = found.ground, found.standing, found.now.n
    ids, names = ground.ids, ground.names
    peaks = _peaks(found)
    chosen = [ids.index(cell) for cell in context.selected if cell in ids]
    shown = peaks[:LISTED] + [i for i in chosen if i not in peaks[:LISTED]]
    hexagon = HEXAGONS[ground.resolution]
    peopled = ground.residents is not None
    with_near = n + found.ring.sums(n)
    partial = found.cut.period.is_partial
    columns = [
        c.Column("", on_phone=True), c.Column("Place"), c.Column(_reports(context).capitalize(), is_number=True),
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
    told = _category(found, at)
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
    told = Counter(word for i in out if (word := _category(found, i)) != "none")
    count = ", ".join(f"**{n}** {word}" for word, n in told.items())
    most = f"**{names[out[0]]}** stands out most"
    if len(out) == 1:
        return most + (f": {count}." if count else ".")
    hot = c.count(found.standing.hot.sum())
    among = f"{most}. The {hot} places that do are **{len(out)}** clusters, each listed by its middle"
    return among + (f": {count}." if count else ".")


# ── what is known of one ──


def _crew(place: Place) -> CrewList:
    return CrewList(_hotspots(place))


def draw_chosen(answers: tuple[Stops, ...], context: Context) -> Drawing:
    """The chosen places, or the first one on the crew's list: visits, open work, what else was reported."""
    (stops,) = answers
    if not stops.stops:
        return Drawing(c.sentence("No place stands out, and none is chosen. Choose one on the map or in the list."),
                       is_empty=True)  # fmt: skip
    chosen = bool(context.filters.chosen(hexagon_of(context.place).name))
    shown = stops.stops[:2] if chosen else stops.stops[:1]
    parts: list[Any] = []
    for stop in shown:
        parts.append(
            html.H3([stop.place, html.Span(stop.district or "no district", className="sub")], className="word")
        )
        parts.append(html.Dl([one for name, value in _facts(stop, context) for one in (html.Dt(name), html.Dd(value))],
                             className="facts"))  # fmt: skip
    lead = "chosen" if chosen else "first on the crew’s list"
    if not chosen and shown[0].z < max(stop.z for stop in stops.stops):
        lead += ", where confirmed and recent activity comes before numbers"
    text = f"**{shown[0].place}**, {lead}: " + _short(shown[0])
    more = len(stops.stops) - len(shown)
    foot = words.foot("Visits of half a year; nearby: of 30 days",
                      f"{more} more on the crew’s list" if more > 0 else "")  # fmt: skip
    return Drawing(c.sentence(text), body=parts, foot=foot)


def found_at(result: str | None) -> str:
    """What a visit found, in words."""
    return {"none": "nothing found"}.get(result or "", (result or "outcome not recorded").replace("_", " "))


def _short(stop: Stop) -> str:
    seen = stop.visited
    if not seen.told:
        return f"nobody has been there in {VISITED_DAYS // 30} months."
    return f"**{seen.active}** of {words.plural(seen.told, 'visit')} found activity."


def _facts(stop: Stop, context: Context) -> list[tuple[str, Any]]:
    seen = stop.visited
    late = sum(one.is_overdue for one in stop.open)
    facts: list[tuple[str, Any]] = []
    if seen.told:
        share = f"{c.share(seen.active / seen.told, 0)} of {c.count(seen.told)} visits" if seen.told >= 5 else (
            f"{seen.active} of {seen.told} visits")  # fmt: skip
        facts.append(("Confirmed by visit", share))
    if seen.last_on:
        facts.append(("Last visit", f"{_day(seen.last_on)}, {found_at(seen.last_result)}"))
    if seen.baited_on:
        facts.append(("Last baited", f"{_day(seen.baited_on)}, {c.count(seen.baited)} premises"))
    facts.append(("Open now", f"{c.count(len(stop.open))}" + (f", of which {late} overdue" if late else "")))
    facts.append((_reports(context).capitalize(), f"{c.count(stop.reports)} in the period"))
    if stop.category not in (None, "none"):
        facts.append(("Pattern", stop.category))
    if stop.nearby:
        facts.append(("Also reported", ", ".join(f"{kind} {n}" for kind, n in stop.nearby)))
    return facts


# ── what else is wrong there ──


def _related(place: Place) -> Related:
    return Related(_hotspots(place))


RELATED = 7


def draw_related(answers: tuple[Analysed, ...], context: Context) -> Drawing:
    """Other types in the places that stand out, as ratios to the rest of the city with their intervals."""
    (answer,) = answers
    frame = answer.frame
    if frame.empty:
        return Drawing(c.sentence("Nothing to compare: no place stands out, or nothing else is reported often enough."),
                       is_empty=True)  # fmt: skip
    shown = frame.head(RELATED)
    first = shown.iloc[0]
    sure = frame[frame["low"] > 1]
    if len(sure):
        text = f"Where it stands out, **{first['service_type']}** is reported **{first['ratio']:.1f} times** as often "
        text += "as elsewhere in the city."
    else:
        text = "No other type is reported clearly more often there than elsewhere."
    columns = [c.Column("Service type"), c.Column("Times", is_number=True), c.Column("95 %", is_number=True),
               c.Column("n there", is_number=True, on_phone=False)]  # fmt: skip
    rows = [
        [
            c.toggle(row.service_type, context.filters, service_type.name, row.service_type),
            _times(row.ratio), f"{_times(row.low)}–{_times(row.high)}", c.count(row.there),
        ]
        for row in shown.itertuples(index=False)
    ]  # fmt: skip
    found = f"of {len(frame)} types, some differ by chance alone"
    return Drawing(c.sentence(text), body=c.table(columns, rows, caption="Other types there", className="rank"),
                   foot=words.foot("Reports there against the rest of the city, exact intervals", found))  # fmt: skip


def _times(ratio: float) -> str:
    return c.NOTHING if ratio != ratio or np.isinf(ratio) else f"{ratio:.1f}"


# ── are the reports confirmed ──


def draw_confirmed(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The share of visits that found activity, by district and in the city, with intervals."""
    by, whole = answers
    assert by is not None and whole is not None
    total = next(whole.frame.itertuples(index=False))
    if not total.visits_told:
        return Drawing(c.empty("No inspection with an outcome is recorded here in this period."), is_empty=True)
    frame = by.frame[(by.frame["visits_told"] > 0) & (by.frame[district.name] != district.missing)]
    rows = [Kept(row.district, row.visits_active, row.visits_told) for row in frame.itertuples(index=False)]
    city = Kept("City", total.visits_active, total.visits_told)
    figure = comparisons.shares_with_intervals(rows, city, None, context.selected, said="confirmed", of="visits")
    enough = frame[frame["visits_told"] >= words.FEW]
    share = c.share(total.confirmed_share, 0)
    text = f"Inspectors found activity in **{share}** of {words.plural(total.visits_told, 'visit')}"
    if len(enough):
        top = enough.loc[(enough["visits_active"] / enough["visits_told"]).idxmax()]
        text += f", most often in **{top[district.name]}**"
    return Drawing(c.sentence(text + "."), figure, foot=words.foot("Visits with an outcome; 95 % intervals", CAUTION))


# ── what broke out, where points crowd ──


def _outbreaks(place: Place) -> Outbreaks:
    return Outbreaks(opened, size_of(place))


def draw_outbreaks(answers: tuple[Broken, ...], context: Context) -> Drawing:
    """What the scan found in the last weeks: where, since when, how much more than expected, how rare by chance."""
    (answer,) = answers
    frame = answer.frame
    days = f"{answer.period.sentence()}"
    if frame.empty:
        short = answer.period.days <= LEAST_SCANNED
        why = f"that takes more than {LEAST_SCANNED} days, and these are {answer.period.days}" if short else (
            "too little was reported")  # fmt: skip
        return Drawing(c.sentence(f"{words.capital(days)} cannot be scanned: {why}."), is_empty=True)
    sure = frame[frame["once_in_days"] >= SURE]
    if len(sure):
        first = sure.iloc[0]
        text = (
            f"**{first['place']}** has broken out: **{c.count(first['observed'])}** since {_day(first['since'])} where "
            f"{first['expected']:.0f} were to be expected."
        )
    else:
        text = "Nothing has broken out lately beyond what chance brings about once a year."
    columns = [c.Column("Place"), c.Column("Since"), c.Column(c.twin("Reports", "expected"), is_number=True),
               c.Column(c.twin("By chance", "once in"), is_number=True)]  # fmt: skip
    hexagon = hexagon_of(context.place)
    rows = []
    for row in frame.itertuples(index=False):
        name = c.toggle(row.place, context.filters, hexagon.name, row.hexagon, **{"data-cell": row.hexagon})
        reach = f"{row.district or 'no district'}, {row.places} places" if row.places > 1 else row.district or ""
        rows.append([c.twin(name, reach), _day(row.since), c.twin(c.count(row.observed), f"{row.expected:.1f}"),
                     c.tag(_once(row.once_in_days), "bad" if row.once_in_days >= SURE else "")])  # fmt: skip
    foot = words.foot(f"Scanned {days}, windows of 1 to 4 weeks up to its end",
                      "space-time permutation, 999 simulations; finds what is new, not what is chronic")  # fmt: skip
    return Drawing(c.sentence(text), body=c.table(columns, rows, caption="Outbreaks", className="rank"), foot=foot)


def _once(days: float) -> str:
    if days >= 2 * SURE:
        return f"{days / 365:,.0f} years"
    return f"{days:,.0f} days"


def draw_clusters(answers: tuple[Crowds, ...], context: Context) -> Drawing:
    """Crowds of points of the last four weeks, outlined, with how long each has been there."""
    (answer,) = answers
    frame = answer.frame
    if answer.is_cut:
        return Drawing(c.empty("Too many points to look at each: choose a service type."), is_empty=True)
    if frame.empty:
        return Drawing(c.sentence(f"No five reports within {WINDOW_DAYS} days lie close together."), is_empty=True)
    said = [f"<b>{row.points} points</b><br>{row.hectares:.1f} ha, for {row.weeks} weeks" for row in frame.itertuples()]
    figure = maps.crowd_map(context.build_id, answer.hulls, said)
    columns = [c.Column("#"), c.Column("District"), c.Column("Points", is_number=True), c.Column("For", is_number=True),
               c.Column("Hectares", is_number=True, on_phone=False)]  # fmt: skip
    rows = [
        [str(rank), row.district or "no district", c.count(row.points),
         _weeks(row.weeks), f"{row.hectares:.1f}"]
        for rank, row in enumerate(frame.head(6).itertuples(index=False), 1)
    ]  # fmt: skip
    biggest = frame.iloc[0]
    size = f"{biggest['hectares']:.{0 if biggest['hectares'] >= 10 else 1}f} hectares"
    text = (
        f"{words.plural(len(frame), 'crowd')} of points; the largest, **{c.count(biggest['points'])}** on {size} in "
        f"**{biggest['district'] or 'no district'}**, stands since {_day(biggest['since'])}."
    )
    return Drawing(c.sentence(text), figure, body=c.table(columns, rows, caption="Crowds", className="rank"),
                   foot=words.foot("Five and more within 100 m of each other in 28 days",
                                   "a crowd that shares half its points with last week’s is the same"))  # fmt: skip


def _weeks(number: int) -> str:
    """How long a crowd has been there, as far back as was looked."""
    if number >= WEEKS_BACK:
        return f"{WEEKS_BACK} weeks or more"
    return "1 week" if number == 1 else f"{number} weeks"


# ── which addresses come back, what treatment did ──


def draw_addresses(answers: tuple[Analysed, ...], context: Context) -> Drawing:
    """Addresses with three and more incidents within a year."""
    (answer,) = answers
    frame = answer.frame
    if frame.empty:
        return Drawing(c.sentence("No address has come back three times within a year."), is_empty=True)
    shown = frame.head(8)
    reports = words.plural(int(frame["reports"].sum()), "report")
    text = (
        f"{words.plural(len(frame), 'address', 'addresses')} account for {reports} within a year; "
        f"**{shown.iloc[0]['address']}** came back most often."
    )
    columns = [c.Column("Address"), c.Column("Incidents", is_number=True), c.Column("Callers", is_number=True),
               c.Column("Last", is_number=True)]  # fmt: skip
    rows = []
    for row in shown.itertuples(index=False):
        callers = c.NOTHING if row.requesters != row.requesters or row.requesters is None else c.count(row.requesters)
        alone = callers == "1" and row.incidents >= 5
        rows.append([
            c.twin(row.address, f"{row.service_type}, {row.district or 'no district'}"),
            c.twin(c.count(row.incidents), f"every {row.days_between:.0f} days"),
            c.tag("one caller", "warn") if alone else callers,
            c.twin(f"{row.last_on.day} {row.last_on:%b}", row.last_outcome),
        ])  # fmt: skip
    return Drawing(c.sentence(text), body=c.table(columns, rows, caption="Repeat addresses", className="rank"),
                   foot=words.foot("Same address and type, each 14 days after the one before",
                                   "internal: never in the public view"))  # fmt: skip


def _treatment(place: Place) -> TreatmentEffect:
    return TreatmentEffect(opened, size_of(place))


def draw_treatment(answers: tuple[Treated, ...], context: Context) -> Drawing:
    """Re-reports within 30 and 60 days of baiting, against matched places that were not baited."""
    (answer,) = answers
    known = [one for one in answer.effects if one.treated]
    if not known:
        why = "No baiting is recorded" if not answer.visits else "No baiting can be followed and matched"
        return Drawing(c.sentence(f"{why} in the year before the end of the period."), is_empty=True)
    columns = [c.Column("Reported again within"), c.Column("Treated", is_number=True),
               c.Column("Like them", is_number=True), c.Column("Difference", is_number=True)]  # fmt: skip
    rows = []
    for one in known:
        rows.append([
            f"{one.within_days} days",
            c.twin(c.share(one.treated_again / one.treated, 0), f"of {c.count(one.treated)}"),
            c.twin(c.share(one.controls_again / one.controls, 0), f"of {c.count(one.controls)}"),
            c.twin(f"{_points(one.difference)} points", f"{_points(one.low)} to {_points(one.high)}"),
        ])  # fmt: skip
    last = known[0]
    if last.high < 0:
        text = (
            f"Within {last.within_days} days treated places were reported again **less often** than places like them."
        )
    elif last.low > 0:
        text = (
            f"Within {last.within_days} days treated places were reported again **more often** than places like them."
        )
    else:
        text = f"Within {last.within_days} days no difference can be told between treated places and places like them."
    return Drawing(
        c.sentence(text), body=c.table(columns, rows, caption="Effect of treatment", className="rank"),
        foot=words.foot(
            "Baited visits against visits without baiting, as many reports before, within two weeks",
            "crews bait where they find something: a hint, no proof",
        ),
    )  # fmt: skip


def _points(share: float) -> str:
    return words.signed_points(share)


# ── along time, by district ──


def draw_months(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The same reports along time."""
    along = answers[0]
    assert along is not None
    thing = thing_of(context)
    if along.frame.empty or not along.frame["opened"].sum():
        return words.nothing(f"No reports ({thing})", context)
    steps = steps_of(along, context.filters.period, context.clock)
    figure = series.over_time(steps, "opened", f"Reports {steps.each}", "reports")
    total = steps.values("opened").sum()
    top = int(steps.values("opened").argmax())
    most = steps.values("opened")[top]
    text = f"{words.capital(thing)}: **{c.count(total)}** reports"
    text += f"; the most, **{c.count(most)}**, {steps.when(top)}." if most > 1 else "."
    return Drawing(c.sentence(text), figure, foot=words.foot(series.key_of(figure), _why(context)))


def draw_districts(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Reports by district, with the change."""
    now, before = answers
    assert now is not None
    sums = now.frame.set_index(district.name)["opened"]
    sums = sums[sums > 0]
    if sums.empty:
        return words.nothing(f"No reports ({thing_of(context)})", context)
    earlier = None
    if before is not None and before.frame["opened"].sum():
        earlier = dict(zip(before.frame[district.name], before.frame["opened"].astype(float), strict=True))
    rows, rest = tables.ranked_rows(list(sums.index), sums.tolist(), earlier, context.selected, 9)
    text = f"**{rows[0].name}** has the most, **{c.count(rows[0].now)}** of {c.count(sums.sum())}."
    moved, against = tables.moved_most(rows), context.filters.comparison()
    if moved is not None and moved.before is not None and against is not None:
        text += f" **{moved.name}** changed most, **{c.signed(moved.now - moved.before)}** on {against.sentence()}."
    body = tables.ranked(rows, rest, context, district, things="reports")
    return Drawing(c.sentence(text), body=body, foot=words.foot(_why(context), "not divided by residents"))


def _panel(name: str, question: str, queries: tuple, draw: Any, **more: Any) -> Panel:
    return Panel(name, question, queries, draw, assumes=rats_if_nothing_is_chosen, **more)


_DISTRICTS = Query((opened,), by=(district,))
_CONFIRMED = Query((confirmed_share,), by=(district,))

VIEW = View(
    name="hotspots",
    title="Hotspots",
    question="Where should a crew go first?",
    order=50,
    parameters=("show", "size"),
    panels=(  # map and list first: they are what a click is about
        _panel("map", "Where is more reported than chance explains?", (_FOUND,), draw_map, width=7, selects=hexagon_of,
               height=460),
        _panel("places", "Which places come first?", (_FOUND,), draw_places, width=5, selects=hexagon_of, height=460),
        _panel("chosen", "What is known of the place?", (FromAddress(_crew, (opened,)),), draw_chosen, width=4,
               needs=Permission.LIST_REQUESTS, wave=1),
        _panel("related", "What else is wrong there?", (FromAddress(_related, (opened,)),), draw_related, width=4,
               selects=hexagon_of, wave=1),
        Panel("confirmed", "Are the reports confirmed?", (_CONFIRMED, Query((confirmed_share,))), draw_confirmed,
              width=4, selects=district, height=320, wave=1),
        _panel("outbreaks", "What has broken out lately?", (FromAddress(_outbreaks, (opened,)),), draw_outbreaks,
               width=6, wave=2, selects=hexagon_of),
        _panel("treatment", "Does treating a place help?", (FromAddress(_treatment, (opened,)),), draw_treatment,
               width=6, wave=2),
        _panel("clusters", "Where do the points crowd?", (FromAddress(lambda place: Clusters(), (opened,)),),
               draw_clusters, width=6, height=300, needs=Permission.READ_ADDRESSES, wave=2),
        _panel("addresses", "Which addresses come back?", (FromAddress(lambda place: RepeatAddresses(), (opened,)),),
               draw_addresses, width=6, needs=Permission.READ_ADDRESSES, wave=2),
        _panel("time", "When were they reported?", (Query((opened,), every="auto"),), draw_months, width=7,
               selects="period", height=320, wave=1),
        _panel("districts", "Which districts report most?", (_DISTRICTS, Compared(_DISTRICTS)), draw_districts, width=5,
               selects=district, wave=1),
    ),
)  # fmt: skip
