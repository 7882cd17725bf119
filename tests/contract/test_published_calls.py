"""Calls as published: days stay days, nothing counts twice, and what is told is what the publisher's file says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner

from callbacks.address import held_in_words, needed_in_words, permitted
from callbacks.panels import answers_to, context_of
from dashboard.app import create_app
from dashboard.cli import main
from dashboard.domain.filters import Filters
from dashboard.domain.policy import Permission, Scope, Viewer
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access.build import Build
from data_access.dimensions import published_level, weekday
from data_access.measures import CATALOGUE
from data_access.semantics import Query
from layouts.markup import markup
from layouts.views import collect_views
from layouts.views.published_calls import VIEW
from tests import city
from tests.client import ask
from tests.planted import around

EVERYTHING = Scope.everything()


def asked(services: Services, *names: str, by=(), search: str = "?period=all"):
    filters = Filters.from_search(search, services.clock(), services.dimensions)
    return services.ask(Query(tuple(CATALOGUE[name] for name in names), by=by), filters, EVERYTHING)


def rows(*told: tuple) -> pd.DataFrame:
    """Stretches: when it began (local), grain, offered, answered, abandoned, average wait, service level."""
    names = ["start_at", "grain", "offered", "answered", "abandoned", "average_wait_s", "service_level_share"]
    frame = pd.DataFrame(told, columns=names)
    frame["start_at"] = city.utc(pd.to_datetime(frame["start_at"], format="ISO8601"))
    return frame.assign(interval_id=[f"i{n}" for n in range(len(frame))], channel="phone")


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A city that knows calls from what was published alone: by the day, the half-hour and the month."""
    database = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    store = Settings(data=tmp_path_factory.mktemp(request.param), database=database)
    given = rows(
        ("2026-03-08", "day", 100, 90, 8, 20.0, 0.85),  # the day of 23 hours
        ("2026-03-09", "day", 50, 0, 50, None, 0.0),
        ("2026-03-10", "day", 60, 55, None, 100.0, None),
        ("2026-03-10T09:00", "half_hour", 20, 18, 2, 10.0, 1.0),
        ("2026-03-10T09:30", "half_hour", 30, 30, 0, 40.0, 0.5),
        ("2026-03-01", "month", 9_999, 9_999, 0, 1.0, 1.0),
        ("2026-02-01", "month", 1_000, 900, 100, 30.0, 0.7),
    )
    with Build(store, city.CITY) as build:
        build.write("contact_interval", given)
        build.publish()
    services = Services(store)
    yield services
    services.warehouse.close()


def test_the_finest_of_what_was_published_counts_and_nothing_counts_twice(published: Services) -> None:
    told = asked(published, "published_offered", "published_answered", "published_abandoned", "published_levels")
    assert told.value("published_offered") == 100 + 50 + 20 + 30 + 1_000
    assert told.value("published_answered") == 90 + 0 + 18 + 30 + 900
    assert told.value("published_abandoned") == 8 + 50 + 2 + 0 + 100
    assert told.value("published_levels") == 5


def test_each_channel_and_queue_is_told_in_its_finest(tmp_path: Path) -> None:
    given = rows(
        ("2026-03-10", "day", 100, 90, 8, 20.0, 0.85), ("2026-03-10T09:00", "half_hour", 20, 18, 2, 10.0, 1.0),
        ("2026-03-10T09:00", "half_hour", 7, 7, 0, 10.0, 1.0), ("2026-03-10", "day", 50, 50, 0, 1.0, 1.0),
        ("2026-03-01", "month", 3_000, 2_000, 0, 1.0, 1.0), ("2026-03-11", "day", 400, 400, 0, 1.0, 1.0),
        ("2026-03-11", "day", 9, 9, 0, 1.0, 1.0), ("2026-03-11T10:00", "hour", 5, 5, 0, 1.0, 1.0),
    )  # fmt: skip
    given["queue"] = ["a", "a", "b", "c", None, None, "a", None]
    given["channel"] = ["phone"] * 4 + ["chat"] + ["phone"] * 3
    with Build(Settings(data=tmp_path), city.CITY) as build:
        build.write("contact_interval", given)
        build.publish()
    services = Services(Settings(data=tmp_path))
    told = asked(services, "published_offered").value("published_offered")
    # Half-hours of a and b, the day of c, the month of chat; of the next day the hours of all queues together.
    assert told == 20 + 7 + 50 + 3_000 + 5
    services.warehouse.close()


def test_averages_are_weighted_by_what_they_are_of(published: Services) -> None:
    told = asked(published, "published_speed_of_answer", "published_abandonment")
    waits = 90 * 20 + 18 * 10 + 30 * 40 + 900 * 30
    assert told.value("published_speed_of_answer") == pytest.approx(waits / (90 + 18 + 30 + 900))
    assert told.value("published_abandonment") == pytest.approx(160 / 1_200)
    march = asked(published, "published_speed_of_answer", search="?from=2026-03-09&to=2026-03-10")
    assert march.value("published_speed_of_answer") is None  # nobody answered: no average of nothing


def test_levels_and_weekdays(published: Services) -> None:
    found = asked(published, "published_levels", by=(published_level,)).frame
    levels = dict(zip(found["published_level"], found["published_levels"], strict=True))
    assert levels == {"0–5 %": 1, "50–55 %": 1, "70–75 %": 1, "85–90 %": 1, "95–100 %": 1}
    found = asked(published, "published_offered", by=(weekday,)).frame
    days = dict(zip(found["weekday"], found["published_offered"], strict=True))
    assert days == {"Sunday": 100, "Monday": 50, "Tuesday": 50, weekday.missing: 1_000}
    narrowed = asked(published, "published_offered", search="?period=all&published_level=85–90+%25")
    assert narrowed.value("published_offered") == 100


