"""Pushes as the forge judges them: which branch updates the rules refuse, for git over HTTP and for the control API."""

from bot.sandbox.github import refusals
from bot.sandbox.github.forge import Forge
from bot.sandbox.github.protection import LINEAR, find_protection, unmet_by_push

FAST_FORWARD_ONLY, NO_MERGES = "fast-forward-only", "no-merges"


async def check_push(forge: Forge, repository: str, branch: str, old: str | None, new: str | None, login: str) -> None:
    """Raises `Refusal` 422 where the branch's rules do not let `login` move it. The commits are in the repository."""
    protection = find_protection(forge.of(repository), branch, login)
    if protection is None:
        return
    lost = old is not None and new is not None and not await forge.plumbing(repository).is_ancestor(old, new)
    reasons = unmet_by_push(protection, forge.of(repository), new, fast_forward=not lost)
    if protection.linear_history and new is not None and await forge.plumbing(repository).has_merges(old, new):
        reasons.append(LINEAR)
    if reasons:
        raise refusals.rules_broken(422, "rules_unmet", reasons)


def rules_for_hook(forge: Forge, repository: str, updates: dict[str, str | None], login: str) -> str:
    """What the update hook needs: a line `<branch><TAB><reason>` for each refusal.

    Whether commits would be lost, or are merges, is known only when the pushed objects are there, so the hook itself
    finds that out for branches that have the reasons `fast-forward-only` and `no-merges`.
    """
    lines = []
    for branch, new in updates.items():
        protection = find_protection(forge.of(repository), branch, login)
        if protection is None:
            continue
        reasons = unmet_by_push(protection, forge.of(repository), new, fast_forward=True)
        later = [FAST_FORWARD_ONLY, *([NO_MERGES] if protection.linear_history else [])]
        lines += [f"{branch}\t{reason}" for reason in [*reasons, *later]]
    return "\n".join(lines)


UPDATE_HOOK = f"""#!/bin/sh
# Refuses a branch update as the forge's rules say: $SANDBOX_RULES has lines "<branch><TAB><reason>".
ref=$1 old=$2 new=$3
tab=$(printf '\\t')
found=$(printf '%s\\n' "$SANDBOX_RULES" | while IFS=$tab read -r branch reason; do
    [ "refs/heads/$branch" = "$ref" ] || continue
    if [ "$reason" = {FAST_FORWARD_ONLY} ]; then
        case "$old$new" in *{"0" * 40}*) continue ;; esac
        git merge-base --is-ancestor "$old" "$new" && continue
        reason="Cannot force-push to this branch"
    fi
    if [ "$reason" = {NO_MERGES} ]; then
        case "$old$new" in *{"0" * 40}*) continue ;; esac
        [ -z "$(git rev-list --merges --max-count=1 "$old..$new")" ] && continue
        reason="{LINEAR}"
    fi
    printf -- '- %s\\n' "$reason"
done)
[ -z "$found" ] && exit 0
printf 'error: GH013: Repository rule violations found for %s.\\n\\n%s\\n\\n' "$ref" "$found" >&2
exit 1
"""
