"""The runbook and the page about security tell of every state, gate, right and scope, and of logs that exist."""

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.domain.lifecycle import State
from bot.domain.policy import ACTIONS
from bot.gates import BEFORE_MERGE, BEFORE_SYNC
from bot.integrations.argocd import support
from bot.slack.manifest import SCOPES
from bot.store.migrate import upgrade
from bot.store.tables import audit_entries
from bot.web import bodies, slack_events

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "docs/runbook.md").read_text("utf-8")
SECURITY = (ROOT / "docs/security.md").read_text("utf-8")
IMAGES_FOLDER = "/var/lib/tiphys"
GETTING_STARTED = (ROOT / "docs/getting-started.md").read_text("utf-8")


def first_cells(page: str, heading: str) -> list[str]:
    """All that the first cells of the table below a heading name."""
    below = re.split(rf"^#+ {re.escape(heading)}$", page, flags=re.MULTILINE)[1]
    text = re.split(r"^#+ ", below, flags=re.MULTILINE)[0]
    return [
        name for cell in re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE) for name in re.findall("`(.*?)`", cell)
    ]


def test_every_state_is_told() -> None:
    assert first_cells(RUNBOOK, "States and what to do in each") == [state.value for state in State]


def test_every_gate_is_told() -> None:
    gates = {module.__name__.rpartition(".")[2] for module in (*BEFORE_MERGE, *BEFORE_SYNC)}
    assert sorted(first_cells(RUNBOOK, "Gates")) == sorted(gates)


@pytest.mark.parametrize("event", first_cells(RUNBOOK, "Logs"))
def test_every_log_that_is_told_is_written(event: str) -> None:
    """`….crashed` stands for all that end so."""
    quoted = f'{event.removeprefix("…")}"' if event.startswith("…") else f'"{event}"'
    assert any(quoted in path.read_text("utf-8") for path in (ROOT / "bot").rglob("*.py"))


def test_every_column_of_the_audit_is_told() -> None:
    assert sorted(first_cells(RUNBOOK, "The audit")) == sorted(column.name for column in audit_entries.columns)


def test_the_backup_of_a_pod_is_whole_while_somebody_writes(tmp_path: Path) -> None:
    [written] = re.findall(r'-- python -c "(.*?)"$', RUNBOOK, re.DOTALL | re.MULTILINE)
    program = written.replace(IMAGES_FOLDER, str(tmp_path))
    assert program.count(str(tmp_path)) == written.count("sqlite3.connect") == 2
    with closing(sqlite3.connect(tmp_path / "tiphys.db")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE changes (number INTEGER)")
        database.execute("INSERT INTO changes VALUES (42)")
        database.commit()  # into the WAL, which a copied file would lack
        database.execute("INSERT INTO changes VALUES (43)")
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    with closing(sqlite3.connect(tmp_path / "backup.db")) as backup:
        assert backup.execute("SELECT number FROM changes").fetchall() == [(42,)]


async def test_the_queries_of_the_audit_run(tmp_path: Path) -> None:
    queries = re.findall(r'sqlite3 -readonly \S+ "\n(.*?)"\n```', RUNBOOK, re.DOTALL)
    assert len(queries) == 2
    file = tmp_path / "tiphys.db"
    await upgrade(f"sqlite+aiosqlite:///{file}")
    database = sqlite3.connect(file)
    try:
        for query in queries:
            assert database.execute(query).fetchall() == []
    finally:
        database.close()


def test_every_action_of_the_policy_is_told() -> None:
    rights = [f"{resource}, {action}" for resource, actions in ACTIONS.items() for action in actions]
    assert first_cells(SECURITY, "Authorization") == rights


def test_every_scope_is_told_with_its_reason() -> None:
    for scope, reason in SCOPES.items():
        assert f"| `{scope}` | {reason} |" in SECURITY
        assert f"| `{scope}` | {reason} |" in GETTING_STARTED
    assert sorted(first_cells(SECURITY, "Slack")) == sorted(SCOPES)
    assert first_cells(GETTING_STARTED, "2. The Slack app") == sorted(SCOPES)


def test_argocd_is_asked_for_the_same_rights_on_both_pages() -> None:
    by_security = set(re.findall(r"^ *(p, tiphys, .*)$", SECURITY, re.MULTILINE))
    started = {line.replace("shop", "<project>") for line in re.findall(r"^ *(p, tiphys, .*)$", GETTING_STARTED, re.M)}
    assert started == {line for line in by_security if "override" not in line}


def test_every_refusal_over_http_is_told() -> None:
    source = "".join(Path(module.__file__ or "").read_text("utf-8") for module in (slack_events, bodies))
    told = SECURITY.split("### What Slack sends over HTTP")[1].split("\n## ")[0]
    statuses = set(re.findall(r"^\| .* \| (\d{3})", told, re.MULTILINE))
    assert statuses == {*re.findall(r"Refused\((\d{3})", source), "405"}


def test_every_shape_that_is_refused_is_told() -> None:
    page = (ROOT / "docs/configuration.md").read_text("utf-8")
    told = re.findall(r"`([a-z-]+)`", "".join(re.findall(r"^\| (`.*?`) \|", support.__doc__ or "", re.MULTILINE)))
    assert sorted(first_cells(page, "Applications that are refused")) == sorted(told)
