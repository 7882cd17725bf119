"""Every measure gives the answer worked out by hand on the tiny city, on DuckDB and on PostgreSQL alike."""

from dataclasses import replace
from datetime import date, datetime

import pandas as pd
import pytest

from dashboard.domain.errors import BadRequest, NotPermitted, NotTold
from dashboard.domain.filters import Filters, Period
from dashboard.domain.policy import Scope
from dashboard.settings import Settings
from data_access.compile import Frame, compile_query, parts_of
from data_access.dimensions import DIMENSIONS
from data_access.measures import CATALOGUE
from data_access.measures.contacts import in_force
from data_access.semantics import Query
from layouts.views import collect_views
from tests import city, screen
from tests.screen import said

EVERYTHING = Scope.everything()
JUNE = Period(date(2026, 6, 1), date(2026, 7, 1))
MAY = Period(date(2026, 5, 1), date(2026, 6, 1))


def ask(services, *measures, by=(), every=None, period=JUNE, scope=EVERYTHING, as_of=None, **choices):
    query = Query(tuple(CATALOGUE[name] for name in measures), tuple(DIMENSIONS[name] for name in by), every)
    filters = Filters(period)
    for name, values in choices.items():
        filters = filters.choose(name, (values,) if isinstance(values, str) else values)
    return services.ask(query, filters, scope, as_of)


def number(services, measure, **more):
    return ask(services, measure, **more).value(measure)


@pytest.mark.parametrize(
    ("measure", "june"),
    [
        ("opened", 7), ("closed", 7), ("reopened", 0), ("backlog", 3), ("overdue", 2),
        ("taken_in", 7), ("moved_in", 0), ("moved_out", 0),
        ("due", 6), ("kept", 3), ("sla_compliance", 3 / 6), ("broken", 3), ("broken_share", 3 / 6),
        ("closed_with_promise", 6), ("closed_in_time", 4), ("sla_compliance_closed", 4 / 6),
        ("opened_on_time", 3), ("opened_late", 1), ("opened_overdue", 1), ("opened_not_due", 1),
        ("opened_no_promise", 1), ("opened_decided", 5), ("sla_compliance_opened", 3 / 5),
    ],
)  # fmt: skip
def test_the_sla_vector_of_the_reference(tiny, measure, june):
    assert number(tiny, measure, department="Vector") == pytest.approx(june)


def test_the_backlog_at_the_end_of_may_is_what_june_starts_with(tiny):
    assert number(tiny, "backlog", period=MAY, department="Vector") == 3


def test_a_reopened_request_is_open_again_until_its_second_closing(tiny):
    streets = ask(tiny, "opened", "reopened", "closed", "backlog", every="day", period=MAY, department="Streets").frame
    by_day = streets.set_index("day")
    # 31 has been open since April; 21 stands from the 4th to the 6th and from the 10th to the 20th
    assert by_day.loc["2026-05-03", "backlog"] == 1
    assert by_day.loc["2026-05-04", "backlog"] == 2
    assert by_day.loc["2026-05-06", "closed"] == 4  # 21, 22, 23, and 25, closed in the books before it was opened
    assert by_day.loc["2026-05-09", "backlog"] == 1
    assert by_day.loc["2026-05-10", "reopened"] == 1
    assert by_day.loc["2026-05-10", "backlog"] == 2
    assert by_day.loc["2026-05-20", "backlog"] == 1


@pytest.mark.parametrize("department", ["Vector", "Streets"])
def test_start_and_opened_and_reopened_less_closed_is_the_end_on_every_day(tiny, department):
    period = Period(date(2025, 11, 1), date(2026, 7, 1))
    days = ask(tiny, "opened", "reopened", "closed", "backlog", every="day", period=period, department=department).frame
    start = days["backlog"].shift(fill_value=0)
    assert (start + days["opened"] + days["reopened"] - days["closed"] == days["backlog"]).all()
    assert len(days) == period.days


def test_reports_of_one_problem_and_closings_again(tiny):
    """In May 21 to 23 report one pothole, which was closed, reopened and closed again: nothing was cleared by that."""
    may = ask(tiny, "reports_per_incident", "clearance", period=MAY, department="Streets")
    assert [may.value(one) for one in ("opened", "incidents", "closed", "came_to_stand")] == [5, 3, 6, 6]
    assert may.value("clearance") == 1


def test_information_only_requests_are_no_requests(tiny):
    assert number(tiny, "opened", period=Period(date(2026, 5, 5), date(2026, 5, 6))) == 2  # 22 and 23, not 24


