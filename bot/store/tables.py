"""The tables. Rows that are read as a whole keep a JSON document beside the columns that queries need.

Their indexes stand in `bot/store/indexes.py`.
"""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from bot.store.columns import Moment, Words

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
serial = BigInteger().with_variant(Integer, "sqlite")


def lease() -> tuple[Column[str], Column[datetime]]:
    """Which process works on a row, and until when nobody else may; used on PostgreSQL alone."""
    return Column("leased_by", String(128)), Column("leased_until", Moment)


changes = Table(
    "changes",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("kind", String(32), nullable=False),
    Column("application", String(255), nullable=False),
    Column("environment", String(255), nullable=False),
    Column("state", String(32), nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("due_at", Moment),
    Column("requested_at", Moment, nullable=False),
    Column("document", Text, nullable=False),
    *lease(),
)
OPEN = text("changes.is_open")
"""Written as its index has it (`bot/store/indexes.py`). The column alone becomes `is_open = 1`, and SQLite does not see
that this is the same: it would read every change that ever was."""

approvals = Table(
    "approvals",
    metadata,
    Column("id", serial, primary_key=True, autoincrement=True),
    Column("change_id", String(26), ForeignKey("changes.id"), nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("person", String(255), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("change_id", "person", "fingerprint"),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", serial, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("change_id", String(26)),
    Column("application", String(255)),
    Column("environment", String(255)),
    Column("text", Words, nullable=False),
    Column("detail", Text, nullable=False),
)

inbound = Table(
    "inbound",
    metadata,
    Column("id", String(255), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("document", Text, nullable=False),
    Column("ack", Text, nullable=False),
    Column("due_at", Moment),  # null: done
    Column("attempts", Integer, nullable=False),
    Column("error", Words),
    *lease(),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", serial, primary_key=True, autoincrement=True),
    Column("key", String(255), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("urgency", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("change_id", String(26)),
    Column("channel", String(32)),
    Column("text", Text),
    Column("request", Text),
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment),  # null: sent, or given up
    Column("attempts", Integer, nullable=False),
    Column("error", Words),
    Column("lane", String(255), nullable=False, server_default=""),  # rows of a lane go one after the other
    Column("group_id", String(26)),
    Column("touched_at", Moment),  # when an alert group's card last had a reason to be shown anew
    *lease(),
)

placements = Table(
    "placements",
    metadata,
    Column("change_id", String(26), ForeignKey("changes.id"), primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("ts", String(32), nullable=False),
    Column("digest", String(64)),
)

alert_intake = Table(
    "alert_intake",
    metadata,
    Column("id", serial, primary_key=True, autoincrement=True),
    Column("source", String(64), nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("body", Text, nullable=False),
    Column("due_at", Moment),  # null: never to be tried again
    Column("attempts", Integer, nullable=False),
    Column("error", Words),
)

alert_groups = Table(
    "alert_groups",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("key", String(64), nullable=False),
    Column("labels_key", String(64), nullable=False),
    Column("source", String(64), nullable=False),
    Column("severity", Integer, nullable=False),  # 0: the gravest
    Column("application", String(255)),
    Column("environment", String(255)),
    Column("channel", String(32)),
    Column("is_open", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("due_at", Moment),
    Column("document", Text, nullable=False),
)
OPEN_GROUP = text("alert_groups.is_open")
"""Written as its indexes have it, for the reason of `OPEN`."""

alert_placements = Table(
    "alert_placements",
    metadata,
    Column("group_id", String(26), ForeignKey("alert_groups.id"), primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("ts", String(32), nullable=False),
    Column("digest", String(64)),
)

alert_storms = Table(
    "alert_storms",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("since", Moment, nullable=False),
    Column("closed_at", Moment),
    Column("document", Text),  # what it came to; null while it lasts
    Column("ts", String(32)),
    Column("digest", String(64)),
)
