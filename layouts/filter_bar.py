"""The filter bar: every control is a link to the picture it makes.

Drawn from `Filters` and never written back, so Back, sharing and the keyboard need no code of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed
from datetime import date
from typing import Any

import dash_bootstrap_components as dbc

from dashboard.domain.filters import COMPARISONS, DAY, DEFAULT_PERIOD, PRESETS, SWITCHES, Clock, Filters, Period
from layouts import html
from layouts.components import link, mark, sentence

PERIOD_FROM = "period-from"
PERIOD_TO = "period-to"

MOST_CHIPS = 6
"""More values of one dimension share a chip."""
SEARCHED_FROM = 9
"""Lists longer than this are searched by typing."""


@dataclass(frozen=True)
class Choice:
    """One list to choose from: a dimension's name, its label, “All departments”, and the values by group."""

    dimension: str
    label: str
    nothing_chosen: str
    groups: tuple[tuple[str, tuple[str, ...]], ...] = field(default=())


def choice(dimension: str, label: str, values: Sequence[str], groups: Mapping[str, str] | None = None) -> Choice:
    """A `Choice` from a flat list of values; `groups` names the group of each."""
    plural = {"service_type": "types"}.get(dimension, label.lower() + "s")
    if not groups:
        return Choice(dimension, label, f"All {plural}", (("", tuple(values)),))
    grouped: dict[str, list[str]] = {}
    for value in values:
        grouped.setdefault(groups.get(value) or "Other", []).append(value)
    ordered = sorted(grouped.items(), key=lambda item: (item[0] == "Other", item[0]))
    return Choice(dimension, label, f"All {plural}", tuple((name, tuple(sorted(found))) for name, found in ordered))


Say = Callable[[str, str], str]
"""What a value of the dimension of that name is called."""


def filter_bar(
    filters: Filters,
    clock: Clock,
    choices: Sequence[Choice],
    labels: Mapping[str, str],
    say: Say = lambda _, value: value,
) -> list[Any]:
    """Controls in one line, chips of what is chosen below; `labels` names dimensions that have no list here."""
    chosen = sum(len(values) for _, values in filters.choices)
    return [
        html.Div(
            ["Filters", html.Button(className="close", type="button", **{"aria-label": "Close filters"})],
            className="sheet-head",
        ),
        html.Div(
            [
                _period(filters, clock),
                _comparison(filters),
                *(_values(filters, listed) for listed in choices),
                _counting(filters),
                html.Button(
                    f"Filters · {chosen}" if chosen else "Filters",
                    type="button",
                    className="ctl sheet-button" + (" set" if chosen else ""),
                ),
                html.Span(className="grow"),
                html.Button("Copy link", type="button", className="ctl ghost copy", **{"data-copy-link": ""}),
            ],
            className="controls",
        ),
        _chips(filters, clock, labels, say),
        html.P(filters.sentence(labels, say), className="print-only"),
    ]


def refused(words: str, href: str) -> list[Any]:
    """What stands instead of the bar when it cannot be drawn.

    `href` is the address without what is wrong with it; empty where it is not to blame.
    """
    way = link("Show the view without it", href) if href else None
    return [html.Div([mark("misses"), html.Span(sentence(words)), way], className="notice")]


def _pick(name: str, label: Any, spoken: str, options: list[Any], *, is_set: bool = False, keep: bool = False):
    return html.Details(
        [
            html.Summary(label, className="ctl set" if is_set else "ctl", **{"aria-label": spoken}),
            html.Div(options, className="options"),
        ],
        id=f"pick-{name}",
        className="pick keep" if keep else "pick",
    )


def _option(label: str, href: str, chosen: bool, *, only_one: bool = False, more: str = "") -> html.Li:
    state = {"aria-current": "true"} if chosen else {}
    closes = {"data-closes": ""} if only_one else {}
    children = [label, html.Span(more, className="soft")] if more else label
    return html.Li(link(children, href, className="option one" if only_one else "option", **closes, **state))


def _group(title: str, options: list[html.Li]) -> html.Div:
    return html.Div([html.H3(title) if title else None, html.Ul(options)], className="group")


def _period(filters: Filters, clock: Clock) -> html.Details:
    period = filters.period
    label = f"{PRESETS[period.preset]}, {period.sentence()}" if period.preset else period.sentence()
    options = []
    for name, words in PRESETS.items():
        one = Period.named(name, clock)
        options.append(
            _option(words, search_in_period(filters, one), period.preset == name, only_one=True, more=one.sentence())
        )
    custom = html.Div(
        [
            _date("From", PERIOD_FROM, period.from_on, clock),
            _date("To, included", PERIOD_TO, period.to_on - DAY, clock),
            html.Div(className="wrong", role="alert"),
            html.Button("Show these days", type="button", className="press", **{"data-apply-period": ""}),
        ],
        className="custom",
    )
    shown = html.Span(label, className="ell")
    return _pick("period", shown, f"Period: {label}", [html.Ul(options), custom], keep=True)


def _date(label: str, name: str, day: date, clock: Clock) -> html.Label:
    return html.Label(
        [
            label,
            dbc.Input(
                id=name,
                type="date",
                value=day.isoformat(),
                min=clock.first_on.isoformat(),
                max=clock.last_on.isoformat(),
                className="field",
            ),
        ]
    )


