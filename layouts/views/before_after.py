"""Before / after: a change was made somewhere and not elsewhere. Did it work? Three ways to tell, what could fool us.

In this order: before and after alone, which nobody should trust; against a comparison; the series against itself.
Source: measures reference, D3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np

from dashboard.domain import methods
from dashboard.domain.before_after import WEEKS_52
from dashboard.domain.difference_in_differences import FEWEST, MANY_UNITS, Effect
from dashboard.domain.filters import MONTH_DAYS
from dashboard.domain.interrupted_series import FEWEST_COUNTS, FEWEST_STEPS
from dashboard.domain.policy import Permission
from data_access.before_after import OUTCOMES, BeforeAfter, Judged, PartOf, Series
from data_access.changes import UNITS, Change
from data_access.dimensions import category, channel, service_type
from layouts import components as c
from layouts import html
from layouts.figures import effects, events, words
from layouts.figures.effects import Row, as_change, as_range
from layouts.figures.steps import Steps
from layouts.view import Context, Drawing, Event, FromAddress, Panel, Place, View

NEAR = timedelta(days=60)
"""What began so shortly before a change, or while it is looked at, is told beside it."""
LISTED = ("opened", "broken")
"""Outcomes whose requests can be listed."""
NAMED = 3
"""So many units are named, more are counted."""
SHOWN = 8
"""So many made-up dates and groups are drawn: the latest, and those with most found in them."""
SHIFTED = 0.1
"""By so much the part that comes by one channel may change differently before people report in another way."""


# ── what the address asks ──


def asked_in(place: Place) -> BeforeAfter:
    """The change and the outcome that an address asks about."""
    outcome = place.get("outcome", ("opened",))[-1]
    return BeforeAfter(place.get("change", ("",))[-1], outcome if outcome in OUTCOMES else "opened")


_MEASURES = tuple(one for outcome in OUTCOMES.values() for one in (outcome.over, outcome.under) if one is not None)


def _part(table: str) -> FromAddress:
    return FromAddress(lambda place: PartOf(asked_in(place), table), _MEASURES)


# ── words ──

_SUBJECTS = {"opened": "Requests", "broken": "The share of promises broken", "reopened": "Reopenings for each closing"}
_PLURALS = {"district": "districts", "area": "areas", "service_type": "service types", "department": "departments"}


def _units(change: Change, n: int) -> str:
    """“1,200 assets”, “1 district”."""
    label = "asset" if change.is_of_assets else UNITS[change.kind].label.lower()
    return f"{n:,} {label if n == 1 else _PLURALS.get(change.kind, 'assets')}"


def _side(found: Judged, side: int) -> str:
    """The units of a side: “Fairhaven”, “8 districts”; “2,400 assets, 1,200 at a time” where they were replaced."""
    assert found.change is not None and found.counted is not None and found.windows is not None
    counted, after = found.counted, found.windows.after
    n, names = counted.used[side], counted.names[side]
    if counted.per_asset:
        first, last = ((day - counted.first_on).days for day in (after.from_on, after.to_on))
        at_a_time = round(float(counted.exposure[side, first:last].max()) * MONTH_DAYS)
        if at_a_time < 0.95 * n:
            return f"{_units(found.change, n)} ({at_a_time:,} at a time)"
    elif n <= NAMED and not found.change.is_of_assets:
        return words.listed(list(names))
    return _units(found.change, n)


def _key_of(found: Judged) -> str:
    return next(name for name, one in OUTCOMES.items() if one is found.outcome)


def _subject(found: Judged) -> str:
    about = f" ({found.about})" if found.about else ""
    return f"{_SUBJECTS[_key_of(found)]}{about}"


def _is_per_asset(found: Judged) -> bool:
    """Whether it is counted for the months that assets stood, and not by the day."""
    return found.counted is not None and found.counted.per_asset


def _rate(found: Judged, rate: float) -> str:
    """A rate in words: “60.5”, “2.3” (a day), “16.9 %”."""
    if rate != rate:
        return c.NOTHING
    if found.outcome.under is not None:
        return c.share(rate)
    if _is_per_asset(found):
        return f"{1000 * rate:.1f}"
    return f"{rate:.1f}" if rate < 100 else c.count(rate)


def _unit(found: Judged) -> str:
    """What a rate is in: “per 1,000 asset-months”, “a day”."""
    if found.outcome.under is not None:
        return {"broken": "of those that fell due", "reopened": "for each closing"}[_key_of(found)]
    return "per 1,000 asset-months" if _is_per_asset(found) else "a day"


def _moved(effect: Effect) -> str:
    """“fell by **43 %** (30 to 54 %)”, “rose to **6.1 times** as many (3.4 to 10.9)”."""
    if effect.ratio < 1:
        low, high = (100 * (1 - one) for one in (effect.high, effect.low))
        return f"**fell by {100 * (1 - effect.ratio):.0f}{c.NBSP}%** ({low:.0f} to {high:.0f}{c.NBSP}%)"
    if round(effect.ratio, 3) >= effects.TIMES:
        return f"**rose to {effect.ratio:.1f} times** what it was ({effect.low:.1f} to {effect.high:.1f})"
    low, high = (100 * (one - 1) for one in (effect.low, effect.high))
    return f"**rose by {100 * (effect.ratio - 1):.0f}{c.NBSP}%** ({low:.0f} to {high:.0f}{c.NBSP}%)"


def verdict(found: Judged) -> str:
    """The answer in one or two plain sentences: what changed, whether the methods agree, whether to rely on it."""
    effect, gap = found.effect, found.gap
    subject = _subject(found)
    range_ = f"{as_change(effect.ratio)} ({as_range(effect.low, effect.high)})"
    series = f"{as_change(gap.overall.value)} ({as_range(gap.overall.low, gap.overall.high)})" if gap else ""
    match found.says:
        case "unknown":
            return (
                f"**Too few to tell**: each side needs {FEWEST} {found.outcome.things} before and after, and the "
                f"smallest has {c.count(min(found.counts))}."
            )
        case "agree":
            text = (
                f"{subject} {_moved(effect)} where the change was made, beyond what happened elsewhere. The series by "
                f"itself says so too ({as_change(gap.overall.value if gap else np.nan)}): **both methods agree**."
            )
        case "alone":
            said = f"{subject} {_moved(effect)} against the comparison"
            if not effect.direction:
                said = f"**No effect can be told**. {subject}: {range_} against the comparison"
            text = f"{said}. {_no_series(found)}"
        case "neither":
            text = (
                f"**No effect can be told**. {subject}: {range_} against the comparison, {series} in the series "
                "itself. Both methods agree."
            )
        case "unsure":
            text = (
                f"**Only one of two methods can tell an effect**. {subject}: {range_} against the comparison, {series} "
                "in the series itself. A hint, no proof."
            )
        case _:
            text = (
                f"**The methods contradict each other**. {subject}: {range_} against the comparison, {series} in the "
                "series itself. Rely on neither."
            )
    if found.is_shaken:
        text += " But as much is found **where nothing was changed**: do not rely on it."
    return text


def _no_series(found: Judged) -> str:
    """Why the series by itself tells nothing."""
    series = found.series
    if series is None or not series.steps:
        return "The series by itself cannot be told."
    sides = [int((~series.is_after).sum()), int(series.is_after.sum())]
    if min(sides) < FEWEST_STEPS:
        return (
            f"Whether the series by itself broke **cannot be told**: that takes {FEWEST_STEPS} {series.every_step}s "
            f"before and as many after, and there are {sides[0]} and {sides[1]}."
        )
    return (
        f"Whether the series by itself broke **cannot be told**: that takes {FEWEST_COUNTS} {found.outcome.things} on "
        "either side of the change."
    )


def _lacking(found: Judged, context: Context) -> Drawing:
    """What is missing, and what to bring."""
    change = found.change
    match found.lacks:
        case "changes":
            why = (
                f"{context.city.name} has recorded no change yet. A city brings its own as a table (“intervention”): "
                "a name, the day it began, the units where it was made and those to compare with; docs/importing.md "
                "says how."
            )
        case "kind":
            kinds = ", ".join(["asset", *UNITS])
            why = f"“{change.name if change else ''}” names units of a kind that is not known; there are {kinds}."
        case "type":
            why = f"“{found.about}”, which the change is to have changed, is no service type of this city."
        case "days":
            day = c.day(change.start_on) if change else ""
            why = f"The data holds no two weeks before {day} and a day after it: nothing can be compared."
        case _:
            why = _unseen(found, context)
    return Drawing(c.empty(why, words.clear(context) if found.lacks == "units" else None), is_empty=True)


def _unseen(found: Judged, context: Context) -> str:
    """Which side of a change has no unit that counts, and why."""
    used = found.counted.used if found.counted else (0, 0)
    sides = ("where it was made", "what it is compared with")
    lost = " and nothing of ".join(said for said, n in zip(sides, used, strict=True) if not n)
    name = f"“{found.change.name}”: " if found.change else ""
    if context.own:
        return f"{name}nothing of {lost} is among what you may see, {words.listed(words.kept_to(context))}."
    return f"{name}nothing of {lost} is known here. Units must be named as in the data."


def _elsewhere(found: Judged) -> Drawing | None:
    """What the other cards say where the first one says what is missing."""
    if not found.lacks:
        return None
    return Drawing(c.empty("Not told: see “Did it work?”."), is_empty=True)


# ── Did it work? ──


def draw_verdict(answers: Sequence[Judged], context: Context) -> Drawing:
    """The change and what the three methods say of it, in their order, with the answer above."""
    (found,) = answers
    if found.lacks:
        lacking = _lacking(found, context)
        if len(found.changes) < 2:
            return lacking
        return Drawing(lacking.sentence, body=_choices(found, context))
    assert found.change is not None and found.counted is not None and found.windows is not None
    body = html.Div([_choices(found, context), _about(found), _methods(found, context)])
    compared = found.windows
    foot = words.foot(
        f"Before: {compared.before.sentence()}; after: {compared.after.sentence()}",
        "95 % intervals",
        "the period chosen above does not narrow this view",
        "" if found.spread < 1.11 else f"widened {np.sqrt(found.spread):.1f} × because counts vary more than chance",
        "by the ups and downs of each unit" if found.by_units else "",
    )  # fmt: skip
    text = verdict(found)
    if context.own:
        text += f" Told of what you may see only: {words.listed(words.kept_to(context))}."
    clear = None if found.effect.is_known else words.clear(context)
    return Drawing(c.empty(text, clear), body=body, foot=foot)


def _choices(found: Judged, context: Context) -> html.Div:
    """Which change, one after the other as there may be many, and what is to have changed."""
    to = partial(words.asking_for, context)
    # Which one is told where none is named depends on who looks: a link names it.
    changes = [[(one.name, to("change", one.change_id), one == found.change)] for one in found.changes]
    outcomes = [(one.words, to("outcome", name, "opened"), one is found.outcome) for name, one in OUTCOMES.items()]
    return html.Div(
        [c.controls(*changes, label="Which change"), c.controls(outcomes, label="What is to have changed")],
        className="choices",
    )


def _about(found: Judged) -> html.P:
    change, counted = found.change, found.counted
    assert change is not None and counted is not None
    since = f"on **{c.day(change.start_on)}**"
    if change.settled_on > change.start_on:
        since = f"from **{c.day(change.start_on)}** on, in place everywhere on **{c.day(change.settled_on)}**"
    outcome = f" It is about “{found.about}”." if found.about else ""
    lost = ""
    if counted.unknown:
        n = len(counted.unknown)
        lost = f" {n:,} of the units named {'is' if n == 1 else 'are'} not known and left out: {counted.unknown[0]}"
        lost += "." if n == 1 else " …"
    text = f"**{change.name}** {since} in {_side(found, 0)}, held against {_side(found, 1)}.{outcome}{lost}"
    return c.paragraph(text, "change-about")


def _listing(found: Judged, context: Context, at: int) -> str | None:
    """The address of the list of what one of the four numbers counts; None where no filter picks just these."""
    change, counted, compared = found.change, found.counted, found.windows
    name = _key_of(found)
    if change is None or counted is None or compared is None or change.is_of_assets or name not in LISTED:
        return None
    here = context.filters.alone().during((compared.before, compared.after)[at % 2])
    here = here.choose(change.kind, counted.names[at // 2])
    if change.kind == service_type.name:
        here = here.without(category.name)
    elif found.about and not here.chosen(service_type.name):
        here = here.choose(service_type.name, [found.about])
    return "/requests" + here.with_parameter("of", name).to_search()


def _methods(found: Judged, context: Context) -> html.Div:
    """The three methods as a table."""
    rates = [n / of if of else np.nan for n, of in zip(found.counts, found.exposure, strict=True)]
    said = [_rate(found, one) for one in rates]
    columns = [
        c.Column("Method"), c.Column(f"Before, {_unit(found)}", is_number=True, on_phone=False),
        c.Column("After", is_number=True, on_phone=False), c.Column("Change", is_number=True),
        c.Column("95 % interval", is_number=True), c.Column("What it leaves open", on_phone=False),
    ]  # fmt: skip

    def cells(one: Effect) -> list[Any]:
        return [html.B(as_change(one.ratio)), as_range(one.low, one.high)]

    def counted(at: int) -> list[Any]:
        n = f"{c.count(found.counts[at])} {found.outcome.things}"
        href = _listing(found, context, at)
        return c.twin(said[at], c.link(n, href) if href and found.counts[at] else n)

    few = html.Span("too few", className="muted")
    rows = [
        [c.twin("1 Before and after alone", "where it was made"), counted(0), counted(1), *cells(found.alone[0]),
         "Season, trend and luck are all in it"],
        [c.twin("The same elsewhere", "the comparison"), counted(2), counted(3), *cells(found.alone[1]),
         "Nothing was changed here"],
        [c.twin("2 Against the comparison", "difference in differences"), "", "",
         *(cells(found.effect) if found.effect.is_known else [few, ""]),
         "That both would have gone on alike"],
    ]  # fmt: skip
    gap, series = found.gap, found.series
    if gap is not None and series is not None:
        over = Effect(*gap.overall, 0.0)
        season = "season taken out" if gap.has_season else "too short to take the season out"
        rows.append([
            c.twin("3 The series itself", f"interrupted series, {season}"), "", "", *cells(over),
            "Whatever else began on that day",
        ])  # fmt: skip
    else:
        rows.append([c.twin("3 The series itself", "interrupted series"), "", "",
                     html.Span("cannot be told", className="muted"), "", "Too short or too few"])  # fmt: skip
    return c.table(columns, rows, caption="What each method says", selected=())


# ── The four figures ──


def _steps(series: Series, context: Context) -> Steps:
    starts, ends = [one.from_on for one in series.steps], [one.to_on for one in series.steps]
    return Steps({}, series.every_step, context.filters.period, starts, ends, np.ones(len(starts), bool))


def _others(found: Judged, context: Context) -> list[Event]:
    """The city's events but the change itself: of all the city, or about what is counted here."""
    change, counted = found.change, found.counted
    assert change is not None and counted is not None
    here: dict[str, set[str]] = {service_type.name: {found.about} if found.about else set()}
    if change.kind in UNITS:
        here[change.kind] = {*counted.names[0], *counted.names[1]}

    def concerns(one: Event) -> bool:
        return all(not here.get(name) or here[name] & set(values) for name, values in one.about)

    return [one for one in context.events if one.start_on != change.start_on and concerns(one)]


