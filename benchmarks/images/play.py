"""Kill one part after the other while pictures are drawn, and look whether each is there, and once."""

from __future__ import annotations

import asyncio
import io
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.images.clients import Clients, Wish, get, wishes
from benchmarks.images.house import MODEL, House
from PIL import Image

_CLIENTS = 6
# How long a part is away: long enough that others notice.
_AWAY_S = (0.3, 1.5)
_BETWEEN_S = (0.5, 2.0)
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """``kills`` by what was killed; ``wrong`` is what of all that was asked for is not there, twice, or another."""

    jobs: int
    pictures: int
    kills: dict[str, int]
    asked_again: int
    seconds: float
    wrong: list[str]


async def play(
    house: House,
    jobs: int,
    chance: random.Random,
    *,
    between_s: tuple[float, float] = _BETWEEN_S,
    away_s: tuple[float, float] = _AWAY_S,
    rounds: int = sys.maxsize,
) -> Outcome:
    """Kill each part in turn until all jobs have ended, ``rounds`` times at most."""
    asked = wishes(jobs, chance)
    clients = Clients(house, iter(asked))
    parts: Mapping[str, Callable[[], Awaitable[None]]] = _parts(house, clients, chance, away_s)
    kills: Counter[str] = Counter()
    began_s = time.monotonic()
    working = asyncio.create_task(clients.work(_CLIENTS))
    for _ in range(rounds):
        if working.done():
            break
        for name, kill in parts.items():
            await asyncio.wait([working], timeout=chance.uniform(*between_s))
            if working.done():
                break
            await kill()
            kills[name] += 1
    await working
    took_s = round(time.monotonic() - began_s, 1)
    wrong = [*clients.wrong, *await _missing(house, asked, clients.ended)]
    return Outcome(jobs, sum(each.count for each in asked), dict(kills), clients.asked_again, took_s, wrong)


def _parts(
    house: House, clients: Clients, chance: random.Random, away_s: tuple[float, float]
) -> dict[str, Callable[[], Awaitable[None]]]:
    async def engine(kind: str) -> None:
        house.engines[kind].kill()
        await asyncio.sleep(chance.uniform(*away_s))
        await asyncio.to_thread(house.engines[kind].start)

    async def gateway() -> None:
        await asyncio.to_thread(house.kill)
        await asyncio.to_thread(house.start)

    async def redis() -> None:
        assert house.redis is not None
        house.redis.stop()
        await asyncio.sleep(chance.uniform(*away_s))
        await asyncio.to_thread(house.redis.start)

    async def client() -> None:
        clients.leave(chance)

    engines = {f"{kind} node": lambda kind=kind: engine(kind) for kind in house.engines}
    return {**engines, "gateway": gateway, **({"Redis": redis} if house.redis is not None else {}), "client": client}


async def _missing(house: House, asked: Iterable[Wish], ended: Mapping[int, Mapping[str, Any]]) -> list[str]:
    """Everything, looked up anew: what clients were told does not count."""
    wrong: list[str] = []
    there = await _gallery(house)
    for wish in asked:
        told = ended.get(wish.number)
        if told is None:
            wrong.append(f"{wish.key} has no end")
            continue
        if told["state"] != "done" or told["done"] != told["total"]:
            wrong.append(f"{wish.key} ended as {told['state']}: {told.get('error')}")
        of_wish = [each for each in there if each["prompt"] == wish.body["prompt"]]
        seeds = sorted(each["seed"] for each in of_wish)
        if seeds != [wish.body["seed"] + index for index in range(wish.count)]:
            wrong.append(f"{wish.key} has pictures of the seeds {seeds}, and wants {wish.count}")
        for each in of_wish:
            wrong += [f"{wish.key}: {what}" for what in await _differs(house, wish, each)]
    prompts = {wish.body["prompt"] for wish in asked}
    wrong += [f"nobody asked for {each['id']}" for each in there if each["prompt"] not in prompts]
    counted = sum(row["images"] for row in (await get(house, "/api/v1/usage?by=model"))["rows"])
    if counted > len(there):
        wrong.append(f"{len(there)} pictures are there, and {counted} are counted")
    return wrong


async def _gallery(house: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        page = await get(house, f"/api/v1/images?limit={_PAGE}&after={after}")
        found += page["images"]
        after = page["next"] or ""
        if not after:
            return found


async def _differs(house: House, wish: Wish, picture: Mapping[str, Any]) -> list[str]:
    """What of a picture is not as it was asked for: in the gallery, in the file's own words, and in its pixels."""
    parameters = (await get(house, f"/api/v1/images/{picture['id']}"))["parameters"]
    wanted = {name: value for name, value in wish.body.items() if name not in ("seed", "count")}
    wrong = [
        f"{name} is {parameters.get(name)!r}, not {value!r}"
        for name, value in wanted.items()
        if parameters.get(name) != value
    ]
    if picture["model"] != MODEL:
        wrong.append(f"it is by {picture['model']}")
    image = Image.open(io.BytesIO(await get(house, picture["content"])))
    image.load()
    told = str(image.info.get("parameters", ""))
    size = f"{wish.body['width']}x{wish.body['height']}"
    if f"Seed: {picture['seed']}, Size: {size}" not in told or not told.startswith(str(wish.body["prompt"])):
        wrong.append(f"the file says {told!r}")
    if image.size != (wish.body["width"], wish.body["height"]):
        wrong.append(f"it has {image.size} pixels")
    return wrong
