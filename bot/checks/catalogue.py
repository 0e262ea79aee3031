"""Everything that a check can find, with how bad it is and what it means. docs/checks.md tells the same."""

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    ERROR = "error"  # a promotion fails, or would be wrong, until this is mended
    WARNING = "warning"  # it works, but not as it should; or it cannot be told whether it does
    INFO = "info"  # as it should be, with what shows it


class Kind(NamedTuple):
    severity: Severity
    means: str


_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO

CATALOGUE: dict[str, Kind] = {
    # the bot itself
    "check.crashed": Kind(_W, "a check ended in an error of Tiphys itself"),
    # Slack: the app
    "slack.workspace": Kind(_I, "the bot token is good; names the workspace"),
    "slack.bot-token-refused": Kind(_E, "Slack refuses the bot token"),
    "slack.no-answer": Kind(_W, "Slack gives no answer; nothing else of it could be asked"),
    "slack.scopes": Kind(_I, "the bot token has every scope"),
    "slack.scope-missing": Kind(_E, "the bot token lacks a scope"),
    "slack.history-scope-missing": Kind(_W, "without it a lost answer may lead to a second card"),
    "slack.scopes-unknown": Kind(_W, "Slack's answer does not tell the token's scopes"),
    "slack.socket-mode": Kind(_I, "the app-level token is good and Socket Mode is on"),
    "slack.app-token-refused": Kind(_E, "Slack refuses the app-level token"),
    "slack.app-token-scope": Kind(_E, "the app-level token lacks `connections:write`"),
    "slack.socket-mode-off": Kind(_E, "Socket Mode is switched off in the app's settings"),
    "slack.socket-mode-unknown": Kind(_W, "no answer about the app-level token"),
    "slack.http": Kind(_I, "the bot takes what is signed with the signing secret"),
    "slack.http-not-served": Kind(_E, "what listens on `TIPHYS_LISTEN` does not serve `/slack/events`"),
    "slack.http-unknown": Kind(_W, "nobody answers on `TIPHYS_LISTEN`, or not yet"),
    "slack.signing-secret-differs": Kind(_E, "the bot refuses what is signed with the signing secret"),
    "slack.request-url-unknown": Kind(_W, "only from outside can be told whether Slack's request URL leads to the bot"),
    # Slack: channels
    "slack.channel": Kind(_I, "the bot can post there"),
    "slack.channel-not-found": Kind(_E, "there is no such channel, or it is private and without the bot"),
    "slack.channel-archived": Kind(_E, "the channel is archived"),
    "slack.not-in-channel": Kind(_E, "the bot is not a member of the channel"),
    "slack.channel-unknown": Kind(_W, "it cannot be told whether the bot can post there"),
    # Slack: people
    "slack.group": Kind(_I, "the user group exists and has members"),
    "slack.group-not-found": Kind(_E, "there is no such user group"),
    "slack.group-empty": Kind(_W, "the user group has no members"),
    "slack.group-unknown": Kind(_W, "it cannot be told who is in the user group"),
    "slack.plan-without-groups": Kind(_E, "the workspace's plan has no user groups"),
    "slack.users": Kind(_I, "how many of the named people are members"),
    "slack.user-not-found": Kind(_E, "there is no such person in the workspace"),
    "slack.user-may-not-act": Kind(_W, "a guest, external, bot or deactivated: Tiphys refuses whatever they ask"),
    "slack.users-unknown": Kind(_W, "Slack did not tell who some people are"),
    "approvals.reachable": Kind(_I, "enough people may approve, whoever of them asks"),
    "approvals.tight": Kind(_W, "just enough may approve: when one of them asks, the others are too few"),
    "approvals.unreachable": Kind(_E, "fewer people may approve than are needed"),
    "approvals.unknown": Kind(_W, "it cannot be told whether enough people may approve"),
    # Argo CD
    "argocd.version": Kind(_I, "which version answers"),
    "argocd.version-old": Kind(_W, "a version that Tiphys was not made for"),
    "argocd.version-unknown": Kind(_W, "Argo CD does not tell its version"),
    "argocd.no-answer": Kind(_W, "Argo CD gives no answer; nothing of it could be asked"),
    "argocd.account": Kind(_I, "the account that the token stands for"),
    "argocd.account-is-admin": Kind(_W, "the token is the administrator's: it may do everything"),
    "argocd.account-unknown": Kind(_W, "it cannot be told whom the token stands for"),
    "argocd.token-refused": Kind(_E, "Argo CD refuses the token"),
    "argocd.anonymous": Kind(_E, "the token logs nobody in, and Argo CD answers all the same, as to anybody"),
    "argocd.override": Kind(_I, "pinned syncs need no right that the account lacks"),
    "argocd.override-unknown": Kind(_W, "the account lacks `override`, and it cannot be told whether it is demanded"),
    # repositories
    "forge.account": Kind(_I, "the token is good; names its account"),
    "forge.repository": Kind(_I, "the repository is found and our account may write"),
    "forge.not-found": Kind(_E, "the repository does not exist, or is hidden from the token"),
    "forge.token-refused": Kind(_E, "GitHub refuses the token"),
    "forge.denied": Kind(_E, "GitHub denies the token to read the repository"),
    "forge.no-answer": Kind(_W, "GitHub gives no answer; nothing of the repository could be asked"),
    "forge.archived": Kind(_E, "the repository is archived: nothing can be merged"),
    "forge.renamed": Kind(_W, "the repository has another name now"),
    "forge.may-not-push": Kind(_E, "our account may not write to the repository"),
    "forge.push-unknown": Kind(_W, "GitHub does not tell whether our account may write"),
    "forge.token-classic": Kind(_I, "a classic token with the scope that is needed"),
    "forge.token-fine-grained": Kind(_I, "a fine-grained token, or an App's"),
    "forge.scope-missing": Kind(_E, "the classic token lacks the scope `repo`"),
    "forge.token-expires": Kind(_W, "the token expires within two weeks"),
    "forge.check-runs": Kind(_I, "check runs can be read"),
    "forge.check-runs-hidden": Kind(_W, "check runs cannot be read: the gates and the card know statuses alone"),
    "forge.merge-methods": Kind(_I, "the repository allows the merge methods that strategies use"),
    "forge.merge-method-refused": Kind(_E, "the repository, or a rule of the branch, forbids a merge method"),
    "forge.merge-method-unknown": Kind(_W, "GitHub does not tell which merge methods are allowed"),
    "forge.branch-rules": Kind(_I, "the rules that bind a governed branch"),
    "forge.branch-unprotected": Kind(_W, "no rule asks for a pull request: anybody with write access can push past us"),
    "forge.branch-rules-unknown": Kind(_W, "the branch's rules cannot be read, or not in full"),
    "forge.rule-not-supported": Kind(_E, "a rule that Tiphys cannot satisfy: merge queue, signed commits"),
    "forge.check-bound": Kind(_I, "the required check `tiphys/approval` is bound to our App"),
    "forge.check-unbound": Kind(_W, "the required check `tiphys/approval` is not bound to our App"),
    "git.fetched": Kind(_I, "Git fetches, and takes our pushes"),
    "git.denied": Kind(_E, "Git's server refuses our credentials"),
    "git.not-found": Kind(_E, "Git's server does not know the repository"),
    "git.no-answer": Kind(_W, "no fetch succeeded; branches and paths could not be looked at"),
    "git.may-not-push": Kind(_E, "Git's server takes no pushes of ours"),
    # stages
    "stage.ready": Kind(_I, "the live Application is the configured one, and may be promoted into"),
    "stage.application-not-found": Kind(_E, "there is no such Application"),
    "stage.application-hidden": Kind(_E, "Argo CD denies to show the Application, or there is none"),
    "stage.not-supported": Kind(_E, "the Application is of a shape that is not handled"),
    "stage.mismatch": Kind(_E, "the live Application is not the configured one"),
    "stage.branch-missing": Kind(_E, "the branch does not exist"),
    "stage.path-missing": Kind(_E, "the strategy's path does not exist on the branch"),
    "stage.source-not-deployed": Kind(_W, "the stage that it promotes from has never been deployed"),
    "stage.auto-sync-on": Kind(_W, "Argo CD syncs by itself, though `sync` says that it does not"),
    "stage.auto-sync-off": Kind(_W, "Argo CD does not sync by itself, though `sync: automated` waits for it"),
    "stage.may-not-read": Kind(_E, "the account lacks the right to get the Application"),
    "stage.may-not-sync": Kind(_E, "the account lacks the right to sync the Application"),
    "stage.rights-unknown": Kind(_W, "Argo CD did not tell what the account may do"),
    "stage.unknown": Kind(_W, "it cannot be told whether the stage is as configured"),
    # alerts
    "alertmanager.version": Kind(_I, "which version answers"),
    "alertmanager.version-old": Kind(_W, "a version that Tiphys was not made for"),
    "alertmanager.version-unknown": Kind(_W, "it does not tell its version"),
    "alertmanager.no-answer": Kind(_W, "Alertmanager gives no answer; nothing of it could be asked"),
    "alertmanager.credentials-refused": Kind(
        _E, "Alertmanager, or what guards it, refuses our credentials: whatever waits for its answer waits on"
    ),
    "alertmanager.denied": Kind(
        _E, "our account may not read its status, alerts or silences: whatever waits for them waits on"
    ),
    "alertmanager.cluster-not-ready": Kind(
        _W, "its cluster is not ready, or it does not say so: what it does not list may fire"
    ),
    "alertmanager.list": Kind(_I, "alerts, or silences, can be listed"),
    "alertmanager.list-unknown": Kind(_W, "it cannot be told whether alerts, or silences, can be listed"),
    "alertmanager.heard-only": Kind(
        _W, "without `url` its alerts are heard and never compared, and nothing can be silenced"
    ),
    # the database
    "database.current": Kind(_I, "the schema is the one that this version needs"),
    "database.empty": Kind(_I, "there is none yet, or nothing is in it: `tiphys run` makes it"),
    "database.old": Kind(_W, "an older schema, which `tiphys run` migrates"),
    "database.must-upgrade": Kind(_E, "an older schema, with which `tiphys run` refuses to start"),
    "database.newer": Kind(_E, "a schema that this version does not know: a newer Tiphys has migrated it"),
    "database.unusable": Kind(_E, "what is there is no database of ours, or its folder cannot be written"),
    "database.refused": Kind(_E, "the database answers and does not let us in: `tiphys run` refuses to start"),
    "database.no-answer": Kind(_W, "the database gives no answer"),
}
