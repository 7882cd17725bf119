"""Closed is not fixed: what closing meant, whether it held, and what people thought of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from dashboard.domain.filters import Period, add_months
from dashboard.domain.intervals import wilson
from dashboard.domain.stretches import last_months, told_after
from data_access.dimensions import closing_day, closure_outcome, department, promise_position, service_type
from data_access.measures.outcomes import (
    RECURRED_WITHIN_DAYS,
    REOPENED_WITHIN_DAYS,
    bounce_rate,
    closed_final,
    first_response,
    handed_on_rate,
    recurrence_rate,
    reopen_rate,
    resolved_share,
    response_rate,
    satisfaction,
    without_activity_share,
)
from data_access.measures.requests import opened
from data_access.semantics import Answer, Dimension, Query, Ratio
from layouts import components as c
from layouts.figures import comparisons, events, parts, series, verdicts, words
from layouts.figures.comparisons import Kept
from layouts.figures.parts import Band, Part
from layouts.figures.series import Line
from layouts.figures.steps import Steps, steps_of
from layouts.view import Compared, Context, Drawing, Over, Panel, View

MONTHS = last_months(13)
AFTER_REOPENING, AFTER_RECURRENCE = told_after(REOPENED_WITHIN_DAYS), told_after(RECURRED_WITHIN_DAYS)
ROWS = 14
LISTED, NAMED = 8, 3
CLEARLY = 2.0
"""Something stands out where it is surely so many times what is usual."""
OUTCOMES: tuple[tuple[Part, tuple[str, ...]], ...] = (
    (Part("resolved", "cat-1"), ("resolved",)),
    (Part("nothing found", "cat-5"), ("no_issue_found", "unable_to_locate")),
    (Part("passed on", "cat-3"), ("referred_other_agency", "no_jurisdiction")),
    (Part("duplicate", "cat-6"), ("duplicate",)),
    (Part("administrative", "cat-4"), ("administrative",)),
    (Part("other or not recorded", "cat-other"), ()),
)
"""Outcomes that mean the same to a reader, in six colours; what is in none of them is the last."""


def _lacks(what: str, context: Context) -> Drawing:
    """One line where the source records nothing of the kind."""
    return Drawing(sentence=c.empty(f"{context.city.name}’s data holds no {what}."), is_empty=True)


def _against(now: Answer, before: Answer | None, measure: Ratio, context: Context) -> str:
    return words.points(now.value(measure), before.value(measure) if before else None, context)


def draw_strip(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Closed, resolved, reopened, back again, without activity, satisfied; each with what it is a share of."""
    now, before, held, returned, outcomes = answers
    n = now.value(closed_final)
    if not n:
        return words.nothing("Nothing was closed", context)

    def followed(answer: Answer, measure: Ratio, stretch: Any) -> tuple[str, str]:
        under = answer.value(measure.under)
        if not under:
            return c.NOTHING, "not recorded, or too early to tell"
        period = stretch(context.filters.period, context.clock)
        same = period == context.filters.period
        return c.share(answer.value(measure)), f"of {c.count(under)} closed" + ("" if same else f" {period.sentence()}")

    reopened, reopened_of = followed(held, reopen_rate, AFTER_REOPENING)
    again, again_of = followed(returned, recurrence_rate, AFTER_RECURRENCE)
    idle, recorded = now.value(without_activity_share), now.value(without_activity_share.under)
    liked, replies = now.value(satisfaction), now.value(satisfaction.under) or 0
    idle_of = f"of {c.count(recorded)} closed" if recorded else "the source records no activity"
    liked_of = f"of {c.count(replies)} answers, {c.share(now.value(response_rate), 0)} of those asked"
    if not now.value(response_rate.under):
        liked_of = "no surveys"
    enough = replies >= words.FEW
    names = outcomes.column(closure_outcome.name)[outcomes.column(closed_final.name) > 0]
    is_told = any(name != closure_outcome.missing for name in names)
    resolved_of = _against(now, before, resolved_share, context) or "the outcome says so"
    strip = c.strip(
        c.figure("Closed for good", c.count(n), "",
                 c.sentence(words.changed(n, before.value(closed_final) if before else None, context))),
        c.figure("Resolved", c.share(now.value(resolved_share)) if is_told else c.NOTHING, "",
                 c.sentence(resolved_of) if is_told else "no outcome is recorded"),
        c.figure(f"Reopened in {REOPENED_WITHIN_DAYS} days", reopened, "", reopened_of),
        c.figure(f"Same place in {RECURRED_WITHIN_DAYS} days", again, "", again_of),
        c.figure("Closed without activity", c.share(idle), "", idle_of),
        c.figure("Satisfied", c.share(liked) if enough else c.NOTHING, "",
                 liked_of if enough or not replies else f"only {c.count(replies)} answers: too few"),
    )  # fmt: skip
    return Drawing(body=strip)


