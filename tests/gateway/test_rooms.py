"""Calls that are too long for some places: where they go, what they wait for, and what they are told."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from potluck.backends.port import Report
from potluck.core.catalogue import RouteRule
from potluck.core.context import Length
from potluck.core.errors import BadRequest, ContextOverflow, NodeFailed, NoEngineReady
from potluck.core.model import EngineId, Model, ModelId
from potluck.gateway.targets import Room
from tests.gateway.test_dispatch import Caller, Hall

SMALL, LARGE = EngineId("e0"), EngineId("e1")


def model(context: int, name: str = "m") -> Model:
    return Model(ModelId(name), context=context, loaded_context=context, resident=True)


class Long(Caller):
    """One whose prompt has so many tokens, counted."""

    def __init__(self, name: str, tokens: int, model: str = "m", *, may_cut: bool = False) -> None:
        super().__init__(name, model)
        self.wish = replace(self.wish, most_tokens=tokens + 1024)
        self._room = Room(Length(tokens, tokens, tokens), None, may_cut)
        self.measured = 0

    def room(self) -> Room:
        self.measured += 1
        return self._room

    @property
    def engine(self) -> EngineId | None:
        return self.seat.engine if self.seat is not None else None


def hall(*contexts: int, slots: int = 1, routes: dict[str, RouteRule] | None = None) -> Hall:
    made = Hall(*(slots for _ in contexts), routes=routes)
    for number, context in enumerate(contexts):
        made.fleet.reported(EngineId(f"e{number}"), Report((model(context),)))
    return made


def sent(made: Hall, caller: Long) -> Long:
    made.dispatcher.seek(caller)
    return caller


def test_a_short_call_is_never_measured() -> None:
    made = hall(4096, 16384)
    short = sent(made, Long("1", 3000))
    assert short.seat is not None
    assert short.measured == 0


def test_a_long_call_goes_where_it_fits_and_waits_for_that_place() -> None:
    made = hall(4096, 16384)
    first, second = sent(made, Long("1", 8000)), sent(made, Long("2", 8000))
    assert (first.engine, second.engine) == (LARGE, None)
    assert first.seat is not None
    made.dispatcher.release(first.seat)
    assert second.engine == LARGE


def test_the_same_targets_serve_all_calls_of_a_length() -> None:
    made = hall(4096, 16384, 32768, slots=99)
    for number in range(30):
        assert sent(made, Long(str(number), 5000 + number * 100)).engine in (LARGE, EngineId("e2"))
        assert sent(made, Long(f"l{number}", 20_000 + number * 100)).engine == EngineId("e2")
    assert len(made.dispatcher._targets.all()) == 3


def test_when_the_only_place_that_holds_it_goes_a_call_in_line_is_told() -> None:
    made = hall(4096, 16384)
    sent(made, Long("1", 8000))
    second = sent(made, Long("2", 8000))
    made.down("e1")
    assert isinstance(second.error, NoEngineReady)


def test_when_a_place_goes_a_call_in_line_is_put_where_else_it_fits() -> None:
    made = hall(16384, 4096, 16384)
    taken = [sent(made, Long(str(number), 8000)) for number in range(2)]
    waiting = sent(made, Long("3", 8000))
    assert waiting.engine is None
    made.down("e0")
    ends = next(each.seat for each in taken if each.engine == EngineId("e2"))
    assert ends is not None
    made.dispatcher.release(ends)
    assert waiting.engine == EngineId("e2")


def test_a_call_in_line_follows_a_context_that_changes() -> None:
    made = hall(4096, 16384)
    first, second = sent(made, Long("1", 8000)), sent(made, Long("2", 8000))
    made.fleet.reported(SMALL, Report((model(16384),)))
    third = sent(made, Long("3", 8000))
    assert (first.engine, second.engine, third.engine) == (LARGE, None, SMALL)


def test_what_fits_nowhere_is_refused_with_the_largest_context() -> None:
    error = sent(hall(4096, 16384), Long("1", 20_000)).error
    assert isinstance(error, ContextOverflow)
    assert (error.prompt_tokens, error.context) == (20_000, 16384)


def test_what_may_be_cut_goes_where_the_most_of_it_fits() -> None:
    assert sent(hall(4096, 16384), Long("1", 20_000, may_cut=True)).engine == LARGE


def test_a_large_context_that_is_away_may_come_back() -> None:
    made = hall(4096, 16384)
    made.down("e1")
    error = sent(made, Long("1", 8000)).error
    assert isinstance(error, NoEngineReady)
    assert "context" in error.message


def test_who_was_failed_by_the_only_engine_that_holds_it_is_told_that() -> None:
    made = hall(4096, 16384)
    failure = NodeFailed("broke")
    caller = Long("1", 8000)
    caller.wish = replace(caller.wish, tried=frozenset({LARGE}), failure=failure)
    assert sent(made, caller).error is failure


def test_another_attempt_goes_to_another_place_that_holds_it() -> None:
    made = hall(4096, 16384, 16384)
    caller = Long("1", 8000)
    caller.wish = replace(caller.wish, tried=frozenset({LARGE}))
    assert sent(made, caller).engine == EngineId("e2")


def test_a_body_that_cannot_be_measured_is_refused() -> None:
    class Unreadable(Long):
        def room(self) -> Room:
            raise BadRequest("no")

    assert isinstance(sent(hall(4096), Unreadable("1", 8000)).error, BadRequest)


def test_a_route_goes_on_to_a_model_that_holds_the_prompt() -> None:
    made = hall(4096, routes={"chat": RouteRule("chat", (ModelId("m"), ModelId("large")))})
    made.fleet.reported(SMALL, Report((model(4096), model(32768, "large"))))
    long = sent(made, Long("2", 8000, "chat"))
    assert long.seat is not None
    assert (long.seat.model.id, long.seat.route) == ("large", "chat")
    made.dispatcher.release(long.seat)
    short = sent(made, Long("3", 100, "chat"))
    assert short.seat is not None
    assert short.seat.model.id == "m"


@pytest.mark.parametrize("tokens", [4000, 4095])
def test_where_only_the_answer_has_no_room_the_call_is_served(tokens: int) -> None:
    assert sent(hall(4096, 2048), Long("1", tokens)).engine == SMALL
