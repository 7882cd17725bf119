"""Bent requests to every panel and every route: each is refused, or answered where the bend does no harm.

`FUZZ` (an environment variable) says how many are sent to each panel and to each route; a machine with an hour sends
10,000. They go straight into the server as it is served, without a socket between.
"""

from __future__ import annotations

import io
import json
import logging
import os
import random
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from argon2 import PasswordHasher
from dash import Dash

from dashboard import identity
from dashboard.app import create_app
from dashboard.settings import Settings
from data_access.public_extract import extract_file
from layouts.view import Panel, View
from tests.client import token_of
from tests.planted import (
    EVERYTHING,
    ROLE,
    VIEWS,
    answers,
    around,
    path_of,
    place_of,
    put_in_service,
    rows,
    shown_as_table,
)
from tests.published import publish

FUZZ = int(os.getenv("FUZZ", "3"))
JUNK: tuple[Any, ...] = (
    None, True, -1, 10**30, 1.5, float("nan"), "", "x", "?a=b", "\x00", "’" * 300, [], {}, [[]], {"a": {"b": [1]}},
    "../..", "%00", "{}", "[object Object]", "?period=all&agent=zq02", "?where=address:contains:a", "2026-13-45",
    "=cmd()", "<script>", "'; DROP TABLE request; --", "9" * 400, "\ud800", "a" * 9000, "?period=all&" * 200,
    {"$ne": None}, "__proto__", "NaN", "1e999", "?from=0001-01-01&to=9999-12-31", "?sort=note&of=opened",
)  # fmt: skip
NAMES = ("period", "from", "to", "agent", "district", "department", "service_type", "of", "q", "sort", "where", "show",
         "size", "hexagon_9", "counting", "event_days", "words", "before", "next", "type", "m", "request_id",
         "\x00", "a[]", "compare", "")  # fmt: skip
HEADERS = ("HTTP_HOST", "HTTP_REFERER", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_RANGE", "HTTP_ACCEPT",
           "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_AUTHORIZATION", "HTTP_COOKIE", "HTTP_X_CSRFTOKEN",
           "HTTP_REMOTE_USER", "HTTP_ACCEPT_ENCODING", "CONTENT_TYPE", "CONTENT_LENGTH")  # fmt: skip
KINDS = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "")
Sent = Callable[..., int]


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Iterator[Dash]:
    """The planted city, served without a limit on how much is asked, by an identity whose hashing takes no time."""
    settings = Settings(data=tmp_path_factory.mktemp("bent"), requests_per_minute=0)
    publish(settings)  # for the public pages, which read nothing but what was published
    kept = extract_file(settings).read_bytes()
    put_in_service(settings)
    extract_file(settings).write_bytes(kept)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        for name in ("dashboard311", "callbacks", "data_access"):
            patch.setattr(logging.getLogger(name), "level", logging.CRITICAL)
        yield create_app(settings)


