"""conversations.*: finding channels and what was said in them."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.sandbox.slack.conftest import Script, Stage, error_of

METADATA = {"event_type": "tiphys_change", "event_payload": {"change": "01H"}}


async def posts(client: AsyncWebClient, *texts: str, thread_ts: str | None = None) -> list[str]:
    return [
        str((await client.chat_postMessage(channel="C0DEPLOY", text=text, thread_ts=thread_ts))["ts"])
        for text in texts
    ]  # fmt: skip


async def test_history_comes_newest_first_in_pages_that_do_not_move(client: AsyncWebClient) -> None:
    await posts(client, "a", "b", "c", "d", "e")
    page = await client.conversations_history(channel="C0DEPLOY", limit=2)
    assert ([m["text"] for m in page["messages"]], page["has_more"]) == (["e", "d"], True)
    await posts(client, "later")
    seen = []
    while cursor := (page.get("response_metadata") or {}).get("next_cursor"):
        page = await client.conversations_history(channel="C0DEPLOY", limit=2, cursor=cursor)
        seen += [m["text"] for m in page["messages"]]
    assert (seen, page["has_more"]) == (["c", "b", "a"], False)


async def test_history_between_two_times(client: AsyncWebClient) -> None:
    _, b, c, d = await posts(client, "a", "b", "c", "d")
    page = await client.conversations_history(channel="C0DEPLOY", oldest=b, latest=d)
    assert [m["ts"] for m in page["messages"]] == [c]
    page = await client.conversations_history(channel="C0DEPLOY", oldest=b, latest=d, inclusive=True)
    assert [m["ts"] for m in page["messages"]] == [d, c, b]


async def test_metadata_comes_only_on_request(client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel="C0DEPLOY", text="x", metadata=METADATA)
    page = await client.conversations_history(channel="C0DEPLOY")
    assert "metadata" not in page["messages"][0]
    page = await client.conversations_history(channel="C0DEPLOY", include_all_metadata=True)
    assert page["messages"][0]["metadata"] == METADATA


async def test_a_thread_and_its_pages(client: AsyncWebClient) -> None:
    (parent,) = await posts(client, "parent")
    await posts(client, "one", "two", "three", thread_ts=parent)
    page = await client.conversations_replies(channel="C0DEPLOY", ts=parent, limit=3)
    assert [m["text"] for m in page["messages"]] == ["parent", "one", "two"]
    assert page["messages"][0]["reply_count"] == 3
    rest = await client.conversations_replies(
        channel="C0DEPLOY", ts=parent, limit=3, cursor=page["response_metadata"]["next_cursor"]
    )
    assert [m["text"] for m in rest["messages"]] == ["three"]
    history = await client.conversations_history(channel="C0DEPLOY")
    assert [m["text"] for m in history["messages"]] == ["parent"]
    missing = client.conversations_replies(channel="C0DEPLOY", ts="1.2")
    assert await error_of(missing) == "thread_not_found"


async def test_bad_cursors(client: AsyncWebClient) -> None:
    assert await error_of(client.conversations_history(channel="C0DEPLOY", cursor="?")) == "invalid_cursor"
    assert await error_of(client.conversations_list(cursor="bmV4dF90czox")) == "invalid_cursor"
    assert await error_of(client.conversations_history(channel="C0DEPLOY", oldest="soon")) == "invalid_ts_oldest"


async def test_channels_are_listed_by_type(client: AsyncWebClient, script: Script) -> None:
    public = await client.conversations_list(limit=2)
    assert [c["name"] for c in public["channels"]] == ["deployments", "staging"]
    rest = await client.conversations_list(cursor=public["response_metadata"]["next_cursor"])
    assert [c["name"] for c in rest["channels"]] == ["alerts", "admin"]
    private = await client.conversations_list(types="private_channel")
    assert [c["name"] for c in private["channels"]] == ["release"]
    await script.patch("/api/slack", not_in_channel="release")
    assert (await client.conversations_list(types="private_channel"))["channels"] == []


async def test_info_and_members(client: AsyncWebClient, script: Script) -> None:
    info = await client.conversations_info(channel="C0DEPLOY", include_num_members=True)
    assert (info["channel"]["name"], info["channel"]["is_member"], info["channel"]["num_members"]) == (
        "deployments", True, 11,
    )  # fmt: skip
    members = await client.conversations_members(channel="C0RELEASE")
    assert members["members"] == ["U0ADMIN", "U0APPR1", "U0APPR2", "U0APPR3", "U0TIPHYS"]
    await script.patch("/api/slack", not_in_channel="deployments")
    assert not (await client.conversations_info(channel="C0DEPLOY"))["channel"]["is_member"]
    assert await error_of(client.conversations_history(channel="C0DEPLOY")) == "not_in_channel"


async def test_direct_messages(client: AsyncWebClient) -> None:
    opened = await client.conversations_open(users="U0DEV1")
    again = await client.conversations_open(users=["U0DEV1"], return_im=True)
    assert opened["channel"]["id"] == again["channel"]["id"] == "D0DEV1"
    assert await error_of(client.conversations_open(users="U0NOBODY")) == "user_not_found"
    assert await error_of(client.conversations_open(users="U0GONE")) == "user_disabled"


async def test_private_channels_cannot_be_joined(client: AsyncWebClient) -> None:
    assert await error_of(client.conversations_join(channel="C0RELEASE")) == "method_not_supported_for_channel_type"


@pytest.mark.parametrize(("channel", "needed"), [("C0DEPLOY", "channels:history"), ("C0RELEASE", "groups:history")])
async def test_reading_private_channels_has_a_scope_of_its_own(
    stage: Stage, script: Script, client: AsyncWebClient, channel: str, needed: str
) -> None:
    await script.patch("/api/slack", refuse_scope=needed)
    assert await error_of(client.conversations_history(channel=channel)) == "missing_scope"
    other = {"C0DEPLOY": "C0RELEASE", "C0RELEASE": "C0DEPLOY"}[channel]
    await client.conversations_history(channel=other)
