"""What alembic runs to migrate: it is handed an open connection, inside the transaction that `migrate` commits."""

from __future__ import annotations

from alembic import context

from newsletter.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
