"""What the panels about money share: which years they are asked of, what they do not follow, how they say so."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from dashboard.domain.filters import Filters, Period
from dashboard.domain.fiscal_years import names_of, touched, year_back
from data_access.dimensions import DIMENSIONS
from layouts import components as c
from layouts.figures import words
from layouts.view import Context, Drawing

YEARS = 4
"""So many fiscal years stand beside each other at most."""
now = year_back(0)
now_with_contacts = year_back(0, contacts=True)


def keeping(filters: Filters, _types: Sequence[str], *, kept: tuple[str, ...]) -> Filters:
    """Only what a budget can be narrowed by, and every day: books tell of whole departments and whole years."""
    for name, _ in filters.choices:
        filters = filters if name in kept else filters.without(name)
    return filters.switch("event_days", "in")


of_city = partial(keeping, kept=())
of_departments = partial(keeping, kept=("department",))


def not_followed(context: Context, kept: tuple[str, ...] = ()) -> str:
    """“not narrowed by district: budgets do not tell it”, of what was chosen and not asked."""
    names = [DIMENSIONS[name].label.lower() for name, _ in context.filters.choices if name not in kept]
    return f"not narrowed by {' and '.join(names)}: budgets do not tell it" if names else ""


def years_of(context: Context, *, contacts: bool = False) -> Period | None:
    """The fiscal years that the chosen period touches."""
    return touched(context.filters.period, context.clock, contacts=contacts)


def named(period: Period, context: Context) -> str:
    """“FY 2026 to date”."""
    return names_of(period, context.clock.fiscal_year_start_month)


def years(period: Period) -> str:
    """“year”, or “years” of several."""
    return "year" if period.days <= 366 else "years"


def nothing(context: Context, *, contacts: bool = False) -> Drawing:
    """Why nothing can be told of money, and what to bring."""
    if contacts and not context.has_contacts:
        return words.no_contacts(context)
    if not context.clock.books:
        why = (
            f"{context.city.name}’s data holds no budget. Import budget lines: fiscal year, department, kind of cost, "
            "adopted, amended and spent (docs/importing.md)."
        )
        return Drawing(sentence=c.empty(why), is_empty=True)
    work = "contacts" if contacts else "requests"
    why = (
        f"Money is known by the fiscal year, and no fiscal year of this period has both its budget lines and all of "
        f"its {work} in the data."
    )
    every = Period.named("all", context.clock)
    change = c.link("Show everything", context.filters.during(every).to_search())
    return Drawing(sentence=c.empty(why, None if context.filters.period.preset == "all" else change), is_empty=True)


def cost(value: float | None, context: Context) -> str:
    """What one of something costs, with cents where they matter."""
    return c.money(value, context.city.currency)


def change(value: float, context: Context) -> str:
    """+$1.2 M or −$40,300."""
    return c.with_sign(value, partial(c.money, currency=context.city.currency))
