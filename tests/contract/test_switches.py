"""How everything is counted: reports or incidents, with or without event days; and the rows behind each number."""

from datetime import date

import pytest

from callbacks.address import filters_in
from callbacks.panels import answers_to, context_of, drawing_of
from dashboard.domain.errors import BadRequest, UnknownName
from dashboard.domain.filters import Filters, Period
from dashboard.domain.policy import Scope, Viewer
from dashboard.services import acting_as
from data_access.listing import Condition, Listing
from data_access.measures import CATALOGUE
from data_access.semantics import Query, Ratio, Spread, Total
from layouts.markup import markup
from layouts.panels import listed
from layouts.views import collect_views
from tests.screen import said

EVERYTHING = Scope.everything()
MAY = Period(date(2026, 5, 1), date(2026, 6, 1))
SEARCHES = (
    "?period=all",
    "?from=2026-05-01&to=2026-06-01",
    "?from=2026-06-01&to=2026-07-01&department=Vector",
    "?period=all&district=North&district=no+district",
    "?period=all&counting=incidents",
    "?from=2026-05-01&to=2026-06-01&event_days=out",
)
LISTED = [
    measure for measure in CATALOGUE.values()
    if not isinstance(measure, Ratio) and measure.unit == "requests" and measure.fact.name in ("request", "episode")
]  # fmt: skip
CONDITIONAL = {"kept", "closed_in_time", "opened_on_time", "opened_late", "opened_overdue", "opened_not_due",
               "opened_no_promise", "opened_decided"}  # fmt: skip


def value(services, name: str, search: str) -> float:
    filters = filters_in(search, services)
    return services.ask(Query((CATALOGUE[name],)), filters, EVERYTHING).value(name)


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("measure", [pytest.param(one, id=one.name) for one in LISTED])
def test_a_list_has_as_many_rows_as_its_number_says(tiny, measure, search):
    rows = tiny.rows(Listing(measure), filters_in(search, tiny))
    assert rows.n == len(rows.frame) == value(tiny, measure.name, search)


def test_the_list_of_a_ratio_is_what_it_is_divided_by(tiny):
    rows = tiny.rows(Listing(CATALOGUE["sla_compliance"]), filters_in("?period=all", tiny))
    assert rows.n == value(tiny, "due", "?period=all") > 0


def test_a_list_is_sorted_paged_and_narrowed(tiny):
    filters = filters_in("?period=all", tiny)
    opened = CATALOGUE["opened"]
    everything = tiny.rows(Listing(opened, ("opened_at",)), filters).frame
    assert everything["opened_at"].is_monotonic_increasing
    pages = [tiny.rows(Listing(opened, ("opened_at",), 3, offset), filters) for offset in range(0, len(everything), 3)]
    assert [one for page in pages for one in page.frame["request_id"]] == everything["request_id"].tolist()
    assert {page.n for page in pages} == {len(everything)}
    for order in ("closed_at", "-closed_at"):  # what is missing comes last either way
        ends = tiny.rows(Listing(opened, (order,)), filters).frame["closed_at"]
        assert ends.tail(4).isna().all() and ends.notna().sum() == len(ends) - 4
    potholes = tiny.rows(Listing(opened, conditions=(Condition("service_type", "contains", "pot"),)), filters)
    assert 0 < potholes.n == value(tiny, "opened", "?period=all&service_type=Pothole")
    still = tiny.rows(Listing(opened, conditions=(Condition("closed_at", "missing"),)), filters)
    assert sorted(still.frame["request_id"]) == ["3", "31", "4", "7"]
    assert tiny.rows(Listing(opened, search="21"), filters).frame["request_id"].tolist() == ["21"]
    assert tiny.rows(Listing(opened, search="100%_"), filters).n == 0


def test_what_cannot_be_listed_says_so(tiny):
    filters = filters_in("?period=all", tiny)
    with pytest.raises(BadRequest, match="Contacts cannot be listed"):
        tiny.rows(Listing(CATALOGUE["offered"]), filters)
    with pytest.raises(UnknownName, match="person_key"):
        tiny.rows(Listing(CATALOGUE["opened"], ("person_key",)), filters)
    with pytest.raises(UnknownName, match="guess"):
        tiny.rows(Listing(CATALOGUE["opened"], conditions=(Condition("status", "guess", ""),)), filters)


