"""What the native API takes and gives, as JSON. Requests are strict about types and ignore fields they do not know.

Times are RFC 3339 in UTC, durations seconds, sizes bytes, lengths tokens. The OpenAPI document is made from these.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from potluck.core.answer import Timings, Usage
from potluck.core.reading import Reading
from potluck.core.review import Severity
from potluck.storage.conversation_records import Titled
from potluck.storage.records import CallStatus, MessageState
from potluck.surfaces.v1.limit_shapes import LimitsInfo

Temperature: TypeAlias = Annotated[float, Meta(ge=0, le=2)]
Tokens: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000)]
Named: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
Tag: TypeAlias = Annotated[str, Meta(min_length=1, max_length=50)]


def rfc3339(seconds: float) -> str:
    """Unix seconds as API text: ``2026-08-01T12:00:00.250Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- What answers share ----------------------------------------------------------------------------------------------


class UsageInfo(msgspec.Struct):
    """Tokens. ``prompt_tokens`` includes ``cached_tokens``; ``estimated`` says that the engine told none."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False

    @classmethod
    def of(cls, usage: Usage) -> UsageInfo:
        return cls(usage.prompt, usage.completion, usage.cached, usage.reasoning, usage.estimated)


class TimingsInfo(msgspec.Struct):
    """The engine's own seconds: loading the model, reading the prompt, writing the answer."""

    load_s: float = 0.0
    prefill_s: float = 0.0
    decode_s: float = 0.0

    @classmethod
    def of(cls, timings: Timings) -> TimingsInfo:
        return cls(timings.load_s, timings.prefill_s, timings.decode_s)


# --- Chat ------------------------------------------------------------------------------------------------------------


class TextInput(msgspec.Struct, tag_field="type", tag="text"):
    text: str


class ImageInput(msgspec.Struct, tag_field="type", tag="image"):
    """``data`` is base64 without a ``data:`` prefix; or ``url``, http or https, which Potluck fetches."""

    data: str = ""
    media_type: str = ""
    url: str = ""


class ChatRequest(msgspec.Struct):
    """Say something. Without ``conversation`` a new one begins, named after the message's first words.

    ``parent`` is the message that this one follows: left out, the last one of the branch that is shown; null for a new
    first message. To edit one, send what it is to be with the parent that it has. In place of ``message``,
    ``regenerate`` asks anew for an answer beside one there is, or for one more to a message of the user's, and
    ``continue`` goes on with an answer that was cut, in whose place the whole one comes. ``node`` is the only one that
    may answer.

    ``temporary`` begins a conversation that is in memory alone: in no list, no search and no log, and gone an hour
    after its last message, or when Potluck is started anew. What comes later in it is temporary without saying so.

    ``attachments`` are ids of your files: images for models that see, texts, and PDFs, of which the text is read.
    ``detached`` says whether the answer goes on when the client leaves; left out, a streamed one does. ``client_id`` is
    as the header ``Idempotency-Key``: sent again with the same one, a request is answered by what the first one began.
    """

    message: str | list[TextInput | ImageInput] = ""
    conversation: str = ""
    parent: str | UnsetType | None = UNSET
    regenerate: str = ""
    continues: str = msgspec.field(name="continue", default="")
    node: str = ""
    client_id: Annotated[str, Meta(max_length=200)] = ""
    temporary: bool = False
    attachments: Annotated[list[str], Meta(max_length=16)] = []
    model: str = ""
    system: str = ""
    stream: bool = True
    temperature: Temperature | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    max_tokens: Tokens | None = None
    seed: int | None = None
    stop: list[str] = []
    think: bool | None = None
    detached: bool | None = None


class ChatMeta(msgspec.Struct, omit_defaults=True):
    """The ``meta`` event, once in a stream: where the answer comes from, where it is kept, and the ``generation`` by
    which a client that lost the connection finds it again. ``continues`` is the cut message that it takes the place of,
    whose text comes first.
    """

    conversation: str
    user_message: str
    message: str
    request_id: str
    node: str
    model: str
    generation: str = ""
    continues: str = ""


