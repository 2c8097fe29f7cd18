"""The schema's history; `env.py` is run by alembic, `versions/` holds one file a step, and nothing imports them."""
