"""Changes that the city made somewhere and not elsewhere (table `intervention`), and what was counted on both sides.

Lists of units stay in the database: a thousand parking meters are joined there, not sent. Which rows count is said by
`compile`, as everywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    and_,
    case,
    false,
    func,
    literal,
    or_,
    select,
    true,
    union,
)

from dashboard.domain.difference_in_differences import MANY_UNITS, Units
from dashboard.domain.errors import BadRequest
from dashboard.domain.filters import MONTH_DAYS, Filters, Period
from dashboard.domain.local_time import civil_date
from data_access import schema
from data_access.ask import Reader, notes_on
from data_access.compile import rows_of, with_values
from data_access.dialects import Listed
from data_access.dimensions import area, channel, department, district, service_type
from data_access.hotspots import Asking
from data_access.measures.assets import ASSET as REGISTERED
from data_access.semantics import Dimension, Query, Total

_i, _a, _r = schema.intervention.c, schema.asset.c, schema.request.c
ASSET = "asset"
UNITS: Mapping[str, Dimension] = {one.name: one for one in (district, area, service_type, department)}
"""Kinds of units (`schema.UNIT_KINDS`) that are values of a dimension; besides there are assets."""
LISTED_IN: Mapping[str, str] = {one: "district" if one == area.name else one for one in UNITS}
"""The table that lists the units of each of these kinds."""
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


def units_listed(kind: str, table: FromClause) -> Select:
    """The id and the name of each unit of a kind in `UNITS`; `table` is the one it is listed in, or one like it."""
    (key,) = schema.key_of(LISTED_IN[kind])
    question = select(table.c[key], table.c.name)
    if LISTED_IN[kind] != schema.district.name:
        return question
    is_district = schema.division_of(table) == district.name
    return question.where(is_district if kind == district.name else ~is_district)


def assets_named(changes: FromClause, change_id: str) -> Subquery:
    """The assets that a change in `changes` names: ``side`` and ``unit``, each once."""

    def named(side: str) -> Select:
        unit = func.trim(Listed(changes.c[f"{side}_ids"])).label("unit")
        return select(literal(side).label("side"), unit).where(changes.c.intervention_id == change_id)

    both = union(*map(named, SIDES)).subquery("named")
    return select(both).where(both.c.unit != "").subquery("units")


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
    per_asset
        Whether it is counted in asset-months.
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
        days = _days_of(period, self.first_on)
        return float(self.over[side, days].sum()), float(self.exposure[side, days].sum())


def _days_of(period: Period, first_on: date) -> slice:
    """Where the days of `period` are among days that begin with `first_on`."""
    return slice((period.from_on - first_on).days, (period.to_on - first_on).days)


def counted_days(filters: Filters, period: Period, gaps: Sequence[tuple[date, date]]) -> npt.NDArray[np.bool_]:
    """Which days of `period` count: not those without data, nor event days that the reader left out."""
    counts = np.ones(period.days, bool)
    for begin, end in (*gaps, *filters.left_out):
        counts[max((begin - period.from_on).days, 0) : max((end - period.from_on).days, 0)] = False
    return counts


Stretches = tuple[Period, Period]
"""The time before and the time after."""


# ── Units that are values of a dimension ────────────────────────────────────────────────────────────


def _called(asking: Asking, kind: str) -> dict[str, str]:
    """The name of each unit of a kind that a table lists, by its id and by its name."""
    table = schema.metadata.tables[LISTED_IN[kind]]
    if not asking.has(table.name):
        return {}
    rows = asking.reader.frame(units_listed(kind, table)).dropna()
    pairs = [(str(key), str(name)) for key, name in rows.itertuples(index=False, name=None)]
    return dict(pairs) | {name: name for _, name in pairs}


def count_values(
    asking: Asking, change: Change, over: Total, under: Total | None, filters: Filters, compared: Stretches
) -> Counted:
    """Count a change whose units are values of a dimension, as any other question is counted."""
    dimension = UNITS[change.kind]
    called = _called(asking, change.kind)
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
        grid = np.zeros((len(names) + 1, period.days))  # the last row is of units of which nothing was counted
        grid[codes, days] = answer.column(measure.name).astype(float)
        grids.append(grid)
    over_of, under_of, units = [], [], []
    for side in sides:
        rows = np.array([names.index(one) if one in names else -1 for one in side], int)
        counts = grids[0][rows]
        base = np.tile(counts_day.astype(float), (len(side), 1)) if under is None else grids[1][rows]
        units.append(Units(*(
            values[:, _days_of(one, period.from_on)].sum(axis=1) for values in (counts, base) for one in compared
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


def count_assets(
    asking: Asking, change: Change, over: Total, under: Total | None, filters: Filters, compared: Stretches
) -> Counted:
    """Count a change of assets: requests about them, in months that assets were in service.

    Assets that are not in the register are left out; if none is, days are counted instead of asset-months.
    """
    reader, period = asking.reader, filters.period
    units = assets_named(schema.intervention, change.change_id)
    # What is counted in is narrowed as what is counted; whoever may see no value sees no asset.
    narrowed = [
        or_(_a[one.name].in_(values), and_(_a[one.name].is_(None), literal(one.missing in values)))
        for one in (district, department)
        for name, values in (*filters.choices, *asking.scope.rows)
        if name == one.name
    ]
    named = select(units.c.side, units.c.unit, literal(None).label("found"))
    if asking.has(schema.asset.name) and asking.scope.reaches(REGISTERED.name):
        mine = func.coalesce(and_(true(), *narrowed), false()).label("mine")
        named = select(
            units.c.side, units.c.unit, _a.asset_id.label("found"), mine, _a.installed_on, _a.removed_on
        ).select_from(units.outerjoin(schema.asset, _a.asset_id == units.c.unit))  # fmt: skip
    register = reader.frame(named.order_by(units.c.side, units.c.unit))
    is_found = register["found"].notna()
    per_asset, unknown = bool(is_found.any()), tuple[str, ...]()
    if per_asset:
        unknown = tuple(register.loc[~is_found, "unit"])
        register = register[is_found & register["mine"].astype(bool)].reset_index(drop=True)
    joined: Any = units.join(schema.request, _r.asset_id == units.c.unit)
    if per_asset:
        joined = joined.join(schema.asset, _a.asset_id == units.c.unit)

    def asked(total: Total, *keys: ColumnElement, among: ColumnElement[bool] | None = None) -> pd.DataFrame:
        fact, conditions = rows_of(total, filters, asking.scope)
        source = joined
        if fact.table is not schema.request:
            source = source.join(fact.table, fact.table.c.request_id == _r.request_id)
        by = [*keys, total.value.label("n")]
        rows = select(units.c.side, *by).select_from(source).where(*conditions, *(narrowed if per_asset else ()))
        rows = rows if among is None else rows.where(among)
        rows = rows.group_by(units.c.side, *keys)
        return reader.frame(with_values(rows, asking.frame, period.to_on))

    def in_either(total: Total, key: ColumnElement) -> pd.DataFrame:
        """What was counted in the two stretches alone; ``at`` is 1 after the change, else 0."""
        during = or_(*(and_(total.on >= one.from_on, total.on < one.to_on) for one in compared))
        return asked(total, key, case((total.on >= compared[1].from_on, 1), else_=0).label("at"), among=during)

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

    place = {unit: at for at, unit in enumerate(register["unit"])}

    def of_units(total: Total) -> Numbers:
        rows = in_either(total, units.c.unit)
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
        days = [float(counts_day[_days_of(one, period.from_on)].sum()) for one in compared]
        base = np.array([np.full(len(register), one) for one in days])
    both = Units(y[0], y[1], base[0], base[1])
    by_channel = in_either(over, _r.channel)
    few = [tuple(register.loc[is_side, "unit"]) for is_side in (is_treated, ~is_treated)]
    names = (few[0][: MANY_UNITS + 1], few[1][: MANY_UNITS + 1])  # of more none is told by itself
    return Counted(
        period.from_on, counts, exposure, (both.among(is_treated), both.among(~is_treated)), names,
        (int(is_treated.sum()), int((~is_treated).sum())), unknown, *_by_channel(by_channel),
        per_asset and under is None,
        (
            *notes_on(over, filters, asking.scope),
            *(() if per_asset else ("The asset register does not hold these assets: counted by the day.",)),
        ),
    )  # fmt: skip


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
    days = _days_of(during, period.from_on)
    begin, end = (np.clip(in_service[:, at], days.start, days.stop) for at in (0, 1))
    return (passed[end] - passed[begin]).astype(float)
