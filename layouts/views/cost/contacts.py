"""What a contact costs, each definition in a row of its own, and what other cities told."""

from __future__ import annotations

from typing import Any, NamedTuple

from dashboard.domain.costs import price_level, risen
from dashboard.domain.filters import Period
from dashboard.domain.fiscal_years import year_back
from dashboard.domain.published_costs import PUBLISHED
from data_access.measures import CATALOGUE
from data_access.measures.contacts import handle_time
from data_access.measures.costs import (
    centre_loaded,
    centre_on_events,
    contacts_handled,
    contacts_settled,
    cost_per_resolution,
    direct_cost_per_call,
    direct_cost_per_contact,
    loaded_cost_per_contact,
    pay_per_contact,
    standard_cost_elsewhere,
    work_costed,
    work_done,
)
from data_access.semantics import Answer, Query, Ratio
from layouts import components as c
from layouts import html
from layouts.figures import words
from layouts.view import Context, Drawing, Over
from layouts.views.cost import asked

WAYS: tuple[tuple[Ratio, str, str], ...] = (
    (pay_per_contact, "salaries only", "salaries ÷ contacts on any channel, web and app too"),
    (direct_cost_per_call, "direct", "pay, contracts and supplies ÷ calls answered"),
    (direct_cost_per_contact, "direct", "the same ÷ contacts handled by staff"),
    (loaded_cost_per_contact, "full", "with indirect cost and capital ÷ contacts handled by staff"),
    (cost_per_resolution, "full", "the same ÷ calls resolved at first contact"),
)
ALL = Query((*(ratio for ratio, _, _ in WAYS), handle_time, centre_on_events))
ENTIRE = Query((centre_loaded, contacts_handled, contacts_settled, standard_cost_elsewhere, work_done, work_costed))
QUESTIONS = tuple(Over(query, year_back(n, contacts=True)) for n in range(asked.YEARS) for query in (ALL, ENTIRE))


class Entire(NamedTuple):
    """The cost of the entire interaction in a year (measures E3)."""

    cost: float
    completed: float
    contacts: float
    unknown: float
    """Of the problems closed, the share without a standard: their work counts as nothing."""

    @property
    def each(self) -> float | None:
        """The cost of one; None where nothing was brought to an end."""
        return self.cost / self.completed if self.completed else None


def entire_of(answer: Answer) -> Entire:
    """What the contact centre and the work behind it cost, and how many matters were brought to an end."""
    number = {one.name: answer.value(one) or 0.0 for one in ENTIRE.measures}
    cost = number["centre_loaded"] + number["standard_cost_elsewhere"]
    done = number["work_done"]
    unknown = 1 - number["work_costed"] / done if done else 0.0
    return Entire(cost, done + number["contacts_settled"], number["contacts_handled"], unknown)


class _Year(NamedTuple):
    period: Period
    told: Answer
    entire: Entire


def _years(answers: tuple[Answer | None, ...], context: Context) -> list[_Year]:
    """The fiscal years that have a cost, the earliest first."""
    found = []
    for n in range(asked.YEARS):
        period = year_back(n, contacts=True)(context.filters.period, context.clock)
        told, entire = answers[2 * n], answers[2 * n + 1]
        if period is None or told is None or entire is None:
            break
        if told.value("centre_direct"):
            found.append(_Year(period, told, entire_of(entire)))
    return found[::-1]


