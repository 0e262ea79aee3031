"""What a change is bound to: equal keys have equal fingerprints, others others, and people are told what differs."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.content_key import ContentKey
from tests.examples import KEY, OTHER_KEY

words = st.text(max_size=8)
keys = st.builds(
    ContentKey,
    paths=st.dictionaries(st.text(max_size=6), st.sampled_from(["a" * 40, "b" * 40, "-"]), max_size=3),
    widened=st.none() | words,
    destination=st.text(max_size=3),
    project=st.text(max_size=3),
    source_digest=st.text(max_size=3),
    sync_digest=st.text(max_size=3),
)


def test_a_fingerprint_is_64_hexadecimal_digits_and_never_changes() -> None:
    """Stored approvals name it: another digest for the same key would void all of them."""
    assert KEY.fingerprint == "33323b00801395591f0bcc09302407d584bc902ad3d10759b344d58f58c70d35"


def test_the_order_of_paths_makes_no_difference() -> None:
    backwards = replace(KEY, paths=dict(reversed(list(KEY.paths.items()))))
    assert backwards.fingerprint == KEY.fingerprint


@pytest.mark.parametrize(
    ("other", "differences"),
    [
        (KEY, ()),
        (OTHER_KEY, ("`deployments/k8s/base`",)),
        (
            replace(KEY, paths={"deployments/k8s/base": "b" * 40, "deployments/k8s/new": "-"}),
            ("`deployments/k8s/new`", "`deployments/k8s/overlays/production`"),
        ),
        (
            replace(KEY, paths={"": "d" * 40}),
            ("`the whole tree`", "`deployments/k8s/base`", "`deployments/k8s/overlays/production`"),
        ),
        (replace(KEY, destination="other/apm"), ("the destination (in-cluster/apm → other/apm)",)),
        (replace(KEY, project="other"), ("the Argo CD project (apm → other)",)),
        (replace(KEY, source_digest="s2"), ("the Application's source settings",)),
        (
            replace(OTHER_KEY, sync_digest="y2"),
            ("`deployments/k8s/base`", "the Application's sync settings"),
        ),
    ],
)
def test_differences_are_told_to_people(other: ContentKey, differences: tuple[str, ...]) -> None:
    assert KEY.differences(other) == differences
    assert len(other.differences(KEY)) == len(differences)


def test_files_and_settings_are_told_apart() -> None:
    both = replace(OTHER_KEY, sync_digest="y2")
    assert KEY.moved_paths(both) == ("deployments/k8s/base",)
    assert KEY.changed_settings(both) == ("the Application's sync settings",)


def test_why_a_key_is_wide_is_no_content() -> None:
    assert replace(KEY, widened="a remote base").fingerprint == KEY.fingerprint


@given(keys, keys)
def test_equal_fingerprints_mean_that_nothing_differs(one: ContentKey, other: ContentKey) -> None:
    assert (one.fingerprint == other.fingerprint) == (one.differences(other) == ())


@given(keys)
def test_a_key_differs_in_nothing_from_itself(key: ContentKey) -> None:
    again = replace(key, paths=dict(key.paths))
    assert (again.fingerprint, again.differences(key)) == (key.fingerprint, ())
