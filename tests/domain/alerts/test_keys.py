"""Groups that must not be taken for one another."""

from dataclasses import replace

from bot.domain.alerts.group import AlertGroupId
from bot.domain.alerts.keys import key_of, key_of_group, labels_key_of
from tests.alert_examples import GROUP, group


def test_the_same_group_key_of_another_receiver_or_source_is_another_group() -> None:
    keys = {key_of(source, receiver, "{}:{}") for source in ("default", "edge") for receiver in ("a", "b")}
    assert len(keys) == 4


def test_a_group_that_only_the_api_told_of_has_a_key_of_its_own() -> None:
    unnamed = replace(group(), group_key="")
    assert key_of_group(unnamed) != key_of("default", "tiphys", "")
    assert key_of_group(unnamed) != key_of_group(replace(unnamed, id=AlertGroupId(GROUP[::-1])))
    assert key_of_group(group()) == key_of("default", "tiphys", group().group_key)


def test_the_order_of_labels_says_nothing() -> None:
    assert labels_key_of("s", "r", {"a": "1", "b": "2"}) == labels_key_of("s", "r", {"b": "2", "a": "1"})
