"""What an engine is asked to run a model with, between two looks at it and after."""

from __future__ import annotations

from dataclasses import replace

from potluck.backends.port import Report
from potluck.core.model import EngineId, EngineKind, Model, ModelId, NodeId
from potluck.gateway.contexts import Contexts
from potluck.gateway.fleet import Fleet, Installation

E = EngineId("e")
COLD = Model(ModelId("m"), context=32768)
UNKNOWN = replace(COLD, resident=True)


def loaded(context: int) -> Model:
    return replace(COLD, resident=True, loaded_context=context)


class Room:
    """One Ollama engine, a clock that a test sets, and what is asked of the engine."""

    def __init__(self) -> None:
        self.now_s = 0.0
        engine = Installation(E, NodeId("n"), EngineKind.OLLAMA, object(), object())  # type: ignore[arg-type]
        self.fleet = Fleet([engine], {}, clock=lambda: self.now_s, interval_s=30.0)
        self.contexts = Contexts(self.fleet, lambda: self.now_s)
        self.model = COLD

    def looked(self, model: Model, *, after_s: float = 30.0) -> None:
        self.now_s += after_s
        self.model = model
        self.fleet.reported(E, Report((model,)))
        self.contexts.looked(E)

    def ask(self, tokens: int = 100, wish: int | None = None) -> int | None:
        return self.contexts.choose(E, self.model, tokens, wish)[0]


def test_what_was_asked_for_holds_until_a_look_tells() -> None:
    room = Room()
    assert room.ask(wish=9000) == 16384
    assert room.ask(wish=30000) == 16384
    assert room.ask() == 16384
    room.looked(loaded(16384))
    assert room.ask(wish=2048) == 16384


def test_the_engines_default_holds_until_a_look_tells_what_it_is() -> None:
    room = Room()
    assert room.ask() is None
    assert room.ask(wish=9000) is None
    room.looked(loaded(4096))
    assert room.ask(wish=9000) == 4096


def test_a_look_that_began_before_a_call_says_nothing_of_it() -> None:
    room = Room()
    room.looked(loaded(4096))
    assert room.ask(9000) == 16384
    room.looked(loaded(4096), after_s=1.0)
    assert room.ask() == 16384


def test_while_calls_run_there_a_look_changes_nothing() -> None:
    room = Room()
    assert room.ask(9000) == 16384
    room.fleet.take(E)
    room.looked(COLD)
    assert room.ask() == 16384
    room.fleet.give(E)
    room.looked(COLD)
    assert room.ask() is None


def test_an_engine_that_never_tells_its_contexts_is_asked_for_the_same_as_long_as_the_model_is_there() -> None:
    room = Room()
    assert room.ask(9000) == 16384
    room.looked(UNKNOWN)
    room.looked(UNKNOWN)
    assert room.ask() == 16384
    room.looked(COLD)
    assert room.ask() is None


def test_what_others_have_loaded_it_with_holds() -> None:
    room = Room()
    room.looked(loaded(4096))
    assert room.ask() == 4096
    room.looked(loaded(8192))
    assert room.ask() == 8192


def test_what_could_not_be_loaded_or_was_put_out_is_forgotten() -> None:
    room = Room()
    assert room.ask(9000) == 16384
    room.contexts.forget(E, ModelId("m"))
    assert room.ask() is None


def test_the_engine_is_to_be_looked_at_after_a_load_and_not_after_every_call() -> None:
    room = Room()
    looks = [room.contexts.choose(E, room.model, tokens, None)[1] for tokens in (100, 100, 9000, 100)]
    assert looks == [True, False, True, False]
    room.looked(loaded(16384))
    assert not room.contexts.choose(E, room.model, 100, None)[1]


def test_a_model_that_is_gone_is_forgotten() -> None:
    room = Room()
    assert room.ask(9000) == 16384
    room.fleet.reconfigure([], {})
    room.now_s += 30
    room.contexts.looked(E)
    assert room.contexts.loaded(E, COLD) is None
