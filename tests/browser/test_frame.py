"""A few journeys through the frame that every view shares."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from layouts.views import collect_views
from tests.browser.conftest import settle, visiting

VIEWS = [view for view in collect_views() if view.in_menu]


def complaints(page: Page) -> list[str]:
    """What axe finds on a page that has come to rest, one line each."""
    for _ in range(4):  # colours fade and figures are painted anew after a change of theme or width
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]  # passes are not listed
        if not found:
            return []
        page.wait_for_timeout(700)
    return [f"{v['id']} ({v['impact']}): {v['nodes'][0]['html'][:200]}" for v in found]


def fits(page: Page) -> bool:
    """Whether the page, come to rest, needs no scrolling sideways."""
    for _ in range(20):
        if page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"):
            return True
        page.wait_for_timeout(250)
    return False


@pytest.fixture(scope="module")
def window(chromium, address: str) -> Iterator[Page]:
    """One window on the tiny city, in which one goes from view to view."""
    with visiting(chromium, address) as visit:
        yield visit("/requests", color_scheme="light")


def choose_theme(page: Page, theme: str) -> None:
    """Press Light or Dark at the menu's foot."""
    page.get_by_role("button", name=theme, exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", theme.lower())


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_every_view_is_accessible_fits_a_phone_and_asks_no_foreign_host(window, view):
    """In light on a desk, then in dark on a phone: the page as it stands, not loaded anew."""
    page = window
    page.set_viewport_size({"width": 1440, "height": 900})
    choose_theme(page, "Light")
    page.locator("#menu").get_by_role("link", name=view.title, exact=True).click()
    expect(page.locator("h1")).to_have_text(view.title)
    settle(page)
    assert page.locator(".is-failed").count() == 0
    assert page.locator('.modebar-btn[data-title^="Share"]').count() == 0
    assert complaints(page) == []
    choose_theme(page, "Dark")
    page.set_viewport_size({"width": 390, "height": 900})
    settle(page)
    assert fits(page)
    assert complaints(page) == []


def test_the_first_tab_skips_to_the_content(visit):
    page = visit("/requests")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.keyboard.press("Enter")
    expect(page.locator("#page")).to_be_focused()


def test_a_theme_is_chosen_without_asking_the_server_and_stays(visit):
    page = visit("/", color_scheme="light")
    posts = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    assert posts == []
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_a_choice_is_a_link_and_back_takes_it_back(visit):
    page = visit("/requests?period=all")
    page.locator("#pick-department > summary").click()
    option = page.locator("#pick-department a.option").first
    name = option.inner_text()
    option.click()
    expect(page).to_have_url(re.compile(r"department="))
    expect(page.locator(".chip")).to_contain_text(name)
    expect(page.locator("#pick-department")).to_have_attribute("open", "")  # several can be chosen
    page.go_back()
    expect(page.locator(".chip")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"\?period=all$"))


def test_filters_work_by_keyboard(visit):
    page = visit("/requests")
    page.locator("#pick-period > summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"period=last-30"))
    page.locator("#pick-department > summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#pick-department > summary")).to_be_focused()
    expect(page.locator("#pick-department")).not_to_have_attribute("open", "")


def test_own_days_can_be_chosen(visit):
    page = visit("/requests?period=all")
    page.locator("#pick-period > summary").click()
    first = page.locator("#period-from").input_value()
    page.locator("#period-to").fill("1999-01-01")
    page.get_by_role("button", name="Show these days").click()
    expect(page.locator(".custom .wrong")).to_have_text("The last day lies before the first.")
    page.locator("#period-to").fill(first)
    page.get_by_role("button", name="Show these days").click()
    expect(page).to_have_url(re.compile(rf"from={first}&to="))


def test_the_menu_keeps_the_filters(visit):
    page = visit(f"{VIEWS[0].href}?period=all")
    page.locator("#menu").get_by_role("link", name=VIEWS[1].title, exact=True).click()
    expect(page.locator("h1")).to_have_text(VIEWS[1].title)
    expect(page).to_have_url(re.compile(r"\?period=all$"))
    expect(page.locator("#menu [aria-current=page]")).to_have_text(VIEWS[1].title)
    page.go_back()
    expect(page.locator("h1")).to_have_text(VIEWS[0].title)


