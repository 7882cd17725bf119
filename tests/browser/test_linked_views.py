"""Every view follows every click: real journeys over a real city, and what its numbers are.

A click on a department, a type, a district, a place or an hour, and a drag along time, each change every other
panel, the address and the answer to Back; the card that was clicked keeps all its marks.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import h3
import pytest
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from dashboard.domain.filters import Filters
from dashboard.domain.policy import Scope
from dashboard.repeats import KEPT
from dashboard.services import Services
from dashboard.settings import Settings
from data_access.build import Build
from data_access.importers.report import Report
from data_access.measures import CATALOGUE
from data_access.semantics import Dimension, Query
from layouts.views import collect_views
from tests import city
from tests.browser.conftest import serving, settle, visiting

AUGUST = "?from=2011-08-01&to=2011-09-01"
PATIENCE_S = 30.0  # two processors shared with a browser and a server can be busy


@pytest.fixture(scope="session")
def boston(tmp_path_factory: pytest.TempPathFactory, imported_boston: tuple[Path, Report]) -> Settings:
    """Half a year of a real city."""
    data = tmp_path_factory.mktemp("boston")
    shutil.copytree(imported_boston[0], data, dirs_exist_ok=True)
    return Settings(data=data)


@pytest.fixture(scope="session")
def boston_address(boston: Settings) -> Iterator[str]:
    """Where Boston is served."""
    with serving(boston.data) as url:
        yield url


@pytest.fixture
def visit_boston(chromium, boston_address: str) -> Iterator[Callable[..., Page]]:
    """Opens a page of Boston."""
    with visiting(chromium, boston_address) as visit:
        yield visit


# ── What is on a page ───────────────────────────────────────────────────────────────────────────────

TOLD = """() => Object.fromEntries([...document.querySelectorAll("section[aria-label]")]
  .filter((card) => !card.querySelector(".state.is-empty"))
  .map((card) => {
    const plot = card.querySelector(".chart:not(.is-absent) .js-plotly-plot");
    const marks = plot && plot.data.map((t) => [t.x, t.y, t.z, t.text, t.locations, t.customdata]);
    const words = [...card.querySelectorAll(".answer, .body")].map((one) => one.textContent).join(" ");
    return [card.getAttribute("aria-label"), words + " " + JSON.stringify(marks)];
  }))"""


def told(page: Page) -> dict[str, str]:
    """Each card's sentence, table and figure, in words; cards that have nothing to say are left out."""
    return page.evaluate(TOLD)


def eventually(page: Page, read: Callable[[], object], wanted: object) -> None:
    """Wait until `read` gives `wanted`, else say what it gave."""
    until = time.monotonic() + PATIENCE_S
    while (found := read()) != wanted and time.monotonic() < until:
        page.wait_for_timeout(50)
    assert found == wanted


def card(page: Page, question: str) -> Locator:
    """The card with that title."""
    return page.locator(f'section[aria-label="{question}"]')


def plot(page: Page, question: str) -> Locator:
    """The figure on that card."""
    return card(page, question).locator(".js-plotly-plot")


def keys(page: Page) -> dict[str, list[str]]:
    """The filters in the address bar."""
    return parse_qs(urlsplit(page.url).query)


# ── Marks, and pressing them ────────────────────────────────────────────────────────────────────────


def row(page: Page, question: str, name: str) -> Locator:
    """A row of a table by its name."""
    return card(page, question).locator("tbody tr").filter(has=page.get_by_role("link", name=name, exact=True))


def press_row(page: Page, question: str, name: str) -> None:
    """Click a cell of the row that is no link."""
    row(page, question, name).locator("td").last.click()


def rows(page: Page, question: str) -> dict[str, str]:
    """The rows that can be chosen, and whether each is chosen or faded."""
    found = card(page, question).locator("tbody tr:has(th a)")
    return dict(found.evaluate_all("all => all.map((one) => [one.querySelector('th').innerText, one.className])"))


def press_mark(page: Page, question: str, name: str) -> None:
    """Click a dot or a bar of a figure with the mouse."""
    plot(page, question).scroll_into_view_if_needed()
    at = plot(page, question).evaluate(
        """(plot, name) => {
             for (const trace of plot.calcdata.entries()) {
               const place = (plot.data[trace[0]].customdata || []).indexOf(name);
               const drawn = plot.querySelectorAll(".scatterlayer .trace, .barlayer .trace");
               const marks = place < 0 ? [] : drawn[trace[0]].querySelectorAll("path.point, .point path");
               if (marks.length) {
                 const box = marks[place].getBoundingClientRect();
                 return [box.x + box.width / 2, box.y + box.height / 2];
               }
             }
           }""",
        name,
    )
    page.mouse.click(*at)


