"""What a pressed button or a chosen option means."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.clicks import NEEDS, Clicked, act, clicked_on
from bot.domain.card import CardAction, actions_of
from bot.domain.identity import ChangeId, UserId
from bot.domain.incoming import Incoming, IncomingKind
from bot.domain.lifecycle import State
from tests import examples
from tests.desk import Desk

ULID = examples.CHANGE
FINGERPRINT = examples.KEY.fingerprint


def click(value: str, action: str = "change.approve") -> Incoming:
    return Incoming(id="t1", kind=IncomingKind.CLICK, user=UserId("U0APPR1"), channel=None, action=action, value=value)


@pytest.mark.parametrize(
    "value",
    [
        json.dumps({"change": ULID, "fingerprint": FINGERPRINT}),
        f"change.approve|{ULID}|{FINGERPRINT}",
        f"{ULID}|{FINGERPRINT}",
        json.dumps({"fingerprint": FINGERPRINT, "change": ULID, "more": [1, {"deep": None}]}),
    ],
    ids=["button", "option", "option without its action", "from a newer version"],
)
def test_buttons_and_options_name_the_change_and_what_was_seen(value: str) -> None:
    assert clicked_on(click(value)) == Clicked(name=ULID, change=ULID, fingerprint=FINGERPRINT)


@pytest.mark.parametrize("value", [json.dumps({"change": ULID}), f"change.hold|{ULID}", ULID])
def test_a_fingerprint_may_be_absent(value: str) -> None:
    assert clicked_on(click(value)) == Clicked(name=ULID, change=ULID, fingerprint="")


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "|", "||", "{", "{}", "[]", "null", "change.approve", "change.approve|",
        '{"change": null}', '{"change": 42}', '{"change": "42"}', '{"change": ["01HZX3K6Q4T8V2M5N7P9R1S3WA"]}',
        f'{{"change": "{ULID}", "fingerprint": 7}}', f'{{"change": "{ULID}", "fingerprint": null}}',
        '{"change": "²"}', '{"change": "' + "9" * 5000 + '"}', '{"change": "\\ud800"}',
        '{"change": "01HZX3K6Q4T8V2M5N7P9R1S3WA; DROP TABLE changes"}', f" {ULID}", ULID.lower(),
        '{"change": ' + "1" * 5000 + "}",
    ],
)  # fmt: skip
def test_garbage_names_nothing(value: str) -> None:
    assert clicked_on(click(value)) is None


@given(
    st.text(max_size=300)
    | st.recursive(st.none() | st.text(), lambda inner: st.dictionaries(st.text(), inner)).map(json.dumps)
)
def test_no_value_is_too_strange_to_be_read(value: str) -> None:
    found = clicked_on(click(value))
    assert found is None or len(found.name) == 26


async def test_garbage_is_answered_and_does_nothing(desk: Desk) -> None:
    await desk.put(examples.change())
    before = await desk.counts()
    answer = await act(click('{"change": "²"}'), desk.services)
    assert answer.refused == "unknown-button"
    assert await desk.counts() == before


async def test_a_change_that_does_not_exist_is_told_so(desk: Desk) -> None:
    for action in (CardAction.APPROVE, CardAction.WHY):
        answer = await act(click(f"{ULID}|{FINGERPRINT}", action.value), desk.services)
        assert answer.refused == "no-such-change"


async def test_the_value_is_no_authority(desk: Desk) -> None:
    """The fingerprint in it is compared with our own row, whatever the button says."""
    change = await desk.put(examples.change())
    for forged in ("0" * 64, "", FINGERPRINT[:5], f"{FINGERPRINT}0", "%"):
        answer = await act(click(f"{change.id}|{forged}"), desk.services)
        assert answer.refused == "stale"
    assert await desk.count("approvals") == 0
    assert (await act(click(f"{change.id}|{FINGERPRINT[:12]}"), desk.services)).refused is None
    assert await desk.count("approvals") == 1


async def test_why_tells_the_gates_to_who_may_look(desk: Desk) -> None:
    await desk.put(examples.change(gates=examples.OPEN_GATES, reason="needs 2 more approvals"))
    answer = await act(click(ULID, CardAction.WHY.value), desk.services)
    assert answer.refused is None
    assert answer.text.plain == (
        "#1 apm-stack → production: waiting for approval (needs 2 more approvals)\n"
        "✅ source: staging is Healthy\n✅ window: no sync window in the way"
    )


@pytest.mark.parametrize("action", [CardAction.REVERT, CardAction.LOGS])
async def test_buttons_of_later_cards_are_told_apart_from_garbage(desk: Desk, action: CardAction) -> None:
    answer = await act(click(f"{ULID}|", action.value), desk.services)
    assert answer.text.plain == "This button is not known yet."


def test_every_button_that_a_card_may_show_has_its_right() -> None:
    shown = {
        action
        for state in State
        for change in (examples.change(state), examples.merged_change(state))
        for action in actions_of(change)
    }
    assert shown <= set(NEEDS)


def test_the_change_of_a_click_is_an_id() -> None:
    found = clicked_on(click(ULID))
    assert found is not None
    assert found.change == ChangeId(ULID)
