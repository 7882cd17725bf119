"""Hotspots: where should a crew go first? Counts of reports by place, said to be no more than that."""

from __future__ import annotations

import re

import pandas as pd

from data_access.dimensions import district, hexagon_9, service_type
from data_access.measures.requests import opened
from data_access.semantics import Answer, Query
from layouts import components as c
from layouts.figures import maps, series, tables, words
from layouts.figures.steps import steps_of
from layouts.view import Compared, Context, Drawing, Panel, View

RESOLUTION = 9
LISTED = 15
RATS = re.compile(r"\b(rats?|rodents?|vermin|mice)\b", re.IGNORECASE)
NO_TEST = "counts of reports, not a test: an area can lead because more people live there or report"


def of_interest(frame: pd.DataFrame, context: Context) -> tuple[pd.DataFrame, str, bool]:
    """The rows of the chosen service types, what to call them, and whether the choice was made here.

    With no type chosen it is the rat-like one with the most reports; where a city has none, all types.
    """
    chosen = context.filters.chosen(service_type.name)
    if chosen:
        return frame, " or ".join(chosen), False
    if context.filters.chosen("category") or context.filters.chosen("department"):
        return frame, "all chosen requests", False
    counts = frame.groupby(service_type.name)["opened"].sum().sort_values(ascending=False)
    rats = next((name for name in counts.index if RATS.search(name) and counts[name] > 0), None)
    if rats is None:
        return frame, "all requests", True
    return frame[frame[service_type.name] == rats], rats, True


def _why(name: str, assumed: bool) -> str:
    if not assumed:
        return ""
    if name == "all requests":
        return "No type chosen and none about rats: all requests are shown"
    return f"No type chosen: {name} is shown; choose another above"


def _places(answer: Answer, context: Context) -> tuple[pd.Series, float, str, bool]:
    """Reports by hexagon, largest first; how many have no point; what is shown; whether it was assumed."""
    frame, name, assumed = of_interest(answer.frame, context)
    counts = frame.groupby(hexagon_9.name)["opened"].sum()
    lost = float(counts.get(hexagon_9.missing, 0))
    counts = counts.drop(hexagon_9.missing, errors="ignore")
    counts = counts[counts > 0].sort_index().sort_values(ascending=False, kind="stable")
    return counts, lost, name, assumed


