"""A long-lived `git cat-file --batch`: reading an object costs a pipe's round trip, not a process."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.integrations.git.failures import SYSTEM, Corrupt
from bot.integrations.git.process import end_group
from bot.ports import Unavailable

_AT_ONCE = 200  # requests written before answers are read: far below what a pipe holds
_OBJECT_LIMIT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RawObject:
    """An object as the mirror has it. `data` is None when it is larger than was wanted."""

    id: str
    type: str
    size: int
    data: bytes | None


class CatFile:
    """Reads objects by id or ref name. Started when first needed, and again after it died or was interrupted."""

    def __init__(self, environment: Mapping[str, str], timeout: float) -> None:
        self._environment, self._timeout = dict(environment), timeout
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    async def read(self, names: Sequence[str], *, limit: int = _OBJECT_LIMIT) -> list[RawObject | None]:
        """The objects, None where the mirror has none of that name.

        Raises `Corrupt` when git dies over one, `Unavailable` when it does not answer.
        """
        async with self._turn:
            found: list[RawObject | None] = []
            for start in range(0, len(names), _AT_ONCE):
                found += await self._read_some(names[start : start + _AT_ONCE], limit)
            return found

    async def restart(self) -> None:
        """Forget the process: the next reading starts one on the folder as it is then."""
        async with self._turn:
            await self._stop()

    async def _read_some(self, names: Sequence[str], limit: int) -> list[RawObject | None]:
        for last_try in (False, True):
            process, is_fresh = await self._running()
            try:
                async with asyncio.timeout(self._timeout):
                    return await _ask(process, names, limit)
            except TimeoutError:
                await self._stop()
                raise Unavailable(SYSTEM, f"git cat-file did not answer within {self._timeout:g} s") from None
            except (asyncio.IncompleteReadError, ConnectionError, _Garbled) as error:
                await self._stop()
                if is_fresh or last_try:  # it did not merely die of old age
                    raise Corrupt(f"git cat-file ended: {error}") from error
            except BaseException:
                await self._stop()  # half an answer is still in the pipe
                raise
        raise AssertionError("unreachable")

    async def _running(self) -> tuple[Process, bool]:
        if self._process is not None and self._process.returncode is None:
            return self._process, False
        try:
            self._process = await asyncio.create_subprocess_exec(
                "git", "cat-file", "--batch",
                stdin=PIPE, stdout=PIPE, stderr=asyncio.subprocess.DEVNULL,
                env=self._environment, start_new_session=True, limit=1024 * 1024,
            )  # fmt: skip
        except OSError as error:
            raise Unavailable(SYSTEM, f"git could not be started: {error.strerror}") from error
        return self._process, True

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        await end_group(process)


class _Garbled(Exception):
    pass


async def _ask(process: Process, names: Sequence[str], limit: int) -> list[RawObject | None]:
    assert process.stdin is not None  # noqa: S101
    assert process.stdout is not None  # noqa: S101
    process.stdin.write("".join(f"{name}\n" for name in names).encode())
    await process.stdin.drain()
    return [await _answer(process.stdout, limit) for _ in names]


async def _answer(stream: asyncio.StreamReader, limit: int) -> RawObject | None:
    header = (await stream.readuntil(b"\n")).decode("utf-8", "replace").rstrip("\n")
    if header.endswith((" missing", " ambiguous")):
        return None
    try:
        oid, kind, size = header.split(" ")
        length = int(size)
    except ValueError:
        raise _Garbled(header[:100]) from None
    if length > limit:
        left = length + 1
        while left:
            left -= len(chunk := await stream.read(min(left, 1024 * 1024)))
            if not chunk:
                raise asyncio.IncompleteReadError(b"", left)
        return RawObject(oid, kind, length, None)
    data = await stream.readexactly(length + 1)
    return RawObject(oid, kind, length, data[:-1])
