"""Where a total was counted, hexagon by hexagon: the ground that hotspots are looked for on.

A cell of the city in which nothing was counted is there with 0; what lies outside it, or nowhere, is counted apart.
The only WHERE is that of `compile`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import h3
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from sqlalchemy import select

from dashboard.domain.filters import Clock, Filters
from dashboard.domain.neighbours import Neighbours
from dashboard.domain.policy import Scope
from data_access import placing, schema
from data_access.ask import Reader, known_part, steps_of
from data_access.compile import Frame, caveats, compile_query
from data_access.dimensions import DIMENSIONS, HEXAGONS, area, district, short_cell
from data_access.semantics import Dimension, Query, Total


@dataclass(frozen=True)
class Places:
    """A question: `of` in every hexagon of a size, in steps of time or in the period as a whole (`every` None)."""

    of: Total
    resolution: int = 9
    every: str | None = None

    @property
    def hexagon(self) -> Dimension:
        """The dimension its cells are values of."""
        return HEXAGONS[self.resolution]

    @property
    def query(self) -> Query:
        """The same as a query, whose answer has a row per cell and step with anything in it."""
        return Query((self.of,), by=(self.hexagon,), every=self.every)


@dataclass(frozen=True, eq=False)
class Ground:
    """The hexagons of one size, in the order of their numbers: n of them. Equal ones have the same cells.

    ``cell`` (int64), ``name``, ``district`` and ``area`` (words or None), ``residents`` (floats; None where nobody
    knows).
    """

    resolution: int
    cell: npt.NDArray[np.int64]
    name: npt.NDArray[np.object_]
    district: npt.NDArray[np.object_]
    area: npt.NDArray[np.object_]
    residents: npt.NDArray[np.float64] | None

    def __len__(self) -> int:
        return len(self.cell)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ground) and np.array_equal(self.cell, other.cell)

    def __hash__(self) -> int:
        return hash(self.cell.tobytes())

    @cached_property
    def ids(self) -> list[str]:
        """The H3 ids as maps and addresses write them."""
        return [h3.int_to_str(int(cell)) for cell in self.cell]

    @cached_property
    def names(self) -> list[str]:
        """What each is called: “Mercer St / Hollis St”, else its district and short id."""
        return named(self)

    def middle(self, at: int) -> tuple[float, float]:
        """Latitude and longitude of the middle of one."""
        lat, lon = h3.cell_to_latlng(h3.int_to_str(int(self.cell[at])))
        return float(lat), float(lon)

    def among(self, rows: npt.NDArray[np.bool_]) -> Ground:
        """Only those of `rows`."""
        people = None if self.residents is None else self.residents[rows]
        words = (self.name[rows], self.district[rows], self.area[rows])
        return Ground(self.resolution, self.cell[rows], *words, people)

    def rings(self, most: int) -> list[Neighbours]:
        """For each distance 1 to `most` who lies just so many steps away, in its own order."""
        at = {h3.int_to_str(int(cell)): i for i, cell in enumerate(self.cell)}
        found = []
        for steps in range(1, most + 1):
            near = [[at[other] for other in h3.grid_ring(cell, steps) if other in at] for cell in at]
            found.append(Neighbours.of(near))
        return found


@dataclass(frozen=True)
class Counted:
    """The answer: how many in each cell of `ground` and step (n × steps, int64), and how many in none of them.

    `steps` are the first civil days of the steps; one step for the whole period.
    """

    question: Places
    ground: Ground = field(compare=False)
    counts: npt.NDArray[np.int64] = field(compare=False)
    steps: pd.DatetimeIndex = field(compare=False)
    elsewhere: int
    as_of: datetime
    notes: tuple[str, ...] = ()

    @cached_property
    def n(self) -> npt.NDArray[np.int64]:
        """How many in each cell over all steps."""
        return self.counts.sum(axis=1)

    def among(self, rows: npt.NDArray[np.bool_]) -> Counted:
        """Only the cells of `rows`; what was counted in others is elsewhere."""
        lost = int(self.counts[~rows].sum())
        return replace(self, ground=self.ground.among(rows), counts=self.counts[rows], elsewhere=self.elsewhere + lost)


def read_ground(reader: Reader, resolution: int, has_places: bool) -> Ground:
    """Every hexagon of a size; from the requests themselves where the database has no table of places."""
    t = schema.place.c
    written = select(t.cell, t.name, t.district, t.area, t.residents).where(t.resolution == resolution)
    if not has_places:
        found = placing.places(resolution).subquery().c
        written = select(found.cell, found.name, found.district, found.area, found.residents)
    frame = reader.frame(written).sort_values("cell", ignore_index=True)
    words = frame[["name", "district", "area"]].astype(object)
    words = words.where(words.notna(), None)
    residents = frame["residents"].to_numpy(float)
    return Ground(
        resolution, frame["cell"].to_numpy(np.int64), words["name"].to_numpy(object),
        words["district"].to_numpy(object), words["area"].to_numpy(object),
        None if np.isnan(residents).all() else np.nan_to_num(residents),
    )  # fmt: skip


def count_places(
    reader: Reader, question: Places, filters: Filters, scope: Scope, clock: Clock, frame: Frame, ground: Ground
) -> Counted:
    """Answer `question` for the rows in `filters` and `scope` in every cell of `ground`."""
    period, outside = known_part(filters.period, clock)
    filters = filters.during(period)
    query = question.query
    statements = compile_query(query, filters, scope, frame)
    tables = [reader.table(statement.select) for statement in statements]
    rows = pa.concat_tables(tables, promote_options="permissive")
    steps = steps_of(period, question.every) if question.every else pd.DatetimeIndex([period.from_on]).as_unit("us")
    numbers = rows[question.of.name].cast(pa.int64()).to_numpy()
    where = rows[question.hexagon.name].cast(pa.int64()).fill_null(0).to_numpy()  # no cell is 0
    at = np.searchsorted(ground.cell, where)
    known = at < len(ground)
    known[known] = ground.cell[at[known]] == where[known]
    when = np.zeros(len(rows), np.int64)
    if question.every:
        when = steps.get_indexer(rows[question.every].cast(pa.timestamp("us")).to_numpy())
    counts = np.zeros((len(ground), len(steps)), np.int64)
    np.add.at(counts, (at[known], when[known]), numbers[known])
    return Counted(
        question, ground, counts, steps, int(numbers.sum() - counts.sum()), frame.as_of,
        outside + caveats(replace(query, every=None), filters),
    )  # fmt: skip


def within(ground: Ground, filters: Filters, scope: Scope) -> npt.NDArray[np.bool_]:
    """The cells that `filters` and `scope` are about: of the districts and areas, inside the places they name."""
    found = np.ones(len(ground), bool)
    for name, values in (*filters.choices, *scope.rows):
        if (part := {district.name: ground.district, area.name: ground.area}.get(name)) is not None:
            found &= np.array([(home or DIMENSIONS[name].missing) in values for home in part], bool)
        elif (size := next((size for size, one in HEXAGONS.items() if one.name == name), None)) is not None:
            given = {value for value in values if value != DIMENSIONS[name].missing}
            found &= _inside(ground, size, given)
    return found


def _inside(ground: Ground, size: int, given: set[str]) -> npt.NDArray[np.bool_]:
    if size <= ground.resolution:
        return np.array([h3.cell_to_parent(cell, size) in given for cell in ground.ids], bool)
    parents = {h3.cell_to_parent(cell, ground.resolution) for cell in given}
    return np.isin(np.array(ground.ids, object), list(parents))


def named(ground: Ground, districts: bool = True) -> list[str]:
    """What each cell is called: “Mercer St / Hollis St”, else its district, else its short id."""
    short = [short_cell(cell) for cell in ground.ids]
    return [
        name or (f"{home} · {code}" if districts and home else code)
        for name, home, code in zip(ground.name, ground.district, short, strict=True)
    ]
