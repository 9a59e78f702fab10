"""One-time passwords, disabled users, failed log-ins by address, the audit log by user, and what each user has read"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("users", sa.Column("must_change_password", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("users", sa.Column("disabled_at", sa.DateTime(), nullable=True))
    op.add_column("login_attempts", sa.Column("address", sa.String(length=64), nullable=False, server_default=""))
    op.create_index("ix_login_attempts_address", "login_attempts", ["address"], unique=False)
    op.create_index("ix_login_sessions_user_id", "login_sessions", ["user_id"], unique=False)
    op.create_index("ix_audit_user", "audit", ["user_id", "id"], unique=False)
    op.create_index("ix_audit_conversation", "audit", ["conversation_id", "id"], unique=False)
    op.create_table(
        "reads",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("user_id", "conversation_id"),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("reads")
    op.drop_index("ix_audit_conversation", "audit")
    op.drop_index("ix_audit_user", "audit")
    op.drop_index("ix_login_sessions_user_id", "login_sessions")
    op.drop_index("ix_login_attempts_address", "login_attempts")
    with op.batch_alter_table("login_attempts") as table:
        table.drop_column("address")
    with op.batch_alter_table("users") as table:
        table.drop_column("disabled_at")
        table.drop_column("must_change_password")
