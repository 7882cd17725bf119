"""What is asked of a change: did it work? Before and after, held against a comparison and against the series itself.

A question like those of `hotspots`; counts come from `changes`, the methods from `dashboard.domain`.
Source: measures reference, D3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import or_, select

from dashboard.domain.before_after import (
    FEWEST_MONTHS,
    FEWEST_MONTHS_BEFORE,
    LONG_SERIES,
    MOST_STEPS,
    SHORTEST,
    STEPS_A_YEAR,
    Agreement,
    Step,
    Windows,
    agreement,
    fake_dates,
    parts,
    steps,
    steps_in,
    whole,
    windows,
)
from dashboard.domain.difference_in_differences import (
    UNKNOWN,
    Effect,
    Fakes,
    Four,
    before_and_after,
    difference_in_differences,
    dispersion,
    drift,
    drift_that_explains,
    event_study,
    is_shaken,
    log_se_by_unit,
    placebo_groups,
    scatter,
)
from dashboard.domain.errors import UnknownName
from dashboard.domain.filters import DAY, Filters, Period
from dashboard.domain.interrupted_series import FEWEST_STEPS, Break, interrupted_series
from data_access import schema
from data_access.changes import SIDES, UNITS, Change, Counted, count_assets, count_values, read_changes
from data_access.dimensions import DIMENSIONS, HEXAGONS, area, category, service_type
from data_access.hotspots import Analysed, Asking
from data_access.measures.requests import broken, closed, due, opened, reopened
from data_access.semantics import Total

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """What is to have changed: `over`, counted in `under`, or in days and asset-months where that is None."""

    words: str
    things: str
    over: Total
    under: Total | None = None


OUTCOMES: Mapping[str, Outcome] = {
    "opened": Outcome("Requests opened", "requests", opened),
    "broken": Outcome("Promises broken", "broken promises", broken, due),
    "reopened": Outcome("Reopened", "reopenings", reopened, closed),
}
"""By what an address calls them; the usual one first."""


@dataclass(frozen=True)
class BeforeAfter:
    """Whether a change did anything to an outcome.

    `change` is the id of one, or empty for the first that can be told within the scope of who asks; `outcome` a key of
    `OUTCOMES`. It is asked of all the data around the change, whatever period the reader chose; the service type
    chosen takes the place of the change's own.
    """

    change: str = ""
    outcome: str = "opened"

    def answer(self, asking: Asking) -> Judged:
        """Count and compare, within the scope of who asks.

        Raises UnknownName for a change that there is not.
        """
        changes = read_changes(asking.reader) if asking.has(schema.intervention.name) else ()
        if not changes:
            return self._empty(asking, changes, "changes")
        known = {one.change_id: one for one in changes}
        if self.change and self.change not in known:
            raise UnknownName("change", self.change, list(known))
        if self.change:
            return self._told(asking, changes, known[self.change])
        # One with too few counts is still told rather than one of which the viewer may see nothing.
        found: list[Judged] = []
        for one in changes:
            judged = self._told(asking, changes, one)
            if judged.effect.is_known:
                return judged
            found.append(judged)
        return next((one for one in found if not one.lacks), found[0])

    def _empty(
        self, asking: Asking, changes: tuple[Change, ...], lacks: str, change: Change | None = None, about: str = ""
    ) -> Judged:
        return Judged(
            question=self, frame=pd.DataFrame(), as_of=asking.frame.as_of, changes=changes, change=change,
            outcome=OUTCOMES[self.outcome], about=about, lacks=lacks,
        )  # fmt: skip

    def _told(self, asking: Asking, changes: tuple[Change, ...], change: Change) -> Judged:
        filters, about, missing = _about(asking, change)
        empty = self._empty(asking, changes, "", change, about)
        if change.kind not in UNITS and not change.is_of_assets:
            return replace(empty, lacks="kind")
        if missing:
            return replace(empty, lacks="type")
        end_on = asking.clock.last_on + DAY
        found = windows(change.start_on, change.settled_on, asking.clock.first_on, end_on)
        if found is None:
            return replace(empty, lacks="days")
        count = count_assets if change.is_of_assets else count_values
        counted = count(
            asking, change, empty.outcome.over, empty.outcome.under, filters, (found.before, found.after)
        )  # fmt: skip
        notes = tuple(dict.fromkeys([*counted.notes, *_not_narrowed(asking.filters, filters, change)]))
        return _judged(replace(empty, windows=found, notes=notes), counted, asking.clock.first_on, end_on)


def _not_narrowed(chosen: Filters, asked: Filters, change: Change) -> list[str]:
    """What the reader chose and this is not narrowed by."""
    why = "it is not known of them" if change.is_of_assets else "its own are compared"
    left_out = [name for name, _ in chosen.choices if not asked.chosen(name)]
    return [f"Not narrowed by {DIMENSIONS[name].label.lower()}: {why}." for name in left_out]


def _about(asking: Asking, change: Change) -> tuple[Filters, str, bool]:
    """The filters to count with, the service types in words, and whether the change names a type nobody knows."""
    filters = asking.filters.during(Period(asking.clock.first_on, asking.clock.last_on + DAY))
    if change.kind in UNITS:
        filters = filters.without(change.kind)
    if change.is_of_assets:  # it is not known in which of these an asset stands
        for name in (area.name, *(one.name for one in HEXAGONS.values())):
            filters = filters.without(name)
    if change.kind == service_type.name:
        return filters.without(category.name), "", False
    chosen = filters.chosen(service_type.name)
    if chosen or change.outcome is None:
        return filters, " and ".join(chosen), False
    name = change.outcome
    if asking.has(schema.service_type.name):
        t = schema.service_type.c
        rows = asking.reader.frame(select(t.name).where(or_(t.name == name, t.type_id == name)))
        if rows.empty:
            return filters, name, True
        name = str(rows["name"].iloc[0])
    return filters.choose(service_type.name, [name]), name, False


@dataclass(frozen=True, kw_only=True)
class Series:
    """Both sides in steps of time counted from the change; arrays of (2, steps), treated and comparison."""

    every_step: str
    steps: tuple[Step, ...]
    over: Numbers
    exposure: Numbers

    @property
    def is_after(self) -> npt.NDArray[np.bool_]:
        """Which steps lie after the change."""
        return np.array([one.number >= 0 for one in self.steps], bool)

    @property
    def rates(self) -> Numbers:
        """What was counted in each unit of exposure; NaN where there was none."""
        return np.divide(self.over, self.exposure, out=np.full(self.over.shape, np.nan), where=self.exposure > 0)


@dataclass(frozen=True, kw_only=True)
class Judged(Analysed):
    """What three methods say of a change, and what there is to hold against them.

    Parameters
    ----------
    lacks
        What keeps it from being told at all: ``changes``, ``kind``, ``type``, ``days``, ``units``; empty if nothing.
    about
        The service types that are counted, in words; empty for all.
    counts, exposure
        Of the two times that are compared.
    alone
        The ratio after to before of the treated and of the comparison, each by itself.
    effect
        The one over the other: what is told as the effect.
    spread
        How many times as much as chance the effect varies from part to part of the time; 1 if nobody can tell.
    by_units
        Whether the ups and downs of the units make the interval wider than those of counts do.
    study, ratios
        Twelve steps on either side, and of each the ratio of treated to comparison over that of the others before.
    drift, explains
        By what the two grew apart from step to step before the change, and by what they would have to grow for the
        effect to be nothing else.
    series, gap
        The long series and its break at the change; None if it is too short or counts too few.
    dates, groups
        Effects at days and of groups of which nothing changed.
    """

    changes: tuple[Change, ...]
    outcome: Outcome
    about: str
    lacks: str = ""
    change: Change | None = None
    windows: Windows | None = None
    counted: Counted | None = field(default=None, compare=False)
    counts: Four = Four(0, 0, 0, 0)
    exposure: Four = Four(0, 0, 0, 0)
    alone: tuple[Effect, Effect] = (UNKNOWN, UNKNOWN)
    effect: Effect = UNKNOWN
    spread: float = 1.0
    by_units: bool = False
    study: Series | None = field(default=None, compare=False)
    ratios: tuple[Effect, ...] = ()
    drift: Effect = UNKNOWN
    explains: float = float("nan")
    series: Series | None = field(default=None, compare=False)
    gap: Break | None = field(default=None, compare=False)
    dates: tuple[tuple[date, Effect], ...] = ()
    groups: Fakes = Fakes([], [])

    @property
    def says(self) -> Agreement:
        """Whether the comparison and the series say the same."""
        return agreement(self.effect, self.gap.overall if self.gap else None)

    @property
    def alike(self) -> Effect:
        """The rate of the treated over that of the comparison, before; unknown if they are counted by the day."""
        if self.outcome.under is None and not (self.counted is not None and self.counted.per_asset):
            return UNKNOWN
        return before_and_after(self.counts[2], self.counts[0], self.exposure[2], self.exposure[0], self.spread)

    @property
    def is_shaken(self) -> bool:
        """Whether the same is found where nothing changed: at a quarter of the dates, or in too many groups."""
        return is_shaken(self.effect, Fakes([one for _, one in self.dates], []), self.groups)


def _judged(empty: Judged, counted: Counted, first_on: date, end_on: date) -> Judged:
    change, compared = empty.change, empty.windows
    assert change is not None and compared is not None
    if not counted.used[0] or not counted.used[1]:
        return replace(empty, lacks="units", counted=counted)
    counts, exposure = _counted_in(counted, compared.before, compared.after)
    study = _series(counted, _steps(change, first_on, end_on, FEWEST_MONTHS_BEFORE, FEWEST_MONTHS, MOST_STEPS))
    after = study.is_after
    # Two groups with other seasons grow apart and together again; what is compared in one season does not feel it.
    apart = dispersion(study.over[0], study.over[1], (study.exposure[0], study.exposure[1]), after)
    told = _scatter(counted, compared) if compared.same_season else apart
    spread = next((one for one in (told, apart) if np.isfinite(one)), 1.0)
    loose = apart if np.isfinite(apart) else spread
    treated, comparison = counted.units
    by_unit = log_se_by_unit(treated, comparison)
    effect = difference_in_differences(counts, exposure, spread, by_unit)
    poisson = difference_in_differences(counts, exposure, spread)
    before = ~after
    drifted = drift(
        study.over[0][before], study.over[1][before], (study.exposure[0][before], study.exposure[1][before]), loose
    )
    middles = [one.from_on.toordinal() + one.days / 2 for one in (compared.before, compared.after)]
    between = steps_in(middles[1] - middles[0], study.every_step)
    series = _series(counted, _steps(change, first_on, end_on, FEWEST_STEPS, FEWEST_STEPS, LONG_SERIES))
    gap = None
    if series.steps:
        at = np.array([one.number for one in series.steps], float)
        gap = interrupted_series(series.over[0], series.exposure[0], at, STEPS_A_YEAR[series.every_step])
    share = counted.used[0] / sum(counted.used)
    judged = replace(
        empty, counted=counted, counts=counts, exposure=exposure, effect=effect, spread=spread,
        alone=(
            before_and_after(*counts[:2], *exposure[:2], spread), before_and_after(*counts[2:], *exposure[2:], spread),
        ),
        by_units=bool(effect.is_known and effect.log_se > poisson.log_se + 1e-12),
        study=study,
        ratios=tuple(event_study(study.over[0], study.over[1], (study.exposure[0], study.exposure[1]), after, loose)),
        drift=drifted, explains=drift_that_explains(effect, between), series=series, gap=gap,
        dates=_at_fake_dates(counted, change, compared, first_on, spread),
        groups=placebo_groups(comparison, share, spread),
    )  # fmt: skip
    return replace(judged, frame=_methods(judged))


def _counted_in(counted: Counted, before: Period, after: Period) -> tuple[Four, Four]:
    """The counts and the exposures of both sides, before and after."""
    sums = [counted.sums(side, one) for side in (0, 1) for one in (before, after)]
    counts, exposure = (Four(*values) for values in zip(*sums, strict=True))
    return counts, exposure


def _series(counted: Counted, cut: tuple[str, list[Step]]) -> Series:
    every, among = cut
    sums = [[counted.sums(side, Period(one.from_on, one.to_on)) for one in among] for side in (0, 1)]
    both = np.array(sums, float).reshape(2, len(among), 2)
    return Series(every_step=every, steps=tuple(among), over=both[:, :, 0], exposure=both[:, :, 1])


def _scatter(counted: Counted, compared: Windows) -> float:
    number = min(MOST_STEPS, compared.after.days // SHORTEST.days)
    if number < 4:
        return float("nan")
    cut = [parts(one, number) for one in (compared.before, compared.after)]
    sums = np.array([[[counted.sums(side, one) for one in stretch] for stretch in cut] for side in (0, 1)])
    # sides × stretches × parts × (count, exposure)
    exposure = tuple(Four(*sums[:, :, part, 1].ravel()) for part in range(number))
    return scatter((sums[0, 0, :, 0], sums[1, 0, :, 0]), (sums[0, 1, :, 0], sums[1, 1, :, 0]), exposure)


def _steps(
    change: Change, first_on: date, end_on: date, fewest_before: int, fewest_after: int, most: int
) -> tuple[str, list[Step]]:
    """Months where the data holds so many whole ones before and after the change, else weeks; at most `most` a side."""
    before, after = whole(first_on, change.start_on, "month"), whole(change.settled_on, end_on, "month")
    every = "month" if before >= fewest_before and after >= fewest_after else "week"
    return every, steps(change.start_on, change.settled_on, first_on, end_on, every, most)


def _at_fake_dates(
    counted: Counted, change: Change, compared: Windows, first_on: date, spread: float
) -> tuple[tuple[date, Effect], ...]:
    found = []
    for before, after in fake_dates(change.start_on, compared.after.days, first_on, compared.same_season):
        effect = difference_in_differences(*_counted_in(counted, before, after), spread)
        if effect.is_known:
            found.append((after.from_on, effect))
    return tuple(found)


# ── As tables ───────────────────────────────────────────────────────────────────────────────────────


def _methods(found: Judged) -> pd.DataFrame:
    """A row for each method: what it is about, before, after, and the ratio with its interval."""
    rows: list[tuple] = [
        ("before and after", "treated", *found.counts[:2], *found.exposure[:2], *found.alone[0][:3]),
        ("before and after", "comparison", *found.counts[2:], *found.exposure[2:], *found.alone[1][:3]),
        ("difference in differences", "treated against comparison", *[None] * 4, *found.effect[:3]),
    ]
    if found.gap is not None and found.series is not None:
        rows += [
            ("interrupted series", "overall", *[None] * 4, *found.gap.overall),
            ("interrupted series", "level", *[None] * 4, *found.gap.level),
            ("interrupted series", f"slope a {found.series.every_step}", *[None] * 4, *found.gap.slope),
        ]
    numbers = ["count_before", "count_after", "exposure_before", "exposure_after", "ratio", "low", "high"]
    return pd.DataFrame(rows, columns=["method", "of", *numbers])


def _stepwise(found: Judged) -> pd.DataFrame:
    """A row for each step of the twelve on either side, with the ratio of treated to comparison."""
    study = found.study
    assert study is not None
    return pd.DataFrame({
        "from_on": [one.from_on for one in study.steps], "step": [one.number for one in study.steps],
        "treated": study.over[0], "comparison": study.over[1], "treated_exposure": study.exposure[0],
        "comparison_exposure": study.exposure[1], "ratio": [one.ratio for one in found.ratios],
        "low": [one.low for one in found.ratios], "high": [one.high for one in found.ratios],
    })  # fmt: skip


def _along(found: Judged) -> pd.DataFrame:
    """A row for each step of the long series, with what the model expects."""
    series = found.series
    assert series is not None
    frame = pd.DataFrame({
        "from_on": [one.from_on for one in series.steps], "step": [one.number for one in series.steps],
        "treated": series.over[0], "treated_exposure": series.exposure[0],
    })  # fmt: skip
    if found.gap is not None:
        frame["expected"], frame["expected_without_the_change"] = found.gap.fitted, found.gap.without
    return frame


def _fakes(found: Judged) -> pd.DataFrame:
    """A row for each date and each group of which nothing changed, after that of the change itself."""
    assert found.change is not None and found.counted is not None
    rows: list[tuple] = [("the change", found.change.start_on.isoformat(), *found.effect[:3])]
    rows += [("earlier date", on.isoformat(), *one[:3]) for on, one in found.dates]
    names = [found.counted.names[1][at] for at in found.groups.names] or [
        f"random part {n}" for n in range(1, len(found.groups.effects) + 1)
    ]
    rows += [("comparison group", name, *one[:3]) for name, one in zip(names, found.groups.effects, strict=True)]
    return pd.DataFrame(rows, columns=["kind", "what", "ratio", "low", "high"])


def _checks(found: Judged) -> pd.DataFrame:
    """A row for each number that is held against the answer: ratios with their intervals, shares and counts."""
    assert found.counted is not None and found.study is not None
    last = [one for step, one in zip(found.study.steps, found.ratios, strict=True) if step.number == -1]
    rows: list[tuple] = [
        ("treated over comparison before", *found.alike[:3]),
        (f"drift a {found.study.every_step} before", *found.drift[:3]),
        (f"drift a {found.study.every_step} that would explain the effect", found.explains, None, None),
        *((f"last {found.study.every_step} before", *one[:3]) for one in last),
    ]
    for side, name in enumerate(SIDES):
        for at, when in enumerate(("before", "after")):
            share = found.counted.by_channel[side, at]
            rows.append((f"share by {found.counted.channel or 'channel'}, {name} {when}", share, None, None))
        rows.append((f"units, {name}", float(found.counted.used[side]), None, None))
    rows.append(("units not known", float(len(found.counted.unknown)), None, None))
    return pd.DataFrame(rows, columns=["check", "value", "low", "high"])


TABLES = {"checks": _checks, "steps": _stepwise, "series": _along, "fakes": _fakes}


@dataclass(frozen=True)
class PartOf:
    """The same answer with the rows of one of its cards as its table: a key of `TABLES`."""

    of: BeforeAfter
    table: str

    def answer(self, asking: Asking) -> Judged:
        """What `of` answers, counted once."""
        found = asking.known(self.of, asking.filters)
        assert isinstance(found, Judged)
        return replace(found, question=self, frame=found.frame if found.lacks else TABLES[self.table](found))
