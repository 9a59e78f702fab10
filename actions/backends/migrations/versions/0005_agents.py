"""Which agent asked, in the audit; and what agents ran for customers."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this migration."""
    with op.batch_alter_table("audit") as table:
        table.add_column(sa.Column("actor", sa.String, nullable=False, server_default=sa.text("''")))
    op.create_table(
        "copilot_runs",
        sa.Column("conversation_id", sa.String, primary_key=True),
        sa.Column("request", sa.String, primary_key=True),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("task", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("result", sa.String, nullable=True),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_copilot_runs_task", "copilot_runs", ["task", "at"])


def downgrade() -> None:
    """Undo this migration."""
    op.drop_table("copilot_runs")
    with op.batch_alter_table("audit") as table:
        table.drop_column("actor")
