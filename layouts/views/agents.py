"""Agents, fairly: is anybody so far from the others that it is worth a look, the mix of calls taken out?

Never a ranking: rows stand by name, verdicts follow from limits that two periods in a row must be passed.
"""

from __future__ import annotations

from collections.abc import Sized
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from dashboard.domain.case_mix import Standardised, standardise
from dashboard.domain.funnel import CONTROL, FEWEST, dispersion, funnel, outside_by_score
from dashboard.domain.intervals import standard_errors, wilson
from dashboard.domain.policy import Permission
from dashboard.domain.shrinkage import beta_binomial
from dashboard.domain.stretches import time_before
from data_access.dimensions import agent, channel, hour_block, language, reason, team
from data_access.measures.agents import adherence, conformance, occupancy, ready_s, scheduled_h, shift_days
from data_access.measures.contacts import (
    answered,
    answered_with_handle,
    first_contact_resolution,
    handle_time,
    handled_s,
    handled_s2,
    hold_time,
    request_rate,
    talk_time,
    transfer_rate,
    wrap_time,
)
from data_access.semantics import Answer, Dimension, Query, Ratio, Total
from layouts import components as c
from layouts import html
from layouts.figures import funnels, words
from layouts.figures.funnels import ONCE, TWICE, WITHIN, Mark
from layouts.view import Compared, Context, Drawing, Over, Panel, View

STRATA = (reason, channel, language, hour_block)
"""What makes calls alike, the part of the day first to be given up where there are too few."""
FEWEST_DAYS = 10
"""Whoever was on shift on fewer days is not told: two late mornings would be a habit."""
SPREAD = ((0.1, "lowest tenth"), (0.5, "middle"), (0.9, "highest tenth"))


# ── reading answers ──


def _rows(answer: Answer | None, who: Dimension, n: Total = answered) -> pd.DataFrame:
    """The rows of `answer` in which somebody known answered calls, in the order given; those that `n` counts."""
    if answer is None:
        return pd.DataFrame({who.name: [], n.name: []})
    frame = answer.frame
    return frame[(frame[n.name] > 0) & (frame[who.name] != who.missing)].reset_index(drop=True)


def _standardised(answer: Answer | None, who: Dimension, names: list[str]) -> Standardised:
    """Observed over expected handle time of `names`, strata from fine to coarse."""
    frame = _rows(answer, who, answered_with_handle)
    places = {name: i for i, name in enumerate(names)}
    frame = frame[frame[who.name].isin(names)]
    columns = [dimension.name for dimension in STRATA]
    levels = [
        frame.groupby(columns[:size], sort=False, observed=True).ngroup().to_numpy() if len(frame) else np.zeros(0)
        for size in range(len(columns), 0, -1)
    ]
    levels.append(np.zeros(len(frame)))
    seconds, squares = (frame.get(name, pd.Series(dtype=float)) for name in (handled_s.name, handled_s2.name))
    at = frame[who.name].map(places).to_numpy(dtype=np.int64) if len(frame) else np.zeros(0, np.int64)
    return standardise(at, levels, frame[answered_with_handle.name], seconds, squares, len(names))


def _told(found: Standardised) -> np.ndarray:
    return (found.n >= FEWEST) & np.isfinite(found.z)


def _sides_of_mix(answer: Answer | None, who: Dimension, names: list[str]) -> np.ndarray:
    """−1, 0 or 1 for each of `names` whose handle time, mix taken out, lies outside the 99.8 % limits."""
    found = _standardised(answer, who, names)
    return outside_by_score(np.where(_told(found), found.z, np.nan))


def _sides_of_share(answer: Answer | None, measure: Ratio, names: list[str]) -> np.ndarray:
    """−1, 0 or 1 for each of `names` whose share lies outside the 99.8 % limits."""
    rows = _rows(answer, agent, measure.under)
    if not len(rows):
        return np.zeros(len(names), np.int64)
    side = funnel(rows[measure.over.name], rows[measure.under.name]).side
    return pd.Series(side, index=rows[agent.name]).reindex(names, fill_value=0).to_numpy()


def _verdicts(now: np.ndarray, before: np.ndarray) -> list[str]:
    return [funnels.verdict(int(a), int(b)) for a, b in zip(now, before, strict=True)]


