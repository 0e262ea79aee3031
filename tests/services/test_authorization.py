"""Who may do what: the policy of the example, a deny that wins, and laws for any policy."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.identity import UserId
from bot.domain.pipeline import Permissions
from bot.domain.policy import ACTIONS, Resource
from bot.services.access import Action, AlertRight
from bot.services.authorization import Authorization, Outcome, Subject

POLICY = """\
p, role:developer, changes, promote, */*, allow
p, role:developer, changes, sync, */staging, allow
p, role:release, changes, approve, */production, allow
p, role:release, changes, "{promote,abort}", */*, allow
p, role:lead, changes, revert, apm-*, allow
g, S0PLATFORM, role:release
g, U0DEV1, role:developer
g, U0LEAD, role:lead
g, role:lead, role:release
g, U0ADMIN, role:admin
"""
ALERTS = ACTIONS[Resource.ALERTS]
PRODUCTION, STAGING = "apm-stack/production", "apm-stack/staging"


def person(user: str, *groups: str, unverified: tuple[str, ...] = ()) -> Subject:
    return Subject(user=UserId(user), groups=frozenset(groups), unverified=frozenset(unverified))


def authorization(*more: str, default: str = "role:readonly") -> Authorization:
    return Authorization(Permissions(policy=POLICY + "\n".join(more), default=default))


@pytest.mark.parametrize(
    ("who", "action", "stage", "allowed"),
    [
        (person("U0DEV1"), "promote", PRODUCTION, True),
        (person("U0DEV1"), "sync", STAGING, True),
        (person("U0DEV1"), "sync", PRODUCTION, False),
        (person("U0DEV1"), "approve", PRODUCTION, False),
        (person("U0APPR1", "S0PLATFORM"), "approve", PRODUCTION, True),
        (person("U0APPR1", "S0PLATFORM"), "approve", STAGING, False),
        (person("U0APPR1", "S0PLATFORM"), "abort", STAGING, True),
        (person("U0APPR1"), "approve", PRODUCTION, False),
        (person("U0APPR1", "S0OTHER"), "approve", PRODUCTION, False),
        (person("U0LEAD"), "approve", PRODUCTION, True),
        (person("U0LEAD"), "revert", PRODUCTION, True),
        (person("U0LEAD"), "revert", "shop/production", False),
        (person("U0ANY"), "get", PRODUCTION, True),
        (person("U0ANY"), "promote", PRODUCTION, False),
        *((person("U0ADMIN"), action, PRODUCTION, True) for action in ACTIONS[Resource.CHANGES]),
    ],
)
def test_the_policy_of_the_example(who: Subject, action: str, stage: str, allowed: bool) -> None:
    assert authorization().authorize(who, action, stage).allowed is allowed


@pytest.mark.parametrize(
    ("denied", "who"),
    [
        ("U0APPR1", person("U0APPR1", "S0PLATFORM")),
        ("S0PLATFORM", person("U0LEAD", "S0PLATFORM")),
        ("role:release", person("U0LEAD")),
        ("S0LEAVERS", person("U0ADMIN", "S0LEAVERS")),
        ("role:readonly", person("U0ADMIN")),
    ],
)
def test_a_deny_wins_whichever_of_his_identities_it_names(denied: str, who: Subject) -> None:
    verdict = authorization(f"p, {denied}, changes, appr*, */production, deny").authorize(who, "approve", PRODUCTION)
    assert not verdict.allowed
    assert verdict.decided_by is not None
    assert verdict.reason == (
        f"needs `changes, approve` on {PRODUCTION}; denied by `p, {denied}, changes, appr*, */production, deny` "
        "(line 11 of permissions.policy)"
    )


def test_the_default_role_can_be_taken_back() -> None:
    denying = authorization("p, U0ANY, changes, get, */production, deny")
    assert not denying.authorize(person("U0ANY"), "get", PRODUCTION).allowed
    assert denying.authorize(person("U0ANY"), "get", STAGING).allowed


def test_a_no_says_what_is_needed_and_who_has_it() -> None:
    verdict = authorization().authorize(person("U0DEV1"), "approve", PRODUCTION)
    assert verdict.reason == f"needs `changes, approve` on {PRODUCTION}; granted to role:release and role:admin"
    assert verdict.decided_by is None


def test_a_yes_names_the_line() -> None:
    verdict = authorization().authorize(person("U0LEAD"), "approve", PRODUCTION)
    line = "p, role:release, changes, approve, */production, allow"
    assert verdict.reason == f"allowed by `{line}` (line 3 of permissions.policy)"
    assert authorization().authorize(person("U0X"), "get", STAGING).reason.endswith("(built in)")


