"""A conversation with the service: what is asked, and the events of its answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from email.message import Message
from typing import TypeAlias
from urllib.parse import quote

from potluck.cli.attach import Question
from potluck.cli.client import Client, decoded, error_words
from potluck.cli.failure import CliError, ServiceError
from potluck.cli.printing import Printer
from potluck.gateway import answer_headers as told
from potluck.surfaces.v1.chat_shapes import ChatDone, ChatMeta, ChatReply, Delta
from potluck.surfaces.v1.conversation_shapes import ConversationInfo, ConversationList, ConversationThread
from potluck.wire.sse import ServerEvent

CHAT = "/api/v1/chat"
CONVERSATIONS = "/api/v1/conversations"
GENERATIONS = "/api/v1/generations"
LAST = "last"

_ENDS = frozenset({"done", "error", "stopped"})
# A service that is started anew is back within seconds; a minute is a slow machine with a large model.
_PAUSE_S = 0.5
_TRIES = 120
_STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class Thought:
    """A piece of the model's reasoning."""

    text: str


ChatEvent: TypeAlias = ChatMeta | Delta | Thought | ChatDone


def chat_events(events: Iterable[ServerEvent]) -> Iterator[ChatEvent]:
    """The events of one answer. Events of a later version are passed over.

    Raises `ServiceError` for an ``error`` event, and for a stream that ends without ``done``.
    """
    for event in events:
        match event.name:
            case "meta":
                yield decoded(event.data, ChatMeta)
            case "delta":
                yield decoded(event.data, Delta)
            case "reasoning":
                yield Thought(decoded(event.data, Delta).text)
            case "done":
                yield decoded(event.data, ChatDone)
                return
            case "stopped":
                raise ServiceError("The answer was stopped.", hint="What came of it is kept.")
            case "error":
                message, hint = error_words(event.data)
                raise ServiceError(message or "The answer failed.", hint=hint)
            case _:
                pass
    raise ServiceError("The answer broke off.", hint="What came of it is kept; ask again to go on.")


@dataclass(slots=True)
class _Answer:
    """How far an answer has come here. ``generation`` is what the service knows it by, ``last`` the number of its last
    event: they count from 1."""

    generation: str = ""
    last: int = 0
    over: bool = False

    @property
    def path(self) -> str:
        return f"{GENERATIONS}/{quote(self.generation, safe='')}"

    def named(self, headers: Message) -> None:
        self.generation = headers.get(told.GENERATION, "")

    def counted(self, events: Iterable[ServerEvent]) -> Iterator[ServerEvent]:
        for event in events:
            self.last += 1
            self.over = event.name in _ENDS
            yield event


@dataclass(slots=True)
class Talk:
    """The state of a talk. ``conversation`` is empty until the first answer begins. ``temporary``: those that begin in
    it are kept nowhere."""

    client: Client
    model: str = ""
    system: str = ""
    conversation: str = ""
    temporary: bool = False
    sleep: Callable[[float], None] = time.sleep

    @contextmanager
    def ask(self, question: Question) -> Generator[Iterator[ChatEvent]]:
        """Ask; leaving the block stops the answer. A connection that is lost meanwhile is made anew. Raises
        `ServiceError`."""
        answer = _Answer()
        request = self._request(question, stream=True)
        try:
            with self.client.events("POST", CHAT, body=request, head=answer.named) as events:
                yield self._followed(chat_events(self._to_the_end(answer, events)))
        finally:
            if answer.generation and not answer.over:
                self._stop(answer)

    def _to_the_end(self, answer: _Answer, events: Iterable[ServerEvent]) -> Iterator[ServerEvent]:
        """The events, also where that takes several connections."""
        try:
            yield from answer.counted(events)
        except ServiceError:
            if not answer.generation:
                raise
        tries = 0
        while answer.generation and not answer.over and tries < _TRIES:
            tries += 1
            before = answer.last
            self.sleep(_PAUSE_S)
            try:
                with self.client.events("GET", f"{answer.path}/events?after={answer.last}") as more:
                    yield from answer.counted(more)
            except ServiceError as error:
                if error.status:  # it is there again, and does not know the answer
                    return
            tries = 0 if answer.last > before else tries

    def _stop(self, answer: _Answer) -> None:
        """Whoever leaves does not wait long for that, nor hear that it failed: nobody reading it, it is stopped."""
        with suppress(CliError):
            replace(self.client, listing_s=_STOP_S).raw("DELETE", answer.path)

    def ask_whole(self, question: Question) -> ChatReply:
        """Ask, and wait for the whole answer."""
        raw = self.client.raw("POST", CHAT, body=self._request(question, stream=False), patient=True)
        reply = decoded(raw, ChatReply)
        self.conversation = reply.conversation
        return reply

    def begin_anew(self) -> None:
        """The next question begins a new conversation."""
        self.conversation = ""

    def recent(self, limit: int = 20) -> list[ConversationInfo]:
        """Conversations, the newest first."""
        return list(self.client.get(CONVERSATIONS, ConversationList, {"limit": str(limit)}).conversations)

    def containing(self, words: str, limit: int = 20) -> list[ConversationInfo]:
        """Conversations whose title or text contains the words."""
        query = {"q": words, "limit": str(limit)}
        return list(self.client.get(CONVERSATIONS, ConversationList, query).conversations)

    def thread(self, conversation: str) -> ConversationThread:
        """One conversation with its messages."""
        return self.client.get(f"{CONVERSATIONS}/{quote(conversation, safe='')}", ConversationThread)

    def go_on(self, conversation: str) -> ConversationInfo:
        """Continue an earlier conversation, or with ``last`` the newest; its model too, unless one is set."""
        if conversation == LAST:
            newest = self.recent(limit=1)
            if not newest:
                raise ServiceError("There is no conversation yet.")
            found: ConversationInfo = newest[0]
        else:
            found = self.thread(conversation)
        self.conversation = found.id
        self.model = self.model or found.model
        return found

    def _followed(self, events: Iterator[ChatEvent]) -> Iterator[ChatEvent]:
        for event in events:
            if isinstance(event, ChatMeta):
                self.conversation = event.conversation
            yield event

    def _request(self, question: Question, *, stream: bool) -> dict[str, object]:
        parts: list[dict[str, str]] = [{"type": "text", "text": question.text}]
        parts += [
            {"type": "image", "data": image.data_b64, "media_type": image.media_type} for image in question.images
        ]
        temporary = self.temporary and not self.conversation
        said = {"conversation": self.conversation, "model": self.model, "system": self.system, "temporary": temporary}
        return {
            "message": parts if question.images else question.text,
            "stream": stream,
            **{name: value for name, value in said.items() if value},
        }


def show(events: Iterable[ChatEvent], printer: Printer) -> tuple[ChatMeta | None, ChatDone | None]:
    """Print an answer as it comes. The printer is brought to an end whatever happens."""
    meta: ChatMeta | None = None
    done: ChatDone | None = None
    try:
        for event in events:
            match event:
                case Delta():
                    printer.text(event.text)
                case Thought():
                    printer.reasoning(event.text)
                case ChatMeta():
                    meta = event
                case ChatDone():
                    done = event
    finally:
        printer.end()
    return meta, done


def as_markdown(thread: ConversationThread) -> str:
    """A conversation as a document to keep."""
    head = f"# {thread.title or 'Conversation'}\n"
    turns = (
        f"\n## {message.role.capitalize()}{f' ({message.model})' if message.model else ''}\n\n{message.text.strip()}\n"
        for message in thread.messages
    )
    return head + "".join(turns)
