from __future__ import annotations

import pytest

from potluck.core.call import EngineHints, Sampling
from potluck.core.errors import BadRequest
from potluck.core.model import Json, JsonObject
from potluck.wire.ollama.options import read_options, surely_fits, write_options


def test_what_a_context_surely_holds_needs_no_counting() -> None:
    assert surely_fits(3000, 1096, 4096)
    assert not surely_fits(3001, 1096, 4096)
    assert surely_fits(3072, None, 4096)
    assert surely_fits(1024, None, None)
    assert not surely_fits(1025, None, None)


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
    assert write_options(sampling, EngineHints(num_ctx=num_ctx, options=others), 4096) == options


def test_nothing_said_is_nothing_written_and_logit_bias_is_lost() -> None:
    assert write_options(Sampling(logit_bias={"1": 5.0}), EngineHints(), None) == {}


def test_no_tokens_at_all_are_one_because_nothing_means_endless_to_ollama() -> None:
    assert write_options(Sampling(max_tokens=0), EngineHints(), None) == {"num_predict": 1}
