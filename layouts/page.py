"""The page around the panels: menu, head, the place of the filter bar, cards in their grid, foot.

Draws what it is given; asks nothing.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import urlencode

import dash

from dashboard.domain.filters import Clock, Filters
from dashboard.domain.policy import Permission, Viewer, may
from dashboard.domain.terms import Term
from data_access.listing import Listing, listable
from data_access.semantics import Measure, Query, Ratio
from data_access.timeline import OneRequest
from layouts import html
from layouts import view as parts
from layouts.addresses import outside
from layouts.components import day, icon, link, mark
from layouts.definitions import definitions
from layouts.markup import markup
from layouts.theme import GRAPH_CONFIG, MAP_CONFIG
from layouts.view import Accounted, Compared, FromAddress, Lately, OnDays, Over, Panel, Place, Question, View

COLUMNS = 12
URL = "url"
MENU = "menu"
HEAD = "head"
FILTER_BAR = "filter-bar"
PAGE = "page"
FOOT = "foot"
ANSWERS = "answers"
"""What the cards of a view are to show; the browser puts it in place."""
LATER = "later"
"""What the panels that take longer are asked, once the others are there."""
LATER_ANSWERS = "later-answers"
"""What their cards are to show: in a place of its own, so that neither answer takes the other's."""
AGAIN = "again"
"""The panel a reader asks again."""
TABLED = "tabled"
"""The panel whose numbers a reader wants as a table."""
TABLE = "table"
TITLE = "title"
PICKED = "picked"
"""The mark a reader clicked or the range they brushed."""
CHOSEN = "chosen"
"""What the address says once that is chosen, and at which address it was picked."""
SAID = "said"
TROUBLE = "trouble"


class Role(NamedTuple):
    """A role that a reader of the demo city may take on: what it is called, and the address that does it."""

    title: str
    href: str
    is_current: bool = False


_EMPTY = {"data-markup": ""}
_CONFIGS = {"data-graph": json.dumps(GRAPH_CONFIG), "data-map": json.dumps(MAP_CONFIG)}


def shell(city_name: str, viewer: Viewer, roles: Sequence[Role] = (), kind: str = "") -> dash.html.Div:
    """The whole page, empty; callbacks fill it from the address.

    `roles` are the accounts offered at the foot of the menu; `kind` says how the viewer is known (`identity.Visitor`).
    """
    brand = [html.I(className="logo", **{"aria-hidden": "true"}), html.Div([city_name, " ", html.Span("311")])]
    home = {"href": outside("/"), "className": "brand", "data-go": "", "data-markup": markup(brand)}
    return dash.html.Div(
        [
            dash.dcc.Location(id=URL, refresh=False),
            *(dash.dcc.Store(id=name) for name in (ANSWERS, LATER, LATER_ANSWERS, AGAIN, TABLED, TABLE)),
            *(dash.dcc.Store(id=name) for name in (PICKED, CHOSEN, TITLE)),
            dash.html.A("Skip to content", href="#page", className="skip"),
            dash.html.Div(id=TROUBLE, className="trouble", role="alert"),
            dash.html.Div(id=SAID, className="visually-hidden", role="status"),
            dash.html.Div(
                [
                    dash.html.Nav(
                        [dash.html.A(**home), dash.html.Div(id=MENU, **_EMPTY), _who(viewer, roles, kind)],
                        id="main-menu",
                        className="menu",
                        **{"aria-label": "Main"},
                    ),
                    dash.html.Div(
                        [
                            dash.html.Nav(
                                [
                                    dash.html.Button(
                                        className="burger",
                                        **{
                                            "aria-label": "Menu",
                                            "aria-controls": "main-menu",
                                            "aria-expanded": "false",
                                        },
                                    ),
                                    dash.html.A(**home),
                                    dash.html.Span(_initials(viewer.name), className="initials", title=viewer.name),
                                ],
                                className="topbar",
                                **{"aria-label": "Top"},
                            ),
                            dash.html.Header(id=HEAD, className="pagehead", **_EMPTY),
                            dash.html.Div(
                                id=FILTER_BAR,
                                className="filterbar",
                                role="region",
                                **{"aria-label": "Filters", **_EMPTY},
                            ),
                            dash.html.Main(id=PAGE, className="page", tabIndex=-1, **_CONFIGS),
                            dash.html.Footer(id=FOOT, className="pagefoot", **_EMPTY),
                        ],
                        className="main",
                    ),
                ],
                className="frame",
            ),
        ]
    )


