"""The shell of a leadership: what it asks its store and the others, and what it tells who waits. No time passes."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from potluck.core.errors import StorageAway
from potluck.core.leadership import GONE_S, LEASE_S, STILL_S, Record
from potluck.core.model import EngineId, ModelId
from potluck.gateway.leading import Leading
from potluck.gateway.relay.forwarding import Target
from potluck.storage.leadership import GatewayHere, HeldSeat

HELD = (HeldSeat(EngineId("n/ollama:1"), ModelId("m"), 1),)


@dataclass
class House:
    """A store in memory, which can be away, and the gateways on it, which share a clock."""

    now: float = 0.0
    away: bool = False
    record: Record = field(default_factory=Record)
    here: dict[str, GatewayHere] = field(default_factory=dict)
    gateways: dict[str, Leading] = field(default_factory=dict)
    refuses: bool = False

    def gateway(self, name: str) -> Leading:
        async def ask(other: GatewayHere) -> bool:
            return not self.refuses and self.gateways[other.id].promise()

        url = f"http://{name}"
        made = self.gateways[name] = Leading(
            self, GatewayHere(name, name, url), own_url=f"{url}.self", clock=lambda: self.now, ask=ask
        )
        return made

    def _reach(self) -> None:
        if self.away:
            raise StorageAway("It is away.", retry_after_s=1.0)

    # --- LeadershipStore ---

    async def secret(self, fresh: str) -> str:
        return fresh

    async def look(self) -> Record:
        self._reach()
        return self.record

    async def swap(self, before: Record, after: Record) -> Record | None:
        self._reach()
        if (before.term, before.beat) != (self.record.term, self.record.beat):
            return self.record
        self.record = after
        return None

    async def meet(self, own: GatewayHere, forget: Collection[str] = ()) -> tuple[GatewayHere, ...]:
        self._reach()
        self.here[own.id] = own
        for each in forget:
            self.here.pop(each, None)
        return tuple(self.here.values())

    async def leave(self, gateway: str) -> None:
        self._reach()
        self.here.pop(gateway, None)


async def both(house: House) -> tuple[Leading, Leading]:
    one, two = house.gateway("one"), house.gateway("two")
    await one.begin()
    await two.begin()
    await one.meet()
    return one, two


async def nothing() -> Sequence[HeldSeat]:
    return ()


async def test_the_first_one_leads_and_the_second_one_knows_where() -> None:
    house = House()
    one, two = await both(house)
    assert (one.leads(), two.leads()) == (True, False)
    assert one.target == Target("one", "http://one.self")
    assert two.target == Target("one", "http://one")
    assert [each.name for each in two.others] == ["one"]


async def test_who_waits_is_told_when_the_other_one_takes_over() -> None:
    house = House()
    one, two = await both(house)
    led, lost = asyncio.ensure_future(two.led()), asyncio.ensure_future(one.lost())
    house.now += STILL_S
    await two.step()
    await led
    await lost
    assert two.term == 2
    await one.step()
    assert (one.leads(), two.leads()) == (False, True)


async def test_a_lease_that_was_over_unseen_leads_again_when_it_is_renewed() -> None:
    house = House()
    one = house.gateway("one")
    await one.begin()
    await one.step()
    assert one.leads()
    house.now += LEASE_S
    assert not one.leads(), "the machine was busy, and nobody has asked meanwhile"
    led = asyncio.ensure_future(one.led())
    await asyncio.sleep(0)
    await one.step()
    await one.step()
    assert one.leads()
    await asyncio.wait_for(led, 5)


async def test_who_resigns_tells_its_seats_first_and_takes_nothing_back() -> None:
    house = House()
    one, two = await both(house)
    told: list[bool] = []

    async def handed_over() -> Sequence[HeldSeat]:
        told.append(one.leads())
        return HELD

    await one.resign(handed_over, for_good=True)
    assert told == [False]
    assert house.record.holder == ""
    await one.step()
    assert house.record.holder == ""
    house.now += 1.0
    await two.step()
    assert two.leads()
    (other,) = two.others
    assert (other.url, other.held) == ("", HELD)
    assert not two.deserted("one")  # it finishes what it has
    await one.leave()
    await two.meet()
    assert two.deserted("one")


async def test_who_could_not_begin_to_lead_may_do_so_later() -> None:
    house = House()
    one = house.gateway("one")
    await one.begin()
    await one.resign(nothing, for_good=False)
    assert not one.leads()
    await one.step()
    assert (one.leads(), one.term) == (True, 2)


async def test_without_the_store_it_leads_while_the_other_one_promises() -> None:
    house = House()
    one, two = await both(house)
    house.away = True
    await two.step()
    for _ in range(10):
        house.now += 1.0
        await one.step()
        assert one.leads()
        await two.step()
        assert not two.leads()
    house.refuses = True
    house.now += LEASE_S
    await one.step()
    assert not one.leads()


async def test_a_gateway_that_reaches_the_store_does_not_promise() -> None:
    house = House()
    one, two = await both(house)
    house.away = True
    house.now += 1.0
    await one.step()
    assert one.away
    house.now += LEASE_S - 1.0
    assert not one.leads()
    assert not two.promise()


async def test_alone_it_leads_without_the_store_for_ever() -> None:
    house = House()
    one = house.gateway("one")
    await one.begin()
    house.away = True
    for _ in range(5):
        house.now += 2.0
        await one.step()
        assert one.leads()
    house.away = False
    await one.step()
    assert (one.leads(), one.term) == (True, 1)


async def test_a_gateway_that_is_not_heard_of_is_forgotten() -> None:
    house = House()
    one, _ = await both(house)
    for _ in range(int(GONE_S) + 2):
        house.now += 1.0
        await one.step()
    assert one.others == []
    assert list(house.here) == ["one"]
