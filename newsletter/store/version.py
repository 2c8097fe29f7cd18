"""Reads which schema a database has, without alembic, so that a command that migrates nothing need not import it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

if TYPE_CHECKING:
    from sqlalchemy import Connection


def stored_version(connection: Connection) -> str | None:
    """Return the schema version of the database, None where there is no schema yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return version
