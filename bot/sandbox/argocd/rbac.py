"""Who calls, and what each account may do: the subset of Argo CD's RBAC that the sandbox's accounts need."""

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from bot.sandbox.argocd.wire import DENIED, INVALID, UNAUTHENTICATED, ApiError
from bot.sandbox.seeded import TOKENS

RESOURCES = (
    "clusters", "projects", "applications", "applicationsets", "repositories", "write-repositories", "certificates",
    "accounts", "gpgkeys", "logs", "exec", "extensions",
)  # fmt: skip
ACTIONS = ("get", "create", "update", "delete", "sync", "override", "action", "invoke")
TOKEN_IDS = {"tiphys": "7f6c1d1e-5b0a-4c58-9a51-0a3a5a2e9d01"}
TIPHYS_RIGHTS = (
    ("applications", "get", "apm/*"),
    ("applications", "sync", "apm/*"),
    ("logs", "get", "apm/*"),
    ("projects", "get", "apm"),
)

IN_PROJECTS = ("applications", "applicationsets", "logs", "exec")
ADMIN_RIGHTS = tuple((resource, "*", "*/*" if resource in IN_PROJECTS else "*") for resource in RESOURCES)


@dataclass(slots=True)
class Account:
    name: str
    rights: list[tuple[str, str, str]]

    def may(self, resource: str, action: str, target: str) -> bool:
        """Globs as in Argo CD: `*` crosses `/`, and `*/*` needs a slash."""
        return any(
            fnmatchcase(resource, r) and fnmatchcase(action, a) and fnmatchcase(target, o) for r, a, o in self.rights
        )


class Accounts:
    """The accounts and their tokens, which were issued at `issued`: detailed refusals tell."""

    def __init__(self, issued: datetime) -> None:
        self.issued = issued
        self.override_granted = False
        self.admin = Account("admin", list(ADMIN_RIGHTS))
        self.tiphys = Account("tiphys", list(TIPHYS_RIGHTS))
        self._by_token = {TOKENS.argocd_admin: self.admin, TOKENS.argocd_tiphys: self.tiphys}

    def grant_override(self, granted: bool) -> None:
        """Give the product's account the `override` right, or take it away."""
        self.override_granted = granted
        self.tiphys.rights = [*TIPHYS_RIGHTS, *([("applications", "override", "apm/*")] if granted else [])]

    def authenticate(self, authorization: str | None, cookie: str | None) -> Account:
        """The caller, by `Authorization: Bearer` or cookie. Raises `ApiError` 401 as the real server words it."""
        scheme, _, bearer = (authorization or "").partition(" ")
        token = bearer if scheme == "Bearer" and bearer.count(".") == 2 else cookie
        if not token or token.count(".") != 2:
            raise ApiError(UNAUTHENTICATED, "no session information")
        account = self._by_token.get(token)
        if account is None:
            raise ApiError(UNAUTHENTICATED, "invalid session: token signature is invalid: signature is invalid")
        return account

    def enforce(self, account: Account, resource: str, action: str, target: str) -> None:
        """Raises `ApiError` 403 with the detailed text."""
        if not account.may(resource, action, target):
            who = f"sub: {account.name}, iat: {self.issued:%Y-%m-%dT%H:%M:%SZ}"
            raise ApiError(DENIED, f"permission denied: {resource}, {action}, {target}, {who}")

    def can_i(self, account: Account, resource: str, action: str, target: str) -> bool:
        """Self-inspection. Raises `ApiError` 400 for words that it does not know (`rollback` is one of them in 3.5)."""
        if resource not in RESOURCES:
            raise ApiError(INVALID, f"[{' '.join(RESOURCES)}] does not contain {resource}")
        if action not in ACTIONS:
            raise ApiError(INVALID, f"[{' '.join(ACTIONS)}] does not contain {action}")
        return account.may(resource, action, target)
