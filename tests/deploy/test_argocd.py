"""What Argo CD is given to notify us: it refers to what is there, holds no secret, and its template is what we read.

What its engine makes of the file is kept beside the recordings; the sandbox's controller has to make the same.
"""

import json
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bot.sandbox.argocd.notifications import DEGRADED, OPERATION, TRIGGERS, UNKNOWN, body_of, triggered
from bot.sandbox.argocd.notifications import PATH as SANDBOX_PATH
from bot.settings import Settings
from bot.web.argocd_webhooks import LARGEST, PATH, Notification, read_notification
from tests.deploy.dockerfile import ROOT

FILE = ROOT / "deploy/argocd/notifications.yaml"
MANIFEST: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
PARTS: dict[str, Any] = {name: yaml.safe_load(text) for name, text in MANIFEST["data"].items()}
SAMPLES = Path("tests/samples/argocd_notifications")
RECORDED = json.loads((SAMPLES / "webhook.json").read_text("utf-8"))
ENGINE: list[dict[str, Any]] = json.loads((SAMPLES / "rendered.json").read_text("utf-8"))


def parts(kind: str) -> dict[str, Any]:
    """Those of a kind, by name."""
    return {name.removeprefix(f"{kind}."): part for name, part in PARTS.items() if name.startswith(f"{kind}.")}


def rendered(template: str, app: dict[str, Any]) -> str:
    """As Go's `text/template` would, for the one form that we use: `{{toJson .app.path}}`."""

    def value(found: re.Match[str]) -> str:
        at: Any = app
        for step in found[1].split("."):
            at = at.get(step) if isinstance(at, dict) else None
        return json.dumps(at)

    text = re.sub(r"\{\{toJson \.app\.([A-Za-z.]+)\}\}", value, template)
    assert "{{" not in text, "a form that this test does not know"
    return text


def body() -> str:
    [template] = parts("template").values()
    text: str = template["webhook"]["tiphys"]["body"]
    return text


@pytest.mark.parametrize("version", ["1.29", "1.37"])
def test_it_is_a_valid_manifest(version: str) -> None:
    kubernetes_validate.validate(MANIFEST, version, strict=True)
    assert MANIFEST["metadata"] == {"name": "argocd-notifications-cm"}


def test_whatever_refers_to_another_part_names_one() -> None:
    services = {name.removeprefix("webhook.") for name in parts("service")}
    triggers, templates = parts("trigger"), parts("template")
    assert services == {"tiphys"}
    for conditions in triggers.values():
        for condition in conditions:
            assert set(condition["send"]) <= set(templates)
            assert condition["when"].startswith("app.status?.")
    for template in templates.values():
        assert set(template["webhook"]) <= services
    [subscription] = PARTS["subscriptions"]
    assert set(subscription["recipients"]) == services
    assert set(subscription["triggers"]) == set(triggers)
    assert {name.partition(".")[0] for name in PARTS} == {"service", "template", "trigger", "subscriptions"}


def test_it_goes_to_our_path_with_the_secret_by_reference() -> None:
    service = PARTS["service.webhook.tiphys"]
    assert service["url"].endswith(f"{PATH}/main")
    assert service["url"].startswith("https://")
    headers = {header["name"]: header["value"] for header in service["headers"]}
    assert headers == {"Content-Type": "application/json", "Authorization": "Bearer $tiphys-webhook-token"}
    assert "argocd_webhook_token" in Settings.model_fields
    [template] = parts("template").values()
    assert template["webhook"]["tiphys"]["method"] == "POST", "Argo CD's default is GET"


def test_what_the_template_makes_is_what_we_read() -> None:
    for told in RECORDED["exchanges"]:
        recorded = json.loads(told["request"]["body_raw"])
        app = {"metadata": {"name": recorded["app"], "namespace": recorded["namespace"]}}
        made = rendered(body(), app).encode()
        assert read_notification(made) == Notification(application=recorded["app"], namespace=recorded["namespace"])
        assert len(made) < LARGEST / 100


def test_the_operation_is_told_of_once_for_each_time_that_it_began() -> None:
    """By revision, as in Argo CD's own catalogue, a second failure of the same revision would be told to nobody."""
    [condition] = PARTS["trigger.tiphys-operation"]
    assert condition["oncePer"] == "app.status?.operationState?.startedAt"


def test_what_the_engine_was_asked_is_what_is_shipped() -> None:
    """Its verdicts are kept, and hold for these words alone: whoever changes one has to ask it anew."""
    shipped = {name: [(each["when"], each.get("oncePer")) for each in part] for name, part in parts("trigger").items()}
    assert shipped == {
        OPERATION: [
            ("app.status?.operationState?.phase in ['Succeeded', 'Failed', 'Error']",
             "app.status?.operationState?.startedAt"),
        ],
        DEGRADED: [("app.status?.health?.status == 'Degraded'", None)],
        UNKNOWN: [("app.status?.sync?.status == 'Unknown'", None)],
    }  # fmt: skip
    assert body() == (
        '{"schema": 1, "app": {{toJson .app.metadata.name}}, "namespace": {{toJson .app.metadata.namespace}}}\n'
    )


def test_the_engine_was_asked_about_each_trigger_and_about_applications_that_lack_what_they_name() -> None:
    met = {name for asked in ENGINE for name in asked["triggered"]}
    assert met == set(TRIGGERS) == set(parts("trigger"))
    bare = [asked for asked in ENGINE if not asked["status"] or not asked["status"].get("operationState")]
    assert len(bare) > 10
    assert all(OPERATION not in asked["triggered"] for asked in bare)


@pytest.mark.parametrize("asked", ENGINE, ids=lambda asked: asked["case"])
def test_the_sandbox_tells_what_the_engine_told(asked: dict[str, Any]) -> None:
    assert triggered(asked["status"]) == asked["triggered"]
    assert [body_of(asked["metadata"])] * len(asked["triggered"]) == asked["bodies"]
    assert [rendered(body(), {"metadata": asked["metadata"]})] * len(asked["triggered"]) == asked["bodies"]
    for told in asked["bodies"]:
        assert read_notification(told.encode()) == Notification(
            application=asked["metadata"]["name"], namespace=asked["metadata"]["namespace"]
        )


def test_the_sandbox_tells_it_at_the_shipped_path() -> None:
    assert PARTS["service.webhook.tiphys"]["url"].endswith(SANDBOX_PATH)
