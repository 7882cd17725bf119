"""Budgets and costs by hand on the tiny city, on both engines; who may see them; how they are imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest

from dashboard.domain.errors import BadRequest, NotPermitted
from dashboard.domain.filters import Filters, Period
from dashboard.domain.policy import Permission, Scope, Viewer
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access import schema
from data_access.build import Build
from data_access.dimensions import DIMENSIONS, department, program, service_type
from data_access.importers.load import import_files
from data_access.importers.mapping import mapping_from
from data_access.measures import CATALOGUE
from data_access.semantics import Query
from tests import city
from tests.contract.test_panels import drawn, panel_of

EVERYTHING = Scope.everything()
NAMES = ["fiscal_year", "department_id", "program", "account_class", "adopted", "amended", "actual", "encumbered",
         "is_contact_centre"]  # fmt: skip
LINES = pd.DataFrame(
    [
        (2026, "streets", "Operations", "salary", 1000, 1100, 600, 50, None),
        (2026, "streets", "Operations", "contract", 400, 400, 380, 0, False),
        (2026, "streets", "HAIL", "overtime", 0, 200, 150, 0, None),  # the event of that name, whatever the case
        (2026, "vector", "Operations", "salary", 2000, 2000, 1500, 0, None),
        (2026, "vector", "Desk", "salary", 700, 700, 500, 0, True),
        (2026, "vector", "Desk", "supplies", 100, 100, 90, 0, True),
        (2026, "vector", "Desk", "indirect", 60, 60, 45, 0, True),
        (2025, "vector", "Operations", "salary", 9, 9, 9, 9, None),  # began before the data
    ],
    columns=NAMES,
).assign(fund="General")
DRIVERS = pd.DataFrame(
    [
        ("inspection", "Operations", 2.0, 2.0, 50.0, 10.0),
        ("inspection", "Laboratory", 0.5, 1.0, 40.0, None),
        ("pothole", "Desk", 1.5, None, 40.0, 25.0),
        ("graffiti", "Operations", 1.0, 1.0, None, 5.0),  # nobody knows what an hour costs
    ],
    columns=["type_id", "program", "std_hours", "crew_size", "hourly_rate", "unit_material_cost"],
)
YEAR = "?from=2025-11-01&to=2026-07-01"
INDEX = pd.DataFrame({"year": [2025, 2026], "cpi": [100.0, 104.0]})


@contextmanager
def served(settings: Settings, first_month: int, lines: pd.DataFrame = LINES) -> Iterator[Services]:
    """The tiny city, whose fiscal year begins in November or June, with these books."""

    def write(build: Build) -> None:
        city.write(build)
        build.write("budget_line", lines)
        build.write("activity_driver", DRIVERS)
        build.write("cost_index", INDEX)

    with city.in_service(settings, write, fiscal_year_start_month=first_month) as services:
        yield services


@pytest.fixture(scope="module")
def books(blank: Settings) -> Iterator[Services]:
    """The fiscal year begins on 1 November: 2026 is told of to the end of June."""
    with served(blank, 11) as services:
        yield services


@pytest.fixture(scope="module")
def june(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """It begins on 1 June, so that contacts are known from its start."""
    lines = LINES.assign(fiscal_year=LINES["fiscal_year"] + 1, as_of=pd.Timestamp("2026-06-20 12:00"))
    with served(Settings(data=tmp_path_factory.mktemp("june"), cache="off"), 6, lines) as services:
        yield services


def asked(services: Services, *names: str, by=(), search: str = "?from=2026-06-01&to=2026-06-02", scope=EVERYTHING):
    filters = Filters.from_search(search, services.clock(), DIMENSIONS)
    return services.ask(Query(tuple(CATALOGUE[name] for name in names), by), filters, scope)


def test_the_whole_fiscal_year_is_told_of_any_of_its_days(books):
    answer = asked(
        books, "budget_adopted", "budget_amended", "spent", "encumbered", "spent_on_events", by=(department,)
    )
    rows = answer.frame.set_index("department")
    assert rows.loc["Streets"].tolist() == [1400, 1700, 1130, 50, 150]
    assert rows.loc["Vector"].tolist() == [2860, 2860, 2135, 0, 0]
    assert answer.notes == ("Money is known by the fiscal year: FY 2026 to date, 1 Nov 2025 – 30 Jun 2026.",)
    assert books.clock().books == ((date(2024, 11, 1), date(2025, 11, 1)), (date(2025, 11, 1), date(2026, 7, 1)))


def test_a_year_that_began_before_the_data_is_left_out_and_named(books):
    answer = asked(books, "spent", search="?from=2025-10-01&to=2026-06-01")
    assert answer.value("spent") == 3265
    assert "Without FY 2025: not all of its work is in the data." in answer.notes
    alone = asked(books, "spent", "closed", search="?from=2025-01-01&to=2025-10-01")
    assert alone.value("spent") == 0 == alone.value("closed") and "No fiscal year" in alone.notes[0]


def test_work_is_counted_on_the_same_days(books):
    answer = asked(books, "spent", "closed", "sla_compliance", by=(department,)).frame
    filters = Filters(Period(date(2025, 11, 1), date(2026, 7, 1)))
    work = Query((CATALOGUE["closed"], CATALOGUE["sla_compliance"]), (department,))
    alone = books.ask(work, filters, EVERYTHING).frame
    for name in ("closed", "kept", "due"):
        assert answer.set_index("department")[name].to_dict() == alone.set_index("department")[name].to_dict()


def test_what_a_closed_request_costs_by_hand(books):
    """An inspection is 2 h × 2 people × 50 + 10 + 0.5 h × 40 = 230, a pothole 1.5 h × 40 + 25 = 85."""
    answer = asked(books, "cost_per_request", "work_done", "standard_hours", "standard_labour", "standard_materials",
                   "standard_cost_elsewhere", by=(department,), search=YEAR).frame.set_index("department")  # fmt: skip
    vector, streets = answer.loc["Vector"], answer.loc["Streets"]
    assert (vector["work_done"], vector["work_costed"], vector["standard_cost"]) == (7, 7, 7 * 230)
    assert (vector["standard_hours"], vector["standard_labour"], vector["standard_materials"]) == (31.5, 7 * 220, 70)
    # Three potholes without the duplicates, four graffiti whose cost nobody knows.
    assert (streets["work_done"], streets["work_costed"], streets["standard_cost"]) == (7, 3, 3 * 85)
    assert streets["cost_per_request"] == 85 and vector["cost_per_request"] == 230
    assert vector["standard_cost_elsewhere"] == 7 * 230 and streets["standard_cost_elsewhere"] == 0  # the desk's own
    types = asked(books, "cost_per_request", by=(service_type,), search=YEAR).frame.set_index("service_type")
    assert types["standard_cost"].sum() == 7 * 230 + 3 * 85 and pd.isna(types.loc["Graffiti", "cost_per_request"])


def test_a_standard_holds_from_its_day_on(tmp_path):
    with Build(Settings(data=tmp_path, cache="off"), city.CITY) as build:
        city.write(build)
        build.write("activity_driver", DRIVERS[:1].assign(valid_from_on=pd.Timestamp("2026-06-09")))
        build.publish(as_of=city.AS_OF)
    services = Services(Settings(data=tmp_path, cache="off"))
    assert asked(services, "work_costed", search=YEAR).value("work_costed") == 4  # 2, 5, 8 and 9
    services.warehouse.close()


def test_contacts_are_divided_only_where_all_of_them_are_known(books, june):
    """The tiny city's contacts begin in June: a year from November on would put its money on a month of calls."""
    lost = asked(books, "direct_cost_per_call")
    assert lost.value("direct_cost_per_call") is None and "No fiscal year" in lost.notes[0]
    told = asked(june, "direct_cost_per_call", "loaded_cost_per_contact", "pay_per_contact", "cost_per_resolution")
    calls = Filters(Period(date(2026, 6, 1), date(2026, 6, 21)))
    n = {name: june.ask(Query((CATALOGUE[name],)), calls, EVERYTHING).value(name) for name in ("answered", "contacts")}
    assert told.value("centre_direct") == 590 and told.value("answered") == n["answered"] > 100
    assert told.value("direct_cost_per_call") == pytest.approx(590 / n["answered"])
    assert told.value("pay_per_contact") == pytest.approx(500 / n["contacts"])
    assert told.value("centre_loaded") == 635


