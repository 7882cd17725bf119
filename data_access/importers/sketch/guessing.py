"""Which column is what: by its name, and by whether what stands in it can be that."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from dashboard.domain.spelling import as_compared
from data_access.importers.mapping import STATUS_WORDS, fold
from data_access.importers.sketch.looking import Column, holds_points, mostly
from data_access.importers.sketch.names import (
    COUNTED,
    DEPARTMENT,
    HOUR,
    LAT,
    LON,
    NAMES,
    NOT_KEY,
    NOT_NOTE,
    NOT_TYPE,
    NUMBER,
    STATES,
    TIMES,
)

_NEARLY = 0.98
"""How much of a column must be filled for it to be the id: a workbook may end in totals."""


def _role(columns: Sequence[Column], patterns: Sequence[str], fits: Any, taken: set[str]) -> Column | None:
    """Of the columns that could be meant, that with the most telling name; a time with its hour before a mere day."""
    for pattern in patterns:
        fitting = [
            one for one in columns
            if one.name not in taken and one.filled and re.search(pattern, fold(one.name)) and fits(one)
        ]  # fmt: skip
        if fitting:
            found = min(fitting, key=lambda one: one.is_day)
            taken.add(found.name)
            return found
    return None


def guesses(columns: Sequence[Column], rows: int) -> dict[str, Column]:
    """The column that each field of a request seems to stand in; what makes it doubtful is added to its doubts."""
    taken: set[str] = set()
    found: dict[str, Column] = {}
    for ours, pattern in TIMES.items():
        if one := _role(columns, pattern, lambda one: one.is_time, taken):
            found[ours] = one
    if "opened_at" not in found:
        first = max(
            (one for one in columns if one.is_time and one.name not in taken), key=lambda one: one.filled, default=None
        )
        if first:
            first.doubts.append("no column's name says that it is when a request was opened")
            found["opened_at"] = first
            taken.add(first.name)
    if key := _key(columns, rows, taken):
        found["request_id"] = key
        taken.add(key.name)
    if (opened := found.get("opened_at")) and (closed := found.get("closed_at")) and closed.is_day > opened.is_day:
        closed.doubts.append(
            f"it tells the day alone, {opened.name} the hour too; say end_of_day = true, lest what was closed on "
            "the day on which it was opened be closed before"
        )
    for one in found.values():
        if one.is_day and (hours := _hours_of(one, columns)) is not None:
            one.doubts.append(f"the time of day seems to stand in {hours.name}: {_together_with(one, hours)}")

    def few(one: Column) -> bool:
        return not one.is_time and 1 <= one.distinct <= 60

    def kinds(one: Column) -> bool:
        return not one.is_time and not one.is_number and one.distinct < max(0.5 * rows, 20)

    def coded(one: Column) -> bool:
        return one.is_number and one.distinct < max(0.05 * rows, 20) and one.name.casefold().endswith(("_id", "code"))

    def degrees(bound: int) -> Callable[[Column], bool]:
        return lambda one: one.is_number and -bound <= (one.low or 0) <= (one.high or 0) <= bound

    if one := _role(columns, NAMES["status"], few, taken):
        found["status"] = one
    for ours, patterns, bound in (("lat", (LAT,), 90), ("lon", (LON,), 180)):
        if one := _role(columns, patterns, degrees(bound), taken):
            found[ours] = one
    has_numbers = any(re.search(NUMBER, fold(one.name)) for one in columns)
    fitting: dict[str, Callable[[Column], bool]] = {
        "type_id": lambda one: kinds(one) and not re.search(NOT_TYPE, fold(one.name)),
        "department_id": kinds,
        "channel": kinds,
        "source_district": lambda one: not one.is_time and one.distinct <= 500,
        "address": lambda one: (
            not (one.is_time or one.is_number or holds_points(one)) and (has_numbers or one.distinct > 0.1 * rows)
        ),
        "note": lambda one: (
            not (one.is_time or one.is_number or mostly(one, r"^\["))
            and one.distinct > 2
            and not re.search(NOT_NOTE, fold(one.name))
        ),
    }
    for ours, fits in fitting.items():
        if one := _role(columns, NAMES[ours], fits, taken):
            found[ours] = one
    for ours in ("type_id", "department_id"):
        if ours not in found and (one := _role(columns, NAMES[ours], coded, taken)):
            one.doubts.append("its values are numbers, whose names stand elsewhere")
            found[ours] = one
    if (chosen := found.get("source_district")) is not None:
        may_be = fitting["source_district"]
        likely = "|".join(NAMES["source_district"])
        others = [one.name for one in columns if one.name not in taken and one.filled and may_be(one)
                  and re.search(likely, fold(one.name))]  # fmt: skip
        if others:
            chosen.doubts.append(f"which districts does the city go by? {', '.join(others[:4])} may be meant as well")
    if "department_id" not in found:
        alike = [one for one in columns if one.name not in taken and kinds(one) and mostly(one, DEPARTMENT)]
        for one in alike[:1]:
            one.doubts.append("its values read like departments")
            found["department_id"] = one
    return found


def _key(columns: Sequence[Column], rows: int, taken: set[str]) -> Column | None:
    """The column that tells requests apart, with what makes it doubtful."""
    able = [
        one for one in columns
        if one.filled >= _NEARLY * rows and one.distinct > 0.9 * rows and one.name not in taken and not one.is_time
        and not re.search(NOT_KEY, fold(one.name))
    ]  # fmt: skip
    own = [one for one in able if not re.search(COUNTED, fold(one.name))]
    for some in ([one for one in own if one.is_key], own, able):
        if named := _role(some, NAMES["request_id"], lambda one: True, taken):
            if named not in own:
                named.doubts.append("this may count the rows of this one export, and the next export count anew")
            return named
    # A degree is no key, and neither is a text that happens to be another one each time.
    plain = [one for one in able if one.is_key and not mostly(one, r"\d\.\d|\s")]
    if not plain:
        return None
    plain[0].doubts.append("it is another in every row, but is it the number of a request?")
    return plain[0]


def _hours_of(day: Column, columns: Sequence[Column]) -> Column | None:
    """The column with the time of day of a column of days: named like it, but for such words."""
    words = set(fold(day.name).split("_")) - {"date", "day"}
    return next((one for one in columns if mostly(one, HOUR) and words & set(fold(one.name).split("_"))), None)


def _together_with(day: Column, hours: Column) -> str:
    written = "%I:%M" if mostly(hours, "[AaPp]\\.?[Mm]") else "%H:%M"
    written += (":%S" if mostly(hours, r":\d\d:") else "") + (" %p" if written == "%I:%M" else "")
    iso = re.sub(r"^\d{4}([-/])\d\d[-/]\d\d", r"%Y\1%m\1%d", day.examples[0])  # with the midnight that is written there
    formats = ", ".join(quoted(f"{iso if one == 'iso' else one} {written}") for one in day.formats)
    return f'columns = [{quoted(day.name)}, {quoted(hours.name)}], join = " ", formats = [{formats}]'


def state_of(word: str) -> str:
    """The status a word seems to mean; nothing if it tells nothing."""
    said = as_compared(word)
    if known := STATUS_WORDS.get(said):
        return known
    if re.search(r"\b(not?|nicht|non|não|μη|غير|değil)\b|\bnie|नहीं|未|不", said):
        return ""  # “not closed” is anything but closed
    return next((state for state, pattern in STATES.items() if re.search(pattern, said)), "")


def quoted(word: str) -> str:
    """A word as TOML writes it."""
    return json.dumps(word, ensure_ascii=False)
