from __future__ import annotations

import json

import pytest

from potluck.core.scheduling.classes import Kind
from potluck.wire.anthropic.request import read_messages
from potluck.wire.ollama.asks import read_chat as read_ollama_chat
from potluck.wire.openai.asks import read_chat, read_completion, read_embedding
from potluck.wire.responses.request import read_responses

HISTORY = "\n### Chat History:\n<chat_history>\nUSER: soup?\n</chat_history>"
TITLE = "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history." + HISTORY
TAGS = "### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history." + HISTORY
NEXT = "### Task:\nSuggest 3-5 relevant follow-up questions or prompts." + HISTORY
QUERIES = "### Task:\nAnalyze the chat history to determine the necessity of generating search queries." + HISTORY
PICTURE = "### Task:\nGenerate a detailed prompt for an image generation task." + HISTORY


def body(*texts: str, **more: object) -> bytes:
    messages = [{"role": "user", "content": text} for text in texts]
    return json.dumps({"model": "m", "max_tokens": 5, "messages": messages, **more}).encode()


@pytest.mark.parametrize("text", [TITLE, TAGS, NEXT])
def test_titles_tags_and_follow_ups_of_open_webui_are_background_in_every_dialect(text: str) -> None:
    for read in (read_chat, read_messages, read_ollama_chat):
        assert read(body(text)).kind is Kind.BACKGROUND
    assert read_responses(json.dumps({"model": "m", "input": text}).encode()).kind is Kind.BACKGROUND


@pytest.mark.parametrize(
    "texts", [(QUERIES,), (PICTURE,), ("### Task:\nGenerate a concise poem",), (TITLE, "and?"), ("",)]
)
def test_what_somebody_waits_for_is_not(texts: tuple[str, ...]) -> None:
    for read in (read_chat, read_ollama_chat):
        assert read(body(*texts)).kind is None


def test_flex_is_a_batch() -> None:
    assert read_chat(body("hi", service_tier="flex")).kind is Kind.BATCH
    assert read_chat(body(TITLE, service_tier="flex")).kind is Kind.BATCH
    for other in ("auto", "priority", None, 3):
        assert read_chat(body("hi", service_tier=other)).kind is None
    assert read_completion(b'{"model":"m","prompt":"x","service_tier":"flex"}').kind is Kind.BATCH
    assert read_responses(b'{"model":"m","input":"x","service_tier":"flex"}').kind is Kind.BATCH
    assert read_responses(b'{"model":"m","input":"x","service_tier":"default"}').kind is None
    assert read_embedding(b'{"model":"m","input":"x"}').kind is None
