"""What is slow, overtaken or lost on its way: nothing waits for ever, and nothing old stands under another address."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import settle

POSTS = "**/_dash-update-component*"
FAILED = """(names) => names.forEach((name) => {
  document.querySelector(`[data-panel="${name}"] .state`).className = "state is-failed";
})"""
PICK = """([panel, value]) => {
  const graph = document.querySelector(`[data-panel="${panel}"] .js-plotly-plot`);
  graph.emit("plotly_click", { points: [{ customdata: value }] });
}"""


def body_of(route: Route) -> str:
    return route.request.post_data or ""


def held(page: Page, wanted: Callable[[str], bool]) -> list[Route]:
    """The posts that are `wanted`, which go no further until one lets them."""
    found: list[Route] = []
    page.route(POSTS, lambda route: found.append(route) if wanted(body_of(route)) else route.continue_())
    return found


def until(page: Page, found: list[Route], n: int) -> None:
    for _ in range(200):
        if len(found) >= n:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{len(found)} posts were made, not {n}")


def choose(page: Page, period: str) -> None:
    page.evaluate("(href) => document.querySelector(`#filter-bar a[href='${href}']`).click()", f"?period={period}")


def panels(page: Page) -> list[str]:
    cards = page.locator("#page > .grid > [data-panel]")
    return cards.evaluate_all("(cards) => cards.map((card) => card.dataset.panel)")


def test_cards_asked_again_one_after_the_other_all_get_their_answer(visit):
    page = visit("/demand?period=all")
    first, second = panels(page)[:2]
    page.evaluate(FAILED, [first, second])
    asked = held(page, lambda body: '"again.data"' in body)
    for n, name in enumerate((first, second), 1):
        page.locator(f"[data-panel={name}] .retry").click()
        until(page, asked, n)
    for route in asked:
        route.continue_()
    settle(page)
    expect(page.locator(".is-failed")).to_have_count(0)


def test_a_card_asked_again_keeps_no_other_from_the_answer_to_the_address(visit):
    page = visit("/demand?period=all")
    name = panels(page)[0]
    asked = held(page, lambda body: '"output":"answers.data"' in body and "period=last-7" in body)
    page.evaluate(FAILED, [name])
    choose(page, "last-7")
    until(page, asked, 1)
    page.locator(f"[data-panel={name}] .retry").click()
    until(page, asked, 2)
    for route in asked:
        route.continue_()
    settle(page)
    expect(page).to_have_url(re.compile("period=last-7"))


def test_what_is_picked_before_the_address_tells_of_the_last_pick_is_picked_as_well(visit):
    page = visit("/backlog?period=all")
    asked = held(page, lambda body: '"picked.data"' in body)
    for n, pick in enumerate((("flow", "2026-04-01"), ("holders", "not assigned")), 1):
        page.evaluate(PICK, list(pick))
        until(page, asked, n)
    for route in asked:
        route.continue_()
    expect(page).to_have_url(re.compile("from=2026-04-01.*=not.assigned"))
    settle(page)
    page.unroute_all()
    page.evaluate(PICK, ["holders", "not assigned"])
    expect(page).to_have_url(re.compile(r"from=2026-04-01&to=2026-05-01$"))


def test_what_was_picked_at_an_address_that_was_left_changes_no_other(visit):
    page = visit("/backlog?period=all")
    asked = held(page, lambda body: '"picked.data"' in body)
    for n, leave in enumerate(("#filter-bar a[href='?period=last-7']", "#main-menu a[href^='/demand']"), 1):
        page.evaluate(PICK, ["holders", "not assigned"])
        until(page, asked, n)
        page.evaluate("(link) => document.querySelector(link).click()", leave)
        settle(page)
        there = page.url
        assert ("period=last-7" in there) and ("/demand" in there) == (n == 2)
        with page.expect_response(POSTS):
            asked[-1].continue_()
        settle(page)
        page.wait_for_timeout(300)
        assert page.url == there


def test_what_was_taken_back_can_be_picked_again(visit):
    """The answer is the same as before, word for word."""
    page = visit("/backlog?period=all")
    for _ in range(2):
        page.evaluate(PICK, ["holders", "not assigned"])
        expect(page).to_have_url(re.compile("holder=|holds?=|team=|assign"))
        settle(page)
        page.go_back()
        expect(page).to_have_url(re.compile(r"/backlog\?period=all$"))
        settle(page)


def test_a_table_is_never_that_of_another_address(visit):
    page = visit("/demand?period=all")
    name = panels(page)[0]
    card = page.locator(f"[data-panel={name}]")
    show = "(card) => card.querySelector('[data-dialog=as-table]').click()"
    table = card.locator("dialog.as-table .dialog-body")
    card.evaluate(show)
    expect(table.locator("td").first).to_be_visible()
    page.keyboard.press("Escape")
    choose(page, "last-7")
    settle(page)
    asked = held(page, lambda body: '"output":"table.data"' in body)
    card.evaluate(show)
    until(page, asked, 1)
    expect(table).to_have_text("")
    page.go_back()  # what comes now is of the address that was left
    expect(card.locator("dialog.as-table")).not_to_be_visible()
    with page.expect_response(POSTS):
        asked[0].continue_()
    settle(page)
    expect(table).to_have_text("")


def test_where_the_server_does_not_answer_cards_say_so_and_the_page_is_asked_for_again(chromium, address):
    page = chromium.new_context(base_url=address).new_page()  # a window that may hear of failures
    page.goto("/demand?period=all")
    settle(page)
    before = page.locator("#page").inner_text()
    page.route(POSTS, lambda route: route.abort())
    choose(page, "last-7")
    cards = page.locator("#page > .grid > [data-panel]")
    expect(page.locator("#page .is-failed")).to_have_count(cards.count())
    expect(page.locator("[data-old]")).to_have_count(0)
    expect(cards.first.locator(".answer")).to_have_text("The server did not answer.")
    expect(page.locator("#said")).to_have_text("The server did not answer.")
    assert page.locator(".js-plotly-plot .main-svg").count() == 0
    page.unroute_all()
    cards.first.locator(".retry").click()
    page.wait_for_load_state()
    settle(page)
    expect(page.locator(".is-failed")).to_have_count(0)
    assert "period=last-7" in page.url and page.locator("#page").inner_text() != before
    page.context.close()


def test_a_session_that_is_over_leads_to_the_entrance(chromium, address):
    page = chromium.new_context(base_url=address).new_page()  # a window that may hear of failures
    page.goto("/demand?period=all")
    settle(page)
    page.route(POSTS, lambda route: route.fulfill(status=401, body="Sign in first."))
    page.route("**/demand?period=last-7", lambda route: route.fulfill(body="the entrance"))
    choose(page, "last-7")
    expect(page.locator("body")).to_have_text("the entrance")
    page.context.close()
