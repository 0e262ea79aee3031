"""How the floors commit their one row: as little as there is to it, in the database that `DATABASE_URL` names."""

import asyncio
import json
import os
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg

Record = Callable[[Mapping[str, Any]], Awaitable[None]]
CONNECTIONS = 10
TABLE = "CREATE TABLE IF NOT EXISTS inbound (id TEXT PRIMARY KEY, document TEXT NOT NULL)"


async def open_rows(folder: Path) -> Record:
    """What commits a slash command as one row before it returns."""
    url = os.environ.get("DATABASE_URL")
    return await _postgresql(url) if url else _sqlite(folder / "bare.db")


def _sqlite(file: Path) -> Record:
    """With the same pragmas as the product's."""
    database = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL"):
        database.execute(f"PRAGMA {pragma}")
    database.execute(TABLE)

    async def record(body: Mapping[str, Any]) -> None:
        # On the loop itself: with one row a thread costs more than it gives.
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO inbound VALUES (?, ?)", (body["trigger_id"], json.dumps(body)))
        database.execute("COMMIT")

    return record


async def _postgresql(url: str) -> Record:
    """One statement that is a transaction of its own, on a connection that is kept: the last one used goes first."""
    address = url.replace("+psycopg", "")
    pool: asyncio.LifoQueue[psycopg.AsyncConnection[Any]] = asyncio.LifoQueue()
    for _ in range(CONNECTIONS):
        pool.put_nowait(await psycopg.AsyncConnection.connect(address, autocommit=True))
    first = pool.get_nowait()
    await first.execute(TABLE)
    pool.put_nowait(first)

    async def record(body: Mapping[str, Any]) -> None:
        connection = await pool.get()
        try:
            await connection.execute("INSERT INTO inbound VALUES (%s, %s)", (body["trigger_id"], json.dumps(body)))
        finally:
            pool.put_nowait(connection)

    return record
