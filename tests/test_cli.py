"""The console script as people start it: a process of its own, in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from bot.config.schema import schema

ROOT = Path(__file__).parents[1]
TIPHYS = Path(sys.executable).parent / "tiphys"
GOOD = {
    "SLACK_BOT_TOKEN": "xoxb-hidden-1",
    "SLACK_APP_TOKEN": "xapp-hidden-2",
    "GITHUB_TOKEN": "hidden-3",
    "ARGOCD_AUTH_TOKEN": "hidden-4",
}


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


class Shell:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def tiphys(self, *arguments: str, env: Mapping[str, str] = GOOD) -> Ran:
        done = subprocess.run(
            [TIPHYS, *arguments],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "hidden" not in done.stdout + done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def example(shell: Shell) -> Shell:
    shell.write("tiphys.yaml", (ROOT / "deploy/examples/tiphys.yaml").read_text())
    return shell


def test_check_is_content_with_what_is_right(example: Shell) -> None:
    ran = example.tiphys("check")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "The settings and tiphys.yaml are valid: applications 1, stages 3.\n"


def test_check_tells_every_problem_with_its_place_reason_and_fix(example: Shell) -> None:
    text = (example.folder / "tiphys.yaml").read_text()
    example.write("tiphys.yaml", text.replace("from: staging", "from: stagin").replace("prune", "purne"))
    ran = example.tiphys("check", env={**GOOD, "TIPHYS_LISTEN": "x", "GITHUB_TOKEN": ""})
    assert ran.code == 1
    for words in (
        "environment: TIPHYS_LISTEN\n  reason: `x` is not a host and a port\n  fix:    Write it like",
        "tiphys.yaml:19: repositories.shop.token.env\n  reason: the environment variable `GITHUB_TOKEN` is not set\n",
        "tiphys.yaml:44: applications.shop.stages.production.from\n  reason: `stagin` is no stage of this ",
        "  fix:    Did you mean `staging`?\n",
        "3 problems\n",
    ):
        assert words in ran.out


def test_check_as_json(example: Shell) -> None:
    ran = example.tiphys("check", "--json")
    assert (ran.code, json.loads(ran.out)) == (0, {"findings": [], "errors": 0, "warnings": 0})
    text = (example.folder / "tiphys.yaml").read_text()
    example.write("tiphys.yaml", text.replace("from: staging", "from: stagin"))
    ran = example.tiphys("check", "--json")
    told = json.loads(ran.out)
    assert (ran.code, told["errors"]) == (1, 1)
    [finding] = told["findings"]
    assert (finding["severity"], finding["file"], finding["line"]) == ("error", "tiphys.yaml", 44)
    assert finding["subject"] == finding["path"] == "applications.shop.stages.production.from"


def test_check_asks_nobody_with_settings_that_are_wrong(example: Shell) -> None:
    ran = example.tiphys("check", "--online", env={**GOOD, "SLACK_BOT_TOKEN": ""})
    assert ran.code == 1
    assert "environment: SLACK_BOT_TOKEN\n  reason: " in ran.out
    assert ran.out.endswith("Nothing was asked online: the settings must be valid first.\nerrors 1, warnings 0\n")


def test_check_has_no_explanation_in_json(example: Shell) -> None:
    assert example.tiphys("check", "--json", "--explain").code == 2


def test_check_warns_of_what_the_policy_says_in_vain(example: Shell) -> None:
    text = (example.folder / "tiphys.yaml").read_text()
    example.write("tiphys.yaml", text.replace("    g, U0DEV1, role:developer\n", ""))
    ran = example.tiphys("check")
    assert ran.code == 0
    assert "warning: permissions.policy, line 1: nobody has `role:developer`" in ran.out


def test_check_of_another_file(example: Shell) -> None:
    (example.folder / "tiphys.yaml").rename(example.folder / "other.yaml")
    ran = example.tiphys("check")
    assert ran.code == 1
    assert "tiphys.yaml\n  reason: the file cannot be read: No such file or directory" in ran.out
    assert example.tiphys("check", "--config", "other.yaml").code == 0
    assert example.tiphys("check", env={**GOOD, "TIPHYS_CONFIG": "other.yaml"}).code == 0


def test_check_explains(example: Shell) -> None:
    ran = example.tiphys("check", "--explain", env={**GOOD, "ARGOCD_SERVER": "https://wins.example.com"})
    assert ran.code == 0
    lines = dict(line.split("# ") for line in ran.out.splitlines() if "# " in line)
    explained = {key.strip(): origin for key, origin in lines.items()}
    assert explained["TIPHYS_LISTEN = 127.0.0.1:8080"] == "built in"
    assert explained["SLACK_BOT_TOKEN = set, not shown"] == "environment variable SLACK_BOT_TOKEN"
    assert explained["argocd.main.server = https://wins.example.com"] == (
        "environment variable ARGOCD_SERVER, wins over tiphys.yaml:16 (argocd.main.server)"
    )
    assert explained["applications.shop.stages.staging.soak = 1m"] == "tiphys.yaml:27 (environments.staging.soak)"


def test_of_the_contract_only_the_key_is_not_here(shell: Shell) -> None:
    shell.write("tiphys.yaml", (ROOT / "tests/samples/config/contract.yaml").read_text())
    ran = shell.tiphys("check")
    assert ran.code == 1
    assert "not supported yet" not in ran.out
    assert "`/run/secrets/github-app.pem` cannot be read" in ran.out
    assert ran.out.endswith("1 problem\n")


def test_run_refuses_bad_settings_in_words(shell: Shell) -> None:
    ran = shell.tiphys("run", env={"DATABASE_URL": "mysql://u:hidden@h/d"})
    assert ran.code == 1
    for words in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "`mysql` is no database that Tiphys knows"):
        assert words in ran.err
    assert "Traceback" not in ran.err


def test_run_refuses_a_bad_file_in_words(example: Shell) -> None:
    example.write("tiphys.yaml", "version: 2\n")
    ran = example.tiphys("run")
    assert ran.code == 1
    assert "tiphys.yaml:1: version\n" in ran.err
    assert "Traceback" not in ran.err


def test_a_signal_ends_a_run_that_has_hardly_begun(example: Shell) -> None:
    """Before the bot listens itself: it is held at the file of a secret."""
    file = example.folder / "token"
    os.mkfifo(file)
    variables = {**GOOD, "SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKEN_FILE": str(file)}
    process = subprocess.Popen([TIPHYS, "run"], cwd=example.folder, env={"PATH": "/usr/bin:/bin", **variables})
    writing = None
    try:
        while writing is None:
            assert process.poll() is None
            with suppress(OSError):  # until somebody reads it
                writing = os.open(file, os.O_WRONLY | os.O_NONBLOCK)
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        if writing is not None:
            os.close(writing)


def test_schema(shell: Shell) -> None:
    ran = shell.tiphys("schema", env={})
    assert ran.code == 0
    assert json.loads(ran.out) == schema()


def test_db_upgrade_needs_the_database_alone_and_may_be_repeated(shell: Shell) -> None:
    first = shell.tiphys("db", "upgrade", env={"TIPHYS_DATA": "data"})
    assert first.code == 0, first.err
    assert "schema empty → " in first.out
    assert (shell.folder / "data/tiphys.db").is_file()
    assert "is up to date" in shell.tiphys("db", "upgrade", env={"TIPHYS_DATA": "data"}).out


def test_the_manifest_follows_the_file(example: Shell) -> None:
    every = yaml.safe_load(example.tiphys("manifest", env={}).out)
    text = (example.folder / "tiphys.yaml").read_text()
    example.write("umbrella.yaml", text.replace("commands: all", "commands: umbrella"))
    one = yaml.safe_load(example.tiphys("manifest", "--config", "umbrella.yaml", env={}).out)
    assert len(every["features"]["slash_commands"]) > 1
    assert [command["command"] for command in one["features"]["slash_commands"]] == ["/gitops"]


def test_the_manifest_for_http_needs_an_address(shell: Shell) -> None:
    ran = shell.tiphys("manifest", "--mode", "http", env={})
    assert ran.code == 2
    assert "--url" in ran.err
    assert shell.tiphys("manifest", "--mode", "http", "--url", "https://tiphys.example.com", env={}).code == 0


def test_several_bots_need_a_database_that_they_share(shell: Shell) -> None:
    ran = shell.tiphys("sandbox", "--replicas", "2", env={})
    assert ran.code == 1
    assert "need a PostgreSQL --database" in ran.err


def test_a_sandbox_without_its_database_says_so(shell: Shell) -> None:
    url = f"postgresql://u:hidden@/d?host={shell.folder}"
    ran = shell.tiphys("sandbox", "--port", "0", "--database", url, env={})
    assert ran.code == 1
    assert "The sandbox cannot start: the database gives no answer: " in ran.err
    assert "hidden" not in ran.err


@pytest.mark.postgresql
def test_an_empty_postgresql_is_refused_until_it_is_migrated(example: Shell, empty_postgresql: str) -> None:
    env = {
        **GOOD,
        "TIPHYS_LISTEN": "127.0.0.1:0",
        "DATABASE_URL": empty_postgresql.replace("+psycopg", "").replace("@", ":hidden@"),
    }
    ran = example.tiphys("run", env=env)
    assert ran.code == 1
    assert "the database is empty: run `tiphys db upgrade` once" in ran.err
    first = example.tiphys("db", "upgrade", env={"DATABASE_URL": env["DATABASE_URL"]})
    assert (first.code, first.err) == (0, "")
    assert ": schema empty → " in first.out
    assert "hidden" not in first.out
    assert "is up to date" in example.tiphys("db", "upgrade", env={"DATABASE_URL": env["DATABASE_URL"]}).out


@pytest.mark.postgresql
def test_a_database_that_refuses_us_is_not_waited_for(example: Shell, empty_postgresql: str) -> None:
    url = empty_postgresql.replace("postgres@/", "stranger:hidden@/")
    ran = example.tiphys("run", env={**GOOD, "TIPHYS_LISTEN": "127.0.0.1:0", "DATABASE_URL": url})
    assert ran.code == 1
    assert 'role "stranger" does not exist' in ran.err
    assert "Correct DATABASE_URL" in ran.err


def test_the_environment_of_no_sandbox(shell: Shell) -> None:
    ran = shell.tiphys("sandbox", "env", "--home", "nowhere", env={})
    assert ran.code == 1
    assert "nowhere" in ran.err
    assert not (shell.folder / "nowhere").exists()


def test_what_nobody_expected_is_one_line(shell: Shell) -> None:
    shell.write("data", "a file where a folder should be")
    ran = shell.tiphys("db", "upgrade", env={"TIPHYS_DATA": "data"})
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("tiphys: ")
    assert ran.err.count("\n") == 1
    shown = shell.tiphys("db", "upgrade", env={"TIPHYS_DATA": "data", "TIPHYS_LOG": "debug"})
    assert "Traceback" in shown.err


def test_wrong_usage(shell: Shell) -> None:
    ran = shell.tiphys("chek", env={})
    assert ran.code == 2
    assert "Traceback" not in ran.err


def test_version(shell: Shell) -> None:
    assert shell.tiphys("--version", env={}).out.startswith("tiphys 0.")
