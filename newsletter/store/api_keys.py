"""Keys of the JSON API: names, scopes, and digests of the keys, which themselves are never stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from newsletter.access import ApiKey, Scope
from newsletter.store.engine import insert_into
from newsletter.store.schema import api_keys

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Row

    from newsletter.store.engine import Database


class ApiKeyStore:
    """The keys. Times are aware; `now` is the caller's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, digest: str, scopes: Collection[Scope], *, now: datetime) -> bool:
        """Store a new key; False where there is one of this name, revoked or not."""
        row = {"name": name, "digest": digest, "scopes": sorted(scope.value for scope in scopes), "created_at": now}
        with self._database.writing() as connection:
            new = insert_into(connection, api_keys).values(row).on_conflict_do_nothing()
            return connection.execute(new.returning(api_keys.c.id)).first() is not None

    def find(self, digest: str) -> ApiKey | None:
        """Return the key with this digest that was not revoked."""
        statement = select(api_keys).where(api_keys.c.digest == digest, api_keys.c.revoked_at.is_(None))
        with self._database.reading() as connection:
            row = connection.execute(statement).first()
        return None if row is None else _key(row)

    def used(self, key_id: int, *, now: datetime) -> None:
        """Note that a key was used at `now`."""
        with self._database.writing() as connection:
            connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(used_at=now))

    def all(self) -> tuple[ApiKey, ...]:
        """Return all keys by name, the revoked ones too."""
        with self._database.reading() as connection:
            return tuple(_key(row) for row in connection.execute(select(api_keys).order_by(api_keys.c.name)))

    def revoke(self, name: str, *, now: datetime) -> bool:
        """Let a key be of no use from now on; False where there is none of this name that is of use."""
        theirs = (api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
        with self._database.writing() as connection:
            return connection.execute(update(api_keys).where(*theirs).values(revoked_at=now)).rowcount == 1


def _key(row: Row[*tuple[Any, ...]]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        created_at=row.created_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )
