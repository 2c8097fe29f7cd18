"""What came back, and who gets no mail any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
# Compared byte by byte on both databases; SQLite does so by itself.
_NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "bounces",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("mail", _NAME, nullable=False, unique=True),
        sa.Column(
            "subscriber_id", _KEY, sa.ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("issue_id", _KEY, sa.ForeignKey("issues.id"), index=True),
        sa.Column("kind", _NAME, nullable=False),
        sa.Column("status", _NAME, nullable=False),
        sa.Column("diagnostic", sa.Text(), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
    )
    op.create_table(
        "suppressions",
        sa.Column("key", _NAME, primary_key=True),
        sa.Column("reason", _NAME, nullable=False),
        sa.Column("subscriber_id", _KEY, sa.ForeignKey("subscribers.id", ondelete="SET NULL"), index=True),
        sa.Column("since", _TIME, nullable=False),
    )
