"""A repository: as the forge shows it to our token, the rules of the governed branches, and Git itself."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.checks.finding import Finding, Findings
from bot.domain.branch_rules import BranchRules
from bot.domain.identity import short
from bot.domain.pipeline import Configuration, MergeMethod, Repository
from bot.domain.text import listed
from bot.integrations.forges.github.inspection import (
    METHOD_SETTINGS,
    BranchFacts,
    GithubInspection,
    RepositoryFacts,
    TokenFacts,
)
from bot.integrations.git.mirror import Mirror
from bot.ports import Denied, NotFound, OutsideError

SOON = timedelta(days=14)
LATER = "Try again when GitHub answers; look at GITHUB_API_URL and the way out of this network"
NEW_TOKEN = "Give GITHUB_TOKEN a token with the rights of docs/security.md"  # noqa: S105
NOT_SUPPORTED = {"merge_queue": "a merge queue", "required_signatures": "signed commits"}
AS_OBSTACLES = {"merge-queue": "merge_queue", "signed-commits": "required_signatures"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How promotions reach a branch; `whole_tree`: each is itself a merge of two branches."""

    method: MergeMethod
    whole_tree: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Governed:
    """What is done in a repository: the branches that stages live on, and the ways in which strategies reach them."""

    ways: Mapping[str, tuple[Way, ...]]

    @property
    def branches(self) -> tuple[str, ...]:
        return tuple(self.ways)


def governed_in(configuration: Configuration, repository: Repository) -> Governed:
    applications = [a for a in configuration.applications.values() if a.repository == repository.name]
    ways: dict[str, dict[Way, None]] = {}
    for application in applications:
        for stage in application.stages.values():
            reached = ways.setdefault(stage.branch, {})
            if stage.source is not None:
                reached[Way(method=application.strategy.merge, whole_tree=stage.whole_tree)] = None
    return Governed(ways={branch: tuple(reached) for branch, reached in ways.items()})


def silent(repository: Repository, evidence: str = "no answer in time") -> Finding:
    return Finding(slug="forge.no-answer", subject=f"repositories.{repository.name}", evidence=evidence, fix=LATER)


def git_silent(repository: Repository, evidence: str = "git fetch: not done in time") -> Finding:
    fix = "Try again; a first fetch of a large repository may take longer than this check waits"
    return Finding(slug="git.no-answer", subject=f"repositories.{repository.name}", evidence=evidence, fix=fix)


async def check_repository(
    repository: Repository, governed: Governed, github: GithubInspection, *, now: datetime, our_app: int | None
) -> Findings:
    """`our_app` is the id of the GitHub App that we are towards this repository; None with a token."""
    try:
        facts = await github.repository()
    except OutsideError as error:
        return [_unseen(repository, error)]
    found = judge_repository(repository, facts, now)
    rest = await asyncio.gather(
        _check_runs(repository, governed, github),
        *(_branch(repository, governed, branch, facts, github, our_app) for branch in governed.branches),
    )
    return [*found, *(finding for findings in rest for finding in findings)]


def judge_repository(repository: Repository, facts: RepositoryFacts, now: datetime) -> Findings:
    """Name, rights and token."""
    about, asked = _About(repository), f"GET /repos/{repository.github}"
    found: Findings = []
    if facts.archived:
        found.append(about("forge.archived", f"{asked}: archived", "Unarchive it, or name another repository"))
    if facts.full_name.lower() != repository.github.lower():
        fix = f"Write `github: {facts.full_name}` in tiphys.yaml, and the new address in the Applications"
        found.append(about("forge.renamed", f"{asked}: it is {facts.full_name} now", fix))
    match facts.may_push:
        case True:
            kind = "private" if facts.private else "public"
            found.append(about("forge.repository", f"{asked}: {kind}, our account may push"))
        case False:
            fix = "Give the token's account write access to the repository"
            found.append(about("forge.may-not-push", f"{asked}: permissions.push is false", fix))
        case None:
            fix = "Look at the account's role in the repository: it needs write access"
            found.append(about("forge.push-unknown", f"{asked}: no permissions told", fix))
    return [*found, *_token(about, facts.token, now, private=facts.private)]


async def check_token(github: GithubInspection, now: datetime) -> Findings:
    """The token alone, while no `tiphys.yaml` says what it is for."""
    about = _About()
    try:
        login, facts = await github.account()
    except Denied as denial:
        return [about("forge.token-refused", f"GET /user: {denial.reason}", denial.way_out or NEW_TOKEN)]
    except OutsideError as error:
        return [about("forge.no-answer", f"GET /user: {error.reason}", LATER)]
    found = about("forge.account", f"GET /user: our account is {login}")
    return [found, *_token(about, facts, now, private=False)]


