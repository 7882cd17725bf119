"""A mapping: what the columns of one source mean, as a value read from a TOML file; it reads no data.

A section named like one of our tables says, for each of our columns, how it is made from theirs. What kind of thing a
column holds (an instant, a number, words) is told by the schema. ``docs/importing.md`` explains every word.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Boolean, Date, DateTime, Float, Integer, Numeric, Table

from dashboard.domain.errors import ImportRefused, UnknownName, did_you_mean, nearest
from dashboard.domain.local_time import offset_periods
from dashboard.domain.spelling import as_compared, is_mark
from data_access import schema
from data_access.derive import GRAINS
from data_access.engine import city_row

FACTS = (
    "request", "contact", "contact_interval", "request_event", "request_pause", "agent", "agent_shift", "agent_state",
    "survey", "inspection", "calendar_day", "city_event", "route", "route_day", "budget_line", "activity_driver",
    "cost_index", "asset", "asset_status", "intervention",
)  # fmt: skip

# What most systems call these states; a mapping adds its own words and may differ. Whatever is in neither is reported
# and never taken for open. Source: measures reference, section 11.
STATUS_WORDS = {
    **dict.fromkeys(("new", "open", "opened", "reported", "received", "submitted", "unassigned", "email sent"), "new"),
    **dict.fromkeys(("triaged", "acknowledged", "reviewed"), "triaged"),
    **dict.fromkeys(("assigned", "referred", "forwarded", "dispatched"), "assigned"),
    **dict.fromkeys(
        ("in progress", "in-progress", "in process", "started", "active", "processing", "scheduled"), "in_progress"
    ),
    **dict.fromkeys(("on hold", "hold", "pending", "pending info", "waiting"), "on_hold"),
    **dict.fromkeys(("reopened", "re-opened"), "reopened"),
    **dict.fromkeys(("closed", "completed", "complete", "resolved", "unable", "done", "fixed"), "closed"),
    **dict.fromkeys(("cancelled", "canceled", "withdrawn"), "cancelled"),
    **dict.fromkeys(("duplicate", "merged"), "merged_duplicate"),
}
STATUSES = schema.CLOSED_STATUSES | schema.OPEN_STATUSES
OUTCOMES = frozenset(
    ("answered", "abandoned", "callback", "voicemail", "overflow", "blocked", "ivr_contained", "ivr_abandon",
     "self_service")
)  # fmt: skip
EVENT_KINDS = frozenset(
    ("created", "assigned", "status", "transfer", "pause", "resume", "comment", "inspect", "work", "close", "reopen",
     "merge", "sla_change", "edit", "survey")
)  # fmt: skip
# What telephone systems call these. Measures count by our words: others are reported, and stay as they are.
_CHANNEL_WORDS = {
    **dict.fromkeys(("phone", "voice", "telephone", "telephony", "call", "phone call"), "phone"),
    **{one: one for one in ("web", "app", "email", "text", "chat", "social", "walk_in", "internal")},
    **{"e-mail": "email", "sms": "text", "walk in": "walk_in", "walk-in": "walk_in"},
}
_KNOWN_WORDS = {
    ("request", "status"): STATUS_WORDS,
    ("contact", "channel"): _CHANNEL_WORDS,
    ("contact_interval", "channel"): _CHANNEL_WORDS,
    ("contact", "outcome"): {
        **{one: one for one in OUTCOMES},
        **dict.fromkeys(("handled", "accepted", "connected", "call connected"), "answered"),
        **dict.fromkeys(("abandon", "hang up", "hangup", "hung up"), "abandoned"),
        **{"voice mail": "voicemail", "overflowed": "overflow", "busy": "blocked"},
    },
    ("contact", "direction"): {
        **dict.fromkeys(("in", "inbound", "incoming"), "in"),
        **dict.fromkeys(("out", "outbound", "outgoing"), "out"),
    },
    ("contact_interval", "grain"): {
        **{one: one for one in GRAINS},
        **{one.replace("_", sign): one for one in GRAINS for sign in " -"},
    },
    ("request_event", "kind"): {one: one for one in EVENT_KINDS},
    ("intervention", "unit_kind"): {
        **{one: one for one in schema.UNIT_KINDS},
        **{f"{one.replace('_', ' ')}s": one for one in schema.UNIT_KINDS},
        **dict.fromkeys(("service type", "type", "types"), "service_type"),
    },
    ("agent_state", "state"): {
        **{one: one for one in ("hold", "break", "meal", "training", "meeting")},
        **dict.fromkeys(("available", "ready", "on queue"), "available"),
        **dict.fromkeys(("talk", "talking", "on call", "interacting"), "talk"),
        **dict.fromkeys(("wrap", "wrap up", "wrap-up", "wrapup", "acw", "after call work", "work"), "wrap"),
        **dict.fromkeys(("offline", "logged out", "logged-out", "logout", "logged off"), "offline"),
        "lunch": "meal",
    },
}
# Columns that hold one of so many words, and what one is called.
_ONE_OF = {
    ("request", "status"): ("status", STATUSES),
    ("contact", "outcome"): ("outcome", OUTCOMES),
    ("contact_interval", "grain"): ("grain", GRAINS),
    ("request_event", "kind"): ("kind", EVENT_KINDS),
    ("intervention", "unit_kind"): ("kind of unit", schema.UNIT_KINDS),
}
_YES_NO = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), "true"),
    **dict.fromkeys(("false", "f", "no", "n", "0"), "false"),
}


@dataclass(frozen=True)
class Field:
    """How one of our columns is made.

    Parameters
    ----------
    columns
        Their columns that may hold it; of those a file has, the first with anything in it counts. A name with a dot
        reaches into a nested value.
    join
        Put all `columns` together instead, with this between them.
    instead
        Lists of columns, each put together as by `join`, that hold it where the others do not.
    least
        A number below this means nothing.
    formats
        How a time is written, in ``strptime``'s words, tried in order. Besides: ``iso`` (also with an offset),
        ``epoch`` and ``epoch_ms`` (seconds and milliseconds since 1970), ``excel`` (days since 1900).
    zone
        The zone of a time without an offset; empty: the city's own wall clock.
    end_of_day
        A time at midnight is a date, and means the end of that day.
    days_after
        The column holds a number of days after this one of our columns.
    seconds_after
        The column holds how long it was after this one of our columns: seconds, or 0:01:23. An hour that the clocks
        showed twice lasts as long as any.
    nulls
        Words that mean nothing in this column, besides those of the whole file.
    pattern
        A regular expression; its first group is the value.
    replace
        Pairs of a regular expression and what takes the place of all it fits.
    whole
        A whole number that some exports write as 20.0.
    scale
        A number is multiplied by this.
    words
        What each word means, compared without regard to case.
    phrases
        (regular expression, meaning): the first that is found holds.
    otherwise
        What a word means that is in neither.
    when
        Only where another of their columns holds one of these words.
    value
        A constant, if there is no column.
    """

    columns: tuple[str, ...] = ()
    join: str | None = None
    instead: tuple[tuple[str, ...], ...] = ()
    least: float | None = None
    formats: tuple[str, ...] = ("iso",)
    zone: str = ""
    end_of_day: bool = False
    days_after: str = ""
    seconds_after: str = ""
    nulls: tuple[str, ...] = ()
    pattern: str = ""
    replace: tuple[tuple[str, str], ...] = ()
    whole: bool = False
    scale: float = 1.0
    words: Mapping[str, str] = field(default_factory=dict)
    phrases: tuple[tuple[str, str], ...] = ()
    otherwise: str | None = None
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    value: Any = None


@dataclass(frozen=True)
class Types:
    """What is known of service types. `repeats` are those whose near reports are one incident; ``*`` stands for all."""

    name: Field | None = None
    category: Field | None = None
    internal: str = r"\(internal\)"
    information: frozenset[str] = frozenset()
    repeats: frozenset[str] = frozenset()
    radius_m: int = 50
    days: int = 14


@dataclass(frozen=True)
class Departments:
    """The names of departments: in a column, or listed by id."""

    name: Field | None = None
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Edition:
    """Boundaries that held for a time only: those in files whose name fits the pattern `file`.

    They hold from the civil day `valid_from` until the day before `valid_to`; `name_property` is that of `Districts`
    if it is not given.
    """

    file: str = ""
    name_property: str = ""
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True)
class Districts:
    """How the source's district names, and those of a boundary file, become districts.

    So too, as `areas`, those of a second division of the city, which only boundaries tell.

    `aliases` turn a name the source writes into a district's (an empty one: into none); `parts` say which boundary
    belongs to which district, so that several can be one. Names in neither are districts as they stand. `editions` say
    which boundary files held when, for a city that has been divided anew. `population_property` holds the residents of
    each boundary; those of one district are added up.
    """

    kind: str = "district"
    aliases: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    name_property: str = "name"
    population_property: str = ""
    version: str = ""
    layer: str = ""
    crs: str = ""
    editions: tuple[Edition, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a point stands if not in two columns of degrees.

    `x` and `y` in the projection `crs`; `nowhere` lists pairs that stand for “unknown”, in the source's own numbers.
    """

    x: str = ""
    y: str = ""
    crs: str = ""
    nowhere: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Promises:
    """How many days each type is promised in, for sources without a due time."""

    days: Mapping[str, float] = field(default_factory=dict)
    unit: str = "calendar_days"
    mode: str = "end_of_day"


