"""Finding what can be pressed or filled in among blocks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.plain import Names, text_object

Json = dict[str, Any]

LEADING_ID = re.compile(r"[A-Za-z0-9_.]+")


@dataclass(frozen=True, slots=True)
class Placed:
    """An element and the block it stands in."""

    block_id: str
    element: Json

    @property
    def action_id(self) -> str:
        return str(self.element.get("action_id", ""))


@dataclass(frozen=True, slots=True)
class Pressable:
    """Something to press: a button, or one option of an overflow menu (`option`)."""

    placed: Placed
    option: Json | None = None

    @property
    def action_id(self) -> str:
        """The button's action id; of an option the id that its value starts with."""
        if self.option is None:
            return self.placed.action_id
        found = LEADING_ID.match(str(self.option.get("value", "")))
        return found.group().rstrip(".") if found else self.placed.action_id

    @property
    def confirm(self) -> Json | None:
        return self.placed.element.get("confirm")

    def as_json(self, names: Names) -> Json:
        source = self.option or self.placed.element
        shown: Json = {
            "action_id": self.action_id, "block_id": self.placed.block_id,
            "label": text_object(source.get("text"), names), "value": source.get("value"),
            "style": self.placed.element.get("style") if self.option is None else None,
            "confirm": confirm_texts(self.confirm, names), "url": source.get("url"),
            "type": self.placed.element["type"],
        }  # fmt: skip
        return shown


def confirm_texts(confirm: Json | None, names: Names) -> Json | None:
    """What a confirm dialog says, as a person reads it."""
    if confirm is None:
        return None
    texts: Json = {key: text_object(confirm.get(key), names) for key in ("title", "text", "confirm", "deny")}
    return {**texts, "style": confirm.get("style")}


def interactive(blocks: list[Json]) -> Iterator[Placed]:
    """Every element with an action id: in action rows, as accessories, in inputs."""
    for block in blocks:
        candidates = [block.get("accessory"), block.get("element"), *(block.get("elements") or [])]
        for element in candidates:
            if isinstance(element, dict) and "action_id" in element:
                yield Placed(str(block.get("block_id", "")), element)


def pressables(blocks: list[Json]) -> Iterator[Pressable]:
    for placed in interactive(blocks):
        match placed.element.get("type"):
            case "button" | "workflow_button":
                yield Pressable(placed)
            case "overflow":
                for option in placed.element.get("options") or []:
                    yield Pressable(placed, option)


def buttons(blocks: list[Json], names: Names) -> list[Json]:
    return [pressable.as_json(names) for pressable in pressables(blocks)]


def find_pressable(blocks: list[Json], action_id: str, block_id: str | None) -> Pressable | None:
    """The button or overflow option of that id; an option also when its value only starts with it."""
    offered = [p for p in pressables(blocks) if block_id in (None, p.placed.block_id)]
    exact = (p for p in offered if p.action_id == action_id)
    prefixed = (p for p in offered if p.option and str(p.option.get("value", "")).startswith(action_id))
    return next(exact, None) or next(prefixed, None)


def find_element(blocks: list[Json], action_id: str, block_id: str | None) -> Placed | None:
    """Any element of that action id: menus and pickers too."""
    return next((p for p in interactive(blocks) if p.action_id == action_id and block_id in (None, p.block_id)), None)


def options_of(element: Json) -> list[Json]:
    """The options that an element offers, those of its groups included."""
    grouped = [option for group in element.get("option_groups") or [] for option in group.get("options") or []]
    return [*(element.get("options") or []), *grouped]
