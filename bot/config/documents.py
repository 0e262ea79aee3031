"""The shape of `tiphys.yaml`: every key that may stand in it, with what it means.

Shape only: what a key means together with others is checked by what `bot.config.loading` calls. A key without a value
is a key that is not there.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from bot.config.alert_documents import AlertmanagerDocument, AlertsDocument, StageAlertsDocument
from bot.config.document_base import Document, SecretDocument
from bot.config.words import (
    AnyText,
    Approver,
    ArgocdName,
    Branch,
    CommandPrefix,
    Commands,
    Duration,
    DurationOrNone,
    FieldPath,
    FolderPath,
    GitHubLogin,
    GitHubRepository,
    KubernetesName,
    Name,
    PersonName,
    RoleName,
    ServerUrl,
    SlackChannel,
    SlackUser,
    SlackUserOrGroup,
)

SyncWord = Literal["automated", "manual", "controlled"]


class SlackDocument(Document):
    """How Tiphys lives in the Slack workspace."""

    admin_channel: SlackChannel | None = Field(
        None, description="Channel (id) that hears of trouble with Tiphys itself."
    )
    commands: Commands | None = Field(
        None,
        description="Which commands get a slash command of their own: `all`, `umbrella` (only `/gitops`), or a list. "
        "Default: all.",
    )
    command_prefix: CommandPrefix | None = Field(
        None, description="Put before every slash command where names collide in the workspace. Default: none."
    )
    home_workspace_only: bool | None = Field(
        None,
        description="Refuse what is done in another workspace. People of other workspaces are refused anyway. "
        "Default: true.",
    )


class PersonDocument(Document):
    """One human being. Two Slack ids under one person count as one approver."""

    slack: list[SlackUser] = Field(min_length=1, description="Slack user ids, U… or W….")
    github: list[GitHubLogin] | None = Field(None, description="Logins on GitHub.")
    argocd: list[AnyText] | None = Field(None, description="User names in Argo CD.")
    emails: list[AnyText] | None = Field(None, description="E-mail addresses that commits carry.")


class ArgocdDocument(Document):
    """One Argo CD."""

    server: ServerUrl = Field(description="Address of its API; `ARGOCD_SERVER` wins for `main` or the only instance.")
    token: SecretDocument | None = Field(
        None, description="Its API token. Default for `main` or the only instance: `{env: ARGOCD_AUTH_TOKEN}`."
    )
    ca_file: AnyText | None = Field(
        None, description="CA certificates (PEM) to trust instead of the system's; relative to this file's folder."
    )


class GitHubAppDocument(Document):
    """A GitHub App to act as, instead of a token."""

    id: int = Field(ge=1, description="The App's id, from its page.")
    private_key: SecretDocument = Field(description="A private key of the App, the PEM file as GitHub gave it.")


class RepositoryDocument(Document):
    """One Git repository on GitHub."""

    github: GitHubRepository = Field(description="`owner/name`.")
    token: SecretDocument | None = Field(None, description="Token for API and Git. Default: `{env: GITHUB_TOKEN}`.")
    app: GitHubAppDocument | None = Field(None, description="A GitHub App to act as, instead of `token`.")
    api_url: ServerUrl | None = Field(
        None,
        description="GitHub's API, e.g. `https://ghe.example.com/api/v3`. `GITHUB_API_URL` wins over it. Default: "
        "`https://api.github.com`.",
    )


class ApprovalsDocument(Document):
    """Who must say yes. Defaults, environment and stage may each set every key; each key is merged by itself."""

    needed: int | None = Field(
        None, ge=0, le=100, description="How many different people must approve; 0: none. Default: 1."
    )
    from_: list[Approver] | None = Field(
        None, alias="from", description="Who may approve: roles, Slack user ids, Slack user group ids. Required."
    )
    notify: SlackUserOrGroup | None = Field(None, description="Who is mentioned when an approval is wanted.")
    expire: Duration | None = Field(None, description="How long an unanswered request stays open. Default: 8h.")
    valid_for: Duration | None = Field(None, description="How long one approval counts. Default: 24h.")


class TimeoutsDocument(Document):
    """How long is waited before a change ends as failed. Each is merged by itself."""

    checks: Duration | None = Field(None, description="For the forge's checks. Default: 2h.")
    operation: Duration | None = Field(None, description="For the sync operation. Default: 30m.")
    health: Duration | None = Field(None, description="For health after the sync. Default: 15m.")


class PolicyDocument(Document):
    """What holds for changes. A stage overrides its environment, an environment the defaults."""

    sync: SyncWord | None = Field(
        None,
        description="Who syncs after the merge: `automated` (Argo CD by itself), `manual` (a person presses Sync), "
        "`controlled` (Tiphys, right after the merge). Default: manual.",
    )
    channel: SlackChannel | None = Field(
        None, description="Channel (id) of the cards. Default: the application's, else where the command was given."
    )
    prune: bool | None = Field(None, description="Whether a sync deletes what Git no longer has. Default: false.")
    soak: DurationOrNone | None = Field(
        None, description="How long it must stay healthy before it counts as succeeded. Default: 10m."
    )
    source_must_be_healthy: bool | None = Field(
        None, description="Whether the stage that is promoted from must be healthy. Default: true."
    )
    supersede: bool | None = Field(
        None, description="Whether a newer source takes the place of an open promotion. Default: true."
    )
    approvals: ApprovalsDocument | None = Field(None, description="Who must say yes. Default: nobody.")
    timeouts: TimeoutsDocument | None = Field(None, description="How long is waited.")
    alerts: StageAlertsDocument | None = Field(None, description="Which alerts of it stand in the way of changes.")


class EnvironmentDocument(PolicyDocument):
    """A named place that applications run in."""

    aliases: list[Name] | None = Field(None, description="Other names that people may type.")


class StageDocument(PolicyDocument):
    """One environment's place in the pipeline of an application."""

    from_: Name | None = Field(
        None,
        alias="from",
        description="The environment that it promotes from. Nothing promotes into a stage without it.",
    )
    branch: Branch | None = Field(
        None,
        description="The branch that Argo CD follows here. Required with the strategy `branch`, and only known there.",
    )


