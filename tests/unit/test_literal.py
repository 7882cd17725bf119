"""Names are drawn as they are written, whatever Plotly would read in them."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from layouts.figures.literal import literal

NOISE = "Noise <10 pm>"
OURS = re.compile(r"</?(?:b|br|extra)>")


def drawn(text: str) -> str:
    """What Plotly writes of a text: without tags, entities read."""
    return html.unescape(re.sub(r"<[^<>]*>", "", text))


def test_what_is_no_tag_of_ours_is_drawn_and_what_is_one_stays():
    traces = [{"text": [NOISE, "A & B"], "hovertext": "<b>R&amp;D</b><br>5", "customdata": [NOISE]}]
    axis = {"title": {"text": "a < b"}, "range": [0, 1]}
    figure = {"data": traces, "layout": {"annotations": [{"text": "<b>3</b> of <i>"}], "xaxis": axis}}
    told = literal(figure)
    trace = told["data"][0]
    assert trace["text"] == ["Noise &lt;10 pm>", "A & B"]
    assert trace["hovertext"] == "<b>R&amp;amp;D</b><br>5"
    assert trace["customdata"] == [NOISE]  # a value, not a text
    assert told["layout"]["annotations"][0]["text"] == "<b>3</b> of &lt;i>" and told["layout"]["xaxis"] == {
        "title": {"text": "a &lt; b"},
        "range": [0, 1],
    }
    assert traces[0]["text"][0] == NOISE and axis["title"]["text"] == "a < b"  # left as it is


@given(st.text("<>&;#bri/ amp1x"))
def test_any_name_is_drawn_as_it_is_written(name):
    told = literal({"name": OURS.sub("", name)})["name"]
    assert drawn(told) == OURS.sub("", name) or OURS.search(OURS.sub("", name))
