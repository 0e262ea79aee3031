"""The installations of one GitHub App, and their tokens: one for each account, renewed before it ends, asked for once
however many want it, and narrowed to the repositories and rights that we use.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from pydantic import AwareDatetime

from bot.domain.pipeline import GithubApp
from bot.integrations.forges.github.app.clock import GithubClock
from bot.integrations.forges.github.app.rights import missing_rights, rights_to_ask
from bot.integrations.forges.github.app.signing import AppWord
from bot.integrations.forges.github.errors import SYSTEM, Complaint
from bot.integrations.forges.github.transport import Transport
from bot.integrations.forges.github.wire import Wire, WireUser, read
from bot.ports import Clock, Denied, NotFound, OutsideError, Unavailable
from bot.tasks import TaskSet

log = structlog.get_logger(__name__)

RENEWED_BEFORE = timedelta(minutes=10)
"""Of the hour that GitHub gives; of a shorter life a sixth."""
TRIED_AGAIN_AFTER = timedelta(seconds=30)
"""When a renewal got no answer while the old token still holds."""
TOO_YOUNG = timedelta(seconds=10)
"""A token that is refused so soon is not bettered by another one."""


class WireInstallation(Wire):
    id: int
    account: WireUser
    html_url: str = ""
    suspended_at: str | None = None
    permissions: dict[str, str] = {}  # noqa: RUF012  pydantic copies it


class WireToken(Wire):
    token: str
    expires_at: AwareDatetime


class WireApp(Wire):
    html_url: str


@dataclass(slots=True, kw_only=True)
class Issued:
    """A token, by GitHub's clock. `kept_out` are repositories of the account that it was not asked for."""

    token: str
    issued_at: datetime
    expires_at: datetime
    repositories: frozenset[str]
    kept_out: frozenset[str]
    renewed_from: datetime


