"""Emerging hot and cold spots: each pattern drawn, the mirror image, and which comes first."""

import numpy as np

from dashboard.domain.emerging import Category, categories
from dashboard.domain.hotspots import history
from dashboard.domain.neighbours import Neighbours

UP, DOWN, FLAT = (2.5, 0.01), (-2.5, 0.01), (0.4, 0.7)

# One character a slice, the latest last: # hot, o cold, · neither.
DRAWN = [
    ("···········#", FLAT, "new"),
    ("oooo·······#", FLAT, "new"),
    ("·········###", UP, "consecutive"),
    ("··········##", FLAT, "consecutive"),
    ("############", UP, "intensifying"),
    ("·###########", UP, "intensifying"),  # 11 of 12 are nine tenths; the last run alone would be consecutive
    ("############", FLAT, "persistent"),
    ("###########·", FLAT, "persistent"),
    ("############", DOWN, "diminishing"),
    ("··##·····###", FLAT, "sporadic"),
    ("#··········#", FLAT, "sporadic"),
    ("··########·#", UP, "sporadic"),
    ("·oo##····###", FLAT, "oscillating"),
    ("#o#########·", FLAT, "none"),  # ten of twelve are less than nine tenths
    ("###########·", DOWN, "historical"),
    ("###########o", UP, "historical"),
    ("·####······o", FLAT, "none"),
    ("············", UP, "none"),
]


def matrices(drawn):
    return tuple(np.array([[mark == which for mark in row] for row in drawn]) for which in "#o")


def test_each_pattern_and_its_mirror_image():
    rows, trends, kinds = zip(*DRAWN, strict=True)
    hot, cold = matrices(rows)
    z, p = np.array(trends).T
    found, mirrored = categories(hot, cold, z, p), categories(cold, hot, -z, p)
    for row, kind, one, other in zip(rows, kinds, found, mirrored, strict=True):
        if row == "###########o":  # newly below as well: what is above is told first
            assert (one, other) == (Category.HISTORICAL, Category.NEW)
        elif row == "·####······o":
            assert (one, other) == (Category.NEW_COLD, Category.NEW)
        else:
            assert one.word == kind
            assert other.word == (kind if kind == "none" else f"{kind} cold")


def test_ten_slices_of_which_nine_are_nine_tenths():
    hot, cold = matrices(["·#########"])
    assert categories(hot, cold, [0.1], [0.9])[0] is Category.PERSISTENT


def test_a_trend_that_is_not_known_is_none():
    hot, cold = matrices(["############"])
    assert categories(hot, cold, [np.nan], [np.nan])[0] is Category.PERSISTENT


def test_too_few_slices_tell_nothing():
    rng = np.random.default_rng(1)
    ring = Neighbours.of([[(i - 1) % 40, (i + 1) % 40] for i in range(40)])
    assert set(history(rng.poisson(5, (40, 9)), ring, None).category) == {None}
    assert None not in history(rng.poisson(5, (40, 10)), ring, None).category


def test_every_category_has_words_of_its_own():
    assert len({one.word for one in Category}) == len({one.meaning for one in Category}) == len(Category) == 17
