"""Every number ties out: on every panel of every view the answers agree with `ask`, with their table and CSV, with what
is drawn, and with the rows behind them; on the tiny city, the demo city and a real export, on both engines.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import combinations, permutations
from typing import Any

import numpy as np
import pandas as pd
import pytest

from callbacks.address import filters_in, holds_contacts
from callbacks.export import _csv, _table, _titled
from callbacks.panels import answers_to, asked_by, context_of
from dashboard.domain.errors import BadRequest, NotTold
from dashboard.domain.filters import DAY, Filters, Period
from dashboard.domain.policy import Permission, Scope, Viewer
from dashboard.identity import DEPUTY_MANAGER
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access.build import Build
from data_access.compile import parts_of
from data_access.demo_city import AS_OF, CITY, demo_tables
from data_access.dimensions import DIMENSIONS
from data_access.hotspots import FoundPlaces
from data_access.listing import Listing, Rows
from data_access.measures import CATALOGUE
from data_access.semantics import Answer, Dimension, Query, Ratio, Spread, Standing, Total
from layouts import components as c
from layouts.markup import markup
from layouts.page import measures_of
from layouts.view import OnDays, Panel, asked_of
from layouts.views import collect_views
from tests import city

VIEWS = collect_views()
SMALL = 0.05
EVERYTHING = Scope.everything()
CITIES_ON = ("tiny-duckdb", "riverton-duckdb", "boston-duckdb", "tiny-postgres", "riverton-postgres")
"""The real export is held against its known answers on both engines elsewhere (test_import_boston)."""


def put_in_service(name: str, settings: Settings, request: pytest.FixtureRequest) -> None:
    if name == "boston":
        shutil.copytree(request.getfixturevalue("imported_boston")[0], settings.data, dirs_exist_ok=True)
        return
    with Build(settings, city.CITY if name == "tiny" else CITY) as build:
        if name == "tiny":
            city.write(build)
        else:
            for table, frame in demo_tables(scale=SMALL, years=1 if settings.database else 2):
                build.write(table, frame)
        build.publish(as_of=city.AS_OF if name == "tiny" else AS_OF)


@pytest.fixture(scope="module", params=CITIES_ON)
def services(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A city in service on an engine."""
    name, engine = request.param.split("-")
    database = request.getfixturevalue("new_database")() if engine == "postgres" else ""
    settings = Settings(data=tmp_path_factory.mktemp(name), database=database, cache="off")
    put_in_service(name, settings, request)
    found = Services(settings)
    yield found
    found.warehouse.close()


def searches(services: Services) -> list[str]:
    """The picture everybody opens, both switches, and one department's month."""
    switched = "?counting=incidents&event_days=out"
    if services.settings.database:
        return [switched]  # what the engines answer is compared measure by measure elsewhere
    busiest = services.values("department")[0].replace(" ", "+").replace("&", "%26")
    return ["", switched, f"?period=last-month&department={busiest}"]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_every_panel_ties_out(services: Services, view):
    if view.needs is Permission.READ_CONTACTS and not holds_contacts(services):
        return  # the view says so and asks nothing
    for search in searches(services):
        filters = filters_in(search, services)
        for panel in as_who_may(view.panels):
            where = f"{view.name}/{panel.name} {search}"
            try:
                answers = answers_to(panel, filters, services)
            except NotTold:
                continue  # the card says so, files are refused, and so is `ask`
            for at, (question, answer) in enumerate(zip(panel.queries, answers, strict=True)):
                if isinstance(question, OnDays):
                    question = question.of(answers[:at], context_of(panel, filters, services))
                if isinstance(answer, Rows):
                    asked = asked_of(question, asked_by(panel, filters, services), services.clock())
                    assert asked is not None, where
                    agrees_with_its_number(answer, asked[1], services, where)
                elif isinstance(answer, FoundPlaces):
                    places_add_up(answer, asked_by(panel, filters, services), services, where)
                elif isinstance(answer, Answer):
                    agrees_with_ask(question, answer, asked_by(panel, filters, services), services, where)
            if search == "":
                files_hold_the_answers(panel, filters, answers, services, where)
            has_the_rows_it_counts(panel, asked_by(panel, filters, services), services, where)
            shows_what_was_answered(panel, answers, filters, services, where)