def test_duplicates_are_reports_with_a_parent(tiny):
    may = ask(tiny, "duplicate_share", period=MAY, department="Streets")
    assert (may.value("duplicates"), may.value("opened")) == (2, 5)


def test_a_closing_before_the_opening_counts_as_closed_and_has_no_duration(tiny):
    answer = ask(tiny, "opened", "time_to_close", period=MAY, district="East")
    assert answer.value("opened") == 1
    assert answer.value("time_to_close_n") == 0
    assert number(tiny, "backlog", period=MAY, district="East") == 0


def test_time_to_close_counts_open_requests_as_open(tiny):
    # Vector, opened in May: 6 closed after 13 days 2 hours, 10 after 6 days 2 hours, 7 still open after 36 days
    answer = ask(tiny, "time_to_close", period=MAY, department="Vector")
    assert answer.value("time_to_close_n") == 3
    assert answer.value("time_to_close") == (13 * 24 + 2) * 3600
    assert answer.value("time_to_close_p90") is None  # not reached
    assert answer.value("time_to_close_ended_only") == pytest.approx((9 * 24 + 14) * 3600)


def test_each_request_is_held_against_its_own_promise(tiny):
    # promised 7 days and 14 hours less a second: 10 took 6 days 2 hours, 6 took 13 days 2 hours, 7 is still open
    answer = ask(tiny, "promise_used", "promised_time", period=MAY, department="Vector")
    assert answer.value("promise_used") == 1130400 * 1000 // 655199 == 1725
    assert answer.value("promise_used_p90") is None and answer.value("promise_used_n") == 3
    # due in May: only 6; to the minute below a week, to the hour above
    assert answer.value("promised_time") == 655199 // 3600 * 3600


def test_days_are_the_citys_own(tiny):
    opened = ask(tiny, "opened", every="day", period=Period(date(2025, 11, 1), date(2025, 11, 3))).frame
    assert opened["opened"].tolist() == [1, 1]  # a minute before and at midnight, both 3 or 4 hours into the UTC day
    assert number(tiny, "opened", period=Period(date(2026, 4, 30), date(2026, 5, 1))) == 1
    hours = ask(tiny, "opened", by=("hour",), period=Period(date(2026, 3, 8), date(2026, 3, 9))).frame
    assert hours["hour"].tolist() == ["1", "3"]  # there is no 2 o'clock that night


def test_looking_back_reads_later_closings_as_not_having_happened(tiny):
    as_of = datetime(2026, 6, 9, 4, 0)  # midnight at the end of 8 June, in UTC
    period = Period(date(2026, 6, 1), date(2026, 6, 9))
    then = ask(
        tiny, "opened", "backlog", "due", "kept", "opened_overdue", period=period, department="Vector", as_of=as_of
    )
    # opened 1 and 2; open: 2 (closed on the 9th) and 7; due by then: 1, 2, 7, 10; overdue and opened in June: 2
    assert [then.value(name) for name in ("opened", "backlog", "due", "kept", "opened_overdue")] == [2, 2, 4, 2, 1]


def test_looking_back_knows_of_nothing_opened_later_either(tiny):
    """Asked on 2 June at eight in the morning: 2 was opened at ten."""
    then = ask(tiny, "opened", "time_to_close", department="Vector", as_of=datetime(2026, 6, 2, 12, 0))
    assert (then.value("opened"), then.value("time_to_close_n")) == (1, 1)


def test_what_is_closed_today_stood_open_last_night(tiny):
    """Asked on the afternoon of 9 June, when 2 had been closed: at the end of 8 June it stood open, as 7 did."""
    period = Period(date(2026, 6, 1), date(2026, 6, 9))
    assert number(tiny, "backlog", period=period, department="Vector", as_of=datetime(2026, 6, 9, 20, 0)) == 2


def test_ratios_are_sums_over_sums(tiny):
    by_district = ask(tiny, "sla_compliance", by=("district",), department="Vector").frame.set_index("district")
    assert by_district.loc["North", ["kept", "due"]].tolist() == [2, 4]
    assert by_district.loc["South", ["kept", "due"]].tolist() == [1, 2]
    assert by_district["kept"].sum() / by_district["due"].sum() == number(tiny, "sla_compliance", department="Vector")


def test_a_ratio_over_nothing_is_missing(tiny):
    assert number(tiny, "sla_compliance", period=Period(date(2026, 1, 5), date(2026, 1, 6))) is None


