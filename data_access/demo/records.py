"""How requests are written down: the rows of `request`, `request_event` and `request_pause`.

Every event agrees with its request: the first close is `first_closed_at`, the last one `closed_at`, each reopening
lies between two closes, and nothing is recorded after `AS_OF`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data_access.demo.assets import TREATED, meter_id
from data_access.demo.catalogue import DEPARTMENTS, PAUSE_REASONS, TYPE_AT, TYPES
from data_access.demo.civil_time import day_number
from data_access.demo.frames import DAY, NEVER, frame, instants, number_or_null, numbered, words
from data_access.demo.geography import DISTRICTS
from data_access.demo.ledgers import Routes
from data_access.demo.requests import CHANNELS, OUTCOMES, STATUSES, Opened, Requests
from data_access.demo.stories import METERS_REPLACED_ON

DEPARTMENT_IDS = [row[0] for row in DEPARTMENTS]
_TEAMS = [team for row in DEPARTMENTS for team in row[4]]
_TEAM_FROM = np.cumsum([0, *(len(row[4]) for row in DEPARTMENTS)])[:-1]
_TEAM_OF_CATEGORY = {"Traffic and signals": "Signals", "Street lights": "Lighting"}
_FIRST, _LAST = (
    names.split()
    for names in (
        "Ana Ben Carla Dev Ellen Femi Grace Hugo Irene Jamal Keiko Luis Mina Noah Olga Pat Quinn Rosa Sam Tess",
        "Abara Brandt Castro Dunn Ekström Flores Gill Hahn Ito Jansen Kowal Lund Moreau Novak Okafor Price",
    )
)
STAFF = [f"{first} {last}" for last in _LAST for first in _FIRST]
_ACTORS = [*STAFF, "Front desk", "Resident (app)", "Resident (web)", "Mail desk", "Text line", "Counter", "Routing",
           "System"]  # fmt: skip
_SENT_BY = np.array([len(STAFF) + i for i in (0, 1, 2, 3, 4, 5, 6)])
_ROUTING, _SYSTEM = len(STAFF) + 6, len(STAFF) + 7
_NOTES = {
    "comment": ("Called back, no answer.", "Resident asked when it will be done.", "Photo received.",
                "Same spot as last month.", "Please call before coming.", "Scheduled for the next round.",
                "Checked with the district office.", "More details by email.", "Access from the alley.",
                "Spoke with the property owner."),
    "work": ("Crew on site.", "Crew dispatched.", "Started, will be back with parts.", "Site made safe.",
             "Inspection done.", "Measured and marked.", "Work order printed."),
    "close": ("Done.", "Repaired and checked.", "Removed.", "Nothing found on arrival.", "Could not find the place.",
              "Passed to the county.", "Private property, owner informed.", "Completed by contractor.",
              "Closed after second visit.", "Resident no longer needs it."),
    "reopen": ("Resident says it is not fixed.", "Problem is back.", "Photo shows it is still there.",
               "Closed by mistake."),
    "transfer": ("Not ours.", "Belongs to the other department.", "Wrong type chosen at intake."),
    "pause": PAUSE_REASONS,
}  # fmt: skip
_NOTE_WORDS = [note for notes in _NOTES.values() for note in notes]
_NOTE_FROM = {kind: sum(len(n) for n in list(_NOTES.values())[:i]) for i, kind in enumerate(_NOTES)}
_EVENTS = ("created", "assigned", "transfer", "comment", "pause", "resume", "inspect", "work", "merge", "close",
           "reopen")  # fmt: skip
_REQUEST_NOTES = (
    "Near the bus stop.",
    "In front of the garage.",
    "Behind the school.",
    "It has been like this for days.",
    "Children play here.",
    "Third time I report this.",
    "Blocks the sidewalk.",
    "Smells badly.",
    "At the corner, north side.",
    "Please hurry.",
    "Elderly neighbor affected.",
    "By the loading dock.",
)


def team_of(r: Opened, district: np.ndarray) -> np.ndarray:
    """Who holds each request: a number into the list of all teams."""
    size = np.array([len(row[4]) for row in DEPARTMENTS])[r.department]
    half = np.where(np.isin(district, (0, 1, 2, 8)), 0, 1)
    usual = np.where(size > 1, half, 0)
    by_kind = np.full(len(TYPES), -1)
    for i, kind in enumerate(TYPES):
        if kind.category in _TEAM_OF_CATEGORY:
            by_kind[i] = _TEAMS.index(_TEAM_OF_CATEGORY[kind.category])
    for name, team in (("Graffiti", "Graffiti removal"), ("Tree trimming", "Forestry"), ("Tree down", "Forestry"),
                       ("Stray animal", "Animal control"), ("Rats and vermin", "Vector control"),
                       ("Parking meter broken", "Meter shop"), ("Water bill question", "Customer desk"),
                       ("Illegal dumping", "Clean streets"), ("Bulk item pick-up", "Bulk crew"),
                       ("Homeless encampment", "Outreach"), ("Housing conditions", "Housing inspectors"),
                       ("Construction without permit", "Permits")):  # fmt: skip
        by_kind[TYPE_AT[name]] = _TEAMS.index(team)
    return np.where(by_kind[r.kind] >= 0, by_kind[r.kind], _TEAM_FROM[r.department] + usual)


def asset_column(r: Opened) -> pa.Array:
    """The id of the meter or light of each request; a replaced meter's new id from the day of the change."""
    meter = (r.kind == TYPE_AT["Parking meter broken"]) & (r.asset >= 0)
    light = ~meter & (r.asset >= 0)
    column = np.full(len(r), None, dtype=object)
    number = r.asset[meter]
    column[meter] = meter_id(number, (number < TREATED) & (r.day[meter] >= day_number(METERS_REPLACED_ON)))
    column[light] = [f"SL{n + 1:05d}" for n in r.asset[light].tolist()]
    return pa.array(column, pa.string())


