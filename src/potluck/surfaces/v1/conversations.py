"""``/api/v1/conversations``: the caller's own; another's is not there."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from potluck.core.call import ImagePart
from potluck.core.errors import BadRequest, NotFound
from potluck.storage.conversation_records import ChatParams, ConversationChange, ConversationFilter, Titled
from potluck.storage.records import Conversation, ConversationId, MessageId, SearchHit, StoredMessage, Thread, below
from potluck.storage.temporary import is_temporary
from potluck.surfaces.v1.conversation_shapes import (
    AttachmentInfo,
    ConversationInfo,
    ConversationList,
    ConversationPatch,
    ConversationQuery,
    ConversationThread,
    MessageInfo,
    MessageRescue,
    MessagesDeleted,
    NewConversation,
    ParamsInfo,
    SearchMatch,
    SnippetPiece,
    ThreadQuery,
    ToolCallInfo,
)
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.generations import milliseconds
from potluck.surfaces.v1.shapes import rfc3339


async def list_conversations(exchange: Exchange, query: ConversationQuery) -> Reply:
    store, user = exchange.services.storage.conversations, exchange.caller.user
    if query.q:
        found = await store.search(user, query.q, limit=query.limit, cursor=query.cursor or None)
        return Reply(
            ConversationList([conversation_info(hit.conversation, _match(hit)) for hit in found.hits], found.next)
        )
    where = ConversationFilter(
        folder=None if query.folder == "none" else query.folder or UNSET,
        archived=query.archived,
        pinned=query.pinned,
        tag=query.tag,
    )
    page = await store.list(user, limit=query.limit, cursor=query.cursor or None, where=where)
    return Reply(ConversationList([conversation_info(conversation) for conversation in page.conversations], page.next))


async def create_conversation(exchange: Exchange, body: NewConversation) -> Reply:
    services = exchange.services
    now = services.clock()
    conversation = Conversation(
        ConversationId(services.new_id()),
        exchange.caller.user,
        body.title.strip() or "New conversation",
        now,
        now,
        body.model,
        titled=Titled.PERSON if body.title.strip() else Titled.WORDS,
    )
    await services.storage.conversations.create(conversation)
    services.announcements.conversation(conversation.user, conversation.id)
    return Reply(conversation_info(conversation))


async def read_conversation(exchange: Exchange, query: ThreadQuery) -> Reply:
    thread = await exchange.services.storage.conversations.get(_asked(exchange), exchange.caller.user)
    return Reply(thread_info(thread, shown_of(thread, query.branch)))


async def change_conversation(exchange: Exchange, body: ConversationPatch) -> Reply:
    services, conversation = exchange.services, _asked(exchange)
    if all(getattr(body, name) is UNSET for name in body.__struct_fields__):
        raise BadRequest("Nothing is to be changed.", hint="Give a title, for instance.")
    now = services.clock()
    change = ConversationChange(
        title=body.title,
        model=body.model,
        leaf=body.leaf,
        pinned_s=_since(body.pinned, now),
        archived_s=_since(body.archived, now),
        folder=body.folder,
        tags=UNSET if body.tags is UNSET else tuple(dict.fromkeys(" ".join(tag.split()) for tag in body.tags)),
        system=body.system,
        params=UNSET if body.params is UNSET else params_of(body.params),
    )
    changed = await services.storage.conversations.change(conversation, exchange.caller.user, change, now)
    services.announcements.conversation(exchange.caller.user, conversation)
    return Reply(conversation_info(changed))


async def delete_messages(exchange: Exchange) -> Reply:
    """1. End the answers that would follow it. 2. Delete it, with all that follows."""
    services, conversation, user = exchange.services, _asked(exchange), exchange.caller.user
    root = MessageId(exchange.path["message"])
    thread = await services.storage.conversations.get(conversation, user)
    doomed = below({each.id: each.parent for each in thread.messages}, root)
    await services.generations.drop(conversation, user, doomed)
    left, gone = await services.storage.conversations.delete_messages(conversation, user, root)
    services.announcements.conversation(user, conversation)
    return Reply(MessagesDeleted(sorted(gone), left.leaf))


async def delete_conversation(exchange: Exchange) -> Reply:
    conversation, user = _asked(exchange), exchange.caller.user
    await exchange.services.storage.conversations.delete(conversation, user)
    await exchange.services.generations.drop(conversation, user)
    exchange.services.announcements.conversation(user, conversation)
    return Reply(None)


def _asked(exchange: Exchange) -> ConversationId:
    return ConversationId(exchange.path["conversation"])


def _match(hit: SearchHit) -> SearchMatch:
    pieces = [SnippetPiece(piece.text, piece.found) for piece in hit.snippet]
    return SearchMatch(hit.message, "".join(piece.text for piece in pieces), pieces)


def shown_of(thread: Thread, branch: str) -> tuple[StoredMessage, ...]:
    """The messages of a branch, all if none is asked for. Raises `NotFound`."""
    if not branch:
        return thread.messages
    if branch == "active":
        return thread.branch()
    found = thread.branch(MessageId(branch))
    if not found:
        raise NotFound(f"There is no message {branch!r} in this conversation.", hint="Read it again to see them.")
    return found


def _since(wanted: bool | UnsetType, now: float) -> float | UnsetType | None:
    return UNSET if wanted is UNSET else now if wanted else None


def params_of(info: ParamsInfo) -> ChatParams:
    return ChatParams(info.temperature, info.top_p, info.max_tokens, info.seed, tuple(info.stop), info.think)


def conversation_info(conversation: Conversation, match: SearchMatch | None = None) -> ConversationInfo:
    return ConversationInfo(
        id=conversation.id,
        title=conversation.title,
        model=conversation.model,
        message_count=conversation.messages,
        created_at=rfc3339(conversation.created_s),
        updated_at=rfc3339(conversation.updated_s),
        match=match,
        titled=conversation.titled,
        pinned=conversation.pinned_s is not None,
        archived=conversation.archived_s is not None,
        folder=conversation.folder,
        tags=list(conversation.tags),
        temporary=is_temporary(conversation.id),
    )


def thread_info(thread: Thread, messages: Sequence[StoredMessage]) -> ConversationThread:
    """A conversation with some of its messages."""
    about = thread.conversation
    children: dict[MessageId | None, list[str]] = {}
    for each in thread.messages:
        children.setdefault(each.parent, []).append(each.id)
    leaf = about.leaf or (thread.messages[-1].id if thread.messages else None)
    params = about.params
    return ConversationThread(
        **msgspec.structs.asdict(conversation_info(about)),
        messages=[message_info(each, children.get(each.id, [])) for each in messages],
        leaf=leaf,
        roots=children.get(None, []),
        system=about.system,
        params=ParamsInfo(
            params.temperature, params.top_p, params.max_tokens, params.seed, list(params.stop), params.think
        ),
    )


def message_info(stored: StoredMessage, children: list[str]) -> MessageInfo:
    new, message, details = stored.new, stored.message, stored.new.details
    return MessageInfo(
        id=stored.id,
        role=message.role,
        text=message.text,
        state=new.state,
        created_at=rfc3339(stored.created_s),
        parent=stored.parent,
        reasoning=message.reasoning,
        images=sum(isinstance(part, ImagePart) for part in message.parts),
        model=new.model,
        node=new.node,
        request_id=new.request,
        finish=new.finish,
        prompt_tokens=new.prompt_tokens,
        completion_tokens=new.completion_tokens,
        error=new.error,
        children=children,
        first_token_ms=milliseconds(details.first_token_s),
        tokens_per_s=details.tokens_per_s,
        rescued=[MessageRescue(each.node, each.way) for each in details.rescues],
        attachments=[
            AttachmentInfo(each.file, each.name, each.media_type, each.size_bytes) for each in details.attachments
        ],
        tool_calls=[ToolCallInfo(call.id, call.name, call.arguments) for call in message.tool_calls],
        tool=message.name,
        error_type=details.failure,
        error_hint=details.hint,
        stopped=details.stopped,
    )
