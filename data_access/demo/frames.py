"""From numbers to frames: Arrow-backed columns, so that a million names cost no Python object each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

NEVER = 1 << 60  # an instant that does not come: stands for null in integer seconds
DAY = 86_400


def words(choices: Sequence[str] | pa.Array, codes: np.ndarray) -> pa.Array:
    """A string column: ``choices[code]`` for each code, null where a code is negative."""
    codes = np.asarray(codes)
    table = choices if isinstance(choices, pa.Array | pa.ChunkedArray) else pa.array(list(choices), pa.string())
    if codes.size and codes.min() < 0:
        return pc.take(table, pa.array(codes, pa.int64(), mask=codes < 0))
    return pc.take(table, pa.array(codes, pa.int64()))


def numbered(prefix: str, numbers: np.ndarray, width: int, where: np.ndarray | None = None) -> pa.Array:
    """A column of ids, ``prefix`` and a padded number; null where ``where`` is false."""
    numbers = np.asarray(numbers, dtype=np.int64)
    column = pa.array(numbers, mask=None if where is None else ~where)
    return pc.binary_join_element_wise(prefix, pc.utf8_lpad(pc.cast(column, pa.string()), width, "0"), "")


def instants(seconds: np.ndarray) -> pa.Array:
    """A timestamp column from whole UTC seconds; `NEVER` is null."""
    seconds = np.asarray(seconds, dtype=np.int64)
    return pa.array(seconds, mask=np.abs(seconds) >= NEVER).cast(pa.timestamp("s"))


def dates(days: np.ndarray, where: np.ndarray | None = None) -> pd.Series:
    """A civil-date column from days since 1970; null where ``where`` is false."""
    column = np.asarray(days, dtype="int64").astype("datetime64[D]").astype("datetime64[s]")
    if where is not None:
        column = np.where(where, column, np.datetime64("NaT"))
    return pd.Series(column)


def number_or_null(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """A float column, NaN where ``where`` is false."""
    return np.where(where, np.asarray(values, dtype=float), np.nan)


def frame(**columns: Any) -> pd.DataFrame:
    """A frame of Arrow, numpy or scalar columns, in the order given; strings arrive as pandas' ``str``."""
    length = next(len(c) for c in columns.values() if hasattr(c, "__len__") and not isinstance(c, str))
    made = {}
    for name, column in columns.items():
        if isinstance(column, pa.Array | pa.ChunkedArray):
            column = column.to_pandas()
        elif column is None or isinstance(column, str):
            column = pa.array([column], pa.string()).take(pa.array(np.zeros(length, np.int64))).to_pandas()
        made[name] = column
    return pd.DataFrame(made)
