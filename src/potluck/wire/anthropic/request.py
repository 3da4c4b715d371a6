"""Anthropic's Messages and token counting, from the client's bytes to a call (API-CONTRACTS.md 3)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from potluck.core.call import (
    ChatCall,
    Format,
    FormatKind,
    Message,
    Role,
    Sampling,
    TextPart,
    Thinking,
    Tool,
    ToolChoice,
    ToolMode,
)
from potluck.core.errors import BadRequest
from potluck.wire.anthropic.body import Choice, CountBody, MessagesBody, OutputFormat, ToolSpec
from potluck.wire.anthropic.turns import messages_of, system_text
from potluck.wire.anthropic.writer import MessageWriter
from potluck.wire.body import decode_body
from potluck.wire.port import AnswerMeta, Ask, Shape
from potluck.wire.translated import TranslatedAsk


class MessagesAsk(TranslatedAsk, frozen=True):
    """``show_thinking`` says whether the client asked to see thinking; one that did not may not expect its blocks."""

    show_thinking: bool

    @property
    def shape(self) -> Shape:
        return Shape.ANTHROPIC_MESSAGES

    def writer(self, meta: AnswerMeta) -> MessageWriter:
        return MessageWriter(meta, show_thinking=self.show_thinking)


def read_messages(body: bytes) -> Ask:
    """Read ``POST /v1/messages``. Raises `BadRequest`; what is only lost, is lost silently (docs/reference)."""
    read = decode_body(body, MessagesBody)
    return _ask(body, read, stream=bool(read.stream), max_tokens=read.max_tokens)


def read_count_tokens(body: bytes) -> Ask:
    """Read ``POST /v1/messages/count_tokens``: the same body without ``max_tokens``, never streamed."""
    return _ask(body, decode_body(body, CountBody), stream=False, max_tokens=None)


def write_count(tokens: int) -> bytes:
    """The answer to ``count_tokens``."""
    return msgspec.json.encode({"input_tokens": tokens})


def _ask(body: bytes, read: CountBody, *, stream: bool, max_tokens: int | None) -> MessagesAsk:
    tools = _tools(read.tools or ())
    config = read.output_config
    wanted = config.format if config and config.format else read.output_format
    call = ChatCall(
        model=read.model,
        messages=_messages(read),
        tools=tools,
        tool_choice=_tool_choice(read.tool_choice, tools),
        parallel_tool_calls=_parallel(read.tool_choice),
        format=_format(wanted),
        thinking=_thinking(read),
        sampling=Sampling(
            max_tokens=max_tokens,
            temperature=read.temperature,
            top_p=read.top_p,
            top_k=read.top_k,
            stop=tuple(read.stop_sequences or ()),
        ),
    )
    return MessagesAsk(body, stream, call, show_thinking=_shows_thinking(read))


def _messages(read: CountBody) -> tuple[Message, ...]:
    messages = messages_of(read.messages)
    if not messages:
        raise BadRequest("The messages hold nothing for the model.", param="messages", hint="Send some text.")
    system = system_text(read.system)
    return (Message(Role.SYSTEM, (TextPart(system),)), *messages) if system else messages


def _tools(specs: Sequence[ToolSpec]) -> tuple[Tool, ...]:
    """Functions only. Anthropic's own tools run on its servers or have schemas that only its models know."""
    tools: list[Tool] = []
    for number, spec in enumerate(specs):
        if spec.input_schema is not None:
            tools.append(Tool(spec.name, spec.description or "", spec.input_schema, spec.strict))
        elif spec.type in (None, "custom"):
            raise BadRequest("A tool needs an input_schema.", param=f"tools[{number}].input_schema")
    return tuple(tools)


def _tool_choice(choice: Choice | None, tools: Sequence[Tool]) -> ToolChoice:
    match choice.type if choice else "auto":
        case "auto":
            return ToolChoice()
        case "none":
            return ToolChoice(ToolMode.NONE)
        case "any" if tools:
            return ToolChoice(ToolMode.REQUIRED)
        case "tool" if choice and choice.name in {tool.name for tool in tools}:
            return ToolChoice(ToolMode.NAMED, choice.name)
        case "any" | "tool":
            raise BadRequest(
                "The tool that must be called is not among the tools of this request that can be called here.",
                param="tool_choice",
                hint="Anthropic's own tools, such as web search, are not offered.",
            )
        case other:
            raise BadRequest(
                f"'{other}' is not a tool_choice.", param="tool_choice.type", hint="Use auto, any, tool or none."
            )


def _parallel(choice: Choice | None) -> bool | None:
    if choice is None or choice.disable_parallel_tool_use is None:
        return None
    return not choice.disable_parallel_tool_use


def _format(wanted: OutputFormat | None) -> Format:
    if wanted is None:
        return Format()
    if wanted.type != "json_schema" or wanted.schema is None:
        raise BadRequest("The output format is a JSON schema or none.", param="output_config.format")
    return Format(FormatKind.SCHEMA, wanted.schema)


# Anthropic's efforts and ours; it has one more at the top.
_EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "xhigh"}


# Claude Code's three depths of thinking are budgets of 4,000, 10,000 and 31,999 tokens.
_LOW_BUDGET, _MEDIUM_BUDGET = 4_096, 16_384


def _thinking(read: CountBody) -> Thinking:
    """Thinking as an effort, which is a wish: agents ask every model to think, and one that cannot must still answer.

    ``adaptive`` and nothing said leave it to the model. A budget is not kept to: engines have no such limit.
    """
    asked = read.thinking
    effort = _EFFORTS.get((read.output_config.effort if read.output_config else None) or "", "")
    match asked.type if asked else "":
        case "disabled":
            return Thinking(False)
        case "enabled" if asked and not effort:
            return Thinking(None, _effort(asked.budget_tokens or 0))
        case _:
            return Thinking(None, effort)


def _effort(budget_tokens: int) -> str:
    if budget_tokens <= _LOW_BUDGET:
        return "low"
    return "medium" if budget_tokens <= _MEDIUM_BUDGET else "high"


def _shows_thinking(read: CountBody) -> bool:
    return read.thinking is not None and read.thinking.type != "disabled" and read.thinking.display != "omitted"
