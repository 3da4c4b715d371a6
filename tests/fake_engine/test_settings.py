from __future__ import annotations

import pytest

from potluck_fake_engine.settings import BadSetting, parse_model, parse_size


def test_a_model_is_read_with_all_its_keys() -> None:
    spec = parse_model(
        "qwen:7b,context=512,capabilities=completion+tools+insert,size=4.5GB,load_s=3,prefill=500 tok/s,decode=40,"
        "dims=8,family=qwen2,parameter_size=7B,quantization=Q8_0,resident,slots=2"
    )
    assert (spec.name, spec.context, spec.size, spec.load_s) == ("qwen:7b", 512, 4_500_000_000, 3.0)
    assert (spec.prefill, spec.decode, spec.dims, spec.slots, spec.resident) == (500.0, 40.0, 8, 2, True)
    assert spec.can("insert")
    assert not spec.can("vision")


@pytest.mark.parametrize("text", ["", "m,colour=red", "m,context=many", "m,capabilities=flying", "m,size=8 parsecs"])
def test_what_cannot_be_read_is_told(text: str) -> None:
    with pytest.raises(BadSetting):
        parse_model(text)


@pytest.mark.parametrize(("text", "size"), [("8GB", 8 * 10**9), ("512 MiB", 512 * 2**20), ("1000", 1000)])
def test_sizes_have_units(text: str, size: int) -> None:
    assert parse_size(text) == size
