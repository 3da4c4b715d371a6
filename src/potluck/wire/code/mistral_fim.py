"""Mistral's ``POST /v1/fim/completions`` (API-CONTRACTS.md 4): a prompt and a suffix in, a chat's answer out."""

from __future__ import annotations

from msgspec import Struct

from potluck.core.call import InfillCall, Sampling
from potluck.core.errors import BadRequest
from potluck.wire.body import decode_body
from potluck.wire.code.ask import CodeAsk
from potluck.wire.openai.writers import ChatWriter
from potluck.wire.port import Shape


class _Request(Struct):
    model: str | None = None
    prompt: str | None = None
    suffix: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    random_seed: int | None = None
    stream: bool | None = None


def read_mistral_fim(body: bytes) -> CodeAsk:
    """Its errors are OpenAI's. Raises `BadRequest` without a prompt."""
    request = decode_body(body, _Request)
    if request.prompt is None:
        raise BadRequest("missing required field `prompt`", param="prompt")
    stop = [request.stop] if isinstance(request.stop, str) else request.stop or []
    call = InfillCall(
        model=request.model or "",
        prefix=request.prompt,
        suffix=request.suffix or "",
        sampling=Sampling(
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            top_p=request.top_p,
            seed=request.random_seed,
            stop=tuple(text for text in stop if text),
        ),
    )
    return CodeAsk(shape=Shape.MISTRAL_FIM, body=body, stream=bool(request.stream), made=call, write=ChatWriter)
