from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from newsletter.errors import StoreError
from newsletter.model import Paper
from newsletter.store import Store, check_store, migrate, open_store
from newsletter.store.engine import Database, prepare_file, read_url
from newsletter.store.schema import SCHEMA_VERSION, metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(migrate.__file__).parent / "migrations"
NOW = datetime(2026, 7, 14, tzinfo=UTC)

AFTER = f"{int(SCHEMA_VERSION) + 1:04d}"  # the program's next version, which it does not know yet
NEXT = f"""
revision = "{AFTER}"
down_revision = "{SCHEMA_VERSION}"
"""
NEXT += """
import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.create_table("extras", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("UPDATE papers SET title = 'changed'")
"""


@pytest.fixture
def unchecked(url: str) -> Iterator[Database]:
    open_store(url).close()
    database = Database(read_url(url), unchecked=True)
    yield database
    database.close()


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """Return a folder of migrations that goes one step beyond the program's."""
    folder = tmp_path / "migrations of 100%"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    next_step(folder).write_text(NEXT)
    return folder


def next_step(folder: Path) -> Path:
    return folder / "versions" / f"v{AFTER}_next.py"


def tables(database: Database) -> set[str]:
    with database.reading() as connection:
        return set(inspect(connection).get_table_names())


def version(database: Database) -> str:
    with database.reading() as connection:
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def test_the_migrations_make_the_schema_that_the_program_uses(store: Store) -> None:
    def ours(_object: object, name: str | None, kind: str, *_rest: object) -> bool:
        return not (kind == "table" and str(name).startswith("paper_search"))

    with store._database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_version_in_the_code_is_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA_VERSION]


def test_opening_again_keeps_what_is_there(url: str) -> None:
    paper = Paper(id="2607.00001", source="huggingface", title="One")
    with open_store(url) as store:
        store.papers.add([paper], taken_at=NOW)
    with open_store(url) as store:
        assert list(store.papers.all()) == [paper]


OPEN_AND_ADD = """
import sys
from datetime import UTC, datetime
from newsletter.model import Paper
from newsletter.store import open_store
sys.stdin.readline()
with open_store(sys.argv[1]) as store:
    paper = Paper(id="2607.0000" + sys.argv[2], source="huggingface", title="Paper " + sys.argv[2])
    store.papers.add([paper], taken_at=datetime(2026, 7, 14, tzinfo=UTC))
"""


def test_processes_that_open_a_new_database_at_once_all_succeed(url: str) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", OPEN_AND_ADD, url, str(number)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [racer.communicate(timeout=60)[1] for racer in racers]
    assert told == [""] * 4
    with open_store(url) as store:
        assert [paper.id for paper in store.papers.all()] == [f"2607.0000{number}" for number in range(4)]


def test_a_step_forward_runs_and_keeps_the_data(unchecked: Database, later: Path, url: str) -> None:
    with open_store(url) as store:
        store.papers.add([Paper(id="2607.00001", source="huggingface", title="One")], taken_at=NOW)
    migrate.upgrade(unchecked, folder=later)
    assert version(unchecked) == AFTER
    assert "extras" in tables(unchecked)
    with unchecked.reading() as connection:
        assert connection.execute(text("SELECT title FROM papers")).scalars().all() == ["changed"]


@pytest.mark.parametrize("fault", ["raise RuntimeError('half way')", "op.execute('SELECT * FROM no_such_table')"])
def test_a_failing_step_leaves_the_old_schema(unchecked: Database, later: Path, url: str, fault: str) -> None:
    with open_store(url) as store:
        store.papers.add([Paper(id="2607.00001", source="huggingface", title="One")], taken_at=NOW)
    next_step(later).write_text(f"{NEXT}    {fault}\n")
    before = tables(unchecked)
    with pytest.raises(StoreError, match=r"could not be brought to a newer schema|refused"):
        migrate.upgrade(unchecked, folder=later)
    assert tables(unchecked) == before
    assert version(unchecked) == SCHEMA_VERSION
    with open_store(url) as store:
        assert [paper.title for paper in store.papers.all()] == ["One"]


