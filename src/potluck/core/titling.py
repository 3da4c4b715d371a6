"""A title and tags for a conversation, by a small model that is in memory anyway."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from potluck.core.call import ChatCall, Message, Role, Sampling, TextPart, Thinking
from potluck.core.model import Capability, Engine, Health, Model, NodeId

# What a title is made from: more costs a small board seconds and tells it nothing.
_READ_CHARS = 1_500
_TITLE_CHARS = 80
_TAG_CHARS = 30
_MOST_TAGS = 3
_ANSWER_TOKENS = 60

_ASK = (
    "Write a title of three to six words for the conversation below, in its language, and up to three tags of one word "
    "each. Answer with two lines and nothing else:\nTitle: ...\nTags: ..., ..."
)
_LINE = re.compile(r"^\W*(title|tags)\W*?:\W*(.+)$", re.IGNORECASE)


class Chosen(NamedTuple):
    """Which model makes titles now, and where."""

    node: NodeId
    model: Model


def choose(engines: Iterable[Engine]) -> Chosen | None:
    """The smallest model that is in memory and can write, where the least runs: it needs no load, and puts nothing out.
    None: there is none, and a title is not worth one."""
    found = [
        (model.size_bytes or model.memory_bytes or 1 << 62, engine.busy, engine.node, model)
        for engine in engines
        if engine.health is Health.UP and not engine.failures
        for model in engine.models.values()
        if model.resident and Capability.COMPLETION in model.capabilities
    ]
    best = min(found, key=lambda each: each[:3], default=None)
    return Chosen(best[2], best[3]) if best is not None else None


def ask(model: str, question: str, answer: str) -> ChatCall:
    said = f"User: {question[:_READ_CHARS]}\n\nAssistant: {answer[:_READ_CHARS]}"
    return ChatCall(
        model,
        (Message(Role.SYSTEM, (TextPart(_ASK),)), Message(Role.USER, (TextPart(said),))),
        thinking=Thinking(enabled=False),
        sampling=Sampling(max_tokens=_ANSWER_TOKENS, temperature=0.2),
    )


class Made(NamedTuple):
    title: str
    tags: tuple[str, ...] = ()


def read(text: str) -> Made | None:
    """What a model answered; None where that is no title. Small models seldom keep to a form."""
    told = {match[1].lower(): match[2] for line in text.splitlines() if (match := _LINE.match(line.strip()))}
    first = next((line for line in text.splitlines() if line.strip()), "")
    title = _clean(told.get("title", "" if told else first))
    if not title or len(title) > _TITLE_CHARS:
        return None
    tags = [_clean(each).lower() for each in told.get("tags", "").split(",")]
    return Made(title, tuple(dict.fromkeys(tag for tag in tags if 0 < len(tag) <= _TAG_CHARS))[:_MOST_TAGS])


def _clean(text: str) -> str:
    """Without the quotes and marks that models put around."""
    return " ".join(text.split()).strip("\"'“”„«»`*#. ")
