"""Titles and tags of conversations, made in the background after their first answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from msgspec import UNSET

from potluck.core.answer import collect
from potluck.core.call import Role
from potluck.core.errors import PotluckError
from potluck.core.model import Engine, KeyId
from potluck.core.scheduling.classes import Kind
from potluck.core.titling import ask, choose, read
from potluck.gateway.announcements import Announcements
from potluck.gateway.port import Caller, Calls
from potluck.gateway.tasks import Tasks
from potluck.storage.conversation_ports import ConversationStore
from potluck.storage.conversation_records import ConversationChange, Titled
from potluck.storage.generations import GenerationHead
from potluck.storage.records import MessageState
from potluck.storage.temporary import is_temporary

log = structlog.get_logger(__name__)


class Titles:
    """Hears of every answer that is kept: says so to open portals, and has a title made for the first ones.

    A title is of the class background, by the smallest model that is in memory, on a node that has it there: it puts
    nothing out, and steps back for everybody. ``wanted``: the owner wants them. ``clock`` is Unix seconds.
    """

    def __init__(
        self,
        conversations: ConversationStore,
        calls: Calls,
        tasks: Tasks,
        announcements: Announcements,
        *,
        engines: Callable[[], Sequence[Engine]],
        caller_of: Callable[[KeyId], Caller | None],
        clock: Callable[[], float],
        wanted: bool,
    ) -> None:
        self._conversations = conversations
        self._calls = calls
        self._tasks = tasks
        self._announcements = announcements
        self._engines = engines
        self._caller_of = caller_of
        self._clock = clock
        self._wanted = wanted

    def kept(self, head: GenerationHead) -> None:
        self._announcements.conversation(head.user, head.conversation)
        if self._wanted and head.first and not is_temporary(head.conversation):
            self._tasks.spawn(self._try(head), "a title")

    async def _try(self, head: GenerationHead) -> None:
        """A conversation without one is shown by its first words: nothing is lost with it."""
        try:
            await self._make(head)
        except PotluckError as error:
            log.info("no title was made", conversation=head.conversation, why=error.message)

    async def _make(self, head: GenerationHead) -> None:
        # 1. Whether it wants one, and who could make it.
        thread = await self._conversations.get(head.conversation, head.user)
        answer = next((each for each in thread.messages if each.id == head.message), None)
        caller, chosen = self._caller_of(head.key), choose(self._engines())
        if answer is None or answer.new.state is not MessageState.COMPLETE or caller is None or chosen is None:
            return
        if thread.conversation.titled is not Titled.WORDS:
            return
        # 2. Ask.
        asked = (each.message.text for each in thread.branch(head.message) if each.message.role is Role.USER)
        question = next(asked, "")
        call = ask(chosen.model.id, question, answer.message.text)
        async with self._calls.generate(call, caller, kind=Kind.BACKGROUND, whole=True, node=chosen.node) as origin:
            said = collect([event async for event in origin.events()])
        made = read(said.choices[0].text if said.choices else "")
        if made is None:
            return
        # 3. Keep it, unless somebody has chosen one meanwhile.
        tags = made.tags if made.tags and not thread.conversation.tags else UNSET
        change = ConversationChange(title=made.title, titled=Titled.MODEL, tags=tags)
        await self._conversations.change(head.conversation, head.user, change, self._clock())
        self._announcements.conversation(head.user, head.conversation)
