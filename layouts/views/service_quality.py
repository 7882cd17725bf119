"""Service quality: how often a collection is missed for the stops there were, and how often assets fail for their time.

A number of complaints says little without what it is a number of. Routes and models stand by name, never by rank; a
rate of few has a wide interval, and one of none an upper end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from dashboard.domain.funnel import dispersion, outside_limits, poisson_scores, ratio_limits
from dashboard.domain.intervals import poisson_rate
from dashboard.domain.policy import Permission
from dashboard.domain.stretches import last_months, time_before
from data_access.asset_ages import AGES, FIRST_DAYS
from data_access.dimensions import (
    WEEKDAYS,
    asset_age,
    asset_kind,
    asset_model,
    route,
    service_weekday,
    stream,
)
from data_access.measures.assets import (
    asset_months,
    confirmed_fault_rate,
    fault_rate,
    faults,
    faults_confirmed,
    no_fault_share,
)
from data_access.measures.collection import (
    REPEATED_WITHIN_DAYS,
    miss_rate,
    missed_not_valid,
    missed_reported,
    missed_valid,
    recovery_rate,
    repeated_misses,
    scheduled_stops,
    suspended_rounds,
    unserved_stops,
    valid_miss_rate,
)
from data_access.semantics import Answer, Dimension, Query
from layouts import components as c
from layouts.figures import fairness, funnels, series, verdicts, words
from layouts.figures.fairness import Row
from layouts.figures.funnels import ONCE, TWICE, Mark
from layouts.figures.series import Line
from layouts.figures.steps import steps_by
from layouts.view import Compared, Context, Drawing, Over, Panel, View

STOPS = 10_000
FEWEST = 10.0
"""With fewer misses expected nothing is said of a route."""
MONTHS = last_months(13)
TOKENS = ("series", "cat-4", "cat-3", "cat-2")
MOST_KINDS = 4


# ── what cannot be told ──


def _none_known(what: str, were: str, bring: str, context: Context) -> Drawing:
    """Why nothing is known of `what` there `were`, and what a city that has some is to bring.

    A viewer who sees a part of the city is told so instead: others may well have some.
    """
    if context.filters.choices:
        return words.nothing(f"{what} {were}", context)
    period = words.during(context.filters.period)
    if context.own:
        why = f"{what} are known of what you may see, {words.listed(words.kept_to(context))}, {period}."
    else:
        why = f"{what} are known {period}. Bring {bring}."
    return Drawing(sentence=c.empty(why), is_empty=True)


def _no_rounds(context: Context) -> Drawing:
    bring = (
        "routes, the stops scheduled on each day (tables route and route_day) and requests that name their route and "
        "day of service"
    )
    return _none_known("No collections", "were scheduled", bring, context)


def _no_assets(context: Context) -> Drawing:
    bring = (
        "the register with kind, model and days of installation and removal (table asset), and requests that name "
        "their asset"
    )
    return _none_known("No meters, lights or other assets", "were in service", bring, context)


def _untold(answer: Answer | None, context: Context) -> Drawing | None:
    """What a panel about collections says instead of numbers; None if there are some."""
    frame = answer.frame if answer is not None else pd.DataFrame()
    if not len(frame) or not frame[scheduled_stops.name].sum():
        return _no_rounds(context)
    if not frame[missed_reported.name].sum():
        why = (
            f"No missed collection was reported {words.during(context.filters.period)}, or none that names its route: "
            "requests need route_id and service_on to be held against the stops scheduled."
        )
        return Drawing(sentence=c.empty(why), is_empty=True)
    return None


def _untold_assets(answer: Answer | None, context: Context) -> Drawing | None:
    frame = answer.frame if answer is not None else pd.DataFrame()
    if not len(frame) or not frame[asset_months.name].sum():
        return _no_assets(context)
    return None


# ── words ──


def _rate(value: float) -> str:
    return c.NOTHING if value != value else f"{value:,.1f}"


def _with_interval(events: float, exposure: float) -> list | str:
    """A rate and, under it, its exact interval."""
    if not exposure:
        return c.NOTHING
    value, low, high = (float(part) for part in poisson_rate(events, exposure))
    return c.twin(_rate(value), f"{_rate(low)}–{_rate(high)}")


def _sure(events: float, exposure: float) -> str:
    low, high = (float(part) for part in poisson_rate(events, exposure)[1:])
    return f"95 % sure of {_rate(low)} to {_rate(high)}"


def _stops(tens: float) -> str:
    """So many tens of thousands of stops in full."""
    return c.count(tens * STOPS)


def _then(now: float, before: Answer | None, name: str, context: Context) -> str:
    earlier = before.value(name) if before is not None else None
    return words.changed_shortly(now, earlier, context)


# ── collections ──


def draw_collections(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """How many of 10,000 stops were missed, as residents tell and as crews found, and how soon a crew came back."""
    now, before, repeated = answers
    if (untold := _untold(now, context)) is not None or now is None or repeated is None:
        return untold or _no_rounds(context)
    row = now.frame.iloc[0]
    stops, missed = float(row[scheduled_stops.name]), float(row[missed_reported.name])
    followed = float(row[recovery_rate.under.name])
    again, third = _then(missed / stops, before, miss_rate.name, context), repeated.frame[repeated_misses.name].sum()
    strip = c.strip(
        c.figure("Reported missed", _rate(missed / stops), "of 10,000 stops",
                 c.sentence("; ".join(filter(None, (_sure(missed, stops), again))))),
        c.figure("Found missed", _rate(row[missed_valid.name] / stops), "of 10,000 stops",
                 f"{c.count(row[missed_valid.name])} of {c.count(missed)}; {c.count(row[missed_not_valid.name])} found "
                 "otherwise, the rest not said"),
        c.figure("Collected within a day", c.share(row[recovery_rate.name]) if followed >= words.FEW else c.NOTHING, "",
                 f"of {c.count(followed)} reported a day ago or earlier"),
        c.figure("Third miss or later", c.count(third), "", f"at one address within {REPEATED_WITHIN_DAYS} days"),
        c.figure("Rounds suspended", c.count(row[suspended_rounds.name]), "", "their stops are not counted"),
    )  # fmt: skip
    text = f"**{c.count(missed)}** missed collections were reported for **{_stops(stops)}** stops scheduled."
    return Drawing(c.sentence(text), body=strip)


def draw_streams(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Each stream with its rates and their intervals: as residents tell, as found, and as crews tell."""
    now, repeated = answers
    if (untold := _untold(now, context)) is not None or now is None:
        return untold or _no_rounds(context)
    frame = now.frame[now.frame[scheduled_stops.name] > 0].sort_values(stream.name)
    third = (
        dict(zip(repeated.frame[stream.name], repeated.frame[repeated_misses.name], strict=True)) if repeated else {}
    )
    lines = []
    for row in frame.to_dict("records"):
        stops, followed = row[scheduled_stops.name], row[recovery_rate.under.name]
        lines.append([
            c.toggle(words.capital(row[stream.name]), context.filters, stream.name, row[stream.name]),
            _stops(stops),
            _with_interval(row[missed_reported.name], stops),
            _with_interval(row[missed_valid.name], stops),
            _rate(row[unserved_stops.name] / stops),
            c.share(row[recovery_rate.name]) if followed >= words.FEW else "too few",
            c.count(third.get(row[stream.name], 0)),
        ])  # fmt: skip
    columns = [
        c.Column("Stream"), c.Column("Stops", True, False), c.Column(c.twin("Reported", "of 10,000"), True),
        c.Column(c.twin("Found so", "of 10,000"), True),
        c.Column(c.twin("Crews tell", "of 10,000"), True, False),
        c.Column(c.twin("Collected", "within a day"), True, False),
        c.Column(c.twin("Third miss", "or later"), True, False),
    ]  # fmt: skip
    stops, missed = frame[scheduled_stops.name].sum(), frame[missed_reported.name].sum()
    text = f"**{_rate(missed / stops)}** of 10,000 stops were reported missed"
    if len(frame) > 1:
        rates = (frame[missed_reported.name] / frame[scheduled_stops.name]).to_numpy(float)
        low, high = int(np.argmin(rates)), int(np.argmax(rates))
        text += f", from **{_rate(rates[low])}** of {frame[stream.name].iloc[low]} to **{_rate(rates[high])}** of "
        text += f"{frame[stream.name].iloc[high]}"
    at = [i for i, name in enumerate(frame[stream.name]) if name in context.selected]
    foot = words.foot(
        _list_of(sum(third.values()), context), f"n = {c.count(missed)} reported",
        "second line: 95 % interval (exact Poisson)",
        "crews tell: stops not served on rounds that went out", "by the day the collection was due",
    )  # fmt: skip
    return Drawing(c.sentence(f"{text}."), body=c.table(columns, lines, caption="Streams", selected=at), foot=foot)


