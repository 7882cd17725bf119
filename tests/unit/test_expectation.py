"""What stands beside what came: gaps, the usual range, half-hours, stacks, the days ahead."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from dashboard.domain.expected import Days, Expected
from dashboard.domain.filters import Clock, Filters, Period
from dashboard.domain.forecasting import HORIZON, forecast
from data_access.measures.contacts import SERVICE_LEVELS, offered
from data_access.measures.requests import opened
from data_access.semantics import Answer, Query
from layouts.figures import expectation, grids, series, stacks, surging
from layouts.figures.steps import seven_day_mean, steps_of
from layouts.theme import unknown_tokens
from layouts.view import Context, Event
from layouts.views import calls

AS_OF = datetime(2026, 5, 21, 3, 48)
GAP_ON = date(2025, 9, 11)
CLOCK = Clock(date(2025, 1, 1), date(2026, 5, 20), AS_OF, gaps=((GAP_ON, date(2025, 9, 12)),))
CITY = SimpleNamespace(
    name="Riverton", tz="America/New_York", service_level_target_share=0.8, service_level_variant="offered",
    answer_within_s=60, short_abandon_s=5,
)  # fmt: skip
STORM = Event("Storm", "storm", date(2026, 5, 16), date(2026, 5, 19))
PERIOD = Period(date(2025, 9, 1), date(2025, 10, 1))
CONTEXT = Context(Filters(PERIOD), CLOCK, CITY, "build-1", events=(STORM,), closed_on=frozenset({date(2025, 9, 1)}))


def daily(values, first: date = PERIOD.from_on, measure=opened) -> Answer:
    frame = pd.DataFrame({"day": pd.date_range(first, periods=len(values)), measure.name: values})
    return Answer(Query((measure,), every="day"), frame, AS_OF, "day")


def test_a_day_without_data_is_drawn_as_a_gap_and_stays_out_of_the_mean():
    values = [50] * 30
    values[10] = 0
    steps = steps_of(daily(values), PERIOD, CLOCK)
    known = steps.known("opened")
    assert np.flatnonzero(np.isnan(known)).tolist() == [10]
    assert steps.values("opened")[10] == 0
    mean = seven_day_mean(known)
    assert np.isnan(mean[:6]).all() and (mean[6:] == 50).all()
    figure = series.over_time(steps, "opened", "Requests a day", "requests")
    assert np.isnan(figure["data"][0]["y"][10])


def test_what_was_recorded_on_a_day_of_a_gap_is_shown():
    steps = steps_of(daily([50] * 30), PERIOD, CLOCK)
    assert np.isfinite(steps.known("opened")).all()


def test_days_know_which_of_them_are_special():
    values = [0, 0, *[5] * 28]
    values[10] = 0
    days = expectation.days_of(daily(values), "opened", CONTEXT)
    assert (days.first_on, len(days)) == (date(2025, 9, 3), 28)
    assert np.flatnonzero(days.is_unknown).tolist() == [8]
    storm = expectation.days_of(daily([5] * 10, date(2026, 5, 11)), "opened", CONTEXT)
    assert np.flatnonzero(storm.is_event).tolist() == [5, 6, 7]
    first = expectation.days_of(daily([5] * 10), "opened", CONTEXT)
    assert np.flatnonzero(first.is_closed).tolist() == [0]


def test_days_left_out_of_an_answer_are_unknown_not_zero():
    answer = daily([5] * 10)
    shorter = replace(answer, rows=answer.frame.drop(index=[3, 4]))
    assert np.flatnonzero(expectation.days_of(shorter, "opened", CONTEXT).is_unknown).tolist() == [3, 4]


def test_the_usual_range_lies_behind_dots_as_an_area_and_behind_bars_as_bars():
    for number, kind in ((30, "scatter"), (10, "bar")):
        steps = steps_of(daily([50] * number), Period(PERIOD.from_on, PERIOD.from_on + timedelta(number)), CLOCK)
        figure = series.over_time(steps, "opened", "Requests a day", "requests")
        drawn = expectation.band_behind(figure, steps, np.full(number, 40.0), np.full(number, 60.0))
        names = [trace.get("name") for trace in drawn["data"]]
        band = drawn["data"][names.index("usual")]
        assert band["type"] == kind
        if kind == "bar":
            assert band["text"][0] == "usually 40 to 60"
        else:
            assert (band["text"][0], band["y"][0]) == (40, 60) and band["hovertemplate"].startswith("usually %{text:,")
        assert names.index("usual") < len(names) - 1 and not unknown_tokens(drawn)


def test_the_forecast_begins_on_the_day_after_the_last_one_of_the_data():
    values = np.random.default_rng(1).poisson(80, 200)
    days = expectation.days_of(daily(values, CLOCK.last_on - timedelta(days=199)), "opened", CONTEXT)
    found = forecast(days, np.zeros(HORIZON, bool))
    assert found is not None
    figure = expectation.ahead(days, found, "requests")
    expected = next(trace for trace in figure["data"] if trace["name"] == "expected")
    came = next(trace for trace in figure["data"] if trace["name"] == "came")
    assert (came["x"][-1], expected["x"][0], expected["x"][-1]) == ("2026-05-20", "2026-05-21", "2026-06-17")
    assert not unknown_tokens(figure)


@pytest.mark.parametrize(
    ("day", "hour", "times"), [(date(2026, 3, 8), 146, 0), (date(2026, 11, 1), 145, 2), (date(2026, 5, 17), 146, 1)]
)
def test_the_hours_of_both_clock_changes_are_counted_as_they_came(day, hour, times):
    clock = replace(CLOCK, last_on=date(2026, 12, 31))
    context = replace(CONTEXT, clock=clock, filters=Filters(Period(day, day + timedelta(days=1))))
    hours = grids.hours_known(context)
    assert hours[hour] == times
    mean, said = grids.per_hour_words(np.zeros(168), hours)
    assert np.isnan(mean[hour]) == (times == 0)
    assert said[hour] == f"0 in {times}"


def test_the_hours_of_a_day_without_data_are_not_divided_by():
    whole = grids.hours_in(PERIOD.from_on, PERIOD.to_on, CITY.tz)
    known = grids.hours_known(CONTEXT)
    assert (whole - known).sum() == 24 and (whole - known)[3 * 24 : 4 * 24].sum() == 24  # a Thursday


def test_half_hours_of_several_days_leave_the_nights_out():
    days, times = [date(2026, 5, 16), date(2026, 5, 18)], ["07:00", "07:30", "08:00"]
    expected = Expected(np.full((2, 3), 10.0), 20.0)
    flags = np.array([[False, True, True], [False, False, False]])
    figure = expectation.half_hours(days, times, np.full((2, 3), 12.0), expected, flags)
    bars = figure["data"][-1]
    assert bars["x"] == [f"{day} {time}" for day in days for time in times]
    assert bars["marker"]["color"].count("$overdue") == 2
    hours, between = figure["layout"]["xaxis"]["rangebreaks"]
    assert hours == {"bounds": [8.75, 6.75], "pattern": "hour"} and between == {"values": ["2026-05-17"]}


def test_a_storm_is_told_by_its_half_hours():
    times = [f"{hour:02d}:00" for hour in range(8, 18)]
    first, number = date(2026, 2, 10), 100
    rows = [
        {"day": pd.Timestamp(first + timedelta(days=i)), "half_hour": time, "offered": 20 + (i * 7 + h * 3) % 5}
        for i in range(number) for h, time in enumerate(times)
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    is_storm = (frame["day"] == pd.Timestamp(2026, 5, 16)) & (frame["half_hour"] >= "14:00")
    frame.loc[is_storm, "offered"] += 60
    lately = Answer(Query((offered,), every="day"), frame, AS_OF, "day")
    totals = frame.groupby("day", as_index=False)["offered"].sum()
    context = replace(CONTEXT, filters=Filters(Period(date(2026, 5, 11), date(2026, 5, 21))))
    drawing = surging.half_hours(lately, replace(lately, rows=totals), context)
    assert drawing is not None
    said = "".join(getattr(part, "children", part) for part in drawing.sentence)
    assert "Calls surged in 4 half-hours of 1 day" in said
    assert "Sat 16 May 2026 (Storm): 4 half-hours from 14:00" in said


def test_parts_of_a_stack_add_up_and_are_named_beside_it():
    steps = steps_of(daily([4] * 20), Period(PERIOD.from_on, PERIOD.from_on + timedelta(20)), CLOCK)
    parts = [stacks.Part(np.full(20, part), name, "series") for part, name in ((0.75, "phone"), (0.25, "web"))]
    figure = stacks.stacked(steps, parts, "Share", str, top=1)
    assert sum(trace["y"] for trace in figure["data"]).tolist() == [1.0] * 20
    beside = [one["text"] for one in figure["layout"]["annotations"] if one.get("name") == "beside"]
    assert beside == ["phone", "web"]


def test_each_way_of_counting_has_a_link_but_the_one_in_force():
    named = {name: 100.0 for ratio in SERVICE_LEVELS.values() for name in (ratio.over.name, ratio.under.name)}
    frame = pd.DataFrame([named | {ratio.name: 0.8 for ratio in SERVICE_LEVELS.values()}])
    answer = Answer(Query(tuple(SERVICE_LEVELS.values())), frame, AS_OF)
    for setting, links in (("city", 5), ("answered", 5)):
        context = replace(CONTEXT, filters=CONTEXT.filters.switch("service_level", setting))
        body = str(calls.draw_variants((answer, None), context).body)
        assert body.count("Count this way") == links
        assert ("service_level=answered" in body) == (setting == "city")


def test_nothing_is_expected_of_a_city_without_days():
    nothing = expectation.days_of(daily([0] * 5), "opened", CONTEXT)
    assert isinstance(nothing, Days) and len(nothing) == 0