class Installations:
    """Gives tokens for the repositories that it was told to `serve`. Close it with `close`.

    `learn` is told of every token before it is used, so that none gets into a log.
    """

    def __init__(
        self, api_url: str, app: GithubApp, clock: Clock, learn: Callable[[str], None], *, timeout: float = 20.0
    ) -> None:
        self._app, self._learn = app, learn
        self._clock = GithubClock(clock)
        self._http = Transport(api_url, AppWord(app, self._clock), timeout=timeout)
        self._repositories: frozenset[str] = frozenset()
        self._issued: dict[str, Issued] = {}  # by account: there an App is installed once
        self._under_way: dict[str, asyncio.Task[Issued | OutsideError]] = {}
        self._tasks = TaskSet("github.app")

    async def close(self) -> None:
        await self._tasks.close()
        await self._http.close()

    def serve(self, repositories: Iterable[str]) -> None:
        """These, `owner/name`, and no others: a token that reaches more is not used again."""
        self._repositories = frozenset(repositories)
        for account, issued in list(self._issued.items()):
            if not issued.repositories <= self._repositories:
                del self._issued[account]

    def credential(self, repository: str) -> "InstallationCredential":
        return InstallationCredential(self, repository)

    async def token(self, repository: str) -> str:
        """Raises `Denied` with the way out where the App may not work on the repository."""
        issued, now = self._issued.get(_account(repository)), self._clock.now()
        if issued is None or now >= issued.expires_at or repository not in issued.repositories:
            if issued is not None and now < issued.expires_at and repository in issued.kept_out:
                await self._installation(repository)  # raises what keeps it out, if that still does
            return (await self._renewed(repository)).token
        if now < issued.renewed_from:
            return issued.token
        try:
            return (await self._renewed(repository)).token
        except Unavailable as error:
            log.warning("github.token_not_renewed", expires_at=issued.expires_at.isoformat(), reason=error.reason)
            issued.renewed_from = now + TRIED_AGAIN_AFTER
            return issued.token

    def refused(self, repository: str, token: str, their_time: datetime | None) -> bool:
        """GitHub did not accept this token; answers whether another one can be had."""
        self._clock.hear(their_time)
        issued = self._issued.get(_account(repository))
        if issued is None or issued.token != token:
            return True  # it was renewed meanwhile
        is_young = self._clock.now() - issued.issued_at < TOO_YOUNG
        if is_young and issued.expires_at - issued.issued_at > 2 * TOO_YOUNG:
            return False
        del self._issued[_account(repository)]
        return True

    # --- what the methods above share ---

    async def _renewed(self, repository: str) -> Issued:
        """Whoever wants one at the same time gets the same one; nobody's end takes it from the others."""
        account = _account(repository)
        task = self._under_way.get(account)
        if task is None:
            task = self._tasks.start(self._renew(account), name=f"token.{account}")
            self._under_way[account] = task
            task.add_done_callback(lambda _: self._under_way.pop(account, None))
        found = await asyncio.shield(task)
        if isinstance(found, OutsideError):
            raise found
        if repository not in found.repositories:
            await self._installation(repository)
            raise Unavailable(SYSTEM, f"the GitHub App's token does not reach {repository} yet")
        return found

    async def _renew(self, account: str) -> Issued | OutsideError:
        """A new token for every repository of the account that the App may work on; an answer, never an exception:
        several wait for it."""
        names = sorted(name for name in self._repositories if _account(name) == account)
        try:
            found = [await self._find_installation(name) for name in names]
            usable = [(n, i) for n, i in zip(names, found, strict=True) if isinstance(i, WireInstallation)]
            if not usable:
                return next((e for e in found if isinstance(e, OutsideError)), _not_ours(account))
            issued = await self._issue(usable[0][1], frozenset(name for name, _ in usable), frozenset(names))
        except OutsideError as error:
            return error
        self._issued[account] = issued
        return issued

    async def _issue(self, installation: WireInstallation, reached: frozenset[str], names: frozenset[str]) -> Issued:
        wanted = {
            "repositories": sorted(name.partition("/")[2] for name in reached),
            "permissions": rights_to_ask(installation.permissions),
        }
        try:
            answer = await self._http.write("POST", f"/app/installations/{installation.id}/access_tokens", wanted)
        except OutsideError as error:
            raise self._explained(error, sorted(reached)[0]) from error
        given = read(WireToken, answer.document)
        self._learn(given.token)
        self._clock.hear(answer.their_time)
        now = self._clock.now()
        life = max(given.expires_at - now, timedelta(0))
        log.info(
            "github.token_issued", app=self._app.id, installation=installation.id, repositories=sorted(reached),
            expires_at=given.expires_at.isoformat(),
        )  # fmt: skip
        return Issued(
            token=given.token, issued_at=now, expires_at=given.expires_at, repositories=reached,
            kept_out=names - reached, renewed_from=given.expires_at - min(RENEWED_BEFORE, life / 6),
        )  # fmt: skip

    async def _find_installation(self, repository: str) -> WireInstallation | OutsideError:
        try:
            return await self._installation(repository)
        except Unavailable:
            raise
        except OutsideError as error:
            return error

    async def _installation(self, repository: str) -> WireInstallation:
        """The App's installation on that repository. Raises `Denied` where it may not work there."""
        try:
            answer = await self._http.get(f"/repos/{repository}/installation")
        except NotFound:
            raise await self._not_installed(repository) from None
        except OutsideError as error:
            raise self._explained(error, repository) from error
        self._clock.hear(answer.their_time)
        installation = read(WireInstallation, answer.document)
        if answer.moved:
            raise Denied(
                SYSTEM, "app-repository-moved", f"{repository} has another name on GitHub now",
                way_out="Write its new name into `github:`: a token of the App names the repository.",
            )  # fmt: skip
        if installation.suspended_at is not None:
            raise Denied(
                SYSTEM, "app-suspended", f"the GitHub App's installation on {repository} is suspended",
                way_out=f"Whoever owns the account can lift that on the installation's page: {installation.html_url}.",
            )  # fmt: skip
        if missing := missing_rights(installation.permissions):
            lacks = f"the GitHub App may not do enough on {repository}: it lacks {', '.join(missing)}"
            way_out = f"Add that to the App's permissions, then accept it for the installation {installation.html_url}"
            raise Denied(SYSTEM, "app-rights-missing", lacks, way_out=way_out)
        return installation

    async def _not_installed(self, repository: str) -> OutsideError:
        try:
            page = read(WireApp, (await self._http.get("/app")).document).html_url
        except NotFound:
            reason = f"GitHub knows no App with the id {self._app.id}"
            return Denied(SYSTEM, "app-unknown", reason, way_out="Compare `app: {id: …}` with the App's page.")
        except OutsideError as error:
            return self._explained(error, repository)
        return Denied(
            SYSTEM, "app-not-installed", f"the GitHub App {self._app.id} is not installed on {repository}",
            way_out=f"Install it there, or give its installation this repository: {page}/installations/new. "
            "Also compare `github:` with the repository's owner and name.",
        )  # fmt: skip

    def _explained(self, error: OutsideError, repository: str) -> OutsideError:
        """An error of a request that was made as the App, told as what it means for the App."""
        match error:
            case Denied(slug="bad-token"):
                said = error.reason.partition(": ")[2]
                return Denied(
                    SYSTEM, "app-key-refused", f"GitHub does not accept the key of the App {self._app.id}: {said}",
                    way_out="Compare `app: {id: …}` with the App's page; if it is right, generate a new key there.",
                )  # fmt: skip
            case Complaint():
                return Denied(
                    SYSTEM, "app-token-refused", f"GitHub gives no token for {repository}: {error.said}",
                    way_out="Look at the App's installation: its repositories and permissions.",
                )  # fmt: skip
            case NotFound():
                return Denied(
                    SYSTEM, "app-not-installed", f"the App's installation on {repository} is gone",
                    way_out="Install the App there again.",
                )  # fmt: skip
            case _:
                return error


class InstallationCredential:
    """`bot.credentials.Credential` for one repository of an App."""

    def __init__(self, installations: Installations, repository: str) -> None:
        self._installations, self._repository = installations, repository

    async def token(self) -> str:
        return await self._installations.token(self._repository)

    def refused(self, token: str, *, their_time: datetime | None = None) -> bool:
        return self._installations.refused(self._repository, token, their_time)


def _account(repository: str) -> str:
    return repository.partition("/")[0].lower()


def _not_ours(account: str) -> OutsideError:
    return Unavailable(SYSTEM, f"no repository of {account} is configured any more")
