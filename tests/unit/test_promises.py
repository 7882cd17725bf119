"""How a promised time fits the time it takes."""

from math import nan

import pytest

from dashboard.domain.promises import fit

DAY, HOUR, YEAR = 86_400.0, 3_600.0, 365 * 86_400.0


@pytest.mark.parametrize(
    ("promised", "half", "ninth", "expected"),
    [
        (24 * HOUR, 4 * HOUR, 12 * HOUR, "padded"),  # just half the promise
        (24 * HOUR, 4 * HOUR, 12 * HOUR + 1, "realistic"),
        (5 * DAY, 2.1 * DAY, 5 * DAY, "realistic"),  # just the promise
        (14 * DAY, 8.6 * DAY, 19.5 * DAY, "tight"),
        (14 * DAY, 14 * DAY, 80 * DAY, "tight"),
        (14 * DAY, 14 * DAY + 1, 80 * DAY, "out of reach"),
        (14 * DAY, 8.6 * DAY, nan, "tight"),  # nine in ten not done within a year: surely not within 14 days
        (14 * DAY, nan, nan, "out of reach"),
        (nan, 1 * DAY, 2 * DAY, None),
        (0.0, 1 * DAY, 2 * DAY, None),
    ],
)
def test_a_promise_is_held_against_what_is_achieved(promised, half, ninth, expected):
    assert fit(promised, half, ninth, YEAR) == expected


def test_nobody_knows_about_a_promise_longer_than_anything_was_watched():
    assert fit(60 * DAY, 10 * DAY, nan, 30 * DAY) is None
    assert fit(60 * DAY, 10 * DAY, 29 * DAY, 30 * DAY) == "padded"  # reached: that is known already
    assert fit(30 * DAY, 10 * DAY, nan, 30 * DAY) == "tight"
