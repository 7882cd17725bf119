"""What every panel says the same way: nothing to draw, how much it changed, notes and parts of the foot."""

from __future__ import annotations

from typing import Any

from dashboard.domain.filters import Period
from data_access.measures.contacts import in_force
from layouts import components as c
from layouts import html
from layouts.view import Context, Drawing

FEW = 20
"""A share of fewer is not shown as a verdict."""


def nothing(what: str, context: Context) -> Drawing:
    """An empty panel that says why and offers the one link that changes it.

    Of days without data nobody knows that there was nothing.
    """
    filters = context.filters
    if context.clock.is_silent_on(filters.period):
        what = "No data was received"
    elif filters.choices:
        why = f"{what} for this choice {during(filters.period)}."
        return Drawing(sentence=c.empty(why, clear(context)), is_empty=True)
    change = None
    if filters.period.preset != "all":
        everything = Period.named("all", context.clock)
        change = c.link("Show everything", filters.during(everything).to_search())
    return Drawing(sentence=c.empty(f"{what} {during(filters.period)}.", change), is_empty=True)


def clear(context: Context) -> html.A | None:
    """The link that takes every choice back; None where nothing is chosen."""
    filters = context.filters
    return c.link("Clear the filters", filters.cleared().to_search()) if filters.choices else None


def asking_for(context: Context, name: str, value: str, usual: str = "") -> str:
    """The address that asks for a value of a view's own parameter; the usual one is not written."""
    return context.filters.with_parameter(name, *([] if value == usual else [value])).to_search()


def kept_to(context: Context) -> list[str]:
    """The names to which the viewer's rows are kept; none for who may see all of them."""
    return [name for names in context.own.values() for name in names]


def whole(context: Context) -> str:
    """What all that the viewer sees is called: “the city”, or “all of Streets” where their rows are kept to some."""
    return f"all of {', '.join(kept_to(context))}" if context.own else "the city"


def whole_shortly(context: Context) -> str:
    """The same at a mark of a figure or in the head of a column: “city”, or “all”."""
    return "all" if context.own else "city"


def by_number(name: str) -> tuple[int, str]:
    """What to sort names by: those that begin with a number in the order of their numbers, before all others."""
    number = name.split(" ", 1)[0]
    return (int(number), name) if number.isdigit() else (10**9, name)


def during(period: Period) -> str:
    """“on 1 May 2026”, “in the period 1–20 May 2026”."""
    return f"{'on' if period.days == 1 else 'in the period'} {period.sentence()}"


def no_contacts(context: Context, what: str = "No contacts") -> Drawing:
    """What a panel about contacts says in a city whose data holds requests only, or in a stretch without `what`."""
    if not context.has_contacts:
        why = f"{context.city.name}’s data holds service requests only: no calls or other contacts were imported."
        return Drawing(sentence=c.empty(why), is_empty=True)
    return nothing(what, context)


NO_CALLS = "No calls in opening hours"
NO_WAITS = "No calls whose wait is known"


def way_of_counting(context: Context, *, shortly: bool = False) -> str:
    """What the service level does with people who hang up, in words; nothing, if `shortly`, in the city's own way."""
    city = context.city
    if shortly and context.filters.setting("service_level") == "city":
        return ""
    return {
        "offered": "every hang-up counts against it",
        "excl_early": f"hang-ups within {city.answer_within_s} s left out",
        "early_counts": f"hang-ups within {city.answer_within_s} s count as served",
        "answered": "answered calls only, hang-ups hidden",
        "excl_short": f"hang-ups under {city.short_abandon_s} s left out",
        "short_counts": f"hang-ups under {city.short_abandon_s} s count as served",
    }[in_force(context.filters, city.service_level_variant)]


def change(now: float | None, before: float | None) -> float | None:
    """The relative change; None where there is nothing to compare with."""
    if now is None or not before or now != now or before != before:
        return None
    return now / before - 1


def changed(now: float | None, before: float | None, context: Context) -> str:
    """“+16.3 % on 1–20 May 2025”, or nothing."""
    against, relative = context.filters.comparison(), change(now, before)
    if relative is None or against is None:
        return ""
    if round(relative, 3) == 0:
        return f"**unchanged** on {against.sentence()}"
    return f"**{c.signed_share(relative)}** on {against.sentence()}"


def changed_shortly(now: float | None, before: float | None, context: Context) -> str:
    """“+16.3 % on last year”, for a tile; the filter bar says which days are meant."""
    relative = change(now, before)
    if relative is None:
        return ""
    other = {"last-year": "last year", "previous": "the time before"}.get(context.filters.compare, "then")
    return f"**{c.signed_share(relative)}** on {other}" if round(relative, 3) else f"**unchanged** on {other}"


def points(now: float | None, before: float | None, context: Context) -> str:
    """“+1.2 points on 1–20 May 2025”, for shares."""
    against = context.filters.comparison()
    if now is None or before is None or against is None:
        return ""
    by = signed_points(now - before)
    return f"**{by}** points on {against.sentence()}" if by != "0.0" else f"**unchanged** on {against.sentence()}"


def slower(now: float | None, before: float | None, context: Context) -> str:
    """How much longer or shorter something takes than in the comparison, in seconds: “12 s slower than last year”."""
    other = context.filters.comparison()
    if now is None or before is None or other is None:
        return ""
    if abs(now - before) < 0.5:
        return f"as on {other.sentence()}"
    return f"{c.duration(abs(now - before))} {'slower' if now > before else 'faster'} than {other.sentence()}"


def signed_points(difference: float) -> str:
    """+1.2 or −0.4, of a difference of two shares; 0.0 without a sign."""
    by = round(100 * difference, 1)
    return f"{by:+.1f}".replace("-", c.MINUS) if by else "0.0"


def foot(left: Any, *right: str) -> list[Any]:
    """The foot of a card: key at the left; n and caveats at the right. The answers' own notes follow by themselves."""
    return c.foot(left, "; ".join(part for part in right if part))


def cell(value: Any, kind: str, tz: str) -> str:
    """A value of a list's column of that kind (`data_access.listing.ListColumn`) in words."""
    if kind == "instant":
        return c.instant(value, tz)
    if kind in ("count", "s"):
        return c.number(value, kind)
    return c.NOTHING if value is None or value != value else str(value)


def capital(text: str) -> str:
    """The sentence with a capital at its start, also where it starts with a name in bold."""
    at = 2 if text.startswith("**") else 0
    return text[:at] + text[at : at + 1].upper() + text[at + 1 :]


def listed(names: list[str], most: int | None = None) -> str:
    """“A, B and C”, each in bold; of more than `most` the first ones, “A, B and 4 more”."""
    bold = [f"**{name}**" for name in names]
    if most is not None and len(names) > most:
        return f"{', '.join(bold[:most])} and {len(names) - most} more"
    return bold[0] if len(bold) == 1 else ", ".join(bold[:-1]) + " and " + bold[-1] if bold else ""


def days_told(context: Context) -> int:
    """The days of the period that are counted: neither left out nor without data."""
    filters, clock = context.filters, context.clock
    period = filters.period.within(clock.first_on, clock.end_on)
    # Where event days are left out, days without data are among them.
    return filters.days_counted(period) - (0 if filters.left_out else clock.days_in_gaps(period))


def plural(number: float, one: str, many: str | None = None) -> str:
    """“1 request”, “12,480 requests”; the number in bold."""
    return f"**{c.count(number)}** {one if number == 1 else many or one + 's'}"


def plain(text: str) -> str:
    """The same with nothing in bold: for a foot, a title, a hint."""
    return text.replace("**", "")