def _mark(value: str, verdict: str, context: Context) -> Mark:
    """Somebody by name and with a value to choose, or “one of 40” without."""
    if value in context.names:
        return Mark(context.names[value], value, verdict)
    return Mark(value.partition(",")[0], None, verdict)


def _flags(marks: list[Mark], before: Answer | None) -> str:
    """“Of 40 agents, 1 is worth a look (Ali Hale); all others are within expected variation.”"""
    twice, once = ([mark for mark in marks if mark.verdict == verdict] for verdict in (TWICE, ONCE))
    named = [mark.label for mark in twice if mark.value is not None]
    others = len(twice) - len(named)
    if before is None:
        outside = len(twice) + len(once)
        return (
            f"Of {len(marks)} agents, **{outside or 'none'}** {'lies' if outside < 2 else 'lie'} outside the limits; "
            f"the data has no earlier period, so nobody is called worth a look."
        )
    text = f"Of {len(marks)} agents, **{len(twice) or 'none'}** {'is' if len(twice) < 2 else 'are'} worth a look"
    if named:
        text += f" ({words.listed(named)}" + (f"; {others} of other teams)" if others else ")")
    if once:
        text += f", {len(once)} {'lies' if len(once) == 1 else 'lie'} outside the limits in this period only"
    return text + f"; all{' others' if twice or once else ''} are within expected variation."


def _limits_words(phi: float) -> str:
    by = np.sqrt(phi)
    wider = f", widened {by:.1f} × because agents differ anyway" if by >= 1.05 else ""
    return f"limits 95 % (band) and 99.8 % (dashed){wider}"


def _times(ratio: float) -> str:
    return f"{ratio:.2f}{c.NBSP}×"


def _few(left_out: int) -> str:
    return f"{left_out} with fewer than {FEWEST} calls not judged" if left_out else f"at least {FEWEST} calls each"


def _strength_words(marks: list[Mark]) -> str:
    return "stronger: those you know by name" if any(mark.value is not None for mark in marks) else ""


def _nobody(context: Context) -> Drawing:
    if not context.has_contacts:
        return words.no_contacts(context)
    return words.nothing("No call that somebody recorded as theirs", context)


# ── panels ──


