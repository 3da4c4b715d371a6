"""What pydantic found wrong, in our words: which key, what it must be, and what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from potluck.config.schema import FileSection
from potluck.config.source import Finding, Path, dotted
from potluck.config.units import Unfit

# pydantic's names of errors -> what ends the sentence "KEY must …", and a hint. `{…}` come from the error itself.
_MUST = {
    "model_type": ("be a mapping of keys to values", "Indent its keys below it, or write {key: value}."),
    "dict_type": ("be a mapping of keys to values", "Indent its keys below it, or write {key: value}."),
    "list_type": ("be a list", "Write [first, second], or one item a line after '- '."),
    "string_type": ("be text", "Put it in quotes."),
    "string_too_short": ("not be empty", ""),
    "int_type": ("be a whole number", ""),
    "int_parsing": ("be a whole number", ""),
    "int_from_float": ("be a whole number", ""),
    "float_type": ("be a number", ""),
    "float_parsing": ("be a number", ""),
    "finite_number": ("be a number", ""),
    "bool_type": ("be true or false", ""),
    "bool_parsing": ("be true or false", ""),
    "greater_than_equal": ("be at least {ge}", ""),
    "less_than_equal": ("be at most {le}", ""),
    "too_short": ("hold at least {min_length}", ""),
    "too_long": ("hold at most {max_length} entries", ""),
    "literal_error": ("be one of {expected}", ""),
}


def near(word: str, known: Collection[str]) -> str:
    """ "Did you mean X?" for the nearest known word, or nothing."""
    lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return f"Did you mean {lower[found[0]]!r}?" if found else ""


def shape_finding(error: ErrorDetails, private: Collection[Path]) -> Finding:
    """One error of pydantic as a finding. Values at the paths in ``private`` are not shown."""
    path: Path = error["loc"]
    name = dotted(path)
    if error["type"] == "extra_forbidden":
        key = str(path[-1])
        return Finding(path, f"{name} is not a known key.", _meant(path[:-1], key), at_key=True)
    if error["type"] == "missing":
        return Finding(path[:-1], f"{name} is missing.", _MISSING.get(str(path[-1]), ""))
    context = error.get("ctx", {})
    unfit = context.get("error")
    if isinstance(unfit, Unfit):
        must, hint, hidden = unfit.must, unfit.hint, unfit.private
    else:
        must, hint = _MUST.get(error["type"], ("be something else", error["msg"]))
        must, hidden = must.format(**context), False
    value: object = error["input"]
    shown = isinstance(value, str | int | float) and not hidden and path not in private
    if error["type"] == "literal_error" and shown:
        hint = _kind_hint(str(value), str(context["expected"]))
    return Finding(path, f"{name} must {must}{f', not {value!r:.60}' if shown else ''}.", hint)


_MISSING = {"kind": "Say what server it is: ollama, llamacpp, openai, comfyui or a1111."}


def _kind_hint(value: str, expected: str) -> str:
    if value == "local":
        return "The embedded engine is no node's: configure it with 'local:' at the top of the file."
    return near(value, [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")])


def _meant(section: Path, key: str) -> str:
    """What an unknown key was probably meant to be: a similar one here, or the same one elsewhere."""
    known = _keys(section)
    if hint := near(key, known):
        return hint
    places = [place for place, keys in _all_keys(FileSection, ()) if key in keys]
    if places:
        return f"It belongs under '{places[0]}'." if places[0] else "It belongs at the top of the file."
    return f"Known here: {', '.join(known)}."


def _keys(section: Path) -> list[str]:
    found: object = FileSection
    for piece in section:
        model = _model_in(found)
        if model is not None and piece in model.model_fields:
            found = model.model_fields[str(piece)].annotation
        else:  # a name of the owner's choice, or an index
            found = get_args(found)[-1] if get_args(found) else found
    model = _model_in(found)
    return _names(model) if model else []


def _names(model: type[BaseModel]) -> list[str]:
    """As they stand in the file, where a key may be a word that Python keeps for itself."""
    return [info.alias or name for name, info in model.model_fields.items()]


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType):
        return next((model for inner in get_args(annotation) if (model := _model_in(inner))), None)
    return None


def _all_keys(model: type[BaseModel], path: Path) -> Iterator[tuple[str, list[str]]]:
    """Every section's dotted path, ``NAME`` for what the owner names, with its keys."""
    yield dotted(path), _names(model)
    for name, info in model.model_fields.items():
        annotation: Any = info.annotation
        inner = (*path, name)
        while (origin := get_origin(annotation)) in (dict, list):
            annotation = get_args(annotation)[-1]
            inner = (*inner, "NAME") if origin is dict else inner
        if (below := _model_in(annotation)) is not None:
            yield from _all_keys(below, inner)
