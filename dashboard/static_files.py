"""Where the style sheets and scripts are, and the addresses under which they may be kept for ever."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from dash.fingerprint import build_fingerprint

_HERE = Path(__file__).resolve().parent


def assets_folder() -> Path:
    """Style sheets and scripts: beside the packages in a checkout, inside this one when installed."""
    return next(folder for folder in (_HERE / "_assets", _HERE.parent / "assets") if folder.is_dir())


@lru_cache(maxsize=32)
def asset_address(name: str) -> str:
    """Where one of them is served; the address changes with its content."""
    return f"/assets/{name}?m={hashlib.sha256((assets_folder() / name).read_bytes()).hexdigest()[:12]}"


@lru_cache(maxsize=1)
def bootstrap_sheet() -> tuple[str, bytes]:
    """Bootstrap's style sheet: its fingerprint and its content."""
    sheet = (files("flask_bootstrap") / "static/bootstrap5/css/bootstrap.min.css").read_bytes()
    sheet = sheet.split(b"/*# sourceMappingURL")[0]
    return hashlib.sha256(sheet).hexdigest()[:12], sheet


def bootstrap_address() -> str:
    """Where Bootstrap's style sheet is served; the address changes with its content."""
    return f"/bootstrap/{bootstrap_sheet()[0]}/bootstrap.min.css"


def plotly_address() -> str:
    """Where Dash serves plotly.js; loaded with the page, it is there when the first answer is."""
    path = build_fingerprint("package_data/plotly.min.js", version("plotly"), "0")
    return f"/_dash-component-suites/plotly/{path}"
