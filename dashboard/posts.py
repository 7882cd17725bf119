"""What a browser may post to Dash: the callbacks there are, with inputs of the shape our own page sends.

Anything else is refused with 400 before a callback sees it. What a well-shaped post may *ask* is decided where it is
answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import orjson
from dash import Dash

from data_access.semantics import EVERY
from layouts.page import AGAIN, LATER, PICKED, TABLED

LONGEST_TEXT = 8_190
LAST_WAVE = 9
MOST_PICKS = 100
_MATCHING = ("ALL", "MATCH", "ALLSMALLER")


class Refused(Exception):
    """A post that our own page does not send."""


def checker(app: Dash, panels: Iterable[tuple[str, str]]) -> Callable[[Any], None]:
    """A function that raises `Refused` for a post's body that is none; `panels` are the ``(view, panel)`` there are."""
    pairs = set(panels)

    def check(body: Any) -> None:
        if not isinstance(body, dict) or not isinstance(body.get("output"), str):
            raise Refused("no callback")
        declared = app.callback_map.get(body["output"])
        if declared is None or "callback" not in declared:  # others run in the browser
            raise Refused("no such callback")
        try:
            orjson.dumps(body)
        except TypeError:  # half a letter, a number no machine holds, endless nesting
            raise Refused("no text") from None
        outputs = body.get("outputs")
        wanted = _split(body["output"])
        given = outputs if isinstance(outputs, list) else [outputs]
        if len(given) != len(wanted):
            raise Refused("outputs")
        for one, (name, prop) in zip(given, wanted, strict=True):
            for each in _each(one, name):
                _check_part(each, name, prop, pairs)
        for kind in ("inputs", "state"):
            places, sent = declared[kind], body.get(kind, [])
            if not isinstance(sent, list) or len(sent) != len(places):
                raise Refused(kind)
            for one, place in zip(sent, places, strict=True):
                for each in _each(one, place["id"]):
                    _check_part(each, place["id"], place["property"], pairs)
                    if place["property"] == "id":
                        _check_id(each.get("value"), place["id"], pairs)
                    _check_value(place["id"], place["property"], each.get("value"), pairs)
        changed = body.get("changedPropIds", [])
        if not isinstance(changed, list) or not all(isinstance(one, str) and len(one) < 500 for one in changed):
            raise Refused("changedPropIds")
        for one in changed:
            _check_changed(one, declared["inputs"], pairs)

    return check


def _split(output: str) -> list[tuple[str, str]]:
    """The ids and properties in the name of a callback: ``..a.children...b.data..``, ``a.children``."""
    parts = output[2:-2].split("...") if output.startswith("..") else [output]
    found = []
    for part in parts:
        name, _, prop = part.rpartition(".")
        found.append((name, prop.split("@")[0]))
    return found


def _each(part: Any, name: str) -> list[Any]:
    """The parts that stand in one place: many where the callback takes ALL, else one."""
    if '["ALL"]' not in name:
        return [part]
    if not isinstance(part, list):
        raise Refused("a list")
    return part


def _check_part(part: Any, name: str, prop: str, pairs: set[tuple[str, str]]) -> None:
    if not isinstance(part, dict) or str(part.get("property")).split("@")[0] != prop:
        raise Refused("property")
    _check_id(part.get("id"), name, pairs)


def _check_id(given: Any, name: str, pairs: set[tuple[str, str]]) -> None:
    if not name.startswith("{"):
        if given != name:
            raise Refused("id")
        return
    pattern = json.loads(name)
    if not isinstance(given, dict) or set(given) != set(pattern):
        raise Refused("id")
    for key, wanted in pattern.items():
        value = given[key]
        free = isinstance(wanted, list) and wanted[0] in _MATCHING
        if not isinstance(value, str) or len(value) > LONGEST_TEXT or (not free and value != wanted):
            raise Refused("id")
    if "view" in given and "panel" in given and (given["view"], given["panel"]) not in pairs:
        raise Refused("panel")


def _check_changed(one: str, inputs: list[dict[str, Any]], pairs: set[tuple[str, str]]) -> None:
    name, _, prop = one.rpartition(".")
    try:
        given = json.loads(name) if name.startswith("{") else name
    except ValueError:
        raise Refused("changedPropIds") from None
    for place in inputs:
        if place["property"] == prop:
            try:
                return _check_id(given, place["id"], pairs)
            except Refused:
                continue
    raise Refused("changedPropIds")


def _check_value(name: str, prop: str, value: Any, pairs: set[tuple[str, str]]) -> None:
    """The shapes of what our page sends; stores that only the server writes come back as they went."""
    if value is None:
        return
    match prop:
        case "search" | "pathname":
            if not isinstance(value, str) or len(value) > LONGEST_TEXT:
                raise Refused(prop)
        case "getRowsRequest":
            if not isinstance(value, dict) or not isinstance(value.get("filterModel") or {}, dict):
                raise Refused(prop)
            sort = value.get("sortModel") or []
            if not isinstance(sort, list) or not all(_has_text(one, "colId", "sort") for one in sort):
                raise Refused(prop)
            if not all(isinstance(one, dict) for one in (value.get("filterModel") or {}).values()):
                raise Refused(prop)
        case "data" if name == AGAIN:
            panels = value.get("panels") if _has_text(value, "view") else None
            if not isinstance(panels, list) or not all((value["view"], one) in pairs for one in map(str, panels)):
                raise Refused(name)
        case "data" if name == TABLED:
            if not _has_text(value, "view", "panel") or (value["view"], value["panel"]) not in pairs:
                raise Refused(name)
        case "data" if name == LATER:
            if not _has_text(value, "search", "path") or value.keys() != {"search", "path", "wave"}:
                raise Refused(name)
            if any(len(value[one]) > LONGEST_TEXT for one in ("search", "path")):
                raise Refused(name)
            if type(value["wave"]) is not int or not 1 <= value["wave"] <= LAST_WAVE:
                raise Refused(name)
        case "data" if name == PICKED:
            if not _has_text(value, "path", "search") or not isinstance(value.get("picks"), list):
                raise Refused(name)
            if any(len(value[one]) > LONGEST_TEXT for one in ("search", "path")) or len(value["picks"]) > MOST_PICKS:
                raise Refused(name)
            for one in value["picks"]:
                _check_picked(one)


def _has_text(one: Any, *names: str) -> bool:
    return isinstance(one, dict) and all(isinstance(one.get(name), str) for name in names)


def _check_picked(picked: Any) -> None:
    """A mark or a stretch of time that a reader picked."""
    if not isinstance(picked, dict) or "days" not in picked and not _has_text(picked, "view", "panel"):
        raise Refused("picked")
    if picked.get("every") not in (None, *EVERY):
        raise Refused("picked")
    if "value" in picked and not isinstance(picked["value"], str | int | float):
        raise Refused("picked")
    values = picked.get("values", [])
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise Refused("picked")
    for name in ("days", "range"):
        if name in picked:
            stretch = picked[name]
            if not isinstance(stretch, list) or len(stretch) != 2:
                raise Refused(name)
            for one in stretch:
                try:
                    datetime.fromisoformat(str(one).strip().replace(" ", "T")[:19])
                except ValueError:
                    raise Refused(name) from None
