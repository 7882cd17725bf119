"""The week as a grid of half-hours: classes, what is written, what a click chooses, what stays legible faded."""

from __future__ import annotations

import numpy as np

from layouts.figures import shifts
from layouts.theme import unknown_tokens

SLOTS = [f"{n // 2:02d}:{n % 2 * 30:02d}" for n in range(48)]


def grid(selected: tuple[str, ...] = (), slots: slice = slice(18, 22)):
    is_open = np.zeros((7, 48), bool)
    is_open[:5, slots] = True
    gap = np.where(is_open, -3.0, np.nan)
    gap[0, 19] = 2.0
    written = [[shifts.signed(one) for one in row] for row in gap]
    said = [["said"] * 48 for _ in range(7)]
    return shifts.week(shifts.Cells(shifts.classes_of(gap), written, said, True), SLOTS, is_open, selected)


def test_a_difference_has_a_class_a_sign_and_no_colour_where_it_is_enough():
    gaps = np.array([-3.0, -2.0, -1.0, -0.4, 0.0, 1.4, 2.0, 4.0, np.nan])
    assert shifts.classes_of(gaps)[:8].tolist() == [0, 1, 2, 3, 3, 3, 4, 5] and np.isnan(shifts.classes_of(gaps)[8])
    assert [shifts.signed(one) for one in (-2.6, -0.4, 0.6, np.nan)] == ["−3", "0", "+1", ""]
    assert [shifts.clock(one) for one in ("00:00", "09:30", "18:00")] == ["0:00", "9:30", "18:00"]


def test_the_grid_shows_the_open_hours_and_a_cell_chooses_its_hour():
    figure = grid()
    assert not unknown_tokens(figure)
    ground, cells = figure["data"]
    assert cells["z"].shape == (7, 4) and np.isnan(cells["z"][5:]).all() and np.nansum(ground["z"]) == 8
    assert cells["customdata"][1] == ["33", "33", "34", "34"]  # Tuesday 9:00 is the 34th hour of the week
    assert cells["text"][0] == ["−3", "+2", "−3", "−3"] and "text" not in figure["narrow"]["data"][1]
    assert figure["layout"]["xaxis"]["ticktext"] == ["9:00", "10:00"]


def test_what_is_chosen_keeps_its_colour_and_the_rest_its_numbers():
    figure = grid(("9",))
    assert not unknown_tokens(figure)
    _, faded, marked, rest = figure["data"]
    assert faded["opacity"] < 0.5 and "text" not in faded
    assert np.isfinite(marked["z"]).sum() == 2 and marked["text"][0] == ["−3", "+2", "", ""]
    assert len(rest["text"]) == 18 and set(rest["text"]) == {"−3"} and rest["textfont"]["color"] == "$text-2"
    assert len(figure["narrow"]["data"]) == 3


def test_round_the_clock_there_is_no_room_for_numbers():
    assert "text" not in grid(slots=slice(0, 48))["data"][1]


def test_a_step_lasts_from_the_beginning_of_its_half_hour_to_its_end():
    there = shifts.Along(np.array([2.0, 3.0]), "present", "series")
    figure = shifts.day(["23:00", "23:30"], np.array([1.0, 2.0]), np.array([2.0, 4.0]), [there])
    assert not unknown_tokens(figure)
    for trace in figure["data"]:
        assert trace["x"] == ["23:00", "23:30", "24:00"] and trace["line"]["shape"] == "hv"
        assert len(trace["y"]) == 3 and trace["y"][2] == trace["y"][1]
    assert figure["layout"]["xaxis"]["ticktext"] == ["23:00", "24:00"]
