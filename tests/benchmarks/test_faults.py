"""The fault matrix tells right from wrong: each kind of bad answer is counted as what it is, and none as good."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

_BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path[:0] = [str(_BENCHMARKS), str(_BENCHMARKS / "gateway")]

from faults.clients import DIALECTS, OPENAI_CHAT, Access, Clients, asked  # noqa: E402
from faults.judging import Heard, Verdict, judged, wording  # noqa: E402
from faults.nodes import running_nodes  # noqa: E402
from faults.rounds import Cell  # noqa: E402
from faults.subjects import SUBJECTS  # noqa: E402
from faults.tables import figure, table, verdicts  # noqa: E402
from faults.troubles import TROUBLES  # noqa: E402

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "faults.md"

TEXT = wording(3)
WORDS = TEXT.split(" ")
HALF = " ".join(WORDS[:15])


@pytest.mark.parametrize(
    ("heard", "verdict"),
    [
        (Heard(TEXT, "stop", 0.1), Verdict.WHOLE),
        (Heard(TEXT, None, 0.1), Verdict.LOST),
        (Heard("", None, 0.1), Verdict.LOST),
        (Heard(HALF, None, 0.1, "APIError: broke"), Verdict.LOST),
        (Heard(TEXT, "stop", 0.1, "APIError: broke behind the end"), Verdict.LOST),
        (Heard(HALF, "stop", 0.1), Verdict.FAKED),
        (Heard("", "stop", 0.1), Verdict.FAKED),
        (Heard(TEXT, "length", 0.1), Verdict.FAKED),
        (Heard(f"{HALF} {' '.join(WORDS[14:])}", "stop", 0.1), Verdict.DUPLICATED),
        (Heard(HALF + TEXT, "stop", 0.1), Verdict.DUPLICATED),
        (Heard(" ".join([*WORDS[:14], *WORDS[15:]]), "stop", 0.1), Verdict.WRONG),
        (Heard(TEXT.replace("ü", "\ufffd\ufffd"), "stop", 0.1), Verdict.WRONG),
        (Heard(TEXT + " and more", "stop", 0.1), Verdict.WRONG),
        (Heard("I cannot help with that.", "stop", 0.1), Verdict.WRONG),
    ],
    ids=lambda each: str(each)[:40],
)
def test_each_answer_is_counted_as_what_it_is(heard: Heard, verdict: Verdict) -> None:
    assert judged(heard, TEXT, "stop") is verdict


def test_the_texts_of_calls_differ_and_have_characters_of_every_length() -> None:
    assert len({wording(number) for number in range(8)}) == 8
    assert {len(character.encode()) for character in TEXT} == {1, 2, 3, 4}


def _chunk(text: str, finish: str | None) -> bytes:
    ended = "null" if finish is None else f'"{finish}"'
    choice = f'{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":{ended}}}'
    head = '"id":"1","object":"chat.completion.chunk","created":1,"model":"m"'
    return f'data: {{{head},"choices":[{choice}]}}\n\n'.encode()


def _stream(*parts: bytes) -> bytes:
    body = b"".join(parts)
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    return head + b"%x\r\n%b\r\n" % (len(body), body)


_END = b"0\r\n\r\n"
_DONE = b"data: [DONE]\n\n"
_PAGE = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>"


@asynccontextmanager
async def gateway(answer: bytes) -> AsyncGenerator[str]:
    """One that answers everything so."""

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answered, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (_stream(_chunk(TEXT, None), _chunk("", "stop"), _DONE) + _END, Verdict.WHOLE),
        (_stream(_chunk(HALF, None)), Verdict.LOST),
        (_stream(_chunk(HALF, None), b'data: {"error":{"message":"broke"}}\n\n') + _END, Verdict.LOST),
        (_stream(_chunk(HALF, None)) + _END, Verdict.LOST),
        (_PAGE, Verdict.LOST),
        (_stream(_chunk(HALF, None), _chunk("", "stop"), _DONE) + _END, Verdict.FAKED),
        (_stream(_chunk(HALF, None), _chunk(TEXT, None), _chunk("", "stop"), _DONE) + _END, Verdict.DUPLICATED),
        (_stream(_chunk("Hello", None), _chunk("", "stop"), _DONE) + _END, Verdict.WRONG),
    ],
    ids=["whole", "cut", "error in-band", "no end", "a page", "faked", "twice", "wrong"],
)
async def test_a_real_client_hears_what_a_bad_gateway_says(answer: bytes, verdict: Verdict) -> None:
    async with gateway(answer) as url:
        clients = Clients(Access(url, "k"), 10.0)
        heard = await asked(OPENAI_CHAT, clients, "m", "hello", stream=True, patience_s=10.0, nominal_s=0.0)
        await clients.aclose()
    assert judged(heard, TEXT, "stop") is verdict


async def test_the_nodes_that_are_asked_first_break_and_the_others_do_not() -> None:
    async with running_nodes("m1", "llamacpp", 3) as nodes:
        clients = [Clients(Access(fake.url, "none"), 10.0) for fake in nodes.fakes]

        async def verdict(node: int, marker: str) -> Verdict:
            prompt = f"{marker}\nsay: {TEXT}"
            heard = await asked(OPENAI_CHAT, clients[node], "m1", prompt, stream=True, patience_s=10.0, nominal_s=0.0)
            return judged(heard, TEXT, "stop")

        nodes.arm("cut", 1, {"after": 5})
        assert [await verdict(node, f"call {node}.") for node in (2, 0, 2, 1)] == [
            Verdict.LOST,
            Verdict.WHOLE,
            Verdict.LOST,
            Verdict.WHOLE,
        ]
        assert [nodes.hit(f"call {node}.") for node in range(3)] == [False, False, True]
        await nodes.heal()
        assert await verdict(2, "call 4.") is Verdict.WHOLE
        assert not nodes.busy()
        for each in clients:
            await each.aclose()


def _cell(trouble: str, seconds: list[float], **counts: int) -> Cell:
    (found,) = [each for each in TROUBLES if each.name == trouble]
    cell = Cell(found, OPENAI_CHAT, stream=True, recovered_s=seconds)
    for name, count in counts.items():
        cell.verdicts[Verdict(name)] = count
    return cell


def test_the_table_shows_what_was_lost_and_how_long_it_took() -> None:
    good = _cell("cut", [0.2] * 18 + [0.9, 2.5], whole=20)
    bad = _cell("cut", [], lost=3, faked=1)
    text = table({"one": [good], "two": [bad]})
    assert "| cut | 0 of 20; 0.2, 0.9 s | **3 lost**, **1 faked** of 4 |" in text
    assert figure([good, bad]).answers == 24


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        ([_cell("cut", [0.2, 2.9], whole=2), _cell("stall", [3.9], whole=1)], [True, True, True]),
        ([_cell("cut", [3.1], whole=1), _cell("stall", [4.1], whole=1)], [True, False, False]),
        ([_cell("cut", [0.2], whole=1, wrong=1)], [False, True]),
        ([_cell("slow drip", [9.0], whole=1)], [True]),
    ],
)
def test_promises_are_told_kept_or_broken(cells: list[Cell], kept: list[bool]) -> None:
    assert [each for each, _ in verdicts(cells)] == kept


@pytest.mark.parametrize("name", [*(each.name for each in TROUBLES), *SUBJECTS, *DIALECTS])
def test_the_page_tells_of_every_fault_subject_and_dialect(name: str) -> None:
    assert name.lower() in PAGE.read_text(encoding="utf-8").lower()
