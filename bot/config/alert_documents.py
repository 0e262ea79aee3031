"""The shape of what `tiphys.yaml` says of alerts: where they come from, where they go, and what they mean."""

from typing import Literal

from pydantic import ConfigDict, Field

from bot.config.alert_words import (
    ApiUrl,
    DaysText,
    HoursText,
    LabelName,
    Matcher,
    Receiver,
    Severity,
    SeverityWord,
    Tenant,
    TimeOfDay,
    Username,
    ZoneName,
)
from bot.config.document_base import Document, SecretDocument
from bot.config.words import AnyText, Duration, DurationOrNone, Name, SlackChannel, SlackUserOrGroup


class BasicAuthDocument(Document):
    """A user name and a password."""

    username: Username = Field(description="The user name.")
    password: SecretDocument = Field(description="The password.")


class AlertWebhookDocument(Document):
    """By what a webhook of this source is known; one of the three."""

    model_config = ConfigDict(json_schema_extra={"maxProperties": 1})

    token: SecretDocument | None = Field(
        None, description="A bearer token. Default for `default` or the only one: `{env: ALERTMANAGER_WEBHOOK_TOKEN}`."
    )
    tokens: list[SecretDocument] | None = Field(
        None, min_length=1, description="Several bearer tokens of which each counts, while one is renewed."
    )
    basic: BasicAuthDocument | None = Field(None, description="A user name and a password.")


class AlertmanagerDocument(Document):
    """One Alertmanager, or a cluster of them, or what speaks like one."""

    webhook: AlertWebhookDocument | None = Field(None, description="By what its webhooks are known.")
    url: ApiUrl | None = Field(
        None,
        description="Its API, up to what stands before `/api/v2`; `ALERTMANAGER_URL` wins for `default` or the only "
        "one. Default: none; then nothing can be silenced, and what webhooks do not tell stays unknown.",
    )
    tenant: Tenant | None = Field(None, description="Sent to the API as `X-Scope-OrgID`.")
    token: SecretDocument | None = Field(None, description="A bearer token for the API.")
    basic: BasicAuthDocument | None = Field(None, description="User name and password for the API, instead of `token`.")
    ca_file: AnyText | None = Field(
        None, description="CA certificates (PEM) to trust instead of the system's; relative to this file's folder."
    )
    receivers: list[Receiver] | None = Field(
        None, description="Names of its receivers that send here. Default: those that were heard of."
    )
    poll: Duration | None = Field(None, description="How often the API is asked what fires. Default: 1m.")


class AlertMentionDocument(Document):
    """Whom a new group of alerts pings."""

    who: SlackUserOrGroup = Field(description="A Slack user or user group id.")
    severity: Severity | None = Field(
        None, description="From which severity on; `any`: also without one. Default: critical."
    )
    hours: HoursText | None = Field(
        None, description="When, e.g. `Mon-Fri 08:00-18:00 Europe/Berlin`. Default: at any time."
    )


class AlertRouteDocument(Document):
    """A channel for the groups whose common labels match."""

    match: list[Matcher] = Field(min_length=1, description="Matchers in Alertmanager's syntax that must all hold.")
    channel: SlackChannel = Field(description="Channel (id) of the cards.")
    mention: list[AlertMentionDocument] | None = Field(None, description="Whom it pings. Default: nobody.")


class AlertApplicationDocument(Document):
    """Which application, and which of its environments, alerts that match belong to."""

    match: list[Matcher] = Field(min_length=1, description="Matchers in Alertmanager's syntax that must all hold.")
    application: Name = Field(description="Key in `applications:`.")
    environment: Name | None = Field(None, description="One of its stages. Default: what the alert's labels say.")


