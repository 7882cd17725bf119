"""What Riverton promises: departments, calendars, 120 service types and their SLAs, drawn as one table."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from data_access.demo.civil_time import CivilDays, Clock, Exception_, holidays, windows_of

_WEEKDAYS = (("08:00", "17:00"),)
WEEKS: dict[str, tuple[str, tuple[tuple[tuple[str, str], ...], ...]]] = {
    "desk": ("311 desk, Monday to Saturday", ((("07:00", "19:00"),),) * 6 + ((),)),
    "office": ("City offices, Monday to Friday", (_WEEKDAYS,) * 5 + ((), ())),
    "collection": ("Collection, Monday to Friday", ((("06:00", "15:00"),),) * 5 + ((), ())),
    "always": ("Around the clock", ((("00:00", "24:00"),),) * 7),
}
SNOW_DAY = date(2026, 1, 26)
_COLLECTION_RESTS = ("New Year's Day", "Memorial Day", "Independence Day", "Labor Day", "Thanksgiving Day",
                     "Christmas Day")  # fmt: skip

# id, name, calendar, share of requests handed over, crews or desks that hold the work
DEPARTMENTS: tuple[tuple[str, str, str, float, tuple[str, ...]], ...] = (
    ("SAN", "Sanitation", "collection", 0.03, ("Collection North", "Collection South", "Bulk crew", "Clean streets")),
    ("STR", "Streets & Traffic", "office", 0.08, ("Streets North", "Streets South", "Signals", "Lighting")),
    ("PKG", "Parking Services", "office", 0.05, ("Meter shop", "Enforcement")),
    ("WAT", "Water & Sewer", "always", 0.08, ("Leak crew", "Sewer crew", "Customer desk")),
    ("PRK", "Parks & Forestry", "office", 0.06, ("Forestry", "Park keepers", "Graffiti removal")),
    ("COD", "Code Enforcement", "office", 0.11, ("Inspectors North", "Inspectors South", "Permits")),
    ("HOU", "Housing", "office", 0.09, ("Housing inspectors", "Outreach")),
    ("VEC", "Vector & Animal Services", "office", 0.05, ("Vector control", "Animal control")),
    ("HLT", "Public Health", "office", 0.07, ("Food safety", "Environmental health")),
    ("POL", "Police, Non-emergency", "always", 0.06, ("Community desk", "Night desk")),
    ("FIR", "Fire Prevention", "office", 0.04, ("Prevention bureau",)),
    ("CLK", "City Clerk", "office", 0.03, ("Records",)),
    ("FIN", "Finance & Tax", "office", 0.03, ("Revenue desk",)),
    ("C311", "311 Service Center", "desk", 0.02, ("Front desk",)),
)

# weight | SLA | on time | sensitivity | season | week | place | duplicates within metres/days | spread | name
# SLA: 2bd business days, 5cd calendar days (both to the end of the day), 24h around the clock, 16oh office hours,
# 2cl collection days, - none; a trailing * when the source gives the due time itself.
_TABLE = """
SAN Waste and recycling
68 2cl  .95 P1 flat   mon  home    -      .55 Missed collection
24 2cl  .94 P1 flat   mon  home    -      .55 Missed recycling
11 2cl  .93 P1 grow   mon  home    -      .55 Missed yard waste
8  3cl  .92 P1 spring mon  home    -      .55 Missed bulk collection
40 5cd  .92 P0 spring even any     60/14  .75 Illegal dumping
30 7cd* .95 P1 spring mon  home    -      .45 Bulk item pick-up
16 48h  .90 P0 summer end  trade   40/5   .70 Overflowing public bin
14 10bd .91 P1 flat   mon  home    -      .60 Cart replacement
8  10bd .93 P1 spring mon  home    -      .60 New recycling cart
11 24h  .94 P0 summer even traffic 80/3   .70 Dead animal removal
9  5cd  .88 P0 summer even trade   60/7   .80 Litter in street
6  10bd .86 P1 autumn mon  home    -      .70 Leaves not collected
5  10bd .87 P0 spring even traffic 80/14  .70 Street sweeping
4  24h  .94 P3 summer even any     30/3   .80 Needle pick-up
3  10bd .91 P1 flat   work home    -      .60 Electronic waste pick-up
STR Streets
43 5bd  .90 P0 thaw   work traffic 50/14  .80 Pothole
13 30bd .86 P0 thaw   work traffic 50/30  .60 Pavement defect
32 180cd .80 P0 grow  work home    40/60  .50 Sidewalk defect
8  120cd .82 P0 grow   work home    40/60  .50 Curb damage
9  24h  .86 P0 winter even traffic 150/1  .80 Snow on street
3  24h  .88 P0 winter even home    80/2   .80 Ice on sidewalk
7  90cd .85 P0 grow   work cross   60/60  .50 Road marking worn
4  15bd .86 P0 flat   work cross   40/30  .70 Street name sign missing
9  120cd .82 P0 thaw   work home    60/60  .50 Alley repair
8  24h  .94 P0 flat   even traffic 80/1   .80 Debris in roadway
5  45cd .84 P0 grow   work traffic 60/30  .60 Utility cut settling
5  180cd .80 P0 flat  work home    -      .45 Speed hump request
2  10bd .87 P0 summer work traffic 80/14  .70 Bike lane blocked or damaged
STR Traffic and signals
8  24h  .96 P0 storm  even cross   60/1   .85 Traffic signal dark
6  10bd .88 P0 flat   work cross   60/14  .70 Traffic signal timing
4  24h  .95 P0 storm  even cross   60/1   .80 Traffic signal flashing
4  48h  .93 P0 flat   even cross   60/3   .80 Pedestrian signal broken
5  24h  .96 P0 flat   even cross   60/2   .85 Stop sign down
5  10bd .88 P0 flat   work cross   60/14  .70 Traffic sign damaged
4  120cd .80 P0 flat  work traffic -      .45 Traffic study request
3  120cd .82 P0 flat  work cross   -      .45 Crosswalk request
2  3bd  .88 P0 grow   work traffic 100/5  .70 Work zone complaint
STR Street lights
30 14cd .85 P0 dark   even light   45/21  .70 Street light out
6  14cd .85 P0 dark   even light   45/21  .70 Street light flickering
3  10bd .88 P0 flat   even light   45/21  .70 Light pole damaged
3  30cd .90 P0 flat   work light   45/30  .70 Light on during the day
PKG Parking
8  72h  .93 P0 flat   work meter   0/3    .75 Parking meter broken
3  48h  .93 P0 flat   work trade   40/3   .75 Pay station broken
19 24h  .86 P2 flat   even trade   -      .80 Illegal parking
20 7cd  .86 P2 flat   work home    60/10  .70 Abandoned vehicle
8  24h  .88 P2 flat   even home    -      .80 Blocked driveway
7  5bd  .94 P1 autumn work none    -      .60 Residential permit question
5  5bd  .93 P1 flat   work none    -      .60 Parking ticket question
2  24h  .87 P2 flat   even trade   -      .80 Accessible bay misused
WAT Water and sewers
26 48h  .95 P0 thaw   even traffic 80/3   .75 Water leak
4  24h  .96 P1 winter even home    120/1  .75 No water
4  3bd  .92 P1 flat   work home    -      .70 Low water pressure
4  48h  .93 P1 flat   even home    150/2  .70 Discolored water
12 5cd  .89 P0 storm  even traffic 60/7   .75 Blocked drain
8  24h  .93 P1 storm  even home    60/2   .75 Sewer backup
4  5cd  .90 P0 summer even any     80/7   .70 Sewer odor
2  24h  .95 P0 flat   even traffic 40/1   .75 Manhole cover missing
3  48h  .93 P0 winter even traffic 60/3   .75 Hydrant leaking
6  10bd .92 P1 flat   work home    -      .65 Water meter problem
12 5bd  .94 P1 flat   mon  none    -      .60 Water bill question
3  24h  .92 P0 storm  even traffic 120/1  .80 Flooded street
PRK Trees and parks
9  10cd .87 P0 storm  even home    50/7   .80 Tree down
10 10cd .86 P0 storm  even home    50/14  .80 Tree limb hanging
40 180cd .80 P0 grow  work home    -      .50 Tree trimming
12 180cd .85 P0 grow  work home    -      .45 Tree planting request
8  180cd .82 P0 grow  work home    -      .50 Stump removal
5  90cd .84 P0 grow   work home    -      .50 Tree root damage
8  10bd .89 P0 grow   even park    80/10  .70 Park maintenance
3  5bd  .91 P0 summer even park    60/7   .70 Playground damaged
4  10bd .89 P0 grow   work park    120/14 .70 Grass too high in park
3  48h  .91 P0 summer end  park    60/2   .70 Park restroom dirty
30 7cd  .95 P0 grow   even trade   30/14  .65 Graffiti
COD Code and property
24 20bd .86 P2 grow   work home    40/30  .60 Overgrown lot
19 30bd .84 P2 grow   work home    40/30  .60 Junk in yard
8  5bd  .85 P2 dark   work home    40/30  .75 Vacant building open
5  30bd .84 P2 flat   work home    -      .60 Fence or wall unsafe
6  10bd .86 P2 grow   work home    60/20  .70 Construction without permit
3  20bd .86 P2 flat   work trade   -      .70 Sign violation
8  45cd .83 P2 flat   work home    -      .60 Zoning complaint
4  3bd  .84 P2 winter even home    40/3   .75 Snow not shoveled
2  30cd .84 P2 flat   work home    -      .70 Unlicensed business
5  20bd .87 P2 grow   work trade   30/20  .70 Graffiti on private property
3  48h  .90 P2 storm  even home    40/3   .75 Unsafe structure
2  10bd .88 P2 grow   work home    60/20  .70 Scrap tires
HOU Housing
40 60cd .79 P2 dark   work home    -      .60 Housing conditions
10 48h  .91 P2 winter even home    30/3   .75 No heat
7  30cd .80 P2 flat   work home    -      .75 Mold
2  15bd .86 P3 flat   work home    -      .70 Lead paint concern
4  5bd  .93 P1 flat   work none    -      .60 Rental license question
2  3bd  .88 P1 flat   even home    30/5   .75 Elevator out of service
3  2bd  .91 P3 flat   work none    -      .70 Eviction help
6  10bd .82 P3 summer even any     100/14 .80 Homeless encampment
VEC Animals and vermin
37 10cd .87 P2 rats   work home    60/14  .75 Rats and vermin
5  15bd .88 P2 summer work home    80/14  .70 Mosquitoes
4  5bd  .90 P2 summer even home    40/7   .70 Wasps or bees
23 24h  .93 P1 summer even home    150/2  .80 Stray animal
3  24h  .96 P3 summer even home    -      .80 Animal bite
4  24h  .93 P3 flat   even home    -      .80 Animal cruelty
8  5bd  .88 P2 summer even home    -      .75 Barking dog
4  24h  .92 P1 grow   even home    -      .80 Wildlife indoors
3  10bd .86 P2 flat   work home    -      .75 Bed bugs
HLT Health and noise
6  5bd  .92 P2 flat   work trade   -      .70 Restaurant complaint
4  3bd  .89 P2 dark   even any     150/3  .75 Smoke or odor
1  24h  .95 P3 summer even home    -      .80 Heat welfare check
2  2bd  .93 P3 summer work trade   -      .70 Food poisoning
POL Health and noise
13 24h  .90 P2 summer end  home    60/1   .80 Loud music
5  3bd  .87 P2 grow   work home    120/5  .75 Construction noise
4  24h  .86 P2 july   end  home    200/1  .80 Fireworks
3  5bd  .85 P3 flat   even any     -      .75 Drug activity tip
FIR Health and noise
3  10bd .93 P1 flat   work home    -      .60 Smoke alarm request
2  24h  .94 P2 autumn even home    -      .75 Open burning
CLK City services
4  5bd  .96 P1 flat   mon  none    -      .60 Birth certificate request
3  10bd .91 P1 flat   work none    -      .60 Public records request
4  -    .90 P1 flat   work none    -      .60 Comment to the council
FIN City services
8  5bd* .94 P1 tax    mon  none    -      .60 Property tax question
3  5bd* .93 P1 tax    mon  none    -      .60 Business tax question
C311 City services
10 -    .99 P1 flat   mon  none    -      .30 Information only
5  10bd .90 P1 flat   work none    -      .70 Complaint about a service
1  -    .95 P1 flat   work none    -      .60 Praise for an employee
2  -    .90 P1 flat   work none    -      .60 Interdepartmental referral
"""
INFORMATION_ONLY, INTERNAL = "Information only", "Interdepartmental referral"
PROMISE_CHANGED_ON = date(2025, 7, 1)
_EARLIER_PROMISE = {"Rats and vermin": "14cd", "Graffiti": "10cd", "Abandoned vehicle": "10cd"}
_BROAD = {  # the words other cities use, so that two cities can be compared
    "Waste and recycling": "sanitation", "Streets": "streets", "Traffic and signals": "traffic",
    "Street lights": "street_lights", "Water and sewers": "water", "Trees and parks": "parks",
    "Code and property": "code", "Housing": "housing", "Animals and vermin": "animals", "Parking": "parking",
    "Health and noise": "health", "City services": "administration",
}  # fmt: skip
_UNITS = {"bd": ("business_days", "end_of_day", "office"), "cl": ("business_days", "end_of_day", "collection"),
          "cd": ("calendar_days", "end_of_day", "always"), "h": ("business_seconds", "same_time", "always"),
          "oh": ("business_seconds", "same_time", "office")}  # fmt: skip
PAUSE_REASONS = ("Waiting for the requester", "Waiting for parts", "Weather", "Waiting for another agency", "No access")
CATEGORIES = tuple(_BROAD)


@dataclass(frozen=True)
class Promise:
    """How soon a type is meant to be done."""

    value: float
    unit: str
    mode: str
    calendar: str

    @classmethod
    def read(cls, text: str) -> Promise:
        """A promise from its short form in the table."""
        value, unit = re.fullmatch(r"(\d+)([a-z]+)", text).groups()  # type: ignore[union-attr]
        return cls(float(value) * (3600 if unit.endswith("h") else 1), *_UNITS[unit])


@dataclass(frozen=True)
class ServiceType:
    """A row of the table above."""

    type_id: str
    name: str
    department: int
    category: str
    weight: float
    promise: Promise | None
    due_by_source: bool
    on_time_share: float
    sensitivity: str
    season: str
    week: str
    place: str
    radius_m: int | None
    days: int | None
    spread: float


def _read_types() -> tuple[ServiceType, ...]:
    types: list[ServiceType] = []
    department, category = 0, ""
    ids = [row[0] for row in DEPARTMENTS]
    for line in _TABLE.strip().splitlines():
        parts = line.split(maxsplit=9)
        if len(parts) < 10:
            head, category = line.split(maxsplit=1)
            department = ids.index(head)
            continue
        weight, sla, share, sensitivity, season, week, place, duplicates, spread, name = parts
        radius, days = (None, None) if duplicates == "-" else map(int, duplicates.split("/"))
        types.append(ServiceType(
            f"T{len(types) + 1:03d}", name, department, category, float(weight),
            None if sla == "-" else Promise.read(sla.rstrip("*")), sla.endswith("*"), float(share), sensitivity,
            season, week, place, radius, days, float(spread),
        ))  # fmt: skip
    return tuple(types)


TYPES = _read_types()
TYPE_AT = {kind.name: i for i, kind in enumerate(TYPES)}


def exceptions(calendar: str, first: date, last: date) -> list[Exception_]:
    """The days between two dates on which a calendar departs from its week."""
    if calendar == "always":
        return []
    days = [
        Exception_(day, False, name)
        for year in range(first.year, last.year + 2)
        for day, name in holidays(year).items()
        if first <= day <= last and (calendar != "collection" or name in _COLLECTION_RESTS)
    ]
    days.append(Exception_(SNOW_DAY, False, None, None, "Snow closure"))
    if calendar == "desk":  # the line was kept open longer for the storm and for the flood
        storm = "Storm: line kept open"
        days.append(Exception_(date(2026, 5, 16), True, None, (("07:00", "22:00"),), storm))
        days.append(Exception_(date(2026, 5, 17), True, None, (("08:00", "20:00"),), storm))
        days.append(Exception_(date(2025, 4, 6), True, None, (("08:00", "18:00"),), "Flood: line kept open"))
        return [day for day in days if first <= day.day <= last and day.holiday != "Day after Thanksgiving"]
    return [day for day in days if first <= day.day <= last]


def clocks(days: CivilDays, first: date, last: date) -> dict[str, Clock]:
    """The working hours of every calendar."""
    return {name: windows_of(week, exceptions(name, first, last), days) for name, (_, week) in WEEKS.items()}


def calendar_frames(first: date, last: date) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of `calendar` and `calendar_day`, the latter only for days that depart from the week."""
    rows = [
        (name, pd.Timestamp(day.day), day.is_business, day.holiday,
         None if day.windows is None else json.dumps(day.windows), day.reason or ("Holiday" if day.holiday else None))
        for name in WEEKS for day in sorted(exceptions(name, first, last), key=lambda day: day.day)
    ]  # fmt: skip
    names = ["calendar_id", "day_on", "is_business", "holiday_name", "windows", "reason"]
    weeks = [(key, name, json.dumps(week)) for key, (name, week) in WEEKS.items()]
    return pd.DataFrame(weeks, columns=["calendar_id", "name", "weekly_windows"]), pd.DataFrame(rows, columns=names)


