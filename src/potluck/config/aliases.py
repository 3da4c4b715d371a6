"""What can be wrong with ``aliases`` although each one is a name for a name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from potluck.config.problems import Severity
from potluck.config.shape import near
from potluck.config.source import Finding, dotted, items, mapping
from potluck.core.model import JsonObject
from potluck.core.names import AUTO, canonical


def alias_findings(root: JsonObject) -> Iterator[Finding]:
    """1. An alias needs a name. 2. None may lead back to itself. 3. One that is a model's own name is of no use.
    4. One whose end nobody has is told of, where the file says all models there are.
    """
    aliases = {name: target for name, target in mapping(root.get("aliases")).items() if isinstance(target, str)}
    steps = {canonical(name): canonical(target) for name, target in aliases.items()}
    listed = _all_models(root)
    models = {canonical(name) for name in listed or ()}
    ends = {canonical(name) for name in mapping(root.get("routes"))} | models | {canonical(AUTO)}
    for name, target in aliases.items():
        path = ("aliases", name)
        if not name.strip():
            yield Finding(path, "An alias needs a name.", "Write NAME: MODEL.", at_key=True)
        elif (end := _end(canonical(name), steps)) is None:
            message = f"{dotted(path)} leads back to itself."
            yield Finding(path, message, "Let it stand for a model, a route or 'auto'.")
        elif canonical(name) in models:
            message = f"{dotted(path)} is a model's own name, which goes before an alias."
            yield Finding(path, message, "Rename or remove it.", at_key=True, severity=Severity.WARNING)
        elif listed is not None and end not in ends:
            message = (
                f"{dotted(path)} stands for {target!r}, but no engine lists such a model and no route is called so."
            )
            known = [*listed, *mapping(root.get("routes"))]
            yield Finding(path, message, near(target, known), severity=Severity.WARNING)


def _end(name: str, steps: Mapping[str, str]) -> str | None:
    """Where an alias leads; None if that is back to itself."""
    seen = {name}
    while name in steps:
        name = steps[name]
        if name in seen:
            return None
        seen.add(name)
    return name


def _all_models(root: JsonObject) -> list[str] | None:
    """Every model's name; None if some engine has to be asked."""
    engines = [
        engine
        for node in mapping(root.get("nodes")).values()
        for engine in items(mapping(node).get("engines"))
        if isinstance(engine, dict)
    ]
    local = root.get("local")
    if not engines or local is True or (isinstance(local, dict) and local.get("enabled", True)):
        return None
    named: list[str] = []
    for engine in engines:
        models = items(engine.get("models"))
        if not models:
            return None
        named += [name for name in models if isinstance(name, str)]
    return named