def test_holders_are_those_who_really_have_it() -> None:
    some = authorization("p, U0ONE, changes, approve, */*, allow", "p, role:nobody, changes, approve, */*, allow")
    assert some.holders("approve", PRODUCTION) == ("role:release", "U0ONE", "role:admin")
    denied = authorization("p, role:release, changes, approve, */*, deny", "p, U0ONE, changes, *, */*, allow")
    assert denied.holders("approve", PRODUCTION) == ("U0ONE", "role:admin")
    assert some.holders("get", PRODUCTION) == ("role:readonly",)
    nobody = Authorization(Permissions(policy=""))
    assert nobody.holders("approve", PRODUCTION) == ()
    assert nobody.authorize(person("U0X"), "approve", PRODUCTION).reason.endswith("nobody has it")


def test_roles_come_through_groups_other_roles_and_by_default() -> None:
    some = authorization()
    assert some.roles_of(person("U0LEAD")) == {"role:lead", "role:release", "role:readonly"}
    assert some.roles_of(person("U0X", "S0PLATFORM")) == {"role:release", "role:readonly"}
    assert some.roles_of(person("U0X")) == {"role:readonly"}


def test_roles_within_roles_have_no_depth_at_which_they_end() -> None:
    chain = "\n".join(f"g, role:r{n}, role:r{n + 1}" for n in range(30))
    deep = Authorization(
        Permissions(policy=f"g, U0X, role:r0\n{chain}\np, role:r30, changes, get, */*, deny\n", default="role:readonly")
    )
    assert not deep.authorize(person("U0X"), "get", PRODUCTION).allowed


def test_the_groups_to_ask_for_are_those_of_the_policy() -> None:
    assert authorization("p, S0BAD, changes, get, */*, deny").groups == {"S0PLATFORM", "S0BAD"}


def test_a_group_that_cannot_be_asked_is_never_a_yes() -> None:
    some = authorization("p, S0LEAVERS, changes, *, */*, deny")
    away = ("S0PLATFORM", "S0LEAVERS")
    assert some.authorize(person("U0X", unverified=away), "approve", PRODUCTION).outcome is Outcome.UNVERIFIED
    assert some.authorize(person("U0LEAD", unverified=away), "approve", PRODUCTION).outcome is Outcome.UNVERIFIED
    assert some.authorize(person("U0LEAD", unverified=away[:1]), "approve", PRODUCTION).allowed
    assert some.authorize(person("U0X", "S0LEAVERS", unverified=away), "get", STAGING).outcome is Outcome.REFUSED
    assert some.authorize(person("U0X", unverified=away), "revert", PRODUCTION).outcome is Outcome.REFUSED


def test_a_policy_with_a_fault_is_not_half_in_force() -> None:
    with pytest.raises(ValueError, match=r"permissions\.policy, line 1, column 21: the action `aprove` is not known"):
        Authorization(Permissions(policy="p, role:x, changes, aprove, */*, allow"))


def test_an_unknown_action_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="no action of the policy"):
        authorization().authorize(person("U0X"), "destroy", PRODUCTION)


def test_the_actions_of_the_policy_are_those_that_are_asked_for() -> None:
    assert tuple(action.value for action in Action) == ACTIONS[Resource.CHANGES]
    assert tuple(right.value for right in AlertRight) == ACTIONS[Resource.ALERTS]
    assert {right.resource for right in (*Action, *AlertRight)} == set(ACTIONS)


def test_what_is_allowed_on_one_resource_is_not_allowed_on_the_other() -> None:
    some = Authorization(
        Permissions(
            default="role:nothing",
            policy="p, U0ONE, changes, *, */*, allow\np, U0TWO, alerts, *, */*, allow\n"
            "p, U0TWO, changes, get, */*, allow\np, U0THREE, alerts, *, */*, allow\n"
            "p, U0THREE, changes, *, */*, deny\n",
        )
    )

    def may(user: str, resource: Resource) -> list[str]:
        asked = (
            (action, some.authorize(person(user), action, STAGING, resource=resource)) for action in ACTIONS[resource]
        )
        return [action for action, verdict in asked if verdict.allowed]

    assert may("U0ONE", Resource.CHANGES) == list(ACTIONS[Resource.CHANGES])
    assert may("U0ONE", Resource.ALERTS) == []
    assert may("U0TWO", Resource.CHANGES) == ["get"]
    assert may("U0TWO", Resource.ALERTS) == ["get", "acknowledge", "silence"]
    assert may("U0THREE", Resource.CHANGES) == []  # a deny stays with its resource
    assert may("U0THREE", Resource.ALERTS) == ["get", "acknowledge", "silence"]
    assert some.holders("get", STAGING, resource=Resource.ALERTS) == ("U0TWO", "U0THREE")


