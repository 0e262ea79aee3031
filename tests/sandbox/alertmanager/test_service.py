"""Around the API: traffic, faults, the page."""

import re

from bot.sandbox.traffic import Fault
from tests.sandbox.alertmanager.conftest import World


async def test_requests_are_logged_and_faults_apply(world: World) -> None:
    world.traffic.add_fault(
        Fault(id="", service="alertmanager", do="status", status=503, path=re.compile("silences"), left=1)
    )
    assert (await world.api.post("/api/v2/silences", json={})).status_code == 503
    assert (await world.api.get("/api/v2/silences")).status_code == 200
    found, _ = world.traffic.requests(service="alertmanager")
    assert [(each.method, each.path, each.status, each.applied) for each in found] == [
        ("POST", "/api/v2/silences", 503, False), ("GET", "/api/v2/silences", 200, True),
    ]  # fmt: skip


async def test_the_page_shows_what_fires_as_text(world: World) -> None:
    assert "nothing" in (await world.api.get("/")).text
    await world.act("fire", service="<script>")
    page = await world.api.get("/")
    assert "service=&lt;script&gt;" in page.text
    assert page.headers["content-type"].startswith("text/html")


async def test_it_is_healthy_and_elsewhere_is_nothing(world: World) -> None:
    for path in ("/-/healthy", "/-/ready"):
        assert (await world.api.get(path)).text == "OK"
    assert (await world.api.get("/nope")).text == "404 page not found\n"