def _scaled(found: Judged, rates: np.ndarray, base: float) -> np.ndarray:
    """Rates as they are drawn: per 1,000 asset-months, in percent, or with the time before as 100."""
    if found.outcome.under is not None:
        return 100 * rates
    if _is_per_asset(found):
        return 1000 * rates
    return 100 * rates / base if base else rates * np.nan


def _mean(rates: np.ndarray) -> float:
    known = rates[np.isfinite(rates)]
    return float(known.mean()) if len(known) else float("nan")


def _written(found: Judged) -> Callable[[float], str]:
    if found.outcome.under is not None:
        return lambda value: c.NOTHING if value != value else f"{value:.1f}{c.NBSP}%"
    if _is_per_asset(found):
        return lambda value: c.NOTHING if value != value else f"{value:.1f}"
    return c.count


def _axis(found: Judged) -> str:
    if found.outcome.under is None and not _is_per_asset(found):
        return "Mean of the time before = 100"
    what = "Percent" if found.outcome.under is not None else found.outcome.words
    return f"{what} {_unit(found)}"


def draw_groups(answers: Sequence[Judged], context: Context) -> Drawing:
    """Both groups along time; the naive answer, and why it is not enough."""
    (found,) = answers
    if (nothing := _elsewhere(found)) is not None:
        return nothing
    study, change = found.study, found.change
    assert study is not None and change is not None
    steps = _steps(study, context)
    rates = [_scaled(found, one, _mean(one[~study.is_after])) for one in study.rates]
    figure = effects.both_groups(steps, rates[0], rates[1], _axis(found), _written(found))
    figure = effects.mark_change(events.shade(figure, steps, _others(found, context)), steps, change.start_on)
    before, after = (
        _rate(found, n / of if of else np.nan) for n, of in zip(found.counts[:2], found.exposure[:2], strict=True)
    )
    naive = found.alone[0]
    if naive.is_known:
        text = (
            f"Where it was made it went from **{before}** to **{after}** {_unit(found)}, **{as_change(naive.ratio)}**. "
            "That alone proves nothing: season, a trend, or a bad year before would look the same."
        )
    else:
        text = "Too few to tell before from after."
    if found.alone[1].is_known:
        text += f" Elsewhere: {as_change(found.alone[1].ratio)}."
    told = events.told(figure)
    foot = words.foot(
        c.key(("series", "where it was made"), ("cat-other", "comparison")),
        f"by {study.every_step}, counted from the day of the change", told,
    )  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_study(answers: Sequence[Judged], context: Context) -> Drawing:
    """Each step against the others before the change: were both alike before, and since when not?"""
    (found,) = answers
    if (nothing := _elsewhere(found)) is not None:
        return nothing
    study = found.study
    assert study is not None
    if not any(one.is_known for one in found.ratios):
        return Drawing(c.empty(f"Too few {found.outcome.things} by {study.every_step} to compare."), is_empty=True)
    numbers = [one.number for one in study.steps]
    every = study.every_step
    names = [f"{every} from {c.day(one.from_on)}" for one in study.steps]
    figure = effects.each_step(numbers, names, found.ratios, every)
    before = int((~study.is_after).sum())
    drift = found.drift
    if not drift.is_known:
        text = f"With {before} {every}s before the change nobody can say whether both sides went alike."
    elif drift.direction:
        text = (
            f"Before the change the two **grew apart** by {as_change(drift.ratio)} a {every} "
            f"({as_range(drift.low, drift.high)}): the comparison is a poor one."
        )
    else:
        text = (
            f"In the {before} {every}s before **no drift can be told** ({_fine(drift.ratio)} a {every}, "
            f"{_fine_range(drift)}), which does not prove that there was none."
        )
    if found.explains == found.explains:
        text += f" It would take {_fine(found.explains)} a {every} to bring about the effect alone."
    foot = words.foot("■ before, ● after", "95 % intervals", f"each {every} against all others before the change")
    return Drawing(c.sentence(text), figure, foot=foot)


