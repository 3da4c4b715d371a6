"""``/api/v1/keys``: one's own, or everybody's. A key is shown once, when it is made; only its digest is kept."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from potluck.core.errors import BadRequest
from potluck.core.model import KeyId, UserId
from potluck.storage.records import KeyRecord
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.key_shapes import KeyCreated, KeyInfo, KeyList, NewKey, Rotation
from potluck.surfaces.v1.limit_shapes import KeyChange, changed, limits_info, limits_of
from potluck.surfaces.v1.shapes import rfc3339


async def list_keys(exchange: Exchange) -> Reply:
    people = exchange.services.people
    names = {user.id: user.name for user in await people.users()}
    return Reply(KeyList([key_info(record, names) for record in await people.keys(exchange.caller)]))


async def create_key(exchange: Exchange, body: NewKey) -> Reply:
    people = exchange.services.people
    name = body.name.strip()
    if not name:
        raise BadRequest("A key needs a name.", param="name", hint="Name it after who or what will use it.")
    return await _made(
        exchange,
        await people.create_key(
            exchange.caller,
            name,
            body.user.strip(),
            expires_in_s=body.expires_in_s,
            surfaces=body.surfaces,
            models=body.models,
            limits=limits_of(body.limits),
        ),
    )


async def rotate_key(exchange: Exchange, body: Rotation) -> Reply:
    people = exchange.services.people
    made = await people.rotate_key(exchange.caller, KeyId(exchange.path["key"]), body.overlap_s)
    return await _made(exchange, made)


async def change_key(exchange: Exchange, body: KeyChange) -> Reply:
    people, key = exchange.services.people, KeyId(exchange.path["key"])
    before = await people.key(exchange.caller, key)
    record = await people.limit_key(exchange.caller, key, changed(before.limits, body.limits))
    holder = await people.user(record.user)
    return Reply(key_info(record, {holder.id: holder.name}))


async def _made(exchange: Exchange, made: tuple[KeyRecord, str]) -> Reply:
    record, key = made
    holder = await exchange.services.people.user(record.user)
    # It must not stay in any cache on the way.
    return Reply(key_created(record, key, {holder.id: holder.name}), {"cache-control": "no-store"})


async def revoke_key(exchange: Exchange) -> Reply:
    await exchange.services.people.revoke_key(exchange.caller, KeyId(exchange.path["key"]))
    return Reply(None)


def key_info(record: KeyRecord, names: Mapping[UserId, str]) -> KeyInfo:
    """What may be shown of a key; ``names`` are users'."""
    return KeyInfo(
        id=record.id,
        name=record.name,
        prefix=record.prefix,
        owner=record.owner,
        created_at=rfc3339(record.created_s),
        last_used_at=None if record.last_used_s is None else rfc3339(record.last_used_s),
        revoked_at=None if record.revoked_s is None else rfc3339(record.revoked_s),
        user=names.get(record.user, ""),
        expires_at=None if record.expires_s is None else rfc3339(record.expires_s),
        surfaces=None if record.surfaces is None else list(record.surfaces),
        models=None if record.models is None else list(record.models),
        limits=limits_info(record.limits),
    )


def key_created(record: KeyRecord, key: str, names: Mapping[UserId, str]) -> KeyCreated:
    """The same with the key itself, for this once."""
    return KeyCreated(**msgspec.structs.asdict(key_info(record, names)), key=key)
