"""Finished answers, kept by what was asked: one function behind flask-caching.

The key holds the program, the build, the question, the filters and the scope, so a new build or another viewer never
meets an old answer. Nothing is pickled: a file somebody else wrote into the cache folder can at worst be a wrong
number of bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pyarrow as pa
from cachelib.serializers import BaseSerializer
from flask import Flask
from flask_caching import Cache

import data_access
from dashboard.domain.errors import BadRequest, Busy
from dashboard.domain.filters import Filters
from dashboard.domain.policy import Scope
from dashboard.settings import Settings
from data_access.semantics import Answer, Columns, Query

log = logging.getLogger(__name__)

MOST_KEPT = 5000
"""So many answers are kept in files, or in the memory of a process."""

P = ParamSpec("P")
T = TypeVar("T")


class BytesOnly(BaseSerializer):
    """Stores bytes as they are; anything else that lies in the folder reads as absent."""

    def dumps(self, value, protocol: int = 0) -> bytes:
        """`value` itself, marked as ours."""
        return b"A" + value if isinstance(value, bytes) else b"J" + json.dumps(value).encode()

    def loads(self, stored: bytes):
        """What `dumps` was given, or None for bytes it did not write, or none at all."""
        if stored is None:
            return None
        if stored[:1] == b"A":
            return stored[1:]
        return json.loads(stored[1:]) if stored[:1] == b"J" else None

    def dump(self, value, f, protocol: int = 0) -> None:
        """Write `value` to the file `f`."""
        f.write(self.dumps(value))

    def load(self, f):
        """Read from the file `f`."""
        return self.loads(f.read())


def open_cache(server: Flask, settings: Settings) -> Cache | None:
    """The cache the settings ask for, or None for ``off``."""
    if settings.cache == "off":
        return None
    common = {"CACHE_DEFAULT_TIMEOUT": 0, "CACHE_THRESHOLD": MOST_KEPT, "CACHE_SERIALIZER": BytesOnly()}
    if settings.cache == "memory":
        config = {"CACHE_TYPE": "SimpleCache", **common}
    elif settings.cache != "filesystem":
        try:
            from dashboard.in_redis import settings_of  # the driver is an extra, and takes its time to load
        except ImportError:
            told = "DASHBOARD311_CACHE wants the driver for Redis: pip install 'dashboard311[redis]'."
            raise BadRequest(told) from None
        config = {**common, **settings_of(settings.cache)}
    else:
        folder = settings.data / "cache"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            config = {"CACHE_TYPE": "dashboard.in_files.InFiles", "CACHE_DIR": str(folder), **common}
        except OSError as problem:
            log.warning("No cache in %s (%s): each process keeps its own in memory.", folder, problem.strerror)
            config = {"CACHE_TYPE": "SimpleCache", **common}
    return Cache(server, config=config)


@lru_cache(maxsize=1)
def program() -> str:
    """A fingerprint of the code that makes answers and draws them: those of another version are not this one's."""
    root = Path(data_access.__file__).parents[1]
    sources = sorted(
        path
        for storey in ("data_access", "dashboard", "layouts", "callbacks")
        for path in (root / storey).rglob("*.py")
    )
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]


def key_of(build_id: str, query: Query, filters: Filters, scope: Scope, as_of: datetime | None) -> str:
    """A name for an answer: equal questions have equal names, different ones never."""
    words = (
        program(),
        build_id,
        [measure.name for measure in query.measures],
        [dimension.name for dimension in query.by],
        query.every,
        None if query.days is None else [str(day) for day in query.days],
        [str(filters.period.from_on), str(filters.period.to_on)],
        filters.choices,
        filters.switches,
        [[str(begin), str(end)] for begin, end in filters.left_out],
        scope.rows,
        sorted(scope.facts) if scope.facts is not None else None,
        scope.hides,
        str(as_of),
    )
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()


