"""The alerts of the world, fired and ended by hand."""

from playwright.async_api import expect

from tests.sandbox.page.conftest import Opened, World


async def test_an_alert_is_fired_for_a_place_and_ended(empty_world: World, opened: Opened) -> None:
    page = await opened(empty_world.url)
    alerts = page.get_by_role("region", name="Alerts")
    await expect(alerts).to_contain_text("Nothing fires.")
    await alerts.get_by_label("Where the alert fires").select_option("apm-gateway staging")
    await alerts.get_by_role("button", name="Fire an alert").click()
    await expect(alerts.get_by_role("listitem", name="HighErrorRate, firing")).to_contain_text("apm-gateway · staging")
    [alert] = (await empty_world.get("/api/state"))["alerts"]
    assert alert["labels"]["tiphys_application"] == "apm-gateway"
    assert alert["labels"]["tiphys_environment"] == "staging"
    await alerts.get_by_role("button", name="Resolve HighErrorRate").click()
    await expect(alerts).to_contain_text("Nothing fires.")
    assert (await empty_world.get("/api/state"))["alerts"] == []