def test_the_built_in_roles_hold_for_alerts_too() -> None:
    def may(user: str) -> list[str]:
        asked = ((a, authorization().authorize(person(user), a, STAGING, resource=Resource.ALERTS)) for a in ALERTS)
        return [action for action, verdict in asked if verdict.allowed]

    assert may("U0ADMIN") == list(ALERTS)
    assert may("U0ANY") == ["get"]


def test_an_action_of_alerts_is_none_of_changes() -> None:
    with pytest.raises(ValueError, match="no action of the policy on changes"):
        authorization().authorize(person("U0X"), "silence", PRODUCTION)
    needed = authorization().authorize(person("U0X"), "silence", PRODUCTION, resource=Resource.ALERTS)
    assert needed.reason == f"needs `alerts, silence` on {PRODUCTION}; granted to role:admin"


def test_thousands_of_questions_take_less_than_a_second() -> None:
    some, who = authorization(), person("U0APPR1", "S0PLATFORM")
    some.authorize(who, "approve", PRODUCTION)
    started = time.perf_counter()
    for _ in range(5000):
        some.authorize(who, "approve", PRODUCTION)
    assert time.perf_counter() - started < 1


# --- laws for any policy ---

ROLES = ["role:a", "role:b", "role:readonly"]
WHO = ["U0AAA", "U0BBB", "S0AAA", "S0BBB", *ROLES]
GRANTS = st.builds(
    "p, {}, changes, {}, {}, {}".format,
    st.sampled_from(WHO),
    st.sampled_from(["get", "approve", "*", "a*"]),
    st.sampled_from(["app/prod", "*/prod", "*/*", "other/*"]),
    st.sampled_from(["allow", "deny"]),
)
MEMBERSHIPS = st.builds("g, {}, {}".format, st.sampled_from(WHO[:4]), st.sampled_from(ROLES))
POLICIES = st.lists(GRANTS | MEMBERSHIPS, max_size=8)
SUBJECTS = st.builds(
    lambda user, groups: person(user, *groups),
    st.sampled_from(WHO[:2]),
    st.frozensets(st.sampled_from(WHO[2:4])),
)
ASKED = st.tuples(st.sampled_from(["get", "approve", "sync"]), st.sampled_from(["app/prod", "other/stage"]))


def evaluated(lines: list[str]) -> Authorization:
    return Authorization(Permissions(policy="\n".join(lines)))


@given(st.data(), POLICIES, SUBJECTS, ASKED)
def test_the_order_of_lines_does_not_matter(
    data: st.DataObject, lines: list[str], who: Subject, asked: tuple[str, str]
) -> None:
    shuffled = data.draw(st.permutations(lines))
    assert evaluated(lines).authorize(who, *asked).allowed == evaluated(shuffled).authorize(who, *asked).allowed


@given(POLICIES, SUBJECTS, ASKED)
def test_a_deny_for_him_is_a_no_whatever_else_there_is(lines: list[str], who: Subject, asked: tuple[str, str]) -> None:
    for one in (who.user, *who.groups, "role:readonly"):
        denied = evaluated([*lines, f"p, {one}, changes, {asked[0]}, {asked[1]}, deny"])
        assert not denied.authorize(who, *asked).allowed


@given(POLICIES, SUBJECTS, ASKED)
def test_the_line_that_is_named_did_decide(lines: list[str], who: Subject, asked: tuple[str, str]) -> None:
    verdict = evaluated(lines).authorize(who, *asked)
    if verdict.decided_by is None:
        assert not verdict.allowed
        return
    assert verdict.decided_by.allows is verdict.allowed
    if verdict.decided_by.line:
        alone = [line for line in lines if line.startswith("g")] + [str(verdict.decided_by)]
        assert evaluated(alone).authorize(who, *asked).allowed is verdict.allowed


@given(POLICIES, st.sampled_from(WHO[:2]), st.frozensets(st.sampled_from(WHO[2:4])), ASKED)
def test_unverified_groups_are_decided_only_if_every_possibility_says_the_same(
    lines: list[str], user: str, groups: frozenset[str], asked: tuple[str, str]
) -> None:
    policy = evaluated(lines)
    possible = [
        policy.authorize(person(user, *some), *asked).allowed
        for size in range(len(groups) + 1)
        for some in itertools.combinations(sorted(groups), size)
    ]
    outcome = policy.authorize(person(user, unverified=tuple(groups)), *asked).outcome
    expected = Outcome.ALLOWED if all(possible) else Outcome.UNVERIFIED if any(possible) else Outcome.REFUSED
    assert outcome is expected
