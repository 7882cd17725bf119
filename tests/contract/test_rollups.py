"""What sums counted beforehand answer is what the facts answer: every measure along every dimension and pair that is
divided by on a screen, under every kind of filter, at the edges of periods, on both engines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pandas as pd
import pytest
from sqlalchemy import select

from dashboard.domain.errors import BadRequest
from dashboard.domain.filters import Filters, Period, add_months
from dashboard.domain.policy import Scope
from dashboard.services import Services
from dashboard.settings import Settings
from data_access import listing
from data_access.ask import ask, values_of
from data_access.build import Build
from data_access.compile import compile_query, compile_values
from data_access.demo_city import AS_OF, CITY, demo_tables
from data_access.dimensions import (
    DIMENSIONS,
    HEXAGONS,
    asset_age,
    asset_kind,
    asset_model,
    category,
    channel,
    department,
    district,
    hour_of_week,
    promise_position,
    queue,
    route,
    service_type,
    stream,
    team,
)
from data_access.listing import COLUMNS, Condition, Listing, count_rows, list_rows
from data_access.measures import CATALOGUE
from data_access.measures.contacts import CONTACT, SERVICE_LEVELS, service_level
from data_access.measures.outcomes import closed_at_deadline, recurred
from data_access.measures.requests import REQUEST, backlog, kept, opened, overdue, promised_time
from data_access.rollups import ROLLUPS, Held
from data_access.semantics import EVERY, Query, Spread, Standing, Total
from tests import city

EVERYTHING = Scope.everything()
SEARCHES = (
    "",
    "?period=all",
    "?from=2026-01-15&to=2026-02-03",
    "?from=2026-05-19&to=2026-05-20",
    "?period=last-12-months&counting=incidents&event_days=out",
    "?period=last-12-months&department=Sanitation&department=Housing",
    "?period=last-12-months&service_type=Rats+and+vermin&district=4+Mill+Ward",
    "?period=last-12-months&district=no+district&channel=phone",
    "?period=last-12-months&queue=Spanish&weekday=Monday",
    "?period=last-month&hour_of_week=34",
)


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def services(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A little of Riverton, with every rollup."""
    database = request.getfixturevalue("new_database")() if request.param == "postgres" else ""
    settings = Settings(data=tmp_path_factory.mktemp("sums"), database=database, cache="off")
    with Build(settings, CITY, pays_by=0) as build:
        for table, frame in demo_tables(scale=0.04, years=1):
            build.write(table, frame)
        build.publish(as_of=AS_OF)
    found = Services(settings)
    yield found
    found.warehouse.close()


MANY = (("request", 1e9), ("episode", 1e9), ("contact", 1e9))
"""So many rows a day that every period is a wide one, whose durations are counted by month."""


def both(
    services: Services, query: Query, filters: Filters, scope: Scope = EVERYTHING, **held: Any
) -> tuple[pd.DataFrame, int]:
    """The answer, held to be what the facts answer; and how many of its statements were answered from sums.

    `held` tells otherwise what the build holds.
    """
    frame, clock = services._frame(filters), services.clock()
    frame = replace(frame, held=replace(frame.held, per_day=MANY, **held))
    with services.warehouse.reading(services.build().build_id) as reading:
        summed = ask(reading, query, filters, scope, clock, frame).frame
        counted = ask(reading, query, filters, scope, clock, replace(frame, held=Held(per_day=MANY))).frame
    names = [one for one in summed.columns if one in {*(dimension.name for dimension in query.by), *EVERY}]
    if names:
        summed, counted = (one.sort_values(names, ignore_index=True) for one in (summed, counted))
    pd.testing.assert_frame_equal(summed, counted, check_dtype=False, rtol=1e-9)
    every = query.every if query.every != "auto" else "day"
    asked = compile_query(replace(query, every=every), filters, scope, frame)
    return summed, sum("rollup_" in str(statement.select) for statement in asked)


def divisible(measure) -> list:
    return [
        dimension for dimension in DIMENSIONS.values()
        if measure.fact.name in dimension.columns
        and (not dimension.standing_only or isinstance(measure, Standing))
    ]  # fmt: skip


ADDED = tuple(one for one in CATALOGUE.values() if isinstance(one, Total | Standing | Spread) and not one.fact.by_year)
"""A ratio is its two totals. Money has no steps of time, and no sums counted beforehand: its rows are few."""
SPREADS = tuple(one for one in ADDED if isinstance(one, Spread))


