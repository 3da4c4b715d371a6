"""GGUF files as small as they can be, made for tests after docs/gguf.md of ggml-org/ggml."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Value: TypeAlias = str | int | float | bool | Sequence["Value"]


def gguf(pairs: Mapping[str, Value], *, version: int = 3, order: str = "<", tensors: bytes = b"") -> bytes:
    """A file with ``pairs`` as metadata; whole numbers become u32, texts strings, lists arrays of their first kind."""
    body = b"".join(_text(key, order) + _kind(value, order) + _value(value, order) for key, value in pairs.items())
    return b"GGUF" + struct.pack(f"{order}IQQ", version, 0, len(pairs)) + body + tensors


def gguf_of_tensors(pairs: Mapping[str, Value], names: Sequence[str]) -> bytes:
    """A file with heads of tensors of one number each."""
    heads = b"".join(_text(name, "<") + struct.pack("<IQIQ", 1, 1, 1, 0) for name in names)
    plain = gguf(pairs, tensors=heads)
    return plain[:8] + struct.pack("<Q", len(names)) + plain[16:]


def _text(text: str, order: str) -> bytes:
    data = text.encode()
    return struct.pack(f"{order}Q", len(data)) + data


def _number(value: Value) -> int:
    if isinstance(value, str):
        return 8
    if isinstance(value, bool):
        return 7
    if isinstance(value, int):
        return 4 if 0 <= value < 1 << 32 else 10
    return 6 if isinstance(value, float) else 9


def _kind(value: Value, order: str) -> bytes:
    return struct.pack(f"{order}I", _number(value))


def _value(value: Value, order: str) -> bytes:
    match value:
        case str():
            return _text(value, order)
        case bool():
            return struct.pack(f"{order}?", value)
        case int():
            return struct.pack(f"{order}{'I' if _number(value) == 4 else 'Q'}", value)
        case float():
            return struct.pack(f"{order}f", value)
        case _:
            kind = _number(value[0]) if value else 4
            items = b"".join(_value(item, order) for item in value)
            return struct.pack(f"{order}IQ", kind, len(value)) + items


CHATML = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"

CHAT: Mapping[str, Value] = {
    "general.architecture": "llama",
    "general.name": "Tiny",
    "general.size_label": "1M",
    "general.file_type": 15,
    "llama.context_length": 4096,
    "llama.embedding_length": 64,
    "llama.attention.head_count": 2,
    "tokenizer.ggml.tokens": ["a", "b", "<|im_start|>"],
    "tokenizer.ggml.scores": [0.5, 1.5, 2.5],
    "tokenizer.chat_template": CHATML,
}

BERT: Mapping[str, Value] = {
    "general.architecture": "bert",
    "bert.context_length": 512,
    "bert.pooling_type": 1,
    "bert.attention.causal": False,
}
