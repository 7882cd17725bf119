"""How a promised time fits the time it takes."""

from math import nan

import pytest

from dashboard.domain.promises import fit


@pytest.mark.parametrize(
    ("half", "ninth", "expected"),
    [
        (0.2, 0.5, "padded"),  # nine in ten in just half the promise
        (0.2, 0.501, "realistic"),
        (0.42, 1.0, "realistic"),  # in just the promise
        (0.61, 1.39, "tight"),
        (1.0, 5.7, "tight"),
        (1.001, 5.7, "out of reach"),
        (0.61, nan, "tight"),  # not reached although watched for ten times the promise
        (nan, nan, "out of reach"),
    ],
)
def test_a_promise_is_held_against_what_is_achieved(half, ninth, expected):
    assert fit(half, ninth, 10.0) == expected


def test_nobody_knows_about_a_promise_longer_than_anything_was_watched():
    assert fit(0.2, nan, 0.5) is None
    assert fit(0.2, 0.45, 0.5) == "padded"  # reached: that is known already
    assert fit(0.2, nan, 1.0) == "tight"
    assert fit(nan, nan, nan) is None  # no promise at all
