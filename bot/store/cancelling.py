"""Connections to PostgreSQL that can be let go of in time, also when it neither answers nor goes away."""

import asyncio
from typing import Any

import psycopg

CANCEL_SECONDS = 0.25


class QuickToCancel(psycopg.AsyncConnection[tuple[Any, ...]]):
    """psycopg asks the server for five seconds to end a cancelled statement, then waits five more for its end."""

    async def cancel_safe(self, *, timeout: float = CANCEL_SECONDS) -> None:
        """Where the server does not take the question in time the connection is given up."""
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                await super().cancel_safe(timeout=timeout)
        except BaseException:
            self.pgconn.finish()
            raise
