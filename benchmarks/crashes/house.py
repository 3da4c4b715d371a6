"""The service on every mix of stores, each a real server, with engines behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from tests.e2e.processes import fake
from tests.servers.postgresql import postgres
from tests.servers.redis import redis_server
from tests.servers.s3 import s3_server

MODEL = "m"
_KINDS = ("ollama", "openai")
_BUCKET = "crashes"


@dataclass(frozen=True, slots=True)
class Mix:
    """Which of the parts are servers of their own."""

    postgresql: bool
    redis: bool
    s3: bool

    def __str__(self) -> str:
        database = "PostgreSQL" if self.postgresql else "SQLite"
        return f"{database}, {'Redis' if self.redis else 'memory'}, {'S3' if self.s3 else 'disk'}"


MIXES = tuple(Mix(*each) for each in product((False, True), repeat=3))


@contextmanager
def house(home: Path, mix: Mix) -> Iterator[Path]:
    """The configuration of a service on ``mix``; all that it names runs until the block ends."""
    with ExitStack() as stack:
        size = ("--slots", "4", "--model", f"{MODEL},decode=400,context=32768,resident=true")
        ports = {kind: stack.enter_context(fake("--dialect", kind, *size)).port for kind in _KINDS}
        storage: dict[str, str] = {}
        if mix.postgresql:
            storage["database"] = stack.enter_context(postgres("postgresql-newest")).new_database()
        if mix.redis:
            storage["redis"] = stack.enter_context(redis_server()).url
        if mix.s3:
            server = stack.enter_context(s3_server())
            server.make_bucket(_BUCKET)
            storage["blobs"] = server.url(_BUCKET)
        lines = ["local: false", "discovery: {mdns: false}", "nodes:"]
        lines += [
            f"  {kind}: {{address: 127.0.0.1, engines: [{{kind: {kind}, port: {port}, slots: 4}}]}}"
            for kind, port in ports.items()
        ]
        if storage:
            lines += ["storage:", *(f'  {name}: "{url}"' for name, url in storage.items())]
        config = home / "potluck.yaml"
        config.write_text("\n".join(lines) + "\n")
        yield config