@pytest.mark.parametrize("search", SEARCHES)
def test_every_measure_is_what_the_facts_say(services, search):
    filters = Filters.from_search(search, services.clock(), DIMENSIONS)
    assert both(services, Query(ADDED), filters)[1] > 2
    assert both(services, Query(ADDED, every="auto"), filters)[1] > 2


def test_the_values_of_dimensions_are_those_of_the_facts(services):
    held, from_sums = services.warehouse.held(), 0
    for dimension in (one for one in DIMENSIONS.values() if one.ordered is None):
        readable = [(fact, EVERYTHING) for fact in (REQUEST, CONTACT)]
        assert values_of(services.warehouse, dimension, readable, held) == values_of(
            services.warehouse, dimension, readable
        )
        asked = compile_values(dimension, CONTACT, EVERYTHING, held)
        from_sums += asked is not None and asked.get_final_froms()[0].name.startswith("rollup_")  # type: ignore[attr-defined]
    assert from_sums > 4


def test_a_service_type_is_read_from_the_rows_sorted_by_it(services):
    clock = services.clock()
    for search, is_sorted in (
        (SEARCHES[6], True), (SEARCHES[6] + "&counting=incidents", True), ("?service_type=nothing+of+that+name", True),
        (SEARCHES[5], False), (SEARCHES[6] + "&hour_of_week=34", False),
    ):  # fmt: skip
        filters, query = Filters.from_search(search, clock, DIMENSIONS), Query((opened,), by=(HEXAGONS[9], channel))
        answer, _ = both(services, query, filters)
        (asked,) = compile_query(query, filters, EVERYTHING, services._frame(filters))
        assert [one.name for one in asked.select.get_final_froms()] == ["request_by_type" if is_sorted else "request"]
        assert len(answer) > 0 or "nothing" in search
        mine = replace(Scope.only("district", "4 Mill Ward"), hides=("P3",))
        own, _ = both(services, query, filters, mine)
        assert len(own) == len(answer) or not is_sorted  # those ask about that district alone
        back = replace(services._frame(filters), looks_back=True)
        (asked,) = compile_query(query, filters, EVERYTHING, back)
        assert "request_by_type" not in str(asked.select)


def test_what_fell_due_or_was_closed_is_read_from_the_rows_in_that_order(services):
    clock = services.clock()
    cases = (
        (promised_time, (service_type,), "request_by_due"),
        (kept, (HEXAGONS[9], district), "request_by_due"),
        (closed_at_deadline, (promise_position, channel), "request_by_closing"),
        (recurred, (HEXAGONS[9],), "request"),  # asks for columns that no copy has
        (CATALOGUE["recovery_rate"], (route,), "request_by_service"),
        (CATALOGUE["missed_valid"], (stream, department), "request_by_service"),
        (CATALOGUE["no_fault_share"], (asset_model, asset_age), "request_by_asset"),
        (opened, (asset_kind,), "request"),  # of those without an asset too
    )
    for measure, by, table in cases:
        filters = Filters.from_search("?from=2026-01-09&to=2026-02-20", clock, DIMENSIONS)
        query = Query((measure,), by=by)
        asked = compile_query(query, filters, EVERYTHING, services._frame(filters))
        assert any(table in str(one.select) for one in asked)
        assert ("request_by" in "".join(str(one.select) for one in asked)) == (table != "request")
        assert len(both(services, query, filters)[0]) > 0
        back = compile_query(query, filters, EVERYTHING, replace(services._frame(filters), looks_back=True))
        assert "request_by" not in "".join(str(one.select) for one in back)


@pytest.mark.parametrize("search", SEARCHES[1:5:3])
def test_every_division_is_what_the_facts_say(services, search):
    if services.settings.database and search != SEARCHES[1]:
        return  # the engines are asked the same statements; one picture shows that both understand them
    filters = Filters.from_search(search, services.clock(), DIMENSIONS)
    from_sums = 0
    for dimension in DIMENSIONS.values():
        measures = tuple(one for one in ADDED if dimension in divisible(one) and one not in SPREADS)
        if measures:
            from_sums += both(services, Query(measures, by=(dimension,)), filters)[1]
    assert from_sums > 40
    for by in ((department, service_type), (service_type, district), (category, department)):
        both(services, Query((opened, backlog, overdue), by=by, every="month"), filters)
    both(services, Query((service_level, CATALOGUE["handle_time"]), by=(queue, hour_of_week)), filters)


