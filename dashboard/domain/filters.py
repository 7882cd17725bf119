"""Which part of the data a reader has chosen: one frozen value with the URL as its home.

``controls → URL → Filters → (SQL | sentence | cache key)``, in one direction only. Unknown keys are refused,
so that a shared link never silently widens. Nothing here reads a clock: "the last 30 days" are the last
30 days of the *data*, told by a `Clock`.
"""

from __future__ import annotations

import calendar as gregorian
import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

from dashboard.domain.errors import BadRequest, UnknownName

DAY = timedelta(days=1)
MONTH_DAYS = 30.4375
"""The days of a month, on average."""

PRESETS: Mapping[str, str] = {
    "last-7": "Last 7 days",
    "last-30": "Last 30 days",
    "last-90": "Last 90 days",
    "month": "This month",
    "last-month": "Last month",
    "quarter": "This quarter",
    "fiscal-year": "Fiscal year to date",
    "last-12-months": "Last 12 months",
    "all": "Everything",
}
DEFAULT_PERIOD = "last-90"

COMPARISONS: Mapping[str, str] = {
    "last-year": "same period last year",
    "previous": "previous period",
    "none": "nothing",
}


QUIET = timedelta(days=8)
"""More than a week without anything coming in is the end of an extract, and no quiet week."""
CELLS = re.compile(r"hexagon_\d+")
"""Dimensions whose values are H3 ids: an address holds many of them, short and in one word."""
CELL_DIGITS = 15

SWITCHES: Mapping[str, Mapping[str, str]] = {
    "counting": {"reports": "Reports", "incidents": "Incidents"},
    "event_days": {"in": "With event days", "out": "Event days left out"},
    "service_level": {
        "city": "Service level the city’s own way",
        "offered": "Service level with every hang-up counted against it",
        "excl_early": "Service level with hang-ups within the goal left out",
        "early_counts": "Service level with hang-ups within the goal as served",
        "answered": "Service level of answered calls only",
        "excl_short": "Service level with short hang-ups left out",
        "short_counts": "Service level with short hang-ups as served",
    },
}
"""How everything is counted: each switch with its settings, the usual one first.

The settings of `service_level` are the keys of measures A6, and the one the city has chosen for itself.
"""


@dataclass(frozen=True)
class Clock:
    """What time it is in the data.

    Parameters
    ----------
    first_on, last_on
        The first and last civil days with a request opened or a contact arrived.
    as_of
        The last instant anything was recorded (UTC, without a zone). Closings known after it do not exist.
    fiscal_year_start_month
        1 to 12.
    as_of_on
        The civil day of `as_of` in the city; later than `last_on` where closings were recorded after the last request
        of an extract.
    gaps
        Stretches of civil days ``[from, to)`` about which nothing is known: what was counted there is no zero.
    books
        The fiscal years of which there are budget lines, in order: each from its first day to the first day that its
        lines do not tell of.
    contacts_from_on, contacts_to_on
        The first and last civil days with a contact; None where there are none.
    """

    first_on: date
    last_on: date
    as_of: datetime
    fiscal_year_start_month: int = 1
    as_of_on: date | None = None
    gaps: tuple[tuple[date, date], ...] = ()
    books: tuple[tuple[date, date], ...] = ()
    contacts_from_on: date | None = None
    contacts_to_on: date | None = None

    def is_in_gap(self, day: date) -> bool:
        """Whether `day` is one about which nothing is known."""
        return any(begin <= day < end for begin, end in self.gaps)

    @property
    def end_on(self) -> date:
        """The first civil day about which nothing can be known."""
        return max(self.last_on, self.as_of_on or self.last_on) + DAY

    @property
    def days(self) -> Period:
        """The days of which it is known what came in; closings may be known for longer.

        To the end of what was recorded, if that is a few quiet days; of an extract to its last request, whatever
        became of that afterwards.
        """
        is_extract = self.end_on - self.last_on > QUIET
        return Period(self.first_on, self.last_on + DAY if is_extract else self.end_on)

    def tells_of(self, period: Period) -> bool:
        """Whether it is known of any day of `period` what came in."""
        return period.from_on < self.days.to_on and period.to_on > self.first_on

    def days_in_gaps(self, period: Period) -> int:
        """How many days of `period` nothing is known about."""
        return sum((end - begin).days for begin, end in period.parts_of(self.gaps))

    def is_silent_on(self, period: Period) -> bool:
        """Whether nothing is known about any day of `period`: what came in then was not nothing."""
        return not self.tells_of(period) or self.days_in_gaps(period) >= period.days


