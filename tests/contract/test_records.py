"""Cards about what a city never recorded are not on the page, so that it has no holes; *Data health* tells of them."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from callbacks.address import needed_in_words, permitted, why_nothing
from dashboard.domain.policy import Viewer
from dashboard.identity import DEPUTY_MANAGER
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access.build import Build
from data_access.measures.requests import duplicates
from data_access.records import KINDS, RECORDS
from layouts import page
from layouts.view import View
from layouts.views import collect_views
from tests import city, screen

VIEWS = {view.name: view for view in collect_views()}
PANELS = [(view, panel) for view in VIEWS.values() for panel in view.panels]


def bare(build: Build) -> None:
    """The requests of the tiny city, of which little is told."""
    rows = city.requests()[["request_id", "type_id", "opened_at", "closed_at", "status", "src_system", "src_id"]]
    build.write("service_type", city.TYPES)
    build.write("request", rows)


def rich(build: Build) -> None:
    """The tiny city, and something of all that it does not record."""
    requests = city.requests().assign(lat=39.61, lon=-75.91)
    requests["closure_outcome"] = requests["status"].map({"closed": "resolved"})
    done = pd.DataFrame({"event_id": ["w"], "request_id": ["21"], "kind": ["work"],
                         "event_at": city.utc(pd.Series(["2026-05-05T10:00"]))})  # fmt: skip
    survey = pd.DataFrame({"survey_id": ["s"], "request_id": ["21"], "score": [4.0], "max_score": [5.0],
                           "sent_at": city.utc(pd.Series(["2026-05-21T09:00"])),
                           "answered_at": city.utc(pd.Series(["2026-05-22T09:00"]))})  # fmt: skip
    visit = pd.DataFrame({"inspection_id": ["i"], "kind": ["initial"], "result": ["active_signs"],
                          "visited_at": city.utc(pd.Series(["2026-05-06T10:00"])), "premises_baited": [2],
                          "lat": [39.61], "lon": [-75.91]})  # fmt: skip
    pause = pd.DataFrame({"request_id": ["21"], "start_at": city.utc(pd.Series(["2026-05-05T09:00"])),
                          "end_at": city.utc(pd.Series(["2026-05-05T11:00"]))})  # fmt: skip
    week = json.dumps([[["00:00", "24:00"]]] * 7)
    build.write("calendar", pd.DataFrame([{"calendar_id": "office", "name": "Office", "weekly_windows": week}]))
    build.write("department", city.DEPARTMENTS.assign(calendar_id="office"))
    build.write("service_type", city.TYPES)
    build.write("district", city.DISTRICTS.assign(population=1_000))
    build.write("request", requests)
    build.write("request_event", pd.concat([city.events(), done], ignore_index=True))
    build.write("request_pause", pause)
    build.write("city_event", city.city_events())
    build.write("survey", survey)
    build.write("inspection", visit)


def lacking(services: Services) -> set[str]:
    return {name for name in RECORDS if not services.records(name)}


def rows_of(view: View, services: Services) -> list[list[str]]:
    """The cards of a view as they lie beside each other, each row as wide as the page."""
    rows: list[list[str]] = []
    room = 0
    for panel in page.laid_out(view.panels, permitted(view.panels, services)):
        if room == 0:
            rows.append([])
            room = page.COLUMNS
        rows[-1].append(panel.name)
        room -= panel.width
        assert room >= 0, f"{view.name}: {rows}"
    assert room == 0, f"{view.name}: {rows}"
    return rows


def test_what_cards_are_about_is_known_and_told_of():
    assert {name for _, panel in PANELS for name in panel.about} == set(RECORDS)


def test_what_a_city_never_recorded_leaves_no_holes(blank: Settings) -> None:
    with city.in_service(blank, bare) as services:
        assert lacking(services) == set(RECORDS)
        shown = [view.name for view in permitted(VIEWS.values(), services)]
        assert {"overview", "backlog", "closed-is-not-fixed"} <= set(shown)
        assert not {"promises", "hotspots", "hotspots-crew", "districts", "fair-service"} & set(shown)
        closed = rows_of(VIEWS["closed-is-not-fixed"], services)
        assert closed == [["strip"], ["month-days"]]
        strip = screen.said(screen.drawn(services, VIEWS["closed-is-not-fixed"], "strip").body)
        assert "Resolved–no outcome is recorded" in strip and "%" not in strip
        assert ["changes"] in rows_of(VIEWS["overview"], services)
        assert {"event", "kept", "scorecard"}.isdisjoint(sum(rows_of(VIEWS["overview"], services), []))
        assert [row for row in rows_of(VIEWS["backlog"], services) if "flow" in row] == [["flow"]]


def test_everything_that_is_recorded_has_its_card(blank: Settings) -> None:
    with city.in_service(blank, rich) as services:
        assert not lacking(services)
        assert ["departments", "paused"] in rows_of(VIEWS["promises"], services)
        assert ["chosen", "related", "confirmed"] in rows_of(VIEWS["hotspots"], services)
        told = screen.drawn(services, VIEWS["data-health"], "unrecorded")
        assert "nothing of 5 things" in screen.said(told.sentence)  # calls, budgets, rounds, assets, changes


def test_a_city_may_record_one_thing_and_not_the_other(tiny: Services) -> None:
    assert lacking(tiny) == {"outcomes", "pauses", "points", "residents", "responses", "sites", "steps", "surveys",
                             "treatments", "visits"}  # fmt: skip
    assert ["departments"] in rows_of(VIEWS["promises"], tiny)
    assert ["kept"] in rows_of(VIEWS["fair-service"], tiny)


def test_what_the_reader_chose_nothing_of_stays_on_the_page(blank: Settings) -> None:
    with city.in_service(blank, rich) as services:
        card = screen.drawn(services, VIEWS["promises"], "paused", "?period=all&service_type=Graffiti")
        assert card.is_empty and "no pause of the clock is recorded for this choice" in screen.said(card.sentence)
        assert "paused" in sum(rows_of(VIEWS["promises"], services), [])


def test_what_a_viewer_can_never_see_anything_of_leaves_no_hole(blank: Settings) -> None:
    """The one pause is of a request that Streets holds; the one visit came of nobody's request."""
    with city.in_service(blank, rich) as services:
        for own, row in (("Streets", ["departments", "paused"]), ("Vector", ["departments"])):
            with acting_as(Viewer("H", "department head", department=own)):
                assert row in rows_of(VIEWS["promises"], services)
                assert not services.records("visits")
                assert services.records("surveys") == (own == "Streets")