def test_the_view_stands_in_the_menu_only_where_something_was_published(published: Services, tmp_path: Path) -> None:
    views = collect_views()
    shown = ["overview", "published-calls", "data-health", "definitions"]
    assert [view.name for view in permitted(views, published)] == shown
    assert [panel.name for panel in permitted(views[0].panels, published)] == ["published-calls"]
    with acting_as(Viewer("Council member", "council member", district="North")):
        assert VIEW not in permitted(views, published)
    other = Settings(data=tmp_path / "other")
    with Build(other, city.CITY) as build:
        build.write("contact", city.contacts())
        build.publish()
    services = Services(other)
    assert VIEW not in permitted(views, services) and services.build().published_calls == 0
    needed = {view.name: needed_in_words(view, services) for view in views}
    assert (needed["published-calls"], needed["cost"]) == ("published figures of calls", "budgets")
    assert not needed["staffing"] and held_in_words(services) == "calls"
    services.warehouse.close()
    assert published.clock().first_on.isoformat() == "2026-02-01"
    assert published.values("channel", published.scope(Permission.READ_PUBLISHED_CALLS)) == ["phone"]


def test_every_card_is_drawn_from_it(published: Services) -> None:
    filters = Filters.from_search("?period=all", published.clock(), published.dimensions)
    said, figures = {}, {}
    for panel in VIEW.panels:
        drawing = panel.draw(answers_to(panel, filters, published), context_of(panel, filters, published))
        assert drawing.is_empty == (panel.name == "needed"), panel.name  # which days do not tell: test_staffing
        said[panel.name] = markup(drawing.sentence) + markup(drawing.body)
        figures[panel.name] = drawing.figure
    assert "1,200" in said["strip"] and "<b>1,038</b> were answered" in said["published-calls"]
    assert "<b>2</b> are counted in neither" in said["published-calls"]
    assert "at <b>70\xa0%</b> or higher" in said["levels"] and "under 50 %" in said["levels"]
    # The running month is told when it is complete: of March's levels half reached 85 %.
    assert "In Feb 2026 half of the days reached <b>70\xa0%</b> or more." in said["level"]
    assert list(figures["level"]["data"][0]["y"]) == [0.7]
    clock = replace(published.clock(), last_on=date(2026, 3, 31))
    march = Filters.from_search("?from=2026-02-01&to=2026-04-01", clock, published.dimensions)
    panel = next(one for one in VIEW.panels if one.name == "level")
    context = replace(context_of(panel, march, published), clock=clock)
    drawing = panel.draw(answers_to(panel, march, published), context)
    assert "In Mar 2026 half of the days reached <b>85\xa0%</b> or more; 70\xa0% in Feb 2026." in markup(
        drawing.sentence
    )
    assert "Sunday" in said["weekdays"] and weekday.missing not in said["weekdays"]


def test_a_real_contact_centre_is_told_as_its_file_says(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "callcenter" / "vancouver_311_contact_centre_daily.csv"
    settings = Settings(data=tmp_path)
    said = CliRunner().invoke(main, ["import", "vancouver", str(path), "--data", str(tmp_path)], catch_exceptions=False)
    assert said.exit_code == 0 and "There is nothing to publish: the data holds no requests." in said.output
    services = Services(settings)
    file = pd.read_csv(path, sep=";", encoding="utf-8-sig", parse_dates=["Date"])
    year = file[file["Date"].dt.year == 2023]
    told = asked(
        services, "published_offered", "published_answered", "published_abandonment", "published_speed_of_answer",
        search="?from=2023-01-01&to=2024-01-01",
    )  # fmt: skip
    assert told.value("published_offered") == year["CallsOffered"].sum() == 400_896
    assert told.value("published_answered") == year["CallsHandled"].sum() == 377_605
    assert told.value("published_abandonment") == pytest.approx(19_661 / 400_896)
    weighted = (year["AverageSpeedofAnswer"] * year["CallsHandled"]).sum() / year["CallsHandled"].sum()
    assert told.value("published_speed_of_answer") == pytest.approx(weighted)
    services.warehouse.close()


def test_a_database_without_the_table_answers_all_the_same(tmp_path: Path) -> None:
    with city.served(Settings(data=tmp_path)) as tiny:
        file = next((tmp_path / "builds").glob("*.duckdb"))
        known = tiny.values("channel")
    with duckdb.connect(str(file)) as build:
        build.execute("DROP TABLE contact_interval")
        build.execute("UPDATE build SET published_calls = 0")
    services = Services(Settings(data=tmp_path))
    assert services.values("channel") == services.values("channel", EVERYTHING) == known and services.values("queue")
    assert VIEW not in permitted(collect_views(), services)
    services.warehouse.close()


def test_a_page_about_what_was_not_imported_says_so(published: Services) -> None:
    app = create_app(published.settings)
    browser = app.server.test_client()
    browser.get("/see-as/deputy-manager")
    for name in ("promises", "calls", "requests"):
        said = ask(browser, around(app, name)[0]).get_data(as_text=True)
        assert "data holds published figures of calls only" in said, name
    assert "that this page is about" not in ask(browser, around(app, "overview")[0]).get_data(as_text=True)
