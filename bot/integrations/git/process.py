"""One git process: its own process group, a deadline, bounded output; nothing of it survives its caller."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

GRACE_SECONDS = 2.0
_STDERR_LIMIT = 65_536
_CHUNK = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended. `cut`: it was stopped because it had printed as much as was wanted."""

    code: int
    out: bytes
    err: str
    cut: bool = False


class TimedOut(Exception):
    """The deadline passed; the whole process group is gone."""


async def run_git(
    *arguments: str | bytes,
    environment: Mapping[str, str],
    timeout: float,
    stdin: bytes = b"",
    out_limit: int = 256 * 1024 * 1024,
    keep_open: Sequence[int] = (),
) -> Ended:
    """Run git to its end. Raises `TimedOut`; when cancelled, ends the process group first.

    `keep_open` are file descriptors that the process inherits: a lock held through one lasts as long as the process,
    also when we are killed.
    """
    process = await asyncio.create_subprocess_exec(
        "git", *arguments,
        stdin=PIPE if stdin else DEVNULL, stdout=PIPE, stderr=PIPE,
        env=dict(environment), start_new_session=True, pass_fds=tuple(keep_open),
    )  # fmt: skip
    try:
        async with asyncio.timeout(timeout):
            (out, cut), err, _ = await asyncio.gather(
                _read_out(process, out_limit), _read_err(process), _feed(process, stdin)
            )
            code = await process.wait()
    except TimeoutError:
        await end_group(process)
        raise TimedOut from None
    except BaseException:
        await end_group(process)
        raise
    return Ended(code=0 if cut else code, out=out, err=err, cut=cut)


async def end_group(process: Process) -> None:
    """End the process and all that it started, TERM then KILL: ending git alone would leave git-remote-http running."""
    try:
        _signal_group(process, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                await process.wait()
    finally:
        _signal_group(process, signal.SIGKILL)
    await process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(TimeoutError, ValueError, RuntimeError):
                async with asyncio.timeout(GRACE_SECONDS):
                    await stream.read()


def _signal_group(process: Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


async def _read_out(process: Process, limit: int) -> tuple[bytes, bool]:
    assert process.stdout is not None  # noqa: S101
    kept = bytearray()
    while chunk := await process.stdout.read(_CHUNK):
        kept += chunk
        if len(kept) > limit:
            _signal_group(process, signal.SIGTERM)
            while await process.stdout.read(_CHUNK):
                pass
            return bytes(kept[:limit]), True
    return bytes(kept), False


async def _read_err(process: Process) -> str:
    assert process.stderr is not None  # noqa: S101
    kept = bytearray()
    while chunk := await process.stderr.read(_CHUNK):
        kept = (kept + chunk)[-_STDERR_LIMIT:]
    return kept.decode("utf-8", "replace")


async def _feed(process: Process, data: bytes) -> None:
    if process.stdin is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await process.stdin.wait_closed()