def _fine(ratio: float) -> str:
    return c.signed_share(ratio - 1)


def _fine_range(effect: Effect) -> str:
    low, high = (f"{100 * (one - 1):+.1f}".replace("-", c.MINUS) for one in (effect.low, effect.high))
    return f"{low} to {high}{c.NBSP}%"


def draw_series(answers: Sequence[Judged], context: Context) -> Drawing:
    """The series where the change was made, its model, and how it would have gone on."""
    (found,) = answers
    if (nothing := _elsewhere(found)) is not None:
        return nothing
    series, change, gap = found.series, found.change, found.gap
    if series is None or not series.steps or change is None:
        return Drawing(c.empty(_no_series(found)), is_empty=True)
    steps, after = _steps(series, context), series.is_after
    of = series.exposure[0]
    base = _mean(series.rates[0][~after])

    def drawn(values: np.ndarray | None) -> np.ndarray | None:
        if values is None:
            return None
        return _scaled(found, np.divide(values, of, out=np.full(len(of), np.nan), where=of > 0), base)

    rates = drawn(series.over[0])
    assert rates is not None
    fitted, without = (drawn(gap.fitted), drawn(gap.without)) if gap else (None, None)
    figure = effects.broken_series(steps, rates, fitted, without, after, _axis(found), _written(found))
    figure = effects.mark_change(events.shade(figure, steps, _others(found, context)), steps, change.start_on)
    if gap is None:
        text = _no_series(found)
    else:
        every = series.every_step
        slope = gap.slope
        text = (
            f"At the change the level went {as_change(gap.level.value)} ({as_range(gap.level.low, gap.level.high)}); "
            f"since then the slope differs by {_fine(slope.value)} a {every} "
            f"({_fine_range(Effect(*slope, 0.0))}). In all **{as_change(gap.overall.value)}** "
            f"({as_range(gap.overall.low, gap.overall.high)}) against the series gone on as before."
        )
    foot = words.foot(
        c.key(("series-raw", f"counted by {series.every_step}"),
              *((("series", "model"), ("cat-4", "as before")) if gap else ())),
        "" if gap is None else "season of the year taken out" if gap.has_season else "season not taken out: too short",
        "" if gap is None else f"quasi-Poisson or Newey–West (lag {gap.lag}), whichever is wider",
        events.told(figure),
    )  # fmt: skip
    return Drawing(c.sentence(text), figure, foot=foot)


