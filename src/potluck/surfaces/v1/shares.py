"""``/api/v1/shares``: conversations that others in the house may read, or whoever has the link."""

from __future__ import annotations

from potluck.core.call import Role
from potluck.core.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthenticated
from potluck.gateway.port import NOBODY
from potluck.storage.conversation_records import Share
from potluck.storage.records import ConversationId, MessageId
from potluck.storage.temporary import is_temporary
from potluck.surfaces.v1.conversations import thread_info
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.portal_shapes import NewShare, OpenShare, SharedThread, ShareInfo, ShareList, ShareQuery
from potluck.surfaces.v1.shapes import rfc3339

_MOST = 1000


async def list_shares(exchange: Exchange, query: ShareQuery) -> Reply:
    conversation = ConversationId(query.conversation) if query.conversation else None
    shares = await exchange.services.storage.shares.all(exchange.caller.user, conversation)
    return Reply(ShareList([_info(each) for each in shares]))


async def share(exchange: Exchange, body: NewShare) -> Reply:
    """What has been said so far; nothing that is said later."""
    services, user = exchange.services, exchange.caller.user
    conversation = ConversationId(exchange.path["conversation"])
    if is_temporary(conversation):
        raise BadRequest("A temporary conversation is not shared.", hint="Begin one that is kept.")
    if body.public and not services.portal.public_shares:
        raise Forbidden(
            "Conversations are not shared outside of this house.",
            hint="Share it without 'public'; the owner may allow it by portal.public_shares.",
        )
    if len(await services.storage.shares.all(user)) >= _MOST:
        raise Conflict(f"You have shared {_MOST} times, and no more are kept.", hint="Withdraw some first.")
    thread = await services.storage.conversations.get(conversation, user)
    branch = thread.branch(MessageId(body.leaf)) if body.leaf else thread.branch()
    if not branch:
        raise NotFound("There is nothing to be shared.", hint="Name a message of this conversation.")
    now = services.clock()
    made = Share(
        services.people.token(),
        user,
        conversation,
        branch[-1].id,
        now,
        None if body.expires_in_s is None else now + body.expires_in_s,
        body.public,
    )
    await services.storage.shares.add(made)
    return Reply(_info(made))


async def withdraw(exchange: Exchange) -> Reply:
    await exchange.services.storage.shares.remove(exchange.path["share"], exchange.caller.user)
    return Reply(None)


async def open_share(exchange: Exchange, query: OpenShare) -> Reply:
    """Who has not signed in learns no more than that, unless it is public and the owner still lets that be."""
    services = exchange.services
    stranger = exchange.caller is NOBODY
    if stranger and not services.portal.public_shares:
        raise Unauthenticated()
    found, thread = await services.storage.shares.open(query.share, services.clock())
    if stranger and not found.public:
        raise Unauthenticated()
    shown = thread_info(thread, [each for each in thread.messages if each.message.role is not Role.SYSTEM])
    # How its owner keeps it, and what its owner told the model beside it, is nobody else's.
    shown.folder, shown.tags, shown.system, shown.leaf = None, [], "", found.leaf
    shown.pinned = shown.archived = False
    return Reply(
        SharedThread(
            id=found.id,
            by=services.name_of(found.user),
            public=found.public,
            created_at=rfc3339(found.created_s),
            expires_at=_until(found),
            thread=shown,
        )
    )


def _until(share: Share) -> str | None:
    return None if share.expires_s is None else rfc3339(share.expires_s)


def _info(share: Share) -> ShareInfo:
    return ShareInfo(
        id=share.id,
        conversation=share.conversation,
        path=f"/share/{share.id}",
        public=share.public,
        created_at=rfc3339(share.created_s),
        expires_at=_until(share),
    )
