"""Whether calls are resolved the first time: what agents record, and whether their callers came back.

Two measures of one question that must not be mixed: they stand beside each other, each under its own name.

Source: measures reference, A12 (a and b). Pure: answers in, drawings out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dashboard.domain.filters import Period
from dashboard.domain.intervals import wilson
from dashboard.domain.stretches import lately
from data_access.dimensions import reason
from data_access.measures.contacts import (
    RETURNED_WITHIN_DAYS,
    answered_caller_unknown,
    came_back,
    came_back_share,
    first_contact_resolution,
    resolution_no_repeat,
)
from data_access.semantics import Answer
from layouts import components as c
from layouts.figures import events, series, words
from layouts.figures.series import Line
from layouts.figures.steps import steps_of
from layouts.view import Context, Drawing

LISTED, NAMED = 12, 3
FOLLOWED = came_back_share.under.name
SHARES = (resolution_no_repeat, first_contact_resolution)


def by_reason(answers: tuple[Answer | None, ...], context: Context, during: Period) -> Drawing:
    """For each reason how many calls come back, surest first, beside how many agents recorded as resolved.

    The answers are asked of the days `during`, which are followed by a whole week.
    """
    now, before = answers
    assert now is not None
    frame = now.frame
    unknown = frame[answered_caller_unknown.name].sum() if len(frame) else 0
    known = frame[frame[FOLLOWED] > 0]
    n, back = (float(known[one].sum()) for one in (FOLLOWED, came_back.name))
    if not n:
        return _nobody_known(unknown, context)
    enough = known[(known[FOLLOWED] >= words.FEW) | known[reason.name].isin(context.selected)]
    low, high = wilson(enough[came_back.name], enough[FOLLOWED])[1:]
    enough = enough.assign(low=low, high=high).sort_values(["low", FOLLOWED], ascending=False, kind="stable")
    kept = (np.arange(len(enough)) < LISTED) | enough[reason.name].isin(context.selected)
    shown = enough[kept].reset_index(drop=True)
    earlier, all_earlier = _earlier(before)
    columns = [
        c.Column(reason.label), c.Column("Come back", True), c.Column("Calls", True, False),
        *([c.Column("Points", True, False)] if earlier is not None else []),
        c.Column(c.twin("Resolved", "as agents record it"), True),
    ]  # fmt: skip
    lines = [_line(row, earlier, context) for row in shown.to_dict("records")]
    at = [i for i, name in enumerate(shown[reason.name]) if name in context.selected]
    body = c.table(columns, lines, caption="Calls that come back, by reason", selected=at)
    text = (
        f"After **{c.share(back / n)}** of {_calls(n)} the same person got in touch about the same within "
        f"{RETURNED_WITHIN_DAYS} days"
    )
    moved = words.points(back / n, all_earlier, replace(context, filters=context.filters.during(during)))
    text += f", {moved}." if moved else "."
    sure = shown[(shown["low"] > back / n) & (shown[FOLLOWED] >= words.FEW)]
    if len(sure):
        first = sure.iloc[0]
        text += f" Surely more come back about {words.listed(sure[reason.name].tolist(), NAMED)}"
        said = first[first_contact_resolution.name]
        if first[first_contact_resolution.under.name] >= words.FEW:
            text += (
                f": of calls about {first[reason.name]} **{c.share(first[came_back_share.name])}**, though agents "
                f"recorded **{c.share(said)}** as resolved"
            )
        text += "."
    hidden, more = len(known) - len(enough), len(enough) - len(shown)
    foot = words.foot(
        "Second line: 95 % interval; surest first", _of_calls(n, unknown), _days(during, context),
        f"{more} more in the table" if more else "",
        f"{hidden} with fewer than {words.FEW} left out" if hidden else "",
    )  # fmt: skip
    return Drawing(c.sentence(text), body=body, foot=foot)


def _earlier(before: Answer | None) -> tuple[dict[str, float] | None, float | None]:
    """The share that came back in the days compared with, by reason where there were enough calls, and of all.

    None of either without such days.
    """
    if before is None:
        return None, None
    if not len(before.frame):
        return {}, None
    rows = before.frame[[reason.name, came_back.name, FOLLOWED]]
    n = rows[FOLLOWED].sum()
    each = {name: over / of for name, over, of in rows.itertuples(index=False) if of >= words.FEW}
    return each, float(rows[came_back.name].sum() / n) if n else None


def _line(row: dict, earlier: dict[str, float] | None, context: Context) -> list:
    over, under = row[came_back.name], row[FOLLOWED]
    interval = f"{100 * row['low']:.1f}–{100 * row['high']:.1f}"
    moved = []
    if earlier is not None:
        then = earlier.get(row[reason.name])
        moved = [words.signed_points(over / under - then) if then is not None and under >= words.FEW else c.NOTHING]
    said, told = row[first_contact_resolution.name], row[first_contact_resolution.under.name]
    return [
        c.toggle(row[reason.name], context.filters, reason.name, row[reason.name]),
        c.twin(c.share(over / under), interval) if under >= words.FEW else "too few", c.count(under),
        *moved, c.share(said) if told >= words.FEW else "too few" if told else c.NOTHING,
    ]  # fmt: skip


def along_time(answers: tuple[Answer | None, ...], context: Context, during: Period) -> Drawing:
    """Both shares in the whole steps of lately, and as they are in the days chosen, or rather those `during`."""
    along, now = answers
    assert along is not None and now is not None
    n, unknown = now.value(FOLLOWED) or 0, now.value(answered_caller_unknown) or 0
    steps = steps_of(along, lately(context.filters.period, context.clock), context.clock)
    steps = steps.only(np.flatnonzero(steps.is_whole))
    followed, said = (len(steps) and steps.values(one.under.name).sum() for one in SHARES)
    if not n and not followed:
        return _nobody_known(unknown, context)
    text = "No calls of the days chosen are old enough to tell whether they came back."
    if n:
        text = _both_said(now)
    notes = (_of_calls(n, unknown), _days(during, context), "agents’ word is of all calls they took")
    if not followed:
        return Drawing(c.sentence(text), foot=words.foot("", *notes), is_empty=True)
    named = (("not back", "series"), ("agents say", "cat-4"))[: 2 if said else 1]
    lines = [
        Line(one.name, name, token, over=one.over.name, under=one.under.name)
        for one, (name, token) in zip(SHARES, named, strict=False)
    ]
    figure = series.lines(steps, lines, "Share of calls answered", share_axis=True)
    events.shade(figure, steps, context.events)
    key = c.key(("series", "nobody came back"), *([("cat-4", "agents say resolved")] if said else []))
    foot = words.foot(key, *notes, f"line: whole {steps.every}s", events.told(figure))
    return Drawing(c.sentence(text), figure, foot=foot)


def _both_said(now: Answer) -> str:
    text = (
        f"After **{c.share(now.value(resolution_no_repeat))}** of {_calls(now.value(FOLLOWED))} nobody came back "
        f"about the same within {RETURNED_WITHIN_DAYS} days"
    )
    said = now.value(first_contact_resolution)
    return (
        f"{text}; agents recorded **{c.share(said)}** of their calls as resolved." if said is not None else f"{text}."
    )


def _calls(n: float) -> str:
    return words.plain(words.plural(n, "call"))


def _of_calls(n: float, unknown: float) -> str:
    of = f"n = {c.count(n)} of {c.count(n + unknown)} calls answered"
    return f"{of}; of {c.count(unknown)} nobody recorded who called, or why" if unknown else of


def _days(during: Period, context: Context) -> str:
    """Which calls are told of, where those are not of the days chosen."""
    if during == context.filters.period:
        return ""
    return f"calls of {during.sentence()}: of the last {RETURNED_WITHIN_DAYS} days nobody knows yet"


def _nobody_known(unknown: float, context: Context) -> Drawing:
    if not unknown:
        return words.no_contacts(context)
    why = (
        f"{context.city.name}’s data does not tell who called and why (person_key and reason of a contact): whether "
        f"callers came back after {c.count(unknown)} calls nobody can tell."
    )
    return Drawing(sentence=c.empty(why), is_empty=True)
