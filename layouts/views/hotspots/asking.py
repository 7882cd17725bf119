"""What an address asks of Hotspots, and the words that its panels share."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dashboard.domain.filters import Filters
from data_access.dimensions import HEXAGONS, district, service_type
from data_access.hotspots import FoundPlaces, Hotspots
from data_access.measures.requests import opened
from data_access.semantics import Dimension
from layouts import components as c
from layouts.figures import words
from layouts.view import Context, Place

RATS = re.compile(r"\b(rats?|rodents?|vermin|mice)\b", re.IGNORECASE)
SHOWN = {"significance": "Significance", "count": "Count", "rate": "Rate", "change": "Change"}
SIZES = (8, 9, 10)
CAUTION = "Fewer reports may mean fewer problems or less reporting"


def rats_if_nothing_is_chosen(filters: Filters, types: Sequence[str]) -> Filters:
    """The filters, with the rat-like type that is reported most where the reader chose no type, category or
    department; as they are where a city has none."""
    if any(filters.chosen(name) for name in ("service_type", "category", "department")):
        return filters
    rats = next((name for name in types if RATS.search(name)), None)
    return filters if rats is None else filters.choose(service_type.name, [rats])


def size_of(place: Place) -> int:
    """The size of hexagon an address asks for."""
    asked = place.get("size", ("9",))[-1]
    return int(asked) if asked in {str(size) for size in SIZES} else 9


def shown_in(place: Place) -> str:
    """What an address asks the map to show."""
    asked = place.get("show", ("significance",))[-1]
    return asked if asked in SHOWN else "significance"


def hexagon_of(place: Place) -> Dimension:
    """What a click on the map chooses."""
    return HEXAGONS[size_of(place)]


def hotspots_in(place: Place) -> Hotspots:
    """What the map, the list and what follows from them are about."""
    return Hotspots(opened, size_of(place))


def thing_of(context: Context) -> str:
    """What is looked at: “Rats and vermin”, “All requests”."""
    chosen = context.asked.chosen(service_type.name)
    if chosen:
        return chosen[0] if len(chosen) == 1 else f"{chosen[0]} and {len(chosen) - 1} more"
    narrowed = any(context.asked.chosen(name) for name in ("category", "department"))
    return "All chosen requests" if narrowed else "All requests"


def things_in(context: Context) -> str:
    """What is counted: “reports”, or “incidents”."""
    return "incidents" if context.filters.setting("counting") == "incidents" else "reports"


def so_many(n: float, context: Context) -> str:
    """“1 report”, “12 incidents”; the number in bold."""
    return words.plural(n, things_in(context).removesuffix("s"))


def everywhere(context: Context) -> str:
    """What places are held against: the districts that were chosen or that the viewer sees, else the city."""
    names = context.filters.chosen(district.name) or context.own.get(district.name, ())
    return words.plain(words.listed(list(names))) or "the city"


def why_so(context: Context) -> str:
    """What is shown where the reader chose nothing."""
    if context.assumed is not None and context.assumed != context.filters:
        return f"No type chosen: {thing_of(context)} is shown; choose another above"
    return ""


def quotient(q: float) -> str:
    """q in words: “< 0.001”, “0.012”."""
    return c.NOTHING if q != q else "< 0.001" if q < 0.001 else f"{q:.3f}" if q < 0.1 else f"{q:.2f}"


def category_of(found: FoundPlaces, at: int) -> str:
    """What became of a place over the slices of time, in a word; “none” if nothing can be said."""
    one = found.past.category[at] if found.past is not None else None
    return "none" if one is None else one.word
