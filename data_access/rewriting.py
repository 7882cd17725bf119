"""A question about one table as a question about another that tells the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import ClauseElement, Column, Table
from sqlalchemy.sql import visitors

Question = TypeVar("Question", bound=ClauseElement)


def columns_asked(question: ClauseElement, table: Table) -> set[Column]:
    """The columns of `table` that are named in it."""
    return {one for one in visitors.iterate(question) if isinstance(one, Column) and one.table is table}


def put_to(question: Question, instead: Mapping[Any, Any]) -> Question:
    """The same with every part that is a key of `instead` replaced by what stands there."""

    def replaced(one: Any, **_: Any) -> Any:
        return instead.get(one)

    return visitors.replacement_traverse(question, {}, replaced)  # type: ignore[call-overload]
