"""The requests that clients send, as bytes: whole and the same for every subject but for key and address."""

from __future__ import annotations

import json
from collections.abc import Mapping

# As long as a short question with its settings: the whole body has about 330 bytes.
_QUESTION = (
    "Explain in two or three plain sentences why rivers bend, and what that has to do with the banks, the current "
    "and the silt that it carries along."
)


def plan(chunks: int, interval_ms: int) -> str:
    """What the fake engine is to do, told in the prompt (native/upstream.c)."""
    return f"chunks={chunks} interval_us={interval_ms * 1000}"


def chat(model: str, headers: Mapping[str, str], *, prompt: str = "", path: str = "/v1/chat/completions") -> bytes:
    """A chat completion; streamed if there is a ``prompt`` that plans a stream."""
    question = f"{_QUESTION} {prompt}".strip()
    body: dict[str, object] = {
        "model": model,
        "messages": [{"role": "system", "content": "You are a kind teacher."}, {"role": "user", "content": question}],
        "max_tokens": 300,
    }
    if prompt:
        body["stream"] = True
    else:
        body["temperature"] = 0.7
    return post(path, body, headers)


def anthropic(model: str, headers: Mapping[str, str], prompt: str) -> bytes:
    """A streamed message in Anthropic's dialect."""
    question = {"role": "user", "content": f"{_QUESTION} {prompt}"}
    body = {"model": model, "max_tokens": 300, "stream": True, "messages": [question]}
    return post("/v1/messages", body, {**headers, "anthropic-version": "2023-06-01"})


def post(path: str, body: Mapping[str, object], headers: Mapping[str, str]) -> bytes:
    data = json.dumps(body).encode()
    lines = {"host": "127.0.0.1", "content-type": "application/json", "content-length": str(len(data)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + data
