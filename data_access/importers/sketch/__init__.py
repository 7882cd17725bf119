"""A first mapping for a file nobody has described, as TOML to be corrected by hand; it guesses, and says where.

Every guess that is no more than one carries the word “doubt”.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from sqlalchemy import String, create_engine, func, or_, select
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table

from dashboard.domain.errors import ImportRefused
from data_access.dialects import Macros, TableOf
from data_access.importers.mapping import Reading
from data_access.importers.sketch.guessing import guesses
from data_access.importers.sketch.looking import column_of, opened_out, told_apart_by, told_with, words_for_nothing
from data_access.importers.sketch.writing import written
from data_access.importers.sources import BROKEN, open_source

_LOOKED_AT = 50_000


def sketch_of(path: Path, encoding: str = "") -> str:
    """The TOML of a first mapping for a file.

    `encoding` says what it is written in, where that cannot be seen.

    Raises ImportRefused if the file cannot be read at all.
    """
    engine = create_engine("duckdb:///:memory:", connect_args={"config": {"threads": "2"}})
    with tempfile.TemporaryDirectory() as folder, engine.connect() as connection:
        connection.execute(Macros())
        source = open_source(connection, path, Reading(encoding=encoding), Path(folder))
        names = [one for one in source.names if one != BROKEN]
        given = source.relation
        filled = or_(*(func.trim(one) != "" for one in given.c))
        connection.execute(TableOf("looked", select(given).where(filled).limit(_LOOKED_AT)))
        looked = named_table("looked", *(named_column(one, String) for one in names))
        looked = opened_out(connection, looked)
        names = [one.name for one in looked.c]
        rows = connection.scalar(select(func.count()).select_from(looked)) or 0
        if not rows:
            raise ImportRefused(path.name, "there is a heading, and not one row under it.")
        nulls = words_for_nothing(connection, looked)
        columns = [column_of(connection, looked, name, nulls) for name in names]
        found = guesses(columns, rows)
        together = ([], 0) if "request_id" in found else told_apart_by(connection, looked, columns, found)
        told = told_with(connection, looked, columns, found)
        found = {ours: one for ours, one in found.items() if one not in told.values()} | told
        text = "\n".join(written(path, source, encoding, columns, found, together, nulls, rows)) + "\n"
    engine.dispose()
    return text
