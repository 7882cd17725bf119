"""A call floor added to the tiny city: twelve agents of two teams, with names that must not get about.

zq02 (Otter) passes on half of the calls, zq07 (Heron) takes 1.6 times as long; everybody else is much like the others,
whatever calls they get. The second month is like the first, so that what stands out stands out twice. On 29 June only
three agents worked.
"""

from __future__ import annotations

import pandas as pd

from tests import city

TEAMS = ("Heron", "Otter")
AGENTS = {f"zq{k:02d}": TEAMS[k % 2 == 0] for k in range(1, 13)}
NAMES = {one: f"Plantedname{'abcdefghijkl'[k]}" for k, one in enumerate(AGENTS)}
PASSES_ON, SLOW, FEW = "zq02", "zq07", "zq12"
FIRST_DAYS = ("2026-04-06", "2026-05-06")
PERIOD, ONE_DAY = "?from=2026-05-01&to=2026-06-01", "?from=2026-06-29&to=2026-06-30"
SECONDS = {"Information": 150.0, "New request": 420.0}


def agents() -> pd.DataFrame:
    """Rows of `agent`."""
    return pd.DataFrame({"agent_id": list(AGENTS), "team": list(AGENTS.values()), "name": list(NAMES.values())})


def calls() -> pd.DataFrame:
    """Answered calls: in either month 60 to 137 an agent, the later agents with more of the long kind."""
    rows = []
    for k, one in enumerate(AGENTS):
        for day in FIRST_DAYS:
            for i in range(20 if one == FEW else 60 + 7 * k):
                rows.append(_call(one, day, i, long=i % 12 < k + 1))
        if k < 3:
            rows += [_call(one, "2026-06-29", i, long=False) for i in range(60)]
    frame = pd.DataFrame(rows)
    return frame.assign(
        contact_id=[f"floor{n}" for n in range(len(frame))], outcome="answered", channel="phone", queue="General",
        wait_s=8.0, in_open_hours=True, language="en", src_system="tiny", src_id="", parent_contact_id=None,
        arrived_at=city.utc(frame["arrived_at"]),
    )  # fmt: skip


def _call(one: str, day: str, i: int, *, long: bool) -> dict:
    kind = "New request" if long else "Information"
    pace = 1.6 if one == SLOW else 1.0
    return {
        "agent_id": one, "reason": kind, "arrived_at": f"{day}T{9 + i % 8:02d}:{i % 60:02d}",
        "talk_s": SECONDS[kind] * pace * (0.7 + 0.1 * (i % 7)), "hold_s": 30.0 if i % 4 == 0 else 0.0, "wrap_s": 40.0,
        "transferred_to": "Streets" if i % (2 if one == PASSES_ON else 15) == 0 else None,
        "resolved_first": i % 5 != 0, "created_request": long,
    }  # fmt: skip


def states() -> pd.DataFrame:
    """An hour each on 6 May: 20 minutes of talk, 5 of hold, 5 of wrap-up, 20 available, 10 of break."""
    rows = []
    for one in AGENTS:
        minute = 0
        for state, long in (("talk", 20), ("hold", 5), ("wrap", 5), ("available", 20), ("break", 10)):
            rows.append((one, f"2026-05-06T09:{minute:02d}", long, state))
            minute += long
    frame = pd.DataFrame(rows, columns=["agent_id", "start_at", "long", "state"])
    begins = city.utc(frame["start_at"])
    return pd.DataFrame(
        {
            "agent_id": frame["agent_id"],
            "start_at": begins,
            "end_at": begins + pd.to_timedelta(frame["long"], unit="min"),
            "state": frame["state"],
        }
    )


def write(build) -> None:
    """Put the tiny city and its floor into an open build."""
    build.write("agent", agents())
    city.write(build)
    build.write("contact", calls())
    build.write("agent_state", states())
