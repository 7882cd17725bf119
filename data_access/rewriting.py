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


def parts_in(condition: ColumnElement[bool] | None) -> list[ColumnElement[bool]]:
    """What ``and_`` joins in a condition, however deep; nothing if it always holds."""
    if condition is None:
        return []
    if isinstance(condition, BooleanClauseList) and condition.operator is and_:
        return [part for one in condition.clauses for part in parts_in(one)]
    return [condition]


def holds(condition: ColumnElement[bool] | None, part: ColumnElement[bool]) -> bool:
    """Whether `part` is a part of it: that very object, as conditions are built from one another."""
    return any(one is part for one in parts_in(condition))


def besides(
    condition: ColumnElement[bool] | None, told: Sequence[ColumnElement[bool] | None]
) -> list[ColumnElement[bool]]:
    """The parts of a condition that do not hold already, where all of `told` do."""
    return [part for part in parts_in(condition) if not any(holds(one, part) for one in told)]


def put_to(question: Question, instead: Mapping[Any, Any]) -> Question:
    """The same with every part that is a key of `instead` replaced by what stands there."""

    def replaced(one: Any, **_: Any) -> Any:
        return instead.get(one)

    return visitors.replacement_traverse(question, {}, replaced)  # type: ignore[call-overload]
