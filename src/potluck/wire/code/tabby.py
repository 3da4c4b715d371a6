"""Tabby's dialect (API-CONTRACTS.md 4): completions by ``segments``, and what its clients ask at start.

Its completions share ``/v1/completions`` with OpenAI's and are told apart by their body.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Raw, Struct

from potluck.core.answer import Answer, Choice, Event
from potluck.core.call import InfillCall, Sampling, Snippet
from potluck.core.errors import BadRequest, PotluckError
from potluck.wire.body import decode_body
from potluck.wire.code.ask import CodeAsk
from potluck.wire.port import AnswerMeta, Shape

# Tabby's own server stops here unless it is configured otherwise; its requests cannot say.
MAX_TOKENS = 64

_CLIPBOARD = "clipboard"


class _Snippet(Struct):
    filepath: str | None = None
    body: str | None = None


class _Segments(Struct):
    prefix: str | None = None
    suffix: str | None = None
    filepath: str | None = None
    clipboard: str | None = None
    declarations: list[_Snippet] | None = None
    relevant_snippets_from_changed_files: list[_Snippet] | None = None
    relevant_snippets_from_recently_opened_files: list[_Snippet] | None = None


class _Request(Struct):
    segments: _Segments | None = None
    language: str | None = None
    model: str | None = None
    temperature: float | None = None
    seed: int | None = None


class _Head(Struct):
    segments: Raw = Raw(b"")
    prompt: Raw = Raw(b"")


def is_tabby(body: bytes) -> bool:
    """Whether a body of ``/v1/completions`` is Tabby's: it has segments and no prompt. Never fails."""
    if b'"segments"' not in body:
        return False
    try:
        head = msgspec.json.decode(body, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return bool(head.segments) and not head.prompt


def read_tabby(body: bytes) -> CodeAsk:
    """Tabby's POST /v1/completions; never a stream. Raises `BadRequest` without segments."""
    request = decode_body(body, _Request)
    segments = request.segments
    if segments is None:
        raise BadRequest("segments are required", param="segments")
    call = InfillCall(
        model=request.model or "",
        prefix=segments.prefix or "",
        suffix=segments.suffix or "",
        language=request.language or "",
        path=segments.filepath or "",
        snippets=tuple(_snippets(segments)),
        sampling=Sampling(max_tokens=MAX_TOKENS, temperature=request.temperature, seed=request.seed),
    )
    return CodeAsk(shape=Shape.TABBY, body=body, stream=False, made=call, write=TabbyWriter)


def _snippets(segments: _Segments) -> Iterable[Snippet]:
    groups = (
        segments.declarations,
        segments.relevant_snippets_from_changed_files,
        segments.relevant_snippets_from_recently_opened_files,
    )
    for group in groups:
        for snippet in group or ():
            if snippet.body:
                yield Snippet(snippet.filepath or "", snippet.body)
    if segments.clipboard:
        yield Snippet(_CLIPBOARD, segments.clipboard)


class TabbyWriter:
    """Answers of Tabby's completions: one object, and nothing for errors but the status."""

    stream_type = "application/json"
    keep_alive = b""

    def __init__(self, meta: AnswerMeta) -> None:
        self._meta = meta

    def open(self) -> bytes:
        return b""

    def write(self, events: Sequence[Event], now_s: float) -> bytes:
        return b""

    def close(self, now_s: float) -> bytes:
        return b""

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        return b""

    def whole(self, answer: Answer, now_s: float) -> bytes:
        choice = answer.choices[0] if answer.choices else Choice()
        choices = [{"index": 0, "text": choice.text}]
        return msgspec.json.encode({"id": f"cmpl-{self._meta.id}", "choices": choices, "mode": "standard"})


def health_body(model: str, chat_model: str, version: str) -> bytes:
    """``GET /v1/health``. What Tabby tells of its machine says nothing of ours, so it is left empty."""
    return msgspec.json.encode(
        {
            "model": model or None,
            "chat_model": chat_model or None,
            "device": "remote",
            "arch": "",
            "cpu_info": "",
            "cpu_count": 0,
            "cuda_devices": [],
            "version": {"build_date": "", "build_timestamp": "", "git_sha": "", "git_describe": version},
        }
    )


def models_body(completion: Sequence[str], chat: Sequence[str]) -> bytes:
    """``GET /v1beta/models``."""
    return msgspec.json.encode({"completion": completion, "chat": chat})


def server_setting_body() -> bytes:
    """``GET /v1beta/server_setting``: clients are to send nothing to anybody else."""
    return msgspec.json.encode({"disable_client_side_telemetry": True})
