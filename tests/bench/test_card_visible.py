"""From the moment that a proposal is known until its card shows it, in the whole bot.

Goal: at most 20 ms at the median. It begins right before the transaction that stores the proposal (so that its commit
counts), and ends when the card with the approval buttons reaches Slack.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.bench.measuring import milliseconds, moment, percentile, show
from tests.scenarios.conftest import sandbox
from tests.scenarios.workspace import Workspace

GOAL = 0.020
ROUNDS = 7


@pytest.mark.bench
async def test_a_known_proposal_is_visible(tmp_path: Path) -> None:
    taken = []
    for number in range(ROUNDS):  # each in a world of its own: Slack lets a bot update only so many cards a minute
        async with sandbox(tmp_path / str(number), "--speed", "10") as workspace:
            taken.append(await propose(workspace))
    show(
        "A known proposal is visible on its card",
        ("", "p50", "slowest"),
        [["Tiphys", milliseconds(percentile(taken, 0.5)), milliseconds(max(taken))]],
        f"goal: p50 at most {milliseconds(GOAL)}; {ROUNDS} proposals",
    )


async def propose(workspace: Workspace) -> float:
    card = await workspace.propose()
    shown = [
        request
        for request in await workspace.requests(service="slack")
        if request["path"].endswith(("chat.postMessage", "chat.update"))
        and "waiting for approval" in str(request["body"])
    ]
    assert card.change is not None
    return moment(shown[0]["at"]) - await proposed_at(workspace, card.change)


async def proposed_at(workspace: Workspace, change: str) -> float:
    """The moment in the audit entry: taken before the transaction began."""
    address = str((await workspace.call("GET", "/api/ready"))["database_url"])
    with closing(sqlite3.connect(f"file:{address.partition(':///')[2]}?mode=ro", uri=True)) as database:
        query = "SELECT at FROM audit_entries WHERE change_id = ? AND action = 'change.proposed'"
        [(at,)] = database.execute(query, (change,)).fetchall()
    return int(at) / 1e6