class InLineInfo(msgspec.Struct):
    """The ``queued`` event: the call's place in line, 1 for the next of all, and in how many seconds it starts, by
    estimate. The last one counts.
    """

    position: int
    eta_s: float


class SeatedInfo(msgspec.Struct):
    """The ``seated`` event, before ``meta``, where that takes a while: a node has taken the call, and loads the model
    or reads the prompt. ``attempts`` are the engines tried, with this one.
    """

    node: str
    attempts: int


class RescuedInfo(msgspec.Struct):
    """The ``rescued`` event: the engine broke, and this node goes on from the last word, in a ``way`` of
    docs/guides/when-a-node-dies.md.
    """

    node: str
    attempts: int
    way: str


class StoppedInfo(msgspec.Struct):
    """The ``stopped`` event, last in a stream that was ended early: ``client`` asked for that, nobody read it
    (``alone``), or Potluck was started anew and could not go on with it (``restart``; ``message`` says more).
    """

    why: Literal["client", "alone", "restart"]
    message: str = ""


class Delta(msgspec.Struct):
    """The ``delta`` and ``reasoning`` events: text to be added to what came before."""

    text: str


class ChatDone(msgspec.Struct):
    """The ``done`` event, last in a stream that did not fail. ``finish`` is null if the engine did not say.
    ``first_token_ms`` is from the request to the first text; null, as ``tokens_per_s``, where nobody knows."""

    finish: str | None
    usage: UsageInfo | None
    timings: TimingsInfo | None
    first_token_ms: int | None = None
    tokens_per_s: float | None = None


class ChatReply(msgspec.Struct):
    """The whole answer of a request with ``"stream": false``."""

    conversation: str
    user_message: str
    message: str
    request_id: str
    node: str
    model: str
    text: str
    reasoning: str
    finish: str | None
    usage: UsageInfo | None
    timings: TimingsInfo | None
    generation: str = ""


class GenerationInfo(msgspec.Struct, kw_only=True):
    """An answer that runs, or ended lately. ``id`` is its message's too; ``last_event`` is the number of its last event
    so far; ``readers`` follow it now. ``queued`` is there while it waits in line; ``node`` and ``model`` are of the
    engine that has it, null before there is one.
    """

    id: str
    state: Literal["running", "complete", "failed", "interrupted"]
    conversation: str
    user_message: str
    request_id: str
    created_at: str
    ended_at: str | None
    asked_model: str
    model: str | None
    node: str | None
    queued: InLineInfo | None
    last_event: int
    readers: int
    detached: bool


class GenerationList(msgspec.Struct):
    """Your own: those that run, then those that ended, the last to end first."""

    generations: list[GenerationInfo]


class GenerationError(msgspec.Struct):
    """As in an ``error`` event."""

    type: str
    message: str
    hint: str = ""


class GenerationState(GenerationInfo, kw_only=True):
    """One with its text so far. ``done`` is there at the end of a complete one, ``error`` of a failed one, ``stopped``
    of an interrupted one.
    """

    text: str
    reasoning: str
    done: ChatDone | None = None
    error: GenerationError | None = None
    stopped: StoppedInfo | None = None


class EventQuery(msgspec.Struct):
    """``after`` is the id of the last event that you have; a ``Last-Event-ID`` header, which browsers send by
    themselves, goes before it.
    """

    after: Annotated[int, Meta(ge=0)] = 0


# --- Conversations ---------------------------------------------------------------------------------------------------


class SnippetPiece(msgspec.Struct):
    """``found``: it is what was looked for."""

    text: str
    found: bool


class SearchMatch(msgspec.Struct):
    """Where a search found its text. ``message`` is null if only the title has it. ``pieces`` are ``snippet`` with what
    was found marked."""

    message: str | None
    snippet: str
    pieces: list[SnippetPiece] = []


