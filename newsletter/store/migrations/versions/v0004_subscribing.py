"""The life of a subscriber: pauses, events, requests, saved papers, letters that wait, limits; and keys of the API."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
_NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns and tables, and let a delivery outlive its subscriber."""
    op.add_column("subscribers", sa.Column("weekday", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("subscribers", sa.Column("paused_until", sa.Date()))
    op.add_column("subscribers", sa.Column("link_epoch", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("deliveries") as batch:
        batch.drop_constraint("fk_deliveries_subscriber_id", type_="foreignkey")
        batch.alter_column("subscriber_id", existing_type=_KEY, nullable=True)
    _add_what_is_a_subscribers_own()
    op.create_table(
        "attempts",
        sa.Column("kind", _NAME, primary_key=True),
        sa.Column("key", _NAME, primary_key=True),
        sa.Column("window", _TIME, primary_key=True),
        sa.Column("number", sa.Integer(), nullable=False),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("name", _NAME, nullable=False, unique=True),
        sa.Column("digest", _NAME, nullable=False, unique=True),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("used_at", _TIME),
        sa.Column("revoked_at", _TIME),
    )


def _add_what_is_a_subscribers_own() -> None:
    op.create_table(
        "events",
        sa.Column("id", _KEY, primary_key=True),
        _whose(index=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("kind", _NAME, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
    )
    op.create_table(
        "requests",
        _whose(primary_key=True),
        sa.Column("kind", _NAME, primary_key=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
    )
    op.create_table(
        "saved_papers",
        _whose(primary_key=True),
        sa.Column("paper", _KEY, sa.ForeignKey("papers.number"), primary_key=True, index=True),
        sa.Column("at", _TIME, nullable=False),
    )
    op.create_table(
        "letters",
        sa.Column("id", _KEY, primary_key=True),
        _whose(),
        sa.Column("letter", _NAME, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("queued_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME, nullable=False, index=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lapses", sa.Integer(), nullable=False),
        sa.Column("owner", _NAME, nullable=False),
        sa.Column("lease_until", _TIME),
        sa.UniqueConstraint("subscriber_id", "letter"),
    )


def _whose(*, primary_key: bool = False, index: bool = False) -> sa.Column[int]:
    person = sa.ForeignKey("subscribers.id", ondelete="CASCADE")
    return sa.Column("subscriber_id", _KEY, person, nullable=False, primary_key=primary_key, index=index)
