"""The real clients: what a program sees that calls the makers' own Python libraries, without retries of theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx
import ollama
import openai
from faults.judging import Heard

# Said where a dialect demands it, or would cut answers at 16 otherwise.
_MOST_TOKENS = 500


@dataclass(frozen=True, slots=True)
class Access:
    """Where a subject is reached, and with which key."""

    url: str
    key: str


@dataclass(slots=True)
class Ear:
    """Collects an answer, and how long nothing of it came. ``nominal_s``: how long a whole answer takes undisturbed."""

    began_s: float
    nominal_s: float = 0.0
    text: str = ""
    finish: str | None = None
    silent_s: float = 0.0
    _last_s: float = 0.0

    def __post_init__(self) -> None:
        self._last_s = self.began_s

    def hear(self, text: str | None, finish: str | None) -> None:
        if text:
            now_s = asyncio.get_running_loop().time()
            self.silent_s = max(self.silent_s, now_s - self._last_s)
            self._last_s = now_s
            self.text += text
        self.finish = finish or self.finish

    def hear_whole(self, text: str | None, finish: str | None) -> None:
        self.hear(text, finish)
        self.silent_s = max(0.0, self.silent_s - self.nominal_s)


class Clients:
    """The three libraries on one address, without retries of their own."""

    def __init__(self, access: Access, patience_s: float) -> None:
        self.openai = openai.AsyncOpenAI(
            base_url=f"{access.url}/v1", api_key=access.key, max_retries=0, timeout=patience_s
        )
        self.anthropic = anthropic.AsyncAnthropic(
            base_url=access.url, api_key=access.key, max_retries=0, timeout=patience_s
        )
        self.ollama = ollama.AsyncClient(
            host=access.url,
            headers={"authorization": f"Bearer {access.key}"},
            timeout=patience_s,
            limits=httpx.Limits(max_connections=None),
        )

    async def aclose(self) -> None:
        await self.openai.close()
        await self.anthropic.close()
        await self.ollama.close()


Call = Callable[[Clients, str, str, bool, Ear], Awaitable[None]]


async def _openai_chat(clients: Clients, model: str, prompt: str, stream: bool, ear: Ear) -> None:
    messages: Any = [{"role": "user", "content": prompt}]
    if not stream:
        choice = (await clients.openai.chat.completions.create(model=model, messages=messages)).choices[0]
        ear.hear_whole(choice.message.content, choice.finish_reason)
        return
    async for chunk in await clients.openai.chat.completions.create(model=model, messages=messages, stream=True):
        for each in chunk.choices:
            ear.hear(each.delta.content, each.finish_reason)


async def _openai_completion(clients: Clients, model: str, prompt: str, stream: bool, ear: Ear) -> None:
    if not stream:
        choice = (await clients.openai.completions.create(model=model, prompt=prompt, max_tokens=_MOST_TOKENS)).choices[
            0
        ]
        ear.hear_whole(choice.text, choice.finish_reason)
        return
    async for chunk in await clients.openai.completions.create(
        model=model, prompt=prompt, max_tokens=_MOST_TOKENS, stream=True
    ):
        for each in chunk.choices:
            ear.hear(each.text, each.finish_reason)


async def _anthropic_messages(clients: Clients, model: str, prompt: str, stream: bool, ear: Ear) -> None:
    messages: Any = [{"role": "user", "content": prompt}]
    create = clients.anthropic.messages.create
    if not stream:
        message = await create(model=model, max_tokens=_MOST_TOKENS, messages=messages)
        ear.hear_whole("".join(block.text for block in message.content if block.type == "text"), message.stop_reason)
        return
    async for event in await create(model=model, max_tokens=_MOST_TOKENS, messages=messages, stream=True):
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            ear.hear(event.delta.text, None)
        elif event.type == "message_delta":
            ear.hear(None, event.delta.stop_reason)


async def _ollama_chat(clients: Clients, model: str, prompt: str, stream: bool, ear: Ear) -> None:
    messages = [{"role": "user", "content": prompt}]
    if not stream:
        answer = await clients.ollama.chat(model=model, messages=messages)
        ear.hear_whole(answer.message.content, answer.done_reason)
        return
    async for part in await clients.ollama.chat(model=model, messages=messages, stream=True):
        ear.hear(part.message.content, part.done_reason)


async def _ollama_generate(clients: Clients, model: str, prompt: str, stream: bool, ear: Ear) -> None:
    if not stream:
        answer = await clients.ollama.generate(model=model, prompt=prompt)
        ear.hear_whole(answer.response, answer.done_reason)
        return
    async for part in await clients.ollama.generate(model=model, prompt=prompt, stream=True):
        ear.hear(part.response, part.done_reason)


@dataclass(frozen=True, slots=True)
class Dialect:
    """``kind`` is the engines' own dialect behind it, ``finish`` how an answer ends that its model ended."""

    name: str
    kind: str
    call: Call
    finish: str = "stop"


OPENAI_CHAT = Dialect("openai chat", "llamacpp", _openai_chat)
OPENAI_COMPLETION = Dialect("openai completions", "llamacpp", _openai_completion)
ANTHROPIC = Dialect("anthropic messages", "llamacpp", _anthropic_messages, "end_turn")
OLLAMA_CHAT = Dialect("ollama chat", "ollama", _ollama_chat)
OLLAMA_GENERATE = Dialect("ollama generate", "ollama", _ollama_generate)

DIALECTS: Mapping[str, Dialect] = {
    each.name: each for each in (OPENAI_CHAT, OPENAI_COMPLETION, ANTHROPIC, OLLAMA_CHAT, OLLAMA_GENERATE)
}


async def asked(
    dialect: Dialect, clients: Clients, model: str, prompt: str, *, stream: bool, patience_s: float, nominal_s: float
) -> Heard:
    """One call, and what its program heard. Whatever a library raises is an answer lost."""
    ear = Ear(asyncio.get_running_loop().time(), nominal_s)
    try:
        async with asyncio.timeout(patience_s):
            await dialect.call(clients, model, prompt, stream, ear)
    except Exception as error:  # noqa: BLE001 - each library has its own, and some stumble over what they get
        return Heard(ear.text, ear.finish, ear.silent_s, f"{type(error).__name__}: {error}"[:300] or "error")
    return Heard(ear.text, ear.finish, ear.silent_s)
