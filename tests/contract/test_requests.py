"""The list behind a number, and the story of one request: complete for those who may read it, closed to others."""

from __future__ import annotations

import csv
import io
import itertools
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import orjson
import pandas as pd
import pytest
from dash import Dash, html
from flask import Flask
from sqlalchemy import create_engine, literal, select

import callbacks
from callbacks.address import filters_in, place_at
from callbacks.export import _plain
from callbacks.grid import page_of, shown
from callbacks.navigation import is_there
from callbacks.panels import answers_to, context_of
from dashboard.app import create_app
from dashboard.domain.errors import BadRequest, NotThere, UnknownName
from dashboard.domain.filters import Filters
from dashboard.domain.policy import Viewer
from dashboard.identity import DEPUTY_MANAGER
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access.build import Build
from data_access.importers.load import import_files
from data_access.listing import COLUMNS, MOST, Condition, Listing, _has, listable
from data_access.measures import CATALOGUE
from data_access.timeline import NEAR_M, OneRequest, metres_between
from layouts import page
from layouts.grid import conditions_in, filter_model, order_in
from layouts.markup import markup
from layouts.views import collect_views, requests
from layouts.views import request as timeline
from tests import city
from tests.exports import mapping, table

VIEWS = collect_views()
LIST = requests.VIEW.panels[0]
HEAD = Viewer("H", "department head", department="Streets")
VECTOR_HEAD = Viewer("V", "department head", department="Vector")
COUNCIL = Viewer("C", "council member", district="North")
SUPERVISOR = Viewer("S", "supervisor")
DEPUTY = Viewer("D", "deputy manager")
ANALYST = Viewer("A", "analyst")
SECRETS = ("Rose Planted", "planted note", "12 Planted St", "person-planted", "caller said planted")


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The tiny city with everything planted on request 21 that a reader may or may not see."""
    database = request.getfixturevalue("new_database")() if request.param == "postgres" else ""
    settings = Settings(data=tmp_path_factory.mktemp("told"), database=database, cache="off")

    def at(*local: str) -> pd.Series:
        return city.utc(pd.Series(local))

    rows = city.requests()
    mine = rows["request_id"] == "21"
    near = rows["request_id"].isin(["22", "26"])
    rows["address"] = rows["request_id"].map(lambda one: f"{one} Side St").where(~mine, "12 Planted St")
    rows["person_key"] = "person-planted"
    rows["public_id"] = rows["request_id"].map({"21": "26-0021", "22": "21"})
    rows["team"] = rows["request_id"].map({"24": "Crew A"})
    rows["note"] = rows["request_id"].map({"21": "planted note of the request"})
    rows["lat"], rows["lon"] = 39.612345, -84.612345
    rows.loc[near, "lat"] = 39.612345 + 100 / 111_195  # 100 m north
    rows.loc[rows["request_id"] == "25", "lat"] = 39.612345 + 400 / 111_195
    steps = pd.DataFrame(
        [
            ("a1", "created", "2026-05-04T10:00", None, "new", "streets", "Rose Planted", None),
            ("a2", "assigned", "2026-05-04T11:00", "new", "Crew A", "streets", "Rose Planted", None),
            ("a3", "transfer", "2026-05-05T10:00", "streets", "vector", "vector", "Rose Planted", "planted note"),
            ("a4", "pause", "2026-05-05T12:00", "in_progress", "on_hold", "vector", "Rose Planted", "planted note"),
            ("a5", "resume", "2026-05-05T14:00", "on_hold", "in_progress", "vector", "Rose Planted", None),
            ("a9", "comment", "2026-07-04T10:00", None, None, "vector", "Rose Planted", "planted note, after the end"),
        ],
        columns=["event_id", "kind", "event_at", "from_value", "to_value", "department_id", "actor", "note"],
    ).assign(request_id="21")
    steps["event_at"] = city.utc(steps["event_at"])
    merged = pd.DataFrame({"event_id": ["m22", "m23"], "request_id": ["22", "23"], "kind": "merge", "to_value": "21",
                           "event_at": at("2026-05-05T10:05", "2026-05-05T10:06")})  # fmt: skip
    contacts = pd.DataFrame(
        {"contact_id": ["made", "asked"], "channel": ["phone", "phone"], "outcome": ["answered", "answered"],
         "wait_s": [20.0, 95.0], "arrived_at": at("2026-05-04T09:58", "2026-05-12T09:00"), "request_id": "21",
         "created_request": [True, False], "person_key": "person-planted", "src_system": "tiny",
         "src_id": ["made", "asked"]}
    )  # fmt: skip
    survey = pd.DataFrame({"survey_id": ["s"], "request_id": ["21"], "sent_at": at("2026-05-21T09:00"),
                           "answered_at": at("2026-05-22T09:00"), "score": [2.0], "max_score": [5.0],
                           "comment": ["caller said planted"]})  # fmt: skip
    pause = pd.DataFrame({"request_id": ["21", "9"],
                          "start_at": at("2026-05-05T12:00", "2026-06-12T12:00"),
                          "end_at": at("2026-05-05T14:00", "2026-06-12T12:30"),
                          "reason": ["Weather", "planted: the caller is ill"]})  # fmt: skip
    promise = {"sla_id": "holes", "type_id": "pothole", "target_value": 3, "target_unit": "calendar_days",
               "mode": "same_time", "pausable_reasons": '["Weather"]'}  # fmt: skip
    with Build(settings, city.CITY) as build:
        build.write("sla_version", pd.DataFrame([promise]))
        build.write("department", city.DEPARTMENTS)
        build.write("service_type", city.TYPES)
        build.write("district", city.DISTRICTS)
        build.write("request", rows)
        build.write("request_event", pd.concat([city.events(), steps, merged], ignore_index=True))
        build.write("request_pause", pause)
        build.write("contact", contacts)
        build.write("survey", survey)
        build.publish(as_of=city.AS_OF)
    services = Services(settings)
    yield services
    services.warehouse.close()


@pytest.fixture(autouse=True)
def deputy_again(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest):
    """Whoever looked before, the next test begins as the deputy manager."""
    if "told" in request.fixturenames:
        become(monkeypatch, request.getfixturevalue("told"), DEPUTY)


def become(monkeypatch: pytest.MonkeyPatch, services: Services, viewer: Viewer) -> None:
    monkeypatch.setattr(services, "viewer", lambda: viewer)


def on_the_page(services: Services, request_id: str) -> str:
    """Everything the browser is sent about a request: sentences, tables, figures, files' frames."""
    view, path = timeline.VIEW, f"/requests/{request_id}"
    filters = filters_in("?period=all", services, view)
    sent = []
    for panel in view.panels:
        place = place_at(path, view, filters)
        answers = answers_to(panel, filters, services, place)
        drawing = panel.draw(answers, context_of(panel, filters, services, place))
        figure = orjson.dumps(drawing.figure, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS).decode()
        sent += [markup(drawing.sentence), markup(drawing.body), markup(drawing.foot), figure]
        sent.append(answers[0].frame.to_csv())
        sent += view.heading(answers, context_of(panel, filters, services, place))
    return "\n".join(sent)


