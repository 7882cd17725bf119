"""Components as HTML: what is written is what Dash would have drawn, and text never becomes a tag."""

import dash_bootstrap_components as dbc
import pytest
from dash import dcc, html

from layouts.markup import markup


def test_tags_attributes_and_text():
    cell = html.Td(["12", html.Small("n < 3")], className="num", colSpan=2, **{"data-go": "", "aria-current": "true"})
    assert markup(cell).endswith(">12<small>n &lt; 3</small></td>")
    assert set(markup(cell).partition(">")[0].split(" ")) == {
        "<td", 'class="num"', 'colspan="2"', 'data-go=""', 'aria-current="true"',
    }  # fmt: skip


def test_text_is_text_wherever_it_stands():
    evil = '"><script>alert(1)</script>'
    written = markup(html.A(evil, href=f"?department={evil}", title=evil))
    assert "<script" not in written
    assert written.count("&lt;script&gt;") == 3


def test_styles_states_and_nothing():
    assert (
        markup(html.I(style={"backgroundColor": "red", "width": "4%"}))
        == '<i style="background-color:red;width:4%"></i>'
    )
    assert markup([None, html.P(hidden=True), html.Button(disabled=False), 0]) == "<p hidden></p><button></button>0"
    assert markup(html.Div(id={"view": "a", "part": "b"})) == (
        '<div id="{&quot;part&quot;:&quot;b&quot;,&quot;view&quot;:&quot;a&quot;}"></div>'
    )


def test_fields_are_bootstraps():
    field = dbc.Input(id="seek", type="search", className="field", placeholder="Type to find")
    assert markup(field).startswith("<input ")
    assert 'class="form-control field"' in markup(field)


def test_what_lives_by_its_own_script_is_refused():
    with pytest.raises(TypeError, match="Graph"):
        markup(html.Div(dcc.Graph()))
