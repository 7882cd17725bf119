"""How old assets are: each by stretches of its life, so that time in service can be told by age.

The only place where an asset's life is cut into bands; a fault is of the band that the asset was in when it was
reported.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, String, case, column, func, select, values

from data_access import schema

_YEAR = 365
_EVER = 100_000
"""Longer than anything stands, in days."""
AGES: tuple[tuple[int, str], ...] = (
    (0, "first 60 days"), (60, "up to 2 years"), (2 * _YEAR, "2–5 years"), (5 * _YEAR, "5–10 years"),
    (10 * _YEAR, "over 10 years"),
)  # fmt: skip
"""The days after its installation from which on an asset is so old. The first weeks stand apart: new things fail early,
and are reported by whoever is new to them."""
FIRST_DAYS = AGES[0][1]


def age_of(days: ColumnElement) -> ColumnElement[str]:
    """The band of so many days after the installation; null before it."""
    return case(
        (days < 0, None), *((days < AGES[i + 1][0], AGES[i][1]) for i in range(len(AGES) - 1)),
        (days.is_not(None), AGES[-1][1]), else_=None,
    )  # fmt: skip


def _stretches() -> Select:
    asset = schema.asset.c
    ends = [*(low for low, _ in AGES[1:]), _EVER]
    bands = values(
        column("low", Integer), column("high", Integer), column("age", String), name="bands", literal_binds=True
    ).data([(low, high, age) for (low, age), high in zip(AGES, ends, strict=True)])
    begin = asset.installed_on + bands.c.low
    end = func.least(func.coalesce(asset.removed_on, asset.installed_on + _EVER), asset.installed_on + bands.c.high)
    named = (asset.asset_id, asset.kind, asset.model, asset.vendor, asset.district, asset.department)
    return select(*named, bands.c.age, begin.label("start_on"), end.label("end_on")).where(begin < end)


ASSET_STRETCH: Any = _stretches().subquery("asset_stretch")
"""A row for each asset and age that it reached: ``[start_on, end_on)``; none where its installation is not known."""
