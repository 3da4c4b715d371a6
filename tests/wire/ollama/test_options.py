from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.call import EngineHints, Sampling
from potluck.core.errors import BadRequest
from potluck.core.model import Json, JsonObject
from potluck.wire.ollama.options import normalised_options, read_options, write_options


@pytest.mark.parametrize(
    ("asked", "loaded", "most", "context"),
    [
        (None, None, None, None),
        (None, 8192, None, 8192),
        (1, None, None, 2048),
        (2048, None, None, 2048),
        (2049, None, None, 4096),
        (9013, None, None, 16384),
        (9013, 32768, None, 32768),
        (9013, 12000, None, 12000),
        (9013, 8192, None, 16384),
        (9013, 8192, 12000, 12000),
        (9013.0, None, None, 16384),
        (-1, None, None, None),
        (0, 4096, None, 4096),
        ("many", None, None, None),
        (1e300, None, None, 1 << 30),
    ],
)
def test_context_lengths_fall_into_few_buckets_and_never_below_what_is_loaded(
    asked: Json, loaded: int | None, most: int | None, context: int | None
) -> None:
    options = {} if asked is None else {"num_ctx": asked}
    assert normalised_options(options, loaded, most).get("num_ctx") == context


@given(st.integers(1, 1 << 20), st.integers(1, 1 << 20), st.one_of(st.none(), st.integers(1, 1 << 20)))
def test_normal_options_are_normal(asked: int, other: int, loaded: int | None) -> None:
    once = normalised_options({"num_ctx": asked}, loaded)
    assert normalised_options(once, loaded) == once
    context, larger = once["num_ctx"], normalised_options({"num_ctx": asked + other}, loaded)["num_ctx"]
    assert isinstance(context, int)
    assert isinstance(larger, int)
    assert asked <= context <= larger


def test_what_reloads_the_model_is_dropped_and_the_rest_stays() -> None:
    machine: JsonObject = {"num_batch": 1, "num_gpu": 2, "main_gpu": 0, "use_mmap": False, "num_thread": 4}
    rest: JsonObject = {"temperature": 0.5, "mirostat": 2, "nobody_knows": [1]}
    assert normalised_options(machine | rest) == rest


def test_options_become_sampling() -> None:
    sampling, num_ctx, others = read_options(
        {
            "num_predict": 128.0,
            "temperature": 0,
            "top_p": 0.9,
            "top_k": 40,
            "min_p": 0.05,
            "seed": 7,
            "stop": ["a", "b"],
            "presence_penalty": 0.1,
            "frequency_penalty": 0.2,
            "repeat_penalty": 1.1,
            "num_ctx": 4096,
            "mirostat": 2,
        }
    )
    assert sampling == Sampling(128, 0, 0.9, 40, 0.05, 7, ("a", "b"), 0.1, 0.2, 1.1)
    assert num_ctx == 4096
    assert others == {"mirostat": 2}


@pytest.mark.parametrize("value", [-1, -2, 0, None])
def test_an_unlimited_answer_has_no_limit(value: Json) -> None:
    assert read_options({"num_predict": value})[0].max_tokens is None


def test_one_stop_may_come_as_a_text() -> None:
    assert read_options({"stop": "END"})[0].stop == ("END",)
    assert read_options({"stop": None})[0].stop == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": "hot"}, 'option "temperature" must be of type float32'),
        ({"num_predict": True}, 'option "num_predict" must be of type integer'),
        ({"stop": 7}, 'option "stop" must be of type array'),
        ({"stop": [7]}, 'option "stop" must be of type array'),
        ({"seed": 1e30}, 'option "seed" is out of range'),
    ],
)
def test_wrong_types_are_refused_in_ollamas_words(options: JsonObject, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_options(options)
    assert str(caught.value) == message
    assert caught.value.param.startswith("options.")


def test_what_is_read_is_written_back() -> None:
    options: JsonObject = {
        "num_predict": 9,
        "temperature": 0.5,
        "stop": ["x"],
        "seed": 1,
        "num_ctx": 4096,
        "mirostat": 2,
    }
    sampling, num_ctx, others = read_options(options)
    assert write_options(sampling, EngineHints(num_ctx=num_ctx, options=others), None, None) == options


def test_nothing_said_is_nothing_written_and_logit_bias_is_lost() -> None:
    assert write_options(Sampling(logit_bias={"1": 5.0}), EngineHints(), None, None) == {}


def test_no_tokens_at_all_are_one_because_nothing_means_endless_to_ollama() -> None:
    assert write_options(Sampling(max_tokens=0), EngineHints(), None, None) == {"num_predict": 1}
