"""One mapping per source, and the one way to read them all."""

from __future__ import annotations

from data_access.importers.boston import BOSTON
from data_access.importers.load import SourceMapping

MAPPINGS: dict[str, SourceMapping] = {"boston": BOSTON}
"""The sources that can be imported, by the name given on the command line."""
