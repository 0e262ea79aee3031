"""`help [command]`: what can be typed."""

from bot.chat import Args, Argument, ArgumentKind, Command, Context
from bot.domain.request import Answer
from bot.domain.text import Code, Strong, Text


async def run(context: Context, args: Args) -> Answer:
    wanted = args.get("command")
    for command in context.commands:
        if command.name == wanted:
            return Answer.done(_one(command))
    lines = [Text.of("\n", Code(f"/gitops {command.usage}"), f"  {command.summary}") for command in context.commands]
    first = (
        "What you can type, as a command or as a mention ("
        if wanted is None
        else f"I do not know {wanted}. All there is ("
    )
    return Answer.done(Text.of(first, Code("@tiphys promote …"), "):", *lines))


def _one(command: Command) -> Text:
    arguments = [Text.of("\n", Code(a.name), f"  {a.help}") for a in command.arguments]
    flags = [Text.of("\n", Code(f"--{flag.name}"), f"  {flag.help}") for flag in command.flags]
    examples = [Text.of("\nFor example ", Code(f"/gitops {example}")) for example in command.examples]
    return Text.of(Strong(command.usage), f": {command.summary}", *arguments, *flags, *examples)


COMMAND = Command(
    name="help",
    summary="What can be typed, or more about one command",
    run=run,
    slash=False,
    action=None,
    arguments=(Argument(name="command", kind=ArgumentKind.WORD, help="which command", required=False),),
    examples=("help", "help promote"),
)