def as_who_may(panels: Iterable[Panel]) -> Iterator[Panel]:
    """Each panel, looked at by a role that sees the whole city and may have it."""
    for panel in panels:
        with acting_as(Viewer("Analyst", "analyst") if panel.needs is Permission.READ_ADDRESSES else DEPUTY_MANAGER):
            yield panel


def places_add_up(found: FoundPlaces, filters: Filters, services: Services, where: str) -> None:
    """The hexagons of a map, and what lies in none, are all that was counted, in the period and along time."""
    total = number(services, found.question.of, filters)
    assert found.now.n.sum() + found.now.elsewhere == total, where
    along = number(services, found.question.of, filters.during(found.cut.period))
    assert found.along.n.sum() + found.along.elsewhere == along, where
    assert found.frame[found.question.of.name].sum() == found.now.n.sum(), where


@lru_cache(maxsize=5000)
def number(services: Services, measure, filters: Filters, column: str = "") -> float:
    """The number of a measure as a whole, or one of the columns it brings."""
    value = services.ask(Query((measure,)), filters, EVERYTHING).value(column or measure.name)
    return 0.0 if value is None else value


@lru_cache(maxsize=5000)
def listed(services: Services, measure, filters: Filters) -> int:
    """How many rows the list of a measure has."""
    return services.rows(Listing(measure, limit=1), filters).n


def agrees_with_ask(question: Any, answer: Answer, filters: Filters, services: Services, where: str) -> None:
    """The parts of an answer add up to the number that is asked for as a whole."""
    asked = asked_of(question, filters, services.clock())
    assert asked is not None, where
    query, during = asked
    frame, step = answer.frame, answer.every
    for part in parts_of(query.measures):
        assert not isinstance(part, Ratio)
        if any(dimension.standing_only for dimension in query.by) and not isinstance(part, Standing):
            continue
        if isinstance(part, Spread):
            assert frame[f"{part.name}_n"].sum() == number(services, part, during, f"{part.name}_n"), where
            continue
        if part.name not in frame.columns:
            continue
        found = frame
        if isinstance(part, Standing) and step is not None and len(frame):
            found = frame[frame[step] == frame[step].max()]
        periods = [during] if query.days is None else [during.during(Period(day, day + DAY)) for day in query.days]
        whole = sum(number(services, part, one) for one in periods)
        assert found[part.name].sum() == pytest.approx(whole, rel=1e-12, abs=1e-6), f"{where}: {part.name}"
    for measure in query.measures:
        if isinstance(measure, Ratio):
            under = frame[measure.under.name].to_numpy(float)
            share = np.divide(frame[measure.over.name], under, out=np.full(len(frame), np.nan), where=under != 0)
            np.testing.assert_allclose(frame[measure.name].to_numpy(float), share, err_msg=where)


def agrees_with_its_number(rows: Rows, filters: Filters, services: Services, where: str) -> None:
    measure = rows.listing.of
    counted = measure.under if isinstance(measure, Ratio) else measure
    if not rows.listing.conditions and not rows.listing.search:
        assert rows.n == number(services, counted, filters), where
    assert len(rows.frame) == min(rows.n, rows.listing.limit), where


def files_hold_the_answers(panel: Panel, filters: Filters, answers, services: Services, where: str) -> None:
    """The CSV has every row and number of the answers, the table on the screen their first rows."""
    lines = list(csv.reader(io.StringIO("".join(_csv(panel, filters, answers, services)))))
    heads = [i for i, line in enumerate(lines) if line and (i == 0 or not lines[i - 1])]
    written = [(line, lines[max(head for head in heads if head <= i)]) for i, line in enumerate(lines)
               if line and i not in heads]  # fmt: skip
    titled = _titled(panel, filters, answers, services)
    assert len(written) == sum(len(answer.frame) for _, answer in titled), where
    at = 0
    for title, answer in titled:
        mine = written[at : at + len(answer.frame)]
        at += len(answer.frame)
        first = int(bool(mine) and mine[0][1][0] == "Period")  # a list has no column for whose period it is
        for i, name in enumerate(answer.frame.columns, start=first):
            if pd.api.types.is_numeric_dtype(answer.frame[name]):
                told = [float(line[i]) if line[i] else np.nan for line, _ in mine]
                np.testing.assert_allclose(told, answer.frame[name].to_numpy(float), err_msg=f"{where}: {name}")
        table = markup(_table(panel, answer, title, services))
        assert table.count("<tr") == 1 + min(len(answer.frame), 500), where


def has_the_rows_it_counts(panel: Panel, filters: Filters, services: Services, where: str) -> None:
    """“List these requests” brings as many rows as the number says."""
    for measure in measures_of(panel):
        for part in parts_of((measure,)):
            if isinstance(part, Total) and part.unit != "requests":
                continue
            try:
                n = listed(services, part, filters)
            except BadRequest:
                assert part.fact.name not in ("request", "episode"), f"{where}: {part.name} has no list"
                continue
            counted = f"{part.name}_n" if isinstance(part, Spread) else part.name
            assert n == number(services, part, filters, counted), f"{where}: {part.name}"


TILE = re.compile(r'<div class="v">([^<]*)')
DERIVED = re.compile(
    "mean|7-day|difference|usual|expected|band|forecast|limit|median|target|interval|error", re.IGNORECASE
)
"""Names of what is computed from the answers and drawn beside them."""


def shows_what_was_answered(panel: Panel, answers, filters: Filters, services: Services, where: str) -> None:
    """A tile's figure is the answer's; the counts of a chart are counts that were answered."""
    drawing = panel.draw(answers, context_of(panel, filters, services))
    if drawing.is_empty:
        return
    if panel.kind == "tile":
        (shown,) = TILE.findall(markup(drawing.body))
        measure = panel.queries[0].measures[0]
        value = answers[0].value(measure)
        assert shown == (c.NOTHING if value is None else c.number(value, measure.unit)), where
    if drawing.figure is None or panel.name in DRAWN_OTHERWISE.get(where.split("/")[0], ()):
        return
    known = answered_numbers(answers)
    for trace in drawing.figure["data"]:
        if trace.get("hoverinfo") == "skip" or DERIVED.search(str(trace.get("name", ""))):
            continue
        parts = [OF.fullmatch(str(words)) for words in trace.get("hovertext") or ()]
        if parts and all(parts):  # a share, told with what it is a share of
            for value, part in zip(trace["y"], parts, strict=True):
                n, total = (float(number.replace(",", "")) for number in part.groups())
                assert {n, total} <= set(known) and (not total or value == pytest.approx(n / total)), where
            continue
        for axis in value_axes(trace):
            drawn = numbers_in(trace.get(axis))
            if set(drawn) <= set(numbers_in(drawing.figure["layout"].get(f"{axis}axis", {}).get("tickvals"))):
                continue  # rows with a name each, not values
            strange = [value for value in drawn if not is_close_to_any(value, known)]
            if len(strange) == 1 and is_close_to_any(sum(drawn), known):
                continue  # the last mark is the rest of a whole that was answered
            assert not strange, f"{where}: {trace.get('name')} {axis} draws {strange[:5]}, which nobody answered"


OF = re.compile(r"([\d,]+) of ([\d,]+)")


def value_axes(trace: dict[str, Any]) -> tuple[str, ...]:
    """The axes of a trace that hold values; the others hold places."""
    if "z" in trace:
        return ("z",)
    if trace.get("type") == "bar":
        return ("x",) if trace.get("orientation") == "h" else ("y",)
    return ("x", "y")