class ConversationInfo(msgspec.Struct):
    """``match`` is set in the results of a search only. ``titled`` says who made the title: its first ``words``, a
    ``model``, or a ``person``, whose title no model changes. ``folder`` is its id. A ``temporary`` one is in memory
    alone."""

    id: str
    title: str
    model: str
    message_count: int
    created_at: str
    updated_at: str
    match: SearchMatch | None = None
    titled: Titled = Titled.WORDS
    pinned: bool = False
    archived: bool = False
    folder: str | None = None
    tags: list[str] = []
    temporary: bool = False


class ConversationList(msgspec.Struct):
    """``next`` is the ``cursor`` of the next page, null on the last one."""

    conversations: list[ConversationInfo]
    next: str | None = None


class ConversationQuery(msgspec.Struct):
    """``q`` searches titles and messages instead of listing: words or their beginnings, in any order, and what is in
    quotes as it is. ``folder`` is its id, or ``none``; without ``archived`` both are listed.
    """

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str = ""
    q: str = ""
    folder: str = ""
    archived: bool | None = None
    pinned: bool | None = None
    tag: str = ""


class NewConversation(msgspec.Struct):
    title: Annotated[str, Meta(max_length=200)] = ""
    model: str = ""


class ParamsInfo(msgspec.Struct, omit_defaults=True):
    """How a conversation's answers are drawn, where a request does not say."""

    temperature: Temperature | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    max_tokens: Tokens | None = None
    seed: int | None = None
    stop: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=16)] = []
    think: bool | None = None


class ConversationPatch(msgspec.Struct, omit_defaults=True):
    """What is left out stays. ``leaf`` is the last message of the branch that is shown. ``folder`` null takes it out of
    its folder. ``system`` and ``params`` are for answers whose requests do not say."""

    title: Named | UnsetType = UNSET
    model: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    leaf: str | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    folder: str | UnsetType | None = UNSET
    tags: Annotated[list[Tag], Meta(max_length=20)] | UnsetType = UNSET
    system: Annotated[str, Meta(max_length=100_000)] | UnsetType = UNSET
    params: ParamsInfo | UnsetType = UNSET


class MessageRescue(msgspec.Struct):
    """A node that went on with the answer after another one broke, in a ``way`` of
    docs/guides/when-a-node-dies.md."""

    node: str
    way: str


class ToolCallInfo(msgspec.Struct):
    """A tool that a model called; ``arguments`` is JSON as the model wrote it."""

    id: str
    name: str
    arguments: str


class AttachmentInfo(msgspec.Struct):
    """A file that was sent with a message; its content is at ``/api/v1/files/{file}/content``, if it is there still."""

    file: str
    name: str
    media_type: str
    size_bytes: int


class MessageInfo(msgspec.Struct):
    """``text`` holds all text of a message; ``images`` is how many images it has beside ``attachments``. ``parent`` is
    what it follows, ``children`` are those that follow it, oldest first: more than one are branches.

    What is told of an answer: ``first_token_ms`` from the request to the first text, ``rescued`` where other nodes went
    on with it. ``error``, ``error_type`` and ``error_hint`` stand beside the text that came before; ``stopped`` is why
    it was ended early.
    """

    id: str
    role: str
    text: str
    state: MessageState
    created_at: str
    parent: str | None = None
    reasoning: str = ""
    images: int = 0
    model: str | None = None
    node: str | None = None
    request_id: str | None = None
    finish: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    error: str = ""
    children: list[str] = []
    first_token_ms: int | None = None
    tokens_per_s: float | None = None
    rescued: list[MessageRescue] = []
    attachments: list[AttachmentInfo] = []
    tool_calls: list[ToolCallInfo] = []
    tool: str = ""
    error_type: str = ""
    error_hint: str = ""
    stopped: str = ""


class ThreadQuery(msgspec.Struct):
    """``branch`` leaves out all messages but those of one branch: ``active``, the one that is shown, or the one that
    ends with the message of that id."""

    branch: str = ""


