"""The database: whether it is there, and whether its schema is the one that this version needs."""

import os
from dataclasses import replace
from pathlib import Path

from sqlalchemy.exc import DBAPIError, OperationalError

from bot.checks.finding import Finding, Findings
from bot.ports_store import StoreUnavailable
from bot.store.engine import sqlite_path
from bot.store.migrate import revisions
from bot.store.revision import known
from bot.store.unavailable import DEFINITE

SUBJECT = "database"
SILENT = Finding(
    slug="database.no-answer", subject=SUBJECT, evidence="no answer in time",
    fix="Look at DATABASE_URL, and whether the database runs and can be reached from here",
)  # fmt: skip


async def check_database(url: str) -> Findings:
    """Reads one table. A file that does not exist is not made; one that a running bot uses is read beside it."""
    file = sqlite_path(url)
    name = str(file) if file is not None else "the database"
    if file is not None and (not file.exists() or (file.is_file() and not file.stat().st_size)):
        return [_to_be_made(file)]  # an empty file would be written to by the opening alone
    if file is not None and not (file.is_file() and os.access(file, os.R_OK | os.W_OK)):
        return [_unusable(f"{file}: no file that can be read and written", "Name another file in DATABASE_URL")]
    try:
        current, newest = await revisions(url)
    except (OperationalError, StoreUnavailable) as error:
        why = error.reason if isinstance(error, StoreUnavailable) else _said(error)
        return [_refused(name, why) if DEFINITE.search(why) else replace(SILENT, evidence=f"{name}: {why}")]
    except DBAPIError as error:
        return [_unusable(f"{name}: {_said(error)}", "Name another file, or restore a backup (docs/runbook.md)")]
    return [judge_schema(name, current, newest, migrates_itself=file is not None)]


def judge_schema(name: str, current: str | None, newest: str, *, migrates_itself: bool) -> Finding:
    """`migrates_itself`: `tiphys run` brings this database's schema up to date when it starts."""

    def found(slug: str, evidence: str, fix: str = "") -> Finding:
        return Finding(slug=slug, subject=SUBJECT, evidence=f"{name}: {evidence}", fix=fix)

    upgrade = "`tiphys db upgrade`"
    if current == newest:
        return found("database.current", f"schema {current}")
    if current is None and migrates_itself:
        return found("database.empty", f"nothing in it yet; `tiphys run` makes schema {newest}")
    if current is None:
        return found("database.must-upgrade", f"nothing in it yet, schema {newest} is needed", f"Run {upgrade}")
    told = f"schema {current}, this version needs {newest}"
    if current not in known():
        fix = "Run the newer Tiphys that wrote it, or restore a backup from before (docs/runbook.md)"
        return found("database.newer", f"{told} and does not know the other", fix)
    if migrates_itself:
        return found("database.old", told, f"`tiphys run` migrates it, {upgrade} does so without starting: back it up")
    return found("database.must-upgrade", told, f"Back it up and run {upgrade}")


def _to_be_made(file: Path) -> Finding:
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return _unusable(f"{file}: {folder} cannot be written", "Let Tiphys write there, or set TIPHYS_DATA")
    return Finding(slug="database.empty", subject=SUBJECT, evidence=f"{file}: nothing there yet; `tiphys run` makes it")


def _refused(name: str, why: str) -> Finding:
    fix = "Correct DATABASE_URL, or the database's users and its pg_hba.conf"
    return Finding(slug="database.refused", subject=SUBJECT, evidence=f"{name}: {why}", fix=fix)


def _unusable(evidence: str, fix: str) -> Finding:
    return Finding(slug="database.unusable", subject=SUBJECT, evidence=evidence, fix=fix)


def _said(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())[:300]
