"""What people come for, in the demo city: each role's way from a question to one request and back, and the clicks that
lead from Overview to what happened there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard.settings import Settings
from data_access.build import Build
from data_access.demo_city import AS_OF, CITY, STORIES, demo_tables
from tests.browser.conftest import program, serving, settle, visiting
from tests.browser.test_linked_views import card, eventually, keys, press_row, row, told
from tests.browser.test_requests import numbers

SCALE = 0.15
"""As small as the stories can still be told apart from chance."""
DEPARTMENT, DISTRICT = "Sanitation", "4 Mill Ward"


@pytest.fixture(scope="module")
def riverton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a small Riverton is served."""
    data = tmp_path_factory.mktemp("riverton")
    with Build(Settings(data=data), CITY) as build:
        for table, frame in demo_tables(scale=SCALE):
            build.write(table, frame)
        build.publish(as_of=AS_OF)
    with serving(data) as url:
        yield url


@pytest.fixture
def see_as(chromium, riverton: str) -> Iterator[Callable[..., Page]]:
    """Opens Overview in the eyes of a role, which is taken on by a click."""
    with visiting(chromium, riverton) as visit:

        def opened(role: str = "Deputy manager") -> Page:
            page = visit("/")
            if role != "Deputy manager":
                page.locator(".see-as > summary").click()
                page.locator(".see-as").get_by_role("link", name=re.compile(f"^{role}")).click()
                expect(page.locator(".who-name b")).to_have_text(role)
                settle(page)
            return page

        yield opened


@pytest.fixture(scope="module")
def window(chromium, riverton: str) -> Iterator[Page]:
    """A window in which stories are looked for, one after another."""
    with visiting(chromium, riverton) as visit:
        yield visit("/")


@pytest.fixture
def overview(window: Page) -> Page:
    """That window, back at the usual picture of Overview."""
    if window.url.rstrip("/").count("/") > 2 or "?" in window.url:
        click(window, window.locator("#main-menu .brand"))
    assert title(window) == "Overview" and keys(window) == {}
    return window


def test_without_webgl_the_list_stays_and_says_why_there_is_no_map(chromium, riverton):
    without = ["--no-sandbox", "--disable-gpu", "--disable-3d-apis", "--disable-webgl", "--disable-webgl2"]
    bare = chromium.browser_type.launch(executable_path=program(), args=without)
    try:
        with visiting(bare, riverton) as visit:
            page = visit("/hotspots?period=all")
            assert page.evaluate("document.createElement('canvas').getContext('webgl2')") is None
            map_of, places = card(page, "Where is more reported than chance explains?"), "Which places come first?"
            expect(map_of.locator(".no-map")).to_be_visible()
            expect(map_of.locator(".chart")).to_be_hidden()
            assert card(page, places).locator("tbody tr").count() >= 3
            place = card(page, places).locator("[data-cell]").first
            name = place.inner_text()
            click(page, place)  # it chooses as the map does
            assert name in card(page, "What is known of the place?").inner_text()
            page.goto("/promises")
            page.locator(".chart.no-webgl").wait_for(state="attached")
            said = "getComputedStyle(document.querySelector('.chart.no-webgl'), '::before').content"
            assert "no WebGL" in page.evaluate(said)
    finally:
        bare.close()


MARKS = """(plot) => [...plot.querySelectorAll(".map-marks path")]
  .map((path) => path.getAttribute("d").split("M").length - 1)"""
"""How many shapes fade the others, ring what is chosen, and ring what is pointed at."""
COUNT_DRAWINGS = """(plot) => {
  const { react } = Plotly;
  window.drawings = 0;
  Plotly.react = (graph, ...rest) => { if (graph === plot) drawings += 1; return react(graph, ...rest); };
}"""
KEEP_PICTURE = (
    """() => { Plotly.toImage = (picture) => { window.picture = picture.data; return new Promise(() => {}); }; }"""
)
POINTED, BOTH, CHOSEN, NEITHER = [0, 0, 1], [2, 1, 1], [2, 1, 0], [0, 0, 0]