@dataclass(frozen=True)
class Period:
    """A half-open range of civil days ``[from_on, to_on)``, with the name it was chosen by.

    `whole_to_on` is where the range would end if the data reached that far: later than `to_on` for a
    month or a year that is still running.
    """

    from_on: date
    to_on: date
    preset: str | None = None
    whole_to_on: date | None = None

    def __post_init__(self):
        if self.from_on >= self.to_on:
            if self.from_on == self.to_on:
                raise BadRequest(f"The period is empty: it begins on {self.from_on} and ends before that day.")
            raise BadRequest(f"The period ends before it begins: {self.from_on} to {self.to_on}, end exclusive.")

    @property
    def days(self) -> int:
        """The number of civil days."""
        return (self.to_on - self.from_on).days

    @property
    def is_partial(self) -> bool:
        """Whether the period is still running in the data."""
        return self.whole_to_on is not None and self.whole_to_on > self.to_on

    @classmethod
    def named(cls, preset: str, clock: Clock) -> Period:
        """The period a preset means at `clock`; it ends with the last day of the data."""
        last, end = clock.last_on, clock.last_on + DAY
        match preset:
            case "last-7" | "last-30" | "last-90":
                return cls(end - timedelta(days=int(preset[5:])), end, preset)
            case "month":
                begin = last.replace(day=1)
                return cls(begin, end, preset, add_months(begin, 1))
            case "last-month":
                begin = add_months(last.replace(day=1), -1)
                return cls(begin, last.replace(day=1), preset)
            case "quarter":
                begin = date(last.year, 3 * ((last.month - 1) // 3) + 1, 1)
                return cls(begin, end, preset, add_months(begin, 3))
            case "fiscal-year":
                begin = date(last.year, clock.fiscal_year_start_month, 1)
                begin = begin if begin <= last else add_months(begin, -12)
                return cls(begin, end, preset, add_months(begin, 12))
            case "last-12-months":
                return cls(add_months(end, -12), end, preset)
            case "all":
                return cls(clock.first_on, end, preset)
        raise UnknownName("period", preset, PRESETS)

    def within(self, begin: date, end: date) -> Period:
        """The part of it in ``[begin, end)``, all of it if there is none; it knows where it would have ended.

        A month of which twenty days are known would else be held against a whole one (measures R7).
        """
        begin, end = max(self.from_on, begin), min(self.to_on, end)
        if begin >= end:
            return self
        whole = self.whole_to_on or (self.to_on if end < self.to_on else None)
        return replace(self, from_on=begin, to_on=end, whole_to_on=whole)

    def parts_of(self, stretches: Iterable[tuple[date, date]]) -> list[tuple[date, date]]:
        """What of the civil days of `stretches` ``[from, to)`` lies in the period, in order; none overlap."""
        found = list[tuple[date, date]]()
        for begin, end in sorted(stretches):
            begin, end = max(begin, self.from_on), min(end, self.to_on)
            if begin >= end:
                continue
            if found and begin <= found[-1][1]:
                begin, end = found[-1][0], max(end, found.pop()[1])
            found.append((begin, end))
        return found

    def sentence(self) -> str:
        """The period in words: “1–20 May 2026”, “1 Jul 2025 – 20 May 2026”."""
        last = self.to_on - DAY
        if self.from_on == last:
            return _spoken(last)
        if (self.from_on.year, self.from_on.month) == (last.year, last.month):
            return f"{self.from_on.day}–{_spoken(last)}"
        if self.from_on.year == last.year:
            return f"{_spoken(self.from_on, year=False)} – {_spoken(last)}"
        return f"{_spoken(self.from_on)} – {_spoken(last)}"

    def before(self) -> Period:
        """The stretch of the same kind just before: the same elapsed part of the previous month, quarter or year."""
        months = self._whole_months
        if months is None:
            return Period(self.from_on - timedelta(days=self.days), self.from_on)
        begin = add_months(self.from_on, -months)
        end = begin + timedelta(days=self.days) if self.is_partial else self.from_on
        return Period(begin, min(end, self.from_on))

    def a_year_earlier(self) -> Period:
        """The same stretch a year ago: by calendar for months and years, by 52 weeks for runs of days.

        52 weeks keep the number of Saturdays and Sundays the same, which a year does not (measures R7).
        """
        if self._whole_months is None and self.days < 300:
            return Period(self.from_on - timedelta(days=364), self.to_on - timedelta(days=364))
        begin = add_months(self.from_on, -12)
        end = begin + timedelta(days=self.days) if self.is_partial else add_months(self.to_on, -12)
        return Period(begin, end)

    @property
    def _whole_months(self) -> int | None:
        """How many calendar months the period (or the whole it is a part of) spans; None if it does not."""
        end = self.whole_to_on or self.to_on
        if self.from_on.day != 1 or end.day != 1:
            return None
        return (end.year - self.from_on.year) * 12 + end.month - self.from_on.month


@dataclass(frozen=True)
class Filters:
    """What a reader has chosen: a period, what to compare it with, and values of dimensions.

    `choices` is kept sorted, so equal choices are equal values, one URL and one cache key. `switches` holds those
    that are not in their usual setting; `left_out` the stretches of civil days ``[from, to)`` that event days stand
    for, told by the data (`leaving_out`) and never by the URL. `parameters` are what a view keeps in the URL beside
    the filters (what is listed, in which order): they narrow nothing and ride along in every link made from here.
    """

    period: Period
    compare: str = "none"
    choices: tuple[tuple[str, tuple[str, ...]], ...] = ()
    switches: tuple[tuple[str, str], ...] = ()
    left_out: tuple[tuple[date, date], ...] = ()
    default_compare: str = field(default="none", compare=False)
    parameters: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    # ── URL ⇄ value ──

    @classmethod
    def from_search(
        cls, search: str, clock: Clock, dimensions: Container[str], parameters: Iterable[str] = ()
    ) -> Filters:
        """Read a URL's query string; keys among `parameters` are kept as they are.

        Raises BadRequest for a key that is no filter, a date that is none, or a period that ends before it begins.
        """
        given: dict[str, list[str]] = {}
        for key, value in parse_qsl((search or "").lstrip("?"), keep_blank_values=False):
            given.setdefault(key, []).append(value)
        beside = tuple((name, value) for name in parameters for value in given.pop(name, ()))
        begin, end = given.pop("from", [None])[-1], given.pop("to", [None])[-1]
        preset = given.pop("period", [None])[-1]
        if begin or end:
            first, last = clock.first_on, clock.last_on + DAY
            named = Period(civil_day(begin, "from") if begin else first, civil_day(end, "to") if end else last)
            period = named.within(named.from_on, clock.days.to_on)
        else:
            period = Period.named(preset or DEFAULT_PERIOD, clock)
        default_compare = _default_comparison(period, clock)
        compare = given.pop("compare", [default_compare])[-1]
        if compare not in COMPARISONS:
            raise UnknownName("comparison", compare, COMPARISONS)
        switched = cls(period, compare, default_compare=default_compare)
        for name in SWITCHES:
            if name in given:
                switched = switched.switch(name, given.pop(name)[-1])
        for key in given:
            if key not in dimensions:
                known = list(dimensions) if isinstance(dimensions, Iterable) else []
                raise UnknownName("filter", key, [*known, *SWITCHES, "period", "from", "to", "compare"])
        for key in filter(CELLS.fullmatch, given):
            given[key] = [cell.ljust(CELL_DIGITS, "f") for value in given[key] for cell in value.split(".") if cell]
        choices = tuple(sorted((key, tuple(sorted(set(values)))) for key, values in given.items() if values))
        return replace(switched, choices=choices, parameters=beside)

    def to_search(self) -> str:
        """The query string that reads back as this value; empty for the default picture."""
        pairs: list[tuple[str, str]] = [*self.parameters]
        if self.period.preset is None:
            end = self.period.whole_to_on or self.period.to_on
            pairs += [("from", self.period.from_on.isoformat()), ("to", end.isoformat())]
        elif self.period.preset != DEFAULT_PERIOD:
            pairs.append(("period", self.period.preset))
        if self.compare != self.default_compare:
            pairs.append(("compare", self.compare))
        pairs += self.switches
        for name, values in self.choices:
            if CELLS.fullmatch(name):
                pairs.append((name, ".".join(value.rstrip("f") for value in values)))
            else:
                pairs += [(name, value) for value in values]
        return f"?{urlencode(pairs)}" if pairs else ""

    # ── reading ──

    def chosen(self, dimension: str) -> tuple[str, ...]:
        """The chosen values of `dimension`; empty means all of them."""
        return dict(self.choices).get(dimension, ())

    def parameter(self, name: str) -> tuple[str, ...]:
        """What a view keeps in the URL under `name`."""
        return tuple(value for key, value in self.parameters if key == name)

    def setting(self, switch: str) -> str:
        """How `switch` is set; its usual setting unless another was chosen."""
        return dict(self.switches).get(switch) or next(iter(SWITCHES[switch]))

    def sentence(
        self, labels: Mapping[str, str] | None = None, say: Callable[[str, str], str] = lambda _, value: value
    ) -> str:
        """The choice in words: “Last 30 days, 21 Apr – 20 May 2026; department Parks or Streets”.

        `labels` names dimensions; `say(dimension, value)` is what a value is called.
        """
        named = f"{PRESETS[self.period.preset]}, " if self.period.preset else ""
        parts = [named + self.period.sentence()]
        for name, values in self.choices:
            label = (labels or {}).get(name, name.replace("_", " ")).lower()
            parts.append(f"{label} {' or '.join(say(name, value) for value in values)}")
        parts += [SWITCHES[name][setting].lower() for name, setting in self.switches]
        return "; ".join(parts)

    def comparison(self) -> Period | None:
        """The period to compare with, or None."""
        match self.compare:
            case "previous":
                return self.period.before()
            case "last-year":
                return self.period.a_year_earlier()
        return None

    # ── changing: each returns a new value ──

    def toggle(self, dimension: str, value: str) -> Filters:
        """Choose `value`, or take the choice back if it was made: this is all that cross-filtering is."""
        values = set(self.chosen(dimension)) ^ {value}
        return self.choose(dimension, values)

    def choose(self, dimension: str, values: Iterable[str]) -> Filters:
        """Exactly these values of `dimension`; none means all."""
        rest = dict(self.choices)
        rest.pop(dimension, None)
        if chosen := tuple(sorted(set(values))):
            rest[dimension] = chosen
        return replace(self, choices=tuple(sorted(rest.items())))

    def without(self, dimension: str) -> Filters:
        """The same with `dimension` left open: how a panel shows its own selection among the rest."""
        return self.choose(dimension, ())

    def during(self, period: Period) -> Filters:
        """The same choice in another period."""
        return replace(self, period=period)

    def cleared(self) -> Filters:
        """The same period with nothing chosen and every switch in its usual setting."""
        return replace(self, choices=(), switches=(), left_out=())

    def with_parameter(self, name: str, *values: str) -> Filters:
        """The same with these values of a view's own parameter, or without any; its place in the URL stays."""
        names = list(dict.fromkeys([*(key for key, _ in self.parameters), name]))
        kept = {key: values if key == name else self.parameter(key) for key in names}
        return replace(self, parameters=tuple((key, value) for key in names for value in kept[key]))

    def alone(self) -> Filters:
        """The same without what one view keeps beside the filters: for links to other views."""
        return replace(self, parameters=())

    def switch(self, name: str, setting: str) -> Filters:
        """The same with a switch set; UnknownName if it has no such setting."""
        if setting not in SWITCHES[name]:
            raise UnknownName(f"setting of {name.replace('_', ' ')}", setting, SWITCHES[name])
        rest = dict(self.switches)
        rest.pop(name, None)
        if setting != next(iter(SWITCHES[name])):
            rest[name] = setting
        left_out = self.left_out if rest.get("event_days") == "out" else ()
        return replace(self, switches=tuple(sorted(rest.items())), left_out=left_out)

    def leaving_out(self, stretches: Iterable[tuple[date, date]]) -> Filters:
        """The same without the days of `stretches` ``[from, to)``, if event days are to be left out."""
        if self.setting("event_days") != "out":
            return self
        return replace(self, left_out=tuple(sorted(set(stretches))))

    def stretches_left_out(self, period: Period | None = None) -> list[tuple[date, date]]:
        """The stretches of civil days ``[from, to)`` of `period` (default: the chosen one) left out; none overlap."""
        return (period or self.period).parts_of(self.left_out)

    def days_counted(self, period: Period | None = None) -> int:
        """The civil days of `period` (default: the chosen one) that are not left out."""
        left_out = self.stretches_left_out(period)
        return (period or self.period).days - sum((end - begin).days for begin, end in left_out)


def add_months(day: date, months: int) -> date:
    """The same day of the month, `months` later; the month's last day if it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, gregorian.monthrange(year, month + 1)[1]))


def _default_comparison(period: Period, clock: Clock) -> str:
    """Last year if the data reaches that far back, else the previous period, else nothing."""
    if period.preset == "all":
        return "none"
    if period.a_year_earlier().from_on >= clock.first_on:
        return "last-year"
    return "previous" if period.before().from_on >= clock.first_on else "none"


def civil_day(text: str, name: str) -> date:
    """The day that `text` writes as YYYY-MM-DD; BadRequest, naming what it was for, if it is none or beyond belief."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"“{text}” is not a date; “{name}” wants one like 2026-05-20.") from None
    if not 1900 <= day.year <= 2199:
        raise BadRequest(f"“{name}” is {day}: no city has numbers for that year.")
    return day


def _spoken(day: date, *, year: bool = True) -> str:
    return f"{day.day} {day:%b}" + (f" {day.year}" if year else "")
