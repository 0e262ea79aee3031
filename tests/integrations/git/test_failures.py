"""Which error each trouble with the remote becomes."""

import asyncio
import base64
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.domain.identity import Revision
from bot.integrations.git.environment import GitEnvironment, GitTimeouts
from bot.integrations.git.failures import is_damage, telling_line
from bot.integrations.git.mirror import Mirror
from bot.ports import Denied, NotFound, OutsideError, Refused, Unavailable
from tests.integrations.git.conftest import BY, NAME, TOKEN
from tests.integrations.git.faults import answering, applying_then_resetting, resetting, silent
from tests.integrations.git.forge import Fault, GitServer

HTML = answering(200, "<html>please sign in</html>", content_type="text/html")


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (answering(500), Unavailable, "500"),
        (answering(503), Unavailable, "503"),
        (answering(429), Unavailable, "429"),
        (HTML, Unavailable, "not git"),
        (resetting(), Unavailable, "unable to access"),
        (answering(404), NotFound, "does not exist or is hidden"),
        (answering(403), Denied, "refused our credentials"),
        (answering(302, Location="https://elsewhere.example.com/"), Unavailable, "302"),
        (answering(301, Location="https://elsewhere.example.com/"), Refused, "redirects"),
    ],
)
async def test_each_answer_has_its_error(
    server: GitServer, mirror: Mirror, fault: Fault, error: type[OutsideError], words: str
) -> None:
    server.commit(NAME, "main", {"f": "1"})
    await mirror.fetch()
    server.faults.append(fault)
    with pytest.raises(error, match=words) as raised:
        await mirror.fetch()
    assert type(raised.value) is error
    server.faults.clear()
    await mirror.fetch()


async def test_a_failing_upload_pack_is_unavailable(server: GitServer, mirror: Mirror) -> None:
    server.commit(NAME, "main", {"f": "1"})
    server.faults.append(answering(500, on="git-upload-pack"))
    with pytest.raises(Unavailable):
        await mirror.fetch()
    server.faults[:] = [resetting(on="/git-upload-pack")]
    with pytest.raises(Unavailable):
        await mirror.fetch()


async def test_a_bad_token_is_denied_and_never_told(server: GitServer, open_mirror: Callable[..., Mirror]) -> None:
    server.commit(NAME, "main", {"f": "1"})
    mirror = open_mirror(token="another-made-up-token")
    with pytest.raises(Denied) as raised:
        await mirror.fetch()
    assert raised.value.slug == "git-credentials-refused"
    assert "another-made-up-token" not in str(raised.value)


async def test_a_repository_that_is_not_there(server: GitServer, open_mirror: Callable[..., Mirror]) -> None:
    with pytest.raises(NotFound):
        await open_mirror(url=server.url("example/nothing")).fetch()


async def test_no_branch_is_forgotten_over_a_sign_in_page(server: GitServer, mirror: Mirror) -> None:
    tip = Revision(server.commit(NAME, "main", {"f": "1"}))
    await mirror.fetch()
    ours = await mirror.make_commit(tip, {"f": b"2"}, "m", BY)
    for text in ("", "<html>please sign in</html>", "<html>\nplease\nsign in\n</html>\n"):
        server.faults[:] = [answering(200, text, content_type="text/html")]
        for attempt in (
            mirror.fetch(), mirror.default_branch(), mirror.read_file(tip, "f"), mirror.commit(Revision("1" * 40)),
            mirror.push("b", ours, expected=None), mirror.delete_branch("b", expected=tip),
        ):  # fmt: skip
            with pytest.raises(Unavailable):
                await attempt
    assert await mirror.find_tip("main") == tip


async def test_a_sign_in_page_is_not_an_empty_repository(server: GitServer, mirror: Mirror) -> None:
    tip = server.commit(NAME, "main", {"f": "1"})
    server.faults.append(HTML)
    with pytest.raises(Unavailable):
        await mirror.find_tip("main")
    server.faults.clear()
    assert await mirror.find_tip("main") == tip


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("GH006: Protected branch update failed for refs/heads/b", "protected-branch"),
        ("GH013: Repository rule violations found for refs/heads/b", "protected-branch"),
        ("the disk is full", "git-push-refused"),
    ],
)
async def test_a_push_is_refused_with_the_servers_words(
    server: GitServer, mirror: Mirror, words: str, slug: str
) -> None:
    tip = Revision(server.commit(NAME, "main", {"f": "1"}))
    hook = server.root / f"{NAME}.git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho '{words}'\nexit 1\n")
    hook.chmod(0o755)
    ours = await mirror.make_commit(tip, {"f": b"2"}, "m", BY)
    with pytest.raises(Refused, match=rf"pre-receive hook declined.*{words}") as raised:
        await mirror.push("b", ours, expected=None)
    assert (raised.value.slug, bool(raised.value.way_out)) == (slug, slug == "protected-branch")
    server.faults.append(answering(403, on="receive-pack"))
    with pytest.raises(Denied):
        await mirror.push("b", ours, expected=None)


async def test_a_push_that_was_applied_and_never_answered_may_be_repeated(server: GitServer, mirror: Mirror) -> None:
    tip = Revision(server.commit(NAME, "main", {"f": "1"}))
    ours = await mirror.make_commit(tip, {"f": b"2"}, "m", BY)
    server.faults.append(applying_then_resetting(server, on="/git-receive-pack"))
    with pytest.raises(Unavailable):
        await mirror.push("b", ours, expected=None)
    assert server.tip(NAME, "b") == ours
    server.faults.clear()
    await mirror.push("b", ours, expected=None)


