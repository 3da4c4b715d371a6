from __future__ import annotations

import base64
from pathlib import Path

import pytest

from potluck.cli.attach import MAX_TEXT_BYTES, Image, with_files, with_input
from potluck.cli.failure import CliError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_text_file_goes_into_the_message_under_its_name(here: Path) -> None:
    (here / "a.py").write_text("x = 1\n")
    question = with_files("explain @a.py please")
    assert question.text == "explain a.py please\n\nFile a.py:\n```py\nx = 1\n```"
    assert question.images == ()


def test_an_image_goes_beside_the_message(here: Path) -> None:
    (here / "a.png").write_bytes(PNG)
    question = with_files("what is @a.png")
    assert question.text == "what is a.png"
    assert question.images == (Image("image/png", base64.b64encode(PNG).decode()),)


def test_the_sentences_punctuation_is_not_the_files(here: Path) -> None:
    (here / "a.py").write_text("x")
    assert with_files("Is @a.py, which is mine, good?").text.startswith("Is a.py, which is mine, good?\n\nFile a.py")


def test_a_name_with_spaces_is_quoted(here: Path) -> None:
    (here / "my file.txt").write_text("x")
    assert "File my file.txt:" in with_files('read @"my file.txt"').text


def test_a_fence_inside_the_file_cannot_end_the_files_own(here: Path) -> None:
    (here / "a.md").write_text("```\ncode\n```\n")
    assert "\n````md\n```\ncode\n```\n````" in with_files("@a.md").text


@pytest.mark.parametrize("text", ["mail me@example.com", r"say \@name"])
def test_other_at_signs_stay(text: str) -> None:
    assert with_files(text).text == text.replace("\\@", "@")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(CliError, match=r"no file 'gone\.py'"):
        with_files("see @gone.py.")


def test_a_directory_is_no_file(here: Path) -> None:
    (here / "src").mkdir()
    with pytest.raises(CliError, match="'src' is a directory"):
        with_files("see @src")


def test_a_binary_file_is_refused(here: Path) -> None:
    (here / "a.bin").write_bytes(b"\x00\xff")
    with pytest.raises(CliError, match="neither text nor"):
        with_files("see @a.bin")


def test_too_much_text_is_refused(here: Path) -> None:
    (here / "big.txt").write_bytes(b"x" * (MAX_TEXT_BYTES + 1))
    with pytest.raises(CliError, match="larger than 512 kB"):
        with_files("see @big.txt")


@pytest.mark.parametrize(
    ("question", "piped", "text"), [("q", "data\n", "q\n\ndata"), ("", "data", "data"), ("q", "", "q"), ("", " ", "")]
)
def test_what_is_piped_in_follows_the_question(question: str, piped: str, text: str) -> None:
    assert with_input(question, piped) == text
