from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.context import (
    RELOADING,
    SURE_CONTEXT,
    Fit,
    Length,
    answer_room,
    bucket,
    changed,
    guard,
    needs,
    normalise,
    suitable,
)
from potluck.core.errors import ContextOverflow
from potluck.core.model import EngineId, Json, JsonObject, Model, ModelId

AGX, ORIN = EngineId("agx0/ollama"), EngineId("orin0/ollama")


def model(context: int | None = 32768, loaded: int | None = None) -> Model:
    return Model(ModelId("m"), context=context, loaded_context=loaded, resident=loaded is not None)


def counted(tokens: int) -> Length:
    return Length(tokens, tokens, tokens)


@given(asked=st.one_of(st.none(), st.integers(1, 10**6)), needed=st.integers(1, 8192))
def test_a_clients_num_ctx_causes_no_reload_while_the_loaded_context_is_enough(asked: int | None, needed: int) -> None:
    assert suitable(8192, needed, asked, 32768, running=True) == 8192


def test_a_call_that_needs_more_than_is_loaded_grows_the_context_by_steps() -> None:
    assert suitable(4096, 5000, 2048, 32768, running=True) == 8192


def test_a_context_never_grows_past_the_models() -> None:
    assert suitable(4096, 5000, None, 4096, running=True) == 4096
    assert suitable(6000, 9000, None, 4096, running=True) == 6000  # an engine may have it larger than it says it can
    assert suitable(4096, 10**40, 10**40, None, running=False) == 1 << 30


@pytest.mark.parametrize("wish", [9000, 9000.5])
def test_a_model_that_is_not_loaded_is_loaded_as_the_client_wishes_in_steps(wish: float) -> None:
    assert suitable(None, 100, wish, 32768, running=False) == 16384


@pytest.mark.parametrize("wish", [None, True, "many", -1, 2048])
def test_who_wishes_nothing_large_gets_the_engines_own_default(wish: Json) -> None:
    assert suitable(None, 100, wish, 32768, running=False) is None


def test_while_a_model_is_loading_with_the_default_no_clients_wish_loads_it_anew() -> None:
    assert suitable(None, 100, 9000, 32768, running=True) is None
    assert suitable(None, 3000, 9000, 32768, running=True) == 4096


@given(calls=st.lists(st.tuples(st.integers(1, 40_000), st.one_of(st.none(), st.integers(-5, 10**6))), min_size=1))
def test_contexts_only_grow_and_only_for_who_needs_it(calls: list[tuple[int, int | None]]) -> None:
    loaded: int | None = None
    for index, (needed, wish) in enumerate(calls):
        now = suitable(loaded, needed, wish, 32768, running=index > 0)
        if now != loaded and index:
            assert needed > (SURE_CONTEXT if loaded is None else loaded)
        assert now is None or loaded is None or now >= loaded
        assert min(needed, 32768) <= (SURE_CONTEXT if now is None else now)
        loaded = now


def test_options_that_start_another_runner_are_left_out_and_named() -> None:
    said: JsonObject = {"num_gpu": 1, "temperature": 0.5, "num_batch": 64, "num_ctx": 2048}
    assert normalise(said, 4096) == {"temperature": 0.5, "num_ctx": 4096}
    assert normalise(said, None) == {"temperature": 0.5}
    assert not RELOADING & normalise(said, 4096).keys()
    assert changed(said, 4096) == (("num_ctx", 4096), ("num_batch", None), ("num_gpu", None))
    assert changed({"num_ctx": 4096, "temperature": 0.5}, 4096) == ()


@given(tokens=st.integers(1, 10**6))
def test_steps_hold_what_they_are_asked_for_and_waste_less_than_half(tokens: int) -> None:
    step = bucket(tokens, None)
    assert tokens <= step
    assert step == 4096 or step < 2 * tokens


def test_the_engine_whose_context_holds_the_call_is_chosen() -> None:
    found = guard(counted(6000), 500, {AGX: model(loaded=8192), ORIN: model(context=4096)})
    assert found.fits == {AGX}
    assert found.verdicts[ORIN] is Fit.OVER


def test_a_larger_context_is_loaded_only_if_no_loaded_one_is_enough() -> None:
    assert guard(counted(6000), 500, {AGX: model(loaded=8192), ORIN: model(loaded=4096)}).fits == {AGX}
    assert guard(counted(6000), 500, {ORIN: model(loaded=4096)}).fits == {ORIN}
    assert guard(counted(6000), 500, {ORIN: model(loaded=4096)}).verdicts[ORIN] is Fit.GROWS


def test_where_only_the_answer_has_no_room_the_roomiest_engine_is_chosen() -> None:
    found = guard(counted(4000), 500, {AGX: model(context=4096), ORIN: model(context=4050)})
    assert found.fits == {AGX}
    assert found.verdicts[ORIN] is Fit.CUT


def test_a_prompt_that_is_only_guessed_is_left_to_the_engine_if_it_may_fit() -> None:
    assert guard(Length(3000, 6000, 18000), None, {AGX: model(context=4096)}).fits == {AGX}
    with pytest.raises(ContextOverflow, match="about 12000 tokens"):
        guard(Length(6000, 12000, 36000), None, {AGX: model(context=4096)})


def test_a_prompt_that_no_engine_holds_is_refused_with_both_numbers() -> None:
    with pytest.raises(ContextOverflow, match="has 5000 tokens") as caught:
        guard(counted(5000), 10, {AGX: model(context=4096), ORIN: model(context=2048)})
    assert (caught.value.prompt_tokens, caught.value.context) == (5000, 4096)


def test_an_engine_that_does_not_tell_its_context_is_trusted() -> None:
    assert guard(counted(10**6), None, {AGX: model(context=None)}).fits == {AGX}


def test_a_limit_of_tokens_is_no_need_of_them() -> None:
    assert needs(counted(100), 32000) == 2148
    assert needs(counted(100), 16) == 116
    assert needs(counted(100), None) == 1124


def test_room_for_less_of_the_answer_than_was_wanted_is_told() -> None:
    assert answer_room(counted(4000), 500, 4096) == 96
    assert answer_room(counted(5000), 500, 4096) == 0
    assert answer_room(counted(4000), 96, 4096) is None
    assert answer_room(counted(4000), 96, None) is None


def test_an_answer_without_a_wanted_length_may_end_where_the_context_does() -> None:
    assert answer_room(counted(4000), None, 4096) is None


def test_an_overflow_whose_numbers_nobody_told_says_so_without_any() -> None:
    assert "0" not in str(ContextOverflow(0, 0))
