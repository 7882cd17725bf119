"""Every control of the filter bar is a link to the picture it makes."""

from datetime import date, datetime

import pytest

from callbacks.cross_filter import period_picked
from dashboard.domain.filters import Clock, Filters
from layouts import html
from layouts.filter_bar import choice, filter_bar

CLOCK = Clock(date(2024, 1, 1), date(2026, 5, 20), datetime(2026, 5, 21, 3), 7)
DIMENSIONS = ("department", "service_type")
LABELS = {"department": "Department", "service_type": "Service type"}


def links(content) -> dict[str, str]:
    """Words → address of every link in it."""
    found = {}
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, html.A):
            words = part.children if isinstance(part.children, str) else str(part.children[0])
            found[part.props.get("title") or words] = part.props["href"]
        elif isinstance(part, html.Element):
            found |= links(part.children)
    return found


def drawn(search: str, say=lambda _, value: value) -> dict[str, str]:
    filters = Filters.from_search(search, CLOCK, DIMENSIONS)
    choices = [
        choice("department", "Department", ["Streets", "Parks"]),
        choice("service_type", "Service type", ["Pothole", "Rats"], {"Pothole": "Roads"}),
    ]
    return links(filter_bar(filters, CLOCK, choices, LABELS, say))


def test_options_toggle_and_chips_take_back():
    found = drawn("?department=Parks")
    assert found["Streets"] == "?department=Parks&department=Streets"
    assert found["Parks"] == "?"
    assert found["Take back Parks"] == "?"
    assert found["Clear all"] == "?"
    assert found["Rats"] == "?department=Parks&service_type=Rats"


def test_days_of_ones_own_are_taken_back_too():
    found = drawn("?from=2026-05-04&to=2026-05-08&department=Parks")
    assert found["Take back 4–7 May 2026"] == "?department=Parks"
    assert found["Take back Parks"] == "?from=2026-05-04&to=2026-05-08"
    assert found["Clear all"] == "?"


def test_the_chip_of_a_service_level_names_it_once():
    assert drawn("?service_level=answered")["Take back of answered calls only"] == "?"


def test_chips_say_values_in_words():
    assert "Take back Tuesday 10:00" in drawn("?department=34", lambda name, value: "Tuesday 10:00")


def test_a_new_period_keeps_the_choice_and_only_a_chosen_comparison():
    assert drawn("?department=Parks")["Last month"] == "?period=last-month&department=Parks"
    kept = drawn("?department=Parks&compare=previous")
    assert kept["Last month"] == "?period=last-month&compare=previous&department=Parks"


def test_types_are_grouped_and_the_rest_is_other():
    grouped = choice("service_type", "Service type", ["Rats", "Pothole"], {"Pothole": "Roads"})
    assert grouped.groups == (("Roads", ("Pothole",)), ("Other", ("Rats",)))
    assert grouped.nothing_chosen == "All types"


@pytest.mark.parametrize(
    ("picked", "days"),
    [
        ({"range": ["2026-05-03 10:00", "2026-05-06 23:00"], "every": "day"}, ("2026-05-04", "2026-05-07")),
        ({"range": ["2026-03-20", "2026-05-10"], "every": "month"}, ("2026-04-01", "2026-05-21")),  # cut to the data
        ({"range": ["2026-05-05 01:00", "2026-05-05 02:00"], "every": "day"}, None),
        ({"value": "2026-05-04", "every": "week"}, ("2026-05-04", "2026-05-11")),
        ({"value": "2026-04-01T00:00:00", "every": "quarter"}, ("2026-04-01", "2026-05-21")),
    ],
)
def test_a_brush_takes_the_marks_inside_it_and_ends_exclusively(picked, days):
    period = period_picked(picked, CLOCK)
    assert (period and (str(period.from_on), str(period.to_on))) == days
