"""Riverton's smaller books: collection routes, inspections, surveys, budget, city events, before-and-after changes."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from data_access.demo import stories
from data_access.demo.assets import LIGHTS, METERS, TREATED, meter_groups, meter_id
from data_access.demo.catalogue import DEPARTMENTS, TYPE_AT, TYPES
from data_access.demo.civil_time import CivilDays, Clock, day_number
from data_access.demo.frames import DAY, NEVER, dates, frame, instants, number_or_null, numbered, words
from data_access.demo.geography import DISTRICTS, Ground
from data_access.demo.requests import OUTCOMES, Opened, Requests, pick

_STREAMS = ("refuse", "recycling", "organics", "bulk")
_PER_DISTRICT = (3, 2, 1)  # refuse, recycling and organics routes in each district; six bulk routes for the city
_STREAM_OF = {"Missed collection": 0, "Missed recycling": 1, "Missed yard waste": 2, "Missed bulk collection": 3}


class Routes:
    """Sixty collection routes, each with one weekday; and which round a missed pick-up belongs to."""

    def __init__(self, days: CivilDays, clock: Clock, last_day: int) -> None:
        rows: list[tuple[int, int, int]] = []  # stream, district, weekday
        for stream, many in enumerate(_PER_DISTRICT):
            rows += [(stream, k, (k * (stream + 2) + 2 * j + stream) % 5) for k in range(9) for j in range(many)]
        rows += [(3, k, k % 5) for k in (0, 2, 3, 4, 6, 7)]
        self.stream, self.district, self.weekday = np.array(rows).T
        self.days, self.last_day = days, last_day
        working = np.zeros(len(days.days), bool)
        working[days.day(clock.starts) - days.first] = True
        self._working = working
        # For stream, district and weekday of the report: the route that came by last, and how many days ago.
        self._route = np.zeros((4, 9, 7), int)
        self._ago = np.zeros((4, 9, 7), int)
        for stream in range(4):
            for k in range(9):
                mine = np.flatnonzero((self.stream == stream) & (self.district == k))
                if not len(mine):
                    mine = np.flatnonzero(self.stream == stream)
                for weekday in range(7):
                    ago = (weekday - self.weekday[mine]) % 7
                    self._route[stream, k, weekday] = mine[ago.argmin()]
                    self._ago[stream, k, weekday] = ago.min()

    def missed(self, r: Opened, district: np.ndarray) -> tuple[pa.Array, pd.Series]:
        """Columns `route_id` and `service_on`: null for what is no missed pick-up."""
        stream = np.array([_STREAM_OF.get(kind.name, -1) for kind in TYPES])[r.kind]
        ok = (stream >= 0) & (district >= 0)
        weekday = (r.day + 3) % 7
        at = (np.where(ok, stream, 0), np.where(ok, district, 0), weekday)
        service = r.day - self._ago[at]
        return numbered("RT", self._route[at] + 1, 2, ok), dates(service, ok)

    def frames(self, g: Ground, rng: np.random.Generator, scale: float) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Rows of `route` and of `route_day`."""
        n = len(self.stream)
        route = frame(
            route_id=numbered("RT", np.arange(1, n + 1), 2),
            stream=words(_STREAMS, self.stream),
            contractor=words(["City crews", "Tarn Valley Hauling"], (self.stream > 0).astype(int)),
            weekday=self.weekday,
            district=words(DISTRICTS, self.district),
        )
        households = g.population[self.district] / 2.31
        stops = households / np.array([3, 2, 1, 1])[self.stream] * np.array([0.93, 0.82, 0.45, 0.12])[self.stream]
        span = np.arange(self.days.first, self.last_day + 1)
        day, which = np.nonzero(((span + 3) % 7)[:, None] == self.weekday[None, :])
        day = span[day]
        scheduled = np.round(stops[which] * max(scale, 0.05) * (1 + 0.01 * (day - span[0]) / 365.25)).astype(int)
        rests = ~self._working[day - self.days.first]
        late = rng.poisson(scheduled * 0.0012)
        redrawn = (self.stream[which] == 1) & (self.district[which] == 5)
        redrawn &= day >= day_number(stories.ROUTES_CHANGED_ON)
        late = np.where(redrawn, late + rng.poisson(scheduled * 0.02), late)
        rounds = frame(
            route_id=numbered("RT", which + 1, 2),
            service_on=dates(day),
            scheduled_stops=scheduled,
            served_stops=np.where(rests, 0, scheduled - late),
            is_suspended=rests,
            reason=words(["Holiday or closure"], np.where(rests, 0, -1)),
        )
        return route, rounds


