"""A view is tested by existing: every panel asks and draws, on the tiny city and an empty one, whatever is chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import partial

import orjson
import pytest

from callbacks.address import filters_in
from callbacks.export import _csv, _label, _shown, _titled
from callbacks.panels import answers_to, context_of, drawing_of
from dashboard.domain.errors import BadRequest
from dashboard.domain.filters import Filters, Period
from dashboard.domain.policy import Permission, Scope, Viewer
from dashboard.identity import DEPUTY_MANAGER
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access.build import Build
from data_access.dimensions import DIMENSIONS, age_band, lateness
from data_access.measures import CATALOGUE
from data_access.semantics import Query
from layouts.components import Cell, table
from layouts.markup import markup
from layouts.theme import TOKENS
from layouts.view import Drawing
from layouts.views import collect_views
from layouts.views.requests import LISTED
from tests import city, screen

PANELS = [pytest.param(panel, id=f"{view.name}-{panel.name}") for view in collect_views() for panel in view.panels]
ANALYST = Viewer("Ana", "analyst")
SEARCHES = (
    "?period=all",
    "",
    "?period=all&compare=previous&department=Vector",
    "?period=all&district=North&district=no+district",
    "?from=2026-06-03&to=2026-06-04",
    "?from=2026-01-05&to=2026-01-06",  # nothing happened that day
    "?period=all&service_type=Graffiti&district=East",  # nor ever this
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A city in which nothing has happened yet."""
    settings = Settings(data=tmp_path_factory.mktemp("empty"), cache="off")
    with Build(settings, city.CITY) as build:
        build.write("department", city.DEPARTMENTS)
        build.publish(as_of=city.AS_OF)
    services = Services(settings)
    yield services
    services.warehouse.close()


def panel_of(name: str):
    """The panel of that view and name: “districts-sides”."""
    return next(one.values[0] for one in PANELS if one.id == name)


def drawn(panel, services: Services, search: str) -> Drawing:
    filters = Filters.from_search(search, services.clock(), DIMENSIONS)
    with acting_as(ANALYST if panel.needs is Permission.READ_ADDRESSES else DEPUTY_MANAGER):
        return drawing_of(panel, filters, services)[0]


def tokens_in(value) -> Iterator[str]:
    if isinstance(value, str) and value.startswith("$"):
        yield value[1:].split("/")[0]
    elif isinstance(value, dict):
        for item in value.values():
            yield from tokens_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tokens_in(item)


def check(drawing: Drawing, services: Services) -> None:
    assert drawing.sentence or drawing.body, "a panel says its answer in words, or shows tiles"
    assert drawing.is_empty or drawing.figure is not None or drawing.body is not None
    if drawing.figure is not None:
        orjson.dumps(drawing.figure, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
        assert set(tokens_in(drawing.figure)) <= set(TOKENS)


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_answers_on_the_tiny_city(panel, tiny):
    for search in SEARCHES[:1] if tiny.settings.database else SEARCHES:  # engines are compared in test_tie_out
        check(drawn(panel, tiny, search), tiny)


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_answers_on_an_empty_city(panel, empty):
    for search in ("", "?period=all", "?department=Vector"):
        check(drawn(panel, empty, search), empty)


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_draws_its_own_selection(panel, tiny):
    own = panel.chooses()
    if own in (None, "period") or tiny.settings.database:
        return
    for value in tiny.values(own, Scope.everything())[:2]:
        filters = Filters.from_search("?period=all", tiny.clock(), DIMENSIONS).choose(own.name, [value])
        check(drawn(panel, tiny, filters.to_search()), tiny)


def test_contacts_are_not_told_for_requests_that_they_cannot_be_narrowed_to(tiny):
    """All contacts of the city for each request of one department would be a number that means nothing."""
    panel = panel_of("calls-per-request")
    assert drawn(panel, tiny, "?period=all").figure is not None
    said = drawn(panel, tiny, "?period=all&department=Vector&district=North")
    assert said.is_empty and "carry no department and no district" in "".join(map(str, said.sentence))
    assert drawn(panel, tiny, "?period=all&channel=phone").figure is not None  # both carry it


def test_the_districts_and_what_lies_in_none_add_up_to_the_city(tiny):
    body = markup(drawn(panel_of("districts-sides"), tiny, "?period=all").body)
    rows = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row) for row in body.split("<tr")[2:]]
    named = [re.sub("<.*?>", "", row[0]) for row in rows]
    assert named[-2:] == ["No district", "City"] and len(named) > 3
    for column in (1, 4):  # opened, open
        *parts, whole = (int(row[column]) for row in rows)
        assert sum(parts) == whole > 0


