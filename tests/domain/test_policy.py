"""Lines of the policy as values."""

import pytest

from bot.domain.policy import BUILT_IN, Policy, Resource
from bot.domain.policy_text import parse_policy

TEXT = """\
p, role:release, changes, approve, */production, allow
p, S0BAD, changes, "{approve,sync}", "{a,b}/*", deny
p, role:developer, alerts, silence, a/*, allow
g, S0PLATFORM, role:release
g, role:release, role:developer
g, U0DEV1, role:developer
"""


def test_a_policy_names_its_groups_and_roles() -> None:
    policy, _ = parse_policy(TEXT)
    assert policy.groups == {"S0BAD", "S0PLATFORM"}
    assert policy.roles == {"role:release", "role:developer"}
    assert Policy().groups == frozenset()


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_line_is_written_as_it_was_read(position: int) -> None:
    policy, _ = parse_policy(TEXT)
    assert str(policy.grants[position]) == TEXT.splitlines()[position]


def test_the_built_in_lines_are_lines() -> None:
    again, faults = parse_policy("\n".join(str(line) for line in BUILT_IN))
    assert faults == []
    assert [grant.subject for grant in again.grants] == ["role:readonly"] * 2 + ["role:admin"] * 2
    assert {(grant.resource, grant.action) for grant in again.grants} == {
        (resource, action) for resource in Resource for action in ("get", "*")
    }
