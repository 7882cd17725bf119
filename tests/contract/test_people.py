"""Agents are named to their own supervisor and to nobody else: for each role page, table, CSV and filter address."""

from __future__ import annotations

import json
from collections.abc import Iterator

import orjson
import pytest
from click.testing import CliRunner
from flask import Flask

from callbacks import export
from callbacks.address import filters_in, permitted
from callbacks.panels import answers_to, context_of, on_card
from dashboard.app import create_app
from dashboard.cli import main
from dashboard.domain.errors import NotPermitted
from dashboard.domain.policy import Permission, Scope, Viewer, scope_of
from dashboard.entrance import path_here
from dashboard.people import FEWEST, key_in
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access.build import Build
from data_access.dimensions import DIMENSIONS
from data_access.measures import CATALOGUE
from data_access.semantics import Query
from layouts.markup import markup
from layouts.views import collect_views
from layouts.views.agents import VIEW
from tests import city, floor
from tests.client import ask, controls

VIEWS = collect_views()
OWN = {one for one, team in floor.AGENTS.items() if team == "Heron"}
OTHERS = set(floor.AGENTS) - OWN
ROLES = ("deputy-manager", "department-head", "supervisor", "council-member")


def built(settings: Settings, about: dict) -> Settings:
    with Build(settings, about) as build:
        floor.write(build)
        build.publish(as_of=city.AS_OF)
    return settings


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def answering(request, tmp_path_factory) -> Iterator[Services]:
    """Services over the floor, on each engine."""
    database = request.getfixturevalue("new_database")() if request.param == "postgres" else ""
    settings = Settings(data=tmp_path_factory.mktemp("answering"), database=database, cache="off")
    services = Services(built(settings, city.CITY))
    yield services
    services.warehouse.close()


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    return built(Settings(data=tmp_path_factory.mktemp("floor"), cache="filesystem"), city.CITY)


@pytest.fixture(scope="module")
def server(settings) -> Flask:
    return create_app(settings).server


@pytest.fixture(scope="module")
def services(settings) -> Iterator[Services]:
    services = Services(settings)
    yield services
    services.warehouse.close()


def seeing(server: Flask, role: str):
    """A browser that has taken on `role`."""
    client = server.test_client()
    assert client.get(f"/see-as/{role}").status_code == 302
    return client


def page(server: Flask, services: Services, role: str, search: str, views=VIEWS) -> str:
    """Everything a browser in `role` is sent for `views`: cards with figures, and tables."""
    sent = []
    with acting_as(services.demo_viewers()[role]):
        for view in permitted(views, services):
            for panel in permitted(view.panels, services):
                filters = filters_in(search, services)
                answers = answers_to(panel, filters, services)
                card = on_card(panel, panel.draw(answers, context_of(panel, filters, services)), answers)
                sent.append(orjson.dumps(card["figure"], option=orjson.OPT_SERIALIZE_NUMPY).decode())
                sent += [card["sentence"], card["body"], card["foot"]]
                sent += [markup(export._table(panel, one, title, services))
                         for title, one in export._titled(panel, filters, answers, services)]  # fmt: skip
    return "\n".join(sent)


def files(server: Flask, role: str, search: str, views=VIEWS) -> str:
    """Every CSV of `views` a browser in `role` can get."""
    client = seeing(server, role)
    found = [client.get(f"/export/{view.name}/{panel.name}.csv{search}") for view in views for panel in view.panels]
    return "\n".join(one.get_data(as_text=True) for one in found)


def told_of(text: str) -> set[str]:
    """The agents whose name or pseudonym stands in `text`."""
    return {one for one, name in floor.NAMES.items() if name in text or one in text}


# ── what each role is told ──


@pytest.mark.parametrize("role", ROLES)
def test_names_and_pseudonyms_are_told_to_the_own_supervisor_only(server, services, role):
    for text in (page(server, services, role, floor.PERIOD), files(server, role, floor.PERIOD)):
        assert told_of(text) == (OWN if role == "supervisor" else set())


@pytest.mark.parametrize("search", ["?period=all", floor.PERIOD + "&team=Otter", floor.ONE_DAY])
@pytest.mark.parametrize("role", ["deputy-manager", "supervisor"])
def test_no_filter_draws_a_name_out(server, services, role, search):
    for text in (page(server, services, role, search, [VIEW]), files(server, role, search, [VIEW])):
        assert told_of(text) <= (OWN if role == "supervisor" else set())


def test_the_supervisor_reads_names_and_never_pseudonyms_in_files(server):
    text = files(server, "supervisor", floor.PERIOD, [VIEW])
    assert floor.NAMES["zq01"] in text and "one of 12, no. " in text
    assert not any(one in text for one in floor.AGENTS)


def test_the_deputy_manager_sees_a_distribution(server, services):
    text = page(server, services, "deputy-manager", floor.PERIOD, [VIEW])
    assert "one of 12" in text and "worth a look" in text


