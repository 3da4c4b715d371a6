"""What a chat request comes to: which messages the model is shown, what is stored, and after which message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from msgspec import UNSET

from potluck.core.answer import FinishReason
from potluck.core.call import Message, Role, TextPart
from potluck.core.errors import BadRequest, Conflict, NotFound
from potluck.storage.generations import KeptBeginning
from potluck.storage.records import MessageId, MessageState, StoredMessage, Thread
from potluck.storage.temporary import is_temporary
from potluck.surfaces.v1.chat_shapes import ChatRequest

# English text, as a rule; who goes on with it has its own count as soon as its engine tells.
_CHARS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """``past`` is what the model is shown before anything new. ``after`` is the message that the new one follows, or,
    if nothing new is ``said``, the answer; None for a first message. ``leaf`` is what is to be shown meanwhile, if it
    is something else. ``model`` is the one that must go on."""

    past: tuple[StoredMessage, ...]
    after: MessageId | None
    said: bool = True
    leaf: MessageId | None = None
    beginning: KeptBeginning | None = None
    model: str = ""


def plan_of(thread: Thread | None, body: ChatRequest) -> Plan:
    """Raises `BadRequest`, `NotFound` and `Conflict`.

    1. Something new is said: behind the branch that is shown, or behind ``parent``.
    2. Another answer is wanted.
    3. An answer is to be gone on with.
    """
    wanted = [name for name, given in _wishes(body).items() if given]
    if len(wanted) > 1:
        raise BadRequest(
            f"'{wanted[0]}' and '{wanted[1]}' do not go together.", param=wanted[1], hint="Send one of them."
        )
    if wanted and thread is None:
        raise BadRequest(f"'{wanted[0]}' takes a conversation.", param="conversation", hint="Name the conversation.")
    if thread is None:
        return Plan((), None)
    if body.temporary and not is_temporary(thread.conversation.id):
        raise BadRequest("This conversation is kept already.", param="temporary", hint="Begin another one.")
    if body.regenerate:
        return _another(thread, body.regenerate)
    if body.continues:
        return _rest(thread, body.continues, body.model)
    if isinstance(body.parent, str):
        past = _branch(thread, body.parent)
    else:
        past = thread.branch() if body.parent is UNSET else ()
    return Plan(past, past[-1].id if past else None)


def _wishes(body: ChatRequest) -> dict[str, bool]:
    return {
        "regenerate": bool(body.regenerate),
        "continue": bool(body.continues),
        "parent": isinstance(body.parent, str),
    }


def _another(thread: Thread, asked: str) -> Plan:
    """Beside an answer, or one more behind a message of the user's."""
    branch = _branch(thread, asked)
    if branch[-1].message.role is Role.ASSISTANT:
        past = branch[:-1]
        if not past:
            raise BadRequest("This message answers nothing.", param="regenerate", hint="Name an answer to a message.")
        return Plan(past, past[-1].id, said=False, leaf=past[-1].id)
    if branch[-1].message.role is not Role.USER:
        raise BadRequest(
            "Only an answer can be asked for anew.", param="regenerate", hint="Name an answer, or what it answers."
        )
    return Plan(branch, branch[-1].id, said=False)


def _rest(thread: Thread, asked: str, model: str) -> Plan:
    branch = _branch(thread, asked)
    cut, past = branch[-1], branch[:-1]
    if cut.message.role is not Role.ASSISTANT or not past:
        raise BadRequest("Only an answer can be gone on with.", param="continue", hint="Name an answer that was cut.")
    if not cut.message.text:
        raise Conflict("Nothing of this answer is there to go on with.", hint="Ask for it anew: 'regenerate'.")
    if cut.new.state is MessageState.COMPLETE and cut.new.finish is FinishReason.STOP:
        raise Conflict("This answer is whole: its model ended it.", hint="Ask for another one: 'regenerate'.")
    beginning = KeptBeginning(
        cut.id,
        cut.message.text,
        cut.message.reasoning,
        cut.new.completion_tokens or max(1, len(cut.message.text) // _CHARS_PER_TOKEN),
    )
    return Plan(past, past[-1].id, said=False, leaf=cut.id, beginning=beginning, model=model or cut.new.model or "")


def _branch(thread: Thread, leaf: str) -> tuple[StoredMessage, ...]:
    branch = thread.branch(MessageId(leaf))
    if not branch:
        raise NotFound(f"There is no message {leaf!r} in this conversation.", hint="Read it again to see them.")
    return branch


def prompt(past: Sequence[StoredMessage], said: Message | None, system: Message | None) -> tuple[Message, ...]:
    """What the model is shown: the conversation so far and the new message, if there is one.

    A question that no engine ever began to answer was refused with an error: it is not part of what follows, or one
    that was too long would make every later one too long. ``system`` replaces the conversation's own. Two messages
    of one role in a row become one, since many chat templates insist that roles alternate.
    """
    kept: list[Message] = []
    for stored in past:
        if stored.message.role is Role.ASSISTANT and stored.new.request is None and not stored.message.text:
            if kept and kept[-1].role is Role.USER:
                kept.pop()
        elif stored.message.parts:
            kept.append(replace(stored.message, reasoning=""))
    if system:
        kept = [system, *(message for message in kept if message.role is not Role.SYSTEM)]
    joined: list[Message] = []
    for message in [*kept, *([said] if said else [])]:
        if joined and joined[-1].role is message.role:
            joined[-1] = replace(message, parts=(*joined[-1].parts, TextPart("\n\n"), *message.parts))
        else:
            joined.append(message)
    return tuple(joined)