def test_a_place_chosen_in_the_list_is_marked_on_the_map_before_the_answer_and_without_drawing_it_again(
    chromium, riverton
):
    with visiting(chromium, riverton) as visit:
        page = visit("/hotspots?period=all&service_type=Rats+and+vermin")
        map_of, place = card(page, "Where is more reported than chance explains?"), page.locator("[data-cell]").nth(1)
        plot, cell = map_of.locator(".js-plotly-plot"), place.get_attribute("data-cell")
        eventually(page, lambda: plot.evaluate(MARKS), NEITHER)
        assert plot.locator(".numbers text").all_text_contents()[0] == "1"
        place.hover()
        eventually(page, lambda: plot.evaluate(MARKS), POINTED)
        plot.evaluate(COUNT_DRAWINGS)

        held = []
        page.route("**/_dash-update-component*", lambda route: held.append(route))  # noqa: PLW0108 playwright marks what it calls
        place.click()
        eventually(page, lambda: plot.evaluate(MARKS), BOTH)
        assert held  # nothing was answered yet
        page.unroute("**/_dash-update-component*")  # lets those that were held go on
        eventually(page, lambda: "hexagon_9" in keys(page), True)
        arrive(page)
        expect(map_of.locator(".panel-menu")).to_be_visible()
        assert page.evaluate("drawings") == 0
        page.evaluate(KEEP_PICTURE)
        map_of.locator(".panel-menu > summary").click()
        map_of.locator("[data-png]").click()
        eventually(page, lambda: page.evaluate("Boolean(window.picture)"), True)
        kept = [one for one in page.evaluate("picture") if one["type"] == "choroplethmap"]
        assert [one["marker"]["opacity"] for one in kept] == [0.38, 1] and kept[1]["locations"] == [cell]
        assert page.evaluate("picture.at(-1).text")[0] == "1"

        where = plot.locator(".map-marks .chosen")
        before = where.get_attribute("d")
        plot.evaluate("(plot) => { plot._fullLayout.map._subplot.map.panBy([40, 0], { animate: false }); }")
        eventually(page, lambda: where.get_attribute("d") != before, True)  # it moves with the map

        page.reload()
        settle(page)
        plot = map_of.locator(".js-plotly-plot")
        eventually(page, lambda: plot.evaluate(MARKS), CHOSEN)
        page.locator(".chip", has_text="Place").click()
        arrive(page)
        eventually(page, lambda: plot.evaluate(MARKS), NEITHER)


COLOURS = """(plot) => {
  const { map } = plot._fullLayout.map._subplot, all = plot.data[0].locations.length, found = {};
  for (let id = 0; id < all; id += 1) {
    const { colour } = map.getFeatureState({ source: "places", id });
    if (colour) found[colour] = (found[colour] || 0) + 1;
  }
  return found;
}"""
"""How many hexagons of a map have which colour."""
MIDDLE = """async (plot, cell) => {
  const { features } = await (await fetch(plot.data[0].geojson)).json();
  const corners = features.find(({ id }) => id === cell).geometry.coordinates[0].slice(1);
  const middle = [0, 1].map((axis) => corners.reduce((sum, one) => sum + one[axis], 0) / corners.length);
  const { x, y } = plot._fullLayout.map._subplot.map.project(middle), box = plot.getBoundingClientRect();
  return [box.x + x, box.y + y];
}"""
"""Where on the screen a hexagon is."""


