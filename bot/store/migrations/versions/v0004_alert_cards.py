"""Cards of alert groups: whose row it is, when it last had a reason to be shown, and the storms that stand for many."""

import sqlalchemy as sa
from alembic import op

from bot.store.columns import Moment

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("outbox", sa.Column("group_id", sa.String(length=26), nullable=True))
    op.add_column("outbox", sa.Column("touched_at", Moment(), nullable=True))
    _partial("ix_outbox_touched", "outbox", ["channel", "touched_at"], "touched_at IS NOT NULL")
    op.create_table(
        "alert_storms",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("ts", sa.String(length=32), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alert_storms"),
    )
    _partial("uq_alert_storms_one_open", "alert_storms", ["channel"], "closed_at IS NULL", unique=True)
    op.create_index("ix_alert_storms_channel", "alert_storms", ["channel", "since"])


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
