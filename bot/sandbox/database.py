"""The bots' PostgreSQL database: brought to the newest schema before they start, emptied when the world starts over."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # most worlds have SQLite and need none of it: it would be half of what their start takes
    from bot.store.asyncio_engine import AsyncConnection

OURS = "a Tiphys sandbox"


class ForeignDatabase(Exception):
    """The database holds what no sandbox has put there; it is not touched."""


def is_postgresql(url: str | None) -> bool:
    return url is not None and url.partition(":")[0].partition("+")[0] in ("postgresql", "postgres")


async def prepare(url: str, *, fresh: bool) -> None:
    """Raises `ForeignDatabase` rather than empty one that somebody works with, or let bots of a sandbox into it."""
    from sqlalchemy import make_url, text

    from bot.store.engine import close_engine, open_engine
    from bot.store.migrate import revisions, upgrade
    from bot.store.tables import metadata

    url = make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    found, _ = await revisions(url)
    engine = open_engine(url)
    try:
        async with engine.begin() as connection:
            if found is not None and not await _is_ours(connection):
                raise ForeignDatabase(
                    "the database holds changes that no sandbox has made: give --database one of its own"
                )
            if found is not None and fresh:
                await connection.run_sync(metadata.drop_all)
                await connection.execute(text("DROP TABLE alembic_version"))
        await upgrade(url)
        async with engine.begin() as connection:
            await connection.execute(text(f"COMMENT ON TABLE alembic_version IS '{OURS}'"))
    finally:
        await close_engine(engine)


async def _is_ours(connection: "AsyncConnection") -> bool:
    """Marked by an earlier sandbox, or nothing was ever done in it."""
    from sqlalchemy import text

    marked = await connection.execute(text("SELECT obj_description('alembic_version'::regclass, 'pg_class')"))
    if marked.scalar() == OURS:
        return True
    used = await connection.execute(text("SELECT EXISTS (SELECT 1 FROM audit_entries)"))
    return not used.scalar_one()
