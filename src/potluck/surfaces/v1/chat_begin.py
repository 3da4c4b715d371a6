"""A chat request before any model sees it: checked, stored, and made an answer that may begin."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import takewhile

import msgspec

from potluck.core.call import ChatCall, ImagePart, Message, Part, Role, Sampling, TextPart, Thinking
from potluck.core.errors import BadRequest, Conflict, NotFound, StorageAway
from potluck.core.model import NodeId, RequestId, UserId
from potluck.gateway.generation import Numbered
from potluck.gateway.generations import Reading
from potluck.gateway.port import Caller
from potluck.storage.conversation_records import NO_PARAMS, Attachment, ChatParams, ConversationChange, MessageDetails
from potluck.storage.generations import (
    Began,
    Done,
    End,
    Failure,
    GenerationEvent,
    GenerationHead,
    GenerationId,
    KeptCall,
    Said,
    Stopped,
    Thought,
)
from potluck.storage.records import (
    Conversation,
    ConversationId,
    MessageId,
    MessageState,
    NewMessage,
    Place,
    StoredMessage,
)
from potluck.surfaces.v1.chat_plan import plan_of, prompt
from potluck.surfaces.v1.chat_shapes import ChatRequest, ImageInput, TextInput
from potluck.surfaces.v1.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Ids:
    """What is made for one request. Of the same user and key they are the same, so that nothing is made twice."""

    conversation: ConversationId
    system: MessageId
    said: MessageId
    answer: MessageId

    @classmethod
    def new(cls, new_id: Callable[[], str]) -> Ids:
        said, answer = MessageId(new_id()), MessageId(new_id())
        return cls(ConversationId(new_id()), MessageId(new_id()), said, answer)

    @classmethod
    def of(cls, user: UserId, key: str) -> Ids:
        def made(what: str) -> str:
            return hashlib.sha256(f"{user}\0{key}\0{what}".encode()).hexdigest()[:32]

        return cls(
            ConversationId(made("conversation")),
            MessageId(made("system")),
            MessageId(made("said")),
            MessageId(made("answer")),
        )


def digest_of(body: ChatRequest) -> str:
    """Tells requests apart that have one key: what they ask for, not how they want it told."""
    asked = msgspec.structs.replace(body, stream=True, detached=None, client_id="")
    return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()[:32]


async def begin(exchange: Exchange, body: ChatRequest, ids: Ids, asked: str) -> GenerationHead:
    """Check the request, find or make its conversation, and store the user's message in it.

    Nothing is stored for a request that is refused here. With a key, ``asked`` is not empty, and what is stored already
    was stored by a request that has not come to its end.
    """
    services, whose = exchange.services, exchange.caller.user
    store = services.storage.conversations
    # 1. What is wanted, and of which conversation.
    thread = await store.get(ConversationId(body.conversation), whose) if body.conversation else None
    plan = plan_of(thread, body)
    _check_node(exchange, body.node)
    if asked and any(each.id == ids.said for each in plan.past):
        plan = replace(plan, past=tuple(takewhile(lambda each: each.id != ids.said, plan.past)))
    attached = await services.attachments.checked(whose, body.attachments)
    said = Message(Role.USER, _parts(body.message, attached)) if plan.said else None
    if said is None and (body.message or attached):
        raise BadRequest("Nothing new is said with this.", param="message", hint="Leave the message out.")
    # 2. What the model is shown.
    about = thread.conversation if thread is not None else None
    written = body.system or (about.system if about is not None else "")
    system = Message(Role.SYSTEM, (TextPart(written),)) if written else None
    past = [await _with_files(exchange, each) for each in plan.past]
    asking = said
    if said is not None and attached:
        asking = replace(said, parts=(*await services.attachments.parts(whose, attached), *said.parts))
    call = _call(body, about.params if about is not None else NO_PARAMS, prompt(past, asking, system))
    call = replace(call, model=plan.model or call.model)
    if not call.model:
        known = about.model if about is not None else ""
        call = replace(call, model=known or services.calls.default_model(call))
    if plan.beginning is not None and call.sampling.max_tokens is not None:
        more = call.sampling.max_tokens + plan.beginning.pieces
        call = replace(call, sampling=replace(call.sampling, max_tokens=more))
    # 3. What is kept of it. Of a request that comes again, nothing twice.
    twice: tuple[type[Conflict], ...] = (Conflict,) if asked else ()
    now = services.clock()
    conversation = about.id if about is not None else ids.conversation
    with suppress(*twice):
        if about is None:
            words = said.text if said is not None else ""
            title = title_of(words or (attached[0].name if attached else ""))
            await store.create(Conversation(conversation, whose, title, now, now, body.model))
    after = plan.after
    if said is not None:
        new = [NewMessage(ids.said, said, details=MessageDetails(attachments=attached))]
        if thread is None and system is not None:
            new.insert(0, NewMessage(ids.system, system))
        with suppress(*twice):
            await store.append(conversation, whose, new, now, after=after or Place.START, model=body.model)
        after = ids.said
    elif plan.leaf is not None and about is not None and about.leaf != plan.leaf:
        with suppress(StorageAway):  # it is only about what is shown
            await store.change(conversation, whose, ConversationChange(leaf=plan.leaf), now)
    exchange.conversation = conversation
    services.announcements.conversation(whose, conversation)
    assert after is not None, "an answer follows something"
    return GenerationHead(
        GenerationId(ids.answer),
        exchange.caller.key,
        whose,
        RequestId(exchange.request_id),
        conversation,
        after,
        KeptCall.of(call),
        now,
        first=thread is None,
        whole=not body.stream,
        goes_on=body.stream if body.detached is None else body.detached,
        kind=exchange.terms.kind,
        node=NodeId(body.node),
        beginning=plan.beginning,
        asked=asked,
    )


def _check_node(exchange: Exchange, node: str) -> None:
    if node and all(engine.node != node for engine in exchange.services.fleet.snapshot()):
        raise NotFound(f"There is no node '{node}' with an engine.", hint="'potluck nodes' lists them.")


async def _with_files(exchange: Exchange, stored: StoredMessage) -> StoredMessage:
    """A message as a model is shown it: its files are read anew each time."""
    attached = stored.new.details.attachments
    if not attached:
        return stored
    parts = await exchange.services.attachments.parts(exchange.caller.user, attached)
    message = replace(stored.message, parts=(*parts, *stored.message.parts))
    return msgspec.structs.replace(stored, new=msgspec.structs.replace(stored.new, message=message))


def _parts(message: str | list[TextInput | ImageInput], attached: Sequence[Attachment]) -> tuple[Part, ...]:
    if attached and not message:
        return ()
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


def _call(body: ChatRequest, params: ChatParams, messages: tuple[Message, ...]) -> ChatCall:
    """The request's own wishes go before the conversation's."""
    return ChatCall(
        model=body.model,
        messages=messages,
        thinking=Thinking(params.think if body.think is None else body.think),
        sampling=Sampling(
            max_tokens=body.max_tokens or params.max_tokens,
            temperature=params.temperature if body.temperature is None else body.temperature,
            top_p=body.top_p or params.top_p,
            seed=params.seed if body.seed is None else body.seed,
            stop=tuple(body.stop) or params.stop,
        ),
    )


# A line in a list of conversations.
_TITLE_CHARS = 60


def title_of(text: str) -> str:
    """A conversation's name: its first words, cut between words."""
    words = " ".join(text.split())
    if len(words) <= _TITLE_CHARS:
        return words or "Image"
    cut = words[:_TITLE_CHARS].rsplit(" ", 1)[0]
    return f"{cut}…"


