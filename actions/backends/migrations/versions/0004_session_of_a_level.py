"""A level counts in the session that it was shown in alone."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this migration; levels from before it belong to no session and so count no more."""
    with op.batch_alter_table("assurance") as table:
        table.add_column(sa.Column("session", sa.String, nullable=False, server_default=sa.text("''")))


def downgrade() -> None:
    """Undo this migration."""
    with op.batch_alter_table("assurance") as table:
        table.drop_column("session")
