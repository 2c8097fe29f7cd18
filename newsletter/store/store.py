"""Opens the store and holds its parts together."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sqlalchemy import func, select

from newsletter.errors import StoreError
from newsletter.store.api_keys import ApiKeyStore
from newsletter.store.archive import Archive
from newsletter.store.attempts import AttemptStore
from newsletter.store.bounces import BounceStore
from newsletter.store.catalogue import Catalogue
from newsletter.store.chunks import ChunkStore
from newsletter.store.deliveries import DeliveryStore
from newsletter.store.engine import Database, is_sqlite, prepare_file, read_url
from newsletter.store.forgetting import ForgettingStore
from newsletter.store.history import HistoryStore
from newsletter.store.issues import IssueStore
from newsletter.store.ledger import Ledger
from newsletter.store.letters import LetterStore
from newsletter.store.lookup import PaperLookup
from newsletter.store.membership import MembershipStore
from newsletter.store.papers import PaperStore
from newsletter.store.saved import SavedStore
from newsletter.store.schema import SCHEMA_VERSION, issues, papers, subscribers
from newsletter.store.subscribers import SubscriberStore
from newsletter.store.suppressions import SuppressionStore
from newsletter.store.version import stored_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from sqlalchemy import URL, Connection


class Store:
    """Everything that is kept; a context manager that closes its connections. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.papers = PaperStore(database)
        self.lookup = PaperLookup(database)
        self.subscribers = SubscriberStore(database)
        self.catalogue = Catalogue(database)
        self.issues = IssueStore(database)
        self.archive = Archive(database)
        self.deliveries = DeliveryStore(database)
        self.bounces = BounceStore(database)
        self.suppressions = SuppressionStore(database)
        self.chunks = ChunkStore(database)
        self.membership = MembershipStore(database)
        self.history = HistoryStore(database)
        self.letters = LetterStore(database)
        self.attempts = AttemptStore(database)
        self.saved = SavedStore(database)
        self.forgetting = ForgettingStore(database)
        self.api_keys = ApiKeyStore(database)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """Open the ledger of one sender, for one thread.

        Raises:
            StoreError: the database refused.
        """
        with self._database.direct() as connection:
            yield Ledger(connection)

    def ping(self) -> None:
        """Ask the database for nothing.

        Raises:
            StoreError: it does not answer.
        """
        with self._database.reading() as connection:
            connection.execute(select(1))

    def close(self) -> None:
        """Close every connection; the store is of no use afterwards."""
        self._database.close()


def open_store(url: str) -> Store:
    """Open the database at `url`, making the file and bringing the schema up to date where need be.

    `url` is `sqlite:////folder/newsletter.db` or `postgresql+psycopg://user@host/name`. The folder must exist.

    Raises:
        StoreError: it cannot be opened or migrated, or belongs to a newer program.
    """
    place = read_url(url)
    if is_sqlite(place):
        prepare_file(place)
    database = Database(place)
    try:
        with database.reading() as connection:
            current = stored_version(connection) == SCHEMA_VERSION
        if not current:
            _migrate(place)
    except BaseException:
        database.close()
        raise
    return Store(database)


def _migrate(place: URL) -> None:
    from newsletter.store.migrate import upgrade  # noqa: PLC0415 - alembic alone takes as long as a short command

    database = Database(place, unchecked=True)
    try:
        upgrade(database)
    finally:
        database.close()


def check_store(url: str) -> str:
    """Return one line on the database at `url` without making, migrating or changing it, for `doctor`.

    Raises:
        StoreError: there is none, it cannot be read, holds no newsletter, or belongs to a newer program.
    """
    place = read_url(url)
    if is_sqlite(place) and not Path(str(place.database)).is_file():
        raise StoreError(f"database {place.database} does not exist; `newsletter init` makes it")
    database = Database(place, existing=True)
    try:
        with database.reading() as connection:
            return _described(database.name, "SQLite" if is_sqlite(place) else "PostgreSQL", connection)
    finally:
        database.close()


def _described(name: str, kind: str, connection: Connection) -> str:
    version = stored_version(connection)
    if version is None:
        raise StoreError(f"database {name} holds no newsletter yet; `newsletter init` prepares it")
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"database {name} has schema {version}, this program knows {SCHEMA_VERSION}; install a newer version"
        )
    if version < SCHEMA_VERSION:
        return f"{kind} {name}, schema {version}; the next command brings it to {SCHEMA_VERSION}"
    counts = [
        f"{table.name}: {connection.execute(select(func.count()).select_from(table)).scalar_one():,}"
        for table in (papers, subscribers, issues)
    ]
    return f"{kind} {name}, schema {version}, {', '.join(counts)}"
