"""Lines of one class: who goes first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.model import RequestId, UserId
from potluck.core.scheduling.asks import Ask, Target
from potluck.core.scheduling.classes import Kind, standards
from potluck.core.scheduling.goals import Goal
from potluck.core.scheduling.queue import Group, User, Waiting

STANDARD = standards({})[Kind.CHAT.place]
GOAL = Goal(Target("m", ()))

# A call comes, of a user; a call goes, counted from the oldest; a user is served, for some seconds.
Step = st.one_of(
    st.tuples(st.just("comes"), st.integers(0, 3)),
    st.tuples(st.just("goes"), st.integers(0, 5)),
    st.tuples(st.just("served"), st.integers(0, 3)),
)


@given(st.lists(Step, max_size=30))
def test_the_first_is_the_oldest_call_of_the_least_served_user(steps: list[tuple[str, int]]) -> None:
    users = [User() for _ in range(4)]
    group, waiting = Group(GOAL, STANDARD), list[Waiting]()
    for number, (what, which) in enumerate(steps):
        if what == "comes":
            ask = Ask(RequestId(str(number)), UserId(str(which)), "m", Kind.CHAT)
            waiting.append(Waiting(ask, GOAL, STANDARD, users[which], 0.0, 0.0, 9.0, number))
            group.add(waiting[-1])
        elif what == "served":
            users[which].served_s += 1.0
        elif which < len(waiting):
            group.remove(waiting.pop(which))
        if waiting:
            first = group.first()
            least_s = min(each.user.served_s for each in waiting)
            assert first.user.served_s == least_s
            assert first is next(each for each in waiting if each.user is first.user)
            assert group.heads(1) == [first]
            assert group.heads(2)[0].user.served_s == least_s
