"""What an engine is asked for a call that nobody has answered any of yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from potluck.backends.port import Backend, Ready
from potluck.core.call import Call
from potluck.core.errors import Unsupported
from potluck.core.model import Capability, Model
from potluck.gateway.relay.parts import PartsPassage, split
from potluck.wire.port import AnswerMeta, Ask, Passage
from potluck.wire.translation import Translation

# What a call needs that is answered with text, word by word; all else is over at once.
GENERATING = frozenset({Capability.COMPLETION, Capability.INSERT})

# A path, a body, and the passage of the answer. No class: it is made for every call and taken apart at once.
Asked: TypeAlias = tuple[str, bytes, Passage]


def encode(ask: Ask, call: Callable[[], Call], meta: AnswerMeta, backend: Backend, model: Model) -> Asked | Ready:
    """The engine's request, or an answer that needs no engine. Raises what encoding does, `Unsupported` above all.

    1. The client's own bytes, where both ends speak one shape and nothing must change.
    2. The call in the engine's words.
    3. As many calls as the client wants answers, where the engine gives one at a time.
    """
    if ask.untouchable and _passes(ask, backend):
        try:
            path, body = backend.pass_through(ask, model)
        except Unsupported:  # not for this model: what a translation can do is seen below
            pass
        else:
            return path, body, ask.passage(meta)
    parts = (call(),) if backend.many else split(call())
    request = backend.encode(parts[0], model, stream=ask.stream)
    if isinstance(request, Ready):
        return request
    writer = ask.writer(meta)
    if len(parts) == 1:
        return request.path, request.body, Translation(request.reader, writer, prompt_tokens=meta.prompt_tokens)
    rest = [backend.encode(part, model, stream=ask.stream) for part in parts[1:]]
    asked = [each for each in rest if not isinstance(each, Ready)]
    return request.path, request.body, PartsPassage(request, asked, writer, prompt_tokens=meta.prompt_tokens)


def _passes(ask: Ask, backend: Backend) -> bool:
    """Whether the client's own bytes may go to the engine, and the engine's to the client."""
    if ask.shape not in backend.shapes or not (backend.many or ask.generations == 1):
        return False
    return ask.stream or not backend.hears_only_streams or not ask.needs & GENERATING
