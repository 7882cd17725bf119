"""Signing in, and what everybody may read, in a browser: reachable, readable, nothing loaded from elsewhere."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from dashboard.settings import Settings
from data_access.state import State
from tests.browser.conftest import serving, settle, visiting
from tests.browser.test_frame import complaints
from tests.published import publish


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A made-up city with enough in it to be published."""
    settings = Settings(data=tmp_path_factory.mktemp("published"))
    publish(settings)
    State(settings).add_account("ana", "Ana", None)  # so that the page asks for name and password too
    with serving(settings.data) as url:
        yield url


def test_one_signs_out_and_in_again_and_reads_what_everybody_may(chromium, published):
    with visiting(chromium, published) as visit:
        page = visit("/")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert complaints(page) == []
        boxes = [page.get_by_label(name).bounding_box() for name in ("Name", "Password")]
        boxes.append(page.get_by_role("button", name="Sign in").bounding_box())
        assert all(above["y"] + above["height"] < below["y"] for above, below in pairwise(boxes))
        page.get_by_role("link", name="What everybody may see").click()
        for tab in ("My district", "Where", "Promises kept", "Definitions", "City at a glance"):
            page.get_by_role("link", name=tab).click()
            expect(page.get_by_role("link", name=tab)).to_have_attribute("aria-current", "page")
            assert complaints(page) == [], tab
        page.go_back()
        page.goto("/sign-in")
        page.get_by_role("link", name="Department head").click()
        expect(page.locator(".who-name b")).to_have_text("Department head")


def test_a_post_refused_while_one_signs_out_leads_nowhere_else(chromium, published):
    with chromium.new_context(base_url=published) as context:  # refused posts are what this is about
        page = context.new_page()
        page.goto("/backlog")
        settle(page)
        statuses = set()
        page.on("response", lambda one: statuses.add(one.status))

        def hold(route):
            answer = route.fetch(max_redirects=0)  # the session is over now, and the page still there
            time.sleep(0.5)
            route.fulfill(response=answer)

        page.route("**/sign-out", hold)
        page.evaluate("""() => void setInterval(() => fetch("/_dash-update-component", {method: "POST",
            headers: {"Content-Type": "application/json"},
            body: JSON.stringify({output: "answers.data", inputs: []})}), 50)""")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert 401 in statuses
        expect(page).to_have_url(f"{published}/sign-in")
