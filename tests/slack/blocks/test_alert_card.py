"""The card of an alert group, case by case: as kept in a golden file, within Slack's limits, and read as a person."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.alerts.alert import Alert, AlertState
from bot.domain.alerts.card import AlertAction, AlertCard, card_of
from bot.domain.alerts.group import (
    MOST_ALERTS,
    Acknowledgement,
    AlertGroup,
    ChangeBefore,
    GroupState,
    SilenceSeen,
    Tie,
    TiedBy,
)
from bot.domain.alerts.policy import AlertSource, AlertsPolicy
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.silence import SilenceRef, read_ref
from bot.domain.identity import GroupId
from bot.sandbox.slack.blocks import validate_message_blocks
from bot.sandbox.slack.parts import WorkspaceNames
from bot.sandbox.slack.plain import message as plain
from bot.sandbox.slack.workspace import Workspace
from bot.slack.blocks.alert_card import alert_card, first_alert_card
from bot.slack.blocks.limits import message_problems
from bot.slack.blocks.message import RenderedMessage
from tests.alert_examples import GROUP, LABELS, alert, group
from tests.examples import APPROVER, CHANGE, DEVELOPER, NOW

MINUTE = timedelta(minutes=1)
POLICY = AlertsPolicy(sources={"default": AlertSource(name="default", url="https://alertmanager.example.com")})
PLATFORM = GroupId("S0PLATFORM")
TIE = Tie(application="apm-stack", environment="production", by=TiedBy.LABELS)
BEFORE = ChangeBefore(
    id=CHANGE, number=42, by=DEVELOPER, shipped_at=NOW - 12 * MINUTE, versions="2.15.1", pull_number=187,
    pull_url="https://github.example.com/example/apm/pull/187",
)  # fmt: skip
KNOWN = Acknowledgement(by=APPROVER, at=NOW + MINUTE)
SILENCE = SilenceSeen(
    id="s1", by="approver-1 (U0APPR1)", ends_at=NOW + timedelta(hours=4), comment="new disks come (tiphys:01J0A)"
)


def valued(service: str, value: str, started: int, **facts: Any) -> Alert:
    said = {"summary": "The API answers with errors", "value": value, "team": "platform",
            "runbook_url": "https://runbooks.example.com/errors",
            "dashboard": "https://grafana.example.com/d/api"}  # fmt: skip
    return alert(service, annotations=said, starts_at=NOW - timedelta(minutes=started), **facts)


def over(service: str, value: str = "0 %") -> Alert:
    return valued(service, value, 5, state=AlertState.RESOLVED, ends_at=NOW - MINUTE)


def three(**facts: Any) -> AlertGroup:
    return group(
        valued("apm-api", "12 %", 3), valued("apm-ingest", "9 %", 2), valued("apm-query", "6 %", 1), over("apm-ui"),
        tie=TIE, change=BEFORE, **facts,
    )  # fmt: skip


def resolved(**facts: Any) -> AlertGroup:
    return group(
        over("apm-api"), state=GroupState.RESOLVED, opened_at=NOW - 14 * MINUTE, resolved_at=NOW, tie=TIE, **facts
    )


def silenced() -> AlertGroup:
    hidden = {"state": AlertState.SILENCED, "silenced_by": ("s1",)}
    return group(
        valued("apm-api", "12 %", 3, **hidden), valued("apm-query", "6 %", 1, **hidden), silences=(SILENCE,), tie=TIE
    )


def partly() -> AlertGroup:
    many = tuple(SilenceSeen(id=f"s{n}", by=f"somebody {n}", ends_at=NOW + n * MINUTE) for n in range(2, 6))
    return group(
        valued("apm-api", "12 %", 3), valued("apm-query", "6 %", 1, state=AlertState.SILENCED, silenced_by=("s1",)),
        valued("apm-ui", "5 %", 1, state=AlertState.INHIBITED),
        valued("apm-web", "1 %", 1, state=AlertState.UNREPORTED),
        silences=(SILENCE, *many),
    )  # fmt: skip


def pods(number: int, **facts: Any) -> AlertGroup:
    services = ("apm-api",) * 40 + ("apm-query",) * 12 + tuple(f"apm-small-{n}" for n in range(number))
    labels = ({**LABELS, "service": services[n], "pod": f"{services[n]}-{n:04x}"} for n in range(number))
    return group(*(alert(f"pod-{n}", labels=said) for n, said in enumerate(labels)), **facts)


def huge() -> AlertGroup:
    """More of everything than anybody wants to read."""
    long = "x" * 5_000
    labels = {"alertname": long} | {f"{long}{n}": long for n in range(300)}
    alerts = tuple(
        alert(str(n), labels=labels | {f"differs{m}{long}": f"{long}{n}" for m in range(50)},
              annotations=dict.fromkeys(("summary", "owner", "team", "runbook", "dashboard"), f"{long}{n}"))
        for n in range(30)
    )  # fmt: skip
    silences = tuple(SilenceSeen(id=str(n), by=long, ends_at=NOW, comment=long) for n in range(9))
    before = ChangeBefore(
        id=CHANGE, number=42, by=DEVELOPER, shipped_at=NOW, versions=long, pull_url="https://github.example.com/1"
    )
    return group(
        *alerts, group_labels=labels, truncated=70_000, silences=silences, change=before, acknowledged=KNOWN,
        tie=Tie(application=long, environment=long, by=TiedBy.GUESS),
    )  # fmt: skip


FLIPS = tuple(NOW + n * MINUTE for n in range(6))
CASES: dict[str, Callable[[], AlertGroup]] = {
    "critical": three,
    "acknowledged": lambda: three(acknowledged=KNOWN, assigned_to=DEVELOPER),
    "acknowledged-for-a-while": lambda: three(
        acknowledged=Acknowledgement(by=APPROVER, at=NOW, until=NOW + timedelta(hours=1))
    ),
    "assigned": lambda: three(assigned_to=DEVELOPER),
    "single": lambda: group(tie=TIE),
    "warning": lambda: group(severity=Severity.WARNING),
    "info": lambda: group(severity=Severity.INFO),
    "no-severity": lambda: group(severity=Severity.NONE),
    "guess": lambda: group(
        tie=Tie(application="apm-stack", environment="production", by=TiedBy.GUESS), change=BEFORE
    ),
    "application-only": lambda: group(tie=Tie(application="apm-stack", environment=None, by=TiedBy.MATCHERS)),
    "silenced": silenced,
    "partly-silenced": partly,
    "flapping": lambda: three(is_flapping=True, flips=FLIPS),
    "flapping-and-over-just-now": lambda: resolved(is_flapping=True, flips=FLIPS),
    "many": lambda: pods(60, tie=TIE),
    "truncated": lambda: pods(10, truncated=50),
    "more-than-are-kept": lambda: pods(MOST_ALERTS, truncated=200),
    "no-alertname": lambda: group(
        alert(labels={"severity": "critical", "node": "n1"}), group_labels={"node": "n1", "zone": "a"}
    ),
    "huge": huge,
    "resolved": resolved,
    "resolved-acknowledged": lambda: resolved(acknowledged=KNOWN),
    "resolved-assigned-after-a-change": lambda: resolved(assigned_to=DEVELOPER, change=BEFORE),
}  # fmt: skip
STATES = {"flapping": "flapping", "flapping-and-over-just-now": "flapping", "resolved": "resolved",
          "resolved-acknowledged": "resolved", "resolved-assigned-after-a-change": "resolved"}  # fmt: skip


def card(case: str, **facts: Any) -> AlertCard:
    return card_of(CASES[case](), POLICY, **facts)


def read(message: RenderedMessage) -> str:
    """The card as a person reads it."""
    return plain(message.text, message.blocks, [], WorkspaceNames(Workspace()))


@pytest.mark.parametrize("case", CASES)
def test_each_case_is_as_kept_and_within_the_limits(case: str, golden: Any) -> None:
    message = alert_card(card(case))
    assert message_problems(message) == []
    assert validate_message_blocks(message.blocks) == []
    assert message.metadata == {"event_type": "tiphys_alert", "event_payload": {"group": GROUP}}
    if case not in ("huge", "no-alertname"):
        assert message.text.startswith(f"HighErrorRate: {STATES.get(case, 'firing')} ·")
    golden(f"alert-{case}", {"text": message.text, "blocks": message.blocks, "metadata": message.metadata})


def test_no_golden_file_is_left_over() -> None:
    kept = {file.stem for file in (Path(__file__).parents[1] / "golden").glob("alert-*.json")}
    assert kept == {f"alert-{case}" for case in CASES}


def test_who_is_on_call_reads_what_he_needs_from_the_top() -> None:
    assert read(alert_card(card("critical"))).splitlines() == [
        "🔥 HighErrorRate · apm-stack · production",
        "critical · 3 firing, 1 resolved · since Mar 4, 2026 at 14:02",
        "7 min after #42 (2.15.1, @developer) · PR #187 ↗",
        "The API answers with errors",
        "service     value",
        "apm-query   6 %   Mar 4, 2026 at 14:04",
        "apm-ingest  9 %   Mar 4, 2026 at 14:03",
        "apm-api     12 %  Mar 4, 2026 at 14:02",
        "apm-ui      0 %   ✅ resolved Mar 4, 2026 at 14:04",
        "namespace=apm-production",
        "owner: platform",
        "runbook (runbooks.example.com) ↗ · dashboard (grafana.example.com) ↗ · graph (prometheus.example.com) ↗",
        "Acknowledge  Assign…  Silence…  Change #42",
    ]


def test_it_shows_whose_it_is() -> None:
    assert "✋ acknowledged by @approver-1, Mar 4, 2026 at 14:06 · assigned to @developer" in read(
        alert_card(card("acknowledged"))
    )
    assert "until Mar 4, 2026 at 15:05" in read(alert_card(card("acknowledged-for-a-while")))
    assert "👤 assigned to @developer" in read(alert_card(card("assigned")))


def test_a_guess_is_shown_as_one() -> None:
    shown = read(alert_card(card("guess")))
    assert "perhaps apm-stack · production" in shown
    assert "if that is right, 9 min after #42" in shown


def test_silences_are_shown_with_their_end_author_and_words() -> None:
    assert "🔕 HighErrorRate" in read(alert_card(card("silenced")))
    shown = read(alert_card(card("partly-silenced")))
    assert "🔥 HighErrorRate" in shown
    assert "1 firing, 1 silenced, 1 inhibited, 1 not reported" in shown
    assert "🔕 1 silenced until Mar 4, 2026 at 18:05 by approver-1 (U0APPR1) (s1): new disks come\n" in shown, (
        "without our mark"
    )
    assert "🔕 and 2 more silences" in shown
    assert "❔ 1 not reported any more (silenced, or over); being checked" in shown


def test_a_silence_has_its_buttons_and_each_of_several_says_which() -> None:
    def pressed(shown: RenderedMessage) -> list[tuple[str, str, str]]:
        rows = [block["elements"] for block in shown.blocks if block["type"] == "actions"][1:]
        found = [button for row in rows for button in row]
        return [(one["action_id"], one["text"]["text"], json.loads(one["value"])["silence"]) for one in found]

    assert pressed(alert_card(card("silenced"))) == [
        ("silence.extend", "Extend silence…", "s1"), ("silence.expire", "Expire silence", "s1"),
    ]  # fmt: skip
    several = pressed(alert_card(card("partly-silenced")))
    assert [label for _, label, _ in several] == [
        "Extend s1…", "Expire s1", "Extend s5…", "Expire s5", "Extend s4…", "Expire s4",
    ]  # fmt: skip
    silenced = card("silenced")
    ref = read_ref(SilenceRef(source="default", id="s1", ends_at=silenced.silences[0].ends_at).written())
    assert ref is not None
    assert ref.ends_at == silenced.silences[0].ends_at.replace(microsecond=0)
    without_api = replace(silenced, actions=tuple(a for a in silenced.actions if a is not AlertAction.SILENCE))
    assert pressed(alert_card(without_api)) == []
    strange = SilenceSeen(id="x" * 3_000, by="", ends_at=silenced.silences[0].ends_at)
    assert pressed(alert_card(replace(silenced, group=replace(silenced.group, silences=(strange,))))) == []


def test_a_flapping_group_says_how_often() -> None:
    for case in ("flapping", "flapping-and-over-just-now"):
        shown = read(alert_card(card(case)))
        assert "〰️ HighErrorRate" in shown
        assert "flapping: began or ended 6 times since Mar 4, 2026 at 14:05" in shown


def test_many_alerts_are_told_by_what_they_share_and_the_rest_is_counted() -> None:
    shown = read(alert_card(card("many")))
    assert "service: apm-api 40, apm-query 12 and 8 other values" in shown
    assert "pod: 60 different" in shown
    assert "… and 55 more (55 firing): /gitops alerts" in shown


def test_what_was_not_sent_is_counted() -> None:
    shown = read(alert_card(card("truncated")))
    assert "at least 10 firing" in shown
    assert "and 50 more that Alertmanager did not send" in shown
    assert "and 200 more, beyond the 1,000 that are kept" in read(alert_card(card("more-than-are-kept")))


def test_of_what_was_not_sent_nobody_knows_whether_it_fires() -> None:
    shown = read(alert_card(card_of(group(over("a"), over("b"), truncated=50), POLICY)))
    assert "critical · 2 resolved, the others are not known" in shown


def test_even_the_hugest_card_says_what_it_leaves_out() -> None:
    shown = read(alert_card(card("huge")))
    for words in ("and 6 more silences", "70,000 more", "… and 25 more", "and 44 more", "(+29 more)", "more labels"):
        assert words in shown, words


def test_a_resolved_card_is_one_line_without_buttons() -> None:
    assert read(alert_card(card("resolved-acknowledged"))) == (
        "✅ HighErrorRate resolved · apm-stack · production · 14 min · @approver-1 had it"
    )
    assert read(alert_card(card("resolved-assigned-after-a-change"))).endswith("14 min · after #42 · @developer had it")


def test_buttons_carry_ids_only() -> None:
    buttons = {e["action_id"]: e["value"] for e in alert_card(card("critical")).blocks[-1]["elements"]}
    assert buttons == {
        "alert.acknowledge": f'{{"group":"{GROUP}"}}', "alert.assign": f'{{"group":"{GROUP}"}}',
        "alert.silence": f'{{"group":"{GROUP}"}}', "alert.change": f'{{"group":"{GROUP}","change":"{CHANGE}"}}',
    }  # fmt: skip


def test_the_first_posting_pings_the_route_and_nobody_else() -> None:
    known = card("acknowledged", mentions=(PLATFORM,))
    first, later = first_alert_card(known), alert_card(known)
    assert message_problems(first) == []
    assert "📣 @platform-team" in read(first)
    assert first.text.endswith(" · <!subteam^S0PLATFORM>")
    shown = str(first.blocks)
    assert "'usergroup_id': 'S0PLATFORM'" in shown
    assert "'user_id'" not in shown
    assert "<@" not in first.text + shown
    assert "'user_id'" in str(later.blocks)
    assert read(later) == read(first).replace("@U0APPR1", "@approver-1").replace("@U0DEV1", "@developer")


def test_a_first_posting_that_speaks_of_nobody_is_the_card_itself() -> None:
    for mentions in ((), (PLATFORM, DEVELOPER)):
        known = card("single", mentions=mentions)
        assert first_alert_card(known).digest == alert_card(known).digest


def test_a_resolved_card_pings_nobody() -> None:
    known = card("resolved-acknowledged", mentions=(PLATFORM,))
    for message in (alert_card(known), first_alert_card(known)):
        assert "S0PLATFORM" not in message.text + str(message.blocks)


def test_very_many_to_ping_are_counted() -> None:
    message = first_alert_card(card("single", mentions=tuple(GroupId(f"S0{n:02}") for n in range(12))))
    assert message.text.endswith("<!subteam^S009> and 2 more")


def test_a_summary_that_each_alert_has_of_its_own_is_an_example() -> None:
    two = group(*(alert(pod, annotations={"summary": f"{pod} " * 30}) for pod in ("a", "b")))
    assert "e.g. a a a" in read(alert_card(card_of(two, POLICY)))


def test_a_link_names_its_host_and_words_are_no_link() -> None:
    said = {"runbook": "https://github.com@evil.example.com/", "dashboard": f"https://{'a' * 80}.evil.example.com/"}
    message = alert_card(card_of(group(alert(annotations=said, generator_url="")), POLICY))
    assert "runbook: left out: its address carries credentials" in read(message)
    assert "aaa.evil.example.com) ↗" in read(message)
    assert [e["url"] for b in message.blocks for s in b.get("elements", []) for e in s.get("elements", [])
            if e.get("type") == "link"] == [said["dashboard"]]  # fmt: skip


def test_the_digest_follows_what_is_seen() -> None:
    known = three()
    assert alert_card(card_of(known, POLICY)).digest == alert_card(card_of(replace(known, version=9), POLICY)).digest
    assert alert_card(card_of(known, POLICY)).digest != alert_card(card("acknowledged")).digest


@pytest.mark.parametrize(("tie", "shown"), [(TIE, False), (None, True)])
def test_labels_of_ours_are_shown_only_where_they_are_not_understood(tie: Tie | None, shown: bool) -> None:
    named = group(alert(labels={**LABELS, "tiphys_application": "apm-stack"}), tie=tie)
    assert ("tiphys_application" in read(alert_card(card_of(named, POLICY)))) is shown
