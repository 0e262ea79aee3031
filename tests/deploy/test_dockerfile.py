"""The image as its instructions say it: pinned, bare of tools, for a user without rights, and made of what there is."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bot.settings import Settings, read_settings
from tests.deploy.dockerfile import DOCKERFILE, ROOT, in_context, stages, under_init

BUILD, IMAGE = stages()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def packages_in(lock: str) -> dict[str, set[str]]:
    """Each `name==version` of a lock file with its hashes."""
    blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text("utf-8").strip())
    return {block.split()[0]: set(re.findall(r"--hash=(\S+)", block)) for block in blocks}


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_base_is_pinned_by_version_and_is_what_the_tests_run_on() -> None:
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=")
    for stage in (BUILD, IMAGE):
        assert re.fullmatch(rf"python:{re.escape(oldest)}\.\d+-slim-[a-z]+", stage.image)


def test_what_is_copied_is_there_and_reaches_the_builder() -> None:
    for copy in BUILD.all("COPY"):
        for name in copy.paths[:-1]:
            source = ROOT / name
            files = [source] if source.is_file() else [path for path in source.rglob("*") if path.is_file()]
            assert files, name
            hidden = [path for path in files if not in_context(path) and "__pycache__" not in path.parts]
            assert hidden == []


@pytest.mark.parametrize(
    "name", [".env", ".git/config", "tests/conftest.py", "deploy/secrets/github-token", "tiphys.db"]
)
def test_nothing_else_reaches_the_builder(name: str) -> None:
    assert not in_context(ROOT / name)
    assert not in_context(ROOT / "bot/__pycache__/cli.cpython-311.pyc")


def test_the_version_is_the_projects() -> None:
    assert IMAGE.last("LABEL").pairs["org.opencontainers.image.version"] == PROJECT["project"]["version"]


def test_everything_is_installed_by_hash() -> None:
    installs = re.findall(r"pip (?:--python \S+ )?install [^&]*", " ".join(run.text for run in BUILD.all("RUN")))
    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes --only-binary :all:" in install or "--no-index --no-deps" in install
        assert not re.search(r"https?://|--(extra-)?index-url|--trusted-host", install)


def test_the_lock_of_the_build_is_the_build_backend_and_what_it_needs() -> None:
    build, tested = packages_in("requirements-build.lock"), packages_in("requirements-dev.lock")
    assert set(PROJECT["build-system"]["requires"]) <= set(build)
    assert {name: tested.get(name) for name in build} == build
    assert all(build.values())


def test_it_runs_as_a_user_without_rights_and_writes_to_one_folder() -> None:
    user = IMAGE.last("USER").text
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    data = IMAGE.environment["TIPHYS_DATA"]
    assert IMAGE.last("VOLUME").exec_form == [data]
    number = user.partition(":")[0]
    assert f"install --directory --owner {number} --group {number} --mode 0700 {data}" in IMAGE.last("RUN").text


def test_its_variables_are_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    variables = {name: value for name, value in IMAGE.environment.items() if name.startswith("TIPHYS_")}
    assert {name.lower() for name in variables} <= set(Settings.model_fields)
    for name, value in {**variables, "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}.items():
        monkeypatch.setenv(name, value)
    assert str(read_settings().listen.port) == IMAGE.last("EXPOSE").text


def test_process_1_takes_in_what_others_left() -> None:
    """Python as process 1 would not: see `bot.integrations.git.process.end_group`."""
    init, _ = under_init(IMAGE)
    assert init == ["tini", "-s"]
    [packages] = re.findall(r"apt-get install --yes --no-install-recommends ([^&]+)", IMAGE.last("RUN").text)
    assert init[0] in packages.split()


def test_it_starts_the_command_line() -> None:
    _, command = under_init(IMAGE)
    assert command == list(PROJECT["project"]["scripts"])
    assert IMAGE.last("CMD").exec_form == ["run"]