# ── The list ──


def pages(services: Services, search: str, size: int, **asked) -> list[dict[str, str]]:
    filters = filters_in(search, services, requests.VIEW)
    place = place_at("/requests", requests.VIEW, filters)
    found: list[dict[str, str]] = []
    for first in itertools.count(0, size):
        rows = services.rows(page_of(LIST, place, {"startRow": first, "endRow": first + size, **asked}), filters)
        found += shown(rows, services.city().tz)
        if not len(rows.frame):
            assert len(found) == rows.n
            return found
    raise AssertionError


def test_pages_add_up_in_the_order_asked_for(told):
    down = pages(told, "?period=all", 4)
    assert len(down) == 20 and down[0]["request_id"] == "4"
    up = pages(told, "?period=all", 7, sortModel=[{"colId": "opened_at", "sort": "asc"}])
    assert [row["opened_at"] for row in up] == [row["opened_at"] for row in reversed(down)]
    assert len({row["request_id"] for row in up}) == len({row["request_id"] for row in down}) == 20
    assert up[0]["opened_at"] == "Sat 1 Nov 2025, 23:59"  # on the city's clocks
    late = pages(told, "?period=all&of=overdue", 3)
    assert {row["request_id"] for row in late} == {"3", "7", "31"}
    assert late[0]["closed_at"] == ""


