"""Frames as Arrow, in the types of the table they are put into; what does not fit is said by the name of its column."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
from sqlalchemy import Boolean, Column, Date, DateTime, Float, Integer, Numeric, Table

from dashboard.domain.errors import BadRequest


def to_arrow(frame: pd.DataFrame, table: Table) -> pa.Table:
    """`frame` in the types of `table`, only the columns that are there.

    Raises BadRequest naming the column that does not fit.
    """
    arrays = {}
    for name in frame.columns:
        kind = _arrow_type(table.c[name])
        values = frame[name]
        try:
            arrays[name] = _as(values, kind)
        except (pa.ArrowException, ValueError, TypeError) as problem:
            raise BadRequest(f"Column “{name}” of “{table.name}” does not fit: {problem}") from problem
    return pa.table(arrays)


def _arrow_type(column: Column) -> pa.DataType:
    kind = column.type
    if isinstance(kind, Boolean):
        return pa.bool_()
    if isinstance(kind, DateTime):
        return pa.timestamp("us")
    if isinstance(kind, Date):
        return pa.date32()
    if isinstance(kind, Float | Numeric):
        return pa.float64()
    if isinstance(kind, Integer):
        return pa.int64()
    return pa.string()


def _as(values: pd.Series, kind: pa.DataType) -> pa.Array:
    try:
        found = pa.array(values, from_pandas=True)
    except pa.ArrowException:  # mixed Python objects
        found = pa.array(values.astype("string"), from_pandas=True)
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    if pa.types.is_temporal(kind):
        return found.cast(kind, safe=False)
    return found.cast(kind)