class Flight:
    """Who computes now: one request for each key, few at once, in the order in which they came.

    Parameters
    ----------
    at_once
        So many compute at the same time.
    in_line
        So many may wait; the next one is turned away (Busy).
    seconds
        Nobody waits longer than this (Busy).
    """

    def __init__(self, at_once: int, in_line: int, seconds: float):
        self._at_once, self._in_line, self._seconds = at_once, in_line, seconds
        self._lock = threading.Lock()
        self._flying: set[str] = set()
        self._line: list[tuple[str, threading.Event]] = []

    @property
    def is_idle(self) -> bool:
        """Whether nobody computes or waits."""
        with self._lock:
            return not self._flying and not self._line

    @contextmanager
    def turn(self, key: str) -> Iterator[None]:
        """Wait for the turn to compute `key`, and leave it when done."""
        called = threading.Event()
        with self._lock:
            if len(self._line) >= self._in_line:
                raise Busy("Too many wait already.")
            self._line.append((key, called))
            self._call_next()
        if not called.wait(self._seconds):
            with self._lock:
                if not called.is_set():
                    self._line.remove((key, called))
                    raise Busy("It took too long until it was its turn.")
        try:
            yield
        finally:
            with self._lock:
                self._flying.discard(key)
                self._call_next()

    def _call_next(self) -> None:
        for one in list(self._line):  # who waits for an answer that is being computed lets others pass
            key, called = one
            if len(self._flying) < self._at_once and key not in self._flying:
                self._flying.add(key)
                self._line.remove(one)
                called.set()


def _alone() -> Callable[[Any], AbstractContextManager[None]]:
    """``with turn(key)``: one thread at a time for each key, the others wait."""
    locks: dict[Any, threading.Lock] = defaultdict(threading.Lock)

    @contextmanager
    def turn(key: Any) -> Iterator[None]:
        try:
            with locks[key]:
                yield
        finally:
            locks.pop(key, None)  # also when it failed: the next one tries again

    return turn


def once(maxsize: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Remember what a function told for the last `maxsize` different arguments; several threads never tell it twice."""

    def remembering(function: Callable[P, T]) -> Callable[P, T]:
        remembered, turn = lru_cache(maxsize)(function), _alone()

        @wraps(function)
        def told(*given: P.args, **named: P.kwargs) -> T:
            with turn((given, tuple(named.items()))):
                return remembered(*given, **named)  # type: ignore[arg-type]  # all are hashable here

        return told

    return remembering


def cached(cache: Cache | None) -> Callable[[str, Query, Callable[[], Answer]], Answer]:
    """Wrap an asking: ``remember(key, query, ask)`` answers from the cache, else asks once and keeps it.

    Several threads that want the same answer at once wait for the first one to compute it.
    """
    turn = _alone()

    def remember(key: str, query: Query, ask: Callable[[], Answer]) -> Answer:
        if cache is None:
            return ask()
        if (stored := cache.get(key)) is not None:
            return _unpacked(stored, query)
        with turn(key):
            if (stored := cache.get(key)) is not None:
                return _unpacked(stored, query)
            answer = ask()
            cache.set(key, _packed(answer))
            return answer

    return remember


LARGE = 64 * 1024
"""Answers beyond so many bytes are kept compressed: of smaller ones that costs more than it spares."""


def _packed(answer: Answer) -> bytes:
    """The answer as one Arrow stream; what is not in its rows goes into its metadata."""
    rows = answer.rows
    assert isinstance(rows, Columns)
    arrays = {
        name: pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(words, pa.string()))
        for name, (words, codes) in rows.words.items()
    }
    if rows.step is not None:
        name, days = rows.step
        arrays[name] = pa.array(days)
    table = pa.table(arrays | {name: pa.array(values) for name, values in rows.numbers.items()})
    about = {"as_of": answer.as_of.isoformat(), "every": answer.every, "notes": list(answer.notes)}
    table = table.replace_schema_metadata({b"answer": json.dumps(about).encode()})
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd" if table.nbytes > LARGE else None)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _unpacked(stored: bytes, query: Query) -> Answer:
    table = pa.ipc.open_stream(stored).read_all()
    about = json.loads(table.schema.metadata[b"answer"])
    words, step, numbers = {}, None, {}
    for name, chunks in zip(table.column_names, table.columns, strict=True):
        column = chunks.combine_chunks()
        if pa.types.is_dictionary(column.type):
            words[name] = (column.dictionary.to_pylist(), np.asarray(column.indices))
        elif pa.types.is_timestamp(column.type):
            step = (name, np.asarray(column))
        else:
            numbers[name] = np.asarray(column)
    rows = Columns(words, step, numbers)
    return Answer(query, rows, datetime.fromisoformat(about["as_of"]), about["every"], tuple(about["notes"]))
