"""``/api/v1/conversations``: the caller's own; another's is not there."""

from __future__ import annotations

from potluck.core.call import ImagePart
from potluck.storage.records import Conversation, ConversationId, StoredMessage
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.shapes import (
    ConversationInfo,
    ConversationList,
    ConversationQuery,
    ConversationThread,
    MessageInfo,
    NewConversation,
    Rename,
    SearchMatch,
    rfc3339,
)


async def list_conversations(exchange: Exchange, query: ConversationQuery) -> Reply:
    store, user = exchange.services.storage.conversations, exchange.caller.user
    if query.q:
        hits = await store.search(user, query.q, limit=query.limit)
        return Reply(
            ConversationList(
                [conversation_info(hit.conversation, SearchMatch(hit.message, hit.snippet)) for hit in hits]
            )
        )
    page = await store.list(user, limit=query.limit, cursor=query.cursor or None)
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
    )
    await services.storage.conversations.create(conversation)
    return Reply(conversation_info(conversation))


async def read_conversation(exchange: Exchange) -> Reply:
    thread = await exchange.services.storage.conversations.get(_asked(exchange), exchange.caller.user)
    info = conversation_info(thread.conversation)
    return Reply(
        ConversationThread(
            id=info.id,
            title=info.title,
            model=info.model,
            message_count=info.message_count,
            created_at=info.created_at,
            updated_at=info.updated_at,
            messages=[_message(stored) for stored in thread.messages],
        )
    )


async def rename_conversation(exchange: Exchange, body: Rename) -> Reply:
    services = exchange.services
    renamed = await services.storage.conversations.rename(
        _asked(exchange), exchange.caller.user, body.title, services.clock()
    )
    return Reply(conversation_info(renamed))


async def delete_conversation(exchange: Exchange) -> Reply:
    conversation, user = _asked(exchange), exchange.caller.user
    await exchange.services.storage.conversations.delete(conversation, user)
    await exchange.services.generations.drop(conversation, user)
    return Reply(None)


def _asked(exchange: Exchange) -> ConversationId:
    return ConversationId(exchange.path["conversation"])


def conversation_info(conversation: Conversation, match: SearchMatch | None = None) -> ConversationInfo:
    return ConversationInfo(
        id=conversation.id,
        title=conversation.title,
        model=conversation.model,
        message_count=conversation.messages,
        created_at=rfc3339(conversation.created_s),
        updated_at=rfc3339(conversation.updated_s),
        match=match,
    )


def _message(stored: StoredMessage) -> MessageInfo:
    new, message = stored.new, stored.message
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
    )
