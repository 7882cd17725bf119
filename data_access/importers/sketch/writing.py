"""A mapping as TOML, with the doubts about each guess written beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from dashboard.domain.spelling import as_compared
from data_access.importers.mapping import STATUS_WORDS, fold
from data_access.importers.sketch.guessing import quoted, state_of
from data_access.importers.sketch.looking import Column, mostly
from data_access.importers.sketch.names import CALLS, GEOJSON, NUMBER, POINT, PROJECTED, TURNS, WKT
from data_access.importers.sources import Source
from data_access.schema import CLOSED_STATUSES


def _zone(found: dict[str, Column]) -> tuple[str, str]:
    lat, lon = (
        (one.low + one.high) / 2 if one and one.low is not None and one.high is not None else None
        for one in (found.get("lat"), found.get("lon"))
    )
    bands = ((-82, -66, "America/New_York"), (-98, -82, "America/Chicago"), (-109, -98, "America/Denver"),
             (-125, -109, "America/Los_Angeles"), (-8, 2, "Europe/London"), (2, 20, "Europe/Berlin"))  # fmt: skip
    for west, east, zone in bands:
        if lat is not None and lon is not None and west <= lon < east and (24 if lon < -60 else 43) < lat < 72:
            return zone, "doubt: guessed from the coordinates"
    return "UTC", "doubt: the city's own time zone, such as America/New_York"


def written(
    path: Path, source: Source, encoding: str, columns: Sequence[Column], found: dict[str, Column],
    together: tuple[Sequence[str], int], nulls: Sequence[str], rows: int,
) -> Iterator[str]:  # fmt: skip
    """The lines of the mapping."""
    name = re.sub(r"[\W_]+", "", path.name.split(".")[0].casefold()) or "city"
    zone, why = _zone(found)
    yield f"# Drafted from {path.name} ({rows:,} rows looked at). Correct what says “doubt”, then try it:"
    yield f"#   dashboard311 import {name}.toml {path.name} --dry-run"
    for note in source.notes:
        yield f"# {note}"
    yield f"name = {quoted(name)}  # doubt: the system's name, the same each month"
    yield f"\n[city]\nname = {quoted(name.title())}  # doubt: the city's name"
    yield f"tz = {quoted(zone)}  # {why}"
    yield "\n[file]"
    if encoding:
        yield f"encoding = {quoted(encoding)}"
    elif source.text and source.text.encoding == "cp1252":
        yield "# doubt: read as Western European. If its letters are wrong, draft it anew with --encoding cp1250"
        yield "# (Central Europe), cp1251 (Cyrillic), cp1253 (Greek), cp1254 (Turkish), cp1256 (Arabic), cp932 …"
    if source.heading:
        yield f"delimiter = {quoted(source.heading.delimiter)}"
    if any(one.is_number and one.commas for one in columns):
        yield 'decimal = ","'
    if nulls:
        yield f"nulls = [{', '.join(map(quoted, nulls))}]"
    calls = [one.name for one in columns if re.search(CALLS, fold(one.name))]
    if len(calls) > 1:
        yield f"\n# doubt: {', '.join(calls[:4])} tell of calls rather than of requests; for these see [contact] and"
        yield "# [contact_interval] in docs/importing.md under “Calls”"
    turns = [one.name for one in columns if re.search(TURNS, fold(one.name))]
    if len(turns) > 1:
        yield f"\n# doubt: {', '.join(turns[:4])} tell what became of requests; for a history see [request_event] in"
        yield "# docs/importing.md under “Histories”"
    yield "\n[request]"
    if "request_id" not in found:
        yield from _no_key(columns, *together, rows)
    for ours in ("request_id", "opened_at", "closed_at", "due_at", "updated_at"):
        if ours in found:
            yield from _field(ours, found[ours], rows)
    if "opened_at" not in found:
        yield '# doubt: no column of times was found\nopened_at = ""'
    if "closed_at" not in found:
        yield from _closing(found, columns)
    if "status" in found:
        yield f"source_status = {quoted(found['status'].name)}"
    for ours in ("type_id", "department_id", "channel", "source_district", "address", "note", "lat", "lon"):
        if ours == "address" and ours in found:
            yield _address(found[ours], columns)
        elif ours in found:
            yield from _field(ours, found[ours], rows)
    if "type_id" not in found:
        yield '# doubt: which column says what was asked for?\ntype_id = { value = "Request" }'
    yield from _points(columns, found)
    if "status" not in found and "closed_at" in found:
        yield "# no column of states was found: what has a closing time is closed"
    else:
        yield from _status(found.get("status"))
    for section, told in (
        ("service_type", {"name": "type_id.name", "category": "category"}),
        ("department", {"name": "department_id.name"}),
    ):
        lines = [f"{ours} = {quoted(found[one].name)}" for ours, one in told.items() if one in found]
        yield from [f"\n[{section}]  # doubt: one of them goes with each", *lines] if lines else []
    yield from _rest(columns, found)


def _no_key(columns: Sequence[Column], together: Sequence[str], apart: int, rows: int) -> Iterator[str]:
    if len(together) < 2:
        yield "# doubt: no column is different in every row; name the one that identifies a request"
        yield f"request_id = {quoted(columns[0].name)}"
        return
    alike = rows - apart
    but = f", but for {alike:,} row{'s' * (alike != 1)}: of those alike the last counts" if alike else ""
    yield f"# doubt: no column is different in every row; these are together{but}"
    yield f'request_id = {{ columns = [{", ".join(map(quoted, together))}], join = " · " }}'


def _closing(found: dict[str, Column], columns: Sequence[Column]) -> Iterator[str]:
    """The last change of what is closed, where no column says when that was."""
    states, changed = found.get("status"), found.get("updated_at")
    closed = [word for word in states.examples if state_of(word) in CLOSED_STATUSES] if states else []
    if not closed or states is None or changed is None:
        others = [one.name for one in columns if one.is_time and one not in found.values()]
        which = f"; may it be {' or '.join(others[:4])}?" if others else ""
        yield f"# doubt: no column's name says that it is when a request was closed{which}"
        return
    formats, words = (", ".join(map(quoted, some)) for some in (changed.formats, closed))
    yield "# doubt: no column says when a request was closed; the last change of those that are may be it"
    yield (
        f"closed_at = {{ column = {quoted(changed.name)}, formats = [{formats}], "
        f"when = {{ {quoted(states.name)} = [{words}] }} }}"
    )


def _address(one: Column, columns: Sequence[Column]) -> str:
    """The address, put together with the number of the house where that has a column of its own."""
    number = next((other for other in columns if other.filled and re.search(NUMBER, fold(other.name))), None)
    if number is None or number is one or mostly(one, r"^\d|\d$"):
        return f"address = {quoted(one.name)}"
    both = sorted((one, number), key=columns.index)
    return f'address = {{ columns = [{", ".join(quoted(each.name) for each in both)}], join = " " }}'


def _field(ours: str, one: Column, rows: int) -> Iterator[str]:
    for doubt in one.doubts:
        yield f"# doubt: {doubt}"
    if ours == "request_id" and not one.is_key:
        yield f"# doubt: {one.filled - one.distinct:,} rows repeat an id: of rows with one id the last counts"
    if ours == "request_id" and one.filled < rows:
        yield f"# doubt: {rows - one.filled:,} rows have no id, and will be refused"
    if ours.endswith("_at"):
        parts = [f"column = {quoted(one.name)}", f"formats = [{', '.join(map(quoted, one.formats))}]"]
        if one.replaced:
            parts.append(f"replace = [{', '.join(f'[{quoted(a)}, {quoted(b)}]' for a, b in one.replaced)}]")
        if ours == "due_at" and one.is_day:
            parts.append("end_of_day = true")
        yield f"{ours} = {{ {', '.join(parts)} }}"
        return
    if any(re.fullmatch(r"-?\d+\.0+", value) for value in one.examples) and ours not in ("lat", "lon"):
        yield f"{ours} = {{ column = {quoted(one.name)}, whole = true }}"
        return
    yield f"{ours} = {quoted(one.name)}"


def _points(columns: Sequence[Column], found: dict[str, Column]) -> Iterator[str]:
    if "lat" in found and "lon" in found:
        return
    for one in columns:
        if mostly(one, GEOJSON) or not mostly(one, POINT):
            continue
        pairs = [re.search(POINT, value) for value in one.examples]
        lon_first = any(abs(float(pair[1])) > 90 for pair in pairs if pair)
        if not lon_first and all(abs(float(pair[2])) <= 90 for pair in pairs if pair):
            yield "# doubt: is the first of the two the latitude?"
        first, second = ("lon", "lat") if lon_first else ("lat", "lon")
        yield f"{first} = {{ column = {quoted(one.name)}, pattern = '(-?\\d+\\.\\d+)\\s*,' }}"
        yield f"{second} = {{ column = {quoted(one.name)}, pattern = ',\\s*(-?\\d+\\.\\d+)' }}"
        return
    for one in columns:
        if mostly(one, GEOJSON):
            yield f"lat = {{ column = {quoted(one.name)}, pattern = ',\\s*(-?\\d+\\.\\d+)\\s*\\]' }}"
            yield f"lon = {{ column = {quoted(one.name)}, pattern = '\\[\\s*(-?\\d+\\.\\d+)' }}"
            return
        if mostly(one, WKT):
            yield f"lat = {{ column = {quoted(one.name)}, pattern = '(-?\\d+\\.\\d+)\\s*\\)' }}"
            yield f"lon = {{ column = {quoted(one.name)}, pattern = '\\(\\s*(-?\\d+\\.\\d+)' }}"
            return
    projected = [
        one for one in columns
        if one.is_number and one.high is not None and one.high > 1000
        and re.search(PROJECTED, fold(one.name))
    ][:2]  # fmt: skip
    if len(projected) == 2:
        yield "\n# doubt: projected coordinates; name their system, such as EPSG:2263\n#[place]"
        yield f"#x = {quoted(projected[0].name)}"
        yield f'#y = {quoted(projected[1].name)}\n#crs = "EPSG:…"'


def _status(one: Column | None) -> Iterator[str]:
    yield "\n[request.status]"
    if one is None:
        yield "# doubt: no column of states was found"
        yield 'value = "new"'
        return
    yield f"column = {quoted(one.name)}"
    strange = [word for word in one.examples if as_compared(word) not in STATUS_WORDS]
    known = [f"{word} is {STATUS_WORDS[as_compared(word)]}" for word in one.examples if word not in strange]
    if known:
        yield f"# known already: {', '.join(known)}"
    if strange or one.distinct > len(one.examples):
        yield "[request.status.words]"
        yield "# doubt: what do these mean? new, assigned, in_progress, on_hold, closed, cancelled, merged_duplicate …"
        for word in strange:
            state = state_of(word)
            yield f'{quoted(word)} = "{state}"  # doubt: guessed' if state else f'#{quoted(word)} = ""'


def _rest(columns: Sequence[Column], found: dict[str, Column]) -> Iterator[str]:
    used = {one.name for one in found.values()}
    others = [one for one in columns if one.name not in used and one.filled]
    if others:
        yield "\n# Not used:"
        for one in others:
            yield f"#   {one.name}: {' | '.join(' '.join(value.split())[:30] for value in one.examples[:3])}"
