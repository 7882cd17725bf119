"""The rows behind a number: which requests a measure counts, a page at a time.

A list uses the very conditions of its measure, so it has as many rows as the number says. Of a closing that
happened twice there are two rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Select, String, case, cast, func, or_, select, true

from dashboard.domain.errors import BadRequest, UnknownName
from dashboard.domain.filters import Filters, civil_day
from dashboard.domain.policy import Permission, Scope
from data_access import schema
from data_access.ask import Reader, notes_on
from data_access.compile import Frame, counted_of, nearest, rows_of, with_values
from data_access.flags import FLAGS
from data_access.rewriting import columns_asked, put_to
from data_access.semantics import Fact, Measure, Spread, Standing, Total

_r, _e = schema.request.c, schema.request_episode.c
_CARRIED: dict[Any, Any] = {_r[of]: _e[own] for own, of in schema.OF_ITS_REQUEST.items()}
MOST = 100_000
"""No list is longer than this at once; on a screen it is paged, a file says that it was cut."""
PAGE = 500
"""A list up to this long is a page."""
DEEP = 1000
"""From so many rows down on, the engine no longer reads late by itself what it need not sort by."""


@dataclass(frozen=True)
class ListColumn:
    """A column of a list: what it is called, its kind (``text``, ``instant``, ``count``, ``s``) and who may read it."""

    name: str
    label: str
    value: ColumnElement = field(hash=False, compare=False)
    kind: str = "text"
    needs: Permission | None = None


_labels = [case((schema.bears(_r.dq_flags, name), flag.label)) for name, flag in FLAGS.items()]
_flags = case(
    (_r.dq_flags != 0, func.concat_ws("; ", *_labels, type_=String))
)  # most rows bear none: no words are made
COLUMNS: Mapping[str, ListColumn] = {
    column.name: column
    for column in (
        ListColumn("request_id", "Request", _r.request_id),
        ListColumn("public_id", "Public number", func.coalesce(_r.public_id, _r.request_id)),
        ListColumn("service_type", "Service type", _r.service_type),
        ListColumn("district", "District", _r.district),
        ListColumn("area", "Area", _r.area),
        ListColumn("opened_at", "Opened", _r.opened_at, "instant"),
        ListColumn("due_at", "Promised", _r.due_at, "instant"),
        ListColumn("status", "Status now", func.replace(_r.status, "_", " ")),
        ListColumn("department", "Department", _r.department),
        ListColumn("team", "Held by", _r.team),
        ListColumn("address", "Address", _r.address, needs=Permission.READ_ADDRESSES),
        ListColumn("closed_at", "Closed", _r.closed_at, "instant"),
        ListColumn("closure_outcome", "Outcome", func.replace(_r.closure_outcome, "_", " ")),
        ListColumn("channel", "Channel", func.replace(_r.channel, "_", "-")),
        ListColumn("priority", "Priority", _r.priority),
        ListColumn("promise_s", "Time promised", _r.promise_s, "s"),
        ListColumn("remaining_business_s", "Working time left", _r.remaining_business_s, "s"),
        ListColumn("reopen_count", "Reopened", func.coalesce(_r.reopen_count, 0), "count"),
        ListColumn("transfer_count", "Moved", func.coalesce(_r.transfer_count, 0), "count"),
        ListColumn("flags", "Flags", _flags),
    )
}


@dataclass(frozen=True)
class Condition:
    """A further condition of a reader on one column.

    `operator` is ``contains``, ``equals``, ``before`` or ``from`` (instants), ``missing`` or ``given``. A civil day as
    the value of an instant means the city's midnight at which it begins.
    """

    column: str
    operator: str
    value: str | int | date | datetime | None = None

    @classmethod
    def read(cls, text: str) -> Condition:
        """The condition that an address writes as ``column:operator:value``; BadRequest if it is none."""
        name, _, rest = text.partition(":")
        operator, _, value = rest.partition(":")
        kind = _known(name, COLUMNS).kind
        if operator not in OPERATORS:
            raise UnknownName("condition", operator, OPERATORS)
        if operator in ("missing", "given"):
            return cls(name, operator)
        if kind == "instant":
            return cls(name, operator, civil_day(value, COLUMNS[name].label))
        if kind == "s":
            raise BadRequest(f"“{COLUMNS[name].label}” can be sorted, not narrowed.")
        if kind == "count":
            if not value.isdecimal():
                raise BadRequest(f"“{COLUMNS[name].label}” is a number, not “{value}”.")
            return cls(name, operator, int(value[:9]))
        return cls(name, operator, value)

    def written(self) -> str:
        """The condition as an address writes it; `read` takes it back."""
        value = "" if self.value is None else f":{self.value}"
        return f"{self.column}:{self.operator}{value}"


OPERATORS = ("contains", "equals", "before", "from", "missing", "given")


@dataclass(frozen=True)
class Listing:
    """Which rows, in which order.

    Parameters
    ----------
    of
        The measure whose rows are listed; of a ratio those it is divided by.
    order
        Column names, ``-`` before one that falls; the request's number decides between equals.
    columns
        Those to bring, of the ones the viewer may read; none named are all.
    """

    of: Measure
    order: tuple[str, ...] = ("-opened_at",)
    limit: int = 100
    offset: int = 0
    conditions: tuple[Condition, ...] = ()
    search: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows:
    """A page of a list: `frame` has the columns of `COLUMNS` the viewer may read; `n` counts all rows there are."""

    listing: Listing
    frame: pd.DataFrame = field(compare=False)
    n: int
    as_of: datetime
    every: None = None
    notes: tuple[str, ...] = ()


def listable(measure: Measure) -> bool:
    """Whether `measure` counts requests, so that there is a list behind it."""
    counted = counted_of(measure)
    known = (schema.request, schema.request_episode)
    return isinstance(counted, Total | Standing | Spread) and counted.fact.table in known


def columns_for(permissions: Iterable[Permission]) -> list[ListColumn]:
    """The columns that somebody with `permissions` may read."""
    held = set(permissions)
    return [column for column in COLUMNS.values() if column.needs is None or column.needs in held]


def count_rows(
    reader: Reader, listing: Listing, filters: Filters, scope: Scope, frame: Frame, columns: Iterable[ListColumn]
) -> int:
    """How many rows there are, whatever page is asked for. Raises as `list_rows` does."""
    fact, conditions = _holding(listing, filters, scope, columns)
    counting = _from(fact, select(func.count().label("n")).where(*conditions))
    return int(reader.frame(_asked(counting, listing, filters, frame))["n"].iloc[0])


def list_rows(
    reader: Reader, listing: Listing, filters: Filters, scope: Scope, frame: Frame, columns: Iterable[ListColumn],
    n: int,
) -> Rows:  # fmt: skip
    """A page of the `n` rows that ``listing.of`` counts in `filters` and `scope`.

    Raises BadRequest if the measure counts no requests, UnknownName for a column that is not among `columns`.
    """
    known = {column.name: column for column in columns}
    fact, conditions = _holding(listing, filters, scope, known.values())
    order = [_order(name, known) for name in listing.order]
    wanted = [one for one in known.values() if not listing.columns or one.name in listing.columns]
    cells: list[ColumnElement] = [column.value.label(column.name) for column in wanted]
    is_joined = fact.table is not schema.request
    in_steps = is_joined or listing.offset >= DEEP
    notes = notes_on(listing.of, filters, scope)

    def read(statement: Select) -> pd.DataFrame:
        return reader.frame(_asked(statement, listing, filters, frame))

    def first(asked: Select) -> Select:
        ordered = _from(fact, asked.where(*conditions).order_by(*order, _r.request_id))
        return ordered.limit(min(listing.limit, MOST)).offset(listing.offset)

    if listing.limit > PAGE:  # a file: all rows sorted whole take more memory than there may be
        named = first(select(_r.request_id)).subquery()  # one that was closed twice is listed twice
        rows = select(*cells).select_from(schema.request.join(named, named.c.request_id == _r.request_id))
        return Rows(listing, read(rows.order_by(*order, _r.request_id)), n, frame.as_of, notes=notes)
    found = read(first(select(_r.request_id, _r.opened_at.label("opened_at")) if in_steps else select(*cells)))
    if in_steps:  # all rows sorted by a few columns, then those of the page read whole: twice as fast as both at once
        ids, opened = found["request_id"].tolist(), found["opened_at"]
        these = [_r.request_id.in_(ids)]  # which lie, in every table of them, in the order of their opening
        these += [_r.opened_at.between(opened.min().to_pydatetime(), opened.max().to_pydatetime())] if ids else []
        whole = read(select(*cells).where(*these))
        found = whole.set_index("request_id", drop=False).loc[ids].reset_index(drop=True)
    return Rows(listing, found, n, frame.as_of, notes=notes)


def _asked(statement: Select, listing: Listing, filters: Filters, frame: Frame) -> Select:
    """`statement` with its values; about what stands open it is put to the copies of what does."""
    moment = filters.period.to_on
    if isinstance(counted_of(listing.of), Standing):
        statement = nearest(statement, moment, frame)
    return with_values(statement, frame, moment, filters.period.from_on)


def _holding(
    listing: Listing, filters: Filters, scope: Scope, columns: Iterable[ListColumn]
) -> tuple[Fact, list[ColumnElement[bool]]]:
    """The fact whose rows are listed, and what holds for each of them."""
    known = {column.name: column for column in columns}
    fact, conditions = rows_of(listing.of, filters, scope)
    conditions += [_condition(one, known) for one in listing.conditions]
    if listing.search.strip():
        conditions.append(_found(listing.search.strip(), known))
    return fact, conditions


def _from(fact: Fact, statement: Select) -> Select:
    if fact.table is schema.request:
        return statement.select_from(schema.request)
    if fact.table is schema.request_episode:
        if columns_asked(statement, schema.request) <= _CARRIED.keys():  # the episodes tell it alone
            return put_to(statement, _CARRIED).select_from(schema.request_episode)
        joined = schema.request_episode.join(schema.request, _e.request_id == _r.request_id)
        return statement.select_from(joined)
    raise BadRequest(f"{fact.plural.capitalize()} cannot be listed.")


def _order(name: str, known: Mapping[str, ListColumn]) -> ColumnElement:
    column = _known(name.removeprefix("-"), known).value
    return column.desc().nulls_last() if name.startswith("-") else column.asc().nulls_last()


def _known(name: str, known: Mapping[str, ListColumn]) -> ListColumn:
    if name not in known:
        raise UnknownName("column", name, known)
    return known[name]


def _condition(one: Condition, known: Mapping[str, ListColumn]) -> ColumnElement[bool]:
    value = _known(one.column, known).value
    match one.operator:
        case "contains":
            return _has(cast(value, String), str(one.value))
        case "equals":
            return value == one.value
        case "before":
            return value < one.value
        case "from":
            return value >= one.value
        case "missing":
            return value.is_(None)
        case "given":
            return value.isnot(None)
    raise UnknownName("condition", one.operator, OPERATORS)


def _found(text: str, known: Mapping[str, ListColumn]) -> ColumnElement[bool]:
    """Rows whose number begins with `text`, or whose address has it, if the reader may read addresses."""
    places = [_has(known[name].value, text, at_its_beginning=True) for name in ("request_id", "public_id")]
    if "address" in known:
        places.append(_has(known["address"].value, text))
    return or_(*places) if places else true()


def _has(written: ColumnElement, text: str, at_its_beginning: bool = False) -> ColumnElement[bool]:
    """Whether `text` stands in what is written, whatever the case.

    The database makes small letters of both: of Σ and İ it makes others than Python does.
    """
    literally = text.replace("/", "//").replace("%", "/%").replace("_", "/_")
    sought = f"{'' if at_its_beginning else '%'}{literally}%"
    return func.lower(written).like(func.lower(sought), escape="/")