@pytest.mark.parametrize("role", ["department-head", "council-member"])
def test_who_has_no_business_with_agents_has_no_such_view_and_no_such_file(server, services, role):
    with acting_as(services.demo_viewers()[role]):
        views = permitted(VIEWS, services)
        assert "agents" not in [view.name for view in views] and "backlog" in [view.name for view in views]
        needed = {panel.needs for view in views for panel in permitted(view.panels, services)}
        assert needed <= {
            Permission.READ_REQUESTS, Permission.LIST_REQUESTS, Permission.READ_ADDRESSES, Permission.COMPARE_DISTRICTS,
            Permission.READ_ROUNDS, Permission.READ_ASSETS, Permission.READ_CHANGES,
        }  # fmt: skip
    client = seeing(server, role)
    for panel in VIEW.panels:
        assert client.get(f"/export/agents/{panel.name}.csv").status_code == 403


@pytest.mark.parametrize(
    ("role", "one", "status"),
    [
        ("deputy-manager", "zq01", 403), ("deputy-manager", "zq02", 403), ("deputy-manager", "nobody", 403),
        ("deputy-manager", "zq99", 403), ("department-head", "zq01", 403), ("council-member", "zq01", 403),
        ("supervisor", "zq01", 200), ("supervisor", "zq02", 403), ("supervisor", "zq99", 403),
        ("supervisor", "Plantednamea", 403),
    ],
)  # fmt: skip
def test_an_address_that_chooses_an_agent_is_refused_to_all_but_the_own_supervisor(server, services, role, one, status):
    client = seeing(server, role)
    assert client.get(f"/export/calls/volume.csv?agent={one}").status_code == status
    bar = ask(client, controls("/calls", f"?agent={one}")).get_data(as_text=True)
    assert ("supervisor of the agent" in bar) == (status == 403)
    assert (floor.NAMES.get(one, "–") in bar) == (status == 200)


def test_agents_are_listed_to_the_own_supervisor_only(server, services):
    for role in ROLES:
        with acting_as(services.demo_viewers()[role]):
            if role == "supervisor":
                assert set(services.values("agent")) == OWN
                continue
            with pytest.raises(NotPermitted):
                services.values("agent")


def test_the_lists_of_the_filter_bar_hold_what_the_role_may_see(server, services):
    with acting_as(services.demo_viewers()["department-head"]):
        assert services.values("department") == ["Streets"]
        assert sorted(services.values("service_type")) == ["Graffiti", "Pothole", "Question"]
    with acting_as(services.demo_viewers()["council-member"]):
        assert services.values("district") == ["North"]
        assert services.values("channel")


def test_all_rows_are_called_what_they_are_to_the_viewer(server, services):
    districts = next(view for view in VIEWS if view.name == "districts")
    said = {role: page(server, services, role, "?period=all", [districts]) for role in ROLES}
    assert all("City</b>" in said[role] for role in ("deputy-manager", "supervisor"))
    assert "City</b>" not in said["department-head"] and "Streets</b>" in said["department-head"]
    assert not [words for words in ("City</b>", "the city", "other districts") if words in said["council-member"]]


# ── the answer itself ──


def by_agent(*names: str) -> Query:
    return Query(tuple(CATALOGUE[name] for name in names), (DIMENSIONS["agent"],))


def test_labels_do_not_lead_from_one_picture_to_the_next(services):
    filters = filters_in(floor.PERIOD, services)
    scope = scope_of(Viewer("Deputy manager", "deputy manager"), Permission.READ_AGENT_SPREAD)
    query = by_agent("answered")
    known = services.ask(query, filters, Scope.everything()).frame

    def labels(picture: str) -> list[str]:
        frame = services.ask(query, filters, scope, picture=picture).frame
        frame = frame[frame["answered"] > 20]
        assert sorted(frame["answered"]) == sorted(known.loc[known["answered"] > 20, "answered"])
        return frame.set_index("answered")["agent"].sort_index().tolist()

    assert labels("a") == labels("a")
    assert len({tuple(labels(picture)) for picture in "abcd"}) == 4
    assert all(one == "nobody" or one.startswith("one of 12, no. ") for one in labels("a"))


def test_another_installation_gives_other_numbers(tmp_path):
    assert key_in(tmp_path / "a") != key_in(tmp_path / "b")
    key_in.cache_clear()
    assert key_in(tmp_path / "a") == (tmp_path / "a" / "labels.key").read_bytes()
    assert (tmp_path / "a" / "labels.key").stat().st_mode & 0o077 == 0


def test_few_unnamed_agents_are_left_out(server, services):
    with acting_as(services.demo_viewers()["deputy-manager"]):
        filters = filters_in(floor.ONE_DAY, services)
        answer = services.ask(by_agent("answered"), filters, services.scope(Permission.READ_AGENT_SPREAD))
    assert not answer.frame["agent"].str.startswith("one of").any()
    assert any(f"Fewer than {FEWEST}" in note for note in answer.notes)


def test_without_permission_nothing_is_divided_by_agent(services):
    filters = filters_in(floor.PERIOD, services)
    with pytest.raises(NotPermitted):
        services.ask(by_agent("answered"), filters, Scope(()))
    with pytest.raises(NotPermitted):
        services.ask(Query((CATALOGUE["answered"],)), filters.choose("agent", ["zq01"]), Scope(()))


