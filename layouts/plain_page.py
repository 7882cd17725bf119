"""Pages without Dash, whole and at once: signing in, administration, and what the public reads.

Drawn with the same elements and style sheets as everything else, and sent as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import dash_bootstrap_components as dbc

from layouts import html
from layouts.addresses import outside
from layouts.components import Column, mark, table
from layouts.markup import markup

_DOCUMENT = """<!doctype html>
<html lang="en" data-bs-theme="light">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" type="image/svg+xml" href="{icon}">
<script src="{theme}"></script>
{sheets}
</head>
<body class="plain-page {kind}">
{body}
</body>
</html>
"""


class Drawn(str):
    """HTML that is finished."""


def document(title: str, body: Any, sheets: Sequence[str], icon: str, theme: str, kind: str = "") -> str:
    """A whole HTML page around `body`: elements, or HTML that is `Drawn`."""
    links = "\n".join(f'<link rel="stylesheet" href="{escape(outside(sheet))}">' for sheet in sheets)
    return _DOCUMENT.format(
        title=escape(title),
        body=body if isinstance(body, Drawn) else markup(body),
        sheets=links,
        icon=escape(outside(icon)),
        theme=escape(outside(theme)),
        kind=kind,
    )


def form(action: str, token: str, *fields: Any, button: str, className: str = "") -> html.Form:
    """A form that posts `fields`, and the token that shows it was ours."""
    return html.Form(
        [
            dbc.Input(type="hidden", name="csrf_token", value=token),
            *fields,
            html.Button(button, type="submit", className="primary"),
        ],
        action=action, method="post", className=className,
    )  # fmt: skip


def field(label: str, name: str, kind: str = "text", value: str = "", **more: Any) -> html.Div:
    """One labelled field of a form."""
    return html.Div(
        [html.Label(label, htmlFor=name), dbc.Input(id=name, name=name, type=kind, value=value, **more)],
        className="labelled",
    )


def hidden(name: str, value: str) -> Any:
    """What a form says without showing it."""
    return dbc.Input(type="hidden", name=name, value=value)


def _card(city_name: str, title: str, *content: Any) -> html.Main:
    brand = [html.I(className="logo", **{"aria-hidden": "true"}), html.Div([city_name, " ", html.Span("311")])]
    return html.Main([html.Div(brand, className="brand"), html.H1(title), *content], className="entrance", id="page")


def _trouble(words: str) -> html.P | None:
    return html.P([mark("misses"), " ", words], className="wrong", role="alert") if words else None


def sign_in(
    city_name: str, token: str, goes_to: str, *, wrong: str = "", name: str = "", demo: Sequence[tuple[str, str]] = (),
    has_accounts: bool = True, elsewhere: str = "", public: str = "",
) -> html.Main:  # fmt: skip
    """The sign-in page.

    `demo` are the demo city's accounts, ``(words, address)``; `elsewhere` is where another sign-in service is asked,
    `public` where the public pages are; each is left out if empty.
    """
    fields = (
        field("Name", "name", value=name, autoComplete="username", required=True),
        field("Password", "password", "password", autoComplete="current-password", required=True),
        hidden("next", goes_to),
    )
    return _card(
        city_name, "Sign in",
        _trouble(wrong),
        html.A("Sign in with your city account", href=elsewhere, className="button-link primary")
        if elsewhere
        else None,
        form("/sign-in", token, *fields, button="Sign in") if has_accounts else None,
        html.P(
            ["There is no account yet. Whoever runs this dashboard adds one: ", html.Code("dashboard311 user add")],
            className="muted",
        )
        if not has_accounts and not demo and not elsewhere
        else None,
        html.Section(
            [
                html.H2("This is the demo city: take an account"),
                html.Ul([html.Li(html.A(words, href=address)) for words, address in demo]),
            ],
            className="ready-accounts",
        )
        if demo
        else None,
        html.P(html.A("What everybody may see, without signing in", href=public)) if public else None,
    )  # fmt: skip


def change_password(city_name: str, token: str, *, must: bool, wrong: str = "") -> html.Main:
    """The page on which somebody chooses another password."""
    why = "Your password was set by somebody else. Choose one that only you know." if must else ""
    return _card(
        city_name, "Change your password",
        html.P(why, className="muted") if why else None,
        _trouble(wrong),
        form(
            "/password", token,
            field("Present password", "old", "password", autoComplete="current-password", required=True),
            field("New password, at least 12 characters", "new", "password", autoComplete="new-password",
                  required=True, minlength="12"),
            field("New password again", "again", "password", autoComplete="new-password", required=True),
            button="Change it",
        ),
    )  # fmt: skip


def message(city_name: str, title: str, words: str, href: str, link_words: str) -> html.Main:
    """A page that says one thing and where to go on."""
    return _card(city_name, title, html.P(words), html.P(html.A(link_words, href=href)))


def administration(
    city_name: str, token: str, accounts: Sequence[dict[str, str]], lines: Sequence[dict[str, str]], *,
    words: str = "", older: str = "", said: str = "", demo: Sequence[tuple[str, str]] = (),
) -> html.Main:  # fmt: skip
    """Accounts and the audit log, for the administrator.

    `accounts` have name, shown, role, state, and ``resets`` and ``closes`` (“Disable” or “Enable”) where those can be
    done; `lines` have at, who, role, did, what. `older` is the address of the lines before these, `demo` are the demo
    city's other accounts.
    """
    people = []
    for one in accounts:
        actions = []
        if one.get("resets"):
            actions.append(form("/administration/reset", token, hidden("name", one["name"]), button="Reset password"))
        if one.get("closes"):
            close = one["closes"]
            actions.append(form(f"/administration/{close.lower()}", token, hidden("name", one["name"]), button=close))
        people.append((one["name"], one["shown"], one["role"], one["state"], html.Div(actions, className="actions")))
    log = [(line["at"], line["who"], line["role"], line["did"], line["what"]) for line in lines]
    search = html.Form(
        [
            html.Label("Lines that hold", htmlFor="words"),
            dbc.Input(id="words", name="words", type="search", value=words),
            html.Button("Search", type="submit"),
        ],
        method="get", action="/administration", className="search", role="search",
    )  # fmt: skip
    return html.Main(
        [
            html.Header(
                [
                    html.H1(f"{city_name} 311: administration"),
                    html.Nav([html.A(called, href=address) for called, address in demo], **{"aria-label": "See as"})
                    if demo
                    else html.A("Change your password", href="/password"),
                    form("/sign-out", token, button="Sign out"),
                ]
            ),
            html.P(said, className="said", role="status") if said else None,
            html.Section(
                [
                    html.H2("Accounts"),
                    html.P(
                        ["Added on the command line: ", html.Code("dashboard311 user add NAME --role ROLE")],
                        className="muted",
                    ),
                    table(["Name", "Called", "Role", "State", Column("")], people, caption="Accounts")
                    if people
                    else html.P("None yet."),
                ]
            ),
            html.Section(
                [
                    html.H2("Audit log"),
                    html.P("Who signed in, took files away, and looked at agents or at single requests. UTC."),
                    search,
                    table(["When", "Who", "Role", "Did", "What"], log, caption="Audit log")
                    if log
                    else html.P("Nothing yet."),
                    html.P(html.A("Older lines", href=older)) if older else None,
                ]
            ),
        ],
        className="administration",
        id="page",
    )
