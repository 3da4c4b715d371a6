"""`auto`: which model or route a call gets whose client leaves the choice to us, and why.

What a call is shows in the call alone: what its model must be able to do, whether it is about code, whether reasoning
was asked for, how long it is. The owner's routes go before any guess of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from potluck.core.call import Call, ChatCall, EmbedCall, ImagePart, InfillCall, LoadCall, Role, TextCall, Thinking
from potluck.core.catalogue import SERVING, Catalogue, Offer, missing_capability
from potluck.core.errors import BadRequest, NoEngineReady, PotluckError, Unsupported
from potluck.core.model import Capability, EngineId, Model
from potluck.core.names import AUTO, canonical


class Trait(StrEnum):
    """What a call shows, in the words in which the choice is explained."""

    EMBEDDING = "embedding"
    IMAGES = "images"
    CODE = "code"
    REASONING = "reasoning"
    TOOLS = "tools"
    LENGTH = "a long prompt"


ROUTES: Mapping[Trait, str] = MappingProxyType(
    {
        Trait.EMBEDDING: "embeddings",
        Trait.IMAGES: "vision",
        Trait.CODE: "coding",
        Trait.REASONING: "reasoning",
        Trait.TOOLS: "tools",
        Trait.LENGTH: "long",
    }
)
"""The route that gets calls with a trait, if the owner has made one of that name; the first trait's goes first."""

CHAT_ROUTE = "chat"

# More than the context that engines load small models with: from here on not every model will do.
LONG_TOKENS = 8192
# What an answer is taken to need where the client sets no limit.
_USUAL_ANSWER = 1024
# Vision encoders make some hundred to two thousand tokens of an image.
_IMAGE_TOKENS = 1024
_CHARS_PER_TOKEN = 4
# The end of a conversation says what it is about now; to look at all of a long one would hold everybody's streams.
_LOOKED_AT_CHARS = 16_384
# Above this size people wait for an answer: a 14B model in four bits is below, a 20B one above.
_BIG_BYTES = 12_000_000_000
# Of efforts these ask for less thinking than a model would do by itself.
_NO_EFFORT = frozenset({"", "none", "minimal"})


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a call. ``tokens`` are the prompt's and the answer's, an estimate."""

    needs: frozenset[Capability]
    code: bool = False
    reasoning: bool = False
    tokens: int = 0

    @property
    def traits(self) -> tuple[Trait, ...]:
        seen = {
            Trait.EMBEDDING: Capability.EMBEDDING in self.needs,
            Trait.IMAGES: Capability.VISION in self.needs,
            Trait.CODE: self.code,
            Trait.REASONING: self.reasoning or Capability.THINKING in self.needs,
            Trait.TOOLS: Capability.TOOLS in self.needs,
            Trait.LENGTH: self.tokens > LONG_TOKENS,
        }
        return tuple(trait for trait, shown in seen.items() if shown)


class Choice(NamedTuple):
    """``name`` is what the call asks for from now on: a route's or a model's. ``why`` is one line for people."""

    name: str
    why: str


# --- Looking at a call ------------------------------------------------------------------------------------------------


def look(call: Call, *, coding: bool = False) -> Look:
    """What a call shows. ``coding``: it came by a way that only editors use."""
    texts = list(_texts(call))
    answer = call.sampling.max_tokens if not isinstance(call, EmbedCall | LoadCall) else 0
    tokens = sum(map(len, texts)) // _CHARS_PER_TOKEN + (_USUAL_ANSWER if answer is None else answer)
    if isinstance(call, ChatCall):
        tokens += _IMAGE_TOKENS * sum(
            isinstance(part, ImagePart) for message in call.messages for part in message.parts
        )
        tokens += sum(len(json.dumps(tool.parameters)) + len(tool.description) for tool in call.tools) // (
            _CHARS_PER_TOKEN
        )
    return Look(
        needs=call.needs or frozenset({Capability.COMPLETION}),
        code=coding or isinstance(call, InfillCall) or about_code(_end_of(_said(call))),
        reasoning=isinstance(call, ChatCall | TextCall) and _asks_for_reasoning(call.thinking),
        tokens=tokens,
    )


def _texts(call: Call) -> Iterator[str]:
    """Everything that a model would read."""
    match call:
        case ChatCall(messages=messages):
            yield from (message.text for message in messages)
        case TextCall(prompts=prompts, system=system):
            yield system
            yield from (prompt for prompt in prompts if isinstance(prompt, str))
        case InfillCall(prefix=prefix, suffix=suffix, snippets=snippets):
            yield from (prefix, suffix, *(snippet.text for snippet in snippets))
        case _:
            return


def _said(call: Call) -> Iterator[str]:
    """What people and their tools said, newest first. Not the system's text: many a general one speaks of code."""
    match call:
        case ChatCall(messages=messages):
            yield from (message.text for message in reversed(messages) if message.role is not Role.SYSTEM)
        case TextCall(prompts=prompts):
            yield from (prompt for prompt in prompts if isinstance(prompt, str))
        case _:
            return


def _end_of(texts: Iterable[str]) -> str:
    """As much of the newest as is looked at."""
    kept: list[str] = []
    room = _LOOKED_AT_CHARS
    for text in texts:
        kept.append(text[-room:])
        room -= len(kept[-1])
        if room <= 0:
            break
    return "\n".join(kept)


def _asks_for_reasoning(thinking: Thinking) -> bool:
    return thinking.enabled is True or (thinking.enabled is None and thinking.effort not in _NO_EFFORT)


_LANGUAGE = r"(?:python|javascript|typescript|rust|golang|java|kotlin|swift|c\+\+|c#|bash|shell|sql|php|ruby|lua)"

