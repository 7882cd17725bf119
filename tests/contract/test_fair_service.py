"""Fair service on a small city whose districts report different things, and one of which waits longer for the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from callbacks.address import permitted
from callbacks.panels import answers_to, context_of
from dashboard.domain.filters import Filters
from dashboard.domain.policy import Scope, Viewer
from dashboard.identity import DEPUTY_MANAGER
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access.build import Build
from data_access.dimensions import DIMENSIONS, district
from data_access.measures.fairness import time_to_report
from data_access.semantics import Answer, Query
from layouts.markup import markup
from layouts.views import collect_views
from layouts.views.fair_service import CAUTION
from tests import city, screen
from tests.screen import said

AS_OF = datetime(2026, 6, 30, 16)
DISTRICTS = {"North": 9_000, "South": 9_000, "East": 9_000, "West": 9_000, "Islet": 900}
# How many requests of trees (20 days) and of bins (2 days), and in what multiple of that time they are closed.
SERVED = {"North": (600, 200, 1.0), "South": (200, 600, 1.0), "East": (90, 90, 1.5), "West": (60, 60, 0.4),
          "Islet": (40, 40, 1.0)}  # fmt: skip
VIEW = next(view for view in collect_views() if view.name == "fair-service")


def requests() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    parts = []
    for name, (trees, bins, times) in SERVED.items():
        kind = np.repeat(["tree", "bin"], [trees, bins])
        days = rng.gamma(4, np.where(kind == "tree", 5.0, 0.5)) * times
        opened = datetime(2025, 7, 1) + pd.to_timedelta(rng.uniform(0, 300, len(kind)), unit="D")
        parts.append(pd.DataFrame({
            "type_id": kind, "source_district": name, "opened_at": opened,
            "closed_at": opened + pd.to_timedelta(days, unit="D"),
            "due_at": opened + pd.to_timedelta(np.where(kind == "tree", 30, 3), unit="D"),
        }))  # fmt: skip
    rows = pd.concat(parts, ignore_index=True)
    rows["closed_at"] = rows["closed_at"].where(rows["closed_at"] <= AS_OF)
    for name in ("opened_at", "closed_at", "due_at"):
        rows[name] = rows[name].dt.floor("s").astype("datetime64[us]")
    return rows.assign(
        request_id=rows.index.astype(str), status=rows["closed_at"].map(lambda at: "new" if pd.isna(at) else "closed"),
        due_source="source", channel="phone", src_system="own", src_id=rows.index.astype(str),
    )  # fmt: skip


def write(build: Build) -> None:
    types = pd.DataFrame({"type_id": ["tree", "bin"], "name": ["Tree", "Bin"], "department_id": "S"})
    districts = pd.DataFrame({"district_id": list(DISTRICTS), "name": list(DISTRICTS), "kind": "council",
                              "population": list(DISTRICTS.values())})  # fmt: skip
    build.write("department", pd.DataFrame({"department_id": ["S"], "name": ["Streets"]}))
    build.write("service_type", types.assign(is_info_only=False, is_internal=False))
    build.write("district", districts)
    build.write("request", requests())


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Services over the districts above."""
    settings = Settings(data=tmp_path_factory.mktemp("uneven"), cache="off")
    with city.in_service(settings, write, AS_OF, city_id="uneven") as services:
        yield services


def drawn(services: Services, name: str, search: str = "?period=all"):
    return screen.drawn(services, VIEW, name, search)


def test_the_mix_is_no_gap_and_the_one_that_waits_longer_is_found(uneven):
    found = said(drawn(uneven, "funnel").sentence)
    assert found.startswith("Of 4 districts, 1 waits longer than chance explains (East), 1 shorter (West)")
    apart = said(drawn(uneven, "table").sentence)
    assert float(re.search(r"lie ([\d.]+)\xa0days apart as they come", apart)[1]) > 10
    body = markup(drawn(uneven, "table").body)
    rows = re.findall(r'data-go="">(\w+)</a>.*?<td class="num">([+−\d.]+)<', body)
    gaps = {name: float(gap.replace("−", "-")) for name, gap in rows}
    # North and South lie nine days apart as they come, and not at all for the same mix
    assert list(gaps) == ["East", "North", "South", "West"] and gaps["East"] > 3 > -3 > gaps["West"]
    assert abs(gaps["North"]) < 0.6 and abs(gaps["South"]) < 0.6