class KustomizeImagesDocument(Document):
    """Image tags and digests travel from overlay to overlay on one branch."""

    type: Literal["kustomize-images"] = Field(description="Which strategy.")
    branch: Branch = Field(description="The branch that Argo CD follows.")
    path: FolderPath = Field(description="The overlay's folder, with `{environment}` in it.")
    merge: Literal["squash", "merge", "fast-forward"] | None = Field(
        None,
        description="How the pull request is merged: `squash`, `merge`, or `fast-forward` (the branch is pushed to "
        "the promotion commit itself). Default: squash.",
    )
    fields: list[FieldPath] | None = Field(
        None, description="Further scalars of the kustomization that travel too, as dotted paths."
    )


class BranchDocument(Document):
    """Every environment has a branch of its own, and a promotion merges one into the next."""

    type: Literal["branch"] = Field(description="Which strategy. Each stage names its branch.")
    path: FolderPath | None = Field(
        None, description="The folder that Argo CD reads on each branch. Default: the top of the repository."
    )
    merge: Literal["squash", "merge", "fast-forward"] | None = Field(
        None,
        description="How the pull request is merged: `merge`, with a merge commit, or `fast-forward` (the branch is "
        "pushed to the promotion's own merge commit). Default: merge. `squash` would cut the ancestry and is refused.",
    )


class LaterStrategyDocument(Document):
    """Known strategies that are not supported yet."""

    model_config = ConfigDict(extra="allow")

    type: Literal["directory", "helm-values"] = Field(description="Which strategy. Not supported yet.")


class ApplicationArgocdDocument(Document):
    """Which Argo CD Applications the stages are."""

    instance: Name | None = Field(None, description="Key in `argocd:`. Default: `main`, or the only one.")
    project: KubernetesName = Field(description="Their Argo CD project.")
    namespace: KubernetesName | None = Field(None, description="Their namespace. Default: argocd.")
    name: ArgocdName | None = Field(
        None, description="Their name, with `{environment}` in it. Default: `<application>-{environment}`."
    )


class ApplicationDocument(Document):
    """A deliverable, its repository and its pipeline."""

    repository: Name = Field(description="Key in `repositories:`.")
    strategy: Annotated[
        KustomizeImagesDocument | BranchDocument | LaterStrategyDocument, Field(discriminator="type")
    ] = Field(description="How a promotion is written to Git.")
    argocd: ApplicationArgocdDocument = Field(description="Which Argo CD Applications the stages are.")
    channel: SlackChannel | None = Field(
        None, description="Channel (id) of cards where neither stage nor environment has one."
    )
    stages: dict[Name, StageDocument | None] = Field(min_length=1, description="By environment.")


class PermissionsDocument(Document):
    """Who may do what."""

    default: RoleName | None = Field(None, description="The role that everybody has. Default: role:readonly.")
    policy: AnyText | None = Field(
        None,
        description="Lines in Argo CD's policy.csv grammar, with Tiphys' own words: what may be done to `changes` and "
        "to `alerts`.",
    )


class PollingDocument(Document):
    """How often is looked when nothing tells us to."""

    changes: Duration | None = Field(None, description="Open changes. Default: 15s.")


class TiphysDocument(Document):
    """The whole file."""

    version: Literal[1] = Field(description="The version of this format.")
    slack: SlackDocument | None = Field(None, description="How Tiphys lives in the Slack workspace.")
    people: dict[PersonName, PersonDocument] | None = Field(None, description="Who is who outside Slack, by name.")
    argocd: dict[Name, ArgocdDocument] | None = Field(None, description="Argo CD instances, by name.")
    repositories: dict[Name, RepositoryDocument] | None = Field(None, description="Git repositories, by name.")
    alertmanagers: dict[Name, AlertmanagerDocument | None] | None = Field(
        None, description="Where alerts come from, by name; `default` sends to `/webhooks/alertmanager`."
    )
    alerts: AlertsDocument | None = Field(None, description="Where alerts go, whom they ping, and what they mean.")
    defaults: PolicyDocument | None = Field(
        None, description="What holds where neither environment nor stage says else."
    )
    environments: dict[Name, EnvironmentDocument | None] | None = Field(None, description="Environments, by name.")
    applications: dict[Name, ApplicationDocument] | None = Field(None, description="Applications, by name.")
    permissions: PermissionsDocument | None = Field(None, description="Who may do what.")
    polling: PollingDocument | None = Field(None, description="How often is looked.")
