"""The sender against a Slack that forgets, limits and resets: one card, no lost words, nothing repeated blindly."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.domain.identity import ChannelId, MessageTs, UserId
from bot.domain.lifecycle import State
from bot.domain.outgoing import CardPlacement, Outgoing
from bot.domain.request import Answer, Request
from bot.domain.text import Mention, Text
from bot.meter import Meter
from bot.slack.pace import Pace
from bot.slack.posting import Posting
from bot.slack.sender import Sender
from bot.tasks import TaskSet
from bot.wake import Bell

Eventually = Callable[..., Awaitable[Any]]


class Bench:
    """A sender at work on an outbox and a workspace. `crash` ends it without a word, `begin` starts another."""

    def __init__(self, workspace: Any, outbox: Any, samples: Any, eventually: Eventually) -> None:
        self.workspace, self.outbox, self.samples, self.eventually = workspace, outbox, samples, eventually
        self.bell = Bell()
        self._tasks = TaskSet("test")
        self.sender: Sender | None = None

    def begin(self, *, scale: float = 50) -> None:
        posting = Posting(self.workspace.client, Pace(scale=scale))
        self.sender = Sender(self.outbox, posting, self.outbox.clock, self.bell)
        self._tasks.start(self.sender.run(), name="sender")

    async def crash(self) -> None:
        await self._tasks.close()
        if self.sender is not None:
            await self.sender.close(patience=0)

    async def show(self, state: State = State.WAITING_FOR_APPROVAL, **facts: Any) -> None:
        await self.outbox.show(self.samples.change(state, **facts))
        self.bell.ring()

    async def settled(self) -> None:
        async def nothing_due() -> bool:
            return bool(await self.outbox.due() == 0)

        await self.eventually(nothing_due)

    async def retry(self, seconds: float = 60) -> None:
        """Let what was postponed become due."""
        self.outbox.clock.at += timedelta(seconds=seconds)
        self.bell.ring()
        await self.settled()

    async def card(self) -> Any:
        (message,) = await self.workspace.messages()
        return message

    async def write(self, do: Callable[[Any], Awaitable[None]]) -> None:
        async with self.outbox.store.writing() as tx:
            await do(tx.outbox)
        self.bell.ring()


@pytest.fixture
async def bench(workspace: Any, outbox: Any, samples: Any, eventually: Eventually) -> AsyncIterator[Bench]:
    made = Bench(workspace, outbox, samples, eventually)
    made.begin()
    yield made
    await made.crash()


async def test_a_card_is_posted_once_and_updated_in_place(bench: Bench) -> None:
    await bench.show()
    await bench.settled()
    first = await bench.card()
    assert first["text"].startswith("apm-stack → production: waiting for approval ·")
    assert first["metadata"] == {"event_type": "tiphys_change", "event_payload": {"change": bench.samples.change().id}}
    await bench.show(State.MERGING)
    await bench.settled()
    second = await bench.card()
    assert second["ts"] == first["ts"]
    assert second["text"].startswith("apm-stack → production: merging")
    assert [request["body"]["attachments"] for request in bench.workspace.asked("chat.update")] == [[], []]


async def test_posting_a_card_pings_nobody(bench: Bench) -> None:
    await bench.show()
    await bench.settled()
    (posted,) = bench.workspace.asked("chat.postMessage")
    assert "<@" not in str(posted["body"])
    assert "'user'" not in str(posted["body"]["blocks"])
    assert "@developer" in (await bench.card())["plain"]


async def test_an_unchanged_card_needs_no_call(bench: Bench) -> None:
    await bench.show()
    await bench.settled()
    before = len(bench.workspace.asked("chat.update"))
    await bench.show()
    await bench.settled()
    assert len(bench.workspace.asked("chat.update")) == before


async def test_a_deleted_card_is_posted_again_at_its_next_update(bench: Bench) -> None:
    await bench.show()
    await bench.settled()
    gone = await bench.card()
    await bench.workspace.control("DELETE", f"/api/channels/deployments/messages/{gone['ts']}")
    await bench.show(State.MERGING)
    await bench.settled()
    assert (await bench.card())["ts"] != gone["ts"]


async def test_a_deleted_card_is_posted_again_when_it_is_named_though_nothing_changed(bench: Bench) -> None:
    await bench.show()
    await bench.settled()
    gone = await bench.card()
    await bench.workspace.control("DELETE", f"/api/channels/deployments/messages/{gone['ts']}")
    await bench.show()
    await bench.settled()
    assert (await bench.card())["ts"] != gone["ts"]


@pytest.mark.parametrize("do", ["apply_then_reset", "reset", "status", "html"])
async def test_one_card_whatever_becomes_of_the_answer(bench: Bench, do: str) -> None:
    bench.workspace.fault("chat.postMessage", do, left=1, status=503)
    await bench.show()
    await bench.settled()
    await bench.retry()
    assert "waiting for approval" in (await bench.card())["text"]


async def test_a_card_posted_before_a_crash_is_found_again_also_after_another_touch(bench: Bench) -> None:
    """Touching a card starts its attempts anew, so attempts alone do not say that nothing was posted."""
    bench.workspace.fault("chat.postMessage", "apply_then_reset", left=1)
    await bench.show(State.PROPOSING)
    await bench.settled()
    await bench.crash()
    bench.begin()
    await bench.show(State.WAITING_FOR_APPROVAL)
    await bench.settled()
    assert "waiting for approval" in (await bench.card())["text"]
    assert len(bench.workspace.asked("chat.postMessage")) == 1


async def test_a_limited_post_is_made_after_the_time_that_slack_says(bench: Bench) -> None:
    bench.workspace.fault("chat.postMessage", "status", left=1, status=429, headers={"Retry-After": "1"})
    await bench.show()
    await bench.settled()
    assert await bench.card()
    assert len(bench.workspace.asked("chat.postMessage")) == 2
    assert bench.workspace.asked("conversations.history") == []  # a 429 says that nothing was done


async def test_where_the_bot_is_not_the_card_waits_for_its_next_touch(bench: Bench) -> None:
    await bench.workspace.control("PATCH", "/api/slack", not_in_channel=["deployments"])
    await bench.show()
    await bench.settled()
    assert await bench.workspace.messages() == []
    await bench.workspace.control("PATCH", "/api/slack", not_in_channel=[])
    await bench.show()
    await bench.settled()
    assert await bench.card()


async def test_notes_wait_for_the_card_and_stand_in_its_thread_once(bench: Bench) -> None:
    change = bench.samples.change().id
    text = Text.of(Mention(UserId("U0APPR1")), " please look")

    async def note(rows: Any) -> None:
        await rows.note(change, "ready", text, now=bench.outbox.clock.now())

    await bench.outbox.show(bench.samples.change())
    bench.workspace.fault("chat.postMessage", "apply_then_reset", left=2)
    await bench.write(note)
    for _ in range(3):
        await bench.retry()
    (reply,) = (await bench.card())["replies"]
    assert reply["plain"] == "@approver-1 please look"
    assert reply["metadata"]["event_payload"] == {"key": f"note:{change}:ready"}


async def test_a_notice_is_said_once(bench: Bench) -> None:
    async def notice(rows: Any) -> None:
        await rows.notice("reload", ChannelId("C0ADMIN"), Text.of("The file is broken."), now=bench.outbox.clock.now())

    bench.workspace.fault("chat.postMessage", "apply_then_reset", left=1)
    await bench.write(notice)
    await bench.settled()
    await bench.retry()
    (message,) = await bench.workspace.messages("admin")
    assert message["plain"] == "The file is broken."


async def test_an_answer_without_a_response_url_is_whispered(bench: Bench) -> None:
    request = Request(id="Ev1", user=UserId("U0DEV1"), channel=ChannelId("C0DEPLOY"))

    async def answer(rows: Any) -> None:
        await rows.answer(request, Answer.done(Text.of("Done.")), now=bench.outbox.clock.now())

    bench.workspace.fault("chat.postEphemeral", "status", left=1, status=500)
    await bench.write(answer)
    await bench.settled()
    await bench.retry()
    (ephemeral,) = await bench.workspace.ephemerals()
    assert (ephemeral["plain"], ephemeral["via"]) == ("Done.", "postEphemeral")


async def test_a_spent_response_url_falls_back_to_a_whisper(bench: Bench) -> None:
    spent = bench.workspace.api_url.replace("/api/", "/commands/never-given")
    request = Request(id="T1", user=UserId("U0DEV1"), channel=ChannelId("C0DEPLOY"), respond_to=spent)

    async def answer(rows: Any) -> None:
        await rows.answer(request, Answer.done(Text.of("Done.")), now=bench.outbox.clock.now())

    await bench.write(answer)
    await bench.settled()
    (ephemeral,) = await bench.workspace.ephemerals()
    assert ephemeral["via"] == "postEphemeral"


async def test_a_card_of_another_place_is_updated_where_it_stands(bench: Bench) -> None:
    change = bench.samples.change()
    await bench.outbox.show(change)
    lost = CardPlacement(change=change.id, channel=ChannelId("C0DEPLOY"), ts=MessageTs("1.000001"), digest="old")
    await bench.outbox.set_placement(lost)
    bench.bell.ring()
    await bench.settled()
    assert (await bench.outbox.find_placement(change.id)).ts == (await bench.card())["ts"]


async def test_two_hundred_touches_are_few_updates(bench: Bench) -> None:
    await bench.show(State.SYNCING, merge=bench.samples.merge())
    await bench.settled()
    for number in range(200):
        await bench.outbox.show(replace(bench.samples.change(State.SYNCING), reason=f"step {number}"))
        bench.bell.ring()
    await bench.settled()
    assert "step 199" in (await bench.card())["text"]
    assert len(bench.workspace.asked("chat.update")) < 120


async def test_slacks_pace_is_kept(bench: Bench) -> None:
    """Nothing is refused for coming too fast, and everything arrives."""
    await bench.crash()
    await bench.workspace.control("PATCH", "/api/slack", rate_limits=True, scale=10)
    bench.begin(scale=10)
    change = bench.samples.change().id
    await bench.show()

    async def notes(rows: Any) -> None:
        for number in range(15):
            await rows.note(change, f"n{number}", Text.of(f"note {number}"), now=bench.outbox.clock.now())

    await bench.write(notes)
    for _ in range(2):
        await bench.settled()
        await bench.retry()
    assert [reply["plain"] for reply in (await bench.card())["replies"]] == [f"note {n}" for n in range(15)]
    assert {request["status"] for request in bench.workspace.asked("chat.postMessage")} == {200}


async def test_a_card_does_not_wait_for_its_notes(bench: Bench) -> None:
    await bench.crash()
    bench.begin(scale=0.05)
    change = bench.samples.change().id
    await bench.show()
    await bench.settled()

    async def notes(rows: Any) -> None:
        for number in range(10):
            await rows.note(change, f"n{number}", Text.of(f"note {number}"), now=bench.outbox.clock.now())

    await bench.write(notes)
    await bench.eventually(lambda: len(bench.workspace.asked("chat.postMessage")) > 2)
    await bench.show(State.MERGING)

    async def merging() -> bool:
        return "merging" in (await bench.card())["text"]

    await bench.eventually(merging)
    assert len((await bench.card())["replies"]) < 10


async def test_a_storm_of_notices_does_not_starve_a_card(bench: Bench) -> None:
    await bench.crash()
    bench.begin(scale=4)

    async def storm(rows: Any) -> None:
        for number in range(30):
            text = Text.of(f"notice {number}")
            await rows.notice(f"n{number}", ChannelId("C0DEPLOY"), text, now=bench.outbox.clock.now())

    await bench.write(storm)
    await bench.show()

    async def card_stands() -> bool:
        return any(message["metadata"]["event_type"] == "tiphys_change" for message in await bench.workspace.messages())

    await bench.eventually(card_stands)
    assert len(await bench.workspace.messages()) < 20


async def test_flushing_shows_all_that_is_due_and_no_more(workspace: Any, outbox: Any, samples: Any) -> None:
    sender = Sender(outbox, Posting(workspace.client, Pace(scale=50)), outbox.clock, Bell())
    await outbox.show(samples.change())
    async with outbox.store.writing() as tx:
        for number in range(3):
            await tx.outbox.notice(f"n{number}", ChannelId("C0ADMIN"), Text.of(f"notice {number}"), now=outbox.clock.at)
        later = outbox.clock.at + timedelta(minutes=1)
        await tx.outbox.notice("later", ChannelId("C0ADMIN"), Text.of("later"), now=later)
    assert await sender.flush(20)
    assert len(await workspace.messages()) == 1
    assert [message["text"] for message in await workspace.messages("admin")] == ["notice 0", "notice 1", "notice 2"]
    await sender.close(patience=0)


@pytest.mark.parametrize(("trouble", "is_over"), [({"do": "status", "status": 500}, True), ({"do": "timeout"}, False)])
async def test_flushing_waits_neither_for_a_slack_that_is_down_nor_for_one_that_hangs(
    workspace: Any, outbox: Any, samples: Any, trouble: dict[str, Any], is_over: bool
) -> None:
    workspace.fault("chat.postMessage", **trouble)
    told = Told()
    sender = Sender(outbox, Posting(workspace.client, Pace(scale=50)), outbox.clock, Bell(), meter=told)
    await outbox.show(samples.change())
    assert await sender.flush(20 if is_over else 0.1) == is_over
    assert told.ends == ([("card", "postponed")] if is_over else [])
    await sender.close(patience=0)
    async with outbox.store.reading() as tx:
        assert (await tx.outbox.queue(outbox.clock.at)).due == (0 if is_over else 1)


class Unreadable:
    """An outbox whose database is gone."""

    async def claim(self, *, limit: int) -> list[Outgoing]:
        raise ConnectionError("the database is gone")


async def test_flushing_without_a_database_is_given_up(workspace: Any, outbox: Any) -> None:
    posting = Posting(workspace.client, Pace(scale=50))
    sender = Sender(cast(Any, Unreadable()), posting, outbox.clock, Bell())
    assert not await sender.flush(20)
    await sender.close(patience=0)


class Told(Meter):
    def __init__(self) -> None:
        self.ends: list[tuple[str, str]] = []

    def outgoing_ended(self, kind: str, end: str) -> None:
        self.ends.append((kind, end))
