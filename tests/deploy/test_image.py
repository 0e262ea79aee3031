"""The image's install steps, taken from the Dockerfile, in an empty folder: what they make starts there as the image's
user with code that nobody may write, answers, and ends.

What only a container engine can do is left out and told of in docs/deploying.md: the base image, Debian's packages
(process 1 among them), the read-only root. The folder stands in for `/`, so absolute paths are moved into it.
"""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bot.sandbox.feed import Feed
from bot.sandbox.seeded import TOKENS
from bot.sandbox.slack.service import SlackService
from bot.sandbox.traffic import Traffic
from tests.deploy.dockerfile import ROOT, in_context, stages, under_init
from tests.desk import ENVIRON, MANIFEST, TIPHYS_YAML, served

BUILD, IMAGE = stages()
START_SECONDS = 60


class Root:
    """A folder in place of `/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def moved(self, text: str) -> str:
        return re.sub(r"(?<![\w/.}])/(?=opt/|src\b|var/lib/|etc/)", f"{self.folder}/", text)

    def path(self, absolute: str) -> Path:
        return self.folder / absolute.lstrip("/")

    def build(self) -> None:
        """Every instruction of the stage that builds, in order."""
        variables, at = {**os.environ, "PATH": self._tools()}, self.folder
        for name in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"):
            variables.pop(name, None)
        for instruction in BUILD.instructions:
            match instruction.word:
                case "ENV":
                    variables |= instruction.pairs
                case "WORKDIR":
                    at = self.path(instruction.text)
                    at.mkdir(parents=True)
                case "COPY":
                    *sources, target = instruction.paths
                    for source in sources:
                        copy(ROOT / source, at / target if (ROOT / source).is_dir() else at / source)
                case "RUN":
                    command = ["sh", "-ec", self.moved(instruction.text)]
                    done = subprocess.run(command, cwd=at, env=variables, capture_output=True, text=True, check=False)
                    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
                case other:
                    raise AssertionError(f"{other} is not known here")

    def _tools(self) -> str:
        """The base image's `python`."""
        tools = self.folder / "tools"
        tools.mkdir()
        (tools / "python").symlink_to(interpreter())
        return f"{tools}:{os.environ['PATH']}"

    def environment(self) -> dict[str, str]:
        """The image's own."""
        found = {name: self.moved(value) for name, value in IMAGE.environment.items()}
        return found | {"PATH": found["PATH"].replace("${PATH}", "/usr/local/bin:/usr/bin:/bin")}


def interpreter() -> Path:
    """A Python that every user may start: the one that this one was made of, or the machine's."""
    own = Path(sys.executable).resolve()
    for path in (own, Path("/usr/local/bin/python3"), Path("/usr/bin/python3")):
        if path.is_file() and all(place.stat().st_mode & 0o001 for place in (path, *path.resolve().parents)):
            return path
    raise AssertionError(f"{own} cannot be started by every user, and the machine has no other Python")


def copy(source: Path, target: Path) -> None:
    """As far as `.dockerignore` lets it through."""
    for path in [source] if source.is_file() else sorted(source.rglob("*")):
        if path.is_file() and in_context(path):
            place = target / path.relative_to(source) if source.is_dir() else target
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)


def read_only(folder: Path) -> None:
    subprocess.run(["chmod", "-R", "a-w,a+rX", str(folder)], check=True)


@pytest.fixture(scope="module")
def root() -> Iterator[Root]:
    """Built once; outside pytest's own folders, into which another user may not look."""
    folder = Path(tempfile.mkdtemp(prefix="tiphys-image-"))
    folder.chmod(0o755)
    try:
        made = Root(folder)
        made.build()
        yield made
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)
        shutil.rmtree(folder)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_what_is_left_to_an_engine_is_debians_packages_and_the_user() -> None:
    [run] = IMAGE.all("RUN")
    assert run.text.startswith("apt-get update ")
    [taken] = IMAGE.all("COPY")
    assert taken.options == {"from": "build"}
    source, target = taken.paths
    assert source == target, "an environment of Python's cannot be moved"


@pytest.mark.long
def test_it_has_what_the_lock_says_and_no_tools(root: Root) -> None:
    places = list(root.path(IMAGE.all("COPY")[0].paths[0]).glob("lib/python*/site-packages"))
    found = {
        re.sub(r"[-_.]+", "-", path.name.split("-")[0]).lower()
        for place in places
        for path in place.glob("*.dist-info")
    }
    locked = set(re.findall(r"^([a-z0-9][\w.-]*)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    assert "tiphys" in found
    assert found - {"tiphys"} <= locked
    assert not {"pip", "setuptools", "hatchling", "pytest"} & found


@pytest.mark.long
async def test_it_starts_there_as_its_user_and_answers(root: Root) -> None:
    code, data = root.path("/opt"), root.path(IMAGE.environment["TIPHYS_DATA"])
    config = Path(root.environment()["TIPHYS_CONFIG"])
    user, group = (int(number) for number in IMAGE.last("USER").text.split(":"))
    for folder in (data, config.parent):
        folder.mkdir(parents=True)
    config.write_text(TIPHYS_YAML)
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(data, user, group)
    read_only(code)
    read_only(config.parent)
    before = files(code)
    slack = SlackService(Traffic(), Feed())
    slack.install(MANIFEST)
    async with served(slack.app()) as address:
        slack.base_url = address
        environment = root.environment() | ENVIRON | {
            "SLACK_BOT_TOKEN": TOKENS.slack_bot, "SLACK_APP_TOKEN": TOKENS.slack_app,
            "SLACK_API_URL": f"{address}/api/", "TIPHYS_LISTEN": f"127.0.0.1:{free_port()}",
        }  # fmt: skip
        command = [*under_init(IMAGE)[1], *IMAGE.last("CMD").exec_form]
        command[0] = shutil.which(command[0], path=environment["PATH"]) or command[0]
        assert Path(command[0]).is_relative_to(code)
        process = await asyncio.create_subprocess_exec(
            *command, cwd=root.path(IMAGE.last("WORKDIR").text), env=environment, stdout=PIPE, stderr=PIPE,
            user=user if is_root else None, group=group if is_root else None, extra_groups=() if is_root else None,
        )  # fmt: skip
        try:
            assert await ready(f"http://{environment['TIPHYS_LISTEN']}", process), (await process.communicate())[1]
            assert await is_healthy(environment)
            process.terminate()
            assert await process.wait() == 0
            assert not await is_healthy(environment)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            await slack.close()
    assert (data / "tiphys.db").stat().st_uid == (user if is_root else os.geteuid())
    assert files(code) == before


async def is_healthy(environment: dict[str, str]) -> bool:
    """What the image's own health check says."""
    command: list[str] = json.loads(IMAGE.last("HEALTHCHECK").text.partition("CMD ")[2])
    command[0] = shutil.which(command[0], path=environment["PATH"]) or command[0]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=PIPE)
    await process.communicate()
    return process.returncode == 0


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def ready(address: str, process: asyncio.subprocess.Process) -> bool:
    """Whether it says so before it ends or patience does."""
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client, asyncio.timeout(START_SECONDS):
        while process.returncode is None:
            try:
                if (await client.get("/readyz")).status_code == 200:
                    return True
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
    return False
