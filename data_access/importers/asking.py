"""What the steps of an import ask of the build's own DuckDB, and what they let it know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, Select, func, literal_column, select

from data_access.engine import to_pandas


def frame_of(connection: Connection, statement: Select) -> pd.DataFrame:
    """An answer in the types that `engine.to_pandas` promises."""
    cursor: Any = connection.execute(statement).cursor
    return to_pandas(cursor.to_arrow_table())


def count_of(connection: Connection, table: Any, *conditions: Any) -> int:
    """How many rows of a table meet the conditions."""
    return connection.scalar(select(func.count()).select_from(table).where(*conditions)) or 0


def counted(connection: Connection, columns: Sequence[Any], *conditions: Any) -> list[tuple]:
    """The different rows of some columns, each with how often it stands there; the most frequent first."""
    n = func.count().label("n")
    statement = select(*(one.label(f"c{i}") for i, one in enumerate(columns)), n).where(*conditions)
    grouped = statement.group_by(*(literal_column(f"c{i}") for i in range(len(columns))))
    return [tuple(row) for row in connection.execute(grouped.order_by(n.desc()))]


def register(connection: Connection, name: str, rows: pa.Table) -> None:
    """Let rows be asked for as a table of that name, without copying them."""
    driver: Any = connection.connection.driver_connection
    driver.register(name, rows)
