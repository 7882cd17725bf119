"""What a screen is made of: panels and views, as values, and the ids of the things on it.

A `Panel` is a question, a way to draw its answer and a title; a `View` is a tuple of panels. One generic
callback answers every view, so a new view is one file in `layouts.views`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import unquote

from dashboard.domain.costs import Money
from dashboard.domain.filters import Clock, Filters, Period
from dashboard.domain.policy import Permission
from dashboard.domain.stretches import lately, step_lately
from dashboard.domain.terms import Term
from data_access.health import Health
from data_access.hotspots import Analysis
from data_access.listing import Listing
from data_access.opening_hours import Hours
from data_access.semantics import Dimension, Measure, Query
from data_access.timeline import OneRequest


class Event(NamedTuple):
    """Something that happened to the city on the days ``[start_on, end_on)``: a storm, an election, a new rule.

    `about` are the values of dimensions it is about, of those the viewer may choose: a new route's district.
    """

    name: str
    kind: str
    start_on: date
    end_on: date
    about: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Context:
    """What a panel may know besides its answers: the filters, the data's clock, the city and its geography's URL.

    `selected` are the chosen values of the panel's own dimension, to be highlighted while the rest fades.
    `has_contacts` is False where the city's data holds requests only. `events` are all of the city's; `closed_on` the
    civil days on which it stays shut, holidays most of all.
    `names` are the people the viewer may know by name, by what an answer calls them; all others stay unnamed.
    `populations` are the residents of each district, where they are known.
    `redrawn_on` are the days from which districts have other boundaries than before.
    `place_names` are what hexagons are called, where the panel lets one choose them.
    `targets` are the shares of their promises that service types are to keep, where they have a goal of their own.
    `hours` are the opening hours in which requests of each service type are counted, where a calendar says them and
    the panel tells working time.
    `own` are the values of dimensions to which the viewer's rows are kept: all of the city's are not theirs to see.
    `assumed` are the filters that were asked for where the panel assumes something the reader did not choose.
    `money` is what prices rose by, and what an hour of answering contacts costs.
    """

    filters: Filters
    clock: Clock
    city: Any
    build_id: str
    selected: tuple[str, ...] = ()
    has_contacts: bool = True
    events: tuple[Event, ...] = ()
    place: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    closed_on: frozenset[date] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    populations: Mapping[str, int] = field(default_factory=dict, hash=False)
    redrawn_on: tuple[date, ...] = ()
    place_names: Mapping[str, str] = field(default_factory=dict, hash=False)
    targets: Mapping[str, float] = field(default_factory=dict, hash=False)
    hours: Mapping[str, tuple[Hours, ...]] = field(default_factory=dict, hash=False)
    own: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    assumed: Filters | None = None
    money: Money = Money()

    @property
    def asked(self) -> Filters:
        """The filters that were asked for."""
        return self.assumed or self.filters

    def target_of(self, service_type: str) -> float | None:
        """What share of its promises a service type is to keep: its own goal, else the city's; None without either."""
        return self.targets.get(service_type, self.city.promise_target_share)


@dataclass(frozen=True)
class Drawing:
    """A panel's answer, ready for the screen.

    Parameters
    ----------
    sentence
        The answer in words with the numbers in it: a list of text and elements.
    figure
        A plain Plotly dictionary whose colours are token names like ``"$series"`` (painted by the browser from the
        style sheet, so that light and dark need no second answer), or None. Where a phone needs another drawing and
        not only a smaller one, that is the whole figure under ``"narrow"``.
    body
        Elements instead of a figure (tables, tiles), or None.
    foot
        Key at the left, n and caveats at the right.
    is_empty
        Nothing to draw: the sentence says why and what to change.
    grid
        For panels of kind ``grid``: what `layouts.grid.spec` tells of the list.
    points
        What a brief names one by one below the sentence: words, and the address of what shows more.
    """

    sentence: Any = ""
    figure: dict | None = None
    body: Any = None
    foot: Any = ""
    is_empty: bool = False
    grid: dict | None = None
    points: tuple[tuple[Any, str], ...] = ()


Draw = Callable[..., Drawing]


