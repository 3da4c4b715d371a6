from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import BadRequest
from potluck.core.model_sources import (
    FromHub,
    FromRegistry,
    FromUrl,
    choose_file,
    hub_name,
    likely_name,
    parse_source,
    quant_of,
    read_sha256,
    url_name,
    without_query,
    word,
)

HEX = "ab" * 32

FILES = (
    "README.md",
    "mmproj-model-f16.gguf",
    "Tiny-1B-Q8_0.gguf",
    "Tiny-1B-Q4_K_M.gguf",
    "Tiny-1B-UD-Q4_K_XL.gguf",
    "big/Tiny-1B-BF16-00001-of-00002.gguf",
    "big/Tiny-1B-BF16-00002-of-00002.gguf",
)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("llama3.2:3b", FromRegistry("llama3.2:3b")),
        (" me/mine ", FromRegistry("me/mine")),
        ("hf.co/a/b", FromHub("a", "b")),
        ("HuggingFace.co/a/b:Q4_K_M", FromHub("a", "b", "Q4_K_M")),
        ("hf:a/b", FromHub("a", "b")),
        ("hf:a/b:Q8_0", FromHub("a", "b", "Q8_0")),
        ("hf:a/b/x.gguf", FromHub("a", "b", file="x.gguf")),
        ("hf:a/b/big/x.gguf", FromHub("a", "b", file="big/x.gguf")),
        ("https://x.org/m.gguf?sig=1", FromUrl("https://x.org/m.gguf?sig=1")),
        (f"http://x.org/m.gguf#sha256={HEX}", FromUrl("http://x.org/m.gguf", HEX)),
        ("http://x.org/m.gguf#part", FromUrl("http://x.org/m.gguf")),
        ("https://huggingface.co/a/b/blob/main/m.gguf", FromUrl("https://huggingface.co/a/b/resolve/main/m.gguf")),
    ],
)
def test_what_was_asked_for_says_where_it_is(text: str, source: object) -> None:
    assert parse_source(text) == source


@pytest.mark.parametrize(
    "text",
    ["", "ftp://x/m.gguf", "file:///etc/passwd", "http://", "http://[", "http://x:0/m", "https://u:p@x.org/m.gguf",
     "hf.co/a", "hf.co/a/b/c", "hf:a/../b", "hf:a/b/../../x.gguf", "hf:a/b/x.gguf:Q4", "hf:/", "hf.co/a/b:x y",
     "http://x.org/m.gguf#sha256=12"],
)  # fmt: skip
def test_what_is_no_source_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_source(text)


@given(st.text(max_size=40))
def test_any_text_is_a_source_or_refused(text: str) -> None:
    try:
        source = parse_source(text)
    except BadRequest:
        return
    if isinstance(source, FromHub):
        assert ".." not in (source.owner, source.repo, source.tag, *source.file.split("/"))


@pytest.mark.parametrize("text", [HEX, HEX.upper(), f"sha256:{HEX}", f"sha256-{HEX}"])
def test_a_checksum_is_read_in_every_spelling(text: str) -> None:
    assert read_sha256(text) == HEX


def test_no_checksum_is_none_and_a_wrong_one_is_refused() -> None:
    assert read_sha256("") == ""
    with pytest.raises(BadRequest):
        read_sha256("xyz")


@pytest.mark.parametrize(
    ("source", "file"),
    [
        (FromHub("a", "b"), "Tiny-1B-Q4_K_M.gguf"),
        (FromHub("a", "b", "latest"), "Tiny-1B-Q4_K_M.gguf"),
        (FromHub("a", "b", "q8_0"), "Tiny-1B-Q8_0.gguf"),
        (FromHub("a", "b", "UD-Q4_K_XL"), "Tiny-1B-UD-Q4_K_XL.gguf"),
        (FromHub("a", "b", "Tiny-1B-Q8_0.gguf"), "Tiny-1B-Q8_0.gguf"),
        (FromHub("a", "b", file="Tiny-1B-Q8_0.gguf"), "Tiny-1B-Q8_0.gguf"),
    ],
)
def test_one_file_of_a_repository_is_meant(source: FromHub, file: str) -> None:
    assert choose_file(source, FILES) == file


