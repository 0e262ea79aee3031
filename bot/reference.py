"""The generated pages of the docs: what the code declares, written out. `python -m bot.reference` writes them."""

from pathlib import Path

import commands
from bot.chat.registry import load_commands
from bot.domain.lifecycle import TERMINAL, TRANSITIONS, Event, State

DOCS = Path(__file__).parent.parent / "docs"

LIFECYCLE_HEAD = """\
# The lifecycle of a change

Generated from `bot/domain/lifecycle.py` by `make docs`; a test holds the two together.

A change is always in one of these states. Only the events listed move it, one writer (`bot/services/ledger.py`) checks
them, and each move is stored by compare-and-swap together with its audit entry.
"""

MEANS = {
    State.PROPOSING: "the promotion is written to Git and its pull request opened",
    State.WAITING_FOR_APPROVAL: "people are asked; also where a pull request was merged by hand before it was approved",
    State.APPROVALS_VOID: "somebody else changed the promotion branch or where it leads; Rebuild or Abort",
    State.HELD: "somebody asked to wait",
    State.WAITING_FOR_CHECKS: "approved; a gate is not open yet",
    State.MERGING: "the intent to merge is stored, the merge is on its way",
    State.MERGED: "merged as approved; the sync is about to start, or a gate has closed since",
    State.MERGED_DIFFERS: "what was merged, or the Application, is not what was approved; nothing is synced",
    State.WAITING_FOR_SYNC: "a person has to press Sync",
    State.SYNCING: "Argo CD was asked to sync the merged commit, or does so by itself",
    State.VERIFYING: "synced; health is watched through the soak",
    State.SUCCEEDED: "our operation succeeded at the merged revision and health held",
    State.FAILED: "the answer was no: checks, sync or health",
    State.ERRORED: "no answer could be had",
    State.REJECTED: "a person said no",
    State.ABORTED: "a person stopped it",
    State.EXPIRED: "nobody decided in time",
    State.SUPERSEDED: "a newer change took over, or nothing was left to do",
}


def lifecycle_page() -> str:
    """docs/lifecycle.md."""
    states = ["| state | means |", "|---|---|"]
    states += [f"| `{s.value}`{' (end)' if s in TERMINAL else ''} | {MEANS[s]} |" for s in State]
    moves = ["| from | event | to |", "|---|---|---|"]
    for state in State:
        for event in Event:
            if (to := TRANSITIONS.get((state, event))) is not None:
                moves.append(f"| `{state.value}` | {event.value} | `{to.value}` |")
    return "\n".join([LIFECYCLE_HEAD, "## States", "", *states, "", "## What leads where", "", *moves, ""])


def commands_page() -> str:
    """docs/commands.md."""
    lines = [
        "# Commands",
        "",
        "Generated from `commands/` by `make docs`. Every command is a verb of `/gitops`, a mention",
        "(`@tiphys promote …`, also in threads, where Slack offers no slash commands), and a slash command of its own",
        "unless Slack reserves the name. `slack.commands` and `slack.command_prefix` in `tiphys.yaml` choose which.",
        "",
    ]
    for command in load_commands(commands):
        right = f"`changes, {command.action.value}`" if command.action else "none: it tells only of you"
        forms = [f"`/gitops {command.usage}`"] + ([f"`/{command.usage}`"] if command.slash else [])
        lines += [
            f"## {command.name}",
            "",
            f"{command.summary}.",
            "",
            f"- Forms: {', '.join(forms)}",
            f"- Right: {right}",
        ]
        lines += [f"- `<{a.name}>`{'' if a.required else ' (optional)'}: {a.help}" for a in command.arguments]
        lines += [f"- `--{flag.name}`: {flag.help}" for flag in command.flags]
        lines += [f"- For example `/gitops {example}`" for example in command.examples]
        lines.append("")
    return "\n".join(lines)


PAGES = {"lifecycle.md": lifecycle_page, "commands.md": commands_page}


def main() -> None:
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
