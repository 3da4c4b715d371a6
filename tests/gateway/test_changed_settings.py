"""Changes of settings are kept before they hold."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from potluck.config.model import Config
from potluck.core.errors import BadRequest, OperatorError
from potluck.core.model import Json
from potluck.gateway.changed_settings import NAME, ChangedSettings


class Store:
    def __init__(self, kept: Json = None) -> None:
        self.kept = kept
        self.away = False

    async def get(self, name: str) -> Json:
        assert name == NAME
        return self.kept

    async def set(self, name: str, value: Json, now: float) -> None:
        if self.away:
            raise OperatorError("The database is away.")
        self.kept = value

    async def all(self) -> Mapping[str, Json]:
        raise AssertionError("not used here")


async def made(store: Store) -> tuple[ChangedSettings, list[Mapping[str, Json]]]:
    settings, said = ChangedSettings(store, lambda: 0.0), list[Mapping[str, Json]]()
    await settings.read(Config())
    settings.say = said.append
    return settings, said


async def test_a_change_is_kept_holds_and_can_be_undone() -> None:
    store = Store()
    settings, said = await made(store)
    previous = await settings.change({"queue.depth": 9, "portal.name": "Home"})
    assert previous == {"queue.depth": None, "portal.name": None}
    assert await settings.change({"queue.depth": 10}) == {"queue.depth": 9}
    assert store.kept == said[-1] == {"queue.depth": 10, "portal.name": "Home"}
    assert await settings.change({"queue.depth": None}) == {"queue.depth": 10}
    assert store.kept == {"portal.name": "Home"}


async def test_one_that_does_not_fit_changes_nothing() -> None:
    store = Store({"queue.depth": 9})
    settings, said = await made(store)
    for wrong in ({"queue.depth": 10, "queue.max_wait": "soon"}, {"server.port": 80}, {"nonsense": None}):
        with pytest.raises(BadRequest):
            await settings.change(wrong)
    store.away = True
    with pytest.raises(OperatorError):
        await settings.change({"queue.depth": 11})
    assert (store.kept, settings.said, said) == ({"queue.depth": 9}, {"queue.depth": 9}, [])


@pytest.mark.parametrize(
    "kept", [None, "nonsense", ["queue.depth"], {"queue.depth": -1, "gone.key": 3, "portal.name": "Home"}]
)
async def test_what_is_no_setting_any_more_does_not_stop_a_start(kept: Json) -> None:
    settings, _ = await made(Store(kept))
    assert settings.said == ({"portal.name": "Home"} if isinstance(kept, dict) else {})
