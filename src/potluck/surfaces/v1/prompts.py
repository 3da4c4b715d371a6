"""``/api/v1/prompts``: texts to begin with, one's own and those that others share."""

from __future__ import annotations

from msgspec import UNSET

from potluck.core.errors import BadRequest, Conflict
from potluck.core.model import UserId
from potluck.core.people import Right
from potluck.core.prompts import variables
from potluck.storage.conversation_records import Prompt, PromptChange
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.portal_shapes import NewPrompt, PromptInfo, PromptList, PromptPatch, PromptVariable
from potluck.surfaces.v1.shapes import rfc3339

_MOST = 1000


async def list_prompts(exchange: Exchange) -> Reply:
    prompts = await exchange.services.storage.prompts.visible(exchange.caller.user)
    return Reply(PromptList([_info(exchange, each) for each in prompts]))


async def create_prompt(exchange: Exchange, body: NewPrompt) -> Reply:
    services, user = exchange.services, exchange.caller.user
    known = await services.storage.prompts.visible(user)
    if sum(each.user == user for each in known) >= _MOST:
        raise Conflict(f"You have {_MOST} prompts, and no more are kept.", hint="Remove some first.")
    now = services.clock()
    prompt = Prompt(services.new_id(), user, body.name.strip(), body.text, now, now, body.shared)
    await services.storage.prompts.add(prompt)
    return Reply(_info(exchange, prompt))


async def change_prompt(exchange: Exchange, body: PromptPatch) -> Reply:
    services = exchange.services
    if body == PromptPatch():
        raise BadRequest("Nothing is to be changed.", hint="Give a name, a text or shared.")
    change = PromptChange(body.name.strip() if body.name is not UNSET else UNSET, body.text, body.shared)
    prompt = exchange.path["prompt"]
    changed = await services.storage.prompts.change(prompt, await _whose(exchange, prompt), change, services.clock())
    return Reply(_info(exchange, changed))


async def remove_prompt(exchange: Exchange) -> Reply:
    prompt = exchange.path["prompt"]
    await exchange.services.storage.prompts.remove(prompt, await _whose(exchange, prompt))
    return Reply(None)


async def _whose(exchange: Exchange, prompt: str) -> UserId | None:
    """The caller; None where it may change what others share, and this one is shared by another."""
    caller = exchange.caller
    if not caller.may(Right.MANAGE_PEOPLE):
        return caller.user
    known = await exchange.services.storage.prompts.visible(caller.user)
    return caller.user if any(each.id == prompt and each.user == caller.user for each in known) else None


def _info(exchange: Exchange, prompt: Prompt) -> PromptInfo:
    caller = exchange.caller
    return PromptInfo(
        id=prompt.id,
        name=prompt.name,
        text=prompt.text,
        shared=prompt.shared,
        mine=prompt.user == caller.user or caller.may(Right.MANAGE_PEOPLE),
        by=exchange.services.name_of(prompt.user),
        variables=[PromptVariable(each.name, each.default) for each in variables(prompt.text)],
        updated_at=rfc3339(prompt.updated_s),
    )
