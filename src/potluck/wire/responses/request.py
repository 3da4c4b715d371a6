"""OpenAI's Responses, from the client's bytes to a call (API-CONTRACTS.md 1.7). Stateless: nothing is kept."""

from __future__ import annotations

import msgspec

from potluck.core.call import (
    ChatCall,
    EngineHints,
    Format,
    FormatKind,
    Message,
    Role,
    Sampling,
    TextPart,
    Thinking,
)
from potluck.core.errors import BadRequest
from potluck.core.scheduling.classes import Kind
from potluck.wire.body import decode_body
from potluck.wire.errands import kind_of
from potluck.wire.port import AnswerMeta, Ask, Shape
from potluck.wire.responses.body import Echo, ResponsesBody, TextFormat
from potluck.wire.responses.items import messages_of
from potluck.wire.responses.tools import Toolbox, choose, read_tools
from potluck.wire.responses.writer import ResponseWriter
from potluck.wire.translated import TranslatedAsk


class ResponsesAsk(TranslatedAsk, frozen=True):
    """``box`` maps the functions that engines see back to the client's tools. ``flex``: it may be slow."""

    box: Toolbox
    flex: bool = False

    @property
    def kind(self) -> Kind | None:
        return Kind.BATCH if self.flex else kind_of(self.chat)

    @property
    def shape(self) -> Shape:
        return Shape.OPENAI_RESPONSES

    def writer(self, meta: AnswerMeta) -> ResponseWriter:
        return ResponseWriter(meta, msgspec.json.decode(self.body, type=Echo), self.box)


def read_responses(body: bytes) -> Ask:
    """Read ``POST /v1/responses``. Raises `BadRequest`, also for everything that would need a store of answers."""
    read = decode_body(body, ResponsesBody)
    _check_echo(body)
    _refuse_state(read)
    box = read_tools(read.tools or ())
    tool_choice, tools = choose(read.tool_choice, box)
    call = ChatCall(
        model=read.model,
        messages=_messages(read),
        tools=tools,
        tool_choice=tool_choice,
        parallel_tool_calls=read.parallel_tool_calls,
        format=_format(read.text.format if read.text else None),
        thinking=_thinking(read.reasoning.effort if read.reasoning else None),
        sampling=Sampling(max_tokens=read.max_output_tokens, temperature=read.temperature, top_p=read.top_p),
        # `disabled` is OpenAI's default and says nothing: an engine that cuts by itself is not told to stop it.
        hints=EngineHints(truncate=True if read.truncation == "auto" else None),
    )
    return ResponsesAsk(body, bool(read.stream), call, box, flex=read.service_tier == "flex")


def _check_echo(body: bytes) -> None:
    """Whether the fields that the answer repeats unread can stand in it."""
    echo = decode_body(body, Echo)
    for name in Echo.__struct_fields__:
        try:
            bytes(getattr(echo, name)).decode()
        except UnicodeDecodeError as exc:
            raise BadRequest(f"'{name}' is not valid UTF-8.", param=name, hint="Encode the JSON as UTF-8.") from exc


def _refuse_state(read: ResponsesBody) -> None:
    stateful = (
        ("previous_response_id", bool(read.previous_response_id), "Send the whole conversation in 'input'."),
        ("conversation", read.conversation is not None, "Send the whole conversation in 'input'."),
        ("background", bool(read.background), "Wait for the answer, or stream it."),
        ("prompt", read.prompt is not None, "Send the prompt's text in 'instructions' or 'input'."),
    )
    for param, given, hint in stateful:
        if given:
            raise BadRequest(f"'{param}' is not supported: no responses are stored here.", param=param, hint=hint)


def _messages(read: ResponsesBody) -> tuple[Message, ...]:
    messages = messages_of(read.input)
    if read.instructions:
        messages = (Message(Role.SYSTEM, (TextPart(read.instructions),)), *messages)
    if not messages:
        raise BadRequest("The input holds nothing for the model.", param="input", hint="Send some text.")
    return messages


def _format(wanted: TextFormat | None) -> Format:
    match wanted.type if wanted else "text":
        case "text":
            return Format()
        case "json_object":
            return Format(FormatKind.JSON)
        case "json_schema" if wanted and wanted.schema is not None:
            return Format(FormatKind.SCHEMA, wanted.schema, wanted.name or "")
        case "json_schema":
            raise BadRequest("The format needs its schema.", param="text.format.schema")
        case other:
            raise BadRequest(
                f"'{other}' is not a format.", param="text.format.type", hint="Use text, json_object or json_schema."
            )


# OpenAI's efforts and ours; some clients know more at the top.
_EFFORTS = {effort: effort for effort in ("none", "minimal", "low", "medium", "high", "xhigh")} | {
    "max": "xhigh",
    "ultra": "xhigh",
}


def _thinking(effort: str | None) -> Thinking:
    """An effort is a wish and not a demand: a model that cannot think answers without."""
    if not effort:
        return Thinking()
    if effort not in _EFFORTS:
        raise BadRequest(
            f"'{effort}' is not an effort.", param="reasoning.effort", hint=f"Use one of {', '.join(_EFFORTS)}."
        )
    return Thinking(False if effort == "none" else None, _EFFORTS[effort])