def test_bands_of_the_backlog_add_up_to_it_and_to_what_is_overdue(tiny):
    ages = ask(tiny, "backlog", by=("age_band",)).frame.set_index("age_band")["backlog"]
    # At the end of 30 June 4 is 2 days old, 3 is 20, 7 is 36 and 31, opened on 30 April, is 61.
    assert ages.to_dict() == {"0–2 d": 1, "15–30 d": 1, "31–60 d": 1, "61–90 d": 1}
    promises = ask(tiny, "backlog", by=("promise_band",)).frame.set_index("promise_band")["backlog"]
    assert promises.sum() == number(tiny, "backlog") == 4
    assert promises.drop(["in time", "no promise"], errors="ignore").sum() == number(tiny, "overdue") == 3


def test_bands_of_lateness_add_up_to_what_is_overdue(tiny):
    # due 15 June, 2 June and 20 May, told at the end of 30 June
    late = ask(tiny, "overdue", by=("lateness",)).frame.set_index("lateness")["overdue"]
    assert late.to_dict() == {"8–30 d": 2, "31–90 d": 1}
    everything = ask(tiny, "backlog", by=("lateness",)).frame.set_index("lateness")["backlog"]
    assert everything.to_dict() == {"in time": 1, "8–30 d": 2, "31–90 d": 1}


def test_places_without_a_district_have_a_name(tiny):
    march = ask(tiny, "opened", by=("district",), period=Period(date(2026, 3, 1), date(2026, 4, 1)))
    assert march.frame.to_dict("list") == {"district": ["no district"], "opened": [2]}
    assert number(tiny, "opened", period=Period(date(2026, 3, 1), date(2026, 4, 1)), district="no district") == 2


# ── contacts ──


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("offered", 1060), ("answered", 1000), ("abandoned", 60), ("abandoned_short", 10),
        ("service_level", 0.811321), ("service_level_offered", 0.811321),
        ("service_level_excl_early", 0.826923), ("service_level_early_counts", 0.830189),
        ("service_level_answered", 0.86), ("service_level_excl_short", 0.819048),
        ("service_level_short_counts", 0.820755),
        ("abandonment", 0.047619), ("handle_time", 180), ("speed_of_answer", (860 * 10 + 140 * 90) / 1000),
        ("contacts", 1062),
    ],
)  # fmt: skip
def test_the_service_level_vector_of_the_reference(tiny, measure, expected):
    day = Period(date(2026, 6, 3), date(2026, 6, 4))
    assert number(tiny, measure, period=day) == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(
    ("custom", "expected"),
    [
        ("offered", 0.811321), ("excl_early", 0.826923), ("early_counts", 0.830189), ("answered", 0.86),
        ("excl_short", 0.819048), ("short_counts", 0.820755), ("city", 0.811321),
    ],
)  # fmt: skip
def test_the_service_level_follows_the_way_of_counting_chosen(tiny, custom, expected):
    chosen = Filters(Period(date(2026, 6, 3), date(2026, 6, 4))).switch("service_level", custom)
    answer = tiny.ask(Query((CATALOGUE["service_level"],), every="day"), chosen, EVERYTHING)
    assert answer.value("service_level") == pytest.approx(expected, abs=5e-7)
    assert answer.value("served_in_time") / answer.value("service_level_base") == answer.value("service_level")


def test_the_citys_own_way_of_counting_holds_until_another_is_chosen():
    own = Filters(JUNE)
    assert in_force(own, "excl_short") == "excl_short"
    assert in_force(own.switch("service_level", "answered"), "excl_short") == "answered"
    assert in_force(own, "no such custom") == "offered"


# id, outcome, direction, queue, answered after, ended after, wait, talk, wrap, resolved, made a request
_SPARSE = [
    ("a", "answered", "in", "old", 20, 90, None, None, None, None, None),
    ("b", "abandoned", "in", "old", None, 40, None, None, None, None, None),
    ("c", "answered", "in", "new", None, None, None, 60.0, None, True, True),
    ("d", "answered", "in", "new", None, None, 10.0, 120.0, 30.0, False, False),
    ("e", "answered", "out", "new", None, None, 1.0, 1.0, None, True, False),
    ("f", "answered", "in", "bad", -5, 60, None, None, None, None, None),  # answered before it came
]


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    """A log of six calls that leaves out much of what it could tell."""
    names = ["contact_id", "outcome", "direction", "queue", "answered_at", "ended_at", "wait_s", "talk_s", "wrap_s",
             "resolved_first", "created_request"]  # fmt: skip
    rows = pd.DataFrame(_SPARSE, columns=names).assign(channel="phone", in_open_hours=True, hold_s=None)
    rows["arrived_at"] = city.utc(pd.Series(["2026-06-03T09:30"] * len(rows)))
    for name in ("answered_at", "ended_at"):
        rows[name] = rows["arrived_at"] + pd.to_timedelta(rows[name].astype(float), unit="s")
    settings = Settings(data=tmp_path_factory.mktemp("sparse"), cache="off")
    with city.in_service(settings, lambda build: build.write("contact", rows)) as services:
        yield services


