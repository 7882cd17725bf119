"""A question about one table as a question about another that tells the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ClauseElement, Column, ColumnElement, Table
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BooleanClauseList
from sqlalchemy.sql.operators import and_

Question = TypeVar("Question", bound=ClauseElement)


def columns_asked(question: ClauseElement, table: Table) -> set[Column]:
    """The columns of `table` that are named in it."""
    return {one for one in visitors.iterate(question) if isinstance(one, Column) and one.table is table}


def shared(conditions: Sequence[ColumnElement[bool] | None]) -> tuple[list[ColumnElement[bool]], list[list]]:
    """The parts that hold in all of these conditions, and those that each has besides; None is one that always holds.

    Parts are what ``and_`` joins, the same where they are one object: as conditions are built from one another.
    """
    apart = [[] if one is None else _parts(one) for one in conditions]
    common = [part for part in apart[0] if all(any(part is other for other in parts) for parts in apart[1:])]
    return common, [[part for part in parts if not any(part is one for one in common)] for parts in apart]


def _parts(condition: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    if isinstance(condition, BooleanClauseList) and condition.operator is and_:
        return [part for one in condition.clauses for part in _parts(one)]
    return [condition]


def put_to(question: Question, instead: Mapping[Any, Any]) -> Question:
    """The same with every part that is a key of `instead` replaced by what stands there."""

    def replaced(one: Any, **_: Any) -> Any:
        return instead.get(one)

    return visitors.replacement_traverse(question, {}, replaced)  # type: ignore[call-overload]