@pytest.mark.parametrize(
    "search",
    ["?period=last-12-months", "?from=2025-09-11&to=2026-03-17", "?period=last-12-months&counting=incidents",
     "?from=2026-02-01&to=2026-03-01&department=Housing"],
)  # fmt: skip
def test_durations_counted_by_month_are_those_of_the_facts(services, search):
    if services.settings.database and "&to=" not in search:
        return
    filters = Filters.from_search(search, services.clock(), DIMENSIONS)
    for spread in SPREADS:
        for every in (None, "month", "quarter"):
            assert both(services, Query((spread,), every=every), filters)[1] == 1, (spread.name, every)
        assert both(services, Query((spread,), every="week"), filters)[1] == (spread.fact.name == "contact")
    for by in ((department,), (service_type,), (district,), (department, service_type)):
        measures = tuple(one for one in SPREADS if one.fact.name == "request")
        both(services, Query(measures, by=by), filters)


def test_what_is_too_fine_for_days_is_summed_by_month(services):
    filters = Filters.from_search("?from=2025-09-11&to=2026-03-17", services.clock(), DIMENSIONS)
    position, block, language, hexagon = (
        DIMENSIONS[name] for name in ("promise_position", "hour_block", "language", "hexagon_9")
    )
    closed_final, contacts, due = (CATALOGUE[name] for name in ("closed_final", "answered", "due"))
    for measure, by in (
        (closed_final, (department, position)),
        (contacts, (language, block)),
        (due, (hexagon, district)),
        (CATALOGUE["restricted_s"], (district, service_type, DIMENSIONS["priority"])),
    ):
        for every in (None, "quarter"):
            assert both(services, Query((measure,), by=by, every=every), filters)[1] == 1, measure.name
        assert both(services, Query((measure,), by=by, every="day"), filters)[1] == 0


def test_wide_steps_tell_durations_to_within_one_and_a_half_percent(services):
    filters = Filters.from_search("?period=last-12-months", services.clock(), DIMENSIONS)
    frame, clock, spread = services._frame(filters), services.clock(), CATALOGUE["time_to_close"]
    told = []
    for held in (Held(per_day=MANY), Held()):
        with services.warehouse.reading(services.build().build_id) as reading:
            answer = ask(
                reading, Query((spread,), by=(service_type,)), filters, EVERYTHING, clock, replace(frame, held=held)
            )
        told.append(answer.frame.set_index("service_type").sort_index())
        assert any("1.5 %" in note for note in answer.notes) == bool(held.per_day)
    assert (told[0]["time_to_close_n"] == told[1]["time_to_close_n"]).all()
    # Where hardly anything closes around the median, a curve that falls below a half a little earlier does so far off.
    wide, fine = (one[one["time_to_close_n"] >= 100] for one in told)
    for column in ("time_to_close", "time_to_close_p90"):
        off = (wide[column] / fine[column] - 1).dropna().abs()
        assert len(off) > 10 and (off <= 0.015).mean() > 0.9


@pytest.mark.parametrize("search", ["", "?period=last-month&counting=incidents", "?department=Housing&status=open"])
def test_what_stands_open_is_read_from_copies_as_from_the_facts(services, search):
    filters = Filters.from_search(search, services.clock(), DIMENSIONS)
    bands = [one for one in DIMENSIONS.values() if one.standing_only]
    assert {one.name for one in bands} == {"age_band", "promise_band", "lateness", "due_in"}
    for measure in (one for one in ADDED if isinstance(one, Standing)):
        for band in (one for one in bands if measure.fact.name in one.columns):
            both(services, Query((measure,), by=(band, department)), filters, end_on=None)
        frame = services._frame(filters)
        frame = replace(frame, held=replace(frame.held, end_on=None))
        (asked,) = compile_query(Query((measure,), by=(team,)), filters, EVERYTHING, frame)
        assert "FROM standing_" in str(asked.select) and "FROM request" not in str(asked.select)
        listing = Listing(measure, limit=40)
        frames = [services._frame(filters), replace(services._frame(filters), held=Held())]
        found = []
        for frame in frames:
            n = count_rows(services.warehouse, listing, filters, EVERYTHING, frame, COLUMNS.values())
            rows = list_rows(services.warehouse, listing, filters, EVERYTHING, frame, COLUMNS.values(), n)
            found.append((n, rows.frame))
        assert found[0][0] == found[1][0]
        assert found[0][0] > 0 or search, measure.name
        pd.testing.assert_frame_equal(found[0][1], found[1][1])


