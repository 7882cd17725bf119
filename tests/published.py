"""A city large enough to publish tables of it, with callers, addresses and notes that must not be in them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboard.settings import Settings
from data_access.build import Build
from data_access.public_extract import write_extract
from tests import city

CLASSES = {"Pothole": "P0", "Missed cart": "P1", "Noise": "P2", "Needles": "P3", "Unclassified": None}
DISTRICTS = ["North", "South", "East", "West", "Hill", "Lake"]
SECRETS = ("person-planted", "12 Planted St", "planted note", "39.61", "-75.91", "q17-")


def requests() -> pd.DataFrame:
    """From January 2025 to May 2026: plenty of each type in most districts, few in Lake, hardly any noise on Hill."""
    dice = np.random.default_rng(311)
    rows = []
    for name in CLASSES:
        for place, where in enumerate(DISTRICTS):
            n = {"Lake": 30, "Hill": 6 if name == "Noise" else 150}.get(where, 260)
            for i in range(n):
                day = pd.Timestamp("2025-01-01") + pd.Timedelta(days=int(dice.integers(0, 516)))
                rows.append((name, where, day, int(dice.integers(0, 9)), i % 9 == 0, place))
    frame = pd.DataFrame(rows, columns=["type_id", "source_district", "day", "spot", "late", "place"])
    frame = frame[np.random.default_rng(1).random(len(frame)) < 0.6].reset_index(drop=True)
    opened = city.utc(frame["day"].dt.strftime("%Y-%m-%dT10:00"))
    return pd.DataFrame(
        {
            "request_id": [f"q17-{n}" for n in range(len(frame))], "type_id": frame["type_id"],
            "source_district": frame["source_district"], "opened_at": opened, "department_id": "streets",
            "due_at": opened + pd.Timedelta(days=3), "due_source": "source", "status": "closed", "channel": "web",
            "closed_at": opened + pd.to_timedelta(np.where(frame["late"], 9, 2), unit="D"), "src_system": "tiny",
            "src_id": "", "person_key": "person-planted", "address": "12 Planted St", "note": "planted note",
            "lat": 39.61 + 0.02 * (frame["spot"] ** 2 % 7) + 0.04 * frame["place"], "lon": -75.91,
        }
    )  # fmt: skip


def publish(settings: Settings, as_of: str = "2026-06-03T12:00") -> None:
    """Build the city as it was known at an instant, and write its published tables."""
    known = requests()
    known = known[known["opened_at"] < as_of]
    types = pd.DataFrame({"type_id": list(CLASSES), "name": list(CLASSES), "sensitivity": list(CLASSES.values()),
                          "is_info_only": False, "is_internal": False})  # fmt: skip
    with Build(settings, city.CITY) as build:
        build.write("department", city.DEPARTMENTS)
        build.write("service_type", types)
        build.write("district", city.DISTRICTS)
        build.write("request", known.assign(closed_at=known["closed_at"].where(known["closed_at"] < as_of)))
        build.publish(as_of=pd.Timestamp(as_of).to_pydatetime())
    write_extract(settings)
