"""The main job as a person does it: with the sandbox's page in Chromium, the real bot behind it."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.sandbox.page.conftest import Opened, World

pytestmark = pytest.mark.chromium
SECONDS = 1_000


async def test_a_promotion_from_the_command_to_the_environments(world: World, opened: Opened) -> None:
    page = await opened(world.url)
    await act_as(page, "developer")
    await write(page, "/promote apm-stack prod")
    messages = page.get_by_role("log", name="Messages")
    card = messages.get_by_role("article").filter(has_text="🚀 apm-stack → production").first
    await expect(card).to_contain_text("waiting for approval")
    await expect(card).to_contain_text("2.14.0 → 2.15.1")
    pull = page.get_by_role("listitem", name="Pull request 1, open")
    await expect(pull).to_contain_text("tiphys/approval")

    await act_as(page, "approver-1")
    await card.get_by_role("button", name="Approve").click()
    asked = page.get_by_role("alertdialog")
    await expect(asked).to_contain_text("environment production")
    await asked.get_by_role("button", name="Cancel").click()
    await approve(page, card)
    await expect(card).to_contain_text("1 of 2")

    await act_as(page, "approver-2")
    await approve(page, card)
    card = messages.get_by_role("article").filter(has_text="apm-stack → production").first
    await expect(card).to_contain_text("succeeded", timeout=60 * SECONDS)

    production = page.get_by_role("listitem", name="apm-stack production")
    merged = (await world.production())["deployed_revision"]
    await expect(production).to_contain_text(f"runs {merged[:7]}")
    for word in ("Synced", "Healthy", "Succeeded"):
        await expect(production).to_contain_text(word)
    row = page.get_by_role("row", name="apm-api")
    await expect(row.get_by_role("cell").last).to_have_text("2.15.1")
    await expect(page.get_by_role("listitem", name="Pull request 1, merged")).to_contain_text("merged by tiphys")
    await card.get_by_role("button", name="replies").click()
    await expect(page.get_by_role("complementary", name="Thread")).to_contain_text("approver-2")


async def test_a_private_refusal_and_a_rejection_with_its_reason(world: World, opened: Opened) -> None:
    page = await opened(world.url)
    await act_as(page, "guest")
    await write(page, "/promote apm-stack prod")
    whisper = page.get_by_role("article", name="only visible to you")
    await expect(whisper).to_contain_text("guest")
    await act_as(page, "developer")
    await expect(whisper).to_have_count(0)

    await write(page, "/promote apm-stack prod")
    card = page.get_by_role("article").filter(has_text="waiting for approval")
    await act_as(page, "approver-3")
    await card.get_by_role("button", name="Reject").click()
    modal = page.get_by_role("dialog")
    await modal.get_by_role("textbox").fill("Not before the <b>release notes</b> are out")
    await modal.get_by_role("button", name="Reject").click()
    await expect(modal).to_be_hidden()
    rejected = page.get_by_role("article").filter(has_text="rejected").first
    await expect(rejected).to_contain_text("Not before the <b>release notes</b> are out")
    await expect(page.get_by_role("listitem", name="Pull request 1, closed")).to_be_visible()


async def act_as(page: Page, name: str) -> None:
    await page.get_by_role("radio", name=name).filter(has=page.get_by_text(name, exact=True)).click()
    await expect(page.get_by_role("textbox", name=f"as {name}").first).to_be_visible()


async def write(page: Page, text: str) -> None:
    box = page.get_by_role("main").get_by_role("textbox")
    await box.fill(text)
    await box.press("Enter")


async def approve(page: Page, card: Locator) -> None:
    await card.get_by_role("button", name="Approve").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Approve").click()
