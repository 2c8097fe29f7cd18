"""The database itself: from a URL to transactions, with every database error turned into one line.

SQLite and PostgreSQL differ here and in the full-text index only. It knows no table.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from newsletter.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from sqlalchemy import Dialect, Table, Update
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
# SQLite's own words, https://www.sqlite.org/rescode.html, and what to do about them.
_ADVICE = {
    "database is locked": "is locked by another program; try again when that has finished",
    "file is not a database": "is not a database file; name another file in [store] url",
    "unable to open database file": "cannot be opened; check the path and its permissions",
    "attempt to write a readonly database": "is read-only; check the permissions of the file and its folder",
    "database or disk is full": "cannot grow: the disk is full; make room and try again",
    "database disk image is malformed": "is damaged; restore it from a backup",
}


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


def hold(connection: Connection, lock: Lock) -> None:
    """Wait for the lock and keep it to the transaction's end; SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": int(lock)})


def refresh_statistics(connection: Connection, changed: int, *tables: Table) -> None:
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
        # SQLite has one writer at a time, and lets the others sleep and ask again: threads of one process queue here
        self._turn: AbstractContextManager[object] = threading.RLock() if is_sqlite(url) else nullcontext()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that is rolled back at the end; SQLite and a single statement see one moment.

        Raises:
            StoreError: the database refused.
        """
        with _told(self.name), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that is committed at the end, or rolled back by an exception.

        SQLite takes its one write lock at once, so that what is read inside is still true when it is written.

        Raises:
            StoreError: the database refused.
        """
        with _told(self.name), self._turn, self._writer.begin() as connection:
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


class Direct:
    """A connection that runs ready statements and nothing else, with a small part of a transaction's usual cost.

    On PostgreSQL each statement is its own transaction and does not wait for the disk: it outlives the end of this
    process at any moment, not the server's (https://www.postgresql.org/docs/current/wal-async-commit.html). A
    connection that was lost is opened anew by the next run.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], PoolProxiedConnection],
        dialect: Dialect,
        turn: AbstractContextManager[object],
    ) -> None:
        self._name = name
        self._connect = connect
        self._turn = turn
        self._dialect = dialect
        self._one_transaction = dialect.name == "sqlite"
        self.nests = not self._one_transaction  # whether an UPDATE may hold another one
        self._ready: dict[int, Ready] = {}
        self._how: dict[str, bool] = {}
        self._refusals = (dialect.loaded_dbapi.Error, ValueError)  # ValueError: a time that names no zone
        if not self._one_transaction:
            self._how["prepare"] = True
        with _told(name, *self._refusals):
            self._open()

    def _open(self) -> None:
        self._connection = self._connect()
        raw: Any = self._connection.dbapi_connection  # the driver's own: sqlite3's or psycopg's
        self._raw = raw
        if not self._one_transaction:
            raw.rollback()
            raw.autocommit = True
            raw.execute("SET synchronous_commit TO off")
        self._cursor = raw.cursor()

    def close(self) -> None:
        """Close the connection; not by SQLAlchemy, which rolls back first and complains of a server that is gone."""
        self._connection.invalidate()
        self._raw.close()

    def run(self, *steps: tuple[Update, Mapping[str, object]]) -> int:
        """Run the statements, on SQLite in one transaction, and return how many rows the last one changed.

        Raises:
            StoreError: the database refused; on SQLite nothing was changed.
        """
        with _told(self._name, *self._refusals), self._turn:
            if not self._one_transaction:
                if self._raw.closed:
                    self.close()
                    self._open()
                return self._all(steps)
            self._raw.execute("BEGIN IMMEDIATE")
            try:
                changed = self._all(steps)
                self._raw.execute("COMMIT")
            except BaseException:
                if self._raw.in_transaction:
                    self._raw.execute("ROLLBACK")
                raise
            return changed

    def _all(self, steps: Iterable[tuple[Update, Mapping[str, object]]]) -> int:
        changed = 0
        for statement, values in steps:
            ready = self._ready.get(id(statement)) or self._ready.setdefault(
                id(statement), Ready.of(statement, self._dialect)
            )
            changed = self._cursor.execute(ready.sql, ready.bound(values), **self._how).rowcount
        return changed


@dataclass(frozen=True, slots=True)
class Ready:
    """A statement as its database takes it; it keeps the statement, whose identity it is found by."""

    statement: Update
    sql: str
    fixed: Mapping[str, object]
    processors: Mapping[str, Callable[[Any], object]]

    @classmethod
    def of(cls, statement: Update, dialect: Dialect) -> Ready:
        """Compile a statement without lists of values; its parameters keep their names on both databases."""
        named = sqlite.dialect(paramstyle="named") if dialect.name == "sqlite" else dialect
        compiled = statement.compile(dialect=named)
        made = {name: bind.type.bind_processor(named) for name, bind in compiled.binds.items()}
        processors = {name: processor for name, processor in made.items() if processor}
        fixed = {name: _bound(processors, name, value) for name, value in compiled.params.items()}
        return cls(statement, str(compiled), fixed, processors)

    def bound(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return all parameters as the driver takes them."""
        given = {**self.fixed, **values}
        for name in self.processors.keys() & values.keys():
            given[name] = self.processors[name](values[name])
        return given


def _bound(processors: Mapping[str, Callable[[Any], object]], name: str, value: object) -> object:
    processor = processors.get(name)
    return processor(value) if processor else value


def prepare_file(url: URL) -> None:
    """Make the SQLite file where there is none, in WAL mode (kept in the file, so it is set once).

    Raises:
        StoreError: the folder is missing, or the file cannot be made or is no database.
    """
    path = Path(str(url.database))
    if not path.parent.is_dir():
        raise StoreError(f"database {path}: the folder {path.parent} does not exist; make it first")
    with _told(shown(url)):
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


@contextmanager
def _told(name: str, *drivers: type[Exception]) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OverflowError) as error:
        raise StoreError(f"database {name} {_reason(error)}") from error
    except drivers as error:
        raise StoreError(f"database {name} {_reason(error)}") from error


def _reason(error: Exception) -> str:
    orig: Any = getattr(error, "orig", None) or error
    # PostgreSQL's primary message alone: its detail would quote the row, and so somebody's address.
    primary = getattr(getattr(orig, "diag", None), "message_primary", None)
    words = " ".join(str(primary or orig).split())
    advice = next((told for known, told in _ADVICE.items() if known in words), None)
    if advice:
        return advice
    if isinstance(error, DBAPIError) and error.statement is None:
        return f"cannot be reached: {words}; check the server and [store] url"
    return f"refused: {words}"
