"""Where a replica's epoch begins, and when it last pushed: what recovery is decided by."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two columns and the epochs, the first of each replica included."""
    base = sa.Column("base_seq", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    pushed = sa.Column("pushed_ms", sa.BigInteger(), nullable=True)
    op.add_column("replicas", base)
    op.add_column("replicas", pushed)
    op.create_table(
        "replica_epochs",
        sa.Column("replica_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("base_seq", sa.BigInteger(), nullable=False),
        sa.Column("begun_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["replica_id"], ["replicas.replica_id"],
            name="fk_replica_epochs_replica_id_replicas",
        ),
        sa.PrimaryKeyConstraint("replica_id", "epoch", name="pk_replica_epochs"),
    )  # fmt: skip
    op.execute(
        "INSERT INTO replica_epochs (replica_id, epoch, base_seq, begun_ms)"
        " SELECT replica_id, epoch, 0, enrolled_at_ms FROM replicas"
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("replica_epochs")
    op.drop_column("replicas", "pushed_ms")
    op.drop_column("replicas", "base_seq")
