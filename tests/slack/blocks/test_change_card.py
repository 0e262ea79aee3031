"""The change card, case by case: each as it is kept in a golden file, within Slack's limits, and read as a person."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.approval import Verdict
from bot.domain.card import CardAction
from bot.domain.change import ValueChange
from bot.domain.identity import UserId
from bot.domain.lifecycle import State
from bot.domain.pipeline import SyncMode
from bot.domain.text import Mention, Text
from bot.sandbox.slack.blocks import validate_message_blocks
from bot.sandbox.slack.parts import WorkspaceNames
from bot.sandbox.slack.plain import message as plain
from bot.sandbox.slack.workspace import Workspace
from bot.slack.blocks.change_card import change_card
from bot.slack.blocks.limits import message_problems
from bot.slack.blocks.message import RenderedMessage, without_mentions
from tests.slack.blocks.change_cards import CASES, TWO, S, failed, huge, well


def read(message: RenderedMessage) -> str:
    """The card as a person reads it."""
    return plain(message.text, message.blocks, [], WorkspaceNames(Workspace()))


@pytest.mark.parametrize("case", CASES)
def test_each_case_is_as_kept_and_within_the_limits(case: str, samples: S, golden: Any) -> None:
    card = CASES[case](samples)
    message = change_card(card)
    assert message_problems(message) == []
    assert validate_message_blocks(message.blocks) == []
    assert message.text.startswith(f"{card.change.title}: {card.change.state.value} ·")
    golden(f"card-{case}", {"text": message.text, "blocks": message.blocks, "metadata": message.metadata})


def test_no_golden_file_is_left_over() -> None:
    kept = {file.stem for file in (Path(__file__).parents[1] / "golden").glob("card-*.json")}
    assert kept == {f"card-{case}" for case in CASES}


def test_every_state_has_a_case(samples: S) -> None:
    assert {make(samples).change.state for make in CASES.values()} == set(State)


def test_even_the_hugest_card_says_what_it_leaves_out(samples: S) -> None:
    shown = read(change_card(huge(samples)))
    for words in ("52 more values", "26 more values", "497 more commits", "34 more that do not count",
                  "30 more, see Details"):  # fmt: skip
        assert words in shown
    [pruned] = [line for line in shown.splitlines() if "pruned" in line]
    assert pruned.startswith("⚠️ 40 resources will be pruned: Deployment/xxx")
    assert pruned.endswith("x… and 38 more, see Details")


@pytest.mark.parametrize(
    ("prune", "starts"),
    [
        (True, "⚠️ 30 resources will be pruned: CustomResource"),
        (False, "30 resources no longer in Git, left behind (pruning is off): CustomResource"),
    ],
)
@pytest.mark.parametrize("length", [1, 40, 66, 120, 400])
def test_how_many_are_pruned_is_read_however_long_their_names_are(
    samples: S, length: int, prune: bool, starts: str
) -> None:
    names = tuple(f"CustomResourceDefinition/{'y' * length}{n}" for n in range(30))
    change = samples.change(proposal=samples.proposal(shipment=samples.shipment(prunes=names)))
    shown = read(change_card(samples.card(change, prune=prune)))
    [pruned] = [line for line in shown.splitlines() if "resources" in line]
    assert pruned.startswith(starts)
    told = pruned.count("CustomResourceDefinition/")
    assert 1 <= told <= 6
    assert pruned.endswith(f" and {30 - told} more, see Details")


def test_of_a_merge_the_commits_and_files_are_read(samples: S) -> None:
    card = CASES["waiting-merge"](samples)
    shown = read(change_card(card))
    for words in (
        "example/gateway  1.7.0 → 1.8.0", "12 commits from staging", "0000000 Route /v0 · developer",
        "… and 9 more commits, see Details",
        "changes 31 files: routes/0.yaml, routes/1.yaml, routes/2.yaml and 28 more",
        "1 commit on main is not on staging and stays: 4d1e77c stop the leak",
    ):  # fmt: skip
        assert words in shown
    ends = read(change_card(well(samples, proposal=card.change.proposal)))
    assert "1.8.0 with 12 commits, 31 files" in ends
    bare = samples.shipment(values=(), carried=(), carried_total=1, files=("README.md",), files_total=1)
    ends = read(change_card(well(samples, proposal=samples.proposal(shipment=bare))))
    assert "succeeded · 1 commit, 1 file ·" in ends


def test_an_approver_reads_what_he_needs(samples: S) -> None:
    shown = read(change_card(CASES["waiting-one-approval"](samples)))
    for words in (
        "waiting for approval · 1 of 2", "may approve: @platform-team (not @developer)",
        "apm-api  2.14.0 → 2.15.1", "✅ staging is Healthy",
        "⏳ check build is pending", "❌ a sync window is closed", "PR #187", "back to: 9f3c2ab (history 14)",
        "approvals 1 of 2: @approver-1", "does not count: @developer (asked for it himself)",
    ):  # fmt: skip
        assert words in shown
    assert "also ships" not in shown


def test_nothing_is_offered_that_could_only_be_refused(samples: S) -> None:
    """Where no approvals are needed nobody can give one; and Sync is pressed once."""
    assert "Approve" not in read(change_card(CASES["waiting-no-approvals-needed"](samples)))
    assert "\nApprove  Reject…" in read(change_card(CASES["waiting"](samples)))
    asked = change_card(CASES["waiting-for-sync-asked"](samples))
    assert "change.sync" not in str(asked.blocks)
    assert "a sync window is closed\nSync asked by @developer" in read(asked)
    assert "change.sync" in str(change_card(CASES["waiting-for-sync"](samples)).blocks)


@pytest.mark.parametrize("state", [State.HELD, State.WAITING_FOR_APPROVAL])
def test_approvals_that_lapsed_are_not_counted_below_either(samples: S, state: State) -> None:
    """Whoever counted when there was a quorum does not count for ever."""
    change = samples.change(state, approved_by=TWO, approvals=samples.approvals(U0APPR2="lapsed"))
    shown = read(change_card(samples.card(change)))
    assert f"{state.value} · 0 of 2" in shown
    assert "⏳ approvals 0 of 2\n" in shown
    assert "approvals 2 of 2" not in shown


def test_after_the_merge_those_are_shown_who_approved_it(samples: S) -> None:
    facts = {"merge": samples.merge(), "approved_by": TWO, "approvals": samples.approvals("U0APPR1")}
    change = samples.change(State.WAITING_FOR_SYNC, sync_mode=SyncMode.MANUAL, **facts)
    assert "✅ approvals 2 of 2: @approver-1, @approver-2" in read(change_card(samples.card(change)))


def test_what_ships_beside_the_promotion_is_said(samples: S) -> None:
    shown = read(change_card(CASES["waiting-also-ships"](samples)))
    assert "also ships: 5 commits to deployments/k8s/base that are not part of this promotion" in shown
    assert "2 commits in staging's Git have not been deployed; not included" in shown
    assert "⚠️ 2 resources will be pruned: ConfigMap/old and Service/older\n" in shown


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("waiting-merged-by-hand",
         ("merged as 7777777 by developer; Tiphys does not sync it before it is approved",
          "Approve what was merged to ship it")),
        ("waiting-merged-by-hand-auto-sync",
         ("merged as 7777777 by developer; auto-sync is on: Argo CD ships it without waiting for an approval",
          "Approve what was merged, and Tiphys follows Argo CD's own sync")),
        ("merged-differs-synced",
         ("since the merge the Application changed\n", "merged as 7777777; it is synced already, not by Tiphys",
          "differs from what was approved in: the destination (in-cluster/apm → in-cluster/other)",
          "Approve what was merged, and Tiphys watches its health")),
    ],
)  # fmt: skip
def test_what_is_merged_and_not_approved_says_who_ships_it(samples: S, case: str, words: tuple[str, ...]) -> None:
    shown = read(change_card(CASES[case](samples)))
    assert "not synced" not in shown
    for said in words:
        assert said in shown


@pytest.mark.parametrize(
    ("facts", "merge", "says"),
    [
        ({"sync_mode": SyncMode.MANUAL}, {}, "Approve what was merged, and Sync can be pressed"),
        ({"sync_mode": SyncMode.MANUAL, "sync_asked_by": UserId("U0DEV1")}, {}, "Approve what was merged to ship it"),
        ({"sync_mode": SyncMode.AUTOMATED}, {}, "then turn auto-sync on or sync in Argo CD"),
        ({"sync_mode": SyncMode.AUTOMATED}, {"auto_sync": True}, "Tiphys follows Argo CD's own sync"),
    ],
)
def test_what_a_yes_to_a_merge_brings_is_said(samples: S, facts: Any, merge: Any, says: str) -> None:
    waiting = samples.change(merge=samples.merge(by_hand=True, **merge), approvals=samples.approvals(), **facts)
    assert says in read(change_card(samples.card(waiting)))
    gone = read(change_card(samples.card(waiting, approvals_needed=0, actions=(CardAction.DETAILS,))))
    assert "Approve what was merged" not in gone, "nobody is asked for what nobody can give"
    assert "no approval is needed" not in gone, "without its stage in tiphys.yaml it does not go on"
    bare = read(change_card(samples.card(waiting, approvals_needed=0)))
    assert "Approve what was merged" not in bare
    assert "no approval is needed here, so it goes on as merged" in bare or merge


@pytest.mark.parametrize(
    ("merge", "says"),
    [
        ({}, "the merge stays in Git, and any sync ships it: revert the pull request if it must not run"),
        ({"auto_sync": True}, "and auto-sync ships it: revert"),
        ({"auto_sync": True, "shipped": True}, "and is synced already, not by Tiphys: revert the pull request"),
    ],
)
@pytest.mark.parametrize("state", [State.ABORTED, State.REJECTED])
def test_what_stays_of_a_merge_is_told_at_its_end(samples: S, state: State, merge: Any, says: str) -> None:
    assert says in read(change_card(samples.card(samples.change(state, merge=samples.merge(**merge)))))


def test_a_bad_end_names_cause_and_way_back(samples: S) -> None:
    shown = read(change_card(failed(samples)))
    for words in (
        "failed: Degraded: Deployment/apm-api",
        "still runs 2.14.0",
        "back to: 9f3c2ab (history 14)",
        "way out",
    ):
        assert words in shown


@pytest.mark.parametrize("state", [State.FAILED, State.ERRORED, State.EXPIRED])
def test_a_way_out_is_one_that_can_be_gone(samples: S, state: State) -> None:
    """What is merged is in Git: asked for again there is nothing to promote, until the source has something newer."""
    before = read(change_card(samples.card(samples.change(state, reason="it was so"))))
    assert "ask again with /gitops promote apm-stack production" in before
    after = read(change_card(samples.card(samples.change(state, reason="it was so", merge=samples.merge()))))
    assert "ask again" not in after
    assert "revert the pull request" in after
    if state is State.EXPIRED:
        assert "the merge stays in Git, and any sync ships it" in after
        assert "promote" not in after
    else:
        assert "fix the cause and sync in Argo CD, or revert the pull request" in after
        once = "has something to do again once that is reverted, or staging runs something newer"
        assert f"/gitops promote apm-stack production {once}" in after


@pytest.mark.parametrize(
    "state", [State.FAILED, State.ERRORED, State.REJECTED, State.ABORTED, State.EXPIRED, State.SUPERSEDED]
)
def test_where_nothing_was_merged_there_is_nothing_to_go_back_to(samples: S, state: State) -> None:
    assert "back to" not in read(change_card(samples.card(samples.change(state))))
    assert "back to: 9f3c2ab" in read(change_card(samples.card(samples.change(state, merge=samples.merge()))))


@pytest.mark.parametrize(
    ("approved", "merged", "says"),
    [
        (timedelta(minutes=5), timedelta(hours=3), "(4 min waiting for people)"),  # then for checks
        (timedelta(hours=5), timedelta(minutes=3), "(4 h 59 min waiting for people)"),  # merged by hand before
        (timedelta(seconds=90), timedelta(hours=3), ""),
    ],
)
def test_waiting_for_people_ends_with_their_approvals(
    samples: S, approved: timedelta, merged: timedelta, says: str
) -> None:
    given = samples.approvals(*TWO, "U0APPR3", verdict=Verdict.PASSED, at=samples.now + approved)
    late = replace(given.counted[2].approval, at=samples.now + timedelta(hours=6))  # gave it when nobody waited for it
    given = replace(given, counted=(*given.counted[:2], replace(given.counted[2], approval=late)))
    merge = samples.merge(at=samples.now + merged, by_hand=merged < approved)
    shown = read(change_card(well(samples, approvals=given, merge=merge)))
    assert says in shown
    assert says or "waiting for people" not in shown


def test_a_good_end_is_short(samples: S) -> None:
    message = change_card(well(samples))
    assert len(read(message).splitlines()) <= 4
    assert "4 min waiting for people" in read(message)


def test_the_digest_follows_what_is_seen(samples: S) -> None:
    card = samples.card()
    assert change_card(card).digest == change_card(samples.card()).digest
    later = samples.card(samples.change(state_since=samples.now + timedelta(hours=1), version=9))
    assert change_card(card).digest == change_card(later).digest
    assert change_card(card).digest != without_mentions(change_card(card)).digest


def test_mentions_can_be_left_out(samples: S) -> None:
    quiet = without_mentions(change_card(CASES["waiting-one-approval"](samples)))
    assert message_problems(quiet) == []
    assert "<@" not in str(quiet.blocks)
    assert "user_id" not in str(quiet.blocks)
    assert Text.of(Mention(UserId("U0DEV1"))).plain in str(quiet.blocks)


def test_one_value_with_no_old_one(samples: S) -> None:
    ships = samples.shipment(values=(ValueChange(name="apm-ui", old="", new="1.0", file="k.yaml"),))
    assert "apm-ui  (not set) → 1.0" in read(change_card(samples.card(samples.change(
        proposal=samples.proposal(shipment=ships)
    ))))  # fmt: skip
