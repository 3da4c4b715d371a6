"""What people ask of the service, and what they were told is kept: it must be there afterwards, once."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp
from benchmarks.crashes.house import MODEL

# Longer than anything takes that is asked for here, on a machine with other work.
_PATIENCE = aiohttp.ClientTimeout(total=60)
_JOBS_S = 60.0


class Asking:
    """The service as a client meets it."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._session = aiohttp.ClientSession(headers={"authorization": f"Bearer {key}"}, timeout=_PATIENCE)

    async def close(self) -> None:
        await self._session.close()

    async def json(self, method: str, path: str, body: Any = None) -> tuple[Any, Mapping[str, str]]:
        """The answer and its headers. Raises `aiohttp.ClientError`, also for a refusal."""
        async with self._session.request(method, self._url + path, json=body, raise_for_status=True) as answer:
            return await answer.json(), answer.headers

    async def get(self, path: str) -> Any:
        return (await self.json("GET", path))[0]

    async def put(self, path: str, content: bytes) -> Any:
        async with self._session.post(self._url + path, data=content, raise_for_status=True) as answer:
            return await answer.json()

    async def content(self, path: str) -> bytes:
        async with self._session.get(self._url + path, raise_for_status=True) as answer:
            return await answer.read()


@asynccontextmanager
async def asking(url: str, key: str) -> AsyncIterator[Asking]:
    client = Asking(url, key)
    try:
        yield client
    finally:
        await client.close()


class Work(Protocol):
    """One kind of thing that is asked for. ``kept`` counts what the service has acknowledged."""

    name: str
    kept: int

    async def ask(self, client: Asking) -> None:
        """Ask once, and remember what was acknowledged. Raises `aiohttp.ClientError` and `OSError`, as any client's
        request does when its server dies: then nothing was promised."""
        ...

    async def check(self, client: Asking) -> list[str]:
        """What of all that was acknowledged is not there, or is there twice."""
        ...


@dataclass(slots=True)
class Chats:
    """Conversations of several turns. ``seen`` has, by conversation, what was said in each acknowledged message."""

    chance: random.Random
    name: str = "message"
    kept: int = 0
    _seen: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    _free: list[str] = field(default_factory=list[str])
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def ask(self, client: Asking) -> None:
        text = f"say: number {next(self._numbers)}"
        goes_on = self._free and self.chance.random() < 0.6
        body: dict[str, Any] = {"message": text, "model": MODEL, "stream": False}
        if goes_on:
            body["conversation"] = self._free.pop(self.chance.randrange(len(self._free)))
        told, _ = await client.json("POST", "/api/v1/chat", body)
        seen = self._seen.setdefault(told["conversation"], {})
        seen[told["user_message"]] = text
        seen[told["message"]] = text.removeprefix("say: ")
        self.kept += 2
        self._free.append(told["conversation"])

    async def check(self, client: Asking) -> list[str]:
        wrong: list[str] = []
        for conversation, seen in self._seen.items():
            stored = (await client.get(f"/api/v1/conversations/{conversation}"))["messages"]
            texts = {each["id"]: each["text"] for each in stored}
            wrong += [
                f"message {each} says {texts.get(each)!r}" for each, text in seen.items() if texts.get(each) != text
            ]
            # Each text is of one request, which has a question and at most one answer.
            twice = Counter((each["role"], each["text"]) for each in stored if each["state"] == "complete")
            wrong += [f"{role} said {text!r} {times} times" for (role, text), times in twice.items() if times > 1]
        return wrong


@dataclass(slots=True)
class Calls:
    """Calls by OpenAI's dialect, each of which leaves a record."""

    chance: random.Random
    name: str = "record"
    kept: int = 0
    _requests: list[str] = field(default_factory=list[str])

    async def ask(self, client: Asking) -> None:
        body = {"model": MODEL, "messages": [{"role": "user", "content": "say: a word"}], "stream": False}
        _, headers = await client.json("POST", "/v1/chat/completions", body)
        self._requests.append(headers["x-potluck-request-id"])
        self.kept += 1

    async def check(self, client: Asking) -> list[str]:
        wrong: list[str] = []
        for request in self._requests:
            try:
                await client.get(f"/api/v1/requests/{request}")
            except aiohttp.ClientResponseError as error:
                wrong.append(f"request {request}: {error.status}")
        there = len(await _recorded(client))
        counted = (await client.get("/api/v1/usage"))["total"]["calls"]
        if counted != there:
            wrong.append(f"{there} calls have records, and {counted} are counted as used")
        return wrong


async def _recorded(client: Asking) -> set[str]:
    """The ids of all calls that there are records of. Times are told in milliseconds: pages overlap by one."""
    found: set[str] = set()
    query: dict[str, str] = {"limit": "500"}
    while page := (await client.get(f"/api/v1/requests?{urlencode(query)}"))["requests"]:
        more = {each["id"] for each in page} - found
        if not more:
            break
        found |= more
        query["before"] = (datetime.fromisoformat(page[-1]["at"]) + timedelta(milliseconds=1)).isoformat()
    return found


@dataclass(slots=True)
class Files:
    """Files of all sizes up to some megabytes."""

    chance: random.Random
    name: str = "file"
    kept: int = 0
    _content: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def ask(self, client: Asking) -> None:
        seed, size = next(self._numbers), int(10 ** self.chance.uniform(0, 6.3))
        told = await client.put(f"/api/v1/files?name=file-{seed}", _bytes(seed, size))
        self._content[told["id"]] = seed, size
        self.kept += 1

    async def check(self, client: Asking) -> list[str]:
        wrong: list[str] = []
        for file, (seed, size) in self._content.items():
            try:
                there = await client.content(f"/api/v1/files/{file}/content")
            except aiohttp.ClientResponseError as error:
                wrong.append(f"file {file}: {error.status}")
                continue
            if there != _bytes(seed, size):
                wrong.append(f"file {file} of {size} bytes has others")
        return wrong


def _bytes(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


@dataclass(slots=True)
class Jobs:
    """Lists of questions for the background; each must be answered in the end."""

    chance: random.Random
    name: str = "job"
    kept: int = 0
    _jobs: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def ask(self, client: Asking) -> None:
        texts = [f"job {next(self._numbers)}, {each}" for each in range(self.chance.randrange(1, 5))]
        requests = [{"messages": [{"role": "user", "content": f"say: {text}"}]} for text in texts]
        told, _ = await client.json("POST", "/api/v1/jobs", {"kind": "chat", "model": MODEL, "requests": requests})
        self._jobs[told["id"]] = texts
        self.kept += 1

    async def check(self, client: Asking) -> list[str]:
        wrong: list[str] = []
        for job, texts in self._jobs.items():
            try:
                async with asyncio.timeout(_JOBS_S):
                    while (about := await client.get(f"/api/v1/jobs/{job}"))["state"] not in _ENDS:
                        await asyncio.sleep(0.2)
            except TimeoutError:
                wrong.append(f"job {job} does not end")
                continue
            if about["state"] != _ENDS[0]:
                wrong.append(f"job {job} ended as {about['state']}: {about.get('error')}")
                continue
            said = [each["text"] for each in (await client.get(f"/api/v1/jobs/{job}/result"))["parts"]]
            if said != texts:
                wrong.append(f"job {job} answers {said} to {texts}")
        return wrong


_ENDS = ("done", "failed", "cancelled")

# What is looked at last has no more to come from the others.
WORK: tuple[Callable[[random.Random], Work], ...] = (Chats, Files, Jobs, Calls)