def inspection_frame(
    r: Opened, maker: Requests, first_number: int, span: tuple[int, int], rng: np.random.Generator
) -> pd.DataFrame:
    """Rows of `inspection`: visits to reported rats, return visits, and rounds on the city's own account."""
    g = maker.ground
    rats = np.flatnonzero((r.kind == TYPE_AT["Rats and vermin"]) & (r.parent < 0) & (r.place >= 0))
    rats = rats[rng.random(len(rats)) < 0.86]
    active = np.array([0.30, 0.33, 0.54, 0.47, 0.25, 0.28, 0.41, 0.27, 0.36])
    own = rng.poisson(14 * maker.scale * (span[1] - span[0]) / 7)
    own_place = pick(g.homes * np.where(np.isin(g.district, (2, 3, 6)), 2, 1), own, rng)
    own_at = maker.days.utc(rng.integers(span[0], span[1], own) // 7 * 7 + 4, rng.integers(8 * 3600, 16 * 3600, own))
    own_at = own_at - DAY * rng.integers(0, 4, own)
    place = np.concatenate([r.place[rats], own_place])
    at = np.concatenate([np.minimum(r.worked[rats], NEVER), own_at])
    request = np.concatenate([r.number[rats], np.full(own, -1)])
    chance = active[g.district[place]] * np.where(request < 0, 0.75, 1.0)
    u = rng.random(len(place))
    result = np.where(u < chance, 0, np.where(u < chance + 0.19, 1, np.where(u < chance + 0.26, 3, 2)))
    again = np.flatnonzero((result == 0) & (rng.random(len(place)) < 0.6))
    kind = np.concatenate([np.where(request < 0, 2, 0), np.ones(len(again), int)])
    place, request = np.concatenate([place, place[again]]), np.concatenate([request, request[again]])
    at = np.concatenate([at, at[again] + rng.integers(14, 24, len(again)) * DAY])
    result = np.concatenate([result, np.where(rng.random(len(again)) < 0.3, 0, 2)])
    keep = (at <= maker.as_of) & (at >= maker.days.midnights[0])
    place, request, at, result, kind = (part[keep] for part in (place, request, at, result, kind))
    n = len(at)
    hit = result == 0
    return frame(
        inspection_id=numbered("I", np.arange(first_number, first_number + n), 7),
        request_id=numbered("R", request, 8, request >= 0),
        parcel_id=numbered("L", place, 6, ~g.is_crossing[place]),
        visited_at=instants(at),
        kind=words(["initial", "compliance", "proactive"], kind),
        result=words(["active_signs", "conditions", "none", "no_access"], result),
        premises_baited=np.where(hit, rng.integers(1, 7, n), 0),
        premises_with_garbage=np.where(result <= 1, rng.integers(0, 5, n), 0),
        premises_with_rats=np.where(hit, rng.integers(1, 5, n), 0),
        lat=g.lat[place],
        lon=g.lon[place],
    )


def survey_frame(r: Opened, maker: Requests, first_number: int, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of `survey`: asked of about 3 in 100 people whose request was closed."""
    asked = np.flatnonzero((r.final < maker.as_of - DAY) & (rng.random(len(r)) < 0.033) & (r.dirty == 0))
    sent = r.final[asked] + rng.integers(3600, DAY, len(asked))
    kept = r.final[asked] <= r.due[asked]
    fixed = np.isin(r.outcome[asked], (0, OUTCOMES.index("duplicate")))
    pleased = 2.6 + 1.1 * kept + 0.7 * fixed - 0.8 * (r.reopens[0][asked] < NEVER)
    score = np.clip(np.round(rng.normal(pleased, 1.0)), 1, 5)
    back = rng.random(len(asked)) < 0.38
    at = sent + rng.exponential(1.5 * DAY, len(asked)).astype(np.int64)
    back &= at <= maker.as_of
    remarks = ("Thank you!", "Quick and friendly.", "Took far too long.", "Nobody came.",
               "Fixed, but had to call twice.", "They closed it and it is still there.")  # fmt: skip
    remark = np.where(score >= 4, rng.integers(0, 2, len(asked)), rng.integers(2, 6, len(asked)))
    return frame(
        survey_id=numbered("S", np.arange(first_number, first_number + len(asked)), 7),
        request_id=numbered("R", r.number[asked], 8),
        sent_at=instants(sent),
        answered_at=instants(np.where(back, at, NEVER)),
        question="How satisfied are you with how this was handled?",
        score=number_or_null(score, back),
        max_score=5.0,
        comment=words(remarks, np.where(back & (rng.random(len(asked)) < 0.3), remark, -1)),
    )


def outage_frame(r: Opened, maker: Requests, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of `asset_status`: out of service from a confirmed report until its repair."""
    broken = (r.asset >= 0) & (r.parent < 0) & (rng.random(len(r)) < 0.6) & (r.dirty == 0)
    at = np.flatnonzero(broken)
    meter = r.kind[at] == TYPE_AT["Parking meter broken"]
    new = (r.asset[at] < TREATED) & (r.day[at] >= day_number(stories.METERS_REPLACED_ON))
    ids = np.where(meter, np.array(meter_id(np.minimum(r.asset[at], METERS - 1), new), dtype=object),
                   np.array([f"SL{n % LIGHTS + 1:05d}" for n in r.asset[at].tolist()], dtype=object))  # fmt: skip
    cause = np.where(meter, rng.integers(0, 3, len(at)), rng.integers(3, 6, len(at)))
    return frame(
        asset_id=pa.array(ids, pa.string()),
        start_at=instants(r.opened[at]),
        end_at=instants(r.final[at]),
        in_service=np.zeros(len(at), bool),
        cause=words(["Coin jam", "Card reader", "Display", "Lamp", "Wiring", "Photocell"], cause),
    )


def _event(kind: str, name: str, start: date, end: date, scope: dict[str, Any] | None = None, extended: bool = False,
           note: str | None = None, hours: tuple[float, float] = (0, 0)) -> tuple[Any, ...]:  # fmt: skip
    return kind, name, start, end, None if scope is None else json.dumps(scope), extended, note, hours


def city_event_frame(days: CivilDays) -> pd.DataFrame:
    """Rows of `city_event` that fall into the time the data cover."""
    week = timedelta(days=1)
    trees = {"categories": ["Trees and parks", "Water and sewers", "Traffic and signals"]}
    rows = [
        _event("storm", "Storm", stories.STORM_ON, date(2026, 5, 19), trees, True,
               "Trees, drains and signals; the line was kept open on Sunday.", (14 + 1 / 6, 0)),
        _event("storm", "Evening storm", stories.STORM_2_ON, date(2024, 7, 12), trees, False, None, (16, 0)),
        _event("flood", "Flood of the Tarn", stories.FLOOD_FROM, stories.FLOOD_TO, {"districts": ["4 Mill Ward"]}, True,
               "Cellars and streets by the river; the line was kept open on Sunday."),
        _event("data_gap", "No data received", stories.GAP_ON, stories.GAP_ON + week, None, False,
               "The nightly transfer failed; nothing was recorded on this day."),
        _event("snow", "Snow closure", date(2026, 1, 26), date(2026, 1, 27), None, False, "City offices stayed shut."),
        _event("election", "Council election", stories.ELECTION_ON, stories.ELECTION_ON + week),
        _event("policy", "Shorter promises for rats, graffiti and abandoned vehicles", date(2025, 7, 1),
               date(2025, 7, 2), {"types": ["Rats and vermin", "Graffiti", "Abandoned vehicle"]}),
        _event("policy", "Recycling routes redrawn", stories.ROUTES_CHANGED_ON, stories.ROUTES_CHANGED_ON + week,
               {"districts": ["6 Fairhaven"], "types": ["Missed recycling"]}),
        _event("policy", "New parking meters", stories.METERS_REPLACED_ON, stories.METERS_REPLACED_ON + week,
               {"types": ["Parking meter broken"]}),
        _event("policy", "New street light contractor", stories.LIGHTING_CONTRACT_FROM,
               stories.LIGHTING_CONTRACT_FROM + week, {"types": ["Street light out"]}),
        _event("policy", "Two inspector posts vacant", stories.POSTS_VACANT_FROM, date(2026, 5, 21),
               {"departments": ["Vector & Animal Services"], "types": ["Rats and vermin"]}),
        _event("heat", "Heat wave", date(2024, 6, 17), date(2024, 6, 23)),
        _event("campaign", "App advertised on buses", date(2025, 5, 5), date(2025, 6, 2)),
        _event("outage", "Telephone fault in the morning", stories.TELEPHONE_FAULT_ON,
               stories.TELEPHONE_FAULT_ON, None, False, None, (8, 11)),
    ]  # fmt: skip
    rows = [row for row in rows if day_number(row[2]) >= days.first]
    starts = [int(days.utc(np.array([day_number(row[2])]), np.array([int(row[7][0] * 3600)]))[0]) for row in rows]
    ends = [int(days.utc(np.array([day_number(row[3])]), np.array([int(row[7][1] * 3600)]))[0]) for row in rows]
    kinds, names, _, _, scopes, extended, notes, _ = zip(*rows, strict=True)
    return frame(
        event_id=numbered("EV", np.arange(1, len(rows) + 1), 2),
        kind=pa.array(kinds),
        name=pa.array(names),
        start_at=instants(np.array(starts)),
        end_at=instants(np.array(ends)),
        scope=pa.array(scopes, pa.string()),
        extended_hours=np.array(extended),
        note=pa.array(notes, pa.string()),
    )


def intervention_frame() -> pd.DataFrame:
    """Rows of `intervention`."""
    treated, kept = meter_groups()
    others = json.dumps([str(k + 1) for k in range(9) if k != 5])
    lights = TYPES[TYPE_AT["Street light out"]].type_id
    return pd.DataFrame({
        "intervention_id": ["meters-2025", "recycling-2026", "lighting-2025"],
        "name": ["New parking meters", "Recycling routes redrawn", "New street light contractor"],
        "unit_kind": ["asset", "district", "service_type"],
        "treated_ids": [treated, json.dumps(["6"]), json.dumps([lights])],
        "comparison_ids": [kept, others, json.dumps([TYPES[TYPE_AT["Pothole"]].type_id])],
        "start_on": pd.to_datetime([stories.METERS_REPLACED_ON, stories.ROUTES_CHANGED_ON,
                                    stories.LIGHTING_CONTRACT_FROM]),
        "primary_outcome": ["Parking meter broken", "Missed recycling", "Street light out"],
        "preregistered_at": [pd.Timestamp("2025-01-15 15:00"), pd.NaT, pd.NaT],
    })  # fmt: skip


_SALARIES = (9.4, 8.2, 2.1, 7.6, 6.1, 3.9, 2.7, 2.3, 4.4, 3.0, 1.9, 1.1, 1.8, 0.94)  # millions a year
_CLASSES = {"salary": 1.0, "benefits": 0.34, "overtime": 0.06, "contract": 0.42, "supplies": 0.19, "capital": 0.3,
            "indirect": 0.15}  # fmt: skip


def budget_frame(first_fiscal_year: int, last_fiscal_year: int) -> pd.DataFrame:
    """Rows of `budget_line`; fiscal year n ends on 30 June n, so the last one is not over.

    Overtime and contractors of the storm of May 2026 stand in a program called as the storm is.
    """
    rng = np.random.default_rng(340)
    rows = []
    for year in range(first_fiscal_year, last_fiscal_year + 1):
        elapsed = 0.885 if year == 2026 else 1.0
        for salary, department in zip(_SALARIES, DEPARTMENTS, strict=True):
            for account, share in _CLASSES.items():
                small = department[0] == "C311" and account in ("contract", "capital")
                adopted = salary * 1e6 * share * (0.35 if small else 1) * 1.037 ** (year - 2025) * rng.normal(1, 0.02)
                amended = adopted * (1.0 if rng.random() < 0.8 else rng.normal(1.03, 0.02))
                spent = {"overtime": rng.normal(1.12, 0.15), "capital": rng.normal(0.75, 0.2)}.get(account, 0.0)
                actual = amended * elapsed * (max(spent, 0.2) if spent else rng.normal(0.985, 0.02))
                ordered = amended * (0.08 if account in ("contract", "supplies", "capital") and elapsed < 1 else 0)
                program = "Call center" if department[0] == "C311" else "Operations"
                money = (round(float(x), -2) for x in (adopted, amended, actual, ordered))
                rows.append((year, department[0], program, account, "General", *money))
                if year == 2026 and (department[0], account) in _STORM:
                    rows.append((year, department[0], "Storm", account, "General", 0, *_storm(salary, account), 0))
    names = ["fiscal_year", "department_id", "program", "account_class", "fund", "adopted", "amended", "actual",
             "encumbered"]  # fmt: skip
    made = pd.DataFrame(rows, columns=names)
    closed = pd.to_datetime(made["fiscal_year"].astype(str) + "-08-29 16:00")  # two months after the year's end
    made["as_of"] = closed.where(closed < pd.Timestamp(stories.AS_OF), pd.Timestamp(stories.AS_OF))
    made["is_contact_centre"] = made["department_id"] == "C311"
    return made


_STORM = {("STR", "overtime"), ("STR", "contract"), ("PRK", "overtime"), ("PRK", "contract"), ("C311", "overtime")}


def _storm(salary: float, account: str) -> tuple[float, float]:
    """What was granted for the storm of May 2026 and spent on it, where salaries are so many millions a year."""
    granted = round(salary * (24_000 if account == "overtime" else 41_000), -2)
    return granted, round(0.93 * granted, -2)


_HOURLY = {"C311": 38.6, "POL": 71.2, "FIR": 68.9, "WAT": 57.8}
"""What an hour of one person costs, all included, where it is not the usual."""


def activity_driver_frame() -> pd.DataFrame:
    """Rows of `activity_driver`: hours, crew and material of one request of each type."""
    rng = np.random.default_rng(341)
    field = np.array([kind.place != "none" for kind in TYPES])
    hours = np.where(field, rng.gamma(4, 0.35, len(TYPES)), rng.gamma(4, 0.09, len(TYPES))).round(2)
    material = np.where(field, rng.gamma(1.2, 25, len(TYPES)), 0.0).round(0)
    return pd.DataFrame({
        "type_id": [kind.type_id for kind in TYPES],
        "program": ["Call center" if DEPARTMENTS[kind.department][0] == "C311" else "Operations" for kind in TYPES],
        "std_hours": np.maximum(hours, 0.1),
        "crew_size": np.where(field, rng.choice([1.0, 2.0, 2.0, 3.0], len(TYPES)), 1.0),
        "hourly_rate": [_HOURLY.get(DEPARTMENTS[kind.department][0], 52.4) for kind in TYPES],
        "unit_material_cost": material,
        "valid_from_on": pd.Timestamp("2023-07-01"),
    })  # fmt: skip


def cost_index_frame() -> pd.DataFrame:
    """Rows of `cost_index`: consumer prices, yearly mean, 1982–84 = 100; the last two are estimates."""
    cpi = [255.657, 258.811, 270.970, 292.655, 304.702, 313.689, 322.1, 330.2]
    return pd.DataFrame({"year": range(2019, 2027), "cpi": cpi})


NIGHT = pd.Timedelta(hours=8)
"""How long after midnight in UTC the nightly transfer of requests runs: between three and four in the morning."""
_REFUSALS = (
    (None, None, "19 columns", "wrong number of columns"),
    ("opened_at", "00/00/0000 00:00", "%m/%d/%Y %H:%M", "not a time"),
    ("closed_at", "pending", "%m/%d/%Y %H:%M", "not a time"),
    ("id", "", "a value", "no id"),
)


class Transfers:
    """The nightly transfers from the CRM: each brings what was opened since the one before, and what was closed."""

    def __init__(self) -> None:
        self._opened: pd.Series = pd.Series(dtype="int64")
        self._closed: pd.Series = pd.Series(dtype="int64")

    def note(self, requests: pd.DataFrame) -> None:
        """Count some of the requests; those that are closed before the night come once."""
        opened, closed = ((pd.to_datetime(requests[name]) - NIGHT).dt.floor("D") for name in ("opened_at", "closed_at"))
        self._opened = self._opened.add(opened.value_counts(), fill_value=0)
        self._closed = self._closed.add(closed[closed > opened].value_counts(), fill_value=0)

    def frames(self, as_of: datetime, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Tables `import_batch` and `refused_row`; a night on which nothing was recorded had no transfer."""
        end = pd.Timestamp(as_of)
        opened = self._opened[self._opened.index <= end - NIGHT].sort_index()
        days, n = pd.DatetimeIndex(opened.index), len(opened)
        nights = days + (pd.Timedelta(days=1) + NIGHT)
        updated = self._closed.reindex(days, fill_value=0).to_numpy(np.int64)
        refused = rng.poisson(0.4, n)
        accepted = opened.to_numpy(np.int64) + updated
        ids = [f"riverton-{day:%Y%m%d}" for day in days]
        files = [f"crm-{day:%Y-%m-%d}.csv" for day in days]
        imports = pd.DataFrame(
            {
                "import_id": ids, "source": "riverton", "file": files,
                "imported_at": nights + pd.Timedelta(minutes=10),
                "source_as_of": nights.where(nights < end, end),
                "read": accepted + refused, "accepted": accepted, "updated": updated, "unchanged": 0,
                "refused": refused, "flagged": 0, "report": json.dumps({"unmapped": {}}),
            }
        )  # fmt: skip
        at = np.repeat(np.arange(n), refused)
        said = [_REFUSALS[kind] for kind in rng.choice(len(_REFUSALS), len(at), p=(0.5, 0.25, 0.15, 0.1))]
        rows = pd.DataFrame(said, columns=["column_name", "value", "expected", "reason"])
        rows.insert(0, "import_id", [ids[i] for i in at])
        rows.insert(1, "file", [files[i] for i in at])
        rows.insert(2, "row_number", rng.integers(1, imports["read"].to_numpy()[at] + 1) if len(at) else [])
        return imports, rows
