"""Whatever comes from outside: it never becomes a mention, a link or a command, and never a block that is too large."""

import re
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.approval import Approval, Counted, RuleResult, Verdict
from bot.domain.card import ChangeCard, actions_of
from bot.domain.change import Change, ChangeKind, CommitLine, Merge, Proposal, Shipment, SyncFacts, ValueChange
from bot.domain.content_key import ContentKey
from bot.domain.dialog import ApproveDialog, DetailsDialog, DiffDialog, HistoryLine, ReasonDialog
from bot.domain.gate import Gate
from bot.domain.identity import ChangeId, ChannelId, Revision, UserId
from bot.domain.lifecycle import State
from bot.domain.live import SyncProgress, WaveProgress
from bot.domain.pipeline import SyncMode
from bot.domain.text import Code, Plain, Strong, Text
from bot.sandbox.slack.blocks import validate_message_blocks, validate_view
from bot.sandbox.slack.parts import WorkspaceNames
from bot.sandbox.slack.plain import mrkdwn as displayed
from bot.sandbox.slack.workspace import Workspace
from bot.slack.blocks.change_card import change_card
from bot.slack.blocks.dialogs import view
from bot.slack.blocks.limits import message_problems, view_problems
from bot.slack.blocks.message import said, without_mentions
from bot.slack.blocks.modal import Origin
from bot.slack.escape import mrkdwn, rich
from tests.properties.hostile import HOSTILE, SHORT, TOKEN, pieces

NAMES = WorkspaceNames(Workspace())
NOW = datetime(2026, 3, 4, 14, 5, tzinfo=UTC)
OURS = re.compile(
    r"<(@U0[A-Z0-9]+|!date\^\d+\^[^|<>]*\|[^<>|]*|https://(forge|argocd)\.example\.com/[^|<>]*\|[^<>|]*)>"
)


@given(HOSTILE, st.integers(min_value=1, max_value=3_000))
def test_outside_text_is_never_markup(text: str, most: int) -> None:
    shown = mrkdwn(Text.of(Plain(text)), most)
    assert "<" not in shown
    assert ">" not in shown
    assert re.sub(r"&(amp|lt|gt);", "", shown).find("&") == -1
    assert len(shown) <= most


@given(HOSTILE)
def test_outside_text_is_displayed_as_it_stands_in_the_markup(text: str) -> None:
    """Nothing is taken for formatting: what is displayed is the markup with its three entities decoded."""
    shown = mrkdwn(Text.of(Plain(text)))
    assert displayed(shown, NAMES) == shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@given(HOSTILE, st.integers(min_value=1, max_value=2_800))
def test_outside_text_is_text_in_rich_text(text: str, most: int) -> None:
    elements = rich(Text.of(Plain(text), Strong(text), Code(text)), most)
    assert all(element["type"] == "text" for element in elements)
    assert sum(len(element["text"]) for element in elements) <= most + 1
    assert not any(character in "\x00\u202e\u2066\r" for element in elements for character in element["text"])


