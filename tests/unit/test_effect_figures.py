"""How effects are drawn and told: ratios in words, a scale on which half and double are alike, a change's day."""

from __future__ import annotations

from datetime import date

import numpy as np

from dashboard.domain.difference_in_differences import Effect
from dashboard.domain.filters import Period
from layouts.components import NBSP
from layouts.figures import effects
from layouts.figures.steps import Steps


def test_ratios_are_told_as_people_do():
    said = [effects.as_change(one) for one in (0.569, 1.0, 1.13, 2.0, 6.11, np.nan)]
    assert said == [f"−43{NBSP}%", f"0{NBSP}%", f"+13{NBSP}%", f"×{NBSP}2.0", f"×{NBSP}6.1", "–"]
    ranges = [effects.as_range(*ends) for ends in ((0.46, 0.7), (0.78, 1.04), (3.4, 10.9), (0.5, 2.4), (0.14, 9.0))]
    assert ranges == [f"−54 to −30{NBSP}%", f"−22 to +4{NBSP}%", f"×{NBSP}3.4 to 10.9", f"−50 to +140{NBSP}%",
                      f"×{NBSP}0.1 to 9.0"]  # fmt: skip


def test_half_and_double_stand_as_far_from_the_same():
    rows = [effects.Row("The change itself", Effect(0.5, 0.4, 0.6, 0.1), "real"),
            effects.Row("As if earlier", Effect(2.0, 1.2, 4.0, 0.2), "date")]  # fmt: skip
    for figure in ((whole := effects.effects(rows)), whole["narrow"]):
        axis = figure["layout"]["xaxis"]
        assert axis["type"] == "log" and 1.0 in axis["tickvals"] and "same" in axis["ticktext"]
        places = np.log10(axis["tickvals"])
        least = np.diff(places).min() / (axis["range"][1] - axis["range"][0])
        assert least >= (0.32 if figure is whole["narrow"] else 0.08)
        assert axis["range"][0] < np.log10(0.4) and axis["range"][1] > np.log10(2)
    assert [note["text"] for note in whole["layout"]["annotations"]] == [f"−50{NBSP}%", f"×{NBSP}2.0"]


def test_a_change_is_marked_between_the_last_step_before_and_the_first_after():
    starts = [date(2025, month, 1) for month in range(1, 7)]
    steps = Steps({}, "month", Period(starts[0], date(2025, 7, 1)), starts, [*starts[1:], date(2025, 7, 1)],
                  np.ones(6, bool))  # fmt: skip
    figure = effects.both_groups(steps, np.arange(6.0), np.arange(6.0)[::-1], "A month", str)
    figure = effects.mark_change(figure, steps, date(2025, 5, 1))
    (line,) = figure["layout"]["shapes"]
    assert "2025-04-01" < line["x0"] < "2025-05-01"
    (label,) = (one for one in figure["layout"]["annotations"] if one.get("name") == "change")
    assert label["text"] == "changed 1 May 2025" and label["xanchor"] == "right"
    ends = [one["y"] for one in figure["layout"]["annotations"] if one.get("name") == "end"]
    assert abs(ends[0] - ends[1]) > 0.15 * figure["layout"]["yaxis"]["range"][1]  # neither covers the other
    assert "shapes" not in effects.mark_change({"layout": {}}, steps, date(2026, 1, 1))["layout"]