@dataclass(frozen=True)
class Hours:
    """When the city is at work, for promises in business days and for pauses.

    `open` tells of each weekday, ``mon`` to ``sun``, from when to when (``08:00-17:00``, or a list of such); one that
    is not named is closed. On `holidays` it is closed, too.
    """

    open: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    holidays: tuple[date, ...] = ()

    @property
    def windows(self) -> list[list[list[str]]]:
        """From when to when it is open, Monday first."""
        week = (self.open.get(day, ()) for day in WEEKDAYS)
        return [[one.replace(" ", "").split("-") for one in ((day,) if isinstance(day, str) else day)] for day in week]


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Reading:
    """What is known of the file as such. Empty: found out by looking."""

    delimiter: str = ""
    encoding: str = ""
    decimal: str = "."  # or a comma: 1.234,5 is then a thousand and more
    nulls: tuple[str, ...] = ()
    sheet: str = ""
    rows: str = ""  # in JSON or XML, the name of the list of records
    table: str = ""  # of a database
    updated: str = ""  # their column that tells what is new
    address: str = ""  # what `dashboard311 sync` asks
    address_file: str = ""  # beside the mapping: a file that holds the address, which may have a password in it


@dataclass(frozen=True)
class SourceMapping:
    """Everything there is to know about one source: of which table it holds rows, and what its columns mean.

    Parameters
    ----------
    system
        Whose ids these are: sources of one system that hold the same id hold the same request.
    table
        The table its rows become.
    columns
        How each of our columns is made.
    each
        The column of a nested list whose entries are the rows, with the record around them.
    """

    name: str
    city: Mapping[str, Any]
    table: str
    columns: Mapping[str, Field]
    about: str = ""
    system: str = ""
    each: str = ""
    file: Reading = Reading()
    types: Types = Types()
    departments: Departments = Departments()
    districts: Districts | None = None
    areas: Districts | None = None
    place: Place | None = None
    promises: Promises = Promises()
    hours: Hours | None = None
    also: tuple[SourceMapping, ...] = ()

    @property
    def src_system(self) -> str:
        """The name under which its rows are known."""
        return self.system or self.name

    @property
    def target(self) -> Table:
        """The table its rows become."""
        return schema.metadata.tables[self.table]

    def named(self) -> Iterator[Field]:
        """Every field that reads a column."""
        yield from self.columns.values()
        yield from (one for one in (self.types.name, self.types.category, self.departments.name) if one)

    def read(self) -> Iterator[tuple[str, ...]]:
        """Their columns that are read, each with those that may hold the same."""
        for one in self.named():
            yield from ((one.columns,) if one.columns and one.join is None else ((name,) for name in one.columns))
            yield from ((name,) for name in one.when)

    def required(self) -> tuple[tuple[str, ...], ...]:
        """For each column of ours that cannot do without, their columns of which one must be there."""
        wanted = [
            self.columns[one].columns
            for one in ("request_id", "contact_id", "opened_at", "closed_at", "arrived_at", "status", "type_id")
            if one in self.columns
        ]
        key = [self.columns[one.name].columns for one in self.target.primary_key if one.name in self.columns]
        return tuple(dict.fromkeys(one for one in [*wanted, *key] if one))

    def words_for(self, name: str) -> dict[str, str]:
        """What the words of one of our columns mean, by the word in small letters."""
        given = {as_compared(word.strip()): meaning for word, meaning in self.columns[name].words.items()}
        if (self.table, name) in _KNOWN_WORDS:
            return _KNOWN_WORDS[self.table, name] | given
        return (_YES_NO | given) if isinstance(self.target.c[name].type, Boolean) else given


