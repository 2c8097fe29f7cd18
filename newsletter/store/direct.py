"""Ready statements on a connection of their own, for what is committed mail by mail.

It knows no table, and nothing of pools or migrations: that is `engine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import sqlite

from newsletter.store.telling import told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager

    from sqlalchemy import Dialect, Update
    from sqlalchemy.pool import PoolProxiedConnection


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
        with told(name, *self._refusals):
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
        with told(self._name, *self._refusals), self._turn:
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