def press_place(page: Page, question: str, cell: str) -> None:
    """Click a hexagon of a map with the mouse."""
    latitude, longitude = h3.cell_to_latlng(cell)
    at = plot(page, question).evaluate(
        """async (plot, place) => {
             const map = plot._fullLayout.map._subplot.map;
             while (!map.loaded() || map.isMoving()) await new Promise((go) => setTimeout(go, 50));
             const box = map.getCanvas().getBoundingClientRect(), { x, y } = map.project(place);
             return [box.x + x, box.y + y];
           }""",
        [longitude, latitude],
    )
    page.mouse.move(*at)
    page.mouse.click(*at)


def drag(page: Page, question: str, begin: float, end: float) -> None:
    """Drag along the time axis, from one share of its width to another."""
    place = card(page, question).locator(".nsewdrag").first
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    height = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + begin * box["width"], height)
    page.mouse.down()
    page.mouse.move(box["x"] + (begin + end) / 2 * box["width"], height, steps=4)
    page.mouse.move(box["x"] + end * box["width"], height, steps=4)
    page.mouse.up()


# ── Journeys ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Journey:
    """A mark on a card, what pressing it puts into the address, and what the chip then says."""

    path: str
    question: str
    press: Callable[[Page, str, str], None]
    dimension: str
    value: str
    chip: str

    def __str__(self) -> str:
        return f"{self.path[1:]}-{self.dimension}-{self.press.__name__[6:]}"


PARKS = "Parks & Recreation"
PLACE = "892a306630bffff"
JOURNEYS = [
    Journey("/backlog", "How old is it, and whose?", press_row, "department", PARKS, PARKS),
    Journey("/promises", "Which departments keep theirs?", press_mark, "department", PARKS, PARKS),
    Journey("/demand", "What is asked for?", press_row, "service_type", "Graffiti Removal", "Graffiti Removal"),
    Journey("/demand", "Where do requests come from?", press_row, "district", "Roxbury", "Roxbury"),
]


AHEAD = {"How many requests are coming?", "How many people will get in touch?"}
"""Cards that look ahead from the last day of the data, whatever the period."""


def of_one_dimension(path: str, dimension: str) -> set[str]:
    """The cards of a view on which values of `dimension` are chosen: they keep all of them in sight."""
    view = next(view for view in collect_views() if view.href == path)
    return {
        one.question for one in view.panels if isinstance(one.chooses(), Dimension) and one.chooses().name == dimension
    }


def follow(page: Page, still: set[str], before: dict[str, str]) -> dict[str, str]:
    """Wait until every card but those in `still` tells something else than before; gives what all tell now."""
    others = set(before) - still
    assert others
    eventually(page, lambda: {name for name, words in told(page).items() if words != before.get(name)} & others, others)
    settle(page)
    return told(page)


@pytest.mark.parametrize("journey", JOURNEYS, ids=str)
def test_a_mark_changes_every_other_panel_and_back_takes_it_back(visit_boston, journey: Journey):
    page = visit_boston(journey.path + AUGUST)
    before, start, marks = told(page), keys(page), rows(page, journey.question)
    chip = page.locator(f'.chip[title="Take back {journey.chip}"]')

    journey.press(page, journey.question, journey.value)
    eventually(page, lambda: keys(page), start | {journey.dimension: [journey.value]})
    after, address = follow(page, of_one_dimension(journey.path, journey.dimension), before), page.url
    expect(chip).to_be_visible()
    if marks:  # a table keeps its rows: one is chosen, the others fade
        assert rows(page, journey.question) == {name: "sel" if name == journey.value else "faded" for name in marks}
    else:
        drawn = plot(page, journey.question).evaluate("plot => plot.data.at(-1)")
        names = drawn.get("locations") or drawn["customdata"]
        bold = [name for name, opacity in zip(names, drawn["marker"]["opacity"], strict=True) if opacity == 1]
        assert journey.value in bold and set(bold) <= {journey.value, None}  # None: the whole city
        assert len(names) > 5

    page.go_back()
    eventually(page, lambda: told(page), before)
    assert keys(page) == start
    page.go_forward()
    eventually(page, lambda: told(page), after)
    assert page.url == address

    journey.press(page, journey.question, journey.value)  # once more, to take it back
    eventually(page, lambda: told(page), before)
    assert keys(page) == start
    expect(chip).to_have_count(0)

    if journey is JOURNEYS[0]:  # a link is the address alone, whichever mark wrote it
        copied = visit_boston(address)
        eventually(copied, lambda: told(copied), after)


