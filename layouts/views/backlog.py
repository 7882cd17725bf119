"""Backlog: what is waiting, how old is it, and who has it? The department head's first screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from dashboard.domain.filters import DAY, Period
from dashboard.domain.local_time import civil_date, to_local
from dashboard.domain.policy import Permission
from dashboard.domain.stretches import day_before, last_day, last_months, last_whole_weeks
from data_access.dimensions import age_band, department, due_in, lateness, promise_band, team
from data_access.listing import Listing, Rows
from data_access.measures.requests import (
    at_risk,
    backlog,
    closed,
    due_soon,
    moved_in,
    moved_out,
    opened,
    overdue,
    reopened,
    taken_in,
)
from data_access.semantics import Answer, Dimension, Measure, Query
from layouts import components as c
from layouts import html
from layouts.figures import comparisons, events, series, tables, words
from layouts.figures.comparisons import Move
from layouts.figures.series import Line
from layouts.figures.steps import steps_of
from layouts.view import Accounted, Compared, Context, Drawing, Over, Panel, View

MONTHS = last_months(13)
WEEKS = 8
TEAMS = 11
POINTS = 5
"""So many requests a brief names one by one."""
SOON, LATEST, OLDEST = 8, 15, 10
LISTED = ("request_id", "public_id", "service_type", "department", "district", "address", "team")
"""What lists of requests say of each, besides its times."""
LATE_BANDS = tuple(band for band in lateness.ordered or () if band not in ("in time", "no promise"))


def _said(day: date, beside: date | None = None) -> str:
    """“30 Apr”; with its year where the day `beside` it lies in another."""
    return f"{day.day} {day:%b}" + (f" {day.year}" if beside is not None and day.year != beside.year else "")


def _last_day(period: Period, context: Context) -> date:
    return min(period.to_on, context.clock.end_on) - DAY


def _end_of(context: Context) -> str:
    """The day at whose end what stands open is counted, with its year where that is not the data's last."""
    return _said(_last_day(context.filters.period, context), context.clock.last_on)


