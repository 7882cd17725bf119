"""Rows that an import refuses: each kept with its number, the column, the value and the reason, to be corrected."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, String, cast, func, literal_column, select
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table

from dashboard.domain.errors import BadRequest
from data_access.importers.asking import count_of, frame_of, register
from data_access.importers.mapping import SourceMapping
from data_access.importers.projection import Projection
from data_access.importers.sources import FORMULA, VIEW, Misshapen, Source, misshapen
from data_access.importers.times import reads


@dataclass
class Refusals:
    """What one import refused so far.

    `counted` tells how many rows for each reason; `exchanged` are columns of times whose day and month the mapping has
    the wrong way round.
    """

    connection: Connection
    import_id: str
    counted: Counter[str] = field(default_factory=Counter)
    exchanged: list[str] = field(default_factory=list)
    _rows: list[pd.DataFrame] = field(default_factory=list)

    def keep_misshapen(self, mapping: SourceMapping, source: Source, lost: Misshapen) -> None:
        """Keep lines of the wrong shape; what stands first is their id where that is the file's first column.

        Behind a lost delimiter nothing stands in its place.
        """
        if not len(lost):
            return
        rows = lost.rows
        delimiter = source.heading.delimiter if source.heading else ","
        cells = [_cells(line, delimiter) for line in rows["line"]]
        first = source.names[0]
        is_id = mapping.table == "request" and first in mapping.columns["request_id"].columns
        tells_id = is_id and "line" not in source.names  # else one of its columns would be taken for the whole line
        told = (
            {"line": line, first: own[0].strip()} if tells_id and own else {"line": line}
            for line, own in zip(rows["line"], cells, strict=True)
        )
        raw = [json.dumps(one, ensure_ascii=False) for one in told]
        width = [str(len(one)) for one in cells]
        value = pd.Series(width, index=rows.index).where(rows["reason"] == "wrong number of columns", None)
        self._keep(source.file, rows.drop(columns="line").assign(column_name=None, raw=raw, value=value))

    def keep_refused(self, source: Source, projection: Projection, typed: Any) -> None:
        """Keep the typed rows that were refused, each as it stands in its source."""
        refused = frame_of(
            self.connection,
            select(typed.c.rowid.label("row"), typed.c.refusal, typed.c.refused_value.label("value"))
            .where(typed.c.refusal > 0)
            .order_by(typed.c.rowid),
        )
        said = [projection.refusals[n - 1] for n in refused["refusal"]]
        register(self.connection, "refused_places", pa.table({"row": pa.array(refused["row"].to_numpy(), pa.int64())}))
        number = (func.row_number().over() - 1).label("row")
        numbered = (
            select(number, func.to_json(literal_column(VIEW)).label("raw")).select_from(source.relation).subquery()
        )
        asked = named_table("refused_places", named_column("row"))
        raw = frame_of(self.connection, select(numbered.c.row, cast(numbered.c.raw, String).label("raw")).where(
            numbered.c.row.in_(select(asked.c.row))).order_by(numbered.c.row))  # fmt: skip
        lost = misshapen(self.connection, source)
        numbers = _beside(refused["row"].to_numpy() + 1, lost.rows["row_number"].to_numpy(np.int64))
        self._keep(
            source.file,
            pd.DataFrame(
                {
                    "row_number": numbers, "column_name": [one.column for one in said],
                    "value": refused["value"].to_numpy(dtype=object), "expected": [one.expected for one in said],
                    "reason": [one.reason for one in said], "raw": raw["raw"].to_numpy(dtype=object),
                }
            ),
        )  # fmt: skip

    def compare_orders(self, source: Source, projection: Projection, typed: Any) -> Iterator[str]:
        """Tell of times that are refused, and can be read with day and month exchanged.

        Where these are more than those that can be read only as the mapping says, it has the order wrong, and those
        that can be read either way are misread.
        """
        for name, formats in projection.exchanged().items():
            column = projection.present(projection.fields[name])[0]
            known = enumerate(projection.refusals, 1)
            told = [n for n, one in known if (one.column, one.reason) == (column, "not a time")]
            for form, other in formats.items():
                fitting = typed.c.refusal.in_(told) & reads((other,), typed.c.refused_value)
                if not count_of(self.connection, typed, fitting):
                    continue
                right, wrong, such = self.connection.execute(projection.orders(name, form)).one()
                misshapen(self.connection, source)  # told once already
                yield (
                    f"{source.file}: {wrong:,} values of {column}, such as “{such}”, are times by {other} and not by "
                    f"{form}, {right:,} the other way round: are day and month exchanged?"
                )
                self.exchanged += [column] if wrong > right else []

    def _keep(self, file: str, rows: pd.DataFrame) -> None:
        told = zip(rows["reason"], rows["column_name"].fillna(""), strict=True)
        self.counted.update(reason + (f" in {column}" if column else "") for reason, column in told)
        self._rows.append(rows.assign(import_id=self.import_id, file=file))

    def rows(self, files: Iterable[str]) -> pd.DataFrame:
        """The refused rows in the order of their files."""
        if not self._rows:
            return pd.DataFrame()
        found = pd.concat(self._rows, ignore_index=True)
        order = {file: n for n, file in enumerate(files)}
        return found.assign(_at=found["file"].map(order)).sort_values(["_at", "row_number"]).drop(columns="_at")


_FORMULA = rf"^(?![+-]?[0-9.,]+$)(?={FORMULA})"


def without_formulas(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows as a spreadsheet may open them: “'” stands before what it would take for a formula."""
    return rows.replace({_FORMULA: "'"}, regex=True)


