"""Erlang C and A against the vectors of the measures reference, A14, and against the birth–death chain."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.domain.erlang import Callers, erlang_b, patience, required, rostered

ERLANG_C = (
    # calls, in seconds, handle time, T, agents, P(wait), service level, speed of answer, occupancy
    (100, 1800, 180, 20, 14, 0.174131934, 0.888350019, 7.835937, 0.714286),
    (360, 1800, 240, 20, 55, 0.238700936, 0.866796488, 8.184032, 0.872727),
    (360, 1800, 240, 15, 55, 0.238700936, 0.845883092, 8.184032, 0.872727),
    (100, 1800, 180, 20, 11, 0.682118205, 0.389613812, 122.781277, 0.909091),
    (20, 1800, 210, 30, 4, 0.266156745, 0.790234516, 33.535750, 0.583333),
    (45, 1800, 222, 30, 8, 0.260802254, 0.812705660, 23.631878, 0.693750),
    (200, 3600, 240, 60, 16, 0.387201926, 0.801203903, 34.848173, 0.833333),
    (1500, 1800, 240, 30, 210, 0.375614824, 0.892384551, 9.014756, 0.952381),
    (2, 1800, 300, 20, 1, 0.333333333, 0.681157087, 150.000, 0.333333),
)
ERLANG_A = (
    # load, handle time, patience, agents, T, P(wait), P(hang up), mean wait, occupancy, four ways of counting
    (10, 180, 120, 14, 20, 0.126976, 0.022839, 2.740714, 0.697972, 0.932730, 0.954530, 0.946220, 0.946987),
    (10, 180, 120, 11, 20, 0.382816, 0.094155, 11.298604, 0.823495, 0.742209, 0.819355, 0.779898, 0.790534),
    (48, 240, 180, 50, 20, 0.379062, 0.043010, 7.741761, 0.918711, 0.813349, 0.849903, 0.837418, 0.842091),
    (48, 240, 180, 44, 30, 0.693027, 0.111954, 20.151765, 0.968777, 0.634837, 0.714870, 0.689993, 0.714774),
    (7 / 3, 210, 90, 3, 30, 0.359985, 0.184860, 16.637412, 0.633998, 0.716838, 0.879405, 0.787468, 0.806530),
)
WAYS = ("offered", "answered", "excl_early", "early_counts")


@pytest.mark.parametrize(("calls", "in_s", "handle", "within", "agents", *"abcd"), ERLANG_C)
def test_erlang_c_is_that_of_the_reference(calls, in_s, handle, within, agents, a, b, c, d):
    met = Callers(handle, within_s=within).meeting(calls / in_s * handle, agents)
    assert met.waits == pytest.approx(a, abs=5e-10) and met.service_level("offered") == pytest.approx(b, abs=5e-10)
    assert met.wait_s == pytest.approx(c, abs=5e-7) and met.busy == pytest.approx(d, abs=5e-7)
    assert met.hangs_up == 0 and met.service_level("answered") == met.service_level("early_counts") == met.served


def test_a_queue_that_grows_is_never_a_negative_number():
    for load, agents in ((50.0, 50), (50.0, 12), (1.0, 0)):
        met = Callers(300, within_s=30).meeting(load, agents)
        assert met.served == 0 and met.wait_s == np.inf and met.waits == 1 and met.busy == 1


def test_the_ladder_of_ten_erlangs():
    ladder = [0.6821182, 0.4493882, 0.2852705, 0.1741319, 0.1020424, 0.0573403, 0.0308761]
    found = Callers(180, within_s=20).meeting(10.0, np.arange(11, 18)).waits
    np.testing.assert_allclose(found, ladder, atol=5e-8)
    printed = Callers(180, within_s=20).meeting(10.0, [11, 13, 15]).served
    np.testing.assert_allclose(printed, [0.3896138, 0.7955948, 0.9414528], atol=5e-8)
    assert Callers(1).meeting([3.8687, 4.0768], [8, 10]).waits == pytest.approx([0.05, 0.01], abs=2e-5)


@pytest.mark.parametrize(
    ("calls", "in_s", "handle", "share", "within", "agents", "with_cap"),
    [
        (100, 1800, 180, 0.80, 20, 14, 14), (360, 1800, 240, 0.80, 20, 54, 57), (360, 1800, 240, 0.90, 15, 57, 57),
        (20, 1800, 210, 0.80, 30, 5, 5), (45, 1800, 222, 0.95, 30, 10, 10), (200, 3600, 240, 0.80, 60, 16, 16),
        (1500, 1800, 240, 0.80, 30, 208, 236),
    ],
)  # fmt: skip
def test_as_many_agents_as_the_reference_asks_for(calls, in_s, handle, share, within, agents, with_cap):
    callers, load = Callers(handle, within_s=within), calls / in_s * handle
    assert required(load, callers, share, most_busy=1.0).tolist() == [agents]
    assert required(load, callers, share).tolist() == [with_cap]


def test_what_is_printed_as_the_target_is_not_the_target():
    """Thirteen agents answer 79.56 % in time, which prints as 80 %."""
    assert required([10.0], Callers(180, within_s=20), 0.80).tolist() == [14]
    assert required([10.0], Callers(180, within_s=20), 0.7955).tolist() == [13]


def test_no_number_below_the_first_that_is_tried_would_do():
    """Where every hang-up counts, few agents need not be tried: all of them tried come to the same."""
    loads = np.concatenate([np.linspace(0.05, 6, 40), np.linspace(7, 90, 30)])
    for patience_s, share, most_busy in ((None, 0.8, 0.85), (60.0, 0.8, 0.85), (400.0, 0.5, 0.7), (20.0, 0.3, 1.0)):
        callers = Callers(270, patience_s, 60)
        found = required(loads, callers, share, most_busy=most_busy)
        every = np.arange(1, 160)[:, None]
        met = callers.meeting(loads[None, :], every)
        enough = (met.served >= share) & (met.busy <= most_busy + 1e-12)
        if patience_s is None:
            enough &= every > loads
        assert found.tolist() == (enough.argmax(axis=0) + 1).tolist()


def test_nobody_is_needed_where_nobody_calls_and_two_where_two_are_the_least():
    callers = Callers(180, within_s=20)
    assert required([0.0, 0.001, 10.0], callers, 0.8, least=2).tolist() == [0, 2, 14]
    with pytest.raises(ValueError, match="no number"):
        required(1.0, callers, 1.0)


@pytest.mark.parametrize(("load", "handle", "patience_s", "agents", "within", *"abcdefgh"), ERLANG_A)
def test_erlang_a_is_that_of_the_reference(load, handle, patience_s, agents, within, a, b, c, d, e, f, g, h):
    met = Callers(handle, patience_s, within).meeting(load, agents)
    assert [met.waits, met.hangs_up, met.busy] == pytest.approx([a, b, d], abs=1e-6)
    assert met.wait_s == pytest.approx(c, abs=1e-5)
    assert [met.service_level(one) for one in WAYS] == pytest.approx([e, f, g, h], abs=1e-6)


def birth_death(load: float, handle: float, patience_s: float, agents: int, within: float) -> tuple[float, ...]:
    """P(wait), P(hang up) and P(answered within T), from the stationary chain and its stages by uniformisation."""
    birth, mu, theta = load / handle, 1 / handle, 1 / patience_s
    most = agents + int(6 * load + 60)
    weights = np.ones(most + 1)
    for n in range(1, most + 1):
        weights[n] = weights[n - 1] * birth / (min(n, agents) * mu + max(n - agents, 0) * theta)
        if n % 50 == 0:
            weights[: n + 1] /= weights[: n + 1].max()
    chance = weights / weights.sum()
    leaving = np.maximum(np.arange(most + 1) - agents, 0) * theta
    served = chance[:agents].sum()
    # A caller who finds n ≥ N passes n − N + 1 stages at rates Nμ + jθ, while the own patience may end at rate θ.
    ahead = most - agents
    rate = agents * mu + np.arange(ahead + 1) * theta
    fastest = rate.max() + theta
    state = np.zeros(ahead + 2)  # how many are still before the caller, the last one: at an agent
    state[: ahead + 1] = chance[agents : most + 1]
    log_weight, total, answered, step = -fastest * within, 0.0, 0.0, 0
    while total < 1 - 1e-13 and step < 20_000:
        weight = np.exp(log_weight)
        total, answered = total + weight, answered + weight * state[-1]
        on = state[:-1] * rate / fastest
        stays = state[:-1] * (1 - (rate + theta) / fastest)
        new = np.zeros_like(state)
        new[: ahead + 1] = stays
        new[:ahead] += on[1:]
        new[-1] = state[-1] + on[0]
        state, step = new, step + 1
        log_weight += np.log(fastest * within / step)
    return chance[agents:].sum(), (chance * leaving).sum() / birth, served + answered


@pytest.mark.parametrize(
    ("load", "handle", "patience_s", "agents", "within"),
    [row[:5] for row in ERLANG_A] + [(0.4, 300, 350, 1, 60), (12.5, 272, 400, 9, 60), (30, 200, 1000, 33, 5),
                                     (6, 240, 60, 12, 45)],
)  # fmt: skip
def test_erlang_a_is_the_birth_death_chain(load, handle, patience_s, agents, within):
    met = Callers(handle, patience_s, within).meeting(load, agents)
    expected = birth_death(load, handle, patience_s, agents, within)
    assert [met.waits, met.hangs_up, met.served] == pytest.approx(expected, abs=1e-8)


def test_with_endless_patience_erlang_a_is_erlang_c():
    for load, agents in ((10.0, 14), (48.0, 55), (0.3, 2)):
        a = Callers(180, 1e7, 20).meeting(load, agents)
        c = Callers(180, None, 20).meeting(load, agents)
        for one in ("waits", "wait_s", "served", "busy"):
            assert getattr(a, one) == pytest.approx(getattr(c, one), rel=1e-3), one


def test_chances_stay_chances_from_empty_to_overwhelmed():
    loads = np.array([0.0, 1e-6, 0.5, 20.0, 300.0, 3000.0])[:, None]
    agents = np.array([0, 1, 3, 25, 400, 2500])[None, :]
    for patience_s in (None, 20.0, 400.0, 5000.0):
        met = Callers(270, patience_s, 60).meeting(loads, agents)
        for one in (met.waits, met.hangs_up, met.busy, met.served, met.left, met.left_short):
            assert np.isfinite(one).all() and (one >= -1e-9).all() and (one <= 1 + 1e-9).all()
        assert (np.diff(met.served[:, 1:], axis=1) >= -1e-9).all()  # more agents never answer fewer in time
        for way in (*WAYS, "excl_short", "short_counts"):
            level = met.service_level(way)
            assert np.isfinite(level).all() and (level <= 1 + 1e-9).all()


def test_the_six_ways_of_counting_agree_where_nobody_hangs_up_early():
    met = Callers(180, 120, within_s=20, short_s=0).meeting(10.0, 11)
    assert met.left_short == pytest.approx(0, abs=1e-12)
    assert met.service_level("excl_short") == pytest.approx(met.service_level("offered"))
    short = Callers(180, 120, within_s=20, short_s=20).meeting(10.0, 11)
    assert short.service_level("excl_short") == pytest.approx(met.service_level("excl_early"))


def test_erlang_b_of_one_agent_is_load_over_load_and_one():
    assert erlang_b([0.5, 2.0], 1) == pytest.approx([1 / 3, 2 / 3])
    assert erlang_b(3.0, 0) == 1


def test_patience_counts_the_waits_of_those_who_were_answered():
    """Answered calls would have waited longer: Σ waits of all over those who hung up."""
    rng = np.random.default_rng(14)
    own, offered = rng.exponential(300.0, 200_000), rng.exponential(90.0, 200_000)
    waited, left = np.minimum(own, offered), own < offered
    assert patience(waited.sum(), left.sum()) == pytest.approx(300, rel=0.02)
    assert patience(100.0, 0) is None


def test_a_roster_is_not_rounded_up_by_a_rounding_error():
    assert rostered([21, 1, 0], 0.3).tolist() == [30, 2, 0]


def test_small_centres_of_the_reference():
    """Evanston: two agents 54 %, three 87 %. Chattanooga needs six, MC311 thirteen."""
    evanston = Callers(240, within_s=30).meeting(1.28, [2, 3]).served
    assert evanston == pytest.approx([0.54, 0.87], abs=0.005)
    for per_hour, handle, within, agents, level in ((69, 180, 30, 6, 0.889), (154, 222, 20, 13, 0.846)):
        load, callers = per_hour / 3600 * handle, Callers(handle, within_s=within)
        assert required(load, callers, 0.8).tolist() == [agents]
        assert callers.meeting(load, agents).served == pytest.approx(level, abs=0.006)