def menu(views: Iterable[View], current: View | None, filters: Filters | None) -> list[Any]:
    """The views by group; every entry keeps the reader's filters."""
    search = filters.alone().to_search() if filters else ""
    shown = None if current is None else current.within or current.name
    entries: list[Any] = []
    for group, members in groupby(views, key=lambda view: view.group):
        entries.append(html.H2(group))
        entries.append(
            html.Ul(
                [
                    html.Li(
                        link(
                            [icon(f"view i-{view.name}"), html.Span(view.title)],
                            view.href + search,
                            className="entry",
                            title=view.title,
                            **({"aria-current": "page"} if view.name == shown else {}),
                        )
                    )
                    for view in members
                ]
            )
        )
    return entries


def head(title: str, question: str, as_of: Any, back: View | None = None) -> list[Any]:
    """Title, its question, and how fresh the data is; `back` is the view this one lies within."""
    way = link(f"← {back.title}", back.href, className="back", **{"data-with-search": ""}) if back else None
    return [html.H1(title), html.Span(question, className="ask"), way, as_of]


def as_of_line(clock: Clock, city: Any, build: Any, local: datetime) -> html.Div:
    """“data to Wed 20 May 2026, 23:48; refreshed 6 hours ago”.

    `local` is the last instant of the data on the city's clocks. The age depends on the reader's clock, so the
    browser writes it; it also turns the mark amber once the data is older than the city promises.
    """
    reaches = f"data to {local:%a} {local.day} {local:%b %Y, %H:%M}"
    later = clock.as_of_on and (clock.as_of_on - clock.last_on).days > 2
    since = build.built_at.replace(tzinfo=UTC).isoformat()
    return html.Div(
        [
            mark("meets"),
            html.B(reaches),
            f"; closings known to {day(clock.as_of_on)}" if later else None,
            "; ",
            html.Span(
                className="age",
                **{"data-since": since, "data-refresh-hours": str(getattr(city, "refresh_hours", None) or 0)},
            ),
            html.Span("Made-up demo city", className="tag made-up") if city.is_made_up else None,
        ],
        className="asof",
    )


def page(view: View, shown: Container[Panel], place: Place | None = None, may_list: bool = False) -> list[Any]:
    """The view's cards in `shown`, with the room their figures will need."""
    cards = [card(view, panel, place, may_list) for panel in laid_out(view.panels, shown)]
    return [dash.html.Div(cards, className=f"grid view-{view.name}", **{"data-view": view.name})]


def laid_out(panels: Sequence[Panel], shown: Container[Panel]) -> list[Panel]:
    """The panels in `shown`: what the viewer may ask and the data can answer.

    Where one is left out, the others of its row share the room.
    """
    rows: list[list[Panel]] = [[]]
    for panel in panels:
        if sum(one.width for one in rows[-1]) + panel.width > COLUMNS:
            rows.append([])
        rows[-1].append(panel)
    found: list[Panel] = []
    for row in rows:
        kept = [panel for panel in row if panel in shown]
        if len(kept) < len(row) and kept:
            share, rest = divmod(COLUMNS, len(kept))
            kept = [replace(panel, width=share + (i < rest)) for i, panel in enumerate(kept)]
        found += kept
    return found


def page_of_words(title: str, *paragraphs: Any) -> list[Any]:
    """A page that says what is missing and where to go on."""
    said = (dash.html.P(**{"data-markup": markup(paragraph)}) for paragraph in paragraphs)
    return [dash.html.Div([dash.html.H2(title), *said], className="words")]


def print_foot(city_name: str, reaches: str) -> list[Any]:
    """What a printed page says at its end: whose it is, how fresh, and where it came from."""
    return [html.Span(f"{city_name} 311 · {reaches}"), html.Span(className="print-address")]


def state_class(state: str) -> str:
    """How a card is doing: ``waiting``, ``ready``, ``empty`` or ``failed``."""
    return f"state is-{state}"


