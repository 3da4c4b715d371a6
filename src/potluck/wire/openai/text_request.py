"""``POST /v1/completions`` and ``POST /v1/embeddings``: the requests' fields and the calls they mean."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from potluck.core.call import EmbedCall, EngineHints, InfillCall, TextCall
from potluck.core.errors import BadRequest
from potluck.wire.ollama.times import read_keep_alive
from potluck.wire.openai.fields import (
    Request,
    read_choices,
    read_hints,
    read_model,
    read_sampling,
    unknown_fields,
    whole,
)

# What OpenAI takes where nothing is said (API-CONTRACTS.md 1.2). Most engines would write until their context is full.
_DEFAULT_TOKENS = 16
_LLAMACPP_LIMIT = "n_predict"

Texts = str | list[str | int | list[int]]


class CompletionRequest(Request, kw_only=True):
    prompt: Texts
    suffix: str | None = None
    echo: bool | None = None
    # How many alternatives to show for each token; some clients send a truth value.
    logprobs: int | float | bool | None = None


class EmbeddingRequest(msgspec.Struct, kw_only=True):
    model: str | None = None
    input: Texts
    encoding_format: str | None = None
    dimensions: int | float | None = None
    keep_alive: int | float | str | None = None


def read_texts(texts: Texts, param: str) -> tuple[str | tuple[int, ...], ...]:
    """One text, several, one list of token ids, or several. Raises `BadRequest` for none and for a mixture."""
    if isinstance(texts, str):
        return (texts,)
    if not texts:
        raise BadRequest(f"{param} is empty", param=param, hint="Send a text or a list of texts.")
    ids = [item for item in texts if isinstance(item, int)]
    if len(ids) == len(texts):
        return (tuple(ids),)
    if ids:
        raise BadRequest(f"Invalid value for '{param}': texts and token ids are mixed.", param=param)
    return tuple(tuple(item) if isinstance(item, list) else item for item in texts if not isinstance(item, int))


def limited(request: CompletionRequest) -> bool:
    """Whether the client said how long an answer may be; a negative number says without end."""
    said = request.max_tokens is not None or request.max_completion_tokens is not None
    return said or "num_predict" in (request.options or {})


def check_completion(request: CompletionRequest) -> None:
    """Raises `BadRequest` for no model or prompt, and for what filling in between two texts cannot be."""
    read_model(request.model)
    prompts = read_texts(request.prompt, "prompt")
    choices = read_choices(request.n)
    if request.suffix and (choices > 1 or not isinstance(request.prompt, str)):
        raise BadRequest(
            "A suffix goes with one prompt, a text, and one answer.", param="suffix", hint="Send several requests."
        )
    if request.echo and not all(isinstance(prompt, str) for prompt in prompts):
        raise BadRequest("Token ids cannot be echoed.", param="echo", hint="Send the prompt as text.")


def completion_call(request: CompletionRequest, body: bytes) -> TextCall | InfillCall:
    """The neutral record: with a suffix an `InfillCall`, else a `TextCall`."""
    logprobs = request.logprobs is not None and request.logprobs is not False
    alternatives = 0 if isinstance(request.logprobs, bool) else whole(request.logprobs, "logprobs") or 0
    sampling = read_sampling(request, logprobs=logprobs, top_logprobs=alternatives)
    hints = read_hints(request, body)
    if sampling.max_tokens is None and not limited(request) and _LLAMACPP_LIMIT not in hints.extra:
        sampling = replace(sampling, max_tokens=_DEFAULT_TOKENS)
    model = read_model(request.model)
    if request.suffix and isinstance(request.prompt, str):
        return InfillCall(model, request.prompt, request.suffix, sampling=sampling, hints=hints)
    return TextCall(
        model=model,
        prompts=read_texts(request.prompt, "prompt"),
        echo=bool(request.echo),
        sampling=sampling,
        choices=read_choices(request.n),
        hints=hints,
    )


def check_embedding(request: EmbeddingRequest) -> None:
    """Raises `BadRequest` for no model, for nothing to embed, and for an encoding that is not known."""
    read_model(request.model)
    for index, text in enumerate(read_texts(request.input, "input")):
        if not text:
            param = "input" if isinstance(request.input, str) else f"input[{index}]"
            raise BadRequest(f"{param} is empty", param=param, hint="Send at least one character.")
    if request.encoding_format not in {None, "float", "base64"}:
        raise BadRequest(
            f"Invalid value for 'encoding_format': '{request.encoding_format}'.",
            param="encoding_format",
            hint="Write float or base64.",
        )
    dimensions = whole(request.dimensions, "dimensions")
    if dimensions is not None and dimensions < 1:
        raise BadRequest("Invalid value for 'dimensions': it must be at least 1.", param="dimensions")


def embedding_call(request: EmbeddingRequest, body: bytes) -> EmbedCall:
    return EmbedCall(
        model=read_model(request.model),
        inputs=read_texts(request.input, "input"),
        dimensions=whole(request.dimensions, "dimensions"),
        hints=EngineHints(
            keep_alive_s=read_keep_alive(request.keep_alive), extra=unknown_fields(body, EmbeddingRequest)
        ),
    )
