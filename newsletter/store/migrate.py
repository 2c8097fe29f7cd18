"""Brings a database to the schema of this program, in one transaction, whoever else is opening it.

Alembic runs the files of `migrations/versions/`. Imported only when there is something to do: alembic takes as long
to import as a short command takes altogether.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from newsletter.errors import StoreError
from newsletter.store.engine import Lock, hold
from newsletter.store.schema import SCHEMA_VERSION
from newsletter.store.version import stored_version

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from newsletter.store.engine import Database

_FOLDER = Path(__file__).resolve().parent / "migrations"
_ONE_AT_A_TIME = threading.Lock()  # alembic keeps what it is doing in module globals


def upgrade(database: Database, *, folder: Path = _FOLDER) -> None:
    """Run the migrations of `folder` that the database lacks; a failure leaves it as it was.

    `database` must be open without foreign key checks (see `Database`); they are made here, before the commit.

    Raises:
        StoreError: the database is of a newer program, or a migration failed.
    """
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with _ONE_AT_A_TIME, database.writing() as connection:
        hold(connection, Lock.SCHEMA)
        _refuse_newer(database.name, stored_version(connection), ScriptDirectory.from_config(config))
        config.attributes["connection"] = connection
        _run(config, database.name)
        _check_references(database.name, connection)


def _run(config: Config, name: str) -> None:
    try:
        command.upgrade(config, "head")
    except SQLAlchemyError:
        raise  # the database's own words; `Database` tells them
    except Exception as error:  # a step may fail in any way, and must then be undone and told
        told = " ".join(str(error).split())
        raise StoreError(f"database {name} could not be brought to a newer schema and is unchanged: {told}") from error


def _refuse_newer(name: str, version: str | None, scripts: ScriptDirectory) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    if version is not None and version not in known:
        raise StoreError(
            f"database {name} has schema {version}, this program knows {SCHEMA_VERSION}; install a newer version"
        )


def _check_references(name: str, connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return  # PostgreSQL checked every row as it was written
    broken = connection.execute(text("PRAGMA foreign_key_check")).first()
    if broken is not None:
        raise StoreError(f"database {name}: its new schema would leave a row of {broken[0]} without its {broken[2]}")
