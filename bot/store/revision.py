"""Which schema a database has, and which one this version needs, without Alembic.

Importing Alembic takes a tenth of a second and ten MiB, and a start that finds the schema as it should be needs none.
"""

import re
from pathlib import Path

from sqlalchemy import Connection, inspect, text

MIGRATIONS = Path(__file__).parent / "migrations"
TABLE = "alembic_version"
_SAID = re.compile(r'^(revision|down_revision)\b[^=\n]*= *(?:"(\w+)"|None)', re.MULTILINE)


def newest() -> str:
    """The revision that no other one follows, as the migrations themselves say."""
    followed = _followed()
    [head] = followed.keys() - followed.values()
    return head


def known() -> frozenset[str]:
    """Every revision that this version has a migration to."""
    return frozenset(_followed())


def current(connection: Connection) -> str | None:
    """The revision of the database; None: it is empty."""
    if not inspect(connection).has_table(TABLE):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {TABLE}")).scalar()  # noqa: S608
    return found


def _followed() -> dict[str, str]:
    """Of each revision the one before it; nothing before the first."""
    said = (dict(_SAID.findall(file.read_text("utf-8"))) for file in (MIGRATIONS / "versions").glob("v*.py"))
    return {each["revision"]: each["down_revision"] for each in said}
