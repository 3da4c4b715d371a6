"""``/api/v1/chat``: a conversation that is kept while it grows.

The user's message is stored before any engine sees it, and the model's when it ends, however it ends. Between the two
the answer is the service's (`gateway.generations`), and this request is no more than the first to read it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from potluck.core.errors import Conflict, NoEngineReady, NotFound, PotluckError
from potluck.gateway import answer_headers as told
from potluck.gateway.generation import Written
from potluck.gateway.generations import Reading
from potluck.storage.generations import Began, Done, GenerationEvent, GenerationHead, InLine, Seated
from potluck.storage.records import ConversationId
from potluck.storage.temporary import temporary_id
from potluck.surfaces.v1.chat_begin import Ids, begin, digest_of, reading_of
from potluck.surfaces.v1.chat_shapes import ChatReply, ChatRequest
from potluck.surfaces.v1.exchange import Events, Exchange, Reply, Result, Stream, origin_headers
from potluck.surfaces.v1.generations import done_of, send
from potluck.surfaces.v1.idempotency import idempotency_key
from potluck.surfaces.v1.limits import standing

# Services that are started anew answer again after so many seconds.
_BACK_S = 5.0


async def chat(exchange: Exchange, body: ChatRequest) -> Result:
    """Run an answer, or go on with one that an earlier request of the same key has begun."""
    key = body.client_id or idempotency_key(exchange)
    ids = Ids.of(exchange.caller.user, key) if key else Ids.new(exchange.services.new_id)
    if body.temporary:
        ids = replace(ids, conversation=temporary_id(ids.conversation))
    asked = digest_of(body) if key else ""
    if key and (before := await answered_before(exchange, body, ids, asked)) is not None:
        return before
    head = await begin(exchange, body, ids, asked)
    generations = exchange.services.generations
    generation = await generations.begin(head, exchange.caller, exchange.terms)

    async def stream(events: Events) -> None:
        try:
            with generations.attend(generation) as reading:
                await forward(exchange, reading, events)
        except asyncio.CancelledError:
            # Who heard nothing does not know what to come back to; unless it said so, it does not mean to.
            if not head.goes_on or (body.detached is None and not key and not events.begun):
                await generations.end(generation)
            raise

    if body.stream:
        return Stream(stream)
    try:
        with generations.attend(generation) as reading:
            return await whole(exchange, reading)
    except asyncio.CancelledError:  # the client has left
        if not head.goes_on:
            await generations.end(generation)
        raise


async def answered_before(exchange: Exchange, body: ChatRequest, ids: Ids, asked: str) -> Result | None:
    """What an earlier request of the same key has begun, from its beginning; None if there was none. Raises `Conflict`
    where that asked for something else."""
    generations, user = exchange.services.generations, exchange.caller.user
    try:
        summary, _ = await generations.get(ids.answer, user)
    except NotFound:
        reading = await _kept_before(exchange, ids, body.conversation or ids.conversation, asked)
        if reading is None:
            return None
    else:
        _same(summary.head.asked, asked)
        reading = None

    async def stream(events: Events) -> None:
        if reading is not None:
            await forward(exchange, reading, events)
        else:
            async with generations.reading(ids.answer, user) as found:
                await forward(exchange, found, events)

    if body.stream:
        return Stream(stream)
    if reading is not None:
        return await whole(exchange, reading)
    async with generations.reading(ids.answer, user) as found:
        return await whole(exchange, found)


async def _kept_before(exchange: Exchange, ids: Ids, conversation: str, asked: str) -> Reading | None:
    """An answer whose events are forgotten, as its message tells it."""
    user = exchange.caller.user
    try:
        thread = await exchange.services.storage.conversations.get(ConversationId(conversation), user)
    except NotFound:
        return None
    stored = next((each for each in thread.messages if each.id == ids.answer), None)
    if stored is None:
        return None
    _same(stored.new.details.asked, asked)
    return reading_of(stored, exchange.caller)


def _same(before: str, now: str) -> None:
    if before != now:
        raise Conflict("This key was sent with another request.", hint="Take a new key for each message.")


async def forward(exchange: Exchange, reading: Reading, events: Events) -> None:
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


async def whole(exchange: Exchange, reading: Reading) -> Reply:
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