def test_a_hexagon_is_chosen_on_the_map_and_back_takes_it_back(visit_boston):
    page = visit_boston("/hotspots" + AUGUST)
    start, chips = keys(page), page.locator(".chip").count()
    press_place(page, "Where is more reported than chance explains?", PLACE)
    eventually(page, lambda: keys(page), start | {"hexagon_9": [PLACE.rstrip("f")]})
    expect(page.locator(".chip")).to_have_count(chips + 1)
    page.go_back()
    eventually(page, lambda: keys(page), start)
    expect(page.locator(".chip")).to_have_count(chips)


def test_a_drag_along_time_sets_the_period_and_back_takes_it_back(visit_boston):
    page = visit_boston("/demand" + AUGUST)
    before, start = told(page), keys(page)

    drag(page, "How many requests come in?", 0.25, 0.6)
    eventually(page, lambda: keys(page) != start, True)
    after, address = follow(page, AHEAD, before), page.url
    period = keys(page)
    assert set(period) == {"from", "to"}
    assert "2011-08-01" < period["from"][0] < period["to"][0] < "2011-09-01"
    assert re.match(r"\d+–\d+ Aug 2011", page.locator("#pick-period > summary").inner_text())
    chip = page.locator(".chip")
    expect(chip).to_contain_text("Period")

    page.go_back()
    eventually(page, lambda: told(page), before)
    assert keys(page) == start
    page.go_forward()
    eventually(page, lambda: told(page), after)
    copied = visit_boston(address)
    eventually(copied, lambda: told(copied), after)

    chip.click()  # back to the usual period
    eventually(page, lambda: keys(page), {})
    expect(chip).to_have_count(0)


HOLES = """() => Object.fromEntries([...document.querySelectorAll(".panel:has(>.chart:not(.is-absent,.is-map))")].map(
  (card) => [card.dataset.panel, Math.round(card.querySelector(".foot").getBoundingClientRect().top
    - Math.max(...[...card.querySelectorAll(".graph .svg-container, .body > *")].map(
      (one) => one.getBoundingClientRect().bottom)))]))"""
"""The empty pixels between what each card shows and its foot."""
MARGIN = """() => document.querySelector('[data-panel="opened"] .graph')._fullLayout.margin.r"""


def test_beside_a_tall_card_figures_grow_and_are_drawn_anew_for_another_width(visit_boston):
    page = visit_boston("/districts" + AUGUST)
    eventually(page, lambda: max(page.evaluate(HOLES).values()) <= 48, True)
    opened = page.locator('[data-panel="opened"] .svg-container')
    assert opened.bounding_box()["height"] > 350  # as tall as the seventeen districts beside it
    assert page.evaluate(MARGIN) == 12  # a third of a desk: no words beside the plot
    page.set_viewport_size({"width": 1100, "height": 900})  # now each card has a row of its own
    eventually(page, lambda: page.evaluate(MARGIN), 84)
    eventually(page, lambda: round(opened.bounding_box()["height"]), 280)


def test_few_changes_lie_above_the_scorecard_and_leave_no_hole_beside_it(visit_boston):
    page = visit_boston("/")
    changes, scorecard = (page.locator(f'[data-panel="{name}"]').bounding_box() for name in ("changes", "scorecard"))
    assert changes["width"] == scorecard["width"] and changes["y"] + changes["height"] < scorecard["y"]


def test_where_a_pointer_rests_is_answered_ahead_of_the_click(visit_boston):
    page = visit_boston("/backlog" + AUGUST)
    last = page.locator(".panel.can-pick tbody tr:has(th a)").last
    with page.expect_response(lambda said: "x-ahead" in said.request.headers) as said:
        last.locator("td").first.hover()  # anywhere on a row is its link
    assert said.value.status == 204
    settle(page)

    def is_the_click(answer) -> bool:
        return '"output":"answers.data"' in (answer.request.post_data or "")

    with page.expect_response(is_the_click) as clicked:
        last.locator("td").first.click()
    assert clicked.value.headers["server-timing"] == KEPT