def words_of(frame: pd.DataFrame, columns: list[str]) -> list[str]:
    return [str(row) for row in frame[columns].itertuples(index=False, name=None)]


LISTED = [measure.name for measure in CATALOGUE.values() if listable(measure)]


@pytest.mark.parametrize("order", [("-opened_at",), ("department", "-closed_at")])
@pytest.mark.parametrize("name", LISTED)
def test_a_file_holds_what_the_pages_hold_in_their_order(told, name, order, monkeypatch):
    filters = filters_in("?period=all&of=opened", told, requests.VIEW)
    whole = told.rows(Listing(CATALOGUE[name], order=order, limit=MOST), filters)
    pages = [told.rows(Listing(CATALOGUE[name], order=order, limit=5, offset=i), filters).frame
             for i in range(0, max(whole.n, 1), 5)]  # fmt: skip
    assert len(whole.frame) == whole.n
    told_by = ["request_id", "service_type", "department", "opened_at", "closed_at"]
    assert [row for page in pages for row in words_of(page, told_by)] == words_of(whole.frame, told_by)
    assert name != "closed" or whole.frame["request_id"].duplicated().any()  # one that was closed twice


def test_a_list_is_narrowed_as_the_grid_says_it(told, monkeypatch):
    def ids(**model) -> set[str]:
        return {row["request_id"] for row in pages(told, "?period=all", 50, filterModel=model)}

    assert ids(service_type={"filterType": "text", "type": "equals", "filter": "Pothole"}) == {
        "21", "22", "23", "25", "26"}  # fmt: skip
    day = {"filterType": "date", "type": "inRange", "dateFrom": "2026-05-05 00:00:00", "dateTo": "2026-05-06 00:00:00"}
    assert ids(opened_at=day) == {"22", "23", "25"}
    # A minute before midnight and midnight itself lie on two days of the city, not of UTC.
    first = {"filterType": "date", "type": "lessThan", "dateFrom": "2025-11-02 00:00:00"}
    assert ids(opened_at=first) == {"29"}
    assert ids(closed_at={"filterType": "date", "type": "blank"}) == {"3", "4", "7", "31"}
    for attack in ("' OR 1=1 --", "%", "_", "\\", "); DROP TABLE request; --", "🚧"):
        assert ids(service_type={"filterType": "text", "type": "contains", "filter": attack}) == set()
    assert len(ids()) == 20  # nothing was dropped
    become(monkeypatch, told, ANALYST)  # who may read addresses
    assert ids(address={"filterType": "text", "type": "contains", "filter": "planted"}) == {"21"}


def test_what_is_sought_is_found_as_it_is_written():
    """The small letters of a database are not Python's: “ΟΔΟΣ” and “İnönü” would not be found in themselves."""
    engine = create_engine("duckdb:///:memory:")
    with engine.connect() as connection:
        for text in ("ΟΔΟΣ", "οδοσ", "İnönü", "5%/_", "ΟΔΟΣ İnönü 5%/_"):
            assert connection.scalar(select(_has(literal("ΟΔΟΣ İnönü 5%/_"), text))), text
        assert not connection.scalar(select(_has(literal("ΟΔΟΣ İnönü 55"), "5%/_")))
        assert not connection.scalar(select(_has(literal("ΟΔΟΣ İnönü"), "İnönü", at_its_beginning=True)))
    engine.dispose()


