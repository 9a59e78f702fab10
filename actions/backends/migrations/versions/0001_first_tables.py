"""The first tables: customers, orders, invoices, visits, verification, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this migration."""
    _business_tables()
    _visit_tables()
    _verification_tables()


def _business_tables() -> None:
    op.create_table(
        "customers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account_number", sa.String, nullable=False, unique=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("postcode", sa.String, nullable=False),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("number", sa.String, nullable=False, unique=True),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), nullable=False, index=True),
        sa.Column("item", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("delivery_postcode", sa.String, nullable=False),
        sa.Column("placed_on", sa.Date, nullable=False),
        sa.Column("expected_on", sa.Date),
        sa.Column("delivered_on", sa.Date),
        sa.Column("carrier", sa.String),
        sa.Column("tracking_number", sa.String),
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("number", sa.String, nullable=False, unique=True),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), nullable=False, index=True),
        sa.Column("issued_on", sa.Date, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("amount_pence", sa.Integer, nullable=False),
        sa.Column("paid_pence", sa.Integer, nullable=False),
    )


def _visit_tables() -> None:
    op.create_table(
        "technician_windows",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("starts_at", sa.DateTime, nullable=False, index=True),
        sa.Column("ends_at", sa.DateTime, nullable=False),
        sa.Column("capacity", sa.Integer, nullable=False),
        sa.Column("booked", sa.Integer, nullable=False),
        sa.CheckConstraint("booked >= 0 AND booked <= capacity", name="ck_window_capacity"),
    )
    op.create_table(
        "appointments",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), nullable=False),
        sa.Column("window_id", sa.String, sa.ForeignKey("technician_windows.id"), nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("confirmation", sa.String, nullable=False, unique=True),
        sa.Column("booked_at", sa.DateTime, nullable=False),
        sa.UniqueConstraint("customer_id", "window_id", name="uq_appointment_customer_window"),
    )


def _verification_tables() -> None:
    op.create_table(
        "assurance",
        sa.Column("conversation_id", sa.String, primary_key=True),
        sa.Column("subject", sa.String, primary_key=True),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("granted_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "verification_attempts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("conversation_id", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("succeeded", sa.Boolean),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Index("ix_attempts_conversation", "conversation_id", "at"),
        sa.Index("ix_attempts_subject", "subject", "at"),
    )
    op.create_table(
        "verification_locks",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("until", sa.DateTime, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("conversation_id", sa.String, nullable=False),
        sa.Column("account_number", sa.String),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("subject", sa.String),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Index("ix_audit_conversation", "conversation_id", "at"),
    )


def downgrade() -> None:
    """Undo this migration."""
    for table in (
        "audit",
        "verification_locks",
        "verification_attempts",
        "assurance",
        "appointments",
        "technician_windows",
        "invoices",
        "orders",
        "customers",
    ):
        op.drop_table(table)
