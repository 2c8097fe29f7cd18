"""Deliveries go in chunks, leased as a whole; an issue can be paused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
_NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_SIZE = 500


def upgrade() -> None:
    """Make the chunks, put every delivery that has a digest into one, and drop the lease of each delivery."""
    op.create_table(
        "chunks",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("issue_id", _KEY, sa.ForeignKey("issues.id"), nullable=False, index=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME),
        sa.Column("owner", _NAME, nullable=False),
        sa.Column("lease_until", _TIME),
        sa.Column("fence", sa.Integer(), nullable=False),
    )
    op.add_column("issues", sa.Column("paused_at", _TIME))
    with op.batch_alter_table("deliveries") as batch:
        batch.add_column(sa.Column("chunk_id", _KEY, sa.ForeignKey("chunks.id", name="fk_deliveries_chunk_id")))
        batch.add_column(sa.Column("fence", sa.Integer(), nullable=False, server_default="0"))
        batch.drop_column("lease_owner")
        batch.drop_column("lease_until")
    with op.batch_alter_table("deliveries") as batch:
        batch.alter_column("fence", server_default=None)
        batch.create_index("ix_deliveries_chunk_id", ["chunk_id"])
    # nobody can settle these any more, and nobody knows what became of them
    op.execute("UPDATE deliveries SET state = 'uncertain' WHERE state = 'in_flight'")
    _fill()


def _fill() -> None:
    connection = op.get_bind()
    firsts = connection.execute(
        sa.text(
            "SELECT issue_id, min(subscriber_id) AS first, max(subscriber_id) AS last, count(*) AS size,"
            " min(updated_at) AS opened_at,"
            " max(CASE WHEN state IN ('queued', 'deferred') THEN 1 ELSE 0 END) AS is_open"
            " FROM (SELECT *, (row_number() OVER (PARTITION BY issue_id ORDER BY subscriber_id) - 1) / :size AS part"
            " FROM deliveries WHERE digest_id IS NOT NULL) AS parted"
            " GROUP BY issue_id, part ORDER BY issue_id, part"
        ),
        {"size": _SIZE},
    ).all()
    for row in firsts:
        chunk = connection.execute(
            sa.text(
                "INSERT INTO chunks (issue_id, size, opened_at, due_at, owner, fence)"
                " VALUES (:issue_id, :size, :opened_at, :due_at, '', 0) RETURNING id"
            ),
            {
                "issue_id": row.issue_id,
                "size": row.size,
                "opened_at": row.opened_at,
                "due_at": row.opened_at if row.is_open else None,
            },
        ).scalar_one()
        connection.execute(
            sa.text(
                "UPDATE deliveries SET chunk_id = :chunk WHERE issue_id = :issue_id AND digest_id IS NOT NULL"
                " AND subscriber_id BETWEEN :first AND :last"
            ),
            {"chunk": chunk, "issue_id": row.issue_id, "first": row.first, "last": row.last},
        )
