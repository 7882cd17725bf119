"""Riverton's parking meters and street lights: where they stand, how often they fail, when they were replaced."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
import pandas as pd

from data_access.demo.frames import dates, frame, numbered, words
from data_access.demo.geography import ground
from data_access.demo.stories import METERS_REPLACED_ON

METERS, TREATED, LIGHTS = 2_000, 1_200, 5_000
# Faults per 1,000 meters and month: replaced meters before and after, the others before and after
METER_FAULTS = ((60.0, 30.0), (50.0, 47.5))
_LIGHT_MODELS = (("Sodium 150", 1.0, 1998, 2014), ("LED A", 0.35, 2015, 2020), ("LED B", 0.55, 2018, 2024))


@dataclass(frozen=True)
class Assets:
    """Places of meters and lights (numbers of `Ground` places) and how prone each light is to fail."""

    meter_place: np.ndarray
    light_place: np.ndarray
    light_model: np.ndarray
    light_since: np.ndarray
    light_faults: np.ndarray


@cache
def assets() -> Assets:
    """Every meter and light, always the same."""
    rng = np.random.default_rng(891)
    g = ground()
    addresses = np.flatnonzero(~g.is_crossing)
    trade = g.trade[addresses] ** 1.4
    meters = rng.choice(addresses, METERS, replace=False, p=trade / trade.sum())
    meters = meters[np.argsort(np.hypot(g.x[meters] + 900, g.y[meters]) + rng.normal(0, 700, METERS))]
    lights = rng.choice(addresses, LIGHTS, replace=False)
    model = rng.choice(3, LIGHTS, p=[0.38, 0.37, 0.25])
    years = np.array([row[2:] for row in _LIGHT_MODELS])[model]
    since = np.array([date(int(y), 1, 1).toordinal() for y in rng.integers(years[:, 0], years[:, 1])]) - 719_163
    since += rng.integers(0, 365, LIGHTS)
    faults = np.array([row[1] for row in _LIGHT_MODELS])[model] * rng.gamma(1.2, 1 / 1.2, LIGHTS)
    return Assets(meters, lights, model, since, faults)


def meter_id(meter: np.ndarray, is_new: np.ndarray) -> list[str]:
    """The id painted on a meter; a replaced one got a new one."""
    return [f"PM{n + 1:04d}{'T' if new else ''}" for n, new in zip(meter.tolist(), is_new.tolist(), strict=True)]


def asset_frame() -> pd.DataFrame:
    """Rows of `asset`: old and new meters, and street lights."""
    g, a = ground(), assets()
    rng = np.random.default_rng(892)
    replaced = METERS_REPLACED_ON.toordinal() - 719_163
    number = np.concatenate([np.arange(METERS), np.arange(TREATED)])
    is_new = np.arange(len(number)) >= METERS
    since = np.where(is_new, replaced, rng.integers(14_500, 18_500, len(number)))
    meters = frame(
        asset_id=meter_id(number, is_new),
        kind="parking_meter",
        model=words(["Kestrel M2", "Tern 5"], is_new.astype(int)),
        vendor=words(["Kestrel Meters", "Tern Systems"], is_new.astype(int)),
        installed_on=dates(since),
        removed_on=dates(np.full(len(number), replaced), ~is_new & (number < TREATED)),
        enforce_calendar_id="desk",
        lat=g.lat[a.meter_place[number]],
        lon=g.lon[a.meter_place[number]],
    )
    lights = frame(
        asset_id=numbered("SL", np.arange(1, LIGHTS + 1), 5),
        kind="street_light",
        model=words([row[0] for row in _LIGHT_MODELS], a.light_model),
        vendor=words(["Old Mill Electric", "Lumen Works", "Brightway"], a.light_model),
        installed_on=dates(a.light_since),
        lat=g.lat[a.light_place],
        lon=g.lon[a.light_place],
    )
    return pd.concat([meters, lights], ignore_index=True)


def meter_groups() -> tuple[str, str]:
    """JSON lists of the ids of replaced meters (old and new) and of those kept for comparison."""
    replaced = np.arange(TREATED)
    old, new = (meter_id(replaced, np.full(TREATED, flag)) for flag in (False, True))
    kept = np.arange(TREATED, METERS)
    return json.dumps(old + new), json.dumps(meter_id(kept, np.zeros(len(kept), bool)))
