"""Demand: how much comes in, when, how and about what, and how much is coming?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from dashboard.domain.filters import DAY, Period
from dashboard.domain.forecasting import BASELINE, ENOUGH_ORIGINS, HORIZON, SHARE, Forecast, forecast
from dashboard.domain.policy import Permission
from dashboard.domain.stretches import last_days, latest_days, with_weeks_before
from data_access.dimensions import channel, district, hour_of_week, reason, service_type
from data_access.measures.contacts import contacts, contacts_request_known, information_share
from data_access.measures.requests import opened
from data_access.semantics import Answer, Dimension, Query, Total
from layouts import components as c
from layouts import html
from layouts.figures import events, expectation, grids, series, stacks, tables, words
from layouts.figures.series import Line
from layouts.figures.steps import Steps, steps_by, steps_of
from layouts.panels import needs_of, ranked
from layouts.view import Compared, Context, Drawing, OnDays, Over, Panel, View

LISTED = 10
"""Types and districts stand beside each other: as many of the one as of the other."""
BUSIEST, LEAST_RISE = 8, 5
WEEKS_BEFORE = 8
"""So many of the same weekdays before a day say what is usual on it."""
CHANNELS = 6
HISTORY = last_days(expectation.HISTORY_DAYS)
LATEST = latest_days(expectation.HISTORY_DAYS)
_CATEGORIES = ("cat-1", "cat-2", "cat-3", "cat-4", "cat-5", "cat-6")


def _nothing(measure: Total, context: Context) -> Drawing:
    return words.no_contacts(context) if measure is contacts else words.nothing("No requests", context)


# ── How much, day by day ──


def draw_days(answers: tuple[Answer | None, ...], context: Context, *, measure: Total) -> Drawing:
    """A count along time with what was to be expected behind it, and the days that were not."""
    now, before, along, history = answers
    number = now.value(measure) if now else None
    if not number or along is None or history is None:
        return _nothing(measure, context)
    steps, things = steps_of(along, context.filters.period, context.clock), measure.fact.plural
    figure = series.over_time(steps, measure.name, f"{measure.label} {steps.each}", things)
    text = f"**{c.count(number)}** {measure.label.lower()}"
    if (n_days := words.days_told(context)) > 1:
        text += f", **{series.few(number / n_days)}** a day"
    against = words.changed(number, before.value(measure) if before else None, context)
    text += f"; {against}." if against else "."
    key, found = series.key_of(figure), expectation.usual(
        steps, expectation.days_of(history, measure.name, context)
    )  # fmt: skip
    if found is not None:
        expected, low, high = found
        expectation.band_behind(figure, steps, low, high)
        key = c.key(*([("series-raw", "day"), ("series", "7-day mean")] if key else [("series", "day")]),
                    ("band", "usual, 95 of 100 days"))  # fmt: skip
        text += f" {_outside(steps, steps.known(measure.name), expected.mu, high, context)}"
    events.shade(figure, steps, context.events)
    every = "every channel; a transferred call counts once" if measure is contacts else "reports, duplicates included"
    every = "each incident once" if measure is opened and context.filters.setting("counting") != "reports" else every
    return Drawing(c.sentence(text), figure, foot=words.foot(key, every, _gaps(steps, context), events.told(figure)))


def _outside(steps: Steps, values: np.ndarray, mu: np.ndarray, high: np.ndarray, context: Context) -> str:
    """“4 of 90 days lay above the usual range, most of all Sat 16 May 2026 (Storm), 2.4 times the usual.”"""
    known = np.isfinite(values) & np.isfinite(high)
    above, n = known & (np.where(known, values, 0) > np.where(known, high, np.inf)), int(known.sum())
    if not above.any():
        return "" if not n else "It did not lie above the usual range." if n == 1 else (
            f"No day of {n} lay above the usual range."
        )  # fmt: skip
    times = np.where(above, values / np.maximum(mu, 1e-9), 0)
    top = int(np.argmax(np.where(above, values - mu, -np.inf)))
    event = expectation.event_on(steps.starts[top], context.events)
    named = f"{steps.name(top)} ({event.name})" if event else steps.name(top)
    said = f", **{times[top]:.1f}** times the middle of that range" if 1.05 <= times[top] < 20 else ""
    if len(steps) == 1:
        return f"That lies above the usual range{f' ({event.name})' if event else ''}{said}."
    most = "most of all " if above.sum() > 1 else ""
    return f"{words.plural(int(above.sum()), 'day')} of {n} lay above the usual range, {most}**{named}**{said}."


def _gaps(steps: Steps, context: Context) -> str:
    """“no data on 11 Sep 2025”."""
    if steps.every != "day":
        return ""
    missing = [day for day in steps.starts if context.clock.is_in_gap(day)]
    return f"no data on {', '.join(map(c.day, missing[:3]))}" if missing else ""


# ── What comes next ──


def draw_forecast(answers: tuple[Answer | None, ...], context: Context, *, measure: Total) -> Drawing:
    """Four weeks ahead with their range, and how wrong the same method would have been before."""
    history = answers[0]
    if history is None or not len(history.frame) or not history.frame[measure.name].sum():
        return _nothing(measure, context)
    days, things = expectation.days_of(history, measure.name, context), measure.fact.plural
    coming = [days.on(len(days) + i) for i in range(HORIZON)]
    found = forecast(days, np.array([day in context.closed_on for day in coming]))
    if found is None or days.counts[-2 * HORIZON :].mean() < 1:
        why = f"Too few {things} to forecast: it takes twelve weeks with one a day or more."
        return Drawing(c.empty(why), is_empty=True)
    figure = expectation.ahead(days, found, things)
    expectation.shade_past(figure, days, context.events)
    holidays = [f"{day.day} {day:%b}" for day in coming if day in context.closed_on]
    notes = (
        f"range: {c.share(SHARE, 0)} of days",
        f"closed on {', '.join(holidays)}" if holidays else "",
        "event days are tested, not learnt from",
        "from the last day of the data, whatever the period",
    )
    text = _expected_words(found, things, coming[-1])
    return Drawing(c.sentence(text), figure, _back_test(found), words.foot("Dashed: expected", *notes))


def _expected_words(found: Forecast, things: str, last: date) -> str:
    text = f"**{c.count(found.total)}** {things} are expected in the {HORIZON} days to {c.day(last)}"
    if found.total_low is not None:
        low, high = c.count(found.total_low), c.count(found.total_high)
        text += f"; {c.share(SHARE, 0)} certain: {low} to {high}"
    naive = next(one for one in found.trials if one.name == BASELINE)
    tried = f"{found.origins} times" if found.origins > 1 else "once"
    if found.is_better:
        return f"{text}. Tried {tried} before, it was off by **{c.share(found.used.wape)}** a day."
    return (
        f"{text}, each day as the same weekday before it. Tried {tried}, nothing did better often enough: it was off "
        f"by **{c.share(naive.wape)}** a day."
    )


_METHODS = {
    BASELINE: "Last week’s numbers (baseline)",
    "mean of eight same weekdays": "Mean of the last eight same weekdays",
    "weekday, level and season": "Weekday, level and season",
}


def _back_test(found: Forecast) -> html.Div:
    columns = [
        c.Column(f"Back-test, {words.plain(words.plural(found.origins, 'start'))}"), c.Column("Off by", True),
        c.Column("MASE", True, False), c.Column("Bias", True, False), c.Column("Beats baseline", True),
        c.Column("In range", True, False),
    ]  # fmt: skip
    rows = [
        [
            [html.B(_METHODS[one.name]), " – used"] if one.name == found.used.name else _METHODS[one.name],
            c.share(one.wape), _two(one.mase), c.signed_share(one.bias),
            c.NOTHING if one.wins is None else f"{round(one.wins * found.origins)} of {found.origins}",
            c.share(one.coverage, 0) if one.coverage == one.coverage else c.NOTHING,
        ]
        for one in found.trials
    ]  # fmt: skip
    table = c.table(columns, rows, caption="How wrong each method would have been")
    short = f" Fewer than {ENOUGH_ORIGINS} starts: read with care." if found.origins < ENOUGH_ORIGINS else ""
    rule = f"Used: what beats the baseline on two thirds of the starts, {HORIZON} days apart.{short}"
    return html.Div([table, html.P(rule, className="sub")])


def _two(value: float) -> str:
    return f"{value:.2f}" if value == value else c.NOTHING


# ── How it comes in, and what needs no request ──


def draw_mix(answers: tuple[Answer | None, ...], context: Context, *, measure: Total) -> Drawing:
    """The channels' shares of contacts or requests, week by week, or month by month over years."""
    answer = answers[0]
    known, (sums,) = answer.sums(channel.name, measure.name) if answer is not None else ([], [np.zeros(0)])
    totals = {name: n for name, n in zip(known, sums, strict=True) if n > 0}
    if answer is None or not totals:
        return _nothing(measure, context)
    of_all = sum(totals.values())
    names = sorted(totals, key=lambda name: (-totals[name], name))[:CHANNELS]
    steps = steps_by(answer, channel.name, measure.name, context.filters.period, context.clock)
    whole = sum(steps.columns.values())
    rest = whole - sum(steps.values(name) for name in names)

    def shares(values: np.ndarray) -> np.ndarray:
        return np.divide(values, whole, out=np.full(len(values), np.nan), where=whole > 0)

    chosen = context.selected
    parts = [
        stacks.Part(shares(steps.values(name)), channel.say(name), token, name, bool(chosen) and name not in chosen)
        for name, token in zip(names, _CATEGORIES, strict=False)
    ]
    if rest.sum() > 0:
        parts.append(stacks.Part(shares(rest), "other", "cat-other", "", bool(chosen)))
    figure = stacks.stacked(steps, parts, f"Share of {measure.fact.plural}, by {steps.every}", c.share, top=1)
    first = names[0]
    share = c.share(totals[first] / of_all)
    text = f"**{words.capital(channel.say(first))}** brings **{share}** of {measure.fact.plural}"
    moved = _moved(steps, whole, names, first)
    text += f"; {moved}." if moved else "."
    entries = [c.toggle([c.swatch(part.token), part.words], context.filters, channel.name, part.chooses)
               for part in parts if part.chooses]  # fmt: skip
    key = html.Span([part for entry in entries for part in (entry, " ")], className="legend")
    n = f"n = {c.count(of_all)} {measure.fact.plural}"
    events.shade(figure, steps, [one for one in context.events if one.kind == "campaign"], layer="above")
    foot = words.foot(key, n, stacks.key_of(steps), events.told(figure), "choose a channel here or in the figure")
    return Drawing(c.sentence(text), figure, foot=foot)