def department_frame() -> pd.DataFrame:
    """Rows of `department`."""
    return pd.DataFrame({
        "department_id": [row[0] for row in DEPARTMENTS], "name": [row[1] for row in DEPARTMENTS],
        "calendar_id": [row[2] for row in DEPARTMENTS], "valid_from_on": pd.Timestamp("2010-07-01"),
    })  # fmt: skip


def service_type_frame() -> pd.DataFrame:
    """Rows of `service_type`."""
    return pd.DataFrame({
        "type_id": [kind.type_id for kind in TYPES],
        "code": [f"{DEPARTMENTS[kind.department][0]}-{i + 1:03d}" for i, kind in enumerate(TYPES)],
        "name": [kind.name for kind in TYPES],
        "category": [kind.category for kind in TYPES],
        "department_id": [DEPARTMENTS[kind.department][0] for kind in TYPES],
        "sensitivity": [kind.sensitivity for kind in TYPES],
        "is_info_only": [kind.name == INFORMATION_ONLY for kind in TYPES],
        "is_internal": [kind.name == INTERNAL for kind in TYPES],
        "normalized_category": [_BROAD[kind.category] for kind in TYPES],
        "duplicate_radius_m": pd.array([None if kind.radius_m is None else max(kind.radius_m, 15) for kind in TYPES],
                                       dtype="Int64"),
        "duplicate_days": pd.array([kind.days for kind in TYPES], dtype="Int64"),
        "valid_from_on": pd.Timestamp("2010-07-01"),
    })  # fmt: skip


