"""The pieces of the Slack stand-in that its methods and acts work with."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.slack.deliveries import Deliveries
from bot.sandbox.slack.http_door import HttpDoor
from bot.sandbox.slack.installation import Installation
from bot.sandbox.slack.interactions import Interactions
from bot.sandbox.slack.limits import RateLimits
from bot.sandbox.slack.messages import Content
from bot.sandbox.slack.modals import Modals
from bot.sandbox.slack.plain import message as plain_message
from bot.sandbox.slack.socket_mode import SocketMode
from bot.sandbox.slack.workspace import Workspace


class WorkspaceNames:
    """Names for ids, as the workspace has them now."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def user_name(self, user_id: str) -> str:
        user = self._workspace.users.get(user_id)
        return user.name if user else user_id

    def channel_name(self, channel_id: str) -> str:
        channel = self._workspace.channels.get(channel_id)
        return channel.name if channel else channel_id

    def usergroup_name(self, group_id: str) -> str:
        group = self._workspace.usergroups.get(group_id)
        return group.name if group else group_id


@dataclass(slots=True, kw_only=True)
class Parts:
    """Everything of one workspace. `touched` says that something can be seen that could not be seen before."""

    workspace: Workspace
    names: WorkspaceNames
    installation: Installation
    interactions: Interactions
    modals: Modals
    limits: RateLimits
    socket_mode: SocketMode
    http: HttpDoor | None
    deliveries: Deliveries
    touched: Callable[[], None]
    base_url: str = ""

    def plain(self, content: Content) -> str:
        return plain_message(content.text, content.blocks, content.attachments, self.names)
