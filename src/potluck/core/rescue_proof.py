"""The proof that an engine goes on with a model's last message as if it had written it: asked once, then remembered.

An engine may begin a new turn instead, repeat what stands there, or drop the space before the next word; which of them
depends on its version and on the model's template. So a short answer is asked for, cut, and asked to be gone on with.
"""

from __future__ import annotations

from collections.abc import Iterable

from potluck.core.answer import Event, Text
from potluck.core.call import ChatCall, Message, Role, Sampling, TextPart, Thinking
from potluck.core.model import Capability, Model
from potluck.core.rescue import Told, Way

# Long enough to be cut in its middle, short enough for a slow machine.
_TOKENS = 24
# What must agree behind the cut: two words. More could differ, as floating point does not add up alike in both.
_CHARACTERS = 8


def question(model: Model, way: Way) -> ChatCall:
    """Something that every model answers at length, and always alike. One that can think is told not to, unless its
    engine is of a kind that never says what a model can."""
    thinks = way is Way.PREFILL and Capability.THINKING in model.capabilities
    thinking = Thinking(enabled=False) if thinks else Thinking()
    return ChatCall(
        model=model.id,
        messages=(Message(Role.USER, (TextPart("Count from one to thirty in English words, with commas."),)),),
        thinking=thinking,
        sampling=Sampling(max_tokens=_TOKENS, temperature=0.0, seed=1),
    )


def cut(events: Iterable[Event]) -> tuple[Told, str] | None:
    """The first half of an answer, and what follows it; None if it has no two halves. Cut between two pieces, which are
    tokens as a rule."""
    pieces = [event.text for event in events if isinstance(event, Text)]
    half = len(pieces) // 2
    rest = "".join(pieces[half:])
    if not half or len(rest) < _CHARACTERS:
        return None
    return Told.of([Text(piece) for piece in pieces[:half]]), rest


def goes_on(expected: str, events: Iterable[Event]) -> bool:
    """Whether an answer goes on as ``expected``."""
    said = "".join(event.text for event in events if isinstance(event, Text))
    return said[:_CHARACTERS] == expected[:_CHARACTERS]
