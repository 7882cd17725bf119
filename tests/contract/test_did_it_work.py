"""Did a change work? On both engines, in a city in which the meters of the measures reference (D3) were replaced.

1,200 meters had 864 faults a year and have 432 since 1 March 2025; 900 others had 540 and have 513. In the same city a
district's missed collections have doubled, and those of three others have not.
"""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from callbacks.address import needed_in_words, permitted
from callbacks.panels import answers_to, context_of
from dashboard.app import create_app
from dashboard.domain.errors import UnknownName
from dashboard.domain.filters import Filters, Period
from dashboard.domain.policy import Permission, Scope, Viewer
from dashboard.identity import DEPUTY_MANAGER
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access.before_after import OUTCOMES, BeforeAfter, Judged, PartOf
from data_access.build import Build
from data_access.dimensions import DIMENSIONS, district
from data_access.listing import Listing
from data_access.measures import CATALOGUE
from data_access.measures.requests import broken, due, opened
from data_access.semantics import Query
from layouts.definitions import definitions
from layouts.markup import markup
from layouts.page import meanings_of, panel_menu
from layouts.views import fair_service, hotspots, staffing
from layouts.views.before_after import VIEW
from tests import city, screen

START = date(2025, 3, 1)
YEARS = (date(2023, 3, 1), date(2024, 3, 1), START, date(2026, 3, 1))
TREATED = [f"T{n:04d}" for n in range(1_200)]
OTHERS = [f"C{n:03d}" for n in range(900)]
DISTRICTS = ["North", "South", "East", "West"]
EVERYTHING = Scope.everything()


