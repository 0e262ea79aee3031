"""Running git for one mirror: local plumbing and network commands, each with its environment, deadline and errors."""

from collections.abc import Sequence

from bot.credentials import Credential
from bot.integrations.git.environment import GitEnvironment, GitTimeouts
from bot.integrations.git.failures import (
    SYSTEM,
    Corrupt,
    Misses,
    is_bad_token,
    is_damage,
    missed_object,
    network_failure,
    telling_line,
)
from bot.integrations.git.process import Ended, TimedOut, run_git
from bot.meter import ERROR, OK, SILENT, Meter
from bot.ports import Unavailable


class GitCommands:
    """git with one mirror's environments. Every command that must not touch the network runs where it cannot."""

    def __init__(
        self, environment: GitEnvironment, credential: Credential, timeouts: GitTimeouts, *, meter: Meter = SILENT
    ) -> None:
        self.environment, self._credential, self.timeouts, self._meter = environment, credential, timeouts, meter

    async def local(
        self, *arguments: str | bytes, stdin: bytes = b"", ok: Sequence[int] = (0,), extra: dict[str, str] | None = None
    ) -> Ended:
        """Run plumbing. Raises `Corrupt` when the mirror is damaged, `Unavailable` on any other failure."""
        ended = await self._run(
            arguments, dict(self.environment.local) | (extra or {}), self.timeouts.local, stdin=stdin
        )
        if ended.code not in ok:
            self.raise_if_damaged(ended)
            raise Unavailable(SYSTEM, f"git {_verb(arguments)} failed: {self.said(ended)}")
        return ended

    async def partial(
        self, *arguments: str | bytes, ok: Sequence[int] = (0,), out_limit: int = 256 * 1024 * 1024,
        timeout: float | None = None,
    ) -> Ended:  # fmt: skip
        """Run plumbing that may need files which are not here. Raises `Misses` with the first of them."""
        wait = timeout or self.timeouts.local
        ended = await self._run(arguments, dict(self.environment.promised), wait, out_limit=out_limit)
        if missed := missed_object(ended.err):
            raise Misses(missed)
        if ended.code not in ok:
            self.raise_if_damaged(ended)
            raise Unavailable(SYSTEM, f"git {_verb(arguments)} failed: {self.said(ended)}")
        return ended

    async def network(
        self,
        *arguments: str | bytes,
        stdin: bytes = b"",
        ok: Sequence[int] = (0,),
        timeout: float | None = None,
        extra: dict[str, str] | None = None,
        keep_open: Sequence[int] = (),
    ) -> Ended:
        """Run a command that talks to the remote. Raises as `network_failure` says, and `Corrupt`.

        Where the token is refused and another one can be had, it runs once more: nothing has happened by then.
        """

        async def run(token: str) -> Ended:
            environment = self.environment.network(token) | (extra or {})
            wait = timeout or self.timeouts.network
            with self._meter.timed(SYSTEM, _verb(arguments)) as call:
                ended = await self._run(arguments, environment, wait, stdin=stdin, keep_open=keep_open)
                call.result = OK if ended.code == 0 else ERROR
            return ended

        ended = await run(token := await self._credential.token())
        if ended.code != 0 and is_bad_token(ended.err) and self._credential.refused(token):
            ended = await run(await self._credential.token())
        if ended.code not in ok:
            self.raise_unless_done(ended)
        return ended

    def raise_unless_done(self, ended: Ended) -> None:
        """Raise what a network command's failure means; nothing for a success."""
        if ended.code != 0:
            self.raise_if_damaged(ended)
            raise network_failure(ended, self.said(ended))

    def said(self, ended: Ended) -> str:
        """One redacted line of what git said."""
        return self.environment.redact(telling_line(ended.err, f"git ended with {ended.code}"))

    def raise_if_damaged(self, ended: Ended) -> None:
        if is_damage(ended.err):
            raise Corrupt(self.said(ended))

    async def _run(
        self,
        arguments: Sequence[str | bytes],
        environment: dict[str, str],
        timeout: float,
        *,
        stdin: bytes = b"",
        out_limit: int = 256 * 1024 * 1024,
        keep_open: Sequence[int] = (),
    ) -> Ended:
        try:
            return await run_git(
                *arguments,
                environment=environment, timeout=timeout, stdin=stdin, out_limit=out_limit, keep_open=keep_open,
            )  # fmt: skip
        except TimedOut:
            raise Unavailable(SYSTEM, f"git {_verb(arguments)} did not answer within {timeout:g} s") from None
        except OSError as error:
            raise Unavailable(SYSTEM, f"git could not be started: {error.strerror}") from error


def _verb(arguments: Sequence[str | bytes]) -> str:
    """The git command in these arguments, settings (`-c`) and folder (`-C`) left out."""
    words = [word for word in arguments if isinstance(word, str)]
    while words[:1] in (["-c"], ["-C"]):
        words = words[2:]
    return words[0] if words else "command"