def test_data_health_tells_what_is_not_recorded_and_how_it_is_brought(blank: Settings) -> None:
    with city.in_service(blank, bare) as services:
        card = screen.drawn(services, VIEWS["data-health"], "unrecorded")
        told = screen.said(card.body)
        kinds = set(KINDS) - services.held() - {"published_calls"}
        missing = [one for name, one in (KINDS | RECORDS).items() if name in kinds | lacking(services)]
        assert f"nothing of {len(missing)} things" in screen.said(card.sentence)
        for one in missing:
            assert all(part.lower() in told.lower() for part in (one.words, one.tells, one.bring)), one


def test_a_page_of_what_is_not_recorded_says_what_it_would_be_about(blank: Settings) -> None:
    with city.in_service(blank, bare) as services:
        about = {name: needed_in_words(VIEWS[name], services) for name in ("promises", "hotspots", "districts", "cost")}
        assert about == {"promises": "due times", "hotspots": "points", "districts": "districts",
                         "cost": "calls and budgets"}  # fmt: skip


def test_a_page_with_nothing_for_a_department_does_not_say_so_of_the_city(blank: Settings) -> None:
    def one_promise(build: Build) -> None:
        requests = city.requests()
        due_at = requests["due_at"].where(requests["department_id"].eq("streets"))
        build.write("department", city.DEPARTMENTS)
        build.write("service_type", city.TYPES)
        build.write("request", requests.assign(due_at=due_at))

    with city.in_service(blank, one_promise) as services:
        assert services.records("promises") and why_nothing(VIEWS["hotspots"], services)[0].endswith("was imported")
        with acting_as(Viewer("H", "department head", department="Vector")):
            title, why = why_nothing(VIEWS["promises"], services)
            assert title == "Nothing of this is recorded for Vector"
            assert why == "This page is about due times, and no request that you may see has any."
            assert "imported" in why_nothing(VIEWS["cost"], services)[0]


def test_the_menu_asks_no_more_than_it_needs(blank: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    with city.in_service(blank, rich) as services:
        answered = services._answered
        monkeypatch.setattr(services, "_answered", lambda build_id, query, *of: (
            asked.extend(one.name for one in query.measures) or answered(build_id, query, *of)))  # fmt: skip
        permitted(VIEWS.values(), services)
        assert "opened_decided" in asked and duplicates.name not in asked
        permitted(VIEWS["fair-service"].panels, services)
        permitted(VIEWS["fair-service"].panels, services)
        assert asked.count(duplicates.name) == 1


def test_data_health_tells_only_those_who_may_see_imports(blank: Settings) -> None:
    with city.in_service(blank, bare) as services:
        (panel,) = (one for one in VIEWS["data-health"].panels if one.name == "unrecorded")
        for viewer, sees in ((DEPUTY_MANAGER, True), (Viewer("C", "council member", district="North"), False)):
            with acting_as(viewer):
                assert (panel in permitted(VIEWS["data-health"].panels, services)) == sees
