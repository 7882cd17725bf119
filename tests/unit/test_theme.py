"""The style sheet is the only place a colour is written, and it knows every name figures may use."""

import re
from pathlib import Path

from layouts.theme import GRAPH_CONFIG, NARROW, PHONE, TOKENS, unknown_tokens

ASSETS = Path(__file__).resolve().parents[2] / "assets"
TOKEN_SHEET = (ASSETS / "tokens.css").read_text(encoding="utf-8")


def declared(block: str) -> set[str]:
    """The custom properties a part of the sheet sets."""
    return set(re.findall(r"--([a-z][a-z0-9-]*):", block))


def test_every_token_has_a_value_in_both_themes():
    light, dark = TOKEN_SHEET.split('[data-bs-theme="dark"] {', 1)
    assert declared(light) >= TOKENS
    missing = TOKENS - declared(dark)
    assert not missing


def test_no_colour_is_written_outside_the_token_sheet():
    sheet = (ASSETS / "dashboard.css").read_text(encoding="utf-8")
    without_icons = re.sub(r'url\("data:[^"]*"\)', "", sheet)
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)|rgba?\(", without_icons)


def test_every_token_the_style_sheet_uses_is_declared():
    sheet = (ASSETS / "dashboard.css").read_text(encoding="utf-8")
    used = set(re.findall(r"var\(--([a-z][a-z0-9-]*)\)", sheet)) - {"i", "c", "k"}
    assert used <= declared(TOKEN_SHEET)


def test_the_browser_and_the_server_agree_on_narrow():
    script = (ASSETS / "dashboard311.js").read_text(encoding="utf-8")
    assert f"const NARROW = {NARROW};" in script and f"const PHONE = {PHONE};" in script


def test_charts_are_never_offered_to_a_foreign_host():
    assert GRAPH_CONFIG["showSendToCloud"] is False and GRAPH_CONFIG["displaylogo"] is False


def test_a_figure_with_a_token_nobody_knows_is_found():
    figure = {"data": [{"marker": {"color": ["$series", "$serie/0.4"]}, "text": ["$3.39"]}]}
    assert unknown_tokens(figure) == {"serie"}
