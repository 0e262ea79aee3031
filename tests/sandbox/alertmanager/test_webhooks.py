"""The webhooks' bodies, byte for byte those that a real 0.33.1 sent of the same alerts."""

import json
from datetime import UTC, datetime

import pytest

from bot.sandbox.alertmanager.alerts import Alert, fingerprint
from bot.sandbox.alertmanager.webhooks import NO_TIME, body_of, encoded, quoted
from tests.integrations.alertmanager.recorded import VERSIONS, list_webhook_scenarios, webhooks

NOW = datetime(2026, 11, 30, tzinfo=UTC)
OTHERS_BODY = {"custom_payload", "many_alerts_60_max10", "truncated_resolved_hides_firing"}


@pytest.mark.parametrize("scenario", sorted(set(list_webhook_scenarios("0.33")) - OTHERS_BODY))
def test_a_recorded_body_is_made_again(scenario: str) -> None:
    for sent in webhooks("0.33", scenario):
        if sent.method != "POST" or sent.path == "/token":
            continue
        then = json.loads(sent.body)
        alerts = [
            Alert(
                labels=told["labels"], annotations=told["annotations"], updated_at=NOW,
                starts_at=datetime.fromisoformat(told["startsAt"]),
                ends_at=NOW if told["endsAt"] == NO_TIME else datetime.fromisoformat(told["endsAt"]),
                is_kept=told["endsAt"] == NO_TIME, generator_url=told["generatorURL"],
            )
            for told in reversed(then["alerts"])
        ]  # fmt: skip
        made = body_of(
            alerts, NOW, receiver=then["receiver"].replace("\\", ""), group_labels=then["groupLabels"],
            group_key=then["groupKey"], external_url=then["externalURL"], reason=then["notification_reason"],
        )  # fmt: skip
        for now, once in zip(made["alerts"], then["alerts"], strict=True):
            for name in ("startsAt", "endsAt"):  # ours has milliseconds, as Prometheus
                assert now[name][:19] == once[name][:19]
                now[name] = once[name]
        assert encoded(made).decode() == sent.body


@pytest.mark.parametrize("version", VERSIONS)
def test_fingerprints_are_those_of_the_real_one(version: str) -> None:
    for scenario in ("group_firing", "special_characters", "many_alerts_60"):
        for sent in webhooks(version, scenario):
            for alert in json.loads(sent.body)["alerts"]:
                assert fingerprint(alert["labels"]) == alert["fingerprint"]


def test_a_receivers_name_is_quoted_as_a_regular_expression() -> None:
    assert quoted("slack.bot-prod (eu)") == r"slack\.bot-prod \(eu\)"
