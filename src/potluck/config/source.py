"""YAML read into plain values that still know their lines.

PyYAML's own constructor drops positions and takes the last of two equal keys in silence, so its node tree is
walked here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from potluck.config.problems import Severity
from potluck.core.model import Json, JsonObject

Path: TypeAlias = "tuple[str | int, ...]"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in the file, from 1; line 0 is the file itself."""

    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem by the path of its value, before it is given its place. ``place`` is set where it is known already.

    ``at_key`` points at the key instead of the value.
    """

    path: Path
    message: str
    hint: str = ""
    at_key: bool = False
    place: Place | None = None
    severity: Severity = Severity.ERROR


@dataclass(slots=True)
class Document:
    """A file as read: ``root`` holds plain values without nulls, ``values`` and ``keys`` where each one stands."""

    root: JsonObject = field(default_factory=dict[str, Json])
    values: dict[Path, Place] = field(default_factory=dict[Path, Place])
    keys: dict[Path, Place] = field(default_factory=dict[Path, Place])
    findings: list[Finding] = field(default_factory=list[Finding])

    def place(self, path: Path, *, at_key: bool = False) -> Place:
        """Where ``path`` stands, or the nearest thing around it that stands in the file."""
        first, second = (self.keys, self.values) if at_key else (self.values, self.keys)
        for end in range(len(path), 0, -1):
            if found := first.get(path[:end]) or second.get(path[:end]):
                return found
        return Place(1, 1)


def mapping(value: Json) -> JsonObject:
    """A value as a mapping; what is none has been told of already, and holds nothing."""
    return value if isinstance(value, dict) else {}


def items(value: Json) -> list[Json]:
    """A value as a list; what is none has been told of already, and holds nothing."""
    return value if isinstance(value, list) else []


def dotted(path: Path) -> str:
    """``nodes.agx0.engines[0].port``"""
    text = ""
    for piece in path:
        text += f"[{piece}]" if isinstance(piece, int) else f".{piece}" if text else piece
    return text


def _place(mark: yaml.Mark) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def read_document(text: str) -> Document:
    """Read one YAML document. Everything wrong with its form is in ``findings``; what can be read is read."""
    document = Document()
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return document
        root = _Reader(loader, document).value(node, ())
    except yaml.MarkedYAMLError as error:
        document.findings.append(_syntax(error))
        return document
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        document.findings.append(Finding((), "The file holds a character that YAML forbids.", place=Place(line, 1)))
        return document
    except RecursionError:
        document.findings.append(Finding((), "The file is nested too deeply.", place=Place(1, 1)))
        return document
    if isinstance(root, dict):
        document.root = root
    elif root is not None:
        message = "The file must hold keys and values."
        hint = "Begin with a line such as 'nodes:'."
        document.findings.append(Finding((), message, hint, place=_place(node.start_mark)))
    return document


def _syntax(error: yaml.MarkedYAMLError) -> Finding:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or error.context or "it cannot be read"
    hint = "Indent with spaces; tabs are not allowed." if "'\\t'" in problem else ""
    if "mapping values are not allowed" in problem:
        hint = "Text that holds ': ' stands in quotes; keys of one section stand in one column."
    return Finding((), f"This is not YAML: {problem}.", hint, place=_place(mark) if mark else Place(1, 1))


class _Reader:
    """One walk over a node tree."""

    def __init__(self, loader: yaml.SafeLoader, document: Document) -> None:
        self._loader = loader
        self._document = document
        self._open: list[yaml.Node] = []  # the collections that the walk is inside of

    def value(self, node: yaml.Node, path: Path) -> Json:
        self._document.values[path] = _place(node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if node in self._open:
            self._find(path, "An alias must not hold itself.", node)
            return None
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            items: list[yaml.Node] = node.value if isinstance(node, yaml.SequenceNode) else []
            return [self.value(item, (*path, index)) for index, item in enumerate(items)]
        finally:
            self._open.pop()

    def _mapping(self, node: yaml.MappingNode, path: Path) -> JsonObject:
        values: JsonObject = {}
        seen: dict[str, Place] = {}
        for key, child in self._pairs(node, path):
            place = _place(key.start_mark)
            # The text as it stands: a node may be called `no` or `1`, which YAML takes for a boolean and a number.
            name = str(key.value)
            if name in seen:
                first = seen[name]
                message = f"{dotted((*path, name))} stands twice: in lines {first.line} and {place.line}."
                hint = "Join the two, or give one another name."
                self._document.findings.append(Finding((*path, name), message, hint, place=place))
                continue
            seen[name] = place
            self._document.keys[(*path, name)] = place
            value = self.value(child, (*path, name))
            if value is not None:  # `nodes:` with nothing below it is as good as left out
                values[name] = value
        return values

    def _pairs(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        """Keys with their values. Those merged in by ``<<`` come last, without the ones that stand here themselves."""
        own: set[str] = set()
        merged: list[yaml.MappingNode] = []
        for key, child in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                sources = child.value if isinstance(child, yaml.SequenceNode) else [child]
                merged += [source for source in sources if isinstance(source, yaml.MappingNode)]
            elif isinstance(key, yaml.ScalarNode):
                own.add(str(key.value))
                yield key, child
            else:
                self._find(path, "A key must be one word of text.", key)
        for source in merged:
            if source in self._open:
                self._find(path, "An alias must not hold itself.", node)
                continue
            for key, child in self._pairs(source, path):
                if str(key.value) not in own:
                    own.add(str(key.value))
                    yield key, child

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Json:
        text = str(node.value)
        if node.tag == "tag:yaml.org,2002:null":
            return None
        if node.tag in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
            try:
                value = self._loader.construct_object(node)
            except ValueError:  # such as `!!int x`
                value = text
            return value if isinstance(value, bool | int | float) else text
        if node.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp"):
            self._find(path, f"The tag {node.tag} is not known here.", node)
        return text

    def _find(self, path: Path, message: str, node: yaml.Node) -> None:
        self._document.findings.append(Finding(path, message, place=_place(node.start_mark)))
