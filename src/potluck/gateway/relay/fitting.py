"""How a call fits into a context: its prompt measured, an engine's own count taken in, and what the client is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from potluck.core.call import Call, EmbedCall, TextCall, said
from potluck.core.context import NUM_CTX, SURE_CONTEXT, Length, answer_room, changed, needs
from potluck.core.errors import PotluckError
from potluck.core.model import Capability, Model
from potluck.gateway import answer_headers as told
from potluck.gateway.seats import Seat
from potluck.wire.estimates import prompt_length
from potluck.wire.port import Ask

if TYPE_CHECKING:
    from potluck.gateway.relay.exchange import Exchange


def measured(ask: Ask, call: Callable[[], Call]) -> Length:
    """The tokens of the prompt; of several prompts, which are read one by one, of the longest.

    Costs some microseconds for ten kilobytes. ``call`` is only asked where there are several. Raises `BadRequest`.
    """
    if ask.generations > 1 or Capability.EMBEDDING in ask.needs:
        made = call()
        texts = made.prompts if isinstance(made, TextCall) else made.inputs if isinstance(made, EmbedCall) else ()
        if texts:
            return max(map(_length, texts))
    return prompt_length(ask.body, images=Capability.VISION in ask.needs)


def found_shorter(exchange: Exchange) -> bool:
    """Whether the prompt is less than its body let one think, which may hold much that no model reads."""
    if exchange.too_long is not None:  # an engine has counted
        return False
    try:
        spoken = said(exchange.call())
    except PotluckError:  # an engine might tell what is wrong with it; here it is too long as well
        return False
    closer = prompt_length(spoken.encode("utf-8", "surrogatepass"))
    shorter = exchange.length is not None and closer.least < exchange.length.least
    if shorter:
        exchange.length = closer
    return shorter


def _length(text: str | tuple[int, ...]) -> Length:
    return prompt_length(text.encode()) if isinstance(text, str) else Length(len(text), len(text), len(text))


def counted(guess: Length, prompt_tokens: int, context: int) -> Length:
    """``guess`` after an engine has refused the prompt for a ``context``; ``prompt_tokens`` is 0 if it did not tell."""
    if prompt_tokens:
        return Length(prompt_tokens, prompt_tokens, prompt_tokens)
    least = context + 1
    return Length(least, max(least, guess.likely), max(least, guess.most))


def notes(ask: Ask, prompt: Length | None, model: Model) -> bytes:
    """Headers for what the client does not get as it asked for it. ``prompt`` is None where it surely fits; ``model``
    is as the engine is asked to run it.
    """
    context = model.context if model.loaded_context is None else model.loaded_context
    lines = b""
    if dropped := changed(ask.options, context):
        said = ", ".join(f"{name}={'dropped' if value is None else value}" for name, value in dropped)
        lines += f"{told.OPTIONS}: {said}\r\n".encode()
    if prompt is None or context is None:
        return lines
    if prompt.likely > context and ask.may_cut:
        return lines + f"{told.TRUNCATED}: prompt\r\n".encode()
    room = answer_room(prompt, ask.answer_tokens, context)
    return lines if room is None else lines + f"{told.ANSWER_ROOM}: {room}\r\n".encode()


def with_context(exchange: Exchange, seat: Seat, begun_tokens: int = 0) -> Model:
    """The model as the engine is asked to run it for this call. ``begun_tokens`` are those of an answer that it is to
    go on with, which it reads like its prompt."""
    contexts, model = exchange.relay.dispatcher.contexts, seat.model
    loaded, needed = contexts.loaded(seat.engine, model), exchange.wish.most_tokens + begun_tokens
    if needed > (SURE_CONTEXT if loaded is None else loaded):
        room = exchange.room()
        needed = needs(room.prompt, room.wanted_tokens) + begun_tokens
    wish = exchange.ask.options.get(NUM_CTX) if exchange.ask.options else None
    exchange.num_ctx, seat.look = contexts.choose(seat.engine, model, needed, wish)
    return model if exchange.num_ctx == model.loaded_context else replace(model, loaded_context=exchange.num_ctx)
