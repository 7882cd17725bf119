"""The tiny city with secrets planted in it, what a browser of each role posts to it, and where secrets would be seen.

Callers, addresses, points, notes and names of agents are such as occur nowhere else; whoever is told one was told it by
the dashboard.
"""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date
from typing import Any

import pandas as pd
from dash import Dash

from dashboard.domain.policy import Viewer, may
from dashboard.settings import Settings
from data_access.build import Build
from layouts.view import Panel, View
from layouts.views import collect_views
from tests import city, floor
from tests.client import part

VIEWS = {view.name: view for view in collect_views()}
ROLE = {"deputy-manager": "deputy manager", "department-head": "department head", "supervisor": "supervisor",
        "council-member": "council member", "analyst": "analyst", "administrator": "administrator"}  # fmt: skip
CALLER = ("person-planted", "555-0142", "planted@example.org")
PLACE = ("12 Planted St", "39.612345", "-75.912345")
WORDS = ("planted note", "caller said planted", "Rose Planted", "planted edit")
PURSES = {"vector": "Vector moneybox", "streets": "Streets moneybox"}
"""Programs of the departments' budgets; that of one pays for answering contacts."""
EVERYTHING = "period=all"


def requests() -> pd.DataFrame:
    """Those of the tiny city, each by one caller, with a note and a place; three of a route, three of a meter."""
    rows = city.requests()
    missed, broken = rows["request_id"].isin(["1", "2", "8"]), rows["request_id"].isin(["21", "22", "25"])
    rows["route_id"] = missed.map({True: "R1", False: None})
    rows["service_on"] = rows["opened_at"].dt.date.where(missed)
    rows["asset_id"] = broken.map({True: "M1", False: None})
    rows["person_key"] = "person-planted"
    rows["note"] = "planted note, call 555-0142 or planted@example.org"
    rows["address"] = "12 Planted St"
    rows["lat"], rows["lon"] = 39.612345, -75.912345
    south = rows["source_district"] != "North"
    rows.loc[south, ["lat", "lon"]] = [39.70, -75.80]  # another cell, outside the council member's district
    rows.loc[rows["request_id"] == "27", "source_district"] = "North"
    return rows


def events() -> pd.DataFrame:
    """The steps of the tiny city, and two with words in them."""
    more = pd.DataFrame({"event_id": ["p1", "p2"], "request_id": "21", "kind": ["edit", "comment"],
                         "event_at": city.utc(pd.Series(["2026-05-05T10:00", "2026-05-05T11:00"])),
                         "to_value": ["planted edit", None], "actor": "Rose Planted",
                         "note": "planted note, call 555-0142"})  # fmt: skip
    return pd.concat([city.events(), more], ignore_index=True)


def budget() -> pd.DataFrame:
    """A line of each department."""
    lines = pd.DataFrame({"department_id": list(PURSES), "program": list(PURSES.values()), "actual": [900.0, 700.0]})
    return lines.assign(fiscal_year=2026, account_class="salary", fund="General", adopted=1000.0, amended=1000.0,
                        is_contact_centre=lines["department_id"] == "vector")  # fmt: skip


def rounds() -> pd.DataFrame:
    """The route goes out every day of June."""
    days = [date(2026, 6, day) for day in range(1, 31)]
    return pd.DataFrame({"service_on": days, "route_id": "R1", "scheduled_stops": 900, "is_suspended": False})


def write_means(build: Build) -> None:
    """What the city works with: its budget, a route with its rounds, a parking meter, and a change that it made."""
    build.write("budget_line", budget())
    build.write("route", pd.DataFrame({"route_id": ["R1"], "stream": "refuse", "district": "North", "weekday": [0]}))
    build.write("route_day", rounds())
    build.write("asset", pd.DataFrame({"asset_id": ["M1"], "kind": "parking_meter", "model": "Kestrel",
                                       "installed_on": [date(2020, 1, 1)], "lat": [39.612345],
                                       "lon": [-75.912345]}))  # fmt: skip
    change = {"intervention_id": "crew", "name": "Second crew", "unit_kind": "district", "treated_ids": "North",
              "comparison_ids": "South", "start_on": date(2026, 6, 1)}  # fmt: skip
    build.write("intervention", pd.DataFrame([change]))


def put_in_service(settings: Settings) -> None:
    """Build the city."""
    survey = pd.DataFrame({"survey_id": ["s"], "request_id": ["21"], "score": [2.0], "max_score": [5.0],
                           "sent_at": city.utc(pd.Series(["2026-05-21T09:00"])),
                           "answered_at": city.utc(pd.Series(["2026-05-22T09:00"])),
                           "comment": ["caller said planted"]})  # fmt: skip
    with Build(
        settings, {**city.CITY, "fiscal_year_start_month": 11}
    ) as build:  # one that is in the data from its start
        write_means(build)
        build.write("agent", floor.agents())
        build.write("department", city.DEPARTMENTS)
        build.write("service_type", city.TYPES.assign(sensitivity=["P2", "P0", "P3", "P1"]))
        build.write("district", city.DISTRICTS)
        build.write("request", requests())
        build.write("request_event", events())
        build.write("city_event", city.city_events())
        build.write("survey", survey)
        build.write("contact", pd.concat([city.contacts(), floor.calls()]).assign(person_key="person-planted"))
        build.write("agent_state", floor.states())
        build.write("contact_interval", city.published_calls())
        build.publish(as_of=city.AS_OF)


