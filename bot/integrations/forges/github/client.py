"""The forge GitHub: one repository's pull requests with a token, as `bot.ports.Forge` promises them."""

from dataclasses import replace
from typing import Any

from bot.credentials import Credential
from bot.domain.branch_rules import OUR_CHECK, BranchRules, Review
from bot.domain.change import Change, Shipment
from bot.domain.identity import Revision, short
from bot.domain.pipeline import Repository
from bot.domain.pull_request import Check, MergeAttempt, Merged, OpenPull, PullRequest
from bot.integrations.forges.github.body import body_of
from bot.integrations.forges.github.branches import read_rules
from bot.integrations.forges.github.errors import SYSTEM, Complaint, RateLimited
from bot.integrations.forges.github.inspection import GithubInspection
from bot.integrations.forges.github.markdown import inert, plain
from bot.integrations.forges.github.merging import judge, settled_by
from bot.integrations.forges.github.reporters import Reporters
from bot.integrations.forges.github.reviews import UNRESOLVED, WireReview, reviews_of, threads_of
from bot.integrations.forges.github.transport import Transport
from bot.integrations.forges.github.wire import (
    WireCheckRuns,
    WireCombinedStatus,
    WireComment,
    WireIssue,
    WireMerge,
    WirePull,
    WireRepository,
    check_of_run,
    check_of_status,
    open_pull_of,
    pull_request_of,
    read,
    read_list,
)
from bot.meter import SILENT, Meter
from bot.ports import Denied, NotFound, Refused, Unavailable

LONGEST_DESCRIPTION = 140
LONGEST_TITLE = 250


