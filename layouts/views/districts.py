"""Districts: all of them side by side, or one council district's own page, under a link that stays.

``/districts?district=4+Mill+Ward`` is the page of one; a second district is compared with it. Never a ranking:
differences come with their interval, and a number of reports is not a number of problems.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from urllib.parse import quote

import numpy as np
import pandas as pd

from dashboard.domain.filters import DAY
from dashboard.domain.intervals import difference, wilson
from dashboard.domain.stretches import day_before
from data_access.dimensions import district, hexagon_9, service_type
from data_access.measures.requests import backlog, opened, overdue, sla_compliance, time_to_close
from data_access.semantics import Answer, Query
from layouts import components as c
from layouts import html
from layouts.figures import comparisons, district_maps, events, maps, series, words
from layouts.figures.comparisons import Kept
from layouts.figures.series import Line
from layouts.figures.steps import Steps, steps_by
from layouts.view import Compared, Context, Drawing, Over, Panel, View

CAUTION = "Reports, not problems: some neighbourhoods report more"
RESOLUTION = 9
TYPES = 10
TOKENS = ("series", "cat-4", "cat-3", "cat-2", "cat-6", "cat-5")
"""The chosen district and those compared with it."""
PER = 1000
MOST_ROWS, NAMED = 30, 3
KEPT_PX = 280


def _chosen(context: Context) -> tuple[str, ...]:
    """The chosen districts; whoever sees one only is on its page already."""
    return context.filters.chosen(district.name) or (context.own[district.name] if _is_alone(context) else ())


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that lie in a district."""
    return frame[frame[district.name] != district.missing] if len(frame) else frame


def _everybody(context: Context) -> str:
    """What all rows together are called: the city, or what the viewer's rows are kept to."""
    return ", ".join(words.kept_to(context)) if context.own else "City"


def _is_alone(context: Context) -> bool:
    """Whether the viewer sees one district only, and so nothing to hold it against."""
    return len(context.own.get(district.name, ())) == 1


def _subject(context: Context) -> str:
    return _everybody(context) if context.own else "the city"


def _whose(context: Context) -> str:
    return f"all of {_everybody(context)}’s" if context.own else "the city’s"


def _rest(context: Context) -> str:
    return "the other districts" if context.own else "the rest of the city"


def _none(answer: Answer, context: Context) -> Drawing:
    """Nothing to draw: no district in the data at all, or nothing in this choice."""
    if len(answer.frame):
        why = f"{context.city.name}’s data names no districts; import their boundaries to see them side by side."
        return Drawing(sentence=c.empty(why), is_empty=True)
    return words.nothing("Nothing was opened, due or waiting", context)


def _half(row) -> str:
    """“half done in”, or why it cannot be told."""
    if row.time_to_close_n < words.FEW:
        return "too few"
    return "not reached" if row.time_to_close != row.time_to_close else c.duration(row.time_to_close)


def _range(low: float, high: float) -> str:
    """“3.0 to 3.8 days”; both with their unit where it differs, one where they are the same."""
    first, last = c.duration(low), c.duration(high)
    if first == last:
        return first
    number, _, unit = first.partition(c.NBSP)
    return (
        f"{number} to {last}" if last.endswith(f"{c.NBSP}{unit}") and last.count(c.NBSP) == 1 else f"{first} to {last}"
    )


def _per_1000(name: str, n: float, context: Context) -> float | None:
    people = context.populations.get(name)
    return PER * n / people if people else None


def _per_1000_of_all(frame: pd.DataFrame, context: Context) -> float | None:
    """As in the districts whose residents are known together: what lies in none has no residents."""
    placed = frame[frame[district.name].isin(context.populations)]
    people = sum(context.populations[name] for name in placed[district.name])
    return PER * placed["opened"].sum() / people if people else None


# ── all of them ──


