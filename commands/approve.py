"""`approve <change> [fingerprint]`: say yes to exactly what was seen."""

from bot.chat import Action, Args, Argument, ArgumentKind, Command, Context
from bot.domain.content_key import FINGERPRINT_PREFIX
from bot.domain.request import Answer
from bot.domain.text import Code, Text
from bot.services.deciding import no_such_change


async def run(context: Context, args: Args) -> Answer:
    if args.change is None:
        return no_such_change(args["change"])
    fingerprint = args.get("fingerprint") or ""
    if len(fingerprint) < FINGERPRINT_PREFIX:
        text = Text.of(
            f"A typed approval names what you saw: add the first {FINGERPRINT_PREFIX} characters of its fingerprint, ",
            "which the card's Details show, or press Approve on the card. ",
            Code(f"/gitops approve #{args['change']}"), " opens a summary to approve from.",
        )  # fmt: skip
        return Answer.refusal("no-fingerprint", text, args.change)
    return await context.services.decisions.approve(context.request, args.change, fingerprint.lower())


COMMAND = Command(
    name="approve",
    summary="Approve a change, after a summary or with its fingerprint",
    run=run,
    action=Action.APPROVE,
    arguments=(
        Argument(name="change", kind=ArgumentKind.CHANGE, help="its number"),
        Argument(name="fingerprint", kind=ArgumentKind.WORD, help="its first 6 characters or more", required=False),
    ),
    examples=("approve #42", "approve #42 3fa9c1"),
)
