"""Promises: do we do what we said, when we said?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from dashboard.domain.intervals import wilson
from dashboard.domain.promises import OUT_OF_REACH, PADDED, REALISTIC, TIGHT, fit
from dashboard.domain.stretches import last_months
from data_access.dimensions import area, department, district, hexagon_9, service_type, short_cell
from data_access.measures.outcomes import closed_paused, closed_with_clock, paused_share, paused_time_share
from data_access.measures.requests import (
    broken,
    broken_share,
    due,
    kept,
    opened_late,
    opened_no_promise,
    opened_not_due,
    opened_on_time,
    opened_overdue,
    promise_used,
    promised_time,
    sla_compliance,
    sla_compliance_closed,
    sla_compliance_opened,
    time_to_close,
    working_time_to_close,
)
from data_access.semantics import Answer, Query, Ratio
from layouts import components as c
from layouts import html
from layouts.figures import comparisons, maps, series, words
from layouts.figures.clock import DAY_AND_NIGHT, opening_hours
from layouts.figures.comparisons import Dot, Kept
from layouts.figures.series import Line
from layouts.figures.steps import steps_by, steps_of
from layouts.view import Compared, Context, Drawing, Over, Panel, View

MONTHS = last_months(13)
PARTS = (
    Line("opened_on_time", "on time", "ontime"),
    Line("opened_late", "closed late", "late"),
    Line("opened_overdue", "open, overdue", "overdue"),
    Line("opened_not_due", "not yet due", "notdue"),
)
SETTLED = 0.02
"""A month with a larger share undecided is not yet a result."""
COHORTS: tuple[tuple[Ratio, str, str], ...] = (
    (sla_compliance, "Fell due in the period",
     "Did we do what we had said for these days? The headline: final, and no better for leaving work open."),
    (sla_compliance_closed, "Were closed in the period",
     "What is the work like that we finish? Ignores what was never closed; clearing old work lowers it."),
    (sla_compliance_opened, "Were made in the period and are decided",
     "How do the latest requests fare? Leans towards quick types until all are decided."),
)  # fmt: skip
LARGEST, LISTED, PLACES = 6, 12, 10
RESOLUTION = 9
VERDICTS = {PADDED: "near", REALISTIC: "meets", TIGHT: "near", OUT_OF_REACH: "misses"}


def draw_months(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """What became of the requests opened in each month: on time, late, open and overdue, not yet due."""
    answer = answers[0]
    steps = steps_of(answer, MONTHS(context.filters.period, context.clock), context.clock)
    counts = np.array([steps.values(part.measure) for part in PARTS])
    totals = counts.sum(axis=0) if len(steps) else np.zeros(0)
    if not totals.sum():
        return words.nothing("No request was promised a time", context)
    with np.errstate(divide="ignore", invalid="ignore"):
        on_time, undecided = counts[0] / totals, counts[3] / totals
    settled = [i for i in range(len(steps)) if steps.is_whole[i] and totals[i] > 0 and undecided[i] <= SETTLED]
    text = "No month is decided yet."
    if settled:
        last, first = settled[-1], settled[0]
        nearly = "almost " if undecided[last] > 0 else ""
        text = (
            f"Of the requests opened in {steps.name(last)}, the last month that is {nearly}decided, "
            f"**{c.share(on_time[last])}** were closed on time"
        )
        text += f", against {c.share(on_time[first])} in {steps.name(first)}." if first != last else "."
    open_month = next((i for i in reversed(range(len(steps))) if steps.is_whole[i] and undecided[i] > SETTLED), None)
    if open_month is not None:
        name = steps.starts[open_month]
        text += (
            f" Of {name:%B}’s, **{c.share(undecided[open_month], 0)}** are still undecided: its bar is not yet a "
            f"result."
        )
    figure = series.stacked_shares(steps, PARTS, "Share of the month’s requests; n below")
    none = steps.values("opened_no_promise").sum()
    foot = words.foot(
        c.key(*((part.token, part.words) for part, n in zip(PARTS, counts.sum(axis=1), strict=True) if n)),
        words.plain(f"n = {c.count(totals.sum())} requests opened in {words.plural(len(steps), 'month')}"),
        "always up to 13 months" + ("" if steps.is_whole[-1] else "; hatched: month to date"),
        f"{c.count(none)} without a promise left out" if none else "",
    )
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_departments(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Each department's share kept with its interval, the whole city under them."""
    by, city, before = answers
    frame = by.frame[by.frame["due"] > 0]
    total = city.value("due")
    if not total:
        return words.nothing("No promise fell due", context)
    frame = frame.assign(share=frame["kept"] / frame["due"]).sort_values(["share", "due"], ascending=False)
    rows = [Kept(*row) for row in frame[["department", "kept", "due"]].itertuples(index=False, name=None)]
    target = context.city.promise_target_share
    whole = Kept("All departments", city.value("kept"), total) if len(rows) > 1 else None
    figure = comparisons.shares_with_intervals(rows, whole, target, context.selected)
    shown = next((row for row in rows if row.name in context.selected), None)
    if shown is not None:
        text = _one(shown, target)
    elif len(rows) == 1:
        text = _one(rows[0], target)
    elif target is not None:
        good = [row for row in rows if row.over / row.under >= target]
        text = f"**{len(good)}** of {len(rows)} departments keep {c.share(target, 0)} of their promises or more"
        sure = [row.name for row in rows if float(wilson(row.over, row.under).upper) < target]
        text += f"; surely below it {'is' if len(sure) == 1 else 'are'} {words.listed(sure[-3:])}." if sure else "."
    else:
        sure = [row for row in rows if row.under >= words.FEW] or rows
        best, last = sure[0], sure[-1]
        text = (
            f"From **{c.share(best.over / best.under)}** ({best.name}) to **{c.share(last.over / last.under)}** "
            f"({last.name}); the city has set no target."
        )
    if not context.selected:
        against = words.points(city.value(sla_compliance), before.value(sla_compliance) if before else None, context)
        text += f" All together: {against}." if against else ""
    foot = words.foot(
        "Bar: 95 % interval" + (f"; tick: the city’s target of {c.share(target, 0)}" if target is not None else ""),
        comparisons.break_words(figure), "due in the period; not closed in time counts against",
    )  # fmt: skip
    figure["layout"]["height"] = 64 + (34 if len(rows) < 11 else 26) * (len(rows) + (whole is not None))
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_paused(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """How many of each department's requests had their clock stopped before they were closed, and for how long."""
    by, city, before = answers
    frame = by.frame[by.frame[closed_with_clock.name] > 0] if by is not None else pd.DataFrame()
    if city is None or not len(frame) or not city.value(closed_paused):
        return words.nothing("Of what was closed no pause of the clock is recorded", context)
    frame = frame.sort_values([paused_share.name, department.name], ascending=[False, True])
    enough = (frame[closed_with_clock.name] >= words.FEW) | frame[department.name].isin(context.selected)
    shown = frame[enough] if enough.any() else frame
    parts = [department.name, closed_paused.name, closed_with_clock.name]
    rows = [Kept(*row) for row in shown[parts].itertuples(index=False, name=None)]
    times = shown[paused_time_share.name].tolist()
    n, share, whole = city.value(closed_with_clock), city.value(paused_share), None
    if len(frame) > 1:
        whole = Kept("All departments", city.value(closed_paused), n)
        times.append(city.value(paused_time_share))
    stood = [
        c.share(time, 2) if row.under >= words.FEW else c.NOTHING
        for row, time in zip([*rows, *([whole] if whole else [])], times, strict=True)
    ]
    figure = comparisons.shares_with_intervals(
        rows, whole, None, context.selected, said="paused", of="closed", is_small=True, beside=("of time", stood)
    )
    comparisons.of_height(figure, 440, 26)
    text = f"**{c.share(share)}** of {c.count(n)} requests closed had once been paused"
    against = words.points(share, before.value(paused_share) if before else None, context)
    text += f", {against}" if against else ""
    surely = [row.name for row in rows if row.under >= words.FEW and float(wilson(row.over, row.under).lower) > share]
    chosen = next((row for row in rows if row.name in context.selected and row.under >= words.FEW), None)
    if chosen is not None and whole is not None:
        text += f"; **{c.share(chosen.over / chosen.under)}** in {chosen.name}"
    elif surely:
        text += f"; surely more often in {words.listed(surely[:3])}"
    few = len(frame) - len(shown)
    foot = words.foot(
        "Bar: 95 % interval; of time: of the working time open",
        "a pause moves the due time: read it with the promises kept",
        words.plain(f"{words.plural(few, 'department')} with fewer than {words.FEW} left out") if few else "",
        "n: with opening hours known",
    )  # fmt: skip
    return Drawing(c.sentence(f"{text}."), figure, foot=foot)


def _one(row: Kept, target: float | None) -> str:
    if row.under < words.FEW:
        return f"{row.name}: {words.plural(row.under, 'promise')} fell due, too few to judge."
    share, low, high = (float(x) for x in wilson(row.over, row.under))
    text = f"{row.name} kept **{c.share(share)}** ({c.share(low)} to {c.share(high)}) of {c.count(row.under)}"
    if target is None:
        return text + "."
    gap = 100 * (share - target)
    return f"{text}, {abs(gap):.1f} points {'above' if gap >= 0 else 'under'} the target of {c.share(target, 0)}."


def draw_types(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Volume against share kept, a dot for each service type in its department's colour and shape."""
    home = _most(answers[0], "service_type", "department", "due")
    kinds, sums = answers[0].sums("service_type", "kept", "due")
    dots = [Dot(name, home[name], over, n) for name, over, n in sorted(zip(kinds, *sums, strict=True)) if n > 0]
    if not dots:
        return words.nothing("No promise fell due", context)
    departments, (of_each,) = answers[0].sums("department", "due")
    groups = [name for n, name in sorted(zip(-of_each, departments, strict=True)) if n]
    enough = [dot for dot in dots if dot.under >= words.FEW] or dots
    broken = sorted(enough, key=lambda dot: (dot.over - dot.under, dot.name))
    worst = [dot for dot in broken if dot.under > dot.over][:5]
    target = context.city.promise_target_share
    figure = comparisons.volume_against_share(
        enough, groups, [dot.name for dot in worst], target, context.selected, context.targets
    )
    all_broken = sum(dot.under - dot.over for dot in dots)
    if worst:
        few = worst[:3]
        part = sum(dot.under - dot.over for dot in few) / all_broken
        broken = f"**{c.share(part, 0)}** of the {c.count(all_broken)} broken promises"
        broken = broken if all_broken > 1 else "the one broken promise"
        text = f"{words.listed([dot.name for dot in few])} {'accounts' if len(few) == 1 else 'account'} for {broken}"
        before = answers[1].value("broken") if answers[1] is not None and not context.selected else None
        against = words.changed(all_broken, before, context)
        text += f" ({against})." if against else "."
    else:
        text = "Every promise that fell due was kept."
        if all_broken:  # all of them of types that are not drawn
            text = f"**{c.count(all_broken)}** of {c.count(of_each.sum())} promises were broken, all of small types."
    hidden = len(dots) - len(enough)
    foot = words.foot(
        comparisons.shape_key(groups),
        f"n = {c.count(of_each.sum())} that fell due", "line: 95 % interval",
        "dashed: the city’s target; types’ own on hover" if context.targets and target is not None else "",
        f"{hidden} types with fewer than {words.FEW} left out" if hidden else "",
        comparisons.break_words(figure, "yaxis"),
    )  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_cohorts(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The same promises counted by when they fell due, were closed or were opened, each with what it is good for."""
    now, before = answers
    if not any(now.value(measure.under) for measure, _, _ in COHORTS):
        return words.nothing("No promise fell due, and none was made or closed", context)
    pairs = [(now.value(measure.over) or 0.0, now.value(measure.under) or 0.0) for measure, _, _ in COHORTS]
    low, high = (np.asarray(limit, float) for limit in wilson(*np.array(pairs).T)[1:])
    enough = [i for i, (_, n) in enumerate(pairs) if n >= words.FEW]
    floor = comparisons.axis_start(low[enough], None) if enough else 0.0
    earlier = [before.value(measure) if before else None for measure, _, _ in COHORTS]
    compares = any(share is not None for share in earlier)
    lines = []
    for i, ((_, name, use), (over, n)) in enumerate(zip(COHORTS, pairs, strict=True)):
        mark, told, change = "", html.Span("too few", className="muted"), c.NOTHING
        if n >= words.FEW:
            mark = c.interval_mark(low[i], high[i], over / n, (floor, 1.0), "same")
            told = c.twin(html.B(c.share(over / n)), f"{100 * low[i]:.1f} to {100 * high[i]:.1f}")
            then = earlier[i]
            change = c.NOTHING if then is None else words.signed_points(over / n - then)
        lines.append([c.twin(name, use), mark, told, c.count(n), *([change] if compares else [])])
    columns = [
        c.Column("Promises that"), c.Column(f"{c.share(floor, 0)} to {c.share(1, 0)}", on_phone=False),
        c.Column("Kept", is_number=True), c.Column("n", is_number=True),
        *([c.Column("Points", is_number=True, on_phone=False)] if compares else []),
    ]  # fmt: skip
    said = [f"**{c.share(over / n)}**" if n >= words.FEW else "too few" for over, n in pairs]
    open_n = now.value(opened_not_due) or 0
    text = f"{said[0]} of what fell due, {said[1]} of what was closed, {said[2]} of what was opened and is decided"
    text += f"; **{c.count(open_n)}** opened {'is' if open_n == 1 else 'are'} not yet due." if open_n else "."
    against = context.filters.comparison()
    foot = words.foot(
        "Under the share: 95 % interval", f"points: change on {against.sentence()}" if compares and against else "",
        "requests without a promise are in none of them",
    )  # fmt: skip
    return Drawing(
        c.sentence(words.capital(text)), body=c.table(columns, lines, caption="Three ways to count"), foot=foot
    )


def draw_trends(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The share kept in each month by the types with the most promises, all on one scale."""
    known, (fell_due,) = answers[0].sums("service_type", "due")
    sums = {name: n for name, n in zip(known, fell_due, strict=True) if n >= words.FEW}
    if not sums:
        return words.nothing("Too few promises fell due", context)
    names = sorted(sums, key=lambda name: (name not in context.selected, -sums[name], name))[:LARGEST]
    names.sort(key=lambda name: (-sums[name], name))
    period = MONTHS(context.filters.period, context.clock)
    steps, in_time = (steps_by(answers[0], "service_type", one, period, context.clock) for one in ("due", "kept"))
    shown, moved = [], []
    for name in names:
        n, over = steps.values(name), in_time.values(name)
        share = np.divide(over, n, out=np.full(len(n), np.nan), where=n >= words.FEW)
        shown.append((name, steps, share, n, context.target_of(name)))
        known = np.flatnonzero(steps.is_whole & np.isfinite(share))
        if len(known) >= 2:
            moved.append((share[known[-1]] - share[known[0]], name, share[known[0]], share[known[-1]], steps, known))
    figure = comparisons.small_multiples(shown, context.selected)
    text = (
        f"The {len(names)} types with the most promises."
        if len(names) > 1
        else f"{names[0]} alone has enough promises."
    )
    if moved:
        by, name, first, last, steps, known = max(moved, key=lambda one: abs(one[0]))
        text = (
            f"**{name}** changed most: from {c.share(first)} in {steps.name(known[0])} to **{c.share(last)}** in "
            f"{steps.name(known[-1])}."
        )
    key = [
        ""
        if all(one[4] is None for one in shown)
        else "dashed: each type’s own target"
        if context.targets
        else "dashed: target",
        "" if all(one[1].is_whole[-1] for one in shown) else "○ month to date",
    ]
    said = ["by the month it fell due; months with too few left out", "click a type to choose it"]
    parts = [part for part in key if part]
    foot = words.foot(words.capital("; ".join(parts or said[:1])), *(said if parts else said[1:]))
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_fit(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """What is promised for each type against the time it takes, still-open requests included."""
    opening = pd.Timestamp(context.filters.period.from_on)
    watched = (pd.Timestamp(context.clock.as_of) - opening).total_seconds()
    types = sorted(_fits(answers[0], watched), key=lambda one: (-one.due, -one.closing_n, one.name))
    if not types:
        return words.nothing("No requests", context)
    shown = [one for i, one in enumerate(types) if i < LISTED or one.name in context.selected]
    promises = any(one.promised > 0 for one in shown)
    known = {one.name: _hours(one.name, context) for one in shown}
    worked = {
        one.name: known[one.name]
        for one in shown
        if one.working_n >= words.FEW and known[one.name] not in ("", DAY_AND_NIGHT)  # the time that they take anyway
    }
    kinds = set(worked.values())
    hours = worked if len(kinds) > 1 else {}  # what all have in common is said once, below
    in_which = "in the hours under the type" if hours else "".join(kinds)
    at_night = f"; not told where it runs {DAY_AND_NIGHT}" if DAY_AND_NIGHT in known.values() else ""
    rows = [_fit_row(one, context, one.name in worked, hours.get(one.name, "")) for one in shown]
    columns = [
        c.Column("Service type"), c.Column("Fell due", is_number=True, on_phone=False),
        c.Column("Kept", is_number=True, on_phone=False), c.Column("Promised", is_number=True),
        c.Column(c.multiples_scale() if promises else "", on_phone=False, className="wide" if promises else ""),
        c.Column("Half done in", is_number=True), c.Column("Closed only", is_number=True, on_phone=False),
        c.Column("Nine in ten in", is_number=True, on_phone=False), c.Column("Verdict"),
    ]  # fmt: skip
    at = [i for i, one in enumerate(shown) if one.name in context.selected]
    body = c.table(columns, rows, caption="Promised and achieved times by service type", selected=at)
    judged = [one for one in types if one.verdict]
    text = "Too few requests of each type to judge their promises."
    if judged:
        groups = {word: [one.name for one in judged if one.verdict == word] for word in VERDICTS}
        fine = len(groups[PADDED]) + len(groups[REALISTIC])
        text = f"**{fine}** of {words.plural(len(judged), 'type')} can keep what is promised nine times in ten"
        if groups[TIGHT]:
            text += f", **{len(groups[TIGHT])}** more than half the time"
        if groups[OUT_OF_REACH]:
            text += f"; **{len(groups[OUT_OF_REACH])}** less than that: {words.listed(groups[OUT_OF_REACH], 3)}"
        text += "."
        if groups[PADDED]:
            first = next(one for one in judged if one.verdict == PADDED)
            text += (
                f" Of **{first.name}** with a promise, nine in ten took at most {c.share(first.used_p90, 0)} of the "
                "time each was promised."
            )
    unpromised = any(one.is_partly_promised for one in shown)
    foot = words.foot(
        "In multiples of each request’s own promise: ● half done, ○ nine in ten, | the promise; still-open requests "
        "included (Kaplan–Meier)",
        "padded: nine in ten in half the promise · realistic: nine in ten in it · tight: half in it · out of reach: "
        "fewer",
        f"the {len(shown)} with the most due of {len(types)} types" if len(types) > len(shown) else "",
        "times count requests without a promise too, verdicts and multiples do not" if unpromised else "",
        f"working h: {in_which}, without holidays, closures and pauses of the clock{at_night}" if kinds else "",
    )  # fmt: skip
    return Drawing(c.sentence(text), body=body, foot=foot)


def _hours(name: str, context: Context) -> str:
    """In which opening hours requests of a type were counted in the period, in words; nothing where none are known."""
    known = (one.calendar for one in context.hours.get(name, ()) if one.holds_in(context.filters.period))
    return " or ".join(dict.fromkeys(opening_hours(one) for one in known))


class _Fit(NamedTuple):
    """A service type's promises and what it takes: seconds, and parts of what was promised."""

    name: str
    due: float
    kept: float
    promised: float
    used: float
    used_p90: float
    used_n: float
    closing: float
    closing_p90: float
    closing_n: float
    closed_only: float
    working: float
    working_p90: float
    working_n: float
    verdict: str

    @property
    def is_sure(self) -> bool:
        return self.closing_n >= words.FEW and self.due >= words.FEW

    @property
    def is_partly_promised(self) -> bool:
        """Whether so many had no promise that the times are of other requests than the verdict."""
        return self.used_n < 0.9 * self.closing_n


def _fits(answer: Answer, watched_s: float) -> Iterator[_Fit]:
    """The service types of which anything fell due or was opened, watched for so many seconds."""
    names = ("due", "kept", "promised_time", "promise_used", "promise_used_p90", "promise_used_n", "time_to_close",
             "time_to_close_p90", "time_to_close_n", "time_to_close_ended_only", "working_time_to_close",
             "working_time_to_close_p90", "working_time_to_close_n")  # fmt: skip
    numbers = np.stack([answer.column(name).astype(float) for name in names], 1)
    numbers[:, 3:5] /= 1000
    for name, values in zip(answer.column(service_type.name).tolist(), numbers.tolist(), strict=True):
        one = _Fit(name, *values, "")
        if one.due > 0 or one.closing_n > 0:
            seen = watched_s / one.promised if one.promised else np.inf
            yield one._replace(verdict=(fit(one.used, one.used_p90, seen) or "") if one.is_sure else "")


def _fit_row(row: _Fit, context: Context, is_worked: bool, hours: str) -> list[Any]:
    name = c.toggle(row.name, context.filters, service_type.name, row.name)
    line = [c.twin(name, hours) if hours else name, c.count(row.due)]
    few = html.Span("too few", className="muted")
    if row.due >= words.FEW:
        low, high = (float(x) for x in wilson(row.kept, row.due)[1:])
        line.append(c.twin(c.share(row.kept / row.due), f"{100 * low:.0f} to {100 * high:.0f}"))
    else:
        line.append(few if row.due else c.NOTHING)
    line.append(c.duration(row.promised))
    if row.closing_n < words.FEW:
        return [*line, "", few, "", "", ""]
    line.append(c.multiples(row.used, row.used_p90) if row.promised > 0 else "")
    half, nine_in_ten = (
        c.twin(_reached(lasted), c.working_time(worked)) if is_worked and worked == worked else _reached(lasted)
        for lasted, worked in ((row.closing, row.working), (row.closing_p90, row.working_p90))
    )
    line += [half, c.duration(row.closed_only), nine_in_ten]
    unknown = "no promise" if not row.promised > 0 else "too soon" if row.is_sure else "too few"
    verdict = c.status(VERDICTS[row.verdict], row.verdict) if row.verdict else c.status("unknown", unknown)
    about = f"{c.share(row.used_n / row.closing_n, 0)} had a promise"
    line.append(c.twin(verdict, about) if row.verdict and row.is_partly_promised else verdict)
    return line


def _reached(seconds: float) -> str:
    return "not yet" if seconds != seconds else c.duration(seconds)


def _most(answer: Answer, name: str, by: str, measure: str) -> dict[str, str]:
    """Of each value of one dimension the value of another, `by`, that has most of a measure; of as many the last."""
    (these, at), (others, of) = answer.coded(name), answer.coded(by)
    by_name = np.argsort(np.argsort(others))
    order = np.lexsort((by_name[of], answer.column(measure)))
    return {these[i]: others[k] for i, k in zip(at[order].tolist(), of[order].tolist(), strict=True)}


class _Places(NamedTuple):
    """Hexagons with broken promises, those with most first: how many were broken of how many that fell due."""

    cells: list[str]
    broken: np.ndarray
    due: np.ndarray
    lost: float
    """How many broken ones have no point."""

    @classmethod
    def of(cls, answer: Answer) -> _Places:
        cells, (late, n) = answer.sums(hexagon_9.name, "broken", "due")
        is_place = np.array([cell != hexagon_9.missing for cell in cells], bool)
        at = [i for i in np.lexsort((cells, -late)) if is_place[i] and late[i] > 0]
        return cls([cells[i] for i in at], late[at], n[at], float(late[~is_place].sum()))


def draw_map(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Where promises were broken: only requests that were late or are overdue."""
    places = _Places.of(answers[0])
    if not places.cells:
        return words.nothing("No promise with a place was broken", context)
    values, lost = places.broken, places.lost
    hover = [
        f"<b>{c.count(late)} late or overdue</b> of {c.count(n)} that fell due<br>"
        + (f"{c.share(share, 0)}, 95 % sure of {c.share(low, 0)} to {c.share(high, 0)}"
           if n >= words.FEW else "too few for a share")
        for late, n, share, low, high in np.stack([values, places.due, *wilson(values, places.due)], 1).tolist()
    ]  # fmt: skip
    total = values.sum()
    half = int((values.cumsum() < total / 2).sum()) + 1
    text = (
        f"{words.plural(total, 'promise was', 'promises were')} broken in {words.plural(len(values), 'place')} "
        "of about 0.1 km²"
    ) + (f"; half of them in the first **{c.count(half)}**." if half < len(values) else ".")
    before = answers[1].value("broken") if answers[1] is not None and not context.selected else None
    against = words.changed(total + lost, before, context)
    text += f" All broken promises: {against}." if against else ""
    # All of the city, unless some of it was chosen or is all that is theirs to see: then what was counted there.
    is_part = any(one.name in context.own or context.filters.chosen(one.name) for one in (district, area))
    figure = maps.hexagon_map(places.cells, values, hover, context.build_id, RESOLUTION, context.selected,
                              "No promise was broken here", () if is_part else tuple(context.place_names))  # fmt: skip
    limits = maps.classes_of(values)
    key = c.key(*((token, f"{said} ({c.count(n)})") for token, said, n in maps.class_words(limits, values)))
    foot = words.foot(
        key, "counts, not rates: where more is reported, more is late",
        f"{c.count(lost)} without a point are not on the map" if lost else "",
    )  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_places(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The places with the most broken promises: the map's keyboard and screen-reader equivalent."""
    places = _Places.of(answers[0])
    if not places.cells:
        return words.nothing("No promise with a place was broken", context)
    homes = _most(answers[0], hexagon_9.name, district.name, "broken")
    called = {cell: context.place_names.get(cell) or short_cell(cell) for cell in places.cells}
    share, low, high = wilson(places.broken, places.due)
    rows, at, part, worst = [], [], 0.0, -1
    for i, cell in enumerate(places.cells):
        if i >= PLACES and cell not in context.selected:
            continue
        if cell in context.selected:
            at.append(len(rows))
        late: Any = html.Span("too few", className="muted")
        if places.due[i] >= words.FEW:
            worst = i if worst < 0 or share[i] > share[worst] else worst
            late = c.twin(c.share(share[i], 0), f"{100 * low[i]:.0f} to {100 * high[i]:.0f}")
        home = html.Span(homes[cell], className="sub") if homes[cell] not in called[cell] else None
        name = [c.toggle(called[cell], context.filters, hexagon_9.name, cell), home]
        rows.append([name, c.count(places.broken[i]), c.count(places.due[i]), late])
        part += places.broken[i] / places.broken.sum()
    columns = [
        c.Column("Place"), c.Column("Late", is_number=True), c.Column("Fell due", is_number=True),
        c.Column("Share late", is_number=True),
    ]  # fmt: skip
    first = "first place holds" if len(rows) == 1 else f"first **{len(rows)}** places hold"
    text = f"The {first} **{c.share(part)}** of the broken promises."
    if worst >= 0 and len(rows) > 1:
        cell = places.cells[worst]
        text += f" Late most often of these: {called[cell]}, **{c.share(share[worst], 0)}**."
    body = c.table(columns, rows, caption="Places by broken promises", selected=at)
    return Drawing(c.sentence(text), body=body, foot=words.foot("Under the share: 95 % interval", "click to choose"))


_COHORTS = Query((*(measure for measure, _, _ in COHORTS), opened_not_due))
_LATE = Query((broken_share,), by=(hexagon_9, district))
_PAUSED = (paused_share, paused_time_share)

VIEW = View(
    name="promises",
    title="Promises",
    question="Do we do what we said, when we said?",
    order=30,
    panels=(
        Panel(
            "months",
            "Do we keep the promise we made?",
            (
                Over(
                    Query(
                        (opened_on_time, opened_late, opened_overdue, opened_not_due, opened_no_promise), every="month"
                    ),
                    MONTHS,
                ),
            ),
            draw_months,
            width=12,
            selects="period",
            height=320,
            about=("promises",),
        ),
        Panel(
            "cohorts",
            "Three ways to count the same promises",
            (_COHORTS, Compared(_COHORTS)),
            draw_cohorts,
            width=6,
            is_roomy=True,
            height=300,
            about=("promises",),
        ),
        Panel(
            "trends",
            "Is it getting better?",
            (Over(Query((kept, due), by=(service_type,), every="month"), MONTHS),),
            draw_trends,
            width=6,
            is_roomy=True,
            selects=service_type,
            height=300,
            about=("promises",),
        ),
        Panel(
            "departments",
            "Which departments keep theirs?",
            (
                Query((sla_compliance,), by=(department,)),
                Query((sla_compliance,)),
                Compared(Query((sla_compliance,))),
            ),
            draw_departments,
            width=6,
            selects=department,
            height=440,
            about=("promises",),
        ),
        Panel(
            "paused",
            "How often is the clock stopped?",
            (Query(_PAUSED, by=(department,)), Query(_PAUSED), Compared(Query(_PAUSED))),
            draw_paused,
            width=6,
            selects=department,
            height=440,
            wave=1,
            about=("promises", "pauses"),
        ),
        Panel(
            "types",
            "Which few types matter most?",
            (Query((kept, due), by=(service_type, department)), Compared(Query((broken,)))),
            draw_types,
            width=12,
            selects=service_type,
            height=440,
            about=("promises",),
        ),
        Panel(
            "fit",
            "Are the promises themselves realistic?",
            (
                Query(
                    (sla_compliance, promised_time, promise_used, time_to_close, working_time_to_close),
                    by=(service_type,),
                ),
            ),
            draw_fit,
            width=12,
            selects=service_type,
            height=480,
            about=("promises",),
        ),
        Panel(
            "map",
            "Where are they broken?",
            (_LATE, Compared(Query((broken,)))),
            draw_map,
            width=7,
            selects=hexagon_9,
            height=460,
            about=("promises", "points"),
        ),
        Panel(
            "places",
            "Which places come first?",
            (_LATE,),
            draw_places,
            width=5,
            selects=hexagon_9,
            height=460,
            about=("promises", "points"),
        ),
    ),
)