DRAWN_OTHERWISE: dict[str, tuple[str, ...]] = {
    "hotspots": ("map", "clusters"),  # classes and outlines (test_places)
    # means over the hours there were (test_figures, by hour of the week), and over the calls of seven days
    "demand": ("hours",),
    "calls": ("hours", "half-hours", "handle"),
    "closed-is-not-fixed": ("outcomes",),  # two outcomes of one meaning in one bar
    "before-after": ("groups", "study", "series", "fakes"),  # rates and ratios: test_did_it_work
    "agents": ("handle-time",),  # observed over expected: test_people, against a plain computation
    "staffing": ("week", "day", "model", "size"),  # worked out by the model: test_staffing
    "published-calls": ("needed",),
    # for the city's mix, and per resident: test_fair_service, against a plain computation
    "fair-service": ("funnel", "kept", "reports", "trend", "again", "channels"),  # the rarest channels in one bar
    "service-quality": ("routes", "weekdays"),  # for the same streams: test_service_quality
}
"""Panels whose marks are computed from the answers, each with a test of its own."""


def numbers_in(values: Any) -> list[float]:
    if values is None:
        return []
    flat = np.asarray(values, dtype=object).ravel()
    return [float(one) for one in flat if isinstance(one, int | float | np.number) and np.isfinite(float(one))]


def answered_numbers(answers) -> np.ndarray:
    """Every number of the answers, their sums over everything, over each dimension and of a few columns, shares of
    those sums, and seconds as minutes."""
    found: list[np.ndarray] = [np.zeros(1)]
    for answer in answers:
        if not isinstance(answer, Answer) or answer.frame.empty:
            continue
        frame = answer.frame
        numeric = [str(name) for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])]
        others = [str(name) for name in frame.columns if str(name) not in numeric]
        grouped = [frame[numeric], frame[numeric].sum().to_frame().T]
        grouped += [frame.groupby(other)[numeric].sum() for other in others]
        grouped += [frame.groupby(list(pair))[numeric].sum() for pair in combinations(others, 2)]
        for other in others:  # what part of its day, department … each is
            with np.errstate(divide="ignore", invalid="ignore"):
                found.append((frame[numeric] / frame.groupby(other)[numeric].transform("sum")).to_numpy(float).ravel())
        for one in grouped:
            found.append(one.to_numpy(float).ravel())
            counts = [name for name in numeric if pd.api.types.is_integer_dtype(frame[name])][:6]
            for size in range(2, len(counts) + 1):
                found += [one[list(few)].sum(axis=1).to_numpy(float) for few in combinations(counts, size)]
            with np.errstate(divide="ignore", invalid="ignore"):
                found += [
                    one[over].to_numpy(float) / one[under].to_numpy(float) for over, under in permutations(counts, 2)
                ]
    known = np.concatenate(found)
    known = np.concatenate([known, known / 60])
    return np.unique(known[np.isfinite(known)])


def is_close_to_any(value: float, known: np.ndarray) -> bool:
    """Whether the sorted `known` hold `value`."""
    at = np.searchsorted(known, value)
    near = known[max(at - 1, 0) : at + 1]
    return bool(np.isclose(near, value, rtol=1e-9, atol=1e-9).any())


def test_the_walk_meets_every_kind_of_number():
    """The walk above is worth what it walks: every kind of measure, and every fact that is counted on a screen."""
    shown = [measure for view in VIEWS for panel in view.panels for measure in measures_of(panel)]
    assert {type(measure) for measure in shown} == {Total, Standing, Ratio, Spread}
    assert {measure.name for measure in shown} <= set(CATALOGUE)
    chosen = [panel.chooses() for view in VIEWS for panel in view.panels]
    assert set(DIMENSIONS) >= {one.name for one in chosen if isinstance(one, Dimension)}
