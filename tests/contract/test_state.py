"""Accounts, roles, sessions and the audit log, on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select

from dashboard.domain.errors import BadRequest, DataUnavailable, UnknownName
from dashboard.identity import may_serve
from dashboard.settings import Settings
from data_access import state as tables
from data_access.migrations import NEWEST
from data_access.state import State, state_file

IDLE, LONGEST = timedelta(hours=3), timedelta(hours=12)


class Watch:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.time = datetime(2026, 6, 30, 8, 0)

    def __call__(self) -> datetime:
        return self.time

    def on(self, **more) -> None:
        self.time += timedelta(**more)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database(request, tmp_path_factory) -> Settings:
    url = request.getfixturevalue("new_database")() if request.param == "postgres" else ""
    return Settings(data=tmp_path_factory.mktemp("state"), state=url)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def state(database, watch) -> Iterator[State]:
    state = State(database, watch)
    yield state
    state.close()


@pytest.fixture
def ana(state, request) -> int:
    one = state.add_account(f"Ana-{request.node.name}", "Ana", "hash")
    state.give_role(one, "department head", "Streets", "root")
    return one


def name(request) -> str:
    return f"ana-{request.node.name}".casefold()


def test_the_migrations_make_the_tables_that_are_declared(state):
    state.has_accounts()
    with state._opened().connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []


def test_the_newest_migration_is_known_without_reading_them():
    config = Config()
    config.set_main_option("script_location", "data_access:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == NEWEST


def test_an_account_has_the_role_it_was_given_last(state, ana, request):
    assert state.account(name(request).upper())["own"] == "Streets"
    state.give_role(ana, "analyst", None, "root")
    found = state.account(name(request))
    assert (found["role"], found["own"]) == ("analyst", None) and state.has_accounts()
    assert [one["role"] for one in state.accounts() if one["account_id"] == ana] == ["analyst"]
    state.take_role(ana)
    assert state.account(name(request))["role"] is None
    with state._opened().connect() as connection:  # who had which role until when is kept
        given = connection.execute(select(tables.role_grant.c.revoked_at).filter_by(account_id=ana)).scalars().all()
    assert len(given) == 2 and all(given)


def test_names_are_taken_once_and_unknown_ones_are_told(state, ana, request):
    with pytest.raises(BadRequest, match="already"):
        state.add_account(name(request).upper(), "Another", "hash")
    with pytest.raises(UnknownName, match="ana-test_names"):
        state.account("ana-test_name")


def test_a_session_ends_by_time(state, ana, watch, request):
    token = request.node.name
    state.open_session(ana, token)
    assert state.signed_in(token, IDLE, LONGEST)["account_id"] == ana
    for _ in range(5):
        watch.on(hours=2)  # used again and again, it goes on …
        assert state.signed_in(token, IDLE, LONGEST)
    watch.on(hours=3)  # … until it is too old
    assert state.signed_in(token, IDLE, LONGEST) is None
    state.open_session(ana, token + "2")
    watch.on(hours=4)
    assert state.signed_in(token + "2", IDLE, LONGEST) is None
    assert state.signed_in("another", IDLE, LONGEST) is None


@pytest.mark.parametrize("change", ["end", "disable", "password", "role", "take"])
def test_a_session_ends_when_the_account_changes(state, ana, change, request):
    token = request.node.name
    state.open_session(ana, token)
    match change:
        case "end":
            state.end_session(token)
        case "disable":
            state.set_disabled(ana, True)
        case "password":
            state.set_password(ana, "another", must_change=True)
        case "role":
            state.give_role(ana, "analyst", None, "root")
        case "take":
            state.take_role(ana)
    assert state.signed_in(token, IDLE, LONGEST) is None


def test_wrong_passwords_lock_longer_and_longer(state, ana, watch, request):
    for _ in range(5):
        state.note_failure(ana, 5, timedelta(hours=1))
    assert state.account(name(request))["locked_until_at"] is None
    locked = []
    for _ in range(9):
        state.note_failure(ana, 5, timedelta(hours=1))
        locked.append((state.account(name(request))["locked_until_at"] - watch.time).total_seconds())
    assert locked[:3] == [30, 60, 120] and locked[-1] == 3600
    state.forget_failures(ana)
    found = state.account(name(request))
    assert found["failures"] == 0 and found["locked_until_at"] is None


def test_the_log_is_read_from_its_end_and_forgets_by_age(state, watch, request):
    for number in range(5):
        state.record("ana", "analyst", "exported", f"{request.node.name} {number}")
        watch.on(days=1)
    lines = state.audit_lines(2, words=request.node.name.upper())
    assert [line["what"][-1] for line in lines] == ["4", "3"]
    assert [line["what"][-1] for line in state.audit_lines(9, lines[-1]["audit_id"], request.node.name)] == list("210")
    assert state.forget_before(watch.time - timedelta(days=2.5))["audit"] >= 3
    assert [line["what"][-1] for line in state.audit_lines(9, words=request.node.name)] == ["4", "3"]


def test_hashes_are_for_their_owner_only_and_a_broken_store_says_so(tmp_path):
    state = State(Settings(data=tmp_path))
    assert not state.has_accounts()
    assert state_file(Settings(data=tmp_path)).stat().st_mode & 0o077 == 0
    (tmp_path / "file").write_text("")
    with pytest.raises(DataUnavailable):
        State(Settings(data=tmp_path / "file")).has_accounts()
    with pytest.raises(DataUnavailable):  # and is not taken for one without accounts
        may_serve(Settings(data=tmp_path / "file"), "127.0.0.1", is_made_up=False)


def test_accounts_of_a_newer_version_are_left_alone(tmp_path):
    settings = Settings(data=tmp_path)
    assert not State(settings).has_accounts()
    with closing(sqlite3.connect(state_file(settings))) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'later'")
        connection.commit()
    with pytest.raises(DataUnavailable, match="newer version"):
        State(settings).has_accounts()