def _token(about: "_About", facts: TokenFacts, now: datetime, *, private: bool) -> Findings:
    found: Findings = []
    needed = "repo" if private else "repo or public_repo"
    if facts.scopes is None:
        evidence = "no header x-oauth-scopes: a fine-grained token, or an App's"
        found.append(about("forge.token-fine-grained", evidence))
    elif facts.scopes & {"repo", *(() if private else ("public_repo",))}:
        found.append(about("forge.token-classic", f"x-oauth-scopes: {', '.join(sorted(facts.scopes))}"))
    else:
        evidence = f"x-oauth-scopes: {', '.join(sorted(facts.scopes)) or 'none'}; {needed} is needed"
        found.append(about("forge.scope-missing", evidence, "Give the classic token the scope `repo`"))
    expires = _moment(facts.expires)
    if expires is not None and expires - now < SOON:
        evidence = f"github-authentication-token-expiration: {expires:%Y-%m-%d %H:%M} UTC"
        found.append(about("forge.token-expires", evidence, "Make a new token in time"))
    return found


async def _check_runs(repository: Repository, governed: Governed, github: GithubInspection) -> Findings:
    about = _About(repository)
    for branch in governed.branches[:1]:
        asked = f"GET /repos/{repository.github}/commits/{branch}/check-runs"
        try:
            if await github.may_read_check_runs(branch):
                return [about("forge.check-runs", f"{asked}: readable")]
        except NotFound:
            return []  # the branch itself is what is missing, and its stages say so
        except OutsideError as error:
            return [about("forge.no-answer", f"{asked}: {error.reason}", LATER)]
        fix = "Use a classic token with the scope `repo`, or an App: fine-grained tokens cannot be given this right"
        return [about("forge.check-runs-hidden", f"{asked}: denied", fix)]
    return []


async def _branch(
    repository: Repository,
    governed: Governed,
    branch: str,
    facts: RepositoryFacts,
    github: GithubInspection,
    our_app: int | None,
) -> Findings:
    try:
        told, rules = await github.branch(branch), await github.branch_rules(branch)
    except NotFound:
        return []
    except OutsideError as error:
        fix = "See that the token may read the repository's metadata"
        evidence = f"GET /rules/branches/{branch}: {error.reason}"
        return [_About(repository)("forge.branch-rules-unknown", evidence, fix)]
    return [
        *judge_branch(repository, told, rules, our_app),
        *judge_methods(repository, governed.ways[branch], facts.methods, told, rules),
    ]


def judge_branch(repository: Repository, told: BranchFacts, rules: BranchRules, our_app: int | None) -> Findings:
    """Whether a pull request is the only way in, and what of the rules Tiphys could not satisfy."""
    about, branch = _About(repository), rules.branch
    asked = f"GET /rules/branches/{branch}"
    kinds = ", ".join(sorted(told.kinds)) or "none"
    found: Findings = []
    for kind, words in NOT_SUPPORTED.items():
        if kind in told.kinds:
            fix = f"Take {words} out of the rules of {branch}: Tiphys cannot merge with it yet"
            found.append(about("forge.rule-not-supported", f"{asked}: {kind}", fix))
    if told.asks_for_pull_request:
        found.append(about("forge.branch-rules", f"{asked}: {kinds}"))
    elif rules.reviews or rules.no_pushes:
        found.append(about("forge.branch-rules", f"{asked}: {kinds}; older branch protection asks for a pull request"))
    elif not rules.hidden:
        fix = f"Add a ruleset for {branch} (Settings, Rules) that requires a pull request before merging"
        found.append(about("forge.branch-unprotected", f"{asked}: {kinds}; none requires a pull request", fix))
    if rules.hidden:
        fix = "See what the protection asks for; a ruleset instead of it can be read by everybody"
        found.append(about("forge.branch-rules-unknown", f"{asked}: {kinds}; {rules.hidden}", fix))
    return [*found, *_our_check(about, asked, told, our_app)]


def _our_check(about: "_About", asked: str, rules: BranchFacts, our_app: int | None) -> Findings:
    bound = rules.our_check
    if bound is None:
        return []
    required = f"{asked}: requires tiphys/approval"
    if bound[0] is not None and bound[0] == our_app:
        return [about("forge.check-bound", f"{required} from our App {our_app}")]
    fix = "Choose our GitHub App as the source of the check in the rule: else whoever may write can set it"
    if bound[0] is None:
        return [about("forge.check-unbound", f"{required} from anybody", fix)]
    fix = "Choose our GitHub App as the source of the check; a token's account cannot set it as another App"
    return [about("forge.check-unbound", f"{required} from App {bound[0]}, which we are not", fix)]