@pytest.mark.parametrize(
    ("measure", "every", "old", "bad"),
    [
        ("answered", 4, 1, 1), ("answered_with_wait", 2, 1, 0), ("speed_of_answer", (20 + 10) / 2, 20, None),
        ("service_level", 2 / 3, 1 / 2, None), ("service_level_answered", 1, 1, None),
        ("service_level_excl_early", 2 / 3, 1 / 2, None), ("abandonment", 1 / 5, 1 / 2, 0),
        ("handle_time", (60 + 150) / 2, None, None), ("talk_time", (60 + 120) / 2, None, None),
        ("first_contact_resolution", 1 / 2, None, None), ("request_rate", 1 / 2, None, None),
        ("contacts", 5, 2, 1), ("information_share", 1 / 2, None, None), ("information_only", 1, 0, 0),
    ],
)  # fmt: skip
def test_what_a_log_of_calls_does_not_record_is_not_told_as_nothing(sparse, measure, every, old, bad):
    """Waits are told by when a call was answered or hung up; a call to somebody outside is no contact."""
    told = [number(sparse, measure), number(sparse, measure, queue="old"), number(sparse, measure, queue="bad")]
    assert told == [one if one is None else pytest.approx(one) for one in (every, old, bad)]


def test_call_backs_and_the_telephone_systems_own_menus(tmp_path):
    """Two callers wait to be called back, one is after ten minutes; of three calls to the menus one is served there."""
    names = ["contact_id", "outcome", "connected", "ivr"]
    rows = pd.DataFrame([("g", "callback", 600, True), ("h", "callback", None, False),
                         ("i", "ivr_contained", None, True), ("j", "ivr_abandon", None, True),
                         ("k", "answered", None, False)], columns=names)  # fmt: skip
    rows["arrived_at"] = city.utc(pd.Series(["2026-06-03T09:30"] * len(rows)))
    rows["callback_connected_at"] = rows["arrived_at"] + pd.to_timedelta(rows.pop("connected"), unit="s")
    rows["ivr_in_at"] = rows["arrived_at"].where(rows.pop("ivr"))
    rows = rows.assign(channel="phone", in_open_hours=True)
    with city.in_service(Settings(data=tmp_path, cache="off"), lambda build: build.write("contact", rows)) as services:
        told = ask(services, "callback_success", "ivr_containment", "time_to_callback")
        assert [told.value(one) for one in ("callbacks_connected", "callbacks", "ivr_contained", "ivr_calls")] == [
            1, 2, 1, 3,
        ]  # fmt: skip
        assert (told.value("time_to_callback"), told.value("time_to_callback_n")) == (600, 2)
        early = ask(services, "callback_success", "time_to_callback", as_of=datetime(2026, 6, 3, 13, 35))
        assert early.value("callback_success") == 0 and early.value("time_to_callback") is None


def test_screens_say_what_a_log_of_calls_does_not_record(sparse):
    view = {one.name: one for one in collect_views()}
    told = [("calls", "handle", "No talk time was recorded"), ("demand", "information", "Whether contacts made a"),
            ("agents", "resolved", "")]  # fmt: skip
    for name, panel, words in told:
        card = screen.drawn(sparse, view[name], panel, "?period=all&queue=old")
        assert card.is_empty and said(card.sentence).startswith(words), panel
    assert "made no request" in said(screen.drawn(sparse, view["demand"], "information").sentence)


@pytest.mark.parametrize(("as_of", "due"), [(datetime(2026, 6, 6, 3, 59, 59), 0), (datetime(2026, 6, 6, 4), 1)])
def test_a_promise_is_due_once_its_moment_has_passed(tiny, as_of, due):
    """2 falls due at the last second of 5 June, and is open still: then it is overdue, and before not decided."""
    day = Period(date(2026, 6, 5), date(2026, 6, 6))
    then = ask(tiny, "due", "broken", period=day, department="Vector", as_of=as_of)
    opened = ask(
        tiny, "opened_not_due", "opened_overdue", period=Period(date(2026, 6, 2), date(2026, 6, 3)), as_of=as_of
    )
    assert [then.value("due"), then.value("broken"), opened.value("opened_overdue")] == [due] * 3
    assert opened.value("opened_not_due") == 1 - due


