"""Values that stand elsewhere: ``${NAME}`` in the environment, ``file:PATH`` in a file of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path as FilePath

from potluck.config.source import Document, Finding, Path, dotted
from potluck.core.model import Json, JsonObject

FILE_MARK = "file:"
_REFERENCE = re.compile(r"\$(\$\{|\{([^{}]*)\})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Unresolved(Exception):
    """A reference that leads nowhere. ``message`` and ``hint`` are sentences."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def resolve(text: str, env: Mapping[str, str], folder: FilePath) -> str:
    """``text`` with every ``${NAME}`` filled in (``$${`` is a plain ``${``), or the content of its ``file:PATH``.

    A relative path counts from ``folder``; the file's last newline is left out. Raises `Unresolved`.
    """

    def fill(match: re.Match[str]) -> str:
        name: str | None = match[2]
        if name is None:
            return "${"
        if not _NAME.fullmatch(name):
            raise Unresolved(f"'${{{name}}}' does not name an environment variable.", "Write $${ for a plain ${.")
        if name not in env:
            hint = f"Set {name} before starting, or write the value here or in a file: 'file:PATH'."
            raise Unresolved(f"The environment variable {name} is not set.", hint)
        return env[name]

    filled = _REFERENCE.sub(fill, text)
    return _content(filled.removeprefix(FILE_MARK), env, folder) if text.startswith(FILE_MARK) else filled


def _content(path: str, env: Mapping[str, str], folder: FilePath) -> str:
    if path.startswith("~/") and "HOME" in env:
        path = env["HOME"] + path[1:]
    file = folder / path.strip()
    try:
        content = file.read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        hint = "Check the path, which counts from the config file's folder, and who may read it."
        raise Unresolved(f"The file {file} cannot be read: {error.strerror}.", hint) from error
    except UnicodeDecodeError as error:
        raise Unresolved(f"The file {file} is not text.", "It must be UTF-8.") from error
    if not content:
        raise Unresolved(f"The file {file} is empty.", "Write the value into it.")
    return content


class Resolver:
    """Fills in a document's values.

    ``foreign`` collects the paths of values that stood elsewhere, which no message may show; ``failed`` those that
    could not be found, which are kept as they stand.
    """

    def __init__(self, document: Document, env: Mapping[str, str], folder: FilePath) -> None:
        self._document = document
        self._env = env
        self._folder = folder
        self.foreign: set[Path] = set()
        self.failed: set[Path] = set()

    def root(self) -> JsonObject:
        return {name: self._value(value, (name,)) for name, value in self._document.root.items()}

    def _value(self, value: Json, path: Path) -> Json:
        if isinstance(value, dict):
            return {name: self._value(child, (*path, name)) for name, child in value.items()}
        if isinstance(value, list):
            return [self._value(child, (*path, index)) for index, child in enumerate(value)]
        if not isinstance(value, str) or not (value.startswith(FILE_MARK) or "${" in value):
            return value
        self.foreign.add(path)
        try:
            return resolve(value, self._env, self._folder)
        except Unresolved as error:
            self.failed.add(path)
            self._document.findings.append(Finding(path, f"{dotted(path)}: {error.message}", error.hint))
            return value
