"""Ratings of conversations.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "ratings",
        sa.Column("conversation_id", sa.String, primary_key=True),
        sa.Column("session", sa.String, primary_key=True),
        sa.Column("score", sa.Integer, nullable=False),
        sa.Column("comment", sa.String, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.CheckConstraint("score BETWEEN 1 AND 5", name="ck_rating_score"),
    )


def downgrade() -> None:
    """Drop the table with its rows."""
    op.drop_table("ratings")
