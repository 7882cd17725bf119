"""Names are drawn as they are written, whatever Plotly would read in them."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from layouts.figures.literal import literal

OURS = re.compile(r"</?(?:b|br|extra)>")


def drawn(text: str) -> str:
    """What Plotly writes of a text: without tags, entities read."""
    return html.unescape(re.sub(r"<[^<>]*>", "", text))


def test_what_is_no_tag_of_ours_is_drawn_and_what_is_one_stays():
    figure = {
        "data": [{"text": ["Noise <10 pm>", "A & B"], "hovertext": "<b>R&amp;D</b><br>5", "customdata": ["Noise <10 pm>"]}],
        "layout": {"annotations": [{"text": "<b>3</b> of <i>"}], "xaxis": {"title": {"text": "a < b"}, "range": [0, 1]}},
    }  # fmt: skip
    told = literal(figure)
    trace, axis = told["data"][0], told["layout"]["xaxis"]
    assert trace["text"] == ["Noise &lt;10 pm>", "A & B"]
    assert trace["hovertext"] == "<b>R&amp;amp;D</b><br>5"
    assert trace["customdata"] == ["Noise <10 pm>"]  # a value, not a text
    assert told["layout"]["annotations"][0]["text"] == "<b>3</b> of &lt;i>" and axis["title"]["text"] == "a &lt; b"
    assert figure["data"][0]["text"][0] == "Noise <10 pm>" and axis["range"] == [0, 1]


@given(st.text("<>&;#bri/ amp1x"))
def test_any_name_is_drawn_as_it_is_written(name):
    told = literal({"name": OURS.sub("", name)})["name"]
    assert drawn(told) == OURS.sub("", name) or OURS.search(OURS.sub("", name))