@pytest.mark.parametrize(
    "search",
    ["", "?period=last-month&counting=incidents", "?department=Housing&channel=phone", "?age_band=over+180+d",
     "?due_in=overdue&service_type=Rats+and+vermin", "?lateness=2%E2%80%937+d&district=4+Mill+Ward&event_days=out",
     "a year earlier", "52 weeks earlier"],
)  # fmt: skip
def test_what_stands_at_the_end_is_counted_by_bands_too(services, search):
    filters = Filters.from_search(search if "=" in search else "", services.clock(), DIMENSIONS)
    end_on = services.clock().end_on
    if "earlier" in search:
        to_on = add_months(end_on, -12) if search.startswith("a") else end_on - timedelta(weeks=52)
        filters = filters.during(Period(to_on - timedelta(days=30), to_on))
    ends = filters.period.to_on >= end_on or "earlier" in search
    hidden = replace(Scope.only("district", "4 Mill Ward"), hides=("P2",))
    for measure in (one for one in ADDED if isinstance(one, Standing)):
        bands = [one for one in DIMENSIONS.values() if one.standing_only and measure.fact.name in one.columns]
        hexagons = [(HEXAGONS[9], district)] if measure.fact.name == "episode" and "=" not in search else []
        for by in ((), (team,), (service_type, channel), *((band, department) for band in bands), *hexagons):
            for scope in (EVERYTHING, hidden) if by not in hexagons else (EVERYTHING,):
                query = Query((measure,), by=by)
                both(services, query, filters, scope)
                (asked,) = compile_query(query, filters, scope, services._frame(filters))
                assert ("_standing_" in str(asked.select)) == ends, (measure.name, by)
    for query in (Query((backlog,), by=(DIMENSIONS["status"],)), Query((overdue,), by=(HEXAGONS[8],))):
        assert not both(services, query, filters)[1]  # in no rollup
    assert backlog.name in both(services, Query((backlog,), every="month"), filters)[0]
    back = replace(services._frame(filters), looks_back=True)
    (statement,) = compile_query(Query((backlog,), by=(team,)), filters, EVERYTHING, back)
    assert "rollup_" not in str(statement.select)


@pytest.mark.parametrize("order", [("opened_at",), ("-due_at", "district"), ("service_type", "-priority"), ("team",)])
def test_what_episodes_carry_is_what_their_requests_say(services, order, monkeypatch):
    filters = Filters.from_search("?period=last-12-months&service_type=Rats+and+vermin", services.clock(), DIMENSIONS)
    where = (Condition.read("service_type:contains:rat"), Condition.read("district:given"))
    found = []
    for carried in (listing._CARRIED, {}):
        monkeypatch.setattr(listing, "_CARRIED", carried)
        for measure in (backlog, overdue):
            asked = Listing(measure, order, 60, conditions=where)
            frame = services._frame(filters)
            n = count_rows(services.warehouse, asked, filters, EVERYTHING, frame, COLUMNS.values())
            rows = list_rows(services.warehouse, asked, filters, EVERYTHING, frame, COLUMNS.values(), n).frame
            assert 0 < len(rows) == min(n, 60)
            found.append((n, rows))
    assert [n for n, _ in found[:2]] == [n for n, _ in found[2:]]
    for (_, alone), (_, joined) in zip(found[:2], found[2:], strict=True):
        pd.testing.assert_frame_equal(alone, joined)


def test_before_the_copies_begin_the_facts_are_asked(services):
    filters = Filters.from_search("?from=2025-06-01&to=2025-06-02", services.clock(), DIMENSIONS)
    frame = services._frame(filters)
    later = replace(frame, held=replace(frame.held, copied_on=filters.period.to_on + timedelta(days=1)))
    (asked,) = compile_query(Query((backlog,), by=(team,)), filters, EVERYTHING, later)
    assert "standing_" not in str(asked.select)
    both(services, Query((backlog, overdue), by=(team,)), filters)


