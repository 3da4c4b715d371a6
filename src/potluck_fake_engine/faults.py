"""Faults: which request breaks, and how. `FaultBook` decides, `FaultyReply` is the breaking answer.

"Chunk" means one piece that the dialect sends (an SSE event, an NDJSON line); the role-only chunk at the head of a chat
stream counts. On an answer that is not streamed, a fault "after k chunks" breaks it in the middle of its body.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

import msgspec

from potluck_fake_engine.http import JSON, Abandoned, Headers, Reply

# A body that is not streamed drips in pieces of this many bytes.
_DRIP_BYTES = 16

_LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form>Password</form></body></html>"


class FaultKind(StrEnum):
    """See docs/reference/fake-engine.md for each."""

    REFUSE = "refuse"
    RESET = "reset"
    STATUS = "status"
    MALFORMED = "malformed"
    LOGIN_PAGE = "login-page"
    HANG = "hang"
    SILENCE = "silence"
    CUT = "cut"
    CUT_CHARACTER = "cut-character"
    STALL = "stall"
    IN_BAND = "in-band"
    DRIP = "drip"
    EMPTY = "empty"
    WRONG_LENGTH = "wrong-length"
    OOM = "oom"
    DIE = "die"


AT_WORK = frozenset({FaultKind.OOM, FaultKind.DIE})
"""Faults that hit a picture while it is drawn, and no request."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``times`` None = until cleared. ``path`` is a glob; empty = inference requests only. ``seconds`` bounds a hang, a
    silence, a stall or a refusal (None: until the client leaves; a refusal lasts 1 s), ``delay_s`` is a drip's pause.
    """

    kind: FaultKind
    times: int | None = 1
    probability: float = 1.0
    seed: int = 0
    method: str = ""
    path: str = ""
    model: str = ""
    after: int = 0
    status: int = 500
    body: str | None = None
    headers: dict[str, str] = {}
    delay_s: float = 0.05
    seconds: float | None = None
    reset: bool = False
    message: str = "the engine broke"


@dataclass(slots=True)
class _Armed:
    id: int
    fault: Fault
    left: float
    chance: random.Random
    hits: int = 0


@dataclass(slots=True)
class FaultBook:
    """Faults in the order in which they were set; the first that matches a request hits it."""

    armed: list[_Armed] = field(default_factory=list["_Armed"])
    log: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    _ids: int = 0

    def add(self, fault: Fault) -> int:
        self._ids += 1
        left = float("inf") if fault.times is None else fault.times
        self.armed.append(_Armed(self._ids, fault, left, random.Random(fault.seed)))
        return self._ids

    def clear(self, fault_id: int | None = None) -> None:
        self.armed = [one for one in self.armed if fault_id is not None and one.id != fault_id]

    def at_work(self, model: str) -> Fault | None:
        """The fault for a picture that is begun, if any."""
        for one in self.armed:
            fault = one.fault
            if fault.kind in AT_WORK and fault.model in ("", model) and one.chance.random() < fault.probability:
                self._hit(one, "")
                return fault
        return None

    def pick(self, method: str, path: str, model: str, *, inference: bool) -> Fault | None:
        """The fault for this request, if any; it is used up by one."""
        for one in self.armed:
            if (
                _matches(one.fault, method, path, model, inference=inference)
                and one.chance.random() < one.fault.probability
            ):
                self._hit(one, path)
                return one.fault
        return None

    def _hit(self, one: _Armed, path: str) -> None:
        one.left -= 1
        one.hits += 1
        if one.left <= 0:
            self.armed.remove(one)
        self.log.append((one.fault.kind.value, path))


def _matches(fault: Fault, method: str, path: str, model: str, *, inference: bool) -> bool:
    if fault.kind in AT_WORK or (fault.method and fault.method != method):
        return False
    if fault.model and fault.model != model:
        return False
    return fnmatchcase(path, fault.path) if fault.path else inference


InBand = Callable[[str, str], bytes]


class FaultyReply(Reply):
    """A reply that breaks as its fault says. The handler notices nothing, or gets `Abandoned`."""

    __slots__ = ("_content_type", "_fault", "_in_band", "_sent")

    def __init__(self, reply: Reply, fault: Fault, in_band: InBand) -> None:
        super().__init__(reply.connection, head_only=reply.head_only, chunked=reply.chunked)
        self.extra, self.keep_alive = reply.extra, reply.keep_alive
        self._fault = fault
        self._in_band = in_band
        self._sent = 0
        self._content_type = ""

    async def before(self) -> bool:
        """What happens before the handler sees the request. True: that was all."""
        fault = self._fault
        match fault.kind:
            case FaultKind.RESET:
                self._break(reset=True)
            case FaultKind.STATUS:
                body = fault.body if fault.body is not None else '{"error":"fault"}'
                self.respond_now(fault.status, body.encode(), JSON, tuple(fault.headers.items()))
                return True
            case FaultKind.EMPTY:
                self.respond_now(200, b"", JSON)
                return True
            case FaultKind.MALFORMED:
                self.respond_now(200, (fault.body or '{"choices":[{"mess').encode(), JSON)
                return True
            case FaultKind.LOGIN_PAGE:
                self.respond_now(200, fault.body.encode() if fault.body else _LOGIN_PAGE, "text/html; charset=utf-8")
                return True
            case _:
                pass
        return False

    async def respond(self, status: int, body: bytes, content_type: str = JSON, headers: Headers = ()) -> None:
        fault = self._fault
        half = len(body) // 2
        match fault.kind:
            case FaultKind.HANG:
                await _wait(fault.seconds)
                self.respond_now(status, body, content_type, headers)
            case FaultKind.SILENCE:
                self._begin(status, body, content_type, headers)
                await _wait(fault.seconds)
                self.raw(body)
            case FaultKind.CUT | FaultKind.CUT_CHARACTER:
                self._begin(status, body, content_type, headers)
                self.raw(body[: half if fault.kind is FaultKind.CUT else _inside_character(body) or half])
                self._break(reset=fault.reset)
            case FaultKind.STALL:
                self._begin(status, body, content_type, headers)
                self.raw(body[:half])
                await _wait(fault.seconds)
                self.raw(body[half:])
            case FaultKind.DRIP:
                self._begin(status, body, content_type, headers)
                for start in range(0, len(body), _DRIP_BYTES):
                    await asyncio.sleep(fault.delay_s)
                    self.raw(body[start : start + _DRIP_BYTES])
            case FaultKind.WRONG_LENGTH:
                self._begin(status, body + b" " * 100, content_type, headers)
                self.raw(body)
                self._break(reset=fault.reset)
            case FaultKind.IN_BAND:
                self.respond_now(500, self._in_band(content_type, fault.message), content_type, headers)
            case _:
                self.respond_now(status, body, content_type, headers)

    async def start(self, content_type: str, headers: Headers = ()) -> None:
        self._content_type = content_type
        if self._fault.kind is FaultKind.HANG:
            await _wait(self._fault.seconds)
        if self._fault.kind is FaultKind.WRONG_LENGTH:
            self.chunked = False
            headers = (*headers, ("Content-Length", "1000000000"))
        await super().start(content_type, headers)
        if self._fault.kind is FaultKind.SILENCE:
            await _wait(self._fault.seconds)

    async def send(self, data: bytes) -> None:
        fault = self._fault
        if self._sent >= fault.after:
            match fault.kind:
                case FaultKind.CUT:
                    self._break(reset=fault.reset)
                case FaultKind.CUT_CHARACTER if (middle := _inside_character(data)) is not None:
                    await super().send(data[:middle])
                    self._break(reset=fault.reset)
                case FaultKind.STALL if self._sent == fault.after:
                    await _wait(fault.seconds)
                case FaultKind.IN_BAND:
                    await super().send(self._in_band(self._content_type, fault.message))
                    await super().finish()
                    raise Abandoned
                case FaultKind.DRIP:
                    await asyncio.sleep(fault.delay_s)
                case _:
                    pass
        self._sent += 1
        await super().send(data)

    async def finish(self) -> None:
        if self._fault.kind in (FaultKind.WRONG_LENGTH, FaultKind.CUT):
            self._break(reset=self._fault.reset)
        await super().finish()

    def _begin(self, status: int, body: bytes, content_type: str, headers: Headers) -> None:
        self.raw(self.head(status, (("Content-Type", content_type), *headers, ("Content-Length", str(len(body))))))

    def _break(self, *, reset: bool) -> None:
        self.break_off(reset=reset)
        raise Abandoned


async def _wait(seconds: float | None) -> None:
    """`seconds`, or until the client leaves (which cancels the waiting task)."""
    if seconds is None:
        await asyncio.get_running_loop().create_future()
    else:
        await asyncio.sleep(seconds)


def _inside_character(data: bytes) -> int | None:
    """A place in the middle of the first multi-byte character."""
    return next((i + 1 for i, byte in enumerate(data) if byte >= 0xC2), None)