def _list_of(n: float, context: Context) -> Any:
    """The way to the third misses themselves, with addresses for who may read them; nothing where there are none."""
    if not n:
        return ""
    search = context.filters.to_search()
    href = f"/requests?of={repeated_misses.name}" + (f"&{search[1:]}" if search else "")
    return c.link("Open the third miss" if n == 1 else f"List the {c.count(n)} third misses at one address", href)


def _expected(frame: pd.DataFrame, by: Dimension, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each of `names` the misses, the stops, and the misses there would be at the rates of each stream."""
    streams = frame.groupby(stream.name)[[missed_reported.name, scheduled_stops.name]].transform("sum")
    rate = streams[missed_reported.name] / streams[scheduled_stops.name].where(streams[scheduled_stops.name] > 0)
    told = frame.assign(expected=(rate * frame[scheduled_stops.name]).fillna(0.0))
    sums = told.groupby(by.name)[[missed_reported.name, scheduled_stops.name, "expected"]].sum()
    found = sums.reindex(list(names), fill_value=0.0)
    return tuple(found[name].to_numpy(float) for name in found.columns)  # type: ignore[return-value]


def draw_weekdays(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The rate of each day of collection with its interval, the mix of streams taken out."""
    answer = answers[0]
    if (untold := _untold(answer, context)) is not None or answer is None:
        return untold or _no_rounds(context)
    frame = answer.frame[answer.frame[scheduled_stops.name] > 0]
    days = [day for day in WEEKDAYS if day in set(frame[service_weekday.name])]
    missed, stops, expected = _expected(frame, service_weekday, days)
    overall = missed.sum() / stops.sum()
    value, low, high = (overall * part for part in poisson_rate(missed, expected))
    rows = [
        Row(day, float(v), float(a), float(b), (_rate(v), _stops(s)),
            f"<b>{day}</b><br>{_rate(v)} of 10,000 stops, the mix of streams taken out<br>95 % sure of {_rate(a)} to "
            f"{_rate(b)}<br>{c.count(m)} missed of {_stops(s)}: {_rate(m / s)} as they come")
        for day, v, a, b, m, s in zip(days, value, low, high, missed, stops, strict=True) if np.isfinite(v)
    ]  # fmt: skip
    figure = fairness.rows_with_intervals(rows, ("of 10,000", "stops"), (float(overall), "all"), context.selected,
                                          most_px=46.0)  # fmt: skip
    above = [day for day, a in zip(days, low, strict=True) if a > overall]
    below = [day for day, b in zip(days, high, strict=True) if b < overall]
    ways = [(above, "more"), (below, "fewer")]
    said = [f"on {words.listed(days)} {more}" for days, more in ways if days]
    text = "No day of collection differs clearly from the others"
    if said:
        said[0] += " are missed than on the other days"
        text = words.capital(", ".join(said))
    foot = words.foot(
        "Bar: 95 % interval (exact Poisson)", f"n = {c.count(missed.sum())} reported", "streams as in the whole week",
        f"the axis starts at {_rate(max(figure['layout']['xaxis']['range'][0], 0.0))}",
    )  # fmt: skip
    return Drawing(c.sentence(f"{text}, for the same streams."), figure, foot=foot)


def _sides(answer: Answer | None, names: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Of each route the misses and those expected, −1, 0 or 1 outside the limits, and how much these are widened."""
    if answer is None or not len(answer.frame):
        return np.zeros(len(names)), np.zeros(len(names)), np.zeros(len(names), np.int64), 1.0
    missed, _, expected = _expected(answer.frame, route, names)
    z = np.where(expected >= FEWEST, poisson_scores(missed, expected), np.nan)
    phi = dispersion(z)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(expected >= FEWEST, missed / expected, np.nan)
    return missed, expected, outside_limits(ratios, ratio_limits(expected, phi)), phi


def draw_routes(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Each route's misses against what its stream's rate would bring, with limits that narrow with the stops."""
    now, before = answers
    if (untold := _untold(now, context)) is not None or now is None:
        return untold or _no_rounds(context)
    frame = now.frame[(now.frame[scheduled_stops.name] > 0) & (now.frame[route.name] != route.missing)]
    streams = dict(zip(frame[route.name], frame[stream.name], strict=True))
    names = sorted(streams)
    missed, expected, side, phi = _sides(now, names)
    told = np.flatnonzero(expected >= FEWEST)
    if not len(told):
        why = (
            f"Fewer than {FEWEST:.0f} misses are to be expected on each of {len(names)} routes: choose a longer period."
        )
        return Drawing(sentence=c.empty(why), is_empty=True)
    then = _sides(before, names)[2]
    verdicts = [funnels.verdict(int(side[i]), int(then[i])) for i in told]
    marks = [
        Mark(f"{names[i]}, {streams[names[i]]}", names[i], verdict) for i, verdict in zip(told, verdicts, strict=True)
    ]
    figure = funnels.funnel_of_ratios(
        marks, missed[told], expected[told], phi, "Multiple of the stream’s rate", "Misses to be expected", "misses",
        context.selected,
    )  # fmt: skip
    text = f"Of {len(told)} routes, "
    ways = [f"{mark.label}: {'more' if side[i] > 0 else 'fewer'}" for i, mark in zip(told, marks, strict=True)]
    twice, once = (
        [way for way, mark in zip(ways, marks, strict=True) if mark.verdict == kind] for kind in (TWICE, ONCE)
    )
    if before is None:
        outside = len(twice) + len(once)
        text += (
            f"**{outside or 'none'}** {'lies' if outside < 2 else 'lie'} outside the limits; the data has no earlier "
        )
        text += "period, so none is called worth a look."
    else:
        text += f"**{len(twice) or 'none'}** {'is' if len(twice) < 2 else 'are'} worth a look"
        text += f" ({words.listed(twice, 3)})" if twice else ""
        text += f"; outside the limits in this period only: {words.listed(once, 3)}" if once else ""
        text += "."
    by = np.sqrt(phi)
    foot = words.foot(
        funnels.key_of(marks), "limits 95 % (band) and 99.8 % (dashed)"
        + (f", widened {by:.1f} × because routes differ anyway" if by >= 1.05 else ""),
        f"n = {c.count(missed[told].sum())} reported",
        f"{len(names) - len(told)} with fewer than {FEWEST:.0f} expected not judged" if len(told) < len(names) else "",
    )  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_months(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The rate of each stream month by month."""
    answer = answers[0]
    if (untold := _untold(answer, context)) is not None or answer is None:
        return untold or _no_rounds(context)
    period = MONTHS(context.filters.period, context.clock)
    missed, stops = (
        steps_by(answer, stream.name, one, period, context.clock)
        for one in (missed_reported.name, scheduled_stops.name)
    )
    every = sorted(name for name in stops.columns if stops.values(name).sum() > 0)
    names = every[: len(TOKENS)]
    rates = {}
    for name in names:
        with np.errstate(divide="ignore", invalid="ignore"):
            under = stops.values(name)
            rates[name] = np.where(under > 0, missed.values(name) / under, np.nan)
    steps = replace(stops, columns=rates)
    drawn = tuple(Line(name, name, token) for name, token in zip(names, TOKENS, strict=False))
    figure = series.lines(steps, drawn, "Reported missed of 10,000 stops", written=_rate)
    total_missed, total_stops = (np.sum([one.values(name) for name in every], axis=0) for one in (missed, stops))
    whole = np.flatnonzero(steps.is_whole & (total_stops > 0))
    text = f"**{c.count(total_missed.sum())}** were reported in {words.plural(len(steps), 'month')}"
    if len(whole):
        rate = total_missed[whole] / total_stops[whole]
        seen, top = verdicts.usual(rate, miss_rate), int(np.argmax(rate))
        text = f"In {steps.name(int(whole[-1]))} **{_rate(rate[-1])}** of 10,000 stops were reported missed"
        text += f", {seen.words[:1].lower()}{seen.words[1:]}" if seen else ""
        if top != len(rate) - 1:
            text += f"; of whole months, most in {steps.name(int(whole[top]))}: **{_rate(rate[top])}**"
    foot = words.foot(
        c.key(*((token, name) for name, token in zip(names, TOKENS, strict=False))),
        "" if steps.is_whole.all() else "hollow: month not complete, numbers: the last that is",
        "by the day the collection was due",
        f"not drawn, but counted: {', '.join(every[len(names):])}" if len(every) > len(names) else "",
    )  # fmt: skip
    return Drawing(c.sentence(f"{text}."), figure, foot=foot)


# ── assets ──


def _kinds(frame: pd.DataFrame) -> list[str]:
    """The kinds of assets that stood, those with most time in service first."""
    time = frame.groupby(asset_kind.name)[asset_months.name].sum()
    time = time[time > 0].sort_index().sort_values(ascending=False, kind="stable")
    return [str(name) for name in time.index]


def draw_assets(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Of each kind of asset how many fail in a month, how many of the faults were confirmed, and how many were none."""
    now, before = answers
    if (untold := _untold_assets(now, context)) is not None or now is None:
        return untold or _no_assets(context)
    frame = now.frame.set_index(asset_kind.name)
    then = before.frame.set_index(asset_kind.name)[fault_rate.name].to_dict() if before is not None else {}
    figures = []
    for kind in _kinds(now.frame)[:MOST_KINDS]:
        row = frame.loc[kind]
        time, n = float(row[asset_months.name]), float(row[faults.name])
        change = words.changed_shortly(n / time, then.get(kind), context) if n >= FEWEST else ""
        looked = float(row[no_fault_share.under.name])
        none = f"no fault found in {c.share(row[no_fault_share.name], 0)} of {c.count(looked)} looked at"
        figures.append(c.figure(
            words.capital(asset_kind.say(kind)) + "s", _rate(n / time), "of 1,000 a month",
            c.sentence("; ".join(filter(None, (
                words.plain(words.plural(n, "fault")), _sure(n, time), change,
                f"{_rate(row[faults_confirmed.name] / time)} confirmed" if looked or not n else "none looked at yet",
                none if looked >= words.FEW else "")))),
        ))  # fmt: skip
    total = now.frame[[faults.name, asset_months.name]].sum()
    text = (
        f"**{c.count(total[faults.name])}** faults were reported in **{c.count(1000 * total[asset_months.name])}** "
        "months of assets in service."
    )
    return Drawing(c.sentence(text), body=c.strip(*figures))


def draw_models(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Each model with its rates and their intervals; its first weeks apart."""
    now, before, ages = answers
    if (untold := _untold_assets(now, context)) is not None or now is None or ages is None:
        return untold or _no_assets(context)
    frame = now.frame[now.frame[asset_months.name] > 0].sort_values([asset_kind.name, asset_model.name])
    keys = [asset_kind.name, asset_model.name]
    young = ages.frame[ages.frame[asset_age.name] == FIRST_DAYS].set_index(keys)
    then = before.frame.set_index(keys)[[faults.name, asset_months.name]] if before is not None else None
    lines = []
    for row in frame.to_dict("records"):
        key, time = (row[asset_kind.name], row[asset_model.name]), row[asset_months.name]
        first = young.loc[key] if key in young.index else None
        old = then.loc[key] if then is not None and key in then.index else None
        looked = row[no_fault_share.under.name]
        lines.append([
            c.twin(c.toggle(row[asset_model.name], context.filters, asset_model.name, row[asset_model.name]),
                   asset_kind.say(row[asset_kind.name])),
            c.count(1000 * time),
            _with_interval(row[faults.name], time),
            _with_interval(row[faults_confirmed.name], time) if looked or not row[faults.name] else c.NOTHING,
            c.share(row[no_fault_share.name]) if looked >= words.FEW else "too few",
        ])  # fmt: skip
        if then is not None:
            lines[-1].append(_with_interval(old[faults.name], old[asset_months.name]) if old is not None else c.NOTHING)
        if len(young):
            lines[-1].append(
                _with_interval(first[faults.name], first[asset_months.name]) if first is not None else c.NOTHING
            )
    columns = [
        c.Column("Model"), c.Column(c.twin("In service", "months"), True, False),
        c.Column(c.twin("Faults", "of 1,000 a month"), True), c.Column(c.twin("Confirmed", "of 1,000 a month"), True),
        c.Column("No fault found", True, False),
        *([c.Column(c.twin("Faults", "in the period compared with"), True, False)] if then is not None else []),
        *([c.Column(c.twin("Faults", FIRST_DAYS), True, False)] if len(young) else []),
    ]  # fmt: skip
    text = f"{words.plural(len(frame), 'model')}: "
    said = []
    for kind in _kinds(frame)[:2]:
        own = frame[frame[asset_kind.name] == kind]
        rates = (own[faults.name] / own[asset_months.name]).to_numpy(float)
        models = own[asset_model.name].tolist()
        if (n := own[faults.name].sum()) < FEWEST:
            told = words.plural(n, "fault")
            said.append(f"{told} of {asset_kind.say(kind)}s{', too few to tell models apart' if len(own) > 1 else ''}")
        elif len(own) > 1:
            low, high = int(np.argmin(rates)), int(np.argmax(rates))
            said.append(f"of {asset_kind.say(kind)}s {models[low]} fails least (**{_rate(rates[low])}** of 1,000 a "
                        f"month), {models[high]} most (**{_rate(rates[high])}**)")  # fmt: skip
        else:
            said.append(f"{asset_kind.say(kind)} {models[0]} **{_rate(rates[0])}** of 1,000 a month")
    at = [i for i, name in enumerate(frame[asset_model.name]) if name in context.selected]
    foot = words.foot(
        "Second line: 95 % interval (exact Poisson)", f"n = {c.count(frame[faults.name].sum())} faults",
        "a fault told twice counts once", "models differ in age and place: no proof that one is better",
    )  # fmt: skip
    body = c.table(columns, lines, caption="Models of assets", selected=at)
    return Drawing(c.sentence(text + "; ".join(said) + "."), body=body, foot=foot)


def draw_ages(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Faults for the time in service by age, with intervals; a kind after the other."""
    answer = answers[0]
    if (untold := _untold_assets(answer, context)) is not None or answer is None:
        return untold or _no_assets(context)
    frame = answer.frame[answer.frame[asset_months.name] > 0]
    kinds, order = _kinds(frame)[:MOST_KINDS], [age for _, age in AGES]
    rows, few, time_of = [], 0, {}
    for kind in kinds:
        own = frame[frame[asset_kind.name] == kind].set_index(asset_age.name)
        for age in (one for one in order if one in own.index):
            n, time = float(own.loc[age, faults.name]), float(own.loc[age, asset_months.name])
            if 1000 * time < words.FEW:
                few += 1
                continue
            value, low, high = (float(part) for part in poisson_rate(n, time))
            name = f"{words.capital(asset_kind.say(kind))}, {age}"
            time_of[name] = time
            rows.append(Row(name, value, low, high, (_rate(value), c.count(1000 * time)),
                            f"<b>{name}</b><br>{_rate(value)} of 1,000 a month<br>95 % sure of {_rate(low)} to "
                            f"{_rate(high)}<br>{c.count(n)} faults in {c.count(1000 * time)} months",
                            TOKENS[kinds.index(kind)]))  # fmt: skip
    if not rows:
        return words.nothing("Too little time in service", context)
    figure = fairness.rows_with_intervals(rows, ("of 1,000", "months"), (0.0, ""), (), {"tickformat": ",.3~f"},
                                          most_px=46.0)  # fmt: skip
    said = []
    for kind in kinds[:2]:
        own_rows = [row for row in rows if row.name.startswith(f"{words.capital(asset_kind.say(kind))},")]
        sums = frame[frame[asset_kind.name] == kind][[faults.name, asset_months.name]].sum()
        enough = FEWEST * sums[asset_months.name] / max(sums[faults.name], 1)  # time that brings ten faults
        own_rows = [row for row in own_rows if time_of[row.name] >= enough]
        if len(own_rows) > 1:
            least, most = (pick(own_rows, key=lambda row: row.value) for pick in (min, max))
            said.append(f"{asset_kind.say(kind)}s fail most {_at_age(most.name)} after installation "
                        f"(**{_rate(most.value)}** of 1,000 a month), least {_at_age(least.name)} "
                        f"(**{_rate(least.value)}**)")  # fmt: skip
    text = words.capital("; ".join(said)) if said else "Too few faults to tell ages apart"
    foot = words.foot(
        "Bar: 95 % interval (exact Poisson)", "age at the time of the report", "of 1,000 a month",
        f"{few} with less than {words.FEW} months left out" if few else "",
    )  # fmt: skip
    return Drawing(c.sentence(f"{text}."), figure, foot=foot)


def _at_age(row: str) -> str:
    """“over 10 years”, “in the first 60 days”: the age that a row tells after its kind."""
    age = row.rsplit(", ", 1)[1]
    return f"in the {age}" if age == FIRST_DAYS else age


_RATES = (miss_rate, valid_miss_rate, missed_not_valid, recovery_rate, unserved_stops, suspended_rounds)
_FAULTS = (fault_rate, confirmed_fault_rate, no_fault_share)
_ROUTES, _AGAIN = Query((miss_rate,), by=(route, stream)), Query((repeated_misses,), by=(stream,))
_ONE, _KIND, _MODEL = Query(_RATES), Query(_FAULTS, by=(asset_kind,)), Query(_FAULTS, by=(asset_kind, asset_model))
_of_rounds = partial(Panel, needs=Permission.READ_ROUNDS)
_of_assets = partial(Panel, needs=Permission.READ_ASSETS)

VIEW = View(
    name="service-quality",
    title="Service quality",
    question="How often are collections missed, and meters and lights broken?",
    order=130,
    group="Evidence",
    panels=(
        _of_rounds("collections", "How often is a collection missed?",
                   (_ONE, Compared(_ONE), _AGAIN), draw_collections, width=12, kind="strip",
                   height=88),
        _of_rounds("streams", "Which collections are missed?",
                   (Query(_RATES, by=(stream,)), _AGAIN), draw_streams, width=12,
                   selects=stream, height=240),
        _of_rounds("routes", "Is any route worth a look?", (_ROUTES, Over(_ROUTES, time_before)), draw_routes,
                   selects=route, height=384),
        _of_rounds("weekdays", "On which days?", (Query((miss_rate,), by=(service_weekday, stream)),), draw_weekdays,
                   selects=service_weekday, height=384),
        _of_rounds("months", "Is it getting better?", (Over(Query((miss_rate,), by=(stream,), every="month"), MONTHS),),
                   draw_months, width=12, selects="period", height=280),
        _of_assets("assets", "How often do assets fail?", (_KIND, Compared(_KIND)), draw_assets, width=12, kind="strip",
                   height=88),
        _of_assets("models", "Which models fail?",
                   (_MODEL, Compared(_MODEL), Query((fault_rate,), by=(asset_kind, asset_model, asset_age))),
                   draw_models, width=12, selects=asset_model, height=280),
        _of_assets("ages", "Do they fail young or old?", (Query((fault_rate,), by=(asset_kind, asset_age)),), draw_ages,
                   width=12, height=384),
    ),
)  # fmt: skip
