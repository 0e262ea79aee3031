"""Keeping a mirror quick: every fetch that brings something leaves a pack of its own, and each is looked into."""

from pathlib import Path

from bot.integrations.git.commands import GitCommands

MANY = 50
REPACK_SECONDS = 900.0


async def repack(commands: GitCommands, folder: Path) -> bool:
    """Where many packs have gathered make few of them; answers whether.

    Others may read, fetch and push meanwhile: packs that come while it runs are left alone. Of what was made here only
    what was packed before, and is on no branch any more, is lost.
    """
    packs = len(list((folder / "objects" / "pack").glob("*.pack")))
    if packs < MANY:
        return False
    # Known as a partial mirror, or git would look for every file that is not here; what is promised stays so.
    await commands.partial("repack", "-a", "-d", "-l", "--quiet", timeout=REPACK_SECONDS)
    return True