class ConversationThread(ConversationInfo, kw_only=True):
    """One conversation with its messages, in the order of writing. ``leaf`` is the last one of the branch that is
    shown, null if there is no message; ``roots`` are the first messages, oldest first: more than one are branches."""

    messages: list[MessageInfo]
    leaf: str | None = None
    roots: list[str] = []
    system: str = ""
    params: ParamsInfo = msgspec.field(default_factory=ParamsInfo)


class MessagesDeleted(msgspec.Struct):
    """``deleted`` are the message that was named and all that followed it; ``leaf`` is as of a conversation."""

    deleted: list[str]
    leaf: str | None


# --- Code ------------------------------------------------------------------------------------------------------------


class SnippetInput(msgspec.Struct):
    path: str
    text: str


class CompleteRequest(msgspec.Struct):
    """Code before and after the cursor. ``snippets`` are pieces of other files that may help.

    ``editor`` names one window of an editor, in any words: its next request cancels this one.
    """

    prefix: str
    suffix: str = ""
    language: str = ""
    path: str = ""
    model: str = ""
    max_tokens: Tokens = 128
    temperature: Temperature | None = None
    stop: list[str] = []
    stream: bool = False
    snippets: list[SnippetInput] = []
    editor: Annotated[str, Meta(max_length=200)] = ""


Method: TypeAlias = Literal["infill", "instruct"]


class CompleteMeta(msgspec.Struct):
    """The ``meta`` event. ``method`` says whether the model fills in, or was only asked to in words."""

    model: str
    node: str
    request_id: str
    method: Method


class CompleteReply(msgspec.Struct):
    """``text`` goes between prefix and suffix as it is: no fences, nothing of either repeated."""

    text: str
    model: str
    node: str
    request_id: str
    method: Method
    finish: str | None
    usage: UsageInfo | None


class FileInput(msgspec.Struct):
    path: Named
    text: str


class ReviewRequest(msgspec.Struct):
    """Exactly one of ``diff`` (unified, as git writes it) and ``files``."""

    diff: str | UnsetType = UNSET
    files: list[FileInput] | UnsetType = UNSET
    instructions: Annotated[str, Meta(max_length=4000)] = ""
    min_severity: Severity = Severity.INFO
    model: str = ""
    stream: bool = False


class FindingInfo(msgspec.Struct):
    """``suggested_patch`` is a patch that ``git apply`` takes on top of the change; null if there is none."""

    path: str
    line: int
    end_line: int | None
    severity: Severity
    title: str
    explanation: str
    suggested_patch: str | None = None


class ReviewProgress(msgspec.Struct):
    """The ``progress`` event: piece number ``piece`` of ``of`` has been looked at, ``done`` of them so far."""

    piece: int
    of: int
    path: str
    done: int


class PieceFailure(msgspec.Struct):
    """A part of the change that could not be looked at; ``type`` and ``message`` as in an error."""

    piece: int
    path: str
    first_line: int
    last_line: int
    type: str
    message: str


class SkippedFile(msgspec.Struct):
    path: str
    why: str


class ReviewDone(msgspec.Struct):
    """The ``done`` event. ``dropped`` counts by reason what a model said and the result does not hold."""

    model: str
    pieces: int
    counts: dict[str, int]
    dropped: dict[str, int]
    snapped: int
    cut_off: int
    failed: list[PieceFailure]
    skipped: list[SkippedFile]
    usage: UsageInfo
    request_ids: list[str]


class ReviewReply(ReviewDone, kw_only=True):
    """A review without stream: findings by severity, path and line."""

    findings: list[FindingInfo]


# --- The fleet -------------------------------------------------------------------------------------------------------


class ModelPlace(msgspec.Struct):
    """Where a model is. What it takes in memory, the part of that in an accelerator's own, the context that it is
    loaded with and when it will be unloaded are told of a resident one, as far as the engine tells them.
    ``pinned``: the owner wants it to stay there.
    """

    node: str
    engine: str
    health: str
    resident: bool
    pinned: bool = False
    memory_bytes: int | None = None
    vram_bytes: int | None = None
    loaded_context: int | None = None
    expires_at: str | None = None