def card(view: View, panel: Panel, place: Place | None = None, may_list: bool = False) -> dash.html.Section:
    """One panel before its answer has come; `place` is what the view's address names.

    All of it but a list is markup: what Dash knows of costs time at every change of the address (decision 0009).
    """
    kinds = {"tile": "panel tile", "strip": "panel is-strip", "plain": "plain", "short": "panel is-short"}
    kind, is_card = kinds.get(panel.kind, "panel"), panel.kind in ("card", "short")
    more = (" can-pick" if panel.selects else "") + (" is-roomy" if panel.is_roomy else "")
    room = {"minHeight": f"{panel.height}px" if is_card else "0"}
    upper = [
        html.I(className=state_class("waiting"), **{"aria-hidden": "true"}),
        html.Div(
            [
                html.H2(panel.question),
                what_button(panel),
                panel_menu(view, panel, place, may_list) if panel.queries else None,
            ],
            className="panel-head",
        ),
        html.P(className="answer"),
        html.Button("Try again", className="retry", type="button"),
        html.Div(
            html.Div(className="graph"),
            className="chart is-unpainted" if is_card else "chart is-absent",
            style=room,
            role="figure",
            **{"aria-label": f"{panel.question} The same as a table: panel menu, Show as table."},
        ),
        html.Div(className="body"),
    ]
    lower = [
        html.Div(className="foot"),
        html.Div(className="pad"),
        _dialog("as-table", panel.question, html.Div(className="dialog-body")),
        _meaning_dialog(panel),
    ]
    about = {"aria-label": panel.question, "data-panel": panel.name}
    about |= {"data-tools": "map"} if callable(panel.selects) else {}
    named = f"{kind} span-{panel.width}{more}"
    if panel.kind != "grid":
        return dash.html.Section(className=named, **about, **{"data-markup": markup([*upper, *lower])})
    at = (view.name, panel.name)
    return dash.html.Section(
        [
            dash.html.Div(className="card-part", **{"data-markup": markup(upper)}),
            dash.dcc.Store(id=parts.grid_spec_id(*at)),
            dash.html.Div(id=parts.grid_place_id(*at), className="grid-place", style={"height": f"{panel.height}px"}),
            dash.html.Div(className="card-part", **{"data-markup": markup(lower)}),
        ],
        className=named,
        **about,
    )


def what_button(panel: Panel) -> html.Button | None:
    """A quiet question mark: what the numbers of a panel mean, one click away; None where it shows none declared."""
    if not meanings_of(panel):
        return None
    names = {"data-dialog": "meaning", "aria-label": f"What does “{panel.question}” mean?"}
    return html.Button(className="what", type="button", title="What does this mean?", **names)


def panel_menu(view: View, panel: Panel, place: Place | None = None, may_list: bool = False) -> html.Details:
    """Three dots: the table, the files, the requests behind it, and what the words mean."""
    file = f"{view.name}-{panel.name}"
    # The parts of the path become part of the query: a file has an address of its own.
    named = urlencode([(name, value) for name, values in (place or {}).items() for value in values])

    def download(label: str, kind: str) -> html.A:
        return html.A(
            label,
            href=f"/export/{view.name}/{panel.name}.{kind}" + (f"?{named}" if named else ""),
            className="entry-button",
            download=f"{file}.{kind}",
            **{"data-with-search": named},
        )

    measure = listed_of(panel) if may_list else None
    entries = [
        html.Button(
            "Show as table",
            className="entry-button",
            type="button",
            **{"data-dialog": "as-table"},
        )
        if panel.kind != "grid"
        else None,
        link(
            "List these requests",
            f"/requests?of={measure.name}",
            className="entry-button",
            **{"data-with-search": f"of={measure.name}", "data-without": " ".join(view.parameters)},
        )
        if measure is not None
        else None,
        download("Download CSV", "csv"),
        download("Download Excel", "xlsx"),
        html.Button("Download PNG", className="entry-button png", type="button", **{"data-png": file})
        if panel.kind != "grid"
        else None,
        html.Button("What does this mean?", className="entry-button", type="button", **{"data-dialog": "meaning"})
        if meanings_of(panel)
        else None,
    ]
    entries = [entry for entry in entries if entry is not None]
    return html.Details(
        [
            html.Summary(className="dots", **{"aria-label": f"More about: {panel.question}"}),
            html.Div(html.Ul([html.Li(entry) for entry in entries]), className="options"),
        ],
        className="panel-menu",
    )


