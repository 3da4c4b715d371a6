"""The page docs/reference/node-agent.md, made from the agent: ``python -m potluck.agent.reference`` prints it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from potluck.agent.announce import SERVICE, TEXT
from potluck.agent.exposition import METRICS
from potluck.agent.http import PAGES
from potluck.core.reading import Reading

_INTRODUCTION = """\
# The node agent: what it tells

Made from the program by `python -m potluck.agent.reference`; a test compares the two. How to run one is in
[Run a node agent](../guides/node-agent.md), its options are in [Commands](cli.md).

Every page answers to `GET` and `HEAD`, with `Authorization: Bearer KEY` where the agent has a key. Refusals are
`{"error": "…"}` with status 400, 401, 404 or 405.
"""


def reference_markdown() -> str:
    """The whole page."""
    pages = [f"| `{path}` | {page.text} |" for path, page in PAGES.items()]
    json = [f"| `{path}` | {kind} | {text} |" for path, kind, text in _rows(Reading, "")]
    known = [f"| `{key}` | {text} |" for key, text in TEXT.items()]
    metrics = [f"| `{each.name}` | {each.kind} | {', '.join(each.labels)} | {each.text} |" for each in METRICS]
    return "\n".join(
        [
            _INTRODUCTION,
            *("| path | what is there |", "| --- | --- |", *pages),
            "\n## `/reading`\n",
            "A field is `null`, or its list empty, where the machine does not tell.\n",
            *("| field | type | what it says |", "| --- | --- | --- |", *json),
            "\n## `/metrics`\n",
            *("| name | kind | labels | what it says |", "| --- | --- | --- | --- |", *metrics),
            "\n## On the network\n",
            f"With `--announce`: the service `{SERVICE}` by multicast DNS, with the agent's port and addresses.\n",
            *("| key of its TXT record | what it says |", "| --- | --- |", *known),
            "",
        ]
    )


def _rows(record: type[object], path: str) -> Iterator[tuple[str, str, str]]:
    """Every field below ``record`` with its sentence; those of a record within stand behind the field that holds it."""
    assert is_dataclass(record)
    hints = get_type_hints(record, include_extras=True)
    for field in fields(record):
        hint = hints[field.name]
        assert get_origin(hint) is Annotated, f"{record.__name__}.{field.name} has no sentence"
        kind, text = get_args(hint)
        inner, listed = _record_in(kind)
        here = f"{path}{field.name}{'[]' if listed else ''}"
        yield here, "list" if listed else "object" if inner else _word(kind), text
        if inner is not None:
            yield from _rows(inner, f"{here}.")


def _record_in(kind: Any) -> tuple[type[object] | None, bool]:
    if get_origin(kind) is tuple:
        return get_args(kind)[0], True
    return (kind if isinstance(kind, type) and is_dataclass(kind) else None), False


def _word(kind: Any) -> str:
    words = {str: "text", bool: "true or false", int: "whole number", float: "number", type(None): "null"}
    return " or ".join(words[each] for each in get_args(kind) or (kind,))


if __name__ == "__main__":
    sys.stdout.write(reference_markdown())
