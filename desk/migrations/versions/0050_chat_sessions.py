"""Customers' chat sessions, so that their tokens can be renewed once each and revoked"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "chat_sessions",
        sa.Column("conversation", sa.String(length=32), nullable=False),
        sa.Column("current", sa.String(length=32), nullable=False),
        sa.Column("previous", sa.String(length=32), nullable=False),
        sa.Column("rotated_at", sa.DateTime(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("conversation"),
    )
    op.create_index("ix_chat_sessions_expires_at", "chat_sessions", ["expires_at"])


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_chat_sessions_expires_at", "chat_sessions")
    op.drop_table("chat_sessions")
