"""The world as a test drives it: people say and click, and what they see is read back. All through the control API."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

PATIENCE = 90.0


class Refused(Exception):
    """The control API said no; `slug` says which."""

    def __init__(self, status: int, slug: str, message: str) -> None:
        super().__init__(f"{status} {slug}: {message}")
        self.status, self.slug = status, slug


@dataclass(frozen=True, slots=True)
class Message:
    data: dict[str, Any]
    channel: str

    @property
    def ts(self) -> str:
        return str(self.data["ts"])

    @property
    def text(self) -> str:
        return str(self.data["text"])

    @property
    def plain(self) -> str:
        return str(self.data["plain"])

    @property
    def change(self) -> str | None:
        metadata = self.data.get("metadata") or {}
        return (
            metadata.get("event_payload", {}).get("change") if metadata.get("event_type") == "tiphys_change" else None
        )

    @property
    def state(self) -> str:
        return self.text.split(": ", 1)[1].split(" ·", 1)[0]

    @property
    def replies(self) -> list[str]:
        return [str(reply["plain"]) for reply in self.data["replies"]]

    @property
    def actions(self) -> set[str]:
        return {str(button["action_id"]) for button in self.data["buttons"]}


class Workspace:
    """One running sandbox with its bot."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.AsyncClient(base_url=url, timeout=60, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = await self._http.request(method, path, content=json.dumps(body) if body is not None else None)
        data = answer.json()
        if answer.status_code >= 400:
            raise Refused(answer.status_code, data["error"]["slug"], data["error"]["message"])
        return data

    async def say(self, user: str, text: str, *, channel: str = "deployments", **more: Any) -> dict[str, Any]:
        said: dict[str, Any] = await self.call(
            "POST", "/api/say", {"user": user, "channel": channel, "text": text, **more}
        )
        return said

    async def settle(self, timeout: float = 20) -> bool:
        return bool((await self.call("POST", "/api/settle", {"timeout": timeout}))["settled"])

    async def messages(self, channel: str = "deployments", *, after: str = "") -> list[Message]:
        """`after`: the ts of a message, to leave out that one and older ones."""
        found = (await self.call("GET", f"/api/channels/{channel}/messages?after={after}"))["messages"]
        return [Message(data, channel) for data in found]

    async def cards(self, channel: str = "deployments", *, after: str = "") -> list[Message]:
        return [message for message in await self.messages(channel, after=after) if message.change is not None]

    async def card(self, channel: str = "deployments", *, after: str = "") -> Message:
        """The newest card of the channel."""
        cards = await self.cards(channel, after=after)
        assert cards, f"no card in {channel}"
        return cards[-1]

    async def click(self, user: str, action: str, card: Message, **more: Any) -> dict[str, Any]:
        clicked: dict[str, Any] = await self.call(
            "POST", "/api/click",
            {"user": user, "channel": card.channel, "ts": card.ts, "action_id": action, "confirm": True, **more},
        )  # fmt: skip
        return clicked

    async def submit(self, user: str, view: str, values: dict[str, Any]) -> dict[str, Any]:
        submitted: dict[str, Any] = await self.call(
            "POST", "/api/submit", {"user": user, "view_id": view, "values": values}
        )
        return submitted

    async def ephemerals(self, user: str) -> list[str]:
        found = (await self.call("GET", f"/api/users/{user}/ephemerals"))["ephemerals"]
        return [str(item["plain"]) for item in found]

    async def views(self, user: str) -> list[dict[str, Any]]:
        return list((await self.call("GET", f"/api/users/{user}/views"))["views"])

    async def state(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.call("GET", "/api/state")
        return found

    async def application(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(a for a in (await self.state())["applications"] if a["name"] == name)
        return found

    async def pulls(self) -> list[dict[str, Any]]:
        return list((await self.state())["pulls"])

    async def commit(
        self, files: dict[str, str | None], *, branch: str = "main", who: str = "developer-2", **more: Any
    ) -> str:
        body = {"repository": "example/apm", "branch": branch, "as": who, "message": "a change by hand", "files": files}
        return str((await self.call("POST", "/api/git/commit", body | more))["sha"])

    async def github(self, do: str, *, who: str = "developer", **more: Any) -> dict[str, Any]:
        body = {"as": who, "do": do, "repository": "example/apm", **more}
        done: dict[str, Any] = await self.call("POST", "/api/github", body)
        return done

    async def argocd(
        self, do: str, *, application: str = "apm-stack-production", who: str = "admin", **more: Any
    ) -> Any:
        return await self.call("POST", "/api/argocd", {"as": who, "application": application, "do": do, **more})

    async def fault(self, service: str, do: str, **more: Any) -> str:
        return str((await self.call("POST", "/api/faults", {"service": service, "do": do, **more}))["id"])

    async def end_faults(self) -> None:
        await self.call("DELETE", "/api/faults")

    async def requests(self, *, service: str | None = None, after: int = 0) -> list[dict[str, Any]]:
        query = f"?after={after}" + (f"&service={service}" if service else "")
        return list((await self.call("GET", f"/api/requests{query}"))["requests"])

    async def deliveries(self, *, kind: str | None = None) -> list[dict[str, Any]]:
        """What Slack delivered to the bot, all or of one kind, oldest first."""
        found = (await self.call("GET", "/api/deliveries"))["deliveries"]
        return [delivery for delivery in found if kind in (None, delivery["kind"])]

    async def replay(self, delivery: dict[str, Any], **altered: Any) -> int | None:
        """Deliver something again, altered; the status that the bot answers with."""
        answer = await self.call("POST", "/api/replay", {"delivery_id": delivery["id"], **altered})
        status: int | None = answer["status"]
        return status

    async def until(
        self, look: Callable[[], Awaitable[Any]], *, wants: str, patience: float = PATIENCE, every: float = 0.05
    ) -> Any:
        """Wait until `look()` (awaited) is truthy, and answer it. `every`: seconds between looks, for those that cost
        much."""
        deadline = asyncio.get_running_loop().time() + patience
        last: Any = None
        while asyncio.get_running_loop().time() < deadline:
            try:
                last = await look()
            except (AssertionError, StopIteration, RuntimeError):
                last = None
            if last:
                return last
            await asyncio.sleep(every)
        raise AssertionError(f"waited {patience:.0f} s for: {wants}; cards now: {await self._told()}")

    async def card_is(
        self, state: str, *, channel: str = "deployments", patience: float = PATIENCE, after: str = ""
    ) -> Message:
        """Wait until the newest card says this state."""

        async def look() -> Message | None:
            card = await self.card(channel, after=after)
            return card if card.state == state else None

        found: Message = await self.until(look, wants=f"a card that says {state!r}", patience=patience)
        return found

    async def told(self, user: str, words: str) -> str:
        """Wait until that person was privately told something with these words."""

        async def look() -> str | None:
            return next((text for text in reversed(await self.ephemerals(user)) if words in text), None)

        try:
            found: str = await self.until(look, wants=f"{user} is told {words!r}", patience=15)
        except AssertionError as error:
            raise AssertionError(f"{error}; was told: {await self.ephemerals(user)}") from None
        return found

    async def thread_says(self, words: str, *, channel: str = "deployments") -> str:
        async def look() -> str | None:
            return next((reply for reply in (await self.card(channel)).replies if words in reply), None)

        found: str = await self.until(look, wants=f"the thread says {words!r}")
        return found

    async def propose(
        self, *, who: str = "developer", environment: str = "prod", channel: str = "deployments"
    ) -> Message:
        """`/promote apm-stack <environment>` up to the card that waits for approval."""
        await self.say(who, f"/promote apm-stack {environment}", channel=channel)
        return await self.card_is("waiting for approval", channel=channel)

    async def approve(self, *users: str, channel: str = "deployments") -> None:
        for user in users:
            await self.click(user, "change.approve", await self.card(channel))

    async def _told(self) -> list[str]:
        return [m.text for channel in ("deployments", "staging") for m in await self.cards(channel)]