# ── what closing meant ──


def draw_outcomes(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """What closing meant, by department."""
    frame = answers[0].frame
    frame = frame[frame["closed_final"] > 0]
    if frame.empty:
        return words.nothing("Nothing was closed", context)
    group_of = {name: part.words for part, names in OUTCOMES for name in names}
    kinds = [part for part, _ in OUTCOMES]
    grouped = frame.assign(kind=frame["closure_outcome"].map(group_of).fillna(kinds[-1].words))
    grid = grouped.groupby(["department", "kind"])["closed_final"].sum().unstack(fill_value=0)
    grid = grid.reindex(columns=[part.words for part in kinds], fill_value=0)
    grid = grid.loc[grid.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    counts, names = grid.to_numpy(float), [str(name) for name in grid.index]
    totals = counts.sum(axis=1)
    chosen = [i for i, name in enumerate(names) if name in context.selected] or list(range(len(names)))
    whole = counts[chosen].sum(axis=0)
    text = f"**{c.share(whole[0] / whole.sum())}** of {c.count(whole.sum())} requests were closed as resolved"
    if context.selected and len(chosen) < len(names):
        text = f"{words.listed([names[i] for i in chosen])}: {text}"
    elif answers[1] is not None:
        against = words.points(whole[0] / whole.sum(), answers[1].value(resolved_share), context)
        text += f", {against}" if against else ""
    rest = [(part.words, n) for part, n in zip(kinds[1:-1], whole[1:-1], strict=True) if n]
    rest.sort(key=lambda one: -one[1])
    if rest:
        said = ", ".join(f"{c.share(n / whole.sum())} {name}" for name, n in rest[:3])
        text += f"; {said}"
    enough = [i for i in range(len(names)) if totals[i] >= words.FEW]
    if len(chosen) == len(names) and len(enough) > 2:
        low = min(enough, key=lambda i: counts[i, 0] / totals[i])
        text += f". The lowest share resolved is at **{names[low]}**, {c.share(counts[low, 0] / totals[low])}"
    figure = parts.stacked_rows(names, kinds, counts, context.selected)
    comparisons.of_height(figure, 574)
    foot = words.foot(c.key(*((part.token, part.words) for part in kinds)), "by the last closing in the period")
    return Drawing(c.sentence(text + "."), figure, foot=foot)


# ── did it hold? ──


def draw_reopened(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The share reopened within 14 days, by month of closing, and whether the last whole month is unusual."""
    if not len(answers[0].frame) or not answers[0].frame["closings_followed"].sum():
        return _no_reopenings(answers[1], context)
    months = _whole_months(answers[0], context)
    under = months.values("closings_followed")
    if not under.sum():
        return words.nothing("Nothing was closed in a whole month", context)
    figure = series.lines(months, (Line("reopen_rate", "reopened"),), "Closings reopened within 14 days",
                          share_axis=True)  # fmt: skip
    rate = months.values("reopened_soon").sum() / under.sum()
    text = f"**{c.share(rate)}** of {c.count(under.sum())} closings were reopened within {REOPENED_WITHIN_DAYS} days"
    complete = under > 0
    seen = verdicts.usual(months.values("reopen_rate")[complete], reopen_rate)
    if seen is not None:
        last = int(np.flatnonzero(complete)[-1])
        value = c.share(months.values("reopen_rate")[last])
        text += f"; {seen.words.lower()} in {months.name(last)} (**{value}**)"
    events.shade(figure, months, context.events)
    foot = words.foot(
        "Whole months by day of closing", f"n = {c.count(under.sum())} closings",
        f"those of the last {REOPENED_WITHIN_DAYS} days are left out: nobody knows yet", events.told(figure),
    )  # fmt: skip
    return Drawing(c.sentence(text + "."), figure, foot=foot)


def _whole_months(answer: Answer, context: Context) -> Steps:
    """The whole ones of up to 13 months: too little follows a month still running to draw it."""
    steps = steps_of(answer, MONTHS(context.filters.period, context.clock), context.clock)
    return steps.only(np.flatnonzero(steps.is_whole))


def _no_reopenings(closings: Answer, context: Context) -> Drawing:
    """Either nothing was closed, or the source does not say what was reopened."""
    if closings.value(closed_final):
        return _lacks("reopenings: a request closed there stays closed on paper", context)
    return words.nothing("Nothing was closed", context)


class TypeMonth(NamedTuple):
    """How often one service type was reopened after closings of a month, and in its other months.

    `lower` is the lower end of the month's interval; `stands_out`: it is more than twice what is usual for the type,
    and for all types, so that one reopening where there usually is none is no signal.
    """

    name: str
    month: Period
    over: float
    under: float
    usual: float
    lower: float
    stands_out: bool


def type_months(frame: pd.DataFrame) -> list[TypeMonth]:
    """The rows of `frame` (service_type, month, reopened_soon, closings_followed), most above their usual first.

    What is usual is told from the type's other months; where some stand out, from those that do not.
    """
    rows = frame.rename(columns={"reopened_soon": "over", "closings_followed": "under"})
    rows = rows[["service_type", "month", "over", "under"]].astype({"over": float, "under": float})
    lower = wilson(rows["over"], rows["under"]).lower

    def usual(counted: np.ndarray) -> np.ndarray:
        """The share of each row's type over its other months, of those `counted`."""
        kept = rows[["over", "under"]].mul(counted, axis=0)
        rest = kept.groupby(rows["service_type"]).transform("sum") - kept
        share = np.divide(rest["over"], rest["under"], out=np.full(len(rows), np.nan), where=rest["under"] >= words.FEW)
        return np.asarray(share, float)

    enough = rows["under"].to_numpy() >= words.FEW
    overall = rows["over"].sum() / rows["under"].sum() if rows["under"].sum() else np.nan

    def out(share: np.ndarray) -> np.ndarray:
        return np.asarray(enough & (lower > CLEARLY * np.fmax(share, overall)))

    expected = usual((~out(usual(np.ones(len(rows))))).astype(float))
    stands_out = out(expected)
    found = [
        TypeMonth(row.service_type, _month(row.month), row.over, row.under, expected[i], float(lower[i]),
                  bool(stands_out[i]))
        for i, row in enumerate(rows.itertuples(index=False)) if enough[i] and np.isfinite(expected[i])
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.usual - one.lower, one.name))


def _month(start: pd.Timestamp) -> Period:
    return Period(start.date(), add_months(start.date(), 1))


def draw_outliers(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The months in which a service type was reopened far more often than it usually is."""
    frame = answers[0].frame
    if frame.empty or not frame["closings_followed"].sum():
        return _no_reopenings(answers[1], context)
    months = type_months(frame)
    found = [one for one in months if one.stands_out]
    kinds = len({one.name for one in months})
    if not months:
        return Drawing(c.sentence("Too few closings a month to compare one with another."), is_empty=True)
    who = f"None of {kinds} service types was" if kinds > 1 else f"**{months[0].name}** was not"
    text = f"{who} clearly reopened more often in one month than in its others."
    if found:
        first = sorted((one for one in found if one.name == found[0].name), key=lambda one: one.month.from_on)
        over, under = sum(one.over for one in first), sum(one.under for one in first)
        when = words.plain(words.listed([f"{one.month.from_on:%B %Y}" for one in first]))
        text = (
            f"**{first[0].name}** stands out: **{c.share(over / under)}** of {c.count(under)} closed in {when} were "
            f"reopened, against {c.share(first[0].usual)} usually."
        )
    rows = []
    for one in [*found, *(one for one in months if not one.stands_out)][:LISTED]:
        there = context.filters.choose(service_type.name, [one.name]).during(one.month)
        link = c.link(one.name, there.to_search())
        share = c.share(one.over / one.under)
        seen = c.status("misses", "stands out") if one.stands_out else c.status("same", "within its usual")
        month = f"{one.month.from_on:%b}{c.NBSP}{one.month.from_on:%Y}"
        rows.append([link, month, share, c.count(one.under), c.share(one.usual), seen])
    columns = [
        c.Column("Service type"), c.Column("Closed in"), c.Column("Reopened", is_number=True),
        c.Column("n", is_number=True, on_phone=False), c.Column("Usually", is_number=True),
        c.Column("", on_phone=False),
    ]  # fmt: skip
    foot = words.foot(
        "Stands out: surely more than twice its other months and all services",
        words.plain(f"{words.plural(kinds, 'type')} over up to 13 months"), "click a row to see that month",
        f"{len(found) - LISTED} more" if len(found) > LISTED else "",
    )  # fmt: skip
    return Drawing(c.sentence(text), body=c.table(columns, rows, caption="Months that stand out"), foot=foot)


# ── a share by the values of a dimension, with its interval ──


def draw_rates(
    answers: tuple[Answer | None, ...], context: Context, *, measure: Ratio, dimension: Dimension, said: str, of: str,
    text: str, lacking: str, stretch: Any = None, foot: str = "", is_small: bool = True, room: int,
) -> Drawing:  # fmt: skip
    """A share for each value of `dimension` with its interval, worst first, the whole city under them."""
    answer = answers[0]
    frame, over, under = answer.frame, measure.over.name, measure.under.name
    total = frame[under].sum() if len(frame) else 0
    if not total:
        if len(answers) > 1 and answers[1].value(closed_final):
            return _lacks(lacking, context)
        return words.nothing("Nothing was closed", context)
    enough = frame[(frame[under] >= words.FEW) | frame[dimension.name].isin(context.selected)]
    enough = enough[enough[under] > 0]
    worst_first = measure.better != "higher"
    low, high = wilson(enough[over], enough[under])[1:]
    enough = enough.assign(sure=-low if worst_first else high)
    enough = enough.sort_values(["sure", under], ascending=[True, False], kind="stable")
    shown = enough[(np.arange(len(enough)) < ROWS) | enough[dimension.name].isin(context.selected)]
    rows = [Kept(*row) for row in shown[[dimension.name, over, under]].itertuples(index=False, name=None)]
    whole = Kept("All", frame[over].sum(), total) if len(frame) > 1 else None
    figure = comparisons.shares_with_intervals(rows, whole, None, context.selected, said=said, of=of, is_small=is_small)
    comparisons.of_height(figure, room)
    text = text.format(share=f"**{c.share(frame[over].sum() / total)}**", n=c.count(total))
    before = answers[2].value(measure) if len(answers) > 2 and answers[2] is not None else None
    against = words.points(frame[over].sum() / total, before, context)
    text += f" All together: {against}." if against else ""
    chosen = next((row for row in rows if row.name in context.selected), None)
    city, way = frame[over].sum() / total, "above" if worst_first else "below"
    apart = [row.name for row in rows if (wilson(row.over, row.under).lower > city if worst_first
                                          else wilson(row.over, row.under).upper < city)]  # fmt: skip
    if chosen is not None:
        text += (
            f" **{chosen.name}**: {c.share(chosen.over / chosen.under)} "
            f"({' to '.join(c.share(float(x)) for x in wilson(chosen.over, chosen.under)[1:])}) "
            f"of {c.count(chosen.under)}."
        )
    elif apart:
        text += f" Surely {way} that: {words.listed(apart, NAMED)}."
    elif len(rows) > 1:
        text += f" No row is surely {way} that."
    hidden = frame[dimension.name].nunique() - len(enough)
    when = ""
    if stretch is not None:
        period = stretch(context.filters.period, context.clock)
        when = f"closed {period.sentence()}" if period != context.filters.period else ""
    foots = words.foot(
        "Bar: 95 % interval; surest first", when, foot,
        f"{len(enough) - len(shown)} more in the table" if len(enough) > len(shown) else "",
        f"{hidden} with fewer than {words.FEW} left out" if hidden else "",
        comparisons.break_words(figure),
    )  # fmt: skip
    return Drawing(c.sentence(words.capital(text)), figure, foot=foots)


# ── when in the promise, when in the month ──


def draw_positions(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Closings by where they lie in the time promised; what bursts before the deadline is named."""
    frame = answers[0].frame
    frame = frame[frame["promise_position"] != promise_position.missing]
    total = frame["closed_final"].sum() if len(frame) else 0
    if not total:
        return words.nothing("Nothing with a promise was closed", context)
    names = list(promise_position.ordered or ())
    by_band = frame.groupby("promise_position")["closed_final"].sum().reindex(names, fill_value=0)
    tidied = frame[frame["closure_outcome"] == "administrative"]
    tidied_by = tidied.groupby("promise_position")["closed_final"].sum().reindex(names, fill_value=0)
    in_time, last = names[:10], names[9]
    rows = [
        Band(name, float(by_band[name]), float(tidied_by[name]), "ontime" if name in in_time else "late")
        for name in names
    ]
    part_words = "administrative" if tidied_by.sum() else ""
    figure = parts.bands(rows, "Requests closed", "closed", part_words, context.selected,
                         [_shortly(name) for name in names], "Closed within … % of the time promised")  # fmt: skip
    kept = by_band[in_time].sum()
    text = (
        f"**{c.share(by_band[last] / kept if kept else None)}** of those closed in time were closed in the last tenth"
    )
    text += " of the time promised"
    if answers[1] is not None and kept:
        then = answers[1].frame.groupby("promise_position")["closed_final"].sum()
        in_time_then = then.reindex(in_time, fill_value=0).sum()
        share_then = then.get(last, 0) / in_time_then if in_time_then else None
        against = words.points(by_band[last] / kept, share_then, context)
        text += f", {against}" if against else ""
    text += "."
    burst = _burst(frame, in_time, last)
    if burst is not None:
        name, outcome, over, under, usual = burst
        text += (
            f" **{name}**, closed as {outcome.replace('_', ' ')}: **{c.share(over / under, 0)}** of {c.count(under)} "
            f"there, against {c.share(usual, 0)} of all others."
        )
    key = c.key(
        ("ontime", "in time"), ("late", "late"), *([("cat-4", "of which administrative")] if part_words else [])
    )
    foot = words.foot(key, f"n = {c.count(total)} closed with a promise", "calendar time from opening to due")
    return Drawing(c.sentence(text), figure, foot=foot)


def _shortly(name: str) -> str:
    """“30–40 %” as “40” and “over 200 %” as “200+”, for an axis that says what they are."""
    last = name.removesuffix(" %").rsplit("–", 1)[-1]
    return f"{last.removeprefix('over ')}+" if last.startswith("over ") else last


def _burst(frame: pd.DataFrame, in_time: list[str], last: str) -> tuple[str, str, float, float, float] | None:
    """The department and outcome most surely closed in the last tenth more often than all others; None if none is."""
    kept = frame[frame["promise_position"].isin(in_time)]
    by = ["department", "closure_outcome"]
    under = kept.groupby(by)["closed_final"].sum()
    over = kept[kept["promise_position"] == last].groupby(by)["closed_final"].sum().reindex(under.index, fill_value=0)
    under, over = under[under >= words.FEW], over[under >= words.FEW]
    rest = under.sum() - under
    if len(under) < 2 or not (rest > 0).all():
        return None
    usual = (over.sum() - over) / rest
    excess = pd.Series(wilson(over, under).lower, under.index) - CLEARLY * usual
    at = excess.idxmax()
    if excess[at] <= 0:
        return None
    return at[0], at[1], float(over[at]), float(under[at]), float(usual[at])


def draw_month_days(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Closings by day of the month against what such weekdays usually bring."""
    steps = steps_of(answers[0], MONTHS(context.filters.period, context.clock), context.clock)
    values = steps.values("closed_final") if len(steps) else np.zeros(0)
    if not values.sum():
        return words.nothing("Nothing was closed", context)
    days = pd.DatetimeIndex(pd.to_datetime(steps.days))
    usual = pd.Series(values).groupby(days.day_of_week).transform("mean").to_numpy()
    sums = pd.DataFrame({"day": days.day, "n": values, "usual": usual}).groupby("day")[["n", "usual"]].sum()
    sums = sums.reindex(range(1, 32), fill_value=0)
    n, expected = sums["n"].to_numpy(float), sums["usual"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        differences = np.where(expected > 0, n / expected - 1, np.nan)
    hover = [
        f"<b>day {i + 1}</b><br>{c.count(n[i])} closed; such weekdays bring {c.count(expected[i])}" for i in range(31)
    ]
    figure = parts.month_days(differences, hover, context.selected)
    ends = days.days_in_month - days.day < LAST_DAYS
    difference = values[ends].sum() / usual[ends].sum() - 1 if usual[ends].sum() else np.nan
    way = "more" if difference > 0 else "fewer"
    text = (
        f"The last {LAST_DAYS} days of a month bring **{c.share(abs(difference), 0)}** {way} than such weekdays usually"
    )
    text += ": no burst at the month’s end." if difference < 0.1 else ": closings burst at the month’s end."
    foot = words.foot("", f"n = {c.count(values.sum())} closed in up to 13 months", "holidays not taken out",
                      "few months have a 31st")  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


LAST_DAYS = 3
_NO_SURVEYS = "surveys for what is chosen"


# ── who answers, who hands on ──


def draw_responses(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """How soon requests got a first response, and how often they were handed on, by department."""
    by, whole = answers
    if not whole.value("first_response_n") and not whole.value("opened_followed"):
        if whole.value("opened"):
            return _lacks("responses or hand-overs", context)
        return words.nothing("No requests", context)
    frame = by.frame[by.frame["first_response_n"] > 0]
    rows = []
    for row in frame.itertuples(index=False):
        name = c.toggle(row.department, context.filters, department.name, row.department)
        few, few_moved = row.first_response_n < words.FEW, row.opened_followed < words.FEW
        rows.append([
            name, c.count(row.first_response_n),
            "too few" if few else _reached(row.first_response), "" if few else _reached(row.first_response_p90),
            *(c.NOTHING if few_moved else c.share(rate) for rate in (row.handed_on_rate, row.bounce_rate)),
        ])  # fmt: skip
    columns = [
        c.Column("Department"), c.Column("Opened", is_number=True, on_phone=False),
        c.Column("Half within", is_number=True), c.Column("Nine in ten", is_number=True),
        c.Column("Handed on", is_number=True), c.Column("Twice or more", is_number=True, on_phone=False),
    ]  # fmt: skip
    n = whole.value("first_response_n")
    half, nine = whole.value("first_response"), whole.value("first_response_p90")
    if half is None:
        text = f"Fewer than half of {words.plural(n, 'request')} have had a first response."
    else:
        text = f"Half of {words.plural(n, 'request')} had a first response within **{_reached(half)}**, nine in ten "
        text += "have not had one yet." if nine is None else f"within **{_reached(nine)}**."
    moved = whole.value(handed_on_rate)
    if moved is not None:
        text += f" **{c.share(moved)}** changed department, {c.share(whole.value(bounce_rate))} twice or more."
    at = [i for i, name in enumerate(frame["department"]) if name in context.selected]
    foot = words.foot("Still waiting counts as waiting", "handed on: of those opened at least 30 days ago")
    body = c.table(columns, rows, caption="First response and hand-overs by department", selected=at)
    return Drawing(c.sentence(text), body=body, foot=foot)


def _reached(seconds: float | None) -> str:
    if seconds is None or seconds != seconds:
        return "not reached"
    return c.duration(60 * round(seconds / 60) if seconds >= 600 else seconds)


# ── what people thought ──


def draw_satisfaction(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The share satisfied, by month the survey was sent, with how many answered."""
    if not len(answers[0].frame) or not answers[0].frame["surveys_answered"].sum():
        return _lacks(_NO_SURVEYS, context)
    months = _whole_months(answers[0], context)
    replies = months.values("surveys_answered")
    if not replies.sum():
        return words.nothing("No survey was answered in a whole month", context)
    enough = replies >= words.FEW
    if not enough.any():
        text = f"Only {words.plural(replies.sum(), 'answer')} in {words.plural(len(months), 'month')}: too few to say."
        return Drawing(c.sentence(text), is_empty=True)
    shown = replace(months, columns={"satisfaction": np.where(enough, months.values("satisfaction"), np.nan)})
    figure = series.lines(shown, (Line("satisfaction", "satisfied"),), "Satisfied: 4 or 5 of 5", share_axis=True)
    asked = months.values("surveys_sent").sum()
    rate = months.values("surveys_satisfied").sum() / replies.sum()
    text = f"**{c.share(rate)}** of {c.count(replies.sum())} people who answered were satisfied"
    seen = verdicts.usual(months.values("satisfaction")[enough], satisfaction)
    if seen is not None:
        last = int(np.flatnonzero(enough)[-1])
        text += f"; {seen.words.lower()} in {months.name(last)}"
    text += f". **{c.share(replies.sum() / asked, 0)}** of {c.count(asked)} asked answered: not everybody’s opinion."
    foot = words.foot("Whole months", f"n = {c.count(replies.sum())} answers in {len(months)} months",
                      "satisfied: 80 % of the best score or more",
                      "" if enough.all() else f"gap: fewer than {words.FEW} answers")  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


_CLOSED = Query((closed_final,))
_NOW = Query((closed_final, resolved_share, without_activity_share, satisfaction, response_rate))
_ANSWERS = (first_response, handed_on_rate, bounce_rate)

VIEW = View(
    name="closed-is-not-fixed",
    title="Closed is not fixed",
    question="Closed, but was it fixed?",
    order=80,
    panels=(
        Panel(
            "strip", "Did closing mean fixed?",
            (_NOW, Compared(_NOW), Over(Query((reopen_rate,)), AFTER_REOPENING),
             Over(Query((recurrence_rate,)), AFTER_RECURRENCE), Query((closed_final,), by=(closure_outcome,))),
            draw_strip, width=12, kind="strip", height=88,
        ),
        Panel(
            "outcomes", "What did closing mean?",
            (Query((closed_final,), by=(department, closure_outcome)), Compared(Query((resolved_share,)))),
            draw_outcomes, selects=department, height=574, about=("outcomes",),
        ),
        Panel(
            "recurred-types", "Where does the same problem come back?",
            (Over(Query((recurrence_rate,), by=(service_type,)), AFTER_RECURRENCE), _CLOSED),
            partial(
                draw_rates, measure=recurrence_rate, dimension=service_type, said="again", of="closed",
                text="{share} of {n} requests were followed by another of the same type at the same place within 30 "
                     "days.",
                lacking="places that could be visited again", stretch=AFTER_RECURRENCE,
                foot="same parcel, else address, else 130 m hexagon", room=574,
            ),
            selects=service_type, height=574, about=("sites",),
        ),
        Panel(
            "positions", "When in the promised time is it closed?",
            (Query((closed_final,), by=(department, closure_outcome, promise_position)),
             Compared(Query((closed_final,), by=(promise_position,)))), draw_positions,
            selects=promise_position, height=320, about=("promises",),
        ),
        Panel(
            "month-days", "Are requests closed for the month’s end?",
            (Over(Query((closed_final,), every="day"), MONTHS),), draw_month_days, selects=closing_day, height=320,
        ),
        Panel(
            "reopened", "How often is a closed request reopened?",
            (Over(Query((reopen_rate,), every="month"), MONTHS), _CLOSED), draw_reopened, selects="period", height=320,
            is_roomy=True, about=("reopenings",),
        ),
        Panel(
            "outliers", "When did a service come back more than usual?",
            (Over(Query((reopen_rate,), by=(service_type,), every="month"), MONTHS), _CLOSED), draw_outliers,
            height=320, is_roomy=True, about=("reopenings",),
        ),
        Panel(
            "reopened-types", "Which services are reopened most?",
            (Over(Query((reopen_rate,), by=(service_type,)), AFTER_REOPENING), _CLOSED),
            partial(
                draw_rates, measure=reopen_rate, dimension=service_type, said="reopened", of="closed",
                text="{share} of {n} closings were reopened within 14 days.", lacking="reopenings",
                stretch=AFTER_REOPENING, room=574,
            ),
            selects=service_type, height=574, about=("reopenings",),
        ),
        Panel(
            "activity", "How many are closed with nothing on record?",
            (Query((without_activity_share,), by=(department,)), _CLOSED, Compared(Query((without_activity_share,)))),
            partial(
                draw_rates, measure=without_activity_share, dimension=department, said="without", of="closed",
                text="{share} of {n} requests were closed without any work, inspection or comment on record.",
                lacking="events between opening and closing: nobody can tell what was done",
                foot="duplicates left out", room=574,
            ),
            selects=department, height=574, about=("steps",),
        ),
        Panel(
            "satisfaction", "Are people satisfied?",
            (Over(Query((satisfaction, response_rate), every="month"), MONTHS),), draw_satisfaction,
            selects="period", height=384, about=("surveys",),
        ),
        Panel(
            "satisfied-departments", "Whose customers are satisfied?",
            (Over(Query((satisfaction,), by=(department,)), MONTHS), _CLOSED),
            partial(
                draw_rates, measure=satisfaction, dimension=department, said="satisfied", of="",
                text="{share} of {n} people who answered in the last 13 months were satisfied.",
                lacking=_NO_SURVEYS, foot="4 or 5 of 5", is_small=False, room=384,
            ),
            selects=department, height=384, about=("surveys",),
        ),
        Panel(
            "responses", "How soon does somebody answer?",
            (Query(_ANSWERS, by=(department,)), Query((*_ANSWERS, opened))), draw_responses, width=12,
            selects=department, height=456, about=("responses",),
        ),
    ),
)  # fmt: skip
