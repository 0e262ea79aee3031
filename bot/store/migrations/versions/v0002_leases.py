"""Leases: which process works on a change, an act or a row of the outbox; and the lanes of the outbox."""

import sqlalchemy as sa
from alembic import op

from bot.store.columns import Moment

revision = "0002"
down_revision = "0001"

LANES = """
    UPDATE outbox SET lane = CASE
        WHEN kind IN ('card', 'note') THEN 'change:' || change_id
        WHEN kind = 'notice' THEN 'channel:' || channel
        ELSE key
    END
"""


def upgrade() -> None:
    for table in ("changes", "inbound", "outbox"):
        op.add_column(table, sa.Column("leased_by", sa.String(length=128), nullable=True))
        op.add_column(table, sa.Column("leased_until", Moment(), nullable=True))
    op.add_column("outbox", sa.Column("lane", sa.String(length=255), nullable=False, server_default=""))
    op.execute(LANES)
    op.create_index(
        "ix_outbox_leased",
        "outbox",
        ["lane"],
        unique=False,
        sqlite_where=sa.text("leased_by IS NOT NULL"),
        postgresql_where=sa.text("leased_by IS NOT NULL"),
    )
