"""Requests whose prompts are as long as is demanded, and share with earlier ones what the demand says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.sim.workload import Demand

from potluck.core.scheduling.classes import Kind
from potluck_fake_engine import tokens
from potluck_fake_engine.asking import Message, render

_SUFFIX = "end"
_NUMBER = re.compile(r" #(\d+)\nrepeat ")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"

Said = list[dict[str, str]]


class Bodies:
    """To be asked for in the calls' order."""

    def __init__(self) -> None:
        self._said: dict[str, Said] = {}
        self._files: dict[str, list[str]] = {}

    def of(self, number: int, call: Demand) -> tuple[str, bytes]:
        """The path and the body."""
        command = f" #{number}\nrepeat {call.answer}"
        if call.kind is Kind.COMPLETION:
            return "/v1/fim/completions", _encoded(call, self._middle(number, call, command))
        return "/v1/chat/completions", _encoded(call, {"messages": self._messages(number, call, command)})

    def _middle(self, number: int, call: Demand, command: str) -> dict[str, Any]:
        """A file that is typed at its end: what stood there before is the prompt's beginning."""
        before = self._files.get(call.conversation, [])[: call.prefix]
        missing = call.prompt - len(before) - tokens.count(command + _SUFFIX)
        file = self._files[call.conversation] = before + _words(number, missing)
        return {"prompt": "".join(file) + command, "suffix": _SUFFIX}

    def _messages(self, number: int, call: Demand, command: str) -> Said:
        earlier = self._said.get(call.conversation, []) if call.conversation else []
        missing = call.prompt - _rendered([*earlier, {"role": "user", "content": command}])
        asked = {"role": "user", "content": "".join(_words(number, missing)) + command}
        answer = " ".join(f"w{word}" for word in range(1, call.answer + 1))
        self._said[call.conversation] = [*earlier, asked, {"role": "assistant", "content": answer}]
        return [*earlier, asked]


def number_of(tail: str) -> int | None:
    """Which call it is whose prompt ends so; None if it is none of these."""
    found = _NUMBER.search(tail)
    return int(found[1]) if found else None


def _rendered(messages: Sequence[Mapping[str, str]]) -> int:
    return tokens.count(render(tuple(Message(each["role"], each["content"]) for each in messages)))


def _encoded(call: Demand, body: Mapping[str, Any]) -> bytes:
    return json.dumps({"model": call.model, "stream": True, **body}).encode()


def _words(number: int, count: int) -> list[str]:
    """Words of one token and four bytes each, as text has them; other ones for each call."""
    drawn = (((number * 1009 + word * 7) * 2654435761) % 17576 for word in range(count))
    return [f" {_LETTERS[n // 676]}{_LETTERS[n // 26 % 26]}{_LETTERS[n % 26]}" for n in drawn]
