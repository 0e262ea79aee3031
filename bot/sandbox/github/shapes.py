"""GitHub's JSON for what the forge holds. Addresses are built from the forge's main address."""

import zlib
from datetime import datetime
from typing import Any

from bot.sandbox.github.forge import Forge
from bot.sandbox.github.history import CommitRead, FileChange, Signature, Size
from bot.sandbox.github.people import known_logins
from bot.sandbox.github.protection import mergeable_state
from bot.sandbox.github.records import Comment, Pull, Review, Status

Json = dict[str, Any]


def moment(at: datetime | None) -> str | None:
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Shapes:
    """Renders records; reads them, never changes them."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge

    @property
    def api(self) -> str:
        return f"{self._forge.repositories.base_url}/api/v3"

    @property
    def web(self) -> str:
        return self._forge.repositories.base_url

    def user(self, login: str) -> Json:
        number = zlib.crc32(login.encode()) % 100_000_000
        return {
            "login": login, "id": number, "node_id": f"U_{number}", "avatar_url": "", "gravatar_id": "",
            "url": f"{self.api}/users/{login}", "html_url": f"{self.web}/{login}", "type": "User",
            "site_admin": False,
        }  # fmt: skip

    def repository(self, name: str) -> Json:
        owner, short = name.split("/")
        number = zlib.crc32(name.encode()) % 100_000_000
        return {
            "id": number, "node_id": f"R_{number}", "name": short, "full_name": name, "private": True,
            "owner": {**self.user(owner), "type": "Organization"}, "html_url": f"{self.web}/{name}",
            "description": None, "fork": False, "url": f"{self.api}/repos/{name}",
            "clone_url": self._forge.repositories.clone_url(name), "git_url": self._forge.repositories.clone_url(name),
            "default_branch": self._forge.repositories.default_branch(name), "visibility": "private",
            "archived": False, "disabled": False, "has_issues": True,
        }  # fmt: skip

    def repository_with_settings(self, name: str) -> Json:
        return {
            **self.repository(name), "allow_merge_commit": True, "allow_squash_merge": True,
            "allow_rebase_merge": True, "allow_auto_merge": False, "delete_branch_on_merge": False,
            "allow_update_branch": False,
            "permissions": {"admin": False, "maintain": False, "push": True, "triage": True, "pull": True},
        }  # fmt: skip

    def pull(self, pull: Pull) -> Json:
        """A pull request as lists show it."""
        api, page = f"{self.api}/repos/{pull.repository}", f"{self.web}/{pull.repository}/pull/{pull.number}"
        url, issue = f"{api}/pulls/{pull.number}", f"{api}/issues/{pull.number}"
        number = zlib.crc32(page.encode()) % 100_000_000
        return {
            "url": url, "id": number, "node_id": f"PR_{number}", "html_url": page, "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch", "issue_url": issue, "number": pull.number, "state": pull.state,
            "locked": False, "title": pull.title, "user": self.user(pull.login), "body": pull.body,
            "created_at": moment(pull.created_at), "updated_at": moment(pull.updated_at),
            "closed_at": moment(pull.closed_at), "merged_at": moment(pull.merged_at),
            "merge_commit_sha": pull.merge_commit or pull.test_merge, "assignee": None, "assignees": [],
            "requested_reviewers": [], "requested_teams": [], "labels": [], "milestone": None, "draft": pull.draft,
            "commits_url": f"{url}/commits", "comments_url": f"{issue}/comments",
            "statuses_url": f"{api}/statuses/{pull.head_sha}",
            "head": self._side(pull.repository, pull.head, pull.head_sha),
            "base": self._side(pull.repository, pull.base, pull.base_sha),
            "_links": {
                "self": {"href": url}, "html": {"href": page}, "issue": {"href": issue},
                "comments": {"href": f"{issue}/comments"}, "commits": {"href": f"{url}/commits"},
                "statuses": {"href": f"{api}/statuses/{pull.head_sha}"},
            },
            "author_association": "MEMBER", "auto_merge": None, "active_lock_reason": None,
        }  # fmt: skip

    def full_pull(self, pull: Pull, size: Size) -> Json:
        """A pull request as reading one shows it: with mergeability and counts."""
        mergeable = None if pull.merged else pull.mergeable
        return {
            **self.pull(pull), "merged": pull.merged, "mergeable": mergeable,
            "rebaseable": mergeable, "mergeable_state": mergeable_state(self._forge.of(pull.repository), pull),
            "merged_by": self.user(pull.merged_by) if pull.merged_by else None, "comments": len(pull.comments),
            "review_comments": 0, "maintainer_can_modify": False, "commits": size.commits,
            "additions": size.additions, "deletions": size.deletions, "changed_files": size.files,
        }  # fmt: skip

    def issue(self, pull: Pull) -> Json:
        """The issue side of a pull request, which alone tells who closed it."""
        listed = self.pull(pull)
        kept = ("number", "state", "locked", "title", "user", "body", "created_at", "updated_at", "closed_at", "labels")
        return {
            **{key: listed[key] for key in kept}, "url": listed["issue_url"], "html_url": listed["html_url"],
            "comments": len(pull.comments), "comments_url": listed["comments_url"], "assignees": [],
            "closed_by": self.user(pull.closed_by) if pull.closed_by else None, "state_reason": None,
            "pull_request": {
                "url": listed["url"], "html_url": listed["html_url"], "merged_at": moment(pull.merged_at)
            },
        }  # fmt: skip

    def review(self, pull: Pull, review: Review) -> Json:
        page = f"{self.web}/{pull.repository}/pull/{pull.number}"
        return {
            "id": review.id, "node_id": f"PRR_{review.id}", "user": self.user(review.login), "body": review.body,
            "state": review.state, "html_url": f"{page}#pullrequestreview-{review.id}",
            "pull_request_url": f"{self.api}/repos/{pull.repository}/pulls/{pull.number}",
            "author_association": "MEMBER", "submitted_at": moment(review.at), "commit_id": review.commit,
        }  # fmt: skip

    def comment(self, pull: Pull, comment: Comment) -> Json:
        return {
            "id": comment.id, "node_id": f"IC_{comment.id}", "user": self.user(comment.login), "body": comment.body,
            "url": f"{self.api}/repos/{pull.repository}/issues/comments/{comment.id}",
            "html_url": f"{self.web}/{pull.repository}/pull/{pull.number}#issuecomment-{comment.id}",
            "issue_url": f"{self.api}/repos/{pull.repository}/issues/{pull.number}",
            "created_at": moment(comment.created_at), "updated_at": moment(comment.updated_at),
            "author_association": "MEMBER",
        }  # fmt: skip

    def status(self, repository: str, sha: str, status: Status) -> Json:
        return {
            "url": f"{self.api}/repos/{repository}/statuses/{sha}", "avatar_url": "", "id": status.id,
            "node_id": f"SC_{status.id}", "state": status.state, "description": status.description,
            "target_url": status.target_url, "context": status.context, "created_at": moment(status.at),
            "updated_at": moment(status.at), "creator": self.user(status.login),
        }  # fmt: skip

    def commit(self, repository: str, commit: CommitRead) -> Json:
        url = f"{self.api}/repos/{repository}"
        page = f"{self.web}/{repository}/commit/{commit.sha}"
        return {
            "sha": commit.sha, "node_id": f"C_{commit.sha}",
            "commit": {
                "author": _signature(commit.author), "committer": _signature(commit.committer),
                "message": commit.message, "tree": {"sha": commit.tree, "url": f"{url}/git/trees/{commit.tree}"},
                "url": f"{url}/git/commits/{commit.sha}", "comment_count": 0,
                "verification": {"verified": False, "reason": "unsigned", "signature": None, "payload": None},
            },
            "url": f"{url}/commits/{commit.sha}", "html_url": page,
            "comments_url": f"{url}/commits/{commit.sha}/comments",
            "author": self._user_of(commit.author), "committer": self._user_of(commit.committer),
            "parents": [
                {"sha": sha, "url": f"{url}/commits/{sha}", "html_url": f"{self.web}/{repository}/commit/{sha}"}
                for sha in commit.parents
            ],
        }  # fmt: skip

    def file(self, repository: str, sha: str, file: FileChange) -> Json:
        shape: Json = {
            "sha": file.blob, "filename": file.path, "status": file.status, "additions": file.additions,
            "deletions": file.deletions, "changes": file.additions + file.deletions,
            "blob_url": f"{self.web}/{repository}/blob/{sha}/{file.path}",
            "raw_url": f"{self.web}/{repository}/raw/{sha}/{file.path}",
            "contents_url": f"{self.api}/repos/{repository}/contents/{file.path}?ref={sha}",
        }  # fmt: skip
        if file.patch is not None:
            shape["patch"] = file.patch
        if file.previous is not None:
            shape["previous_filename"] = file.previous
        return shape

    def _side(self, repository: str, branch: str, sha: str) -> Json:
        owner = repository.split("/")[0]
        return {
            "label": f"{owner}:{branch}", "ref": branch, "sha": sha,
            "user": {**self.user(owner), "type": "Organization"}, "repo": self.repository(repository),
        }  # fmt: skip

    def _user_of(self, signature: Signature) -> Json | None:
        login = signature.email.removesuffix("@example.com")
        return self.user(login) if login in known_logins() and login != signature.email else None


def _signature(signature: Signature) -> Json:
    return {"name": signature.name, "email": signature.email, "date": signature.at}
