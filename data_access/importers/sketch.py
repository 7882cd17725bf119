"""A first mapping."""

from pathlib import Path


def sketch_of(path: Path) -> str:
    """Text."""
    return str(path)
