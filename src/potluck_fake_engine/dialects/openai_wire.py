"""The OpenAI requests as the fakes read them (unknown fields are ignored), and how they become an `Ask`."""

from __future__ import annotations

import re
from typing import Any, cast

import msgspec

from potluck_fake_engine.asking import IMAGE_TOKENS, Ask, JsonObject, Message, Tool, render, unrender
from potluck_fake_engine.settings import ModelSpec

_LITERALS = re.compile(r'root\s*::=\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')


# One text, several, one list of tokens, or several.
Prompts = str | list[str | int | list[int]]


class ImageUrl(msgspec.Struct):
    url: str = ""


class Part(msgspec.Struct):
    type: str = "text"
    text: str = ""
    image_url: ImageUrl | str | None = None

    def url(self) -> str:
        return self.image_url.url if isinstance(self.image_url, ImageUrl) else self.image_url or ""


class CallFunction(msgspec.Struct):
    name: str = ""
    arguments: str = ""


class ToolCall(msgspec.Struct):
    id: str = ""
    function: CallFunction = msgspec.field(default_factory=CallFunction)


class ChatMessage(msgspec.Struct):
    role: str
    content: str | list[Part] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None

    def parts(self) -> list[Part]:
        if isinstance(self.content, list):
            return self.content
        return [Part(text=self.content)] if self.content is not None else []


class ToolFunction(msgspec.Struct):
    name: str
    parameters: JsonObject | None = None


class ToolSpec(msgspec.Struct):
    type: str = "function"
    function: ToolFunction | None = None


class StreamOptions(msgspec.Struct):
    include_usage: bool = False


class Reasoning(msgspec.Struct):
    effort: str | None = None


class ResponseFormat(msgspec.Struct):
    type: str = "text"
    json_schema: JsonObject | None = None
    schema: JsonObject | None = None


class Common(msgspec.Struct):
    model: str = ""
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    n: int | None = None
    response_format: ResponseFormat | None = None
    json_schema: JsonObject | None = None
    grammar: str | None = None

    def limit(self) -> int | None:
        """max_tokens; a negative number is llama.cpp's "until it stops"."""
        limit = self.max_tokens if self.max_tokens is not None else self.max_completion_tokens
        return None if limit is None or limit < 0 else limit

    def at_least_one(self) -> None:
        """llama.cpp gives one token even if none is wanted."""
        if self.limit() == 0:
            self.max_tokens = 1

    def stops(self) -> tuple[str, ...]:
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    def wants_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage

    def schema(self) -> JsonObject | None:
        if self.json_schema is not None:
            return self.json_schema
        form = self.response_format
        if form is None or form.type not in ("json_object", "json_schema"):
            return None
        wrapped = form.json_schema or {}
        return wrapped.get("schema", wrapped if "type" in wrapped else None) or form.schema or {}


class ChatRequest(Common):
    messages: list[ChatMessage] | None = None
    tools: list[ToolSpec] | None = None
    tool_choice: str | JsonObject | None = None
    reasoning_effort: str | None = None
    reasoning: Reasoning | None = None
    chat_template_kwargs: JsonObject | None = None

    def thinks(self) -> bool:
        effort = self.reasoning.effort if self.reasoning else self.reasoning_effort
        return effort != "none" and (self.chat_template_kwargs or {}).get("enable_thinking") is not False

    def images(self) -> list[str]:
        """The URLs of all images."""
        return [part.url() for message in self.messages or () for part in message.parts() if part.type == "image_url"]


class CompletionRequest(Common):
    prompt: Prompts | None = None
    suffix: str | None = None
    echo: bool | None = None


class EmbeddingRequest(msgspec.Struct):
    model: str = ""
    input: Prompts | None = None
    content: Prompts | None = None
    encoding_format: str | None = None
    dimensions: int | None = None


def chat_ask(request: ChatRequest, model: ModelSpec, body: bytes, *, enforce: bool) -> Ask:
    """`enforce`: tool_choice is honoured when it demands a call (OpenAI does, llama.cpp and Ollama do not)."""
    tools = tuple(
        Tool(tool.function.name, tool.function.parameters or {"type": "object"})
        for tool in request.tools or ()
        if tool.function is not None
    )
    choice: Any = request.tool_choice
    force: tuple[str, ...] = ()
    if choice == "none":
        tools = ()
    elif enforce and choice == "required":
        force = tuple(tool.name for tool in tools)
    elif enforce and isinstance(choice, dict):
        force = tuple(tool.name for tool in tools if tool.name == _named(cast("JsonObject", choice)))
    return Ask(
        model=model.name,
        messages=tuple(_message(message) for message in request.messages or ()),
        max_tokens=request.limit(),
        stop=request.stops(),
        seed=request.seed or 0,
        tools=tools,
        force=force,
        schema=request.schema(),
        think=model.can("thinking") and request.thinks(),
        forced_prefix=forced_prefix(request.grammar),
        received=body,
    )


def _named(choice: JsonObject) -> str:
    """`{"type": "function", "function": {"name": N}}`, or the flat form of it."""
    return str(choice.get("function", choice).get("name", ""))


def _message(message: ChatMessage) -> Message:
    content, images = message.content, 0
    if not isinstance(content, str):
        parts = message.parts()
        content = "".join(part.text for part in parts if part.type == "text")
        images = sum(part.type == "image_url" for part in parts)
    calls = msgspec.json.encode(message.tool_calls).decode() if message.tool_calls else ""
    return Message(message.role, content, images, calls)


def raw_ask(request: Common, model: ModelSpec, prompt: str, suffix: str, body: bytes) -> Ask:
    """A completion. A prompt that holds a rendered chat is answered like that chat."""
    turns = unrender(prompt)
    return Ask(
        model=model.name,
        messages=turns or (Message("user", prompt),),
        raw=turns is None,
        suffix=suffix,
        max_tokens=request.limit(),
        stop=request.stops(),
        seed=request.seed or 0,
        schema=request.schema(),
        forced_prefix=forced_prefix(request.grammar),
        received=body,
    )


def forced_prefix(grammar: str | None) -> str:
    """The text with which a GBNF grammar makes every answer begin: the literals at the head of its root rule."""
    found = _LITERALS.search(grammar) if grammar else None
    if found is None:
        return ""
    return "".join(msgspec.json.decode(f'"{literal}"', type=str) for literal in _LITERAL.findall(found[1]))


def prompt_of(ask: Ask) -> str:
    """What the model reads, and what its cache is keyed by. An image is so many tokens of its own."""
    if ask.raw:
        return ask.messages[0].content + ask.suffix
    tools = msgspec.json.encode([[t.name, t.parameters] for t in ask.tools]).decode() if ask.tools else ""
    images = sum(message.images for message in ask.messages)
    return tools + "\x01" * (images * IMAGE_TOKENS) + render(ask.messages)
