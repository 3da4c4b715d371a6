"""The fleet as its owner changes it."""

from __future__ import annotations

from collections.abc import Iterable

from potluck.backends.port import Report
from potluck.core.catalogue import RouteRule
from potluck.core.health import Seen
from potluck.core.model import EngineId, EngineKind, Health, Model, ModelId, NodeId
from potluck.gateway.fleet import Fleet, Installation

A, B = EngineId("a"), EngineId("b")


def installation(engine: EngineId, slots: int = 2) -> Installation:
    return Installation(engine, NodeId(engine), EngineKind.OPENAI, None, None, slots)  # type: ignore[arg-type]


def fleet(*installations: Installation) -> Fleet:
    made = Fleet(installations, {}, clock=lambda: 0.0, interval_s=30)
    for engine in made.engines:
        made.reported(engine, Report((Model(ModelId("m"), resident=True),)))
    return made


def test_an_engine_that_stays_keeps_its_health_models_and_calls() -> None:
    one = installation(A)
    found = fleet(one)
    found.take(A)
    found.reconfigure([one, installation(B)], {})
    kept, new = found.snapshot()
    assert (kept.health, kept.busy, list(kept.models)) == (Health.UP, 1, ["m"])
    assert (new.health, new.busy) == (Health.UNKNOWN, 0)


def test_an_engine_that_goes_is_asked_no_more_and_its_last_calls_end_quietly() -> None:
    found = fleet(installation(A), installation(B))
    found.take(A)
    found.reconfigure([found.installations[B]], {})
    assert [offer.engine.id for offer in found.catalogue.resolve("m").offers] == [B]
    found.give(A)
    found.saw(A, Seen.CALL_FAILED, "cut")
    found.reported(A, Report(()))
    assert list(found.engines) == [B]


def test_a_changed_engine_is_looked_at_anew() -> None:
    found = fleet(installation(A))
    found.take(A)
    found.reconfigure([installation(A, slots=8)], {})
    assert (found.engines[A].slots, found.engines[A].busy, found.engines[A].health) == (8, 0, Health.UNKNOWN)
    found.give(A)
    assert found.engines[A].busy == 0


def test_routes_change_with_the_configuration() -> None:
    one = installation(A)
    found = fleet(one)
    found.reconfigure([one], {"chat": RouteRule("chat", (ModelId("m"),))})
    assert found.catalogue.resolve("chat").route == "chat"
    found.reconfigure([one], {})
    assert found.catalogue.resolve("chat").offers == ()


def test_a_new_engine_may_serve_who_waits() -> None:
    one = installation(A)
    found = fleet(one)
    calls: list[tuple[list[EngineId], bool]] = []

    def changed(engines: Iterable[EngineId], *, routes: bool = False) -> None:
        calls.append((list(engines), routes))

    found.changed = changed
    found.reconfigure([one, installation(B)], {})
    assert calls == [([B], True)]


def test_an_engine_that_lists_its_models_while_its_calls_fail_says_so() -> None:
    found = fleet(installation(A))
    for _ in range(2):
        found.saw(A, Seen.CALL_FAILED, "cut")
    found.reported(A, Report((Model(ModelId("m"), resident=True),)))
    assert (found.engines[A].health, found.engines[A].why) == (
        Health.SUSPECT,
        "answered with 1 model, but calls fail. cut",
    )


def test_the_owner_is_told_why_an_engine_is_avoided_and_until_when() -> None:
    now = 0.0
    found = Fleet([installation(A)], {}, clock=lambda: now, interval_s=30)
    report = Report((Model(ModelId("m"), resident=True),))
    found.reported(A, report)
    assert found.snapshot()[0].retry_s is None
    for _ in range(3):
        found.saw(A, Seen.CALL_FAILED, "It is out of memory.")
    now = 4.0
    (told,) = found.snapshot()
    assert (told.failures, told.trial, told.retry_s) == (3, False, 6.0)
    assert told.why == "It is out of memory. It is tried again in 6 s."
    now = 10.0
    found.reported(A, report)
    (told,) = found.snapshot()
    assert (told.failures, told.trial, told.retry_s) == (3, True, None)
    assert "It is out of memory. It is on trial" in told.why
    found.saw(A, Seen.CALL_OK, "answered a call", 10.0)
    (told,) = found.snapshot()
    assert (told.health, told.failures, told.trial, told.why) == (Health.UP, 0, False, "answered a call")
