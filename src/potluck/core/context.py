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

from potluck.core.errors import ContextOverflow
from potluck.core.model import EngineId, Json, Model

# Ollama's options that make it start another runner; `num_ctx` has its own rule.
RELOADING = frozenset({"num_gpu", "main_gpu", "num_batch", "num_thread", "use_mmap", "use_mlock", "low_vram", "numa"})
NUM_CTX = "num_ctx"

# Contexts are asked for in these steps only: two calls that differ a little then want the same runner.
LEAST_CONTEXT = 4096
# What an answer is taken to need where the client sets no limit.
USUAL_ANSWER = 1024


@dataclass(frozen=True, slots=True)
class Normal:
    """Options as they go to the engine. ``dropped`` are named to the client; ``reloads`` says that the model grows."""

    options: Mapping[str, Json]
    num_ctx: int | None
    dropped: tuple[str, ...] = ()
    reloads: bool = False


def bucket(tokens: int, most: int | None) -> int:
    """The smallest step that holds so many tokens; ``most`` is all that the model can do.

    >>> bucket(5000, None), bucket(5000, 6000), bucket(10, None)
    (8192, 6000, 4096)
    """
    step = LEAST_CONTEXT
    while step < tokens:
        step *= 2
    return min(step, most) if most is not None else step


def normalise(options: Mapping[str, Json], model: Model, needed_tokens: int) -> Normal:
    """Options that force no reload unless the call really needs a larger context.

    1. What starts another runner is left out.
    2. The loaded context is enough: it is asked for again, whatever the client says.
    3. It is not, or nothing is loaded: the smallest step that holds the call and, where nothing is loaded, the client's
       own wish.
    """
    dropped = tuple(sorted(RELOADING & options.keys()))
    kept = {name: value for name, value in options.items() if name not in RELOADING and name != NUM_CTX}
    loaded = model.loaded_context if model.resident else None
    if loaded is not None and needed_tokens <= loaded:
        return Normal(kept, loaded, dropped)
    wish = options.get(NUM_CTX)
    wanted = needed_tokens
    if loaded is None and isinstance(wish, int) and not isinstance(wish, bool):
        wanted = max(wanted, wish)
    num_ctx = bucket(wanted, model.context)
    grows = loaded is not None and num_ctx > loaded
    return Normal(kept, loaded if loaded is not None and not grows else num_ctx, dropped, grows)


class Fit(StrEnum):
    """How a call goes into one engine's context."""

    FITS = "prompt and answer fit"
    GROWS = "fits once the model is loaded with a larger context"
    CUT = "the prompt fits, but not the whole answer"
    OVER = "the prompt does not fit"


@dataclass(frozen=True, slots=True)
class Guard:
    """What the prompt's length leaves. ``fits`` are the engines to choose from, all equally good for it.

    ``answer_tokens`` is how much of the answer has room where that is less than was wanted: said to the client, never
    done in silence.
    """

    fits: frozenset[EngineId]
    verdicts: Mapping[EngineId, Fit] = field(default_factory=lambda: MappingProxyType({}))
    answer_tokens: int | None = None


def guard(prompt_tokens: int, wanted_tokens: int | None, models: Mapping[EngineId, Model]) -> Guard:
    """Which engines hold the call. Raises `ContextOverflow`, with both numbers, if no engine holds the prompt.

    1. Engines whose loaded context holds prompt and answer.
    2. None: those that hold them with a larger context, for the price of a load.
    3. None: those with the most room for an answer, and it is said how much that is.
    """
    wanted = USUAL_ANSWER if wanted_tokens is None else wanted_tokens
    verdicts = {engine: _fit(prompt_tokens, wanted, model) for engine, model in models.items()}
    for good in (Fit.FITS, Fit.GROWS):
        found = frozenset(engine for engine, verdict in verdicts.items() if verdict is good)
        if found:
            return Guard(found, verdicts)
    contexts = {engine: model.context or 0 for engine, model in models.items() if verdicts[engine] is Fit.CUT}
    if not contexts:
        raise ContextOverflow(prompt_tokens, max((model.context or 0 for model in models.values()), default=0))
    most = max(contexts.values())
    roomiest = frozenset(engine for engine, context in contexts.items() if context == most)
    # Nobody asked for a length: an answer that ends where the context does is the ordinary case.
    room = most - prompt_tokens
    return Guard(roomiest, verdicts, room if wanted_tokens is not None else None)


def _fit(prompt_tokens: int, wanted: int, model: Model) -> Fit:
    needed = prompt_tokens + wanted
    if model.context is None or needed <= model.context:
        loaded = model.loaded_context if model.resident else None
        return Fit.GROWS if loaded is not None and needed > loaded else Fit.FITS
    # One token of answer at least, or there is nothing to give.
    return Fit.CUT if prompt_tokens < model.context else Fit.OVER