class ModelInfo(msgspec.Struct):
    """``ready`` says whether an engine that has it is up; ``engines`` are all that have it. ``alias_of`` is what an
    alias stands for, by the configuration; what else is told of it is then that one's.
    """

    id: str
    ready: bool
    capabilities: list[str]
    context: int | None
    size_bytes: int | None
    family: str | None
    parameter_size: str | None
    quantization: str | None
    engines: list[ModelPlace]
    alias_of: str = ""


class ModelList(msgspec.Struct):
    models: list[ModelInfo]


class ChildInfo(msgspec.Struct):
    """A process of the embedded engine. ``why`` is the reason of its last crash."""

    model: str
    role: str
    pid: int | None
    state: str
    restarts: int
    why: str


class LoadedInfo(msgspec.Struct):
    """A model in memory, and what it takes there: by its engine's word, else estimated from its size."""

    model: str
    memory_bytes: int
    pinned: bool


class RateInfo(msgspec.Struct):
    """How fast a model is on an engine, learned from ``readings`` calls: tokens a second of prompts and of an answer
    that has the machine for itself, and seconds to load it.
    """

    model: str
    prefill_tps: float
    decode_tps: float
    load_s: float
    readings: int


class EngineInfo(msgspec.Struct):
    """``busy`` of ``slots`` generations run now; ``why`` says why the engine is in this health. ``loaded`` tells more
    of the ``resident`` models, ``rates`` of all that were at work. ``failures`` calls have failed there in a row, so
    that others are asked first: for ``retry_s`` seconds more, after which it is on ``trial`` with one call at a time.
    """

    id: str
    kind: str
    health: str
    why: str
    slots: int
    busy: int
    models: list[str]
    resident: list[str]
    children: list[ChildInfo]
    loaded: list[LoadedInfo] = []
    rates: list[RateInfo] = []
    failures: int = 0
    trial: bool = False
    retry_s: float | None = None


class AgentInfo(msgspec.Struct):
    """``state`` is ``up``, ``silent``, or ``unknown`` before its first answer. ``reading`` is its last one, taken
    ``age_s`` ago; ``silent_s`` is for how long nothing was heard of a silent one, and ``why`` what came instead.
    """

    state: str
    age_s: float | None = None
    silent_s: float | None = None
    why: str = ""
    reading: Reading | None = None


class MoveInfo(msgspec.Struct):
    """A model of a node that is drained. ``state``: ``elsewhere`` (in the memory of engine ``to``), ``loading`` or
    ``waiting`` to be loaded there, ``nowhere``, or ``unused`` and left where it is. ``why`` says it in words.
    """

    model: str
    engine: str
    state: str
    to: str
    why: str


class DrainInfo(msgspec.Struct):
    """A node that gets nothing new, since ``since``. ``running`` calls end there in peace; ``empty`` is true when none
    is left and what can be moved has been.
    """

    since: str
    running: int
    empty: bool
    moves: list[MoveInfo]


class NodeDrillInfo(msgspec.Struct):
    """The drill that a node is in. ``how`` is ``drain`` or ``block``; ``until`` when it gets the node back at the
    latest, null while its test calls set out.
    """

    id: str
    node: str
    how: str
    stage: str
    until: str | None


class NodeInfo(msgspec.Struct):
    """``memory_bytes`` is what models may fill, as configured; ``agent`` what its machine tells, for the owner.

    ``source`` is where the node comes from: ``config``, ``discovery``, or ``here`` for what runs on this machine
    without being configured. ``why`` tells the owner of a change of its address. ``drain`` is there while the node is
    drained by its owner, ``drill`` while it is in one.
    """

    id: str
    engines: list[EngineInfo]
    memory_bytes: int | None = None
    agent: AgentInfo | None = None
    source: str = "config"
    why: str = ""
    drain: DrainInfo | None = None
    drill: NodeDrillInfo | None = None


