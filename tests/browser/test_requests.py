"""From a number to its list, to one request and back, by mouse and by keyboard."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import settle
from tests.browser.test_frame import choose_theme, complaints, fits

FIRST_CELLS = ".list-grid .ag-center-cols-container .ag-row a"


def numbers(page: Page) -> list[str]:
    """The requests listed, from the top."""
    expect(page.locator(FIRST_CELLS).first).to_be_visible()
    page.wait_for_timeout(300)
    rows = page.locator(".list-grid .ag-center-cols-container .ag-row")
    found = rows.evaluate_all("all => all.map((one) => [+one.getAttribute('row-index'), one.querySelector('a')?.text])")
    return [number for _, number in sorted(found) if number]


def test_from_a_panel_to_its_list_to_a_request_and_back(visit):
    page = visit("/demand?period=all&district=North")
    card = page.locator('section[aria-label="How many requests come in?"]')
    card.locator(".panel-menu > summary").click()
    card.get_by_role("link", name="List these requests").click()
    expect(page).to_have_url(re.compile(r"/requests\?period=all&district=North&of=opened$"))
    expect(page.locator(".answer").first).to_contain_text("8 requests: opened")
    newest = numbers(page)
    assert len(newest) == 8

    page.locator(".ag-header-cell[col-id=opened_at] .ag-header-cell-label").click()
    expect(page).to_have_url(re.compile(r"&sort=opened_at$"))
    oldest = numbers(page)
    assert oldest[0] == "21" and sorted(oldest) == sorted(newest)

    page.locator(".list-grid .ag-row[row-index='0'] .ag-cell[col-id=service_type]").click()
    expect(page.locator("h1")).to_have_text("21")
    settle(page)
    expect(page.locator(".tl")).to_contain_text("Reopened")
    expect(page.locator("#menu [aria-current=page]")).to_have_text("Requests")
    page.get_by_role("button", name="Clock").click()
    expect(page.locator(".tl > li:visible")).to_have_count(4)

    page.go_back()
    expect(page.locator("h1")).to_have_text("Requests")
    assert numbers(page) == oldest
    expect(page).to_have_url(re.compile(r"&sort=opened_at$"))
    expect(page.locator(".ag-header-cell[col-id=opened_at]")).to_have_attribute("aria-sort", "ascending")

    page.go_forward()
    page.get_by_role("link", name="← Requests").click()
    assert numbers(page) == oldest


def test_a_list_is_walked_by_keyboard(visit):
    page = visit("/requests?period=all&of=overdue")
    assert numbers(page) == ["3", "7", "31"]
    page.locator(".list-grid .ag-row[row-index='0'] .ag-cell").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("7")


def test_another_list_and_a_search_are_addresses(visit):
    page = visit("/requests?period=all")
    page.locator("#pick-list > summary").click()
    page.get_by_role("link", name="Open and overdue", exact=True).click()
    expect(page).to_have_url(re.compile("of=overdue"))
    expect(page.locator(".answer").first).to_contain_text("3 requests: open and overdue")
    expect(page.locator(FIRST_CELLS)).to_have_count(3)
    page.get_by_role("searchbox", name="Find: number").fill("31")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=31"))
    expect(page.locator(FIRST_CELLS)).to_have_count(1)
    page.locator("#pick-district > summary").click()
    page.locator("#pick-district a.option", has_text="Lake").click()
    expect(page).to_have_url(re.compile(r"of=overdue&q=31.*district=Lake"))
    page.go_back()
    page.go_back()
    expect(page.locator(FIRST_CELLS)).to_have_count(3)


def test_a_request_nobody_knows_is_not_found(visit):
    page = visit("/requests/9999")
    expect(page.locator("#page")).to_contain_text("There is no request 9999, or it is not yours to see.")
    assert page.request.get("/requests/9999").status == 404
    assert page.request.get("/requests/21").status == 200


def test_list_and_timeline_are_accessible_and_fit_a_phone(visit):
    page = visit("/requests?period=all", color_scheme="light")
    numbers(page)
    in_both_themes(page)
    page.set_viewport_size({"width": 390, "height": 900})
    page.reload()  # a grid keeps the columns it was made with
    settle(page)
    numbers(page)
    expect(page.locator(".ag-header-cell")).to_have_count(3)
    assert fits(page)
    assert complaints(page) == []
    for request_id, width in (("21", 390), ("21", 1440), ("7", 1440)):
        page.set_viewport_size({"width": width, "height": 900})
        if f"/requests/{request_id}" not in page.url:
            page.goto(f"/requests/{request_id}?period=all")
        settle(page)
        expect(page.locator("h1")).to_have_text(request_id)
        assert page.locator(".is-failed").count() == 0
        if width == 390:
            assert fits(page)
            assert complaints(page) == []
        else:
            in_both_themes(page)


def test_a_phone_keeps_what_a_list_is_narrowed_and_sorted_by_in_columns_it_has_no_room_for(visit):
    page = visit("/requests?period=all&of=opened&where=flags%3Acontains%3AClosed&sort=closed_at", width=390)
    assert numbers(page) == ["25", "26"]
    expect(page.locator(".answer").first).to_contain_text("2 requests: opened")
    expect(page.locator(".ag-header-cell")).to_have_count(3)
    expect(page).to_have_url(re.compile("where=flags.*sort=closed_at|sort=closed_at.*where=flags"))


def in_both_themes(page: Page) -> None:
    """Nothing to complain of in light, nor in dark."""
    for theme in ("Light", "Dark"):
        choose_theme(page, theme)
        assert complaints(page) == []