def search_in_period(filters: Filters, period: Period) -> str:
    """The same choice in another period, with the comparison that period is used to unless one was chosen."""
    follows = filters.compare == filters.default_compare
    moved = filters.during(period)
    return (changed(moved, compare="", default_compare="") if follows else moved).to_search()


def _comparison(filters: Filters) -> html.Details:
    other = filters.comparison()
    words = COMPARISONS[filters.compare]
    options = [
        _option(
            label[0].upper() + label[1:],
            changed(filters, compare=name).to_search(),
            filters.compare == name,
            only_one=True,
            more=compared.sentence() if (compared := changed(filters, compare=name).comparison()) else "",
        )
        for name, label in COMPARISONS.items()
    ]
    spoken = f"Compared with {words}" + (f", {other.sentence()}" if other else "")
    return _pick("compare", [html.Span("vs", className="soft"), f" {words}"], spoken, [html.Ul(options)])


RULES: Mapping[str, str] = {
    "reports": "every request counts",
    "incidents": "a report joined to an earlier one is not counted again",
    "in": "",
    "out": "storms, elections, days without data",
}
"""What a setting of a switch means, beside its name."""


def _counting(filters: Filters) -> html.Details:
    """How everything is counted: one list for every switch, so that a view need not know of them."""
    groups = [
        _group(
            "",
            [
                _option(
                    label, filters.switch(name, setting).to_search(), filters.setting(name) == setting, only_one=True,
                    more=RULES.get(setting, ""),
                )
                for setting, label in SWITCHES[name].items()
            ],
        )
        for name in LISTED_SWITCHES
    ]  # fmt: skip
    set_to = [SWITCHES[name][filters.setting(name)] for name in LISTED_SWITCHES]
    others = [SWITCHES[name][setting] for name, setting in filters.switches if name in LISTED_SWITCHES]
    label = html.Span(" · ".join(others) or set_to[0], className="ell")
    return _pick("counting", label, f"Counting: {', '.join(set_to)}", groups, is_set=bool(others))


SWITCH_LABELS: Mapping[str, str] = {"counting": "Counting", "event_days": "Days", "service_level": "Service level"}
LISTED_SWITCHES = ("counting", "event_days")
"""The switches with a place in the bar; others are set where they are explained."""


def _values(filters: Filters, listed: Choice) -> html.Details:
    chosen = filters.chosen(listed.dimension)
    label = (
        listed.nothing_chosen if not chosen else chosen[0] if len(chosen) == 1 else f"{chosen[0]} + {len(chosen) - 1}"
    )
    total = sum(len(values) for _, values in listed.groups)
    known = {value for _, values in listed.groups for value in values}
    groups = [*listed.groups]
    if strange := tuple(value for value in chosen if value not in known):
        groups.insert(0, ("Chosen", strange))
    options: list[Any] = []
    if total >= SEARCHED_FROM:
        options.append(
            html.Label(
                [
                    html.Span(f"Find a {listed.label.lower()}", className="visually-hidden"),
                    dbc.Input(
                        id=f"seek-{listed.dimension}",
                        type="search",
                        placeholder="Type to find",
                        className="field",
                        autocomplete="off",
                    ),
                ],
                className="seek",
            )
        )
    lists = [
        _group(title, [_option(v, filters.toggle(listed.dimension, v).to_search(), v in chosen) for v in values])
        for title, values in groups
    ]
    options.append(
        html.Div([*lists, html.P("Nothing of that name.", className="none-found", hidden=True)], className="scroll")
    )
    spoken = f"{listed.label}: {', '.join(chosen) if chosen else 'all'}"
    shown = html.Span(label, className="ell")
    return _pick(listed.dimension, shown, spoken, options, is_set=bool(chosen))


def _chips(filters: Filters, clock: Clock, labels: Mapping[str, str], say: Say) -> html.Div | None:
    """What is chosen, each with its way back; days of one's own, brushed or typed, go back to the usual period."""
    cleared = filters.cleared().to_search()
    chips = []
    for name, values in filters.choices:
        label = labels.get(name, name)
        if len(values) > MOST_CHIPS:  # drawn around on a map: one way back for all of them
            chips.append(_chip(label, f"{len(values)} chosen", filters.without(name).to_search()))
            continue
        chips += [_chip(label, say(name, value), filters.toggle(name, value).to_search()) for value in values]
    chips += [
        _chip(
            SWITCH_LABELS.get(name, name),
            SWITCHES[name][setting].removeprefix(f"{SWITCH_LABELS.get(name, name)} "),
            filters.switch(name, next(iter(SWITCHES[name]))).to_search(),
        )
        for name, setting in filters.switches
    ]
    if filters.period.preset is None:
        usual = Period.named(DEFAULT_PERIOD, clock)
        chips.insert(0, _chip("Period", filters.period.sentence(), search_in_period(filters, usual)))
        cleared = search_in_period(filters.cleared(), usual)
    if not chips:
        return None
    clear = link("Clear all", cleared, className="clear") if filters.choices or filters.switches else None
    return html.Div([*chips, clear], className="chips")


def _chip(label: str, value: str, href: str) -> html.A:
    words = [html.Span(label), value, html.I(**{"aria-hidden": "true"})]
    return link(words, href, className="chip", title=f"Take back {value}")
