"""What happens in Riverton, written down once: the city is made from it, and views and tests can be held against it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

AS_OF = datetime(2026, 5, 21, 3, 48, tzinfo=UTC).replace(tzinfo=None)  # Wed 20 May 2026 23:48 in Riverton

STORM_ON, STORM_2_ON = date(2026, 5, 16), date(2024, 7, 9)
FLOOD_FROM, FLOOD_TO = date(2025, 4, 4), date(2025, 4, 9)
METERS_REPLACED_ON = date(2025, 3, 1)
ROUTES_CHANGED_ON = date(2026, 5, 4)
POSTS_VACANT_FROM = date(2026, 4, 13)
HOUSING_SLIPS_FROM = date(2025, 11, 3)
LIGHTING_CONTRACT_FROM, LIGHTING_SETTLED_ON = date(2025, 10, 6), date(2025, 12, 8)
WREN_LATE_FROM = date(2026, 3, 2)
PERMITS_ONLINE_FROM = date(2026, 2, 2)
GAP_ON = date(2025, 9, 11)
MAIN_BREAK_ON = date(2026, 3, 10)
ELECTION_ON = date(2025, 11, 4)
TELEPHONE_FAULT_ON = date(2025, 2, 12)

# H3 cells of resolution 9 and their middles, latitude and longitude
MERCER_MARKET = ("892a93c32afffff", 39.596643930468524, -84.67329106580266)
FULTON_AND_9TH = ("892a93c3113ffff", 39.59084896174383, -84.63384566337217)
FERRY_ROAD = ("892a93c3367ffff", 39.57617658262627, -84.66784591042126)


@dataclass(frozen=True)
class Story:
    """Something that can be found in the numbers. ``check`` says how to tell that it is there.

    ``clicks`` lead to it from Overview as it opens for the deputy manager: where, and what is clicked there. To open a
    list is one click, to choose in it another.
    """

    name: str
    since: date
    until: date | None  # first day no longer touched; None: still going on
    where: str
    what: str
    where_to_see: str
    check: str
    clicks: tuple[str, ...]


@dataclass(frozen=True)
class Burst:
    """Requests of one type beyond the usual: a daily number at some days, straight lines between, none outside.

    ``place`` is ``city``, ``district:6``, ``river:4`` or ``around:lat,lon,metres``; ``from_s`` the wall clock at which
    the first day's begin; ``one_incident`` makes all of them reports of a single thing.
    """

    kind: str
    daily: tuple[tuple[date, float], ...]
    place: str = "city"
    from_s: int = 0
    one_incident: bool = False


def _days(first: date, numbers: tuple[float, ...]) -> tuple[tuple[date, float], ...]:
    return tuple((date.fromordinal(first.toordinal() + i), n) for i, n in enumerate(numbers))


def _around(cell: tuple[str, float, float], metres: float) -> str:
    return f"around:{cell[1]},{cell[2]},{metres}"


_STORM_S = 14 * 3600 + 600
_STORM_PARTS = {
    "Tree down": (240, 200, 80, 20), "Tree limb hanging": (170, 150, 70, 25), "Blocked drain": (70, 50, 25, 5),
    "Flooded street": (25, 15, 5, 0), "Traffic signal dark": (30, 20, 8, 2), "Traffic signal flashing": (12, 8, 3, 0),
    "Debris in roadway": (25, 25, 8, 2), "Street light out": (15, 10, 8, 3), "Unsafe structure": (9, 7, 4, 1),
}  # fmt: skip
BURSTS: tuple[Burst, ...] = (
    *(Burst(kind, _days(STORM_ON, parts), "city", _STORM_S) for kind, parts in _STORM_PARTS.items()),
    *(
        Burst(kind, _days(STORM_2_ON, tuple(0.8 * n for n in parts)), "city", 16 * 3600)
        for kind, parts in _STORM_PARTS.items()
    ),
    Burst("Sewer backup", _days(FLOOD_FROM, (40, 95, 70, 45, 20, 8)), "river:4"),
    Burst("Flooded street", _days(FLOOD_FROM, (50, 60, 30, 10, 2, 0)), "river:4"),
    Burst("Blocked drain", _days(FLOOD_FROM, (25, 35, 25, 20, 12, 6)), "river:4"),
    Burst("Mold", ((date(2025, 4, 12), 3), (date(2025, 5, 20), 0)), "river:4"),
    Burst("Rats and vermin", ((date(2010, 1, 1), 0.75), (date(2030, 1, 1), 0.75)), _around(MERCER_MARKET, 170)),
    Burst("Overflowing public bin", ((date(2010, 1, 1), 0.3), (date(2030, 1, 1), 0.3)), _around(MERCER_MARKET, 220)),
    Burst("Illegal dumping", ((date(2010, 1, 1), 0.3), (date(2030, 1, 1), 0.3)), _around(MERCER_MARKET, 220)),
    Burst(
        "Rats and vermin",
        ((date(2026, 3, 9), 0.4), (date(2026, 5, 1), 3.0), (date(2026, 12, 31), 3.4)),
        _around(FULTON_AND_9TH, 170),
    ),
    Burst(
        "Rats and vermin",
        ((date(2010, 1, 1), 1.1), (date(2024, 6, 1), 1.1), (date(2025, 11, 1), 0.0)),
        _around(FERRY_ROAD, 170),
    ),
    Burst("Missed recycling", ((ROUTES_CHANGED_ON, 3), (date(2026, 5, 8), 5.5), (date(2026, 12, 31), 4)), "district:6"),
    Burst(
        "Missed collection", ((ROUTES_CHANGED_ON, 1.5), (date(2026, 5, 8), 2.5), (date(2026, 12, 31), 2)), "district:6"
    ),
    Burst("Water leak", _days(MAIN_BREAK_ON, (58, 10)), "around:39.6101,-84.5877,60", 6 * 3600, True),
    Burst("Leaves not collected", ((date(2024, 11, 10), 0), (date(2024, 11, 25), 6), (date(2024, 12, 15), 0))),
)

STORIES: tuple[Story, ...] = (
    Story(
        "Opening day",
        date(2023, 5, 21),
        None,
        "city",
        "The 311 system starts with no open work; older work stayed in the departments' own lists.",
        "Backlog",
        "the backlog starts at nothing and has its seasons from the second year on",
        ("Period: open", "Period: Everything", "Menu: Backlog"),
    ),
    Story(
        "Storm of 16 May 2026",
        STORM_ON,
        date(2026, 5, 19),
        "city",
        "From 14:10 on a Saturday trees, drains and "
        "signals; the line is kept open on Sunday; calls surge until Monday.",
        "Overview, Demand, Calls, Staffing",
        "more than twice the usual requests of a Saturday, and less than half of calls answered within 60 s",
        ("Is anything out of the ordinary?: Show these days",),
    ),
    Story(
        "Storm of 9 July 2024",
        STORM_2_ON,
        date(2024, 7, 12),
        "city",
        "An evening storm on a Tuesday.",
        "Demand",
        "more than 1.5 times the usual requests of a Tuesday",
        ("All events: open", "All events: Evening storm"),
    ),
    Story(
        "Flood of April 2025",
        FLOOD_FROM,
        FLOOD_TO,
        "4 Mill Ward",
        "The Tarn floods cellars and streets by the river; mold follows for weeks; the line is kept open on Sunday.",
        "Hotspots, Districts, Demand",
        "Mill Ward has most of the city's sewer backups of the week",
        ("All events: open", "All events: Flood of the Tarn", "Menu: Demand"),
    ),
    Story(
        "Rats at Mercer St market",
        date(2023, 5, 21),
        None,
        "3 Old Port",
        f"A persistent cluster, with bins and dumping; H3 {MERCER_MARKET[0]}.",
        "Hotspots",
        "150 to 200 reports within 500 m in every half year",
        ("Period: open", "Period: Everything", "Menu: Hotspots"),
    ),
    Story(
        "Rats at Fulton Ave & 9th St",
        date(2026, 3, 9),
        None,
        "4 Mill Ward",
        f"A cluster that has emerged in ten weeks; H3 {FULTON_AND_9TH[0]}.",
        "Hotspots",
        "ten times as many reports within 400 m as in the ten weeks before",
        ("Menu: Hotspots",),
    ),
    Story(
        "Rats at Fairhaven Ferry Rd",
        date(2023, 5, 21),
        date(2025, 11, 1),
        "6 Fairhaven",
        f"A cluster that fades: strong until mid-2024, gone by November 2025; H3 {FERRY_ROAD[0]}.",
        "Hotspots",
        "2026 has less than a quarter of the reports of the same months of 2024",
        ("Period: open", "Period: Last 12 months", "Menu: Hotspots"),
    ),
    Story(
        "Two inspector posts vacant",
        POSTS_VACANT_FROM,
        None,
        "Vector & Animal Services",
        "Rat work takes up to half as long again.",
        "Promises, Overview, Backlog",
        "rats on time fall by more than eight points",
        ("Which promises are we keeping?: Rats and vermin", "Menu: Promises"),
    ),
    Story(
        "Housing slips",
        HOUSING_SLIPS_FROM,
        None,
        "Housing",
        "Inspections take a little longer every month.",
        "Promises, Backlog",
        "the open work of Housing grows from November 2025",
        ("What changed?: Promises, of Housing",),
    ),
    Story(
        "New lighting contractor",
        LIGHTING_CONTRACT_FROM,
        LIGHTING_SETTLED_ON,
        "city",
        "Street lights reported repaired are not: one in five is reopened.",
        "Closed is not fixed",
        "five times the usual share of reopened street lights closed in the nine weeks",
        ("Menu: Closed is not fixed",),
    ),
    Story(
        "New parking meters",
        METERS_REPLACED_ON,
        None,
        "1,200 of 2,000 meters",
        "Coin meters (Kestrel M2) make way for card meters (Tern 5); the other 800 stay.",
        "Before / after, Service quality",
        "faults per 1,000 meter-months fall from 60 to 30 where replaced and from 50 to 47 elsewhere",
        ("Menu: Before / after",),
    ),
    Story(
        "Recycling routes redrawn",
        ROUTES_CHANGED_ON,
        None,
        "6 Fairhaven",
        "Recycling days move; many carts are missed, and some refuse carts too.",
        "Overview, Service quality, Districts",
        "Fairhaven's missed recycling is more than three times that of the weeks before",
        ("All events: open", "All events: Recycling routes redrawn"),
    ),
    Story(
        "One broken main, many callers",
        MAIN_BREAK_ON,
        date(2026, 3, 12),
        "2 Canal East",
        "Fifty reports and more of one water main, merged into one incident.",
        "Hotspots (incidents or reports), Requests",
        "a parent request with fifty to eighty duplicates",
        ("Which promises are we keeping?: Water leak", "Counting: open", "Counting: Incidents"),
    ),
    Story(
        "A day without data",
        GAP_ON,
        date(2025, 9, 12),
        "city",
        "The nightly transfer failed: nothing was recorded.",
        "Data health, Demand",
        "no request and no contact on 11 September 2025",
        ("All events: open", "All events: No data received"),
    ),
    Story(
        "Snow closure",
        date(2026, 1, 26),
        date(2026, 1, 27),
        "city",
        "A Monday on which the city stayed shut.",
        "Demand, Promises",
        "the day is no business day in any calendar but around the clock",
        ("All events: open", "All events: Snow closure"),
    ),
    Story(
        "Council election",
        ELECTION_ON,
        date(2025, 11, 5),
        "city",
        "Polling places are asked for.",
        "Calls",
        "about a quarter more calls on the day",
        ("All events: open", "All events: Council election", "Menu: Calls"),
    ),
    Story(
        "Permits go online",
        PERMITS_ONLINE_FROM,
        None,
        "311 Service Center",
        "Since applications are online only, every third caller about permits calls again within the week; agents "
        "record these calls as resolved like before.",
        "Calls",
        "calls about permits come back three times as often as before, and agents say nothing of it",
        ("Menu: Calls",),
    ),
    Story(
        "Closed at the deadline",
        date(2023, 5, 21),
        None,
        "Code Enforcement",
        "A third of what would just be late is closed as administrative in the last hours.",
        "Closed is not fixed",
        "administrative closures of Code Enforcement lie in the last tenth of the promise",
        ("Menu: Closed is not fixed",),
    ),
    Story(
        "Two agents out of the ordinary",
        date(2023, 5, 21),
        None,
        "311 Service Center",
        "A03 transfers three times as often, A11 talks 40 % longer.",
        "Agents",
        "both lie outside the 99.8 % limits",
        ("Menu: Agents",),
    ),
    Story(
        "Team Wren comes late",
        WREN_LATE_FROM,
        None,
        "311 Service Center",
        "Since its lead has left, agents of team Wren log in a quarter of an hour after their shifts begin, and later.",
        "Agents",
        "Wren's adherence is four points below that of the other teams, and was not before March 2026",
        ("Menu: Agents",),
    ),
)
