"""Whether we may push, found out without pushing."""

from bot.integrations.git.commands import GitCommands
from bot.integrations.git.remote import HEAD_REF
from bot.ports import Denied

_NOWHERE = "refs/heads/tiphys/may-we-push"


async def may_push(commands: GitCommands) -> bool:
    """A push begins with a question about refs that the remote answers only to whoever may write; there it ends here.

    Raises as `network_failure` says, but for the credentials that it is about.
    """
    try:
        await commands.network(
            "push", "--dry-run", "--porcelain", "--no-verify", "--", "origin", f"{HEAD_REF}:{_NOWHERE}"
        )
    except Denied:
        return False
    return True
