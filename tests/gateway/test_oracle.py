"""h11 on both ends of the relay, over sockets: whatever is legal passes, and means the same on the other side."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

import h11
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway.wires import Answered, read_answers
from tests.gateway.world import DONE, KEY, ROLE, STOP, WHOLE, Client, EngineSide, World, text, until

STREAM = ROLE + text("h") + text("i") + STOP + DONE
OPTIONAL = [("x-empty", ""), ("accept", "*/*"), ("x-obs", b"\xe9\xff"), ("cookie", "a=b; c=d"), ("te", "trailers")]


@dataclass(frozen=True)
class Answering:
    """How an engine frames one answer."""

    status: int = 200
    framing: str = "length"  # chunked, or end: of the connection
    version: str = "1.1"
    interim: tuple[int, ...] = ()
    trailers: bool = False
    close: bool = False
    piece: int = 1000

    def write(self, body: bytes, content_type: str) -> list[bytes]:
        """What h11 makes of it, in pieces."""
        server = h11.Connection(h11.SERVER)
        server.receive_data(b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\r\n")
        server.next_event()
        out = b"".join(
            server.send(h11.InformationalResponse(status_code=each, headers=[])) or b"" for each in self.interim
        )
        headers = [("content-type", content_type)]
        bodiless = self.status in (204, 304)
        if self.framing == "length" and not bodiless:
            headers.append(("content-length", str(len(body))))
        if self.framing == "chunked" and not bodiless:
            headers.append(("transfer-encoding", "chunked"))
        if self.closes:
            headers.append(("connection", "close"))
        out += server.send(h11.Response(status_code=self.status, headers=headers)) or b""
        if self.framing == "end":  # h11 would frame it: it is told that the client reads no chunks
            out = out.replace(b"Transfer-Encoding: chunked\r\n", b"").replace(b"transfer-encoding: chunked\r\n", b"")
            out += b"" if bodiless else body
        elif not bodiless:
            for start in range(0, len(body), 50):
                out += server.send(h11.Data(data=body[start : start + 50])) or b""
            trailers = [("x-trailer", "1")] if self.trailers and self.framing == "chunked" else []
            out += server.send(h11.EndOfMessage(headers=trailers)) or b""
        if self.version == "1.0":
            out = out.replace(b"HTTP/1.1 ", b"HTTP/1.0 ")
        return [out[start : start + self.piece] for start in range(0, len(out), self.piece)]

    @property
    def closes(self) -> bool:
        return self.close or self.framing == "end" or self.version == "1.0"


@dataclass(frozen=True)
class Asking:
    """One request of a client."""

    what: str = "whole"  # stream, hello, upload, head, nothing
    framing: str = "length"  # chunked
    version: str = "1.1"
    close: bool = False
    expect: bool = False
    extra: tuple[tuple[str, str | bytes], ...] = ()
    answering: Answering = Answering()

    @property
    def method(self) -> str:
        return {"hello": "GET", "head": "HEAD"}.get(self.what, "POST")

    def write(self, nonce: int) -> bytes:
        client = h11.Connection(h11.CLIENT)
        path = {"hello": "/hello?a=b", "head": "/hello", "upload": "/hello", "nothing": "/nothing"}
        headers = [("host", "x"), ("authorization", f"Bearer {KEY}"), *self.extra]
        body = self.body(nonce)
        if body and self.framing == "chunked" and self.version == "1.1":
            headers.append(("transfer-encoding", "chunked"))
        elif body:
            headers.append(("content-length", str(len(body))))
        if self.close:
            headers.append(("connection", "close"))
        if self.expect:
            headers.append(("expect", "100-continue"))
        target = path.get(self.what, "/v1/chat/completions")
        out = client.send(h11.Request(method=self.method, target=target, headers=headers)) or b""
        for start in range(0, len(body), 30):
            out += client.send(h11.Data(data=body[start : start + 30])) or b""
        out += client.send(h11.EndOfMessage()) or b""
        return out.replace(b" HTTP/1.1\r\n", f" HTTP/{self.version}\r\n".encode(), 1)

    def body(self, nonce: int) -> bytes:
        match self.what:
            case "hello" | "head":
                return b""
            case "upload" | "nothing":
                return b"x" * nonce
            case _:
                ask = {
                    "model": "m",
                    "stream": self.what == "stream",
                    "messages": [{"role": "user", "content": str(nonce)}],
                }
                return json.dumps(ask).encode()

    def right(self, answer: Answered, nonce: int) -> bool:
        """Whether ``answer`` says what it should."""
        if answer.cut:
            return False
        match self.what:
            case "hello":
                return (answer.status, answer.body) == (200, b"hello /hello 0")
            case "head":
                return (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "14")
            case "upload":
                return (answer.status, answer.body) == (200, b"hello /hello %d" % nonce)
            case "nothing":
                return answer.status == 404
            case _ if self.answering.status == 200:
                return (answer.status, answer.body) == (200, STREAM if self.what == "stream" else WHOLE)
            case _:
                status = 400 if self.answering.status == 400 else 500
                return status <= answer.status < status + 100 and "error" in json.loads(answer.body)


answerings = st.builds(
    Answering,
    status=st.sampled_from([200] * 8 + [204, 304, 302, 400, 500, 503]),
    framing=st.sampled_from(["length", "chunked", "end"]),
    version=st.sampled_from(["1.1", "1.1", "1.0"]),
    interim=st.lists(st.sampled_from([100, 102, 103]), max_size=2).map(tuple),
    trailers=st.booleans(),
    close=st.booleans(),
    piece=st.sampled_from([7, 64, 1000]),
).filter(lambda each: each.version == "1.1" or (each.framing != "chunked" and not each.interim))
askings = st.builds(
    Asking,
    what=st.sampled_from(["whole", "stream", "whole", "stream", "hello", "upload", "head", "nothing"]),
    framing=st.sampled_from(["length", "chunked"]),
    version=st.sampled_from(["1.1", "1.1", "1.1", "1.0"]),
    close=st.sampled_from([False, False, False, True]),
    expect=st.booleans(),
    extra=st.lists(st.sampled_from(OPTIONAL), max_size=2, unique=True).map(tuple),
    answering=answerings,
)


def scripted(plans: dict[str, Asking]) -> object:
    async def answer(engine: EngineSide) -> None:
        ask = json.loads(engine.body)
        plan = plans[ask["messages"][0]["content"]]
        body, kind = (STREAM, "text/event-stream") if ask.get("stream") else (WHOLE, "application/json")
        if plan.answering.status != 200:
            body, kind = b'{"error":{"message":"no"}}', "application/json"
        for piece in plan.answering.write(body, kind):
            if engine.writer.transport.is_closing():
                return
            engine.writer.write(piece)
            await asyncio.sleep(0)
        if plan.answering.closes:
            engine.writer.close()

    return answer


@given(plan=st.lists(askings, min_size=1, max_size=5), pipelined=st.booleans(), piece=st.sampled_from([11, 100, 10000]))
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_whatever_is_legal_means_the_same_on_the_other_side(
    w: World, plan: list[Asking], pipelined: bool, piece: int
) -> None:
    w.engines[0].script = scripted({str(nonce): asking for nonce, asking in enumerate(plan, 10)})  # type: ignore[assignment]
    w.engines[0].requests.clear()
    last = next((place for place, each in enumerate(plan) if each.close or each.version == "1.0"), len(plan) - 1)
    answered = plan[: last + 1]
    client = await w.connect()
    if pipelined:
        data = b"".join(asking.write(nonce) for nonce, asking in enumerate(plan, 10))
        for start in range(0, len(data), piece):
            if client.writer.transport.is_closing():  # what follows the last request goes nowhere
                break
            client.send(data[start : start + piece])
            await asyncio.sleep(0)
        got = await read(client, answered)
    else:
        got = []
        for nonce, asking in enumerate(answered, 10):
            client.send(asking.write(nonce))
            got += await read(client, [asking])
    for nonce, (asking, answer) in enumerate(zip(answered, got, strict=True), 10):
        assert asking.right(answer, nonce), (asking, answer)
        kept = asking is not answered[-1] or not (asking.close or asking.version == "1.0")
        assert kept == (answer.headers.get("connection") != "close")
    if answered[-1].close or answered[-1].version == "1.0":
        assert await client.closed()
    inference = [(nonce, asking) for nonce, asking in enumerate(answered, 10) if asking.what in ("whole", "stream")]
    heard = [json.loads(each.body)["messages"][0]["content"] for each in w.engines[0].requests]
    assert heard == [str(nonce) for nonce, _ in inference]
    client.abort()
    await until(w.nothing_is_held)


async def read(client: Client, askings: list[Asking]) -> list[Answered]:
    """As many answers as there are ``askings``, read until h11 finds the last one whole."""
    data = b""
    methods = [each.method for each in askings]
    async with asyncio.timeout(5):
        while True:
            piece = await client.reader.read(65536)
            data += piece
            answers = read_answers(data, methods, closed=not piece)
            if not piece or (len(answers) == len(methods) and not answers[-1].cut):
                return answers