def _can_tell_after(table: Table, columns: Mapping[str, Field], name: str, other: str) -> bool:
    """Whether a column can tell how long after another it was: both are instants, the other one written down."""
    if other not in columns or {kind_of(table, one) for one in (name, other)} != {"instant"}:
        return False
    return not columns[other].seconds_after and columns[other].value is None


def kind_of(table: Table, name: str) -> str:
    """What a column holds: instant, date, whole, number, yes_no or text."""
    held = table.c[name].type
    for kind, types in (
        ("instant", DateTime), ("date", Date), ("yes_no", Boolean), ("whole", Integer), ("number", (Float, Numeric)),
    ):  # fmt: skip
        if isinstance(held, types):
            return kind
    return "text"


def fold(name: str) -> str:
    """A column's name as far as it matters: “Created Date”, “created_date” and “CREATED DATE” are one."""
    letters = (one if one.isalnum() or is_mark(one) else "_" for one in as_compared(name))
    return re.sub("_+", "_", "".join(letters)).strip("_")


# ── From a file ─────────────────────────────────────────────────────────────────────────────────────

SHIPPED = Path(__file__).parent / "mappings"
_SECTIONS = {
    "file": ("file", Reading), "service_type": ("types", Types), "department": ("departments", Departments),
    "district": ("districts", Districts), "area": ("areas", Districts), "place": ("place", Place),
    "promises": ("promises", Promises), "calendar": ("hours", Hours),
}  # fmt: skip