def holds(slug: str, *needs: Any) -> bool:
    """Whether a role has the permissions."""
    return all(may(Viewer("V", ROLE[slug]), one) for one in needs)


def words_in(content: bytes) -> str:
    """What can be read in a file: a workbook is unpacked, whatever else is text."""
    if content[:2] != b"PK":
        return content.decode("utf-8")
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return "\n".join(book.read(name).decode("utf-8") for name in book.namelist())


def path_of(view: str) -> str:
    """The address of a view; of one about a request or a district, of the one with the secrets."""
    path = VIEWS[view].href
    for one in VIEWS[view].open_parts:
        path = path.replace(f"<{one}>", "21" if "request" in one else "North")
    return path


def place_of(view: View) -> str:
    """What the path of a view names, as part of a query."""
    return "".join(f"&{one}={'21' if 'request' in one else 'North'}" for one in view.open_parts)


# ── what a browser posts ──


def callback(app: Dash, having: str) -> str:
    """The name of the callback that has these words in it."""
    return next(name for name in app.callback_map if having in name)


def written(at: dict[str, Any], prop: str) -> str:
    """A property of a part of the page, as Dash writes it."""
    return f"{json.dumps(at, sort_keys=True, separators=(',', ':'))}.{prop}"


def answers(
    app: Dash, view: str, pathname: str, search: str = f"?{EVERYTHING}", wave: int = 0, only: str = ""
) -> dict[str, Any]:
    """The post that asks the first panels of a view; or the one for a later `wave`, or for `only` one again."""
    if wave and not only:
        return {
            "output": "later-answers.data",
            "outputs": {"id": "later-answers", "property": "data"}, "changedPropIds": ["later.data"],
            "inputs": [part("later", "data", {"search": search, "path": pathname, "wave": wave})], "state": [],
        }  # fmt: skip
    return {
        "output": "answers.data", "outputs": {"id": "answers", "property": "data"},
        "inputs": [part("url", "pathname", pathname), part("url", "search", search),
                   part("again", "data", {"view": view, "panels": [only], "at": 1} if only else None)],
        "state": [], "changedPropIds": ["again.data" if only else "url.pathname"],
    }  # fmt: skip


def rows(app: Dash, view: str = "requests", panel: str = "list", **more: Any) -> dict[str, Any]:
    """The post with which a list asks for a page."""
    at = {"type": "grid", "view": view, "panel": panel, "key": "k"}
    state = {**at, "type": "grid-state"}
    asked = {"startRow": 0, "endRow": 50, "sortModel": [], "filterModel": {}} | more
    return {
        "output": callback(app, "getRowsResponse"),
        "outputs": [{"id": at, "property": "getRowsResponse"}, {"id": state, "property": "data"}],
        "changedPropIds": [written(at, "getRowsRequest")],
        "inputs": [part(at, "getRowsRequest", asked)],
        "state": [part(at, "id", at), part("url", "search", f"?of=opened&{EVERYTHING}"),
                  part("url", "pathname", "/requests")],
    }  # fmt: skip


def shown_as_table(app: Dash, view: View, panel: Panel) -> dict[str, Any]:
    """The post of “Show as table” in a panel's menu."""
    return {
        "output": callback(app, "table.data"), "outputs": {"id": "table", "property": "data"},
        "inputs": [part("tabled", "data", {"view": view.name, "panel": panel.name, "at": 1})],
        "changedPropIds": ["tabled.data"],
        "state": [part("url", "search", f"?{EVERYTHING}"), part("url", "pathname", path_of(view.name))],
    }  # fmt: skip


def around(app: Dash, view: str) -> list[dict[str, Any]]:
    """The posts that the rest of the page makes: the page itself, filter bar and menu, a mark that was picked."""
    here = [part("url", "pathname", path_of(view)), part("url", "search", f"?{EVERYTHING}")]
    pick = {"view": "demand", "panel": "types", "value": "Pothole", "values": ["a"], "every": "day",
            "days": ["2026-05-01", "2026-05-02"], "range": ["2026-05-01", "2026-06-01"]}  # fmt: skip
    picked = {"path": path_of(view), "search": f"?{EVERYTHING}", "picks": [pick]}
    found = []
    for output in ("page.children", "filter-bar.data-markup", "chosen.data"):
        name = callback(app, output)
        wanted = name[2:-2].split("...") if name.startswith("..") else [name]
        outputs = [{"id": one.rpartition(".")[0], "property": one.rpartition(".")[2]} for one in wanted]
        declared = app.callback_map[name]

        def sent(kind: str, declared=declared) -> list[dict[str, Any]]:
            known = {one["id"]: one for one in [*here, part("picked", "data", picked)]}
            given = {"pathname": here[0]["value"], "search": here[1]["value"], "data": picked}
            return [known.get(one["id"], one) | {"property": one["property"], "value": given.get(one["property"])}
                    for one in declared[kind]]  # fmt: skip

        inputs, first = sent("inputs"), declared["inputs"][0]
        found.append({"output": name, "outputs": outputs if name.startswith("..") else outputs[0], "inputs": inputs,
                      "state": sent("state"), "changedPropIds": [f"{first['id']}.{first['property']}"]})  # fmt: skip
    return found
