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