def draw_map(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Reports by hexagon on the city's ground."""
    counts, lost, name, assumed = _places(answers[0], context)
    if counts.empty:
        return words.nothing(f"No reports with a place ({name})", context)
    total, values = counts.sum(), counts.to_numpy(float)
    cumulative = counts.cumsum()
    few = int((cumulative < total / 2).sum()) + 1
    text = words.capital(
        f"{name}: **{c.count(total)}** reports in **{c.count(len(counts))}** places of about 0.1 km²; half of them "
        f"lie in the first **{c.count(few)}**."
    )
    hover = [
        f"<b>{c.count(n)} reports</b><br>number {i + 1} of {c.count(len(counts))} places<br>{c.share(n / total)} of all"
        for i, n in enumerate(counts)
    ]
    figure = maps.hexagon_map(list(counts.index), values, hover, context.build_id, RESOLUTION, context.selected)
    limits = maps.classes_of(values)
    key = c.key(*((token, f"{said} ({c.count(n)})") for token, said, n in maps.class_words(limits, values)))
    foot = words.foot(
        key, _why(name, assumed), NO_TEST,
        f"{c.count(lost)} reports without a point are not on the map" if lost else "",
    )  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_places(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The places with the most reports: the map's keyboard and screen-reader equivalent."""
    now, before = answers
    counts, _, name, assumed = _places(now, context)
    if counts.empty:
        return words.nothing(f"No reports with a place ({name})", context)
    earlier: dict[str, float] | None = None
    if before is not None:
        frame = before.frame
        if assumed and name != "all requests":
            frame = frame[frame[service_type.name] == name]
        old = frame.groupby(hexagon_9.name)["opened"].sum()
        earlier = old.astype(float).to_dict() if old.sum() else None
    homes = _homes(now.frame)
    total = counts.sum()
    shown = [cell for i, cell in enumerate(counts.index) if i < LISTED or cell in context.selected]
    rows = []
    for cell in shown:
        n = float(counts[cell])
        place = f"{homes.get(cell, 'no district')} · {cell[6:-4]}"
        row = tables.Ranked(cell, n, None if earlier is None else earlier.get(cell, 0.0))
        link = c.toggle(place, context.filters, hexagon_9.name, cell)
        line = [str(list(counts.index).index(cell) + 1), link, c.bar(n / counts.iloc[0]), c.count(n)]
        rows.append([*line, tables.change_words(row)] if earlier is not None else line)
    columns = [
        c.Column("#"), c.Column("Place"), c.Column("", on_phone=False), c.Column("Reports", is_number=True),
        *([c.Column("Change", is_number=True)] if earlier is not None else []),
    ]  # fmt: skip
    at = [i for i, cell in enumerate(shown) if cell in context.selected]
    head = counts.iloc[:LISTED]
    text = f"The first {words.plural(len(head), 'place')} hold **{c.share(head.sum() / total)}** of the reports."
    if at:
        text = (
            f"**{c.count(counts[[shown[i] for i in at]].sum())}** of {c.count(total)} reports lie in the chosen "
            f"{'place' if len(at) == 1 else 'places'}."
        )
    gone = [cell for cell in context.selected if cell not in counts.index]
    foot = words.foot("Place: a hexagon of about 0.1 km²; its name is its district and cell",
                      f"{len(gone)} chosen without a report here" if gone else "")  # fmt: skip
    return Drawing(
        c.sentence(text),
        body=c.table(columns, rows, caption="Places by reports", selected=at, className="rank"),
        foot=foot,
    )


def _homes(frame: pd.DataFrame) -> dict[str, str]:
    """The district in which most of a hexagon's reports lie."""
    sums = frame.groupby([hexagon_9.name, district.name])["opened"].sum().sort_values()
    return {cell: name for cell, name in sums.index}  # the largest comes last and stays


def draw_districts(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Reports by district, with the change."""
    now, before = answers
    frame, name, assumed = of_interest(now.frame, context)
    sums = frame.groupby(district.name)["opened"].sum()
    sums = sums[sums > 0]
    if sums.empty:
        return words.nothing(f"No reports ({name})", context)
    earlier = None
    if before is not None:
        old = before.frame
        if assumed and name != "all requests":
            old = old[old[service_type.name] == name]
        totals = old.groupby(district.name)["opened"].sum()
        earlier = totals.astype(float).to_dict() if totals.sum() else None
    rows, rest = tables.ranked_rows(list(sums.index), sums.tolist(), earlier, context.selected, 8)
    total = sums.sum()
    text = f"{words.capital(name)}: **{rows[0].name}** has the most, **{c.count(rows[0].now)}** of {c.count(total)}."
    moved = tables.moved_most(rows)
    if moved is not None:
        text += (
            f" **{moved.name}** changed most, **{c.signed(moved.now - moved.before)}** on "
            f"{context.filters.comparison().sentence()}."
        )
    body = tables.ranked(rows, rest, context, district, things="reports")
    return Drawing(c.sentence(text), body=body, foot=words.foot(_why(name, assumed), "not divided by residents"))


def draw_months(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The same reports along time."""
    frame, name, assumed = of_interest(answers[0].frame, context)
    every = answers[0].every
    along = frame.groupby(every, as_index=False)["opened"].sum() if len(frame) else frame
    if along.empty or not along["opened"].sum():
        return words.nothing(f"No reports ({name})", context)
    answer = Answer(answers[0].query, along, answers[0].as_of, every)
    steps = steps_of(answer, context.filters.period, context.clock)
    figure = series.over_time(steps, "opened", f"Reports {steps.each}", "reports")
    total = steps.values("opened").sum()
    top = int(steps.values("opened").argmax())
    most = steps.values("opened")[top]
    text = f"{words.capital(name)}: **{c.count(total)}** reports"
    text += f"; the most, **{c.count(most)}**, {steps.when(top)}." if most > 1 else "."
    return Drawing(c.sentence(text), figure, foot=words.foot(series.key_of(figure), _why(name, assumed)))


_PLACES = Query((opened,), by=(hexagon_9, service_type))
_PLACES_IN = Query((opened,), by=(hexagon_9, district, service_type))
_DISTRICTS = Query((opened,), by=(district, service_type))

VIEW = View(
    name="hotspots",
    title="Hotspots",
    question="Where should a crew go first?",
    order=50,
    panels=(
        Panel("map", "Where are they reported?", (_PLACES,), draw_map, width=7, selects=hexagon_9, height=460),
        Panel(
            "places", "Which places come first?", (_PLACES_IN, Compared(_PLACES_IN)), draw_places, width=5,
            selects=hexagon_9, height=460,
        ),
        Panel("time", "When were they reported?", (Query((opened,), by=(service_type,), every="auto"),), draw_months,
              width=7, selects="period", height=320),
        Panel("districts", "Which districts report most?", (_DISTRICTS, Compared(_DISTRICTS)), draw_districts, width=5,
              selects=district),
    ),
)  # fmt: skip