def test_another_answer_colours_the_places_of_a_map_without_drawing_it_again(chromium, riverton):
    with visiting(chromium, riverton) as visit:
        page = visit("/hotspots?period=all&service_type=Rats+and+vermin")
        map_of = card(page, "Where is more reported than chance explains?")
        plot = map_of.locator(".js-plotly-plot")

        def in_key() -> list[int]:
            """The numbers of the key without those that are pale."""
            return sorted(
                int(n.replace(",", "")) for n in map_of.locator(".mapkey em").all_inner_texts()[:-1] if n != "0"
            )

        def on_map() -> list[int]:
            return sorted(plot.evaluate(COLOURS).values())

        eventually(page, lambda: on_map() == in_key() != [], True)
        significant = plot.evaluate(COLOURS)
        plot.evaluate(COUNT_DRAWINGS)
        click(page, map_of.get_by_role("link", name="Count"))
        eventually(page, lambda: on_map() == in_key(), True)
        assert plot.evaluate(COLOURS) != significant
        click(page, map_of.get_by_role("link", name="Significance"))
        eventually(page, lambda: plot.evaluate(COLOURS), significant)

        page.locator("#pick-period > summary").click()
        click(page, page.locator("#pick-period a.option", has_text="Last 12 months"))
        eventually(page, lambda: on_map() == in_key(), True)
        first = card(page, "Which places come first?").locator("tbody tr").first
        name, reports = first.locator("[data-cell]").inner_text(), first.locator("td").nth(1).inner_text().split()[0]
        page.mouse.move(*plot.evaluate(MIDDLE, first.locator("[data-cell]").get_attribute("data-cell")))
        said = plot.locator(".hoverlayer .hovertext")
        expect(said).to_contain_text(name)  # the words of this answer, not of the one that was drawn
        expect(said).to_contain_text(f"{reports} reports")

        whole = plot.evaluate(COLOURS)
        then = map_of.locator("[data-slice]").first
        then.click()
        eventually(page, lambda: plot.evaluate(COLOURS) != whole, True)
        then.click()
        eventually(page, lambda: plot.evaluate(COLOURS), whole)
        assert page.evaluate("drawings") == 0

        page.locator("button[data-theme-choice=dark]").click()
        eventually(page, lambda: on_map() == in_key() and not set(plot.evaluate(COLOURS)) & set(whole), True)


# ── Clicking, and what is then on the page ──────────────────────────────────────────────────────────


def click(page: Page, what: Locator) -> None:
    """Click what leads to another picture, and wait for it."""
    before = page.url
    what.click()
    eventually(page, lambda: page.url != before, True)
    arrive(page)


def arrive(page: Page) -> None:
    """Wait for the picture that the address means: its title, its answers and its list."""
    page.wait_for_timeout(150)  # until the questions are asked
    settle(page)
    if page.locator(".grid-place").count():
        numbers(page)


def menu(page: Page, name: str) -> Locator:
    """An entry of the menu."""
    return page.locator("#menu").get_by_role("link", name=name, exact=True)


def entries(page: Page) -> list[str]:
    """What the menu offers."""
    return page.locator("#menu nav a, #menu li a").all_inner_texts()


def title(page: Page) -> str:
    """What is shown."""
    return page.locator("h1").inner_text()


def count_in(words: str) -> int:
    """The first whole number in some words."""
    return int(re.search(r"\d[\d,]*", words).group().replace(",", ""))


def said(page: Page, question: str) -> str:
    """The words and the table on a card."""
    return " ".join(card(page, question).locator(".answer, .body").all_inner_texts())


def list_these(page: Page, question: str) -> None:
    """“List these requests” in a card's menu."""
    card(page, question).locator(".panel-menu > summary").click()
    click(page, card(page, question).get_by_role("link", name="List these requests"))
    assert title(page) == "Requests"


def cells(page: Page, column: str) -> set[str]:
    """What a column of the list says in the rows on the screen."""
    return set(page.locator(f".list-grid .ag-row .ag-cell[col-id={column}]").all_inner_texts()) - {""}


def open_first(page: Page) -> None:
    """Click the first row of the list; the timeline is that request's."""
    first = page.locator(".list-grid .ag-row[row-index='0']")
    kind = first.locator(".ag-cell[col-id=service_type]")
    number = first.locator("a").get_attribute("href").split("?")[0].rsplit("/", 1)[1]
    service = kind.inner_text()
    click(page, kind)
    assert page.url.split("?")[0].endswith(f"/requests/{number}")
    expect(page.locator(".tl")).to_contain_text(f"Opened as {service}")


class Way:
    """The pictures met on the way, each to be found again by Back."""

    def __init__(self, page: Page):
        self.page, self.met = page, []

    def go(self, step: Callable[[], None]) -> None:
        """Remember what is shown, then take a step."""
        self.met.append(self.shown())
        step()

    def shown(self) -> tuple[str, str, object]:
        """The address, the title and what each card tells; of a list, its sentence and its rows."""
        rows = numbers(self.page)[:8] if self.page.locator(".grid-place").count() else []
        return self.page.url, title(self.page), (told(self.page), rows)

    def back(self) -> None:
        """Every step back shows the same picture."""
        for was in reversed(self.met):
            self.page.go_back()
            arrive(self.page)
            eventually(self.page, self.shown, was)


