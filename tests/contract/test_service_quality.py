"""Missed collections and faults of assets for what there was of them, worked out by hand on a few routes and meters."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from callbacks.address import permitted
from callbacks.export import _excel
from callbacks.panels import answers_to, context_of
from dashboard.domain.errors import BadRequest, NotPermitted
from dashboard.domain.filters import Filters, Period
from dashboard.domain.intervals import poisson_rate
from dashboard.domain.policy import Permission, Scope, Viewer, scope_of
from dashboard.identity import DEPUTY_MANAGER
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access.build import Build
from data_access.dimensions import DIMENSIONS
from data_access.listing import Listing
from data_access.measures import CATALOGUE
from data_access.measures.assets import faults
from data_access.measures.collection import missed_reported
from data_access.semantics import Answer, Query
from layouts.markup import markup
from layouts.page import listed_of
from layouts.views import collect_views
from layouts.views.service_quality import _expected
from tests import city, screen
from tests.screen import said

AS_OF = datetime(2026, 6, 30, 16)  # UTC; in the city it is noon
MAY, JUNE = Period(date(2026, 5, 1), date(2026, 6, 1)), Period(date(2026, 6, 1), date(2026, 7, 1))
VIEW = next(view for view in collect_views() if view.name == "service-quality")

ROUTES = pd.DataFrame(
    [("A", "refuse", 0, "North"), ("B", "recycling", 2, "South")], columns=["route_id", "stream", "weekday", "district"]
).assign(contractor="City crews")  # fmt: skip
# route, day, scheduled, served, suspended: Mondays for A, Wednesdays for B
_ROUNDS = (
    ("A", "05-04", 5000, 4990, False), ("A", "05-11", 5000, 4995, False), ("A", "05-25", 5000, 0, True),
    ("A", "06-01", 5000, 5000, False), ("B", "05-06", 4000, None, False), ("B", "06-03", 6000, 5998, False),
)  # fmt: skip
# id, type, route, day of service, opened, closed, outcome, duplicate of, address; all at noon of the city
_MISSES = (
    ("m1", "refuse", "A", "05-04", "05-04", "05-05", "resolved", None, "1 Elm St"),  # within a day to the second
    ("m2", "refuse", "A", "05-04", "05-05", "05-08", "no_issue_found", None, "2 Elm St"),  # set out late
    ("m3", "refuse", "A", "05-04", "05-05", "05-05", "duplicate", "m2", "2 Elm St"),  # told twice
    ("m4", "refuse", "A", "05-11", "05-12", "05-13", "resolved", None, "1 Elm St"),  # the second at this address
    ("m5", "refuse", "A", "06-01", "06-01", None, None, None, "1 Elm St"),  # the third within 90 days; not recovered
    ("m6", "recycling", "B", "05-06", "05-06", "05-07", "resolved", None, "1 Elm St"),  # another stream
    ("m7", "recycling", "B", "06-03", "06-30", None, None, None, "9 Oak St"),  # told just now: too young to tell
    ("m8", "refuse", "A", "05-25", "05-26", "05-27", "resolved", None, "1 Elm St"),  # the round was called off
    ("m9", "refuse", "Z", "05-12", "05-13", None, None, None, "3 Elm St"),  # of a round that nobody knows
)  # fmt: skip
# id, kind, model, installed, removed
ASSETS = pd.DataFrame(
    [("P1", "meter", "Old", "2010-01-01", "2026-05-16"), ("P2", "meter", "Old", "2010-01-01", None),
     ("P1T", "meter", "New", "2026-05-16", None), ("L1", "light", "Lamp", "2024-06-11", None),
     ("L2", "light", "Lamp", None, None)],
    columns=["asset_id", "kind", "model", "installed_on", "removed_on"],
)  # fmt: skip
# id, asset, opened, outcome, duplicate of; all closed a day later
_FAULTS = (
    ("f1", "P1", "05-03", "resolved", None), ("f2", "P1", "05-03", "duplicate", "f1"),
    ("f3", "P2", "05-20", "no_issue_found", None), ("f4", "P1T", "05-30", "resolved", None),
    ("f5", "L1", "06-02", "resolved", None), ("f6", "L2", "05-09", "resolved", None),
    ("f7", "X9", "05-09", "resolved", None),
)  # fmt: skip


def day(written: pd.Series) -> pd.Series:
    return pd.to_datetime("2026-" + written, format="%Y-%m-%d").astype("datetime64[us]")


def requests() -> pd.DataFrame:
    names = ["request_id", "type_id", "route_id", "service_on", "opened_at", "closed_at", "closure_outcome",
             "parent_request_id", "address"]  # fmt: skip
    missed = pd.DataFrame(_MISSES, columns=names).assign(department_id="S", source_district="North")
    names = ["request_id", "asset_id", "opened_at", "closure_outcome", "parent_request_id"]
    broken = pd.DataFrame(_FAULTS, columns=names).assign(type_id="fault", department_id="P", source_district="South")
    broken["opened_at"] = day(broken["opened_at"])
    broken["closed_at"] = broken["opened_at"] + timedelta(days=1)
    for name in ("service_on", "opened_at", "closed_at"):
        missed[name] = day(missed[name])
    rows = pd.concat([missed, broken], ignore_index=True)
    for name in ("opened_at", "closed_at"):
        rows[name] += timedelta(hours=16)
    rows["service_on"] = rows["service_on"].dt.date
    return rows.assign(
        status=rows["closed_at"].map(lambda at: "new" if pd.isna(at) else "closed"), due_source="none",
        src_system="own", src_id=rows["request_id"],
    )  # fmt: skip


def write(build: Build) -> None:
    types = pd.DataFrame(
        [("refuse", "Missed refuse", "S"), ("recycling", "Missed recycling", "S"), ("fault", "Fault", "P")],
        columns=["type_id", "name", "department_id"],
    )
    build.write("department", pd.DataFrame({"department_id": ["S", "P"], "name": ["Sanitation", "Parking"]}))
    build.write("service_type", types.assign(is_info_only=False, is_internal=False))
    build.write(
        "district", pd.DataFrame({"district_id": ["North", "South"], "name": ["North", "South"], "kind": "council"})
    )
    build.write("request", requests())
    build.write("route", ROUTES)
    rounds = pd.DataFrame(
        _ROUNDS, columns=["route_id", "service_on", "scheduled_stops", "served_stops", "is_suspended"]
    )
    rounds["service_on"] = day(rounds["service_on"]).dt.date
    build.write("route_day", rounds.assign(served_stops=rounds["served_stops"].astype("Int64")))
    assets = ASSETS.copy()
    for name in ("installed_on", "removed_on"):
        assets[name] = pd.to_datetime(assets[name]).dt.date
    build.write("asset", assets)


@pytest.fixture(scope="module", params=[None, 0], ids=["facts", "sums"])
def works(blank: Settings, request: pytest.FixtureRequest) -> Iterator[Services]:
    """Services over the routes and assets above, on each engine: as a small city and as a large one."""
    with city.in_service(blank, write, AS_OF, pays_by=request.param, city_id="works") as services:
        yield services


def ask(services, *measures, by=(), period=MAY, scope=None, every=None, as_of=None, **choices):
    query = Query(tuple(CATALOGUE[name] for name in measures), tuple(DIMENSIONS[name] for name in by), every)
    filters = Filters(period)
    for name, value in choices.items():
        filters = filters.choose(name, (value,))
    return services.ask(query, filters, scope or Scope.everything(), as_of)


def by_name(answer, dimension: str, measure: str) -> dict[str, float]:
    return dict(zip(answer.frame[dimension], answer.frame[measure].astype(float), strict=True))


@pytest.mark.parametrize(
    ("measure", "may", "june"),
    [
        ("scheduled_stops", 1.4, 1.1),  # 5,000 + 5,000 + 4,000, the suspended round left out
        ("suspended_rounds", 1, 0),
        ("unserved_stops", 15, 2),  # of B's round in May nobody wrote what was served
        ("missed_unscheduled", 2, 0),  # m8, m9
        ("missed_reported", 4, 2),  # m1, m2, m4, m6; m3 told m2 again
        ("missed_valid", 3, 0), ("missed_not_valid", 1, 0),
        ("missed_followed", 4, 1), ("recovered_soon", 3, 0),  # m1, m4, m6; m2 took three days
        ("repeated_misses", 0, 1),  # m5, after m1 and m4; m6 is of another stream
        ("miss_rate", 4 / 1.4, 2 / 1.1), ("valid_miss_rate", 3 / 1.4, 0), ("recovery_rate", 3 / 4, 0),
    ],
)  # fmt: skip
def test_collections_worked_out_by_hand(works, measure, may, june):
    assert ask(works, measure).value(measure) == pytest.approx(may)
    assert ask(works, measure, period=JUNE).value(measure) == pytest.approx(june)


def test_misses_and_stops_are_divided_alike(works):
    for name, rates in (
        ("stream", {"refuse": 3 / 1.0, "recycling": 1 / 0.4}), ("route", {"A": 3 / 1.0, "B": 1 / 0.4}),
        ("service_weekday", {"Monday": 3 / 1.0, "Wednesday": 1 / 0.4}), ("contractor", {"City crews": 4 / 1.4}),
    ):  # fmt: skip
        found = {k: v for k, v in by_name(ask(works, "miss_rate", by=(name,)), name, "miss_rate").items() if v == v}
        assert found == pytest.approx(rates), name
        first = next(iter(rates))
        assert ask(works, "miss_rate", **{name: first}).value("miss_rate") == pytest.approx(rates[first]), name
    months = ask(works, "miss_rate", every="month", period=Period(date(2026, 5, 1), date(2026, 7, 1))).frame
    assert months["miss_rate"].tolist() == pytest.approx([4 / 1.4, 2 / 1.1])


def test_all_of_it_can_be_asked_at_once(works):
    """Several totals of one day are counted in one go, conditions and all."""
    names = ("missed_reported", "repeated_misses", "recovered_soon", "scheduled_stops", "unserved_stops")
    found = ask(works, *names, by=("stream",), period=Period(date(2026, 5, 1), date(2026, 7, 1)))
    rows = found.frame.set_index("stream")
    assert rows.loc["refuse", ["missed_reported", "repeated_misses", "recovered_soon"]].tolist() == [4, 1, 2]


# Days in service in May, of which the data begins on the 3rd: P1 until the 16th and P2; P1T from then on; L1
OLD, NEW, LAMP = 13 + 29, 16, 29


def test_assets_worked_out_by_hand(works):
    months = 1000 * 30.4375
    time = by_name(ask(works, "asset_months", by=("asset_model",)), "asset_model", "asset_months")
    assert time == pytest.approx({"Old": OLD / months, "New": NEW / months, "Lamp": LAMP / months})
    rate = by_name(ask(works, "fault_rate", by=("asset_model",)), "asset_model", "fault_rate")
    assert rate["Old"] == pytest.approx(2 * months / OLD) and rate["New"] == pytest.approx(months / NEW)
    found = ask(
        works, "fault_report_rate", "fault_rate", "confirmed_fault_rate", "no_fault_share", asset_kind="meter"
    ).frame
    row = found.iloc[0]
    assert (row["fault_reports"], row["faults"], row["faults_confirmed"], row["faults_not_found"]) == (4, 3, 2, 1)
    assert row["no_fault_share"] == pytest.approx(1 / 3) and row["asset_months"] == pytest.approx((OLD + NEW) / months)
    # L2's installation is not known and X9 is in no register: their faults are told, without time to divide by
    kinds = by_name(ask(works, "faults", by=("asset_kind",)), "asset_kind", "faults")
    assert kinds == {"meter": 3, "light": 1, "no asset of the register": 1}


def test_time_in_service_is_told_by_age(works):
    """P1T is in its first 60 days, L1 turns two on 11 June 2026, and the old meters are past ten."""
    found = ask(works, "fault_rate", by=("asset_age",), period=JUNE).frame.set_index("asset_age")
    days = found["asset_months"] * 30437.5
    assert days.to_dict() == pytest.approx(
        {"first 60 days": 30, "up to 2 years": 10, "2–5 years": 20, "over 10 years": 30}
    )
    assert found["faults"].to_dict() == {"first 60 days": 0, "up to 2 years": 1, "2–5 years": 0, "over 10 years": 0}
    whole = ask(works, "asset_months", period=JUNE).value("asset_months")
    assert whole == pytest.approx(90 / 30437.5)
    may = ask(works, "fault_rate", by=("asset_age",)).frame.set_index("asset_age")["faults"].to_dict()
    assert may["first 60 days"] == 1 and may["over 10 years"] == 2 and may["not known"] == 2


def test_looking_back_nothing_was_removed_yet(works):
    """On 10 May nobody knew that P1 would go and P1T come."""
    then = ask(works, "asset_months", by=("asset_model",), as_of=datetime(2026, 5, 10, 16))
    days = by_name(then, "asset_model", "asset_months")
    assert {name: value * 30437.5 for name, value in days.items()} == pytest.approx({"Old": 16, "Lamp": 8})


def test_looking_back_no_later_closing_has_told_what_was_found(works):
    """Of May, as it stood: m6 was closed on 7 May at noon, m2 a day later, f3 on the 21st; f4 came on the 30th."""
    misses, found = ("missed_reported", "missed_valid", "missed_not_valid"), ("faults", "faults_confirmed")

    def told(as_of: datetime | None) -> list[float | None]:
        return [ask(works, one, as_of=as_of).value(one) for one in (*misses, *found)]

    assert told(datetime(2026, 5, 7, 15)) == [3, 1, 0, 1, 1]
    assert told(datetime(2026, 5, 7, 16)) == [3, 2, 0, 1, 1]
    assert told(datetime(2026, 5, 8, 16)) == [3, 2, 1, 1, 1]
    assert told(datetime(2026, 5, 20, 16)) == [4, 3, 1, 4, 3]
    assert told(None) == [4, 3, 1, 5, 4]
    looked = "faults_looked_at"
    assert [ask(works, looked, as_of=datetime(2026, 5, day, 16)).value(looked) for day in (20, 21)] == [3, 4]


def test_event_days_left_out_are_no_time_in_service(works):
    """The data begin on 3 May; without the 3rd and 4th, and 15 to 17: P1 stood 10 days, P2 24, P1T 14, L1 24."""
    out = [(date(2026, 5, 3), date(2026, 5, 5)), (date(2026, 5, 4), date(2026, 5, 5)),
           (date(2026, 5, 15), date(2026, 5, 18)), (date(2026, 6, 1), date(2026, 6, 9))]  # fmt: skip
    filters = Filters(MAY).switch("event_days", "out").leaving_out(out)
    query = Query((CATALOGUE["fault_rate"],), (DIMENSIONS["asset_model"],))
    answer = works.ask(query, filters, Scope.everything())
    days = {name: value * 30437.5 for name, value in by_name(answer, "asset_model", "asset_months").items()}
    assert days == pytest.approx({"Old": 10 + 24, "New": 14, "Lamp": 24, "not recorded": 0})
    assert by_name(answer, "asset_model", "faults") == {"Old": 1, "New": 1, "Lamp": 1, "not recorded": 1}
    assert not any("event days" in note for note in answer.notes)


def test_time_in_service_is_of_a_period_as_a_whole(works):
    with pytest.raises(BadRequest, match="not in steps of time"):
        ask(works, "fault_rate", every="month")


def test_the_meters_of_a_published_city():
    """DC 2008: 116,354 calls on 15,453 meters in a year are 627 for 1,000 meter-months (measures reference, D2)."""
    assert round(float(poisson_rate(116_354, 15_453 * 12, 1000).value)) == 627


def test_roles_see_rounds_and_assets_of_their_own(works):
    def rows(role: str, measure: str, needs: Permission, **own: str):
        return ask(works, measure, scope=scope_of(Viewer("V", role, **own), needs)).value(measure)

    head = {"department": "Sanitation"}
    assert rows("department head", "miss_rate", Permission.READ_ROUNDS, **head) == pytest.approx(4 / 1.4)
    assert rows("department head", "asset_months", Permission.READ_ASSETS, **head) == 0
    assert rows("department head", "asset_months", Permission.READ_ASSETS, department="Parking") > 0
    # a council member sees the rounds of the own district, and none of the requests of others
    assert rows("council member", "scheduled_stops", Permission.READ_ROUNDS, district="South") == pytest.approx(0.4)
    assert rows("council member", "missed_reported", Permission.READ_REQUESTS, district="South") == 0
    with pytest.raises(NotPermitted):
        scope_of(Viewer("V", "administrator"), Permission.READ_ASSETS)


def drawn(services: Services, name: str, search: str = "?from=2026-05-01&to=2026-06-01"):
    return screen.drawn(services, VIEW, name, search)


def test_the_screen_says_the_same(works):
    strip = drawn(works, "collections")
    assert said(strip.sentence) == "4 missed collections were reported for 14,000 stops scheduled."
    low, high = (float(one) for one in poisson_rate(4, 1.4)[1:])
    assert f"2.9of 10,000 stops95 % sure of {low:.1f} to {high:.1f}" in said(strip.body)
    assert "from 2.5 of recycling to 3.0 of refuse" in said(drawn(works, "streams").sentence)
    assert "4 faults" not in said(drawn(works, "assets").sentence)
    assert said(drawn(works, "assets").sentence).startswith("5 faults were reported in 3 months")
    for panel in VIEW.panels:  # every one says something, also of what cannot be told
        assert said(drawn(works, panel.name).sentence)


def test_few_faults_tell_no_models_apart(works):
    """Models without any do not fail both least and most."""
    models = said(drawn(works, "models").sentence)
    assert "fails least" not in models and "faults of meters, too few to tell models apart" in models


def test_a_workbook_shows_parts_of_what_is_not_whole(works):
    """1.4 ten thousands of stops are not shown as 1, nor 2.86 misses for each of them as 3."""
    panel = next(one for one in VIEW.panels if one.name == "collections")
    filters = Filters.from_search("?from=2026-05-01&to=2026-06-01", works.clock(), DIMENSIONS)
    with acting_as(DEPUTY_MANAGER):
        book = _excel(panel, filters, answers_to(panel, filters, works), works)
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        styles, sheet = (parts.read(f"xl/{name}.xml").decode() for name in ("styles", "worksheets/sheet1"))
    formats = {"3": "#,##0", "4": "#,##0.00"} | dict(re.findall(r'numFmtId="(\d+)" formatCode="(.*?)"', styles))
    shown = [formats.get(one) for one in re.findall(r'<xf numFmtId="(\d+)"', styles.split("<cellXfs")[1])]
    cells = re.findall(r'<c r="\w+" s="(\d+)"><v>(.*?)</v>', sheet)
    written = {round(float(value), 2): shown[int(style)] for style, value in cells}
    assert (written[1.4], written[2.86], written[4]) == ("#,##0.000", "#,##0.00", "#,##0")


def test_misses_are_not_told_for_stops_that_cannot_be_narrowed_alike(works):
    search = "?from=2026-05-01&to=2026-06-01&service_type=Missed+refuse"
    why = "Rounds carry no service type: “Missed for 10,000 stops” cannot be told of this choice."
    for name in ("collections", "streams", "routes", "weekdays", "months"):
        card = drawn(works, name, search)
        assert card.is_empty and said(card.sentence).startswith(why), name
    why = "Assets carry no service type: “Faults for 1,000 asset-months”"
    assert all(said(drawn(works, name, search).sentence).startswith(why) for name in ("assets", "models", "ages"))
    assert drawn(works, "streams", "?from=2026-05-01&to=2026-06-01&department=Sanitation").body is not None


def test_a_city_without_routes_and_assets_does_not_have_the_view(tiny):
    with acting_as(DEPUTY_MANAGER):
        assert VIEW not in permitted([VIEW], tiny)
    assert "Bring routes" in said(drawn(tiny, "collections").sentence)
    assert "Bring the register" in said(drawn(tiny, "assets").sentence)


def test_a_city_with_one_of_both_has_the_panels_of_that(works, tmp_path):
    with acting_as(DEPUTY_MANAGER):
        assert VIEW in permitted([VIEW], works)
    settings = Settings(data=tmp_path, cache="off")
    with Build(settings, city.CITY) as build:
        city.write(build)
        build.write("asset", ASSETS.iloc[:0].assign(asset_id=["P"], kind="meter"))
        build.publish(as_of=city.AS_OF)
    services = Services(settings)
    with acting_as(DEPUTY_MANAGER):
        assert VIEW in permitted([VIEW], services)
        assert {panel.needs for panel in permitted(VIEW.panels, services)} == {Permission.READ_ASSETS}
    services.warehouse.close()


def test_a_rate_leads_to_the_requests_that_are_counted_in_it():
    lists = {panel.name: listed_of(panel) for panel in VIEW.panels}
    assert {name for name, one in lists.items() if one is missed_reported} == {
        "collections", "streams", "routes", "weekdays",
    }  # fmt: skip
    assert {name for name, one in lists.items() if one is faults} == {"assets", "models", "ages"}


def test_third_misses_lead_to_their_list(works):
    june = "?from=2026-06-01&to=2026-07-01"
    assert "/requests?of=repeated_misses&amp;from=2026-06-01" in markup(drawn(works, "streams", june).foot)
    assert "repeated_misses" not in markup(drawn(works, "streams").foot)
    filters = Filters(JUNE)
    with acting_as(DEPUTY_MANAGER):
        assert works.rows(Listing(CATALOGUE["repeated_misses"]), filters).frame["request_id"].tolist() == ["m5"]


def test_what_is_expected_of_a_route_is_its_streams_rate():
    """Two refuse routes of 1 and 3 ten thousands of stops with 40 misses, and a recycling route by itself."""
    rows = [("A", "refuse", 25, 1.0), ("B", "refuse", 15, 3.0), ("C", "recycling", 7, 2.0)]
    frame = pd.DataFrame(rows, columns=["route", "stream", "missed_reported", "scheduled_stops"])
    missed, stops, expected = _expected(frame, DIMENSIONS["route"], ["A", "B", "C", "D"])
    assert missed.tolist() == [25, 15, 7, 0] and stops.tolist() == [1, 3, 2, 0]
    assert expected.tolist() == [10, 30, 7, 0]  # 40 misses of 40,000 stops; what has none is expected to have none


def test_a_route_of_which_no_miss_was_told_can_be_chosen(works):
    with acting_as(Viewer("C", "council member", district="South")):
        # Its rounds are in the south; what was missed on it was told in the north.
        assert works.resolve(DIMENSIONS["route"], "B") == "B"
        assert works.resolve(DIMENSIONS["stream"], "RECYCLING") == "recycling" and "A" not in works.values("route")


def test_a_stream_that_has_no_colour_left_is_counted_all_the_same(works):
    """Of five streams four are drawn; the sentence is of all of them."""
    panel = next(one for one in VIEW.panels if one.name == "months")
    streams = ["bulk", "glass", "organics", "recycling", "refuse"]
    rows = [("2026-05-01", name, n, 1.0) for n, name in enumerate(streams, 1)]
    frame = pd.DataFrame(rows, columns=["month", "stream", "missed_reported", "scheduled_stops"])
    query = Query((CATALOGUE["miss_rate"],), (DIMENSIONS["stream"],), "month")
    answer = Answer(query, frame.astype({"month": "datetime64[us]"}), AS_OF, "month")
    with acting_as(DEPUTY_MANAGER):
        context = context_of(panel, Filters.from_search("?period=all", works.clock(), DIMENSIONS), works)
    drawing = panel.draw((answer,), context)
    assert said(drawing.sentence).startswith("15 were reported")
    assert "not drawn, but counted: refuse" in said(drawing.foot)
