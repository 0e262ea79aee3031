"""Where alerts go, whom they ping, and what they mean; and what of that cannot be meant."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta

from bot.config import hours
from bot.config.alert_documents import (
    AlertApplicationDocument,
    AlertDigestDocument,
    AlertMentionDocument,
    AlertsDocument,
    StageAlertsDocument,
)
from bot.config.documents import TiphysDocument
from bot.config.effective import severity_of, who
from bot.config.problems import Path, Problems, choose
from bot.domain.alerts.matcher import Matcher, parse_matchers
from bot.domain.alerts.policy import (
    SEVERITIES,
    AlertLabels,
    AlertMention,
    AlertRoute,
    AlertSource,
    AlertsPolicy,
    ApplicationRule,
    DigestPlan,
    Flapping,
)
from bot.domain.alerts.severity import Severity
from bot.domain.durations import write_duration
from bot.domain.identity import ChannelId

MOST_SILENCES = 20
HERE: Path = ("alerts",)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertNames:
    """Every name that stands in a section of the file, also where its body is wrong."""

    sources: Collection[str]
    applications: Mapping[str, Collection[str]]  # with their stages
    environments: Mapping[str, tuple[str, ...]]  # with their aliases


def alerts(
    document: TiphysDocument, sources: Mapping[str, AlertSource], names: AlertNames, problems: Problems
) -> AlertsPolicy:
    """As far as it can be meant."""
    written = document.alerts or AlertsDocument()
    _look_for_sources(document, names, problems)
    if names.sources and written.channel is None and not problems.is_damaged((*HERE, "channel")):
        problems.add(
            HERE if document.alerts else ("alertmanagers",),
            "`alerts.channel` is missing: nobody would see the alerts that no route takes",
            "Add `channel:` with the id of a channel below `alerts:`",
        )
    _look_at_rules(written.applications or (), names, problems)
    built_in = AlertsPolicy()
    return AlertsPolicy(
        sources=dict(sources),
        routes=tuple(
            AlertRoute(
                matchers=matchers_of(route.match), channel=ChannelId(route.channel), mentions=_mentions(route.mention)
            )
            for route in written.routes or ()
        ),
        channel=ChannelId(written.channel) if written.channel else None,
        mentions=_mentions(written.mention),
        applications=tuple(
            ApplicationRule(
                matchers=matchers_of(rule.match), application=rule.application, environment=rule.environment
            )
            for rule in written.applications or ()
        ),
        labels=_labels(written),
        severities=_severities(written, problems),
        flapping=_flapping(written),
        reopen_within=built_in.reopen_within if written.reopen_within is None else written.reopen_within,
        acknowledged_for=written.acknowledged_for,
        silences=_silences(written, problems) or built_in.silences,
        digests=tuple(map(_digest, written.digests or ())),
    )


def matchers_of(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """All of them; a text may hold several."""
    return tuple(matcher for text in texts for matcher in parse_matchers(text))


def _look_for_sources(document: TiphysDocument, names: AlertNames, problems: Problems) -> None:
    """What is said of alerts while none can come is a mistake: somebody relies on it."""
    if names.sources or problems.is_damaged(("alertmanagers",)):
        return
    fix = "Declare where they come from below `alertmanagers:`, or remove this"
    if document.alerts is not None:
        problems.add(HERE, "no alerts come in: there is no source of any", fix)
    for path, _ in _stage_levels(document):
        problems.add(path, "no alerts come in: there is no source of any", fix)


def _stage_levels(document: TiphysDocument) -> Iterator[tuple[Path, StageAlertsDocument]]:
    if document.defaults is not None and document.defaults.alerts is not None:
        yield ("defaults", "alerts"), document.defaults.alerts
    for name, environment in (document.environments or {}).items():
        if environment is not None and environment.alerts is not None:
            yield ("environments", name, "alerts"), environment.alerts
    for name, application in (document.applications or {}).items():
        for stage_name, stage in application.stages.items():
            if stage is not None and stage.alerts is not None:
                yield ("applications", name, "stages", stage_name, "alerts"), stage.alerts


def _look_at_rules(rules: Sequence[AlertApplicationDocument], names: AlertNames, problems: Problems) -> None:
    for position, rule in enumerate(rules):
        path: Path = (*HERE, "applications", position)
        if rule.application not in names.applications:
            problems.add(
                (*path, "application"),
                f"there is no application `{rule.application}` in `applications:`",
                choose(rule.application, names.applications, nothing="declare it there"),
            )
        elif rule.environment is not None:
            _look_at_environment(rule.environment, rule.application, names, (*path, "environment"), problems)


def _look_at_environment(name: str, application: str, names: AlertNames, path: Path, problems: Problems) -> None:
    stages = names.applications[application]
    if name in stages:
        return
    canonical = next((known for known, aliases in names.environments.items() if name in aliases), None)
    if canonical is not None:
        problems.add(path, f"`{name}` is an alias", f"Use the environment's own name here: `{canonical}`")
    elif not problems.is_damaged(("applications", application, "stages")):
        problems.add(
            path,
            f"`{application}` has no stage `{name}`" if name in names.environments
            else f"there is no environment `{name}` in `environments:`",
            choose(name, stages, nothing="it has no stages"),
        )  # fmt: skip


def _mentions(written: Sequence[AlertMentionDocument] | None) -> tuple[AlertMention, ...]:
    return tuple(
        AlertMention(
            who=who(mention.who),
            severity=severity_of(mention.severity or Severity.CRITICAL.value),
            hours=hours.hours(mention.hours) if mention.hours else None,
        )
        for mention in written or ()
    )


def _labels(written: AlertsDocument) -> AlertLabels:
    built_in = AlertLabels()
    chosen = {key.name: getattr(written.labels, key.name, None) for key in fields(AlertLabels)}
    return AlertLabels(
        **{name: getattr(built_in, name) if names is None else tuple(names) for name, names in chosen.items()}
    )


def _severities(written: AlertsDocument, problems: Problems) -> Mapping[str, Severity]:
    """The built-in words, those of the file over them."""
    found: dict[str, tuple[Severity, Path]] = {}
    for severity in (Severity.CRITICAL, Severity.WARNING, Severity.INFO):
        for position, text in enumerate(getattr(written.severities, severity.value, None) or ()):
            word, here = text.strip().lower(), (*HERE, "severities", severity.value, position)
            first = found.setdefault(word, (severity, here))
            if first[1] != here:
                problems.add(
                    here, f"`{word}` stands under `{first[0].value}` already", "Keep one; case does not matter"
                )
    return {**SEVERITIES, **{word: severity for word, (severity, _) in found.items()}}


def _flapping(written: AlertsDocument) -> Flapping:
    built_in, flapping = Flapping(), written.flapping
    if flapping is None:
        return built_in
    return Flapping(flips=flapping.flips or built_in.flips, within=flapping.within or built_in.within)


def _silences(written: AlertsDocument, problems: Problems) -> tuple[timedelta, ...]:
    offered = tuple(written.silences or ())
    path: Path = (*HERE, "silences")
    for position, length in enumerate(offered):
        if length in offered[:position]:
            problems.add((*path, position), f"`{write_duration(length)}` stands here twice", "Keep one")
    if len(offered) > MOST_SILENCES:
        problems.add(path, f"{len(offered)} are too many to choose from", f"Offer at most {MOST_SILENCES}")
    return offered


def _digest(written: AlertDigestDocument) -> DigestPlan:
    return DigestPlan(
        channel=ChannelId(written.channel),
        at=hours.time_of_day(written.at),
        days=hours.days(written.days) if written.days else hours.EVERY_DAY,
        zone=hours.zone(written.zone),
    )
