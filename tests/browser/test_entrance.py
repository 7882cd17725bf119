"""Signing in, and what everybody may read, in a browser: reachable, readable, nothing loaded from elsewhere."""

from __future__ import annotations

import pandas as pd
import pytest
from playwright.sync_api import expect

from dashboard.settings import Settings
from data_access.build import Build
from data_access.public_extract import write_extract
from tests import city
from tests.browser.conftest import serving, visiting
from tests.browser.test_frame import complaints
from tests.contract.test_public import CLASSES, requests


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A made-up city with enough in it to be published."""
    settings = Settings(data=tmp_path_factory.mktemp("published"))
    types = pd.DataFrame({"type_id": list(CLASSES), "name": list(CLASSES), "sensitivity": list(CLASSES.values()),
                          "is_info_only": False, "is_internal": False})  # fmt: skip
    with Build(settings, city.CITY) as build:
        build.write("department", city.DEPARTMENTS)
        build.write("service_type", types)
        build.write("district", city.DISTRICTS)
        build.write("request", requests())
        build.publish(as_of=pd.Timestamp("2026-06-03T12:00").to_pydatetime())
    write_extract(settings)
    with serving(settings.data) as url:
        yield url


def test_one_signs_out_and_in_again_and_reads_what_everybody_may(chromium, published):
    with visiting(chromium, published) as visit:
        page = visit("/")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert complaints(page) == []
        page.get_by_role("link", name="What everybody may see").click()
        for tab in ("My district", "Where", "Promises kept", "Definitions", "City at a glance"):
            page.get_by_role("link", name=tab).click()
            expect(page.get_by_role("link", name=tab)).to_have_attribute("aria-current", "page")
            assert complaints(page) == [], tab
        page.go_back()
        page.goto("/sign-in")
        page.get_by_role("link", name="Department head").click()
        expect(page.locator(".who-name b")).to_have_text("Department head")
