"""Alembic's migrations of the backend database; `actions/backends/schema.py` runs them."""
