"""What is spent of a day outlives a restart."""

from __future__ import annotations

from potluck.core.allowances import Allowance, Claim, Unit
from potluck.core.errors import OperatorError
from potluck.gateway.kept_meter import NAME, KeptMeter
from potluck.storage.shared.memory import MemoryMeter
from tests.gateway.world import MemorySettings

DAY = Claim("user/anna/requests_per_day", Allowance(Unit.REQUESTS, 24, 86_400.0))
MINUTE = Claim("user/anna/requests_per_minute", Allowance(Unit.REQUESTS, 60, 60.0))
HOUR_S = 3600.0


def started(settings: MemorySettings, now_s: float) -> tuple[MemoryMeter, KeptMeter]:
    meter = MemoryMeter(lambda: 5.0)
    return meter, KeptMeter(settings, meter, lambda: now_s)


async def test_a_restart_gives_back_no_more_than_the_time_it_took() -> None:
    settings = MemorySettings()
    meter, kept = started(settings, 1000.0)
    meter.charge_now([DAY._replace(cost=10), MINUTE._replace(cost=30)])
    await kept.save()
    later, again = started(settings, 1000.0 + 3 * HOUR_S)
    await again.restore()
    assert [each.remaining for each in later.levels_now([DAY, MINUTE])] == [17, 60]


async def test_a_clock_that_was_set_back_gives_nothing() -> None:
    settings = MemorySettings()
    meter, kept = started(settings, 1_000_000.0)
    meter.charge_now([DAY._replace(cost=10)])
    await kept.save()
    later, again = started(settings, 5.0)
    await again.restore()
    assert later.levels_now([DAY])[0].remaining == 14


async def test_what_has_not_changed_is_not_written_again() -> None:
    settings = MemorySettings()
    meter, kept = started(settings, 1000.0)
    meter.charge_now([DAY._replace(cost=10)])
    await kept.save()
    settings.values.clear()
    await kept.save()
    assert not settings.values


async def test_what_cannot_be_read_or_written_is_left_aside() -> None:
    settings = MemorySettings()
    settings.values[NAME] = {"at_s": "never"}
    meter, kept = started(settings, 1000.0)
    await kept.restore()
    assert meter.levels_now([DAY])[0].remaining == 24

    async def refuse(name: str, value: object, now: float) -> None:
        raise OperatorError("disk full")

    settings.set = refuse  # type: ignore[method-assign]
    meter.charge_now([DAY._replace(cost=10)])
    await kept.save()