def test_gaps_are_those_of_a_plain_computation(uneven):
    """Kinds one by one, from the rows themselves: first by type and season, what is too rare then by type."""
    rows = requests().assign(opened=lambda frame: frame["opened_at"] - timedelta(hours=4))  # about the city's own days
    rows = rows[rows["opened_at"] <= AS_OF - timedelta(days=60)]
    seconds = (rows["closed_at"].fillna(AS_OF) - rows["opened_at"]).dt.total_seconds().clip(upper=60 * 86_400)
    rows = rows.assign(days=seconds / 86_400, season=rows["opened"].dt.quarter)
    expected = {}
    for name in ("North", "South", "East", "West"):
        left, here, city_days, weight = rows, 0.0, 0.0, 0
        for kinds in (["type_id", "season"], ["type_id"]):
            done = []
            for _, some in left.groupby(kinds):
                own = some[some["source_district"] == name]["days"]
                if min(len(own), len(some) - len(own)) >= 5:
                    weight, here = weight + len(some), here + len(some) * own.mean()
                    city_days += some["days"].sum()
                    done.append(some.index)
            left = left.drop(np.concatenate(done)) if done else left
        expected[name] = (here - city_days) / weight
    traces = [trace for trace in drawn(uneven, "funnel").figure["data"] if "customdata" in trace]
    shown = {name: y for trace in traces for name, y in zip(trace["customdata"], trace["y"], strict=True)}
    assert shown == pytest.approx(expected, abs=1e-3)
    rates = next(trace for trace in drawn(uneven, "reports").figure["data"] if "customdata" in trace)
    opened = requests()["source_district"].value_counts()
    assert dict(zip(rates["customdata"], rates["x"], strict=True)) == pytest.approx(
        {name: opened[name] / 9 for name in ("North", "South", "East", "West")}
    )


def test_a_short_wait_where_hardly_anybody_reports_is_never_called_good(uneven):
    traces = [trace for trace in drawn(uneven, "funnel").figure["data"] if "customdata" in trace]
    verdicts = {trace["name"]: list(trace["customdata"]) for trace in traces}
    assert verdicts["shorter, but clearly fewer reports"] == ["West"] and "shorter than overall" not in verdicts


def test_every_channel_is_in_a_bar(uneven):
    """What is too rare to have a colour of its own stands together: each district's parts add up to all."""
    panel = next(one for one in VIEW.panels if one.name == "channels")
    rows = [("North", f"way {i}", 40 - i) for i in range(8)] + [("South", "way 0", 30), (district.missing, "way 0", 9)]
    frame = pd.DataFrame(rows, columns=["district", "channel", "opened"])
    with acting_as(DEPUTY_MANAGER):
        context = context_of(panel, Filters.from_search("", uneven.clock(), DIMENSIONS), uneven)
    figure = panel.draw((Answer(Query(()), frame, AS_OF),), context).figure
    parts = {trace["name"]: list(trace["x"]) for trace in figure["data"]}
    assert parts["other"][0] == pytest.approx((35 + 34 + 33) / sum(range(33, 41))) and parts["other"][1] == 0
    assert np.sum(list(parts.values()), axis=0).tolist() == pytest.approx([1, 1])


# id, district, first report, opened, closed; noon of the city. What was told again was told by phone
_TOLD = (
    ("a", "North", None, "01-01", "01-11"), ("a1", "North", "a", "01-03", "01-11"),
    ("a2", "North", "a", "01-11", "01-11"),  # in the moment in which it was closed
    ("a3", "North", "a", "01-15", "01-16"),  # it had been closed
    ("b", "South", None, "02-01", None), ("b1", "South", "b", "03-01", None),
    ("b2", "South", "b", "04-10", None),  # after more than 60 days
    ("c", "North", None, "06-01", None), ("c1", "North", "c", "06-02", None),  # too young
    ("d", "North", None, "01-20", "01-22"),  # never told again
)  # fmt: skip


@pytest.fixture(scope="module")
def told_again(blank: Settings) -> Iterator[Services]:
    """Services over the reports above, on each engine."""
    rows = pd.DataFrame(_TOLD, columns=["request_id", "source_district", "parent_request_id", "opened_at", "closed_at"])
    for name in ("opened_at", "closed_at"):
        rows[name] = pd.to_datetime("2026-" + rows[name] + "T17:00").astype("datetime64[us]")
    rows = rows.assign(channel=np.where(rows["parent_request_id"].isna(), "web", "phone"))
    rows = rows.assign(type_id="tree", status=rows["closed_at"].map(lambda at: "new" if pd.isna(at) else "closed"),
                       src_system="own", src_id=rows["request_id"])  # fmt: skip
    with city.in_service(blank, lambda build: build.write("request", rows), AS_OF, city_id="again") as services:
        yield services


@pytest.mark.parametrize(
    ("choice", "as_of", "days", "again"),
    [
        ({}, None, 10 + 2 + 60, 3), ({"district": ("North",)}, None, 10 + 2, 2),
        ({"district": ("South",)}, None, 60, 1),
        ({"channel": ("web",)}, None, 10 + 2 + 60, 3), ({"channel": ("phone",)}, None, 0, 0),
        ({}, datetime(2026, 3, 15, 17), 10, 2),  # of the others 60 days were not over
        ({}, datetime(2026, 4, 5, 17), 10 + 2 + 60, 3),
    ],
)  # fmt: skip
def test_how_soon_a_known_problem_is_told_again(told_again, choice, as_of, days, again):
    filters = Filters.from_search("?period=all", told_again.clock(), DIMENSIONS)
    for name, values in choice.items():
        filters = filters.choose(name, values)
    answer = told_again.ask(Query((time_to_report,)), filters, Scope.everything(), as_of)
    assert (answer.value("restricted_s"), answer.value("repeats")) == (days * 86_400, again)
    assert answer.value("time_to_report") == (pytest.approx(days * 86_400 / again) if again else None)


