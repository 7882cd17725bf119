"""How much an address may ask: exact within a process, whatever its threads do, and over processes with Redis."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from dashboard.domain.errors import BadRequest
from dashboard.limits import add_limits
from dashboard.settings import Settings
from data_access.state import State

MOST, THREADS = 40, 8


def server(settings: Settings) -> Flask:
    """A process that answers everything."""
    found = Flask("limited")
    add_limits(found, settings)
    found.get("/")(lambda: "answered")
    return found


def codes(servers: list[Flask], many: int) -> list[int]:
    """What `THREADS` clients at once are told, each asking `many` times, one server after the other."""
    together = threading.Barrier(THREADS)

    def ask(_: int) -> list[int]:
        clients = [one.test_client() for one in servers]
        together.wait()
        return [clients[n % len(clients)].get("/").status_code for n in range(many)]

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(ask, range(THREADS)), [])


def test_threads_of_a_process_count_together(tmp_path):
    told = codes([server(Settings(data=tmp_path, requests_per_minute=MOST))], 10)
    assert (told.count(200), told.count(429)) == (MOST, THREADS * 10 - MOST)


def test_threads_that_count_in_the_same_instant_are_all_answered(tmp_path):
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads meet in the middle of everything
    try:
        told = codes([server(Settings(data=tmp_path, requests_per_minute=100_000))], 300)
    finally:
        sys.setswitchinterval(before)
    assert set(told) == {200}


def test_processes_count_together_in_redis_and_apart_without(tmp_path, redis_url):
    shared, alone = (
        Settings(data=tmp_path, requests_per_minute=MOST, limits=url) for url in (f"redis+{redis_url}", "")
    )
    assert codes([server(shared), server(shared)], 12).count(200) == MOST
    assert codes([server(alone), server(alone)], 12).count(200) == 2 * MOST


def test_without_redis_each_counts_for_itself(tmp_path):
    lost = server(Settings(data=tmp_path, requests_per_minute=MOST, limits="redis://127.0.0.1:1/0"))
    assert codes([lost], 10).count(200) == MOST


def test_only_redis_counts_for_several():
    with pytest.raises(BadRequest, match="redis://host") as wrong:
        Settings.from_environment({"DASHBOARD311_LIMITS": "memcached://:hunter2@host"})
    assert "hunter2" not in str(wrong.value)


WRONG_PASSWORDS = """
import sys
from datetime import timedelta
from pathlib import Path
from dashboard.settings import Settings
from data_access.state import State

state = State(Settings(data=Path(sys.argv[1])))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(20):
    state.note_failure(1, 30, timedelta(hours=1))
"""


def test_wrong_passwords_are_counted_over_processes(tmp_path):
    state = State(Settings(data=tmp_path))
    state.add_account("ana", "Ana", "hash")
    words = [sys.executable, "-c", WRONG_PASSWORDS, str(tmp_path)]
    guessing = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        for _ in range(2)
    ]
    for one in guessing:
        assert one.stdout is not None and one.stdout.readline() == "ready\n"
    for one in guessing:
        one.communicate("go\n")
    found = state.account("ana")
    assert found["failures"] == 40
    assert found["locked_until_at"] - state.now() > timedelta(minutes=55)  # beyond ten times doubled: an hour
