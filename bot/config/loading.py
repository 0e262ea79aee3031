"""`tiphys.yaml` → what it means, or everything that is wrong with it."""

from collections.abc import Mapping
from typing import Any

from bot.config import alertmanagers, alerts, identities, outside, pipelines
from bot.config.alerts import AlertNames
from bot.config.branches import look_for_shared_branches
from bot.config.documents import SlackDocument, TiphysDocument
from bot.config.effective import levels_of, policy_of
from bot.config.parsing import parse
from bot.config.pipelines import Names
from bot.config.policy import look_at_policy
from bot.config.problems import Problem, Problems
from bot.config.quorums import look_at_approvals
from bot.config.rights import read_rights
from bot.config.secrets import ReadFile, Surroundings
from bot.config.shape import shape
from bot.domain.identity import ChannelId
from bot.domain.pipeline import Configuration, Permissions, Polling, SlackPolicy


def load(text: str, *, file: str, environ: Mapping[str, str], read_file: ReadFile) -> Configuration | list[Problem]:
    """The configuration, or every problem in the order of the file. Pure but for `read_file`, which reads secrets.

    `environ` holds the variables that `{env: NAME}` refers to, and those that win over the file.
    """
    document, data, problems = read_document(text, file=file)
    if document is None or data is None:
        return problems.in_order()
    found = _mean(document, data, Surroundings(file, environ, read_file), problems)
    return problems.in_order() or found


def read_document(text: str, *, file: str) -> tuple[TiphysDocument | None, dict[str, Any] | None, Problems]:
    """The document as far as its shape is right, the data it was made of, and the problems with its shape."""
    problems = Problems(file)
    data = parse(text, problems)
    return (shape(data, problems) if data is not None else None), data, problems


def slack_policy(document: SlackDocument | None) -> SlackPolicy:
    written = document or SlackDocument()
    commands = written.commands or "all"
    return SlackPolicy(
        admin_channel=ChannelId(written.admin_channel) if written.admin_channel else None,
        commands=tuple(commands) if isinstance(commands, list) else commands,
        command_prefix=written.command_prefix or "",
        home_workspace_only=written.home_workspace_only is not False,
    )


def _mean(
    document: TiphysDocument, data: dict[str, Any], surroundings: Surroundings, problems: Problems
) -> Configuration:
    environments = identities.environments(document, problems)
    repositories = outside.repositories(document, surroundings, problems)
    names = Names(
        repositories=_names(data, "repositories"),
        argocd=_names(data, "argocd"),
        environments={**dict.fromkeys(_names(data, "environments"), ()), **environments},
    )
    applications = pipelines.applications(document, names, problems)
    pipelines.look_for_collisions(applications, repositories, problems)
    look_for_shared_branches(applications, repositories, problems)
    configuration = Configuration(
        slack=slack_policy(document.slack),
        people=identities.people(document, problems),
        argocd=outside.instances(document, surroundings, problems),
        repositories=repositories,
        environments=environments,
        applications=applications,
        permissions=_permissions(document),
        polling=_polling(document),
        alerts=alerts.alerts(
            document,
            alertmanagers.sources(document, _names(data, "alertmanagers"), surroundings, problems),
            AlertNames(
                sources=_names(data, "alertmanagers"),
                applications={name: _stages(data, name) for name in _names(data, "applications")},
                environments=names.environments,
            ),
            problems,
        ),
    )
    if not _names(data, "applications"):
        problems.add(("applications",), "there are no applications", "Declare at least one below `applications:`")
    look_at_policy(configuration, problems)
    _look_at_approvals(document, configuration, problems)
    return configuration


def _names(data: dict[str, Any], section: str) -> tuple[str, ...]:
    """The keys of a section as they stand in the file."""
    body = data.get(section)
    return tuple(body) if isinstance(body, dict) else ()


def _stages(data: dict[str, Any], application: str) -> tuple[str, ...]:
    """The stages of an application as they stand in the file."""
    body = data["applications"][application]
    return _names(body, "stages") if isinstance(body, dict) else ()


def _permissions(document: TiphysDocument) -> Permissions:
    built_in, written = Permissions(), document.permissions
    if written is None:
        return built_in
    return Permissions(default=written.default or built_in.default, policy=written.policy or built_in.policy)


def _polling(document: TiphysDocument) -> Polling:
    written = document.polling
    return Polling(changes=written.changes) if written and written.changes else Polling()


def _look_at_approvals(document: TiphysDocument, configuration: Configuration, problems: Problems) -> None:
    rights = None if problems.is_damaged(("permissions",)) else read_rights(configuration.permissions, problems)
    if rights is None:
        return
    for name, application in (document.applications or {}).items():
        for environment in application.stages:
            approvals = policy_of(document, name, environment).approvals
            if approvals is not None:
                look_at_approvals(
                    approvals,
                    ("applications", name, "stages", environment),
                    levels_of(document, name, environment),
                    rights,
                    configuration.person_key,
                    problems,
                )