def test_an_incident_counts_once(tiny):
    reports, incidents = (value(tiny, "opened", f"?period=all&counting={way}") for way in ("reports", "incidents"))
    duplicates = value(tiny, "duplicates", "?period=all")
    assert duplicates > 0
    assert incidents == reports - duplicates
    assert value(tiny, "duplicates", "?period=all&counting=incidents") == 0
    for search in ("?period=all", "?from=2026-05-01&to=2026-06-01", "?from=2026-06-01&to=2026-07-01"):
        flow = {
            name: value(tiny, name, f"{search}&counting=incidents")
            for name in ("opened", "reopened", "closed", "backlog")
        }
        start = 0.0
        if "from" in search:
            month_before = {"05": "?from=2026-04-01&to=2026-05-01", "06": "?from=2026-05-01&to=2026-06-01"}
            start = value(tiny, "backlog", month_before[search[11:13]] + "&counting=incidents")
        assert start + flow["opened"] + flow["reopened"] - flow["closed"] == flow["backlog"]


def test_the_day_after_an_event_counts(tiny):
    """In May the streets' department had 21 on the 4th, 22 and 23 on the 5th, 25 and 26 later."""
    without = Filters(MAY).switch("event_days", "out").leaving_out([(date(2026, 5, 4), date(2026, 5, 5))])
    answer = tiny.ask(Query((CATALOGUE["opened"],)), without.choose("department", ["Streets"]), EVERYTHING)
    assert answer.value("opened") == 4


def test_event_days_can_be_left_out(tiny):
    """On 20 May it hailed: request 21 was closed that day for the second time."""
    filters = filters_in("?from=2026-05-01&to=2026-06-01&event_days=out", tiny)
    assert filters.left_out == ((date(2026, 5, 20), date(2026, 5, 21)),)
    assert filters.days_counted() == 30
    closed = Query((CATALOGUE["closed"],), every="day")
    days = tiny.ask(closed, filters, EVERYTHING).frame["day"].dt.day.tolist()
    assert 20 not in days and len(days) == 30
    whole = value(tiny, "closed", "?from=2026-05-01&to=2026-06-01")
    hail = value(tiny, "closed", "?from=2026-05-20&to=2026-05-21")
    assert hail == 1
    assert value(tiny, "closed", "?from=2026-05-01&to=2026-06-01&event_days=out") == whole - hail
    answer = tiny.ask(Query((CATALOGUE["backlog"],)), filters, EVERYTHING)
    assert answer.value("backlog") == value(tiny, "backlog", "?from=2026-05-01&to=2026-06-01")
    assert "What stands open is counted on event days too." in answer.notes


def test_switches_live_in_the_address(tiny):
    filters = filters_in("?counting=incidents&event_days=out", tiny)
    assert filters.to_search() == "?counting=incidents&event_days=out"
    assert filters.switch("counting", "reports").to_search() == "?event_days=out"
    assert filters.switch("event_days", "in").left_out == ()
    assert filters_in("?counting=reports", tiny) == filters_in("", tiny)
    assert "incidents; event days left out" in filters.sentence()
    with pytest.raises(UnknownName, match="people"):
        filters_in("?counting=people", tiny)


def test_every_measure_that_counts_requests_was_listed():
    assert {measure.name for measure in LISTED} >= CONDITIONAL
    assert all(isinstance(measure, Total) or not isinstance(measure, Spread) for measure in LISTED)
    assert Filters(MAY).days_counted() == 31


def test_a_short_list_links_each_request_and_all_of_them(tiny):
    panel = listed("oldest", "Which are the oldest?", CATALOGUE["backlog"], ("service_type", "opened_at", "address"),
                   order=("opened_at",), limit=2)  # fmt: skip
    filters = filters_in("?period=all&channel=phone", tiny)
    with acting_as(Viewer("Ana", "analyst")):
        drawing = panel.draw(answers_to(panel, filters, tiny), context_of(panel, filters, tiny))
    shown = markup(drawing.body) + markup(drawing.foot)
    assert 'href="/requests/31"' in shown and "Thu 30 Apr 2026, 23:59" in shown and "Address" in shown
    assert "/requests?of=backlog&amp;period=all&amp;channel=phone" in shown
    assert panel.draw((tiny.rows(Listing(CATALOGUE["backlog"]), filters_in("?district=Hill", tiny)),),
                      context_of(panel, filters, tiny)).is_empty  # fmt: skip


def test_busy_days_are_not_said_to_be_none_of_events_whose_days_are_left_out(tiny):
    view = next(one for one in collect_views() if one.name == "demand")
    panel = next(one for one in view.panels if one.name == "busiest")
    told = {}
    for kind in ("in", "out"):
        filters = filters_in(f"?from=2026-05-01&to=2026-06-01&event_days={kind}", tiny)
        told[kind] = said(drawing_of(panel, filters, tiny)[0].sentence)
    assert "busiest days fell on a city event." in told["in"]
    assert "city event" not in told["out"] and told["out"].endswith(" Event days are left out.")
