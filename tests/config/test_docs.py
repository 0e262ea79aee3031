"""The page about the configuration tells of every key and every setting, and of no other."""

import re
from pathlib import Path

from pydantic import BaseModel

from bot.config import alert_documents, document_base, documents
from bot.config.document_base import Document
from bot.config.documents import PolicyDocument
from bot.config.shape import keys_of
from bot.settings import Settings, secret_names

PAGE = (Path(__file__).parents[2] / "docs/configuration.md").read_text()
HEADINGS: dict[type[BaseModel], str] = {
    documents.TiphysDocument: "The whole",
    documents.SlackDocument: "Slack",
    documents.PersonDocument: "A person",
    documents.ArgocdDocument: "An Argo CD instance",
    documents.RepositoryDocument: "A repository",
    documents.GitHubAppDocument: "A GitHub App",
    document_base.SecretDocument: "A secret",
    documents.PolicyDocument: "Policy",
    documents.ApprovalsDocument: "Approvals",
    documents.TimeoutsDocument: "Timeouts",
    alert_documents.StageAlertsDocument: "Alerts of a stage",
    documents.EnvironmentDocument: "An environment",
    documents.ApplicationDocument: "An application",
    documents.KustomizeImagesDocument: "Strategy kustomize-images",
    documents.BranchDocument: "Strategy branch",
    documents.LaterStrategyDocument: "Other strategies",
    documents.ApplicationArgocdDocument: "Argo CD Applications",
    documents.StageDocument: "A stage",
    alert_documents.AlertmanagerDocument: "An Alertmanager",
    alert_documents.AlertWebhookDocument: "Webhooks of an Alertmanager",
    alert_documents.BasicAuthDocument: "User name and password",
    alert_documents.AlertsDocument: "Alerts",
    alert_documents.AlertMentionDocument: "Mentions",
    alert_documents.AlertRouteDocument: "Routes",
    alert_documents.AlertApplicationDocument: "Alerts of an application",
    alert_documents.AlertLabelsDocument: "Labels",
    alert_documents.AlertSeveritiesDocument: "Severities",
    alert_documents.FlappingDocument: "Flapping",
    alert_documents.AlertDigestDocument: "Digests",
    documents.PermissionsDocument: "Permissions",
    documents.PollingDocument: "Polling",
}


def rows(heading: str) -> list[str]:
    """The first cells of the table below a heading."""
    section = re.split(rf"^#+ {re.escape(heading)}$", PAGE, flags=re.MULTILINE)[1]
    return re.findall(r"^\| `([^`]+)` \|", re.split(r"^#+ ", section, flags=re.MULTILINE)[0], flags=re.MULTILINE)


def test_every_shape_has_a_section() -> None:
    shapes = {
        model
        for module in (document_base, alert_documents, documents)
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, Document) and model is not Document
    }
    assert shapes == set(HEADINGS)


def test_every_key_has_a_row_and_every_row_a_key() -> None:
    policy = set(keys_of(PolicyDocument))
    for model, heading in HEADINGS.items():
        keys = [key for key in keys_of(model) if model is PolicyDocument or key not in policy or not _is_policy(model)]
        assert sorted(rows(heading)) == sorted(keys), heading


def test_every_setting_has_a_row_and_every_row_a_setting() -> None:
    assert sorted(rows("Settings")) == sorted(name.upper() for name in Settings.model_fields)


def test_the_rows_of_settings_tell_which_are_secret_and_the_defaults() -> None:
    for name, field in Settings.model_fields.items():
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name.upper()}` |"))
        default = row.split("|")[2]
        assert ("secret" in default) == (name in secret_names(Settings)), name
        assert field.is_required() == ("required" in default), name
        if field.default is not None and not field.is_required():
            assert f"`{field.default}`" in default, name


def _is_policy(model: type[BaseModel]) -> bool:
    return issubclass(model, PolicyDocument)