def test_the_operator_may_divide_by_agent_on_the_command_line(settings):
    words = ("ask", "answered", "--by", "agent", "--where", "agent=zq01", "--format", "json", "--data", settings.data)
    result = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    assert json.loads(result.stdout) == [{"agent": "zq01", "answered": 60 + 60 + 60}]


# ── taking on a role ──


def test_the_foot_of_the_menu_offers_the_roles_and_shows_the_one_taken(server):
    client = seeing(server, "supervisor")
    layout = json.dumps(client.get("/_dash-layout").get_json())
    assert "311 supervisor, team Heron" in layout and "/see-as/council-member" in layout
    assert client.get("/see-as/mayor").status_code == 404


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "evil", "/a\r\nb", "",
     "/see-as/supervisor", "\\\\evil.example", "/%5c/..\\evil", " //evil.example", "/sign-out", "//[evil"],
)  # fmt: skip
def test_nobody_is_sent_away_from_here(address):
    assert path_here(address) == "/"


# ── the numbers ──


def test_measures_of_agents_are_sums_of_their_calls(answering):
    filters = filters_in(floor.PERIOD, answering)
    names = ("answered", "transfers", "resolved_first", "answered_with_request", "talk_s", "hold_s", "wrap_s",
             "handled_s", "handled_s2")  # fmt: skip
    frame = answering.ask(by_agent(*names), filters, Scope.everything()).frame.set_index("agent")
    calls = floor.calls()
    calls = calls[calls["arrived_at"].dt.month == 5]
    calls = calls.assign(handled=calls["talk_s"] + calls["hold_s"] + calls["wrap_s"])
    for one, own in calls.groupby("agent_id"):
        expected = (
            len(own), own["transferred_to"].notna().sum(), own["resolved_first"].sum(), own["created_request"].sum(),
            own["talk_s"].sum(), own["hold_s"].sum(), own["wrap_s"].sum(), own["handled"].sum(),
            (own["handled"] ** 2).sum(),
        )  # fmt: skip
        assert frame.loc[one].tolist() == pytest.approx(expected)


def test_occupancy_and_calls_an_hour(answering):
    filters = filters_in("?from=2026-05-06&to=2026-05-07", answering)
    query = by_agent("occupancy", "calls_per_hour")
    frame = answering.ask(query, filters, Scope.everything()).frame.set_index("agent")
    assert frame.loc["zq01", ["busy_s", "ready_s", "logged_in_h"]].tolist() == [1800, 3000, 1.0]
    assert frame.loc["zq01", "occupancy"] == 0.6 and frame.loc["zq01", "calls_per_hour"] == 60
    hours = Query((CATALOGUE["ready_s"],), (DIMENSIONS["hour_block"],))
    blocks = answering.ask(hours, filters, Scope.everything()).frame
    assert dict(zip(blocks["hour_block"], blocks["ready_s"], strict=True)) == {"8–12 h": 12 * 3000.0}


def test_the_view_finds_who_differs_whatever_calls_they_get_and_nobody_else(server, services):
    panels = {panel.name: panel for panel in VIEW.panels}

    def flagged(name: str) -> list:
        filters = filters_in(floor.PERIOD, services)
        answers = answers_to(panels[name], filters, services)
        drawing = panels[name].draw(answers, context_of(panels[name], filters, services))
        assert drawing.figure is not None
        marked = [trace for trace in drawing.figure["data"] if trace.get("name") == "worth a look"]
        return [value for trace in marked for value in trace["customdata"]]

    with acting_as(services.demo_viewers()["supervisor"]):
        assert flagged("handle-time") == [floor.SLOW]  # of the own team: named
        assert flagged("transfers") == [None]  # of the other: a mark, and nothing to choose
        assert flagged("resolved") == []


def test_the_drawn_handle_time_is_observed_over_what_the_others_take_for_such_calls(server, services):
    panel = next(panel for panel in VIEW.panels if panel.name == "handle-time")
    with acting_as(services.demo_viewers()["supervisor"]):
        filters = filters_in(floor.PERIOD, services)
        answers = answers_to(panel, filters, services)
        figure = panel.draw(answers, context_of(panel, filters, services)).figure
    assert figure is not None
    drawn = {value: x for trace in figure["data"] if trace.get("mode") == "markers"
             for value, x in zip(trace["customdata"], trace["x"], strict=True) if value}  # fmt: skip
    assert set(drawn) == OWN
    calls = floor.calls()
    local = calls["arrived_at"].dt.tz_localize("UTC").dt.tz_convert(city.TZ)
    calls = calls.assign(s=calls["talk_s"] + calls["hold_s"] + calls["wrap_s"], block=local.dt.hour // 4)
    calls = calls[local.dt.month == 5]
    for one in OWN:
        own, others = calls[calls["agent_id"] == one], calls[calls["agent_id"] != one]
        means = others.groupby(["reason", "block"])["s"].mean()
        expected = sum(means[key] * len(group) for key, group in own.groupby(["reason", "block"]))
        assert drawn[one] == pytest.approx(own["s"].sum() / expected)