def test_books_that_end_before_the_data_end_the_year(june):
    assert june.clock().books[-1] == (date(2026, 6, 1), date(2026, 6, 21))
    answer = asked(june, "spent", "opened")
    until = Filters(Period(date(2026, 6, 1), date(2026, 6, 21)))
    assert answer.value("opened") == june.ask(Query((CATALOGUE["opened"],)), until, EVERYTHING).value("opened")


def test_looking_back_the_books_are_those_that_were_known(june):
    filters = Filters(Period(date(2026, 6, 1), date(2026, 6, 20)))
    for moment, spent in ((datetime(2026, 6, 20, 11), 0), (datetime(2026, 6, 20, 13), 3265)):
        answer = june.ask(Query((CATALOGUE["spent"],)), filters, EVERYTHING, moment)
        assert answer.value("spent") == spent


def test_what_a_budget_does_not_tell_is_refused_in_words(books, june):
    with pytest.raises(BadRequest, match="by the fiscal year"):
        books.ask(
            Query((CATALOGUE["spent"],), every="month"),
            Filters(Period(date(2025, 11, 1), date(2026, 7, 1))),
            EVERYTHING,
        )
    with pytest.raises(BadRequest, match="Budget lines of the contact centre carry no channel"):
        asked(june, "direct_cost_per_call", search="?period=all&channel=phone")
    with pytest.raises(BadRequest, match="cannot be divided by department"):
        asked(june, "burn", "direct_cost_per_call", by=(department,), search="?period=all")
    # A department narrows neither part of what a contact costs: both are the city's.
    same = [asked(june, "direct_cost_per_call", search=f"?period=all{more}").value("direct_cost_per_call")
            for more in ("", "&department=Streets")]  # fmt: skip
    assert same[0] == same[1]


