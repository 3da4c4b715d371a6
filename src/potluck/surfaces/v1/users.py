"""``/api/v1/users``, for owners and admins; and who one is oneself."""

from __future__ import annotations

from msgspec import UNSET

from potluck.core.errors import BadRequest
from potluck.storage.records import UserRecord
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.limit_shapes import changed
from potluck.surfaces.v1.people_shapes import NewUser, UserChange, UserInfo, UserList, user_info


async def list_users(exchange: Exchange) -> Reply:
    people = exchange.services.people
    keys = [key.user for key in await people.keys(exchange.caller) if key.live]
    ways = await people.ways()
    return Reply(UserList([user_info(user, keys.count(user.id), ways.get(user.id)) for user in await people.users()]))


async def create_user(exchange: Exchange, body: NewUser) -> Reply:
    return Reply(user_info(await exchange.services.people.add_user(exchange.caller, body.name, body.role)))


async def change_user(exchange: Exchange, body: UserChange) -> Reply:
    people, asked = exchange.services.people, exchange.path["user"]
    if body.role is None and body.disabled is None and body.limits is UNSET:
        raise BadRequest("Nothing is to be changed.", hint="Give a role, disabled or limits.")
    if body.limits is not UNSET:
        before = await people.user(asked)
        await people.set_limits(exchange.caller, asked, changed(before.limits, body.limits))
    if body.role is not None:
        await people.set_role(exchange.caller, asked, body.role)
    if body.disabled is not None:
        await people.set_disabled(exchange.caller, asked, disabled=body.disabled)
    return Reply(await _shown(exchange, await people.user(asked)))


async def remove_user(exchange: Exchange) -> Reply:
    await exchange.services.people.remove_user(exchange.caller, exchange.path["user"])
    return Reply(None)


async def read_self(exchange: Exchange) -> Reply:
    return Reply(await _shown(exchange, await exchange.services.people.user(exchange.caller.user)))


async def _shown(exchange: Exchange, user: UserRecord) -> UserInfo:
    people = exchange.services.people
    keys, ways = await people.keys(exchange.caller), await people.ways()
    return user_info(user, sum(key.live and key.user == user.id for key in keys), ways.get(user.id))
