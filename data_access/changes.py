"""Changes that the city made somewhere and not elsewhere (table `intervention`), and what was counted on both sides.

Lists of units stay in the database: a thousand parking meters are joined there, not sent. Which rows count is said by
`compile`, as everywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import ColumnElement, Select, Subquery, and_, case, func, literal, or_, select, union

from dashboard.domain.difference_in_differences import MANY_UNITS, Units
from dashboard.domain.errors import BadRequest
from dashboard.domain.filters import DAY, Filters, Period
from dashboard.domain.local_time import civil_date
from data_access import schema
from data_access.ask import SENSITIVE, Reader
from data_access.compile import caveats, rows_of, with_values
from data_access.dialects import Listed
from data_access.dimensions import area, channel, department, district, service_type
from data_access.hotspots import Asking
from data_access.measures.assets import ASSET as REGISTERED
from data_access.measures.assets import MONTH_DAYS
from data_access.semantics import Dimension, Query, Total

_i, _a, _r = schema.intervention.c, schema.asset.c, schema.request.c
ASSET = "asset"
UNITS: Mapping[str, Dimension] = {one.name: one for one in (district, area, service_type, department)}
"""Kinds of units (`schema.UNIT_KINDS`) that are values of a dimension; besides there are assets."""
SIDES = ("treated", "comparison")
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """One row of `intervention`: what was changed where, and what it is held against.

    `named` are the units of both sides as they are named, but those of assets, which stay in the database.
    `settled_on` is the day on which it was in place everywhere. `outcome` is the service type it is about; None: all
    requests. `written_on` is the city's day on which that was written down, if it was before the change.
    """

    change_id: str
    name: str
    kind: str
    start_on: date
    settled_on: date
    outcome: str | None
    written_on: date | None
    named: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def is_of_assets(self) -> bool:
        """Whether its units are assets."""
        return self.kind == ASSET


def listed(text: object) -> tuple[str, ...]:
    """The units a list names: a JSON list, or words with semicolons or line ends between them.

    The same as `dialects.Listed` tells in the database; each once, in order.
    """
    if not isinstance(text, str):
        return ()
    if text.lstrip().startswith("["):
        try:
            words = [str(one) for one in json.loads(text)]
        except ValueError as problem:
            raise BadRequest(f"The units of a change are no JSON list: “{text[:40]} …”.") from problem
    else:
        words = re.split(r"[;\n]", text)
    return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))


def read_changes(reader: Reader) -> tuple[Change, ...]:
    """Every change, the first one first."""
    is_of_assets = _i.unit_kind == ASSET
    lists = [case((is_of_assets, None), else_=one).label(one.name) for one in (_i.treated_ids, _i.comparison_ids)]
    rows = reader.frame(
        select(
            _i.intervention_id, _i.name, _i.unit_kind, _i.start_on, _i.staggered, _i.primary_outcome,
            _i.preregistered_at, select(schema.city.c.tz).scalar_subquery().label("tz"), *lists,
        ).order_by(_i.start_on, _i.intervention_id)
    )  # fmt: skip
    found = []
    for row in rows.astype(object).where(rows.notna(), None).to_dict("records"):
        start_on = row["start_on"].date()
        written = row["preregistered_at"]
        written_on = None if written is None else civil_date([written], row["tz"])[0].item()
        found.append(Change(
            row["intervention_id"], row["name"], row["unit_kind"], start_on, _settled(row["staggered"], start_on),
            row["primary_outcome"] or None,
            written_on if written_on is not None and written_on < start_on else None,
            (listed(row["treated_ids"]), listed(row["comparison_ids"])),
        ))  # fmt: skip
    return tuple(found)


def _settled(staggered: object, start_on: date) -> date:
    """The last day that is named where units began one after the other."""
    days = re.findall(r"\d{4}-\d{2}-\d{2}", staggered) if isinstance(staggered, str) else []
    return max([start_on, *(date.fromisoformat(one) for one in days)])


@dataclass(frozen=True)
class Counted:
    """What was counted on both sides, day by day from `first_on`, and of each unit in two stretches of time.

    Parameters
    ----------
    over, exposure
        (2, days): counts of treated and comparison, and what they are counted in: days, asset-months, or requests.
    units
        Of each side its units.
    names
        What the units of both sides are called, in the order of their `units`; of many assets the first ones.
    used
        How many units of each side are counted.
    unknown
        Names that are no unit of this city.
    channel, by_channel
        The channel by which most came, and (2 sides, before and after) the share that came by it; NaN where none is
        recorded.
    notes
        What must be seen with it.
    """

    first_on: date
    over: Numbers
    exposure: Numbers
    units: tuple[Units, Units]
    names: tuple[tuple[str, ...], tuple[str, ...]]
    used: tuple[int, int]
    unknown: tuple[str, ...]
    channel: str
    by_channel: Numbers
    per_asset: bool
    notes: tuple[str, ...] = ()

    def sums(self, side: int, period: Period) -> tuple[float, float]:
        """The count and the exposure of a side in a stretch of days."""
        days = slice(*((day - self.first_on).days for day in (period.from_on, period.to_on)))
        return float(self.over[side, days].sum()), float(self.exposure[side, days].sum())


def counted_days(filters: Filters, period: Period, gaps: Sequence[tuple[date, date]]) -> npt.NDArray[np.bool_]:
    """Which days of `period` count: not those without data, nor event days that the reader left out."""
    counts = np.ones(period.days, bool)
    for begin, end in (*gaps, *filters.left_out):
        counts[max((begin - period.from_on).days, 0) : max((end - period.from_on).days, 0)] = False
    return counts


Stretches = tuple[Period, Period]
"""The time before and the time after."""


# ── Units that are values of a dimension ────────────────────────────────────────────────────────────


def _called(reader: Reader, kind: str, has: Callable[[str], bool]) -> dict[str, str]:
    """The name of each unit of a kind that a table lists, by its id and by its name."""
    tables: Mapping[str, tuple[Any, str, Any]] = {
        "district": (schema.district, "district_id", schema.IN_FIRST_DIVISION),
        "area": (schema.district, "district_id", ~schema.IN_FIRST_DIVISION),
        "service_type": (schema.service_type, "type_id", None),
        "department": (schema.department, "department_id", None),
    }
    table, key, where = tables[kind]
    if not has(table.name):
        return {}
    question = select(table.c[key], table.c.name).where(*([] if where is None else [where]))
    pairs = [(str(a), str(b)) for a, b in reader.frame(question).dropna().itertuples(index=False, name=None)]
    return dict(pairs) | {name: name for _, name in pairs}


def count_values(
    asking: Asking, change: Change, over: Total, under: Total | None, filters: Filters, compared: Stretches,
    has: Callable[[str], bool],
) -> Counted:  # fmt: skip
    """Count a change whose units are values of a dimension, as any other question is counted."""
    dimension = UNITS[change.kind]
    called = _called(asking.reader, change.kind, has)
    sides = [list(dict.fromkeys(called.get(one, one) for one in names)) for names in change.named]
    chosen = filters.choose(dimension.name, [*sides[0], *sides[1]])
    period = filters.period
    measures = (over,) if under is None else (over, under)
    answer = asking.about(chosen).ask(Query(measures, by=(dimension,), every="day"))
    names, codes = answer.coded(dimension.name)
    # A source may write districts that no table lists.
    known = {*called.values(), *names}
    unknown = tuple(one for one in dict.fromkeys([*sides[0], *sides[1]]) if one not in known)
    sides = [[one for one in side if one in known] for side in sides]
    days = (answer.column("day").astype("datetime64[D]") - np.datetime64(period.from_on, "D")).astype(int)
    counts_day = counted_days(filters, period, asking.clock.gaps)
    grids = []
    for measure in measures:
        grid = np.zeros((len(names), period.days))
        grid[codes, days] = answer.column(measure.name).astype(float)
        grids.append(grid)
    rows = [[names.index(one) if one in names else -1 for one in side] for side in sides]

    def of(grid: Numbers, row: int) -> Numbers:
        return grid[row] if row >= 0 else np.zeros(period.days)

    over_of, under_of, units = [], [], []
    for side in rows:
        counts = np.array([of(grids[0], row) for row in side]).reshape(-1, period.days)
        base = np.tile(counts_day.astype(float), (len(side), 1))
        if under is not None:
            base = np.array([of(grids[1], row) for row in side]).reshape(-1, period.days)
        units.append(Units(*(
            values[:, slice(*((day - period.from_on).days for day in (one.from_on, one.to_on)))].sum(axis=1)
            for values in (counts, base) for one in compared
        )))  # fmt: skip
        over_of.append(counts.sum(axis=0))
        # A day is a day, however many districts it is counted in.
        under_of.append(base.sum(axis=0) if under is not None else counts_day.astype(float) * bool(len(side)))
    channels = _channels_of_values(asking, chosen, over, dimension, sides, compared)
    return Counted(
        period.from_on, np.array(over_of), np.array(under_of), (units[0], units[1]), (tuple(sides[0]), tuple(sides[1])),
        (len(sides[0]), len(sides[1])), unknown, *_by_channel(channels), False, answer.notes,
    )  # fmt: skip


def _channels_of_values(
    asking: Asking, chosen: Filters, over: Total, dimension: Dimension, sides: Sequence[Sequence[str]],
    compared: Stretches,
) -> pd.DataFrame:  # fmt: skip
    parts = []
    for at, period in enumerate(compared):
        frame = asking.about(chosen.during(period)).ask(Query((over,), by=(dimension, channel))).frame
        side = np.where(frame[dimension.name].isin(list(sides[0])), SIDES[0], SIDES[1])
        told = frame[channel.name].where(frame[channel.name] != channel.missing)
        parts.append(pd.DataFrame({"side": side, "at": at, "channel": told, "n": frame[over.name]}))
    return pd.concat(parts, ignore_index=True)


def _by_channel(rows: pd.DataFrame) -> tuple[str, Numbers]:
    """The channel by which most came, and the share that came by it on each side, before and after."""
    found = np.full((2, 2), np.nan)
    rows = rows[rows["channel"].notna() & (rows["n"] > 0)]
    if rows.empty:
        return "", found
    sums = rows.groupby("channel")["n"].sum()
    most = str(sums.sort_index().idxmax())
    for side, name in enumerate(SIDES):
        for at in (0, 1):
            mine = rows[(rows["side"] == name) & (rows["at"] == at)]
            if len(mine):
                found[side, at] = float(mine.loc[mine["channel"] == most, "n"].sum() / mine["n"].sum())
    return most, found


# ── Assets ──────────────────────────────────────────────────────────────────────────────────────────


def _units_of(change: Change) -> Subquery:
    """The assets that a change names: ``side`` and ``unit``, each once."""

    def named(side: str, ids: ColumnElement) -> Select:
        unit = func.trim(Listed(ids)).label("unit")
        return select(literal(side).label("side"), unit).where(_i.intervention_id == change.change_id)

    both = union(*(named(side, _i[f"{side}_ids"]) for side in SIDES)).subquery("named")
    return select(both).where(both.c.unit != "").subquery("units")


def count_assets(
    asking: Asking, change: Change, over: Total, under: Total | None, filters: Filters, compared: Stretches,
    has: Callable[[str], bool],
) -> Counted:  # fmt: skip
    """Count a change of assets: requests about them, in months that assets were in service.

    Assets that are not in the register are left out; if none is, days are counted instead of asset-months.
    """
    reader, period = asking.reader, filters.period
    units = _units_of(change)
    named = select(units.c.side, units.c.unit, literal(None).label("found"))
    if has("asset") and asking.scope.reaches(REGISTERED.name):
        named = select(
            units.c.side, units.c.unit, _a.asset_id.label("found"), _a.district, _a.department, _a.installed_on,
            _a.removed_on,
        ).select_from(units.outerjoin(schema.asset, _a.asset_id == units.c.unit))  # fmt: skip
    register = reader.frame(named.order_by(units.c.side, units.c.unit))
    per_asset = bool(register["found"].notna().any())
    unknown = tuple(register.loc[register["found"].isna(), "unit"]) if per_asset else ()
    mine = register["found"].notna() if per_asset else pd.Series(True, register.index)
    where: list[ColumnElement[bool]] = []
    for one in (district, department) if per_asset else ():  # what is counted in is narrowed as what is counted
        chosen, seen = filters.chosen(one.name), [values for name, values in asking.scope.rows if name == one.name]
        for values in [*([chosen] if chosen else []), *seen]:  # whoever may see no value sees no asset
            is_unknown = one.missing in values
            mine &= register[one.name].isin(list(values)) | (register[one.name].isna() & is_unknown)
            where.append(or_(_a[one.name].in_(values), and_(_a[one.name].is_(None), literal(is_unknown))))
    register = register[mine].reset_index(drop=True)
    joined: Any = units.join(schema.request, _r.asset_id == units.c.unit)
    if per_asset:
        joined = joined.join(schema.asset, _a.asset_id == units.c.unit)

    def asked(total: Total, *keys: ColumnElement, among: ColumnElement[bool] | None = None) -> pd.DataFrame:
        fact, conditions = rows_of(total, filters, asking.scope)
        source = joined
        if fact.table is not schema.request:
            source = source.join(fact.table, fact.table.c.request_id == _r.request_id)
        by = [*keys, total.value.label("n")]
        rows = select(units.c.side, *by).select_from(source).where(*conditions, *where)
        rows = rows if among is None else rows.where(among)
        rows = rows.group_by(units.c.side, *keys)
        return reader.frame(with_values(rows, asking.frame, period.to_on))

    def daily(total: Total) -> Numbers:
        rows = asked(total, total.on.label("day_on"))
        days = (rows["day_on"] - pd.Timestamp(period.from_on)).dt.days.to_numpy(int)
        side = rows["side"].eq(SIDES[1]).to_numpy(int)
        grid = np.zeros((2, period.days))
        np.add.at(grid, (side, days), rows["n"].to_numpy(float))
        return grid

    counts_day = counted_days(filters, period, asking.clock.gaps)
    is_treated = register["side"].eq(SIDES[0]).to_numpy()
    in_service = _in_service(register, period) if per_asset else None
    counts = daily(over)
    if under is not None:
        exposure = daily(under)
    elif in_service is not None:
        standing = [_standing(in_service[is_side], period.days) for is_side in (is_treated, ~is_treated)]
        exposure = np.array(standing) * counts_day / MONTH_DAYS
    else:
        exposure = np.tile(counts_day.astype(float), (2, 1))

    windows = {
        total.name: asked(total, units.c.unit, _window(total, compared).label("at"), among=_in_either(total, compared))
        for total in ((over,) if under is None else (over, under))
    }
    place = {unit: at for at, unit in enumerate(register["unit"])}

    def of_units(total: Total) -> Numbers:
        rows = windows[total.name]
        grid = np.zeros((2, len(register)))
        at = rows["unit"].map(place)
        known = at.notna().to_numpy()
        np.add.at(grid, (rows["at"].to_numpy(int)[known], at[known].to_numpy(int)), rows["n"].to_numpy(float)[known])
        return grid

    y = of_units(over)
    if under is not None:
        base = of_units(under)
    elif in_service is not None:
        passed = np.concatenate([[0], np.cumsum(counts_day)])
        base = np.array([_passed(in_service, passed, one, period) for one in compared]) / MONTH_DAYS
    else:
        days = [counts_day[(one.from_on - period.from_on).days : (one.to_on - period.from_on).days] for one in compared]
        base = np.array([np.full(len(register), float(one.sum())) for one in days])
    both = Units(y[0], y[1], base[0], base[1])
    by_channel = asked(over, _window(over, compared).label("at"), _r.channel, among=_in_either(over, compared))
    few = [tuple(register.loc[is_side, "unit"]) for is_side in (is_treated, ~is_treated)]
    names = (few[0][: MANY_UNITS + 1], few[1][: MANY_UNITS + 1])  # of more none is told by itself
    return Counted(
        period.from_on, counts, exposure, (both.among(is_treated), both.among(~is_treated)), names,
        (int(is_treated.sum()), int((~is_treated).sum())), unknown, *_by_channel(by_channel),
        per_asset and under is None,
        (
            *caveats(Query((over,)), filters), *((SENSITIVE,) if asking.scope.hides else ()),
            *(() if per_asset else ("The asset register does not hold these assets: counted by the day.",)),
        ),
    )  # fmt: skip


def _window(total: Total, compared: Stretches) -> ColumnElement:
    """1 on a day after the change, else 0."""
    return case((total.on >= compared[1].from_on, 1), else_=0)


def _in_either(total: Total, compared: Stretches) -> ColumnElement[bool]:
    return or_(*(and_(total.on >= one.from_on, total.on < one.to_on) for one in compared))


def _in_service(register: pd.DataFrame, period: Period) -> npt.NDArray[np.int64]:
    """(units, 2): the days of `period`, counted from its first, on which each asset began and ceased to be there."""
    first = pd.Timestamp(period.from_on)
    begins, ends = (
        np.clip((pd.to_datetime(register[name]) - first).dt.days.fillna(usual).to_numpy(np.int64), 0, period.days)
        for name, usual in (("installed_on", 0), ("removed_on", period.days))
    )
    return np.stack([begins, np.maximum(begins, ends)], axis=1)


def _standing(in_service: npt.NDArray[np.int64], days: int) -> Numbers:
    """How many assets are in service on each day."""
    change = np.bincount(in_service[:, 0], minlength=days + 1) - np.bincount(in_service[:, 1], minlength=days + 1)
    return np.cumsum(change)[:days].astype(float)


def _passed(
    in_service: npt.NDArray[np.int64], passed: npt.NDArray[np.int64], during: Period, period: Period
) -> Numbers:
    """How many counted days of `during` each asset was in service; `passed` tells how many there are before a day."""
    first, last = ((day - period.from_on).days for day in (during.from_on, during.to_on))
    begin, end = np.clip(in_service[:, 0], first, last), np.clip(in_service[:, 1], first, last)
    return (passed[end] - passed[begin]).astype(float)


def whole_period(first_on: date, last_on: date) -> Period:
    """All of the data."""
    return Period(first_on, last_on + DAY)
