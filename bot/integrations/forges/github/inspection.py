"""What GitHub says of a repository, its branches' rules and our token: read for `tiphys check`, nothing is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from bot.domain.branch_rules import OUR_CHECK, BranchRules
from bot.integrations.forges.github.branches import read_rules
from bot.integrations.forges.github.errors import SYSTEM
from bot.integrations.forges.github.transport import Transport
from bot.integrations.forges.github.wire import Wire, WireRepository, WireUser, read, read_list
from bot.ports import Denied, NotFound, Refused

METHOD_SETTINGS = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}


class WirePermissions(Wire):
    push: bool | None = None


class WireSettings(WireRepository):
    private: bool = True
    archived: bool = False
    permissions: WirePermissions | None = None
    allow_merge_commit: bool | None = None
    allow_squash_merge: bool | None = None
    allow_rebase_merge: bool | None = None


class WireRequired(Wire):
    context: str = ""
    integration_id: int | None = None
    app_id: int | None = None  # how branch protection, the older form, calls it


class WireParameters(Wire):
    required_status_checks: tuple[WireRequired, ...] = ()
    allowed_merge_methods: tuple[str, ...] | None = None


class WireRule(Wire):
    type: str = ""
    parameters: WireParameters | None = None


class WireRequiredList(Wire):
    checks: tuple[WireRequired, ...] = ()


class WireProtection(Wire):
    required_status_checks: WireRequiredList | None = None


class WireBranch(Wire):
    protection: WireProtection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """What GitHub's answers tell of our token. `scopes` are a classic token's; fine-grained ones and Apps have none.
    `expires` as GitHub writes it."""

    scopes: frozenset[str] | None = None
    expires: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryFacts:
    """A repository as our token sees it. None: GitHub does not tell this token."""

    full_name: str
    private: bool
    archived: bool
    may_push: bool | None
    methods: Mapping[str, bool | None]
    token: TokenFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchFacts:
    """What binds a branch. `kinds` are the types of its rules, `checks` the required ones with the App that each is
    bound to; `methods`: how pull requests may be merged, where a rule says so."""

    kinds: frozenset[str]
    checks: Mapping[str, int | None]
    methods: frozenset[str] | None

    @property
    def asks_for_pull_request(self) -> bool:
        return "pull_request" in self.kinds

    @property
    def our_check(self) -> tuple[int | None] | None:
        """The App that a required `tiphys/approval` is bound to, in a tuple; None when it is not required."""
        found = [app for context, app in self.checks.items() if context.lower() == OUR_CHECK]
        return (found[0],) if found else None


class GithubInspection:
    """One repository. Shares the client's way to GitHub, and with it the token."""

    def __init__(self, http: Transport, name: str) -> None:
        self._http, self._name = http, name

    async def account(self) -> tuple[str, TokenFacts]:
        """The login behind a personal token, whatever the repository."""
        answer = await self._http.get("/user")
        return read(WireUser, answer.document).login, _token_of(answer.headers)

    async def repository(self) -> RepositoryFacts:
        answer = await self._http.get(f"/repos/{self._name}")
        found = read(WireSettings, answer.document)
        return RepositoryFacts(
            full_name=found.full_name,
            private=found.private,
            archived=found.archived,
            may_push=found.permissions.push if found.permissions else None,
            methods={method: getattr(found, setting) for method, setting in METHOD_SETTINGS.items()},
            token=_token_of(answer.headers),
        )

    async def may_read_check_runs(self, branch: str) -> bool:
        try:
            await self._http.get(f"/repos/{self._name}/commits/{quote(branch)}/check-runs", {"per_page": "1"})
        except Denied:
            return False
        return True

    async def branch_rules(self, name: str) -> BranchRules:
        """What promotions into the branch are held to; some of it may be hidden from our token."""
        return await read_rules(self._http, f"/repos/{self._name}", name)

    async def branch(self, name: str) -> BranchFacts:
        """Raises `NotFound` for a branch that does not exist, `Refused` where this GitHub cannot be asked for rules."""
        path = f"/repos/{self._name}"
        branch = read(WireBranch, (await self._http.get(f"{path}/branches/{quote(name)}")).document)
        try:
            pages = await self._http.pages(f"{path}/rules/branches/{quote(name)}")
        except NotFound as absence:
            reason = "this GitHub does not tell a branch's rules"
            raise Refused(SYSTEM, "rules-not-told", reason) from absence
        rules = [rule for page in pages for rule in read_list(WireRule, page)]
        told = [rule.parameters for rule in rules if rule.parameters is not None]
        checks = [check for parameters in told for check in parameters.required_status_checks]
        if branch.protection is not None and branch.protection.required_status_checks is not None:
            checks += branch.protection.required_status_checks.checks
        allowed = [set(p.allowed_merge_methods) for p in told if p.allowed_merge_methods is not None]
        return BranchFacts(
            kinds=frozenset(rule.type for rule in rules),
            checks=_bound(checks),
            methods=frozenset(set[str].intersection(*allowed)) if allowed else None,
        )


def _token_of(headers: Mapping[str, str]) -> TokenFacts:
    scopes = headers.get("x-oauth-scopes")
    return TokenFacts(
        scopes=None if scopes is None else frozenset(part.strip() for part in scopes.split(",") if part.strip()),
        expires=headers.get("github-authentication-token-expiration"),
    )


def _bound(checks: list[WireRequired]) -> dict[str, int | None]:
    """Every required check with its App; required twice, the bound one counts. Protection's -1 means any App."""
    found: dict[str, int | None] = {}
    for check in checks:
        app = check.integration_id if check.integration_id is not None else check.app_id
        app = None if app is not None and app < 0 else app
        found[check.context] = app if app is not None else found.get(check.context)
    return found
