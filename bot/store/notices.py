"""Telling the other replicas that there is something to do: with the commit, and only as a hint."""

from collections.abc import Collection

from sqlalchemy import func, select

from bot.store.asyncio_engine import AsyncConnection

CHANNEL = "tiphys"


def notice(owner: str, told: Collection[str]) -> str:
    """`told`: names of bells."""
    return " ".join((owner, *sorted(told)))


def read_notice(text: str, *, owner: str) -> frozenset[str]:
    """The bells that somebody else rings; our own we have rung already."""
    sender, *told = text.split(" ")
    return frozenset(told) if sender != owner else frozenset()


async def send_notice(connection: AsyncConnection, owner: str, told: Collection[str]) -> None:
    """PostgreSQL delivers it when the transaction commits; SQLite has nobody to tell."""
    if told and connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_notify(CHANNEL, notice(owner, told))))
