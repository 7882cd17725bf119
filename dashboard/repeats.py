"""What was asked before is answered as it was: the finished answer to a view's post, kept beside the single answers.

The key holds the program, the build, the rights of who asks, and the post. One request computes, others that want the
same wait for it; when too many wait, the next one is told so at once. After a new build the views asked most are asked
again, before somebody does.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any, NamedTuple

import orjson
from dash import Dash
from flask import Response, g, request
from flask_caching import Cache

from callbacks.address import filters_in, place_at, view_at
from callbacks.panels import answers_to, words_on_card
from dashboard.cache import Flight, program
from dashboard.domain.errors import Busy, DataUnavailable, NotTold, Problem
from dashboard.domain.policy import Permission, Viewer, may
from dashboard.security import ASK
from dashboard.services import Services, acting_as
from data_access.timeline import OneRequest
from layouts.addresses import inside
from layouts.page import AGAIN, ANSWERS, LATER, LATER_ANSWERS, state_class
from layouts.view import FromAddress, View

log = logging.getLogger(__name__)

FAILED = state_class("failed").encode()
AHEAD = "X-Ahead"
"""The header of a post that only wants its answer kept, because the reader is likely to ask for it next. It is answered
without words, and not computed unless the server has nothing else to do: nothing is looked at yet, nobody waits."""
KEPT = "kept"
"""What the header ``Server-Timing`` says of an answer that was kept."""
AT_ONCE = 2
"""Views computed at the same time in one process; the others wait in line."""
IN_LINE = 40
"""Views that may wait; the next one is told to try again."""
MOST_ASKED = 12
"""Views asked again after a new build."""
BUSY = "The server is busy. Try again in a moment."


def keep_answers(app: Dash, services: Services, views: Sequence[View], cache: Cache | None) -> None:
    """Answer a view's post from what was answered before, where that may be kept."""
    repeats = _Repeats(services, views, cache)
    app.server.before_request(repeats.answer)
    app.server.after_request(repeats.keep)
    app.server.teardown_request(repeats.leave)


class _Repeats:
    """What is kept of answers, who computes others now, and what is asked most."""

    def __init__(self, services: Services, views: Sequence[View], cache: Cache | None):
        self._services, self._views, self._cache = services, views, cache
        self._by_name = {view.name: view for view in views}
        self._desk = Flight(AT_ONCE, IN_LINE, services.settings.query_seconds)
        self._asked: Counter[tuple[Viewer, str, str, str]] = Counter()
        self._build_id = ""

    def answer(self) -> Response | None:
        """The kept answer to a view's post; None for what is to be computed now, when its turn has come."""
        if request.path != ASK or request.method != "POST":
            return None
        post = _post_of(request.get_json(silent=True), self._views)
        if post is None:
            return None
        try:
            build_id, viewer = self._services.build().build_id, self._services.viewer().rights
        except Problem:
            return None  # the view says what is wrong
        self._ask_again(build_id)
        may_keep, is_ahead = is_kept(self._by_name[post.view], viewer), AHEAD in request.headers
        if not post.wave and may_keep and not is_ahead:
            self._asked[viewer, post.view, post.search, inside(post.path)] += 1
        words = (program(), build_id, repr(viewer), post.words)
        key = "view-" + hashlib.sha256(orjson.dumps(words)).hexdigest()
        kept = self._kept(key) if may_keep and post.only is None else None
        if is_ahead and (kept is not None or not may_keep or self._cache is None or not self._desk.is_idle):
            return Response(status=204)
        if kept is not None:
            return kept
        return self._in_turn(post, key if may_keep else None, is_ahead)

    def _in_turn(self, post: Post, key: str | None, is_ahead: bool) -> Response | None:
        """Wait to compute an answer, to be kept by `key` if it may be; by then somebody may have had the same."""
        waiting = ExitStack()
        try:
            waiting.enter_context(self._desk.turn(key or f"view-{uuid.uuid4()}"))
        except Busy:
            return told_busy(self._by_name[post.view], post)
        g.turn = waiting
        if key is None or post.only is not None:  # some cards are no answer to who asks for all of them
            return None
        g.key, g.is_ahead = key, is_ahead
        return self._kept(key)

    def keep(self, response: Response) -> Response:
        """Keep an answer that is whole; of one that was asked ahead nothing is sent."""
        key = g.pop("key", None)
        if request.path == ASK and response.mimetype == "application/json" and "Server-Timing" not in response.headers:
            # Dash writes for use inside HTML, “<” in six signs: a quarter of what is sent.
            response.set_data(orjson.dumps(orjson.loads(response.get_data())))
        if self._cache is not None and key is not None and is_whole(response):
            self._cache.set(key, response.get_data())
        if g.pop("is_ahead", False):
            response.set_data(b"")
            response.status_code = 204
        return response

    def leave(self, _problem: BaseException | None) -> None:
        """Let the next one compute."""
        if (turn := g.pop("turn", None)) is not None:
            turn.close()

    def _kept(self, key: str) -> Response | None:
        stored = self._cache.get(key) if self._cache is not None else None
        if not isinstance(stored, bytes):
            return None
        return Response(stored, mimetype="application/json", headers={"Server-Timing": KEPT})

    def _ask_again(self, build_id: str) -> None:
        """When a build has just been noticed, ask what was asked most of the ones before."""
        before, self._build_id = self._build_id, build_id
        if self._cache is None or not before or before == build_id:
            return
        most = [one for one, _ in self._asked.most_common(MOST_ASKED)]
        self._asked.clear()
        warm = threading.Thread(target=_warm, args=(most, self._services, self._by_name), daemon=True, name="warming")
        warm.start()