def test_what_a_grid_may_not_ask_is_refused(told):
    with pytest.raises(BadRequest):
        pages(told, "?period=all", 100_000)
    with pytest.raises(UnknownName):
        pages(told, "?period=all", 5, sortModel=[{"colId": "person_key", "sort": "asc"}])
    with pytest.raises(UnknownName):
        pages(told, "?period=all", 5, filterModel={"person_key": {"type": "contains", "filter": "p"}})
    with pytest.raises(BadRequest):
        pages(told, "?period=all", 5, filterModel={"opened_at": {"type": "lessThan", "dateFrom": "yesterday"}})
    with pytest.raises(BadRequest):
        pages(told, "?period=all", 5, filterModel={"service_type": {"type": "startsWith", "filter": "p"}})
    with pytest.raises(UnknownName, match="opened"):
        pages(told, "?period=all&of=openedd", 5)
    with pytest.raises(UnknownName, match="list"):
        pages(told, "?period=all&of=offered", 5)
    with pytest.raises(UnknownName, match="filter"):
        filters_in("?of=opened", told)  # elsewhere it is no filter


def test_a_list_keeps_to_the_viewers_rows_and_columns(told, monkeypatch):
    become(monkeypatch, told, COUNCIL)
    rows = pages(told, "?period=all", 50)
    assert rows and {row["district"] for row in rows} == {"North"}
    for viewer in (COUNCIL, DEPUTY):
        become(monkeypatch, told, viewer)
        assert "address" not in pages(told, "?period=all", 50)[0]
        assert pages(told, "?period=all&q=planted", 50) == []  # an address that may not be read cannot be sought
        with pytest.raises(UnknownName):
            pages(told, "?period=all", 50, filterModel={"address": {"type": "contains", "filter": "planted"}})
        with pytest.raises(UnknownName):
            pages(told, "?period=all&sort=address", 50, sortModel=[{"colId": "address", "sort": "asc"}])
    become(monkeypatch, told, HEAD)
    assert {row["department"] for row in pages(told, "?period=all", 50)} == {"Streets"}


def test_order_and_conditions_go_through_the_address_and_back():
    conditions = (
        Condition("service_type", "contains", "a:b & c"),
        Condition("opened_at", "from", datetime(2026, 5, 1).date()),
        Condition("opened_at", "before", datetime(2026, 6, 1).date()),
        Condition("due_at", "before", datetime(2026, 6, 1).date()),
        Condition("closed_at", "missing"),
        Condition("reopen_count", "equals", 2),
    )
    assert tuple(Condition.read(one.written()) for one in conditions) == conditions
    assert set(conditions_in(filter_model(conditions))) == set(conditions)
    assert conditions_in(None) == () and order_in(None) == ("-opened_at",)
    assert order_in([{"colId": "due_at", "sort": "asc"}, {"colId": "status", "sort": "desc"}]) == ("due_at", "-status")
    for wrong in ("opened_at", "opened_at:before:soon", "reopen_count:equals:-1", "status:like:a", "note:contains:a"):
        with pytest.raises(BadRequest):
            Condition.read(wrong)


def test_a_views_own_parameters_ride_along_and_stay_at_home(told):
    filters = filters_in("?of=overdue&q=12+Planted&where=status:equals:new&period=all", told, requests.VIEW)
    assert filters.to_search().startswith("?of=overdue&q=12+Planted&where=status%3Aequals%3Anew")
    assert filters_in(filters.to_search(), told, requests.VIEW).parameters == filters.parameters
    toggled = filters.toggle("district", "North").to_search()
    assert "of=overdue" in toggled and "district=North" in toggled
    assert filters.alone().to_search() == "?period=all"
    assert filters.with_parameter("of", "closed").to_search().startswith("?of=closed&q=12+Planted")
    assert "q=" not in filters.with_parameter("q").to_search()