def test_event_days_are_counted_whatever_was_chosen(books):
    filters = Filters.from_search("?period=all&event_days=out", books.clock(), DIMENSIONS)
    filters = filters.leaving_out([(date(2025, 11, 1), date(2025, 11, 2)), (date(2026, 6, 3), date(2026, 6, 4))])
    query = Query((CATALOGUE["spent"], CATALOGUE["closed"]))
    out, whole = books.ask(query, filters, EVERYTHING), asked(books, "spent", "closed", search="?period=all")
    assert [out.value(name) for name in ("spent", "closed")] == [whole.value(name) for name in ("spent", "closed")]


def test_who_may_see_money(books):
    head = Viewer("H", "department head", department="Streets")
    with acting_as(head):
        scope = books.scope(Permission.READ_BUDGET)
        answer = asked(books, "spent", "budget_amended", by=(department, program), scope=scope)
        assert set(answer.frame["department"]) == {"Streets"} and answer.frame["spent"].sum() == 1130
        assert asked(books, "standard_cost", search="?period=all", scope=scope).value("standard_cost") == 255
        assert books.values("program") == ["Operations", "HAIL"]
        for name in ("centre_pay", "pay_per_contact"):
            with pytest.raises(NotPermitted):
                asked(books, name, scope=scope)
        with pytest.raises(NotPermitted):
            books.scope(Permission.READ_CONTACT_COST)
    for viewer in (Viewer("C", "council member", district="North"), Viewer("S", "supervisor", team="Heron"),
                   Viewer("A", "administrator")):  # fmt: skip
        with acting_as(viewer):
            with pytest.raises(NotPermitted):
                books.scope(Permission.READ_BUDGET)
            if viewer.role != "administrator":
                scope = books.scope(Permission.READ_REQUESTS)
                for name in ("spent", "standard_cost", "work_done", "centre_pay"):
                    with pytest.raises(NotPermitted):
                        asked(books, name, scope=scope)


def test_the_price_index_and_what_an_hour_of_answering_costs(books):
    money = books.money()
    assert money.prices == {2025: 100.0, 2026: 104.0} and money.hour == 40.0


@pytest.mark.parametrize("search", ["?period=all", "?from=2026-06-01&to=2026-06-10&department=Streets&district=North"])
def test_every_panel_of_cost_draws(books, june, search):
    for services in (books, june):
        for name in ("strip", "contact", "others", "lines", "requests", "types", "centre", "change", "split", "kinds"):
            drawing = drawn(panel_of(f"cost-{name}"), services, search)
            assert drawing.sentence
            told = {"strip", "lines", "kinds"} | ({"contact", "others"} if services is june else set())
            if name not in ("types", "requests"):
                assert drawing.is_empty == (name not in told), (name, drawing.sentence)


