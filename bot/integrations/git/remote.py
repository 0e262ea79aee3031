"""Asking the remote: fetching its branches, and looking at its refs, never taking a sign-in page for an empty answer.

Where the remote answers something that is not git's protocol, git falls back to an old one without a word and may read
"no branches" out of any text. So an empty answer counts only when git's own packets were seen.
"""

from collections.abc import Mapping, Sequence

from bot.integrations.git.commands import GitCommands
from bot.integrations.git.failures import SYSTEM
from bot.integrations.git.process import Ended
from bot.ports import Unavailable

_FETCH = ("fetch", "--quiet", "--no-tags", "--prune", "--no-write-fetch-head", "--filter=blob:none", "--", "origin")
_BRANCHES = "+refs/heads/*:refs/remotes/origin/*"
HEAD_REF = "refs/tiphys/head"
"""Where the remote's `HEAD` stood at the last fetch."""


async def fetch_branches(
    commands: GitCommands,
    *,
    timeout: float | None = None,
    extra: Mapping[str, str] | None = None,
    keep_open: Sequence[int] = (),
) -> None:
    """Bring all remote-tracking branches up to date. To be called by whoever holds the mirror's lock.

    Asks for `HEAD` too: where that is not there, git fails before it prunes what it believes to be gone.
    """
    variables = dict(extra or {})
    ended = await commands.network(
        *_FETCH, _BRANCHES, f"+HEAD:{HEAD_REF}", timeout=timeout, extra=variables, keep_open=keep_open, ok=(0, 1, 128)
    )
    if ended.code != 0 and "couldn't find remote ref HEAD" in ended.err:
        await list_refs(commands, "HEAD", extra=variables)  # is it git that says so?
        ended = await commands.network(*_FETCH, _BRANCHES, timeout=timeout, extra=variables, keep_open=keep_open)
    commands.raise_unless_done(ended)


async def list_refs(
    commands: GitCommands, pattern: str, *, extra: Mapping[str, str] | None = None
) -> list[tuple[str, str]]:
    """What `git ls-remote --symref` prints: pairs of an object id (or `ref: …`) and a full ref name."""
    ended = await commands.network(
        "ls-remote", "--symref", "--", "origin", pattern, extra={**(extra or {}), "GIT_TRACE_PACKET": "2"}
    )
    if not _spoke_git(ended):
        raise Unavailable(SYSTEM, "the remote answered something that is not git")
    pairs = (line.partition("\t") for line in ended.out.decode("utf-8", "replace").splitlines())
    return [(target, name) for target, _, name in pairs]


def _spoke_git(ended: Ended) -> bool:
    return " packet:" in ended.err
