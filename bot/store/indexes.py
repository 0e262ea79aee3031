"""The indexes of the tables, and what else of them is one database's own: for migrations, and for the test that holds
those to what is declared.

A bot that runs needs none of this: it would load both kinds of dialect, to prove options that it never uses, and one of
them is 2 MiB. Partial indexes hold what is open or due, so that they stay as small as the work in hand.
"""

from sqlalchemy import Index, text

from bot.store.tables import alert_groups, alert_intake, alert_storms, audit_entries, changes, inbound, metadata, outbox

__all__ = ["metadata"]

alert_intake.dialect_kwargs["sqlite_autoincrement"] = True  # else a number is given out again when its row is gone

Index(
    "uq_changes_one_open",
    changes.c.application,
    changes.c.environment,
    unique=True,
    sqlite_where=text("is_open"),
    postgresql_where=text("is_open"),
)
Index("ix_changes_due_at", changes.c.due_at, sqlite_where=text("due_at IS NOT NULL"),
      postgresql_where=text("due_at IS NOT NULL"))  # fmt: skip
Index("ix_changes_stage", changes.c.application, changes.c.environment, changes.c.number)
Index("ix_audit_entries_change", audit_entries.c.change_id, audit_entries.c.id)
Index("ix_inbound_due_at", inbound.c.due_at, sqlite_where=text("due_at IS NOT NULL"),
      postgresql_where=text("due_at IS NOT NULL"))  # fmt: skip
Index("ix_outbox_due_at", outbox.c.due_at, sqlite_where=text("due_at IS NOT NULL"),
      postgresql_where=text("due_at IS NOT NULL"))  # fmt: skip
Index("ix_outbox_leased", outbox.c.lane, sqlite_where=text("leased_by IS NOT NULL"),
      postgresql_where=text("leased_by IS NOT NULL"))  # fmt: skip
Index("ix_outbox_touched", outbox.c.channel, outbox.c.touched_at, sqlite_where=text("touched_at IS NOT NULL"),
      postgresql_where=text("touched_at IS NOT NULL"))  # fmt: skip
Index("ix_alert_intake_due_at", alert_intake.c.due_at, alert_intake.c.id, sqlite_where=text("due_at IS NOT NULL"),
      postgresql_where=text("due_at IS NOT NULL"))  # fmt: skip
Index("uq_alert_groups_one_open", alert_groups.c.key, unique=True, sqlite_where=text("is_open"),
      postgresql_where=text("is_open"))  # fmt: skip
Index("ix_alert_groups_key", alert_groups.c.key, alert_groups.c.number)
Index("ix_alert_groups_opened_at", alert_groups.c.opened_at)
Index("ix_alert_groups_labels_key", alert_groups.c.labels_key, sqlite_where=text("is_open"),
      postgresql_where=text("is_open"))  # fmt: skip
Index("ix_alert_groups_due_at", alert_groups.c.due_at, sqlite_where=text("due_at IS NOT NULL"),
      postgresql_where=text("due_at IS NOT NULL"))  # fmt: skip
Index("uq_alert_storms_one_open", alert_storms.c.channel, unique=True, sqlite_where=text("closed_at IS NULL"),
      postgresql_where=text("closed_at IS NULL"))  # fmt: skip
Index("ix_alert_storms_channel", alert_storms.c.channel, alert_storms.c.since)
