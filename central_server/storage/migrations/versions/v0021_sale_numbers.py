"""What was done about one thing at one store, where thousands number their sales alike."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let the index tell devices apart."""
    op.create_index("ix_op_log_aggregate_replica_id", "op_log", ["aggregate", "replica_id"])
    op.drop_index("ix_op_log_aggregate", "op_log")


def downgrade() -> None:
    """Tell only things apart."""
    op.create_index("ix_op_log_aggregate", "op_log", ["aggregate"])
    op.drop_index("ix_op_log_aggregate_replica_id", "op_log")