def draw_fakes(answers: Sequence[Judged], context: Context) -> Drawing:
    """What the comparison finds on earlier days and in groups of which nothing was changed."""
    (found,) = answers
    if (nothing := _elsewhere(found)) is not None:
        return nothing
    effect, groups, counted = found.effect, found.groups, found.counted
    assert counted is not None and found.change is not None
    if not effect.is_known:
        return Drawing(c.empty("Too few to tell an effect, so there is nothing to check."), is_empty=True)
    rows = [Row("The change itself", effect, "real")]
    rows += [Row(f"As if on {on.day} {on:%b %Y}", one, "date") for on, one in found.dates[:SHOWN]]
    dates = [one for _, one in found.dates]
    if groups.names:
        order = sorted(zip(groups.names, groups.effects, strict=True), key=lambda pair: -abs(np.log(pair[1].ratio)))
        rows += [Row(f"As if in {counted.names[1][at]}", one, "group") for at, one in order[:SHOWN]]
    elif groups.effects:
        ratios = np.array([one.ratio for one in groups.effects])
        low, middle, high = (float(x) for x in np.quantile(ratios, (0.025, 0.5, 0.975)))
        rows.append(Row(f"{len(ratios)} random parts", Effect(middle, low, high, 0.0), "all"))
    if len(rows) == 1:
        why = "The data before the change is too short for made-up dates, and the comparison has too few parts."
        return Drawing(c.empty(why), is_empty=True)
    told = []
    if dates:
        size = abs(np.log(effect.ratio))
        as_large = sum(abs(np.log(one.ratio)) >= size for one in dates)
        told.append(f"at **{as_large or 'none'}** of {len(dates)} made-up dates")
    if groups.effects:
        told.append(f"in **{groups.as_large(effect) or 'none'}** of {len(groups.effects)} made-up groups")
    text = f"As large an effect as the real one is found {' and '.join(told)}, where nothing was changed."
    probability = groups.probability(effect)
    if probability == probability:
        text += f" By chance alone the groups would show as much with a probability of **{probability:.2g}**"
        least = 1 / (1 + len(groups.effects))
        text += f"; with so few of them {least:.2g} is the least there can be." if least > 0.05 else "."
    foot = words.foot(
        "● the change, ■ another date, ◆ another group" if groups.names else "● the change, ■ another date",
        "95 % intervals; dates overlap",
        "random parts of where nothing was changed: where 19 in 20 lie" if groups.effects and not groups.names else "",
    )  # fmt: skip
    figure = effects.effects(rows)
    return Drawing(c.sentence(text), figure, foot=foot)


