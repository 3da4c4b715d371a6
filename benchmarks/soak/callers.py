"""Mixed traffic: every dialect, streamed and not, short and long, and clients that leave."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from benchmarks.soak.house import MODEL
from tests.matrix.http import Client, Connection
from tests.matrix.surfaces import CHATS, Surface, Wish

# An answer may be rescued some times over, each after a hang that is waited for.
PATIENCE_S = 90.0
_LEAVES = 0.15
_LONG = 0.4
# Characters of one to four bytes, and what is special to JSON and to templates.
_WORDS = ("haus", "grüße", "日本語", "🙂🙃", "the", "lamp", 'say "so"', "a\\b", "{x}", "über", "x = [1, 2]", "```", "ß")


@dataclass(frozen=True, slots=True)
class Wrong:
    """An answer that was lost, wrong or doubled."""

    surface: str
    stream: bool
    request: str
    node: str
    why: str


@dataclass(slots=True)
class Seen:
    """What became of all calls."""

    whole: Counter[str] = field(default_factory=Counter[str])
    left: int = 0
    wrong: list[Wrong] = field(default_factory=list[Wrong])
    slowest_s: float = 0.0


class Traffic:
    """``chance`` decides everything about each call; ``stop`` ends it after the calls under way."""

    def __init__(self, client: Client, chance: random.Random) -> None:
        self.seen = Seen()
        self.stop = asyncio.Event()
        self._client = client
        self._chance = chance
        self._number = 0

    async def caller(self) -> None:
        """One call after another, with short pauses."""
        while not self.stop.is_set():
            surface = self._chance.choice(CHATS)
            leaves = self._chance.random() < _LEAVES
            wish = Wish(MODEL, f"say: {self._text()}", stream=self._chance.random() < 0.6)
            if leaves:
                await self._leaves(surface, wish)
            else:
                await self._stays(surface, wish)
            await asyncio.sleep(self._chance.random() * 0.2)

    def _text(self) -> str:
        """Each its own, so that nobody can be given somebody else's."""
        self._number += 1
        words = self._chance.randrange(60, 160) if self._chance.random() < _LONG else self._chance.randrange(1, 12)
        return " ".join([f"call {self._number}:", *self._chance.choices(_WORDS, k=words)])

    async def _stays(self, surface: Surface, wish: Wish) -> None:
        began = asyncio.get_running_loop().time()
        headers: dict[str, str] = {}
        why = ""
        try:
            async with self._client.connection() as connection:
                connection.send("POST", surface.path, surface.body(wish))
                reply = await connection.head()
                headers = reply.headers
                said = surface.read(wish, await connection.rest(reply))
            if said.text != wish.text.removeprefix("say: "):
                why = f"it said {said.text!r} for {wish.text!r}"
            elif said.finish not in ("stop", None):
                why = f"it ended with {said.finish}"
        except (AssertionError, OSError, ValueError, LookupError, TypeError, asyncio.IncompleteReadError) as error:
            why = f"{type(error).__name__}: {error}"
        if why:
            request, node = headers.get("x-potluck-request-id", ""), headers.get("x-potluck-node", "")
            self.seen.wrong.append(Wrong(surface.name, wish.stream, request, node, why[:2000]))
        else:
            self.seen.whole[f"{surface.name}{', streamed' if wish.stream else ''}"] += 1
        self.seen.slowest_s = max(self.seen.slowest_s, asyncio.get_running_loop().time() - began)

    async def _leaves(self, surface: Surface, wish: Wish) -> None:
        """Before the answer, or after some of it."""
        try:
            async with self._client.connection() as connection:
                connection.send("POST", surface.path, surface.body(wish))
                async with asyncio.timeout(self._chance.random() * 1.5):
                    await self._some(connection)
        except (OSError, TimeoutError, ValueError, LookupError, asyncio.IncompleteReadError):
            pass  # it leaves anyhow
        self.seen.left += 1

    async def _some(self, connection: Connection) -> None:
        reply = await connection.head()
        for _ in range(self._chance.randrange(20)):
            if not await connection.piece(reply):
                break
        connection.cut()
