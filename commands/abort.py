"""`abort <change> [reason]`: stop a change before it syncs."""

from bot.chat import Action, Args, Argument, ArgumentKind, Command, Context
from bot.domain.request import Answer
from bot.services.deciding import no_such_change


async def run(context: Context, args: Args) -> Answer:
    if args.change is None:
        return no_such_change(args["change"])
    return await context.services.decisions.abort(context.request, args.change, args.get("reason") or "")


COMMAND = Command(
    name="abort",
    summary="Stop a change before it syncs; your own always",
    run=run,
    action=Action.ABORT,
    arguments=(
        Argument(name="change", kind=ArgumentKind.CHANGE, help="its number"),
        Argument(name="reason", kind=ArgumentKind.TEXT, help="why", required=False),
    ),
    examples=("abort #42", "abort #42 wrong version"),
)