SLOWLY = """async () => {
  const graph = [...document.querySelectorAll(".js-plotly-plot")].find((one) => one.data && one.data.length);
  let steps = [new Promise((done) => setTimeout(done, 1500))];
  steps[0].then(() => { steps = []; });
  Object.defineProperty(graph, "_promises", { get: () => steps, set() {} });  // a step that waits, as those of maps do
  window.left = graph;
  window.drawn = Plotly.redraw(graph).then(() => "to the end", (failed) => failed.message);
}"""


def test_a_figure_still_being_drawn_is_taken_down_after_its_last_step(visit):
    page = visit("/demand?period=all")
    page.evaluate(SLOWLY)
    page.locator("#menu").get_by_role("link", name="Requests", exact=True).click()
    expect(page.locator("h1")).to_have_text("Requests")
    expect(page.locator(".list-grid")).to_be_visible()
    assert page.evaluate("window.drawn") == "to the end"
    page.wait_for_timeout(100)
    assert page.evaluate("[window.left.isConnected, Boolean(window.left._fullLayout)]") == [False, False]


FOLLOW_DRAWING = """() => {
  window.early = [];
  const { react, purge, Plots } = Plotly, { resize } = Plots;
  const follow = (what) => (graph, ...rest) => {
    const drawn = what(graph, ...rest), end = () => { graph.unfinished -= 1; };
    graph.unfinished = (graph.unfinished || 0) + 1;
    drawn.then(end, end);
    return drawn;
  };
  Plotly.react = follow(react);
  Plotly.Plots.resize = follow(resize);
  Plotly.purge = (graph) => { if (graph.unfinished) early.push(graph.unfinished); return purge(graph); };
}"""
TAKE_AWAY_WHILE_FITTED = """async () => {
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const grid = document.querySelector("#page > .grid");
  const figure = [...grid.querySelectorAll(".chart > *")].find((one) => one._fullLayout);
  grid.style.width = grid.clientWidth - 100 + "px";
  for (let tries = 0; tries < 400 && !figure.unfinished; tries += 1) await pause(5);
  const fitted = Boolean(figure.unfinished);
  figure.remove();
  for (let tries = 0; tries < 400 && figure._fullLayout; tries += 1) await pause(5);
  return { fitted, takenDown: !figure._fullLayout, early: window.early };
}"""


def test_a_figure_that_leaves_while_it_is_fitted_to_its_card_is_taken_down_after_that(visit):
    page = visit("/demand?period=all")
    page.evaluate(FOLLOW_DRAWING)
    left = page.evaluate(TAKE_AWAY_WHILE_FITTED)
    assert left == {"fitted": True, "takenDown": True, "early": []}


def test_an_address_nobody_knows_says_so(visit):
    page = visit("/nowhere")
    expect(page.locator("#page")).to_contain_text("There is no such page")
    assert page.request.get("/nowhere").status == 404
    page.get_by_role("link", name="Go to the first of them").click()
    expect(page.locator("#page .panel h2").first).to_be_visible()
    page.go_back()
    expect(page.locator("#page .words")).to_contain_text("Nothing lives at /nowhere. The menu lists every view")
    expect(page.locator("#page .panel")).to_have_count(0)
    page.goto("/?departmnt=Parks")
    expect(page.locator("#filter-bar")).to_contain_text("Did you mean department?")
    page.get_by_role("link", name="Show the view without it").click()
    expect(page.locator("#pick-period")).to_be_visible()