# ── The roles ───────────────────────────────────────────────────────────────────────────────────────


def test_a_deputy_manager_follows_what_changed_to_one_request(see_as):
    page = see_as()
    way = Way(page)
    signal = card(page, "What changed?").locator("li").filter(has=page.get_by_role("link", name="Backlog")).first
    department, waiting = re.match(r"(.+): ([\d,]+) open", signal.inner_text()).groups()
    way.go(lambda: click(page, signal.get_by_role("link", name="Backlog")))
    assert title(page) == "Backlog" and keys(page) == {"department": [department]}
    expect(page.locator(f'.chip[title="Take back {department}"]')).to_be_visible()
    standing = count_in(card(page, "Where do we stand?").locator(".v").first.inner_text())
    assert f"{standing} requests are open" in said(page, "How much work is waiting?")
    assert abs(standing - count_in(waiting)) < count_in(waiting)  # the end of April and of the period

    ages = "How old is it, and whose?"
    assert str(standing) in row(page, ages, department).inner_text().split()
    other = next(name for name in card(page, ages).locator("tbody th a").all_inner_texts() if name != department)
    way.go(lambda: click(page, row(page, ages, other).locator("td").last))
    assert keys(page) == {"department": sorted([department, other])}
    both = count_in(card(page, "Where do we stand?").locator(".v").first.inner_text())
    assert both > standing

    way.go(lambda: list_these(page, "How much work is waiting?"))
    assert f"{both} requests" in said(page, "Which requests are they?")
    assert cells(page, "department") <= {department, other}
    way.go(lambda: open_first(page))
    expect(card(page, "What is it?")).to_contain_text("Addressnot shown for your role")
    way.back()


def test_a_department_head_goes_through_the_own_overdue_work(see_as):
    page = see_as("Department head")
    way = Way(page)
    assert {"Backlog", "Requests"} <= set(entries(page)) and not {"Calls", "Agents"} & set(entries(page))
    way.go(lambda: click(page, menu(page, "Backlog")))
    late = int(re.search(r"of which (\d+)", said(page, "Where do we stand?")).group(1))
    assert set(card(page, "How old is it, and whose?").locator("tbody th").all_inner_texts()) == {DEPARTMENT}
    others = {"Housing", "Parks & Forestry", "Parks &amp; Forestry", "Vector &amp; Animal", "Streets &amp; Traffic"}
    assert not [name for name in others if name in page.content()]

    latest = card(page, "Which are most overdue?")
    assert f"of {late}" in latest.locator(".answer").inner_text()
    way.go(lambda: click(page, latest.get_by_role("link", name=f"All {late} requests")))
    assert f"{late} requests: open and overdue" in said(page, "Which requests are they?")
    assert cells(page, "department") == {DEPARTMENT}
    way.go(lambda: open_first(page))
    expect(page.locator(".tl")).to_contain_text("Promise missed")
    expect(card(page, "What is it?")).to_contain_text(DEPARTMENT)
    expect(page.locator("#page")).not_to_contain_text("not shown for your role")
    way.back()


def test_a_supervisor_looks_at_the_storm_and_at_the_own_team(see_as):
    page = see_as("311 supervisor")
    way = Way(page)
    way.go(lambda: click(page, menu(page, "Calls")))
    assert "The city’s events: Storm." in said(page, "Did calls surge?")
    reasons, first = "Why do they get in touch?", "New request"
    asked = count_in(row(page, reasons, first).locator("td.num").first.inner_text())
    way.go(lambda: press_row(page, reasons, first))
    eventually(page, lambda: keys(page), {"reason": [first]})
    arrive(page)
    expect(page.locator(f'.chip[title="Take back {first}"]')).to_be_visible()
    assert f"{first} comes first with {asked:,} of" in said(page, reasons)

    way.go(lambda: click(page, menu(page, "Agents")))
    names = card(page, "All of it, side by side").locator("tbody th").all_inner_texts()
    own = [name for name in names if not re.match(r"\d+ others", name)]
    assert own and all(re.fullmatch(r"\w+ \w+", name) for name in own)
    assert f"Your {len(own)} agents handled" in said(page, "All of it, side by side")
    assert not re.search(r"\bA\d\d\b", page.locator("#page").inner_text())

    way.go(lambda: click(page, menu(page, "Requests")))
    assert "address" not in " ".join(page.locator(".ag-header-cell").all_inner_texts()).lower()
    way.go(lambda: open_first(page))
    expect(card(page, "What is it?")).to_contain_text("Addressnot shown for your role")
    way.back()