def test_where_problems_are_told_again_less_often_few_reports_do_not_mean_few_problems(uneven):
    """Trees stand 100 days in either district and bins 10; told again are 10 trees a day of 10 and a bin of 5."""
    panel = next(one for one in VIEW.panels if one.name == "again")
    day = 86_400.0
    rows = [("North", "Tree", 60, 100 * day), ("South", "Tree", 20, 100 * day), ("South", "Bin", 30, 30 * day),
            ("North", "Bin", 10, 10 * day), ("Islet", "Tree", 1, day), (district.missing, "Tree", 0, day)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["district", "service_type", "repeats", "restricted_s"])
    with acting_as(DEPUTY_MANAGER):
        context = context_of(panel, Filters.from_search("", uneven.clock(), DIMENSIONS), uneven)
    drawing = panel.draw((Answer(Query(()), frame, AS_OF),), context)
    per_day = 81 / 201  # trees of all districts; bins are told once a day everywhere
    north, south = 70 / (100 * per_day + 10), 50 / (100 * per_day + 30)
    rates = next(trace for trace in drawing.figure["data"] if trace.get("customdata") is not None)
    assert dict(zip(rates["customdata"], rates["x"], strict=True)) == pytest.approx({"North": north, "South": south})
    assert said(drawing.sentence).startswith("In none of 2 districts is a known problem reported again less often")
    frame["repeats"] = [600, 200, 300, 100, 1, 0]
    frame["restricted_s"] *= 10
    drawing = panel.draw((Answer(Query(()), frame, AS_OF),), context)
    assert "In 1 of 2 districts" in said(drawing.sentence) and "(South): there, few reports" in said(drawing.sentence)
    assert "1 with fewer than 11 expected left out" in said(drawing.foot) and CAUTION in said(drawing.foot)


def texts_in(part) -> list[str]:
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list | tuple) else ()
    return [part] if isinstance(part, str) else [text for one in parts for text in texts_in(one)]


@pytest.mark.parametrize("panel", VIEW.panels, ids=lambda panel: panel.name)
def test_whose_rows_are_kept_to_a_department_is_told_of_that_department(uneven, panel):
    """Districts are held against all requests of the department, which are not all of the city's."""
    with acting_as(DEPUTY_MANAGER):
        filters = Filters.from_search("?period=all", uneven.clock(), DIMENSIONS)
        context, answers = context_of(panel, filters, uneven), answers_to(panel, filters, uneven)
    for own, whole in (({}, "the city"), ({"department": ("Streets",)}, "all of Streets")):
        drawing = panel.draw(answers, replace(context, own=own))
        told = " ".join([*map(said, (drawing.sentence, drawing.body, drawing.foot)), *texts_in(drawing.figure)])
        if panel.name in ("funnel", "table", "kept", "trend", "again") and not drawing.is_empty:
            assert whole in told
        if own:
            assert not re.findall(r".{0,20}\bcity\b.{0,20}", told.replace("residents in the city", ""))


def test_small_districts_are_left_out_and_the_caution_is_there(uneven):
    assert "Islet" not in str(drawn(uneven, "funnel").figure)
    assert "1 with too few requests or residents left out" in said(drawn(uneven, "funnel").foot)
    assert "too few to compare" in said(drawn(uneven, "table").body)
    for name in ("map", "table", "reports"):
        drawing = drawn(uneven, name)
        assert drawing.is_empty or CAUTION in said(drawing.foot)


def test_who_sees_one_district_only_compares_nothing(uneven):
    def may(role: str, **own: str) -> bool:
        with acting_as(Viewer("V", role, **own)):
            return VIEW in permitted([VIEW], uneven)

    assert may("deputy manager") and may("analyst") and may("supervisor", team="A")
    assert may("department head", department="Streets")
    assert not may("council member", district="North") and not may("administrator")


def test_a_city_without_districts_is_told_what_to_bring(tmp_path):
    def without(build: Build) -> None:
        build.write("request", requests().drop(columns="source_district"))

    with city.in_service(Settings(data=tmp_path, cache="off"), without, AS_OF) as services:
        for name in ("strip", "funnel", "table", "kept"):
            assert "names no districts; import their boundaries" in said(drawn(services, name).sentence)


def test_numbers_are_of_a_year_at_least_and_old_enough(uneven):
    text = said(drawn(uneven, "strip", "?from=2026-06-01&to=2026-06-30").sentence)
    assert text.startswith("Requests opened 30 Jun 2025 – 30 Apr 2026")