def test_a_division_in_which_nothing_was_counted_is_not_there(services):
    if services.settings.database:
        return
    filters = Filters.from_search("?period=last-month&counting=incidents", services.clock(), DIMENSIONS)
    for measure in ADDED:
        for dimension in {service_type, queue} & set(divisible(measure)):
            both(services, Query((measure,), by=(dimension,), every="week"), filters)


def test_totals_asked_together_are_those_asked_alone(services):
    filters = Filters.from_search("?period=last-12-months&counting=incidents", services.clock(), DIMENSIONS)
    together = tuple(CATALOGUE[name] for name in ("due", "kept", "opened", "duplicates", "closed", "backlog"))
    for every in (None, "week"):
        both(services, Query(together, by=(department,), every=every), filters)


def test_some_days_are_told_as_among_all(services):
    filters = Filters.from_search("?period=last-12-months&counting=incidents", services.clock(), DIMENSIONS)
    query = Query((opened, CATALOGUE["due"]), by=(service_type,), every="day")
    whole = both(services, query, filters)[0]
    days = tuple(sorted(whole.groupby("day")["opened"].sum().nlargest(9).index.date))
    told, from_sums = both(services, replace(query, days=(*days, date(1999, 1, 1))), filters)
    assert from_sums == 2 and sorted(set(told["day"].dt.date)) == list(days)  # what lies outside the period is none
    some = whole[whole["day"].isin(told["day"])]
    pd.testing.assert_frame_equal(
        told, some[some["service_type"].isin(told["service_type"])].reset_index(drop=True), check_dtype=False
    )
    assert some.loc[~some["service_type"].isin(told["service_type"]), ["opened", "due"]].to_numpy().sum() == 0
    for wrong in (Query((opened,), every="week"), Query((backlog,), every="day")):
        with pytest.raises(BadRequest):
            replace(wrong, days=days)


def test_every_way_of_counting_the_service_level_has_its_sums(services):
    for key, ratio in SERVICE_LEVELS.items():
        filters = Filters.from_search(f"?service_level={key}", services.clock(), DIMENSIONS)
        frame, from_sums = both(services, Query((service_level, ratio)), filters)
        assert from_sums == 1
        assert frame["service_level"].iloc[0] == frame[ratio.name].iloc[0]


@pytest.mark.parametrize(
    "scope",
    [
        replace(EVERYTHING, rows=(("department", ("Housing",)),)),
        replace(EVERYTHING, rows=(("district", ("4 Mill Ward",)),)),
        replace(EVERYTHING, hides=("P2", "P3")),
    ],
    ids=["department", "district", "sensitive types"],
)
def test_a_scope_holds_for_sums_as_it_does_for_facts(services, scope):
    filters = Filters.from_search("?period=last-12-months", services.clock(), DIMENSIONS)
    whole = both(services, Query((opened, backlog)), filters)[0]
    for by in ((), (department,), (district,), (service_type,)):
        mine, from_sums = both(services, Query((opened, backlog), by=by), filters, scope)
        assert from_sums > 0
        assert 0 < mine["opened"].sum() < whole["opened"].sum()


def test_looking_back_asks_the_facts(services):
    filters = Filters.from_search("?period=last-12-months", services.clock(), DIMENSIONS)
    frame = replace(services._frame(filters), looks_back=True)
    asked = compile_query(Query((opened, backlog)), filters, EVERYTHING, frame)
    assert not any("rollup_" in str(statement.select) for statement in asked)


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_a_row_dated_for_unknown_lasts_longer_than_seconds_fit_in_an_integer(tmp_path, engine, request):
    database = request.getfixturevalue("new_database")() if engine == "postgres" else ""
    settings = Settings(data=tmp_path, database=database, cache="off")
    ends = {"opened_at": [datetime(1900, 1, 2)], "closed_at": [datetime(2024, 1, 2)], "due_at": [datetime(2024, 1, 1)]}
    with Build(settings, CITY, pays_by=0) as build:
        build.write("request", pd.DataFrame({"request_id": ["1"], "type_id": ["pothole"], "status": "closed", **ends}))
        build.publish()
    found = Services(settings)
    period = Period(date(1900, 1, 1), date(2025, 1, 1))
    frame = found._frame(Filters(period))
    for name, lasts in (("time_to_close", date(2024, 1, 2)), ("promised_time", date(2024, 1, 1))):
        for held in (frame.held, replace(frame.held, per_day=MANY), Held()):
            with found.warehouse.reading(found.build().build_id) as reading:
                asked = Query((CATALOGUE[name],)), Filters(period), EVERYTHING, found.clock(), replace(frame, held=held)
                told = ask(reading, *asked).frame
            assert told[f"{name}_n"].item() == 1
            assert told[name].item() == pytest.approx((lasts - date(1900, 1, 2)).days * 86400, rel=0.015)
    found.warehouse.close()


