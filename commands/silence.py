"""`silence list|add|extend|expire`: hide alerts for a while, in their Alertmanager."""

from collections.abc import Mapping

from bot.chat import AlertRight, Args, Argument, ArgumentKind, Command, Context
from bot.chat.options import read_options, read_page
from bot.chat.parsing import did_you_mean
from bot.domain.alerts.wish import COMMENT, MATCHERS, PRESET, read_extension, read_wish
from bot.domain.request import Answer
from bot.domain.text import Code, Text, marked

VERBS = ("list", "add", "extend", "expire")
OPTIONS = {"list": ("page",), "add": ("comment", "source"), "extend": ("comment",), "expire": ()}
TYPED = {COMMENT: "--comment"}
_ADD = '/gitops silence add 2h alertname="HighErrorRate", namespace="apm" --comment known, a fix is on its way'


async def run(context: Context, args: Args) -> Answer:
    verb, rest = args.get("what") or "list", args.get("which") or ""
    if verb not in VERBS:
        words = Text.of(Code(f"silence {verb}"), " is nothing that I know.", did_you_mean(verb, VERBS))
        return Answer.refusal("unknown-silence-verb", words)
    read = read_options(rest, OPTIONS[verb])
    if isinstance(read, Answer):
        return read
    silences, request = context.services.silences, context.request
    match verb:
        case "list":
            page = read_page(read.get("page"))
            if isinstance(page, Answer):
                return page
            return Answer.done(await silences.list_silences(request.user, page))
        case "expire":
            return await silences.expire(request, read.rest)
        case "extend":
            name, _, length = read.rest.partition(" ")
            fields = {PRESET: length, COMMENT: read.get("comment")}
            extension = read_extension(fields, context.configuration.alerts)
            if isinstance(extension, dict):
                words = Text.of("\nIt ends so long from now: ", Code("/gitops silence extend 1a2b3c4d 2h"), ".")
                said = Text.of("I cannot extend a silence by that.", *_faults(extension), words)
                return Answer.refusal("bad-silence", said)
            return await silences.extend(request, name, extension)
        case _:
            length, _, matchers = read.rest.partition(" ")
            fields = {PRESET: length, MATCHERS: matchers, COMMENT: read.get("comment")}
            wish = read_wish(fields, context.configuration.alerts)
            if isinstance(wish, dict):
                words = Text.of(
                    "\nFor example ", Code(_ADD), "\n", Code("/gitops silence add"), " alone asks in a dialog."
                )
                return Answer.refusal("bad-silence", Text.of("I cannot make a silence of that.", *_faults(wish), words))
            return await context.services.silencing.add(request, wish, read.get("source") or None)


def _faults(faults: Mapping[str, str]) -> list[Text]:
    """Each with its field as it is typed; what is said of a fault has the way out."""
    return [Text.of(f"\n{TYPED.get(field, field)}: ", marked(fault)) for field, fault in faults.items()]


COMMAND = Command(
    name="silence",
    summary="Hide alerts for a while: list, add, extend, expire",
    run=run,
    action=AlertRight.GET,
    arguments=(
        Argument(name="what", kind=ArgumentKind.WORD, help="list, add, extend or expire", required=False),
        Argument(
            name="which",
            kind=ArgumentKind.LINE,
            help="add: how long, matchers, --comment, --source; extend: id, how long from now, --comment; expire: id",
            required=False,
        ),
    ),
    examples=(
        "silence list",
        'silence add 2h alertname="HighErrorRate" --comment known, a fix is on its way',
        "silence extend 1a2b3c4d 4h",
        "silence expire 1a2b3c4d",
    ),
)
