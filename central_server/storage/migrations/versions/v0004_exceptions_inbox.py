"""Exceptions are worked off: what caused each, who looks after it, what was done."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NEW = ("cause", "assignee", "note", "closed_by")
_OPEN = sa.text("closed_ms IS NULL")


def upgrade() -> None:
    """Add the columns; what is open already keeps its own id as its cause."""
    with op.batch_alter_table("exceptions") as table:
        for name in _NEW:
            table.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE exceptions SET cause = id")
    with op.batch_alter_table("exceptions") as table:
        for name in _NEW:
            table.alter_column(name, existing_type=sa.Text(), server_default=None)
    op.create_index(
        "ux_exceptions_open_cause", "exceptions", ["cause"], unique=True,
        sqlite_where=_OPEN, postgresql_where=_OPEN,
    )  # fmt: skip


def downgrade() -> None:
    """Forget the columns."""
    op.drop_index("ux_exceptions_open_cause", table_name="exceptions")
    with op.batch_alter_table("exceptions") as table:
        for name in _NEW:
            table.drop_column(name)