def test_the_sentence_and_the_columns_follow_the_list(told, monkeypatch):
    filters = filters_in("?of=overdue&period=all&where=opened_at:from:2026-05-01&sort=due_at", told, requests.VIEW)
    place = place_at("/requests", requests.VIEW, filters)
    drawing = LIST.draw(answers_to(LIST, filters, told, place), context_of(LIST, filters, told, place))
    said = markup(drawing.sentence)
    assert (
        "<b>2</b> requests: open and overdue at the end" in said and "Only where opened is from 1 May 2026 on" in said
    )
    shown_columns = {column["field"]: column for column in drawing.grid["columns"]}
    assert shown_columns["due_at"]["sort"] == "asc" and "sort" not in shown_columns["opened_at"]
    assert set(shown_columns) == set(COLUMNS) - {"request_id", "address", "area"}  # the city is divided once
    assert "Number or address" not in markup(drawing.body) and "addresses are not shown" in markup(drawing.foot)
    other = filters.with_parameter("of", "closed")
    assert LIST.draw(answers_to(LIST, other, told, place_at("/requests", requests.VIEW, other)),
                     context_of(LIST, other, told)).grid["key"] != drawing.grid["key"]  # fmt: skip
    become(monkeypatch, told, ANALYST)
    drawing = LIST.draw(answers_to(LIST, filters, told, place), context_of(LIST, filters, told, place))
    assert {column["field"] for column in drawing.grid["columns"]} == set(COLUMNS) - {"request_id", "area"}
    assert "Number or address" in markup(drawing.body) and "addresses are not shown" not in markup(drawing.foot)


# ── Files ──


def test_a_card_that_lists_requests_brings_what_it_says_and_its_file_everything(told, files, monkeypatch):
    become(monkeypatch, told, ANALYST)
    panel = next(one for view in VIEWS if view.name == "backlog" for one in view.panels if one.name == "latest")
    filters = filters_in("?period=all", told)
    (brief,), (full,) = (answers_to(panel, filters, told, in_full=whole) for whole in (False, True))
    assert set(brief.frame.columns) == set(panel.queries[0].columns)
    assert list(full.frame.columns) == [one.name for one in told.list_columns()]
    assert full.n == brief.n == 3 and {"address", "promise_s"} <= set(brief.frame.columns)
    pd.testing.assert_frame_equal(brief.frame, full.frame[list(brief.frame.columns)])
    drawn = [markup(panel.draw((one,), context_of(panel, filters, told)).body) for one in (brief, full)]
    assert drawn[0] == drawn[1] and "3 Side St" in drawn[0]
    head = files.get("/export/backlog/latest.csv?period=all").get_data(as_text=True).removeprefix("\ufeff").splitlines()
    assert head[0].endswith("Channel,Priority,Time promised,Working time left,Reopened,Moved,Flags")
    become(monkeypatch, told, DEPUTY)
    (brief,) = answers_to(panel, filters, told, in_full=False)
    assert "address" not in brief.frame.columns


@pytest.fixture(scope="module")
def files(told: Services):
    """A client of the addresses where files are taken."""
    app = Dash("files", server=Flask("files"), suppress_callback_exceptions=True)
    app.layout = html.Div()
    callbacks.register(app, told, VIEWS)
    with acting_as(DEPUTY_MANAGER):
        yield app.server.test_client()


def test_files_say_of_what_days_their_numbers_are_where_these_were_not_chosen(files):
    asked = "/export/promises/months.{}?from=2026-05-04&to=2026-05-20"
    lines = files.get(asked.format("csv")).get_data(as_text=True).splitlines()
    assert lines[1].startswith("1 May 2025 – 19 May 2026,"), lines[:2]
    words = sheet_words(files.get(asked.format("xlsx")).data)
    assert "4–19 May 2026" in words and "; 1 May 2025 – 19 May 2026" in words


