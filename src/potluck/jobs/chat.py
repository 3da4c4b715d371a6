"""Jobs of kind ``chat``: up to a thousand questions, answered in the background, each answer kept as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec

from potluck.core.answer import Answer, Event, collect
from potluck.core.errors import BadRequest, Forbidden, PotluckError
from potluck.core.jobs import Priority, another_try, counts_most
from potluck.core.names import AUTO
from potluck.core.scheduling.classes import Kind as CallKind
from potluck.gateway.port import Caller, Generation
from potluck.jobs.port import Kind, Prepared, Tools, Work
from potluck.storage.jobs import Part
from potluck.wire.openai.asks import read_chat

MOST = 1000
"""Questions of one job."""

# So many of one job are in line at once; of the class batch, they wait for everybody who looks at the screen.
AT_ONCE = 4
_ANOTHER_KEY = "Ask again with another."
_PRIORITIES = {"normal": Priority.NORMAL, "low": Priority.LOW}


class ChatJob(msgspec.Struct, tag_field="kind", tag="chat"):
    """Questions to be answered in the background. Each of ``requests`` is a text, or a request as ``POST
    /v1/chat/completions`` takes it; a ``custom_id`` in it comes back with its answer. ``model`` is for those that name
    none; left out, Potluck chooses.
    """

    requests: Annotated[list[str | dict[str, Any]], msgspec.Meta(min_length=1, max_length=MOST)]
    model: str = ""
    title: Annotated[str, msgspec.Meta(max_length=200)] = ""
    priority: Literal["normal", "low"] = "normal"


class ToolCalled(msgspec.Struct):
    """A function that the model wants called; ``arguments`` is JSON as the model wrote it."""

    id: str
    name: str
    arguments: str


class Tokens(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class AnswerFailure(msgspec.Struct):
    """Why a question has no answer; ``type`` is stable and for programs."""

    type: str
    message: str
    hint: str = ""


class ChatAnswer(msgspec.Struct, omit_defaults=True):
    """What came of one question: an answer, or an ``error``."""

    index: int
    custom_id: str = ""
    text: str = ""
    reasoning: str = ""
    tool_calls: list[ToolCalled] = []
    finish: str | None = None
    usage: Tokens | None = None
    model: str = ""
    node: str = ""
    request_id: str = ""
    error: AnswerFailure | None = None


class _Question(msgspec.Struct, frozen=True):
    """As it is kept with the job: a checked body of ``POST /v1/chat/completions``."""

    custom_id: str
    body: msgspec.Raw


_questions = msgspec.json.Decoder(list[_Question])


def prepare(asked: ChatJob, caller: Caller) -> Prepared:
    """Check every question as if it were asked now. Raises `ClientError`, its field's place in ``param``."""
    questions = [_question(asked, index, caller) for index in range(len(asked.requests))]
    request = msgspec.json.encode(questions).decode()
    return Prepared(request, len(questions), asked.title.strip(), _PRIORITIES[asked.priority])


def _question(asked: ChatJob, index: int, caller: Caller) -> _Question:
    given, place = asked.requests[index], f"requests[{index}]"
    body: dict[str, Any] = {"messages": [{"role": "user", "content": given}]} if isinstance(given, str) else {**given}
    custom_id = body.pop("custom_id", "")
    if not isinstance(custom_id, str) or len(custom_id) > 200:
        raise BadRequest("A custom_id is a text of up to 200 characters.", param=f"{place}.custom_id")
    body["model"] = body.get("model") or asked.model or AUTO
    body["stream"] = False
    raw = msgspec.json.encode(body)
    try:
        ask = read_chat(raw)
        call = ask.call()
    except BadRequest as error:
        param = f"{place}.{error.param}" if error.param else place
        raise BadRequest(f"{place}: {error.message}", param=param, hint=error.hint) from error
    if call.choices > 1:
        raise BadRequest(f"{place}: a job gives one answer to each.", param=f"{place}.n", hint="Leave 'n' out.")
    if caller.scope is not None and not caller.sees(call.model):
        raise caller.scope.model_refusal(call.model)
    return _Question(custom_id, msgspec.Raw(raw))


async def run(work: Work, tools: Tools) -> None:
    """Answer what is not answered yet, a few at a time. A question that cannot be answered costs the others nothing:
    where time may mend it, it waits for the job's next try."""
    questions = _questions.decode(work.request)
    left = iter([index for index in range(len(questions)) if index not in work.kept])
    trouble: list[PotluckError] = []
    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(AT_ONCE, len(questions))):
            tasks.create_task(_answering(work, tools, questions, left, trouble))
    if trouble:
        raise counts_most(trouble)


async def _answering(
    work: Work, tools: Tools, questions: list[_Question], left: Iterator[int], trouble: list[PotluckError]
) -> None:
    for index in left:
        question = questions[index]
        caller = tools.caller_of(work.record.key)
        if caller is None:
            trouble.append(Forbidden("The key that asked for this job does not count any more.", hint=_ANOTHER_KEY))
            return
        try:
            answer = await _answer(tools, caller, index, question)
        except PotluckError as error:
            if another_try(error, last=work.last_try):
                trouble.append(error)
                continue
            told = tools.words(error)
            failure = AnswerFailure(told.kind, told.message, told.hint)
            answer = ChatAnswer(index, question.custom_id, error=failure)
        await work.keep(Part(index, msgspec.json.encode(answer).decode()))


async def _answer(tools: Tools, caller: Caller, index: int, question: _Question) -> ChatAnswer:
    call = read_chat(bytes(question.body)).call()
    async with tools.calls.generate(call, caller, kind=CallKind.BATCH, whole=True) as origin:
        events: list[Event] = [event async for event in origin.events()]
    return _told(index, question.custom_id, origin, collect(events))


def _told(index: int, custom_id: str, origin: Generation, answer: Answer) -> ChatAnswer:
    choice = answer.choices[0] if answer.choices else None
    told = ChatAnswer(index, custom_id, model=origin.model, node=origin.node, request_id=origin.request)
    if choice is not None:
        told.text, told.reasoning = _clean(choice.text), _clean(choice.reasoning)
        told.finish = choice.finish
        told.tool_calls = [ToolCalled(each.id, each.name, _clean(each.arguments)) for each in choice.tool_calls]
    if answer.usage is not None:
        told.usage = Tokens(answer.usage.prompt, answer.usage.completion)
    return told


def _clean(text: str) -> str:
    """Without the halves of UTF-16 pairs that a model may write, and JSON cannot hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


KIND = Kind(ChatJob, prepare, run)
