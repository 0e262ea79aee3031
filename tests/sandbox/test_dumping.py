"""What is saved of a record is what `dataclasses.asdict` says of it."""

from dataclasses import asdict

from bot.sandbox.argocd.cluster import LiveObject
from bot.sandbox.argocd.health import Health
from bot.sandbox.dumping import saved
from bot.sandbox.slack.messages import Content, Message


def test_it_is_the_same_as_asdict() -> None:
    live = LiveObject({"kind": "Job", "spec": {"list": [1, {"a": None}]}}, {}, Health("Progressing"), None, 12.5)
    message = Message(
        ts="1.2", channel="C1", user="U1", content=Content(text="hi", blocks=[{"type": "divider"}]),
        reactions={"eyes": ["U1"]}, past=[{"blocks": []}],
    )  # fmt: skip
    assert saved(live) == asdict(live)
    assert saved(message) == asdict(message)


def test_nothing_is_copied() -> None:
    live = LiveObject({"kind": "Job"}, {}, None)
    assert saved(live)["obj"] is live.obj
