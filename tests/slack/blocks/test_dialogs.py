"""Dialogs: kept in golden files, within the limits, and what they carry comes back."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.domain.dialog import ApproveDialog, DetailsDialog, Dialog, DiffDialog, HistoryLine, ReasonDialog
from bot.domain.identity import ChannelId, MessageTs
from bot.domain.lifecycle import State
from bot.domain.text import Text
from bot.sandbox.slack.blocks import validate_view
from bot.sandbox.slack.parts import WorkspaceNames
from bot.sandbox.slack.plain import view as plain
from bot.sandbox.slack.workspace import Workspace
from bot.slack.blocks.dialogs import view
from bot.slack.blocks.limits import view_problems
from bot.slack.blocks.modal import Origin, read_metadata

S = Any  # the `Samples` of the conftest
ORIGIN = Origin(channel=ChannelId("C0DEPLOY"), thread=MessageTs("1.000001"), respond_to="https://hooks.example.com/1")
CASES: dict[str, Callable[[S], Dialog]] = {
    "reason": lambda s: ReasonDialog(
        change=s.change().id, fingerprint=s.key.fingerprint, title="Reject #42",
        explanation=Text.of("apm-stack → production (#42) ends when you reject it."),
    ),
    "approve": lambda s: ApproveDialog(
        card=s.card(s.change(gates=s.gates(), approvals=s.approvals())), fingerprint=s.key.fingerprint
    ),
    "approve-merged": lambda s: ApproveDialog(
        card=s.card(s.change(State.MERGED_DIFFERS, merge=s.merge(
            by="developer", by_hand=True, auto_sync=True, differences=("deployments/k8s/base/limits.yaml",),
        ))), fingerprint=s.key.fingerprint,
    ),
    "details": lambda s: DetailsDialog(
        card=s.card(s.change(State.MERGED, merge=s.merge(), gates=s.gates(), approvals=s.approvals("U0APPR1"),
                             reason="a sync window is closed")),
        history=tuple(HistoryLine(at=s.now, text=Text.of(f"step {n}")) for n in range(3)),
    ),
    "details-merge": lambda s: DetailsDialog(
        card=s.card(s.change(proposal=s.proposal(shipment=s.shipment(
            values=(), files=("routes.yaml", "limits.yaml"), files_total=2, carried_total=9,
        )))), history=(),
    ),
    "details-bare": lambda s: DetailsDialog(
        card=s.card(s.change(State.PROPOSING, proposal=None), application_link=None), history=()
    ),
    "diff": lambda s: DiffDialog(card=s.card(), diff=s.proposal().diff),
    "diff-empty": lambda s: DiffDialog(card=s.card(), diff=""),
}  # fmt: skip


def details(s: S, shipment: Any, *, prune: bool = False) -> DetailsDialog:
    return DetailsDialog(card=s.card(s.change(proposal=s.proposal(shipment=shipment)), prune=prune), history=())


def read(dialog: Dialog) -> str:
    return plain(view(dialog, ORIGIN), WorkspaceNames(Workspace()))


@pytest.mark.parametrize("case", CASES)
def test_each_case_is_as_kept_and_within_the_limits(case: str, samples: S, golden: Any) -> None:
    made = view(CASES[case](samples), ORIGIN)
    assert view_problems(made) == []
    assert validate_view(made) == []
    golden(f"dialog-{case}", made)


def test_what_a_dialog_carries_comes_back(samples: S) -> None:
    made = view(CASES["reason"](samples), ORIGIN)
    value, origin = read_metadata(made["private_metadata"])
    assert origin == ORIGIN
    assert json.loads(value) == {"change": samples.change().id, "fingerprint": samples.key.fingerprint}


@pytest.mark.parametrize("raw", ["", "not json", "[1]", "{}"])
def test_what_was_tampered_with_is_carried_as_it_is_and_leads_nowhere(raw: str) -> None:
    value, origin = read_metadata(raw)
    assert origin == Origin()
    assert value in (raw, '{"change":"","fingerprint":""}')


def test_an_approver_sees_what_he_says_yes_to(samples: S) -> None:
    shown = read(CASES["approve"](samples))
    for words in (
        "environment production, revision 4d1e77c",
        "2.14.0 → 2.15.1",
        "❌ a sync window",
        samples.key.fingerprint[:12],
    ):
        assert words in shown


def test_who_says_yes_to_a_merge_sees_what_differs_and_who_ships_it(samples: S) -> None:
    """The dialog of a typed approval is all that he sees: the card may be far up the channel."""
    shown = read(CASES["approve-merged"](samples))
    for words in (
        "revision 7777777 as it was merged", "merged as 7777777 by developer; auto-sync is on: Argo CD ships it",
        "differs from what was approved in: deployments/k8s/base/limits.yaml",
    ):  # fmt: skip
        assert words in shown


def test_details_name_every_revision_and_the_history(samples: S) -> None:
    shown = read(CASES["details"](samples))
    for words in ("4d1e77c", "on base 1111111", "source 5e5e5e5", "9f3c2ab (history 14)", "merged as 7777777", "step 2",
                  samples.change().id, "Retry uploads"):  # fmt: skip
        assert words in shown


def test_details_show_what_the_card_refers_to_them_for(samples: S) -> None:
    """What differs in Git ships too, so each value of it must be readable somewhere; so must every note."""
    drifted = tuple(samples.value(f"image-{n}", "1.0", f"1.{n}") for n in range(12))
    notes = tuple(f"note {n}: apm-ui-{n} has no tag in production." for n in range(9))
    ships = samples.shipment(drifted=drifted, notes=notes, source_ahead=2)
    shown = read(details(samples, ships))
    assert "Git differs from what runs, and ships too unless promoted over" in shown
    for value in drifted:
        assert f"{value.name}  runs 1.0, Git has {value.new}" in shown
    assert all(note in shown for note in notes)
    assert "2 commits in staging's Git have not been deployed; not included" in shown
    many = details(samples, samples.shipment(drifted=drifted * 9, notes=notes * 9))
    assert "… and 68 more values, see the pull request" in read(many)
    assert "… and 41 more" in read(many)
    assert view_problems(view(many, ORIGIN)) == []
    bare = read(details(samples, samples.shipment()))
    assert "differs" not in bare
    assert "Notes" not in bare


def test_details_list_every_file_that_is_known(samples: S) -> None:
    """However long the paths are: one line for each, and how many more there are."""
    paths = tuple(f"deployments/k8s/overlays/production/{'x' * 90}/{n}.yaml" for n in range(20))
    shown = read(details(samples, samples.shipment(files=paths, files_total=31, carried_total=1)))
    assert "Files that change: 31" in shown
    assert set(paths) <= {line.strip() for line in shown.splitlines()}
    assert "… and 11 more, see the pull request" in shown


def test_details_list_everything_that_is_pruned(samples: S) -> None:
    """The card has room for a few of them: whoever approves must be able to read the others."""
    names = tuple(f"CustomResourceDefinition/{'y' * 60}{n}.example.com" for n in range(130))
    dialog = details(samples, samples.shipment(prunes=names), prune=True)
    shown = read(dialog).splitlines()
    assert "Will be pruned: 130 resources" in shown
    assert set(names) <= {line.strip() for line in shown}
    assert view_problems(view(dialog, ORIGIN)) == []
    kept = read(details(samples, samples.shipment(prunes=("Pod/a",)), prune=False))
    assert "No longer in Git, left behind (pruning is off): 1 resource\nPod/a" in kept


def test_details_count_what_they_cannot_list(samples: S) -> None:
    dialog = details(samples, samples.shipment(prunes=tuple(f"Pod/{n}" for n in range(1_000))), prune=True)
    assert view_problems(view(dialog, ORIGIN)) == []
    assert "Pod/299\n… and 700 more, see Argo CD" in read(dialog)


def test_a_long_diff_is_shown_whole_line_by_line(samples: S) -> None:
    lines = [f"+ line {n} {'x' * 60}" for n in range(400)]
    shown = read(DiffDialog(card=samples.card(), diff="\n".join(lines)))
    assert all(line in shown for line in lines)


def test_a_long_history_says_what_it_leaves_out(samples: S) -> None:
    history = tuple(HistoryLine(at=samples.now, text=Text.of(f"step {n}.")) for n in range(100))
    shown = read(DetailsDialog(card=samples.card(), history=history))
    assert "… 40 earlier entries" in shown
    assert "step 99." in shown
    assert "step 39." not in shown
