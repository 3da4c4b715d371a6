"""A model's context: which engines hold a call, and with what context a model is asked for so that nothing reloads.

Any change of a runner's option loads the model anew (SCHEDULING.md 2): tens of seconds for everybody, because one
client has a number of its own in its settings. So what clients say about such options is a wish, and the loaded context
wins for as long as it is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from potluck.core.errors import ContextOverflow
from potluck.core.model import EngineId, Json, JsonObject, Model

# Ollama's options that make it start another runner; `num_ctx` has its own rule. How an engine uses its machine is the
# owner's decision.
RELOADING = frozenset({"num_gpu", "main_gpu", "num_batch", "num_thread", "use_mmap", "use_mlock", "low_vram", "numa"})
NUM_CTX = "num_ctx"

# Contexts are asked for in these steps only: two calls that differ a little then want the same runner.
LEAST_CONTEXT = 4096
# No model has so many; it keeps nonsense within what an engine's integers hold.
_LARGEST_CONTEXT = 1 << 30
SURE_CONTEXT = 2048
"""What every Ollama's own default holds (2,048 in old ones, more in all since), whoever loads the model."""
USUAL_ANSWER = 1024
"""What an answer is taken to need where the client sets no limit."""
# Agents allow 32,000 tokens for every answer, and most are short: a limit is no need. No context is made larger, and no
# engine passed over, for more than this; if an answer does come out longer than its room, that has been said.
_LONG_ANSWER = 2048


class Length(NamedTuple):
    """A prompt's tokens where nobody has counted them: at least, probably, and at most. Counted ones are thrice the
    same.
    """

    least: int
    likely: int
    most: int


def bucket(tokens: int, most: int | None) -> int:
    """The smallest step that holds so many tokens; ``most`` is all that the model can do.

    >>> bucket(5000, None), bucket(5000, 6000), bucket(10, None)
    (8192, 6000, 4096)
    """
    step = LEAST_CONTEXT
    while step < min(tokens, _LARGEST_CONTEXT):
        step *= 2
    return min(step, most) if most is not None else step


def suitable(loaded: int | None, needed_tokens: int, wish: Json, most: int | None, *, running: bool) -> int | None:
    """The context to ask a model for, so that it is not loaded anew unless the call really needs that.

    ``loaded`` is the context it has, None if that is not known; ``running`` says that it is in memory, or that a call
    on its way brings it there; ``most`` is all that it can do.

    1. The loaded context is enough, or all there is: it is asked for again, whatever the client wishes.
    2. It is not, or nothing is loaded: the smallest step that holds the call and, where nothing is, the client's wish.
    3. Is that no more than what an engine has by its own default, None: the owner may have set a larger one there.
    """
    if loaded is not None and (needed_tokens <= loaded or (most is not None and loaded >= most)):
        return loaded
    wanted = needed_tokens
    if not running and isinstance(wish, int | float) and not isinstance(wish, bool):
        wanted = max(wanted, int(min(wish, _LARGEST_CONTEXT)))
    if loaded is None and wanted <= SURE_CONTEXT:
        return None
    return bucket(wanted, most)


def normalise(options: Mapping[str, Json], num_ctx: int | None) -> JsonObject:
    """A client's options for an engine that runs the model with ``num_ctx``; None leaves that to the engine.

    What starts another runner is left out.
    """
    kept = {name: value for name, value in options.items() if name not in RELOADING and name != NUM_CTX}
    return kept if num_ctx is None else {**kept, NUM_CTX: num_ctx}


def changed(options: Mapping[str, Json], num_ctx: int | None) -> tuple[tuple[str, int | None], ...]:
    """What a client asked of the runner and does not get: each option with what it is instead, None if it is left out.

    ``num_ctx`` is the context that the call is served with, as far as one knows.
    """
    dropped = [(name, None) for name in sorted(RELOADING & options.keys())]
    wish = options.get(NUM_CTX)
    return ((NUM_CTX, num_ctx), *dropped) if wish is not None and wish != num_ctx else tuple(dropped)


class Fit(StrEnum):
    """How a call goes into one engine's context."""

    FITS = "prompt and answer fit"
    GROWS = "fits once the model is loaded with a larger context"
    CUT = "the prompt fits, but not the whole answer"
    OVER = "the prompt does not fit"


@dataclass(frozen=True, slots=True)
class Guard:
    """What the prompt's length leaves. ``fits`` are the engines to choose from, all equally good for it."""

    fits: frozenset[EngineId]
    verdicts: Mapping[EngineId, Fit] = field(default_factory=lambda: MappingProxyType({}))


def guard(prompt: Length, wanted_tokens: int | None, models: Mapping[EngineId, Model]) -> Guard:
    """Which engines hold the call. Raises `ContextOverflow`, with both numbers, if surely none holds the prompt.

    Where its length is a guess, a context is chosen for what is likely; what only may not fit is left to the engine,
    which counts. ``wanted_tokens`` is the client's limit for the answer, None if it set none.

    1. Engines whose loaded context holds prompt and answer.
    2. None: those that hold them with a larger context, for the price of a load.
    3. None: those with the most room for an answer.
    """
    needed = needs(prompt, wanted_tokens)
    verdicts = {engine: _fit(prompt, needed, model) for engine, model in models.items()}
    for good in (Fit.FITS, Fit.GROWS):
        found = frozenset(engine for engine, verdict in verdicts.items() if verdict is good)
        if found:
            return Guard(found, verdicts)
    contexts = {engine: model.context or 0 for engine, model in models.items() if verdicts[engine] is Fit.CUT}
    if not contexts:
        most = max((model.context or 0 for model in models.values()), default=0)
        raise ContextOverflow(prompt.likely, most, estimated=prompt.least != prompt.most)
    most = max(contexts.values())
    return Guard(frozenset(engine for engine, context in contexts.items() if context == most), verdicts)


def needs(prompt: Length, wanted_tokens: int | None) -> int:
    """The context that a call needs: for its prompt, and for an answer as it may well come out."""
    return prompt.likely + (USUAL_ANSWER if wanted_tokens is None else min(wanted_tokens, _LONG_ANSWER))


def answer_room(prompt: Length, wanted_tokens: int | None, context: int | None) -> int | None:
    """How many tokens of the answer have room, where those are probably less than the client wants; else None.

    Who set no limit wants an answer that ends where the context does, if it must.
    """
    if wanted_tokens is None or context is None or prompt.likely + wanted_tokens <= context:
        return None
    return max(0, context - prompt.likely)


def holds(model: Model) -> int | None:
    """The tokens that a model holds as it is now, without a load if it is loaded; None: it does not say."""
    loaded = model.loaded_context if model.resident else None
    return model.context if loaded is None else loaded


def _fit(prompt: Length, needed: int, model: Model) -> Fit:
    if model.context is None or needed <= model.context:
        now = holds(model)
        return Fit.GROWS if now is not None and needed > now else Fit.FITS
    # One token of answer at least, or there is nothing to give.
    return Fit.CUT if prompt.least < model.context else Fit.OVER