def judge_methods(
    repository: Repository,
    ways: Iterable[Way],
    settings: Mapping[str, bool | None],
    told: BranchFacts,
    rules: BranchRules,
) -> Findings:
    """The ways of strategies to the branch: by what GitHub sets for each, and by what each promotion is held to."""
    about, branch, by_rule = _About(repository), rules.branch, told.methods
    found, fine = Findings(), list[str]()
    for way in ways:
        method = way.method.value
        obstacle = rules.obstacle(way.method, whole_tree=way.whole_tree)
        setting, allowed = METHOD_SETTINGS.get(method, ""), settings.get(method)
        if setting and by_rule is not None and method not in by_rule:
            those = listed(tuple(sorted(by_rule))) or "none"
            fix = f"Allow it in the rule, or choose another `merge` of the strategy than {method}"
            found.append(about("forge.merge-method-refused", f"a rule of {branch} allows {those}, not {method}", fix))
        elif setting and allowed is False:
            fix = f"Allow it in the repository's settings, or choose another `merge` of the strategy than {method}"
            found.append(about("forge.merge-method-refused", f"GET /repos/{repository.github}: no {setting}", fix))
        elif obstacle is not None and obstacle.slug in AS_OBSTACLES:
            if AS_OBSTACLES[obstacle.slug] not in told.kinds:  # else it is told already
                found.append(about("forge.rule-not-supported", obstacle.reason, obstacle.way_out))
        elif obstacle is not None:
            found.append(about("forge.merge-method-refused", obstacle.reason, obstacle.way_out))
        elif setting and allowed is None:
            fix = "Look at the repository's settings, General, Pull Requests; the token's account needs write access"
            evidence = f"GET /repos/{repository.github}: {setting} is not told"
            found.append(about("forge.merge-method-unknown", evidence, fix))
        else:
            fine.append(method)
    if fine:
        found.append(about("forge.merge-methods", f"{listed(tuple(dict.fromkeys(fine)))} into {branch}: allowed"))
    return list(dict.fromkeys(found))


async def check_git(repository: Repository, git: Mirror) -> tuple[Findings, bool]:
    """Fetch, and whether we could push; and whether branches and paths can be looked at now."""
    about = _About(repository)
    try:
        await git.fetch()
        branch = await git.default_branch()
        tip = await git.find_tip(branch)
        pushes = await git.may_push()
    except Denied as denial:
        return [about("git.denied", f"git fetch: {denial.reason}", denial.way_out or NEW_TOKEN)], False
    except NotFound as absence:
        return [about("git.not-found", f"git fetch: {absence.reason}", absence.way_out or "Correct `github:`")], False
    except OutsideError as error:
        return [git_silent(repository, f"git fetch: {error.reason}")], False
    told = f"git fetch of {repository.clone_url}: {branch} is at {short(tip) if tip else 'nothing'}"
    if not pushes:
        fix = "Give the token the right to write contents; a fine-grained one: Contents, read and write"
        return [about("git.may-not-push", f"{told}; git push --dry-run: denied", fix)], True
    return [about("git.fetched", f"{told}; pushes are taken")], True


def _unseen(repository: Repository, error: OutsideError) -> Finding:
    about, evidence = _About(repository), f"GET /repos/{repository.github}: {error.reason}"
    match error:
        case NotFound():
            return about("forge.not-found", evidence, error.way_out or NEW_TOKEN)
        case Denied(slug="bad-token"):
            return about("forge.token-refused", evidence, error.way_out or NEW_TOKEN)
        case Denied():
            return about("forge.denied", evidence, error.way_out or NEW_TOKEN)
        case _:
            return silent(repository, evidence)


class _About:
    """Makes findings about one repository, or about GitHub's token."""

    def __init__(self, repository: Repository | None = None) -> None:
        self._subject = f"repositories.{repository.name}" if repository is not None else "github"

    def __call__(self, slug: str, evidence: str, fix: str = "") -> Finding:
        return Finding(slug=slug, subject=self._subject, evidence=evidence, fix=fix)


def _moment(text: str | None) -> datetime | None:
    """GitHub writes `2026-01-31 10:00:00 UTC`, or an offset."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text.replace(" UTC", "+00:00").replace(" +", "+").replace(" -", "-"))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
