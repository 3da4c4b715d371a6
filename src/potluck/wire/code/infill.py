"""llama.cpp's ``POST /infill`` for clients: llama.vscode and llama.vim (API-CONTRACTS.md 4).

The dialect names no model, and its streams end without ``[DONE]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from potluck.core.answer import Answer, Choice, Event, Failed, Finish, FinishReason, Text, Timings, Usage
from potluck.core.call import EngineHints, InfillCall, LoadCall, Sampling, Snippet
from potluck.core.errors import PotluckError
from potluck.core.model import JsonObject
from potluck.wire.body import decode_body
from potluck.wire.code.ask import CodeAsk
from potluck.wire.code.errors import write_llamacpp_error
from potluck.wire.code.infill_engine import InfillPassage
from potluck.wire.port import AnswerMeta, Shape
from potluck.wire.sse import PING, STREAM_TYPE, data_event


class _Extra(Struct):
    text: str = ""
    filename: str = ""


class _Request(Struct):
    model: str | None = None
    input_prefix: str | None = None
    input_suffix: str | None = None
    input_extra: list[_Extra] | None = None
    prompt: str | None = None
    n_predict: int | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    seed: int | None = None
    stop: list[str] | None = None
    repeat_penalty: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stream: bool | None = None


def read_infill(body: bytes) -> CodeAsk:
    """POST /infill. ``n_predict: 0`` warms the model up and is answered with no text. Raises `BadRequest`."""
    request = decode_body(body, _Request)
    hints = EngineHints(extra=_unknown(body))
    model = request.model or ""
    sampling = Sampling(
        max_tokens=request.n_predict if request.n_predict is not None and request.n_predict > 0 else None,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        min_p=request.min_p,
        seed=request.seed if request.seed is not None and request.seed >= 0 else None,
        stop=tuple(request.stop or ()),
        presence_penalty=request.presence_penalty,
        frequency_penalty=request.frequency_penalty,
        repeat_penalty=request.repeat_penalty,
    )
    call = InfillCall(
        model=model,
        prefix=request.input_prefix or "",
        suffix=request.input_suffix or "",
        prompt=request.prompt or "",
        snippets=tuple(Snippet(extra.filename, extra.text) for extra in request.input_extra or ()),
        sampling=sampling,
        hints=hints,
    )
    return CodeAsk(
        shape=Shape.LLAMACPP_INFILL,
        body=body,
        stream=bool(request.stream),
        made=LoadCall(model) if request.n_predict == 0 else call,
        write=InfillWriter,
        watch=InfillPassage,
    )


def _unknown(body: bytes) -> JsonObject:
    fields: JsonObject = decode_body(body, dict[str, Any])
    return {name: value for name, value in fields.items() if name not in _Request.__struct_fields__}


_STOP_TYPES = {FinishReason.LENGTH: "limit", FinishReason.LOAD: "none", FinishReason.UNLOAD: "none"}


class InfillWriter:
    """Answers of ``/infill``. Slot, settings and prompt are the engine's own and are left empty."""

    stream_type = STREAM_TYPE
    keep_alive = PING

    def __init__(self, meta: AnswerMeta) -> None:
        self._meta = meta
        self._finish: Finish | None = None
        self._usage: Usage | None = None
        self._timings: Timings | None = None

    def open(self) -> bytes:
        return b""

    def write(self, events: Sequence[Event], now_s: float) -> bytes:
        out = b""
        for event in events:
            match event:
                case Text(text=text):
                    out += data_event(msgspec.json.encode({"index": 0, "content": text, "stop": False}))
                case Finish():
                    self._finish = event
                case Usage():
                    self._usage = event
                case Timings():
                    self._timings = event
                case Failed(error=error):
                    out += self.fail(error, "")
                case _:
                    pass
        return out

    def close(self, now_s: float) -> bytes:
        """The last event, with the counts; nothing if the answer gave no reason for its end."""
        return data_event(self._last("", self._finish, now_s)) if self._finish else b""

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        return data_event(write_llamacpp_error(error, request_id).body)

    def whole(self, answer: Answer, now_s: float) -> bytes:
        choice = answer.choices[0] if answer.choices else Choice()
        self._usage, self._timings = answer.usage, answer.timings
        finish = Finish(choice.finish or FinishReason.STOP, stop_sequence=choice.stop_sequence)
        return self._last(choice.text, finish, now_s)

    def _last(self, text: str, finish: Finish, now_s: float) -> bytes:
        usage = self._usage or Usage()
        word = finish.stop_sequence
        return msgspec.json.encode(
            {
                "index": 0,
                "content": text,
                "tokens": [],
                "id_slot": -1,
                "stop": True,
                "model": self._meta.model,
                "tokens_predicted": usage.completion,
                "tokens_evaluated": usage.prompt,
                "generation_settings": {},
                "prompt": "",
                "has_new_line": "\n" in text,
                "truncated": False,
                "stop_type": _STOP_TYPES.get(finish.reason, "word" if word else "eos"),
                "stopping_word": word,
                "tokens_cached": usage.prompt + usage.completion,
                "timings": self._times(usage, now_s),
            }
        )

    def _times(self, usage: Usage, now_s: float) -> Mapping[str, float]:
        """The engine's, or all of the time as writing. Clients divide by these, so rates are 0 and never infinite."""
        timings = self._timings or Timings(decode_s=max(0.0, now_s - self._meta.created_s))
        read = max(0, usage.prompt - usage.cached)
        return {
            "cache_n": usage.cached,
            "prompt_n": read,
            "prompt_ms": timings.prefill_s * 1000,
            "prompt_per_second": read / timings.prefill_s if timings.prefill_s else 0.0,
            "predicted_n": usage.completion,
            "predicted_ms": timings.decode_s * 1000,
            "predicted_per_second": usage.completion / timings.decode_s if timings.decode_s else 0.0,
        }
