"""The words that declarations are made of: facts, dimensions, the five kinds of measure, queries and answers.

A measure is declared once as a SQLAlchemy Core expression; nothing here asks, and nothing here knows the screen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from sqlalchemy import Column, ColumnElement, Date, DateTime, Integer, Table, bindparam

from dashboard.domain.errors import BadRequest

# Values that only the question knows, by name inside declarations.
AS_OF: ColumnElement[datetime] = bindparam("as_of", type_=DateTime())
"""The data's clock: what was recorded later does not exist."""
MOMENT_ON = bindparam("moment_on", type_=Date())
"""A Standing is counted at the beginning of this civil day."""
SINCE_ON = bindparam("since_on", type_=Date())
"""The first civil day that is asked about; what looks back further than that knows how far."""
ANSWER_WITHIN_S = bindparam("answer_within_s", type_=Integer())
SHORT_ABANDON_S = bindparam("short_abandon_s", type_=Integer())

AMOUNTS = ("s", "working s", "s²", "h", "money", "10,000 stops", "1,000 months")
"""Units of which there are parts; everything else is counted."""

EVERY = ("day", "week", "month", "quarter", "year")


@dataclass(frozen=True)
class Fact:
    """A table that measures count.

    Parameters
    ----------
    plural
        What its rows are called: “requests”.
    known_at
        The instant a row came to exist; rows later than `as_of` are left out.
    ends
        Columns that are unknown until they happen: ``{instant: its civil date, or None}``, which read as null before.
    counted
        Which rows measures may count at all (information-only rows are no requests, measures R10).
    first_report
        Which rows stand for an incident; the others report what is known already. None where there is no such thing.
    is_served
        Whether its rows are what is served (rounds, assets), not what came in: none is of a sensitive service type, and
        none says how frequent a value is.
    known_on
        The civil day of `known_at`, if every row has one and counts: sums counted by it beforehand leave none out.
    by_year
        Whether it is known by the fiscal year only. Questions about it are asked of all days of the fiscal years that
        their period touches (`domain.fiscal_years`), and in no steps of time.
    """

    name: str
    plural: str
    table: Table
    known_at: Column
    ends: Mapping[Column, Column | None] = field(default_factory=dict, hash=False)
    counted: ColumnElement[bool] | None = field(default=None, hash=False, compare=False)
    first_report: ColumnElement[bool] | None = field(default=None, hash=False, compare=False)
    known_on: Column | None = field(default=None, hash=False, compare=False)
    by_year: bool = False
    is_served: bool = False


