"""What the relay refuses by who asks: before a body is read where that can be, and in the dialect of the path."""

from __future__ import annotations

import json

import msgspec
import pytest

from potluck.core.people import Right
from potluck.core.scopes import Scope
from potluck.gateway.port import Caller
from tests.gateway.world import World, world


def limited(made: World, **values: object) -> None:
    """Everybody who asks is limited from now on."""
    found = made.relay.authenticate

    def authenticate(request: object) -> Caller:
        return msgspec.structs.replace(found(request), **values)  # type: ignore[arg-type]

    made.relay.authenticate = authenticate


@pytest.mark.parametrize(
    ("scope", "status", "told"),
    [
        (Scope(surfaces=("openai",), models=("m",)), 200, ""),
        (Scope(models=("m:latest",)), 200, ""),
        (Scope(surfaces=("ollama", "native")), 403, "It is for ollama, native."),
        (Scope(models=("chat", "n")), 403, "It may ask for chat, n."),
    ],
)
async def test_a_key_is_kept_to_what_it_is_for(scope: Scope, status: int, told: str) -> None:
    async with world() as made:
        limited(made, scope=scope)
        client = await made.connect()
        client.ask()
        answered, _, body = await client.answer()
        assert answered == status
        if told:
            error = json.loads(body)["error"]
            assert told in error["message"]
            assert not made.engines[0].requests


async def test_a_door_is_for_callers_with_its_right() -> None:
    async with world() as made:
        doors = made.relay.doors[b"/v1/chat/completions"]
        doors[b"POST"] = msgspec.structs.replace(doors[b"POST"], right=Right.MANAGE_PEOPLE)
        client = await made.connect()
        client.ask()
        status, _, body = await client.answer()
        assert (status, "Your role, member," in body.decode()) == (403, True)