def test_a_council_member_sees_what_is_open_in_the_own_district(see_as):
    page = see_as("Council member")
    way = Way(page)
    assert not {"Calls", "Agents"} & set(entries(page))
    way.go(lambda: click(page, menu(page, "Districts")))
    sides = "How do the districts stand side by side?"
    assert card(page, sides).locator("tbody th a").all_inner_texts() == [DISTRICT]
    for other in ("Old Port", "Sable Park", "Eastmoor", "Fairhaven"):
        assert other not in page.locator("#page").inner_text()
    way.go(lambda: press_row(page, sides, DISTRICT))
    eventually(page, lambda: keys(page), {"district": [DISTRICT]})
    arrive(page)
    waiting = count_in(said(page, "How many are open?"))
    way.go(lambda: list_these(page, "How many are open?"))
    assert f"{waiting} requests" in said(page, "Which requests are they?")
    assert cells(page, "district") == {DISTRICT}
    assert "address" not in " ".join(page.locator(".ag-header-cell").all_inner_texts()).lower()
    way.go(lambda: open_first(page))
    expect(card(page, "What is it?")).to_contain_text("Addressnot shown for your role")
    expect(card(page, "What happened, and who had it?")).to_contain_text("notes and names are not shown for your role")
    assert page.locator(".tl .note").count() == 0
    way.back()


# ── The stories ─────────────────────────────────────────────────────────────────────────────────────

SEEN = {
    "Storm of 16 May 2026": ("Is anything out of the ordinary?", "Storm, 16–18 May 2026. [2-9]\\d\\d more requests"),
    "New parking meters": ("Did it work?", "Parking meter broken\\) fell by \\d\\d\\s.* beyond what happened"),
    "New lighting contractor": ("When did a service come back more than usual?", "Street light out .* November 2025"),
}  # fmt: skip
"""What a city of this size says at the end of a story's clicks, and on which card."""


def follow(page: Page, written: str) -> None:
    """Do one of a story's clicks."""
    where, what = written.split(": ", 1)
    picks = {"All events": "event", "Period": "period", "Counting": "counting"}
    if where == "Menu":
        click(page, menu(page, what))
    elif where in picks:
        listed = page.locator(f"#pick-{picks[where]}")
        if what == "open":
            listed.locator("summary").click()
        else:
            click(page, listed.locator("a.option", has_text=re.compile(f"^{re.escape(what)}")))
    else:
        click(page, card(page, where).get_by_role("link", name=what, exact=True))


@pytest.mark.parametrize("name", SEEN)
def test_a_story_is_found_by_the_clicks_written_down(overview, name: str):
    page, story = overview, next(one for one in STORIES if one.name == name)
    for written in story.clicks:
        follow(page, written)
    question, words = SEEN[name]
    assert re.search(words, said(page, question), re.DOTALL), said(page, question)


def test_many_callers_of_one_main_are_many_reports_and_one_incident(overview):
    page, question = overview, "How many requests came in?"
    water, *incidents = next(one for one in STORIES if one.name.startswith("One broken main")).clicks
    follow(page, water)
    reports = said(page, question)
    assert "The busiest day was Tue 10 Mar 2026 with" in reports
    for written in incidents:
        follow(page, written)
    assert count_in(said(page, question)) < count_in(reports)


def test_no_story_takes_more_than_three_clicks():
    assert {story.name: len(story.clicks) for story in STORIES if not 1 <= len(story.clicks) <= 3} == {}
