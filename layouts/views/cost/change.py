"""Why the cost changed from one fiscal year to the next: volume, prices in general, and what each came to cost."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from dashboard.domain.costs import Split, marginal, risen, split
from dashboard.domain.filters import Period
from dashboard.domain.fiscal_years import part_before, year_back
from data_access.dimensions import department
from data_access.measures.costs import (
    centre_loaded,
    centre_on_events,
    contacts_handled,
    spent,
    spent_on_events,
    work_done,
)
from data_access.semantics import Answer, Query
from layouts import components as c
from layouts import html
from layouts.figures import comparisons, words
from layouts.figures.comparisons import Move
from layouts.view import Context, Drawing, Over
from layouts.views.cost import asked


def _questions(cost: Query, work: Query, *, contacts: bool) -> tuple[Over, ...]:
    years = (year_back(0, contacts=contacts), year_back(1, contacts=contacts))
    return (*(Over(cost, year) for year in years), Over(work, part_before(one_year=True, contacts=contacts)))


CENTRE = _questions(
    Query((centre_loaded, centre_on_events, contacts_handled)), Query((contacts_handled,)), contacts=True
)
DEPARTMENTS = _questions(
    Query((spent, spent_on_events, work_done), by=(department,)), Query((work_done,), by=(department,)), contacts=False
)


class Change(NamedTuple):
    """A cost in two years, with the volume it is divided by, and what was spent once on city events."""

    before: float
    """To the same day of the year before: that year's cost of each, times the volume to that day."""
    after: float
    volume_before: float
    volume_after: float
    events_before: float
    events_after: float

    @property
    def usual_before(self) -> float:
        """Without events."""
        return self.before - self.events_before

    @property
    def usual_after(self) -> float:
        """Without events."""
        return self.after - self.events_after

    def split(self, times: float | None) -> Split | None:
        """Without what was spent on events."""
        return split(self.usual_before, self.usual_after, self.volume_before, self.volume_after, times or 1.0)


def changed(now: tuple[float, float, float], was: tuple[float, float, float], volume_then: float) -> Change:
    """From (cost, of it on events, volume) of two years, and the volume to the same day of the earlier one.

    The books do not tell what was spent by that day: each is taken at what it cost in that whole year. Events count in
    full. Of two whole years this is what was spent.
    """
    cost, events, volume = was
    usual = (cost - events) / volume * volume_then if volume else cost - events
    return Change(usual + events, now[0], volume_then, now[2], events, now[1])


class _Years(NamedTuple):
    now: Period
    was: Period
    times: float | None


def _years(context: Context, *, contacts: bool) -> _Years | None:
    now, was = (year_back(n, contacts=contacts)(context.filters.period, context.clock) for n in (0, 1))
    if now is None or was is None:
        return None
    return _Years(now, was, risen(context.money.prices, was, now))


def _no_year_before(context: Context, *, contacts: bool) -> Drawing:
    if asked.years_of(context, contacts=contacts) is None:
        return asked.nothing(context, contacts=contacts)
    why = "A change takes two fiscal years with their budget lines and all of their work; the data holds one of them."
    return Drawing(sentence=c.empty(why), is_empty=True)


def _moves(one: Change, found: Split, times: float | None, things: str) -> list[Move]:
    moves = [Move(f"More<br>{things}" if found.volume >= 0 else f"Fewer<br>{things}", found.volume)]
    if times is not None:
        moves.append(Move("Prices in<br>general", found.prices))
    moves.append(Move("Own cost<br>of each", found.own))
    if one.events_before or one.events_after:
        moves.append(Move("City<br>events", one.events_after - one.events_before))
    return moves


def _bridge(one: Change, years: _Years, things: str, each: str, context: Context) -> Drawing | None:
    found = one.split(years.times)
    if found is None:
        return None
    names = [asked.named(period, context) for period in (years.was, years.now)]
    first = f"{names[0]}<br>same part" if years.now.is_partial else names[0]
    last = f"{names[1].removesuffix(' to date')}<br>to date" if years.now.is_partial else names[1]
    moves = _moves(one, found, years.times, things)
    say = partial(c.money, currency=context.city.currency)
    unit = "Full cost" if things == "contacts" else "Spent"
    figure = comparisons.bridge(
        (first, one.before), moves, (last, one.after), unit, say, c.sign_of(context.city.currency)
    )
    figure["data"][0]["name"] = "difference"
    u0, u1 = one.usual_before / one.volume_before, one.usual_after / one.volume_after
    text = (
        f"**{asked.change(one.after - one.before, context)}** on {'the same part of ' if years.now.is_partial else ''}"
        f"{names[0]}: **{asked.change(found.volume, context)}** for {'more' if found.volume >= 0 else 'fewer'} {things}"
    )
    if years.times is not None:
        moved = "rose" if years.times >= 1 else "fell"
        text += f", **{asked.change(found.prices, context)}** as prices in general {moved} by "
        text += c.share(abs(years.times - 1))
    text += f", **{asked.change(found.own, context)}** because each {each} cost "
    text += f"{'more' if found.own >= 0 else 'less'}{' beyond that' if years.times is not None else ''}"
    events = one.events_before or one.events_after
    text += f" ({'city events left out, ' if events else ''}{asked.cost(u0, context)} then, "
    text += f"{asked.cost(u1, context)} now)"
    if events:
        text += (
            f". Without what was spent on city events the change is "
            f"**{asked.change(one.usual_after - one.usual_before, context)}**"
        )
    foot = words.foot(
        f"n = {c.count(one.volume_before)} then, {c.count(one.volume_after)} now",
        f"what {names[0]} had cost by that day: its cost of each × {things} by then" if years.now.is_partial else "",
        "" if years.times is not None else "no index of prices for both years: cost_index",
    )
    return Drawing(c.sentence(text + "."), figure, foot=foot)


