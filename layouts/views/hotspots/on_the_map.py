"""Every hexagon of the city in its class, and the bar that plays the weeks or months before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from dashboard.domain.hotspots import LEVEL
from data_access.hotspots import FoundPlaces
from layouts import components as c
from layouts import html
from layouts.figures import maps, words
from layouts.view import Context, Drawing
from layouts.views.hotspots.asking import (
    CAUTION,
    SHOWN,
    SIZES,
    category_of,
    everywhere,
    quotient,
    shown_in,
    size_of,
    so_many,
    thing_of,
    things_in,
    why_so,
)
from layouts.views.hotspots.places import peaks_of

AREA = {8: "0.7 km²", 9: "0.1 km²", 10: "0.015 km²"}
NUMBERED = 9
MANY = 3_000
"""Of more places the quiet ones are drawn, but have no words of their own."""
CLASSES = ("hex-none", "hot-1", "hot-2", "hot-3", "cold-1", "cold-2")
LEVELS = (LEVEL, 0.01, 0.001)


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
        return words.nothing(f"No {things_in(context)} with a place ({thing})", context)
    ground, standing, n = found.ground, found.standing, found.now.n
    peaks = [i for i in peaks_of(found) if found.standing.hot[i]][:NUMBERED]
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
        tokens, key = list(CLASSES), _significance_key(classes, f"above {everywhere(context)}", "below")
        slices = _slices(found)
    kept = _with_words(found, classes, slices, context)
    where = {int(i): at for at, i in enumerate(kept)}
    slices = [[[where[i] for i in at], told, hot] for at, told, hot in slices]
    figure = maps.class_map(
        [ground.ids[i] for i in kept], classes[kept], tokens, _hover(found, kept, context), context.build_id,
        ground.resolution, context.selected, [ground.ids[i] for i in peaks], slices, ground.ids,
        f"No {things_in(context)}",
    )  # fmt: skip
    sentence = [*c.sentence(text), _toggles(found, context)]
    named_key = html.Div(
        [html.B(_key_title(shown, found, context))]
        + [html.Span([html.I(style={"background": f"var(--{token})"}), said, " ", html.Em(c.count(k))])
           for token, said, k in key],
        className="mapkey",
    )  # fmt: skip
    body = [named_key, _play(found, bool(slices)), _no_map()]
    return Drawing(sentence, figure, body=body, foot=words.foot(_base(found, context), why_so(context), CAUTION))


def _with_words(found: FoundPlaces, classes: np.ndarray, slices: Sequence[Any], context: Context) -> np.ndarray:
    """The positions of the places that have words: all, or of very many those with anything to tell."""
    if len(found.ground) <= MANY:
        return np.arange(len(found.ground))
    keep = (classes > 0) | (found.now.n > 0) | np.isin(np.array(found.ground.ids, object), list(context.selected))
    for at, *_ in slices:
        keep[at] = True
    return np.flatnonzero(keep)


def _key_title(shown: str, found: FoundPlaces, context: Context) -> str:
    if shown == "significance":
        return f"{'Number' if found.ground.residents is None else 'Rate'} against {everywhere(context)}"
    return {"count": "In each place", "rate": "Per 1,000 residents, smoothed", "change": "Against the earlier period"}[
        shown
    ]


def _told(found: FoundPlaces, context: Context) -> str:
    """How many places stand out and what they hold."""
    if np.isnan(found.standing.z).all():
        few = len(found.ground) < 30
        why = "fewer than 30 places to compare" if few else "too few, or too evenly spread, to test"
        return f"{so_many(found.total, context)}: {why}."
    hot = found.standing.hot
    if not hot.any():
        return f"no place stands out; the {so_many(found.total, context)} lie as chance would spread them."
    share = found.now.n[hot].sum() / found.total
    return (
        f"{words.plural(int(hot.sum()), 'place')} of {c.count(len(hot))} stand out, "
        f"{c.share(hot.mean(), 0 if hot.mean() >= 0.01 else 1)} of "
        f"{everywhere(context)} with **{c.share(share, 0)}** of the {so_many(found.total, context)}."
        + ("" if found.ground.residents is not None else " By number: nobody told how many live where.")
    )


def _base(found: FoundPlaces, context: Context) -> str:
    tested = "Gi* on the rate per resident" if found.ground.residents is not None else "Gi* on the number"
    lost = f"; {c.count(found.now.elsewhere)} without a point in the city are not on the map"
    lost = lost if found.now.elsewhere else ""
    return (
        f"n = {c.count(found.total)} {things_in(context)} in {c.count(len(found.ground))} places of about "
        f"{AREA[found.ground.resolution]}; {tested}, a place with its neighbours, false discovery controlled; "
        f"q decides, z only sorts{lost}"
    )


def _hover(found: FoundPlaces, kept: np.ndarray, context: Context) -> list[str]:
    ground, standing = found.ground, found.standing
    names, what, counts = ground.names, things_in(context), found.now.n.tolist()
    lines = []
    for i in kept.tolist():
        n = counts[i]
        said = f"<b>{names[i]}</b><br>{c.count(n)} {what if n != 1 else what[:-1]}"
        if ground.residents is not None and standing.rate[i] == standing.rate[i]:
            said += f", {1000 * standing.rate[i]:,.1f} per 1,000 residents"
        if standing.z[i] == standing.z[i]:
            said += f"<br>z {standing.z[i]:.1f}, q {quotient(float(standing.q[i]))}".replace("-", c.MINUS)
        if (told := category_of(found, i)) != "none":
            said += f"; <b>{told}</b>"
        lines.append(said)
    return lines


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
    here, link_to = context.filters, partial(words.asking_for, context)
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
                    html.Div([html.Span(c.day(first)), html.Span(judged_by, className="said", role="status"),
                              html.Span(c.day(last))], className="play-ends"),
                ],
                className="play-line",
            ),
        ],
        className="play",
    )  # fmt: skip


def _no_map() -> html.P:
    return html.P(
        "This browser draws no maps (it has no WebGL). The list holds the same places, and chooses them too.",
        className="no-map",
    )
