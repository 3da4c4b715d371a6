"""People who want pictures, whatever dies meanwhile: each asks until it has been told that all of its job is there."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from benchmarks.images.house import House

# Longer than anything takes, on a machine with other work, while parts come back.
_PATIENCE = aiohttp.ClientTimeout(total=120, sock_connect=5)
_AGAIN_S = 0.1
_ENDS = ("done", "failed", "cancelled")
WAYS = ("wait", "follow", "poll")
"""One answer when all is done; its events; a job that is looked at again and again."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One job: what no other asks for, and how its client hears of its end."""

    number: int
    count: int
    way: str

    @property
    def body(self) -> dict[str, Any]:
        size = 256 if self.number % 2 else 320
        return {
            "prompt": f"wish {self.number:04} of a lighthouse",
            "negative": f"rain {self.number:04}",
            "width": 256,
            "height": size,
            "steps": 6 + self.number % 4,
            "cfg": 5.0 + self.number % 3,
            "sampler": ("euler", "dpmpp_2m")[self.number % 2],
            "seed": 1000 * self.number,
            "count": self.count,
        }

    @property
    def key(self) -> str:
        """Names the job: who asks again means the same one."""
        return f"wish-{self.number}"


def wishes(jobs: int, chance: random.Random) -> list[Wish]:
    """One job in ten is of several pictures."""
    return [Wish(number, 1 if number % 10 else 3, chance.choice(WAYS)) for number in range(1, jobs + 1)]


@dataclass(slots=True)
class Clients:
    """``at_once`` of them work through all wishes. `leave` cuts one of their connections."""

    house: House
    left: Iterator[Wish]
    ended: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    wrong: list[str] = field(default_factory=list[str])
    asked_again: int = 0
    _asking: dict[int, asyncio.Task[dict[str, Any]]] = field(default_factory=dict[int, "asyncio.Task[dict[str, Any]]"])

    async def work(self, at_once: int) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(at_once):
                tasks.create_task(self._client())

    def leave(self, chance: random.Random) -> None:
        """Its request is torn out of its hands, answered or not."""
        if self._asking:
            chance.choice(list(self._asking.values())).cancel()

    async def _client(self) -> None:
        for wish in self.left:
            while wish.number not in self.ended:
                asking = self._asking[wish.number] = asyncio.create_task(self._ask(wish))
                # Whoever tears the connection cancels the task, and not us.
                await asyncio.wait([asking])
                del self._asking[wish.number]
                error = None if asking.cancelled() else asking.exception()
                if not asking.cancelled() and error is None:
                    self.ended[wish.number] = asking.result()
                    break
                if error is not None and not isinstance(error, (aiohttp.ClientError, OSError, TimeoutError)):
                    raise error
                if isinstance(error, aiohttp.ClientResponseError) and error.status < 500:
                    self.wrong.append(f"{wish.key} is refused: {error.status} {error.message}")
                    break
                self.asked_again += 1
                await asyncio.sleep(_AGAIN_S)

    async def _ask(self, wish: Wish) -> dict[str, Any]:
        """Raises `aiohttp.ClientError` and `OSError`, as any client's request does when its server dies."""
        headers = {"authorization": f"Bearer {self.house.key}", "idempotency-key": wish.key}
        if wish.way == "follow":
            headers["accept"] = "text/event-stream"
        # A connection of its own for each: torn, it is really closed.
        async with aiohttp.ClientSession(headers=headers, timeout=_PATIENCE) as session:
            body = {**wish.body, "wait": 60 if wish.way == "wait" else 0}
            url = f"{self.house.url}/api/v1/image"
            async with session.post(f"{url}/generate", json=body) as answer:
                if answer.status >= 400:
                    answer.release()
                    answer.raise_for_status()
                if wish.way == "follow":
                    return await _end_of(answer)
                told: dict[str, Any] = await answer.json()
            while told["state"] not in _ENDS:
                await asyncio.sleep(0.2)
                async with session.get(f"{url}/jobs/{told['id']}", raise_for_status=True) as answer:
                    told = await answer.json()
            return told


async def _end_of(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """The last event. Raises `aiohttp.ClientPayloadError` where the stream ends without one."""
    name = ""
    async for line in answer.content:
        field_, _, value = line.decode().strip().partition(": ")
        if field_ == "event":
            name = value
        elif field_ == "data" and name in _ENDS:
            told: dict[str, Any] = json.loads(value)
            return told
    raise aiohttp.ClientPayloadError("The stream ends before its job.")


async def get(house: House, path: str) -> Any:
    headers = {"authorization": f"Bearer {house.key}"}
    async with (
        aiohttp.ClientSession(headers=headers, timeout=_PATIENCE) as session,
        session.get(house.url + path, raise_for_status=True) as answer,
    ):
        return await answer.json() if answer.content_type == "application/json" else await answer.read()