class GithubForge:
    """Close it with `close`. After a rename or transfer it goes on under the repository's new name."""

    def __init__(
        self, repository: Repository, credential: Credential | None = None, *, timeout: float = 20.0,
        meter: Meter = SILENT,
    ) -> None:  # fmt: skip
        """Without a `credential` the repository's token is used."""
        self._name = repository.github
        self._http = Transport(repository.api_url, credential or repository.token, timeout=timeout, meter=meter)
        self._reporters = Reporters(self._http)

    async def close(self) -> None:
        await self._http.close()

    def inspection(self) -> GithubInspection:
        """Questions about the repository itself, for `tiphys check`."""
        return GithubInspection(self._http, self._name)

    def describe(self, change: Change, shipment: Shipment, *, prune: bool, requested_by: str, marker: str) -> str:
        return body_of(change, shipment, prune=prune, requested_by=requested_by, marker=marker)

    async def find_pull_request(self, *, head_branch: str, marker: str) -> PullRequest | None:
        pulls = [pull for pull in await self._list(head_branch) if pull.carries(marker)]
        if not pulls:
            return None
        # an open one before a closed one, then the newest; the list is stale and tells less than the thing itself
        newest = max(pulls, key=lambda pull: (pull.state == "open", pull.number))
        return await self.get_pull_request(newest.number)

    async def ensure_pull_request(
        self, *, head_branch: str, base_branch: str, title: str, body: str, marker: str
    ) -> PullRequest:
        """Also finds one that was led to another base by hand: a second one is never opened."""
        body = body if marker in body else f"{body}\n\n{marker}"
        found = await self.find_pull_request(head_branch=head_branch, marker=marker)
        if found is not None:
            return found
        wanted = {"title": _title(title), "head": head_branch, "base": base_branch, "body": body}
        try:
            answer = await self._http.write("POST", self._path("/pulls"), {**wanted, "maintainer_can_modify": True})
        except Complaint as complaint:
            return await self._not_created(complaint, wanted, marker)
        return pull_request_of(read(WirePull, answer.document))

    async def get_pull_request(self, number: int) -> PullRequest:
        """For one that was closed without a merge a second request asks who closed it."""
        answer = await self._http.get(self._path(f"/pulls/{number}"))
        pull = read(WirePull, answer.document)
        closed_by = await self._closed_by(number) if pull.state != "open" and pull.merged_at is None else None
        return pull_request_of(pull, closed_by=closed_by)

    async def update(self, number: int, *, title: str, body: str, base_branch: str) -> None:
        wanted = {"title": _title(title), "body": body, "base": base_branch}
        await self._http.write("PATCH", self._path(f"/pulls/{number}"), wanted)

    async def list_checks(self, head: Revision, *, bound: frozenset[str] = frozenset()) -> tuple[Check, ...]:
        statuses = await self._http.pages(self._path(f"/commits/{head}/status"))
        try:
            runs = await self._http.pages(self._path(f"/commits/{head}/check-runs"))
        except Denied:
            # Fine-grained tokens cannot read check runs of private repositories; `mergeable_state` still tells.
            runs = []
        by_status = [check_of_status(s) for page in statuses for s in read(WireCombinedStatus, page).statuses]
        by_run = [check_of_run(run) for page in runs for run in read(WireCheckRuns, page).check_runs]
        if any(check.name.lower() in bound for check in by_status):
            apps = await self._reporters.apps_of(self._path(f"/commits/{head}/statuses"))
            by_status = [replace(check, app=apps.get(check.name.lower())) for check in by_status]
        return (*by_status, *by_run)

    async def find_status(self, head: Revision) -> Check | None:
        statuses = await self._http.pages(self._path(f"/commits/{head}/status"))
        found = [check_of_status(s) for page in statuses for s in read(WireCombinedStatus, page).statuses]
        return next((check for check in found if check.is_ours), None)

    async def branch_rules(self, branch: str) -> BranchRules:
        return await read_rules(self._http, self._path(), branch)

    async def list_reviews(self, number: int) -> tuple[Review, ...]:
        pages = await self._http.pages(self._path(f"/pulls/{number}/reviews"))
        reviews = [review for page in pages for review in read_list(WireReview, page)]
        return reviews_of(reviews)

    async def count_unresolved(self, number: int) -> int | None:
        owner, _, name = self._name.partition("/")
        unresolved, after = 0, None
        while True:
            about = {"owner": owner, "name": name, "number": number, "after": after}
            try:
                threads = threads_of(await self._http.query(UNRESOLVED, about))
            except Refused:  # a token that GraphQL does not take, or a right that it lacks
                return None
            if threads is None:
                return None
            unresolved += sum(not thread.isResolved for thread in threads.nodes)
            after = threads.pageInfo.endCursor
            if not threads.pageInfo.hasNextPage or after is None:
                return unresolved

    async def list_open_pulls(self) -> tuple[OpenPull, ...]:
        pages = await self._http.pages(self._path("/pulls"))
        return tuple(open_pull_of(pull) for page in pages for pull in read_list(WirePull, page))

    async def set_status(self, head: Revision, *, state: str, description: str) -> None:
        wanted = {"state": state, "context": OUR_CHECK, "description": _cut(description, LONGEST_DESCRIPTION)}
        try:
            await self._http.write("POST", self._path(f"/statuses/{head}"), wanted)
        except Complaint as complaint:
            if complaint.status == 422 and "no commit found" in complaint.said.lower():  # it was pushed a moment ago
                raise Unavailable(SYSTEM, f"GitHub does not know the commit {short(head)} yet") from None
            raise

    async def merge(
        self, number: int, *, expected_head: Revision, method: str, title: str, message: str
    ) -> MergeAttempt:
        """After any answer that is not a plain yes the pull request is read again: it may be merged."""
        wanted = {
            "sha": expected_head,
            "merge_method": method,
            "commit_title": _cut(title, LONGEST_TITLE),
            "commit_message": inert(message),
        }
        try:
            answer = await self._http.write("PUT", self._path(f"/pulls/{number}/merge"), wanted)
            merge = read(WireMerge, answer.document)
        except RateLimited:
            raise
        except Unavailable as doubt:
            return await self._after_doubt(number, expected_head, doubt)
        except Complaint as complaint:
            return judge(complaint, await self.get_pull_request(number), expected_head)
        if not merge.merged:
            unclear = Unavailable(SYSTEM, "GitHub did not say whether it merged")
            return await self._after_doubt(number, expected_head, unclear)
        return Merged(revision=Revision(merge.sha))

    async def ensure_closed(self, number: int, *, comment: str, marker: str) -> None:
        """The comment is plain words: nothing in it mentions, links or closes anything."""
        pull = read(WirePull, (await self._http.get(self._path(f"/pulls/{number}"))).document)
        path = self._path(f"/issues/{number}/comments")
        comments = [one for page in await self._http.pages(path) for one in read_list(WireComment, page)]
        if not any(marker in (one.body or "") for one in comments):
            await self._http.write("POST", path, {"body": f"{plain(comment)}\n\n{marker}"})
        if pull.state == "open":
            await self._http.write("PATCH", self._path(f"/pulls/{number}"), {"state": "closed"})

    # --- what the methods above share ---

    def _path(self, rest: str = "") -> str:
        return f"/repos/{self._name}{rest}"

    async def _list(self, branch: str) -> list[WirePull]:
        """Every pull request from that branch of this repository, open or not."""
        answer = await self._http.get(self._path("/pulls"), self._from(branch))
        if answer.moved:  # the filter names the owner, who may be another one now
            repository = await self._http.get(self._path())
            self._name = read(WireRepository, repository.document).full_name
            answer = await self._http.get(self._path("/pulls"), self._from(branch))
        return [pull for pull in read_list(WirePull, answer.document) if pull.comes_from(branch)]

    def _from(self, branch: str) -> dict[str, str]:
        # without the owner GitHub ignores the filter without a word
        return {"head": f"{self._name.partition('/')[0]}:{branch}", "state": "all", "per_page": "100"}

    async def _not_created(self, complaint: Complaint, wanted: dict[str, Any], marker: str) -> PullRequest:
        """One exists all the same (opened in between, or its marker was edited away), or it cannot be."""
        said = complaint.said.lower()
        if complaint.status == 422 and "already exists" in said:
            for pull in await self._list(wanted["head"]):
                if pull.state == "open" and pull.base.ref == wanted["base"]:
                    if not pull.carries(marker):
                        await self.update(
                            pull.number, title=wanted["title"], body=wanted["body"], base_branch=wanted["base"]
                        )
                    return await self.get_pull_request(pull.number)
            raise Unavailable(SYSTEM, "GitHub says that the pull request exists, and does not list it yet")
        if complaint.status == 422 and "no commits between" in said:
            raise Refused(SYSTEM, "no-difference", f"{wanted['head']} holds nothing that {wanted['base']} lacks")
        if complaint.status == 422 and "head is invalid" in said:
            raise Unavailable(SYSTEM, f"GitHub does not know the branch {wanted['head']} yet")
        if complaint.status == 422 and "base is invalid" in said:
            raise NotFound(SYSTEM, "no-base", f"branch {wanted['base']} does not exist on GitHub")
        raise complaint

    async def _after_doubt(self, number: int, expected_head: Revision, doubt: Unavailable) -> MergeAttempt:
        """What became of a merge that got no clear answer. Raises the doubt while the pull request is still open."""
        try:
            seen = await self.get_pull_request(number)
        except (Unavailable, Refused):
            raise doubt from None
        settled = settled_by(seen, expected_head)
        if settled is None:
            raise doubt
        return settled

    async def _closed_by(self, number: int) -> str | None:
        try:
            answer = await self._http.get(self._path(f"/issues/{number}"))
        except (NotFound, Denied):  # a token that sees pull requests need not see issues
            return None
        issue = read(WireIssue, answer.document)
        return issue.closed_by.login if issue.closed_by else None


def _title(text: str) -> str:
    return _cut(inert(text), LONGEST_TITLE)


def _cut(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
