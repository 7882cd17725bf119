"""What is sent of a figure says what the figure says: packed and taken apart again, it is the same."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import numpy as np
import orjson
from hypothesis import given
from hypothesis import strategies as st
from plotly.io.json import to_json_plotly

from layouts.figures.packing import HEIGHTS, MANY, packed


def unpacked(figure: dict[str, Any]) -> dict[str, Any]:
    """What the browser's script makes of it (`unpack` in assets/dashboard311.js)."""
    lists: list[list] = []

    def whole(node: Any) -> Any:
        if isinstance(node, dict) and "again" in node:
            return lists[node["again"]]
        if isinstance(node, dict) and "from" in node and "step" in node:
            begin = date.fromisoformat(node["from"])
            node = [(begin + timedelta(at * node["step"])).isoformat() for at in range(node["n"])]
        elif isinstance(node, dict) and "first" in node and "n" in node:
            node = [type(node["first"])(int(node["first"]) + at) for at in range(node["n"])]
        elif isinstance(node, dict) and "lag" in node:
            lag, node = node["lag"], node["more"][:]
            for at in range(lag, len(node)):
                node[at] += node[at - lag]
        elif isinstance(node, dict):
            text = node.get("text")
            said = text["said"] if isinstance(text, dict) and "said" in text else None
            told = {key: value if key == "text" and said else whole(value) for key, value in node.items()}
            write = {"count": "{:,}", "share": "{:.1f}\xa0%"}
            if said:
                times = {"count": 1, "share": 100}[said]
                told["text"] = ["" if one is None else write[said].format(times * one) for one in told["y"]]
            return told
        elif isinstance(node, list) and any(isinstance(one, dict | list) for one in node):
            return [whole(one) for one in node]
        if isinstance(node, list) and len(node) >= MANY:
            lists.append(node)
        return node

    found = {**figure, "data": whole(figure["data"])}
    if "narrow" in figure:
        found["narrow"] = {**figure["narrow"], "data": whole(figure["narrow"]["data"])}
    return found


def sent(figure: dict[str, Any]) -> dict[str, Any]:
    return orjson.loads(to_json_plotly(figure))


DAYS = st.builds(
    lambda begin, step, n: [(begin + timedelta(step * at)).isoformat() for at in range(n)],
    st.dates(date(1999, 1, 1), date(2040, 1, 1)), st.integers(1, 31), st.integers(1, 40),
)  # fmt: skip
VALUES = st.one_of(
    DAYS,
    st.lists(st.one_of(st.integers(-9, 9), st.none(), st.booleans(), st.sampled_from(["a", "2024-01-01", "1"]))),
    st.lists(st.floats(allow_nan=False, allow_infinity=False)),
    st.lists(st.lists(st.integers(0, 3), min_size=7, max_size=9), max_size=3),
)
KEYS = st.sampled_from(["x", "y", "text", "customdata", "marker"])
TRACES = st.lists(st.dictionaries(KEYS, VALUES | st.fixed_dictionaries({"color": VALUES})))


@given(st.lists(VALUES, min_size=1, max_size=3), TRACES, st.data())
def test_nothing_is_lost(pool, traces, data):
    for trace in traces:  # some lists once more, as the days of a chart are
        for key in list(trace):
            if data.draw(st.booleans()):
                trace[key] = data.draw(st.sampled_from(pool))
    figure = {"data": traces, "layout": {"title": "t"}, "narrow": {"data": traces[:1], "layout": {}}}
    before = json.dumps(sent(figure))

    def near(one: Any, two: Any, by: float = 1e-6) -> bool:
        if isinstance(one, float) and isinstance(two, float):
            return abs(one - two) <= by * abs(one)
        if isinstance(one, dict):
            told = ((one[key], two[key], 1e-4 if key in HEIGHTS else 1e-6) for key in one)
            return list(one) == list(two) and all(near(*pair) for pair in told)
        if isinstance(one, list):
            return len(one) == len(two) and all(near(*pair, by) for pair in zip(one, two, strict=True))
        return type(one) is type(two) and one == two

    assert near(sent(figure), unpacked(sent(packed(figure))))
    assert json.dumps(sent(figure)) == before


def test_a_year_of_days_under_three_curves_is_said_once():
    days = [(date(2025, 1, 1) + timedelta(at)).isoformat() for at in range(365)]
    figure = {
        "data": [
            {"x": days, "y": np.linspace(0, 1, 365), "customdata": list(days)},
            {"x": days, "y": [float(at) for at in range(365)], "marker": {"color": ["ink"] * 365}},
        ],
        "layout": {},
    }
    first, second = packed(figure)["data"]
    assert first["x"] == {"from": "2025-01-01", "step": 1, "n": 365}
    assert first["customdata"] == second["x"] == {"again": 0}
    assert first["y"][1] == 0.0027473 and second["y"] == {"lag": 7, "more": [*range(7), *[7] * 358]}  # to the unit


def test_heights_that_follow_the_week_and_what_is_written_of_them_are_said_by_the_browser():
    calls = [4000.0 + 10 * at - 390 * (at % 7 == 6) for at in range(70)]
    shares = [0.0, 0.5914, 0.66, None, *(0.2 + 0.031 * at for at in range(20))]
    figure = {
        "data": [
            {"y": calls, "text": [f"{one:,.0f}" for one in calls], "customdata": [[str(at) for at in range(24, 48)]]},
            {"y": shares, "text": ["–" if one is None else f"{100 * one:.1f}\xa0%" for one in shares]},
        ]
    }  # fmt: skip
    first, second = packed(figure)["data"]
    assert first["y"]["lag"] == 7 and set(first["y"]["more"][7:]) == {70}
    assert first["text"] == {"said": "count"} and second["text"] == {"said": "share"}
    assert first["customdata"] == [{"first": "24", "n": 24}]
    again = unpacked(sent(packed(figure)))["data"]
    assert again[0] == sent(figure)["data"][0]
    shown = figure["data"][1]["text"]
    assert again[1]["text"] == [*shown[:3], "", *shown[4:]]  # what is not drawn is not said
    for heights, text in (
        ([0.1225] * 8, ["12.2\xa0%"] * 8),  # which a browser rounds up
        ([-3.0] * 8, ["−3"] * 8), ([0.0001] * 8, ["<\xa00.1\xa0%"] * 8), ([90.0] * 8, ["1 min 30 s"] * 8),
    ):  # fmt: skip
        (trace,) = packed({"data": [{"y": heights, "text": text}]})["data"]
        assert trace["text"] == text


def test_what_only_looks_alike_is_sent_as_it_is():
    ones, yes, uneven = [1] * 9, [True] * 9, [f"2025-01-{day:02}" for day in (1, 2, 3, 4, 5, 6, 7, 9)]
    figure = {"data": [{"x": ones, "y": yes, "text": uneven, "customdata": [1.0] * 9, "short": [1] * 7}], "layout": {}}
    assert [type(one) for trace in packed(figure)["data"] for one in trace.values()] == [list] * 5


def test_a_height_keeps_five_digits_and_its_hundredths_and_a_place_more():
    trace = {"y": [0.123456789, 12345678.987654, 3.0], "lat": [42.123456789], "marker": {"size": [1.23456789]}}
    assert packed({"data": [trace]})["data"] == [
        {"y": [0.12346, 12345678.99, 3.0], "lat": [42.12346], "marker": {"size": [1.234568]}}
    ]
