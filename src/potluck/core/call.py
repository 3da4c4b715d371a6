"""What a client asks for, in no dialect: the frozen records that surfaces make and engines' codecs read.

Units: durations in seconds (``_s``), lengths in tokens unless the name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias, assert_never

from potluck.core.model import Capability, Json, JsonObject


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class TextPart:
    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image in a message. Exactly one of ``data_b64`` (standard base64, no ``data:`` prefix) and ``url`` is set.

    A ``url`` is remote (http or https): the gateway fetches it before any engine sees the call.
    ``media_type`` may be empty when the client did not say; `wire.images.sniff` finds it from the bytes.
    """

    data_b64: str = ""
    media_type: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class AudioPart:
    """Sound in a message; ``format`` is ``wav`` or ``mp3``."""

    data_b64: str
    format: str


Part: TypeAlias = TextPart | ImagePart | AudioPart


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to run a tool. ``arguments`` is a JSON text as the model wrote it: it may be malformed."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. A ``TOOL`` message answers the call ``tool_call_id`` of the tool ``name`` (either may be empty)."""

    role: Role
    parts: tuple[Part, ...] = ()
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        """All text parts joined, nothing between them."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call; ``parameters`` is its JSON schema."""

    name: str
    description: str = ""
    parameters: JsonObject = field(default_factory=dict[str, Json])
    strict: bool | None = None


class ToolMode(StrEnum):
    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"
    NAMED = "named"


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """``name`` is set for ``NAMED`` only."""

    mode: ToolMode = ToolMode.AUTO
    name: str = ""

    @property
    def forced(self) -> bool:
        """Whether the answer must be a tool call."""
        return self.mode in (ToolMode.REQUIRED, ToolMode.NAMED)


class FormatKind(StrEnum):
    TEXT = "text"
    JSON = "json"
    SCHEMA = "schema"


@dataclass(frozen=True, slots=True)
class Format:
    """What the answer's text must be: free, any JSON object, or JSON that satisfies ``schema``."""

    kind: FormatKind = FormatKind.TEXT
    schema: Json = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Thinking:
    """``enabled`` None leaves it to the model.

    ``effort`` is one of none, minimal, low, medium, high, xhigh or empty.
    """

    enabled: bool | None = None
    effort: str = ""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn. ``None`` leaves a value to the engine. ``logit_bias`` maps token id to bias."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repeat_penalty: float | None = None
    logit_bias: Mapping[str, float] = field(default_factory=dict[str, float])
    logprobs: bool = False
    top_logprobs: int = 0


@dataclass(frozen=True, slots=True)
class EngineHints:
    """What a client said about running the model, not about the answer; engines that have no such thing ignore it.

    ``extra`` holds the top-level fields of the client's body that the codec does not know, for an engine that speaks
    the client's dialect; ``options`` the same for Ollama's ``options``.
    """

    num_ctx: int | None = None
    keep_alive_s: float | None = None
    truncate: bool | None = None
    extra: Mapping[str, Json] = field(default_factory=dict[str, Json])
    options: Mapping[str, Json] = field(default_factory=dict[str, Json])


@dataclass(frozen=True, slots=True)
class ChatCall:
    """A conversation to continue with ``choices`` answers."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    parallel_tool_calls: bool | None = None
    format: Format = Format()
    thinking: Thinking = Thinking()
    sampling: Sampling = Sampling()
    choices: int = 1
    hints: EngineHints = EngineHints()

    @property
    def needs(self) -> frozenset[Capability]:
        """What a model must be able to do to serve this call.

        A call of a tool that is forced is got out of any model that writes, by a schema (`core.forced_tools`).
        """
        needs = {Capability.COMPLETION}
        if self.tools and self.tool_choice.mode is ToolMode.AUTO:
            needs.add(Capability.TOOLS)
        if any(isinstance(part, ImagePart) for message in self.messages for part in message.parts):
            needs.add(Capability.VISION)
        return frozenset(needs)


@dataclass(frozen=True, slots=True)
class TextCall:
    """Raw text to continue. Each prompt is text or token ids; ``choices`` answers per prompt, numbered
    ``prompt_index * choices + choice``.

    ``system``, ``template``, ``raw`` and ``images`` are Ollama's ``/api/generate``: with ``templated`` true the
    prompt is one user turn and goes through the model's chat template. ``echo`` returns the prompt with the answer.
    """

    model: str
    prompts: tuple[str | tuple[int, ...], ...]
    templated: bool = False
    system: str = ""
    template: str = ""
    images: tuple[ImagePart, ...] = ()
    echo: bool = False
    format: Format = Format()
    thinking: Thinking = Thinking()
    sampling: Sampling = Sampling()
    choices: int = 1
    hints: EngineHints = EngineHints()

    @property
    def needs(self) -> frozenset[Capability]:
        return frozenset({Capability.COMPLETION} | ({Capability.VISION} if self.images else set()))


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of another file, as context for a completion."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class InfillCall:
    """Code to fill in between ``prefix`` and ``suffix``. ``prompt`` is text already written after the prefix.

    ``strict`` refuses a model that cannot insert (Ollama's contract) instead of instructing it in words.
    """

    model: str
    prefix: str
    suffix: str
    prompt: str = ""
    language: str = ""
    path: str = ""
    snippets: tuple[Snippet, ...] = ()
    strict: bool = False
    sampling: Sampling = Sampling()
    hints: EngineHints = EngineHints()

    @property
    def needs(self) -> frozenset[Capability]:
        return frozenset({Capability.INSERT if self.strict else Capability.COMPLETION})


@dataclass(frozen=True, slots=True)
class EmbedCall:
    """Texts (or token ids) to turn into vectors, one each, in order."""

    model: str
    inputs: tuple[str | tuple[int, ...], ...]
    dimensions: int | None = None
    normalised: bool = True
    hints: EngineHints = EngineHints()

    @property
    def needs(self) -> frozenset[Capability]:
        return frozenset({Capability.EMBEDDING})


@dataclass(frozen=True, slots=True)
class LoadCall:
    """Bring a model into memory, or with ``unload`` out of it; answers with no text (Ollama's empty prompt)."""

    model: str
    unload: bool = False
    hints: EngineHints = EngineHints()

    @property
    def needs(self) -> frozenset[Capability]:
        return frozenset()


Call: TypeAlias = ChatCall | TextCall | InfillCall | EmbedCall | LoadCall


def said(call: Call) -> str:
    """All text that a model is to read for a call, to measure it; token ids and images are left out."""
    match call:
        case ChatCall():
            return "\n".join(
                "".join((message.text, message.reasoning, *(each.arguments for each in message.tool_calls)))
                for message in call.messages
            )
        case TextCall():
            return "\n".join([call.system, *(prompt for prompt in call.prompts if isinstance(prompt, str))])
        case InfillCall():
            return "\n".join([*(each.text for each in call.snippets), call.prefix, call.prompt, call.suffix])
        case EmbedCall():
            return "\n".join(text for text in call.inputs if isinstance(text, str))
        case LoadCall():
            return ""
        case _:
            assert_never(call)
