from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.context import RELOADING, Fit, bucket, guard, normalise
from potluck.core.errors import ContextOverflow
from potluck.core.model import EngineId, Model, ModelId

AGX, ORIN = EngineId("agx0/ollama"), EngineId("orin0/ollama")


def model(context: int | None = 32768, loaded: int | None = None) -> Model:
    return Model(ModelId("m"), context=context, loaded_context=loaded, resident=loaded is not None)


@given(asked=st.one_of(st.none(), st.integers(1, 10**6)), needed=st.integers(1, 8192))
def test_a_clients_num_ctx_causes_no_reload_while_the_loaded_context_is_enough(asked: int | None, needed: int) -> None:
    normal = normalise({} if asked is None else {"num_ctx": asked}, model(loaded=8192), needed)
    assert normal.num_ctx == 8192
    assert not normal.reloads


def test_a_call_that_needs_more_than_is_loaded_grows_the_context_by_steps() -> None:
    normal = normalise({"num_ctx": 2048}, model(loaded=4096), 5000)
    assert (normal.num_ctx, normal.reloads) == (8192, True)


def test_a_context_never_grows_past_the_models() -> None:
    normal = normalise({}, model(context=4096, loaded=4096), 5000)
    assert (normal.num_ctx, normal.reloads) == (4096, False)


def test_a_model_that_is_not_loaded_is_loaded_as_the_client_wishes_in_steps() -> None:
    assert normalise({"num_ctx": 9000}, model(), 100).num_ctx == 16384
    assert normalise({"num_ctx": True}, model(), 100).num_ctx == 4096


def test_options_that_start_another_runner_are_left_out_and_named() -> None:
    normal = normalise({"num_gpu": 1, "temperature": 0.5, "num_batch": 64}, model(loaded=4096), 10)
    assert normal.options == {"temperature": 0.5}
    assert normal.dropped == ("num_batch", "num_gpu")
    assert not RELOADING & normal.options.keys()


@given(tokens=st.integers(1, 10**6))
def test_steps_hold_what_they_are_asked_for_and_waste_less_than_half(tokens: int) -> None:
    step = bucket(tokens, None)
    assert tokens <= step
    assert step == 4096 or step < 2 * tokens


def test_the_engine_whose_context_holds_the_call_is_chosen() -> None:
    found = guard(6000, 500, {AGX: model(loaded=8192), ORIN: model(context=4096)})
    assert found.fits == {AGX}
    assert found.verdicts[ORIN] is Fit.OVER
    assert found.answer_tokens is None


def test_a_larger_context_is_loaded_only_if_no_loaded_one_is_enough() -> None:
    assert guard(6000, 500, {AGX: model(loaded=8192), ORIN: model(loaded=4096)}).fits == {AGX}
    assert guard(6000, 500, {ORIN: model(loaded=4096)}).fits == {ORIN}
    assert guard(6000, 500, {ORIN: model(loaded=4096)}).verdicts[ORIN] is Fit.GROWS


def test_what_would_be_cut_is_said() -> None:
    found = guard(4000, 500, {AGX: model(context=4096), ORIN: model(context=4050)})
    assert found.fits == {AGX}
    assert found.answer_tokens == 96
    assert found.verdicts[ORIN] is Fit.CUT


def test_an_answer_without_a_wanted_length_may_end_where_the_context_does() -> None:
    assert guard(4000, None, {AGX: model(context=4096)}).answer_tokens is None


def test_a_prompt_that_no_engine_holds_is_refused_with_both_numbers() -> None:
    with pytest.raises(ContextOverflow) as caught:
        guard(5000, 10, {AGX: model(context=4096), ORIN: model(context=2048)})
    assert (caught.value.prompt_tokens, caught.value.context) == (5000, 4096)


def test_an_engine_that_does_not_tell_its_context_is_trusted() -> None:
    assert guard(10**6, None, {AGX: model(context=None)}).fits == {AGX}