class NodeList(msgspec.Struct):
    nodes: list[NodeInfo]


class ReloadReply(msgspec.Struct):
    """``changed`` names the sections of the configuration that are different now, ``restart`` those that hold only
    after the next start.
    """

    changed: list[str]
    restart: list[str] = []


class ClassQueueInfo(msgspec.Struct):
    """Calls of one class in line: how many, how long the oldest has waited, and in how many seconds the next starts."""

    kind: str
    waiting: int
    longest_wait_s: float
    next_eta_s: float


class LastMinuteInfo(msgspec.Struct):
    """Calls that ended in the last 60 seconds: all, those that failed here (engines, a full queue), those that were the
    client's error, those whose client left; and the tokens that were written.
    """

    calls: int
    failed: int
    refused: int
    cancelled: int
    completion_tokens: int


class RedisInfo(msgspec.Struct):
    """``trouble`` says why it is not used now, empty if it is."""

    up: bool
    trouble: str = ""


class FileStoreInfo(msgspec.Struct):
    """Whether the store for files answered last, and what waits on the gateway's disk to be brought there."""

    answers: bool
    waiting: int = 0
    waiting_bytes: int = 0


class GatewayInfo(msgspec.Struct):
    """A gateway of this installation that runs; ``url`` is where the others reach it."""

    name: str
    url: str
    version: str
    started_at: str


class JobCounts(msgspec.Struct):
    """Work in the background, everybody's."""

    waiting: int
    running: int


class StatusReply(msgspec.Struct):
    """``waiting`` calls are in the queue, by class in ``queue``; ``busy`` run; ``drained`` are nodes that get nothing
    new, ``drill`` is the one under way; ``redis`` is null where none is configured;
    ``gateways`` are those that say there that they run, null where that is not known.
    """

    version: str
    started_at: str
    uptime_s: float
    nodes: int
    engines: int
    engines_up: int
    models: int
    slots: int
    busy: int
    waiting: int
    drained: list[str] = []
    queue: list[ClassQueueInfo] = []
    last_minute: LastMinuteInfo | None = None
    drill: NodeDrillInfo | None = None
    files: FileStoreInfo | None = None
    redis: RedisInfo | None = None
    jobs: JobCounts | None = None
    gateways: list[GatewayInfo] | None = None


# --- Requests and keys -----------------------------------------------------------------------------------------------


class AttemptInfo(msgspec.Struct):
    """A try: ``ok``, ``cancelled``, ``slower`` (another engine was asked beside it, and was quicker), or what went
    wrong. ``began_s`` and ``ended_s`` are seconds since the call came; null where they were not kept."""

    engine: str
    outcome: str
    why: str
    began_s: float | None = None
    ended_s: float | None = None


class CandidateInfo(msgspec.Struct):
    """A place that was thought of. Costs are in limits: 1 is all the time that the call's class allows.

    ``run`` = (``own`` + ``harm`` to others + ``eviction`` of models + ``doubt``) * ``prior``, the owner's weight; None
    where the place was out of the question. ``first_s`` and ``finish_s`` were expected, ``wait_s`` of them before it
    could start.
    """

    engine: str
    chosen: bool
    reason: str
    model: str = ""
    run: float | None = None
    own: float = 0.0
    harm: float = 0.0
    eviction: float = 0.0
    doubt: float = 0.0
    prior: float = 1.0
    wait_s: float = 0.0
    first_s: float = 0.0
    finish_s: float = 0.0


class ReplayInfo(msgspec.Struct):
    """The decision made once more from ``candidates`` as they are kept: where it comes to, and whether the call went
    there. ``rule`` is ``cost``, ``order`` or ``weights``; by weights a place is taken in its turn, and no cost counts.
    """

    engine: str
    model: str
    same: bool
    rule: str


class QueuedInfo(msgspec.Struct):
    """A call in line. ``position`` 1 is the next one of all; ``eta_s`` the seconds until it starts, by estimate."""

    id: str
    position: int
    model: str
    kind: str
    waited_s: float
    eta_s: float
    user: str


