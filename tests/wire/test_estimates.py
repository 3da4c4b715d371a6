"""A guess is marked as one, and never says that text cost nothing."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.answer import Usage
from potluck.wire.estimates import estimate, prompt_length
from potluck_fake_engine import tokens


@pytest.mark.parametrize(("text_bytes", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (400, 100)])
def test_four_bytes_are_about_a_token(text_bytes: int, tokens: int) -> None:
    assert estimate(text_bytes, 7) == Usage(prompt=7, completion=tokens, estimated=True)


@given(st.text())
def test_a_prompt_has_no_more_tokens_than_bytes_and_likely_something_between(text: str) -> None:
    length = prompt_length(text.encode())
    assert length.least <= length.likely <= length.most == len(text.encode())
    assert tokens.count(text) <= length.most


def test_other_scripts_are_taken_to_have_more_tokens_in_as_many_bytes() -> None:
    assert prompt_length(b"a" * 300).likely == 100
    assert prompt_length("\u4e16".encode() * 100).likely == 150


def test_the_bytes_of_an_image_are_no_text() -> None:
    image = "data:image/png;base64," + base64.b64encode(bytes(100_000)).decode()
    body = json.dumps({"messages": [{"content": [{"text": "What is this?"}, {"image_url": {"url": image}}]}]}).encode()
    length = prompt_length(body, images=True)
    assert length.most < 5000
    assert length.likely > 1000
    assert prompt_length(body).most == len(body)
