"""A click on a mark toggles that mark's value in the address; a brush along a time axis, or two dates, set the period.

The browser sends only the value (`customdata` or a map's `location`) or the range. What is picked before the address
tells of the last pick is sent with that one, in the order of the clicks, for one answer takes the place of another.
An answer comes with the address that the pick was made at: to a reader who has gone on meanwhile it means nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, no_update

from callbacks.address import filters_in, place_at, view_at
from dashboard.domain.filters import DAY, DEFAULT_PERIOD, Clock, Period, add_months
from dashboard.services import Services
from data_access.semantics import Dimension
from layouts import page as screen
from layouts.filter_bar import search_in_period
from layouts.view import View

MONTHS = {"month": 1, "quarter": 3, "year": 12}


def register(app: Dash, services: Services, views: Sequence[View]) -> None:
    """What was picked becomes the address."""
    panels = {(view.name, panel.name): panel for view in views for panel in view.panels}

    @app.callback(
        Output(screen.CHOSEN, "data"),
        Input(screen.PICKED, "data"),
        prevent_initial_call=True,
    )
    def choose_what_was_picked(picked):
        if not picked:
            return no_update
        view, search = view_at(picked["path"], views), picked["search"]
        for one in picked["picks"]:
            then = searched(one, search, picked["path"], view)
            search = search if then is None else then
        chosen = {"path": picked["path"], "search": picked["search"], "then": search}
        return no_update if search == picked["search"] else chosen

    app.clientside_callback(
        ClientsideFunction("dashboard311", "choose"), Input(screen.CHOSEN, "data"), prevent_initial_call=True
    )

    def searched(picked: dict[str, Any], search: str, pathname: str, view: View | None) -> str | None:
        """The query of the address once something was picked there; None if it stays."""
        filters = filters_in(search, services, view)
        if "days" in picked:
            first, last = (date.fromisoformat(day) for day in picked["days"])
            return search_in_period(filters, Period(first, last + DAY))
        panel = panels.get((picked["view"], picked["panel"]))
        chooses = panel.chooses(place_at(pathname, view, filters) if view is not None else None) if panel else None
        if chooses == "period":
            clock = services.clock()
            period = period_picked(picked, clock)
            if period is None:
                return None
            shown = filters.period
            if "value" in picked and (period.from_on, period.to_on) == (shown.from_on, shown.to_on):
                period = Period.named(DEFAULT_PERIOD, clock)  # clicked again: taken back
            return search_in_period(filters, period)
        if not isinstance(chooses, Dimension):
            return None
        name = chooses.name
        if "values" in picked:
            return filters.choose(name, picked["values"]).to_search()
        return filters.toggle(name, picked["value"]).to_search() if "value" in picked else None


def period_picked(picked: dict, clock: Clock) -> Period | None:
    """The days or whole steps whose marks lie in the brushed range, cut to the data; None if it holds none."""
    every = picked.get("every") or "day"
    if "range" in picked:
        begin, end = (_instant(x) for x in picked["range"])
    elif "value" in picked:
        begin = end = _instant(picked["value"])
    else:
        return None
    first = begin.date() if begin.time() == time() else begin.date() + DAY
    first, last = _step_at_or_after(first, every), end.date()
    if last < first:
        return None
    to_on = _step_after(last, every)
    first, to_on = max(first, clock.first_on), min(to_on, clock.last_on + DAY)
    return Period(first, to_on) if first < to_on else None


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(str(text).strip().replace(" ", "T")[:19].ljust(10, "0"))


def _step_start(day: date, every: str) -> date:
    if every == "week":
        return day - timedelta(days=day.weekday())
    if every in MONTHS:
        size = MONTHS[every]
        return date(day.year, (day.month - 1) // size * size + 1, 1)
    return day


def _step_after(day: date, every: str) -> date:
    """The first day after the step that holds `day`."""
    start = _step_start(day, every)
    if every in MONTHS:
        return add_months(start, MONTHS[every])
    return start + (timedelta(days=7) if every == "week" else DAY)


def _step_at_or_after(day: date, every: str) -> date:
    start = _step_start(day, every)
    return start if start == day else _step_after(day, every)
