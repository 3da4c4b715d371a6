"""Files beside messages of the native chat."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from potluck.core.call import ChatCall, ImagePart, TextPart
from tests.surfaces.filing import ANNA, BERT, Filing, filing

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def pdf(text: str) -> bytes:
    """The smallest that says something."""
    stream = f"BT /F1 12 Tf 10 10 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = b"%PDF-1.4\n", list[int]()
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + table
    return out + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % start


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Filing]:
    async with filing(tmp_path) as made:
        yield made


async def upload(house: Filing, content: bytes, name: str, media_type: str) -> str:
    async with house.client() as client:
        made = await client.post(
            "/api/v1/files", content=content, params={"name": name}, headers={"content-type": media_type}
        )
    file: str = made.json()["id"]
    return file


async def say(house: Filing, caller: Any = ANNA, **body: Any) -> Any:
    async with house.client(caller) as client:
        return await client.post("/api/v1/chat", json={"stream": False, **body})


def asked(house: Filing) -> ChatCall:
    call = house.world.calls.calls[-1]
    assert isinstance(call, ChatCall)
    return call


async def test_a_model_is_shown_files_before_what_is_said_of_them_in_every_turn(house: Filing) -> None:
    text = await upload(house, b"x = 1\n", "a.py", "text/x-python")
    image = await upload(house, PNG, "cat.png", "image/png")
    first = (await say(house, message="What?", attachments=[text, image, text])).json()
    parts = asked(house).messages[0].parts
    assert parts[0] == TextPart("File: a.py\n```\nx = 1\n\n```\n\n")
    assert parts[1] == ImagePart(base64.b64encode(PNG).decode(), "image/png")
    assert parts[2] == TextPart("What?")
    async with house.client() as client:
        thread = (await client.get(f"/api/v1/conversations/{first['conversation']}")).json()
    question = thread["messages"][0]
    assert question["text"] == "What?"
    assert [(each["name"], each["media_type"]) for each in question["attachments"]] == [
        ("a.py", "text/x-python"),
        ("cat.png", "image/png"),
    ]
    await say(house, message="And now?", conversation=first["conversation"])
    assert asked(house).messages[0].parts[:3] == parts[:3]


async def test_files_alone_are_a_message_and_name_the_conversation(house: Filing) -> None:
    text = await upload(house, b"x = 1\n", "a.py", "text/plain")
    made = (await say(house, attachments=[text])).json()
    async with house.client() as client:
        thread = (await client.get(f"/api/v1/conversations/{made['conversation']}")).json()
    assert thread["title"] == "a.py"


async def test_what_a_pdf_says_is_read(house: Filing) -> None:
    file = await upload(house, pdf("Wild geese"), "geese.pdf", "application/pdf")
    answer = await say(house, message="Sum it up", attachments=[file])
    assert answer.status_code == 200, answer.text
    assert "Wild geese" in asked(house).messages[0].text


async def test_a_file_that_was_deleted_is_told_to_be_gone(house: Filing) -> None:
    text = await upload(house, b"x = 1\n", "a.py", "text/plain")
    first = (await say(house, message="What?", attachments=[text])).json()
    async with house.client() as client:
        await client.delete(f"/api/v1/files/{text}")
    await say(house, message="And now?", conversation=first["conversation"])
    assert "a.py is not there any more" in asked(house).messages[0].text


@pytest.mark.parametrize(
    ("content", "media_type", "words"),
    [
        (b"PK\x03\x04", "application/zip", "no model is shown"),
        (b"\0\0\0", "application/octet-stream", "no text"),
        (b"%PDF-1.4 nonsense", "application/pdf", "cannot be read"),
        (pdf(""), "application/pdf", "may be a scan"),
    ],
)
async def test_what_no_model_can_be_shown_is_refused_in_words(
    house: Filing, content: bytes, media_type: str, words: str
) -> None:
    file = await upload(house, content, "a", media_type)
    answer = await say(house, message="What?", attachments=[file])
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]
    assert house.world.calls.calls == []
    async with house.client() as client:
        assert (await client.get("/api/v1/conversations")).json()["conversations"] == []


async def test_anothers_file_is_not_there(house: Filing) -> None:
    file = await upload(house, b"x", "a.txt", "text/plain")
    assert (await say(house, BERT, message="What?", attachments=[file])).status_code == 404
