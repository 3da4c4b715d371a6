"""Several answers from an engine that gives one at a time: asked one after another, told to the client as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from potluck.core.answer import Event, Failed, Finish, Text, Timings, Usage, Vector, collect
from potluck.core.call import Call, ChatCall, TextCall
from potluck.core.errors import PotluckError
from potluck.wire.estimates import estimate
from potluck.wire.port import Account, AnswerWriter, EngineRequest


def split(call: Call) -> tuple[Call, ...]:
    """The call as calls for one answer each, in the order of their choices.

    A fixed seed is counted up, or all answers to one prompt would be the same.
    """
    if isinstance(call, ChatCall) and call.choices > 1:
        return tuple(_nth(replace(call, choices=1), index) for index in range(call.choices))
    if isinstance(call, TextCall) and call.choices * len(call.prompts) > 1:
        return tuple(
            _nth(replace(call, choices=1, prompts=(prompt,)), index)
            for prompt in call.prompts
            for index in range(call.choices)
        )
    return (call,)


def _nth(call: ChatCall | TextCall, index: int) -> Call:
    if call.sampling.seed is None:
        return call
    return replace(call, sampling=replace(call.sampling, seed=call.sampling.seed + index))


class PartsPassage:
    """A `wire.port.Passage` over several engine answers. ``advance`` turns to the next one while ``more``."""

    def __init__(
        self, first: EngineRequest, rest: list[EngineRequest], writer: AnswerWriter, *, prompt_tokens: int = 0
    ) -> None:
        self._requests = [first, *rest]
        self._at = 0
        self._prompt_tokens = prompt_tokens
        self._writer = writer
        self._events: list[Event] = []  # of a whole answer; a stream's are not kept
        self._prompts: list[Usage] = []
        self._timings: list[Timings] = []
        self._text_bytes = 0
        self._finish: Finish | None = None
        self._failure: PotluckError | None = None
        self.stream_type = writer.stream_type
        self.keep_alive = writer.keep_alive

    @property
    def more(self) -> bool:
        """Whether another part is still to be asked for."""
        return self._at + 1 < len(self._requests)

    def advance(self) -> EngineRequest:
        self._at += 1
        return self._requests[self._at]

    def open(self) -> bytes:
        return self._writer.open()

    def forward(self, data: bytes, now_s: float) -> bytes:
        self._raise_failure()
        return self._writer.write(self._shifted(self._requests[self._at].reader.feed(data)), now_s)

    def end(self, now_s: float) -> bytes:
        self._raise_failure()
        events = self._shifted(self._requests[self._at].reader.end())
        self._raise_failure()
        if self.more:
            return self._writer.write(events, now_s)
        return self._writer.write([*events, *self._totals()], now_s) + self._writer.close(now_s)

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        return self._writer.fail(error, request_id)

    def whole(self, body: bytes, now_s: float) -> bytes:
        self._events += self._shifted(self._requests[self._at].reader.whole(body))
        self._raise_failure()
        if self.more:
            return b""
        return self._writer.whole(collect([*self._events, *self._totals()]), now_s)

    def broken(self, fresh: Callable[[], AnswerWriter]) -> None:
        """None: of several answers in one stream nobody could say which engine goes on with which."""

    def account(self) -> Account:
        totals = self._totals()
        return Account(
            usage=next((each for each in totals if isinstance(each, Usage)), None),
            timings=next((each for each in totals if isinstance(each, Timings)), None),
            finish=self._finish.reason if self._finish else None,
            text_bytes=self._text_bytes,
        )

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _shifted(self, events: list[Event]) -> list[Event]:
        """This part's events as the whole answer's: its choice's number, and no totals yet."""
        told: list[Event] = []
        for event in events:
            if isinstance(event, Usage):
                self._prompts.append(event)
            elif isinstance(event, Timings):
                self._timings.append(event)
            elif isinstance(event, Failed):
                self._failure = event.error  # raised by the next call: what came before it is still to be delivered
            elif isinstance(event, Vector):
                told.append(event)
            else:
                told.append(replace(event, choice=self._at))
                self._text_bytes += len(event.text.encode()) if isinstance(event, Text) else 0
                self._finish = event if isinstance(event, Finish) else self._finish
        return told

    def _totals(self) -> list[Event]:
        totals: list[Event] = []
        if not self._prompts:
            totals.append(estimate(self._text_bytes, self._prompt_tokens))
        else:
            totals.append(
                Usage(
                    prompt=sum(each.prompt for each in self._prompts),
                    completion=sum(each.completion for each in self._prompts),
                    cached=sum(each.cached for each in self._prompts),
                    reasoning=sum(each.reasoning for each in self._prompts),
                    estimated=any(each.estimated for each in self._prompts),
                )
            )
        if self._timings:
            totals.append(
                Timings(
                    load_s=sum(each.load_s for each in self._timings),
                    prefill_s=sum(each.prefill_s for each in self._timings),
                    decode_s=sum(each.decode_s for each in self._timings),
                )
            )
        return totals