class AlertLabelsDocument(Document):
    """By which labels, or else annotations, an alert says what; the first that it has counts."""

    application: list[LabelName] | None = Field(
        None, description="Its application. Default: [tiphys_application, argocd_app]."
    )
    environment: list[LabelName] | None = Field(
        None, description="Its environment. Default: [tiphys_environment, environment, env]."
    )
    severity: list[LabelName] | None = Field(None, description="How grave it is. Default: [severity].")
    owner: list[LabelName] | None = Field(None, description="Whose it is. Default: [owner, team].")
    runbook: list[LabelName] | None = Field(
        None, description="The address of its runbook. Default: [runbook_url, runbook]."
    )
    dashboard: list[LabelName] | None = Field(
        None, description="The address of its dashboard. Default: [dashboard_url, dashboard]."
    )


class AlertSeveritiesDocument(Document):
    """Words of the severity label, beside those that are known; case does not matter."""

    critical: list[SeverityWord] | None = Field(None, description="Known already: critical, page, emergency.")
    warning: list[SeverityWord] | None = Field(None, description="Known already: warning, error, ticket.")
    info: list[SeverityWord] | None = Field(None, description="Known already: info, notice, debug.")


class FlappingDocument(Document):
    """When a group is shown as flapping instead of as firing and resolved in turn."""

    flips: int | None = Field(
        None, ge=2, le=20, description="How often it begins or ceases to fire within that time. Default: 4."
    )
    within: Duration | None = Field(
        None, description="Within which time; it ends when it was calm for as long. Default: 30m."
    )


class AlertDigestDocument(Document):
    """A summary of the day before, at a time of day."""

    channel: SlackChannel = Field(description="Channel (id) that it goes to.")
    at: TimeOfDay = Field(description='When, e.g. `"09:00"`, in quotes.')
    days: DaysText | None = Field(None, description="On which weekdays, e.g. `Mon-Fri`. Default: every day.")
    zone: ZoneName = Field(description="The time zone that this is meant in, e.g. `Europe/Berlin`.")


class AlertsDocument(Document):
    """Where alerts go, whom they ping, and what they mean."""

    channel: SlackChannel | None = Field(
        None, description="Channel (id) for the alerts that no route takes. Required with `alertmanagers:`."
    )
    mention: list[AlertMentionDocument] | None = Field(None, description="Whom they ping there. Default: nobody.")
    routes: list[AlertRouteDocument] | None = Field(
        None, description="Other channels; the first route that matches takes the group."
    )
    applications: list[AlertApplicationDocument] | None = Field(
        None, description="Which application alerts belong to whose labels do not name one; the first that matches."
    )
    labels: AlertLabelsDocument | None = Field(None, description="Which labels say what.")
    severities: AlertSeveritiesDocument | None = Field(None, description="What the words of the severity label mean.")
    flapping: FlappingDocument | None = Field(None, description="When a group counts as flapping.")
    reopen_within: DurationOrNone | None = Field(
        None, description="A group that fires again so soon goes on in its card. Default: 30m."
    )
    acknowledged_for: Duration | None = Field(
        None, description="How long an acknowledgement lasts. Default: until the group is over."
    )
    silences: list[Duration] | None = Field(
        None, min_length=1, description="Durations that are offered for a silence. Default: [1h, 4h, 1d, 7d]."
    )
    digests: list[AlertDigestDocument] | None = Field(None, description="Summaries of the day before.")


class StageAlertsDocument(Document):
    """Which alerts of a stage stand in the way of changes. Each key is merged by itself."""

    severity: Severity | None = Field(
        None, description="From which severity on; `any`: also without one. Default: critical."
    )
    during_soak: Literal["hold", "fail", "show"] | None = Field(
        None,
        description="What they do to a change that soaks there: `hold` (the soak waits and begins anew), `fail`, or "
        "`show` (nothing but that). Default: hold.",
    )
    fail_after: Duration | None = Field(
        None, description="How long they may hold a change before it has failed. Default: 15m."
    )
    block_promotion: bool | None = Field(
        None, description="Whether nothing is promoted from there while they fire. Default: true."
    )
