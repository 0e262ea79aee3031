"""Ids by their form, and who may act."""

import pytest

from bot.domain.identity import Member, MemberKind, UserId, is_change_id, is_revision, short


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("a" * 40, True), ("0123456789abcdef" * 2 + "01234567", True), ("a" * 39, False), ("A" * 40, False),
     ("main", False), ("HEAD", False), ("v1.2.3", False), ("a" * 40 + "\n", False)],
)  # fmt: skip
def test_a_revision_is_a_full_sha(text: str, is_one: bool) -> None:
    assert is_revision(text) is is_one


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("01HZX3K6Q4T8V2M5N7P9R1S3WA", True), ("7ZZZZZZZZZZZZZZZZZZZZZZZZZ", True), ("8ZZZZZZZZZZZZZZZZZZZZZZZZZ", False),
     ("01HZX3K6Q4T8V2M5N7P9R1S3W", False), ("01hzx3k6q4t8v2m5n7p9r1s3wa", False), ("01HZX3K6Q4T8V2M5N7P9R1S3WI", False),
     ("42", False), ("", False)],
)  # fmt: skip
def test_a_change_id_is_a_ulid(text: str, is_one: bool) -> None:
    assert is_change_id(text) is is_one


@pytest.mark.parametrize("kind", list(MemberKind))
def test_only_members_may_act(kind: MemberKind) -> None:
    assert Member(user=UserId("U1"), name="one", kind=kind).may_act == (kind is MemberKind.MEMBER)


def test_people_see_seven_digits() -> None:
    assert short("0123456789") == "0123456"
