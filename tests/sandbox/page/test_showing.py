"""What the page shows and how: Slack's markup as elements, hostile text as text, live changes without a flicker."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.sandbox.page.conftest import Opened, World

pytestmark = pytest.mark.chromium

HOSTILE = (
    "<img src=x onerror=alert(1)> <javascript:alert(1)|press me> <https://example.com|*fine*> &lt;b&gt;entity&lt;/b&gt;"
)


def button(label: str, action_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": {"type": "plain_text", "text": label}, **more}


async def test_markup_becomes_elements_and_hostile_text_stays_text(empty_world: World, opened: Opened) -> None:
    slack, page = await empty_world.slack(), await opened(empty_world.url)
    text = (
        "*bold* _italic_ ~gone~ `code *not bold*` 2*3*4 snake_case_name\n> quoted\n<@U0DEV1> <!date^0^{date_num}|old>"
    )
    sections = [{"type": "section", "text": {"type": "mrkdwn", "text": one}} for one in (text, HOSTILE)]
    header = {"type": "header", "text": {"type": "plain_text", "text": "<b>header</b> &amp; more"}}
    await slack.chat_postMessage(channel="C0DEPLOY", text="fallback", blocks=[header, *sections])
    message = page.get_by_role("main").get_by_role("article")
    await expect(message.get_by_role("heading")).to_have_text("<b>header</b> & more")
    for tag, words in {"strong": "bold", "em": "italic", "s": "gone", "blockquote": "quoted"}.items():
        await expect(message.locator(f".block {tag}").first).to_have_text(words)
    await expect(message.locator("code")).to_have_text("code *not bold*")
    await expect(message).to_contain_text("2*3*4 snake_case_name")
    await expect(message.locator(".mention")).to_have_text("@developer")
    await expect(message.locator("time[title]").last).to_have_text("1970-01-01")
    await expect(message).to_contain_text("<img src=x onerror=alert(1)> press me")
    await expect(message).to_contain_text("<b>entity</b>")
    await expect(message.get_by_role("link")).to_have_text("*fine*")
    assert await message.locator("img:not(.avatar), script, a[href^=javascript]").count() == 0


async def test_a_changing_card_keeps_focus_and_what_is_typed(empty_world: World, opened: Opened) -> None:
    slack, page = await empty_world.slack(), await opened(empty_world.url)
    row = {"type": "actions", "elements": [button("Approve", "yes", style="primary"), button("Reject", "no")]}
    posted = await slack.chat_postMessage(channel="C0DEPLOY", text="card", blocks=[row])
    composer = page.get_by_role("main").get_by_role("textbox")
    await composer.fill("half a sentence")
    approve = page.get_by_role("button", name="Approve")
    await approve.focus()
    await approve.evaluate("node => { node.wasHere = true }")
    said = {"type": "section", "text": {"type": "plain_text", "text": "1 of 2"}}
    await slack.chat_update(channel="C0DEPLOY", ts=str(posted["ts"]), text="card", blocks=[row, said])
    await expect(page.get_by_role("article")).to_contain_text("1 of 2")
    assert await approve.evaluate("node => node.wasHere && document.activeElement === node")
    await expect(composer).to_have_value("half a sentence")
    await expect(page.get_by_role("article")).to_contain_text("(edited)")


async def test_unread_marks_private_channels_and_broadcast_replies(empty_world: World, opened: Opened) -> None:
    slack, page = await empty_world.slack(), await opened(empty_world.url)
    first = await slack.chat_postMessage(channel="C0STAGING", text="first")
    await slack.chat_postMessage(channel="C0STAGING", text="quiet reply", thread_ts=str(first["ts"]))
    await slack.chat_postMessage(
        channel="C0STAGING", text="loud reply", thread_ts=str(first["ts"]), reply_broadcast=True
    )
    staging = page.get_by_role("listitem").get_by_role("button", name="staging")
    await expect(staging).to_contain_text("2")
    await expect(page.get_by_role("button", name="release")).to_have_count(0)
    await page.get_by_role("radio", name="admin").click()
    await expect(page.get_by_role("button", name="release")).to_have_count(1)
    await staging.click()
    await expect(staging.locator(".count")).to_have_count(0)
    main = page.get_by_role("main")
    await expect(main).to_contain_text("replied to a thread")
    await expect(main.get_by_text("quiet reply")).to_have_count(0)
    await main.get_by_role("button", name="2 replies").click()
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.get_by_role("article")).to_have_count(3)
    await page.keyboard.press("Escape")
    await expect(thread).to_be_hidden()


async def test_commands_are_hinted_at_and_refused_in_threads(empty_world: World, opened: Opened) -> None:
    slack, page = await empty_world.slack(), await opened(empty_world.url)
    await slack.chat_postMessage(channel="C0DEPLOY", text="a message")
    composer = page.get_by_role("main").get_by_role("textbox")
    await composer.press_sequentially("/pro")
    await expect(page.locator("li[role=option]")).to_contain_text("/promote")
    await composer.press("Enter")
    await expect(composer).to_have_value("/promote ")
    await composer.fill("/nothing such")
    await composer.press("Enter")
    toast = page.locator(".toast").last
    await expect(toast).to_contain_text("unknown_command")
    await expect(composer).to_have_value("/nothing such")

    await page.get_by_role("article").hover()
    await page.get_by_role("button", name="Reply in thread").click()
    reply = page.get_by_role("textbox", name="Reply as developer")
    await reply.fill("/promote apm-stack prod")
    await reply.press("Enter")
    await expect(toast).to_contain_text("command_in_thread")
    await expect(reply).to_have_value("/promote apm-stack prod")
    await reply.fill("hello @tiph")
    await reply.press("Tab")
    await expect(reply).to_have_value("hello @tiphys ")
    await reply.press("Enter")
    await expect(page.get_by_role("complementary", name="Thread")).to_contain_text("hello @tiphys")


async def test_on_a_narrow_screen_the_sides_are_drawers(empty_world: World, opened: Opened) -> None:
    page = await opened(empty_world.url)
    await page.set_viewport_size({"width": 420, "height": 800})
    people, world = page.get_by_role("navigation"), page.get_by_role("complementary", name="Environments")
    await expect(people).to_be_hidden()
    await expect(world).to_be_hidden()
    await page.get_by_role("button", name="Channels and people").click()
    await page.get_by_role("radio", name="developer-2").click()
    await expect(people).to_be_hidden()
    await expect(page.get_by_role("textbox", name="as developer-2")).to_be_visible()
    await page.get_by_role("button", name="Environments and pull requests").click()
    await expect(world).to_contain_text("production")
    await page.keyboard.press("Escape")
    await expect(world).to_be_hidden()
    assert await overflow(page) == 0


async def test_a_permalink_leads_to_its_message(empty_world: World, opened: Opened) -> None:
    slack = await empty_world.slack()
    posted = [await slack.chat_postMessage(channel="C0ALERTS", text=f"line {n}\n" * 4) for n in range(20)]
    link = await slack.chat_getPermalink(channel="C0ALERTS", message_ts=str(posted[1]["ts"]))
    page = await opened(str(link["permalink"]))
    await expect(page.get_by_role("heading", level=1)).to_have_text("alerts")
    await expect(page.get_by_role("article").nth(1)).to_be_in_viewport()


async def test_levers_act_as_the_chosen_person(empty_world: World, opened: Opened) -> None:
    page = await opened(empty_world.url)
    await page.get_by_text("Stir the world").click()
    await page.get_by_role("button", name="Drift in production").click()
    production = page.get_by_role("listitem", name="apm-stack production")
    await expect(production).to_contain_text("OutOfSync")
    await page.get_by_role("radio", name="guest").click()
    await page.get_by_role("button", name="Move main, elsewhere").click()
    await expect(page.locator(".toast").last).to_contain_text("no_write_access")


async def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wider: int = await page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    return max(0, wider)
