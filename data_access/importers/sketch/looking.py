"""What the rows of a file tell of each column: how full it is, what stands in it, which formats read it as times."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Float, Select, String, and_, case, func, or_, select, true
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlalchemy.sql.expression import TryCast

from data_access.dialects import TableOf
from data_access.importers.mapping import fold
from data_access.importers.sketch.names import CHANGES, GEOJSON, KINDS, MONTHS, POINT, TIMES, WKT
from data_access.importers.times import reads

_TIMES_LOOKED_AT = 1_500
_NEARLY_ALL = 0.97  # of the rows with a type go with the word that most of that type have, if that says more of types
_VARIANTS = 4  # so many times as many words as types there may be, of which all but one of each type are seldom
_SEVERAL, _FEWER = 3, 0.6  # fewer types may go with other words by chance; so many times as few are kinds
_DEEP = 3  # how far nested objects are opened out
_NULLS = (
    "NA",
    "N/A",
    "n/a",
    "NULL",
    "null",
    "None",
    "none",
    "nan",
    "NaN",
    "-",
    "--",
    "Unspecified",
    "UNKNOWN",
    "(null)",
)
_DAYS = ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y",
         "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%Y %b %d")  # fmt: skip
_HOURS = ("", " %I:%M:%S %p", " %I:%M %p", " %H:%M:%S", " %H:%M", " %H:%M:%S.%f")
FORMATS = (
    "iso", *(day + hour for day in _DAYS for hour in _HOURS), "%d.%m.%Y %H.%M",
    "%Y%m%d", "%Y%m%d%H%M%S", "%y%m%d", "%b %d %Y %I:%M%p", "epoch", "epoch_ms", "excel",
)  # fmt: skip
_NUMERIC = ("%Y%m%d", "%Y%m%d%H%M%S", "%y%m%d", "epoch", "epoch_ms", "excel")
_PARTED = ("%d %m %Y", "%d %m %Y %H %M", "%d %m %Y %H %M %S", "%Y %m %d", "%Y %m %d %H %M", "%Y %m %d %H %M %S")
_LEAST = {"epoch": 1e8, "epoch_ms": 1e11, "excel": 2e4}  # else it is a year, or a number of days


@dataclass
class Column:
    """What the rows looked at tell of one column."""

    name: str
    filled: int
    distinct: int
    examples: Sequence[str]
    formats: Sequence[str] = ()
    replaced: Sequence[tuple[str, str]] = ()
    doubts: list[str] = field(default_factory=list)
    numbers: int = 0
    low: float | None = None
    high: float | None = None
    commas: int = 0

    @property
    def is_time(self) -> bool:
        """Whether it holds times."""
        return bool(self.formats)

    @property
    def is_day(self) -> bool:
        """Whether it holds times without an hour."""
        midnight = all(re.search(r"(^|[ T])0?0:00|12:00(:00)? AM|^\S{8,10}$", value) for value in self.examples)
        return self.is_time and (midnight or all("%d" in one and not re.search("%[HI]", one) for one in self.formats))

    @property
    def is_key(self) -> bool:
        """Whether it is another in every row that has it."""
        return self.distinct == self.filled

    @property
    def is_number(self) -> bool:
        """Whether it holds nothing but numbers."""
        return bool(self.filled) and self.numbers == self.filled


def opened_out(connection: Connection, looked: Any) -> Any:
    """The rows with what nested objects hold as columns of its own, named by its path; a point stays as it is."""
    found = looked
    for step in range(_DEEP):
        within: dict[str, Any] = {}
        for one in found.c:
            held = case((and_(func.starts_with(one, "{"), func.json_valid(one)), one))
            listed = select(func.unnest(func.json_keys(held)).label("name")).select_from(found).subquery()
            names = sorted(connection.scalars(select(listed.c.name).distinct()))
            if names and "coordinates" not in names and not any(re.search(r'[."]', name) for name in names):
                paths = {name: func.json_extract_string(held, f'$."{name}"') for name in names}
                within[one.name] = [(f"{one.name}.{name}", value) for name, value in paths.items()]
        if not within:
            break
        columns = [
            made.label(name) for one in found.c for name, made in within.get(one.name, [(one.name, one)])
        ]  # fmt: skip
        connection.execute(TableOf(f"looked_{step}", select(*columns).select_from(found)))
        found = named_table(f"looked_{step}", *(named_column(one.name, String) for one in columns))
    return found


def _words(looked: Any, name: str, nulls: Sequence[str]) -> Any:
    words = func.nullif(func.trim(looked.c[name]), "")
    return case((words.in_(nulls), None), else_=words) if nulls else words


def words_for_nothing(connection: Connection, looked: Any) -> list[str]:
    """Words that stand for nothing, of those that often do."""
    found = []
    for word in _NULLS:
        anywhere = or_(*(func.trim(one) == word for one in looked.c))
        if connection.scalar(select(func.count()).select_from(looked).where(anywhere)):
            found.append(word)
    return found


def column_of(connection: Connection, looked: Any, name: str, nulls: Sequence[str]) -> Column:
    """What the rows looked at tell of the column `name`; `nulls` are words that stand for nothing."""
    words = _words(looked, name, nulls)
    digits = func.in_digits(words)
    # A comma with three digits after it may stand between thousands; with any other number of them it is a decimal one.
    comma, decimal = r"-?[0-9.]*[0-9],[0-9]+", r"-?[0-9.]*[0-9],([0-9]{1,2}|[0-9]{4,})"
    written = func.replace(func.replace(digits, ".", ""), ",", ".")
    number = case((func.regexp_full_match(digits, comma), TryCast(written, Float)), else_=TryCast(digits, Float))
    filled, distinct, numbers, low, high, commas = connection.execute(
        select(
            func.count(words), func.count(func.distinct(words)), func.count(number), func.min(number), func.max(number),
            func.count(case((func.regexp_full_match(digits, decimal), 1))),
        ).select_from(looked)
    ).one()  # fmt: skip
    frequent: Select = (
        select(words.label("word"), func.count().label("n")).where(words.is_not(None)).group_by(words)
        .order_by(func.count().desc(), words).limit(12)
    )  # fmt: skip
    column = Column(
        name, filled, distinct, [str(word) for word, _ in connection.execute(frequent)], numbers=numbers, low=low,
        high=high, commas=commas,
    )  # fmt: skip
    named = any(re.search(one, fold(name)) for words_ in (*TIMES.values(), ("date", "time")) for one in words_)
    likely = sum(6 <= len(one) <= 35 and bool(re.search(r"\d", one)) for one in column.examples)
    if filled and (named or not column.is_number) and likely > len(column.examples) / 2:
        _find_formats(connection, digits, column, FORMATS)
        if not column.formats and all(re.search(r"(?<!\d)(19|20)\d\d(?!\d)", one) for one in column.examples):
            _find_formats_in_words(connection, digits, column)
    return column


def _find_formats_in_words(connection: Connection, written: Any, column: Column) -> None:
    """The formats of times with months in words (“1 de enero de 2024”), or with signs between (“2024年1月1日”).

    Months become numbers, and whatever else is no digit a space. Where mornings and afternoons are told apart in words
    nothing is found.
    """
    if any(re.search(r"\b[ap]\.? ?m\b|上午|下午|午前|午後", one.casefold()) for one in column.examples):
        return
    best = column
    for months in ("", *MONTHS):
        if not all(re.search(months.replace(" ", "|"), one, re.IGNORECASE) for one in column.examples):
            continue
        numbers = [(f"(?i){name}", f"{n:02}") for n, name in enumerate(months.split(), 1)]
        pairs = [(r"^\D+", ""), *numbers, (r"\D+", " ")]
        told = written
        for pattern, instead in pairs:
            told = func.trim(func.regexp_replace(told, pattern, instead, "g"))
        tried = Column(column.name, column.filled, column.distinct, column.examples, replaced=pairs)
        _find_formats(connection, told, tried, _PARTED)
        if tried.formats and (not best.formats or len(tried.doubts) < len(best.doubts)):
            best = tried
    column.formats, column.replaced, column.doubts = best.formats, best.replaced, [*column.doubts, *best.doubts]


def _find_formats(connection: Connection, written: Any, column: Column, known: Sequence[str]) -> None:
    """The fewest formats that read the column; in doubt between day and month the American order, and a remark."""
    some = select(written.label("word")).where(written.is_not(None)).limit(_TIMES_LOOKED_AT).subquery("some")
    words: Any = some.c.word
    left: Any = true()
    formats: list[str] = []
    filled = missing = min(column.filled, _TIMES_LOOKED_AT)
    plain = [one for one in known if (one in _NUMERIC) == column.is_number]
    plain = [one for one in plain if (column.high or 0) >= _LEAST.get(one, 0)]
    for _ in range(4):
        read = {}
        for form in plain:
            read[form] = reads((form,), words)
        counts = connection.execute(
            select(*(func.count(case((read[one], 1))).label(f"f{n}") for n, one in enumerate(plain)))
            .select_from(some).where(left)
        ).one()  # fmt: skip
        best = max(range(len(plain)), key=lambda n: (counts[n], -n))
        if counts[best] < max(0.02 * filled, 1):
            break
        alike = [
            plain[n] for n in range(len(plain)) if n != best and counts[n] == counts[best]
            and sorted(re.findall("%[dm]", plain[n])) == sorted(re.findall("%[dm]", plain[best]))
            and re.sub("%[dm]", "", plain[n]) == re.sub("%[dm]", "", plain[best])
        ]  # fmt: skip
        if alike:
            column.doubts.append(f"every value can also be read as {alike[0]}")
        formats.append(plain[best])
        missing -= counts[best]
        left = left & ~read[plain[best]]
        if missing <= 0:
            break
    if filled - missing < 0.9 * filled:
        return
    if missing > 0:
        strange = connection.scalar(select(words).where(left).limit(1))
        column.doubts.append(f"{missing} values cannot be read as times, such as “{strange}”")
    column.formats = formats
    if any(one.endswith("Z") for one in column.examples):
        column.doubts.append(
            'these times end in Z (UTC); if they are local all the same, say formats = ["%Y-%m-%dT%H:%M:%SZ"]'
        )


def told_with(
    connection: Connection, looked: Any, columns: Sequence[Column], found: Mapping[str, Column]
) -> dict[str, Column]:
    """Columns that say more of the types and departments found: what a code is called, and what types are kinds of.

    Each type goes with one of their values, but for a few rows: where almost each has its own, they are names; where
    far fewer are, kinds.
    """
    told: dict[str, Column] = {}
    for ours in ("type_id", "department_id"):
        of = found.get(ours)
        if of is None or of.distinct < _SEVERAL:
            continue
        # What looks like a note may be a name instead.
        taken = {one.name for name, one in (*found.items(), *told.items()) if name != "note"}
        others = [
            (one, own) for one in columns
            if one.name not in taken and not (one.is_time or one.is_number or re.search(CHANGES, fold(one.name)))
            and 1 < one.distinct <= _VARIANTS * of.distinct and 2 * one.filled > of.filled
            and (own := _own_words(connection, looked, of, one)) > 1
        ]  # fmt: skip
        names = [one for one, own in others if own > 0.9 * of.distinct and _length(one) > _length(of)]
        if names:
            told[f"{ours}.name"] = names[0]
        kinds = [
            (own, one) for one, own in others if own < _FEWER * of.distinct and re.search(KINDS, fold(one.name))
        ]  # fmt: skip
        if kinds and ours == "type_id":
            told["category"] = max(kinds, key=lambda kind: kind[0])[1]
    return told


def _own_words(connection: Connection, looked: Any, of: Column, other: Column) -> int:
    """How many values of another column go with those of `of`, the most frequent with each; 0 if others do as well."""
    value, word = (func.nullif(func.trim(looked.c[one.name]), "") for one in (of, other))
    pairs = select(value.label("value"), word.label("word"), func.count().label("n"))
    each = pairs.where(value.is_not(None), word.is_not(None)).group_by(value, word).cte("pairs").c
    first = func.row_number().over(partition_by=each.value, order_by=(each.n.desc(), each.word))
    ranked = select(each.word, each.n, first.label("place")).subquery().c
    is_first = ranked.place == 1
    words, rows, fitting = connection.execute(
        select(func.count(func.distinct(case((is_first, ranked.word)))), func.sum(ranked.n),
               func.sum(case((is_first, ranked.n))))
    ).one()  # fmt: skip
    return words if rows and fitting > _NEARLY_ALL * rows else 0


def _length(one: Column) -> float:
    """How long the values looked at are, on average."""
    return sum(map(len, one.examples)) / max(len(one.examples), 1)


def told_apart_by(
    connection: Connection, looked: Any, columns: Sequence[Column], found: dict[str, Column]
) -> tuple[list[str], int]:
    """Columns that tell the rows apart together, as none does alone, and how many rows they tell apart.

    None of them says how far a request has come: it would be another one after the next export.
    """
    chosen = [found[one].name for one in ("opened_at", "type_id", "source_district", "address") if one in found]
    moving = {found[one].name for one in ("status", "note") if one in found}
    left = [
        one.name for one in columns
        if one.filled and not one.is_time and one.name not in (*chosen, *moving)
        and not re.search(CHANGES, fold(one.name))
    ]  # fmt: skip

    def told_apart(by: Sequence[Sequence[str]]) -> Sequence[int]:
        keys = [func.hash(*(func.coalesce(looked.c[name], "") for name in names)) for names in by]
        return connection.execute(select(*(func.count(func.distinct(key)) for key in keys)).select_from(looked)).one()

    if not chosen:
        return [], 0
    (known,) = told_apart([chosen])
    while left:
        counts = told_apart([[*chosen, one] for one in left])
        best = max(range(len(left)), key=lambda n: (counts[n], -n))
        if counts[best] <= known:
            break
        chosen.append(left.pop(best))
        known = counts[best]
    return chosen, known


def mostly(one: Column, pattern: str) -> bool:
    """Whether most of the values looked at say such a thing."""
    return 2 * sum(bool(re.search(pattern, value, re.IGNORECASE)) for value in one.examples) > len(one.examples)


def holds_points(one: Column) -> bool:
    """Whether most of the values looked at are pairs of coordinates, however they are written."""
    return mostly(one, POINT) or mostly(one, GEOJSON) or mostly(one, WKT)
