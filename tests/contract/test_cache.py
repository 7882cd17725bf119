"""A kept answer is the answer, is asked once, and is never read from bytes that are not ours."""

import threading
import time
from datetime import date

import pandas as pd
import pytest
import redis
from flask import Flask

from dashboard import cache as cache_of
from dashboard import in_files
from dashboard.cache import BytesOnly, cached, key_of, open_cache
from dashboard.domain.filters import Filters, Period
from dashboard.domain.policy import Scope
from dashboard.settings import Settings
from data_access.dimensions import DIMENSIONS
from data_access.measures import CATALOGUE
from data_access.semantics import Query
from tests.contract.conftest import redis_server

QUERY = Query((CATALOGUE["sla_compliance"], CATALOGUE["time_to_close"]), (DIMENSIONS["district"],), "month")
FILTERS = Filters(Period(date(2026, 5, 1), date(2026, 7, 1)))


@pytest.fixture(params=["filesystem", "memory", "redis"])
def remember(request, tmp_path):
    kind = request.getfixturevalue("redis_url") if request.param == "redis" else request.param
    cache = open_cache(Flask("test"), Settings(data=tmp_path, cache=kind))
    assert cache is not None
    cache.clear()
    return cached(cache)


def test_what_is_kept_is_what_was_asked(remember, tiny):
    asked = []

    def ask():
        asked.append(1)
        return tiny.ask(QUERY, FILTERS, Scope.everything())

    first, second = (remember("key", QUERY, ask) for _ in range(2))
    assert asked == [1]
    pd.testing.assert_frame_equal(first.frame, second.frame)
    assert (first.as_of, first.every, first.notes) == (second.as_of, second.every, second.notes)


def test_many_at_once_ask_once(remember, tiny):
    asked, gate = [], threading.Event()

    def ask():
        asked.append(1)
        gate.wait(5)
        return tiny.ask(QUERY, FILTERS, Scope.everything())

    threads = [threading.Thread(target=remember, args=("key", QUERY, ask)) for _ in range(6)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert len(asked) == 1


def test_of_too_many_files_the_oldest_go(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_of, "MOST_KEPT", 20)
    monkeypatch.setattr(in_files, "LOOK_EVERY", 5)
    cache = open_cache(Flask("test"), Settings(data=tmp_path, cache="filesystem"))
    assert cache is not None
    for number in range(64):
        cache.set(f"key {number}", b"%d" % number)
        time.sleep(0.002)  # files are told apart by when they were written
    kept = [number for number in range(64) if cache.get(f"key {number}") is not None]
    assert 15 <= len(kept) <= 25 and kept == list(range(kept[0], 64))
    assert len(list((tmp_path / "cache").iterdir())) == len(kept)  # one file each, and no other


def test_a_failure_is_not_kept(remember, tiny):
    def fail():
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        remember("key", QUERY, fail)
    assert len(remember("key", QUERY, lambda: tiny.ask(QUERY, FILTERS, Scope.everything())).frame)


def test_processes_share_what_redis_keeps(redis_url, tmp_path):
    one, other = (open_cache(Flask("test"), Settings(data=tmp_path, cache=redis_url)) for _ in range(2))
    assert one.set("kept", b"by one")
    assert other.get("kept") == b"by one"
    redis.from_url(redis_url).set("dashboard311:kept", b"!\x80\x04cos\nsystem\n.")
    assert other.get("kept") is None  # not ours: read as absent, never unpickled


def test_without_redis_every_answer_is_computed_and_with_it_again_kept(tmp_path, tiny, caplog):
    def ask():
        asked.append(1)
        return tiny.ask(QUERY, FILTERS, Scope.everything())

    asked: list[int] = []
    with redis_server(tmp_path) as (url, process):
        cache = open_cache(Flask("test"), Settings(data=tmp_path, cache=url))
        remember = cached(cache)
        remember("key", QUERY, ask), remember("key", QUERY, ask)
        assert len(asked) == 1
        process.kill()
        process.wait(10)
        begun = time.monotonic()
        for _ in range(20):
            remember("key", QUERY, ask)
        assert len(asked) == 21
        assert time.monotonic() - begun < 10
    assert caplog.text.count("Redis does not answer") == 1
    (tmp_path / "socket").unlink(missing_ok=True)
    with redis_server(tmp_path):
        cache.cache._lost_until = 0.0  # the pause is over
        remember("key", QUERY, ask), remember("key", QUERY, ask)
    assert len(asked) == 22


def test_bytes_of_others_read_as_absent():
    assert BytesOnly().loads(b"\x80\x04cos\nsystem\n") is None
    assert BytesOnly().loads(BytesOnly().dumps(b"ours")) == b"ours"


def test_another_build_viewer_or_filter_is_another_key():
    everything = Scope.everything()
    keys = {
        key_of("b1", QUERY, FILTERS, everything, None),
        key_of("b2", QUERY, FILTERS, everything, None),
        key_of("b1", QUERY, FILTERS, Scope.only("department", "Vector"), None),
        key_of("b1", QUERY, FILTERS, Scope.only("department"), None),
        key_of("b1", QUERY, FILTERS.choose("channel", ["web"]), everything, None),
        key_of("b1", Query(QUERY.measures, QUERY.by, "day"), FILTERS, everything, None),
    }
    assert len(keys) == 6