# ── What could fool us? ──


def draw_cautions(answers: Sequence[Judged], context: Context) -> Drawing:
    """What has to hold for the answer to be one, as far as it can be checked."""
    (found,) = answers
    if (nothing := _elsewhere(found)) is not None:
        return nothing
    checks = [one for one in _checks(found, context) if one is not None]
    rows = [[c.twin(html.B(question), c.status(status, word)), said] for question, status, word, said in checks]
    columns = [c.Column("Check"), c.Column("What the data says")]
    wary = sum(status == "near" for _, status, _, _ in checks)
    unseen = sum(status == "unknown" for _, status, _, _ in checks)
    text = f"Of {len(checks)} checks, **{wary or 'none'}** {'calls' if wary == 1 else 'call'} for caution"
    text += f", and {unseen} {'is' if unseen == 1 else 'are'} not to be seen in these numbers." if unseen else "."
    return Drawing(c.sentence(text), body=c.table(columns, rows, caption="What could fool us"))


Check = tuple[str, str, str, str]


def _checks(found: Judged, context: Context) -> list[Check | None]:
    return [
        _alike(found), _drifted(found), _ahead(found), _season(found), _at_the_same_time(found, context),
        _reported(found), _enough(found), _written_down(found),
        ("Did it spill over?", "unknown", "not seen", "Work, crews or callers that moved from one side to the other "
         "make the effect look larger or smaller; no count shows it."),
    ]  # fmt: skip