# --- What was answered before ----------------------------------------------------------------------------------------


def reading_of(stored: StoredMessage, caller: Caller) -> Reading:
    """An answer's message as the events that it once was."""
    new = stored.new
    head = GenerationHead(
        GenerationId(stored.id),
        caller.key,
        caller.user,
        new.request or RequestId(""),
        stored.conversation,
        stored.parent or MessageId(""),
        KeptCall.of(ChatCall(new.model or "", ())),
        stored.created_s,
    )
    found: list[GenerationEvent] = []
    if new.request is not None and new.node is not None and new.model is not None:
        found.append(Began(new.request, new.node, new.model))
    if new.message.reasoning:
        found.append(Thought(new.message.reasoning))
    if new.message.text:
        found.append(Said(new.message.text))
    found.append(_end(new))

    async def events() -> AsyncIterator[Numbered]:
        for number, event in enumerate(found, start=1):
            yield Numbered(number, event)

    return Reading(head, events())


def _end(new: NewMessage) -> End:
    details = new.details
    match new.state:
        case MessageState.COMPLETE:
            return Done(new.finish, None, None, details.first_token_s, details.tokens_per_s)
        case MessageState.FAILED:
            return Failure(details.failure or "node_error", new.error, details.hint)
        case MessageState.INTERRUPTED:
            return Stopped(details.stopped or "client")