def test_a_phone_has_its_menu_and_its_sheet_of_filters(visit):
    page = visit("/requests?period=all", width=390)
    expect(page.locator("#main-menu")).not_to_be_visible()
    page.get_by_role("button", name="Menu").click()
    expect(page.locator("#main-menu")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(".sheet-button").click()
    page.locator("#pick-department > summary").click()
    page.locator("#pick-department a.option").first.click()
    settle(page)
    page.get_by_role("button", name="Close filters").click()
    expect(page.locator(".sheet-button")).to_have_text("Filters · 1")


def test_a_panel_opens_as_a_table_and_says_what_it_means(visit):
    page = visit(f"{VIEWS[0].href}?period=all")
    card = page.locator("section.panel:not(.tile)").first
    card.locator(".panel-menu > summary").click()
    card.get_by_role("button", name="Show as table").click()
    expect(card.locator("dialog.as-table table").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(card.locator(".panel-menu > summary")).to_be_focused()
    card.locator(".panel-menu > summary").click()
    card.get_by_role("button", name="What does this mean?").click()
    expect(card.locator("dialog.meaning")).to_contain_text("Source:")
    page.keyboard.press("Escape")
    card.locator(".panel-menu > summary").click()
    with page.expect_download() as download:
        card.get_by_role("link", name="Download CSV").click()
    assert download.value.suggested_filename.endswith(".csv")


def test_what_a_number_means_is_one_click_away(visit):
    page = visit("/?period=all")
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        settle(page)
        for card in (page.locator("section.tile").first, page.locator("section.panel:not(.tile)").first):
            card.hover()
            button = card.locator(".what")
            expect(button).to_have_css("opacity", "1")
            box = button.bounding_box()
            assert min(box["width"], box["height"]) >= (28 if width > 768 else 44)
            button.click()
            expect(card.locator("dialog.meaning")).to_contain_text("Source:")
            assert complaints(page) == []
            page.keyboard.press("Escape")
            expect(button).to_be_focused()


def test_a_measure_is_found_by_its_words(window):
    page = window
    page.goto("/definitions")
    settle(page)
    field = page.get_by_role("searchbox", name="Find a measure")
    every = page.locator(".definitions > div").count()
    field.fill("open  due")
    shown = page.locator(".definitions > div:visible")
    assert 0 < shown.count() < every
    assert all("open" in text.lower() and "due" in text.lower() for text in shown.all_inner_texts())
    expect(page.get_by_role("status").filter(has_text=f"{shown.count()} of {every}")).to_be_visible()
    field.fill("")
    expect(shown).to_have_count(every)


INK = """() => {
  const inks = [...document.querySelectorAll(".js-plotly-plot")].map((graph) => graph._fullLayout.font.color);
  const wanted = getComputedStyle(document.documentElement).getPropertyValue("--text-3");
  return [...new Set(inks)].map((ink) => ink === wanted);
}"""
PRINT = f"""() => {{
  dispatchEvent(new Event("beforeprint"));
  const onPaper = [document.documentElement.dataset.bsTheme, ({INK})()];
  dispatchEvent(new Event("afterprint"));
  return onPaper;
}}"""


def test_figures_are_printed_light_and_are_dark_again_afterwards(visit):
    page = visit("/demand?period=all", color_scheme="dark")
    assert page.evaluate(INK) == [True]
    assert page.evaluate(PRINT) == ["light", [True]]
    page.wait_for_timeout(500)
    assert (page.locator("html").get_attribute("data-bs-theme"), page.evaluate(INK)) == ("dark", [True])


def test_of_themes_chosen_one_after_the_other_the_last_is_drawn(visit):
    page = visit("/demand?period=all", color_scheme="light")
    page.evaluate("() => ['dark', 'light'].forEach((one) => dashboard311Theme(one))")
    page.wait_for_timeout(500)
    assert page.evaluate(INK) == [True]


PLAY = """async () => {
  const running = new Set(), { setInterval: start, clearInterval: stop } = window;
  window.setInterval = (...what) => { const id = start(...what); running.add(id); return id; };
  window.clearInterval = (id) => { running.delete(id); stop(id); };
  const play = document.createElement("div");
  play.className = "play";
  play.innerHTML = '<button class="play-button"></button><button data-slice="0"></button><span class="said"></span>';
  document.querySelector("#page .panel .foot").append(play);
  play.querySelector(".play-button").click();
  const [while_there, later] = [running.size, new Promise((done) => setTimeout(done, 1000))];
  play.remove();
  await later;
  return [while_there, running.size];
}"""


def test_a_bar_that_plays_and_leaves_the_page_plays_no_longer(visit):
    assert visit("/demand?period=all").evaluate(PLAY) == [1, 0]


def test_the_keyboard_goes_on_in_the_sheet_of_filters_and_the_menu_says_whether_it_is_open(visit):
    page = visit("/requests?period=all", width=390)
    page.locator(".sheet-button").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".sheet-head .close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".sheet-button")).to_be_focused()
    burger = page.locator(".burger")
    for leave in (lambda: page.keyboard.press("Escape"), lambda: page.locator("#menu a").first.click()):
        burger.focus()
        page.keyboard.press("Enter")
        expect(burger).to_have_attribute("aria-expanded", "true")
        leave()
        expect(burger).to_have_attribute("aria-expanded", "false")


def test_the_keyboard_keeps_its_place_where_a_link_is_copied_without_the_clipboard(visit):
    page = visit("/requests?period=all")
    page.evaluate("() => Object.defineProperty(window, 'isSecureContext', { value: false })")
    button = page.locator("[data-copy-link]")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("Link copied")
    expect(button).to_be_focused()
