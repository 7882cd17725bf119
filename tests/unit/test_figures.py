"""What every way to draw promises: sums tie out, selection fades the others, every colour is a token, empty is said."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from html import unescape
from types import SimpleNamespace

import h3
import numpy as np
import pandas as pd
import pytest
from plotly.io.json import to_json_plotly

from dashboard.domain.calendar import BusinessCalendar
from dashboard.domain.filters import Clock, Filters, Period
from dashboard.domain.policy import ABOUT
from dashboard.domain.stretches import (
    a_year_before,
    at_least_a_year,
    day_before,
    last_months,
    last_whole_weeks,
    quarters_told_after,
    running,
    time_before,
    told_after,
)
from data_access.dimensions import short_cell
from data_access.health import Health
from data_access.listing import Listing, Rows
from data_access.measures.requests import backlog, opened, sla_compliance
from data_access.opening_hours import Hours
from data_access.semantics import Answer, Query, Ratio, Spread
from data_access.timeline import OneRequest
from layouts import page
from layouts.components import NBSP, sign_of
from layouts.figures import comparisons, events, grids, maps, series, stacks, tables, verdicts, words
from layouts.figures.clock import opening_hours
from layouts.figures.comparisons import Dot, Kept, Move
from layouts.figures.series import Line
from layouts.figures.steps import Steps, seven_day_share, steps_of
from layouts.markup import markup
from layouts.theme import unknown_tokens
from layouts.view import Compared, Context, Event, FromAddress, OnDays, Over, asked_of
from layouts.views import agents, collect_views, overview, promises, service_quality
from layouts.views.hotspots.asking import everywhere
from layouts.views.hotspots.visited import draw_confirmed

CLOCK = Clock(
    date(2024, 1, 1), date(2026, 5, 20), datetime(2026, 5, 21, 3, 48), 7, date(2026, 5, 20),
    books=((date(2024, 7, 1), date(2025, 7, 1)), (date(2025, 7, 1), date(2026, 5, 21))),
    contacts_from_on=date(2024, 1, 1),
)  # fmt: skip
CITY = SimpleNamespace(
    name="Riverton", tz="America/New_York", promise_target_share=0.85, service_level_target_share=0.8,
    service_level_variant="offered",
    answer_within_s=60, short_abandon_s=5, currency="USD",
)  # fmt: skip
FILTERS = Filters(Period(date(2026, 5, 1), date(2026, 5, 21), "month", date(2026, 6, 1)), "previous")
STORM = Event("Storm", "storm", date(2026, 5, 16), date(2026, 5, 19))
PEOPLE = {"Alpha": 21_000, "Beta": 9_000, "Gamma": 400}
CONTEXT = Context(FILTERS, CLOCK, CITY, "build-1", events=(STORM,), populations=PEOPLE)


def months(values: list[float], first: str = "2025-05-01", **more: list[float]) -> Steps:
    frame = pd.DataFrame({"month": pd.date_range(first, periods=len(values), freq="MS"), "n": values, **more})
    answer = Answer(Query(()), frame, CLOCK.as_of, "month")
    return steps_of(answer, last_months(13)(FILTERS.period, CLOCK), CLOCK)


def days(values: list[float], first: str = "2026-05-01") -> Steps:
    frame = pd.DataFrame({"day": pd.date_range(first, periods=len(values)), "n": values})
    answer = Answer(Query(()), frame, CLOCK.as_of, "day")
    return steps_of(answer, Period(date.fromisoformat(first), date(2026, 5, 21)), CLOCK)


def written(part) -> str:
    """The text of components, tags left out."""
    if isinstance(part, list | tuple):
        return "".join(written(one) for one in part)
    return written(part.children) if hasattr(part, "children") else "" if part is None else str(part)


# ── Targets ──


def test_each_type_is_held_against_its_own_target_and_the_rest_against_the_citys():
    frame = pd.DataFrame({"service_type": ["Light", "Tree"], "kept": [45.0, 41.0], "due": [50.0, 50.0]})
    answers = (Answer(Query(()), frame.assign(sla_compliance=frame["kept"] / frame["due"]), CLOCK.as_of),) * 5
    usual = overview.draw_scorecard(answers, CONTEXT)
    assert "meet the target of 85" in written(usual.sentence) and "own target" not in written(usual.foot)
    own = overview.draw_scorecard(answers, replace(CONTEXT, targets={"Light": 0.95, "Tree": 0.8}))
    assert "1 of 2 services meet their own target, 1 is within five points" in written(own.sentence)
    rows = markup(own.body).split("<tr")
    assert ["target 95" in rows[2], "m-near" in rows[2]] == [True, True]
    assert ["target 80" in rows[3], "m-meets" in rows[3]] == [True, True]
    assert "m-meets" in rows[4]  # all types: 86 of 100, and the city's 85 %
    assert "last rows against 85" in written(own.foot)
    all_named = overview.draw_scorecard(answers, replace(CONTEXT, targets={"Tree": 0.9}))
    assert written(all_named.sentence).endswith("1 misses it by more: Tree.")


def test_where_types_are_chosen_the_scorecard_speaks_of_them_alone():
    frame = pd.DataFrame({"service_type": ["Light", "Tree"], "kept": [45.0, 41.0], "due": [50.0, 50.0]})
    answers = (Answer(Query(()), frame.assign(sla_compliance=frame["kept"] / frame["due"]), CLOCK.as_of),) * 5

    def said(*chosen: str, **more) -> str:
        return written(overview.draw_scorecard(answers, replace(CONTEXT, selected=chosen, **more)).sentence)

    one = said("Tree").replace("\xa0", " ")
    kept = "Tree: so far in May 82.0 % of 50 promises were kept"
    assert one == f"{kept}, which is within five points of its target of 85 %."
    assert ": so far in May 86.0 % of 100" in said("Light", "Tree").replace("\xa0", " ")
    own = said("Light", targets={"Light": 0.95}).replace("\xa0", " ")
    assert own.endswith("which is within five points of its target of 95 %.")
    assert said("Nothing known") == "Nothing known: so far in May no promise fell due."
    april = replace(CONTEXT.filters, period=Period(date(2026, 4, 1), date(2026, 5, 1)))
    assert said("Tree", filters=april).startswith("Tree: in April ")  # all of it
    aimless = SimpleNamespace(**{**vars(CITY), "promise_target_share": None})
    assert said("Tree", city=aimless).replace("\xa0", " ") == f"{kept}."


def test_promises_broken_in_small_types_alone_are_not_all_kept():
    frame = pd.DataFrame({
        "service_type": ["Light", "Tree", "Rats"], "department": "Works", "kept": [30.0, 12.0, 3.0],
        "due": [30.0, 15.0, 4.0],
    })  # fmt: skip
    drawn = promises.draw_types((Answer(Query(()), frame, CLOCK.as_of), None), CONTEXT)
    assert written(drawn.sentence) == "4 of 49 promises were broken, all of small types."
    kept = promises.draw_types((Answer(Query(()), frame.assign(kept=frame["due"]), CLOCK.as_of), None), CONTEXT)
    assert written(kept.sentence) == "Every promise that fell due was kept."


def test_a_single_broken_promise_is_written_as_one():
    frame = pd.DataFrame({"hexagon_9": ["892a1072893ffff"], "district": ["Hill"], "broken": [1.0], "due": [3.0]})
    answers = (Answer(Query(()), frame, CLOCK.as_of), None)
    context = replace(CONTEXT, place_names={"892a1072893ffff": "Quay"})
    assert written(promises.draw_map(answers, context).sentence) == "1 promise was broken in 1 place of about 0.1 km²."
    assert written(promises.draw_places(answers, context).sentence).startswith("The first place holds 100")


def test_a_day_without_data_is_no_day_without_requests():
    gap = Event("No data received", "data_gap", date(2026, 5, 11), date(2026, 5, 12))
    filters = replace(FILTERS, period=Period(gap.start_on, gap.end_on))
    clock = replace(CLOCK, gaps=((gap.start_on, gap.end_on),))
    context = replace(CONTEXT, filters=filters, clock=clock, events=(gap,))
    nothing = Answer(Query((opened,)), pd.DataFrame({"opened": [0.0]}), CLOCK.as_of)
    past = Answer(Query((opened,)), pd.DataFrame({"month": pd.date_range("2025-06-01", periods=11, freq="MS"),
                                                  "opened": 400.0}), CLOCK.as_of, "month")  # fmt: skip
    tile = written(overview.draw_opened((nothing, None, past), context).body)
    assert "no data was received" in tile and "0" not in tile.replace("\xa0", " ").split("no data")[0]
    days = pd.DataFrame({"day": pd.date_range("2026-04-20", periods=22), "opened": [400.0] * 21 + [0.0]})
    banner = overview.draw_event((Answer(Query((opened,)), days, CLOCK.as_of, "day"),), context)
    assert "not known" in written(banner.body) and "fewer" not in written(banner.body)
    empty, link = written(words.nothing("No calls in opening hours", context).sentence), "Show everything"
    assert empty.startswith("No data was received on 11 May 2026.") and link in empty and "No calls" not in empty
    narrowed = words.nothing("No calls", replace(context, filters=filters.choose("department", ["Parks"])))
    assert "No data was received on 11 May 2026" in written(narrowed.sentence)


def test_the_map_of_broken_promises_stands_still_unless_a_part_of_the_city_is_asked_for():
    near, far = "892a1072893ffff", "892a100d2c3ffff"
    context = replace(CONTEXT, place_names={near: "Mercer St / 1st St", far: "Quay"})
    some, other = (pd.DataFrame({"hexagon_9": [cell], "district": ["Hill"], "broken": [30.0], "due": [90.0]})
                   for cell in (near, far))  # fmt: skip

    def seen(frame: pd.DataFrame, context: Context) -> dict:
        figure = promises.draw_map((Answer(Query(()), frame, CLOCK.as_of), None), context).figure
        return figure["layout"]["map"]["center"]

    assert seen(some, context) == seen(other, context)
    chosen = replace(context, filters=context.filters.toggle("district", "Hill"))
    for part in (chosen, replace(context, own={"district": ("Hill",)})):
        assert seen(some, part) != seen(other, part)


def test_places_of_broken_promises_bear_their_names():
    cells = ["892a1072893ffff", "892a100d2c3ffff"]
    frame = pd.DataFrame({"hexagon_9": cells, "district": ["Hill", "Dale"], "broken": [30.0, 2.0], "due": [90.0, 40.0]})
    names = {cells[0]: "Mercer St / 1st St"}
    drawing = promises.draw_places((Answer(Query(()), frame, CLOCK.as_of),), replace(CONTEXT, place_names=names))
    said = markup(drawing.body)
    assert "Mercer St / 1st St" in said and "Hill" in said and f">{short_cell(cells[0])}<" not in said
    assert f">{short_cell(cells[1])}<" in said and "Dale" in said  # one without a name keeps its number
    assert "Mercer St / 1st St" in "".join(map(str, drawing.sentence))


def test_a_type_of_which_few_had_a_promise_says_of_how_many_its_verdict_is():
    told = {
        "due": 50.0, "kept": 49.0, "promised_time": 2 * 86_400.0, "promise_used": 100.0, "promise_used_p90": 300.0,
        "promise_used_n": 46.0, "time_to_close": 2.3 * 86_400, "time_to_close_p90": 14.7 * 86_400,
        "time_to_close_n": 100.0, "time_to_close_ended_only": 2.3 * 86_400, "working_time_to_close": 18.3 * 3600,
        "working_time_to_close_p90": np.nan, "working_time_to_close_n": 100.0,
    }  # fmt: skip
    frame = pd.DataFrame([{"service_type": "Bulk", **told}])
    drawing = promises.draw_fit((Answer(Query(()), frame, CLOCK.as_of),), CONTEXT)
    said = written(drawing.sentence).replace("\xa0", " ")
    assert said.endswith("Of Bulk with a promise, nine in ten took at most 30 % of the time each was promised.")
    assert "padded" in markup(drawing.body) and "46\xa0% had a promise" in markup(drawing.body)
    every = pd.DataFrame([{"service_type": "Bulk", **told, "promise_used_n": 100.0}])
    drawing = promises.draw_fit((Answer(Query(()), every, CLOCK.as_of),), CONTEXT)
    assert "padded" in markup(drawing.body) and "had a promise" not in markup(drawing.body)
    assert "working" not in markup(drawing.body) + markup(drawing.foot)  # no calendar is known to say which hours


def test_working_time_is_told_where_a_calendar_says_which_hours():
    told = {name: 0.0 for name in ("promised_time", "promise_used", "promise_used_p90", "promise_used_n")}
    told |= {"due": 0.0, "kept": 0.0, "time_to_close": 2.3 * 86_400, "time_to_close_p90": np.nan,
             "time_to_close_n": 100.0, "time_to_close_ended_only": 2.3 * 86_400,
             "working_time_to_close": 18.3 * 3600, "working_time_to_close_p90": np.nan}  # fmt: skip
    rows = [{"service_type": name, **told, "working_time_to_close_n": n}
            for name, n in (("Bulk", 100.0), ("Few", 19.0), ("Leak", 100.0))]  # fmt: skip
    office = BusinessCalendar([[("08:00", "17:00")]] * 5 + [[], []], (), "America/New_York")
    always = BusinessCalendar([[("00:00", "24:00")]] * 7, (), "America/New_York")
    before = Hours(always, date.min, FILTERS.period.from_on)
    hours = {"Bulk": (before, Hours(office, FILTERS.period.from_on)), "Few": (Hours(office),), "Leak": (Hours(always),)}
    answers = (Answer(Query(()), pd.DataFrame(rows), CLOCK.as_of),)
    drawing = promises.draw_fit(answers, replace(CONTEXT, hours=hours))
    body, foot = (markup(one).replace("\xa0", " ") for one in (drawing.body, drawing.foot))
    # Nine in ten are not closed yet, and of few none is told.
    assert body.count("working") == 1 and "18.3 working h" in body
    assert "Mon–Fri" not in body and "working h: Mon–Fri 08:00–17:00, without holidays, closures and pauses" in foot
    assert "; not told where it runs day and night" in foot  # Leak’s clock does
    since = {**hours, "Leak": (Hours(always, FILTERS.period.to_on),)}  # in the period it had no hours at all
    assert "not told where" not in markup(promises.draw_fit(answers, replace(CONTEXT, hours=since)).foot)
    drawing = promises.draw_fit(answers, replace(CONTEXT, hours={**hours, "Leak": (Hours(always), Hours(office))}))
    body, foot = (markup(one).replace("\xa0", " ") for one in (drawing.body, drawing.foot))
    assert body.count("18.3 working h") == 2 and "working h: in the hours under the type" in foot
    assert "not told where" not in foot
    assert ">Mon–Fri 08:00–17:00<" in body and ">day and night or Mon–Fri 08:00–17:00<" in body


@pytest.mark.parametrize(("week", "said"), [
    ([[("08:00", "17:00")]] * 5 + [[], []], "Mon–Fri 08:00–17:00"),
    ([[("00:00", "24:00")]] * 7, "day and night"),
    ([[("08:00", "12:00"), ("13:00", "17:00")]] * 4 + [[("08:00", "12:00")], [], []],
     "Mon–Thu 08:00–12:00, 13:00–17:00; Fri 08:00–12:00"),
    ([[("09:00", "12:00")], [], [("09:00", "12:00")], [], [], [("10:00", "14:00")], [("10:00", "14:00")]],
     "Mon 09:00–12:00; Wed 09:00–12:00; Sat–Sun 10:00–14:00"),
])  # fmt: skip
def test_opening_hours_are_said_day_by_day(week, said):
    assert opening_hours(BusinessCalendar(week, (), "America/New_York")) == said


# ── Stretches of time ──


def test_thirteen_months_end_with_the_running_one():
    stretch = last_months(13)(FILTERS.period, CLOCK)
    assert (stretch.from_on, stretch.to_on) == (date(2025, 5, 1), date(2026, 5, 21))
    assert stretch.is_partial


def test_a_period_that_ends_with_a_month_has_no_running_month():
    stretch = last_months(12)(Period(date(2026, 4, 10), date(2026, 5, 1)), CLOCK)
    assert (stretch.from_on, stretch.to_on, stretch.is_partial) == (date(2025, 5, 1), date(2026, 5, 1), False)


@pytest.mark.parametrize(
    ("step", "from_on"),
    [("day", "2026-05-20"), ("week", "2026-05-18"), ("month", "2026-05-01"), ("quarter", "2026-04-01"),
     ("fiscal-year", "2025-07-01")],
)  # fmt: skip
def test_running_stretches_begin_where_their_step_does(step, from_on):
    stretch = running(step)(FILTERS.period, CLOCK)
    assert (stretch.from_on, stretch.to_on) == (date.fromisoformat(from_on), date(2026, 5, 21))


def test_whole_weeks_leave_the_running_one_out():
    stretch = last_whole_weeks(8)(FILTERS.period, CLOCK)
    assert (stretch.to_on, stretch.days) == (date(2026, 5, 18), 56)


def test_what_takes_time_to_be_told_is_asked_of_an_earlier_stretch_as_long():
    early = Period(date(2026, 3, 1), date(2026, 4, 1))
    assert told_after(30)(early, CLOCK) == early
    assert told_after(30)(FILTERS.period, CLOCK) == Period(date(2026, 3, 31), date(2026, 4, 20))
    late = replace(CLOCK, contacts_to_on=date(2026, 5, 10))
    assert told_after(30)(FILTERS.period, late) == told_after(30)(FILTERS.period, CLOCK)
    assert told_after(30, contacts=True)(FILTERS.period, late).to_on == date(2026, 4, 10)
    everything = told_after(30)(Period(date(2024, 1, 1), date(2026, 5, 21)), CLOCK)
    assert everything == Period(date(2024, 1, 1), date(2026, 4, 20))


def test_districts_are_compared_over_a_year_at_least_and_over_whole_quarters():
    year = at_least_a_year(told_after(60))(FILTERS.period, CLOCK)
    assert year == Period(date(2025, 3, 21), date(2026, 3, 21))
    assert at_least_a_year(told_after(60))(Period(date(2024, 1, 1), date(2025, 6, 1)), CLOCK).days == 517
    assert a_year_before(told_after(30))(Period(date(2026, 3, 1), date(2026, 4, 1)), CLOCK).from_on == date(2025, 3, 1)
    young = replace(CLOCK, first_on=date(2025, 6, 15))
    assert at_least_a_year(told_after(60))(FILTERS.period, young).from_on == date(2025, 6, 15)
    assert a_year_before(at_least_a_year(told_after(60)))(FILTERS.period, young) is None
    assert quarters_told_after(60, 12)(FILTERS.period, young) == Period(date(2025, 7, 1), date(2026, 1, 1))
    assert quarters_told_after(60, 2)(FILTERS.period, CLOCK) == Period(date(2025, 7, 1), date(2026, 1, 1))


def test_what_stands_open_is_drawn_as_long_as_closings_are_known():
    clock = replace(CLOCK, as_of_on=date(2026, 6, 30))
    frame = pd.DataFrame({"month": pd.date_range("2026-04-01", periods=3, freq="MS"), "backlog": [7.0, 8.0, 5.0]})
    period = Period(date(2026, 4, 1), date(2026, 7, 1))
    standing = steps_of(Answer(Query((backlog,)), frame, clock.as_of, "month"), period, clock)
    assert standing.starts[-1] == date(2026, 6, 1) and standing.is_whole.all()
    came = steps_of(Answer(Query((opened,)), frame, clock.as_of, "month"), period, clock)
    assert came.starts[-1] == date(2026, 5, 1) and came.is_whole.tolist() == [True, False]


def test_stretches_never_reach_beyond_the_data():
    beyond = Period(date(2026, 5, 1), date(2027, 1, 1))
    assert running("month")(beyond, CLOCK).to_on == date(2026, 5, 21)


def test_a_question_is_asked_of_its_own_stretch():
    query = Query(())
    assert asked_of(query, FILTERS, CLOCK) == (query, FILTERS)
    assert asked_of(Over(query, day_before), FILTERS, CLOCK)[1].period == Period(date(2026, 4, 30), date(2026, 5, 1))
    assert asked_of(Compared(query), FILTERS, CLOCK)[1].period == FILTERS.comparison()
    assert asked_of(Compared(query), replace(FILTERS, compare="none"), CLOCK) is None
    assert asked_of(Over(query, time_before), FILTERS, CLOCK)[1].period == FILTERS.period.before()
    everything = FILTERS.during(Period.named("all", CLOCK))
    assert asked_of(Over(query, time_before), everything, CLOCK) is None


# ── Steps ──


def test_the_running_month_is_not_whole():
    steps = months(list(range(13)))
    assert steps.is_whole.tolist() == [True] * 12 + [False]
    assert steps.name(12) == "May 2026" and steps.when(0) == "in May 2025"


def test_steps_before_the_data_begins_are_left_out():
    early = Clock(date(2025, 8, 10), CLOCK.last_on, CLOCK.as_of, 7, CLOCK.as_of_on)
    frame = pd.DataFrame({"month": pd.date_range("2025-05-01", periods=13, freq="MS"), "n": 1})
    steps = steps_of(Answer(Query(()), frame, CLOCK.as_of, "month"), last_months(13)(FILTERS.period, early), early)
    assert len(steps) == 10
    assert steps.is_whole.tolist() == [False] + [True] * 8 + [False]


def test_a_share_over_seven_days_is_divided_last():
    over, under = np.array([1, 0, 0, 0, 0, 0, 9.0]), np.array([1, 0, 0, 0, 0, 0, 99.0])
    assert seven_day_share(over, under)[-1] == pytest.approx(0.1)


# ── Series ──


def test_many_days_are_dots_under_their_mean():
    figure = series.over_time(days([float(n) for n in range(20)]), "n", "Requests a day", "requests")
    raw, mean, end = figure["data"]
    assert sum(raw["y"]) == sum(range(20))
    assert np.isnan(mean["y"][5]) and mean["y"][6] == 3
    assert end["y"] == [16]
    assert raw["customdata"][0] == "2026-05-01"


def test_the_running_step_is_hatched():
    figure = series.paired_bars(months([5.0] * 13, m=[4.0] * 13), (Line("n", "opened"), Line("m", "closed")), "a month")
    for bars in figure["data"]:
        assert bars["marker"]["pattern"]["shape"] == [""] * 12 + ["/"]
    assert figure["layout"]["xaxis"]["ticktext"][-1] == "May<br><b>to date</b>"
    assert figure["layout"]["xaxis"]["ticktext"][0] == "May<br>2025"


def test_a_line_leaves_the_running_step_out_and_marks_it_hollow():
    figure = series.lines(months([5.0] * 12 + [1.0]), (Line("n", "requests"),), "Requests")
    line, hollow = figure["data"][:2]
    assert np.isnan(line["y"][-1]) and hollow["y"].tolist() == [1.0]
    assert figure["layout"]["annotations"][1]["text"] == "<b>5</b><br>requests"


def test_months_add_up_to_all_of_them():
    parts = (Line("n", "on time", "ontime"), Line("late", "late", "late"), Line("open", "not yet due", "notdue"))
    steps = months([8.0] * 13, late=[1.0] * 13, open=[1.0] * 13)
    figure = series.stacked_shares(steps, parts, "Share")
    assert np.allclose(sum(trace["y"] for trace in figure["data"]), 1)
    assert figure["layout"]["xaxis"]["ticktext"][1] == "Jun<br>10"


def test_the_names_of_the_last_bar_do_not_overlap():
    parts = tuple(Line(name, name, "late") for name in ("n", "b", "c", "d"))
    steps = months([0.0] * 13, b=[0.0] * 13, c=[0.0] * 13, d=[10.0] * 13)
    places = [
        note["y"] for note in series.stacked_shares(steps, parts, "")["layout"]["annotations"] if note["text"] == "■"
    ]
    assert all(b - a > 0.07 for a, b in zip(places, places[1:], strict=False)) and max(places) <= 1


def test_labels_at_the_end_leave_each_other_room_and_stay_in_order():
    places = series.spread([10.0, 20.0, 25.0, 180.0], 34, 194)
    assert all(b - a >= 34 - 1e-9 for a, b in zip(places, places[1:], strict=False)) and max(places) <= 194
    assert series.spread([10.0, 100.0], 34, 194) == [10.0, 100.0]
    steps = months([1091.0] * 12 + [1.0], m=[1382.0] * 12 + [1.0])
    drawn = (Line("m", "offered"), Line("n", "answered"))
    upper, lower = series.lines(steps, drawn, "Calls", target=None)["layout"]["annotations"][1:]
    gap = (upper["y"] - lower["y"]) / (1382 * 1.06) * series.PLOT_PX
    assert gap + upper.get("yshift", 0) - lower.get("yshift", 0) >= series.LABEL_PX - 1


def test_days_of_an_event_are_filled_and_named_and_a_rule_begins_at_a_line():
    steps = days([5.0] * 20)
    rule = Event("New promise", "policy", date(2026, 5, 4), date(2026, 5, 5))
    long = Event("Heat", "heat", date(2026, 4, 1), date(2026, 5, 20))
    figure = events.shade(series.over_time(steps, "n", "Requests a day", "requests"), steps, (rule, long, STORM))
    shape, line = figure["layout"]["shapes"]
    assert (line["type"], line["x0"], line["x1"]) == ("line", "2026-05-04", "2026-05-04")
    assert (shape["x0"], shape["x1"], shape["fillcolor"]) == ("2026-05-15 12:00", "2026-05-18 12:00", "$event")
    names = {one["text"]: one["name"] for one in figure["layout"]["annotations"] if "event" in one.get("name", "")}
    # On a phone the unit leaves no room for the rule.
    assert names == {"Storm, 16–18 May": "event", "New promise, from 4 May": "event-wide"}
    assert events.told(figure) == ""


def test_an_event_gives_way_to_the_name_of_the_unit_and_is_told_with_its_year_on_a_long_axis():
    rules = [Event(name, "policy", day, day + timedelta(days=1)) for name, day in (
        ("New promise", date(2026, 5, 4)), ("New routes", date(2026, 5, 5)))]  # fmt: skip
    steps = days([5.0] * 20)
    figure = events.shade(series.over_time(steps, "n", "Open at the end of the day", "requests"), steps, rules)
    assert events.told(figure) == "dotted: New promise and New routes"
    long = days([5.0] * 400, "2025-04-16")
    figure = events.shade(series.over_time(long, "n", "Requests a day", "requests"), long, rules[:1])
    names = [one["text"] for one in figure["layout"]["annotations"] if one.get("name") == "event"]
    assert names == ["New promise, from 4 May 2026"]


def test_an_event_without_room_for_its_name_is_told_in_the_foot():
    steps = days([5.0] * 20)
    other = Event("Council election", "election", date(2026, 5, 14), date(2026, 5, 15))
    figure = events.shade(series.over_time(steps, "n", "Requests a day", "requests"), steps, (other, STORM))
    assert len(figure["layout"]["shapes"]) == 2 and events.told(figure) == "shaded: Council election, 14 May"


def test_the_name_of_what_began_never_runs_out_of_the_card():
    steps = days([5.0] * 400, "2025-04-16")
    for begun in range(0, 400, 5):
        day = date(2025, 4, 16) + timedelta(days=begun)
        rule = Event("App advertised on buses and trams", "campaign", day, day + timedelta(days=1))
        figure = events.shade(series.over_time(steps, "n", "n", "requests"), steps, (rule,), layer="above")
        names = [one for one in figure["layout"]["annotations"] if "event" in one.get("name", "")]
        assert figure["layout"]["shapes"][0]["layer"] == "above"
        assert names or events.told(figure) == f"dotted: {rule.name}, from {day.day} {day:%b %Y}"
        for one in names:
            for plot, beside in ((440, 76), (260, 12)) if one["name"] == "event" else ((440, 76),):
                ends = begun / 399 * plot + one["xshift"]
                ends += 6.2 * len(one["text"]) if one["xanchor"] == "left" else 0
                assert ends <= plot + beside


def test_the_month_of_an_event_is_filled_on_an_axis_of_months():
    monthly = months([5.0] * 13)
    figure = events.shade(series.over_time(monthly, "n", "a month", "requests"), monthly, (STORM,))
    (shape,) = figure["layout"]["shapes"]
    (name,) = (one for one in figure["layout"]["annotations"] if one.get("name") == "event")
    assert (name["text"], name["x"]) == ("Storm, 16–18 May", "2026-05-01")
    assert shape["x0"] < "2026-05-01" < shape["x1"] < "2026-05-16"


def test_the_running_month_says_its_shares_beside_its_hatch():
    parts = (Line("n", "on time", "ontime"), Line("open", "not yet due", "notdue"))
    figure = series.stacked_shares(months([6.0] * 13, open=[4.0] * 13), parts, "Share")
    assert [trace["text"][-1] for trace in figure["data"]] == ["", ""]
    inside = [note for note in figure["layout"]["annotations"] if note.get("name") == "inside"]
    assert [(note["text"], note["y"]) for note in inside] == [
        (f"60{NBSP}%", pytest.approx(0.3)),
        (f"<b>40{NBSP}%</b>", pytest.approx(0.8)),
    ]


def test_weeks_of_which_a_part_is_counted_are_hatched_and_named_by_their_mondays():
    frame = pd.DataFrame({"week": pd.date_range("2026-02-16", periods=14, freq="7D"), "n": 1.0})
    steps = steps_of(Answer(Query(()), frame, CLOCK.as_of, "week"), Period(date(2026, 2, 20), date(2026, 5, 21)), CLOCK)
    figure = stacks.stacked(steps, [stacks.Part(steps.values("n"), "phone", "cat-1")], "Share", str, top=1)
    assert figure["data"][0]["marker"]["pattern"]["shape"] == ["/", *[""] * 12, "/"]
    assert figure["layout"]["xaxis"]["ticktext"] == ["16 Feb", "9 Mar", "30 Mar", "20 Apr", "11 May"]
    assert stacks.key_of(steps) == "hatched: week not complete" and not stacks.key_of(steps.only([1, 2]))


# ── Comparisons ──


def test_the_bridge_adds_up():
    moves = [Move("Opened", 2821), Move("Reopened", 107), Move("Closed", -2496)]
    figure = comparisons.bridge(("Open", 3069), moves, ("Open", 3501), "Requests")
    bars = figure["data"][0]
    assert bars["y"].tolist() == [3069, 2821, 107, 2496, 3501]
    assert bars["base"].tolist() == [0, 3069, 5890, 3501, 0]
    assert comparisons.bridge_sum(3069, moves, 3501) == "3,069 + 2,821 + 107 − 2,496 = 3,501"
    assert "tickprefix" not in figure["layout"]["yaxis"]
    money = comparisons.bridge(("Open", 3069), moves, ("Open", 3501), "Spent", sign=sign_of("GBP"))
    assert money["layout"]["yaxis"]["tickprefix"] == "£" and sign_of("SEK") == f"SEK{NBSP}"


def test_a_bridge_that_does_not_add_up_is_not_drawn():
    with pytest.raises(ValueError, match="do not lead"):
        comparisons.bridge(("Open", 1), [Move("Opened", 1)], ("Open", 3), "Requests")


def test_selection_keeps_order_and_axis_and_fades_the_others():
    rows = [Kept("Parks", 90, 100), Kept("Streets", 80, 100), Kept("Water", 70, 100)]
    plain = comparisons.shares_with_intervals(rows, Kept("All", 240, 300), 0.85)
    chosen = comparisons.shares_with_intervals(rows, Kept("All", 240, 300), 0.85, ("Streets",))
    assert chosen["layout"]["xaxis"] == plain["layout"]["xaxis"]
    assert chosen["layout"]["yaxis"]["range"] == plain["layout"]["yaxis"]["range"]
    dots = chosen["data"][-1]
    assert dots["marker"]["opacity"] == [0.42, 1, 0.42, 1]
    assert dots["customdata"] == ["Parks", "Streets", "Water", None]
    assert comparisons.break_words(chosen) == f"the axis starts at 50{NBSP}%"


def test_rows_have_room_for_their_names_and_no_more_than_they_need():
    rows = [Kept("Parks", 90, 100), Kept("Streets", 80, 100)]
    figure = comparisons.shares_with_intervals(rows, None, None)
    comparisons.of_height(figure, 400)
    assert figure["layout"]["height"] == figure["narrow"]["layout"]["height"] == 64 + 2 * 46
    many = comparisons.shares_with_intervals([Kept("A service with a very long name", 9, 10)] * 20, None, None)
    comparisons.of_height(many, 400)
    assert (many["layout"]["height"], many["narrow"]["layout"]["height"]) == (64 + 20 * 34, 64 + 20 * 30)


def test_a_column_beside_the_share_has_its_own_room_and_is_left_to_the_table_on_a_phone():
    rows = [Kept("Parks", 5, 100), Kept("Streets", 8, 100)]
    figure = comparisons.shares_with_intervals(
        rows, Kept("All", 13, 200), None, said="paused", of="closed", is_small=True,
        beside=("of time", ["1", "2", "3"]),
    )  # fmt: skip
    shifts = {note["text"]: note["xshift"] for note in figure["layout"]["annotations"][:3]}
    assert shifts == {"paused": 52, "of time": 108, "n closed": 164}
    assert figure["layout"]["margin"]["r"] == 172 and figure["narrow"]["layout"]["margin"]["r"] == 60
    assert [note["text"] for note in figure["layout"]["annotations"][3:6]] == [f"5.0{NBSP}%", "1", "100"]
    assert "of time" not in [note["text"] for note in figure["narrow"]["layout"]["annotations"]]


def test_rows_of_few_are_inside_the_axis_where_there_are_no_others():
    figure = comparisons.shares_with_intervals([Kept("Parks", 0, 3)], None, 0.85)
    assert figure["layout"]["xaxis"]["range"][0] == 0


def test_a_list_of_names_ends_with_how_many_more():
    assert words.listed(["A", "B"], 3) == "**A** and **B**"
    assert words.listed(["A", "B", "C", "D", "E"], 3) == "**A**, **B**, **C** and 2 more"


def test_the_part_lies_inside_the_whole():
    figure = comparisons.of_which_rows(["North", "South"], [742, 688], [223, 186], ("South",))
    whole, part = figure["data"]
    assert figure["layout"]["barmode"] == "overlay"
    assert (part["x"] <= whole["x"]).all() and whole["marker"]["opacity"] == [0.42, 1.0]


def test_dots_beyond_six_groups_are_other():
    dots = [Dot(f"type {i}", f"group {i}", 80, 100) for i in range(9)]
    figure = comparisons.volume_against_share(dots, [f"group {i}" for i in range(9)], ["type 1"], 0.85, ("type 8",))
    assert [trace["name"] for trace in figure["data"]] == [f"group {i}" for i in range(6)] + ["other"]
    assert len(figure["data"][-1]["x"]) == 3
    assert figure["data"][-1]["marker"]["opacity"] == [0.42, 0.42, 1]


def test_the_names_of_dots_cover_neither_each_other_nor_the_edge():
    dots = [Dot(f"Some service type {i}", "group", 80 + i % 3, 100 + i) for i in range(12)]
    dots.append(Dot("A name that goes on and on and on and does not fit", "group", 30, 40))
    named = [dot.name for dot in dots[::3]] + [dots[-1].name]
    figure = comparisons.volume_against_share(dots, ["group"], named, 0.85)
    for drawn, width in ((figure, 520), (figure["narrow"], 270)):
        low, high = drawn["layout"]["xaxis"]["range"]
        boxes = []
        for note in (one for one in drawn["layout"]["annotations"] if one.get("name") == "dot"):
            x = (note["x"] - low) / (high - low) * width + note.get("ax", note.get("xshift", 0))
            bottom, top = drawn["layout"]["yaxis"]["range"]
            y = (note["y"] - bottom) / (top - bottom) * 368 - note.get("ay", 0)
            long = 6.7 * len(note["text"].removeprefix("<b>").removesuffix("</b>"))
            left = x - long if note["xanchor"] == "right" else x
            assert left >= -1 and left + long <= width + 9
            assert not any(left < b and a < left + long and abs(y - other) < 15 for a, b, other in boxes)
            boxes.append((left, left + long, y))
        assert len(boxes) >= 4


def test_the_bridge_of_a_phone_lies_and_adds_up_too():
    moves = [Move("Opened", 2821), Move("Closed", -2389)]
    lying = comparisons.bridge(("Open<br>30 Apr", 3069), moves, ("Open<br>20 May", 3501), "Requests")["narrow"]
    bars = lying["data"][0]
    assert bars["orientation"] == "h" and bars["x"].tolist() == [3069, 2821, 2389, 3501]
    assert lying["layout"]["yaxis"]["ticktext"] == ["Open 30 Apr", "Opened", "Closed", "Open 20 May"]


# ── Grids ──


def test_both_nights_of_the_changing_clock_are_counted_right():
    spring = grids.hours_in(date(2026, 3, 2), date(2026, 3, 9), "America/New_York")
    autumn = grids.hours_in(date(2026, 10, 26), date(2026, 11, 2), "America/New_York")
    assert (spring.sum(), spring[6 * 24 + 2]) == (167, 0)
    assert (autumn.sum(), autumn[6 * 24 + 1]) == (169, 2)


def test_the_grid_keeps_every_request_and_fades_what_is_not_chosen():
    frame = pd.DataFrame({"hour_of_week": ["0", "25", "167"], "opened": [1, 2, 3]})
    values = grids.by_hour_of_week(frame, "opened")
    figure = grids.hour_of_week_grid(values, ["words"] * 168, ("25",))
    faded, chosen = figure["data"]
    assert faded["z"].sum() == 6 and faded["opacity"] == 0.42
    assert np.nansum(chosen["z"]) == 2 and faded["customdata"][1][1] == "25"


# ── Maps ──


def test_classes_hold_every_place_once():
    values = np.array([1, 1, 2, 3, 7, 12, 55, 140.0])
    limits = maps.classes_of(values)
    assert sum(n for _, _, n in maps.class_words(limits, values)) == len(values)
    assert [said for _, said, _ in maps.class_words([1, 2, 5], np.array([1, 3, 9.0]))] == ["1", "2–4", "5 or more"]
    assert all(len(set(maps.class_tokens(n))) == n for n in range(1, 7))  # no two classes look the same


def test_a_map_says_how_wide_its_city_is_so_that_a_narrow_card_can_zoom_out():
    fit = maps.fitted(["892a100d2c3ffff", "892a1072893ffff"])
    assert 0 < fit.width_px <= maps.WIDTH_PX + 1e-6


def test_numbers_on_a_map_do_not_cover_each_other():
    city = h3.grid_disk("892a100d2c3ffff", 40)
    near, far = city[:2], city[-1]
    figure = maps.class_map([*near, far], np.array([3, 3, 1]), ["none", "x", "y", "z"], ["a", "b", "c"], "build-1", 9,
                            numbered=[*near, far], city=city)  # fmt: skip
    assert figure["layout"]["meta"]["places"]["numbers"] == [[near[0], "1"], [far, "3"]]
    sources = figure["layout"]["map"]["style"]["sources"]
    assert sources["places"]["data"] == "/geometry/build-1/hexagons/9.json"  # all of the city's lie below


def test_to_choose_another_place_changes_no_trace_of_a_map():
    cells = h3.grid_disk("892a100d2c3ffff", 1)
    values = np.arange(1.0, 8.0)

    def drawn(*chosen: str) -> dict:
        return maps.hexagon_map(cells, values, list(cells), "build-1", 9, chosen)

    first, second = drawn(cells[0]), drawn(cells[2], cells[3])
    assert first["layout"]["meta"].pop("places") == {
        "name": "hexagon_9", "chosen": [cells[0]], "quiet": "nothing"
    }  # fmt: skip
    assert second["layout"]["meta"].pop("places")["chosen"] == [cells[2], cells[3]]
    assert to_json_plotly(first) == to_json_plotly(second)


@pytest.mark.parametrize("resolution", [None, 9])
def test_the_layer_that_traces_go_below_is_in_the_style(resolution):
    style = maps.ground("build-1", resolution)
    names = [one["id"] for one in style["layers"]]
    assert maps.OUTLINES in names and ("places" in names) == (resolution is not None)
    assert {one["source"] for one in style["layers"] if "source" in one} == set(style["sources"])


def test_a_map_asks_no_foreign_host_and_needs_no_glyphs():
    cells = ["892a1072d6bffff", "892a10728a7ffff"]
    figure = maps.hexagon_map(cells, np.array([3.0, 1.0]), ["a", "b"], "build-1", 9, (cells[1],))
    assert "glyphs" not in figure["layout"]["map"]["style"]
    assert "http" not in to_json_plotly(figure)
    assert {trace["type"] for trace in figure["data"]} == {"choroplethmap"}
    assert figure["data"][0]["locations"] == cells
    assert figure["layout"]["meta"]["places"]["chosen"] == [cells[1]]


# ── Tables ──


def test_rows_that_are_not_shown_are_added_up():
    rows, rest = tables.ranked_rows(["a", "b", "c", "d"], [5, 4, 3, 2], {"a": 1, "d": 7, "gone": 1}, ("d",), 2)
    assert [row.name for row in rows] == ["a", "b", "d"]
    assert (rest.name, rest.now, rest.before) == ("1 more", 3, 1)


@pytest.mark.parametrize(
    ("over", "under", "target", "status"),
    [(85, 100, 0.85, "meets"), (84, 100, 0.85, "near"), (79, 100, 0.85, "misses"), (19, 19, 0.85, "unknown"),
     (85, 100, None, "unknown")],
)  # fmt: skip
def test_status_is_said_against_the_target(over, under, target, status):
    assert tables.status_of(over, under, target) == status


def test_small_changes_of_small_numbers_are_not_said():
    assert tables.change_words(tables.Ranked("a", 3, 1)) == "–"
    assert tables.change_words(tables.Ranked("a", 3, 0)) == "new"
    assert tables.change_words(tables.Ranked("a", 150, 10)) == "15 ×"
    assert tables.change_words(tables.Ranked("a", 90, 100)) == f"−10{NBSP}%"


# ── Words ──


def test_what_is_usual_takes_enough_months_and_says_which_way():
    steady = [100.0, 104, 98, 101, 97, 103, 99, 102]
    assert verdicts.usual(np.array(steady[:6]), backlog) is None
    assert verdicts.usual(np.array([*steady, 101]), backlog).status == "same"
    assert verdicts.usual(np.array([*steady, 160]), backlog).words == "Worse than usual"
    assert verdicts.usual(np.array([*steady, 160]), opened).words == "More than usual"
    shares = np.array([0.97, 0.99, 0.95, 0.98, 0.96, 0.99, 0.97, 0.6])
    assert verdicts.usual(shares, sla_compliance).words == "Worse than usual"
    assert verdicts.usual(shares, sla_compliance).band[1] <= 1


def test_a_sentence_begins_with_a_capital_also_in_bold():
    assert words.capital("**walk-in** comes first") == "**Walk-in** comes first"
    assert words.capital("rats: 3") == "Rats: 3" and words.capital("") == ""


def test_an_empty_panel_says_why_and_offers_a_way_out():
    drawing = words.nothing("No requests", replace(CONTEXT, filters=FILTERS.toggle("district", "5 Hill")))
    assert (
        drawing.is_empty
        and "for this choice" in written(drawing.sentence)
        and "Clear the filters" in written(drawing.sentence)
    )
    assert "requests only" in written(words.no_contacts(replace(CONTEXT, has_contacts=False)).sentence)
    assert written(words.no_contacts(CONTEXT, words.NO_CALLS).sentence).startswith("No calls in opening hours ")


def test_a_filter_that_does_not_narrow_calls_leaves_all_agents_counted():
    """A note says that calls carry no department; nobody is left out for that."""
    handled = {"answered": [120.0], "handle_time": [270.0], "talk_time": [220.0], "hold_time": [20.0],
               "wrap_time": [30.0], "transfer_rate": [0.1], "first_contact_resolution": [0.8]}  # fmt: skip
    now = Answer(Query(()), pd.DataFrame(handled), CLOCK.as_of)
    states = Answer(Query(()), pd.DataFrame({"month": pd.date_range("2026-05-01", periods=1), "busy_s": [50.0],
                                             "ready_s": [100.0]}), CLOCK.as_of, "month")  # fmt: skip
    people = pd.DataFrame({"agent": ["one of 3, no. 1", "one of 3, no. 2", "one of 3, no. 3"], "answered": 40.0})
    notes = ("Contacts carry no department: not narrowed by it.",)

    def said(people: pd.DataFrame) -> str:
        answers = (now, None, states, Answer(Query(()), people, CLOCK.as_of, notes=notes))
        return written(agents.draw_strip(answers, CONTEXT).body)

    assert "by 3 agents" in said(people)
    assert "by a few agents" in said(people.head(1))  # the other two are not told


def test_visits_of_one_district_are_told_together_only_where_others_have_no_district():
    def rows(visits_in: float, of_all: float) -> list[str]:
        by = pd.DataFrame({"district": ["Hill"], "visits_active": [6.0], "visits_told": [visits_in]})
        every = pd.DataFrame({"visits_active": [7.0], "visits_told": [of_all], "confirmed_share": [7 / of_all]})
        answers = tuple(Answer(Query(()), one, CLOCK.as_of) for one in (by, every))
        return [one for one in ("Hill", "All") if one in str(draw_confirmed(answers, CONTEXT).figure)]

    assert rows(20.0, 20.0) == ["Hill"] and rows(20.0, 25.0) == ["Hill", "All"]


def test_faults_that_nobody_has_looked_at_are_not_unconfirmed():
    def said(confirmed: float, looked: float) -> str:
        frame = pd.DataFrame({
            "asset_kind": ["light"], "asset_months": [0.2], "faults": [15.0], "fault_rate": [75.0],
            "faults_confirmed": [confirmed], "faults_looked_at": [looked], "no_fault_share": [0.0],
        })  # fmt: skip
        answer = Answer(Query(()), frame, CLOCK.as_of)
        return written(service_quality.draw_assets((answer, None), CONTEXT).body)

    assert "none looked at yet" in said(0, 0) and "confirmed" not in said(0, 0)
    assert "0.0 confirmed" in said(0, 12) and "40.0 confirmed" in said(8, 12)


def test_ages_are_not_told_apart_by_a_handful_of_faults():
    ages = [age for _, age in service_quality.AGES][:2]
    frame = pd.DataFrame({"asset_kind": "light", "asset_age": ages, "faults": [3.0, 1.0], "asset_months": [0.1, 0.1]})
    answer = Answer(Query(()), frame, CLOCK.as_of)
    drawn = service_quality.draw_ages((answer,), CONTEXT)
    assert written(drawn.sentence) == "Too few faults to tell ages apart."


def test_a_mean_is_of_the_days_that_are_told():
    """Neither those before the data begins, nor a day without data, nor days that are left out twice."""
    clock = replace(CLOCK, first_on=date(2026, 4, 11), gaps=((date(2026, 4, 20), date(2026, 4, 21)),))
    april = replace(FILTERS, period=Period(date(2026, 4, 1), date(2026, 5, 1)))
    assert words.days_told(replace(CONTEXT, clock=clock, filters=april)) == 20 - 1
    without = april.switch("event_days", "out").leaving_out([(date(2026, 4, 20), date(2026, 4, 21))])
    assert words.days_told(replace(CONTEXT, clock=clock, filters=without)) == 20 - 1


# ── Every panel of every view, on invented and on empty answers ──


def is_of_rows(question) -> bool:
    """Whether it brings rows, not numbers: those panels are drawn from real rows in the contract tests."""
    return isinstance(getattr(question, "query", question), Listing | OneRequest | FromAddress | Health)


PANELS = [
    (view.name, panel) for view in collect_views() for panel in view.panels if not any(map(is_of_rows, panel.queries))
]


def answer_to(query: Query, period: Period, empty: bool) -> Answer:
    """A frame of the promised shape, with numbers that add up like counts do."""
    every = {"auto": "day", "weeks": "week"}.get(query.every, query.every)
    rows: list[dict] = [{}]
    for dimension in query.by:
        given = {"hexagon_9": ("892a1072d6bffff", "892a10728a7ffff", "no point"), "service_type": ("Rats", "Potholes")}
        values = given.get(dimension.name) or dimension.ordered or ("Alpha", "Beta", "Gamma")
        rows = [{**row, dimension.name: value} for row in rows for value in values]
    if every:
        freq = {"day": "D", "week": "7D", "month": "MS", "quarter": "QS"}[every]
        first = pd.Timestamp(period.from_on)
        if every in ("month", "quarter"):
            first = first.to_period(every[0].upper()).start_time
        steps = pd.date_range(first, period.to_on, freq=freq, inclusive="left")
        rows = [{**row, every: step} for row in rows for step in steps]
    if empty and query.by:
        rows = []
    frame = pd.DataFrame(
        rows, columns=[*(d.name for d in query.by), *([every] if every else [])], index=range(len(rows))
    )
    n = len(frame)
    base = np.zeros(n) if empty else 60 + np.arange(n) % 7
    for measure in query.measures:
        if isinstance(measure, Ratio):
            frame[measure.over.name], frame[measure.under.name] = (base * 0.6).round(), base
            frame[measure.name] = np.divide(frame[measure.over.name], base, out=np.full(n, np.nan), where=base > 0)
        elif isinstance(measure, Spread):
            nothing = np.nan if empty else 1.0
            for end, value in (("", 3e5), ("_p90", np.nan), ("_ended_only", 9e4)):
                frame[measure.name + end] = value * nothing
            frame[f"{measure.name}_n"] = base.astype(int)
        elif measure.name not in frame:
            size = {"overdue": 0.5, "abandoned": 0.5, "handled_s2": 2}.get(measure.name, 1)
            frame[measure.name] = (base * size).astype(int)
    return Answer(query, frame, CLOCK.as_of, every)


def answers(panel, filters: Filters, empty: bool, period_before: bool = True):
    out = []
    for question in panel.queries:
        if isinstance(question, OnDays):
            question = question.of(tuple(out), replace(CONTEXT, filters=filters))
        asked = None if question is None else asked_of(question, filters, CLOCK)
        if asked is None or (isinstance(question, Compared) and not period_before):
            out.append(None)
        else:
            wanted, during = asked
            out.append(
                rows_to(wanted, empty) if isinstance(wanted, Listing) else answer_to(wanted, during.period, empty)
            )
    return tuple(out)


def rows_to(listing: Listing, empty: bool) -> Rows:
    """A page of a list: one request that has everything, one that has hardly anything."""
    full = {
        "request_id": "R1", "public_id": "26-1", "service_type": "Rats", "department": "Alpha", "team": "Crew",
        "district": "1 Northgate", "address": "1 Mill St", "opened_at": "2025-05-01", "due_at": "2026-05-18 21:00",
        "promise_s": 86400.0, "remaining_business_s": 3600.0,
    }  # fmt: skip
    bare = dict.fromkeys(full) | {"request_id": "R2", "public_id": "R2", "opened_at": "2026-05-20"}
    if listing.of.name != "backlog":  # else it could not be late, nor fall due
        bare |= {"due_at": full["due_at"], "remaining_business_s": 200_000.0}
    frame = pd.DataFrame([] if empty else [full, bare], columns=list(full))
    for name in ("opened_at", "due_at"):
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
    for name in ("promise_s", "remaining_business_s"):
        frame[name] = frame[name].astype(float)
    return Rows(listing, frame.head(listing.limit), len(frame), CLOCK.as_of)


@pytest.mark.parametrize("target", [0.85, None])
@pytest.mark.parametrize("chosen", ["", "Alpha"])
@pytest.mark.parametrize("compares", [True, False])
@pytest.mark.parametrize(("view", "panel"), PANELS, ids=lambda one: getattr(one, "name", one))
def test_every_panel_draws(view, panel, target, chosen, compares):
    city = SimpleNamespace(**{**vars(CITY), "promise_target_share": target, "service_level_target_share": target})
    filters = FILTERS if compares else replace(FILTERS, compare="none")
    own = getattr(panel.chooses(), "name", None)
    filters = filters.choose(own, [chosen]) if chosen and own else filters
    context = replace(CONTEXT, city=city, filters=filters, selected=filters.chosen(own) if own else ())
    context = replace(context, names={"Alpha": "Ann"} if chosen else {})
    drawing = panel.draw(answers(panel, filters, False, compares), context)
    assert not drawing.is_empty
    assert drawing.figure is not None or drawing.body is not None
    assert panel.kind != "card" or written(drawing.sentence)
    assert unknown_tokens(drawing.figure or {}) == set()
    said = written(drawing.sentence) + written(drawing.foot) + written(drawing.body)
    assert not re.search(r"\bnan\b|\bNone\b(?! of)|\binf\b", said)
    to_json_plotly(drawing.figure), markup([drawing.sentence, drawing.body, drawing.foot])


@pytest.mark.parametrize(("view", "panel"), PANELS, ids=lambda one: getattr(one, "name", one))
def test_every_panel_says_when_there_is_nothing(view, panel):
    drawing = panel.draw(answers(panel, FILTERS, True), replace(CONTEXT, has_contacts=False))
    to_json_plotly(drawing.figure), markup([drawing.sentence, drawing.body, drawing.foot])
    assert unknown_tokens(drawing.figure or {}) == set()
    if panel.kind == "card":
        assert drawing.is_empty and written(drawing.sentence)


# ── The overview's event, and what changed without enough months ──


def daily(values: dict[str, float]) -> Answer:
    first, last = overview.EVENT_DAYS(FILTERS.period, CLOCK).from_on, date(2026, 5, 20)
    frame = pd.DataFrame({"day": pd.date_range(first, last)})
    frame["opened"] = [values.get(f"{day:%Y-%m-%d}", 100.0) for day in frame["day"]]
    return Answer(Query((opened,), every="day"), frame, CLOCK.as_of, "day")


def test_the_banner_counts_what_came_beyond_the_same_weekdays_before():
    many = daily({"2026-05-16": 900, "2026-05-17": 500, "2026-05-18": 400})
    said = written(overview.draw_event((many,), CONTEXT).body)
    assert said.startswith("Storm, 16–18 May 2026. 1,500 more requests came in than the mean of the same weekdays")
    few = written(overview.draw_event((daily({"2026-05-16": 103}),), CONTEXT).body)
    assert "303 requests came in, about as many as" in few
    until_saturday = replace(CONTEXT, filters=FILTERS.during(Period(date(2026, 5, 1), date(2026, 5, 17))))
    assert "800 more requests came in by 16 May than" in written(overview.draw_event((many,), until_saturday).body)
    none = overview.draw_event((many,), replace(CONTEXT, events=()))
    assert none.is_empty and "has recorded no storms" in written(none.sentence)  # which is not that there were none
    old = Event("Snow", "snow", date(2026, 4, 1), date(2026, 4, 2))
    said = written(overview.draw_event((many,), replace(CONTEXT, events=(old,))).body)
    assert said.startswith("There was no city event in the last days of the period.") and "Snow" in said


def test_every_event_leads_to_its_picture_the_latest_first():
    rule = Event("New routes", "policy", date(2026, 5, 4), date(2026, 5, 5), (("district", ("Lake",)),))
    ahead = Event("Parade", "parade", date(2026, 6, 1), date(2026, 6, 2))
    context = replace(CONTEXT, events=(rule, STORM, ahead), filters=FILTERS.choose("department", ("Parks",)))
    shown = unescape(markup(overview.draw_event((daily({}),), context).body))
    listed = re.findall(r'class="option one" href="([^"]*)"[^>]*>([^<]*)<span class="soft">([^<]*)', shown)
    assert listed == [
        ("?from=2026-05-16&to=2026-05-19&compare=previous", "Storm", "16–18 May 2026"),
        ("?from=2025-05-04&to=2026-05-21&compare=previous&district=Lake", "New routes", "from 4 May 2026"),
    ]


def test_the_picture_of_a_change_says_what_was_before_and_since():
    rule = Event("New routes", "policy", date(2026, 3, 1), date(2026, 3, 2))
    picture = overview._picture_of(rule, replace(CONTEXT, events=(rule,)))
    frame = pd.DataFrame(
        {"month": pd.date_range("2025-03-01", periods=15, freq="MS"), "opened": [60.0] * 12 + [90.0] * 3}
    )
    along = Answer(Query((opened,), every="month"), frame, CLOCK.as_of, "month")
    total = Answer(Query((opened,)), pd.DataFrame({"opened": [990.0]}), CLOCK.as_of)
    context = replace(CONTEXT, events=(rule,), filters=picture)
    said = written(overview.draw_requests((total, None, along), context).sentence)
    assert said.endswith("Since “New routes”, 1 Mar 2026: 90 a month; before, 60.")  # May, not over, is left out
    elsewhere = replace(context, filters=picture.choose("district", ("Lake",)))
    assert "Since" not in written(overview.draw_requests((total, None, along), elsewhere).sentence)


def test_what_is_unusual_cannot_be_told_from_too_few_months():
    panel = next(panel for view, panel in PANELS if (view, panel.name) == ("overview", "changes"))
    given = list(answers(panel, FILTERS, False))
    for i, answer in enumerate(given):
        frame = answer.frame
        given[i] = Answer(answer.query, frame[frame["month"] >= "2026-01-01"], CLOCK.as_of, "month")
    drawing = panel.draw(tuple(given), CONTEXT)
    assert drawing.is_empty and "whole months of data" in "".join(drawing.sentence)


# ── One and none ──


def test_where_nobody_is_worth_a_look_there_are_no_others():
    marks = [agents.Mark("one of 2", None, verdict) for verdict in (agents.WITHIN, agents.WITHIN)]
    before = Answer(Query(()), pd.DataFrame(), CLOCK.as_of)
    assert agents._flags(marks, before).endswith("**none** is worth a look; all are within expected variation.")
    marks.append(agents.Mark("one of 3", None, agents.TWICE))
    assert agents._flags(marks, before).endswith("**1** is worth a look; all others are within expected variation.")


# ── A city without contacts ──


def test_panels_about_contacts_leave_their_room_to_the_others():
    view = next(view for view in collect_views() if view.name == "overview")
    about_calls = ABOUT["contacts"] | ABOUT["published_calls"]
    shown = page.laid_out(view.panels, [panel for panel in view.panels if panel.needs not in about_calls])
    assert [(panel.name, panel.width) for panel in shown if panel.kind == "tile"] == [
        ("opened", 3), ("closed", 3), ("kept", 3), ("open", 3),
    ]  # fmt: skip
    assert next(panel for panel in shown if panel.name == "requests").width == 12
    assert page.laid_out(view.panels, view.panels) == list(view.panels)


@pytest.mark.parametrize(
    ("chosen", "own", "said"),
    [
        ((), {}, "the city"), (("Alpha",), {}, "Alpha"), ((), {"district": ("Beta",)}, "Beta"),
        (("Alpha", "Beta", "Gamma"), {}, "Alpha, Beta and Gamma"), ((), {"department": ("Streets",)}, "the city"),
    ],
)  # fmt: skip
def test_places_are_held_against_the_districts_that_are_seen(chosen, own, said):
    assert everywhere(replace(CONTEXT, filters=FILTERS.choose("district", chosen), own=own)) == said
