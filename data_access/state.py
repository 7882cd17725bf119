"""What an installation remembers besides the city's data: accounts, roles, sessions and the audit log.

The only place that writes while the dashboard is being looked at. An SQLite file in the data folder, or a PostgreSQL
database of its own; brought up to date by Alembic before it is first used.
"""

from __future__ import annotations

import fcntl
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    DateTime,
    Engine,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    NullPool,
    RowMapping,
    String,
    Table,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError

from dashboard.domain.errors import BadRequest, DataUnavailable, UnknownName
from dashboard.settings import Settings
from data_access.dialects import database_address, said_by
from data_access.migrations import NEWEST

log = logging.getLogger(__name__)

metadata = MetaData()

_ADVISORY_KEY = 311_311_312

_NEWER = (
    "The accounts were last kept by a newer version of the dashboard. Start that one, or put back the copy of them "
    "that was made before it."
)
_revision = Table("alembic_version", MetaData(), Column("version_num", String(32)))  # Alembic's own

account = Table(
    "account",
    metadata,
    Column("account_id", Integer, primary_key=True),
    Column("name", String(120), nullable=False, unique=True),  # what is typed to sign in, lower case
    Column("shown_name", String(120), nullable=False),
    Column("source", String(20), nullable=False),  # local, or who else knows the person: oidc
    Column("password_hash", String(255)),  # argon2; null where the password is kept elsewhere
    Column("must_change_password", Boolean, nullable=False),
    Column("is_disabled", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),  # wrong passwords in a row
    Column("locked_until_at", DateTime),
    Column("created_at", DateTime, nullable=False),
)

role_grant = Table(
    # Who was given which role, by whom and until when; the one without an end is in force.
    "role_grant",
    metadata,
    Column("grant_id", Integer, primary_key=True),
    Column("account_id", Integer, ForeignKey("account.account_id"), nullable=False, index=True),
    Column("role", String(40), nullable=False),
    Column("own", String(200)),  # the department, district or team the role is about
    Column("granted_by", String(120), nullable=False),
    Column("granted_at", DateTime, nullable=False),
    Column("revoked_at", DateTime),
)

session = Table(
    "session",
    metadata,
    Column("token_hash", String(64), primary_key=True),  # what a thief of this table cannot sign in with
    Column("account_id", Integer, ForeignKey("account.account_id"), nullable=False, index=True),
    Column("created_at", DateTime, nullable=False),
    Column("seen_at", DateTime, nullable=False),
    Column("revoked_at", DateTime),
)

audit = Table(
    "audit",
    metadata,
    Column("audit_id", Integer, primary_key=True),
    Column("happened_at", DateTime, nullable=False),
    Column("who", String(120), nullable=False),
    Column("role", String(40), nullable=False),
    Column("did", String(40), nullable=False),
    Column("what", String(500), nullable=False),
    Index("audit_happened_at", "happened_at"),
)


def clock() -> datetime:
    """Now, in UTC without a zone: sessions and locks live by the wall clock, numbers never do."""
    return datetime.now(UTC).replace(tzinfo=None)  # noqa: TID251