def _alike(found: Judged) -> Check:
    question = "Were both alike before?"
    comparable = found.outcome.under is not None or _is_per_asset(found)
    if not comparable:
        return (question, "unknown", "not seen", "Sides of different size cannot be compared by counts. If a side was "
                "chosen because it was bad, it gets better by itself (regression to the mean).")  # fmt: skip
    ratio = found.alike
    if not ratio.is_known:
        return question, "unknown", "too few", "Too few to tell."
    said = f"Where it was made the rate was {as_change(ratio.ratio)} ({as_range(ratio.low, ratio.high)}) before."
    if ratio.direction and abs(np.log(ratio.ratio)) > np.log(1.1):
        return (question, "near", "caution", f"{said} What is chosen because it is bad gets better by itself "
                "(regression to the mean): the comparison should have been as bad.")  # fmt: skip
    return question, "meets", "alike", said


def _drifted(found: Judged) -> Check:
    question, drift = "Did they go alike before?", found.drift
    every = found.study.every_step if found.study else "month"
    if not drift.is_known:
        return question, "unknown", "too few", "Fewer than six steps before the change, or too few counts."
    said = f"{_fine(drift.ratio)} a {every} ({_fine_range(drift)})."
    if drift.direction:
        return question, "near", "caution", f"They grew apart: {said}"
    return question, "meets", "no drift seen", f"{said} That is no proof: a small drift would not be seen."


