"""What Argo CD is given to notify us: it refers to what is there, holds no secret, and its template is what we read."""

import json
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bot.settings import Settings
from bot.web.argocd_webhooks import LARGEST, PATH, Notification, read_notification
from tests.deploy.dockerfile import ROOT

FILE = ROOT / "deploy/argocd/notifications.yaml"
MANIFEST: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
PARTS: dict[str, Any] = {name: yaml.safe_load(text) for name, text in MANIFEST["data"].items()}
RECORDED = json.loads(Path("tests/samples/argocd_notifications/webhook.json").read_text("utf-8"))


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
            assert condition["when"].startswith("app.status.")
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
    assert condition["oncePer"] == "app.status.operationState?.startedAt"
    assert all(phase in condition["when"] for phase in ("Succeeded", "Failed", "Error"))
