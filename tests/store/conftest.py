"""A store on each database: SQLite in the test's folder, PostgreSQL in a schema of the test's own.

Migrating takes longer than most tests: `store` is a copy of one that was migrated once, `url` an empty database.
"""

from __future__ import annotations

import os
import secrets
import shutil
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from newsletter.model import Issue, Subscriber, SubscriberStatus
from newsletter.store import Store, open_store
from newsletter.store.schema import metadata
from tests.conftest import require
from tests.store.sending import NOW, PAPERS, Sending

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVER = os.environ.get("NEWSLETTER_TEST_POSTGRESQL") or "postgresql+psycopg://postgres@127.0.0.1:5432/test"


@pytest.fixture(scope="session")
def server() -> Iterator[Engine]:
    """Return the PostgreSQL server's engine."""
    engine = create_engine(SERVER, connect_args={"connect_timeout": 5})
    try:
        engine.connect().close()
    except OperationalError:
        require("PostgreSQL", "no server answers; set NEWSLETTER_TEST_POSTGRESQL to a database that may be written")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated file to copy."""
    path = tmp_path_factory.mktemp("template") / "newsletter.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def migrated_schema(server: Engine) -> Iterator[str]:
    """Return the URL of a migrated schema that tests empty before they use it."""
    yield from _schema(server, migrated=True)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'newsletter.db'}"


@pytest.fixture
def postgresql_url(server: Engine) -> Iterator[str]:
    yield from _schema(server, migrated=False)


KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty database, of either kind."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture(params=KINDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database that is migrated and holds nothing, of either kind."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        return f"sqlite:///{shutil.copy(template, tmp_path)}"
    found: str = request.getfixturevalue("migrated_schema")
    engine = create_engine(found)
    with engine.begin() as connection:  # on tables this small DELETE is far quicker than TRUNCATE
        connection.execute(text("DELETE FROM paper_search"))
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    engine.dispose()
    return found


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with open_store(store_url) as opened:
        yield opened


def _schema(server: Engine, *, migrated: bool) -> Iterator[str]:
    name = f"newsletter_{secrets.token_hex(8)}"
    with server.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    url = make_url(SERVER).update_query_dict({"options": f"-csearch_path={name} -csynchronous_commit=off"})
    address = url.render_as_string(hide_password=False)
    if migrated:
        open_store(address).close()
    yield address
    with server.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))


@pytest.fixture
def approved(store: Store) -> Sending:
    store.papers.add(PAPERS, taken_at=NOW)
    people = [Subscriber(address=f"r{n}@x.example", status=SubscriberStatus.CONFIRMED) for n in range(4)]
    readers = store.subscribers.add(people, now=NOW).added
    store.issues.create(Issue(period="2026-07-14", subject="S", papers=PAPERS), now=NOW)
    issue = store.issues.approve("2026-07-14", "hash", now=NOW)
    return Sending(store, issue, readers)


@pytest.fixture
def sending(approved: Sending) -> Sending:
    approved.freeze()
    return approved