@dataclass(frozen=True)
class Compared:
    """The same question asked of the comparison period; the answer is None when there is none.

    Of what is asked `during` a stretch that follows from the chosen period, the comparison is that of the stretch.
    """

    query: Query
    during: Callable[[Period, Clock], Period] | None = None


@dataclass(frozen=True)
class Over:
    """The same question asked of a stretch of time that follows from the chosen period.

    ``Over(query, last_months(13))`` is always thirteen months, whatever the period. The answer is None where the
    stretch gives no period. A `Listing` can be asked so too.
    """

    query: Query | Listing
    during: Callable[[Period, Clock], Period | None]


@dataclass(frozen=True)
class OnDays:
    """The same question, in steps of a day, asked of those days that follow from the panel's answers before it.

    `days` chooses them from these answers and what the panel may know besides; the answer is None where it finds none.
    """

    query: Query
    during: Callable[[Period, Clock], Period | None]
    days: Callable[[tuple[Any, ...], Context], Iterable[date]]

    def of(self, answers: tuple[Any, ...], context: Context) -> Over | None:
        """The question about the days that `answers` lead to."""
        days = tuple(sorted(set(self.days(answers, context))))
        return Over(replace(self.query, days=days), self.during) if days else None


@dataclass(frozen=True)
class Accounted:
    """The same question with event days in it, whatever was chosen: an account that leaves days out cannot add up."""

    query: Query


@dataclass(frozen=True)
class Lately:
    """The same question in the steps that say what is usual: thirteen months, or weeks in a young city."""

    query: Query


Place = Mapping[str, tuple[str, ...]]
"""What an address says beside the filters: the parts of its path and its view's own parameters, by name."""


@dataclass(frozen=True)
class FromAddress:
    """A question that the address completes: which list, which request.

    `question` makes it from a `Place`; None where the address does not name what is needed. `measures` are those it
    may be about. `is_single` tells that it brings requests one by one, which is never kept for later.
    """

    question: Callable[[Place], Query | Listing | OneRequest | Analysis | None]
    measures: tuple[Measure, ...] = ()
    is_single: bool = False


Dated = Query | Compared | Over | Lately | Accounted | Listing | Analysis | Health
Question = Dated | OneRequest | FromAddress | OnDays


def asked_of(
    question: Dated, filters: Filters, clock: Clock
) -> tuple[Query | Listing | Analysis | Health, Filters] | None:
    """The query itself and the filters with the period it is asked of; None if there is no such period."""
    match question:
        case Compared(query, during):
            period = (filters.during(during(filters.period, clock)) if during else filters).comparison()
            # What the data does not reach back to is not compared with: it would count as nothing.
            known = period is not None and period.from_on >= clock.first_on
            return (query, filters.during(period)) if known and period is not None else None
        case Over(query, during):
            stretch = during(filters.period, clock)
            return None if stretch is None else (query, filters.during(stretch))
        case Accounted(query):
            return query, filters.switch("event_days", "in")
        case Lately(query):
            every = step_lately(filters.period, clock)
            return replace(query, every=every), filters.during(lately(filters.period, clock))
    return question, filters


