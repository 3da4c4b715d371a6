"""The client's tools as functions, and back: custom tools, namespaces, and which tool must or may be called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from potluck.core.call import Tool, ToolChoice, ToolMode
from potluck.core.errors import BadRequest
from potluck.core.model import JsonObject
from potluck.wire.responses.body import Choice, ToolSpec

# A custom tool takes free text. As a function it takes that text in one argument.
_INPUT = "input"
_CUSTOM_PARAMETERS: JsonObject = {
    "type": "object",
    "properties": {_INPUT: {"type": "string"}},
    "required": [_INPUT],
    "additionalProperties": False,
}


class ClientTool(msgspec.Struct, frozen=True):
    """A tool as the client knows it; ``namespace`` is empty outside of one."""

    name: str
    namespace: str = ""
    custom: bool = False


class Toolbox(msgspec.Struct, frozen=True):
    """``functions`` as engines see them; ``origins`` maps their names back."""

    functions: tuple[Tool, ...]
    origins: Mapping[str, ClientTool]

    def origin(self, function: str) -> ClientTool:
        """The client's tool behind a function's name. A name that the model made up stays as it is."""
        return self.origins.get(function) or ClientTool(function)


def function_name(name: str, namespace: str | None) -> str:
    return f"{namespace}.{name}" if namespace else name


def read_tools(specs: Sequence[ToolSpec]) -> Toolbox:
    """Functions, custom tools and namespaces of both; OpenAI's own tools (``web_search``, …) are left out."""
    functions: list[Tool] = []
    origins: dict[str, ClientTool] = {}
    for function, origin in _functions(specs, "", "tools"):
        functions.append(function)
        origins[function.name] = origin
    return Toolbox(tuple(functions), origins)


def _functions(specs: Sequence[ToolSpec], namespace: str, where: str) -> Iterator[tuple[Tool, ClientTool]]:
    for number, spec in enumerate(specs):
        at = f"{where}[{number}]"
        if spec.type == "namespace":
            yield from _functions(spec.tools or (), _name(spec, at), f"{at}.tools")
        elif spec.type == "function":
            name = _name(spec, at)
            tool = Tool(function_name(name, namespace), spec.description or "", spec.parameters or {}, spec.strict)
            yield tool, ClientTool(name, namespace)
        elif spec.type == "custom":
            name = _name(spec, at)
            tool = Tool(function_name(name, namespace), _custom_description(spec), _CUSTOM_PARAMETERS)
            yield tool, ClientTool(name, namespace, custom=True)


def _name(spec: ToolSpec, at: str) -> str:
    if not spec.name:
        raise BadRequest("A tool needs a name.", param=f"{at}.name", hint="It stands beside 'type' in Responses.")
    return spec.name


def _custom_description(spec: ToolSpec) -> str:
    """With the grammar in words: no engine holds the model to it, but the model can still read it."""
    grammar = spec.format
    if grammar is None or not grammar.definition:
        return spec.description or ""
    rule = f"The input must match this {grammar.syntax} grammar:\n{grammar.definition}"
    return f"{spec.description}\n\n{rule}" if spec.description else rule


def custom_arguments(text: str) -> str:
    """A custom tool's input as the arguments of its function."""
    return msgspec.json.encode({_INPUT: text}).decode()


class _CustomArguments(msgspec.Struct, frozen=True):
    input: str


def custom_input(arguments: str) -> str:
    """The input that a model wrote for a custom tool; all of its arguments if they are not what was asked for."""
    try:
        return msgspec.json.decode(arguments, type=_CustomArguments).input
    except msgspec.DecodeError:
        return arguments


def choose(choice: str | Choice | None, box: Toolbox) -> tuple[ToolChoice, tuple[Tool, ...]]:
    """What must be called, and the functions that may be. Raises `BadRequest` if that cannot be done here."""
    if choice is None or isinstance(choice, str):
        return _mode(choice or "auto", box.functions), box.functions
    match choice.type:
        case "function" | "custom":
            name = function_name(choice.name, choice.namespace)
            if name not in box.origins:
                raise BadRequest(f"The tool '{name}' is not among the tools.", param="tool_choice")
            return ToolChoice(ToolMode.NAMED, name), box.functions
        case "allowed_tools":
            allowed = _allowed(choice, box)
            return _mode(choice.mode, allowed), allowed
        case _:
            raise _own_tool()


def _mode(mode: str, functions: Sequence[Tool]) -> ToolChoice:
    match mode:
        case "auto":
            return ToolChoice()
        case "none":
            return ToolChoice(ToolMode.NONE)
        case "required" if functions:
            return ToolChoice(ToolMode.REQUIRED)
        case "required":
            raise _own_tool()
        case _:
            raise BadRequest(
                f"'{mode}' is not a tool_choice.", param="tool_choice", hint="Use auto, none, required or an object."
            )


def _allowed(choice: Choice, box: Toolbox) -> tuple[Tool, ...]:
    listed = choice.tools or ()
    names = {function_name(tool.name, tool.namespace) for tool in listed if tool.type in ("function", "custom")}
    namespaces = {tool.name for tool in listed if tool.type == "namespace"}
    return tuple(tool for tool in box.functions if tool.name in names or box.origin(tool.name).namespace in namespaces)


def _own_tool() -> BadRequest:
    return BadRequest(
        "The tool that must be called cannot be called here.",
        param="tool_choice",
        hint="OpenAI's own tools, such as web search, are not offered; functions and custom tools are.",
    )