def draw_strip(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Open and overdue, the change, how long it takes to clear, and how much is far past its promise."""
    now, start, earlier, weeks, bands, soon = answers
    standing, late = now.value(backlog) or 0, now.value(overdue) or 0
    begin, end = start.value(backlog) or 0, _last_day(context.filters.period, context)
    share = c.share(late / standing) + " overdue" if standing else "nothing is open"
    before = None
    if earlier is not None and earlier.value(backlog):
        before = earlier.value(overdue) / earlier.value(backlog)
        then = context.filters.comparison().to_on - DAY
        share += f"; {c.share(before)} on {c.day(then)}"
    change = standing - begin
    status = "same" if not change else "misses" if change > 0 else "meets"
    counts = weeks.frame["closed"].to_numpy(float)
    pace = counts.mean() if len(counts) else 0.0
    clears = standing / pace if pace and standing else None
    by_band = dict(zip(bands.frame["promise_band"], bands.frame["backlog"], strict=True))
    far, none = by_band.get("over 3 ×", 0), by_band.get("no promise", 0)
    strip = c.strip(
        c.figure("Open, of which overdue", c.count(standing), f"of which {c.count(late)}", share),
        c.figure(
            f"Change since {_said(context.filters.period.from_on - DAY, end)}", c.signed(change), "",
            c.status(status, "no change" if not change else "growing" if change > 0 else "shrinking"),
        ),
        c.figure(
            "Due in three working days", c.count(soon.value(due_soon) or 0), "",
            f"{c.count(soon.value(at_risk) or 0)} at risk; at the last data received",
        ),
        c.figure(
            "Clears at this pace in", c.NOTHING if clears is None else f"{clears:,.1f}", "weeks" if clears else "",
            f"{series.few(pace)} closed a week, last {len(counts)} whole weeks, if nothing new came in" if pace
            else f"nothing was closed in the last {len(counts)} whole weeks",
        ),
        c.figure(
            "Over 3 × their promise", c.count(far), "",
            (f"{c.share(far / standing)} of all open; " if standing else "")
            + (f"{c.count(none)} more have no promise" if none else "all have a promise" if standing else ""),
        ),
    )  # fmt: skip
    return Drawing(body=strip)


def draw_bridge(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Start + opened + reopened + moved in − moved out − closed = end; what does not add up is a move of its own."""
    start, flow, end = answers
    period = context.filters.period
    begin, final = start.value(backlog) or 0, end.value(backlog) or 0
    flows = (opened, taken_in, reopened, moved_in, moved_out, closed)
    came, taken, again, received, given, went = (flow.value(measure) or 0 for measure in flows)
    if not any((begin, final, taken, again, received, given, went)):
        return words.nothing("Nothing was opened, closed or waiting", context)
    # Over all departments what moves in moves out, and “taken in” is “opened”: only then is it called so.
    moves_about = bool(context.filters.chosen(department.name)) or received != given or taken != came
    moves = [Move("Taken in" if moves_about else "Opened", taken)]
    if again:  # many sources record none
        moves.append(Move("Reopened", again))
    if moves_about:
        moves += [Move("Moved in", received), Move("Moved out", -given)]
    moves.append(Move("Closed", -went))
    left_over = final - begin - sum(move.by for move in moves)
    if left_over:
        moves.append(Move("Not explained", left_over))
    first, last = period.from_on - DAY, _last_day(period, context)
    figure = comparisons.bridge(
        (f"Open<br>{_said(first, last)}", begin), moves, (f"Open<br>{_said(last, first)}", final), "Requests"
    )
    change = final - begin
    head = (
        "It did not change" if not change else f"It {'grew' if change > 0 else 'shrank'} by **{c.count(abs(change))}**"
    )
    came_in = "came in or were reopened" if again else "came in"
    text = f"{head}: {c.count(taken + again)} {came_in} and {c.count(went)} were closed"
    if moves_about:
        text += f"; {c.count(received)} were received from other departments and {c.count(given)} given to them"
    text += "."
    if left_over:
        text += f" **{c.signed(left_over)}** cannot be explained by the records: see the data’s notes."
    explained = ""
    if moves_about and taken != came:
        explained = f"taken in: first given to it; by who holds them now, {c.count(came)} were opened"
    foot = words.foot(comparisons.bridge_sum(begin, moves, final), explained, period.sentence())
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_trend(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Open at the end of each day, and the part of it that is overdue."""
    steps = steps_of(answers[0], context.filters.period, context.clock)
    if not len(steps) or not steps.values("backlog").any():
        return words.nothing("Nothing was open", context)
    values = steps.values("backlog")
    figure = series.of_which(
        steps, Line("backlog", "open"), Line("overdue", "overdue", "overdue"), f"Open at the end of the {steps.every}"
    )
    top, low = values.max(), values.min()
    place = f", between {c.count(low)} and {c.count(top)} in the period"
    if values[-1] in (low, top):
        place = "" if low == top else ", the most of the period" if values[-1] == top else ", the fewest of the period"
    late = steps.values("overdue")[-1]
    text = (
        f"{words.plural(values[-1], 'request')} {'is' if values[-1] == 1 else 'are'} open{place}; "
        f"**{c.share(late / values[-1]) if values[-1] else c.NOTHING}** are overdue."
    )
    events.shade(figure, steps, context.events)
    key = c.key(("series", "open"), ("overdue", "of which overdue"))
    foot = words.foot(key, events.told(figure), "drag along the axis to set the period")
    return Drawing(c.sentence(text), figure, foot=foot)


def _then(context: Context) -> str:
    """The day at whose end the comparison period stood: “on 21 May 2025”; empty without one."""
    against = context.filters.comparison()
    return "" if against is None else f"on {_said(against.to_on - DAY)} {(against.to_on - DAY).year}"


def _grid(answer: Answer, rows: Sequence[str], band: Dimension) -> np.ndarray:
    """The open ones of each department in `rows`, by `band`."""
    found = np.zeros((len(rows), len(band.ordered)))
    columns = (answer.column(name).tolist() for name in (department.name, band.name, "backlog"))
    at, along = ({name: i for i, name in enumerate(names)} for names in (rows, band.ordered))
    for name, value, n in zip(*columns, strict=True):
        if name in at:
            found[at[name], along[value]] += n
    return found


def draw_ages(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Ages by department: in days, and in multiples of what was promised."""
    totals, by_age, by_multiple, earlier = answers
    names, standing, late = (totals.column(name) for name in ("department", "backlog", "overdue"))
    order = [i for i in np.lexsort((names, -standing)) if standing[i] > 0]
    if not order:
        return words.nothing("Nothing was open", context)
    rows, standing, late = names[order].tolist(), standing[order].astype(float), late[order].astype(float)
    ages, multiples = _grid(by_age, rows, age_band), _grid(by_multiple, rows, promise_band)
    body = tables.age_table(
        rows, standing, late, ages, age_band.ordered, multiples, promise_band.ordered, context, department
    )
    chosen = [i for i, name in enumerate(rows) if name in context.selected] or list(range(len(rows)))
    n, old, far = standing[chosen].sum(), ages[chosen, -1].sum(), multiples[chosen, 3].sum()
    who = f"{words.listed([rows[i] for i in chosen])}: " if context.selected and len(chosen) < len(rows) else ""
    before = ""
    if earlier is not None and len(earlier.frame):
        then = earlier.frame  # of all departments: some that have nothing open now had something then
        if context.selected:
            then = then[then[department.name].isin([rows[i] for i in chosen])]
        long_ago = then.loc[then[age_band.name] == age_band.ordered[-1], "backlog"].sum()
        before = f" ({c.count(long_ago)} of {c.count(then['backlog'].sum())} {_then(context)})"
    text = (
        f"{who}**{c.count(old)}** of {words.plural(n, 'open request')} {'is' if old == 1 else 'are'} older than 180 "
        f"days{before}, and **{c.count(far)}** {'has' if far == 1 else 'have'} waited more than three times what was "
        "promised."
    )
    if len(rows) > 1 and late.any():
        worst = int(np.argmax(np.where(standing >= words.FEW, late / standing, -1)))
        if standing[worst] >= words.FEW:
            text += f" The highest share overdue is at {rows[worst]}: **{c.share(late[worst] / standing[worst])}**."
    foot = words.foot(
        tables.ramp("few", "half of the row or more"),
        f"n = {c.count(standing.sum())} open", f"at the end of {_end_of(context)}",
        "age in calendar days",
    )  # fmt: skip
    return Drawing(c.sentence(text), body=body, foot=foot)


def draw_holders(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Who is holding the open requests, and how many of them are overdue."""
    frame = answers[0].frame
    frame = frame[frame["backlog"] > 0].sort_values(["backlog", "team"], ascending=[False, True])
    if frame.empty:
        return words.nothing("Nothing was open", context)
    n, late = frame["backlog"].sum(), frame["overdue"].sum()
    shown = frame[(np.arange(len(frame)) < TEAMS) | frame["team"].isin(context.selected)]
    rest = frame.drop(shown.index)
    names = shown["team"].tolist()
    whole, part = shown["backlog"].tolist(), shown["overdue"].tolist()
    if len(rest):
        names, whole, part = (
            [*names, f"{len(rest)} more"],
            [*whole, rest["backlog"].sum()],
            [*part, rest["overdue"].sum()],
        )
    figure = comparisons.of_which_rows(names, whole, part, context.selected)
    if len(rest):  # a sum of several is no value of the dimension
        for bars in figure["data"]:
            bars["customdata"][-1] = None
    worst = frame.assign(share=frame["overdue"] / frame["backlog"])[frame["backlog"] >= words.FEW]
    text = f"**{names[0]}** holds the most, **{c.count(whole[0])}** of {c.count(n)}"
    earlier = answers[1]
    compares = earlier is not None and len(earlier.frame) > 0
    if compares:
        then = earlier.frame.set_index("team")["backlog"]
        text += f" ({c.count(then.get(names[0], 0))} of {c.count(then.sum())} {_then(context)})"
    if len(worst) and late:
        top = worst.sort_values("share").iloc[-1]
        of_those = "of them" if top["team"] == names[0] else f"of {c.count(top['backlog'])} at {top['team']},"
        text += f"; {of_those} **{c.share(top['share'], 0)}** are overdue."
    else:
        text += "."
    figure["layout"]["height"] = 24 + 32 * len(names)
    foot = words.foot(
        c.key(("overdue", "overdue"), ("seq-3", "in time or without a promise")), f"n = {c.count(n)} open",
        "what stood open then: by the team that has or last had it" if compares else "",
    )  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_flow(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """What came in against what was closed in each of the last thirteen months."""
    steps = steps_of(answers[0], MONTHS(context.filters.period, context.clock), context.clock)
    came = went = np.zeros(0)
    moves_about = False
    if len(steps):
        came, went = steps.values("taken_in") + steps.values("reopened"), steps.values("closed")
        received, given = steps.values("moved_in"), steps.values("moved_out")
        # Over all departments every move is one in and one out: only a department gains and loses by them.
        moves_about = bool(context.filters.chosen(department.name)) or bool((received != given).any())
        if moves_about:
            came, went = came + received, went + given
    if not came.sum() + went.sum():
        return words.nothing("Nothing was opened or closed", context)
    whole = steps.is_whole
    months, ahead = int(whole.sum()), int((went[whole] >= came[whole]).sum())
    gone = "went out" if moves_about else "was closed"
    text = "No month is whole yet."
    if months:
        text = (
            f"In **{ahead}** of {words.plain(words.plural(months, 'whole month'))} at least as much {gone} as came in."
        )
    if not whole[-1]:
        text += f" So far in {steps.starts[-1]:%B}, **{c.count(went[-1])}** against **{c.count(came[-1])}**."
    steps = replace(steps, columns={"came": came, "went": went})
    figure = series.paired_bars(
        steps, (Line("came", "came in", "series-2"), Line("went", "went out")), "Requests a month"
    )
    inward, outward = ("taken in, reopened or moved in", "closed or moved out") if moves_about else (
        "opened or reopened", "closed"
    )  # fmt: skip
    foot = words.foot(
        c.key(("series-2", inward), ("series", outward)), "" if whole[-1] else "hatched: to date", "up to 13 months"
    )
    return Drawing(c.sentence(text), figure, foot=foot)


# ── lists: what to do next ──


def _number(row: pd.Series) -> Any:
    return c.link(str(row["public_id"]), _page(row), className="nw")


def _page(row: pd.Series) -> str:
    return f"/requests/{quote(str(row['request_id']), safe='')}"


def _where(row: pd.Series) -> Any:
    """The address, where the viewer may read it, over the district."""
    place = row["district"] if pd.notna(row["district"]) else "no district"
    address = row.get("address")
    return c.twin(address, place) if isinstance(address, str) else place


def _holder(row: pd.Series) -> Any:
    return row["team"] if isinstance(row["team"], str) else c.status("misses", "Not assigned")


def _held(row: pd.Series) -> str:
    return f"held by {row['team']}" if isinstance(row["team"], str) else "not assigned"


def _kind(row: pd.Series) -> str:
    return row["service_type"] if isinstance(row["service_type"], str) else c.NOTHING


def _type(row: pd.Series, context: Context) -> Any:
    """The type, with its department where several are shown."""
    kind = _kind(row)
    several = len(context.filters.chosen(department.name)) != 1
    return c.twin(kind, row["department"]) if several and isinstance(row["department"], str) else kind


def _whole_list(measure: Measure, n: int, order: str, context: Context) -> Any:
    """A link to all of what a card lists the first of, in the order of the card."""
    search = context.filters.to_search()
    href = f"/requests?of={measure.name}&sort={order}" + (f"&{search[1:]}" if search else "")
    return c.link("Open it in the list" if n == 1 else f"All {c.count(n)} requests", href)


def _time_left(seconds: float) -> str:
    """Working time in words: “40 min”, “5 h”."""
    return c.duration(60 * max(round(seconds / 60), 1)) if seconds < 5400 else f"{seconds / 3600:.0f}{c.NBSP}h"


def draw_soon(answers: tuple[Answer | Rows | None, ...], context: Context) -> Drawing:
    """How many promises run out within three working days, the next ones by the working time left."""
    bands, risk, holders, rows = answers
    n = int(bands.frame["due_soon"].sum())
    if not n:
        open_ended = "No open request has three working days or less left of its promise"
        return Drawing(c.sentence(f"{open_ended} at the last data received."), is_empty=True)
    parts = list(bands.frame[["due_in", "due_soon"]].itertuples(index=False, name=None))
    unassigned = holders.frame.loc[holders.frame["team"] == team.missing, "due_soon"].sum()
    risky = risk.value(at_risk) or 0
    text = f"{words.plural(n, 'request')} {'runs' if n == 1 else 'run'} out of time within three working days"
    if parts[0][0] in ("today", "1 working day"):
        last = context.clock.as_of_on or context.clock.last_on  # a brief is read on another day than the data ends
        when = f"still on {c.day(last)}" if parts[0][0] == "today" else "within one"
        text += f", **{c.count(parts[0][1])}** of them {when}"
    text += f"; {words.plural(unassigned, 'has', 'have')} nobody assigned yet." if unassigned else "."
    text += (
        f" **{c.count(risky)}** {'is' if risky == 1 else 'are'} at risk: a day or a fifth of the promise is left."
        if risky
        else ""
    )
    due = to_local(rows.frame["due_at"], context.city.tz)
    lines = []
    for at, (_, row) in zip(due, rows.frame.iterrows(), strict=True):
        moment = pd.Timestamp(at)
        left = html.B(_time_left(row["remaining_business_s"]))
        when = f"{moment:%a} {moment.day} {moment:%b}, {moment:%H:%M}"
        lines.append([c.twin(left, when), _number(row), _type(row, context), _where(row), _holder(row)])
    columns = [
        c.Column("Time left"), c.Column("Request"), c.Column("Type"), c.Column("Where", on_phone=False),
        c.Column("Held by"),
    ]  # fmt: skip
    table = c.table(columns, lines, caption="Requests by the working time left of their promise")
    body = html.Div([c.segments([(name.replace("working ", ""), count) for name, count in parts]), table])
    foot = words.foot(
        _whole_list(due_soon, n, "due_at", context),
        f"the {len(lines)} with the least working time left" if n > len(lines) else "",
        f"at the last data received, {_moment(context)}",
    )  # fmt: skip
    return Drawing(c.sentence(text), body=body, foot=foot)


_LEFT = ("due_at", "remaining_business_s")


def _moment(context: Context) -> str:
    moment = pd.Timestamp(to_local(np.array([context.clock.as_of], "datetime64[us]"), context.city.tz)[0])
    return f"{moment.day} {moment:%b %Y, %H:%M}"


def draw_lateness(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """How late the overdue are, by department."""
    frame = answers[0].frame
    frame = frame[frame["overdue"] > 0]
    if frame.empty:
        return words.nothing("Nothing was overdue", context)
    totals = frame.groupby("department")["overdue"].sum().sort_values(ascending=False, kind="stable")
    rows = totals.index.tolist()
    table = frame.groupby(["department", "lateness"])["overdue"].sum().unstack(fill_value=0)
    grid = table.reindex(index=rows, columns=list(LATE_BANDS), fill_value=0).to_numpy(float)
    told = [i for i, name in enumerate(rows) if name in context.selected] or list(range(len(rows)))
    n, just, long = grid[told].sum(), grid[told, :2].sum(), grid[told, -1]
    of = f"{words.listed([rows[i] for i in told])}: of" if len(told) < len(rows) else "Of"
    text = f"{of} **{c.count(n)}** overdue requests **{c.share(just / n, 0)}** are at most a week late"
    if long.sum():
        most = int(long.argmax())
        part = f", **{c.count(long[most])}** of them at {rows[told[most]]}" if len(told) > 1 else ""
        text += f" and **{c.count(long.sum())}** more than 90 days{part}"
    body = tables.heat_table(rows, grid, LATE_BANDS, context, department, "Overdue requests by how late they are")
    foot = words.foot(
        tables.ramp("few", "half of the row or more"),
        f"days past due at the end of {_end_of(context)}",
    )
    return Drawing(c.sentence(text + "."), body=body, foot=foot)


_WAITED = ("opened_at", "due_at", "promise_s")


def _waited(rows: Rows, context: Context) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days open and days late at the end of the period, and the age in multiples of the promise."""
    end = np.datetime64(_last_day(context.filters.period, context))
    opened_on, due_on = (civil_date(rows.frame[name], context.city.tz) for name in ("opened_at", "due_at"))
    days, late = ((end - on).astype(float) for on in (opened_on, due_on))
    late = np.where(np.isnat(due_on), np.nan, late)
    promise = rows.frame["promise_s"].to_numpy(float) / 86400
    with np.errstate(divide="ignore", invalid="ignore"):
        return days, late, np.where(promise > 0, days / promise, np.nan)


def _times(multiple: float) -> Any:
    if multiple != multiple:
        return c.tag("no promise")
    return c.tag(f"{multiple:,.1f}{c.NBSP}×" if multiple < 100 else "over 99 ×", "bad" if multiple > 3 else "")


def draw_latest(answers: tuple[Answer | Rows | None, ...], context: Context) -> Drawing:
    """The requests that are longest past their promise."""
    rows = answers[0]
    if not len(rows.frame):
        return words.nothing("Nothing was overdue", context)
    _, late, multiples = _waited(rows, context)
    lines = [
        [_number(row), _type(row, context), _where(row), c.count(days), _times(times), _holder(row)]
        for (_, row), days, times in zip(rows.frame.iterrows(), late, multiples, strict=True)
    ]
    columns = [
        c.Column("Request"), c.Column("Type"), c.Column("Where", on_phone=False),
        c.Column("Days late", is_number=True), c.Column("Of promise", is_number=True),
        c.Column("Held by", on_phone=False),
    ]  # fmt: skip
    text = f"The first {len(lines)} of **{c.count(rows.n)}** are **{c.count(late[-1])}** to **{c.count(late[0])}** "
    if len(lines) == 1 or late[0] == late[-1]:
        text = f"The first {len(lines)} of **{c.count(rows.n)}** " if len(lines) > 1 else "It is "
        text += ("are " if len(lines) > 1 else "") + f"**{c.count(late[0])}** "
    body = c.table(columns, lines, caption="Overdue requests, the latest first")
    foot = words.foot(_whole_list(overdue, rows.n, "due_at", context), "the earliest due first")
    points = tuple(
        (
            [f"{row['public_id']}, {_kind(row)}: ", *c.sentence(words.plural(days, "day")), f" late, {_held(row)}"],
            _page(row),
        )
        for (_, row), days in zip(rows.frame.head(POINTS).iterrows(), late, strict=False)
    )
    return Drawing(c.sentence(text + "days past due."), body=body, foot=foot, points=points)


def draw_oldest(answers: tuple[Answer | Rows | None, ...], context: Context) -> Drawing:
    """The ten open requests that were opened first."""
    rows = answers[0]
    if not len(rows.frame):
        return words.nothing("Nothing was open", context)
    days, _, multiples = _waited(rows, context)
    lines = [
        [_number(row), _type(row, context), _where(row), html.B(c.count(age)), _times(times), _holder(row)]
        for (_, row), age, times in zip(rows.frame.iterrows(), days, multiples, strict=True)
    ]
    columns = [
        c.Column("Request"), c.Column("Type"), c.Column("Where", on_phone=False), c.Column("Days", is_number=True),
        c.Column("Of promise", is_number=True), c.Column("Held by", on_phone=False),
    ]  # fmt: skip
    far = int((multiples > 3).sum())
    span = f"**{c.count(days[-1])}** to **{c.count(days[0])}**" if days[-1] < days[0] else f"**{c.count(days[0])}**"
    who = f"The {len(lines)} oldest have" if len(lines) > 1 else "The oldest has"
    text = f"{who} waited {span} days; **{far}** {'is' if far == 1 else 'are'} past three times the promise."
    body = c.table(columns, lines, caption="The oldest open requests")
    foot = words.foot(_whole_list(backlog, rows.n, "opened_at", context), "days since it was first opened")
    return Drawing(c.sentence(text), body=body, foot=foot)


_STANDING = Query((backlog, overdue))

VIEW = View(
    name="backlog",
    title="Backlog",
    question="What is waiting, how old is it, and who has it?",
    order=40,
    panels=(
        Panel(
            "strip",
            "Where do we stand?",
            (
                _STANDING,
                Over(Query((backlog,)), day_before),
                Compared(_STANDING),
                Over(Query((closed,), every="week"), last_whole_weeks(WEEKS)),
                Query((backlog,), by=(promise_band,)),
                Over(Query((due_soon, at_risk)), last_day),
            ),
            draw_strip,
            width=12,
            kind="strip",
            height=88,
        ),
        Panel(
            "bridge",
            "What moved the backlog?",
            (
                Over(Query((backlog,)), day_before),
                Accounted(Query((opened, taken_in, reopened, moved_in, moved_out, closed))),
                Query((backlog,)),
            ),
            draw_bridge,
        ),
        Panel(
            "trend",
            "How much work is waiting?",
            (Query((backlog, overdue), every="auto"),),
            draw_trend,
            selects="period",
        ),
        Panel(
            "ages",
            "How old is it, and whose?",
            (
                Query((backlog, overdue), by=(department,)),
                Query((backlog,), by=(department, age_band)),
                Query((backlog,), by=(department, promise_band)),
                Compared(Query((backlog,), by=(department, age_band))),
            ),
            draw_ages,
            width=12,
            selects=department,
            height=384,
        ),
        Panel(
            "soon",
            "What falls due in the next three working days?",
            (
                Over(Query((due_soon,), by=(due_in,)), last_day),
                Over(Query((at_risk,)), last_day),
                Over(Query((due_soon,), by=(team,)), last_day),
                Over(Listing(due_soon, ("remaining_business_s",), SOON, columns=(*LISTED, *_LEFT)), last_day),
            ),
            draw_soon,
            width=12,
            height=480,
            needs=Permission.LIST_REQUESTS,
            about=("promises",),
        ),
        Panel(
            "lateness",
            "How late are the overdue?",
            (Query((overdue,), by=(department, lateness)),),
            draw_lateness,
            width=7,
            selects=department,
            height=480,
            about=("promises",),
        ),
        Panel(
            "flow",
            "Are we keeping up?",
            (Over(Query((taken_in, reopened, moved_in, moved_out, closed), every="month"), MONTHS),),
            draw_flow,
            width=5,
            selects="period",
            height=320,
        ),
        Panel(
            "latest",
            "Which are most overdue?",
            (Listing(overdue, ("due_at",), LATEST, columns=(*LISTED, *_WAITED)),),
            draw_latest,
            width=12,
            height=480,
            needs=Permission.LIST_REQUESTS,
            about=("promises",),
        ),
        Panel(
            "holders",
            "Who is holding them?",
            (Query((backlog, overdue), by=(team,)), Compared(Query((backlog, overdue), by=(team,)))),
            draw_holders,
            width=12,
            selects=team,
            height=384,
        ),
        Panel(
            "oldest",
            "Which have waited longest?",
            (Listing(backlog, ("opened_at",), OLDEST, columns=(*LISTED, *_WAITED)),),
            draw_oldest,
            width=12,
            height=384,
            needs=Permission.LIST_REQUESTS,
        ),
    ),
)