def public_ids(r: Opened, before: dict[int, int]) -> pa.Array:
    """``25-0091277``: the year and a running number in it; ``before`` counts on from stretch to stretch."""
    year = (r.day * DAY).astype("datetime64[s]").astype("datetime64[Y]").astype(int) + 1970
    running = np.empty(len(r), np.int64)
    for one in np.unique(year):
        mine = year == one
        running[mine] = np.arange(before.get(int(one), 0) + 1, before.get(int(one), 0) + mine.sum() + 1)
        before[int(one)] = before.get(int(one), 0) + int(mine.sum())
    left, right = numbered("", year % 100, 2), numbered("", running, 7)
    return pc.binary_join_element_wise(left, right, "-")


def request_frame(
    r: Opened, maker: Requests, contact: np.ndarray, routes: Routes, public_id: pa.Array, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows of `request`. ``contact`` is the running number of the contact that created each, −1 if none."""
    g, n = maker.ground, len(r)
    placed = r.place >= 0
    at = np.maximum(r.place, 0)
    district = np.where(placed, g.district[at], -1)
    jitter = rng.normal(0, 2.0, (2, n)) / 111_000
    lost = ~placed | (rng.random(n) < 0.012)
    lat, lon = g.lat[at] + jitter[0], g.lon[at] + jitter[1]
    lat[r.dirty == 2], lon[r.dirty == 2] = 0.0, 0.0
    has_asset = (r.asset >= 0) & placed
    lat[has_asset], lon[has_asset] = g.lat[at][has_asset], g.lon[at][has_asset]
    precision = np.where(lost, -1, np.where(g.is_crossing[at], 1, 0))
    due = np.where(maker.by_source[r.kind], r.due, NEVER)
    due = np.where(r.dirty == 4, r.opened - rng.integers(1, 9, n) * DAY, due)
    due = np.where(r.dirty == 5, r.opened + 36_525 * DAY, due)
    given = due < NEVER
    route, service = routes.missed(r, district)
    kept_note = rng.random(n) < 0.14
    instants_of = (r.assigned, r.worked, *r.closes, *r.reopens, r.pause_from, r.pause_to)
    touched = np.stack([r.opened, *(np.where(at_ <= maker.as_of, at_, 0) for at_ in instants_of)]).max(axis=0)
    hidden = (r.outcome >= 0) & (r.final < NEVER)
    return frame(
        request_id=numbered("R", r.number, 8),
        public_id=public_id,
        type_id=words([kind.type_id for kind in TYPES], r.kind),
        priority=words(["low", "normal", "high", "emergency"], r.priority),
        channel=words(CHANNELS, r.channel),
        opened_at=instants(r.opened),
        first_response_at=instants(np.where(r.assigned <= maker.as_of, r.assigned, NEVER)),
        first_closed_at=instants(r.closes[0]),
        closed_at=instants(r.final),
        status=words(STATUSES, r.status),
        source_status=words(["Submitted", "Assigned", "In progress", "On hold", "Completed", "Canceled"], r.status),
        closure_outcome=words(OUTCOMES, np.where(hidden, r.outcome, -1)),
        department_id=words(DEPARTMENT_IDS, r.department),
        team=words(_TEAMS, np.where(r.assigned <= maker.as_of, team_of(r, district), -1)),
        contact_id=numbered("C", contact, 9, contact >= 0),
        parent_request_id=numbered("R", r.parent, 8, r.parent >= 0),
        person_key=numbered("p", r.person, 6, r.person >= 0),
        address=words(g.address, r.place),
        parcel_id=numbered("L", at, 6, placed & ~g.is_crossing[at]),
        asset_id=asset_column(r),
        route_id=route,
        service_on=service,
        lat=number_or_null(lat.round(6), ~lost),
        lon=number_or_null(lon.round(6), ~lost),
        geo_precision=words(["address", "crossing"], precision),
        source_district=words(DISTRICTS, district),
        due_at=instants(due),
        due_source=words(["source"], np.where(given, 0, -1)),
        reopen_count=(r.reopens < NEVER).sum(axis=0),
        transfer_count=np.where(transfers(r, maker)[0] <= maker.as_of, 1, 0)
        + np.where(transfers(r, maker)[1] <= maker.as_of, 1, 0),
        note=words(_REQUEST_NOTES, np.where(kept_note, rng.integers(0, len(_REQUEST_NOTES), n), -1)),
        updated_at=instants(touched),
        src_system="riverton-crm",
        src_id=numbered("", r.number, 8),
    )


def transfers(r: Opened, maker: Requests) -> np.ndarray:
    """When each request was handed to another department, first and second time; `NEVER` if not."""
    until = np.minimum(np.minimum(r.worked, r.pause_from), r.assigned + 4 * DAY)
    at = np.stack([r.assigned + (until - r.assigned) * share // 10 for share in (3, 6)])
    return np.where(np.stack([r.moves >= 1, r.moves >= 2]), at, NEVER)


def event_frame(
    r: Opened, maker: Requests, agent: np.ndarray, agent_ids: list[str], first_number: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows of `request_event`: the audit trail. ``agent`` took the call that created a request, −1 if none."""
    n = len(r)
    g = maker.ground
    district = np.where(r.place >= 0, g.district[np.maximum(r.place, 0)], -1)
    team = team_of(r, district) + 1_000
    status = {name: 2_000 + i for i, name in enumerate(STATUSES)}
    outcome = 3_000 + r.outcome
    staff = rng.integers(0, len(STAFF), n) // 14 * 14 + r.department
    staff = np.minimum(staff, len(STAFF) - 1)
    created_by = np.where(agent >= 0, len(_ACTORS) + agent, _SENT_BY[r.channel])
    blocks: list[tuple[np.ndarray, ...]] = []

    def add(kind: str, when: np.ndarray, where: np.ndarray, before: np.ndarray | int = -1, after: np.ndarray | int = -1,
            actor: np.ndarray | int = -1, note: str = "", share: float = 1.0,
            department: np.ndarray | None = None) -> None:  # fmt: skip
        at = np.flatnonzero(where & (np.abs(when) <= maker.as_of))
        if kind == "close":
            at = np.flatnonzero(where & (when < NEVER))

        def part(value: np.ndarray | int) -> np.ndarray:
            return np.broadcast_to(value, (n,))[at] if isinstance(value, np.ndarray) else np.full(len(at), value)

        noted = np.full(len(at), -1)
        if note:
            noted = _NOTE_FROM[note] + rng.integers(0, len(_NOTES[note]), len(at))
            noted[rng.random(len(at)) >= share] = -1
        if kind == "pause":
            noted = _NOTE_FROM[kind] + _why_paused(r)[at]
        home = part(r.department if department is None else department)
        what = np.full(len(at), _EVENTS.index(kind))
        blocks.append((at, when[at], what, part(before), part(after), part(actor), noted, home))

    moved = transfers(r, maker)
    others = (r.department[None, :] + rng.integers(1, 13, (2, n))) % 14
    first_home = np.where(r.moves == 0, r.department, others[0])
    second_home = np.where(r.moves == 2, others[1], r.department)
    second_home = np.where((second_home == first_home) & (r.moves == 2), (first_home + 1) % 14, second_home)
    everyone = np.ones(n, bool)
    add("created", r.opened, everyone, -1, status["new"], created_by, department=first_home)
    add("assigned", r.assigned, everyone, status["new"], team, _ROUTING, department=first_home)
    add("transfer", moved[0], r.moves >= 1, first_home, second_home, staff, "transfer", 0.8, second_home)
    add("transfer", moved[1], r.moves >= 2, second_home, r.department, staff, "transfer", 0.8)
    add("pause", r.pause_from, r.pause_from < NEVER, status["in_progress"], status["on_hold"], staff)
    add("resume", r.pause_to, r.pause_to < NEVER, status["on_hold"], status["in_progress"], staff)
    visits = np.isin(r.department, (5, 6, 7, 8)) & (r.parent < 0)
    by_hand = (r.parent < 0) & (r.kind != TYPE_AT["Information only"]) & (rng.random(n) < 0.86)
    add("inspect", r.worked, visits & by_hand, -1, -1, staff, "work", 0.7)
    add("work", r.worked, ~visits & by_hand, status["assigned"], status["in_progress"], staff, "work", 0.6)
    talk = r.assigned + ((np.minimum(r.worked, r.assigned + 90 * DAY) - r.assigned) * rng.random(n) * 0.9).astype(int)
    add("comment", np.where(r.dirty == 1, NEVER, talk), rng.random(n) < 0.22, -1, -1, staff, "comment")
    add("merge", r.closes[0] - 5, (r.parent >= 0) & (r.closes[0] < NEVER), -1, -1, staff)
    for k in range(3):
        add("close", r.closes[k], r.closes[k] < NEVER, status["in_progress"], outcome, staff, "close", 0.75)
        if k < 2:
            add("reopen", r.reopens[k], r.reopens[k] < NEVER, status["closed"], status["assigned"], _SENT_BY[1],
                "reopen", 0.9)  # fmt: skip
    request, when, kind, before, after, actor, note, department = (
        np.concatenate(part) for part in zip(*blocks, strict=True)
    )
    order = np.argsort(when, kind="stable")
    request, when, kind, before, after, actor, note, department = (
        part[order] for part in (request, when, kind, before, after, actor, note, department)
    )
    table = [*DEPARTMENT_IDS, *_TEAMS, *STATUSES, *OUTCOMES]
    bases = np.cumsum([0, len(DEPARTMENT_IDS), len(_TEAMS), len(STATUSES)])

    def code(values: np.ndarray) -> np.ndarray:
        return np.where(values < 0, -1, values % 1_000 + bases[np.maximum(values, 0) // 1_000])

    merged = kind == _EVENTS.index("merge")
    into = numbered("R", np.maximum(r.parent, 0), 8)
    after_words = words(table, code(after))
    if merged.any():
        target = words(into, np.where(merged, request, -1))
        after_words = pc.coalesce(after_words, target)
    late = rng.integers(0, 40, len(when)) * (rng.random(len(when)) < 0.5)
    return frame(
        event_id=numbered("E", np.arange(first_number, first_number + len(when)), 9),
        request_id=words(numbered("R", r.number, 8), request),
        event_at=instants(when),
        recorded_at=instants(np.where(when < maker.as_of - 60, when + late, when)),
        kind=words(_EVENTS, kind),
        from_value=words(table, code(before)),
        to_value=after_words,
        department_id=words(DEPARTMENT_IDS, department),
        actor=words([*_ACTORS, *agent_ids], actor),
        note=words(_NOTE_WORDS, note),
        source="riverton-crm",
    )


def _why_paused(r: Opened) -> np.ndarray:
    """Which of the reasons each request is paused for, should it be: the same in its events and its pauses."""
    return r.number * 7_919 // 13 % len(PAUSE_REASONS)


def pause_frame(r: Opened, maker: Requests) -> pd.DataFrame:
    """Rows of `request_pause`; one that goes on has no end."""
    at = np.flatnonzero(r.pause_from <= maker.as_of)
    return frame(
        request_id=numbered("R", r.number[at], 8),
        start_at=instants(r.pause_from[at]),
        end_at=instants(np.where(r.pause_to[at] <= maker.as_of, r.pause_to[at], NEVER)),
        reason=words(PAUSE_REASONS, _why_paused(r)[at]),
    )