def test_handle_time_is_talk_and_hold_and_wrap(tiny):
    june = ask(tiny, "talk_s", "hold_s", "wrap_s", "handled_s")
    assert june.frame.iloc[0].tolist() == [1000 * 120 + 60, 1000 * 20, 1000 * 40, 1000 * 180 + 60]


def test_calls_that_ask_after_a_request_are_a_share_of_those_answered(tiny):
    june = ask(tiny, "status_share", "contacts_per_request")
    assert (june.value("status_calls"), june.value("answered")) == (2, 1001)
    assert june.value("status_share") == pytest.approx(2 / 1001)
    assert june.value("contacts_per_request") == pytest.approx(1062 / 7)


def test_the_requests_callers_ask_after_bring_their_service_type(tiny):
    asked = ask(tiny, "status_calls", by=("asked_type",)).frame
    assert asked.to_dict("list") == {"asked_type": ["Pothole", "not recorded"], "status_calls": [1, 1]}


def test_a_transferred_call_is_offered_again_but_is_one_contact(tiny):
    day = Period(date(2026, 6, 4), date(2026, 6, 5))
    assert ask(tiny, "offered", "contacts", period=day).frame.iloc[0].tolist() == [1, 0]


def test_calls_that_cannot_be_narrowed_say_so(tiny):
    answer = ask(tiny, "offered", "opened", district="North")
    assert answer.value("offered") == 1061
    assert answer.notes == ("Contacts carry no district: not narrowed by it.",)


# ── what cannot be asked ──


@pytest.mark.parametrize(
    ("measure", "chosen", "lacking"),
    [
        ("miss_rate", {"channel": "phone"}, "Rounds carry no channel: “Missed for 10,000 stops”"),
        ("fault_rate", {"category": "Roads"}, "Assets carry no category"),
        ("contacts_per_request", {"district": "North", "category": "Roads"},
         "Contacts carry no category and no district: “Contacts per request”"),
        ("calls_per_hour", {"queue": "General"}, "Hours on shift carry no queue"),
    ],
)  # fmt: skip
def test_a_rate_of_which_only_one_part_is_narrowed_is_not_told(tiny, measure, chosen, lacking):
    with pytest.raises(NotTold, match=lacking):
        ask(tiny, measure, **chosen)
    parts = [part.name for part in parts_of((CATALOGUE[measure],))]
    assert {"carry no" in note for note in ask(tiny, *parts, **chosen).notes} == {True}  # each alone is


@pytest.mark.parametrize(
    ("measure", "chosen"),
    [("contacts_per_request", {"channel": "phone"}), ("miss_rate", {"queue": "General"}), ("fault_rate", {}),
     ("clearance", {"department": "Vector"}), ("overdue_share", {"closure_outcome": "resolved"})],
)  # fmt: skip
def test_a_rate_of_which_both_parts_or_neither_are_narrowed_is(tiny, measure, chosen):
    assert measure in ask(tiny, measure, **chosen).frame


def test_a_measure_cannot_be_divided_by_what_its_fact_does_not_carry(tiny):
    with pytest.raises(BadRequest, match="cannot be divided by district"):
        ask(tiny, "offered", by=("district",))
    with pytest.raises(BadRequest, match="open at a moment"):
        ask(tiny, "closed", by=("age_band",))


def test_scope_is_required_and_a_fact_that_cannot_honour_it_is_refused(tiny):
    with pytest.raises(TypeError):
        tiny.ask(Query((CATALOGUE["opened"],)), Filters(JUNE))
    assert number(tiny, "opened", period=MAY, scope=Scope.only("department", "Vector")) == 3
    assert number(tiny, "opened", period=MAY, scope=Scope.only("department")) == 0
    with pytest.raises(NotPermitted):
        ask(tiny, "offered", scope=Scope.only("department", "Vector"))


def test_visits_that_nobody_asked_for(tmp_path):
    visits = pd.DataFrame({"kind": ["initial", "compliance", "proactive", "audit"], "result": "none"})
    visits = visits.assign(inspection_id=visits["kind"], visited_at=datetime(2026, 6, 4, 15, 0))
    with city.served(Settings(data=tmp_path, cache="off"), inspection=visits) as services:
        assert number(services, "unasked_share") == 1 / 2


