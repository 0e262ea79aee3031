"""Alerts: webhooks that were taken in, the groups that they tell of, and where the cards of those stand."""

import sqlalchemy as sa
from alembic import op

from bot.store.columns import Moment, Words

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "alert_intake",
        sa.Column("id", serial, autoincrement=True, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", Words(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alert_intake"),
        sqlite_autoincrement=True,  # else a number is given out again when its row is gone
    )
    _partial("ix_alert_intake_due_at", "alert_intake", ["due_at", "id"], "due_at IS NOT NULL")
    op.create_table(
        "alert_groups",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("labels_key", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("application", sa.String(length=255), nullable=True),
        sa.Column("environment", sa.String(length=255), nullable=True),
        sa.Column("channel", sa.String(length=32), nullable=True),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alert_groups"),
        sa.UniqueConstraint("number", name="uq_alert_groups_number"),
    )
    _partial("uq_alert_groups_one_open", "alert_groups", ["key"], "is_open", unique=True)
    op.create_index("ix_alert_groups_key", "alert_groups", ["key", "number"])
    op.create_index("ix_alert_groups_opened_at", "alert_groups", ["opened_at"])
    _partial("ix_alert_groups_labels_key", "alert_groups", ["labels_key"], "is_open")
    _partial("ix_alert_groups_due_at", "alert_groups", ["due_at"], "due_at IS NOT NULL")
    op.create_table(
        "alert_placements",
        sa.Column("group_id", sa.String(length=26), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("ts", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["alert_groups.id"], name="fk_alert_placements_group_id"),
        sa.PrimaryKeyConstraint("group_id", name="pk_alert_placements"),
    )


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