def _ahead(found: Judged) -> Check:
    question, study = "Did it begin before its day?", found.study
    by_step = zip(study.steps, found.ratios, strict=True) if study is not None else ()
    last = next((one for step, one in by_step if step.number == -1), None)
    if study is None or last is None or not last.is_known:
        return question, "unknown", "too few", "Nothing was counted just before the change."
    said = f"In the last {study.every_step} before it {as_change(last.ratio)} ({as_range(last.low, last.high)})."
    if last.direction:
        return question, "near", "caution", f"{said} Something was different already."
    return question, "meets", "no sign of it", said


def _season(found: Judged) -> Check:
    question, compared = "Is it the same season?", found.windows
    assert compared is not None
    if not compared.same_season:
        return (question, "near", "caution", "The data does not reach a year back: the days just before are compared, "
                "and only the comparison takes the season out.")  # fmt: skip
    gap = (compared.after.from_on - compared.before.from_on).days
    said = "52 weeks" if gap == WEEKS_52.days else "a year"
    return question, "meets", "yes", f"The time before lies {said} earlier."


def _at_the_same_time(found: Judged, context: Context) -> Check:
    question, change, compared = "Did anything else begin?", found.change, found.windows
    assert change is not None and compared is not None
    marked = set(events.of_days(context.events))
    others = [
        one for one in _others(found, context)
        if one not in marked and change.start_on - NEAR <= one.start_on < compared.after.to_on
        and one.kind != "data_gap"
    ]  # fmt: skip
    if not others:
        return question, "meets", "nothing known", "No other lasting change is recorded from two months before it on."
    some = "; ".join(f"{one.name}, {c.day(one.start_on)}" for one in others[:4])
    more = f"; and {len(others) - 4} more" if len(others) > 4 else ""
    return question, "near", "caution", f"{some}{more}. What touched one side only is part of the effect."