def draw_contact(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """Each way to count in a row, each year in a column; nothing is drawn on one axis with another definition."""
    years = _years(answers, context)
    if not years:
        books = asked.nothing(context, contacts=True)
        if asked.years_of(context, contacts=True) is None:
            return books
        why = (
            "No budget line is marked as the contact centre’s. Mark those that pay for answering contacts "
            "(is_contact_centre, docs/importing.md)."
        )
        return Drawing(sentence=c.empty(why), is_empty=True)
    last = years[-1]
    in_prices = {year.period: risen(context.money.prices, year.period, last.period) for year in years[:-1]}
    lines = []
    for ratio, badge, said in WAYS:
        values = [year.told.value(ratio) for year in years]
        n = _n(last.told.value(ratio.under))
        lines.append(_line(ratio.label, badge, f"{said}; {n}", values, years, in_prices, context))
    each = [year.entire.each for year in years]
    said = f"contact centre and work behind it ÷ matters brought to an end; {_n(last.entire.completed)}"
    lines.append(_line("Cost of the entire interaction", "entire", said, each, years, in_prices, context))
    body = c.table(
        [
            c.Column("Way to count"),
            *(c.Column(asked.named(year.period, context), True, on_phone=year is last) for year in years),
            c.Column("", on_phone=False),
        ],
        lines,
        caption="Cost of a contact by definition and fiscal year",
    )
    return Drawing(c.sentence(_said(years, context)), body=body, foot=_foot(years, in_prices, context))


def _line(
    label: str, badge: str, said: str, values: list[float | None], years: list[_Year], in_prices: dict, context: Context
) -> list[Any]:
    cells: list[Any] = []
    for value, year in zip(values, years, strict=True):
        times = in_prices.get(year.period)
        shown = asked.cost(value, context)
        cells.append(c.twin(shown, asked.cost(value * times, context)) if value and times else shown)
    bars = c.bars([value or 0.0 for value in values], partial=years[-1].period.is_partial)
    return [[label, " ", c.tag(badge), html.Span(said, className="sub")], *cells, bars]


def _n(value: float | None) -> str:
    return f"n{c.NBSP}={c.NBSP}{c.count(value)}"


def _said(years: list[_Year], context: Context) -> str:
    last = years[-1]
    value = last.told.value(direct_cost_per_contact)
    name = asked.named(last.period, context)
    text = f"A contact that staff handled cost **{asked.cost(value, context)}** directly in {name}"
    if len(years) > 1:
        before = years[-2].told.value(direct_cost_per_contact)
        times = risen(context.money.prices, years[-2].period, last.period)
        if value and before:
            text += f", **{c.signed_share(value / before - 1)}** on {asked.named(years[-2].period, context)}"
            text += f" (**{c.signed_share(value / (before * times) - 1)}** in constant prices)" if times else ""
    full = asked.cost(last.told.value(loaded_cost_per_contact), context)
    text += f"; **{full}** in full, and **{asked.cost(last.entire.each, context)}** for the entire interaction."
    each, hour = last.told.value(handle_time), context.money.hour
    if each and hour:
        saved = asked.cost(each * hour / 3600, context)
        text += (
            f" One call fewer saves at most the **{saved}** of its {c.duration(each)} of work, and only where a shift "
            "is not filled for it."
        )
    return text


def _foot(years: list[_Year], in_prices: dict, context: Context) -> list[Any]:
    last = years[-1]
    events = last.told.value(centre_on_events)
    below = f"Second line: in prices of {asked.named(last.period, context)}" if any(in_prices.values()) else ""
    parts = [
        f"{last.entire.contacts / last.entire.completed:.2f} contacts handled for each matter"
        if last.entire.completed
        else "",
        f"{asked.cost(events, context)} spent on city events in it" if events else "",
        f"{c.share(last.entire.unknown)} of the problems closed have no standard cost and count at nothing"
        if last.entire.unknown > 0.0005 else "",
        "capital counts in the year it was spent in",
        "bars: each row on its own scale",
        asked.not_followed(context),
    ]  # fmt: skip
    return words.foot(below, *parts)


def draw_others(answers: tuple[Answer | None, ...], context: Context) -> Drawing:
    """What other cities told, each beside the city's own figure of the same definition."""
    (told,) = answers
    period = asked.now_with_contacts(context.filters.period, context.clock)
    own = {one.like: told.value(one.like) for one in PUBLISHED} if told is not None else {}
    if period is None or not any(own.values()):
        return asked.nothing(context, contacts=True)
    level = price_level(context.money.prices, period)
    lines = []
    for one in PUBLISHED:
        was = context.money.prices.get(one.year)
        today = one.value * level / was if level and was and context.city.currency == "USD" else None
        as_told = c.money(one.value, "USD")
        lines.append([
            c.twin(one.who, one.said), str(one.year), c.twin(as_told, c.money(today, "USD")) if today else as_told,
            asked.cost(own.get(one.like), context),
        ])  # fmt: skip
    columns = [c.Column("Who, and what is counted"), c.Column("Year", True), c.Column("Told", True),
               c.Column("Ours, alike", True)]  # fmt: skip
    body = c.table(columns, lines, caption="Published costs of contacts")
    calls = [one.value for one in PUBLISHED if one.like == direct_cost_per_call.name]
    mine = own.get(direct_cost_per_call.name)
    low, high = c.money(min(calls), "USD"), c.money(max(calls), "USD")
    text = f"Others told **{low}** to **{high}** a call in money of their year"
    text += f"; counted alike, ours is **{asked.cost(mine, context)}**." if mine else "."
    name = asked.named(period, context)
    foot = words.foot(
        f"Ours: {name}",
        f"second line: in prices of {name}, where the index reaches" if level else "as told, in money of the year",
        "Evanston counts the entire interaction and published no figure",
        "Montgomery’s read from its budget pages, not certain to the cent",
    )
    return Drawing(c.sentence(text), body=body, foot=foot)


OTHERS = (Over(Query(tuple(CATALOGUE[name] for name in dict.fromkeys(one.like for one in PUBLISHED))),
               asked.now_with_contacts),)  # fmt: skip
