"""``/api/v1/code/complete``: the code that belongs at the cursor. Cleaning it of fences and echo happens below."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from potluck.core.answer import Answer, Event, Failed, Text, collect
from potluck.core.call import InfillCall, Sampling, Snippet
from potluck.core.errors import BadRequest
from potluck.core.model import Capability
from potluck.core.scheduling.classes import Kind
from potluck.gateway.port import Generation
from potluck.surfaces.v1.chat_shapes import ChatDone, Delta
from potluck.surfaces.v1.code_shapes import CompleteMeta, CompleteReply, CompleteRequest, Method
from potluck.surfaces.v1.exchange import Events, Exchange, Reply, Result, Stream, origin_headers
from potluck.surfaces.v1.limits import standing
from potluck.surfaces.v1.shapes import TimingsInfo, UsageInfo

T = TypeVar("T")

# Two empty lines end a function or a class in most languages' styles: what follows is another thing.
_ENDS = ("\n\n\n",)
# Little chance: of several completions an editor shows one.
_TEMPERATURE = 0.1


async def complete(exchange: Exchange, body: CompleteRequest) -> Result:
    call = _call(exchange, body)
    if body.stream:
        return Stream(lambda events: _newest(exchange, body, _stream(exchange, call, events)))

    async def ignore(_: Event | Generation) -> None:
        return

    origin, answer = await _newest(exchange, body, _run(exchange, call, ignore, ignore, whole=True))
    choice = answer.choices[0] if answer.choices else None
    reply = CompleteReply(
        text=choice.text if choice else "",
        model=origin.model,
        node=origin.node,
        request_id=origin.request,
        method=_method(exchange, origin),
        finish=choice.finish if choice else None,
        usage=UsageInfo.of(answer.usage) if answer.usage else None,
    )
    return Reply(reply, {**origin_headers([origin]), **await standing(exchange)})


async def _newest(exchange: Exchange, body: CompleteRequest, work: Coroutine[Any, Any, T]) -> T:
    return await exchange.services.newest.run(exchange.caller.user, body.editor, work)


async def _stream(exchange: Exchange, call: InfillCall, events: Events) -> None:
    async def began(origin: Generation) -> None:
        events.headers.update({**origin_headers([origin]), **await standing(exchange)})
        await events.send("meta", CompleteMeta(origin.model, origin.node, origin.request, _method(exchange, origin)))

    async def hear(event: Event) -> None:
        if isinstance(event, Text):
            await events.send("delta", Delta(event.text))

    _, answer = await _run(exchange, call, began, hear)
    await events.send(
        "done",
        ChatDone(
            answer.choices[0].finish if answer.choices else None,
            UsageInfo.of(answer.usage) if answer.usage else None,
            TimingsInfo.of(answer.timings) if answer.timings else None,
        ),
    )


def _call(exchange: Exchange, body: CompleteRequest) -> InfillCall:
    if not body.prefix and not body.suffix:
        raise BadRequest("There is no code to complete.", param="prefix", hint="Send the code before the cursor.")
    call = InfillCall(
        model=body.model,
        prefix=body.prefix,
        suffix=body.suffix,
        language=body.language,
        path=body.path,
        snippets=tuple(Snippet(snippet.path, snippet.text) for snippet in body.snippets),
        sampling=Sampling(
            max_tokens=body.max_tokens,
            temperature=_TEMPERATURE if body.temperature is None else body.temperature,
            stop=tuple(body.stop) or _ENDS,
        ),
    )
    return call if call.model else replace(call, model=exchange.services.calls.default_model(call))


def _method(exchange: Exchange, origin: Generation) -> Method:
    fills_in = any(
        engine.node == origin.node and Capability.INSERT in model.capabilities
        for engine, model in exchange.services.fleet.where(origin.model)
    )
    return "infill" if fills_in else "instruct"


async def _run(
    exchange: Exchange,
    call: InfillCall,
    began: Callable[[Generation], Awaitable[None]],
    hear: Callable[[Event], Awaitable[None]],
    *,
    whole: bool = False,
) -> tuple[Generation, Answer]:
    kept: list[Event] = []
    generate, request, terms = exchange.services.calls.generate, exchange.request_id, exchange.terms
    async with generate(
        call, exchange.caller, kind=Kind.COMPLETION, whole=whole, request=request, terms=terms
    ) as origin:
        exchange.request_id = origin.request
        await began(origin)
        async for event in origin.events():
            if isinstance(event, Failed):
                raise event.error
            kept.append(event)
            await hear(event)
    return origin, collect(kept)