def draw_strip(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Who was at work, how many calls they took, how long and how busy, and what became of the calls."""
    now, before, states, by_agent = answers
    people = _rows(by_agent, agent)
    n = now.value(answered) if now else None
    if not n or now is None or states is None:
        return _nobody(context)
    parts = " · ".join(
        f"{name} {c.duration(now.value(measure))}"
        for name, measure in (("talk", talk_time), ("hold", hold_time), ("wrap", wrap_time))
        if now.value(measure)  # in all calls together nothing: it is not recorded
    )
    known = states.frame[states.frame[ready_s.name] > 0]
    busy = known[occupancy.over.name].sum() / known[ready_s.name].sum() if len(known) else float("nan")
    since = known["month"].min() if len(known) else None
    late = since is not None and since.date() > context.filters.period.from_on
    ready = "no times of agents are recorded" if since is None else "of time ready for calls, spent on them"
    ready = f"since {since:%b %Y}: earlier times are not kept" if late and since is not None else ready
    change = [words.points(now.value(one), before.value(one) if before else None, context)
              for one in (transfer_rate, first_contact_resolution)]  # fmt: skip
    by = words.plain(f"by {words.plural(len(people), 'agent')}")
    if by_agent is not None and by_agent.frame[answered.name].sum() < n:
        by = "by a few agents"  # those left out are not counted either
    strip = c.strip(
        c.figure("Calls handled", c.count(n), "", by),
        c.figure("Handle time", c.duration(now.value(handle_time)), "on average", parts),
        c.figure("Occupancy", c.share(busy), "", ready),
        c.figure("Transfers", c.share(now.value(transfer_rate)), "", c.sentence(change[0] or "of calls handled")),
        c.figure("Resolved first", c.share(now.value(first_contact_resolution)), "",
                 c.sentence(change[1] or "as agents record it")),
    )  # fmt: skip
    return Drawing(body=strip)


def draw_teams(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The teams beside each other, each with its intervals; by name."""
    shares, mix, states = answers
    rows = _rows(shares, team).sort_values("team", ignore_index=True)
    if not len(rows):
        return _nobody(context)
    names = rows["team"].tolist()
    found = _standardised(mix, team, names)
    low, high = found.interval()
    busy = dict(zip(states.frame["team"], states.frame["occupancy"], strict=True)) if states is not None else {}
    told = rows[first_contact_resolution.under.name]
    resolved = wilson(rows["resolved_first"], told)
    moved = wilson(rows["transfers"], rows["answered"])
    lines = []
    for i, name in enumerate(names):
        enough = rows["answered"][i] >= words.FEW
        lines.append([
            c.toggle(name, context.filters, team.name, name),
            c.count(rows["answered"][i]),
            c.twin(_times(found.ratio[i]), f"{low[i]:.2f}–{high[i]:.2f}")
            if enough and np.isfinite(found.ratio[i]) else c.NOTHING,
            c.share(busy.get(name)),
            *(c.twin(c.share(one.value[i]), f"{_per_cent(one.lower[i])}–{_per_cent(one.upper[i])}")
              if n[i] >= words.FEW else "too few" if n[i] else c.NOTHING
              for one, n in ((moved, rows["answered"]), (resolved, told))),
        ])  # fmt: skip
    columns = [
        c.Column("Team"), c.Column("Calls", True), c.Column(c.twin("Handle time", "mix taken out"), True),
        c.Column("Occupancy", True, False),
        c.Column("Transfers", True, False), c.Column("Resolved first", True),
    ]  # fmt: skip
    at = [i for i, name in enumerate(names) if name in context.selected]
    body = c.table(columns, lines, caption="Teams", selected=at)
    total = rows["answered"].sum()
    text = f"{words.plural(len(names), 'team')} handled **{c.count(total)}** calls"
    known = np.isfinite(found.ratio)
    if len(names) > 1 and known.any():
        text += (
            f"; with the mix of calls taken out, handle times lie between **{_times(found.ratio[known].min())}** and "
            f"**{_times(found.ratio[known].max())}** those of the other teams"
        )
    foot = words.foot("Second line: 95 % interval", f"n = {c.count(total)} calls", "× the other teams’ for such calls")
    return Drawing(c.sentence(text + "."), body=body, foot=foot)


def _per_cent(value: float) -> str:
    return f"{100 * value:.1f}"


def draw_funnel(answers: tuple[Answer | None, ...], context: Context, *, measure: Ratio, said: str) -> Drawing:
    """The share of each agent against how many calls they took, with limits that narrow with them."""
    now, before = answers
    rows = _rows(now, agent)
    n = rows[measure.under.name]
    if len(rows) and not n.sum():
        return words.nothing(f"Whether calls were {said} was not recorded", context)
    told = rows[n >= FEWEST].reset_index(drop=True)
    if not len(told):
        return _nobody(context) if not len(rows) else _too_few(len(rows))
    over, under = (told[part.name].to_numpy(float) for part in (measure.over, measure.under))
    found = funnel(over, under)
    names = told[agent.name].tolist()
    verdicts = _verdicts(found.side, _sides_of_share(before, measure, names))
    marks = [_mark(name, verdict, context) for name, verdict in zip(names, verdicts, strict=True)]
    text = f"**{c.share(found.centre)}** of {c.count(under.sum())} calls were {said}. {_flags(marks, before)}"
    figure = funnels.funnel_of_shares(
        marks, over, under, found, measure.label, f"calls {said}", _chosen_marks(context)
    )  # fmt: skip
    foot = words.foot(
        funnels.key_of(marks), _few(len(rows) - len(told)), _limits_words(found.phi), _strength_words(marks)
    )  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


def _too_few(number: int) -> Drawing:
    said = f"None of {number} agents took {FEWEST} calls: too few to say. Choose a longer period."
    return Drawing(sentence=c.empty(said), is_empty=True)


def _chosen_marks(context: Context) -> tuple[str, ...]:
    """The chosen agents; nobody but a supervisor can have chosen one."""
    return tuple(value for value in context.selected if value in context.names)


def draw_mix(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Handle time against what the others take for such calls: dots with intervals, by name."""
    now, before = answers
    names = list(dict.fromkeys(_rows(now, agent, answered_with_handle)[agent.name]))
    found = _standardised(now, agent, names)
    told = _told(found)
    if not told.any():
        return _nobody(context) if not names else _too_few(len(names))
    z = np.where(told, found.z, np.nan)
    phi = dispersion(z)
    verdicts = _verdicts(outside_by_score(z), _sides_of_mix(before, agent, names))
    at = np.flatnonzero(told)
    marks = [_mark(names[i], verdicts[i], context) for i in at]
    low, high = (end[at] for end in found.interval())
    ratio, n = found.ratio[at], found.n[at]
    mean = found.observed[at].sum() / n.sum()
    reach = np.exp(standard_errors(CONTROL) * np.sqrt(phi) * found.error[at])
    hover = [
        f"<b>{mark.label}</b><br>{_times(x)} as long as the others<br>95 % sure of {a:.2f} to {b:.2f}<br>"
        f"as if {c.duration(mean * x)} a call; {c.count(calls)} calls<br>{mark.verdict}"
        for mark, x, a, b, calls in zip(marks, ratio, low, high, n, strict=True)
    ]
    text = (
        f"For calls alike, agents take between **{_times(ratio.min())}** and **{_times(ratio.max())}** as long as the "
        f"others. {_flags(marks, before)}"
    )
    unit = "Multiple of the others’ handle time"
    figure = funnels.ratios_with_intervals(marks, ratio, low, high, reach, hover, unit, _chosen_marks(context))
    foot = words.foot(
        funnels.key_of(marks), f"n = {c.count(n.sum())} calls", _few(len(names) - len(at)),
        "band: expected variation, 99.8 %", "alike: same reason, channel, language and part of the day",
    )  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


class _Row(NamedTuple):
    """Somebody's numbers in the table."""

    n: float
    ratio: float
    interval: tuple[float, float]
    busy: float
    moved: float
    resolved: float
    created: float
    look: tuple[str, ...]


def draw_table(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Everything side by side: those the viewer may know by name, the others as a spread."""
    shares, mix, states, shares_before, mix_before = answers
    rows = _rows(shares, agent)
    if not len(rows):
        return _nobody(context)
    table = _table_of(rows, mix, states, shares_before, mix_before)
    own = [name for name in table if name in context.names]
    others = [table[name] for name in table if name not in context.names and table[name].n >= FEWEST]
    lines = [_line(c.toggle(context.names[name], context.filters, agent.name, name), table[name]) for name in own]
    lines += _spread_lines(others, _all_of(others, own)) if others else []
    if not lines:
        return _too_few(len(rows))
    columns = [
        c.Column("Agent"), c.Column("Calls", True), c.Column(c.twin("Handle time", "mix taken out"), True),
        c.Column("Occupancy", True, False), c.Column("Transfers", True, False), c.Column("Resolved first", True, False),
        c.Column("Made a request", True, False), *([c.Column("In words")] if own else []),
    ]  # fmt: skip
    lines = lines if own else [line[:-1] for line in lines]
    at = [i for i, name in enumerate(own) if name in context.selected]
    body = c.table(columns, lines, caption="Agents by name", selected=at)
    total = rows["answered"].sum()
    if own:
        mine = sum(table[name].n for name in own)
        look = words.listed([context.names[name] for name in own if table[name].look])
        text = f"Your **{len(own)}** agents handled **{c.count(mine)}** of {c.count(total)} calls"
        text += f"; worth a look: {look}." if look else "; all of them within expected variation."
    else:
        look = sum(bool(row.look) for row in others)
        text = f"**{len(rows)}** agents handled **{c.count(total)}** calls; **{look or 'none'}** of them "
        text += f"{'are' if look > 1 else 'is'} worth a look. Names are for their own supervisors."
    foot = words.foot(
        "By name, never by rank" if own else "Each column for itself: no line is one agent",
        _few(sum(row.n < FEWEST for row in table.values())),
        "resolved first: drawn towards the mean of all where calls are few",
    )  # fmt: skip
    return Drawing(c.sentence(text), body=body, foot=foot)


def _table_of(
    rows: pd.DataFrame, mix: Answer | None, states: Answer | None, shares_before: Answer | None,
    mix_before: Answer | None,
) -> dict[str, _Row]:  # fmt: skip
    """The numbers of everybody in `rows`, in their order."""
    names = rows[agent.name].tolist()
    found = _standardised(mix, agent, names)
    low, high = found.interval()
    shrunk = beta_binomial(rows["resolved_first"], rows[first_contact_resolution.under.name]).share
    busy = dict(zip(states.frame[agent.name], states.frame["occupancy"], strict=True)) if states is not None else {}
    z = np.where(_told(found), found.z, np.nan)
    flags = {"handle time": _verdicts(outside_by_score(z), _sides_of_mix(mix_before, agent, names))}
    for said, measure in (("transfers", transfer_rate), ("resolved first", first_contact_resolution)):
        side = funnel(rows[measure.over.name], rows[measure.under.name]).side
        flags[said] = _verdicts(side, _sides_of_share(shares_before, measure, names))
    return {
        name: _Row(
            float(rows["answered"][i]), float(found.ratio[i]), (float(low[i]), float(high[i])),
            float(busy.get(name, np.nan)), float(rows["transfer_rate"][i]), float(shrunk[i]),
            float(rows["request_rate"][i]),
            tuple(said for said, verdicts in flags.items() if verdicts[i] == TWICE),
        )
        for i, name in enumerate(names)
    }  # fmt: skip


def _line(name: html.A, row: _Row) -> list:
    if row.n < FEWEST:
        return [name, html.Span(c.count(row.n), className="muted"), *[html.Span(c.NOTHING, className="muted")] * 5,
                html.Span("too few to say", className="muted")]  # fmt: skip
    look = funnels.said(TWICE, f"{TWICE}: {', '.join(row.look)}") if row.look else funnels.said(WITHIN, "as expected")
    ratio = c.twin(_times(row.ratio), f"{row.interval[0]:.2f}–{row.interval[1]:.2f}")
    return [name, c.count(row.n), ratio if np.isfinite(row.ratio) else c.NOTHING, c.share(row.busy),
            c.share(row.moved), c.share(row.resolved), c.share(row.created), look]  # fmt: skip


def _all_of(others: Sized, own: Sized) -> str:
    return words.plain(words.plural(len(others), "other" if own else "agent"))


def _spread_lines(rows: list[_Row], title: str) -> list[list]:
    """The tenth, half and nine tenths of each column, taken for itself: no line is a person."""
    numbers = np.array([[row.n, row.ratio, row.busy, row.moved, row.resolved, row.created] for row in rows])
    lines = []
    for part, said in SPREAD:
        at = [
            float(np.nanquantile(column, part)) if np.isfinite(column).any() else float("nan") for column in numbers.T
        ]
        n, ratio, *shares = at
        told = c.NOTHING if ratio != ratio else _times(ratio)
        lines.append([c.twin(title, said), c.count(n), told, *(c.share(one) for one in shares), ""])
    return lines


def draw_adherence(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """How much of their shifts agents were at work: the teams, and those the viewer may know by name."""
    whole, by_team, by_agent = answers
    hours = whole.value(scheduled_h) if whole else None
    if not hours or whole is None:
        return words.nothing("No day with both a shift and states of an agent that is over", context)
    days = whole.value(shift_days)
    text = (
        f"Agents were at work for **{c.share(whole.value(adherence))}** of {c.count(hours)} hours scheduled; with what "
        f"they worked before and after their shifts, **{c.share(whole.value(conformance))}**"
    )
    people, teams = _rows(by_agent, agent, shift_days), _rows(by_team, team, shift_days)
    teams = teams[teams[shift_days.name] >= FEWEST_DAYS].sort_values(team.name)
    enough = people[people[shift_days.name] >= FEWEST_DAYS]
    own = {name: row for name, row in _by_name(people).items() if name in context.names}
    others = [row for name, row in _by_name(enough).items() if name not in own]
    lines = [
        _kept_line(c.toggle(f"Team {row[team.name]}", context.filters, team.name, row[team.name]), row)
        for row in teams.to_dict("records")
    ]
    at = [i for i, name in enumerate(teams[team.name]) if name in context.filters.chosen(team.name)]
    at += [len(lines) + i for i, name in enumerate(own) if name in context.selected]
    lines += [_kept_line(c.toggle(context.names[name], context.filters, agent.name, name), own[name]) for name in own]
    if others:
        title = _all_of(others, own)
        shares = [[row[one.name] for row in others] for one in (adherence, conformance)]
        lines += [
            [c.twin(title, said), *(c.share(np.nanquantile(one, part)) for one in shares), c.NOTHING, c.NOTHING]
            for part, said in SPREAD
        ]
    if len(teams) > 1:
        kept = teams[adherence.name]
        low, high = teams.loc[kept.idxmin()], teams.loc[kept.idxmax()]
        text += (
            f"; by team between **{c.share(low[adherence.name])}** ({low[team.name]}) and "
            f"**{c.share(high[adherence.name])}** ({high[team.name]})"
        )
    foot = words.foot(
        "By name, never by rank" + ("" if own else "; each column of agents for itself"),
        f"n = {c.count(days)} days of agents that are over and have both a shift and states",
        _few_days(len(people) - len(enough)), "absences are not in it",
        "shifts do not say when breaks are: only a meal that is too long counts",
    )  # fmt: skip
    if not lines:
        short = f": too few for any team or agent, it takes {FEWEST_DAYS} days on shift. Choose a longer period."
        return Drawing(c.sentence(text + short), foot=foot, is_empty=True)
    columns = [
        c.Column("Team, agent"), c.Column("Adherence", True), c.Column("Conformance", True),
        c.Column("Days", True, False), c.Column("Hours scheduled", True, False),
    ]  # fmt: skip
    body = c.table(columns, lines, caption="Adherence to shifts", selected=at)
    return Drawing(c.sentence(text + "."), body=body, foot=foot)


def _by_name(rows: pd.DataFrame) -> dict[str, dict]:
    return {row[agent.name]: row for row in rows.to_dict("records")}


def _kept_line(name: html.A, row: dict) -> list:
    days, hours = c.count(row[shift_days.name]), c.count(row[scheduled_h.name])
    if row[shift_days.name] < FEWEST_DAYS:
        return [name, html.Span("too few days", className="muted"), c.NOTHING, days, hours]
    return [name, c.share(row[adherence.name]), c.share(row[conformance.name]), days, hours]


def _few_days(left_out: int) -> str:
    return f"{left_out} with fewer than {FEWEST_DAYS} days not told" if left_out else ""


_KEPT = (adherence, conformance, shift_days)
_SHARES = Query((answered, first_contact_resolution, transfer_rate, request_rate), by=(agent,))
_MIX = Query((answered_with_handle, handled_s, handled_s2), by=(agent, *STRATA))
_STRIP = Query((answered, handle_time, talk_time, hold_time, wrap_time, transfer_rate, first_contact_resolution))
_NEEDS = Permission.READ_AGENT_SPREAD


def _funnel_panel(name: str, question: str, measure: Ratio, said: str) -> Panel:
    query = Query((measure, answered), by=(agent,))
    draw = partial(draw_funnel, measure=measure, said=said)
    return Panel(name, question, (query, Over(query, time_before)), draw, selects=agent, height=384, needs=_NEEDS)


VIEW = View(
    name="agents",
    title="Agents",
    question="Is anybody worth a look, fairly compared?",
    order=100,
    group="Contact centre",
    needs=_NEEDS,
    panels=(
        Panel(
            "strip", "How is the floor doing?",
            (_STRIP, Compared(_STRIP), Query((occupancy,), every="month"), Query((answered,), by=(agent,))),
            draw_strip, width=12, kind="strip", height=88, needs=_NEEDS,
        ),
        _funnel_panel("resolved", "Who resolves calls at first contact?", first_contact_resolution,
                      "resolved at first contact"),
        _funnel_panel("transfers", "Who passes calls on?", transfer_rate, "passed on"),
        Panel(
            "handle-time", "Who takes longer for the same kinds of calls?", (_MIX, Over(_MIX, time_before)), draw_mix,
            width=12, selects=agent, height=440, needs=_NEEDS,
        ),
        Panel(
            "teams", "How do the teams compare?",
            (
                Query((answered, first_contact_resolution, transfer_rate), by=(team,)),
                Query((answered_with_handle, handled_s, handled_s2), by=(team, *STRATA)),
                Query((occupancy,), by=(team,)),
            ),
            draw_teams, width=12, selects=team, height=240, needs=_NEEDS,
        ),
        Panel(
            "adherence", "Do agents keep to their shifts?",
            (Query(_KEPT), Query(_KEPT, by=(team,)), Query(_KEPT, by=(agent,))), draw_adherence, width=12,
            selects=agent, height=440, needs=_NEEDS,
        ),
        Panel(
            "table", "All of it, side by side",
            (_SHARES, _MIX, Query((occupancy,), by=(agent,)), Over(_SHARES, time_before), Over(_MIX, time_before)),
            draw_table, width=12, selects=agent, height=480, needs=_NEEDS,
        ),
    ),
)  # fmt: skip