def test_a_list_is_taken_away_as_it_stands(files, told, monkeypatch):
    got = files.get("/export/requests/list.csv?of=overdue&period=all&sort=due_at&where=opened_at:from:2026-05-01")
    rows = list(csv.DictReader(io.StringIO(got.get_data(as_text=True).removeprefix("\ufeff"))))
    assert [row["Request"] for row in rows] == ["7", "3"]
    assert rows[0]["Opened"] == "2026-05-25 10:00:00"
    book = files.get("/export/requests/list.xlsx?of=overdue&period=all")
    assert book.headers["Content-Disposition"].endswith('"requests-list.xlsx"')
    inside = sheet_words(book.data)
    assert "Open and overdue: Of the open requests" in inside and " St " not in inside
    assert "Data as of 2026-06-30 23:59" in inside
    become(monkeypatch, told, ANALYST)
    inside = sheet_words(files.get("/export/requests/list.xlsx?of=overdue&period=all").data)
    assert "3 Side St" in inside and "12 Planted St" not in inside  # which is not overdue


def sheet_words(book: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(book)) as opened:
        names = [name for name in opened.namelist() if "sheet" in name or "sharedStrings" in name]
        return " ".join(re.sub("<[^>]+>", " ", opened.read(name).decode()) for name in names)


def test_every_panel_is_a_workbook(files, told):
    for view in VIEWS:
        for panel in view.panels:
            got = files.get(
                f"/export/{view.name}/{panel.name}.xlsx?period=all" + "&request_id=21" * bool(view.open_parts)
            )
            may_have = told.may(panel.needs)
            assert got.status_code == (200 if may_have else 403), got.get_data(as_text=True)
            assert (got.data[:2] == b"PK") == may_have


def test_a_list_too_long_for_a_file_says_that_it_was_cut(files, monkeypatch):
    for place in ("callbacks.export.MOST", "data_access.listing.MOST"):
        monkeypatch.setattr(place, 5)
    text = files.get("/export/requests/list.csv?period=all").get_data(as_text=True)
    assert len(text.splitlines()) == 1 + 5 + 1 and "first 5 of 20 rows" in text


def test_words_of_a_file_are_never_a_formula_and_empty_ones_stay_empty(told):
    for begins in "=+-@\t\r\n":
        assert _plain(f"{begins}1+1", "address", told, {}) == f"'{begins}1+1"
    assert [_plain(one, "address", told, {}) for one in ("", "12 Main St", -1.5)] == ["", "12 Main St", -1.5]


def test_files_of_a_request_keep_to_what_may_be_read(files, told, monkeypatch):
    steps = "/export/request/steps.csv?request_id=21&period=all"
    become(monkeypatch, told, HEAD)
    assert "Rose Planted" in files.get(steps).get_data(as_text=True)
    for viewer in (SUPERVISOR, DEPUTY):
        become(monkeypatch, told, viewer)
        for panel in timeline.VIEW.panels:
            text = files.get(f"/export/request/{panel.name}.csv?request_id=21").get_data(as_text=True)
            assert not [secret for secret in SECRETS if secret in text]
    become(monkeypatch, told, replace(COUNCIL, district="South"))
    assert files.get(steps).status_code == 404
    assert files.get(steps).data.replace(b"21", b"?") == files.get(steps.replace("21", "9999")).data.replace(
        b"9999", b"?"
    )


# ── The timeline ──


def test_why_a_clock_was_paused_is_told_to_all_only_in_words_the_city_lists(told, monkeypatch):
    assert [why for *_, why in told.timeline(OneRequest("21")).pauses] == ["Weather"]
    for viewer, why in ((DEPUTY, None), (COUNCIL, None), (VECTOR_HEAD, "planted: the caller is ill")):
        become(monkeypatch, told, viewer)
        assert [reason for *_, reason in told.timeline(OneRequest("9")).pauses] == [why], viewer
        assert ("the caller is ill" in on_the_page(told, "9")) == bool(why), viewer


