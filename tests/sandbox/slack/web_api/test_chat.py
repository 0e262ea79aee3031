"""chat.* as Slack answers it: what is kept, what is dropped, what is refused."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.sandbox.slack.conftest import Json, Script, Stage, error_of

SECTION: Json = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}
METADATA: Json = {"event_type": "tiphys_change", "event_payload": {"change": "01H"}}


async def post(client: AsyncWebClient, **arguments: Any) -> str:
    answer = await client.chat_postMessage(**{"channel": "C0DEPLOY", "text": "hello", **arguments})
    return str(answer["ts"])


async def shown(script: Script) -> Json:
    return (await script.messages())[0]


async def test_a_message_stands_in_its_channel(client: AsyncWebClient, script: Script) -> None:
    answer = await client.chat_postMessage(
        channel="C0DEPLOY", text="a &lt;b&gt; <@U0DEV1>", blocks=[SECTION], metadata=METADATA, unfurl_links=False
    )
    assert answer["message"]["bot_id"] == "B0TIPHYS"
    (message,) = await script.messages()
    assert message["ts"] == answer["ts"]
    assert (message["text"], message["plain"]) == ("a &lt;b&gt; <@U0DEV1>", "hello")
    assert message["metadata"] == METADATA
    assert (message["is_bot"], message["edits"], message["thread_ts"], message["replies"]) == (True, 0, None, [])
    assert message["blocks"][0]["block_id"]
    assert message["blocks"][0]["text"]["verbatim"] is False


async def test_threads_and_broadcasts(client: AsyncWebClient, script: Script) -> None:
    parent = await post(client)
    reply = await post(client, text="quiet", thread_ts=parent)
    await post(client, text="loud", thread_ts=parent, reply_broadcast=True)
    await post(client, text="deeper", thread_ts=reply)
    first, broadcast = await script.messages()
    assert [r["plain"] for r in first["replies"]] == ["quiet", "loud", "deeper"]
    assert (broadcast["plain"], broadcast["thread_ts"], broadcast["replies"]) == ("loud", parent, [])


async def test_names_and_people_are_channels_too(client: AsyncWebClient, script: Script) -> None:
    assert (await client.chat_postMessage(channel="#staging", text="x"))["channel"] == "C0STAGING"
    direct = (await client.chat_postMessage(channel="U0DEV1", text="psst"))["channel"]
    assert [m["plain"] for m in await script.messages(direct)] == ["psst"]


async def test_long_text_is_cut(client: AsyncWebClient, script: Script) -> None:
    await post(client, text="x" * 40_001)
    assert len((await shown(script))["text"]) == 40_000


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"text": ""}, "no_text"),
        ({"channel": "C0NOWHERE"}, "channel_not_found"),
        ({"thread_ts": "soon"}, "invalid_thread_ts"),
        ({"thread_ts": "1700000000.000001"}, "thread_not_found"),
        ({"blocks": [{"type": "nonsense"}]}, "invalid_blocks"),
        ({"blocks": "nonsense"}, "invalid_blocks_format"),
        ({"blocks": [SECTION] * 51}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2_700}}] * 5}, "msg_blocks_too_long"),
        ({"attachments": "nonsense"}, "invalid_attachments"),
        ({"attachments": [{"blocks": [{"type": "nonsense"}]}]}, "invalid_blocks"),
        ({"attachments": [{"text": "x"}] * 101}, "too_many_attachments"),
        ({"metadata": {"event_type": "x"}}, "invalid_metadata_format"),
        ({"metadata": {"event_type": "x", "event_payload": {"x": "y" * 10_000}}}, "metadata_too_large"),
    ],
)
async def test_what_cannot_be_posted(client: AsyncWebClient, script: Script, arguments: Json, error: str) -> None:
    assert await error_of(post(client, **arguments)) == error
    assert await script.messages() == []


async def test_a_refusal_of_blocks_says_where(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        await post(client, blocks=[{**SECTION, "colour": "red"}])
    response = refused.value.response
    problem = "invalid additional property: colour [json-pointer:/blocks/0]"
    assert response["errors"] == [problem]
    assert response["response_metadata"]["messages"] == [f"[ERROR] {problem}"]


async def test_update_removes_blocks_and_keeps_attachments_and_metadata(client: AsyncWebClient, script: Script) -> None:
    ts = await post(client, blocks=[SECTION], attachments=[{"text": "old"}], metadata=METADATA)
    await client.chat_update(channel="C0DEPLOY", ts=ts, text="new")
    message = await shown(script)
    assert (message["text"], message["blocks"], message["edits"]) == ("new", [], 1)
    assert message["attachments"] == [{"text": "old"}]
    assert message["metadata"] == METADATA
    assert message["plain"] == "new\nold"


async def test_update_without_text_and_blocks_keeps_them(client: AsyncWebClient, script: Script) -> None:
    ts = await post(client, blocks=[SECTION], attachments=[{"text": "old"}])
    await client.chat_update(channel="C0DEPLOY", ts=ts, attachments=[])
    message = await shown(script)
    assert (message["text"], len(message["blocks"]), message["attachments"]) == ("hello", 1, [])


async def test_only_text_marks_a_message_as_edited(client: AsyncWebClient) -> None:
    ts = await post(client)
    answer = await client.chat_update(channel="C0DEPLOY", ts=ts, text="new", blocks=[SECTION])
    assert "edited" not in answer["message"]
    answer = await client.chat_update(channel="C0DEPLOY", ts=ts, text="newer")
    assert answer["message"]["edited"]["user"] == "U0TIPHYS"


async def test_what_cannot_be_updated_or_deleted(client: AsyncWebClient, script: Script) -> None:
    theirs = (await script.post("/api/say", user="developer", channel="deployments", text="mine"))["ts"]
    ours = await post(client)

    async def update(**arguments: Any) -> str:
        return await error_of(client.chat_update(**{"channel": "C0DEPLOY", "ts": ours, "text": "x", **arguments}))

    assert await update(ts=theirs) == "cant_update_message"
    assert await update(ts="1.2") == "message_not_found"
    assert await update(channel="C0STAGING") == "message_not_found"
    assert await update(channel="deployments") == "channel_not_found"
    assert await update(text=None) == "no_text"
    assert await error_of(client.chat_delete(channel="C0DEPLOY", ts=theirs)) == "cant_delete_message"
    await client.chat_delete(channel="C0DEPLOY", ts=ours)
    assert await update() == "message_not_found"
    assert await error_of(client.chat_delete(channel="C0DEPLOY", ts=ours)) == "message_not_found"


async def test_a_card_deleted_by_a_person_is_gone(client: AsyncWebClient, script: Script) -> None:
    ts = await post(client)
    await script.delete(f"/api/channels/deployments/messages/{ts}")
    assert await script.messages() == []
    assert await error_of(client.chat_update(channel="C0DEPLOY", ts=ts, text="x")) == "message_not_found"
    path = f"/api/channels/deployments/messages/{ts}"
    assert await script.refused("DELETE", path) == (404, "no_such_message")


async def test_only_one_person_sees_an_ephemeral_message(client: AsyncWebClient, script: Script) -> None:
    await client.chat_postEphemeral(channel="C0DEPLOY", user="U0DEV1", text="only *you*")
    (whispered,) = await script.ephemerals()
    assert (whispered["via"], whispered["channel"], whispered["plain"]) == ("postEphemeral", "C0DEPLOY", "only you")
    assert await script.ephemerals("admin") == []
    outside = client.chat_postEphemeral(channel="C0RELEASE", user="U0DEV1", text="x")
    assert await error_of(outside) == "user_not_in_channel"
    nobody = client.chat_postEphemeral(channel="C0DEPLOY", user="U0NOBODY", text="x")
    assert await error_of(nobody) == "user_not_found"


async def test_permalinks_lead_to_the_page(stage: Stage, client: AsyncWebClient) -> None:
    ts = await post(client)
    link = (await client.chat_getPermalink(channel="C0DEPLOY", message_ts=ts))["permalink"]
    assert link == f"{stage.service.base_url}/archives/C0DEPLOY/p{ts.replace('.', '')}"
    reply = await post(client, thread_ts=ts)
    link = (await client.chat_getPermalink(channel="C0DEPLOY", message_ts=reply))["permalink"]
    assert link.endswith(f"?thread_ts={ts}&cid=C0DEPLOY")
    missing = client.chat_getPermalink(channel="C0DEPLOY", message_ts="1.2")
    assert await error_of(missing) == "message_not_found"


async def test_reactions(client: AsyncWebClient, script: Script) -> None:
    ts = await post(client)
    await client.reactions_add(channel="C0DEPLOY", timestamp=ts, name="eyes")
    assert (await shown(script))["reactions"] == {"eyes": ["U0TIPHYS"]}
    again = client.reactions_add(channel="C0DEPLOY", timestamp=ts, name="eyes")
    assert await error_of(again) == "already_reacted"


async def test_where_the_bot_may_not_write(client: AsyncWebClient, script: Script) -> None:
    await script.patch("/api/channels/deployments", is_archived=True)
    assert await error_of(post(client)) == "is_archived"
    await script.patch("/api/channels/deployments", is_archived=False)
    await script.patch("/api/slack", not_in_channel=["deployments", "C0RELEASE"])
    assert await error_of(post(client)) == "not_in_channel"
    assert await error_of(post(client, channel="C0RELEASE")) == "channel_not_found"
    await client.conversations_join(channel="C0DEPLOY")
    await post(client)
    await script.patch("/api/slack", not_in_channel=None)
    await post(client, channel="C0RELEASE")
