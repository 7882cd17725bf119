"""Elements as HTML: attributes in one order, and text never becomes a tag."""

import dash_bootstrap_components as dbc
import numpy as np
import pytest
from dash import dcc
from dash import html as dash_html

from layouts import html
from layouts.markup import markup


def test_tags_attributes_and_text():
    cell = html.Td(["12", html.Small("n < 3")], className="num", colSpan=2, **{"data-go": "", "aria-current": "true"})
    assert markup(cell) == '<td class="num" colspan="2" data-go="" aria-current="true">12<small>n &lt; 3</small></td>'


def test_the_order_of_attributes_is_one_however_they_are_given():
    said = {"aria-label": "Open"}
    one = html.Label("x", title="t", htmlFor="a", **said, className="c", id="i")
    other = html.Label("x", id="i", className="c", **said, htmlFor="a", title="t")
    assert markup(one) == markup(other) == '<label id="i" class="c" for="a" title="t" aria-label="Open">x</label>'


def test_text_is_text_wherever_it_stands():
    evil = '"><script>alert(1)</script>'
    written = markup(html.A([evil, [html.B(evil)]], href=f"?department={evil}", title=evil, style={"color": evil}))
    assert "<script" not in written and '"">' not in written
    assert written.count("&lt;script&gt;") == 5
    assert markup("a & b < \"c\" 'd'") == "a &amp; b &lt; \"c\" 'd'"
    assert markup(html.I(title="a & \"b\" 'c'")) == '<i title="a &amp; &quot;b&quot; &#x27;c&#x27;"></i>'


def test_styles_states_and_nothing():
    styled = html.I(style={"backgroundColor": "red", "width": "4%", "--c": "var(--seq-1)"})
    assert markup(styled) == '<i style="background-color:red;width:4%;--c:var(--seq-1)"></i>'
    told = [None, html.P(hidden=True), html.Button(disabled=False, title=None), 0, html.P(tabIndex=-1, title="")]
    assert markup(told) == '<p hidden></p><button></button>0<p tabindex="-1" title=""></p>'


def test_lists_in_lists_are_one_after_the_other():
    assert markup(["a", [html.B("b"), ("c", [], None, [["d"]])], 1.5, np.int64(2)]) == "a<b>b</b>cd1.52"
    assert markup(html.Ul([html.Li(n) for n in range(3)])) == "<ul><li>0</li><li>1</li><li>2</li></ul>"
    assert markup(None) == markup([]) == markup("") == ""


def test_fields_are_bootstraps_and_have_no_end():
    field = dbc.Input(id="seek", type="search", className="field", placeholder="Type to find", required=True)
    assert markup([field, "x"]) == (
        '<input id="seek" type="search" placeholder="Type to find" required class="form-control field">x'
    )
    assert markup(dbc.Input(name="a", value="1")) == '<input value="1" name="a" class="form-control">'


@pytest.mark.parametrize("other", [dcc.Graph(), dash_html.B("b"), {"a": 1}, object(), b"bytes"])
def test_what_is_no_element_is_refused(other):
    with pytest.raises(TypeError, match=type(other).__name__):
        markup(html.Div(["a", other]))
