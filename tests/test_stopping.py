"""A process of its own, real signals: it is asked to end, and it ends, whatever it hangs in."""

import asyncio
import signal
import sys
import textwrap
from asyncio.subprocess import PIPE

import pytest

from bot.stopping import Stopping

PATIENCE = 20
SCRIPT = """
import asyncio, threading, time
from bot.stopping import Stopping

async def main():
    stopping = Stopping(seconds={seconds})
    stopping.listen()
    print("listening", flush=True)
    {body}

asyncio.run(main())
print("tidy", flush=True)
"""
TIDY = """
    async with stopping.interrupting():
        await asyncio.sleep(60)
    await stopping.wait()
"""
HANGS = {
    "a loop that never comes round": "time.sleep(60)",
    "a task that will not be cancelled": """
    async def stubborn():
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                pass
    task = asyncio.get_running_loop().create_task(stubborn())
    await stopping.wait()
    """,
    "a thread at the end of the interpreter": """
    threading.Thread(target=time.sleep, args=(60,)).start()
    await stopping.wait()
    """,
    "a lock of the log": """
    import logging
    from bot import logs, redaction
    logs.configure(redaction.Redaction([]))
    logging.getLogger().handlers[0].acquire()
    time.sleep(60)
    """,
}


async def ended(body: str, number: signal.Signals, *, seconds: float) -> tuple[int | None, str]:
    """The exit code and what it printed, after a signal that came when it was at it."""
    script = SCRIPT.format(seconds=seconds, body=textwrap.dedent(body).strip().replace("\n", "\n    "))
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=PIPE, stderr=PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            assert await process.stdout.readline() == b"listening\n"
            process.send_signal(number)
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert b"Traceback" not in err, err.decode()
    return process.returncode, out.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_what_does_not_hang_ends_by_itself(number: signal.Signals) -> None:
    assert await ended(TIDY, number, seconds=600) == (0, "tidy\n")


@pytest.mark.parametrize("hang", HANGS)
async def test_what_hangs_is_ended(hang: str) -> None:
    code, out = await ended(HANGS[hang], signal.SIGTERM, seconds=0.2)
    assert code == 0
    assert hang == "a thread at the end of the interpreter" or "tidy" not in out


async def test_a_block_is_left_when_the_end_is_asked_for_and_at_once_when_it_was() -> None:
    stopping = Stopping()
    asyncio.get_running_loop().call_soon(stopping._ask)
    async with stopping.interrupting():
        await asyncio.Event().wait()
    assert stopping.is_asked
    async with stopping.interrupting():
        await asyncio.Event().wait()


async def test_the_blocks_own_timeout_is_not_taken_for_the_end() -> None:
    stopping = Stopping()
    with pytest.raises(TimeoutError):
        async with stopping.interrupting():
            raise TimeoutError
    assert not stopping.is_asked
