"""So many answers whose engine is killed at a random token, each compared with what would have been written."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import aiohttp
from benchmarks.kills.asking import Answer, ask
from benchmarks.kills.engines import Engines, until_up
from benchmarks.kills.questions import body
from benchmarks.kills.seams import flaw
from tests.e2e import processes

Say = Callable[[str], None]


@dataclass(slots=True)
class Found:
    """Of one way. ``unneeded``: the engine had said everything when it was killed, or nothing; ``others`` went on in
    another way than was meant. ``bad`` tells of each answer that was lost or broken."""

    way: str
    kills: int = 0
    ways: Counter[str] = field(default_factory=Counter[str])
    identical: Counter[str] = field(default_factory=Counter[str])
    lost: int = 0
    broken: int = 0
    repeats: int = 0
    repeats_identical: int = 0
    recovered_s: list[float] = field(default_factory=list[float])
    kinds: Counter[str] = field(default_factory=Counter[str])
    bad: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def take(self, question: str, answer: Answer, undisturbed: Answer) -> None:
        way = answer.way or "none needed"
        self.kills += 1
        self.ways[way] += 1
        self.kinds[question] += 1
        if answer.recovered_s is not None:
            self.recovered_s.append(answer.recovered_s)
        same = answer.same(undisturbed)
        self.identical[way] += same
        wrong = "" if same else self._wrong(answer, undisturbed)
        if wrong:
            told = {"question": question, "way": way, "wrong": wrong, "text": answer.text, "right": undisturbed.text}
            self.bad.append({**told, "seam": str(answer.seam)})

    def _wrong(self, answer: Answer, undisturbed: Answer) -> str:
        if answer.trouble:
            self.lost += 1
            return answer.trouble
        if answer.seam is None:
            self.broken += 1
            return "another text without a seam"
        if undisturbed.finish == "length" and answer.text.startswith(undisturbed.text):
            self.broken += 1
            return "the same text beyond its limit"
        if answer.finish == "length" and undisturbed.text.startswith(answer.text):
            self.broken += 1
            return "the same text, cut off before its limit"
        found = flaw(answer.text[: answer.seam], answer.text[answer.seam :], undisturbed.text)
        self.broken += found is not None
        if found is None and answer.way == "replay":
            return "a replay that is not exact"
        return found or ""


async def play(
    service: processes.Service,
    engines: Engines,
    way: str,
    names: Sequence[str],
    times: int,
    tokens: int,
    chance: random.Random,
    say: Say,
) -> Found:
    """The undisturbed texts, the kills, and the undisturbed texts once more. ``names``: of the questions, in turn."""
    found = Found(way)
    headers = {"authorization": f"Bearer {service.key}"}
    async with aiohttp.ClientSession(service.url, headers=headers) as session:
        right = {name: await ask(session, body(name, way, tokens), 0, engines.kill) for name in names}
        assert not any(answer.trouble for answer in right.values()), right
        for number in range(times):
            name = names[number % len(names)]
            at = chance.randint(1, max(1, right[name].pieces - 1))
            await asyncio.to_thread(until_up, service, 2)
            answer = await ask(session, body(name, way, tokens), at, engines.kill)
            found.take(name, answer, right[name])
            if (number + 1) % 10 == 0 or number + 1 == times:
                say(f"{way}: {number + 1} of {times} kills, {found.lost} lost, {found.broken} broken seams")
        for name in names:
            found.repeats += 1
            found.repeats_identical += (await ask(session, body(name, way, tokens), 0, engines.kill)).same(right[name])
    return found
