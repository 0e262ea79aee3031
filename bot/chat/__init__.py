"""The half of chat-ops that knows no chat system: commands, their arguments, and what people did."""

from bot.chat.command import Action, Args, Argument, ArgumentKind, Command, Context, Flag

__all__ = ["Action", "Args", "Argument", "ArgumentKind", "Command", "Context", "Flag"]
