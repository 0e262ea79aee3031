"""What is read out of a webhook's body: every recorded one, and what is refused."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.alerts.alert import AlertState
from bot.integrations.alertmanager.webhook import check_snapshot, read_snapshot
from bot.ports_alerts import NotASnapshot
from tests.integrations.alertmanager.recorded import VERSIONS, list_webhook_scenarios, webhooks

FIRING, RESOLVED = AlertState.FIRING, AlertState.RESOLVED


@pytest.mark.parametrize("version", VERSIONS)
def test_every_webhook_that_was_recorded_is_read_whole(version: str) -> None:
    read = 0
    for scenario in list_webhook_scenarios(version):
        for sent in webhooks(version, scenario):
            if sent.method == "GET" or sent.path == "/token" or scenario == "custom_payload":
                continue  # a redirection that was followed, OAuth2, and a body of somebody's own
            snapshot, document = read_snapshot("default", sent.body), json.loads(sent.body)
            check_snapshot("default", sent.body)
            assert snapshot.group_key == document["groupKey"]
            assert snapshot.truncated == document["truncatedAlerts"]
            assert [alert.state.value for alert in snapshot.alerts] == [a["status"] for a in document["alerts"]]
            assert [alert.labels for alert in snapshot.alerts] == [a["labels"] for a in document["alerts"]]
            assert [alert.annotations for alert in snapshot.alerts] == [a["annotations"] for a in document["alerts"]]
            assert all((alert.ends_at is None) == (alert.state is FIRING) for alert in snapshot.alerts)
            read += 1
    assert read > 100


def test_a_firing_alert_has_no_end_and_times_are_cut_to_milliseconds() -> None:
    firing, resolved = (read_snapshot("eu", sent.body) for sent in webhooks("0.33", "resolve_timeout"))
    assert firing.source == "eu"
    assert firing.alerts[0].starts_at == datetime(2026, 11, 23, 11, 50, 9, 372_000, tzinfo=UTC)  # of 372648837 ns
    assert (firing.alerts[0].state, firing.alerts[0].ends_at) == (FIRING, None)  # the year 1 on the wire
    assert resolved.alerts[0].state is RESOLVED
    assert resolved.alerts[0].ends_at == datetime(2026, 11, 23, 11, 50, 13, 372_000, tzinfo=UTC)
    assert firing.alerts[0].fingerprint == resolved.alerts[0].fingerprint


def test_a_receivers_name_is_its_own_again() -> None:
    receivers = {read_snapshot("default", sent.body).receiver for sent in webhooks("0.28", "group_keys_and_receivers")}
    assert "slack.bot-prod (eu)" in receivers
    assert read_snapshot("default", body(receiver=r"a\\b\$\^\|\d")).receiver == r"a\b$^|\d"


def test_special_characters_stay() -> None:
    alerts = read_snapshot("default", webhooks("0.33", "special_characters")[0].body).alerts
    text = " ".join(text for alert in alerts for text in (*alert.labels.values(), *alert.annotations.values()))
    for part in ("<!channel>", "\x1b", "\u202e", "\u2028", "&", '"', "\\"):
        assert part in text, repr(part)


def test_the_alerts_left_out_are_counted() -> None:
    [*_, last] = webhooks("0.33", "truncated_resolved_hides_firing")
    snapshot = read_snapshot("default", last.body)
    assert (snapshot.truncated, {alert.state for alert in snapshot.alerts}) == (50, {RESOLVED})


def test_those_left_out_of_a_group_that_is_over_as_a_whole_are_over_too() -> None:
    """Nothing follows on that webhook: who counted on them would wait for ever."""
    [*_, last] = webhooks("0.33", "truncated_resolved_hides_firing")
    document = {**json.loads(last.body), "notification_reason": "all alerts resolved"}
    assert read_snapshot("default", json.dumps(document)).truncated == 0
    document["alerts"][0] |= {"status": "firing", "endsAt": "0001-01-01T00:00:00Z"}
    assert read_snapshot("default", json.dumps(document)).truncated == 50


def test_grafanas_body_is_read_by_the_same_fields() -> None:
    snapshot = read_snapshot("grafana", body(version="1", orgId=1, title="[FIRING:1] x", state="alerting", message="…"))
    assert (snapshot.source, snapshot.alerts[0].name) == ("grafana", "KubePodCrashLooping")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"version": "3"}, '`version` is neither "4"'),
        ({"version": None}, '`version` is neither "4"'),
        ({"version": 4}, '`version` is neither "4"'),
        ({"alerts": None}, "`alerts`: Field required"),
        ({"alerts": []}, "`alerts`: "),
        ({"alerts": [None]}, "`alerts.0`: an object is expected"),
        ({"groupKey": ""}, "`groupKey`: "),
        ({"groupKey": None}, "`groupKey`: Field required"),
        ({"groupLabels": {"<!channel>": 1}}, "`groupLabels`: "),
        ({"receiver": ""}, "`receiver`: "),
        ({"truncatedAlerts": "3"}, "`truncatedAlerts`: "),
        ({"truncatedAlerts": -1}, "`truncatedAlerts`: "),
    ],
)
def test_what_is_no_snapshot_is_refused_by_field(facts: dict[str, Any], reason: str) -> None:
    said = refusal(body(**facts))
    assert said.startswith(reason)
    assert "<!channel>" not in said


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"status": "suppressed"}, "status"),
        ({"labels": {}}, "labels"),
        ({"labels": {"secret-name": 1}}, "labels"),
        ({"annotations": {"a": None}}, "annotations"),
        ({"fingerprint": "0EED2C35EEB33695"}, "fingerprint"),
        ({"startsAt": "yesterday"}, "startsAt"),
        ({"startsAt": "0001-01-01T00:00:00Z"}, "startsAt"),
        ({"startsAt": "2026-01-01T00:00:00"}, "startsAt"),
        ({"startsAt": 1_700_000_000}, "startsAt"),
        ({"endsAt": "9999-12-31T23:59:59-12:00"}, "endsAt"),
    ],
)
def test_an_alert_that_is_none_is_refused_by_field(facts: dict[str, Any], field: str) -> None:
    document = json.loads(body())
    document["alerts"][0].update(facts)
    said = refusal(json.dumps(document))
    assert said.startswith(f"`alerts.0.{field}`: ")
    assert "secret-name" not in said


@pytest.mark.parametrize("raw", ["", "{", "[" * 5_000, b"\xff", '{"version": "4", "groupKey": "\\ud800"}'])
def test_what_is_no_json_is_refused(raw: str | bytes) -> None:
    assert refusal(raw) == "it is not JSON"


@pytest.mark.parametrize("raw", ["[]", "null", "4", '"x"'])
def test_what_is_no_object_is_refused(raw: str) -> None:
    assert refusal(raw).startswith("it is not an object")


def test_a_body_of_somebodys_own_is_refused_with_the_way_out() -> None:
    [sent] = webhooks("0.33", "custom_payload")
    assert "no `payload`" in refusal(sent.body)


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_comes_through_as_it_is(text: str) -> None:
    document = json.loads(body(groupKey=text))
    document["alerts"][0].update(labels={text: text}, annotations={text: text})
    for written in (json.dumps(document), json.dumps(document, ensure_ascii=False).encode()):
        snapshot = read_snapshot("default", written)
        assert snapshot.group_key == text
        assert (snapshot.alerts[0].labels, snapshot.alerts[0].annotations) == ({text: text}, {text: text})


def refusal(raw: str | bytes) -> str:
    """Why it is not taken: who takes it in and who works it off say the same."""
    with pytest.raises(NotASnapshot) as read:
        read_snapshot("default", raw)
    with pytest.raises(NotASnapshot) as checked:
        check_snapshot("default", raw)
    assert str(checked.value) == str(read.value)
    return str(read.value)


def body(**facts: Any) -> str:
    """The recorded body of one firing alert, with other facts."""
    document = copy.deepcopy(json.loads(webhooks("0.33", "firing_single")[0].body))
    return json.dumps(document | facts)