def _reported(found: Judged) -> Check:
    question = "Is it reported as before?"
    caution = "A telephone number on a new device brings reports, not faults."
    counted = found.counted
    if counted is None or not np.isfinite(counted.by_channel).all():
        return question, "unknown", "not seen", f"No channel is recorded. {caution}"
    part = counted.by_channel
    before, after, there, later = (c.share(one, 0) for one in part.ravel())
    said = f"By {channel.say(counted.channel)}: {before} before, {after} after; elsewhere {there} and {later}."
    if abs((part[0, 1] - part[0, 0]) - (part[1, 1] - part[1, 0])) > SHIFTED:
        return question, "near", "caution", f"{said} {caution}"
    return question, "meets", "much alike", f"{said} Only visits or sensors can tell reports from faults."


def _enough(found: Judged) -> Check:
    question, counted, change = "Are there enough units?", found.counted, found.change
    assert counted is not None and change is not None
    said = f"{_units(change, counted.used[0])} against {_units(change, counted.used[1])}."
    if min(counted.used) >= MANY_UNITS:
        return question, "meets", "many", f"{said} Their own ups and downs are in the interval."
    return (question, "near", "caution", f"{said} The interval knows how counts vary, not how units do: "
            "see what is found where nothing was changed.")  # fmt: skip


def _written_down(found: Judged) -> Check:
    question, change = "Was it written down before?", found.change
    assert change is not None
    if change.written_on is None:
        return (question, "near", "caution", "Nobody wrote beforehand what was to change: of many numbers that one "
                "looks at, some change by chance.")  # fmt: skip
    return question, "meets", "yes", f"The outcome was named on {c.day(change.written_on)}, before the change."


_ASKED = FromAddress(asked_in, _MEASURES)
_STUDY, _SERIES, _FAKES, _CHECKS = (_part(table) for table in ("steps", "series", "fakes", "checks"))
_panel = partial(Panel, needs=Permission.READ_CHANGES)

VIEW = View(
    name="before-after",
    title="Before / after",
    question="A change was made. Did it work?",
    group="Evidence",
    order=190,
    parameters=("change", "outcome"),
    needs=Permission.READ_CHANGES,
    panels=(
        _panel("verdict", "Did it work?", (_ASKED,), draw_verdict, width=12, height=320,
               terms=(methods.AGAINST_COMPARISON, methods.SERIES_ITSELF, methods.ALONE)),
        _panel("groups", "What do before and after alone say?", (_STUDY,), draw_groups, width=6, is_roomy=True,
               height=300, terms=(methods.ALONE,)),
        _panel("study", "Did both sides go alike before?", (_STUDY,), draw_study, width=6, is_roomy=True, height=300,
               terms=(methods.ALIKE_BEFORE,)),
        _panel("series", "Does the series by itself break?", (_SERIES,), draw_series, width=6, is_roomy=True,
               height=340, terms=(methods.SERIES_ITSELF,)),
        _panel("fakes", "Is as much found where nothing was changed?", (_FAKES,), draw_fakes, width=6, is_roomy=True,
               height=340, terms=(methods.NOTHING_CHANGED,)),
        _panel("cautions", "What could fool us?", (_CHECKS,), draw_cautions, width=12, height=320,
               terms=methods.CHANGES),
    ),
)  # fmt: skip