@given(st.lists(st.one_of(HOSTILE.map(Plain), HOSTILE.map(Strong), HOSTILE.map(Code)), max_size=30))
@settings(max_examples=50, deadline=None)
def test_what_we_say_fits_a_message(parts: list[Any]) -> None:
    message = said(Text(tuple(parts)))
    assert not message.blocks or message_problems(message) == []
    assert validate_message_blocks(message.blocks) == []


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """A change in any state in which all foreign text is hostile, and there is a lot of it."""
    outside = draw(HOSTILE)
    many = draw(st.integers(min_value=0, max_value=60))
    key = ContentKey(
        paths={outside: "a"}, widened=draw(st.none() | SHORT), destination=outside, project=outside, source_digest="s",
        sync_digest="y",
    )  # fmt: skip
    value = ValueChange(name=draw(HOSTILE), old=draw(HOSTILE), new=draw(HOSTILE), file=outside)
    commit = CommitLine(revision=Revision("c" * 40), subject=draw(HOSTILE), author=draw(SHORT))
    shipment = Shipment(
        values=(value,) * many, drifted=(value,) * many, also=(commit,) * many, also_paths=(outside,) * many,
        also_total=many * 2, source_ahead=many, carried=(commit,) * many, carried_total=many,
        prunes=(outside,) * many, notes=(outside,) * many, files=(outside,) * min(many, 20),
        files_total=draw(st.sampled_from([0, many * 3])),
    )  # fmt: skip
    proposal = Proposal(
        branch=outside, base_branch=outside, base=Revision("1" * 40), head=Revision("2" * 40), pull_request=1,
        link="https://forge.example.com/1", key=key, source_revision=Revision("3" * 40),
        active_revision=Revision("4" * 40), active_history_id=1, shipment=shipment, diff=outside * 20,
    )  # fmt: skip
    merge = Merge(revision=Revision("5" * 40), key=key, by=outside, at=NOW, by_hand=True, differences=(outside,) * many)
    approval = Approval(change=ChangeId("01H"), user=UserId("U0APPR1"), person="p", fingerprint="f", at=NOW)
    counted = (Counted(approval=approval, counts=False, reason=outside),) * many
    return Change(
        id=ChangeId("01HZX3K6Q4T8V2M5N7P9R1S3WA"), number=42, kind=ChangeKind.PROMOTION, application="apm-stack",
        environment="production", source_environment="staging", sync_mode=SyncMode.CONTROLLED,
        requested_by=UserId("U0DEV1"), requested_at=NOW, channel=ChannelId("C0DEPLOY"), asked_in=ChannelId("C0DEPLOY"),
        state=draw(st.sampled_from(State)), state_since=NOW, reason=outside, proposal=proposal,
        merge=draw(st.sampled_from([None, merge])), cause=draw(HOSTILE), still_runs=outside, void_because=outside,
        gates=(Gate.waiting("checks", outside, link="https://forge.example.com/1"),) * many, trouble_since=NOW,
        approvals=RuleResult(rule="quorum", verdict=Verdict.WAITING, reason=draw(SHORT), counted=counted),
        sync=SyncFacts(operation=None, asked_at=NOW, left_behind=(outside,) * many, moved_on=many),
        progress=SyncProgress(
            waves=(WaveProgress(wave=0, done=1, total=2),) * many, waiting_for=(outside,) * many, message=outside,
            hooks=(outside,) * many,
        ),
    )  # fmt: skip


def card_of(change: Change) -> ChangeCard:
    return ChangeCard(
        change=change, sync_mode=change.sync_mode, approvals_needed=2, may_approve=("S0PLATFORM", "role:release"),
        prune=True, actions=actions_of(change), asks_confirmation=True,
        application_link="https://argocd.example.com/applications/argocd/apm-stack-production",
    )  # fmt: skip


def only_ours(rendered: Any) -> bool:
    """No mention, channel or link but those that we put there, in rich text and in markup."""
    for piece in pieces(rendered):
        match piece.get("type"):
            case "user":
                assert piece["user_id"].startswith("U0DEV1") or piece["user_id"] == "U0APPR1"
            case "usergroup":
                assert piece["usergroup_id"] == "S0PLATFORM"
            case "link":
                assert piece["url"].startswith(("https://forge.example.com/", "https://argocd.example.com/"))
            case "channel" | "broadcast" | "emoji":
                raise AssertionError(piece)
            case "mrkdwn":
                assert piece["verbatim"] is True
                assert all(OURS.fullmatch(token) for token in TOKEN.findall(piece["text"])), piece["text"]
    return True


@given(changes())
@settings(max_examples=150, deadline=None)
def test_a_hostile_change_makes_a_card_that_slack_takes(change: Change) -> None:
    message = change_card(card_of(change))
    for shown in (message, without_mentions(message)):
        assert message_problems(shown) == []
        assert validate_message_blocks(shown.blocks) == []
        assert only_ours(shown.blocks)
        assert TOKEN.findall(shown.text) == []
        assert shown.text.startswith(f"apm-stack → production: {change.state.value}")


@given(changes(), HOSTILE)
@settings(max_examples=60, deadline=None)
def test_a_hostile_change_makes_dialogs_that_slack_takes(change: Change, outside: str) -> None:
    card = card_of(change)
    history = (HistoryLine(at=NOW, text=Text.of(outside)),) * 70
    reason = ReasonDialog(change=change.id, fingerprint="f" * 64, title=outside, explanation=Text.of(outside))
    for dialog in (
        ApproveDialog(card=card, fingerprint="f" * 64), DetailsDialog(card=card, history=history),
        DiffDialog(card=card, diff=outside * 30), reason,
    ):  # fmt: skip
        made = view(dialog, Origin(channel=ChannelId("C0DEPLOY"), respond_to="https://hooks.example.com/x"))
        assert view_problems(made) == []
        assert validate_view(made) == []
        assert only_ours(made)