def test_a_step_that_breaks_a_reference_is_undone(sqlite_url: str, later: Path) -> None:
    with open_store(sqlite_url) as store:
        store.papers.add([Paper(id="2607.00001", source="huggingface", title="One", upvotes=1)], taken_at=NOW)
    next_step(later).write_text(f"{NEXT}    op.drop_table('papers')\n")
    database = Database(read_url(sqlite_url), unchecked=True)
    with pytest.raises(StoreError, match=r"would leave a row of [a-z_]+ without its papers"):
        migrate.upgrade(database, folder=later)
    database.close()
    with open_store(sqlite_url) as store:
        assert store.papers.count() == 1


def test_a_failing_first_step_leaves_no_table(url: str, later: Path) -> None:
    first = later / "versions" / "v0001_first.py"
    for step in (later / "versions").glob("v*.py"):
        if step != first:
            step.unlink()
    first.write_text(first.read_text() + "\n\ndef _full_text() -> None:\n    raise RuntimeError('half way')\n")
    database = Database(read_url(url), unchecked=True)
    with pytest.raises(StoreError, match="half way"):
        migrate.upgrade(database, folder=later)
    assert tables(database) == set()
    database.close()


def test_a_database_of_a_newer_program_is_refused_and_untouched(unchecked: Database, later: Path, url: str) -> None:
    migrate.upgrade(unchecked, folder=later)
    for opens in (open_store, check_store):
        with pytest.raises(
            StoreError, match=f"has schema {AFTER}, this program knows {SCHEMA_VERSION}; install a newer version"
        ):
            opens(url)
    assert version(unchecked) == AFTER


def test_a_check_makes_nothing(sqlite_url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist; `newsletter init` makes it"):
        check_store(sqlite_url)
    assert list(tmp_path.iterdir()) == []


def test_a_check_of_an_empty_database_prepares_nothing(url: str, tmp_path: Path) -> None:
    (tmp_path / "newsletter.db").touch()
    with pytest.raises(StoreError, match="holds no newsletter yet"):
        check_store(url)
    database = Database(read_url(url))
    assert tables(database) == set()
    database.close()


def test_a_check_says_kind_version_and_counts(url: str) -> None:
    with open_store(url) as store:
        store.papers.add([Paper(id="2607.00001", source="huggingface", title="One")], taken_at=NOW)
    line = check_store(url)
    assert line.startswith(("SQLite /", "PostgreSQL postgresql://"))
    assert line.endswith(f"schema {SCHEMA_VERSION}, papers: 1, subscribers: 0, issues: 0")


def test_a_check_leaves_the_folder_as_it_was(sqlite_url: str, tmp_path: Path) -> None:
    open_store(sqlite_url).close()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    check_store(sqlite_url)
    assert (
        {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        == before
        == {"newsletter.db": before["newsletter.db"]}
    )


def test_a_check_of_an_older_database_says_so(unchecked: Database, url: str) -> None:
    with unchecked.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert check_store(url).endswith(f"schema 0000; the next command brings it to {SCHEMA_VERSION}")


def test_a_database_of_the_first_schema_is_brought_up_to_date(url: str, later: Path) -> None:
    for step in (later / "versions").glob("v*.py"):
        if step.name != "v0001_first.py":
            step.unlink()
    database = Database(read_url(url), unchecked=True)
    if url.startswith("sqlite"):
        prepare_file(read_url(url))
    migrate.upgrade(database, folder=later)
    assert version(database) == "0001"
    with database.writing() as connection:
        connection.execute(
            text(
                "INSERT INTO subscribers (address, address_key, status, profile, cadence, hour, timezone, size,"
                " created_at, updated_at) VALUES ('a@x.example', 'a@x.example', 'confirmed', '{}', 'daily', 7, 'UTC',"
                " 10, '2026-07-14 00:00:00', '2026-07-14 00:00:00')"
            )
        )
    database.close()
    with open_store(url) as store:
        assert [one.address for one in store.subscribers.all()] == ["a@x.example"]
        assert not store.suppressions.any()
    assert check_store(url).endswith(f"schema {SCHEMA_VERSION}, papers: 0, subscribers: 1, issues: 0")
