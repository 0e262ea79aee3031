"""GitHub's webhooks as the forge sends them: signed, with GitHub's shapes and headers, once, and waited for."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from bot.sandbox.github.webhooks.deliveries import HookTarget, Webhooks
from tests.sandbox.github.conftest import REPO, Forge, serve

SECRET = "made-up"


@dataclass
class Listener:
    """Where a webhook goes. While `hold` is not set nobody is answered."""

    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 202
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    target: HookTarget = field(default_factory=lambda: HookTarget(url="", secret=SECRET))

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        await self.hold.wait()
        self.got.append((dict(request.headers), body))
        return web.Response(status=self.status)

    def payloads(self, event: str) -> list[Any]:
        return [json.loads(body) for headers, body in self.got if headers["X-GitHub-Event"] == event]


@pytest.fixture
async def listener(forge: Forge) -> AsyncIterator[Listener]:
    made = Listener()
    made.hold.set()
    app = web.Application()
    app.router.add_post("/webhooks/github", made.take)
    runner, url = await serve(app)
    made.target = HookTarget(url=f"{url}/webhooks/github", secret=SECRET)
    forge.service.webhooks.targets = lambda: [made.target]
    yield made
    await runner.cleanup()


@pytest.fixture
def webhooks(forge: Forge) -> Webhooks:
    return forge.service.webhooks


async def test_a_push_is_told_and_answered_before_the_call_returns(forge: Forge, listener: Listener) -> None:
    before = forge.tip("main")
    sha = await forge.commit("main", {"a.txt": "x\n"})
    [(headers, body)] = listener.got
    assert headers["X-GitHub-Event"] == "push"
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert headers["X-GitHub-Hook-ID"].isdecimal()
    assert len(headers["X-GitHub-Delivery"]) == 36
    assert headers["X-Hub-Signature-256"] == "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    push = json.loads(body)
    assert (push["ref"], push["before"], push["after"]) == ("refs/heads/main", before, sha)
    assert (push["created"], push["deleted"], push["forced"]) == (False, False, False)
    assert push["repository"]["full_name"] == REPO
    assert (push["pusher"]["name"], push["sender"]["login"]) == ("developer", "developer")
    assert (push["head_commit"]["id"], push["commits"][0]["added"]) == (sha, ["a.txt"])


async def test_what_becomes_of_a_pull_request_is_told(forge: Forge, listener: Listener, webhooks: Webhooks) -> None:
    opened = await forge.open("topic")
    await forge.commit("topic", {"more.txt": "y\n"})
    await forge.deed("review", number=opened["number"], state="APPROVED")
    await forge.deed("status", number=opened["number"], context="ci", state="success")
    assert (await forge.deed("merge", number=opened["number"], method="squash")).status_code == 200
    acted = listener.payloads("pull_request")
    assert [one["action"] for one in acted] == ["opened", "synchronize", "closed"]
    assert acted[0]["sender"]["login"] == "tiphys"
    closed = acted[-1]["pull_request"]
    assert (closed["merged"], closed["merge_commit_sha"]) == (True, forge.tip("main"))
    assert (closed["changed_files"], closed["mergeable"]) == (2, None)
    [review] = listener.payloads("pull_request_review")
    assert (review["action"], review["review"]["state"]) == ("submitted", "approved")
    [status] = listener.payloads("status")
    assert (status["context"], status["state"], status["name"]) == ("ci", "success", REPO)
    assert [branch["name"] for branch in status["branches"]] == ["topic"]
    assert listener.payloads("push")[-1]["ref"] == "refs/heads/main"


async def test_what_the_bot_does_is_told_without_its_waiting(
    forge: Forge, listener: Listener, webhooks: Webhooks
) -> None:
    sha = forge.tip("main")
    listener.hold.clear()
    answer = await forge.api.post(f"/repos/{REPO}/statuses/{sha}", json={"state": "success", "context": "x"})
    assert answer.status_code == 201
    assert webhooks.under_way == 1
    listener.hold.set()
    await webhooks.answered()
    assert [status["sha"] for status in listener.payloads("status")] == [sha]


async def test_a_push_over_http_and_a_deleted_branch(forge: Forge, listener: Listener, webhooks: Webhooks) -> None:
    clone = await forge.clone("mine")
    assert (await forge.git("push", "origin", "HEAD:refs/heads/new", at=clone)).code == 0
    assert (await forge.git("push", "origin", ":refs/heads/new", at=clone)).code == 0
    await webhooks.answered()
    made, gone = sorted(listener.payloads("push"), key=lambda push: push["deleted"])
    assert (made["created"], made["before"], made["sender"]["login"]) == (True, "0" * 40, "tiphys")
    assert (gone["deleted"], gone["after"], gone["commits"], gone["head_commit"]) == (True, "0" * 40, [], None)


async def test_deliveries_are_listed_with_their_answer(forge: Forge, listener: Listener, webhooks: Webhooks) -> None:
    await forge.commit("main", {"a.txt": "x\n"})
    listener.status = 503
    await forge.commit("main", {"a.txt": "y\n"})
    listener.target = HookTarget(url="http://127.0.0.1:9/webhooks/github", secret=SECRET)
    await forge.commit("main", {"a.txt": "z\n"})
    listed = webhooks.after(0)
    assert [(one["kind"], one["mode"], one["user"], one["status"]) for one in listed] == [
        ("push", "http", "developer", 202), ("push", "http", "developer", 503), ("push", "http", "developer", None),
    ]  # fmt: skip
    assert webhooks.after(2) == listed[2:]
    assert len(listener.got) == 2, "nothing is delivered again by itself"


async def test_delivering_again_as_it_was_or_altered(forge: Forge, listener: Listener, webhooks: Webhooks) -> None:
    await forge.commit("main", {"a.txt": "x\n"})
    [first] = webhooks.after(0)
    assert await webhooks.replay(first["id"], {}, None) == {"status": 202}
    assert await webhooks.replay(first["id"], {"x-hub-signature-256": None, "X-GitHub-Event": "ping"}, {"a": 1}) == {
        "status": 202
    }
    original, again, altered = listener.got
    assert again == original
    assert altered[1] == b'{"a": 1}'
    assert altered[0]["X-GitHub-Event"] == "ping"
    assert "X-Hub-Signature-256" not in altered[0]
    assert altered[0]["X-Hub-Signature"] == original[0]["X-Hub-Signature"]
    assert await webhooks.replay("D999", {}, None) is None


async def test_nobody_who_wants_to_know(forge: Forge, webhooks: Webhooks) -> None:
    await forge.commit("main", {"a.txt": "x\n"})
    assert webhooks.after(0) == []
