"""The pages behind GitHub's links, so that a link on a card leads somewhere: a pull request, a commit, a comparison."""

from html import escape

from aiohttp import web

from bot.sandbox.github.forge import Forge
from bot.sandbox.github.history import FileChange, History
from bot.sandbox.github.protection import mergeable_state
from bot.sandbox.github.records import Pull
from bot.sandbox.github.refusals import not_found

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1f2328 }
pre { background: #f6f8fa; padding: .75rem; overflow-x: auto; white-space: pre-wrap; font-size: 13px }
.state { padding: .1rem .6rem; border-radius: 1rem; background: #eaeef2 }
.note { color: #59636e } ins, del { text-decoration: none } ins { background: #dafbe1 } del { background: #ffebe9 }
"""


class Pages:
    """Read-only; anybody on this machine may look."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(r"/{owner}/{repo}/pull/{number:\d+}", self._pull),
            web.get("/{owner}/{repo}/commit/{sha}", self._commit),
            web.get("/{owner}/{repo}/compare/{basehead:.+}", self._compare),
        ]

    async def _pull(self, request: web.Request) -> web.Response:
        name = _repository(request)
        pull = self._forge.pull(name, int(request.match_info["number"]))
        history = History(self._forge.repositories, name)
        since = await history.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
        state = "merged" if pull.merged else pull.state
        sides = f"<code>{escape(pull.head)}</code> into <code>{escape(pull.base)}</code>"
        parts = [
            f'<p><span class="state">{state}</span> {escape(pull.login)} wants to merge {sides}</p>',
            f'<p class="note">{escape(self._standing(pull))}</p>',
            f"<pre>{escape(pull.body or 'No description.')}</pre>",
            *(
                f"<p>{escape(s.context)}: <b>{s.state}</b> {escape(s.description or '')}</p>"
                for s in self._forge.of(name).newest_statuses(pull.head_sha).values()
            ),
            *(f"<p>{escape(r.login)}: <b>{r.state.lower()}</b> {escape(r.body)}</p>" for r in pull.reviews),
            *(f"<p>{escape(c.login)} wrote:</p><pre>{escape(c.body)}</pre>" for c in pull.comments),
            *_diff(await history.files(since, pull.head_sha)),
        ]
        return _page(f"{pull.title} · {name} #{pull.number}", parts)

    def _standing(self, pull: Pull) -> str:
        if pull.merged:
            return f"Merged by {pull.merged_by} as {pull.merge_commit}"
        if pull.state == "closed":
            return f"Closed by {pull.closed_by}"
        return f"Mergeable: {mergeable_state(self._forge.of(pull.repository), pull)}"

    async def _commit(self, request: web.Request) -> web.Response:
        name = _repository(request)
        self._forge.of(name)
        sha = await self._forge.commit(name, request.match_info["sha"])
        history = History(self._forge.repositories, name)
        commit = await history.commit(sha)
        files = await history.files(commit.parents[0] if commit.parents else None, sha)
        by = f'<p class="note">{escape(commit.author.name)}, {commit.author.at}</p>'
        return _page(f"{name} {sha[:7]}", [by, f"<pre>{escape(commit.message)}</pre>", *_diff(files)])

    async def _compare(self, request: web.Request) -> web.Response:
        name = _repository(request)
        self._forge.of(name)
        old, _, new = request.match_info["basehead"].partition("...")
        base, head = await self._forge.commit(name, old), await self._forge.commit(name, new)
        history = History(self._forge.repositories, name)
        commits = await history.commits(base, head)
        listed = [
            f"<p><code>{commit.sha[:7]}</code> {escape(commit.message.splitlines()[0] if commit.message else '')} "
            f'<span class="note">{escape(commit.author.name)}</span></p>'
            for commit in commits
        ]
        files = await history.files(await history.merge_base(base, head) or base, head)
        return _page(f"{name} {old[:12]}...{new[:12]}", [*listed, *_diff(files)])


def _repository(request: web.Request) -> str:
    """The repository of the path. Pages need no token, so they answer to this machine's own names only."""
    if request.host.partition(":")[0] not in {"127.0.0.1", "localhost"}:
        raise not_found()
    return f"{request.match_info['owner']}/{request.match_info['repo']}"


def _diff(files: list[FileChange]) -> list[str]:
    parts = []
    for file in files:
        parts.append(f'<h3>{escape(file.path)} <span class="note">{file.status}</span></h3>')
        parts.append(f"<pre>{'<br>'.join(_line(line) for line in (file.patch or '').splitlines())}</pre>")
    return parts


def _line(line: str) -> str:
    tag = {"+": "ins", "-": "del"}.get(line[:1])
    return f"<{tag}>{escape(line)}</{tag}>" if tag else escape(line)


def _page(title: str, parts: list[str]) -> web.Response:
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    body = f"{head}<h2>{escape(title)}</h2>{''.join(parts)}</html>"
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return web.Response(text=body, content_type="text/html", headers=policy)
