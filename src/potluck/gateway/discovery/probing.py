"""Asks a stranger who it is: within a few seconds, a few hundred kilobytes, and without showing it any key."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

import msgspec

from potluck.backends.engine_settings import EngineSettings
from potluck.backends.port import Address, EngineHttp, HttpReply, HttpStream, Report
from potluck.backends.table import BACKENDS
from potluck.core import proving
from potluck.core.discovery import AGENT, MOST_MODELS, Sighting, fingerprint, plain
from potluck.core.errors import NodeError, NotImplementedHere, PotluckError
from potluck.core.model import EngineKind
from potluck.wire.agent import read_reading

# On one's own network a machine answers a knock within milliseconds; one that sleeps on Wi-Fi within some hundred.
KNOCK_S: Final = 0.5
# All questions to one server together. Who is slower is found by the next look, or named in the file.
ANSWER_S: Final = 3.0
# A list of a thousand models; whoever sends more is not listened to.
LONGEST_BYTES: Final = 512 * 1024
# A household router counts connections; this many at once and in a second do not trouble the least of them.
AT_ONCE: Final = 64
A_SECOND: Final = 256

_WANTS_KEY: Final = "The agent's key is needed."


class _Who(msgspec.Struct):
    """`/identity` of an agent, or its refusal."""

    machine: str = ""
    host: str = ""
    proof: str = ""
    error: str = ""


class _Brief:
    """`EngineHttp` for a stranger: it is asked what is there, and nothing is sent to it."""

    def __init__(self, http: EngineHttp) -> None:
        self._http = http

    async def request(self, method: str, path: str, body: bytes | None = None, *, timeout_s: float = 10.0) -> HttpReply:
        if method != "GET":  # Ollama's show: what the list says is enough here
            return HttpReply(404, b"")
        return await self._http.request(method, path, timeout_s=min(timeout_s, ANSWER_S))

    def stream(
        self, method: str, path: str, body: bytes | AsyncIterator[bytes] | None = None
    ) -> AbstractAsyncContextManager[HttpStream]:
        raise NotImplementedHere("A stranger is not asked for a stream.")


class Prober:
    """Looks at single ports. ``http`` speaks to an address with a limit on what it reads, ``agent_key`` is the house's.

    ``nonce`` makes a new one each time.
    """

    def __init__(self, http: Callable[[Address], EngineHttp], agent_key: str, nonce: Callable[[], str]) -> None:
        self._http = http
        self._agent_key = agent_key
        self._nonce = nonce

    async def knock(self, host: str, port: int) -> bool:
        """Whether something listens there."""
        try:
            async with asyncio.timeout(KNOCK_S):
                _, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True

    async def look(self, host: str, port: int, kind: str) -> Sighting | None:
        """What listens there, if it is of that kind."""
        if not await self.knock(host, port):
            return None
        try:
            async with asyncio.timeout(ANSWER_S):
                return await (self._agent(host, port) if kind == AGENT else self._engine(host, port, EngineKind(kind)))
        except (PotluckError, TimeoutError):
            return None

    async def look_all(self, targets: Iterable[tuple[str, int, str]]) -> list[Sighting]:
        """Look at many, so many at once and so many in a second."""
        rest = iter(targets)
        found: list[Sighting] = []

        async def worker() -> None:
            for host, port, kind in rest:
                seen, _ = await asyncio.gather(self.look(host, port, kind), asyncio.sleep(AT_ONCE / A_SECOND))
                if seen is not None:
                    found.append(seen)

        async with asyncio.TaskGroup() as workers:
            for _ in range(AT_ONCE):
                workers.create_task(worker())
        return found

    async def _engine(self, host: str, port: int, kind: EngineKind) -> Sighting:
        address = Address(host, port)
        made, http = BACKENDS[kind](EngineSettings(address)), _Brief(self._http(address))
        report: Report = await (made.images.glance(http) if made.images is not None else made.backend.probe(http))
        models = report.models[:MOST_MODELS]
        return Sighting(
            address=host,
            port=port,
            kind=kind.value,
            models=tuple(plain(model.id) for model in models),
            version=plain(report.version, 30),
            fingerprint=fingerprint(kind.value, report.version, [model.digest or model.id for model in models]),
        )

    async def _agent(self, host: str, port: int) -> Sighting:
        """1. Ask who it is, with a proof that we have the key. 2. One of an older version tells with its reading."""
        nonce = self._nonce() if self._agent_key else ""
        shown = f"{proving.SCHEME.title()} {proving.asking(self._agent_key, nonce)}"
        headers = (("authorization", shown),) if nonce else ()
        http = self._http(Address(host, port, headers=headers))
        reply = await http.request("GET", "/identity", timeout_s=ANSWER_S)
        if reply.status == 404:
            reading = read_reading((await http.request("GET", "/reading", timeout_s=ANSWER_S)).body)
            return _seen(host, port, _Who(reading.identity.machine, reading.identity.host), proven=False)
        who = _who(reply)
        proven = bool(nonce and who.machine) and proving.proves(self._agent_key, nonce, who.machine, who.proof)
        return _seen(host, port, who, proven=proven)


def _who(reply: HttpReply) -> _Who:
    """Raises `NodeError` for what is no agent's answer."""
    try:
        who = msgspec.json.decode(reply.body, type=_Who)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NodeError("What answers there is no agent of Potluck.", detail=str(error)) from error
    if (reply.status, bool(who.machine)) != (200, True) and (reply.status, who.error) != (401, _WANTS_KEY):
        raise NodeError("What answers there is no agent of Potluck.")
    return who if reply.status == 200 else _Who()


def _seen(host: str, port: int, who: _Who, *, proven: bool) -> Sighting:
    return Sighting(host, port, AGENT, machine=plain(who.machine, 64), host=plain(who.host, 64), proven=proven)


def targets(hosts: Sequence[str], ports: Iterable[tuple[str, int]]) -> Iterable[tuple[str, int, str]]:
    """Every port of every host; hosts in turn, so that no machine is asked for all its ports in one instant."""
    return ((host, port, kind) for kind, port in ports for host in hosts)
