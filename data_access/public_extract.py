"""The published tables: one small file of aggregates, written with every build and readable anywhere.

It holds months, service types, districts and hexagons of street assets, each count either as it is or hidden; no column
of a person, an address, a note or a single request ever comes near it. The cuts are fixed: complete months that ended a
week ago or longer, a calendar year for types, quarters and the whole city for sensitive types (measures G2, G3).

Nothing that is published moves along with time, so that two releases cannot be subtracted from each other: a month, a
quarter and a year are each hidden by what lies in them alone, and stay as they were first told.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import func, select

from dashboard.domain.disclosure import Release, audit, protect, table
from dashboard.domain.errors import BadRequest, DataUnavailable
from dashboard.domain.filters import DAY, Clock, Filters, Period, add_months
from dashboard.domain.policy import SMALLEST, UNCLASSIFIED, Scope
from dashboard.settings import Settings
from data_access import schema
from data_access.areas import Areas
from data_access.ask import ask
from data_access.compile import Frame, permitted
from data_access.dimensions import district, service_type
from data_access.engine import Warehouse
from data_access.measures.requests import REQUEST, backlog, closed, due, kept, opened
from data_access.semantics import Measure, Query

log = logging.getLogger(__name__)

SETTLED = timedelta(days=7)
"""A month is published when it ended so long ago: a request of yesterday is a person of yesterday."""
MONTHS = 24
SENSITIVE = "P3"
LONG = (12, 6, 3)
"""Types are counted over the last complete calendar year; where the data holds none, half-year or quarter."""
FEW_A_YEAR = 100
"""Types with fewer requests a year are counted together, as other types."""
MAPPED = 8
"""Types of street assets with a map of hexagons."""
RESOLUTION = 8
OTHER = "Other types"


def extract_file(settings: Settings) -> Path:
    """Where the published tables lie."""
    return settings.data / "public" / "city.json"


def read_extract(path: Path) -> dict[str, Any]:
    """The published tables; DataUnavailable if there are none, or those of an earlier version."""
    try:
        tables = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise DataUnavailable("Nothing is published yet. Run “dashboard311 publish”.") from None
    if "year" not in tables:
        raise DataUnavailable("An earlier version published what is here. Run “dashboard311 publish”.")
    return tables


def write_extract(settings: Settings) -> Path:
    """Publish the tables of the build in service in the place of those before, whole or not at all.

    Raises DataUnavailable if no month is complete, or a small count could not be hidden; what was published before is
    then taken away, since it is of other data.
    """
    path = extract_file(settings)
    warehouse = Warehouse(settings)
    try:
        earlier = read_extract(path)
    except (DataUnavailable, ValueError):
        earlier = {}
    try:
        tables = _Tables(warehouse, earlier).all()
    except BadRequest as problem:
        path.unlink(missing_ok=True)
        raise DataUnavailable(f"Nothing can be published: {problem}") from problem
    except DataUnavailable:
        path.unlink(missing_ok=True)
        raise
    finally:
        warehouse.close()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(tables, ensure_ascii=False, separators=(",", ":")), "utf-8")
    os.replace(draft, path)
    return path


class _Tables:
    """The tables of one build, asked by the same measures as everything else.

    `earlier` is what was published before: what it hid of the same months and years stays hidden, lest a correction
    elsewhere show what it was hidden behind.
    """

    def __init__(self, warehouse: Warehouse, earlier: dict[str, Any]):
        self._warehouse, self._city, self._build = warehouse, warehouse.city(), warehouse.build()
        first, last = self._build.data_from_on, self._build.data_to_on
        if not self._build.requests or first is None or last is None:
            raise DataUnavailable("There is nothing to publish: the data holds no requests.")
        settled = last - SETTLED + timedelta(days=1)
        self._end = date(settled.year, settled.month, 1)
        begin = date(first.year, first.month, 1)
        begin = begin if begin == first else add_months(begin, 1)
        self._months = Period(max(begin, add_months(self._end, -MONTHS)), self._end) if begin < self._end else None
        if self._months is None:
            raise DataUnavailable("There is nothing to publish yet: no month is complete.")
        self._year = _stretch(self._months)
        about = {"from": str(self._year.from_on), "to": str(self._year.to_on)}
        self._about_year = {"name": _named(self._year), **about}
        self._earlier = earlier if earlier.get("city") == self._city.name else {}
        self._same_year = self._earlier if self._earlier.get("year") == self._about_year else {}
        as_of = datetime.combine(last, time())
        self._clock = Clock(first_on=first, last_on=last, as_of=self._build.as_of, fiscal_year_start_month=1,
                            as_of_on=as_of.date(), gaps=())  # fmt: skip
        self._frame = Frame(self._build.as_of, self._city.answer_within_s, self._city.short_abandon_s)
        self._classes = self._sensitivities()
        self._open = Scope((), hides=(SENSITIVE,)) if warehouse.columns("service_type") else Scope(())

    def all(self) -> dict[str, Any]:
        """Everything that is published."""
        by_type, by_month, types = self._opened()
        return {
            "city": self._city.name, "is_made_up": self._city.is_made_up, "build": self._build.build_id,
            "to": str(self._end), "year": self._about_year, "promise_target": self._city.promise_target_share,
            "smallest": SMALLEST, "types": types, "months": by_month, "by_type": by_type,
            "sensitive": self._sensitive(), "promises": self._promises(types), "maps": self._maps(by_type, types),
            "districts": self._districts(), "shapes": json.loads(Areas(self._warehouse).districts_geojson()),
        }  # fmt: skip

    # ── what is asked ──

    def _ask(self, measures: tuple[Measure, ...], by: tuple, during: Period, every: str | None = None) -> pd.DataFrame:
        query = Query(measures, by, every)
        return ask(self._warehouse, query, Filters(during), self._open, self._clock, self._frame).frame

    def _sensitivities(self) -> dict[str, str]:
        """The class of each service type that has one; of two of one name the stricter."""
        t = schema.service_type.c
        if not self._warehouse.columns("service_type"):
            return {}
        known = self._warehouse.frame(select(t.name, t.sensitivity).where(t.sensitivity.in_(list(SMALLEST))))
        return {str(name): str(group.max()) for name, group in known.groupby("name")["sensitivity"]}

    def _opened(self) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
        """Requests of a year by type and district, rare types together; requests of each month by district; the types.

        Each month is hidden by itself, then the year around its months: a district's year is their sum.
        """
        assert self._months is not None
        found = self._ask((opened,), (service_type, district), self._year)
        found["class"] = [self._classes.get(name, UNCLASSIFIED) for name in found["service_type"]]
        few = FEW_A_YEAR * round(self._year.days / 30.4) / 12
        rare = found.groupby("service_type")["opened"].transform("sum") < few
        found["service_type"] = found["service_type"].where(~rare, OTHER)
        classes = found.groupby("service_type")["class"].max()
        monthly = self._ask((opened,), (district,), self._months, "month")
        columns = sorted({*found["district"], *monthly["district"]})
        shape: dict[str, Any] = {"values": "opened", "columns": "district", "aggfunc": "sum", "fill_value": 0}
        cells = found.pivot_table(index="service_type", **shape).reindex(columns=columns, fill_value=0)
        cells = cells.loc[cells.sum(axis=1).sort_values(ascending=False, kind="stable").index]
        months = monthly.pivot_table(index="month", **shape)
        every = pd.date_range(self._months.from_on, self._months.to_on, freq="MS", inclusive="left")
        months = months.reindex(index=every, columns=columns, fill_value=0)  # also those in which nothing was opened
        names = [f"{month:%Y-%m}" for month in months.index]
        types = [{"name": name, "class": classes[name]} for name in cells.index]
        strict, m = max(SMALLEST.values()), len(columns)
        before = _hidden_in(self._earlier.get("months"))
        told = []
        for name, counts in zip(names, months.to_numpy(), strict=True):
            never = tuple(j for j, one in enumerate(columns) if ("cell", name, one) in before)
            told.append(_month_told(_with_sum(counts, strict, never)))
        year = table(cells.to_numpy(), np.array([SMALLEST[one["class"]] for one in types], dtype=int))
        within = [i for i, month in enumerate(months.index) if self._year.from_on <= month.date() < self._year.to_on]
        release, shown = _around(year, [told[i] for i in within], months.to_numpy()[within], strict)
        again = _still_hidden(self._same_year.get("by_type"), list(cells.index), columns)
        by_type = _told(replace(release, never=(*release.never, *again)), shown)[: len(year.values)]
        by_month: dict[str, Any] = {
            "rows": names, "columns": columns, "cells": [one[:m] for one in told], "by_row": [one[m] for one in told],
        }  # fmt: skip
        flows = self._ask((closed, backlog), (), self._months, "month").set_index("month").reindex(every)
        for name in ("closed", "backlog"):  # of the whole city, where its sum is told too: one follows from the others
            by_month[name] = [
                int(n) if (n == 0 or n >= strict) and total is not None else None
                for n, total in zip(flows[name], by_month["by_row"], strict=True)
            ]
        return _written(by_type, list(cells.index), columns), by_month, types

    def _sensitive(self) -> dict[str, Any]:
        """Sensitive types: the city's complete quarters, nothing smaller."""
        assert self._months is not None
        names = sorted(name for name, kind in self._classes.items() if kind == SENSITIVE)
        last = date(self._end.year, (self._end.month - 1) // 3 * 3 + 1, 1)
        begin = max(self._months.from_on, add_months(last, -12))
        begin = add_months(date(begin.year, (begin.month - 1) // 3 * 3 + 1, 1), 0 if begin.month % 3 == 1 else 3)
        if not names or begin >= last:
            return {}
        filters = Filters(Period(begin, last)).choose("service_type", names)
        query = Query((opened,), (service_type,), "quarter")
        found = ask(self._warehouse, query, filters, Scope(()), self._clock, self._frame).frame
        if found.empty:
            return {}
        cells = found.pivot_table(index="service_type", columns="quarter", values="opened", aggfunc="sum", fill_value=0)
        quarters = [f"{day.year} Q{day.quarter}" for day in pd.DatetimeIndex(cells.columns)]
        kinds, n, strict = list(cells.index), len(cells), SMALLEST[SENSITIVE]
        before = _hidden_in(self._earlier.get("sensitive"))
        told = []
        for name, counts in zip(quarters, cells.to_numpy().T, strict=True):  # each by itself, as months are
            never = [i for i, one in enumerate(kinds) if ("cell", one, name) in before]
            never += [n] if ("column", name) in before else []
            told.append(_told(_with_sum(counts, strict, tuple(never))))
        by_type = [[one[i] for one in told] for i in range(n)]
        return {"rows": kinds, "columns": quarters, "cells": by_type, "by_column": [one[n] for one in told]}

    def _promises(self, types: list[dict[str, Any]]) -> dict[str, Any]:
        """Promises that fell due in the year, kept and not, by type and by district."""
        strict = {one["name"]: SMALLEST[one["class"]] for one in types}
        found: dict[str, Any] = {}
        for name, dimension in (("by_type", service_type), ("by_district", district)):
            rows = self._ask((due, kept), (dimension,), self._year)
            if name == "by_type":
                rows[dimension.name] = rows[dimension.name].where(rows[dimension.name].isin(strict), OTHER)
            rows = rows.groupby(dimension.name, as_index=False)[["due", "kept"]].sum()
            rows = rows.sort_values("due", ascending=False, ignore_index=True)
            cells = np.column_stack([rows["kept"], rows["due"] - rows["kept"]]).astype(np.int64)
            limits = [strict.get(one, max(SMALLEST.values())) for one in rows[dimension.name]]
            before = self._same_year.get("promises", {}).get(name)
            found[name] = _margins(
                cells, np.array(limits, dtype=int), rows[dimension.name].tolist(), ["kept", "late"], before
            )
        # The grand totals are the same numbers in both: what one hides, the other may not show.
        if any(None in one["by_column"] for one in found.values()):
            raise BadRequest("too few promises fell due to tell how many were kept.")
        return found

    def _maps(self, by_type: dict[str, Any], types: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
        """Hexagons of the most frequent street assets: only of types whose districts are all told.

        Then the districts' counts are known numbers, and a type's hexagons are a release of their own with them:
        hexagons and districts overlap, and where they do is counted but never shown.
        """
        candidates = [
            one["name"] for row, one in enumerate(types)
            if one["class"] == "P0" and one["name"] != OTHER and None not in by_type["cells"][row]
        ][:MAPPED]  # fmt: skip
        t = schema.request.c
        cell = t[f"h3_{RESOLUTION}"]
        rows = self._warehouse.frame(
            select(t.service_type, cell.label("cell"), t.district, func.count().label("n"))
            .where(
                t.service_type.in_(candidates), t.opened_on >= self._year.from_on, t.opened_on < self._year.to_on,
                REQUEST.counted if REQUEST.counted is not None else t.request_id.isnot(None),
                *permitted(REQUEST, self._open),
            )
            .group_by(t.service_type, cell, t.district)
        )  # fmt: skip
        found = {}
        for name, own in rows.groupby("service_type"):
            shown = _hexagons(own, SMALLEST["P0"])
            before = self._same_year.get("maps", {}).get(str(name))
            if shown is not None:
                found[str(name)] = {cell: n for cell, n in shown.items() if before is None or cell in before}
        return found

    def _districts(self) -> list[dict[str, Any]]:
        t = schema.district.c
        if not self._warehouse.columns("district"):
            return []
        known = select(t.name, t.population).where(schema.IN_FORCE, schema.IN_FIRST_DIVISION)
        rows = self._warehouse.frame(known.order_by(t.name))
        return [
            {"name": name, "population": None if pd.isna(n) else int(n)} for name, n in rows.itertuples(index=False)
        ]


def _stretch(months: Period) -> Period:
    """The last complete calendar year within `months`, else half-year, else quarter.

    Raises DataUnavailable if there is none. These begin and end on days that all releases share.
    """
    end = months.to_on
    for long in LONG:
        last = date(end.year, (end.month - 1) // long * long + 1, 1)
        if (first := add_months(last, -long)) >= months.from_on:
            return Period(first, last)
    raise DataUnavailable("There is nothing to publish yet: no quarter of a year is complete.")


def _named(stretch: Period) -> str:
    """“2025”, “July to December 2011”."""
    last = stretch.to_on - DAY
    return str(last.year) if stretch.days > 300 else f"{stretch.from_on:%B} to {last:%B} {last.year}"


def _margins(
    values: np.ndarray, smallest: np.ndarray, rows: list[str], columns: list[str], before: dict[str, Any] | None
) -> dict[str, Any]:
    """A table by itself, as it is published; what `before`, the same table as it was told earlier, hid stays hidden."""
    release = table(values, smallest)
    return _written(_told(replace(release, never=tuple(_still_hidden(before, rows, columns)))), rows, columns)


def _around(year: Release, told: list[list[int | None]], months: np.ndarray, strict: int) -> tuple[Release, list[int]]:
    """A year's table together with its months as they are `told` already: the release, and its cells that are shown.

    `months` are their true counts, one row for each of `told`, whose last number is the month's total.
    """
    n, m = months.shape
    size = len(year.values)
    rows = np.column_stack([months, months.sum(1)])
    sums = [(size + i * (m + 1) + m, tuple(size + i * (m + 1) + j for j in range(m))) for i in range(n)]
    columns = range(size - 1 - m, size - 1)
    sums += [(columns[j], tuple(size + i * (m + 1) + j for i in range(n))) for j in range(m)]
    cells = [(size + i * (m + 1) + j, one is None) for i, row in enumerate(told) for j, one in enumerate(row)]
    release = Release(
        np.concatenate([year.values, rows.ravel()]).astype(np.int64),
        np.concatenate([year.smallest, np.full(rows.size, strict)]).astype(np.int64),
        (*year.sums, *sums),
        never=tuple(at for at, is_hidden in cells if is_hidden),
    )
    return release, [at for at, is_hidden in cells if not is_hidden]


def _told(release: Release, shown: Sequence[int] = ()) -> list[int | None]:
    """The cells as they are published, audited: a hidden one is None. Those in `shown` are told in any case."""
    hidden = protect(release, shown)
    if exposed := audit(release, hidden):
        raise BadRequest(f"{len(exposed)} small counts could be told from the rest.")
    return [None if hide else int(value) for value, hide in zip(release.values, hidden, strict=True)]


def _month_told(parts: Release) -> list[int | None]:
    """A month's districts and their sum, which is told if the small ones can be hidden beneath it."""
    total = len(parts.values) - 1
    try:
        return _told(parts, [] if parts.small[total] else [total])
    except BadRequest:
        return _told(parts)


def _with_sum(counts: np.ndarray, smallest: int, never: tuple[int, ...]) -> Release:
    """Counts and, after them, their sum."""
    n = len(counts)
    whole = np.append(counts, counts.sum()).astype(np.int64)
    return Release(whole, np.full(n + 1, smallest), ((n, tuple(range(n))),), never)


def _hidden_in(told: dict[str, Any] | None) -> set[tuple[str, ...]]:
    """The cells a published table hides: ``(cell, row, column)``, ``(row, row)``, ``(column, column)``, ``(all,)``."""
    if not told:
        return set()
    rows, columns = told["rows"], told["columns"]
    found: set[tuple[str, ...]] = {
        ("cell", row, column)
        for row, own in zip(rows, told["cells"], strict=True)
        for column, one in zip(columns, own, strict=True)
        if one is None
    }
    for kind, names in (("row", rows), ("column", columns)):
        found |= {(kind, one) for one, n in zip(names, told.get(f"by_{kind}", ()), strict=False) if n is None}
    return found | ({("all",)} if "all" in told and told["all"] is None else set())


def _still_hidden(before: dict[str, Any] | None, rows: list[str], columns: list[str]) -> list[int]:
    """Which cells of a table, by their numbers in `disclosure.table`, were hidden when it was told before."""
    names: list[tuple[str, ...]] = [("cell", row, column) for row in rows for column in columns]
    names += [("row", row) for row in rows] + [("column", column) for column in columns] + [("all",)]
    hidden = _hidden_in(before)
    return [at for at, name in enumerate(names) if name in hidden]


def _written(told: list[int | None], rows: list[str], columns: list[str]) -> dict[str, Any]:
    """A table of two ways with its margins, by the numbers of its cells in `disclosure.table`."""
    n, m = len(rows), len(columns)
    return {
        "rows": rows, "columns": columns, "cells": [told[i * m : (i + 1) * m] for i in range(n)],
        "by_row": told[n * m : n * m + n], "by_column": told[n * m + n : n * m + n + m], "all": told[-1],
    }  # fmt: skip


def _hexagons(rows: pd.DataFrame, smallest: int) -> dict[str, int] | None:
    """The hexagons that can be shown of one type, with their counts; None if it cannot be."""
    rows = rows.assign(cell=rows["cell"].astype("Int64"), district=rows["district"].fillna("")).reset_index(drop=True)
    cells = [int(one) for one in rows["cell"].dropna().unique()]
    places = sorted(rows["district"].unique())
    n, h = len(rows), len(cells)
    by_cell = rows.groupby("cell")["n"].sum()
    by_place = rows.groupby("district")["n"].sum()
    values = np.concatenate(
        [rows["n"], [by_cell[one] for one in cells], [by_place[one] for one in places], [rows["n"].sum()]]
    ).astype(np.int64)
    within = [(n + i, (rows["cell"] == one).fillna(False)) for i, one in enumerate(cells)]
    within += [(n + h + i, rows["district"] == one) for i, one in enumerate(places)]
    sums = [(total, tuple(int(one) for one in np.flatnonzero(parts))) for total, parts in within]
    sums.append((n + h + len(places), tuple(range(n + h, n + h + len(places)))))
    # Parts of hexagons are shown nowhere, and must be no nearer told than hexagons; districts are told already.
    limits = np.concatenate([np.full(n + h, smallest), np.ones(len(places) + 1)]).astype(np.int64)
    release = Release(values, limits, tuple(sums), never=tuple(range(n)))
    try:
        hidden = protect(release, shown=range(n + h, len(values)))
    except BadRequest:
        return None
    if audit(release, hidden):
        return None
    return {f"{cell:x}": int(by_cell[cell]) for i, cell in enumerate(cells) if not hidden[n + i]}