_CODE = re.compile(
    r"```"
    # A file of source code, but for endings that sites and ordinary documents have as well.
    r"|[\w-]{2}\.(?:pyi?|ipynb|[jt]sx?|mjs|rs|go|[ch]|cc|[ch]pp|cs|java|kts?|swift|rb|php|sql|lua|zig|scala|hs|exs?|"
    r"dart|vue|svelte|tf|gradle|cmake|toml)(?![\w.])"
    r"|^(?:diff --git |@@ -\d|Traceback \(most recent call last\))"
    r"|^\s*(?:def \w+\(|async def |from [\w.]+ import |#include\s*[<\"]|func \w*\(|fn \w+[(<]|impl\b.*\{|"
    r"(?:export )?(?:const|let|var) \w+ =|(?:export )?(?:async )?function\b.*\(|public (?:static |class )|"
    r"SELECT\b.+\bFROM\b)"
    rf"|\b{_LANGUAGE}\s+(?:function|script|class|code|query|program|method|module|snippet)s?\b",
    re.MULTILINE | re.IGNORECASE | re.ASCII,
)


def about_code(text: str) -> bool:
    """Whether it holds code, names files of code, or asks for some.

    >>> about_code("Why does main.py fail?"), about_code("Why does my cat fail?")
    (True, False)
    """
    return _CODE.search(text) is not None


# --- Choosing ---------------------------------------------------------------------------------------------------------


def choose(look: Look, catalogue: Catalogue, tried: frozenset[EngineId] = frozenset()) -> Choice:
    """What serves the call.

    1. The owner's route for one of its traits (`ROUTES`), if it could serve the call.
    2. What has all that was asked for beside what is needed: a coder for code, a thinker for reasoning. The route
       ``chat`` if its model has as much of that as any other.
    3. Among models: one that holds the prompt, then one that is loaded, then the largest that nobody waits for.

    Embeddings are not chosen among models: vectors of two models cannot be compared. Raises `Unsupported`,
    `NoEngineReady` and `BadRequest`.
    """
    traits = look.traits
    for trait in traits:
        if _best_of(ROUTES[trait], look, catalogue, tried) is not None:
            return Choice(ROUTES[trait], _why(traits, f"route {ROUTES[trait]}"))
    able = [model for engine, model in catalogue.models() if Offer(engine, model).could_serve(look.needs, tried)]
    if not able:
        raise _none(look, catalogue)
    if Trait.EMBEDDING in traits and len({canonical(model.id) for model in able}) > 1:
        names = ", ".join(dict.fromkeys(model.id for model in able))
        raise BadRequest(
            f"'{AUTO}' does not choose among embedding models: their vectors cannot be compared.",
            param="model",
            hint=f"Name one of {names}, or make a route 'embeddings'.",
        )
    best = max(able, key=lambda model: _rank(model, look))
    chat = _best_of(CHAT_ROUTE, look, catalogue, tried)
    if chat is not None and _suits(chat, look) >= _suits(best, look):
        return Choice(CHAT_ROUTE, _why(traits, f"route {CHAT_ROUTE}"))
    return Choice(best.id, _why(traits, f"model {best.id}{', loaded' if best.resident else ''}"))


def _best_of(route: str, look: Look, catalogue: Catalogue, tried: frozenset[EngineId]) -> Model | None:
    """The model that a route of the owner's, or an alias, would give the call; None if it cannot or is none."""
    resolution = catalogue.resolve(route, look.needs, tried)
    if not resolution.offers or (not resolution.route and resolution.name == canonical(route)):
        return None
    able = [each.model for each in resolution.offers if each.could_serve(look.needs, tried)]
    able = [model for model in able if _holds(model, look)]
    return max(able, key=lambda model: _rank(model, look)) if able else None


def _holds(model: Model, look: Look) -> bool:
    return model.context is None or look.tokens <= model.context


def _suits(model: Model, look: Look) -> tuple[bool, int]:
    """How much of what was asked for beside the needs a model has: the prompt's length first."""
    suits = 0
    if look.code:
        # Many a general model knows the marks for filling in; a name that speaks of code says more.
        suits += 2 if _is_coder(model) else Capability.INSERT in model.capabilities
    if look.reasoning:
        suits += 2 * (Capability.THINKING in model.capabilities)
    return _holds(model, look), suits


def _rank(model: Model, look: Look) -> tuple[bool, int, bool, int, bool, int]:
    """The greatest is the best. Where no model holds the prompt, the one with the largest context."""
    holds, suits = _suits(model, look)
    size = model.size_bytes or 0
    quick = size <= _BIG_BYTES
    plain = not (_is_coder(model) and not look.code)
    return holds, (0 if holds else model.context or 0), plain, suits, model.resident, size if quick else -size


def _is_coder(model: Model) -> bool:
    return any(word in model.id.lower() for word in ("code", "coding", "codestral", "devstral"))


def _why(traits: tuple[Trait, ...], what: str) -> str:
    return f"{', '.join(traits) or 'chat'}: {what}"


def _none(look: Look, catalogue: Catalogue) -> PotluckError:
    """Why nothing can be chosen."""
    serving = [Offer(engine, model) for engine, model in catalogue.models() if engine.health in SERVING]
    missing = missing_capability(serving, look.needs) if serving else None
    if missing is not None and not catalogue.able(look.needs):
        return Unsupported(AUTO, missing.value, hint="No model here does.")
    return NoEngineReady(
        "No machine that is up has a model for this call.", retry_after_s=5.0, hint="'potluck nodes ls' shows why."
    )
