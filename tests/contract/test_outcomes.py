"""What closing meant, worked out by hand on a few houses: reopened, back again, at the deadline, idle, liked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from dashboard.domain.filters import Filters, Period
from dashboard.domain.policy import Scope
from dashboard.services import Services
from dashboard.settings import Settings
from data_access.build import Build
from data_access.dimensions import DIMENSIONS
from data_access.measures import CATALOGUE
from data_access.semantics import Query
from tests import city

AS_OF = datetime(2026, 6, 30, 16)  # UTC; in the city it is noon
MAY, JUNE = Period(date(2026, 5, 1), date(2026, 6, 1)), Period(date(2026, 6, 1), date(2026, 7, 1))
TYPES = {"light": "Street light", "graffiti": "Graffiti", "pothole": "Pothole"}

# All at 12:00 UTC unless an hour is written; promised are 10 days; `moved`: changes of department.
# id, type, parcel, address, opened, closed, parent, outcome, moved, first response
_REQUESTS = (
    ("a1", "light", "L1", "1 Elm St", "04-30", "05-10", None, "resolved", 0, None),  # on the dot
    ("a2", "light", "L1", "Elm St 1", "05-29", None, None, None, 1, None),  # the same parcel, 19 days after a1
    ("f1", "pothole", "L1", "1 Elm St", "05-11", None, None, None, None, "05-11T16"),  # something else there
    ("b1", "light", None, "9 Oak St", "05-03", "05-12", None, "administrative", 1, None),  # nine tenths of its promise
    ("b2", "light", None, " 9  OAK st", "06-20", None, None, None, 2, None),  # the same address, 39 days after b1
    ("c1", "graffiti", "L2", None, "05-09", "05-20", None, "resolved", 2, "05-10"),  # a day late
    ("c2", "graffiti", "L2", None, "05-21", "05-22", None, "resolved", 0, "05-21T13"),  # a day after c1
    ("c3", "graffiti", "L2", None, "06-02", "06-03", "c2", "duplicate", 0, None),  # a late report of c2
    ("d1", "light", None, None, "05-14", "05-15", None, "resolved", 0, "05-17"),  # nowhere; answered once it was closed
    ("e1", "light", "L5", None, "05-10", "05-09", None, None, 3, None),  # closed before it was opened
    ("e2", "light", "L5", None, "05-10T13", "06-29", None, "resolved", 0, "05-10T15"),  # closed too lately to tell
    ("g1", "light", None, None, "05-01", "06-25", None, "resolved", 0, None),  # reopened twice, see `_EVENTS`
    ("h1", "light", None, None, "05-08", "05-11", None, None, None, None),  # of a source without events
)  # fmt: skip
_EVENTS = (
    ("g1", "close", "05-05"), ("g1", "reopen", "05-10"), ("g1", "close", "05-12"), ("g1", "reopen", "06-05"),
    ("g1", "close", "06-25"), ("a1", "inspect", "05-05"), ("c1", "comment", "05-25"), ("c2", "work", "05-22T11"),
    ("b1", "assigned", "05-04"),
)  # fmt: skip
# request, sent, answered, score, of
_SURVEYS = (
    ("a1", "05-11", "05-12", 4, 5), ("c1", "05-21", "05-22", 3, 5), ("c2", "05-23", None, None, 5),
    ("b1", "05-13", "05-13", 8, 10), (None, "06-05", "06-06", 5, 5),
)  # fmt: skip


def at(written: pd.Series) -> pd.Series:
    full = written.where(written.str.len().fillna(0) > 5, written + "T12")
    return pd.to_datetime("2026-" + full, format="%Y-%m-%dT%H").astype("datetime64[us]")


def write(build: Build) -> None:
    names = ["request_id", "type_id", "parcel_id", "address", "opened_at", "closed_at", "parent_request_id",
             "closure_outcome", "transfer_count", "first_response_at"]  # fmt: skip
    rows = pd.DataFrame(_REQUESTS, columns=names)
    for name in ("opened_at", "closed_at", "first_response_at"):
        rows[name] = at(rows[name])
    has_promise = rows["request_id"] != "h1"
    rows = rows.assign(
        due_at=(rows["opened_at"] + timedelta(days=10)).where(has_promise),
        due_source=has_promise.map({True: "source", False: "none"}),
        status=rows["closed_at"].map(lambda closed: "new" if pd.isna(closed) else "closed"),
        src_system=has_promise.map({True: "own", False: "other"}),
        src_id=rows["request_id"],
    )
    types = pd.DataFrame({"type_id": list(TYPES), "name": list(TYPES.values())})
    build.write("department", pd.DataFrame({"department_id": ["S"], "name": ["Streets"]}))
    build.write("service_type", types.assign(department_id="S", is_info_only=False, is_internal=False))
    build.write("request", rows)
    events = pd.DataFrame(_EVENTS, columns=["request_id", "kind", "event_at"])
    build.write("request_event", events.assign(event_at=at(events["event_at"]), event_id=events.index.astype(str)))
    surveys = pd.DataFrame(_SURVEYS, columns=["request_id", "sent_at", "answered_at", "score", "max_score"])
    surveys = surveys.assign(sent_at=at(surveys["sent_at"]), answered_at=at(surveys["answered_at"]))
    build.write("survey", surveys.assign(survey_id=surveys.index.astype(str)))


@pytest.fixture(scope="module")
def street(blank: Settings) -> Iterator[Services]:
    """Services over the houses above, on each engine."""
    with city.in_service(blank, write, AS_OF, city_id="street") as services:
        yield services


def ask(services, *measures, by=(), period=MAY, as_of=None, **choices):
    query = Query(tuple(CATALOGUE[name] for name in measures), tuple(DIMENSIONS[name] for name in by))
    filters = Filters(period)
    for name, value in choices.items():
        filters = filters.choose(name, (value,))
    return services.ask(query, filters, Scope.everything(), as_of)


def parts(services, ratio, **more):
    """The two totals of a ratio."""
    answer = ask(services, ratio, **more)
    measure = CATALOGUE[ratio]
    return answer.value(measure.over), answer.value(measure.under)


@pytest.mark.parametrize(
    ("ratio", "may"),
    [
        ("resolved_share", (4, 7)),  # a1, c1, c2, d1 of those and b1, e1, h1
        ("reopen_rate", (1, 8)),  # g1 once of its two closings in May (24 days are no 14); h1 nobody would know
        ("recurrence_rate", (2, 4)),  # a1 and c1 of those and b1, c2
        ("deadline_share", (2, 4)),  # a1 and b1 of those and c2, d1
        ("without_activity_share", (4, 6)),  # b1, d1, e1, and c1: what came after its closing does not count
        ("handed_on_rate", (4, 8)),  # b1, c1, e1, a2 of those and c2, d1, e2, g1
        ("bounce_rate", (2, 8)),  # c1, e1
        ("satisfaction", (2, 3)),  # 4 of 5 and 8 of 10, not 3 of 5
        ("response_rate", (3, 4)),
    ],
)
def test_what_became_of_what_was_closed_in_may(street, ratio, may):
    assert parts(street, ratio) == may


def test_what_cannot_be_known_yet_is_left_out(street):
    # in June c3, g1 for good and e2 were closed; of these only c3 long enough ago to tell whether it was reopened
    assert parts(street, "reopen_rate", period=JUNE) == (0, 1)
    assert parts(street, "recurrence_rate", period=JUNE) == (0, 0)
    assert ask(street, "recurrence_rate", period=JUNE).value("recurrence_rate") is None
    # b2, twice handed on, and c3 were opened less than 30 days ago
    assert parts(street, "handed_on_rate", period=JUNE) == (0, 0)


def test_looking_back_only_what_had_time_by_then_is_counted(street):
    # on 9 June at noon a1 had been closed for 30 days to the second, and b1 for 28
    assert parts(street, "recurrence_rate", as_of=datetime(2026, 6, 9, 12)) == (1, 1)
    # on 20 May at noon g1’s first closing was 15 days old, its second 8
    assert parts(street, "reopen_rate", as_of=datetime(2026, 5, 20, 12)) == (1, 1)


def test_closings_lie_somewhere_in_their_promise(street):
    found = ask(street, "closed_final", by=("promise_position",)).frame
    assert dict(found.itertuples(index=False)) == {
        "10–20 %": 2,  # c2, d1
        "90–100 %": 2,  # a1, b1
        "110–150 %": 1,  # c1
        "open or without a promise": 2,  # e1, h1
    }
    assert ask(street, "closed_final", promise_position="90–100 %").value("closed_final") == 2
    assert ask(street, "closed_final", period=JUNE, promise_position="over 200 %").value("closed_final") == 2  # e2, g1


def test_closings_have_a_day_of_the_month(street):
    found = ask(street, "closed_final", by=("closing_day",)).frame
    days = {"9": 1, "10": 1, "11": 1, "12": 1, "15": 1, "20": 1, "22": 1}
    assert dict(found.itertuples(index=False)) == days


def test_the_first_response_counts_those_still_waiting(street):
    # after 1, 2, 4, 24, 24 hours, 9 days (b1, by its closing), 55 days (g1, likewise); a2 waits since 32 days
    answer = ask(street, "first_response")
    assert [answer.value(f"first_response{end}") for end in ("", "_p90", "_n")] == [86400, 55 * 86400, 8]
    # on 21 May at 12:30 nobody had answered c2 yet, and g1 was open
    then = ask(street, "first_response", as_of=datetime(2026, 5, 21, 12, 30))
    assert [then.value(f"first_response{end}") for end in ("", "_p90", "_n")] == [86400, None, 7]
    assert then.value("first_response_ended_only") == 86400


def test_nobody_waits_for_what_was_closed_nobody_knows_when(tmp_path):
    """One was answered after a day, one is open; of the third it is known only that it is closed."""
    opened = datetime(2026, 5, 10, 12)
    rows = pd.DataFrame({"request_id": ["a", "b", "c"], "status": ["new", "new", "closed"], "type_id": "light",
                         "src_system": "own", "src_id": ["a", "b", "c"], "opened_at": opened})  # fmt: skip
    rows["first_response_at"] = pd.Series([opened + timedelta(days=1), pd.NaT, pd.NaT], dtype="datetime64[us]")
    events = pd.DataFrame({"event_id": ["1"], "request_id": ["b"], "kind": ["comment"], "event_at": [opened]})

    def write_few(build: Build) -> None:
        build.write("request", rows)
        build.write("request_event", events)

    with city.in_service(Settings(data=tmp_path, cache="off"), write_few, AS_OF) as services:
        answer = ask(services, "opened", "first_response")
        assert [answer.value(f"first_response{end}") for end in ("", "_n", "_ended_only")] == [86400, 2, 86400]
        assert answer.value("opened") == 3


def test_surveys_know_department_type_and_district_and_nothing_else(street):
    by_type = ask(street, "satisfaction", by=("service_type",)).frame.set_index("service_type")
    assert by_type[["surveys_satisfied", "surveys_answered"]].to_dict("index") == {
        "Street light": {"surveys_satisfied": 2, "surveys_answered": 2},
        "Graffiti": {"surveys_satisfied": 0, "surveys_answered": 1},
    }
    answer = ask(street, "satisfaction", channel="phone")
    assert answer.notes == ("Surveys carry no channel: not narrowed by it.",)