def shipped_names() -> list[str]:
    """The sources that come with a mapping."""
    return sorted({path.stem.split("-")[0] for path in SHIPPED.glob("*.toml")})


def mappings_named(word: str) -> tuple[SourceMapping, ...]:
    """The mappings of a source: one that is shipped, by its name, or a TOML file of one's own.

    Several where the source has changed its columns; each file is read by the one that knows its columns.

    Raises UnknownName, or ImportRefused if the file is no mapping.
    """
    if word.endswith(".toml"):
        return (read_mapping(Path(word)),)
    files = sorted((one for one in SHIPPED.glob("*.toml") if one.stem.split("-")[0] == word), key=lambda one: one.stem)
    if not files:
        raise UnknownName("source", word, shipped_names())
    return tuple(read_mapping(path) for path in files)


def read_mapping(path: Path) -> SourceMapping:
    """The mapping that a TOML file holds.

    Raises ImportRefused naming the word in it that is wrong.
    """
    try:
        text = unicodedata.normalize("NFC", path.read_text("utf-8-sig"))
    except FileNotFoundError as problem:
        raise ImportRefused(str(path), "there is no such mapping.") from problem
    except (OSError, UnicodeDecodeError) as problem:
        raise ImportRefused(str(path), f"this mapping cannot be read ({problem}).") from problem
    return mapping_from(text, path)


