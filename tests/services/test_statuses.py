"""Our status on promotion commits, over a real forge."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.domain.decisions.review import Foreign, ReviewSeen
from bot.domain.gate import Gate
from bot.domain.identity import Revision
from bot.domain.lifecycle import State
from bot.domain.pipeline import Repository
from bot.integrations.forges.github.client import GithubForge
from bot.sandbox.seeded import TOKENS
from bot.services.names import Names
from bot.services.outside import Outside
from bot.services.statuses import Statuses
from tests import examples
from tests.desk import Desk, configuration
from tests.examples import APPROVER, KEY, OTHER_KEY
from tests.sandbox.github.conftest import REPO, Forge
from tests.sandbox.github.conftest import forge as world

__all__ = ["world"]

BLOCKED = Gate.closed("mergeable", "GitHub waits for tiphys/approval")
ONE_OF_TWO = examples.result(APPROVER)
ELSEWHERE = Gate.closed("elsewhere", "pull request 9 leads this commit into main too")
WINDOW = Gate.closed("window", "frozen until Monday")
APPROVED = "approved by approver-1 (U0APPR1) and approver-2 (U0APPR2)"


class Told:
    """One promotion commit on the forge, and what was said of it."""

    def __init__(self, world: Forge, forge: GithubForge, statuses: Statuses, head: Revision) -> None:
        self._world, self._forge, self._statuses, self.head = world, forge, statuses, head

    async def tell(self, state: State = State.WAITING_FOR_CHECKS, **facts: Any) -> bool:
        """After a look that found this."""
        known: dict[str, Any] = {
            "pull_request": examples.pull_request(), "base": examples.BASE, "key": KEY,
            "approvals": examples.quorum(), "gates": (*examples.OPEN_GATES, BLOCKED),
            "status": await self._forge.find_status(self.head),
        }  # fmt: skip
        change = examples.change(state, proposal=examples.proposal(head=self.head))
        return await self._statuses.tell(change, ReviewSeen(**known | facts), examples.stage(), configuration())

    @property
    def said(self) -> list[tuple[str, str | None]]:
        statuses = self._world.service.forge.of(REPO).statuses.get(self.head, [])
        return [(status.state, status.description) for status in statuses]


@pytest.fixture
async def told(world: Forge, desk: Desk) -> AsyncIterator[Told]:
    api_url = str(world.api.base_url).rstrip("/")
    forge = GithubForge(Repository(name="apm", github=REPO, api_url=api_url, token=TOKENS.github_tiphys))
    outside = Outside(argocd={}, git={}, forges={"apm": forge}, directory=desk.outside.directory)
    head = Revision(await world.commit("promotion", {"x": "1"}, **{"from": "main"}))
    yield Told(world, forge, Statuses(outside, Names(desk.outside.directory)), head)
    await forge.close()


async def test_it_is_green_while_only_the_forges_own_gate_is_shut(told: Told) -> None:
    assert await told.tell()
    assert told.said == [("success", APPROVED)]


async def test_it_turns_back_when_a_gate_closes_and_is_written_once(told: Told) -> None:
    for gates in ((BLOCKED,), (BLOCKED,), (BLOCKED, WINDOW), (BLOCKED, WINDOW), ()):
        turned_green = await told.tell(gates=gates)
    assert turned_green
    assert told.said == [
        ("success", APPROVED),
        ("pending", "frozen until Monday (#42)"),
        ("success", APPROVED),
    ]


async def test_whatever_wakes_it_while_it_merges_writes_nothing_again(told: Told) -> None:
    """The forge may take its time with the merge, and every webhook is a reason to look."""
    assert [await told.tell(State.MERGING) for _ in range(3)] == [True, False, False]
    assert told.said == [("success", APPROVED)]


@pytest.mark.parametrize(
    ("state", "facts", "words"),
    [
        (State.WAITING_FOR_APPROVAL, {"approvals": ONE_OF_TWO}, "waiting for 2 approvals in Slack (#42)"),
        (State.HELD, {}, "held (#42)"),
        (State.HELD, {"gates": (ELSEWHERE, WINDOW)}, "pull request 9 leads this commit into main too (#42)"),
        (State.APPROVALS_VOID, {}, "approvals no longer count (#42)"),
        (State.MERGING, {"foreign": Foreign(who="dev", what="pushed")}, "approvals no longer count (#42)"),
        (State.MERGING, {"key": OTHER_KEY}, "main moved: it is rebuilt (#42)"),
        (State.MERGING, {"key": None}, "main moved: it is rebuilt (#42)"),
    ],
)  # fmt: skip
async def test_whatever_keeps_it_from_being_merged_keeps_it_from_being_green(
    told: Told, state: State, facts: dict[str, Any], words: str
) -> None:
    await told.tell(State.MERGING)
    assert not await told.tell(state, **facts)
    assert not await told.tell(state, **facts)
    assert told.said == [("success", APPROVED), ("pending", words)]


async def test_where_none_are_needed_it_says_so(told: Told) -> None:
    await told.tell(approvals=None)
    assert told.said == [("success", "no approvals needed")]


async def test_what_is_merged_or_closed_is_left_as_it_is(told: Told) -> None:
    assert not await told.tell(merge=examples.merge())
    assert not await told.tell(pull_request=examples.pull_request(is_open=False))
    assert told.said == []
