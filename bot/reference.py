"""The generated pages of the docs: what the code declares, written out. `python -m bot.reference` writes them."""

from collections.abc import Iterable
from enum import StrEnum
from itertools import chain
from pathlib import Path

import commands
from bot.chat.alert_clicks import ALERT_NEEDS
from bot.chat.clicks import NEEDS
from bot.chat.registry import load_commands
from bot.chat.silence_clicks import SILENCE_NEEDS
from bot.domain.lifecycle import TERMINAL, TRANSITIONS, Event, State
from bot.services.access import Right, written

DOCS = Path(__file__).parent.parent / "docs"

LIFECYCLE_HEAD = """\
# The lifecycle of a change

Generated from `bot/domain/lifecycle.py` by `make docs`; a test holds the two together.

A change is always in one of these states. Only the events listed below move it. One writer,
`bot/services/ledger.py`, checks every move against this table and stores it, by compare-and-swap on the row's version,
together with its audit entry. Nothing leads out of an end. What to do in each state stands in the
[runbook](runbook.md).
"""

STATES = {
    State.PROPOSING: "the promotion is written to Git and its pull request opened",
    State.WAITING_FOR_APPROVAL: "people are asked; also where a pull request was merged by hand before it was approved",
    State.APPROVALS_VOID: "somebody else changed the promotion branch, where it leads, or what the Application is; "
    "Rebuild or Abort",
    State.HELD: "somebody asked to wait",
    State.WAITING_FOR_CHECKS: "approved, or no approval is needed; a gate is not open yet",
    State.MERGING: "the intent to merge is stored, the merge is on its way",
    State.MERGED: "merged as approved; the sync is about to start, or a gate has closed since",
    State.MERGED_DIFFERS: "what was merged, or the Application, is not what was approved; Tiphys does not sync it",
    State.WAITING_FOR_SYNC: "a person has to press Sync",
    State.SYNCING: "Argo CD was asked to sync the merged commit, or does so by itself",
    State.VERIFYING: "synced; health and alerts are watched through the soak",
    State.SUCCEEDED: "the operation succeeded at the merged revision and health held",
    State.FAILED: "the answer was no: checks, rules of the branch, sync, health or alerts; or what was shipped runs no "
    "longer",
    State.ERRORED: "no answer could be had",
    State.REJECTED: "a person said no",
    State.ABORTED: "a person stopped it",
    State.EXPIRED: "nobody decided in time",
    State.SUPERSEDED: "a newer change took over, or nothing was left to do",
}

EVENTS = {
    Event.PROPOSED: "the pull request stands and its content key is known",
    Event.REBUILD: "the promotion commit is made anew on the base as it is now: the content changed, the forge cannot "
    "merge it as it stands, or somebody pressed Rebuild",
    Event.VOIDED: "somebody else changed the promotion branch or where the pull request leads, or the live Application "
    "is no longer the configured one",
    Event.QUORUM_REACHED: "enough people have said yes to this content key, or none are needed",
    Event.QUORUM_LOST: "an approval lapsed, or its giver may no longer approve",
    Event.HELD: "somebody pressed Hold",
    Event.LIFTED: "somebody lifted the hold",
    Event.GATES_OPEN: "every gate is open: the intent to merge is stored",
    Event.MERGE_REFUSED: "the last look found a reason, or the forge said no: back to the gates",
    Event.MERGED: "what was approved is merged, by us or by hand",
    Event.MERGED_UNAPPROVED: "merged by hand before a quorum, with the proposed content",
    Event.MERGED_DIFFERENTLY: "what was merged is not what was approved, or the Application was changed since",
    Event.MERGE_APPROVED: "a quorum for what was merged",
    Event.SYNC_AWAITED: "a person has to press Sync",
    Event.SYNC_STARTED: "the intent to sync is stored, or Argo CD's own sync was seen",
    Event.SYNC_BLOCKED: "a gate closed before Argo CD accepted the operation",
    Event.OPERATION_SUCCEEDED: "the operation ended well at the merged revision",
    Event.SOAKED: "healthy through the soak, and no alert stood in the way",
    Event.FAILED: "checks, rules of the branch, sync, health or alerts said no, or took longer than `timeouts` and "
    "`alerts` allow; or what was shipped runs no longer",
    Event.ERRORED: "no answer could be had, or one that no repetition will change",
    Event.REJECTED: "somebody who may pressed Reject, with a reason",
    Event.ABORTED: "somebody who may pressed Abort, or the pull request was closed, or merged elsewhere, by hand",
    Event.EXPIRED: "nobody decided within `approvals.expire`",
    Event.SUPERSEDED: "the source moved and a newer promotion took over, or Git has the values already",
}

