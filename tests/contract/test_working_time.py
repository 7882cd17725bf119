"""Time to close in working time: the vectors of the measures reference (B7, B-clock, B-survival), on both engines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from dashboard.domain.errors import NotTold
from dashboard.domain.filters import Filters, Period
from dashboard.domain.policy import Scope
from dashboard.services import Services
from dashboard.settings import Settings
from data_access.build import Build
from data_access.dimensions import DIMENSIONS, service_type
from data_access.listing import Listing
from data_access.measures.outcomes import paused_s
from data_access.measures.requests import at_risk, due_soon, time_to_close, working_time_to_close
from data_access.semantics import Query
from layouts.figures.clock import opening_hours
from layouts.markup import markup
from layouts.views import collect_views
from tests import city, screen
from tests.city import TZ
from tests.contract.test_build import CITY, at

HOUR = 3600
EVERYTHING = Scope.everything()
# The office of the reference: Monday to Friday, 8 to 17; closed on 3 July, Thanksgiving and the day after. Another is
# open day and night, a third on Sundays alone and over both changes of the clocks.
WEEKS: dict[str, list[list[tuple[str, str]]]] = {
    "office": [[("08:00", "17:00")]] * 5 + [[], []],
    "always": [[("00:00", "24:00")]] * 7,
    "sundays": [[]] * 6 + [[("00:00", "06:00")]],
}
CLOSED = ("2026-07-03", "2026-11-26", "2026-11-27")
AS_OF = datetime(2026, 12, 5, 17)  # UTC; in the city it is noon

# type (each its own)     office     opened              closed (-: open)    paused from         until (-: goes on)  h
VECTORS = """
Over a weekend            office     2026-06-26T16:00    2026-06-29T09:30    -                   -                   2.5
Paused on Monday          office     2026-06-26T16:00    2026-06-29T17:00    2026-06-29T08:00    2026-06-29T12:00    6
Paused on the weekend     office     2026-06-26T16:00    2026-06-29T09:30    2026-06-27T08:00    2026-06-28T12:00    2.5
Paused from night on      office     2026-06-26T16:00    2026-06-29T17:00    2026-06-28T22:00    2026-06-29T10:00    8
Clocks put back           office     2026-10-30T16:00    2026-11-02T09:00    -                   -                   2
Over a holiday            office     2026-07-02T16:30    2026-07-06T16:30    -                   -                   9
Opened on a Saturday      office     2026-06-27T12:00    2026-06-29T17:00    -                   -                   9
Opened after hours        office     2026-06-26T19:05    2026-06-29T17:00    -                   -                   9
Over Thanksgiving         office     2026-11-25T10:00    2026-12-02T10:00    -                   -                   27
Closed on the weekend     office     2026-06-27T12:00    2026-06-28T12:00    -                   -                   0
A night of 25 hours       always     2026-10-31T12:00    2026-11-01T12:00    -                   -                   25
A night of 23 hours       always     2026-03-07T12:00    2026-03-08T12:00    -                   -                   23
The hour that is twice    sundays    2026-10-31T12:00    2026-11-02T12:00    -                   -                   7
The hour that is not      sundays    2026-03-07T12:00    2026-03-09T12:00    -                   -                   5
Still open                office     2026-12-03T16:00    -                   -                   -                   10+
On hold                   office     2026-12-03T16:00    -                   2026-12-04T09:00    -                   2+
Open, paused before       office     2026-12-03T16:00    -                   2026-12-04T08:00    2026-12-04T16:00    2+
No calendar               -          2026-06-26T16:00    2026-06-29T09:30    -                   -                   -
Closed before opened      office     2026-06-26T16:00    2026-06-26T15:00    -                   -                   -
"""
# B-survival: hours to the closing, + still open. All were opened on the hour before their closing, or before AS_OF.
SURVIVAL = ("1", "2", "3", "4", "5+", "6", "10+", "12", "15+", "20+")


def instant(local: str) -> datetime | None:
    if local == "-":
        return None
    zoned = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(TZ))
    return zoned.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)


def written() -> list[list[str]]:
    return [[part.strip() for part in line.split("  ") if part.strip()] for line in VECTORS.strip().splitlines()]


def survival() -> list[tuple[str, str]]:
    """Openings and closings: of the open ones as long before Friday 4 December 17:00, in hours of the office."""
    back = {5: "2026-12-04T12:00", 10: "2026-12-03T16:00", 15: "2026-12-03T11:00", 20: "2026-12-02T15:00"}
    forth = {n: f"2026-06-01T{8 + n:02}:00" if n < 9 else f"2026-06-02T{n - 1:02}:00" for n in (1, 2, 3, 4, 6, 12)}
    return [
        (back[int(one[:-1])], "-") if one.endswith("+") else ("2026-06-01T08:00", forth[int(one)]) for one in SURVIVAL
    ]


def write_city(build: Build) -> None:
    weeks = [{"calendar_id": name, "name": name, "weekly_windows": json.dumps(week)} for name, week in WEEKS.items()]
    build.write("calendar", pd.DataFrame(weeks))
    days = [{"calendar_id": "office", "day_on": date.fromisoformat(day), "is_business": False} for day in CLOSED]
    build.write("calendar_day", pd.DataFrame(days))
    homes = {**{name: name for name in WEEKS}, "-": None}
    departments = [{"department_id": name, "name": f"Of {name}", "calendar_id": own} for name, own in homes.items()]
    build.write("department", pd.DataFrame(departments))
    types = [(row[0], row[1]) for row in written()] + [("Vector", "office"), ("Promised", "always")]
    kinds = [{"type_id": name, "name": name, "department_id": home, "is_info_only": False, "is_internal": False}
             for name, home in types]  # fmt: skip
    build.write("service_type", pd.DataFrame(kinds))
    # A promise that runs in the hours of another calendar than its department’s: since June for all, for one priority
    # around the clock.
    promise = {"type_id": "Promised", "target_value": 2, "target_unit": "business_days", "mode": "same_time"}
    versions = [
        {**promise, "sla_id": "p", "calendar_id": "office", "valid_from_on": date(2026, 6, 1)},
        {**promise, "sla_id": "u", "calendar_id": "sundays", "priority": "urgent", "valid_from_on": date(2026, 6, 1),
         "valid_to_on": date(2026, 7, 1)},
    ]  # fmt: skip
    build.write("sla_version", pd.DataFrame(versions))


def write_requests(build: Build) -> None:
    rows, pauses = [], []
    for n, (name, _, opened, closed, begin, end, _) in enumerate(written()):
        rows.append((f"v{n}", name, None, opened, closed))
        if begin != "-":
            pauses.append({"request_id": f"v{n}", "start_at": instant(begin), "end_at": instant(end)})
    rows += [(f"s{n}", "Vector", None, *ends) for n, ends in enumerate(survival())]
    weekend = ("2026-06-26T16:00", "2026-06-29T09:30")
    rows += [
        ("p1", "Promised", None, *weekend), ("p2", "Promised", "urgent", *weekend),
        ("p3", "Promised", None, "2026-05-01T16:00", "2026-05-04T16:00"),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["request_id", "type_id", "priority", "opened_at", "closed_at"])
    for name in ("opened_at", "closed_at"):
        frame[name] = pd.to_datetime(frame[name].map(instant))
    frame["status"] = frame["closed_at"].map(lambda closed: "new" if pd.isna(closed) else "closed")
    # Closed, and nobody wrote when: it neither ended nor goes on.
    unknown = {"request_id": "unknown", "type_id": "Vector", "opened_at": instant("2026-06-01T08:00")}
    frame = pd.concat([frame, pd.DataFrame([{**unknown, "status": "closed"}])])
    build.write("request", frame.assign(src_system="crm", src_id=frame["request_id"]))
    build.write("request_pause", pd.DataFrame(pauses))


def write(build: Build) -> None:
    write_city(build)
    write_requests(build)


@pytest.fixture(scope="module")
def office(blank: Settings) -> Iterator[Services]:
    """Services over the vectors above, on each engine."""
    with city.in_service(blank, write, AS_OF, city_id="office") as services:
        yield services


YEAR = Filters(Period(date(2026, 1, 1), date(2026, 12, 6)))


def test_the_vectors_of_the_reference(office: Services) -> None:
    answer = office.ask(Query((working_time_to_close,), by=(service_type,)), YEAR, EVERYTHING)
    told = answer.frame.set_index("service_type")
    for name, *_, hours in written():
        if hours == "-":
            assert name not in told.index or told.loc[name, "working_time_to_close_n"] == 0, name
            continue
        row = told.loc[name]
        assert row["working_time_to_close_n"] == 1, name
        if hours.endswith("+"):
            assert row[["working_time_to_close", "working_time_to_close_ended_only"]].isna().all(), name
        else:
            assert row["working_time_to_close"] == float(hours) * HOUR, name
            assert row["working_time_to_close_ended_only"] == float(hours) * HOUR, name


def test_open_requests_are_counted_up_to_the_datas_clock(office: Services) -> None:
    """Half are closed within six hours of work; who forgets the open ones says three and a half."""
    answer = office.ask(Query((working_time_to_close,)), YEAR.choose("service_type", {"Vector"}), EVERYTHING)
    assert answer.value("working_time_to_close_n") == len(SURVIVAL)
    assert answer.value("working_time_to_close") == 6 * HOUR
    assert answer.value("working_time_to_close_ended_only") == 3.5 * HOUR
    assert answer.value("working_time_to_close_p90") is None  # not reached
    rows = office.rows(Listing(working_time_to_close, limit=100), YEAR.choose("service_type", {"Vector"}))
    assert rows.n == len(SURVIVAL) == len(rows.frame)  # the list is of the same requests


def test_open_ones_keep_the_curve_up_for_as_long_as_they_have_worked(office: Services) -> None:
    """What is closed in more working time than an open one has had is a half only of those that lasted so long."""
    filters = YEAR.choose("service_type", {"Over Thanksgiving", "Still open", "On hold", "Over a weekend"})
    answer = office.ask(Query((working_time_to_close,)), filters, EVERYTHING)
    # 2+ and 10+ open, 2.5 and 27 closed: S(2.5) = 2/3, S(27) = 0
    assert answer.value("working_time_to_close_n") == 4
    assert answer.value("working_time_to_close") == answer.value("working_time_to_close_p90") == 27 * HOUR


def test_the_calendar_of_the_promise_goes_before_that_of_the_department(office: Services) -> None:
    by = Query((working_time_to_close, time_to_close), by=(DIMENSIONS["priority"],), every="month")
    frame = office.ask(by, YEAR.choose("service_type", {"Promised"}), EVERYTHING).frame
    frame = frame[frame["working_time_to_close_n"] > 0]
    told = frame.set_index([frame["month"].dt.month, "priority"])
    hours = (told["working_time_to_close"] / HOUR).to_dict()
    missing = DIMENSIONS["priority"].missing
    # In May there was no promise: day and night, as its department works. Then the office; urgent ones on Sundays.
    assert hours == {(5, missing): 72, (6, missing): 2.5, (6, "urgent"): 6}


def test_it_is_told_of_the_last_data_alone(office: Services) -> None:
    """What stood open then has worked on since, and builds do not know how long it had worked until then."""
    for measure in (working_time_to_close, at_risk, due_soon):
        with pytest.raises(NotTold, match=f"“{measure.label}” is told of the last data received"):
            office.ask(Query((measure,)), YEAR, EVERYTHING, instant("2026-07-01T12:00"))
        office.ask(Query((measure,)), YEAR, EVERYTHING, instant("2026-12-31T12:00"))  # not before the last data
    then = office.ask(Query((time_to_close, paused_s)), YEAR, EVERYTHING, instant("2026-07-01T12:00"))
    assert then.value("time_to_close_n") and then.value(paused_s) == (4 + 2) * HOUR  # of what was closed that is known


def test_which_hours_hold_for_each_type(office: Services) -> None:
    hours = office.hours()
    assert set(hours) == {row[0] for row in written() if row[1] != "-"} | {"Vector", "Promised"}
    assert [opening_hours(one.calendar) for one in hours["Vector"]] == ["Mon–Fri 08:00–17:00"]
    told = [(opening_hours(one.calendar), one.from_on, one.to_on) for one in hours["Promised"]]
    june, july = date(2026, 6, 1), date(2026, 7, 1)
    assert told[0] == ("day and night", date.min, june)
    assert sorted(told[1:]) == [("Mon–Fri 08:00–17:00", june, date.max), ("Sun 00:00–06:00", june, july)]


def test_the_card_of_promises_tells_working_time_beside_time(office: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layouts.figures.words.FEW", 1)
    view = next(one for one in collect_views() if one.name == "promises")

    def card(search: str) -> tuple[str, str]:
        drawn = screen.drawn(office, view, "fit", search)
        return markup(drawn.body).replace("\xa0", " "), markup(drawn.foot).replace("\xa0", " ")

    body, foot = card("?from=2026-01-01&to=2026-12-06&service_type=Over+Thanksgiving")
    assert "27.0 working h" in body and "7.0 days" in body and "6.0 working h" in body
    assert "Mon–Fri 08:00–17:00" in body and "Sun 00:00–06:00" in body
    assert "working h: in the hours under the type, without holidays, closures and pauses of the clock" in foot
    row = next(one for one in body.split("<tr") if "A night of 25 hours" in one)
    assert "25.0 h" in row and "working" not in row  # day and night: that is the time it takes
    body, foot = card("?from=2026-07-01&to=2026-08-01")  # all of that month are of one office
    assert "9.0 working h" in body and "Mon–Fri" not in body and "working h: Mon–Fri 08:00–17:00, without" in foot


def test_a_city_without_a_calendar_tells_none(store: Settings) -> None:
    with Build(store, CITY) as build:
        rows = {"request_id": ["1", "2"], "type_id": "PH", "opened_at": at("2026-06-26 20:00"), "status": "closed"}
        build.write("request", pd.DataFrame({**rows, "closed_at": at("2026-06-29 20:00")}))
        build.publish()
    services = Services(store)
    answer = services.ask(Query((working_time_to_close, time_to_close)), YEAR, EVERYTHING)
    assert (answer.value("working_time_to_close_n"), answer.value("time_to_close_n")) == (0, 2)
    assert answer.value("working_time_to_close") is None and services.hours() == {}
    view = next(one for one in collect_views() if one.name == "promises")
    card = screen.drawn(services, view, "fit", "?from=2026-06-01&to=2026-07-01")
    assert "working" not in markup(card.body) + markup(card.foot)
    services.warehouse.close()
