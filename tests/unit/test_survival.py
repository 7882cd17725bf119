"""Kaplan–Meier from counts: the reference's vector, an independent implementation, and what must always hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter

from dashboard.domain.survival import kaplan_meier, quantiles_by_group

DURATION = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20]
ENDED = np.array([1, 1, 1, 1, 0, 1, 0, 1, 0, 0])


def test_the_vector_of_the_reference():
    curve = kaplan_meier(DURATION, ENDED, 1 - ENDED)
    share = dict(zip(curve.times, curve.share, strict=True))
    assert [share[t] for t in (1, 4, 6, 12)] == pytest.approx([0.9, 0.6, 0.48, 0.32])
    assert curve.quantile(0.5) == 6
    assert curve.quantile(0.9) is None
    one = np.zeros(10, int)
    groups, reached, closed_only = quantiles_by_group(one, DURATION, ENDED, 1 - ENDED, (0.5, 0.9))
    assert groups.tolist() == [0] and reached[0, 0] == 6 and np.isnan(reached[0, 1]) and closed_only.tolist() == [3.5]
    assert (curve.n, curve.ended) == (10, 6)


def test_nothing_at_all():
    curve = kaplan_meier([], [], [])
    assert (curve.n, curve.ended, curve.quantile(0.5)) == (0, 0, None)
    groups, reached, closed_only = quantiles_by_group(np.zeros(0, int), [], [], [], (0.5,))
    assert groups.shape == (0,) and reached.shape == (0, 1) and closed_only.shape == (0,)


cases = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=25)


@given(cases)
def test_it_agrees_with_lifelines_and_with_numpy(rows):
    duration, ended, running = (np.array(column) for column in zip(*rows, strict=True))
    if not (ended.sum() and (ended + running).sum()):
        return
    curve = kaplan_meier(duration, ended, running)
    times = np.concatenate([np.repeat(duration, ended), np.repeat(duration, running)])
    happened = np.concatenate([np.ones(ended.sum()), np.zeros(running.sum())])
    other = KaplanMeierFitter().fit(times, happened)
    assert curve.share == pytest.approx(np.asarray(other.predict(curve.times)).reshape(-1), abs=1e-9)
    median = other.median_survival_time_
    # at exactly one half the other one loses the last bit
    assert np.isclose(curve.share, 0.5).any() or curve.quantile(0.5) == (None if np.isinf(median) else median)


of_groups = st.tuples(st.integers(3, 7), st.integers(1, 30), st.integers(0, 4), st.integers(0, 4))


@given(st.lists(of_groups, max_size=60), st.integers(1, 40))
def test_many_curves_at_once_are_each_of_them(rows, at_once):
    group, duration, ended, running = np.array(rows, int).reshape(-1, 4).T
    over = (0.1, 0.5, 0.9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dashboard.domain.survival._AT_ONCE", at_once)
        groups, reached, closed_only = quantiles_by_group(group, duration, ended, running, over)
    assert groups.tolist() == sorted(set(group.tolist()))
    for at, one in enumerate(groups):
        mine = group == one
        curve = kaplan_meier(duration[mine], ended[mine], running[mine])
        assert [None if np.isnan(x) else x for x in reached[at]] == [curve.quantile(share) for share in over]
        done = np.repeat(duration[mine], ended[mine])
        expected = np.quantile(done, 0.5) if len(done) else np.nan
        assert closed_only[at] == pytest.approx(expected, nan_ok=True)


def test_the_interval_is_greenwoods_on_the_log_log_scale():
    curve = kaplan_meier(DURATION, ENDED, 1 - ENDED)
    other = KaplanMeierFitter().fit(DURATION, ENDED).confidence_interval_survival_function_
    for time, low, high in zip(curve.times, curve.low, curve.high, strict=True):
        assert [low, high] == pytest.approx(other.loc[time].to_numpy(), abs=1e-9)
    assert curve.quantile_interval(0.5)[0] <= curve.quantile(0.5)
