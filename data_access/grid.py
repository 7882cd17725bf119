"""Divisions × steps of time: where the rows of several SELECTs meet, and how what they bring is added up and divided.

Everything is a dense array of one row per division and one column per step (a single one without steps), so that
merging, running sums and ratios are arithmetic on whole arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data_access.semantics import AMOUNTS, Array, Columns, Dimension, Measure, Query, Ratio, Spread


@dataclass(frozen=True)
class Read:
    """One SELECT's rows: which division and step each belongs to, and its columns."""

    division: Array
    step: Array
    table: pa.Table

    def numbers(self, name: str) -> Array:
        """A column as float64, 0 where it is null; whole numbers below 2^53 stay exact."""
        column = self.table.column(name)
        column = column if column.type == pa.float64() else column.cast(pa.float64())
        return np.asarray(pc.fill_null(column, 0.0) if column.null_count else column)


class Grid:
    """The divisions that any of the SELECTs found, and the steps of the question.

    Parameters
    ----------
    tables
        The rows of each SELECT, with whether they come in steps.
    by
        What they are divided by; each table has a column of that name.
    every, steps
        The name of the step's column, and the first civil day of every step; None for a question without steps.
    """

    def __init__(
        self, tables: Sequence[tuple[pa.Table, bool]], by: tuple[Dimension, ...], every: str | None,
        steps: pd.DatetimeIndex | None,
    ):  # fmt: skip
        self.by, self.every, self.steps = by, every, steps
        self.words: list[list[str]] = []
        keys = [np.zeros(table.num_rows, np.int64) for table, _ in tables]
        for dimension in by:
            words, codes = _codes(dimension, [table.column(dimension.name) for table, _ in tables])
            self.words.append(words)
            keys = [key * max(len(words), 1) + code for key, code in zip(keys, codes, strict=True)]
        found = np.unique(np.concatenate(keys)) if by else np.zeros(1, np.int64)
        self._codes: list[Array] = []
        rest = found
        for words in reversed(self.words):
            rest, code = np.divmod(rest, max(len(words), 1))
            self._codes.insert(0, code)
        self.shape = (len(found), len(steps) if steps is not None else 1)
        days = None if steps is None else steps.to_numpy().astype("datetime64[D]")
        self.read = [
            Read(np.searchsorted(found, key), _positions(table, every, days) if stepped else key * 0, table)
            for key, (table, stepped) in zip(keys, tables, strict=True)
        ]

    def summed(self, read: Read, name: str) -> Array:
        """A column of counts or sums, in its places; 0 where there is no row."""
        at = read.division * self.shape[1] + read.step
        return np.bincount(at, read.numbers(name), self.shape[0] * self.shape[1]).reshape(self.shape)

    def order(self, size: Array) -> Array:
        """The divisions in the order they are told in: ordered dimensions in their own, others by size, then name."""
        keys: list[Array] = []
        sizes = np.nansum(size, axis=1)
        for dimension, words, codes in zip(self.by, self.words, self._codes, strict=True):
            if dimension.ordered is not None:
                rank = {value: position for position, value in enumerate(dimension.ordered)}
                keys.append(np.array([rank.get(word, len(rank)) for word in words], dtype=float)[codes])
            else:
                by_value = np.bincount(codes, sizes, len(words))
                names = np.empty(len(words), np.int64)
                names[sorted(range(len(words)), key=words.__getitem__)] = np.arange(len(words))
                keys += [-by_value[codes], names[codes]]
        return np.lexsort(keys[::-1]) if keys else np.arange(self.shape[0])

    def rows(self, columns: dict[str, Array], order: Array, kept_steps: Array | None = None) -> Columns:
        """One row per division and step: dimensions, the step, then `columns` (arrays of the grid's shape)."""
        steps = np.arange(self.shape[1]) if kept_steps is None else kept_steps
        step = None
        if self.every is not None and self.steps is not None:
            step = (self.every, np.tile(self.steps.to_numpy()[steps], len(order)))
        return Columns(
            {
                dimension.name: (words, np.repeat(codes[order], len(steps)))
                for dimension, words, codes in zip(self.by, self.words, self._codes, strict=True)
            },
            step,
            {name: values[order][:, steps].ravel() for name, values in columns.items()},
        )


def _codes(dimension: Dimension, columns: Sequence[pa.ChunkedArray]) -> tuple[list[str], list[Array]]:
    """The words of a dimension in all SELECTs, and the place of each row's word among them."""
    if len(columns) > 1 and len({column.type for column in columns}) == 1:
        whole = pa.chunked_array([chunk for column in columns for chunk in column.chunks], columns[0].type)
        words, (codes,) = _codes(dimension, [whole])
        return words, np.split(codes, np.cumsum([len(column) for column in columns[:-1]]))
    known: dict[str, int] = {}
    found = []
    for column in columns:
        coded = column.combine_chunks().dictionary_encode()
        if isinstance(coded, pa.ChunkedArray):
            coded = coded.combine_chunks()
        words = [dimension.missing if raw is None else dimension.to_value(raw) for raw in coded.dictionary.to_pylist()]
        places = np.array([known.setdefault(word, len(known)) for word in words], dtype=np.int64)
        indices = coded.indices
        code = np.asarray(indices.fill_null(0)).astype(np.int64)
        code = places[code] if len(places) else code
        if indices.null_count:
            code[np.asarray(indices.is_null())] = known.setdefault(dimension.missing, len(known))
        found.append(code)
    return list(known), found


def _positions(table: pa.Table, every: str | None, days: Array | None) -> Array:
    assert every is not None and days is not None
    column = table.column(every)
    if column.type != pa.date32():
        column = column.cast(pa.timestamp("us")).cast(pa.date32())
    return np.searchsorted(days.astype(np.int64), np.asarray(column.cast(pa.int32()), dtype=np.int64))


def told_columns(query: Query, parts: dict[str, Array]) -> dict[str, Array]:
    """The measures asked for, in their order, counts as whole numbers; ratios stand beside their two totals."""
    columns: dict[str, Array] = {}
    for measure in query.measures:
        if isinstance(measure, Ratio):
            over, under = parts[measure.over.name], parts[measure.under.name]
            columns[measure.name] = np.divide(over, under, out=np.full(under.shape, np.nan), where=under != 0)
            for part in (measure.over, measure.under):
                columns.setdefault(part.name, _counted(part, parts[part.name]))
        elif isinstance(measure, Spread):
            columns |= {name: parts[name] for name in spread_columns(measure)}
            columns[f"{measure.name}_n"] = columns[f"{measure.name}_n"].astype(np.int64)
        else:
            columns.setdefault(measure.name, _counted(measure, parts[measure.name]))
    return columns


def spread_columns(measure: Spread) -> list[str]:
    """What the answer to a spread brings."""
    return [measure.name + end for end in ("", "_p90", "_n", "_ended_only")]


def _counted(measure: Measure, values: Array) -> Array:
    return values if measure.unit in AMOUNTS else values.astype(np.int64)
