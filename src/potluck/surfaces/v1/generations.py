"""``/api/v1/generations``: answers that are under way or ended lately, the caller's own; another's are not there."""

from __future__ import annotations

from typing import assert_never

import msgspec

from potluck.core.errors import BadRequest
from potluck.gateway.generation import Numbered, Written
from potluck.gateway.generations import Summary
from potluck.storage.generations import (
    Began,
    Done,
    Failure,
    GenerationEvent,
    GenerationHead,
    InLine,
    Rescued,
    Said,
    Seated,
    Stopped,
    Thought,
)
from potluck.surfaces.v1.chat_shapes import (
    ChatDone,
    ChatMeta,
    Delta,
    EventQuery,
    GenerationError,
    GenerationInfo,
    GenerationList,
    GenerationState,
    InLineInfo,
    RescuedInfo,
    SeatedInfo,
    StoppedInfo,
)
from potluck.surfaces.v1.errors import ErrorBody, ErrorInfo
from potluck.surfaces.v1.exchange import Events, Exchange, Reply, Result, Stream
from potluck.surfaces.v1.shapes import TimingsInfo, UsageInfo, rfc3339


async def list_generations(exchange: Exchange) -> Reply:
    found = await exchange.services.generations.list(exchange.caller.user)
    return Reply(GenerationList([generation_info(each) for each in found]))


async def read_generation(exchange: Exchange) -> Reply:
    summary, written = await exchange.services.generations.get(exchange.path["generation"], exchange.caller.user)
    return Reply(_state(summary, written))


async def stop_generation(exchange: Exchange) -> Reply:
    await exchange.services.generations.stop(exchange.path["generation"], exchange.caller.user)
    return Reply(None)


async def read_events(exchange: Exchange, query: EventQuery) -> Result:
    """204 is for browsers: an ``EventSource`` comes back to a stream that has ended until it is told so."""
    generations, user, generation = exchange.services.generations, exchange.caller.user, exchange.path["generation"]
    after = after_of(exchange.last_event, query)
    summary, _ = await generations.get(generation, user)
    if summary.ended_s is not None and after >= summary.last:
        return Reply(None)

    async def run(events: Events) -> None:
        async with generations.reading(generation, user, after) as reading:
            await events.open()
            async for each in reading.events:
                await send(reading.head, each, events)

    return Stream(run)


def after_of(header: str, query: EventQuery) -> int:
    """The number of the last event that a client has. Raises `BadRequest`."""
    if not header:
        return query.after
    if not header.isascii() or not header.isdecimal() or len(header) > 15:
        raise BadRequest("Invalid value for the header Last-Event-ID.", hint="It is the id of an event of this stream.")
    return int(header)


async def send(head: GenerationHead, told: Numbered, events: Events) -> None:
    name, data = _event(head, told.event)
    await events.send(name, data, told.number)


def _event(head: GenerationHead, event: GenerationEvent) -> tuple[str, msgspec.Struct]:
    match event:
        case Began():
            return "meta", meta_of(head, event)
        case Said():
            return "delta", Delta(event.text)
        case Thought():
            return "reasoning", Delta(event.text)
        case InLine():
            return "queued", InLineInfo(event.position, event.eta_s)
        case Seated():
            return "seated", SeatedInfo(event.node, event.attempts)
        case Rescued():
            return "rescued", RescuedInfo(event.node, event.attempts, event.way)
        case Done():
            return "done", done_of(event)
        case Failure():
            told = ErrorInfo(event.kind, event.message, event.hint, head.request, conversation=head.conversation)
            return "error", ErrorBody(told)
        case Stopped():
            return "stopped", _stopped(event)
        case _:
            assert_never(event)


def meta_of(head: GenerationHead, began: Began) -> ChatMeta:
    return ChatMeta(
        conversation=head.conversation,
        user_message=head.after,
        message=head.message,
        request_id=began.request,
        node=began.node,
        model=began.model,
        generation=head.id,
        continues=head.beginning.message if head.beginning is not None else "",
    )


def done_of(done: Done) -> ChatDone:
    return ChatDone(
        finish=done.finish,
        usage=UsageInfo.of(done.usage) if done.usage else None,
        timings=TimingsInfo.of(done.timings) if done.timings else None,
        first_token_ms=milliseconds(done.first_token_s),
        tokens_per_s=done.tokens_per_s,
    )


def milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _stopped(stopped: Stopped) -> StoppedInfo:
    return msgspec.convert({"why": stopped.why, "message": stopped.message}, StoppedInfo)


def generation_info(summary: Summary) -> GenerationInfo:
    head, began, standing = summary.head, summary.began, summary.standing
    position = standing.position if standing is not None else None
    node = standing.node if standing is not None and standing.node else began.node if began else None
    return GenerationInfo(
        id=head.id,
        state=summary.state,
        conversation=head.conversation,
        user_message=head.after,
        request_id=head.request,
        created_at=rfc3339(head.created_s),
        ended_at=rfc3339(summary.ended_s) if summary.ended_s is not None else None,
        asked_model=head.call.model,
        model=began.model if began else None,
        node=node,
        queued=InLineInfo(position, standing.eta_s) if standing is not None and position is not None else None,
        last_event=summary.last,
        readers=summary.readers,
        detached=head.goes_on,
    )


def _state(summary: Summary, written: Written) -> GenerationState:
    end = written.end
    return GenerationState(
        **msgspec.structs.asdict(generation_info(summary)),
        text=written.text,
        reasoning=written.reasoning,
        done=done_of(end) if isinstance(end, Done) else None,
        error=GenerationError(end.kind, end.message, end.hint) if isinstance(end, Failure) else None,
        stopped=_stopped(end) if isinstance(end, Stopped) else None,
    )
