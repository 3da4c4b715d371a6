"""Tool calls that must happen, on engines that cannot be made to call a tool (API-CONTRACTS.md 8).

llama.cpp and Ollama take ``tool_choice: required``, or a named function, as a wish. They do hold a model to a JSON
schema. So the tools go out of the call and into a schema with words that explain it, and the JSON that comes back is
turned into the tool call it stands for. Exactly one call results, whatever ``parallel_tool_calls`` says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from potluck.core.answer import Event, Finish, FinishReason, Text, ToolArguments, ToolStart
from potluck.core.call import ChatCall, Format, FormatKind, Message, Role, TextPart, Tool, ToolChoice, ToolMode
from potluck.core.errors import BadRequest
from potluck.core.model import Json, JsonObject
from potluck.core.tool_ids import made_up_id

_DEFINITIONS = ("$defs", "definitions")
# Under these keys stands data, not a schema: a "$ref" in it means nothing.
_DATA = frozenset({"const", "enum", "default", "examples"})
_ANY_OBJECT: JsonObject = {"type": "object"}
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")

# The schema lists the name first, and engines write properties in the schema's order.
_OPENING = re.compile(r'\s*\{\s*"name"\s*:\s*(?P<name>"(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*')
_DECODER = json.JSONDecoder()


def force(call: ChatCall) -> ChatCall:
    """A call without tools that can only be answered by the JSON of a tool call; ``call`` itself if nothing is forced.

    Raises `BadRequest` if the named tool is not among the tools.
    """
    if not call.tool_choice.forced:
        return call
    tools = candidates(call)
    return replace(
        call,
        messages=_instructed(call.messages, tools),
        tools=(),
        tool_choice=ToolChoice(),
        parallel_tool_calls=None,
        format=Format(FormatKind.SCHEMA, schema=_schema(tools), name="tool_call"),
    )


def candidates(call: ChatCall) -> tuple[Tool, ...]:
    """The tools of which one must be called. Raises `BadRequest` if there is none."""
    choice = call.tool_choice
    tools = tuple(tool for tool in call.tools if choice.mode is not ToolMode.NAMED or tool.name == choice.name)
    if not tools:
        missing = f"the tool '{choice.name}'" if choice.mode is ToolMode.NAMED else "a tool"
        raise BadRequest(f"tool_choice asks for {missing}, but the request does not have it.", param="tool_choice")
    return tools


def _instructed(messages: Sequence[Message], tools: Sequence[Tool]) -> tuple[Message, ...]:
    """The conversation with the tools explained in the first system message; some templates allow only one."""
    listed = "\n".join(
        json.dumps({"name": tool.name, "description": tool.description, "parameters": tool.parameters})
        for tool in tools
    )
    words = (
        "Answer by calling one of these functions:\n"
        f"{listed}\n"
        'Write one JSON object and nothing else: {"name": "<function>", "arguments": {<its arguments>}}.'
    )
    if messages and messages[0].role is Role.SYSTEM:
        first = replace(messages[0], parts=(*messages[0].parts, TextPart(f"\n\n{words}")))
        return (first, *messages[1:])
    return (Message(Role.SYSTEM, (TextPart(words),)), *messages)


def _schema(tools: Sequence[Tool]) -> JsonObject:
    definitions: JsonObject = {}
    single = len(tools) == 1
    # Engines name a definition's rule by the last word of its path, so two tools' must not be called alike.
    calls = [
        _call_schema(tool, "" if single else f"{_UNSAFE.sub('_', tool.name)}_{index}_", definitions)
        for index, tool in enumerate(tools)
    ]
    schema: JsonObject = calls[0] if single else {"anyOf": [*calls]}
    if definitions:
        schema["$defs"] = definitions
    return schema


def _call_schema(tool: Tool, prefix: str, definitions: JsonObject) -> JsonObject:
    """What a call of ``tool`` looks like. Its definitions are added to the root's, for references start at the root."""
    hoist = _Hoist(prefix)
    arguments = hoist.moved({key: value for key, value in tool.parameters.items() if key not in _DEFINITIONS})
    for key in _DEFINITIONS:
        named = tool.parameters.get(key)
        for name, schema in named.items() if isinstance(named, dict) else ():
            definitions[prefix + name] = hoist.moved(schema)
    if hoist.needs_root:
        definitions[hoist.root] = arguments
        reference: JsonObject = {"$ref": f"#/$defs/{hoist.root}"}
        arguments = reference
    properties: JsonObject = {}
    properties["name"] = {"const": tool.name}
    properties["arguments"] = arguments or _ANY_OBJECT
    return {
        "type": "object",
        "properties": properties,
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


@dataclass(slots=True)
class _Hoist:
    """Moves schemas from a tool's parameters to another place, and their references with them."""

    prefix: str
    needs_root: bool = False

    @property
    def root(self) -> str:
        """The name of the whole of the parameters, should something refer to it."""
        return f"{self.prefix}_arguments_"

    def moved(self, schema: Json) -> Json:
        match schema:
            case dict():
                return {key: self._member(key, value) for key, value in schema.items()}
            case list():
                return [self.moved(item) for item in schema]
            case _:
                return schema

    def _member(self, key: str, value: Json) -> Json:
        if key in _DATA:
            return value
        if key == "$ref" and isinstance(value, str) and value.startswith("#"):
            return self._reference(value)
        return self.moved(value)

    def _reference(self, path: str) -> str:
        for key in _DEFINITIONS:
            if path.startswith(start := f"#/{key}/"):
                return f"#/$defs/{self.prefix}{path[len(start) :]}"
        self.needs_root = True
        return f"#/$defs/{self.root}{path[1:]}"


@dataclass(frozen=True, slots=True)
class _Parsed:
    """``whole`` says whether the arguments came to their end."""

    name: str
    arguments: str
    whole: bool


@dataclass(slots=True)
class ForcedToolEvents:
    """Turns the text of a forced call's answer into the tool call it stands for.

    The text is held until its choice ends, so the call comes whole, as Ollama's do. What is no call of one of
    ``tools``, since a model may break off or an engine ignore the schema, comes out as the text that it is.
    """

    tools: Sequence[Tool]
    turn: int
    _held: dict[int, list[str]] = field(default_factory=dict[int, list[str]])

    @classmethod
    def of(cls, call: ChatCall) -> ForcedToolEvents:
        """For the answer to ``force(call)``."""
        return cls(candidates(call), len(call.messages))

    def feed(self, events: Sequence[Event]) -> list[Event]:
        out: list[Event] = []
        for event in events:
            match event:
                case Text():
                    self._held.setdefault(event.choice, []).append(event.text)
                case Finish():
                    out += self._finished("".join(self._held.pop(event.choice, [])), event)
                case _:
                    out.append(event)
        return out

    def end(self) -> list[Event]:
        """Text of choices that never finished, as text: nothing is known of what it was to become."""
        left: list[Event] = [Text("".join(pieces), choice) for choice, pieces in sorted(self._held.items())]
        self._held.clear()
        return left

    def _finished(self, text: str, finish: Finish) -> list[Event]:
        parsed = self._parse(text)
        if parsed is None:
            return [Text(text, finish.choice), finish] if text else [finish]
        call_id = made_up_id(self.turn, finish.choice, parsed.name, parsed.arguments)
        return [
            ToolStart(0, call_id, parsed.name, finish.choice),
            ToolArguments(0, parsed.arguments, finish.choice),
            replace(finish, reason=FinishReason.TOOL_CALLS) if parsed.whole else finish,
        ]

    def _parse(self, text: str) -> _Parsed | None:
        """The call in ``text``: cut out of it as the model wrote it, else read as JSON with fences or words around."""
        if opening := _OPENING.match(text):
            name = _loads(opening["name"])
            if isinstance(name, str) and self._known(name) and text[opening.end() :][:1] in ("{", ""):
                return _cut(name, text, opening.end())
        start = text.find("{")
        value = _loads(text[start:]) if start >= 0 else None
        if not isinstance(value, dict):
            return None
        name, arguments = value.get("name"), value.get("arguments")
        if isinstance(name, str) and self._known(name) and isinstance(arguments, dict):
            return _Parsed(name, json.dumps(arguments, ensure_ascii=False), whole=True)
        # An engine that took no heed of the schema: the bare arguments of the only tool are as good.
        if len(self.tools) == 1 and "name" not in value and "arguments" not in value:
            return _Parsed(self.tools[0].name, json.dumps(value, ensure_ascii=False), whole=True)
        return None

    def _known(self, name: str) -> bool:
        return any(tool.name == name for tool in self.tools)


def _cut(name: str, text: str, start: int) -> _Parsed:
    """The arguments that begin at ``start``: to their end, or as far as they came."""
    try:
        _, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return _Parsed(name, text[start:], whole=False)
    return _Parsed(name, text[start:end], whole=True)


def _loads(text: str) -> Json:
    """The JSON that ``text`` begins with, or None."""
    try:
        value: Json = _DECODER.raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None
    return value
