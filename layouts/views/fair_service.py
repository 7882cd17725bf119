"""Fair service: does a district wait longer than the city for the same kinds of requests, and who is heard of at all?

Never a ranking: districts stand by name or by how much is known of them, verdicts follow from limits that narrow with
the number of requests. What is compared are requests that somebody made; whoever does not report is in no number.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from dashboard.domain import methods
from dashboard.domain.funnel import outside_limits, poisson_limits
from dashboard.domain.intervals import poisson_rate
from dashboard.domain.mann_kendall import FEWEST as FEWEST_POINTS
from dashboard.domain.mann_kendall import mann_kendall
from dashboard.domain.multiple_testing import benjamini_hochberg
from dashboard.domain.policy import Permission
from dashboard.domain.standardisation import Standardised, standardise_directly, towards_none
from dashboard.domain.stretches import a_year_before, at_least_a_year, quarters_told_after, told_after
from data_access.dimensions import channel, district, hexagon_9, priority, service_type
from data_access.measures.fairness import (
    HORIZON_DAYS,
    repeats,
    restricted_mean_time,
    restricted_s,
    restricted_s2,
    time_to_report,
)
from data_access.measures.requests import opened, sla_compliance
from data_access.semantics import Answer, Query, Ratio
from layouts import components as c
from layouts.figures import district_maps, fairness, maps, parts, words
from layouts.figures.fairness import LONGER, QUIET, SHORTER, UNKNOWN, WITHIN, Gaps, Row, Side
from layouts.figures.parts import Part
from layouts.figures.steps import steps_by
from layouts.figures.words import signed_points
from layouts.view import Context, Drawing, Over, Panel, View

CAUTION = "Fewer reports may mean fewer problems or less reporting"
DAY_S = 86_400.0
FEWEST_INCIDENTS, FEWEST_RESIDENTS = 11, 1000
"""Of a smaller area nothing is said (measures reference, section I)."""
LEAST_COVERED = 0.5
"""An area that shares less than half of the city's mix is not held against it."""
FEW_REPORTS = 0.8
"""Clearly fewer reports: even the upper end of its rate lies below this part of the city's."""
PER = 1000
MOST_SMALL, NAMED = 12, 3
STRETCH = at_least_a_year(told_after(HORIZON_DAYS))
BEFORE = a_year_before(STRETCH)
QUARTERS = quarters_told_after(HORIZON_DAYS, 12)
CHANNELS = 5
SURE = 0.05


# ── reading answers ──


class Fair(NamedTuple):
    """Every district that can be held against the city: its name, and what it needs for the city's mix.

    `raw` are the means with the mix left in, `too_few` the names of the districts of which nothing can be said.
    """

    names: list[str]
    found: Standardised
    raw: np.ndarray
    too_few: list[str]

    def of(self, values: np.ndarray) -> dict[str, float]:
        """`values` by name."""
        return dict(zip(self.names, values.tolist(), strict=True))


def _fair(answer: Answer | None, value: Ratio, squares: str, context: Context, *, by_season: bool = True) -> Fair:
    """The districts of `answer` held against all of its rows, kinds from fine to coarse."""
    if answer is None or not len(answer.frame):
        return Fair([], standardise_directly([], [np.zeros(0, int)], [], [], [], 0), np.zeros(0), [])
    frame = answer.frame[answer.frame[value.under.name] > 0]
    codes, found_names = pd.factorize(frame[district.name])
    names = sorted(set(found_names) - {district.missing}, key=words.by_number)
    places = {name: i for i, name in enumerate(names)}
    area = np.array([places.get(name, -1) for name in found_names], np.int64)[codes]
    kinds = [frame[one.name] for one in (service_type, priority) if one.name in frame]
    season = [frame["quarter"].dt.quarter] if by_season and "quarter" in frame else []
    levels = [_numbered(columns) for columns in ([*kinds, *season], kinds, kinds[:1])]
    n, sums = frame[value.under.name].to_numpy(float), frame[value.over.name].to_numpy(float)
    found = standardise_directly(area, levels, n, sums, frame[squares].to_numpy(float), len(names))
    inside = area >= 0
    all_n, all_s = (np.bincount(area[inside], part[inside], len(names)) for part in (n, sums))
    peopled = np.array([context.populations.get(name, FEWEST_RESIDENTS) >= FEWEST_RESIDENTS for name in names], bool)
    told = (all_n >= FEWEST_INCIDENTS) & peopled & (np.nan_to_num(found.covered) >= LEAST_COVERED)
    told &= np.isfinite(found.z)
    at = np.flatnonzero(told)
    with np.errstate(divide="ignore", invalid="ignore"):
        raw = (all_s / all_n)[at]
    return Fair([names[i] for i in at], Standardised(*(part[at] for part in found)), raw,
                [name for i, name in enumerate(names) if not told[i]])  # fmt: skip