class State:
    """The accounts, sessions and audit log of one installation.

    Nothing is opened before it is first used, nor carried over a fork. Raises DataUnavailable where the database
    cannot be reached or written.
    """

    def __init__(self, settings: Settings, now: Callable[[], datetime] = clock):
        self.now = now
        self._settings = settings
        self._engine: Engine | None = None
        self._lock = threading.Lock()

    # ── accounts ──

    def add_account(
        self, name: str, shown_name: str, password_hash: str | None, *, source: str = "local", must_change: bool = False
    ) -> int:
        """Add an account, without a role yet; its id. Raises BadRequest if there is one of that name."""
        row = {
            "name": name.casefold(), "shown_name": shown_name, "source": source, "password_hash": password_hash,
            "must_change_password": must_change, "is_disabled": False, "failures": 0, "created_at": self.now(),
        }  # fmt: skip
        with self._writing() as connection:
            try:
                return int(connection.execute(insert(account).returning(account.c.account_id), row).scalar_one())
            except IntegrityError:
                raise BadRequest(f"There is an account “{name}” already.") from None

    def account(self, name: str) -> RowMapping:
        """The account called `name` with the ``role`` and ``own`` in force (None if it has none)."""
        with self._reading() as connection:
            found = connection.execute(_accounts().where(account.c.name == name.casefold())).mappings().first()
        if found is None:
            raise UnknownName("account", name, [one["name"] for one in self.accounts()])
        return found

    def accounts(self) -> list[RowMapping]:
        """Every account, as `account` gives it, by name."""
        with self._reading() as connection:
            return list(connection.execute(_accounts().order_by(account.c.name)).mappings())

    def has_accounts(self) -> bool:
        """Whether anybody can sign in with a password or was signed in from elsewhere."""
        with self._reading() as connection:
            return connection.execute(select(account.c.account_id).limit(1)).first() is not None

    def give_role(self, account_id: int, role: str, own: str | None, by: str) -> None:
        """Give an account a role, in the place of the one it had; its sessions end."""
        with self._writing() as connection:
            self._end_grants(connection, account_id)
            given = {"account_id": account_id, "role": role, "own": own, "granted_by": by, "granted_at": self.now()}
            connection.execute(insert(role_grant), given)
            self._end_sessions(connection, account_id)

    def take_role(self, account_id: int) -> None:
        """Leave an account without a role; its sessions end."""
        with self._writing() as connection:
            self._end_grants(connection, account_id)
            self._end_sessions(connection, account_id)

    def set_password(self, account_id: int, password_hash: str, *, must_change: bool) -> None:
        """Give an account another password, unlock it and end its sessions."""
        values: dict[str, Any] = {"password_hash": password_hash, "must_change_password": must_change}
        with self._writing() as connection:
            where = account.c.account_id == account_id
            connection.execute(update(account).where(where).values(**values, failures=0, locked_until_at=None))
            self._end_sessions(connection, account_id)

    def set_disabled(self, account_id: int, is_disabled: bool) -> None:
        """Close an account, which ends its sessions, or open it again."""
        with self._writing() as connection:
            connection.execute(
                update(account).where(account.c.account_id == account_id).values(is_disabled=is_disabled)
            )
            self._end_sessions(connection, account_id)

    def note_failure(self, account_id: int, free: int, longest: timedelta) -> None:
        """Count a wrong password; from the one after `free` on the account is locked, each time twice as long."""
        with self._writing() as connection:
            counted = (
                update(account)
                .where(account.c.account_id == account_id)
                .values(failures=account.c.failures + 1)
                .returning(account.c.failures)
            )
            beyond = int(connection.execute(counted).scalar_one()) - free
            if beyond > 0:
                seconds = min(longest.total_seconds(), 30.0 * 2 ** min(beyond - 1, 20))
                until = self.now() + timedelta(seconds=seconds)
                connection.execute(
                    update(account).where(account.c.account_id == account_id).values(locked_until_at=until)
                )

    def forget_failures(self, account_id: int) -> None:
        """The right password was given."""
        with self._writing() as connection:
            where = (account.c.account_id == account_id, account.c.failures > 0)
            connection.execute(update(account).where(*where).values(failures=0, locked_until_at=None))

    # ── sessions ──

    def open_session(self, account_id: int, token_hash: str) -> None:
        """Remember a session by the hash of its token."""
        now = self.now()
        row = {"token_hash": token_hash, "account_id": account_id, "created_at": now, "seen_at": now}
        with self._writing() as connection:
            connection.execute(insert(session), row)

    def signed_in(self, token_hash: str, idle: timedelta, longest: timedelta) -> RowMapping | None:
        """The account of a session that is in force, as `account` gives it; None if it ended.

        A session ends when it was not used for `idle`, when it is `longest` old, and when it is revoked, its account
        disabled or without a role.
        """
        now = self.now()
        where = (
            session.c.token_hash == token_hash, session.c.revoked_at.is_(None), account.c.is_disabled.is_(False),
            session.c.seen_at > now - idle, session.c.created_at > now - longest, role_grant.c.role.isnot(None),
        )  # fmt: skip
        with self._reading() as connection:
            joined = _accounts(session.c.seen_at).join(session, session.c.account_id == account.c.account_id)
            found = connection.execute(joined.where(*where)).mappings().first()
        if found is not None and found["seen_at"] < now - timedelta(minutes=1):  # not a write for every request
            with self._writing() as connection:
                connection.execute(update(session).where(session.c.token_hash == token_hash).values(seen_at=now))
        return found

    def end_session(self, token_hash: str) -> None:
        """Revoke one session."""
        with self._writing() as connection:
            connection.execute(update(session).where(session.c.token_hash == token_hash).values(revoked_at=self.now()))

    # ── audit log ──

    def record(self, who: str, role: str, did: str, what: str) -> None:
        """Write a line into the audit log."""
        line = {"happened_at": self.now(), "who": who[:120], "role": role[:40], "did": did[:40], "what": what[:500]}
        with self._writing() as connection:
            connection.execute(insert(audit), line)

    def audit_lines(self, limit: int, before: int | None = None, words: str = "") -> list[RowMapping]:
        """The newest `limit` lines of the audit log, older than line `before` if given, that hold `words`."""
        statement = select(audit).order_by(audit.c.audit_id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(audit.c.audit_id < before)
        if words:
            columns = (audit.c.who, audit.c.role, audit.c.did, audit.c.what)
            statement = statement.where(
                or_(*(func.lower(column).contains(words.lower(), autoescape=True) for column in columns))
            )
        with self._reading() as connection:
            return list(connection.execute(statement).mappings())

    def forget_before(self, moment: datetime) -> dict[str, int]:
        """Delete audit lines and ended sessions older than `moment`; how many of each."""
        with self._writing() as connection:
            lines = connection.execute(delete(audit).where(audit.c.happened_at < moment))
            ended = connection.execute(delete(session).where(session.c.seen_at < moment))
            return {"audit": lines.rowcount, "session": ended.rowcount}

    def close(self) -> None:
        """Let go of the database."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    # ── the database ──

    def _end_grants(self, connection: Connection, account_id: int) -> None:
        where = (role_grant.c.account_id == account_id, role_grant.c.revoked_at.is_(None))
        connection.execute(update(role_grant).where(*where).values(revoked_at=self.now()))

    def _end_sessions(self, connection: Connection, account_id: int) -> None:
        where = (session.c.account_id == account_id, session.c.revoked_at.is_(None))
        connection.execute(update(session).where(*where).values(revoked_at=self.now()))

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._told(), self._opened().connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._told(), self._opened().begin() as connection:
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except (DBAPIError, OSError) as problem:
            log.warning("The accounts cannot be read or written: %s", said_by(problem))
            raise DataUnavailable("The accounts cannot be read or written just now. Please try again.") from problem

    def _opened(self) -> Engine:
        if self._engine is None:
            with self._lock:
                if self._engine is None:
                    engine = _engine(self._settings)
                    _bring_up_to_date(engine, self._settings)
                    self._engine = engine
        return self._engine


def state_file(settings: Settings) -> Path:
    """Where the embedded state database lies."""
    return settings.data / "state.db"


def _engine(settings: Settings) -> Engine:
    if settings.state:
        return create_engine(database_address(settings.state), pool_pre_ping=True, pool_size=2, hide_parameters=True)
    path = state_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)  # hashes of passwords are for their owner's eyes only
    # A connection for each use: SQLite's are cheap, and must not be shared by threads nor survive a fork.
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": 10}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection, _record):
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _bring_up_to_date(engine: Engine, settings: Settings) -> None:
    """Run the migrations that are missing; one process at a time."""
    with engine.connect() as connection:
        known = inspect(connection).has_table(_revision.name)
        if known and connection.scalar(select(_revision.c.version_num)) == NEWEST:
            return
    from alembic import command  # there is rarely anything to bring up to date, and it takes half a second to load
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "data_access:migrations")
    with _alone(engine, settings), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_KEY)))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as problem:  # a step that this version does not know
            raise DataUnavailable(_NEWER) from problem


@contextmanager
def _alone(engine: Engine, settings: Settings) -> Iterator[None]:
    if engine.dialect.name == "postgresql":
        yield  # which locks within the transaction
        return
    with (settings.data / ".state.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _accounts(*more: Column):
    """SELECT accounts with the role in force."""
    current = (role_grant.c.account_id == account.c.account_id) & role_grant.c.revoked_at.is_(None)
    columns = (*account.c, role_grant.c.role, role_grant.c.own, *more)
    return select(*columns).select_from(account.outerjoin(role_grant, current))
