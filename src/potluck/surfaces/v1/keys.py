"""``/api/v1/keys``, for the owner. A key is shown once, when it is made; only its digest is kept."""

from __future__ import annotations

from potluck.core.errors import BadRequest, Conflict, NotFound
from potluck.core.keys import RANDOM_BYTES, digest, make_key, prefix
from potluck.core.model import KeyId
from potluck.storage.records import KeyRecord
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.shapes import KeyCreated, KeyInfo, KeyList, NewKey, rfc3339


async def list_keys(exchange: Exchange) -> Reply:
    records = await exchange.services.storage.keys.all()
    return Reply(KeyList([_info(record) for record in records]))


async def create_key(exchange: Exchange, body: NewKey) -> Reply:
    services = exchange.services
    name = body.name.strip()
    if not name:
        raise BadRequest("A key needs a name.", param="name", hint="Name it after who or what will use it.")
    key = make_key(services.random_bytes(RANDOM_BYTES))
    record = KeyRecord(KeyId(services.new_id()), name, prefix(key), digest(key), services.clock())
    await services.storage.keys.add(record)
    await services.keys_changed()
    info = _info(record)
    return Reply(
        KeyCreated(
            id=info.id,
            name=info.name,
            prefix=info.prefix,
            owner=info.owner,
            created_at=info.created_at,
            last_used_at=None,
            revoked_at=None,
            key=key,
        ),
        # It must not stay in any cache on the way.
        {"cache-control": "no-store"},
    )


async def revoke_key(exchange: Exchange) -> Reply:
    services = exchange.services
    asked = KeyId(exchange.path["key"])
    record = next((record for record in await services.storage.keys.all() if record.id == asked), None)
    if record is None:
        raise NotFound("There is no such key.", hint="GET /api/v1/keys lists them.")
    if record.owner and record.live:
        raise Conflict("The owner's key cannot be revoked: nobody could administer Potluck then.")
    await services.storage.keys.revoke(asked, services.clock())
    await services.keys_changed()
    return Reply(None)


def _info(record: KeyRecord) -> KeyInfo:
    return KeyInfo(
        id=record.id,
        name=record.name,
        prefix=record.prefix,
        owner=record.owner,
        created_at=rfc3339(record.created_s),
        last_used_at=None if record.last_used_s is None else rfc3339(record.last_used_s),
        revoked_at=None if record.revoked_s is None else rfc3339(record.revoked_s),
    )