def _numbered(columns: Sequence[pd.Series]) -> np.ndarray:
    """For each row the number, from 0, of what these columns together hold."""
    codes = [pd.factorize(one) for one in columns]
    whole = np.ravel_multi_index([code for code, _ in codes], [max(len(held), 1) for _, held in codes])
    return np.unique(whole, return_inverse=True)[1]


def _times(answer: Answer | None, context: Context) -> Fair:
    return _fair(answer, restricted_mean_time, restricted_s2.name, context)


def _promises(answer: Answer | None, context: Context) -> Fair:
    """Of shares the squares are the sums: every promise is kept or not."""
    return _fair(answer, sla_compliance, sla_compliance.over.name, context)


class Reported(NamedTuple):
    """Reports per 1,000 residents of each district whose residents are known, and of all of those together."""

    rate: dict[str, tuple[float, float, float]]
    n: dict[str, float]
    city: float

    def is_quiet(self, name: str) -> bool:
        """Whether clearly fewer reports come from there than from the city."""
        return name in self.rate and self.rate[name][2] < FEW_REPORTS * self.city


def _reported(answer: Answer, context: Context) -> Reported:
    frame = answer.frame
    counts = dict(zip(frame[district.name], frame[opened.name].astype(float), strict=True)) if len(frame) else {}
    peopled = (name for name in counts if context.populations.get(name, 0) >= FEWEST_RESIDENTS)
    known = sorted(peopled, key=words.by_number)
    people = np.array([context.populations[name] for name in known], float)
    n = np.array([counts[name] for name in known], float)
    rates = poisson_rate(n, people, PER)
    ends = zip(*(part.tolist() for part in rates), strict=True) if known else ()
    city = float(PER * n.sum() / people.sum()) if known else float("nan")
    return Reported(dict(zip(known, ends, strict=True)), dict(zip(known, n.tolist(), strict=True)), city)


def _verdicts(fair: Fair, reported: Reported) -> list[str]:
    """Each district's verdict; shorter waits where hardly anybody reports are never called good."""
    side = fair.found.outside()
    return [
        LONGER if one > 0 else WITHIN if not one else QUIET if reported.is_quiet(name) else SHORTER
        for name, one in zip(fair.names, side, strict=True)
    ]


# ── words ──


def _stretch(context: Context) -> str:
    return STRETCH(context.filters.period, context.clock).sentence()


def _gap(seconds: float) -> str:
    """“+1.4 days”, “−0.08 days”: all gaps in one unit."""
    return f"{_in_days(seconds)}{c.NBSP}days"


def _in_days(seconds: float) -> str:
    days = seconds / DAY_S
    written = "0.00" if abs(days) < 0.005 else f"{days:+.2f}" if abs(days) < 1 else f"{days:+,.1f}"
    return written.replace("-", c.MINUS)


def _apart(seconds: float) -> str:
    return _gap(seconds).removeprefix("+")


def _rate(rate: float) -> str:
    """Reports per 1,000 residents, with a decimal where there are few."""
    return f"{rate:,.1f}" if rate < 10 else f"{rate:,.0f}"


def _none(answer: Answer | None, fair: Fair, context: Context) -> Drawing:
    """Nothing to hold against anything: no district in the data, one alone, or too little in this choice."""
    frame = answer.frame if answer is not None else pd.DataFrame()
    if len(frame) and set(frame[district.name]) <= {district.missing}:
        why = f"{context.city.name}’s data names no districts; import their boundaries to compare how they are served."
        return Drawing(sentence=c.empty(why), is_empty=True)
    if fair.too_few:
        why = (
            f"Too few requests of the same kinds in each of {len(fair.too_few)} districts to compare them: choose a "
            "longer period, or fewer filters."
        )
        return Drawing(sentence=c.empty(why), is_empty=True)
    return words.nothing("Nothing to compare", context)


def _too_few_words(fair: Fair) -> str:
    return f"{len(fair.too_few)} with too few requests or residents left out" if fair.too_few else ""