def test_a_city_without_books_is_told_what_to_bring(tiny):
    for name in ("strip", "lines", "requests"):
        said = drawn(panel_of(f"cost-{name}"), tiny, "?period=all")
        assert said.is_empty and "Import budget lines" in "".join(map(str, said.sentence))


IMPORT = """name = "books"
[city]
name = "Tinytown"
tz = "America/New_York"
fiscal_year_start_month = 11
[{table}]
{columns}
"""


def test_books_are_imported_like_anything_else(tmp_path: Path):
    """Requests first, then the books, the standards and the index, each a file with its own mapping; twice is once."""
    settings = Settings(data=tmp_path / "data", cache="off")
    requests = "id,opened,closed,kind,dept\n" + "\n".join(
        f"{n},2025-11-{n:02d} 10:00,2025-12-{n:02d} 10:00,Pothole,Streets" for n in range(1, 11)
    )
    lines = (
        "Year,Dept,Program,Account,Fund,Adopted,Revised,Spent,Open POs,As of\n"
        'FY2026,Streets,Operations,Personnel,General,"1,000.50","1,100.00","$600.25",50,2025-12-15\n'
        "FY2026,Streets,Call desk,Personnel,General,500,500,400,0,2025-12-15\n"
    )
    standards = "Type,Program,Hours,Crew,Rate,Material\nPothole,Operations,1.5,2,40,25\n"
    index = "Year,CPI\n2025,100\n2026,104.5\n"
    files = {
        "request": (requests, 'request_id = "id"\nopened_at = "opened"\nclosed_at = "closed"\ntype_id = "kind"\n'
                              'status = { value = "closed" }\ndepartment_id = "dept"'),
        "budget_line": (lines, 'fiscal_year = { columns = ["Year"], pattern = "([0-9]{4})" }\ndepartment_id = "Dept"\n'
                               'program = "Program"\nfund = "Fund"\nadopted = "Adopted"\namended = "Revised"\n'
                               'actual = { columns = ["Spent"], replace = [["[$]", ""]] }\nencumbered = "Open POs"\n'
                               'account_class = { columns = ["Account"], words = { Personnel = "salary" } }\n'
                               'as_of = { columns = ["As of"], end_of_day = true }\n'
                               'is_contact_centre = { columns = ["Program"], words = { "Call desk" = "true" }, '
                               'otherwise = "false" }'),
        "activity_driver": (standards, 'type_id = "Type"\nprogram = "Program"\nstd_hours = "Hours"\n'
                                       'crew_size = "Crew"\n'
                                       'hourly_rate = "Rate"\nunit_material_cost = "Material"'),
        "cost_index": (index, 'year = "Year"\ncpi = "CPI"'),
    }  # fmt: skip
    for _ in range(2):
        for table, (content, columns) in files.items():
            path = tmp_path / f"{table}.csv"
            path.write_text(content)
            by = mapping_from(IMPORT.format(table=table, columns=columns), Path(f"{table}.toml"))
            outcome = import_files(settings, by, path)
            assert not outcome.report.absent, outcome.report
    services = Services(settings)
    assert services.build().budget_lines == 2 and services.holds(Permission.READ_BUDGET)
    rows = services.warehouse.frame(schema.budget_line.select())
    assert rows["is_contact_centre"].tolist() == [False, True] and set(rows["department"]) == {"Streets"}
    assert set(rows["to_on"]) == {pd.Timestamp("2025-12-16")}
    filters = Filters(Period(date(2025, 12, 1), date(2025, 12, 5)))
    query = Query(tuple(CATALOGUE[one] for one in ("budget_adopted", "spent", "centre_pay", "standard_cost")))
    answer = services.ask(query, filters, EVERYTHING)
    assert answer.value("budget_adopted") == pytest.approx(1500.5) and answer.value("spent") == pytest.approx(1000.25)
    assert answer.value("centre_pay") == 400 and answer.value("standard_cost") == 10 * (3 * 40 + 25)
    assert services.money().prices == {2025: 100.0, 2026: 104.5}
    services.warehouse.close()