def test_a_council_member_is_on_the_own_districts_page_and_led_to_the_others(tiny):
    views = {view.name: view for view in collect_views()}
    member = Viewer("C", "council member", district="North")
    shown = {
        panel.name: screen.drawn(tiny, views["districts"], panel.name, viewer=member)
        for panel in views["districts"].panels
    }
    assert screen.said(shown["numbers"].sentence).startswith("North, ")
    assert 'href="/public/district/North"' in markup(shown["sides"].sentence)
    assert "Choose" not in "".join(screen.said(one.sentence) for one in shown.values())
    assert "place" in screen.said(shown["map"].sentence)  # of what is open, not promises by district
    for name in ("demand", "hotspots"):
        words = screen.said(screen.drawn(tiny, views[name], "districts", viewer=member).sentence)
        assert "one district, North" in words and "comes first" not in words and "has the most" not in words
    assert "Choose one" in screen.said(screen.drawn(tiny, views["districts"], "numbers").sentence)


def test_what_is_open_changed_as_much_on_every_view(tiny):
    for search in ("", "?period=all", "?from=2026-06-03&to=2026-06-04"):
        said = "".join(map(str, drawn(panel_of("districts-open"), tiny, search).sentence))
        strip = re.sub("<.*?>", "", markup(drawn(panel_of("backlog-strip"), tiny, search).body))
        since, change = re.search(r"Change since (\d+ [A-Z][a-z]+)(?: \d{4})?([+−]?\d+)", strip).groups()
        assert (f"; {change} since {since} " if change != "0" else f"; as many as on {since} ") in said


def test_one_day_is_no_day_of_many(tiny):
    search = "?from=2026-06-03&to=2026-06-04"
    waiting = "".join(map(str, drawn(panel_of("backlog-trend"), tiny, search).sentence))
    assert "open; " in waiting and "between" not in waiting
    assert " a day" not in "".join(map(str, drawn(panel_of("demand-requests"), tiny, search).sentence))
    assert " a day" in "".join(map(str, drawn(panel_of("demand-requests"), tiny, "?period=all").sentence))


def test_a_table_says_hours_and_rates_as_people_do(tiny):
    shown = partial(_shown, services=tiny)
    assert shown("34", "hour_of_week") == Cell("Tuesday 10:00", 34)  # and is still sorted by the hour
    assert [_label(one, tiny) for one in ("per_1000", "z", "opened")] == ["Per 1,000 residents", "z", "Requests opened"]
    heading = markup(table(["Hour"], [[shown("34", "hour_of_week")]]))
    assert '<th class="" scope="row" data-value="34">Tuesday 10:00</th>' in heading
    assert shown("walk_in", "channel") == "walk-in" and shown("no district", "district") == "no district"
    assert [shown(one, "rate") for one in (1500.0, 102.94142, 1e-12, None)] == ["1,500", "102.94", "1e-12", ""]


def test_a_list_behind_a_card_begins_with_the_rows_of_the_card(tiny):
    for name, measure in (("backlog-latest", "overdue"), ("backlog-oldest", "backlog")):
        said = drawn(panel_of(name), tiny, "?period=all")
        search = re.search(r'href="/requests(\?[^"]+)"', markup(said.foot)).group(1).replace("&amp;", "&")
        filters = filters_in(search, tiny, next(view for view in collect_views() if view.name == "requests"))
        assert filters.parameter("of") == (measure,)
        place = {key: filters.parameter(key) for key in ("of", "sort")}
        (rows,) = answers_to(panel_of("requests-list"), filters, tiny, place, 50)
        firsts = re.findall(r'href="/requests/([^"?]+)', markup(said.body))
        assert firsts and rows.frame["request_id"].tolist()[: len(firsts)] == firsts


def test_days_on_which_the_line_is_shut_have_contacts_all_the_same(tiny):
    """On 4 June somebody called who had been passed on; on 2 June nobody did."""
    said = {
        name: "".join(map(str, drawn(panel_of(f"calls-{name}"), tiny, "?from=2026-06-02&to=2026-06-03").sentence))
        for name in ("volume", "level", "handle", "reasons")
    }
    assert "No calls in opening hours" in said["volume"] and "No calls whose wait is known" in said["level"]
    assert "No answered calls" in said["handle"] and "No contacts" in said["reasons"]


def test_shares_of_calls_say_what_they_are_of(tiny):
    """1,060 callers were answered or hung up; of the hang-ups the ten short ones count in no share."""
    june = "?from=2026-06-03&to=2026-06-04"
    strip = screen.said(drawn(panel_of("calls-strip"), tiny, june).body)
    assert "n = 1,060" in strip and "n = 1,050; 10 under 6 s left out" in strip
    assert "n 1,060" in screen.said(drawn(panel_of("overview-answered"), tiny, june).body)
    foot = screen.said(drawn(panel_of("overview-calls"), tiny, june).foot)
    assert "in time: of 1,060, every hang-up" in foot and "hung up: of 1,050, under 6" in foot.replace("\xa0", " ")


