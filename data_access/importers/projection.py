"""A mapping and a view of words, as questions to DuckDB: what each row becomes, or why it is refused.

No row passes through Python. A question in two steps: `typed` reads the words once and judges each row, `rows` turns
wall-clock times into instants and words into their meanings, and gives each row its hash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Float,
    Integer,
    Interval,
    Select,
    SmallInteger,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    true,
    values,
)
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlalchemy.sql.expression import TableClause, TryCast

from dashboard.domain.errors import ImportRefused, did_you_mean, nearest
from dashboard.domain.spelling import as_compared
from data_access.importers.mapping import Field, SourceMapping, fold, kind_of
from data_access.importers.sources import BROKEN, Source, unquoted
from data_access.importers.times import (
    FIRST_YEAR,
    LAST_YEAR,
    end_of_day,
    exchanged,
    first_reading,
    is_days,
    localised,
    reads,
    times,
)
from data_access.schema import CLOSED_STATUSES, FLAGS

TYPED = "typed_rows"
CLOCK = "wall_clock"
POINTS = "placed_points"

_SPACES = " \t\n\r\v\f\u00a0\u2007\u202f\u3000\ufeff\u200b\u200e\u200f\u061c"
"""What stands around words and is not seen, such as the signs that turn the direction of reading."""
_HASH_BITS = (1 << 52) - 1  # exact as a float, too
_LASTS = r"^([0-9]+:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]+)?|([0-9]+ ?(h|m|s)[a-z]* ?)+)$"  # 12:34 may be either of two
_CELL = r"^(1899-12-31|1900-0[12]-[0-9]{2}) "  # a duration in a cell of Excel is a time after this day
_Expr = ColumnElement[Any]


# What is said of a row that leaves out what every row must tell.
_MISSING = {
    "request_id": "no id", "contact_id": "no id", "opened_at": "no opening time", "arrived_at": "no time of arrival",
    "type_id": "no service type",
}  # fmt: skip


@dataclass(frozen=True)
class Refusal:
    """What may be wrong with a row: the condition, and what is said of it."""

    wrong: _Expr
    column: str | None
    value: _Expr
    expected: str
    reason: str


class Projection:
    """How the rows of `source` become rows of the mapping's table.

    Raises ImportRefused if two columns of the source could be meant.
    """

    def __init__(self, mapping: SourceMapping, source: Source, relation: TableClause | None = None):
        self.mapping, self.source = mapping, source
        self.relation = source.relation if relation is None else relation
        self._by_fold: dict[str, list[str]] = {}
        for name in source.names:
            self._by_fold.setdefault(fold(name), []).append(name)
        self._trimmed: dict[str, str] = {}  # their columns that are read, and what these are called once trimmed
        self.fields = {name: one for name, one in mapping.columns.items() if one.value is not None or self.present(one)}
        # What each of our columns is read as: what it holds, or how long it was after another.
        self.kinds = {
            name: "duration" if one.seconds_after else kind_of(mapping.target, name)
            for name, one in self.fields.items()
        }
        place = mapping.place
        self.projected = bool(place and place.x and all(self.present(Field((one,))) for one in (place.x, place.y)))

    # ── their columns ───────────────────────────────────────────────────────────────────────────────

    def column_of(self, name: str) -> str | None:
        """Their column that is meant by a name; None if there is none."""
        if name in self.source.names:
            return name
        alike = self._by_fold.get(fold(name), [])
        if len(alike) > 1:
            raise ImportRefused(
                self.source.file,
                f"several columns could be {name}: {', '.join(alike)}. Name it exactly in the mapping.",
            )
        return alike[0] if alike else None

    def present(self, field: Field) -> list[str]:
        """Those of a field's columns that the source has."""
        return [one for one in field.columns if self.column_of(one) or ("." in one and self.column_of(_head(one)))]

    def absent(self) -> list[str]:
        """Columns that the mapping knows, and the source does not have, each with what stays empty without it."""
        ours = {id(one): f" (for {name})" for name, one in self.mapping.columns.items()}
        place = self.mapping.place
        points = [Field((one,)) for one in (place.x, place.y) if one] if place else []
        ours |= {id(one): " (for place)" for one in points}
        return [
            " or ".join(one.columns) + ours.get(id(one), "")
            for one in (*self.mapping.named(), *points)
            if one.value is None and not self._held(one)
        ]

    def untold(self) -> frozenset[str]:
        """Our columns that the mapping knows, and the source has no column for.

        None where a column is left out as soon as no row has anything in it, as in JSON.
        """
        if not self.source.has_heading:
            return frozenset()
        names = set(self.mapping.columns) - set(self.fields)
        if self.mapping.place and self.mapping.place.x and not self.projected:
            names |= {"lat", "lon"} - set(self.fields)
        return frozenset(names | ({"district"} if "source_district" in names else set()))

    def _held(self, field: Field) -> list[str]:
        """Those of a field's columns that some record of the source has."""
        heads = {one: self.column_of(one) or self.column_of(_head(one)) for one in self.present(field)}
        return [one for one, column in heads.items() if column not in self.source.empty]

    def nested(self) -> dict[str, str]:
        """Typed columns made from within nested values alone, and from which: only rows can tell if they hold any."""
        place = self.mapping.place
        within = {name: (one.columns, name) for name, one in self.fields.items() if one.value is None}
        if self.projected and place:
            within |= {"place__x": ((place.x,), "place"), "place__y": ((place.y,), "place")}
        return {
            name: f"{' or '.join(columns)} (for {ours})"
            for name, (columns, ours) in within.items()
            if all(self.column_of(one) is None for one in columns)
        }

    def _raw(self, name: str) -> _Expr:
        whole = self.column_of(name)
        if whole is not None:
            cell = self.relation.c[whole]
            return unquoted(cell) if self.source.is_corrected else cell
        outer = self.column_of(_head(name))
        path = "$" + "".join(f'."{part}"' for part in name.split(".")[1:])
        held = self.relation.c[str(outer)]
        # What is no JSON stands for itself, and is judged as the value that was looked for within it.
        return case((func.json_valid(held), func.json_extract_string(held, path)), else_=held)

    def _text(self, name: str, field: Field | None = None) -> _Expr:
        """The words in one of their columns; null if they mean nothing."""
        words: _Expr = named_column(self._trimmed.setdefault(name, f"c{len(self._trimmed)}"), String)
        nulls = [one.strip() for one in (*self.mapping.file.nulls, *(field.nulls if field else ())) if one.strip()]
        return case((words.in_(nulls), null()), else_=words) if nulls else words

    def _trim(self) -> Any:
        """Their columns without spaces around; null if nothing is left.

        To trim a set of signs takes microseconds. Hardly any word needs it: most begin and end with a visible sign,
        and of the others most end with one space.
        """
        ends = {
            name: case((func.suffix(raw, " "), func.substring(raw, 1, func.length(raw) - 1)), else_=raw).label(name)
            for one, name in self._trimmed.items()
            if (raw := self._raw(one)) is not None
        }
        others = [self.relation.c[BROKEN]] if BROKEN in self.source.names else []
        cut = select(*ends.values(), *others).select_from(self.relation).subquery("cut")
        visible = {
            name: and_(func.ord(cut.c[name]).between(33, 126), func.substring(cut.c[name], -1, 1).between("!", "~"))
            for name in ends
        }
        trimmed = [
            case((visible[name], cut.c[name]), else_=func.nullif(func.trim(cut.c[name], _SPACES), "")).label(name)
            for name in ends
        ]
        if not (trimmed or others):  # constants only
            return self.relation
        return select(*trimmed, *(cut.c[BROKEN] for _ in others)).select_from(cut).subquery("trimmed")

    def words(self, field: Field, together: bool = False) -> _Expr:
        """The words that a field is made of; `together`: all of them, or nothing."""
        parts = [self._text(one, field) for one in self.present(field)]
        if not parts:
            return cast(null(), String)
        if field.join is None:
            found = func.coalesce(*parts) if len(parts) > 1 else parts[0]
        else:
            found = func.nullif(func.concat_ws(field.join, *parts), "")
            if together:
                found = case((and_(*(one.is_not(None) for one in parts)), found))
        for columns in field.instead:
            if all(self.column_of(one) for one in columns):
                others = [self._text(one, field) for one in columns]
                whole = and_(*(one.is_not(None) for one in others))
                found = func.coalesce(found, case((whole, func.concat_ws(field.join or " ", *others))))
        if field.pattern:
            found = func.nullif(func.regexp_extract(found, field.pattern, 1), "")
        for pattern, instead in field.replace:
            found = func.trim(func.regexp_replace(found, pattern, instead, "g"), _SPACES)
        if field.replace:  # once: an engine that asks twice for each of twelve months asks four thousand times
            found = func.nullif(found, "")
        if field.whole:
            found = func.regexp_replace(found, r"^(-?[0-9]+)\.0+$", r"\1")
        for other, wanted in field.when.items():
            if not self.present(Field((other,))):
                hint = did_you_mean(nearest(other, self.source.names))
                raise ImportRefused(
                    self.source.file, f"it has no column {other}, which the mapping asks with when.{hint}"
                )
            meant = [as_compared(one) for one in ((wanted,) if isinstance(wanted, str) else wanted)]
            found = case((func.as_compared(self._text(other)).in_(meant), found))
        return found

    def _told_in(self, name: str, field: Field) -> _Expr:
        """The words that one of our columns is made of; those of times and numbers in our digits."""
        words = self.words(field, together=self.kinds[name] in ("instant", "date"))
        return words if self.kinds[name] in ("text", "yes_no") else func.in_digits(words)

    # ── step one: words to types ────────────────────────────────────────────────────────────────────

    @cached_property
    def typed(self) -> Select:
        """Every row of the source with our columns typed, and what is wrong with it in ``refusal`` (0: nothing)."""
        inner = [self._told_in(name, one).label(f"{name}__w") for name, one in self.fields.items() if one.value is None]
        mapping = self.mapping
        extra = {"type__name": mapping.types.name, "type__category": mapping.types.category,
                 "department__name": mapping.departments.name}  # fmt: skip
        inner += [self.words(one).label(f"{name}__w") for name, one in extra.items() if one and self.present(one)]
        if self.projected and mapping.place:
            inner += [self._text(mapping.place.x).label("place__x"), self._text(mapping.place.y).label("place__y")]
        if BROKEN in self.source.names:
            inner.append(named_column(BROKEN, String).label("broken"))
        words = select(*inner).select_from(self._trim()).subquery("words")
        # What the first format makes of a time is a column by itself, so that it is read once and not once a mention.
        firsts = [
            first_reading(one, words.c[f"{name}__w"]).label(f"{name}__1")
            for name, one in self.fields.items()
            if one.value is None and self.kinds[name] in ("instant", "date")
        ]
        words = select(words, *firsts).select_from(words).subquery("readings") if firsts else words
        columns = [one for name in self.fields for one in self._typed(name, words)]
        columns += [func.repaired(words.c[f"{name}__w"]).label(name) for name in extra if f"{name}__w" in words.c]
        for axis in ("x", "y"):
            if self.projected:
                columns.append(self._number(words.c[f"place__{axis}"]).label(f"place__{axis}"))
        first = select(*columns, *(one for one in words.c if one.name.endswith("__w") or one.name == "broken"))
        first_ = first.select_from(words).subquery("first")
        self.refusals = self._judge(first_)
        code = case(*((one.wrong, n) for n, one in enumerate(self.refusals, 1)), else_=0)
        # A column by itself too: its value would name all of it once for each thing that can be wrong.
        judged = select(first_, cast(code, SmallInteger).label("refusal")).select_from(first_).subquery("judged")
        refusal = judged.c.refusal
        values = ((refusal == n, one.value) for n, one in enumerate(self._judge(judged), 1))
        kept = [
            one
            for one in judged.c
            if not (one.name.endswith("__w") or one.name == "broken") or one.name in self._words_kept()
        ]
        value = case((refusal > 0, case(*values, else_=cast(null(), String))))
        return select(*kept, value.label("refused_value")).select_from(judged)

    def _words_kept(self) -> set[str]:
        """Words whose meanings are looked up later."""
        looked_up = {name for name in self.fields if self.meanings(name) is not None}
        return {f"{name}__w" for name in looked_up} | {self._phrased_in(name) for name in self.phrased()}

    def _phrased_in(self, name: str) -> str:
        """The typed column with the text that one of our columns is told from; not its words again if we have those."""
        text = replace(self.fields[name], phrases=(), otherwise=None)
        same = (
            other
            for other, field in self.fields.items()
            if field == text and self.kinds[other] == "text" and self.meanings(other) is None
        )
        return next(same, f"{name}__w")

    def phrased(self) -> list[str]:
        """Our columns that are told from phrases in a text."""
        return [name for name, one in self.fields.items() if one.phrases and one.value is None]

    def phrases(self, name: str, typed: TableClause) -> Select:
        """What each different text says of one of our columns: most texts are written over and over."""
        field, words = self.fields[name], typed.c[self._phrased_in(name)]
        texts = select(words.label("words")).where(words.is_not(None)).distinct().subquery()
        whens = [(func.regexp_matches(texts.c.words, pattern, "i"), meaning) for pattern, meaning in field.phrases]
        return select(texts.c.words, case(*whens, else_=field.otherwise).label("meaning"))

    def meanings(self, name: str) -> dict[str, str] | None:
        """What the words of one of our columns of words mean; None if they stand for themselves."""
        field = self.fields[name]
        if self.kinds[name] != "text" or field.value is not None or field.phrases:
            return None
        found = self.mapping.words_for(name)
        return found if found or field.otherwise is not None else None

    def _typed(self, name: str, words: Any) -> list[ColumnElement[Any]]:
        field, kind = self.fields[name], self.kinds[name]
        if field.value is not None:
            return [literal(field.value).label(name)]
        given = words.c[f"{name}__w"]
        if kind == "instant":
            if field.days_after:
                return self._days_after(name, field, given, words)
            local, utc = times(field, given, words.c[f"{name}__1"])
            return [local.label(f"{name}__local"), utc.label(f"{name}__utc")]
        if kind == "date":
            local, utc = times(field, given, words.c[f"{name}__1"])
            return [cast(func.coalesce(local, utc), Date).label(name)]
        if kind in ("number", "whole", "duration"):
            number, most = self._scaled(name, self._amount(name, given)), self._most(name)
            number = case((func.isfinite(number) if most is None else func.abs(number) <= most, number))
            if field.least is not None:
                number = case((number >= field.least, number))
            return [(cast(func.round(number), BigInteger) if kind == "whole" else number).label(name)]
        if kind == "yes_no":
            meanings = self.mapping.words_for(name)
            yes = [word for word, meaning in meanings.items() if meaning.casefold() == "true"]
            no = [word for word, meaning in meanings.items() if meaning.casefold() == "false"]
            otherwise = {"true": True, "false": False}.get((field.otherwise or "").casefold())
            low = func.as_compared(func.coalesce(given, "") if "" in meanings else given)  # "": a cell that is empty
            else_ = (given.is_not(None), literal(otherwise, Boolean))
            return [case((low.in_(yes), true()), (low.in_(no), literal(False)), else_).label(name)]
        if field.phrases:
            return []
        if self.meanings(name) is not None:
            return []
        return [func.repaired(given).label(name)]

    def _number(self, words: _Expr) -> _Expr:
        """The number that is written, with or without signs between its thousands.

        A sign that no three digits follow stands between no thousands: 42,5201 is a latitude, whatever the rest of the
        file is like.
        """
        point, other = (",", ".") if self.mapping.file.decimal == "," else (".", ",")
        plain = func.replace(words, " ", "")
        grouped = func.replace(func.replace(plain, other, ""), point, ".")
        is_point = func.regexp_matches(plain, rf"[{other}]([0-9]{{0,2}}|[0-9]{{4,}})([^0-9{other}].*)?$")
        found = case((is_point, func.replace(plain, other, ".")), else_=grouped)
        return TryCast(case((func.contains(plain, other), found), else_=grouped), Float)

    def _amount(self, name: str, words: _Expr) -> _Expr:
        """The number of one of our columns: seconds also from 0:01:23 and “1m 23s”, shares also from percentages."""
        number = self._number(words)
        if self._lasts(name):
            lasts = func.epoch(TryCast(case((func.regexp_matches(words, _LASTS, "i"), words)), Interval))
            cell = TryCast(case((func.regexp_matches(words, _CELL), words)), DateTime)
            return func.coalesce(number, lasts, func.epoch(cell) - func.epoch(cast(literal("1899-12-31"), DateTime)))
        if name.endswith("_share") and self.fields[name].scale == 1:
            percent = self._number(func.rtrim(words, "%" + _SPACES)) / 100
            return case((func.suffix(words, "%"), percent), else_=number)
        return number

    def _scaled(self, name: str, number: _Expr) -> _Expr:
        scale = self.fields[name].scale
        return number * scale if scale != 1 else number

    def _lasts(self, name: str) -> bool:
        """Whether a duration is told for one of our columns."""
        return name.endswith("_s") or self.kinds[name] == "duration"

    def _most(self, name: str) -> int | None:
        """The largest number that one of our columns holds, or that measures reckon with as seconds; None if any is."""
        if self.kinds[name] != "whole" and not self._lasts(name):
            return None
        return 2**15 - 1 if isinstance(self.mapping.target.c[name].type, SmallInteger) else 2**31 - 1

    def _days_after(self, name: str, field: Field, given: _Expr, words: Any) -> list[ColumnElement[Any]]:
        """A due time so many days after another of our columns, on the same clock."""
        other = self.fields[field.days_after]
        local, utc = times(other, words.c[f"{field.days_after}__w"], words.c[f"{field.days_after}__1"])
        number = TryCast(given, Float)
        days = func.to_days(cast(case((is_days(number), number)), Integer))
        if field.end_of_day:
            local, utc = func.date_trunc("day", local), func.date_trunc("day", utc)
        return [(local + days).label(f"{name}__local"), (utc + days).label(f"{name}__utc")]

    def _judge(self, row: Any) -> list[Refusal]:
        """What may be wrong with a row, in the order in which it is told."""
        found = list(self._no_row(row))
        for name in (name for name, field in self.fields.items() if field.value is None):
            match self.kinds[name]:
                case "instant" | "date":
                    found += self._no_time(name, row)
                case "number" | "whole" | "duration":
                    found += self._no_number(name, row)
                case "yes_no":
                    column, given = self._told(name, row)
                    unread = and_(given.is_not(None), row.c[name].is_(None))
                    found.append(Refusal(unread, column, given, "yes or no", "not yes or no"))
            found += self._not_told(name, row)
        return found

    def _told(self, name: str, row: Any) -> tuple[str, _Expr]:
        """The column that one of ours is read from, and the words in it."""
        return self.present(self.fields[name])[0], row.c[f"{name}__w"]

    def _no_row(self, row: Any) -> Iterator[Refusal]:
        nothing: _Expr = cast(null(), String)
        if "broken" in row.c:
            yield Refusal(row.c.broken.is_not(None), None, row.c.broken, "one JSON object", "a line that is no record")
        heading = [
            func.as_compared(row.c[f"{name}__w"]) == as_compared(self.present(one)[0])
            for name, one in self.fields.items()
            if one.value is None and one.join is None and len(self.present(one)) == 1 and f"{name}__w" in row.c
            and not one.pattern
        ][:3]  # fmt: skip
        if len(heading) > 1:
            yield Refusal(and_(*heading), None, nothing, "a row", "the heading, once more in the middle")

    def _no_time(self, name: str, row: Any) -> Iterator[Refusal]:
        field, (column, given) = self.fields[name], self._told(name, row)
        when: _Expr = row.c[name] if self.kinds[name] == "date" else row.c[f"{name}__utc"]
        if self.kinds[name] == "instant":
            when = func.coalesce(when, row.c[f"{name}__local"])
        read: _Expr = when.is_not(None)
        expected = " or ".join(field.formats)
        if field.days_after:
            read, expected = func.coalesce(is_days(TryCast(given, Float)), False), "a number of days"
        yield Refusal(and_(given.is_not(None), ~read), column, given, expected, "not a time")
        beyond = or_(func.year(when) < FIRST_YEAR, func.year(when) > LAST_YEAR)
        years = f"a year from {FIRST_YEAR} to {LAST_YEAR}"
        yield Refusal(beyond, column, given, years, "a year that cannot be")

    def _no_number(self, name: str, row: Any) -> Iterator[Refusal]:
        column, given = self._told(name, row)
        number = self._amount(name, given)
        unread = and_(given.is_not(None), func.isfinite(number).is_not(True))
        expected = "seconds, or a duration such as 0:01:23" if self._lasts(name) else "a number"
        yield Refusal(unread, column, given, expected, "not a number")
        if (most := self._most(name)) is not None:
            beyond = func.abs(self._scaled(name, number)) > most
            yield Refusal(beyond, column, given, f"a number up to {most:,}", "a number that cannot be")
        if name.endswith("_share"):
            beyond = ~row.c[name].between(0, 1)
            yield Refusal(beyond, column, given, "a share from 0 to 1, or a percentage", "not a share")

    def _not_told(self, name: str, row: Any) -> Iterator[Refusal]:
        """What is wrong with a row that says nothing in one of our columns which cannot be empty."""
        of_ours = self.mapping.target.c[name]
        always = not (of_ours.nullable or of_ours.info.get("derived"))
        if not (always or name in _MISSING) or (name == "status" and self.meanings(name) is not None):
            return
        column, given = self._told(name, row)
        if self.fields[name].phrases and self.fields[name].otherwise is None:
            fits = or_(*(func.regexp_matches(given, pattern, "i") for pattern, _ in self.fields[name].phrases))
            unread = func.coalesce(fits, False).is_(False)
            yield Refusal(unread, column, given, "words that one of the phrases fits", f"no {name}")
            return
        said = _MISSING.get(name, f"no {name.removesuffix('_at').replace('_', ' ')}")
        wanted = "an id" if said == "no id" else said.removeprefix("no ")
        if name in ("opened_at", "arrived_at"):
            wanted = " or ".join(self.fields[name].formats)
        yield Refusal(given.is_(None), column, given, wanted, said)

    def exchanged(self) -> dict[str, dict[str, str]]:
        """Of our columns of times, their formats that hold day and month, each with the two exchanged."""
        found = {}
        for name, one in self.fields.items():
            if one.value is None and not one.days_after and self.kinds[name] in ("instant", "date"):
                both = {form: exchanged(form) for form in one.formats if {"%d", "%m"} <= set(re.findall("%.", form))}
                found[name] = {form: other for form, other in both.items() if other not in one.formats}
        return {name: both for name, both in found.items() if both}

    def orders(self, name: str, form: str) -> Select:
        """How many values of a column of times only `form` reads, how many only its exchange, and one of these."""
        field = self.fields[name]
        words = select(self._told_in(name, field).label("words")).select_from(self._trim()).subquery("written")
        given: _Expr = words.c.words
        others = tuple(one for one in field.formats if one != form)
        read, turned = reads((form,), given), reads((exchanged(form),), given)
        known = reads(others, given) if others else literal(False)
        only, not_read = and_(read, ~turned, ~known), and_(turned, ~read, ~known)
        return select(
            func.count(case((only, 1))), func.count(case((not_read, 1))), func.min(case((not_read, given)))
        ).select_from(words)  # fmt: skip

    # ── step two: our rows ──────────────────────────────────────────────────────────────────────────

    def instants(self) -> list[str]:
        """Our columns of instants that may stand on a wall clock."""
        return [
            name
            for name, kind in self.kinds.items()
            if kind == "instant" and self.fields[name].value is None
        ]  # fmt: skip

    def zone_of(self, name: str, city_tz: str) -> str:
        """The zone of a time without an offset."""
        return self.fields[name].zone or city_tz

    def rows(self, import_id: str, city_tz: str, typed: TableClause) -> tuple[list[str], Select]:
        """The names of our columns, and the rows that were accepted."""
        found: dict[str, _Expr] = {}
        joined: Any = typed
        doubts: list[tuple[_Expr, _Expr]] = []
        for name in self.instants():
            field = self.fields[name]
            local: _Expr = typed.c[f"{name}__local"]
            utc: _Expr = typed.c[f"{name}__utc"]
            if field.end_of_day:
                local, utc = end_of_day(local), end_of_day(utc)
            zone = self.zone_of(name, city_tz)
            clock = named_table(CLOCK, *map(named_column, _CLOCK)).alias(f"clock_{name}")
            joined = joined.outerjoin(clock, and_(clock.c.zone == zone, clock.c.day == func.date_trunc("day", local)))
            instant, twice, never = localised(local, clock.c)
            found[name] = func.coalesce(utc, instant)
            doubts.append((and_(utc.is_(None), twice), and_(utc.is_(None), never)))
        for name in (name for name, kind in self.kinds.items() if kind == "duration"):
            lasts = func.to_microseconds(cast(func.round(typed.c[name] * 1_000_000), BigInteger))
            found[name] = found.get(self.fields[name].seconds_after, cast(null(), DateTime)) + lasts
        for name in self.phrased():
            said = named_table(phrase_table(name), named_column("words"), named_column("meaning", String))
            joined = joined.outerjoin(said, said.c.words == typed.c[self._phrased_in(name)])
            found[name] = func.coalesce(said.c.meaning, self.fields[name].otherwise)
        for name in self.fields:
            if name not in found:
                meant = self.meanings(name)
                if meant is None:
                    found[name] = typed.c[name]
                else:
                    joined, found[name] = self._meant(name, meant, typed.c[f"{name}__w"], joined)
        if self.mapping.table == "request" and "status" not in found:  # then the closing tells, see `mapping.check`
            found["status"] = case((found["closed_at"].is_not(None), "closed"), else_="new")
        if "closure_outcome" in found:  # how something ended is said of what has ended
            found["closure_outcome"] = case((found["status"].in_(sorted(CLOSED_STATUSES)), found["closure_outcome"]))
        joined = self._placed(found, joined, typed)
        names = [one.name for one in self.mapping.target.columns if one.name in found]
        flags: _Expr = literal(0)
        if doubts:
            flags = case((func.coalesce(or_(*(one for one, _ in doubts)), False), FLAGS["ambiguous_time"]), else_=0)
            flags += case((func.coalesce(or_(*(two for _, two in doubts)), False), FLAGS["nonexistent_time"]), else_=0)
        values = [found[one].label(one) for one in names]
        columns = {one.name for one in self.mapping.target.columns}
        key = self.mapping.target.primary_key
        if "src_id" in columns:
            own = next(iter(key)).name
            if "status" in names:
                flags += case((found["status"] == "unmapped", FLAGS["unmapped_status"]), else_=0)
            # Another version of DuckDB may hash otherwise; then one import counts as updated what stayed the same.
            # What a file has no column for is as empty as what is empty in its column.
            told = [one.name for one in self.mapping.target.columns if one.name in {*found, *self.mapping.columns}]
            hashed = func.hash(*(found.get(one, null()) for one in told))
            number = hashed.op("&")(literal_column(f"{_HASH_BITS}::UBIGINT"))
            values += [
                literal(self.mapping.src_system).label("src_system"), found[own].label("src_id"),
                literal(import_id).label("import_id"), cast(number, BigInteger).label("row_hash"),
                cast(flags, Integer).label("dq_flags"),
            ]  # fmt: skip
            names += ["src_system", "src_id", "import_id", "row_hash", "dq_flags"]
        if self.mapping.districts and "source_district" in found:
            values.append(self._district(found["source_district"]).label("district"))
            names.append("district")
        return names, select(*values).select_from(joined).where(typed.c.refusal == 0).order_by(typed.c.rowid)

    def _meant(self, name: str, meanings: Mapping[str, str], words: _Expr, joined: Any) -> tuple[Any, _Expr]:
        """`joined` with the table of what the words of one of our columns mean, and the meaning of a row's words."""
        field = self.fields[name]
        otherwise: Any = field.otherwise
        if otherwise is None:
            otherwise = literal("unmapped") if (self.mapping.table, name) == ("request", "status") else words
        if not meanings:
            return joined, literal(otherwise) if isinstance(otherwise, str) else otherwise
        known = values(named_column("word", String), named_column("meaning", String), name=f"means_{name}")
        known = known.data(list(meanings.items()))
        meant = func.coalesce(known.c.meaning, otherwise)
        return joined.outerjoin(known, known.c.word == func.as_compared(words)), meant

    def _placed(self, found: dict[str, _Expr], joined: Any, typed: TableClause) -> Any:
        """Fill lat and lon from projected coordinates, and leave out pairs that stand for nowhere."""
        place = self.mapping.place
        if self.projected:
            points = named_table(POINTS, *map(named_column, ("x", "y", "lat", "lon"))).alias("points")
            joined = joined.outerjoin(points, and_(points.c.x == typed.c.place__x, points.c.y == typed.c.place__y))
            for name in ("lat", "lon"):
                found[name] = func.coalesce(found[name], points.c[name]) if name in found else points.c[name]
        elif place and place.nowhere and {"lat", "lon"} <= set(found):
            lat, lon = found["lat"], found["lon"]
            nowhere = or_(*(and_(lat == one, lon == two) for one, two in place.nowhere))
            found["lat"], found["lon"] = case((nowhere, null()), else_=lat), case((nowhere, null()), else_=lon)
        return joined

    def _district(self, words: _Expr) -> _Expr:
        districts = self.mapping.districts
        aliases = dict(districts.aliases) if districts else {}
        if not aliases:
            return words
        whens = [(words == word, literal(meant) if meant else cast(null(), String)) for word, meant in aliases.items()]
        return case(*whens, else_=words)

    def typed_table(self) -> TableClause:
        """The table in which the rows of `typed` wait."""
        return named_table(
            TYPED, *(named_column(one.name, one.type) for one in self.typed.selected_columns), named_column("rowid")
        )


_CLOCK = ("zone", "day", "ends", "offset", "start", "again", "offset_2", "start_2", "again_2")


def phrase_table(name: str) -> str:
    """The table of what texts say of one of our columns."""
    return f"phrases_{name}"


def _head(name: str) -> str:
    return name.partition(".")[0]
