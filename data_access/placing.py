"""The hexagons of the city with their names, districts and residents: SELECTs from which a build fills `place`.

Where a database that others filled has no such table, the same SELECT answers in its place.
"""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    case,
    cast,
    column,
    func,
    literal,
    literal_column,
    or_,
    select,
    values,
)
from sqlalchemy.types import Float, Integer, SmallInteger, String

from data_access import schema

RESOLUTIONS = (8, 9, 10)
"""Sizes of H3 hexagons: about 0.7, 0.1 and 0.015 km²."""
LEAST_NAMED = 3
"""A street names a place once so many of its requests lie in it: one address is nobody's business."""
KINDS = "avenue|ave|av|boulevard|blvd|court|ct|drive|dr|lane|ln|place|pl|road|rd|street|st|terrace|ter|way"
"""What a street is; with a number before it and nothing else, the number is its name."""
SECOND_STREET = 0.2
"""A second street is named if it is named at least so often for each time the first one is."""


def places(
    resolution: int,
    points: FromClause | None = None,
    named: FromClause | None = None,
    divided_twice: bool = True,
    among: ColumnElement[bool] | None = None,
) -> Select:
    """The rows of `place` of one size: resolution, cell, name, district, area, requests, residents.

    `points` has the columns ``cell`` and ``residents``: where people live; without it residents are null. `named` holds
    the rows of `streets`, if they are known already. Areas are null unless the city is `divided_twice`. `among` narrows
    to some requests. Those that lie outside every boundary make no place.
    """
    r = schema.request.c
    column = r[f"h3_{resolution}"]
    inside = r.dq_flags.op("&")(literal_column(str(schema.FLAGS["outside_boundary"]))) == 0
    known = select(column.label("cell"), r.district, r.area, r.address).where(
        column.is_not(None), or_(inside, r.dq_flags.is_(None)), *(() if among is None else (among,))
    )
    rows = known.cte(f"known_{resolution}")
    cells = select(rows.c.cell, func.count().label("n")).group_by(rows.c.cell).cte(f"cells_{resolution}")
    home = _most_of(rows.c.cell, rows.c.district, rows, f"home_{resolution}", least=1)
    named = streets(addresses()).subquery() if named is None else named
    on = rows.join(named, named.c.address == rows.c.address)
    street = _most_of(rows.c.cell, named.c.street, on, f"street_{resolution}", least=LEAST_NAMED)
    first, second = street.alias(f"first_{resolution}"), street.alias(f"second_{resolution}")
    both = second.c.n >= SECOND_STREET * first.c.n
    name = case((both, func.concat(first.c.value, " / ", second.c.value)), else_=first.c.value)
    joined = (
        cells.outerjoin(home, (home.c.cell == cells.c.cell) & (home.c.rank == 1))
        .outerjoin(first, (first.c.cell == cells.c.cell) & (first.c.rank == 1))
        .outerjoin(second, (second.c.cell == cells.c.cell) & (second.c.rank == 2))
    )
    area: ColumnElement = cast(literal_column("NULL"), String)
    if divided_twice:
        part = _most_of(rows.c.cell, rows.c.area, rows, f"part_{resolution}", least=1)
        joined = joined.outerjoin(part, (part.c.cell == cells.c.cell) & (part.c.rank == 1))
        area = part.c.value
    residents: ColumnElement = cast(literal_column("NULL"), Float)
    if points is not None:
        people = (
            select(points.c.cell, func.sum(points.c.residents).label("residents"))
            .group_by(points.c.cell)
            .cte(f"people_{resolution}")
        )
        joined = joined.outerjoin(people, people.c.cell == cells.c.cell)
        residents = func.coalesce(people.c.residents, 0.0)
    return select(
        cast(literal_column(str(resolution)), SmallInteger).label("resolution"), cells.c.cell, name.label("name"),
        home.c.value.label("district"), area.label("area"), cells.c.n.label("requests"), residents.label("residents"),
    ).select_from(joined)  # fmt: skip


def addresses() -> Select:
    """The addresses that requests name, each once."""
    return select(schema.request.c.address).where(schema.request.c.address.is_not(None)).distinct()


def streets(of: Select) -> Select:
    """The streets that addresses name: address, street; a crossing once for each of its streets.

    Of “12 Mercer St, 2nd floor” it is Mercer St.
    """
    addresses = of.subquery()
    plain = func.strpos(" \t\n\r\f\viI", func.left(addresses.c.address, 1)) == 0
    without = func.regexp_replace(addresses.c.address, r"^\s*(intersection\s+(of\s+)?)?", "", "i")
    text: ColumnElement = case((plain, addresses.c.address), else_=without)
    # Two spaces end the street in some exports; in others they stand between “East” and a number that is its name.
    text = func.regexp_replace(text, r"(^|\s)(east|west|north|south|[ewns])\s+", r"\1\2 ", "gi")
    line = func.split_part(func.split_part(func.replace(text, " / ", " & "), ",", 1), "  ", 1)
    # By itself, so that its expressions are worked out once and not in every condition on what becomes of them.
    lines = select(addresses.c.address, line.label("line")).cte("lines").prefix_with("MATERIALIZED")
    crosses = lines.c.line.contains(" & ")
    house = func.regexp_replace(lines.c.line, r"^\s*[0-9]+(-[0-9]+)?[A-Za-z]?\s+", "")
    is_kind = func.length(func.regexp_replace(house, rf"^({KINDS})\.?\s*$", "", "i")) == 0
    one = func.trim(case((is_kind, lines.c.line), else_=house))  # “52 Avenue” is a street, not a house in one
    # Each line with its first and its second part; a condition on either part alone would be carried down to the
    # addresses by some planners, with every expression written out in it again and again.
    parts = values(column("part", Integer), name="parts").data([(1,), (2,)])
    street = func.trim(case((crosses, func.split_part(lines.c.line, " & ", parts.c.part)), else_=one))
    joined = lines.join(parts, or_(parts.c.part == 1, crosses))
    found = select(lines.c.address, street.label("street")).select_from(joined).subquery("named_streets")
    return select(found).where(func.length(found.c.street) > literal(2))


def _most_of(cell: ColumnElement, value: ColumnElement, rows: FromClause, name: str, least: int) -> FromClause:
    """The values of each cell by how often they occur: cell, value, n, rank."""
    counted = (
        select(cell.label("cell"), value.label("value"), func.count().label("n"))
        .select_from(rows)
        .where(value.is_not(None))
        .group_by(cell, value)
        .having(func.count() >= least)
        .cte(f"{name}_counted")
    )
    rank = func.row_number().over(partition_by=counted.c.cell, order_by=(counted.c.n.desc(), counted.c.value))
    return select(counted, rank.label("rank")).cte(name)