class TurnInfo(msgspec.Struct):
    """A user with calls in line: how many, and the machine time that counts for its turn, in seconds. Within a class
    the user with the least goes first.
    """

    user: str
    waiting: int
    served_s: float


class QueueReply(msgspec.Struct):
    """``waiting`` counts everybody's calls, also where ``calls`` and ``users`` list only your own."""

    waiting: int
    calls: list[QueuedInfo]
    users: list[TurnInfo] = []


class RequestInfo(msgspec.Struct):
    """One call that has ended, ``user``'s: ``candidates`` tells why its node was chosen and the others were not,
    ``choice`` what `auto` chose and why; empty for calls that named their model.
    """

    id: str
    at: str
    family: str
    asked_model: str
    model: str | None
    route: str
    node: str | None
    engine: str | None
    status: CallStatus
    http_status: int
    queue_s: float
    first_byte_s: float | None
    total_s: float
    usage: UsageInfo
    attempts: list[AttemptInfo]
    candidates: list[CandidateInfo]
    error: str
    choice: str = ""
    replay: ReplayInfo | None = None
    user: str = ""
    rescued: bool = False


class RequestList(msgspec.Struct):
    """``next`` is the ``cursor`` of the following page, null on the last one."""

    requests: list[RequestInfo]
    next: str | None = None


class RequestQuery(msgspec.Struct):
    """Every one that is given must hold. ``model`` is the asked or the served name, ``user`` a name or id (anybody's,
    for owners and admins). ``rescued``: whether one engine went on with what another had begun; ``retried``: whether
    more than one was tried. ``since`` and ``before`` are times with their zone. ``cursor``, which is ``next`` of the
    page before, leads through all pages; ``before`` may leave out calls of the same millisecond.
    """

    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    model: str = ""
    node: str = ""
    status: CallStatus | None = None
    user: str = ""
    rescued: bool | None = None
    retried: bool | None = None
    since: Annotated[datetime, Meta(tz=True)] | None = None
    before: Annotated[datetime, Meta(tz=True)] | None = None
    cursor: str = ""


# A key of a hundred years is one that does not end.
_LONGEST_KEY_S = 100 * 366 * 86_400


class NewKey(msgspec.Struct, omit_defaults=True):
    """``name`` must not be in use by a key that is valid. ``user`` is whose it is to be, by name or id: without it, who
    manages users makes it for the user of its name, a new member if there is none, and others for themselves.
    ``surfaces`` and ``models`` (names of models and routes) limit what it is for, and such a key cannot change
    anything but the user's conversations. ``limits`` are how much may be used by it, beside its user's."""

    name: Named
    user: Annotated[str, Meta(max_length=200)] = ""
    expires_in_s: Annotated[float, Meta(gt=0, le=_LONGEST_KEY_S)] | None = None
    surfaces: list[str] | None = None
    models: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=200)] | None = None
    limits: LimitsInfo | None = None


class Rotation(msgspec.Struct):
    """``overlap_s`` is how long the old key stays valid beside the new one, in seconds."""

    overlap_s: Annotated[float, Meta(ge=0, le=30 * 86_400)] = 3600.0


class KeyInfo(msgspec.Struct):
    """``prefix`` is how the key begins; the rest is not kept. ``user`` is the name of whose it is, ``owner`` marks the
    key that lies in the data directory. ``revoked_at`` may be to come, for a key that another one follows. What it is
    limited to and by, ``surfaces``, ``models`` and ``limits``, is null for a key without."""

    id: str
    name: str
    prefix: str
    owner: bool
    created_at: str
    last_used_at: str | None
    revoked_at: str | None
    user: str = ""
    expires_at: str | None = None
    surfaces: list[str] | None = None
    models: list[str] | None = None
    limits: LimitsInfo | None = None


class KeyCreated(KeyInfo, kw_only=True):
    """``key`` is shown this once."""

    key: str


class KeyList(msgspec.Struct):
    keys: list[KeyInfo]
