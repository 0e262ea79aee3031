"""Alerts as an attacker would write them: whatever stands in their labels, the cards stay ours and Slack takes them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.alerts.alert import Alert, AlertState
from bot.domain.alerts.card import card_of
from bot.domain.alerts.group import (
    Acknowledgement,
    AlertGroup,
    AlertGroupId,
    ChangeBefore,
    GroupState,
    SilenceSeen,
    Tie,
    TiedBy,
)
from bot.domain.alerts.links import LONGEST, vetted
from bot.domain.alerts.policy import AlertSource, AlertsPolicy
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.standing import stands
from bot.domain.alerts.storm import Storm, StormGroup
from bot.domain.identity import ChangeId, ChannelId, GroupId, UserId
from bot.sandbox.slack.blocks import validate_message_blocks
from bot.slack.blocks.alert_card import alert_card, first_alert_card
from bot.slack.blocks.limits import message_problems, text_length
from bot.slack.blocks.message import RenderedMessage, said
from bot.slack.blocks.storm_card import storm_card
from tests.properties.hostile import HOSTILE, SHORT, TOKEN, pieces

NOW = datetime(2026, 3, 4, 14, 5, tzinfo=UTC)
POLICY = AlertsPolicy(sources={"default": AlertSource(name="default", url="https://alertmanager.example.com")})
GROUP, CHANNEL, PLATFORM = AlertGroupId("01J0A1B2C3D4E5F6G7H8J9K0MN"), ChannelId("C0ALERTS"), GroupId("S0PLATFORM")
PEOPLE = {"U0DEV1", "U0APPR1", PLATFORM}
ADDRESSES = st.sampled_from([
    "https://evil.example.com/x|y>", "https://a.example.com/<!channel>", "http://u:p@evil.example.com/", "javascript:x",
    "https://runbooks.example.com/" + "x" * 1_900, "https://ü.example.com/", "https://a.example.com/ü\u202e", "//x/y",
])  # fmt: skip
WHOLE = 13_000
"""Slack's own limit on all text of a message, with addresses counted too, as nobody knows whether it counts them."""


