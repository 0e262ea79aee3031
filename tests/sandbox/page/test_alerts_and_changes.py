"""An alert after a deployment as people live through it, with the page in Chromium and the real bot behind it."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.sandbox.page.conftest import Opened, World
from tests.sandbox.page.test_page import SECONDS, act_as, approve, write

pytestmark = [pytest.mark.chromium, pytest.mark.long]


async def test_an_alert_in_the_soak_holds_the_change_until_it_ends(world: World, opened: Opened) -> None:
    page = await opened(world.url)
    await act_as(page, "developer")
    await write(page, "/promote apm-stack prod")
    card = shown(page, "apm-stack → production")
    await expect(card).to_contain_text("waiting for approval")
    for approver in ("approver-1", "approver-2"):
        await act_as(page, approver)
        await approve(page, card)
    await expect(card).to_contain_text("verifying", timeout=60 * SECONDS)

    alerts = page.get_by_role("region", name="Alerts")
    await alerts.get_by_label("Where the alert fires").select_option("apm-stack production")
    await alerts.get_by_role("button", name="Fire an alert").click()
    await expect(card).to_contain_text("waiting: HighErrorRate fires (critical, since")
    await expect(card).to_contain_text("the soak begins anew when they are over")
    await go_to(page, "alerts")
    alert = shown(page, "HighErrorRate")
    await expect(alert).to_contain_text("after #1")
    await expect(alert).to_contain_text("2.15.1")
    await expect(alert.get_by_role("button", name="Change #1")).to_be_visible()

    await alerts.get_by_role("button", name="Resolve HighErrorRate").click()
    await expect(alert).to_contain_text("HighErrorRate resolved")
    await expect(alert).to_contain_text("after #1")
    await go_to(page, "deployments")
    await expect(card).to_contain_text("succeeded", timeout=60 * SECONDS)


def shown(page: Page, words: str) -> Locator:
    return page.get_by_role("log", name="Messages").get_by_role("article").filter(has_text=words).first


async def go_to(page: Page, channel: str) -> None:
    await page.get_by_role("navigation").get_by_role("button", name=channel).click()
