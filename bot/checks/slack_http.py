"""Slack over HTTP: what the running bot takes, as far as that can be told from this machine."""

from bot.checks.finding import Finding, Findings
from bot.slack.own_door import Opened, OwnDoor

SUBJECT = "slack"


def from_outside(url: str) -> Finding:
    """Only Slack knows where it sends, and only from outside can be told whether that leads here."""
    return Finding(
        slug="slack.request-url-unknown", subject=SUBJECT,
        evidence=f"no request: whether Slack sends to {url}, and its Socket Mode is off, cannot be told from here",
        fix="Compare the request URLs on the app's page (Event Subscriptions, Interactivity, Slash Commands) with "
        "`tiphys manifest --mode http --url https://<your address>`, then type `/gitops whoami` in Slack",
    )  # fmt: skip


def silent(url: str) -> Finding:
    return _no_answer(url, "no answer in time")


async def check_http_mode(door: OwnDoor) -> Findings:
    """A signed question about the address, sent to where this machine's settings say that the bot listens."""
    opened, seen = await door.knock()

    def found(slug: str, evidence: str, fix: str = "") -> Finding:
        return Finding(slug=slug, subject=SUBJECT, evidence=f"POST {door.url}: {seen}, {evidence}", fix=fix)

    match opened:
        case Opened.OURS:
            here = found("slack.http", "what is signed with SLACK_SIGNING_SECRET is taken")
        case Opened.NOT_BELIEVED:
            fix = "Set SLACK_SIGNING_SECRET to the one of Basic Information of the app's page, and start the bot again"
            here = found("slack.signing-secret-differs", "what is signed with SLACK_SIGNING_SECRET is refused", fix)
        case Opened.NOT_SERVED:
            fix = "Start the bot there with these settings (without SLACK_APP_TOKEN), or correct TIPHYS_LISTEN"
            here = found("slack.http-not-served", "it is not served there", fix)
        case _:
            here = _no_answer(door.url, seen)
    return [here, from_outside(door.url)]


def _no_answer(url: str, seen: str) -> Finding:
    return Finding(
        slug="slack.http-unknown", subject=SUBJECT, evidence=f"POST {url}: {seen}",
        fix="Start the bot and check again on its machine; TIPHYS_LISTEN says where it listens",
    )  # fmt: skip
