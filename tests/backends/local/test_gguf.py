from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.backends.local.gguf import Gguf, NotGguf, read, read_from, tensor_names
from potluck.backends.local.library import shipped_weights
from potluck.core.model import Capability
from tests.backends.local.gguf_files import BERT, CHAT, CHATML, Value, gguf, gguf_of_tensors


def facts(pairs: Mapping[str, Value], **how: object) -> Gguf:
    return parsed(gguf(pairs, **how))  # type: ignore[arg-type]


def parsed(data: bytes) -> Gguf:
    return read_from(io.BytesIO(data), len(data))


def test_a_file_tells_what_it_holds() -> None:
    found = facts(CHAT)
    assert (found.architecture, found.name, found.size_label) == ("llama", "Tiny", "1M")
    assert (found.context, found.embedding, found.head_width) == (4096, 64, 32)
    assert (found.quantization, found.template) == ("Q4_K_M", CHATML)
    assert not found.embeds_only


@pytest.mark.model
def test_the_shipped_weights_are_a_chat_model_that_embeds_and_can_be_shown_tools() -> None:
    path = shipped_weights()
    assert path is not None
    found = read(path)
    assert (found.architecture, found.context, found.embedding, found.size_label) == ("llama", 8192, 576, "135M")
    assert found.quantization == "Q4_1"
    assert found.capabilities == {Capability.COMPLETION, Capability.EMBEDDING, Capability.TOOLS}


def test_tensors_are_told_of_what_may_draw(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    for pairs, told in (
        ({}, True),
        ({"general.architecture": "flux", "more": ["a", "b"]}, True),
        ({"general.name": "no architecture"}, True),
        (CHAT, False),
    ):
        path.write_bytes(gguf_of_tensors(pairs, ["one", "two"]))
        assert tensor_names(path) == (["one", "two"] if told else [])
    path.write_bytes(gguf_of_tensors({}, ["one", "two"])[:-20])
    with pytest.raises(NotGguf):
        tensor_names(path)


def test_an_encoder_only_embeds() -> None:
    found = facts(BERT)
    assert found.capabilities == {Capability.EMBEDDING}
    assert found.pooling == "mean"


def test_a_pooling_type_makes_any_model_an_embedder() -> None:
    assert facts({**CHAT, "llama.pooling_type": 3}).capabilities == {Capability.EMBEDDING}
    assert Capability.COMPLETION in facts({**CHAT, "llama.pooling_type": 0}).capabilities


def test_a_template_tells_tools_and_thinking() -> None:
    assert Capability.TOOLS in facts({**CHAT, "tokenizer.chat_template": "{% if tools %}…{% endif %}"}).capabilities
    assert Capability.TOOLS not in facts({**CHAT, "tokenizer.chat_template": "[INST]"}).capabilities
    for mark in ("<think>", "<|channel|>analysis", "[THINK]"):
        assert Capability.THINKING in facts({**CHAT, "tokenizer.chat_template": mark}).capabilities
    assert Capability.THINKING not in facts(CHAT).capabilities


@pytest.mark.parametrize(
    "more",
    [
        {
            "tokenizer.ggml.fim_pre_token_id": 1,
            "tokenizer.ggml.fim_suf_token_id": 2,
            "tokenizer.ggml.fim_mid_token_id": 3,
        },
        {"tokenizer.ggml.prefix_token_id": 1, "tokenizer.ggml.suffix_token_id": 2, "tokenizer.ggml.middle_token_id": 3},
        {"tokenizer.ggml.tokens": ["x", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"]},
        {"tokenizer.ggml.tokens": ["<｜fim▁begin｜>", "<｜fim▁hole｜>"], "tokenizer.ggml.fim_mid_token_id": 3},
    ],
)
def test_three_tokens_make_a_model_that_inserts(more: Mapping[str, Value]) -> None:
    assert Capability.INSERT in facts({**CHAT, **more}).capabilities


def test_two_of_the_three_are_not_enough() -> None:
    tokens = ["<|fim_prefix|>", "<|fim_suffix|>"]
    assert Capability.INSERT not in facts({**CHAT, "tokenizer.ggml.tokens": tokens}).capabilities
    assert Capability.INSERT not in facts({**CHAT, "a.list": [*tokens, "<|fim_middle|>"]}).capabilities


def test_what_lies_behind_the_metadata_is_never_read() -> None:
    data = gguf(CHAT)
    assert parsed(data + b"\xff" * 1000).architecture == "llama"
    assert parsed(data).fingerprint != parsed(data + b"\xff").fingerprint


@pytest.mark.parametrize("version", [2, 3])
def test_both_byte_orders_are_read(version: int) -> None:
    assert facts(CHAT, version=version, order=">").context == facts(CHAT, version=version).context == 4096


def test_every_cut_is_noticed() -> None:
    data = gguf({**CHAT, "nested": [["a", "b"], ["c"]], "big": 1 << 40})
    assert parsed(data).architecture == "llama"
    for length in range(len(data)):
        with pytest.raises(NotGguf):
            parsed(data[:length])


@pytest.mark.parametrize("version", [0, 1, 4, 99])
def test_other_versions_are_refused(version: int) -> None:
    with pytest.raises(NotGguf, match="version"):
        facts(CHAT, version=version)


def test_claims_beyond_the_file_cost_nothing() -> None:
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1)
    key = struct.pack("<Q", 1) + b"k"
    huge = 1 << 62
    for claim in (
        b"GGUF" + struct.pack("<IQQ", 3, 0, huge),
        head + struct.pack("<Q", huge),
        head + key + struct.pack("<IQ", 8, huge),
        head + key + struct.pack("<IIQ", 9, 8, huge),
        head + key + struct.pack("<IIQ", 9, 4, huge),
        head + key + struct.pack("<I", 77),
        head + key + struct.pack("<IIQ", 9, 9, 1) * 1 + struct.pack("<IQ", 9, 1) * 20,
    ):
        with pytest.raises(NotGguf):
            parsed(claim)


def test_a_huge_text_is_skipped_and_the_rest_is_read() -> None:
    found = facts(
        {"tokenizer.chat_template": "x" * 1_500_000, **{k: v for k, v in CHAT.items() if "template" not in k}}
    )
    assert found.template == ""
    assert found.context == 4096


_SCALARS = st.one_of(st.text(max_size=20), st.integers(0, 1 << 40), st.booleans(), st.floats(width=32, allow_nan=False))
_VALUES = st.one_of(_SCALARS, st.lists(st.text(max_size=30), max_size=5), st.lists(st.integers(0, 9), max_size=5))


@given(pairs=st.dictionaries(st.text(max_size=12), _VALUES, max_size=8))
def test_unknown_pairs_of_any_kind_do_not_disturb(pairs: dict[str, Value]) -> None:
    found = facts({**CHAT, **{f"x.{key}": value for key, value in pairs.items()}})
    assert (found.architecture, found.template, found.context) == ("llama", CHATML, 4096)


@given(place=st.integers(0, 400), noise=st.binary(min_size=1, max_size=12))
def test_a_broken_file_is_refused_or_read_but_never_crashes(place: int, noise: bytes) -> None:
    data = gguf(CHAT)
    with suppress(NotGguf):
        parsed(data[:place] + noise + data[place + len(noise) :])


@given(data=st.binary(max_size=200))
def test_noise_is_no_model(data: bytes) -> None:
    with pytest.raises(NotGguf):
        parsed(data)
