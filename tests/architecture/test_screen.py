"""Every id a callback names is on the screen, and every file in `layouts.views` is a view."""

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.app import create_app
from dashboard.domain.policy import Permission
from dashboard.settings import Settings
from data_access.listing import COLUMNS, Listing
from data_access.measures import CATALOGUE
from data_access.semantics import Query
from layouts import filter_bar, grid, page
from layouts.theme import GRAPH_CONFIG
from layouts.view import Panel, View
from layouts.views import GROUPS, collect_views
from tests.client import ask

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    return create_app(Settings(data=tmp_path_factory.mktemp("nothing"), cache="off"))


def ids_of(component) -> set[str]:
    """The ids below a component; of a pattern only its type."""
    found = set()
    for part in [component, *component._traverse()]:
        name = getattr(part, "id", None)
        if name is not None:
            found.add(name["type"] if isinstance(name, dict) else name)
    return found


def test_every_id_a_callback_names_is_on_screen(app):
    panel = Panel("any", "Any?", (Query(()),), lambda answers, context: None, selects="period")
    view = View("any", "Any", "", 1, (panel,), needs=Permission.READ_REQUESTS)
    listed = replace(panel, kind="grid")
    known = ids_of(app.layout()) | ids_of(page.card(view, panel)) | ids_of(page.card(view, listed))
    known |= ids_of(grid.grid("any", "any", grid.spec(Listing(CATALOGUE["opened"]), COLUMNS, "")))
    named = set()
    for callback in app._callback_list:
        places = callback["inputs"] + callback["state"]
        names = [place["id"] for place in places]
        names += [
            part.rsplit(".", 1)[0] for part in callback["output"].strip(".").split("...") if "." in part
        ]  # one without output has none
        for name in names:
            name = name.split("@")[0]
            named.add(json.loads(name)["type"] if name.startswith("{") else name)
    assert named - known == set()


def test_two_apps_in_one_process_each_get_every_callback(app, tmp_path):
    second = create_app(Settings(data=tmp_path, cache="off"))
    assert len(second._callback_list) == len(app._callback_list) > 5


def test_names_of_views_and_panels_are_told_apart():
    views = collect_views()
    assert len({view.name for view in views}) == len({view.href for view in views}) == len(views)
    for view in views:
        assert view.group in GROUPS
        assert len({panel.name for panel in view.panels}) == len(view.panels)


def test_an_installation_without_data_says_so(app):
    client = app.server.test_client()
    answer = client.get("/healthz")
    assert answer.status_code == 503 and "dashboard311" in answer.get_json()["reason"]
    page_of_it = client.get("/")
    policy = page_of_it.headers["Content-Security-Policy"]
    assert "script-src 'self' 'sha256-" in policy and "unsafe-inline" not in policy.split("style-src")[0]
    assert '<html lang="en"' in page_of_it.get_data(as_text=True)


def test_files_that_never_change_are_kept_and_errors_are_words(app):
    client = app.server.test_client()
    html = client.get("/").get_data(as_text=True)
    sheet = next(part.split('"')[0] for part in html.split('href="') if part.startswith("/bootstrap/"))
    for fixed in (sheet, "/assets/tokens.css?m=1"):
        assert "immutable" in client.get(fixed, buffered=True).headers["Cache-Control"]
    junk = ask(client, ["nonsense"])
    assert junk.status_code == 400 and "not what this page asks" in junk.get_data(as_text=True)
    assert "Traceback" not in junk.get_data(as_text=True)
    assert client.get("/geometry/x/nothing.json").status_code == 404


def test_no_callback_is_registered_at_import():
    for path in (ROOT / "callbacks").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        assert not [f.name for f in functions for d in f.decorator_list if "callback" in ast.unparse(d)]


def test_the_graphs_and_the_filter_bar_name_nothing_twice():
    assert len(set(GRAPH_CONFIG["modeBarButtonsToRemove"])) == len(GRAPH_CONFIG["modeBarButtonsToRemove"])
    assert filter_bar.PERIOD_FROM != filter_bar.PERIOD_TO
