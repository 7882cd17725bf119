"""The dashboard below a path of another site, clicked through: nothing is asked for, and nobody led, beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from dashboard.repeats import AHEAD
from dashboard.settings import Settings
from tests.browser.conftest import serving, settle, visiting
from tests.published import publish

PATH = "/services/311"


@pytest.fixture(scope="module")
def below(tmp_path_factory) -> Iterator[str]:
    """The address of a made-up city with enough in it to be published, below a path."""
    settings = Settings(data=tmp_path_factory.mktemp("below"))
    publish(settings)
    with serving(settings.data, PATH) as url:
        yield url


def test_one_goes_everywhere_without_leaving_the_path(chromium, below):
    with visiting(chromium, below) as visit:
        page = visit(f"{PATH}/")
        expect(page.locator("h1")).to_have_text("Overview")
        entry = page.get_by_role("navigation", name="Main").get_by_role("link", name="Hotspots")
        with page.expect_request(lambda one: AHEAD.lower() in one.headers) as ahead:
            entry.hover()
        assert ahead.value.url == f"{below}/_dash-update-component"
        answer = ahead.value.response()
        assert answer is not None and answer.status == 204
        with page.expect_response(re.compile("/geometry/.*/hexagons/")) as shapes:
            entry.click()
        assert shapes.value.ok
        settle(page)
        expect(page).to_have_url(f"{below}/hotspots")

        page.locator("#main-menu").get_by_role("link", name="Demand").click()
        settle(page)
        card = page.locator('section[aria-label="How many requests come in?"]')
        card.locator(".panel-menu > summary").click()
        with page.expect_download() as file:
            card.get_by_role("link", name="Download CSV").click()
        assert file.value.url.startswith(f"{below}/export/demand/")
        card.get_by_role("link", name="List these requests").click()
        expect(page).to_have_url(f"{below}/requests?of=opened")
        first = page.locator(".list-grid .ag-center-cols-container .ag-row a").first
        expect(first).to_have_attribute("href", re.compile(rf"^{PATH}/requests/q17-\d+\?of=opened$"))
        first.click()
        expect(page.locator("h1")).to_have_text(re.compile(r"^q17-"))
        settle(page)
        page.go_back()
        expect(page).to_have_url(f"{below}/requests?of=opened")

        page.get_by_text("See as").click()
        page.get_by_role("link", name="Department head").click()
        expect(page.locator(".who-name b")).to_have_text("Department head")
        settle(page)
        expect(page).to_have_url(f"{below}/requests")  # the filters stay behind, the page does not
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_url(f"{below}/sign-in")
        page.get_by_role("link", name="What everybody may see").click()
        page.get_by_role("link", name="Where").click()
        expect(page).to_have_url(f"{below}/public/where")
        page.get_by_role("link", name="Sign in").click()
        expect(page).to_have_url(f"{below}/sign-in")
        page.get_by_role("link", name="Deputy manager").click()
        settle(page)
        expect(page).to_have_url(f"{below}/")
        assert {cookie["path"] for cookie in page.context.cookies()} == {PATH}