@dataclass(frozen=True)
class Dimension:
    """A way to divide the city.

    Parameters
    ----------
    columns
        For each fact's name the expression that carries the dimension; a fact that is not named cannot be
        divided or narrowed by it.
    ordered
        The values in their own order (bands, hours); None sorts by name or by size.
    missing
        What a row without a value is called.
    standing_only
        True for bands of age: they exist only at a moment.
    of_people
        True if its values are people: an answer tells them apart only for those who may know them (`Scope.people`).
    to_value, to_column
        Between the value of a filter and what the column holds.
    in_words
        From a value to what it is called in chips and sentences: hour 34 is “Tuesday 10:00”. Ask `say`.
    """

    name: str
    label: str
    about: str
    columns: Mapping[str, ColumnElement] = field(hash=False, compare=False)
    ordered: tuple | None = None
    missing: str = "not recorded"
    standing_only: bool = False
    of_people: bool = False
    to_value: Callable = field(default=str, hash=False, compare=False)
    to_column: Callable = field(default=str, hash=False, compare=False)
    in_words: Callable[[str], str] = field(default=str, hash=False, compare=False)

    @property
    def has_codes(self) -> bool:
        """Whether values are codes that stand for themselves (places on a grid), not names to choose from."""
        return self.ordered is None and self.to_column is not str

    def say(self, value: str) -> str:
        """`value` in words; as it is if there can be no such value."""
        try:
            return value if value == self.missing else self.in_words(value)
        except (ValueError, IndexError):
            return value

    def column_value(self, value: str):
        """What the column holds for `value`; BadRequest if there can be no such value."""
        try:
            if self.ordered is not None and value not in self.ordered:
                raise ValueError(value)
            return self.to_column(value)
        except (ValueError, KeyError, OverflowError):
            raise BadRequest(f"“{value}” is no {self.label.lower()}.") from None


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What every measure says of itself (measures R8).

    `unit` is what is counted (``requests``, ``contacts``, ``rounds`` …), or ``share``, ``ratio``, or one of `AMOUNTS`:
    ``s`` (seconds), ``working s`` (seconds of opening hours, which are no parts of days), ``s²`` (squares of seconds,
    added up), ``h`` (hours), ``money`` (in the city's currency), ``10,000 stops``, ``1,000 months``. `better` is
    ``higher``, ``lower`` or None where neither is good in itself.
    """

    name: str
    label: str
    unit: str
    about: str
    source: str
    better: str | None = None
    formula: str = ""


@dataclass(frozen=True, kw_only=True)
class Total(Measure):
    """Adds over rows: `value` is an aggregate, dated by the civil day in `on`; with a `where` it counts rows.

    `by_custom` tells, for a total that depends on how the service level is counted, which other one it is under each
    way of counting.
    """

    fact: Fact
    value: ColumnElement = field(hash=False, compare=False)
    on: Column
    where: ColumnElement[bool] | None = field(default=None, hash=False, compare=False)
    by_custom: Mapping[str, Total] | None = field(default=None, hash=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Standing(Measure):
    """What is open at a moment: adds over departments, never over days.

    A row stands from the civil day `start_on` (inclusive) until `end_on` (exclusive; null: still standing).
    """

    fact: Fact
    start_on: ColumnElement = field(hash=False, compare=False)
    end_on: ColumnElement = field(hash=False, compare=False)
    where: ColumnElement[bool] | None = field(default=None, hash=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Exposure(Measure):
    """How long things were there to fail or to be used, within the period: adds over rows and over time.

    A row counts the days from the civil day `start_on` (inclusive) until `end_on` (exclusive; null: it goes on) that
    lie in the period, in units of so many days. It is told of a period as a whole, not in steps.
    """

    fact: Fact
    start_on: ColumnElement = field(hash=False, compare=False)
    end_on: ColumnElement = field(hash=False, compare=False)
    unit_days: float


@dataclass(frozen=True, kw_only=True)
class Ratio(Measure):
    """One total (or standing) over another, or over an exposure; each added up first, divided last (measures R4)."""

    over: Total | Standing
    under: Total | Standing | Exposure


@dataclass(frozen=True, kw_only=True)
class Spread(Measure):
    """A distribution of durations, with those still running counted as running.

    `duration_s` is the duration so far in seconds, `has_ended` tells which are over. Answers come as
    ``<name>`` (median, still-running included), ``<name>_p90``, ``<name>_n`` and ``<name>_ended_only``.
    """

    fact: Fact
    duration_s: ColumnElement = field(hash=False, compare=False)
    has_ended: ColumnElement[bool] = field(hash=False, compare=False)
    on: Column
    where: ColumnElement[bool] | None = field(default=None, hash=False, compare=False)


@dataclass(frozen=True)
class Query:
    """A question: which measures, divided how, in which steps of time.

    `every` is one of `EVERY`, ``"auto"`` (as fine as the period is long), ``"weeks"`` (the same, never finer than
    a week) or None for the period as a whole. Of totals in steps of a day `days` are those that are told; None is all.
    """

    measures: tuple[Measure, ...]
    by: tuple[Dimension, ...] = ()
    every: str | None = None
    days: tuple[date, ...] | None = None

    def __post_init__(self):
        if self.every not in (None, "auto", "weeks", *EVERY):
            raise BadRequest(f"“{self.every}” is no step of time; choose one of {', '.join(EVERY)}.")
        if self.days is not None and not (self.every == "day" and all(isinstance(one, Total) for one in self.measures)):
            raise BadRequest("Only totals in steps of a day are told of some days.")


Array = npt.NDArray[Any]
_TEXT = pd.StringDtype(na_value=np.nan)


@dataclass(frozen=True, eq=False)
class Columns:
    """The rows of an answer, column by column: a frame takes longer to make than most questions to answer.

    Parameters
    ----------
    words
        Of each dimension its words, and of every row the place of its word among them.
    step
        The name of the step of time, and the first civil day of every row's; None without steps.
    numbers
        The measures by name, and what comes with them.
    """

    words: Mapping[str, tuple[list[str], Array]]
    step: tuple[str, Array] | None
    numbers: Mapping[str, Array]

    def frame(self) -> pd.DataFrame:
        """The same as `Answer.frame` tells it."""
        told: dict[str, Any] = {}
        for name, (words, codes) in self.words.items():
            told[name] = _TEXT.__from_arrow__(pa.array(words, pa.string()).take(pa.array(codes)))  # type: ignore[attr-defined]
        if self.step is not None:
            name, days = self.step
            told[name] = days
        return pd.DataFrame(told | dict(self.numbers))


@dataclass(frozen=True)
class Answer:
    """What came back.

    `frame` has one row per division: first the dimensions' names, then ``day``/``week``/… (the first civil day of
    the step) if the question had steps, then the measures' names; ratios are accompanied by the two totals
    they are made of. It is made of `rows` when it is asked for. `notes` are sentences the reader must see with it.
    """

    query: Query
    rows: Columns | pd.DataFrame = field(compare=False)
    as_of: datetime
    every: str | None = None
    notes: tuple[str, ...] = ()
    left_out: tuple[tuple[date, date], ...] = ()

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The rows as a frame."""
        return self.rows.frame() if isinstance(self.rows, Columns) else self.rows

    def column(self, name: str) -> Array:
        """A measure's numbers, the first days of the steps (datetime64) or words, row by row; makes no frame."""
        rows = self.rows
        if not isinstance(rows, Columns):
            return rows[name].to_numpy()
        if rows.step is not None and rows.step[0] == name:
            return rows.step[1]
        if name in rows.words:
            words, codes = rows.words[name]
            return np.array(words, dtype=object)[codes]
        return rows.numbers[name]

    def numbers(self) -> dict[str, Array]:
        """All columns of numbers; makes no frame."""
        if isinstance(self.rows, Columns):
            return dict(self.rows.numbers)
        return {str(name): values.to_numpy() for name, values in self.rows.select_dtypes("number").items()}

    def coded(self, name: str) -> tuple[list[str], Array]:
        """The words of a dimension, and of every row the place of its word among them; makes no frame."""
        if isinstance(self.rows, Columns):
            return self.rows.words[name]
        codes, words = pd.factorize(self.rows[name])
        return list(words), codes

    def sums(self, name: str, *measures: str) -> tuple[list[str], list[Array]]:
        """The words of a dimension, and of each measure its sum for each of them."""
        words, codes = self.coded(name)
        return words, [np.bincount(codes, self.column(measure).astype(float), len(words)) for measure in measures]

    def value(self, measure: Measure | str) -> float | None:
        """The single number of an undivided answer; None if there is nothing to divide by."""
        name = measure if isinstance(measure, str) else measure.name
        column = self.rows.numbers[name] if isinstance(self.rows, Columns) else self.rows[name].to_numpy()
        return None if len(column) == 0 or pd.isna(column[0]) else float(column[0])