def draw_centre(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The contact centre's cost from one year to the next."""
    now, was, then = answers
    years = _years(context, contacts=True)
    if now is None or was is None or then is None or years is None:
        return _no_year_before(context, contacts=True)

    def of(answer: Answer) -> tuple[float, float, float]:
        return tuple(answer.value(one) or 0.0 for one in (centre_loaded, centre_on_events, contacts_handled))  # type: ignore[return-value]

    one = changed(of(now), of(was), then.value(contacts_handled) or 0.0)
    drawn = _bridge(one, years, "contacts", "contact", context) if one.before and one.after else None
    return drawn or asked.nothing(context, contacts=True)


def _by_department(answers: tuple[Answer | None, ...]) -> dict[str, Change]:
    """Departments with costs and work in both years, those that spend most first."""
    now, was, then = answers
    assert now is not None and was is not None and then is not None

    def of(answer: Answer) -> dict[str, tuple[float, float, float]]:
        rows = answer.frame[["department", "spent", "spent_on_events", "work_done"]].itertuples(index=False, name=None)
        return {name: (cost, events, volume) for name, cost, events, volume in rows}

    before, volumes = of(was), dict(zip(then.frame["department"], then.frame["work_done"], strict=True))
    found = {
        name: changed(told, before[name], float(volumes[name]))
        for name, told in of(now).items()
        if name in before and volumes.get(name) and told[2] and told[0] and before[name][0] and before[name][2]
    }
    return dict(sorted(found.items(), key=lambda one: -one[1].after))


def _together(changes: list[Change]) -> Change:
    return Change(*(sum(values) for values in zip(*changes, strict=True)))


def draw_departments(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """What departments spent from one year to the next, the chosen ones or all."""
    years = _years(context, contacts=False)
    if any(answer is None for answer in answers) or years is None:
        return _no_year_before(context, contacts=False)
    found = _by_department(answers)
    chosen = [one for name, one in found.items() if name in context.selected] or list(found.values())
    drawn = _bridge(_together(chosen), years, "closings", "closed problem", context) if chosen else None
    if drawn is None:
        return asked.nothing(context)
    if left := asked.not_followed(context, ("department",)):
        drawn.foot.append(html.Span(left))
    return drawn


def draw_table(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """The same by department, with what each one more came with."""
    years = _years(context, contacts=False)
    if any(answer is None for answer in answers) or years is None:
        return _no_year_before(context, contacts=False)
    found = _by_department(answers)
    if not found:
        return asked.nothing(context)
    lines = [_row(name, one, years, context) for name, one in found.items()]
    events = any(one.events_before or one.events_after for one in found.values())
    prices = c.Column(c.twin("Prices", "in general"), True, on_phone=False, className="wide")
    columns = [
        c.Column("Department"), c.Column(c.twin("Spent", asked.named(years.now, context)), True),
        c.Column(c.twin("Change", "events left out" if events else ""), True),
        c.Column(c.twin("Volume", "problems closed"), True, on_phone=False),
        *([prices] if years.times is not None else []),
        c.Column(c.twin("Own cost", "of each"), True, on_phone=False),
        c.Column(c.twin("Each, now", "then"), True),
        c.Column(c.twin("One more", "came with"), True, on_phone=False, className="wide"),
    ]  # fmt: skip
    at = [i for i, name in enumerate(found) if name in context.selected]
    body = c.table(columns, lines, caption="Change of spending by department", selected=at)
    splits = {name: one.split(years.times) for name, one in found.items()}
    name, most = max(((name, one) for name, one in splits.items() if one), key=lambda one: abs(one[1].change))
    text = "City events left out, " if events else ""
    text += f"**{name}** changed most, by **{asked.change(most.change, context)}**: "
    volume = "more" if most.volume >= 0 else "fewer"
    text += f"**{asked.change(most.volume, context)}** for {volume} problems closed, the rest for what each came to "
    text += "cost."
    foot = words.foot(
        "Change = volume + prices + own cost" if years.times is not None else "Change = volume + own cost",
        "all a department spends over the problems it closed: much of it pays for other work",
        "one more: change of cost ÷ change of volume, told where the volume changed by 5 % or more",
        asked.not_followed(context, ("department",)),
    )
    return Drawing(c.sentence(text), body=body, foot=foot)


def _row(name: str, one: Change, years: _Years, context: Context) -> list[Any]:
    found = one.split(years.times)
    assert found is not None  # both years have work
    events = one.events_before or one.events_after
    more = marginal(one.usual_before, one.usual_after, one.volume_before, one.volume_after)
    change, whole = (asked.change(moved, context) for moved in (found.change, one.after - one.before))
    return [
        c.toggle(name, context.filters, department.name, name),
        asked.cost(one.after, context),
        [change, html.Span(f"with them {whole}", className="sub desk")] if events else change,
        c.twin(asked.change(found.volume, context), c.signed_share(one.volume_after / one.volume_before - 1)),
        *([asked.change(found.prices, context)] if years.times is not None else []),
        asked.change(found.own, context),
        c.twin(asked.cost(one.usual_after / one.volume_after, context),
               asked.cost(one.usual_before / one.volume_before, context)),
        asked.cost(more, context) if more is None or more >= 0 else html.Span("cost fell", className="muted")
        if found.change < 0
        else html.Span("volume fell", className="muted"),
    ]  # fmt: skip
