"""Half-hours of a usual week: what they need, what the model expects, positions of a year, growth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dashboard.domain import staffing
from dashboard.domain.erlang import Callers, required
from dashboard.domain.staffing import Floor, Goal, fitted, growth, positions_of_week, positions_of_year, tried, week_of
from layouts.views.staffing import _runs

GOAL = Goal(0.80, 20, 0.30)
MONDAY, TUESDAY = 0, 1


def floor(calls: list[list[float]], weekday: list[int], present: float = np.nan, **more) -> Floor:
    """A floor of half-hours: every call answered after 180 s of handling, half of them in time."""
    offered = np.array(calls, float)
    known = {
        "answered": offered, "handled_s": offered * 180, "hung_up": offered * 0, "in_time": offered / 2,
        "counted": offered, "rostered": np.full(offered.shape, np.nan), "present": np.full(offered.shape, present),
    }  # fmt: skip
    return Floor(weekday=np.array(weekday), width_s=1800, offered=offered, **{**known, **more})


def test_a_slot_needs_what_erlang_asks_for_its_mean_and_for_its_busy_week():
    known = floor([[100, 0], [100, 0], [100, 4], [120, 6], [360, 0]], [MONDAY] * 4 + [TUESDAY])
    week = week_of(known, GOAL)
    assert week.weeks[:2, 0].tolist() == [4, 1] and week.weeks[2:].sum() == 0
    assert week.calls[MONDAY].tolist() == [105, 2.5]
    assert week.calls_high[MONDAY].tolist() == [105, 4.5]  # three Mondays of four had as many at the most
    assert week.is_open[:2].tolist() == [[True, True], [True, False]] and not week.is_open[2:].any()
    callers = Callers(180, None, 20)
    assert week.needed[MONDAY, 0] == required(10.5, callers, 0.8)[0] == week.needed_high[MONDAY, 0]
    assert week.needed[TUESDAY].tolist() == [43, 0]  # 36 erlangs; not more than 85 % busy
    assert not week.needed[2:].any() and not week.load[2:].any()


def test_calls_on_one_evening_do_not_open_every_evening():
    known = floor([[50, 9], [50, 0], [50, 0]], [MONDAY] * 3)
    assert week_of(known, GOAL).is_open[MONDAY].tolist() == [True, False]


def test_a_slot_with_few_calls_takes_the_handle_time_of_all():
    calls = [[100, 5], [100, 5]]
    known = floor(calls, [MONDAY] * 2, handled_s=np.array([[100 * 200, 5 * 900], [100 * 200, 5 * 900.0]]))
    week = week_of(known, GOAL)
    assert week.handle_s[MONDAY].tolist() == pytest.approx([200, (200 * 200 + 10 * 900) / 210])


def test_callers_are_patient_for_ever_where_hardly_anybody_hangs_up():
    calls = [[100.0, 100.0]]
    known = floor(calls, [MONDAY], hung_up=np.array([[2.0, 2.0]]), waited_s=6_000.0)
    assert known.hang_up_share == 0.02 and known.patience_s is None
    more = replace(known, hung_up=np.array([[12.0, 8.0]]))
    assert more.patience_s == 300
    assert replace(more, waited_s=float("nan")).patience_s is None
    needs = [week_of(one, GOAL).needed[MONDAY, 0] for one in (known, more)]
    assert needs[1] < needs[0]  # who hangs up needs nobody


def test_callers_are_as_patient_when_there_are_more_of_them():
    known = floor([[100.0, 100.0]], [MONDAY], hung_up=np.array([[2.1, 2.1]]), waited_s=840.0)
    more = known.grown(1.1)  # the share that hangs up stays above the one from which patience counts
    assert more.offered.tolist() == [[pytest.approx(110), pytest.approx(110)]]
    assert more.patience_s == pytest.approx(known.patience_s) == pytest.approx(200)
    assert more.service_level == pytest.approx(known.service_level) and more.handle_s == pytest.approx(180)


def test_the_model_expects_of_whole_agents_what_erlang_does_and_between_them_something_between():
    known = floor([[100.0, 0.0, 100.0]], [MONDAY], present=14.0)
    week = week_of(known, GOAL)
    found = tried(known, week, GOAL, known.present)
    assert found.known.tolist() == [[True, False, True]] and found.outcome.calls == 200
    assert found.outcome.service_level == pytest.approx(0.888350019) and found.outcome.hung_up == 0
    assert found.outcome.wait_s == pytest.approx(7.835937, abs=1e-6)
    assert found.outcome.busy == pytest.approx(10 / 14)
    half = tried(known, week, GOAL, known.present + 0.5).outcome.service_level
    more = tried(known, week, GOAL, known.present, extra=1).outcome.service_level
    assert more == pytest.approx(0.9414528, abs=1e-7) and half == pytest.approx((0.888350019 + more) / 2)
    assert tried(known, week, GOAL, known.present, extra=-4).outcome.wait_s == np.inf  # ten for ten erlangs
    alone = tried(known, week, GOAL, known.present, extra=-14).outcome
    assert (alone.service_level, alone.wait_s) == (0, np.inf) and np.isnan(alone.busy)
    nobody = tried(known, week, GOAL, np.full((1, 3), np.nan)).outcome
    assert nobody.calls == 0 and np.isnan(nobody.service_level)


@pytest.mark.parametrize("part", [0.8, 1.0, 1.2])
def test_what_part_of_the_agents_took_calls_is_found_again(part):
    rng = np.random.default_rng(7)
    calls = rng.poisson(100, (20, 10)).astype(float)
    known = floor(calls.tolist(), [MONDAY] * 20, present=15.0, hung_up=calls * 0.08, waited_s=calls.sum() * 0.08 * 300)
    week = week_of(known, GOAL)
    level = tried(known, week, GOAL, known.present * part).level
    seen = replace(known, in_time=level * calls)
    assert fitted(seen, week, GOAL, seen.present) == pytest.approx(part, abs=0.002)


def test_nothing_is_fitted_to_few_calls_nor_beyond_what_can_be():
    few = floor([[100.0, 100.0]], [MONDAY], present=14.0)
    assert fitted(few, week_of(few, GOAL), GOAL, few.present) is None
    many = floor([[100.0] * 6], [MONDAY], present=14.0)
    for share, present in ((0.0, 14.0), (1.0, 14.0), (0.5, 100.0)):  # a tenth of a hundred is no mended model
        seen = replace(many, in_time=many.offered * share, present=np.full((1, 6), present))
        assert fitted(seen, week_of(seen, GOAL), GOAL, seen.present) is None


def test_shrinkage_is_what_is_missing_of_the_roster():
    known = floor([[10.0, 10.0, 10.0]], [MONDAY], present=7.0, rostered=np.array([[10.0, 10.0, np.nan]]))
    assert known.shrinkage == pytest.approx(0.3)
    assert floor([[10.0]], [MONDAY]).shrinkage is None
    assert replace(known, present=np.array([[7.0, 0.0, 0.0]])).shrinkage == pytest.approx(0.3)  # no states kept of it
    there = replace(known, present=np.array([[7.0, np.nan, np.nan]])).there(0.3)
    assert there[0, :2].tolist() == [7, 7] and np.isnan(there[0, 2])


def test_positions_of_a_year_are_those_of_the_reference():
    """84,000 calls of 240 s are 5,600 hours: 4.81 positions, after three years of 5 % more 5.57."""
    assert positions_of_year(84_000, 240, 0.30) == pytest.approx(4.81, abs=0.005)
    assert positions_of_year(84_000 * 1.05**3, 240, 0.30) == pytest.approx(5.57, abs=0.005)


def test_positions_of_a_week_cover_every_open_slot():
    known = floor([[100.0, 0.0], [100.0, 100.0]], [MONDAY, TUESDAY])
    week = week_of(known, GOAL)
    assert week.hours(week.needed) == 3 * 14 / 2
    positions, most = positions_of_week(week, week.needed, 0.30)
    assert positions == pytest.approx(21 / 0.7 * 52 / 2080) and most == 20  # 14 ÷ 0.7, not 21


def test_growth_is_that_of_the_same_weekdays_a_year_before():
    rng = np.random.default_rng(3)
    days = 2 * staffing.YEAR_DAYS
    calls = np.where(np.arange(days) % 7 < 5, 800.0, 200.0)
    calls[staffing.YEAR_DAYS :] *= 1.04
    usual = np.ones(days, bool)
    exact = growth(calls, usual)
    assert (exact.low, exact.base, exact.high) == pytest.approx((1.04, 1.04, 1.04)) and exact.days == 364
    storm = calls.copy()
    storm[-10] *= 30
    without = usual.copy()
    without[-10] = False
    assert growth(storm, without).base == pytest.approx(1.04) and growth(storm, without).days == 363
    noisy = growth(rng.poisson(calls).astype(float), usual)
    assert noisy.low < 1.04 < noisy.high and noisy.high - noisy.low < 0.02
    assert noisy.over(3).base == pytest.approx(noisy.base**3)
    assert growth(calls[1:], usual[1:]) is staffing.ASSUMED and growth(calls * 0, usual) is staffing.ASSUMED


def test_of_eighty_per_cent_of_cities_the_interval_holds_the_growth():
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(200):
        blocks = np.repeat(rng.lognormal(0, 0.05, 26), 28)
        found = growth(rng.poisson(500 * blocks).astype(float), np.ones(728, bool))
        held += found.low <= 1 <= found.high
    assert 140 <= held <= 180


def test_larger_groups_may_be_busier():
    agents, busy = staffing.size_pays(Callers(180, None, 20), GOAL, [1.0, 5.0, 20.0, 100.0])
    assert agents.tolist() == sorted(agents) and busy.tolist() == sorted(busy) and busy[-1] <= 0.85


def test_short_half_hours_in_a_row_are_one_stretch():
    gap = np.full((7, 5), np.nan)
    gap[0] = [-1, -2, 0, -0.6, -0.4]
    gap[6] = [0, 0, 0, 0, -3]
    assert _runs(gap) == [(0, 0, 2), (0, 3, 4), (6, 4, 5)]