def test_days_outside_of_the_data_are_refused_in_words(tiny):
    with pytest.raises(BadRequest, match="1–31 Jan 2027 lies outside"):
        filters_in("?from=2027-01-01&to=2027-02-01", tiny)
    assert filters_in("?from=2026-06-01&to=2027-01-01", tiny).period.to_on == tiny.clock().end_on


def test_a_table_and_a_file_say_which_days_their_numbers_are_of(tiny):
    panel = panel_of("demand-types")
    filters = filters_in("?from=2026-06-01&to=2026-07-01&compare=previous", tiny)
    with acting_as(DEPUTY_MANAGER):
        answers = answers_to(panel, filters, tiny)
        text = "".join(_csv(panel, filters, answers, tiny))
        titles = [title for title, _ in _titled(panel, filters, answers, tiny)]
    assert '"Chosen period, 1–30 Jun 2026"' in text and '"Comparison period, 1–31 May 2026"' in text
    assert titles == ["", "Comparison period, 1–31 May 2026"]


def test_closings_are_held_against_all_that_came_to_stand_as_the_backlog_is(tiny):
    """In May the tile and the account of the backlog tell the same change, reopenings included."""
    search = "?from=2026-05-01&to=2026-06-01"
    tile = screen.said(drawn(panel_of("overview-closed"), tiny, search).body)
    bridge = screen.said(drawn(panel_of("backlog-bridge"), tiny, search).sentence)
    grew = re.search(r"(grew|shrank) by (\d+)", bridge)
    sign = {"grew": "−", "shrank": "+"}[grew.group(1)]
    assert f"{sign}{grew.group(2)} against openings" in tile and "reopened" in bridge


def test_what_hotspots_counts_bears_its_name_on_every_card(tiny):
    for counting, things, other in (("reports", "report", "incident"), ("incidents", "incident", "report")):
        for name in ("time", "districts"):
            card = drawn(panel_of(f"hotspots-{name}"), tiny, f"?period=all&service_type=pothole&counting={counting}")
            said = screen.said(card.sentence) + screen.said(card.body or "") + str(card.figure)
            assert things in said.lower() and other not in said.lower().replace("reported", ""), (name, said)


def test_only_numbers_of_requests_can_be_chosen_to_be_listed():
    assert {measure.unit for measure in LISTED} == {"requests"}


def test_a_list_and_a_timeline_say_the_same_age(tiny):
    """Days of the calendar to the last of the data, in a row of the list and in the request it opens."""
    filters = Filters(Period(date(2026, 5, 1), tiny.clock().end_on))  # two days after the last request
    told = 0
    for name, said_by in (("backlog-latest", "days</b> ago"), ("backlog-oldest", "been open for")):
        with acting_as(DEPUTY_MANAGER):
            body = markup(drawing_of(panel_of(name), filters, tiny)[0].body)
        for request, days in re.findall(r'/requests/([^"]+)".*?<td class="num">(?:<b>)?(\d+)', body):
            panel, place = panel_of("request-clock"), {"request_id": (request,)}
            answers = answers_to(panel, filters, tiny, place)
            sentence = markup(panel.draw(answers, context_of(panel, filters, tiny, place)).sentence)
            if said_by in sentence and int(days) > 1:
                assert f"<b>{days}\xa0days" in sentence, (name, request)
                told += 1
    assert told


def test_a_list_counts_days_as_the_bands_of_age_and_lateness_do(tiny):
    """The oldest and the latest lie in the highest band that holds any."""
    for name, band, last in (("backlog-oldest", age_band, "backlog"), ("backlog-latest", lateness, "overdue")):
        for search in ("?from=2026-05-01&to=2026-05-31", "?from=2026-06-01&to=2026-06-09", "?period=all"):
            filters = Filters.from_search(search, tiny.clock(), DIMENSIONS)
            most = int(re.search(r'<td class="num">(?:<b>)?(\d+)', markup(drawn(panel_of(name), tiny, search).body))[1])
            found = tiny.ask(Query((CATALOGUE[last],), by=(band,)), filters, Scope.everything()).frame
            highest = found.loc[found[last] > 0, band.name].iloc[-1]
            low, high = (
                int(n) for n in re.findall(r"\d+", highest.replace("up to", "0–").replace("over 180", "181–9999"))
            )
            assert low <= most <= high, (name, search, most, highest)


def test_how_late_is_told_of_the_chosen_department(tiny):
    whole, own = (
        "".join(map(str, drawn(panel_of("backlog-lateness"), tiny, f"?period=all{search}").sentence))
        for search in ("", "&department=Streets")
    )
    assert whole.startswith("Of B('3'") and own.startswith("B('Streets', {}): of B('")
