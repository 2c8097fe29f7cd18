"""The database itself: from a URL to transactions, with every database error turned into one line.

SQLite and PostgreSQL differ here and in the full-text index only. It knows no table.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager, nullcontext, suppress
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from newsletter.errors import StoreError
from newsletter.store.direct import Direct
from newsletter.store.telling import told
from newsletter.store.turn import WritersTurn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy import Table, TableClause
    from sqlalchemy.pool import PoolProxiedConnection

WAIT_SECONDS = 30.0  # for another program's transaction on SQLite, as long as the largest freeze may take
CONNECT_SECONDS = "10"  # for a PostgreSQL server that does not answer
_OLDEST_SQLITE = (3, 35, 0)  # the first with RETURNING
_MANY = 1000
_WAL_TRIES = 200
_WAL_PAUSE_SECONDS = 0.05
_WRITES = "newsletter_writes"
_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_EXAMPLES = "sqlite:////folder/newsletter.db or postgresql+psycopg://user@host/name"


def read_url(given: str) -> URL:
    """Return the database URL that `given` is, with the driver this program uses.

    Raises:
        StoreError: it is no URL, names another kind of database, or a SQLite database without a file.
    """
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        raise StoreError(f"[store] url is no database URL; it looks like {_EXAMPLES}") from None
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise StoreError(f"[store] url names {url.drivername}, which is not supported; it looks like {_EXAMPLES}")
    url = url.set(drivername=driver)
    if is_sqlite(url) and (not url.database or url.database.startswith((":memory:", "file:"))):
        raise StoreError(f"[store] url names no file to keep the database in; it looks like {_EXAMPLES}")
    return url


def is_sqlite(url: URL) -> bool:
    """Return whether the URL is a SQLite one."""
    return url.get_backend_name() == "sqlite"


def shown(url: URL) -> str:
    """Return the URL as a message may name it: SQLite's path, or PostgreSQL's user, host and name; no password."""
    if is_sqlite(url):
        return str(url.database)
    return URL.create("postgresql", url.username, None, url.host, url.port, url.database).render_as_string()


class Lock(IntEnum):
    """What only one transaction at a time may do on PostgreSQL; the numbers are the server's advisory locks."""

    SCHEMA = 0x6E657700
    PAPERS = 0x6E657701
    FREEZING = 0x6E657702
    EVENTS = 0x6E657703


def hold(connection: Connection, lock: Lock) -> None:
    """Wait for the lock and keep it to the transaction's end; SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": int(lock)})


def share(connection: Connection, lock: Lock) -> None:
    """Wait while somebody holds the lock, and keep off who would until the transaction's end; others share it."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock_shared(:number)"), {"number": int(lock)})


def refresh_statistics(connection: Connection, changed: int, *tables: Table | TableClause) -> None:
    """Tell PostgreSQL's planner of many new rows at once, not a minute later; SQLite plans without counting."""
    if connection.dialect.name == "postgresql" and changed >= _MANY:
        names = ", ".join(connection.dialect.identifier_preparer.format_table(table) for table in tables)
        connection.exec_driver_sql(f"ANALYZE {names}")


def insert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return the INSERT of the connection's database; both know ON CONFLICT."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


class Database:
    """One database: transactions for reading and for writing, errors as StoreError.

    With `existing` nothing is created and nothing can be written. With `unchecked` SQLite's foreign keys are off,
    as its own procedure for changing tables asks (https://www.sqlite.org/lang_altertable.html, section 7).
    """

    def __init__(self, url: URL, *, existing: bool = False, unchecked: bool = False) -> None:
        self.name = shown(url)
        self._engine = _engine(url, existing=existing, unchecked=unchecked)
        self._writer = self._engine.execution_options(**{_WRITES: True})
        self._writers = WritersTurn(Path(str(url.database))) if is_sqlite(url) else None
        self._turn: AbstractContextManager[object] = self._writers or nullcontext()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that is rolled back at the end; SQLite and a single statement see one moment.

        Raises:
            StoreError: the database refused.
        """
        with told(self.name), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that is committed at the end, or rolled back by an exception.

        SQLite takes its one write lock at once, so that what is read inside is still true when it is written.

        Raises:
            StoreError: the database refused.
        """
        with told(self.name), self._turn, self._writer.begin() as connection:
            yield connection

    @contextmanager
    def direct(self) -> Iterator[Direct]:
        """Open a connection of its own for ready statements; for one thread at a time.

        Raises:
            StoreError: the database refused.
        """
        opened = Direct(self.name, self._detached, self._engine.dialect, self._turn)
        try:
            yield opened
        finally:
            opened.close()

    def _detached(self) -> PoolProxiedConnection:
        connection = self._engine.raw_connection()
        connection.detach()
        return connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()
        if self._writers:
            self._writers.close()


def prepare_file(url: URL) -> None:
    """Make the SQLite file where there is none, in WAL mode (kept in the file, so it is set once).

    Raises:
        StoreError: the folder is missing, or the file cannot be made or is no database.
    """
    path = Path(str(url.database))
    if not path.parent.is_dir():
        raise StoreError(f"database {path}: the folder {path.parent} does not exist; make it first")
    with told(shown(url)):
        _make_private(path)
        connection = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            _set_wal(connection)
        finally:
            connection.close()


def _make_private(path: Path) -> None:
    """Make the file for its owner's eyes, for it holds addresses; SQLite gives its WAL files the same permissions.

    One that is there keeps its own, and is not opened: closing it would end this process's locks on it (POSIX).
    """
    if not path.exists():
        with suppress(OSError):  # another process was first, or SQLite says what is wrong
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _set_wal(connection: sqlite3.Connection) -> None:
    """Set the mode, patiently: of two that change it at once SQLite refuses one without waiting."""
    for _ in range(_WAL_TRIES):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(_WAL_PAUSE_SECONDS)
        else:
            return
    raise sqlite3.OperationalError("database is locked")


def _engine(url: URL, *, existing: bool, unchecked: bool) -> Engine:
    if not is_sqlite(url):
        return _postgresql_engine(url, read_only=existing)
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old; this program needs 3.35 or newer")
    if existing:
        engine = create_engine(url, creator=lambda: _open_existing(url), poolclass=NullPool, hide_parameters=True)
    else:
        wait = {} if "timeout" in url.query else {"timeout": WAIT_SECONDS}
        engine = create_engine(url, connect_args=wait, hide_parameters=True)
    _take_over_transactions(engine, foreign_keys=not unchecked)
    return engine


def _open_existing(url: URL) -> sqlite3.Connection:
    """Open a file that is there, for queries only; SQLite's own read-only mode would leave its WAL files behind."""
    connection = sqlite3.connect(f"{Path(str(url.database)).absolute().as_uri()}?mode=rw", uri=True)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _postgresql_engine(url: URL, *, read_only: bool) -> Engine:
    patience = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_SECONDS}
    try:
        return create_engine(
            url.update_query_dict(patience),
            hide_parameters=True,
            pool_pre_ping=True,
            execution_options={"postgresql_readonly": True} if read_only else {},
        )
    except ImportError:
        raise StoreError(
            "PostgreSQL needs the psycopg driver; install it with: pip install 'newsletter[postgresql]'"
        ) from None


def _take_over_transactions(engine: Engine, *, foreign_keys: bool) -> None:
    """Begin every transaction ourselves: Python's sqlite3 would begin none before DDL or a SELECT."""

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted, a forgotten address say, is overwritten

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
