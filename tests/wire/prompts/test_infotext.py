"""Infotext is written as A1111 writes it, is read as A1111 reads it, and no prompt can pass for a setting."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from potluck.wire.prompts.infotext import Infotext, read, read_size, write

SETTINGS = {"Steps": "20", "Sampler": "Euler a", "CFG scale": "7", "Seed": "965400086", "Size": "512x512"}

# From a picture of the real program, version 1.9.
OF_A1111 = "\n".join(
    [
        "a harbour at night, (neon:1.2), <lora:glow:0.8>",
        "rain",
        "Negative prompt: blurry, (deformed:1.3)",
        "low quality",
        "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 3188372471, Size: 512x768, "
        "Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, "
        r'Hires prompt: "a harbour: \"wide\",\nwet", Lora hashes: "glow: 1a2b3c4d5e6f, rim: 77", Version: v1.9.4',
    ]
)

prompts = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            [
                "Negative prompt:",
                " negative PROMPT: ",
                "Steps: 1, Sampler: x, CFG scale: 2",
                "\n",
                "\r\n",
                '"',
                "\\",
                ",",
                ": ",
                "cat",
            ]
        ),
        max_size=12,
    ).map("".join),
)
names = st.from_regex(r"[\w][\w /-]{0,20}[\w]", fullmatch=True).filter(lambda name: not name.startswith("Exact"))


def trimmed(prompt: str) -> str:
    return "\n".join(line.strip() for line in prompt.split("\n")).strip()


def test_what_a1111_wrote_is_read_whole() -> None:
    infotext = read(OF_A1111)
    assert infotext.prompt == "a harbour at night, (neon:1.2), <lora:glow:0.8>\nrain"
    assert infotext.negative == "blurry, (deformed:1.3)\nlow quality"
    assert infotext.settings["Sampler"] == "DPM++ 2M"
    assert infotext.settings["Lora hashes"] == "glow: 1a2b3c4d5e6f, rim: 77"
    assert infotext.settings["Hires prompt"] == 'a harbour: "wide",\nwet'
    assert list(infotext.settings)[-1] == "Version"


def test_what_a1111_wrote_is_written_the_same() -> None:
    assert write(read(OF_A1111)) == OF_A1111


@given(prompts, prompts, st.dictionaries(names, st.text(), max_size=6))
@example("Negative prompt: all", "", {})
@example("cat\nSteps: 1, Sampler: x, CFG scale: 2", "dog\nNegative prompt: cat", {"Model": '"quoted"', "VAE": ""})
def test_what_is_written_comes_back(prompt: str, negative: str, settings: dict[str, str]) -> None:
    infotext = Infotext(prompt, negative, SETTINGS | settings)
    back = read(write(infotext))
    assert trimmed(back.prompt) == trimmed(prompt)
    assert trimmed(back.negative) == trimmed(negative)
    assert {name: back.settings[name] for name in infotext.settings} == infotext.settings


@given(prompts, prompts)
def test_no_prompt_passes_for_a_setting_or_for_the_other_prompt(prompt: str, negative: str) -> None:
    """By A1111's law: the last line holds settings, and a line that begins so is the first of the negative prompt."""
    *lines, last = write(Infotext(prompt, negative, SETTINGS)).split("\n")
    assert last.startswith("Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 512x512")
    separators = [line for line in lines if line.strip().lower().startswith("negative prompt:")]
    assert separators == [line for line in separators if line.startswith("Negative prompt: ")][: bool(negative)]


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    infotext = read(text)
    assert infotext.settings == {} or len(infotext.settings) >= 1


def test_a_text_without_settings_is_a_prompt() -> None:
    assert read("a cat\nNegative prompt: dogs") == Infotext("a cat", "dogs")
    assert read("(masterpiece:1.2), (cat:1.1), (moon:1.4), x: y") == Infotext(
        "(masterpiece:1.2), (cat:1.1), (moon:1.4), x: y"
    )


def test_too_few_settings_are_not_written() -> None:
    with pytest.raises(ValueError, match="3 settings"):
        write(Infotext("a cat", "", {"Steps": "20"}))


@pytest.mark.parametrize("name", ["", "x", "a, b", "a: b", "two\nlines", " Steps"])
def test_names_that_nobody_would_read_are_not_written(name: str) -> None:
    with pytest.raises(ValueError, match="name of a setting"):
        write(Infotext("a cat", "", {**SETTINGS, name: "1"}))


def test_a_value_that_is_quoted_but_no_json_stays_as_it_is() -> None:
    assert read('Steps: 20, Sampler: x, Size: 1x1, Odd: "\\q"').settings["Odd"] == '"\\q"'
    assert read('Steps: 20, Sampler: x, Size: 1x1, Odd: "a" b, Next: 1').settings["Next"] == "1"


@pytest.mark.parametrize(
    "text", ["a" * 300_000, "a:" * 150_000, 'a1:"b,' * 50_000, "\n" * 300_000, '"' * 300_000, "aa: \\" * 60_000]
)
def test_hostile_texts_cost_one_pass(text: str) -> None:
    """A reader that looks at a place twice for every other place would need hours, and meet the suite's timeout."""
    assert read(text).negative == ""
    assert write(Infotext(text, text, SETTINGS)).endswith("Size: 512x512")


@pytest.mark.parametrize(
    ("value", "size"), [("512x768", (512, 768)), (" 8x8 ", (8, 8)), ("0x8", None), ("8", None), ("9999999x8", None)]
)
def test_sizes(value: str, size: tuple[int, int] | None) -> None:
    assert read_size(value) == size