def _dialog(kind: str, title: str, body: Any) -> html.Dialog:
    return html.Dialog(
        [
            html.Div(
                [html.H3(title), html.Button(className="close", type="button", **{"aria-label": "Close"})],
                className="dialog-head",
            ),
            body,
        ],
        className=kind,
        **{"aria-label": title},
    )


def _meaning_dialog(panel: Panel) -> html.Dialog:
    return _dialog(
        "meaning", "What does this mean?", html.Div(definitions(meanings_of(panel)), className="dialog-body")
    )


def listed_of(panel: Panel) -> Measure | None:
    """The measure whose requests stand behind a panel in the chosen period; None if it counts none."""
    if panel.assumes or any(isinstance(item, FromAddress | OneRequest) for item in panel.queries):
        return None
    kinds = Query | Listing | Accounted
    plain = [measure for item in panel.queries if isinstance(item, kinds) for measure in _asked(item)]
    # What is counted for so many stops or months has its own requests, though those have none.
    counted = [one.over if isinstance(one, Ratio) and not listable(one) else one for one in plain]
    return next((measure for measure in counted if listable(measure)), None)


def _asked(item: Question) -> tuple[Measure, ...]:
    match item:
        case FromAddress():
            return () if item.is_single else item.measures
        case OneRequest():
            return ()
        case Query() | Listing():
            wanted: Query | Listing = item
        case Compared() | Over() | Lately() | Accounted() | OnDays():
            wanted = item.query
        case _:
            return ()
    return (wanted.of,) if isinstance(wanted, Listing) else wanted.measures


def measures_of(panel: Panel) -> tuple[Measure, ...]:
    """The measures a panel shows, each once."""
    return tuple({measure.name: measure for item in panel.queries for measure in _asked(item)}.values())


def meanings_of(panel: Panel) -> tuple[Measure | Term, ...]:
    """What a panel says that takes a definition: what is worked out first, then the measures it is made of."""
    return (*panel.terms, *measures_of(panel))


def _who(viewer: Viewer, roles: Sequence[Role], kind: str) -> dash.html.Div:
    """Who is looking, the ways out and the theme, at the foot of the menu."""

    def theme(name: str, label: str) -> html.Button:
        return html.Button(
            [icon(name), html.Span(label)],
            type="button",
            title=f"{label} theme",
            **{"data-theme-choice": name, "aria-pressed": "false"},
        )

    role = viewer.own or ("" if viewer.role.casefold() == viewer.name.casefold() else viewer.role)
    content = [
        html.Div(
            [
                html.Span(_initials(viewer.name), className="initials", **{"aria-hidden": "true"}),
                html.B(viewer.name),
                html.Span(role, className="role"),
            ],
            className="who-name",
        ),
        _see_as(roles) if roles else None,
        html.Div(_doors(viewer, kind), className="doors"),
        html.Div(
            [theme("light", "Light"), theme("dark", "Dark"), theme("auto", "Auto")],
            className="themes",
            role="group",
            **{"aria-label": "Theme"},
        ),
    ]
    return dash.html.Div(className="who", **{"data-markup": markup(content)})


def _doors(viewer: Viewer, kind: str) -> list[Any]:
    """The ways out of the dashboard at the foot of the menu."""
    doors: list[Any] = []
    if kind == "here":
        doors.append(html.Span("No sign-in on this computer", title="dashboard311 user add NAME --role ROLE"))
    if kind == "account":
        doors.append(html.A("Password", href="/password"))
    if may(viewer, Permission.ADMINISTER):
        doors.append(html.A("Administration", href="/administration"))
    doors.append(html.A("Public view", href="/public"))
    if kind in ("account", "demo"):
        doors.append(html.Button("Sign out", type="button", **{"data-post": "/sign-out"}))
    return doors


def _see_as(roles: Sequence[Role]) -> html.Details:
    """The roles of the demo city: ordinary links, for the whole page changes with the role."""
    entries = [
        html.Li(html.A(role.title, href=role.href, **({"aria-current": "true"} if role.is_current else {})))
        for role in roles
    ]
    return html.Details([html.Summary("See as"), html.Ul(entries)], className="see-as")


def _initials(name: str) -> str:
    words = [word for word in name.split() if word[0].isalpha()] or ["?"]
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()
