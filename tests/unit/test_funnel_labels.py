"""Names of marks in a funnel that lie near each other."""

from __future__ import annotations

from layouts.figures.funnels import _names


def test_a_name_stands_below_its_mark_where_another_stands_above():
    labels = _names([("far", 10.0, 0.9), ("b", 60.0, 0.5), ("a", 50.0, 0.48)], 100.0, 1.0)
    shifts = {one["text"]: one["yshift"] for one in labels}
    assert shifts == {"far": 14, "a": 14, "b": -14}


def test_at_the_right_edge_a_name_ends_at_its_mark():
    (label,) = _names([("late", 95.0, 0.5)], 100.0, 1.0)
    assert label["xanchor"] == "right"
