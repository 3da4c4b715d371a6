from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from potluck.core.model import KeyId, RequestId
from potluck.core.waiting import Line

ANNA, BERT = KeyId("anna"), KeyId("bert")


def line_of(*places: tuple[str, KeyId], depth: int = 10) -> Line:
    line = Line(depth=depth, max_wait_s=60)
    for request, key in places:
        assert line.join(RequestId(request), key, now=0)
    return line


def test_callers_take_turns_however_many_calls_one_of_them_has() -> None:
    line = line_of(("a1", ANNA), ("a2", ANNA), ("a3", ANNA), ("b1", BERT))
    assert list(line.order()) == ["a1", "b1", "a2", "a3"]


def test_who_was_served_goes_behind_the_others() -> None:
    line = line_of(("a1", ANNA), ("a2", ANNA), ("b1", BERT))
    line.served(RequestId("a1"), ANNA)
    assert list(line.order()) == ["b1", "a2"]


def test_the_line_is_bounded() -> None:
    line = line_of(("a1", ANNA), depth=1)
    assert not line.join(RequestId("b1"), BERT, now=0)
    assert line.leave(RequestId("a1"), ANNA)
    assert line.join(RequestId("b1"), BERT, now=0)


def test_leaving_twice_frees_one_place_only() -> None:
    line = line_of(("a1", ANNA), ("a2", ANNA))
    assert line.leave(RequestId("a1"), ANNA)
    assert not line.leave(RequestId("a1"), ANNA)
    assert len(line) == 1


def test_waits_expire_when_they_are_as_long_as_allowed() -> None:
    line = line_of(("a1", ANNA))
    assert line.expired(now=59.9) == []
    assert line.expired(now=60) == ["a1"]


class LineMachine(RuleBasedStateMachine):
    """Whatever happens, the line holds exactly who joined and neither left nor was served."""

    def __init__(self) -> None:
        super().__init__()
        self.line = Line(depth=6, max_wait_s=10)
        self.model: dict[RequestId, KeyId] = {}
        self.count = 0

    @rule(key=st.sampled_from([ANNA, BERT, KeyId("carl")]))
    def join(self, key: KeyId) -> None:
        self.count += 1
        request = RequestId(str(self.count))
        joined = self.line.join(request, key, now=self.count)
        assert joined == (len(self.model) < 6)
        if joined:
            self.model[request] = key

    @precondition(lambda self: self.model)
    @rule(data=st.data(), serve=st.booleans())
    def go(self, data: st.DataObject, serve: bool) -> None:
        request = data.draw(st.sampled_from(sorted(self.model)))
        if serve:
            self.line.served(request, self.model.pop(request))
        else:
            assert self.line.leave(request, self.model.pop(request))

    @invariant()
    def everybody_is_in_order_once(self) -> None:
        order = list(self.line.order())
        assert sorted(order) == sorted(self.model)
        assert len(self.line) == len(self.model)
        # Fair: in every prefix of the order no caller is two ahead of another who still waits behind it.
        served: dict[KeyId, int] = {}
        waiting = dict.fromkeys(self.model.values(), 0)
        for key in self.model.values():
            waiting[key] += 1
        for request in order:
            key = self.model[request]
            served[key] = served.get(key, 0) + 1
            for other, total in waiting.items():
                assert served[key] - served.get(other, 0) <= 1 or served.get(other, 0) == total


TestLine = LineMachine.TestCase
TestLine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