def test_an_answer_that_comes_late_is_not_shown_under_another_address(visit_boston):
    september, october = "from=2011-09-01&to=2011-10-01", "from=2011-10-01&to=2011-11-01"
    wanted = told(visit_boston(f"/demand?{september}"))
    page = visit_boston("/demand" + AUGUST)
    held: dict[str, tuple[Route, APIResponse]] = {}

    def hold(route: Route) -> None:
        body = route.request.post_data or ""
        # What takes longer for the address that is left, and what comes first for the next one: both at once.
        kinds = {"later": '"output":"later-answers' in body and october in body,
                 "first": '"output":"answers' in body and september in body}  # fmt: skip
        kind = next((one for one, meant in kinds.items() if meant and one not in held), None)
        if kind is None:
            route.continue_()
            return
        held[kind] = route, route.fetch()

    def go(search: str) -> None:
        page.evaluate(f"history.pushState(null, '', '?{search}'); dispatchEvent(new Event('popstate'))")

    page.route("**/_dash-update-component*", hold)
    for search, kind in ((october, "later"), (september, "first")):
        go(search)
        eventually(page, lambda kind=kind: kind in held, True)
    busy = "const until = performance.now() + 600; while (performance.now() < until);"
    page.evaluate(f"setTimeout(() => {{ {busy} }}, 0)")  # a page that draws hears of both at once
    for kind in ("first", "later"):
        route, response = held[kind]
        route.fulfill(response=response)
    eventually(page, lambda: told(page), wanted)
    settle(page)
    assert told(page) == wanted


# ── The same numbers everywhere ─────────────────────────────────────────────────────────────────────

TYING = {
    "/" + AUGUST: (
        ("Requests opened", "opened", "11,547"),
        ("Promises kept", "sla_compliance", "77.1 %"),
        ("Promises kept", "due", "n 7,659"),
        ("Open at the end", "backlog", "4,808"),
    ),
    "/hotspots?period=all&service_type=Rodent+Activity": (("When were they reported?", "opened", "811"),),
}


@pytest.mark.parametrize("address", TYING)
def test_a_panel_says_what_the_command_line_says(visit_boston, boston, address):
    services = Services(boston)
    page = visit_boston(address)
    filters = Filters.from_search(address[address.index("?") :], services.clock(), services.dimensions)
    for question, measure, words in TYING[address]:
        value = services.ask(Query((CATALOGUE[measure],)), filters, Scope.everything()).value(CATALOGUE[measure])
        number = f"{100 * value:.1f} %" if CATALOGUE[measure].unit == "share" else f"{value:,.0f}"
        assert number in words  # what was worked out from the file by other means
        expect(card(page, question)).to_contain_text(words)
    services.warehouse.close()


# ── A new build while somebody looks ────────────────────────────────────────────────────────────────


def publish(settings: Settings, copies: int) -> None:
    """The tiny city with its requests so many times over."""
    with Build(settings, city.CITY) as build:
        city.write(build)
        for copy in range(1, copies):
            requests = city.requests().assign(parent_request_id=None)
            build.write("request", requests.assign(request_id=requests["request_id"] + f"-{copy}"))
        build.publish(as_of=city.AS_OF)


def test_a_new_build_is_shown_within_two_seconds_and_nothing_fails(chromium, tmp_path):
    settings = Settings(data=tmp_path)
    publish(settings, 1)
    with serving(tmp_path) as address, visiting(chromium, address) as visit:
        page = visit("/?period=all")
        tile = card(page, "Requests opened").locator(".body")
        once = int(re.search(r"\d+", tile.inner_text()).group())
        failed: list[str] = []
        page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
        done = threading.Event()

        def keep_asking() -> None:
            while not done.is_set():
                try:
                    urllib.request.urlopen(f"{address}/export/demand/types.csv?period=all", timeout=20).read()
                except OSError as problem:
                    failed.append(str(problem))

        asking = threading.Thread(target=keep_asking)
        asking.start()
        try:
            publish(settings, 3)
            published = time.monotonic()
            while True:
                asked = time.monotonic()
                page.reload()
                settle(page)
                if int(re.search(r"\d+", tile.inner_text()).group()) != once:
                    break
                assert asked - published < 2
        finally:
            done.set()
            asking.join()
        expect(tile).to_contain_text(str(3 * once))
        assert failed == []
