"""``/api/v1/chat``: a conversation that is kept while it grows.

The user's message is stored before any engine sees it, and the model's when it ends, however it ends. Between the two
the answer is the service's (`gateway.generations`), and this request is no more than the first to read it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from potluck.core.call import ChatCall, ImagePart, Message, Part, Role, Sampling, TextPart, Thinking
from potluck.core.errors import BadRequest, Conflict, NoEngineReady, PotluckError
from potluck.core.model import RequestId
from potluck.gateway import answer_headers as told
from potluck.gateway.generation import Written
from potluck.gateway.generations import Reading
from potluck.storage.generations import (
    Began,
    Done,
    GenerationEvent,
    GenerationHead,
    GenerationId,
    InLine,
    KeptCall,
    Seated,
)
from potluck.storage.records import Conversation, ConversationId, MessageId, NewMessage, Place, StoredMessage
from potluck.surfaces.v1.exchange import Events, Exchange, Reply, Result, Stream, origin_headers
from potluck.surfaces.v1.generations import done_of, send
from potluck.surfaces.v1.limits import standing
from potluck.surfaces.v1.shapes import ChatReply, ChatRequest, ImageInput, TextInput

# Services that are started anew answer again after so many seconds.
_BACK_S = 5.0


async def chat(exchange: Exchange, body: ChatRequest) -> Result:
    head = await _begin(exchange, body)
    generations = exchange.services.generations
    generation = await generations.begin(head, exchange.caller, exchange.terms)

    async def stream(events: Events) -> None:
        try:
            with generations.attend(generation) as reading:
                await _forward(exchange, reading, events)
        except asyncio.CancelledError:
            # Who heard nothing does not know what to come back to; unless it said so, it does not mean to.
            if not head.goes_on or (body.detached is None and not events.begun):
                await generations.end(generation)
            raise

    if body.stream:
        return Stream(stream)
    try:
        with generations.attend(generation) as reading:
            return await _whole(exchange, reading)
    except asyncio.CancelledError:  # the client has left
        if not head.goes_on:
            await generations.end(generation)
        raise


async def _forward(exchange: Exchange, reading: Reading, events: Events) -> None:
    """As it comes. What ends it before its first event is an HTTP status."""
    head = reading.head
    async for each in reading.events:
        if not events.begun:
            if reading.error is not None:
                raise reading.error
            events.headers.update({**_headers(head, each.event), **await standing(exchange)})
        await send(head, each, events)
    if not events.begun:
        raise _why_not(exchange, reading, heard=False)


async def _whole(exchange: Exchange, reading: Reading) -> Reply:
    """All at once."""
    head = reading.head
    events = [each.event async for each in reading.events]
    written = Written.of(events)
    began, end = written.began, written.end
    if began is None or not isinstance(end, Done):
        raise _why_not(exchange, reading, heard=bool(events))
    done = done_of(end)
    reply = ChatReply(
        **_origin(head, began),
        text=written.text,
        reasoning=written.reasoning,
        finish=done.finish,
        usage=done.usage,
        timings=done.timings,
    )
    return Reply(reply, {**_headers(head, began), **await standing(exchange)})


def _why_not(exchange: Exchange, reading: Reading, *, heard: bool) -> PotluckError:
    """The reason for an answer that is not there, or not whole."""
    if reading.error is None:
        if reading.stopped:
            return Conflict("The answer was stopped before its end.")
        return NoEngineReady("Potluck is stopping.", retry_after_s=_BACK_S)
    if not heard and reading.head.first:
        exchange.conversation = ""  # there is none: it was refused before it began
    return reading.error


def _headers(head: GenerationHead, event: GenerationEvent) -> dict[str, str]:
    """What the first event tells beside it."""
    named = {
        told.REQUEST_ID: head.request,
        told.CONVERSATION: head.conversation,
        told.GENERATION: head.id,
        "content-location": f"/api/v1/generations/{head.id}/events",
    }
    if isinstance(event, Began):
        named.update(origin_headers([event]))
    elif isinstance(event, Seated):
        named[told.NODE] = event.node
        named[told.ATTEMPTS] = str(event.attempts)
    elif isinstance(event, InLine):
        named[told.QUEUE_POSITION] = str(event.position)
        named[told.QUEUE_ETA_MS] = str(round(event.eta_s * 1000))
    return named


def _origin(head: GenerationHead, began: Began) -> dict[str, str]:
    return {
        "conversation": head.conversation,
        "user_message": head.after,
        "message": head.message,
        "request_id": began.request,
        "node": began.node,
        "model": began.model,
        "generation": head.id,
    }


# --- Before the model ------------------------------------------------------------------------------------------------


async def _begin(exchange: Exchange, body: ChatRequest) -> GenerationHead:
    """Check the request, find or make its conversation, and store the user's message in it.

    Nothing is stored for a request that is refused here.
    """
    services, whose = exchange.services, exchange.caller.user
    said = Message(Role.USER, _parts(body.message))
    thread = (
        await services.storage.conversations.get(ConversationId(body.conversation), whose)
        if body.conversation
        else None
    )
    past = thread.branch() if thread else ()
    system = Message(Role.SYSTEM, (TextPart(body.system),)) if body.system else None
    call = _call(body, prompt(past, said, system))
    if not call.model:
        known = thread.conversation.model if thread else ""
        call = replace(call, model=known or services.calls.default_model(call))

    now = services.clock()
    user, assistant = MessageId(services.new_id()), MessageId(services.new_id())
    new = [NewMessage(user, said)]
    if thread is None:
        conversation = ConversationId(services.new_id())
        if system:
            new.insert(0, NewMessage(MessageId(services.new_id()), system))
        await services.storage.conversations.create(
            Conversation(conversation, whose, title_of(said.text), now, now, body.model)
        )
    else:
        conversation = thread.conversation.id
    after = past[-1].id if past else Place.START
    await services.storage.conversations.append(conversation, whose, new, now, after=after, model=body.model)
    exchange.conversation = conversation
    return GenerationHead(
        GenerationId(assistant),
        exchange.caller.key,
        whose,
        RequestId(exchange.request_id),
        conversation,
        user,
        KeptCall.of(call),
        now,
        first=thread is None,
        whole=not body.stream,
        goes_on=body.stream if body.detached is None else body.detached,
        kind=exchange.terms.kind,
    )


def _parts(message: str | list[TextInput | ImageInput]) -> tuple[Part, ...]:
    if isinstance(message, str):
        message = [TextInput(message)]
    parts = tuple(_part(given, number) for number, given in enumerate(message))
    if not any(isinstance(part, ImagePart) or part.text.strip() for part in parts):
        raise BadRequest("The message is empty.", param="message", hint="Send some text.")
    return parts


def _part(given: TextInput | ImageInput, number: int) -> TextPart | ImagePart:
    if isinstance(given, TextInput):
        return TextPart(given.text)
    if bool(given.data) == bool(given.url):
        raise BadRequest("An image has either 'data' or 'url'.", param=f"message[{number}]", hint="Send one of them.")
    if given.url and not given.url.startswith(("http://", "https://")):
        raise BadRequest(
            "An image's url must begin with http:// or https://.",
            param=f"message[{number}].url",
            hint="Send the image's bytes as base64 in 'data' instead.",
        )
    return ImagePart(given.data, given.media_type, given.url)


def _call(body: ChatRequest, messages: tuple[Message, ...]) -> ChatCall:
    return ChatCall(
        model=body.model,
        messages=messages,
        thinking=Thinking(body.think),
        sampling=Sampling(
            max_tokens=body.max_tokens,
            temperature=body.temperature,
            top_p=body.top_p,
            seed=body.seed,
            stop=tuple(body.stop),
        ),
    )


def prompt(past: Sequence[StoredMessage], said: Message, system: Message | None) -> tuple[Message, ...]:
    """What the model is shown: the conversation so far and the new message.

    A question that no engine ever began to answer was refused with an error: it is not part of what follows, or one
    that was too long would make every later one too long. ``system`` replaces the conversation's own. Two messages
    of one role in a row become one, since many chat templates insist that roles alternate.
    """
    kept: list[Message] = []
    for stored in past:
        if stored.message.role is Role.ASSISTANT and stored.new.request is None and not stored.message.text:
            if kept and kept[-1].role is Role.USER:
                kept.pop()
        elif stored.message.parts:
            kept.append(replace(stored.message, reasoning=""))
    if system:
        kept = [system, *(message for message in kept if message.role is not Role.SYSTEM)]
    joined: list[Message] = []
    for message in [*kept, said]:
        if joined and joined[-1].role is message.role:
            joined[-1] = replace(message, parts=(*joined[-1].parts, TextPart("\n\n"), *message.parts))
        else:
            joined.append(message)
    return tuple(joined)


# A line in a list of conversations.
_TITLE_CHARS = 60


def title_of(text: str) -> str:
    """A conversation's name: its first words, cut between words."""
    words = " ".join(text.split())
    if len(words) <= _TITLE_CHARS:
        return words or "Image"
    cut = words[:_TITLE_CHARS].rsplit(" ", 1)[0]
    return f"{cut}…"
