"""`status [application] [environment]`: what runs, and what is open."""

from bot.chat import Action, Args, Argument, ArgumentKind, Command, Context
from bot.domain.request import Answer
from bot.domain.text import Text


async def run(context: Context, args: Args) -> Answer:
    application, environment = args.get("application"), args.get("environment")
    if application is None:
        return Answer.done(await context.services.reports.open_changes())
    stages = context.configuration.applications[application].stages
    chosen = [stages[environment]] if environment else list(stages.values())
    lines = [await context.services.reports.stage(stage) for stage in chosen]
    return Answer.done(Text.of(*(part for line in lines for part in (line, "\n"))))


COMMAND = Command(
    name="status",
    summary="What runs where, and which changes are open",
    run=run,
    slash=False,
    action=Action.GET,
    arguments=(
        Argument(name="application", kind=ArgumentKind.APPLICATION, help="only this one", required=False),
        Argument(name="environment", kind=ArgumentKind.ENVIRONMENT, help="only there", required=False),
    ),
    examples=("status", "status apm-stack", "status apm-stack prod"),
)
