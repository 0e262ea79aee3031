"""`promote <application> <environment>`: open (or find) the promotion into a stage."""

from bot.chat import Action, Args, Argument, ArgumentKind, Command, Context, Flag
from bot.domain.request import Answer


async def run(context: Context, args: Args) -> Answer:
    return await context.services.promotions.promote(
        context.request, args["application"], args["environment"], sync="sync" in args.flags
    )


COMMAND = Command(
    name="promote",
    summary="Bring what the stage before runs into this environment",
    run=run,
    action=Action.PROMOTE,
    arguments=(
        Argument(name="application", kind=ArgumentKind.APPLICATION, help="which application"),
        Argument(name="environment", kind=ArgumentKind.ENVIRONMENT, help="where to"),
    ),
    flags=(Flag(name="sync", help="in a manual stage, sync right after the merge"),),
    examples=("promote apm-stack prod", "promote apm-stack staging --sync"),
)
