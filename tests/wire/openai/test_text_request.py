"""Completions and embeddings: what is refused, and what call they mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from potluck.core.call import EmbedCall, EngineHints, InfillCall, TextCall
from potluck.core.errors import BadRequest
from potluck.wire.openai.asks import CompletionAsk, EmbeddingAsk, read_completion, read_embedding


def completion(**fields: Any) -> CompletionAsk:
    return read_completion(json.dumps({"model": "m", "prompt": "p", **fields}).encode())


def embedding(**fields: Any) -> EmbeddingAsk:
    return read_embedding(json.dumps({"model": "m", "input": "i", **fields}).encode())


@pytest.mark.parametrize(
    ("said", "texts"),
    [
        ("a", ("a",)),
        (["a", "b"], ("a", "b")),
        ([1, 2], ((1, 2),)),
        ([[1], [2, 3]], ((1,), (2, 3))),
        (["a", [1]], ("a", (1,))),
    ],
)
def test_texts_and_token_ids_in_every_form(said: Any, texts: tuple[Any, ...]) -> None:
    call = completion(prompt=said).call()
    assert isinstance(call, TextCall)
    assert call.prompts == texts
    assert embedding(input=said).call().inputs == texts


@pytest.mark.parametrize("said", [[], ["a", 1], [1, "a"], [[1], 1], 5, None, ["a", None]])
def test_no_text_or_a_mixture_is_refused(said: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        completion(prompt=said)
    assert caught.value.param.startswith("prompt")
    with pytest.raises(BadRequest) as caught:
        embedding(input=said)
    assert caught.value.param.startswith("input")


@pytest.mark.parametrize(
    "body", [b'{"model":"m"}', b'{"prompt":"p","input":"i"}', b'{"model":null,"prompt":"p","input":"i"}']
)
def test_a_missing_field_is_refused(body: bytes) -> None:
    for read in (read_completion, read_embedding):
        with pytest.raises(BadRequest) as caught:
            read(body)
        assert caught.value.param in {"model", "prompt", "input"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"suffix": "s", "prompt": ["a", "b"]}, "suffix"),
        ({"suffix": "s", "n": 2}, "suffix"),
        ({"suffix": "s", "prompt": [1]}, "suffix"),
        ({"echo": True, "prompt": [1]}, "echo"),
        ({"n": 0}, "n"),
    ],
)
def test_what_a_completion_cannot_be(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        completion(**fields)
    assert caught.value.param == param


def test_a_completion_becomes_a_text_call() -> None:
    call = completion(prompt=["a", "b"], n=2, echo=True, max_tokens=5, stop=None, best_of=3).call()
    assert isinstance(call, TextCall)
    assert (call.prompts, call.choices, call.echo, call.templated) == (("a", "b"), 2, True, False)
    assert call.sampling.max_tokens == 5
    assert call.hints.extra == {"best_of": 3}


@pytest.mark.parametrize(
    ("said", "logprobs", "alternatives"),
    [(None, False, 0), (False, False, 0), (True, True, 0), (0, True, 0), (3, True, 3), (3.0, True, 3)],
)
def test_logprobs_are_a_number_of_alternatives(said: Any, logprobs: bool, alternatives: int) -> None:
    sampling = completion(logprobs=said).call().sampling
    assert (sampling.logprobs, sampling.top_logprobs) == (logprobs, alternatives)


def test_a_suffix_makes_it_an_infill() -> None:
    ask = completion(suffix="s", max_tokens=5, x=1)
    call = ask.call()
    assert isinstance(call, InfillCall)
    assert (call.prefix, call.suffix, call.strict, call.sampling.max_tokens) == ("p", "s", False, 5)
    assert call.hints == EngineHints(extra={"x": 1})
    assert isinstance(completion(suffix="").call(), TextCall)


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({}, 16),
        ({"max_tokens": None}, 16),
        ({"suffix": "s"}, 16),
        ({"max_tokens": 0}, 0),
        ({"max_completion_tokens": 7}, 7),
        ({"options": {"num_predict": 8}}, 8),
        # Without end, as several engines have it.
        ({"max_tokens": -1}, None),
        ({"options": {"num_predict": -1}}, None),
        ({"n_predict": 9}, None),  # llama.cpp's own word goes to the engine as it is
    ],
)
def test_without_a_limit_it_is_openais(fields: dict[str, Any], limit: int | None) -> None:
    call = completion(**fields).call()
    assert isinstance(call, TextCall | InfillCall)
    assert call.sampling.max_tokens == limit


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": ["a", ""]}, "input[1]"),
        ({"input": [[1], []]}, "input[1]"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": 1.5}, "dimensions"),
    ],
)
def test_what_an_embedding_cannot_be(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        embedding(**fields)
    assert caught.value.param == param


def test_an_embedding_becomes_its_call() -> None:
    assert embedding(input=["a"], dimensions=64, keep_alive=60, user="u").call() == EmbedCall(
        "m", ("a",), dimensions=64, hints=EngineHints(keep_alive_s=60.0, extra={"user": "u"})
    )