@dataclass(frozen=True)
class Panel:
    """One card.

    Parameters
    ----------
    name
        Unique within its view; part of ids and file names.
    question
        The card's title.
    queries
        What is asked, one answer each. A query is answered for the chosen period; wrapped in `Compared`, for the
        period to compare with; wrapped in `Over`, for a stretch that follows from the chosen one. A `Listing` brings
        `Rows` instead of an answer, a `OneRequest` a `Timeline`. What depends on the address is a `FromAddress`, what
        depends on the answers before it an `OnDays`.
    draw
        ``(answers, context) → Drawing``, pure.
    width
        Columns of twelve on a desk.
    selects
        The dimension a click on a mark toggles; the panel ignores that filter itself, so the selection stays visible
        among the rest. ``"period"`` for a time axis that can be brushed. A function of the address where what is
        shown depends on it; ask `chooses`.
    assumes
        ``(filters, service types, the most frequent first) → filters``: what is asked where the reader chose nothing.
    wave
        0 is answered first, at once with the view; what need not be there in the first glance, or takes long, comes in
        later waves, each a post of its own after the one before.
    height
        Pixels reserved for the figure, so that nothing jumps.
    about
        What the city must have recorded (names of `data_access.records.RECORDS`) for there to be anything to say at
        all. Where it never did, in the rows that the viewer may see, the card is not on the page; *Data health* tells
        what would bring it.
    terms
        What it shows that no measure declares, for *What does this mean?*.
    kind
        ``card``; ``short`` where it may end before the others of its row; ``tile``, one figure; ``strip``, a row of
        figures; ``plain``, without a frame; ``grid``, a list.
    """

    name: str
    question: str
    queries: tuple[Question, ...]
    draw: Draw
    width: int = 6
    selects: Dimension | str | Callable[[Place], Dimension] | None = None
    height: int = 248
    needs: Permission = Permission.READ_REQUESTS
    is_roomy: bool = False
    """On a small desk, where two cards of six columns are narrow, it has a row of its own."""
    kind: str = "card"
    """``card``; ``tile``: one figure; ``strip``: a row of figures without a visible title; ``grid``: a list to be
    scrolled, sorted and narrowed; ``plain``: a body without a card."""
    assumes: Callable[[Filters, Sequence[str]], Filters] | None = None
    wave: int = 0
    about: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()

    def chooses(self, place: Place | None = None) -> Dimension | str | None:
        """What a click chooses at this address: a dimension, ``"period"``, or nothing."""
        if self.selects is None or isinstance(self.selects, Dimension | str):
            return self.selects
        return self.selects(place or {})


@dataclass(frozen=True)
class View:
    """One entry of the menu.

    Parameters
    ----------
    path
        Where it lives, ``/<name>`` unless given. Parts in angle brackets stand for anything (``/requests/<request>``);
        such a view is reached by links and is no entry of the menu.
    parameters
        Keys that the view keeps in the URL beside the filters.
    within
        The name of the entry that is current in the menu while this view is shown.
    heading
        ``(answers of the first panel, context) → (title, question)`` where they depend on what is shown.
    """

    name: str
    title: str
    question: str
    order: int
    panels: tuple[Panel, ...]
    group: str = "City"
    path: str = ""
    needs: Permission = Permission.READ_REQUESTS
    parameters: tuple[str, ...] = ()
    within: str = ""
    heading: Callable[..., tuple[str, str]] | None = None

    @property
    def href(self) -> str:
        """Where the view lives."""
        return self.path or f"/{self.name}"

    @property
    def open_parts(self) -> tuple[str, ...]:
        """The names of the parts of its address that stand for anything."""
        return tuple(re.findall(r"<(\w+)>", self.href))

    @property
    def in_menu(self) -> bool:
        """Whether one can go there without naming anything, and from anywhere."""
        return not self.open_parts and not self.within

    def named_in(self, path: str) -> dict[str, tuple[str, ...]] | None:
        """What the open parts of the address are at `path`; None if the view does not live there."""
        parts = re.split(r"<(\w+)>", self.href.rstrip("/") or "/")
        pattern = "".join(f"(?P<{part}>[^/]+)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
        found = re.fullmatch(pattern, path.rstrip("/") or "/")
        return None if found is None else {name: (unquote(value),) for name, value in found.groupdict().items()}


# ── The ids of a list on a panel: patterns, so that one callback serves every view ──


def _part(kind: str, view: Any, panel: Any) -> dict[str, Any]:
    return {"type": kind, "view": view, "panel": panel}


def grid_spec_id(view: Any, panel: Any) -> dict[str, Any]:
    """The store that holds the list of a panel of kind ``grid`` as the server drew it."""
    return _part("grid-spec", view, panel)


def grid_place_id(view: Any, panel: Any) -> dict[str, Any]:
    """Where the list of a panel of kind ``grid`` stands."""
    return _part("grid-place", view, panel)


def grid_id(view: Any, panel: Any, key: Any) -> dict[str, Any]:
    """That list; `key` is another one when other rows are listed."""
    return {**_part("grid", view, panel), "key": key}


def grid_state_id(view: Any, panel: Any, key: Any) -> dict[str, Any]:
    """The store that holds the order and the conditions of that list as the address writes them."""
    return {**_part("grid-state", view, panel), "key": key}
