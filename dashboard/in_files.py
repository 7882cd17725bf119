"""Finished answers kept as files, beside the builds; the oldest go when there are too many."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from flask_caching.backends.filesystemcache import FileSystemCache

LOOK_EVERY = 250
"""Each process looks after so many of its own answers whether there are too many, and leaves room for as many."""


class InFiles(FileSystemCache):
    """Answers as files, each written once and counted now and then.

    The library's own bound writes a count into a second file with each answer, which takes ten times as long as the
    answer itself, and once it is reached opens every file there is for each new one. Its threshold is therefore 0.
    """

    def __init__(self, cache_dir: str, *, threshold: int, **named: Any):
        super().__init__(cache_dir, threshold=0, **named)
        self._most = threshold
        self._written = count(1)

    def set(self, key: str, value: Any, timeout: int | timedelta | None = None, mgmt_element: bool = False) -> Any:
        """Keep `value` under `key`."""
        kept = super().set(key, value, timeout, mgmt_element)
        if next(self._written) % LOOK_EVERY == 0:
            self.thin()
        return kept

    def thin(self) -> None:
        """Take away the oldest files if there are more than the threshold."""
        dated = []
        with os.scandir(self._path) as found:
            for one in found:
                with suppress(FileNotFoundError):  # another process may do the same
                    dated.append((one.stat().st_mtime_ns, one.path))
        if len(dated) > self._most:
            for _, path in sorted(dated)[: len(dated) - self._most + LOOK_EVERY]:
                Path(path).unlink(missing_ok=True)
