"""The four ends of a call, told apart over a real connection."""

from typing import Any

import pytest

from bot.slack.calls import Done, Limited, Refused, Unknown, call


async def test_an_ok_is_done(workspace: Any) -> None:
    answer = await call(workspace.client.auth_test())
    assert isinstance(answer, Done)
    assert answer.data["ok"] is True


async def test_an_error_code_is_a_no(workspace: Any) -> None:
    assert await call(workspace.client.users_info(user="U0NOBODY")) == Refused("user_not_found", {
        "ok": False, "error": "user_not_found",
    })  # fmt: skip


async def test_a_missing_scope_is_named(workspace: Any) -> None:
    await workspace.control("PATCH", "/api/slack", refuse_scope=["users:read"])
    answer = await call(workspace.client.users_info(user="U0DEV1"))
    assert isinstance(answer, Refused)
    assert "the app lacks users:read" in str(answer)


async def test_a_bad_block_is_explained(workspace: Any) -> None:
    answer = await call(workspace.client.chat_postMessage(channel="C0DEPLOY", text="x", blocks=[{"type": "nonsense"}]))
    assert isinstance(answer, Refused)
    assert "unsupported type: nonsense" in str(answer)


async def test_429_says_when(workspace: Any) -> None:
    workspace.fault("auth.test", "status", status=429, headers={"Retry-After": "7"}, left=1)
    assert await call(workspace.client.auth_test()) == Limited(7.0)


@pytest.mark.parametrize(
    "fault",
    [
        {"do": "status", "status": 500}, {"do": "status", "status": 503}, {"do": "html", "status": 200},
        {"do": "html", "status": 502}, {"do": "reset"}, {"do": "apply_then_reset"},
    ],
)  # fmt: skip
async def test_everything_else_is_unknown_and_sent_once(workspace: Any, fault: Any) -> None:
    workspace.fault("chat.postMessage", **fault)
    answer = await call(workspace.client.chat_postMessage(channel="C0DEPLOY", text="x"))
    assert isinstance(answer, Unknown)
    assert len(workspace.asked("chat.postMessage")) == 1
