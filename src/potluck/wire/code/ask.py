"""What requests for code have in common, whatever their dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from potluck.core.call import InfillCall, LoadCall
from potluck.core.model import Capability, Json
from potluck.core.openings import NO_OPENING, Opening, opening_of_text
from potluck.core.scheduling.classes import Kind
from potluck.wire.openai.fields import changed_body
from potluck.wire.port import NO_OPTIONS, AnswerMeta, AnswerWriter, Passage, Shape


class CodeAsk(msgspec.Struct, frozen=True):
    """A request for code, already read whole: they are small, and most must be translated (`wire.port.Ask`)."""

    shape: Shape
    body: bytes
    stream: bool
    made: InfillCall | LoadCall
    write: Callable[[AnswerMeta], AnswerWriter]
    watch: Callable[[AnswerMeta], Passage] | None = None
    generations: int = 1
    kind: Kind | None = None

    @property
    def model(self) -> str:
        return self.made.model

    @property
    def needs(self) -> frozenset[Capability]:
        return self.made.needs

    @property
    def opening(self) -> Opening:
        return opening_of_text(self.made.prefix) if isinstance(self.made, InfillCall) else NO_OPENING

    @property
    def answer_tokens(self) -> int | None:
        return self.made.sampling.max_tokens if isinstance(self.made, InfillCall) else 0

    @property
    def options(self) -> Mapping[str, Json]:
        return NO_OPTIONS

    @property
    def may_cut(self) -> bool:
        """Editors send more than fits, and engines leave out what is far from the cursor."""
        return True

    @property
    def untouchable(self) -> bool:
        """Whether any engine speaks the dialect at all."""
        return self.watch is not None

    def call(self) -> InfillCall | LoadCall:
        return self.made

    def writer(self, meta: AnswerMeta) -> AnswerWriter:
        return self.write(meta)

    def passed(self, model: str) -> bytes:
        """The body with the model's name, which the dialect leaves out and a llama.cpp with several models needs."""
        return self.body if self.model == model else changed_body(self.body, model=model, ask_usage=False)

    def passage(self, meta: AnswerMeta) -> Passage:
        assert self.watch is not None, "no engine speaks this shape"
        return self.watch(meta)
