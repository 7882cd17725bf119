"""What the data says of itself agrees with all other numbers, stays within what one may see, and gives nothing away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

import pandas as pd
import pytest

from callbacks.panels import answers_to, context_of
from dashboard.app import create_app
from dashboard.domain.errors import NotPermitted
from dashboard.domain.filters import Filters
from dashboard.domain.policy import Permission, Viewer
from dashboard.identity import DEPUTY_MANAGER
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access import schema
from data_access.dimensions import DIMENSIONS
from data_access.flags import FLAGS
from data_access.health import GIVEN, OF_IMPORTS, Health, Told
from data_access.listing import COLUMNS, Condition, Listing
from data_access.measures.contacts import contacts
from data_access.measures.requests import opened
from data_access.semantics import Query
from layouts.markup import markup
from layouts.views.data_health import VIEW
from tests import city
from tests.client import ask
from tests.contract.test_access import answers

ALL = "?period=all"
HEAD = Viewer("Head", "department head", department="Vector")
SECRET = "555-0199 planted in a refused row"
IMPORTS = pd.DataFrame(
    {
        "import_id": ["crm-1", "crm-2", "other-1"], "source": ["crm", "crm", "other"],
        "file": ["may.csv", "june.csv", "calls.csv"],
        "imported_at": [datetime(2026, 6, 1, 8), datetime(2026, 7, 1, 8), datetime(2026, 6, 30, 8)],
        "source_as_of": [datetime(2026, 6, 1, 3, 59), datetime(2026, 7, 1, 2), None],
        "read": [10, 22, 5], "accepted": [10, 19, 5], "updated": [0, 4, 0], "unchanged": 0, "refused": [0, 3, 0],
        "flagged": 0,
        "report": [json.dumps({"unmapped": unmapped}) for unmapped in
                   ({"Status": {"gone": 9}}, {"Status": {"waiting": 2, "asleep": 7}}, {})],
    }
)  # fmt: skip
REFUSED = pd.DataFrame(
    {
        "import_id": "crm-2", "file": "june.csv", "row_number": [3, 7, 9], "column_name": ["Opened", "Opened", None],
        "value": SECRET, "expected": ["a date", "a date", "12 columns"],
        "reason": ["not a time", "not a time", "wrong number of columns"], "raw": json.dumps({"name": SECRET}),
    }
)  # fmt: skip


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def imported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The tiny city as if three imports had brought it, three rows of which were refused."""
    database = request.getfixturevalue("new_database")() if request.param == "postgres" else ""
    settings = Settings(data=tmp_path_factory.mktemp("imported"), database=database, cache="off")
    with city.served(settings, import_batch=IMPORTS, refused_row=REFUSED) as services:
        yield services


def told(services: Services, question: Health, search: str = ALL, viewer: Viewer = DEPUTY_MANAGER) -> Told:
    with acting_as(viewer):
        needs = Permission.READ_REQUESTS if question.fact == "request" else Permission.READ_CONTACTS
        filters = Filters.from_search(search, services.clock(), DIMENSIONS)
        return services.health(question, filters, services.scope(needs))


def test_every_flag_is_explained_in_words():
    assert list(FLAGS) and set(FLAGS) == set(schema.FLAGS)
    labels = [flag.label for flag in FLAGS.values()]  # by which lists are narrowed
    assert not any(one in other for one in labels for other in labels if one is not other)


@pytest.mark.parametrize("search", [ALL, "?period=all&department=Vector", "?from=2026-05-01&to=2026-06-01"])
@pytest.mark.parametrize("fact", ["request", "contact"])
def test_flags_are_counted_among_the_rows_that_the_measure_counts(imported, search, fact):
    found = told(imported, Health("flagged", fact), search)
    table, measure = (schema.request, opened) if fact == "request" else (schema.contact, contacts)
    filters = Filters.from_search(search, imported.clock(), DIMENSIONS)
    scope = imported.scope(Permission.READ_REQUESTS if fact == "request" else Permission.READ_CONTACTS)
    assert found.n == imported.ask(Query((measure,)), filters, scope).value(measure)
    rows = imported.warehouse.frame(table.select())
    day = rows["opened_on" if fact == "request" else "arrived_on"].dt.date
    rows = rows[(day >= filters.period.from_on) & (day < filters.period.to_on)]
    if fact == "request":
        rows = rows[rows["is_info_only"].isin([False]) | rows["is_info_only"].isna()]
        if filters.chosen("department"):
            rows = rows[rows["department"] == "Vector"]
    bits = rows["dq_flags"].astype("int64")
    counted = {flag: int((bits & bit > 0).sum()) for flag, bit in schema.FLAGS.items()}
    assert dict(zip(found.frame["flag"], found.frame["rows"], strict=True)) == {k: n for k, n in counted.items() if n}
    assert found.some == (bits != 0).sum()
    assert found.frame["rows"].is_monotonic_decreasing