def test_without_repeated_reports_each_sum_is_that_of_first_reports(tmp_path):
    settings = Settings(data=tmp_path, cache="off")
    with Build(settings, CITY, pays_by=0, infer_duplicates=False) as build:
        for table, frame in demo_tables(scale=0.01, years=1):
            if table == "request":
                merged = frame["status"] == "merged_duplicate"
                frame = frame.assign(parent_request_id=None, status=frame["status"].mask(merged, "closed"))
            build.write(table, frame)
        build.publish(as_of=AS_OF)
    found = Services(settings)
    compared = 0
    with found.warehouse.reading(found.build().build_id) as reading:
        held = (ROLLUPS[name] for name, _ in found.warehouse.held().rows if name in ROLLUPS)
        for rollup in (one for one in held if one.fact.first_report is not None):
            frame = reading.frame(select(rollup.table))
            firsts = [one for one in frame if one == "first" or one.endswith("_first")]
            for first in firsts:
                whole = "rows" if first == "first" else first.removesuffix("_first")
                assert frame[first].equals(frame[whole]), (rollup.name, first)
            compared += len(firsts) * len(frame)
    assert compared > 1000
    found.warehouse.close()


def test_sums_pay_sooner_in_a_database_that_reads_rows_whole(tmp_path, new_database):
    sums, others = [], []
    for name, database in (("duckdb", ""), ("postgres", new_database())):
        settings = Settings(data=tmp_path / name, database=database)
        with Build(settings, CITY) as build:
            for table, frame in demo_tables(scale=0.04, years=1):
                build.write(table, frame)
            build.publish(as_of=AS_OF)
        warehouse = Services(settings).warehouse
        held = {one for one, _ in warehouse.held().rows}
        sums.append(held & ROLLUPS.keys())
        others.append(held - ROLLUPS.keys())
        warehouse.close()
    assert sums[0] < sums[1] and others[0] == others[1]  # copies are as wide as what they are of


def test_a_table_of_sums_has_the_columns_it_names():
    assert {one.name: one.column_names for one in ROLLUPS.values()} == {
        one.name: frozenset(one.table.c.keys()) for one in ROLLUPS.values()
    }


def test_sums_without_a_measure_declared_since_are_not_asked(tmp_path):
    """A build made before there was a measure: the facts answer, until the next import sums it, too."""
    settings = Settings(data=tmp_path, cache="off")
    with Build(settings, city.CITY, pays_by=0) as build:
        city.write(build)
        build.publish(as_of=city.AS_OF)
    (file,) = (tmp_path / "builds").glob("*.duckdb")
    rollup = ROLLUPS["rollup_contact_arrived_on_queue"]
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"ALTER TABLE {rollup.name} DROP COLUMN handled_s")
    services = Services(settings)
    held = services.warehouse.held()
    assert not held.holds(rollup.name) and held.holds("rollup_contact_arrived_on_hour")
    query = Query((CATALOGUE["handle_time"],), (channel, queue))
    answer = services.ask(query, Filters.from_search("?period=all", services.clock(), DIMENSIONS), EVERYTHING)
    assert answer.frame["handled_s"].sum() == 1000 * 180 + 60
    services.warehouse.close()


def test_divisions_without_any_row_of_a_kind_are_told_by_neither(services):
    """Departments without assets are not told of assets, whether sums are asked or rows."""
    assets = tuple(CATALOGUE[one] for one in ("faults", "faults_confirmed", "faults_not_found"))
    for search in ("?period=all", "?period=all&counting=incidents"):
        filters = Filters.from_search(search, services.clock(), DIMENSIONS)
        found, from_sums = both(services, Query(assets, by=(department,)), filters)
        everybody, _ = both(services, Query((opened, *assets), by=(department,)), filters)
        assert from_sums == 1 and 0 < len(found) < len(everybody)
        assert found["faults"].sum() == everybody["faults"].sum() > 0