def test_the_story_of_a_request_is_complete_and_in_order(told, monkeypatch):
    story = told.timeline(OneRequest("21"))
    told_kinds = [step.kind for step in story.steps]
    assert told_kinds == ["created", "assigned", "transfer", "joined", "joined", "pause", "resume", "close", "reopen",
                          "contact", "close", "survey"]  # fmt: skip
    assert not any("after the end" in (step.note or "") for step in story.steps)  # later than the data's clock
    transfer = story.steps[2]
    assert (transfer.from_value, transfer.to_value) == ("Streets", "Vector")
    assert transfer.since_s == 23 * 3600
    assert [(end - begin).days for begin, end in story.stood_open] == [2, 10]
    hours = {name: seconds / 3600 for name, seconds in story.holders}
    assert hours == {"Streets": 1, "Crew A": 23, "Vector": 26 + 10 * 24 + 3}
    assert [(one.state, round(one.seconds / 3600)) for one in story.clock] == [
        ("running", 26), ("paused", 2), ("running", 22), ("overdue", 243)]  # fmt: skip
    assert story.pauses[0][2] == "Weather"
    text = on_the_page(told, "21")
    for words in ("Handed off</b> to <b>Vector", "Paused</b>: weather", "Reopened", "Survey answered</b>: 2 of 5",
                  "Asked about</b> by phone", "Waited 1",
                  "2.0\u00a0h after it was paused", "missed, then reopened",
                  "It was first closed in time"):  # fmt: skip
        assert words in text, words
    become(monkeypatch, told, HEAD)  # who reads notes and addresses, and nothing of calls
    text = on_the_page(told, "21")
    for words in ("12 Planted St", "Rose Planted", "39.612345", "planted note", "Handed off</b> to <b>Vector"):
        assert words in text, words
    assert "person-planted" not in text


def test_what_the_role_may_not_read_never_leaves_the_server(told, monkeypatch):
    for viewer in (SUPERVISOR, DEPUTY, COUNCIL):
        become(monkeypatch, told, viewer)
        text = on_the_page(told, "21")
        assert not [secret for secret in SECRETS if secret in text]
        assert "39.612345" not in text and "84.612345" not in text and "metres" not in text
        assert "not shown for your role" in text and "Reopened" in text
    assert told.timeline(OneRequest("21")).contacts is None  # a council member reads no contacts
    become(monkeypatch, told, SUPERVISOR)
    assert len(told.timeline(OneRequest("21")).contacts) == 2


def test_a_request_outside_the_scope_is_as_if_it_did_not_exist(told, monkeypatch):
    become(monkeypatch, told, replace(COUNCIL, district="South"))
    said = []
    for number in ("21", "9999", "' OR '1'='1"):
        with pytest.raises(NotThere) as wrong:
            told.timeline(OneRequest(number))
        said.append(str(wrong.value).replace(number, "X"))
        assert not is_there(f"/requests/{number}", VIEWS, told)
    assert set(said) == {"There is no request X, or it is not yours to see."}
    become(monkeypatch, told, DEPUTY)
    assert is_there("/requests/21", VIEWS, told) and is_there("/requests", VIEWS, told)
    assert not is_there("/requests/21/more", VIEWS, told)


def test_other_requests_on_the_page_are_within_the_scope_too(told, monkeypatch):
    become(monkeypatch, told, replace(COUNCIL, district="North"))
    near = told.timeline(OneRequest("21")).nearby
    assert near.empty  # 25 lies in East, 26 in West
    assert "parent_request_id" in told.timeline(OneRequest("22")).request
    assert told.timeline(OneRequest("22")).request["parent_request_id"] == "21"


def test_what_lies_near_is_measured(told, monkeypatch):
    become(monkeypatch, told, ANALYST)
    near = told.timeline(OneRequest("21")).nearby
    assert near["request_id"].tolist() == ["26"]  # 22 and 23 are its own reports, 25 lies 400 m away
    assert near["metres"].iloc[0] == pytest.approx(100, abs=0.5)
    assert near["metres"].max() <= NEAR_M
    one_degree = metres_between(0, 0, pd.Series([0.0, 1.0]).to_numpy(), pd.Series([1.0, 0.0]).to_numpy())
    assert one_degree.tolist() == pytest.approx([111_195.08, 111_195.08], abs=0.1)