def test_what_is_missing_is_as_long_as_its_list(imported):
    found = told(imported, Health("given")).frame.set_index("column_name")
    assert list(found.index) == list(GIVEN) and (found["given"] + found["missing"]).nunique() == 1
    filters = Filters.from_search(ALL, imported.clock(), DIMENSIONS)
    listed = [name for name in GIVEN if name in COLUMNS and COLUMNS[name].needs is None]
    assert len(listed) > 4
    for name in listed:
        rows = imported.rows(Listing(opened, (), 1, conditions=(Condition(name, "missing"),)), filters)
        assert rows.n == found.loc[name, "missing"], name
    assert found.loc["district", "missing"] and not found.loc["service_type", "missing"]


def test_a_flag_is_as_frequent_as_its_list_is_long(imported):
    filters = Filters.from_search(ALL, imported.clock(), DIMENSIONS)
    flagged = told(imported, Health("flagged")).frame
    assert len(flagged) == 3
    for flag, n in flagged.itertuples(index=False):
        rows = imported.rows(
            Listing(opened, (), 50, conditions=(Condition("flags", "contains", FLAGS[flag].label),)), filters
        )
        assert rows.n == n == len(rows.frame), flag
        assert rows.frame["flags"].str.contains(FLAGS[flag].label, regex=False).all()
    none = imported.rows(Listing(opened, (), 50, conditions=(Condition("flags", "missing"),)), filters)
    assert none.n + told(imported, Health("flagged")).some == told(imported, Health("flagged")).n


def test_imports_tell_what_they_brought_and_refused(imported):
    batches = told(imported, Health("imports"))
    assert batches.frame["file"].to_list() == ["june.csv", "calls.csv", "may.csv"] and batches.n == 37
    refused = told(imported, Health("refused"))
    assert refused.frame[["source", "column_name", "reason", "rows", "files"]].astype(object).values.tolist()[0] == [
        "crm", "Opened", "not a time", 2, 1,
    ]  # fmt: skip
    assert refused.n == len(REFUSED) == imported.build().refused
    unknown = told(imported, Health("unknown"))  # of the last import of each source: “gone” is explained by now
    assert unknown.frame[["word", "rows"]].values.tolist() == [["asleep", 7], ["waiting", 2]]


def test_a_department_head_sees_the_own_rows_and_no_import(imported):
    own = told(imported, Health("flagged"), viewer=HEAD)
    assert own.n == told(imported, Health("flagged"), "?period=all&department=Vector").n
    assert own.n < told(imported, Health("given")).n
    for part in OF_IMPORTS:
        with pytest.raises(NotPermitted):
            told(imported, Health(part), viewer=HEAD)


def test_it_is_said_what_is_left_out_and_what_is_not_narrowed(imported):
    council = told(imported, Health("given"), viewer=Viewer("C", "council member", district="North"))
    assert [note for note in council.notes if note.startswith("Without sensitive types")]
    narrowed = told(imported, Health("flagged", "contact"), "?period=all&district=North")
    assert narrowed.notes == ("Contacts carry no district: not narrowed by it.",)
    assert not told(imported, Health("flagged")).notes


@pytest.mark.parametrize("slug", ["deputy-manager", "department-head", "supervisor", "council-member", "analyst"])
def test_no_value_of_a_refused_row_leaves_the_house(imported, slug):
    app = create_app(imported.settings)
    browser = app.server.test_client()
    browser.get(f"/see-as/{slug}")
    said = ask(browser, answers(app, "data-health", "/data-health", ALL)).get_data(as_text=True)
    assert "given" in said
    for panel in VIEW.panels:
        for kind in ("csv", "xlsx"):
            file = browser.get(f"/export/data-health/{panel.name}.{kind}{ALL}")
            assert (file.status_code == 200) == (
                slug in ("deputy-manager", "supervisor", "analyst")
                or panel.needs is Permission.READ_REQUESTS
            ), (panel.name, file.status_code)  # fmt: skip
            said += file.get_data().decode("utf-8", "ignore") if kind == "csv" else ""
    assert "555-0199" not in said and "planted" not in said
    assert ("wrong number of columns" in said) == (slug not in ("department-head", "council-member"))


def test_cards_say_what_was_found(imported):
    filters = Filters.from_search(ALL, imported.clock(), DIMENSIONS)
    drawn = {}
    with acting_as(DEPUTY_MANAGER):
        for panel in VIEW.panels:
            drawing = panel.draw(answers_to(panel, filters, imported), context_of(panel, filters, imported))
            drawn[panel.name] = markup([*drawing.sentence, drawing.body])
    assert "<b>3</b> rows were refused" in drawn["refused"] and "expected: a date" in drawn["refused"]
    assert "brought <b>19</b> rows" in drawn["imports"] and "<b>6.0\u00a0h</b> old" in drawn["imports"]
    assert "<b>2</b> words" in drawn["unknown"] and "<b>asleep</b> in Status" in drawn["unknown"]
    assert "Closed before it was opened" in drawn["flagged"]
    assert "/requests?of=opened&amp;where=district%3Amissing&amp;period=all" in drawn["given"]
