"""What a reader waits for in a browser: ``python -m tests.bench.clicks [--millions 10] [--folder FOLDER]``.

In Chromium on this machine, against the served dashboard: until the first panel of a view is drawn, with nothing kept
and again; from a click to its last panel, twelve months at a time; from a click to the map and the list of Hotspots; by
a pointer that presses as it arrives, and by one that rests first.
Times are the page's own: of the last change in a card, of a figure's last drawing, of a map come to rest.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench.city import build_city, words_of
from tests.browser.conftest import ARGUMENTS, program, serving, settle

RUNS = 5
RESTS_MS = 200
"""So long a hand rests before it presses; the answer may be there by then."""
RATS = "service_type=Rats+and+vermin"
YEAR = "period=last-12-months"
CLICKS = {
    "overview": (f"/?{YEAR}", ".panel tbody th a"),
    "demand": (f"/demand?{YEAR}", ".panel tbody th a"),
    "promises": (f"/promises?{YEAR}", ".panel tbody th a"),
    "backlog": (f"/backlog?{YEAR}", ".panel tbody th a"),
    "hotspots, twelve months": (f"/hotspots?{YEAR}&{RATS}", "#pick-period a.option"),
    "hotspots, a place": (f"/hotspots?{RATS}", "[data-cell]"),
}
WATCH = """
(() => {
  const bench = window.bench = {clicked: 0, first: 0, last: {}, told: {}};
  const name = (node) => node.closest("section[aria-label]")?.getAttribute("aria-label");
  const note = (node, still) => {
    const card = node && name(node);
    if (card) bench.last[card] = performance.now();
    if (card && !still) bench.told[card] = performance.now();
  };
  const follow = () => document.querySelectorAll(".js-plotly-plot").forEach((plot) => {
    if (plot.benched || !plot.on) return;
    plot.benched = true;
    const drawn = () => { bench.first = bench.first || performance.now(); note(plot); };
    drawn();
    plot.on("plotly_afterplot", drawn);
    const map = plot._fullLayout?.map?._subplot?.map;
    map?.on("idle", () => { // asked for a pixel, who draws is waited for
      const gl = map.painter.context.gl;
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
      note(plot, true);
    });
  });
  new MutationObserver((changes) => {
    changes.forEach(({target}) => note(target.nodeType === 1 ? target : target.parentElement));
    follow();
  }).observe(document, {subtree: true, childList: true, characterData: true, attributeFilter: ["d"]});
  document.addEventListener("click", () => {
    Object.assign(bench, {clicked: performance.now(), last: {}, told: {}});
  }, true);
})()
"""


def forget(data: Path) -> None:
    """Nothing the server answered is kept."""
    for kept in (data / "cache").glob("*"):
        kept.unlink(missing_ok=True)


def page_of(browser: Browser, url: str) -> Page:
    """A window with nothing kept, which watches itself."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=url).new_page()
    page.add_init_script(WATCH)
    return page


def rest(page: Page) -> dict[str, Any]:
    """What the page saw, once nothing has changed for a while."""
    settle(page)
    page.wait_for_timeout(600)
    return page.evaluate("window.bench")


def until_first(page: Page, path: str) -> float:
    """Milliseconds from asking for a page until a figure is drawn in it."""
    page.goto(path)
    return rest(page)["first"]


def after(page: Page, path: str, what: str, nth: int, rests_ms: int) -> tuple[dict[str, float], dict[str, float]]:
    """Milliseconds from a click until each card changed for the last time, and until it was told: all but maps at rest.

    The pointer rests on its mark for `rests_ms` before it presses. Told, a map knows what to show. How long it takes to
    come to rest depends on who draws: a graphics card, or here the processor in its place.
    """
    page.goto(path)
    rest(page)
    place = page.locator(what).nth(nth)
    if what.startswith("#pick"):
        page.locator(what.split()[0]).locator("summary").click()
    place.scroll_into_view_if_needed()
    if rests_ms:
        place.hover()  # which rings a place on the map, and lets the server answer ahead
        page.wait_for_timeout(rests_ms)
    place.click(no_wait_after=True)
    page.wait_for_timeout(100)
    seen = rest(page)
    since = ({card: at - seen["clicked"] for card, at in seen[when].items()} for when in ("last", "told"))
    last, told = ({card: at for card, at in one.items() if at > 0} for one in since)
    return last, told


def measure(browser: Browser, url: str, data: Path) -> dict[str, Any]:
    """All of it: medians of a few runs, another row clicked in each."""
    told: dict[str, Any] = {"first panel": {}, "after a click": {}}
    for name in ("overview", "demand", "hotspots"):
        cold, warm = [], []
        for _ in range(RUNS):
            forget(data)
            page = page_of(browser, url)
            path = "/" if name == "overview" else f"/{name}"
            cold.append(until_first(page, path))
            warm.append(until_first(page, path))
            page.context.close()
        told["first panel"][name] = {"cold_ms": statistics.median(cold), "warm_ms": statistics.median(warm)}
        print(name, {key: round(one) for key, one in told["first panel"][name].items()}, flush=True)
    for name, (path, what) in CLICKS.items():
        told["after a click"][name] = {}
        for pressed, rests_ms in (("at once", 0), ("after a rest", RESTS_MS)):
            page = page_of(browser, url)
            found = _medians(page, path, what, data, rests_ms)
            page.context.close()
            told["after a click"][name][pressed] = found
            print(name, "pressed", pressed, {key: round(one) for key, one in found.items()}, flush=True)
    return told


def _medians(page: Page, path: str, what: str, data: Path, rests_ms: int) -> dict[str, float]:
    last, leading, informed = [], [], []
    for nth in range(RUNS):
        forget(data)
        cards, told_at = after(page, path, what, nth + 1, rests_ms)
        last.append(max(cards.values()))
        for found, into in ((cards, leading), (told_at, informed)):
            first = [at for card, at in found.items() if "than chance explains" in card or "come first" in card]
            into += [max(first)] if first else []
    medians = {"last_panel_ms": statistics.median(last)}
    if leading:
        medians["map_and_list_told_ms"] = statistics.median(informed)
        medians["map_and_list_ms"] = statistics.median(leading)
    return medians


def main() -> None:
    """Print the figures, and the same as JSON."""
    words = words_of(__doc__)
    given = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench") as temporary:
        folder = given.folder or Path(temporary)
        build_city(folder, given.millions, requests_per_minute=0)
        with serving(folder) as url, sync_playwright() as started:
            browser = started.chromium.launch(executable_path=program(), args=ARGUMENTS)
            print(json.dumps(measure(browser, url, folder)))
            browser.close()


if __name__ == "__main__":
    main()
