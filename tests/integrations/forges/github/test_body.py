"""What a reviewer reads on GitHub."""

from dataclasses import replace
from datetime import UTC, datetime

from bot.domain.change import Change, ChangeKind, CommitLine, Shipment, ValueChange
from bot.domain.identity import ChangeId, ChannelId, Revision, UserId
from bot.domain.lifecycle import State
from bot.domain.pipeline import SyncMode
from bot.integrations.forges.github.body import _HOW_IT_GOES_ON, LONGEST, body_of
from bot.integrations.forges.github.markdown import GAP

ULID = ChangeId("01JXYZ0000000000000000000A")
MARKER = f"<!-- tiphys:change:{ULID} -->"
NOW = datetime(2026, 1, 1, 10, tzinfo=UTC)
CHANGE = Change(
    id=ULID, number=42, kind=ChangeKind.PROMOTION, application="apm-stack", environment="production",
    source_environment="staging", sync_mode=SyncMode.CONTROLLED, requested_by=UserId("U0DEV1"), requested_at=NOW,
    channel=ChannelId("C0DEPLOY"), asked_in=ChannelId("C0DEPLOY"), state=State.PROPOSING, state_since=NOW,
)  # fmt: skip
COMMIT = CommitLine(revision=Revision("4d1e77c" + "0" * 33), subject="Handle late spans", author="dev-one")
VALUE = ValueChange(name="apm-api", old="2.14.0", new="2.15.1", file="deployments/k8s/overlays/production/k.yaml")
SHIPMENT = Shipment(
    values=(VALUE,), carried=(COMMIT,), carried_total=12, also=(COMMIT,), also_total=1, source_ahead=2,
    prunes=("Deployment/old",), drifted=(VALUE,),
)  # fmt: skip


def body(shipment: Shipment, change: Change = CHANGE, *, prune: bool = True) -> str:
    return body_of(change, shipment, prune=prune, requested_by="developer (U0DEV1)", marker=MARKER)


def test_it_says_what_ships_who_asked_and_which_change_it_is() -> None:
    assert body(SHIPMENT).split("\n\n") == [
        "Promotes **apm-stack** from staging to **production**.",
        "Asked by developer \\(U0DEV1\\) in Slack, change 42 (`01JXYZ0000000000000000000A`).",
        "### What it carries",
        "- `apm-api`: `2.14.0` → `2.15.1` in `deployments/k8s/overlays/production/k.yaml`",
        "### Commits behind it",
        "- `4d1e77c` Handle late spans (dev-one)\n- … and 11 more",
        "### Also ships, without being part of this promotion",
        "- `4d1e77c` Handle late spans (dev-one)",
        "### The file in Git differs from what runs",
        "- `apm-api`: `2.14.0` → `2.15.1` in `deployments/k8s/overlays/production/k.yaml`",
        "### Will be pruned",
        "- `Deployment/old`",
        "2 commits in staging's Git have not been deployed there; not included.",
        _HOW_IT_GOES_ON,
        MARKER,
    ]


def test_what_is_left_behind_is_not_told_as_pruned() -> None:
    said = body(SHIPMENT, prune=False)
    assert "### No longer in Git, left behind (pruning is off)\n\n- `Deployment/old`" in said
    assert "Will be pruned" not in said


def test_of_a_merge_the_files_that_change_are_listed() -> None:
    merge = Shipment(values=(), carried=(COMMIT,), carried_total=1, files=("a.yaml", "@everyone"), files_total=5)
    said = body(merge)
    assert "### Files that change\n\n- `a.yaml`\n- `@everyone`\n- … and 3 more" in said
    assert "What it carries" not in said


def test_empty_lists_have_no_heading() -> None:
    only = body(Shipment(values=(VALUE,)), replace(CHANGE, source_environment=None))
    assert only.count("###") == 1
    assert only.startswith("Promotes **apm-stack** to **production**.")


def test_foreign_words_mention_link_and_close_nothing_and_forge_no_marker() -> None:
    hostile = "fixes #12 @everyone <!-- tiphys:change:OTHER --> https://e.example"
    commit = CommitLine(revision=COMMIT.revision, subject=hostile, author="@org/team")
    value = ValueChange(name="`@everyone`", old="", new=hostile, file=hostile)
    said = body(Shipment(values=(value,), carried=(commit,), prunes=(hostile,)))
    outside_code = "".join(said.split("`")[::2])
    assert "@everyone" not in outside_code
    assert "@org" not in outside_code
    assert "#12" not in outside_code
    assert "://" not in outside_code
    assert said.count("<!--") == 1
    assert f"@{GAP}org" in said


def test_the_longest_body_is_bounded_and_keeps_its_marker() -> None:
    long = CommitLine(revision=COMMIT.revision, subject="*" * 5000, author="_" * 5000)
    values = tuple(replace(VALUE, name="n" * 500, old="o" * 500, new="w" * 500, file="f" * 500) for _ in range(500))
    said = body(
        Shipment(
            values=values, drifted=values, carried=(long,) * 500, carried_total=9000, also=(long,) * 500,
            prunes=("p" * 500,) * 500,
        )
    )  # fmt: skip
    assert len(said) <= LONGEST
    assert said.endswith(MARKER)
    assert "more" in said