def _found(names: list[str], verdicts: list[str], kind: str) -> list[str]:
    return [name for name, verdict in zip(names, verdicts, strict=True) if verdict == kind]


def _waits(names: list[str], verdicts: list[str]) -> str:
    """“Of 9 districts, 1 waits longer than chance explains (4 Mill Ward), 2 shorter.”"""
    longer = _found(names, verdicts, LONGER)
    shorter = [name for name, verdict in zip(names, verdicts, strict=True) if verdict in (SHORTER, QUIET)]
    if len(names) == 1:
        return f"**{names[0]}** waits {verdicts[0] if longer or shorter else 'neither clearly longer nor shorter'}"
    text = f"Of {len(names)} districts, **{len(longer) or 'none'}** "
    text += f"{'wait' if len(longer) > 1 else 'waits'} longer than chance explains"
    text += f" ({words.listed(longer, NAMED)})" if longer else ""
    if shorter:
        text += f", **{len(shorter)}** shorter ({words.listed(shorter, NAMED)})"
    return text if longer or shorter else f"{text}, and none shorter"


# ── panels ──


def draw_strip(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """How long the city takes, how much of the differences the mix explains, and whether any are left."""
    time, promises, reports = answers
    fair, kept = _times(time, context), _promises(promises, context)
    if time is None or not fair.names or reports is None:
        return _none(time, fair, context)
    reported = _reported(reports, context)
    verdicts = _verdicts(fair, reported)
    frame = time.frame
    n, seconds = frame[restricted_mean_time.under.name].sum(), frame[restricted_mean_time.over.name].sum()
    longer, shorter = _found(fair.names, verdicts, LONGER), sum(one in (SHORTER, QUIET) for one in verdicts)
    below = int((kept.found.outside() < 0).sum())
    rates = [rate for rate, _, _ in reported.rate.values()]
    several = len(fair.names) > 1
    strip = c.strip(
        c.figure("Mean time to close", c.duration(seconds / n), "",
                 f"of {c.count(n)}; at most {HORIZON_DAYS} days each"),
        c.figure("Between districts", _apart(float(np.ptp(fair.raw))) if several else c.NOTHING, "",
                 "from shortest to longest, kinds of requests mixed as they come"),
        c.figure("For the same mix", _apart(float(np.ptp(fair.found.gap))) if several else c.NOTHING, "",
                 f"{len(longer) or 'no'} {'district' if len(longer) < 2 else 'districts'} longer than chance explains, "
                 f"{shorter or 'none'} shorter"),
        c.figure("Promises, same mix", str(below) if kept.names else c.NOTHING, "",
                 f"of {len(kept.names)} districts kept fewer than chance explains" if kept.names else "none fell due"),
        c.figure("Reports", f"{_rate(min(rates))}–{_rate(max(rates))}" if rates else c.NOTHING, "",
                 "per 1,000 residents" if rates else "residents are not known"),
    )  # fmt: skip
    text = (
        f"Requests opened {_stretch(context)}: a year or more where there is as much, and old enough for "
        f"{HORIZON_DAYS} days to be known."
    )
    return Drawing(c.sentence(text), body=strip)


def draw_funnel(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Each district's gap to the city by how much is known of it, with the limits of chance."""
    time, before, reports = answers
    fair = _times(time, context)
    if not fair.names or reports is None:
        return _none(time, fair, context)
    verdicts = _verdicts(fair, _reported(reports, context))
    found, whole = fair.found, words.whole(context)
    low, high = found.gap_interval()
    hover = [
        f"<b>{name}</b><br>{_gap(gap)} against {whole}<br>95 % sure of {_gap(a)} to {_gap(b)}<br>{c.count(n)} "
        f"requests compared, {c.share(part, 0)} of the mix of {whole}<br>{verdict}"
        for name, gap, a, b, n, part, verdict in zip(
            fair.names, found.gap, low, high, found.n, found.covered, verdicts, strict=True)
    ]  # fmt: skip
    sides = [Side(*row) for row in zip(fair.names, verdicts, hover, strict=True)]
    figure = fairness.funnel_of_gaps(
        sides, found.gap / DAY_S, found.error / DAY_S, float(np.median(found.single)) / DAY_S,
        f"Days against {whole}", f"Requests compared, counted as so many of the mix of {whole}",
        words.whole_shortly(context), context.selected,
    )  # fmt: skip
    text = f"{_waits(fair.names, verdicts)}, for the same kinds of requests"
    held = _held_on(fair, verdicts, _times(before, context))
    text += f"; {held}." if held else "."
    foot = words.foot(
        fairness.key_of(sides), "limits of chance: 95 % (band), 99.8 % (dashed)", f"n = {c.count(found.n.sum())}",
        _too_few_words(fair), "alike: same type, priority and season",
    )  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


def _held_on(fair: Fair, verdicts: list[str], before: Fair) -> str:
    """Whether those who waited longer did so the year before as well; nothing where it is not known."""
    longer = [name for name in _found(fair.names, verdicts, LONGER) if name in before.names]
    if not longer:
        return ""
    then = before.of(before.found.outside())
    again = [name for name in longer if then[name] > 0]
    if len(longer) == 1:
        return "also the year before" if again else "not so the year before"
    return f"the year before {words.listed(again, NAMED) if again else 'none of them'}{' too' if again else ''}"


def draw_map(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The verdict of every district on the map; where clearly fewer report, a short wait is not called good."""
    time, reports, cells = answers
    fair = _times(time, context)
    if not fair.names or reports is None or cells is None:
        return _none(time, fair, context)
    reported = _reported(reports, context)
    verdicts = _verdicts(fair, reported)
    places = cells.frame[cells.frame[hexagon_9.name] != hexagon_9.missing] if len(cells.frame) else cells.frame
    if places.empty:
        return words.nothing("Nothing has a place", context)
    low, high = fair.found.gap_interval()
    hover = [
        f"<b>{name}</b><br>{_gap(gap)} against {words.whole(context)} ({_gap(a)} to {_gap(b)})<br>{verdict}"
        f"{_rate_words(name, reported, context)}"
        for name, gap, a, b, verdict in zip(fair.names, fair.found.gap, low, high, verdicts, strict=True)
    ]
    names, kinds = [*fair.names, *fair.too_few], [*verdicts, *[UNKNOWN] * len(fair.too_few)]
    hover += [f"<b>{name}</b><br>{UNKNOWN}" for name in fair.too_few]
    view = maps.fitted(sorted(set(places[hexagon_9.name])), district_maps.HEIGHT_PX)
    figure = district_maps.by_class(names, [fairness.ON_MAP[kind] for kind in kinds], hover, context.build_id, view)
    quiet = [name for name in fair.names if reported.is_quiet(name)]
    text = _waits(fair.names, verdicts)
    text += f"; clearly fewer reports come from {words.listed(quiet, NAMED)}." if quiet else "."
    shown = [(fairness.ON_MAP[kind], kind) for kind in fairness.ON_MAP if kind in kinds]
    foot = words.foot(c.key(*shown), CAUTION, "coloured by how long the same mix waits, never by how many there are")
    return Drawing(c.sentence(text), figure, foot=foot)


def _rate_words(name: str, reported: Reported, context: Context) -> str:
    if name not in reported.rate:
        return ""
    all_of_them = f"{words.whole_shortly(context)} {_rate(reported.city)}"
    return f"<br>{_rate(reported.rate[name][0])} reports per 1,000 residents ({all_of_them})"


def draw_table(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Everything side by side, in the order of names: the same as the map and the funnel say."""
    time, before, promises, reports = answers
    fair, earlier, kept = _times(time, context), _times(before, context), _promises(promises, context)
    if not fair.names or reports is None:
        return _none(time, fair, context)
    reported = _reported(reports, context)
    verdicts, found = _verdicts(fair, reported), fair.found
    drawn, _ = towards_none(found.gap, found.error)
    low, high = found.gap_interval()
    least, most = found.ratio_interval()
    then = earlier.of(earlier.found.gap)
    shares = dict(zip(kept.names, zip(kept.found.gap, *kept.found.gap_interval(), strict=True), strict=True))
    rates = {name: rate for name, rate in reported.rate.items() if name in fair.names}
    whole = words.whole_shortly(context)
    rows = []
    for i, name in enumerate(fair.names):
        gap = shares.get(name)
        rate = rates.get(name)
        rows.append([
            _named(name, verdicts[i], context),
            c.twin(_in_days(found.gap[i]), f"{_in_days(low[i])} to {_in_days(high[i])}"),
            c.twin(f"{found.ratio[i]:.2f}{c.NBSP}×", f"{least[i]:.2f}–{most[i]:.2f}"),
            c.twin(f"{found.here[i] / DAY_S:.1f}", f"of {found.city[i] / DAY_S:.1f}"),
            _in_days(drawn[i]),
            *([_in_days(then[name]) if name in then else c.NOTHING] if then else []),
            c.twin(signed_points(gap[0]), f"{signed_points(gap[1])} to {signed_points(gap[2])}") if gap else c.NOTHING,
            *([c.twin(_rate(rate[0]), f"{_rate(rate[1])}–{_rate(rate[2])}") if rate else c.NOTHING] if rates else []),
            c.twin(c.count(found.n[i]), f"{c.share(found.covered[i], 0)} of the mix"),
        ])  # fmt: skip
    columns = [
        c.Column("District", className="nw"), c.Column(c.twin(f"Gap to {whole}", "days"), True),
        c.Column(c.twin("Ratio", f"to {whole}"), True, False, "wide"),
        c.Column(c.twin("Same mix", f"days; of {whole}"), True, False, "wide"),
        c.Column(c.twin("Drawn in", "days, where few"), True, False, "wide"),
        *([c.Column(c.twin("Year before", "days"), True, False)] if then else []),
        c.Column(c.twin("Promises kept", "points, same mix"), True, False),
        *([c.Column(c.twin("Reports", "per 1,000"), True, False)] if rates else []),
        c.Column(c.twin("Compared", "requests"), True, False),
    ]  # fmt: skip
    rows += [[_named(name, UNKNOWN, context), *[c.NOTHING] * (len(columns) - 1)] for name in fair.too_few]
    at = [i for i, name in enumerate([*fair.names, *fair.too_few]) if name in context.selected]
    body = c.table(columns, rows, caption=f"Districts against {words.whole(context)}", selected=at)
    apart = float(np.ptp(fair.raw))
    text = f"{_waits(fair.names, verdicts)}"
    if len(fair.names) > 1:
        left = float(np.ptp(found.gap))
        text = (
            f"Districts’ means lie **{_apart(apart)}** apart as they come, **{_apart(left)}** for the same mix "
            f"of requests. {text}"
        )
    foot = words.foot(
        CAUTION, "by name: no ranking", "second line: 95 % interval",
        f"drawn in: towards {words.whole(context)} where few tell",
        "interval of reports: exact Poisson" if rates else "",
    )  # fmt: skip
    return Drawing(c.sentence(f"{text}."), body=body, foot=foot)


def _named(name: str, verdict: str, context: Context) -> list:
    """A district to choose, with its verdict under it."""
    return c.twin(c.toggle(name, context.filters, district.name, name), fairness.said(verdict))


def draw_kept(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Promises kept against the city, for the same mix, with intervals; by name."""
    fair = _promises(answers[0], context)
    if not fair.names:
        frame = answers[0].frame if answers[0] is not None else ()
        if not len(frame) or not frame[sla_compliance.under.name].sum():  # type: ignore[call-overload]
            return words.nothing("No promise fell due", context)
        return _none(answers[0], fair, context)
    found, whole = fair.found, words.whole(context)
    low, high = found.gap_interval()
    side = found.outside()
    rows = [
        Row(name, 100 * gap, 100 * a, 100 * b, (signed_points(gap), c.share(here)),
            f"<b>{name}</b><br>{signed_points(gap)} points against {whole}<br>95 % sure of {signed_points(a)} to "
            f"{signed_points(b)}<br>"
            f"{c.share(here)} kept for the mix of {whole}; {c.count(n)} compared", "misses" if one < 0 else "series")
        for name, gap, a, b, here, n, one in zip(
            fair.names, found.gap, low, high, found.here, found.n, side, strict=True)
    ]  # fmt: skip
    figure = fairness.rows_with_intervals(rows, ("points", "kept, same mix"), (0.0, words.whole_shortly(context)),
                                          context.selected, {"tickformat": ",.2~f"})  # fmt: skip
    fewer = [name for name, one in zip(fair.names, side, strict=True) if one < 0]
    more = [name for name, one in zip(fair.names, side, strict=True) if one > 0]
    said = "fewer promises were kept" if fewer else "were fewer promises kept"
    text = f"In **{len(fewer) or 'none'}** of {len(rows)} districts {said} than chance explains"
    text += f" ({words.listed(fewer, NAMED)})" if fewer else ""
    text += f", more in **{len(more)}** ({words.listed(more, NAMED)})" if more else ""
    foot = words.foot(
        "Bar: 95 % interval", f"n = {c.count(found.n.sum())} that fell due", _too_few_words(fair), "by name: no ranking"
    )
    return Drawing(c.sentence(f"{text}, for the same kinds of requests."), figure, foot=foot)


def draw_trend(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The gap of every district quarter by quarter: one period says little, a trend that holds says more."""
    answer = answers[0]
    period = QUARTERS(context.filters.period, context.clock)
    if answer is None or not len(answer.frame):
        return words.nothing("Nothing to compare", context)
    steps = steps_by(answer, district.name, restricted_mean_time.under.name, period, context.clock)
    steps = steps.only(np.flatnonzero(steps.is_whole))
    quarters: list[Fair] = []
    for start in steps.starts:
        rows = answer.frame[answer.frame["quarter"] == pd.Timestamp(start)]
        one = Answer(answer.query, rows.reset_index(drop=True), answer.as_of, answer.every)
        quarters.append(_fair(one, restricted_mean_time, restricted_s2.name, context, by_season=False))
    names = sorted({name for one in quarters for name in one.names}, key=words.by_number)
    if not names or len(quarters) < 2:
        if names or not any(one.too_few for one in quarters):
            why = f"Fewer than two whole quarters are old enough to know {HORIZON_DAYS} days of: too early to tell."
            return Drawing(sentence=c.empty(why), is_empty=True)
        return _none(answer, quarters[-1], context)
    gaps = {name: np.full((3, len(quarters)), np.nan) for name in names}
    for j, one in enumerate(quarters):
        low, high = one.found.gap_interval()
        for i, name in enumerate(one.names):
            gaps[name][:, j] = one.found.gap[i], low[i], high[i]
    test = mann_kendall(np.array([gaps[name][0] for name in names]))
    chance = benjamini_hochberg(test.p)
    grew = [name for name, p, z in zip(names, chance, test.z, strict=True) if p < SURE and z > 0]
    fell = [name for name, p, z in zip(names, chance, test.z, strict=True) if p < SURE and z < 0]
    told = {*context.selected, *grew, *fell}
    shown = sorted(sorted(names, key=lambda name: name not in told)[:MOST_SMALL], key=words.by_number)
    rows_of = [Gaps(name, *(gaps[name] / DAY_S)) for name in shown]
    figure = fairness.gaps_along_time(rows_of, steps, lambda days: _gap(days * DAY_S), context.selected)
    whole = words.whole(context)
    if not np.isfinite(test.p).any():
        text = (
            f"**{len(quarters)}** whole quarters are known: too few to tell a trend from chance, which takes "
            f"{FEWEST_POINTS}."
        )
    elif not grew and not fell:
        text = (
            f"Over **{len(quarters)}** quarters no district’s gap to {whole} grew or closed more than chance explains."
        )
    else:
        said = [f"waits grew longer against {whole} in {words.listed(grew, NAMED)}"] if grew else []
        said += [f"{'' if grew else 'waits grew '}shorter in {words.listed(fell, NAMED)}"] if fell else []
        text = words.capital(f"in **{len(quarters)}** quarters {', '.join(said)}.")
    foot = words.foot(
        f"Line at 0: {whole}; shaded: 95 % interval", "same types of requests", "days",
        f"{len(names) - len(shown)} more in the table" if len(names) > len(shown) else "",
        "trend: Mann–Kendall, false alarms held to 5 %",
    )  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_reports(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Reports per 1,000 residents with exact intervals; by name, and with the caution beside it."""
    answer = answers[0]
    if answer is None or not len(answer.frame) or not answer.frame[opened.name].sum():
        return words.nothing("Nothing was reported", context)
    reported = _reported(answer, context)
    if not reported.rate:
        why = (
            f"How many people live in {context.city.name}’s districts is not known: with their residents in the "
            "boundaries’ file (population_property), reports are told per 1,000 of them."
        )
        return Drawing(sentence=c.empty(why), is_empty=True)
    rows = [
        Row(name, *ends, (_rate(ends[0]), c.count(reported.n[name])),
            f"<b>{name}</b><br>{ends[0]:,.1f} reports per 1,000 residents<br>95 % sure of {ends[1]:,.1f} to "
            f"{ends[2]:,.1f}<br>{c.count(reported.n[name])} reports, {c.count(context.populations[name])} residents")
        for name, ends in reported.rate.items()
    ]  # fmt: skip
    figure = fairness.rows_with_intervals(rows, ("per 1,000", "reports"), (reported.city, words.whole_shortly(context)),
                                          context.selected, {"tickformat": ",", "rangemode": "tozero"})  # fmt: skip
    quiet = [name for name in reported.rate if reported.is_quiet(name)]
    about = f" about {', '.join(words.kept_to(context))}" if context.own else ""
    text = f"**{_rate(reported.city)}** reports{about} for 1,000 residents in the city"
    text += (
        f"; clearly fewer, less than {c.share(FEW_REPORTS, 0)} of that, in {words.listed(quiet, NAMED)}."
        if quiet else f"; no district has clearly fewer than {c.share(FEW_REPORTS, 0)} of that."
    )  # fmt: skip
    starts = figure["layout"]["xaxis"]["range"][0]
    foot = words.foot(
        CAUTION, "Bar: 95 % interval (exact Poisson)", f"the axis starts at {starts:,.0f}" if starts > 0 else "",
        "every report counts", "districts without known residents left out" if _unpeopled(answer, reported) else "",
    )  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


def _unpeopled(answer: Answer, reported: Reported) -> bool:
    return bool(set(answer.frame[district.name]) - {district.missing} - set(reported.rate))


def draw_channels(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """How each district reaches the city: who has no way but the phone is silent when nobody answers it."""
    answer = answers[0]
    frame = answer.frame if answer is not None else pd.DataFrame()
    frame = frame[frame[district.name] != district.missing] if len(frame) else frame
    if not len(frame) or not frame[opened.name].sum():
        return words.nothing("Nothing was reported", context)
    counts = frame.pivot_table(
        index=district.name, columns=channel.name, values=opened.name, aggfunc="sum", fill_value=0
    )
    counts = counts.loc[sorted(counts.index, key=words.by_number)]
    counts = counts[counts.sum(axis=1) >= words.FEW]
    if counts.empty:
        return words.nothing(f"Fewer than {words.FEW} requests in each district", context)
    totals = counts.sum().sort_index().sort_values(ascending=False, kind="stable")
    first = list(totals.index[:CHANNELS])
    columns = [counts[name].to_numpy(float) for name in first]
    named = [Part(channel.say(str(name)), token) for name, token in zip(first, _CHANNEL_TOKENS, strict=False)]
    if len(totals) > len(first):
        columns.append(counts.drop(columns=first).sum(axis=1).to_numpy(float))
        named.append(Part("other", "cat-other"))
    names = [str(name) for name in counts.index]
    figure = parts.stacked_rows(names, named, np.column_stack(columns), context.selected)
    figure["layout"]["height"] = fairness.height_of(len(names))
    main = columns[0] / counts.sum(axis=1).to_numpy(float)
    text = f"**{c.share(totals.iloc[0] / totals.sum(), 0)}** of reports come by {channel.say(str(first[0]))}"
    if len(names) > 1:
        text += f": between {c.share(float(main.min()), 0)} and {c.share(float(main.max()), 0)} in each district"
    foot = words.foot(
        c.key(*((part.token, part.words) for part in named)), CAUTION, f"n = {c.count(totals.sum())} reports"
    )
    return Drawing(c.sentence(f"{text}."), figure, foot=foot)


def draw_again(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """How often known problems are reported once more, against the city for the same kinds; by name.

    Every kind of problem that stood open in a district is expected to be reported again as often as in the city: the
    numbers expected are added up over kinds (indirect standardisation). Where fewer came, fewer people report.
    """
    frame = answers[0].frame if answers[0] is not None else pd.DataFrame()
    frame = frame[frame[district.name] != district.missing] if len(frame) else frame
    if not len(frame) or not frame[repeats.name].sum():
        return words.nothing("No problem was reported twice", context)
    of_kind = frame.groupby(service_type.name)[[repeats.name, restricted_s.name]].transform("sum")
    rate = (of_kind[repeats.name] / of_kind[restricted_s.name].where(of_kind[restricted_s.name] > 0)).fillna(0.0)
    sums = frame.assign(expected=frame[restricted_s.name] * rate).groupby(district.name)
    told = sums[[repeats.name, restricted_s.name, "expected"]].sum()
    enough = told[told["expected"] >= FEWEST_INCIDENTS]
    names = sorted(enough.index, key=words.by_number)
    if not names:
        return words.nothing("Too few problems were reported twice", context)
    enough = enough.loc[names]
    n, expected = enough[repeats.name].to_numpy(float), enough["expected"].to_numpy(float)
    times, low, high = poisson_rate(n, expected)
    side = outside_limits(times, poisson_limits(expected))
    rows = [
        Row(name, x, a, b, (f"{x:.2f}{c.NBSP}×", c.count(count)),
            f"<b>{name}</b><br>{x:.2f} × as often as in {words.whole(context)}<br>95 % sure of {a:.2f} to {b:.2f}<br>"
            f"{c.count(count)} repeated reports, {c.count(of)} expected for the same kinds",
            "misses" if one < 0 else "series")
        for name, x, a, b, count, of, one in zip(names, times, low, high, n, expected, side, strict=True)
    ]  # fmt: skip
    figure = fairness.rows_with_intervals(rows, (f"× {words.whole_shortly(context)}", "again"),
                                          (1.0, words.whole_shortly(context)), context.selected,
                                          {"tickformat": ",.2~f"})  # fmt: skip
    fewer = [name for name, one in zip(names, side, strict=True) if one < 0]
    text = f"In **{len(fewer) or 'none'}** of {words.plain(words.plural(len(rows), 'district'))} "
    text += "is a known problem reported again less often than chance explains, for the same kinds of problems"
    text += f" ({words.listed(fewer, NAMED)}): there, few reports do not mean few problems" if fewer else ""
    foot = words.foot(
        CAUTION, "Bar: 95 % interval (exact Poisson)", f"n = {c.count(n.sum())} reports of a known problem",
        f"{left} with fewer than {FEWEST_INCIDENTS} expected left out" if (left := len(told) - len(rows)) else "",
        "by name: no ranking",
    )  # fmt: skip
    return Drawing(c.sentence(f"{text}."), figure, foot=foot)


_CHANNEL_TOKENS = ("series", "cat-2", "cat-3", "cat-5", "cat-6")


_KINDS = (district, service_type, priority)
_TIME = Query((restricted_mean_time, restricted_s2), by=_KINDS, every="quarter")
_KEPT = Query((sla_compliance,), by=_KINDS, every="quarter")
_REPORTS = Over(Query((opened,), by=(district,)), STRETCH)
_NOW, _THEN, _PROMISES = Over(_TIME, STRETCH), Over(_TIME, BEFORE), Over(_KEPT, STRETCH)
_NEEDS = Permission.COMPARE_DISTRICTS
_MIX = (methods.SAME_MIX,)
_panel = partial(Panel, needs=_NEEDS, selects=district, about=("districts",))

VIEW = View(
    name="fair-service",
    title="Fair service",
    question="Is every district served alike, for the same kinds of requests?",
    order=150,
    group="Evidence",
    needs=_NEEDS,
    panels=(
        _panel("strip", "Is every district served alike?", (_NOW, _PROMISES, _REPORTS), draw_strip, width=12,
               kind="strip", height=88, terms=_MIX),
        _panel("funnel", "Does any district wait longer than chance explains?", (_NOW, _THEN, _REPORTS), draw_funnel,
               height=384, terms=_MIX),
        _panel("map", "Where does the same request wait longer?",
               (_NOW, _REPORTS, Over(Query((opened,), by=(hexagon_9,)), STRETCH)), draw_map, height=384,
               terms=_MIX),
        _panel("table", "How do the districts stand side by side?", (_NOW, _THEN, _PROMISES, _REPORTS), draw_table,
               width=12, height=440, terms=_MIX),
        _panel("kept", "Are promises kept alike?", (_PROMISES,), draw_kept, height=384, terms=_MIX,
               about=("districts", "promises")),
        _panel("reports", "From where does the city hear?", (_REPORTS,), draw_reports, height=384,
               about=("districts", "residents")),
        _panel("trend", "Does the gap grow or close?",
               (Over(Query((restricted_mean_time, restricted_s2), by=(district, service_type), every="quarter"),
                     QUARTERS),),
               draw_trend, width=12, height=400, wave=1, terms=_MIX),
        _panel("again", "Where is a known problem reported again?",
               (Over(Query((time_to_report,), by=(district, service_type)), STRETCH),), draw_again, height=384, wave=1,
               terms=(methods.REPORTED_AGAIN,), about=("districts", "repeats")),
        _panel("channels", "How do people reach the city?", (Over(Query((opened,), by=(district, channel)), STRETCH),),
               draw_channels, height=384, wave=1),
    ),
)  # fmt: skip
