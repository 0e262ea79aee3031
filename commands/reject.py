"""`reject <change> <reason>`: say no, with a reason."""

from bot.chat import Action, Args, Argument, ArgumentKind, Command, Context
from bot.domain.request import Answer
from bot.services.deciding import no_such_change


async def run(context: Context, args: Args) -> Answer:
    if args.change is None:
        return no_such_change(args["change"])
    return await context.services.decisions.reject(context.request, args.change, args["reason"])


COMMAND = Command(
    name="reject",
    summary="Say no to a change, with a reason; it ends",
    run=run,
    action=Action.REJECT,
    arguments=(
        Argument(name="change", kind=ArgumentKind.CHANGE, help="its number"),
        Argument(name="reason", kind=ArgumentKind.TEXT, help="why, for everybody to read"),
    ),
    examples=("reject #42 the migration is not reviewed yet",),
)