@pytest.mark.parametrize(
    ("source", "files", "words"),
    [
        (FromHub("a", "b", "Q2_K"), FILES, "There are Q8_0, Q4_K_M"),
        (FromHub("a", "b", file="x.gguf"), FILES, "has no 'x.gguf'"),
        (FromHub("a", "b"), ("README.md", "mmproj-x.gguf"), "no GGUF file"),
        (FromHub("a", "b", "BF16"), FILES, "several files"),
        (FromHub("a", "b"), FILES[-2:], "several files"),
        (FromHub("a", "b", "Q2_K"), [f"x-Q{n}_0.gguf" for n in range(20)], "and 8 more"),
    ],
)
def test_a_file_that_is_not_there_is_refused_with_those_that_are(
    source: FromHub, files: tuple[str, ...], words: str
) -> None:
    with pytest.raises(BadRequest, match=words):
        choose_file(source, files)


@pytest.mark.parametrize(
    ("file", "quant"),
    [
        ("x-Q4_K_M.gguf", "Q4_K_M"),
        ("x.IQ3_XS.gguf", "IQ3_XS"),
        ("dir/x-f16.GGUF", "f16"),
        ("x-bf16-00001-of-00003.gguf", "bf16"),
        ("x-MXFP4.gguf", "MXFP4"),
        ("x-instruct.gguf", ""),
    ],
)
def test_a_files_name_tells_how_it_is_quantised(file: str, quant: str) -> None:
    assert quant_of(file) == quant


@pytest.mark.parametrize(
    ("source", "file", "name"),
    [
        (FromHub("a", "b"), "x-Q4_K_M.gguf", "hf.co/a/b:latest"),
        (FromHub("a", "b", "q4_k_m"), "x-Q4_K_M.gguf", "hf.co/a/b:q4_k_m"),
        (FromHub("a", "b", file="x-Q4_K_M.gguf"), "x-Q4_K_M.gguf", "hf.co/a/b:Q4_K_M"),
        (FromHub("a", "b", file="x-Q8_0.gguf"), "x-Q8_0.gguf", "hf.co/a/b:x-Q8_0"),
        (FromHub("a", "b", file="odd one.gguf"), "odd one.gguf", "hf.co/a/b:odd-one"),
    ],
)
def test_a_hubs_file_is_called_as_it_was_asked_for_and_like_no_other(source: FromHub, file: str, name: str) -> None:
    assert hub_name(source, file, ["x-Q4_K_M.gguf", "x-Q8_0.gguf", "y-Q8_0.gguf", "odd one.gguf"]) == name


def test_a_url_names_its_model_or_must_be_told() -> None:
    assert url_name("https://x.org/a/Smol%20LM.Q4_1.gguf?x=1") == "Smol-LM.Q4_1:latest"
    with pytest.raises(BadRequest, match="--as"):
        url_name("https://x.org/")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (FromRegistry("m"), "m"),
        (FromHub("a", "b"), "hf.co/a/b:latest"),
        (FromHub("a", "b", "Q8_0"), "hf.co/a/b:Q8_0"),
        (FromHub("a", "b", file="x.gguf"), ""),
        (FromUrl("http://x/m.gguf"), "m:latest"),
    ],
)
def test_the_name_is_known_before_where_it_can_be(source: FromRegistry | FromHub | FromUrl, name: str) -> None:
    assert likely_name(source) == name


def test_a_signature_is_left_out_of_what_is_written_down() -> None:
    assert without_query("https://x.org/m.gguf?sig=1?2") == "https://x.org/m.gguf"


def test_a_word_of_a_name_has_at_most_80_characters() -> None:
    assert len(word("x" * 200)) == 80