class Post(NamedTuple):
    """What matters of a view's post: which panels it asks, all from a `wave` on or `only` some again, and where."""

    view: str
    search: str
    path: str
    words: Any
    wave: int = 0
    only: tuple[str, ...] | None = None


def _post_of(body: Any, views: Sequence[View]) -> Post | None:
    """The post as one that asks a view, or None; its shape was checked at the gate."""
    if not isinstance(body, dict) or ANSWERS not in str(body.get("output")):
        return None
    given = {one.get("id"): one.get("value") for one in body.get("inputs") or []}
    is_first = LATER not in given
    about = given.get(LATER)
    if is_first:
        sent = {one.get("property"): one.get("value") for one in body["inputs"]}
        about = {"path": sent.get("pathname"), "search": sent.get("search")}
    if not isinstance(about, dict) or not isinstance(path := about.get("path"), str):
        return None
    view, search = view_at(path, views), about.get("search") or ""
    if view is None:
        return None
    wave, again = about.get("wave"), given.get(AGAIN)
    is_again = any(str(one).startswith(f"{AGAIN}.") for one in body.get("changedPropIds") or ())
    only = tuple(again["panels"]) if is_again and isinstance(again, dict) else None
    return Post(view.name, search, path, [body.get("output"), search, path, wave], wave or 0, only)


def is_kept(view: View, viewer: Viewer) -> bool:
    """Whether an answer to `view` may be kept and sent again.

    Not where looking is written into the audit log, and requests one by one or addresses are not to be written into a
    cache: what `retain` forgets must not lie there.
    """
    asked = [item for panel in view.panels for item in panel.queries]
    if view.needs is Permission.READ_AGENT_SPREAD or any(isinstance(item, OneRequest) for item in asked):
        return False
    named = [item for item in asked if isinstance(item, FromAddress)]
    return not named or not (any(item.is_single for item in named) or may(viewer, Permission.READ_ADDRESSES))


def is_whole(response: Response) -> bool:
    """Whether every card of an answer could be answered."""
    return response.status_code == 200 and FAILED not in response.get_data()


def told_busy(view: View, post: Post) -> Response:
    """An answer in which every card asked for says that it could not be answered now; each can be asked again."""
    asked = [one.name for one in view.panels if (one.wave >= post.wave if post.only is None else one.name in post.only)]
    cards = {name: words_on_card("failed", BUSY) for name in asked}
    told: dict[str, Any] = {"view": view.name, "path": post.path, "search": post.search, "cards": cards, "later": []}
    into = LATER_ANSWERS if post.wave else ANSWERS
    answer = {"multi": True, "response": {into: {"data": told | {"next": None}}}}
    response = Response(orjson.dumps(answer), mimetype="application/json")
    response.headers["Retry-After"] = "2"
    return response


def _warm(most: Sequence[tuple[Viewer, str, str, str]], services: Services, views: Mapping[str, View]) -> None:
    for viewer, name, search, path in most:
        view = views[name]
        with acting_as(viewer):
            try:
                filters = filters_in(search, services, view)
                place = place_at(path, view, filters)
                for panel in view.panels:
                    with suppress(NotTold):
                        answers_to(panel, filters, services, place)
            except (Problem, DataUnavailable) as problem:
                log.info("%s was not asked again: %s", name, problem)
