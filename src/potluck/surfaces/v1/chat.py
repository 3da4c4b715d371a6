"""``/api/v1/chat``: a conversation that is kept while it grows.

The user's message is stored before any engine sees it, the model's when it ends, however it ends: whole, failed, or
interrupted by a client that left, with the text so far.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from potluck.core.answer import Answer, Event, Failed, Reasoning, Text, collect
from potluck.core.call import ChatCall, ImagePart, Message, Part, Role, Sampling, TextPart, Thinking
from potluck.core.errors import BadRequest, ClientError, PotluckError
from potluck.core.model import ModelId
from potluck.gateway.answer_headers import CONVERSATION
from potluck.gateway.port import Generation
from potluck.storage.records import (
    Conversation,
    ConversationId,
    MessageId,
    MessageState,
    NewMessage,
    Place,
    StoredMessage,
)
from potluck.surfaces.v1.exchange import Events, Exchange, Reply, Result, Stream, origin_headers
from potluck.surfaces.v1.shapes import (
    ChatDone,
    ChatMeta,
    ChatReply,
    ChatRequest,
    Delta,
    ImageInput,
    TextInput,
    TimingsInfo,
    UsageInfo,
)

Hear = Callable[[Event], Awaitable[None]]
Began = Callable[[Generation], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Turn:
    """A stored question and the call that answers it."""

    conversation: ConversationId
    user: MessageId
    assistant: MessageId
    call: ChatCall
    new: bool


@dataclass(slots=True)
class _Growing:
    """The answer as far as it came."""

    events: list[Event] = field(default_factory=list[Event])
    origin: Generation | None = None


async def chat(exchange: Exchange, body: ChatRequest) -> Result:
    turn = await _begin(exchange, body)
    if body.stream:
        return Stream(lambda events: _stream(exchange, turn, events))

    async def ignore(_: Event | Generation) -> None:
        return

    origin, answer = await _answer(exchange, turn, ignore, ignore, whole=True)
    choice = answer.choices[0] if answer.choices else None
    done = _done(answer)
    reply = ChatReply(
        **_origin(turn, origin),
        text=choice.text if choice else "",
        reasoning=choice.reasoning if choice else "",
        finish=done.finish,
        usage=done.usage,
        timings=done.timings,
    )
    return Reply(reply, {**origin_headers([origin]), CONVERSATION: turn.conversation})


async def _stream(exchange: Exchange, turn: Turn, events: Events) -> None:
    async def began(origin: Generation) -> None:
        events.headers.update(origin_headers([origin]))
        await events.send("meta", ChatMeta(**_origin(turn, origin)))

    async def hear(event: Event) -> None:
        if isinstance(event, Text):
            await events.send("delta", Delta(event.text))
        elif isinstance(event, Reasoning):
            await events.send("reasoning", Delta(event.text))

    _, answer = await _answer(exchange, turn, began, hear)
    await events.send("done", _done(answer))


def _origin(turn: Turn, origin: Generation) -> dict[str, str]:
    return {
        "conversation": turn.conversation,
        "user_message": turn.user,
        "message": turn.assistant,
        "request_id": origin.request,
        "node": origin.node,
        "model": origin.model,
    }


def _done(answer: Answer) -> ChatDone:
    finish = answer.choices[0].finish if answer.choices else None
    return ChatDone(
        finish=finish,
        usage=UsageInfo.of(answer.usage) if answer.usage else None,
        timings=TimingsInfo.of(answer.timings) if answer.timings else None,
    )


# --- Before the model ------------------------------------------------------------------------------------------------


async def _begin(exchange: Exchange, body: ChatRequest) -> Turn:
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
    return Turn(conversation, user, assistant, call, new=thread is None)


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


# --- The answer ------------------------------------------------------------------------------------------------------


async def _answer(
    exchange: Exchange, turn: Turn, began: Began, hear: Hear, *, whole: bool = False
) -> tuple[Generation, Answer]:
    """Generate, tell as it comes, and store whatever there is when it is over."""
    growing = _Growing()
    # What stands if this task is cancelled: the client has left.
    state, failure = MessageState.INTERRUPTED, None
    try:
        origin = await _generate(exchange, turn, growing, began, hear, whole=whole)
        state = MessageState.COMPLETE
    except PotluckError as error:
        state, failure = MessageState.FAILED, error
        raise
    finally:
        await _store(exchange, turn, growing, state, failure)
    return origin, collect(growing.events)


async def _generate(
    exchange: Exchange, turn: Turn, growing: _Growing, began: Began, hear: Hear, *, whole: bool
) -> Generation:
    generate, request, terms = exchange.services.calls.generate, exchange.request_id, exchange.terms
    async with generate(turn.call, exchange.caller, whole=whole, request=request, terms=terms) as origin:
        growing.origin = origin
        exchange.request_id = origin.request
        await began(origin)
        async for event in origin.events():
            if isinstance(event, Failed):
                raise event.error
            growing.events.append(event)
            await hear(event)
    return origin


async def _store(
    exchange: Exchange, turn: Turn, growing: _Growing, state: MessageState, failure: PotluckError | None
) -> None:
    conversations, user = exchange.services.storage.conversations, exchange.caller.user
    if turn.new and growing.origin is None and isinstance(failure, ClientError):
        # Refused before it began: no conversation came of it.
        exchange.conversation = ""
        return await conversations.delete(turn.conversation, user)
    answer = collect(growing.events)
    choice = answer.choices[0] if answer.choices else None
    origin = growing.origin
    message = Message(
        Role.ASSISTANT,
        (TextPart(choice.text),) if choice and choice.text else (),
        reasoning=choice.reasoning if choice else "",
    )
    stored = NewMessage(
        turn.assistant,
        message,
        state,
        model=origin.model if origin else ModelId(turn.call.model),
        node=origin.node if origin else None,
        request=origin.request if origin else None,
        finish=choice.finish if choice else None,
        prompt_tokens=answer.usage.prompt if answer.usage else None,
        completion_tokens=answer.usage.completion if answer.usage else None,
        error=failure.message if failure else "",
    )
    await conversations.append(turn.conversation, user, [stored], exchange.services.clock(), after=turn.user)
    return None
