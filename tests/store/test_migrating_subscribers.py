"""A database of before readers could pause: brought up to date, everybody stays, and no number is given twice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, Table, delete, insert

from newsletter.model import Subscriber
from newsletter.store import open_store
from newsletter.store.engine import Database, read_url
from tests.store.test_migrations import FOLDER

if TYPE_CHECKING:
    from sqlalchemy import Connection

NOW = datetime(2026, 7, 14, 8, 0, tzinfo=UTC)


def _fill(connection: Connection) -> None:
    """Store three readers, of whom the last is gone again."""
    at = NOW.replace(tzinfo=None) if connection.dialect.name == "sqlite" else NOW
    people = Table("subscribers", MetaData(), autoload_with=connection)
    rest = {"status": "confirmed", "profile": "{}", "cadence": "weekly", "hour": 7, "timezone": "UTC", "size": 10}
    for name in ("a", "b", "c"):
        address = f"{name}@x.example"
        row = {"address": address, "address_key": address, "created_at": at, "updated_at": at}
        connection.execute(insert(people).values(row | rest))
    connection.execute(delete(people).where(people.c.address == "c@x.example"))


def test_everybody_stays_and_no_number_is_given_twice(url: str) -> None:
    database = Database(read_url(url), unchecked=True)
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        _fill(connection)
    database.close()
    with open_store(url) as store:
        people = list(store.subscribers.all())
        assert [(one.address, one.id) for one in people] == [("a@x.example", 1), ("b@x.example", 2)]
        assert {(one.weekday, one.paused_until, one.link_epoch) for one in people} == {(0, None, 0)}
        (new,) = store.subscribers.add([Subscriber(address="d@x.example")], now=NOW).added
        assert new.id == 4