async def test_a_silent_server_times_out_and_leaves_no_process(
    server: GitServer, open_mirror: Callable[..., Mirror]
) -> None:
    server.commit(NAME, "main", {"f": "1"})
    mirror = open_mirror(timeouts=GitTimeouts(network=0.5))
    await mirror.fetch()
    server.faults.append(silent(on="info/refs"))
    before = git_processes()
    with pytest.raises(Unavailable, match=r"did not answer within 0\.5 s"):
        await mirror.fetch()
    assert git_processes() == before


async def test_git_itself_gives_up_on_a_silent_connection(
    server: GitServer, open_mirror: Callable[..., Mirror]
) -> None:
    server.commit(NAME, "main", {"f": "1"})
    server.faults.append(silent())
    with pytest.raises(Unavailable, match="too slow"):
        await open_mirror(timeouts=GitTimeouts(silent=1)).fetch()


async def test_a_cancelled_call_ends_its_processes(server: GitServer, mirror: Mirror) -> None:
    server.commit(NAME, "main", {"f": "1"})
    await mirror.fetch()
    await mirror.find_tip("main")
    before = git_processes()
    server.faults.append(silent())
    try:
        async with asyncio.timeout(0.5):
            await mirror.fetch()
    except TimeoutError:
        pass
    assert git_processes() == before
    server.faults.clear()
    await mirror.fetch()


async def test_no_git_process_shows_the_token(server: GitServer, mirror: Mirror) -> None:
    server.commit(NAME, "main", {"f": "1"})
    server.faults.append(silent())
    secrets = (TOKEN, base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode())
    async with asyncio.TaskGroup() as group:
        fetching = group.create_task(swallow(mirror))
        await server.asked.wait()
        shown = [line for pid in git_processes() for line in [Path(f"/proc/{pid}/cmdline").read_bytes().decode()]]
        fetching.cancel()
    assert any("remote-http" in line for line in shown)
    assert not [line for line in shown if any(secret in line for secret in secrets)]


async def swallow(mirror: Mirror) -> None:
    await mirror.fetch()


def git_processes() -> set[int]:
    """Living git processes below this one, by their parents."""
    parents: dict[int, tuple[int, str]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                head, _, rest = (folder / "stat").read_text().rpartition(")")
            except OSError:
                continue
            state, parent = rest.split()[:2]
            if state != "Z":
                parents[int(folder.name)] = (int(parent), head.partition("(")[2])
    below = {os.getpid()}
    grew = True
    while grew:
        more = {pid for pid, (parent, _) in parents.items() if parent in below} - below
        below |= more
        grew = bool(more)
    return {pid for pid in below if pid in parents and parents[pid][1].startswith("git")}


@pytest.mark.parametrize(
    "url",
    ["ssh://git@example.com/x.git", "--upload-pack=touch x", "file:///x", "ext::sh -c x", "https://u:p@example.com/x",
     "https://example.com/a b", 'https://example.com/"', "/srv/x.git", "https:///x"],
)  # fmt: skip
def test_only_plain_web_addresses_are_remotes(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValueError, match="Git remote"):
        GitEnvironment(tmp_path, url, GitTimeouts())


def test_the_environment_inherits_nothing_that_steers_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_SSH_COMMAND", "GIT_PROXY_COMMAND", "GIT_TRACE_CURL", "GIT_INDEX_FILE", "SSH_ASKPASS"):
        monkeypatch.setenv(name, "x")
    made = GitEnvironment(tmp_path, "https://example.com/a/b.git", GitTimeouts())
    assert not {"GIT_SSH_COMMAND", "GIT_PROXY_COMMAND", "GIT_TRACE_CURL", "GIT_INDEX_FILE", "SSH_ASKPASS"} & {
        *made.network("s3cret"), *made.local,
    }  # fmt: skip
    assert made.network("s3cret")["GIT_ALLOW_PROTOCOL"] == "https"
    assert made.local["GIT_ALLOW_PROTOCOL"] == "none"
    assert "http.https://example.com/a/b.git.extraHeader" in made.network("s3cret").values()
    assert not any("extraHeader" in value for value in made.local.values())


def test_what_is_told_is_redacted(tmp_path: Path) -> None:
    made = GitEnvironment(tmp_path, "https://example.com/a/b.git", GitTimeouts())
    made.network("s3cret")
    basic = base64.b64encode(b"x-access-token:s3cret").decode()
    told = made.redact(f"s3cret {basic} Authorization: Basic abc https://me:pw@example.com/x")
    assert told == "*** *** Authorization: *** https://***@example.com/x"


def test_the_telling_line_is_one_bounded_line() -> None:
    said = "warning: x\nremote: Counting\r\nfatal: unable to \x1b[31maccess\nhint: try"
    assert telling_line(said, "?") == "unable to  [31maccess"
    assert telling_line("", "git ended with 7") == "git ended with 7"
    assert len(telling_line("fatal: " + "x" * 999, "?")) == 300


def test_the_remotes_own_damage_is_not_ours() -> None:
    assert is_damage("error: object file objects/ab/cd is empty\n")
    assert not is_damage("remote: error: object file objects/ab/cd is empty\n")
