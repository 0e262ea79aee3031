"""A person presses something: a button, an overflow option, a menu; in a message, a private one or a modal."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from bot.sandbox.control.http import Body, ControlError
from bot.sandbox.seeded import BOT_USER_ID
from bot.sandbox.slack.acts.inputs import chosen, current_values
from bot.sandbox.slack.acts.persons import acting_user, entered_channel, the_ephemeral, the_view
from bot.sandbox.slack.elements import Placed, Pressable, find_element, find_pressable, interactive
from bot.sandbox.slack.interactions import Interaction
from bot.sandbox.slack.messages import Content, Ephemeral, Json, Message
from bot.sandbox.slack.modals import View
from bot.sandbox.slack.parts import Parts
from bot.sandbox.slack.payloads import ephemeral_click, message_click, view_click
from bot.sandbox.slack.workspace import Channel, User

MODAL_GRACE_SECONDS = 0.3


class Click(Body):
    user: str
    channel: str | None = None
    ts: str | None = None
    ephemeral_id: str | None = None
    view_id: str | None = None
    action_id: str
    block_id: str | None = None
    value: str | None = None
    selected: str | list[str] | None = None
    values: dict[str, str | list[str] | int | float | None] = Field(default_factory=dict)
    confirm: bool | None = None
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where the press happens: exactly one of message, ephemeral and view. `past`: what stood there before."""

    channel: Channel | None = None
    message: Message | None = None
    ephemeral: Ephemeral | None = None
    view: View | None = None
    blocks: list[Json]
    past: list[Json]


async def click(parts: Parts, body: Click) -> Json:
    """Deliver the press; back when it is acknowledged (and the modal that it opens is there), or not in time."""
    user = acting_user(parts, body.user, force=body.force)
    scene = _scene(parts, body, user)
    action = _action(parts, body, scene)
    state = _state(parts, body, scene, action)
    acts: list[Interaction] = []

    def build(base: str) -> Json:
        acts.append(_begin(parts, user, scene))
        return _payload(user, scene, action, acts[-1], base, state)

    acknowledged = await parts.deliveries.deliver("click", "interactive", user.id, build)
    if acknowledged is None:
        return {"ack": None}
    act = acts[-1]
    await _await_modal(act)
    # What a click's acknowledgement carries, Slack ignores.
    answer: Json = {"ack": acknowledged.as_json()}
    return answer if act.opened_view is None else {**answer, "view_id": act.opened_view}


def _scene(parts: Parts, body: Click, user: User) -> Scene:
    if body.view_id is not None:
        view = the_view(parts, body.view_id, user)
        return Scene(view=view, blocks=view.payload["blocks"], past=[])
    if body.ephemeral_id is not None:
        ephemeral = the_ephemeral(parts, body.ephemeral_id, user)
        channel = parts.workspace.channels[ephemeral.channel]
        return Scene(channel=channel, ephemeral=ephemeral, blocks=ephemeral.content.all_blocks(), past=[])
    if body.channel is None or body.ts is None:
        raise ControlError(400, "malformed", "name a message (channel, ts), an ephemeral_id or a view_id", "ts")
    channel = entered_channel(parts, body.channel, user, force=body.force)
    message = parts.workspace.find_message(channel.id, body.ts)
    if (message is None or message.deleted) and not body.force:
        raise ControlError(404, "no_such_message", f"no message {body.ts} in {channel.name}", "ts")
    if message is None:
        message = Message(ts=body.ts, channel=channel.id, user=BOT_USER_ID, content=Content())
    shown = [] if message.deleted else message.content.all_blocks()
    past = [*(message.content.all_blocks() if message.deleted else []), *message.past]
    return Scene(channel=channel, message=message, blocks=shown, past=past)