def mapping_from(text: str, path: Path) -> SourceMapping:
    """The mapping that the text of a TOML file holds; `path` is for what is said about it."""
    try:
        given = tomllib.loads(text)
        if like := given.pop("like", ""):
            bases = [one for one in SHIPPED.glob("*.toml") if one.stem == like]
            if not bases:
                raise UnknownName("mapping to be like", like, [one.stem for one in SHIPPED.glob("*.toml")])
            base = tomllib.loads(bases[0].read_text("utf-8"))
            given = _laid_over({**base, "city": {}, "name": path.stem}, given)
        return _Reader(path.name).mapping(given, path)
    except tomllib.TOMLDecodeError as problem:
        raise ImportRefused(path.name, f"this is not TOML: {problem}.") from problem


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """One table over another; whatever both say, the upper one's word holds."""
    found = dict(below)
    for name, said in above.items():
        under = found.get(name)
        found[name] = _laid_over(under, said) if isinstance(under, dict) and isinstance(said, dict) else said
    return found


class _Reader:
    """Turns what TOML holds into values, and says what does not fit."""

    def __init__(self, file: str):
        self.file = file

    def wrong(self, reason: str) -> ImportRefused:
        return ImportRefused(self.file, reason)

    def mapping(self, given: Mapping[str, Any], path: Path) -> SourceMapping:
        given = dict(given)
        city = given.pop("city", None)
        if not isinstance(city, dict) or "tz" not in city or "name" not in city:
            raise self.wrong("a mapping needs a section [city] with at least name and tz.")
        city = {"city_id": fold(str(city["name"])), **city}
        city_row(city)
        offset_periods(str(city["tz"]), 1970, 1979)
        head = {one: given.pop(one, "") for one in ("name", "about", "system")}
        if not all(isinstance(one, str) for one in head.values()):
            raise self.wrong("name, about and system are words.")
        found: dict[str, Any] = {}
        for section, (target, kind) in _SECTIONS.items():
            if section in given:
                found[target] = self.value(section, kind, given.pop(section))
        self.groups("service_type.internal", found.get("types", Types()).internal, in_database=False)
        self.hours(found.get("hours"), found.get("promises", Promises()))
        reading = found.get("file", Reading())
        if reading.decimal not in (".", ","):
            raise self.wrong("file.decimal is a point or a comma.")
        if reading.address_file:
            found["file"] = replace(reading, address=self.address(reading, path))
        tables = [one for one in given if one in FACTS]
        if unknown := [one for one in given if one not in FACTS]:
            raise self.wrong(
                f"there is no section [{unknown[0]}]; a mapping has city, {', '.join(_SECTIONS)} and our tables "
                f"({', '.join(FACTS)})."
            )
        if not tables:
            raise self.wrong("it says nothing of a table, such as [request].")
        head["name"] = head["name"] or path.stem
        made = [self.table(one, given[one], {**head, **found, "city": city}) for one in tables]
        first, *others = made
        return SourceMapping(**{**first, "also": tuple(SourceMapping(**one) for one in others)})

    def hours(self, hours: Hours | None, promises: Promises) -> None:
        """Raise ImportRefused if the hours are none, or are wanted and not told."""
        if hours is None and promises.days and promises.unit != "calendar_days":
            raise self.wrong(f"promises.unit = “{promises.unit}” needs [calendar]: from when to when the city works.")
        for day in hours.open if hours else ():
            if day not in WEEKDAYS:
                raise self.wrong(f"calendar.open: “{day}” is no day; there are {', '.join(WEEKDAYS)}.")
        for window in (one for day in (hours.windows if hours else ()) for one in day):
            if len(window) != 2 or not all(re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", one) for one in window):
                raise self.wrong(f"calendar.open: “{'-'.join(window)}” is no time such as 08:00-17:00.")
            if window[0] >= window[1]:
                raise self.wrong(f"calendar.open: “{'-'.join(window)}” ends before it begins.")

    def address(self, reading: Reading, path: Path) -> str:
        """The address that stands in a file of its own, so that who reads the mapping learns no password."""
        if reading.address:
            raise self.wrong("file.address and file.address_file cannot both be given.")
        beside = path.parent / reading.address_file
        try:
            found = beside.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise self.wrong(f"file.address_file: {beside} cannot be read ({problem}).") from problem
        if not found or len(found.splitlines()) > 1:
            raise self.wrong(f"file.address_file: {beside} must hold one line, the address.")
        return found

    def table(self, name: str, given: Any, common: Mapping[str, Any]) -> dict[str, Any]:
        if not isinstance(given, dict):
            raise self.wrong(f"[{name}] is a section of columns.")
        given = dict(given)
        each = given.pop("each", "")
        target = schema.metadata.tables[name]
        taken = [one.name for one in target.columns if not one.info.get("derived")]
        columns = {}
        for column, said in given.items():
            if column not in taken:
                raise self.wrong(f"[{name}] has no column {column}; it has {', '.join(taken)}.")
            columns[column] = self.field(f"{name}.{column}", said)
        self.check(name, target, columns, common)
        return {**common, "table": name, "columns": columns, "each": each}

    def check(self, name: str, target: Table, columns: Mapping[str, Field], common: Mapping[str, Any]) -> None:
        placed = common.get("place")
        needed = [
            one.name
            for one in target.columns
            if not (one.nullable or one.info.get("derived"))
            and one.name not in columns
            and not (name == "request" and one.name == "status" and "closed_at" in columns)  # what has one is closed
        ]
        if needed:
            raise self.wrong(f"[{name}] must say where {', '.join(needed)} comes from.")
        if name == "request" and "type_id" not in columns:
            raise self.wrong("[request] must say where type_id comes from: the kind of request.")
        for column, one in columns.items():
            what, there = _ONE_OF.get((name, column), ("", ()))
            words = [*one.words.items(), *one.phrases, ("otherwise", one.otherwise), ("value", one.value)]
            for word, meant in words:
                if what and meant is not None and meant not in there:
                    known = ", ".join(sorted(there))
                    raise self.wrong(f"{name}.{column}: {word} = “{meant}” is no {what}; there are {known}.")
        if placed and placed.x and not (placed.y and placed.crs):
            raise self.wrong("[place] needs x, y and crs.")
        for column, one in columns.items():
            if one.formats != ("iso",) and kind_of(target, column) not in ("instant", "date"):
                raise self.wrong(f"{name}.{column} is no time; it has no formats.")
            if one.zone:
                offset_periods(one.zone, 1970, 1979)
            if one.days_after and one.days_after not in columns:
                raise self.wrong(f"{name}.{column}: days_after names one of our columns.")
            if one.seconds_after and not _can_tell_after(target, columns, column, one.seconds_after):
                raise self.wrong(f"{name}.{column}: seconds_after names one of our columns of times, read as it is.")

    def field(self, where: str, given: Any) -> Field:
        if isinstance(given, str) or (isinstance(given, list) and all(isinstance(one, str) for one in given)):
            given = {"columns": given}
        if not isinstance(given, dict):
            raise self.wrong(f"{where} is a column's name, a list of names, or a table such as {{ column = “…” }}.")
        given = dict(given)
        columns = given.pop("column", given.pop("columns", ()))
        columns = (columns,) if isinstance(columns, str) else tuple(columns)
        found = self.value(where, Field, given | {"columns": list(columns)})
        if not columns and found.value is None:
            raise self.wrong(f"{where} has neither a column nor a value.")
        if not all(one.strip() for one in columns):
            raise self.wrong(f"{where} names no column: “” stands where its name should.")
        for pattern in [one for one in (found.pattern, *(one for one, _ in (*found.phrases, *found.replace))) if one]:
            groups = self.groups(where, pattern)
            if pattern == found.pattern and not groups:
                raise self.wrong(f"{where}: “{pattern}” has no group in parentheses, which would be the value.")
        return found

    def groups(self, where: str, pattern: str, in_database: bool = True) -> int:
        """How many groups a regular expression has."""
        try:
            found = re.compile(pattern).groups
            if in_database:
                pc.match_substring_regex("", pattern)  # by RE2, as in DuckDB, which looks neither ahead nor back
        except (re.error, pa.ArrowInvalid) as problem:
            raise self.wrong(f"{where}: “{pattern}” is no regular expression ({problem}).") from problem
        return found

    def value(self, where: str, kind: Any, given: Any) -> Any:
        if not isinstance(given, dict):
            raise self.wrong(f"[{where}] is a section.")
        known = {one.name: one for one in fields(kind)}
        made = {}
        for name, said in given.items():
            if name not in known:
                words = [*(["column"] if "columns" in known else []), *known]
                hint = did_you_mean(nearest(name, words)[:1])
                raise self.wrong(f"{where} has no word “{name}”; it has {', '.join(words)}.{hint}")
            made[name] = self.one(f"{where}.{name}", str(known[name].type), said)
        return kind(**made)

    def one(self, where: str, kind: str, said: Any) -> Any:
        if kind.startswith("Field"):
            return self.field(where, said)
        if kind.startswith("tuple[Edition"):
            if not isinstance(said, list) or not all(isinstance(one, dict) and one.get("file") for one in said):
                raise self.wrong(f"{where} is a list of tables, each with a file.")
            return tuple(self.value(where, Edition, one) for one in said)
        if kind.startswith(("date", "tuple[date")):
            several = kind.startswith("tuple")
            days = said if several else [said]
            if not isinstance(days, list) or any(not isinstance(x, date) or isinstance(x, datetime) for x in days):
                raise self.wrong(f"{where} is a day such as 2023-05-15, without quotation marks.")
            return tuple(days) if several else said
        if kind.startswith("tuple[tuple[str, ...]"):
            if not isinstance(said, list) or not all(isinstance(one, list) for one in said):
                raise self.wrong(f"{where} is a list of lists of columns.")
            return tuple(tuple(map(str, one)) for one in said)
        if kind.startswith("tuple[str") or kind.startswith("frozenset"):
            words = [said] if isinstance(said, str) else said
            if not isinstance(words, list) or not all(isinstance(one, str) for one in words):
                raise self.wrong(f"{where} is a list of words.")
            return (frozenset if kind.startswith("frozenset") else tuple)(words)
        if kind.startswith("tuple[tuple"):
            if not isinstance(said, list) or not all(isinstance(one, list) and len(one) == 2 for one in said):
                raise self.wrong(f"{where} is a list of pairs.")
            return tuple(tuple(one) for one in said)
        if kind.startswith("Mapping"):
            if not isinstance(said, dict):
                raise self.wrong(f"{where} is a table of words and their meanings.")
            return {one: tuple(w) if isinstance(w, list) else w for one, w in said.items()}
        wanted: Any = {"str": str, "bool": bool, "int": int, "float": (int, float)}.get(kind.split(" ")[0])
        if wanted and (not isinstance(said, wanted) or (isinstance(said, bool) and wanted is not bool)):
            raise self.wrong(f"{where} is “{said}”, which is no {kind.split(' ')[0]}.")
        return said


def the_one_that_fits(mappings: Sequence[SourceMapping], names: Iterable[str], file: str) -> SourceMapping:
    """Of the mappings of a source, the one that knows the columns of a file.

    Raises ImportRefused saying what is missing.
    """
    have = list(names)
    folded = {fold(one) for one in have}
    missing: list[tuple[str, ...]] = []
    for mapping in mappings:
        lacking = [one for one in mapping.required() if not any({fold(c), fold(c.split(".")[0])} & folded for c in one)]
        if not lacking:
            return mapping
        if not missing or len(lacking) < len(missing):
            missing = lacking
    few = ", ".join(" or ".join(one) for one in missing[:6])
    shown = ", ".join(one[:40] for one in have[:6]) + (f" and {len(have) - 6} more" if len(have) > 6 else "")
    hint = did_you_mean(nearest(missing[0][0], have))
    if len(have) == 1 and (others := [one for one in ";,\t|" if one in have[0]]):
        hint = f" It is a single one: is the delimiter {' or '.join(map(repr, others))}?"
    raise ImportRefused(
        file,
        f"this is not an export of the kind “{mappings[0].name}”: it has no column {few}. "
        f"Its columns are {shown}.{hint}",
    )
