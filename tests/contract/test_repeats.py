"""What was asked before is sent as it was: to whom it may be, once per build, in the order of asking, or not at all."""

from __future__ import annotations

import threading
import time

import pytest
from flask import Response

from dashboard.app import create_app
from dashboard.cache import Flight
from dashboard.domain.errors import Busy
from dashboard.domain.policy import Viewer
from dashboard.repeats import AHEAD, BUSY, KEPT, Post, is_kept, is_whole, told_busy
from dashboard.settings import Settings
from data_access.build import Build
from data_access.state import State
from layouts.views import collect_views
from tests import city
from tests.client import ASK, ask, token_of
from tests.planted import VIEWS, answers

BEGUN = Post("demand", "?period=all", "/demand", [])
"""A view asked for the first time, as far as it matters."""


def put_in_service(settings: Settings, requests=None) -> None:
    with Build(settings, city.CITY) as build:
        build.write("department", city.DEPARTMENTS)
        build.write("service_type", city.TYPES)
        build.write("request", city.requests() if requests is None else requests)
        build.publish(as_of=city.AS_OF)


@pytest.fixture
def settings(tmp_path) -> Settings:
    settings = Settings(data=tmp_path, requests_per_minute=0)
    put_in_service(settings)
    return settings


def was_kept(response) -> bool:
    return response.headers.get("Server-Timing") == KEPT


def test_a_view_is_computed_once_for_equal_rights_and_build(settings):
    app = create_app(settings)
    manager, other, head = (app.server.test_client() for _ in range(3))
    for browser, slug in ((manager, "deputy-manager"), (other, "deputy-manager"), (head, "department-head")):
        browser.get(f"/see-as/{slug}")
    post = answers(app, "demand", "/demand", "?period=all")
    first = ask(manager, post)
    assert not was_kept(first) and b"is-ready" in first.data
    for again in (ask(manager, post), ask(other, {**post, "changedPropIds": ["url.search"]})):
        assert was_kept(again) and again.data == first.data
    mine = ask(head, post)
    assert not was_kept(mine) and mine.data != first.data
    asked_anew = answers(app, "demand", "/demand", "?period=all", only="days")
    assert not was_kept(ask(manager, asked_anew))
    again = ask(manager, post)
    assert was_kept(again) and again.data == first.data  # the one card has not taken the place of all
    put_in_service(settings, city.requests().iloc[:5])
    time.sleep(1.1)  # a new build is noticed within a second
    fresh = ask(manager, post)
    assert not was_kept(fresh) and fresh.data != first.data
    for worker in threading.enumerate():
        if worker.name == "warming":
            worker.join()


def test_ahead_of_a_click_answers_are_only_kept_and_only_in_spare_time(settings, monkeypatch):
    app = create_app(settings)
    browser = app.server.test_client()
    browser.get("/see-as/deputy-manager")

    def ahead(view: str, search: str):
        headers = {"X-CSRFToken": token_of(browser), AHEAD: "1"}
        said = browser.post(ASK, json=answers(app, view, f"/{view}", search), headers=headers)
        assert (said.status_code, said.data) == (204, b"")

    with monkeypatch.context() as busy:
        busy.setattr(Flight, "is_idle", False)
        ahead("demand", "?period=all")
    post = answers(app, "demand", "/demand", "?period=all")
    first = ask(browser, post)
    assert not was_kept(first)
    ahead("demand", "?period=last-30")
    found = ask(browser, answers(app, "demand", "/demand", "?period=last-30"))
    assert was_kept(found) and b"is-ready" in found.data
    ahead("demand", "?period=all")  # known already
    assert ask(browser, post).data == first.data


def test_nobody_has_looked_at_what_was_asked_ahead(settings):
    app = create_app(settings)
    browser = app.server.test_client()
    browser.get("/see-as/deputy-manager")
    state = State(settings)
    before = len(state.audit_lines(100))
    for headers, lines in (({AHEAD: "1"}, 0), ({}, 1)):
        post = answers(app, "request", f"/requests/{city.requests()['request_id'][0]}", "")
        browser.post(ASK, json=post, headers={"X-CSRFToken": token_of(browser), **headers})
        assert len(state.audit_lines(100)) == before + lines


def test_what_failed_is_not_kept():
    failed = told_busy(VIEWS["demand"], BEGUN)
    assert b"is-failed" in failed.data and not is_whole(failed)
    assert is_whole(Response("{}", 200)) and not is_whole(Response("{}", 400))


def test_neither_looks_that_are_logged_nor_addresses_are_kept():
    def kept(viewer: Viewer) -> set[str]:
        return {view.name for view in collect_views() if is_kept(view, viewer)}

    deputy, analyst = kept(Viewer("", "deputy manager")), kept(Viewer("", "analyst"))
    assert {"overview", "backlog", "hotspots"} <= deputy and "overview" in analyst
    assert not {"agents", "request", "requests"} & deputy
    assert deputy - analyst >= {"hotspots"}  # an analyst reads addresses there


def test_one_computes_others_wait_for_it_and_the_line_has_an_end():
    desk, order, begun = Flight(at_once=1, in_line=2, seconds=5), [], threading.Event()

    def work(name: str, key: str) -> None:
        with desk.turn(key):
            order.append(name)
            begun.set()
            time.sleep(0.2)

    workers = [threading.Thread(target=work, args=(name, name)) for name in "abc"]
    for worker in workers:
        worker.start()
        begun.wait()
        time.sleep(0.02)
    with pytest.raises(Busy), desk.turn("d"):
        pass
    for worker in workers:
        worker.join()
    assert order == ["a", "b", "c"]
    with desk.turn("d"):  # there is room again
        order.append("d")


def test_nobody_waits_for_ever_and_another_question_passes():
    desk = Flight(at_once=2, in_line=2, seconds=0.05)
    with desk.turn("a"):
        with pytest.raises(Busy), desk.turn("a"):
            pass
        with desk.turn("b"):
            pass


def test_who_is_turned_away_is_told_in_every_card():
    told = told_busy(VIEWS["demand"], BEGUN)
    answer = told.get_json()["response"]["answers"]["data"]
    assert told.headers["Retry-After"] and answer["view"] == "demand" and answer["path"] == "/demand"
    assert set(answer["cards"]) == {panel.name for panel in VIEWS["demand"].panels}
    assert {(card["state"], card["sentence"]) for card in answer["cards"].values()} == {("state is-failed", BUSY)}
    later = told_busy(VIEWS["demand"], BEGUN._replace(wave=1)).get_json()["response"]["later-answers"]["data"]
    assert set(later["cards"]) == {panel.name for panel in VIEWS["demand"].panels if panel.wave}
    again = told_busy(VIEWS["demand"], BEGUN._replace(only=("types",))).get_json()["response"]["answers"]["data"]
    assert set(again["cards"]) == {"types"}  # the others stay as they are
