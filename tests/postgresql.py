"""A real PostgreSQL for the tests: a cluster in a temporary folder, reached by a socket there, and databases in it."""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

USER = "postgres"
START_SECONDS = 60.0
SETTINGS = {
    "listen_addresses": "", "fsync": "off", "full_page_writes": "off", "shared_buffers": "16MB",
    "max_connections": "200", "autovacuum": "off", "log_min_messages": "fatal",
}  # fmt: skip


def find_programs() -> Path | None:
    """Where Debian keeps the server's programs; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def need_programs(environ: Mapping[str, str] = os.environ) -> Path:
    """Skips the test where there are none; under CI that is a failure."""
    found = find_programs()
    if found is None:
        missing = "PostgreSQL is not installed (Debian: postgresql)"
        if environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


class Cluster:
    """One server. `start` and `stop` may be repeated; what is in it stays until `close`."""

    def __init__(self, programs: Path, settings: Mapping[str, str] | None = None) -> None:
        self._programs, self._settings = programs, {**SETTINGS, **(settings or {})}
        self.folder = Path(tempfile.mkdtemp(prefix="tiphys-postgresql-"))
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # it refuses to run as root
            account = pwd.getpwnam(USER)
            shutil.chown(self.folder, account.pw_uid, account.pw_gid)
            self._as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self._server: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._run(
            "initdb", "--pgdata", str(self.folder / "data"), "--username", USER, "--auth", "trust", "--no-sync",
            "--encoding", "UTF8", "--locale", "C",
        )  # fmt: skip

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}"

    def start(self) -> None:
        """Return when it answers."""
        if self._server is not None:
            return
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(self._programs / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder), *options]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, **self._as)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._server.poll() is not None:
                    raise AssertionError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()}") from None
                time.sleep(0.01)
            else:
                return

    def stop(self) -> None:
        """Every connection is dropped at once, as when the machine's service is restarted."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(START_SECONDS)
            self._server = None

    @contextmanager
    def in_recovery(self) -> Iterator[None]:
        """It follows another server meanwhile, as one that was primary does after a failover: it answers, and refuses
        to write. Its connections are dropped before; those that are made meanwhile stay when it is promoted again."""
        self.stop()
        (self.folder / "data" / "standby.signal").touch()
        self.start()
        try:
            yield
        finally:
            self.execute("SELECT pg_promote()")

    def freeze(self) -> None:
        """It neither answers nor goes away, as behind a network that swallows everything."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def close(self) -> None:
        self.thaw()
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def create(self, *, template: str | None = None) -> str:
        """A new database; answers its name."""
        name = f"tiphys_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        return name

    def drop(self, database: str) -> None:
        self.execute(f"DROP DATABASE {database} WITH (FORCE)")

    def drop_connections(self, database: str) -> None:
        """End every connection to that database, as a failing network or a proxy would."""
        self.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", database)

    def execute(self, statement: str, *values: str) -> None:
        with psycopg.connect(host=str(self.folder), user=USER, dbname="postgres", autocommit=True) as connection:
            connection.execute(statement.encode(), values or None)

    def _signal_all(self, number: signal.Signals) -> None:
        """The server and its children, one for each connection."""
        if self._server is not None:
            for pid in (self._server.pid, *_children(self._server.pid)):
                with suppress(ProcessLookupError):  # a child whose client has just gone
                    os.kill(pid, number)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, **self._as)
        assert done.returncode == 0, done.stderr


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            pid, _, rest = entry.read_text().partition(" ")
            if int(rest.rpartition(")")[2].split()[1]) == parent:
                found.append(int(pid))
    return found
