"""Pages of records, as they are kept."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import select

from data_access import schema
from data_access.ask import Reader


def refused_rows(reader: Reader, limit: int = 10_000) -> pd.DataFrame:
    """The rows that imports refused, file by file.

    Columns: file, row_number, column_name, value, expected, reason. For the city's own operators: a value may hold
    anything the source held.
    """
    t = schema.refused_row.c
    columns = (t.file, t.row_number, t.column_name, t.value, t.expected, t.reason)
    return reader.frame(select(*columns).order_by(t.file, t.row_number).limit(limit))