COMMANDS_HEAD = """\
# Commands

Generated from `commands/` by `make docs`; a test holds the two together.

Every command is a verb of `/gitops`, a mention (`@tiphys promote …`, also in threads, where Slack offers no slash
commands), and a slash command of its own unless Slack reserves the name. `slack.commands` and `slack.command_prefix`
in `tiphys.yaml` choose which slash commands the manifest registers.

Names are taken exactly, environments also by alias; nothing is done on a guess. A change is named by its number (`#42`)
or its id. A right such as `changes, promote` is granted in [`permissions`](configuration.md#permissions).
"""

BUTTONS_HEAD = """\
## Buttons

What can be pressed, by its action id, and the right that it takes; the dialog that a button opens takes the same.

### Of a change

The requester may always abort his own change; whoever may approve may reject. An approval counts only with the right
*and* one of `approvals.from`.
"""

ALERT_BUTTONS_HEAD = """\
### Of alerts and silences

On the card of a group of alerts, and in `/silence list`; `silence.add` is the dialog of `/silence add`. What each does
stands in [alerts.md](alerts.md#what-people-do-about-them), where the right must hold in
[security.md](security.md#authorization).
"""


def lifecycle_page() -> str:
    """docs/lifecycle.md."""
    states = ["| state | means |", "|---|---|"]
    states += [f"| `{s.value}`{' (end)' if s in TERMINAL else ''} | {STATES[s]} |" for s in State]
    events = ["| event | means |", "|---|---|", *(f"| {e.value} | {EVENTS[e]} |" for e in Event)]
    moves = ["| from | event | to |", "|---|---|---|"]
    for state in State:
        for event in Event:
            if (to := TRANSITIONS.get((state, event))) is not None:
                moves.append(f"| `{state.value}` | {event.value} | `{to.value}` |")
    parts = (
        [LIFECYCLE_HEAD, "## States", "", *states, ""],
        ["## Events", "", *events, ""],
        ["## What leads where", "", *moves, ""],
    )
    return "\n".join(line for part in parts for line in part)


def commands_page() -> str:
    """docs/commands.md."""
    lines = [COMMANDS_HEAD]
    for command in load_commands(commands):
        right = f"`{written(command.action)}`" if command.action else "none"
        forms = [f"`/gitops {command.usage}`"] + ([f"`/{command.usage}`"] if command.slash else [])
        lines += [
            f"## {command.name}",
            "",
            f"{command.summary}.",
            "",
            f"- Forms: {', '.join(forms)}",
            f"- Right: {right}",
        ]
        lines += [f"- `{a.name}`{'' if a.required else ' (optional)'}: {a.help}" for a in command.arguments]
        lines += [f"- `--{flag.name}`: {flag.help}" for flag in command.flags]
        lines += [f"- For example `/gitops {example}`" for example in command.examples]
        lines.append("")
    lines += [BUTTONS_HEAD, *_rights(NEEDS.items()), ""]
    lines += [ALERT_BUTTONS_HEAD, *_rights(chain(ALERT_NEEDS.items(), SILENCE_NEEDS.items())), ""]
    return "\n".join(lines)


def _rights(needs: Iterable[tuple[StrEnum, Right]]) -> list[str]:
    rows = [f"| `{button.value}` | `{written(right)}` |" for button, right in needs]
    return ["| button | right |", "|---|---|", *rows]


PAGES = {"lifecycle.md": lifecycle_page, "commands.md": commands_page}


def main() -> None:
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
