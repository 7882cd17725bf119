"""The style sheet is the only place a colour is written, and it knows every name figures may use."""

import re
from pathlib import Path

from layouts.theme import GRAPH_CONFIG, NARROW, PHONE, TOKENS, unknown_tokens
from layouts.views import collect_views

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


def test_every_token_and_every_icon_is_used():
    sheet = "".join((ASSETS / name).read_text(encoding="utf-8") for name in ("dashboard.css", "plain.css"))
    drawn = "".join(path.read_text(encoding="utf-8") for path in (ASSETS.parent / "layouts").rglob("*.py")
                    if path.name != "theme.py") + (ASSETS / "dashboard311.js").read_text(encoding="utf-8")  # fmt: skip
    ours = {name for name in declared(TOKEN_SHEET) if not name.startswith(("bs-", "ag-"))}
    stems = {name.rstrip("0123456789") for name in ours if f"var(--{name})" not in sheet + TOKEN_SHEET}
    assert not {stem for stem in stems if not re.search(rf"[-$\"' ]{stem}", drawn)}
    icons = re.findall(r"^\.i-([a-z-]+)\{", sheet, re.MULTILINE)
    names = {view.name for view in collect_views()} | {"view"}
    assert len(icons) == len(set(icons)) and not {one for one in icons if one not in names and f'"{one}"' not in drawn}


def test_the_browser_and_the_server_agree_on_narrow():
    script = (ASSETS / "dashboard311.js").read_text(encoding="utf-8")
    assert f"const NARROW = {NARROW};" in script and f"const PHONE = {PHONE};" in script


def test_charts_are_never_offered_to_a_foreign_host():
    assert GRAPH_CONFIG["showSendToCloud"] is False and GRAPH_CONFIG["displaylogo"] is False


def test_a_figure_with_a_token_nobody_knows_is_found():
    figure = {"data": [{"marker": {"color": ["$series", "$serie/0.4"]}, "text": ["$3.39"]}]}
    assert unknown_tokens(figure) == {"serie"}
