"""What is told of changes in words: where each stands and why, once and as its card says it."""

import pytest

from bot.domain.gate import Gate
from bot.domain.lifecycle import State
from tests import examples
from tests.desk import Desk

STANDINGS = [
    (State.HELD, "held by developer-2", "held by developer-2"),
    (
        State.APPROVALS_VOID,
        "developer-2 pushed to the branch",
        "approvals void (developer-2 pushed to the branch)",
    ),
    (State.WAITING_FOR_APPROVAL, "", "waiting for approval"),
]


@pytest.mark.parametrize(("state", "reason", "standing"), STANDINGS)
async def test_where_a_change_stands_is_one_phrase(state: State, reason: str, standing: str, desk: Desk) -> None:
    change = await desk.put(examples.change(state, reason=reason))
    told = await desk.tell(desk.command("U0DEV1", "status"))
    assert told.splitlines()[1:] == [f"#1 apm-stack → production: {standing}"]
    told = await desk.tell(desk.command("U0DEV1", "status apm-stack prod"))
    assert told.splitlines()[1] == f"#1 is open: {standing}"
    assert await desk.tell(desk.click("U0DEV1", "change.why", change)) == f"#1 apm-stack → production: {standing}"


async def test_gates_have_the_signs_of_the_card(desk: Desk) -> None:
    gates = (Gate.open("soak", "staging is Healthy"), Gate.waiting("checks", "build is pending"),
             Gate.closed("window", "a sync window is closed"))  # fmt: skip
    change = await desk.put(examples.change(gates=gates))
    told = await desk.tell(desk.click("U0DEV1", "change.why", change))
    assert told.splitlines()[1:] == [
        "✅ soak: staging is Healthy", "⏳ checks: build is pending", "❌ window: a sync window is closed",
    ]  # fmt: skip