def promises() -> list[tuple[int, Promise, date, date | None]]:
    """Every version of every promise: type, promise, first day, first day no longer in force."""
    versions: list[tuple[int, Promise, date, date | None]] = []
    for i, kind in enumerate(TYPES):
        if kind.promise is None:
            continue
        start = date(2010, 7, 1)
        if kind.name in _EARLIER_PROMISE:
            versions.append((i, Promise.read(_EARLIER_PROMISE[kind.name]), start, PROMISE_CHANGED_ON))
            start = PROMISE_CHANGED_ON
        versions.append((i, kind.promise, start, None))
    return versions


def sla_frame() -> pd.DataFrame:
    """Rows of `sla_version`."""
    rows = []
    for i, promise, start, end in promises():
        goal = round(int((TYPES[i].on_time_share - 0.02) / 0.05) * 0.05, 2)  # what is usually reached, in steps of five
        rows.append((
            f"{TYPES[i].type_id}-{start.year}", TYPES[i].type_id, promise.value, promise.unit, promise.mode,
            promise.calendar, goal, json.dumps(PAUSE_REASONS), pd.Timestamp(start),
            pd.NaT if end is None else pd.Timestamp(end),
        ))  # fmt: skip
    names = ["sla_id", "type_id", "target_value", "target_unit", "mode", "calendar_id", "target_share",
             "pausable_reasons", "valid_from_on", "valid_to_on"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


_SEASONS = {  # monthly, January first
    "flat": [1] * 12,
    "winter": [2.6, 2.4, 1.2, 0.5, 0.25, 0.2, 0.2, 0.2, 0.3, 0.7, 1.3, 2.2],
    "thaw": [1.3, 1.6, 1.8, 1.4, 1.0, 0.8, 0.7, 0.7, 0.7, 0.7, 0.7, 0.9],
    "spring": [0.7, 0.75, 1.1, 1.35, 1.35, 1.2, 1.1, 1.05, 1.0, 0.9, 0.8, 0.7],
    "grow": [0.4, 0.5, 0.8, 1.15, 1.5, 1.6, 1.5, 1.35, 1.15, 0.95, 0.65, 0.45],
    "summer": [0.5, 0.55, 0.75, 0.95, 1.2, 1.5, 1.6, 1.5, 1.2, 0.95, 0.7, 0.6],
    "autumn": [0.6, 0.3, 0.4, 0.5, 0.5, 0.6, 0.7, 1.0, 1.3, 2.2, 2.6, 1.3],
    "storm": [0.7, 0.75, 1.0, 1.2, 1.3, 1.4, 1.4, 1.2, 0.9, 0.8, 0.7, 0.65],
    "dark": [1.4, 1.25, 1.0, 0.85, 0.75, 0.65, 0.7, 0.8, 0.95, 1.1, 1.3, 1.4],
    "rats": [0.7, 0.7, 0.85, 1.0, 1.15, 1.25, 1.25, 1.25, 1.15, 1.05, 0.9, 0.75],
    "july": [0.3, 0.2, 0.3, 0.5, 0.9, 3.0, 5.0, 0.6, 0.4, 0.3, 0.3, 0.7],
    "tax": [1.9, 1.0, 0.8, 0.8, 0.9, 1.1, 1.9, 0.9, 0.7, 0.7, 0.7, 0.8],
}
_WEEKS = {  # Monday first
    "work": [1.30, 1.22, 1.18, 1.15, 1.10, 0.62, 0.43],
    "mon": [1.50, 1.30, 1.22, 1.16, 1.10, 0.50, 0.22],
    "even": [1.14, 1.06, 1.04, 1.02, 1.04, 0.92, 0.78],
    "end": [0.95, 0.85, 0.85, 0.9, 1.05, 1.25, 1.15],
}


def daily_pattern(day_numbers: np.ndarray) -> np.ndarray:
    """Expected relative volume, days × types, of season and weekday; mean about one a year."""
    stamps = pd.DatetimeIndex(day_numbers.astype("datetime64[D]").astype("datetime64[s]"))
    middle = (stamps.month.to_numpy() - 1) + (stamps.day.to_numpy() - 15) / 30.4
    months = np.arange(-1, 13)
    pattern = np.empty((len(day_numbers), len(TYPES)))
    for i, kind in enumerate(TYPES):
        year = np.array(_SEASONS[kind.season], dtype=float)
        year /= year.mean()
        season = np.interp(middle, months, np.concatenate([year[-1:], year, year[:1]]))
        pattern[:, i] = season * np.array(_WEEKS[kind.week])[stamps.day_of_week.to_numpy()]
    return pattern
