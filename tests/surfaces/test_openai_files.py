"""``/v1/files`` as OpenAI's own client uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import openai
import pytest

from tests.surfaces.filing import BERT, Filing, filing


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Filing]:
    async with filing(tmp_path) as made:
        yield made


@pytest.fixture
def client(house: Filing) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key="k", base_url="http://potluck/v1", http_client=house.client(), max_retries=0)


async def test_the_client_uploads_reads_lists_and_deletes(client: openai.AsyncOpenAI) -> None:
    made = await client.files.create(
        file=("a.jsonl", b'{"a": 1}\n'), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert (made.filename, made.bytes, made.purpose, made.status) == ("a.jsonl", 9, "batch", "processed")
    assert made.expires_at == made.created_at + 3600
    assert await client.files.retrieve(made.id) == made
    assert (await client.files.content(made.id)).content == b'{"a": 1}\n'
    assert await client.files.wait_for_processing(made.id) == made
    deleted = await client.files.delete(made.id)
    assert (deleted.id, deleted.deleted) == (made.id, True)
    with pytest.raises(openai.NotFoundError):
        await client.files.retrieve(made.id)


async def test_the_client_goes_through_all_pages(client: openai.AsyncOpenAI) -> None:
    ids = [(await client.files.create(file=(f"{each}", b"x"), purpose="user_data")).id for each in range(5)]
    assert [each.id async for each in await client.files.list(limit=2)] == ids[::-1]
    assert [each.id async for each in await client.files.list(limit=2, order="asc")] == ids
    assert [each.id async for each in await client.files.list(purpose="batch")] == []


async def test_errors_are_openais(client: openai.AsyncOpenAI, house: Filing) -> None:
    with pytest.raises(openai.BadRequestError) as wrong:
        await client.files.create(file=b"x", purpose="evil")  # type: ignore[arg-type]
    assert wrong.value.param == "purpose"
    with pytest.raises(openai.BadRequestError, match="3600"):
        await client.files.create(file=b"x", purpose="batch", expires_after={"anchor": "created_at", "seconds": 5})
    house.quotas["anna"] = 3
    with pytest.raises(openai.APIStatusError) as full:
        await client.files.create(file=b"four", purpose="batch")
    assert (full.value.status_code, full.value.code) == (413, "quota_exceeded")
    assert house.left() == []


async def test_files_are_ones_own(client: openai.AsyncOpenAI, house: Filing) -> None:
    made = await client.files.create(file=b"x", purpose="batch")
    other = client.copy(http_client=house.client(BERT))
    for ask in (other.files.retrieve, other.files.content, other.files.delete):
        with pytest.raises(openai.NotFoundError):
            await ask(made.id)
    answer = await house.client().get(f"/v1/files/{made.id}/content", headers={"range": "bytes=0-0"})
    assert (answer.status_code, answer.headers["content-range"]) == (206, "bytes 0-0/1")
