"""What an act leaves behind: what the asker was told, the audit, and what reached the outside. Read, never written."""

import json
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.scenarios.workspace import Workspace

GIT_PUSH = "/git-receive-pack"
MENTION = re.compile(r"<(?:@|!subteam\^|!(?!date|subteam))(\w+)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of `audit_entries`."""

    actor: str
    action: str
    outcome: str
    change: str | None
    text: str
    detail: dict[str, Any]

    @property
    def slug(self) -> str | None:
        return self.detail.get("slug")


@dataclass(slots=True)
class Refusal:
    """What became of a refused act; filled in when its block ends."""

    told: str = ""
    entries: list[Entry] = field(default_factory=list)


async def rows(workspace: Workspace, query: str) -> list[tuple[Any, ...]]:
    url = (await workspace.call("GET", "/api/ready"))["database_url"]
    if url.startswith("postgresql"):
        address = url.replace("postgresql+psycopg", "postgresql", 1)
        async with await psycopg.AsyncConnection.connect(address) as database:
            return await (await database.execute(query.encode())).fetchall()
    with closing(sqlite3.connect(f"file:{url.partition(':///')[2]}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


async def audit(workspace: Workspace) -> list[Entry]:
    found = await rows(
        workspace, "SELECT actor, action, outcome, change_id, text, detail FROM audit_entries ORDER BY id"
    )
    return [
        Entry(actor, action, outcome, change, text, json.loads(detail))
        for actor, action, outcome, change, text, detail in found
    ]


async def changes(workspace: Workspace) -> list[tuple[Any, ...]]:
    """Every change: number, state, and who has approved what."""
    return await rows(
        workspace,
        "SELECT c.number, c.state, a.user_id, a.fingerprint FROM changes c LEFT JOIN approvals a ON a.change_id = c.id "
        "ORDER BY c.number, a.id",
    )


async def acts(workspace: Workspace) -> int:
    """How many acts of people are recorded."""
    return int((await rows(workspace, "SELECT count(*) FROM inbound"))[0][0])


async def effects(workspace: Workspace, *, after: int = 0) -> list[str]:
    """Every request of the bot that changes something at GitHub, in Git or in Argo CD."""
    found = await workspace.requests(after=after)
    return [
        f"{request['service']} {request['method']} {request['path']}"
        for request in found
        if request["bot"] is not None
        and (
            (request["service"] in ("github", "argocd") and request["method"] != "GET")
            or (request["service"] == "git" and request["path"].endswith(GIT_PUSH))
        )
    ]


async def last_request(workspace: Workspace) -> int:
    return int((await workspace.call("GET", "/api/requests"))["last"])


@asynccontextmanager
async def refused(workspace: Workspace, user: str, slug: str, *words: str) -> AsyncIterator[Refusal]:
    """What happens in the block is refused: privately told with these words, audited, and without any effect."""
    assert await workspace.settle()
    told_before, audited_before = len(await workspace.ephemerals(user)), len(await audit(workspace))
    changes_before, seen_before = await changes(workspace), await last_request(workspace)
    cards_before = [card.text for card in await workspace.cards()]
    refusal = Refusal()
    yield refusal

    async def answered() -> str | None:
        new = (await workspace.ephemerals(user))[told_before:]
        return new[-1] if new else None

    refusal.told = await workspace.until(answered, wants=f"{user} is told why not", patience=15)
    assert await workspace.settle()
    new = (await workspace.ephemerals(user))[told_before:]
    assert len(new) == 1, f"told more than once: {new}"
    missing = [word for word in words if word not in refusal.told]
    assert not missing, f"{missing} not in what {user} was told: {refusal.told!r}"
    refusal.entries = (await audit(workspace))[audited_before:]
    slugs = [entry.slug for entry in refusal.entries if entry.outcome == "refused"]
    assert slugs == [slug], f"audited as {slugs}, told: {refusal.told!r}"
    assert await changes(workspace) == changes_before
    assert await effects(workspace, after=seen_before) == []
    assert [card.text for card in await workspace.cards()] == cards_before


def mentioned(value: object) -> Iterator[str]:
    """Whom a message (its `text` and `blocks`) mentions: a string is markup, but not the text of rich text elements."""
    match value:
        case str():
            yield from MENTION.findall(value)
        case list():
            for item in value:
                yield from mentioned(item)
        case {"type": "user", "user_id": str(who)} | {"type": "usergroup", "usergroup_id": str(who)}:
            yield who
        case {"type": "broadcast", "range": str(everybody)}:
            yield everybody
        case {"type": "text" | "plain_text"}:
            return
        case dict():
            for item in value.values():
                yield from mentioned(item)
