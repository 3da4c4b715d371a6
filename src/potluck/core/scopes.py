"""What a key is limited to: some surfaces, some names of models and routes. A key without limits has no scope."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from potluck.core.errors import BadRequest, Forbidden
from potluck.core.names import canonical
from potluck.core.people import Right

SURFACES: Final = ("openai", "anthropic", "ollama", "llamacpp", "a1111", "comfyui", "native")
"""The dialects that a key may be limited to. Tabby's and Mistral's requests come by OpenAI's paths and are its."""

SCOPED_RIGHTS: Final = frozenset(
    {Right.LOOK, Right.INFER, Right.CONVERSE, Right.KEEP_FILES, Right.MAKE_PICTURES, Right.SEE_FLEET}
)
"""All that a limited key may, whoever's it is: one that makes keys or changes machines would not be limited."""

# More than that nobody reads in an error.
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Scope:
    """None is no limit. ``models`` are names as a client asks for them: models', routes', aliases', ``auto``."""

    surfaces: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    _names: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_names", frozenset(map(canonical, self.models or ())))

    def allows_surface(self, surface: str) -> bool:
        return self.surfaces is None or surface in self.surfaces

    def allows(self, model: str) -> bool:
        """Whether a name may be asked for. An alias, and `auto`, must be named themselves."""
        return self.models is None or _canonical(model) in self._names

    def surface_refusal(self, surface: str) -> Forbidden:
        return Forbidden(
            f"This key is not for the {surface} surface.", hint=f"It is for {_listed(self.surfaces or ())}."
        )

    def model_refusal(self, model: str) -> Forbidden:
        return Forbidden(f"This key may not ask for '{model}'.", hint=f"It may ask for {_listed(self.models or ())}.")


def scope_of(surfaces: Iterable[str] | None, models: Iterable[str] | None) -> Scope | None:
    """The scope of a key that is limited to these. Raises `BadRequest` for a limit that nothing fits."""
    if surfaces is None and models is None:
        return None
    scope = Scope(
        None if surfaces is None else tuple(dict.fromkeys(surfaces)),
        None if models is None else tuple(dict.fromkeys(name.strip() for name in models)),
    )
    if unknown := [each for each in scope.surfaces or () if each not in SURFACES]:
        raise BadRequest(
            f"There is no surface '{unknown[0]}'.", param="surfaces", hint=f"There are {_listed(SURFACES)}."
        )
    if scope.surfaces == () or scope.models == () or "" in (scope.models or ()):
        param = "surfaces" if scope.surfaces == () else "models"
        raise BadRequest("A key that is limited to nothing is of no use.", param=param, hint="Leave the limit out.")
    return scope


# Names come from clients: what is remembered is bounded.
_canonical = lru_cache(1024)(canonical)


def _listed(names: Iterable[str]) -> str:
    names = tuple(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
