"""The first schema: papers, listings, votes, collections, subscribers, issues, digests, deliveries, full text."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
# Compared byte by byte on both databases; SQLite does so by itself.
_NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    """Make every table."""
    _papers()
    _dated()
    _subscribers()
    _issues()
    _deliveries()
    _full_text()


def _papers() -> None:
    op.create_table(
        "papers",
        sa.Column("number", _KEY, primary_key=True),
        sa.Column("id", _NAME, nullable=False, unique=True),
        sa.Column("source", _NAME, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_key", _NAME, index=True),
        *_text("abstract", "authors"),
        sa.Column("author_count", sa.Integer(), nullable=False),
        *_text("organisation"),
        sa.Column("published", sa.Date()),
        *_text("keywords", "summary", "page", "pdf", "code"),
        sa.Column("stars", sa.Integer()),
        *_text("project", "thumbnail", "raw_title", "raw_abstract"),
        sa.Column("seen_at", _TIME, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "paper_ids",
        sa.Column("id", _NAME, primary_key=True),
        sa.Column("paper", _KEY, sa.ForeignKey("papers.number"), nullable=False, index=True),
    )


def _dated() -> None:
    op.create_table(
        "listings",
        sa.Column("paper", _KEY, sa.ForeignKey("papers.number"), primary_key=True),
        sa.Column("listed_on", sa.Date(), primary_key=True),
        sa.Column("source", _NAME, primary_key=True),
        sa.Index(None, "listed_on", "source"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "votes",
        sa.Column("paper", _KEY, sa.ForeignKey("papers.number"), primary_key=True),
        sa.Column("taken_at", _TIME, primary_key=True),
        sa.Column("upvotes", sa.Integer()),
        sa.Column("comments", sa.Integer()),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "collections",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("source", _NAME, primary_key=True),
        sa.Column("collected_at", _TIME, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table("feeds", sa.Column("source", _NAME, primary_key=True), *_text("etag", "last_modified"))


def _subscribers() -> None:
    op.create_table(
        "subscribers",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_key", _NAME, nullable=False, unique=True),
        sa.Column("status", _NAME, nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("cadence", _NAME, nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("timezone", _NAME, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sqlite_autoincrement=True,
    )


def _issues() -> None:
    op.create_table(
        "issues",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("period", _NAME, nullable=False, unique=True),
        *_text("subject", "note", "pins", "hides"),
        sa.Column("state", _NAME, nullable=False),
        sa.Column("approved_hash", _NAME, nullable=False),
        sa.Column("corpus_mark", _KEY, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("approved_at", _TIME),
        sa.Column("sent_at", _TIME),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "issue_papers",
        sa.Column("issue_id", _KEY, sa.ForeignKey("issues.id"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("paper", _KEY, sa.ForeignKey("papers.number"), nullable=False, index=True),
        sa.Column("payload", sa.Text(), nullable=False),
    )


def _deliveries() -> None:
    op.create_table(
        "digests",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("issue_id", _KEY, sa.ForeignKey("issues.id"), nullable=False),
        sa.Column("key", _NAME, nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.UniqueConstraint("issue_id", "key"),
    )
    op.create_table(
        "digest_papers",
        sa.Column("digest_id", _KEY, sa.ForeignKey("digests.id"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("issue_position", sa.Integer(), nullable=False),
        sa.Column("paper", _KEY, sa.ForeignKey("papers.number"), nullable=False, index=True),
        sa.Column("score", sa.Float(53), nullable=False),
        sa.Column("matched", sa.Boolean(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("issue_id", _KEY, sa.ForeignKey("issues.id"), nullable=False),
        sa.Column("subscriber_id", _KEY, sa.ForeignKey("subscribers.id"), nullable=False),
        sa.Column("digest_id", _KEY, sa.ForeignKey("digests.id"), index=True),
        sa.Column("state", _NAME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("retry_at", _TIME),
        sa.Column("lease_owner", _NAME, nullable=False),
        sa.Column("lease_until", _TIME),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.UniqueConstraint("issue_id", "subscriber_id"),
    )


def _full_text() -> None:
    """SQLite's index keeps papers by their number as rowid; `newsletter.store.search` cuts the words itself."""
    if op.get_context().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE paper_search USING fts5"
            "(title, abstract, authors, keywords, tokenize = 'porter unicode61')"
        )
        return
    op.create_table(
        "paper_search",
        sa.Column("paper", _KEY, sa.ForeignKey("papers.number"), primary_key=True, autoincrement=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.Index(None, "words", postgresql_using="gin"),
    )
