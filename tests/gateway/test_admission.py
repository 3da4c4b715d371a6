"""Limits on the wire: who is let in, who is refused, and what each is told."""

from __future__ import annotations

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from potluck.core.catalogue import RouteRule
from potluck.core.errors import RateLimited, StorageAway
from potluck.core.limits import Limits, Plan, Rules
from potluck.core.model import KeyId, UserId
from potluck.core.people import Role
from potluck.core.scheduling.classes import Kind
from potluck.gateway.port import Caller
from potluck.storage.shared.memory import MemoryMeter
from tests.gateway.world import Answer, EngineSide, World, says_hi, text, until, world

ROUTES = {"talk": RouteRule("talk")}


def limited(*scripts: Answer, **said: Any) -> AbstractAsyncContextManager[World]:
    """A world in which no time passes but what is skipped: nothing comes back unnoticed on a slow machine."""
    return world(*scripts, still=True, **said)


async def asked(w: World, *, model: str = "m", **fields: str) -> tuple[int, dict[str, str], bytes]:
    client = await w.connect()
    client.ask(model=model, **fields)
    return await client.answer()


async def test_who_has_no_limit_is_told_of_none() -> None:
    async with limited() as w:
        status, headers, _ = await asked(w)
        assert status == 200
        assert not [name for name in headers if "ratelimit" in name]


async def test_of_many_at_once_exactly_as_many_are_let_in_as_may_be() -> None:
    async with limited(slots=64, depth=64, user_limits=Limits(requests_per_minute=7)) as w:
        answers = await asyncio.gather(*(asked(w) for _ in range(30)))
        assert sorted(status for status, _, _ in answers) == [200] * 7 + [429] * 23
        assert w.nothing_is_held()


async def test_a_refusal_names_the_limit_and_when_to_come_back() -> None:
    async with limited(user_limits=Limits(requests_per_minute=2)) as w:
        for _ in range(2):
            assert (await asked(w))[0] == 200
        status, headers, body = await asked(w)
        assert status == 429
        assert headers["retry-after"] == "30"
        error = json.loads(body)["error"]
        assert error["type"] == "rate_limit_error"
        assert error["message"] == ("Over the limit of the user 'test': 2 requests per minute. Try again in 30 s.")
        assert headers["x-ratelimit-limit-requests"] == "2"
        assert headers["x-ratelimit-remaining-requests"] == "0"
        assert w.metrics.limits == {("user", "requests_per_minute"): 1}
        w.skip(30.0)
        assert (await asked(w))[0] == 200


async def test_who_is_let_in_is_told_what_is_left() -> None:
    async with limited(user_limits=Limits(requests_per_minute=20, tokens_per_day=10_000)) as w:
        _, headers, _ = await asked(w, max_tokens="100")
        assert headers["x-ratelimit-limit-requests"] == "20"
        assert headers["x-ratelimit-remaining-requests"] == "19"
        assert headers["x-ratelimit-reset-requests"] == "3s"
        assert headers["x-ratelimit-limit-tokens"] == "10000"
        assert headers["ratelimit-policy"] == (
            '"user-requests-per-minute";q=20;w=60, "user-tokens-per-day";q=10000;qu="tokens";w=86400'
        )
        assert headers["ratelimit"].startswith('"user-requests-per-minute";r=19;t=3, "user-tokens-per-day";r=98')


async def test_tokens_are_set_aside_at_the_beginning_and_settled_by_the_true_count() -> None:
    async with limited(user_limits=Limits(tokens_per_day=1_000)) as w:
        _, headers, _ = await asked(w, max_tokens="900")
        assert int(headers["x-ratelimit-remaining-tokens"]) < 100
        _, headers, _ = await asked(w, max_tokens="900")
        assert int(headers["x-ratelimit-remaining-tokens"]) < 100, "3 + 1 were used, the rest came back"
        levels = await w.relay.admission.levels(caller(w))
        assert levels[0].remaining == 1_000 - 2 * 4