@st.composite
def texts(draw: st.DrawFn) -> Mapping[str, str]:
    """Labels or annotations: a few that we read, hostile names, sometimes very long or very many."""
    names = ("alertname", "severity", "summary", "description", "value", "owner", "runbook_url", "dashboard", "service")
    made = {name: draw(st.one_of(SHORT, HOSTILE, ADDRESSES)) for name in draw(st.sets(st.sampled_from(names)))}
    made |= draw(st.dictionaries(SHORT, HOSTILE, max_size=4))
    many, outside = draw(st.sampled_from([0, 0, 500])), draw(HOSTILE)
    made |= {f"{n}{outside[:40]}": f"{n}{outside}" for n in range(many)}
    if draw(st.booleans()):
        made["summary"] = outside * (10_000 // (len(outside) or 1))
    return made


@st.composite
def groups(draw: st.DrawFn) -> AlertGroup:
    """Up to a few dozen alerts in any states, of a group in any state, in which all foreign text is hostile."""
    kinds = draw(st.lists(st.tuples(texts(), texts(), st.sampled_from(AlertState)), min_size=1, max_size=3))
    alerts = tuple(
        Alert(
            fingerprint=f"{n:016x}", labels={**labels, f"differs{n % 7}": f"{n}"}, annotations=annotations, state=state,
            starts_at=NOW - timedelta(minutes=n), ends_at=NOW if state is AlertState.RESOLVED else None,
            silenced_by=("s0",), generator_url=draw(st.one_of(ADDRESSES, SHORT)) if n < 3 else "",
        )
        for n, (labels, annotations, state) in enumerate(kinds * draw(st.integers(min_value=1, max_value=12)))
    )  # fmt: skip
    outside, is_over = draw(HOSTILE), draw(st.booleans())
    return AlertGroup(
        id=GROUP, number=7, source="default", receiver=outside, group_key=outside,
        group_labels=draw(st.one_of(texts(), st.just({"alertname": outside}))),
        state=GroupState.RESOLVED if is_over else GroupState.FIRING, alerts=alerts,
        severity=draw(st.sampled_from(Severity)), opened_at=NOW, changed_at=NOW, resolved_at=NOW if is_over else None,
        truncated=draw(st.sampled_from([0, 50])), external_url=outside,
        tie=Tie(application=draw(SHORT), environment="production", by=draw(st.sampled_from(TiedBy))),
        change=ChangeBefore(id=ChangeId("01H"), number=42, by=UserId("U0DEV1"), shipped_at=NOW, versions=outside,
                            pull_number=187, pull_url="https://forge.example.com/187"),
        acknowledged=Acknowledgement(by=UserId("U0APPR1"), at=NOW), assigned_to=UserId("U0DEV1"),
        silences=tuple(SilenceSeen(id=f"s{n}", by=draw(SHORT), ends_at=NOW, comment=outside) for n in range(5)),
        is_flapping=draw(st.booleans()), flips=(NOW,) * 4,
    )  # fmt: skip


def assert_ours(message: RenderedMessage, *, addresses: bool = True) -> None:
    """No mention but of our people, no link without its host beside it, nothing that Slack would refuse or parse."""
    assert message_problems(message) == []
    assert validate_message_blocks(message.blocks) == []
    links: list[str] = []
    for piece in pieces(message.blocks):
        match piece.get("type"):
            case "user" | "usergroup":
                assert piece.get("user_id", piece.get("usergroup_id")) in PEOPLE
            case "link":
                links.append(piece["url"])
                assert piece["url"].startswith("https://forge.example.com/") or _names_its_host(piece)
            case "channel" | "broadcast" | "emoji" | "mrkdwn":
                raise AssertionError(piece)
            case "text" | "plain_text":
                assert not any(character in "\x00\u202e\u2066\r" for character in piece["text"])
    assert links == [] or addresses
    assert text_length(message.blocks) + sum(map(len, links)) < WHOLE
    tokens = TOKEN.findall(message.text)
    assert set(tokens) <= {f"<!subteam^{PLATFORM}>"}, tokens
    assert "\n" not in message.text


def _names_its_host(link: Mapping[str, Any]) -> bool:
    url, host = str(link["url"]), vetted(link["url"])[1]
    assert vetted(url)[0] == url
    assert url.isascii()
    assert not set('<>|"` \n') & set(url)
    return bool(link["text"] in {f"{kind} ({host}) ↗" for kind in ("runbook", "dashboard", "graph")})


@given(groups())
@settings(max_examples=50, deadline=None)
def test_a_hostile_group_makes_a_card_that_slack_takes(group: AlertGroup) -> None:
    card = card_of(group, POLICY, mentions=(PLATFORM,))
    for message in (alert_card(card), first_alert_card(card)):
        assert_ours(message)
    state = "flapping" if group.is_flapping else group.state.value
    assert f": {state} · " in alert_card(card).text
    pinged = {piece.get("user_id") or piece.get("usergroup_id") for piece in pieces(first_alert_card(card).blocks)}
    assert pinged <= {None, PLATFORM}


@given(st.lists(groups(), max_size=3), st.integers(min_value=1, max_value=60), st.booleans())
@settings(max_examples=20, deadline=None)
def test_hostile_groups_make_a_storm_that_slack_takes(few: list[AlertGroup], times: int, closed: bool) -> None:
    known = tuple(StormGroup.of(group) for group in few * times)
    storm = Storm(
        channel=CHANNEL,
        since=NOW,
        at=NOW,
        groups=known,
        changed=10**9,
        following=0,
        alone=7,
        closed_at=NOW if closed else None,
    )
    assert_ours(storm_card(storm), addresses=False)


@given(groups(), groups(), st.booleans())
@settings(max_examples=30, deadline=None)
def test_what_a_hostile_group_does_is_told_in_plain_words(before: AlertGroup, after: AlertGroup, again: bool) -> None:
    """Notes in the card's thread: which alerts began, ended, were silenced, by what tells them apart."""
    seen = stands(replace(before, is_flapping=False, flips=()), after, policy=POLICY, now=NOW, rest_fires=again)
    for note in seen.notes:
        assert_ours(said(note), addresses=False)


@given(st.one_of(ADDRESSES, HOSTILE, st.text(), st.builds("https://{}".format, st.text(max_size=20))))
def test_an_address_is_plain_ascii_or_none(value: str) -> None:
    url, shown = vetted(value)
    if url is not None:
        assert url.isascii()
        assert len(url) <= LONGEST
        assert not set(' <>|"`\\\n') & set(url)
        assert shown in url.lower()
        assert vetted(url) == (url, shown)
