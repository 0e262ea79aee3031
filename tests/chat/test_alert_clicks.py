"""What a pressed button or submitted dialog of an alert group means."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.alert_clicks import ALERT_NEEDS, group_of, is_about_alerts
from bot.domain.alerts.card import AlertAction
from bot.domain.card import CardAction
from bot.domain.identity import UserId
from bot.domain.incoming import Incoming, IncomingKind
from tests.alert_desk import LEAD, AlertDesk, open_alert_desk
from tests.alert_examples import GROUP


@pytest.fixture
async def alert_desk(tmp_path: Path) -> AsyncIterator[AlertDesk]:
    async with open_alert_desk(tmp_path) as opened:
        yield opened


def click(value: str, action: str = "alert.acknowledge") -> Incoming:
    return Incoming(id="t1", kind=IncomingKind.CLICK, user=UserId(LEAD), channel=None, action=action, value=value)


def test_a_button_names_its_group() -> None:
    assert group_of(click(json.dumps({"group": GROUP, "more": [1]}))) == GROUP


@pytest.mark.parametrize(
    "value",
    ["", "{", "[]", "null", "7", f'"{GROUP}"', '{"group": null}', '{"group": 7}', '{"group": "7"}', '{"change": "x"}',
     f'{{"group": ["{GROUP}"]}}', f'{{"group": "{GROUP} "}}', "[" * 10_000],
)  # fmt: skip
def test_garbage_names_nothing(value: str) -> None:
    assert group_of(click(value)) is None


@given(st.text(max_size=100) | st.dictionaries(st.text(), st.text() | st.integers()).map(json.dumps))
def test_no_value_is_too_strange_to_be_read(value: str) -> None:
    found = group_of(click(value))
    assert found is None or len(found) == 26


def test_the_two_kinds_of_buttons_are_told_apart() -> None:
    assert all(is_about_alerts(action.value) for action in AlertAction)
    assert not any(is_about_alerts(action.value) for action in CardAction)
    assert set(ALERT_NEEDS) == set(AlertAction)


@pytest.mark.parametrize("action", sorted(AlertAction))
async def test_garbage_and_strangers_are_answered_and_do_nothing(alert_desk: AlertDesk, action: AlertAction) -> None:
    group = await alert_desk.group()
    for value, says in (("{}", "no longer known"), (json.dumps({"group": "7" + GROUP[1:]}), "")):
        incoming = alert_desk.desk.act(IncomingKind.CLICK, LEAD, action=action.value, value=value)
        words = await alert_desk.desk.tell(incoming)
        assert says in words
        assert words
    assert await alert_desk.get() == group


async def test_a_submission_of_what_is_no_dialog_acts_as_its_button(alert_desk: AlertDesk) -> None:
    group = await alert_desk.group()
    words = await alert_desk.desk.tell(alert_desk.submission(LEAD, "alert.change", group))
    assert "no longer known" in words
