"""Fields that chat and text requests share."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.call import Sampling
from potluck.core.errors import BadRequest
from potluck.wire.body import decode_body
from potluck.wire.openai.fields import (
    Request,
    changed_body,
    read_choices,
    read_hints,
    read_model,
    read_sampling,
    unknown_fields,
    whole,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def sampling(**fields: Any) -> Sampling:
    request = decode_body(json.dumps(fields).encode(), Request)
    return read_sampling(request, logprobs=False, top_logprobs=0)


@pytest.mark.parametrize("model", [None, ""])
def test_a_request_without_a_model_says_so(model: str | None) -> None:
    with pytest.raises(BadRequest) as caught:
        read_model(model)
    assert caught.value.message == "you must provide a model"
    assert caught.value.param == "model"


@pytest.mark.parametrize(("n", "choices"), [(None, 1), (1, 1), (3.0, 3), (128, 128)])
def test_the_number_of_choices(n: float | None, choices: int) -> None:
    assert read_choices(n) == choices


@pytest.mark.parametrize("n", [0, -1, 129, 1.5])
def test_a_number_of_choices_that_cannot_be(n: float) -> None:
    with pytest.raises(BadRequest) as caught:
        read_choices(n)
    assert caught.value.param == "n"


def test_whole_numbers_may_be_written_with_a_point() -> None:
    assert whole(16.0, "seed") == 16
    assert whole(None, "seed") is None
    with pytest.raises(BadRequest, match=r"'seed': expected an integer, got 1\.5"):
        whole(1.5, "seed")


def test_every_field_of_sampling_is_read() -> None:
    assert sampling(
        max_tokens=5.0,
        temperature=1,
        top_p=0.5,
        top_k=3,
        min_p=0.1,
        seed=7,
        stop=["a", "", "b"],
        presence_penalty=1,
        frequency_penalty=2,
        repeat_penalty=1.1,
        logit_bias={"5": -100},
    ) == Sampling(
        max_tokens=5,
        temperature=1.0,
        top_p=0.5,
        top_k=3,
        min_p=0.1,
        seed=7,
        stop=("a", "b"),
        presence_penalty=1.0,
        frequency_penalty=2.0,
        repeat_penalty=1.1,
        logit_bias={"5": -100.0},
    )


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"max_completion_tokens": 5}, 5),
        ({"max_completion_tokens": 5, "max_tokens": 7}, 5),
        ({"max_completion_tokens": None, "max_tokens": 7}, 7),
        ({"max_tokens": -1}, None),
        ({"max_tokens": 0}, 0),
        ({}, None),
    ],
)
def test_either_name_limits_the_answer_and_negative_is_no_limit(fields: dict[str, Any], limit: int | None) -> None:
    assert sampling(**fields).max_tokens == limit


def test_one_stop_sequence_may_stand_alone() -> None:
    assert sampling(stop="END").stop == ("END",)
    assert sampling(stop=None).stop == ()


def test_ollamas_options_fill_what_is_not_said() -> None:
    options = {"temperature": 0.1, "top_k": 4, "num_predict": 9, "num_ctx": 8192, "mirostat": 1}
    said = sampling(temperature=0.9, options=options)
    assert (said.temperature, said.top_k, said.max_tokens) == (0.9, 4, 9)
    body = json.dumps({"options": options, "keep_alive": "5m"}).encode()
    hints = read_hints(decode_body(body, Request), body)
    assert (hints.num_ctx, hints.keep_alive_s, hints.options, hints.extra) == (8192, 300.0, {"mirostat": 1}, {})


def test_what_nobody_knows_is_kept_for_engines() -> None:
    body = b'{"model":"m","grammar":"root ::= x","mirostat":2,"logit_bias":[[5,-1]]}'
    hints = read_hints(decode_body(body, Request), body)
    assert hints.extra == {"grammar": "root ::= x", "mirostat": 2, "logit_bias": [[5, -1]]}


def test_an_unknown_field_that_is_no_json_is_named() -> None:
    with pytest.raises(BadRequest) as caught:
        unknown_fields(b'{"user":"\xff"}', Request)
    assert caught.value.param == "user"


@given(st.dictionaries(st.text(), JSON, max_size=6))
def test_unknown_fields_survive_as_they_are(fields: dict[str, Any]) -> None:
    known = set(Request.__struct_encode_fields__)
    assert unknown_fields(json.dumps(fields).encode(), Request) == {k: v for k, v in fields.items() if k not in known}


# --- What is passed on ---------------------------------------------------------------------------------------------


def test_a_body_that_needs_no_change_is_the_very_body() -> None:
    body = b'{"model":"m"}'
    assert changed_body(body, model=None, ask_usage=False) is body


def test_usage_is_asked_for_at_the_front_and_nothing_else_changes() -> None:
    body = b' {"model": "m",\n"stream":true}'
    assert changed_body(body, model=None, ask_usage=True) == (
        b' {"stream_options":{"include_usage":true},"model": "m",\n"stream":true}'
    )


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ("null", '{"include_usage":true}'),
        ("{}", '{"include_usage":true}'),
        ('{"include_usage":false,"x":1}', '{"include_usage":true,"x":1}'),
    ],
)
def test_options_of_the_stream_are_kept_beside_the_usage(options: str, changed: str) -> None:
    body = f'{{"a":1.0,"stream_options":{options},"b":"\\u00e9"}}'.encode()
    assert changed_body(body, model=None, ask_usage=True).decode() == (
        f'{{"a":1.0,"stream_options":{changed},"b":"\\u00e9"}}'
    )


def test_the_models_name_is_replaced_where_it_stood() -> None:
    body = b'{"a":[1, 2],"model":"m","b":1e3}'
    assert changed_body(body, model='q"', ask_usage=False) == b'{"a":[1, 2],"model":"q\\"","b":1e3}'


@given(st.dictionaries(st.text(), JSON, max_size=6), st.none() | st.text(min_size=1), st.booleans())
def test_whatever_is_changed_all_other_fields_survive_in_their_order(
    fields: dict[str, Any], model: str | None, ask_usage: bool
) -> None:
    fields = {"model": "m", **fields, "stream_options": None} if ask_usage else {"model": "m", **fields}
    changed = json.loads(changed_body(json.dumps(fields).encode(), model=model, ask_usage=ask_usage))
    assert list(changed) == list(fields)
    expected = {**fields, "model": model or fields["model"]}
    if ask_usage:
        expected["stream_options"] = {"include_usage": True}
    assert changed == expected