def caller(w: World) -> Caller:
    plan = Rules().of_caller(UserId("u"), "test", Role.MEMBER, Limits(tokens_per_day=1_000, images_per_day=5))
    return Caller(KeyId("k"), "test", UserId("u"), plan=plan)


async def test_of_tokens_never_more_are_set_aside_at_once_than_there_are() -> None:
    decided = asyncio.Event()

    async def waits(engine: EngineSide) -> None:
        await decided.wait()  # what a call gives back at its end must not let in another
        await says_hi(engine)

    async with limited(waits, slots=64, depth=64, user_limits=Limits(tokens_per_minute=1_000)) as w:
        asking = [asyncio.ensure_future(asked(w, max_tokens="200")) for _ in range(12)]
        await until(lambda: sum(each.done() for each in asking) == 8)
        assert all(each.result()[0] == 429 for each in asking if each.done())
        decided.set()
        assert sorted([status for status, _, _ in await asyncio.gather(*asking)]) == [200] * 4 + [429] * 8


async def test_more_calls_at_once_than_may_run_are_refused_and_a_place_comes_back() -> None:
    waits = asyncio.Event()

    async def slow(engine: EngineSide) -> None:
        await waits.wait()
        await says_hi(engine)

    async with limited(slow, slots=8, user_limits=Limits(concurrent=2)) as w:
        running = [await w.connect() for _ in range(2)]
        for client in running:
            client.ask()
        await until(lambda: len(w.engines[0].requests) == 2)
        status, headers, body = await asked(w)
        assert (status, headers["retry-after"]) == (429, "2")
        assert b"2 concurrent calls" in body
        running[0].abort()
        await until(lambda: len(w.relay.exchanges) == 1)
        waits.set()
        assert (await asked(w))[0] == 200
        assert (await running[1].answer())[0] == 200


async def test_a_call_that_no_engine_could_serve_costs_nothing() -> None:
    async def broken(engine: EngineSide) -> None:
        engine.reply(b"{}", "500 Internal Server Error")

    async with limited(broken, user_limits=Limits(requests_per_minute=5, tokens_per_minute=5_000)) as w:
        status, headers, _ = await asked(w)
        assert status >= 500
        assert headers["x-ratelimit-remaining-requests"] == "4"
        status, headers, _ = await asked(w)
        assert headers["x-ratelimit-remaining-requests"] == "4"


async def test_the_strictest_of_all_that_apply_holds() -> None:
    rules = Rules(
        default=Limits(requests_per_minute=1),
        roles={Role.MEMBER: Limits(requests_per_minute=3)},
        routes={"Talk": Limits(requests_per_minute=2)},
    )
    async with limited(rules=ROUTES, allowed=rules, user_limits=Limits(requests_per_minute=30)) as w:
        assert [(await asked(w, model="talk"))[0] for _ in range(2)] == [200, 200]
        status, _, body = await asked(w, model="talk")
        assert status == 429
        assert b"the route 'Talk'" in body
        assert (await asked(w))[0] == 200, "who was refused has spent nothing of the others"
        status, _, body = await asked(w)
        assert status == 429
        assert b"the role member" in body


async def test_only_the_models_that_are_allowed_may_be_asked_for() -> None:
    async with limited(rules=ROUTES, user_limits=Limits(models=("talk",))) as w:
        status, _, body = await asked(w)
        assert status == 403
        assert b"The user 'test' may not ask for 'm'. It may ask for talk." in body
        assert (await asked(w, model="talk"))[0] == 200


async def test_nobody_claims_a_higher_class_than_its_own() -> None:
    kinds: list[Kind] = []

    async with limited(user_limits=Limits(priority=Kind.BACKGROUND)) as w:
        w.relay.watcher = lambda exchange, cancelled: kinds.append(exchange.wish.kind)
        for claimed in ("completion", "batch"):
            client = await w.connect()
            client.post(b'{"model":"m","messages":[{"role":"user","content":"x"}]}', f"x-potluck-class: {claimed}")
            assert (await client.answer())[0] == 200
    assert kinds == [Kind.BACKGROUND, Kind.BATCH]


