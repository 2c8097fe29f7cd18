from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from newsletter.errors import StoreError
from newsletter.model import Paper, Subscriber
from newsletter.store import Store, check_store, open_store
from newsletter.store.engine import Database, read_url, shown
from newsletter.store.schema import subscribers, votes

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 7, 14, 8, 0, tzinfo=UTC)
PAPER = Paper(id="2607.00001", source="huggingface", title="One", upvotes=3, listed_on=date(2026, 7, 14))


def one_line(error: pytest.ExceptionInfo[StoreError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


def test_the_file_is_made_in_wal_mode_with_foreign_keys_on(sqlite_url: str, tmp_path: Path) -> None:
    with open_store(sqlite_url) as store, store._database.reading() as connection:
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 1
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 30_000
    with sqlite3.connect(tmp_path / "newsletter.db") as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    plain.close()


def test_a_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as error:
        open_store(f"sqlite:///{tmp_path}/nowhere/newsletter.db")
    assert f"{tmp_path}/nowhere does not exist" in one_line(error)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("opens", [open_store, check_store])
def test_a_file_that_is_no_database_is_left_as_it_is(opens: object, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, not a database.\n" * 200)
    before = path.read_bytes()
    with pytest.raises(StoreError) as error:
        opens(f"sqlite:///{path}")  # type: ignore[operator]  # one of two functions
    assert f"{path} is not a database file" in one_line(error)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened; check the path"):
        open_store(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("", "is no database URL"),
        ("newsletter.db", "is no database URL"),
        ("postgresql://host:port/name", "is no database URL"),
        ("mysql://root@localhost/x", "names mysql, which is not supported"),
        ("postgresql+asyncpg://u:secret@h/x", "names postgresql+asyncpg, which is not supported"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///file:x?mode=memory&uri=true", "names no file"),
    ],
)
def test_a_bad_url_is_refused_with_an_example(bad: str, says: str) -> None:
    with pytest.raises(StoreError) as error:
        open_store(bad)
    message = one_line(error)
    assert says in message
    assert "sqlite:////folder/newsletter.db" in message
    assert "secret" not in message


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_way_of_writing_postgresql_takes_the_same_driver(scheme: str) -> None:
    assert read_url(f"{scheme}://reader@host/name").drivername == "postgresql+psycopg"


@pytest.mark.parametrize("opens", [open_store, check_store])
@pytest.mark.parametrize("secret", ["reader:hunter2@127.0.0.1:1/x", "127.0.0.1:1/x?user=reader&password=hunter2"])
def test_an_unreachable_server_is_one_line_without_the_password(opens: object, secret: str) -> None:
    with pytest.raises(StoreError) as error:
        opens(f"postgresql://{secret}")  # type: ignore[operator]  # one of two functions
    message = one_line(error)
    assert "127.0.0.1:1/x cannot be reached" in message
    assert "hunter2" not in message


def test_a_wrong_database_name_is_one_line(postgresql_url: str) -> None:
    url = read_url(postgresql_url).set(database="no_such_newsletter")
    with pytest.raises(StoreError, match=r"no_such_newsletter cannot be reached.*does not exist"):
        open_store(url.render_as_string(hide_password=False))


def test_the_shown_name_holds_no_password_and_no_options() -> None:
    name = shown(read_url("postgresql://reader:hunter2@host:5433/news?password=hunter2&sslmode=require"))
    assert name == "postgresql://reader@host:5433/news"


def test_a_locked_file_is_said_to_be_locked(sqlite_url: str, tmp_path: Path) -> None:
    open_store(sqlite_url).close()
    other = sqlite3.connect(tmp_path / "newsletter.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with open_store(f"{sqlite_url}?timeout=0") as store:
        with pytest.raises(StoreError, match="is locked by another program; try again"):
            store.papers.add([PAPER], taken_at=NOW)
        assert store.papers.count() == 0  # readers are not kept out
        other.execute("ROLLBACK")
        other.close()
        assert store.papers.add([PAPER], taken_at=NOW).new == 1


def test_a_check_can_write_nothing(store_url: str, store: Store) -> None:
    database = Database(read_url(store_url), existing=True)
    with (
        pytest.raises(StoreError, match=r"is read-only|cannot execute INSERT in a read-only transaction"),
        database.writing() as connection,
    ):
        connection.execute(text("INSERT INTO feeds (source, etag, last_modified) VALUES ('a', 'b', 'c')"))
    database.close()
    assert store.papers.validators("a") is None


def test_a_broken_rule_of_the_database_does_not_show_the_row(store: Store) -> None:
    store.subscribers.add([Subscriber(address="somebody@reader.example")], now=NOW)
    with store._database.reading() as connection:
        row = {**connection.execute(select(subscribers)).mappings().one(), "id": 77}
    with pytest.raises(StoreError) as error, store._database.writing() as connection:
        connection.execute(subscribers.insert().values(row))
    assert "somebody" not in one_line(error)


def test_foreign_keys_hold(store: Store) -> None:
    with pytest.raises(StoreError), store._database.writing() as connection:
        connection.execute(votes.insert().values(paper=99, taken_at=NOW, upvotes=1))


def test_a_time_without_a_zone_is_refused_and_nothing_stored(store: Store) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(StoreError, match="names no zone"):
        store.papers.add([PAPER], taken_at=naive)
    with pytest.raises(StoreError, match="names no zone"):
        store.subscribers.add([Subscriber(address="a@reader.example")], now=naive)
    assert store.papers.count() == 0
    assert store.subscribers.count() == 0


def test_times_come_back_in_utc_whatever_zone_they_came_in(store: Store) -> None:
    local = datetime(2026, 7, 14, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=-5, minutes=-30)))
    store.papers.add([PAPER], taken_at=local)
    (snapshot,) = store.papers.votes(PAPER.id)
    assert snapshot.taken_at == local
    assert snapshot.taken_at.utcoffset() == timedelta(0)


def test_a_read_sees_one_moment_while_another_connection_writes(store: Store) -> None:
    papers = [Paper(id=f"2607.{n:05d}", source="huggingface", title=f"Paper {n}") for n in range(1200)]
    store.papers.add(papers, taken_at=NOW)
    stream: Iterator[Paper] = store.papers.all()
    first = next(stream)
    store.papers.add([Paper(id="2608.00001", source="huggingface", title="Later")], taken_at=NOW)
    assert len([first, *stream]) == 1200


def test_a_path_with_odd_characters_opens(tmp_path: Path) -> None:
    folder = tmp_path / "100% true #1 & ünïcode"
    folder.mkdir()
    address = f"sqlite:///{folder}/news letter.db".replace("%", "%25").replace("#", "%23")
    for url in {address, f"sqlite:///{folder}/news letter.db"}:
        if Path(str(read_url(url).database)).parent.is_dir():
            open_store(url).close()
            assert "schema" in check_store(url)
    assert (folder / "news letter.db").is_file()
