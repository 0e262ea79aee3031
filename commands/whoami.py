"""`whoami`: who I am here, and what I may do."""

from bot.chat import Args, Command, Context
from bot.domain.request import Answer


async def run(context: Context, args: Args) -> Answer:
    return Answer.done(await context.services.reports.who_am_i(context.request.user))


COMMAND = Command(
    name="whoami", summary="Your id, user groups, roles and rights", run=run, action=None, examples=("whoami",)
)
