"""What stands out is said, what may be chance is not; parts of a whole are drawn as shares of their row."""

from __future__ import annotations

import numpy as np
import pandas as pd

from layouts.figures import district_maps, maps, parts
from layouts.figures.parts import Band, Part
from layouts.views.closed_is_not_fixed import _shortly, type_months
from layouts.views.districts import _range


def closings(name: str, *months: tuple[int, int]) -> pd.DataFrame:
    starts = pd.date_range("2026-01-01", periods=len(months), freq="MS")
    return pd.DataFrame(months, columns=["reopened_soon", "closings_followed"]).assign(service_type=name, month=starts)


def test_a_month_stands_out_against_the_others_of_its_type():
    lights = closings("Lights", (4, 100), (20, 100), (25, 100), *[(4, 100)] * 6)
    holes = closings("Potholes", (40, 1000), (60, 1000), (30, 1000), (50, 1000))
    snow = closings("Snow", (1, 50), (0, 100), (0, 100))
    few = closings("Signs", (0, 10), (9, 10), (0, 100), (1, 100))
    found = type_months(pd.concat([lights, holes, snow, few], ignore_index=True))
    out = [(one.name, one.month.from_on.month, one.usual) for one in found if one.stands_out]
    # March first; what is usual is told from the quiet months only. Nine of ten signs are too few
    # to tell, and one reopening where there is usually none is no signal.
    assert out == [("Lights", 3, 0.04), ("Lights", 2, 0.04)]


def test_rows_are_cut_into_shares_that_add_up():
    counts = np.array([[3.0, 1.0], [0.0, 0.0]])
    figure = parts.stacked_rows(["Parks", "Nobody"], [Part("resolved", "cat-1"), Part("other", "cat-4")], counts)
    assert np.sum([bar["x"] for bar in figure["data"]], axis=0).tolist() == [1, 0]
    assert figure["data"][0]["customdata"] == ["Parks", "Nobody"]


def test_a_part_of_a_band_lies_inside_it():
    figure = parts.bands([Band("0–10 %", 9, 2, "ontime"), Band("late", 4, 4, "late")], "Closed", "closed", "tidied")
    whole, part = figure["data"]
    assert whole["y"].tolist() == [9, 4] and part["y"].tolist() == [2, 4]
    assert len(parts.bands([Band("0–10 %", 9, 0, "ontime")], "Closed", "closed", "")["data"]) == 1


def test_classes_of_shares_are_round_few_and_hold_every_share():
    assert district_maps.share_classes(np.array([0.847, 0.864])) == [0.8, 0.85]
    assert district_maps.share_classes(np.array([0.1, 1.0])) == [0.0, 0.2, 0.4, 0.6, 0.8]
    assert district_maps.share_classes(np.array([np.nan])) == [0.0]
    both = district_maps.class_words(np.array([0.847, 0.864]))
    assert [said for _, said in both] == ["80\xa0% to 85\xa0%", "85\xa0% or more"]


def test_a_district_of_which_too_little_is_known_is_grey_and_in_no_class():
    shares = np.array([0.847, np.nan, 0.864])
    assert district_maps.class_words(shares)[-1] == ("cat-other", "too few")
    assert district_maps.class_words(np.array([np.nan])) == [("cat-other", "too few")]
    names = ["North", "East", "South"]
    known, grey = district_maps.by_share(names, shares, names, "b1", maps.Fit({"lat": 0.0, "lon": 0.0}, 10.0))["data"]
    assert known["locations"] == ["North", "South"] and known["z"].tolist() == [0, 1]
    assert grey["locations"] == ["East"] and grey["colorscale"][0][1] == "$cat-other"


def test_bands_are_named_shortly_on_the_axis_and_in_full_on_hover():
    assert [_shortly(name) for name in ("0–10 %", "100–110 %", "over 200 %")] == ["10", "110", "200+"]
    figure = parts.bands([Band("0–10 %", 9, 0, "ontime")], "Closed", "closed", "", ticks=["10"], axis="within … %")
    assert figure["layout"]["xaxis"]["ticktext"] == ["10"] and figure["data"][0]["customdata"] == ["0–10 %"]
    assert figure["layout"]["xaxis"]["tickangle"] == 0


def test_a_range_of_durations_names_a_common_unit_once():
    assert _range(3 * 86_400, 3.8 * 86_400) == "3.0 to 3.8\xa0days"
    assert _range(23.3 * 3_600, 3.2 * 86_400) == "23.3\xa0h to 3.2\xa0days"
