"""``options``: how tokens are drawn, and how the engine runs the model, in one object (API-CONTRACTS.md 2)."""

from __future__ import annotations

from collections.abc import Mapping

from potluck.core.call import EngineHints, Sampling
from potluck.core.context import SURE_CONTEXT, USUAL_ANSWER, normalise
from potluck.core.errors import BadRequest
from potluck.core.model import Json, JsonObject

UNCUT: JsonObject = {"truncate": False, "shift": False}
"""Fields of chats and generations: an engine of 2025 or later then refuses a prompt that its context does not hold, and
ends an answer where the context does. By default it drops what came first, and says nothing; older ones always do."""

_INT64 = 1 << 63

_FLOATS = ("temperature", "top_p", "min_p", "presence_penalty", "frequency_penalty", "repeat_penalty")
_INTS = ("num_predict", "top_k", "seed", "num_ctx")


def surely_fits(text_bytes: int, answer_tokens: int | None, num_ctx: int | None) -> bool:
    """Whether a context holds a prompt of so many bytes, and its answer, without any counting: a token has one byte at
    least. None is a context that the engine chooses."""
    needed = text_bytes + (USUAL_ANSWER if answer_tokens is None else answer_tokens)
    return needed <= (SURE_CONTEXT if num_ctx is None else num_ctx)


def read_options(options: Mapping[str, Json]) -> tuple[Sampling, int | None, JsonObject]:
    """Sampling, the context length asked for, and every option that has no place in a neutral call.

    ``num_predict`` of 0 or less means unlimited, which is None. Raises `BadRequest` for a wrong type, in Ollama's
    words.
    """
    floats = {name: _number(options, name, "float32") for name in _FLOATS}
    ints = {name: _number(options, name, "integer") for name in _INTS}
    limit, num_ctx = ints["num_predict"], ints["num_ctx"]
    known = {*_FLOATS, *_INTS, "stop"}
    return (
        Sampling(
            max_tokens=int(limit) if limit is not None and limit > 0 else None,
            temperature=floats["temperature"],
            top_p=floats["top_p"],
            top_k=_whole(ints["top_k"]),
            min_p=floats["min_p"],
            seed=_whole(ints["seed"]),
            stop=_stop(options.get("stop")),
            presence_penalty=floats["presence_penalty"],
            frequency_penalty=floats["frequency_penalty"],
            repeat_penalty=floats["repeat_penalty"],
        ),
        _whole(num_ctx),
        {name: value for name, value in options.items() if name not in known},
    )


def _number(options: Mapping[str, Json], name: str, kind: str) -> float | None:
    value = options.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest(f'option "{name}" must be of type {kind}', param=f"options.{name}")
    if not -_INT64 <= value < _INT64:
        raise BadRequest(f'option "{name}" is out of range', param=f"options.{name}")
    return value


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _stop(value: Json) -> tuple[str, ...]:
    match value:
        case None:
            return ()
        case str():
            return (value,)
        case list() if all(isinstance(item, str) for item in value):
            return tuple(item for item in value if isinstance(item, str))
        case _:
            raise BadRequest('option "stop" must be of type array', param="options.stop")


def write_options(sampling: Sampling, hints: EngineHints, num_ctx: int | None) -> JsonObject:
    """The reverse, for an engine that runs the model with ``num_ctx``: only what was said, and nothing that reloads it.

    ``logit_bias`` has no equivalent and is lost.
    """
    said: dict[str, Json] = {
        # To Ollama 0 means no limit; whoever asked for nothing gets the least there is.
        "num_predict": sampling.max_tokens if sampling.max_tokens is None else max(1, sampling.max_tokens),
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "seed": sampling.seed,
        "stop": list[Json](sampling.stop) or None,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "repeat_penalty": sampling.repeat_penalty,
    }
    merged = {**hints.options, **{name: value for name, value in said.items() if value is not None}}
    return normalise(merged, num_ctx)
