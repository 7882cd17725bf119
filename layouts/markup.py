"""Components as finished HTML, for what is only looked at and linked: tables, feet, the filter bar.

Every component that Dash knows of costs the browser time on every change of the address; a table of 400 cells and a
list of 120 types cost seconds. What has no callback of its own is therefore sent as markup (decision 0009).
"""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

from dash.development.base_component import Component

_VOID = frozenset({"br", "col", "hr", "img", "input"})
_NAMES = {"className": "class", "htmlFor": "for", "colSpan": "colspan", "rowSpan": "rowspan", "tabIndex": "tabindex"}
_DASH_ONLY = frozenset({"children", "key", "n_clicks", "n_clicks_timestamp", "disable_n_clicks", "setProps"})


def markup(content: Any) -> str:
    """`content` (text, a component, or a list of both) as HTML; text is escaped. None is nothing.

    Raises TypeError for a component that lives by its own script, which markup cannot carry.
    """
    if content is None:
        return ""
    if isinstance(content, list | tuple):
        return "".join(markup(one) for one in content)
    if not isinstance(content, Component):
        return escape(str(content), quote=False)
    described = content.to_plotly_json()
    tag, props = described["type"].lower(), dict(described["props"])
    if described["namespace"] == "dash_bootstrap_components" and tag == "input":
        props["className"] = f"form-control {props.get('className', '')}".strip()
    elif described["namespace"] != "dash_html_components":
        raise TypeError(f"{described['type']} of {described['namespace']} cannot be sent as markup.")
    written = "".join(_attribute(name, value) for name, value in props.items() if name not in _DASH_ONLY)
    if tag in _VOID:
        return f"<{tag}{written}>"
    return f"<{tag}{written}>{markup(props.get('children'))}</{tag}>"


def _attribute(name: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = _NAMES.get(name, name)
    if value is True:
        return f" {name}"
    if isinstance(value, dict):
        styled = ";".join(f"{re.sub('[A-Z]', lambda m: '-' + m[0].lower(), key)}:{one}" for key, one in value.items())
        value = styled if name == "style" else json.dumps(value, sort_keys=True, separators=(",", ":"))
    return f' {name}="{escape(str(value))}"'
