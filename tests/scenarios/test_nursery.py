"""What the nursery forks is a process of the product, as separate as one that begins anew."""

import asyncio
import os
import signal
import tempfile
from pathlib import Path

import pytest

from tests.nursery import started
from tests.scenarios.conftest import START_SECONDS


@pytest.mark.parametrize(
    ("arguments", "code", "said"), [(("--version",), 0, "tiphys "), (("sing",), 2, ""), (("run",), 1, "")]
)
async def test_it_runs_as_the_command_line_does(arguments: tuple[str, ...], code: int, said: str) -> None:
    with tempfile.TemporaryFile() as errors:
        process, output = await started(*arguments, errors=errors)
        async with asyncio.timeout(START_SECONDS):
            assert (await output.read()).decode().startswith(said)
            assert await process.wait() == code
        assert (errors.seek(0, os.SEEK_END) > 0) == (code != 0)
    assert process.pid != os.getpid()


async def test_a_signal_reaches_it_and_what_ended_it_is_told(tmp_path: Path) -> None:
    with tempfile.TemporaryFile() as errors:
        process, output = await started("sandbox", "--no-bot", "--port", "0", "--home", str(tmp_path), errors=errors)
        async with asyncio.timeout(START_SECONDS):
            assert (await output.readline()).startswith(b"Sandbox ready: ")
            process.send_signal(signal.SIGKILL)
            assert await process.wait() == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


async def test_it_does_not_outlive_who_asked_for_it(tmp_path: Path) -> None:
    with tempfile.TemporaryFile() as errors:
        process, output = await started("sandbox", "--no-bot", "--port", "0", "--home", str(tmp_path), errors=errors)
        async with asyncio.timeout(START_SECONDS):
            assert (await output.readline()).startswith(b"Sandbox ready: ")
            process.abandon()
            assert await output.read() == b""
            await process.wait()