def spread(n: int, begin: date, end: date) -> list[date]:
    """`n` days, evenly spread over the days ``[begin, end)``."""
    return [begin + timedelta(days=i * (end - begin).days // n) for i in range(n)]


def requests() -> pd.DataFrame:
    rows: list[dict] = []

    def add(n: int, year: int, kind: str, where: list[str], assets: list[str | None]) -> None:
        for i, day in enumerate(spread(n, YEARS[year], YEARS[year + 1])):
            at = datetime(day.year, day.month, day.day, 17)  # noqa: DTZ001 - stored as UTC
            late = i % (2 if year == 2 else 4) == 0
            rows.append({
                "type_id": kind, "opened_at": at, "closed_at": at + timedelta(days=3 if late else 1),
                "due_at": at + timedelta(days=2), "source_district": where[i % len(where)], "status": "closed",
                "asset_id": assets[i % len(assets)], "channel": "phone" if i % 2 else "app", "department_id": "vector",
            })  # fmt: skip

    for year, (treated, others) in enumerate([(864, 540), (864, 540), (432, 513)]):
        add(treated, year, "meter", DISTRICTS, [*TREATED])
        add(others, year, "meter", DISTRICTS, [*OTHERS])
        add(400 if year == 2 else 200, year, "missed", ["North"], [None])
        for name in DISTRICTS[1:]:
            add(300, year, "missed", [name], [None])
    names = [f"r{i}" for i in range(len(rows))]
    return pd.DataFrame(rows).assign(request_id=names, src_system="t", src_id=names, due_source="source")


def changes() -> pd.DataFrame:
    rows = [
        ("meters", "New meters", "asset", json.dumps(TREATED), "\n".join(OTHERS), START, "Meter broken", None),
        ("routes", "New routes", "district", "1", "South; 3 ;West", START, "missed", None),
        ("types", "A campaign", "service_type", "Missed collection", "meter", START, None, None),
        (
            "slow",
            "By and by",
            "district",
            '["North"]',
            '["South", "East", "West"]',
            date(2025, 2, 1),
            "missed",
            '{"North": "2025-03-01"}',
        ),
        ("lost", "Nowhere", "district", "Nowhere", "South; Mars", START, "missed", None),
        ("vague", "Of an unknown type", "district", "North", "South", START, "Comets", None),
        ("odd", "Of trees", "tree", "1", "2", START, None, None),
        ("early", "Before the data", "district", "North", "South", date(2023, 3, 5), "missed", None),
    ]
    columns = ["intervention_id", "name", "unit_kind", "treated_ids", "comparison_ids", "start_on", "primary_outcome",
               "staggered"]  # fmt: skip
    told = pd.DataFrame(rows, columns=columns)
    written = [pd.Timestamp("2025-01-10 15:00"), *[pd.NaT] * (len(rows) - 1)]
    return told.assign(start_on=pd.to_datetime(told["start_on"]), preregistered_at=written)


def assets() -> pd.DataFrame:
    """One of the treated was only ever named, and one of the others stood for the first year."""
    ids = [*TREATED[:-1], *OTHERS]
    removed = [pd.Timestamp(YEARS[1]) if one == OTHERS[-1] else pd.NaT for one in ids]
    return pd.DataFrame({"asset_id": ids, "kind": "parking_meter", "model": "M", "removed_on": removed,
                         "installed_on": pd.Timestamp("2010-01-01")})  # fmt: skip


def write(build: Build) -> None:
    types = pd.DataFrame({"type_id": ["meter", "missed"], "name": ["Meter broken", "Missed collection"],
                          "category": "Streets", "department_id": "vector", "is_info_only": False,
                          "is_internal": False})  # fmt: skip
    gap = pd.DataFrame({"event_id": ["gap"], "kind": ["data_gap"], "name": ["No data"],
                        "start_at": city.utc(pd.Series(["2023-06-01T00:00"])),
                        "end_at": city.utc(pd.Series(["2023-06-02T00:00"]))})  # fmt: skip
    storm = pd.DataFrame({"event_id": ["storm"], "kind": ["storm"], "name": ["Storm"],
                          "start_at": city.utc(pd.Series(["2025-05-01T00:00"])),
                          "end_at": city.utc(pd.Series(["2025-05-03T00:00"]))})  # fmt: skip
    build.write("department", pd.DataFrame({"department_id": ["vector"], "name": ["Vector"]}))
    build.write("district", pd.DataFrame({"district_id": list("1234"), "name": DISTRICTS, "kind": "council"}))
    build.write("service_type", types)
    build.write("request", requests())
    build.write("asset", assets())
    build.write("intervention", changes())
    build.write("city_event", pd.concat([gap, storm]))


@pytest.fixture(scope="module")
def services(blank: Settings) -> Iterator[Services]:
    with city.in_service(blank, write, datetime(2026, 3, 1, 4, 59)) as found:  # noqa: DTZ001 - stored as UTC
        yield found


def asked(services: Services, change: str, outcome: str = "opened", search: str = "", scope: Scope = EVERYTHING):
    filters = Filters.from_search(search, services.clock(), DIMENSIONS)
    if filters.setting("event_days") == "out":
        filters = filters.leaving_out(services.event_days())
    return services.analyse(BeforeAfter(change, outcome), filters, scope)


def test_the_published_meters(services):
    """Measures reference, D3, but for a meter the register does not know, and a day the other way."""
    found = asked(services, "meters")
    assert found.windows.before == Period(YEARS[1], START) and found.windows.after == Period(START, YEARS[3])
    # T1199, which is not in the register, had none: the 864th fault is of T0863.
    assert found.counts == (864, 432, 540, 513) and found.counted.used == (1_199, 900)
    assert found.counted.unknown == ("T1199",)
    month = 365 / 30.4375
    assert found.exposure == pytest.approx((1_199 * month, 1_199 * month, 899 * month, 899 * month))
    assert found.effect.ratio == pytest.approx(0.526316, abs=5e-7)
    assert found.spread == 1.0 and found.effect.log_se == pytest.approx(0.085284, abs=1e-6)
    assert (found.effect.low, found.effect.high) == pytest.approx((0.445, 0.622), abs=5e-4)
    assert found.alone[0].ratio == pytest.approx(0.5) and found.alone[1].ratio == pytest.approx(0.95)
    assert found.says == "agree" and not found.is_shaken
    assert found.gap.level.value == pytest.approx(0.5, abs=0.03)
    assert len(found.dates) >= 5 and all(one.direction == 0 for _, one in found.dates)
    assert len(found.groups.effects) == 199 and found.groups.probability(found.effect) == pytest.approx(1 / 200)


def test_what_is_counted_is_what_ask_counts(services):
    found = asked(services, "routes")
    about = Filters(found.windows.after).choose("service_type", ["Missed collection"])
    answer = services.ask(Query((opened,), by=(district,)), about, EVERYTHING).frame
    counts = dict(zip(answer["district"], answer["opened"], strict=True))
    assert found.counts.treated_after == counts["North"] == 400
    assert found.counts.comparison_after == sum(counts[name] for name in DISTRICTS[1:]) == 900
    assert found.counts[0] == 200 and found.counts[2] == 900
    assert found.effect.ratio == pytest.approx(2.0)
    assert found.counted.names == (("North",), ("South", "East", "West"))  # by id, by name, with spaces
    assert found.groups.names == [0, 1, 2]
    late = asked(services, "routes", "broken")
    sums = services.ask(Query((broken, due), by=(district,)), about, EVERYTHING).frame.set_index("district")
    assert late.counts.treated_after == sums.loc["North", "broken"] and late.exposure[1] == sums.loc["North", "due"]
    rates = [n / of for n, of in zip(late.counts, late.exposure, strict=True)]
    assert rates == pytest.approx([0.25, 0.5, 0.25, 0.5], abs=0.01)
    assert late.effect.direction == 0 and late.alone[0].direction == 1


def test_steps_add_up_to_the_time_they_cut(services):
    found = asked(services, "meters")
    after = found.study.is_after
    assert found.study.every_step == "month" and after.sum() == 12
    assert found.study.over[0][after].sum() == found.counts[1] and found.study.over[1][~after].sum() == found.counts[2]
    assert found.study.exposure[0][after].sum() == pytest.approx(found.exposure[1])
    units = found.counted.units[0]
    assert units.before.sum() == found.counts[0] and units.exposure_after.sum() == pytest.approx(found.exposure[1])
    assert len(found.series.steps) == 36


def test_an_asset_counts_while_it_stands(services):
    """The meter that was removed after the first year is in no month since."""
    found = asked(services, "meters")
    standing = found.counted.exposure[1] * 30.4375
    first = found.counted.first_on
    assert standing[(date(2023, 5, 1) - first).days] == 900 and standing[(START - first).days] == 899
    assert standing[(date(2023, 6, 1) - first).days] == 0  # nothing is known of that day


def test_event_days_left_out_are_no_time_either(services):
    found, without = asked(services, "routes"), asked(services, "routes", search="?event_days=out")
    assert found.exposure[1] == 365 and without.exposure[1] == 363
    assert 0 < found.counts[1] - without.counts[1] <= 4


def test_units_may_be_service_types_and_begin_one_after_the_other(services):
    types = asked(services, "types")
    assert types.counts == (1_100, 1_300, 1_404, 945) and types.about == ""
    slow = asked(services, "slow")
    assert slow.windows.before.to_on == date(2025, 2, 1) and slow.windows.after.from_on == START
    assert slow.counts[1] == 400


def test_a_chosen_type_takes_the_place_of_the_changes_own(services):
    found = asked(services, "routes", search="?service_type=Meter+broken")
    assert found.about == "Meter broken" and sum(found.counts) == 864 + 540 + 432 + 513
    narrowed = asked(services, "routes", search="?channel=phone")
    assert narrowed.counts.treated_after == 200
    own = asked(services, "routes", search="?district=South")  # its own sides, whatever is chosen
    assert own.counts[1] == 400 and own.notes == ("Not narrowed by district: its own are compared.",)
    kinds = asked(services, "types", search="?category=Streets")
    assert kinds.notes == ("Not narrowed by category: its own are compared.",)
    incidents = asked(services, "meters", search="?counting=incidents")
    assert incidents.notes == ("Incidents: a report joined to an earlier one is not counted again.",)
    placed = asked(services, "meters", search="?area=no+area")
    assert placed.counts == (864, 432, 540, 513) and "Not narrowed by area" in placed.notes[0]
    only = asked(services, "meters", search="?district=South")
    assert only.lacks == "units"  # none of these assets is known to stand in a district


@pytest.mark.parametrize(
    ("change", "lacks"), [("lost", "units"), ("vague", "type"), ("odd", "kind"), ("early", "days")]
)  # fmt: skip
def test_what_cannot_be_told_says_why(services, change, lacks):
    found = asked(services, change)
    assert found.lacks == lacks and found.frame.empty
    if change == "lost":
        assert found.counted.unknown == ("Nowhere", "Mars")
    assert "".join(map(str, drawn(services, "verdict", f"?change={change}").sentence))
    assert "Not told" in "".join(map(str, drawn(services, "cautions", f"?change={change}").sentence))


def test_nobody_is_told_of_rows_they_may_not_see(services):
    north = asked(services, "routes", scope=Scope.only("district", "North"))
    assert north.lacks == "units" or north.counts[2:] == (0, 0)
    assert not north.effect.is_known
    meters = asked(services, "meters", scope=Scope.only("department", "Parks"))
    assert meters.counts == (0, 0, 0, 0) and meters.says == "unknown"
    assert meters.lacks == "units" and not any(meters.exposure)  # nor how many meters another department has
    assert meters.counted is not None and meters.counted.used == (0, 0) and meters.counted.names == ((), ())
    assert asked(services, "meters", scope=Scope.only("district")).lacks == "units"  # whoever may see none
    own = asked(services, "meters", scope=Scope.only("department", "Vector"))
    whole = asked(services, "meters")
    assert own.counts == whole.counts and own.exposure == whole.exposure
    no_register = replace(EVERYTHING, facts=frozenset({"request"}))
    assert not asked(services, "meters", scope=no_register).counted.per_asset
    with acting_as(Viewer("A", "administrator")), pytest.raises(Exception, match="may not"):
        services.scope(Permission.READ_REQUESTS)


@pytest.mark.parametrize(
    ("viewer", "change"),
    [
        (DEPUTY_MANAGER, "slow"),  # the first that the data reaches back far enough for
        (Viewer("C", "council member", district="North"), "types"),  # of all others one side lies elsewhere
    ],
)
def test_the_view_opens_on_the_first_change_that_can_be_told_to_the_viewer(services, viewer, change):
    with acting_as(viewer):
        scope = services.scope(Permission.READ_CHANGES)
        found = asked(services, "", scope=scope)
        others = [asked(services, one.change_id, scope=scope) for one in found.changes]
    assert found.change is not None and found.change.change_id == change
    assert next(one.change for one in others if one.effect.is_known) == found.change
    assert any(one.lacks for one in others)


def test_who_may_see_one_side_only_is_told_which(services):
    def said(viewer: Viewer) -> str:
        with acting_as(viewer):
            place = {"change": ("meters",)}
            panel, filters = VIEW.panels[0], Filters.from_search("?change=meters", services.clock(), DIMENSIONS,
                                                                 VIEW.parameters)  # fmt: skip
            answers = answers_to(panel, filters, services, place)
            return markup(panel.draw(answers, context_of(panel, filters, services, place)).sentence)

    text = said(Viewer("D", "department head", department="Parks"))
    assert "nothing of where it was made and nothing of what it is compared with is among" in text and "Parks" in text


def test_the_view_is_in_the_menu_where_a_change_is_written_down(services, tiny):
    assert VIEW in permitted([VIEW], services) and VIEW not in permitted([VIEW], tiny)
    assert needed_in_words(VIEW, tiny) == "changes that the city made"
    with acting_as(Viewer("A", "administrator")):
        assert not permitted([VIEW], services)


def test_every_card_says_what_it_means(services):
    for panel in (*VIEW.panels, *staffing.VIEW.panels, *hotspots.VIEW.panels, *fair_service.VIEW.panels):
        said = html.unescape(screen.said(definitions(meanings_of(panel))))
        assert panel.terms or panel.name in ("confirmed", "time", "districts", "reports", "channels"), panel.name
        assert all(one.about.replace("**", "") in said for one in panel.terms), panel.name
        assert "What does this mean?" in markup(panel_menu(VIEW, panel))


def test_a_change_that_there_is_not(services):
    with pytest.raises(UnknownName, match="no change called"):
        asked(services, "nope")


def drawn(services: Services, name: str, search: str):
    return screen.drawn(services, VIEW, name, search)


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("change", ["meters", "routes", "types", "slow"])
def test_every_card_of_every_change_is_drawn(services, change, outcome):
    for panel in VIEW.panels:
        card = drawn(services, panel.name, f"?change={change}&outcome={outcome}")
        assert card.sentence and (card.is_empty or card.figure or card.body is not None)
        text = markup(card.sentence) + markup(card.body)
        assert "nan" not in text.replace("anand", "") and "inf" not in re.sub("inform|interf", "", text)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_where_nothing_is_counted_every_card_says_so(services, outcome):
    for panel in VIEW.panels:
        card = drawn(services, panel.name, f"?change=routes&outcome={outcome}&service_type=Meter+broken&channel=web")
        assert card.sentence and (card.is_empty or card.figure or card.body is not None)
    text = markup(drawn(services, "verdict", "?change=meters&channel=web").sentence)
    assert "Too few to tell" in text and "Clear the filters" in text


def test_the_answer_is_one_plain_sentence_and_the_methods_stand_in_their_order(services):
    card = drawn(services, "verdict", "?change=meters")
    text, body = markup(card.sentence), re.sub("<[^>]+>", " ", markup(card.body))
    assert "fell by 47" in text.replace("<b>", "") and "both methods agree" in text
    order = [body.index(words) for words in ("Before and after alone", "The same elsewhere", "Against the comparison",
                                             "The series itself")]  # fmt: skip
    assert order == sorted(order)
    assert "864 requests" in body and "432 requests" in body and "1,199 assets" in body and "T1199" in body
    rose = markup(drawn(services, "verdict", "?change=routes").sentence)
    assert "rose to 2.0 times" in rose
    cautions = re.sub("<[^>]+>", " ", markup(drawn(services, "cautions", "?change=meters").body))
    assert "named on 10 Jan 2025" in cautions and "By app: 50" in cautions
    assert "1 Mar 2025" in markup(drawn(services, "verdict", "?change=types").body)
    assert "<b>By and by</b>" in markup(drawn(services, "verdict", "").body)  # the first that can be told


@pytest.mark.parametrize(("change", "outcome"), [("routes", "opened"), ("types", "opened"), ("routes", "broken")])
def test_the_list_behind_a_number_has_as_many_requests(services, change, outcome):
    search = f"?change={change}&outcome={outcome}&channel=app"
    body = markup(drawn(services, "verdict", search).body)
    listed = re.findall(r'href="/requests([^"]+)"[^>]*>([\d,]+) ', body)
    assert len(listed) == 4
    for href, n in listed:
        filters = Filters.from_search(href.replace("&amp;", "&"), services.clock(), DIMENSIONS, ("of",))
        with acting_as(DEPUTY_MANAGER):
            rows = services.rows(Listing(CATALOGUE[filters.parameter("of")[-1]]), filters.with_parameter("of"))
        assert rows.n == int(n.replace(",", "")) > 0
    assert "/requests" not in markup(drawn(services, "verdict", "?change=meters").body)  # no filter picks assets


def test_who_sees_a_part_is_told_so(services):
    with acting_as(Viewer("C", "council member", district="North")):
        panel = VIEW.panels[0]
        filters = Filters.from_search("?change=routes", services.clock(), DIMENSIONS, VIEW.parameters)
        place = {"change": ("routes",)}
        card = panel.draw(answers_to(panel, filters, services, place), context_of(panel, filters, services, place))
    text = markup(card.sentence)
    assert "Too few to tell" in text and "what you may see only: <b>North</b>" in text


def test_choices_are_links_that_keep_the_filters(services):
    body = markup(drawn(services, "verdict", "?period=all&channel=phone&change=routes&outcome=broken").body)
    links = [one.replace("&amp;", "&") for one in re.findall(r'href="(\?[^"]+)"', body)]
    assert links and all("channel=phone" in one and "period=all" in one for one in links)
    assert any("change=types" in one and "outcome=broken" in one for one in links)
    assert all("change=" in one for one in links)  # which one is told where none is named depends on who looks
    assert any("outcome" not in one and "change=routes" in one for one in links)


def test_tables_and_files_hold_what_is_drawn(services):
    app = create_app(services.settings)
    client = app.server.test_client()
    for panel in VIEW.panels:
        for kind in ("csv", "xlsx"):
            answer = client.get(f"/export/before-after/{panel.name}.{kind}?change=meters")
            assert answer.status_code == 200, answer.get_data(as_text=True)
    methods = client.get("/export/before-after/verdict.csv?change=meters").get_data(as_text=True)
    assert "864" in methods and "0.526315" in methods
    steps = pd.read_csv(
        io.BytesIO(client.get("/export/before-after/study.csv?change=meters").data), encoding="utf-8-sig"
    )
    assert steps.loc[steps["Step"] >= 0, "Treated"].sum() == 432
    assert client.get("/export/before-after/verdict.csv?change=nope").status_code == 400


def test_marks_are_the_numbers_of_the_table(services):
    def frame(table: str) -> pd.DataFrame:
        filters = Filters.from_search("", services.clock(), DIMENSIONS)
        return services.analyse(PartOf(BeforeAfter("meters"), table), filters, EVERYTHING).frame

    def marks(name: str, axis: str) -> dict[str, np.ndarray]:
        data = drawn(services, name, "?change=meters").figure["data"]
        return {one["name"]: np.asarray(one[axis], float) for one in data if "name" in one}

    steps, series, fakes = frame("steps"), frame("series"), frame("fakes")
    groups = marks("groups", "y")
    for words, column in (("changed", "treated"), ("comparison", "comparison")):
        assert groups[words] == pytest.approx((1000 * steps[column] / steps[f"{column}_exposure"]).to_numpy())
    study = marks("study", "y")
    assert np.concatenate([study["before"], study["after"]]) == pytest.approx(steps["ratio"].to_numpy())
    lines = marks("series", "y")
    assert lines["counted"] == pytest.approx((1000 * series["treated"] / series["treated_exposure"]).to_numpy())
    without = 1000 * series["expected_without_the_change"] / series["treated_exposure"]
    assert lines["without"] == pytest.approx(without[series["step"] >= 0].to_numpy())
    effects = marks("fakes", "x")
    assert effects["real"] == pytest.approx(fakes.loc[fakes["kind"] == "the change", "ratio"].to_numpy())
    dates = fakes.loc[fakes["kind"] == "earlier date", "ratio"].to_numpy()
    assert set(effects["date"].round(9)) <= set(dates.round(9))


def test_a_card_is_a_part_of_the_same_answer(services):
    filters = Filters.from_search("", services.clock(), DIMENSIONS)
    whole = services.analyse(BeforeAfter("meters"), filters, EVERYTHING)
    part = services.analyse(PartOf(BeforeAfter("meters"), "fakes"), filters, EVERYTHING)
    assert isinstance(part, Judged) and part.effect == whole.effect and part.study is whole.study
    assert list(part.frame["kind"].unique()) == ["the change", "earlier date", "comparison group"]
    assert np.isfinite(part.frame["ratio"]).all()


def test_a_city_without_changes_says_what_to_bring(tiny):
    card = drawn(tiny, "verdict", "?period=all")
    assert card.is_empty and "docs/importing.md" in markup(card.sentence)
