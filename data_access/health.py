"""What the data says of itself: what was imported and refused, what is flagged, and what its records leave out.

Counts of requests and contacts are those that the measures *requests opened* and *contacts* count, in the viewer's
scope and under the reader's filters, so that they agree with every other number. Of imports only counts and the words
of the mapping are told: no value of a refused row is ever selected.

Source: measures reference, section 0.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Select, case, func, select

from dashboard.domain.filters import Filters
from dashboard.domain.policy import Scope
from data_access import schema
from data_access.ask import Reader, notes_on
from data_access.compile import Frame, rows_of, with_values
from data_access.measures.contacts import contacts
from data_access.measures.requests import opened
from data_access.semantics import Total

MOST_IMPORTS = 5_000
"""Of more imports only the newest are told."""
_r = schema.request.c
GIVEN: Mapping[str, ColumnElement] = {
    "service_type": _r.service_type,
    "department": _r.department,
    "district": _r.district,
    "channel": _r.channel,
    "priority": _r.priority,
    "location": _r.lat,
    "address": _r.address,
    "due_at": _r.due_at,
}
"""What a record of a request should hold, by the names of a list's columns where it has them."""
COUNTED: Mapping[str, Total] = {"request": opened, "contact": contacts}
"""The measures whose rows are looked at, by their facts."""


@dataclass(frozen=True)
class Health:
    """A question about the data itself.

    `part` is one of: ``imports`` and what they brought, the newest first; rows ``refused`` and not corrected
    since, by source, column and reason; words ``unknown`` to the mapping, from the last import of each source; what is
    ``unrecorded`` (`records`, told by the services); rows ``flagged``, by flag; values ``given``, by column. The last
    two are about rows of `fact`.
    """

    part: str
    fact: str = "request"


@dataclass(frozen=True)
class Told:
    """The answer to a `Health`: `frame` as its part says, and `n`, of how many rows it tells.

    Of those `some` bear a flag, where flags are asked about.
    """

    question: Health
    frame: pd.DataFrame = field(compare=False)
    n: int
    as_of: datetime
    some: int = 0
    every: None = None
    notes: tuple[str, ...] = ()


def read_health(
    reader: Reader, question: Health, filters: Filters, scope: Scope, frame: Frame, has: Callable[[str], bool]
) -> Told:
    """Answer a question about the data; `has` tells whether the build holds a table.

    ``imports``: import_id, source, file, imported_at, source_as_of, read, accepted, updated, unchanged, refused;
    `n` rows read. ``refused``: source, column_name, reason, expected, rows, files; `n` rows refused.
    ``unknown``: source, column_name, word, rows; `n` words. ``flagged``: flag, rows, the most first; ``given``:
    column_name, given, missing; `n` rows looked at.
    """
    if question.part in _OF_IMPORTS:
        rows, n = _OF_IMPORTS[question.part](reader, has)
        return Told(question, rows, n, frame.as_of)
    measure = COUNTED[question.fact]
    notes = notes_on(measure, filters, scope)
    if question.part == "given":
        given, n = _counted(reader, list(GIVEN.values()), measure, filters, scope, frame)
        told = pd.DataFrame({"column_name": list(GIVEN), "given": given, "missing": [n - one for one in given]})
        return Told(question, told, n, frame.as_of, notes=notes)
    bits = measure.fact.table.c.dq_flags
    borne = [schema.bears(bits, flag) for flag in schema.FLAGS]
    (*found, some), n = _counted(
        reader, [case((one, 1)) for one in (*borne, bits != 0)], measure, filters, scope, frame
    )
    told = pd.DataFrame({"flag": list(schema.FLAGS), "rows": found})
    told = told[told["rows"] > 0].sort_values("rows", ascending=False, kind="stable", ignore_index=True)
    return Told(question, told, n, frame.as_of, some, notes=notes)


# ── rows of facts ───────────────────────────────────────────────────────────────────────────────────


def _counted(
    reader: Reader, values: list[ColumnElement], measure: Total, filters: Filters, scope: Scope, frame: Frame
) -> tuple[list[int], int]:
    """How many rows that `measure` counts have each of these values, and how many there are."""
    fact, conditions = rows_of(measure, filters, scope)
    labelled = [func.count(value).label(f"c{i}") for i, value in enumerate(values)]
    asked = select(*labelled, func.count().label("n")).select_from(fact.table).where(*conditions)
    row = reader.table(with_values(asked, frame, filters.period.to_on)).to_pylist()[0]
    return [int(row[one.name]) for one in labelled], int(row["n"])


# ── imports ─────────────────────────────────────────────────────────────────────────────────────────

_TOLD = (
    "import_id", "source", "file", "imported_at", "source_as_of", "read", "accepted", "updated", "unchanged", "refused",
)  # fmt: skip


def _imports(reader: Reader, has: Callable[[str], bool]) -> tuple[pd.DataFrame, int]:
    b = schema.import_batch.c
    if not has(schema.import_batch.name):
        return pd.DataFrame(columns=list(_TOLD)), 0
    newest = select(*(b[name] for name in _TOLD)).order_by(b.imported_at.desc(), b.import_id.desc())
    rows = reader.frame(newest.limit(MOST_IMPORTS))
    return rows, int(rows["read"].sum())


def _refused(reader: Reader, has: Callable[[str], bool]) -> tuple[pd.DataFrame, int]:
    b, r = schema.import_batch.c, schema.refused_row.c
    keys = [b.source, r.column_name, r.reason, r.expected]
    names = [*(one.name for one in keys), "rows", "files"]
    if not (has(schema.import_batch.name) and has(schema.refused_row.name)):
        return pd.DataFrame(columns=names), 0
    counts: Select[Any] = select(*keys, func.count().label("rows"), func.count(r.file.distinct()).label("files"))
    counts = counts.join_from(schema.refused_row, schema.import_batch, r.import_id == b.import_id, isouter=True)
    rows = reader.frame(counts.group_by(*keys).order_by(func.count().desc(), *keys))
    return rows, int(rows["rows"].sum())


def _unknown(reader: Reader, has: Callable[[str], bool]) -> tuple[pd.DataFrame, int]:
    b, found = schema.import_batch.c, []
    if has(schema.import_batch.name):
        place = func.row_number().over(partition_by=b.source, order_by=(b.imported_at.desc(), b.import_id.desc()))
        newest = select(b.source, b.report, place.label("place")).subquery()
        reports = reader.frame(select(newest.c.source, newest.c.report).where(newest.c.place == 1).order_by("source"))
        for source, text in reports.dropna().itertuples(index=False):
            for column, words in json.loads(text).get("unmapped", {}).items():
                found += [(source, column, word, int(n)) for word, n in words.items()]
    rows = pd.DataFrame(found, columns=["source", "column_name", "word", "rows"])
    return rows.sort_values("rows", ascending=False, kind="stable", ignore_index=True), len(rows)


_OF_IMPORTS = {"imports": _imports, "refused": _refused, "unknown": _unknown}
UNRECORDED = "unrecorded"
OF_RECORDS = ("not_recorded", "would_tell", "to_import")
"""What is told of each thing that the city does not record (`data_access.records`)."""
OF_IMPORTS = frozenset({*_OF_IMPORTS, UNRECORDED})
"""The parts of `Health` that are about the whole city's imports."""
