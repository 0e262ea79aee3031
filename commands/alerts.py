"""`alerts [filter…]`: what fires now; `alerts <group>`: all of one; `alerts ack|unack|assign <group>`: who has it;
`alerts digest`: the sum of it."""

import re

from bot.chat import AlertRight, Args, Argument, ArgumentKind, Command, Context
from bot.chat.alert_filter import read_filter
from bot.chat.options import read_options, read_page
from bot.domain.identity import UserId
from bot.domain.request import Answer
from bot.domain.text import Code, Text
from bot.services.alerts.acting import no_such_alert
from bot.services.alerts.digest_times import MOST_DAYS

_ACT = re.compile(r"(ack|acknowledge|unack|unacknowledge|assign)(?:\s+(.*))?", re.DOTALL)
_DIGEST = re.compile(r"digest(?:\s+(.*))?", re.DOTALL)
_GROUP = re.compile(r"[#aA]?([0-9]{1,9})(?:\s+(.*))?", re.DOTALL)
_ONE = re.compile(r"[#aA]([0-9]{1,9})")
_USER = re.compile(r"<@([UW][A-Z0-9]{2,20})(?:\|[^<>]*)?>")


async def run(context: Context, args: Args) -> Answer:
    line = args.get("filter") or ""
    if (act := _ACT.fullmatch(line.strip())) is not None:
        return await _act(context, act[1], act[2] or "")
    if (digest := _DIGEST.fullmatch(line.strip())) is not None:
        return await _digest(context, (digest[1] or "today").strip())
    read = read_options(line, ("page",))
    if isinstance(read, Answer):
        return read
    page = read_page(read.get("page"))
    if isinstance(page, Answer):
        return page
    one = _ONE.fullmatch(read.rest.strip())
    if one is not None and one[0] not in context.configuration.applications:
        found = await context.services.alert_acts.find_number(int(one[1]))
        if found is None:
            return no_such_alert(one[1])
        return await context.services.alert_listing.one(context.request.user, found, page)
    wanted = read_filter(read.rest, context.configuration)
    if isinstance(wanted, Answer):
        return wanted
    return await context.services.alert_listing.firing(context.request.user, wanted, page)


async def _digest(context: Context, span: str) -> Answer:
    services = context.services
    told = await services.alert_digests.span(span, sees=services.alert_listing.sees(context.request.user))
    if told is None:
        words = Text.of(
            Code(span[:40]), " is no time that I can sum up: say ", Code("today"), ", ", Code("yesterday"),
            ", or how many days until now, 1 to ", f"{MOST_DAYS}: ", Code("/gitops alerts digest 7d"), ".",
        )  # fmt: skip
        return Answer.refusal("no-span", words)
    return Answer.done(told)


async def _act(context: Context, verb: str, rest: str) -> Answer:
    acts, request = context.services.alert_acts, context.request
    named = _GROUP.fullmatch(rest.strip())
    if named is None:
        words = Text.of(
            "A group of alerts is named as ",
            Code("/gitops alerts"),
            " lists it: ",
            Code(f"/gitops alerts {verb} A7"),
            ".",
        )
        return Answer.refusal("unknown-alert", words)
    found = await acts.find_number(int(named[1]))
    if found is None:
        return no_such_alert(named[1])
    if verb in ("ack", "acknowledge"):
        return await acts.acknowledge(request, found.id)
    if verb in ("unack", "unacknowledge"):
        return await acts.unacknowledge(request, found.id)
    whom = (named[2] or "").strip()
    if whom in ("me", "nobody"):
        return await acts.assign(request, found.id, request.user if whom == "me" else None)
    if (user := _USER.fullmatch(whom)) is None:
        example = Code(f"/gitops alerts assign A{named[1]} @name")
        return Answer.refusal("no-assignee", Text.of("Say to whom, by mention, ", Code("me"), " or ", Code("nobody"),
                                                     ": ", example, "."))  # fmt: skip
    return await acts.assign(request, found.id, UserId(user[1]))


COMMAND = Command(
    name="alerts",
    summary="What fires now, by application, environment, severity or matchers; who has it; digests",
    run=run,
    action=AlertRight.GET,
    arguments=(
        Argument(
            name="filter",
            kind=ArgumentKind.LINE,
            help="application, environment, severity, then matchers, and --page; or a group; or ack, unack, assign "
            "with a group; or digest with today, yesterday or 7d",
            required=False,
        ),
    ),
    examples=(
        "alerts", "alerts A7", "alerts prod critical", 'alerts apm-stack team=~"apm|edge" --page 2', "alerts ack A7",
        "alerts assign A7 @developer", "alerts digest yesterday",
    ),
)  # fmt: skip
