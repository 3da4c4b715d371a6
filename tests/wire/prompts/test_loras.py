"""LoRAs are taken out of a prompt as A1111 takes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import BadRequest
from potluck.wire.prompts.loras import LoraInPrompt, without_loras, write_lora


@pytest.mark.parametrize(
    ("written", "lora"),
    [
        ("<lora:neon>", LoraInPrompt("neon", 1.0, 1.0)),
        ("<lora:neon:0.8>", LoraInPrompt("neon", 0.8, 0.8)),
        ("<lora:neon:0.8:0.4>", LoraInPrompt("neon", 0.4, 0.8)),
        ("<lora:neon:te=0.2:unet=1.5>", LoraInPrompt("neon", 1.5, 0.2)),
        ("<lyco:sub/dir name:-1>", LoraInPrompt("sub/dir name", -1.0, -1.0)),
    ],
)
def test_weights_are_read(written: str, lora: LoraInPrompt) -> None:
    assert without_loras(f"a {written} b") == ("a  b", (lora,))


def test_several_keep_their_order_and_the_rest_stays_to_the_blank() -> None:
    prompt, loras = without_loras("cat <lora:b:1>, <hypernet:x:1> <lora:a:0.5>(moon:1.2)")
    assert prompt == "cat , <hypernet:x:1> (moon:1.2)"
    assert [each.name for each in loras] == ["b", "a"]


@pytest.mark.parametrize("weight", ["heavy", "nan", "inf", "1e9", ""])
def test_what_is_no_weight_is_said(weight: str) -> None:
    with pytest.raises(BadRequest, match="no weight for the LoRA 'neon'") as refused:
        without_loras(f"<lora:neon:{weight or ' '}>")
    assert refused.value.param == "prompt"


def test_too_many_are_refused() -> None:
    with pytest.raises(BadRequest, match="33 LoRAs"):
        without_loras("<lora:a:1>" * 33)


@given(st.text())
def test_prompts_without_any_stay_as_they_are(prompt: str) -> None:
    assert without_loras(prompt.replace("<", "")) == (prompt.replace("<", ""), ())


@given(
    st.from_regex(r"[\w./][\w./ -]{0,30}[\w]", fullmatch=True), st.integers(-100, 100).map(lambda tenths: tenths / 10)
)
def test_what_is_written_is_read(name: str, weight: float) -> None:
    assert without_loras(write_lora(name, weight)) == ("", (LoraInPrompt(name, weight, weight),))
