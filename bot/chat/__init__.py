"""The half of chat-ops that knows no chat system: commands, their arguments, and what people did."""

from bot.chat.command import Args, Argument, ArgumentKind, Command, Context, Flag
from bot.services.access import Action, AlertRight

__all__ = ["Action", "AlertRight", "Args", "Argument", "ArgumentKind", "Command", "Context", "Flag"]
