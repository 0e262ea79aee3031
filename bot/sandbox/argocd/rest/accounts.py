"""Who am I and what may I: session, self-inspection, accounts."""

from aiohttp import web

from bot.sandbox.argocd.objects import Json
from bot.sandbox.argocd.rbac import TOKEN_IDS, Account
from bot.sandbox.argocd.rest.gateway import Server
from bot.sandbox.argocd.wire import NOT_FOUND, ApiError, answer


class AccountEndpoints:
    def __init__(self, server: Server) -> None:
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/session/userinfo", self.user_info),
            web.get("/api/v1/account/can-i/{resource}/{action}/{target:.*}", self.can_i),
            web.get("/api/v1/account", self.accounts),
            web.get("/api/v1/account/{account}", self.account),
        ]

    async def user_info(self, request: web.Request) -> web.Response:
        """Never 401: without a usable token the answer is empty."""
        try:
            account = self._server.caller(request)
        except ApiError:
            return answer({})
        return answer({"loggedIn": True, "username": account.name, "iss": "argocd"})

    async def can_i(self, request: web.Request) -> web.Response:
        account, asked = self._server.caller(request), request.match_info
        if "/" in asked["action"]:
            return answer({"value": "no"})
        yes = self._server.accounts.can_i(account, asked["resource"], asked["action"], asked["target"])
        return answer({"value": "yes" if yes else "no"})

    async def accounts(self, request: web.Request) -> web.Response:
        account = self._server.caller(request)
        known = [self._server.accounts.admin, self._server.accounts.tiphys]
        return answer({"items": [self._shown(one) for one in known if self._may_see(account, one)]})

    async def account(self, request: web.Request) -> web.Response:
        account, name = self._server.caller(request), request.match_info["account"]
        known = {one.name: one for one in (self._server.accounts.admin, self._server.accounts.tiphys)}
        if name != account.name:
            self._server.accounts.enforce(account, "accounts", "get", name)
        if name not in known:
            raise ApiError(NOT_FOUND, f"account '{name}' does not exist")
        return answer(self._shown(known[name]))

    def _may_see(self, account: Account, other: Account) -> bool:
        return account.name == other.name or account.may("accounts", "get", other.name)

    def _shown(self, account: Account) -> Json:
        shown: Json = {"name": account.name, "enabled": True}
        shown["capabilities"] = ["apiKey"] if account.name in TOKEN_IDS else ["login"]
        if account.name in TOKEN_IDS:
            shown["tokens"] = [
                {"id": TOKEN_IDS[account.name], "issuedAt": int(self._server.accounts.issued.timestamp())}
            ]
        return shown
