"""What a server of the world sends to a bot: logged, and met by faults, as what the bots ask of the servers is."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from bot.sandbox.traffic import Fault, LoggedRequest, ServiceName, Traffic

Send = Callable[[], Awaitable[int | None]]
"""Delivers it once; answers the status, None where nobody answered."""


async def sent_through(
    traffic: Traffic, service: ServiceName, path: str, body: Any, *, to: str, send: Send
) -> int | None:
    """Send it to the bot `to`, or let the fault have it that matches. Answers the status that the sender sees, None
    where it sees none; the log has the one that was given, and no bot, since none has asked."""
    entry = traffic.enter(
        LoggedRequest(
            n=0, at=datetime.now(UTC), bot=None, service=service, method="POST", path=path, query={}, body=body
        )
    )
    fault = traffic.fault_for(entry)

    async def delivered() -> int | None:
        entry.status = await send()
        entry.applied = entry.status is not None and entry.status < 400
        return entry.status

    try:
        return await delivered() if fault is None else await _met(fault, entry, delivered, traffic, to)
    finally:
        traffic.touched()


async def _met(fault: Fault, entry: LoggedRequest, delivered: Send, traffic: Traffic, to: str) -> int | None:
    if fault.left is not None:
        fault.left -= 1
    match fault.do:
        case "status" | "html":
            entry.status = fault.status
            return fault.status
        case "timeout":
            await asyncio.sleep(fault.seconds if fault.seconds is not None else 3600)
            return None
        case "slow":
            await asyncio.sleep(fault.seconds if fault.seconds is not None else 1)
            return await delivered()
        case "reset":
            return None
        case "apply_then_reset":
            await delivered()
            return None
        case "kill_before":
            await traffic.kill_bot(to)
            return None
        case "kill_after":
            await delivered()
            await traffic.kill_bot(to)
            return None
