"""How numbers and words are written."""

import pytest

from layouts import html
from layouts.components import (
    Column,
    count,
    duration,
    money,
    number,
    sentence,
    share,
    signed,
    signed_share,
    table,
    with_sign,
    working_time,
)
from layouts.views.overview import usually

SPACE = "\u00a0"


def test_counts_have_commas_and_missing_ones_a_dash():
    assert count(12480) == "12,480"
    assert count(-1615.2) == "−1,615"
    assert count(None) == count(float("nan")) == "–"


def test_shares_have_one_decimal_and_a_space_that_holds():
    assert share(0.815) == f"81.5{SPACE}%"
    assert share(1, 0) == f"100{SPACE}%"
    assert share(0.0004) == f"<{SPACE}0.1{SPACE}%" and share(0) == share(1e-17) == f"0.0{SPACE}%"
    assert share(0.9996) == f">{SPACE}99.9{SPACE}%" and share(1 - 1e-15) == f"100.0{SPACE}%"
    assert share(0.0005) == f"0.1{SPACE}%" and share(0.004, 0) == f"<{SPACE}1{SPACE}%"
    assert signed_share(0.163) == f"+16.3{SPACE}%"
    assert signed(432) == "+432" and signed(-1615) == "−1,615" and signed(0) == signed(-0.2) == "0"
    assert signed_share(-0.0001) == f"0.0{SPACE}%"
    assert [with_sign(one, count) for one in (432, -1615, 0, -0.2)] == ["+432", "−1,615", "0", "0"]
    assert with_sign(-1.84e6, lambda one: money(one, "USD")) == f"−$1.84{SPACE}M"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(48, "48 s"), (161, "2 min 41 s"), (120, "2 min"), (5399, "89 min 59 s"), (5400, "1.5 h"), (19440, "5.4 h"),
     (276480, "3.2 days"), (412 * 86400, "412 days"), (-161, "−2 min 41 s"), (None, "–")],
)  # fmt: skip
def test_durations_are_no_finer_than_they_are_long(seconds, words):
    assert duration(seconds).replace(SPACE, " ") == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(48, "1 working min"), (5399, "90 working min"), (5400, "1.5 working h"), (97_200, "27.0 working h"),
     (1_800_000, "500 working h"), (5_400_000, "1,500 working h"), (-97_200, "−27.0 working h"), (None, "–")],
)  # fmt: skip
def test_working_time_is_never_told_in_days(seconds, words):
    assert working_time(seconds).replace(SPACE, " ") == words


def test_a_number_is_written_in_its_measures_unit():
    assert number(0.5, "share") == f"50.0{SPACE}%"
    assert number(161, "s") == f"2{SPACE}min{SPACE}41{SPACE}s"
    assert number(97_200, "working s") == f"27.0{SPACE}working{SPACE}h"
    assert number(3501, "requests") == "3,501"


def test_a_sentence_has_bold_numbers():
    first, bold, last = sentence("It grew by **432**.")
    assert (first, last) == ("It grew by ", ".")
    assert isinstance(bold, html.B) and bold.children == "432"


def test_a_table_has_row_headings_numbers_at_the_right_and_no_empty_heading():
    found = table(["Department", Column("Open", True), Column("", on_phone=False)], [["Parks", "12", ""]], selected=[0])
    head, body = found.children.children
    assert [type(cell).__name__ for cell in head.children.children] == ["Th", "Th", "Td"]
    row = body.children[0]
    assert row.props["className"] == "sel"
    assert [type(cell).__name__ for cell in row.children] == ["Th", "Td", "Td"]
    assert [cell.props["className"] for cell in row.children[1:]] == ["num", "desk"]


def test_a_band_of_counts_names_only_what_lies_in_it():
    assert usually(279.6, 495.7, "requests") == "usually 280 to 495"
    assert usually(3.2, 3.8, "requests") == "usually 3 to 4"  # no whole number lies in it
    assert usually(0.75, 0.83, "share") == f"usually 75.0{SPACE}% to 83.0{SPACE}%"
