"""Asks in a dialect that clients speak and no engine does: always translated, never passed through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import msgspec

from potluck.core.call import ChatCall
from potluck.core.model import Capability, Json
from potluck.core.openings import Opening, opening_of_turns
from potluck.core.scheduling.classes import Kind
from potluck.wire.errands import kind_of
from potluck.wire.port import NO_OPTIONS, AnswerMeta


class TranslatedAsk(msgspec.Struct, frozen=True):
    """What such asks have in common; a dialect adds its ``shape`` and its ``writer``. The call is made when read."""

    body: bytes
    stream: bool
    chat: ChatCall

    @property
    def model(self) -> str:
        return self.chat.model

    @property
    def needs(self) -> frozenset[Capability]:
        return self.chat.needs

    @property
    def kind(self) -> Kind | None:
        return kind_of(self.chat)

    @property
    def generations(self) -> int:
        return self.chat.choices

    @property
    def opening(self) -> Opening:
        return opening_of_turns((each.role, each.text) for each in self.chat.messages)

    @property
    def answer_tokens(self) -> int | None:
        return self.chat.sampling.max_tokens

    @property
    def options(self) -> Mapping[str, Json]:
        return NO_OPTIONS

    @property
    def may_cut(self) -> bool:
        return self.chat.hints.truncate is True

    @property
    def untouchable(self) -> bool:
        return False

    def call(self) -> ChatCall:
        return self.chat

    def passed(self, model: str) -> NoReturn:
        raise AssertionError(f"No engine speaks this shape, so {model} cannot be given its bytes.")

    def passage(self, meta: AnswerMeta) -> NoReturn:
        raise AssertionError(f"No engine speaks this shape, so {meta.model} cannot answer in it.")