def _action(parts: Parts, body: Click, scene: Scene) -> Json:
    """The entry of the payload's `actions`."""
    wanted = (body.action_id, body.block_id)
    pressed: Pressable | Placed | None = find_pressable(scene.blocks, *wanted) or find_element(scene.blocks, *wanted)
    if pressed is None and body.force:
        pressed = find_pressable(scene.past, *wanted) or find_element(scene.past, *wanted)
        pressed = pressed or _made_up(body)
    elif pressed is None:
        raise ControlError(404, "no_such_action", f"nothing with the id {body.action_id} is shown there", "action_id")
    placed = pressed.placed if isinstance(pressed, Pressable) else pressed
    if not body.force and not _tells_while_typed(scene, placed):
        raise ControlError(409, "not_dispatched", "Slack tells of this input only when the modal is sent", "action_id")
    if placed.element.get("confirm") and not body.confirm and not body.force:
        raise ControlError(409, "confirm_required", "Slack would ask first: send `confirm: true`", "confirm")
    element = placed.element
    action: Json = {
        "action_id": placed.action_id, "block_id": placed.block_id, "type": element["type"],
        "action_ts": f"{time.time():.6f}",
    }  # fmt: skip
    if isinstance(pressed, Pressable) and pressed.option is not None:
        option = dict(pressed.option)
        if body.value is not None:
            option["value"] = body.value
        return {**action, "selected_option": option}
    if element["type"] == "button":
        value = body.value if body.value is not None else element.get("value")
        action |= {key: element[key] for key in ("text", "style", "url") if key in element}
        return action if value is None else {**action, "value": value}
    return {**action, **chosen(parts, element, _picked(body), "selected")}


def _picked(body: Click) -> Any:
    return body.selected if body.selected is not None else body.value


def _made_up(body: Click) -> Pressable:
    """A button that nobody ever saw there, for a forced click."""
    label = {"type": "plain_text", "text": body.action_id, "emoji": True}
    element = {"type": "button", "action_id": body.action_id, "text": label}
    return Pressable(Placed(body.block_id or "stale", element))


def _state(parts: Parts, body: Click, scene: Scene, action: Json) -> Json:
    """What stands in the fields: as they were shown, as a person has filled them in since, and as he just has."""
    state = current_values(scene.blocks)
    for placed in interactive(scene.blocks):
        given = body.values.get(placed.block_id)
        if given is not None and placed.action_id in state.get(placed.block_id, {}):
            filled = chosen(parts, placed.element, given, f"values.{placed.block_id}")
            state[placed.block_id][placed.action_id] = {"type": placed.element["type"], **filled}
    if action["action_id"] in state.get(action["block_id"], {}):
        kept = {key: value for key, value in action.items() if key == "value" or key.startswith("selected_")}
        state[action["block_id"]][action["action_id"]] = {"type": action["type"], **kept}
    return state


def _tells_while_typed(scene: Scene, placed: Placed) -> bool:
    """Slack tells of what is typed or chosen in an input only where the bot asked it to."""
    block = next((block for block in scene.blocks if block.get("block_id") == placed.block_id), {})
    return block.get("type") != "input" or block.get("dispatch_action") is True


def _begin(parts: Parts, user: User, scene: Scene) -> Interaction:
    return parts.interactions.begin(
        user.id, channel=scene.channel.id if scene.channel else None,
        message_ts=scene.message.ts if scene.message else None,
        thread_ts=scene.message.thread_ts if scene.message else None,
        ephemeral_id=scene.ephemeral.id if scene.ephemeral else None, view_id=scene.view.id if scene.view else None,
    )  # fmt: skip


def _payload(user: User, scene: Scene, action: Json, act: Interaction, base: str, state: Json) -> Json:
    if scene.view is not None:
        return view_click(user, scene.view, action, act, state)
    if scene.channel is not None and scene.message is not None:
        return message_click(user, scene.channel, scene.message, action, act, base, state)
    if scene.channel is not None and scene.ephemeral is not None:
        return ephemeral_click(user, scene.channel, scene.ephemeral, action, act, base, state)
    raise AssertionError("a press happens somewhere")


async def _await_modal(act: Interaction) -> None:
    """Bots acknowledge first and open the modal right after: give it a moment to appear."""
    try:
        async with asyncio.timeout(MODAL_GRACE_SECONDS):
            await act.answered.wait()
    except TimeoutError:
        return
