"""What people write into the policy, and what they are told when it is not one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.policy import Fault, Grant, Membership, Resource
from bot.domain.policy_text import parse_policy

GOOD = """\
# who releases

p, role:release, changes, approve, */production, allow
  p , "role:release" ,changes,*, "apm-{stack,edge}/*" , deny
   # indented
g, S0PLATFORM, role:release
g, role:release, role:developer
"""


def only(text: str) -> Fault:
    policy, faults = parse_policy(text)
    assert not policy.grants
    assert not policy.memberships
    assert len(faults) == 1
    return faults[0]


def test_lines_blank_lines_comments_and_quotes() -> None:
    policy, faults = parse_policy(GOOD)
    assert faults == []
    assert policy.grants == (
        Grant(subject="role:release", action="approve", stage="*/production", allows=True, line=3),
        Grant(subject="role:release", action="*", stage="apm-{stack,edge}/*", allows=False, line=4),
    )
    assert policy.memberships == (
        Membership(member="S0PLATFORM", role="role:release", line=6),
        Membership(member="role:release", role="role:developer", line=7),
    )


def test_lines_about_alerts() -> None:
    policy, faults = parse_policy("p, role:release, alerts, silence, shop/*, allow\np, U0ONE, alerts, *, */*, deny\n")
    assert faults == []
    assert policy.grants == (
        Grant(subject="role:release", resource=Resource.ALERTS, action="silence", stage="shop/*", allows=True, line=1),
        Grant(subject="U0ONE", resource=Resource.ALERTS, action="*", stage="*/*", allows=False, line=2),
    )


def test_windows_line_ends_are_line_ends() -> None:
    assert parse_policy(GOOD.replace("\n", "\r\n")) == parse_policy(GOOD)


@pytest.mark.parametrize(
    ("line", "column", "reason", "fix"),
    [
        ("p, role:x, change, get, */*, allow", 12, "the resource `change` is not known", "Did you mean `changes`?"),
        ("p, role:x, changes, aprove, */*, allow", 21, "the action `aprove` is not known", "Did you mean `approve`?"),
        ("p, role:x, changes, deploy, */*, allow", 21, "the action `deploy` is not known", "Did you mean `promote`?"),
        ("p, role:x, changes, z*, */*, allow", 21, "the action `z*` is not known", "Use one of: `get`"),
        ("p, role:x, alert, get, */*, allow", 12, "the resource `alert` is not known", "Did you mean `alerts`?"),
        ("p, role:x, silences, get, */*, allow", 12, "the resource `silences` is not known", "Did you mean `alerts`?"),
        ("p, role:x, *, get, */*, allow", 12, "the resource `*` is not known", "Use one of: `changes`, `alerts`"),
        ("p, role:x, alerts, ack, */*, allow", 20, "the action `ack` is not known", "Did you mean `acknowledge`?"),
        ("p, role:x, alerts, mute, */*, allow", 20, "the action `mute` is not known", "Did you mean `silence`?"),
        ("p, role:x, alerts, silense, */*, allow", 20, "the action `silense` is not known", "Did you mean `silence`?"),
        (
            "p, role:x, alerts, approve, */*, allow",
            20,
            "`approve` is an action of `changes`, not of `alerts`",
            "Write `changes, approve`, or one of `get`, `acknowledge`, `silence`",
        ),
        (
            "p, role:x, changes, silen*, */*, deny",
            21,
            "`silen*` is an action of `alerts`, not of `changes`",
            "Write `alerts, silen*`, or one of `get`",
        ),
        ("p, role:x, changes, get, */*, alow", 31, "the effect `alow` is not known", "Did you mean `allow`?"),
        ("p, role:x, changes, get, */*, allow # all", 31, "is no effect", "A comment stands on a line of its own"),
        (
            "p, role:x, changes, get, production, allow",
            26,
            "`production` names no stage",
            "`<application>/<environment>`",
        ),
        ("p, role:x, changes, get, [a/b, allow", 26, "cannot be read: `[` is not closed", "Patterns know"),
        ("p, role:x, changes, get, {a,b}/*, allow", 26, "a comma stands within `{…}`", "Put the pattern in quotes"),
        ("p, role:x, changes, get, */*", 26, "has 6 words, this one has 5: the effect is missing", "`allow` or `deny`"),
        ("p, role:x", 4, "a `p` line has 6 words, this one has 2", "Write `p, "),
        ("p, developer, changes, get, */*, allow", 4, "`developer` is no role", "Write `role:developer` for a role"),
        ("p, admin, changes, get, */*, allow", 4, "`admin` is no role", "Did you mean `role:admin`?"),
        ("p, role:a b, changes, get, */*, allow", 4, "`role:a b` is no role", "Write `role:<name>`"),
        ("p, a@b.example, changes, get, */*, allow", 4, "is no role", "Name people by their Slack user id"),
        ("g, S0PLATFORM, release", 16, "`release` is not a role", "Write `g, "),
        ("g, role:release, S0PLATFORM", 4, "the wrong way round", "Write `g, S0PLATFORM, role:release`"),
        ("g, my-org:team, role:release", 4, "`my-org:team` is no role", "S… for a user group"),
        ("g, S0PLATFORM", 4, "a `g` line has 3 words, this one has 2", "Write `g, "),
        ("P, role:x, changes, get, */*, allow", 1, "starts with `p` or `g`, not with `P`", "Did you mean `p`?"),
        ("allow everything", 1, "not with `allow everything`", "Write `p, "),
        ('p, "role:x, changes, get, */*, allow', 4, "the quote is not closed", 'Write a `"`'),
    ],
)
def test_a_mistake_is_told_with_its_place_and_its_remedy(line: str, column: int, reason: str, fix: str) -> None:
    fault = only(f"# a comment first\n{line}\n")
    assert (fault.line, fault.column) == (2, column)
    assert reason in fault.reason
    assert fix in fault.fix


@pytest.mark.parametrize("resource", ["applications", "logs", "exec", "repositories"])
def test_a_pasted_argocd_line_is_called_that_and_nothing_else(resource: str) -> None:
    fault = only(f"p, role:developer, {resource}, action/argoproj.io/Rollout/resume, */*, allow")
    assert fault.reason == f"this is a line of Argo CD's own policy: it speaks of `{resource}`"
    assert "argocd-rbac-cm" in fault.fix


def test_every_mistake_of_a_line_and_of_every_line_is_told_and_the_good_lines_are_read() -> None:
    policy, faults = parse_policy(f"p, x, changes, y, z, w\n{GOOD}p, role:x\n")
    assert [(fault.line, fault.column) for fault in faults] == [(1, 4), (1, 16), (1, 19), (1, 22), (9, 4)]
    assert len(policy.grants) == 2


@pytest.mark.parametrize(
    ("lines", "line", "reason"),
    [
        ("g, role:a, role:a", 1, "`role:a` is given to itself"),
        ("g, role:a, role:b\ng, role:b, role:c\ng, role:c, role:a", 3, "`role:c` and `role:a` contain each other"),
    ],
)
def test_roles_that_contain_each_other_are_refused(lines: str, line: int, reason: str) -> None:
    _, faults = parse_policy(lines)
    assert [(fault.line, fault.reason) for fault in faults] == [(line, reason)]


@given(st.text(alphabet='pg,:# "role*/US0{}[]\\\nallowdenychangesalerts', max_size=80))
def test_any_text_is_read_or_told_to_be_wrong(text: str) -> None:
    policy, faults = parse_policy(text)
    written = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    assert len(policy.grants) + len(policy.memberships) <= len(written)
    assert bool(faults) or len(policy.grants) + len(policy.memberships) == len(written)