def in_their_files(refused: pd.DataFrame, headings: Mapping[str, tuple[Sequence[str], str]]) -> pd.DataFrame:
    """The refused rows in the shape of their file, to be corrected in a spreadsheet and imported again.

    Columns that say why come first; an import passes over them.
    """
    rows = []
    told = ("file", "row_number", "column_name", "value", "expected", "reason", "raw")
    for file, number, column, value, expected, reason, raw in (
        refused[list(told)].itertuples(index=False, name=None) if len(refused) else ()
    ):
        names, delimiter = headings[file]
        held = json.loads(raw)
        if "line" in held and "line" not in names:
            cells = _cells(held["line"], delimiter)
            held = dict(zip(names, cells, strict=False))
        said = {"refused_file": file, "refused_row": number, "refused_column": column, "refused_value": value,
                "refused_expected": expected, "refused_reason": reason}  # fmt: skip
        rows.append(said | {name: held.get(name) for name in names})
    return without_formulas(pd.DataFrame(rows))


def first_of(refused: pd.DataFrame) -> str:
    """What is wrong with the first refused row, in a sentence."""
    if refused.empty:
        return ""
    row = refused.iloc[0].fillna("")
    value = f": “{row['value']}”" if row["value"] else ""
    expected = f", expected {row['expected']}" if row.get("expected") else ""
    column = f" in {row['column_name']}" if row["column_name"] else ""
    return f" The first: row {row['row_number']}, {row['reason']}{column}{value}{expected}."


def allowed_refusals(said: str | None, read: int) -> float | None:
    """How many of `read` rows may be refused, as a person says it: ``10`` or ``1%``; None for no limit.

    Raises BadRequest if it is neither.
    """
    if said is None:
        return None
    share = said.strip().endswith("%")
    try:
        number = float(said.strip().rstrip("%"))
    except ValueError:
        number = -1
    if not number >= 0:
        raise BadRequest(f"“{said}” is no number of rows; --max-refused wants 10 or 1%.")
    return number / 100 * read if share else number


def _cells(line: str, delimiter: str) -> list[str]:
    """The cells of a misshapen line, as far as it has any."""
    try:
        return next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter), [])
    except csv.Error:
        return line.split(delimiter)


def _beside(positions: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Row numbers of rows counted by themselves (from 1), where rows with the numbers `taken` lie between them."""
    taken = np.sort(taken)
    before = taken - np.arange(1, len(taken) + 1)  # how many rows of the other kind precede each
    return positions + np.searchsorted(before, positions - 1, side="right")