def test_what_is_of_no_type_is_of_no_sensitive_one(tmp_path):
    """One visit for a request of a type, one for none."""
    visits = pd.DataFrame({"inspection_id": ["a", "b"], "request_id": ["1", None], "kind": "initial"})
    visits = visits.assign(visited_at=datetime(2026, 6, 4, 15, 0), result=["none", "active_signs"])
    types = city.TYPES.assign(sensitivity=["P3", "P0", "P0", "P1"])
    with city.served(Settings(data=tmp_path, cache="off"), inspection=visits, service_type=types) as services:
        assert number(services, "visits_told") == 2
        assert number(services, "visits_told", scope=replace(EVERYTHING, hides=("P3",))) == 1
        assert number(services, "visits_active", scope=replace(EVERYTHING, hides=("P3",))) == 1


def test_every_measure_can_be_asked_along_every_dimension_it_carries(tiny):
    """Each alone is as much as its parts, which are asked together with those of all others."""
    period = Period(date(2025, 11, 1), date(2026, 7, 1))
    whole = {name: ask(tiny, name, period=period).frame for name in CATALOGUE}
    assert {name: len(frame) for name, frame in whole.items() if len(frame) != 1} == {}
    for dimension in DIMENSIONS:
        names = [name for name in CATALOGUE if carries(name, dimension)]
        assert names, dimension
        money = [name for name in names if is_money(name)]  # whatever is asked with it is told of its fiscal year
        others = [name for name in names if name not in money]
        for few in (some[i : i + 30] for some in (money, others) for i in range(0, len(some), 30)):
            divided = ask(tiny, *few, by=(dimension,), period=period).frame
            for name in few:
                counts = [column for column in whole[name] if pd.api.types.is_integer_dtype(whole[name][column])]
                sums = {column: divided[column].sum() for column in counts}
                assert sums == {column: whole[name][column].iloc[0] for column in counts}, (name, dimension)


def is_money(measure):
    return any(part.fact.by_year for part in parts_of((CATALOGUE[measure],)))


def carries(measure, dimension):
    """Whether it can be divided so: if not, compiling says so."""
    try:
        compile_query(
            Query((CATALOGUE[measure],), (DIMENSIONS[dimension],)), Filters(JUNE), EVERYTHING, Frame(city.AS_OF, 20, 5)
        )
    except BadRequest:
        return False
    return True


@pytest.mark.parametrize(
    ("dimension", "value"),
    [
        ("hexagon_9", "nonsense"), ("hexagon_9", "882a306603fffff"), ("hour_of_week", "168"), ("hour_of_week", "-1"),
        ("hour", "999999999999999999999"), ("weekday", "Caturday"), ("half_hour", "7"), ("age_band", "old"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused_in_words(tiny, dimension, value):
    measure = {"half_hour": "offered", "age_band": "backlog"}.get(dimension, "opened")
    with pytest.raises(BadRequest, match=f"“{value}” is no"):
        ask(tiny, measure, **{dimension: value})
    assert DIMENSIONS[dimension].say(value)


def test_values_have_words():
    assert DIMENSIONS["hour_of_week"].say("34") == "Tuesday 10:00"
    assert DIMENSIONS["hexagon_9"].say("892a93c3113ffff") == "hexagon c3113"
    assert DIMENSIONS["district"].say("3 Old Port") == "3 Old Port"


def test_times_up_to_a_horizon_count_what_is_open_as_the_horizon(tiny):
    """Of the requests opened 60 days before the clock: 27 to 31; two nights of changed clocks, and one open still."""
    hours = 33.5 + (11 * 24 + 8.5) + (8 * 24 + 13 + 1 / 60) + (29 * 24 + 13) + 60 * 24
    everything = Period(date(2025, 11, 1), date(2026, 7, 1))
    found = ask(tiny, "restricted_mean_time", "restricted_s2", period=everything)
    assert found.value("incidents_followed") == 5 and found.value("restricted_s") == pytest.approx(hours * 3600)
    assert found.value("restricted_mean_time") == pytest.approx(hours * 720)
    assert ask(tiny, "restricted_s2", period=everything, district="Hill").value("restricted_s2") == pytest.approx(
        (205 * 3600 + 60) ** 2
    )
    # what was opened in May is too young
    assert number(tiny, "incidents_followed", period=MAY) == 0