def _moved(steps: Steps, whole: np.ndarray, names: list[str], first: str) -> str:
    """The channel whose share changed most from the first half of the period to the second."""
    half = len(steps) // 2
    if half < 2 or not whole[:half].sum() or not whole[half:].sum():
        return ""

    def moved(name: str) -> float:
        values = steps.values(name)
        return float(values[half:].sum() / whole[half:].sum() - values[:half].sum() / whole[:half].sum())

    top = max(names, key=lambda name: abs(moved(name)))
    if abs(moved(top)) < 0.005:
        return "no share moved by half a point from the first half of the period to the second"
    points = f"{100 * moved(top):+.1f}".replace("-", c.MINUS)
    who = "its share" if top == first else f"**{channel.say(top)}**"
    return f"{who} moved most from the first half of the period to the second, **{points}** points"


def draw_information(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The share of contacts that were for information and made no request."""
    now, before, along = answers
    if not now.value(contacts):
        return words.no_contacts(context)
    if not (n := now.value(contacts_request_known)):
        return words.nothing("Whether contacts made a request was not recorded", context)
    steps = steps_of(along, context.filters.period, context.clock)
    share = now.value(information_share)
    moved = words.points(share, before.value(information_share) if before else None, context)
    text = f"**{c.share(share)}** of contacts were for information and made no request"
    text += f", {moved}." if moved else "."
    line = Line("information_share", "information", over="information_only", under="contacts_request_known")
    figure = series.lines(steps, (line,), "Share of contacts", share_axis=True)
    events.shade(figure, steps, context.events)
    caveats = ("calls that hung up made none either", events.told(figure))
    return Drawing(c.sentence(text), figure, foot=words.foot(f"n = {c.count(n)} contacts", *caveats))


# ── The busiest days ──


def draw_busiest(
    answers: tuple[Answer | None, ...], context: Context, *, measure: Total, cause: Dimension
) -> Drawing:  # fmt: skip
    """The days on which most came in, how many times a usual such day that was, and why.

    `cause` is the dimension whose values explain a day: the one that rose most is named.
    """
    by_day, by_cause = answers
    busy, things = _busiest(by_day, measure, context), measure.fact.plural
    if not busy or by_cause is None:
        return _nothing(measure, context)
    causes = _Causes.of(by_cause, cause.name, measure.name)
    columns = [
        c.Column("Day"), c.Column(things.capitalize(), True), c.Column("Usual", True), c.Column("Why"),
    ]  # fmt: skip
    lines = []
    for day, came, before, mean in busy:
        times = f"× {came / mean:.1f}" if mean else c.NOTHING
        here = context.filters.during(Period(day, day + DAY)).to_search()
        link = c.link(expectation.named(day), here, className="nw")
        lines.append([link, c.count(came), times, _why(day, before, causes, cause, context)])
    first = busy[0]
    event = expectation.event_on(first.day, context.events)
    text = f"**{expectation.named(first.day)}** brought most, {words.plural(first.came, things.removesuffix('s'))}"
    text += f" ({event.name})." if event else "."
    known = sum(expectation.event_on(one.day, context.events) is not None for one in busy)
    if context.filters.left_out:
        text += " Event days are left out."
    elif len(busy) > 1 and context.events:
        text += f" {f'**{known}**' if known else 'None'} of the {len(busy)} busiest days fell on a city event."
    body = c.table(columns, lines, caption="The busiest days and their causes")
    usual = f"× usual: against the mean of the same weekdays of the {WEEKS_BEFORE} weeks before, special days left out"
    return Drawing(c.sentence(text), body=body, foot=words.foot("Click a day to choose it", usual))


class _Busy(NamedTuple):
    """A busy day: how many came, the same weekdays before it that were usual ones, and their mean if it tells."""

    day: date
    came: float
    before: list[date]
    usual: float | None


def _busiest(by_day: Answer | None, measure: Total, context: Context) -> list[_Busy]:
    """The days of the period on which most came in, the busiest first."""
    if by_day is None:
        return []
    days, period = expectation.days_of(by_day, measure.name, context), context.filters.period
    begin, end = (max((day - days.first_on).days, 0) for day in (period.from_on, period.to_on))
    came = np.where(days.is_unknown, 0, days.counts)[begin:end]
    found = []
    for i in begin + np.argsort(-came, kind="stable")[:BUSIEST]:  # of as many the first
        if days.counts[i] > 0 and not days.is_unknown[i]:
            weeks = [i - 7 * n for n in range(1, WEEKS_BEFORE + 1) if i >= 7 * n and days.is_usual[i - 7 * n]]
            mean = days.counts[weeks].mean() if len(weeks) >= 3 else None
            found.append(_Busy(days.on(i), days.counts[i], [days.on(one) for one in weeks], mean))
    return found


def _to_explain(answers: tuple[Answer | None, ...], context: Context, *, measure: Total) -> list[date]:
    """The busiest days and those that they are held against."""
    return [day for one in _busiest(answers[0], measure, context) for day in (one.day, *one.before)]


class _Causes(NamedTuple):
    """What came in on each day, a row, of each value of a dimension, a column."""

    row: dict[date, int]
    values: list[str]
    counts: np.ndarray

    @classmethod
    def of(cls, answer: Answer, name: str, measure: str) -> _Causes:
        stamps, days = np.unique(answer.column("day"), return_inverse=True)
        values, columns = answer.coded(name)
        size = (len(stamps), len(values))
        counts = np.bincount(days * size[1] + columns, answer.column(measure).astype(float), size[0] * size[1])
        row = {day: i for i, day in enumerate(stamps.astype("datetime64[D]").tolist())}
        return cls(row, values, counts.reshape(size))

    def risen(self, day: date, before: Sequence[date], without: str) -> tuple[str, float, float] | None:
        """Which value but `without` rose most above its mean on the days `before`: it, its count, and that mean."""
        others = [i for i in np.argsort(self.values) if self.values[i] != without]
        if day not in self.row or not before or not others:
            return None
        known = [self.row[one] for one in before if one in self.row]
        usual = self.counts[known].sum(axis=0) / len(before)
        now = self.counts[self.row[day]]
        top = max(others, key=lambda i: now[i] - usual[i])
        return self.values[top], now[top], usual[top]


def _why(day: date, before: list[date], causes: _Causes, cause: Dimension, context: Context) -> list[Any]:
    """The city's event, whether it follows a closed day, and what rose most against the same weekdays before."""
    event = expectation.event_on(day, context.events)
    parts: list[Any] = [html.B(event.name)] if event else []
    if day - DAY in context.closed_on and day not in context.closed_on:
        parts += ["; " if parts else "", "the day after the city was closed"]
    if (risen := causes.risen(day, before, cause.missing)) is not None:
        top, now, usual = risen
        if now - usual >= LEAST_RISE:
            name = c.toggle(cause.say(top), context.filters, cause.name, top)
            said = f" {c.count(now)}, usually {series.few(usual) if usual >= 0.05 else 0}"
            parts += ["; " if parts else "", name, said]
    return parts or ["nothing in particular"]


# ── When ──


def _draw_grid(answers: tuple[Answer | None, ...], context: Context, measure: str, things: str) -> Drawing:
    frame = answers[0].frame
    totals = grids.by_hour_of_week(frame, measure)
    hours = grids.hours_known(context)
    mean, said = grids.per_hour_words(totals, hours)
    half = int((np.sort(totals)[::-1].cumsum() < totals.sum() / 2).sum()) + 1
    at = int(np.nanargmax(mean))
    text = (
        f"The busiest hour is **{grids.busiest(mean)}** with **{mean[at]:,.1f}** {things} on average; "
        f"half of them come in **{half}** of the week’s 168 hours."
    )
    figure = grids.hour_of_week_grid(mean, said, context.selected, template=grids.an_hour(things))
    key = tables.ramp("few", f"{mean[at]:,.1f} an hour")
    foot = words.foot(key, f"n = {c.count(totals.sum())} {things}", "mean of each hour, local time")
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_request_hours(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """When requests are made, by hour of the week."""
    if not answers[0].frame["opened"].sum():
        return words.nothing("No requests", context)
    return _draw_grid(answers, context, "opened", "requests")


def _days_panel(name: str, question: str, measure: Total) -> Panel:
    whole = Query((measure,))
    queries = (
        whole, Compared(whole), Query((measure,), every="auto"), Over(Query((measure,), every="day"), HISTORY),
    )  # fmt: skip
    draw = partial(draw_days, measure=measure)
    return Panel(name, question, queries, draw, selects="period", needs=needs_of(measure))


def _forecast_panel(name: str, question: str, measure: Total) -> Panel:
    queries = (Over(Query((measure,), every="day"), LATEST),)
    draw = partial(draw_forecast, measure=measure)
    return Panel(name, question, queries, draw, needs=needs_of(measure), wave=1)  # its past is forecast twenty times


def _busiest_panel(name: str, question: str, measure: Total, cause: Dimension) -> Panel:
    before = with_weeks_before(WEEKS_BEFORE)
    explained = partial(_to_explain, measure=measure)
    queries = (
        Over(Query((measure,), every="day"), before),
        OnDays(Query((measure,), by=(cause,), every="day"), before, explained),
    )
    draw = partial(draw_busiest, measure=measure, cause=cause)
    return Panel(name, question, queries, draw, height=340, needs=needs_of(measure))


def _mix_panel(name: str, question: str, measure: Total) -> Panel:
    queries = (Query((measure,), by=(channel,), every="weeks"),)
    return Panel(name, question, queries, partial(draw_mix, measure=measure), selects=channel, needs=needs_of(measure))


VIEW = View(
    name="demand",
    title="Demand",
    question="How much comes in, when, and about what?",
    order=20,
    panels=(
        _days_panel("requests", "How many requests come in?", opened),
        _days_panel("contacts", "How many people get in touch?", contacts),
        _busiest_panel("busiest", "Which days brought most requests, and why?", opened, service_type),
        _busiest_panel("busiest-contacts", "On which days did most people get in touch?", contacts, reason),
        ranked("types", "What is asked for?", opened, service_type, limit=LISTED),
        ranked("districts", "Where do requests come from?", opened, district, limit=LISTED,
               foot="Reports, not problems: some neighbourhoods report more"),
        _mix_panel("mix", "How do requests reach us?", opened),
        _mix_panel("mix-contacts", "Which way do people get in touch?", contacts),
        Panel(
            "hours", "When are requests made?", (Query((opened,), by=(hour_of_week,)),), draw_request_hours, width=8,
            selects=hour_of_week, height=248,
        ),
        Panel(
            "information", "How many only want to know something?",
            (Query((information_share, contacts)), Compared(Query((information_share,))),
             Query((information_share,), every="auto")),
            draw_information, width=4, selects="period", needs=Permission.READ_CONTACTS,
        ),
        _forecast_panel("forecast", "How many requests are coming?", opened),
        _forecast_panel("forecast-contacts", "How many people will get in touch?", contacts),
    ),
)  # fmt: skip