async def test_a_budget_warns_when_it_is_passed_and_refuses_nothing() -> None:
    async with limited(user_limits=Limits(budget_tokens_per_day=6)) as w:
        assert "x-potluck-budget" not in (await asked(w))[1]
        assert "x-potluck-budget" not in (await asked(w))[1]
        status, headers, _ = await asked(w)
        assert (status, headers["x-potluck-budget"]) == (200, "passed; tokens-per-day=6")


async def test_a_stream_tells_in_its_head_too() -> None:
    async with limited(user_limits=Limits(requests_per_day=10)) as w:
        client = await w.connect()
        client.ask(stream=True)
        _, headers, body = await client.answer()
        assert headers["x-ratelimit-remaining-requests"] == "9"
        assert text("i") in body


async def test_images_are_counted_by_the_day() -> None:
    async with limited() as w:
        admission, anna = w.relay.admission, caller(w)
        await admission.spend_images(anna, 3, "a")
        with pytest.raises(RateLimited, match="5 images per day"):
            await admission.spend_images(anna, 3, "b")
        await admission.give_images_back(anna, 1)
        await admission.spend_images(anna, 3, "c")
        await admission.spend_images(Caller(KeyId("x"), "x", UserId("x")), 99, "d")


class Away(MemoryMeter):
    """A server that may go, and be waited for."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)
        self.gone = False
        self.asked = 0
        self.waits: asyncio.Event | None = None

    async def take(self, claims, holds=(), call=""):  # type: ignore[no-untyped-def]
        self.asked += 1
        if self.waits is not None:
            await self.waits.wait()
        if self.gone:
            raise StorageAway("gone", retry_after_s=1.0)
        return await super().take(claims, holds, call)

    async def levels(self, claims):  # type: ignore[no-untyped-def]
        if self.gone:
            raise StorageAway("gone", retry_after_s=1.0)
        return await super().levels(claims)


async def test_shared_limits_are_asked_and_given_back() -> None:
    shared = Away()
    async with limited(user_limits=Limits(requests_per_day=3, concurrent=1), shared_meter=shared) as w:
        assert [(await asked(w))[0] for _ in range(4)] == [200, 200, 200, 429]
        await until(w.nothing_is_held)
        assert not w.relay.admission.meter.held


async def test_with_the_server_gone_this_gateways_own_limits_hold_at_once() -> None:
    shared = Away()
    async with limited(user_limits=Limits(requests_per_day=4), shared_meter=shared) as w:
        assert (await asked(w))[0] == 200
        shared.gone = True
        assert [(await asked(w))[0] for _ in range(4)] == [200, 200, 200, 429]
        assert shared.asked == 2, "only the one that found it gone has asked"
        shared.gone = False
        await w.relay.admission.meter.look()
        assert not w.relay.admission.meter.away
        assert (await asked(w))[0] == 429, "what was used meanwhile was paid there"


async def test_who_leaves_while_the_server_is_asked_has_spent_nothing() -> None:
    shared = Away()
    shared.waits = asyncio.Event()
    async with limited(user_limits=Limits(requests_per_day=1, concurrent=1), shared_meter=shared) as w:
        client = await w.connect()
        client.ask()
        await until(lambda: shared.asked == 1)
        client.abort()
        await until(lambda: not w.relay.exchanges)
        shared.waits.set()
        await until(lambda: not w.relay.tasks)
        assert (await asked(w))[0] == 200


def test_a_plan_without_limits_is_none() -> None:
    assert Plan.of([]) is None
    assert Rules().of_caller(UserId("u"), "u", Role.GUEST) is None


async def test_who_asks_again_and_again_does_not_fill_the_disk() -> None:
    async with limited(user_limits=Limits(requests_per_day=1)) as w:
        client = await w.connect()
        for _ in range(70):
            client.ask()
            await client.answer()
        assert len(await w.records()) == 1 + 60
        assert w.metrics.limits == {("user", "requests_per_day"): 69}
        w.skip(60.0)
        client.ask()
        await client.answer()
        assert len(await w.records()) == 62