def draw_sides(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Every district's four numbers in the order of their names, what lies in none and the whole city under them."""
    by, whole = answers
    every = by.frame[(by.frame["opened"] > 0) | (by.frame["backlog"] > 0) | (by.frame["due"] > 0)]
    frame = _named(every)
    if frame.empty:
        return _none(by, context)
    frame = frame.sort_values(district.name, key=lambda names: names.map(words.by_number))
    peopled = any(name in context.populations for name in frame[district.name])
    columns = [
        c.Column("District"), c.Column("Opened", is_number=True),
        *([c.Column(c.twin("per 1,000", "residents"), is_number=True, on_phone=False)] if peopled else []),
        c.Column("Promises kept", is_number=True), c.Column("95 % interval", is_number=True, on_phone=False),
        c.Column("Open", is_number=True), c.Column(c.twin("of which", "overdue"), is_number=True, on_phone=False),
        c.Column("Half done in", is_number=True, on_phone=False),
    ]  # fmt: skip

    def line(label, row, rate) -> list:
        few = row.due < words.FEW
        low, high = wilson(row.kept, row.due)[1:] if row.due else (np.nan, np.nan)
        return [
            label, c.count(row.opened),
            *([c.NOTHING if rate is None else f"{rate:,.1f}"] if peopled else []),
            "too few" if few else c.share(row.kept / row.due),
            "" if few else f"{100 * float(low):.1f}–{c.share(float(high))}",
            c.count(row.backlog), c.count(row.overdue), _half(row),
        ]  # fmt: skip

    rows = []
    for row in frame.itertuples(index=False):
        name = row.district
        choose = c.toggle(name, context.filters, district.name, name)
        rows.append(line(choose, row, _per_1000(name, row.opened, context)))
    rows += [
        line(words.capital(row.district), row, None)
        for row in every[every[district.name] == district.missing].itertuples(index=False)
    ]
    total = next(whole.frame.itertuples(index=False))
    if not _is_alone(context):
        rows.append(line(html.B(_everybody(context)), total, _per_1000_of_all(frame, context)))
    at = [i for i, name in enumerate(frame[district.name]) if name in _chosen(context)]
    kept = f"kept **{c.share(total.sla_compliance)}** of its promises and " if total.due >= words.FEW else ""
    standing = f"{_subject(context)} {kept}has {words.plural(total.backlog, 'request')} open. "
    more = None
    if _is_alone(context):
        text = f"{standing}Every district is "
        more = html.A("published, side by side", href=f"/public/district/{quote(_everybody(context), safe='')}")
    elif context.selected:
        text = f"Shown below: {words.listed(list(context.selected))}. Choose another to compare; again to take it back."
    else:
        text = f"{words.plural(len(frame), 'district')}; {standing}Choose a district to see its page."
    text += _redrawn(context)
    foot = words.foot(CAUTION, "" if len(rows) == 1 else "in the order of their names: no ranking")
    body = c.table(columns, rows, caption="Districts side by side", selected=at)
    return Drawing([*c.sentence(text), *([more, "."] if more is not None else [])], body=body, foot=foot)


def _redrawn(context: Context) -> str:
    """What to know of a period in which districts were given other boundaries."""
    period = context.filters.period
    days = [f"**{c.day(one)}**" for one in context.redrawn_on if period.from_on < one < period.to_on]
    if not days:
        return ""
    return (
        f" Boundaries changed on {' and '.join(days)}: a request counts where its place lay on the day it was opened; "
        "maps show the last boundaries."
    )


# ── one of them ──


def draw_numbers(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The chosen district's four numbers, each against the rest of the city with its interval."""
    by, before, whole = answers
    frame, chosen = _named(by.frame), _chosen(context)
    if frame.empty:
        return _none(by, context)
    if not chosen:
        return _whole_city(whole, _per_1000_of_all(frame, context), context)
    name = next((one for one in chosen if one in set(frame[district.name])), None)
    if name is None:
        return words.nothing(words.plain(f"Nothing in {words.listed(list(chosen))}"), context)
    here = frame[frame[district.name] == name].iloc[0]
    rest = by.frame[by.frame[district.name] != name][["opened", "kept", "due", "backlog", "overdue"]].sum()
    n = float(here["opened"])
    part = n / (n + rest["opened"]) if n + rest["opened"] else None
    earlier = None
    if before is not None:
        old = before.frame[before.frame[district.name] == name]["opened"]
        earlier = float(old.iloc[0]) if len(old) else None
    volume = words.changed_shortly(n, earlier, context)
    rate = _per_1000(name, n, context)
    people = f"; {rate:,.1f} per 1,000 residents" if rate is not None else ""
    row = next(frame[frame[district.name] == name].itertuples(index=False))
    others = answers[0].frame
    half = others[others[district.name] != name]
    spread = half[half["time_to_close_n"] >= words.FEW]["time_to_close"].dropna()
    between = f"other districts: {_range(spread.min(), spread.max())}" if len(spread) else ""
    strip = c.strip(
        c.figure("Opened", c.count(n), "", c.sentence("; ".join(filter(None, (
            "" if _is_alone(context) else f"{c.share(part)} of {_whose(context)}", volume))) + people)),
        c.figure("Promises kept", c.share(here["kept"] / here["due"]) if here["due"] >= words.FEW else c.NOTHING, "",
                 f"of {c.count(here['due'])} that fell due" if _is_alone(context) else
                 _gap(here["kept"], here["due"], rest["kept"], rest["due"], context, good=True)),
        c.figure("Open, of which overdue", c.count(here["backlog"]), f"of which {c.count(here['overdue'])}",
                 "" if _is_alone(context) else
                 _gap(here["overdue"], here["backlog"], rest["overdue"], rest["backlog"], context, good=False,
                      what=" overdue")),
        c.figure("Half done in", _half(row), "", between),
    )  # fmt: skip
    more = [one for one in chosen if one != name]
    against = "" if _is_alone(context) else f" against {_rest(context)}"
    text = f"**{name}**{against}, {context.filters.period.sentence()}"
    text += f"; compared below with {words.listed(more)}." if more else "."
    return Drawing(c.sentence(text), body=strip)


def _whole_city(answer: Answer, per_1000: float | None, context: Context) -> Drawing:
    row = next(answer.frame.itertuples(index=False))
    strip = c.strip(
        c.figure("Opened", c.NOTHING, "", "no data was received")
        if not row.opened and context.clock.is_silent_on(context.filters.period)
        else c.figure(
            "Opened", c.count(row.opened), "", "" if per_1000 is None else f"{per_1000:,.1f} per 1,000 residents"
        ),
        c.figure("Promises kept", c.share(row.kept / row.due) if row.due >= words.FEW else c.NOTHING, "",
                 f"of {c.count(row.due)} that fell due"),
        c.figure("Open, of which overdue", c.count(row.backlog), f"of which {c.count(row.overdue)}", ""),
        c.figure("Half done in", _half(row), "", "open requests included"),
    )  # fmt: skip
    where = f"{_everybody(context)}, all districts" if context.own else "All districts"
    text = f"{where}. **Choose one** in the table or on the map to open its page."
    return Drawing(c.sentence(text), body=strip)


def _gap(k: float, n: float, others: float, of_others: float, context: Context, *, good: bool, what: str = "") -> list:
    """The difference of a share to the rest of the city in points, with its interval and what that means."""
    if min(n, of_others) < words.FEW:
        return c.sentence("too few to compare")
    value, low, high = (float(100 * x) for x in difference(k, n, others, of_others))
    said = f"{value:+.1f} points{what} ({low:+.1f} to {high:+.1f})".replace("-", c.MINUS)
    if low <= 0 <= high:
        return [c.mark("same"), f" no clear difference: {said}"]
    return [c.mark("meets" if (value > 0) == good else "misses"), f" {said} on {_rest(context)}"]


def draw_kept(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Promises kept with intervals: the chosen districts and the city, or all of them."""
    by, whole = answers
    frame = _named(by.frame)
    total = whole.value("due")
    if frame.empty or not total:
        return _none(by, context) if frame.empty else words.nothing("No promise fell due", context)
    if total < words.FEW:
        return words.nothing(words.plain(f"Only {words.plural(total, 'promise')} fell due: too few to say"), context)
    fell_due = int((frame["due"] > 0).sum())
    frame = frame[(frame["due"] >= words.FEW) | frame[district.name].isin(context.selected) & (frame["due"] > 0)]
    frame = frame.sort_values(district.name, key=lambda names: names.map(words.by_number))
    shown = frame[frame[district.name].isin(context.selected)] if context.selected else frame
    rows = [Kept(*row) for row in shown[[district.name, "kept", "due"]].itertuples(index=False, name=None)]
    city = Kept(_everybody(context), whole.value("kept"), total)
    figure = comparisons.shares_with_intervals(
        rows[:MOST_ROWS], None if _is_alone(context) else city, context.city.promise_target_share
    )
    if not rows:
        return words.nothing(f"Fewer than {words.FEW} promises fell due in each district", context)
    comparisons.of_height(figure, KEPT_PX, 20)
    text = f"{words.capital(_subject(context))} kept **{c.share(city.over / city.under)}** of its promises"
    if _is_alone(context):
        low, high = (float(x) for x in wilson(city.over, city.under)[1:])
        text += f" ({c.share(low)} to {c.share(high)})"
    elif context.selected:
        for row in rows[:2]:
            low, high = (float(x) for x in wilson(row.over, row.under)[1:])
            text += f"; {row.name} **{c.share(row.over / row.under)}** ({c.share(low)} to {c.share(high)})"
    else:
        gaps = [(row, difference(row.over, row.under, total - row.under and city.over - row.over, total - row.under))
                for row in rows if words.FEW <= row.under < total]  # fmt: skip
        below = [row.name for row, gap in gaps if float(gap.upper) < 0]
        above = [row.name for row, gap in gaps if float(gap.lower) > 0]
        text += f"; surely less in {words.listed(below, NAMED)}" if below else ""
        text += f"{', ' if below else '; surely '}more in {words.listed(above, NAMED)}" if above else ""
        text += "" if below or above else "; no district differs clearly from the others"
    target = context.city.promise_target_share
    foot = words.foot(
        "Bar: 95 % interval" + (f"; line: target {c.share(target, 0)}" if target is not None else ""),
        comparisons.break_words(figure), "" if _is_alone(context) else "request mixes differ between districts",
        f"{fell_due - len(frame)} with fewer than {words.FEW} left out" if len(frame) < fell_due else "",
    )  # fmt: skip
    return Drawing(c.sentence(text + "."), figure, foot=foot)


def draw_types(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """What a district reports most, each type's share against its share in the rest of the city."""
    frame, chosen = answers[0].frame, _chosen(context)
    named = _named(frame)
    if named.empty:
        return _none(answers[0], context)
    here = named[named[district.name].isin(chosen)] if chosen else frame
    counts = here.groupby(service_type.name)["opened"].sum()
    counts = counts[counts > 0].sort_index().sort_values(ascending=False, kind="stable")
    if counts.empty:
        return words.nothing("Nothing was opened there", context)
    total = float(counts.sum())
    rest = frame[~frame[district.name].isin(chosen)] if chosen else frame.iloc[:0]
    others = rest.groupby(service_type.name)["opened"].sum().reindex(counts.index, fill_value=0).astype(float)
    of_others = float(rest["opened"].sum())
    apart = pd.Series(dtype=float)
    if of_others >= words.FEW and total >= words.FEW:
        gap = difference(counts, total, others, of_others)
        apart = pd.Series(gap.lower, counts.index)
        apart = apart[apart > 0].sort_values(ascending=False)
    kept = [name for i, name in enumerate(counts.index) if i < TYPES or name in set(apart.index[:2])]
    rows = []
    for name in kept:
        label = c.toggle(name, context.filters, service_type.name, name)
        line = [label, c.count(counts[name]), c.share(counts[name] / total)]
        if of_others:
            share = others[name] / of_others
            line += [c.share(share), f"{counts[name] / total / share:.1f} ×" if name in apart.index and share else ""]
        rows.append(line)
    columns = [
        c.Column("Service type"), c.Column("Opened", is_number=True),
        c.Column("Share", is_number=True),
        *([c.Column("Elsewhere", is_number=True), c.Column("More often", is_number=True, on_phone=False)]
          if of_others else []),
    ]  # fmt: skip
    first = str(counts.index[0])
    text = f"**{first}** comes first with **{c.count(counts.iloc[0])}**, {c.share(counts.iloc[0] / total)} of all"
    if len(counts) == 1:
        text = f"**{c.count(total)}** opened, all of them **{first}**"
    if len(apart):
        most = str(apart.index[0])
        here_and_there = f"{c.share(others[most] / of_others)} in {_rest(context)}"
        if most == first:
            text += f", against {here_and_there}: it stands out most"
        else:
            text += f"; **{most}** stands out: {c.share(counts[most] / total)} against {here_and_there}"
    foot = words.foot(f"n = {c.count(total)} opened", CAUTION, "× where the difference is clear" if len(apart) else "")
    body = c.table(columns, rows, caption="Service types, and their share elsewhere")
    return Drawing(c.sentence(words.capital(text) + "."), body=body, foot=foot)


def _by_district(answer: Answer, names: list[str], measure: str, context: Context) -> Steps:
    """The steps of `answer` with a column for each of `names`, or of all together under ``city``."""
    steps = steps_by(answer, district.name, measure, context.filters.period, context.clock)
    if names:
        return steps
    return replace(steps, columns={"city": sum(steps.columns.values(), np.zeros(len(steps)))})


def _shown(answer: Answer, context: Context) -> list[str]:
    present = set(answer.frame[district.name]) if len(answer.frame) else set()
    return [name for name in _chosen(context) if name in present][: len(TOKENS)]


def _key(names: list[str]):
    return c.key(*zip(TOKENS, names, strict=False))


def draw_opened(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Requests opened along time, in the chosen districts or in the city."""
    answer = answers[0]
    if not len(answer.frame) or not answer.frame["opened"].sum():
        return words.nothing("Nothing was opened", context)
    names = _shown(answer, context)
    steps = _by_district(answer, names, "opened", context)
    if len(names) > 1:
        figure = series.lines(
            steps, tuple(Line(name, name, token) for name, token in zip(names, TOKENS, strict=False)),
            f"Requests {steps.each}",
        )  # fmt: skip
    else:
        figure = series.over_time(steps, names[0] if names else "city", f"Requests {steps.each}", "requests")
    events.shade(figure, steps, context.events)
    said = []
    for name in names or ["city"]:
        values = steps.values(name)
        top = int(values.argmax())
        lead = "" if not names else f"{name}: "
        most = f", most {steps.when(top)} (**{c.count(values[top])}**)" if len(steps) > 1 and values.any() else ""
        said.append(f"{lead}**{c.count(values.sum())}** came in{most}")
    key = _key(names) if len(names) > 1 else series.key_of(figure)
    foot = words.foot(key, events.told(figure), CAUTION)
    return Drawing(c.sentence("; ".join(said) + "."), figure, foot=foot)


def draw_open(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Open requests along time: of which overdue for one district or the city; a line each where several are chosen."""
    answer, start = answers
    if not len(answer.frame) or not answer.frame["backlog"].sum():
        return words.nothing("Nothing was open", context)
    names = _shown(answer, context)
    if len(names) > 1:
        steps = _by_district(answer, names, "backlog", context)
        figure = series.lines(
            steps, tuple(Line(name, name, token) for name, token in zip(names, TOKENS, strict=False)),
            f"Open at the end of the {steps.every}", written=lambda number: c.count(number),  # as it was, not its mean
        )  # fmt: skip
        text = "; ".join(f"{name}: **{c.count(steps.values(name)[-1])}** open" for name in names)
        return Drawing(c.sentence(text + "."), figure, foot=words.foot(_key(names), events.told(figure)))
    own = names[0] if names else "city"
    steps, late = (_by_district(answer, names, measure, context) for measure in ("backlog", "overdue"))
    steps = replace(steps, columns={"backlog": steps.values(own), "overdue": late.values(own)})
    figure = series.of_which(
        steps, Line("backlog", "open"), Line("overdue", "overdue", "overdue"), f"Open at the end of the {steps.every}"
    )
    events.shade(figure, steps, context.events)
    standing, late = steps.values("backlog"), steps.values("overdue")
    before, since = start.frame, context.filters.period.from_on - DAY
    change = standing[-1] - (before[before[district.name] == own] if names else before)["backlog"].sum()
    text = f"**{c.count(standing[-1])}** open, of which **{c.count(late[-1])}** overdue; "
    text += f"{c.signed(change) if change else 'as many as'} {'since' if change else 'on'} {c.day(since)}."
    foot = words.foot(c.key(("series", "open"), ("overdue", "of which overdue")), events.told(figure))
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_map(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Promises kept by district, to choose one; or where the open requests of the chosen district lie."""
    by, cells = answers
    frame = _named(by.frame)
    if frame.empty:
        return _none(by, context)
    names = [str(name) for name in frame[district.name]]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(frame["due"] >= words.FEW, frame["kept"] / frame["due"].where(frame["due"] > 0), np.nan)
    hover = [
        f"<b>{name}</b><br>{c.share(s)} of {c.count(n)} promises kept<br>{c.count(b)} open"
        for name, s, n, b in zip(names, shares, frame["due"], frame["backlog"], strict=True)
    ]
    places = cells.frame[cells.frame[hexagon_9.name] != hexagon_9.missing] if len(cells.frame) else cells.frame
    if _chosen(context):
        return _where_open(places, names, hover, context)
    if places.empty:
        return words.nothing("Nothing open has a place", context)
    view = maps.fitted(sorted(set(places[hexagon_9.name])), district_maps.HEIGHT_PX)
    figure = district_maps.by_share(names, shares, hover, context.build_id, view)
    known = shares[np.isfinite(shares)]
    text = "Too few promises fell due to colour the districts; click one to open its page."
    if len(known):
        between = f"Between **{c.share(known.min())}** and **{c.share(known.max())}**"
        kept = between if len(known) > 1 else f"**{c.share(known[0])}**"
        text = f"{kept} of promises were kept. Click a district to open its page."
    key = c.key(*district_maps.class_words(shares))
    return Drawing(c.sentence(text), figure, foot=words.foot(key, "promises kept; intervals beside the map"))


def _where_open(places: pd.DataFrame, names: list[str], hover: list[str], context: Context) -> Drawing:
    inside = places[places[district.name].isin(_chosen(context))] if len(places) else places
    counts = inside.groupby(hexagon_9.name)["backlog"].sum() if len(inside) else pd.Series(dtype=float)
    counts = counts[counts > 0].sort_index().sort_values(ascending=False, kind="stable")
    if counts.empty:
        return words.nothing("Nothing open there has a place", context)
    values = counts.to_numpy(float)
    said = [f"<b>{c.count(n)} open</b><br>hexagon of about 0.1 km²" for n in values]
    figure = district_maps.with_hexagons(
        names, _chosen(context), hover, list(counts.index), values, said, context.build_id, RESOLUTION
    )
    limits = maps.classes_of(values)
    key = c.key(*((token, f"{text} ({c.count(n)})") for token, text, n in maps.class_words(limits, values)))
    last = min(context.filters.period.to_on, context.clock.end_on) - DAY
    text = (
        f"{words.plural(values.sum(), 'request with a place is', 'requests with a place are')} open, "
        f"in {words.plural(len(values), 'hexagon')}."
    )
    more = "" if _is_alone(context) else "click another district to compare"
    foot = words.foot(key, f"open at the end of {c.day(last)}", more)
    return Drawing(c.sentence(text), figure, foot=foot)


_FOUR = (opened, sla_compliance, backlog, overdue, time_to_close)
_NUMBERS, _CITY = Query(_FOUR, by=(district,)), Query(_FOUR)

_panel = partial(Panel, about=("districts",))

VIEW = View(
    name="districts",
    title="Districts",
    question="How is my district served?",
    order=60,
    panels=(
        _panel(
            "numbers", "How is this district served?", (_NUMBERS, Compared(Query((opened,), by=(district,))), _CITY),
            draw_numbers, width=12, kind="strip", selects=district, height=88,
        ),
        _panel(
            "sides", "How do the districts stand side by side?",
            (_NUMBERS, _CITY), draw_sides, width=12,
            selects=district, height=384,
        ),
        _panel(
            "types", "What is reported most?", (Query((opened,), by=(district, service_type)),), draw_types,
            selects=district, height=384,
        ),
        _panel(
            "map", "How does it look on the map?",
            (Query((sla_compliance, backlog), by=(district,)), Query((backlog,), by=(hexagon_9, district))), draw_map,
            selects=district, height=384, about=("districts", "points"),
        ),
        _panel(
            "kept", "Are promises kept?",
            (Query((sla_compliance,), by=(district,)), Query((sla_compliance,))), draw_kept, width=4, selects=district,
            height=280, about=("districts", "promises"),
        ),
        _panel(
            "opened", "How many requests came in?", (Query((opened,), by=(district,), every="auto"),), draw_opened,
            width=4, selects="period", height=280,
        ),
        _panel(
            "open", "How many are open?",
            (Query((backlog, overdue), by=(district,), every="auto"),
             Over(Query((backlog,), by=(district,)), day_before)), draw_open, width=4, selects="period", height=280,
        ),
    ),
)  # fmt: skip