@pytest.fixture(scope="module")
def send(app) -> Sent:
    """Sends one request in some role; gives the status, after making sure that it is none of a server in trouble."""
    signed_in = []
    for slug in ROLE:
        client = app.server.test_client()
        client.get(f"/see-as/{slug}")
        token = token_of(client)
        cookies = "; ".join(f"{one.key}={one.value}" for one in client._cookies.values())
        signed_in.append((cookies, token))

    def sent(dice: random.Random, method: str, path: str, query: str = "", body: bytes = b"", kind: str = "",
             **headers: str) -> int:  # fmt: skip
        cookies, token = dice.choice(signed_in)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method, "PATH_INFO": path.encode("utf-8", "replace").decode("latin-1"),
            "QUERY_STRING": query, "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost", "HTTP_COOKIE": cookies, "HTTP_X_CSRFTOKEN": token, "HTTP_ACCEPT": "text/html",
            "CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http", "wsgi.version": (1, 0), "wsgi.multithread": True,
            "wsgi.multiprocess": True, "wsgi.run_once": False,
            # Sign-ins are counted by address; here each comes from another one.
            "REMOTE_ADDR": f"10.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(256)}",
        } | headers  # fmt: skip
        told: list[str] = []
        answer = app.server.wsgi_app(environ, lambda status, _headers, _info=None: told.append(status))
        try:
            text = b"".join(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()
        code = int(told[0][:3])
        about = (code, method, path[:200], query[:300], body[:3000], headers)
        assert code < 500, (*about, text[:500])
        assert b"Traceback" not in text and not re.search(rb"[Ii]ncident [0-9a-f]{8}", text), (*about, text[:500])
        return code

    return sent


def bend(value: Any, dice: random.Random) -> Any:
    """`value` with one thing in it replaced by junk, left out, or doubled."""
    if isinstance(value, dict) and value and dice.random() < 0.9:
        key = dice.choice(list(value))
        if dice.random() < 0.05:
            return {name: one for name, one in value.items() if name != key}
        return {**value, key: bend(value[key], dice)}
    if isinstance(value, list) and value and dice.random() < 0.9:
        place = dice.randrange(len(value))
        if dice.random() < 0.05:
            return [*value[:place], *value[place + 1 :]] if dice.random() < 0.5 else [*value, value[place]]
        return [*value[:place], bend(value[place], dice), *value[place + 1 :]]
    return dice.choice(JUNK)


def bytes_of(body: Any, dice: random.Random) -> bytes:
    """The body as it is sent: as JSON, now and then cut off or with a byte of it changed."""
    written = json.dumps(body).encode()
    if dice.random() < 0.03:
        return written[: dice.randrange(len(written))]
    if dice.random() < 0.03:
        at = dice.randrange(len(written))
        return written[:at] + bytes([dice.randrange(256)]) + written[at + 1 :]
    return written


def query_of(honest: str, dice: random.Random) -> str:
    """`honest` with one, two or three junk parameters, or junk altogether."""
    if dice.random() < 0.1:
        return quote(str(dice.choice(JUNK)).encode("utf-8", "replace"), safe=dice.choice(("", "=&?%")))
    more = [f"{quote(dice.choice(NAMES))}={quote(str(dice.choice(JUNK)).encode('utf-8', 'replace'))}"
            for _ in range(dice.randint(1, 3))]  # fmt: skip
    return "&".join([honest, *more] if honest and dice.random() < 0.5 else more)


def posts_of(app: Dash, view: View, panel: Panel) -> list[dict[str, Any]]:
    """What the page posts for one panel."""
    found = [answers(app, view.name, path_of(view.name), wave=panel.wave, only=panel.name)]
    found.append(shown_as_table(app, view, panel))
    if panel.kind == "grid":
        found.append(rows(app, view.name, panel.name))
    return found


@pytest.mark.parametrize("name", list(VIEWS))
def test_bent_requests_for_a_panel_break_nothing(app, send, name):
    view, counts = VIEWS[name], {}
    for panel in view.panels:
        dice = random.Random(f"311 {name} {panel.name}")
        posts, honest = posts_of(app, view, panel), EVERYTHING + place_of(view)
        codes = []
        for _ in range(FUZZ):
            if dice.random() < 0.8:
                body = bytes_of(bend(dice.choice(posts), dice), dice)
                codes.append(send(dice, "POST", "/_dash-update-component", "", body, "application/json"))
            else:
                kind = dice.choice(("csv", "xlsx", "geojson", "pdf"))
                codes.append(send(dice, "GET", f"/export/{name}/{panel.name}.{kind}", query_of(honest, dice)))
        counts[panel.name] = (len(codes), sum(code >= 400 for code in codes))
    print({name: counts})  # noqa: T201  # shown with -s: how many were sent, and how many refused
    assert send(random.Random(1), "GET", "/healthz") == 200


def path_from(rule: str, dice: random.Random) -> str:
    """An address of a route, its parts filled with junk, or with names there are and junk after them."""
    names = {"view": "backlog", "panel": "open", "build": "x", "role": "supervisor", "action": "reset", "name": "North",
             "path": "requests/21", "package_name": "dash", "fingerprint": "x", "filename": "tokens.css",
             "fingerprinted_path": "dash-renderer/build/dash_renderer.min.js"}  # fmt: skip

    def part(found: re.Match) -> str:
        name = found[1].rpartition(":")[2]
        junk = str(dice.choice(JUNK))[:300]
        return dice.choice((names.get(name, "x"), junk, f"{names.get(name, 'x')}{junk}", f"{junk}/{junk}"))

    path = re.sub("<([^>]+)>", part, rule)
    return path if dice.random() < 0.8 else path + dice.choice(("/", "//", ";a", "%2e%2e", "/../state.db", "\x00", " "))


def form_of(dice: random.Random) -> bytes:
    """A form of the entrance, with junk in it."""
    fields = ("name", "password", "old", "new", "again", "next", "csrf_token")
    chosen = [f"{one}={quote(str(dice.choice(JUNK)).encode('utf-8', 'replace'))}" for one in fields
              if dice.random() < 0.7]  # fmt: skip
    return "&".join(chosen).encode()


def test_bent_requests_to_a_route_break_nothing(app, send):
    posts = [body for name in ("backlog", "request") for body in around(app, name)]
    for rule in sorted({rule.rule for rule in app.server.url_map.iter_rules()}):
        dice = random.Random(f"311 {rule}")
        methods = sorted(
            {method for one in app.server.url_map.iter_rules() if one.rule == rule for method in one.methods}
        )
        usual = "POST" if "POST" in methods else "GET"
        codes = []
        for _ in range(FUZZ):
            method = usual if dice.random() < 0.8 else dice.choice((*methods, "PUT", "DELETE", "PATCH", "TRACE", "Ü"))
            headers = {}
            if dice.random() < 0.1:
                header = dice.choice(HEADERS)
                headers[header] = str(dice.choice(JUNK)).encode("utf-8", "replace").decode("latin-1").replace("\n", " ")
            kind, body = "", b""
            if method not in ("GET", "HEAD"):
                kind = dice.choice(KINDS)
                body = dice.choice((b"", b"{", b"\xff\xfe", b"[" * 2000, form_of(dice)))
                if rule == "/_dash-update-component":
                    kind, body = "application/json", bytes_of(bend(dice.choice(posts), dice), dice)
                elif usual == "POST" and dice.random() < 0.7:
                    kind, body = KINDS[1], form_of(dice)
            query = query_of("", dice) if dice.random() < 0.7 else ""
            codes.append(send(dice, method, path_from(rule, dice), query, body, kind, **headers))
        print({rule: (len(codes), sum(code >= 400 for code in codes))})  # noqa: T201
    assert send(random.Random(1), "GET", "/healthz") == 200
