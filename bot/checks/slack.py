"""The Slack app: its two tokens, its scopes, and the channels where it is to post."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from bot.checks.finding import Finding, Findings
from bot.domain.identity import ChannelId
from bot.domain.pipeline import Configuration
from bot.slack.calls import Done, Refused
from bot.slack.inspection import SlackInspection, Workspace, why_not
from bot.slack.manifest import SCOPES

SUBJECT = "slack"
SCOPE_FIX = "Add it under OAuth & Permissions of the app's page (or update the manifest), and install the app again"
SILENT = Finding(
    slug="slack.no-answer", subject=SUBJECT, evidence="auth.test: no answer in time",
    fix="Try again when Slack answers; look at SLACK_API_URL and the way out of this network",
)  # fmt: skip
NO_SUCH_CHANNEL = ("channel_not_found", "method_not_supported_for_channel_type")


async def check_bot_token(inspection: SlackInspection) -> tuple[Findings, Workspace | None]:
    """What the token opens, and its scopes. Without a workspace nothing else can be asked of Slack."""
    answer = await inspection.workspace()
    match answer:
        case Workspace():
            evidence = f"auth.test: we are @{answer.bot} in the workspace {answer.name} ({answer.identity.team_id})"
            known = Finding(slug="slack.workspace", subject=SUBJECT, evidence=evidence)
            return [known, *judge_scopes(answer.scopes)], answer
        case Refused():
            fix = "Copy the bot token (xoxb-…) from OAuth & Permissions of the app's page into SLACK_BOT_TOKEN"
            refused = Finding(slug="slack.bot-token-refused", subject=SUBJECT, evidence=f"auth.test: {answer}", fix=fix)
            return [refused], None
        case _:
            silent = Finding(
                slug=SILENT.slug, subject=SUBJECT, evidence=f"auth.test: {why_not(answer)}", fix=SILENT.fix
            )
            return [silent], None


def judge_scopes(provided: frozenset[str] | None) -> Findings:
    """The scopes of the manifest against those that Slack says the token has."""
    if provided is None:
        fix = "Compare OAuth & Permissions of the app's page with docs/security.md"
        evidence = "auth.test: no header x-oauth-scopes"
        return [Finding(slug="slack.scopes-unknown", subject=SUBJECT, evidence=evidence, fix=fix)]
    missing = [scope for scope in SCOPES if scope not in provided]
    if not missing:
        evidence = f"x-oauth-scopes: {', '.join(SCOPES)}"
        return [Finding(slug="slack.scopes", subject=SUBJECT, evidence=evidence)]
    return [
        scope_missing(scope, f"x-oauth-scopes lacks {scope}, which is needed to {SCOPES[scope]}") for scope in missing
    ]


def scope_missing(scope: str, evidence: str) -> Finding:
    slug = "slack.history-scope-missing" if scope.endswith(":history") else "slack.scope-missing"
    return Finding(slug=slug, subject=SUBJECT, evidence=evidence, fix=SCOPE_FIX)


def lacks_scope(answer: Refused, method: str, workspace: Workspace) -> Findings:
    """A call that was refused for a scope: what it needed and what it had, unless the header has told it already."""
    needed, provided = str(answer.details.get("needed")), answer.details.get("provided")
    if answer.error != "missing_scope" or (workspace.scopes is not None and needed not in workspace.scopes):
        return []
    return [scope_missing(needed, f"{method}: missing_scope, needed {needed}, provided {provided or 'none'}")]


async def check_app_token(inspection: SlackInspection) -> Findings:
    """Whether Slack grants the app a connection for Socket Mode."""

    def found(slug: str, evidence: str, fix: str = "") -> Findings:
        return [Finding(slug=slug, subject=SUBJECT, evidence=f"apps.connections.open: {evidence}", fix=fix)]

    answer = await inspection.connection()
    match answer:
        case Done():
            return found("slack.socket-mode", "a connection is granted")
        case Refused(error="missing_scope" | "no_permission"):
            fix = "Make a new app-level token with the scope connections:write (Basic Information) for SLACK_APP_TOKEN"
            return found("slack.app-token-scope", str(answer), fix)
        case Refused(error="socket_mode_not_enabled"):
            return found("slack.socket-mode-off", str(answer), "Switch it on under Socket Mode of the app's page")
        case Refused():
            fix = "Copy the app-level token (xapp-…) from Basic Information of the app's page into SLACK_APP_TOKEN"
            return found("slack.app-token-refused", str(answer), fix)
        case _:
            return found("slack.socket-mode-unknown", why_not(answer), "Try again when Slack answers")


def channels_of(configuration: Configuration) -> Mapping[ChannelId, list[str]]:
    """Every channel that is written to, and what for."""
    found: dict[ChannelId, list[str]] = {}
    if configuration.slack.admin_channel:
        found.setdefault(configuration.slack.admin_channel, []).append("slack.admin_channel")
    for application in configuration.applications.values():
        if application.channel:
            found.setdefault(application.channel, []).append(application.name)
    for stage in configuration.stages():
        if stage.channel:
            found.setdefault(stage.channel, []).append(stage.name)
    alerts = configuration.alerts
    digests = [digest.channel for digest in alerts.digests]
    for channel in dict.fromkeys([alerts.channel, *(route.channel for route in alerts.routes), *digests]):
        if channel:
            found.setdefault(channel, []).append("alerts")
    return found


async def check_channels(inspection: SlackInspection, configuration: Configuration, workspace: Workspace) -> Findings:
    found = await asyncio.gather(
        *(_channel(inspection, channel, wanted, workspace) for channel, wanted in channels_of(configuration).items())
    )
    return [finding for findings in found for finding in findings]


async def _channel(
    inspection: SlackInspection, channel: ChannelId, wanted: list[str], workspace: Workspace
) -> Findings:
    subject, purpose, bot = f"slack.channels.{channel}", f"for {', '.join(wanted)}", workspace.bot

    def found(slug: str, evidence: str, fix: str = "") -> Finding:
        return Finding(slug=slug, subject=subject, evidence=f"conversations.info: {evidence} ({purpose})", fix=fix)

    answer = await inspection.channel(channel)
    match answer:
        case Done():
            return [_as_it_is(answer.data.get("channel") or {}, bot, found)]
        case Refused(error=error) if error in NO_SUCH_CHANNEL:
            fix = f"Correct the id; if it is a private channel, type `/invite @{bot}` in it"
            return [found("slack.channel-not-found", str(answer), fix)]
        case Refused():
            unknown = found("slack.channel-unknown", str(answer), "Mend what Slack complains of")
            return [*lacks_scope(answer, "conversations.info", workspace), unknown]
        case _:
            return [found("slack.channel-unknown", why_not(answer), "Try again when Slack answers")]


def _as_it_is(channel: Mapping[str, Any], bot: str, found: Callable[..., Finding]) -> Finding:
    name = f"#{channel.get('name') or channel.get('id')}"
    if channel.get("is_archived"):
        return found("slack.channel-archived", f"{name} is archived", "Unarchive it, or name another channel")
    if not (channel.get("is_member") or channel.get("is_im")):
        return found("slack.not-in-channel", f"we are not in {name}", f"Type `/invite @{bot}` in {name}")
    return found("slack.channel", f"we are in {name}")