def test_nothing_lies_near_a_point_that_stands_for_unknown(told):
    found = told.timeline(OneRequest("21"))
    nowhere = replace(found, request={**found.request, "h3_9": None})  # its lat and lon are the city hall’s
    drawing = timeline.draw_nearby((nowhere,), None)
    assert drawing.is_empty and drawing.sentence == "It has no point on the map."


def test_a_request_without_steps_says_what_is_known(told):
    story = told.timeline(OneRequest("7"))
    assert [step.kind for step in story.steps] == ["created", "due"] and not story.records_steps
    assert story.late_s == pytest.approx((city.AS_OF - story.request["due_at"]).total_seconds())
    text = on_the_page(told, "7")
    assert "The source records no steps" in text and "overdue" in text
    assert "closed before it was opened" in on_the_page(told, "25")


def test_menus_offer_the_list_where_there_is_one(told):
    views = {view.name: view for view in VIEWS}
    for view, panel, listed in (("demand", "requests", "opened"), ("demand", "contacts", None),
                                ("requests", "list", None), ("request", "steps", None)):  # fmt: skip
        found = next(one for one in views[view].panels if one.name == panel)
        measure = page.listed_of(found)
        assert (measure.name if measure else None) == listed
        menu = markup(page.panel_menu(views[view], found, {"request_id": ("21",)}, True))
        assert ("List these requests" in menu) == (listed is not None)
        assert "Download Excel" in menu
    assert "List these requests" not in markup(page.panel_menu(views["demand"], views["demand"].panels[0]))
    assert listable(CATALOGUE["opened"]) and not listable(CATALOGUE["offered"])
    assert Listing(CATALOGUE["opened"]).order == ("-opened_at",)


def test_a_request_is_found_by_the_number_that_residents_are_told(told):
    """And by its own number first: 21 is the public number of another."""
    assert told.timeline(OneRequest("26-0021")).request["request_id"] == "21"
    assert told.timeline(OneRequest("26-0021")).steps == told.timeline(OneRequest("21")).steps
    assert told.timeline(OneRequest("21")).request["public_id"] == "26-0021"


@pytest.mark.parametrize("number", ["2024/10", "<b>7</b>?#&", "50%41"])
def test_a_request_is_there_whatever_signs_its_number_has(tmp_path: Path, number: str) -> None:
    export, settings = tmp_path / "export.csv", Settings(data=tmp_path, cache="off")
    export.write_bytes(table(f'"{number}",2024-03-01 09:00:00,,,New,Pothole,1 Main St,,'))
    import_files(settings, (mapping(),), [export])
    browser = create_app(settings).server.test_client()
    assert browser.get(f"/requests/{quote(number, safe='')}").status_code == 200
    assert browser.get("/requests/2024%2F11").status_code == browser.get("/requests/2024/10").status_code == 404


def test_a_list_says_what_it_leaves_out_as_its_number_does(tmp_path):
    """A council member is told that sensitive types are not in the list, whoever sees all of it is not."""
    types = city.TYPES.assign(sensitivity=["P3", "P0", "P0", "P1"])
    member = Viewer("C", "council member", district="North")
    with city.served(Settings(data=tmp_path, cache="off"), service_type=types) as services:
        filters = Filters.from_search("?period=all", services.clock(), services.dimensions)
        with acting_as(member):
            theirs = services.rows(Listing(CATALOGUE["opened"]), filters)
        with acting_as(DEPUTY_MANAGER):
            whole = services.rows(Listing(CATALOGUE["opened"]), filters)
            incidents = services.rows(Listing(CATALOGUE["opened"]), filters.switch("counting", "incidents"))
    assert theirs.notes == ("Without sensitive types, which are shown only as published.",)
    assert whole.notes == () and incidents.notes[0].startswith("Incidents:")
    assert "inspection" not in set(theirs.frame["service_type"])
