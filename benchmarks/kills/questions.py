"""What is asked: prose, fences, lists, and characters of two, three and four bytes, each in a text of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.kills.server import ALIAS

QUESTIONS: Mapping[str, str] = {
    "prose": "Tell me the story of a lighthouse keeper and a storm.",
    "dialogue": "Write a short dialogue between a cat and a dog, with quotation marks.",
    "code": "Write a Python function that reverses a list. Answer with a code block.",
    "json": "Write JSON with three people and their ages.",
    "list": "List ten animals of the sea, one on each line with a dash before it.",
    "fences": "Give me a table of planets in markdown.",
    "german": "Schreibe auf Deutsch über die schönen Bäume: größe, äpfel, übung.",
    "accents": "Repeat after me five times: Schöne Grüße aus München, viele Äpfel, Öl und süße Brötchen für Jürgen.",
    "chinese": "Translate to Chinese: I love the sea and the sky.",
    "chinese again": "Repeat this three times: 你好世界,今天天气很好,我们去海边看日出。",
    "emoji": "Repeat this line many times: 🙂🚀🌊🎉 waves and fish 🐟🐠 and birds 🐦🦉 in the sun 🌞",
    "spaces": "Write a poem of four lines, each line indented by two more spaces than the line before.",
}

# Beside tools llama.cpp takes no grammar, so an answer goes on by prefill.
_TOOL: Mapping[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
WAYS: Mapping[str, Mapping[str, Any]] = {"replay": {}, "prefill": {"tools": [_TOOL], "tool_choice": "none"}}
"""How an answer is made to go on in a way, by what its request holds."""


def some(number: int, seed: int) -> Sequence[str]:
    """The names of at most so many questions, two at least, beginning where the seed says: where few are asked, runs
    of other seeds ask others."""
    names = list(QUESTIONS)
    return [names[(seed + place) % len(names)] for place in range(max(2, min(len(names), number)))]


def body(question: str, way: str, tokens: int) -> Mapping[str, Any]:
    """A request whose answer is always the same. Without a cache, which adds floating point up in another order."""
    return {
        "model": ALIAS,
        "stream": True,
        "temperature": 0,
        "seed": 1,
        "max_tokens": tokens,
        "cache_prompt": False,
        "messages": [{"role": "user", "content": QUESTIONS[question]}],
        **WAYS[way],
    }
